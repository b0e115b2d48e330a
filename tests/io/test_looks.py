"""The analyst's rows as scenes: an empty berth is an observation too."""

import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from darkvoyage.errors import ReadError, SchemaError
from darkvoyage.io.looks import LOOK_RADIUS_NM
from darkvoyage.io.scenes import read_scenes
from darkvoyage.io.sightings import read_sightings
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.tables import TABLES

HEADER = "sighting_id,time_utc,lat,lon,sensor,provider,scene_id,cloud_pct,state,berth_id,notes\n"
SQUARE = "POLYGON ((133 42, 133.1 42, 133.1 42.1, 133 42.1, 133 42))"


def save(folder, rows, name="looks.csv", header=HEADER):
    path = folder / name
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(table)
    json.dumps(report)
    return report["reasons"]


def ports(**more):
    data = {"port_id": ["B1", "B2"], "name": ["one", "two"], "lat": [42.75, 42.05], "lon": [133.0, 133.05]}
    return pd.DataFrame(data | {"country": "RU", "radius_nm": 0.5, "sensitive": True} | more)


def test_an_empty_berth_is_no_sighting_but_a_scene(tmp_path):
    rows = [
        "S1,2024-04-01 02:10,42.75,133.0,PlanetScope,Planet,P1,10,berthed,B1,",
        "S2,2024-04-02 02:10,,,PlanetScope,Planet,P2,40,no ship,B1,",
    ]
    path = save(tmp_path, rows)
    sightings = read_sightings(path)
    assert sightings["sighting_id"].tolist() == ["S1"]
    assert balanced(sightings) == {"negative_row": 1}
    scenes = read_scenes(path, ports=ports())
    assert list(scenes.columns[: len(TABLES["SCENES"].names)]) == list(TABLES["SCENES"].names)
    assert scenes["scene_id"].tolist() == ["P1", "P2"]
    assert scenes["timestamp"].tolist() == [pd.Timestamp("2024-04-01T02:10Z"), pd.Timestamp("2024-04-02T02:10Z")]
    assert scenes["clear_fraction"].tolist() == [0.9, 0.6]
    assert scenes["sensor"].tolist() == ["optical", "optical"]
    assert scenes["source"].tolist() == ["Planet", "Planet"]
    assert balanced(scenes) == {}
    assert not {"lat", "lon", "sighting_id", "state"} & set(scenes)


@pytest.mark.parametrize(("berth", "radius"), [("B1", 0.5), ("", LOOK_RADIUS_NM), ("B9", LOOK_RADIUS_NM)])
def test_a_look_vouches_for_its_berth_or_a_circle(tmp_path, berth, radius):
    path = save(tmp_path, [f"S1,2024-04-01 02:10,42.75,133.0,sar,,P1,,no ship,{berth},"])
    corners = shapely.get_coordinates(shapely.from_wkt(read_scenes(path, ports=ports())["footprint"].iloc[0]))
    assert great_circle_nm(42.75, 133.0, corners[:, 1], corners[:, 0]) == pytest.approx(radius, abs=1e-4)
    area = shapely.from_wkt(read_scenes(path, ports=ports())["footprint"].iloc[0]).area
    disc = np.pi * (radius / 60) ** 2 / np.cos(np.radians(42.75))
    assert area == pytest.approx(disc, rel=0.02)  # a polygon of 32 corners lacks 0.6 %


def test_polygons_of_ports_and_of_the_sheet_come_first(tmp_path):
    polygon = ports(geometry=[SQUARE, None])
    path = save(tmp_path, ["S1,2024-04-01 02:10,,,sar,,P1,,no ship,B1,"])
    assert shapely.from_wkt(read_scenes(path, ports=polygon)["footprint"].iloc[0]).equals(shapely.from_wkt(SQUARE))
    own = "POLYGON ((10 10, 11 10, 11 11, 10 10))"
    rows = [f'S1,2024-04-01 02:10,42.75,133.0,sar,P1,no ship,B1,"{own}"']
    header = "sighting_id,time_utc,lat,lon,sensor,scene_id,state,berth_id,footprint\n"
    path = save(tmp_path, rows, header=header)
    assert read_scenes(path, ports=polygon)["footprint"].tolist() == [own]
    with pytest.raises(SchemaError, match="PORTS: column 'geometry' holds no polygon in WKT for 'B2'"):
        read_scenes(path, ports=ports(geometry=[SQUARE, "POINT (1 2)"]))


def test_rows_that_vouch_for_nothing(tmp_path):
    rows = [
        "S1,2024-04-01 02:10,,,sar,,P1,,no ship,B9,",
        "S2,2024-04-01 02:10,,,sar,,P2,,no ship,,",
        "S3,2024-04-01 02:10,42.75,133.0,sar,,,,berthed,,",
        "S4,2024-04-01 02:10,42.75,133.0,,,X4,,no ship,,",
        "S5,,42.75,133.0,sar,,P5,,no ship,,",
    ]
    reasons = {"unknown_berth": 1, "no_footprint": 1, "no_scene_id": 1, "no_sensor": 1, "no_time": 1}
    assert balanced(read_scenes(save(tmp_path, rows), ports=ports())) == reasons


def test_without_a_list_of_ports_positions_are_enough(tmp_path):
    rows = ["S1,2024-04-01 02:10,42.75,133.0,sar,,,,no ship,B1,", "S2,2024-04-01 02:10,,,sar,,,,no ship,B1,"]
    scenes = read_scenes(save(tmp_path, rows))
    assert scenes["scene_id"].tolist() == ["look;S1"]
    assert balanced(scenes) == {"unknown_berth": 1}


def test_rows_of_one_image_are_one_scene(tmp_path):
    rows = [
        "S1,2024-04-01 02:11,42.75,133.0,PlanetScope,,P1,10,berthed,B1,",
        "S2,2024-04-01 02:10,,,,,P1,30,no ship,B2,",
        "S3,2024-04-01 02:11,42.751,133.0,PlanetScope,,P1,,berthed,,",
    ]
    scenes = read_scenes(save(tmp_path, rows), ports=ports())
    assert scenes["timestamp"].tolist() == [pd.Timestamp("2024-04-01T02:10Z")]
    assert scenes["clear_fraction"].tolist() == [0.7]
    shape = shapely.from_wkt(scenes["footprint"].iloc[0])
    assert shape.geom_type == "MultiPolygon"
    assert len(shape.geoms) == 2  # the ship of the third row lies in the circle of the first
    assert shapely.contains_xy(shape, [133.0, 133.05, 133.05], [42.75, 42.05, 42.4]).tolist() == [True, True, False]
    assert balanced(scenes) == {"same_scene": 2}
    assert scenes.attrs["read_report"]["repairs"] == {"earliest_time_of_scene": 2}


def test_a_sheet_of_sightings_without_looks(tmp_path):
    rows = ["S1,2024-04-01 02:11,42.75,133.0,sar,,,10,berthed,,"]
    scenes = read_scenes(save(tmp_path, rows))
    assert len(scenes) == 0
    assert balanced(scenes) == {"no_scene_id": 1}


def test_one_name_for_images_of_two_sensors_is_one_scene_whatever_the_order(tmp_path):
    rows = ["S1,2024-04-01 02:11,1,2,sar,,P1,,no ship,,", "S2,2024-04-01 02:11,3,4,optical,,P1,,no ship,,"]
    one = read_scenes(save(tmp_path, rows, "a.csv"))
    two = read_scenes(save(tmp_path, rows[::-1], "b.csv"))
    pd.testing.assert_frame_equal(one, two)


def test_a_footprint_of_the_sheet_that_is_none(tmp_path):
    header = "sighting_id,time_utc,lat,lon,sensor,scene_id,state,footprint\n"
    path = save(tmp_path, ["S1,2024-04-01 02:10,1,2,sar,P1,no ship,the harbour"], header=header)
    with pytest.raises(ReadError, match="row 2: the footprint is not a polygon in WKT: 'the harbour'"):
        read_scenes(path)


# A circle of 0.25 nm holds no pole, so that latitudes stop short of it.
LOOKS = st.lists(
    st.tuples(
        st.floats(-80, 80).map(lambda x: round(x, 3)),
        st.sampled_from([-180.0, -179.999, -0.001, 0.0, 102.5, 179.998, 180.0]),
        st.sampled_from(["no ship", "berthed", ""]),
        st.sampled_from(["", "P1", "P2"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12)
@given(looks=LOOKS)
def test_every_look_lies_in_its_scene(tmp_path_factory, looks):
    folder = tmp_path_factory.mktemp("looks")
    rows = [
        f"S{n},2024-04-01 02:10,{lat},{lon},sar,,{scene},,{state},," for n, (lat, lon, state, scene) in enumerate(looks)
    ]
    scenes = read_scenes(save(folder, rows))
    balanced(scenes)
    shuffled = read_scenes(save(folder, rows[::-1], "b.csv"))
    assert scenes["scene_id"].tolist() == shuffled["scene_id"].tolist()
    footprints = scenes.set_index("scene_id")["footprint"]
    west, _, east, _ = shapely.bounds(shapely.from_wkt(footprints.to_numpy(dtype=object))).T
    assert ((west >= -180) & (east <= 180)).all()
    names = [scene or f"look;S{n}" for n, (_, _, state, scene) in enumerate(looks) if scene or state == "no ship"]
    assert sorted(set(names)) == scenes["scene_id"].tolist()
    for n, (lat, lon, state, scene) in enumerate(looks):
        if scene or state == "no ship":
            shape = shapely.from_wkt(footprints[scene or f"look;S{n}"])
            assert shape.intersects(shapely.points(lon, lat))
            assert shapely.from_wkt(shuffled.set_index("scene_id")["footprint"][scene or f"look;S{n}"]).equals_exact(
                shape, 1e-6, normalize=True
            )
