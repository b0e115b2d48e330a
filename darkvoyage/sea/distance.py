"""Distances by sea between places and points, around land."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import bearing, great_circle_nm, wrap_lon
from darkvoyage.rules.sea import SeaRule
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import FIXES, PORTS, SEA_DISTANCES, TableSpec
from darkvoyage.sea.cache import FieldCache
from darkvoyage.sea.coast import on_land
from darkvoyage.sea.field import LAND, NOT_REACHED, REACHES_NM, Field, Level, build_field, cells_near, way_out
from darkvoyage.units import M_PER_NM

__all__ = ["FIELDS", "POINTS", "Legs", "sea_distance", "sea_legs"]

POINTS = TableSpec("points", tuple(column for column in FIXES.columns if column.name in ("lat", "lon")), ("lat", "lon"))
_PLACES = TableSpec("PORTS", tuple(c for c in PORTS.columns if c.name in ("port_id", "lat", "lon")), ("port_id",))
FIELDS = FieldCache()
"""Fields of this process."""
_BLOCK, _SNAP_BLOCK = 200_000, 2_000
_WINDING = 1.2
"""A field is first made this much further than its furthest point is off in a straight line."""
_NEAR_NM = 3.0
"""A bend nearer than this to a point says little of its course: the bend after it is steered for."""
_POINT_ON_LAND, _PLACE_ON_LAND = 1, 2
_WAY_OUT = lru_cache(maxsize=10_000)(way_out)


@dataclass(frozen=True)
class Legs:
    """Ways by sea, one per pair of a place and a point.

    Parameters
    ----------
    could_nm : ndarray of float64, shape (n,)
        Lower bound: no shorter than the great circle; infinite where no way by water leads there.
    likely_nm : ndarray of float64, shape (n,)
        What a ship sails on average: the shortest way on the raster and `SeaRule.detour_share`; infinite where there is
        none within what was asked for.
    bearing_deg : ndarray of float64, shape (n,)
        Course on leaving the point towards the place [0, 360); a ship that arrives from the place steers this + 180.
        NaN where there is no way.
    snapped : ndarray of int8, shape (n,)
        0, or 1 where the point lay on land, 2 where the place did, 3 for both. Who is further inland than
        `SeaRule.snap_km`, on rivers and lagoons that the coastline shows no way out of, goes to the sea in a straight
        line, which is less than the river: a lower bound still.
    """

    could_nm: np.ndarray
    likely_nm: np.ndarray
    bearing_deg: np.ndarray
    snapped: np.ndarray


def sea_legs(
    place_lat: np.ndarray,
    place_lon: np.ndarray,
    place: np.ndarray,
    lat: np.ndarray,
    lon: np.ndarray,
    *,
    within_nm: np.ndarray | float | None = None,
    rule: SeaRule | None = None,
) -> Legs:
    """Return the ways by sea between places and points.

    Parameters
    ----------
    place_lat, place_lon : ndarray of float64, shape (p,)
    place : ndarray of int64, shape (n,)
        Index of the place of each pair.
    lat, lon : ndarray of float64, shape (n,)
        The points; NaN gives no way.
    within_nm : ndarray of float64, shape (p,), or float, optional
        Ways longer than this need not be known and come out as infinite; all are found when it is absent [nm].
    rule : SeaRule, optional

    Returns
    -------
    Legs
    """
    rule = rule or SeaRule()
    place, lat, lon = (
        np.asarray(place, dtype="int64"),
        np.asarray(lat, dtype="float64"),
        np.asarray(lon, dtype="float64"),
    )
    place_lat, place_lon = (np.asarray(values, dtype="float64") for values in (place_lat, place_lon))
    reach = np.broadcast_to(np.inf if within_nm is None else np.asarray(within_nm, dtype="float64"), len(place_lat))
    straight = great_circle_nm(place_lat[place], place_lon[place], lat, lon)
    ways = _shortest(place_lat, place_lon, place, lat, lon, reach, rule)
    ashore = (ways.snapped & _POINT_ON_LAND) > 0
    inland = np.flatnonzero(np.isinf(ways.nm) & ashore & (straight <= reach[place]))
    away = np.zeros(len(place))
    if len(inland):
        away[inland] = _by_way_out(ways, inland, place_lat, place_lon, place, lat, lon, reach, rule)
    # Who is nearer to a place inland than both are to the sea is on its river.
    beside = np.flatnonzero((ways.inland_nm > 0) & (straight <= np.minimum(ways.inland_nm + away, reach[place])))
    ways.nm[beside] = straight[beside]
    ways.course_deg[beside] = bearing(lat[beside], lon[beside], place_lat[place[beside]], place_lon[place[beside]])
    shortest, course = ways.nm, ways.course_deg
    course[np.isinf(shortest)] = np.nan
    shortest = np.maximum(shortest, np.where(np.isnan(straight), np.inf, straight))
    could = np.maximum(shortest * (1.0 - rule.bias_share), straight)
    return Legs(could, shortest * (1.0 + rule.detour_share), course, ways.snapped)


@dataclass(frozen=True)
class _Ways:
    """Shortest ways [nm], courses on leaving points [deg], who was moved or lies on land, places inland by [nm]."""

    nm: np.ndarray
    course_deg: np.ndarray
    snapped: np.ndarray
    inland_nm: np.ndarray


def _shortest(
    place_lat: np.ndarray, place_lon: np.ndarray, place: np.ndarray, lat: np.ndarray, lon: np.ndarray,
    reach_nm: np.ndarray, rule: SeaRule,
) -> _Ways:  # fmt: skip
    """Look pairs up in the fields of the places."""
    shortest = np.full(len(place), np.inf)
    course = np.full(len(place), np.nan)
    snapped, dry = np.zeros(len(place), dtype="int8"), np.zeros(len(place), dtype=bool)
    inland = np.zeros(len(place))
    straight = great_circle_nm(place_lat[place], place_lon[place], lat, lon)
    order = np.argsort(place, kind="stable")
    starts = group_starts(place[order])
    for low, high in zip(starts, np.append(starts, len(order))[1:], strict=True):
        k = int(place[order[low]])
        if not np.isfinite(place_lat[k] + place_lon[k]):
            continue
        rows = left = order[low:high]
        furthest = float(np.nanmax(straight[rows], initial=0.0))
        for wanted in _reaches(furthest, float(reach_nm[k])):
            field = FIELDS.get(float(place_lat[k]), float(wrap_lon(place_lon[k])), wanted, rule, build_field)
            for some in np.array_split(left, len(left) // _BLOCK + 1):
                shortest[some], course[some], dry[some] = _look_up(field, lat[some], lon[some], rule)
                snapped[some] = _PLACE_ON_LAND if field.on_land else 0
            left = left[np.isinf(shortest[left])]
            if not len(left):
                break
        shortest[rows[shortest[rows] > reach_nm[k]]] = np.inf
        inland[rows] = field.inland_nm(rule)
    snapped[dry] += np.where(_unique_on_land(lat[dry], lon[dry]), _POINT_ON_LAND, 0).astype("int8")
    return _Ways(shortest, course, snapped, inland)


def _by_way_out(
    ways: _Ways, rows: np.ndarray, place_lat: np.ndarray, place_lon: np.ndarray, place: np.ndarray, lat: np.ndarray,
    lon: np.ndarray, reach_nm: np.ndarray, rule: SeaRule,
) -> np.ndarray:  # fmt: skip
    """Fill in the ways of points far inland, in a straight line to the sea and on from there; how far inland [nm]."""
    points, number = np.unique(np.column_stack([lat[rows], lon[rows]]), axis=0, return_inverse=True)
    out = np.array([_WAY_OUT(float(each_lat), float(each_lon), rule) for each_lat, each_lon in points])
    out_lat, out_lon, away = out[number.ravel()].T
    away[np.isinf(away)] = 0.0
    far = np.flatnonzero(away > 0)
    pairs = rows[far]
    on = _shortest(place_lat, place_lon, place[pairs], out_lat[far], out_lon[far], reach_nm, rule)
    way = on.nm + away[far]
    way[way > reach_nm[place[pairs]]] = np.inf
    ways.nm[pairs], ways.course_deg[pairs] = way, on.course_deg
    ways.snapped[pairs] |= _POINT_ON_LAND
    return away


def sea_distance(
    points: Any, ports: Any, *, within_nm: float | None = None, rule: SeaRule | None = None
) -> pd.DataFrame:
    """Measure the way by sea from every point to every port.

    Parameters
    ----------
    points : DataFrame or Arrow stream
        `lat`, `lon` of any table: fixes, sightings, ports.
    ports : DataFrame or Arrow stream
        PORTS, bundled or the user's own.
    within_nm : float, optional
        Longer ways need not be known and come out as null, which is much faster: a port's field is made as far as this
        [nm].
    rule : SeaRule, optional
        Passages to close or open, and how far a position on land is moved.

    Returns
    -------
    DataFrame
        SEA_DISTANCES: one row per point and port, by position of the point. Distances and the course are null where no
        way by water is known.

    Differs from
    ------------
    searoute, which snaps both ends to a network of sea lanes: here open water is measured along great circles.
    """
    points = conform(points, POINTS)
    ports = conform(ports, _PLACES)
    number = np.repeat(np.arange(len(points)), len(ports))
    port = np.tile(np.arange(len(ports)), len(points))
    lat, lon = (points[name].to_numpy(dtype="float64") for name in ("lat", "lon"))
    port_lat, port_lon = (ports[name].to_numpy(dtype="float64") for name in ("lat", "lon"))
    legs = sea_legs(port_lat, port_lon, port, lat[number], lon[number], within_nm=within_nm, rule=rule)
    return finish(
        {
            "lat": lat[number],
            "lon": lon[number],
            "port_id": ports["port_id"].take(port).to_numpy(),
            "great_circle_nm": great_circle_nm(port_lat[port], port_lon[port], lat[number], lon[number]),
            "could_nm": _known(legs.could_nm),
            "likely_nm": _known(legs.likely_nm),
            "bearing_deg": legs.bearing_deg,
            "point_on_land": (legs.snapped & _POINT_ON_LAND) > 0,
            "port_on_land": (legs.snapped & _PLACE_ON_LAND) > 0,
        },
        SEA_DISTANCES,
    )


def _reaches(furthest_nm: float, within_nm: float) -> list[float]:
    """How far to make a field: first as far as its points suggest, then on until the ways asked for must be in it."""
    last = next(each for each in REACHES_NM if each >= within_nm or np.isinf(each))
    return [each for each in REACHES_NM if _WINDING * furthest_nm <= each < last] + [last]


def _known(distance: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(distance), distance, np.nan)


def _look_up(
    field: Field, lat: np.ndarray, lon: np.ndarray, rule: SeaRule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance and course of points around one place, and which of them do not lie in a cell of water."""
    away, course = np.full(len(lat), np.inf), np.full(len(lat), np.nan)
    dry = np.zeros(len(lat), dtype=bool)
    left = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon) & (np.abs(lat) <= 90.0))
    for level in field.levels:
        cell = level.window.cell(lat[left], lon[left])
        anchor = np.where(cell >= 0, level.anchor[cell], NOT_REACHED)
        known = anchor >= 0
        rows = left[known]
        away[rows], course[rows] = _over(field, anchor[known], lat[rows], lon[rows])
        dry[left] = anchor == LAND
        # Before a coarser level is asked, so that it makes no difference how far the field reaches.
        ashore = left[dry[left]]
        cells, gap = _nearest(level, lat[ashore], lon[ashore], rule)
        rows, cells, gap = ashore[cells >= 0], cells[cells >= 0], gap[cells >= 0]
        to_water, course[rows] = _over(field, level.anchor[cells], *level.window.centre(cells))
        away[rows] = to_water + gap
        left = left[np.isinf(away[left])]
    return away, course, dry


def _nearest(level: Level, lat: np.ndarray, lon: np.ndarray, rule: SeaRule) -> tuple[np.ndarray, np.ndarray]:
    """Nearest cell that the wave reached, -1 where none is near, and how far its centre is [nm]."""
    radius = rule.snap_km * 1000.0 / M_PER_NM + 60.0 * level.window.side_deg
    out, gap = np.full(len(lat), -1, dtype="int64"), np.full(len(lat), np.inf)
    inside = np.flatnonzero(level.window.cell(lat, lon) >= 0)
    for rows in np.array_split(inside, len(inside) // _SNAP_BLOCK + 1):
        cells = cells_near(level.window, lat[rows], lon[rows], radius)
        cells = np.where((cells >= 0) & (level.anchor[cells] >= 0), cells, -1)
        away = great_circle_nm(lat[rows, None], lon[rows, None], *level.window.centre(cells))
        away[(cells < 0) | (away > radius)] = np.inf
        best = away.argmin(axis=1)
        each = np.arange(len(rows))
        gap[rows] = away[each, best]
        out[rows] = np.where(np.isfinite(gap[rows]), cells[each, best], -1)
    return out, gap


def _over(field: Field, anchor: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance over a bend, and the course towards it or, when it is close, towards the one after."""
    bends = field.anchors
    ahead = great_circle_nm(lat, lon, bends.lat[anchor], bends.lon[anchor])
    away = bends.base_nm[anchor] + ahead
    for _ in range(2):
        parent = bends.parent[anchor]
        anchor = np.where((ahead < _NEAR_NM) & (parent >= 0), parent, anchor)
        ahead = great_circle_nm(lat, lon, bends.lat[anchor], bends.lon[anchor])
    return away, bearing(lat, lon, bends.lat[anchor], bends.lon[anchor])


def _unique_on_land(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """`on_land`, asked once for each point."""
    points, number = np.unique(np.column_stack([lat, lon]).reshape(-1, 2), axis=0, return_inverse=True)
    return on_land(points[:, 0], points[:, 1])[number.ravel()]
