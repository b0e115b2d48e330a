"""Small JSON files as tables of text: records, GeoJSON, pages of either, one document a line, answers of GraphQL.

Members of nested objects become columns with dotted names (`start.point.lat`). A GeoJSON feature (RFC 7946) is its
properties with its `geometry` as WKT, and `lat` and `lon` where it is a point or a small outline. A two-column HTML
table in its `description`, as KML to GeoJSON converters leave it, is read as properties too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from darkvoyage.errors import DarkvoyageError, ReadError

__all__ = ["MAX_OUTLINE_DEG", "cell_text", "read_json_table"]

MAX_OUTLINE_DEG = 0.02
"""Largest extent of a shape that is the outline of one object, and has a position, rather than a footprint [deg]: about
1 nm, several times the longest ship."""

_ANSWERS = ("records", "items")  # lists that may be empty in an answer of GraphQL


def read_json_table(path: Path, text: str) -> tuple[pd.DataFrame, tuple[tuple[int, str], ...]]:
    """Read a JSON text as a table.

    Parameters
    ----------
    path : Path
        For messages.
    text : str

    Returns
    -------
    frame : DataFrame
        Columns of text; the index is the number of the record, from 1.
    broken : tuple of (int, str)
        Number of each record that could not be read, and why.

    Raises
    ------
    ReadError
        Damaged, truncated, or not made of records.
    """
    rows: dict[int, dict[str, str]] = {}
    broken: list[tuple[int, str]] = []
    try:
        records = list(_all_records(path, _documents(path, text)))
    except RecursionError as error:
        raise ReadError(f"{path}: the JSON is nested too deeply to be a table") from error
    for number, record in enumerate(records, 1):
        try:
            cells = _feature_cells(record) if record.get("type") == "Feature" else dict(_spread(record, ""))
            rows[number] = {name: cell_text(value) for name, value in cells.items()}
        except (AttributeError, TypeError, ValueError, LookupError, RecursionError, DarkvoyageError):
            broken.append((number, "not a record of names and values"))
    frame = pd.DataFrame(list(rows.values()), index=pd.Index(rows, dtype="int64"), dtype="str")
    return frame, tuple(broken)


def cell_text(value: Any) -> str:
    """Text of a cell of a spreadsheet, a JSON record or a nested Parquet column; empty for null.

    Parameters
    ----------
    value : object
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy
        value = value.tolist()
    if isinstance(value, dict) or (isinstance(value, (list, tuple)) and any(map(_is_nested, value))):
        return json.dumps(value, default=cell_text)
    if isinstance(value, (list, tuple)):
        return "; ".join(map(cell_text, value))
    return value.isoformat(sep=" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict)) or hasattr(value, "tolist")


def _documents(path: Path, text: str) -> list[Any]:
    """One document, or one a line; null for a line that is none."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        documents = [_parsed(line) for line in lines]
        if len(lines) < 2 or not isinstance(documents[0], dict) or documents[-1] is None:
            raise ReadError(f"{path}: truncated or damaged JSON ({error})") from error
        return documents


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _all_records(path: Path, documents: Iterable[Any]) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, list):
            yield from _all_records(path, (page for page in document if _is_page(page)))
            yield from (record for record in document if not _is_page(record))
        elif isinstance(document, dict):
            yield from _records(path, document)
        elif document is None:
            yield None
        else:
            raise ReadError(f"{path}: the JSON holds no list of records")


def _is_page(record: Any) -> bool:
    return isinstance(record, dict) and record.get("type") == "FeatureCollection"


def _records(path: Path, document: dict[str, Any]) -> list[Any]:
    """Records of an object: features, the list it holds with the plain values beside it, or the object itself."""
    if _is_page(document):
        features = document.get("features")
        if not isinstance(features, list):
            raise ReadError(f"{path}: the feature collection has no list of features")
        return features
    if document.get("type") == "Feature":
        return [document]
    lists = {name: value for name, value in document.items() if name != "links" and _holds_records(value)}
    if lists:
        shared = {name: value for name, value in document.items() if not _holds_records(value)}
        records = next(iter(lists.values()))
        return [{**shared, **record} if isinstance(record, dict) else record for record in records]
    if any(document.get(name) == [] for name in _ANSWERS):
        return []
    inner = document.get("data") if len(document) > 1 else next(iter(document.values()), None)
    return _records(path, inner) if isinstance(inner, dict) else [document]


def _holds_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _spread(record: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _spread(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _feature_cells(feature: dict[str, Any]) -> dict[str, Any]:
    import shapely
    from shapely.geometry import shape

    cells = {name: feature[name] for name in ("id", "collection") if isinstance(feature.get(name), (str, int))}
    cells.update(_spread(_described(feature.get("properties") or {}), ""))
    if feature.get("geometry"):
        try:
            geometry = shape(feature["geometry"])
        except shapely.errors.ShapelyError as error:
            raise DarkvoyageError("not a geometry") from error
        cells["geometry"] = geometry.wkt
        west, south, east, north = geometry.bounds or (0.0, 0.0, 360.0, 180.0)
        if max(east - west, north - south) <= MAX_OUTLINE_DEG:
            cells.setdefault("lon", geometry.x if geometry.geom_type == "Point" else (west + east) / 2)
            cells.setdefault("lat", geometry.y if geometry.geom_type == "Point" else (south + north) / 2)
    return cells


def _described(properties: dict[str, Any]) -> dict[str, Any]:
    """Replace a description that is a table of names and values by what it says."""
    description = properties.get("description")
    if not isinstance(description, str) or "<table" not in description.lower():
        return properties
    table = _HtmlTable()
    table.feed(description)
    said = {row[0].strip(): row[1].strip() for row in table.rows if len(row) == 2}
    said.pop("Property", None)  # the heading of the table
    return {name: value for name, value in properties.items() if name != "description"} | said


class _HtmlTable(HTMLParser):
    """Texts of the cells of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr" or not self.rows:
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data
