import numpy as np
import pytest
from scipy.stats import expon, lognorm, norm

from darkvoyage.kernels.elapsed import (
    idle_density,
    log_uniform_density,
    slow_density,
    stay_density,
    stay_survival,
    transit_density,
)

STAY = {"median_h": 20.0, "log_sd": 0.5, "wait_share": 0.5, "wait_mean_h": 36.0}
STAYS = [
    STAY,
    {"median_h": 2.0, "log_sd": 1.2, "wait_share": 0.3, "wait_mean_h": 10.0},
    {"median_h": 24.0, "log_sd": 0.9, "wait_share": 1.0, "wait_mean_h": 200.0},
    {"median_h": 20.0, "log_sd": 0.35, "wait_share": 1.0, "wait_mean_h": 0.5},
]


@pytest.mark.parametrize(
    "density",
    [
        lambda t: transit_density(t, np.full_like(t, 300.0), np.full_like(t, 11.0), 1.0),
        lambda t: slow_density(t, np.full_like(t, 300.0), np.full_like(t, 11.0), 0.3),
        lambda t: idle_density(t, np.full_like(t, 20.0), np.full_like(t, 2.0), 36.0),
        lambda t: stay_density(t, np.full_like(t, 20.0), np.full_like(t, 2.0), **STAY),
        lambda t: log_uniform_density(t, 1.0, 2160.0) * (t >= 1.0) * (t <= 2160.0),
    ],
)
def test_elapsed_time_densities_integrate_to_one(density):
    t = np.arange(0.005, 3000.0, 0.01)
    assert float(density(t).sum() * 0.01) == pytest.approx(1.0, abs=5e-3)


@pytest.mark.parametrize("stay", STAYS)
def test_the_law_of_a_stay_is_that_of_drawn_stays(stay):
    """Travel, service and waiting, drawn on quantiles and added up."""
    rng = np.random.default_rng(7)
    even = (np.arange(200_000) + 0.5) / 200_000
    travel = 20.0 + 2.0 * norm.ppf(rng.permutation(even))
    service = lognorm.ppf(rng.permutation(even), stay["log_sd"], scale=stay["median_h"])
    wait = np.where(
        rng.permutation(even) < stay["wait_share"], expon.ppf(rng.permutation(even)) * stay["wait_mean_h"], 0
    )
    total = travel + service + wait
    at = np.quantile(total, [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    expected = [(total > t).mean() for t in at]
    np.testing.assert_allclose(stay_survival(at, 20.0, 2.0, **stay), expected, atol=0.01)


@pytest.mark.parametrize("stay", STAYS)
def test_stay_survival_is_the_tail_of_its_density(stay):
    t = np.arange(0.0125, 2500.0, 0.025)
    tail = 1.0 - np.cumsum(stay_density(t, 20.0, 2.0, **stay)) * 0.025
    np.testing.assert_allclose(stay_survival(t + 0.0125, 20.0, 2.0, **stay), tail, atol=2e-3)


def test_stays_of_many_sorts_are_weighed_at_once():
    t = np.full(len(STAYS), 55.0)
    together = {name: np.array([stay[name] for stay in STAYS]) for name in STAY}
    one_by_one = [float(stay_density(np.array([55.0]), 20.0, 2.0, **stay)[0]) for stay in STAYS]
    np.testing.assert_allclose(stay_density(t, 20.0, 2.0, **together), one_by_one, rtol=1e-12)


def test_slow_density_by_hand():
    # 100 nm in 20 h are 5 kn; every speed between 3 and 10 kn is as likely: 1/7 per kn, times 5/20 kn per h.
    assert slow_density(np.array([20.0]), np.array([100.0]), np.array([10.0]), 0.3)[0] == pytest.approx(0.25 / 7)
    assert slow_density(np.array([9.0]), np.array([100.0]), np.array([10.0]), 0.3)[0] == 0.0
