"""Sorted pieces of a store back to fixes: some vessels, some time, or a whole part in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from darkvoyage.io.containers import guard
from darkvoyage.io.selection import Period
from darkvoyage.io.statics import STAMPS, STATIC_FIELDS, StaticReports
from darkvoyage.io.store_manifest import Run, run_folder
from darkvoyage.io.store_sort import ARROW_TYPES, STATIC, VESSEL_TOTALS, joined, part_of, take_rows, typed
from darkvoyage.io.store_write import ROW_GROUP, changes_file, fixes_file, reports_file, vessels_file
from darkvoyage.kernels.ordering import vessel_order

__all__ = ["Window", "select", "vessel_totals", "walk_part"]

_KEY = ("mmsi", "timestamp")
_KEPT_ROWS = 8 << 20  # decoded and waiting for the next chunk, over all runs of a part
_GROUPS_AT_ONCE = 32


@dataclass(frozen=True)
class Window:
    """Which fixes are wanted.

    Parameters
    ----------
    mmsi : ndarray of int64 or None
        Sorted, distinct; None for all vessels.
    period : Period or None
        None for all times.
    """

    mmsi: np.ndarray | None = None
    period: Period | None = None

    def meets(self, run: Run) -> bool:
        """Tell whether a run may hold fixes of the window."""
        return self.period is None or not self.period.misses(run.first_us, run.last_us)

    def holds(self, mmsi: np.ndarray, time_us: np.ndarray) -> np.ndarray:
        """Tell which fixes are in the window."""
        inside = np.ones(len(mmsi), dtype=bool) if self.period is None else ~self.period.outside(time_us)
        return inside if self.mmsi is None else inside & np.isin(mmsi, self.mmsi)


def select(store: Path, runs: Sequence[Run], parts: int, window: Window, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read the fixes of a window, each run and part by itself.

    Parameters
    ----------
    store : Path
    runs : sequence of Run
    parts : int
    window : Window
    names : sequence of str
        Columns that are wanted.

    Yields
    ------
    pyarrow Table
        Columns `names`; those that the run lacks are null.
    """
    asked = range(parts) if window.mmsi is None else np.unique(part_of(window.mmsi, parts)).tolist()
    for part in asked:
        reports = _reports_for(store, runs, part, window, names)
        for run in runs:
            if run.part_rows[part] and window.meets(run):
                for table in _Piece(store, run, part, _needed(names)).select(window):
                    yield _with_reports(table, reports, names)


def _reports_for(store: Path, runs: Sequence[Run], part: int, window: Window, names: Sequence[str]) -> StaticReports:
    """Static reports that fixes of a window may need: of the time before it, only the last ones."""
    since, until = (None, None) if window.period is None else (window.period.since, window.period.until)
    before = Window(window.mmsi, Period(None, since))
    inside = Window(window.mmsi, Period(since, until))
    files = _report_files(store, runs, part, names, keeps=False)
    reports = StaticReports()
    for table in (table for file in files if since is not None for table, _ in file.select(before)):
        reports.add(table)
        reports.forget()
    for table in (table for file in files for table, _ in file.select(inside)):
        reports.add(table)
    return reports


def _report_files(
    store: Path, runs: Sequence[Run], part: int, names: Sequence[str], *, keeps: bool
) -> list[_SortedFile]:
    fields = [name for name in STATIC_FIELDS if name in _needed(names)]
    if not fields:
        return []
    folders = [run_folder(store, run.number) for run in runs if run.report_rows[part]]
    return [_SortedFile(reports_file(folder, part), [*_KEY, *fields], keeps=keeps) for folder in folders]


def walk_part(store: Path, runs: Sequence[Run], part: int, rows: int, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read a part in order of vessel and time, whole vessels at a time.

    Parameters
    ----------
    store : Path
    runs : sequence of Run
    part : int
    rows : int
        Most rows of a table; a vessel that has more comes alone.
    names : sequence of str

    Yields
    ------
    pyarrow Table
        Columns `names`; those that no run has are null.
    """
    keeping = _KEPT_ROWS // ROW_GROUP
    pieces = [
        _Piece(store, run, part, _needed(names), keeps=place < keeping)
        for place, run in enumerate(run for run in runs if run.part_rows[part])
    ]
    report_files = _report_files(store, runs, part, names, keeps=len(runs) <= keeping)
    totals = vessel_totals(store, runs, part)
    for low, high in _ranges(totals["mmsi"].to_numpy(), totals["fixes"].to_numpy(), rows):
        found = [table for table in (piece.between(low, high) for piece in pieces) if len(table)]
        table = joined(found)
        if len(found) > 1:
            table = take_rows(table, vessel_order(_numbers(table, "mmsi"), _numbers(table, "timestamp")))
        reports = StaticReports()
        for file in report_files:
            reports.add(file.between(low, high)[0])
        yield _with_reports(table, reports, names)


def _needed(names: Sequence[str]) -> list[str]:
    """Columns `names`, and those without which it is not known whose time of receipt counts."""
    return [*names, *(name for name, stamp in STAMPS.items() if stamp in names and name not in names)]


def _with_reports(table: pa.Table, reports: StaticReports, names: Sequence[str]) -> pa.Table:
    present = [name for name in ARROW_TYPES if name in table.column_names]
    return typed(reports.join(typed(table, present)), names)


def _ranges(mmsi: np.ndarray, fixes: np.ndarray, rows: int) -> Iterator[tuple[int, int]]:
    """First and last vessel of chunks that hold at most `rows`, or one vessel."""
    ends = np.cumsum(fixes)
    first = 0
    while first < len(mmsi):
        before = ends[first] - fixes[first]
        after = max(first + 1, int(np.searchsorted(ends, before + rows, side="right")))
        yield int(mmsi[first]), int(mmsi[after - 1])
        first = after


def vessel_totals(store: Path, runs: Sequence[Run], part: int | None = None) -> pa.Table:
    """Rows, first and last time of each vessel over some runs.

    Parameters
    ----------
    store : Path
    runs : sequence of Run
    part : int, optional
        All parts where it is not given.

    Returns
    -------
    pyarrow Table
        `mmsi`, `fixes`, `first`, `last`, sorted by MMSI.
    """
    total = VESSEL_TOTALS.empty_table()
    wanted = None if part is None else [("part", "==", part)]
    for run in runs:
        path = vessels_file(run_folder(store, run.number))
        with guard(str(path)):
            index = parquet.read_table(path, filters=wanted, partitioning=None)
        both = pa.concat_tables([total, index.select(total.column_names)])
        summed = both.group_by("mmsi").aggregate([("fixes", "sum"), ("first", "min"), ("last", "max")])
        total = summed.select(["mmsi", "fixes_sum", "first_min", "last_max"]).rename_columns(total.column_names)
    return total.sort_by("mmsi")


class _SortedFile:
    """A Parquet file sorted by MMSI, read by groups of rows."""

    def __init__(self, path: Path, names: Sequence[str], *, keeps: bool) -> None:
        self._path = path
        with guard(str(path)):
            self._meta = parquet.read_metadata(path)
        self._schema = schema = self._meta.schema.to_arrow_schema()
        self.names = [name for name in schema.names if name in names]
        groups = [self._meta.row_group(number) for number in range(self._meta.num_row_groups)]
        self._starts = np.cumsum([0, *(group.num_rows for group in groups)])
        self._limits = {name: _limits(groups, schema.names.index(name)) for name in _KEY}
        self._keeps = keeps
        self._kept: tuple[int, pa.Table] | None = None

    def groups(self, window: Window) -> np.ndarray:
        """Numbers of the groups that may hold fixes of the window."""
        wanted = np.ones(len(self._starts) - 1, dtype=bool)
        if window.period is not None:
            wanted &= ~np.array([window.period.misses(*span) for span in zip(*self._limits["timestamp"], strict=True)])
        if window.mmsi is not None:
            low, high = self._limits["mmsi"]
            wanted &= np.searchsorted(window.mmsi, low, "left") < np.searchsorted(window.mmsi, high, "right")
        return np.flatnonzero(wanted)

    def read(self, groups: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """Rows of some groups, and their numbers in the file."""
        with guard(str(self._path)):
            file = parquet.ParquetFile(self._path, metadata=self._meta, pre_buffer=False)
            table = file.read_row_groups(groups.tolist(), columns=self.names, use_threads=False)
        numbers = [np.arange(self._starts[group], self._starts[group + 1]) for group in groups]
        return table, np.concatenate(numbers)

    def select(self, window: Window) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """Rows of a window and their numbers in the file, some groups at a time."""
        groups = self.groups(window)
        for at in range(0, len(groups), _GROUPS_AT_ONCE):
            table, rows = self.read(groups[at : at + _GROUPS_AT_ONCE])
            inside = window.holds(_numbers(table, "mmsi"), _numbers(table, "timestamp"))
            if inside.any():
                yield table.filter(pa.array(inside)), rows[inside]

    def between(self, low: int, high: int) -> tuple[pa.Table, int]:
        """Rows of the vessels from `low` to `high`, and the number of the first of them in the file."""
        lows, highs = self._limits["mmsi"]
        first, last = np.searchsorted(highs, low, "left"), np.searchsorted(lows, high, "right")
        if first >= last:
            return self._schema.empty_table().select(self.names), 0
        table = pa.concat_tables([self._group(group) for group in range(first, last)])
        begin, end = np.searchsorted(_numbers(table, "mmsi"), [low, high + 1])
        return table.slice(begin, end - begin), int(self._starts[first] + begin)

    def _group(self, group: int) -> pa.Table:
        # Chunks come in rising order: the last group of one is often the first of the next.
        if self._kept is not None and self._kept[0] == group:
            return self._kept[1]
        table, _ = self.read(np.array([group]))
        self._kept = (group, table) if self._keeps else None
        return table


class _Piece:
    """One part of one run: its fixes, with the static values put back."""

    def __init__(self, store: Path, run: Run, part: int, names: Sequence[str], *, keeps: bool = True) -> None:
        folder = run_folder(store, run.number)
        static = [name for name in names if name in STATIC]
        self._fixes = _SortedFile(fixes_file(folder, part), [*_KEY, *names], keeps=keeps)
        self._log: _SortedFile | None = None
        if static and run.has_changes:
            self._log = _SortedFile(changes_file(folder, part), ["row", "mmsi", *static], keeps=keeps)

    def between(self, low: int, high: int) -> pa.Table:
        """All fixes of the vessels from `low` to `high`."""
        table, first = self._fixes.between(low, high)
        return self._complete(table, np.arange(first, first + len(table)))

    def select(self, window: Window) -> Iterator[pa.Table]:
        """Fixes of a window, some groups of rows at a time."""
        return (self._complete(table, rows) for table, rows in self._fixes.select(window))

    def _complete(self, table: pa.Table, rows: np.ndarray) -> pa.Table:
        """Add the static values that hold at each of these rows."""
        if self._log is None or not len(table):
            return table
        mmsi = _numbers(table, "mmsi")
        log = joined([self._log.between(int(mmsi[0]), int(mmsi[-1]))[0]])
        at = np.searchsorted(_numbers(log, "row"), rows, side="right") - 1
        values = take_rows(log.drop_columns(["row", "mmsi"]), at)
        for name in values.column_names:
            table = table.append_column(name, values[name])
        return table


def _limits(groups: Sequence[parquet.RowGroupMetaData], column: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of a column in each group of rows, times in microseconds."""
    found = [group.column(column).statistics for group in groups]
    low, high = ([getattr(each, end) for each in found] for end in ("min_raw", "max_raw"))
    return np.array(low, dtype="int64"), np.array(high, dtype="int64")


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """Values of an integer or time column without nulls as int64, shape (n,)."""
    return np.asarray(table[name].cast(pa.int64()).to_numpy())
