"""When each track was heard lately: as much of the past as the counts before a gap look back on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from darkvoyage.kernels.spans import expand, group_starts, search_ranges

__all__ = ["Recent"]

_SLACK_ROWS = 1 << 20
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class _Page:
    """Times of some tracks: those of `track[k]`, ascending, are `time[begin[k] : begin[k] + size[k]]`, in `unit` us."""

    track: np.ndarray
    begin: np.ndarray
    size: np.ndarray
    time: np.ndarray
    receiver: np.ndarray | None
    unit: int

    def first_from(self, begin: np.ndarray, end: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Place of the first time at or after a moment [us] in each range."""
        return search_ranges(self.time, begin, end, -(-moment // self.unit), side="left")

    def end_by(self, begin: np.ndarray, end: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Place behind the last time at or before a moment [us] in each range."""
        return search_ranges(self.time, begin, end, moment // self.unit, side="right")


class Recent:
    """Times and receivers of the latest fixes of each track, in pages as they came.

    Parameters
    ----------
    lookback_us : int
        What is longer before the last fix of its track may be forgotten [us].
    """

    def __init__(self, lookback_us: int) -> None:
        self._lookback = lookback_us
        self._room = _SLACK_ROWS
        self.pages: list[_Page] = []

    @property
    def is_full(self) -> bool:
        """Whether it is time to forget."""
        return sum(len(page.time) for page in self.pages) > self._room

    def add(self, track: np.ndarray, time: np.ndarray, receiver: np.ndarray | None) -> None:
        """Add fixes, those of each track together and in order, later than all before of it.

        Parameters
        ----------
        track, time : ndarray of int64, shape (n,)
        receiver : ndarray of int8, shape (n,), optional
        """
        start = group_starts(track)
        order = np.argsort(track[start], kind="stable")
        size = np.diff(np.r_[start, len(track)])
        unit = 1
        if not np.any(time % _SECOND_US) and time.min(initial=0) >= 0 and time.max(initial=0) < _SECOND_US << 32:
            # Whole seconds, as nearly all feeds have: half the memory.
            unit, time = _SECOND_US, (time // _SECOND_US).astype("uint32")
        self.pages.append(_Page(track[start][order], start[order], size[order], time, receiver, unit))

    def forget(self, last: np.ndarray) -> None:
        """Forget what cannot be looked back on any more.

        Parameters
        ----------
        last : ndarray of int64, shape (tracks,)
            Time of the last fix of every track [us].
        """
        pages = [_fresh_part(page, last - self._lookback) for page in self.pages]
        self.pages = [page for page in pages if len(page.time)]
        self._room = sum(len(page.time) for page in self.pages) * 5 // 4 + _SLACK_ROWS

    def state(self) -> list[list[Any]]:
        """All pages as lists of arrays."""
        return [[page.track, page.begin, page.size, page.time, page.receiver, page.unit] for page in self.pages]

    def restore(self, state: Iterable[Sequence[Any]]) -> None:
        """Take up a state."""
        self.pages = [_Page(*page) for page in state]

    def count(self, track: np.ndarray, since: np.ndarray, until: np.ndarray, receivers: int) -> np.ndarray:
        """Count fixes of tracks in closed spans of time.

        Parameters
        ----------
        track, since, until : ndarray of int64, shape (n,)
        receivers : int
            Count each of this many receiver codes too.

        Returns
        -------
        ndarray of int64, shape (n, 1 + receivers)
        """
        out = np.zeros((len(track), 1 + receivers), dtype="int64")
        for page in self.pages:
            at = np.minimum(np.searchsorted(page.track, track), max(len(page.track) - 1, 0))
            mine = np.flatnonzero(page.track[at] == track) if len(page.track) else np.empty(0, dtype="int64")
            begin = page.begin[at[mine]]
            end = begin + page.size[at[mine]]
            low = page.first_from(begin, end, since[mine])
            high = page.end_by(begin, end, until[mine])
            out[mine, 0] += np.maximum(high - low, 0)
            if page.receiver is not None:
                for code in range(receivers):
                    seen = np.r_[0, np.cumsum(page.receiver == code)]
                    out[mine, 1 + code] += np.maximum(seen[high] - seen[low], 0)
        return out


def _fresh_part(page: _Page, since: np.ndarray) -> _Page:
    """What of a page is not older than the time given for each track."""
    end = page.begin + page.size
    first = page.first_from(page.begin, end, since[page.track])
    count = end - first
    if np.array_equal(count, page.size):
        return page
    _, rows = expand(first, count)
    alive = count > 0
    begin = np.cumsum(count) - count
    receiver = None if page.receiver is None else page.receiver[rows]
    return _Page(page.track[alive], begin[alive], count[alive], page.time[rows], receiver, page.unit)
