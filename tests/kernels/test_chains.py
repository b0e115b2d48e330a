import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.chains import chain_marginals


def plain(odds, step):
    """Every set of candidates as one sequence in the order of time."""
    total, share = 0.0, np.zeros(len(odds))
    for size in range(len(odds) + 1):
        for chosen in itertools.combinations(range(len(odds)), size):
            weight = np.prod([odds[i] for i in chosen])
            weight *= np.prod([step[i, j] for i, j in itertools.pairwise(chosen)])
            total += weight
            share[list(chosen)] += weight
    return share / total


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_chains_are_the_sum_over_all_sequences(seed, candidates):
    rng = np.random.default_rng(seed)
    odds = np.exp(rng.normal(0, 3, (2, candidates))) * (rng.random((2, candidates)) < 0.9)
    step = rng.choice([0.0, 0.5, 1.0, 3.0], (2, candidates, candidates))
    found = chain_marginals(odds, step)
    for row in range(2):
        np.testing.assert_allclose(found[row], plain(odds[row], step[row]), atol=1e-12)


def test_two_sightings_that_exclude_each_other_by_hand():
    # Odds 3 and 1: nobody 1, the first 3, the second 1, never both.
    np.testing.assert_allclose(chain_marginals(np.array([[3.0, 1.0]]), np.zeros((1, 2, 2))), [[0.6, 0.2]])


def test_steps_that_are_all_possible_change_nothing():
    odds = np.array([[3.0, 1.0, 0.5]])
    np.testing.assert_allclose(chain_marginals(odds, np.ones((1, 3, 3))), odds / (1 + odds))
