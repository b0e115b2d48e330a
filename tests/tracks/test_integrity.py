"""What find_untrusted finds, and what mark_untrusted makes of it."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.rules.tracks import GapRule
from darkvoyage.tracks.integrity import POSITION_REASONS
from tests.tracks.integrity_tracks import MMSI, START, circle, every, track, wavering

AIRFIELD = {"lat": 30.9, "lon": -39.0, "radius_nm": 2.5}


def jammed(ships=4, *, mmsi=MMSI, first=8.0, last=16.0):
    """Raw fixes of ships whose positions go round an airfield for eight hours, 60 nm off their course."""
    parts = []
    for ship in range(ships):
        hours = every(6, 24)
        table = wavering(hours, lat=30.0 - 0.2 * ship, seed=ship, mmsi=mmsi + ship)
        false = (hours >= first) & (hours <= last)
        lat, lon = circle(hours, **AIRFIELD, period_h=0.5, phase_deg=77.0 * ship)
        parts.append(table.assign(lat=np.where(false, lat, table["lat"]), lon=np.where(false, lon, table["lon"])))
    return pd.concat(parts, ignore_index=True).drop(columns=["track_id", "flag"])


def reasons(found):
    return found.groupby("reason")["fixes"].sum().to_dict()


def believed(table):
    return table[table["flag"].isna()]


def test_circles_of_a_fleet_are_found_to_the_fix():
    raw = jammed()
    cleaned = dv.clean_fixes(raw)
    found = dv.find_untrusted(cleaned)
    circles = found[found["reason"] == "circle"]
    # 81 fixes each from 8 h to 16 h, every 6 min.
    assert circles.groupby("mmsi")["fixes"].sum().to_dict() == {MMSI + ship: 81 for ship in range(4)}
    assert (circles["confidence"] > 0.9).all()
    assert circles["detail"].str.contains("4 MMSI on a circle 2.5 nm").all()
    assert set(circles["start_time"]) == {START + pd.Timedelta("8h")}


def test_marking_makes_one_hull_of_two_and_one_gap_of_the_lie():
    raw = jammed()
    cleaned = dv.clean_fixes(raw)
    assert cleaned["track_id"].nunique() == 8, "cleaning takes the circles for hulls of their own"
    marked = dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned))
    assert len(marked) == len(cleaned)
    assert (marked["flag"] == "untrusted").sum() == 4 * 81
    assert set(marked["track_id"]) == {f"{MMSI + ship}-0" for ship in range(4)}
    gaps = dv.find_gaps(marked)
    # The last fix before 8 h is at 7 h 54, the first after 16 h at 16 h 06.
    assert (gaps["gap_start"] == START + pd.Timedelta("7h54min")).all()
    assert (gaps["gap_end"] == START + pd.Timedelta("16h06min")).all()
    assert len(gaps) == 4
    assert dv.find_gaps(cleaned)["gap_start"].gt(START).sum() == 4, "before, the silence of the ship was that of a hull"


def test_tables_files_stores_and_days_leave_out_what_is_untrusted(tmp_path):
    cleaned = dv.clean_fixes(jammed())
    marked = dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned))
    path = tmp_path / "marked.parquet"
    marked.to_parquet(path, index=False)
    rule = GapRule(min_gap_h=2.0)
    expected = dv.find_gaps(marked, rule=rule)
    assert expected["duration_h"].round(9).tolist() == [8.2] * 4
    assert_frame_equal(dv.find_gaps(path, rule=rule).rename_axis(None), expected)
    assert_frame_equal(dv.find_gaps(dv.build_store(path, tmp_path / "store"), rule=rule), expected)
    tracker = dv.GapTracker(rule=rule)
    days = [part for _, part in marked.groupby(marked["timestamp"].dt.floor("6h"))]
    came = pd.concat([*(tracker.update(day) for day in days), tracker.flush()], ignore_index=True)
    assert_frame_equal(came.sort_values("mmsi", ignore_index=True), expected)


def test_an_untrusted_fix_was_heard_all_the_same():
    cleaned = dv.clean_fixes(jammed(6))
    marked = dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned))
    facts = dv.score_silence(dv.find_gaps(marked), dv.fit_reception(marked))
    assert set(facts["reason"]) <= {"heard_elsewhere", "jamming"}
    assert (facts["llr_silence"] <= 0).all()


def test_second_copies_of_false_fixes_go_with_them():
    raw = jammed(4)
    cleaned = dv.clean_fixes(pd.concat([raw, raw.iloc[::7]], ignore_index=True))
    marked = dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned))
    false = marked["lat"].sub(AIRFIELD["lat"]).abs() < 0.1
    assert set(marked.loc[false, "flag"]) == {"untrusted"}
    assert set(marked.loc[~false, "flag"].dropna()) == {"duplicate"}


def test_only_sure_reasons_about_positions_take_fixes_out():
    table = wavering(every(10, 30), imo=1234568)
    found = dv.find_untrusted(table)
    assert set(found["reason"]) == {"identity"}
    assert believed(dv.mark_untrusted(table, found.assign(confidence=1.0))).shape[0] == len(table)
    stretch = found.assign(reason="circle", start_time=START + pd.Timedelta("2h"), end_time=START + pd.Timedelta("3h"))
    for confidence, kept in ((0.69, len(table)), (0.7, len(table) - 7)):
        assert len(believed(dv.mark_untrusted(table, stretch.assign(confidence=confidence)))) == kept
    sure = IntegrityRule(min_confidence=0.9)
    assert len(believed(dv.mark_untrusted(table, stretch.assign(confidence=0.8), rule=sure))) == len(table)
    assert "identity_swap" not in POSITION_REASONS


def test_nothing_untrusted_changes_nothing():
    cleaned = dv.clean_fixes(jammed())
    assert_frame_equal(dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned.head(0))), cleaned)


def test_raw_fixes_are_cleaned_first():
    raw = jammed()
    found = dv.find_untrusted(dv.clean_fixes(raw))
    assert_frame_equal(dv.find_untrusted(raw), found)
    assert_frame_equal(dv.mark_untrusted(raw, found), dv.mark_untrusted(dv.clean_fixes(raw), found))


def test_fixes_cleaned_by_another_rule_are_split_by_it():
    raw = jammed()
    clean = dv.CleanRule(hull_min_fixes=200)
    cleaned = dv.clean_fixes(raw, rule=clean)
    marked = dv.mark_untrusted(cleaned, dv.find_untrusted(cleaned), clean=clean)
    assert set(marked["flag"].dropna()) <= {"jump", "untrusted"}
    assert marked["track_id"].dropna().nunique() == 4


@pytest.mark.parametrize("theta", [90.0, 219.0, -141.0])
def test_longitudes_turn(theta):
    cleaned = dv.clean_fixes(jammed())
    turned = cleaned.assign(lon=(cleaned["lon"] + theta + 180) % 360 - 180)
    found = dv.find_untrusted(turned)
    # There may be land where they come to.
    found = found[found["reason"] != "on_land"].reset_index(drop=True)
    assert_frame_equal(found, dv.find_untrusted(cleaned))


def test_days_shift():
    cleaned = dv.clean_fixes(jammed())
    later, days = cleaned.assign(timestamp=cleaned["timestamp"] + pd.Timedelta("40D")), pd.Timedelta("40D")
    found = dv.find_untrusted(cleaned)
    moved = found.assign(start_time=found["start_time"] + days, end_time=found["end_time"] + days)
    assert_frame_equal(dv.find_untrusted(later), moved)


def test_the_order_of_the_rows_changes_nothing():
    cleaned = dv.clean_fixes(jammed())
    mixed = cleaned.sample(frac=1.0, random_state=3)
    found = dv.find_untrusted(cleaned)
    assert_frame_equal(dv.find_untrusted(mixed), found)
    assert_frame_equal(dv.mark_untrusted(mixed, found), dv.mark_untrusted(cleaned, found))


def test_an_honest_fleet_is_believed():
    ships = [wavering(every(5, 40), lat=10.0 + ship, seed=ship, mmsi=MMSI + ship) for ship in range(8)]
    found = dv.find_untrusted(pd.concat(ships, ignore_index=True))
    assert len(found) == 0


def test_what_goes_round_a_circle_says_nothing_of_log_and_compass():
    hours = every(6, 24)
    table = wavering(hours)
    false = (hours > 10) & (hours < 18)
    lat, lon = circle(hours, **AIRFIELD, period_h=3.0)
    moved = table.assign(lat=np.where(false, lat, table["lat"]), lon=np.where(false, lon, table["lon"]))
    moved["cog"] = np.where(false, (hours / 3.0 * 360 + 90) % 360, moved["cog"])
    moved["sog"] = np.where(false, 0.0, moved["sog"])
    found = dv.find_untrusted(dv.clean_fixes(moved.drop(columns=["track_id", "flag"])))
    assert reasons(found) == {"circle": int(false.sum())}


def test_one_fix_and_none():
    table = track([0.0], 10.0, -30.0)
    assert len(dv.find_untrusted(table)) == 0
    assert len(dv.mark_untrusted(table.head(0), dv.find_untrusted(table.head(0)))) == 0
