"""Sums over the rows of a group, for many questions at once."""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.spans import search_groups

__all__ = ["sum_before", "sum_between", "sum_by_key"]


def sum_by_key(keys: np.ndarray, weight: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Sum the weights under each wanted key.

    Parameters
    ----------
    keys : ndarray of int64, shape (n,)
    weight : ndarray of float64, shape (n,)
    wanted : ndarray of int64, shape (m,)
        Negative ones have no weight.

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    known, code = np.unique(keys, return_inverse=True)
    if len(known) == 0:
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where((known[at] == wanted) & (wanted >= 0), np.bincount(code, weight)[at], 0.0)


def sum_before(
    group: np.ndarray, value: np.ndarray, weight: np.ndarray, query_group: np.ndarray, query_value: np.ndarray, *,
    side: str = "left",
) -> np.ndarray:  # fmt: skip
    """Sum the weights of the rows of a group that lie before each query.

    Parameters
    ----------
    group, value : ndarray of int64, shape (n,)
        In any order; groups are small non-negative codes.
    weight : ndarray of float64, shape (n,)
    query_group, query_value : ndarray of int64, shape (m,)
    side : {"left", "right"}
        "right": rows at the query count too.

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    group, value, total = _ordered(group, value, weight)
    at = search_groups(group, value, query_group, query_value, side=side)
    return total[at] - total[np.searchsorted(group, query_group)]


def sum_between(
    group: np.ndarray, value: np.ndarray, weight: np.ndarray, query_group: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Sum the weights of the rows of a group from one value to another, both included.

    Parameters
    ----------
    group, value : ndarray of int64, shape (n,)
        As of `sum_before`.
    weight : ndarray of float64, shape (n,)
    query_group, low, high : ndarray of int64, shape (m,)

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    group, value, total = _ordered(group, value, weight)
    end = search_groups(group, value, query_group, high, side="right")
    return total[end] - total[search_groups(group, value, query_group, low)]


def _ordered(group: np.ndarray, value: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows by group and value, and the weight of all rows before each, and of all."""
    order = np.lexsort((value, group))
    return group[order], value[order], np.r_[0.0, np.cumsum(weight[order])]
