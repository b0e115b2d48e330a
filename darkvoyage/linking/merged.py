"""Two ships side by side are one blob in an image: which sightings may be two ships, and how much each weighs then."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.sensors import length_moments, unknown_length
from darkvoyage.rules.linking import LinkRule

__all__ = ["merged_weights", "most_weight", "said_merged"]

_SAID = 0.9
"""Chance that a sighting is two ships where its source says so."""
_SURPRISE = 1.5
"""Spreads of the sensor's law by which a length must be beyond that of one ship: radar draws out single ships too."""
_SPAN = float(np.log(2.0))
"""Two ships of one length are as long as either, or up to twice that: the log length may be anywhere between."""
_SAID_IN_CLASS = r"merged|\btwo\s+(?:ship|vessel|hull)|side\s+by\s+side|ship.?to.?ship|\bsts\b"


def merged_weights(
    sighting: np.ndarray, llr: np.ndarray, of_size: np.ndarray, length_m: np.ndarray, seen_m: np.ndarray,
    said: np.ndarray, unknown: tuple[float, float], sightings: pd.DataFrame, imager: np.ndarray, rule: LinkRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Log weights of ships that may share their sighting with another.

    Two ships may share a sighting whose source says so, or one that is longer than the sensor would show either of
    them, and no longer than both in line. Its length and beam then say nothing of each; of both together, that it is
    somewhere between the longer one's and their sum. The place says the same of either as if it were alone.

    Parameters
    ----------
    sighting : ndarray of int64, shape (n,)
        Sighting of each candidate, gaps' ships and broadcasting ones together.
    llr : ndarray of float64, shape (n,)
        Log ratio of the pair, the ship alone against nobody we know [nats].
    of_size : ndarray of float64, shape (n,)
        What length and beam have said in it [nats].
    length_m : ndarray of float64, shape (n,)
        Length of the ships, NaN where not known [m].
    seen_m : ndarray of float64, shape (s,)
        Length of the sightings, NaN where there is none [m].
    said : ndarray of bool, shape (s,)
        Of `said_merged`.
    unknown : tuple of float
        Median length [m] and log spread of ships that nobody knows.
    sightings : SIGHTINGS table of s rows
    imager : ndarray of str, shape (s,)
        Of `sensors.imagers`.
    rule : LinkRule

    Returns
    -------
    llr : ndarray of float64, shape (n,)
        Of the ship without another that we know; beside one that nobody knows, where two ships are said to be there.
    both : ndarray of float64, shape (n,)
        What each of two ships adds to the log weight of the couple; -inf where it cannot be one of two.
    """
    alone, both = llr.astype("float64"), np.full(len(llr), -np.inf)
    over = seen_m[sighting] / length_m
    fits = np.flatnonzero((over >= rule.merged_length) & ~said[sighting])
    bias, spread = length_moments(sightings, sighting[fits], length_m[fits], imager)
    log_over = np.log(over[fits]) - bias
    least = np.maximum(np.log(rule.merged_length), _SURPRISE * spread)
    fits = fits[(log_over >= least) & (log_over <= np.log(2 * rule.merged_length))]
    log_q = unknown_length(np.log(seen_m[sighting[fits]]), *unknown) - 0.5 * np.log(2 * np.pi)
    both[fits] = (llr - of_size)[fits] + 0.5 * (np.log(rule.merged_share) - np.log(_SPAN) - log_q)
    some = said[sighting]
    beside = (llr - of_size)[some] + np.log(_SAID)
    alone[some] = np.logaddexp(llr[some] + np.log1p(-_SAID), beside)
    both[some] = beside - 0.5 * np.log(_SAID)
    return alone, both


def most_weight(sighting: np.ndarray, alone: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Most that each pair could weigh: alone, or beside a ship as likely as the likeliest of its sighting, shape (n,).

    Parameters
    ----------
    sighting : ndarray of int64, shape (n,)
    alone, both : ndarray of float64, shape (n,)
        Of `merged_weights`.
    """
    some = np.flatnonzero(np.isfinite(both))
    row, code = np.unique(sighting[some], return_inverse=True)
    best = np.full(len(row), -np.inf)
    np.maximum.at(best, code, both[some])
    out = alone.copy()
    out[some] = np.maximum(alone[some], both[some] + best[code])
    return out


def said_merged(sightings: pd.DataFrame) -> np.ndarray:
    """Tell which sightings are two ships by their own word: the column `merged`, or their class, shape (n,).

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    """
    said = np.zeros(len(sightings), dtype=bool)
    if "merged" in sightings:
        said |= sightings["merged"].fillna(False).to_numpy(dtype=bool)
    if "vessel_class" in sightings:
        said |= sightings["vessel_class"].str.contains(_SAID_IN_CLASS, case=False).fillna(False).to_numpy(dtype=bool)
    return said
