"""The ships of the fictional campaign: particulars and identities that no real ship has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["DARK_PORTS", "FICTION_NOTE", "Ship", "fleets", "vessel_table", "watch_list"]

FICTION_NOTE = (
    "Every ship, identity, track, image, watch-list entry and cargo of this campaign is fictional: the MMSI use "
    "prefixes that the ITU has allocated to nobody, the IMO numbers lie in a range that was never issued, the names "
    "are invented. Only the ports are real."
)
"""What every display of the campaign must say."""

_BIRDS = ("HERON", "PLOVER", "DUNLIN", "GANNET", "CURLEW", "PETREL", "AVOCET", "TEAL", "SISKIN", "WAGTAIL", "LINNET",
          "BITTERN", "KNOT", "PIPIT")  # fmt: skip
_FREE_MID = (291, 292, 293, 294, 296, 297, 298, 299)
"""Maritime identification digits that the ITU table leaves unallocated."""
_RUSSIAN = ("RUVVO", "RUVYP", "RUNJK")
_KOREAN = ("KRPUS", "KRUSN", "KRKPO", "KRTGA", "KRSHO")
_JAPANESE = ("JPKIJ", "JPSKT", "JPAXT", "JPFTX", "JPTRG", "JPMAI", "JPSMN", "JPOTR", "JPHKD", "JPTMK")
_NORTHERN = ("RUOLP", "RUVNN", "RUKHO")
_LINES = (("KRTGA", "RUVVO"), ("KRTGA", "JPSMN"), ("JPKIJ", "RUVVO"), ("RUVNN", "RUKHO"), ("KRPUS", "JPMAI"),
          ("JPOTR", "JPMAI"))  # fmt: skip
DARK_SHIPS = 12
DARK_PORTS = ("KPCHO", "KPWON", "KPRJN", "KPHGM")


@dataclass(frozen=True)
class Ship:
    """One fictional hull.

    Parameters
    ----------
    mmsi, imo : int
        `imo` is 0 where the ship has none.
    name : str
    kind : {"trader", "ferry", "fisher", "dark"}
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


def _imo_number(stem: int) -> int:
    digits = [int(digit) for digit in f"{stem:06d}"]
    return stem * 10 + sum(digit * weight for digit, weight in zip(digits, range(7, 1, -1), strict=True)) % 10


def _hull(dwt: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Length, beam, draught of a cargo hull; 4,700 t gives about 96 x 15.5 x 6.2 m."""
    length = 7.9 * dwt**0.295 * rng.lognormal(0.0, 0.03)
    return (
        round(length),
        round(length / rng.normal(6.2, 0.2), 1),
        round(0.335 * dwt**0.345 * rng.lognormal(0.0, 0.03), 1),
    )


def _identities(number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[str]]:
    tails = rng.choice(999_999, size=number, replace=False)
    mmsi = rng.choice(_FREE_MID, size=number) * 1_000_000 + tails
    stems = 200_000 + rng.choice(200_000, size=number, replace=False)
    order = rng.permutation(len(_BIRDS) * 20)[:number]
    names = [f"DEMO {_BIRDS[place % len(_BIRDS)]} {place // len(_BIRDS) + 1}" for place in order]
    return mmsi, np.array([_imo_number(int(stem)) for stem in stems]), names


def _strength(rng: np.random.Generator) -> float:
    return float(np.clip(rng.gamma(2.0, 0.5), 0.12, 3.0))


def fleets(rng: np.random.Generator, days: float) -> tuple[list[Ship], list[Ship]]:
    """Twelve tankers of the dark fleet, and between 110 and 130 ships that hide no call.

    The tankers have the 3,000 to 5,000 t of deadweight that the published reports describe.

    Parameters
    ----------
    rng : Generator
    days : float
        Length of the feed [d].

    Returns
    -------
    dark, others : list of Ship
    """
    plan = ["cargo"] * int(rng.integers(44, 51)) + ["tanker"] * int(rng.integers(25, 31)) + ["reefer"] * 9
    plan += ["ferry"] * len(_LINES) + ["fisher"] * int(rng.integers(28, 33))
    mmsi, imo, names = _identities(len(plan) + DARK_SHIPS, rng)
    dark = [_dark_ship(int(mmsi[k]), int(imo[k]), names[k], rng, days) for k in range(DARK_SHIPS)]
    others = [
        _innocent_ship(sort, place, int(mmsi[k]), int(imo[k]), names[k], rng, days)
        for place, sort in enumerate(plan)
        for k in [place + DARK_SHIPS]
    ]
    return dark, _share_number(others)


def _innocent_ship(
    sort: str, place: int, mmsi: int, imo: int, name: str, rng: np.random.Generator, days: float
) -> Ship:
    stay = days if sort == "ferry" else min(days, float(rng.gamma(4.0, 19.0)) + 12.0)
    first = float(rng.uniform(0.0, max(days - stay, 1e-6)))
    kind, code, ais_class, dwt, speed, ports = _trade(sort, place, rng)
    length, beam, draught = _hull(dwt, rng)
    if kind == "fisher":
        length, beam, draught = (round(float(rng.uniform(*span)), 1) for span in ((18, 60), (5, 10), (2, 4.5)))
    if ais_class == "B":
        imo = 0
    return Ship(
        mmsi, imo, name, kind, code, ais_class, dwt, length, beam, draught, speed, _strength(rng), ports, first,
        first + stay,
    )  # fmt: skip


def _dark_ship(mmsi: int, imo: int, name: str, rng: np.random.Generator, days: float) -> Ship:
    dwt = float(round(rng.triangular(3000, 3500, 5000)))
    length, beam, draught = _hull(dwt, rng)
    code = int(rng.choice([80, 80, 89]))
    # Old small tankers: nine to eleven knots.
    speed = float(rng.uniform(9.0, 10.5))
    return Ship(
        mmsi, imo, name, "dark", code, "A", dwt, length, beam, draught, speed, _strength(rng), DARK_PORTS, 0.0, days
    )  # fmt: skip


def _share_number(ships: list[Ship]) -> list[Ship]:
    """Two ferries far apart, always at sea at the same time, send one MMSI."""
    ferries = [place for place, ship in enumerate(ships) if ship.kind == "ferry"]
    one, two = ferries[1], ferries[3]
    ships[two] = Ship(**{**ships[two].__dict__, "mmsi": ships[one].mmsi})
    return ships


def _trade(sort: str, place: int, rng: np.random.Generator) -> tuple[str, int, str, float, float, tuple[str, ...]]:
    """Kind, ITU code, class, deadweight, speed and ports of one ship."""
    if sort == "ferry":
        line = _LINES[place % len(_LINES)]
        return "ferry", 60, "A", 6000.0, float(rng.uniform(16, 20)), line
    if sort == "fisher":
        home = str(rng.choice([*_KOREAN, *_JAPANESE[:6], *_RUSSIAN[::2], *_NORTHERN[:2]]))
        return "fisher", 30, str(rng.choice(["A", "B"])), 300.0, float(rng.uniform(8.5, 11)), (home,)
    homes = [str(rng.choice(_RUSSIAN)), *map(str, rng.choice(_KOREAN, size=2, replace=False))]
    homes += list(map(str, rng.choice(_JAPANESE, size=2, replace=False)))
    if rng.random() < 0.25:
        homes.append(str(rng.choice(_NORTHERN)))
    if sort == "tanker":
        small = rng.random() < 0.6
        dwt = float(rng.uniform(3000, 7000) if small else rng.uniform(8000, 50000))
        homes = list(_RUSSIAN[1:]) + homes if rng.random() < 0.5 else homes
        return "trader", int(rng.choice([80, 80, 81, 89])), "A", round(dwt), float(rng.uniform(10, 13)), tuple(homes)
    if sort == "reefer":
        return "trader", 70, "A", round(rng.uniform(2500, 7000)), float(rng.uniform(12, 15.5)), tuple(homes)
    return (
        "trader",
        int(rng.choice([70, 70, 79])),
        "A",
        round(rng.uniform(2500, 30000)),
        float(rng.uniform(10, 14)),
        tuple(homes),
    )


def vessel_table(ships: list[Ship], rng: np.random.Generator) -> dict[str, list[object]]:
    """Particulars as a register would give them: one row per MMSI, the first hull's where two share one."""
    known = {ship.mmsi: ship for ship in reversed(ships)}
    rows = [known[mmsi] for mmsi in sorted(known)]
    tanks = [round(ship.dwt_t * rng.uniform(1.05, 1.22)) if ship.ship_type // 10 == 8 else None for ship in rows]
    return {
        "mmsi": [ship.mmsi for ship in rows],
        "imo": [ship.imo or None for ship in rows],
        "name": [ship.name for ship in rows],
        "flag": ["XD" if ship.kind == "dark" else None for ship in rows],
        "ship_type": [ship.ship_type for ship in rows],
        "length_m": [ship.length_m for ship in rows],
        "beam_m": [ship.beam_m for ship in rows],
        "dwt_t": [None if ship.kind == "fisher" else ship.dwt_t for ship in rows],
        "draught_max_m": [ship.draught_max_m for ship in rows],
        "cargo_capacity_m3": [tank if rng.random() < 0.5 else None for tank in tanks],
        "source": ["Fictional register (demo)"] * len(rows),
    }


def watch_list(
    dark: list[Ship], others: list[Ship], start: pd.Timestamp, rng: np.random.Generator
) -> dict[str, list[object]]:
    """Eight of the dark fleet, three of them listed while the campaign runs, and one ship taken off long ago."""
    listed = [dark[place] for place in rng.permutation(len(dark))[:8]]
    since = [start - pd.Timedelta(days=int(rng.integers(300, 2200))) for _ in listed[:5]]
    since += [start + pd.Timedelta(days=int(rng.integers(60, 200))) for _ in listed[5:]]
    former = next(ship for ship in others if ship.ship_type // 10 == 8)
    rows = [*listed, former]
    return {
        "list_name": ["Fictional watch list (demo)"] * len(rows),
        "program": ["Fictional programme"] * len(rows),
        "imo": [ship.imo for ship in rows],
        "mmsi": [None] * len(rows),
        "name": [ship.name for ship in rows],
        "listed_on": [*since, start - pd.Timedelta(days=1800)],
        "delisted_on": [*([None] * len(listed)), start - pd.Timedelta(days=700)],
        "source_sha256": [hashlib.sha256(FICTION_NOTE.encode()).hexdigest()] * len(rows),
    }
