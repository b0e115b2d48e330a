"""Options of the fixes, the tracks and their gaps."""

from __future__ import annotations

from darkvoyage.options import option, rule

__all__ = ["CleanRule", "GapRule"]


@rule
class CleanRule:
    """How `clean_fixes` judges fixes.

    Parameters
    ----------
    max_speed_kn : float
        A transition faster than this is a jump [kn]. 50 kn is the implied-speed limit in use at open AIS tools; the
        fastest displacement ships in service stay below it.
    jump_slack_nm : float
        Distance forgiven in any transition [nm]: position error, and times rounded to the minute at 20 kn (0.33 nm).
    hull_min_fixes : int
        A stretch of at least this many fixes that cannot belong to the main track is another hull; a shorter one is a
        jump. Same order as the short-segment limit of gpsdio-segment 3.0.0 (10).
    hull_min_share : float
        Another hull also needs this share of the MMSI's fixes while it lasts; scattered false positions have less.
    lookahead : int
        How many later stretches of the same MMSI are tried as continuation of one.
    """

    max_speed_kn: float = option(default=50.0, gt=0, le=1000)
    jump_slack_nm: float = option(default=1.0, ge=0, le=100)
    hull_min_fixes: int = option(default=10, ge=2)
    hull_min_share: float = option(default=0.05, ge=0, le=1)
    lookahead: int = option(default=8, ge=1, le=64)


@rule
class GapRule:
    """What counts as a gap.

    Parameters
    ----------
    min_gap_h : float
        A silence longer than this, strictly, is a gap [h]. 6 h: Skylight's dark events and Global Fishing Watch's naive
        gaps.
    lookback_h : float
        Window of the fix counts before and after the gap [h]. 12 h: Welch et al. 2022, pipe-gaps 0.9.4.
    max_lateness_h : float
        In dumps and daily updates, a fix that comes further than this behind the newest of its MMSI is left out and
        counted [h]. 24 h: daily archives; satellite AIS comes in within hours.
    """

    min_gap_h: float = option(default=6.0, gt=0)
    lookback_h: float = option(default=12.0, gt=0, le=24)
    max_lateness_h: float = option(default=24.0, ge=0, le=8760)
