"""How many ships nobody knows: by hand, and against a plain loop."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.background import learned_density, unknown_density
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import SCENES
from tests.worlds import hours

RULE = LinkRule()
PORT = pd.DataFrame({"port_id": ["p"], "lat": [42.7], "lon": [133.05], "radius_nm": [2.0]})
BOX = "POLYGON((132.5 42.5,133.5 42.5,133.5 43,132.5 43,132.5 42.5))"


def seen(number, scene="a", lat=42.75, lon=133.05):
    return pd.DataFrame({"lat": lat, "lon": lon, "scene_id": scene}, index=range(number))


def scenes(number):
    return pd.DataFrame(
        {"scene_id": [f"c{i}" for i in range(number)], "timestamp": hours(np.arange(number)), "footprint": BOX}
    )


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


def test_pictures_with_more_unknown_ships_raise_the_density_there_and_empty_ones_lower_it():
    """Cell of 0.1 degree at 42.75 N: 26.4 nm2. Twelve strangers in one picture, eleven beside each of them."""
    area = 36.0 * np.cos(np.radians(42.75))
    prior = np.full(12, 0.03)
    crowded = learned_density(prior, seen(12), empty(SCENES), np.ones(12))
    np.testing.assert_allclose(crowded, (2 * 0.03 + 11 / area) / 3)
    quiet = learned_density(prior[:1], seen(1), scenes(10), np.ones(1))
    np.testing.assert_allclose(quiet, 2 * 0.03 / 12)
    known = learned_density(prior, seen(12), empty(SCENES), np.zeros(12))
    np.testing.assert_allclose(known, 2 * 0.03 / 3)


def test_cloudy_pictures_do_not_count_and_places_without_position_keep_the_prior():
    cloudy = scenes(10).assign(clear_fraction=0.2)
    np.testing.assert_allclose(learned_density(np.array([0.03]), seen(1), cloudy, np.ones(1)), 2 * 0.03 / 3)
    lost = learned_density(np.array([0.03]), seen(1, lat=np.nan), scenes(3), np.ones(1))
    assert lost == 0.03


def test_other_cells_and_turns_of_longitude_do_not_matter():
    here, there = seen(3), seen(9, scene="b", lat=42.0)
    both = pd.concat([here, there], ignore_index=True)
    prior = np.full(12, 0.03)
    together = learned_density(prior, both, scenes(4), np.ones(12))
    np.testing.assert_allclose(together[:3], learned_density(prior[:3], here, scenes(4), np.ones(3)))
    turned = learned_density(prior, both.assign(lon=both["lon"] + 360), scenes(4), np.ones(12))
    np.testing.assert_allclose(turned, together)
