import csv
import json
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.errors import DarkvoyageError, ReadError, SchemaError
from darkvoyage.io.sightings import read_sightings
from darkvoyage.io.writers import WRITABLE, read_own, write_table
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import TABLES

KML = "{http://www.opengis.net/kml/2.2}"
T0 = pd.Timestamp("2024-04-01T02:10:00.123456Z")


def sightings(**more):
    cells = {"sighting_id": ["A", "B"], "timestamp": [T0, pd.Timestamp("2024-04-02T00:00Z")]}
    return finish(
        cells | {"lat": [42.74, -1.5], "lon": [133.07, 179.5], "length_m": [0.1 + 0.2, None]} | more,
        TABLES["SIGHTINGS"],
    )


def transfers(reasons):
    n = len(reasons)
    cells = {
        "gap_id": [f"g{i}" for i in range(n)], "port_id": "P", "mmsi": np.arange(n) + 200000000, "imo": [None] * n,
        "track_id": "t", "gap_start": T0, "gap_end": pd.Series([pd.NaT] * n, dtype="datetime64[us, UTC]"),
        "score": 1.0 / 3.0, "p_transfer": 0.5, "prior": 0.1, "llr_total": -1e-300, "reasons": reasons,
        "innocent_explanations": [["waits", "=cmd|' /C calc'!A0"]] * n, "sighting_ids": [[]] * n,
    }  # fmt: skip
    return finish(pd.DataFrame(cells), TABLES["TRANSFERS"])


def gaps():
    cells = {
        "gap_id": ["plain", "seam", "open"], "track_id": ["1-0"] * 3, "mmsi": [1, 2, 3],
        "gap_start": [T0] * 3, "gap_end": [T0 + pd.Timedelta("8h"), T0 + pd.Timedelta("9h"), pd.NaT],
        "is_closed": [True, True, False], "duration_h": [8.0, 9.0, 5.0], "start_lat": [10.0, 0.0, 5.0],
        "start_lon": [20.0, 178.0, 6.0], "end_lat": [11.0, 4.0, None], "end_lon": [21.0, -178.0, None],
        "fixes_before_12h": 1, "fixes_before_12h_ter": 1, "fixes_before_12h_sat": 0, "fixes_before_12h_dyn": 0,
        "fixes_after_12h": [1, 1, 0],
    }  # fmt: skip
    return finish(pd.DataFrame(cells), TABLES["GAPS"])


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
@pytest.mark.parametrize("table", ["SIGHTINGS", "GAPS", "TRANSFERS"])
def test_round_trip(tmp_path, ending, table):
    frame = {"SIGHTINGS": sightings(), "GAPS": gaps(), "TRANSFERS": transfers([["a", "b"], ["c"]])}[table]
    path = write_table(frame, tmp_path / f"t{ending}")
    pd.testing.assert_frame_equal(read_own(path, TABLES[table]), frame)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_round_trip_of_every_empty_table(tmp_path, ending, name):
    frame = finish({}, TABLES[name])
    back = read_own(write_table(frame, tmp_path / f"t{ending}"), TABLES[name])
    pd.testing.assert_frame_equal(back, frame)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1a"), min_size=1, max_size=8).filter(
    lambda text: text.strip()
)
NASTY = st.sampled_from(["=1+1", "'=x", "-5", "@a", "\tq", "\rq", "NA", "None", '"', ","])
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1a|"), min_size=1, max_size=8)


@given(names=st.lists(st.one_of(st.none(), TEXT, NASTY), min_size=1, max_size=4), data=st.data())
@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_sightings_come_back_to_the_last_bit(ending, names, data):
    n = len(names)
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    frame = finish(
        {
            "sighting_id": [f"s{i}" for i in range(n)],
            "timestamp": [T0 + pd.Timedelta(microseconds=data.draw(st.integers(0, 10**15))) for _ in range(n)],
            "lat": data.draw(st.lists(numbers, min_size=n, max_size=n)),
            "lon": data.draw(st.lists(numbers, min_size=n, max_size=n)),
            "imo": pd.array(
                data.draw(st.lists(st.one_of(st.none(), st.integers(0, 2**62)), min_size=n, max_size=n)), dtype="Int64"
            ),
            "source": names,
        },
        TABLES["SIGHTINGS"],
    )
    with tempfile.TemporaryDirectory() as folder:
        back = read_own(write_table(frame, Path(folder) / f"t{ending}"), TABLES["SIGHTINGS"])
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


def test_large_numbers_beside_nulls(tmp_path):
    cells = {"sighting_id": ["a", "b"], "timestamp": T0, "lat": 1.0, "lon": 2.0}
    frame = finish(cells | {"imo": pd.array([None, 2**53 + 1], dtype="Int64")}, TABLES["SIGHTINGS"])
    back = read_own(write_table(frame, tmp_path / "t.csv"), TABLES["SIGHTINGS"])
    assert back["imo"].tolist() == [pd.NA, 9007199254740993]


@given(
    reasons=st.lists(
        st.lists(LINE.filter(lambda text: " | " not in text), min_size=1, max_size=3), min_size=1, max_size=3
    )
)
def test_lists_come_back_from_csv(reasons):
    frame = transfers([[item.strip() or "x" for item in items] for items in reasons])
    with tempfile.TemporaryDirectory() as folder:
        back = read_own(write_table(frame, Path(folder) / "t.csv"), TABLES["TRANSFERS"])
    pd.testing.assert_frame_equal(back, frame)


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"])
def test_no_cell_of_a_csv_is_a_formula(tmp_path, evil):
    path = write_table(sightings(source=[evil, "plain"]), tmp_path / "t.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(TABLES["SIGHTINGS"].names)
    assert rows[1][rows[0].index("source")] == "'" + evil
    assert rows[2][rows[0].index("source")] == "plain"
    assert rows[2][rows[0].index("lat")] == "-1.5"  # a number stays a number
    assert rows[1][rows[0].index("length_m")] == "0.30000000000000004"


def test_no_item_of_a_list_in_csv_is_a_formula(tmp_path):
    path = write_table(transfers([["=a", "b", "@c"]]), tmp_path / "t.csv")
    with path.open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file)
    assert row[header.index("reasons")] == "'=a | b | '@c"
    assert row[header.index("innocent_explanations")] == "waits | '=cmd|' /C calc'!A0"
    assert row[header.index("sighting_ids")] == ""


def test_our_csv_is_read_as_sightings(tmp_path):
    frame = sightings(source=["=evil", "plain"], length_m=[100.25, None])
    table = read_sightings(write_table(frame, tmp_path / "t.csv"))
    pd.testing.assert_frame_equal(table, frame)


def test_geojson(tmp_path):
    loaded = json.loads(write_table(gaps(), tmp_path / "g.geojson").read_text(encoding="utf-8"))
    by_id = {feature["properties"]["gap_id"]: feature for feature in loaded["features"]}
    assert by_id["plain"]["geometry"] == {"type": "LineString", "coordinates": [[20.0, 10.0], [21.0, 11.0]]}
    # Half way of four degrees: the seam is met at 2 degrees north.
    assert by_id["seam"]["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [[[178.0, 0.0], [180.0, 2.0]], [[-180.0, 2.0], [-178.0, 4.0]]],
    }
    assert by_id["open"]["geometry"] == {"type": "Point", "coordinates": [6.0, 5.0]}
    assert by_id["plain"]["properties"]["gap_start"] == "2024-04-01T02:10:00.123456Z"
    assert by_id["open"]["properties"]["gap_end"] is None
    assert by_id["open"]["properties"]["imo"] is None


def test_geojson_of_what_is_not_finite_or_not_known(tmp_path):
    frame = sightings(imo=[None, 9000003], confidence=[np.inf, 0.5])
    frame.loc[0, "lat"] = np.nan
    first, second = json.loads(write_table(frame, tmp_path / "s.geojson").read_text(encoding="utf-8"))["features"]
    assert first["geometry"] is None
    assert (first["properties"]["confidence"], second["properties"]["imo"]) == (None, 9000003)
    assert second["properties"]["timestamp"] == "2024-04-02T00:00:00Z"


def test_kml_of_gaps(tmp_path):
    root = ET.fromstring(write_table(gaps(), tmp_path / "g.kml").read_text(encoding="utf-8"))
    marks = {mark.find(KML + "name").text: mark for mark in root.iter(KML + "Placemark")}
    span = marks["plain"].find(KML + "TimeSpan")
    assert [child.text for child in span] == ["2024-04-01T02:10:00.123456Z", "2024-04-01T10:10:00.123456Z"]
    line = marks["plain"].find(f"{KML}LineString/{KML}coordinates").text
    assert line == "20.0,10.0 21.0,11.0"
    parts = [part.text for part in marks["seam"].iter(KML + "coordinates")]
    assert parts == ["178.0,0.0 180.0,2.0", "-180.0,2.0 -178.0,4.0"]
    assert [child.tag for child in marks["open"].find(KML + "TimeSpan")] == [KML + "begin"]
    assert marks["open"].find(f"{KML}Point/{KML}coordinates").text == "6.0,5.0"


@given(name=st.text(max_size=12))
def test_kml_is_well_formed_whatever_a_name_holds(name):
    frame = sightings(
        source=["<script>&\x07" + name.encode("utf-8", "ignore").decode(), None], name=["<b>\x1b" + "x", "y"]
    )
    with tempfile.TemporaryDirectory() as folder:
        text = write_table(frame, Path(folder) / "s.kml").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    first, second = root.iter(KML + "Placemark")
    assert first.find(KML + "name").text == "<b>x"
    assert "<script>" not in first.find(KML + "description").text  # it is HTML once more to whoever shows it
    assert "\x07" not in text
    assert first.find(f"{KML}TimeStamp/{KML}when").text == "2024-04-01T02:10:00.123456Z"
    assert second.find(f"{KML}Point/{KML}coordinates").text == "179.5,-1.5"


def test_kml_of_ports_and_scenes(tmp_path):
    ring = "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 0.5, 2 0.5, 2 1, 1 0.5))"
    ports = {"port_id": ["P"], "name": ["Q & R"], "country": ["XX"], "lat": [1.0], "lon": [2.0], "radius_nm": [3.0]}
    table = finish(ports | {"sensitive": [True], "geometry": [ring]}, TABLES["PORTS"])
    root = ET.fromstring(write_table(table, tmp_path / "p.kml").read_text(encoding="utf-8"))
    assert [name.text for name in root.iter(KML + "name")] == ["darkvoyage", "Q & R"]
    outer, inner = root.iter(KML + "coordinates")
    assert outer.text == "0.0,0.0 4.0,0.0 4.0,4.0 0.0,0.0"
    assert inner.text == "1.0,0.5 2.0,0.5 2.0,1.0 1.0,0.5"
    scene = finish({"scene_id": ["S"], "timestamp": [T0], "footprint": [ring], "sensor": ["sar"]}, TABLES["SCENES"])
    root = ET.fromstring(write_table(scene, tmp_path / "s.kml").read_text(encoding="utf-8"))
    assert len(list(root.iter(KML + "Polygon"))) == 1


@pytest.mark.parametrize("ending", WRITABLE)
def test_the_same_table_gives_the_same_bytes(tmp_path, ending):
    one = write_table(gaps(), tmp_path / f"one{ending}").read_bytes()
    two = write_table(gaps(), tmp_path / f"two{ending}").read_bytes()
    assert one == two


def test_geopackage(tmp_path):
    import geopandas

    back = geopandas.read_file(write_table(gaps(), tmp_path / "g.gpkg"))
    assert back["gap_id"].tolist() == ["plain", "seam", "open"]
    assert back.crs.to_epsg() == 4326


@pytest.mark.parametrize("ending", [".geojson", ".kml", ".gpkg"])
def test_empty_tables_and_tables_without_positions(tmp_path, ending):
    assert write_table(finish({}, TABLES["GAPS"]), tmp_path / f"e{ending}").stat().st_size > 0
    with pytest.raises(SchemaError, match="no positions"):
        write_table(finish({}, TABLES["SILENCES"]), tmp_path / f"n{ending}")
    assert not list(tmp_path.glob("*n*part*"))


def test_endings_and_folders(tmp_path):
    with pytest.raises(DarkvoyageError, match=r"cannot write '.xls'; use .parquet, .csv, .geojson, .kml, .gpkg"):
        write_table(gaps(), tmp_path / "t.xls")
    with pytest.raises(DarkvoyageError, match="a file without ending"):
        write_table(gaps(), tmp_path / "t")
    for ending in WRITABLE:
        with pytest.raises(DarkvoyageError, match="cannot be written"):
            write_table(gaps(), tmp_path / "gone" / f"t{ending}")


def test_an_older_file_survives_a_failed_write(tmp_path):
    path = tmp_path / "t.kml"
    path.write_text("older")
    with pytest.raises(SchemaError):
        write_table(finish({}, TABLES["SILENCES"]), path)
    assert path.read_text() == "older"


def test_reading_back_another_table(tmp_path):
    path = write_table(gaps(), tmp_path / "t.csv")
    with pytest.raises(SchemaError, match="SIGHTINGS: missing column"):
        read_own(path, TABLES["SIGHTINGS"])
    path.write_text(path.read_text().replace("8.0", "eight"))
    with pytest.raises(SchemaError, match="'duration_h', expected float; first bad row 0: 'eight'"):
        read_own(path, TABLES["GAPS"])
    path.write_text("gap_id\na\nb,c\n")
    with pytest.raises(ReadError, match="row 3: 2 cells, expected 1"):
        read_own(path, TABLES["GAPS"])


def test_the_input_stays_as_it_was(tmp_path):
    frame = transfers([["=a"]])
    before = frame.copy(deep=True)
    for ending in (".parquet", ".csv"):
        write_table(frame, tmp_path / f"t{ending}")
    pd.testing.assert_frame_equal(frame, before)
