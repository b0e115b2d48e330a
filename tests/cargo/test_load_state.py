import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.cargo.load_state import (
    block_coefficient,
    displacement_m3,
    displacement_share,
    draught_ratio,
    load_state,
    p_laden,
)


def test_riddlesworth_at_half_draught():
    # Cb(T) = 1 - 0.22 * 2^(1/3) = 1 - 0.22 * 1.25992 = 0.72282; share = 0.72282 / 0.78 * 0.5 = 0.46335.
    assert block_coefficient(0.5, 0.78) == pytest.approx(0.72282, abs=1e-5)
    assert displacement_share(0.5, 0.78) == pytest.approx(0.46335, abs=1e-5)
    # The inverted quotient would give 0.540.
    assert displacement_share(0.5, 0.78) < 0.5


def test_riddlesworth_on_the_published_example():
    # 80,097 m3 at 13.6 m, Cb 0.82, now at 12.5 m: Cb(T) = 1 - 0.18 * (1.088)^(1/3) = 0.814868;
    # 80,097 * (12.5 / 13.6) * 0.814868 / 0.82 = 73,158 m3; linear scaling gives 73,619.
    got = displacement_m3(np.array([12.5]), np.array([13.6]), np.array([80097.0]), 0.82)
    assert got == pytest.approx(73158, abs=1)
    assert got[0] < 80097 * 12.5 / 13.6


@given(st.floats(0.3, 1.0), st.floats(0.55, 0.9))
def test_displacement_lies_below_linear_and_meets_it_at_full_draught(ratio, cb):
    assert displacement_share(ratio, cb) <= ratio + 1e-12
    assert displacement_share(1.0, cb) == pytest.approx(1.0)


def test_draughts_that_say_nothing():
    nan = np.nan
    draught = np.array([4.0, 0.0, 25.5, nan, 4.0, 4.0, 6.0, 5.7])
    most = np.array([5.0, 5.0, 30.0, 5.0, nan, 0.0, 5.0, 5.0])
    want = [0.8, nan, nan, nan, nan, nan, nan, 1.14]
    np.testing.assert_allclose(draught_ratio(draught, most), want)


def test_states():
    got = load_state(np.array([0.5, 0.65, 0.651, 0.72, 0.799, 0.8, 4.0 / 5.0, 1.0, np.nan]))
    assert got.tolist() == ["ballast", "ballast", None, None, None, "laden", "laden", "laden", None]


def test_logistic_by_hand():
    # 0.9 at 0.80 and 0.1 at 0.65; the middle is even; 0.95 is one and a half widths of ln 9 above it:
    # 1 / (1 + exp(-3 ln 9)) = 729 / 730.
    got = p_laden(np.array([0.65, 0.725, 0.80, 0.95, np.nan]))
    np.testing.assert_allclose(got, [0.1, 0.5, 0.9, 729 / 730, np.nan])
    assert (np.diff(p_laden(np.linspace(0.2, 1.1, 50))) > 0).all()
