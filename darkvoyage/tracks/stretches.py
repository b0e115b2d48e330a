"""Stretches of mutually reachable fixes, and the chains that they form across each other.

Rows are sorted by (owner, time); an owner is whatever is solved by itself. All arrays, no state.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.tracks import CleanRule
from darkvoyage.tracks.outliers import allowance_nm, lone_outliers

__all__ = ["DEGREE_NM", "chain_rows", "heard_enough", "reachable", "steps_broken"]

_JOIN_ROUNDS = 16
DEGREE_NM = 60.2
"""Length of a degree of any great circle of the mean sphere, rounded up [nm]."""


def reachable(
    time_a: np.ndarray, lat_a: np.ndarray, lon_a: np.ndarray, time_b: np.ndarray, lat_b: np.ndarray,
    lon_b: np.ndarray, rule: CleanRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Whether a ship at a can be at b, and how much of the allowed distance that takes; inputs broadcast."""
    allowed = allowance_nm(time_a, time_b, rule)
    used = great_circle_nm(lat_a, lon_a, lat_b, lon_b)
    return used <= allowed, used / np.maximum(allowed, 1e-9)


def steps_broken(time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Tell which rows cannot be reached from the row before, shape (n - 1,).

    Nearly all steps are far below the limit, and the sum of the differences of latitude and longitude already shows it.
    """
    allowed = allowance_nm(time[:-1], time[1:], rule)
    bound = (np.abs(np.diff(lat)) + np.abs(np.diff(lon))) * DEGREE_NM
    doubtful = np.flatnonzero(~(bound <= allowed))
    broken = np.zeros(max(len(time) - 1, 0), dtype=bool)
    used = great_circle_nm(lat[doubtful], lon[doubtful], lat[doubtful + 1], lon[doubtful + 1])
    broken[doubtful] = ~(used <= allowed[doubtful])
    return broken


def chain_rows(owner: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """First row of the chain that each row belongs to; a lone outlier is a chain of its own.

    Parameters
    ----------
    owner, time : ndarray of int64, shape (n,)
        Sorted by (owner, time) [us].
    lat, lon : ndarray of float64, shape (n,)
    rule : CleanRule

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    chain = np.arange(len(owner))
    lone = lone_outliers(owner, time, lat, lon, rule)
    at = np.flatnonzero(lone)
    # Lone outliers that together are heard enough are another ship, heard now and then.
    together = _chains(owner[at], time[at], lat[at], lon[at], rule)
    lone[at[heard_enough(together, at, rule)]] = False
    rest = np.flatnonzero(~lone)
    chain[rest] = rest[_chains(owner[rest], time[rest], lat[rest], lon[rest], rule)]
    return chain


def heard_enough(chain: np.ndarray, place: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Tell which rows are in chains of enough fixes, and of enough of the fixes while the chain lasts.

    Parameters
    ----------
    chain : ndarray of int64, shape (n,)
    place : ndarray of int64, shape (n,)
        Number of each row among all rows of the owner, ascending.
    rule : CleanRule

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    _, at, code, size = np.unique(chain, return_index=True, return_inverse=True, return_counts=True)
    last = np.zeros(len(size), dtype="int64")
    last[code] = np.arange(len(chain))
    lasts = place[last] - place[at] + 1
    # Scattered false positions are mutually reachable given enough time; a ship is heard as often as its fellow.
    return ((size >= rule.hull_min_fixes) & (size >= rule.hull_min_share * lasts))[code]


def _chains(owner: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """First row of the chain of each row."""
    n = len(owner)
    if n == 0:
        return np.empty(0, dtype="int64")
    cut = np.ones(n, dtype=bool)
    cut[1:] = (owner[1:] != owner[:-1]) | steps_broken(time, lat, lon, rule)
    piece = np.cumsum(cut) - 1
    first = np.flatnonzero(cut)
    last = np.r_[first[1:], n] - 1
    successor = _join_pieces(owner[first], first, last, time, lat, lon, rule)
    return first[_follow(successor)[piece]]


def _join_pieces(
    owner: np.ndarray, first: np.ndarray, last: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray,
    rule: CleanRule,
) -> np.ndarray:  # fmt: skip
    """Successor of each piece (-1: none): the next free piece of its owner that its end can reach, one to one."""
    successor = np.full(len(first), -1, dtype="int64")
    free = np.ones(len(first), dtype=bool)
    # What is joined no longer stands between the others, so that each round looks further.
    for _ in range(_JOIN_ROUNDS):
        ends, starts = np.flatnonzero(successor < 0), np.flatnonzero(free)
        target, cost = _first_reachable(ends, starts, owner, first, last, time, lat, lon, rule)
        source, target, cost = ends[target >= 0], target[target >= 0], cost[target >= 0]
        if len(source) == 0:
            break
        # Each target takes the source that needs the least of its allowance, the later one on equal terms.
        order = np.lexsort((-source, cost, target))
        best = order[group_starts(target[order])]
        successor[source[best]] = target[best]
        free[target[best]] = False
    return successor


def _first_reachable(
    ends: np.ndarray, starts: np.ndarray, owner: np.ndarray, first: np.ndarray, last: np.ndarray,
    time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """For each piece with an open end the first reachable of the next starts (-1: none), and what that costs."""
    following = np.searchsorted(starts, ends, side="right")
    target = np.full(len(ends), -1, dtype="int64")
    cost = np.zeros(len(ends))
    for step in range(rule.lookahead):
        inside = np.flatnonzero((following + step < len(starts)) & (target < 0))
        ahead = starts[following[inside] + step]
        same = owner[ahead] == owner[ends[inside]]
        inside, ahead = inside[same], ahead[same]
        a, b = last[ends[inside]], first[ahead]
        ok, used = reachable(time[a], lat[a], lon[a], time[b], lat[b], lon[b], rule)
        target[inside[ok]] = ahead[ok]
        cost[inside[ok]] = used[ok]
    return target, cost


def _follow(successor: np.ndarray) -> np.ndarray:
    """Root of each piece's chain, by pointer doubling over the predecessors."""
    root = np.arange(len(successor))
    linked = np.flatnonzero(successor >= 0)
    root[successor[linked]] = linked
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further
