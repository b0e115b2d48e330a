import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from darkvoyage.kernels.assign import best_matchings, components, exact_marginals, marginals, marginals_by_beliefs

LLR = st.one_of(st.floats(-8, 8), st.just(-np.inf), st.just(30.0))
TABLES = hnp.arrays("float64", st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=LLR)


def matchings(llr):
    """Every matching of a small problem: the right item of each left one (-1: none) and its log weight."""
    lefts, rights = llr.shape
    for choice in itertools.product(range(-1, rights), repeat=lefts):
        used = [right for right in choice if right >= 0]
        weight = sum(llr[left, right] for left, right in enumerate(choice) if right >= 0)
        if len(set(used)) == len(used) and np.isfinite(weight):
            yield choice, weight


def enumerated(llr):
    """Marginals by going through all matchings."""
    total, share = 0.0, np.zeros(llr.shape)
    for choice, weight in matchings(llr):
        total += np.exp(weight)
        for left, right in enumerate(choice):
            if right >= 0:
                share[left, right] += np.exp(weight)
    return share / total


def sparse(llr):
    left, right = np.nonzero(np.isfinite(llr))
    return left, right, llr[left, right]


def test_two_equal_ships_and_one_sighting_by_hand():
    # Weights 1 (nobody), 3 and 3: three sevenths each.
    p, converged = marginals(np.array([0, 1]), np.array([0, 0]), np.log([3.0, 3.0]))
    np.testing.assert_allclose(p, 3 / 7)
    assert converged.all()


def test_one_ship_takes_the_sighting_of_the_other_by_hand():
    # Ship 0 fits both sightings equally well, ship 1 only the first, all three ratios 9. Matchings: none, weight 1;
    # single pairs, 3 x 9; both ships, 9 x 9 (ship 0 must take the second): 109 in all.
    llr = np.array([[np.log(9.0), np.log(9.0)], [np.log(9.0), -np.inf]])
    np.testing.assert_allclose(exact_marginals(llr[None])[0], np.array([[9, 90], [90, 0]]) / 109, atol=1e-9)


@given(TABLES)
def test_exact_is_the_sum_over_all_matchings(llr):
    np.testing.assert_allclose(exact_marginals(llr[None])[0], enumerated(llr), atol=1e-9)


@given(TABLES)
def test_marginals_of_sparse_pairs_are_exact_on_small_sides(llr):
    left, right, weight = sparse(llr)
    p, converged = marginals(left, right, weight)
    np.testing.assert_allclose(p, enumerated(llr)[left, right], atol=1e-6)
    assert converged.all()


@given(TABLES)
def test_beliefs_are_probabilities_of_one_ship_a_sighting(llr):
    left, right, weight = sparse(llr)
    p, _ = marginals_by_beliefs(left, right, weight, tolerance=1e-6, rounds=200)
    assert (p >= 0).all()
    assert (np.bincount(left, p) <= 1 + 1e-9).all()
    assert (np.bincount(right, p) <= 1 + 1e-3).all()


def test_beliefs_are_exact_on_trees():
    rng = np.random.default_rng(1)
    # A chain: ship i fits sightings i and i + 1.
    left, right = np.repeat(np.arange(6), 2), (np.arange(6)[:, None] + [0, 1]).ravel()
    llr = rng.normal(0, 3, 12)
    dense = np.full((6, 7), -np.inf)
    dense[left, right] = llr
    p, converged = marginals_by_beliefs(left, right, llr, tolerance=1e-9, rounds=400)
    np.testing.assert_allclose(p, exact_marginals(dense[None])[0][left, right], atol=1e-9)
    assert converged.all()


def test_beliefs_are_close_to_exact_where_both_can_be_had():
    rng = np.random.default_rng(2)
    off = []
    for _ in range(100):
        llr = rng.normal(0, 3, rng.integers(2, 9, 2))
        left, right, weight = sparse(llr)
        p, _ = marginals_by_beliefs(left, right, weight, tolerance=1e-6, rounds=200)
        off.append(np.abs(p - exact_marginals(llr[None])[0][left, right]))
    assert np.median(np.concatenate(off)) <= 0.02


def test_problems_of_all_sizes_together_are_each_on_its_own():
    rng = np.random.default_rng(3)
    tables = [rng.normal(0, 2, (m, n)) for m, n in [(1, 1), (1, 5), (3, 2), (2, 3), (4, 4), (9, 2), (3, 3)]]
    shift = np.cumsum([0] + [max(table.shape) for table in tables])
    parts = [(i + s, j + s, w) for (i, j, w), s in zip(map(sparse, tables), shift[:-1], strict=True)]
    left, right, llr = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = rng.permutation(len(llr))
    p, _ = marginals(left[order], right[order], llr[order])
    alone = np.concatenate([exact_marginals(table[None])[0].ravel() for table in tables])
    np.testing.assert_allclose(p, alone[order], atol=1e-6)


def test_out_of_rounds_is_said():
    llr = np.full((20, 20), 12.0) + np.random.default_rng(4).normal(0, 0.1, (20, 20))
    left, right, weight = sparse(llr)
    _, short = marginals(left, right, weight, exact_side=3, rounds=1)
    assert not short.any()


def test_overwhelming_evidence_stays_finite():
    llr = np.full((1, 12, 12), 500.0)
    np.testing.assert_allclose(exact_marginals(llr), 1 / 12, atol=1e-9)
    left, right, weight = sparse(llr[0])
    p, _ = marginals_by_beliefs(left, right, weight, tolerance=1e-6, rounds=200)
    np.testing.assert_allclose(p, 1 / 12, atol=1e-6)
    # Twelve ships for four sightings: each sighting is one of them, and all are alike.
    few = right < 4
    p, converged = marginals_by_beliefs(left[few], right[few], weight[few], tolerance=1e-6, rounds=200)
    np.testing.assert_allclose(p, 1 / 12, atol=1e-5)
    assert converged.all()


def test_nothing_to_match():
    none = np.empty(0, dtype="int64")
    p, converged = marginals(none, none, np.empty(0))
    assert len(p) == len(converged) == len(components(none, none)) == 0


def test_components_by_hand():
    # 0-0, 0-1 and 2-1 hang together; 1-3 is alone.
    label = components(np.array([0, 1, 0, 2]), np.array([0, 3, 1, 1]))
    assert label[0] == label[2] == label[3] != label[1]
    assert set(label) == {0, 1}


@given(hnp.arrays("float64", st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=st.floats(-5, 5)))
def test_best_matchings_are_the_best_of_all(llr):
    found = best_matchings(llr, 4)
    weights = sorted((weight for _, weight in matchings(llr)), reverse=True)
    np.testing.assert_allclose([weight for weight, _ in found], weights[:4], atol=1e-9)
    choices = [tuple(choice) for _, choice in found]
    assert len(set(choices)) == len(choices)


@pytest.mark.parametrize("side", [2, 12])
def test_all_ships_alike_share_alike(side):
    left, right = (part.ravel() for part in np.indices((3, 3)))
    p, _ = marginals(left, right, np.full(9, 1.0), exact_side=side)
    np.testing.assert_allclose(p, p[0], atol=1e-6)
