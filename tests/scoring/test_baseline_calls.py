"""Rules for the port of a call: the order they give the ports in reach, by hand."""

import pandas as pd
import pytest

from darkvoyage.scoring.evaluation.baseline_calls import (
    most_visited_by_fleet,
    most_visited_by_ship,
    nearest_port_to_start,
)
from darkvoyage.scoring.evaluation.baselines import nearest_port_by_slack
from tests.worlds import hours

SHIP, OTHER = 299_000_001, 299_000_002


def gap():
    """30 h from 0 N 0 E to 0 N 2 E."""
    (start, end) = hours([0.0, 30.0])
    return pd.DataFrame(
        {
            "gap_id": ["g"], "track_id": f"{SHIP}-0", "mmsi": SHIP, "gap_start": start, "gap_end": end,
            "is_closed": True, "duration_h": 30.0, "start_lat": 0.0, "start_lon": 0.0, "end_lat": 0.0, "end_lon": 2.0,
            "distance_nm": 120.0,
        }
    )  # fmt: skip


def ports():
    """By the way there and back C, B, A; by nearness to the start A, B, C; D is out of reach."""
    lat, lon = [-0.6, 0.5, 0.1, 9.0], [-0.3, 0.7, 1.6, 0.0]
    return pd.DataFrame(
        {
            "port_id": list("ABCD"), "name": "", "country": None, "lat": lat, "lon": lon, "radius_nm": 1.0,
            "sensitive": False,
        }
    )  # fmt: skip


def visits(*pairs):
    return pd.DataFrame(list(pairs), columns=["mmsi", "port_id"])


def order(calls):
    rows = calls[calls["port_id"].notna()].sort_values("p_call", ascending=False)
    return "".join(rows["port_id"])


def test_nearest_to_where_it_was_heard_last():
    assert order(nearest_port_by_slack(gap(), ports())) == "CBA"
    assert order(nearest_port_to_start(gap(), ports())) == "ABC"


def test_most_visited_and_ties_by_the_way():
    past = visits((OTHER, "A"), (OTHER, "A"), (SHIP, "B"), (OTHER, "D"), (SHIP, None))
    assert order(most_visited_by_fleet(gap(), ports(), past)) == "ABC"
    assert order(most_visited_by_ship(gap(), ports(), past)) == "BCA"
    assert order(most_visited_by_ship(gap(), ports(), past[:0])) == "CBA"


@pytest.mark.parametrize("rule", [nearest_port_to_start, most_visited_by_fleet, most_visited_by_ship])
def test_probabilities_are_those_of_the_nearest_dealt_anew(rule):
    calls = rule(gap(), ports(), visits((SHIP, "A")))
    # By hand: 0.9, 0.09, 0.009 for the three ports in reach, 0.001 for what is left.
    assert sorted(calls["p_call"], reverse=True) == pytest.approx([0.9, 0.09, 0.009, 0.001])
    assert calls.loc[calls["hypothesis"] == "unknown", "p_call"].tolist() == pytest.approx([0.001])
