"""Scenes from files: our own tables, STAC items from any catalogue, vendors' footprints, the analyst's looks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from darkvoyage.errors import ReadError
from darkvoyage.io.intake import Intake, match_words
from darkvoyage.io.looks import gather_looks, place_looks
from darkvoyage.io.scene_dialects import ANGLES, ONE_ROW_A_SIGHTING, ORBIT_WORDS, SCENE_DIALECTS, SENSOR_WORDS
from darkvoyage.io.tabular import apply_column_map, pick_dialect, read_text_table
from darkvoyage.schema.tables import TABLES

__all__ = ["read_scenes"]

_SCENES = TABLES["SCENES"]
_PAIR = r"\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\]"  # of longitude and latitude
_MAPPABLE = ("scene_id", "timestamp", "footprint")


def read_scenes(path: str | Path, *, ports: Any = None, column_map: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read scenes: which water was looked at, when, by what, and how much of it was clear.

    Parameters
    ----------
    path : str or Path
        Our own table (Parquet, CSV, .xlsx; `footprint` as WKT, WGS 84); STAC items as GeoJSON, one alone, pages, one a
        line, or stac-geoparquet; detections that carry the footprint of their scene; KSAT's GeoJSON and Skylight's
        VIIRS answers; the analyst's spreadsheet. FORMATS.md lists them.
    ports : table, optional
        PORTS, for the spreadsheet: its `berth_id` are their `port_id`.
    column_map : mapping of our column to the file's, optional
        For files of no known source: `scene_id`, `timestamp`, `footprint`.

    Returns
    -------
    DataFrame
        SCENES. `clear_fraction` is 1 - cloud cover / 100 where only the cloud cover is known, and null where that is
        not known either. Scenes whose sensor nothing tells are counted as `no_sensor`. Footprints lie within 180
        degrees east and west: those over the antimeridian become two parts, as in RFC 7946. What the source says of
        the view is kept under names of ours: `timestamp_end`, `platform`, `orbit_state`, `incidence_deg`,
        `look_azimuth_deg` and more. `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged, a footprint is not a polygon in degrees, or one scene_id stands for two different scenes.
    DialectError
        The columns are those of no known source, or `column_map` names one that the file lacks.
    SchemaError
        Times without a zone in a source that does not define them as UTC.

    Notes
    -----
    Of the analyst's spreadsheet each row with "no ship", and each ship with a `scene_id`, vouches for its place only:
    the given `footprint`, else the extent of its berth in `ports`, else a circle of `LOOK_RADIUS_NM` about its
    position. Rows of one `scene_id` are one scene.
    """
    raw = apply_column_map(read_text_table(path), column_map)
    dialect = pick_dialect(raw, SCENE_DIALECTS, "scenes", mappable=_MAPPABLE)
    intake = Intake(raw, dialect)
    if dialect.name == "stac":  # an item over a span has a null datetime
        intake.frame["timestamp"] = intake.text("timestamp").fillna(intake.text("start_datetime"))
    if dialect.name == "ksat_product":  # the product lies among its detections
        intake.drop(intake.text("timestamp").isna(), "not_a_scene", intake.text("scene_id"))
        intake.drop_empty_columns(("scene_id", "timestamp", "footprint"))
    if dialect.name == "analyst":
        place_looks(intake, ports)
    if dialect.name in ONE_ROW_A_SIGHTING:
        _scene_columns_only(intake)
    intake.drop(intake.text("scene_id").isna(), "no_scene_id")
    intake.require_time()
    if "timestamp_end" in intake:
        intake.time("timestamp_end")
    if dialect.name in ONE_ROW_A_SIGHTING:
        _first_of_scene(intake)
    if "footprint" not in intake:  # a catalogue's answer without items
        intake.frame = intake.frame.assign(footprint=intake.text("footprint"))
    intake.drop(intake.frame["footprint"].isna(), "no_footprint")
    _footprints(intake)
    _sensors(intake)
    if dialect.name == "analyst":
        gather_looks(intake)
    _clear(intake)
    if "orbit_state" in intake:
        intake.frame["orbit_state"] = match_words(intake.text("orbit_state"), ORBIT_WORDS)
    for name in ("gsd_m", *ANGLES):
        intake.number(name, low=0.0)
    intake.drop_duplicates()
    ids = intake.text("scene_id")
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise ReadError(f"{raw.path}: scene_id {twice!r} stands for different scenes")
    return intake.deliver(_SCENES)


def _scene_columns_only(intake: Intake) -> None:
    """Leave out what the rows say of their detections."""
    names = [name for name in intake.dialect.columns if name in intake]
    frame = intake.frame[names]
    if intake.dialect.name == "skylight_viirs":
        pairs = intake.text("footprint").str.replace(_PAIR, r"\1 \2", regex=True)
        frame = frame.assign(footprint="POLYGON ((" + pairs.str.strip("[] ") + "))")
    intake.frame = frame


def _first_of_scene(intake: Intake) -> None:
    first = intake.frame.groupby("scene_id")["timestamp"].transform("min")
    intake.frame = intake.frame.assign(timestamp=first)
    intake.drop(intake.frame.duplicated(), "same_scene")


def _footprints(intake: Intake) -> None:
    given = intake.frame["footprint"]
    cells = given.to_numpy(dtype=object)
    stored_as_bytes = len(cells) > 0 and isinstance(cells[0], bytes)
    read = shapely.from_wkb if stored_as_bytes else shapely.from_wkt
    shapes = np.asarray(read(cells, on_invalid="ignore"), dtype=object)
    across = _beyond_antimeridian(shapes)
    shapes[across] = [_split(shape) for shape in shapes[across]]
    raised = shapely.has_z(shapes)
    shapes[raised] = shapely.force_2d(shapes[raised])
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    polygon = np.isin(shapely.get_type_id(shapes), [3, 6]) & ~shapely.is_empty(shapes)
    west, south, east, north = shapely.bounds(shapes).T
    in_degrees = polygon & (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    if not in_degrees.all():
        row = given.index[~in_degrees][0]
        cause = "lies outside of the degrees of WGS 84" if polygon[~in_degrees][0] else "is not a polygon in WKT"
        raise ReadError(f"{intake.raw.path}: row {row}: the footprint {cause}: {str(given[row])[:60]!r}")
    intake.repair(pd.Series(broken, given.index), "footprint_made_valid")
    intake.repair(pd.Series(across, given.index), "footprint_split_at_antimeridian")
    exact = shapely.to_wkt(shapes, rounding_precision=-1)
    keep = np.asarray(broken | across | raised | stored_as_bytes)
    intake.frame = intake.frame.assign(footprint=pd.Series(np.where(keep, exact, cells), given.index, dtype="str"))


def _beyond_antimeridian(shapes: np.ndarray) -> np.ndarray:
    """Whether some part of a shape lies beyond 180 degrees, or reaches over more than half of the globe, shape (n,)."""
    polygon = np.flatnonzero(np.isin(shapely.get_type_id(shapes), [3, 6]))
    parts, of = shapely.get_parts(shapes[polygon], return_index=True)
    west, south, east, north = shapely.bounds(parts).T
    # More than a turn away are no degrees at all.
    over = (east - west > 180.0) | (west < -180.0) | (east > 180.0)
    over &= (west >= -360.0) & (east <= 360.0) & (south >= -90.0) & (north <= 90.0)
    out = np.zeros(len(shapes), dtype=bool)
    out[polygon[of[over]]] = True
    return out


def _split(shape: Any) -> Any:
    from antimeridian import fix_multi_polygon

    # Edges of GeoJSON are straight in degrees; catalogues wind their rings either way.
    whole = shapely.MultiPolygon(shapely.get_parts(shape).tolist())
    return fix_multi_polygon(whole, fix_winding=True, great_circle=False)


def _sensors(intake: Intake) -> None:
    given = intake.text("sensor")
    sensor = match_words(given, SENSOR_WORDS)
    for name in ("instruments", "platform", "constellation", "source", "collection", "scene_id"):
        sensor = sensor.fillna(match_words(intake.text(name), SENSOR_WORDS))
    radar = intake.text("instrument_mode").notna() | intake.text("polarizations").notna()
    source = intake.text("source").fillna(intake.text("platform"))
    intake.frame = intake.frame.assign(sensor=sensor.where(~(sensor.isna() & radar), "sar"), source=source)
    intake.drop(intake.frame["sensor"].isna(), "no_sensor", given.fillna(intake.text("scene_id")))


def _clear(intake: Intake) -> None:
    intake.number("clear_fraction", low=0.0, high=1.0)
    intake.number("cloud_pct", low=0.0, high=100.0)
    if "cloud_pct" in intake:
        clear = 1.0 - intake.frame["cloud_pct"] / 100.0
        given = intake.frame["clear_fraction"] if "clear_fraction" in intake else clear
        intake.frame = intake.frame.assign(clear_fraction=given.fillna(clear))
