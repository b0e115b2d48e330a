import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.draught import draught_change_llr, load_swing_m

CAP = math.log(8.0)


def one(before, after, laden=np.nan, at_most=CAP, **more):
    arrays = {name: np.array([value], dtype="float64") for name, value in more.items()}
    return float(
        draught_change_llr(*(np.array([x], dtype="float64") for x in (before, after, laden)), at_most, **arrays)[0]
    )


def by_hand(before, after, laden, swing, before_age=0.0, after_age=0.0):
    """The formula with plain numbers: the chance of keeping the old value falls from 1/2 at a day to 1/4 at a week."""
    d = after - before
    laplace = math.exp(-abs(d) / 0.1) / 0.2
    kept = 0.5 - 0.25 * min(max((after_age - 24) / 144, 0), 1)
    p_laden = 1 / (1 + math.exp(-(before / laden - 0.725) / 0.03))
    way = 0.1 + 0.8 * ((1 - p_laden) if d > 0 else p_laden)
    whole = math.exp(-0.5 * ((abs(d) - swing) / 0.8) ** 2) / (0.8 * math.sqrt(2 * math.pi))
    part = 1 / swing if abs(d) <= swing else 0.0
    called = 0.97 * (kept * laplace + (1 - kept) * way * (0.25 * whole + 0.75 * part)) + 0.03 / 20
    stale = 1 - math.exp(-before_age / 480)
    stayed = (1 - stale) * (0.97 * laplace + 0.03 / 20) + stale * called
    return math.log(called / stayed)


@pytest.mark.parametrize(
    "values", [(8.0, 15.0, 15.0, 7.0), (15.0, 8.2, 15.0, 7.0), (8.0, 8.0, 15.0, 7.0), (8.0, 8.3, 14, 6)]
)
@pytest.mark.parametrize("ages", [(0.0, 0.0), (100.0, 12.0), (5.0, 96.0), (900.0, 400.0)])
def test_formula(values, ages):
    before, after, laden, swing = values
    found = one(before, after, laden, 50.0, swing_m=swing, before_age_h=ages[0], after_age_h=ages[1])
    assert found == pytest.approx(by_hand(*values, *ages), abs=1e-9)


def test_an_aframax_moves_seven_metres():
    # (0.97 - 0.33) x 105,000 t / (1.025 x 0.87 x 244 m x 42 m) = 67,200 / 9,138.8.
    swing = load_swing_m(np.array([105_000.0, np.nan]), np.array([244.0, 244.0]), np.array([42.0, 42.0]))
    assert swing[0] == pytest.approx(7.353, abs=0.001)
    assert np.isnan(swing[1])


def test_loading_from_ballast_speaks_for_a_call_and_the_bound_holds():
    assert one(8.0, 14.5, 15.0) == pytest.approx(CAP)


def test_an_unchanged_draught_is_weak_evidence_and_weaker_soon_after():
    soon, late = one(8.0, 8.0, 15.0, after_age_h=6.0), one(8.0, 8.0, 15.0, after_age_h=240.0)
    # Half, and a quarter, of the calls keep the value; the blunders add next to nothing.
    assert soon == pytest.approx(math.log(0.5), abs=0.03)
    assert late == pytest.approx(math.log(0.25), abs=0.06)


def test_a_draught_of_an_earlier_voyage_says_little():
    assert abs(one(8.0, 14.5, 15.0, before_age_h=2000.0)) < 0.05


@pytest.mark.parametrize(("before", "after"), [(0.0, 9.0), (9.0, 0.0), (25.5, 9.0), (np.nan, 9.0), (9.0, np.nan)])
def test_not_available_says_nothing(before, after):
    assert one(before, after) == 0.0


def test_a_ship_in_ballast_rises_no_further():
    """Up from ballast is what a loading does; up from laden is not."""
    assert one(8.0, 10.0, 15.0, 50.0) > one(13.0, 15.0, 15.0, 50.0)


numbers = st.floats(0.0, 26.0) | st.just(np.nan)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers, st.floats(0, 5000) | st.just(np.nan)), max_size=12))
def test_bounded_and_a_row_is_a_row(rows):
    before, after, laden, swing, age = (np.array([row[k] for row in rows], dtype="float64") for k in range(5))
    more = {"swing_m": swing, "before_age_h": age, "after_age_h": age}
    found = draught_change_llr(before, after, laden, CAP, **more)
    assert np.isfinite(found).all()
    assert (np.abs(found) <= CAP + 1e-12).all()
    for k in range(len(rows)):
        single = {name: values[k : k + 1] for name, values in more.items()}
        alone = draught_change_llr(before[k : k + 1], after[k : k + 1], laden[k : k + 1], CAP, **single)
        np.testing.assert_array_equal(alone, found[k : k + 1])
