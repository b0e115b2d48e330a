"""Canals, straits and rivers that a raster cannot resolve, each by name, and which of them are open."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from darkvoyage.errors import RuleError
from darkvoyage.rules.sea import SeaRule

__all__ = ["Passage", "gates", "passages", "ways"]


@dataclass(frozen=True)
class Passage:
    """A way that ships take through land or between lands too close for the raster.

    Parameters
    ----------
    name : str
    kind : {"canal", "strait", "river"}
    is_open : bool
        Open unless a rule closes it.
    limits : str
        What ships it takes, in words; nothing is computed from it.
    way : ndarray of float64, shape (n, 2)
        Line along it, from open water to open water: latitude and longitude.
    gate : ndarray of float64, shape (m, 2)
        Line across it, from land to land, that shuts it where the coastline leaves it open; may be empty.
    """

    name: str
    kind: str
    is_open: bool
    limits: str
    way: np.ndarray
    gate: np.ndarray


@lru_cache(maxsize=1)
def passages() -> tuple[Passage, ...]:
    """Return the bundled list, in the order of the file."""
    text = files("darkvoyage.data").joinpath("passages.csv").read_text(encoding="utf-8")
    return tuple(
        Passage(row["name"], row["kind"], row["open"] == "true", row["limits"], _line(row["way"]), _line(row["gate"]))
        for row in csv.DictReader(text.splitlines())
    )


def ways(rule: SeaRule) -> list[np.ndarray]:
    """Lines of the passages that are open under a rule."""
    return [passage.way for passage in passages() if _is_open(passage, rule)]


def gates(rule: SeaRule) -> list[np.ndarray]:
    """Lines across the passages that are closed under a rule and would be open water otherwise."""
    _check(rule)
    return [passage.gate for passage in passages() if not _is_open(passage, rule) and len(passage.gate)]


def _is_open(passage: Passage, rule: SeaRule) -> bool:
    return passage.name in rule.opened or (passage.is_open and passage.name not in rule.closed)


def _check(rule: SeaRule) -> None:
    known = {passage.name: passage for passage in passages()}
    for name in (*rule.closed, *rule.opened):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RuleError(f"SeaRule: no passage {name!r}{hint}")
    for name in rule.closed:
        if known[name].kind == "strait" and not len(known[name].gate):
            raise RuleError(f"SeaRule: {name!r} is open water that the list has no gate for; it cannot be closed")


def _line(text: str) -> np.ndarray:
    return np.array([[float(number) for number in pair.split()] for pair in text.split(";") if pair]).reshape(-1, 2)
