"""Which other vessels were near a path while it lasted: heard, or without a position that can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.grid import cell_of
from darkvoyage.kernels.spans import expand, search_groups

__all__ = ["Neighbours"]

_NEVER = np.iinfo("int64").min


class Neighbours:
    """Vessels by block and window.

    Parameters
    ----------
    rows : DataFrame
        Rows of `heard_windows`.
    block_deg : float
        Side of a block [deg].
    """

    def __init__(self, rows: pd.DataFrame, block_deg: float) -> None:
        block = cell_of(rows["lat"].to_numpy(), rows["lon"].to_numpy(), block_deg)
        window, mmsi = rows["window"].to_numpy(), rows["mmsi"].to_numpy()
        order = np.lexsort((mmsi, window, block))
        self._block, self._code = np.unique(block[order], return_inverse=True)
        self._window, self._mmsi = window[order], mmsi[order]
        # When the same vessel was heard in the same block before: its first hearing in a period tells it from others.
        again = np.lexsort((self._window, self._mmsi, self._code))
        same = (self._mmsi[again][1:] == self._mmsi[again][:-1]) & (self._code[again][1:] == self._code[again][:-1])
        self._before = np.full(len(order), _NEVER)
        self._before[again[1:][same]] = self._window[again[:-1][same]]

    def count(
        self, owner: np.ndarray, block: np.ndarray, low: np.ndarray, high: np.ndarray, mmsi: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Count the distinct other vessels along paths, and their windows.

        Parameters
        ----------
        owner : ndarray of int64, shape (pieces,)
            Number of the path of each piece; pieces of a path are contiguous.
        block, low, high : ndarray of int64, shape (pieces,)
            Where the piece is, in the windows [low, high).
        mmsi : ndarray of int64, shape (paths,)
            Who asks.

        Returns
        -------
        vessels, windows : ndarray of int64, shape (paths,)
        """
        if len(self._block) == 0:
            return np.zeros(len(mmsi), dtype="int64"), np.zeros(len(mmsi), dtype="int64")
        asked = np.minimum(np.searchsorted(self._block, block), len(self._block) - 1)
        known = self._block[asked] == block
        first = search_groups(self._code, self._window, asked, low)
        end = search_groups(self._code, self._window, asked, high)
        piece, row = expand(first, np.where(known, end - first, 0))
        other = self._mmsi[row] != mmsi[owner[piece]]
        windows = np.bincount(owner[piece[other]], minlength=len(mmsi))
        new = other & (self._before[row] < low[piece])
        path, who = owner[piece[new]], self._mmsi[row[new]]
        _, code = np.unique(who, return_inverse=True)
        distinct = np.unique(path * (len(who) + 1) + code)
        return np.bincount(distinct // (len(who) + 1), minlength=len(mmsi)), windows
