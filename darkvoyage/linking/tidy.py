"""Sightings that need no silent ship: the same hull in two slices of one pass, things that never move, gear.

They stay in the links with their reason; nothing is dropped.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM
from darkvoyage.linking.footprints import watched
from darkvoyage.linking.places import near_ports
from darkvoyage.linking.sensors import sensors_of
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.times import time_us
from darkvoyage.units import M_PER_NM

__all__ = ["duplicates", "set_aside", "structures"]

_SAME_S, _SAME_NM, _SAME_LENGTH = 60.0, 300.0 / M_PER_NM, 2.0
"""Slices and tiles of one pass overlap: the same hull within a minute, 300 m and a factor of two in length."""
_FIXED_NM, _NEIGHBOURS = 50.0 / M_PER_NM, 8
_FIXED_PASSES, _FIXED_SHARE, _FIXED_LENGTH = 3, 0.8, 1.5
"""A structure is in three pictures at least, in nearly all that were taken, and looks alike in them."""
_CLEAR = 0.5
_NO_VESSEL = r"\b(?:buoys?|fishing.gear|nets?|fads?)\b"
"""Classes of what floats and is no vessel: nets, buoys, fish aggregating devices."""


def set_aside(sightings: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame) -> pd.Series:
    """Say why a sighting needs no ship that is silent: "duplicate", "structure" or "gear", else null.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    ports : PORTS table

    Returns
    -------
    Series of n rows
    """
    reason = pd.Series(None, index=sightings.index, dtype="str")
    if "mmsi" in sightings:
        number = sightings["mmsi"].to_numpy(dtype="float64", na_value=np.nan)
        known = np.flatnonzero(np.isfinite(number))
        reason.iloc[known[is_equipment(number[known].astype("int64"))]] = "gear"
    if "vessel_class" in sightings:
        reason[sightings["vessel_class"].str.contains(_NO_VESSEL, case=False).fillna(False).to_numpy(dtype=bool)] = (
            "gear"
        )
    reason[structures(sightings, scenes, ports)] = "structure"
    reason[duplicates(sightings)] = "duplicate"
    return reason


def duplicates(sightings: pd.DataFrame) -> np.ndarray:
    """Tell which sightings repeat one of another scene of the same pass, shape (n,).

    Two sightings of different scenes are one hull if each is the other's nearest there, within 60 s, 300 m and a factor
    of two in length; the one of lower confidence repeats the other. Two of one scene are two ships, however close.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    """
    repeated = np.zeros(len(sightings), dtype=bool)
    if "scene_id" not in sightings:
        return repeated
    scene = pd.factorize(sightings["scene_id"])[0]
    row = np.flatnonzero((scene >= 0) & np.isfinite(sightings["lat"]) & np.isfinite(sightings["lon"]))
    some = sightings.iloc[row]
    point = EARTH_RADIUS_NM * unit_vectors(some["lat"].to_numpy(), some["lon"].to_numpy())
    # Time as a fourth axis, so that only what is near in both is paired.
    when = time_us(some["timestamp"]) / 1e6
    when = (when - when.min(initial=np.inf)) / _SAME_S * _SAME_NM if len(when) else when
    pairs = cKDTree(np.c_[point, when]).query_pairs(np.sqrt(2.0) * _SAME_NM, output_type="ndarray") if len(row) else []
    a, b = np.asarray(pairs, dtype="int64").reshape(-1, 2).T
    away = np.sqrt(((point[a] - point[b]) ** 2).sum(axis=1))
    sensor = sensors_of(some)
    fits = (away <= _SAME_NM) & (np.abs(when[a] - when[b]) <= _SAME_NM) & (sensor[a] == sensor[b])
    fits &= scene[row[a]] != scene[row[b]]
    if "length_m" in some:
        length = np.log(some["length_m"].to_numpy())
        fits &= ~(np.abs(length[a] - length[b]) > np.log(_SAME_LENGTH))
    a, b, away = a[fits], b[fits], away[fits]
    nearest = _nearest(np.r_[a, b], scene[row[np.r_[b, a]]], np.r_[away, away])
    mutual = nearest[: len(a)] & nearest[len(a) :]
    place = _precedence(some)
    repeated[row[np.where(place[a] > place[b], a, b)[mutual]]] = True
    return repeated


def structures(sightings: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame) -> np.ndarray:
    """Tell which sightings show something that is there in nearly every scene, within 50 m and of one size, shape (n,).

    Not inside ports, where berths are taken by one ship after the other. Without scenes nothing is known of the passes
    in which there was nothing, and nothing is told.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    ports : PORTS table
    """
    fixed = np.zeros(len(sightings), dtype=bool)
    lat, lon = sightings["lat"].to_numpy(), sightings["lon"].to_numpy()
    known = np.isfinite(lat) & np.isfinite(lon)
    if len(scenes) < _FIXED_PASSES or "scene_id" not in sightings or not known.any():
        return fixed
    known &= sightings["scene_id"].notna().to_numpy()
    known[near_ports(lat, lon, ports, ports["radius_nm"].to_numpy() / 4)[0]] = False
    row = np.flatnonzero(known)
    point = EARTH_RADIUS_NM * unit_vectors(lat[row], lon[row])
    place, centre = _clusters(point)
    length = sightings["length_m"].to_numpy()[row] if "length_m" in sightings else np.full(len(row), np.nan)
    table = pd.DataFrame({"scene": pd.factorize(sightings["scene_id"])[0][row], "length": length, "place": place})
    table["away"] = np.sqrt(((point - centre[place]) ** 2).sum(axis=1))
    of_place = table.groupby("place")
    seen = of_place["scene"].nunique().to_numpy()
    longest, shortest = of_place["length"].max().to_numpy(), of_place["length"].min().to_numpy()
    still = (seen >= _FIXED_PASSES) & (of_place["away"].max().to_numpy() <= _FIXED_NM)
    still &= ~(longest > _FIXED_LENGTH * shortest)
    some = np.flatnonzero(still)
    still[some] = seen[some] >= _FIXED_SHARE * _passes(centre[some], scenes)
    fixed[row] = still[place]
    return fixed


def _clusters(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of points that are neighbours within 50 m, numbered, and the mean of the positions of each."""
    distinct, which = np.unique(point, axis=0, return_inverse=True)
    away, near = cKDTree(distinct).query(distinct, k=_NEIGHBOURS, distance_upper_bound=_FIXED_NM)
    start, rank = np.nonzero(np.isfinite(away))
    graph = coo_array((np.ones(len(start)), (start, near[start, rank])), shape=(len(distinct),) * 2)
    number, label = connected_components(graph, directed=False)
    count = np.bincount(label, minlength=number)
    centre = np.stack([np.bincount(label, axis) / count for axis in distinct.T], axis=1)
    return label[which.ravel()], centre


def _passes(centre: np.ndarray, scenes: pd.DataFrame) -> np.ndarray:
    """How many scenes with a clear sky cover each place, shape (n,)."""
    import shapely

    if "clear_fraction" in scenes:
        scenes = scenes[~(scenes["clear_fraction"] < _CLEAR)]
    lat = np.degrees(np.arcsin(np.clip(centre[:, 2] / EARTH_RADIUS_NM, -1.0, 1.0)))
    lon = np.degrees(np.arctan2(centre[:, 1], centre[:, 0]))
    tree = shapely.STRtree(watched(scenes))
    place = tree.query(shapely.points(lon, lat), predicate="intersects")[0]
    return np.bincount(place, minlength=len(centre))


def _nearest(a: np.ndarray, other_scene: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Whether each pair is the nearest of its first member in that other scene."""
    best = pd.DataFrame({"a": a, "scene": other_scene, "away": away}).groupby(["a", "scene"])["away"].transform("min")
    return best.to_numpy() == away


def _precedence(sightings: pd.DataFrame) -> np.ndarray:
    """Place of each sighting in the order of confidence, then of names, shape (n,)."""
    confidence = np.zeros(len(sightings))
    if "confidence" in sightings:
        confidence = np.nan_to_num(sightings["confidence"].to_numpy(dtype="float64"))
    name = sightings["sighting_id"].to_numpy(dtype=object).astype("U")
    place = np.empty(len(sightings), dtype="int64")
    place[np.lexsort((name, -confidence))] = np.arange(len(sightings))
    return place
