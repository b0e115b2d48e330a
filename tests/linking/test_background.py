"""How many ships nobody knows, by hand."""

import pandas as pd
import pytest

from darkvoyage.linking.background import unknown_density
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
