"""Vessels about which a batch says nothing but "still there": nearly all of them, and quick to see.

Such a vessel was calm before; its fixes come in order of time, none twice unless in every value, no step is one that no
ship can make, no silence reaches the threshold, and no gap of its track waits for its aftermath. What the general way
(`Hulls.judge`, `GapFinder.push`) would do to its state is then known beforehand, and is all that is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.gaps.columns import NEVER, Columns, Stacked, is_same
from darkvoyage.gaps.finder import GapFinder
from darkvoyage.gaps.tracks import Tracks
from darkvoyage.kernels.spans import group_starts
from darkvoyage.tracks.episodes import BEFORE_BREAK
from darkvoyage.tracks.hulls import Hulls
from darkvoyage.tracks.stretches import reachable, steps_broken

__all__ = ["Calm", "CalmRows", "find_calm"]


@dataclass(frozen=True)
class CalmRows:
    """Rows of a batch sorted by (vessel, time): their numbers in it, and what is asked of all of them."""

    row: np.ndarray
    vessel: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Calm:
    """Calm vessels and their settled rows, sorted by (vessel, time).

    Parameters
    ----------
    is_calm : ndarray of bool, shape (n,)
        Which of all rows are dealt with.
    ship, count, until : ndarray of int64, shape (vessels,)
        Vessels, how many of their fixes are settled, and the time of the last of these [us].
    last : dict of ndarray
        The last settled fix with a position of those vessels that have one: `ship`, `time`, `lat`, `lon`.
    track, time, lost, row : ndarray, shape (settled,)
        The settled fixes, and their numbers in the batch.
    waiting : ndarray of int64
        Rows of the batch that are not settled.
    """

    is_calm: np.ndarray
    ship: np.ndarray
    count: np.ndarray
    until: np.ndarray
    last: Columns
    track: np.ndarray
    time: np.ndarray
    lost: np.ndarray
    row: np.ndarray
    waiting: np.ndarray


def find_calm(rows: CalmRows, columns: Stacked, hulls: Hulls, finder: GapFinder, tracks: Tracks) -> Calm:
    """Find the calm vessels of a batch.

    Parameters
    ----------
    rows : CalmRows
    columns : Stacked
        All values of the batch.
    hulls, finder, tracks
        The states as they were before it.

    Returns
    -------
    Calm
    """
    start = group_starts(rows.vessel)
    end = np.r_[start[1:], len(rows.vessel)]
    ship = rows.vessel[start]
    track, calm = _calm_before(ship, hulls, finder, tracks)
    heard = np.where(calm, np.append(finder.last, NEVER)[track], rows.time[start])
    calm &= (rows.time[start] - heard <= finder.threshold) & ~_first_step_broken(rows, start, ship, hulls)
    again = np.zeros(len(rows.vessel), dtype=bool)
    wait, same = np.diff(rows.time), np.diff(rows.vessel) == 0
    odd = same & ((wait > finder.threshold) | _steps(rows, hulls))
    again[1:] = same & (wait == 0)
    twice = np.flatnonzero(again)
    twice = twice[calm[np.searchsorted(start, twice, side="right") - 1]]
    alike = is_same(columns, rows.row[twice - 1], rows.row[twice])
    for wrong in (np.flatnonzero(odd) + 1, twice[~alike]):
        calm[np.searchsorted(start, wrong, side="right") - 1] = False
    keep = np.repeat(calm, end - start)
    is_calm = keep.copy()
    keep[twice[alike]] = False
    return _settle(rows, np.flatnonzero(keep), is_calm, ship[calm], track[calm])


def _calm_before(ship: np.ndarray, hulls: Hulls, finder: GapFinder, tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Track that each vessel was last heard on, and whether it may be calm at all."""
    state = hulls.state
    current = state["current"][ship]
    calm = (current >= 0) & (state["quiet_rows"][ship] >= hulls.quiet)
    track = np.full(len(ship), -1)
    track[calm] = tracks.number(ship[calm], current[calm])
    busy = np.zeros(len(finder.last) + 1, dtype=bool)
    if finder.pending:
        busy[finder.pending["track"]] = True
    known = np.append(finder.last, NEVER) != NEVER
    return track, calm & ~busy[track] & known[track]


def _first_step_broken(rows: CalmRows, start: np.ndarray, ship: np.ndarray, hulls: Hulls) -> np.ndarray:
    state = hulls.state
    before = (state["last_time"][ship], state["last_lat"][ship], state["last_lon"][ship])
    known = before[0] != NEVER
    after = (rows.time[start], rows.lat[start], rows.lon[start])
    # A fix without position cannot be compared; such vessels are left to the general way.
    return ~(known & reachable(np.where(known, before[0], after[0]), *before[1:], *after, hulls.rule)[0])


def _steps(rows: CalmRows, hulls: Hulls) -> np.ndarray:
    """Tell which steps no ship can make, from one fix with a position to the next."""
    lat, lon, time = rows.lat, rows.lon, rows.time
    if rows.lost.any():
        # Those without a position stand still where they were heard last, and at that time.
        latest = np.maximum.accumulate(np.where(rows.lost, 0, np.arange(len(lat))))
        lat, lon, time = lat[latest], lon[latest], time[latest]
    return steps_broken(time, lat, lon, hulls.rule)


def _settle(rows: CalmRows, at: np.ndarray, is_calm: np.ndarray, ship: np.ndarray, track: np.ndarray) -> Calm:
    """Settle all but the last few rows `at` of each vessel."""
    vessel = rows.vessel[at]
    start = group_starts(vessel)
    size = np.diff(np.r_[start, len(at)])
    settled = np.arange(len(at)) < np.repeat(start + size - BEFORE_BREAK, size)
    count = np.maximum(size - BEFORE_BREAK, 0)
    heard, waiting = at[settled], rows.row[at[~settled]]
    some = count > 0
    final = np.cumsum(count[some]) - 1
    lost = rows.lost[heard]
    place = final
    if lost.any():
        latest = np.maximum.accumulate(np.where(lost, -1, np.arange(len(heard))))[final]
        place = latest[latest >= np.r_[0, final[:-1] + 1]]
    placed = heard[place]
    last = {
        "ship": rows.vessel[placed], "time": rows.time[placed], "lat": rows.lat[placed], "lon": rows.lon[placed],
    }  # fmt: skip
    return Calm(
        is_calm=is_calm, ship=ship[some], count=count[some], until=rows.time[heard[final]], last=last,
        track=np.repeat(track, count), time=rows.time[heard], lost=lost, row=rows.row[heard], waiting=waiting,
    )  # fmt: skip
