"""The field of a place: at every cell of water around it, the first bend of the shortest way there.

Cells are small near the place and larger farther out. Each level goes on from where the finer one ended, so that the
harbour, the river and the strait at the place are seen in detail and an ocean costs little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.coast import on_land
from darkvoyage.sea.raster import Window, water_grid, window_around
from darkvoyage.sea.wave import Anchors, Grid, State, blank_state, spread
from darkvoyage.units import M_PER_NM

__all__ = ["LAND", "NOT_REACHED", "REACHES_NM", "Field", "Level", "build_field", "cells_near", "way_out"]

_LEVELS = ((0.02, 60.0), (0.05, 250.0), (0.1, 1000.0), (0.25, 2500.0), (1.0, math.inf))
"""Side of a cell [deg] and the distance by sea that it is used up to [nm]."""
REACHES_NM = (250.0, 500.0, 1000.0, 2500.0, 6000.0, math.inf)
"""A field is made as far as the first of these that is enough [nm]."""
NOT_REACHED, LAND = -1, -2
"""In place of a bend: water that the wave did not come to, and land."""
_WHOLE_NM = 1e5
_INLAND_NM = _LEVELS[0][1]
"""Who is further inland than this has no way by sea [nm]."""
_MARGIN = 8
"""Cells kept around those that the wave came to: points on land there are moved to them."""
_DEEPER = 6.0
"""A place that the next level cannot join within the distance of the finer one is followed this many times farther:
fjords and rivers."""


@dataclass(frozen=True)
class Level:
    """Bends of one cell size.

    Parameters
    ----------
    window : Window
    anchor : ndarray of int32, shape (rows * columns,)
        Number of the bend in the field's table; `NOT_REACHED` or `LAND` where there is none.
    """

    window: Window
    anchor: np.ndarray


@dataclass(frozen=True)
class Field:
    """All ways to a place.

    Parameters
    ----------
    lat, lon : float
    reach_nm : float
        Distance by sea up to which it is complete [nm].
    on_land : bool
        The place lies on land by the coastline, or on water from which none leads to the sea.
    anchors : Anchors
    levels : tuple of Level
        From fine to coarse; none where no water is near.
    """

    lat: float
    lon: float
    reach_nm: float
    on_land: bool
    anchors: Anchors
    levels: tuple[Level, ...]

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return sum(level.anchor.nbytes for level in self.levels) + 32 * len(self.anchors.lat)

    def inland_nm(self, rule: SeaRule) -> float:
        """How far the place is from water that leads to the sea, 0 where positions are moved to it as usual [nm]."""
        away = float(self.anchors.base_nm[0])
        return away if away > _snap_nm(_LEVELS[0][0], rule) else 0.0


def build_field(lat: float, lon: float, reach_nm: float, rule: SeaRule) -> Field:
    """Let a wave run from a place as far as asked.

    Parameters
    ----------
    lat, lon : float
    reach_nm : float
        One of `REACHES_NM`.
    rule : SeaRule

    Returns
    -------
    Field
    """
    grounded = bool(on_land(np.array([lat]), np.array([lon]))[0])
    sides = [(side, limit) for side, limit in _LEVELS if limit <= reach_nm]
    if sides[-1][1] < reach_nm:
        sides.append((_LEVELS[len(sides)][0], reach_nm))
    draft = _draft(lat, lon, *sides[0], rule)
    anchors = _start(draft, lat, lon, rule)
    if anchors is None:
        nothing = Anchors(np.array([lat]), np.array([lon]), np.zeros(1), np.array([-1]))
        return Field(lat, lon, reach_nm, grounded, nothing, ())
    grounded |= float(anchors.base_nm[0]) > _snap_nm(draft.window.side_deg, rule)
    anchors = spread(draft.grid, draft.state, anchors, limit_nm=_finite(sides[0][1]))
    drafts = [draft]
    for side, limit in sides[1:]:
        coarser = _draft(lat, lon, side, limit, rule)
        if not _hand_on(draft, coarser, anchors):
            deeper = _draft(lat, lon, draft.window.side_deg, min(_DEEPER * draft.limit_nm, limit), rule)
            _hand_on(draft, deeper, anchors)
            anchors = spread(deeper.grid, deeper.state, anchors, limit_nm=deeper.limit_nm)
            drafts[-1] = deeper
            _hand_on(deeper, coarser, anchors)
        anchors = spread(coarser.grid, coarser.state, anchors, limit_nm=_finite(limit))
        draft = coarser
        drafts.append(draft)
    anchors = _prune(anchors, drafts)
    reached = [each for each in drafts if (each.state.anchor >= 0).any()]
    return Field(lat, lon, reach_nm, grounded, anchors, tuple(_cropped(each) for each in reached))


def cells_near(window: Window, lat: np.ndarray, lon: np.ndarray, radius_nm: float) -> np.ndarray:
    """Flat numbers of the cells around points, all within a distance and some beyond, shape (n, k); -1 outside."""
    high = math.ceil(radius_nm / 60.0 / window.side_deg)
    steepest = max(math.cos(math.radians(min(float(np.abs(lat).max(initial=0.0)) + 1.0, 89.0))), 0.02)
    wide = min(math.ceil(radius_nm / 60.0 / window.side_deg / steepest), window.columns // 2)
    up, right = np.meshgrid(np.arange(-high, high + 1), np.arange(-wide, wide + 1), indexing="ij")
    side = window.side_deg
    return window.cell(lat[:, None] + side * up.ravel(), lon[:, None] + side * right.ravel())


def _finite(limit_nm: float) -> float:
    return min(limit_nm, _WHOLE_NM)


@dataclass
class _Draft:
    """A level while the wave runs."""

    window: Window
    limit_nm: float
    grid: Grid
    state: State


def _draft(lat: float, lon: float, side: float, limit_nm: float, rule: SeaRule) -> _Draft:
    window = window_around(lat, lon, side, _finite(limit_nm)).aligned()
    grid = water_grid(window, rule)
    return _Draft(window, _finite(limit_nm), grid, blank_state(grid))


def _start(draft: _Draft, lat: float, lon: float, rule: SeaRule) -> Anchors | None:
    """Let the wave begin at the place, or at the nearest water that leads on; None where there is none."""
    window = draft.window
    own = int(window.cell(np.array([lat]), np.array([lon]))[0])
    leads_on = _leading_on(draft.grid)
    start_lat, start_lon, base = lat, lon, 0.0
    if own < 0:
        return None
    if not leads_on[own]:
        own, base = _nearest_water(draft, leads_on, lat, lon, rule)
        if own < 0:
            return None
        start_lat, start_lon = (float(x[0]) for x in window.centre(np.array([own])))
    cells = np.append(own, draft.grid.beside(np.array([own]))[draft.grid.passable(np.array([own]))])
    draft.state.distance_nm[cells] = base + great_circle_nm(start_lat, start_lon, *window.centre(cells))
    draft.state.anchor[cells], draft.state.seen[cells] = 0, 1.0
    return Anchors(np.array([start_lat]), np.array([start_lon]), np.array([base]), np.array([-1]))


def way_out(lat: float, lon: float, rule: SeaRule) -> tuple[float, float, float]:
    """Where somebody far inland comes to the sea: on a river, canal or lagoon that the raster has no way out of.

    Parameters
    ----------
    lat, lon : float
    rule : SeaRule

    Returns
    -------
    lat, lon : float
        The nearest water that leads to the sea.
    away_nm : float
        How far it is in a straight line [nm]: 0 where that water is near enough for positions to be moved to it, and
        infinite where there is none within 60 nm.
    """
    draft = _draft(lat, lon, *_LEVELS[0], rule)
    cell, away = _nearest_water(draft, _leading_on(draft.grid), lat, lon, rule)
    if cell < 0 or away <= _snap_nm(_LEVELS[0][0], rule):
        return lat, lon, 0.0 if cell >= 0 else math.inf
    out_lat, out_lon = draft.window.centre(np.array([cell]))
    return float(out_lat[0]), float(out_lon[0]), away


def _snap_nm(side_deg: float, rule: SeaRule) -> float:
    return rule.snap_km * 1000.0 / M_PER_NM + 60.0 * side_deg


def _nearest_water(draft: _Draft, leads_on: np.ndarray, lat: float, lon: float, rule: SeaRule) -> tuple[int, float]:
    """Cell to start from at a place that lies on none that leads on, and how far it is [nm]; -1 where there is none.

    Water that leads on counts first, then any that is near, then what leads on further off.
    """
    window, radius = draft.window, _snap_nm(draft.window.side_deg, rule)
    near = np.unique(cells_near(window, np.array([lat]), np.array([lon]), radius))
    for cells, limit in (
        (near[(near >= 0) & leads_on[near]], radius),
        (np.flatnonzero(leads_on), _INLAND_NM),
        (near[(near >= 0) & draft.grid.water[near]], radius),
    ):
        away = great_circle_nm(lat, lon, *window.centre(cells))
        if len(cells) and away.min() <= limit:
            return int(cells[away.argmin()]), float(away.min())
    return -1, math.inf


def _leading_on(grid: Grid) -> np.ndarray:
    """Cells of water from which the rim of the window can be reached: not ponds, docks or lakes; flat."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    cells = np.flatnonzero(grid.water)
    ends = [(cells[(grid.links.ravel()[cells] & bit) != 0], step) for bit, step in ((1, 1), (4, grid.links.shape[1]))]
    start = np.concatenate([each for each, _ in ends])
    end = np.concatenate([each + step for each, step in ends])
    size = grid.links.size
    graph = coo_array((np.ones(len(start), dtype="int8"), (start, end % size)), shape=(size, size))
    part = connected_components(graph, directed=False)[1].reshape(grid.links.shape)
    rim = np.concatenate([part[1], part[-2], part[:, 1], part[:, -2]])
    return np.isin(part, np.unique(rim)).ravel() & grid.water


def _hand_on(finer: _Draft, coarser: _Draft, anchors: Anchors) -> bool:
    """Start a level with what the finer one knows at the centres of its cells; whether there is any.

    A cell whose centre is not in the water that it holds would take over the way to another water.
    """
    cells = np.flatnonzero(coarser.grid.water & coarser.grid.centred.ravel())
    there = finer.window.cell(*coarser.window.centre(cells))
    cells, there = cells[there >= 0], there[there >= 0]
    known = finer.state.anchor[there] >= 0
    cells, there = cells[known], there[known]
    anchor = finer.state.anchor[there]
    ahead = great_circle_nm(*coarser.window.centre(cells), anchors.lat[anchor], anchors.lon[anchor])
    coarser.state.anchor[cells], coarser.state.seen[cells] = anchor, finer.state.seen[there]
    coarser.state.distance_nm[cells] = anchors.base_nm[anchor] + ahead
    return bool(len(cells))


def _cropped(draft: _Draft) -> Level:
    """Leave out the rows and columns that the wave did not come near."""
    shape = (draft.window.rows, draft.window.columns)
    anchor = np.where(draft.grid.water, draft.state.anchor, LAND).reshape(shape)
    rows, columns = (np.flatnonzero((draft.state.anchor.reshape(shape) >= 0).any(axis=axis)) for axis in (1, 0))
    near = slice(max(rows[0] - _MARGIN, 0), rows[-1] + 1 + _MARGIN)
    beside = slice(None) if draft.window.round_world else slice(max(columns[0] - _MARGIN, 0), columns[-1] + 1 + _MARGIN)
    anchor = anchor[near, beside]
    window = Window(
        draft.window.side_deg, draft.window.row + near.start, draft.window.column + (beside.start or 0), *anchor.shape
    )
    return Level(window, anchor.ravel())


def _prune(anchors: Anchors, drafts: list[_Draft]) -> Anchors:
    """Leave out the bends that no way takes any more, and number the others anew in the drafts."""
    used = np.zeros(len(anchors.lat), dtype=bool)
    used[0] = True
    for draft in drafts:
        used[draft.state.anchor[draft.state.anchor >= 0]] = True
    ahead = np.flatnonzero(used)
    while len(ahead):
        ahead = np.unique(anchors.parent[ahead])
        ahead = ahead[ahead >= 0]
        ahead = ahead[~used[ahead]]
        used[ahead] = True
    number = np.append(np.cumsum(used) - 1, NOT_REACHED)
    for draft in drafts:
        draft.state.anchor[:] = number[draft.state.anchor]
    parent = number[anchors.parent[used]]
    return Anchors(anchors.lat[used], anchors.lon[used], anchors.base_nm[used], parent)
