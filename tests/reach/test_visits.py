import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import destination
from darkvoyage.reach.visits import find_port_visits
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import moment_us
from tests import contracts, oracle
from tests.worlds import START, hours

KM = 1 / 1.852


def port(port_id="AAAAA", lat=42.0, lon=131.0, radius_nm=0.0, kind="port"):
    return pd.DataFrame(
        {
            "port_id": [port_id], "name": port_id, "kind": kind, "country": None, "lat": lat, "lon": lon,
            "radius_nm": radius_nm, "sensitive": False,
        }
    )  # fmt: skip


def track(rows, mmsi=299_000_001):
    """Fixes from (hour, km south of the port, knots)."""
    hour, km, speed = (np.array(column, dtype="float64") for column in zip(*rows, strict=True))
    lat, lon = destination(np.full(len(km), 42.0), np.full(len(km), 131.0), 180.0, km * KM)
    return pd.DataFrame({"mmsi": mmsi, "timestamp": hours(hour), "lat": lat, "lon": lon, "sog": speed})


def visits(rows, **options):
    return find_port_visits(track(rows), port(), **options)


def only(table):
    assert len(table) == 1
    return table.iloc[0]


def at(hour):
    return START + pd.Timedelta(hour, unit="h")


def test_a_call_by_hand():
    # In at 1 h, stopped from 2 h, silent from 2 to 10 h, moving again at 10 h; 3.5 km is still in, 4.1 km is out.
    row = only(visits([(0, 20, 10), (1, 2.9, 5), (2, 0.5, 0.1), (10, 0.5, 0.6), (11, 3.5, 8), (12, 4.1, 10)]))
    assert row["arrive"] == at(1)
    assert row["depart"] == at(12)
    assert row["stop_h"] == 8.0
    assert row["gap_h"] == 8.0
    assert row["confidence"] == 4
    assert row["port_id"] == "AAAAA"
    assert row["visit_id"] == "299000001-2024-04-01T01:00:00.000000-AAAAA"


def test_distances_keep_the_state_between_the_bounds():
    row = only(visits([(0, 3.5, 5), (0.5, 2.99, 5), (1, 3.99, 5), (1.5, 4.01, 5), (2, 3.2, 5)]))
    assert (row["arrive"], row["depart"], row["confidence"]) == (at(0.5), at(1.5), 1)


def test_speeds_keep_the_state_between_the_bounds():
    row = only(visits([(0, 20, 10), (0.5, 1, 0.3), (1, 1, 0.2), (1.5, 1, 0.49), (2, 1, 0.5), (2.5, 20, 10)]))
    assert row["stop_h"] == 1.0
    assert row["confidence"] == 4


@pytest.mark.parametrize(("minutes", "gap_h", "confidence"), [(239, 0.0, 1), (240, 4.0, 4)])
def test_a_silence_of_four_hours_counts(minutes, gap_h, confidence):
    row = only(visits([(0, 20, 10), (1, 2, 3), (1 + minutes / 60, 2, 3), (6, 20, 10)]))
    assert (row["gap_h"], row["stop_h"], row["confidence"]) == (gap_h, 0.0, confidence)


def test_silent_in_port_and_heard_again_at_sea():
    # 32.5 h: the way out is inside the silence, the visit ends with the fix at sea.
    row = only(visits([(0, 20, 10), (1, 2, 3), (33.5, 400, 12)]))
    assert row["gap_h"] == 32.5
    assert row["depart"] - row["arrive"] == pd.Timedelta(32.5, unit="h")
    assert row["confidence"] == 4


def test_first_fix_in_port_is_no_entry():
    row = only(visits([(0, 1, 0.1), (10, 1, 0.1), (11, 20, 9)]))
    assert (row["arrive"], row["confidence"], row["stop_h"], row["gap_h"]) == (at(0), 3, 11.0, 10.0)


def test_silent_in_port_and_not_heard_again():
    rows = [(0, 20, 10), (1, 2, 3)]
    row = only(visits(rows))
    assert (row["confidence"], row["gap_h"]) == (1, 0.0)
    assert pd.isna(row["depart"])
    assert (only(visits(rows, as_of=at(5)))["confidence"], only(visits(rows, as_of=at(4.9)))["confidence"]) == (3, 1)


def test_only_a_stop_is_two_and_nothing_is_no_visit():
    assert only(visits([(0, 1, 0.0), (1, 1, 0.0)]))["confidence"] == 2
    assert len(visits([(0, 1, 3.0), (1, 1.1, 3.0)])) == 0
    assert len(visits([(0, 5, 10), (33, 5, 10)])) == 0


def test_a_stop_ends_with_the_visit():
    # Slow outside, then 0.3 kn inside: not a stop, because no fix in port was at 0.2 kn.
    row = only(visits([(0, 4.5, 0.1), (1, 2, 0.3), (2, 4.5, 0.1)]))
    assert (row["stop_h"], row["confidence"]) == (0.0, 1)


def test_without_speed_the_way_since_the_last_fix_counts():
    # 2 km in an hour is 1.08 kn; 0.3 km in the next is 0.16 kn.
    fixes = track([(0, 4.2, 0), (1, 2.2, 0), (2, 1.9, 0), (3, 5, 0)])
    assert only(find_port_visits(fixes.drop(columns="sog"), port()))["stop_h"] == 1.0


def test_a_feed_that_says_0_throughout_reports_no_speed():
    # Past the port at 10.8 kn: its circle is crossed without a stop. A ship that stays near may lie still for weeks.
    passing = [(0, 40, 0), (1, 20, 0), (1.9, 2, 0), (2, 1, 0), (2.1, 3, 0), (3, 23, 0)]
    assert only(visits(passing))["confidence"] == 1
    assert only(visits([(hour, km, speed + 1e-9) for hour, km, speed in passing]))["stop_h"] > 0
    assert only(visits([(0, 1.0, 0), (3, 1.0, 0)]))["stop_h"] == 3.0


def test_the_radius_of_the_port_is_the_way_in():
    rows = [(0, 20, 10), (1, 5.5, 0.0), (2, 7.3, 5.0), (3, 7.5, 5.0)]
    assert len(visits(rows)) == 0
    row = only(find_port_visits(track(rows), port(radius_nm=3.0)))  # 5.6 km in, 7.4 km out
    assert (row["arrive"], row["depart"], row["stop_h"]) == (at(1), at(3), 1.0)


def test_the_port_is_where_the_ship_lay():
    # Through the circle of A to a berth 0.5 km from B, 3 km further south: one stay, named after B.
    places = pd.concat([port("AAAAA"), port("BBBBB", lat=42.0 - 3.0 / 111.2)], ignore_index=True)
    row = only(
        find_port_visits(track([(0, 20, 9), (1, 5, 3), (2, 0.1, 2), (3, 3.5, 0), (9, 3.5, 1), (10, 20, 9)]), places)
    )
    assert (row["port_id"], row["arrive"], row["depart"], row["stop_h"]) == ("BBBBB", at(1), at(10), 6.0)
    away = track([(0, 20, 9), (1, 5, 3), (2, 0.1, 2), (4, 3.5, 3), (5, 20, 9)])
    assert only(find_port_visits(away, places))["port_id"] == "AAAAA"  # never stopped, two hours beside A, one beside B


def test_ship_to_ship_areas_are_no_ports():
    rows = [(0, 20, 10), (1, 1, 0), (9, 1, 0), (10, 20, 10)]
    assert len(find_port_visits(track(rows), port(kind="sts"))) == 0
    assert len(find_port_visits(track(rows), port(kind="anchorage"))) == 1
    assert len(find_port_visits(track(rows), port(kind=None))) == 1


def test_fixes_that_the_cleaning_refuses_do_not_count():
    rows = [(0, 1, 0), (1, 1, 0), (2, 1, 0)]
    jump = track([(1.5, 900, 12)])
    fixes = pd.concat([track(rows), jump], ignore_index=True)
    assert pd.isna(only(find_port_visits(fixes, port()))["depart"])
    lost = track([(1.5, 1, 9)]).assign(lat=np.nan)
    assert only(find_port_visits(pd.concat([track(rows), lost]), port()))["stop_h"] == 2.0


def test_as_of_must_be_a_time_with_a_zone():
    with pytest.raises(dv.RuleError, match="as_of"):
        visits([(0, 1, 0)], as_of="2024-04-01")


_kms = st.sampled_from([0.1, 1.0, 2.9, 3.1, 3.9, 4.1, 6.0, 9.0])
_speeds = st.sampled_from([0.0, 0.2, 0.3, 0.5, 7.0, np.nan])
_rows = st.tuples(st.sampled_from([1, 2]), st.integers(0, 80), _kms, st.sampled_from([0, 90, 200]), _speeds)


@st.composite
def harbour_days(draw):
    """Two ships around three ports of two sizes whose circles meet; times of quarter hours, many waits near 4 h."""
    rows = draw(st.lists(_rows, max_size=25, unique_by=lambda row: row[:2]))
    mmsi, quarter, km, course, speed = zip(*rows, strict=True) if rows else ((),) * 5
    lat, lon = destination(
        np.full(len(km), 42.0), np.full(len(km), 180.0), np.array(course, dtype="float64"), np.array(km) * KM
    )
    table = pd.DataFrame(
        {
            "mmsi": 299_000_000 + np.array(mmsi, dtype="int64"), "timestamp": hours(np.array(quarter) / 4),
            "lat": lat, "lon": lon, "sog": np.array(speed, dtype="float64"),
        }
    )  # fmt: skip
    return conform(table, FIXES)


def harbour():
    south = port("AAAAA", lat=42.0, lon=180.0)
    east = port("BBBBB", lat=42.0, lon=-179.95, radius_nm=2.5)
    return pd.concat([port("CCCCC", lat=42.02, lon=180.0), east, south], ignore_index=True)


def as_rows(table):
    table = table.astype({"timestamp": "int64"}) if len(table) else table
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in table.sort_values(["mmsi", "timestamp"]).to_dict("records")
    ]


@given(harbour_days(), st.sampled_from([None, 85, 21]))
def test_equals_the_plain_loop(fixes, as_of):
    moment = None if as_of is None else at(as_of / 4)
    seen = fixes if moment is None else fixes[fixes["timestamp"] <= moment]
    cleaned = dv.clean_fixes(seen)
    places = harbour().sort_values("port_id")[["port_id", "lat", "lon", "radius_nm"]].itertuples(index=False)
    expected = oracle.port_visits(as_rows(cleaned), list(places), as_of=moment and moment_us(moment, "as_of"))
    found = find_port_visits(fixes, harbour(), as_of=moment)
    for name in ("mmsi", "track_id", "port_id", "confidence"):
        assert found[name].tolist() == [visit[name] for visit in expected]
    assert found["arrive"].astype("int64").tolist() == [visit["arrive"] for visit in expected]
    departed = found["depart"].astype("int64").where(found["depart"].notna()).tolist()
    assert [None if np.isnan(x) else x for x in departed] == [visit["depart"] for visit in expected]
    np.testing.assert_allclose(found["stop_h"], [visit["stop_h"] for visit in expected], atol=1e-9)
    np.testing.assert_allclose(found["gap_h"], [visit["gap_h"] for visit in expected], atol=1e-9)


@settings(max_examples=12)
@given(harbour_days(), st.integers(-400, 400), st.sampled_from([-90.0, 45.0, 180.0]), st.randoms(use_true_random=False))
def test_other_days_other_longitudes_other_order(fixes, days, theta, random):
    found = find_port_visits(fixes, harbour())
    order = list(range(len(fixes)))
    random.shuffle(order)
    assert_frame_equal(find_port_visits(fixes.iloc[order], harbour().iloc[::-1]), found)
    assert_frame_equal(find_port_visits(dv.clean_fixes(fixes), harbour()), found)
    contracts.check_day_shift(lambda table: find_port_visits(table, harbour()), fixes, days)
    turned = find_port_visits(contracts.turn(fixes, theta), contracts.turn(harbour(), theta))
    assert_frame_equal(turned.drop(columns="visit_id"), found.drop(columns="visit_id"))
    if len(fixes):
        contracts.check_concatenation(lambda table: find_port_visits(table, harbour()), fixes)
