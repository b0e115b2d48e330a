import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.kernels.draught import draught_change_llr
from darkvoyage.kernels.elapsed import idle_density, log_uniform_density, stay_density, stay_survival, transit_density
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.port_calls import find_port_calls
from tests.worlds import one_gap, ports

STAY = {"median_h": 20.0, "log_sd": 0.5, "wait_share": 0.5, "wait_mean_h": 36.0}


def calls(fixes, places=None, **options):
    return find_port_calls(
        dv.find_gaps(fixes, as_of=options.pop("as_of", None)), ports() if places is None else places, **options
    )


def test_probabilities_of_a_gap_sum_to_one():
    table = calls(one_gap())
    assert table["p_call"].sum() == pytest.approx(1.0)
    assert table["p_call_prior"].sum() == pytest.approx(1.0)
    assert sorted(table["hypothesis"]) == ["port", "port", "port", "sts", "transit", "unknown", "wait"]


def test_distance_speed_slack_and_window_by_hand():
    row = calls(one_gap()).set_index("port_id").loc["RUVYP"]
    out = great_circle_nm(41.5, 130.3, 42.75, 133.08) - 3.0
    back = great_circle_nm(42.75, 133.08, 41.6, 130.2) - 3.0
    assert row["sea_distance_nm"] == pytest.approx(out + back)
    assert row["required_speed_kn"] == pytest.approx((out + back) / (84.0 - 6.0))
    # Tankers: 17 kn and 1.5 kn of current.
    assert row["slack_h"] == pytest.approx(84.0 - (out + back) / 18.5)
    assert row["arrive_earliest"] == pd.Timestamp("2024-04-01T00:00Z") + pd.Timedelta(hours=out / 18.5).round("us")
    assert row["depart_latest"] == pd.Timestamp("2024-04-04T12:00Z") - pd.Timedelta(hours=back / 18.5).round("us")


@given(st.floats(6.5, 120.0), st.floats(-60, 60), st.floats(-180, 179.9))
def test_reach_equals_the_plain_rule(duration, lat, lon):
    """A port is listed exactly if both legs at the cap leave the shortest service time."""
    places = ports()
    fixes = one_gap(duration, lat=[lat, lat + 0.3], lon=[lon, lon])
    listed = set(calls(fixes, places)["port_id"].dropna())
    for place in places.itertuples():
        out = max(float(great_circle_nm(lat, lon, place.lat, place.lon)) - place.radius_nm, 0)
        back = max(float(great_circle_nm(lat + 0.3, lon, place.lat, place.lon)) - place.radius_nm, 0)
        spare = duration - (out + back) / 18.5 - 6.0
        if abs(spare) > 1e-6:
            assert (place.port_id in listed) == (spare > 0)


def test_a_gap_that_just_fits_the_way_is_a_transit():
    # 41.5 N 130.3 E to 37.5 N 137.5 E at 11.5 kn.
    distance = float(great_circle_nm(41.5, 130.3, 37.5, 137.5))
    fixes = one_gap(distance / 11.5, lat=[41.5, 37.5], lon=[130.3, 137.5], cog=[125.0, 130.0])
    table = calls(fixes).set_index("hypothesis")
    assert table.loc["transit", "p_call"] > 0.9


def test_there_and_back_with_time_alongside_is_a_call():
    table = calls(one_gap())
    best = table.loc[table["p_call"].idxmax()]
    assert best["port_id"] == "RUVYP"


def test_the_sensitive_flag_never_matters():
    marked = ports()
    plain = marked.assign(sensitive=False)
    first, second = calls(one_gap(), marked), calls(one_gap(), plain)
    np.testing.assert_array_equal(first["p_call"], second["p_call"])


def test_destination_text_speaks_for_the_port_it_names():
    silent = calls(one_gap()).set_index("port_id")["p_call"]
    named = calls(one_gap(destination=["CHONG-JIN", None])).set_index("port_id")["p_call"]
    code = calls(one_gap(destination=["kp cho", None])).set_index("port_id")["p_call"]
    odds = lambda p: p / (1 - p)  # noqa: E731
    assert odds(named["KPCHO"]) == pytest.approx(5 * odds(silent["KPCHO"]))
    assert odds(code["KPCHO"]) == pytest.approx(5 * odds(silent["KPCHO"]))


def test_a_jump_of_draught_speaks_for_a_call():
    same = calls(one_gap(draught_m=[3.0, 3.0]))
    loaded = calls(one_gap(draught_m=[3.0, 5.6]))
    at_port = lambda table: table.loc[table["port_id"].notna(), "p_call"].sum()  # noqa: E731
    assert at_port(loaded) > at_port(calls(one_gap())) > at_port(same)


def test_draught_evidence_by_hand():
    # Unchanged: 0.97 x 5 + 0.0015 without a call; 0.97 x (0.5 x 5 + 0.5 x moved) + 0.0015 with one.
    laden, spread = 6.0, 0.9
    moved = 0.5 * np.exp(-0.5 * (2.4 / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    expected = np.log((0.97 * (2.5 + 0.5 * moved) + 0.0015) / (0.97 * 5 + 0.0015))
    got = draught_change_llr(np.array([4.0]), np.array([4.0]), np.array([laden]), np.log(8))
    assert got[0] == pytest.approx(expected)
    assert draught_change_llr(np.array([3.0]), np.array([5.5]), np.array([6.0]), np.log(8))[0] == pytest.approx(
        np.log(8)
    )
    assert draught_change_llr(np.array([np.nan]), np.array([5.5]), np.array([6.0]), np.log(8))[0] == 0


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


def test_antimeridian_gives_the_same_answer():
    places, fixes = ports(), one_gap()
    turned = places.assign(lon=(places["lon"] + 48.0 + 180) % 360 - 180)
    moved = fixes.assign(lon=(fixes["lon"] + 48.0 + 180) % 360 - 180)
    first, second = calls(fixes, places), calls(moved, turned)
    np.testing.assert_allclose(first["p_call"], second["p_call"], rtol=1e-9)


@pytest.mark.parametrize(
    "density",
    [
        lambda t: transit_density(t, np.full_like(t, 300.0), np.full_like(t, 11.0), 1.0),
        lambda t: idle_density(t, np.full_like(t, 20.0), np.full_like(t, 2.0), 36.0),
        lambda t: stay_density(t, np.full_like(t, 20.0), np.full_like(t, 2.0), **STAY),
        lambda t: log_uniform_density(t, 1.0, 2160.0) * (t >= 1.0) * (t <= 2160.0),
    ],
)
def test_elapsed_time_densities_integrate_to_one(density):
    t = np.arange(0.005, 3000.0, 0.01)
    assert float(density(t).sum() * 0.01) == pytest.approx(1.0, abs=5e-3)


def test_stay_survival_is_the_tail_of_its_density():
    t = np.arange(0.025, 1500.0, 0.05)
    travel, spread = np.full_like(t, 20.0), np.full_like(t, 2.0)
    tail = 1.0 - np.cumsum(stay_density(t, travel, spread, **STAY)) * 0.05
    np.testing.assert_allclose(stay_survival(t, travel, spread, **STAY), tail, atol=0.02)
