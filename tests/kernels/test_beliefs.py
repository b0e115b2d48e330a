"""Compiled belief propagation against the same with arrays: single and shared items, and what does not converge."""

import numpy as np
import pytest

from darkvoyage.kernels import assign
from darkvoyage.kernels.assign import marginals_by_beliefs
from darkvoyage.kernels.shared import shared_marginals

numba = pytest.importorskip("numba")


def problems(seed, pairs=300, lefts=40, rights=60, spread=3.0):
    rng = np.random.default_rng(seed)
    key = rng.choice(lefts * rights, pairs, replace=False)
    left, right = np.divmod(key, rights)
    llr = rng.normal(-1, spread, pairs)
    both = np.where((right % 3 == 0) & (rng.random(pairs) < 0.8), rng.normal(-1, 1, pairs), -np.inf)
    return left, right, llr, both


@pytest.fixture
def plainly(monkeypatch):
    def run(function, *arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(assign, "can_compile", lambda: False)
            patch.setattr(assign, "has_started", lambda: False)
            plain = function(*arguments, **options)
        with monkeypatch.context() as patch:
            patch.setattr(assign, "has_started", lambda: True)
            return plain, function(*arguments, **options)

    return run


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rounds", [1, 5, 200])
def test_single_items(plainly, seed, rounds):
    left, right, llr, _ = problems(seed)
    (p, converged), (fast, settled) = plainly(marginals_by_beliefs, left, right, llr, tolerance=1e-6, rounds=rounds)
    np.testing.assert_allclose(fast, p, atol=1e-12)
    np.testing.assert_array_equal(settled, converged)
    assert converged.all() == (rounds == 200)


@pytest.mark.parametrize("seed", range(5))
def test_shared_items(plainly, seed):
    plain, fast = plainly(shared_marginals, *problems(seed), exact_side=1, rounds=300)
    for name in ("p", "together", "p_couple"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), atol=1e-11)
    for name in ("converged", "one", "other"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(plain, name))
    assert plain.together.max() > 0.05


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spread", [2.0, 30.0])
def test_small_components_summed_exactly(plainly, seed, spread):
    """Many components of a handful of items, summed over subsets as tables and pair by pair."""
    left, right, llr, both = problems(seed, pairs=22, lefts=5, rights=6, spread=spread)
    block = np.repeat(np.arange(20), len(left))
    rng = np.random.default_rng(seed)
    llr, both = np.tile(llr, 20) + rng.normal(0, 1, len(block)), np.tile(both, 20) + rng.normal(0, 1, len(block))
    left, right = np.tile(left, 20) + 5 * block, np.tile(right, 20) + 6 * block
    plain, fast = plainly(shared_marginals, left, right, llr, both)
    for name in ("p", "together"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), atol=1e-12)
    listed = [
        sorted(zip(*np.sort([found.one, found.other], axis=0), found.p_couple, strict=True)) for found in (plain, fast)
    ]
    np.testing.assert_allclose(listed[1], listed[0], atol=1e-12)
    assert len(listed[0]) > 5 or spread > 2.0
    assert fast.converged.all()


def test_overwhelming_evidence(plainly):
    (p, _), (fast, _) = plainly(marginals_by_beliefs, *problems(9, spread=60.0)[:3], tolerance=1e-6, rounds=400)
    np.testing.assert_allclose(fast, p, atol=1e-9)
    assert ((p > 1 - 1e-9) & (p <= 1)).any()


def test_no_pairs(plainly):
    none = np.empty(0, dtype="int64")
    for p, converged in plainly(marginals_by_beliefs, none, none, np.empty(0), tolerance=1e-6, rounds=9):
        assert len(p) == len(converged) == 0
