"""How many ships nobody knows, by hand."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.background import counted_density, recounted, unknown_density
from darkvoyage.rules.linking import LinkRule

RULE = LinkRule()
PORT = pd.DataFrame({"port_id": ["p"], "lat": [42.7], "lon": [133.05], "radius_nm": [2.0]})


def seen(number, scene="a", lat=42.75, lon=133.05):
    return pd.DataFrame({"lat": lat, "lon": lon, "scene_id": scene}, index=range(number))


def test_the_prior_is_the_rule_at_a_port_and_a_hundredth_at_sea():
    table = pd.concat([seen(1, lat=42.7), seen(1, lat=30.0)], ignore_index=True)
    port, sea = unknown_density(table, PORT, RULE)
    assert port == pytest.approx(RULE.background_per_nm2 + RULE.false_alarm_per_nm2)
    assert sea == pytest.approx(0.01 * RULE.background_per_nm2 + RULE.false_alarm_per_nm2)


def test_unsure_detections_are_false_alarms_more_often():
    table = seen(3, lat=30.0).assign(confidence=[0.5, 0.8, 0.95])
    unsure, usual, sure = unknown_density(table, PORT, RULE)
    assert usual == pytest.approx(0.01 * RULE.background_per_nm2 + RULE.false_alarm_per_nm2)
    assert unsure == pytest.approx(0.01 * RULE.background_per_nm2 + 4 * RULE.false_alarm_per_nm2)
    assert sure < usual


def scenes(number):
    box = "POLYGON((132 29,134 29,134 31,132 31,132 29))"
    return pd.DataFrame({"scene_id": [f"{k}" for k in range(number)], "footprint": box, "clear_fraction": 0.5})


AREA = 36.0 * np.cos(np.radians(30.05))
"""Of a cell of a tenth of a degree [nm2]."""


def counted(table, number=10, density=0.01, unexplained=1.0):
    full = np.full(len(table), density)
    return counted_density(full, table, scenes(number), unexplained * np.ones(len(table)), RULE)


def test_images_without_other_ships_lower_the_density():
    """Ten images, half clear, one sighting that says nothing of itself: 1 over 1 + 0.01 x 5 x 31.2."""
    assert counted(seen(1, lat=30.05))[0] == pytest.approx(0.01 / (1 + 0.01 * 5 * AREA), rel=1e-6)


def test_others_in_the_cell_raise_it_as_far_as_nobody_explains_them():
    table = seen(21, lat=30.05)
    usual = 1 + 0.01 * 5 * AREA
    assert counted(table) == pytest.approx(0.01 * 21 / usual)
    assert counted(table, unexplained=0.5) == pytest.approx(0.01 * 11 / usual)


def test_what_stands_at_one_spot_in_one_size_is_expected_there():
    """Twelve of 45 m at a spot, one of 120 m beside them, one of 45 m a mile off in the same cell."""
    table = seen(14, lat=30.05).assign(length_m=[45.0] * 12 + [120.0, 45.0])
    table["lat"] += np.r_[np.zeros(13), 1 / 60]
    found = counted(table)
    assert found[0] > 4 * found[12]
    assert found[0] > 4 * found[13]


def test_without_images_the_density_is_that_before_looking():
    table = seen(3, lat=30.05)
    assert counted(table, number=0).tolist() == [0.01] * 3
    assert counted(seen(3, lat=10.0)).tolist() == [0.01] * 3


def test_broadcasting_ships_are_held_against_the_counted_density():
    """What one of them explains for sure is not counted: sixteen in a million of three sightings are left."""
    table, full = seen(3, lat=30.05), np.full(3, 0.01)
    lit = pd.DataFrame({"sighting": [0, 1, 2], "llr": [8.0, 8.0, 8.0]})
    again, density = recounted(lit, full, table, scenes(10), np.ones(3, dtype=bool), RULE)
    assert density == pytest.approx(0.01 / (1 + 0.01 * 5 * AREA), rel=1e-3)
    assert again["llr"].to_numpy() + np.log(density) == pytest.approx(8.0 + np.log(0.01))
