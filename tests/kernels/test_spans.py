import bisect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels import spans
from tests import oracle

FAR = 2**62
VALUES = st.one_of(st.integers(-5, 5), st.sampled_from([-FAR, FAR, FAR + 1, 1_709_251_200_000_000]))
ROWS = st.lists(st.tuples(st.integers(0, 3), VALUES), max_size=12)


def column(rows, index):
    return np.array([row[index] for row in rows], dtype="int64")


@given(st.lists(st.integers(0, 3)).map(sorted))
def test_group_starts_twin(key):
    assert spans.group_starts(np.array(key, dtype="int64")).tolist() == oracle.group_starts(key)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4))))
def test_expand_twin(ranges):
    owner, index = spans.expand(column(ranges, 0), column(ranges, 1))
    assert (owner.tolist(), index.tolist()) == oracle.expand(*([r[i] for r in ranges] for i in (0, 1)))


@given(ROWS.map(sorted), ROWS, st.sampled_from(["left", "right"]))
def test_search_groups_twin(rows, queries, side):
    found = spans.search_groups(
        column(rows, 0), column(rows, 1), column(queries, 0), column(queries, 1), side=side
    ).tolist()
    lists = [[row[i] for row in which] for which in (rows, queries) for i in (0, 1)]
    assert found == oracle.search_groups(*lists, side)


def test_search_groups_by_hand():
    group, value = np.array([0, 0, 0, 2, 2]), np.array([10, 20, 20, 5, 15])
    asked, sought = np.array([0, 0, 0, 1, 2, 2]), np.array([20, 9, 99, 7, 15, 16])
    assert spans.search_groups(group, value, asked, sought, side="left").tolist() == [1, 0, 3, 3, 4, 5]
    assert spans.search_groups(group, value, asked, sought, side="right").tolist() == [3, 0, 3, 3, 5, 5]


@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.tuples(*[st.integers(0, 12)] * 3), max_size=8))
def test_search_ranges_twin(values, queries):
    """Each query by `bisect` in its own range, sorted by itself."""
    spans_of = [(min(a, b, len(values)), min(max(a, b), len(values)), query) for a, b, query in queries]
    for first, end, query in spans_of:
        column = np.array(values[:first] + sorted(values[first:end]) + values[end:], dtype="int64")
        one = (column, np.array([first]), np.array([end]), np.array([query]))
        for side, find in (("left", bisect.bisect_left), ("right", bisect.bisect_right)):
            assert spans.search_ranges(*one, side=side).tolist() == [find(column.tolist(), query, first, end)]
    column = np.sort(np.array(values, dtype="int64"))
    first, end, query = np.array(spans_of, dtype="int64").reshape(-1, 3).T
    expected = [bisect.bisect_left(column.tolist(), *each) for each in zip(query, first, end, strict=True)]
    assert spans.search_ranges(column, first, end, query).tolist() == expected


@pytest.mark.parametrize("rows", [0, 1])
def test_no_queries(rows):
    some, none = np.zeros(rows, dtype="int64"), np.empty(0, dtype="int64")
    assert spans.search_groups(some, some, none, none).tolist() == []
