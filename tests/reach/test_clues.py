import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.reach.clues import at_rest_llr, direction_llr, in_port_llr, speed_trend_llr

NEAR = {"start_cog": 90.0, "start_sog": 12.0, "end_cog": 270.0, "end_sog": 12.0}


def near(**columns):
    return pd.DataFrame({name: [value] for name, value in (NEAR | columns).items()})


def direction(out=90.0, back=90.0, out_nm=60.0, back_nm=60.0, closed=True, **columns):
    arrays = (np.array([float(x)]) for x in (out, back, out_nm, back_nm))
    return float(direction_llr(near(**columns), *arrays, np.array([closed]))[0])


def test_on_the_way_there_and_back():
    """Eastwards at the loss and westwards at the end, towards and from a place in the east of both."""
    assert direction() > direction(closed=False) > 0
    assert direction() == pytest.approx(2 * direction(closed=False))


def test_away_from_it():
    assert direction(out=270.0, back=270.0) < direction(out=0.0, back=0.0) < 0


def test_a_course_made_good_counts_by_its_weight():
    reported = direction(closed=False)
    assert direction(closed=False, start_course_weight=0.25) == pytest.approx(reported / 4)
    assert direction(end_course_weight=0.0) == pytest.approx(reported)


def test_neither_slow_ships_nor_short_legs_nor_open_ends_say_anything():
    assert direction(start_sog=0.4, end_sog=0.9) == 0.0
    assert direction(out_nm=0.0, back_nm=0.0) == 0.0
    assert direction(start_cog=np.nan, closed=False) == 0.0
    assert direction(start_sog=np.nan, end_sog=np.nan) == 0.0


def test_without_courses_nothing_is_said():
    table = pd.DataFrame({"gap_id": ["a"]})
    one = np.array([1.0])
    assert direction_llr(table, one, one, one, one, np.array([True])).tolist() == [0.0]


@pytest.mark.parametrize("leg_nm", [4.0, 20.0, 60.0, 500.0])
def test_the_likelihood_of_courses_sums_to_one(leg_nm):
    """Averaged over all courses, the ratio to "any course" is one."""
    course = np.arange(0.0, 360.0, 0.5)
    table = pd.DataFrame({"start_cog": course, "start_sog": 12.0, "end_cog": course, "end_sog": 12.0})
    many = np.full(len(course), 77.0)
    legs = np.full(len(course), leg_nm)
    llr = direction_llr(table, many, many, legs, legs, np.zeros(len(course), dtype=bool))
    assert np.exp(llr).mean() == pytest.approx(1.0, abs=1e-6)


@given(st.floats(0, 359.9), st.floats(0, 359.9), st.floats(0, 359.9), st.floats(0, 359.9), st.floats(-720, 720))
def test_turning_everything_changes_nothing(cog1, cog2, out, back, turn):
    plain = direction(out, back, start_cog=cog1, end_cog=cog2)
    turned = direction(
        (out + turn) % 360, (back + turn) % 360, start_cog=(cog1 + turn) % 360, end_cog=(cog2 + turn) % 360
    )
    assert turned == pytest.approx(plain, abs=1e-6)
    assert -3.3 < plain < 3.9


def trend(mean=12.0, sd=1.0, **columns):
    return float(speed_trend_llr(near(**columns), np.array([mean]), np.array([sd]))[0])


def test_slowing_down_and_anchoring_speak_for_a_stop():
    assert trend() <= 0.0
    assert trend(start_sog=6.0) > trend()
    assert trend(start_sog=0.1, start_nav_status=1) > trend()
    assert trend(start_sog=0.1, start_nav_status=5, end_sog=0.1, end_nav_status=5) <= math.log(4.0) + 1e-12


def test_unknown_speeds_say_nothing():
    assert trend(start_sog=np.nan, end_sog=np.nan) == 0.0
    assert float(speed_trend_llr(pd.DataFrame({"a": [1]}), np.array([12.0]), np.array([1.0]))[0]) == 0.0


def test_the_same_spot_at_rest():
    still = near(start_sog=0.2, end_sog=0.1)
    assert at_rest_llr(still, np.array([0.0]))[0] == pytest.approx(math.log(20.0))
    assert at_rest_llr(still, np.array([2.0]))[0] == pytest.approx(0.0)
    assert at_rest_llr(still, np.array([np.nan]))[0] == 0.0
    assert at_rest_llr(near(), np.array([0.0]))[0] == 0.0


@pytest.mark.parametrize(
    ("apart", "out", "back", "radius", "sog", "stays"),
    [
        (0.1, 1.0, 1.1, 0.5, 0.1, True),
        (0.1, 2.5, 2.5, 3.0, 0.1, True),
        (0.1, 2.5, 2.5, 0.5, 0.1, False),  # 4.6 km off, in a port of 1 nm
        (0.6, 1.0, 1.0, 3.0, 0.1, False),  # 1.1 km apart
        (0.1, 1.0, 1.0, 3.0, 8.0, False),  # under way
        (0.1, 1.0, np.nan, 3.0, 0.1, False),  # not heard again
    ],
)
def test_a_silence_in_port(apart, out, back, radius, sog, stays):
    arrays = (np.array([float(x)]) for x in (apart, out, back, radius))
    llr = in_port_llr(near(start_sog=sog, end_sog=sog), *arrays)[0]
    assert llr == pytest.approx(math.log(100.0) if stays else 0.0)
