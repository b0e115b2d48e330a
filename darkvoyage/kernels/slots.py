"""Tracks on a common grid of times: which moments of the grid each fix speaks for, and where the ship was then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.spans import expand, in_parts, search_groups
from darkvoyage.kernels.sphere import interpolate

__all__ = ["Slots", "on_slots"]


@dataclass(frozen=True)
class Slots:
    """Fixes of tracks and the slots they own; slot s is the moment s * step_us.

    A fix owns the slots from its own time until before the next fix where the two are joined, else only its own moment.

    Parameters
    ----------
    track, time : ndarray of int64, shape (n,)
        Sorted by (track, time) [us].
    lat, lon : ndarray of float64, shape (n,)
    step_us : int
    first, count : ndarray of int64, shape (n,)
        Slots that each fix owns.
    """

    track: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    step_us: int
    first: np.ndarray
    count: np.ndarray

    def blocks(self, samples: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield fix and slot of all owned slots, in blocks of whole slots from the first slot to the last.

        Parameters
        ----------
        samples : int
            About how many a block holds; a single slot is never split.

        Yields
        ------
        fix, slot : ndarray of int64, shape (about samples,)
        """
        owners = np.flatnonzero(self.count)
        owners = owners[np.argsort(self.first[owners], kind="stable")]
        first, count = self.first[owners], self.count[owners]
        widest = int(count.max(initial=0))
        begins = np.unique([first[part.start] for part in in_parts(count, samples)])
        ends = np.r_[begins[1:], first[-1:] + widest]
        for begin, end in zip(begins, ends, strict=True):
            some = slice(*np.searchsorted(first, (begin - widest + 1, end)))
            low, high = np.maximum(first[some], begin), np.minimum(first[some] + count[some], end)
            owner, slot = expand(low, np.maximum(high - low, 0))
            yield owners[some][owner], slot

    def positions(self, fix: np.ndarray, slot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the ship of each fix was at a slot that the fix owns, on the great circle to the next fix.

        Parameters
        ----------
        fix, slot : ndarray of int64, shape (m,)

        Returns
        -------
        lat, lon : ndarray of float64, shape (m,)
        """
        since = slot * self.step_us - self.time[fix]
        after = np.where(since > 0, np.minimum(fix + 1, len(self.time) - 1), fix)
        fraction = since / np.maximum(self.time[after] - self.time[fix], 1)
        return interpolate(self.lat[fix], self.lon[fix], self.lat[after], self.lon[after], fraction)

    def owner(self, track: np.ndarray, slot: np.ndarray) -> np.ndarray:
        """Fix that owns a slot of a track, -1 where none does: nobody knows where the ship was.

        Parameters
        ----------
        track, slot : ndarray of int64, shape (m,)

        Returns
        -------
        ndarray of int64, shape (m,)
        """
        fix = search_groups(self.track, self.time, track, slot * self.step_us, side="right") - 1
        at = np.maximum(fix, 0)
        known = (fix >= 0) & (self.track[at] == track) & (slot - self.first[at] < self.count[at])
        return np.where(known, fix, -1)


def on_slots(
    track: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, joined: np.ndarray, step_us: int
) -> Slots:
    """Put tracks on a grid of times.

    Parameters
    ----------
    track, time : ndarray of int64, shape (n,)
        Sorted by (track, time), without ties [us].
    lat, lon : ndarray of float64, shape (n,)
        Known positions.
    joined : ndarray of bool, shape (n,)
        Whether the ship is taken to have sailed from this fix to the next row, of the same track.
    step_us : int

    Returns
    -------
    Slots
    """
    first = -(-time // step_us)
    end = time + 1
    before = np.flatnonzero(joined)
    end[before] = time[before + 1]
    count = np.maximum((end - 1) // step_us - first + 1, 0)
    return Slots(track, time, lat, lon, step_us, first, count)
