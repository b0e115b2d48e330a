import numpy as np
import pytest

from darkvoyage.gaps.law import SilenceLaw, fit_law


def at(*values):
    return np.array(values, dtype="float64")


def test_law_by_hand():
    # 0.7 exp(-2 x 3) + 0.2 exp(-0.1 x 3) + 0.1 exp(-12 / 6)
    law = SilenceLaw(hazards=(2.0, 0.1), levels=(1.0,), weights=((0.7, 0.2, 0.1),), outage_mean_h=6.0)
    by_hand = 0.7 * 0.0024787522 + 0.2 * 0.7408182207 + 0.1 * 0.1353352832
    assert law.silent(at(3), at(12), at(1))[0] == pytest.approx(by_hand)
    assert law.silent(at(0), at(0), at(1))[0] == pytest.approx(1.0)


def test_weights_are_interpolated_between_levels():
    law = SilenceLaw(hazards=(1.0,), levels=(0.1, 10.0), weights=((0.2, 0.8), (1.0, 0.0)), outage_mean_h=1e9)
    # half way on the logarithm: 0.6 exp(-2) + 0.4; beyond the last level as at it
    assert law.silent(at(2), at(1), at(1))[0] == pytest.approx(0.6 * 0.1353352832 + 0.4)
    assert law.silent(at(2), at(1), at(99))[0] == pytest.approx(0.1353352832)


def runs_of(hazard, number, rng, *, level, outage=0.0):
    """Silences with a hazard drawn by the caller, at horizons of 1 to 48 windows of half an hour."""
    drawn = hazard(number, rng)
    total = rng.exponential(1.0, number)
    lost = rng.random(number) < outage
    return [(k / 2, np.full(number, k * level), (drawn * k * level < total) | lost) for k in (1, 2, 4, 8, 16, 48)]


def test_fit_finds_the_negative_binomial_law():
    """A Gamma(kappa, kappa) frailty on the rate c gives (1 + c L / kappa)^-kappa, a law of another form than ours."""
    kappa, c, level = 0.8, 5.0, 0.7
    rng = np.random.default_rng(11)
    runs = runs_of(lambda n, rng: rng.gamma(kappa, c / kappa, n), 60_000, rng, level=level)
    law = fit_law(runs, window_h=0.5, outage_mean_h=6.0)
    expected = np.array([1, 4, 16, 48]) * level
    truth = (1 + c * expected / kappa) ** -kappa
    found = law.silent(expected, expected / level / 2, np.full(4, level))
    np.testing.assert_allclose(found, truth, rtol=0.12)


def test_a_law_without_silences_is_the_prior():
    law = fit_law([], window_h=0.5, outage_mean_h=6.0)
    assert law.silent(at(0), at(0), at(1))[0] == pytest.approx(1.0)
    p = law.silent(at(1, 5, 50), at(1, 5, 50), at(1, 1, 1))
    assert np.all(np.diff(p) < 0)
