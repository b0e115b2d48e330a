"""Right items that two left ones may share: against all ways of doing so, gone through one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from darkvoyage.kernels.assign import marginals
from darkvoyage.kernels.shared import shared_marginals

WEIGHT = st.one_of(st.floats(-6, 6), st.just(-np.inf))


def enumerated(llr, both):
    """Go through all ways: (p, together, couples) as tables of left by right and left by left by right."""
    lefts, rights = llr.shape
    total, p, couple = 0.0, np.zeros(llr.shape), np.zeros((lefts, lefts, rights))
    for choice in itertools.product(range(-1, rights), repeat=lefts):
        held = [[left for left in range(lefts) if choice[left] == right] for right in range(rights)]
        weight = 1.0
        for right, those in enumerate(held):
            if len(those) == 1:
                weight *= np.exp(llr[those[0], right])
            elif len(those) == 2:
                weight *= np.exp(both[those[0], right] + both[those[1], right])
            elif those:
                weight = 0.0
        total += weight
        for right, those in enumerate(held):
            for left in those:
                p[left, right] += weight
            if len(those) == 2:
                couple[those[0], those[1], right] += weight
                couple[those[1], those[0], right] += weight
    return p / total, couple.sum(axis=1) / total, couple / total


def solved(llr, both, **options):
    left, right = np.nonzero(np.isfinite(llr))
    return left, right, shared_marginals(left, right, llr[left, right], both[left, right], **options)


def check(llr, both, atol, **options):
    left, right, found = solved(llr, both, **options)
    p, together, couple = enumerated(llr, both)
    np.testing.assert_allclose(found.p, p[left, right], atol=atol)
    np.testing.assert_allclose(found.together, together[left, right], atol=atol)
    listed = dict.fromkeys(zip(*np.nonzero(couple > 0.02), strict=True), 0.0)
    for one, other, worth in zip(found.one, found.other, found.p_couple, strict=True):
        assert right[one] == right[other]
        for i, j in ((one, other), (other, one)):
            assert worth == pytest.approx(couple[left[i], left[j], right[i]], abs=10 * atol)
            listed.pop((left[i], left[j], right[i]), None)
    assert not listed
    assert found.converged.all()


def test_two_ships_and_one_blob_by_hand():
    # Nobody 1, either alone 2 and 3, both together 5 x 4 = 20: 26 in all.
    left, right = np.array([0, 1]), np.array([0, 0])
    found = shared_marginals(left, right, np.log([2.0, 3.0]), np.log([5.0, 4.0]))
    np.testing.assert_allclose(found.p, [22 / 26, 23 / 26])
    np.testing.assert_allclose(found.together, 20 / 26)
    assert (found.one.tolist(), found.other.tolist()) in (([0], [1]), ([1], [0]))
    np.testing.assert_allclose(found.p_couple, 20 / 26)


def test_a_ship_with_another_sighting_of_its_own_leaves_the_blob_by_hand():
    # As before, and ship 1 fits a sighting of its own with odds 9: nobody 1, 0 on the blob 2, 1 on it 3, both 20,
    # 1 on its own 9, and 0 on the blob beside that 18: 53 in all.
    left, right = np.array([0, 1, 1]), np.array([0, 0, 1])
    found = shared_marginals(left, right, np.log([2.0, 3.0, 9.0]), np.array([*np.log([5.0, 4.0]), -np.inf]))
    np.testing.assert_allclose(found.p, [40 / 53, 23 / 53, 27 / 53])
    np.testing.assert_allclose(found.together, [20 / 53, 20 / 53, 0.0])


@st.composite
def problems(draw):
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    llr = draw(hnp.arrays("float64", shape, elements=WEIGHT))
    both = draw(hnp.arrays("float64", shape, elements=WEIGHT))
    return llr, np.where(np.isfinite(llr) & draw(hnp.arrays("bool", shape[1:])), both, -np.inf)


@given(problems())
def test_small_problems_are_the_sum_over_all_ways(problem):
    check(*problem, atol=1e-9)


@given(st.integers(1, 4), st.integers(0, 1000))
def test_beliefs_are_exact_on_trees(lefts, seed):
    rng = np.random.default_rng(seed)
    llr = np.full((lefts, lefts + 1), -np.inf)
    # A chain: ship i fits sightings i and i + 1, and all but the last fit the first sighting too where it is a star.
    llr[np.arange(lefts), np.arange(lefts)] = rng.normal(0, 2, lefts)
    llr[np.arange(lefts), np.arange(lefts) + 1] = rng.normal(0, 2, lefts)
    check(llr, llr + rng.normal(0, 1, llr.shape), atol=1e-5, exact_side=1, tolerance=1e-10, rounds=500)
    star = rng.normal(0, 2, (lefts, 1))
    check(star, star + rng.normal(0, 1, star.shape), atol=1e-9, exact_side=1)


def test_beliefs_are_close_to_exact():
    rng = np.random.default_rng(6)
    off = []
    for _ in range(150):
        llr = rng.normal(0, 3, rng.integers(2, 8, 2))
        both = np.where(rng.random(llr.shape[1]) < 0.5, llr + rng.normal(0, 1, llr.shape), -np.inf)
        _, _, exact = solved(llr, both)
        _, _, close = solved(llr, both, exact_side=1)
        assert (close.together <= close.p + 1e-12).all()
        off.append(np.abs(close.p - exact.p))
    off = np.concatenate(off)
    assert np.median(off) <= 0.02
    assert np.quantile(off, 0.9) <= 0.05


@given(problems())
def test_where_nothing_is_shared_all_is_as_without(problem):
    llr, _ = problem
    left, right, found = solved(llr, np.full(llr.shape, -np.inf))
    np.testing.assert_array_equal(found.p, marginals(left, right, llr[left, right])[0])
    assert (found.together == 0).all()
    assert len(found.one) == 0


def test_overwhelming_evidence_stays_finite():
    left, right = (part.ravel() for part in np.indices((12, 4)))
    for side in (12, 1):
        found = shared_marginals(left, right, np.full(48, 300.0), np.full(48, 300.0), exact_side=side)
        assert np.isfinite(found.p).all()
        # Four blobs with two of twelve ships each.
        np.testing.assert_allclose(found.p, 8 / 12 / 4, atol=1e-6)
        np.testing.assert_allclose(found.together, found.p, atol=1e-6)


def test_nothing_to_match():
    none = np.empty(0, dtype="int64")
    found = shared_marginals(none, none, np.empty(0), np.empty(0))
    assert len(found.p) == len(found.one) == 0
