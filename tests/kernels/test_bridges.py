"""Positions in a gap: hand-made cases, plain Gaussian conditioning, and what must not matter."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.bridges import (
    BRIDGE_LAW,
    OPEN_LAW,
    Branch,
    branches,
    bridge_density,
    open_branches,
    student_density,
)
from darkvoyage.kernels.ou import wandering_bridge

HOURS = st.floats(0.3, 20.0)
SHARE = st.floats(0.02, 0.98)
SPEED = st.floats(-15.0, 15.0)


def arrays(*values):
    return tuple(np.array([value], dtype="float64") for value in values)


def density(point, end, velocity, total_h, at_h, error_nm=0.05):
    x, y = (np.atleast_1d(np.asarray(part, dtype="float64")) for part in point)
    full = [np.full(x.shape, float(value)) for value in (*end, *velocity, total_h, at_h, error_nm)]
    return bridge_density(x, y, full[0], full[1], tuple(full[2:6]), *full[6:])


def test_density_of_a_student_t_by_hand():
    """At the centre 1 / (2 pi a b); two along-scales out with nu = 2: (1 + 4 / 2)^-2 of that."""
    one = np.ones(1)
    way = Branch(one, 0 * one, 0 * one, 3 * one, 4 * one, 4 * one, 1 * one, 2 * one, one)
    centre = student_density(*arrays(0, 0), way, 0.0)[0]
    assert centre == pytest.approx(1 / (2 * np.pi * 2 * 1), rel=1e-4)
    # Four miles along (0.6, 0.8); one mile across is one scale: (1 + 1 / 2)^-2.
    assert student_density(*arrays(2.4, 3.2), way, 0.0)[0] == pytest.approx(centre / 9, rel=1e-4)
    assert student_density(*arrays(0.8, -0.6), way, 0.0)[0] == pytest.approx(centre / 2.25, rel=1e-4)
    # An error as large as the cross scale counts on both axes.
    wide = student_density(*arrays(0, 0), way, 1.0)[0]
    assert wide == pytest.approx(1 / (2 * np.pi * np.sqrt(5 * 2)), rel=1e-4)


@pytest.mark.parametrize(
    ("end", "velocity", "total_h"),
    [
        ((20.0, 5.0), (10.0, 2.0, 9.0, 4.0), 2.0),
        ((1.0, 0.0), (6.0, 0.0, -6.0, 0.0), 3.0),
        ((0.1, 0.0), (0.1, 0.1, 0.0, 0.0), 6.0),
        ((8.0, 0.0), (np.nan, np.nan, np.nan, np.nan), 1.0),
    ],
)
def test_density_is_a_density(end, velocity, total_h):
    """Sums to 1 over the plane, on rings that grow as the tails thin out."""
    at_h = 0.4 * total_h
    ways = branches(*arrays(*end), arrays(*velocity), *arrays(total_h, at_h))
    for way in ways:
        scale = np.sqrt(way.along_nm2 * way.across_nm2)[0]
        radius = np.geomspace(1e-3, 1e5, 1500)
        angle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
        # Polar in the frame in which the ellipse is a circle; its area element is the scales' product.
        middle = np.sqrt(radius[1:] * radius[:-1])
        ahead = np.array([way.velocity_x[0], way.velocity_y[0]])
        ahead = ahead / np.hypot(*ahead) if np.hypot(*ahead) else np.array([1.0, 0.0])
        r, a = np.meshgrid(middle, angle[::100])
        along, across = (
            r * trig * np.sqrt(size[0] + 0.05**2)
            for trig, size in ((np.cos(a), way.along_nm2), (np.sin(a), way.across_nm2))
        )
        x, y = way.x[0] + along * ahead[0] - across * ahead[1], way.y[0] + along * ahead[1] + across * ahead[0]
        area = np.sqrt((way.along_nm2[0] + 0.05**2) * (way.across_nm2[0] + 0.05**2))
        rings = student_density(x, y, way, 0.05).mean(axis=0) * 2 * np.pi * middle * np.diff(radius) * area
        assert rings.sum() == pytest.approx(1.0, abs=0.02), scale
    assert np.sum([way.weight for way in ways]) == pytest.approx(1.0)


def slow_wandering(total_h, at_h, rate, noise, v0, v1, chord):
    """Mean position, velocity and variance by conditioning on a wide prior of the constant, with plain matrices."""
    step = np.array([0.0, at_h, total_h])
    wide = 1e7

    def velocity(s, t):
        return np.exp(-rate * abs(s - t))

    def way_velocity(t, s):
        grid = np.linspace(0, t, 20001)
        return np.trapezoid(np.exp(-rate * np.abs(grid - s)), grid)

    def way_way(t, s):
        low, high = min(s, t), max(s, t)
        e = lambda z: np.exp(-rate * z)  # noqa: E731
        return (2 * rate * low - 1 + e(low) + e(high) - e(high - low)) / rate**2

    zero, at, end = step
    known = np.array(
        [
            [1 + noise + wide, way_velocity(end, zero) + wide * end, velocity(zero, end) + wide],
            [0, way_way(end, end) + wide * end**2, way_velocity(end, end) + wide * end],
            [0, 0, 1 + noise + wide],
        ]
    )
    known = np.triu(known) + np.triu(known, 1).T
    place = np.array(
        [way_velocity(at, zero) + wide * at, way_way(at, end) + wide * at * end, way_velocity(at, end) + wide * at]
    )
    speed = np.array([velocity(at, zero) + wide, way_velocity(end, at) + wide * end, velocity(at, end) + wide])
    seen = np.array([v0, chord * end, v1])
    gain = np.linalg.solve(known, np.stack([place, speed]).T).T
    return gain[0] @ seen, gain[1] @ seen, way_way(at, at) + wide * at**2 - gain[0] @ place


@given(
    total_h=HOURS, share=SHARE, rate=st.floats(0.2, 4.0), noise=st.floats(0.05, 2.0), v=st.tuples(SPEED, SPEED, SPEED)
)
def test_wandering_bridge_is_gaussian_conditioning(total_h, share, rate, noise, v):
    v0, v1, chord = v
    pulls = wandering_bridge(*arrays(total_h, share * total_h), rate, noise)
    x = share * total_h * chord + pulls.start_h[0] * (v0 - chord) + pulls.end_h[0] * (v1 - chord)
    speed = chord + pulls.start[0] * (v0 - chord) + pulls.end[0] * (v1 - chord)
    want = slow_wandering(total_h, share * total_h, rate, noise, v0, v1, chord)
    assert x == pytest.approx(want[0], abs=2e-3)
    assert speed == pytest.approx(want[1], abs=2e-3)
    assert pulls.variance_h2[0] == pytest.approx(want[2], abs=2e-2)


@given(total_h=HOURS, share=SHARE)
def test_wandering_bridge_between_curve_and_line(total_h, share):
    """Slow wandering without noise keeps both velocities as the cubic does; fast wandering goes the straight way."""
    f, at = share, share * total_h
    slow = wandering_bridge(*arrays(total_h, at), 1e-2 / total_h, 0.0)
    assert slow.start_h[0] == pytest.approx(at * (1 - f) ** 2, abs=2e-2 * total_h)
    assert slow.end_h[0] == pytest.approx(-at * f * (1 - f), abs=2e-2 * total_h)
    fast = wandering_bridge(*arrays(total_h, at), 1e4 / total_h, 0.0)
    assert abs(fast.start_h[0]) < 1e-3 * total_h
    assert abs(fast.end_h[0]) < 1e-3 * total_h


@given(total_h=HOURS, share=SHARE, v=st.tuples(SPEED, SPEED, SPEED, SPEED, SPEED, SPEED))
def test_velocity_is_the_derivative_of_the_mean(total_h, share, v):
    end, velocity, step = (v[0] * total_h, v[1] * total_h), v[2:], 1e-5 * total_h
    at = share * total_h
    before, now, after = (
        branches(*arrays(*end), arrays(*velocity), *arrays(total_h, at + shift)) for shift in (-step, 0, step)
    )
    for low, middle, high in zip(before, now, after, strict=True):
        assert (high.x - low.x)[0] / (2 * step) == pytest.approx(middle.velocity_x[0], abs=1e-3)
        assert (high.y - low.y)[0] / (2 * step) == pytest.approx(middle.velocity_y[0], abs=1e-3)


@given(total_h=HOURS, share=SHARE, turn=st.floats(0, 6.28), v=st.tuples(SPEED, SPEED, SPEED, SPEED, SPEED, SPEED))
def test_turning_the_plane_changes_nothing(total_h, share, turn, v):
    c, s = np.cos(turn), np.sin(turn)

    def turned(x, y):
        return c * x - s * y, s * x + c * y

    end, point = (v[0] * total_h, v[1] * total_h), (v[0] * share * total_h + 0.3, v[1] * share * total_h - 0.2)
    plain = density(point, end, v[2:], total_h, share * total_h)
    other = density(turned(*point), turned(*end), (*turned(*v[2:4]), *turned(*v[4:6])), total_h, share * total_h)
    assert other == pytest.approx(plain, rel=1e-6)


@given(total_h=HOURS, share=SHARE, v=st.tuples(SPEED, SPEED, SPEED, SPEED, SPEED, SPEED))
def test_time_may_run_backwards(total_h, share, v):
    end, at = (v[0] * total_h, v[1] * total_h), share * total_h
    point = v[0] * at + 0.3, v[1] * at - 0.2
    forth = density(point, end, v[2:], total_h, at)
    start, velocity = (point[0] - end[0], point[1] - end[1]), tuple(-np.array([*v[4:], *v[2:4]]))
    back = density(start, (-end[0], -end[1]), velocity, total_h, total_h - at)
    assert back == pytest.approx(forth, rel=1e-5)


def test_a_ship_at_rest_is_where_it_was():
    """Still at both ends in one place: there with near certainty; the density falls by powers of ten beyond."""
    at_rest = density(([0.0, 0.1, 2.0], [0.0, 0.0, 0.0]), (0.0, 0.0), (0.1, 0.0, 0.0, 0.1), 3.0, 1.5, error_nm=0.02)
    assert at_rest[0] > 10
    assert at_rest[0] > 50 * at_rest[1]
    assert at_rest[1] > 100 * at_rest[2] > 0


def test_ends_that_fit_the_chord_say_more():
    straight = density(([5.0], [0.0]), (10.0, 0.0), (10.0, 0.0, 10.0, 0.0), 1.0, 0.5)
    turning = density(([5.0], [0.0]), (10.0, 0.0), (14.0, 9.0, 14.0, 9.0), 1.0, 0.5)
    unknown = density(([5.0], [0.0]), (10.0, 0.0), (np.nan,) * 4, 1.0, 0.5)
    assert straight > unknown > turning


def test_an_unknown_velocity_is_a_usual_misfit():
    law = dataclasses.replace(BRIDGE_LAW, misfit_kn=0.0)
    nothing = branches(*arrays(10, 0), arrays(*[np.nan] * 4), *arrays(1.0, 0.5), law)
    chord = branches(*arrays(10, 0), arrays(10, 0, 10, 0), *arrays(1.0, 0.5), law)
    for one, other in zip(nothing, chord, strict=True):
        for name in Branch._fields:
            assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_open_gaps_go_on_or_stay():
    on, stay = open_branches(*arrays(12.0, 0.0), np.array([2.0]))
    assert 20 < on.x[0] < 24
    assert on.weight[0] > 0.8
    assert stay.x[0] == 0
    assert on.weight + stay.weight == pytest.approx(1.0)
    assert open_branches(*arrays(0.0, 0.0), np.array([2.0]))[1].weight[0] > 0.8
    unknown = open_branches(*arrays(np.nan, np.nan), np.array([2.0]))
    assert unknown[0].x[0] == 0


def test_a_ship_that_lay_still_has_left_in_the_long_run_by_hand():
    """Sixteen hours beyond the sixth half of them are gone, after nine times as many nine of ten; none before."""
    lasting = dataclasses.replace(OPEN_LAW, leave_h=1e12)
    weight = open_branches(*arrays(0.0, 0.0), np.array([6.0]))[1].weight[0]
    for hours, stays in ((22.0, 1 / 2), (150.0, 1 / 10), (6.0 + 16 * 99, 1 / 100)):
        on, stay = open_branches(*arrays(0.0, 0.0), np.array([hours]))
        gate = open_branches(*arrays(0.0, 0.0), np.array([hours]), lasting)[1].weight[0]
        assert stay.weight[0] == pytest.approx(gate * stays)
        assert on.weight[0] + stay.weight[0] == pytest.approx(1.0)
    assert weight > 0.9


def test_no_pairs():
    none = np.empty(0)
    assert bridge_density(none, none, none, none, (none,) * 4, none, none, none).shape == (0,)
