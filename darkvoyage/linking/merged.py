"""Two ships side by side are one blob in an image: which sightings may be two ships, and how much each weighs then."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.rules.linking import LinkRule

__all__ = ["merged_weights", "said_merged"]

_SAID = 0.9
"""Chance that a sighting is two ships where its source says so."""
_SAID_IN_CLASS = r"merged|\btwo\s+(?:ship|vessel|hull)|side\s+by\s+side|ship.?to.?ship|\bsts\b"


def merged_weights(
    sighting: np.ndarray, llr: np.ndarray, of_size: np.ndarray, length_m: np.ndarray, seen_m: np.ndarray,
    said: np.ndarray, rule: LinkRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Log weights of ships that may share their sighting with another.

    A sighting may be two ships where its source says so, or where it is longer than any one ship that could be there,
    but no longer than two of them in line. Its length and beam then say nothing of either, and a ship beside the first
    weighs as it would alone; the second may be nobody we know.

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
    rule : LinkRule

    Returns
    -------
    llr : ndarray of float64, shape (n,)
        Of the ship without another that we know.
    both : ndarray of float64, shape (n,)
        What each of two ships adds to the log weight of the couple; -inf where the sighting is one ship.
    """
    share = _share(sighting, np.where(llr - of_size >= rule.min_llr, length_m, np.nan), seen_m, said, rule)
    some = np.flatnonzero(share > 0)
    beside = (llr - of_size)[some] + np.log(share[some])
    alone, both = llr.astype("float64"), np.full(len(llr), -np.inf)
    alone[some] = np.logaddexp(llr[some] + np.log1p(-share[some]), beside)
    both[some] = beside - 0.5 * np.log(share[some])
    return alone, both


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


def _share(
    sighting: np.ndarray, length_m: np.ndarray, seen_m: np.ndarray, said: np.ndarray, rule: LinkRule
) -> np.ndarray:
    """Chance of each pair's sighting that it is two ships, before looking at which, shape (n,)."""
    row, code = np.unique(sighting, return_inverse=True)
    longest = np.zeros(len(row))
    np.maximum.at(longest, code, np.nan_to_num(length_m))
    over = seen_m[row] / np.where(longest > 0, longest, np.nan)
    share = np.where((over > rule.merged_length) & (over <= 2 * rule.merged_length), rule.merged_share, 0.0)
    return np.where(said[row], _SAID, share)[code]
