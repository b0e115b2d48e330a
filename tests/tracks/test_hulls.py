"""Settling hulls batch by batch gives what one batch of everything gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkvoyage.rules.tracks import CleanRule
from darkvoyage.tracks.episodes import BEFORE_BREAK, EPISODE_ROWS
from darkvoyage.tracks.hulls import Hulls

H = 3_600_000_000


def sequence(seed, vessels=4, rows=300):
    """Ships, twins, spikes, silences and lost fixes under a few MMSI; sorted by (vessel, time, lost)."""
    rng = np.random.default_rng(seed)
    parts = []
    for vessel in range(vessels):
        count = int(rng.integers(1, rows))
        time = np.cumsum(rng.choice([0, 60e6, 600e6, 3 * H, 30 * H], count, p=[0.05, 0.5, 0.4, 0.04, 0.01]))
        hulls = int(rng.integers(1, 4))
        # Taking turns in stretches, or at random.
        turns = np.cumsum(rng.random(count) < rng.choice([0.01, 0.3])) % hulls
        lat = 20.0 * turns + np.cumsum(rng.normal(0, 0.005, count))
        lon = (179.0 + np.cumsum(rng.normal(0, 0.005, count)) + 180) % 360 - 180
        spike = rng.random(count) < rng.choice([0.0, 0.02, 0.2])
        lat[spike] = rng.uniform(-80, 80, spike.sum())
        lost = rng.random(count) < rng.choice([0.0, 0.1, 0.5])
        parts.append(
            np.rec.fromarrays([np.full(count, vessel), time.astype("int64"), lat, lon, lost], names="v,t,y,x,l")
        )
    table = np.concatenate(parts)
    return table[np.lexsort((table["l"], table["t"], table["v"]))]


def judge(state, table, *, last):
    return state.judge(table["v"], table["t"], table["y"], table["x"], table["l"], last=last)


def in_batches(table, cuts, rule):
    """Hull of each row by (vessel, place), and the largest number of rows that waited."""
    state, waiting, out, most = Hulls(rule), table[:0], {}, 0
    seen = dict.fromkeys(np.unique(table["v"]).tolist(), 0)
    order = np.argsort(table["t"], kind="stable")
    arrival = table[order]
    # Rows of a vessel must not overtake each other within one time.
    arrival = arrival[np.lexsort((arrival["l"], arrival["v"], arrival["t"]))]
    for part in [*np.split(arrival, cuts), None]:
        batch = waiting if part is None else np.concatenate([waiting, part])
        batch = batch[np.lexsort((np.arange(len(batch)), batch["v"]))]
        done = judge(state, batch, last=part is None)
        for vessel, hull in zip(batch["v"][done.settled].tolist(), done.hull[done.settled].tolist(), strict=True):
            out[vessel, seen[vessel]] = hull
            seen[vessel] += 1
        waiting = batch[~done.settled]
        most = max(most, max(np.bincount(waiting["v"]), default=0))
    return out, most


def whole(table, rule):
    done = judge(Hulls(rule), table, last=True)
    assert done.settled.all()
    place = np.arange(len(table)) - np.searchsorted(table["v"], table["v"])
    return dict(zip(zip(table["v"].tolist(), place.tolist(), strict=True), done.hull.tolist(), strict=True))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 1200), max_size=12).map(sorted))
def test_batches_give_what_one_batch_gives(seed, cuts):
    table = sequence(seed)
    rule = CleanRule()
    out, most = in_batches(table, [cut for cut in cuts if cut < len(table)], rule)
    assert out == whole(table, rule)
    assert most <= EPISODE_ROWS + Hulls(rule).quiet + BEFORE_BREAK


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("seed", range(6))
def test_a_few_rows_at_a_time(seed, size):
    table = sequence(seed, vessels=2, rows=150)
    rule = CleanRule(hull_min_fixes=4, hull_min_share=0.25)
    out, _ = in_batches(table, list(range(size, len(table), size)), rule)
    assert out == whole(table, rule)


def test_two_ships_for_longer_than_an_episode():
    count = 4 * EPISODE_ROWS
    time = np.arange(count) * 600_000_000
    table = np.rec.fromarrays(
        [np.zeros(count, int), time, np.arange(count) % 2 * 40.0, np.zeros(count), np.zeros(count, bool)],
        names="v,t,y,x,l",
    )
    out, most = in_batches(table, [100, 1000, 1001], CleanRule())
    assert list(out.values()) == (np.arange(count) % 2).tolist()
    assert most <= EPISODE_ROWS + 64


def test_what_waits_when_nothing_is_wrong():
    count = 100
    table = np.rec.fromarrays(
        [np.zeros(count, int), np.arange(count) * 60_000_000, np.zeros(count), np.zeros(count), np.zeros(count, bool)],
        names="v,t,y,x,l",
    )
    done = judge(Hulls(CleanRule()), table, last=False)
    assert done.settled.tolist() == [True] * (count - BEFORE_BREAK) + [False] * BEFORE_BREAK
    assert (done.hull[done.settled] == 0).all()
