"""Space-time prisms by hand, against plain loops, and against every place that can be tried."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.prisms import (
    arc_nm,
    chance_together,
    degrees_of,
    longest_together,
    make_prisms,
    most_together_h,
    pairs_at_once,
    together_at,
    unit_vectors,
)
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, destination, great_circle_nm

DEGREE_NM = math.radians(1.0) * EARTH_RADIUS_NM


def one(lat1, lon1, lat2, lon2, start_h, end_h, speed_kn):
    columns = [np.array([float(value)]) for value in (lat1, lon1, lat2, lon2, start_h, end_h, speed_kn)]
    return make_prisms((columns[0], columns[1]), (columns[2], columns[3]), *columns[4:])


def many(seed, n, *, lat=(-75.0, 75.0), spread_nm=250.0, span_h=20.0):
    """Silences of both ships of n pairs that begin within `spread_nm` and `span_h` of each other."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(*lat, n), rng.uniform(-180, 180, n)
    ships = []
    for _ in range(2):
        ends = [destination(*middle, rng.uniform(0, 360, n), rng.uniform(0, spread_nm, n)) for _ in range(2)]
        start = rng.uniform(0, span_h, n)
        length = rng.uniform(5, 60, n)
        after = tuple(np.where(rng.random(n) < 0.1, np.nan, each) for each in ends[1])
        ships.append(make_prisms(ends[0], after, start, start + length, rng.uniform(6, 20, n)))
    return ships


def joint_h(a, b, place):
    first, last = together_at(a, b, place)
    return last - first


def test_two_ships_meet_half_way():
    a, b = one(0, 0, 0, 0, 0, 24, 10), one(0, 2, 0, 2, 0, 24, 10)
    place = longest_together(a, b)
    lat, lon = degrees_of(place)
    np.testing.assert_allclose([lat[0], lon[0]], [0.0, 1.0], atol=2e-3)
    first, last = together_at(a, b, place)
    np.testing.assert_allclose(first, DEGREE_NM / 10, atol=0.02)
    np.testing.assert_allclose(last, 24 - DEGREE_NM / 10, atol=0.02)


def test_the_faster_ship_goes_further():
    # 120 nm apart at 8 and 16 kn: they meet a third of the way from the slower one.
    a, b = one(0, 0, 0, 0, 0, 40, 8), one(0, 2, 0, 2, 0, 40, 16)
    lat, lon = degrees_of(longest_together(a, b))
    np.testing.assert_allclose([lat[0], lon[0]], [0.0, 2 / 3], atol=3e-3)


def test_a_ship_that_came_late_is_waited_for():
    # Both pass through 0/0; the second is there from 10 h to 14 h only.
    a, b = one(0, -1, 0, 1, 0, 24, 60), one(0, 0, 0, 0, 10, 14, 10)
    place = longest_together(a, b)
    np.testing.assert_allclose(arc_nm(place, unit_vectors(np.zeros(1), np.zeros(1))), 0.0, atol=0.05)
    first, last = together_at(a, b, place)
    np.testing.assert_allclose([first[0], last[0]], [10, 14], atol=0.01)


def test_a_ship_that_is_not_heard_again_need_not_come_back():
    a, b = one(0, 0, np.nan, np.nan, 0, 30, 10), one(0, 1, 0, 1, 0, 30, 1e-3)
    first, last = together_at(a, b, unit_vectors(np.zeros(1), np.ones(1)))
    np.testing.assert_allclose([first[0], last[0]], [DEGREE_NM / 10, 30], rtol=1e-9)


@pytest.mark.parametrize("lat", [(-75.0, 75.0), (86.0, 89.9), (-89.9, -86.0)])
def test_no_place_is_better(lat):
    a, b = many(1, 60, lat=lat)
    best = joint_h(a, b, longest_together(a, b))
    rng = np.random.default_rng(2)
    n, tries = len(best), 4000
    rows = np.repeat(np.arange(n), tries)
    # Places near the ends of either ship, and near what was found.
    around = np.stack([a.out, b.out, a.back, b.back, longest_together(a, b)])[rng.integers(0, 5, n * tries), rows]
    far = destination(*degrees_of(around), rng.uniform(0, 360, n * tries), 10 ** rng.uniform(-1, 2.5, n * tries))
    tried = joint_h(a.at(rows), b.at(rows), unit_vectors(*far)).reshape(n, tries)
    most = tried.max(axis=1)
    # Those that could nowhere be together need no place.
    assert ((most <= best + 0.03) | (most < 0)).all()
    # The tries come close: the place is not merely better because they are bad.
    assert (best > 0).sum() > 20
    assert np.median((best - most)[best > 0]) < 0.3


def test_no_time_together_exceeds_the_bound():
    a, b = many(3, 400)
    assert (joint_h(a, b, longest_together(a, b)) <= most_together_h(a, b) + 1e-9).all()
    rng = np.random.default_rng(4)
    places = unit_vectors(np.degrees(np.arcsin(rng.uniform(-1, 1, 400))), rng.uniform(-180, 180, 400))
    assert (joint_h(a, b, places) <= most_together_h(a, b) + 1e-9).all()


def test_the_bound_by_hand():
    # One prism inside the other's: the shorter silence counts.
    a, b = one(0, 0, 0, 0, 0, 24, 10), one(0, 0, 0, 0, 5, 12, 10)
    np.testing.assert_allclose(most_together_h(a, b), 7.0)
    # 4 degrees apart at 10 kn each: they meet after 2 degrees, and part 2 degrees before the end.
    b = one(0, 4, 0, 4, 0, 24, 10)
    np.testing.assert_allclose(most_together_h(a, b), 24 - 2 * (2 * DEGREE_NM / 10))


def test_turning_the_globe_turns_the_place():
    a, b = many(5, 50, lat=(-60.0, 60.0))
    lat, lon = degrees_of(longest_together(a, b))
    turn = np.radians(137.0)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    turned = [
        type(each)(each.out @ matrix.T, each.back @ matrix.T, each.start_h, each.end_h, each.pace, each.back_pace)
        for each in (a, b)
    ]
    lat2, lon2 = degrees_of(longest_together(*turned))
    np.testing.assert_allclose(great_circle_nm(lat2, lon2, lat, lon + 137.0), 0.0, atol=0.2)


def overlapping(a, b, least_h, same):
    """Pairs that overlap in time for long enough, in plain loops."""
    out = set()
    for i in range(len(a.start_h)):
        for j in range(len(b.start_h)):
            shared = min(a.end_h[i], b.end_h[j]) - max(a.start_h[i], b.start_h[j])
            if shared >= least_h and not (same and j <= i):
                out.add((i, j))
    return out


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("same", [True, False])
def test_pairs_at_once(block, same):
    a, b = many(6, 70, lat=(-20.0, 20.0), spread_nm=150.0, span_h=60.0)
    rng = np.random.default_rng(7)
    # All of them in one region, so that many discs meet.
    a, b = (
        make_prisms(
            (rng.uniform(0, 8, 70), rng.uniform(176, 184, 70)), (rng.uniform(0, 8, 70), rng.uniform(-184, -176, 70)),
            each.start_h, each.end_h, np.full(70, 12.0),
        )
        for each in (a, b)
    )  # fmt: skip
    other = a if same else b
    found = [
        tuple(pair)
        for i, j in pairs_at_once(a, None if same else b, 6.0, block=block)
        for pair in zip(i, j, strict=True)
    ]
    pairs = {tuple(sorted(pair)) if same else pair for pair in found}
    assert len(found) == len(pairs)
    assert pairs <= overlapping(a, other, 6.0, same)
    # Nothing is lost that can be together for so long.
    i, j = (np.array(side) for side in zip(*sorted(overlapping(a, other, 6.0, same)), strict=True))
    long_enough = joint_h(a.at(i), other.at(j), longest_together(a.at(i), other.at(j))) >= 6.0
    assert 50 < long_enough.sum() < len(long_enough)
    assert {(int(x), int(y)) for x, y in zip(i[long_enough], j[long_enough], strict=True)} <= pairs


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(-3, 3)), max_size=9), st.integers(1, 4))
def test_pairs_of_equal_times(rows, least_h):
    start, length, lon = (np.array([row[k] for row in rows], dtype="float64") for k in range(3))
    zero = np.zeros(len(rows))
    # Fast enough to be anywhere: only the times decide.
    a = make_prisms((zero, lon), (zero, lon), start, start + length, zero + 1e9)
    found = sorted(
        (min(i, j), max(i, j)) for pair in pairs_at_once(a, None, least_h, block=5) for i, j in zip(*pair, strict=True)
    )
    assert found == sorted(overlapping(a, a, least_h, True))


def test_nothing_to_pair():
    nothing = make_prisms((np.empty(0), np.empty(0)), (np.empty(0), np.empty(0)), np.empty(0), np.empty(0), np.empty(0))
    some, _ = many(8, 3)
    for a, b in ((nothing, None), (nothing, some), (some, nothing)):
        assert sum(len(i) for i, _ in pairs_at_once(a, b, 6.0)) == 0
    assert len(longest_together(nothing, nothing)) == 0


def test_chance_by_drawing_speeds():
    a, b = many(9, 150)
    place = longest_together(a, b)
    rng = np.random.default_rng(10)
    mean, sd = rng.uniform(8, 14, (2, 150)), rng.uniform(0.5, 3, (2, 150))
    cap = mean + rng.uniform(0.5, 3, (2, 150)) * sd
    chance = chance_together(a, b, place, 6.0, tuple(mean), tuple(sd), tuple(cap))
    drawn = np.zeros(150)
    draws, kept = 4000, np.zeros(150)
    for _ in range(draws):
        speed = rng.normal(mean, sd)
        fits = (speed <= cap).all(axis=0)
        ways = (speed > 0.1).all(axis=0)
        pace = EARTH_RADIUS_NM / np.maximum(speed, 0.1)
        ships = [each.paced(ratio / each.pace) for each, ratio in zip((a, b), pace, strict=True)]
        drawn += fits & ways & (joint_h(*ships, place) >= 6.0)
        kept += fits
    assert (chance > 0.05).sum() > 40
    assert ((chance > 0.05) & (chance < 0.95)).sum() > 15
    np.testing.assert_allclose(chance, drawn / kept, atol=0.05)


def test_chance_of_a_ship_that_comes_to_one_that_waits_is_exact():
    waiting, comer = one(0, 1, 0, 1, 0, 20, 1e-3), one(0, 0, 0, 0, 0, 20, 10)
    speeds = [np.array([value]) for value in (10.0, 2.0, 99.0)]
    chance = chance_together(waiting, comer, waiting.out, 6.0, *[(each, each) for each in speeds])
    np.testing.assert_allclose(chance, 0.5 * math.erfc((2 * DEGREE_NM / 14 - 10) / 2 / math.sqrt(2)), rtol=1e-6)
