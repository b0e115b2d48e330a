import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.kernels.bridges import dwell_chance, gaussian_density, lens_area
from darkvoyage.linking.associate import link_sightings
from darkvoyage.rules.linking import LinkRule
from tests.oracle import great_circle_nm
from tests.worlds import hours, one_gap, ports

BERTH = {"lat": 42.752, "lon": 133.085}


def sighting(name="s1", at_h=40.0, length=100.0, sensor="optical", scene="c1", **place):
    where = BERTH | place
    return {
        "sighting_id": name, "timestamp": hours([at_h])[0], "length_m": length, "sensor": sensor, "scene_id": scene,
        **where,
    }  # fmt: skip


def seen(*rows):
    return pd.DataFrame(rows)


def scenes(*at_h, clear=1.0):
    box = "POLYGON((132.5 42.5,133.5 42.5,133.5 43,132.5 43,132.5 42.5))"
    return pd.DataFrame(
        {
            "scene_id": [f"c{i + 1}" for i in range(len(at_h))],
            "timestamp": hours(at_h),
            "footprint": box,
            "sensor": "optical",
            "clear_fraction": clear,
        }
    )


VESSELS = pd.DataFrame({"mmsi": [299_000_001, 299_000_002], "length_m": [102.0, 180.0]})


def links(sightings, fixes=None, **more):
    fixes = one_gap() if fixes is None else fixes
    return link_sightings(dv.find_gaps(fixes), sightings, ports=ports(), vessels=VESSELS, **more)


def two_gaps():
    return pd.concat([one_gap(), one_gap(mmsi=299_000_002)])


def test_links_of_a_sighting_sum_to_one_with_nobody_we_know():
    table = links(seen(sighting(), sighting("s2", lat=41.9, lon=131.0)), two_gaps())
    sums = table.groupby("sighting_id")["p_link"].sum()
    np.testing.assert_allclose(sums, 1.0)
    assert (table[table["gap_id"].isna()].groupby("sighting_id").size() == 1).all()


def test_within_a_scene_a_gap_is_one_sighting_at_most():
    near = [sighting(f"s{i}", lat=42.752 + i * 0.001, length=100.0 + i) for i in range(4)]
    table = links(seen(*near), two_gaps(), scenes=scenes(40.0))
    pairs = table.dropna(subset=["gap_id", "sighting_id"])
    assert (pairs.groupby(["gap_id", "scene_id"])["p_link"].sum() <= 1 + 1e-6).all()
    assert pairs.groupby("gap_id")["p_link"].sum().max() > 0.3
    np.testing.assert_allclose(table.dropna(subset="sighting_id").groupby("sighting_id")["p_link"].sum(), 1.0)


def test_a_link_is_asserted_by_all_three_conditions():
    named = sighting(mmsi=299_000_001)
    row = links(seen(named)).dropna(subset="gap_id").iloc[0]
    assert row["asserted"] == (row["p_link"] >= 0.9)
    sure = links(seen(named), rule=LinkRule(background_per_nm2=1e-5, false_alarm_per_nm2=1e-5))
    row = sure.dropna(subset="gap_id").iloc[0]
    assert row["p_link"] > 0.9
    assert row["asserted"]
    # The same ship twice over: neither of two gaps that are alike can be asserted, however sure it is one of them.
    twins = two_gaps()
    alike = VESSELS.assign(length_m=102.0)
    both = link_sightings(
        dv.find_gaps(twins), seen(sighting()), ports=ports(), vessels=alike,
        rule=LinkRule(background_per_nm2=1e-6, false_alarm_per_nm2=1e-7),
    ).dropna(subset="gap_id")  # fmt: skip
    assert both["p_link"].sum() > 0.9
    assert not both["asserted"].any()
    assert links(seen(named)).loc[lambda table: table["gap_id"].isna(), "asserted"].isna().all()


def test_what_the_prior_over_ports_decides_is_said():
    row = links(seen(sighting())).dropna(subset="gap_id").iloc[0]
    assert 0 <= row["p_link_flat"] <= 1
    assert row["p_link_flat"] != row["p_link"]
    # With one port in reach, and nothing to learn from, there is no prior to speak of.
    gaps = dv.find_gaps(one_gap())
    alone = link_sightings(gaps, seen(sighting(lat=42.0, lon=131.0)), ports=ports().head(1), vessels=VESSELS)
    alone = alone.dropna(subset="gap_id")
    np.testing.assert_allclose(alone["p_link_flat"], alone["p_link"], rtol=0.35)


def test_a_broadcasting_ship_with_a_sighting_of_its_own_leaves_the_other():
    def on_air(lat):
        return pd.DataFrame(
            {
                "mmsi": 299_000_009, "timestamp": hours([39.9, 40.1]), "lat": lat, "lon": BERTH["lon"], "sog": 0.0,
                "length_m": 100.0,
            }
        )  # fmt: skip

    gaps, other = dv.find_gaps(one_gap()), sighting("s2", lat=BERTH["lat"] + 0.002)
    given = {"ports": ports(), "vessels": VESSELS, "scenes": scenes(40.0), "fixes": on_air(BERTH["lat"] + 0.002)}
    one = link_sightings(gaps, seen(sighting()), **given).dropna(subset=["gap_id", "sighting_id"])
    two = link_sightings(gaps, seen(sighting(), other), **given).dropna(subset=["gap_id", "sighting_id"])
    best = two.set_index("sighting_id")["p_link"]
    assert best["s1"] > 2 * one["p_link"].max()
    assert best["s1"] > 5 * best.get("s2", 0.0)


def test_gaps_beyond_the_likeliest_are_counted():
    fixes = pd.concat([one_gap(mmsi=299_000_001 + i) for i in range(6)])
    lengths = pd.DataFrame({"mmsi": 299_000_001 + np.arange(6), "length_m": 90.0 + 3 * np.arange(6)})
    given = {"ports": ports(), "vessels": lengths}
    whole = link_sightings(dv.find_gaps(fixes), seen(sighting()), **given)
    short = link_sightings(dv.find_gaps(fixes), seen(sighting()), rule=LinkRule(most_gaps=3), **given)
    assert whole["gap_id"].notna().sum() == 6
    assert short["gap_id"].notna().sum() == 3
    assert whole.loc[whole["gap_id"].isna(), "p_cut"].iloc[0] == 0
    cut = short.loc[short["gap_id"].isna(), "p_cut"].iloc[0]
    left_out = ~whole["gap_id"].isin(short["gap_id"])
    # The cut is made before anything is learned from the sightings: about what the whole would have given them.
    assert 0.5 < cut / whole.loc[left_out, "p_link"].sum() < 2


def test_gaps_alike_are_all_kept_or_all_cut():
    fixes = pd.concat([one_gap(mmsi=299_000_001 + ship) for ship in range(5)])
    lengths = pd.DataFrame({"mmsi": 299_000_001 + np.arange(5), "length_m": [102.0, 102.0, 102.0, 60.0, 60.0]})
    given = {"ports": ports(), "vessels": lengths}
    for most, kept in ((1, 3), (3, 3), (4, 5)):
        table = link_sightings(dv.find_gaps(fixes), seen(sighting()), rule=LinkRule(most_gaps=most), **given)
        assert table["gap_id"].notna().sum() == kept
        np.testing.assert_allclose(table["p_link"].sum(), 1.0)


def test_the_ship_of_the_right_length_wins():
    fixes = two_gaps()
    gaps = dv.find_gaps(fixes).set_index("mmsi")["gap_id"]
    table = links(seen(sighting(length=101.0)), fixes).set_index("gap_id")
    assert table.loc[gaps[299_000_001], "p_link"] > 20 * table["p_link"].get(gaps[299_000_002], 1e-9)


def test_out_of_reach_or_out_of_time_is_no_candidate():
    away = sighting("far", at_h=2.0)  # 140 nm in two hours
    early = sighting("early", at_h=-1.0)
    table = links(seen(away, early))
    assert table["gap_id"].isna().all()
    assert (table["p_link"] == 1.0).all()


def test_a_ship_at_the_berth_is_a_call_there():
    row = links(seen(sighting())).dropna(subset="gap_id").iloc[0]
    assert row["port_id"] == "RUVYP"
    assert row["p_at_port"] > 0.9
    assert row["llr_length"] > 0


def test_the_sensitive_flag_never_matters():
    gaps = dv.find_gaps(one_gap())
    first = link_sightings(gaps, seen(sighting()), ports=ports(), vessels=VESSELS)
    second = link_sightings(gaps, seen(sighting()), ports=ports().assign(sensitive=False), vessels=VESSELS)
    pd.testing.assert_frame_equal(first, second)


def test_a_broadcasting_ship_explains_the_sighting_first():
    on_air = pd.DataFrame(
        {
            "mmsi": 299_000_009, "timestamp": hours([39.9, 40.1]), "lat": BERTH["lat"], "lon": BERTH["lon"],
            "sog": 0.0, "length_m": 100.0,
        }
    )  # fmt: skip
    free = links(seen(sighting())).dropna(subset="gap_id")["p_link"].iloc[0]
    explained = link_sightings(
        dv.find_gaps(one_gap()), seen(sighting()), ports=ports(), vessels=VESSELS, fixes=on_air
    ).dropna(subset="gap_id")
    assert len(explained) == 0 or explained["p_link"].iloc[0] < free / 20


def test_blank_sightings_remove_the_evidence():
    table = links(seen(sighting()).iloc[:0])
    assert len(table) == 0
    assert "p_link" in table.columns


def test_an_empty_scene_of_the_port_counts_against_the_call():
    table = links(seen(sighting()).iloc[:0], scenes=scenes(40.0))
    row = table[table["port_id"] == "RUVYP"].iloc[0]
    assert pd.isna(row["sighting_id"])
    assert row["llr_absence"] < -0.2
    cloudy = links(seen(sighting()).iloc[:0], scenes=scenes(40.0, clear=0.1))
    assert cloudy.loc[cloudy["port_id"] == "RUVYP", "llr_absence"].iloc[0] > row["llr_absence"]


def test_an_empty_scene_of_any_port_counts_against_a_call_there_by_hand():
    """Sighted 30 h into 84 h, a port 100 nm off (6.06 h at 16 kn each way): the stay of 20 h is there for a third."""
    places = ports().iloc[[0]].assign(port_id="ANY", lat=41.55 + 100 / 60.04, lon=130.25, sensitive=False)
    box = "POLYGON((129 42.5,131.5 42.5,131.5 44,129 44,129 42.5))"
    view = scenes(30.0).assign(footprint=box)
    gaps = dv.find_gaps(one_gap())
    table = link_sightings(gaps, seen(sighting()).iloc[:0], scenes=view, ports=places, vessels=VESSELS)
    assert table["port_id"].tolist() == ["ANY"]
    ways = [great_circle_nm(lat, lon, places["lat"].iloc[0], 130.25) for lat, lon in ((41.5, 130.3), (41.6, 130.2))]
    arrive, depart = (ways[0] - 3.0) / 16, 84 - (ways[1] - 3.0) / 16
    stays = (30.0 - max(arrive, 30.0 - 20.0)) / (depart - arrive - 20.0)
    assert 0.3 < stays < 0.6
    # A tanker of 102 m in a clear optical picture is missed in one of twenty, by the rule.
    assert table["llr_absence"].iloc[0] == pytest.approx(np.log(1 - 0.95 * stays), rel=1e-6)


def test_absences_of_ordinary_ports_need_a_share_of_the_calls():
    """Of many ports alike, those asked about keep their rows, the others have too little to say."""
    many = pd.concat([ports().iloc[[0]].assign(port_id=f"P{k:02d}", sensitive=k == 3) for k in range(60)])
    none = seen(sighting()).iloc[:0]
    few = links_of(many.head(20), none)
    assert sorted(few["port_id"]) == [f"P{k:02d}" for k in range(20)]
    assert links_of(many, none)["port_id"].tolist() == ["P03"]
    pd.testing.assert_frame_equal(links_of(many, none, LinkRule(absence_share=1e-3)).iloc[:20], few.iloc[:20])
    llr = links_of(many, none)["llr_absence"].iloc[0]
    assert (few["llr_absence"] == llr).all()


def links_of(places, sightings, rule=None):
    return link_sightings(
        dv.find_gaps(one_gap()), sightings, scenes=scenes(40.0), ports=places, vessels=VESSELS, rule=rule
    )


def test_a_scene_with_the_ship_in_it_is_no_absence():
    table = links(seen(sighting()), scenes=scenes(40.0))
    assert table[table["sighting_id"].isna() & (table["port_id"] == "RUVYP")].empty


def test_identity_given_by_the_source_counts():
    same = links(seen(sighting(mmsi=299_000_001))).dropna(subset="gap_id")["p_link"].iloc[0]
    plain = links(seen(sighting())).dropna(subset="gap_id")["p_link"].iloc[0]
    other = links(seen(sighting(mmsi=299_000_777))).dropna(subset="gap_id")["p_link"]
    assert same > plain
    assert len(other) == 0 or other.iloc[0] < plain


def test_lens_area_by_hand():
    # Equal discs a radius apart: r^2 (2 pi / 3 - sqrt(3) / 2); one inside the other; apart.
    r = np.array([2.0])
    assert lens_area(r, r, r)[0] == pytest.approx(4 * (2 * np.pi / 3 - np.sqrt(3) / 2))
    assert lens_area(r, 3 * r, np.array([0.5]))[0] == pytest.approx(4 * np.pi)
    assert lens_area(r, r, 2 * r)[0] == 0


def test_dwell_chance_by_hand():
    # A stay of 10 h placed anywhere in [0, 40]: at 20 h a third of the placements cover it; at 5 h a sixth.
    at = np.array([20.0, 5.0, 0.0, 41.0, -1.0])
    got = dwell_chance(at, np.zeros(5), np.full(5, 40.0), np.full(5, 10.0))
    np.testing.assert_allclose(got, [1 / 3, 1 / 6, 0, 0, 0])
    assert dwell_chance(np.array([3.0]), np.array([0.0]), np.array([8.0]), np.array([10.0]))[0] == 1.0


def test_gaussian_density_at_the_centre():
    assert gaussian_density(np.array([0.0]), np.array([2.0]))[0] == pytest.approx(1 / (8 * np.pi))
