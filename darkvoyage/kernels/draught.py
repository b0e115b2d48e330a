"""Whether a change of draught fits a cargo operation, for draughts that people type by hand."""

from __future__ import annotations

import numpy as np

__all__ = ["draught_change_llr"]

_UNCHANGED = 0.5
"""Chance that a draught is not retyped within a day of a call."""
_NOISE_M = 0.1
_BLUNDER = 0.03
_RANGE_M = 20.0
_CHANGE, _CHANGE_SD = 0.4, 0.15
"""Change between ballast and laden as a share of the laden draught: an Aframax moves about 7 of 15 m."""


def draught_change_llr(before_m: np.ndarray, after_m: np.ndarray, laden_m: np.ndarray, at_most: float) -> np.ndarray:
    """Log-likelihood ratio of a draught change: a call to load or discharge against none [nats].

    Half of the calls leave the value as it was, so an unchanged draught is weak evidence; blunders (3 %) may be
    anything, so no change is proof.

    Parameters
    ----------
    before_m, after_m : ndarray of float64, shape (n,)
        Draughts reported before and after [m]; NaN gives 0.
    laden_m : ndarray of float64, shape (n,)
        Laden draught [m]; NaN takes the larger of the two.
    at_most : float
        Bound of the result [nats].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    change = after_m - before_m
    laden = np.fmax(laden_m, np.fmax(before_m, after_m))
    same = np.exp(-np.abs(change) / _NOISE_M) / (2 * _NOISE_M)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = _CHANGE_SD * laden
        # Either way: loading and discharging are equally likely beforehand.
        moved = 0.5 * np.exp(-0.5 * ((np.abs(change) - _CHANGE * laden) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        blunder = _BLUNDER / _RANGE_M
        stayed = (1 - _BLUNDER) * same + blunder
        call = (1 - _BLUNDER) * (_UNCHANGED * same + (1 - _UNCHANGED) * moved) + blunder
        llr = np.clip(np.log(call / stayed), -at_most, at_most)
    return np.where(np.isfinite(llr), llr, 0.0)
