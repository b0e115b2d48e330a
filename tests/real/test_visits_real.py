"""The visit cases of the peer pipe-anchorages 4.6.3, and visits in real feeds.

Deliberate differences: a visit of ours begins with the first fix in port, where the peer, which knows events only, lets
one without an entry begin with its first event; it has no end before the ship is heard outside, where the peer takes
its last event. The cases below are named with what follows by hand.
"""

import json

import numpy as np
import pandas as pd
import pytest

from darkvoyage.kernels.sphere import destination
from darkvoyage.reach.visits import find_port_visits

FIRST_FIX_INSIDE = {"dark_arrival_first_fix_in_port": "2024-01-01T00:00:00Z"}
NO_EXIT_HEARD = {"goes_dark_in_port_and_never_returns"}
SPEED_AT = {"PORT_STOP_BEGIN": 0.0, "PORT_STOP_END": 1.0}


@pytest.fixture(scope="module")
def cases(real_data):
    return json.loads((real_data / "peer_cases" / "port_visit_cases.json").read_text())["cases"]


def places(rows):
    return pd.DataFrame(rows, columns=["port_id", "lat", "lon"]).assign(
        name="", country=None, radius_nm=0.0, sensitive=False
    )


def track(times, lat, lon, speed, mmsi):
    table = pd.DataFrame({"mmsi": mmsi, "timestamp": pd.to_datetime(times, utc=True), "lat": lat, "lon": lon})
    return table.assign(sog=speed, track_id=table["mmsi"].astype("str") + "-0", flag=pd.Series(None, dtype="str"))


def same_visits(found, expected):
    assert found["arrive"].tolist() == [pd.Timestamp(visit["start"]) for visit in expected]
    ends = [pd.Timestamp(visit["end"]) if visit["end"] else pd.NaT for visit in expected]
    pd.testing.assert_series_equal(found["depart"], pd.Series(ends, dtype=found["depart"].dtype), check_names=False)
    assert found["confidence"].tolist() == [visit["confidence"] for visit in expected]


def test_every_peer_probe(cases):
    probes = [case for case in cases if "input" in case]
    assert len(probes) == 10
    for case in probes:
        rows = pd.DataFrame(case["input"])
        km = rows["distance_to_anchorage_km"].to_numpy(dtype="float64")
        # A hair towards the bound's own side, so that rounding on the globe cannot decide.
        km = np.select([km == 3.0, km == 4.0], [km - 1e-6, km + 1e-6], km)
        lat, lon = destination(np.zeros(len(km)), np.zeros(len(km)), 90.0, km / 1.852)
        fixes = track(rows["timestamp"], lat, lon, rows["speed_knots"].astype("float64"), 299_000_001)
        found = find_port_visits(fixes, places([("AAAAA", 0.0, 0.0)]), as_of=case["params"]["end_of_data"])
        expected = [dict(visit) for visit in case["expected_visits"]]
        for visit in expected:
            visit["start"] = FIRST_FIX_INSIDE.get(case["name"], visit["start"])
            visit["end"] = None if case["name"] in NO_EXIT_HEARD else visit["end"]
        same_visits(found, expected)


def test_every_peer_sequence_of_events(cases):
    """A fix at each event; where a ship enters it came from outside, as the event says."""
    sequences = [case for case in cases if "input_events" in case]
    assert len(sequences) == 4
    for case in sequences:
        events = pd.DataFrame(case["input_events"]).drop_duplicates()
        anchorages = events[["anchorage_id", "anchorage_lat", "anchorage_lon"]].drop_duplicates("anchorage_id")
        speed = events["event_type"].map(SPEED_AT).fillna(5.0).to_numpy()
        where = (events["vessel_lat"].to_numpy(), events["vessel_lon"].to_numpy())
        heard = track(events["timestamp"], *where, speed, events["seg_id"].to_numpy())
        entries = heard[(events["event_type"] == "PORT_ENTRY").to_numpy()]
        outside = entries.assign(timestamp=entries["timestamp"] - pd.Timedelta("1us"), lat=entries["lat"] + 1.0)
        fixes = pd.concat([heard, outside], ignore_index=True)
        found = find_port_visits(fixes, places(anchorages.to_numpy().tolist()))
        same_visits(found.sort_values("arrive", ignore_index=True), case["expected_visits"])
