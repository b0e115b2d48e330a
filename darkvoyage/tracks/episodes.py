"""Where episodes begin and end in the sequence of fixes of each MMSI, and what of it is settled.

An episode reaches from a little before a break, a step that no ship can make, until the track has been quiet for a
while. Rows of a batch are sorted by (vessel, time, lost).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.spans import group_starts

__all__ = [
    "BEFORE_BREAK", "EPISODE_ROWS", "LONG", "Batch", "break_ahead", "calm_follows", "number_episodes", "row_before",
    "settled_rows",
]  # fmt: skip

BEFORE_BREAK = 4
"""Fixes before a break that belong to its episode: the last one before may be the false one."""
EPISODE_ROWS = 512
"""A longer episode is cut, so that what is carried stays bounded."""
LONG = np.int64(1) << 40
"""More rows than any MMSI has."""


@dataclass(frozen=True)
class Batch:
    """Rows of a batch, sorted by (vessel, time, lost), and where each vessel's begin and end."""

    vessel: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    lost: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """Rows of each vessel."""
        return self.end - self.start + 1

    @property
    def ship(self) -> np.ndarray:
        """Number of each vessel."""
        return self.vessel[self.start]

    def group_of(self, rows: np.ndarray) -> np.ndarray:
        """Place of the vessel that each row belongs to, in `start`."""
        return np.searchsorted(self.start, rows, side="right") - 1

    def take(self, rows: np.ndarray) -> Batch:
        """Only these rows, ascending."""
        vessel = self.vessel[rows]
        start = group_starts(vessel)
        end = np.r_[start[1:], len(rows)] - 1
        return Batch(vessel, self.time[rows], self.lat[rows], self.lon[rows], self.lost[rows], start, end)


def break_ahead(batch: Batch, broken: np.ndarray) -> np.ndarray:
    """Rows within `BEFORE_BREAK` before a break of the same vessel."""
    place = np.arange(len(broken))
    ahead = np.minimum.accumulate(np.where(broken, place, LONG)[::-1])[::-1]
    return (ahead <= np.repeat(batch.end, batch.size)) & (ahead - place <= BEFORE_BREAK)


def number_episodes(batch: Batch, trouble: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the episode, ascending, and its first row; for rows in no trouble those of the one before."""
    place = np.arange(len(trouble))
    begins = trouble & np.r_[True, ~trouble[:-1] | (batch.vessel[1:] != batch.vessel[:-1])]
    run = np.maximum.accumulate(np.where(begins, place, 0))
    begins |= trouble & ((place - run) % EPISODE_ROWS == 0)
    return np.cumsum(begins), np.maximum.accumulate(np.where(begins, place, 0))


def settled_rows(
    batch: Batch, trouble: np.ndarray, episode: np.ndarray, first_row: np.ndarray, last: bool
) -> np.ndarray:
    """Rows that no later fix can change."""
    place = np.arange(len(trouble))
    if last:
        return np.ones(len(trouble), dtype=bool)
    end = np.repeat(batch.end, batch.size)
    known_calm = ~trouble & (place <= end - BEFORE_BREAK)
    waits = np.where(trouble | known_calm, LONG, place)
    # The last episode is over when a row that is known to be calm follows.
    open_end = np.minimum.reduceat(waits, batch.start)
    tail = np.maximum.reduceat(np.where(trouble, place, -1), batch.start)
    over = (tail < 0) | (tail < batch.end) & known_calm[np.minimum(tail + 1, len(trouble) - 1)]
    until = np.where(over, open_end, first_row[np.maximum(tail, 0)])
    return place < np.repeat(until, batch.size)


def calm_follows(batch: Batch, trouble: np.ndarray) -> np.ndarray:
    """Whether the trouble that a row is in ends before the batch does."""
    place = np.arange(len(trouble))
    calm = np.minimum.accumulate(np.where(trouble, LONG, place)[::-1])[::-1]
    return calm <= np.repeat(batch.end, batch.size)


def row_before(batch: Batch, rows: np.ndarray) -> np.ndarray:
    """Last row with a position before each of `rows`, of the same vessel and batch; -1 where there is none."""
    place = np.arange(len(batch.lost))
    latest = np.r_[-1, np.maximum.accumulate(np.where(batch.lost, -1, place))]
    found = latest[rows]
    return np.where(found >= batch.start[batch.group_of(rows)], found, -1)
