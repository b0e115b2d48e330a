"""Sightings from files: our own tables, the analyst's spreadsheet, and what public detectors write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import ReadError, SchemaError
from darkvoyage.io.intake import Intake, match_words, parse_numbers
from darkvoyage.io.looks import empty_looks
from darkvoyage.io.scene_dialects import SENSOR_WORDS
from darkvoyage.io.sighting_dialects import (
    CONFIDENCE_WORDS,
    IMAGERY_EVENTS,
    NUMBERS_ALONG,
    SIGHTING_DIALECTS,
    TEMPLATE,
    UNTIMED,
    VIIRS_FLAGS,
    VIIRS_POSITION_ERR_M,
)
from darkvoyage.io.tabular import Dialect, apply_column_map, pick_dialect, read_text_table
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import TABLES, TableSpec

__all__ = ["read_sightings", "sightings_template"]

_SIGHTINGS = TABLES["SIGHTINGS"]
_MAPPABLE = ("timestamp", "lat", "lon")
_MAPPED = Dialect("column_map", _MAPPABLE, SIGHTING_DIALECTS[-1].columns)
_SCENE_TIMES = TableSpec(
    "SCENES", tuple(column for column in TABLES["SCENES"].columns if column.name in ("scene_id", "timestamp")), ()
)
_SCENE_TIME = r"_(\d{8}T\d{6})(?:_|$)"
_BUCKETS = [f"heading_bucket_{number}" for number in range(16)]


def read_sightings(
    path: str | Path, *, scenes: Any = None, column_map: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read sightings.

    Known by their columns: our own table, the analyst's spreadsheet (`sightings_template`), Global Fishing Watch's
    radar detections and tables of matches, xView3 labels, KSAT's reports, Skylight's detectors and events, VIIRS boat
    detections, lists of objects with `acquisition_datetime`, and GeoJSON points with a time; as Parquet, CSV, .xlsx or
    (Geo)JSON. FORMATS.md lists them.

    Parameters
    ----------
    path : str or Path
    scenes : table, optional
        `scene_id` and `timestamp` of the images, for tables that hold no times (xView3).
    column_map : mapping of our column to the file's, optional
        For files of no known source: at least `timestamp`, `lat` and `lon`.

    Returns
    -------
    DataFrame
        SIGHTINGS. Words of confidence become probabilities (`CONFIDENCE_WORDS`), quality flags of VIIRS too
        (`VIIRS_FLAGS`), names of satellites the kind of sensor, "unsure" a null load state, the most probable of
        Skylight's sixteen directions the heading. Columns that are not ours are kept. A source without ids gets
        `scene_id;lon;lat`, as Global Fishing Watch builds them. Rows that say "berth seen, no ship" are counted as
        `negative_row`: `read_scenes` makes SCENES of them. `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged, or one sighting_id stands for two different sightings.
    DialectError
        The columns are those of no known source, or `column_map` names one that the file lacks.
    SchemaError
        Times without a zone in a source that does not define them as UTC; no `scenes` for a source without times.

    Notes
    -----
    A detection that carries the start of its scene as time (KSAT, Skylight) may be up to the scene's length late or
    early, 25 s for Sentinel-1 and 75 s for a wide RADARSAT-2 scene. `candidate_imo` is an analyst's question, not an
    identity, and stays a column of its own.
    """
    raw = apply_column_map(read_text_table(path), column_map)
    dialects = (*SIGHTING_DIALECTS[:-1], _MAPPED, SIGHTING_DIALECTS[-1]) if column_map else SIGHTING_DIALECTS
    dialect = pick_dialect(raw, dialects, "sightings", mappable=_MAPPABLE)
    percent = dialect.name == "ksat" or ("confidence_pct" in raw.frame and "confidence" not in raw.frame)
    intake = Intake(raw, dialect)
    _what_it_is(intake)
    _positions(intake)
    _times(intake, scenes)
    intake.require_time()
    intake.drop_duplicates()
    _identify(intake)
    _describe(intake, percent=percent)
    return intake.deliver(_SIGHTINGS)


def sightings_template() -> pd.DataFrame:
    """Return the analyst's spreadsheet without rows, to be written to a file and filled in.

    Returns
    -------
    DataFrame
        Columns as `read_sightings` and `read_scenes` know them; FORMATS.md says what goes into each.
    """
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, (kind, _) in TEMPLATE.items()})


def _what_it_is(intake: Intake) -> None:
    """Leave out what its source says is no vessel."""
    if intake.dialect.name == "xview3":
        fishing = intake.text("is_fishing").str.lower() == "true"
        shore = parse_numbers(intake.text("distance_from_shore_km"))
        intake.frame = intake.frame.assign(
            vessel_class=pd.Series("fishing", intake.frame.index, dtype="str").where(fishing),
            distance_from_shore_km=shore.where(shore < 9999.0),  # 9999.99 is "not known"
        )
        intake.drop(intake.text("is_vessel").str.lower() == "false", "not_a_vessel")
    if intake.dialect.name == "viirs_vbd" and "qf_detect" in intake:
        flag = parse_numbers(intake.text("qf_detect"))
        intake.frame = intake.frame.assign(confidence=flag.map(VIIRS_FLAGS).astype("str"))
        intake.drop(flag.notna() & ~flag.isin(list(VIIRS_FLAGS)), "not_a_vessel", intake.text("qf_detect"))
    if intake.dialect.name == "skylight_events":
        kind = intake.text("sensor")
        coarse = pd.Series(float(VIIRS_POSITION_ERR_M), kind.index).where(kind == "viirs")
        intake.frame = intake.frame.assign(position_err_m=coarse)
        intake.drop(~kind.isin(IMAGERY_EVENTS), "not_a_detection", kind)


def _times(intake: Intake, scenes: Any) -> None:
    if intake.dialect.name == "skylight":
        intake.frame = intake.frame.assign(timestamp=intake.text("scene_id").str.extract(_SCENE_TIME)[0])
    if intake.dialect.name not in UNTIMED:
        return
    if scenes is None:
        raise SchemaError(
            f"{intake.raw.path}: labels of {intake.dialect.name} hold no times; give those of the images: "
            "read_sightings(path, scenes=table), a table with scene_id and timestamp"
        )
    times = conform(scenes, _SCENE_TIMES).drop_duplicates("scene_id").set_index("scene_id")["timestamp"]
    scene = intake.text("scene_id")
    intake.frame = intake.frame.assign(timestamp=scene.map(times))
    intake.drop(intake.frame["timestamp"].isna(), "no_scene_time", scene)


def _positions(intake: Intake) -> None:
    text = intake.text("lat") + ";" + intake.text("lon")
    blank = intake.text("lat").isna() & intake.text("lon").isna()
    empty = empty_looks(intake)
    for name, most in (("lat", 90.0), ("lon", 180.0)):
        given = intake.text(name) if name not in intake else intake.frame[name]
        values = parse_numbers(given, decimal_comma=intake.raw.decimal_comma)
        intake.frame = intake.frame.assign(**{name: values})
        intake.drop(given.notna() & values.isna(), "bad_position", text)
        intake.drop(values.abs() > most, "out_of_range", text)
    # "Berth seen, no ship" is a look, whatever else the row holds or lacks.
    intake.drop(empty, "negative_row")
    _drop_footprints(intake, blank)
    intake.drop(intake.frame["lat"].isna() | intake.frame["lon"].isna(), "no_position")


def _drop_footprints(intake: Intake, blank: pd.Series) -> None:
    """Leave out the features of other kinds among the points, and the columns that only they have."""
    shape = intake.text("geometry")
    other = blank.reindex(shape.index) & shape.notna()
    if other.any():
        intake.drop(other, "not_a_point", shape.str[:60])
        intake.drop_empty_columns(("lat", "lon"))


def _identify(intake: Intake) -> None:
    frame = intake.frame
    place = frame["lon"].astype("str") + ";" + frame["lat"].astype("str")
    where = intake.text("scene_id").fillna(frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").astype("str"))
    made = where + ";" + place
    given = intake.text("sighting_id")
    intake.frame = frame.assign(sighting_id=given.fillna(made))
    # Two cuts of one month overlap, and may differ in a score.
    intake.drop(given.isna() & intake.frame["sighting_id"].duplicated(), "duplicate")
    ids = intake.text("sighting_id")
    twice = ids[ids.duplicated(keep=False)]
    if len(twice):
        rows = ", ".join(str(row) for row in twice.index[twice == twice.iloc[0]][:3])
        raise ReadError(
            f"{intake.raw.path}: sighting_id {twice.iloc[0]!r} stands for different sightings (rows {rows})"
        )


def _describe(intake: Intake, *, percent: bool) -> None:
    for name in ("length_m", "beam_m"):
        intake.number(name, low=0.5, high=1000.0, unknown=0.0)
    for name in ("length_err_m", "position_err_m"):
        intake.number(name, low=0.0)
    intake.number("heading", low=0.0, high=360.0)
    for name in NUMBERS_ALONG:
        intake.number(name)
    intake.whole("mmsi", high=999_999_999)
    intake.whole("imo", high=9_999_999)
    _heading(intake)
    _confidence(intake, percent=percent)
    _sensor(intake)
    states = intake.text("load_state").str.lower()
    intake.frame["load_state"] = match_words(states, {"^laden": "laden", "^loaded": "laden", "^ballast": "ballast"})
    unsure = states.isin(["unsure", "unknown", "partial", "part laden"])
    intake.repair(states.notna() & ~unsure & intake.frame["load_state"].isna(), "unknown_load_state", states)


def _heading(intake: Intake) -> None:
    """Middle of the most probable of sixteen directions; bucket 0 is 0 to 22.5 degrees, clockwise from true north."""
    if "heading" in intake or any(name not in intake for name in _BUCKETS):
        return
    chances = intake.frame[_BUCKETS].to_numpy(dtype="float64")
    known = np.isfinite(chances).all(axis=1) & (chances.max(axis=1, initial=0.0) > 0.0)
    heading = np.where(known, (np.where(known[:, None], chances, 0.0).argmax(axis=1) + 0.5) * 22.5, np.nan)
    intake.frame = intake.frame.assign(heading=heading)
    intake.repair(pd.Series(known, intake.frame.index), "heading_from_bucket")


def _confidence(intake: Intake, *, percent: bool) -> None:
    text = intake.text("confidence")
    words = text.str.lower().str.replace(r"[_\s]+", " ", regex=True).map(CONFIDENCE_WORDS).astype("float64")
    values = parse_numbers(text, decimal_comma=intake.raw.decimal_comma) / (100.0 if percent else 1.0)
    values = values.where((values >= 0.0) & (values <= 1.0))
    intake.frame["confidence"] = words.fillna(values)
    intake.repair(text.notna() & intake.frame["confidence"].isna(), "bad_confidence", text)
    intake.repair(words.notna(), "confidence_word")


def _sensor(intake: Intake) -> None:
    given = intake.text("sensor")
    # A radar scene tells what it is by its name, where nobody wrote down the sensor.
    sensor = match_words(given, SENSOR_WORDS).fillna(match_words(intake.text("scene_id"), SENSOR_WORDS))
    intake.frame["sensor"] = sensor
    intake.repair(given.notna() & sensor.isna(), "unknown_sensor", given)
