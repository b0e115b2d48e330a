"""How likely a transmitting ship is to stay unheard: a mixture of exponential laws, fitted to a feed's own silences."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

__all__ = ["HAZARDS", "LEVELS", "SilenceLaw", "fit_law"]

HAZARDS = tuple(float(value) for value in np.geomspace(0.01, 30.0, 15))
"""Chance to be heard per expected reception, from nearly none to at once: the c_j of the mixture."""
LEVELS = (0.05, 0.2, 0.6, 1.8, 5.0)
"""Receptions expected per window at which the mixture has weights of its own; between them these are interpolated."""
_PRIOR_RUNS = 1.0
"""Weight of the law before any silence was seen, in runs."""
_LEVEL_RUNS = 20.0
"""Weight of the law of all levels in that of one, in runs."""
_ROUNDS = 200
_BINS_PER_DOUBLING = 8


@dataclasses.dataclass(frozen=True)
class SilenceLaw:
    """P(silent | transmitting) = sum_j w_j(l) exp(-c_j L) + w_0(l) exp(-h / outage_mean_h).

    L is the number of receptions expected, h the hours, and l the receptions expected per window. A mixture of
    exponentials is any law whose hazard falls the longer a silence lasts; the negative-binomial zero term (Gamma
    frailty) is one of them. Its weights depend on l because the less is heard of a place, the less sure it is that
    anything is heard there at all. On a provider's feed (Suez, 2021; windows of 30 min, vessels held out) predicted
    over observed silence at 1, 2, 4, 8 and 24 h was 1.04, 0.72, 0.47, 0.36, 0.26 with one set of weights and 1.00,
    0.93, 0.89, 0.98, 1.22 with these; the mean log-loss at 8 h fell from 0.048 to 0.040.

    Parameters
    ----------
    hazards : tuple of float
        c_j.
    levels : tuple of float
        Values of l for which there are weights.
    weights : tuple of tuple of float
        For each level those of the hazards, and last that of outages, which do not end sooner where more is expected.
    outage_mean_h : float
        Mean duration of these outages [h].
    """

    hazards: tuple[float, ...]
    levels: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    outage_mean_h: float

    def silent(self, expected: np.ndarray, hours: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Probability of silence over so many expected receptions and hours.

        Parameters
        ----------
        expected, hours, level : ndarray of float64, shape (n,)
            L, h and l.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        share = _shares(np.asarray(level, dtype="float64"), self.levels)
        terms = _terms(np.asarray(expected, "float64"), np.asarray(hours, "float64"), self.hazards, self.outage_mean_h)
        return np.asarray((share @ np.array(self.weights) * terms).sum(axis=1))


def fit_law(
    runs: Sequence[tuple[float, np.ndarray, np.ndarray]], *, window_h: float, outage_mean_h: float
) -> SilenceLaw:
    """Maximum likelihood of the mixture's weights over silences of several lengths, by EM (the problem is convex).

    Parameters
    ----------
    runs : sequence of (float, ndarray of float64, ndarray of bool)
        For each length [h]: receptions expected in each run behind a heard window, and whether all of it was silent.
    window_h : float
        Width of a window [h].
    outage_mean_h : float
        Mean duration of outages [h].

    Returns
    -------
    SilenceLaw
    """
    hours, expected, number, silent = _binned(runs)
    terms = _terms(expected, hours, HAZARDS, outage_mean_h)
    prior = np.full((1, terms.shape[1]), _PRIOR_RUNS / terms.shape[1])
    pooled = _weights(terms, np.ones((len(hours), 1)), number, silent, prior)
    share = _shares(expected / np.maximum(hours, window_h) * window_h, LEVELS)
    prior = np.repeat(_LEVEL_RUNS * pooled, len(LEVELS), axis=0)
    weights = _weights(terms, share, number, silent, prior)
    return SilenceLaw(HAZARDS, LEVELS, tuple(tuple(map(float, row)) for row in weights), float(outage_mean_h))


def _weights(
    terms: np.ndarray, share: np.ndarray, number: np.ndarray, silent: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Weights of each level by EM; every silent run came from one of the terms, and so did every run that was heard."""
    weights = prior / prior.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS if len(number) else 0):
        p = (share @ weights * terms).sum(axis=1)
        when_silent, when_heard = silent / np.maximum(p, 1e-300), (number - silent) / np.maximum(1.0 - p, 1e-12)
        gain = share.T @ (when_silent[:, None] * terms + when_heard[:, None] * (1.0 - terms))
        weights = weights * gain + prior
        weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _terms(expected: np.ndarray, hours: np.ndarray, hazards: tuple[float, ...], outage_mean_h: float) -> np.ndarray:
    """Silence under each term of the mixture, shape (n, terms)."""
    return np.exp(-np.column_stack([np.outer(expected, hazards), hours / outage_mean_h]))


def _shares(level: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Weight of each level in the linear interpolation over the logarithm, shape (n, levels)."""
    at = np.clip(np.log(np.maximum(level, 1e-9)), np.log(levels[0]), np.log(levels[-1]))
    hats = np.eye(len(levels))
    return np.stack([np.interp(at, np.log(levels), hat) for hat in hats], axis=1)


def _binned(
    runs: Sequence[tuple[float, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hours, mean expected windows, number of runs and of silent ones, over runs that are alike."""
    parts = [np.zeros((4, 0))]
    for hours, expected, silent in runs:
        # Logarithmic bins of 9 %, the first one around 0.
        step = np.round(_BINS_PER_DOUBLING * np.log2(1.0 + 20.0 * expected)).astype("int64")
        number = np.bincount(step)
        kept = np.flatnonzero(number)
        mean, hits = (np.bincount(step, values)[kept] for values in (expected, silent))
        parts.append(np.stack([np.full(len(kept), hours), mean / number[kept], number[kept], hits]))
    hours, expected, number, silent = np.concatenate(parts, axis=1)
    return hours, expected, number, silent
