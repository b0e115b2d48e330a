"""The physical engine: who is heard when, against hand calculation and what must hold for any draw."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.simulation.radio import hear, make_ether
from darkvoyage.simulation.receivers import CAMPAIGN, OCEAN, STRAIT, Heard, deliver
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.waters_east import east_sea
from tests.simulation.hulls import make_log

SHIP = Ship(291000001, 2000000, "DEMO TEST", "trader", 70, "A", 5000.0, 100.0, 16.0, 6.0, 11.0, 1.0, (), 0.0, 9.0)
DAYS, SLOTS = 4, 4 * 144
# Nothing goes wrong: every look within range is clear, no satellite listens.
PERFECT = replace(
    CAMPAIGN, decode=1.0, good_h=1e6, station_outage_every_d=1e9, region_outage_every_d=1e9, feed_outage_every_d=1e9,
    satellites=0, ducting_sd=0.0, ducting_share=0.0,
)  # fmt: skip
BUSAN, OFFSHORE = (35.10, 129.10), (40.5, 134.5)


def lying_at(place, **changes):
    return make_log(SHIP, np.full(SLOTS + 1, place[0]), np.full(SLOTS + 1, place[1]), **changes)


def listen(log, profile, seed=0, days=DAYS):
    return hear(log, make_ether(np.random.default_rng(seed), east_sea(), days, profile), np.random.default_rng(seed))


@pytest.mark.parametrize(("status", "interval"), [(1, 180), (0, 10)])
def test_a_ship_beside_the_station_is_heard_at_every_report(status, interval):
    heard = listen(lying_at(BUSAN, status=status), replace(PERFECT, thin_s=0.0, station_edge=0.01))
    assert np.unique(np.diff(heard.seconds)).tolist() == [interval]
    assert len(heard.seconds) == DAYS * 86_400 / interval
    assert not heard.satellite.any()


@pytest.mark.parametrize("thin_s", [120.0, 600.0, 1800.0])
def test_thinning_leaves_the_first_report_of_every_window(thin_s):
    log = lying_at(BUSAN, status=1)
    everything, thinned = (listen(log, replace(PERFECT, thin_s=seconds)) for seconds in (0.0, thin_s))
    window, first = np.unique(everything.seconds // thin_s, return_index=True)
    assert thinned.seconds.tolist() == everything.seconds[first].tolist()
    # A report every 180 s leaves every third window of 120 s empty.
    assert len(window) == DAYS * 86_400 / max(thin_s, 180)


def test_beyond_every_range_nobody_is_heard():
    assert len(listen(lying_at(OFFSHORE), PERFECT).seconds) == 0


def test_at_the_range_of_a_station_half_of_the_looks_are_clear():
    """Donghae: 60 nm; due east of it no other station is nearer than 140 nm."""
    east = (37.50, 129.20 + 60.0 / 60.0 / np.cos(np.radians(37.5)))
    heard = listen(lying_at(east), replace(PERFECT, thin_s=0.0))
    share = len(heard.seconds) / (DAYS * 8640)
    # 5,760 looks of a minute: the standard error is below 0.01; ranges on sphere and plane differ by less.
    assert share == pytest.approx(0.5, abs=0.03)
    # What fades together is heard or lost together: six reports each.
    runs = np.diff(np.flatnonzero(np.diff(heard.seconds) > 10))
    assert np.unique(runs % 6).tolist() == [0]


def test_wait_for_the_first_report_is_geometric():
    """At the range of a station 0, 1, 2 ... looks of a minute are lost with chances 1/2, 1/4, 1/8 ..."""
    east = (37.50, 129.20 + 60.0 / 60.0 / np.cos(np.radians(37.5)))
    profile = replace(PERFECT, thin_s=600.0)
    wait = np.concatenate([listen(lying_at(east), profile, seed).seconds % 600 for seed in range(4)])
    lost = np.bincount((wait // 60).astype(int), minlength=10) / len(wait)
    # 2,304 windows, of which one in a thousand stays empty: the standard error is 0.01.
    assert len(wait) > 2200
    assert lost[:4] == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 16], abs=0.035)


@pytest.mark.parametrize("profile", [CAMPAIGN, STRAIT, OCEAN, replace(CAMPAIGN, thin_s=0.0)])
def test_no_report_lies_in_a_silence_or_an_outage_or_outside_the_diary(profile):
    profile = replace(profile, feed_outage_every_d=DAYS)
    log = lying_at(BUSAN, first=30, silences=[(100_000.0, 160_000.0, "fault")])
    ether = make_ether(np.random.default_rng(3), east_sea(), DAYS + 1, profile)
    heard = hear(log, ether, np.random.default_rng(3))
    assert len(heard.seconds) > 50
    assert (np.diff(heard.seconds) > 0).all()
    assert not ((heard.seconds > 100_000) & (heard.seconds < 160_000)).any()
    ((begin, end),) = ether.feed_down
    assert end - begin == 20 * 3600
    assert not ((heard.seconds > begin) & (heard.seconds < end)).any()
    assert heard.seconds.min() >= 30 * 600
    assert heard.seconds.max() < (30 + SLOTS) * 600
    assert np.array_equal(heard.seconds, np.floor(heard.seconds))


def test_satellites_come_in_a_rhythm_of_twelve_hours():
    profile = replace(CAMPAIGN, satellites=1)
    ether = make_ether(np.random.default_rng(5), east_sea(), 20, profile)
    middle = ether.pass_s[1:-1][np.abs(np.diff(ether.pass_s, n=2)) < 1.0] / 3600
    assert len(middle) > 30
    assert (np.diff(middle) + 6) % 12 == pytest.approx(6.0, abs=0.03)
    assert np.diff(ether.pass_s).min() == pytest.approx(97 * 60)


def test_a_satellite_keeps_local_time():
    """Fifteen degrees to the west it comes an hour later."""
    profile = replace(OCEAN, satellites=40, catch=1.0, long_range_share=0.0, pass_s=60.0, thin_s=0.0, clock_share=0.0)
    sea = replace(east_sea(), stations=(), dense=())
    ether = make_ether(np.random.default_rng(1), sea, DAYS, profile)
    home = next(iter(sea.points.values()))[1]
    for degrees, late_s in ((0.0, 0.0), (15.0, 3600.0)):
        heard = hear(lying_at((40.0, home - degrees)), ether, np.random.default_rng(2))
        after = heard.seconds + 1 - late_s  # whole seconds: those of the report lie up to one second later
        late = after - ether.pass_s[np.searchsorted(ether.pass_s, after, side="right") - 1]
        assert len(late) > 100
        assert heard.satellite.all()
        assert late.max() <= 61


def test_dense_traffic_drowns_what_satellites_hear_except_message_27():
    sea = replace(east_sea(), stations=(), dense=((40.0, 134.0, 3.0, 50.0),))
    there = lying_at((40.0, 134.0))
    count = {
        share: len(hear(there, make_ether(np.random.default_rng(1), sea, DAYS, replace(OCEAN, long_range_share=share)),
                        np.random.default_rng(1)).seconds)
        for share in (0.0, 1.0)
    }  # fmt: skip
    empty = replace(sea, dense=())
    alone = len(hear(there, make_ether(np.random.default_rng(1), empty, DAYS, OCEAN), np.random.default_rng(1)).seconds)
    assert count[0.0] < 0.3 * alone
    assert count[1.0] > 2 * count[0.0]


def test_an_outage_of_a_region_takes_its_neighbours_too():
    sea = replace(east_sea(), stations=((35.0, 129.0, 50.0), (35.5, 129.5, 50.0), (43.0, 132.0, 50.0)))
    profile = replace(CAMPAIGN, station_outage_every_d=1e9, region_outage_every_d=5.0)
    up = make_ether(np.random.default_rng(0), sea, 200, profile).up
    assert np.array_equal(up[0], up[1])
    assert 0.005 < 1 - up[2].mean() < 0.3
    assert (up[0] != up[2]).any()


def test_weak_ships_and_class_b_are_heard_less():
    near = (36.05, 129.7)
    counts = [
        len(
            listen(make_log(ship, *(np.full(SLOTS + 1, part) for part in near)), replace(PERFECT, thin_s=600.0)).seconds
        )
        for ship in (SHIP, replace(SHIP, strength=0.05), replace(SHIP, ais_class="B"))
    ]
    assert counts[0] > counts[1] > 0
    assert counts[0] > counts[2]


@given(
    seconds=st.lists(st.floats(-1000, 9000), max_size=30),
    thin_s=st.sampled_from([0.0, 60.0, 600.0]),
    off=st.floats(0, 4000),
    hours=st.floats(0, 1),
)
def test_delivery_is_a_plain_loop(seconds, thin_s, off, hours):
    log = make_log(SHIP, np.zeros(11), np.zeros(11), first=1, silences=[(off, off + hours * 3600, "fault")])
    kept, seen = [], set()
    for value in sorted(seconds):
        second = np.floor(value)
        window = second // thin_s if thin_s else second
        if not 600 <= second < 6600 or off < second < off + hours * 3600 or window in seen:
            continue
        seen.add(window)
        kept.append(second)
    heard = Heard(np.array(seconds), np.zeros(len(seconds), dtype=bool), np.zeros(len(seconds)))
    assert deliver(log, heard, np.empty((0, 2)), thin_s).seconds.tolist() == kept
