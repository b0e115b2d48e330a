"""The simple rules, by hand: one degree of latitude is 60.04 nm on the mean sphere."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.schema.conform import conform, empty, finish
from darkvoyage.schema.tables import CARGO, GAPS, LINKS, PORT_CALLS, PORTS, SIGHTINGS, SILENCES, TRANSFERS, VESSELS
from darkvoyage.scoring.evaluation.baseline_links import links_hungarian, links_nearest, links_within_50_km
from darkvoyage.scoring.evaluation.baselines import (
    cargo_by_rule,
    duration_rule,
    gfw_rule,
    nearest_port_by_slack,
    pre_gap_count,
    transfers_by_rule,
)
from tests.worlds import START, hours

DEGREE_NM = 6371.0088 / 1.852 * np.pi / 180


def gaps(**columns):
    """Two-day gaps at one spot on the equator, of tankers heard 20 times by satellite before."""
    number = max(len(values) for values in columns.values())
    base = {
        "gap_id": [f"g{i}" for i in range(number)],
        "mmsi": np.arange(299_000_001, 299_000_001 + number),
        "duration_h": np.full(number, 48.0),
        "start_lat": 0.0,
        "start_lon": 0.0,
        "end_lat": 0.0,
        "end_lon": 0.0,
        "is_closed": True,
        "fixes_before_12h": 20,
        "fixes_before_12h_ter": 0,
        "fixes_before_12h_sat": 20,
        "fixes_before_12h_dyn": 0,
        "fixes_after_12h": 0,
        "ship_type": 80,
    }
    table = pd.DataFrame(base | columns)
    table["track_id"] = table["mmsi"].astype("str") + "-0"
    table["gap_start"] = START
    table["gap_end"] = hours(table["duration_h"])
    if "is_closed" in columns:
        lost = ~table["is_closed"].to_numpy()
        table.loc[lost, ["end_lat", "end_lon"]] = np.nan
        table["gap_end"] = table["gap_end"].mask(lost)
    return finish(table, GAPS)


def ports(lats, *, sensitive=True, radius_nm=0.0):
    number = len(lats)
    return finish(
        {
            "port_id": [f"p{i}" for i in range(number)],
            "name": [f"Port {i}" for i in range(number)],
            "country": ["XX"] * number,
            "lat": np.asarray(lats, dtype="float64"),
            "lon": 0.0,
            "radius_nm": radius_nm,
            "sensitive": sensitive,
        },
        PORTS,
    )


def sightings(lats, at_h, **columns):
    table = {"sighting_id": [f"s{i}" for i in range(len(lats))], "timestamp": hours(at_h), "lat": lats, "lon": 0.0}
    return finish(pd.DataFrame(table | columns), SIGHTINGS, optional=True)


def p_of(links, sighting):
    rows = links[links["sighting_id"] == sighting]
    return dict(zip(rows["gap_id"].fillna("nobody"), rows["p_link"], strict=True))


def test_counts_and_durations_order_the_gaps():
    table = gaps(fixes_before_12h=[0, 14, 126], duration_h=[12.0, 36.0, 6.0])
    assert pre_gap_count(table)["p_off"].tolist() == [0.0, 0.5, 0.9]
    assert duration_rule(table)["p_off"].tolist() == pytest.approx([1 / 2, 3 / 4, 1 / 3], abs=1e-12)
    # Odds of 3 to 1 are ln 3.
    assert duration_rule(table)["llr_silence"][1] == pytest.approx(np.log(3))


def test_gfw_rule_asks_for_all_of_its_conditions():
    #               good   short  thin  near port  no position
    table = gaps(
        duration_h=[12.0, 11.9, 48.0, 48.0, 48.0],
        fixes_before_12h_sat=[14, 14, 13, 14, 14],
        start_lat=[0.0, 0.0, 0.0, 0.9 - 49 / DEGREE_NM, np.nan],
    )
    harbour = ports([0.9])  # 54 nm north of the first gap
    assert gfw_rule(table, ports=harbour)["p_off"].tolist() == [1, 0, 0, 0, 0]
    # 12 h x 10 a day = 5 fixes in the gap's 12 h: exactly ten a day is not more than ten.
    heard = duration_rule(table).assign(expected_fixes=5.0)
    assert gfw_rule(table, ports=harbour, silences=heard)["p_off"].tolist() == [0, 0, 0, 0, 0]
    heard.loc[0, "expected_fixes"] = 5.01
    assert gfw_rule(table, ports=harbour, silences=heard)["p_off"].tolist() == [1, 0, 0, 0, 0]


def test_gfw_rule_takes_all_fixes_where_receivers_are_unknown():
    table = gaps(fixes_before_12h=[14, 13], fixes_before_12h_sat=[0, 0])
    assert gfw_rule(table, ports=ports([]))["p_off"].tolist() == [1, 0]
    mixed = table.assign(fixes_before_12h_ter=[14, 13])
    assert gfw_rule(mixed, ports=ports([]))["p_off"].tolist() == [0, 0]


def test_the_nearest_port_in_reach_gets_most():
    # 48 h less 6 h service at 12 kn: 504 nm there and back. Ports at 1, 4 and 4.3 degrees: 120, 480 and 516 nm.
    calls = nearest_port_by_slack(gaps(duration_h=[48.0, 5.0]), ports([4.0, 1.0, 4.3]))
    conform(calls, PORT_CALLS)
    first = calls[calls["gap_id"] == "g0"].assign(port_id=calls["port_id"].fillna("none")).set_index("port_id")
    assert first["p_call"].to_dict() == pytest.approx({"p1": 0.9, "p0": 0.09, "none": 0.01})
    assert first.loc["p1", "slack_h"] == pytest.approx(48 - 2 * DEGREE_NM / 12)
    second = calls[calls["gap_id"] == "g1"]
    assert second["hypothesis"].tolist() == ["unknown"]
    assert calls.groupby("gap_id")["p_call"].sum().tolist() == pytest.approx([1, 1])


def test_reach_counts_from_the_radius_and_one_way_for_open_gaps():
    # 42 h x 12 kn = 504 nm = 8.39 degrees one way.
    table = gaps(is_closed=[True, False])
    calls = nearest_port_by_slack(table, ports([8.0]))
    assert calls[calls["port_id"].notna()]["gap_id"].tolist() == ["g1"]
    calls = nearest_port_by_slack(table, ports([8.0], radius_nm=4 * DEGREE_NM))
    assert calls[calls["port_id"].notna()]["sea_distance_nm"].tolist() == pytest.approx([8 * DEGREE_NM, 4 * DEGREE_NM])


def test_transfers_by_rule_takes_long_closed_tanker_gaps():
    table = gaps(
        duration_h=[48.0, 24.0, 48.0, 48.0],
        ship_type=[80, 80, 70, 89],
        is_closed=[True, True, True, False],
    )
    places = ports([1.0, 0.5], sensitive=[True, False])
    found = transfers_by_rule(table, places)
    assert found[["gap_id", "port_id", "p_transfer"]].to_numpy().tolist() == [["g0", "p0", 1.0]]
    assert len(transfers_by_rule(table, ports([0.5], sensitive=False))) == 0


def test_cargo_by_rule_is_nine_tenths_of_the_deadweight():
    found = transfers_by_rule(gaps(duration_h=[48.0, 48.0]), ports([1.0]))
    ships = finish({"mmsi": [299_000_001], "dwt_t": [5000.0]}, VESSELS)
    cargo = cargo_by_rule(found, ships)
    assert cargo["cargo_t_p50"].tolist() == pytest.approx([4500.0, np.nan], nan_ok=True)
    # 4,500 t of gasoil at 7.45 bbl/t.
    assert cargo["barrels_p10"].tolist() == pytest.approx([33_525.0, np.nan], nan_ok=True)
    assert cargo["call_time"][0] == START + pd.Timedelta(hours=24)


def test_links_by_proximity_share_among_all_gaps_near():
    # 50 km are 0.4497 degrees of latitude.
    table = gaps(start_lat=[0.0, 0.1, 3.0])
    links = links_within_50_km(table, sightings([0.44, 0.5, 9.0, 0.0], [10.0, 10.0, 10.0, 50.0]))
    conform(links, LINKS)
    assert p_of(links, "s0") == {"g0": 0.5, "g1": 0.5, "nobody": 0.0}
    assert p_of(links, "s1") == {"g1": 1.0, "nobody": 0.0}
    assert p_of(links, "s2") == {"nobody": 1.0}
    assert p_of(links, "s3") == {"nobody": 1.0}  # all gaps are over


def test_links_nearest_follow_the_straight_way():
    # The first ship goes from 0 to 4 degrees in 48 h: at 1 degree after 12 h. The second stays at 1.2 degrees.
    table = gaps(start_lat=[0.0, 1.2], end_lat=[4.0, 1.2])
    links = links_nearest(table, sightings([1.05, 1.15, 1.9], [12.0, 12.0, 12.0]), gate_nm=10.0)
    assert p_of(links, "s0") == {"g0": 1.0, "nobody": 0.0}
    assert p_of(links, "s1") == {"g1": 1.0, "nobody": 0.0}
    assert p_of(links, "s2") == {"nobody": 1.0}


def test_hungarian_gives_each_gap_one_sighting_per_scene():
    # Nearest neighbour gives both sightings to the ship at 0.0; one to one, the farther goes to the ship at 0.30.
    table = gaps(start_lat=[0.0, 0.30], end_lat=[0.0, 0.30])
    seen = sightings([0.05, 0.10], [12.0, 12.0], scene_id=["a", "a"])
    assert p_of(links_nearest(table, seen), "s1") == {"g0": 1.0, "nobody": 0.0}
    links = links_hungarian(table, seen)
    assert p_of(links, "s0") == {"g0": 1.0, "nobody": 0.0}
    assert p_of(links, "s1") == {"g1": 1.0, "nobody": 0.0}
    apart = links_hungarian(table, seen.assign(scene_id=["a", "b"]))
    assert p_of(apart, "s1") == {"g0": 1.0, "nobody": 0.0}


@pytest.mark.parametrize("rule", [links_within_50_km, links_nearest, links_hungarian])
def test_links_sum_to_one_whatever_the_order(rule):
    rng = np.random.default_rng(7)
    table = gaps(start_lat=rng.uniform(0, 1, 12), end_lat=rng.uniform(0, 1, 12))
    seen = sightings(rng.uniform(0, 1, 20), rng.uniform(0, 50, 20), scene_id=[f"c{i % 4}" for i in range(20)])
    links = rule(table, seen)
    assert links.groupby("sighting_id")["p_link"].sum().to_numpy() == pytest.approx(np.ones(20))
    shuffled = rule(table.sample(frac=1, random_state=1), seen.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(links, shuffled)
    assert links["gap_id"].notna().any()


def test_empty_tables_give_empty_tables():
    no_gaps, places, nobody = empty(GAPS), ports([1.0]), empty(SIGHTINGS)
    for found, spec in (
        (pre_gap_count(no_gaps), SILENCES),
        (duration_rule(no_gaps), SILENCES),
        (gfw_rule(no_gaps, ports=places), SILENCES),
        (nearest_port_by_slack(no_gaps, places), PORT_CALLS),
        (transfers_by_rule(no_gaps, places), TRANSFERS),
        (links_within_50_km(no_gaps, nobody), LINKS),
        (links_nearest(no_gaps, nobody), LINKS),
        (links_hungarian(no_gaps, nobody), LINKS),
        (cargo_by_rule(empty(TRANSFERS), empty(VESSELS)), CARGO),
    ):
        assert len(found) == 0
        pd.testing.assert_series_equal(found[list(spec.names)].dtypes, empty(spec).dtypes)
