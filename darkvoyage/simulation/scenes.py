"""When and where images are taken: radar by the orbit, small satellites every morning, sharp ones when tasked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from darkvoyage.kernels.sphere import angle_difference, wrap_lon
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import SCENES
from darkvoyage.simulation.sea import Sea

__all__ = ["SOURCE", "Looks", "offset_nm", "plan_scenes", "scene_table", "turned", "within"]

Length = np.ndarray | float

SOURCE = "Fictional image"
_PREFIX = {"sar": "S1", "optical": "PS", "fine": "HR"}
_GSD_M = {"sar": 10.0, "optical": 3.0, "fine": 0.5}
_LOCAL_H = {"sar": (6.05, 18.05), "optical": (10.15,), "fine": (11.35,)}
_JITTER_H = {"sar": 0.1, "optical": 0.7, "fine": 1.0}
"""Local solar time of the passes, and how far they stray from it; Sentinel-1 flies along the line of dawn and dusk."""
_FLIGHT_DEG = {"sar": (192.0, 348.0), "optical": (190.0,), "fine": (190.0,)}
"""Direction of flight: southward in the morning, northward in the evening."""
_FINE_CLEAR = (3.0, 1.0)
"""Beta law of the clear share of a tasked scene: it is tasked when the forecast is good."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How often images are taken, and how far they stray from the published laws of detection and measurement.

    Parameters
    ----------
    sar_every_d : tuple of float
        Intervals between radar scenes, one of them drawn each time: the repeat of one satellite, and of two [d].
    optical_share : float
        Days with an optical scene.
    fine_every_d : float
        Scenes of half a metre are tasked about this often [d].
    clear : tuple of float
        Beta law of the clear share of an optical scene; about 55 % of the days show the place.
    missed, position, length, clutter : float
        Factors on the share of ships that a clear image misses, on the errors of position and of length, and on the
        number of false alarms.
    stray_sd : float
        Every world has factors of its own besides: their standard deviation, in natural logarithm.
    boats_per_day, coasters_per_day, ships_per_day : float
        Hulls without AIS that come to every watched area: work boats of its harbours, small craft on its lanes,
        ordinary ships in its roads.
    structures : int
        Lights, buoys and barges in every watched area that look like ships.
    """

    sar_every_d: tuple[float, ...] = (6.0, 12.0)
    optical_share: float = 0.92
    fine_every_d: float = 9.0
    clear: tuple[float, float] = (0.55, 0.50)
    missed: float = 1.0
    position: float = 1.0
    length: float = 1.0
    clutter: float = 1.0
    stray_sd: float = 0.2
    boats_per_day: float = 9.0
    coasters_per_day: float = 3.0
    ships_per_day: float = 0.1
    structures: int = 4


def plan_scenes(sea: Sea, days: int, rng: np.random.Generator, look: Looks) -> pd.DataFrame:
    """All images of a world, in order of time.

    Parameters
    ----------
    sea : Sea
    days : int
        Length of the world [d].
    rng : Generator
    look : Looks

    Returns
    -------
    DataFrame
        `scene_id`, `area`, `look`, `seconds` since the world began, `lat` and `lon` of the centre, `half_along_nm`,
        `half_across_nm`, `flight_deg` and `clear`, the share without cloud.
    """
    frames = []
    for area, lat, lon, along, across, kind in sea.watched:
        day = _days(kind, days, rng, look)
        which = rng.integers(len(_LOCAL_H[kind]), size=len(day))
        hour = np.array(_LOCAL_H[kind])[which] + rng.uniform(-1, 1, size=len(day)) * _JITTER_H[kind] - lon / 15
        frames.append(
            pd.DataFrame(
                {
                    "area": area,
                    "look": kind,
                    "seconds": np.round((day + hour / 24 % 1.0) * 86400),
                    "lat": lat,
                    "lon": lon,
                    "half_along_nm": along,
                    "half_across_nm": across,
                    "flight_deg": np.array(_FLIGHT_DEG[kind])[which],
                    "clear": _clear(kind, len(day), rng, look),
                }
            )
        )
    scenes = pd.concat(frames, ignore_index=True)
    scenes = scenes.sort_values(["seconds", "area", "look"], kind="stable").reset_index(drop=True)
    number = scenes.groupby(["area", "look"]).cumcount()
    names = zip(scenes["look"].map(_PREFIX), scenes["area"], number, strict=True)
    return scenes.assign(scene_id=[f"{prefix}-{area}-{row:04d}" for prefix, area, row in names])


def _days(kind: str, days: int, rng: np.random.Generator, look: Looks) -> np.ndarray:
    """Days on which a place is looked at."""
    if kind == "optical":
        return np.flatnonzero(rng.random(days) < look.optical_share).astype("float64")
    if kind == "fine":
        wait = rng.exponential(look.fine_every_d, size=int(3 * days / look.fine_every_d) + 10)
        moments = np.unique(np.floor(np.cumsum(wait)))
    else:
        wait = rng.choice(look.sar_every_d, size=int(days / min(look.sar_every_d)) + 1)
        moments = np.floor(rng.uniform(0, min(look.sar_every_d)) + np.r_[0.0, np.cumsum(wait)])
    return moments[moments < days]


def _clear(kind: str, n: int, rng: np.random.Generator, look: Looks) -> np.ndarray:
    """Share of each scene without cloud; radar sees through it."""
    law = {"optical": look.clear, "fine": _FINE_CLEAR}.get(kind)
    return np.ones(n) if law is None else np.round(rng.beta(*law, size=n), 2)


def scene_table(scenes: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    """The images as SCENES."""
    kind = scenes["look"]
    data = {
        "scene_id": scenes["scene_id"],
        "timestamp": start + pd.to_timedelta(scenes["seconds"], unit="s"),
        "footprint": shapely.to_wkt(_footprints(scenes), rounding_precision=5),
        "sensor": np.where(kind == "sar", "sar", "optical"),
        "clear_fraction": scenes["clear"],
        "gsd_m": kind.map(_GSD_M),
        "source": SOURCE,
    }
    return finish(pd.DataFrame(data), SCENES)


def _footprints(scenes: pd.DataFrame) -> np.ndarray:
    """Rectangles turned into the direction of flight."""
    half_along, half_across, flight, lat, lon = (
        scenes[name].to_numpy()[:, None] for name in ("half_along_nm", "half_across_nm", "flight_deg", "lat", "lon")
    )
    north, east = turned(flight, half_along * np.array([-1, 1, 1, -1]), half_across * np.array([-1, -1, 1, 1]))
    corners = np.stack([lon + east / 60 / np.cos(np.radians(lat)), lat + north / 60], axis=-1)
    return shapely.polygons(corners)


def turned(flight_deg: np.ndarray, along: Length, across: Length) -> tuple[np.ndarray, np.ndarray]:
    """North and east parts of what lies along the flight, and across it to the right."""
    angle = np.radians(flight_deg)
    return along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)


def offset_nm(scenes: pd.DataFrame, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far north and east of the centre of its scene each position lies; inputs broadcast [nm]."""
    centre = scenes["lat"].to_numpy()
    return (lat - centre) * 60, angle_difference(lon, scenes["lon"].to_numpy()) * 60 * np.cos(np.radians(centre))


def within(scenes: pd.DataFrame, lat: np.ndarray, lon: np.ndarray, border_nm: float) -> np.ndarray:
    """Positions inside their scene, and further than `border_nm` from its edge; NaN lies nowhere."""
    north, east = offset_nm(scenes, lat, wrap_lon(lon))
    flight = scenes["flight_deg"].to_numpy()
    # The turn back is the turn by the opposite angle.
    along, across = turned(-flight, north, east)
    far_along, far_across = (scenes[name].to_numpy() - border_nm for name in ("half_along_nm", "half_across_nm"))
    return (np.abs(along) < far_along) & (np.abs(across) < far_across)
