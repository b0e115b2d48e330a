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
from darkvoyage.units import US_PER_H

__all__ = ["FIRST_AIS_YEAR", "clean_fixes", "time_us"]

FIRST_AIS_YEAR = 1995
"""No AIS report can be older: the technical standard ITU-R M.1371 dates from 1998, its sea trials from the mid-1990s."""

_FLAGS = np.array(
    [None, "time", "equipment", "duplicate", "out_of_range", "no_position", "jump", "conflict"], dtype=object
)
_OK, _TIME, _EQUIPMENT, _DUPLICATE, _OUT_OF_RANGE, _NO_POSITION, _JUMP, _CONFLICT = range(8)


def time_us(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 of a UTC time column, shape (n,)."""
    return times.to_numpy(dtype="datetime64[us]").astype("int64")


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
    flag = _single_row_flags(table, mmsi, time, lat, lon)
    track = np.full(len(table), -1, dtype="int64")
    rows = np.flatnonzero(flag == _OK)
    chain = _chains(mmsi[rows], time[rows], lat[rows], lon[rows], rule)
    hull = _hulls(mmsi[rows], chain, rule)
    track[rows] = hull
    flag[rows[hull < 0]] = _JUMP
    _flag_same_time(flag, track, mmsi, time)
    _place_the_rest(flag, track, mmsi, time)
    attrs = dict(getattr(fixes, "attrs", {}) or {})
    number = pd.Series(track).astype("str")
    names = pd.Series(mmsi).astype("str") + "-" + number
    out = table.assign(track_id=names.where(track >= 0).astype("str"), flag=pd.Series(_FLAGS[flag], dtype="str"))
    out.attrs.update(attrs)
    return out


def _single_row_flags(
    table: pd.DataFrame, mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray
) -> np.ndarray:
    flag = np.zeros(len(table), dtype="int8")
    with np.errstate(invalid="ignore"):
        flag[(np.abs(lat) > 90) | (np.abs(lon) > 180)] = _OUT_OF_RANGE
    flag[np.isnan(lat) | np.isnan(lon)] = _NO_POSITION
    flag[_repeats(table, mmsi, time, lat, lon)] = _DUPLICATE
    flag[is_equipment(mmsi)] = _EQUIPMENT
    flag[time < np.datetime64(f"{FIRST_AIS_YEAR}-01-01", "us").astype("int64")] = _TIME
    return flag


def _repeats(table: pd.DataFrame, mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Rows that repeat the time, position, speed and course of an earlier row of the same MMSI."""
    out = np.zeros(len(table), dtype=bool)
    same = np.zeros(len(table), dtype=bool)
    same[1:] = (mmsi[1:] == mmsi[:-1]) & (time[1:] == time[:-1])
    tied = same.copy()
    tied[:-1] |= same[1:]
    rows = np.flatnonzero(tied)
    if len(rows):
        what = [name for name in ("mmsi", "timestamp", "lat", "lon", "sog", "cog") if name in table.columns]
        out[rows] = table.loc[rows, what].duplicated().to_numpy()
    return out


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
    allowed = rule.jump_slack_nm + rule.max_speed_kn * (time[b] - time[a]) / US_PER_H
    used = great_circle_nm(lat[a], lon[a], lat[b], lon[b])
    return used <= allowed, used / np.maximum(allowed, 1e-9)


def _join_pieces(
    owner: np.ndarray, first: np.ndarray, last: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray,
    rule: CleanRule,
) -> np.ndarray:  # fmt: skip
    """Successor of each piece (-1: none): the next piece of its MMSI that its end can reach, one to one."""
    count = len(first)
    successor = np.full(count, -1, dtype="int64")
    free = np.ones(count, dtype=bool)
    while True:
        source, target, cost = _first_reachable(successor, free, owner, first, last, time, lat, lon, rule)
        if len(source) == 0:
            return successor
        # Each target takes the source that needs the least of its allowance, the later one on equal terms.
        order = np.lexsort((-source, cost, target))
        best = order[group_starts(target[order])]
        successor[source[best]] = target[best]
        free[target[best]] = False


def _first_reachable(
    successor: np.ndarray, free: np.ndarray, owner: np.ndarray, first: np.ndarray, last: np.ndarray,
    time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    open_ends = np.flatnonzero(successor < 0)
    target = np.full(len(open_ends), -1, dtype="int64")
    cost = np.zeros(len(open_ends))
    for step in range(2, rule.lookahead + 1):
        ahead = open_ends + step
        inside = np.flatnonzero((ahead < len(first)) & (target < 0))
        inside = inside[free[ahead[inside]] & (owner[ahead[inside]] == owner[open_ends[inside]])]
        ok, used = _reachable(time, lat, lon, last[open_ends[inside]], first[ahead[inside]], rule)
        target[inside[ok]] = ahead[inside[ok]]
        cost[inside[ok]] = used[ok]
    found = target >= 0
    return open_ends[found], target[found], cost[found]


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
    chains, at, size = np.unique(chain, return_index=True, return_counts=True)
    # Chains are numbered by their first row, so they are in (mmsi, time) order.
    owner = mmsi[at]
    largest = np.lexsort((chains, -size, owner))
    is_hull = size >= rule.hull_min_fixes
    is_hull[largest[group_starts(owner[largest])]] = True
    rank = np.cumsum(is_hull) - 1
    start = group_starts(owner)
    before = np.repeat(rank[start] - is_hull[start] + 1, np.diff(np.r_[start, len(owner)]))
    number = np.where(is_hull, rank - before, -1)
    return number[np.searchsorted(chains, chain)]


def _flag_same_time(flag: np.ndarray, track: np.ndarray, mmsi: np.ndarray, time: np.ndarray) -> None:
    """Keep one usable row of a track and time; a jump at the time of a usable row is a conflict with it."""
    rows = np.flatnonzero((flag == _OK) | (flag == _JUMP))
    # Usable rows first, then the order of the table; rows are already sorted by (mmsi, time).
    order = rows[np.lexsort((flag[rows] == _JUMP, time[rows], mmsi[rows]))]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = (mmsi[order][1:] == mmsi[order][:-1]) & (time[order][1:] == time[order][:-1])
    flag[order[same & (flag[order] == _JUMP)]] = _CONFLICT
    usable = np.flatnonzero(flag == _OK)
    order = usable[np.lexsort((usable, time[usable], track[usable], mmsi[usable]))]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = (
        (mmsi[order][1:] == mmsi[order][:-1])
        & (track[order][1:] == track[order][:-1])
        & (time[order][1:] == time[order][:-1])
    )
    flag[order[same]] = _CONFLICT


def _place_the_rest(flag: np.ndarray, track: np.ndarray, mmsi: np.ndarray, time: np.ndarray) -> None:
    """Give duplicates and fixes without a usable position the track that was last heard, else the next."""
    rows = np.flatnonzero((flag == _NO_POSITION) | (flag == _OUT_OF_RANGE) | (flag == _DUPLICATE))
    if len(rows) == 0:
        return
    known = np.flatnonzero(track >= 0)
    codes, code = np.unique(mmsi, return_inverse=True)
    at = search_groups(code[known], time[known], code[rows], time[rows], side="right")
    if len(known):
        before = known[np.maximum(at - 1, 0)]
        after = known[np.minimum(at, len(known) - 1)]
        has_before = (at > 0) & (mmsi[before] == mmsi[rows])
        has_after = (at < len(known)) & (mmsi[after] == mmsi[rows])
        track[rows] = np.where(has_before, track[before], np.where(has_after, track[after], 0))
    else:
        track[rows] = 0
