"""The order in which fixes arrive: how far behind its vessel's newest fix each one comes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.gaps.columns import NEVER

__all__ = ["Arrivals"]


class Arrivals:
    """Newest fix of each vessel so far.

    Parameters
    ----------
    max_lateness_us : int
        Fixes that come further behind the newest of their vessel are too late [us].
    """

    def __init__(self, max_lateness_us: int) -> None:
        self.max_lateness = max_lateness_us
        self.newest = np.empty(0, dtype="int64")

    def too_late(self, vessel: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Take fixes in the order of their arrival, and tell which come too late.

        Parameters
        ----------
        vessel : ndarray of int64, shape (n,)
            Numbers from 0; -1 for rows that do not count.
        time : ndarray of int64, shape (n,)
            [us]

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        late = np.zeros(len(vessel), dtype=bool)
        room = int(vessel.max(initial=-1)) + 1
        if room == 0:
            return late
        if room > len(self.newest):
            more = np.full(max(room, 2 * len(self.newest)) - len(self.newest), NEVER)
            self.newest = np.concatenate([self.newest, more])
        before = self.newest.copy()
        # The spare place takes the rows that do not count.
        newest = np.append(self.newest, NEVER)
        np.maximum.at(newest, vessel, time)
        self.newest = newest[:-1]
        # No sum with the null: NEVER stays below every time.
        limit = np.maximum(self.newest, NEVER + self.max_lateness) - self.max_lateness
        doubtful = np.zeros(len(newest), dtype=bool)
        doubtful[vessel[(vessel >= 0) & (time < limit[vessel])]] = True
        rows = np.flatnonzero(doubtful[vessel])
        if len(rows):
            so_far = pd.Series(time[rows]).groupby(vessel[rows]).cummax().to_numpy()
            so_far = np.maximum(so_far, before[vessel[rows]])
            late[rows] = time[rows] < so_far - self.max_lateness
        return late
