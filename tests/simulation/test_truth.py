"""The truth of a world against its feed, and against a table calculated by hand."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.schema.times import time_us
from darkvoyage.scoring.evaluation.events import DELIBERATE
from darkvoyage.simulation.diary import MOORED, Event, Identity, Log
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.truth import long_silences, truth_table
from darkvoyage.simulation.waters_east import east_sea
from darkvoyage.simulation.world import simulate

H = 3600.0
START = pd.Timestamp("2024-03-01T00:00:00Z")
SILENT = [*DELIBERATE, "fault"]
DAYS = {"campaign": 80, "strait": 30, "ocean": 50}
SEED = 22
# What the smallest 64-bit number of microseconds stands for: a null time.
NEVER = -(2**63)
KINDS = {"natural", "fault", "spoofed", "identity_swap", *DELIBERATE}


@pytest.fixture(scope="module")
def worlds():
    vessels = {"campaign": 12, "strait": 16, "ocean": 10}
    return [
        simulate(seed=SEED, vessels=vessels[preset], days=days, preset=preset, hiding_share=0.6)
        for preset, days in DAYS.items()
    ]


def test_all_kinds_occur(worlds):
    assert set().union(*(world.truth["kind"] for world in worlds)) == KINDS


def test_rows_have_names_of_their_own(worlds):
    for world in worlds:
        assert world.truth["truth_id"].is_unique


def of_one_hull(world):
    """Numbers under which one hull alone was heard."""
    names = world.fixes.dropna(subset="name").groupby("mmsi")["name"].nunique()
    taken_over = world.truth.loc[world.truth["kind"] == "identity_swap", "other_mmsi"]
    return set(names.index[names == 1]) - set(taken_over)


def test_no_fix_lies_inside_a_silence(worlds):
    for world in worlds:
        alone = of_one_hull(world)
        silent = world.truth[world.truth["kind"].isin(SILENT) & world.truth["mmsi"].isin(alone)]
        assert len(silent) > 5
        fixes = world.fixes[["mmsi", "timestamp"]].merge(silent[["mmsi", "off_time", "on_time"]], on="mmsi")
        assert not ((fixes["timestamp"] > fixes["off_time"]) & (fixes["timestamp"] < fixes["on_time"])).any()


def test_the_gaps_of_the_truth_are_those_of_the_feed(worlds):
    """By a plain loop over the feed: every silence longer than six hours is told, and no other is."""
    for world in worlds:
        end = time_us(pd.Series(START + pd.Timedelta(days=DAYS[world.preset])))[0]
        alone, feed = of_one_hull(world), set()
        for mmsi, times in world.fixes[world.fixes["mmsi"].isin(alone)].groupby("mmsi")["timestamp"]:
            heard = sorted(time_us(times).tolist())
            for one, two in zip(heard, [*heard[1:], NEVER], strict=True):
                if (end if two == NEVER else two) - one > 6 * 3_600_000_000:
                    feed.add((mmsi, one, two))
        told = world.truth[world.truth["gap_start"].notna() & world.truth["mmsi"].isin(alone)]
        told = set(zip(told["mmsi"], time_us(told["gap_start"]), time_us(told["gap_end"]), strict=True))
        assert len(feed) > 15
        assert told == feed


def test_nobody_meant_a_natural_silence(worlds):
    for world in worlds:
        natural = world.truth[world.truth["kind"] == "natural"]
        assert (natural["gap_start"] == natural["off_time"]).all()
        pairs = natural.merge(world.truth[world.truth["kind"].isin(SILENT)], on=["mmsi", "imo"], suffixes=("", "_off"))
        later = pairs["gap_end"].fillna(pd.Timestamp.max.tz_localize("UTC").as_unit("us")) > pairs["off_time_off"]
        # A ship that sent all through a meeting has a silence of no length.
        length = pairs["on_time_off"] > pairs["off_time_off"]
        assert not (later & (pairs["gap_start"] < pairs["on_time_off"]) & length).any()


def test_calls_lie_inside_their_silences(worlds):
    for world in worlds:
        calls = world.truth[world.truth["kind"] == "dark_call"]
        assert len(calls) >= 4
        order = [time_us(calls[name]) for name in ("off_time", "arrive", "depart", "on_time")]
        assert (np.diff(order, axis=0) > 0).all()
        assert calls["port_id"].notna().all()
        assert calls[["draught_report", "destination_report"]].isin(["honest", "late", "stale", "false"]).all(axis=None)
        laden = calls[calls["loaded"]]
        assert (laden["barrels"] / laden["cargo_t"]).between(6.29 / 1.02, 6.29 / 0.82).all()


def test_partners_of_a_meeting_tell_the_same(worlds):
    for world in worlds:
        meetings = world.truth[world.truth["kind"] == "dark_meeting"]
        assert (meetings.groupby("arrive").size() == 2).all()
        for _, pair in meetings.groupby("arrive"):
            for name in ("depart", "cargo_t", "lat", "lon"):
                assert pair[name].iloc[0] == pair[name].iloc[1]
            assert sorted(pair["loaded"]) == [False, True]
            assert (pair["on_time"] > pair["off_time"]).any()


def test_silences_of_a_feed_by_hand():
    times = START + pd.to_timedelta([0, 60, 480, 840, 30, 180], unit="min")
    fixes = pd.DataFrame({"mmsi": [1, 1, 1, 1, 2, 2], "timestamp": times.as_unit("us")})
    silences = long_silences(fixes.sample(frac=1, random_state=1), START)
    # 1 h to 8 h under number 1; six hours exactly are not longer than six; the ends stay open.
    assert silences.mmsi.tolist() == [1, 1, 2]
    assert silences.start_s.tolist() == [1 * H, 14 * H, 3 * H]
    assert silences.end_s.tolist() == [8 * H, np.inf, np.inf]


def test_a_truth_by_hand():
    ship = Ship(291000001, 2000005, "DEMO", "hider", 80, "A", 4000, 90, 15, 6, 10, 1.0, ("KPCHO",), 0, 10)
    still = np.zeros(10 * 144)
    # Two stays at Busan: one heard before and after, within a natural silence, and one in the middle of two others.
    mode = still.copy()
    mode[120 * 6 : 130 * 6] = mode[179 * 6 : 181 * 6] = MOORED
    lat, lon = still + 35.07, still + 129.08
    own, other = Identity(291000001, 2000005, "DEMO"), Identity(291000002, 0, "OTHER")
    log = Log(
        ship, 0, lat, lon, still, mode, still, [], [], [], lat, lon, [(0, own), (7 * 144, other)],
    )  # fmt: skip
    log.happened(
        Event("dark_call", 20 * H, 60 * H, True, "RUVYP", (42.7, 133.0), 30 * H, 50 * H, None, True, 9.0, 66.0)
    )
    log.happened(Event("fault", 100 * H, 103 * H))
    log.happened(Event("identity_swap", 168 * H, np.inf, other_mmsi=291000002))
    log.happened(Event("dark_call", 200 * H, np.inf, True, "RUVYP", (42.7, 133.0), 250 * H, 260 * H))
    log.happened(Event("security_off", 241 * H, 250 * H))
    heard = {291000001: [1, 19, 61, 64, 71, 99, 104, 110, 167], 291000002: [169, 180, 199]}
    fixes = pd.DataFrame(
        [(mmsi, START + pd.Timedelta(hours=hour)) for mmsi, hours in heard.items() for hour in hours],
        columns=["mmsi", "timestamp"],
    ).astype({"timestamp": "datetime64[us, UTC]"})
    truth = truth_table([log], [long_silences(fixes, START)], east_sea(), START, 240 * H)
    hours = lambda name: ((truth[name] - START) / pd.Timedelta("1h")).tolist()  # noqa: E731
    # The natural silences: 1-19, 64-71, 71-99, 110-167 and 169-180, 180-199; the fault left none of more than 6 h; the
    # last call would have been after the feed, so that it was none; what began after the feed is not told.
    table = list(zip(truth["mmsi"] - 291000000, truth["kind"], hours("gap_start"), hours("gap_end"), strict=True))
    table = [tuple(None if value != value else value for value in row) for row in table]
    assert table == [
        (1, "natural", 1, 19), (1, "dark_call", 19, 61), (1, "natural", 64, 71), (1, "natural", 71, 99),
        (1, "fault", None, None), (1, "natural", 110, 167), (1, "identity_swap", 167, None),
        (2, "natural", 169, 180), (2, "natural", 180, 199), (2, "off_no_call", 199, None),
    ]  # fmt: skip
    assert truth["port_id"].dropna().tolist() == ["RUVYP", "KRPUS"]
    assert [hours(name)[5] for name in ("arrive", "depart")] == [120, 130]
    assert truth.loc[1, "truth_id"] == "291000001-20240301T200000-dark_call"
    assert truth["on_time"].isna().sum() == 2
