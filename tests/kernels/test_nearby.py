import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels import nearby
from tests import oracle

LATS = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9, 0.0, 89.9, 90.0, 52.0]))
LONS = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 179.99, 180.0, 0.0, -179.99, 359.9, -541.0]))
RADII = st.one_of(st.floats(0, 300), st.sampled_from([0.0, 27.0, 5000.0, 10800.0, 20000.0]))
LOST = st.sampled_from([np.nan, np.inf, -np.inf, 91.0, -90.1])
POINTS = st.lists(st.tuples(st.one_of(LATS, LOST), st.one_of(LONS, st.just(np.nan))), max_size=30)
PLACES = st.lists(st.tuples(LATS, LONS, RADII), max_size=6)
DEGREE_NM = 60.04054  # of a great circle of the mean sphere


def columns(rows, number):
    return np.array(rows, dtype="float64").reshape(-1, number).T.copy()


def pairs(points, places):
    lat, lon, radius = columns(places, 3)
    found = nearby.near_pairs(*columns(points, 2), lat, lon, radius, nearby.near_cells(lat, lon, radius))
    return list(zip(*(part.tolist() for part in found), strict=True))


def pairs_of_many(points, places):
    found = nearby.near_pairs_of_many(*columns(points, 2), *columns(places, 3))
    return list(zip(*(part.tolist() for part in found), strict=True))


@pytest.mark.parametrize("pairs", [pairs, pairs_of_many])
@given(POINTS, PLACES)
def test_pairs_twin(pairs, points, places):
    found = pairs(points, places)
    assert found == sorted(set(found))
    distances = oracle.distances_nm(points, [place[:2] for place in places])
    for i, row in enumerate(distances):
        for j, away in enumerate(row):
            # Closer to the circle than a millimetre the two ways of rounding may differ.
            if abs(away - places[j][2]) > 1e-6:
                assert ((i, j) in found) == (away < places[j][2])


@given(st.tuples(LATS, LONS, st.floats(0.001, 3000)), st.floats(0, 360), st.floats(-1e-5, 1e-5))
def test_no_cell_hides_a_point_just_inside_the_circle(place, course, off_nm):
    lat, lon, radius = place
    edge = oracle.destination(lat, lon, course, max(radius + off_nm, 0.0))
    if abs(off_nm) > 1e-6 and radius > abs(off_nm):
        assert pairs([edge], [place]) == ([(0, 0)] if off_nm < 0 else [])


@given(POINTS, PLACES)
def test_any_is_some_pair(points, places):
    lat, lon, radius = columns(places, 3)
    near = nearby.near_any(*columns(points, 2), lat, lon, radius, nearby.near_cells(lat, lon, radius))
    assert near.shape == (len(points),)
    assert set(np.flatnonzero(near).tolist()) == {i for i, _ in pairs(points, places)}


@given(st.lists(st.tuples(LATS, LONS), max_size=20), PLACES, st.integers(-3, 3))
def test_longitude_may_be_in_any_turn(points, places, turns):
    moved = [(lat, lon + 360.0 * turns) for lat, lon in points]
    away = oracle.distances_nm(points, [place[:2] for place in places])
    edge = {(i, j) for i, row in enumerate(away) for j, d in enumerate(row) if abs(d - places[j][2]) < 1e-6}
    assert set(pairs(moved, places)) - edge == set(pairs(points, places)) - edge


@pytest.mark.parametrize(
    ("point", "place", "away_deg"),
    [
        ((10.0, -179.5), (10.5, -179.5), 0.5),
        ((0.0, 179.75), (0.0, -179.75), 0.5),
        ((0.0, -180.0), (0.0, 180.0), 0.0),
        ((89.75, 0.0), (89.75, 180.0), 0.5),
        ((-90.0, 12.0), (-89.5, 77.0), 0.5),
        ((90.0, -40.0), (90.0, 140.0), 0.0),
        ((0.0, 0.0), (0.0, 180.0), 180.0),
    ],
)
def test_distances_by_hand(point, place, away_deg):
    away = away_deg * DEGREE_NM
    assert pairs([point], [(*place, away + 0.001)]) == [(0, 0)]
    if away:
        assert pairs([point], [(*place, away - 0.001)]) == []


@pytest.mark.parametrize("pairs", [pairs, pairs_of_many])
def test_a_place_is_near_itself_at_no_radius(pairs):
    assert pairs([(43.0, 133.0)], [(43.0, 133.0, 0.0)]) == [(0, 0)]


def test_blocks_are_joined_in_order():
    rng = np.random.default_rng(7)
    n = 3 * (1 << 15) + 5
    lat, lon = rng.uniform(-90, 90, n), rng.uniform(-180, 180, n)
    place_lat, place_lon, radius = rng.uniform(-90, 90, 40), rng.uniform(-180, 180, 40), rng.uniform(0, 500, 40)
    cells = nearby.near_cells(place_lat, place_lon, radius)
    point, place = nearby.near_pairs(lat, lon, place_lat, place_lon, radius, cells)
    assert (np.diff(point * 40 + place) > 0).all()
    # Spherical law of cosines, the third way: exact to a few metres at these distances.
    a, b = (np.radians(values) for values in (lat, lon))
    expected = np.zeros(n, dtype=bool)
    for p, q, reach in zip(np.radians(place_lat), np.radians(place_lon), radius, strict=True):
        cosine = np.sin(a) * np.sin(p) + np.cos(a) * np.cos(p) * np.cos(b - q)
        expected |= np.arccos(np.clip(cosine, -1, 1)) * oracle.MEAN_RADIUS_NM <= reach
    near = nearby.near_any(lat, lon, place_lat, place_lon, radius, cells)
    assert 1000 < expected.sum() < n
    assert (near != expected).sum() == 0


def test_few_cells_are_marked():
    # 60 circles of 27 nm cover 0.09 % of the globe; with the rim of their cells it must stay under 1 %.
    rng = np.random.default_rng(3)
    cells = nearby.near_cells(rng.uniform(-60, 60, 60), rng.uniform(-180, 180, 60), np.full(60, 27.0))
    assert 0.0009 < cells.mean() < 0.01
