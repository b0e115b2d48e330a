"""Report intervals against the tables of ITU-R M.1371-5, row by row."""

import numpy as np
import pytest

from darkvoyage.simulation.reporting import LONG_RANGE_S, STATIC_S, report_interval_s, turning

UNDER_WAY, ANCHORED, MOORED, FISHING = 0, 1, 5, 7

TABLE_1 = [
    ("A", ANCHORED, 0.0, False, 180),
    ("A", MOORED, 3.0, False, 180),
    ("A", MOORED, 3.0, True, 180),
    ("A", ANCHORED, 3.1, False, 10),
    ("A", UNDER_WAY, 0.0, False, 10),  # status decides: a ship adrift reports as one under way
    ("A", FISHING, 2.0, False, 10),
    ("A", UNDER_WAY, 14.0, False, 10),
    ("A", UNDER_WAY, 8.0, True, 10 / 3),
    ("A", UNDER_WAY, 14.1, False, 6),
    ("A", UNDER_WAY, 23.0, False, 6),
    ("A", UNDER_WAY, 20.0, True, 2),
    ("A", UNDER_WAY, 23.1, False, 2),
    ("A", UNDER_WAY, 30.0, True, 2),
]
TABLE_2 = [
    ("B-SO", UNDER_WAY, 2.0, False, 180),
    ("B-SO", UNDER_WAY, 2.1, False, 30),
    ("B-SO", UNDER_WAY, 14.0, True, 30),
    ("B-SO", UNDER_WAY, 20.0, False, 15),
    ("B-SO", UNDER_WAY, 23.1, False, 5),
    ("B", UNDER_WAY, 2.0, False, 180),
    ("B", UNDER_WAY, 2.1, False, 30),
    ("B", UNDER_WAY, 25.0, True, 30),
    ("B", MOORED, 5.0, False, 30),
]


@pytest.mark.parametrize(("ais_class", "status", "speed", "turns", "seconds"), TABLE_1 + TABLE_2)
def test_interval_of_each_row(ais_class, status, speed, turns, seconds):
    got = report_interval_s(ais_class, np.array([status]), np.array([speed]), np.array([turns]))
    assert got == pytest.approx([seconds])


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 180), (10.0, 30), (20.0, 30), (30.0, 15)])
def test_self_organised_class_b_steps_back_on_a_busy_channel(speed, seconds):
    got = report_interval_s("B-SO", np.array([0]), np.array([speed]), np.array([False]), congested=True)
    assert got == pytest.approx([seconds])


def test_static_and_long_range_reports():
    assert (STATIC_S, LONG_RANGE_S) == (360, 180)


def test_turning_is_a_change_of_more_than_five_degrees_across_north_too():
    course = np.array([358.0, 2.0, 8.0, 8.0, 300.0])
    assert turning(course, np.full(5, 10.0)).tolist() == [False, False, True, False, True]
    assert not turning(course, np.full(5, 0.5)).any()
