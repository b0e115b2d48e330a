"""Scenes from files: our own tables, and STAC items from any catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from darkvoyage.errors import ReadError
from darkvoyage.io.intake import Intake, match_words
from darkvoyage.io.tabular import Dialect, pick_dialect, read_text_table
from darkvoyage.schema.tables import TABLES

__all__ = ["SENSOR_WORDS", "read_scenes"]

SENSOR_WORDS = {
    r"\bsar\b|radar|sentinel.?1|\bs1[abcd]?(?:\b|_)|\brs2(?:\b|_)|rcm|iceye|capella|umbra|cosmo|terrasar|tandem|palsar"
    r"|saocom|novasar|\bksat\b": "sar",
    r"optic|\beo\b|\bmsi\b|\boli|sentinel.?2|\bs2[abc]?(?:\b|_)|landsat|planet|\bps[bd0-9]|skysat|worldview|geoeye|maxar"
    r"|pleiades|\bspot\b|airbus|jilin|gaofen|superview|kompsat|satellogic|viirs|electro": "optical",
    r"\brf\b|radio|hawkeye|unseenlabs|kleos|elint": "rf",
    r"visual|person|photo|aerial|human|eyewitness|drone": "visual",
}
"""Pattern in a sensor's, satellite's or product's name -> our kind of sensor."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "scene_id": ("id",),
    "timestamp": ("datetime", "acquired", "acquisition_datetime", "scene_start_utc", "time_utc"),
    "footprint": ("footprint_wkt", "geometry", "wkt"),
    "sensor": (),
    "clear_fraction": (),
    "cloud_pct": ("eo_cloud_cover", "cloud_cover", "cloud_percent"),
    "gsd_m": ("gsd", "eo_gsd"),
    "source": ("collection", "provider", "constellation", "platform"),
}
_DIALECTS = (
    Dialect("stac", ("id", "datetime", "geometry"), _COLUMNS, {}, True),
    Dialect("scene_times", ("scene_id", "scene_start_utc", "footprint_wkt"), _COLUMNS, {}, True),
    Dialect("analyst", ("scene_id", "time_utc", "footprint"), _COLUMNS, {}, True),
    Dialect("features", ("scene_id", "timestamp", "geometry"), _COLUMNS),
    Dialect("darkvoyage", ("scene_id", "timestamp", "footprint"), _COLUMNS),
)


def read_scenes(path: str | Path) -> pd.DataFrame:
    """Read scenes: which water was looked at, when, by what, and how much of it was clear.

    Parameters
    ----------
    path : str or Path
        Our own table (Parquet, CSV, .xlsx; `footprint` as WKT, WGS 84), or GeoJSON with STAC items (`datetime`,
        `geometry`, `eo:cloud_cover`, `platform`, `instruments`, `gsd`).

    Returns
    -------
    DataFrame
        SCENES. `clear_fraction` is 1 - cloud cover / 100 where only the cloud cover is known, and null where that is
        not known either. Scenes whose sensor nothing tells are counted as `no_sensor`.
        `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged, a footprint is not a polygon in degrees, or one scene_id stands for two different scenes.
    DialectError
        The columns are those of no known source.
    SchemaError
        Times without a zone in a source that does not define them as UTC.
    """
    raw = read_text_table(path)
    dialect = pick_dialect(raw, _DIALECTS, "scenes")
    intake = Intake(raw, dialect)
    if dialect.name == "stac":  # an item over a span has a null datetime
        intake.frame["timestamp"] = intake.text("timestamp").fillna(intake.text("start_datetime"))
    intake.drop(intake.text("scene_id").isna(), "no_scene_id")
    intake.require_time()
    intake.drop(intake.frame["footprint"].isna(), "no_footprint")
    _footprints(intake)
    _sensors(intake)
    _clear(intake)
    intake.number("gsd_m", low=0.0)
    intake.drop_duplicates()
    ids = intake.text("scene_id")
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise ReadError(f"{raw.path}: scene_id {twice!r} stands for different scenes")
    return intake.deliver(TABLES["SCENES"])


def _footprints(intake: Intake) -> None:
    given = intake.frame["footprint"]
    cells = given.to_numpy(dtype=object)
    stored_as_bytes = len(cells) > 0 and isinstance(cells[0], bytes)
    read = shapely.from_wkb if stored_as_bytes else shapely.from_wkt
    shapes = np.asarray(read(cells, on_invalid="ignore"), dtype=object)
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    polygon = np.isin(shapely.get_type_id(shapes), [3, 6]) & ~shapely.is_empty(shapes)
    west, south, east, north = shapely.bounds(shapes).T
    in_degrees = polygon & (west >= -360) & (east <= 360) & (south >= -90) & (north <= 90)
    if not in_degrees.all():
        row = given.index[~in_degrees][0]
        cause = "lies outside of the degrees of WGS 84" if polygon[~in_degrees][0] else "is not a polygon in WKT"
        raise ReadError(f"{intake.raw.path}: row {row}: the footprint {cause}: {str(given[row])[:60]!r}")
    intake.repair(pd.Series(broken, given.index), "footprint_made_valid")
    exact = shapely.to_wkt(shapes, rounding_precision=-1)
    keep = np.asarray(broken | stored_as_bytes)
    intake.frame = intake.frame.assign(footprint=pd.Series(np.where(keep, exact, cells), given.index, dtype="str"))


def _sensors(intake: Intake) -> None:
    given = intake.text("sensor")
    sensor = match_words(given, SENSOR_WORDS)
    for name in ("instruments", "platform", "constellation", "source", "collection", "scene_id"):
        sensor = sensor.fillna(match_words(intake.text(name), SENSOR_WORDS))
    radar = intake.text("sar:instrument_mode").notna() | intake.text("sar:polarizations").notna()
    intake.frame = intake.frame.assign(sensor=sensor.where(~(sensor.isna() & radar), "sar"))
    intake.drop(intake.frame["sensor"].isna(), "no_sensor", given.fillna(intake.text("scene_id")))


def _clear(intake: Intake) -> None:
    intake.number("clear_fraction", low=0.0, high=1.0)
    intake.number("cloud_pct", low=0.0, high=100.0)
    if "cloud_pct" in intake:
        clear = 1.0 - intake.frame["cloud_pct"] / 100.0
        given = intake.frame["clear_fraction"] if "clear_fraction" in intake else clear
        intake.frame = intake.frame.assign(clear_fraction=given.fillna(clear))
