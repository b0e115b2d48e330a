"""Fictional worlds with known truth: ships, what they hide, who hears them, who sees them.

The generator follows published facts and physics, never the assumptions of a detector, and no detector may read its
parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import PORTS, VESSELS, WATCHLIST
from darkvoyage.simulation.behaviours import berths_off, faults, security_off, swap_identity
from darkvoyage.simulation.diary import SLOTS_PER_DAY, Identity, Log
from darkvoyage.simulation.feed import equipment_fixes, fix_table, ship_fixes, write_fixes
from darkvoyage.simulation.fleet import MAX_VESSELS, false_identity, make_fleet, vessel_table, watch_list
from darkvoyage.simulation.pasted import hear as hear_pasted
from darkvoyage.simulation.pasted import make_patterns
from darkvoyage.simulation.plans import make_plans
from darkvoyage.simulation.presets import PRESETS, Preset
from darkvoyage.simulation.radio import hear, make_ether
from darkvoyage.simulation.receivers import Heard
from darkvoyage.simulation.sea import Sea
from darkvoyage.simulation.sensors import observe
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.shuttles import hiding_logs
from darkvoyage.simulation.truth import LongSilences, long_silences, truth_table
from darkvoyage.simulation.voyages import honest_log

__all__ = ["START", "World", "simulate"]

START = pd.Timestamp("2024-03-01T00:00:00Z")
"""When every feed begins."""
_MAX_DAYS = 3660
_RECEPTIONS = ("physical", "pasted")
_FLEET, _PAIR, _VOYAGE, _CHANCE, _ETHER, _RADIO, _FEED, _EQUIPMENT, _IMAGES, _LISTS = range(10)


@dataclass(frozen=True)
class World:
    """Everything that an investigator would have, and the truth.

    Parameters
    ----------
    fixes : DataFrame or Path
        FIXES, or the Parquet file that holds them.
    ports : DataFrame
        PORTS, the ordinary ones only.
    sightings, scenes, vessels, watchlist : DataFrame
        Tables of those names.
    truth : DataFrame
        TRUTH: one row per silence longer than six hours, and per thing that was hidden.
    truth_sightings : DataFrame
        TRUTH_SIGHTINGS: what every sighting was of.
    preset : str
    seed : int
    """

    fixes: pd.DataFrame | Path
    ports: pd.DataFrame
    sightings: pd.DataFrame
    scenes: pd.DataFrame
    vessels: pd.DataFrame
    watchlist: pd.DataFrame
    truth: pd.DataFrame
    truth_sightings: pd.DataFrame
    preset: str
    seed: int


def simulate(
    *,
    seed: int,
    vessels: int,
    days: int,
    preset: str = "campaign",
    reception: str = "physical",
    patterns: Any = None,
    hiding_share: float | None = None,
    fixes_path: str | Path | None = None,
) -> World:
    """Make a fictional world; the same arguments give the same tables, to the byte.

    Parameters
    ----------
    seed : int
        At least 0.
    vessels : int
        Hulls that send AIS.
    days : int
        Length of the feed [d].
    preset : {"campaign", "strait", "ocean", "honest", "jamming", "fast", "drifters"}
        Small tankers in the East Sea that hide calls at a terminal; the Strait of Hormuz; the Atlantic; the campaign's
        waters where nobody hides; the strait under jamming; the campaign with calls of a few hours; the campaign with
        honest ships that drift and sail slowly.
    reception : {"physical", "pasted"}
        Ranges, bursts, satellites and outages; or the pattern of what was received and missed in real feeds.
    patterns : FIXES table, optional
        Whose pattern is pasted; None: patterns in the style of real feeds.
    hiding_share : float, optional
        Share of the vessels that may hide something, in [0, 1]; None: as the preset has it.
    fixes_path : path-like, optional
        Write the fixes to this Parquet file, vessel by vessel, instead of holding them.

    Returns
    -------
    World

    Raises
    ------
    RuleError
        An option that is out of bounds.
    """
    rules = _checked(seed, vessels, days, preset, reception, patterns, hiding_share)
    sea, lists = rules.sea(), _stream(seed, _LISTS)
    ships = make_fleet(sea, rules, vessels, days, partial(_stream, seed, _FLEET))
    logs = _logs(ships, sea, rules, seed, days)
    scenes, sightings, truth_sightings = observe(logs, sea, START, days, _stream(seed, _IMAGES), rules.looks)
    notes: list[LongSilences] = []
    heard = _receptions(logs, sea, rules, seed, days, reception, patterns)
    parts = chain(
        _noted(
            (
                ship_fixes(log, ear, START, _stream(seed, _FEED, place), profile=rules.reception)
                for place, (log, ear) in enumerate(zip(logs, heard, strict=True))
            ),
            notes,
        ),
        [equipment_fixes(sea, START, days, _stream(seed, _EQUIPMENT))],
    )
    fixes = fix_table(parts) if fixes_path is None else write_fixes(fixes_path, parts)
    return World(
        fixes=fixes,
        ports=finish(sea.ordinary_ports(), PORTS, optional=True),
        sightings=sightings,
        scenes=scenes,
        vessels=finish(pd.DataFrame(vessel_table(ships, lists)), VESSELS),
        watchlist=finish(pd.DataFrame(watch_list(ships, START, days, lists)), WATCHLIST),
        truth=truth_table(logs, notes, sea, START, days * 86_400.0),
        truth_sightings=truth_sightings,
        preset=preset,
        seed=int(seed),
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    """A generator of its own for every part of the world, so that one part's draws never move another's."""
    return np.random.default_rng([int(seed), *key])


def _checked(
    seed: int, vessels: int, days: int, preset: str, reception: str, patterns: Any, hiding_share: float | None
) -> Preset:
    """The parameters of the world, once all options make sense."""
    for name, value, least, most in (
        ("seed", seed, 0, None),
        ("vessels", vessels, 1, MAX_VESSELS),
        ("days", days, 1, _MAX_DAYS),
    ):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < least or (most is not None and value > most):
            limit = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise RuleError(f"{name} = {value!r}: expected a whole number {limit}")
    for name, word, words in (("preset", preset, tuple(PRESETS)), ("reception", reception, _RECEPTIONS)):
        if word not in words:
            raise RuleError(f"{name} = {word!r}: expected one of {', '.join(words)}")
    if patterns is not None and reception != "pasted":
        raise RuleError(f"patterns given with reception = {reception!r}: they are pasted, expected 'pasted'")
    if hiding_share is None:
        return PRESETS[preset]
    number = isinstance(hiding_share, (int, float, np.number)) and not isinstance(hiding_share, bool)
    if not number or not 0.0 <= hiding_share <= 1.0:
        raise RuleError(f"hiding_share = {hiding_share!r}: expected a number in [0, 1]")
    return replace(PRESETS[preset], hiding_share=float(hiding_share))


def _logs(ships: list[Ship], sea: Sea, rules: Preset, seed: int, days: int) -> list[Log]:
    """What every ship does, in the order of the ships."""
    last = days * SLOTS_PER_DAY
    logs: dict[int, Log] = {}
    hiding = [number for number, ship in enumerate(ships) if ship.kind == "hider"]
    for first in hiding[::2]:
        pair = hiding[hiding.index(first) :][:2]
        own = [_stream(seed, _VOYAGE, number) for number in pair]
        plans = make_plans(sea, rules.hiding, days, _stream(seed, _PAIR, first), own)
        crews = [ships[number] for number in pair]
        logs.update(zip(pair, hiding_logs(crews, sea, rules.hiding, own, plans, last), strict=True))
        names = [Identity(ship.mmsi, ship.imo, ship.name) for ship in crews]
        for number, partner in zip(pair, [*names[1:], names[0]] if len(names) > 1 else [None], strict=True):
            fresh = Identity(*false_identity(number, partial(_stream, seed, _FLEET)))
            swap_identity(logs[number], rules.hiding, fresh, partner, own[pair.index(number)])
    for number, ship in enumerate(ships):
        chance = _stream(seed, _CHANCE, number)
        if ship.kind != "hider":
            logs[number] = honest_log(ship, sea, rules.habits, _stream(seed, _VOYAGE, number), last)
            security_off(logs[number], rules.habits, chance)
            berths_off(logs[number], sea, rules.habits, chance)
        faults(logs[number], rules.habits, chance)
    return [logs[number] for number in range(len(ships))]


def _receptions(
    logs: list[Log], sea: Sea, rules: Preset, seed: int, days: int, reception: str, patterns: Any
) -> Iterator[Heard]:
    """What the provider hears of every ship, one by one."""
    common = _stream(seed, _ETHER)
    if reception == "physical":
        ether = make_ether(common, sea, days, rules.reception)
        return (hear(log, ether, _stream(seed, _RADIO, place)) for place, log in enumerate(logs))
    pasted = make_patterns(common, days, rules.reception, patterns)
    return (hear_pasted(log, pasted, _stream(seed, _RADIO, place)) for place, log in enumerate(logs))


def _noted(parts: Iterable[pd.DataFrame], notes: list[LongSilences]) -> Iterator[pd.DataFrame]:
    """The rows of every ship as they pass, with the long silences between them written down."""
    for part in parts:
        notes.append(long_silences(part, START))
        yield part
