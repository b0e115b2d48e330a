"""Real detections and scenes; what they should hold is computed from the files by pandas alone."""

import pandas as pd
import pytest
import shapely

from darkvoyage.errors import SchemaError
from darkvoyage.io.scenes import read_scenes
from darkvoyage.io.sightings import read_sightings

pytestmark = pytest.mark.real


def test_radarsat_detections(real_data):
    path = real_data / "sat_radarsat2_longline" / "detections_indian.csv"
    table = read_sightings(path)
    raw = pd.read_csv(path).sort_values("DetectionId")
    assert len(table) == len(raw) == 320
    assert table["sighting_id"].tolist() == raw["DetectionId"].tolist()
    assert table["length_m"].tolist() == raw["Length"].tolist()
    assert table["confidence"].tolist() == (raw["Probability"] / 100).tolist()
    assert table["timestamp"].tolist() == pd.to_datetime(raw["ProductStartTime"], format="ISO8601").tolist()
    assert table["sensor"].unique().tolist() == ["sar"]
    # The same detections, prepared by others.
    other = read_sightings(real_data / "linking" / "kroodsma2022_detections.csv")
    same = ["sighting_id", "timestamp", "lat", "lon", "scene_id", "length_m", "beam_m", "heading", "confidence"]
    pd.testing.assert_frame_equal(table[same], other[same])


def test_radarsat_scenes_hold_their_detections(real_data):
    scenes = read_scenes(real_data / "linking" / "kroodsma2022_scenes.csv").set_index("scene_id")
    assert len(scenes) == 15
    assert scenes["sensor"].unique().tolist() == ["sar"]
    table = read_sightings(real_data / "linking" / "kroodsma2022_detections.csv")
    table = table[table["scene_id"].isin(scenes.index)]
    shapes = shapely.from_wkt(scenes.loc[table["scene_id"], "footprint"].to_numpy(dtype=object))
    near = shapely.distance(shapes, shapely.points(table["lon"], table["lat"]))
    assert len(table) > 200
    assert (near < 0.05).mean() > 0.99


@pytest.mark.parametrize(
    ("name", "rows", "time", "sensor"),
    [
        ("skylight_sentinel1_predictions.csv", 2, "2021-11-30T02:52:11Z", "sar"),
        ("skylight_sentinel2_predictions.csv", 1, "2021-11-02T06:10:19Z", "optical"),
        ("skylight_viirs_response.json", 46, "2023-11-06T06:06:00Z", "optical"),
    ],
)
def test_skylight(real_data, name, rows, time, sensor):
    table = read_sightings(real_data / "sat_detector_outputs" / name)
    assert len(table) == rows
    assert table["timestamp"].unique().tolist() == [pd.Timestamp(time)]
    assert table["sensor"].unique().tolist() == [sensor]
    assert table["sighting_id"].is_unique


def test_headings_of_skylight(real_data):
    path = real_data / "sat_detector_outputs" / "skylight_sentinel1_predictions.csv"
    raw = pd.read_csv(path).set_index("detect_id")
    best = raw.filter(like="heading_bucket").idxmax(axis=1).str.rpartition("_")[2].astype(int)
    table = read_sightings(path).set_index("sighting_id")
    assert (table["heading"] - (best * 22.5)).between(0, 22.5).all()


def test_a_night_of_skylight_as_a_scene(real_data):
    path = real_data / "sat_detector_outputs" / "skylight_viirs_response.json"
    scenes, table = read_scenes(path), read_sightings(path)
    assert scenes["scene_id"].tolist() == table["scene_id"].unique().tolist()
    footprint = shapely.from_wkt(scenes["footprint"].iloc[0])
    assert shapely.contains_xy(footprint, table["lon"], table["lat"]).all()


def test_report_as_geojson_tells_what_the_table_tells(real_data):
    folder = real_data / "sat_radarsat2_longline"
    drawn = read_sightings(folder / "one_scene_indian.geojson")
    listed = read_sightings(folder / "detections_indian.csv")
    listed = listed[listed["scene_id"] == drawn["scene_id"].iloc[0]].reset_index(drop=True)
    same = ["sighting_id", "timestamp", "lat", "lon", "scene_id", "length_m", "beam_m", "heading", "confidence"]
    assert len(drawn) == 17
    pd.testing.assert_frame_equal(drawn[same], listed[same], check_exact=False, rtol=1e-9)
    from_points = read_scenes(folder / "one_scene_indian.geojson").iloc[0]
    assert (from_points["platform"], from_points["orbit_state"]) == ("RADARSAT-2", "ascending")
    # The same footprint by three ways.
    from_rows = read_scenes(folder / "detections_indian.csv").set_index("scene_id").loc[from_points["scene_id"]]
    from_list = read_scenes(real_data / "linking" / "kroodsma2022_scenes.csv").set_index("scene_id")
    for other in (from_rows, from_list.loc[from_points["scene_id"]]):
        assert other["timestamp"] == from_points["timestamp"]
        assert other["timestamp_end"].floor("ms") == from_points["timestamp_end"].floor("ms")
        assert shapely.from_wkt(other["footprint"]).equals_exact(shapely.from_wkt(from_points["footprint"]), 1e-6)
    assert len(from_list) == 15
    assert from_list["incidence_near_deg"].between(20, 60).all()


def test_labels_without_times(real_data):
    path = real_data / "sat_xview3_labels" / "xview3_valid.csv.gz"
    with pytest.raises(SchemaError, match="hold no times"):
        read_sightings(path)
    raw = pd.read_csv(path)
    scenes = pd.DataFrame({"scene_id": raw["scene_id"].unique()})
    scenes["timestamp"] = pd.Timestamp("2020-01-01T00:00Z") + pd.to_timedelta(scenes.index, unit="D")
    table = read_sightings(path, scenes=scenes.iloc[1:])
    known = raw[raw["scene_id"] != scenes["scene_id"].iloc[0]]
    vessels = known[known["is_vessel"].astype("str") != "False"].drop_duplicates()
    assert len(table) == len(vessels)
    assert table["length_m"].notna().sum() == (vessels["vessel_length_m"] > 0.5).sum()
    assert (
        table.groupby("confidence").size().tolist()
        == vessels["confidence"].value_counts()[["LOW", "MEDIUM", "HIGH"]].tolist()
    )
