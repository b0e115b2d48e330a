"""A wave that spreads over the water of a raster from one place, and keeps the last corner it turned at every cell.

Each cell knows its anchor: the last point at which the shortest way to the place bends, or the place itself where the
way is straight. Its distance is the anchor's own distance and the great circle between, so that open water carries no
grid error at all, in any direction, and the way back starts along the great circle to the anchor.

The order is that of Dijkstra (1959) in bands of distance (Meyer and Sanders 2003), the any-angle parents are those of
Theta* (Daniel et al. 2010). Whether a cell sees an anchor is not asked by walking the whole ray: it sees as much of it
as the two neighbours do between which the ray leaves the cell, weighted by how near the ray passes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm

__all__ = ["Anchors", "Grid", "State", "blank_state", "spread", "unit_vectors"]

_ROWS = np.array([0, 1, 1, 1, 0, -1, -1, -1])
_COLUMNS = np.array([1, 1, 0, -1, -1, -1, 0, 1])
"""The eight neighbours, counter-clockwise from east; row 0 is the southernmost."""
_BITS = np.left_shift(1, np.arange(8)).astype("uint8")
_NEIGHBOUR = np.array([[32, 64, 128], [16, 0, 1], [8, 4, 2]], dtype="uint8")
"""Bit of the neighbour by the difference in row and in column, -1 to 1."""
_SEEN = 0.5
"""An anchor counts as seen from a cell when at least this share of the way back to it is clear."""
_RAY_CELLS = 16
"""Lines to anchors nearer than this many cells are walked where the neighbours do not see them."""
_GAIN_NM, _CLEARER = 1e-6, 0.02
"""A cell passes on what it learns when its distance falls, or its sight of the anchor clears, by more than this."""


@dataclass(frozen=True)
class Grid:
    """A raster of water with a rim of land, in latitude and longitude.

    Parameters
    ----------
    south, west : float
        Outer edge of the first row and column within the rim [deg].
    side_deg : float
        Side of a cell [deg].
    links : ndarray of uint8, shape (rows, columns)
        Bit k is set where a ship can pass to neighbour k, counter-clockwise from east; row 0 in the south. 0 on land.
    open_sea : ndarray of bool, shape (rows, columns)
        At least half of the cell is water that belongs together.
    centred : ndarray of bool, shape (rows, columns)
        That water covers the centre of the cell.
    round_world : bool
        The last column touches the first.
    """

    south: float
    west: float
    side_deg: float
    links: np.ndarray
    open_sea: np.ndarray
    centred: np.ndarray
    round_world: bool

    @property
    def water(self) -> np.ndarray:
        """Cells that a ship can be in, flat."""
        return self.links.ravel() != 0

    def centre_lat(self) -> np.ndarray:
        """Latitudes of the rows' centres, shape (rows,) [deg]."""
        return self.south + (np.arange(self.links.shape[0]) + 0.5) * self.side_deg

    def centre_lon(self) -> np.ndarray:
        """Longitudes of the columns' centres, shape (columns,), not wrapped [deg]."""
        return self.west + (np.arange(self.links.shape[1]) + 0.5) * self.side_deg

    def beside(self, cells: np.ndarray) -> np.ndarray:
        """Return the neighbours of cells, counter-clockwise from east, shape (n, 8); not for the rim."""
        columns = self.links.shape[1]
        out = cells[:, None] + (_ROWS * columns + _COLUMNS)
        if self.round_world:
            column = cells[:, None] % columns + _COLUMNS
            out += columns * ((column < 0).astype("int64") - (column >= columns))
        return out

    def passable(self, cells: np.ndarray) -> np.ndarray:
        """Whether a ship can pass from cells to each of their neighbours, shape (n, 8)."""
        return (self.links.ravel()[cells][:, None] & _BITS) != 0


@dataclass
class Anchors:
    """Bends of shortest ways; anchor 0 is the place itself.

    Parameters
    ----------
    lat, lon, base_nm : ndarray of float64, shape (a,)
        Position and distance to the place by sea.
    parent : ndarray of int64, shape (a,)
        The next bend on the way to the place; -1 for the place.
    """

    lat: np.ndarray
    lon: np.ndarray
    base_nm: np.ndarray
    parent: np.ndarray


@dataclass
class State:
    """What the wave left at each cell of a grid, flat in the grid's order.

    Parameters
    ----------
    distance_nm : ndarray of float64, shape (cells,)
        Infinite where the wave did not come.
    anchor : ndarray of int32, shape (cells,)
        -1 where the wave did not come.
    seen : ndarray of float32, shape (cells,)
        Share of the way to the anchor that is clear, 0.5 to 1.
    """

    distance_nm: np.ndarray
    anchor: np.ndarray
    seen: np.ndarray


def blank_state(grid: Grid) -> State:
    """Return the state before any wave."""
    cells = grid.links.size
    return State(np.full(cells, np.inf), np.full(cells, -1, dtype="int32"), np.zeros(cells, dtype="float32"))


def unit_vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Return points of the unit sphere, shape (n, 3)."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def spread(grid: Grid, state: State, anchors: Anchors, *, limit_nm: float) -> Anchors:
    """Let the wave run on from every cell it has reached, in place.

    Parameters
    ----------
    grid : Grid
    state : State
        Cells with an anchor start the wave; changed in place.
    anchors : Anchors
        The anchors that `state` refers to.
    limit_nm : float
        Cells farther than this by sea are not entered [nm].

    Returns
    -------
    Anchors
        The given ones and, behind them, the new ones.
    """
    wave = _Wave(grid, state, anchors)
    queue = np.flatnonzero(state.anchor >= 0)
    waiting = np.zeros(len(state.anchor), dtype=bool)
    waiting[queue] = True
    band = 0.5 * float(np.median(wave.steps[:, 0]))
    while len(queue):
        edge = state.distance_nm[queue].min() + band
        now = state.distance_nm[queue] < edge
        active, queue = queue[now], queue[~now]
        waiting[active] = False
        changed = wave.relax(active, limit_nm)
        changed = changed[~waiting[changed]]
        waiting[changed] = True
        queue = np.concatenate([queue, changed])
    return wave.anchors()


@dataclass
class _Wave:
    """Tables of one run that do not change while it runs, and the anchors, which grow."""

    grid: Grid
    state: State
    given: Anchors
    stride: int = field(init=False)

    def __post_init__(self) -> None:
        self.stride = self.grid.links.shape[1]
        self.links, self.open_sea = self.grid.links.ravel(), self.grid.open_sea.ravel()
        lat, lon = self.grid.centre_lat(), self.grid.centre_lon()
        self.sin_lat, self.cos_lat = np.sin(np.radians(lat)), np.maximum(np.cos(np.radians(lat)), 1e-9)
        self.sin_lon, self.cos_lon = np.sin(np.radians(lon)), np.cos(np.radians(lon))
        side = self.grid.side_deg
        self.steps = great_circle_nm(lat[:, None], 0.0, lat[:, None] + _ROWS * side, _COLUMNS * side)
        self.mark = np.zeros(self.links.size, dtype="int64")
        self.made = np.full(self.links.size, -1, dtype="int32")
        count = len(self.given.lat)
        self.count = count
        self.vectors = _grown(unit_vectors(self.given.lat, self.given.lon), 2 * count + 64)
        self.base = _grown(self.given.base_nm, 2 * count + 64)
        self.parent = _grown(self.given.parent, 2 * count + 64)
        self.cells = np.zeros(0, dtype="int64")
        self.row = _grown((self.given.lat - self.grid.south) / side - 0.5, len(self.base))
        self.column = _grown((self.given.lon - self.grid.west) / side - 0.5, len(self.base))

    def relax(self, active: np.ndarray, limit_nm: float) -> np.ndarray:
        """Pull the distances of all neighbours of some cells; return the cells that learnt something."""
        flat = self.grid.beside(active)[self.grid.passable(active)]
        self.mark[flat] = np.arange(len(flat))
        cells = flat[self.mark[flat] == np.arange(len(flat))]
        cells = cells[self.state.distance_nm[cells] > self.state.distance_nm[active].min()]
        if not len(cells):
            return cells
        distance, anchor, seen, corner = self._pull(cells)
        state = self.state
        same = (anchor == state.anchor[cells]) & (seen > state.seen[cells]) & (corner < 0)
        clearer = cells[same & (seen > state.seen[cells] + _CLEARER)]
        state.seen[cells[same]] = seen[same]
        nearer = (distance < state.distance_nm[cells] - _GAIN_NM) & (distance <= limit_nm)
        cells, distance, anchor, seen, corner = (x[nearer] for x in (cells, distance, anchor, seen, corner))
        turned = corner >= 0
        anchor[turned] = self._anchors_at(corner[turned])
        state.distance_nm[cells], state.anchor[cells], state.seen[cells] = distance, anchor, seen
        bend = self.made[cells]
        self.base[bend[bend >= 0]] = distance[bend >= 0]
        self.parent[bend[bend >= 0]] = anchor[bend >= 0]
        return np.concatenate([cells, clearer])

    def _pull(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Best distance of each cell over its neighbours, with the anchor, how well it is seen, and the new corner.

        Where the best way bends at a neighbour, `corner` is that neighbour's cell; else -1.
        """
        state = self.state
        around = self.grid.beside(cells)
        open_ = self.grid.passable(cells)
        anchor = np.where(open_, state.anchor[around], -1)
        distance = np.where(anchor >= 0, state.distance_nm[around], np.inf)
        each = np.arange(len(cells))
        bent = distance + self.steps[cells // self.stride]
        turn = bent.argmin(axis=1)
        out = bent[each, turn]
        corner = around[each, turn]
        seen = np.ones(len(cells), dtype="float32")
        chosen = np.full(len(cells), -1, dtype="int32")

        first = anchor[each, distance.argmin(axis=1)]
        row, column = np.nonzero((anchor >= 0) & (anchor != first[:, None]))
        rows = np.concatenate([each, row])
        tried = np.concatenate([first, anchor[row, column]])
        straight, share = self._sight(cells[rows], tried, around[rows], open_[rows])
        doubtful = np.flatnonzero(share < _SEEN)
        share[doubtful] = self._clear(cells[rows[doubtful]], tried[doubtful])
        straight[share < _SEEN] = np.inf
        for part in (slice(0, len(cells)), slice(len(cells), None)):
            # Of several anchors of one cell the nearest way wins: the others come in descending order before it.
            order = np.argsort(-straight[part], kind="stable")
            where, way = rows[part][order], straight[part][order]
            better = way <= out[where] + _GAIN_NM
            where = where[better]
            out[where], chosen[where] = way[better], tried[part][order][better]
            seen[where], corner[where] = share[part][order][better], -1
        return out, chosen, seen, corner

    def _sight(
        self, cells: np.ndarray, anchor: np.ndarray, around: np.ndarray, open_: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Straight way from cells over an anchor to the place, and the share of it that is clear."""
        r, c = cells // self.stride, cells % self.stride
        x, y, z = self.vectors[anchor].T
        sin_lat, cos_lat, sin_lon, cos_lon = self.sin_lat[r], self.cos_lat[r], self.sin_lon[c], self.cos_lon[c]
        outward = x * cos_lon + y * sin_lon
        east = (y * cos_lon - x * sin_lon) / cos_lat
        north = z * cos_lat - outward * sin_lat
        chord = 2.0 - 2.0 * np.clip(outward * cos_lat + z * sin_lat, -1.0, 1.0)
        way = self.base[anchor] + 2.0 * EARTH_RADIUS_NM * np.arcsin(np.sqrt(chord) / 2.0)
        wide, high = np.abs(east), np.abs(north)
        flat = wide >= high
        cardinal = np.where(flat, np.where(east > 0, 0, 4), np.where(north > 0, 2, 6))
        diagonal = np.where(north > 0, np.where(east > 0, 1, 3), np.where(east > 0, 7, 5))
        aside = np.minimum(wide, high) / np.maximum(np.maximum(wide, high), 1e-300)
        each = np.arange(len(cells))
        share = np.zeros(len(cells))
        for towards, weight in ((cardinal, 1.0 - aside), (diagonal, aside)):
            cell = around[each, towards]
            clear = np.where(self.state.anchor[cell] == anchor, self.state.seen[cell], 0.0)
            clear = np.where(self.made[cell] == anchor, 1.0, clear)
            share += np.where(open_[each, towards] & self.open_sea[cell], clear, 0.0) * weight
        return way, share

    def _clear(self, cells: np.ndarray, anchor: np.ndarray) -> np.ndarray:
        """Whether the straight line to a near anchor crosses no land; false for far ones."""
        r, c = cells // self.stride, cells % self.stride
        high, wide = self.row[anchor] - r, self.column[anchor] - c
        if self.grid.round_world:
            wide = (wide + self.stride / 2) % self.stride - self.stride / 2
        out = np.hypot(high, wide) < _RAY_CELLS
        r, c, high, wide = (x[out] for x in (r, c, high, wide))
        samples = np.linspace(0.0, 1.0, 2 * _RAY_CELLS + 1)
        row = np.rint(r[:, None] + high[:, None] * samples).astype("int64")
        column = np.rint(c[:, None] + wide[:, None] * samples).astype("int64")
        way = _NEIGHBOUR[np.diff(row, axis=1) + 1, np.diff(column, axis=1) + 1]
        passed = (self.links[row[:, :-1] * self.stride + column[:, :-1] % self.stride] & way) == way
        out[out] = passed.all(axis=1)
        return out

    def _anchors_at(self, cells: np.ndarray) -> np.ndarray:
        """Anchors that stand at cells; new ones where there was none."""
        fresh = np.unique(cells[self.made[cells] < 0])
        if len(fresh):
            end = self.count + len(fresh)
            if end > len(self.base):
                self.vectors, self.base, self.parent, self.row, self.column = (
                    _grown(x, 2 * end) for x in (self.vectors, self.base, self.parent, self.row, self.column)
                )
            new = slice(self.count, end)
            self.made[fresh] = np.arange(self.count, end)
            lat, lon = self.grid.centre_lat()[fresh // self.stride], self.grid.centre_lon()[fresh % self.stride]
            self.vectors[new] = unit_vectors(lat, lon)
            self.row[new], self.column[new] = fresh // self.stride, fresh % self.stride
            self.base[new] = self.state.distance_nm[fresh]
            self.parent[new] = self.state.anchor[fresh]
            self.cells = np.concatenate([self.cells, fresh])
            self.count = end
        return self.made[cells]

    def anchors(self) -> Anchors:
        """All anchors, given and new."""
        lat = self.grid.centre_lat()[self.cells // self.stride]
        lon = self.grid.centre_lon()[self.cells % self.stride]
        return Anchors(
            np.concatenate([self.given.lat, lat]),
            np.concatenate([self.given.lon, lon]),
            self.base[: self.count].copy(),
            self.parent[: self.count].copy(),
        )


def _grown(values: np.ndarray, length: int) -> np.ndarray:
    out = np.zeros((length, *values.shape[1:]), dtype=values.dtype)
    out[: len(values)] = values
    return out
