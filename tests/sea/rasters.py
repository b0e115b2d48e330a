"""Rasters for tests, and the plain loop that the wave is compared with."""

import heapq
import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.sea.wave import Anchors, Grid, blank_state

STEPS = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]


def grid_of(water, *, south=0.0, west=0.0, side=0.1, round_world=False):
    """A grid whose cells are linked where both are water; diagonally where one of the two between is water too."""
    water = np.array(water, dtype=bool)
    water[0] = water[-1] = False
    if not round_world:
        water[:, 0] = water[:, -1] = False
    columns = water.shape[1]
    links = np.zeros(water.shape, dtype="uint8")
    for r, c in np.argwhere(water):
        for bit, (up, right) in enumerate(STEPS):
            there = water[r + up, (c + right) % columns]
            beside = water[r + up, c] or water[r, (c + right) % columns]
            links[r, c] |= (there and beside) << bit
    return Grid(south, west, side, links, water, water, round_world)


def started(grid, row, column):
    """State and anchors of a wave that begins at the centre of a cell."""
    columns = grid.links.shape[1]
    state = blank_state(grid)
    own = np.array([row * columns + column])
    cells = np.append(own, grid.beside(own)[grid.passable(own)])
    lat, lon = grid.centre_lat()[cells // columns], grid.centre_lon()[cells % columns]
    state.distance_nm[cells] = great_circle_nm(lat[0], lon[0], lat, lon)
    state.anchor[cells], state.seen[cells] = 0, 1.0
    return state, Anchors(lat[:1], lon[:1], np.zeros(1), np.array([-1]))


def eight_ways(grid, row, column):
    """Distances over steps between neighbouring cells only: Dijkstra with a heap [nm]."""
    rows, columns = grid.links.shape
    lat, lon = grid.centre_lat(), grid.centre_lon()
    out = np.full((rows, columns), np.inf)
    out[row, column] = 0.0
    heap = [(0.0, row, column)]
    while heap:
        away, r, c = heapq.heappop(heap)
        if away > out[r, c]:
            continue
        for bit, (up, right) in enumerate(STEPS):
            if grid.links[r, c] >> bit & 1:
                there = (r + up, (c + right) % columns)
                step = _haversine(lat[r], lon[c], lat[there[0]], lon[c] + right * grid.side_deg)
                if away + step < out[there]:
                    out[there] = away + step
                    heapq.heappush(heap, (away + step, *there))
    return out


def _haversine(lat1, lon1, lat2, lon2):
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6371008.8 / 1852 * math.asin(math.sqrt(h))


def waters(grid):
    """Number of the connected water of each cell, flat."""
    cells = np.flatnonzero(grid.links)
    pairs = [(cells[grid.passable(cells)[:, k]], grid.beside(cells)[grid.passable(cells)[:, k], k]) for k in range(8)]
    start, end = (np.concatenate(each) for each in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(start), dtype="int8"), (start, end)), shape=(grid.links.size,) * 2)
    return connected_components(graph, directed=False)[1]
