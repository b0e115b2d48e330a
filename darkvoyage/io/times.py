"""Times as sources write them, to microseconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.io.casting import try_cast

__all__ = ["read_times"]

_MAX_S = 253_402_300_800  # the year 10000
_SAMPLE = 1024
_ZONED = r"[T ]\d{2}:?\d{2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_Parsed = tuple[np.ndarray, np.ndarray]


def read_times(column: pa.Array, styles: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a column of times.

    Parameters
    ----------
    column : pyarrow Array of text, numbers or timestamps
    styles : sequence of {"iso", "day_first", "compact", "clock", "epoch_s", "epoch_ms", "epoch"}
        Tried in this order on what the ones before could not read; `clock` is an hour of the day on 1970-01-01.

    Returns
    -------
    micros : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01 UTC; 0 where not readable.
    good : ndarray of bool, shape (n,)
        Whether the value is a time.
    naive : ndarray of bool, shape (n,)
        Whether it came without an offset; taken as UTC here.
    """
    if pa.types.is_timestamp(column.type):
        micros = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast("int64")
        good = _valid(column)
        return _filled(micros), good, good & (column.type.tz is None)
    if _is_text(column.type):
        if len(column.slice(0, _SAMPLE).unique()) * 2 <= min(len(column), _SAMPLE):
            return _parse_distinct(column, styles)  # many ships are heard in one second
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        styles = ()
    else:
        styles = [style for style in styles if style.startswith("epoch")]
    return _parse(column, styles)


def _parse_distinct(column: pa.Array, styles: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    coded = column.dictionary_encode()
    rows = _filled(coded.indices, len(coded.dictionary))  # null: a row after the last
    micros, good, naive = (np.append(values, values.dtype.type(0)) for values in _parse(coded.dictionary, styles))
    return micros[rows], good[rows], naive[rows]


def _parse(column: pa.Array, styles: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    micros = np.zeros(len(column), dtype="int64")
    good = np.zeros(len(column), dtype=bool)
    naive = np.zeros(len(column), dtype=bool)
    for style in styles:
        left = np.flatnonzero(~good & _valid(column))
        if not len(left):
            break
        part = column if len(left) == len(column) else column.take(pa.array(left))
        values, fine, unzoned = _STYLES[style](part)
        micros[left[fine]] = values[fine]
        naive[left[fine]] = unzoned[fine]
        good[left[fine]] = True
    return micros, good, naive


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _valid(column: pa.Array) -> np.ndarray:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def _filled(numbers: pa.Array, filler: int = 0) -> np.ndarray:
    return np.asarray(numbers.fill_null(filler).to_numpy(zero_copy_only=False), dtype="int64")


def _cast(column: pa.Array, zone: str | None) -> np.ndarray | None:
    times = try_cast(column, pa.timestamp("us", zone))
    return None if times is None else _filled(times.cast("int64"))


def _slow(text: pd.Series, form: str) -> _Parsed:
    parsed = pd.to_datetime(text, format=form, utc=True, errors="coerce")
    return parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype("int64"), parsed.notna().to_numpy()


def _iso(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    yes = np.ones(len(column), dtype=bool)
    dated = pc.min(pc.binary_length(column)).as_py() > len("2024-03-07")  # Arrow takes a day alone for its midnight
    for zone in (None, "UTC"):  # whole blocks are written in one way, as a rule
        micros = _cast(column, zone) if dated else None
        if micros is not None:
            return micros, yes, yes & (zone is None)
    text = column.to_pandas().str.strip().str.replace(r"\s*(\+0000 )?(UTC|GMT)$", "Z", regex=True)
    text = text.where(text.str.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}"))
    micros, good = _slow(text, "ISO8601")
    return micros, good, ~text.str.contains(_ZONED, regex=True, na=False).to_numpy(dtype=bool)


def _day_first(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    yes = np.ones(len(column), dtype=bool)
    if pc.all(pc.match_substring_regex(column, r"^\d\d/\d\d/\d{4} \d\d:\d\d(:\d\d)?$")).as_py():
        day, month, year, clock = (
            pc.utf8_slice_codeunits(column, start, stop) for start, stop in ((0, 2), (3, 5), (6, 10), (10, 19))
        )
        micros = _cast(pc.binary_join_element_wise(pc.binary_join_element_wise(year, month, day, "-"), clock, ""), None)
        if micros is not None:
            return micros, yes, yes
    text = column.to_pandas().str.strip()
    micros, good = _slow(text, "%d/%m/%Y %H:%M:%S")
    rest, also = _slow(text, "%d/%m/%Y %H:%M")
    return np.where(good, micros, rest), good | also, yes


def _compact(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    micros, good = _slow(column.to_pandas().str.strip(), "%Y%m%d_%H%M%S")
    return micros, good, np.ones(len(column), dtype=bool)


def _clock(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    micros, good = _slow("1970-01-01 " + column.to_pandas().str.strip(), "%Y-%m-%d %H:%M:%S")
    return micros, good, np.ones(len(column), dtype=bool)


def _epoch(scale_of: Callable[[np.ndarray], np.ndarray]) -> Callable[[pa.Array], tuple[np.ndarray, ...]]:
    def parse(column: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if _is_text(column.type):
            # Scientific notation may have lost the seconds (1.52255E+12 from a spreadsheet), and nobody can tell.
            whole = pc.match_substring_regex(column, r"^\s*-?\d+(\.\d*)?\s*$")
            column = pc.utf8_trim_whitespace(pc.if_else(whole, column, pa.scalar(None, column.type)))
        numbers = column.cast("float64", safe=False).to_numpy(zero_copy_only=False)
        micros = numbers * scale_of(numbers)
        good = np.isfinite(micros) & (np.abs(micros) < _MAX_S * 1e6)
        micros = np.rint(np.where(good, micros, 0.0)).astype("int64")
        return micros, good, np.zeros(len(column), dtype=bool)

    return parse


_STYLES: dict[str, Callable[[pa.Array], tuple[np.ndarray, ...]]] = {
    "iso": _iso,
    "day_first": _day_first,
    "compact": _compact,
    "clock": _clock,
    "epoch_s": _epoch(lambda numbers: np.full(len(numbers), 1e6)),
    "epoch_ms": _epoch(lambda numbers: np.full(len(numbers), 1e3)),
    # 1e11 s is the year 5138, 1e11 ms is 1973.
    "epoch": _epoch(lambda numbers: np.where(np.abs(numbers) < 1e11, 1e6, 1e3)),
}
