"""Two ships side by side as one sighting: weights by hand, and what links say of them."""

import itertools

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.linking.merged import merged_weights, said_merged
from darkvoyage.rules.linking import LinkRule
from tests.worlds import hours, one_gap, ports

BERTH = {"lat": 42.752, "lon": 133.085}
QUIET = LinkRule(background_per_nm2=1e-5, false_alarm_per_nm2=1e-6)


def weights(seen_m, lengths, **more):
    ships = len(lengths)
    seen = pd.DataFrame({"length_m": [seen_m]} | more)
    return merged_weights(
        np.zeros(ships, "int64"), np.full(ships, 2.0), np.full(ships, -3.0), np.array(lengths),
        seen["length_m"].to_numpy(), said_merged(seen), LinkRule(),
    )  # fmt: skip


def test_longer_than_any_one_and_no_longer_than_two_in_line():
    for seen_m, may_be in ((129.0, False), (131.0, True), (259.0, True), (261.0, False), (np.nan, False)):
        llr, both = weights(seen_m, [80.0, 100.0, np.nan])
        assert np.isfinite(both).all() == may_be
        if not may_be:
            assert (llr == 2.0).all()
            assert (both == -np.inf).all()


def test_weights_by_hand():
    # Alone 2 - of which the length has taken 3; beside another the length says nothing: 5, in one of ten cases.
    llr, both = weights(150.0, [80.0, 100.0])
    np.testing.assert_allclose(llr, np.log(0.9 * np.exp(2.0) + 0.1 * np.exp(5.0)))
    np.testing.assert_allclose(both.sum(), 5.0 + 5.0 + np.log(0.1))


def test_what_the_source_says_goes_first():
    table = pd.DataFrame(
        {
            "vessel_class": ["tanker", "Two vessels alongside", "STS pair", None, "mosts"],
            "merged": pd.array([None, None, False, True, False], dtype="boolean"),
        }
    )
    assert said_merged(table).tolist() == [False, True, True, True, False]
    llr, both = weights(90.0, [80.0, 100.0], merged=True)
    np.testing.assert_allclose(both.sum(), 10.0 + np.log(0.9))
    np.testing.assert_allclose(llr, np.log(0.1 * np.exp(2.0) + 0.9 * np.exp(5.0)))


def fleet(number, **changes):
    return pd.concat([one_gap(mmsi=299_000_001 + ship, **changes) for ship in range(number)])


def links(length_m, ships=2, lengths=(100.0, 110.0), rule=QUIET, fixes=None, **more):
    sighting = pd.DataFrame(
        {
            "sighting_id": ["s"], "timestamp": hours([40.0]), "length_m": [length_m], "sensor": "optical",
            "scene_id": "c", **BERTH,
        } | more
    )  # fmt: skip
    vessels = pd.DataFrame({"mmsi": 299_000_001 + np.arange(len(lengths)), "length_m": lengths})
    gaps = dv.find_gaps(fleet(ships))
    return dv.link_sightings(gaps, sighting, ports=ports(), vessels=vessels, rule=rule, fixes=fixes)


def test_two_ships_in_one_blob_are_a_pair():
    table = links(200.0)
    pairs = table[table["gap_id"].notna()]
    gaps = dv.find_gaps(fleet(2)).set_index("gap_id")["track_id"]
    assert (pairs["p_merged"] > 0.9).all()
    assert pairs["merged_with"].tolist() == gaps[pairs["gap_id"]].tolist()[::-1]
    # Each has half of the sighting, both are in it, and neither is a doubt about the other.
    np.testing.assert_allclose(pairs["p_link"], 0.5, atol=0.05)
    assert table["p_link"].sum() == pytest.approx(1.0)
    assert pairs["asserted"].all()


def test_links_of_a_blob_are_the_sum_over_all_ways():
    table = links(180.0, ships=3, lengths=(100.0, 105.0, 110.0), rule=LinkRule())
    pairs = table[table["gap_id"].notna()].reset_index(drop=True)
    alone, beside = pairs["llr_joint"], pairs["llr_joint"] - pairs["llr_length"] - pairs["llr_beam"]
    one = 0.9 * np.exp(alone) + 0.1 * np.exp(beside)
    two = {(i, j): 0.1 * np.exp(beside[i] + beside[j]) for i, j in itertools.combinations(range(3), 2)}
    total = 1.0 + one.sum() + sum(two.values())
    for i in range(3):
        merged = sum(weight for couple, weight in two.items() if i in couple) / total
        assert pairs["p_merged"][i] == pytest.approx(merged, rel=1e-4)
        assert pairs["p_link"][i] == pytest.approx(one[i] / total + merged / 2, rel=1e-4)
    assert table.loc[table["gap_id"].isna(), "p_link"].iloc[0] == pytest.approx(1 / total, rel=1e-4)


def test_one_ship_of_a_length_that_fits_is_one_ship():
    table = links(105.0)
    assert table["p_merged"].isna().all()
    assert table["merged_with"].isna().all()
    one = table[table["gap_id"].notna()].reset_index(drop=True)
    odds = np.exp(one["llr_joint"])
    np.testing.assert_allclose(one["p_link"], odds / (1 + odds.sum()), rtol=1e-4)


def test_a_ship_beside_one_that_broadcasts():
    on_air = pd.DataFrame(
        {
            "mmsi": 299_000_009, "timestamp": hours([39.9, 40.1]), "lat": BERTH["lat"], "lon": BERTH["lon"],
            "sog": 0.0, "length_m": 110.0,
        }
    )  # fmt: skip
    long, usual = (links(length, ships=1, lengths=(100.0,), fixes=on_air) for length in (200.0, 105.0))
    pair = long[long["gap_id"].notna()].iloc[0]
    assert pair["p_merged"] > 0.5
    assert pair["merged_with"] == "299000009-0"
    # A blob as long as either is the ship that was heard there.
    assert usual["p_link"][usual["gap_id"].notna()].sum() < 0.1 < pair["p_link"]
    assert long["p_link"].sum() == pytest.approx(1.0)


def test_a_sighting_said_to_be_two_ships_is_a_pair_at_any_length():
    said = links(105.0, vessel_class="tankers, two ships side by side")
    assert (said.loc[said["gap_id"].notna(), "p_merged"] > 0.9).all()
