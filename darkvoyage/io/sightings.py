"""Sightings from files: our own tables, the analyst's spreadsheet, and what public detectors write."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from darkvoyage.errors import ReadError
from darkvoyage.io.intake import Intake, match_words, parse_numbers
from darkvoyage.io.scenes import SENSOR_WORDS
from darkvoyage.io.tabular import Dialect, pick_dialect, read_text_table
from darkvoyage.schema.tables import TABLES

__all__ = ["CONFIDENCE_WORDS", "read_sightings"]

CONFIDENCE_WORDS = {
    "possible": 0.5, "low": 0.5, "likely": 0.75, "medium": 0.75, "highly likely": 0.9, "confirmed": 0.95, "high": 0.95,
}  # fmt: skip
"""Probability that stands for a word. The order follows the usage of the published case work (possible, likely, highly
likely, confirmed by two sources); the numbers are our convention, so give numbers where you have them."""

_COMMON: dict[str, tuple[str, ...]] = {
    "sighting_id": ("detect_id", "detection_id", "object_id", "id", "id_key"),
    "timestamp": ("detect_timestamp", "acquisition_datetime", "acquisition_time", "datetime"),
    "lat": ("latitude", "detect_lat", "latitude_dd", "lat_dnb"),
    "lon": ("longitude", "detect_lon", "longitude_dd", "lon_dnb"),
    "scene_id": ("product_id", "scene"),
    "sensor": (),
    "length_m": ("vessel_length_m", "length", "estimated_length"),
    "length_err_m": ("length_error_m",),
    "beam_m": ("vessel_width_m", "beam", "width_m"),
    "heading": ("heading_deg",),
    "confidence": ("detection_confidence", "presence_score", "presence", "score", "confidence_pct", "probability"),
    "position_err_m": ("pos_error_m", "position_error_m"),
    "load_state": (),
    "vessel_class": (),
    "mmsi": ("ssvid",),
    "imo": (),
    "source": ("provider",),
}
_ALONG = ("time_uncertainty_min", "gsd_m", "cloud_pct", "sun_elev_deg", "off_nadir_deg", "beam_err_m", "freeboard_m")


def _at(time: str) -> dict[str, tuple[str, ...]]:
    return _COMMON | {"timestamp": (time,)}


# The most telling marks first.
_DIALECTS = (
    Dialect("analyst", ("sighting_id", "time_utc", "lat", "lon"), _at("time_utc"), times_are_utc=True),
    Dialect(
        "gfw_sar",
        ("scene_id", "timestamp", "lat", "lon", "presence_score"),
        _COMMON,
        {"sensor": "sar"},
        times_are_utc=True,
    ),
    Dialect("gfw_detections", ("detect_lat", "detect_lon", "detect_timestamp"), _COMMON, times_are_utc=True),
    Dialect(
        "ksat",
        ("detection_id", "product_start_time", "lat", "lon"),
        _at("product_start_time"),
        {"sensor": "sar", "source": "KSAT"},
    ),
    Dialect("scene_times", ("detect_id", "scene_start_utc", "lat", "lon"), _at("scene_start_utc"), times_are_utc=True),
    Dialect(
        "skylight", ("detect_id", "scene_id", "score", "lat", "lon", "vessel_length_m"), _COMMON, times_are_utc=True
    ),
    Dialect(
        "skylight_viirs", ("acquisition_time", "latitude", "longitude", "nanowatts"), _COMMON, {"sensor": "optical"}
    ),
    Dialect(
        "viirs_vbd",
        ("date_mscan", "lat_dnb", "lon_dnb"),
        _at("date_mscan"),
        {"sensor": "optical"},
        times_are_utc=True,
    ),
    Dialect("object_list", ("object_id", "acquisition_datetime", "latitude_dd", "longitude_dd"), _COMMON),
    Dialect("darkvoyage", ("sighting_id", "timestamp", "lat", "lon"), _COMMON),
)
_SCENE_TIME = r"_(\d{8}T\d{6})(?:_|$)"
_AFLOAT = r"berth|anchor|under\s*way|moored|drift|alongside"
_EMPTY = r"no\s+(?:ship|vessel)|empty|nothing|none|absent"


def read_sightings(path: str | Path) -> pd.DataFrame:
    """Read sightings.

    Known by their columns: our own table, the analyst's spreadsheet (`time_utc`), Global Fishing Watch's radar
    detections, KSAT's reports, Skylight's detectors (Sentinel, VIIRS), VIIRS boat detections, and lists of objects with
    `acquisition_datetime`; as Parquet, CSV, .xlsx or (Geo)JSON.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    DataFrame
        SIGHTINGS. Words of confidence become probabilities (`CONFIDENCE_WORDS`), names of satellites the kind of
        sensor, "unsure" a null load state. Columns that are not ours are kept. A source without ids gets
        `scene_id;lon;lat`, as Global Fishing Watch builds them. Rows that say "berth seen, no ship" have no position:
        they are counted as `negative_row` and belong into SCENES. `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged, or one sighting_id stands for two different sightings.
    DialectError
        The columns are those of no known source.
    SchemaError
        Times without a zone in a source that does not define them as UTC.

    Notes
    -----
    A detection that carries the start of its scene as time (KSAT, Skylight) may be up to the scene's length late or
    early, 25 s for Sentinel-1 and 75 s for a wide RADARSAT-2 scene. `candidate_imo` is an analyst's question, not an
    identity, and stays a column of its own.
    """
    raw = read_text_table(path)
    dialect = pick_dialect(raw, _DIALECTS, "sightings")
    percent = dialect.name == "ksat" or ("confidence_pct" in raw.frame and "confidence" not in raw.frame)
    intake = Intake(raw, dialect)
    if dialect.name == "skylight":
        intake.frame["timestamp"] = intake.text("scene_id").str.extract(_SCENE_TIME)[0]
    _positions(intake)
    intake.require_time()
    intake.drop_duplicates()
    _identify(intake)
    _describe(intake, percent=percent)
    return intake.deliver(TABLES["SIGHTINGS"])


def _positions(intake: Intake) -> None:
    state = intake.text("state").fillna("")
    said_empty = state.str.contains(_EMPTY, case=False)
    noted_empty = intake.text("notes").fillna("").str.contains(_EMPTY, case=False)
    berth = intake.text("berth_id").notna() & ~state.str.contains(_AFLOAT, case=False)
    text = intake.text("lat") + ";" + intake.text("lon")
    blank = intake.text("lat").isna() & intake.text("lon").isna()
    for name, most in (("lat", 90.0), ("lon", 180.0)):
        given = intake.frame[name]
        values = parse_numbers(given, decimal_comma=intake.raw.decimal_comma)
        intake.frame[name] = values
        intake.drop(given.notna() & values.isna(), "bad_position", text)
        intake.drop(values.abs() > most, "out_of_range", text)
    # "Berth seen, no ship" is a look, whatever else the row holds or lacks.
    intake.drop(said_empty | (blank & (berth | noted_empty)), "negative_row")
    intake.drop(intake.frame["lat"].isna() | intake.frame["lon"].isna(), "no_position")


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
    for name in _ALONG:
        intake.number(name)
    intake.whole("mmsi", high=999_999_999)
    intake.whole("imo", high=9_999_999)
    _confidence(intake, percent=percent)
    _sensor(intake)
    states = intake.text("load_state").str.lower()
    intake.frame["load_state"] = match_words(states, {"^laden": "laden", "^loaded": "laden", "^ballast": "ballast"})
    unsure = states.isin(["unsure", "unknown", "partial", "part laden"])
    intake.repair(states.notna() & ~unsure & intake.frame["load_state"].isna(), "unknown_load_state", states)


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
