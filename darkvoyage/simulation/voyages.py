"""Voyages that hide nothing: trade between ports, ferry lines, fishing, ships that only pass."""

from __future__ import annotations

import numpy as np

from darkvoyage.simulation.diary import ANCHORED, MOORED, SLOTS_PER_DAY, Diary, Log
from darkvoyage.simulation.presets import Habits, Honesty
from darkvoyage.simulation.sea import Sea, make_path
from darkvoyage.simulation.ship import Ship

__all__ = ["announce", "arrive", "honest_log", "loaded_draught", "way_out"]

BERTH_SPREAD_NM, ROADS_SPREAD_NM = 0.12, 0.4
"""Berths and anchor positions of a port lie this far apart, standard deviation [nm]."""
_TYPED_MEAN_H, _LATE_H = 1.5, (6.0, 36.0)
"""How long after departure a voyage entry is made, in time or late [h]."""
_FALSE_TEXTS = ("FOR ORDERS", "FISHING AREA", "CHINA", "AT SEA", "")
_HISTORY_D = 12.0
"""Ships are on their way when the feed begins: their diaries start up to this long before [d]."""
_WORDS = ("honest", "late", "stale", "false")
_LONGEST_WAIT_H = 90.0


def loaded_draught(ship: Ship, laden: bool, rng: np.random.Generator) -> float:
    """Draught of a laden ship, or of one in ballast [m]."""
    return ship.draught_max_m * float(rng.normal(0.94, 0.02) if laden else rng.normal(0.58, 0.03))


def announce(diary: Diary, target: str, laden: bool, draught: Honesty, destination: Honesty) -> tuple[str, str]:
    """Enter the new voyage, late, falsely, or not at all; returns how draught and destination were entered."""
    rng, ship = diary.rng, diary.ship
    diary.carry(laden)
    how = [_WORDS[rng.choice(4, p=[getattr(rule, word) for word in _WORDS])] for rule in (draught, destination)]
    after = [float(rng.uniform(*_LATE_H)) if word == "late" else float(rng.exponential(_TYPED_MEAN_H)) for word in how]
    metres = None if how[0] == "stale" else loaded_draught(ship, laden != (how[0] == "false"), rng)
    text = str(rng.choice(_FALSE_TEXTS)) if how[1] == "false" else diary.sea.destination_text[target]
    diary.type_in(
        metres, None if how[1] == "stale" else text, draught_after_h=after[0], destination_after_h=after[1]
    )  # fmt: skip
    return how[0], how[1]


def arrive(
    diary: Diary, origin: str, target: str, *, wait_h: float, pace: float = 1.0, stop_h: float = 0.0
) -> tuple[tuple[float, float], int]:
    """Sail from port to port.

    Parameters
    ----------
    diary : Diary
        Is written on.
    origin, target : str
    wait_h : float
        Time at anchor in the roads of the target [h].
    pace : float
        Speed over the ship's own.
    stop_h : float
        Time adrift on the way [h].

    Returns
    -------
    berth : tuple of float
        Latitude and longitude.
    there : int
        Slot of the arrival, in the roads if the ship waits there.
    """
    sea = diary.sea
    turns = sea.corners(origin, target)[:-1]
    berth = diary.spot(sea.place_of(target), BERTH_SPREAD_NM)
    anchor = diary.spot(sea.roads_of(target), ROADS_SPREAD_NM)
    path = make_path(np.vstack([turns, [*(anchor if wait_h > 0 else berth), 0.02]]))
    if stop_h > 0:
        share = float(diary.rng.uniform(0.35, 0.65))
        diary.sail(path, pace=pace, share=(0.0, share))
        diary.drift(stop_h)
        diary.sail(path, pace=pace, share=(share, 1.0))
    else:
        diary.sail(path, pace=pace)
    there = diary.now
    if wait_h > 0:
        diary.stay(anchor, wait_h, ANCHORED)
        diary.sail(make_path(np.array([[*anchor, 0.02], [*berth, 0.02]])), pace=0.6)
    return berth, there


def way_out(sea: Sea, port: str, spot: tuple[float, float]) -> np.ndarray:
    """Turning points from a port by way of open water to a place at sea."""
    return np.vstack([sea.corners(port, sea.nearest_hub(*spot)), [*spot, 0.5]])


def honest_log(ship: Ship, sea: Sea, habits: Habits, rng: np.random.Generator, last: int) -> Log:
    """Everything one ship that hides nothing does while it is in these waters.

    Parameters
    ----------
    ship : Ship
    sea : Sea
    habits : Habits
    rng : Generator
    last : int
        Slot at which the feed ends.

    Returns
    -------
    Log
    """
    begin, end = round(ship.first_day * SLOTS_PER_DAY), min(round(ship.last_day * SLOTS_PER_DAY), last)
    history = 0 if ship.kind == "passing" else round(float(rng.uniform(0.0, _HISTORY_D)) * SLOTS_PER_DAY)
    diary = Diary(ship, sea, rng, begin - history)
    if ship.kind == "passing":
        _pass(diary, habits)
    elif ship.kind == "fisher":
        _fish(diary, end)
    else:
        _trade(diary, habits, end)
    return diary.close(begin, end)


def _trade(diary: Diary, habits: Habits, last: int) -> None:
    """From port to port, at random or to and fro on a line."""
    ship, sea, rng = diary.ship, diary.sea, diary.rng
    ferry = ship.kind == "ferry"
    port, laden = str(rng.choice(ship.ports)), bool(rng.random() < 0.5)
    diary.stay(sea.place_of(port), float(rng.uniform(1, 30)), MOORED)
    while diary.now < last:
        target = str(rng.choice([other for other in ship.ports if other != port]))
        laden = not laden if rng.random() < 0.8 else laden
        announce(diary, target, laden or ferry, habits.draught, habits.destination)
        berth = arrive(diary, port, target, wait_h=0.0)[0] if ferry else _voyage(diary, habits, port, target)
        port = target
        hours = rng.uniform(8, 20) if ferry else np.clip(rng.lognormal(np.log(26.0), 0.5), 8, 110)
        diary.stay(berth, float(hours), MOORED)


def _voyage(diary: Diary, habits: Habits, origin: str, target: str) -> tuple[float, float]:
    """An ordinary voyage with its waiting and its stops; returns the berth."""
    rng = diary.rng
    wait = float(rng.exponential(habits.wait_mean_h)) + 1.0 if rng.random() < habits.wait_share else 0.0
    stop = float(rng.uniform(*habits.stop_h)) if rng.random() < habits.stop_share else 0.0
    pace = float(rng.uniform(*habits.slow_pace)) if rng.random() < habits.slow_share else 1.0
    return arrive(diary, origin, target, wait_h=min(wait, _LONGEST_WAIT_H), pace=pace, stop_h=stop)[0]


def _fish(diary: Diary, last: int) -> None:
    rng, sea, home = diary.rng, diary.sea, diary.ship.ports[0]
    near = sorted(sea.grounds, key=lambda ground: sea.route_nm(home, sea.nearest_hub(*ground)))[:4]
    diary.stay(sea.place_of(home), float(rng.uniform(1, 40)), MOORED)
    diary.type_in(diary.ship.draught_max_m, "FISHING GROUNDS" if rng.random() < 0.5 else "")
    while diary.now < last:
        ground = near[int(rng.integers(len(near)))]
        centre = (ground[0] + float(rng.normal(0, 0.08)), ground[1] + float(rng.normal(0, 0.1)))
        turns = way_out(sea, home, centre)
        diary.sail(make_path(turns))
        diary.fish(centre, float(rng.uniform(20, 150)))
        diary.sail(make_path(turns[::-1]))
        diary.stay(sea.place_of(home), float(np.clip(rng.lognormal(np.log(30.0), 0.7), 6, 240)), MOORED)


def _pass(diary: Diary, habits: Habits) -> None:
    """Come into sight at sea on a long voyage, and out of sight again before its end."""
    rng, sea = diary.rng, diary.sea
    ports = [port for coast in sea.homes.values() for port in coast]
    origin = str(rng.choice(ports))
    far = sorted(ports, key=lambda port: sea.route_nm(origin, port))[-max(len(ports) // 3, 1) :]
    target = str(rng.choice(far))
    announce(diary, target, bool(rng.random() < 0.5), habits.draught, habits.destination)
    share = (float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.7, 0.95)))
    diary.sail(make_path(sea.corners(origin, target)), share=share)
