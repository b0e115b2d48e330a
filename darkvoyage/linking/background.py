"""Ships nobody told us about, and false alarms: how many there are at each place."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.grid import cell_of
from darkvoyage.linking.footprints import watched
from darkvoyage.linking.places import near_ports
from darkvoyage.linking.position import port_spread_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["counted_density", "recounted", "unknown_density"]

_OPEN_SEA = 0.01
"""Unknown ships per area away from ports, as a share of that at a port (2e-5 against 1e-2 per km2 and in between)."""
_LEAST_ODDS = 0.02
"""No detection is beyond doubt, nor beyond belief."""
_CELL_DEG = 0.1
_SPOT_DEG, _ALIKE = 1 / 1200, 0.25
"""Half of a spot [deg], and of a span of log lengths: what stands at one spot in picture after picture, and is of one
size, is no ship that came once."""
_COUNTED, _COUNTED_AT_SPOT = 1.0, 2.0
"""Sightings that the density before looking counts as."""


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


def counted_density(
    density: np.ndarray, sightings: pd.DataFrame, scenes: pd.DataFrame, unexplained: np.ndarray, rule: LinkRule
) -> np.ndarray:
    """Density of unknown ships and false alarms as the other images of a place show them [1/nm2], shape (n,).

    Sightings that no broadcasting ship explains over those expected in the images taken (Gamma prior), in cells of a
    tenth of a degree, and then for each length at each spot. A sighting says nothing of its own density.

    Parameters
    ----------
    density : ndarray of float64, shape (n,)
        Before looking; where no image is known of, it stays.
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    unexplained : ndarray of float64, shape (n,)
        Chance that no broadcasting ship explains the sighting.
    rule : LinkRule
    """
    lat, lon = sightings["lat"].to_numpy(), sightings["lon"].to_numpy()
    placed = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    if len(placed) == 0 or len(scenes) == 0:
        return density
    lat, lon, weight, before = lat[placed], lon[placed], unexplained[placed], density[placed]
    first, code = np.unique(cell_of(lat, lon, _CELL_DEG), return_index=True, return_inverse=True)[1:]
    looks = _looks(lat[first], lon[first], scenes)[code]
    narrow = np.cos(np.radians(lat))
    usual = (np.bincount(code, before) / np.bincount(code))[code] * looks * (60 * _CELL_DEG) ** 2 * narrow
    counted = before * (_COUNTED + np.bincount(code, weight)[code] - weight) / (_COUNTED + usual)
    if "length_m" in sightings:
        length = sightings["length_m"].to_numpy()[placed]
        measured = np.flatnonzero(length > 0)
        log = np.log(length[measured])
        keys = np.floor(np.stack([lat[measured] / _SPOT_DEG, lon[measured] / _SPOT_DEG, log / _ALIKE]))
        alike = _about(keys.astype("int64"), weight[measured]) - weight[measured]
        off = (log - np.log(rule.unknown_length_m)) / rule.unknown_length_log_sd
        share = 3 * _ALIKE * np.exp(-0.5 * off**2) / (rule.unknown_length_log_sd * np.sqrt(2 * np.pi))
        area = (3 * 60 * _SPOT_DEG) ** 2 * narrow[measured]
        usual = (counted * looks)[measured] * area * share
        counted[measured] *= (_COUNTED_AT_SPOT + alike) / (_COUNTED_AT_SPOT + usual)
    out = density.copy()
    out[placed] = np.where(looks > 0, counted, before)
    return out


def recounted(
    lit: pd.DataFrame, density: np.ndarray, sightings: pd.DataFrame, scenes: pd.DataFrame, ships: np.ndarray,
    rule: LinkRule,
) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
    """Hold broadcasting ships against the counted density in place of that before looking.

    Parameters
    ----------
    lit : DataFrame
        Of `broadcasting_pairs`.
    density : ndarray of float64, shape (n,)
        Before looking [1/nm2].
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    ships : ndarray of bool, shape (n,)
        Sightings that are not set aside.
    rule : LinkRule

    Returns
    -------
    lit : DataFrame
    density : ndarray of float64, shape (n,)
    """
    sighting, seen = lit["sighting"].to_numpy(), rule.p_detect_max / (1 - rule.p_detect_max)
    odds = np.bincount(sighting, seen * np.exp(np.minimum(lit["llr"].to_numpy(), 50.0)), minlength=len(density))
    counted = counted_density(density, sightings, scenes, ships / (1.0 + odds), rule)
    return lit.assign(llr=lit["llr"].to_numpy() + np.log(density / counted)[sighting]), counted


def _looks(lat: np.ndarray, lon: np.ndarray, scenes: pd.DataFrame) -> np.ndarray:
    """How many images were taken of the middle of the cell of each position, as far as they are clear, shape (n,)."""
    import shapely

    middle = [(np.floor(part / _CELL_DEG) + 0.5) * _CELL_DEG for part in (lon, lat)]
    clear = np.ones(len(scenes))
    if "clear_fraction" in scenes:
        clear = np.nan_to_num(scenes["clear_fraction"].to_numpy(), nan=1.0)
    cell, scene = shapely.STRtree(watched(scenes)).query(shapely.points(*middle), predicate="intersects")
    return np.bincount(cell, clear[scene], minlength=len(lat))


def _about(keys: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum of the weights in the bin of each column of `keys`, shape (3, n), and in the 26 about it, shape (n,)."""
    north, east, size = keys - keys.min(axis=1, initial=0, keepdims=True) + 1
    wide, deep = (int(key.max(initial=0)) + 2 for key in (east, size))
    key = (north * wide + east) * deep + size
    known, code = np.unique(key, return_inverse=True)
    of_bin = np.append(np.bincount(code, weight), 0.0)
    total = np.zeros(len(known))
    for step in (n * wide * deep + e * deep + s for n in (-1, 0, 1) for e in (-1, 0, 1) for s in (-1, 0, 1)):
        at = np.searchsorted(known, known + step)
        there = known[np.minimum(at, len(known) - 1)] == known + step
        total += of_bin[np.where(there, at, len(known))]
    return total[code]


def _against(sightings: pd.DataFrame) -> np.ndarray:
    """Odds against a real ship over those of the usual sighting, 1 where the detector says nothing."""
    if "confidence" not in sightings:
        return np.ones(len(sightings))
    p = sightings["confidence"].to_numpy(dtype="float64")
    odds = np.clip((1 - p) / np.maximum(p, 1e-9), _LEAST_ODDS, 1 / _LEAST_ODDS)
    usual = np.nanmedian(odds) if np.isfinite(odds).any() else 1.0
    return np.where(np.isfinite(odds), odds / usual, 1.0)
