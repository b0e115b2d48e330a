"""What the hiding ships set out to do, and when; two ships share a plan because they meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.simulation.presets import Hiding
from darkvoyage.simulation.sea import Sea

__all__ = ["Meeting", "Plan", "make_plans"]

_OWN = ("dark_call", "off_no_call", "off_wait", "spoofed", "open_call")
_ZEAL = (0.6, 1.4)
"""Some ships do everything more often than others."""
_LATE_START = 0.3
"""An undertaking begins within this share of its cycle."""
_AT_SEA_SHARE = 0.3
"""Meetings in open water, away from the areas that the fleet uses."""
_GAP_NM = 4.0
"""Two meetings in one area are about this far apart, standard deviation [nm]."""


@dataclass(frozen=True)
class Meeting:
    """Two ships alongside each other.

    Parameters
    ----------
    port_id : str or None
        Of an area that the bundled list names.
    place : tuple of float
        Latitude and longitude [deg].
    hours : float
    dark : tuple of bool
        Whether the first and the second of the pair are silent.
    giver : {0, 1}
        Whose cargo moves.
    """

    port_id: str | None
    place: tuple[float, float]
    hours: float
    dark: tuple[bool, bool]
    giver: int


@dataclass(frozen=True)
class Plan:
    """An undertaking that begins on a day; `port` is the terminal of a call."""

    day: float
    kind: str
    port: str | None = None
    meeting: Meeting | None = None


def make_plans(
    sea: Sea, rules: Hiding, days: int, common: np.random.Generator, own: list[np.random.Generator]
) -> list[list[Plan]]:
    """Lay out the undertakings of one or two ships.

    Parameters
    ----------
    sea : Sea
    rules : Hiding
    days : int
        Length of the feed [d].
    common : Generator
        Draws what both do together.
    own : list of Generator
        One for each ship; ships that are alone meet nobody.

    Returns
    -------
    list of list of Plan
        One list per ship, in order of time.
    """
    begin, end = (share * days for share in rules.span)
    cycles = max(1, int((end - begin) / rules.cycle_d))
    length = (end - begin) / cycles
    starts = begin + np.sort((common.random() + np.arange(cycles)) % cycles) * length
    meetings = _number(rules.per_30d["dark_meeting"] * days / 30, common) if len(own) == 2 else 0
    taken = common.permutation(cycles)[:meetings]
    plans = []
    shared = [Plan(float(starts[cycle]), "dark_meeting", meeting=_meeting(sea, rules, common)) for cycle in taken]
    for rng in own:
        zeal = float(rng.uniform(*_ZEAL))
        kinds = [kind for kind in _OWN for _ in range(_number(rules.per_30d[kind] * zeal * days / 30, rng))]
        free = rng.permutation(np.setdiff1d(np.arange(cycles), taken))[: len(kinds)]
        chosen = rng.permutation(kinds)[: len(free)]
        days_of = starts[free] + _LATE_START * length * rng.random(len(free))
        mine = [Plan(float(day), str(kind), _terminal(sea, rng)) for day, kind in zip(days_of, chosen, strict=True)]
        plans.append(sorted([*mine, *shared], key=lambda plan: plan.day))
    return plans


def _number(expected: float, rng: np.random.Generator) -> int:
    """A whole number with this mean and as little spread as there can be."""
    return int(expected + rng.random())


def _terminal(sea: Sea, rng: np.random.Generator) -> str:
    names, weights = zip(*sea.terminals, strict=True)
    return str(rng.choice(names, p=np.array(weights) / sum(weights)))


def _meeting(sea: Sea, rules: Hiding, rng: np.random.Generator) -> Meeting:
    name, lat, lon = sea.meeting_areas[int(rng.integers(len(sea.meeting_areas)))]
    if rng.random() < _AT_SEA_SHARE:
        name, (lat, lon) = "", sea.place_of(str(rng.choice(sea.hubs)))
    north, east = rng.normal(0.0, _GAP_NM / 60, size=2)
    both = bool(rng.random() < rules.both_dark_share)
    silent = int(rng.integers(2))
    return Meeting(
        name or None,
        (float(lat + north), float(lon + east / np.cos(np.radians(lat)))),
        float(rng.uniform(*rules.meeting_h)),
        (both or silent == 0, both or silent == 1),
        int(rng.integers(2)),
    )
