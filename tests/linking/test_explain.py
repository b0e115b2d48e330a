"""Which broadcasting ships a sighting could be, where they are by hand."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.azimuth import position_errors
from darkvoyage.linking.explain import broadcasting_pairs
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import GAPS
from tests.worlds import hours

RULE = LinkRule(min_llr=-30.0)
SHIP = 299_000_001
LOOK = {"scene_id": ["x"], "look_azimuth_deg": [90.0], "incidence_deg": [39.0], "platform": ["S1A"], "sensor": ["sar"]}
NM = 1 / 60
"""Of latitude, and of longitude on the equator [deg]."""


def fixes(*rows, mmsi=SHIP, **more):
    """Rows of (minutes, nm north, nm east, speed, course)."""
    minutes, north, east, speed, course = map(np.array, zip(*rows, strict=True))
    return pd.DataFrame(
        {
            "mmsi": mmsi, "timestamp": hours(minutes / 60), "lat": north * NM, "lon": east * NM, "sog": speed,
            "cog": course, "track_id": f"{mmsi}-0", "flag": pd.Series(None, index=range(len(rows)), dtype="str"),
        } | more
    )  # fmt: skip


def llr(table, north_m, east_m, sensor="optical", **more):
    """Of a ship seen at minute 20 at so many metres from the origin; NaN where it is no candidate."""
    seen = pd.DataFrame(
        {
            "timestamp": hours([20 / 60]), "lat": [north_m / 1852 * NM], "lon": [east_m / 1852 * NM], "scene_id": "x",
            "sensor": sensor,
        } | more
    )  # fmt: skip
    scenes = pd.DataFrame(LOOK)
    pairs = broadcasting_pairs(seen, position_errors(seen, scenes), table, empty(GAPS), np.array([0.01]), RULE)
    return pairs["llr"].max() if len(pairs) else np.nan


def best(table, places, **more):
    return places[int(np.nanargmax([llr(table, *place, **more) for place in places]))]


STRAIGHT = fixes((0, 0, 0, 12.0, 90.0), (40, 0, 8, 12.0, 90.0))


def test_a_ship_is_seen_where_it_was_between_its_fixes():
    """12 kn for 20 min: 4 nm."""
    assert best(STRAIGHT, [(0, 4 * 1852 + off) for off in (-900, -300, 0, 300, 900)]) == (0, 4 * 1852)


def test_radar_shows_a_ship_going_east_to_the_south():
    """115 s x sin 39 x 12 kn = 447 m, of a radar that looks east."""
    south = [(-north, 4 * 1852) for north in (-450, 0, 225, 450, 675)]
    assert best(STRAIGHT, south, sensor="sar") == (-450, 4 * 1852)


def test_a_ship_that_turns_is_on_the_curve_that_keeps_its_velocities():
    """Half way a cubic is at half the chord plus T/8 (v0 - v1): chord (4, 4), T v = 8 nm: east 2 + 1, north 2 - 1."""
    table = fixes((0, 0, 0, 12.0, 90.0), (40, 4, 4, 12.0, 0.0))
    assert best(table, [(1852, 3 * 1852), (2 * 1852, 2 * 1852), (0, 4 * 1852)]) == (1852, 3 * 1852)


def test_a_ship_that_lies_still_is_not_what_lies_three_hundred_metres_off():
    """Seen to 20 m, heard 20 min before and after: the next berth is not its own, a moving ship may be off."""
    moored = fixes((0, 0, 0, 0.0, 0.0), (40, 0, 0, 0.0, 0.0))
    assert llr(moored, 20, 0, position_err_m=20.0) > 7
    assert llr(moored, 300, 0, position_err_m=20.0) < 0
    assert llr(STRAIGHT, 300, 4 * 1852, position_err_m=20.0) > 3


def test_beside_a_single_fix_the_course_is_kept():
    before, after = fixes((14, 0, 0, 10.0, 0.0)), fixes((26, 0, 0, 10.0, 0.0))
    assert best(before, [(1852, 0), (0, 0), (-1852, 0)]) == (1852, 0)
    assert best(after, [(1852, 0), (0, 0), (-1852, 0)]) == (-1852, 0)
    assert np.isnan(llr(fixes((9, 0, 0, 0.0, 0.0)), 0, 0))


def test_a_heading_along_the_course_counts_for_the_ship_and_one_across_against_it():
    plain, along, across = (
        llr(STRAIGHT, 0, 4 * 1852, **heading) for heading in ({}, {"heading": [92.0]}, {"heading": [0.0]})
    )
    assert along > plain + 1 > across + 2


def test_net_buoys_explain_nothing():
    still = ((0, 0, 0, 0.0, 0.0), (40, 0, 0, 0.0, 0.0))
    assert llr(fixes(*still), 0, 0) > 3
    assert np.isnan(llr(fixes(*still, mmsi=994_030_416), 0, 0))
    assert np.isnan(llr(fixes(*still, name="NET 12.3V"), 0, 0))


@pytest.mark.parametrize("speed", [None, np.nan])
def test_fixes_without_speed_are_joined_by_the_chord(speed):
    table = STRAIGHT.drop(columns=["sog", "cog"]) if speed is None else STRAIGHT.assign(sog=speed)
    assert best(table, [(0, 4 * 1852 + off) for off in (-900, 0, 900)]) == (0, 4 * 1852)
