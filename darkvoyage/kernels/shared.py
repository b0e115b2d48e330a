"""Matchings in which two left items may share a right one: two ships that lie together are one blob in an image.

A right item that can be shared takes one left item i with weight exp(llr_i) as any other does, or two with weight
exp(both_i + both_j). All else is as in `kernels.assign`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.assign import (
    MOST_LLR,
    Groups,
    components,
    marginals,
    pays,
    ranks_within,
    settled,
    small_problems,
)
from darkvoyage.kernels.spans import expand, group_ends, group_starts

__all__ = ["SharedMarginals", "shared_marginals"]

_WORTH = 1e-3
"""Couples less likely than this are not listed."""


@dataclass(frozen=True)
class SharedMarginals:
    """Probabilities of pairs, and of couples of left items on one right item.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
        Chance that the left item goes with the right one, alone or with another.
    together : ndarray of float64, shape (n,)
        Chance that it does so with another.
    converged : ndarray of bool, shape (n,)
        False where belief propagation ran out of rounds.
    one, other : ndarray of int64, shape (couples,)
        Pairs of the couples worth listing, each couple once.
    p_couple : ndarray of float64, shape (couples,)
    """

    p: np.ndarray
    together: np.ndarray
    converged: np.ndarray
    one: np.ndarray
    other: np.ndarray
    p_couple: np.ndarray

    def renewed(self, pair: np.ndarray, part: SharedMarginals) -> SharedMarginals:
        """The same with what has come out anew for some of the pairs, whole components.

        Parameters
        ----------
        pair : ndarray of int64, shape (m,)
            Rows of these.
        part : SharedMarginals
            Of m pairs.
        """
        p, together, converged = self.p.copy(), self.together.copy(), self.converged.copy()
        p[pair], together[pair], converged[pair] = part.p, part.together, part.converged
        kept = ~np.isin(self.one, pair)
        return SharedMarginals(
            p,
            together,
            converged,
            one=np.r_[self.one[kept], pair[part.one]],
            other=np.r_[self.other[kept], pair[part.other]],
            p_couple=np.r_[self.p_couple[kept], part.p_couple],
        )


def shared_marginals(
    left: np.ndarray, right: np.ndarray, llr: np.ndarray, both: np.ndarray, *, exact_side: int = 12,
    tolerance: float = 1e-6, rounds: int = 200,
) -> SharedMarginals:  # fmt: skip
    """Probability of each pair where right items may be shared.

    Components without such an item are left to `marginals`; others are summed exactly where they have few left items,
    else solved by belief propagation, which is exact on trees.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Items of the pairs; a pair occurs once.
    llr : ndarray of float64, shape (n,)
        Log weights against leaving both alone [nats].
    both : ndarray of float64, shape (n,)
        What each adds to the log weight of a couple [nats]; -inf where the right item cannot be shared.
    exact_side : int
        Components with at most so many left items are summed over exactly.
    tolerance : float
    rounds : int
        See `assign.marginals_by_beliefs`.

    Returns
    -------
    SharedMarginals
    """
    label = components(left, right)
    number = int(label.max(initial=-1)) + 1
    shared = np.zeros(number, dtype=bool)
    shared[label[np.isfinite(both)]] = True
    p, together, converged = np.empty(len(llr)), np.zeros(len(llr)), np.ones(len(llr), dtype=bool)
    rest = np.flatnonzero(~shared[label])
    p[rest], converged[rest] = marginals(
        left[rest], right[rest], llr[rest], exact_side=exact_side, tolerance=tolerance, rounds=rounds
    )
    (row, _), (column, lefts) = ranks_within(label, right, number), ranks_within(label, left, number)
    small = shared & (lefts <= exact_side)
    couples = []
    if pays(len(llr)):
        pair = np.flatnonzero(small[label])
        alone, half = (np.exp(np.minimum(part[pair], MOST_LLR)) for part in (llr, both))
        p[pair], together[pair], found = _compiled(label[pair], row[pair], column[pair], alone, half)
        couples.append((pair[found[0]], pair[found[1]], found[2]))
        small[:] = False
    for pair, at, shape in small_problems(label, row, column, small):
        tables = np.full((2, *shape), -np.inf)
        tables[:, *at] = llr[pair], both[pair]
        single, couple = _exact(*tables)
        together[pair] = couple.sum(axis=-1)[at]
        p[pair] = single[at] + together[pair]
        couples.append(_couples_of(couple, pair, at))
    large = np.flatnonzero((shared & (lefts > exact_side))[label])
    if len(large):
        p[large], together[large], converged[large], (one, other, worth) = _by_beliefs(
            left[large], right[large], llr[large], both[large], tolerance=tolerance, rounds=rounds
        )
        couples.append((large[one], large[other], worth))
    none = np.empty(0, dtype="int64")
    one, other, worth = (np.concatenate(parts) for parts in zip((none, none, np.empty(0)), *couples, strict=True))
    return SharedMarginals(p, together, converged, one, other, worth)


def _compiled(
    label: np.ndarray, row: np.ndarray, column: np.ndarray, alone: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Chance of each pair, the part of it with another, and the couples worth listing."""
    from darkvoyage.kernels.subsets import sum_components

    single, one, other, couple = sum_components(label, row, column, alone, half)
    together = np.bincount(one, couple, minlength=len(label)) + np.bincount(other, couple, minlength=len(label))
    worth = couple >= _WORTH
    return single + together, together, (one[worth], other[worth], couple[worth])


def _couples_of(
    couple: np.ndarray, pair: np.ndarray, at: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Couples of a batch of tables as pairs."""
    problem, row, i, j = np.nonzero(np.triu(couple) >= _WORTH)
    number = np.full(couple.shape[:3], -1)
    number[at] = pair
    return number[problem, row, i], number[problem, row, j], couple[problem, row, i, j]


def _exact(llr: np.ndarray, both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum over all ways for many small problems of one size, by a recursion over subsets of the columns.

    Parameters
    ----------
    llr, both : ndarray of float64, shape (problems, rows, columns)
        Rows are the items that may be shared.

    Returns
    -------
    single : ndarray of float64, shape (problems, rows, columns)
        Chance that the row has this column and no other.
    couple : ndarray of float64, shape (problems, rows, columns, columns)
        Chance that the row has both columns; symmetric.
    """
    problems, rows, columns = llr.shape
    alone, half = (np.exp(np.minimum(part, MOST_LLR)) for part in (llr, both))
    moves = [[(1 << j, alone[:, i, j]) for j in range(columns)] for i in range(rows)]
    for i in range(rows):
        pairs = ((j, k) for j in range(columns) for k in range(j) if half[:, i, j].any() and half[:, i, k].any())
        moves[i] += [((1 << j) | (1 << k), half[:, i, j] * half[:, i, k]) for j, k in pairs]
    every = np.arange(1 << columns)
    # What the first rows can have used, and what the later ones can make of it; scaled, as only ratios matter.
    used = np.zeros((rows, problems, 1 << columns))
    state = np.zeros((problems, 1 << columns))
    state[:, 0] = 1.0
    for i in range(rows):
        used[i], state = state, state.copy()
        for bits, weight in moves[i]:
            free = every[every & bits == 0]
            state[:, free | bits] += weight[:, None] * used[i][:, free]
        state /= state.max(axis=1, keepdims=True)
    single, couple = np.zeros(llr.shape), np.zeros((*llr.shape, columns))
    left_over = np.ones((problems, 1 << columns))
    for i in reversed(range(rows)):
        total, before = np.einsum("bs,bs->b", used[i], left_over), left_over.copy()
        for bits, weight in moves[i]:
            free = every[every & bits == 0]
            taken = weight[:, None] * before[:, free | bits]
            share = np.einsum("bs,bs->b", used[i][:, free], taken)
            left_over[:, free] += taken
            total += share
            j, k = bits.bit_length() - 1, (bits & -bits).bit_length() - 1
            if j == k:
                single[:, i, j] = share
            else:
                couple[:, i, j, k] = couple[:, i, k, j] = share
        single[:, i] /= total[:, None]
        couple[:, i] /= total[:, None, None]
        left_over /= left_over.max(axis=1, keepdims=True)
    return single, couple


def _by_beliefs(
    left: np.ndarray, right: np.ndarray, llr: np.ndarray, both: np.ndarray, *, tolerance: float, rounds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Beliefs as of Williams and Lau, with right items that answer for couples too."""
    alone, half = (np.exp(np.minimum(part, MOST_LLR)) for part in (llr, both))

    def answers(active: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        by_right, own = Groups.of(right[active]), alone[active]
        items = _Items.of(right[active], own, half[active])

        def answer(heard: np.ndarray) -> np.ndarray:
            offer = own / by_right.one_and_others(own * heard)
            offer[items.pair] = items.offers(heard)
            return offer

        return answer

    label = components(left, right)
    offer, p, converged = settled(left, right, label, alone, half, answers, tolerance=tolerance, rounds=rounds)
    items = _Items.of(right, alone, half)
    heard = 1.0 / Groups.of(left).one_and_others(offer)
    together = np.zeros(len(p))
    together[items.pair] = p[items.pair] * items.share_of_couples(heard)
    return p, together, converged, items.couples(heard)


@dataclass(frozen=True)
class _Items:
    """Right items that may be shared as rows of a table, filled up with zeros: their pairs, and where these are."""

    pair: np.ndarray
    start: np.ndarray
    at: tuple[np.ndarray, np.ndarray]
    shape: tuple[int, int]
    alone: np.ndarray
    half: np.ndarray

    @classmethod
    def of(cls, right: np.ndarray, alone: np.ndarray, half: np.ndarray) -> _Items:
        pair = np.flatnonzero(np.isin(right, right[half > 0]))
        pair = pair[np.argsort(right[pair], kind="stable")]
        start = group_starts(right[pair])
        count = group_ends(start, len(pair)) - start
        row = np.repeat(np.arange(len(start)), count)
        at = row, np.arange(len(pair)) - start[row]
        return cls(pair, start, at, (len(start), int(count.max(initial=0))), alone[pair], half[pair])

    def _table(self, value: np.ndarray) -> np.ndarray:
        table = np.zeros(self.shape)
        table[self.at] = value
        return table

    def _partners(self, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight of what each pair's left item may share with, and of all that goes without it."""
        single, half = (self._table(own * heard[self.pair]) for own in (self.alone, self.half))
        before, after = _before(half), _after(half)
        couples = _before(half * before) + _after(half * after) + before * after
        rest = 1.0 + _before(single) + _after(single) + couples
        return (before + after)[self.at], rest[self.at]

    def offers(self, heard: np.ndarray) -> np.ndarray:
        """Odds at which the items offer themselves to the left item of each of their pairs."""
        partners, rest = self._partners(heard)
        return (self.alone + self.half * partners) / rest

    def share_of_couples(self, heard: np.ndarray) -> np.ndarray:
        """How much of each pair is with another."""
        partners = self._partners(heard)[0]
        return self.half * partners / np.maximum(self.alone + self.half * partners, 1e-300)

    def couples(self, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of the couples worth listing, and their chance."""
        partners, rest = self._partners(heard)
        half = self.half * heard[self.pair]
        total = rest + self.alone * heard[self.pair] + half * partners
        end = group_ends(self.start, len(self.pair))[self.at[0]]
        one, other = expand(np.arange(len(self.pair)) + 1, end - np.arange(len(self.pair)) - 1)
        p = half[one] * half[other] / total[one]
        keep = p >= _WORTH
        return self.pair[one[keep]], self.pair[other[keep]], p[keep]


def _before(table: np.ndarray) -> np.ndarray:
    """Sums over the columns to the left of each."""
    return np.cumsum(np.c_[np.zeros(len(table)), table[:, :-1]], axis=1)


def _after(table: np.ndarray) -> np.ndarray:
    """Sums over the columns to the right of each."""
    return _before(table[:, ::-1])[:, ::-1]
