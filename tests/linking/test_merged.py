"""Two ships side by side as one sighting: weights by hand, and what links say of them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import darkvoyage as dv
from darkvoyage.linking.merged import merged_weights, most_weight, said_merged
from darkvoyage.linking.sensors import length_llr
from darkvoyage.rules.linking import LinkRule
from tests.worlds import hours, one_gap, ports

BERTH = {"lat": 42.752, "lon": 133.085}
QUIET = LinkRule(background_per_nm2=1e-5, false_alarm_per_nm2=1e-6)


def weights(seen_m, lengths, imager="optical", **more):
    ships = len(lengths)
    seen = pd.DataFrame({"length_m": [seen_m]} | more)
    return merged_weights(
        np.zeros(ships, "int64"), np.full(ships, 2.0), np.full(ships, -3.0), np.array(lengths),
        seen["length_m"].to_numpy(), said_merged(seen), (53.0, 0.6), seen, np.array([imager]), LinkRule(),
    )  # fmt: skip


@pytest.mark.parametrize("seen_m", [103.0, 105.0, 129.0, 131.0, 207.0, 209.0, 259.0, 261.0, np.nan])
def test_longer_than_either_and_no_longer_than_both_in_line(seen_m):
    lengths = [80.0, 100.0, np.nan]
    llr, both = weights(seen_m, lengths)
    assert np.isfinite(both).tolist() == [1.3 * length <= seen_m <= 2.6 * length for length in lengths]
    assert (llr == 2.0).all()


def test_a_length_that_radar_shows_of_single_ships_is_no_surprise():
    """Sentinel-1 is 10 % too long and 32 % uncertain: from exp(.1 + 1.5 x .32) on, 1.79 of its length."""
    for over, may_be in ((1.5, False), (1.77, False), (1.81, True), (2.8, True), (2.9, False)):
        assert np.isfinite(weights(100.0 * over, [100.0], "sar")[1]).tolist() == [may_be]


def test_weights_by_hand():
    """Without the 3 that the length has taken: 5 each, in three of a hundred cases; and the length of both together,
    anywhere between that of one and twice that, against the length of a ship that nobody knows.
    """
    _, both = weights(150.0, [80.0, 100.0])
    # What a ship of 100 m seen to 20 % as 150 m has against one that nobody knows gives the density of the latter.
    against = length_llr(*(np.array([value]) for value in (150.0, 100.0, 0.0, 0.2)), 53.0, 0.6)[0]
    nobody = norm(np.log(100.0), 0.2).logpdf(np.log(150.0)) - against
    together = np.log(0.03) - np.log(np.log(2.0)) - nobody
    np.testing.assert_allclose(both.sum(), 5.0 + 5.0 + together)


def test_most_weight_by_hand():
    """The best that could be of 3, 1 and one that shares with none; and of another sighting."""
    sighting, both = np.array([0, 0, 0, 1]), np.array([3.0, 1.0, -np.inf, 2.0])
    most = most_weight(sighting, np.array([0.0, 5.0, -9.0, -1.0]), both)
    np.testing.assert_allclose(most, [6.0, 5.0, -9.0, 4.0])


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
    table = dv.link_sightings(gaps, sighting, ports=ports(), vessels=vessels, rule=rule, fixes=fixes)
    hull = gaps.assign(length_m=gaps["mmsi"].map(vessels.set_index("mmsi")["length_m"])).set_index("gap_id")["length_m"]
    return table.assign(length_m=table["gap_id"].map(hull))


def test_two_ships_in_one_blob_are_a_pair():
    table = links(200.0)
    pairs = table[table["gap_id"].notna()]
    gaps = dv.find_gaps(fleet(2)).set_index("gap_id")["track_id"]
    assert (pairs["p_merged"] > 0.9).all()
    assert pairs["merged_with"].tolist() == gaps[pairs["gap_id"]].tolist()[::-1]
    # Each has half of the sighting; which two ships are one blob is nothing to be asserted.
    np.testing.assert_allclose(pairs["p_link"], 0.5, atol=0.05)
    assert table["p_link"].sum() == pytest.approx(1.0)
    assert not pairs["asserted"].any()


def test_links_of_a_blob_are_the_sum_over_all_ways():
    table = links(180.0, ships=3, lengths=(100.0, 105.0, 110.0), rule=LinkRule())
    pairs = table[table["gap_id"].notna()].reset_index(drop=True)
    one, beside = np.exp(pairs["llr_joint"]), pairs["llr_joint"] - pairs["llr_length"] - pairs["llr_beam"]
    # The unknown length as learned, from what it says against 100 m seen to 12 % as 180 m.
    own = norm(np.log(pairs["length_m"]), 0.12).logpdf(np.log(180.0))
    other = own - pairs["llr_length"]
    np.testing.assert_allclose(other, other[0])
    together = np.log(0.03) - np.log(np.log(2.0)) - other[0]
    two = {(i, j): np.exp(beside[i] + beside[j] + together) for i, j in itertools.combinations(range(3), 2)}
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
