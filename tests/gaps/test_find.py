import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.gaps.table import gap_ids
from darkvoyage.schema.tables import GAPS
from tests import oracle, strategies

SHIP = 273123450
T0 = pd.Timestamp("2024-03-01", tz="UTC")
US = pd.Timedelta(1, unit="us")


def fixes(hours, *, lat=10.0, lon=20.0, mmsi=SHIP, **columns):
    times = T0 + pd.to_timedelta(np.array(hours, dtype="float64") * 3600, unit="s").round("us")
    return pd.DataFrame({"mmsi": mmsi, "timestamp": times, "lat": lat, "lon": lon} | columns)


def at(hours):
    return T0 + pd.Timedelta(hours, unit="h")


@pytest.mark.parametrize(("extra", "found"), [(-1, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("hours", [6.0, 12.0, 0.1])
def test_the_threshold_is_strict_to_the_microsecond(hours, extra, found):
    table = fixes([0, hours])
    table.loc[1, "timestamp"] += extra * US
    assert len(dv.find_gaps(table, rule=dv.GapRule(min_gap_h=hours))) == found
    opened = dv.find_gaps(table[:1], rule=dv.GapRule(min_gap_h=hours), as_of=table["timestamp"][1])
    assert len(opened) == found


def test_one_gap_by_hand():
    table = fixes([0, 1, 2, 10, 11], lat=[0.0, 0.0, 0.0, 0.0, 0.5], lon=[0.0, 0.5, 1.0, 2.0, 2.0])
    table = table.assign(sog=[1.0, 2, 3, 4, 5], cog=[10.0, 20, 30, 40, 50], nav_status=[0, 0, 1, 5, 0])
    gaps = dv.find_gaps(table)
    assert tuple(gaps.columns) == GAPS.names
    assert len(gaps) == 1
    gap = gaps.iloc[0]
    assert (gap["gap_start"], gap["gap_end"], gap["is_closed"]) == (at(2), at(10), True)
    assert (gap["mmsi"], gap["track_id"]) == (SHIP, f"{SHIP}-0")
    assert gap["duration_h"] == 8.0
    # One degree of the equator of WGS 84: 111319.4908 m.
    assert gap["distance_nm"] == pytest.approx(111319.4908 / 1852, abs=1e-6)
    assert gap["implied_speed_kn"] == pytest.approx(111319.4908 / 1852 / 8, abs=1e-6)
    assert gap[["start_lat", "start_lon", "start_sog", "start_cog", "start_nav_status"]].tolist() == [0, 1, 3, 30, 1]
    assert gap[["end_lat", "end_lon", "end_sog", "end_cog", "end_nav_status"]].tolist() == [0, 2, 4, 40, 5]
    assert gap[["fixes_before_12h", "fixes_after_12h"]].tolist() == [3, 2]


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_fixes(rows):
    assert len(dv.find_gaps(fixes([0, 10])[:rows])) == 0


def test_distance_across_the_antimeridian():
    gap = dv.find_gaps(fixes([0, 10], lat=0.0, lon=[179.5, -179.5])).iloc[0]
    assert gap["distance_nm"] == pytest.approx(111319.4908 / 1852, abs=1e-6)
    assert (gap["start_lon"], gap["end_lon"]) == (179.5, -179.5)


def test_distance_over_the_pole():
    # Meridian from 89 N to 89 N on the other side: 2 x 111,693.9 m.
    gap = dv.find_gaps(fixes([0, 10], lat=89.0, lon=[0.0, 180.0])).iloc[0]
    assert gap["distance_nm"] * 1852 == pytest.approx(2 * 111693.9, abs=0.2)


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize(("lat", "lon"), [(np.nan, np.nan), (91.0, 181.0), (np.nan, 20.0)])
def test_fixes_without_position_bound_gaps(where, lat, lon):
    table = fixes([0, 10])
    table.loc[where, ["lat", "lon"]] = lat, lon
    gap = dv.find_gaps(table).iloc[0]
    assert gap["duration_h"] == 10
    assert pd.isna(gap[["distance_nm", "implied_speed_kn"]]).all()
    side = ("start", "end")[where]
    assert pd.isna(gap[[f"{side}_lat", f"{side}_lon"]]).all()


def test_a_fix_without_position_ends_the_silence():
    table = fixes([0, 5, 10], lat=[10.0, np.nan, 10.0])
    assert len(dv.find_gaps(table)) == 0


@pytest.mark.parametrize("flag", ["equipment", "duplicate", "conflict", "jump", "time", "of my own"])
def test_flagged_rows_do_not_bound_gaps(flag):
    table = fixes([0, 5, 10]).assign(track_id="x", flag=[None, flag, None])
    gaps = dv.find_gaps(table)
    assert gaps["duration_h"].tolist() == [10]
    assert gaps["fixes_before_12h"].tolist() == [1]


def test_equal_times_count_once():
    table = pd.concat([fixes([0, 1, 10])] * 3)
    gap = dv.find_gaps(table).iloc[0]
    assert gap[["fixes_before_12h", "fixes_after_12h"]].tolist() == [2, 1]


@pytest.mark.parametrize("lat", [np.nan, -95.0, 95.0])
def test_of_equal_times_the_one_with_a_position_bounds(lat):
    table = fixes([0, 0, 10], lat=[lat, 10.0, 10.0])
    assert dv.find_gaps(table)["distance_nm"].tolist() == [0.0]


def test_counts_by_receiver_at_the_edge_of_the_window():
    # The window is closed at 12 h: [start - 12 h, start], [end, end + 12 h].
    kinds = ["satellite", "terrestrial", "dynamic", "unknown", "satellite", "terrestrial", None]
    table = fixes([-12.001, -12, -6, -0.5, 0, 10, 22], receiver=kinds)
    gap = dv.find_gaps(table, rule=dv.GapRule(min_gap_h=9)).iloc[0]
    names = ["fixes_before_12h", "fixes_before_12h_ter", "fixes_before_12h_sat", "fixes_before_12h_dyn"]
    assert gap[names].tolist() == [4, 1, 1, 1]
    assert gap["fixes_after_12h"] == 2


def test_voyage_values_by_hand():
    table = fixes(
        [0, 1, 2, 12, 13, 35, 36.5, 60],
        draught_m=[np.nan, 7.0, np.nan, np.nan, 4.0, np.nan, 5.0, 6.0],
        destination=["A", None, None, None, None, "C", "D", None],
    )
    gaps = dv.find_gaps(table)
    assert gaps["gap_start"].tolist() == [at(2), at(13), at(36.5)]
    assert gaps["start_draught_m"].tolist() == [7, 4, 5]
    assert gaps["start_draught_age_h"].tolist() == [1, 0, 0]
    assert gaps["end_draught_m"].tolist() == [4, 5, 6]
    assert gaps["end_draught_age_h"].tolist() == [1, 1.5, 0]
    assert gaps["start_destination"].tolist() == ["A", "A", "D"]
    # After the first gap nothing is said before the next one begins.
    assert gaps["end_destination"].isna().tolist() == [True, False, True]
    assert gaps["end_destination"][1] == "C"


@pytest.mark.parametrize(("hours", "known"), [(34, True), (34.001, False)])
def test_end_values_within_a_day(hours, known):
    table = fixes([0, 10, 15, 20, 25, 30, hours], destination=[None] * 6 + ["PORT"])
    assert dv.find_gaps(table)["end_destination"].notna().tolist() == [known]


def test_values_received_before_the_gap_are_not_end_values():
    stamps = [at(0), at(0), at(11)]
    table = fixes([1, 10, 12], draught_m=[8.0, 8.0, 5.0], draught_timestamp=stamps)
    gap = dv.find_gaps(table).iloc[0]
    assert gap[["start_draught_m", "start_draught_age_h", "end_draught_m", "end_draught_age_h"]].tolist() == [
        8,
        1,
        5,
        1,
    ]


def test_a_value_is_not_received_after_its_own_report():
    # A clock ahead of the fix: the value is as old as the fix that carries it.
    table = fixes([1, 2, 12], draught_m=[8.0, np.nan, 5.0], draught_timestamp=[at(99), pd.NaT, at(99)])
    gap = dv.find_gaps(table).iloc[0]
    assert gap[["start_draught_m", "start_draught_age_h", "end_draught_m", "end_draught_age_h"]].tolist() == [
        8,
        1,
        5,
        0,
    ]


def test_what_is_heard_after_the_gap_does_not_reach_back():
    # Received before the gap, but first reported after it: not known at the start, and no end value.
    table = fixes([1, 10], draught_m=[np.nan, 8.0], draught_timestamp=[pd.NaT, at(0)])
    gap = dv.find_gaps(table).iloc[0]
    assert pd.isna(gap[["start_draught_m", "end_draught_m"]]).all()


def test_open_gap():
    table = fixes([0, 1, 10], draught_m=[7.0, np.nan, np.nan])
    gaps = dv.find_gaps(table, as_of=at(20.5).isoformat())
    assert gaps["is_closed"].tolist() == [True, False]
    last = gaps.iloc[1]
    assert last["duration_h"] == 10.5
    assert pd.isna(last[[name for name in gaps.columns if name.startswith("end_")] + ["gap_end", "distance_nm"]]).all()
    assert last[["fixes_after_12h", "start_draught_m"]].tolist() == [0, 7]


def test_an_open_gap_keeps_its_id_when_it_closes():
    table = fixes([0, 1, 10])
    opened = dv.find_gaps(table, as_of=at(9))
    assert opened["is_closed"].tolist() == [False]
    assert opened["gap_id"].tolist() == dv.find_gaps(table)["gap_id"].tolist()


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_what_comes_later_changes_nothing_at_the_moment(hour):
    rng = np.random.default_rng(7)
    table = fixes(np.sort(rng.uniform(0, 24, 60)), lat=rng.uniform(-60, 60, 60).round(2))
    moment = at(hour)
    rule = dv.GapRule(min_gap_h=0.5)
    known = table[table["timestamp"] <= moment]
    assert_frame_equal(dv.find_gaps(table, rule=rule, as_of=moment), dv.find_gaps(known, rule=rule, as_of=moment))


@pytest.mark.parametrize(
    ("as_of", "message"),
    [("2024-03-01", "naive"), ("soon", "timezone-aware"), (5, "timezone-aware"), (pd.NaT, "naive"), ("now", "naive")],
)
def test_as_of_must_be_a_time_with_a_zone(as_of, message):
    with pytest.raises(dv.RuleError, match=message):
        dv.find_gaps(fixes([0, 10]), as_of=as_of)


def test_gap_ids_depend_on_ship_time_and_place_only():
    mmsi, time = np.array([SHIP] * 2), np.array([1_709_251_200_000_000] * 2)
    lat, lon = np.array([10.0, np.nan]), np.array([20.0, np.nan])
    ids = gap_ids(mmsi, time, lat, lon)
    assert ids.str.fullmatch("[0-9a-f]{32}").all()
    assert ids.nunique() == 2
    for other in (gap_ids(mmsi + 1, time, lat, lon), gap_ids(mmsi, time + 1, lat, lon), gap_ids(mmsi, time, -lat, lon)):
        assert ids[0] != other[0]
    # Less than half a unit of 1e-5 degree off, and zeros of either sign, are the same place.
    assert gap_ids(mmsi, time, lat + 1e-9, lon).tolist() == ids.tolist()
    assert gap_ids(mmsi, time, lat * 0, lon)[0] == gap_ids(mmsi, time, lat * -0.0, lon)[0]
    assert gap_ids(mmsi[:0], time[:0], lat[:0], lon[:0]).tolist() == []


def test_gap_ids_are_the_same_everywhere():
    """Splitmix64 over four words with Python's own integers."""

    def mixed(state):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        return state ^ state >> 31

    expected = ""
    for lane in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03):
        for word in (SHIP, 1_709_251_200_000_000, 4_280_000, 13_307_000):
            lane = mixed(lane ^ word)
        expected += f"{lane:016x}"
    ids = gap_ids(np.array([SHIP]), np.array([1_709_251_200_000_000]), np.array([42.8]), np.array([133.07]))
    assert ids.tolist() == [expected]


def test_no_gap_between_two_ships_of_one_mmsi():
    # Each reports every four hours in its own ocean; one falls silent for 12 h, which the other would cover.
    one = fixes(np.r_[np.arange(0, 48, 4), np.arange(60, 100, 4)], lat=0.0, lon=0.0)
    two = fixes(np.arange(2, 100, 4), lat=50.0, lon=100.0)
    gaps = dv.find_gaps(pd.concat([one, two]))
    assert gaps[["gap_start", "gap_end"]].to_numpy().tolist() == [[at(44), at(60)]]
    assert gaps["distance_nm"].tolist() == [0]


def test_a_callers_track_ids_need_no_form():
    table = fixes([0, 10, 0, 10], lat=[0.0, 0, 50, 50]).assign(track_id=["b", "b", "a", "a"], flag=None)
    gaps = dv.find_gaps(table)
    assert gaps["track_id"].tolist() == ["b", "a"] or gaps["track_id"].tolist() == ["a", "b"]
    assert gaps["duration_h"].tolist() == [10, 10]


def test_a_callers_track_id_is_per_mmsi():
    table = fixes([0, 10, 5, 7], mmsi=[SHIP, SHIP, SHIP + 1, SHIP + 1]).assign(track_id="0", flag=None)
    assert dv.find_gaps(table)["duration_h"].tolist() == [10]


def test_static_values():
    table = fixes([0, 10, 11], ais_class=["A", None, "B"], ship_type=[None, 80, 81], length_m=np.nan, imo=[None] * 3)
    gap = dv.find_gaps(table).iloc[0]
    assert (gap["ais_class"], gap["ship_type"]) == ("A", 80)
    assert pd.isna(gap[["length_m", "imo"]]).all()


def rows_of(cleaned):
    """Rows of a table as dicts of plain values, for the oracle."""
    out = []
    for row in cleaned.to_dict("records"):
        plain = {name: None if pd.isna(value) else value for name, value in row.items()}
        for name in ("timestamp", "draught_timestamp"):
            if plain.get(name) is not None:
                plain[name] = (plain[name] - pd.Timestamp(0, tz="UTC")) // US
        out.append(plain)
    return out


def compare(gaps, expected):
    gaps = gaps.sort_values(["mmsi", "gap_start", "track_id"], ignore_index=True)
    assert len(gaps) == len(expected)
    for mine, theirs in zip(rows_of(gaps), expected, strict=True):
        for name, value in theirs.items():
            got = mine[name]
            if name in ("gap_start", "gap_end") and got is not None:
                got = (got - pd.Timestamp(0, tz="UTC")) // US
            if name == "distance_nm" and value is not None:
                assert got == pytest.approx(value, rel=0.006, abs=1e-6)
            elif name in ("duration_h", "start_draught_age_h", "end_draught_age_h") and value is not None:
                assert got == pytest.approx(value, rel=1e-12)
            else:
                assert got == value, name


@given(
    strategies.fixes(),
    st.sampled_from([0.25, 6.0, 11.5, 12.0]),
    st.sampled_from([12.0, 1.0, 24.0]),
    st.one_of(st.none(), st.integers(0, 100)),
)
def test_find_gaps_twin(table, min_gap_h, lookback_h, hours):
    cleaned = dv.clean_fixes(table)
    as_of = None if hours is None else strategies.EPOCH + pd.Timedelta(hours, unit="h")
    expected = oracle.gaps(
        rows_of(cleaned),
        min_gap_h=min_gap_h,
        lookback_h=lookback_h,
        as_of=None if as_of is None else (as_of - pd.Timestamp(0, tz="UTC")) // US,
    )
    rule = dv.GapRule(min_gap_h=min_gap_h, lookback_h=lookback_h)
    compare(dv.find_gaps(cleaned, rule=rule, as_of=as_of), expected)


@given(strategies.fixes(), st.data())
def test_find_gaps_twin_on_any_tracks(table, data):
    count = len(table)
    track = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=count, max_size=count))
    flag = data.draw(
        st.lists(st.sampled_from([None, None, None, "jump", "no_position"]), min_size=count, max_size=count)
    )
    # Ties beyond position are settled by the order of content, which is not the twin's business.
    given = table.assign(track_id=pd.Series(track, dtype="str"), flag=pd.Series(flag, dtype="str"))
    given = given.drop_duplicates(["mmsi", "track_id", "timestamp"])
    gaps = dv.find_gaps(given)
    compare(gaps, oracle.gaps(rows_of(given), min_gap_h=6.0))
    assert gaps["gap_id"].str.len().eq(32).all()
