"""The part of each scene in which a ship would be detected."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.units import M_PER_NM

__all__ = ["watched"]

_BORDER_DEG = 500.0 / M_PER_NM / 60.0
"""Detectors find no ship within 500 m of the border of an image (Paolo et al. 2024 leave out what is nearer)."""
_IMAGE = 0.5
"""What would lose more than this to its border is no image: somebody looked at a berth in a larger one."""
_LEAST_COSINE = 0.01


def watched(scenes: pd.DataFrame) -> np.ndarray:
    """Footprints without the border along which nothing is detected, shape (n,) of polygons.

    The antimeridian is no border. Footprints so small that little would be left are kept whole: the rows of an
    analyst's spreadsheet vouch for a berth, which lay somewhere inside an image.

    Parameters
    ----------
    scenes : SCENES table of n rows
    """
    import shapely

    shape = np.asarray(shapely.from_wkt(scenes["footprint"].to_numpy(dtype=object)), dtype=object)
    if len(shape) == 0:
        return shape
    west, south, east, north = shapely.bounds(shape).T
    # What continues on the other side is laid beside itself, a turn to either side.
    round_ = np.flatnonzero((west <= -180.0) & (east >= 180.0))
    turns = [_scaled(shape[round_], np.ones(len(round_)), turn) for turn in (-360.0, 0.0, 360.0)]
    whole = shape.copy()
    whole[round_] = shapely.union_all(np.stack(turns, axis=1), axis=1) if len(round_) else []
    cosine = np.maximum(np.cos(np.radians((south + north) / 2)), _LEAST_COSINE)
    inner = shapely.buffer(_scaled(whole, cosine), -_BORDER_DEG, join_style="mitre")
    inner = _scaled(inner, 1.0 / cosine)
    inner[round_] = shapely.intersection(inner[round_], shapely.box(-180.0, -90.0, 180.0, 90.0))
    return np.where(shapely.area(inner) < _IMAGE * shapely.area(shape), shape, inner)


def _scaled(shape: np.ndarray, by: np.ndarray, turn: float = 0.0) -> np.ndarray:
    """Shapes with their longitudes multiplied, and turned, shape (n,)."""
    import shapely

    corner, owner = shapely.get_coordinates(shape, return_index=True)
    corner[:, 0] = corner[:, 0] * by[owner] + turn
    return np.asarray(shapely.set_coordinates(shape.copy(), corner), dtype=object)
