"""What sends and is no ship: by number, by name, in swarms; by hand and against a plain loop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.sphere import destination, great_circle_nm
from darkvoyage.linking.gear import gear, swarms
from tests.worlds import hours

BUOY = 928_066_001


def fixes(*rows, lat=-40.0, lon=179.95, **more):
    """Rows of (mmsi, hour, nm east, speed)."""
    mmsi, hour, east, speed = map(np.array, zip(*rows, strict=True))
    full = np.full(len(rows), 1.0)
    at = destination(lat * full, lon * full, 90.0 * full, east.astype("float64"))
    table = {"mmsi": mmsi.astype("int64"), "timestamp": hours(hour), "lat": at[0], "lon": at[1], "sog": speed}
    return pd.DataFrame(table | more)


def test_gear_is_told_by_number_and_by_name():
    table = pd.DataFrame(
        {
            "mmsi": [412_000_001, 994_030_416, 98_341_260, *range(412_000_002, 412_000_010)],
            "name": [
                "BRAVE FICTION", None, None, "FISHNET-87%", "NET 12.3V", "V BRAVO 12", "FICTION 17-15     7V6",
                "MADE UP BUOY-05", "NETFISH 55-01", "CABINET 7", "BUOYANT 3",
            ],
            "timestamp": hours(np.zeros(11)), "lat": 0.0, "lon": 0.0,
        }
    )  # fmt: skip
    expected = [False, True, True, True, True, False, True, True, True, False, False]
    assert gear(table).tolist() == expected
    assert gear(table.drop(columns="name")).tolist() == [False, True, True] + [False] * 8


SWARM = [(BUOY + i, 0.5, 4.0 * i, 0.4) for i in range(3)]


def test_three_odd_numbers_that_drift_near_each_other_are_a_swarm():
    assert gear(fixes(*SWARM)).all()
    assert not gear(fixes(*SWARM[:2])).any()
    assert not gear(fixes(*SWARM[:2], (BUOY + 2, 0.5, 15.0, 0.4))).any()


@pytest.mark.parametrize(
    "table",
    [
        fixes(*SWARM, (BUOY, 50.0, 300.0, 9.0)),  # one of them steams on another day
        fixes(*SWARM[:2], (BUOY + 2, 20.0, 8.0, 0.4)),  # not at the same time
        fixes(*SWARM, length_m=[np.nan, 58.0, 3.0]),
        fixes(*SWARM, ship_type=pd.array([70, None, 0], dtype="Int16")),
        fixes(*SWARM).assign(sog=np.nan),  # a mark at sea tells no speed
        fixes(*((412_000_001 + i, 0.5, 4.0 * i, 0.4) for i in range(3))),
    ],
    ids=["one sails", "another day", "a hull", "a cargo ship", "no speed", "numbers of ships"],
)
def test_what_may_be_a_ship_is_no_swarm(table):
    assert not gear(table).any()


def test_a_buoy_by_name_makes_a_swarm_of_its_neighbours():
    table = fixes(*SWARM[:2], (412_000_001, 0.6, 2.0, 0.1), name=[None, None, "FICTION 3 66%"])
    assert gear(table).all()


def plain(table):
    """Loop over numbers and spans of six hours."""
    rows = list(table.itertuples())
    drift = {n for n in {row.mmsi for row in rows} if max(r.sog for r in rows if r.mmsi == n) <= 3.0}
    place, found = {}, set()
    for row in rows:
        span = int((row.timestamp - hours([0])[0]) / pd.Timedelta("6h"))
        if row.mmsi in drift:
            place.setdefault((span, row.mmsi), (row.lat, row.lon))
    for span in {key[0] for key in place}:
        here = {number: at for (s, number), at in place.items() if s == span}
        for number, at in here.items():
            if sum(great_circle_nm(*at, *other) <= 10.0 for other in here.values()) >= 3:
                found.add(number)
    return [row.mmsi in found for row in rows]


ROWS = st.tuples(
    st.integers(0, 5), st.sampled_from([0.0, 3.0, 5.9, 6.1, 30.0]), st.integers(0, 40), st.sampled_from([0.1, 0.1, 5.0])
)


@given(st.lists(ROWS, min_size=1, max_size=14))
def test_swarms_are_those_of_the_plain_loop(rows):
    table = fixes(*((BUOY + n, hour, 1.3 * east, speed) for n, hour, east, speed in rows))
    assert swarms(table, np.zeros(len(table), dtype=bool)).tolist() == plain(table)


def test_nothing_sends():
    assert len(gear(fixes(*SWARM).iloc[:0])) == 0
