"""AIS positions from files: `read_fixes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.io.casting import try_cast
from darkvoyage.io.progress import Progress
from darkvoyage.io.statics import StaticReports
from darkvoyage.io.stream import FixStream
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import FIXES

__all__ = ["read_fixes"]

_NULLABLE: dict[str, Any] = {"Int64": pd.Int64Dtype(), "Int16": pd.Int16Dtype(), "Int8": pd.Int8Dtype()}
_NOTHING = ["#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]

Source = str | Path | BinaryIO


def read_fixes(
    source: Source | Sequence[Source],
    *,
    dialect: str = "auto",
    column_map: Mapping[str, str] | None = None,
    synthetic_ids: bool = False,
    progress: Progress = None,
) -> pd.DataFrame:
    """Read AIS positions.

    Parameters
    ----------
    source : path, glob, folder, URL, "-", binary file object, or list of these
        Delimited text (.csv, .txt, .tsv; comma, semicolon or tab), JSON arrays and lines, raw AIS logs (.nmea, .nm4,
        .ais), Parquet, GeoParquet and GeoPackage; plain or as .gz, .zst, .bz2, or all readable members of a .zip.
        Kinds are told by content. A folder is taken with the folders below it, whose names may say columns
        (`day=2024-03-01`); "-" is standard input. URLs (`s3://`, `https://`, ...) need `darkvoyage[remote]`. What
        cannot be read from front to back (.zip, Parquet, GeoPackage) is held in memory where it comes through a pipe
        or compressed, up to 256 MiB.
    dialect : str
        Name of an entry of `darkvoyage.io.dialects.DIALECTS`, or "auto": the one whose columns the header has.
    column_map : mapping of FIXES column to source column, optional
        Overrides or extends the dialect; such a column is in the units of FIXES. Where no dialect fits, it stands
        alone: then times are ISO 8601 with an offset, or epoch seconds or milliseconds.
    synthetic_ids : bool
        Read the column of vessels as ids of the source's own in place of an MMSI. Each id gets a stand-in number of
        4e15 or more, the same in every file and run; the ids stay as a column.
    progress : None, bool or callable
        None shows a bar where the error stream is a terminal, False nothing; a callable gets rows, bytes read, and
        bytes in all or None.

    Returns
    -------
    DataFrame
        FIXES: the required columns and those that the source has, in knots, degrees and metres, sorted by MMSI and
        time; then the source's other columns under their own names. "Not available" values of the AIS standard
        (ITU-R M.1371-5) are null. Positions out of range are kept for `clean_fixes` to flag. Static and voyage reports
        of all files are joined as of time onto the positions of the same MMSI, with the time of their receipt.
        `attrs["read_report"]` accounts for every row and for every value that was changed: `rows_in` is `rows_out`
        plus the sum of `reasons`.

    Raises
    ------
    ReadError
        A file is missing, empty, truncated, damaged, or of a kind that can run code.
    DialectError
        The columns are of no known dialect, the dialect or a mapped column does not exist, times are naive in a
        source that does not define them as UTC, or vessels carry ids that are no MMSI.
    """
    stream = FixStream(source, dialect=dialect, column_map=column_map, synthetic_ids=synthetic_ids, progress=progress)
    reports, parts = StaticReports(), []
    for fixes, statics in stream.blocks():
        parts.append(fixes)
        reports.add(statics)
    table = _assemble([reports.join(part) for part in parts])
    table.attrs["read_report"] = stream.report.as_dict(len(table))
    return table


def _assemble(parts: list[pa.Table]) -> pd.DataFrame:
    """Join the parts of all files; a column that some of them lack is null there."""
    kinds: dict[str, set[pa.DataType]] = {}
    for part in parts:
        for field in part.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, types in kinds.items() if len(types) > 1}
    joined = pa.concat_tables([_as_text(part, mixed) for part in parts], promote_options="default")
    known = {column.name: column.kind for column in FIXES.columns}
    return finish(
        {
            name: _series(joined[name], known[name]) if name in known else _guessed(joined[name])
            for name in [
                *(name for name in FIXES.names if name in kinds),
                *(name for name in kinds if name not in known),
            ]
        },
        FIXES,
        optional=True,
    )


def _as_text(part: pa.Table, mixed: set[str]) -> pa.Table:
    for name in mixed & set(part.column_names):
        part = part.set_column(part.column_names.index(name), name, part[name].cast(pa.string()))
    return part


def _series(column: pa.ChunkedArray, kind: str) -> pd.Series:
    if kind in _NULLABLE:
        return pd.Series(_NULLABLE[kind].__from_arrow__(column))
    return column.to_pandas()


def _guessed(column: pa.ChunkedArray) -> pd.Series:
    """Give text the type it has throughout: whole numbers, numbers, or text; words for nothing as pandas knows them."""
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.is_in(column, pa.array(_NOTHING)), pa.scalar(None, pa.string()), column)
        if column.null_count == len(column):
            return column.to_pandas()
        for kind in (pa.int64(), pa.float64()):
            numbers = try_cast(column, kind)
            if numbers is not None:
                return numbers.to_pandas()
    return column.to_pandas()
