import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.gaps.exposure import coarsen, expose, heard_windows, merge_heard, pick_window
from darkvoyage.gaps.field import Factors, drawn_factor, intensity, parent_cell
from darkvoyage.gaps.neighbours import Neighbours
from darkvoyage.gaps.reception import ReceptionModel, fit_reception
from darkvoyage.gaps.silence import score_silence, silence_facts
from darkvoyage.kernels.grid import cell_of
from tests.worlds import hours, moored_fleet

SUSPECT = 299_000_001


def cleaned(fixes):
    return dv.clean_fixes(fixes)


def sailing_fleet(number=6, until_h=60, *, seed=3, lon=131.0):
    """Ships that cross cells at 8 kn, heard at random, with one long silence each."""
    rng = np.random.default_rng(seed)
    parts = []
    for ship in range(number):
        t = np.sort(rng.uniform(0, until_h, 3 * until_h))
        quiet = rng.uniform(5, until_h - 20)
        t = t[(t < quiet) | (t > quiet + rng.uniform(3, 15))]
        east = lon + 0.1 * ship + 8 / 60 * t
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": SUSPECT + ship,
                    "timestamp": hours(t),
                    "lat": 0.3 + 0.05 * ship,
                    "lon": (east + 180.0) % 360.0 - 180.0,
                    "sog": 8.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def same_model(one, two):
    for name in ("counts", "cells", "blocks", "vessels"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert (one.law, one.states, one.window_min, one.listed_silence) == (
        two.law, two.states, two.window_min, two.listed_silence
    )  # fmt: skip


def test_windows_and_silences_by_hand():
    fixes = cleaned(
        pd.DataFrame(
            {
                "mmsi": SUSPECT,
                "timestamp": hours([0.05, 0.1, 0.2, 1.05]),
                "lat": [0.15, 0.15, 0.15, 0.15],
                "lon": [0.12, 0.12, 0.21, 0.37],
                "sog": 8.0,
            }
        )
    )
    # 10 min windows 0, 0, 1 and 6: four silent ones between
    heard = heard_windows(fixes, 10.0)
    assert (heard["window"] - heard["window"][0]).tolist() == [0, 1, 6]
    assert heard["fixes"].tolist() == [2, 1, 1]
    exposures = expose(heard, width_min=10.0, cell_deg=0.1, suspect_h=24.0, longest_h=24.0)
    assert exposures.heard.tolist() == [1, 1, 0, 0, 0, 0, 1]
    assert exposures.start.tolist() == [0, 1, 1, 1, 1, 1, 2]
    # 0.032 deg per window from 0.21 on: 0.242, 0.274, 0.306, 0.338
    assert (exposures.cell - exposures.cell[0]).tolist() == [0, 1, 1, 1, 2, 2, 2]
    assert exposures.counts.tolist() == [1] * 7


def test_long_silences_do_not_count():
    fixes = cleaned(moored_fleet(1, 60, silent={0: (10, 40)}))
    exposures = expose(heard_windows(fixes, 30.0), width_min=30.0, cell_deg=0.5, suspect_h=24.0, longest_h=48.0)
    assert exposures.counts[exposures.heard == 0].sum() == 0
    # heard last at 9.6 h and again at 40.1 h: half hours 19 and 80
    assert (exposures.heard == 0).sum() == 60


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.booleans()), max_size=30))
def test_heard_windows_equal_a_plain_loop(rows):
    """(ship, five minutes, has a position): windows of ten minutes."""
    fixes = pd.DataFrame(
        {
            "mmsi": np.array([SUSPECT + ship for ship, _, _ in rows], dtype="int64"),
            "timestamp": hours([step / 12 for _, step, _ in rows]),
            "lat": [40.0 if known else np.nan for *_, known in rows],
            "lon": [130.0 if known else np.nan for *_, known in rows],
        }
    ).astype({"lat": "float64", "lon": "float64"})
    table = cleaned(fixes)
    seen, expected = set(), {}
    for row in table.itertuples():
        if pd.isna(row.track_id) or row.flag in ("duplicate", "conflict"):
            continue
        if pd.isna(row.flag):
            seen.add(row.mmsi)
        if row.mmsi in seen:
            key = (row.mmsi, int(row.timestamp.timestamp()) // 600)
            number, wrong = expected.get(key, (0, False))
            expected[key] = (number + 1, wrong or not pd.isna(row.flag))
    heard = heard_windows(table, 10.0)
    found = {(row.mmsi, row.window): (row.fixes, row.wrong) for row in heard.itertuples()}
    assert found == expected


def test_parts_add_up_to_the_whole():
    fixes = cleaned(sailing_fleet())
    whole = fit_reception(fixes)
    day = fixes["timestamp"] < hours([24.0])[0]
    vessels = fixes["mmsi"] < SUSPECT + 3
    for first in (day, vessels):
        same_model(fit_reception(fixes[first]).updated(fixes[~first]), whole)
    parts = [heard_windows(fixes[day], 10.0), heard_windows(fixes[~day], 10.0)]
    pd.testing.assert_frame_equal(
        merge_heard(parts[::-1])[["mmsi", "window", "fixes"]], whole.counts[["mmsi", "window", "fixes"]]
    )


def test_coarser_windows_are_those_of_the_fixes():
    fixes = cleaned(sailing_fleet())
    pd.testing.assert_frame_equal(coarsen(heard_windows(fixes, 10.0), 3), heard_windows(fixes, 30.0))


def test_a_store_gives_what_the_table_gives(tmp_path):
    fixes = sailing_fleet()
    fixes.to_csv(tmp_path / "fixes.csv", index=False)
    store = dv.build_store(tmp_path / "fixes.csv", tmp_path / "store")
    same_model(fit_reception(store), fit_reception(dv.read_fixes(tmp_path / "fixes.csv")))
    same_model(fit_reception(tmp_path / "store"), fit_reception(store))


@pytest.mark.parametrize(("every_h", "width"), [(0.1, 10.0), (0.45, 20.0), (0.7, 30.0), (2.0, 60.0)])
def test_windows_are_as_wide_as_the_feed_needs(every_h, width):
    # 0.7 fixes per window: 7 an hour at 10 min, 2.1 at 20, 1.4 at 30
    counts = heard_windows(cleaned(moored_fleet(3, 48, every_h=every_h)), 10.0)
    assert pick_window(counts) == width


def test_factor_by_hand():
    # half expected, a quarter heard: log(3/4) / log(1/2); nobody there: the factor it is drawn towards
    assert drawn_factor(np.r_[1.0], np.r_[2.0], np.r_[4.0], 1.0, 0.0)[0] == pytest.approx(0.41503750)
    assert drawn_factor(np.r_[0.0], np.r_[0.0], np.r_[0.0], 0.7, 3.0)[0] == pytest.approx(0.7)
    assert intensity(np.r_[0.0, 0.5])[1] == pytest.approx(0.69314718)


def blocks_of(rng, rows):
    lat, lon = rng.uniform(-40, 40, rows), rng.choice([-179.9, 179.9, 5.0], rows)
    table = pd.DataFrame({"block": cell_of(lat, lon, 0.5), "window": rng.integers(100, 140, rows)})
    table = table.drop_duplicates().sort_values(["block", "window"], ignore_index=True)
    exposed = rng.integers(1, 9, len(table)).astype("float64")
    return table.assign(
        exposed=exposed, expected=exposed * 0.6, heard=rng.binomial(exposed.astype(int), 0.5) * 1.0, left_out=0.0
    )


def test_factors_of_a_stretch_are_the_sum_over_its_windows():
    rng = np.random.default_rng(2)
    blocks = blocks_of(rng, 300)
    factors = Factors(blocks, block_deg=0.5, prior=3.0)
    asked = rng.choice(np.r_[blocks["block"].unique(), 7], 40)
    low = rng.integers(90, 145, 40)
    high, own = low + rng.integers(0, 30, 40), rng.random(40) < 0.5
    each = [
        sum(factors.between(asked[[k]], np.r_[w], np.r_[w + 1], own[[k]])[0] for w in range(low[k], high[k]))
        for k in range(40)
    ]
    np.testing.assert_allclose(factors.between(asked, low, high, own), each, atol=1e-9)


def test_a_thin_block_is_drawn_to_its_region_and_this_to_the_feed():
    """One of two vessels of a block was heard, all of its region's nine others, none of the feed's other hundred."""
    here, near, far = (cell_of(np.r_[0.1], np.r_[lon], 0.5)[0] for lon in (0.1, 0.6, 50.0))
    blocks = pd.DataFrame({"block": [here, near, far], "window": 7, "exposed": [2.0, 9.0, 100.0]})
    blocks = blocks.assign(expected=blocks["exposed"] / 2, heard=[1.0, 9.0, 0.0], left_out=0.0)
    assert parent_cell(np.r_[here], 0.5, 2.0)[0] == parent_cell(np.r_[near], 0.5, 2.0)[0]
    factors = Factors(blocks, block_deg=0.5, prior=3.0)
    usual = np.log(2.0)
    feed = -np.log(1 - (10 + 3 * 0.5) / (111 + 3)) / usual
    region = -np.log(1 - (10 + 3 * (1 - 0.5**feed)) / (11 + 3)) / usual
    block = -np.log(1 - (1 + 3 * (1 - 0.5**region)) / (2 + 3)) / usual
    found = factors.between(np.r_[here], np.r_[7], np.r_[8], np.r_[False])
    assert found[0] == pytest.approx(block)


def test_a_vessel_is_no_witness_of_itself_at_any_level():
    """Alone in the feed it learns nothing from itself; beside another it learns what that one tells."""
    block = cell_of(np.r_[0.1, 0.1], np.r_[0.1, 5.0], 0.5)
    alone = pd.DataFrame({"block": block[0], "window": [3, 4], "exposed": 1.0, "expected": 0.5, "heard": [1.0, 0.0]})
    own = alone[["exposed", "expected", "heard"]].to_numpy()
    factors = Factors(alone.assign(left_out=0.0), block_deg=0.5, prior=3.0)
    np.testing.assert_allclose(factors.of_others(np.r_[0, 1], own), 1.0)
    # Another vessel, far off, was heard in both windows: the feed is better than usual, as much for both.
    far = alone.assign(block=block[1], heard=1.0)
    both = pd.concat([alone, far]).sort_values(["block", "window"], ignore_index=True).assign(left_out=0.0)
    rows = np.flatnonzero(both["block"] == block[0])
    feed = -np.log(1 - (1 + 3 * 0.5) / (1 + 3)) / np.log(2.0)
    found = Factors(both, block_deg=0.5, prior=3.0).of_others(rows, own)
    np.testing.assert_allclose(found, feed)


def test_neighbours_equal_a_plain_loop():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        {"mmsi": rng.integers(1, 9, 200), "window": rng.integers(0, 50, 200), "lat": 0.2, "lon": rng.uniform(0, 4, 200)}
    ).drop_duplicates(["mmsi", "window"])
    where = cell_of(rows["lat"].to_numpy(), rows["lon"].to_numpy(), 1.0)
    owner = np.repeat(np.arange(10), 3)
    block = rng.choice(np.r_[np.unique(where), 1], 30)
    low = np.tile([0, 10, 20], 10) + np.repeat(rng.integers(0, 20, 10), 3)
    mmsi = rng.integers(1, 9, 10)
    vessels, windows = Neighbours(rows, 1.0).count(owner, block, low, low + 10, mmsi)
    for path in range(10):
        met = [
            row.mmsi
            for piece in np.flatnonzero(owner == path)
            for row, at in zip(rows.itertuples(), where, strict=True)
            if at == block[piece] and low[piece] <= row.window < low[piece] + 10 and row.mmsi != mmsi[path]
        ]
        assert (vessels[path], windows[path]) == (len(set(met)), len(met))


def test_longitudes_may_turn_and_the_antimeridian_is_no_edge():
    tables = []
    for lon in (120.0, 178.0):
        fixes = cleaned(sailing_fleet(lon=lon))
        gaps = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=2.0))
        facts = silence_facts(gaps, fit_reception(fixes)).drop(columns="gap_id")
        tables.append(facts)
    assert len(tables[0]) > 5
    pd.testing.assert_frame_equal(*tables, rtol=1e-9)


def test_lost_positions_of_many_neighbours_are_named_interference():
    fixes = moored_fleet(20, 96, silent={0: (40, 64)})
    gap = fixes["timestamp"].between(*hours([40, 64])) & fixes["mmsi"].gt(SUSPECT)
    lost = fixes.assign(lat=fixes["lat"].where(~gap), lon=fixes["lon"].where(~gap))
    silences = []
    for table in (fixes, lost):
        found = score_silence(dv.find_gaps(table), fit_reception(table))
        silences.append(found.iloc[0])
    assert silences[0]["reason"] == "expected_to_be_heard"
    assert silences[1]["reason"] == "jamming"
    assert silences[1]["llr_silence"] <= 0.0 < silences[0]["llr_silence"]


def test_the_same_mmsi_on_another_track_is_no_silence():
    fixes = cleaned(moored_fleet(20, 96, silent={0: (40, 64)}))
    other = moored_fleet(1, 64, lat=30.0, lon=120.0).query("timestamp >= @hours([41.0])[0]")
    double = cleaned(pd.concat([moored_fleet(20, 96, silent={0: (40, 64)}), other], ignore_index=True))
    assert double.loc[double["mmsi"] == SUSPECT, "track_id"].nunique() == 2
    gaps = dv.find_gaps(fixes)
    row = score_silence(gaps, fit_reception(double)).iloc[0]
    assert row["reason"] == "heard_elsewhere"
    assert row["llr_silence"] == pytest.approx(0.0)


def test_a_model_of_another_version_is_refused(tmp_path):
    fit_reception(moored_fleet(2, 30)).save(tmp_path)
    head = json.loads((tmp_path / "reception.json").read_text())
    (tmp_path / "reception.json").write_text(json.dumps(head | {"format": 1}))
    with pytest.raises(dv.ReadError, match="format 1, this version reads 2"):
        ReceptionModel.load(tmp_path)


def test_a_model_survives_saving_exactly(tmp_path):
    model = fit_reception(sailing_fleet())
    model.save(tmp_path)
    same_model(ReceptionModel.load(tmp_path), model)
    same_model(ReceptionModel.load(tmp_path).updated(sailing_fleet(2, seed=8)), model.updated(sailing_fleet(2, seed=8)))
