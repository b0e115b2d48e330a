"""Numbers of tracks: each vessel may have several hulls."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["Tracks"]

_HULL_BITS = 20


class Tracks:
    """Numbers of tracks: one for each vessel and hull, in the order in which they first came."""

    def __init__(self) -> None:
        self.packed = np.empty(0, dtype="int64")
        """Vessel and hull of each track."""
        self._first = np.empty(0, dtype="int64")
        """Track of the first hull of each vessel, -1 where there is none."""

    def number(self, vessel: np.ndarray, hull: np.ndarray) -> np.ndarray:
        """Number of the track of each row; new ones are added."""
        room = int(vessel.max(initial=-1)) + 1 - len(self._first)
        if room > 0:
            self._first = np.r_[self._first, np.full(max(room, len(self._first)), -1)]
        number = self._first[vessel]
        other = np.flatnonzero((hull > 0) | (number < 0))
        if len(other) == 0:
            return number
        codes, distinct = pd.factorize(vessel[other] << _HULL_BITS | hull[other])
        known = pd.Index(self.packed).get_indexer(pd.Index(distinct))
        new = known < 0
        known[new] = np.arange(len(self.packed), len(self.packed) + new.sum())
        self.packed = np.r_[self.packed, distinct[new]]
        first = new & (distinct & (1 << _HULL_BITS) - 1 == 0)
        self._first[distinct[first] >> _HULL_BITS] = known[first]
        number[other] = known[codes]
        return number

    def of(self, track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vessel and hull of each track."""
        return self.packed[track] >> _HULL_BITS, self.packed[track] & (1 << _HULL_BITS) - 1

    def restore(self, packed: np.ndarray) -> None:
        """Take up the tracks of a saved state."""
        vessel, hull = packed >> _HULL_BITS, packed & (1 << _HULL_BITS) - 1
        self.packed = packed
        self._first = np.full(int(vessel.max(initial=-1)) + 1, -1)
        self._first[vessel[hull == 0]] = np.flatnonzero(hull == 0)
