"""Which positions lie within reach of which places, for very many positions.

For a few places a bitmap of cells says where one can be near at all; only positions in a marked cell meet the exact
test, the chord between unit vectors. For thousands of places there is a tree. The sphere is the mean one of
`great_circle_nm`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM

__all__ = ["near_any", "near_cells", "near_pairs", "near_pairs_of_many"]

_ROWS = 512
"""Cells from pole to pole. A power of two, as the columns: then a mask of bits brings any turn of longitude home."""
_COLUMNS = 2 * _ROWS
_SIDE = np.pi / _ROWS
_HALF_DIAGONAL = 2 * np.arcsin(np.sqrt(2) * np.sin(_SIDE / 4))
"""No point of a cell is further from its centre [rad]: the haversine formula with both cosines at 1."""
_ROUNDING = 1e-9  # radians, 6 mm: more than the arithmetic of the bitmap can be off
_BLOCK = 1 << 15  # positions at a time: all steps stay in the cache
_PAIRS = 1 << 20  # position-place pairs at a time


def near_cells(place_lat: np.ndarray, place_lon: np.ndarray, radius_nm: np.ndarray) -> np.ndarray:
    """Mark the cells that touch the circle of any place; it may reach over the antimeridian and over a pole.

    Parameters
    ----------
    place_lat, place_lon : ndarray of float64, shape (p,)
        Known positions [deg].
    radius_nm : ndarray of float64, shape (p,)
        Not negative [nm].

    Returns
    -------
    ndarray of bool, shape (cells,)
        What `near_pairs` and `near_any` look positions up in. No cell with a position in reach is unmarked.
    """
    lat, lon = np.radians(place_lat), np.radians(place_lon)
    reach = np.minimum(radius_nm / EARTH_RADIUS_NM + _HALF_DIAGONAL + _ROUNDING, np.pi)
    first = np.clip(np.ceil((lat - reach + np.pi / 2) / _SIDE - 0.5), 0, _ROWS).astype("int64")
    last = np.clip(np.floor((lat + reach + np.pi / 2) / _SIDE - 0.5), -1, _ROWS - 1).astype("int64")
    place, row = expand(first, last - first + 1)
    half = _half_width(lat[place], (row + 0.5) * _SIDE - np.pi / 2, reach[place])
    centre = (lon[place] + np.pi) / _SIDE - 0.5
    begin = np.ceil(centre - half / _SIDE).astype("int64")
    width = np.minimum(np.floor(centre + half / _SIDE).astype("int64") + 1 - begin, _COLUMNS)
    some = width > 0
    row, begin, width = row[some], begin[some] % _COLUMNS, width[some]
    # Each circle opens and closes a run of cells in a row laid out twice, so that no run ends at the antimeridian.
    runs = np.zeros((_ROWS, 2 * _COLUMNS + 1), dtype="int64")
    np.add.at(runs, (row, begin), 1)
    np.add.at(runs, (row, begin + width), -1)
    marked = np.cumsum(runs[:, :-1], axis=1) > 0
    return (marked[:, :_COLUMNS] | marked[:, _COLUMNS:]).ravel()


def _half_width(place_lat: np.ndarray, lat: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Half the width in longitude of a circle at a latitude, negative where it does not come there [rad]."""
    top = np.cos(reach) - np.sin(place_lat) * np.sin(lat)
    bottom = np.maximum(np.cos(place_lat) * np.cos(lat), 1e-300)
    ratio = top / bottom
    return np.where(ratio > 1, -1.0, np.arccos(np.clip(ratio, -1.0, 1.0)))


def near_pairs(
    lat: np.ndarray, lon: np.ndarray, place_lat: np.ndarray, place_lon: np.ndarray, radius_nm: np.ndarray,
    cells: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Position and place of all pairs within the place's radius.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
        Positions, longitude in any turn [deg]; one that is NaN or out of range is near nothing.
    place_lat, place_lon, radius_nm : ndarray of float64, shape (p,)
    cells : ndarray of bool
        Of `near_cells` for the same places.

    Returns
    -------
    position, place : ndarray of int64, shape (pairs,)
        Sorted by (position, place).
    """
    found = [(np.empty(0, "int64"), np.empty(0, "int64")), *_hits(lat, lon, place_lat, place_lon, radius_nm, cells)]
    position, place = (np.concatenate(part) for part in zip(*found, strict=True))
    return position, place


def near_pairs_of_many(
    lat: np.ndarray, lon: np.ndarray, place_lat: np.ndarray, place_lon: np.ndarray, radius_nm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Position and place of all pairs within the place's radius, for many places of similar radius.

    Parameters
    ----------
    lat, lon, place_lat, place_lon, radius_nm : ndarray
        As in `near_pairs`.

    Returns
    -------
    position, place : ndarray of int64, shape (pairs,)
        Sorted by (position, place).
    """
    from scipy.spatial import cKDTree

    known = np.flatnonzero((np.abs(lat) <= 90) & np.isfinite(lon))
    if len(known) == 0 or len(place_lat) == 0:
        return np.empty(0, dtype="int64"), np.empty(0, dtype="int64")
    chord = 2 * np.sin(np.minimum(radius_nm / EARTH_RADIUS_NM, np.pi) / 2)
    widest = float(chord.max()) + _ROUNDING
    places = cKDTree(np.stack(_unit(place_lat, place_lon), axis=1))
    points = np.stack(_unit(lat[known], lon[known]), axis=1)
    # The nearest place decides cheaply which positions need to be looked at.
    close = np.flatnonzero(np.isfinite(places.query(points, distance_upper_bound=widest)[0]))
    tree = cKDTree(points[close], balanced_tree=False, compact_nodes=False)  # positions repeat
    found = tree.sparse_distance_matrix(places, widest, output_type="ndarray")
    found = found[found["v"] <= chord[found["j"]]]
    position, place = known[close[found["i"]]], found["j"]
    order = np.lexsort((place, position))
    return position[order], place[order]


def near_any(
    lat: np.ndarray, lon: np.ndarray, place_lat: np.ndarray, place_lon: np.ndarray, radius_nm: np.ndarray,
    cells: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Tell which positions are within the radius of at least one place.

    Parameters
    ----------
    lat, lon, place_lat, place_lon, radius_nm, cells : ndarray
        As in `near_pairs`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    near = np.zeros(len(lat), dtype=bool)
    for position, _ in _hits(lat, lon, place_lat, place_lon, radius_nm, cells):
        near[position] = True
    return near


def _hits(
    lat: np.ndarray, lon: np.ndarray, place_lat: np.ndarray, place_lon: np.ndarray, radius_nm: np.ndarray,
    cells: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Yield the pairs in reach, a bounded number of pairs tested at a time."""
    places = _unit(place_lat, place_lon)
    arc = radius_nm / EARTH_RADIUS_NM
    chord2 = np.where(arc < np.pi, (2 * np.sin(arc / 2)) ** 2, np.inf)
    step = max(_PAIRS // max(len(place_lat), 1), 1)
    for at in _candidates(lat, lon, cells):
        for low in range(0, len(at), step):
            some = at[low : low + step]
            known = (np.abs(lat[some]) <= 90) & np.isfinite(lon[some])
            some = some[known]
            squares = sum((a[:, None] - b) ** 2 for a, b in zip(_unit(lat[some], lon[some]), places, strict=True))
            i, j = np.nonzero(squares <= chord2)
            yield some[i], j


def _unit(lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lat, lon = np.radians(lat), np.radians(lon)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def _candidates(lat: np.ndarray, lon: np.ndarray, cells: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the positions in marked cells, block by block."""
    size = min(_BLOCK, len(lat))
    y, x = np.empty(size), np.empty(size)
    row, column = np.empty(size, dtype="int64"), np.empty(size, dtype="int64")
    for low in range(0, len(lat), _BLOCK):
        n = min(_BLOCK, len(lat) - low)
        _cell_numbers(lat[low : low + n], lon[low : low + n], y[:n], x[:n], row[:n], column[:n])
        hit = np.flatnonzero(cells.take(row[:n]))
        if len(hit):
            yield hit + low


def _cell_numbers(
    lat: np.ndarray, lon: np.ndarray, y: np.ndarray, x: np.ndarray, row: np.ndarray, column: np.ndarray
) -> None:
    """Write the cell of each position into `row`; what has no position gets some cell, for the exact test to refuse."""
    per_deg = _ROWS / 180.0
    with np.errstate(invalid="ignore"):
        np.add(lat, 90.0, out=y)
        np.multiply(y, per_deg, out=y)
        np.minimum(y, _ROWS - 1, out=y)
        np.add(lon, 180.0, out=x)
        np.multiply(x, per_deg, out=x)
        np.floor(x, out=x)
        np.copyto(row, y, casting="unsafe")
        np.copyto(column, x, casting="unsafe")
    row &= _ROWS - 1
    column &= _COLUMNS - 1
    row *= _COLUMNS
    row += column
