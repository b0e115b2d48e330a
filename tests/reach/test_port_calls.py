import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.kernels.sphere import bearing, great_circle_nm
from darkvoyage.reach import candidates, port_calls
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import DARK_MEETINGS
from darkvoyage.sea.distance import Legs
from tests.worlds import one_gap, ports

EVIDENCE = ["llr_time", "llr_direction", "llr_speed", "llr_draught", "llr_destination"]


def calls(fixes, places=None, **options):
    return find_port_calls(
        dv.find_gaps(fixes, as_of=options.pop("as_of", None)), ports() if places is None else places, **options
    )


def great_circles(place_lat, place_lon, place, lat, lon, *, within_nm=None, rule=None):
    """Sea legs on a globe without land."""
    away = great_circle_nm(lat, lon, place_lat[place], place_lon[place])
    course = bearing(lat, lon, place_lat[place], place_lon[place])
    return Legs(away, away, course, np.zeros(len(away), dtype="int8"))


@pytest.fixture
def no_land(monkeypatch):
    monkeypatch.setattr(candidates, "sea_legs", great_circles)


def at_ports(table):
    return table.loc[table["hypothesis"] == "port", "p_call"].sum()


def test_probabilities_of_a_gap_sum_to_one():
    table = calls(one_gap())
    assert table["p_call"].sum() == pytest.approx(1.0)
    assert table["p_call_prior"].sum() == pytest.approx(1.0)
    assert table["hypothesis"].tolist() == ["port", "port", "port", "sts", "sts", "transit", "unknown", "wait"]
    assert table["port_id"].tolist()[:4] == ["JPNII", "KPCHO", "RUVYP", "sts-a"]
    assert table["port_id"].isna().tolist() == [False] * 4 + [True] * 4


def test_the_posterior_is_the_prior_times_the_evidence():
    table = calls(one_gap(draught_m=[3.0, 5.6], destination=["CHONGJIN", "VLADIVOSTOK"], cog=[50.0, 200.0]))
    weight = table["p_call_prior"] * np.exp(table[EVIDENCE].sum(axis=1))
    np.testing.assert_allclose(table["p_call"], weight / weight.sum(), rtol=1e-9)
    # Nothing is known of the unknown, and nothing but time, courses and speeds of what is no call.
    assert (table.loc[table["hypothesis"] == "unknown", EVIDENCE] == 0).all(axis=None)
    assert (table.loc[table["port_id"].isna(), ["llr_draught", "llr_destination"]] == 0).all(axis=None)


@pytest.mark.usefixtures("no_land")
def test_distance_speed_slack_and_window_by_hand():
    row = calls(one_gap()).set_index("port_id").loc["RUVYP"]
    out = great_circle_nm(41.5, 130.3, 42.75, 133.08) - 3.0
    back = great_circle_nm(42.75, 133.08, 41.6, 130.2) - 3.0
    assert row["sea_distance_nm"] == pytest.approx(out + back)
    assert row["required_speed_kn"] == pytest.approx((out + back) / (84.0 - 0.5))
    # Tankers: 17 kn and 1.5 kn of current.
    assert row["slack_h"] == pytest.approx(84.0 - (out + back) / 18.5)
    assert row["arrive_earliest"] == pd.Timestamp("2024-04-01T00:00Z") + pd.Timedelta(hours=out / 18.5).round("us")
    assert row["depart_latest"] == pd.Timestamp("2024-04-04T12:00Z") - pd.Timedelta(hours=back / 18.5).round("us")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(6.5, 120.0), st.floats(-60, 60), st.floats(-180, 179.9))
def test_reach_equals_the_plain_rule(no_land, duration, lat, lon):
    """A port is listed exactly if both legs at the cap leave the shortest service time."""
    places = ports()
    fixes = one_gap(duration, lat=[lat, lat + 0.3], lon=[lon, lon])
    listed = set(calls(fixes, places, rule=dv.PortRule(least_share=0.0))["port_id"].dropna())
    for place in places.itertuples():
        out = max(float(great_circle_nm(lat, lon, place.lat, place.lon)) - place.radius_nm, 0)
        back = max(float(great_circle_nm(lat + 0.3, lon, place.lat, place.lon)) - place.radius_nm, 0)
        spare = duration - (out + back) / 18.5 - 0.5
        if abs(spare) > 1e-6:
            assert (place.port_id in listed) == (spare > 0)


def test_a_port_behind_land_is_out_of_reach():
    """Chongjin lies 180 nm from the roads of Nampo as the crow flies, and 900 nm by sea."""
    yellow_sea = one_gap(60.0, lat=[38.6, 38.6], lon=[124.7, 124.7])
    listed = set(calls(yellow_sea)["port_id"].dropna())
    assert float(great_circle_nm(38.6, 124.7, 41.77, 129.82)) * 2 < 60 * 17
    assert "KPCHO" not in listed


def test_a_gap_that_just_fits_the_way_is_a_transit():
    # 41.5 N 130.3 E to 37.5 N 137.5 E at 9 kn, as the ship was going at both ends.
    distance = float(great_circle_nm(41.5, 130.3, 37.5, 137.5))
    fixes = one_gap(distance / 9.0, lat=[41.5, 37.5], lon=[130.3, 137.5], cog=[125.0, 130.0])
    table = calls(fixes).set_index("hypothesis")
    assert table.loc["transit", "p_call"] > 0.75


def test_there_and_back_with_time_alongside_is_a_call():
    table = calls(one_gap())
    best = table.loc[table["p_call"].idxmax()]
    assert best["port_id"] == "RUVYP"


def test_a_silence_in_port_is_a_stay_in_the_open():
    """Lying in Vostochny at both ends the ship waits there; off it, under way at both ends, it may have called."""
    moored = calls(one_gap(30.0, lat=[42.74, 42.741], lon=[133.06, 133.061], sog=[0.0, 0.0]))
    assert moored.loc[moored["p_call"].idxmax(), "hypothesis"] == "wait"
    assert at_ports(moored) < 0.02
    off = calls(one_gap(30.0, lat=[42.5, 42.5], lon=[132.9, 132.9], cog=[28.0, 208.0]))
    assert at_ports(off) > 10 * at_ports(moored)


def test_under_way_at_both_ends_on_one_spot_is_no_wait():
    """30 h at cruising speed at either end without having got anywhere speak against lying or drifting: 1.5 nats."""
    gap = one_gap(30.0, lat=[42.5, 42.5], lon=[132.9, 132.9], cog=[28.0, 208.0])
    there = calls(gap).set_index("hypothesis").loc["wait", "llr_speed"]
    nowhere = calls(gap, ports().iloc[:0]).set_index("hypothesis").loc["wait", "llr_speed"]
    assert there == nowhere
    assert there < -1.5


def test_a_fast_ship_is_feasible_where_a_slow_one_is_not():
    slow, fast = (pd.DataFrame({"mmsi": [299_000_001], "service_speed_kn": [speed]}) for speed in (6.0, 14.0))
    p = [
        calls(one_gap(30.0), vessels=vessels, rule=dv.PortRule(least_share=0.0))
        .set_index("port_id")
        .loc["RUVYP", "p_feasible"]
        for vessels in (slow, fast)
    ]
    assert p[0] < 0.05 < 0.95 < p[1]


def test_own_speeds_raise_the_cap():
    known = pd.DataFrame({"mmsi": [299_000_001], "speed_kn": [15.0], "speed_max_kn": [22.0], "under_way_h": [500.0]})
    plain, own = (calls(one_gap(), history=history).set_index("port_id") for history in (None, known))
    hours = plain.loc["RUVYP", "slack_h"], own.loc["RUVYP", "slack_h"]
    out_and_back = (84.0 - hours[0]) * 18.5
    assert hours[1] == pytest.approx(84.0 - out_and_back / 23.5)


def test_a_partner_raises_the_meeting_at_sea():
    gaps = dv.find_gaps(one_gap())
    partner = empty(DARK_MEETINGS).reindex(range(2)).assign(gap_id=gaps["gap_id"].iloc[0], p_met=[0.5, 0.2])
    partner = partner.astype({"gap_id": "str"}).assign(
        meeting_id=["a", "b"], mmsi=299_000_001, other_mmsi=[1, 2], joint_h=9.0, lat=41.0, lon=131.0, p_feasible=1.0,
        earliest=gaps["gap_start"].iloc[0], latest=gaps["gap_end"].iloc[0],
    )  # fmt: skip
    plain, met = (find_port_calls(gaps, ports(), meetings=meetings) for meetings in (None, partner))
    sea = (met["hypothesis"] == "sts") & met["port_id"].isna()
    assert met.loc[sea, "p_call_prior"].item() == pytest.approx(0.5 + 0.2)
    assert plain.loc[sea, "p_call_prior"].item() < 0.1
    area = partner.assign(port_id="sts-a")
    listed = find_port_calls(gaps, ports(), meetings=area).set_index("port_id")
    assert listed.loc["sts-a", "p_call_prior"] == pytest.approx(0.5 + 0.2)


def test_blocks_and_streaming_give_the_same(tmp_path, monkeypatch):
    fixes = pd.concat([one_gap(hours, mmsi=299_000_001 + k) for k, hours in enumerate((84.0, 40.0, 20.0, 200.0, 30.0))])
    gaps = dv.find_gaps(fixes)
    whole = find_port_calls(gaps, ports())
    monkeypatch.setattr(port_calls, "_BLOCK_ROWS", 9)
    pd.testing.assert_frame_equal(find_port_calls(gaps, ports()), whole)
    path = find_port_calls(gaps, ports(), calls_path=tmp_path / "calls.parquet")
    assert pq.ParquetFile(path).metadata.num_row_groups > 2
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)
    assert [each.name for each in tmp_path.iterdir()] == ["calls.parquet"]


def test_a_streamed_table_of_nothing_is_empty(tmp_path):
    gaps = dv.find_gaps(one_gap()).iloc[:0]
    table = pd.read_parquet(find_port_calls(gaps, ports(), calls_path=tmp_path / "calls.parquet"))
    pd.testing.assert_frame_equal(table, find_port_calls(gaps, ports()))


def test_places_with_a_negligible_share_go_to_the_unknown():
    rows = calls(one_gap(), rule=dv.PortRule(least_share=0.0))
    p = rows.set_index("port_id")["p_call"].dropna()
    limit = float(p[["JPNII", "KPCHO", "RUVYP"]].sort_values().iloc[:2].mean())
    cut = calls(one_gap(), rule=dv.PortRule(least_share=min(limit, 0.0099)))
    gone = set(rows["port_id"].dropna()) - set(cut["port_id"].dropna())
    assert gone
    unknown = [table.set_index("hypothesis").loc["unknown", "p_call"] for table in (rows, cut)]
    assert unknown[1] - unknown[0] == pytest.approx(p[list(gone)].sum())
    assert cut["p_call"].sum() == pytest.approx(1.0)


@pytest.mark.usefixtures("no_land")
def test_of_very_many_places_the_nearest_and_the_visited_are_looked_at():
    places = pd.DataFrame(
        {
            "port_id": [f"p{k:02d}" for k in range(40)], "name": "x", "country": "XX",
            "lat": 41.5 - 0.1 * np.arange(40), "lon": 131.0, "radius_nm": 1.0, "sensitive": False,
        }
    )  # fmt: skip
    past = pd.DataFrame({"mmsi": [299_000_001], "port_id": ["p33"]})
    rule = dv.PortRule(most_places=6, least_share=0.0)
    listed = calls(one_gap(), places, rule=rule, history=past)["port_id"].dropna().tolist()
    assert listed == ["p00", "p01", "p02", "p03", "p04", "p33"]
    # Another ship's port takes the place of the last of the near ones: a third of six are the fleet's.
    past = pd.DataFrame({"mmsi": [299_000_001, 299_000_009], "port_id": ["p33", "p31"]})
    listed = calls(one_gap(), places, rule=rule, history=past)["port_id"].dropna().tolist()
    assert listed == ["p00", "p01", "p02", "p03", "p31", "p33"]


def test_the_sensitive_flag_never_matters():
    marked = ports()
    plain = marked.assign(sensitive=False)
    first, second = calls(one_gap(), marked), calls(one_gap(), plain)
    np.testing.assert_array_equal(first["p_call"], second["p_call"])


def test_destination_text_speaks_for_the_port_it_names():
    silent, named = (
        calls(one_gap(destination=[text, None])).set_index("port_id")["p_call"] for text in (None, "CHONGJIN")
    )
    assert named["KPCHO"] > 2 * silent["KPCHO"]
    assert named["RUVYP"] < silent["RUVYP"]


def test_a_jump_of_draught_speaks_for_a_call():
    same = calls(one_gap(draught_m=[3.0, 3.0]))
    loaded = calls(one_gap(draught_m=[3.0, 5.6]))
    assert at_ports(loaded) > at_ports(calls(one_gap())) > at_ports(same)


def test_open_gaps_have_no_way_back():
    table = calls(one_gap().iloc[:1], as_of="2024-04-03T00:00Z")
    assert table["p_call"].sum() == pytest.approx(1.0)
    assert table["depart_latest"].isna().all()
    assert table.set_index("port_id").loc["RUVYP", "arrive_earliest"] < pd.Timestamp("2024-04-02T00:00Z")


def test_a_gap_without_position_is_unknown():
    table = calls(one_gap(lat=[np.nan, np.nan]))
    assert table["hypothesis"].tolist() == ["unknown"]
    assert table["p_call"].tolist() == [1.0]


def test_history_of_visits_raises_the_prior():
    past = pd.DataFrame({"mmsi": [299_000_001] * 4, "port_id": ["KPCHO"] * 4})
    plain, known = calls(one_gap()).set_index("port_id"), calls(one_gap(), history=past).set_index("port_id")
    assert known.loc["KPCHO", "p_call_prior"] > plain.loc["KPCHO", "p_call_prior"]


@pytest.mark.usefixtures("no_land")
def test_antimeridian_gives_the_same_answer():
    places, fixes = ports(), one_gap()
    turned = places.assign(lon=(places["lon"] + 48.0 + 180) % 360 - 180)
    moved = fixes.assign(lon=(fixes["lon"] + 48.0 + 180) % 360 - 180)
    first, second = calls(fixes, places), calls(moved, turned)
    np.testing.assert_allclose(first["p_call"], second["p_call"], rtol=1e-9)
