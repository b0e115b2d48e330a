"""When the line of a sighting was taken, by hand."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.azimuth import position_errors
from darkvoyage.linking.line_time import line_delays
from tests.worlds import hours

NORTH = np.zeros(3)
TO_THE_POLE = "POLYGON((179 0,180 0,180 4,179 4,179 0))"
ACROSS = f"MULTIPOLYGON({TO_THE_POLE[7:]},((-180 0,-179 0,-179 4,-180 4,-180 0)))"


def scene(seconds=60.0, name="x", footprint=ACROSS):
    return pd.DataFrame(
        {
            "scene_id": [name], "timestamp": hours([1.0]), "timestamp_end": hours([1.0 + seconds / 3600]),
            "footprint": footprint, "sensor": "sar",
        }
    )  # fmt: skip


def seen(seconds=(0.0, 0.0, 0.0), lat=(1.0, 2.0, 4.0), lon=(179.5, -179.5, 179.5), name="x"):
    return pd.DataFrame(
        {"timestamp": hours(1.0 + np.array(seconds) / 3600), "lat": lat, "lon": lon, "scene_id": name, "sensor": "sar"}
    )


def seconds(delays):
    return [part * 3600 for part in delays]


def test_the_line_follows_from_the_way_along_the_flight():
    """A minute over four degrees to the north: a quarter, a half, all of it; southward three quarters, half, none."""
    delay, sd = seconds(line_delays(seen(), scene(), NORTH))
    np.testing.assert_allclose(delay, [15.0, 30.0, 60.0], atol=0.1)
    np.testing.assert_allclose(sd, 6.0)
    delay, _ = seconds(line_delays(seen(), scene(), NORTH + 180.0))
    np.testing.assert_allclose(delay, [45.0, 30.0, 0.0], atol=0.1)


def test_a_time_at_the_end_or_the_middle_is_the_scenes_too():
    for given in (60.0, 30.0):
        delay, _ = seconds(line_delays(seen([given] * 3), scene(), NORTH))
        np.testing.assert_allclose(delay, np.array([15.0, 30.0, 60.0]) - given, atol=0.1)


def test_where_the_flight_is_not_known_it_may_be_any_line():
    """Uniform over a minute: 60 / sqrt 12."""
    delay, sd = seconds(line_delays(seen(), scene(), NORTH * np.nan))
    np.testing.assert_allclose(delay, 30.0)
    np.testing.assert_allclose(sd, 17.32, atol=0.01)


@pytest.mark.parametrize(
    ("table", "looks"),
    [
        (seen([10.0, 20.0, 30.0]), scene()),
        (seen([17.0], [1.0], [179.5]), scene()),
        (seen(), scene(0.0)),
        (seen(), scene().drop(columns="timestamp_end")),
        (seen(), scene(name="y")),
        (seen().drop(columns="scene_id"), scene()),
        (seen(name=None), scene()),
        (seen().iloc[:0], scene()),
    ],
    ids=["own times", "own time of one", "at once", "no end", "another scene", "no scenes", "no scene", "nothing"],
)
def test_a_time_of_its_own_stays_and_nothing_is_made_up(table, looks):
    for part in line_delays(table, looks, NORTH[: len(table)]):
        np.testing.assert_array_equal(part, 0.0)


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("S1A_IW_GRDH_1SDV_20240401T010000_20240401T010025_031_1A2B", 25.0),
        ("RS2_20240401_010000_0074_DVWF_HH_SCS", 74.0),
        ("S1-roads-0001", 0.0),
    ],
)
def test_names_of_products_tell_how_long_they_took(name, length):
    delay, _ = seconds(line_delays(seen(name=name), scene().iloc[:0], NORTH))
    np.testing.assert_allclose(delay, length / 2)


def test_what_the_analyst_says_of_the_time_is_added():
    """Six minutes either way: 360 s / sqrt 3."""
    table = seen([10.0, 20.0, 30.0]).assign(time_uncertainty_min=[6.0, np.nan, 0.0])
    delay, sd = seconds(line_delays(table, scene(), NORTH))
    np.testing.assert_array_equal(delay, 0.0)
    np.testing.assert_allclose(sd, [207.85, 0.0, 0.0], atol=0.01)


def test_a_ship_goes_on_until_its_line_is_taken():
    """12 kn east for 30 s: 0.1 nm; not known to 17 s: 0.058 nm on the one axis, over both of them 0.041."""
    looks = scene(60.0).assign(sensor="optical")
    table = seen().assign(sensor="optical")
    rows = np.arange(3)
    east, north, sd = position_errors(table, looks).shift(rows, np.full(3, 12.0), np.zeros(3))
    np.testing.assert_allclose(east, 0.1)
    np.testing.assert_allclose(north, 0.0, atol=1e-12)
    late, part = 12.0 * 60.0 / np.sqrt(12) / 3600, 0.15 * 0.1
    np.testing.assert_allclose(sd, np.sqrt((late**2 + part**2) / 2), rtol=1e-6)
    own = position_errors(seen([5.0, 6.0, 7.0]).assign(sensor="optical"), looks)
    np.testing.assert_array_equal(own.shift(rows, np.full(3, 12.0), np.zeros(3)), 0.0)
