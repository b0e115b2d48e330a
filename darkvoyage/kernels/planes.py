"""Planes that touch the globe at many origins, and where points lie in them.

Unit vectors of origins and points are made once; a point in a plane is then a few products and one arc sine, where
haversine and bearing take a dozen of trigonometric functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM

__all__ = ["Planes", "chord2_of", "points_along", "squared_chord"]


@dataclass(frozen=True)
class Planes:
    """Azimuthal equidistant planes of n origins.

    Parameters
    ----------
    axes : ndarray of float64, shape (n, 3, 3)
        Unit vectors up, to the east and to the north of each origin; NaN without a position.
    """

    axes: np.ndarray

    @classmethod
    def of(cls, lat: np.ndarray, lon: np.ndarray) -> Planes:
        """Planes of origins [deg], shape (n,)."""
        up = unit_vectors(lat, lon)
        east = np.stack([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), np.zeros(len(up))], axis=-1)
        return cls(np.stack([up, east, np.cross(up, east)], axis=1))

    @property
    def up(self) -> np.ndarray:
        """Unit vectors of the origins, shape (n, 3)."""
        return self.axes[:, 0]

    def offset(self, origin: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """East and north of points in the planes of some origins [nm].

        Parameters
        ----------
        origin : ndarray of int64, shape (m,)
        point : ndarray of float64, shape (m, 3)
            Unit vectors.

        Returns
        -------
        east_nm, north_nm : ndarray of float64, shape (m,)
        """
        axes = self.axes[origin]
        away = 2 * EARTH_RADIUS_NM * np.arcsin(np.minimum(np.sqrt(squared_chord(axes[:, 0], point)) / 2, 1.0))
        east, north = (np.einsum("ij,ij->i", axes[:, axis], point) for axis in (1, 2))
        level = np.hypot(east, north)
        per = np.divide(away, level, out=np.zeros_like(away), where=level > 0)
        return np.where(np.isfinite(away), east * per, np.nan), np.where(np.isfinite(away), north * per, np.nan)


def squared_chord(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared distance of unit vectors through the globe, its radius as 1, shape (n,)."""
    off = one - other
    return np.einsum("ij,ij->i", off, off)


def chord2_of(distance_nm: np.ndarray) -> np.ndarray:
    """Squared chord of great-circle distances, no point being beyond half the globe round, shape (n,)."""
    half = np.maximum(distance_nm / (2 * EARTH_RADIUS_NM), 0.0)
    return np.where(half < np.pi / 2, np.square(2 * np.sin(np.minimum(half, np.pi / 2))), np.inf)


def points_along(one: np.ndarray, other: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Unit vectors at fractions of the chords between two, as `sphere.interpolate`; NaN between antipodes.

    Parameters
    ----------
    one, other : ndarray of float64, shape (n, 3)
    fraction : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n, 3)
    """
    point = one + fraction[:, None] * (other - one)
    length = np.sqrt(np.einsum("ij,ij->i", point, point))
    return point / np.where(length > 1e-9, length, np.nan)[:, None]
