"""Circles, straight lines, and positions that contradict the speed and heading beside them."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.kernels.sphere import destination
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.tracks.ashore import far_inland
from darkvoyage.tracks.circles import fit_circles, fixes_on_circles
from darkvoyage.tracks.integrity import find_untrusted
from darkvoyage.tracks.motion import headings_off, speeds_off, straight_lines
from darkvoyage.tracks.sequences import covered, sequences, steps, stretches
from tests.tracks.integrity_tracks import MMSI, START, circle, every, track, wavering

RULE = IntegrityRule()


def spans(table, found):
    """Hours of the first and last fix of stretches."""
    line = sequences(table)
    zero = START.value / 3.6e12
    return [
        (round(float(line.hours[a] - zero), 4), round(float(line.hours[b] - zero), 4))
        for a, b in zip(found.first, found.last, strict=True)
    ]


def straight_run(hours, kn=12.0, **columns):
    """Due north along a meridian at a constant speed: the latitude is exact by hand, 60 nm of the sphere a degree."""
    return track(hours, 20.0 + hours * kn / 60.04, -50.0, **({"sog": kn, "cog": 0.0} | columns))


def test_circles_are_those_that_a_least_squares_solver_fits():
    rng = np.random.default_rng(4)
    hours = every(10, 30)
    lat, lon = circle(hours, lat=59.5, lon=179.99, radius_nm=3.0, period_h=1.3)
    table = track(hours, lat + rng.normal(0, 1e-4, len(hours)), lon + rng.normal(0, 1e-4, len(hours)))
    line = sequences(table)
    found = fit_circles(line, RULE)
    assert len(found.first) == len(hours) - RULE.window_steps + 1
    for k, first in enumerate(found.first):
        rows = slice(first, first + RULE.window_steps)
        y = (line.lat[rows] - line.lat[first]) * 60
        x = ((line.lon[rows] - line.lon[first] + 180) % 360 - 180) * 60 * np.cos(np.radians(line.lat[first]))
        solved = np.linalg.lstsq(np.c_[x, y, np.ones(len(x))], -(x * x + y * y), rcond=None)[0]
        a, b = -solved[0] / 2, -solved[1] / 2
        radius = np.sqrt(a * a + b * b - solved[2])
        assert found.radius_nm[k] == pytest.approx(radius, rel=1e-6)
        assert found.lat[k] == pytest.approx(line.lat[first] + b / 60, abs=1e-7)
    assert found.radius_nm == pytest.approx(3.0, rel=0.02)
    assert found.lat == pytest.approx(59.5, abs=0.003)
    assert np.abs((found.lon - 179.99 + 180) % 360 - 180).max() < 0.006


@pytest.mark.parametrize(
    ("radius_nm", "period_h", "noise_nm", "is_one"),
    [
        (2.5, 0.5, 0.0, True),
        (1.0, 2.0, 0.005, True),
        (0.3, 0.5, 0.0, False),  # a ship at anchor
        (1.0, 12.4, 0.0, False),  # a tide
        (1.0, 2.0, 0.08, False),  # no circle
    ],
)
def test_which_circles_count(radius_nm, period_h, noise_nm, is_one):
    rng = np.random.default_rng(1)
    hours = every(5, 26)
    lat, lon = circle(hours, lat=-30.0, lon=15.0, radius_nm=radius_nm, period_h=period_h)
    lat, lon = lat + rng.normal(0, noise_nm / 60, len(hours)), lon + rng.normal(0, noise_nm / 60, len(hours))
    found, ships, _ = fixes_on_circles(sequences(track(hours, lat, lon)), RULE)
    assert (len(found.first) == 1) is is_one
    if is_one:
        # All but the fixes after the last step of 10 min.
        assert found.last[0] - found.first[0] + 1 >= len(hours) - 1
        assert ships.tolist() == [1]


def test_short_visits_to_a_circle_that_others_draw():
    hours = every(6, 24)
    parts = []
    for ship in range(4):
        table = wavering(hours, lat=30.0 - 0.2 * ship, seed=ship, mmsi=MMSI + ship)
        # The last one is on the circle for half an hour only.
        false = (hours >= 8) & (hours <= (16 if ship < 3 else 8.5))
        lat, lon = circle(hours, lat=30.9, lon=-39.0, radius_nm=2.5, period_h=0.5, phase_deg=50.0 * ship)
        parts.append(table.assign(lat=np.where(false, lat, table["lat"]), lon=np.where(false, lon, table["lon"])))
    found = find_untrusted(pd.concat(parts, ignore_index=True))
    visit = found[(found["mmsi"] == MMSI + 3) & (found["reason"] == "circle")]
    assert visit["fixes"].tolist() == [6]


def test_a_ship_at_anchor_on_the_ring_is_not_on_the_circle():
    hours = every(6, 24)
    lat, lon = circle(hours, lat=30.9, lon=-39.0, radius_nm=2.5, period_h=0.5)
    ships = [track(hours, lat, lon, mmsi=MMSI + ship) for ship in range(3)]
    there = destination(np.array([30.9]), np.array([-39.0]), np.array([45.0]), np.array([2.5]))
    resting = track(hours, there[0][0], there[1][0], mmsi=MMSI + 9, sog=0.0)
    found = find_untrusted(pd.concat([*ships, resting], ignore_index=True))
    assert set(found["mmsi"]) == {MMSI, MMSI + 1, MMSI + 2}


def test_a_line_that_nobody_steers():
    hours = every(6, 9)
    assert spans(straight_run(hours), straight_lines(sequences(straight_run(hours)), RULE)) == [(0.0, 9.0)]


@pytest.mark.parametrize("what", ["speed", "course", "place", "slow", "wavering"])
def test_a_ship_that_a_helmsman_steers(what):
    hours = every(6, 9)
    rng = np.random.default_rng(8)
    table = straight_run(hours, kn=2.0 if what == "slow" else 12.0)
    if what == "speed":
        table["sog"] += rng.normal(0, 0.3, len(hours))
    if what == "course":
        table["cog"] = rng.normal(0, 3, len(hours)) % 360
    if what == "place":
        table["lat"] += rng.normal(0, 40.0 / 1852 / 60, len(hours))
    if what == "wavering":
        table = wavering(hours)
    assert len(straight_lines(sequences(table), RULE).first) == 0


def test_a_false_line_within_a_true_track():
    hours = every(6, 30)
    true = wavering(hours)
    inside = (hours >= 12) & (hours <= 18)
    line = straight_run(hours)
    mixed = true.copy()
    for name in ("lat", "lon", "sog", "cog"):
        mixed[name] = np.where(inside, line[name], true[name])
    ((first, last),) = spans(mixed, straight_lines(sequences(mixed), RULE))
    assert 12.0 <= first <= 12.2
    assert 17.8 <= last <= 18.0


def test_positions_that_outrun_the_reported_speed():
    hours = every(6, 20)
    table = wavering(hours)
    # From 5 h to 8 h the ship says it lies still, and its positions go on at twelve knots.
    quiet = (hours >= 5) & (hours <= 8)
    found = find_untrusted(table.assign(sog=np.where(quiet, 0.1, table["sog"])))
    assert found["reason"].tolist() == ["implied_speed"]
    assert found["start_time"].iloc[0] >= START + pd.Timedelta("5h")
    assert found["end_time"].iloc[0] <= START + pd.Timedelta("8h")
    assert found["fixes"].iloc[0] >= 28
    assert found["confidence"].iloc[0] > 0.7


def test_positions_that_stand_still_at_speed():
    hours = every(6, 20)
    table = wavering(hours)
    frozen = (hours >= 5) & (hours <= 8)
    at = int(np.flatnonzero(frozen)[0])
    stuck = table.assign(
        lat=np.where(frozen, table["lat"].iloc[at], table["lat"]),
        lon=np.where(frozen, table["lon"].iloc[at], table["lon"]),
    )
    ((first, last),) = spans(stuck, speeds_off(sequences(stuck), RULE))
    assert 5.0 <= first <= 5.2
    assert 7.8 <= last <= 8.0


def test_a_ship_whose_speed_is_never_right_has_a_bad_log():
    table = wavering(every(6, 20))
    found = find_untrusted(table.assign(sog=table["sog"] / 10))
    assert set(found["reason"]) == {"implied_speed"}
    assert (found["confidence"] < 0.7).all()


def test_speeds_over_long_steps_say_nothing():
    table = wavering(every(40, 20))
    assert len(speeds_off(sequences(table.assign(sog=0.0)), RULE).first) == 0


def test_headings_that_do_not_go_with_the_course():
    hours = every(6, 20)
    table = wavering(hours)
    aside = (hours >= 5) & (hours <= 8)
    found = find_untrusted(table.assign(heading=np.where(aside, 190.0, table["heading"])))
    assert found["reason"].tolist() == ["heading"]
    assert found["confidence"].iloc[0] > 0.7
    assert found["start_time"].iloc[0] == START + pd.Timedelta("5h")
    assert found["end_time"].iloc[0] == START + pd.Timedelta("8h")


@pytest.mark.parametrize("heading", [0.0, np.nan, 270.0, 90.0])
def test_headings_that_say_nothing(heading):
    table = wavering(every(6, 20)).assign(heading=heading)
    assert len(headings_off(sequences(table), RULE).first) == 0


def test_a_compass_that_is_always_wrong_is_held_against_itself():
    table = wavering(every(6, 20)).assign(heading=190.0)
    found = find_untrusted(table)
    assert set(found["reason"]) == {"heading"}
    assert (found["confidence"] < 0.7).all()


def test_steps_and_stretches_by_hand():
    table = track([0.0, 0.05, 0.2, 0.4, 1.0], 0.0, 0.0)
    assert steps(sequences(table), 10.0).tolist() == [0, 2, 3, 4]
    assert covered(np.array([1, 4]), np.array([2, 4]), 6).tolist() == [False, True, True, False, True, False]
    runs = stretches(np.array([0, 0, 0, 1, 1]), np.array([True, False, True, True, True]))
    assert runs.first.tolist() == [0, 2, 3]
    assert runs.last.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("lat", "lon", "inland"),
    [
        (35.69, 51.39, True),  # Tehran
        (-72.86, 79.09, True),  # the ice of Antarctica
        (23.0, 5.0, True),  # the Sahara
        (48.21, 16.37, False),  # Vienna, on the Danube
        (54.2, 9.5, False),  # the Kiel Canal
        (30.5, 32.33, False),  # the Suez Canal
        (38.63, -90.18, False),  # St Louis, on the Mississippi
        (-3.1, -60.0, False),  # Manaus, on the Amazon
        (40.88, -73.95, False),  # the Hudson at New York
        (55.43, 10.39, False),  # Odense, at the end of its canal
        (51.21, 3.805, False),  # the canal of Terneuzen
        (42.0, 50.0, False),  # the Caspian
        (43.5, -87.0, False),  # Lake Michigan
        (42.75, 133.08, False),  # Vostochny
        (25.11, 56.33, False),  # the airfield of Fujairah, on the coast
    ],
)
def test_what_is_far_from_all_water(lat, lon, inland):
    for turn in (0.0, 360.0):
        assert far_inland(np.array([lat]), np.array([lon + turn]), RULE.inland_nm).tolist() == [inland]


def test_positions_on_land_of_a_ship_at_sea():
    hours = every(6, 24)
    table = wavering(hours, lat=44.0, lon=36.0, kn=4.0)
    false = (hours >= 8) & (hours <= 10)
    moved = table.assign(lat=np.where(false, 23.0, table["lat"]), lon=np.where(false, 5.0, table["lon"]))
    found = find_untrusted(moved.assign(sog=2.0, heading=np.nan))
    ashore = found[found["reason"] == "on_land"]
    assert ashore["fixes"].tolist() == [21]
    assert (ashore["confidence"] > 0.7).all()
    # A boat that is on land all the time is on some lake or river.
    found = find_untrusted(track(hours, 23.0, 5.0))
    assert found["reason"].tolist() == ["on_land"]
    assert (found["confidence"] < 0.7).all()
