import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.schema.motion import with_made_good
from tests.tracks.test_encounters import cleaned, only, sailing
from tests.tracks.test_loitering import ARC_MIN_NM

NAMES = ["start_made_good_kn", "start_made_good_deg", "end_made_good_kn", "end_made_good_deg"]


def ends(*tables):
    fixes = cleaned(*tables)
    return dv.add_made_good(dv.find_gaps(fixes), fixes)


def test_last_leg_before_and_first_leg_after():
    # North by 2 arc minutes in 12 min, a day of silence, then east by 3 arc minutes of the equator in 30 min.
    row = only(ends(sailing(1, [0, 12, 1452, 1482], [-2 / 60, 0, 0, 0], [10, 10, 10, 10 + 3 / 60])))
    assert row[NAMES].tolist() == pytest.approx([10 * ARC_MIN_NM, 0, 6 * ARC_MIN_NM, 90])


def test_legs_of_less_than_three_minutes_are_passed_over():
    # The fix 2 min before the gap says 60 arc minutes an hour; from the one 20 min before, it is 9 arc minutes an hour.
    row = only(ends(sailing(1, [0, 18, 20, 1460, 1461, 1464], np.array([0, 1, 3, 3, 5, 5]) / 60)))
    assert row[NAMES[:2]].tolist() == pytest.approx([9 * ARC_MIN_NM, 0])
    assert row[NAMES[2:]].tolist() == pytest.approx([30 * ARC_MIN_NM, 0])


def test_nothing_where_the_leg_is_longer_than_an_hour_or_another_ships():
    other = sailing(2, [0, 3000], 5.0)
    table = ends(sailing(1, [0, 61, 1500, 1561], np.array([0, 5, 5, 9]) / 60), other)
    assert table[NAMES].isna().all(axis=None)


def test_positions_that_are_flagged_do_not_count():
    fixes = cleaned(sailing(1, [0, 20, 30, 1500], np.array([0, 2, 40, 50]) / 60))
    fixes.loc[2, ["lat", "lon"]] = np.nan
    fixes["flag"] = pd.Series(["no_position"] * 4, dtype="str").where(fixes["lat"].isna())
    row = only(dv.add_made_good(dv.find_gaps(fixes), fixes))
    assert pd.isna(row["start_lat"])
    assert row[NAMES].isna().all()


def test_open_gaps_have_no_end():
    fixes = cleaned(sailing(1, [0, 30], [0, 1 / 60]))
    row = only(dv.add_made_good(dv.find_gaps(fixes, as_of="2024-06-01T00:00:00Z"), fixes))
    assert row[NAMES[0]] == pytest.approx(2 * ARC_MIN_NM)
    assert row[NAMES[2:]].isna().all()


@given(st.lists(st.floats(0.01, 2000), min_size=2, max_size=20, unique=True), st.integers(0, 2**32 - 1))
def test_against_a_search_in_python(minutes, seed):
    minutes = np.sort(np.round(minutes, 2))
    minutes = minutes[np.r_[True, np.diff(minutes) > 0]]
    lat = np.random.default_rng(seed).uniform(-0.2, 0.2, len(minutes))
    fixes = cleaned(sailing(1, minutes, lat))
    gaps = dv.find_gaps(fixes)
    found = dv.add_made_good(gaps, fixes)
    times = fixes["timestamp"].tolist()
    for row in found.itertuples():
        for side, order in (("start", range(len(times) - 1, -1, -1)), ("end", range(len(times)))):
            at = times.index(getattr(row, f"gap_{side}"))
            outside = [k for k in order if (k < at if side == "start" else k > at)]
            far = [k for k in outside if abs((times[k] - times[at]).total_seconds()) >= 180]
            expected = np.nan
            if far and abs((times[far[0]] - times[at]).total_seconds()) <= 3600:
                hours = abs((times[far[0]] - times[at]).total_seconds()) / 3600
                expected = abs(lat[far[0]] - lat[at]) * 60 * ARC_MIN_NM / hours
            assert getattr(row, f"{side}_made_good_kn") == pytest.approx(expected, nan_ok=True, abs=1e-6)


def test_what_ships_report_counts_first():
    table = pd.DataFrame(
        {
            "start_sog": [7.0, np.nan], "start_cog": [np.nan, 10.0], "end_sog": [np.nan] * 2, "end_cog": [5.0] * 2,
            "start_made_good_kn": [8.0, 9.0], "start_made_good_deg": [20.0, 30.0],
        }
    )  # fmt: skip
    filled = with_made_good(table)
    assert filled["start_sog"].tolist() == [7.0, 9.0]
    assert filled["start_cog"].tolist() == [20.0, 10.0]
    assert filled["start_course_weight"].tolist() == [0.5, 1.0]
    assert filled["end_course_weight"].tolist() == [1.0] * 2
    assert filled["end_sog"].isna().all()
    assert filled["end_cog"].tolist() == [5.0] * 2
