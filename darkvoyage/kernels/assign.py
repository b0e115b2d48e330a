"""Which of the left items goes with which of the right: marginals over all matchings, exact and by belief propagation.

A matching gives each left item at most one right item and the other way round. Its weight is the product of
exp(llr) over its pairs; leaving an item alone has weight 1. Marginals are the share of the weight of all matchings that
hold a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from darkvoyage.kernels.spans import expand, group_starts, in_parts

__all__ = ["best_matchings", "components", "exact_marginals", "marginals", "marginals_by_beliefs"]

_MOST = 40.0
"""Log ratios beyond are as good as certain [nats]; twelve of them multiplied are still numbers."""
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
    left_rank, lefts = _ranks_within(label, left, number)
    right_rank, rights = _ranks_within(label, right, number)
    tree = np.bincount(label, minlength=number) < lefts + rights
    exact = (np.minimum(lefts, rights) <= exact_side) & ~tree
    p, converged = np.empty(len(llr)), np.ones(len(llr), dtype=bool)
    rest = np.flatnonzero(~exact[label])
    p[rest], converged[rest] = marginals_by_beliefs(
        left[rest], right[rest], llr[rest], tolerance=tolerance, rounds=rounds
    )
    # The smaller side is summed over by subsets; problems of about the same size are done together.
    turned = lefts < rights
    long_rank, short_rank = (
        np.where(turned[label], *ranks) for ranks in ((right_rank, left_rank), (left_rank, right_rank))
    )
    long = 1 << np.ceil(np.log2(np.maximum(lefts, rights))).astype("int64")
    size = np.where(exact, np.minimum(lefts, rights) * (1 << 40) + long, -1)
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(number + 1))
    for kind in np.unique(size[exact]):
        rows, columns = int(kind & ((1 << 40) - 1)), int(kind >> 40)
        which = np.flatnonzero(size == kind)
        for part in in_parts(np.full(len(which), rows << columns), _BATCH):
            some = which[part]
            owner, index = expand(first[some], np.diff(first)[some])
            pair = order[index]
            dense = np.full((len(some), rows, columns), -np.inf)
            at = owner, long_rank[pair], short_rank[pair]
            dense[at] = llr[pair]
            p[pair] = exact_marginals(dense)[at]
    return p, converged


def _ranks_within(label: np.ndarray, item: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Place of each pair's item among the items of its component, and how many each component has."""
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
    weight = np.exp(np.minimum(llr, _MOST))
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
    left, right, weight = left[order], right[order], np.exp(np.minimum(llr[order], _MOST))
    label = components(left, right)
    p, converged = np.full(len(weight), -1.0), np.zeros(len(weight), dtype=bool)
    active, back, done, some = np.arange(len(weight)), np.ones(len(weight)), 0, _FIRST_LOOK
    while done < rounds and len(active):
        by_left, by_right = _Groups.of(left[active]), _Groups.of(right[active])
        own = weight[active]
        for _ in range(min(some, rounds - done)):
            back = 1.0 / by_right.one_and_others(own / by_left.one_and_others(own * back))
        offer, last = own * back, p[active]
        # Told by the left item; the right item's own sum agrees once all is settled.
        p[active] = offer / (by_left.one_and_others(offer) + offer)
        moved = np.abs(p[active] - last) > tolerance
        open_ = np.isin(label[active], label[active[moved]])
        converged[active[~open_]] = True
        active, back = active[open_], back[open_]
        done, some = done + some, min(2 * some, _LOOK)
    out, settled = np.empty_like(p), np.empty_like(converged)
    out[order], settled[order] = p, converged
    return out, settled


@dataclass(frozen=True)
class _Groups:
    """Pairs by one of their items: order by item (None: they are in it), first rows, and the group of each row."""

    order: np.ndarray | None
    start: np.ndarray
    group: np.ndarray

    @classmethod
    def of(cls, item: np.ndarray) -> _Groups:
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
