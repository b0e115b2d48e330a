"""Images made from true positions, with what imaging gets wrong.

Sources of the values: Kroodsma et al. 2022 (recall by length), Paolo et al. 2024 (false alarms of Sentinel-1), Rodger
and Guida 2021 (azimuth shift); they stand apart from those of the linker on purpose. A camera can be off: each of its
values 30 % smaller or larger than these. Clutter is ten times as dense within 2 km of land (xView3's shore band), where
the coastline is installed, and there is none on land.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import shapely

from darkvoyage.kernels.nearby import near_cells, near_pairs
from darkvoyage.kernels.sphere import destination, wrap_lon
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import SCENES, SIGHTINGS, TRUTH_SIGHTINGS
from darkvoyage.schema.times import utc_times
from darkvoyage.sea.coast import data_folder, on_land
from darkvoyage.units import M_PER_NM

__all__ = ["Camera", "Scenery", "photograph"]

_SEEN_LENGTH_M = np.array([10.0, 20.0, 30.0, 60.0, 100.0])
_SEEN_CHANCE = np.array([0.2, 0.5, 0.75, 0.93, 0.96])
_POSITION_M = {"sar": 80.0, "optical": 15.0}
_BLOB = 0.25
"""A ship is not placed better than this share of its length."""
_LENGTH_LOG_SD = {"sar": 0.25, "optical": 0.18}
_AHEAD, _ASTERN = {"sar": 0.60, "optical": 0.85}, {"sar": 0.35, "optical": 0.10}
_KAPPA = {"sar": 15.0, "optical": 50.0}
"""Heading: seen ahead, half a turn wrong, else any; von Mises around either."""
_HEADING_LENGTH_M, _HEADING_KN = 40.0, 1.5
_AZIMUTH_S = {"sar": 115.0, "optical": 0.0}
"""Slant range over platform speed [s]; optical images have no shift."""
_INCIDENCE_DEG, _FLIGHT_DEG = 39.0, (-10.0, -170.0)
_FALSE_PER_KM2 = 1e-4
_CLUTTER_M, _CLUTTER_LOG_SD = 45.0, 0.6
_MERGED_NM = 100.0 / M_PER_NM
"""Ships nearer to each other than this are one blob, the longer one."""
_OFF = 0.3
_COAST_TIMES, _SHORE_NM = 10.0, 2000.0 / M_PER_NM
_COMPASS = np.arange(0.0, 360.0, 45.0)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """By what factor the values of a camera differ from the usual ones.

    Parameters
    ----------
    position, length : float
        Of the errors of position and of log length.
    azimuth : float
        Of the shift of moving ships along the flight.
    missed, turned : float
        Of the chances to miss a ship, and to take its bow for its stern.
    false : float
        Of the density of clutter.
    """

    position: float = 1.0
    length: float = 1.0
    azimuth: float = 1.0
    missed: float = 1.0
    turned: float = 1.0
    false: float = 1.0

    @classmethod
    def off(cls, rng: np.random.Generator) -> Camera:
        """Return a camera of which each value is 30 % too small or too large.

        Parameters
        ----------
        rng : numpy Generator
        """
        return cls(**{item.name: float(rng.choice([1 - _OFF, 1 + _OFF])) for item in fields(cls)})


@dataclass(frozen=True)
class Scenery:
    """Square images of one size.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Microseconds.
    lat, lon : ndarray of float64, shape (n,)
        Of the centres.
    half_side_nm : float
    sensor : {"sar", "optical"}
    """

    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    half_side_nm: float
    sensor: str

    def table(self) -> pd.DataFrame:
        """Return the SCENES table."""
        north = self.half_side_nm / 60.0
        east = north / np.cos(np.radians(self.lat))
        boxes = shapely.box(self.lon - east, self.lat - north, self.lon + east, self.lat + north)
        columns = {
            "scene_id": self.names(), "timestamp": utc_times(self.time), "footprint": shapely.to_wkt(boxes),
            "sensor": self.sensor, "clear_fraction": 1.0,
        }  # fmt: skip
        return finish(columns, SCENES, optional=True)

    def names(self) -> pd.Series:
        """Return the ids of the scenes, in order."""
        return pd.Series([f"scene-{number:04d}" for number in range(len(self.time))], dtype="str")


def photograph(
    views: pd.DataFrame, scenery: Scenery, rng: np.random.Generator, *, camera: Camera | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn what is in each image into what is seen in it.

    Parameters
    ----------
    views : DataFrame
        A row per image and ship: `scene` (number), `mmsi`, `unknown` (never broadcasts), `length_m`, `lat`, `lon`,
        `speed_kn`, `course`.
    scenery : Scenery
    rng : numpy Generator
    camera : Camera, optional
        None: the usual one.

    Returns
    -------
    SIGHTINGS table, TRUTH_SIGHTINGS table
    """
    off = camera or Camera()
    seen = pd.concat([_ships(views, scenery, off, rng), _clutter(scenery, off, rng)], ignore_index=True)
    seen = seen.iloc[rng.permutation(len(seen))].sort_values("scene", kind="stable", ignore_index=True)
    names = scenery.names().take(seen["scene"].to_numpy("int64")).reset_index(drop=True)
    seen["sighting_id"] = names + "-" + seen.groupby("scene").cumcount().astype("str").str.zfill(4)
    seen = seen.assign(scene_id=names, sensor=scenery.sensor, timestamp=utc_times(scenery.time[seen["scene"]]))
    shown = ["sighting_id", "scene_id", "sensor", "timestamp", "lat", "lon", "length_m", "heading"]
    return finish(seen[shown], SIGHTINGS, optional=True), finish(seen[["sighting_id", "mmsi", "what"]], TRUTH_SIGHTINGS)


def _ships(views: pd.DataFrame, scenery: Scenery, off: Camera, rng: np.random.Generator) -> pd.DataFrame:
    scene, length = views["scene"].to_numpy(), views["length_m"].to_numpy()
    chance = np.interp(np.log(length), np.log(_SEEN_LENGTH_M), _SEEN_CHANCE)
    seen = rng.random(len(views)) > (1 - chance) * off.missed
    lat, lon = _displaced(views, scenery, off, rng)
    log_sd = _LENGTH_LOG_SD[scenery.sensor] * off.length
    rows = pd.DataFrame(
        {
            "scene": scene,
            "mmsi": views["mmsi"].astype("Int64").mask(views["unknown"]),
            "what": np.where(views["unknown"], "unknown_ship", "ship"),
            "lat": lat,
            "lon": lon,
            "length_m": length * np.exp(log_sd * rng.standard_normal(len(views))),
            "heading": _heading(views, scenery.sensor, off, rng),
        }
    )
    return rows[seen & ~_merged(views)]


def _displaced(
    views: pd.DataFrame, scenery: Scenery, off: Camera, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions as the image has them: a random error, and the shift of a moving ship along the flight path."""
    scene = views["scene"].to_numpy()
    spread_m = np.hypot(_POSITION_M[scenery.sensor] * off.position, _BLOB * views["length_m"].to_numpy())
    east, north = rng.standard_normal((2, len(views))) * spread_m / M_PER_NM
    flight = np.radians(rng.choice(_FLIGHT_DEG, len(scenery.time))[scene])
    # The radar looks to the right: a ship that goes away from it is shifted back along the flight.
    away = np.radians(views["course"].to_numpy()) - flight - np.pi / 2
    radial_kn = views["speed_kn"].to_numpy() * np.cos(away) * np.sin(np.radians(_INCIDENCE_DEG))
    shift_nm = -_AZIMUTH_S[scenery.sensor] * off.azimuth / 3600.0 * radial_kn
    east, north = east + shift_nm * np.sin(flight), north + shift_nm * np.cos(flight)
    lat, lon = views["lat"].to_numpy(), views["lon"].to_numpy()
    return destination(lat, lon, np.degrees(np.arctan2(east, north)), np.hypot(east, north))


def _heading(views: pd.DataFrame, sensor: str, off: Camera, rng: np.random.Generator) -> np.ndarray:
    draw, number = rng.random(len(views)), len(views)
    astern = _ASTERN[sensor] * off.turned
    turn = np.where(draw < astern, 180.0, 0.0) + np.degrees(rng.vonmises(0.0, _KAPPA[sensor], number))
    turn = np.where(draw > _AHEAD[sensor] + _ASTERN[sensor], rng.uniform(0, 360, number), turn)
    told = (views["length_m"] >= _HEADING_LENGTH_M) & (views["speed_kn"] > _HEADING_KN)
    return np.where(told, (views["course"].to_numpy() + turn) % 360.0, np.nan)


def _merged(views: pd.DataFrame) -> np.ndarray:
    """Whether a longer ship of the same image is in the way, shape (views,)."""
    lat, lon, scene, length = (views[name].to_numpy() for name in ("lat", "lon", "scene", "length_m"))
    radius = np.full(len(views), _MERGED_NM)
    one, other = near_pairs(lat, lon, lat, lon, radius, near_cells(lat, lon, radius))
    longer = (length[other] > length[one]) | ((length[other] == length[one]) & (other < one))
    hidden = np.zeros(len(views), dtype=bool)
    hidden[one[(scene[one] == scene[other]) & longer]] = True
    return hidden


def _clutter(scenery: Scenery, off: Camera, rng: np.random.Generator) -> pd.DataFrame:
    """Detections of nothing: anywhere at sea in the images, more of them along coasts."""
    area_km2 = (2 * scenery.half_side_nm * M_PER_NM / 1000.0) ** 2
    most = _FALSE_PER_KM2 * off.false * area_km2 * _COAST_TIMES
    scene = np.repeat(np.arange(len(scenery.time)), rng.poisson(most, len(scenery.time)))
    north, east = rng.uniform(-scenery.half_side_nm, scenery.half_side_nm, (2, len(scene))) / 60.0
    lat = scenery.lat[scene] + north
    lon = wrap_lon(scenery.lon[scene] + east / np.cos(np.radians(scenery.lat[scene])))
    kept = rng.random(len(scene)) < _clutter_share(lat, lon)
    scene, lat, lon = scene[kept], lat[kept], lon[kept]
    return pd.DataFrame(
        {
            "scene": scene,
            "mmsi": pd.array([None] * len(scene), dtype="Int64"),
            "what": pd.Series(["clutter"] * len(scene), dtype="str"),
            "lat": lat,
            "lon": lon,
            "length_m": _CLUTTER_M * np.exp(_CLUTTER_LOG_SD * rng.standard_normal(len(scene))),
            "heading": np.nan,
        }
    )


def _clutter_share(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Density of clutter over that along coasts, shape (n,)."""
    far = np.full(len(lat), 1.0 / _COAST_TIMES)
    if data_folder() is None or len(lat) == 0:
        return far
    turns, each = len(_COMPASS), np.tile(_COMPASS, len(lat))
    around = destination(np.repeat(lat, turns), np.repeat(lon, turns), each, np.full(len(each), _SHORE_NM))
    shore = on_land(*around).reshape(len(lat), turns).any(axis=1)
    return np.where(on_land(lat, lon), 0.0, np.where(shore, 1.0, far))
