"""Draughts of two ships, one of which may have given the other its cargo."""

import numpy as np
import pytest

from darkvoyage.kernels.hand_over import Draughts, hand_over_llr

MOST = float(np.log(8.0))
NAN = float("nan")


def ship(before, after, *, plane=NAN, laden=14.0, swing=7.0, age=0.0):
    values = (before, after, 0.0, age, laden, swing, plane)
    return Draughts(*(np.array([float(value)]) for value in values))


def judge(a, b):
    llr, giver = hand_over_llr(a, b, MOST)
    return float(llr[0]), int(giver[0])


FULL, EMPTY, SAME_FULL = ship(7.0, 14.0), ship(14.0, 7.0), ship(14.0, 14.0)


def test_who_gave():
    assert judge(EMPTY, FULL) == (MOST, 0)
    assert judge(FULL, EMPTY) == (MOST, 1)
    # One draught that was not retyped leaves the other to speak.
    assert judge(EMPTY, SAME_FULL)[1] == 0
    assert judge(SAME_FULL, FULL)[1] == 0
    assert judge(FULL, SAME_FULL)[1] == 1
    assert judge(SAME_FULL, SAME_FULL)[1] == -1


def test_both_up_is_no_hand_over():
    assert judge(FULL, FULL) == (-MOST, -1)
    assert judge(EMPTY, EMPTY) == (-MOST, -1)


@pytest.mark.parametrize("silent", [(NAN, 9.0), (9.0, NAN), (0.0, 9.0), (25.5, 9.0)])
def test_what_is_not_said_says_nothing(silent):
    assert judge(ship(*silent), ship(*silent)) == (0.0, -1)
    assert judge(ship(*silent), FULL)[1] == 0


def test_unchanged_draughts_speak_against_it_the_more_the_later_they_are_heard():
    soon, late = judge(SAME_FULL, SAME_FULL)[0], judge(ship(14.0, 14.0, age=200.0), ship(14.0, 14.0, age=200.0))[0]
    assert late < soon < 0


def test_volumes_must_fit():
    weak = {"laden": 14.0, "swing": 7.0}
    giver = ship(14.0, 12.5, plane=2000.0, **weak)
    fits, too_much = ship(8.0, 11.0, plane=1000.0, **weak), ship(8.0, 8.6, plane=1000.0, **weak)
    llr = {name: float(hand_over_llr(giver, taker, 99.0)[0][0]) for name, taker in (("fits", fits), ("not", too_much))}
    alone = {
        "fits": float(giver.operation_llr(99.0)[0] + fits.operation_llr(99.0)[0]),
        "not": float(giver.operation_llr(99.0)[0] + too_much.operation_llr(99.0)[0]),
    }
    # 1.5 m over 2,000 m2 are 3 m over 1,000 m2: twice ln 2. For 0.6 m the ratio is off by 5, its square by ln(5) / 0.5.
    np.testing.assert_allclose(llr["fits"] - alone["fits"], 2 * np.log(2), rtol=1e-9)
    np.testing.assert_allclose(llr["not"] - alone["not"], 2 * np.log(2) - 0.5 * (np.log(5) / 0.5) ** 2, rtol=1e-9)


def test_either_may_come_first():
    rng = np.random.default_rng(3)
    low, high = np.array([5.0, 5.0, 0.0, 0.0, 8.0, 4.0, 1e3]), np.array([15.0, 15.0, 300.0, 300.0, 16.0, 8.0, 9e3])
    a, b = (Draughts(*rng.uniform(low, high, (200, 7)).T) for _ in range(2))
    (llr, giver), (again, other) = hand_over_llr(a, b, MOST), hand_over_llr(b, a, MOST)
    np.testing.assert_allclose(llr, again, rtol=1e-12)
    assert (np.where(giver < 0, -1, 1 - giver) == other).all()
