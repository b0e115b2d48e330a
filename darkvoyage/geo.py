"""Our tables as GeoPandas and movingpandas objects."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from darkvoyage.errors import DarkvoyageError, SchemaError
from darkvoyage.kernels.sphere import wrap_lon
from darkvoyage.schema.conform import as_frame, conform
from darkvoyage.schema.tables import TABLES, TableSpec

if TYPE_CHECKING:
    import geopandas
    import movingpandas

__all__ = ["geometries", "to_geo", "to_trajectories"]

_ANY = TableSpec("table", (), ())


def to_geo(table: Any) -> geopandas.GeoDataFrame:
    """Return a table with its geometry, in WGS 84.

    Parameters
    ----------
    table : DataFrame or Arrow stream
        Recognised by its columns: GAPS become lines from start to end, cut at the antimeridian, and points while they
        are open; SCENES their footprints; PORTS their polygons where given, else points; whatever else has `lat` and
        `lon` (FIXES, SIGHTINGS, encounters, ...) points.

    Returns
    -------
    geopandas.GeoDataFrame
        The table's columns and rows in their order, with `geometry` (EPSG:4326), null where a position is unknown.

    Raises
    ------
    SchemaError
        The table has no positions, or a `geometry` or `footprint` is not WKT.

    Notes
    -----
    The line of a gap joins what is known at its two ends; it is not the way the ship went.
    """
    frame = as_frame(table, _ANY)
    shapes = geometries(frame)
    try:
        import geopandas
    except ImportError as error:
        raise DarkvoyageError("to_geo needs geopandas: pip install geopandas") from error
    columns = frame.drop(columns="geometry", errors="ignore")
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


def geometries(frame: pd.DataFrame) -> np.ndarray:
    """Return the shape of each row (see `to_geo`), None where unknown, shape (n,) of shapely geometries."""
    names = set(frame.columns)
    if {"start_lat", "start_lon", "end_lat", "end_lon"} <= names:
        return _lines(frame)
    if "footprint" in names and "lat" not in names:
        return _polygons(frame["footprint"], "footprint")
    if {"lat", "lon"} <= names:
        shapes = _points(_degrees(frame, "lat"), _degrees(frame, "lon"))
        if "geometry" not in names:
            return shapes
        drawn = _polygons(frame["geometry"], "geometry")
        return np.where(shapely.is_missing(drawn), shapes, drawn)
    found = ", ".join(map(str, frame.columns)) or "none"
    raise SchemaError(
        "table: no positions; expected lat and lon, start_lat to end_lon, or footprint; found columns: " + found
    )


def to_trajectories(fixes: Any) -> movingpandas.TrajectoryCollection:
    """Return the usable fixes as movingpandas trajectories, one per track.

    Parameters
    ----------
    fixes : DataFrame or Arrow stream
        FIXES, cleaned (then rows with a `flag` are left out and tracks are told apart by `track_id`) or raw (then by
        `mmsi`).

    Returns
    -------
    movingpandas.TrajectoryCollection
        In EPSG:4326, with the columns of `fixes`. movingpandas knows no time zones: its times are UTC without saying
        so. Tracks of a single fix are no trajectories to it and are left out; of fixes of one track and time one is
        kept.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    """
    frame = conform(fixes, TABLES["FIXES"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on import it names an optional package of its smoother
            import movingpandas
    except ImportError as error:
        raise DarkvoyageError("to_trajectories needs movingpandas: pip install movingpandas") from error
    usable = frame["lat"].notna() & frame["lon"].notna()
    usable &= (frame["lat"].abs() <= 90) & (frame["lon"].abs() <= 180)
    if "flag" in frame:
        usable &= frame["flag"].isna()
    track = "track_id" if "track_id" in frame and frame["track_id"].notna().any() else "mmsi"
    kept = to_geo(frame[usable & frame[track].notna()])
    kept["timestamp"] = kept["timestamp"].dt.tz_localize(None)
    kept = kept.sort_values([track, "timestamp", "lat", "lon"]).drop_duplicates([track, "timestamp"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its deprecations are its own concern
        return movingpandas.TrajectoryCollection(kept, traj_id_col=track, t="timestamp")


def _degrees(frame: pd.DataFrame, name: str) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(frame[name].dtype):
        if frame[name].isna().all():
            return np.full(len(frame), np.nan)
        raise SchemaError(f"table: column {name!r} has type {frame[name].dtype}, expected degrees (float64)")
    return frame[name].to_numpy(dtype="float64", na_value=np.nan)


def _points(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    shapes = np.full(len(lat), None, dtype=object)
    known = np.isfinite(lat) & np.isfinite(lon)
    shapes[known] = shapely.points(lon[known], lat[known])
    return shapes


def _lines(frame: pd.DataFrame) -> np.ndarray:
    lat1, lon1, lat2, lon2 = (_degrees(frame, name) for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    first, last = _points(lat1, lon1), _points(lat2, lon2)
    shapes = np.where(shapely.is_missing(first), last, first)  # one end alone is a point
    both = ~shapely.is_missing(first) & ~shapely.is_missing(last)
    # To wrap is to round: only what needs it.
    west, east = (np.where((lon >= -180) & (lon < 180), lon, wrap_lon(lon)) for lon in (lon1, lon2))
    crossing = both & (np.abs(east - west) > 180.0)
    plain = both & ~crossing
    shapes[plain] = shapely.linestrings(
        np.stack([west[plain], lat1[plain], east[plain], lat2[plain]], -1).reshape(-1, 2, 2)
    )
    shapes[crossing] = _cut(lat1[crossing], west[crossing], lat2[crossing], east[crossing])
    return shapes


def _cut(lat1: np.ndarray, lon1: np.ndarray, lat2: np.ndarray, lon2: np.ndarray) -> np.ndarray:
    """Two lines each, up to the antimeridian and on from it."""
    edge = np.where(lon1 > 0, 180.0, -180.0)
    share = (edge - lon1) / (lon2 + 2 * edge - lon1)
    lat = lat1 + share * (lat2 - lat1)
    before = shapely.linestrings(np.stack([lon1, lat1, edge, lat], -1).reshape(-1, 2, 2))
    after = shapely.linestrings(np.stack([-edge, lat, lon2, lat2], -1).reshape(-1, 2, 2))
    return shapely.multilinestrings(np.stack([before, after], -1))


def _polygons(column: pd.Series, name: str) -> np.ndarray:
    cells = column.to_numpy(dtype=object, copy=True)
    cells[column.isna().to_numpy()] = None
    if shapely.is_geometry(cells).any():
        return cells
    shapes = shapely.from_wkt(cells, on_invalid="ignore")
    wrong = shapely.is_missing(shapes) & ~pd.isna(cells)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise SchemaError(f"table: column {name!r}, expected WKT; first bad row {row}: {str(cells[row])[:60]!r}")
    return shapes
