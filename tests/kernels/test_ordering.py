import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.ordering import vessel_order


def plainly(mmsi, time):
    return sorted(range(len(mmsi)), key=lambda row: (mmsi[row], time[row], row))


NUMBERS = st.one_of(st.integers(0, 3), st.integers(200_000_000, 775_999_999), st.integers(-(2**62), 2**62))
TIMES = st.one_of(
    st.integers(0, 3), st.integers(0, 10**6).map(lambda s: s * 10**6), st.integers(0, 10**9).map(lambda s: s * 10**3),
    st.integers(-(2**62), 2**62),
)  # fmt: skip


@given(st.lists(st.tuples(NUMBERS, TIMES), max_size=30))
def test_as_a_plain_sort(rows):
    mmsi = np.array([row[0] for row in rows], dtype="int64")
    time = np.array([row[1] for row in rows], dtype="int64")
    assert vessel_order(mmsi, time).tolist() == plainly(mmsi.tolist(), time.tolist())


@pytest.mark.parametrize("width", [2**20, 2**40, 2**62])
def test_many_rows_in_each_unit(width):
    rng = np.random.default_rng(7)
    mmsi = rng.integers(200_000_000, 700_000_000, 50)[rng.integers(0, 50, 4000)]
    time = rng.integers(0, width, 4000)
    for unit in (1, 1_000, 1_000_000):
        stamps = time // unit * unit
        assert vessel_order(mmsi, stamps).tolist() == plainly(mmsi.tolist(), stamps.tolist())


def test_numbers_at_both_ends_of_the_range():
    mmsi = np.array([2**63 - 1, -(2**63), 5, 2**63 - 1])
    time = np.array([0, 1, 2, -1])
    assert vessel_order(mmsi, time).tolist() == [1, 2, 3, 0]
