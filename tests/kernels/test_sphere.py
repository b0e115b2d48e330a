import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels import sphere
from tests import oracle

LATS = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 0.0, 90.0]))
LONS = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 179.999999, 180.0, 0.0]))
POINTS = st.tuples(LATS, LONS)


def one(value):
    return np.array([value], dtype="float64")


def geodesic_km(*ends):
    return sphere.geodesic_m(*map(one, ends))[0] / 1000


@pytest.mark.parametrize(
    ("ends", "km"),
    [
        # GeographicLib, manual of GeodSolve: JFK to LHR.
        ((40.6, -73.8, 51.6, -0.5), 5551.759400),
        # GeographicLib for Python, examples: Wellington to Salamanca.
        ((-41.32, 174.81, 40.96, -5.50), 19959.679267),
        # One degree of the equator: a pi / 180 with a = 6378137 m.
        ((0, 10, 0, 11), 111.319490793),
        # The same across the antimeridian, and given in another turn.
        ((0, 179.5, 0, -179.5), 111.319490793),
        ((0, 359.5, 0, -359.5), 111.319490793),
        # Quarter meridian of WGS 84, and from pole to pole whatever the longitudes.
        ((0, 25, 90, -100), 10001.965729),
        ((-90, 7, 90, 33), 20003.931459),
        ((90, 0, 90, 120), 0.0),
        ((12.5, 33.25, 12.5, 33.25), 0.0),
    ],
)
def test_published_geodesics(ends, km):
    assert geodesic_km(*ends) == pytest.approx(km, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 91.0])
def test_geodesic_of_unknown_positions_is_unknown(bad):
    assert np.isnan(geodesic_km(bad, 0, 0, 0))
    assert np.isnan(geodesic_km(0, 0, bad, 0))
    if bad != 91.0:
        assert np.isnan(geodesic_km(0, bad, 0, 0))


def test_geodesic_of_nothing():
    assert sphere.geodesic_m(*[np.empty(0)] * 4).shape == (0,)


def test_great_circle_of_one_degree():
    # Mean radius 6371.0088 km: one degree is 111.19508 km = 60.04054 nm.
    assert sphere.great_circle_nm(one(0), one(0), one(1), one(0))[0] == pytest.approx(60.04054, abs=1e-5)


@given(POINTS, POINTS)
def test_great_circle_twin(a, b):
    fast = sphere.great_circle_nm(*map(one, (*a, *b)))[0]
    # The haversine loses digits near the antipode: half a metre there.
    assert fast == pytest.approx(oracle.great_circle_nm(*a, *b), rel=1e-9, abs=3e-4)


@given(POINTS, POINTS)
def test_great_circle_is_near_the_geodesic(a, b):
    sphere_nm = sphere.great_circle_nm(*map(one, (*a, *b)))[0]
    assert sphere_nm == pytest.approx(geodesic_km(*a, *b) / 1.852, rel=0.006, abs=1e-6)


@pytest.mark.parametrize(
    ("ends", "degrees"),
    [((0, 0, 1, 0), 0), ((0, 0, 0, 1), 90), ((0, 0, -1, 0), 180), ((0, 179.5, 0, -179.5), 90), ((0, 1, 0, 0), 270)],
)
def test_bearing_of_the_quarters(ends, degrees):
    assert sphere.bearing(*map(one, ends))[0] == pytest.approx(degrees, abs=1e-9)


@given(POINTS, POINTS)
def test_bearing_twin(a, b):
    angle = oracle.great_circle_nm(*a, *b) / oracle.MEAN_RADIUS_NM
    if 1e-6 < angle < np.pi - 1e-6 and abs(a[0]) < 89.999:
        off = sphere.bearing(*map(one, (*a, *b)))[0] - oracle.bearing(*a, *b)
        assert (off + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


@given(POINTS, st.floats(0, 360), st.floats(0, 5000))
def test_destination_twin(start, course, distance):
    lat, lon = (value[0] for value in sphere.destination(*map(one, (*start, course, distance))))
    assert -180 <= lon < 180
    assert oracle.great_circle_nm(lat, lon, *oracle.destination(*start, course, distance)) == pytest.approx(0, abs=1e-3)
    assert oracle.great_circle_nm(lat, lon, *start) == pytest.approx(distance, abs=1e-3)


@given(POINTS, st.floats(0, 360), st.floats(0.1, 1000), st.floats(0, 1))
def test_interpolation_stays_on_the_arc(start, course, distance, fraction):
    end = oracle.destination(*start, course, distance)
    lat, lon = (value[0] for value in sphere.interpolate(*map(one, (*start, *end, fraction))))
    there = oracle.great_circle_nm(*start, lat, lon)
    assert there == pytest.approx(fraction * distance, abs=0.01 * distance + 1e-3)
    assert there + oracle.great_circle_nm(lat, lon, *end) == pytest.approx(distance, abs=1e-2)


def test_interpolation_across_the_antimeridian():
    lat, lon = sphere.interpolate(one(0), one(179), one(0), one(-179), one(0.5))
    assert lat[0] == pytest.approx(0, abs=1e-12)
    assert lon[0] == pytest.approx(-180, abs=1e-9)


def test_interpolation_between_antipodes_is_unknown():
    assert np.isnan(sphere.interpolate(one(0), one(0), one(0), one(180), one(0.5))).all()


@pytest.mark.parametrize(("lon", "wrapped"), [(180, -180), (-180, -180), (190, -170), (-541, 179), (359.5, -0.5)])
def test_wrap_lon(lon, wrapped):
    assert sphere.wrap_lon(one(lon))[0] == wrapped


@pytest.mark.parametrize(("a", "b", "off"), [(10, 350, 20), (350, 10, -20), (180, 0, -180), (0, 0, 0), (725, 0, 5)])
def test_angle_difference(a, b, off):
    assert sphere.angle_difference(one(a), one(b))[0] == off
