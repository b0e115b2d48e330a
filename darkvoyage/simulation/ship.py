"""One hull: what it is, where it trades, how well it is heard."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ship"]


@dataclass(frozen=True)
class Ship:
    """One fictional hull.

    Parameters
    ----------
    mmsi, imo : int
        `imo` is 0 where the ship has none.
    name : str
    kind : {"trader", "ferry", "fisher", "passing", "hider"}
    ship_type : int
        ITU code.
    ais_class : {"A", "B"}
    dwt_t, length_m, beam_m, draught_max_m, speed_kn : float
    strength : float
        How well this ship is heard beside the mean ship: antenna, power, upkeep.
    ports : tuple of str
        Where it trades.
    first_day, last_day : float
        When it is in these waters [d since the feed began].
    """

    mmsi: int
    imo: int
    name: str
    kind: str
    ship_type: int
    ais_class: str
    dwt_t: float
    length_m: float
    beam_m: float
    draught_max_m: float
    speed_kn: float
    strength: float
    ports: tuple[str, ...]
    first_day: float
    last_day: float
