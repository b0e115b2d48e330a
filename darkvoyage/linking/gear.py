"""Nets, buoys and other equipment with transponders: they are no ships, and explain no sighting.

An operational correlator took net buoys for the ship beside them in 38 of its 39 deviating answers (Kroodsma et al.
2022). But not every number of no ship's form is a buoy: squid jiggers use 150 numbers, tugs of San Francisco 900 ones.
Of such a number it takes a swarm that drifts and says nothing of a hull.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM
from darkvoyage.schema.ais import STAND_IN_BASE, is_equipment
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["gear", "swarms"]

_BUOY_NAME = r"%|\b\d+(?:[.,]\d+)?\s*V\d?\s*$|\bBUOY\b|\bNET\s*(?:MARK|FISH|\d)"
"""Net buoys send their battery as a name: "NET 12.3V", "FISH 87%", "17-15 7V6" (Kroodsma et al. 2022, exactEarth)."""
_SHIPS = 200_000_000, 800_000_000
"""First numbers of ships and beyond them (ITU-R M.585-9)."""
_DRIFT_KN, _HULL_M = 3.0, 15.0
"""Nine of ten net buoys of the Indian Ocean were reported no faster; none names a length of a ship that radar sees."""
_HULL_TYPES = 31, 99
"""Ship types of more than fishing boats; buoys send 0, 30 or what is reserved."""
_SWARM, _SWARM_NM, _SWARM_H = 3, 10.0, 6.0
"""A long line or a net has many, some miles apart. None of 96 vessels with odd numbers off South America that people
checked is in such a swarm; of 31 odd numbers that are no equipment by their form, in the Indian Ocean, 4 are."""


def gear(fixes: pd.DataFrame) -> np.ndarray:
    """Tell which messages come from nets, buoys and other equipment: by MMSI, by name, or as a swarm, shape (n,).

    Parameters
    ----------
    fixes : FIXES table of n rows
    """
    named = np.zeros(len(fixes), dtype=bool)
    if "name" in fixes:
        named = fixes["name"].str.upper().str.contains(_BUOY_NAME).fillna(False).to_numpy(dtype=bool)
    return is_equipment(fixes["mmsi"].to_numpy()) | named | swarms(fixes, named)


def swarms(fixes: pd.DataFrame, named: np.ndarray) -> np.ndarray:
    """Tell which messages come from a swarm: three numbers or more of no ship that drift within some miles, shape (n,).

    Each has the name of a buoy, or no ship's form and no hull to it, and is never faster than a drift.

    Parameters
    ----------
    fixes : FIXES table of n rows
    named : ndarray of bool, shape (n,)
        Which have the name of a buoy.
    """
    number = fixes["mmsi"].to_numpy()
    odd = ((number < _SHIPS[0]) | (number >= _SHIPS[1])) & (number < STAND_IN_BASE)
    row = np.flatnonzero((odd | named) & np.isfinite(fixes["lat"] + fixes["lon"]))
    some = fixes.iloc[row]
    adrift = _most(some, "sog") <= _DRIFT_KN
    kind = _most(some, "ship_type")
    hull = (_most(some, "length_m") >= _HULL_M) | ((kind >= _HULL_TYPES[0]) & (kind <= _HULL_TYPES[1]))
    row, some = row[adrift & ~hull], some[adrift & ~hull]
    # One place of each number in a span of time; spans lie so far apart that none is near another.
    span = time_us(some["timestamp"]) // round(_SWARM_H * US_PER_H)
    first = ~pd.MultiIndex.from_arrays([span, number[row]]).duplicated()
    lat, lon = (some[name].to_numpy()[first] for name in ("lat", "lon"))
    apart = span[first] - span.min(initial=0)
    point = np.c_[unit_vectors(lat, lon) * EARTH_RADIUS_NM, 2.0 * _SWARM_NM * apart]
    near = (
        cKDTree(point).query(point, k=[_SWARM], distance_upper_bound=_SWARM_NM)[0] if len(point) else np.empty((0, 1))
    )
    swarming = number[row][first][np.isfinite(near[:, 0])]
    out = np.zeros(len(fixes), dtype=bool)
    out[row] = np.isin(number[row], swarming)
    return out


def _most(fixes: pd.DataFrame, name: str) -> np.ndarray:
    """Largest value of a column over all messages of each number, NaN where there is none, shape (n,)."""
    if name not in fixes:
        return np.full(len(fixes), np.nan)
    return fixes[name].astype("float64").groupby(fixes["mmsi"].to_numpy()).transform("max").to_numpy()
