"""What tables of scenes look like, data only: STAC items, vendors' reports, detections with a footprint, our own."""

from __future__ import annotations

from darkvoyage.io.tabular import Dialect

__all__ = ["ANGLES", "ONE_ROW_A_SIGHTING", "ORBIT_WORDS", "SCENE_DIALECTS", "SENSOR_WORDS"]

SENSOR_WORDS = {
    r"\bsar\b|radar|sentinel.?1|\bs1[abcd]?(?:\b|_)|\brs2(?:\b|_)|rcm|iceye|capella|umbra|cosmo|terrasar|tandem|palsar"
    r"|saocom|novasar|\bksat\b": "sar",
    r"optic|\beo\b|\bmsi\b|\boli|sentinel.?2|\bs2[abc]?(?:\b|_)|landsat|planet|\bps[bd0-9]|skysat|worldview|geoeye|maxar"
    r"|pleiades|\bspot\b|airbus|jilin|gaofen|superview|kompsat|satellogic|viirs|electro": "optical",
    r"\brf\b|radio|hawkeye|unseenlabs|kleos|elint": "rf",
    r"visual|person|photo|aerial|human|eyewitness|drone": "visual",
}
"""Pattern in a sensor's, satellite's or product's name -> our kind of sensor."""

ORBIT_WORDS = {"^asc": "ascending", "^des": "descending"}
"""Pattern in the word for the direction of flight -> the word of the STAC extension `sat`."""

ANGLES = (
    "incidence_deg", "incidence_near_deg", "incidence_far_deg", "look_azimuth_deg", "off_nadir_deg", "sun_elev_deg",
    "sun_azimuth_deg",
)  # fmt: skip
"""Columns beside SCENES that say how the sensor looked [deg]; radar shifts moving ships by what they say."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "scene_id": ("id",),
    "timestamp": ("datetime", "acquired", "acquisition_datetime", "scene_start_utc", "time_utc"),
    "timestamp_end": ("end_datetime", "scene_stop_utc", "product_stop_time"),
    "footprint": ("footprint_wkt", "geometry", "wkt"),
    "sensor": (),
    "clear_fraction": (),
    "cloud_pct": ("eo_cloud_cover", "cloud_cover", "cloud_percent"),
    "gsd_m": ("gsd", "eo_gsd"),
    "source": ("collection", "provider", "constellation"),
    "platform": ("sar_platform", "eo_platform", "satellite"),
    "orbit_state": ("sat_orbit_state", "sar_pass_direction", "orbit_direction"),
    "observation_direction": ("sar_observation_direction",),
    "instrument_mode": ("sar_instrument_mode",),
    "polarizations": ("sar_polarizations", "sar_polarization", "polarization"),
    "incidence_deg": ("view_incidence_angle", "incidence_angle_deg", "incidence_angle", "sar_incidence_angle"),
    "incidence_near_deg": ("near_incidence_deg",),
    "incidence_far_deg": ("far_incidence_deg",),
    "look_azimuth_deg": ("view_azimuth",),
    "off_nadir_deg": ("view_off_nadir", "off_nadir"),
    "sun_elev_deg": ("view_sun_elevation", "sun_elevation"),
    "sun_azimuth_deg": ("view_sun_azimuth", "sun_azimuth"),
}
_PRODUCT = _COLUMNS | {
    "scene_id": ("name",),
    "timestamp": ("start_time",),
    "timestamp_end": ("stop_time",),
    "gsd_m": ("pixel_spacing",),
    "source": ("provider",),
    "orbit_state": ("direction",),
    "instrument_mode": ("swath",),
}


def _at(time: str, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return _COLUMNS | {"timestamp": (time,)} | more


# The most telling marks first.
SCENE_DIALECTS = (
    Dialect("stac", ("id", "datetime", "geometry"), _COLUMNS, {}, True),
    Dialect("scene_times", ("scene_id", "scene_start_utc", "footprint_wkt"), _COLUMNS, {}, True),
    Dialect("ksat_product", ("name", "start_time", "stop_time", "satellite", "geometry"), _PRODUCT),
    Dialect(
        "ksat_detections",
        ("scene_id", "product_start_time", "footprint"),
        _at("product_start_time"),
        {"sensor": "sar", "source": "KSAT"},
    ),
    Dialect("gfw_detections", ("scene_id", "detect_timestamp", "footprint_wkt"), _at("detect_timestamp"), {}, True),
    Dialect(
        "skylight_viirs",
        ("filename", "acquisition_time", "frame_extents"),
        _at("acquisition_time", scene_id=("filename",), footprint=("frame_extents",)),
        {"sensor": "optical", "source": "Skylight"},
    ),
    Dialect("analyst", ("sighting_id", "time_utc", "lat", "lon"), _COLUMNS, {}, True),
    Dialect("analyst", ("sighting_id", "timestamp", "lat", "lon", "berth_id"), _COLUMNS),
    Dialect("scene_list", ("scene_id", "time_utc", "footprint"), _COLUMNS, {}, True),
    Dialect("features", ("scene_id", "timestamp", "geometry"), _COLUMNS),
    Dialect("darkvoyage", ("scene_id", "timestamp", "footprint"), _COLUMNS),
)
"""Tables of scenes, by columns."""

ONE_ROW_A_SIGHTING = ("ksat_detections", "gfw_detections", "skylight_viirs")
"""Dialects that repeat the whole scene in the row of every detection."""
