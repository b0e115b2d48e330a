"""Ships nobody told us about, and false alarms: how many there are at each place.

A prior by place (ports, open sea) is corrected by what scenes of the place showed and nothing explained: counts in
cells, with the number of pictures as exposure and a gamma prior, each sighting judged by the others.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.grid import cell_centre, cell_of
from darkvoyage.linking.places import near_ports
from darkvoyage.linking.position import port_spread_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["learned_density", "unknown_density"]

_OPEN_SEA = 0.01
"""Unknown ships per area away from ports, as a share of that at a port (2e-5 against 1e-2 per km2 and in between)."""
_CELL_DEG = 0.1
_PRIOR_PICTURES = 2.0
"""What the prior counts, in pictures of the place."""
_CLEAR = 0.5
_LEAST_ODDS = 0.02
"""No detection is beyond doubt, nor beyond belief."""


def unknown_density(sightings: pd.DataFrame, ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Density of unknown ships and false alarms at each sighting before looking [1/nm2], shape (n,).

    High at ports, low at sea. False alarms count more where the detector was less confident: by the odds against a ship
    of its `confidence`, which is taken for the chance of a real one.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    ports : PORTS table
    rule : LinkRule
    """
    spread = 2 * port_spread_nm(ports, rule)
    point, port, distance = near_ports(sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), ports, spread)
    nearness = np.zeros(len(sightings))
    np.maximum.at(nearness, point, np.exp(-0.5 * (distance / spread[port]) ** 2))
    ships = rule.background_per_nm2 * (_OPEN_SEA + (1 - _OPEN_SEA) * nearness)
    return ships + rule.false_alarm_per_nm2 * _against(sightings)


def learned_density(
    prior_per_nm2: np.ndarray, sightings: pd.DataFrame, scenes: pd.DataFrame, p_unknown: np.ndarray
) -> np.ndarray:
    """Correct the density at each sighting by what the pictures of the place show of ships nobody knows.

    Parameters
    ----------
    prior_per_nm2 : ndarray of float64, shape (n,)
        Of `unknown_density` [1/nm2].
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
        Pictures of a cell without any sighting count too.
    p_unknown : ndarray of float64, shape (n,)
        What neither gaps nor broadcasting ships explain of each sighting.

    Returns
    -------
    ndarray of float64, shape (n,)
        [1/nm2]. A sighting does not count for its own place.
    """
    lat, lon = sightings["lat"].to_numpy(), sightings["lon"].to_numpy()
    out = prior_per_nm2.copy()
    row = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    cell, code = np.unique(cell_of(lat[row], lon[row], _CELL_DEG), return_inverse=True)
    area = 3600.0 * _CELL_DEG**2 * np.cos(np.radians(cell_centre(cell, _CELL_DEG)[0]))
    count = np.bincount(code, p_unknown[row], minlength=len(cell))
    usual = np.bincount(code, prior_per_nm2[row]) / np.maximum(np.bincount(code), 1)
    pictures = _pictures(cell, code, sightings.iloc[row], scenes)
    others = np.maximum(count[code] - p_unknown[row], 0.0)
    seen = others / area[code]
    out[row] = (_PRIOR_PICTURES * usual[code] + seen) / (_PRIOR_PICTURES + pictures[code])
    return out


def _pictures(cell: np.ndarray, code: np.ndarray, sightings: pd.DataFrame, scenes: pd.DataFrame) -> np.ndarray:
    """Pictures of each cell, at least those with a sighting in it, shape (cells,)."""
    import shapely

    seen = np.zeros(len(cell))
    if "scene_id" in sightings:
        table = pd.DataFrame({"cell": code, "scene": pd.factorize(sightings["scene_id"])[0]})
        distinct = table[table["scene"] >= 0].drop_duplicates()
        seen = np.bincount(distinct["cell"], minlength=len(cell)).astype("float64")
    if len(scenes) == 0:
        return seen
    if "clear_fraction" in scenes:
        scenes = scenes[~(scenes["clear_fraction"] < _CLEAR)]
    lat, lon = cell_centre(cell, _CELL_DEG)
    tree = shapely.STRtree(shapely.from_wkt(scenes["footprint"].to_numpy(dtype=object)))
    covered = np.bincount(tree.query(shapely.points(lon, lat), predicate="intersects")[0], minlength=len(cell))
    return np.maximum(seen, covered)


def _against(sightings: pd.DataFrame) -> np.ndarray:
    """Odds against a real ship over those of the usual sighting, 1 where the detector says nothing."""
    if "confidence" not in sightings:
        return np.ones(len(sightings))
    p = sightings["confidence"].to_numpy(dtype="float64")
    odds = np.clip((1 - p) / np.maximum(p, 1e-9), _LEAST_ODDS, 1 / _LEAST_ODDS)
    usual = np.nanmedian(odds) if np.isfinite(odds).any() else 1.0
    return np.where(np.isfinite(odds), odds / usual, 1.0)
