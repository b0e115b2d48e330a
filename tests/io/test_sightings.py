import gzip
import hashlib
import json
import pickle
import sys
import zipfile

import pandas as pd
import pytest

from darkvoyage.errors import DarkvoyageError, DialectError, ReadError, SchemaError
from darkvoyage.io.intake import parse_numbers
from darkvoyage.io.sightings import read_sightings
from darkvoyage.io.tabular import read_text_table
from darkvoyage.schema.tables import TABLES

TEMPLATE = (
    "sighting_id,time_utc,time_uncertainty_min,lat,lon,pos_error_m,sensor,provider,scene_id,gsd_m,cloud_pct,"
    "sun_elev_deg,off_nadir_deg,length_m,length_err_m,beam_m,beam_err_m,heading_deg,state,load_state,freeboard_m,"
    "berth_id,candidate_imo,confidence,analyst,image_file,image_sha256,notes\n"
)
SEEN = (
    "S-1,2024-04-01 02:10,15,42.74,133.07,30,PlanetScope,Planet,P1,3,10,41,5,105.5,4,17,2,228,berthed,ballast,,B1,"
    "9000001,likely,AB,,,light on arrival\n"
)
EMPTY = "S-2,2024-04-02 02:10,15,,,,PlanetScope,Planet,P2,3,10,41,5,,,,,,no ship,,,B1,,confirmed,AB,,,\n"
OWN = "sighting_id,timestamp,lat,lon,sensor,confidence\n"


def save(folder, text, name="s.csv"):
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(table)
    json.dumps(report)
    return report


def test_template_of_the_analyst(tmp_path):
    table = read_sightings(save(tmp_path, TEMPLATE + SEEN + EMPTY))
    assert list(table.columns[: len(TABLES["SIGHTINGS"].names)]) == list(TABLES["SIGHTINGS"].names)
    row = table.iloc[0]
    assert row["timestamp"] == pd.Timestamp("2024-04-01T02:10Z")
    assert (row["lat"], row["lon"], row["position_err_m"], row["heading"]) == (42.74, 133.07, 30.0, 228.0)
    assert (row["length_m"], row["length_err_m"], row["beam_m"]) == (105.5, 4.0, 17.0)
    assert (row["sensor"], row["load_state"], row["confidence"], row["source"]) == (
        "optical",
        "ballast",
        0.75,
        "Planet",
    )
    assert pd.isna(row["imo"])  # a candidate is no identity
    assert row["candidate_imo"] == "9000001"
    assert row["time_uncertainty_min"] == 15.0
    report = balanced(table)
    assert report["reasons"] == {"negative_row": 1}
    assert report["dialect"] == "analyst"
    assert report["sources"][0]["sha256"] == hashlib.sha256((TEMPLATE + SEEN + EMPTY).encode()).hexdigest()


@pytest.mark.parametrize(
    ("state", "berth", "notes", "reason"),
    [
        ("", "B1", "", "negative_row"),
        ("empty", "", "", "negative_row"),
        ("", "", "berth seen, no ship", "negative_row"),
        ("berthed", "B1", "", "no_position"),
        ("", "", "", "no_position"),
    ],
)
def test_rows_without_position(tmp_path, state, berth, notes, reason):
    text = "sighting_id,time_utc,lat,lon,state,berth_id,notes\n" + f'S,2024-04-01 02:10,,,{state},{berth},"{notes}"\n'
    assert balanced(read_sightings(save(tmp_path, text)))["reasons"] == {reason: 1}


def test_an_empty_berth_with_its_position_is_no_sighting(tmp_path):
    text = "sighting_id,time_utc,lat,lon,state\nS,2024-04-01 02:10,42.7,133.1,no vessel\n"
    assert balanced(read_sightings(save(tmp_path, text)))["reasons"] == {"negative_row": 1}


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("possible", 0.5),
        ("Likely", 0.75),
        ("confirmed", 0.95),
        ("0.3", 0.3),
        ("1", 1.0),
        ("1.4", None),
        ("maybe", None),
    ],
)
def test_confidence(tmp_path, word, number):
    table = read_sightings(save(tmp_path, OWN + f"A,2024-01-01T00:00:00Z,1,2,sar,{word}\n"))
    assert (table["confidence"].iloc[0] == number) if number is not None else table["confidence"].isna().all()
    assert ("bad_confidence" in balanced(table)["repairs"]) == (number is None)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("SAR", "sar"), ("Sentinel-1", "sar"), ("ICEYE-X7", "sar"), ("optical", "optical"),
        ("Sentinel-2 MSI", "optical"),
        ("SkySat", "optical"), ("RF", "rf"), ("HawkEye 360", "rf"), ("visual", "visual"), ("aerial photo", "visual"),
        ("sonar buoy", None),
    ],
)  # fmt: skip
def test_words_for_sensors(tmp_path, word, kind):
    table = read_sightings(save(tmp_path, OWN + f"A,2024-01-01T00:00:00Z,1,2,{word},\n"))
    assert table["sensor"].iloc[0] == kind or (kind is None and table["sensor"].isna().all())
    assert ("unknown_sensor" in balanced(table)["repairs"]) == (kind is None)


@pytest.mark.parametrize(
    ("word", "state"), [("Laden", "laden"), ("ballast", "ballast"), ("unsure", None), ("odd", None)]
)
def test_load_state(tmp_path, word, state):
    text = "sighting_id,timestamp,lat,lon,load_state\n" + f"A,2024-01-01T00:00:00Z,1,2,{word}\n"
    table = read_sightings(save(tmp_path, text))
    assert table["load_state"].iloc[0] == state or (state is None and table["load_state"].isna().all())
    assert ("unknown_load_state" in balanced(table)["repairs"]) == (word == "odd")


def test_gfw_radar_detections(tmp_path):
    header = "scene_id,timestamp,lat,lon,presence_score,length_m,mmsi,matching_score,fishing_score,matched_category\n"
    row = "S1A_X,2023-01-01 09:12:33 UTC,42.5,133.5,0.98,101.5,273000001,4.2,0.1,matched\n"
    twin = "S1A_X,2023-01-01 09:12:33 UTC,42.5,133.5,0.97,101.5,273000001,4.2,0.1,matched\n"
    dark = "S1A_X,2023-01-01 09:12:33 UTC,42.6,133.6,0.7,,,,,unmatched\n"
    table = read_sightings(save(tmp_path, header + row + twin + row + dark))
    assert table["sighting_id"].tolist() == ["S1A_X;133.5;42.5", "S1A_X;133.6;42.6"]
    assert table["timestamp"].unique().tolist() == [pd.Timestamp("2023-01-01T09:12:33Z")]
    assert table["sensor"].tolist() == ["sar", "sar"]
    assert table["confidence"].tolist() == [0.98, 0.7]
    assert table["mmsi"].tolist() == [273000001, pd.NA]
    assert balanced(table)["reasons"] == {"duplicate": 2}


def test_header_only_file(tmp_path):
    header = "scene_id,timestamp,lat,lon,presence_score,length_m,mmsi,matching_score,fishing_score,matched_category\n"
    table = read_sightings(save(tmp_path, header))
    assert len(table) == 0
    assert str(table["timestamp"].dtype) == "datetime64[us, UTC]"
    assert str(table["length_m"].dtype) == "float64"
    assert balanced(table)["rows_in"] == 0


def test_time_from_a_sentinel_product_name(tmp_path):
    text = (
        "detect_id,scene_id,score,lat,lon,vessel_length_m,vessel_width_m\n"
        "D0,S1B_IW_GRDH_1SDV_20211130T025211_20211130T025236_029811_038EEF_D350.SAFE,0.9,1,2,100,20\n"
    )
    table = read_sightings(save(tmp_path, text))
    assert table["timestamp"].iloc[0] == pd.Timestamp("2021-11-30T02:52:11Z")
    assert (table["sensor"].iloc[0], table["beam_m"].iloc[0]) == ("sar", 20.0)


def test_naive_times_are_refused_unless_the_format_defines_them(tmp_path):
    path = save(tmp_path, OWN + "A,2024-01-01T00:00:00Z,1,2,,\nB,2024-01-02 00:00:00,1,2,,\n")
    with pytest.raises(SchemaError, match=r"'timestamp' holds times without a zone.*row 3: '2024-01-02"):
        read_sightings(path)
    with pytest.raises(SchemaError, match="row 2: '2024-01-02'"):
        read_sightings(save(tmp_path, OWN + "B,2024-01-02,1,2,,\n"))


def test_every_row_that_is_not_delivered_has_its_reason(tmp_path):
    rows = [
        "ok,2024-01-01T02:00:00+02:00,1,2,,",
        "t0,,1,2,,",
        "t1,01/02/24 Z,1,2,,",
        "p0,2024-01-01T00:00:00Z,,2,,",
        "p1,2024-01-01T00:00:00Z,north,2,,",
        "p2,2024-01-01T00:00:00Z,91,2,,",
        "p3,2024-01-01T00:00:00Z,1,181,,",
        "long,2024-01-01T00:00:00Z,1,2,,,extra",
        "short,2024-01-01T00:00:00Z,1",
        "ok,2024-01-01T02:00:00+02:00,1,2,,",
    ]
    table = read_sightings(save(tmp_path, OWN + "\n".join(rows) + "\n"))
    assert table["timestamp"].tolist() == [pd.Timestamp("2024-01-01T00:00Z")]
    report = balanced(table)
    assert report["reasons"] == {
        "no_time": 1, "bad_time": 1, "no_position": 1, "bad_position": 1, "out_of_range": 2, "broken_line": 2,
        "duplicate": 1,
    }  # fmt: skip
    assert [item["line"] for item in report["examples"]["broken_line"]] == [9, 10]
    assert report["examples"]["bad_time"][0]["text"] == "01/02/24 Z"


def test_one_id_for_two_sightings(tmp_path):
    text = OWN + "A,2024-01-01T00:00:00Z,1,2,,\nA,2024-01-02T00:00:00Z,1,2,,\n"
    with pytest.raises(ReadError, match=r"'A' stands for different sightings \(rows 2, 3\)"):
        read_sightings(save(tmp_path, text))


def test_the_order_of_rows_does_not_matter(tmp_path):
    rows = [f"{name},2024-01-0{day}T00:00:00Z,1,2,sar,0.5" for name, day in zip("cab", (1, 2, 3), strict=True)]
    one = read_sightings(save(tmp_path, OWN + "\n".join(rows) + "\n", "a.csv"))
    two = read_sightings(save(tmp_path, OWN + "\n".join(rows[::-1]) + "\n", "b.csv"))
    assert one["sighting_id"].tolist() == ["a", "b", "c"]
    pd.testing.assert_frame_equal(one, two)


def test_semicolons_and_decimal_commas(tmp_path):
    text = "\ufeffsighting_id;time_utc;lat;lon;length_m\r\nA;2024-01-01 00:00;42,5;133,25;101,5\r\n"
    row = read_sightings(save(tmp_path, text)).iloc[0]
    assert (row["lat"], row["lon"], row["length_m"]) == (42.5, 133.25, 101.5)


@pytest.mark.parametrize(
    "name", ["s.csv", "s.csv.gz", "s.zip", "s.xlsx", "s.parquet", "s.json", "s.geojson", "s16.csv"]
)
def test_the_same_table_in_every_container(tmp_path, name):
    cells = {"sighting_id": ["A", "B"], "time_utc": ["2024-01-01 00:00:00", "2024-01-02 03:00:00"]}
    frame = pd.DataFrame(cells | {"lat": [1.5, 2.0], "lon": [3.0, 4.25], "length_m": [100.0, None]})
    path = tmp_path / name
    if name == "s.xlsx":
        pytest.importorskip("openpyxl")
        frame.assign(time_utc=pd.to_datetime(frame["time_utc"])).to_excel(path, index=False)
    elif name == "s.parquet":
        frame.assign(time_utc=pd.to_datetime(frame["time_utc"], utc=True)).to_parquet(path)
    elif name == "s.json":
        frame.to_json(path, orient="records")
    elif name == "s.geojson":
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
                "properties": row.drop(["lat", "lon"]).where(row.notna(), None).to_dict(),
            }
            for _, row in frame.iterrows()
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    elif name == "s.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", frame.to_csv(index=False))
    else:
        text = frame.to_csv(index=False).encode("utf-16" if name == "s16.csv" else "utf-8")
        path.write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)
    table = read_sightings(path)
    assert table["sighting_id"].tolist() == ["A", "B"]
    assert table["timestamp"].tolist() == [pd.Timestamp("2024-01-01T00:00Z"), pd.Timestamp("2024-01-02T03:00Z")]
    assert table["lon"].tolist() == [3.0, 4.25]
    assert table["length_m"].isna().tolist() == [False, True]
    balanced(table)


def test_unknown_columns_name_the_nearest_dialect(tmp_path):
    with pytest.raises(DialectError, match=r"columns who, when, lat, lon; nearest is .* also needs"):
        read_sightings(save(tmp_path, "who,when,lat,lon\n1,2,3,4\n"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.csv", None, "no such file"),
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" * 500, mtime=0)[:-9], "truncated or damaged gzip"),
        ("cut.csv", b'a,b\n1,"open\n', "ends inside a quoted cell"),
        ("cut.parquet", b"PAR1 and then nothing", "damaged Parquet"),
        ("not.parquet", b"text", "damaged Parquet"),
        ("cut.xlsx", b"PK\x03\x04 and then nothing", "damaged .xlsx"),
        ("cut.zip", b"PK\x03\x04 and then nothing", "damaged zip"),
        ("cut.json", b'[{"a": 1}', "damaged JSON"),
        ("noise.csv", b"a\x00b\n", "not a text file"),
        ("old.xls", b"\xd0\xcf\x11\xe0old", "old Excel"),
        ("twice.csv", b"a,a\n1,2\n", "'a' occurs twice"),
        ("table.pkl", b"a,b\n1,2\n", "hold code"),
        ("macro.xlsm", b"PK\x03\x04", "hold code"),
        ("disguised.csv", pickle.dumps({"a": 1}), "pickle"),
    ],
)
def test_files_that_are_not_read(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    if name == "cut.xlsx":
        pytest.importorskip("openpyxl")
    with pytest.raises(ReadError, match=message) as caught:
        read_sightings(path)
    assert name in str(caught.value)
    assert isinstance(caught.value, DarkvoyageError)


def test_folder_and_no_path(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_sightings(tmp_path)
    with pytest.raises(ReadError, match="expected the path"):
        read_sightings(pd.DataFrame())


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "s.xlsx"
    path.write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ReadError, match=r"needs openpyxl; install darkvoyage\[xlsx\]"):
        read_sightings(path)


def test_broken_bytes_are_counted(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(OWN.replace("sensor", "vessel_class").encode() + b"A,2024-01-01T00:00:00Z,1,2,p\xeache,\n")
    table = read_sightings(path)
    assert table["vessel_class"].iloc[0] == "pêche"
    assert balanced(table)["repairs"] == {"not_utf8": 1}


def test_a_lone_quote_is_no_damage(tmp_path):
    raw = read_text_table(save(tmp_path, 'a,b\n"x" y,5" pipe\n'))
    assert raw.frame["b"].tolist() == ['5" pipe']


@pytest.mark.parametrize(
    ("cell", "comma", "number"),
    [
        ("1.5", False, 1.5), ("-2e3", False, -2000.0), (".5", False, 0.5), ("99,144", False, 99144.0),
        ("99,144", True, 99.144), ("1,5", False, None), ("inf", False, None), ("1e999", False, None),
        ("0x10", False, None), ("1_000", False, None), ("٣", False, None), ("12 m", False, None),
    ],
)  # fmt: skip
def test_numbers(cell, comma, number):
    value = parse_numbers(pd.Series([cell], dtype="str"), decimal_comma=comma).iloc[0]
    assert value == number or (number is None and pd.isna(value))
