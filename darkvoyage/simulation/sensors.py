"""Images of the fictional waters: radar and optical scenes, and what an analyst measures in them.

Laws of detection and measurement as published for Sentinel-1, Sentinel-2 and small optical satellites; every campaign
strays from them by a factor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import SCENES, SIGHTINGS
from darkvoyage.simulation.diary import MOORED, SLOT_S, Log
from darkvoyage.simulation.harbour import Hulls, fixed_structures, unknown_hulls

__all__ = ["observe"]

_TERMINAL = (42.735, 133.030)
_BAY = (42.55, 132.95)
_CHONGJIN = (41.70, 130.05)
_SAR_EVERY_D = (6, 12)
_OPTICAL_SHARE = 0.92
_CLEAR = (0.55, 0.50)
"""Beta law of the clear share of an optical scene: about 55 % of the days show the bay."""
_FINE_EVERY_D = 9.0
"""Scenes of half a metre are tasked about this often [d]."""
_SAR_HALF_NM = (30.0, 30.0)
_OPTICAL_HALF_NM = (6.0, 7.0)
_FINE_HALF_NM = (3.0, 3.6)
_PD_LENGTH_M = (0.0, 10.0, 20.0, 30.0, 60.0, 100.0, 400.0)
_PD = {"sar": (0.0, 0.2, 0.5, 0.75, 0.93, 0.96, 0.96), "optical": (0.0, 0.25, 0.6, 0.85, 0.95, 0.97, 0.97),
       "fine": (0.0, 0.6, 0.9, 0.97, 0.98, 0.98, 0.98)}  # fmt: skip
"""Chance that a ship of this length is detected in a clear image (Sentinel-1: Paolo et al. 2024 and xView3)."""
_ALONGSIDE = 0.75
"""Radar next to a quay sees less (xView3: shore band)."""
_CROWDED, _CROWDED_NM, _BORDER_NM = 0.8, 0.54, 0.27
_POSITION_M = {"sar": 70.0, "optical": 25.0, "fine": 15.0}
_LENGTH_LOG = {"sar": (0.08, 0.27), "optical": (0.02, 0.13), "fine": (0.0, 0.04)}
_HEADING = {"sar": (0.60, 0.35, 15.0), "optical": (0.85, 0.10, 50.0), "fine": (0.95, 0.04, 80.0)}
_GSD_M = {"sar": 10.0, "optical": 3.0, "fine": 0.5}
_SLANT_S = 115.0
_INCIDENCE_DEG = 39.0
"""Azimuth shift of a moving ship: slant range over platform speed [s], incidence of Sentinel-1 IW."""
_FALSE_PER_KM2 = {"sar": 1e-4, "optical": 4e-4, "fine": 2e-4}
_CLASS_READ, _CLASS_RIGHT = 0.5, 0.88
_LOAD_READ, _LOAD_RIGHT = 0.7, 0.87


@dataclass(frozen=True)
class _Scene:
    name: str
    seconds: float
    centre: tuple[float, float]
    half_nm: tuple[float, float]
    look: str
    clear: float
    flight_deg: float


def observe(
    logs: list[Log], start: pd.Timestamp, days: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Take all images of the campaign.

    Parameters
    ----------
    logs : list of Log
    start : Timestamp
    days : int
    rng : Generator

    Returns
    -------
    scenes, sightings, truth : DataFrame
        SCENES, SIGHTINGS, and `sighting_id` with `mmsi` (null: nobody whom anybody tracks, or nothing at all).
    """
    scenes = _schedule(days, rng)
    strays = np.exp(rng.normal(0.0, 0.2, size=3))
    strangers, structures = unknown_hulls(rng, days), fixed_structures()
    moments = np.array([scene.seconds for scene in scenes])
    tracked = [_places(log, moments) for log in logs]
    frames = [
        _look(scene, _present(scene, place, tracked, logs, strangers, structures), strays, rng)
        for place, scene in enumerate(scenes)
    ]
    sightings = pd.concat(frames, ignore_index=True)
    sightings["timestamp"] = start + pd.to_timedelta(np.round(sightings.pop("seconds")), unit="s")
    sightings = sightings.sort_values(["timestamp", "lat", "lon"], kind="stable").reset_index(drop=True)
    sightings["sighting_id"] = [f"demo-{row:05d}" for row in range(len(sightings))]
    truth = pd.DataFrame(
        {
            "sighting_id": sightings["sighting_id"].astype("str"),
            "mmsi": sightings.pop("true_mmsi").replace(0, None).astype("Int64"),
        }
    )
    return _scene_table(scenes, start), finish(sightings, SIGHTINGS), truth


def _schedule(days: int, rng: np.random.Generator) -> list[_Scene]:
    scenes = []
    for area, centre in (("bay", _BAY), ("chongjin", _CHONGJIN)):
        day = float(rng.uniform(0, 6))
        while day < days - 1:
            evening = rng.random() < 0.5
            hour = (8.75 if evening else 21.25) + rng.uniform(-0.1, 0.1)
            flight = 348.0 if evening else 192.0
            name = f"S1-{area}-{int(day):03d}"
            scenes.append(_Scene(name, (int(day) + hour / 24) * 86400, centre, _SAR_HALF_NM, "sar", 1.0, flight))
            day += float(rng.choice(_SAR_EVERY_D))
    for number in np.flatnonzero(rng.random(days) < _OPTICAL_SHARE):
        second = (int(number) + (1.3 + float(rng.uniform(-0.7, 0.7))) / 24) * 86400
        clear = float(np.round(rng.beta(*_CLEAR), 2))
        scenes.append(_Scene(f"PS-bay-{number:03d}", second, _TERMINAL, _OPTICAL_HALF_NM, "optical", clear, 190.0))
    for moment in np.cumsum(rng.exponential(_FINE_EVERY_D, size=200)):
        if moment < days - 1:
            clear = float(np.round(rng.beta(3.0, 1.0), 2))
            second = (int(moment) + (2.5 + float(rng.uniform(-1, 3))) / 24) * 86400
            scenes.append(
                _Scene(f"HR-bay-{int(moment * 10):04d}", second, _TERMINAL, _FINE_HALF_NM, "fine", clear, 190.0)
            )
    return sorted({scene.name: scene for scene in scenes}.values(), key=lambda scene: (scene.seconds, scene.name))


def _scene_table(scenes: list[_Scene], start: pd.Timestamp) -> pd.DataFrame:
    data = {
        "scene_id": [scene.name for scene in scenes],
        "timestamp": start + pd.to_timedelta(np.round([scene.seconds for scene in scenes]), unit="s"),
        "footprint": [shapely.to_wkt(_footprint(scene), rounding_precision=5) for scene in scenes],
        "sensor": ["sar" if scene.look == "sar" else "optical" for scene in scenes],
        "clear_fraction": [scene.clear for scene in scenes],
        "gsd_m": [_GSD_M[scene.look] for scene in scenes],
        "source": ["Fictional image (demo)"] * len(scenes),
    }
    return finish(pd.DataFrame(data), SCENES)


def _footprint(scene: _Scene) -> shapely.Polygon:
    """A rectangle turned into the direction of flight."""
    north, east = _turned(
        scene, np.array([-1, 1, 1, -1]) * scene.half_nm[0], np.array([-1, -1, 1, 1]) * scene.half_nm[1]
    )
    lat, lon = scene.centre
    return shapely.Polygon(np.column_stack([lon + east / 60 / np.cos(np.radians(lat)), lat + north / 60]))


def _turned(scene: _Scene, along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    angle = np.radians(scene.flight_deg)
    return along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)


def _places(log: Log, seconds: np.ndarray) -> tuple[np.ndarray, ...]:
    """Position, motion and state of one ship at all scenes; NaN where it is not in these waters."""
    lat, lon = log.at(seconds)
    lat2, lon2 = log.at(seconds + SLOT_S)
    row = (seconds // SLOT_S).astype("int64") - log.first
    here = (row >= 0) & (row < len(log.lat) - 1)
    row = np.clip(row, 0, len(log.lat) - 1)
    north = (lat2 - lat) * 60 * 3600 / SLOT_S
    east = (lon2 - lon) * 60 * np.cos(np.radians(lat)) * 3600 / SLOT_S
    return np.where(here, lat, np.nan), lon, north, east, log.heading[row], log.mode[row]


def _present(
    scene: _Scene,
    place: int,
    tracked: list[tuple[np.ndarray, ...]],
    logs: list[Log],
    strangers: Hulls,
    structures: Hulls,
) -> Hulls:
    """All hulls inside the footprint, tracked or not, and the structures."""
    column = [np.array([ship[k][place] for ship in tracked], dtype="float64") for k in range(6)]
    laden = np.array([_laden(log, scene.seconds) for log in logs])
    ships = Hulls(
        lat=column[0],
        lon=column[1],
        north_kn=column[2],
        east_kn=column[3],
        heading=np.where(np.isnan(column[4]), np.degrees(np.arctan2(column[3], column[2])) % 360.0, column[4]),
        length_m=np.array([log.ship.length_m for log in logs], dtype="float64"),
        beam_m=np.array([log.ship.beam_m for log in logs], dtype="float64"),
        alongside=column[5] == MOORED,
        tanker=np.array([log.ship.ship_type // 10 == 8 for log in logs]),
        laden=laden,
        mmsi=np.array([log.ship.mmsi for log in logs]),
        first_s=np.zeros(len(logs)),
        last_s=np.full(len(logs), np.inf),
    )
    everyone = ships.joined(strangers).joined(structures)
    inside = (everyone.first_s <= scene.seconds) & (everyone.last_s >= scene.seconds)
    return everyone.taken(inside & _inside(scene, everyone.lat, everyone.lon))


def _laden(log: Log, seconds: float) -> bool:
    slots = np.array([row[0] for row in log.loads] or [0])
    at = int(np.searchsorted(slots, seconds / SLOT_S, side="right")) - 1
    return bool(log.loads and log.loads[max(at, 0)][1])


def _inside(scene: _Scene, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    north = (lat - scene.centre[0]) * 60
    east = (lon - scene.centre[1]) * 60 * np.cos(np.radians(scene.centre[0]))
    angle = np.radians(scene.flight_deg)
    along, across = north * np.cos(angle) + east * np.sin(angle), -north * np.sin(angle) + east * np.cos(angle)
    with np.errstate(invalid="ignore"):
        return (np.abs(along) < scene.half_nm[0] - _BORDER_NM) & (np.abs(across) < scene.half_nm[1] - _BORDER_NM)


def _look(scene: _Scene, hulls: Hulls, strays: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Sightings of one scene."""
    look, n = scene.look, len(hulls.lat)
    chance = 1.0 - (1.0 - np.interp(hulls.length_m, _PD_LENGTH_M, _PD[look])) * strays[0]
    apart = great_circle_nm(hulls.lat[:, None], hulls.lon[:, None], hulls.lat, hulls.lon) + np.eye(n) * 1e3
    chance *= np.where((apart < _CROWDED_NM).any(axis=1), _CROWDED, 1.0)
    chance *= np.where(hulls.alongside & (look == "sar"), _ALONGSIDE, 1.0)
    hulls = hulls.taken(rng.random(n) < np.clip(chance, 0.0, 1.0) * scene.clear)
    real = _measured(scene, hulls, strays, rng)
    return pd.concat([real, _false_alarms(scene, rng)], ignore_index=True)


def _measured(scene: _Scene, hulls: Hulls, strays: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    look, n = scene.look, len(hulls.lat)
    sd_m = _POSITION_M[look] * strays[1]
    north_m, east_m = rng.normal(0.0, sd_m, size=(2, n))
    if look == "sar":
        north_s, east_s = _azimuth_shift(scene, hulls)
        north_m, east_m = north_m + north_s, east_m + east_s
    bias, spread = _LENGTH_LOG[look]
    ratio = np.exp(rng.normal(bias, spread * strays[2], size=n) + np.where(hulls.length_m < 30, 0.15, 0.0))
    sar = look == "sar"
    return pd.DataFrame(
        {
            "seconds": scene.seconds,
            "lat": np.round(hulls.lat + north_m / 1852 / 60, 5),
            "lon": np.round(hulls.lon + east_m / 1852 / 60 / np.cos(np.radians(hulls.lat)), 5),
            "scene_id": scene.name,
            "sensor": "sar" if sar else "optical",
            "length_m": np.round(hulls.length_m * ratio, 0 if look != "fine" else 1),
            "length_err_m": np.round(hulls.length_m * ratio * spread, 1),
            "beam_m": np.round(hulls.beam_m * ratio, 1) if look == "fine" else np.full(n, np.nan),
            "heading": _headings(look, hulls, rng),
            "confidence": np.round(rng.beta(12, 2, size=n), 2),
            "position_err_m": {"sar": 100.0, "optical": 30.0, "fine": 15.0}[look],
            "load_state": _loads(look, hulls, rng),
            "vessel_class": _classes(look, hulls, rng),
            "source": "Fictional image (demo)",
            "true_mmsi": hulls.mmsi,
        }
    )


def _azimuth_shift(scene: _Scene, hulls: Hulls) -> tuple[np.ndarray, np.ndarray]:
    """A ship moving away from the radar appears displaced against the flight [m north, m east]."""
    flight = np.radians(scene.flight_deg)
    away = flight + np.pi / 2
    metres_per_s = 1852.0 / 3600.0
    radial = (hulls.north_kn * np.cos(away) + hulls.east_kn * np.sin(away)) * metres_per_s
    shift = -_SLANT_S * radial * np.sin(np.radians(_INCIDENCE_DEG))
    return shift * np.cos(flight), shift * np.sin(flight)


def _headings(look: str, hulls: Hulls, rng: np.random.Generator) -> np.ndarray:
    right, reversed_, kappa = _HEADING[look]
    n = len(hulls.lat)
    kind = rng.random(n)
    read = hulls.heading + np.degrees(rng.vonmises(0.0, kappa, size=n)) + np.where(kind < right, 0.0, 180.0)
    read = np.where(kind < right + reversed_, read, rng.uniform(0, 360, size=n)) % 360.0
    return np.where((hulls.length_m >= 40) & (rng.random(n) < 0.9), np.round(read) % 360.0, np.nan)


def _loads(look: str, hulls: Hulls, rng: np.random.Generator) -> np.ndarray:
    """Freeboard can be read at half a metre only, not always, and not always rightly."""
    n = len(hulls.lat)
    seen = hulls.laden == (rng.random(n) < _LOAD_RIGHT)
    told = rng.random(n) < (_LOAD_READ if look == "fine" else 0.0)
    return _told(told & (hulls.length_m > 60), np.where(seen, "laden", "ballast"))


def _classes(look: str, hulls: Hulls, rng: np.random.Generator) -> np.ndarray:
    n = len(hulls.lat)
    tanker = hulls.tanker == (rng.random(n) < _CLASS_RIGHT)
    told = rng.random(n) < {"sar": 0.0, "optical": _CLASS_READ, "fine": 0.9}[look]
    return _told(told & (hulls.length_m > 60), np.where(tanker, "tanker", "cargo"))


def _told(known: np.ndarray, words: np.ndarray) -> np.ndarray:
    out = words.astype(object)
    out[~known] = None
    return out


def _false_alarms(scene: _Scene, rng: np.random.Generator) -> pd.DataFrame:
    """Waves, wakes, cloud edges."""
    area = 4 * scene.half_nm[0] * scene.half_nm[1] * 1.852**2
    n = int(rng.poisson(_FALSE_PER_KM2[scene.look] * area * (scene.clear if scene.look != "sar" else 1.0)))
    along, across = (rng.uniform(-0.98, 0.98, size=n) * half for half in scene.half_nm)
    north, east = _turned(scene, along, across)
    length = np.round(rng.lognormal(np.log(35.0), 0.5, size=n))
    return pd.DataFrame(
        {
            "seconds": np.full(n, scene.seconds),
            "lat": np.round(scene.centre[0] + north / 60, 5),
            "lon": np.round(scene.centre[1] + east / 60 / np.cos(np.radians(scene.centre[0])), 5),
            "scene_id": [scene.name] * n,
            "sensor": ["sar" if scene.look == "sar" else "optical"] * n,
            "length_m": length,
            "length_err_m": np.round(length * 0.3, 1),
            "confidence": np.round(rng.beta(4, 4, size=n), 2),
            "position_err_m": np.full(n, 100.0 if scene.look == "sar" else 30.0),
            "source": ["Fictional image (demo)"] * n,
            "true_mmsi": np.zeros(n, dtype="int64"),
        }
    )
