"""Laden or in ballast, from how deep a hull lies."""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "BALLAST_BELOW", "DEFAULT_CB", "LADEN_FROM", "block_coefficient", "displacement_m3", "displacement_share",
    "draught_ratio", "load_state", "p_laden",
]  # fmt: skip

LADEN_FROM = 0.80
"""Draught over laden draught from which a tanker counts as laden: usual practice of draught-based cargo tracking."""

BALLAST_BELOW = 0.65
"""Draught over laden draught up to which a tanker counts as in ballast; between the two nothing is said."""

DEFAULT_CB = 0.78
"""Block coefficient at laden draught of a small product tanker, where unknown."""

_P_AT_LIMIT = 0.9
"""P(laden) at `LADEN_FROM`, and P(ballast) at `BALLAST_BELOW`: AIS draughts are typed by hand in steps of 0.1 m and may
be old, so a ratio at the limit is right about nine times in ten."""

_MAX_RATIO = 1.15
_MAX_AIS_DRAUGHT_M = 25.5


def draught_ratio(draught_m: np.ndarray, draught_max_m: np.ndarray) -> np.ndarray:
    """Draught over laden draught.

    Parameters
    ----------
    draught_m, draught_max_m : ndarray of float64, shape (n,)
        Present and laden draught [m].

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where a draught is missing, is the AIS value for "not available" (0) or "25.5 m or more", or exceeds the
        laden draught by more than 15 %, which no loaded ship does.
    """
    draught, most = np.asarray(draught_m, dtype="float64"), np.asarray(draught_max_m, dtype="float64")
    with np.errstate(invalid="ignore", divide="ignore"):
        known = (draught > 0) & (draught < _MAX_AIS_DRAUGHT_M) & (most > 0)
        ratio = np.where(known, draught / most, np.nan)
        return np.where(ratio <= _MAX_RATIO, ratio, np.nan)


def block_coefficient(ratio: np.ndarray, cb: np.ndarray | float = DEFAULT_CB) -> np.ndarray:
    """Block coefficient at a draught below the laden one: Cb(T) = 1 - (1 - Cb) (Tmax / T)^(1/3).

    Parameters
    ----------
    ratio : ndarray of float64, shape (n,)
        T / Tmax, above 0.
    cb : ndarray or float
        Block coefficient at Tmax.

    Returns
    -------
    ndarray of float64, shape (n,)

    Notes
    -----
    Riddlesworth's relation, MAN Energy Solutions, Basic Principles of Ship Propulsion.
    """
    return 1.0 - (1.0 - np.asarray(cb)) * np.cbrt(1.0 / np.asarray(ratio, dtype="float64"))


def displacement_share(ratio: np.ndarray, cb: np.ndarray | float = DEFAULT_CB) -> np.ndarray:
    """Displacement over laden displacement: [Cb(T) / Cb] (T / Tmax).

    Parameters
    ----------
    ratio : ndarray of float64, shape (n,)
        T / Tmax, above 0.
    cb : ndarray or float
        Block coefficient at Tmax.

    Returns
    -------
    ndarray of float64, shape (n,)

    Notes
    -----
    Differs from the US EPA's ShipPowerModel, which multiplies by Cb / Cb(T): at half draught and Cb 0.78 that gives
    0.540 where the definition of the block coefficient gives 0.463.
    """
    ratio = np.asarray(ratio, dtype="float64")
    return block_coefficient(ratio, cb) / np.asarray(cb) * ratio


def displacement_m3(
    draught_m: np.ndarray,
    draught_max_m: np.ndarray,
    displacement_max_m3: np.ndarray,
    cb: np.ndarray | float = DEFAULT_CB,
) -> np.ndarray:
    """Displaced volume at a draught [m3].

    Parameters
    ----------
    draught_m, draught_max_m : ndarray of float64, shape (n,)
        Present and laden draught [m].
    displacement_max_m3 : ndarray of float64, shape (n,)
        Displaced volume at laden draught [m3].
    cb : ndarray or float
        Block coefficient at laden draught.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where `draught_ratio` is.
    """
    return displacement_share(draught_ratio(draught_m, draught_max_m), cb) * np.asarray(displacement_max_m3)


def p_laden(ratio: np.ndarray) -> np.ndarray:
    """Probability that a tanker at this draught ratio is laden.

    Parameters
    ----------
    ratio : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        Logistic: 0.9 at `LADEN_FROM`, 0.1 at `BALLAST_BELOW`; NaN where the ratio is.
    """
    middle = 0.5 * (LADEN_FROM + BALLAST_BELOW)
    slope = math.log(_P_AT_LIMIT / (1.0 - _P_AT_LIMIT)) / (LADEN_FROM - middle)
    return 1.0 / (1.0 + np.exp(-slope * (np.asarray(ratio, dtype="float64") - middle)))


def load_state(ratio: np.ndarray) -> np.ndarray:
    """Name the load state of a draught ratio.

    Parameters
    ----------
    ratio : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of object, shape (n,)
        "laden", "ballast", or None between the limits and where the ratio is NaN.
    """
    ratio = np.asarray(ratio, dtype="float64")
    out = np.full(ratio.shape, None, dtype=object)
    # A ratio at a limit is meant to pass it, whatever the last binary digit of the division says.
    out[ratio >= LADEN_FROM - 1e-9] = "laden"
    out[ratio <= BALLAST_BELOW + 1e-9] = "ballast"
    return out
