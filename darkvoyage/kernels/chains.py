"""Several looks at one item in a row: which of the candidates it was, where not every step between two is possible."""

from __future__ import annotations

import numpy as np

__all__ = ["chain_marginals"]


def chain_marginals(odds: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Probability of each candidate, summed over all sequences of candidates that the item may have been.

    Parameters
    ----------
    odds : ndarray of float64, shape (chains, candidates)
        Odds of each candidate against being none, in the order of time; 0 for filling up.
    step : ndarray of float64, shape (chains, candidates, candidates)
        Factor of being candidate i and next candidate j, for i < j; 0 where it cannot be both.

    Returns
    -------
    ndarray of float64, shape (chains, candidates)
        A sequence weighs the product of its odds and steps; the empty one weighs 1.
    """
    candidates = odds.shape[1]
    forth, back = np.empty_like(odds), np.ones_like(odds)
    for j in range(candidates):
        forth[:, j] = odds[:, j] * (1.0 + np.einsum("bi,bi->b", forth[:, :j], step[:, :j, j]))
    for i in reversed(range(candidates)):
        back[:, i] += np.einsum("bj,bj,bj->b", step[:, i, i + 1 :], odds[:, i + 1 :], back[:, i + 1 :])
    return forth * back / (1.0 + forth.sum(axis=1, keepdims=True))
