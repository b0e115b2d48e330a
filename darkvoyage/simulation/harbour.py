"""What lies within the images: ships that send AIS, hulls that do not, and structures that look like ships.

Every function returns hulls as a table, one row per hull and scene: `scene` (row of the scene), `lat`, `lon`,
`north_kn`, `east_kn`, `heading`, `length_m`, `beam_m`, `alongside`, `tanker`, `laden`, `what` and `mmsi`, 0 for none.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from darkvoyage.simulation.diary import MOORED, SLOT_S, Log
from darkvoyage.simulation.scenes import Looks, within
from darkvoyage.simulation.sea import Sea, make_path

__all__ = ["fixed_structures", "tracked_ships", "unknown_ships"]

_BORDER_NM = 0.27
"""Nothing is read nearer to the edge of an image."""
_BOATS = ((20.0, 60.0), (4.0, 30.0), 1.2)
_COASTERS = ((15.0, 70.0), (3.0, 16.0), 3.0)
_SHIPS = ((65.0, 150.0), (18.0, 110.0), 0.8)
"""Lengths [m], stays [h] and spread about their places [nm] of hulls without AIS."""
_STRUCTURE_M, _STRUCTURE_SPREAD_NM = (25.0, 50.0), 0.8
_MOVING_SHARE, _MOVING_KN = 0.3, (1.0, 6.0)

Places = np.ndarray


def tracked_ships(logs: list[Log], scenes: pd.DataFrame) -> pd.DataFrame:
    """Ships with a diary, where they truly are, under the identity that they send at that moment."""
    return _joined([_ship(log, scenes) for log in logs])


def _ship(log: Log, scenes: pd.DataFrame) -> pd.DataFrame:
    seconds = scenes["seconds"].to_numpy()
    row = (seconds // SLOT_S).astype("int64") - log.first
    lat, lon = log.at(seconds)
    here = (row >= 0) & (row < len(log.lat) - 1) & within(scenes, lat, lon, _BORDER_NM)
    scene = np.flatnonzero(here)
    row, lat, lon, seconds = row[scene], lat[scene], lon[scene], seconds[scene]
    lat2, lon2 = log.at(seconds + SLOT_S)
    north = (lat2 - lat) * 60 * 3600 / SLOT_S
    east = (lon2 - lon) * 60 * np.cos(np.radians(lat)) * 3600 / SLOT_S
    heading = log.heading[row]
    names = [(slot, name.mmsi) for slot, name in log.identities]
    return pd.DataFrame(
        {
            "scene": scene,
            "lat": lat,
            "lon": lon,
            "north_kn": north,
            "east_kn": east,
            "heading": np.where(np.isnan(heading), np.degrees(np.arctan2(east, north)) % 360.0, heading),
            "length_m": log.ship.length_m,
            "beam_m": log.ship.beam_m,
            "alongside": log.mode[row] == MOORED,
            "tanker": log.ship.ship_type // 10 == 8,
            "laden": _valid(log.loads or [(0, False)], seconds).astype("bool"),
            "what": "ship",
            "mmsi": _valid(names, seconds),
        }
    )


def _valid(entries: Sequence[tuple[int, int]], seconds: np.ndarray) -> np.ndarray:
    """The entry that holds at each time, the first one before it."""
    slots, values = zip(*entries, strict=True)
    return np.array(values)[np.maximum(np.searchsorted(slots, seconds / SLOT_S, side="right") - 1, 0)]


def unknown_ships(sea: Sea, scenes: pd.DataFrame, days: int, rng: np.random.Generator, look: Looks) -> pd.DataFrame:
    """Work boats of the harbours, small craft on the lanes, and ordinary ships in the roads, all without AIS.

    Parameters
    ----------
    sea : Sea
    scenes : DataFrame
        From `plan_scenes`.
    days : int
        Length of the world [d].
    rng : Generator
    look : Looks

    Returns
    -------
    DataFrame
        Hulls.
    """
    frames = []
    for area in scenes["area"].unique():
        berths, lanes = _places(sea, area)
        for per_day, places, (length_m, stay_h, spread_nm) in (
            (look.boats_per_day, berths, _BOATS),
            (look.coasters_per_day, lanes, _COASTERS),
            (look.ships_per_day, berths, _SHIPS),
        ):
            n = int(rng.poisson(per_day * days)) if len(places) else 0
            first = rng.uniform(0, days * 86400, size=n)
            last = first + rng.uniform(*stay_h, size=n) * 3600
            hulls = _scattered(rng, n, places, spread_nm, length_m).assign(
                tanker=rng.random(n) < 0.25, laden=rng.random(n) < 0.5, what="unknown_ship"
            )
            speed = np.where(rng.random(n) < _MOVING_SHARE, rng.uniform(*_MOVING_KN, size=n), 0.0)
            course = np.radians(hulls["heading"])
            hulls = hulls.assign(north_kn=speed * np.cos(course), east_kn=speed * np.sin(course))
            frames.append(_shown(hulls, scenes, area, first, last))
    return _joined(frames)


def fixed_structures(sea: Sea, scenes: pd.DataFrame, look: Looks) -> pd.DataFrame:
    """Lights, buoys and barges that every image shows again, in every world of the same waters."""
    frames = []
    for area in scenes["area"].unique():
        rng = np.random.default_rng(zlib.crc32(f"{sea.name}/{area}".encode()))
        berths, lanes = _places(sea, area)
        places = np.vstack([berths, lanes]) if len(berths) < look.structures else berths
        n = look.structures if len(places) else 0
        hulls = _scattered(rng, n, places, _STRUCTURE_SPREAD_NM, _STRUCTURE_M).assign(
            tanker=False, laden=False, what="structure", north_kn=0.0, east_kn=0.0
        )
        frames.append(_shown(hulls, scenes, area, np.full(n, -np.inf), np.full(n, np.inf)))
    return _joined(frames)


def _scattered(
    rng: np.random.Generator, n: int, places: Places, spread_nm: float, length_m: tuple[float, float]
) -> pd.DataFrame:
    """Hulls about places taken at random."""
    near = places[rng.integers(len(places), size=n)] if n else np.empty((0, 2))
    north, east = rng.normal(0.0, spread_nm, size=(2, n))
    length = rng.uniform(*length_m, size=n)
    return pd.DataFrame(
        {
            "lat": near[:, 0] + north / 60,
            "lon": near[:, 1] + east / 60 / np.cos(np.radians(near[:, 0])),
            "heading": rng.uniform(0, 360, size=n),
            "length_m": length,
            "beam_m": length / 5.5,
            "alongside": np.zeros(n, dtype=bool),
            "mmsi": np.zeros(n, dtype="int64"),
        }
    )


def _shown(
    hulls: pd.DataFrame, scenes: pd.DataFrame, area: str, first_s: np.ndarray, last_s: np.ndarray
) -> pd.DataFrame:
    """One row per hull and scene of the area that it is within."""
    mine = scenes[scenes["area"] == area]
    seconds = mine["seconds"].to_numpy()
    there = (first_s[:, None] <= seconds) & (seconds <= last_s[:, None])
    there &= within(mine, hulls["lat"].to_numpy()[:, None], hulls["lon"].to_numpy()[:, None], _BORDER_NM)
    row, column = np.nonzero(there)
    return hulls.iloc[row].assign(scene=mine.index.to_numpy()[column])


@lru_cache(maxsize=64)
def _places(sea: Sea, area: str) -> tuple[Places, Places]:
    """Berths and roads, and points on the lanes, within the widest view of a watched area: (lat, lon) [deg]."""
    views = pd.DataFrame(
        [row for row in sea.watched if row[0] == area],
        columns=["area", "lat", "lon", "half_along_nm", "half_across_nm", "look"],
    ).assign(flight_deg=0.0)
    widest = views.sort_values("half_along_nm", kind="stable").tail(1)
    harbours = [place for port in sea.berths for place in (sea.place_of(port), sea.roads_of(port))]
    harbours += [place for row in sea.ports for place in (sea.place_of(row[0]), sea.roads_of(row[0]))]
    paths = [make_path(np.array([sea.points[one], sea.points[two]])) for one, two in (*sea.legs, *sea.one_way)]
    lanes = np.vstack([np.column_stack([path.lat, path.lon]) for path in paths])
    berths = np.unique(np.array(harbours), axis=0)
    inside = [points[within(widest, points[:, 0], points[:, 1], 0.0)] for points in (berths, lanes)]
    return inside[0], inside[1]


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """All hulls of several tables, those without any left out, since an empty table has no types to keep."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
