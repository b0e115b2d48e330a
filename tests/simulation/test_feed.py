"""From receptions to FIXES: positions and identities as sent, voyage data as last heard, defects of each hull alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from darkvoyage.errors import DarkvoyageError
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import FIXES
from darkvoyage.simulation.diary import Identity
from darkvoyage.simulation.feed import Defects, equipment_fixes, fix_table, ship_fixes, write_fixes
from darkvoyage.simulation.receivers import CAMPAIGN, Heard, Jamming
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.waters_east import east_sea
from tests.simulation.hulls import make_log

SHIP = Ship(291000001, 2000000, "DEMO TEST", "trader", 70, "A", 5000.0, 100.0, 16.0, 6.0, 11.0, 1.0, (), 0.0, 9.0)
START = pd.Timestamp("2024-03-01T00:00Z")
NONE = Defects(duplicates=0.0, wrong_clock=0.0, jumps=0.0, late=0.0)


def heard_at(seconds, clock_s=0.0):
    seconds = np.asarray(seconds, dtype="float64")
    return Heard(seconds, np.zeros(len(seconds), dtype=bool), np.full(len(seconds), clock_s))


def northward(n=145, knots=12.0, **changes):
    return make_log(SHIP, 40.0 + np.arange(n) / 6 * knots / 60, np.full(n, 134.0), **changes)


def rows(log, heard, *, seed=0, defects=NONE, profile=CAMPAIGN):
    return ship_fixes(log, heard, START, np.random.default_rng(seed), profile=profile, defects=defects)


def test_position_speed_and_course_between_two_slots():
    fixes = rows(northward(), heard_at([0.0, 300.0, 900.0]))
    assert fixes["timestamp"].tolist() == [START + pd.Timedelta(seconds=s) for s in (0, 300, 900)]
    # 12 kn are two miles in ten minutes; the error of a fix is a few thousandths of a mile.
    assert fixes["lat"].to_numpy() == pytest.approx(40.0 + np.array([0.0, 1.0, 3.0]) / 60, abs=4e-4)
    assert fixes["lon"].to_numpy() == pytest.approx([134.0] * 3, abs=5e-4)
    assert fixes["sog"].to_numpy() == pytest.approx([12.0] * 3, abs=0.8)
    assert np.cos(np.radians(fixes["cog"])).min() > 0.98
    assert (fixes["nav_status"] == 0).all()


def test_the_feed_shows_what_is_sent_not_where_the_ship_is():
    log = northward()
    log = replace(log, shown_lat=np.full(145, 41.0), shown_lon=135.0 + np.arange(145) * 0.01)
    fixes = rows(log, heard_at(np.arange(0, 80_000, 600.0)))
    assert fixes["lat"].to_numpy() == pytest.approx(np.full(len(fixes), 41.0), abs=5e-4)
    assert np.median(fixes["cog"]) == pytest.approx(90.0, abs=1.5)


def test_longitudes_are_wrapped_beyond_the_antimeridian():
    log = make_log(SHIP, np.zeros(11), 179.95 + np.arange(11) * 0.02)
    fixes = rows(log, heard_at(np.arange(0, 6000, 300.0)))
    assert fixes["lon"].between(-180, 180, inclusive="left").all()
    assert {-1.0, 1.0} == set(np.sign(fixes["lon"]))
    assert fixes["sog"].max() < 9


def test_an_identity_holds_from_its_slot_on():
    other = Identity(292000002, 0, "DEMO OTHER")
    log = northward(identities=[(0, Identity(SHIP.mmsi, SHIP.imo, SHIP.name)), (10, other)])
    fixes = rows(log, heard_at([5900.0, 6000.0, 9000.0]))
    assert fixes["mmsi"].tolist() == [SHIP.mmsi, other.mmsi, other.mmsi]
    assert fixes["name"].tolist() == ["DEMO TEST", "DEMO OTHER", "DEMO OTHER"]
    assert fixes["imo"].isna().tolist() == [False, True, True]


def test_voyage_data_are_those_of_the_last_static_report():
    log = northward(typed=[(0, 5.0, "SAKATA"), (50, 6.5, ""), (100, 0.0, "ORDERS")])
    fixes = rows(log, heard_at(np.arange(0, 86_400, 600.0)))
    known = fixes.dropna(subset="draught_timestamp")
    assert 0.9 < len(known) / len(fixes) < 1
    assert (known["draught_timestamp"] <= known["timestamp"]).all()
    assert known["draught_timestamp"].equals(known["destination_timestamp"])
    slot = (known["draught_timestamp"] - START).dt.total_seconds() / 600
    entry = np.searchsorted([50, 100], slot, side="right")
    assert known["draught_m"].fillna(-1).tolist() == np.array([5.0, 6.5, -1])[entry].tolist()
    assert known["destination"].fillna("").tolist() == np.array(["SAKATA", "", "ORDERS"])[entry].tolist()
    # One report in 600 s is followed by 1.67 static ones, each heard with chance 0.23: 35 %.
    many = rows(
        make_log(SHIP, np.zeros(5001), np.zeros(5001), typed=[(0, 5.0, "X")]), heard_at(np.arange(5000) * 600.0)
    )
    fresh = (many["draught_timestamp"] == many["timestamp"]).mean()
    assert fresh == pytest.approx(1 - 0.77 ** (600 / 360), abs=0.03)


def test_class_b_sends_neither_status_nor_heading_nor_voyage_data():
    log = replace(northward(typed=[(0, 5.0, "X")]), ship=replace(SHIP, ais_class="B", imo=0))
    fixes = rows(log, heard_at(np.arange(0, 80_000, 600.0)))
    assert fixes[["nav_status", "heading", "draught_m", "destination", "draught_timestamp"]].isna().all(axis=None)


def test_defects_come_at_their_rates_and_never_into_a_silence():
    n = 40_000
    log = make_log(SHIP, np.full(n, 40.0), np.full(n, 134.0), silences=[(1.2e6, 1.3e6, "fault")])
    seconds = np.arange(0, (n - 1) * 600.0, 600.0)
    seconds = seconds[(seconds < 1.2e6) | (seconds > 1.3e6)]
    defects = Defects(duplicates=0.02, wrong_clock=0.05, jumps=0.001, late=0.01)
    fixes = rows(log, heard_at(seconds), defects=defects)
    assert fixes.duplicated().mean() == pytest.approx(0.02, abs=0.003)
    since = (fixes["timestamp"] - START).dt.total_seconds()
    assert not ((since > 1.2e6) & (since < 1.3e6)).any()
    assert since.min() >= 0
    assert (since % 600 != 0).mean() == pytest.approx(0.05, abs=0.005)
    far = great_circle_nm(fixes["lat"], fixes["lon"], 40.0, 134.0) > 60
    assert far.mean() == pytest.approx(0.001, abs=0.0006)
    assert not fixes["timestamp"].is_monotonic_increasing


def test_a_wrong_satellite_clock_moves_times_alone():
    log = northward()
    right, wrong = (rows(log, heard_at([30_000.0, 40_000.0], clock_s=clock)) for clock in (0.0, 300.0))
    assert (wrong["timestamp"] - right["timestamp"]).dt.total_seconds().tolist() == [300.0, 300.0]
    pd.testing.assert_frame_equal(wrong.drop(columns="timestamp"), right.drop(columns="timestamp"))


def test_jamming_takes_positions_or_makes_them_circle():
    jamming = Jamming(lat=41.0, lon=134.0, radius_nm=30.0, from_s=0.0, to_s=1e9, false_lat=36.0, false_lon=128.0)
    log = make_log(SHIP, np.full(2001, 41.0), np.full(2001, 134.2))
    heard = heard_at(np.arange(0, 1_200_000, 600.0))
    fixes = rows(log, heard, profile=replace(CAMPAIGN, jamming=(jamming,)))
    silent = fixes["lat"].isna()
    assert silent.mean() == pytest.approx(0.4, abs=0.05)
    assert fixes.loc[silent, ["lon", "sog", "cog"]].isna().all(axis=None)
    shown = fixes[~silent]
    assert great_circle_nm(shown["lat"], shown["lon"], 36.0, 128.0) == pytest.approx(np.full(len(shown), 2.5), abs=0.01)
    # Round a circle of 2.5 nm radius twice an hour.
    assert shown["sog"].to_numpy() == pytest.approx(4 * np.pi * 2.5, abs=0.1)
    outside = replace(jamming, lat=44.0)
    pd.testing.assert_frame_equal(rows(log, heard, profile=replace(CAMPAIGN, jamming=(outside,))), rows(log, heard))


def parts(number=4):
    for k in range(number):
        log = northward(n=2000, knots=0.1, typed=[(0, 5.0, "X")])
        log = replace(log, identities=[(0, Identity(291000009 - k, 0, f"DEMO {k}"))])
        heard = heard_at(np.arange(0, 1_199_000, 600.0)[:: k + 1])
        yield ship_fixes(log, heard, START, np.random.default_rng(k))
    yield ship_fixes(northward(), heard_at([]), START, np.random.default_rng(9))
    yield equipment_fixes(east_sea(), START, 14, np.random.default_rng(0))


def test_streamed_rows_are_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("darkvoyage.simulation.feed._ROW_GROUP", 3000)
    table = fix_table(parts())
    pd.testing.assert_frame_equal(conform(table, FIXES), table)
    path = write_fixes(tmp_path / "fixes.parquet", parts())
    assert [file.name for file in tmp_path.iterdir()] == ["fixes.parquet"]
    assert pq.ParquetFile(path).num_row_groups == 2
    pd.testing.assert_frame_equal(finish(pd.read_parquet(path), FIXES, optional=True), table)


def test_other_hulls_change_nothing():
    few, many = fix_table(parts(2)), fix_table(parts(4))
    own = many[many["mmsi"].isin(few["mmsi"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, few)


def test_equipment_is_no_ship():
    fixes = equipment_fixes(east_sea(), START, 30, np.random.default_rng(0))
    assert is_equipment(fixes["mmsi"].to_numpy()).all()
    assert {99, 97, 98, 2} == set(fixes["mmsi"] // 10_000_000)
    assert fixes.groupby("mmsi")["lat"].std().max() < 0.001


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DarkvoyageError, match=r"fixes\.parquet: cannot be written"):
        write_fixes(tmp_path / "nowhere" / "fixes.parquet", parts(1))
