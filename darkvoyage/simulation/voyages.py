"""Voyages that hide no call: trade between ports, ferry lines, fishing."""

from __future__ import annotations

import numpy as np

from darkvoyage.simulation.diary import (
    ANCHORED,
    DRIFTING,
    FISHING,
    MOORED,
    SAILING,
    SLOT_S,
    SLOTS_PER_H,
    Call,
    Diary,
    Log,
    Silence,
)  # fmt: skip
from darkvoyage.simulation.fleet import Ship
from darkvoyage.simulation.geography import (
    GROUNDS,
    corners,
    make_path,
    nearest_hub,
    place_of,
    roads_of,
    route_nm,
)  # fmt: skip

__all__ = ["announce", "arrive", "destination_text", "faults", "hide_at_sea", "innocent_log", "loaded_draught"]

HONEST_DRAUGHT = 0.55
HONEST_DESTINATION = 0.75
"""Shares of departures after which the crew enters the new draught or destination; else the old one stays."""
BERTH_SPREAD_NM, ROADS_SPREAD_NM = 0.12, 0.4
"""Berths and anchor positions of a port lie this far apart, standard deviation [nm]."""
WAIT_SHARE = 0.35
WAIT_MEAN_H = 20.0
STOP_SHARE = 0.12
"""Voyages with a stop at sea, to wait for orders or repair the engine."""
SLOW_SHARE = 0.12
BERTH_SAFETY_SHARE = 0.10
"""Tanker calls at which the transmitter is isolated alongside, as ISGOTT allows."""
FAULTS_PER_DAY = 1 / 150
FAULT_MEDIAN_H = 14.0
OFF_MEDIAN_H = 36.0
OFF_LOG_SD = 0.7

_TEXT = {
    "KRPUS": "KR PUS", "KRUSN": "ULSAN", "KRKPO": "KR KPO", "KRTGA": "DONGHAE", "KRSHO": "SOKCHO", "JPKIJ": "JP KIJ",
    "JPSKT": "SAKATA", "JPAXT": "JP AXT", "JPFTX": "JP FTX", "JPTRG": "JP TRG", "JPMAI": "MAIZURU", "JPSMN": "JP SMN",
    "JPOTR": "OTARU", "JPHKD": "JP HKD", "JPTMK": "JP TMK", "RUOLP": "RU OLP", "RUVNN": "RU VNN",
    "RUKHO": "RU KHO", "RUVVO": "RU VVO", "RUVYP": "RU VYP", "RUNJK": "RU NJK", "KPCHO": "CHONGJIN", "KPWON": "WONSAN",
    "KPRJN": "RAJIN", "KPHGM": "HUNGNAM",
}  # fmt: skip


def destination_text(port: str) -> str:
    """What a mate types for a port."""
    return _TEXT[port]


def loaded_draught(ship: Ship, laden: bool, rng: np.random.Generator) -> float:
    """Draught of a laden ship, or of one in ballast [m]."""
    return ship.draught_max_m * float(rng.normal(0.94, 0.02) if laden else rng.normal(0.58, 0.03))


def announce(diary: Diary, target: str, laden: bool, *, draught_share: float, destination_share: float) -> None:
    """Enter the new voyage, or forget to."""
    rng = diary.rng
    diary.carry(laden)
    last = diary.typed[-1] if diary.typed else (0, loaded_draught(diary.ship, not laden, rng), "")
    draught = loaded_draught(diary.ship, laden, rng) if rng.random() < draught_share else last[1]
    text = destination_text(target) if rng.random() < destination_share else last[2]
    diary.type_in(draught, text, delay_h=float(rng.exponential(1.5)))


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
    turns = corners(origin, target)[:-1]
    berth = diary.spot(place_of(target), BERTH_SPREAD_NM)
    anchor = diary.spot(roads_of(target), ROADS_SPREAD_NM)
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


def _voyage(diary: Diary, origin: str, target: str) -> tuple[float, float]:
    """An ordinary voyage with its waiting and its stops; returns the berth."""
    rng = diary.rng
    wait = float(rng.exponential(WAIT_MEAN_H)) + 1.0 if rng.random() < WAIT_SHARE else 0.0
    stop = float(rng.uniform(5.0, 30.0)) if rng.random() < STOP_SHARE else 0.0
    pace = float(rng.uniform(0.7, 0.85)) if rng.random() < SLOW_SHARE else 1.0
    return arrive(diary, origin, target, wait_h=min(wait, 90.0), pace=pace, stop_h=stop)[0]


def innocent_log(ship: Ship, rng: np.random.Generator, last_slot: int) -> Log:
    """Everything one innocent ship does while it is in these waters.

    Parameters
    ----------
    ship : Ship
    rng : Generator
    last_slot : int
        End of the feed.

    Returns
    -------
    Log
    """
    first, last = round(ship.first_day * 144), min(round(ship.last_day * 144), last_slot)
    diary = Diary(ship, rng, first)
    write = {"trader": _trade, "ferry": _ferry, "fisher": _fish}[ship.kind]
    write(diary, last)
    log = diary.close(last)
    faults(log, rng)
    return log


def _trade(diary: Diary, last: int) -> None:
    ship, rng = diary.ship, diary.rng
    port, laden = str(rng.choice(ship.ports)), bool(rng.random() < 0.5)
    diary.stay(place_of(port), float(rng.uniform(1, 30)), MOORED)
    while diary.now < last:
        target = str(rng.choice([other for other in ship.ports if other != port]))
        laden = not laden if rng.random() < 0.8 else laden
        announce(diary, target, laden, draught_share=HONEST_DRAUGHT, destination_share=HONEST_DESTINATION)
        berth = _voyage(diary, port, target)
        port, begin = target, diary.now
        diary.stay(berth, float(np.clip(rng.lognormal(np.log(26.0), 0.5), 8, 110)), MOORED)
        if ship.ship_type // 10 == 8 and rng.random() < BERTH_SAFETY_SHARE:
            off, on = np.sort(rng.uniform(begin, diary.now, size=2)) * SLOT_S
            diary.silences.append(Silence(float(off), float(on), "berth_safety"))


def _ferry(diary: Diary, last: int) -> None:
    one, two = diary.ship.ports
    diary.stay(place_of(one), float(diary.rng.uniform(1, 20)), MOORED)
    announce(diary, two, True, draught_share=1.0, destination_share=1.0)
    while diary.now < last:
        announce(diary, two, True, draught_share=0.05, destination_share=0.9)
        berth, _ = arrive(diary, one, two, wait_h=0.0)
        diary.stay(berth, float(diary.rng.uniform(8, 20)), MOORED)
        one, two = two, one


def _fish(diary: Diary, last: int) -> None:
    rng, home = diary.rng, diary.ship.ports[0]
    near = sorted(GROUNDS, key=lambda ground: route_nm(home, nearest_hub(*ground)))[:4]
    diary.stay(place_of(home), float(rng.uniform(1, 40)), MOORED)
    diary.type_in(diary.ship.draught_max_m, "FISHING GROUNDS" if rng.random() < 0.5 else "")
    while diary.now < last:
        ground = near[int(rng.integers(len(near)))]
        centre = (ground[0] + float(rng.normal(0, 0.08)), ground[1] + float(rng.normal(0, 0.1)))
        path = np.vstack([corners(home, nearest_hub(*ground)), [*centre, 0.5]])
        diary.sail(make_path(path))
        diary.fish(centre, float(rng.uniform(20, 150)))
        diary.sail(make_path(path[::-1]))
        diary.stay(place_of(home), float(np.clip(rng.lognormal(np.log(30.0), 0.7), 6, 240)), MOORED)


def faults(log: Log, rng: np.random.Generator) -> None:
    """Transponders break: some hours without any transmission, anywhere."""
    for _ in range(rng.poisson(len(log.lat) / 144 * FAULTS_PER_DAY)):
        off = (log.first + float(rng.uniform(0, len(log.lat)))) * SLOT_S
        hours = float(np.clip(rng.lognormal(np.log(FAULT_MEDIAN_H), 0.6), 3, 72))
        log.silences.append(Silence(off, off + hours * 3600, "fault"))


def hide_at_sea(logs: list[Log], rng: np.random.Generator, number: int) -> list[Call]:
    """Some crews switch off at sea, for their own reasons, without calling anywhere meanwhile.

    Parameters
    ----------
    logs : list of Log
        The silences are added to them.
    rng : Generator
    number : int
        How many crews.

    Returns
    -------
    list of Call
    """
    calls: list[Call] = []
    chosen = [logs[place] for place in rng.permutation(len(logs)) if logs[place].ship.kind != "ferry"]
    for log in chosen:
        hours = float(np.clip(rng.lognormal(np.log(OFF_MEDIAN_H), OFF_LOG_SD), 12, 110))
        first = _stretch_at_sea(log, rng, hours)
        if first is not None and len(calls) < number:
            off, on = first * SLOT_S, first * SLOT_S + hours * 3600
            log.silences.append(Silence(off, on, "off_no_call"))
            calls.append(Call(log.ship.mmsi, off, on, "off_no_call", None, np.nan, np.nan, False, 0.0, 0.0))
    return calls


def _stretch_at_sea(log: Log, rng: np.random.Generator, hours: float) -> float | None:
    """Slot at which that many hours without a port begin, if the ship has them."""
    away = np.r_[0, np.cumsum(~np.isin(log.mode, (SAILING, DRIFTING, FISHING)))]
    slots = int(hours * SLOTS_PER_H) + 2
    free = np.flatnonzero(away[slots:] == away[:-slots]) if len(away) > slots else np.empty(0, dtype="int64")
    return float(log.first + rng.choice(free) + rng.random()) if len(free) else None
