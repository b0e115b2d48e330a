"""How fast ships can have gone, by hand."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.pace import end_speed_kn, reach_speed_kn
from darkvoyage.linking.places import excursions
from darkvoyage.rules.linking import LinkRule

RULE = LinkRule(by_sea=False)


def gaps(rows):
    """Rows of hours, degrees made good to the east from 0 N 0 E, and the speeds at both ends."""
    hours, east, start, end = np.array(rows, dtype="float64").T
    return pd.DataFrame(
        {
            "duration_h": hours, "start_lat": 0.0, "start_lon": 0.0, "end_lat": 0.0 * east, "end_lon": east,
            "start_sog": start, "end_sog": end,
        }
    )  # fmt: skip


def test_the_largest_of_cap_speed_made_good_and_speed_kept():
    """A degree is 60.04 nm; 102.3 kn is what transponders say that know no speed."""
    table = gaps([(10, 0, 8, 9), (2, 1, 8, np.nan), (10, 0, 8, 25), (10, 0, 102.3, 3), (10, np.nan, 20, np.nan)])
    assert reach_speed_kn(table, RULE) == pytest.approx([16.0, 1.1 * 30.02, 27.5, 16.0, 22.0], rel=1e-3)
    assert end_speed_kn(table)[:3].tolist() == [9, 8, 25]


def test_a_fast_ferry_reaches_its_port():
    """Half a degree there and back in two hours is 30 kn."""
    ports = pd.DataFrame({"port_id": ["P"], "lat": [0.5], "lon": [0.0], "radius_nm": [0.0], "sensitive": [False]})
    slow, fast = gaps([(2.1, 0, 10, 10)]), gaps([(2.1, 0, 28, 10)])
    assert len(excursions(slow, ports, RULE).port) == 0
    assert excursions(fast, ports, RULE).arrive_h == pytest.approx([30.02 / 30.8], rel=1e-3)
