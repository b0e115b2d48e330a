import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.gaps.masking import PROTOCOLS, mask_outages, mask_silences
from darkvoyage.kernels.grid import cell_of
from tests.worlds import hours, ports


def feed(ships=12, until_h=240.0, seed=3):
    """Ships that steam to and fro along a parallel, heard about every 20 min, with natural gaps of 2.5 to 9 h."""
    rng = np.random.default_rng(seed)
    parts = []
    for ship in range(ships):
        t = np.cumsum(rng.uniform(0.2, 0.45, round(until_h / 0.32)))
        for begin in rng.uniform(10, until_h - 20, 3):
            t = t[(t < begin) | (t > begin + rng.uniform(2.5, 9.0))]
        east = np.abs((t * 0.15 + ship) % 4.0 - 2.0)
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 299_000_001 + ship,
                    "timestamp": hours(t).round("s").as_unit("us"),
                    "lat": 40.1 + 0.3 * (ship % 4),
                    "lon": 130.2 + east,
                    "sog": 7.0,
                    "cog": 90.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def fixes():
    return feed()


@pytest.fixture(scope="module", params=PROTOCOLS)
def masked(request, fixes):
    return request.param, mask_silences(fixes, protocol=request.param, min_gap_h=2.0, seed=4)


def split(masked):
    silences = masked.silences
    return silences[silences["masked"]], silences[~silences["masked"]]


def test_masks_and_natural_gaps_come_in_pairs_of_one_duration(fixes, masked):
    _, result = masked
    masks, natural = split(result)
    gaps = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=2.0))
    assert len(masks) == len(natural) > 15
    assert len(natural) + result.unmatched == len(gaps)
    assert sorted(masks["matched_to"]) == sorted(natural["mask_id"])
    assert set(natural["mask_id"]) <= set(gaps["gap_id"])
    pairs = masks.merge(natural, left_on="matched_to", right_on="mask_id")
    assert (pairs["duration_h_x"] / pairs["duration_h_y"]).between(0.9, 1.1).all()
    assert (masks["duration_h"] > 2.0).all()


def test_a_mask_honours_its_protocol(fixes, masked):
    protocol, result = masked
    masks, natural = split(result)
    assert (result.silences["protocol"] == protocol).all()
    where = fixes.set_index(["mmsi", "timestamp"])[["lat", "lon"]]
    pairs = masks.merge(natural, left_on="matched_to", right_on="mask_id", suffixes=("", "_natural"))
    start = where.loc[list(zip(pairs["mmsi"], pairs["gap_start"], strict=True))]
    start_natural = where.loc[list(zip(pairs["mmsi_natural"], pairs["gap_start_natural"], strict=True))]
    cells = [cell_of(ends["lat"].to_numpy(), ends["lon"].to_numpy(), 0.5) for ends in (start, start_natural)]
    same_vessel = pairs["mmsi"] == pairs["mmsi_natural"]
    if protocol == "vessel":
        assert same_vessel.all()
    else:
        assert not same_vessel.all()
    if protocol == "cell":
        np.testing.assert_array_equal(*cells)
    else:
        assert (cells[0] != cells[1]).any()


def test_what_is_removed_lies_inside_the_masks_and_nothing_else(fixes, masked):
    """A plain loop over the masks, on the fixes as given."""
    _, result = masked
    masks, _ = split(result)
    inside = np.zeros(len(fixes), dtype=bool)
    for mask in masks.itertuples():
        own = (fixes["mmsi"] == mask.mmsi).to_numpy()
        ends = fixes["timestamp"].isin([mask.gap_start, mask.gap_end]).to_numpy() & own
        assert ends.sum() == 2
        hidden = own & (fixes["timestamp"] > mask.gap_start).to_numpy() & (fixes["timestamp"] < mask.gap_end).to_numpy()
        assert hidden.any()
        assert not (hidden & inside).any()
        inside |= hidden
    kept = fixes[~inside].sort_values(["mmsi", "timestamp"], ignore_index=True)
    pd.testing.assert_frame_equal(result.fixes[list(fixes.columns)], kept)


def test_masks_keep_off_one_another_and_natural_gaps(fixes, masked):
    _, result = masked
    masks, _ = split(result)
    gaps = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=2.0))
    both = pd.concat([masks[["mmsi", "gap_start", "gap_end"]], gaps[["mmsi", "gap_start", "gap_end"]]])
    both = both.sort_values(["mmsi", "gap_start"])
    same = both["mmsi"].eq(both["mmsi"].shift())
    # Disjoint fixes: a mask does not even share an end with its neighbour. Two natural gaps may.
    is_mask = both["gap_start"].isin(masks["gap_start"]) & both["gap_end"].isin(masks["gap_end"])
    strict = same & (is_mask | is_mask.shift(fill_value=False))
    assert strict.sum() > 10
    assert (both["gap_start"] > both["gap_end"].shift())[strict].all()
    span = fixes.groupby("mmsi")["timestamp"].agg(["min", "max"]).loc[masks["mmsi"]]
    assert (masks["gap_start"].to_numpy() > span["min"].to_numpy()).all()
    assert (masks["gap_end"].to_numpy() < span["max"].to_numpy()).all()


def test_the_search_for_gaps_finds_every_silence_under_its_id(masked):
    _, result = masked
    gaps = dv.find_gaps(result.fixes, rule=dv.GapRule(min_gap_h=2.0)).set_index("gap_id")
    found = gaps.loc[result.silences["mask_id"]].reset_index()
    for name in ("mmsi", "gap_start", "gap_end", "duration_h"):
        pd.testing.assert_series_equal(found[name], result.silences[name])
    assert len(gaps) == len(result.silences) + result.unmatched


def test_order_of_the_rows_and_repetition_change_nothing(fixes):
    one = mask_silences(fixes, protocol="cell", min_gap_h=2.0, seed=9)
    two = mask_silences(fixes.sample(frac=1.0, random_state=1), protocol="cell", min_gap_h=2.0, seed=9)
    other = mask_silences(fixes, protocol="cell", min_gap_h=2.0, seed=10)
    pd.testing.assert_frame_equal(one.silences, two.silences)
    pd.testing.assert_frame_equal(one.fixes, two.fixes)
    assert not one.silences.equals(other.silences)


def test_a_number_of_masks(fixes):
    masks, natural = split(mask_silences(fixes, protocol="uniform", min_gap_h=2.0, number=5, seed=2))
    assert len(masks) == len(natural) == 5


def test_masks_near_ports(fixes):
    place = ports().iloc[:1].assign(lat=40.1, lon=131.0)
    masks, _ = split(mask_silences(fixes, protocol="uniform", min_gap_h=2.0, ports=place, near_nm=15.0, seed=2))
    where = fixes.set_index(["mmsi", "timestamp"]).loc[list(zip(masks["mmsi"], masks["gap_start"], strict=True))]
    # 15 nm are a quarter of a degree of latitude and, at 40.1 N, 0.327 of longitude.
    assert len(where) > 5
    assert (np.abs(where["lat"] - 40.1) < 0.25).all()
    assert (np.abs(where["lon"] - 131.0) < 0.328).all()


def test_only_the_hull_that_falls_silent_loses_its_fixes():
    """Two hulls under one MMSI, 600 nm apart; rows of the other hull stay in a mask."""
    one = feed(1)
    two = one.assign(lat=50.0, timestamp=one["timestamp"] + pd.Timedelta(minutes=3))
    result = mask_silences(pd.concat([one, two]), protocol="vessel", min_gap_h=2.0, seed=1)
    masks, _ = split(result)
    assert len(masks)
    for mask in masks.itertuples():
        rows = result.fixes[result.fixes["timestamp"].between(mask.gap_start, mask.gap_end, inclusive="neither")]
        assert set(rows["track_id"].dropna()) == {"299000001-0", "299000001-1"} - {_track(result.fixes, mask)}


def _track(fixes, mask):
    return fixes.loc[fixes["timestamp"] == mask.gap_start, "track_id"].iloc[0]


def test_outages_silence_a_band_for_everybody(fixes):
    result = mask_outages(fixes, min_gap_h=2.0, number=6, seed=5)
    lost = pd.concat([fixes, result.fixes[list(fixes.columns)]]).drop_duplicates(keep=False)
    assert len(lost)
    assert len(lost) == len(fixes) - len(result.fixes)
    assert not result.silences["masked"].any()
    gaps = dv.find_gaps(result.fixes, rule=dv.GapRule(min_gap_h=2.0)).set_index("gap_id")
    for silence in result.silences.itertuples():
        gap = gaps.loc[silence.mask_id]
        gone = lost[(lost["mmsi"] == silence.mmsi) & lost["timestamp"].between(gap["gap_start"], gap["gap_end"])]
        assert len(gone)


def test_an_outage_takes_a_band_whole(fixes):
    kept = mask_outages(fixes, min_gap_h=2.0, number=1, seed=5).fixes[list(fixes.columns)]
    lost = pd.concat([fixes, kept]).drop_duplicates(keep=False)
    longest = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=2.0))["duration_h"].max()
    assert lost["timestamp"].max() - lost["timestamp"].min() < pd.Timedelta(hours=longest)
    band = np.floor(lost["lat"] / 0.5).unique()
    assert len(band) == 1
    meanwhile = kept["timestamp"].between(lost["timestamp"].min(), lost["timestamp"].max())
    assert meanwhile.sum() > 20
    assert not (np.floor(kept.loc[meanwhile, "lat"] / 0.5) == band[0]).any()


def test_outages_can_be_the_natural_gaps(fixes):
    outages = mask_outages(fixes, min_gap_h=2.0, number=6, seed=5)
    ids = list(outages.silences["mask_id"])
    masks, natural = split(mask_silences(outages.fixes, protocol="uniform", min_gap_h=2.0, natural=ids, seed=1))
    assert 0 < len(natural) <= len(ids)
    assert set(natural["mask_id"]) <= set(ids)
    assert len(masks) == len(natural)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_feeds_too_small_for_masks(fixes, rows):
    result = mask_silences(fixes.iloc[:rows], protocol="cell", min_gap_h=2.0)
    assert len(result.silences) == 0
    assert len(result.fixes) == rows
    assert list(result.silences.columns) == list(mask_silences(fixes, protocol="cell").silences.columns)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "random"}, "protocol = 'random': expected one of uniform, cell, vessel"),
        ({"protocol": "cell", "number": 0}, "number = 0"),
        ({"protocol": "cell", "min_gap_h": -1.0}, "min_gap_h"),
        ({"protocol": "cell", "cell_deg": 0.0}, "cell_deg"),
        ({"protocol": "cell", "ports": ports(), "near_nm": 0.0}, "near_nm"),
    ],
)
def test_bad_options_are_named(fixes, options, message):
    with pytest.raises(dv.RuleError, match=message):
        mask_silences(fixes, **options)


def test_no_fixes_table_is_refused(fixes):
    with pytest.raises(dv.SchemaError, match="FIXES"):
        mask_silences(fixes.drop(columns="mmsi"), protocol="cell")
    with pytest.raises(dv.RuleError, match="number"):
        mask_outages(fixes, number=0)


def test_masks_beside_natural_gaps_come_with_the_option_only():
    # Four hours on the air, three hours of silence, over and over.
    t = np.concatenate([start + np.arange(0.0, 4.01, 1 / 3) for start in np.arange(0.0, 240.0, 7.0)])
    place = {"lat": 40.0, "lon": 130.0, "sog": 0.0, "cog": 0.0}
    ships = [pd.DataFrame({"mmsi": 299_000_001 + ship, "timestamp": hours(t)} | place) for ship in range(4)]
    fixes = pd.concat(ships, ignore_index=True)
    for option in (False, True):
        masks, natural = split(mask_silences(fixes, protocol="vessel", min_gap_h=2.0, beside_gaps=option))
        ends = set(zip(natural["mmsi"], natural["gap_end"], strict=True))
        beside = len(ends & set(zip(masks["mmsi"], masks["gap_start"], strict=True)))
        assert beside > 10 if option else beside == 0
        both = pd.concat([masks, natural]).sort_values(["mmsi", "gap_start"])
        overlap = (both["gap_start"] < both["gap_end"].shift()) & (both["mmsi"] == both["mmsi"].shift())
        assert not overlap.any()
