"""Dumps larger than memory as a store on disk, ordered by vessel and time: `build_store`, `open_store`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from darkvoyage.errors import RuleError
from darkvoyage.io.dialect_match import check_options
from darkvoyage.io.progress import Progress, check_progress
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.selection import Period, check_columns
from darkvoyage.io.sources import SourceFile, expand
from darkvoyage.io.store_build import Options, add_sources
from darkvoyage.io.store_manifest import Manifest, is_store
from darkvoyage.io.store_read import Window, select, vessel_totals, walk_part
from darkvoyage.io.store_sort import ARROW_TYPES
from darkvoyage.schema.ais import STAND_IN_BASE
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import FIXES

__all__ = ["Store", "build_store", "is_store", "open_store"]

_CHUNK_ROWS = 1 << 20
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_READING_BYTES = 480 << 20  # the program itself and the blocks that are being read, measured on CSV
_MERGING = 1.75  # a buffer and the parts of it that are being written, in buffers
_LEAST_BYTES = 600_000_000
_NULLABLE: dict[pa.DataType, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int8(): pd.Int8Dtype(),
}


def build_store(
    sources: Any,
    store: str | Path,
    *,
    memory_limit: int | str = "1GB",
    dialect: str = "auto",
    column_map: Mapping[str, str] | None = None,
    synthetic_ids: bool = False,
    progress: Progress = None,
) -> Store:
    """Bring dumps of any size into a store, or add new ones to it.

    A source comes in as a whole or not at all: whatever ends the call, the store holds the sources that were finished,
    and the same call again goes on with the next. A source that is in already is skipped: it is known by the SHA-256
    of its content, and a file with the path, size and time stamp of a known one is not read again to find out; file
    objects and URLs are. Adding a source leaves everything that is in the store as it is.

    Parameters
    ----------
    sources : path, glob, folder, binary file object, or list of these
        As `read_fixes`.
    store : path
        A folder: a store, empty, or not there yet.
    memory_limit : int or str
        Most memory to take [bytes], or text such as "2GB" or "512MiB"; at least 600 MB.
    dialect : str
        As `read_fixes`.
    column_map : mapping of FIXES column to source column, optional
        As `read_fixes`.
    synthetic_ids : bool
        As `read_fixes`.
    progress : None, bool or callable
        None: a bar on a terminal. A function is told rows, bytes and bytes in all.

    Returns
    -------
    Store
        Its `report` accounts for every row. Columns of the sources that are not in FIXES are not stored; the report
        names them under `left_out_columns`.

    Raises
    ------
    ReadError, DialectError
        As `read_fixes`; the sources before that one are in the store.
    RuleError
        The memory limit is no size, or too small; or a source was read with other options before.
    DarkvoyageError
        The store cannot be written (the disk is full, another process is writing), or the folder holds something else.
    """
    check_options(dialect, column_map)
    check_progress(progress)
    buffer_bytes = int((_as_bytes(memory_limit) - _READING_BYTES) / _MERGING)
    options = Options(dialect, dict(column_map or {}), synthetic_ids)
    skipped: list[str] = []
    path = Path(store)
    files = [file for file in expand(sources, skipped) if not _is_inside(file, path)]
    add_sources(path, files, options, buffer_bytes=buffer_bytes, progress=progress, skipped=skipped)
    return open_store(path)


def open_store(store: str | Path) -> Store:
    """Open a store that `build_store` made.

    Parameters
    ----------
    store : path

    Returns
    -------
    Store
        As of now: sources that are added later are not in it.

    Raises
    ------
    ReadError
        The folder holds no store.
    """
    return Store(Path(store), Manifest.load(Path(store)))


class Store:
    """Fixes on disk, ordered by vessel and time.

    It stands in place of a FIXES table wherever one is taken, as an Arrow stream of whole vessels. Opened by
    `open_store`; `len()` is the number of fixes.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self._path = path
        self._manifest = manifest

    def __repr__(self) -> str:
        return f"Store({str(self._path)!r}: {self.rows:,} fixes of {len(self._manifest.sources)} sources)"

    def __len__(self) -> int:
        return self.rows

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        schema = pa.schema([(name, ARROW_TYPES[name]) for name in self.columns])
        batches = (batch for chunk in self.chunks() for batch in chunk.to_batches())
        return pa.RecordBatchReader.from_batches(schema, batches).__arrow_c_stream__(requested_schema)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def rows(self) -> int:
        """Number of fixes."""
        return sum(run.rows for run in self._manifest.runs)

    @property
    def columns(self) -> list[str]:
        """Columns of FIXES that at least one source has."""
        found = {name for source in self._manifest.sources for name in source.columns}
        return [name for name in FIXES.names if name in found or name in FIXES.required]

    @property
    def report(self) -> dict[str, Any]:
        """Read report of all sources."""
        report = ReadReport()
        for source in self._manifest.sources:
            report.include(source.report)
        if report.ids is not None:  # the same id may be in several sources
            report.ids = int((self.vessels()["mmsi"] >= STAND_IN_BASE).sum())
        return report.as_dict(self.rows)

    @property
    def attrs(self) -> dict[str, Any]:
        """What a table that was read carries with it: the read report."""
        return {"read_report": self.report}

    def vessels(self) -> pd.DataFrame:
        """List the vessels.

        Returns
        -------
        DataFrame
            `mmsi`, `fixes` (their number), `first` and `last` time, sorted by MMSI.
        """
        return vessel_totals(self._path, self._manifest.runs).to_pandas()

    def read(
        self, *, mmsi: Any = None, since: Any = None, until: Any = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Read some or all fixes; only the files and rows that may hold them are touched.

        Parameters
        ----------
        mmsi : int or list of int, optional
            None: all vessels.
        since, until : datetime or ISO 8601 text with time zone, optional
            First moment, and the moment before which the last fix is.
        columns : list of str, optional
            Of FIXES; the required ones always come along, those that no source has are null.

        Returns
        -------
        FIXES table
            As `read_fixes` gives it of the same sources.

        Raises
        ------
        RuleError
            A time is naive, or a column is none of FIXES.
        """
        window = Window(None if mmsi is None else _numbers(mmsi), Period.between(since, until))
        names = self._names(columns)
        nothing = pa.schema([(name, ARROW_TYPES[name]) for name in names]).empty_table()
        tables = [nothing, *select(self._path, self._manifest.runs, self._manifest.parts, window, names)]
        frame = pa.concat_tables(tables).to_pandas(types_mapper=_NULLABLE.get)
        return finish(frame, FIXES, optional=True)

    def chunks(self, *, rows: int = _CHUNK_ROWS, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Walk over all fixes, whole vessels at a time, in bounded memory.

        Parameters
        ----------
        rows : int
            Most rows of a chunk; a vessel that has more makes a chunk of its own.
        columns : list of str, optional
            Of FIXES; the required ones always come along.

        Yields
        ------
        pyarrow Table
            FIXES sorted by vessel and time. A vessel is in one chunk only, with all its fixes.

        Raises
        ------
        RuleError
            `rows` is below 1, or a column is none of FIXES.
        """
        if not isinstance(rows, int) or rows < 1:
            raise RuleError(f"rows = {rows!r}: expected a whole number of at least 1")
        names, runs = self._names(columns), self._manifest.runs
        parts = range(self._manifest.parts)
        return (chunk for part in parts for chunk in walk_part(self._path, runs, part, rows, names))

    def _names(self, columns: Sequence[str] | None) -> list[str]:
        wanted = check_columns(columns)
        return [name for name in (self.columns if wanted is None else FIXES.names) if wanted is None or name in wanted]


def _is_inside(file: SourceFile, store: Path) -> bool:
    """Tell whether a file belongs to the store itself, which may lie in the folder of its sources."""
    return file.path is not None and store.resolve() in file.path.resolve().parents


def _numbers(mmsi: Any) -> np.ndarray:
    try:
        found = np.unique(np.asarray(mmsi))
        if found.size and not np.issubdtype(found.dtype, np.integer):
            raise TypeError(f"they are {found.dtype}")
        return found.astype("int64")
    except (TypeError, ValueError, OverflowError) as error:
        raise RuleError(f"mmsi = {mmsi!r}: expected whole numbers ({error})") from error


def _as_bytes(limit: int | str) -> int:
    """Bytes of a memory limit such as "1GB", "512 MiB" or 1_000_000_000."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]i?)?b?)", str(limit).strip().lower())
    size = float(found[1]) * _UNITS[found[2] or ""] if found and not isinstance(limit, bool) else -1
    if size < _LEAST_BYTES:
        raise RuleError(f"memory_limit = {limit!r}: expected a size such as '1GB', at least {_LEAST_BYTES // 10**6} MB")
    return int(size)
