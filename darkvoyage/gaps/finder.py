"""Gaps of tracks whose fixes come in batches: what is carried is one record per track and what it was heard lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from darkvoyage.gaps.columns import NEVER, REPORTS, Columns, Stacked, concat_columns, is_null, take_rows
from darkvoyage.gaps.recent import Recent
from darkvoyage.kernels.spans import expand, group_starts, search_groups
from darkvoyage.rules.tracks import GapRule
from darkvoyage.units import US_PER_H

__all__ = ["MOMENTARY", "RECEIVERS", "GapFinder"]

MOMENTARY = ("lat", "lon", "sog", "cog", "nav_status")
"""What a fix says of its own moment."""
RECEIVERS = {"ter": "terrestrial", "sat": "satellite", "dyn": "dynamic"}
"""Kinds of receiver that fixes are counted by; their place is their code."""
_BEFORE = ("before", *(f"before_{short}" for short in RECEIVERS))
END_WINDOW_US = round(24.0 * US_PER_H)
"""Reports count as the end's for so long after it [us]."""


class GapFinder:
    """Finds the gaps of tracks, batch after batch.

    Parameters
    ----------
    rule : GapRule
    """

    def __init__(self, rule: GapRule) -> None:
        self.threshold = round(rule.min_gap_h * US_PER_H)
        self.lookback = round(rule.lookback_h * US_PER_H)
        self.last = np.empty(0, dtype="int64")
        """Time of the last fix of each track [us]."""
        self.moment: Columns = {}
        """That fix's own values, by track."""
        self.reports: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        """Latest value of each report and when it was received, by track."""
        self.recent = Recent(self.lookback)
        self.pending: Columns = {}
        """Closed gaps whose aftermath is not complete."""

    def push(
        self, track: np.ndarray, time: np.ndarray, lost: np.ndarray, columns: Stacked, row: np.ndarray,
        receivers: Sequence[str],
    ) -> Columns:  # fmt: skip
        """Add fixes and hand out the gaps that nothing later can change.

        Parameters
        ----------
        track, time : ndarray of int64, shape (n,)
            Sorted by both, one fix per track and time, none before the last of its track [us].
        lost : ndarray of bool, shape (n,)
            Without a usable position.
        columns : Stacked
            Values, as `to_columns` gives them.
        row : ndarray of int64, shape (n,)
            Where in `columns` the values of each fix are.
        receivers : sequence of str
            Texts of the codes of receivers.

        Returns
        -------
        dict of ndarray
            Gaps: `track`, `start`, `end` [us], and the columns of GAPS that are known of the track's fixes alone.
        """
        if len(track):
            batch = _Rows(track, time, lost, columns, row, receivers)
            self._grow(batch)
            on = np.flatnonzero(batch.waits(self.last) > self.threshold)
            gaps = self._starts(batch, on)
            gaps |= self._ends(batch, on)
            self._follow_up(batch, gaps, on)
            self._remember(batch)
        return self.complete(self.last - END_WINDOW_US)

    def advance(
        self, track: np.ndarray, time: np.ndarray, lost: np.ndarray, columns: Stacked, row: np.ndarray,
        receivers: Sequence[str],
    ) -> None:  # fmt: skip
        """Add fixes of tracks that have no gap among them and none before them.

        Parameters as for `push`, but tracks need only stand together.
        """
        if len(track) == 0:
            return
        batch = _Rows(track, time, lost, columns, row, receivers)
        self._grow(batch)
        self._remember(batch)
        if self.pending:
            waits = np.zeros(len(self.last), dtype=bool)
            waits[self.pending["track"]] = True
            mine = np.flatnonzero(waits[track])
            mine = mine[np.argsort(track[mine], kind="stable")]
            if len(mine):
                self._follow_up(_Rows(track[mine], time[mine], lost[mine], columns, row[mine], receivers))

    def complete(self, until: np.ndarray | int) -> Columns:
        """Hand out the pending gaps that ended before a time, one for all or one for each track [us]."""
        if self.recent.is_full:
            if self.pending:
                self._count(self.pending)
            self.recent.forget(self.last)
        if not self.pending:
            return {}
        limit = until[self.pending["track"]] if isinstance(until, np.ndarray) else until
        done = self.pending["end"] < limit
        if not done.any():
            return {}
        out = take_rows(self.pending, np.flatnonzero(done))
        self._count(out)
        self.pending = take_rows(self.pending, np.flatnonzero(~done))
        return out

    def open_gaps(self, moment: int) -> Columns:
        """Gaps that have not ended by a moment [us]."""
        known = np.flatnonzero(self.last != NEVER)
        track = known[moment - self.last[known] > self.threshold]
        gaps = self._context(track)
        self._count(gaps)
        return gaps | {"end": np.full(len(track), NEVER), "after": np.zeros(len(track), dtype="int64")}

    def state(self) -> dict[str, Any]:
        """Everything that outlives a batch, as plain arrays."""
        reports = {name: list(pair) for name, pair in self.reports.items()}
        return {
            "last": self.last, "moment": self.moment, "reports": reports, "recent": self.recent.state(),
            "pending": self.pending,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state."""
        self.last, self.moment, self.pending = state["last"], state["moment"], state["pending"]
        self.reports = {name: (values, received) for name, (values, received) in state["reports"].items()}
        self.recent.restore(state["recent"])

    def _grow(self, batch: _Rows) -> None:
        """Make room for new tracks, and for columns that come for the first time."""
        tracks = int(batch.track.max()) + 1
        if tracks > len(self.last):
            room = max(tracks, 2 * len(self.last))
            self.last = _padded(self.last, room, NEVER)
            self.moment = {name: _padded(values, room, np.nan) for name, values in self.moment.items()}
            self.reports = {
                name: (_padded(values, room, _null(name)), _padded(received, room, NEVER))
                for name, (values, received) in self.reports.items()
            }
        waiting = len(self.pending["track"]) if self.pending else 0
        for name in [name for name in MOMENTARY if name in batch.names and name not in self.moment]:
            self.moment[name] = np.full(len(self.last), np.nan)
            self.pending |= {f"{side}_{name}": np.full(waiting, np.nan) for side in ("start", "end") if waiting}
        for name in [name for name in REPORTS if name in batch.names and name not in self.reports]:
            nulls = np.full(len(self.last), _null(name), dtype="int32" if _null(name) == -1 else "float64")
            self.reports[name] = (nulls, np.full(len(self.last), NEVER))
            for side in ("start", "end") if waiting else ():
                self.pending[f"{side}_{name}"] = np.full(waiting, _null(name), dtype=nulls.dtype)
                self.pending[f"{side}_{name}_received"] = np.full(waiting, NEVER)

    def _context(self, track: np.ndarray) -> Columns:
        """Starts of gaps at the last fix of tracks, as it is remembered."""
        out: Columns = {"track": track, "start": self.last[track]}
        out |= {name: np.full(len(track), -1) for name in _BEFORE}
        out |= {f"start_{name}": values[track] for name, values in self.moment.items()}
        for name, (values, received) in self.reports.items():
            out[f"start_{name}"], out[f"start_{name}_received"] = values[track], received[track]
        return out

    def _count(self, gaps: Columns) -> None:
        """Count what was heard before gaps that have not been looked at yet."""
        new = np.flatnonzero(gaps["before"] < 0)
        if len(new) == 0:
            return
        start = gaps["start"][new]
        counts = self.recent.count(gaps["track"][new], start - self.lookback, start, len(RECEIVERS))
        for place, name in enumerate(_BEFORE):
            gaps[name][new] = counts[:, place]

    def _starts(self, batch: _Rows, on: np.ndarray) -> Columns:
        """Starts of the gaps that end at rows `on`: the row before, or the last fix of an earlier batch."""
        gaps = self._context(batch.track[on])
        inside = np.flatnonzero(~batch.is_first[on])
        off = on[inside] - 1
        gaps["start"][inside] = batch.time[off]
        for name in self.moment:
            gaps[f"start_{name}"][inside] = batch.moment(name, off)
        for name in self.reports:
            found, value, received = batch.reported_by(name, off)
            if found is None:
                continue
            # What was received before the latest that is known is old news.
            newer = found & (received >= gaps[f"start_{name}_received"][inside])
            gaps[f"start_{name}"][inside[newer]] = value[newer]
            gaps[f"start_{name}_received"][inside[newer]] = received[newer]
        return gaps

    def _ends(self, batch: _Rows, on: np.ndarray) -> Columns:
        ends: Columns = {"end": batch.time[on], "after": np.zeros(len(on), dtype="int64")}
        ends |= {f"end_{name}": batch.moment(name, on) for name in self.moment}
        for name, (values, _) in self.reports.items():
            ends[f"end_{name}"] = np.full(len(on), _null(name), dtype=values.dtype)
            ends[f"end_{name}_received"] = np.full(len(on), NEVER)
        # Reports belong to the end until the next gap begins.
        ends["limit"] = batch.time[on] + END_WINDOW_US
        return ends

    def _follow_up(self, batch: _Rows, gaps: Columns | None = None, on: np.ndarray | None = None) -> None:
        """Look at what the batch says of pending gaps and new ones: counts after the end, first reports."""
        since = batch.first_row(self.pending["track"]) if self.pending else batch.start[:0]
        if gaps is not None and on is not None:
            since = np.r_[since, on]
            self.pending = concat_columns([self.pending, gaps]) if len(since) > len(on) else gaps
        pending = self.pending
        _limit_by_next(pending)
        at = np.flatnonzero(since >= 0)
        track, since = pending["track"][at], since[at]
        until = search_groups(batch.track, batch.time, track, pending["end"][at] + self.lookback, side="right")
        pending["after"][at] += np.maximum(until - since, 0)
        for name in self.reports:
            missing = np.flatnonzero(pending[f"end_{name}_received"][at] == NEVER)
            rows, value, received = batch.first_reported(
                name, track[missing], since[missing], pending["end"][at[missing]], pending["limit"][at[missing]]
            )
            pending[f"end_{name}"][at[missing[rows]]] = value
            pending[f"end_{name}_received"][at[missing[rows]]] = received

    def _remember(self, batch: _Rows) -> None:
        rows = batch.last_rows
        track = batch.track[rows]
        for name in self.moment:
            self.moment[name][track] = batch.moment(name, rows)
        for name, (values, latest) in self.reports.items():
            newer, value, received = batch.last_reported(name)
            newer &= received >= latest[track]
            values[track[newer]], latest[track[newer]] = value[newer], received[newer]
        self.last[track] = batch.time[rows]
        self.recent.add(batch.track, batch.time, batch.receiver)


class _Rows:
    """Fixes of a batch, sorted by (track, time)."""

    def __init__(
        self, track: np.ndarray, time: np.ndarray, lost: np.ndarray, columns: Stacked, row: np.ndarray,
        receivers: Sequence[str],
    ) -> None:  # fmt: skip
        self.track, self.time, self.lost, self._columns, self._row = track, time, lost, columns, row
        self.names = columns.names()
        self.start = group_starts(track)
        self.is_first = np.zeros(len(track), dtype=bool)
        self.is_first[self.start] = True
        self.last_rows = np.r_[self.start[1:], len(track)] - 1
        self.receiver = None
        if "receiver" in self.names:
            kinds = list(RECEIVERS.values())
            codes = [kinds.index(text) if text in kinds else -1 for text in receivers]
            self.receiver = np.array([*codes, -1], dtype="int8")[columns.values("receiver", row)]
        self._asked = self._there = row[:0]
        self._reports: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray] | None] = {}

    def waits(self, last: np.ndarray) -> np.ndarray:
        """Time since the fix before of the track, 0 for the first of all [us]."""
        wait = np.empty_like(self.time)
        wait[1:] = np.diff(self.time)
        before = last[self.track[self.start]]
        wait[self.start] = np.where(before == NEVER, 0, self.time[self.start] - before)
        return wait

    def moment(self, name: str, at: np.ndarray) -> np.ndarray:
        """Values of some fixes; no position where it is not usable."""
        if at is not self._asked:
            self._asked, self._there = at, self._row[at]
        values = self._columns.values(name, self._there)
        return np.where(self.lost[at], np.nan, values) if name in ("lat", "lon") else values

    def first_row(self, track: np.ndarray) -> np.ndarray:
        """First row of each track, -1 where the batch has none."""
        tracks = self.track[self.start]
        at = np.minimum(np.searchsorted(tracks, track), len(tracks) - 1)
        return np.where(tracks[at] == track, self.start[at], -1)

    def _report(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Rows that carry a value; the latest time of receipt so far in the track; the row that holds it."""
        if name not in self._reports:
            self._reports[name] = self._reports_of(name)
        return self._reports[name]

    def _reports_of(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        at = np.flatnonzero(self._columns.known(name, self._row)) if name in self.names else self.start[:0]
        if len(at) == 0:
            return None
        received, stamp = self.time[at], REPORTS[name]
        if stamp is None or stamp not in self.names:
            return at, received, at
        given = self._columns.values(stamp, self._row[at])
        # A clock ahead of the fix: the value is as old as the fix that carries it.
        received = np.where(given == NEVER, received, np.minimum(given, received))
        latest, source = _latest(self.track[at], received)
        return at, latest, at[source]

    def reported_by(self, name: str, row: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Whether the batch has a report at or before each row in its track; the latest value, when it was received."""
        report = self._report(name)
        if report is None:
            return None, row[:0], row[:0]
        at, latest, source = report
        found = np.searchsorted(at, row, side="right") - 1
        known = (found >= 0) & (self.track[at[found]] == self.track[row])
        return known, self._columns.values(name, self._row[source[found]]), latest[found]

    def last_reported(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Whether each track of the batch has a report; the latest value, when it was received."""
        row, stamp = self.last_rows, REPORTS[name]
        if stamp in self.names:
            known, value, received = self.reported_by(name, row)
            if known is None:
                return np.zeros(len(row), dtype=bool), self._columns.values(name, self._row[row]), self.time[row]
            return known, value, received
        value = self.moment(name, row)
        known = ~is_null(name, value)
        silent = np.flatnonzero(~known)
        if len(silent) and name in self.names:
            # Most ships say it with every fix or never.
            count = row[silent] - self.start[silent]
            _, earlier = expand(self.start[silent], count)
            spoke = np.where(self._columns.known(name, self._row[earlier]), earlier, -1)
            some = count > 0
            latest = np.full(len(silent), -1)
            if some.any():
                latest[some] = np.maximum.reduceat(spoke, (np.cumsum(count) - count)[some])
            row = row.copy()
            row[silent] = np.where(latest >= 0, latest, row[silent])
            known[silent] = latest >= 0
            value[silent] = self._columns.values(name, self._row[row[silent]])
        return known, value, self.time[row]

    def first_reported(
        self, name: str, track: np.ndarray, since: np.ndarray, end: np.ndarray, limit: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which queries have a report from row `since` on that was received from `end` on and heard by `limit`."""
        report = self._report(name)
        if report is None or len(track) == 0:
            return since[:0], since[:0], since[:0]
        at, latest, _ = report
        found = search_groups(self.track[at], latest, track, end, side="left")
        found = np.maximum(found, np.searchsorted(at, since))
        inside = np.minimum(found, len(at) - 1)
        row = at[inside]
        good = np.flatnonzero((found < len(at)) & (self.track[row] == track) & (self.time[row] <= limit))
        return good, self._columns.values(name, self._row[row[good]]), latest[inside[good]]


def _latest(track: np.ndarray, received: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running maximum of `received` within each track, and the row that holds it."""
    levels, rank = np.unique(received, return_inverse=True)
    group = np.cumsum(np.r_[False, track[1:] != track[:-1]])
    key = group * len(levels) + rank
    top = np.maximum.accumulate(key)
    source = np.maximum.accumulate(np.where(key == top, np.arange(len(key)), 0))
    return received[source], source


def _limit_by_next(pending: Columns) -> None:
    """Let the reports that belong to the end of each gap stop where the track's next gap begins."""
    order = np.lexsort((pending["start"], pending["track"]))
    follows = np.flatnonzero(pending["track"][order][1:] == pending["track"][order][:-1])
    this, following = order[follows], order[follows + 1]
    pending["limit"][this] = np.minimum(pending["limit"][this], pending["start"][following])


def _null(name: str) -> Any:
    return -1 if name in ("ais_class", "destination") else np.nan


def _padded(values: np.ndarray, room: int, null: Any) -> np.ndarray:
    out = np.full(room, null, dtype=values.dtype)
    out[: len(values)] = values
    return out
