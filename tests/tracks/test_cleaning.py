import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.schema.tables import FIXES
from tests import oracle, strategies

SHIP = 273123450
T0 = pd.Timestamp("2024-03-01", tz="UTC")


def fixes(rows, **columns):
    """FIXES of (minutes, lat, lon[, mmsi])."""
    rows = [(*row, SHIP)[:4] for row in rows]
    minutes, lat, lon, mmsi = zip(*rows, strict=True)
    times = T0 + pd.to_timedelta(np.array(minutes, dtype="float64") * 60, unit="s").round("us")
    data = {"mmsi": mmsi, "timestamp": times, "lat": np.array(lat, float), "lon": np.array(lon, float)}
    return pd.DataFrame(data | columns)


def line(count, *, every=10.0, lat=0.0, lon=0.0, first=0.0):
    """A ship going north at 6 kn: 0.1 degree an hour, nearly."""
    return [(first + k * every, lat + k * every / 600, lon) for k in range(count)]


def flags(table):
    return [None if pd.isna(flag) else flag for flag in dv.clean_fixes(table)["flag"]]


def test_a_plain_voyage_is_all_usable():
    out = dv.clean_fixes(fixes(line(30)))
    assert out["flag"].isna().all()
    assert (out["track_id"] == f"{SHIP}-0").all()
    assert list(out.columns) == ["mmsi", "timestamp", "lat", "lon", "track_id", "flag"]


def test_a_position_spike_is_a_jump():
    rows = line(20)
    rows[7] = (70.0, 30.0, 30.0)
    out = dv.clean_fixes(fixes(rows))
    assert out["flag"].tolist()[7] == "jump"
    assert out["flag"].isna().sum() == 19
    assert out["track_id"].isna().tolist() == [k == 7 for k in range(20)]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_stretch_shorter_than_a_hull_is_jumps(count):
    rows = sorted(line(30) + line(count, lat=40.0, first=101.0))
    assert flags(fixes(rows)).count("jump") == count


def test_a_stretch_of_ten_is_a_hull():
    out = dv.clean_fixes(fixes(sorted(line(30) + line(10, lat=40.0, first=101.0))))
    assert out["flag"].isna().all()
    assert out["track_id"].value_counts().to_dict() == {f"{SHIP}-0": 30, f"{SHIP}-1": 10}


def test_hulls_are_numbered_by_their_first_fix():
    # The later one is the longer.
    out = dv.clean_fixes(fixes(sorted(line(30, lat=40.0, first=1.0) + line(10))))
    assert out.loc[out["lat"] < 20, "track_id"].unique().tolist() == [f"{SHIP}-0"]


def test_spikes_at_both_ends():
    rows = [(-10.0, 50.0, 50.0), *line(20), (200.0, -50.0, 50.0)]
    assert [k for k, flag in enumerate(flags(fixes(rows))) if flag == "jump"] == [0, 21]


@pytest.mark.parametrize(("knots", "jump"), [(49.9, False), (50.1, True)])
def test_the_speed_limit(knots, jump):
    # After an hour, 1 nm of slack aside; a degree of the mean sphere is 60.04054 nm.
    rows = [*line(12, every=1.0), (11 + 60.0, 11 / 600 + (knots + 1) / 60.04054, 0.0)]
    assert ("jump" in flags(fixes(rows))) == jump


def test_the_date_line_is_no_jump():
    rows = [(10.0 * k, 10.0, (179.9 + 0.02 * k + 180) % 360 - 180) for k in range(12)]
    assert flags(fixes(rows)) == [None] * 12


def test_the_pole_is_no_jump():
    rows = [(10.0 * k, 89.99, 40.0 * k - 180) for k in range(9)]
    assert flags(fixes(rows)) == [None] * 9


def test_repeats_are_duplicates_of_the_row_that_stays():
    twice = pd.concat([fixes(line(5))] * 3, ignore_index=True)
    assert flags(twice) == [None, "duplicate", "duplicate"] * 5


def test_speed_and_course_tell_repeats_apart():
    table = fixes([(0, 1.0, 1.0)] * 3, sog=[5.0, 5.0, 6.0], cog=[np.nan, np.nan, np.nan])
    assert flags(table) == [None, "duplicate", "conflict"]


def test_a_repeat_belongs_to_the_hull_of_its_original():
    # Two ships report in the same seconds; each row of the second is repeated.
    first, second = line(12), line(12, lat=40.0)
    out = dv.clean_fixes(fixes(sorted(first + second + second)))
    repeats = out[out["flag"] == "duplicate"]
    assert len(repeats) == 12
    assert (repeats["track_id"] == f"{SHIP}-1").all()
    assert out["flag"].isna().sum() == 24


def test_a_repeat_of_a_jump_belongs_to_no_hull():
    spike = (35.0, 60.0, 60.0)
    out = dv.clean_fixes(fixes(sorted([*line(12), spike, spike])))
    odd = out[out["lat"] > 50]
    assert odd["flag"].tolist() == ["jump", "duplicate"]
    assert odd["track_id"].isna().all()


@pytest.mark.parametrize("lat", [0.012, 45.0], ids=["near", "far"])
def test_of_two_places_at_one_time_one_stays(lat):
    rows = sorted([*line(12), (50.0, lat + 50 / 600, 0.0)])
    out = dv.clean_fixes(fixes(rows))
    assert out["flag"].dropna().tolist() == ["conflict"]
    assert out.loc[out["timestamp"] == T0 + pd.Timedelta("50min"), "flag"].isna().sum() == 1


def test_two_jumps_at_one_time_conflict_with_nobody():
    rows = sorted([*line(12), (55.0, 60.0, 60.0), (55.0, -60.0, 60.0)])
    assert [flag for flag in flags(fixes(rows)) if flag] == ["jump", "jump"]


@pytest.mark.parametrize(
    ("lat", "lon", "flag"),
    [
        (np.nan, 1.0, "no_position"),
        (1.0, np.nan, "no_position"),
        (np.nan, 500.0, "no_position"),
        (91.0, 181.0, "out_of_range"),
        (-90.5, 0.0, "out_of_range"),
        (0.0, 180.5, "out_of_range"),
        (np.inf, 0.0, "out_of_range"),
        (0.0, -180.0, None),
        (90.0, 180.0, None),
    ],
)
def test_impossible_positions(lat, lon, flag):
    out = dv.clean_fixes(fixes([(0, lat, lon)]))
    assert [None if pd.isna(value) else value for value in out["flag"]] == [flag]
    assert out["track_id"].tolist() == [f"{SHIP}-0"]


def test_a_fix_without_position_goes_with_the_hull_heard_last():
    rows = line(12) + line(12, lat=40.0, first=1.0) + [(52.0, np.nan, np.nan), (50.5, np.nan, np.nan)]
    out = dv.clean_fixes(fixes(sorted(rows, key=lambda row: row[0])))
    lost = out[out["flag"] == "no_position"]
    assert lost["track_id"].tolist() == [f"{SHIP}-0", f"{SHIP}-1"]
    before_all = dv.clean_fixes(fixes([(-5, np.nan, 0), *line(3)]))
    assert before_all["track_id"].tolist() == [f"{SHIP}-0"] * 4


@pytest.mark.parametrize("mmsi", [12345, 150402951, 273123450])
def test_malformed_numbers_are_ships(mmsi):
    out = dv.clean_fixes(fixes([(*row, mmsi) for row in line(3)]))
    assert out["flag"].isna().all()
    assert out["track_id"].unique().tolist() == [f"{mmsi}-0"]


@pytest.mark.parametrize("mmsi", [992310001, 970123456, 111232501, 2320001, 823456789, -1, 0])
def test_equipment_has_no_track(mmsi):
    out = dv.clean_fixes(fixes([(*row, mmsi) for row in line(3)]))
    assert (out["flag"] == "equipment").all()
    assert out["track_id"].isna().all()


@pytest.mark.parametrize(("time", "flag"), [("1994-12-31T23:59:59.999999Z", "time"), ("1995-01-01T00:00:00Z", None)])
def test_times_before_ais(time, flag):
    assert flags(fixes([(0, 1, 1)]).assign(timestamp=pd.Timestamp(time))) == [flag]


def test_a_track_outlives_any_silence():
    out = dv.clean_fixes(fixes([*line(3), (60 * 24 * 400, 50.0, 100.0)]))
    assert out["track_id"].tolist() == [f"{SHIP}-0"] * 4
    assert out["flag"].isna().all()


def test_old_verdicts_are_replaced_and_cleaning_twice_is_cleaning_once():
    table = fixes(line(12)).assign(flag="jump", track_id="mine")
    once = dv.clean_fixes(table)
    assert once["flag"].isna().all()
    assert_frame_equal(dv.clean_fixes(once), once)


def test_attributes_are_carried():
    table = fixes(line(3))
    table.attrs["read_report"] = {"rows_in": 3}
    assert dv.clean_fixes(table).attrs == {"read_report": {"rows_in": 3}}


def test_the_rule_is_heeded():
    rows = sorted(line(30) + line(5, lat=40.0, first=101.0))
    out = dv.clean_fixes(fixes(rows), rule=dv.CleanRule(hull_min_fixes=5))
    assert out["track_id"].nunique() == 2
    slow = dv.clean_fixes(fixes(line(30)), rule=dv.CleanRule(max_speed_kn=1, jump_slack_nm=0))
    assert (slow["flag"] == "jump").sum() == 29


def test_interleaved_twins_are_separated():
    """Twenty MMSI, each used by two ships somewhere on Earth that report at their own random times."""
    rng = np.random.default_rng(42)
    parts = []
    for pair in range(20):
        for hull in range(2):
            count = int(rng.integers(60, 200))
            minutes = np.sort(rng.uniform(0, 5 * 24 * 60, count))
            speed_kn, course = rng.uniform(0, 18), rng.uniform(0, 2 * np.pi)
            reach = speed_kn * minutes / 60 / 60
            lat = rng.uniform(-50, 50) + reach * np.cos(course) / 4
            lon = (rng.uniform(-180, 180) + reach * np.sin(course) / 4 + 180) % 360 - 180
            rows = list(zip(minutes, lat, lon, [SHIP + pair] * count, strict=True))
            parts.append(fixes(rows, truth=hull))
    out = dv.clean_fixes(pd.concat(parts, ignore_index=True))
    right = 0
    for _, ship in out.groupby("mmsi"):
        table = pd.crosstab(ship["truth"], ship["track_id"])
        right += max(table.to_numpy()[[0, 1], list(order)].sum() for order in ((0, 1), (1, 0)))
    assert right / len(out) >= 0.95


def test_six_ships_under_one_number_are_six_tracks():
    """They report in random order, so that the next fix of one may be many fixes of the others away."""
    rng = np.random.default_rng(3)
    who = rng.integers(0, 6, 1200)
    out = dv.clean_fixes(fixes(list(zip(np.arange(1200) / 6, who * 20.0 - 50, np.full(1200, 5.0), strict=True))))
    assert out["track_id"].nunique() == 6
    assert out["flag"].isna().mean() > 0.99
    assert len(out[["track_id", "lat"]].dropna().drop_duplicates()) == 6


def test_a_ship_heard_now_and_then_beside_another_is_a_hull():
    # One fix of the second between every twelve of the first: each by itself looks like a lone outlier.
    first = line(360, every=5.0)
    second = line(30, every=60.0, lat=50.0, first=2.5)
    out = dv.clean_fixes(fixes(sorted(first + second)))
    assert out["flag"].isna().all()
    assert out["track_id"].value_counts().tolist() == [360, 30]


@given(strategies.fixes())
def test_single_row_flags_twin(table):
    out = dv.clean_fixes(table)
    assert len(out) == len(table)
    for row in out.to_dict("records"):
        lat, lon = (None if pd.isna(row[name]) else row[name] for name in ("lat", "lon"))
        micros = int((row["timestamp"] - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(1, unit="us"))
        own = oracle.single_row_flag({"mmsi": row["mmsi"], "timestamp": micros, "lat": lat, "lon": lon})
        flag = None if pd.isna(row["flag"]) else row["flag"]
        if own in ("time", "equipment"):
            assert flag == own
        elif own is not None:
            assert flag in (own, "duplicate")
        else:
            assert flag in (None, "duplicate", "jump", "conflict")


@given(strategies.fixes())
def test_usable_fixes_can_be_sailed(table):
    """In one track no two usable fixes share a time, and no step is faster than the rule allows."""
    out = dv.clean_fixes(table)
    assert not out.loc[out["flag"].isna(), "track_id"].isna().any()
    for _, track in out[out["flag"].isna()].groupby("track_id"):
        assert track["timestamp"].is_unique
        rows = list(track[["timestamp", "lat", "lon"]].itertuples(index=False))
        for a, b in itertools.pairwise(rows):
            hours = (b.timestamp - a.timestamp) / pd.Timedelta("1h")
            assert oracle.great_circle_nm(a.lat, a.lon, b.lat, b.lon) <= 1 + 50 * hours + 1e-6
    repeats = out[out["flag"] == "duplicate"]
    what = [name for name in ("mmsi", "timestamp", "lat", "lon", "sog", "cog") if name in out.columns]
    stays = out.loc[out["flag"] != "duplicate", what]
    assert len(repeats.merge(stays, on=what).drop_duplicates()) >= len(repeats.drop_duplicates(what))


def test_outliers_of_one_ship_do_not_hide_those_of_the_next():
    """The last but one fix of a ship and the second of the next are off by 6 nm; each is judged in its own track."""
    one = [(6.0 * k, 0.0, 0.02 * k, SHIP) for k in range(40)]
    one[38:] = [(6.0 * 38, 0.09, 0.76, SHIP), (6.0 * 39, -0.02, 0.78, SHIP)]
    two = [(6.0 * k, 0.0, 0.02 * k, SHIP + 1) for k in range(40)]
    two[:2] = [(0.0, -0.02, 0.0, SHIP + 1), (6.0, 0.09, 0.02, SHIP + 1)]
    alone = pd.concat([dv.clean_fixes(fixes(one)), dv.clean_fixes(fixes(two))], ignore_index=True)
    assert (alone["flag"] == "jump").sum() == 2
    assert_frame_equal(dv.clean_fixes(fixes(one + two)), alone)


def test_columns_out():
    out = dv.clean_fixes(fixes(line(2), receiver="satellite", mine=[1, 2]))
    assert set(out.columns) - set(FIXES.names) == {"mine"}
