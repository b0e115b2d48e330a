"""Which of the left items goes with which of the right: marginals over all matchings, exact and by belief propagation.

A matching gives each left item at most one right item and the other way round. Its weight is the product of
exp(llr) over its pairs; leaving an item alone has weight 1. Marginals are the share of the weight of all matchings that
hold a pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from darkvoyage.kernels.compiled import can_compile, has_started
from darkvoyage.kernels.spans import expand, group_starts, in_parts

__all__ = [
    "MOST_LLR", "Groups", "best_matchings", "components", "exact_marginals", "marginals", "marginals_by_beliefs",
    "pays", "ranks_within", "settled", "small_problems",
]  # fmt: skip

MOST_LLR = 40.0
"""Log ratios beyond are as good as certain [nats]; twelve of them multiplied are still numbers."""
_COMPILE_PAIRS = 40_000
"""From so many pairs on compiled sums are worth the start of numba, a second."""
_FIRST_LOOK, _LOOK = 2, 8
"""Rounds before the first look at which components are done, doubled from look to look up to the second number."""
_BATCH = 1 << 22
"""Numbers that a batch of exact problems holds at a time."""


def marginals(
    left: np.ndarray, right: np.ndarray, llr: np.ndarray, *, exact_side: int = 12, tolerance: float = 1e-6,
    rounds: int = 200,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Probability of each pair: exact where a component is a tree or has a small side, else by belief propagation.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Items of the pairs; a pair occurs once.
    llr : ndarray of float64, shape (n,)
        Log weights against leaving both alone [nats].
    exact_side : int
        Components whose smaller side has at most so many items are summed over exactly.
    tolerance : float
    rounds : int
        See `marginals_by_beliefs`.

    Returns
    -------
    p : ndarray of float64, shape (n,)
    converged : ndarray of bool, shape (n,)
        False where belief propagation ran out of rounds.
    """
    label = components(left, right)
    number = int(label.max(initial=-1)) + 1
    left_rank, lefts = ranks_within(label, left, number)
    right_rank, rights = ranks_within(label, right, number)
    tree = np.bincount(label, minlength=number) < lefts + rights
    exact = (np.minimum(lefts, rights) <= exact_side) & ~tree
    p, converged = np.empty(len(llr)), np.ones(len(llr), dtype=bool)
    rest = np.flatnonzero(~exact[label])
    p[rest], converged[rest] = marginals_by_beliefs(
        left[rest], right[rest], llr[rest], tolerance=tolerance, rounds=rounds
    )
    # The smaller side is summed over by subsets.
    turned = (lefts < rights)[label]
    row, column = (np.where(turned, *ranks) for ranks in ((right_rank, left_rank), (left_rank, right_rank)))
    for pair, at, shape in small_problems(label, row, column, exact):
        dense = np.full(shape, -np.inf)
        dense[at] = llr[pair]
        p[pair] = exact_marginals(dense)[at]
    return p, converged


def small_problems(
    label: np.ndarray, row: np.ndarray, column: np.ndarray, which: np.ndarray
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray], tuple[int, int, int]]]:
    """Lay components out as tables, those of about the same size together.

    Parameters
    ----------
    label : ndarray of int64, shape (n,)
        Component of each pair.
    row, column : ndarray of int64, shape (n,)
        Place of the pair's items in the table of its component; the cost is that of 2**columns subsets.
    which : ndarray of bool, shape (components,)
        Those to be laid out.

    Yields
    ------
    pair : ndarray of int64, shape (m,)
        Pairs of a batch.
    at : tuple of ndarray of int64, shape (m,)
        Problem, row and column of each.
    shape : tuple of int
        Problems, rows and columns of the batch.
    """
    number = len(which)
    rows, columns = np.zeros(number, "int64"), np.zeros(number, "int64")
    np.maximum.at(rows, label, row + 1)
    np.maximum.at(columns, label, column + 1)
    size = np.where(which, columns * (1 << 40) + (1 << np.ceil(np.log2(np.maximum(rows, 1))).astype("int64")), -1)
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(number + 1))
    for kind in np.unique(size[which]):
        high, wide = int(kind & ((1 << 40) - 1)), int(kind >> 40)
        same = np.flatnonzero(size == kind)
        for part in in_parts(np.full(len(same), high << wide), _BATCH):
            some = same[part]
            owner, index = expand(first[some], np.diff(first)[some])
            pair = order[index]
            yield pair, (owner, row[pair], column[pair]), (len(some), high, wide)


def ranks_within(label: np.ndarray, item: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Place of each pair's item among the items of its component, and how many each component has.

    Parameters
    ----------
    label, item : ndarray of int64, shape (n,)
        Component and item of each pair.
    number : int
        Of components.

    Returns
    -------
    rank : ndarray of int64, shape (n,)
    count : ndarray of int64, shape (number,)
    """
    _, first, code = np.unique(item, return_index=True, return_inverse=True)
    owner = label[first]
    count = np.bincount(owner, minlength=number)
    order = np.argsort(owner, kind="stable")
    rank = np.empty(len(owner), dtype="int64")
    rank[order] = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return rank[code], count


def components(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Number of the connected component of each pair.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Items of the pairs, each side counted from 0.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0, without holes.
    """
    if len(left) == 0:
        return np.empty(0, dtype="int64")
    lefts, size = int(left.max()) + 1, int(left.max()) + int(right.max()) + 2
    # SciPy's graph routines take 32-bit indices only, in its older versions.
    ends = left.astype("int32"), (right + lefts).astype("int32")
    graph = coo_array((np.ones(len(left), dtype="int8"), ends), shape=(size, size))
    label = connected_components(graph.tocsr(), directed=False)[1][left]
    return np.unique(label, return_inverse=True)[1].astype("int64")


def exact_marginals(llr: np.ndarray) -> np.ndarray:
    """Sum over all matchings of many small problems of one size, by a recursion over subsets of the right side.

    Parameters
    ----------
    llr : ndarray of float64, shape (problems, left, right)
        Log weight of each pair [nats]; -inf where the two cannot go together. The cost is that of 2**right subsets.

    Returns
    -------
    ndarray of float64, shape (problems, left, right)
        Probability of each pair.
    """
    problems, lefts, rights = llr.shape
    weight = np.exp(np.minimum(llr, MOST_LLR))
    # What the first rows can have used, for each subset of the right; scaled, as only ratios matter.
    used = np.zeros((lefts, problems, 1 << rights))
    state = np.zeros((problems, 1 << rights))
    state[:, 0] = 1.0
    for i in range(lefts):
        used[i] = state
        state = state.copy()
        for j in range(rights):
            _with(state, j)[...] += weight[:, i, j, None, None] * _without(used[i], j)
        state /= state.max(axis=1, keepdims=True)
    # What the later rows can make of each subset already used.
    left_over = np.ones((problems, 1 << rights))
    out = np.empty_like(weight)
    for i in reversed(range(lefts)):
        alone = np.einsum("bs,bs->b", used[i], left_over)
        before = left_over.copy()
        for j in range(rights):
            taken = _with(before, j)
            out[:, i, j] = weight[:, i, j] * np.einsum("bij,bij->b", _without(used[i], j), taken)
            _without(left_over, j)[...] += weight[:, i, j, None, None] * taken
        out[:, i] /= (alone + out[:, i].sum(axis=1))[:, None]
        left_over /= left_over.max(axis=1, keepdims=True)
    return out


def _without(state: np.ndarray, j: int) -> np.ndarray:
    """View of the subsets that lack item j."""
    return state.reshape(len(state), -1, 2, 1 << j)[:, :, 0]


def _with(state: np.ndarray, j: int) -> np.ndarray:
    """View of the same subsets with item j."""
    return state.reshape(len(state), -1, 2, 1 << j)[:, :, 1]


def marginals_by_beliefs(
    left: np.ndarray, right: np.ndarray, llr: np.ndarray, *, tolerance: float, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Marginals of large sparse problems by belief propagation (Williams and Lau, IEEE T-AES 50, 2014).

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Items of the pairs.
    llr : ndarray of float64, shape (n,)
        Log weights [nats].
    tolerance : float
        A component is done when no probability of it changes by more between two looks, some rounds apart.
    rounds : int
        At most so many.

    Returns
    -------
    p : ndarray of float64, shape (n,)
        Exact where a component is a tree, else close to it.
    converged : ndarray of bool, shape (n,)
        Whether the pair's component was done within the rounds.
    """
    # Sorted by left item, only sums over the right items need another order.
    order = np.argsort(left, kind="stable")
    left, right, weight = left[order], right[order], np.exp(np.minimum(llr[order], MOST_LLR))

    def answers(active: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        by_right, own = Groups.of(right[active]), weight[active]
        return lambda heard: own / by_right.one_and_others(own * heard)

    label, half = components(left, right), np.zeros(len(left))
    _, p, converged = settled(left, right, label, weight, half, answers, tolerance=tolerance, rounds=rounds)
    out, done = np.empty_like(p), np.empty_like(converged)
    out[order], done[order] = p, converged
    return out, done


def pays(pairs: int) -> bool:
    """Tell whether compiled sums are there, and worth the start of numba for so many pairs.

    Parameters
    ----------
    pairs : int
    """
    return has_started() or (can_compile() and pairs >= _COMPILE_PAIRS)


def settled(
    left: np.ndarray, right: np.ndarray, label: np.ndarray, alone: np.ndarray, half: np.ndarray,
    answers: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]], *, tolerance: float, rounds: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Let left and right items tell each other until nothing changes; compiled where that is possible and pays.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Items of each pair; fastest in the order of the left ones.
    label : ndarray of int64, shape (n,)
        Component of each pair.
    alone, half : ndarray of float64, shape (n,)
        Weight of each pair, and the factor it adds where the right item takes two; 0 where it does not.
    answers : callable
        Takes the rows of whole components; gives the function from what the right items hear (chances that each left
        item is still free) to the odds they then offer.
    tolerance : float
    rounds : int
        See `marginals_by_beliefs`.

    Returns
    -------
    offer : ndarray of float64, shape (n,)
        Last odds.
    p : ndarray of float64, shape (n,)
        Probability of each pair, as the left item sees it.
    converged : ndarray of bool, shape (n,)
    """
    if pays(len(left)):
        from darkvoyage.kernels.beliefs import settle_components

        looks = _FIRST_LOOK, _LOOK
        return settle_components(left, right, label, alone, half, tolerance=tolerance, rounds=rounds, looks=looks)
    offer, p, converged = alone.astype("float64"), np.full(len(left), -1.0), np.zeros(len(left), dtype=bool)
    active, done, some = np.arange(len(left)), 0, _FIRST_LOOK
    while done < rounds and len(active):
        by_left, answer = Groups.of(left[active]), answers(active)
        own = offer[active]
        for _ in range(min(some, rounds - done)):
            heard = 1.0 / by_left.one_and_others(own)
            own = answer(heard)
        last, offer[active] = p[active], own
        p[active] = own / (by_left.one_and_others(own) + own)
        # Where all is overwhelming, left items seem settled long before the right ones agree with them.
        p_right = own * heard / (1.0 + own * heard)
        moved = np.maximum(np.abs(p[active] - last), np.abs(p[active] - p_right)) > tolerance
        open_ = np.isin(label[active], label[active[moved]])
        converged[active[~open_]] = True
        active, done, some = active[open_], done + some, min(2 * some, _LOOK)
    return offer, p, converged


@dataclass(frozen=True)
class Groups:
    """Pairs by one of their items: order by item (None: they are in it), first rows, and the group of each row."""

    order: np.ndarray | None
    start: np.ndarray
    group: np.ndarray

    @classmethod
    def of(cls, item: np.ndarray) -> Groups:
        """Group the pairs by the item of each."""
        order = None if (item[1:] >= item[:-1]).all() else np.argsort(item, kind="stable")
        start = group_starts(item if order is None else item[order])
        return cls(order, start, np.repeat(np.arange(len(start)), np.diff(np.append(start, len(item)))))

    def one_and_others(self, value: np.ndarray) -> np.ndarray:
        """One plus the sum over the other pairs of the item, without taking a large number from a large sum."""
        value = value if self.order is None else value[self.order]
        top = np.maximum.reduceat(value, self.start)[self.group]
        is_top = value == top
        rest = np.add.reduceat(np.where(is_top, 0.0, value), self.start)[self.group]
        ties = np.add.reduceat(is_top.astype("float64"), self.start)[self.group]
        sums = 1.0 + np.where(is_top, rest + (ties - 1.0) * top, np.maximum(rest - value, 0.0) + ties * top)
        if self.order is None:
            return sums
        out = np.empty_like(sums)
        out[self.order] = sums
        return out


def best_matchings(llr: np.ndarray, number: int) -> list[tuple[float, np.ndarray]]:
    """Find the likeliest matchings of one problem, best first (Murty, Operations Research 16, 1968).

    Parameters
    ----------
    llr : ndarray of float64, shape (left, right)
        Log weights [nats]; -inf where the two cannot go together.
    number : int
        How many, as far as there are so many.

    Returns
    -------
    list of (float, ndarray of int64 of shape (left,))
        Log weight of the matching, and the right item of each left one, -1 for none.
    """
    lefts, rights = llr.shape
    alone = np.where(np.eye(lefts, dtype=bool), 0.0, -np.inf)
    start = _best(np.concatenate([llr, alone], axis=1))
    nodes = [start] if start else []
    found: list[tuple[float, np.ndarray]] = []
    while nodes and len(found) < number:
        nodes.sort(key=lambda node: (-node[0], node[1].tolist()))
        weight, choice, allowed, fixed = nodes.pop(0)
        found.append((weight, np.where(choice < rights, choice, -1)))
        # Each further node forbids one choice of the best and keeps those before it.
        for row in range(fixed, lefts):
            barred = allowed.copy()
            barred[row, choice[row]] = -np.inf
            child = _best(barred, row)
            nodes += [child] if child else []
            kept = allowed[row, choice[row]]
            allowed = allowed.copy()
            allowed[row], allowed[:, choice[row]] = -np.inf, -np.inf
            allowed[row, choice[row]] = kept
    return found


def _best(allowed: np.ndarray, fixed: int = 0) -> tuple[float, np.ndarray, np.ndarray, int] | None:
    """Best choice among what is allowed, None where every row cannot have one."""
    try:
        _, choice = linear_sum_assignment(allowed, maximize=True)
    except ValueError:  # no choice for every row
        return None
    return float(allowed[np.arange(len(choice)), choice].sum()), choice, allowed, fixed
