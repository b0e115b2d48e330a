"""The dark fleet: ordinary coasting in the open, and calls that the ships hide.

After the published facts about Vostochny in 2024: about 43 calls between 7 March and 5 November by small tankers that
come empty and leave almost full of gasoil for ports on the other side, their signal cut before and after berthing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.simulation.diary import ANCHORED, MOORED, SLOT_S, SLOTS_PER_H, Call, Diary, Log, Silence
from darkvoyage.simulation.fleet import Ship
from darkvoyage.simulation.geography import corners, make_path, place_of, roads_of, route_nm
from darkvoyage.simulation.voyages import (
    BERTH_SPREAD_NM,
    ROADS_SPREAD_NM,
    announce,
    arrive,
    destination_text,
    loaded_draught,
)  # fmt: skip
from darkvoyage.units import BBL_PER_M3

__all__ = ["Plan", "dark_log", "plan_fleet"]

CHANCES, CALLS_MEAN, CALLS_MIN, CALLS_MAX = 52, 43.0, 38, 48
FIRST_DAY, LAST_DAY = 5.6, 244.0
"""Departures towards the terminal, so that calls fall between 7 March and 5 November [d since the feed began]."""
CYCLE_DAYS = 16.0
"""Two events of one ship begin at least this far apart [d]."""
OTHER_PORT_SHARE = 0.10
DISCHARGE = (("KPCHO", 0.5), ("KPWON", 0.25), ("KPRJN", 0.25))
WAIT_SHARE, WAIT_MEAN_H, WAIT_MAX_H = 0.6, 24.0, 72.0
LOADING_H = (14.0, 40.0)
HOLD_SHARE, HOLD_H = 0.3, (6.0, 40.0)
"""Ships that drift or steam slowly before they show themselves again."""
EMPTY_SHARE = 0.02
FILL_MEAN, FILL_SD, FILL_MIN, FILL_MAX = 0.90, 0.05, 0.70, 0.98
"""Fill of the cargo deadweight: "almost full" is taken as nine tenths."""
CARGO_SHARE_OF_DWT = 0.95
GASOIL_T_PER_M3 = (0.845, 0.008)
HONEST_DRAUGHT, HONEST_DESTINATION = 0.30, 0.45
FALSE_DRAUGHT, FALSE_DESTINATION = 0.15, 0.30
_FALSE_TEXTS = ("FOR ORDERS", "DONGHAE", "FISHING AREA", "RU VVO", "")


@dataclass(frozen=True)
class Plan:
    """Something a ship of the dark fleet sets out for on a given day: `kind` is dark_call, off_no_call or open_call."""

    day: float
    kind: str
    port: str


def plan_fleet(ships: int, rng: np.random.Generator, *, dark_calls: bool) -> list[list[Plan]]:
    """Share out the calls of the campaign, and what else the ships do beside coasting.

    Parameters
    ----------
    ships : int
    rng : Generator
    dark_calls : bool
        False leaves the hidden calls out, and everything else as it is.

    Returns
    -------
    list of list of Plan
        One list per ship, in order of time.
    """
    number = int(np.clip(rng.binomial(CHANCES, CALLS_MEAN / CHANCES), CALLS_MIN, CALLS_MAX))
    weights = rng.dirichlet(np.full(ships, 4.0))
    shares = np.ones(ships, dtype="int64") + rng.multinomial(number - ships, weights)
    while shares.max() > 9:
        shares[shares.argmax()] -= 1
        shares[shares.argmin()] += 1
    kinds = [["dark_call"] * int(share) for share in shares]
    for ship in rng.choice(ships, size=int(rng.integers(3, 5)), replace=False):
        kinds[ship].append("off_no_call")
    for ship in rng.choice(ships, size=int(rng.integers(1, 4)), replace=False):
        kinds[ship].append("open_call")
    plans = []
    for sorts in kinds:
        free = LAST_DAY - FIRST_DAY - CYCLE_DAYS * (len(sorts) - 1)
        days = FIRST_DAY + np.sort(rng.uniform(0.0, free, size=len(sorts))) + CYCLE_DAYS * np.arange(len(sorts))
        ports = np.where(rng.random(len(sorts)) < OTHER_PORT_SHARE, "RUNJK", "RUVYP")
        order = rng.permutation(len(sorts))
        mine = [Plan(float(days[k]), sorts[order[k]], str(ports[k])) for k in range(len(sorts))]
        plans.append([plan for plan in mine if dark_calls or plan.kind != "dark_call"])
    return plans


def dark_log(ship: Ship, rng: np.random.Generator, plans: list[Plan], last_slot: int) -> tuple[Log, list[Call]]:
    """Everything one ship of the dark fleet does, and the truth about its silences.

    Parameters
    ----------
    ship : Ship
    rng : Generator
    plans : list of Plan
    last_slot : int

    Returns
    -------
    log : Log
    calls : list of Call
        Hidden calls, and silences at sea without one.
    """
    diary, calls = Diary(ship, rng, 0), []
    port = str(rng.choice(ship.ports))
    diary.type_in(loaded_draught(ship, False, rng), destination_text(port))
    diary.stay(roads_of(port), float(rng.uniform(2, 20)), ANCHORED)
    for plan in plans:
        port = _coast(diary, port, round(plan.day * 144))
        if plan.kind == "off_no_call":
            call, port = _drift_unseen(diary, port)
            calls.append(call)
        else:
            call, port = _shuttle(diary, port, plan.port)
            if plan.kind == "dark_call":
                calls.append(call)
                diary.silences.append(Silence(call.off_s, call.on_s, "dark_call"))
    _coast(diary, port, last_slot + 1)
    return diary.close(last_slot), calls


def _coast(diary: Diary, port: str, until: int) -> str:
    """Wait and sail between the ports of the coast until a given slot; returns where the ship then lies."""
    rng = diary.rng
    while diary.now < until:
        left = (until - diary.now) / SLOTS_PER_H
        target = str(rng.choice([other for other in diary.ship.ports if other != port]))
        passage = route_nm(port, target) / diary.ship.speed_kn * 1.3 + 60.0
        if rng.random() < 0.45 or left < passage:
            if rng.random() < 0.4:
                place, mode = diary.spot(place_of(port), BERTH_SPREAD_NM), MOORED
            else:
                place, mode = diary.spot(roads_of(port), ROADS_SPREAD_NM), ANCHORED
            hours = max(min(float(rng.lognormal(np.log(50.0), 0.6)), left), 1.0)
            diary.stay(place, left if left - hours < 10.0 else hours, mode)
            continue
        announce(diary, target, bool(rng.random() < 0.5), draught_share=0.4, destination_share=0.5)
        wait = min(float(rng.exponential(15.0)), 45.0) if rng.random() < 0.4 else 0.0
        arrive(diary, port, target, wait_h=wait)
        port = target
    return port


def _shuttle(diary: Diary, origin: str, terminal: str) -> tuple[Call, str]:
    """To the terminal in ballast, load, and back laden; the silence is chosen on the way."""
    rng, ship = diary.rng, diary.ship
    _pretend(diary, terminal, laden=False)
    begin = diary.now
    wait = 0.0
    if rng.random() < WAIT_SHARE:
        wait = min(max(float(rng.exponential(WAIT_MEAN_H)), 1.0), WAIT_MAX_H)
    berth, there = arrive(diary, origin, terminal, wait_h=wait)
    diary.stay(berth, float(rng.uniform(*LOADING_H)), MOORED)
    leave = diary.now
    loaded = bool(rng.random() >= EMPTY_SHARE)
    # Alongside, a ship looks light in the first half and deep in the second.
    diary.carry(loaded, since=(there + leave) // 2)
    target = str(rng.choice([port for port, _ in DISCHARGE], p=[weight for _, weight in DISCHARGE]))
    _pretend(diary, target, laden=loaded)
    hold = float(rng.uniform(*HOLD_H)) if rng.random() < HOLD_SHARE else 0.0
    quay, _ = arrive(diary, terminal, target, wait_h=0.0, stop_h=hold)
    home = diary.now
    diary.stay(quay, float(rng.uniform(24, 80)), MOORED)
    diary.carry(False, since=(home + diary.now) // 2)
    off, on = _cut(rng, begin, there, leave, home)
    cargo, barrels = _cargo(ship, rng) if loaded else (0.0, 0.0)
    return Call(
        ship.mmsi, off, on, "dark_call", terminal, there * SLOT_S, leave * SLOT_S, loaded, cargo, barrels
    ), target


def _pretend(diary: Diary, target: str, *, laden: bool) -> None:
    """Enter the voyage honestly, not at all, or falsely."""
    rng = diary.rng
    announce(diary, target, laden, draught_share=HONEST_DRAUGHT, destination_share=HONEST_DESTINATION)
    slot, draught, text = diary.typed.pop()
    if rng.random() < FALSE_DRAUGHT:
        draught = round(loaded_draught(diary.ship, not laden, rng), 1)
    if rng.random() < FALSE_DESTINATION:
        text = str(rng.choice(_FALSE_TEXTS))
    diary.typed.append((slot, draught, text))


def _cut(rng: np.random.Generator, begin: int, there: int, leave: int, home: int) -> tuple[float, float]:
    """When the transmitter goes off and comes on again [s]: in port, on passage, or close to the terminal."""
    where = rng.random()
    if where < 0.4:
        off = begin * SLOT_S - rng.uniform(0.5, 8.0) * 3600
    else:
        share = rng.uniform(0.05, 0.60) if where < 0.8 else rng.uniform(0.60, 0.92)
        off = (begin + share * (there - begin)) * SLOT_S
    where = rng.random()
    if where < 0.35:
        on = home * SLOT_S + rng.uniform(0.5, 10.0) * 3600
    else:
        share = rng.uniform(0.35, 0.95) if where < 0.8 else rng.uniform(0.08, 0.35)
        on = (leave + share * (home - leave)) * SLOT_S
    return float(off), float(on)


def _cargo(ship: Ship, rng: np.random.Generator) -> tuple[float, float]:
    """Cargo [t] and its volume [bbl]."""
    fill = float(rng.normal(FILL_MEAN, FILL_SD))
    while not FILL_MIN <= fill <= FILL_MAX:
        fill = float(rng.normal(FILL_MEAN, FILL_SD))
    cargo = fill * CARGO_SHARE_OF_DWT * ship.dwt_t
    return round(cargo, 1), round(cargo / float(rng.normal(*GASOIL_T_PER_M3)) * BBL_PER_M3)


def _drift_unseen(diary: Diary, port: str) -> tuple[Call, str]:
    """Out to sea, silent and adrift for a day or two, and back: no call."""
    rng = diary.rng
    turns = corners(port, str(rng.choice(["se5", "se4", "mus", "tum"])))
    diary.sail(make_path(turns))
    off = diary.now * SLOT_S - rng.uniform(0.5, 5.0) * 3600
    diary.drift(float(rng.uniform(18, 70)))
    on = diary.now * SLOT_S + rng.uniform(0.2, 4.0) * 3600
    diary.sail(make_path(turns[::-1]))
    diary.stay(roads_of(port), float(rng.uniform(12, 40)), ANCHORED)
    diary.silences.append(Silence(float(off), float(on), "off_no_call"))
    return Call(diary.ship.mmsi, float(off), float(on), "off_no_call", None, np.nan, np.nan, False, 0.0, 0.0), port
