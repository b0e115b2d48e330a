"""How long silences last: log-normal laws of those that were long enough to be listed."""

from __future__ import annotations

import numpy as np

__all__ = ["fit_durations", "log_lasting"]

_BOUNDS = ((np.log(0.05), np.log(5000.0)), (np.log(0.1), np.log(4.0)))
"""Of log median [h] and log sigma: from steeply falling to nearly flat beyond any threshold."""


def fit_durations(duration_h: np.ndarray, least_h: float) -> tuple[float, float]:
    """Fit the log-normal law of durations of which only those above a threshold are known.

    Parameters
    ----------
    duration_h : ndarray of float64, shape (n,)
        At least one.
    least_h : float
        The threshold [h].

    Returns
    -------
    median_h, sigma : float
        Median [h] and log standard deviation of the whole law, by maximum likelihood.
    """
    from scipy.optimize import minimize

    def loss(point: np.ndarray) -> float:
        closed = np.ones(len(duration_h), dtype=bool)
        return -float(log_lasting(duration_h, closed, np.exp(point[0]), np.exp(point[1]), least_h).sum())

    start = np.array([np.log(np.median(duration_h)), 0.0])
    best = minimize(loss, start, method="Nelder-Mead", bounds=_BOUNDS).x
    return float(np.exp(best[0])), float(np.exp(best[1]))


def log_lasting(
    duration_h: np.ndarray, closed: np.ndarray, median_h: float, sigma: float, least_h: float
) -> np.ndarray:
    """Log density (closed) or log survival (open) of durations, given that they are above a threshold.

    Parameters
    ----------
    duration_h : ndarray of float64, shape (n,)
    closed : ndarray of bool, shape (n,)
    median_h, sigma : float
        As of `fit_durations`.
    least_h : float
        The threshold [h]; a shorter duration is its own.

    Returns
    -------
    ndarray of float64, shape (n,)
        Densities per hour.
    """
    from scipy.stats import lognorm

    law = lognorm(sigma, scale=median_h)
    given = law.logsf(np.minimum(least_h, duration_h))
    return np.asarray(np.where(closed, law.logpdf(duration_h), law.logsf(duration_h)) - given)
