"""The ships of a world: particulars and identities that no real ship has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from darkvoyage.simulation.presets import Group, Preset
from darkvoyage.simulation.sea import Sea
from darkvoyage.simulation.ship import Ship

__all__ = ["FICTION_NOTE", "MAX_VESSELS", "false_identity", "make_fleet", "vessel_table", "watch_list"]

FICTION_NOTE = (
    "Every ship, identity, track, image, watch-list entry and cargo of this world is fictional: the MMSI use "
    "prefixes that the ITU has allocated to nobody, the IMO numbers lie in a range that was never issued, the names "
    "are invented. Only the ports are real."
)
"""What every display of a simulated world must say."""

_BIRDS = ("HERON", "PLOVER", "DUNLIN", "GANNET", "CURLEW", "PETREL", "AVOCET", "TEAL", "SISKIN", "WAGTAIL", "LINNET",
          "BITTERN", "KNOT", "PIPIT")  # fmt: skip
_BEASTS = ("OTTER", "BADGER", "MARTEN")
_FREE_MID = (291, 292, 293, 294, 296, 297, 298, 299)
"""Maritime identification digits that the ITU table leaves unallocated."""
_FIRST_STEM, _STEMS = 200_000, 200_000
"""IMO numbers of 2 and 3 millions were never issued."""
MAX_VESSELS = _STEMS // 2
_TURN = 0.6180339887498949
"""Multiples of the golden section fill the unit interval evenly, so that shares hold in every number of ships."""
_LISTED_SHARE, _LISTED_LATE_SHARE = 0.67, 0.4
"""Shares of the hiding ships on the watch list, and of those that are listed while the feed runs; drawn by eye."""

Name = tuple[int, int, str]
"""MMSI, IMO number, name."""
Streams = Callable[..., np.random.Generator]


def make_fleet(sea: Sea, preset: Preset, vessels: int, days: int, stream: Streams) -> list[Ship]:
    """Draw the ships; the first ones are the same however many follow.

    Parameters
    ----------
    sea : Sea
    preset : Preset
    vessels, days : int
    stream : callable
        Gives the generator of one ship by its number, and the common one without a number.

    Returns
    -------
    list of Ship
    """
    common = stream()
    hides, sort = common.random(2)
    offset = int(common.integers(_STEMS))
    limits = np.cumsum([group.share for group in preset.fleet])
    ships: list[Ship] = []
    ferries: list[int] = []
    for number in range(vessels):
        rng, name = stream(number), _identity(number, offset)
        before, after = (int(hides + count * preset.hiding_share) for count in (number, number + 1))
        if after > before:
            ships.append(_hiding_ship(name, sea, preset, rng, days))
            continue
        place = int(np.searchsorted(limits, (sort + number * _TURN) % 1.0 * limits[-1], side="right"))
        group = preset.fleet[min(place, len(limits) - 1)]
        ships.append(_honest_ship(name, group, len(ferries), sea, rng, days))
        if group.kind == "ferry":
            ferries.append(number)
    if len(ferries) > 3:
        # Two ferries of different lines send one MMSI.
        ships[ferries[3]] = replace(ships[ferries[3]], mmsi=ships[ferries[1]].mmsi)
    return ships


def _identity(number: int, offset: int, words: tuple[str, ...] = _BIRDS) -> Name:
    """MMSI, IMO number and name of a ship; no two numbers below `_STEMS` share any of them."""
    # Multipliers that share no factor with the modulus run through all of it.
    tail = (offset + number * 618_033) % 1_000_000
    stem = _FIRST_STEM + (offset + number * 72_913) % _STEMS
    digits = [int(digit) for digit in str(stem)]
    check = sum(digit * weight for digit, weight in zip(digits, range(7, 1, -1), strict=True)) % 10
    word = words[(5 * number + offset) % len(words)]
    mid = _FREE_MID[(offset + 3 * number) % len(_FREE_MID)]
    return (mid * 1_000_000 + tail, stem * 10 + check, f"DEMO {word} {number % MAX_VESSELS // len(words) + 1}")


def false_identity(number: int, stream: Streams) -> Name:
    """An identity that no ship of this world has, for the ship of this number."""
    common = stream()
    common.random(2)
    return _identity(MAX_VESSELS + number, int(common.integers(_STEMS)), _BEASTS)


def _hull(dwt_t: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Length, beam, draught [m]: 4,700 t gives about 96 x 15.5 x 6.2, 105,000 t about 239 x 39 x 16."""
    length = 7.9 * dwt_t**0.295 * rng.lognormal(0.0, 0.03)
    return (
        round(length),
        round(length / rng.normal(6.2, 0.2), 1),
        round(0.470 * dwt_t**0.305 * rng.lognormal(0.0, 0.03), 1),
    )


def _strength(rng: np.random.Generator) -> float:
    return float(np.clip(rng.gamma(2.0, 0.5), 0.12, 3.0))


def _honest_ship(name: Name, group: Group, line: int, sea: Sea, rng: np.random.Generator, days: int) -> Ship:
    stay = days if group.kind == "ferry" else min(days, float(rng.gamma(4.0, 19.0)) + 12.0)
    first = float(rng.uniform(0.0, days - stay)) if stay < days else 0.0
    dwt = float(round(np.exp(rng.uniform(*np.log(group.dwt_t)))))
    speed, code = float(rng.uniform(*group.speed_kn)), int(rng.choice(group.ship_types))
    length, beam, draught = _hull(dwt, rng)
    small = False
    if group.kind == "fisher":
        length, beam, draught = (round(float(rng.uniform(*span)), 1) for span in ((18, 60), (5, 10), (2, 4.5)))
        small = bool(rng.random() < 0.5)
    ports = _ports(group, line, sea, rng)
    return Ship(
        name[0], 0 if small else name[1], name[2], group.kind, code, "B" if small else "A", dwt, length, beam,
        draught, speed, _strength(rng), ports, first, first + stay,
    )  # fmt: skip


def _ports(group: Group, line: int, sea: Sea, rng: np.random.Generator) -> tuple[str, ...]:
    """Where an honest ship trades: a line, a home, or a few ports of up to three coasts."""
    coasts = list(sea.homes.values())
    if group.kind == "ferry":
        return sea.lines[line % len(sea.lines)]
    if group.kind == "fisher":
        everywhere = [port for coast in coasts for port in coast]
        return (str(rng.choice(everywhere)),)
    chosen = rng.permutation(len(coasts))[: int(rng.integers(2, 4))]
    ports = [str(port) for coast in chosen for port in rng.permutation(coasts[coast])[:2]]
    if group.terminals_share and rng.random() < group.terminals_share:
        names, weights = zip(*sea.terminals, strict=True)
        ports.append(str(rng.choice(names, p=np.array(weights) / sum(weights))))
    return tuple(dict.fromkeys(ports))


def _hiding_ship(name: Name, sea: Sea, preset: Preset, rng: np.random.Generator, days: int) -> Ship:
    rules = preset.hiding
    dwt = float(round(rng.triangular(*rules.dwt_t)))
    length, beam, draught = _hull(dwt, rng)
    code, speed = int(rng.choice([80, 80, 89])), float(rng.uniform(*rules.speed_kn))
    ports = tuple(port for port, _ in sea.dark_ports)
    return Ship(
        *name, "hider", code, "A", dwt, length, beam, draught, speed, _strength(rng), ports,
        0.0, float(days),
    )  # fmt: skip


def vessel_table(ships: list[Ship], rng: np.random.Generator) -> dict[str, list[object]]:
    """Particulars as a register would give them: one row per MMSI, the first hull's where two share one."""
    known = {ship.mmsi: ship for ship in reversed(ships)}
    rows = [known[mmsi] for mmsi in sorted(known)]
    tanks = [round(ship.dwt_t * rng.uniform(1.05, 1.22)) if ship.ship_type // 10 == 8 else None for ship in rows]
    return {
        "mmsi": [ship.mmsi for ship in rows],
        "imo": [ship.imo or None for ship in rows],
        "name": [ship.name for ship in rows],
        "ship_type": [ship.ship_type for ship in rows],
        "length_m": [ship.length_m for ship in rows],
        "beam_m": [ship.beam_m for ship in rows],
        "dwt_t": [None if ship.kind == "fisher" else ship.dwt_t for ship in rows],
        "draught_max_m": [ship.draught_max_m for ship in rows],
        "cargo_capacity_m3": [tank if rng.random() < 0.5 else None for tank in tanks],
        "source": ["Fictional register (demo)"] * len(rows),
    }


def watch_list(ships: list[Ship], start: pd.Timestamp, days: int, rng: np.random.Generator) -> dict[str, list[object]]:
    """Two thirds of the hiding ships, some of them listed while the feed runs, and one tanker taken off long ago."""
    hiding = [ship for ship in ships if ship.kind == "hider"]
    listed = [hiding[place] for place in rng.permutation(len(hiding))[: round(len(hiding) * _LISTED_SHARE)]]
    late = round(len(listed) * _LISTED_LATE_SHARE)
    since = [start - pd.Timedelta(days=int(rng.integers(300, 2200))) for _ in listed[late:]]
    since += [start + pd.Timedelta(days=int(days * rng.uniform(0.25, 0.8))) for _ in listed[:late]]
    former = [ship for ship in ships if ship.kind == "trader" and ship.ship_type // 10 == 8][:1]
    rows = [*listed, *former]
    return {
        "list_name": ["Fictional watch list (demo)"] * len(rows),
        "program": ["Fictional programme"] * len(rows),
        "imo": [ship.imo for ship in rows],
        "mmsi": [None] * len(rows),
        "name": [ship.name for ship in rows],
        "listed_on": [*since, *([start - pd.Timedelta(days=1800)] * len(former))],
        "delisted_on": [*([None] * len(listed)), *([start - pd.Timedelta(days=700)] * len(former))],
        "source_sha256": [hashlib.sha256(FICTION_NOTE.encode()).hexdigest()] * len(rows),
    }
