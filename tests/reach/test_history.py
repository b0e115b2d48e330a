import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.history import as_history, fleet_history
from darkvoyage.rules.history import HistoryRule
from tests import contracts
from tests.worlds import START, hours

DEG = 1 / 60  # of latitude: one minute, which is 1.0007 nm on the mean sphere
NM = great_circle_nm(0.0, 0.0, DEG, 0.0)


def port(port_id="AAAAA", lat=42.0, lon=131.0):
    return pd.DataFrame(
        {
            "port_id": [port_id], "name": port_id, "kind": "port", "country": None, "lat": lat, "lon": lon,
            "radius_nm": 2.0, "sensitive": False,
        }
    )  # fmt: skip


def northward(rows, mmsi=299_000_001, **columns):
    """Fixes from (hour, minutes of latitude north of 42.0), on one meridian."""
    hour, minutes = (np.array(column, dtype="float64") for column in zip(*rows, strict=True))
    table = {"mmsi": mmsi, "timestamp": hours(hour), "lat": 42.0 + minutes * DEG, "lon": 131.0}
    return pd.DataFrame(table | columns)


def speeds(table, state=None):
    rows = table[table["port_id"].isna()]
    rows = rows[rows["load_state"].isna() if state is None else rows["load_state"] == state]
    return rows.iloc[0] if len(rows) == 1 else None


def visit(table):
    rows = table[table["port_id"].notna()]
    assert len(rows) == 1
    return rows.iloc[0]


def test_speeds_by_hand():
    # 10 nm in each of six hours, then 13 nm in two hours, then an hour at rest that is no passage.
    row = speeds(fleet_history(northward([*((h, 10 * h) for h in range(7)), (8, 73), (9, 73)])))
    assert row["speed_kn"] == pytest.approx(73 * NM / 8)
    assert row["under_way_h"] == 8
    assert row["speed_max_kn"] == pytest.approx(10 * NM)
    # One day of its own: nothing is known of the spread but what holds for ships in general.
    assert row["speed_sd_kn"] == pytest.approx(1.2)


def test_spread_is_that_of_days():
    # 10, 12 and 14 kn on three days of 23 legs: variance 4 with two degrees of freedom, and three days' worth of 1.2.
    day = np.arange(24.0)
    rows, minutes = [], 0.0
    for number, knots in enumerate((10, 12, 14)):
        rows += [(24 * number + hour, minutes + knots * hour) for hour in day]
        minutes += knots * 23 + 0.1
    # The hour over midnight goes 0.1 nm: at rest.
    row = speeds(fleet_history(northward(rows)))
    assert row["speed_sd_kn"] == pytest.approx(np.sqrt((2 * 4 * NM**2 + 3 * 1.2**2) / 5))
    assert row["speed_kn"] == pytest.approx(12 * NM)


def test_a_silence_is_no_leg():
    rows = [(0, 0), (1, 10), (8, 150), (9, 160)]
    row = speeds(fleet_history(northward(rows)))
    assert row["speed_kn"] == pytest.approx(10 * NM)
    assert row["under_way_h"] == 2
    longer = speeds(fleet_history(northward(rows), rule=HistoryRule(longest_leg_h=7.0)))
    assert longer["speed_kn"] == pytest.approx(160 * NM / 9)


def test_old_speeds_are_forgotten():
    rows = [(0, 0), (1, 15), (240, 2000), (241, 2010)]
    assert speeds(fleet_history(northward(rows)))["speed_kn"] == pytest.approx(12.5 * NM)
    assert speeds(fleet_history(northward(rows), rule=HistoryRule(speed_days=9.0)))["speed_kn"] == pytest.approx(
        10 * NM
    )


def test_laden_and_ballast_by_the_ships_own_draughts():
    rows = [(0, 0), (1, 10), (2, 20), (3, 34), (4, 48)]
    draught = np.array([8.0, 8.0, 5.9, 0.0, np.nan])  # 6.0 m is three quarters of 8 m; later values are not reported
    table = fleet_history(northward(rows, draught_m=draught))
    assert speeds(table, "laden")["speed_kn"] == pytest.approx(10 * NM)
    assert speeds(table, "ballast")["speed_kn"] == pytest.approx(14 * NM)
    assert speeds(table)["speed_kn"] == pytest.approx(12 * NM)
    same = fleet_history(northward(rows, draught_m=[8.0, 6.1, 8.0, 8.0, 25.5]))
    assert len(same) == 1
    assert speeds(same)["load_state"] is None or pd.isna(speeds(same)["load_state"])


def test_waiting_before_the_berth_by_hand():
    # At anchor 20 nm off from 2 h to 12 h, drifting 40 nm off for an hour before that, two hours of way in between.
    rows = [
        (0, 41),
        (1, 40),
        *((hour, 20) for hour in range(3, 13)),
        (14, 0.1),
        *((h, 0.1) for h in range(15, 24)),
        (26, 30),
    ]
    row = visit(fleet_history(northward(rows, sog=np.where(np.arange(len(rows)) > 12, 0.0, 8.0)), ports=port()))
    assert row["wait_h"] == 9
    assert row["arrive"] == START + pd.Timedelta(14, unit="h")
    near = fleet_history(northward(rows, sog=0.0), ports=port(), rule=HistoryRule(wait_nm=10.0))
    assert visit(near)["wait_h"] == 0
    assert visit(fleet_history(northward(rows, sog=0.0), ports=port(), rule=HistoryRule(wait_nm=41.0)))["wait_h"] == 10
    late = fleet_history(northward(rows, sog=0.0), ports=port(), rule=HistoryRule(longest_wait_h=5.0))
    assert visit(late)["wait_h"] == 3  # legs that begin within five hours before the arrival: from 9, 10, 11 h


def test_who_was_not_heard_coming_has_no_waiting_time():
    table = fleet_history(northward([(0, 0), (10, 0), (12, 30)], sog=0.0), ports=port())
    assert np.isnan(visit(table)["wait_h"])


def test_the_stay_before_is_no_waiting():
    # From A to B, 20 nm apart: the hours in A are within 30 nm of B and slow.
    places = pd.concat([port(), port("BBBBB", lat=42.0 + 20 * DEG)], ignore_index=True)
    rows = [(0, -30), *((h, 0) for h in range(3, 10)), (10, 10), (11, 20), (12, 20), (13, 20), (15, 60)]
    table = fleet_history(northward(rows, sog=np.r_[9.0, np.zeros(7), 9.0, np.zeros(3), 9.0]), ports=places)
    assert table.loc[table["port_id"].notna(), ["port_id", "wait_h"]].to_numpy().tolist() == [
        ["AAAAA", 0.0],
        ["BBBBB", 0.0],
    ]


def test_visits_are_those_with_a_stop_or_a_silence():
    rows = [(0, 20), (1, 1), (2, -20)]
    assert fleet_history(northward(rows, sog=9.0), ports=port())["port_id"].isna().all()
    stopping = northward(rows, sog=[9.0, 0.0, 9.0])
    given_visits = fleet_history(stopping, visits=dv.find_port_visits(stopping, port()))
    assert_frame_equal(given_visits, fleet_history(stopping, ports=port()))
    assert visit(given_visits)["confidence"] == 4


def test_what_the_ship_reported_last():
    table = fleet_history(
        northward([(0, 0), (1, 10), (2, 20)], ship_type=[70.0, 80.0, None], length_m=[100.0, 90.0, None])
    )
    assert table[["ship_type", "length_m"]].to_numpy().tolist() == [[80, 90.0]]


def test_any_past_in_one_form():
    plain = pd.DataFrame({"mmsi": [2, 1], "port_id": ["BBBBB", "AAAAA"]})
    assert as_history(plain)["port_id"].tolist() == ["AAAAA", "BBBBB"]
    assert as_history(pd.DataFrame({"mmsi": [1], "speed_kn": [11.0]}))["speed_kn"].tolist() == [11.0]
    assert len(as_history(None)) == 0
    assert list(as_history(None).columns) == list(as_history(plain).columns)
    with pytest.raises(dv.SchemaError, match=r"HISTORY.*mmsi"):
        as_history(pd.DataFrame({"port_id": ["AAAAA"]}))


@pytest.mark.parametrize("options", [{"leg_h": 0}, {"laden_share": 1.0}, {"detour_nm": 0.0}, {"wait_kn": -1.0}])
def test_rules_check_their_bounds(options):
    with pytest.raises(dv.RuleError, match=f"HistoryRule.{next(iter(options))}"):
        HistoryRule(**options)


_fixes = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.integers(0, 60), st.sampled_from([0.0, 0.5, 8.0, 20.0, 33.0, 60.0])),
    max_size=24,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=40)
@given(_fixes)
def test_equals_the_plain_loop(rows):
    rows = sorted(rows)
    table = pd.DataFrame(
        {
            "mmsi": np.array([299_000_000 + ship for ship, _, _ in rows], dtype="int64"),
            "timestamp": hours([half / 2 for _, half, _ in rows]),
            "lat": np.array([42.0 + m * DEG for _, _, m in rows]), "lon": 131.0, "sog": 0.0,
        }
    )  # fmt: skip
    cleaned = dv.clean_fixes(table)
    found = fleet_history(cleaned, ports=port())
    expected = plain_speeds(cleaned[cleaned["flag"].isna()])
    assert {row.mmsi: (row.speed_kn, row.under_way_h) for row in found[found["port_id"].isna()].itertuples()} == {
        ship: pytest.approx(values) for ship, values in expected.items()
    }
    visits = dv.find_port_visits(cleaned, port())
    waits = plain_waits(cleaned[cleaned["flag"].isna()], visits[visits["confidence"] > 1])
    rows = found[found["port_id"].notna()]
    assert [None if np.isnan(x) else x for x in rows["wait_h"]] == [x and pytest.approx(x) for x in waits]


def plain_legs(track):
    """Legs of one track from the first fix of a clock hour to the first of the next that has one."""
    firsts = []
    for fix in track.itertuples():
        if not firsts or fix.timestamp.floor("h") > firsts[-1].timestamp.floor("h"):
            firsts.append(fix)
    for a, b in itertools.pairwise(firsts):
        took = (b.timestamp - a.timestamp) / pd.Timedelta(1, unit="h")
        if 0.5 <= took <= 6:
            yield a, b, took, float(great_circle_nm(a.lat, a.lon, b.lat, b.lon))


def plain_speeds(fixes):
    out = {}
    for mmsi, ship in fixes.groupby("mmsi"):
        nm = h = 0.0
        for _, track in ship.groupby("track_id"):
            for _, _, took, way in plain_legs(track):
                if way / took >= 3:
                    nm, h = nm + way, h + took
        if h:
            out[mmsi] = (nm / h, h)
    return out


def plain_waits(fixes, visits):
    out = []
    for call in visits.sort_values(["arrive", "mmsi"], kind="stable").sort_values("mmsi", kind="stable").itertuples():
        track = fixes[fixes["track_id"] == call.track_id]
        earlier = visits[(visits["track_id"] == call.track_id) & (visits["arrive"] < call.arrive)]
        left = earlier["depart"].max() if len(earlier) else pd.Timestamp.min.tz_localize("UTC")
        if not (track["timestamp"] < call.arrive).any():
            out.append(None)
            continue
        at = track[track["timestamp"] == call.arrive].iloc[0]
        out.append(
            sum(
                took
                for a, b, took, way in plain_legs(track)
                if way / took < 1.5 and a.timestamp >= left and b.timestamp <= call.arrive
                and great_circle_nm(a.lat, a.lon, at.lat, at.lon) <= 30
            )
        )  # fmt: skip
    return out


@pytest.mark.parametrize("days", [-400, 3])
def test_other_days(days):
    contracts.check_day_shift(lambda table: fleet_history(table, ports=contracts.harbours()), contracts.callers(), days)


@pytest.mark.parametrize("theta", [49.0, 180.0])
def test_other_longitudes(theta):
    turned = fleet_history(
        contracts.turn(contracts.callers(), theta), ports=contracts.turn(contracts.harbours(), theta)
    )
    assert_frame_equal(turned, fleet_history(contracts.callers(), ports=contracts.harbours()))
