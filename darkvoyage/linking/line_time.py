"""When the line of an image with a sighting in it was taken: a wide radar scene takes a minute, and ships go on.

A time that all sightings of a scene share, or that is the scene's own, is not that of the line. Where the flight is
known, the line follows from how far along it the sighting lies in the footprint; else it may be any.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import local_offset
from darkvoyage.linking.sensors import scene_columns
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["line_delays"]

_SPAN_IN_NAME = r"_(\d{8}T\d{6})_(\d{8}T\d{6})_"
"""First and last line of a Sentinel-1 product, in its name."""
_LENGTH_IN_NAME = r"^RS2_(\d{8})_(\d{6})_(\d{4})_"
"""Start and seconds of a RADARSAT-2 product, in names that carry them."""
_ROUGH = 0.1
"""Share of the scene's time by which a line may be off where it follows from the footprint (its corners are rough)."""
_UNKNOWN = np.iinfo("int64").min


def line_delays(sightings: pd.DataFrame, scenes: pd.DataFrame, flight_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How long after its given time each sighting was taken.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
        `time_uncertainty_min` of the analyst's spreadsheet: the time may be off by so much either way [min].
    scenes : SCENES table
        With `timestamp_end`, the last line, where it is known; also told by the names of some products.
    flight_deg : ndarray of float64, shape (n,)
        Direction of the satellite over ground, NaN where not known [deg].

    Returns
    -------
    delay_h, sd_h : ndarray of float64, shape (n,)
        0 for sightings with a time of their own, and where nobody knows how long the scene took, unless said.
    """
    start, end = _spans(sightings, scenes)
    at = time_us(sightings["timestamp"])
    given = (end > start) & ~_own_time(sightings, at, start, end)
    length = np.where(given, end - start, 0) / US_PER_H
    share = _along(sightings, scenes, np.where(given, flight_deg, np.nan))
    known = np.isfinite(share)
    delay = np.where(given, start - at, 0) / US_PER_H + np.where(known, share, 0.5) * length
    sd = length * np.where(known, _ROUGH, 1 / np.sqrt(12))
    if "time_uncertainty_min" in sightings:
        either_way = np.nan_to_num(sightings["time_uncertainty_min"].to_numpy(dtype="float64"))
        sd = np.hypot(sd, either_way / 60.0 / np.sqrt(3))
    return delay, sd


def _spans(sightings: pd.DataFrame, scenes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First and last line of each sighting's scene; alike where they are not known."""
    view = scene_columns(sightings, scenes, ("timestamp", "timestamp_end"))
    start, end = (time_us(pd.to_datetime(view[name], utc=True)) for name in ("timestamp", "timestamp_end"))
    if "scene_id" in sightings:
        name, code = np.unique(sightings["scene_id"].fillna("").to_numpy(dtype=object).astype("U"), return_inverse=True)
        text = pd.Series(name, dtype="str")
        lines = text.str.extract(_SPAN_IN_NAME).apply(pd.to_datetime, format="%Y%m%dT%H%M%S", utc=True)
        begun = text.str.extract(_LENGTH_IN_NAME)
        first = pd.to_datetime(begun[0] + begun[1], format="%Y%m%d%H%M%S", utc=True)
        last = first + pd.to_timedelta(begun[2].astype("float64"), unit="s")
        named = time_us(lines[0].fillna(first))[code], time_us(lines[1].fillna(last))[code]
        unknown = (start == _UNKNOWN) | (end == _UNKNOWN)
        start, end = np.where(unknown, named[0], start), np.where(unknown, named[1], end)
    return start, np.where((start == _UNKNOWN) | (end == _UNKNOWN), start, end)


def _own_time(sightings: pd.DataFrame, at: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether each sighting's time is not simply that of its scene."""
    if "scene_id" not in sightings:
        return np.ones(len(at), dtype=bool)
    times = pd.Series(at).groupby(sightings["scene_id"].to_numpy())
    several = (times.transform("nunique") > 1).to_numpy()
    alone = (times.transform("size") == 1).to_numpy()
    # Names and tables may be rounded to the second.
    edge = np.minimum(np.abs(at - start), np.minimum(np.abs(at - end), np.abs(at - (start + (end - start) // 2))))
    return several | (alone & (edge > 1_000_000))


def _along(sightings: pd.DataFrame, scenes: pd.DataFrame, flight_deg: np.ndarray) -> np.ndarray:
    """How far along the flight each sighting lies in its scene, from 0 to 1, NaN where not known."""
    import shapely

    share = np.full(len(sightings), np.nan)
    if "scene_id" not in sightings or len(scenes) == 0:
        return share
    of = pd.Index(scenes["scene_id"]).get_indexer(pd.Index(sightings["scene_id"].to_numpy(dtype=object)))
    some = np.flatnonzero((of >= 0) & np.isfinite(flight_deg))
    if len(some) == 0:
        return share
    row, code = np.unique(of[some], return_inverse=True)
    east, north = (np.bincount(code, part(np.radians(flight_deg[some]))) for part in (np.sin, np.cos))
    flight = np.arctan2(east, north)
    shape = shapely.from_wkt(scenes["footprint"].to_numpy(dtype=object)[row])
    corner, owner = shapely.get_coordinates(shape, return_index=True)
    origin = corner[np.searchsorted(owner, np.arange(len(row)))]

    def along(of_scene: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        x, y = local_offset(origin[of_scene, 1], origin[of_scene, 0], lat, lon)
        return x * np.sin(flight[of_scene]) + y * np.cos(flight[of_scene])

    place = along(owner, corner[:, 1], corner[:, 0])
    low, high = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    np.minimum.at(low, owner, place)
    np.maximum.at(high, owner, place)
    at = along(code, *(sightings[name].to_numpy()[some] for name in ("lat", "lon")))
    share[some] = np.clip((at - low[code]) / (high - low)[code], 0.0, 1.0)
    return share
