"""Water or land, cell by cell, of a window of the globe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from darkvoyage.kernels.sphere import EARTH_RADIUS_NM
from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.coast import KINDS, coastline
from darkvoyage.sea.passages import gates, ways
from darkvoyage.sea.wave import Grid

__all__ = ["Window", "water_grid", "window_around"]

_SOUTHMOST, _NORTHMOST = -80.0, 89.0
"""No port and no open water lies south of the first; the second keeps cells from shrinking to nothing [deg]."""
_BLOCK, _RIM = 64, 2
"""Cells that windows are aligned to, and cells beyond what is asked for on each side."""
_FINER = 3
"""Land is drawn in cells this many times smaller than those of the grid."""
_ON_THE_LINE = 1e-9
"""Positions on the line between two cells lie in the same one whatever the size of the cells."""
_SMALLEST = 0.7
"""Islands smaller than this share of a cell, both ways, are left out: they would grow to a whole cell."""


@dataclass(frozen=True)
class Window:
    """Rows and columns of the lattice of one cell size, counted from 90 S and 180 W.

    Parameters
    ----------
    side_deg : float
    row, column : int
        First row and column; the column may lie beyond one turn.
    rows, columns : int
    """

    side_deg: float
    row: int
    column: int
    rows: int
    columns: int

    @property
    def round_world(self) -> bool:
        """Whether the last column touches the first."""
        return self.columns * self.side_deg >= 360.0 - 1e-9

    def finer(self, times: int) -> Window:
        """Return the same window in cells a whole number of times smaller."""
        return Window(
            self.side_deg / times, self.row * times, self.column * times, self.rows * times, self.columns * times
        )

    def aligned(self) -> Window:
        """Return a window around it whose edges are multiples of a block of cells, so that neighbours share it."""
        south, north = (round((lat + 90.0) / self.side_deg) for lat in (_SOUTHMOST, _NORTHMOST))
        row = max(self.row // _BLOCK * _BLOCK, south - _RIM)
        rows = min(-(-(self.row + self.rows) // _BLOCK) * _BLOCK, north + _RIM) - row
        if self.round_world:
            return Window(self.side_deg, row, self.column, rows, self.columns)
        column = self.column // _BLOCK * _BLOCK
        columns = -(-(self.column + self.columns) // _BLOCK) * _BLOCK - column
        turn = round(360.0 / self.side_deg)
        if columns >= turn:
            return Window(self.side_deg, row, 0, rows, turn)
        return Window(self.side_deg, row, column, rows, columns)

    def cell(self, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """Flat number of the cell of each point, -1 outside."""
        turn = round(360.0 / self.side_deg)
        row = np.floor((lat + 90.0) / self.side_deg + _ON_THE_LINE).astype("int64") - self.row
        column = (np.floor((lon + 180.0) / self.side_deg + _ON_THE_LINE).astype("int64") - self.column) % turn
        inside = (row >= 0) & (row < self.rows) & (column < self.columns)
        return np.where(inside, row * self.columns + column, -1)

    def centre(self, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude of the centres of cells; the longitude is not wrapped."""
        lat = (self.row + cell // self.columns + 0.5) * self.side_deg - 90.0
        return lat, (self.column + cell % self.columns + 0.5) * self.side_deg - 180.0


def window_around(lat: float, lon: float, side_deg: float, reach_nm: float) -> Window:
    """Return the window that holds all points within a distance of a place.

    Parameters
    ----------
    lat, lon : float
    side_deg, reach_nm : float

    Returns
    -------
    Window
        The whole turn of longitudes where a pole is within reach.
    """
    reach = reach_nm / EARTH_RADIUS_NM
    high = math.degrees(reach)
    south, north = max(lat - high, _SOUTHMOST), min(lat + high, _NORTHMOST)
    row = math.floor((south + 90.0) / side_deg) - _RIM
    rows = math.ceil((north + 90.0) / side_deg) + _RIM - row
    turn = round(360.0 / side_deg)
    spread = math.sin(min(reach, math.pi / 2)) / math.cos(math.radians(lat))
    if abs(lat) + high >= 89.0 or spread >= 1.0 or math.degrees(math.asin(spread)) + 3 * side_deg > 180.0:
        return Window(side_deg, row, 0, rows, turn)
    wide = math.degrees(math.asin(spread))
    column = math.floor((lon - wide + 180.0) / side_deg) - _RIM
    return Window(side_deg, row, column, rows, math.ceil((lon + wide + 180.0) / side_deg) + _RIM - column)


@lru_cache(maxsize=32)
def water_grid(window: Window, rule: SeaRule) -> Grid:
    """Draw the land of a window, and see between which cells a ship can pass.

    The land is drawn in cells some times finer, where a cell is land as soon as the coastline runs through it. A cell
    of the grid holds the largest water within it, and is linked to a neighbour when their waters touch: so no way leaks
    through land, and bays and channels narrower than a cell stay open. Those that ships pass though the coastline does
    not show them are opened by the list of passages.

    Parameters
    ----------
    window : Window
    rule : SeaRule

    Returns
    -------
    Grid
    """
    fine = window.finer(_FINER)
    land = _drawn(fine)
    opened = _cells_along(fine, ways(rule))
    land.ravel()[opened] = False
    shut = _cells_along(fine, gates(rule))
    land.ravel()[shut] = True
    # A cell that a gate runs through must not hold the waters on both of its sides.
    opened = opened[~np.isin(_block(opened, window), _block(shut, window))]
    # The wave looks at all neighbours of a cell: the rim must not be entered.
    land[:_FINER], land[-_FINER:] = True, True
    if not window.round_world:
        land[:, :_FINER], land[:, -_FINER:] = True, True
    water = _largest(~land, _FINER, opened)
    blocks = water.reshape(window.rows, _FINER, window.columns, _FINER)
    east = (blocks[:, :, :, -1] & np.roll(blocks[:, :, :, 0], -1, axis=2)).any(axis=1)
    north = (blocks[:-1, -1] & blocks[1:, 0]).any(axis=2)
    north = np.vstack([north, np.zeros((1, window.columns), dtype=bool)])
    if not window.round_world:
        east[:, -1] = False
    return Grid(
        window.row * window.side_deg - 90.0,
        window.column * window.side_deg - 180.0,
        window.side_deg,
        _links(east, north),
        blocks.mean(axis=(1, 3)) >= 0.5,
        blocks[:, _FINER // 2, :, _FINER // 2],
        window.round_world,
    )


def _block(cells: np.ndarray, window: Window) -> np.ndarray:
    """Cells of a window that hold cells of its finer one."""
    row, column = np.divmod(cells, window.columns * _FINER)
    return row // _FINER * window.columns + column // _FINER


def _drawn(window: Window) -> np.ndarray:
    """Land of a window by the coastline, shape (rows, columns)."""
    from PIL import Image, ImageDraw

    line, side = coastline(), window.side_deg
    image = Image.new("L", (window.columns, window.rows), 0)
    draw = ImageDraw.Draw(image)
    south, north = window.row * side - 90.0, (window.row + window.rows) * side - 90.0
    west, east = window.column * side - 180.0, (window.column + window.columns) * side - 180.0
    in_rows = (line.south <= north) & (line.north >= south)
    in_rows &= np.maximum(line.north - line.south, line.east - line.west) >= _SMALLEST * side
    drawn: list[tuple[int, int, float]] = []
    for shift in (-720.0, -360.0, 0.0, 360.0, 720.0):
        inside = in_rows & (line.west + shift <= east) & (line.east + shift >= west)
        drawn += [(int(line.kind[k]), int(k), shift) for k in np.flatnonzero(inside)]
    for kind, k, shift in sorted(drawn):
        x, y = np.floor((line.ring(k) + np.array([shift - west, -south])) / side).T
        # The shore of a lake is land, so that no lake grows into the sea beside it.
        draw.polygon(np.column_stack([x, y]).ravel().tolist(), fill=int(KINDS[kind] == "land"), outline=1)
    return np.array(image, dtype=bool)


def _largest(water: np.ndarray, times: int, opened: np.ndarray) -> np.ndarray:
    """Keep of each block of `times` by `times` cells the waters with opened passages, else the largest one."""
    rows, columns = water.shape[0] // times, water.shape[1] // times
    apart = np.zeros((rows, times + 1, columns, times + 1), dtype=bool)
    apart[:, :-1, :, :-1] = water.reshape(rows, times, columns, times)
    parts, count = ndimage.label(apart.reshape(rows * (times + 1), columns * (times + 1)))
    if not count:
        return water
    parts = parts.reshape(rows, times + 1, columns, times + 1)[:, :-1, :, :-1]
    size = np.bincount(parts.ravel())
    passed = np.zeros(len(size), dtype=bool)
    passed[parts.reshape(water.shape).ravel()[opened]] = True
    passed[0], size[0] = False, 0
    size[passed] += times * times
    blocks = parts.swapaxes(1, 2).reshape(rows, columns, -1)
    largest = np.take_along_axis(blocks, size[blocks].argmax(axis=2)[:, :, None], axis=2)
    kept = ((blocks == largest) & (blocks > 0)) | passed[blocks]
    return kept.reshape(rows, columns, times, times).swapaxes(1, 2).reshape(water.shape)


def _links(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Bits of the neighbours that each cell is linked to, from its links to the east and to the north.

    To a diagonal neighbour there is a way where one of the two cells between is linked to both.
    """

    def at(link: np.ndarray, up: int, right: int) -> np.ndarray:
        return np.roll(link, (-up, -right), axis=(0, 1))

    west, south = at(east, 0, -1), at(north, -1, 0)
    diagonals = {
        1: (east & at(north, 0, 1)) | (north & at(east, 1, 0)),
        3: (west & at(north, 0, -1)) | (north & at(west, 1, 0)),
        5: (west & at(south, 0, -1)) | (south & at(west, -1, 0)),
        7: (east & at(south, 0, 1)) | (south & at(east, -1, 0)),
    }
    out = np.zeros(east.shape, dtype="uint8")
    for bit, link in {0: east, 2: north, 4: west, 6: south, **diagonals}.items():
        out |= link.astype("uint8") << bit
    return out


def _cells_along(window: Window, lines: list[np.ndarray]) -> np.ndarray:
    """Flat numbers of the cells that lines run through, each beside the one before by a side, not by a corner."""
    found = [np.zeros(0, dtype="int64")]
    south, north = window.row * window.side_deg - 90.0, (window.row + window.rows) * window.side_deg - 90.0
    for line in lines:
        if line[:, 0].max() < south or line[:, 0].min() > north:
            continue
        length = np.abs(np.diff(line, axis=0)).max(axis=1)
        pieces = [
            a + (b - a) * np.linspace(0.0, 1.0, int(4 * far / window.side_deg) + 2)[:, None]
            for a, b, far in zip(line[:-1], line[1:], length, strict=True)
        ]
        lat, lon = np.concatenate(pieces).T
        found += [window.cell(lat, lon), window.cell(lat[1:], lon[:-1])]
    cells = np.concatenate(found)
    return cells[cells >= 0]
