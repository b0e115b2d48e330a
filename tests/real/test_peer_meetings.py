"""Every encounter case of pipe-encounters 4.4.0 and every loitering case of pipe-loitering 4.2.11.

The peer reports an encounter once from each side, and merges the two later: a pair of ours is beside both. It takes
6371 km for the radius of the Earth, we 6371.0088 km, and it interpolates latitude and longitude, we the great circle.
"""

import json

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.tracks.encounters import tracks_on_slots
from darkvoyage.tracks.located import located_fixes

RADIUS = 6371.0088 / 6371
RESAMPLED = {"every_min": 10, "max_hole_h": 1.0}


@pytest.fixture
def encounters(real_data):
    return json.loads((real_data / "peer_cases" / "encounter_cases.json").read_text(encoding="utf-8"))


@pytest.fixture
def loitering(real_data):
    return json.loads((real_data / "peer_cases" / "loitering_cases.json").read_text(encoding="utf-8"))


def fixes_of(rows):
    """One cleaned track per id of the peer's rows."""
    rows = pd.DataFrame(rows)
    number = rows["id"].astype("int64")
    return pd.DataFrame(
        {
            "mmsi": number.where(number > 10**8, number + 211000000), "timestamp": pd.to_datetime(rows["timestamp"]),
            "lat": rows["lat"], "lon": rows["lon"], "sog": rows["speed"].astype("float64"),
            "cog": rows["course"].astype("float64"), "track_id": rows["id"], "flag": None,
        }
    )  # fmt: skip


def found(case, **options):
    params = case["params"]
    assert not params["extrapolate"]
    # The case has 24 h between encounters, and asks nothing of the speed.
    rule = dv.EncounterRule(
        max_distance_m=1000 * params["max_encounter_km"], min_h=params["min_encounter_minutes"] / 60, max_speed_kn=200,
        every_min=params["resample_minutes"], max_hole_h=params["max_interpolation_gap_minutes"] / 60, merge_h=24,
        **options,
    )  # fmt: skip
    table = dv.find_encounters(fixes_of(case["input"]), rule=rule)
    return {(row["track_id_a"], row["track_id_b"]): row for row in table.to_dict("records")}


def pairs_of(events):
    """Both sides of each pair in the peer's raw output."""
    out = {}
    for event in events:
        out.setdefault(tuple(sorted((event["vessel_1_seg_id"], event["vessel_2_seg_id"]))), []).append(event)
    return out


NAMES = ("simple", "dateline", "fast_separation_no_encounter", "multi_three_vessels", "real_pair_2015_03_19")


@pytest.mark.parametrize("name", NAMES)
def test_encounter_cases(encounters, name):
    assert {case["name"] for case in encounters["cases"]} == set(NAMES)
    case = next(case for case in encounters["cases"] if case["name"] == name)
    ours, peers = found(case), pairs_of(case["expected_raw_encounters"])
    assert ours.keys() == peers.keys()
    for pair, (one, other) in peers.items():
        row = ours[pair]
        assert row["start_time"] == min(pd.Timestamp(side["start_time"]) for side in (one, other))
        assert row["end_time"] == max(pd.Timestamp(side["end_time"]) for side in (one, other))
        longer = max(one, other, key=lambda side: side["end_time"])
        assert row["median_distance_nm"] * 1.852 == pytest.approx(longer["median_distance_km"] * RADIUS, rel=1e-5)
        # Of each side its own ship's speed. The peer takes 1.94384 kn for 1 m/s.
        for side, speed in zip((one, other), (row["median_speed_a_kn"], row["median_speed_b_kn"]), strict=True):
            if name != "real_pair_2015_03_19":
                assert speed == pytest.approx(side["median_speed_knots"] * RADIUS, rel=1e-5)
                assert row["lat"] == pytest.approx((one["mean_latitude"] + other["mean_latitude"]) / 2, abs=1e-4)
    for merged in case.get("expected_merged_encounters", []):
        row = ours[merged["vessel_1_id"], merged["vessel_2_id"]]
        assert row["start_time"] == pd.Timestamp(merged["start_time"])
        assert row["end_time"] == pd.Timestamp(merged["end_time"])
        # The peer's medians are medians of two medians, its place is weighted by duration.
        assert row["median_speed_kn"] == pytest.approx(merged["median_speed_knots"], rel=1e-5)
        assert row["median_distance_nm"] * 1.852 == pytest.approx(merged["median_distance_km"], rel=0.03)
        assert row["lat"] == pytest.approx(merged["mean_latitude"], abs=1e-3)
        assert (row["lon"] - merged["mean_longitude"] + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-3)


def test_one_tracked_neighbour(encounters):
    case = next(case for case in encounters["cases"] if case["name"] == "multi_three_vessels")
    peers = pairs_of(case["expected_raw_encounters_max_tracked_neighbours_1"])
    ours = found(case, max_neighbours=1)
    assert ours.keys() == peers.keys()
    for pair, sides in peers.items():
        assert ours[pair]["start_time"] == min(pd.Timestamp(side["start_time"]) for side in sides)
        assert ours[pair]["end_time"] == max(pd.Timestamp(side["end_time"]) for side in sides)


def resampled(rows, **options):
    """Latitude and longitude at every slot of one track."""
    slots = tracks_on_slots(located_fixes(fixes_of(rows)), dv.EncounterRule(**RESAMPLED, **options))
    fix, slot = next(slots.blocks(10**6))
    lat, lon = slots.positions(fix, slot)
    order = np.argsort(slot)
    times = pd.to_datetime(slot[order] * slots.step_us, unit="us", utc=True)
    return dict(zip(times, zip(lat[order], lon[order], strict=True), strict=True))


def test_resampling(encounters):
    case = encounters["resample"]
    assert (case["params"]["increment_s"], case["params"]["max_gap_s"]) == (600, 3600)
    ours = resampled(case["input"], extrapolate_h=1.0)
    peers = {pd.Timestamp(row["timestamp"]): (row["lat"], row["lon"]) for row in case["expected"]}
    # The peer does not look back over the edge of the day, 00:00.
    assert peers.keys() == {time for time in ours if time >= pd.Timestamp("2011-07-01T00:00Z")}
    assert len(ours) == len(peers) + 6
    for time, place in peers.items():
        # The great circle of the step by 1 degree of longitude at 10 N lies, a quarter of the way along, north of the
        # parallel by (pi / 180)^2 sin 10 cos 10 / 2 x 3 / 16 rad = 0.00028 degrees.
        assert ours[time] == pytest.approx(place, abs=0.0003)


def probe(encounters, name):
    return next(probe for probe in encounters["probes"] if probe["name"] == name)


def test_peer_defect_at_the_date_line(encounters):
    case = probe(encounters, "interpolation_across_dateline")
    lons = [lon for _, lon in resampled(case["input"]).values()]
    off = (np.array(lons) - case["right_lons_approx"] + 180) % 360 - 180
    assert np.abs(off).max() < 1e-4
    assert abs(case["peer_output"][1]["lon"]) < 60


@pytest.mark.parametrize(
    ("name", "start", "end", "peer_h"),
    [
        ("cross_midnight_23_00_to_01_00", "2024-01-01T23:00Z", "2024-01-02T01:00Z", 4.0),
        ("cross_midnight_22_00_to_02_10", "2024-01-01T22:00Z", "2024-01-02T02:10Z", 6 + 1 / 6),
    ],
)
def test_peer_defect_at_midnight(encounters, name, start, end, peer_h):
    # Two ships 111 m apart with a fix every ten minutes: without extrapolation what was seen, no more and no less.
    case = probe(encounters, name)
    (peer,) = case["peer_merged_from_min60"]
    assert (pd.Timestamp(peer["end_time"]) - pd.Timestamp(peer["start_time"])) / pd.Timedelta("1h") == pytest.approx(
        peer_h
    )
    times = pd.date_range(start, end, freq="10min").strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [
        {"id": ship, "timestamp": time, "lat": lat, "lon": 10.0, "speed": 0.0, "course": 0.0}
        for ship, lat in (("1", 0.0), ("2", 0.001))
        for time in times
    ]
    (row,) = dv.find_encounters(fixes_of(rows)).to_dict("records")
    assert (row["start_time"], row["end_time"]) == (pd.Timestamp(start), pd.Timestamp(end))
    assert row["median_distance_nm"] * 1.852 == pytest.approx(peer["median_distance_km"] * RADIUS)
    (row,) = dv.find_encounters(fixes_of(rows), rule=dv.EncounterRule(extrapolate_h=1.0)).to_dict("records")
    assert (row["start_time"], row["end_time"]) == (pd.Timestamp(peer["start_time"]), pd.Timestamp(peer["end_time"]))


def steps_of(rows):
    """The peer's steps as a track north; its own latitudes are one row late."""
    rows = pd.DataFrame(rows)
    way_nm = rows["meters_to_prev"].fillna(0.0).cumsum() / 1852
    lat = np.degrees(way_nm / (6371.0088 / 1.852))
    return pd.DataFrame(
        {
            "mmsi": rows["ssvid"].astype("int64") + 211000000, "timestamp": pd.to_datetime(rows["timestamp"]),
            "lat": lat, "lon": rows["lon"], "track_id": rows["seg_id"], "flag": None,
        }
    )  # fmt: skip


def joined(parts):
    """Daily parts of the peer that touch, joined as its own second step does."""
    parts = pd.DataFrame(
        {
            "start": [pd.Timestamp(part["loitering_start_timestamp"]) for part in parts],
            "end": [pd.Timestamp(part["loitering_end_timestamp"]) for part in parts],
            "hours": [part["loitering_hours"] for part in parts],
            "way": [part["tot_distance_nm"] for part in parts],
        }
    )
    event = (parts["start"] != parts["end"].shift()).cumsum()
    return parts.groupby(event).agg({"start": "first", "end": "last", "hours": "sum", "way": "sum"})


def test_loitering_cases(loitering):
    assert len(loitering["cases"]) == 4
    for case in loitering["cases"]:
        assert case["params"] == {
            "slow_threshold_knots": 2.0, "bucket": "UTC clock hour", "strict_less_than": True,
        }  # fmt: skip
        ours = dv.find_loitering(steps_of(case["input"]), rule=dv.LoiteringRule.gfw())
        peers = joined(case["expected_daily_events"])
        assert ours["start_time"].tolist() == peers["start"].tolist(), case["name"]
        assert ours["end_time"].tolist() == peers["end"].tolist(), case["name"]
        assert ours["duration_h"].tolist() == pytest.approx(peers["hours"].tolist())
        assert ours["distance_nm"].tolist() == pytest.approx(peers["way"].tolist(), abs=1e-6)
        assert ours["mean_speed_kn"].tolist() == pytest.approx((peers["way"] / peers["hours"]).tolist(), abs=1e-6)


def test_every_hour_finds_what_clock_hours_find(loitering):
    for case in loitering["cases"]:
        fixes = steps_of(case["input"])
        clock = dv.find_loitering(fixes, rule=dv.LoiteringRule.gfw())
        every = dv.find_loitering(fixes, rule=dv.LoiteringRule(min_h=0))
        assert len(every) >= len(clock)
        for row in clock.to_dict("records"):
            beside = (every["start_time"] < row["end_time"]) & (every["end_time"] > row["start_time"])
            (mine,) = every[beside].to_dict("records")
            # Ends lie within an hour and a step of 20 minutes of each other.
            for name in ("start_time", "end_time"):
                assert abs(mine[name] - row[name]) <= pd.Timedelta("80min")


def test_slow_groups(loitering):
    """The peer's unit facts: which messages of hourly buckets make an event."""
    facts = loitering["unit_facts_from_peer_tests"]["facts"]
    assert [case["expected"] for case in facts["slow_groups"]] == [
        [[2, 3, 4, 5, 6]], [[4, 5, 6, 7, 8]], [[2, 3, 4], [6, 7, 8]],
    ]  # fmt: skip
    # First and last messages. What was slow yesterday is there too, as the peer's second step joins it.
    ours_by_hand = [[(1, 6)], [(1, 2), (4, 8)], [(2, 4), (6, 8)]]
    for case, by_hand in zip(facts["slow_groups"], ours_by_hand, strict=True):
        buckets = [*case["yesterday"], *case["today"]]
        message = [number for _, numbers in buckets for number in numbers]
        slow = [is_slow for is_slow, numbers in buckets for _ in numbers]
        hour = [k for k, (_, numbers) in enumerate(buckets) for _ in numbers]
        minutes = np.array(hour) * 60 + np.where(np.diff(hour, prepend=-1) > 0, 10, 40)
        speed = np.where(slow, 0.5, 12.0)[1:]
        lat = np.degrees(np.r_[0, np.cumsum(np.diff(minutes) / 60 * speed)] * 1.852 / 6371.0088)
        times = pd.Timestamp("2024-01-01T23:00Z") + pd.to_timedelta(minutes, unit="min")
        fixes = pd.DataFrame(
            {
                "mmsi": 211000001,
                "timestamp": times.as_unit("us"),
                "lat": lat,
                "lon": 10.0,
                "track_id": "a",
                "flag": None,
            }
        )
        ours = dv.find_loitering(fixes, rule=dv.LoiteringRule.gfw())
        number = dict(zip(times, message, strict=True))
        assert [(number[row["start_time"]], number[row["end_time"]]) for row in ours.to_dict("records")] == by_hand
