"""Cells of a regular longitude-latitude grid that wraps at the antimeridian, and windows of time."""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.sphere import wrap_lon

__all__ = ["cell_centre", "cell_of", "window_of"]


def cell_of(lat: np.ndarray, lon: np.ndarray, side_deg: float) -> np.ndarray:
    """Number of the grid cell of each point.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
        Known positions.
    side_deg : float
        Side of a cell [deg].

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    columns = int(np.ceil(360.0 / side_deg))
    x = np.minimum(((wrap_lon(lon) + 180.0) / side_deg).astype("int64"), columns - 1)
    y = ((np.clip(lat, -90.0, 90.0) + 90.0) / side_deg).astype("int64")
    return y * columns + x


def cell_centre(cell: np.ndarray, side_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of the centre of grid cells.

    Parameters
    ----------
    cell : ndarray of int64, shape (n,)
        As `cell_of`.
    side_deg : float
        Side of a cell [deg].

    Returns
    -------
    lat, lon : ndarray of float64, shape (n,)
    """
    y, x = np.divmod(cell, int(np.ceil(360.0 / side_deg)))
    return np.minimum((y + 0.5) * side_deg - 90.0, 90.0), wrap_lon((x + 0.5) * side_deg - 180.0)


def window_of(time_us: np.ndarray, window_min: float) -> np.ndarray:
    """Number of the time window since 1970, shape (n,)."""
    return time_us // round(window_min * 60e6)
