import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import FIXES, LOITERING
from tests import contracts
from tests.tracks.test_encounters import START, cleaned, only, sailing

ARC_MIN_NM = 6371.0088 / 1.852 * np.pi / 180 / 60
"""A minute of arc on the mean sphere [nm]."""


def drifting(minutes, knots, mmsi=211000001, **columns):
    """Fixes of a ship that sails north with a speed between each two of them."""
    minutes = np.asarray(minutes, dtype="float64")
    way = np.r_[0.0, np.cumsum(np.diff(minutes) / 60 * np.broadcast_to(knots, len(minutes) - 1))]
    return sailing(mmsi, minutes, way / ARC_MIN_NM / 60, 10.0, **columns)


def linger(*tables, **options):
    return dv.find_loitering(cleaned(*tables), rule=dv.LoiteringRule(**options))


def at(minutes):
    return START + pd.Timedelta(minutes, unit="min")


def test_fast_slow_fast():
    # Three hours at 10 kn, five at 1 kn, three at 10 kn. An hour with x at 10 kn and the rest at 1 kn sails
    # 10 x + (1 - x) = 2 nm for x = 1/9 h: the first slow hour begins 6 2/3 minutes before the ship slows down.
    minutes = np.arange(0, 661, 20)
    row = only(linger(drifting(minutes, np.repeat([10.0, 1.0, 10.0], [9, 15, 9]))))
    assert abs((row["start_time"] - at(180 - 20 / 3)).total_seconds()) < 0.01
    assert abs((row["end_time"] - at(480 + 20 / 3)).total_seconds()) < 0.01
    assert row["duration_h"] == pytest.approx(5 + 2 / 9)
    assert row["distance_nm"] == pytest.approx(5 + 20 / 9, abs=1e-5)
    assert row["mean_speed_kn"] == pytest.approx((5 + 20 / 9) / (5 + 2 / 9), abs=1e-5)
    assert row["lat"] == pytest.approx((30 + 2.5) / ARC_MIN_NM / 60, abs=1e-6)  # symmetric about its middle
    assert (row["track_id"], row["mmsi"], row["fixes"]) == ("211000001-0", 211000001, 16)


def test_exactly_two_knots_are_not_slow():
    minutes = np.arange(0, 601, 7)
    assert linger(drifting(minutes, 2.0)).empty
    assert linger(drifting(minutes, 2.0), hours="clock", min_h=0.0).empty
    row = only(linger(drifting(minutes, 1.99)))
    assert (row["start_time"], row["end_time"]) == (at(0), at(595))


def test_less_than_an_hour_is_nothing():
    assert linger(drifting([0, 30, 59], 0.0), min_h=0.0).empty
    assert only(linger(drifting([0, 30, 60], 0.0), min_h=0.0))["duration_h"] == 1.0


def test_minimum():
    assert linger(drifting(np.arange(0, 239, 10), 0.5)).empty
    assert only(linger(drifting(np.arange(0, 241, 10), 0.5)))["duration_h"] == 4.0


def test_no_day_edge():
    row = only(linger(drifting(np.arange(600, 901, 10), 0.5)))
    assert (row["start_time"], row["end_time"]) == (at(600), at(900))


def test_a_long_silence_ends_a_stretch():
    minutes = np.r_[np.arange(0, 301, 20), np.arange(661, 962, 20)]
    assert linger(drifting(minutes, 0.1))["duration_h"].tolist() == [5.0, 5.0]
    minutes[16:] -= 1
    assert only(linger(drifting(minutes, 0.1)))["duration_h"] == 16.0


def test_a_sprint_between_slow_hours():
    # Twenty minutes at 6 kn make 2 nm: every moment still lies in a slow hour. An hour of it does not.
    knots = np.full(60, 0.3)
    knots[30:32] = 6.0
    assert only(linger(drifting(np.arange(0, 601, 10), knots)))["duration_h"] == 10.0
    knots[30:36] = 6.0
    assert len(linger(drifting(np.arange(0, 601, 10), knots))) == 2


def test_over_the_date_line_and_near_the_pole():
    minutes = np.arange(0, 301, 10)
    lon = (179.99 + minutes / 300 * 0.02 + 180) % 360 - 180
    row = only(linger(sailing(211000001, minutes, 0.0, lon)))
    assert abs(row["lon"]) == pytest.approx(180.0, abs=1e-6)
    assert row["distance_nm"] == pytest.approx(1.2 * ARC_MIN_NM, abs=1e-6)
    round_the_pole = sailing(211000002, minutes, 89.9999, minutes * 1.0)
    row = only(linger(round_the_pole.assign(lon=lambda table: (table["lon"] + 180) % 360 - 180)))
    assert row["distance_nm"] < 0.05
    assert row["lat"] > 89.9999


def test_flagged_fixes_do_not_count():
    ship = drifting(np.arange(0, 601, 10), 0.5)
    flag = np.where((ship["timestamp"] > at(120)) & (ship["timestamp"] < at(590)), "untrusted", None)
    assert linger(ship.assign(flag=pd.Series(flag, dtype="str"))).empty


def test_ports_keep_it_away():
    ship = cleaned(drifting(np.arange(0, 601, 10), 0.0))
    port = contracts.harbours().head(1).assign(lat=0.08, lon=10.0, radius_nm=2.0, kind="port")
    assert dv.find_loitering(ship, ports=port).empty
    assert len(dv.find_loitering(ship, ports=port.assign(lat=0.1))) == 1
    assert len(dv.find_loitering(ship, ports=port.assign(kind="sts"))) == 1


def test_clock_hours():
    # Slow from 10:30 to 15:30 after 12 kn, a fix every ten minutes: hours 11 to 14 are slow, and the event begins
    # with the last fix of hour 10 and ends with the last of hour 14.
    minutes = np.arange(0, 601, 10) - 120
    knots = np.where((minutes[:-1] >= -90) & (minutes[:-1] < 210), 0.5, 12.0)
    row = only(linger(drifting(minutes, knots), hours="clock", min_h=0.0))
    assert (row["start_time"], row["end_time"]) == (at(-70), at(170))
    assert row["distance_nm"] == pytest.approx(2.0, abs=1e-5)


def test_bad_rules():
    with pytest.raises(dv.RuleError, match="expected one of sliding, clock"):
        dv.LoiteringRule(hours="daily")


@pytest.mark.parametrize("days", [-400, 1, 60])
def test_some_days_later(days):
    contracts.check_day_shift(dv.find_loitering, contracts.meeters(), days)


@pytest.mark.parametrize("theta", [90.0, 179.5, -33.25])
def test_elsewhere(theta):
    contracts.check_longitude_turn(dv.find_loitering, contracts.meeters(), theta)


def test_empty():
    assert list(dv.find_loitering(empty(FIXES)).columns) == list(LOITERING.names)


def slow_minutes(minutes, way, limit):
    """Minutes that lie in a slow hour beginning at a whole minute, the slow way."""
    slow = set()
    for begin in range(int(minutes[0]), int(minutes[-1]) - 59):
        sailed = np.interp(begin + 60, minutes, way) - np.interp(begin, minutes, way)
        if sailed < limit - 1e-6:
            slow.update(range(begin, begin + 60))
    return slow


steps = st.lists(st.tuples(st.sampled_from([1, 10, 20, 45, 60, 90]), st.sampled_from([0, 1, 2, 3, 8])), max_size=12)


@given(steps)
def test_as_the_slow_way(legs):
    minutes = np.r_[0, np.cumsum([length for length, _ in legs], dtype="int64")]
    knots = [speed for _, speed in legs]
    way = np.r_[0.0, np.cumsum([length * speed / 60 for length, speed in legs])]
    table = linger(drifting(minutes, knots), min_h=0.0)
    found = set()
    for row in table.to_dict("records"):
        start, end = ((row[name] - START) / pd.Timedelta("1min") for name in ("start_time", "end_time"))
        found.update(range(int(np.ceil(start - 1e-6)), int(np.floor(end + 1e-6))))
        assert row["distance_nm"] == pytest.approx(
            np.interp(end, minutes, way) - np.interp(start, minutes, way), abs=1e-6
        )
    missed, extra = slow_minutes(minutes, way, 2.0) - found, found - slow_minutes(minutes, way, 2.0)
    assert not missed
    # Hours that begin within a minute can reach a minute further at either end of a stretch.
    assert len(extra) <= 2 * len(table)
