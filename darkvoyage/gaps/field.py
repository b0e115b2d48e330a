"""Usual reception by cell, and how it was in each window: what the vessels there tell of one another.

A cell's rate is the share of exposed windows that were heard in it, drawn towards that of its block and this towards
the feed's. A share p of windows heard is an intensity of -log(1 - p) receptions per window, as of a Poisson process;
factors multiply intensities. The contemporaneous factor of a block and window is that of the share of its vessels that
were heard to the share that their cells' rates expected, drawn towards that of the region around and this towards the
whole feed's, so that a thin area still has witnesses. A vessel is never its own witness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.gaps.exposure import Exposures
from darkvoyage.kernels.grid import cell_centre, cell_of
from darkvoyage.kernels.spans import group_starts, search_groups

__all__ = ["CellField", "Factors", "block_sums", "cell_counts", "drawn_factor", "intensity", "own_share", "parent_cell"]

_REGION_BLOCKS = 4
"""Side of a region in blocks: 2 deg where blocks are 0.5 deg, several receivers wide."""


_MOST_FEED = 2.0
_NO_PRIOR = 1e-9
_LOST_VESSELS = 2
_MOST_SHARE = 0.98
"""No window is surer to be heard: 3.9 receptions. More than this cannot be told from few vessels."""


def intensity(share: np.ndarray) -> np.ndarray:
    """Receptions per window of places where this share of windows is heard, shape (n,)."""
    return np.asarray(-np.log1p(-np.clip(share, 0.0, _MOST_SHARE)))


def drawn_factor(
    heard: np.ndarray, expected: np.ndarray, exposed: np.ndarray, towards: np.ndarray | float, prior: float
) -> np.ndarray:
    """Intensity of what was heard over that of what was expected, drawn towards another factor.

    Parameters
    ----------
    heard, expected, exposed : ndarray of float64, shape (n,)
        Windows.
    towards : ndarray of float64, shape (n,), or float
        The factor where nothing was exposed.
    prior : float
        Its weight [windows].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    usual = intensity(np.where(exposed > 0, expected / np.maximum(exposed, 1e-9), 0.5))
    usual = np.maximum(usual, 1e-3)
    share = (heard - prior * np.expm1(-usual * towards)) / (exposed + prior)
    return intensity(share) / usual


def parent_cell(cell: np.ndarray, side_deg: float, parent_deg: float) -> np.ndarray:
    """Cell of a coarser grid that the centre of each cell is in, shape (n,)."""
    known, at = np.unique(cell, return_inverse=True)
    return cell_of(*cell_centre(known, side_deg), parent_deg)[at]


def cell_counts(exposures: Exposures) -> pd.DataFrame:
    """Exposed and heard windows of each cell.

    Parameters
    ----------
    exposures : Exposures

    Returns
    -------
    DataFrame
        `cell`, `exposed`, `heard`, sorted by cell.
    """
    known, at = np.unique(exposures.cell, return_inverse=True)
    return pd.DataFrame(
        {
            "cell": known,
            "exposed": np.bincount(at, exposures.counts, minlength=len(known)),
            "heard": np.bincount(at, exposures.heard, minlength=len(known)),
        }
    )


class CellField:
    """Usual share of heard windows by cell.

    Parameters
    ----------
    cells : DataFrame
        As `cell_counts`.
    cell_deg, block_deg : float
        Sides [deg].
    prior : float
        Weight of the block's rate in a cell, and of the feed's in a block [windows].
    """

    def __init__(self, cells: pd.DataFrame, *, cell_deg: float, block_deg: float, prior: float) -> None:
        self._cell, self._sums = cells["cell"].to_numpy(), cells[["heard", "exposed"]].to_numpy(dtype="float64")
        self._cell_deg, self._block_deg, self._prior = cell_deg, block_deg, prior
        self._block, at = np.unique(parent_cell(self._cell, cell_deg, block_deg), return_inverse=True)
        self._block_sums = (
            np.stack([np.bincount(at, column, minlength=len(self._block)) for column in self._sums.T], axis=1)
            if len(self._cell)
            else np.zeros((0, 2))
        )
        heard, exposed = self._sums.sum(axis=0)
        self.mean = float(heard / exposed) if exposed > 0 else 0.5

    def rate(self, cell: np.ndarray) -> np.ndarray:
        """Usual share of heard windows in each cell, shape (n,)."""
        known, at = np.unique(cell, return_inverse=True)
        nothing = np.zeros((len(known), 2))
        return self._drawn(known, nothing, nothing)[at]

    def rate_of_others(self, cell: np.ndarray, own: np.ndarray, own_in_block: np.ndarray) -> np.ndarray:
        """Share of heard windows in each cell without one vessel's own windows.

        Parameters
        ----------
        cell : ndarray of int64, shape (n,)
        own, own_in_block : ndarray of float64, shape (n, 2)
            The vessel's heard and exposed windows in the cell, and in its block.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        return self._drawn(cell, own, own_in_block)

    def _drawn(self, cell: np.ndarray, own: np.ndarray, own_in_block: np.ndarray) -> np.ndarray:
        block = parent_cell(cell, self._cell_deg, self._block_deg)
        in_block = _sums_at(self._block, self._block_sums, block) - own_in_block
        in_cell = _sums_at(self._cell, self._sums, cell) - own
        rate = (in_block[:, 0] + self._prior * self.mean) / (in_block[:, 1] + self._prior)
        return np.asarray((in_cell[:, 0] + self._prior * rate) / (in_cell[:, 1] + self._prior))


def own_share(vessel: np.ndarray, place: np.ndarray, exposures: Exposures) -> np.ndarray:
    """Heard and exposed windows of each exposure's own vessel in its own place.

    Parameters
    ----------
    vessel, place : ndarray of int64, shape (n,)
        Rows of a vessel are contiguous.
    exposures : Exposures

    Returns
    -------
    ndarray of float64, shape (n, 2)
    """
    if len(vessel) == 0:
        return np.zeros((0, 2))
    # Ships stay in a place for many windows: sum these stays first, then sort the stays.
    first = group_starts(np.cumsum(np.r_[0, (vessel[1:] != vessel[:-1]) | (place[1:] != place[:-1])]))
    size = np.diff(np.r_[first, len(vessel)])
    _, code = np.unique(vessel[first] * (place.max() + 1) + place[first], return_inverse=True)
    parts = [np.add.reduceat(values, first) for values in (exposures.heard, exposures.counts)]
    sums = np.stack([np.bincount(code, part) for part in parts], axis=1)
    return np.repeat(sums[code], size, axis=0)


def block_sums(exposures: Exposures, block: np.ndarray, expected: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """What was expected and heard in each block and window.

    Parameters
    ----------
    exposures : Exposures
    block : ndarray of int64, shape (n,)
    expected : ndarray of float64, shape (n,)
        Chance of each exposure to be heard, 0 where it does not count.

    Returns
    -------
    DataFrame
        `block`, `window`, `exposed`, `expected`, `heard`, `left_out` (windows that do not count), sorted by (block,
        window).
    ndarray of int64, shape (n,)
        Its row for each exposure.
    """
    key, at, low, width = _packed(block, exposures.window)
    values = (exposures.counts, expected, exposures.heard, 1.0 - exposures.counts)
    sums = {
        name: np.bincount(at, column, minlength=len(key))
        for name, column in zip(("exposed", "expected", "heard", "left_out"), values, strict=True)
    }
    known = np.unique(block)
    return pd.DataFrame({"block": known[key // width], "window": key % width + low} | sums), at


@dataclass(frozen=True)
class _Level:
    """Factor over windows of places of one size, less that of the level above."""

    place: np.ndarray
    code: np.ndarray
    window: np.ndarray
    total: np.ndarray
    """Running sums of the difference to the level above, shape (2, rows + 1): of all vessels, and without one."""

    def between(self, place: np.ndarray, low: np.ndarray, high: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """Sum over the windows [low, high), shape (n,)."""
        if len(self.place) == 0:
            return np.zeros(len(place))
        asked = np.minimum(np.searchsorted(self.place, place), len(self.place) - 1)
        since = search_groups(self.code, self.window, asked, low)
        until = search_groups(self.code, self.window, asked, high)
        return np.where(self.place[asked] == place, self.total[kind, until] - self.total[kind, since], 0.0)


class Factors:
    """Contemporaneous factor of blocks and windows, for sums over stretches of time.

    Parameters
    ----------
    blocks : DataFrame
        As `block_sums`.
    block_deg : float
        Side of a block [deg].
    prior : float
        Weight of the region's factor in a block, of the feed's in a region, and of "as usual" in the feed [windows].
    """

    def __init__(self, blocks: pd.DataFrame, *, block_deg: float, prior: float) -> None:
        self._sides = (block_deg, block_deg * _REGION_BLOCKS)
        block, window = blocks["block"].to_numpy(), blocks["window"].to_numpy()
        sums = blocks[["exposed", "expected", "heard"]].to_numpy(dtype="float64")
        self._low = int(window.min()) if len(window) else 0
        length = int(window.max()) - self._low + 1 if len(window) else 0
        in_feed = np.stack([np.bincount(window - self._low, column, minlength=length) for column in sums.T], axis=1)
        left_out = np.bincount(window - self._low, blocks["left_out"].to_numpy(), minlength=length)
        # Nobody but several vessels in long silences: not that all of them switched off, but an outage of a day.
        lost = (in_feed[:, 0] == 0) & (left_out >= _LOST_VESSELS)
        in_feed[lost] = np.outer(left_out[lost], (1.0, 0.5, 0.0))
        usual = np.ones((2, length))
        self._heard = _running(np.minimum(_over(in_feed, usual, _NO_PRIOR), _MOST_FEED))
        feed = _over(in_feed, usual, prior)
        self._feed = _running(feed - 1.0)
        region = parent_cell(block, *self._sides)
        key, at, low, width = _packed(region, window)
        in_region = np.stack([np.bincount(at, column, minlength=len(key)) for column in sums.T], axis=1)
        moment = key % width + low - self._low
        above = feed[:, moment]
        of_region = _over(in_region, above, prior)
        self._region = _level(np.unique(region), key // width, key % width + low, of_region - above)
        above = of_region[:, at]
        known, code = np.unique(block, return_inverse=True)
        self._block = _level(known, code, window, _over(sums, above, prior) - above)
        self._sums, self._region_sums, self._feed_sums = sums, in_region, in_feed
        self._region_of, self._moment_of, self._prior = at, moment, prior

    def of_others(self, row: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Factor of each exposure's block and window without the exposure itself.

        Parameters
        ----------
        row : ndarray of int64, shape (n,)
            Of its block and window in the table of sums.
        own : ndarray of float64, shape (n, 3)
            Exposed, expected and heard windows that the exposure itself adds to the sums of its block and window.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        region = self._region_of[row]
        factor: np.ndarray | float = 1.0
        # The exposure is in the sums of its region and of the feed too.
        for sums in (self._feed_sums[self._moment_of[region]], self._region_sums[region], self._sums[row]):
            exposed, expected, heard = np.maximum(sums - own, 0.0).T
            factor = drawn_factor(heard, expected, exposed, factor, self._prior)
        return np.asarray(factor)

    def between(self, block: np.ndarray, low: np.ndarray, high: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Sum of the factor of a block over windows.

        Parameters
        ----------
        block, low, high : ndarray of int64, shape (n,)
            Windows [low, high).
        own : ndarray of bool, shape (n,)
            Whether one of the silent vessels of that place and time is the one that asks.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        kind = own.astype("int64")
        region = parent_cell(block, *self._sides)
        return (
            self._in_feed(self._feed, low, high, own)
            + (high - low)
            + self._region.between(region, low, high, kind)
            + self._block.between(block, low, high, kind)
        )

    def feed_between(self, low: np.ndarray, high: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Sum of the whole feed's factor as it came, 0 beyond its first and last window, over windows [low, high)."""
        return self._in_feed(self._heard, low, high, own)

    def _in_feed(self, total: np.ndarray, low: np.ndarray, high: np.ndarray, own: np.ndarray) -> np.ndarray:
        since, until = (np.clip(each - self._low, 0, total.shape[1] - 1) for each in (low, high))
        kind = own.astype("int64")
        return np.asarray(total[kind, until] - total[kind, since])


def _running(values: np.ndarray) -> np.ndarray:
    """Sums over the columns before each, shape (2, n + 1)."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _level(place: np.ndarray, code: np.ndarray, window: np.ndarray, factor: np.ndarray) -> _Level:
    return _Level(place, code, window, _running(factor))


def _over(sums: np.ndarray, above: np.ndarray, prior: float) -> np.ndarray:
    """Factor of all vessels, and of those without a silent one that is like the others; shape (2, rows)."""
    exposed, expected, heard = sums.T
    alone = np.maximum(exposed - 1.0, 0.0)
    others = expected * alone / np.maximum(exposed, 1.0)
    return np.stack(
        [
            drawn_factor(heard, expected, exposed, above[0], prior),
            drawn_factor(heard, others, alone, above[1], prior),
        ]
    )


def _packed(place: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Distinct (place, window) as code * width + (window - low), and which of them each row is."""
    if len(place) == 0:
        return np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"), 0, 1
    low = int(window.min())
    width = int(window.max()) - low + 1
    code = np.unique(place, return_inverse=True)[1]
    key, at = np.unique(code * width + window - low, return_inverse=True)
    return key, at, low, width


def _sums_at(known: np.ndarray, sums: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Rows of `sums` of the places asked for, 0 of those that are not known, shape (n, 2)."""
    if len(known) == 0:
        return np.zeros((len(asked), 2))
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where((known[at] == asked)[:, None], sums[at], 0.0)
