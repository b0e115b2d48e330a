import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.kernels.bridges import bridge_density, dwell_chance, gaussian_density, lens_area
from darkvoyage.linking.associate import link_sightings
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


@pytest.mark.parametrize("total", [0.5, 2.0, 12.0])
def test_bridge_density_integrates_to_one(total):
    side = np.linspace(-400, 400, 1601)
    x, y = np.meshgrid(side, side)
    n = x.size
    full = lambda value: np.full(n, value)  # noqa: E731
    density = bridge_density(
        x.ravel(), y.ravel(), full(5.0 * total), full(0.0),
        (full(5.0), full(0.0), full(5.0), full(0.0)), full(total), full(total / 2), full(0.3),
    )  # fmt: skip
    # Student tails reach beyond the grid: with nu near 1 some percent of the mass lie outside.
    assert 0.9 < density.sum() * 0.25 < 1.06


def test_gaussian_density_at_the_centre():
    assert gaussian_density(np.array([0.0]), np.array([2.0]))[0] == pytest.approx(1 / (8 * np.pi))
