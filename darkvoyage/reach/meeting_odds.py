"""How the measures of a pair become the odds that the two ships met.

A logistic model over the pairs that had the time, fitted to the simulated worlds of the development seeds 1-10 (54
meetings of two silent ships among 1.30 million such pairs, 17 with a ship that lingered among 1.06 million). What is no
tanker, lies still or stays silent counts for at most ln 8 against a meeting: in those worlds only tankers meet, and
none of them lies still when it falls silent; in others some do. A listed area and the draughts weigh something at
least, though these worlds would have given them nothing beside the other measures.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MOST_COURSES", "Weights", "log_odds", "most_late_log_odds", "weights_of"]

MOST_COURSES = 6.0
"""Bound of what the courses of both ships say together [nats]."""

Weights = dict[str, float]

_SILENT: Weights = {
    "base": 0.85, "off": 0.38, "at_rest": -2.08, "starts_h": -0.16, "ends_h": -1.69, "ends_nm": -1.23, "open": -2.08,
    "other_trade": -2.08, "area": 0.30, "courses": 0.31, "draughts": 0.11, "arrivals_h": -0.72, "departures_h": -0.24,
}  # fmt: skip
_LINGERING: Weights = {
    "base": -0.52, "off": 0.45, "at_rest": -2.08, "starts_h": -0.43, "starts_nm": -0.41, "ends_nm": -1.34,
    "open": -1.97, "other_trade": -2.08, "area": 0.30, "courses": 0.69, "draughts": 0.10, "arrivals_h": -1.23,
    "departures_h": -2.17,
}  # fmt: skip
_SILENT_UNTOLD: Weights = {
    "base": 0.26, "at_rest": -2.08, "ends_h": -1.11, "ends_nm": -1.57, "open": -2.08, "other_trade": -2.08,
    "area": 1.53, "courses": 0.34, "draughts": 0.10, "arrivals_h": -0.72, "departures_h": -0.07,
}  # fmt: skip
_LINGERING_UNTOLD: Weights = {
    "base": -0.99, "at_rest": -2.08, "starts_h": -0.27, "starts_nm": -0.18, "ends_nm": -0.95, "open": -2.08,
    "other_trade": -2.08, "area": 0.30, "courses": 0.72, "draughts": 0.10, "arrivals_h": -1.29, "departures_h": -2.15,
}  # fmt: skip


def weights_of(*, lingering: bool, told: bool) -> Weights:
    """Weight of each measure, and `base`.

    Parameters
    ----------
    lingering : bool
        The partner is seen, and lingers.
    told : bool
        How likely the silent ships were switched off is known.

    Returns
    -------
    dict of str to float
    """
    if told:
        return _LINGERING if lingering else _SILENT
    return _LINGERING_UNTOLD if lingering else _SILENT_UNTOLD


def log_odds(evidence: dict[str, np.ndarray], weights: Weights) -> np.ndarray:
    """Sum of the weighted measures [nats], without the base, shape (n,); measures without a weight say nothing."""
    weighed = [weights[name] * values for name, values in evidence.items() if name in weights]
    return np.sum(weighed, axis=0)


def most_late_log_odds(weights: Weights, most_draughts: float) -> float:
    """Most that the place and the draughts of a pair can add [nats]."""
    return weights["area"] + weights["courses"] * MOST_COURSES + weights["draughts"] * most_draughts
