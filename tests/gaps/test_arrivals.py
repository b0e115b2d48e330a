"""Lateness by a plain loop, whatever the batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.gaps.arrivals import Arrivals


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 30)), max_size=30),
    st.integers(0, 10),
    st.lists(st.integers(0, 30), max_size=3).map(sorted),
)
def test_too_late_twin(rows, lateness, cuts):
    newest, expected = {}, []
    for vessel, time in rows:
        expected.append(vessel >= 0 and time < newest.get(vessel, time) - lateness)
        if vessel >= 0:
            newest[vessel] = max(newest.get(vessel, time), time)
    arrivals, found = Arrivals(lateness), []
    for part in np.split(np.array(rows, dtype="int64").reshape(-1, 2), [cut for cut in cuts if cut <= len(rows)]):
        found += arrivals.too_late(part[:, 0], part[:, 1]).tolist()
    assert found == expected
