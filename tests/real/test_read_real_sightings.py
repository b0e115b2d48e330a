"""Real detections and scenes; what they should hold is computed from the files by pandas alone."""

import pandas as pd
import pytest
import shapely

from darkvoyage.errors import DialectError
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


def test_labels_without_times_are_refused(real_data):
    with pytest.raises(DialectError, match="nearest is 'gfw_detections', which also needs detect_timestamp"):
        read_sightings(real_data / "sat_xview3_labels" / "xview3_valid.csv.gz")
