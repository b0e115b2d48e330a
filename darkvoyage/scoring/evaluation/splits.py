"""Who is learned from and who is judged: whole vessels, and the past before the future.

A vessel's fold follows from its MMSI alone, so that it is the same in every table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.kernels.mixing import deal
from darkvoyage.schema.times import moment_us, time_us

__all__ = ["HALVES", "split_days", "split_halves", "split_times", "split_vessels", "split_vessels_and_times"]

HALVES = ("development", "test")
"""Vessels to tune on, and vessels to report on."""
_HALF_SEED = 0
_DAY_US = 24 * 3_600_000_000


def split_halves(table: pd.DataFrame) -> np.ndarray:
    """Half of each row by its vessel: the same in every set, so that no vessel is tuned on and reported on.

    Parameters
    ----------
    table : DataFrame
        With a column `mmsi`.

    Returns
    -------
    ndarray of str, shape (n,)
        One of `HALVES`.
    """
    return np.array(HALVES)[split_vessels(table, folds=2, seed=_HALF_SEED)]


def split_days(table: pd.DataFrame, *, time: str = "timestamp") -> np.ndarray:
    """Half of each row by its day (UTC): every other day is one to tune on.

    Parameters
    ----------
    table : DataFrame
    time : str
        Column.

    Returns
    -------
    ndarray of str, shape (n,)
        One of `HALVES`.
    """
    return np.array(HALVES)[time_us(table[time]) // _DAY_US % 2]


def split_vessels(table: pd.DataFrame, *, folds: int, seed: int = 0) -> np.ndarray:
    """Fold of each row by its vessel.

    Parameters
    ----------
    table : DataFrame
        With a column `mmsi`.
    folds : int
    seed : int
        Another seed deals the vessels anew.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 to folds - 1.

    Raises
    ------
    RuleError
        `folds` or `seed` is no whole number, or too small.
    """
    for name, value, least in (("folds", folds, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise RuleError(f"{name} = {value!r}: expected a whole number of at least {least}")
    return deal(table["mmsi"].to_numpy("int64"), folds, seed)


def split_times(table: pd.DataFrame, *, cuts: list[Any], time: str = "time") -> np.ndarray:
    """Part of each row by its time.

    Parameters
    ----------
    table : DataFrame
    cuts : list of datetime or ISO 8601 text with time zone
        Ascending; a row at a cut belongs to what follows.
    time : str
        Column.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 (before the first cut) to the number of cuts.

    Raises
    ------
    RuleError
        A cut is no time, or they do not ascend.
    """
    edges = np.array([moment_us(cut, "cuts") for cut in cuts], dtype="int64")
    if (np.diff(edges) <= 0).any():
        raise RuleError(f"cuts = {cuts!r}: expected ascending times")
    return np.searchsorted(edges, time_us(table[time]), side="right")


def split_vessels_and_times(
    table: pd.DataFrame, *, folds: int, fold: int, cut: Any, seed: int = 0, time: str = "time"
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from, the other vessels before the cut, and rows to judge, this fold's vessels from the cut on.

    Parameters
    ----------
    table : DataFrame
    folds, fold : int
        See `split_vessels`; `fold` is judged.
    cut : datetime or ISO 8601 text with time zone
    seed : int
    time : str
        Column.

    Returns
    -------
    learned, judged : ndarray of bool, shape (n,)
        The rest is neither.

    Raises
    ------
    RuleError
        An option makes no sense.
    """
    if fold not in range(folds):
        raise RuleError(f"fold = {fold!r}: expected 0 to {folds - 1}")
    held, later = split_vessels(table, folds=folds, seed=seed) == fold, split_times(table, cuts=[cut], time=time) == 1
    return ~held & ~later, held & later
