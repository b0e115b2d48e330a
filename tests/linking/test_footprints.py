"""Nothing is detected along the border of an image."""

import numpy as np
import pandas as pd
import pytest
import shapely

import darkvoyage as dv
from darkvoyage.linking.footprints import watched
from tests.worlds import hours, one_gap, ports

M_NORTH = 1 / 1852 / 60


def inside(footprint, lat, lon):
    shape = watched(pd.DataFrame({"footprint": [footprint]}))[0]
    return [bool(shapely.intersects_xy(shape, x, y)) for y, x in zip(lat, lon, strict=True)]


def square(south, west, north, east):
    return f"(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"


@pytest.mark.parametrize("lat", [0.0, 60.0, -75.0])
def test_five_hundred_metres_from_every_side(lat):
    box = "POLYGON" + square(lat, 10.0, lat + 1.0, 13.0)
    middle = lat + 0.5
    m_east = M_NORTH / np.cos(np.radians(middle))
    near, far = 490, 510
    for metres, seen in ((near, False), (far, True)):
        north = [lat + metres * M_NORTH, lat + 1 - metres * M_NORTH, middle, middle]
        east = [11.0, 11.0, 10.0 + metres * m_east, 13.0 - metres * m_east]
        assert inside(box, north, east) == [seen] * 4


def test_the_antimeridian_is_no_border():
    two = f"MULTIPOLYGON({square(-1, 179, 1, 180)},{square(-1, -180, 1, -179)})"
    lon = [180.0, -180.0, 179.9999, -179.9999, 179.002, -179.002]
    assert inside(two, [0.0] * 6, lon) == [True] * 4 + [False] * 2
    assert inside(two, [0.999, -0.999], [180.0, -180.0]) == [False, False]
    # One half alone ends there.
    assert inside("POLYGON" + square(-1, 179, 1, 180), [0.0], [179.999]) == [False]


def test_all_longitudes_may_turn():
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(-1.1, 1.1, 300), rng.uniform(-1.1, 1.1, 300)
    plain = inside("POLYGON" + square(-1, -1, 1, 1), lat, lon)
    two = f"MULTIPOLYGON({square(-1, 179, 1, 180)},{square(-1, -180, 1, -179)})"
    assert inside(two, lat, np.where(lon >= 0, lon - 180, lon + 180)) == plain
    assert 0.6 < np.mean(plain) < 0.99


def test_the_berth_that_an_analyst_looked_at_is_kept_whole():
    """A square of 900 m; of a square of 4 km three quarters of each side are left."""
    side = 900 * M_NORTH
    assert inside("POLYGON" + square(0, 0, side, side), [10 * M_NORTH], [10 * M_NORTH]) == [True]
    side = 4000 * M_NORTH
    assert inside("POLYGON" + square(0, 0, side, side), [10 * M_NORTH], [10 * M_NORTH]) == [False]


def test_nothing_was_taken():
    assert len(watched(pd.DataFrame({"footprint": pd.Series([], dtype="str")}))) == 0


@pytest.mark.parametrize(("metres", "told"), [(300, False), (700, True)])
def test_a_port_at_the_border_of_an_image_was_not_seen_empty(metres, told):
    south = 42.75 - metres * M_NORTH
    scene = pd.DataFrame(
        {
            "scene_id": ["c"], "timestamp": hours([40.0]), "sensor": "optical",
            "footprint": "POLYGON" + square(south, 132.5, 43.0, 133.5),
        }
    )  # fmt: skip
    nobody = pd.DataFrame({"sighting_id": [], "timestamp": hours([]), "lat": [], "lon": []})
    links = dv.link_sightings(dv.find_gaps(one_gap()), nobody, scenes=scene, ports=ports())
    assert (links["port_id"] == "RUVYP").any() == told
