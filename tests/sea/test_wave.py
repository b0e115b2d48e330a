import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, bearing, great_circle_nm
from darkvoyage.sea.wave import spread
from tests.sea.rasters import eight_ways, grid_of, started

EIGHT_WAY_BIAS = 1 / np.cos(np.pi / 8)
"""Steps in eight directions are too long by this at most, half way between two of them."""


def run(grid, row, column, *, limit_nm=1e5):
    state, anchors = started(grid, row, column)
    return spread(grid, state, anchors, limit_nm=limit_nm), state


def centres(grid):
    return np.meshgrid(grid.centre_lat(), grid.centre_lon(), indexing="ij")


@pytest.mark.parametrize("south", [-4.0, 50.0, 70.0])
def test_open_water_is_the_great_circle(south):
    grid = grid_of(np.ones((82, 90)), south=south)
    _, state = run(grid, 40, 30)
    lat, lon = centres(grid)
    water = grid.water
    straight = great_circle_nm(lat[40, 30], lon[40, 30], lat, lon).ravel()
    np.testing.assert_allclose(state.distance_nm[water], straight[water], rtol=1e-9, atol=1e-6)
    assert set(state.anchor[water]) == {0}
    assert np.isinf(state.distance_nm[~water]).all()


def test_round_the_end_of_a_wall():
    # A wall along column 30 with its free end at row 60: every way behind it bends there.
    water = np.ones((90, 80))
    water[:60, 30] = 0
    grid = grid_of(water, south=-4.5)
    _, state = run(grid, 20, 10)
    lat, lon = grid.centre_lat(), grid.centre_lon()
    away = state.distance_nm.reshape(90, 80)
    for row, column in ((20, 50), (5, 35), (40, 70), (10, 60)):
        round_it = great_circle_nm(lat[20], lon[10], lat[60], lon[30])
        round_it += great_circle_nm(lat[60], lon[30], lat[row], lon[column])
        assert away[row, column] == pytest.approx(round_it, rel=0.01)


def round_a_disc(lat, lon, start, middle, radius_nm):
    """Shortest way round a spherical cap: two tangents and the arc between, or the great circle [nm]."""
    first = great_circle_nm(*start, *middle) / EARTH_RADIUS_NM
    last = great_circle_nm(lat, lon, *middle) / EARTH_RADIUS_NM
    radius = radius_nm / EARTH_RADIUS_NM
    turn = np.radians(np.abs((bearing(*middle, *start) - bearing(*middle, lat, lon) + 180) % 360 - 180))
    arc = turn - np.arccos(np.tan(radius) / np.tan(first)) - np.arccos(np.clip(np.tan(radius) / np.tan(last), -1, 1))
    tangents = np.arccos(np.cos(first) / np.cos(radius)) + np.arccos(np.clip(np.cos(last) / np.cos(radius), -1, 1))
    rounded = EARTH_RADIUS_NM * (tangents + np.sin(radius) * np.maximum(arc, 0))
    return np.where(arc > 0, rounded, great_circle_nm(*start, lat, lon))


def test_round_a_disc():
    side, start, middle, radius_nm = 0.05, (45.025, 129.025), (45.0, 132.0), 120.0
    water = np.ones((200, 260))
    blank = grid_of(water, south=40.0, west=125.0, side=side)
    lat, lon = centres(blank)
    water[great_circle_nm(lat, lon, *middle) < radius_nm] = 0
    grid = grid_of(water, south=40.0, west=125.0, side=side)
    _, state = run(grid, 100, 80)
    exact = round_a_disc(lat, lon, start, middle, radius_nm).ravel()
    hidden = grid.water & (exact > great_circle_nm(*start, lat, lon).ravel() + 1.0)
    assert hidden.sum() > 5000
    error = state.distance_nm[hidden] / exact[hidden] - 1
    # The disc of cells is larger by up to half a cell, 1.5 nm on ways of about 300.
    assert error.min() > -0.005
    assert error.max() < 0.02
    assert np.median(error) < 0.0075


def test_two_lands_that_touch_at_a_corner_let_nothing_through():
    water = np.ones((20, 20))
    water[np.arange(1, 19), np.arange(1, 19)] = 0
    _, state = run(grid_of(water), 12, 5)
    away = state.distance_nm.reshape(20, 20)
    assert np.isfinite(away[15, 10])
    assert np.isinf(away[5, 10])


def test_the_wave_stops_at_the_limit():
    grid = grid_of(np.ones((60, 60)))
    _, state = run(grid, 30, 30, limit_nm=60.0)
    lat, lon = centres(grid)
    near = great_circle_nm(lat[30, 30], lon[30, 30], lat, lon).ravel() <= 60.0
    assert (np.isfinite(state.distance_nm) == (near & grid.water)).all()


def test_round_the_world():
    # A belt of water round the equator: the way to the far side leads over the edge of the raster.
    water = np.zeros((7, 72))
    water[1:-1] = 1
    water[:, 30] = 0
    grid = grid_of(water, south=-17.5, west=-180.0, side=5.0, round_world=True)
    _, state = run(grid, 3, 2)
    away = state.distance_nm.reshape(7, 72)[3] / 60.04
    assert away[70] == pytest.approx(20, rel=1e-3)
    assert away[29] == pytest.approx(135, rel=1e-2)
    assert away[31] == pytest.approx(215, rel=1e-2)


def test_every_bend_knows_the_next():
    water = np.ones((60, 60))
    water[10:50, 20] = water[20:58, 35] = 0
    anchors, _ = run(grid_of(water), 30, 5)
    assert (anchors.parent[1:] >= 0).all()
    parent = anchors.parent[1:]
    ahead = great_circle_nm(anchors.lat[1:], anchors.lon[1:], anchors.lat[parent], anchors.lon[parent])
    np.testing.assert_allclose(anchors.base_nm[1:], anchors.base_nm[parent] + ahead, rtol=1e-6, atol=0.5)


@given(st.lists(st.integers(0, 3), min_size=196, max_size=196), st.integers(1, 12), st.integers(1, 12))
def test_never_longer_than_steps_and_hardly_shorter_than_they_allow(cells, row, column):
    water = np.array(cells).reshape(14, 14) > 0
    water[row, column] = True
    grid = grid_of(water)
    _, state = run(grid, row, column)
    steps = eight_ways(grid, row, column).ravel()
    away = state.distance_nm
    reached = np.isfinite(steps)
    # A cell with no way out has no links, and is its own only cell.
    reached[row * 14 + column] = np.isfinite(away[row * 14 + column])
    assert (np.isfinite(away) == reached).all()
    assert (away[reached] <= steps[reached] + 1e-6).all()
    # Rays may graze the corners of land by half a cell each way.
    assert (away[reached] >= steps[reached] / EIGHT_WAY_BIAS - 6.0).all()
