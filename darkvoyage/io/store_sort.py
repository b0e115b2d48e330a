"""From parts of a stream to sorted pieces of a store: blocks are sorted as they come, and merged when they go to disk.

Particulars and voyage values repeat from fix to fix. They leave the position rows and become a log: the row of a fix
and all such values from there on, only where one of them differs from the vessel's previous fix.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.kernels.mixing import splitmix
from darkvoyage.kernels.ordering import vessel_order
from darkvoyage.kernels.spans import expand, group_starts
from darkvoyage.schema.tables import FIXES

__all__ = [
    "ARROW_TYPES",
    "STATIC",
    "VESSEL_TOTALS",
    "SortedBlock",
    "SortedPart",
    "joined",
    "merge_part",
    "part_of",
    "sort_block",
    "sort_reports",
    "take_rows",
    "typed",
]

STATIC = (
    "ais_class", "imo", "name", "callsign", "ship_type", "length_m", "beam_m", "draught_m", "destination",
    "draught_timestamp", "destination_timestamp",
)  # fmt: skip
"""Columns of FIXES that say the same for many fixes."""

_KINDS = {
    "int": pa.int64(), "Int64": pa.int64(), "Int16": pa.int16(), "Int8": pa.int8(), "float": pa.float64(),
    "time": pa.timestamp("us", "UTC"), "text": pa.string(),
}  # fmt: skip
ARROW_TYPES: dict[str, pa.DataType] = {column.name: _KINDS[column.kind] for column in FIXES.columns}
"""Columns of FIXES with the Arrow type in which a store delivers them."""

VESSEL_TOTALS = pa.schema(
    {"mmsi": pa.int64(), "fixes": pa.int64(), "first": ARROW_TYPES["timestamp"], "last": ARROW_TYPES["timestamp"]}
)
"""Number of fixes of a vessel, and the span of their times."""

_CODED_TEXT = pa.dictionary(pa.int32(), pa.string())
_NULL = -(2**63)


@dataclass(frozen=True)
class SortedBlock:
    """Rows sorted by part, vessel and time.

    Parameters
    ----------
    fixes : pyarrow Table
        The position columns.
    bounds : ndarray of int64, shape (parts + 1,)
        First row of each part, and the end.
    starts : ndarray of int64, shape (states,)
        Rows from which on the static values hold, up to the next one.
    statics : pyarrow Table
        The static values on these rows, one row for each of `starts`.
    """

    fixes: pa.Table
    bounds: np.ndarray
    starts: np.ndarray
    statics: pa.Table

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return int(self.fixes.nbytes + self.statics.nbytes + self.starts.nbytes)


@dataclass(frozen=True)
class SortedPart:
    """One part of a run, ready to be written.

    Parameters
    ----------
    fixes : pyarrow Table
        Position columns sorted by vessel and time.
    changes : pyarrow Table
        `row` in `fixes` from which on the values hold, `mmsi`, `timestamp` of that row, the static columns.
    vessels : pyarrow Table
        `mmsi`, `fixes` (rows), `first` and `last` time, sorted by MMSI.
    """

    fixes: pa.Table
    changes: pa.Table
    vessels: pa.Table


def part_of(mmsi: np.ndarray, parts: int) -> np.ndarray:
    """Part of a store in which each vessel is, shape (n,); depends on nothing but the number itself."""
    return (splitmix(np.asarray(mmsi, dtype="int64").view("uint64")) % np.uint64(parts)).astype("int64")


def sort_block(table: pa.Table, parts: int) -> SortedBlock:
    """Sort the rows of a block and take the repetitions out of its static columns.

    Parameters
    ----------
    table : pyarrow Table
        Columns of FIXES, with `mmsi` and `timestamp` without nulls.
    parts : int

    Returns
    -------
    SortedBlock
    """
    table = table.combine_chunks()
    order, bounds = _part_order(_integers(table["mmsi"]), _integers(table["timestamp"]), parts)
    statics = _coded(table, [name for name in STATIC if name in table.column_names])
    fixes = _coded(table, [name for name in ARROW_TYPES if name in table.column_names and name not in STATIC])
    fixes = take_rows(fixes, order)
    changed = _differs(_integers(fixes["mmsi"]))
    for column in statics.columns:
        changed |= _differs(_codes(column)[order])
    starts = np.flatnonzero(changed)
    return SortedBlock(fixes, bounds, starts, statics.take(pa.array(order[starts])))


def sort_reports(tables: Sequence[pa.Table], parts: int) -> list[pa.Table]:
    """Sort static reports by vessel and time.

    Parameters
    ----------
    tables : sequence of pyarrow Table
        With `mmsi`, `timestamp` and static fields.
    parts : int

    Returns
    -------
    list of pyarrow Table
        One for each part.
    """
    plain = [typed(table, [name for name in ARROW_TYPES if name in table.column_names]) for table in tables]
    reports = joined(plain).combine_chunks()
    order, bounds = _part_order(_integers(reports["mmsi"]), _integers(reports["timestamp"]), parts)
    reports = take_rows(reports, order)
    return [reports.slice(low, high - low) for low, high in itertools.pairwise(bounds.tolist())]


def merge_part(blocks: Sequence[SortedBlock], part: int) -> SortedPart:
    """Merge one part of several blocks.

    Parameters
    ----------
    blocks : sequence of SortedBlock
        In the order in which they came: of fixes equal in vessel and time, the earlier come first.
    part : int

    Returns
    -------
    SortedPart
    """
    pieces = [_slice(block, part) for block in blocks]
    fixes = joined([block.fixes for block in pieces])
    mmsi = _integers(fixes["mmsi"])
    state = np.cumsum(np.concatenate([_marks(block) for block in pieces])) - 1
    order = vessel_order(mmsi, _integers(fixes["timestamp"]))
    if (order[1:] > order[:-1]).all():
        order = np.arange(len(order))
    else:
        fixes, mmsi, state = take_rows(fixes, order), mmsi[order], state[order]
    return SortedPart(
        fixes, _change_log(joined([block.statics for block in pieces]), state, fixes), _vessels(fixes, mmsi)
    )


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """One table of all rows, texts coded by the same dictionary; columns that some tables lack are null there."""
    return pa.concat_tables(tables, promote_options="default").unify_dictionaries()


def take_rows(table: pa.Table, order: np.ndarray) -> pa.Table:
    """Rows of a table in some order.

    Parameters
    ----------
    table : pyarrow Table
    order : ndarray of int64, shape (n,)

    Returns
    -------
    pyarrow Table
    """
    # Plain numbers go through numpy, whose fresh memory is several times cheaper than that of Arrow's pool.
    indices = pa.array(order)
    return pa.table(
        {
            name: pa.array(np.take(_plain(column), order)).cast(column.type)
            if _is_plain(column)
            else column.combine_chunks().take(indices)
            for name, column in _columns(table).items()
        }
    )


def typed(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Columns `names` in the types of FIXES; those that the table lacks are null."""
    return pa.table(
        {
            name: table[name].cast(ARROW_TYPES[name])
            if name in table.column_names
            else pa.nulls(len(table), ARROW_TYPES[name])
            for name in names
        }
    )


def _is_plain(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return not column.null_count and (pa.types.is_primitive(kind) and not pa.types.is_boolean(kind))


def _plain(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    pieces = [np.asarray(chunk) for chunk in column.chunks]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _part_order(mmsi: np.ndarray, time: np.ndarray, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of the rows by part, vessel and time, and the first row of each part."""
    order = vessel_order(mmsi, time)
    first = group_starts(mmsi[order])
    part = part_of(mmsi[order[first]], parts)
    count = np.diff(np.r_[first, len(order)])
    by_part = np.argsort(part, kind="stable")
    _, rows = expand(first[by_part], count[by_part])
    bounds = np.r_[0, np.cumsum(np.bincount(part, weights=count, minlength=parts))].astype("int64")
    return order[rows], bounds


def _coded(table: pa.Table, names: list[str]) -> pa.Table:
    """Some columns in the types of the store; text that repeats stays coded."""
    return pa.table({name: _cast(table[name], ARROW_TYPES[name]) for name in names}).combine_chunks()


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if kind == pa.string():
        return column if column.type == _CODED_TEXT else column.cast(kind).dictionary_encode()
    return column.cast(kind)


def _slice(block: SortedBlock, part: int) -> SortedBlock:
    low, high = (int(row) for row in block.bounds[part : part + 2])
    first, last = np.searchsorted(block.starts, [low, high])
    return SortedBlock(
        block.fixes.slice(low, high - low),
        np.array([0, high - low]),
        block.starts[first:last] - low,
        block.statics.slice(first, last - first),
    )


def _marks(block: SortedBlock) -> np.ndarray:
    marks = np.zeros(len(block.fixes), dtype="int64")
    marks[block.starts] = 1
    return marks


def _change_log(statics: pa.Table, state: np.ndarray, fixes: pa.Table) -> pa.Table:
    """Rows at which a vessel's static values change, with the values; `state` tells each fix its row of `statics`."""
    rows = np.flatnonzero(_differs(state))
    values = statics.take(pa.array(state[rows]))
    changed = _differs(_integers(fixes["mmsi"].take(pa.array(rows))))
    for column in values.columns:
        changed |= _differs(_codes(column))
    kept = np.flatnonzero(changed)
    keys = fixes.select(["mmsi", "timestamp"]).take(pa.array(rows[kept]))
    values = values.take(pa.array(kept))
    return pa.table({"row": rows[kept], **_columns(keys), **_columns(values)})


def _vessels(fixes: pa.Table, mmsi: np.ndarray) -> pa.Table:
    first = group_starts(mmsi)
    count = np.diff(np.r_[first, len(mmsi)])
    return pa.table(
        {
            "mmsi": mmsi[first],
            "fixes": count,
            "first": fixes["timestamp"].take(pa.array(first)),
            "last": fixes["timestamp"].take(pa.array(first + count - 1)),
        }
    )


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _differs(values: np.ndarray) -> np.ndarray:
    """Tell which values are not those of the row before; the first one counts."""
    changed = np.ones(len(values), dtype=bool)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """Integers that are equal where the values are, shape (n,)."""
    if pa.types.is_dictionary(column.type):
        # A text that stands twice in a dictionary from outside costs a row of the log, no more.
        return _integers(column.combine_chunks().indices)
    if pa.types.is_floating(column.type):
        return _plain(column.fill_null(np.nan)).view("int64")
    return _integers(column)


def _integers(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Values of an integer or time column as int64, shape (n,)."""
    whole = column.cast(pa.int64())
    filled = pc.fill_null(whole, _NULL) if whole.null_count else whole
    return _plain(filled) if isinstance(filled, pa.ChunkedArray) else np.asarray(filled)
