"""AIS files as a stream of parts: tables of FIXES columns in the order of the files, with one report of it all."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.arrow_files import read_geopackage, read_parquet
from darkvoyage.io.columns import Converted, convert_block, kept_columns
from darkvoyage.io.containers import Member, guard, open_members
from darkvoyage.io.delimited import Block, Piece, numbered_lines, read_header, read_text
from darkvoyage.io.dialect_match import check_options, match_header, match_units
from darkvoyage.io.fast_text import FAST_FROM_BYTES, can_read, read_fast
from darkvoyage.io.json_records import read_json
from darkvoyage.io.nmea import read_nmea
from darkvoyage.io.progress import Progress, check_progress, showing
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.selection import Period, Select, Selection, check_columns, narrowed
from darkvoyage.io.sources import SourceFile, expand
from darkvoyage.io.stand_ins import StandIns
from darkvoyage.io.statics import StaticReports
from darkvoyage.io.streams import Metered, one_ahead
from darkvoyage.io.values import decoded_texts
from darkvoyage.kernels.compiled import can_compile
from darkvoyage.schema.tables import FIXES

__all__ = ["FixStream"]

_READERS = {"json": read_json, "gpkg": read_geopackage}


class FixStream:
    """Parts of FIXES from files, one pass, never more than a few parts of about 8 MiB in memory.

    Parameters
    ----------
    source : path, glob, folder, URL, "-", binary file object, or list of these
        As `read_fixes` takes it.
    dialect : str
        Name of a dialect, or "auto".
    column_map : mapping of FIXES column to source column, optional
    columns : sequence of FIXES columns, optional
        Deliver these and the required ones only; other columns of the source are not even read where its format
        allows that.
    since, until : datetime, optional
        Deliver rows from `since` until just before `until`. The others count under the reason "outside_period"; row
        groups of Parquet without a row inside are not read.
    progress : None, bool or callable
        None shows a bar where the error stream is a terminal, False nothing; a callable gets rows, bytes read, and
        bytes in all or None.
    fingerprints : bool
        Whether the report says the SHA-256 of every source. It is computed as the bytes pass; what a reader did not
        need, as a rule in Parquet, is read for it in the end.
    synthetic_ids : bool
        Give stand-in numbers to vessels that the source names by ids of its own.
    reports : StaticReports, optional
        What ships said in earlier sources; those of this one are added.
    coded_texts : bool
        Leave text that repeats dictionary-encoded where it is so.

    Raises
    ------
    DialectError
        The dialect or a mapped column does not exist.
    RuleError
        A wanted column does not exist, or the period is none.
    """

    def __init__(
        self,
        source: Any,
        *,
        dialect: str = "auto",
        column_map: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        since: Any = None,
        until: Any = None,
        progress: Progress = None,
        fingerprints: bool = True,
        synthetic_ids: bool = False,
        reports: StaticReports | None = None,
        coded_texts: bool = False,
    ) -> None:
        check_options(dialect, column_map)
        check_progress(progress)
        self.report = ReadReport()
        self._source = source
        self._dialect = dialect
        self._column_map = column_map
        self._wanted = check_columns(columns)
        self._period = Period.between(since, until)
        self._progress = progress
        self._fingerprints = fingerprints
        self._stand_ins = StandIns() if synthetic_ids else None
        self._reports = reports
        self._coded_texts = coded_texts
        self._has_positions = False
        self._text_bytes = 0  # so far, or known to come

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield tables of typed FIXES columns, then the source's other columns under their own names.

        A static report is joined onto the positions that come with it or after it. Of those up to the newest position
        only the last are held, so that a file of reports may come before the positions of the same time.
        """
        reports, newest = self._reports or StaticReports(), np.iinfo("int64").min
        for fixes, statics in self.blocks(coded_texts=self._coded_texts):
            reports.add(statics)
            part = fixes if reports.is_empty else reports.join(decoded_texts(fixes))
            if len(fixes):
                newest = max(newest, pc.max(fixes["timestamp"].cast("int64")).as_py())
            reports.forget(newest)
            yield part if self._wanted is None else part.select(_in_order(part.column_names, self._wanted))

    def blocks(self, *, need_positions: bool = True, coded_texts: bool = False) -> Iterator[Converted]:
        """Yield the positions of each block beside the static reports of it, not joined.

        Parameters
        ----------
        need_positions : bool
            Refuse a source in which no file can hold positions.
        coded_texts : bool
            Leave text that repeats dictionary-encoded in the positions.

        Yields
        ------
        Converted

        Raises
        ------
        DialectError, ReadError
            As `read_fixes`.
        """
        self._coded_texts = coded_texts
        files = expand(self._source, self.report.skipped)
        sizes = [file.size for file in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self._text_bytes = total if total is not None and total >= FAST_FROM_BYTES else 0
        done = 0
        with showing(self._progress, total) as tell:
            for file in files:
                with file.open(hashed=self._fingerprints) as source, closing(self._read_file(file, source)) as parts:
                    for part in parts:
                        tell(self.report.rows_in, done + source.done, total)
                        yield part
                    done += source.ends
            tell(self.report.rows_in, done, total)
        if need_positions and not self._has_positions:
            raise DialectError(
                f"{self.report.sources[0]['path']}: static reports without positions (dialect "
                f"{self.report.dialects[0]!r}); read it together with the file of positions"
            )

    def _read_file(self, file: SourceFile, source: Metered) -> Generator[Converted]:
        before = self.report.rows_in
        for member in open_members(file, source, self.report.skipped):
            yield from self._read_member(member, file.partition)
        with guard(file.label):
            entry = source.entry()
        self.report.sources.append({"path": file.label, **entry, "rows": self.report.rows_in - before})

    def _read_member(self, member: Member, partition: Mapping[str, str | None]) -> Iterator[Converted]:
        chosen: dict[tuple[str, ...], Selection] = {}

        def select(names: Sequence[str]) -> Selection:
            selection = self._select([*names, *(name for name in partition if name not in names)], member.label)
            chosen[tuple(names)] = chosen[tuple(name for name in names if name in selection.columns)] = selection
            return selection

        if member.kind == "text":
            yield from self._read_text(member, partition, select)
            return
        with closing(self._blocks(member, select)) as blocks:
            for block in blocks:
                names = block.table.column_names
                selection = chosen.get(tuple(names)) or select(names)
                yield self._convert(block, self.report, selection, partition)

    def _read_text(self, member: Member, partition: Mapping[str, str | None], select: Select) -> Generator[Converted]:
        """Read text with Arrow's parser, and with compiled kernels once there is enough to pay for their start."""
        header = read_header(member)
        selection = select(header.names)
        pieces = numbered_lines(member, header)
        fast = self._stand_ins is None and can_compile() and can_read(selection.match)
        first = self._first(pieces) if fast else pieces
        convert = partial(self._convert, selection=selection, partition=partition)
        columns = [name for name in selection.columns if name in header.names]
        with closing(one_ahead(read_text(first, header, columns, member.label, self.report))) as blocks:
            for block in blocks:
                yield convert(block, self.report)
        with closing(read_fast(pieces, header, selection, member.label, convert)) as parts:
            for part, report in parts:
                self.report.absorb(report)
                yield part

    def _first(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield pieces until the start of the compiler pays."""
        while self._text_bytes < FAST_FROM_BYTES:
            piece = next(pieces, None)
            if piece is None:
                return
            self._text_bytes += len(piece[1])
            yield piece

    def _convert(
        self, block: Block, report: ReadReport, selection: Selection, partition: Mapping[str, str | None]
    ) -> Converted:
        table = _with_constants(block.table, partition)
        table = table.select([name for name in table.column_names if name not in selection.left_out])
        match = match_units(selection.match, table)
        if self._stand_ins is not None:
            table, match = self._stand_ins.add(table, match)
            report.ids = len(self._stand_ins)
        kept, left_out = kept_columns(table, match)
        if self._wanted is not None:  # what is read for its help alone is not delivered either
            kept, left_out = [], [*selection.left_out, *kept, *left_out]
        if len(table) or not match.dialect.raw:  # a header alone does not tell the units
            report.note(kept, left_out, match.dialect.name)
        self._has_positions |= match.dialect.positions
        fixes, statics = convert_block(table, match, report, block.describe)
        return Converted(self._within(fixes if self._coded_texts else decoded_texts(fixes), report), statics)

    def _select(self, names: Sequence[str], label: str) -> Selection:
        match = match_header(names, self._dialect, self._column_map, label, synthetic_ids=self._stand_ins is not None)
        match, columns = narrowed(match, names, self._wanted)
        left_out = tuple(name for name in names if name not in columns)
        return Selection(match, columns, left_out, self._period, others=self._wanted is None)

    def _within(self, part: pa.Table, report: ReadReport) -> pa.Table:
        """Leave out the rows outside the period; those of row groups that were not read are counted by the reader."""
        if self._period is None:
            return part
        outside = self._period.outside(part["timestamp"].cast("int64").to_numpy())
        report.reject("outside_period", int(outside.sum()), ())
        return part.filter(pa.array(~outside))

    def _blocks(self, member: Member, select: Select) -> Generator[Block]:
        """Choose the reader of a member; a log is parsed while the block before is converted."""
        if member.kind == "nmea":
            yield from one_ahead(read_nmea(member, self.report, select))
        elif member.kind == "parquet":
            yield from read_parquet(member, self.report, select)
        else:
            yield from _READERS[member.kind](member, self.report)


def _with_constants(table: pa.Table, partition: Mapping[str, str | None]) -> pa.Table:
    """Add what the names of the folders say, as columns of text."""
    for name, value in partition.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(table)))
    return table


def _in_order(names: Sequence[str], wanted: frozenset[str]) -> list[str]:
    return [name for name in FIXES.names if name in wanted and name in names]
