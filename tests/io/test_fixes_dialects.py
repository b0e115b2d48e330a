"""One tiny made-up file per dialect, laid out after its published header; expected values by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from darkvoyage.errors import DialectError
from darkvoyage.io.dialects import DIALECTS
from darkvoyage.io.fixes import read_fixes
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES

FIXTURES = Path(__file__).parent / "fixtures"
NONE = None


def row(fixes, timestamp):
    found = fixes[fixes["timestamp"] == pd.Timestamp(timestamp)]
    assert len(found) == 1, f"{timestamp}: {len(found)} rows of {list(fixes['timestamp'])}"
    return found.iloc[0]


# (file, dialect, time of the row, values; None stands for null)
EXPECTED = [
    ("darkvoyage.csv", "darkvoyage", "2024-03-07T00:00:00Z", {
        "mmsi": 200000037, "lat": 42.7, "lon": 133.05, "sog": 0.1, "cog": 12.5, "heading": 13.0, "nav_status": 5,
        "ais_class": "A", "receiver": "satellite", "imo": 9000001, "name": "EXAMPLE ONE", "callsign": "EX1",
        "ship_type": 80, "length_m": 105.0, "beam_m": 16.0, "draught_m": 6.1, "destination": "VOSTOCHNY",
        "draught_timestamp": pd.Timestamp("2024-03-06T23:30:00Z")}),
    ("darkvoyage.csv", "darkvoyage", "2024-03-07T00:10:00Z", {
        "cog": NONE, "heading": NONE, "destination": NONE, "draught_timestamp": NONE}),
    ("darkvoyage.csv", "darkvoyage", "2024-03-07T00:20:00Z", {
        "mmsi": 200000074, "sog": 102.2, "cog": 359.9, "heading": 0.0, "nav_status": 15, "imo": NONE}),
    ("aisdk.csv", "aisdk", "2018-04-01T05:19:48Z", {  # 01/04/2018 is 1 April
        "lat": 55.5, "lon": 12.25, "sog": 10.3, "cog": 89.9, "nav_status": 0, "ais_class": "A", "imo": 9000001,
        "ship_type": 80, "length_m": 105.0, "beam_m": 16.0, "draught_m": 6.1, "destination": "SKAGEN",
        "Ship type": "Tanker", "Type of mobile": "Class A"}),
    ("aisdk.csv", "aisdk", "2018-04-01T05:19:49Z", {  # 9 + 3 = 12 m long, 2 + 2 = 4 m wide
        "nav_status": 15, "ais_class": "B", "sog": NONE, "cog": NONE, "heading": NONE, "imo": NONE, "callsign": NONE,
        "name": NONE, "ship_type": NONE, "length_m": 12.0, "beam_m": 4.0, "destination": NONE}),
    ("aisdk.csv", "aisdk", "2018-04-01T05:19:50Z", {
        "mmsi": 2000111, "nav_status": 5, "ais_class": NONE, "Type of mobile": "Base Station", "length_m": NONE}),
    ("aisdk.csv", "aisdk", "2018-04-01T05:19:51Z", {
        "lat": NONE, "lon": NONE, "sog": 1.0, "nav_status": 7, "ship_type": 30, "imo": NONE, "name": NONE,
        "length_m": NONE, "beam_m": NONE, "draught_m": NONE}),
    ("aisdk_22_columns.csv", "aisdk", "2010-11-02T23:59:59Z", {
        "lat": 55.5, "lon": 12.25, "sog": 0.0, "ship_type": 70, "length_m": 105.0, "nav_status": 5}),
    ("marinecadastre.csv", "marinecadastre", "2023-01-02T03:04:05Z", {
        "lat": 29.5, "lon": -94.25, "sog": 12.5, "cog": 204.7, "heading": 205.0, "imo": 9000001, "ship_type": 80,
        "nav_status": 0, "length_m": 183.0, "beam_m": 32.0, "draught_m": 11.5, "ais_class": "A", "Cargo": 80}),
    ("marinecadastre.csv", "marinecadastre", "2023-01-02T03:04:06Z", {  # -0.1 + 102.4, -49.6 + 409.6; 1024: tank ship
        "sog": NONE, "cog": NONE, "heading": NONE, "imo": NONE, "ship_type": 80, "beam_m": NONE, "ais_class": "B"}),
    ("marinecadastre.csv", "marinecadastre", "2023-01-02T03:04:07Z", {  # -51.2 + 102.4, -204.8 + 409.6
        "sog": 51.2, "cog": 204.8, "heading": 204.0, "nav_status": 15, "name": NONE}),
    ("marinecadastre_time_first.csv", "marinecadastre", "2020-06-30T00:00:01Z", {  # -60.6 + 409.6
        "mmsi": 200000037, "lat": 40.5, "lon": -74.25, "cog": 349.0, "heading": 349.0, "ship_type": 60,
        "ais_class": "B", "imo": 9000001, "length_m": 94.0, "draught_m": NONE}),
    ("marinecadastre_2.csv", "marinecadastre_2", "2025-01-02T03:04:05Z", {  # longitude comes first
        "lat": 40.5, "lon": -74.25, "sog": 9.9, "cog": 181.0, "heading": NONE, "name": "EXAMPLE ONE", "callsign": "EX1",
        "ship_type": 70, "nav_status": 5, "draught_m": 10.2, "ais_class": "A"}),
    ("gfw_positions.csv", "gfw_positions", "2018-01-01T00:12:19Z", {
        "mmsi": 200000037, "lat": 35.5, "lon": -179.75, "sog": 19.9,
        "seg_id": "200000037-2017-12-18T20:34:03.000000Z"}),
    ("gfw_research.csv", "gfw_research", "2022-01-26T15:32:37Z", {
        "mmsi": 200000037, "lat": -45.5, "lon": -60.25, "sog": 1.6, "cog": 307.1, "heading": NONE, "ais_class": "A",
        "receiver": "satellite", "type": "AIS.1"}),
    ("gfw_research.csv", "gfw_research", "2020-01-07T23:26:00Z", {"ais_class": "B", "receiver": "dynamic"}),
    ("gfw_research.csv", "gfw_research", "2021-09-19T20:06:56.25Z", {"sog": NONE, "receiver": "terrestrial"}),
    ("gfw_research.csv", "gfw_research", "2023-02-05T17:11:12Z", {"lat": NONE, "lon": NONE, "sog": 1.8, "cog": NONE}),
    ("baltic.csv", "baltic", "2018-04-01T05:19:48Z", {  # 76 + 8 = 84, 6 + 7 = 13
        "lat": 59.25, "lon": 17.75, "sog": 0.0, "cog": 341.0, "ais_class": "A", "ship_type": 70, "draught_m": 4.9,
        "length_m": 84.0, "beam_m": 13.0, "imo": 9000001}),
    ("marinetraffic.csv", "marinetraffic", "2016-06-01T04:43:48Z", {
        "lat": 36.125, "lon": -5.25, "sog": 10.7, "cog": 189.0, "heading": NONE, "nav_status": 0, "ship_type": 80,
        "length_m": 144.0, "beam_m": 23.0, "draught_m": NONE, "DWT": 16000, "VESSEL_TYPE": "Oil/Chemical Tanker"}),
    ("marinetraffic.csv", "marinetraffic", "2016-06-01T04:43:49Z", {  # 99 is no code of the AIS standard
        "sog": NONE, "cog": NONE, "heading": 90.0, "nav_status": NONE, "STATUS": 99,
        "ship_type": 30, "draught_m": 6.1}),
    ("marinetraffic_bulk.csv", "marinetraffic", "2016-06-01T04:43:48Z", {
        "mmsi": 200000037, "imo": 9000001, "sog": 0.3, "nav_status": 5, "cog": 91.0, "heading": 90.0}),
    ("marinetraffic_api.json", "marinetraffic_api", "2013-07-01T13:06:00Z", {
        "lat": 42.75, "lon": 15.25, "sog": 18.0, "cog": 144.0, "heading": 145.0, "nav_status": 0}),
    ("ais_raw_units.csv", "ais_raw_units", "2013-09-19T05:24:50Z", {  # 62100000 / 600000, 750000 / 600000
        "lon": 103.5, "lat": 1.25, "sog": 10.7, "cog": 129.0, "heading": 131.0, "ais_class": "A"}),
    ("ais_raw_units.csv", "ais_raw_units", "2013-09-19T05:24:51Z", {
        "lon": NONE, "lat": NONE, "sog": NONE, "cog": NONE, "heading": NONE, "ais_class": "B", "nav_status": 15}),
    ("epoch_positions.csv", "epoch_positions", "2012-04-10T15:35:03Z", {
        "lon": -63.5, "lat": -50.25, "sog": 10.2, "cog": 232.8, "heading": NONE, "nav_status": 7, "score": 0.27}),
    ("orbcomm.csv", "orbcomm", "2023-04-02T16:10:00Z", {  # the first DRAUGHT counts; 93 + 7 = 100, 9 + 8 = 17
        "lat": 22.5, "lon": -78.25, "sog": 5.7, "cog": 311.2, "heading": NONE, "nav_status": NONE, "name": NONE,
        "ais_class": "B", "draught_m": 4.5, "DRAUGHT.1": 9.9, "length_m": 100.0, "beam_m": 17.0,
        "destination": "SINT MAARTEN,NA", "receiver": "terrestrial"}),
    ("brest.csv", "brest", "2015-09-30T22:00:02Z", {
        "lat": 48.25, "lon": -4.5, "sog": 0.1, "cog": 13.1, "heading": 36.0, "nav_status": 0, "rateofturn": -127}),
    ("exactearth.csv", "exactearth", "2021-07-01T18:51:51Z", {
        "lat": 8.75, "lon": -103.5, "sog": 13.6, "cog": 314.8, "heading": 315.0, "ais_class": "A", "nav_status": 0}),
    ("exactearth.csv", "exactearth", "2021-07-01T18:51:54Z", {
        "sog": NONE, "cog": NONE, "heading": NONE, "ais_class": NONE, "Message_ID": 27}),
    ("exactearth.csv", "exactearth", "2021-07-01T18:51:55Z", {
        "ais_class": "B", "name": "EXAMPLE TWO", "length_m": 12.0, "beam_m": 4.0, "draught_m": 6.1, "ship_type": 36}),
    ("digitraffic.json", "digitraffic", "2018-06-26T08:00:00.5Z", {  # the position's own time: 1530000000.5 s
        "mmsi": 200000037, "lat": 60.25, "lon": 22.5, "sog": 0.1, "cog": NONE, "heading": NONE, "nav_status": 5,
        "rot": -128, "timestamp": pd.Timestamp("2018-06-26T08:00:00.5Z")}),
    ("digitraffic.json", "digitraffic", "2025-03-03T11:00:23.118Z", {"sog": NONE, "cog": 351.0, "heading": 253.0}),
    ("baltic_snapshot.json", "baltic_snapshot", "2025-12-12T12:31:24.5Z", {}),
    ("barentswatch.json", "barentswatch", "2024-03-07T00:00:00Z", {  # 01:00 at +01:00
        "lat": 70.25, "lon": 20.5, "sog": 11.5, "cog": 123.4, "heading": 124.0, "nav_status": 0, "ship_type": 80,
        "name": "EXAMPLE ONE"}),
    ("barentswatch.json", "barentswatch", "2024-03-07T00:00:10Z", {
        "sog": NONE, "cog": NONE, "heading": NONE, "nav_status": 15, "ship_type": NONE}),
    ("havbase.csv", "havbase", "2024-03-07T00:00:00Z", {
        "lat": 63.25, "lon": 10.5, "sog": 12.3, "cog": 45.6, "heading": 46.0, "imo": 9000001, "length_m": 105.0,
        "ais_class": "A", "nav_status": 0}),
    ("havbase.csv", "havbase", "2024-03-07T00:00:01Z", {
        "sog": NONE, "cog": NONE, "heading": NONE, "imo": NONE, "length_m": NONE, "ais_class": "B"}),
    ("marinetraffic_toolbox.csv", "marinetraffic_toolbox", "2015-03-07T19:26:27Z", {  # 90 + 15 = 105, 8 + 8 = 16
        "lat": 37.25, "lon": 24.5, "ais_class": "A", "imo": 9000001, "name": "EXAMPLE ONE", "callsign": "EX1",
        "ship_type": 80, "length_m": 105.0, "beam_m": 16.0, "draught_m": 6.1, "destination": "NAMPO",
        "draught_timestamp": pd.Timestamp("2015-03-07T19:26:26Z"), "data_part_4": 21.9}),
    ("marinetraffic_toolbox.csv", "marinetraffic_toolbox", "2015-03-07T19:26:28Z", {
        "lat": NONE, "lon": NONE, "ais_class": "B", "imo": NONE}),  # a payload with three parts of eight
    ("spire.csv", "spire", "2018-01-01T00:01:20Z", {
        "lat": 42.5, "lon": 133.25, "sog": 11.9, "cog": 88.2, "heading": 89.0, "imo": 9000001, "ship_type": 80,
        "draught_m": 6.1, "draught_timestamp": pd.Timestamp("2017-12-31T22:15:00Z"), "destination": "VOSTOCHNY",
        "destination_timestamp": pd.Timestamp("2017-12-31T22:15:00Z"), "VesselType": "Tanker"}),
    ("spire.csv", "spire", "2018-01-01T00:01:30Z", {
        "sog": NONE, "cog": NONE, "heading": NONE, "imo": NONE, "draught_m": NONE, "draught_timestamp": NONE}),
    ("vesselfinder.csv", "vesselfinder", "2021-05-22T13:40:04Z", {
        "lat": 42.5, "lon": 133.25, "sog": 11.9, "cog": 88.2, "heading": NONE, "nav_status": 0, "ship_type": 80,
        "length_m": 105.0, "beam_m": 16.0, "draught_m": 6.1, "destination": "VOSTOCHNY", "receiver": "satellite"}),
    ("aishub.csv", "aishub", "2021-07-09T08:06:53Z", {
        "lat": 38.5, "lon": 118.25, "sog": 0.1, "cog": 356.0, "heading": 116.0, "nav_status": 1, "ship_type": 70,
        "length_m": 224.0, "beam_m": 32.0, "draught_m": 7.5, "destination": "CAOFEIDIAN"}),
    ("aishub.csv", "aishub", "2021-07-09T08:06:54Z", {"lat": NONE, "lon": NONE, "sog": NONE, "draught_m": NONE}),
    ("aishub_raw.csv", "aishub_raw", "2011-04-08T12:15:27Z", {  # 30450000 / 600000, -810000 / 600000
        "lat": 50.75, "lon": -1.35, "sog": 5.9, "cog": 235.1, "heading": NONE, "draught_m": 7.5, "length_m": 224.0}),
    ("aishub_raw.csv", "aishub_raw", "2011-04-08T12:15:28Z", {"lat": NONE, "lon": NONE, "sog": NONE, "cog": NONE}),
    ("aisstream.jsonl", "aisstream", "2022-12-29T18:22:32.318353Z", {
        "mmsi": 200000037, "lat": 1.25, "lon": 103.5, "sog": 12.1, "cog": 308.2, "heading": 235.0, "nav_status": 0,
        "ais_class": "A", "imo": 9000001, "name": "EXAMPLE ONE", "callsign": "EX1", "ship_type": 80,
        "length_m": 105.0, "beam_m": 16.0, "draught_m": 6.1, "destination": "NAMPO",
        "draught_timestamp": pd.Timestamp("2022-12-29T18:22:30Z"), "MessageType": "PositionReport"}),
    ("aisstream.jsonl", "aisstream", "2022-12-29T18:22:33Z", {
        "lat": 1.5, "sog": NONE, "cog": NONE, "heading": NONE, "ais_class": "B", "name": "EXAMPLE TWO",
        "callsign": NONE, "ship_type": NONE, "length_m": NONE}),  # the static report of half a second later
    ("aisstream.jsonl", "aisstream", "2022-12-29T18:22:34Z", {  # its own name, type and size; the callsign of part B
        "lat": 1.75, "name": "EXAMPLE 2", "callsign": "EX2", "ship_type": 37, "length_m": 13.0, "beam_m": 5.0}),
    ("gpsdio.jsonl", "gpsdio", "2017-07-18T00:07:20Z", {
        "lat": -14.25, "lon": -170.5, "sog": 10.8, "cog": 0.0, "heading": 1.0, "nav_status": 0, "ais_class": "A",
        "imo": 9000001, "name": "EXAMPLE ONE", "ship_type": 80, "length_m": 105.0, "draught_m": 6.1}),
    ("gpsdio.jsonl", "gpsdio", "2017-07-18T00:07:21Z", {"lat": NONE, "sog": NONE, "ais_class": "B", "name": NONE}),
    ("suez.csv", "suez", "2021-03-20T01:25:00Z", {"lat": 31.25, "lon": 32.25, "ID": 1}),
    ("aegean.txt", "aegean", "2024-08-01T00:00:12Z", {"lat": 38.25, "lon": 23.5, "column_1": 1}),
    ("aegean_annotated.txt", "aegean_annotated", "2024-08-01T00:00:12Z", {
        "lat": 38.25, "lon": 23.5, "sog": 0.0459, "cog": 135.0, "annotation": "STOP_START;GAP_END"}),
    ("aegean_annotated.txt", "aegean_annotated", "2024-08-01T00:02:12Z", {"sog": 0.0, "cog": NONE, "annotation": NONE}),
    ("track_association.csv", "track_association", "1970-01-01T14:00:01Z", {
        "lat": 36.5, "lon": -76.5, "sog": 14.8, "cog": 246.0, "VID": 100015}),
]  # fmt: skip

# What the caller must say of a source before it is read.
OPTIONS = {
    "fixes_baltic_snapshot": {"dialect": "baltic_snapshot"},
    "fixes_suez": {"synthetic_ids": True},
    "fixes_aegean": {"dialect": "aegean", "synthetic_ids": True},
    "fixes_aegean_annotated": {"synthetic_ids": True},
    "fixes_track_association": {"dialect": "track_association", "synthetic_ids": True},
}


def read(path):
    return read_fixes(path, **OPTIONS.get(path.stem, {}))


@pytest.mark.parametrize(("file", "dialect", "when", "values"), EXPECTED, ids=[f"{e[0]}@{e[2]}" for e in EXPECTED])
def test_values_of_each_dialect(file, dialect, when, values):
    fixes = read(FIXTURES / f"fixes_{file}")
    assert fixes.attrs["read_report"]["dialect"] == dialect
    if not values:
        assert set(fixes["timestamp"]) == {pd.Timestamp(when)}
        return
    found = row(fixes, when)
    for name, value in values.items():
        if value is None:
            assert pd.isna(found[name]), f"{name} = {found[name]!r}"
        elif isinstance(value, float):
            assert found[name] == pytest.approx(value, abs=1e-9), name
        else:
            assert found[name] == value, f"{name} = {found[name]!r}"


def test_every_dialect_has_a_fixture():
    elsewhere = {"dma_resampled", "geo_points", "brest_static", "digitraffic_vessels", "nmea"}
    assert {e[1] for e in EXPECTED} | elsewhere == set(DIALECTS)


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("fixes_*")), ids=lambda path: path.name)
def test_the_table_is_fixes_and_the_account_adds_up(file):
    fixes = read(file)
    report = fixes.attrs["read_report"]
    pd.testing.assert_frame_equal(conform(fixes, FIXES), fixes)
    assert report["rows_out"] == len(fixes)
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert isinstance(fixes.index, pd.RangeIndex)
    assert fixes["timestamp"].dtype == "datetime64[us, UTC]"
    assert not set(report["kept_columns"]) - set(fixes.columns)


def test_static_messages_are_counted_by_name():
    assert read_fixes(FIXTURES / "fixes_exactearth.csv").attrs["read_report"]["reasons"] == {
        "static_report": 1,
        "other_message": 1,
    }
    assert read_fixes(FIXTURES / "fixes_gfw_research.csv").attrs["read_report"]["reasons"] == {"static_report": 1}


@pytest.mark.parametrize("name", [name for name, options in OPTIONS.items() if "synthetic_ids" in options])
def test_ids_in_place_of_mmsi_need_an_option(name):
    (path,) = FIXTURES.glob(f"{name}.*")
    with pytest.raises(DialectError, match=r"which are no MMSI; synthetic_ids=True"):
        read_fixes(path, dialect=OPTIONS[name].get("dialect", "auto"))


@pytest.mark.parametrize("name", [name for name, options in OPTIONS.items() if "dialect" in options])
def test_what_a_file_does_not_say_is_taken_by_name_only(name):
    (path,) = FIXTURES.glob(f"{name}.*")
    with pytest.raises(DialectError, match=rf"only taken by name, with dialect='{OPTIONS[name]['dialect']}'"):
        read_fixes(path, synthetic_ids=True)


def test_equipment_is_delivered():
    fixes = read_fixes(FIXTURES / "fixes_aisdk.csv")
    assert len(fixes) == 4
    assert fixes.attrs["read_report"]["reasons"] == {}


def test_resampled_minutes(tmp_path):
    # 5.144444... m/s are 10 kn; sine -1 and cosine 0 are a course of 270 degrees.
    table = pa.table(
        {
            "Segment_nr": [1],
            "Timestamp": pa.array(np.array(["2025-11-02T02:53:00"], dtype="M8[us]")),
            "Latitude": [57.5],
            "Longitude": [10.5],
            "SOG": [18520.0 / 3600.0],
            "COG_sin": [-1.0],
            "COG_cos": [0.0],
            "TrackID": ["200000037_1"],
            "MMSI": ["200000037"],
            "ShipTypeID": [0],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    fixes = read_fixes(tmp_path / "a.parquet")
    assert fixes.attrs["read_report"]["dialect"] == "dma_resampled"
    found = row(fixes, "2025-11-02T02:53:00Z")
    assert (found["mmsi"], found["lat"], found["lon"]) == (200000037, 57.5, 10.5)
    assert found["sog"] == pytest.approx(10.0)
    assert found["cog"] == pytest.approx(270.0)
    assert found["ShipTypeID"] == 0


def points(times, **columns):
    geopandas = pytest.importorskip("geopandas")
    return geopandas.GeoDataFrame(
        {"mmsi": [200000037, 200000074], **columns, "time": times},
        geometry=geopandas.points_from_xy([-71.5, 133.25], [42.25, 42.75]),
        crs=4326,
    )


TIMES = ["2014-01-01T04:43:53Z", "2014-01-01T13:43:53+09:00"]


@pytest.mark.parametrize("system", [4326, 32619, 3857])
def test_geoparquet_in_any_reference_system(tmp_path, system):
    points(TIMES, speed_kn=[1.5, 102.3]).to_crs(system).iloc[:1].to_parquet(tmp_path / "a.parquet")
    fixes = read_fixes(tmp_path / "a.parquet")
    assert fixes.attrs["read_report"]["dialect"] == "geo_points"
    assert fixes["lon"][0] == pytest.approx(-71.5, abs=1e-7)
    assert fixes["lat"][0] == pytest.approx(42.25, abs=1e-7)
    assert fixes["sog"][0] == 1.5


def test_geopackage_with_two_layers(tmp_path):
    frame = points(TIMES, speed_kn=[1.5, 102.3])
    frame.to_file(tmp_path / "a.gpkg", layer="ships", driver="GPKG")
    frame.set_geometry(frame.to_crs(3857).buffer(10).to_crs(4326)).to_file(
        tmp_path / "a.gpkg", layer="areas", driver="GPKG"
    )
    fixes = read_fixes(tmp_path / "a.gpkg")
    assert list(fixes["timestamp"]) == [pd.Timestamp("2014-01-01T04:43:53Z")] * 2
    assert list(fixes["lon"]) == [-71.5, 133.25]
    assert list(fixes["lat"]) == [42.25, 42.75]
    assert fixes["sog"].isna().tolist() == [False, True]
    assert fixes.attrs["read_report"]["skipped"] == [f"{tmp_path}/a.gpkg/areas"]


def test_points_with_naive_times_are_refused(tmp_path):
    points(["2014-01-01T04:43:53", "2014-01-01T04:43:54"]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DialectError, match=r"a\.parquet: line 1: times of column 'time' carry no offset"):
        read_fixes(tmp_path / "a.parquet")


def test_own_parquet_round_trip(tmp_path):
    fixes = read_fixes(FIXTURES / "fixes_darkvoyage.csv")
    fixes.to_parquet(tmp_path / "a.parquet")
    again = read_fixes(tmp_path / "a.parquet")
    assert again.attrs["read_report"]["dialect"] == "darkvoyage"
    pd.testing.assert_frame_equal(again, fixes, check_like=True)
    assert pd.read_parquet(tmp_path / "a.parquet").attrs == fixes.attrs


def test_degrees_under_the_names_of_raw_units_are_refused(tmp_path):
    text = (FIXTURES / "fixes_ais_raw_units.csv").read_text().replace("62100000,750000", "103.5,1.25")
    (tmp_path / "a.csv").write_text("\n".join(text.splitlines()[:2]))
    with pytest.raises(DialectError, match="'latitude' and 'longitude' hold degrees"):
        read_fixes(tmp_path / "a.csv")


def test_a_wild_position_does_not_change_the_units(tmp_path):
    text = (FIXTURES / "fixes_aishub.csv").read_text()
    good, wild = text.splitlines()[1], text.splitlines()[2].replace(",91,181,", ",30450000,nothing,")
    (tmp_path / "a.csv").write_text("\n".join([text.splitlines()[0], good, good, wild]))
    fixes = read_fixes(tmp_path / "a.csv")
    assert fixes.attrs["read_report"]["dialect"] == "aishub"
    assert fixes["lat"].tolist() == [38.5, 38.5, 30450000.0]
    raw = (FIXTURES / "fixes_aishub_raw.csv").read_text().replace("108600000,54600000", "None,None")
    (tmp_path / "a.csv").write_text(raw)
    assert read_fixes(tmp_path / "a.csv").attrs["read_report"]["dialect"] == "aishub_raw"
