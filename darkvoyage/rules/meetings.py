"""Options of ships that meet at sea, and of ships that linger there."""

from __future__ import annotations

import math

from darkvoyage.errors import RuleError
from darkvoyage.options import option, rule

__all__ = ["EncounterRule", "LoiteringRule", "MeetingRule", "TransferAtSeaRule"]

_MIN_PER_DAY = 1440


@rule
class EncounterRule:
    """When two ships that can both be heard have met; the defaults are those of `gfw`.

    Parameters
    ----------
    max_distance_m : float
        Two ships are together while they are no further apart than this [m].
    min_h : float
        They must stay together for at least this long [h].
    max_speed_kn : float
        Median speed over ground of the meeting must be below this [kn].
    merge_h : float
        Meetings of one pair with less than this between them are one [h]. A time in which one of the two was not heard,
        and which is shorter than this, does not part them either.
    every_min : int
        Step of the time grid on which the ships are compared [min]; divides a day. Starts and ends are grid times, so a
        meeting is found up to two steps too short.
    max_hole_h : float
        Between two fixes of a ship its place is interpolated if they are less than this apart [h].
    extrapolate_h : float
        Ships sail on from the last fix of their track, and to its first one, for up to this long [h]. 0: what nobody
        heard is not known.
    min_port_nm : float
        Where ports are given, ships nearer than this to one (or within its radius) meet nobody [nm].
    max_neighbours : int
        Of ships that lie in a crowd, only so many neighbours, the nearest, are looked at; a pair counts if either has
        the other among them. Bounds the work in full anchorages.
    """

    max_distance_m: float = option(default=500.0, gt=0, le=20_000)
    min_h: float = option(default=2.0, ge=0, le=8760)
    max_speed_kn: float = option(default=2.0, gt=0, le=200)
    merge_h: float = option(default=4.0, ge=0, le=168)
    every_min: int = option(default=10, ge=1, le=120)
    max_hole_h: float = option(default=1.0, gt=0, le=24)
    extrapolate_h: float = option(default=0.0, ge=0, le=6)
    min_port_nm: float = option(default=10 / 1.852, ge=0, le=200)
    max_neighbours: int = option(default=100, ge=1, le=10_000)

    def __post_init__(self) -> None:
        if self.every_min in range(1, _MIN_PER_DAY) and _MIN_PER_DAY % self.every_min:
            raise RuleError(f"EncounterRule.every_min = {self.every_min}: must divide a day of {_MIN_PER_DAY} minutes")

    @classmethod
    def gfw(cls) -> EncounterRule:
        """Global Fishing Watch: 500 m, 2 h, under 2 kn, 10 km from an anchorage (pipe-encounters 4.4.0)."""
        return cls()

    @classmethod
    def skylight(cls) -> EncounterRule:
        """Skylight's standard rendezvous: 250 m for 30 minutes; no speed is published, so none is asked for."""
        return cls(max_distance_m=250.0, min_h=0.5, max_speed_kn=200.0, every_min=5)

    @classmethod
    def kerch(cls) -> EncounterRule:
        """Transfers off Kerch (Ballinger 2024, arXiv 2404.07607): 500 m, 2 h, under 1 kn."""
        return cls(max_speed_kn=1.0)


@rule
class TransferAtSeaRule:
    """How `classify_encounters` weighs what an encounter looks like; nothing here was fitted to labels.

    Parameters
    ----------
    prior : float
        Share of transfers among encounters. 0.5 says nothing.
    length_m : float
        Length of a ship of which none is known [m].
    position_err_m : float
        What positions and antenna offsets add to the distance of two hulls that touch [m]; scale of the tail beyond.
    contact_share : float
        Share of transfers in which the hulls touch, as far as positions tell; the others go by boat or hose astern.
    max_distance_m : float
        Radius within which ships that have nothing to do with each other lie anywhere [m]: that of the encounters.
    kind_llr : float
        Weight of the pair's kinds [nats]: ln 2 for tankers, a tanker and a customer, a fishing vessel and a carrier;
        twice as much against it for craft that come alongside to serve.
    max_llr : float
        Bound of the distance evidence [nats]: ln 20.
    """

    prior: float = option(default=0.5, gt=0, lt=1)
    length_m: float = option(default=100.0, gt=0, le=500)
    position_err_m: float = option(default=30.0, gt=0, le=1000)
    contact_share: float = option(default=0.9, ge=0, le=1)
    max_distance_m: float = option(default=500.0, gt=0, le=20_000)
    kind_llr: float = option(default=math.log(2.0), ge=0, le=5)
    max_llr: float = option(default=math.log(20.0), gt=0, le=20)


@rule
class LoiteringRule:
    """When a ship lingers at sea.

    Parameters
    ----------
    max_speed_kn : float
        Mean speed below which, strictly, an hour is slow [kn]. 2 kn: pipe-loitering 4.2.11.
    hours : {"sliding", "clock"}
        Which hours are looked at: every one, wherever it begins, or those of the UTC clock, as pipe-loitering does.
    min_h : float
        A shorter stretch is not reported [h]. 4 h: Global Fishing Watch's product; Welch et al. 2022.
    max_hole_h : float
        A longer silence ends a stretch [h]: it is a gap (6 h, as in `GapRule`), and what the ship did in it is not
        known.
    min_port_nm : float
        Where ports are given, a ship nearer than this to one (or within its radius) does not linger but call [nm].
    """

    max_speed_kn: float = option(default=2.0, gt=0, le=50)
    hours: str = option(default="sliding", choices=("sliding", "clock"))
    min_h: float = option(default=4.0, ge=0, le=8760)
    max_hole_h: float = option(default=6.0, gt=0, le=8760)
    min_port_nm: float = option(default=10 / 1.852, ge=0, le=200)

    @classmethod
    def gfw(cls) -> LoiteringRule:
        """Every event of pipe-loitering 4.2.11, however short: clock hours, segments that end after 24 h of silence."""
        return cls(hours="clock", min_h=0.0, max_hole_h=24.0)


@rule
class MeetingRule:
    """Which ships could have met unheard, and how many of them are listed.

    Parameters
    ----------
    min_h : float
        Shortest time together that counts [h]. 6 h: manoeuvring and mooring take 1-3 h, hoses 1-2 h, the cargo 8-30 h,
        unmooring 1-2 h; 6 h is the least that a cargo takes in all. Bunkers, stores and people are handed over in half
        an hour.
    max_partners : int
        Partners listed per gap, the likeliest ones: a ship that is silent for months could have met everybody.
    least_p_met : float
        Partners less likely than this are not listed. 0: all, up to `max_partners`. In simulated worlds 95 % of the
        true partners that could be listed have 0.0028 or more.
    min_port_nm : float
        Where ports are given, a ship that lingers nearer than this to a port, or within its radius, waits for the port
        and for nobody at sea [nm]. 10 km: pipe-encounters 4.4.0.
    max_draught_llr : float
        Bound of the draught evidence [nats]: ln 8, because draughts are typed by hand and may lie.
    """

    min_h: float = option(default=6.0, gt=0, le=240)
    max_partners: int = option(default=20, ge=1, le=100_000)
    least_p_met: float = option(default=1e-4, ge=0, le=1)
    min_port_nm: float = option(default=10 / 1.852, ge=0, le=200)
    max_draught_llr: float = option(default=math.log(8.0), gt=0, le=20)
