"""What tables of sightings look like, data only: public detectors, vendors, and the analyst's spreadsheet."""

from __future__ import annotations

from darkvoyage.io.tabular import Dialect

__all__ = [
    "CONFIDENCE_WORDS", "IMAGERY_EVENTS", "NUMBERS_ALONG", "SIGHTING_DIALECTS", "TEMPLATE", "UNTIMED", "VIIRS_FLAGS",
    "VIIRS_POSITION_ERR_M",
]  # fmt: skip

CONFIDENCE_WORDS = {
    "possible": 0.5, "low": 0.5, "likely": 0.75, "medium": 0.75, "highly likely": 0.9, "confirmed": 0.95, "high": 0.95,
}  # fmt: skip
"""Probability that stands for a word. The order follows the usage of the published case work (possible, likely, highly
likely, confirmed by two sources); the numbers are our convention, so give numbers where you have them."""

VIIRS_FLAGS = {1: "highly likely", 2: "likely", 3: "likely", 10: "possible"}
"""QF_Detect of the VIIRS boat detections -> word of confidence: passed all tests of Elvidge et al. 2015
(doi 10.3390/rs70303020), failed one (2 weak, 3 blurry), failed both (10). The flags that Global Fishing Watch's noise
filter keeps; the others are gas flares (4), platforms (11), recurring lights (8), particles, glint, glow, crosstalk."""

VIIRS_POSITION_ERR_M = 214
"""Deviation per axis of a position that is the centre of a pixel of the day-night band: 742 m / sqrt(12) [m]."""

IMAGERY_EVENTS = ("viirs", "sar_sentinel1", "eo_sentinel2", "eo_landsat_8_9")
"""Types of Skylight events that are sightings; the others are tracks and meetings."""

NUMBERS_ALONG = (
    "time_uncertainty_min", "gsd_m", "cloud_pct", "sun_elev_deg", "off_nadir_deg", "beam_err_m", "freeboard_m",
    "speed_kn", "matching_score", "matching_confidence", "fishing_score", "distance_from_shore_km", "is_fishing_vessel",
    "clear_sky_confidence", *(f"heading_bucket_{number}" for number in range(16)),
)  # fmt: skip
"""Columns that are no part of SIGHTINGS, kept as numbers."""

_COMMON: dict[str, tuple[str, ...]] = {
    "sighting_id": ("detect_id", "detection_id", "object_id", "id", "id_key", "uuid", "event_id"),
    "timestamp": ("detect_timestamp", "acquisition_datetime", "acquisition_time", "datetime"),
    "lat": ("latitude", "detect_lat", "latitude_dd", "lat_dnb"),
    "lon": ("longitude", "detect_lon", "longitude_dd", "lon_dnb"),
    "scene_id": ("product_id", "scene", "image_id"),
    "sensor": (),
    "length_m": ("vessel_length_m", "length", "estimated_length", "vessel_length", "ship_length"),
    "length_err_m": ("length_error_m",),
    "beam_m": ("vessel_width_m", "beam", "width_m", "width", "vessel_width"),
    "heading": ("heading_deg",),
    "confidence": ("detection_confidence", "presence_score", "presence", "score", "confidence_pct", "probability"),
    "position_err_m": ("pos_error_m", "position_error_m"),
    "load_state": (),
    "vessel_class": ("vessel_type",),
    "mmsi": ("ssvid",),
    "imo": (),
    "source": ("provider",),
    "speed_kn": ("vessel_speed_k",),
}
_EVENT: dict[str, tuple[str, ...]] = {
    "sighting_id": ("event_id",),
    "timestamp": ("start_time",),
    "lat": ("start_point_lat",),
    "lon": ("start_point_lon",),
    "sensor": ("event_type",),
    "length_m": ("event_details_estimated_length",),
    "heading": ("event_details_heading",),
    "confidence": ("event_details_score",),
    "vessel_class": ("event_details_estimated_vessel_category", "event_details_vessel_category"),
    "speed_kn": ("event_details_estimated_speed_kts",),
    "detection_type": ("event_details_detection_type",),
    "mmsi": ("vessels_vessel0_mmsi", "vessels_vessel_0_mmsi"),
    "imo": ("vessels_vessel0_imo", "vessels_vessel_0_imo"),
}
_VIIRS = {"sensor": "optical", "position_err_m": str(VIIRS_POSITION_ERR_M), "gsd_m": "742"}
_TIMES_OF_POINTS = (
    "timestamp", "datetime", "time", "time_utc", "acquisition_datetime", "acquisition_time", "acquired",
    "detection_time", "detected_at", "observed_at", "collection_time", "phenomenon_time", "start_datetime",
)  # fmt: skip


def _at(*time: str, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return _COMMON | {"timestamp": time} | more


# The most telling marks first.
SIGHTING_DIALECTS = (
    Dialect("analyst", ("sighting_id", "time_utc", "lat", "lon"), _at("time_utc"), times_are_utc=True),
    Dialect(
        "gfw_sar",
        ("scene_id", "timestamp", "lat", "lon", "presence_score"),
        _COMMON,
        {"sensor": "sar"},
        times_are_utc=True,
    ),
    # In tables of matches score and confidence are those of the match, and presence is that of the detection.
    Dialect(
        "gfw_matches",
        ("detect_lat", "detect_lon", "detect_timestamp", "presence"),
        _COMMON | {"confidence": ("presence",), "matching_score": ("score",), "matching_confidence": ("confidence",)},
        times_are_utc=True,
    ),
    Dialect("gfw_detections", ("detect_lat", "detect_lon", "detect_timestamp"), _COMMON, times_are_utc=True),
    Dialect(
        "xview3",
        ("detect_lat", "detect_lon", "scene_id", "is_vessel"),
        _at(label_source=("source",)),
        {"sensor": "sar", "source": "xView3"},
    ),
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
        "skylight_events", ("event_id", "event_type", "start_time", "start_point_lat"), _EVENT, {"source": "Skylight"}
    ),
    Dialect("skylight_viirs", ("acquisition_time", "frame_extents"), _COMMON | {"scene_id": ("filename",)}, _VIIRS),
    Dialect("skylight_viirs", ("acquisition_time", "latitude", "longitude", "nanowatts"), _COMMON, _VIIRS),
    Dialect(
        "viirs_vbd",
        ("date_mscan", "lat_dnb", "lon_dnb"),
        _at("date_mscan", qf_detect=()),
        _VIIRS,
        times_are_utc=True,
    ),
    Dialect("object_list", ("object_id", "acquisition_datetime", "latitude_dd", "longitude_dd"), _COMMON),
    *(
        Dialect("points", ("geometry", "lat", "lon", time), _at(time), times_are_utc=time == "time_utc")
        for time in _TIMES_OF_POINTS
    ),
    Dialect("darkvoyage", ("sighting_id", "timestamp", "lat", "lon"), _COMMON),
)
"""Tables of sightings, by columns."""

UNTIMED = ("xview3",)
"""Dialects without times: those of their scenes must be given."""

TEMPLATE: dict[str, tuple[str, str]] = {
    "sighting_id": ("str", "id of yours, once for each row"),
    "time_utc": ("str", "time of the image, UTC: `2024-04-07 02:10`"),
    "time_uncertainty_min": ("float64", "how far off the time may be [min]"),
    "lat": ("float64", "WGS 84, north positive; blank for an empty berth [deg]"),
    "lon": ("float64", "WGS 84, east positive [deg]"),
    "pos_error_m": ("float64", "standard deviation of the position [m]"),
    "sensor": ("str", "`sar`, `optical`, `rf`, `visual`, or a satellite's name"),
    "provider": ("str", "who sold or published the image"),
    "scene_id": ("str", "id of the image, the same for all that was seen in it"),
    "gsd_m": ("float64", "size of a pixel on the ground [m]"),
    "cloud_pct": ("float64", "share of the image under cloud, 0 to 100"),
    "sun_elev_deg": ("float64", "height of the sun [deg]"),
    "off_nadir_deg": ("float64", "how far the view was from straight down [deg]"),
    "length_m": ("float64", "length of the hull [m]"),
    "length_err_m": ("float64", "its standard deviation [m]"),
    "beam_m": ("float64", "beam of the hull [m]"),
    "beam_err_m": ("float64", "its standard deviation [m]"),
    "heading_deg": ("float64", "of the bow, clockwise from true north [deg]"),
    "state": ("str", "`berthed`, `anchored`, `underway`; `no ship` for an empty berth"),
    "load_state": ("str", "`ballast`, `laden`, `unsure`"),
    "freeboard_m": ("float64", "freeboard as measured [m]"),
    "berth_id": ("str", "the berth looked at: a `port_id` of your list of ports"),
    "candidate_imo": ("str", "the ship in question; never taken for an identity"),
    "confidence": ("str", "that it is a ship: `possible`, `likely`, `confirmed`, or 0 to 1"),
    "analyst": ("str", "who looked"),
    "image_file": ("str", "file of the image"),
    "image_sha256": ("str", "its SHA-256"),
    "notes": ("str", "anything else"),
}
"""Columns of the analyst's spreadsheet: type, and what goes into them."""
