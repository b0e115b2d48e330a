"""From a block of source columns to columns of FIXES: units, sentinels, codes, and an account of each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.casting import try_cast
from darkvoyage.io.dialect_codes import AIS_CLASSES, RECEIVERS
from darkvoyage.io.dialect_match import Match
from darkvoyage.io.dialect_spec import STATIC_REPORT
from darkvoyage.io.payload import unpack
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.statics import STATIC_FIELDS
from darkvoyage.io.times import read_times
from darkvoyage.schema.ais import COG_NA, HEADING_NA, LAT_NA, LON_NA, NAV_STATUS, SOG_NA
from darkvoyage.schema.tables import FIXES

__all__ = ["Converted", "convert_block", "kept_columns"]

_KINDS = {column.name: column.kind for column in FIXES.columns}
_ARROW = {"Int64": pa.int64(), "Int16": pa.int16(), "Int8": pa.int8()}
_NOTHING = ("", "NULL", "NONE", "UNKNOWN", "NA", "N/A", "NAN", "<NA>")
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CODES: dict[str, Mapping[str, int | str]] = {
    "nav_status": NAV_STATUS,
    "ais_class": AIS_CLASSES,
    "receiver": RECEIVERS,
}
_CODE_MAX = {"nav_status": 15, "ship_type": 255}  # ITU-R M.1371-5, tables 45 and 53
_ZERO_IS_MISSING = ("length_m", "beam_m", "draught_m")
_NEAR = 1e-4  # sentinels that went through 32-bit floats
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
    micros, timed, naive = _times_of(table, match, "timestamp")
    if naive.any() and not match.dialect.utc:
        file, line, text = describe(int(np.flatnonzero(naive)[0]))
        raise DialectError(
            f"{file}: line {line}: times of column {match.fields['timestamp']!r} carry no offset from UTC "
            f"({text[:80]!r}); name the dialect with dialect=, or write them with an offset"
        )
    mmsi = _numbers(_column(table, match.fields["mmsi"]), "mmsi", ReadReport())
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
        statics.append(fixes.select(_static_columns(fixes)).filter(both))
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
    out |= _positions(table, match, report)
    for name in match.fields:
        if name not in out:
            out[name] = _field(table, match, report, name)
    if match.dialect.course_parts is not None and "cog" not in out:
        out["cog"] = _course(table, match)
    _fill_dimensions(out, table, match)
    return pa.table(out | {name: table[name] for name in kept_columns(table, match)[0]})


def _statics(table: pa.Table, key: pa.Table, match: Match, report: ReadReport) -> pa.Table:
    out: dict[str, Any] = {name: key[name] for name in key.column_names}
    if len(table):
        out |= {name: _field(table, match, report, name) for name in STATIC_FIELDS if name in match.fields}
        _fill_dimensions(out, table, match)
    return pa.table(out)


def _static_columns(fixes: pa.Table) -> list[str]:
    return [name for name in ("mmsi", "timestamp", *STATIC_FIELDS) if name in fixes.column_names]


def kept_columns(table: pa.Table, match: Match) -> tuple[list[str], list[str]]:
    """Return the source columns that are delivered under their own name, and those that cannot be."""
    if not match.dialect.positions:
        return [], list(table.column_names)
    rest = [name for name in table.column_names if name not in match.consumed]
    plain = [name for name in rest if name not in _KINDS and not _is_nested(table.schema.field(name).type)]
    return plain, [name for name in rest if name not in plain and name not in match.fields.values()]


def _is_nested(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _message_kinds(table: pa.Table, match: Match) -> pa.Array | None:
    """Return what kind of message each row is, in lower case; None where the source does not say."""
    name = None if match.dialect.skip is None else match.columns.get(match.dialect.skip[0])
    if name is None:
        return None
    return pc.utf8_lower(pc.utf8_trim_whitespace(_column(table, name).cast(pa.string())))


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


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table[name]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _first_filled(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Return a column, filled from further ones where it is empty."""
    columns = [_column(table, name) for name in names]
    return columns[0] if len(columns) == 1 else pc.coalesce(*(column.cast(pa.string()) for column in columns))


def _source(table: pa.Table, match: Match, name: str) -> pa.Array:
    return _first_filled(table, (match.fields[name], *match.also.get(name, ())))


def _is_text(column: pa.Array) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def _times_of(table: pa.Table, match: Match, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return read_times(_column(table, match.fields[name]), match.dialect.times)


def _numbers(column: pa.Array, name: str, report: ReadReport) -> np.ndarray:
    """Return a column as float64 with NaN for everything that is no finite number."""
    if not _is_text(column):
        try:
            numbers = column.cast("float64", safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            report.repair(f"{name}_unreadable", len(column) - column.null_count)
            return np.full(len(column), np.nan)
    else:
        numbers = _plain_numbers(column)
        if numbers is None:
            numbers = _by_value(column, lambda part, own: _numbers_slowly(part, name, own), report)
    out = np.array(numbers.to_numpy(zero_copy_only=False), dtype="float64")
    out[np.isinf(out)] = np.nan
    return out


def _plain_numbers(column: pa.Array) -> pa.Array | None:
    """Cast text that is numbers throughout; words such as nan and inf are left to the slow way, which counts them."""
    numbers = try_cast(column, pa.float64())
    return numbers if numbers is not None and pc.all(pc.is_finite(numbers), min_count=0).as_py() else None


def _numbers_slowly(column: pa.Array, name: str, report: ReadReport) -> pa.Array:
    text = _trimmed(column, name, report)
    good = pc.match_substring_regex(text, _NUMBER)
    report.repair(f"{name}_unreadable", pc.sum(pc.invert(good)).as_py() or 0)
    return pc.if_else(good, text, pa.scalar(None, text.type)).cast("float64")


def _trimmed(column: pa.Array, name: str, report: ReadReport) -> pa.Array:
    """Strip text, and turn words that stand for nothing into nulls; an empty field is not counted as a repair."""
    if not _is_text(column):
        column = column.cast(pa.string())
    text = pc.utf8_rtrim(pc.utf8_trim_whitespace(column), characters="@ ")
    nothing = pc.is_in(pc.utf8_upper(text), pa.array(_NOTHING, text.type))
    empty = pc.is_in(pc.utf8_trim_whitespace(column), pa.array([""], column.type))
    report.repair(f"{name}_null_text", (pc.sum(nothing).as_py() or 0) - (pc.sum(empty).as_py() or 0))
    return pc.if_else(nothing, pa.scalar(None, text.type), text)


def _by_value(column: pa.Array, change: Callable[[pa.Array, ReadReport], pa.Array], report: ReadReport) -> pa.Array:
    """Apply `change` to the distinct values only: names and words repeat a great deal."""
    coded = column.dictionary_encode()
    if len(coded.dictionary) * 2 > len(column):
        return change(column, report)
    own = ReadReport()
    changed = change(coded.dictionary, own)
    if own.repairs:  # then each row that has such a value counts
        lost = pc.filter(coded.indices, pc.is_null(changed).take(coded.indices))
        change(coded.dictionary.take(lost), report)
    return changed.take(coded.indices)


def _field(table: pa.Table, match: Match, report: ReadReport, name: str) -> pa.Array:
    column = _source(table, match, name)
    kind = _KINDS[name]
    if kind == "time":
        micros, good, naive = _times_of(table, match, name)
        good &= match.dialect.utc | ~naive
        report.repair(f"{name}_unreadable", (~good).sum() - column.null_count)
        return pa.array(micros, mask=~good).cast(_US_UTC)
    codes = match.dialect.codes.get(name, _CODES.get(name))
    if kind == "text":
        return _by_value(column, lambda part, own: _words(part, codes, name, own), report)
    if kind == "float":
        return pa.array(_measure(_numbers(column, name, report), match, report, name))
    if name == "imo":
        return _imo(column, report)
    return _code_numbers(column, codes or {}, match, report, name)


def _words(column: pa.Array, codes: Mapping[str, int | str] | None, name: str, report: ReadReport) -> pa.Array:
    text = _trimmed(column, name, report)
    return text.cast(pa.string()) if codes is None else _coded(text, codes, name, report)


def _coded(text: pa.Array, codes: Mapping[str, int | str], name: str, report: ReadReport) -> pa.Array:
    words = pc.utf8_lower(text)
    found = pc.index_in(words, pa.array(list(codes), words.type))
    report.repair(f"{name}_unknown_text", found.null_count - words.null_count)
    return pa.array(list(codes.values())).take(found)


def _code_numbers(
    column: pa.Array, codes: Mapping[str, int | str], match: Match, report: ReadReport, name: str
) -> pa.Array:
    if _is_text(column) and codes and _plain_numbers(column) is None:
        column = _by_value(column, lambda part, own: _words_to_numbers(part, codes, name, own), report)
    numbers = _numbers(column, name, report)
    for theirs, ours in match.dialect.recode.get(name, {}).items():
        same = numbers == theirs
        report.repair(f"{name}_recoded", same.sum())
        numbers[same] = ours
    outside = np.isfinite(numbers) & ~((numbers >= 0) & (numbers <= _CODE_MAX[name]) & (numbers == np.floor(numbers)))
    report.repair(f"{name}_no_code", outside.sum())
    numbers[outside] = np.nan
    return _whole(numbers, name)


def _words_to_numbers(column: pa.Array, codes: Mapping[str, int | str], name: str, report: ReadReport) -> pa.Array:
    text = _trimmed(column, name, report)
    is_number = pc.match_substring_regex(text, _NUMBER)
    as_code = _coded(pc.if_else(is_number, pa.scalar(None, text.type), text), codes, name, report)
    return pc.if_else(is_number, text.cast(pa.string()), as_code.cast(pa.string()))


def _whole(numbers: np.ndarray, name: str) -> pa.Array:
    missing = np.isnan(numbers)
    return pa.array(np.where(missing, 0, numbers).astype("int64"), mask=missing).cast(_ARROW[_KINDS[name]])


def _imo(column: pa.Array, report: ReadReport) -> pa.Array:
    if _is_text(column):
        column = _by_value(
            column, lambda part, own: pc.replace_substring_regex(part, r"^\s*(?i:imo)[\s:]*", ""), report
        )
    numbers = _numbers(column, "imo", report)
    zero = numbers == 0
    odd = np.isfinite(numbers) & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= 2.0**53))
    report.repair("imo_not_available", zero.sum())
    report.repair("imo_unreadable", odd.sum())
    numbers[zero | odd] = np.nan
    return _whole(numbers, "imo")


def _scaled(numbers: np.ndarray, match: Match, name: str) -> np.ndarray:
    divisor = 1.0 if name in match.mapped else match.dialect.divisor.get(name, 1.0)
    return numbers if divisor == 1.0 else numbers / divisor


def _measure(numbers: np.ndarray, match: Match, report: ReadReport, name: str) -> np.ndarray:
    """Bring a measured value to its unit; sentinels become NaN."""
    numbers = _scaled(numbers, match, name)
    if name in match.dialect.wrap and name not in match.mapped:
        low = numbers < 0
        report.repair(f"{name}_wrapped", low.sum())
        numbers = np.where(low, np.round(numbers + match.dialect.wrap[name], 6), numbers)
    gone = np.isin(numbers, match.dialect.missing.get(name, ()))
    if name == "sog":
        gone |= numbers >= SOG_NA - _NEAR
    elif name == "cog":
        gone |= numbers >= COG_NA - _NEAR
    elif name == "heading":
        gone |= numbers == HEADING_NA
    elif name in _ZERO_IS_MISSING:
        gone |= numbers == 0
    report.repair(f"{name}_not_available", gone.sum())
    return np.where(gone, np.nan, numbers)


def _positions(table: pa.Table, match: Match, report: ReadReport) -> dict[str, pa.Array]:
    raw = {name: _numbers(_column(table, match.fields[name]), name, report) for name in ("lat", "lon")}
    if match.dialect.divisor.get("lat", 1.0) > 1.0 and not {"lat", "lon"} & match.mapped:
        _refuse_degrees(raw, match)
    lat, lon = (_scaled(raw[name], match, name) for name in ("lat", "lon"))
    gone = (np.abs(lat - LAT_NA) < _NEAR) | (np.abs(lon - LON_NA) < _NEAR)
    report.repair("position_not_available", gone.sum())
    return {name: pa.array(np.where(gone, np.nan, values)) for name, values in (("lat", lat), ("lon", lon))}


def _refuse_degrees(raw: Mapping[str, np.ndarray], match: Match) -> None:
    """Refuse a block in degrees where the dialect expects raw units: it would end up at (0, 0)."""
    lat, lon = raw["lat"], raw["lon"]
    known = np.isfinite(lat) & np.isfinite(lon) & ((lat != 0) | (lon != 0))
    if known.any() and (np.abs(lat[known]) <= LAT_NA).all() and (np.abs(lon[known]) <= LON_NA).all():
        raise DialectError(
            f"columns {match.fields['lat']!r} and {match.fields['lon']!r} hold degrees, not the raw units of the "
            f"dialect {match.dialect.name!r}; give column_map= for these columns"
        )


def _course(table: pa.Table, match: Match) -> pa.Array:
    sine, cosine = (
        _numbers(_column(table, match.columns[name]), "cog", ReadReport()) for name in match.dialect.course_parts or ()
    )
    return pa.array(np.degrees(np.arctan2(sine, cosine)) % 360.0)


def _fill_dimensions(out: dict[str, Any], table: pa.Table, match: Match) -> None:
    """Length and beam from the antenna's distances, where the source does not say them itself."""
    sides = [[match.columns[name] for name in side.split("|") if name in match.columns] for side in match.dialect.dims]
    if not sides or not all(sides):
        return
    bow, stern, port, starboard = (_numbers(_first_filled(table, names), names[0], ReadReport()) for names in sides)
    for name, total in (("length_m", bow + stern), ("beam_m", port + starboard)):
        total = np.where(total > 0, total, np.nan)
        known = np.asarray(out[name]) if name in out else np.full(len(total), np.nan)
        out[name] = pa.array(np.where(np.isnan(known), total, known))
