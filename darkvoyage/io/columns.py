"""From a block of source rows to positions and static reports; each row that is not delivered has its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.dialect_match import Match
from darkvoyage.io.dialect_spec import STATIC_REPORT
from darkvoyage.io.payload import unpack
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.statics import STATIC_FIELDS
from darkvoyage.io.values import (
    column_of,
    course_of,
    decoded_texts,
    field_of,
    fill_dimensions,
    numbers_of,
    positions_of,
    times_of,
)
from darkvoyage.schema.tables import FIXES

__all__ = ["Converted", "convert_block", "kept_columns"]

_US_UTC = pa.timestamp("us", "UTC")

Describe = Callable[[int], tuple[str, int, str]]


class Converted(NamedTuple):
    """Positions of a block, and the static reports that stand among them (`mmsi`, `timestamp`, static fields)."""

    fixes: pa.Table
    statics: pa.Table


def convert_block(table: pa.Table, match: Match, report: ReadReport, describe: Describe) -> Converted:
    """Convert one block of rows.

    Parameters
    ----------
    table : pyarrow Table
        Source columns under their own names, as text or typed.
    match : Match
    report : ReadReport
        Receives the rows that cannot be delivered and the values that were changed.
    describe : callable
        From a row's place in the block to (file, line, text), for the examples.

    Returns
    -------
    fixes : pyarrow Table
        Typed fields of FIXES for the rows that can be delivered, then the columns that are kept as they are.
    statics : pyarrow Table
        Static and voyage reports: the rows that are nothing else, and the positions that carry one.

    Raises
    ------
    DialectError
        Times without an offset in a source that does not define them as UTC, or ids that are no numbers.
    """
    table = unpack(table.combine_chunks(), match, report)
    micros, timed, naive = times_of(table, match, "timestamp")
    if naive.any() and not match.dialect.utc:
        file, line, text = describe(int(np.flatnonzero(naive)[0]))
        raise DialectError(
            f"{file}: line {line}: times of column {match.fields['timestamp']!r} carry no offset from UTC "
            f"({text[:80]!r}); name the dialect with dialect=, or write them with an offset"
        )
    mmsi = numbers_of(column_of(table, match.fields["mmsi"]), "mmsi", ReadReport())
    named = np.isfinite(mmsi) & (np.floor(mmsi) == mmsi) & (np.abs(mmsi) < 2.0**53)
    if len(mmsi) and "mmsi" in match.mapped and np.isnan(mmsi).all():
        raise DialectError(
            f"{describe(0)[0]}: column_map names {match.fields['mmsi']!r} for 'mmsi', which holds no numbers; if these "
            "are ids of the source's own, synthetic_ids=True gives each of them a stand-in number"
        )
    kinds = _message_kinds(table, match)
    wrong = _no_positions(len(table), kinds, match)
    keep = _select(wrong | {"bad_time": ~timed, "bad_mmsi": ~named}, report, describe)
    key = pa.table({"mmsi": pa.array(mmsi, mask=~named).cast("int64"), "timestamp": pa.array(micros).cast(_US_UTC)})
    fixes = _fixes(_rows(table, keep), _rows(key, keep), match, report)
    only = wrong.get(STATIC_REPORT, np.zeros(len(table), dtype=bool)) & timed & named
    statics = [_statics(_rows(table, only), _rows(key, only), match, report)]
    if kinds is not None and match.dialect.extended:
        both = pc.is_in(kinds, pa.array(sorted(match.dialect.extended))).filter(pa.array(keep))
        statics.append(decoded_texts(fixes.select(_static_columns(fixes)).filter(both)))
    return Converted(fixes, pa.concat_tables(statics, promote_options="default"))


def _rows(table: pa.Table, wanted: np.ndarray) -> pa.Table:
    """Filter rows, at no cost where all or none are wanted."""
    if wanted.all() or not wanted.any():
        return table.slice(0, int(wanted.sum()))
    return table.filter(pa.array(wanted))


def _fixes(table: pa.Table, key: pa.Table, match: Match, report: ReadReport) -> pa.Table:
    out: dict[str, Any] = {name: key[name] for name in key.column_names}
    if not match.dialect.positions:
        return pa.table(out | {name: pa.array([], pa.float64()) for name in ("lat", "lon")})
    out |= positions_of(table, match, report)
    for name in match.fields:
        if name not in out:
            out[name] = field_of(table, match, report, name)
    if match.dialect.course_parts is not None and "cog" not in out:
        out["cog"] = course_of(table, match)
    fill_dimensions(out, table, match)
    return pa.table(out | {name: table[name] for name in kept_columns(table, match)[0]})


def _statics(table: pa.Table, key: pa.Table, match: Match, report: ReadReport) -> pa.Table:
    out: dict[str, Any] = {name: key[name] for name in key.column_names}
    if len(table):
        out |= {name: field_of(table, match, report, name) for name in STATIC_FIELDS if name in match.fields}
        fill_dimensions(out, table, match)
    return decoded_texts(pa.table(out))


def _static_columns(fixes: pa.Table) -> list[str]:
    return [name for name in ("mmsi", "timestamp", *STATIC_FIELDS) if name in fixes.column_names]


def kept_columns(table: pa.Table, match: Match) -> tuple[list[str], list[str]]:
    """Return the source columns that are delivered under their own name, and those that cannot be."""
    if not match.dialect.positions:
        return [], list(table.column_names)
    rest = [name for name in table.column_names if name not in match.consumed]
    plain = [name for name in rest if name not in FIXES.names and not _is_nested(table.schema.field(name).type)]
    return plain, [name for name in rest if name not in plain and name not in match.fields.values()]


def _is_nested(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _message_kinds(table: pa.Table, match: Match) -> pa.Array | None:
    """Return what kind of message each row is, in lower case; None where the source does not say."""
    name = None if match.dialect.skip is None else match.columns.get(match.dialect.skip[0])
    if name is None:
        return None
    return pc.utf8_lower(pc.utf8_trim_whitespace(column_of(table, name).cast(pa.string())))


def _no_positions(rows: int, kinds: pa.Array | None, match: Match) -> dict[str, np.ndarray]:
    """Tell which rows are no positions, by the reason for it."""
    if not match.dialect.positions:
        return {STATIC_REPORT: np.ones(rows, dtype=bool)}
    if kinds is None or match.dialect.skip is None:
        return {}
    reasons = match.dialect.skip[1]
    return {
        reason: np.asarray(
            pc.is_in(kinds, pa.array([value for value, why in reasons.items() if why == reason])).to_numpy(
                zero_copy_only=False
            )
        )
        for reason in sorted(set(reasons.values()))
    }


def _select(wrong: Mapping[str, np.ndarray], report: ReadReport, describe: Describe) -> np.ndarray:
    """Tell which rows are delivered; each other row gets the first reason that applies."""
    keep = np.ones(len(next(iter(wrong.values()))), dtype=bool)
    for reason, bad in wrong.items():
        rows = np.flatnonzero(bad & keep)
        report.reject(reason, len(rows), (describe(int(row)) for row in rows))
        keep[rows] = False
    return keep
