"""Feeds from which stretches of track are taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts, search_groups
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes, in_order

__all__ = ["Tracks", "cleaned", "track_numbers", "without"]


@dataclass(frozen=True)
class Tracks:
    """Usable fixes with a position, sorted by (track, time).

    Parameters
    ----------
    row : ndarray of int64, shape (n,)
        Their place in the cleaned table.
    track : ndarray of int64, shape (n,)
        As `track_numbers`.
    time : ndarray of int64, shape (n,)
        Microseconds.
    """

    row: np.ndarray
    track: np.ndarray
    time: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> Tracks:
        """Tracks of cleaned fixes."""
        known = np.isfinite(table["lat"]) & np.isfinite(table["lon"]) & table["flag"].isna()
        track, time = track_numbers(table), time_us(table["timestamp"])
        row = np.flatnonzero(known.to_numpy() & (track >= 0))
        row = row[np.lexsort((time[row], track[row]))]
        return cls(row, track[row], time[row])

    def first(self) -> np.ndarray:
        """Index of the first fix of the track of each fix, shape (n,)."""
        begin = group_starts(self.track)
        return np.repeat(begin, np.diff(np.r_[begin, len(self.track)]))

    def last(self) -> np.ndarray:
        """Index of the last fix of the track of each fix, shape (n,)."""
        begin = group_starts(self.track)
        size = np.diff(np.r_[begin, len(self.track)])
        return np.repeat(begin + size - 1, size)

    def before(self, track: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Index of the last fix of a track at or before a time, shape (m,); there must be one."""
        return search_groups(self.track, self.time, track, time, side="right") - 1

    def after(self, track: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Index of the first fix of a track at or after a time, shape (m,); there must be one."""
        return search_groups(self.track, self.time, track, time, side="left")


def cleaned(fixes: Any) -> pd.DataFrame:
    """Return the fixes cleaned and in order: as they are flagged already, else by the default cleaning."""
    table = conform(fixes, FIXES)
    return in_order(table) if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table)


def track_numbers(table: pd.DataFrame) -> np.ndarray:
    """Return the number of each row's track, -1 for rows of none, shape (rows,)."""
    return table.groupby(["mmsi", "track_id"], sort=True).ngroup().fillna(-1).to_numpy(dtype="int64")


def without(table: pd.DataFrame, track: np.ndarray, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    """Take out the fixes strictly inside intervals.

    Parameters
    ----------
    table : FIXES table
        Cleaned.
    track, start, end : ndarray of int64, shape (m,)
        Of `track_numbers`, and microseconds. Intervals of one track may touch, but not overlap.

    Returns
    -------
    FIXES table
    """
    if len(track) == 0:
        return table
    order = np.lexsort((start, track))
    track, start, end = track[order], start[order], end[order]
    owner, time = track_numbers(table), time_us(table["timestamp"])
    at = np.maximum(search_groups(track, start, np.maximum(owner, 0), time, side="left") - 1, 0)
    inside = (track[at] == owner) & (start[at] < time) & (time < end[at])
    return table[~inside].reset_index(drop=True)
