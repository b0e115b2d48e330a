"""Shares of water against the map and a fine grid."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.linking.water import water_share
from darkvoyage.rules.linking import LinkRule
from darkvoyage.sea.coast import on_land


def gaps(rows):
    names = ("start_lat", "start_lon", "end_lat", "end_lon", "duration_h")
    return pd.DataFrame(rows, columns=names, dtype="float64")


def test_open_ocean_is_all_water_and_a_continent_none():
    table = gaps([(-40, -120, -40, -121, 12), (-40, -120, np.nan, np.nan, 12), (48, 68, 48, 68, 10), (np.nan,) * 5])
    assert water_share(table, LinkRule()).tolist() == [1, 1, 0.1, 1]


@pytest.mark.parametrize(
    "row", [(40.5, 130.5, 42.0, 131.5, 14), (35.2, 129.5, 35.4, 129.2, 9), (1.1, 103.5, 1.3, 104.6, 8)]
)
def test_share_is_that_of_the_reach(row):
    """All points of a fine grid whose ways to both ends fit into the time."""
    lat0, lon0, lat1, lon1, hours = row
    lat, lon = np.meshgrid(np.arange(lat0 - 3, lat0 + 5, 0.03), np.arange(lon0 - 4, lon0 + 6, 0.03))
    lat, lon = lat.ravel(), lon.ravel()
    inside = great_circle_nm(lat0, lon0, lat, lon) + great_circle_nm(lat, lon, lat1, lon1) <= 16 * hours
    want = np.average(~on_land(lat[inside], lon[inside]), weights=np.cos(np.radians(lat[inside])))
    assert 0.3 < want < 0.98
    assert water_share(gaps([row]), LinkRule())[0] == pytest.approx(want, abs=0.13)


def test_no_gaps():
    assert water_share(gaps([]), LinkRule()).shape == (0,)
