"""Options of what is learned from the past of a fleet: its speeds, its ports, its stays."""

from __future__ import annotations

from darkvoyage.options import option, rule

__all__ = ["HistoryRule"]


@rule
class HistoryRule:
    """What a ship's and a fleet's past says about what a ship does unseen.

    Parameters
    ----------
    speed_days : float
        Speeds are those of the ship's last days that are this many [d]. 90 d: a season, one state of hull and market.
    leg_h, longest_leg_h : float
        Speeds are measured over about the first, and never over silences longer than the second [h].
    moving_kn : float
        A slower leg is no passage [kn].
    speed_sd_kn, sd_days : float
        Spread of a ship's daily means where nothing is known of it [kn], and the number of its days that weigh as much
        as this.
    laden_share : float
        A ship counts as laden at this share of its deepest draught or more, else as in ballast. Nothing is said of a
        ship that never lay shallower than that: it does not retype its draught.
    wait_kn, wait_nm, longest_wait_h : float
        A leg slower than the first, within the second of the port and at most the third before the arrival, is waiting
        for the berth [kn, nm, h].
    floor_visits : float
        Every place counts as visited this often by the fleet, so that one without a visit can be called at.
    kind_visits, own_visits, order_visits : float
        Number of visits at which a narrower count weighs as much as the broader one that it is pulled to: those of
        ships of the same kind to those of the fleet, the ship's own to those of its kind, and the ship's own calls
        after and before the ports next to the gap to its calls at large.
    repeat_share : float
        A port counts this much at a gap next to which the ship called there already.
    silent_share : float
        A visit that shows no stop counts this much: it is a silence beside the port, which may hide a call elsewhere.
    harbour_share, harbour_nm : float
        A ship's visit counts this much at the other places within the second of its own [nm].
    schedule_share, schedule_visits : float
        Share of the visits that keep the day of the week, of ships in general, and the number of a ship's returns to
        places that weigh as much as this.
    terminal_share : float
        A terminal counts this much for a ship that says it is no tanker.
    detour_nm : float
        A usual port falls by exp(-detour / detour_nm) with the way that it adds [nm].
    far_share, far_nm : float
        Share of the calls that may be anywhere, whatever the ship did before, and the length by which these fall with
        the way that they add [nm].
    """

    speed_days: float = option(default=90.0, gt=0)
    leg_h: float = option(default=1.0, gt=0, le=24)
    longest_leg_h: float = option(default=6.0, gt=0)
    moving_kn: float = option(default=3.0, gt=0, le=20)
    speed_sd_kn: float = option(default=1.2, gt=0, le=20)
    sd_days: float = option(default=3.0, gt=0)
    laden_share: float = option(default=0.75, gt=0, lt=1)
    wait_kn: float = option(default=1.5, gt=0, le=10)
    wait_nm: float = option(default=30.0, ge=0)
    longest_wait_h: float = option(default=240.0, gt=0)
    floor_visits: float = option(default=0.4, gt=0)
    kind_visits: float = option(default=2.0, gt=0)
    own_visits: float = option(default=0.2, gt=0)
    order_visits: float = option(default=8.0, gt=0)
    repeat_share: float = option(default=0.5, gt=0, le=1)
    silent_share: float = option(default=0.1, ge=0, le=1)
    harbour_share: float = option(default=0.18, ge=0, le=1)
    harbour_nm: float = option(default=4.0, ge=0, le=100)
    schedule_share: float = option(default=0.08, ge=0, lt=1)
    schedule_visits: float = option(default=3.0, gt=0)
    terminal_share: float = option(default=0.4, gt=0, le=1)
    detour_nm: float = option(default=30.0, gt=0)
    far_share: float = option(default=0.2, ge=0, lt=1)
    far_nm: float = option(default=500.0, gt=0)
