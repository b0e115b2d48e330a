import sys

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from darkvoyage.errors import DarkvoyageError, SchemaError
from darkvoyage.geo import geometries, to_geo, to_trajectories
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import TABLES

T0 = pd.Timestamp("2024-04-01T00:00Z")


def gap(lat1, lon1, lat2, lon2):
    cells = {"gap_id": ["g"], "start_lat": [lat1], "start_lon": [lon1], "end_lat": [lat2], "end_lon": [lon2]}
    return pd.DataFrame(cells).astype(dict.fromkeys(["start_lat", "start_lon", "end_lat", "end_lon"], "float64"))


def fixes(n=3, **more):
    cells = {"mmsi": 200000002, "timestamp": T0 + pd.to_timedelta(np.arange(n), unit="h")}
    return pd.DataFrame(cells | {"lat": np.arange(n) * 1.0, "lon": np.arange(n) * 2.0} | more)


@pytest.mark.parametrize(
    ("ends", "wkt"),
    [
        ((1, 2, 3, 4), "LINESTRING (2 1, 4 3)"),
        ((1, 2, None, None), "POINT (2 1)"),
        ((None, None, 3, 4), "POINT (4 3)"),
        ((None, None, None, None), None),
        ((0, 179, 2, -179), "MULTILINESTRING ((179 0, 180 1), (-180 1, -179 2))"),
        ((0, -179, 2, 179), "MULTILINESTRING ((-179 0, -180 1), (180 1, 179 2))"),
        ((0, 170, 4, -150), "MULTILINESTRING ((170 0, 180 1), (-180 1, -150 4))"),
        ((0, 180, 2, -170), "LINESTRING (-180 0, -170 2)"),
        ((0, -90, 0, 90), "LINESTRING (-90 0, 90 0)"),
    ],
)
def test_gaps(ends, wkt):
    shape = geometries(gap(*ends))[0]
    assert shape is None if wkt is None else shape.normalize().equals_exact(shapely.from_wkt(wkt).normalize(), 1e-9)


@example(lat=0.0, lon=76.00000000000003, dlat=0.0, dlon=104.0)
@given(
    lat=st.floats(-80, 80), lon=st.floats(-180, 179.9), dlat=st.floats(-9, 9), dlon=st.floats(-179, 179),
)  # fmt: skip
def test_cut_lines_stay_in_the_map_and_keep_their_ends(lat, lon, dlat, dlon):
    east = (lon + dlon + 180) % 360 - 180
    shape = geometries(gap(lat, lon, lat + dlat, east))[0]
    west, _, right, _ = shape.bounds
    assert -180 <= west <= right <= 180
    widths = [np.ptp(shapely.get_coordinates(part)[:, 0]) for part in getattr(shape, "geoms", [shape])]
    assert sum(widths) == pytest.approx(abs(dlon), abs=1e-6)
    places = shapely.get_coordinates(shape)
    assert places[0].tolist() == [lon, lat]
    assert places[-1].tolist() == [east, lat + dlat]


def test_fixes_and_sightings_are_points():
    frame = to_geo(fixes(lat=[0.0, np.nan, 2.0]))
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.isna().tolist() == [False, True, False]
    assert frame.geometry.iloc[2].equals(shapely.Point(4, 2))
    assert frame["timestamp"].tolist() == fixes()["timestamp"].tolist()


def test_ports_have_their_polygon_where_it_is_known():
    ports = pd.DataFrame({"port_id": ["A", "B"], "lat": [1.0, 2.0], "lon": [3.0, 4.0]})
    ring = "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    frame = to_geo(ports.assign(geometry=[ring, None]))
    assert frame.geometry.iloc[0].equals(shapely.from_wkt(ring))
    assert frame.geometry.iloc[1].equals(shapely.Point(4, 2))
    with pytest.raises(SchemaError, match="'geometry', expected WKT; first bad row 1: 'nonsense'"):
        to_geo(ports.assign(geometry=[ring, "nonsense"]))


def test_scenes_are_their_footprints():
    ring = "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    scenes = pd.DataFrame({"scene_id": ["A", "B"], "footprint": [ring, None]})
    frame = to_geo(scenes)
    assert frame.geometry.iloc[0].equals(shapely.from_wkt(ring))
    assert frame.geometry.iloc[1] is None
    assert frame["footprint"].tolist()[0] == ring


@pytest.mark.parametrize("name", ["FIXES", "SIGHTINGS", "PORTS", "GAPS", "SCENES"])
def test_empty_tables(name):
    frame = to_geo(empty(TABLES[name]))
    assert len(frame) == 0
    assert frame.crs.to_epsg() == 4326


def test_a_geodataframe_goes_through_again():
    once = to_geo(fixes())
    twice = to_geo(once)
    assert twice.geometry.geom_equals(once.geometry).all()


def test_what_has_no_place():
    with pytest.raises(SchemaError, match=r"no positions; .*found columns: gap_id"):
        to_geo(pd.DataFrame({"gap_id": ["a"]}))
    with pytest.raises(SchemaError, match=r"'lat' has type .*, expected degrees"):
        to_geo(fixes(lat=["a", "b", "c"]))


def test_arrow_is_welcome_and_the_input_stays():
    import pyarrow as pa

    frame = fixes()
    before = frame.copy(deep=True)
    assert len(to_geo(pa.Table.from_pandas(frame))) == 3
    to_trajectories(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_trajectories_by_track():
    frame = pd.concat(
        [
            fixes(4, track_id="200000002-0", flag=[None, "jump", None, None]),
            fixes(3, track_id="200000002-1", lat=[0.0, np.nan, 1.0]),
            fixes(1, track_id="200000002-2"),
        ]
    )
    found = {item.id: item for item in to_trajectories(frame.sample(frac=1, random_state=1)).trajectories}
    assert sorted(found) == ["200000002-0", "200000002-1"]  # one fix is no trajectory
    assert len(found["200000002-0"].df) == 3
    assert len(found["200000002-1"].df) == 2
    assert found["200000002-0"].df.index[0] == pd.Timestamp("2024-04-01T00:00")
    assert found["200000002-0"].df.crs.to_epsg() == 4326


def test_trajectories_by_mmsi_from_raw_fixes():
    frame = pd.concat([fixes(2), fixes(2, mmsi=200000014, lat=[91.0, 1.0]), fixes(2, mmsi=200000026)])
    assert sorted(item.id for item in to_trajectories(frame).trajectories) == [200000002, 200000026]


def test_trajectories_of_what_is_no_fixes():
    with pytest.raises(SchemaError, match="FIXES: missing column"):
        to_trajectories(pd.DataFrame({"a": [1]}))
    with pytest.raises(SchemaError, match="naive"):
        to_trajectories(fixes(timestamp=pd.date_range("2024-01-01", periods=3)))


@pytest.mark.parametrize(("package", "use"), [("geopandas", to_geo), ("movingpandas", to_trajectories)])
def test_a_missing_package_is_named(monkeypatch, package, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DarkvoyageError, match=f"needs {package}: pip install {package}"):
        use(fixes())


def test_fixes_of_one_time():
    frame = fixes(3, timestamp=[T0, T0, T0 + pd.Timedelta("1h")], lat=[5.0, 1.0, 2.0])
    for order in ([0, 1, 2], [1, 0, 2]):
        (one,) = to_trajectories(frame.iloc[order]).trajectories
        assert one.df["lat"].tolist() == [1.0, 2.0]


def test_no_fixes_no_trajectories():
    assert len(to_trajectories(empty(TABLES["FIXES"])).trajectories) == 0
