"""Tables to files by their ending, and back: Parquet, CSV, GeoJSON, KML, GeoPackage."""

from __future__ import annotations

import html
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from darkvoyage.errors import DarkvoyageError, ReadError, SchemaError
from darkvoyage.geo import geometries, to_geo
from darkvoyage.io.intake import parse_numbers
from darkvoyage.io.tabular import read_text_table
from darkvoyage.schema.conform import as_frame, conform
from darkvoyage.schema.tables import TableSpec

__all__ = ["WRITABLE", "check_ending", "read_own", "write_table"]

_ANY = TableSpec("table", (), ())
_SEPARATOR = " | "
_TRIGGER = re.compile(r"^'*[=+\-@\t\r\n]")
_NAMES = ("name", "gap_id", "sighting_id", "port_id", "scene_id", "encounter_id", "loitering_id", "track_id", "mmsi")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")

_KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2">
<Document>
<name>darkvoyage</name>
{% for mark in marks -%}
<Placemark>
<name>{{ mark.name }}</name>
<description>{{ mark.text }}</description>
{% if mark.at %}<TimeStamp><when>{{ mark.at }}</when></TimeStamp>
{% elif mark.begin %}<TimeSpan><begin>{{ mark.begin }}</begin>
{%- if mark.end %}<end>{{ mark.end }}</end>{% endif %}</TimeSpan>
{% endif %}{{ mark.shape | safe }}
</Placemark>
{% endfor -%}
</Document>
</kml>
"""


def write_table(frame: Any, path: str | Path) -> Path:
    """Write a table in the format that the file's ending names.

    Parameters
    ----------
    frame : DataFrame or Arrow stream
    path : str or Path
        `.parquet`; `.csv`; `.geojson`, `.kml` or `.gpkg` for tables with positions (see `to_geo`). The folder must
        exist; a file of that name is replaced, once the new one is whole.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DarkvoyageError
        The ending is none of these, or the file cannot be written.
    SchemaError
        The table has no positions and the format needs them.

    Notes
    -----
    CSV: text that a spreadsheet would run (beginning with = + - @, tab or a line break) gets an apostrophe in front,
    which `read_own` and the readers take off again. Lists are joined by " | ". GeoJSON, KML and GeoPackage keep
    GeoJSON's degrees in WGS 84; lines are cut at the antimeridian. KML: gaps carry a time span, whatever has a
    `timestamp` a time stamp; names and texts are escaped, control characters left out.
    """
    path = Path(path)
    check_ending(path)
    writer = _WRITERS[path.suffix.lower()]
    table = as_frame(frame, _ANY)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        writer(table, part)
        os.replace(part, path)
    except OSError as error:
        raise DarkvoyageError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def check_ending(path: Path) -> None:
    """Refuse a file whose ending names no format that can be written, before any work is done for it.

    Raises
    ------
    DarkvoyageError
    """
    if path.suffix.lower() not in _WRITERS:
        raise DarkvoyageError(
            f"{path}: cannot write {path.suffix or 'a file without ending'!r}; use {', '.join(WRITABLE)}"
        )


def read_own(path: str | Path, spec: TableSpec) -> pd.DataFrame:
    """Read back a table that `write_table` wrote as Parquet or CSV.

    Parameters
    ----------
    path : str or Path
    spec : TableSpec
        Which table it is.

    Returns
    -------
    DataFrame
        The rows in the file's order, columns in their types; columns that are not in the specification follow as they
        come (text from CSV).

    Raises
    ------
    ReadError
        The file is damaged or of another kind.
    SchemaError
        It is not this table.

    Notes
    -----
    CSV knows no difference between an empty text and none, and between an empty list and none: the first come back as
    null, the second as empty lists.
    """
    raw = read_text_table(path)
    if raw.broken:
        row, wrong = raw.broken[0]
        raise ReadError(f"{raw.path}: row {row}: {wrong}")
    frame = raw.frame.reset_index(drop=True)
    typed = Path(path).suffix.lower() == ".parquet"
    return conform(frame if typed else _typed(frame, spec), spec)


def _typed(frame: pd.DataFrame, spec: TableSpec) -> pd.DataFrame:
    """Cells of our CSV in the types of the specification."""
    out = frame.where(frame != "", None)
    for column in spec.columns:
        if column.name not in out.columns:
            continue
        text = out[column.name]
        values = _CASTS.get(column.kind, _whole)(text)
        wrong = text.notna() & pd.isna(values) if column.kind != "list" else text.isna() & False
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SchemaError(
                f"{spec.name}: column {column.name!r}, expected {column.kind}; first bad row {row}: {text[row]!r}"
            )
        out[column.name] = values
    return out


def _whole(text: pd.Series) -> pd.Series:
    return text.where(text.str.fullmatch(r"-?\d{1,19}")).astype("str").astype("Int64")  # not by way of float


def _truth(text: pd.Series) -> pd.Series:
    return text.map({"True": True, "False": False}, na_action="ignore").astype("boolean")


def _times(text: pd.Series) -> pd.Series:
    zoned = text.where(text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True))
    return pd.to_datetime(zoned, format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")


def _lists(text: pd.Series) -> pd.Series:
    def items(cell: str) -> list[str]:
        parts = cell.split(_SEPARATOR)
        # The reader has taken the first item's apostrophe off with the cell's.
        return [parts[0], *(part[1:] if part[:1] == "'" and _TRIGGER.match(part) else part for part in parts[1:])]

    return text.astype("object").map(lambda cell: items(cell) if isinstance(cell, str) else [])


_CASTS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "float": parse_numbers,
    "text": lambda text: text,
    "time": _times,
    "list": _lists,
    "bool": _truth,
    "boolean": _truth,
}


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    text = table.apply(_safe_text)
    text.columns = table.columns
    buffer = io.StringIO(newline="")
    # Lines end as RFC 4180 says; with \n alone a carriage return inside a cell would not be quoted, and break the row.
    text.to_csv(buffer, index=False, lineterminator="\r\n")
    path.write_bytes(buffer.getvalue().encode("utf-8"))


def _safe_text(column: pd.Series) -> pd.Series:
    if not (pd.api.types.is_string_dtype(column.dtype) or pd.api.types.is_object_dtype(column.dtype)):
        if isinstance(column.dtype, pd.CategoricalDtype):
            return _safe_text(column.astype("object"))
        return column
    return column.astype("object").map(_safe_cell, na_action=None)


def _safe_cell(value: Any) -> Any:
    if isinstance(value, str):
        return "'" + value if _TRIGGER.match(value) else value
    if isinstance(value, (list, tuple, np.ndarray)):
        return _SEPARATOR.join(str(_safe_cell(str(item))) for item in value)
    return value


def _write_geojson(table: pd.DataFrame, path: Path) -> None:
    shapes = shapely.to_geojson(geometries(table))
    properties = _plain(table.drop(columns="geometry", errors="ignore")).to_dict("records")
    features = [
        {"type": "Feature", "geometry": json.loads(shape) if shape else None, "properties": cells}
        for shape, cells in zip(shapes, properties, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Cells as JSON knows them: times as ISO text, what is not known or not finite as None."""
    out = {}
    for name, column in table.items():
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = _iso(column)
        elif pd.api.types.is_float_dtype(column.dtype):
            column = column.where(np.isfinite(column.to_numpy(dtype="float64", na_value=np.nan)))
        out[str(name)] = [_bare(value) for value in column.astype("object")]
    return pd.DataFrame(out, index=table.index, dtype="object")


def _bare(value: Any) -> Any:
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_bare(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _iso(times: pd.Series) -> pd.Series:
    text = times.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if times.dt.tz is not None else "%Y-%m-%dT%H:%M:%S.%f")
    return text.astype("str").str.replace(r"\.?0{3,6}(?=Z?$)", "", regex=True)


def _write_kml(table: pd.DataFrame, path: Path) -> None:
    from jinja2 import Environment

    shapes = geometries(table)
    cells = _plain(table.drop(columns=["geometry", "footprint"], errors="ignore")).to_dict("records")
    marks = [_mark(row, shape) for row, shape in zip(cells, shapes, strict=True) if shape is not None]
    template = Environment(autoescape=True).from_string(_KML)
    path.write_text(template.render(marks=marks), encoding="utf-8")


def _mark(row: dict[Any, Any], shape: Any) -> dict[str, Any]:
    known = {key: value for key, value in row.items() if value is not None}
    texts = {key: "; ".join(map(str, value)) if isinstance(value, list) else value for key, value in known.items()}
    # Readers take a description for HTML once its XML is undone, so the cells are escaped here and by the template.
    lines = [html.escape(_CONTROL.sub("", f"{key}: {text}")) for key, text in texts.items()]
    return {
        "name": _CONTROL.sub("", str(next((texts[key] for key in _NAMES if key in texts), ""))),
        "text": "<br>".join(lines),
        "at": texts.get("timestamp"),
        "begin": texts.get("gap_start", texts.get("start_time")),
        "end": texts.get("gap_end", texts.get("end_time")),
        "shape": _kml_shape(shape),
    }


def _kml_shape(shape: Any) -> str:
    """KML of one geometry: numbers only, so there is nothing to escape."""
    kind = shape.geom_type
    if kind.startswith("Multi") or kind == "GeometryCollection":
        return "<MultiGeometry>" + "".join(_kml_shape(part) for part in shape.geoms) + "</MultiGeometry>"
    if kind == "Polygon":
        rings = [("outerBoundaryIs", shape.exterior), *(("innerBoundaryIs", hole) for hole in shape.interiors)]
        inside = "".join(f"<{role}><LinearRing>{_kml_places(ring)}</LinearRing></{role}>" for role, ring in rings)
        return f"<Polygon>{inside}</Polygon>"
    tessellate = "<tessellate>1</tessellate>" if kind == "LineString" else ""
    return f"<{kind}>{tessellate}{_kml_places(shape)}</{kind}>"


def _kml_places(shape: Any) -> str:
    places = " ".join(f"{lon!r},{lat!r}" for lon, lat in shapely.get_coordinates(shape).tolist())
    return f"<coordinates>{places}</coordinates>"


def _write_gpkg(table: pd.DataFrame, path: Path) -> None:
    from pyogrio import set_gdal_config_options
    from pyogrio.errors import DataLayerError, DataSourceError

    frame = to_geo(table)
    for name, column in frame.items():
        if name != "geometry" and pd.api.types.is_object_dtype(column.dtype):
            frame[name] = column.map(lambda cell: _SEPARATOR.join(map(str, cell)) if isinstance(cell, list) else cell)
    set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"})  # the same input, the same bytes
    try:
        frame.to_file(path, driver="GPKG", layer="table", engine="pyogrio")
    except (DataLayerError, DataSourceError) as error:
        raise OSError(str(error)) from error
    finally:
        set_gdal_config_options({"OGR_CURRENT_DATE": None})


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".geojson": _write_geojson,
    ".kml": _write_kml,
    ".gpkg": _write_gpkg,
}
WRITABLE = tuple(_WRITERS)
"""Endings that `write_table` knows."""
