"""The only place that validates a table: `conform` on the way in, `finish` on the way out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import SchemaError
from darkvoyage.schema.tables import Column, TableSpec

__all__ = ["TIME_DTYPE", "as_frame", "complete", "conform", "empty", "finish", "sort_rows"]

TIME_DTYPE = "datetime64[us, UTC]"

_DTYPES: dict[str, Any] = {
    "int": "int64",
    "float": "float64",
    "bool": "bool",
    "boolean": "boolean",
    "Int64": "Int64",
    "Int16": "Int16",
    "Int8": "Int8",
    "time": TIME_DTYPE,
    "text": "str",
    "list": "object",
}


def as_frame(table: Any, spec: TableSpec) -> pd.DataFrame:
    """Return `table` as a DataFrame that may be extended freely; the caller's object is never written to.

    Accepts pandas and anything with the Arrow PyCapsule stream protocol (polars, pyarrow, DuckDB relations).
    """
    if isinstance(table, pd.DataFrame):
        # Copy-on-write: adding or replacing columns of this shallow copy leaves the caller's frame alone.
        return pd.DataFrame(table).reset_index(drop=True)
    if hasattr(table, "__arrow_c_stream__"):
        import pyarrow as pa

        arrow = pa.table(table)
        # Lists of string views (polars) have no way to pandas of their own.
        plain = [
            field.with_type(pa.list_(pa.string())) if _lists_of_views(field.type) else field for field in arrow.schema
        ]
        return arrow.cast(pa.schema(plain)).to_pandas()
    raise SchemaError(
        f"{spec.name}: expected a table (pandas, polars, pyarrow, or anything with __arrow_c_stream__), "
        f"got {type(table).__name__}"
    )


def _lists_of_views(kind: Any) -> bool:
    return str(kind).startswith(("list", "large_list")) and "string_view" in str(kind)


def conform(table: Any, spec: TableSpec) -> pd.DataFrame:
    """Check an input table against its specification and cast its columns.

    Parameters
    ----------
    table : DataFrame or Arrow stream
    spec : TableSpec

    Returns
    -------
    DataFrame
        The same rows in the same order with a RangeIndex; known columns in their types, others untouched.

    Raises
    ------
    SchemaError
        A required column is missing, has the wrong type, holds naive times, or nulls where none are allowed.
    """
    frame = as_frame(table, spec)
    missing = [name for name in spec.required if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns)) or "none"
        raise SchemaError(f"{spec.name}: missing column(s) {', '.join(missing)}; found columns: {found}")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(f"{spec.name}: column {twice!r} occurs twice")
    for column in spec.columns:
        if column.name in frame.columns:
            frame[column.name] = _cast(frame[column.name], column, spec)
    return frame


def complete(table: Any, spec: TableSpec) -> pd.DataFrame:
    """`conform`, and add the columns of the specification that the table lacks as nulls."""
    frame = conform(table, spec)
    for column in spec.columns:
        if column.name not in frame.columns:
            kind = {"int": "Int64", "bool": "boolean"}.get(column.kind, _DTYPES[column.kind])
            frame[column.name] = pd.Series([None] * len(frame), dtype=kind)
    return frame


def empty(spec: TableSpec) -> pd.DataFrame:
    """Return an empty table with the right columns and dtypes."""
    return pd.DataFrame({column.name: pd.Series([], dtype=_DTYPES[column.kind]) for column in spec.columns})


def finish(data: Mapping[str, Any] | pd.DataFrame, spec: TableSpec, *, optional: bool = False) -> pd.DataFrame:
    """Build an output table: all columns of the specification in order and type, rows sorted by its key.

    Parameters
    ----------
    data : mapping of column name to array, or DataFrame
        Columns that are not in the specification follow behind it.
    spec : TableSpec
    optional : bool
        Leave absent nullable columns out instead of filling them with nulls.
    """
    frame = pd.DataFrame(data).reset_index(drop=True)
    out: dict[str, pd.Series] = {}
    for column in spec.columns:
        if column.name in frame.columns:
            out[column.name] = _cast(frame[column.name], column, spec)
        elif not (optional and not column.required):
            out[column.name] = pd.Series([None] * len(frame), dtype=_DTYPES[column.kind])
    for name in frame.columns:
        out.setdefault(name, frame[name])
    return sort_rows(pd.DataFrame(out, copy=False), spec.key)


def sort_rows(frame: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    """Sort by `key`; rows with equal keys are ordered by their content, so that the input's order never shows."""
    if len(frame) < 2:
        return frame.reset_index(drop=True)
    keys = _packed([_ranks(frame[name]) for name in key])
    order = None if _is_sorted(keys) else np.lexsort(keys[::-1]) if len(keys) > 1 else np.argsort(keys[0])
    if order is not None:
        keys = [values[order] for values in keys]
    repeat = np.zeros(len(frame), dtype=bool)
    repeat[1:] = np.logical_and.reduce([values[1:] == values[:-1] for values in keys])
    if repeat.any():
        order = _order_ties(frame, np.arange(len(frame)) if order is None else order, repeat)
    return (frame if order is None else frame.take(order)).reset_index(drop=True)


def _ranks(values: pd.Series) -> np.ndarray:
    """Numbers in the order of the values, nulls last, shape (n,)."""
    if values.dtype == TIME_DTYPE and not values.hasnans:
        return values.to_numpy(dtype="datetime64[us]").astype("int64")
    if pd.api.types.is_object_dtype(values.dtype):
        # Lists, geometries and mixtures have no order of their own.
        values = values.map(repr, na_action="ignore")
    codes = pd.factorize(values, sort=True)[0]
    return np.where(codes < 0, len(codes), codes)


def _packed(keys: list[np.ndarray]) -> list[np.ndarray]:
    """One integer key in place of several where they fit into 63 bits, in the same order."""
    packed, room = np.zeros(len(keys[0]), dtype="int64"), 2**63
    for values in keys:
        low = int(values.min())
        span = int(values.max()) - low + 1
        room //= span
        if room == 0:
            return keys
        packed = packed * span + (values - low)
    return [packed]


def _is_sorted(keys: list[np.ndarray]) -> bool:
    ahead = np.ones(len(keys[0]) - 1, dtype=bool)
    for values in reversed(keys):
        ahead = (values[:-1] < values[1:]) | ((values[:-1] == values[1:]) & ahead)
    return bool(ahead.all())


def _order_ties(frame: pd.DataFrame, order: np.ndarray, repeat: np.ndarray) -> np.ndarray:
    """Sort each run of equal keys by its columns from left to right."""
    tied = repeat.copy()
    tied[:-1] |= repeat[1:]
    part = frame.take(order[tied])
    content = [_ranks(part[name]) for name in reversed(part.columns)]
    order = order.copy()
    order[tied] = order[tied][np.lexsort([*content, np.cumsum(~repeat)[tied]])]
    return order


def _cast(series: pd.Series, column: Column, spec: TableSpec) -> pd.Series:
    target = _DTYPES[column.kind]
    if series.dtype == target and (column.nullable or not series.hasnans):
        return series
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    cast = {"time": _cast_time, "text": _cast_text, "list": _cast_list}.get(column.kind, _cast_number)
    out = cast(series, column, spec)
    if not column.nullable and out.isna().any():
        _refuse(spec, column, f"no nulls ({target})", out.isna(), series)
    return out


def _cast_time(series: pd.Series, column: Column, spec: TableSpec) -> pd.Series:
    if len(series) == 0 or series.isna().all():
        return pd.Series(pd.DatetimeIndex([pd.NaT] * len(series), tz="UTC").as_unit("us"), name=series.name)
    if pd.api.types.is_object_dtype(series.dtype):
        wrong = ~series.map(_is_aware)
        if wrong.any():
            _refuse(spec, column, "timezone-aware datetimes", wrong, series)
        return pd.Series(pd.to_datetime(series, utc=True).dt.as_unit("us"), name=series.name)
    if isinstance(series.dtype, pd.ArrowDtype):
        series = pd.Series(series.to_numpy(), name=series.name) if series.dtype.kind == "M" else series
    if not pd.api.types.is_datetime64_any_dtype(series.dtype):
        _refuse(spec, column, "timezone-aware datetimes", series.notna(), series)
    if getattr(series.dt, "tz", None) is None:
        _refuse(spec, column, "timezone-aware datetimes (these are naive; use .dt.tz_localize)", series.notna(), series)
    return series.dt.tz_convert("UTC").dt.as_unit("us")


def _is_aware(value: Any) -> bool:
    """Tell whether a single value is a time with a zone, or a null."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return True
    return isinstance(value, dt.datetime) and value.tzinfo is not None


def _cast_text(series: pd.Series, column: Column, spec: TableSpec) -> pd.Series:
    if series.isna().all():
        return pd.Series([None] * len(series), dtype="str", name=series.name)
    if not (pd.api.types.is_string_dtype(series.dtype) or pd.api.types.is_object_dtype(series.dtype)):
        _refuse(spec, column, "text", series.notna(), series)
    if pd.api.types.is_object_dtype(series.dtype):
        wrong = series.notna() & ~series.map(lambda value: isinstance(value, str))
        if wrong.any():
            _refuse(spec, column, "text", wrong, series)
    return series.astype("str")


def _cast_list(series: pd.Series, column: Column, spec: TableSpec) -> pd.Series:
    return series.map(lambda value: list(value) if isinstance(value, (list, tuple, np.ndarray)) else value).astype(
        object
    )


def _cast_number(series: pd.Series, column: Column, spec: TableSpec) -> pd.Series:
    target = _DTYPES[column.kind]
    whole = column.kind in ("int", "Int64", "Int16", "Int8")
    if series.isna().all():
        if column.kind in ("int", "bool") and len(series):
            _refuse(spec, column, f"{target} without nulls", series.isna(), series)
        return pd.Series([None] * len(series), dtype=target, name=series.name)
    truth = pd.api.types.is_bool_dtype(series.dtype)
    if column.kind in ("bool", "boolean"):
        if not truth and not (series.dropna().map(lambda value: isinstance(value, (bool, np.bool_))).all()):
            _refuse(spec, column, "true or false", series.notna(), series)
        if column.kind == "bool" and series.isna().any():
            _refuse(spec, column, "no nulls (bool)", series.isna(), series)
        return series.astype(target)
    if pd.api.types.is_object_dtype(series.dtype):
        wrong = series.notna() & ~series.map(
            lambda value: isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        )
        if wrong.any():
            _refuse(spec, column, target, wrong, series)
        series = pd.to_numeric(series.astype("Float64") if series.isna().any() else series)
    if truth or not pd.api.types.is_numeric_dtype(series.dtype):
        _refuse(spec, column, target, series.notna(), series)
    if whole:
        numbers = series.to_numpy(dtype="float64", na_value=np.nan)
        fractional = np.isfinite(numbers) & (numbers != np.floor(numbers)) | np.isinf(numbers)
        if fractional.any():
            _refuse(spec, column, f"whole numbers ({target})", pd.Series(fractional), series)
        if column.kind == "int" and np.isnan(numbers).any():
            _refuse(spec, column, f"{target} without nulls", pd.Series(np.isnan(numbers)), series)
        bits = {"int": 63, "Int64": 63, "Int16": 15, "Int8": 7}[column.kind]
        with np.errstate(invalid="ignore"):
            too_large = np.abs(numbers) >= 2.0**bits
        if too_large.any():
            _refuse(spec, column, target, pd.Series(too_large), series)
        if pd.api.types.is_float_dtype(series.dtype):
            series = series.astype("Int64")
        return series.astype(target)
    return pd.Series(series.to_numpy(dtype="float64", na_value=np.nan), name=series.name)


def _refuse(spec: TableSpec, column: Column, expected: str, wrong: pd.Series, series: pd.Series) -> None:
    rows = np.flatnonzero(np.asarray(wrong, dtype=bool))
    value = series.iloc[rows[0]] if len(rows) else None
    value = value.item() if isinstance(value, np.generic) else value
    where = f"; first bad row {rows[0]}: {value!r}" if len(rows) else ""
    raise SchemaError(f"{spec.name}: column {column.name!r} has type {series.dtype}, expected {expected}{where}")
