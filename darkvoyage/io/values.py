"""Values as sources write them, to those of FIXES: units, sentinels, codes, and an account of each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.casting import try_cast
from darkvoyage.io.dialect_codes import AIS_CLASSES, RECEIVERS
from darkvoyage.io.dialect_match import Match
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.times import read_times
from darkvoyage.schema.ais import COG_NA, HEADING_NA, LAT_NA, LON_NA, NAV_STATUS, SOG_NA
from darkvoyage.schema.tables import FIXES

__all__ = [
    "column_of",
    "course_of",
    "decoded_texts",
    "field_of",
    "fill_dimensions",
    "numbers_of",
    "positions_of",
    "times_of",
]

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


def column_of(table: pa.Table, name: str) -> pa.Array:
    """Return a column in one piece, not dictionary-encoded."""
    return _decoded(_whole_column(table, name))


def _whole_column(table: pa.Table, name: str) -> pa.Array:
    column = table[name]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _is_coded(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type)


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return column if _is_coded(column) else column.dictionary_encode()


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if _is_coded(column) else column


def decoded_texts(table: pa.Table) -> pa.Table:
    """Decode the text fields of FIXES, which `field_of` leaves coded; other columns stay as they are."""
    for place, name in enumerate(table.column_names):
        if _KINDS.get(name) == "text":
            table = table.set_column(place, name, table[name].cast(pa.string()))
    return table


def _first_filled(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Return a column, filled from further ones where it is empty; one alone may be dictionary-encoded."""
    if len(names) == 1:
        return _whole_column(table, names[0])
    return pc.coalesce(*(column_of(table, name).cast(pa.string()) for name in names))


def _source(table: pa.Table, match: Match, name: str) -> pa.Array:
    return _first_filled(table, (match.fields[name], *match.also.get(name, ())))


def _is_text(column: pa.Array) -> bool:
    kind = column.type.value_type if _is_coded(column) else column.type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def times_of(table: pa.Table, match: Match, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the times of a field as `read_times` does."""
    return read_times(column_of(table, match.fields[name]), match.dialect.times)


def numbers_of(column: pa.Array, name: str, report: ReadReport) -> np.ndarray:
    """Return a column as float64 with NaN for everything that is no finite number."""
    if not _is_text(column):
        try:
            numbers = _decoded(column).cast("float64", safe=False)
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
    if _is_coded(column):
        distinct = _plain_numbers(column.dictionary)
        return None if distinct is None else distinct.take(column.indices)
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


def _by_value(
    column: pa.Array, change: Callable[[pa.Array, ReadReport], pa.Array], report: ReadReport, *, coded: bool = False
) -> pa.Array:
    """Apply `change` to the distinct values only: names and words repeat a great deal; `coded` leaves it at that."""
    encoded = _encoded(column)
    if len(encoded.dictionary) * 2 > len(column):
        return change(_decoded(column), report)
    own = ReadReport()
    changed = change(encoded.dictionary, own)
    if own.repairs:  # then each row that has such a value counts
        lost = pc.is_null(changed)
        rows = pc.filter(encoded.indices, lost.take(encoded.indices))
        if own.repairs.total() == pc.sum(lost).as_py() and len(own.repairs) == 1:
            report.repair(next(iter(own.repairs)), len(rows))
        else:
            change(encoded.dictionary.take(rows), report)
    return _with_values(changed, encoded.indices) if coded else changed.take(encoded.indices)


def _with_values(values: pa.Array, indices: pa.Array) -> pa.DictionaryArray:
    """Code rows by values, some of which may be null: Arrow joins no dictionaries with nulls."""
    if values.null_count:
        known = np.asarray(values.is_valid())
        indices = pa.array(np.cumsum(known, dtype="int32") - 1, pa.int32(), mask=~known).take(indices)
    return pa.DictionaryArray.from_arrays(indices.cast(pa.int32()), values.drop_null())


def field_of(table: pa.Table, match: Match, report: ReadReport, name: str) -> pa.Array:
    """Convert one field other than key and position: units, sentinels, codes; text that repeats comes coded."""
    column = _source(table, match, name)
    kind = _KINDS[name]
    if kind == "time":
        micros, good, naive = times_of(table, match, name)
        good &= match.dialect.utc | ~naive
        report.repair(f"{name}_unreadable", (~good).sum() - column.null_count)
        return pa.array(micros, mask=~good).cast(_US_UTC)
    codes = match.dialect.codes.get(name, _CODES.get(name))
    if kind == "text":
        return _by_value(column, lambda part, own: _words(part, codes, name, own), report, coded=True)
    if kind == "float":
        return pa.array(_measure(numbers_of(column, name, report), match, report, name))
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
    numbers = numbers_of(column, name, report)
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
    return pc.if_else(is_number, text.cast(pa.string()), as_code.cast(pa.string())).cast("float64")


def _whole(numbers: np.ndarray, name: str) -> pa.Array:
    missing = np.isnan(numbers)
    return pa.array(np.where(missing, 0, numbers).astype("int64"), mask=missing).cast(_ARROW[_KINDS[name]])


def _imo(column: pa.Array, report: ReadReport) -> pa.Array:
    if _is_text(column):
        coded = _encoded(column)
        bare = pc.replace_substring_regex(coded.dictionary, r"^\s*(?i:imo)[\s:]*", "")
        column = pa.DictionaryArray.from_arrays(coded.indices, bare)
    numbers = numbers_of(column, "imo", report)
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


def positions_of(table: pa.Table, match: Match, report: ReadReport) -> dict[str, pa.Array]:
    """Convert latitude and longitude; both are NaN where one is not available."""
    raw = {name: numbers_of(column_of(table, match.fields[name]), name, report) for name in ("lat", "lon")}
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


def course_of(table: pa.Table, match: Match) -> pa.Array:
    """Return the course over ground of its sine and cosine."""
    sine, cosine = (
        numbers_of(column_of(table, match.columns[name]), "cog", ReadReport())
        for name in match.dialect.course_parts or ()
    )
    return pa.array(np.degrees(np.arctan2(sine, cosine)) % 360.0)


def fill_dimensions(out: dict[str, Any], table: pa.Table, match: Match) -> None:
    """Length and beam from the antenna's distances, where the source does not say them itself."""
    sides = [[match.columns[name] for name in side.split("|") if name in match.columns] for side in match.dialect.dims]
    if not sides or not all(sides):
        return
    bow, stern, port, starboard = (numbers_of(_first_filled(table, names), names[0], ReadReport()) for names in sides)
    for name, total in (("length_m", bow + stern), ("beam_m", port + starboard)):
        total = np.where(total > 0, total, np.nan)
        known = np.asarray(out[name]) if name in out else np.full(len(total), np.nan)
        out[name] = pa.array(np.where(np.isnan(known), total, known))
