"""Which real senders are taken for gear, and which are not."""

import pytest

import darkvoyage as dv
from darkvoyage.linking.gear import gear

pytestmark = pytest.mark.real


def test_vessels_with_odd_numbers_that_people_checked_are_no_gear(real_data):
    """96 vessels off South America with 150 numbers, jigging for days at half a knot."""
    table = dv.read_fixes(real_data / "ais_satellite_150_fleet" / "non_gear_outside_chn.csv.gz")
    vessels = table["mmsi"].between(150_000_000, 150_999_999)
    assert table["mmsi"][vessels].nunique() >= 90
    assert not gear(table)[vessels.to_numpy()].any()


def test_buoys_of_a_global_feed_by_their_names(real_data):
    table = dv.read_fixes(real_data / "ais_exactearth_csv" / "exactearth_2021_07_01.csv.gz")
    named = table["name"].str.contains(r"BUOY|NET ?FISH|\d%|\dV\d").fillna(False).to_numpy(dtype=bool)
    assert named.sum() >= 7
    assert gear(table)[named].all()
