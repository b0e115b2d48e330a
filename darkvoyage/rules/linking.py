"""Options of the links between sightings and gaps."""

from __future__ import annotations

from darkvoyage.options import option, rule

__all__ = ["LinkRule"]


@rule
class LinkRule:
    """How sightings are linked to gaps.

    Parameters
    ----------
    max_speed_kn : float
        Class cap of the space-time prism [kn]; 16 kn covered 99.95 % of masked tanker gaps.
    slack_nm : float
        Radius added to the prism [nm].
    share_bridge, share_excursion, share_prism : float
        Weights of going straight on, of calling at a port and coming back, and of being anywhere reachable, in a
        silence of `excursion_h`.
    excursion_h : float
        Length of a silence in which a call, or being anywhere, is as likely as its share says; the odds of a call grow
        in proportion, those of being anywhere up to there [h]. Of random
        hours of ships not lying still (development half of ten public feeds, median of the feeds) 3 % of 2 h hold a
        whole port call, 7 % of 6 h, 16 % of 12 h, 38 % of 24 h, 43 % of 48 h, 35 % of 96 h and 80 % of 192 h.
    port_sd_nm : float
        Spread of berth positions around a port [nm].
    service_h : float
        Time alongside assumed for the excursion [h].
    by_sea : bool
        Ways to ports are measured around land, not along great circles, and land is no place for a ship. Off: it costs
        a field for each port, and on simulated campaigns of development seeds as many ships are found without.
    detour_nm : float
        An excursion's weight falls by exp(-detour / detour_nm) [nm].
    background_per_nm2 : float
        Density of vessels that nobody told us about, at a port or anchorage [1/nm2].
    false_alarm_per_nm2 : float
        Density of detections that are no vessel [1/nm2].
    unknown_length_m, unknown_length_log_sd : float
        Log-normal length of unknown vessels [m]; 53 m is the median of unmatched radar detections (Kroodsma et al.
        2022). The sightings at hand adjust it.
    p_detect_max : float
        Chance that a ship of good size in a clear scene is seen.
    absence_share : float
        Ports with this share of a gap's calls have rows of the scenes that show them without the ship, fifty at most;
        sensitive ones have them always.
    min_llr : float
        Pairs below this are dropped [nats].
    most_gaps : int
        Gaps that a sighting keeps, the likeliest; what the others weigh is counted as nobody we know, and reported.
    merged_length : float
        A sighting longer than either of two ships by this factor may be both of them, side by side or in line.
    merged_share : float
        Chance that it is, before looking at which: of ships heard in an hour off Finland one of fifty under way and two
        of five at rest, mostly at quays, had another within 100 m.
    exact_side : int
        Problems whose smaller side has at most so many ships or sightings are summed exactly, others by beliefs.
    tolerance : float
        Beliefs that change by less are done.
    rounds : int
        Rounds of beliefs at most; 8 were enough in the median of random problems.
    assert_p, assert_odds, assert_unknown : float
        A link is asserted from this probability on, if it is so many times likelier than the next gap, and if nobody
        we know has less than this.
    """

    max_speed_kn: float = option(default=16.0, gt=0, le=80)
    slack_nm: float = option(default=0.2, ge=0)
    share_bridge: float = option(default=0.60, gt=0)
    share_excursion: float = option(default=0.25, gt=0)
    share_prism: float = option(default=0.15, gt=0)
    excursion_h: float = option(default=20.0, gt=0)
    port_sd_nm: float = option(default=0.8, gt=0)
    service_h: float = option(default=20.0, gt=0)
    by_sea: bool = False
    detour_nm: float = option(default=200.0, gt=0)
    background_per_nm2: float = option(default=0.03, gt=0)
    false_alarm_per_nm2: float = option(default=0.0003, gt=0)
    unknown_length_m: float = option(default=53.0, gt=0)
    unknown_length_log_sd: float = option(default=0.6, gt=0)
    p_detect_max: float = option(default=0.95, gt=0, lt=1)
    absence_share: float = option(default=0.02, gt=0, le=1)
    min_llr: float = option(default=-7.0, le=0)
    most_gaps: int = option(default=50, ge=1)
    merged_length: float = option(default=1.3, gt=1)
    merged_share: float = option(default=0.03, gt=0, lt=1)
    exact_side: int = option(default=12, ge=1, le=16)
    tolerance: float = option(default=1e-6, gt=0)
    rounds: int = option(default=200, ge=1)
    assert_p: float = option(default=0.9, gt=0.5, le=1)
    assert_odds: float = option(default=10.0, ge=1)
    assert_unknown: float = option(default=0.1, gt=0, le=1)
