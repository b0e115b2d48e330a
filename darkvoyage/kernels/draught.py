"""Whether a change of draught fits a cargo operation, for draughts that people type by hand."""

from __future__ import annotations

import numpy as np

__all__ = ["draught_change_llr", "load_swing_m"]

_KEPT_SOON, _KEPT_LATE = 0.5, 0.25
_SOON_H, _LATE_H = 24.0, 168.0
"""Chance that a draught is not retyped after a call: a day and a week after the ship is heard again. Of 23 pairs of
sightings of tankers 1-8 days apart at the terminals of Vancouver and Kitimat, 9 had the same draught."""
_NOISE_M = 0.1
_BLUNDER = 0.03
_RANGE_M = 20.0
_SWING_SD_M = 0.8
_SWING, _SWING_SD = 0.4, 0.15
"""Change between ballast and laden as a share of the laden draught: an Aframax moves about 7 of 15 m."""
_PARTIAL = 0.75
"""Share of operations that move less than all: draught limits of the port, two parcels, topping off. Fitted on 21 pairs
(17 ships) of declared and typed draughts in Finland, Vancouver and Kitimat; on the 13 pairs of 12 other ships the log
loss is 1.71, against 2.63 if all moved all."""
_BALLAST, _CARGO = 0.33, 0.97
"""Ballast and full cargo as shares of the deadweight, the rest is fuel and stores."""
_SEA_T_M3, _WATERPLANE = 1.025, 0.87
_LADEN_SHARE, _SHARPNESS = 0.725, 0.03
"""A ship at 0.80 of its laden draught is laden, at 0.65 in ballast; between them both are possible."""
_RETYPED_EVERY_H = 480.0
"""A draught heard long before the gap may be that of an earlier voyage: one call in three weeks."""
_LEAST_M, _MOST_M = 0.05, 25.45
"""Zero is "not available", and 25.5 is "25.5 or more"."""


def load_swing_m(dwt_t: np.ndarray, length_m: np.ndarray, beam_m: np.ndarray) -> np.ndarray:
    """Change of draught between ballast and full cargo [m].

    (0.97 - 0.33) of the deadweight over the waterplane, 1.025 t/m3 x 0.87 x length x beam; an Aframax of 105 kt, 244 m
    and 42 m moves 7.4 m.

    Parameters
    ----------
    dwt_t, length_m, beam_m : ndarray of float64, shape (n,)
        Deadweight [t], length and beam [m]; NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        swing = (_CARGO - _BALLAST) * dwt_t / (_SEA_T_M3 * _WATERPLANE * length_m * beam_m)
        return np.where((swing > 0.1) & (swing < _RANGE_M), swing, np.nan)


def draught_change_llr(
    before_m: np.ndarray, after_m: np.ndarray, laden_m: np.ndarray, at_most: float, *,
    before_age_h: np.ndarray | None = None, after_age_h: np.ndarray | None = None, swing_m: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Log-likelihood ratio of a draught change: a call to load or discharge against none [nats].

    Half of the calls leave the value as it was, so an unchanged draught is weak evidence; blunders (3 %) may be
    anything, and draughts are lied about, so no change is proof.

    Parameters
    ----------
    before_m, after_m : ndarray of float64, shape (n,)
        Draughts reported before and after [m]; NaN, 0 and 25.5 (not available) give 0.
    laden_m : ndarray of float64, shape (n,)
        Laden draught [m]; NaN takes the larger of the two.
    at_most : float
        Bound of the result [nats].
    before_age_h, after_age_h : ndarray of float64, shape (n,), optional
        How long before the gap, and after it, the values were reported [h]; NaN and None: at the gap's edges.
    swing_m : ndarray of float64, shape (n,), optional
        Change between ballast and laden, see `load_swing_m` [m]; NaN and None: 0.4 of the laden draught.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    change = after_m - before_m
    none = np.full(np.shape(change), np.nan)
    before_age_h, after_age_h, swing_m = (
        none if given is None else given for given in (before_age_h, after_age_h, swing_m)
    )
    laden = np.fmax(laden_m, np.fmax(before_m, after_m))
    kept = np.interp(np.nan_to_num(after_age_h, nan=0.0), [_SOON_H, _LATE_H], [_KEPT_SOON, _KEPT_LATE])
    stale = -np.expm1(-np.nan_to_num(before_age_h, nan=0.0) / _RETYPED_EVERY_H)
    blunder = _BLUNDER / _RANGE_M
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        same = np.exp(-np.abs(change) / _NOISE_M) / (2 * _NOISE_M)
        called = (1 - _BLUNDER) * (kept * same + (1 - kept) * _moved(change, before_m, laden, swing_m)) + blunder
        stayed = (1 - stale) * ((1 - _BLUNDER) * same + blunder) + stale * called
        llr = np.clip(np.log(called / stayed), -at_most, at_most)
        typed = (np.fmin(before_m, after_m) >= _LEAST_M) & (np.fmax(before_m, after_m) <= _MOST_M)
    return np.where(np.isfinite(llr) & typed, llr, 0.0)


def _moved(change: np.ndarray, before_m: np.ndarray, laden_m: np.ndarray, swing_m: np.ndarray) -> np.ndarray:
    """Density of a change by cargo [1/m]: up from ballast or down from laden, by all or by a part of it."""
    known = np.isfinite(swing_m)
    swing = np.where(known, swing_m, _SWING * laden_m)
    spread = np.where(known, _SWING_SD_M, np.hypot(_SWING_SD_M, _SWING_SD * laden_m))
    laden = 1 / (1 + np.exp(-(before_m / laden_m - _LADEN_SHARE) / _SHARPNESS))
    way = np.where(change > 0, 1 - laden, laden)
    # A ship half full may do either.
    way = 0.1 + 0.8 * way
    size = np.abs(change)
    whole = np.exp(-0.5 * ((size - swing) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    part = np.where(size <= swing, 1 / swing, 0.0)
    return way * ((1 - _PARTIAL) * whole + _PARTIAL * part)
