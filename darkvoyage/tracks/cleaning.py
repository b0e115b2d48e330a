"""What is wrong with a fix, and which hull it belongs to: flags and track ids, never a dropped row.

An MMSI may be used by two ships, or carry false positions. Rows of one MMSI are cut wherever the step to the next is
faster than any ship; the pieces are joined again across each other where that is possible at ship speed. The longest
chain is a hull; another chain of enough fixes is another hull; the rest are jumps.

Differs from gpsdio-segment 3.0.0, which closes a segment after 24 h of silence and drops messages: a track here
outlives any silence (a gap is a property of a track), and rows are flagged, not dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import CleanRule
from darkvoyage.kernels.spans import group_starts, search_groups
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import conform, sort_rows
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.outliers import allowance_nm, lone_outliers

__all__ = ["FIRST_AIS_YEAR", "clean_fixes"]

FIRST_AIS_YEAR = 1995
"""No AIS report is older: the technical standard ITU-R M.1371 dates from 1998, its sea trials from the mid-1990s."""

_FLAGS = (None, "time", "equipment", "duplicate", "out_of_range", "no_position", "jump", "conflict")
_OK, _TIME, _EQUIPMENT, _DUPLICATE, _OUT_OF_RANGE, _NO_POSITION, _JUMP, _CONFLICT = range(8)
_JOIN_ROUNDS = 16


def clean_fixes(fixes: Any, *, rule: CleanRule | None = None) -> pd.DataFrame:
    """Flag unusable fixes and assign each usable one to a hull.

    Parameters
    ----------
    fixes : FIXES table
    rule : CleanRule, optional

    Returns
    -------
    FIXES table
        All rows, sorted by (mmsi, timestamp), with `track_id` ("<mmsi>-<n>", n by first fix; null for rows that belong
        to no hull) and `flag`: null = usable, else the first that holds of
        `time` (before AIS existed), `equipment` (the MMSI is not a ship's), `duplicate` (same time, position, speed
        and course as a row that stays), `out_of_range` or `no_position` (the fix still proves that the ship was on
        the air), `conflict` (another position of the same ship at the same time stays), `jump` (cannot be reached).

    Raises
    ------
    SchemaError
        See `conform`.
    """
    rule = rule or CleanRule()
    table = sort_rows(conform(fixes, FIXES).drop(columns=["track_id", "flag"], errors="ignore"), FIXES.key)
    mmsi, time = table["mmsi"].to_numpy(), time_us(table["timestamp"])
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    owner, moment = _runs(mmsi), _runs(mmsi, time)
    original = _originals(table, moment)
    flag = _single_row_flags(original, mmsi, time, lat, lon)
    track = np.full(len(table), -1, dtype="int64")
    rows = np.flatnonzero(flag == _OK)
    lone = _outliers(mmsi[rows], time[rows], lat[rows], lon[rows], rule)
    flag[rows[lone]] = _JUMP
    rows = rows[~lone]
    chain = _chains(mmsi[rows], time[rows], lat[rows], lon[rows], rule)
    hull = _hulls(mmsi[rows], chain, rule)
    track[rows] = hull
    flag[rows[hull < 0]] = _JUMP
    _flag_same_time(flag, track, moment)
    _place_the_rest(flag, track, owner, time, original)
    attrs = dict(getattr(fixes, "attrs", {}) or {})
    out = table.assign(
        track_id=_track_ids(mmsi, owner, track), flag=pd.Series(pd.array(_FLAGS, dtype="str").take(flag))
    )
    out.attrs.update(attrs)
    return out


def _runs(*keys: np.ndarray) -> np.ndarray:
    """Number the runs of equal keys, shape (n,)."""
    new = np.ones(len(keys[0]), dtype=bool)
    new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.cumsum(new) - 1


def _track_ids(mmsi: np.ndarray, owner: np.ndarray, track: np.ndarray) -> pd.Series:
    # Text is made once per track, not per row.
    code, packed = pd.factorize(owner * (track.max(initial=0) + 2) + track)
    at = np.empty(len(packed), dtype="int64")
    at[code] = np.arange(len(code))
    texts = [f"{number}-{n}" if n >= 0 else None for number, n in zip(mmsi[at], track[at], strict=True)]
    return pd.Series(pd.array(texts, dtype="str").take(code))


def _single_row_flags(
    original: np.ndarray, mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray
) -> np.ndarray:
    flag = np.zeros(len(mmsi), dtype="int8")
    with np.errstate(invalid="ignore"):
        flag[(np.abs(lat) > 90) | (np.abs(lon) > 180)] = _OUT_OF_RANGE
    flag[np.isnan(lat) | np.isnan(lon)] = _NO_POSITION
    flag[original != np.arange(len(mmsi))] = _DUPLICATE
    flag[is_equipment(mmsi)] = _EQUIPMENT
    flag[time < np.datetime64(f"{FIRST_AIS_YEAR}-01-01", "us").astype("int64")] = _TIME
    return flag


def _originals(table: pd.DataFrame, moment: np.ndarray) -> np.ndarray:
    """First row of the same MMSI with the time, position, speed and course of each row; itself if there is no other."""
    original = np.arange(len(table))
    same = moment[1:] == moment[:-1]
    rows = np.flatnonzero(np.r_[same, False] | np.r_[False, same]) if len(table) else original
    if len(rows):
        what = [name for name in ("lat", "lon", "sog", "cog") if name in table.columns]
        part = table[what].take(rows).assign(_moment=moment[rows])
        group = part.groupby([*what, "_moment"], dropna=False, sort=False).ngroup().to_numpy()
        original[rows] = rows[np.unique(group, return_index=True)[1]][group]
    return original


def _outliers(mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Lone outliers, but for those that together are another ship, heard now and then."""
    lone = lone_outliers(mmsi, time, lat, lon, rule)
    at = np.flatnonzero(lone)
    chain = _chains(mmsi[at], time[at], lat[at], lon[at], rule)
    lone[at[_is_heard_enough(chain, at, rule)]] = False
    return lone


def _is_heard_enough(chain: np.ndarray, place: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Tell which rows are in chains of enough fixes, and of enough of the fixes while the chain lasts."""
    _, at, code, size = np.unique(chain, return_index=True, return_inverse=True, return_counts=True)
    last = np.zeros(len(size), dtype="int64")
    last[code] = np.arange(len(chain))
    lasts = place[last] - place[at] + 1
    # Scattered false positions are mutually reachable given enough time; a ship is heard as often as its fellow.
    return ((size >= rule.hull_min_fixes) & (size >= rule.hull_min_share * lasts))[code]


def _chains(mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Number the chains of mutually reachable fixes; rows sorted by (mmsi, time)."""
    n = len(mmsi)
    if n == 0:
        return np.empty(0, dtype="int64")
    cut = np.ones(n, dtype=bool)
    cut[1:] = (mmsi[1:] != mmsi[:-1]) | ~_reachable(time, lat, lon, np.arange(n - 1), np.arange(1, n), rule)[0]
    piece = np.cumsum(cut) - 1
    first = np.flatnonzero(cut)
    last = np.r_[first[1:], n] - 1
    successor = _join_pieces(mmsi[first], first, last, time, lat, lon, rule)
    return _follow(successor)[piece]


def _reachable(
    time: np.ndarray, lat: np.ndarray, lon: np.ndarray, a: np.ndarray, b: np.ndarray, rule: CleanRule
) -> tuple[np.ndarray, np.ndarray]:
    """Whether row b can follow row a, and how much of the allowed distance that takes."""
    allowed = allowance_nm(time[a], time[b], rule)
    used = great_circle_nm(lat[a], lon[a], lat[b], lon[b])
    return used <= allowed, used / np.maximum(allowed, 1e-9)


def _join_pieces(
    owner: np.ndarray, first: np.ndarray, last: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray,
    rule: CleanRule,
) -> np.ndarray:  # fmt: skip
    """Successor of each piece (-1: none): the next free piece of its MMSI that its end can reach, one to one."""
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
        ok, used = _reachable(time, lat, lon, last[ends[inside]], first[ahead], rule)
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


def _hulls(mmsi: np.ndarray, chain: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Number of the hull of each row within its MMSI, -1 for jumps."""
    if len(mmsi) == 0:
        return np.empty(0, dtype="int64")
    chains, at, code, size = np.unique(chain, return_index=True, return_inverse=True, return_counts=True)
    # Chains are numbered by their first row, so they are in (mmsi, time) order.
    owner = mmsi[at]
    largest = np.lexsort((chains, -size, owner))
    is_hull = _is_heard_enough(chain, np.arange(len(chain)), rule)[at]
    is_hull[largest[group_starts(owner[largest])]] = True
    rank = np.cumsum(is_hull) - 1
    start = group_starts(owner)
    before = np.repeat(rank[start] - is_hull[start] + 1, np.diff(np.r_[start, len(owner)]))
    number = np.where(is_hull, rank - before, -1)
    return number[code]


def _flag_same_time(flag: np.ndarray, track: np.ndarray, moment: np.ndarray) -> None:
    """Keep one usable row of a track and time; a jump at the time of a usable row is a conflict with it."""
    same = moment[1:] == moment[:-1]
    tied = np.r_[same, False] | np.r_[False, same] if len(moment) else np.empty(0, dtype=bool)
    usable = np.flatnonzero(tied & (flag == _OK))
    jumps = np.flatnonzero(tied & (flag == _JUMP))
    flag[jumps[np.isin(moment[jumps], moment[usable])]] = _CONFLICT
    order = usable[np.lexsort((usable, track[usable], moment[usable]))]
    again = (moment[order][1:] == moment[order][:-1]) & (track[order][1:] == track[order][:-1])
    flag[order[1:][again]] = _CONFLICT


def _place_the_rest(
    flag: np.ndarray, track: np.ndarray, owner: np.ndarray, time: np.ndarray, original: np.ndarray
) -> None:
    """Give fixes without a usable position the track last heard, else the next; repeats that of their original."""
    rows = np.flatnonzero((flag == _NO_POSITION) | (flag == _OUT_OF_RANGE))
    known = np.flatnonzero(track >= 0)
    at = search_groups(owner[known], time[known], owner[rows], time[rows], side="right")
    if len(known):
        before = known[np.maximum(at - 1, 0)]
        after = known[np.minimum(at, len(known) - 1)]
        has_before = (at > 0) & (owner[before] == owner[rows])
        has_after = (at < len(known)) & (owner[after] == owner[rows])
        track[rows] = np.where(has_before, track[before], np.where(has_after, track[after], 0))
    else:
        track[rows] = 0
    repeats = np.flatnonzero(flag == _DUPLICATE)
    track[repeats] = track[original[repeats]]
