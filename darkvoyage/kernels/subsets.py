"""Sums over all matchings of small components, compiled: a recursion over subsets of the left items.

The same is done with arrays in `kernels.shared` where nothing can be compiled; here only the pairs that there are cost.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.compiled import jit
from darkvoyage.kernels.spans import group_ends, group_starts

__all__ = ["sum_components"]


def sum_components(
    label: np.ndarray, row: np.ndarray, column: np.ndarray, alone: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Chance of each pair by itself, and of each two pairs of a row together.

    Parameters
    ----------
    label, row, column : ndarray of int64, shape (n,)
        Component of each pair, and the places of its right and left item in it. The cost is that of 2**columns subsets.
    alone, half : ndarray of float64, shape (n,)
        Weight of each pair, and the factor it adds where the right item takes two; 0 where it does not.

    Returns
    -------
    single : ndarray of float64, shape (n,)
    one, other : ndarray of int64, shape (couples,)
        Pairs of each two of a row that may go together.
    couple : ndarray of float64, shape (couples,)
    """
    order = np.lexsort((column, row, label))
    label, row, column = label[order], row[order], column[order]
    components, rows = group_starts(label), group_starts(label * (int(row.max(initial=0)) + 1) + row)
    size = group_ends(rows, len(label)) - rows
    of_component = np.append(components, len(label))
    of_row = np.searchsorted(rows, of_component)
    slot = np.append(0, np.cumsum(size * (size - 1) // 2))
    single, couple = np.zeros(len(label)), np.zeros(slot[-1])
    one, other = np.zeros(slot[-1], dtype="int64"), np.zeros(slot[-1], dtype="int64")
    widest = 1 << (int(column.max(initial=-1)) + 1)
    used = np.empty((int(np.diff(of_row).max(initial=0)), widest))
    _sum(
        of_component, np.append(rows, len(label)), of_row, column, alone[order], half[order], slot, single, one, other,
        couple, used, np.empty((3, widest)),
    )  # fmt: skip
    may = np.flatnonzero(couple > 0)
    out = np.empty_like(single)
    out[order] = single
    return out, order[one[may]], order[other[may]], couple[may]


@jit
def _sum(
    components: np.ndarray, rows: np.ndarray, of_row: np.ndarray, column: np.ndarray, alone: np.ndarray,
    half: np.ndarray, slot: np.ndarray, single: np.ndarray, one: np.ndarray, other: np.ndarray, couple: np.ndarray,
    used: np.ndarray, scratch: np.ndarray,
) -> None:  # fmt: skip
    state, left_over, before = scratch[0], scratch[1], scratch[2]
    for c in range(len(components) - 1):
        size = 1
        for e in range(components[c], components[c + 1]):
            size = max(size, 2 << column[e])
        # What the first rows can have used, and what the later ones can make of it; scaled, as only ratios matter.
        state[:size] = 0.0
        state[0] = 1.0
        for i in range(of_row[c], of_row[c + 1]):
            own = used[i - of_row[c]]
            own[:size] = state[:size]
            for e in range(rows[i], rows[i + 1]):
                bit = 1 << column[e]
                for s in range(size):
                    if s & bit == 0:
                        state[s | bit] += alone[e] * own[s]
                for f in range(rows[i], e):
                    weight, bits = half[e] * half[f], bit | (1 << column[f])
                    if weight > 0:
                        for s in range(size):
                            if s & bits == 0:
                                state[s | bits] += weight * own[s]
            top = state[:size].max()
            state[:size] /= top
        left_over[:size] = 1.0
        for i in range(of_row[c + 1] - 1, of_row[c] - 1, -1):
            own = used[i - of_row[c]]
            before[:size] = left_over[:size]
            total = 0.0
            for s in range(size):
                total += own[s] * before[s]
            k = slot[i]
            for e in range(rows[i], rows[i + 1]):
                bit, share = 1 << column[e], 0.0
                for s in range(size):
                    if s & bit == 0:
                        taken = alone[e] * before[s | bit]
                        left_over[s] += taken
                        share += own[s] * taken
                single[e] = share
                total += share
                for f in range(rows[i], e):
                    weight, bits, share = half[e] * half[f], bit | (1 << column[f]), 0.0
                    if weight > 0:
                        for s in range(size):
                            if s & bits == 0:
                                taken = weight * before[s | bits]
                                left_over[s] += taken
                                share += own[s] * taken
                    one[k], other[k], couple[k] = f, e, share
                    total += share
                    k += 1
            for e in range(rows[i], rows[i + 1]):
                single[e] /= total
            for m in range(slot[i], k):
                couple[m] /= total
            top = left_over[:size].max()
            left_over[:size] /= top
