"""Single false positions in an otherwise coherent track.

A lone outlier breaks the track on one or both sides, and leaving it out heals the break. Where breaks crowd together
two hulls may be taking turns, and nothing is decided here.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.tracks import CleanRule
from darkvoyage.units import US_PER_H

__all__ = ["allowance_nm", "lone_outliers"]

_ROUNDS = 6
_CROWD = 4
"""Breaks this close to a break are a crowd [fixes]."""


def allowance_nm(time_a: np.ndarray, time_b: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Distance that a ship may cover between two times [us], the forgiven slack included [nm]."""
    return rule.jump_slack_nm + rule.max_speed_kn * (time_b - time_a) / US_PER_H


def lone_outliers(mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Tell which rows are single false positions.

    Parameters
    ----------
    mmsi, time : ndarray of int64, shape (n,)
        Sorted by (mmsi, time) [us].
    lat, lon : ndarray of float64, shape (n,)
    rule : CleanRule

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    out = np.zeros(len(mmsi), dtype=bool)
    for _ in range(_ROUNDS):
        rows = np.flatnonzero(~out)
        found = _healing(mmsi[rows], time[rows], lat[rows], lon[rows], rule)
        if len(found) == 0:
            break
        out[rows[found]] = True
    return out


def _healing(mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: CleanRule) -> np.ndarray:
    """Rows whose removal heals a break that stands alone; of neighbouring ones the worst."""
    n = len(mmsi)
    if n < 3:
        return np.empty(0, dtype="int64")
    step = great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:])
    broken = (mmsi[1:] == mmsi[:-1]) & (step > allowance_nm(time[:-1], time[1:], rule))
    at = np.flatnonzero(broken)
    row = np.unique(np.r_[at, at + 1])
    row = row[(row > 0) & (row < n - 1)]
    row = row[(mmsi[row - 1] == mmsi[row]) & (mmsi[row + 1] == mmsi[row])]
    across = great_circle_nm(lat[row - 1], lon[row - 1], lat[row + 1], lon[row + 1])
    own = broken[row - 1].astype("int64") + broken[row]
    total = np.r_[0, np.cumsum(broken)]
    # Only breaks of the same ship crowd.
    start = group_starts(mmsi)
    ship = np.searchsorted(start, row, side="right") - 1
    end = np.r_[start[1:], n] - 1
    near = total[np.minimum(row + _CROWD, end[ship])] - total[np.maximum(row - _CROWD, start[ship])]
    heals = (across <= allowance_nm(time[row - 1], time[row + 1], rule)) & (near == own)
    row = row[heals]
    detour = (step[row - 1] + step[row] - across[heals]) * own[heals]
    # Two neighbours may both heal the same break: the one further out of the way goes.
    worst = np.ones(len(row), dtype=bool)
    beside = np.flatnonzero(np.diff(row) == 1)
    first_worse = detour[beside] >= detour[beside + 1]
    worst[beside[~first_worse]] = False
    worst[beside[first_worse] + 1] = False
    return row[worst]
