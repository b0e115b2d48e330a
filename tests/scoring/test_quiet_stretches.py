"""Stretches without a call: what they may hold, and what the ship did in them."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.gaps.hiding import Tracks
from darkvoyage.scoring.evaluation.quiet_stretches import doing_during, quiet_stretches
from darkvoyage.units import US_PER_H

HOUR = US_PER_H
PORT = pd.DataFrame({"port_id": ["A"], "name": "", "country": None, "lat": 10.0, "lon": 20.0, "radius_nm": 3.0})


def track(hours):
    """One track heard at these hours."""
    time = np.round(np.asarray(hours, dtype="float64") * HOUR).astype("int64")
    return Tracks(np.arange(len(time)), np.zeros(len(time), dtype="int64"), time)


def found(hours, lat, *, busy=None, durations=(10.0,), ports=None):
    tracks = track(hours)
    lat = np.broadcast_to(np.asarray(lat, dtype="float64"), tracks.time.shape)
    busy = np.zeros(len(lat), dtype=bool) if busy is None else busy
    lasts = np.array([round(long * HOUR) for long in durations], dtype="int64")
    begin, end = quiet_stretches(
        tracks, lat, np.full(len(lat), 20.0), busy, lasts, ports=ports, min_gap_h=6.0, rng=np.random.default_rng(0)
    )
    return tracks.time[begin] / HOUR, tracks.time[end] / HOUR


def test_a_stretch_is_as_long_as_asked_for_and_none_is_used_twice():
    begin, end = found(np.arange(0.0, 30.0, 0.5), 0.0, durations=(10.0, 9.0, 10.0))
    assert (end - begin).tolist() == [10.0, 10.0, 9.0][: len(begin)]
    assert len(begin) >= 2
    order = np.argsort(begin)
    assert (begin[order][1:] > end[order][:-1]).all()


def test_stretches_keep_out_of_what_is_busy():
    hours = np.arange(0.0, 24.0, 0.5)
    busy = (hours >= 11.0) & (hours <= 12.0)
    begin, end = found(hours, 0.0, busy=busy)
    assert len(begin) == 1
    assert end[0] <= 10.5 or begin[0] >= 12.5
    assert len(found(hours, 0.0, busy=(hours >= 5.0) & (hours <= 17.0))[0]) == 0


@pytest.mark.parametrize(
    ("silent_h", "degrees", "fits"),
    [
        (1.0, 0.0, True),  # at the port, but too short to hide a call
        (2.0, 0.0, False),
        (4.0, 0.5, False),  # 30 nm off: there and back to its edge is 54 nm, and 3.5 h at 20 kn allow 70
        (4.0, 0.63, False),  # 37.8 nm: 69.6 nm
        (4.0, 0.64, True),  # 38.4 nm: 70.8 nm
        (4.0, 0.9, True),  # 54 nm: 102 nm
        (13.0, 5.0, False),  # too long, wherever it was
    ],
)
def test_silences_may_last_where_no_port_was_in_reach(silent_h, degrees, fits):
    hours = np.r_[np.arange(0.0, 5.5, 0.5), np.arange(5.0 + silent_h, 10.5 + silent_h, 0.5)]
    begin, _ = found(hours, PORT["lat"][0] + degrees, durations=(9.0 + silent_h,), ports=PORT)
    assert (len(begin) == 1) == fits


def test_without_ports_only_an_hour_of_silence_is_sure():
    for silent_h, fits in ((1.0, True), (1.5, False)):
        hours = np.r_[np.arange(0.0, 5.5, 0.5), np.arange(5.0 + silent_h, 10.5 + silent_h, 0.5)]
        assert (len(found(hours, 0.0, durations=(9.0,))[0]) == 1) == fits


def test_what_the_ship_did():
    hours = np.arange(0.0, 11.0)
    tracks = track(hours)
    for knots, doing in ((0.0, "at_rest"), (0.05, "at_rest"), (1.0, "adrift"), (2.9, "adrift"), (8.0, "under_way")):
        lat = knots * hours / 60.0
        assert doing_during(tracks, lat, np.zeros(11), np.array([0]), np.array([10])).tolist() == [doing]
    # To and fro at 8 kn is under way, though the ends are near each other.
    lat = 8.0 / 60.0 * (hours % 2)
    assert doing_during(tracks, lat, np.zeros(11), np.array([0]), np.array([10])).tolist() == ["under_way"]
    assert len(doing_during(tracks, lat, np.zeros(11), np.empty(0, "int64"), np.empty(0, "int64"))) == 0
