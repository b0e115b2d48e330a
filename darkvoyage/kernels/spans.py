"""Groups of equal keys in sorted arrays: starts, expansion of ranges, searching inside groups."""

from __future__ import annotations

import numpy as np

__all__ = ["expand", "group_ends", "group_starts", "in_parts", "search_groups", "search_ranges"]


def group_starts(key: np.ndarray) -> np.ndarray:
    """Index of the first row of each run of equal keys.

    Parameters
    ----------
    key : ndarray, shape (n,)
        Sorted, or at least grouped.

    Returns
    -------
    ndarray of int64, shape (groups,)
    """
    if len(key) == 0:
        return np.empty(0, dtype="int64")
    return np.flatnonzero(np.r_[True, key[1:] != key[:-1]])


def group_ends(start: np.ndarray, rows: int) -> np.ndarray:
    """One past the last row of each group, from the first rows of all groups.

    Parameters
    ----------
    start : ndarray of int64, shape (groups,)
        Of `group_starts`.
    rows : int
        Of all groups together.

    Returns
    -------
    ndarray of int64, shape (groups,)
    """
    return np.append(start[1:], rows)[: len(start)].astype("int64")


def in_parts(size: np.ndarray, limit: int) -> list[slice]:
    """Cut items into parts, in order, so that bounded memory suffices for one.

    Parameters
    ----------
    size : ndarray of int64, shape (n,)
        Of each item, not negative.
    limit : int
        What the items of a part add up to, at most one item more.

    Returns
    -------
    list of slice
        Of the items; none is empty, all together are all items.
    """
    begins = group_starts((np.cumsum(size) - size) // limit)
    return [slice(begin, end) for begin, end in zip(begins, group_ends(begins, len(size)), strict=True)]


def expand(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List all members of ranges: which range, and which index.

    Parameters
    ----------
    first, count : ndarray of int64, shape (n,)
        Range i is first[i], first[i] + 1, ... of length count[i] (>= 0).

    Returns
    -------
    owner, index : ndarray of int64, shape (sum of count,)
    """
    count = np.asarray(count, dtype="int64")
    owner = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return owner, np.repeat(np.asarray(first, dtype="int64"), count) + offset


def search_groups(
    group: np.ndarray, value: np.ndarray, query_group: np.ndarray, query_value: np.ndarray, *, side: str = "left"
) -> np.ndarray:
    """Insertion points of queries among the rows of their own group (`numpy.searchsorted` per group, at once).

    Parameters
    ----------
    group, value : ndarray of int64, shape (n,)
        Rows sorted by (group, value); groups are small non-negative codes.
    query_group, query_value : ndarray of int64, shape (m,)
    side : {"left", "right"}

    Returns
    -------
    ndarray of int64, shape (m,)
        Indices into the n rows, between the group's first row and one past its last. A group without rows gives the
        place where it would stand.
    """
    if len(value) == 0:
        return np.zeros(len(query_value), dtype="int64")
    rank, offset, width = _ranks(value, query_value, side, int(max(group[-1], np.max(query_group, initial=0))) + 1)
    packed = np.asarray(group, dtype="int64") * width + rank
    return np.searchsorted(packed, np.asarray(query_group, dtype="int64") * width + offset, side="left")


def _ranks(value: np.ndarray, query: np.ndarray, side: str, groups: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Numbers in [0, width) in the order of the values, and how many of these numbers stand before each query."""
    low, high = int(np.min(value)), int(np.max(value))
    width = high - low + 2
    if groups * width < 2**63:
        beyond = query >= low if side == "right" else query > high
        return value - low, np.clip(query, low, high) - low + beyond, width
    # Ranks among the distinct values keep (group, rank) inside 64 bits for any span.
    levels, rank = np.unique(value, return_inverse=True)
    return rank, np.searchsorted(levels, query, side="right" if side == "right" else "left"), len(levels) + 1


def search_ranges(
    value: np.ndarray, first: np.ndarray, end: np.ndarray, query: np.ndarray, *, side: str = "left"
) -> np.ndarray:
    """Insertion points of queries, each within its own range of a column (`numpy.searchsorted` per query, at once).

    Parameters
    ----------
    value : ndarray, shape (n,)
        Ascending within each range.
    first, end : ndarray of int64, shape (m,)
        Range i is value[first[i]:end[i]].
    query : ndarray, shape (m,)
    side : {"left", "right"}

    Returns
    -------
    ndarray of int64, shape (m,)
        Between first and end.
    """
    low, high = np.array(first, dtype="int64"), np.array(end, dtype="int64")
    while True:
        open_ = np.flatnonzero(low < high)
        if len(open_) == 0:
            return low
        middle = (low[open_] + high[open_]) // 2
        found = value[middle]
        right = found < query[open_] if side == "left" else found <= query[open_]
        low[open_[right]] = middle[right] + 1
        high[open_[~right]] = middle[~right]
