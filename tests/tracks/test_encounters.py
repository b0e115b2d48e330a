import itertools
import math
from statistics import fmean, median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.slots import on_slots
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import ENCOUNTERS, FIXES
from darkvoyage.tracks import encounters
from tests import contracts
from tests.kernels.test_pairs import chord_nm

START = pd.Timestamp("2024-01-01T12:00", tz="UTC")
ALONGSIDE = 0.001  # degrees of latitude: 111 m


def sailing(mmsi, minutes, lat=0.0, lon=10.0, **columns):
    """Fixes of one ship; positions as numbers or as one per fix."""
    minutes = np.asarray(minutes)
    times = START + pd.to_timedelta(minutes * 60, unit="s")
    data = {"mmsi": mmsi, "timestamp": times.as_unit("us"), "lat": lat, "lon": lon, **columns}
    return pd.DataFrame(data, index=range(len(minutes)))


def cleaned(*parts):
    """Tables of single ships as one cleaned table in which nothing is wrong."""
    table = pd.concat(parts, ignore_index=True)
    flag = table.get("flag")
    return table.assign(track_id=table["mmsi"].astype("str") + "-0", flag=flag)


def pair(minutes, lat=0.0, lon=10.0, **columns):
    lat = np.asarray(lat)
    return cleaned(sailing(211000001, minutes, lat, lon, **columns), sailing(211000002, minutes, lat + ALONGSIDE, lon))


def meet(*tables, **options):
    return dv.find_encounters(pd.concat(tables, ignore_index=True), rule=dv.EncounterRule(**options))


def only(table):
    assert len(table) == 1
    return table.iloc[0]


def test_two_ships_over_midnight():
    # 23:00 to 01:00, 111 m apart: the peer makes 22:00 to 02:00 of it, or loses it.
    row = only(meet(pair(np.arange(660, 781, 10))))
    assert (row["start_time"], row["end_time"]) == (START + pd.Timedelta(hours=11), START + pd.Timedelta(hours=13))
    assert row["median_distance_nm"] == pytest.approx(ALONGSIDE * math.pi / 180 * 6371.0088 / 1.852)
    assert row["median_speed_kn"] == 0.0
    assert (row["lat"], row["lon"]) == (pytest.approx(ALONGSIDE / 2), pytest.approx(10.0))
    assert (row["track_id_a"], row["track_id_b"], row["mmsi_a"], row["duration_h"]) == (
        "211000001-0", "211000002-0", 211000001, 2.0,
    )  # fmt: skip
    assert (row["fixes_a"], row["fixes_b"]) == (13, 13)
    assert row["encounter_id"] == "211000001-0_211000002-0_2024-01-01T23:00:00"


def test_ten_minutes_less_are_no_meeting():
    assert meet(pair(np.arange(0, 111, 10))).empty


def test_sailing_together_is_too_fast():
    minutes = np.arange(0, 181, 10)
    company = pair(minutes, lat=minutes / 60 * 3 / 60)
    assert meet(company).empty
    assert only(meet(company, max_speed_kn=4.0))["median_speed_kn"] == pytest.approx(3.0, rel=1e-3)


def test_over_the_date_line():
    minutes = np.arange(0, 181, 30)
    lon = (179.99 + minutes / 30 * 0.005 + 180) % 360 - 180
    row = only(meet(pair(minutes, lon=lon)))
    assert row["duration_h"] == 3.0
    assert abs(row["lon"]) == pytest.approx(179.995)  # the mean of 179.99 and 180.02
    assert row["median_distance_nm"] < 0.07


def test_over_the_pole():
    minutes = np.arange(0, 181, 20)
    both = cleaned(sailing(211000001, minutes, 89.999, 20.0), sailing(211000002, minutes, 89.999, -160.0))
    row = only(meet(both))
    assert row["median_distance_nm"] == pytest.approx(0.002 * math.pi / 180 * 6371.0088 / 1.852)
    assert row["lat"] == pytest.approx(90.0, abs=1e-5)


def test_positions_between_fixes_keep_to_the_great_circle():
    # A half and three quarters of the way from 60 N 10 E to 60 N 170 W, over the pole, and over the date line.
    time = np.array([0, 4, 100, 104])
    lat, lon = np.array([80.0, 80.0, 0.0, 0.0]), np.array([10.0, -170.0, 179.0, -179.0])
    slots = on_slots(np.array([0, 0, 1, 1]), time, lat, lon, np.array([True, False, True, False]), 1)
    lat, lon = slots.positions(np.array([0, 2, 2]), np.array([2, 101, 103]))
    assert lat.tolist() == pytest.approx([90.0, 0.0, 0.0])
    assert lon[1:].tolist() == pytest.approx([179.5, -179.5])


def test_a_hole_is_interpolated_only_if_it_is_short():
    # 59 minutes between fixes: known; 60: not.
    assert only(meet(pair([0, 59, 118, 177])))["duration_h"] == pytest.approx(170 / 60)
    assert meet(pair([1, 61, 121, 181])).empty


def test_a_silence_of_one_does_not_part_them():
    # Ship b is not heard from 40 to 180 minutes; nobody saw them apart.
    a = sailing(211000001, np.arange(0, 241, 10))
    b = sailing(211000002, [0, 10, 20, 30, 40, 180, 190, 200, 240], ALONGSIDE)
    row = only(meet(cleaned(a, b)))
    assert row["duration_h"] == 4.0
    assert row["fixes_b"] == 9
    # Longer than merge_h: two pieces of 40 and 60 minutes.
    assert meet(cleaned(a, b), merge_h=2.0).empty
    assert meet(cleaned(a, b), merge_h=2.0, min_h=0.6)["duration_h"].tolist() == pytest.approx([40 / 60, 1.0])


def test_seen_apart_in_between():
    # Two hours together, an hour 1.1 km apart, two hours together: one meeting if the hole is under merge_h.
    minutes = np.arange(0, 301, 10)
    apart = np.where((minutes > 120) & (minutes < 180), 0.01, ALONGSIDE)
    both = cleaned(sailing(211000001, minutes), sailing(211000002, minutes, apart))
    row = only(meet(both))
    assert row["duration_h"] == 5.0
    assert row["median_distance_nm"] < 0.07  # the hour apart is not part of it
    assert meet(both, merge_h=1.0)["duration_h"].tolist() == [2.0, 2.0]
    # The first part alone is too short to be a meeting, so that nothing is merged.
    assert meet(both[both["timestamp"] >= START + pd.Timedelta("30min")])["duration_h"].tolist() == [2.0]


def test_extrapolation_only_on_request():
    # Alongside from 60 to 180 minutes; both lie still.
    still = pair(np.arange(60, 181, 10), sog=0.0, cog=0.0).fillna({"sog": 0.0, "cog": 0.0})
    assert only(meet(still))["duration_h"] == 2.0
    assert only(meet(still, extrapolate_h=1.0))["duration_h"] == 4.0
    # A ship that was last heard sailing away at 6 kn has gone 1 nm in ten minutes.
    leaving = still.assign(sog=np.where(still["mmsi"] == 211000001, 6.0, 0.0), cog=180.0)
    assert only(meet(leaving, extrapolate_h=1.0))["duration_h"] == 2.0
    assert only(meet(still.drop(columns="sog"), extrapolate_h=1.0))["duration_h"] == 2.0


def test_flagged_fixes_do_not_count():
    minutes = np.arange(0, 181, 10)
    both = pair(minutes)
    both["flag"] = pd.Series(np.where(minutes < 90, None, "untrusted").tolist() * 2, dtype="str")
    assert meet(both).empty
    assert only(meet(both, min_h=1.0))["duration_h"] == pytest.approx(80 / 60)


def test_one_mmsi_does_not_meet_itself():
    both = pair(np.arange(0, 181, 10))
    both["mmsi"] = 211000001
    assert meet(both).empty


def test_ports_keep_meetings_away():
    both = pair(np.arange(0, 181, 10), lat=42.0)
    # 0.15 degrees are 9 nm; 10 km are 5.4 nm.
    port = contracts.harbours().head(1).assign(lat=42.1, lon=10.0, radius_nm=2.0, kind="port")
    assert len(dv.find_encounters(both, ports=port.assign(lat=42.15))) == 1
    assert dv.find_encounters(both, ports=port.assign(lat=42.08)).empty
    assert len(dv.find_encounters(both, ports=port.assign(lat=42.08, kind="sts"))) == 1
    assert dv.find_encounters(both, ports=port.assign(lat=42.15, radius_nm=10.0)).empty
    assert len(dv.find_encounters(both, ports=empty(dv_ports()))) == 1


def dv_ports():
    from darkvoyage.schema.tables import PORTS

    return PORTS


def test_crowds_are_thinned_out():
    # Ten ships in a row, 20 m apart, for three hours: 45 pairs; with two neighbours each only the nearest.
    minutes = np.arange(0, 181, 10)
    crowd = cleaned(*(sailing(211000001 + k, minutes, k * 0.00018) for k in range(10)))
    assert len(meet(crowd)) == 45
    thin = meet(crowd, max_neighbours=2)
    # Each of the eight inner ships lists both sides, the outer ones the next two.
    assert len(thin) == 9 + 2
    assert ((thin["mmsi_b"] - thin["mmsi_a"]) == 1).sum() == 9


def test_presets():
    near, slow = pair(np.arange(0, 41, 5)), pair(np.arange(0, 181, 10), lat=np.arange(19) * 1.5 / 6 / 60)
    assert meet(near).empty
    assert len(dv.find_encounters(near, rule=dv.EncounterRule.skylight())) == 1
    assert len(dv.find_encounters(slow, rule=dv.EncounterRule.gfw())) == 1
    assert dv.find_encounters(slow, rule=dv.EncounterRule.kerch()).empty


def test_bad_rules():
    with pytest.raises(dv.RuleError, match="every_min = 7: must divide a day"):
        dv.EncounterRule(every_min=7)
    with pytest.raises(dv.RuleError, match="max_distance_m"):
        dv.EncounterRule(max_distance_m=0.0)


@pytest.mark.parametrize("days", [-400, 1, 60])
def test_some_days_later(days):
    contracts.check_day_shift(dv.find_encounters, contracts.meeters(), days)


@pytest.mark.parametrize("theta", [90.0, 179.5, -33.25])
def test_elsewhere(theta):
    contracts.check_longitude_turn(dv.find_encounters, contracts.meeters(), theta)


def test_blocks_do_not_show(monkeypatch):
    table = contracts.meeters()
    whole = dv.find_encounters(table)
    for name in ("_SAMPLES", "_ROWS"):
        monkeypatch.setattr(encounters, name, 7)
    assert_frame_equal(dv.find_encounters(table), whole)


# The slow way: every pair, every slot, one after the other.


def slow_places(fixes, rule):
    """Slot -> (lat, lon) of one track, unit vectors by the chord."""
    out = {}
    for (t0, *p0), (t1, *p1) in itertools.pairwise([*fixes, (None, None, None)]):
        end = t1 if t1 is not None and t1 - t0 < rule.max_hole_h * 60 else t0 + 1e-6
        slot = math.ceil(t0 / rule.every_min)
        while slot * rule.every_min < end:
            share = 0.0 if slot * rule.every_min == t0 else (slot * rule.every_min - t0) / (t1 - t0)
            x, y, z = (
                sum(w * f(*map(math.radians, p)) for w, p in ((1 - share, p0), (share, p1)) if w)
                for f in (
                    lambda la, lo: math.cos(la) * math.cos(lo),
                    lambda la, lo: math.cos(la) * math.sin(lo),
                    lambda la, _: math.sin(la),
                )
            )
            out[slot] = (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))
            slot += 1
    return out


def slow_meetings(a, b, rule):
    """(first slot, last slot, median distance, median speed) of the encounters of two ships."""
    both = {slot: chord_nm(*a[slot], *b[slot]) for slot in sorted(a.keys() & b.keys())}
    merge = rule.merge_h * 60 / rule.every_min
    pieces = []
    for slot, apart in both.items():
        if apart > rule.max_distance_m / 1852:
            pieces.append([])
        elif pieces and pieces[-1] and slot - pieces[-1][-1] < max(merge, 1.5):
            pieces[-1].append(slot)
        else:
            pieces.append([slot])
    pieces = [piece for piece in pieces if len(piece) > 1 and piece[-1] - piece[0] >= rule.min_h * 60 / rule.every_min]
    meetings = []
    for piece in pieces:
        if meetings and piece[0] - meetings[-1][-1][-1] < merge:
            meetings[-1].append(piece)
        else:
            meetings.append([piece])
    for meeting in meetings:
        speeds = [
            median(
                chord_nm(*ship[s], *ship[t]) / ((t - s) * rule.every_min / 60)
                for piece in meeting
                for s, t in itertools.pairwise(piece)
            )
            for ship in (a, b)
        ]
        if fmean(speeds) < rule.max_speed_kn:
            apart = median(both[slot] for piece in meeting for slot in piece)
            yield meeting[0][0], meeting[-1][-1], apart, fmean(speeds)


minutes_of = st.lists(st.sampled_from([0, 3, 10, 10, 10, 20, 45, 60, 61, 130, 250]), min_size=1, max_size=14)
drift = st.lists(st.sampled_from([0, 0, 0, 1, 5, 20]), min_size=14, max_size=14)


@given(
    st.lists(st.tuples(minutes_of, drift), min_size=2, max_size=4),
    st.sampled_from([(0.0, 10.0), (60.0, 179.9995), (89.9993, 77.0)]),
    st.sampled_from([(0.5, 4.0), (0.5, 0.5), (0.0, 0.0), (2.0, 1.0)]),
)
def test_as_the_slow_way(ships, place, hours):
    rule = dv.EncounterRule(min_h=hours[0], merge_h=hours[1], max_speed_kn=1.5)
    tables, places = [], []
    for k, (steps, away) in enumerate(ships):
        minutes = [float(t) for t in sorted(set(np.cumsum(steps).tolist()))]
        lat = [place[0] + 0.0004371 * away[i] - 0.0000131 * k for i in range(len(minutes))]
        lat = [min(value, 90.0) for value in lat]
        tables.append(sailing(211000001 + k, minutes, lat, place[1]))
        places.append(slow_places(list(zip(minutes, lat, [place[1]] * len(lat), strict=True)), rule))
    table = dv.find_encounters(cleaned(*tables), rule=rule)
    slow = []
    for a, b in itertools.combinations(range(len(ships)), 2):
        slow += [(a, b, *row) for row in slow_meetings(places[a], places[b], rule)]
    slow.sort(key=lambda row: (row[2], row[0], row[1]))
    got = [
        (row["mmsi_a"] - 211000001, row["mmsi_b"] - 211000001,
         *((row[name] - START) / pd.Timedelta(rule.every_min, unit="min") for name in ("start_time", "end_time")))
        for row in table.to_dict("records")
    ]  # fmt: skip
    assert got == [row[:4] for row in slow]
    assert table["median_distance_nm"].tolist() == pytest.approx([row[4] for row in slow], abs=1e-7)
    assert table["median_speed_kn"].tolist() == pytest.approx([row[5] for row in slow], abs=1e-6)


def test_empty_and_alone():
    assert list(meet(empty(FIXES)).columns[: len(ENCOUNTERS.names)]) == list(ENCOUNTERS.names)
    assert meet(cleaned(sailing(211000001, [0, 10, 20]))).empty
