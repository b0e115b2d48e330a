"""Times in columns: each value is read the same wherever it stands and however often."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.io.times import read_times

TEXT = st.sampled_from(
    [
        None, "", " ", "soon", "2024-03-07", "2024-03-07T01:02:03", "2024-03-07 01:02:03.5", "2024-03-07T01:02:03Z",
        "2024-03-07T01:02:03+09:00", " 2024-03-07T01:02:03 ", "2024-03-07 01:02:03 UTC", "2024-02-30T00:00:00",
        "07/03/2024 01:02:03", "07/03/2024 01:02", "31/02/2024 01:02:03", "20240307_010203", "1709773323",
        "1709773323000", "1.7e9",
    ]
)  # fmt: skip
STYLES = st.sampled_from([("iso",), ("iso", "epoch"), ("day_first", "epoch_ms"), ("compact",), ("iso", "epoch_s")])


@given(texts=st.lists(TEXT, min_size=1, max_size=6), copies=st.integers(1, 4), styles=STYLES, seed=st.integers(0, 99))
def test_a_value_is_read_the_same_wherever_it_stands(texts, copies, styles, seed):
    many = list(np.random.default_rng(seed).permutation(np.array(texts * copies, dtype=object)))
    together = read_times(pa.array(many, pa.string()), styles)
    alone = [read_times(pa.array([text], pa.string()), styles) for text in many]
    for found, expected in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.concatenate(expected))


@pytest.mark.parametrize("copies", [1, 5000])
def test_known_times(copies):
    # 1709773323 s = 19789 days + 3723 s after 1970-01-01 = 2024-03-07T01:02:03Z
    micros, good, naive = read_times(pa.array(["07/03/2024 01:02:03", None, "x"] * copies), ("day_first",))
    assert micros.tolist() == [1709773323_000000, 0, 0] * copies
    assert good.tolist() == naive.tolist() == [True, False, False] * copies
