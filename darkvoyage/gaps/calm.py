"""Vessels about which a batch says nothing but "still there": nearly all of them, and quick to see.

Such a vessel was calm before; its fixes come in order of time, none twice unless in every value, no step is one that no
ship can make, and no silence reaches the threshold. What the general way (`Hulls.judge`, `GapFinder.push`) would do to
its state is then known beforehand, and is all that is done.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from darkvoyage.gaps.columns import NEVER, Columns, Stacked, is_same
from darkvoyage.gaps.finder import GapFinder
from darkvoyage.gaps.tracks import Tracks
from darkvoyage.kernels.ordering import vessel_order
from darkvoyage.kernels.spans import group_starts
from darkvoyage.tracks.episodes import BEFORE_BREAK
from darkvoyage.tracks.hulls import Hulls
from darkvoyage.tracks.stretches import DEGREE_NM, reachable, steps_broken
from darkvoyage.units import US_PER_H

__all__ = ["Arrived", "Calm", "by_vessel", "find_calm"]


@dataclass(frozen=True)
class Arrived:
    """Fixes of a batch in the order of arrival."""

    vessel: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Calm:
    """Calm vessels and their settled fixes, vessel by vessel in order of time.

    Parameters
    ----------
    rest : ndarray of int64
        Fixes of all other vessels, in the order of arrival.
    ship, count, until : ndarray of int64, shape (vessels,)
        Vessels, how many of their fixes are settled, and the time of the last of these [us].
    last : dict of ndarray
        The last settled fix with a position of those vessels that have one: `ship`, `time`, `lat`, `lon`.
    track, time, lost, row : ndarray, shape (settled,)
        The settled fixes, and their numbers in the batch.
    waiting : ndarray of int64
        Fixes of calm vessels that are not settled.
    """

    rest: np.ndarray
    ship: np.ndarray
    count: np.ndarray
    until: np.ndarray
    last: Columns
    track: np.ndarray
    time: np.ndarray
    lost: np.ndarray
    row: np.ndarray
    waiting: np.ndarray


def find_calm(
    fixes: Arrived, columns: Stacked, hulls: Hulls, finder: GapFinder, tracks: Tracks, *, compiled: bool
) -> Calm:
    """Find the calm vessels of a batch.

    Parameters
    ----------
    fixes : Arrived
    columns : Stacked
        All values of the batch.
    hulls, finder, tracks
        The states as they were before it.
    compiled : bool
        With compiled kernels; the result leads to the same gaps.

    Returns
    -------
    Calm
    """
    vessels = len(hulls.state["current"])
    ship = np.arange(vessels) if compiled else np.unique(fixes.vessel)
    track, may = _calm_before(ship, hulls, finder, tracks)
    if not may.any():
        none = np.empty(0, dtype="int64")
        return _gather(fixes, np.flatnonzero(fixes.vessel >= 0), none, none, none, none, track)
    calm = np.zeros(vessels, dtype=bool)
    calm[ship] = may
    heard = np.full(vessels, NEVER)
    heard[ship[may]] = finder.last[track[may]]
    sweep = _sweep_compiled if compiled else _sweep
    rest, settled, waiting, count = sweep(fixes, columns, hulls, calm, heard, finder.threshold)
    of = np.zeros(vessels, dtype="int64")
    of[ship] = track
    return _gather(fixes, rest, settled, waiting, np.flatnonzero(calm & (count > 0)), count, of)


_Swept = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _calm_before(ship: np.ndarray, hulls: Hulls, finder: GapFinder, tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Track that each vessel was last heard on, and whether it may be calm at all."""
    state = hulls.state
    current = state["current"][ship]
    calm = (current >= 0) & (state["quiet_rows"][ship] >= hulls.quiet)
    track = np.full(len(ship), -1)
    track[calm] = tracks.number(ship[calm], current[calm])
    known = np.append(finder.last, NEVER) != NEVER
    return track, calm & known[track]


def _sweep(
    fixes: Arrived, columns: Stacked, hulls: Hulls, calm: np.ndarray, heard: np.ndarray, threshold: int
) -> _Swept:
    """Rows of other vessels, settled rows, waiting rows, and how many are settled of each vessel; clears `calm`."""
    order = by_vessel(fixes.vessel, fixes.time)
    rows = Arrived(*(getattr(fixes, field.name)[order] for field in dataclasses.fields(Arrived)))
    start = group_starts(rows.vessel)
    ship = rows.vessel[start]
    wait, same = np.diff(rows.time), np.diff(rows.vessel) == 0
    silent = np.where(calm[ship], rows.time[start] - np.where(calm[ship], heard[ship], 0), 0) > threshold
    calm[ship[silent | _first_step_broken(rows, start, ship, hulls)]] = False
    calm[rows.vessel[1:][same & ((wait > threshold) | _steps(rows, hulls))]] = False
    twice = np.flatnonzero(same & (wait == 0) & calm[rows.vessel[1:]]) + 1
    alike = is_same(columns, order[twice - 1], order[twice])
    calm[rows.vessel[twice[~alike]]] = False
    keep = calm[rows.vessel]
    rest = np.sort(order[~keep])
    keep[twice[alike]] = False
    at = np.flatnonzero(keep)
    size = np.bincount(rows.vessel[at], minlength=len(calm))
    count = np.maximum(size - BEFORE_BREAK, 0)
    mine = size[ship]
    place = np.arange(len(at)) - np.repeat(np.cumsum(mine) - mine, mine)
    settled = place < np.repeat(count[ship], mine)
    return rest, order[at[settled]], order[at[~settled]], count


def _sweep_compiled(
    fixes: Arrived, columns: Stacked, hulls: Hulls, calm: np.ndarray, heard: np.ndarray, threshold: int
) -> _Swept:
    """The same in one pass over the fixes as they arrived."""
    from darkvoyage.kernels.sweep import arrange_calm, sweep_calm

    rule, state, vessels, n = hulls.rule, hulls.state, len(calm), len(fixes.vessel)
    limits = np.array([threshold, rule.jump_slack_nm, rule.max_speed_kn / US_PER_H, DEGREE_NM])
    placed = (state["last_time"].copy(), state["last_lat"].copy(), state["last_lon"].copy())
    size, tie, tie_with = np.zeros(vessels, dtype="int64"), np.empty(n, dtype="int64"), np.empty(n, dtype="int64")
    hot = (fixes.vessel, fixes.time, fixes.lat, fixes.lon)
    ties = sweep_calm(*hot, calm, heard, *placed, limits, size, np.zeros(vessels, dtype="int64"), tie, tie_with)
    twice, first = tie[:ties], tie_with[:ties]
    still = calm[fixes.vessel[twice]]
    twice, first = twice[still], first[still]
    alike = is_same(columns, first, twice)
    calm[fixes.vessel[twice[~alike]]] = False
    drop = np.zeros(n, dtype=bool)
    drop[twice[alike]] = True
    size = np.where(calm, size - np.bincount(fixes.vessel[twice[alike]], minlength=vessels), 0)
    count = np.maximum(size - BEFORE_BREAK, 0)
    row, waiting = (np.empty(rows.sum(), dtype="int64") for rows in (count, size - count))
    at, rest = np.zeros(vessels, dtype="int64"), np.empty(n, dtype="int64")
    others = arrange_calm(fixes.vessel, calm, drop, np.cumsum(count) - count, count, at, row, waiting, rest)
    return rest[:others], row, waiting, count


def _first_step_broken(rows: Arrived, start: np.ndarray, ship: np.ndarray, hulls: Hulls) -> np.ndarray:
    state = hulls.state
    before = (state["last_time"][ship], state["last_lat"][ship], state["last_lon"][ship])
    known = before[0] != NEVER
    # A fix without position cannot be compared; such vessels are left to the general way.
    lat, lon = (np.where(rows.lost[start], np.nan, values[start]) for values in (rows.lat, rows.lon))
    after = (rows.time[start], lat, lon)
    return ~(known & reachable(np.where(known, before[0], after[0]), *before[1:], *after, hulls.rule)[0])


def _steps(rows: Arrived, hulls: Hulls) -> np.ndarray:
    """Tell which steps no ship can make, from one fix with a position to the next."""
    lat, lon, time = rows.lat, rows.lon, rows.time
    if rows.lost.any():
        # Those without a position stand still where they were heard last, and at that time.
        latest = np.maximum.accumulate(np.where(rows.lost, 0, np.arange(len(lat))))
        lat, lon = (np.where(rows.lost[latest], np.nan, values[latest]) for values in (lat, lon))
        time = time[latest]
    return steps_broken(time, lat, lon, hulls.rule)


def _gather(
    fixes: Arrived, rest: np.ndarray, row: np.ndarray, waiting: np.ndarray, ship: np.ndarray, count: np.ndarray,
    track: np.ndarray,
) -> Calm:  # fmt: skip
    """What the states need to know of the settled rows."""
    count, time, lost = count[ship], fixes.time[row], fixes.lost[row]
    final = np.cumsum(count) - 1
    place = final
    if lost.any():
        latest = np.maximum.accumulate(np.where(lost, -1, np.arange(len(row))))[final]
        place = latest[latest >= np.cumsum(count) - count]
    placed = row[place]
    last = {
        "ship": fixes.vessel[placed], "time": fixes.time[placed], "lat": fixes.lat[placed], "lon": fixes.lon[placed],
    }  # fmt: skip
    return Calm(
        rest=rest, ship=ship, count=count, until=time[final], last=last, track=np.repeat(track[ship], count),
        time=time, lost=lost, row=row, waiting=waiting,
    )  # fmt: skip


def by_vessel(vessel: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Order by vessel and time; quick where each vessel's fixes already come in order.

    Parameters
    ----------
    vessel, time : ndarray of int64, shape (n,)
        Numbers of vessels from 0 to 2**32 - 1; times [us].

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    # Radix sort, 16 bits at a time.
    order = np.argsort((vessel & 0xFFFF).astype("uint16"), kind="stable")
    high = vessel >> 16
    if high.any():
        order = order[np.argsort(high[order].astype("uint16"), kind="stable")]
    key = vessel[order]
    back = np.flatnonzero((np.diff(time[order]) < 0) & (np.diff(key) == 0))
    if len(back):
        messy = np.flatnonzero(np.isin(key, key[back]))
        rows = order[messy]
        order[messy] = rows[vessel_order(vessel[rows], time[rows])]
    return order
