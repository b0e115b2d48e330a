"""AIS files as a stream of parts: tables of FIXES columns in the order of the files, with one report of it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from darkvoyage.errors import ReadError
from darkvoyage.io.arrow_files import read_geopackage, read_parquet
from darkvoyage.io.columns import convert_block, kept_columns
from darkvoyage.io.containers import Member, SourceFile, expand, open_members
from darkvoyage.io.delimited import read_json, read_text
from darkvoyage.io.dialect_match import check_options, match_header
from darkvoyage.io.read_report import ReadReport

__all__ = ["FixStream"]

_READERS = {"text": read_text, "json": read_json, "parquet": read_parquet, "gpkg": read_geopackage}


class FixStream:
    """Parts of FIXES from files, one pass, never more than a part in memory.

    Parameters
    ----------
    source : path, glob, folder, binary file object, or list of these
    dialect : str
        Name of a dialect, or "auto".
    column_map : mapping of FIXES column to source column, optional

    Raises
    ------
    DialectError
        The dialect or a mapped column does not exist.
    """

    def __init__(self, source: Any, *, dialect: str = "auto", column_map: Mapping[str, str] | None = None) -> None:
        check_options(dialect, column_map)
        self.report = ReadReport()
        self._source = source
        self._dialect = dialect
        self._column_map = column_map

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield tables of typed FIXES columns, then the source's other columns under their own names."""
        for file in expand(self._source, self.report.skipped):
            yield from self._read_file(file)

    def _read_file(self, file: SourceFile) -> Iterator[pa.Table]:
        report = self.report
        before = report.rows_in
        entry = file.fingerprint()
        if not entry["bytes"]:
            raise ReadError(f"{file.label}: the file is empty")
        for member in open_members(file, report.skipped):
            yield from self._read_member(member)
        report.sources.append({**entry, "rows": report.rows_in - before})

    def _read_member(self, member: Member) -> Iterator[pa.Table]:
        match = None
        for block in _READERS[member.kind](member, self.report):
            if match is None:
                match = match_header(block.table.column_names, self._dialect, self._column_map, member.label)
                self.report.note(*kept_columns(block.table, match), match.dialect.name)
            yield convert_block(block.table, match, self.report, block.describe)
