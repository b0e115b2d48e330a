"""One table of each source, written from its published header, and what it says of the first row."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from darkvoyage.errors import DialectError, SchemaError
from darkvoyage.io.scene_dialects import SCENE_DIALECTS
from darkvoyage.io.scenes import read_scenes
from darkvoyage.io.sighting_dialects import SIGHTING_DIALECTS, TEMPLATE
from darkvoyage.io.sightings import read_sightings, sightings_template
from darkvoyage.io.writers import write_table

BUCKETS = ",".join(f"heading_bucket_{number}" for number in range(16))
# scene_id, detect_id and the rest as the tables of Kroodsma et al. 2022 and Paolo et al. 2024 name them.
GFW_MATCHES = (
    "scene_id,detect_id,detect_lon,detect_lat,detect_timestamp,ssvid,score,confidence,presence,length_m,footprint_wkt\n"
    'S1A_A,S1A_A;54.5;-9.25,54.5,-9.25,2023-05-06 07:08:09 UTC,273000001,12.5,0.99,0.7,88.5,"POLYGON ((54 -10, 55 -10, '
    '55 -9, 54 -9, 54 -10))"\n'
    'S1A_A,S1A_A;54.6;-9.35,54.6,-9.35,2023-05-06 07:08:10 UTC,,,,0.9,,"POLYGON ((54 -10, 55 -10, 55 -9, 54 -9, '
    '54 -10))"\n'
)
VBD = "id_Key,Date_Mscan,Date_LTZ,Lat_DNB,Lon_DNB,RAD_DNB,QF_Detect,EEZ,FMZ,MPA\n"
XVIEW3 = (
    "detect_lat,detect_lon,vessel_length_m,source,detect_scene_row,detect_scene_column,is_vessel,is_fishing,"
    "distance_from_shore_km,scene_id,confidence,top,left,bottom,right,detect_id\n"
    "44.5,13.25,,manual,9923,23071,True,,9999.99,aaa,LOW,1,2,3,4,d1\n"
    "44.5,13.5,35.5,ais,9923,23071,True,True,12.5,aaa,HIGH,1,2,3,4,d2\n"
    "44.5,13.75,,manual,9923,23071,False,,1.5,aaa,HIGH,1,2,3,4,d3\n"
    "44.5,14.0,,manual,9923,23071,True,False,1.5,bbb,MEDIUM,1,2,3,4,d4\n"
)


def save(folder, text, name="s.csv"):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(table)
    json.dumps(report)
    return report


def feature(lon, lat, **properties):
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def test_gfw_matches_keep_the_score_of_the_match_apart(tmp_path):
    table = read_sightings(save(tmp_path, GFW_MATCHES))
    first = table.iloc[0]
    assert first["sighting_id"] == "S1A_A;54.5;-9.25"
    assert (first["lat"], first["lon"], first["length_m"], first["mmsi"]) == (-9.25, 54.5, 88.5, 273000001)
    assert (first["confidence"], first["matching_score"], first["matching_confidence"]) == (0.7, 12.5, 0.99)
    assert first["timestamp"] == pd.Timestamp("2023-05-06T07:08:09Z")
    assert table["sensor"].tolist() == ["sar", "sar"]  # by the name of the scene
    assert balanced(table)["dialect"] == "gfw_matches"


def test_scenes_of_gfw_matches(tmp_path):
    table = read_scenes(save(tmp_path, GFW_MATCHES))
    assert table["scene_id"].tolist() == ["S1A_A"]
    assert table["timestamp"].iloc[0] == pd.Timestamp("2023-05-06T07:08:09Z")
    assert balanced(table)["reasons"] == {"same_scene": 1}


@pytest.mark.parametrize(("flag", "confidence"), [(1, 0.9), (2, 0.75), (3, 0.75), (10, 0.5), ("", None)])
def test_quality_flags_of_viirs(tmp_path, flag, confidence):
    row = f"k1,2023-01-05 17:31:33.123,2023-01-06 02:31,42.5,133.25,12.5,{flag},EEZ,,\n"
    table = read_sightings(save(tmp_path, VBD + row))
    first = table.iloc[0]
    assert (first["sighting_id"], first["lat"], first["lon"], first["sensor"]) == ("k1", 42.5, 133.25, "optical")
    assert first["timestamp"] == pd.Timestamp("2023-01-05T17:31:33.123Z")
    assert first["position_err_m"] == pytest.approx(742 / 12**0.5, abs=0.5)
    assert first["confidence"] == confidence or (confidence is None and pd.isna(first["confidence"]))


@pytest.mark.parametrize("flag", [4, 5, 6, 7, 8, 9, 11])
def test_lights_that_are_no_vessels(tmp_path, flag):
    row = f"k1,2023-01-05 17:31:33,2023-01-06 02:31,42.5,133.25,12.5,{flag},EEZ,,\n"
    assert balanced(read_sightings(save(tmp_path, VBD + row)))["reasons"] == {"not_a_vessel": 1}


def test_xview3_takes_the_times_of_its_scenes(tmp_path):
    scenes = pd.DataFrame({"scene_id": ["aaa"], "timestamp": pd.to_datetime(["2020-06-01T05:00Z"])})
    table = read_sightings(save(tmp_path, XVIEW3), scenes=scenes).set_index("sighting_id")
    assert table.index.tolist() == ["d1", "d2"]
    assert table["timestamp"].unique().tolist() == [pd.Timestamp("2020-06-01T05:00Z")]
    assert table["confidence"].tolist() == [0.5, 0.95]
    assert table["vessel_class"].tolist()[1] == "fishing"
    assert table["label_source"].tolist() == ["manual", "ais"]
    assert table["source"].tolist() == ["xView3", "xView3"]
    assert table["distance_from_shore_km"].isna().tolist() == [True, False]
    assert table["length_m"].tolist()[1] == 35.5
    assert balanced(table)["reasons"] == {"not_a_vessel": 1, "no_scene_time": 1}


def test_xview3_without_scenes_says_what_is_missing(tmp_path):
    with pytest.raises(SchemaError, match=r"hold no times.*read_sightings\(path, scenes=table\)"):
        read_sightings(save(tmp_path, XVIEW3))
    with pytest.raises(SchemaError, match="SCENES: missing column"):
        read_sightings(save(tmp_path, XVIEW3), scenes=pd.DataFrame({"scene_id": ["aaa"]}))


@pytest.mark.parametrize(("bucket", "heading"), [(0, 11.25), (9, 213.75), (15, 348.75)])
def test_heading_is_the_middle_of_the_most_probable_direction(tmp_path, bucket, heading):
    chances = ",".join("0.85" if number == bucket else "0.01" for number in range(16))
    text = (
        f"lon,lat,score,vessel_length_m,vessel_width_m,{BUCKETS},vessel_speed_k,is_fishing_vessel,detect_id,scene_id\n"
        f"39.5,-19.5,0.9,234,40,{chances},15.5,0.25,D0,S1B_IW_GRDH_1SDV_20211130T025211_20211130T025236_029811_X.SAFE\n"
    )
    table = read_sightings(save(tmp_path, text))
    assert table["heading"].tolist() == [heading]
    assert table["speed_kn"].tolist() == [15.5]
    assert table[f"heading_bucket_{bucket}"].tolist() == [0.85]
    assert balanced(table)["repairs"] == {"heading_from_bucket": 1}


def test_no_heading_where_no_direction_is_given(tmp_path):
    text = f"sighting_id,timestamp,lat,lon,{BUCKETS}\nA,2024-01-01T00:00:00Z,1,2,{',' * 15}\n"
    assert read_sightings(save(tmp_path, text))["heading"].isna().tolist() == [True]


def skylight_event(kind, number, **details):
    return {
        "eventId": f"E{number}",
        "eventType": kind,
        "start": {"time": "2024-05-06T07:08:09.000Z", "point": {"lat": 1.5, "lon": 103.5}},
        "end": None,
        "vessels": {"vessel0": {"mmsi": 273000001, "imo": 9000001, "name": "FICTION"}, "vessel1": None},
        "eventDetails": details,
    }


def test_skylight_events(tmp_path):
    records = [
        skylight_event(
            "sar_sentinel1", 1, detectionType="dark", estimatedLength=101.5, heading=33, score=0.97,
            estimatedSpeedKts=11.5, estimatedVesselCategory="cargo", frameIds=["F1", "F2"],
        ),
        skylight_event("eo_landsat_8_9", 2, detectionType="ais_correlated", score=0.5),
        skylight_event("viirs", 3, detectionType="dark", radianceNw=12.5),
        skylight_event("dark_rendezvous", 4, osrScore=0.5),
    ]  # fmt: skip
    answer = {"data": {"searchEventsV2": {"records": records, "meta": {"total": 4}}}}
    table = read_sightings(save(tmp_path, answer, "events.json"))
    first = table.iloc[0]
    assert table["sighting_id"].tolist() == ["E1", "E2", "E3"]
    assert first["timestamp"] == pd.Timestamp("2024-05-06T07:08:09Z")
    assert (first["lat"], first["lon"], first["length_m"], first["heading"]) == (1.5, 103.5, 101.5, 33.0)
    assert (first["confidence"], first["speed_kn"], first["vessel_class"]) == (0.97, 11.5, "cargo")
    assert table["detection_type"].tolist() == ["dark", "ais_correlated", "dark"]
    assert table["sensor"].tolist() == ["sar", "optical", "optical"]
    assert table["mmsi"].tolist() == [273000001] * 3
    assert table["imo"].tolist() == [9000001] * 3
    assert table["position_err_m"].notna().tolist() == [False, False, True]
    assert balanced(table)["reasons"] == {"not_a_detection": 1}


def test_skylight_events_of_the_first_interface(tmp_path):
    item = {
        "event_id": "E1", "event_type": "eo_sentinel2",
        "start": {"time": "2024-05-06T07:08:09Z", "point": {"lat": 1.5, "lon": 103.5}},
        "vessels": {"vessel_0": {"mmsi": 273000001}},
        "event_details": {"detection_type": "dark", "estimated_length": 88, "heading": 12.5, "score": 0.75},
    }  # fmt: skip
    table = read_sightings(save(tmp_path, {"data": {"events": {"items": [item]}}}, "events.json"))
    first = table.iloc[0]
    assert (first["length_m"], first["heading"], first["confidence"]) == (88.0, 12.5, 0.75)
    assert (first["mmsi"], first["sensor"], first["source"]) == (273000001, "optical", "Skylight")


@pytest.mark.parametrize("name", ["records", "items", "features"])
def test_an_answer_without_sightings_is_an_empty_table(tmp_path, name):
    answer = {"type": "FeatureCollection", name: []} if name == "features" else {"data": {"search": {name: []}}}
    table = read_sightings(save(tmp_path, answer, "events.json"))
    assert len(table) == 0
    assert str(table["timestamp"].dtype) == "datetime64[us, UTC]"
    assert balanced(table)["rows_in"] == 0


NIGHT = {
    "acquisition_time": "2023-11-06T06:06:00+00:00",
    "filename": "VJ102DNB.A2023310.0606.nc",
    "frame_extents": [[-84.0, 1.5], [-51.5, -3.5], [-54.5, -23.5], [-89.5, -18.5], [-84.0, 1.5]],
    "predictions": [
        {"latitude": -16.25, "longitude": -79.5, "nanowatts": 239.5, "clear_sky_confidence": 0.5},
        {"latitude": -17.25, "longitude": -80.5, "nanowatts": 139.5, "clear_sky_confidence": 0.0},
    ],
}


def test_a_night_of_skylight(tmp_path):
    path = save(tmp_path, NIGHT, "night.json")
    table = read_sightings(path)
    assert table["lat"].tolist() == [-16.25, -17.25]
    assert table["scene_id"].unique().tolist() == ["VJ102DNB.A2023310.0606.nc"]
    assert table["clear_sky_confidence"].tolist() == [0.5, 0.0]
    assert table["confidence"].isna().all()  # clear sky is no word on the ship
    scenes = read_scenes(path)
    assert scenes["scene_id"].tolist() == ["VJ102DNB.A2023310.0606.nc"]
    assert scenes["timestamp"].tolist() == [pd.Timestamp("2023-11-06T06:06Z")]
    assert scenes["footprint"].tolist() == ["POLYGON ((-84.0 1.5, -51.5 -3.5, -54.5 -23.5, -89.5 -18.5, -84.0 1.5))"]
    assert balanced(scenes)["reasons"] == {"same_scene": 1}


def test_a_night_without_a_light_is_a_scene_too(tmp_path):
    path = save(tmp_path, NIGHT | {"predictions": []}, "night.json")
    assert balanced(read_sightings(path))["reasons"] == {"negative_row": 1}
    scenes = read_scenes(path)
    assert scenes["sensor"].tolist() == ["optical"]
    assert balanced(scenes)["reasons"] == {}


def test_iceye_like_list_and_points(tmp_path):
    header = "object_id,acquisition_datetime,latitude_dd,longitude_dd,vessel_length_m,scene_id,detection_confidence\n"
    listed = read_sightings(save(tmp_path, header + "O1,2024-05-06T07:08:09Z,1.5,103.5,101.5,ICEYE_X7_SM,0.9\n"))
    point = feature(
        103.5, 1.5, object_id="O1", acquisition_datetime="2024-05-06T07:08:09Z", vessel_length_m=101.5,
        scene_id="ICEYE_X7_SM", detection_confidence=0.9,
    )  # fmt: skip
    drawn = read_sightings(save(tmp_path, {"type": "FeatureCollection", "features": [point]}, "o.geojson"))
    assert listed["sensor"].tolist() == ["sar"]
    same = [name for name in listed if name in drawn]
    pd.testing.assert_frame_equal(listed[same], drawn[same], check_like=True)
    assert (listed["lat"].iloc[0], listed["lon"].iloc[0], listed["confidence"].iloc[0]) == (1.5, 103.5, 0.9)


@pytest.mark.parametrize(
    "time", ["timestamp", "datetime", "time", "detection_time", "collectionTime", "phenomenonTime"]
)
def test_points_with_a_time_of_any_usual_name(tmp_path, time):
    point = feature(103.5, 1.5, uuid="U1", length=88.5, **{time: "2024-05-06T07:08:09+02:00"})
    table = read_sightings(save(tmp_path, {"type": "FeatureCollection", "features": [point]}, "o.geojson"))
    first = table.iloc[0]
    assert (first["sighting_id"], first["length_m"]) == ("U1", 88.5)
    assert first["timestamp"] == pd.Timestamp("2024-05-06T05:08:09Z")


def test_outlines_have_a_position_and_footprints_none(tmp_path):
    def outlined(name, half):
        ring = [[10 - half, 5 - half], [10 + half, 5 - half], [10 + half, 5 + half], [10 - half, 5 + half]]
        shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        return {"type": "Feature", "geometry": shape, "properties": {"uuid": name, "time": "2024-01-01T00:00:00Z"}}

    features = [outlined("ship", 0.001), outlined("scene", 1.0)]
    table = read_sightings(save(tmp_path, {"type": "FeatureCollection", "features": features}, "o.geojson"))
    assert table["sighting_id"].tolist() == ["ship"]
    assert table[["lat", "lon"]].iloc[0].tolist() == pytest.approx([5.0, 10.0])
    assert balanced(table)["reasons"] == {"not_a_point": 1}


def ksat(**cells):
    rows = "".join(f"<tr>\n<td>{name}</td>\n<td>{value}</td>\n</tr>" for name, value in cells.items())
    return (
        f"<table border='2'><tr><td><b>Property</b></td><td><b>Value</b></td></tr>{rows}<tr><td>Odd</td></tr></table>"
    )


KSAT = {
    "type": "FeatureCollection",
    "features": [
        feature(
            51.5, -9.25, name="FID: 0",
            description=ksat(
                DetectionId="d-1", Type="VESSEL", Length="48.50", Beam="18.25", Heading="073.50", Probability="50.00",
                ProductId="RS2_20191006_145935_DVWF", ProductStartTime="2019-10-06T14:59:35.885Z",
                ProductStopTime="2019-10-06T15:00:49.990Z",
            ),
        ),
        {
            "type": "Feature",
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[50.5, -8.5, 0], [54.5, -7.5, 0], [55.5, -12.5, 0], [51.5, -13.5, 0], [50.5, -8.5, 0]]]
            },
            "properties": {
                "name": "RS2_20191006_145935_DVWF",
                "description": ksat(
                    Satellite="RADARSAT-2", Direction="ASCENDING", Sensor="SAR", Swath="DVWF", Polarization="HH",
                    Provider="KSAT", StartTime="2019-10-06T14:59:35.885Z", StopTime="2019-10-06T15:00:49.990Z",
                    PixelSpacing="20",
                ),
            },
        },
    ],
}  # fmt: skip


def test_a_report_of_ksat_as_geojson(tmp_path):
    path = save(tmp_path, KSAT, "report.geojson")
    table = read_sightings(path)
    first = table.iloc[0]
    assert (first["sighting_id"], first["lat"], first["lon"]) == ("d-1", -9.25, 51.5)
    assert (first["length_m"], first["beam_m"], first["heading"], first["confidence"]) == (48.5, 18.25, 73.5, 0.5)
    assert first["timestamp"] == pd.Timestamp("2019-10-06T14:59:35.885Z")
    assert balanced(table)["reasons"] == {"not_a_point": 1}
    assert "Satellite" not in table
    scenes = read_scenes(path)
    scene = scenes.iloc[0]
    assert (scene["scene_id"], scene["scene_id"]) == (first["scene_id"], "RS2_20191006_145935_DVWF")
    assert scene["footprint"] == "POLYGON ((50.5 -8.5, 54.5 -7.5, 55.5 -12.5, 51.5 -13.5, 50.5 -8.5))"
    assert (scene["sensor"], scene["platform"], scene["orbit_state"], scene["gsd_m"]) == (
        "sar", "RADARSAT-2", "ascending", 20.0,
    )  # fmt: skip
    assert scene["timestamp_end"] == pd.Timestamp("2019-10-06T15:00:49.990Z")
    assert balanced(scenes)["reasons"] == {"not_a_scene": 1}


def test_nothing_but_what_is_no_sighting(tmp_path):
    path = save(tmp_path, {"data": {"events": {"records": [skylight_event("aoi_visit", 1)]}}}, "e.json")
    assert balanced(read_sightings(path))["reasons"] == {"not_a_detection": 1}


def test_columns_of_an_unknown_source_can_be_named(tmp_path):
    path = save(tmp_path, "who,Seen at,Y,X,length_m\nS,2024-01-01T00:00:00Z,1.5,2.5,88\n")
    with pytest.raises(DialectError, match=r"or try column_map=\{'timestamp': '\?', 'lat': '\?', 'lon': '\?'\}"):
        read_sightings(path)
    table = read_sightings(path, column_map={"sighting_id": "who", "timestamp": "Seen at", "lat": "y", "lon": "X"})
    assert table["sighting_id"].tolist() == ["S"]
    assert (table["lat"].iloc[0], table["lon"].iloc[0], table["length_m"].iloc[0]) == (1.5, 2.5, 88.0)
    with pytest.raises(DialectError, match="column_map names 'Z' for 'lat', which the file lacks; its columns: who"):
        read_sightings(path, column_map={"lat": "Z"})


def shown(part):
    text = (Path(__file__).parents[2] / "FORMATS.md").read_text(encoding="utf-8")
    rows = re.search(rf"<!-- {part}:.*?-->\n(.*?)<!-- end of {part}", text, re.S)[1].splitlines()[2:]
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]


@pytest.mark.parametrize(("part", "dialects"), [("sightings", SIGHTING_DIALECTS), ("scenes", SCENE_DIALECTS)])
def test_the_page_of_formats_lists_every_dialect(part, dialects):
    names = list(dict.fromkeys(dialect.name for dialect in dialects))
    assert [row[0] for row in shown(part)] == [f"`{name}`" for name in names]


def test_the_page_of_formats_lists_the_template():
    words = {"str": "text", "float64": "number"}
    assert shown("template") == [(f"`{name}`", words[kind], what) for name, (kind, what) in TEMPLATE.items()]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.xlsx"])
def test_the_template_is_read_back_empty(tmp_path, name):
    template = sightings_template()
    assert list(template.columns) == list(TEMPLATE)
    path = tmp_path / name
    if name == "t.xlsx":
        pytest.importorskip("openpyxl")
        template.to_excel(path, index=False)
    else:
        write_table(template, path)
    table = read_sightings(path)
    assert len(table) == 0
    assert table.attrs["read_report"]["dialect"] == "analyst"
    assert len(read_scenes(path)) == 0
