"""Matching of intervals against plain loops, and what is true of a gap."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import GAPS, TRUTH
from darkvoyage.scoring.evaluation.events import label_gaps, match_events, overlaps, true_calls
from tests.scoring import evaluation_truth as known
from tests.worlds import hours

interval = st.tuples(st.sampled_from([1, 2]), st.integers(0, 12), st.integers(0, 8))
intervals = st.lists(interval.map(lambda x: (x[0], x[1], x[1] + x[2])), max_size=6)


def arrays(rows):
    return [np.array([row[i] for row in rows], dtype="int64") for i in range(3)]


@given(intervals, intervals)
def test_overlaps_are_all_pairs_that_share_time(left, right):
    expected = set()
    for i, (key, start, end) in enumerate(left):
        for j, (other, begin, stop) in enumerate(right):
            shared = min(end, stop) - max(start, begin)
            if key == other and shared > 0:
                expected.add((i, j, shared))
    found = list(zip(*(column.tolist() for column in overlaps(*arrays(left), *arrays(right))), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


def interval_table(rows):
    mmsi, start, end = zip(*rows, strict=True) if rows else ((), (), ())
    ends = pd.Series([np.nan if value is None else value for value in end], dtype="float64")
    return pd.DataFrame({"mmsi": np.array(mmsi, dtype="int64"), "start": hours(start), "end": hours(ends)})


def best_total(left, right):
    """Longest total overlap of one-to-one pairs, by trying them all."""
    width = max(len(left), len(right))
    best = 0
    for order in permutations(range(width)):
        total = 0
        for i, j in enumerate(order):
            if i < len(left) and j < len(right) and left[i][0] == right[j][0]:
                total += max(min(left[i][2], right[j][2]) - max(left[i][1], right[j][1]), 0)
        best = max(best, total)
    return best


@given(intervals.filter(lambda x: len(x) < 6), intervals.filter(lambda x: len(x) < 6))
def test_events_are_matched_once_each_with_the_longest_overlap(left, right):
    pairs = match_events(interval_table(left), interval_table(right))
    assert pairs["found"].is_unique
    assert pairs["true"].is_unique
    total = 0
    for pair in pairs.itertuples():
        one, other = left[pair.found], right[pair.true]
        shared = min(one[2], other[2]) - max(one[1], other[1])
        assert one[0] == other[0]
        assert pair.overlap_h == pytest.approx(shared)
        assert (pair.start_error_h, pair.end_error_h) == pytest.approx((one[1] - other[1], one[2] - other[2]))
        total += shared
    assert total == best_total(left, right)


def test_matching_within_a_tolerance():
    found = interval_table([(1, 0.0, 10.0), (1, 20.0, 30.0), (2, 0.0, None), (3, 0.0, None)])
    true = interval_table([(1, 0.1, 10.1), (1, 20.0, 30.3), (2, 0.0, None), (3, 0.0, 50.0)])
    pairs = match_events(found, true, tolerance_h=0.2)
    assert pairs[["found", "true"]].to_numpy().tolist() == [[0, 0], [2, 2]]
    assert pairs["end_error_h"].tolist() == pytest.approx([-0.1, 0.0])
    loose = match_events(found, true)
    assert loose["true"].tolist() == [0, 1, 2, 3]
    assert loose["end_error_h"].tolist()[3] == np.inf


def test_many_contested_pairs_are_matched_in_one_go():
    """Each found interval reaches into the next true one: the diagonal is longest."""
    rows = [(1, 10 * i, 10 * i + 9) for i in range(2000)]
    found = interval_table([(1, start + 3, end + 3) for _, start, end in rows])
    pairs = match_events(found, interval_table(rows))
    assert (pairs["found"] == pairs["true"]).all()
    assert len(pairs) == 2000


def gap_table(rows):
    """GAPS from (ship, start, end)."""
    truth = known.truth_table([known.event("natural", ship, start, end, (start, end)) for ship, start, end in rows])
    seen = known.sighting_tables([(0, None, "clutter", "a")])
    return known.true_gaps(known.Truth(truth, *seen)).drop_duplicates("gap_id")


def labels_of(gaps, events, names=("kind", "off", "deliberate", "call")):
    return label_gaps(gaps, known.truth_table(events))[list(names)].to_numpy().tolist()


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], ["natural", False, False, False]),
        ([known.event("natural", 0, 10, 60, (10, 60))], ["natural", False, False, False]),
        ([known.event("fault", 0, 12, 58, (10, 60))], ["fault", True, False, False]),
        ([known.event("security_off", 0, 12, 58, (10, 60))], ["security_off", True, True, False]),
        ([known.event("dark_meeting", 0, 12, 58, (10, 60))], ["dark_meeting", True, True, False]),
        ([known.event("dark_call", 0, 12, 58, (10, 60), port="A")], ["dark_call", True, True, True]),
        # Another ship's call; one that ends as the gap begins; one whose silence is elsewhere.
        ([known.event("dark_call", 1, 12, 58, (10, 60), port="A")], ["natural", False, False, False]),
        ([known.event("dark_call", 0, 2, 10, (1, 10), port="A")], ["natural", False, False, False]),
        # The longer overlap wins, but a call before all; of equal ones the cause.
        (
            [known.event("fault", 0, 12, 20, None), known.event("off_wait", 0, 21, 60, None)],
            ["off_wait", True, True, False],
        ),
        (
            [known.event("off_wait", 0, 12, 45, None), known.event("dark_call", 0, 46, 60, None, port="A")],
            ["dark_call", True, True, True],
        ),
        (
            [known.event("natural", 0, 5, 80, None), known.event("fault", 0, 5, 80, None)],
            ["fault", True, False, False],
        ),
        # Of two ships that share the number, the one whose silence has the same ends.
        (
            [known.event("natural", 0, 10, 60, (10, 60)), known.event("dark_call", 0, 5, 80, (5, 80), port="A")],
            ["natural", False, False, False],
        ),
        (
            [known.event("fault", 0, 11, 30, (10, 60.1)), known.event("dark_call", 0, 11, 59, (10, 70), port="A")],
            ["fault", True, False, False],
        ),
        # A transmitter that is on silences nobody, unless the feed says so.
        ([known.event("spoofed", 0, 5, 90, None, port="A")], ["natural", False, False, False]),
        ([known.event("spoofed", 0, 5, 90, (10, 60), port="A")], ["spoofed", False, False, True]),
        ([known.event("spoofed", 0, 5, 90, (10, 60))], ["spoofed", False, False, False]),
        ([known.event("identity_swap", 0, 5, 90, (10, 60))], ["identity_swap", False, False, False]),
        (
            [known.event("identity_swap", 0, 30, None, (10, 60)), known.event("off_wait", 0, 12, 20, (10, 60))],
            ["off_wait", True, True, False],
        ),
        # Never on again.
        ([known.event("dark_call", 0, 59, None, (58, None), port="A")], ["dark_call", True, True, True]),
    ],
)  # fmt: skip
def test_what_is_true_of_a_gap(events, expected):
    other = [known.event("natural", 9, 0, 10, (0, 10))]
    assert labels_of(gap_table([(0, 10, 60)]), events + other) == [expected]


def test_a_call_belongs_to_one_gap():
    gaps = gap_table([(0, 10, 30), (0, 30, 60), (0, 60, 75)])
    events = [known.event("dark_call", 0, 12, 70, (10, 75), port="A")]
    assert [row[1:] for row in labels_of(gaps, events)] == [
        [True, True, False],
        [True, True, True],
        [True, True, False],
    ]


def test_labels_tell_where_and_whom():
    world = known.hand_made()
    labels = label_gaps(known.true_gaps(world), world.truth)
    assert ("gap-" + labels["truth_id"]).tolist() == labels["gap_id"].tolist()
    by_kind = labels.groupby("kind")
    assert by_kind["port_id"].first()["dark_call"] == "RUVYP"
    assert by_kind["call"].sum().to_dict() == {**dict.fromkeys(by_kind.groups, 0), "dark_call": 3, "spoofed": 1}


@given(
    intervals.filter(len),
    intervals.filter(len),
    st.lists(st.sampled_from(["natural", "fault", "dark_call"]), min_size=6),
)
def test_labels_are_those_of_a_plain_loop(gaps, events, kinds):
    gaps = [(ship, start, max(end, start + 1)) for ship, start, end in gaps]
    rows = [
        known.event(kind, ship, start, end, (start, end), port="A" if kind == "dark_call" else None)
        for (ship, start, end), kind in zip(events, kinds, strict=False)
    ]
    table, truth = gap_table(gaps), known.truth_table(rows)
    expected = {}
    for gap in table.itertuples():
        best, label = None, "natural"
        for event in truth.itertuples():
            shared = (min(gap.gap_end, event.on_time) - max(gap.gap_start, event.off_time)) / pd.Timedelta(hours=1)
            if event.mmsi == gap.mmsi and shared > 0:
                same = gap.gap_start == event.gap_start and gap.gap_end == event.gap_end
                inside = 2 * shared >= (event.on_time - event.off_time) / pd.Timedelta(hours=1)
                call = event.kind == "dark_call" and inside
                rank = (not same, not call, -shared, event.kind == "natural", event.off_time, event.truth_id)
                if best is None or rank < best:
                    best, label = rank, event.kind
        expected[gap.gap_id] = label
    labels = label_gaps(table, truth)
    assert dict(zip(labels["gap_id"], labels["kind"], strict=True)) == expected


def test_order_of_rows_and_empty_tables():
    world = known.random_world(5)
    gaps = known.true_gaps(world)
    labels = label_gaps(gaps, world.truth)
    mixed = np.random.default_rng(1).permutation(len(gaps))
    again = label_gaps(gaps.iloc[mixed], world.truth.iloc[::-1])
    assert_frame_equal(again, labels.iloc[mixed].reset_index(drop=True))
    assert len(label_gaps(empty(GAPS), world.truth)) == 0
    assert label_gaps(gaps, empty(TRUTH))["kind"].eq("natural").all()
    assert list(label_gaps(empty(GAPS), empty(TRUTH)).columns) == list(labels.columns)


def test_true_calls():
    kinds = true_calls(known.hand_made().truth)["kind"]
    assert kinds.value_counts().to_dict() == {"dark_call": 3, "spoofed": 1}
