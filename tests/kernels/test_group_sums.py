import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.group_sums import sum_before, sum_between, sum_by_key

_rows = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5), st.sampled_from([0.5, 1.0, 2.0])), max_size=12)
_queries = st.lists(st.tuples(st.integers(0, 3), st.integers(-6, 6), st.integers(0, 4)), max_size=6)


def columns(rows):
    """Columns of rows of three."""
    return (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0, int) for _ in range(3))


@given(_rows, _queries)
def test_equals_the_plain_loop(rows, queries):
    group, value, weight = columns(rows)
    asked, low, wide = columns(queries)
    for side in ("left", "right"):
        before = [
            sum(w for g, v, w in rows if g == q and (v < at or (v == at and side == "right"))) for q, at, _ in queries
        ]
        np.testing.assert_array_equal(sum_before(group, value, weight, asked, low, side=side), before)
    between = [sum(w for g, v, w in rows if g == q and at <= v <= at + more) for q, at, more in queries]
    np.testing.assert_array_equal(sum_between(group, value, weight, asked, low, low + wide), between)
    # Values as keys: negative ones ask for nothing.
    keys = [sum(w for _, v, w in rows if v == at) if at >= 0 else 0.0 for _, at, _ in queries]
    np.testing.assert_array_equal(sum_by_key(value, weight, low), keys)
