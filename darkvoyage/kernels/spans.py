"""Groups of equal keys in sorted arrays: starts, lengths, expansion of ranges."""

from __future__ import annotations

import numpy as np

__all__ = ["expand", "group_starts"]


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
