"""Belief propagation over matchings, compiled: component by component until each is done.

The same is done with arrays in `assign.settled` where nothing can be compiled; see `kernels.shared` for what it means
that a right item may be shared.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.compiled import jit
from darkvoyage.kernels.spans import group_starts

__all__ = ["settle_components"]


def settle_components(
    left: np.ndarray, right: np.ndarray, label: np.ndarray, alone: np.ndarray, half: np.ndarray, *, tolerance: float,
    rounds: int, looks: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Let left and right items tell each other until nothing changes.

    Parameters
    ----------
    left, right, label : ndarray of int64, shape (n,)
        Items and component of each pair.
    alone, half : ndarray of float64, shape (n,)
        Weight of each pair, and the factor it adds where the right item takes two; 0 where it does not.
    tolerance : float
    rounds : int
        See `assign.marginals_by_beliefs`.
    looks : tuple of int
        Rounds before the first look at whether a component is done, doubled from look to look up to the second number.

    Returns
    -------
    offer : ndarray of float64, shape (n,)
        Last odds at which right items offer themselves.
    p : ndarray of float64, shape (n,)
    converged : ndarray of bool, shape (n,)
    """
    order = np.lexsort((left, label))
    by_right = np.lexsort((right[order], label[order]))
    of_component, lefts, rights = (
        np.append(group_starts(item), len(left)) for item in (label[order], left[order], right[order][by_right])
    )
    offer, p, converged = np.empty(len(left)), np.empty(len(left)), np.empty(len(left), dtype=bool)
    # No item is in two components, so that those of one are beside each other.
    of_left, of_right = np.searchsorted(lefts, of_component), np.searchsorted(rights, of_component)
    found = np.empty(len(left)), np.empty(len(left)), np.empty(len(left), dtype=bool)
    _settle(
        of_component, lefts, rights, of_left, of_right, by_right, alone[order], half[order], tolerance, rounds,
        looks[0], looks[1], np.empty(len(left)), np.empty((2, len(left) + 1)), *found,
    )  # fmt: skip
    offer[order], p[order], converged[order] = found
    return offer, p, converged


@jit
def _settle(
    components: np.ndarray, lefts: np.ndarray, rights: np.ndarray, of_left: np.ndarray, of_right: np.ndarray,
    by_right: np.ndarray, alone: np.ndarray, half: np.ndarray, tolerance: float, rounds: int, first_look: int,
    look: int, heard: np.ndarray, behind: np.ndarray, offer: np.ndarray, p: np.ndarray, converged: np.ndarray,
) -> None:  # fmt: skip
    for c in range(len(components) - 1):
        low, high = components[c], components[c + 1]
        for e in range(low, high):
            offer[e] = alone[e]
            p[e] = -1.0
            converged[e] = False
        done, some, moved = 0, first_look, True
        while moved and done < rounds:
            some = min(some, rounds - done)
            for _ in range(some):
                for item in range(of_left[c], of_left[c + 1]):
                    begin, end = lefts[item], lefts[item + 1]
                    behind[0, end - begin] = 0.0
                    for k in range(end - 1, begin - 1, -1):
                        behind[0, k - begin] = behind[0, k - begin + 1] + offer[k]
                    before = 1.0
                    for k in range(begin, end):
                        heard[k] = 1.0 / (before + behind[0, k - begin + 1])
                        before += offer[k]
                for item in range(of_right[c], of_right[c + 1]):
                    begin, end = rights[item], rights[item + 1]
                    # Of the pairs behind: weights of one, factors, and weights of two.
                    ones, factors, twos = 0.0, 0.0, 0.0
                    for k in range(end - 1, begin - 1, -1):
                        e = by_right[k]
                        behind[0, k - begin] = ones + twos
                        behind[1, k - begin] = factors
                        own = half[e] * heard[e]
                        twos += own * factors
                        factors += own
                        ones += alone[e] * heard[e]
                    ones, factors, twos = 0.0, 0.0, 0.0
                    for k in range(begin, end):
                        e = by_right[k]
                        partners = factors + behind[1, k - begin]
                        rest = 1.0 + ones + twos + behind[0, k - begin] + factors * behind[1, k - begin]
                        offer[e] = (alone[e] + half[e] * partners) / rest
                        own = half[e] * heard[e]
                        twos += own * factors
                        factors += own
                        ones += alone[e] * heard[e]
            moved = False
            for item in range(of_left[c], of_left[c + 1]):
                begin, end = lefts[item], lefts[item + 1]
                total = 1.0
                for k in range(begin, end):
                    total += offer[k]
                for k in range(begin, end):
                    now = offer[k] / total
                    # Where all is overwhelming, left items seem settled long before the right ones agree with them.
                    as_right = offer[k] * heard[k] / (1.0 + offer[k] * heard[k])
                    moved |= abs(now - p[k]) > tolerance or abs(now - as_right) > tolerance
                    p[k] = now
            done += some
            some = min(2 * some, look)
        if not moved:
            for e in range(low, high):
                converged[e] = True
