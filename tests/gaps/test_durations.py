"""Laws of durations above a threshold."""

import numpy as np
import pytest
from scipy.stats import norm

from darkvoyage.gaps.durations import fit_durations, log_lasting


def test_log_densities_by_hand():
    # At the median the density of a log-normal law is 1 / (x sigma sqrt(2 pi)); half of it lies above.
    closed = np.array([True, False, True])
    said = log_lasting(np.array([36.0, 36.0, 3.0]), closed, 36.0, 1.3, 6.0)
    above = norm.sf((np.log(6.0) - np.log(36.0)) / 1.3)
    assert said[0] == pytest.approx(-np.log(36.0 * 1.3 * np.sqrt(2 * np.pi)) - np.log(above))
    assert said[1] == pytest.approx(np.log(0.5) - np.log(above))
    # Below the threshold the duration is its own: density over survival.
    z = (np.log(3.0) - np.log(36.0)) / 1.3
    assert said[2] == pytest.approx(norm.logpdf(z) - np.log(1.3 * 3.0) - norm.logsf(z))


def test_densities_above_the_threshold_sum_to_one():
    edges = np.geomspace(6.0, 1e5, 200_001)
    middle, width = np.sqrt(edges[1:] * edges[:-1]), np.diff(edges)
    density = np.exp(log_lasting(middle, np.ones(len(middle), bool), 10.0, 0.9, 6.0))
    assert (density * width).sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("median_h", "sigma"), [(10.0, 0.8), (40.0, 1.3)])
def test_a_law_is_found_again_from_what_lies_above_the_threshold(median_h, sigma):
    duration = np.random.default_rng(1).lognormal(np.log(median_h), sigma, 40_000)
    found = fit_durations(duration[duration > 6.0], 6.0)
    assert found == pytest.approx((median_h, sigma), rel=0.06)
