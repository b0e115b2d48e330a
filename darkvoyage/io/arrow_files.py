"""Parquet, GeoParquet and GeoPackage in blocks; points become longitude and latitude in WGS 84."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from darkvoyage.errors import ReadError
from darkvoyage.io.containers import Member, guard
from darkvoyage.io.delimited import Block, unique_names
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.selection import Select, Selection
from darkvoyage.io.times import read_times

__all__ = ["read_geopackage", "read_parquet"]

_ROWS = 1 << 17
_BUFFER = 1 << 20  # of each column that is being read: row groups may be as large as the file
_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])


def read_parquet(member: Member, report: ReadReport, select: Select) -> Iterator[Block]:
    """Read Parquet, with or without the geometry of GeoParquet: the wanted columns of the row groups that are wanted.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of rows, and those of row groups that lie outside the period.
    select : callable
        Says which columns and which period are wanted.

    Yields
    ------
    Block
        At least one, which may have no rows.
    """
    from pyarrow import parquet

    with guard(member.label, lambda: member.extent):
        file = parquet.ParquetFile(member.stream, pre_buffer=False, buffer_size=_BUFFER)
        schema = file.schema_arrow
        point, system = _geo_column(schema)
        nothing = _block(schema.empty_table(), point, system, member.label, 0).table
        selection = select(nothing.column_names)
        yield Block(nothing.select([name for name in nothing.column_names if name in selection.columns]), _nowhere)
        columns = _stored_columns(schema, point, selection)
        if columns is not None and not selection.others:
            # Words repeat: they come coded as they are stored.
            words = [name for name in columns if pa.types.is_string(schema.field(name).type)]
            file = parquet.ParquetFile(
                member.stream, metadata=file.metadata, read_dictionary=words, pre_buffer=False, buffer_size=_BUFFER
            )
        start = 0
        for outside, group in groupby(_row_groups(file.metadata, schema, selection), key=lambda group: group.outside):
            groups = list(group)
            if outside:
                count = sum(group.rows for group in groups)
                report.rows_in += count
                report.reject("outside_period", count, ())
                start += count
                continue
            batches = file.iter_batches(_ROWS, row_groups=[group.number for group in groups], columns=columns)
            while (batch := _next(batches, member, start)) is not None:
                report.rows_in += len(batch)
                yield _block(pa.Table.from_batches([batch]), point, system, member.label, start)
                start += len(batch)


def _nowhere(row: int) -> tuple[str, int, str]:
    raise IndexError(row)


def _next(batches: Iterator[pa.RecordBatch], member: Member, done: int) -> pa.RecordBatch | None:
    with guard(member.label, lambda: f" after row {done}{member.extent}"):
        return next(batches, None)


def _stored_columns(schema: pa.Schema, point: str | None, selection: Selection) -> list[str] | None:
    """Name the stored columns that make the wanted ones; None: all."""
    if not selection.left_out or len(set(schema.names)) < len(schema.names):
        return None
    made = dict(zip(unique_names(schema.names), schema.names, strict=True))
    wanted = {made.get(name, point) for name in selection.columns}
    return [name for name in schema.names if name in wanted]


@dataclass(frozen=True)
class _RowGroup:
    number: int
    rows: int
    outside: bool


def _row_groups(metadata: Any, schema: pa.Schema, selection: Selection) -> Iterator[_RowGroup]:
    place = _time_column(metadata, schema, selection)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        outside = place is not None and _lies_outside(group.column(place).statistics, schema, selection)
        yield _RowGroup(number, group.num_rows, outside)


def _time_column(metadata: Any, schema: pa.Schema, selection: Selection) -> int | None:
    """Find the stored column of times whose order is that of time."""
    name = selection.match.fields["timestamp"]
    if selection.period is None or name not in schema.names:
        return None
    kind = schema.field(name).type
    styles = [style for style in selection.match.dialect.times if style.startswith("epoch")]
    ordered = pa.types.is_timestamp(kind) or (pa.types.is_integer(kind) and styles in (["epoch_s"], ["epoch_ms"]))
    places = [place for place in range(metadata.num_columns) if metadata.schema.column(place).path == name]
    return places[0] if ordered and len(places) == 1 else None


def _lies_outside(statistics: Any, schema: pa.Schema, selection: Selection) -> bool:
    """Tell whether every row of a row group has a time, and one outside the period."""
    known = statistics is not None and statistics.has_min_max and statistics.has_null_count
    if not known or statistics.null_count or selection.period is None:
        return False
    match = selection.match
    kind = schema.field(match.fields["timestamp"]).type
    micros, good, naive = read_times(pa.array([statistics.min, statistics.max], kind), match.dialect.times)
    refused = naive.any() and not match.dialect.utc
    return bool(good.all()) and not refused and selection.period.misses(int(micros[0]), int(micros[1]))


def _geo_column(schema: pa.Schema) -> tuple[str | None, Any]:
    """Return the name and the reference system of the primary geometry (GeoParquet 1.1)."""
    text = (schema.metadata or {}).get(b"geo")
    if text is None:
        return None, None
    geo = json.loads(text)
    name = geo["primary_column"]
    return name, geo["columns"][name].get("crs")


def read_geopackage(member: Member, report: ReadReport) -> Iterator[Block]:
    """Read every layer of points of a GeoPackage; other layers are named in the report.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of rows.

    Yields
    ------
    Block

    Raises
    ------
    ReadError
        Damaged, or without a layer of points.
    """
    with guard(member.label, lambda: member.extent):
        head, ends = member.stream.read(32), member.stream.seek(0, io.SEEK_END)
        pages = int.from_bytes(head[28:32], "big") * (int.from_bytes(head[16:18], "big") or 1)
        if ends < pages:  # SQLite file format 1.3: page size at byte 16, pages at byte 28
            raise ReadError(f"{member.label}: truncated: ends at byte {ends} of {pages}")
        member.stream.seek(0)
        place = str(member.path) if member.path is not None else member.stream.read()
    layers = _point_layers(place, member.label, report)
    if not layers:
        raise ReadError(f"{member.label}: no layer of points")
    for layer in layers:
        done = 0
        for table, meta in _layer_tables(place, layer, member.label):
            report.rows_in += len(table)
            yield _block(table, meta["geometry_name"] or "wkb_geometry", meta["crs"], member.label, done)
            done += len(table)


def _point_layers(place: str | bytes, label: str, report: ReadReport) -> list[str]:
    import pyogrio

    with _quiet_and_named(label):
        layers = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(place)]
    report.skipped += [f"{label}/{name}" for name, kind in layers if not kind.startswith("Point")]
    return [name for name, kind in layers if kind.startswith("Point")]


def _layer_tables(place: str | bytes, layer: str, label: str) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
    """Yield tables of a layer, the first of them without rows, and what is known of it."""
    import pyogrio

    with ExitStack() as stack:
        with _quiet_and_named(label):
            opened = pyogrio.open_arrow(place, layer=layer, batch_size=_ROWS, use_pyarrow=True)
            meta, batches = stack.enter_context(opened)
        table: pa.Table | None = batches.schema.empty_table()
        while table is not None:
            yield table, meta
            with _quiet_and_named(label):
                batch = next(batches, None)
            table = None if batch is None else pa.Table.from_batches([batch])


@contextmanager
def _quiet_and_named(label: str) -> Iterator[None]:
    """Bytes in memory have no .gpkg ending, which needs no warning; what is damaged is called by its name."""
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            yield
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            RuntimeError,
            pa.ArrowException,
        ) as error:
            raise ReadError(f"{label}: truncated or damaged ({error})") from error


def _block(table: pa.Table, point: str | None, system: Any, label: str, done: int) -> Block:
    table = _plain_text(table.rename_columns(unique_names(table.column_names)))
    if point is not None:
        x, y = _degrees(*_coordinates(table[point], label), system)
        place = table.column_names.index(point)
        table = (
            table.remove_column(place).append_column("geometry_x", pa.array(x)).append_column("geometry_y", pa.array(y))
        )
    return Block(table, lambda row: (label, done + row + 1, str(table.slice(row, 1).to_pylist()[0])))


def _plain_text(table: pa.Table) -> pa.Table:
    """Bring the several layouts that Arrow has for text to the usual one."""
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(field.type):
            table = table.set_column(place, field.name, table[place].cast(pa.string()))
    return table


def _coordinates(geometry: pa.ChunkedArray, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of points in well-known binary; NaN for null."""
    known = np.asarray(geometry.is_valid().to_numpy(), dtype=bool)
    values = geometry.drop_null().to_pylist()
    x, y = np.full(len(geometry), np.nan), np.full(len(geometry), np.nan)
    data = b"".join(values)
    if len(data) == len(values) * _POINT.itemsize:
        points = np.frombuffer(data, dtype=_POINT)
        if (points["order"] == 1).all() and (points["kind"] == 1).all():
            x[known], y[known] = points["x"], points["y"]
            return x, y
    import shapely

    shapes = shapely.from_wkb(values)
    if (shapely.get_type_id(shapes) != 0).any():
        raise ReadError(f"{label}: the geometry holds shapes that are no points")
    x[known], y[known] = shapely.get_x(shapes), shapely.get_y(shapes)
    return x, y


def _degrees(x: np.ndarray, y: np.ndarray, system: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude; no reference system means WGS 84 (GeoParquet 1.1)."""
    if system is None or system == "EPSG:4326":
        return x, y
    import pyproj

    crs = pyproj.CRS.from_user_input(system)
    if crs.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True) or crs.to_authority() == ("OGC", "CRS84"):
        return x, y
    transform = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform
    if len(x) == 1:  # pyproj takes an array of one for a scalar, which NumPy before 2.4 warns of
        lon, lat = transform(x.item(), y.item())
        return np.array([lon]), np.array([lat])
    return transform(x, y)
