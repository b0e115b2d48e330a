"""Planes at many origins against haversine and bearing, and by hand."""

import numpy as np
import pytest

from darkvoyage.kernels.planes import Planes, chord2_of, points_along, squared_chord
from darkvoyage.kernels.prisms import degrees_of, unit_vectors
from darkvoyage.kernels.sphere import bearing, great_circle_nm, interpolate

PLACES = np.array([(0, 0), (42.7, 133.1), (-33.0, 179.99), (-33.0, -179.98), (89.9, 10), (-89.99, 100), (1.2, 104.1)])


def every_pair():
    one, other = (index.ravel() for index in np.meshgrid(*2 * [np.arange(len(PLACES))]))
    return one, other, PLACES[one].T, PLACES[other].T


def test_offsets_are_distance_and_bearing():
    one, _, (lat0, lon0), (lat, lon) = every_pair()
    east, north = Planes.of(*PLACES.T).offset(one, unit_vectors(lat, lon))
    away, angle = great_circle_nm(lat0, lon0, lat, lon), np.radians(bearing(lat0, lon0, lat, lon))
    np.testing.assert_allclose(east, away * np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(north, away * np.cos(angle), atol=1e-6)


def test_offset_by_hand():
    """A hundredth of a degree is 0.6004 nm; along the parallel of 60 degrees half of it.

    The way there begins north of east, by half of what meridians turn: 0.005 degrees times sin 60, 2.27e-5 nm.
    """
    planes = Planes.of(np.array([0.0, 60.0, 60.0]), np.array([0.0, 0.0, 0.0]))
    there = unit_vectors(np.array([0.01, 60.0, 60.0]), np.array([0.0, 0.01, 0.0]))
    east, north = planes.offset(np.arange(3), there)
    np.testing.assert_allclose(east, [0, 0.30020, 0], atol=1e-5)
    np.testing.assert_allclose(north, [0.60040, 2.27e-5, 0], atol=1e-5)


def test_no_position_no_offset():
    planes = Planes.of(np.array([np.nan, 0.0]), np.array([0.0, 0.0]))
    nowhere = unit_vectors(np.array([0.0, np.nan]), np.array([0.0, 0.0]))
    assert np.isnan(planes.offset(np.arange(2), nowhere)).all()


def test_chords_order_as_distances():
    one, other, (lat0, lon0), (lat, lon) = every_pair()
    vectors, away = unit_vectors(*PLACES.T), great_circle_nm(lat0, lon0, lat, lon)
    chord2 = squared_chord(vectors[one], vectors[other])
    np.testing.assert_allclose(chord2, chord2_of(away), atol=1e-12)
    assert (chord2 <= chord2_of(np.full(len(away), 10_800.0 * 1.01))).all()
    assert chord2_of(np.array([-1.0]))[0] == 0
    # A radian through the globe: 2 sin(1/2), squared.
    assert chord2_of(np.array([6371.0088 / 1.852]))[0] == pytest.approx((2 * np.sin(0.5)) ** 2)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_points_along_are_those_of_the_sphere(fraction):
    one, other, (lat0, lon0), (lat, lon) = every_pair()
    vectors, share = unit_vectors(*PLACES.T), np.full(len(one), fraction)
    want = unit_vectors(*interpolate(lat0, lon0, lat, lon, share))
    np.testing.assert_allclose(points_along(vectors[one], vectors[other], share), want, atol=1e-12)


def test_there_is_no_way_between_antipodes():
    middle = points_along(np.array([[1.0, 0, 0]]), np.array([[-1.0, 0, 0]]), np.array([0.5]))
    assert np.isnan(degrees_of(middle)).all()
