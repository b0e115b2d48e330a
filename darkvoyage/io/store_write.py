"""Sorted pieces of one source to the disk, as many rows at a time as fit into memory."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from darkvoyage.io.store_manifest import Run, run_folder, sync
from darkvoyage.io.store_sort import VESSEL_TOTALS, SortedBlock, merge_part, sort_block, sort_reports

__all__ = ["ROW_GROUP", "RunWriter", "changes_file", "fixes_file", "reports_file", "vessels_file"]

ROW_GROUP = 1 << 15
"""Rows that are decoded together: the least that reading one vessel costs."""

_THREADS = 2
_NO_VESSELS = pa.schema([*VESSEL_TOTALS, ("part", pa.int16())]).empty_table()
_PLAIN = ("lat", "lon")  # values that hardly ever repeat
_CODED_US = {"timestamp": "DELTA_BINARY_PACKED"}


def fixes_file(folder: Path, part: int) -> Path:
    """Position rows of one part of a run."""
    return folder / f"fixes-{part:02d}.parquet"


def changes_file(folder: Path, part: int) -> Path:
    """Change log of one part of a run."""
    return folder / f"changes-{part:02d}.parquet"


def reports_file(folder: Path, part: int) -> Path:
    """Static reports of one part of a run."""
    return folder / f"reports-{part:02d}.parquet"


def vessels_file(folder: Path) -> Path:
    """Index of a run: rows, first and last time of each vessel, with its part."""
    return folder / "vessels.parquet"


class RunWriter:
    """Sorts blocks as they come and writes a run whenever memory is full.

    Parameters
    ----------
    store : Path
    number : int
        Of the first run.
    parts : int
    buffer_bytes : int
        Size of the sorted blocks that are written together.
    """

    def __init__(self, store: Path, number: int, parts: int, buffer_bytes: int) -> None:
        self.runs: list[Run] = []
        self._store = store
        self._number = number
        self._parts = parts
        self._limit = buffer_bytes
        self._blocks: list[SortedBlock] = []
        self._reports: list[pa.Table] = []
        self._pending: Future[SortedBlock] | None = None
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, fixes: pa.Table, reports: pa.Table) -> None:
        """Take the rows of a block; may write a run.

        Parameters
        ----------
        fixes : pyarrow Table
            Columns of FIXES.
        reports : pyarrow Table
            Static reports: `mmsi`, `timestamp`, static fields.
        """
        if self._pending is not None:  # one block at a time: the reader has threads of its own
            self._blocks.append(self._pending.result())
            self._pending = None
        if len(fixes):
            self._pending = self._pool.submit(sort_block, fixes, self._parts)
        if len(reports):
            self._reports.append(reports)
        if sum(held.nbytes for held in (*self._blocks, *self._reports)) >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Write what is held as one run, and have the disk hold it."""
        pending = [] if self._pending is None else [self._pending.result()]
        blocks, reports = [*self._blocks, *pending], self._reports
        self._blocks, self._pending, self._reports = [], None, []
        if blocks or reports:
            self.runs.append(self._write_run(self._number + len(self.runs), blocks, reports))
            pa.default_memory_pool().release_unused()

    def _write_run(self, number: int, blocks: list[SortedBlock], reports: list[pa.Table]) -> Run:
        folder = run_folder(self._store, number)
        folder.mkdir(parents=True)
        part_rows = np.sum([np.zeros(self._parts, "int64"), *(np.diff(block.bounds) for block in blocks)], axis=0)
        has_changes = any(block.statics.num_columns for block in blocks)
        parts = self._pool.map(
            lambda part: _write_part(folder, part, blocks, has_changes), np.flatnonzero(part_rows).tolist()
        )
        vessels = pa.concat_tables([_NO_VESSELS, *parts])
        _write(vessels, vessels_file(folder))
        report_rows = [0] * self._parts
        for part, table in enumerate(sort_reports(reports, self._parts) if reports else ()):
            report_rows[part] = len(table)
            if len(table):
                _write(table, reports_file(folder, part))
        for path in (folder, folder.parent, folder.parent.parent):
            sync(path)
        return Run(
            number=number,
            rows=int(part_rows.sum()),
            first_us=pc.min(vessels["first"]).value or 0,
            last_us=pc.max(vessels["last"]).value or 0,
            part_rows=part_rows.tolist(),
            report_rows=report_rows,
            has_changes=has_changes,
        )


def _write_part(folder: Path, part: int, blocks: list[SortedBlock], has_changes: bool) -> pa.Table:
    """Merge and write one part; return its vessels."""
    done = merge_part(blocks, part)
    _write(done.fixes, fixes_file(folder, part))
    if has_changes:
        _write(done.changes, changes_file(folder, part))
    return done.vessels.append_column("part", pa.array([part] * len(done.vessels), pa.int16()))


def _write(table: pa.Table, path: Path) -> None:
    coded = {name: kind for name, kind in _CODED_US.items() if name in table.column_names}
    parquet.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in table.column_names if name not in _PLAIN and name not in coded],
        column_encoding=coded,
        write_statistics=[name for name in ("mmsi", "timestamp", "part") if name in table.column_names],
    )
    sync(path)
