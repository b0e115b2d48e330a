"""Sentinels, broken rows, column maps and unknown headers."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import DialectError
from darkvoyage.io.fixes import read_fixes

HEAD = "mmsi,timestamp,lat,lon,sog,cog,heading,nav_status,imo,name,ship_type,length_m,beam_m,draught_m,destination"
GOOD = "200000037,2024-03-07T00:00:00Z,1.5,2.5,3.5,4.5,5,0,9000001,EXAMPLE,80,100,20,7.5,NAMPO"


def read(text, **options):
    return read_fixes(io.BytesIO(text.encode()), **options)


def read_with(**changes):
    cells = dict(zip(HEAD.split(","), GOOD.split(","), strict=True)) | changes
    return read(f"{HEAD}\n{','.join(cells.values())}\n")


def report_of(fixes):
    return fixes.attrs["read_report"]


# (changed cells, column, value or None, repairs)
SENTINELS = [
    ({"lat": "91"}, "lat", None, {"position_not_available": 1}),
    ({"lat": "91"}, "lon", None, {"position_not_available": 1}),
    ({"lon": "181"}, "lat", None, {"position_not_available": 1}),
    ({"lat": "0", "lon": "0"}, "lat", 0.0, {}),
    ({"lat": "90.5"}, "lat", 90.5, {}),
    ({"lon": "-200"}, "lon", -200.0, {}),
    ({"sog": "102.3"}, "sog", None, {"sog_not_available": 1}),
    ({"sog": "102.30000305"}, "sog", None, {"sog_not_available": 1}),
    ({"sog": "102.2"}, "sog", 102.2, {}),
    ({"sog": "409.5"}, "sog", None, {"sog_not_available": 1}),
    ({"sog": "fast"}, "sog", None, {"sog_unreadable": 1}),
    ({"sog": "inf"}, "sog", None, {"sog_unreadable": 1}),
    ({"sog": ""}, "sog", None, {}),
    ({"sog": "None"}, "sog", None, {"sog_null_text": 1}),
    ({"sog": " 3.5 "}, "sog", 3.5, {}),
    ({"cog": "360"}, "cog", None, {"cog_not_available": 1}),
    ({"cog": "359.9"}, "cog", 359.9, {}),
    ({"heading": "511"}, "heading", None, {"heading_not_available": 1}),
    ({"nav_status": "15"}, "nav_status", 15, {}),
    ({"nav_status": "99"}, "nav_status", None, {"nav_status_no_code": 1}),
    ({"nav_status": "Moored"}, "nav_status", 5, {}),
    ({"nav_status": "asleep"}, "nav_status", None, {"nav_status_unknown_text": 1}),
    ({"imo": "0"}, "imo", None, {"imo_not_available": 1}),
    ({"imo": "IMO9393163"}, "imo", 9393163, {}),
    ({"imo": "IMO 9393163"}, "imo", 9393163, {}),
    ({"imo": "IMO0000000"}, "imo", None, {"imo_not_available": 1}),
    ({"imo": "9393163.0"}, "imo", 9393163, {}),
    ({"imo": "Unknown"}, "imo", None, {"imo_null_text": 1}),
    ({"name": "@@@@@@"}, "name", None, {"name_null_text": 1}),
    ({"name": "  SHIP ONE@@@ "}, "name", "SHIP ONE", {}),
    ({"name": "NULL"}, "name", None, {"name_null_text": 1}),
    ({"ship_type": "80.0"}, "ship_type", 80, {}),
    ({"ship_type": "300"}, "ship_type", None, {"ship_type_no_code": 1}),
    ({"length_m": "0"}, "length_m", None, {"length_m_not_available": 1}),
    ({"beam_m": "0.0"}, "beam_m", None, {"beam_m_not_available": 1}),
    ({"draught_m": "0"}, "draught_m", None, {"draught_m_not_available": 1}),
    ({"destination": "Unknown"}, "destination", None, {"destination_null_text": 1}),
]


@pytest.mark.parametrize(("changes", "column", "value", "repairs"), SENTINELS, ids=lambda part: str(part))
def test_sentinels(changes, column, value, repairs):
    fixes = read_with(**changes)
    assert len(fixes) == 1
    found = fixes[column][0]
    assert pd.isna(found) if value is None else found == value
    assert report_of(fixes)["repairs"] == repairs


def test_repairs_count_rows_not_distinct_values():
    rows = "\n".join([GOOD.replace("EXAMPLE", "@@@").replace("9000001", "Unknown")] * 50 + [GOOD] * 50)
    assert report_of(read(f"{HEAD}\n{rows}\n"))["repairs"] == {"imo_null_text": 50, "name_null_text": 50}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("200000037,2024-03-07T00:00:00Z,1", "broken_line"),
        ("200000037,2024-03-07T00:00:00Z,1,2,3", "broken_line"),
        ('200000037,2024-03-07T00:00:00Z,"1,2', "broken_line"),
        ("200000037,2024-02-30T00:00:00Z,1,2", "bad_time"),
        ("200000037,yesterday,1,2", "bad_time"),
        ("200000037,,1,2", "bad_time"),
        (",2024-03-07T00:00:00Z,1,2", "bad_mmsi"),
        ("SHIP,2024-03-07T00:00:00Z,1,2", "bad_mmsi"),
        ("200000037.5,2024-03-07T00:00:00Z,1,2", "bad_mmsi"),
    ],
)
def test_what_cannot_be_delivered_is_counted_with_its_line(line, reason):
    good = "200000037,2024-03-07T01:00:00Z,1,2"
    fixes = read(f"mmsi,timestamp,lat,lon\n{good}\n\n{line}\n{good}\n{line}\n")
    report = report_of(fixes)
    assert len(fixes) == 2
    assert (report["rows_in"], report["rows_out"], report["reasons"]) == (4, 2, {reason: 2})
    assert report["examples"] == {reason: [{"file": "<stream>", "line": n, "text": line} for n in (4, 6)]}


def test_a_stray_quote_swallows_no_neighbour():
    # Two stray quotes: a lenient parser would make one field of everything between them.
    head = "mmsi,timestamp,lat,lon,name"
    good = "200000037,2024-03-07T0{}:00:00Z,1,2,SHIP"
    stray = '200000037,2024-03-07T09:00:00Z,1,2,"SHIP'
    lines = [good.format(0), stray, good.format(1), good.format(2), stray, good.format(3)]
    fixes = read("\n".join([head, *lines]))
    assert fixes["timestamp"].dt.hour.tolist() == [0, 1, 2, 3]
    assert report_of(fixes)["reasons"] == {"broken_line": 2}


def test_at_most_three_examples():
    report = report_of(read("mmsi,timestamp,lat,lon\n" + "x\n" * 10))
    assert report["reasons"] == {"broken_line": 10}
    assert [example["line"] for example in report["examples"]["broken_line"]] == [2, 3, 4]


def test_text_that_is_not_utf8_is_kept_and_counted():
    data = f"{HEAD}\n{GOOD}\n".encode().replace(b"EXAMPLE", b"MALM\xd6")
    fixes = read_fixes(io.BytesIO(data))
    assert fixes["name"][0] == "MALM�"
    assert report_of(fixes)["repairs"] == {"text_not_utf8": 1}


def test_byte_order_mark_semicolons_tabs_and_windows_lines():
    plain = read(f"{HEAD}\n{GOOD}\n")
    for delimiter in ",;\t":
        text = f"\ufeff{HEAD}\r\n{GOOD}\r\n".replace(",", delimiter)
        pd.testing.assert_frame_equal(read(text), plain)


def test_order_of_rows_never_shows():
    rng = np.random.default_rng(7)
    rows = [
        f"{200000037 + vessel},2024-03-07T{hour:02}:00:00Z,{lat},2,{note}"
        for vessel in range(3)
        for hour in range(5)
        for lat, note in [(1, "b"), (1, ""), (2, "a"), (91, "7")]
    ]
    head = "mmsi,timestamp,lat,lon,note"
    first = read("\n".join([head, *rows]))
    assert first["mmsi"].is_monotonic_increasing
    for _ in range(5):
        rng.shuffle(rows)
        again = read("\n".join([head, *rows]))
        pd.testing.assert_frame_equal(again, first)
        assert report_of(again)["repairs"] == report_of(first)["repairs"] == {"position_not_available": 15}


def test_other_columns_are_kept_with_a_type_and_listed():
    fixes = read("mmsi,timestamp,lat,lon,whole,part,word,,word\n1,2024-03-07T00:00:00Z,1,2,3,4.5,six,seven,8\n")
    assert report_of(fixes)["kept_columns"] == ["whole", "part", "word", "column_8", "word.1"]
    assert [str(fixes[name].dtype) for name in report_of(fixes)["kept_columns"]] == [
        "int64", "float64", "str", "str", "int64",
    ]  # fmt: skip


def test_a_column_that_would_clash_is_left_out_and_said():
    # `name` serves name; the flag of this source is a country, not a reason of clean_fixes.
    text = "MMSI,BaseDateTime,LAT,LON,Flag,flag\n200000037,2024-03-07T00:00:00,1,2,PA,PA\n"
    fixes = read(text)
    assert report_of(fixes)["kept_columns"] == ["Flag"]
    assert report_of(fixes)["left_out_columns"] == ["flag"]
    assert "flag" not in fixes


def test_the_report_is_plain_json():
    report = report_of(read(f"{HEAD}\n{GOOD}\nx\n"))
    assert json.loads(json.dumps(report)) == report
    assert report["sources"][0]["rows"] == 2


def test_unknown_header():
    with pytest.raises(DialectError) as caught:
        read("vessel_id,seen_at,latitude,lng,speed\n1,2,3,4,5\n")
    text = str(caught.value)
    assert "columns found: vessel_id, seen_at, latitude, lng, speed" in text
    assert "nearest dialect: " in text
    assert "which lacks mmsi" in text
    assert "'mmsi': 'vessel_id'" in text
    assert "'lat': 'latitude', 'lon': 'lng', 'sog': 'speed'" in text


def test_a_number_in_front_is_not_proposed_as_mmsi():
    with pytest.raises(DialectError, match=r"try column_map=\{'mmsi': 'ssvid', "):
        read(",seg_id,day,ssvid,lon,lat\n0,a,2021-03-01,200000037,2.5,1.5\n")


def test_unknown_dialect_lists_the_known():
    with pytest.raises(DialectError, match=r"dialect 'danish' is not known; known are auto, aegean, .*, vesselfinder$"):
        read("a\n1\n", dialect="danish")


def test_a_given_dialect_must_fit():
    with pytest.raises(DialectError, match=r"is not of the dialect 'aisdk'.*which lacks timestamp"):
        read("mmsi,lat,lon\n1,2,3\n", dialect="aisdk", column_map={"lat": "lat", "lon": "lon"})


MAP = {"mmsi": "MyId", "timestamp": "Seen", "lat": "Y", "lon": "X", "sog": "V"}


@pytest.mark.parametrize(
    "seen", ["2024-03-07T09:00:00+09:00", "2024-03-07 00:00:00Z", "1709769600", "1709769600000", "2024-03-07 00:00 UTC"]
)
def test_column_map_alone(seen):
    # 1709769600 = 19789 days after 1970-01-01 = 2024-03-07T00:00:00Z
    fixes = read(f"MyId,Seen,Y,X,V\n200000037,{seen},1.5,2.5,3.5\n", column_map=MAP)
    assert report_of(fixes)["dialect"] == "column_map"
    assert fixes["timestamp"][0] == pd.Timestamp("2024-03-07T00:00:00Z")
    assert fixes.loc[0, ["mmsi", "lat", "lon", "sog"]].tolist() == [200000037, 1.5, 2.5, 3.5]


def test_epochs_in_scientific_notation_are_no_times():
    fixes = read("MyId,Seen,Y,X,V\n200000037,1.709769e+12,1.5,2.5,3.5\n", column_map=MAP)
    assert report_of(fixes)["reasons"] == {"bad_time": 1}


def test_column_map_alone_refuses_naive_times():
    with pytest.raises(DialectError, match=r"line 2: times of column 'Seen' carry no offset.*dialect="):
        read("MyId,Seen,Y,X,V\n200000037,2024-03-07 00:00:00,1.5,2.5,3.5\n", column_map=MAP)


def test_column_map_extends_a_dialect():
    text = "MMSI,BaseDateTime,LAT,LON,SOG,Fast\n200000037,2024-03-07T00:00:00,1,2,-3,4.5\n"
    fixes = read(text, column_map={"sog": "Fast"})
    assert report_of(fixes)["dialect"] == "marinecadastre"
    assert fixes["sog"][0] == 4.5
    assert fixes["SOG"][0] == -3  # no longer a source of FIXES, so kept as it is


def test_a_mapped_column_is_in_units_of_fixes():
    text = "MMSI;LAT;LON;TIMESTAMP_UTC;SPEED_KNOTSx10;knots\n200000037;1;2;2024-03-07 00:00:00;50;5.5\n"
    assert read(text)["sog"][0] == 5.0
    assert read(text, column_map={"sog": "knots"})["sog"][0] == 5.5


def test_column_map_mistakes():
    with pytest.raises(DialectError, match="'speed' is no column of FIXES"):
        read("a\n1\n", column_map={"speed": "a"})
    with pytest.raises(DialectError, match="column_map names 'b' for 'sog', which the file lacks"):
        read("mmsi,timestamp,lat,lon\n", column_map={"sog": "b"})


def test_header_alone_gives_an_empty_table():
    fixes = read(f"{HEAD}\n")
    assert list(fixes.columns) == [name for name in fixes.columns if name in HEAD.split(",")]
    assert len(fixes) == 0
    assert fixes["timestamp"].dtype == "datetime64[us, UTC]"
    assert str(fixes["imo"].dtype) == "Int64"


def test_static_times_of_the_source():
    text = (
        "Id,T,Y,X,D,DT\n200000037,2024-03-07T00:00:00Z,1,2,6.5,2024-03-06T12:00:00Z\n"
        "200000037,2024-03-07T01:00:00Z,1,2,6.5,soon\n"
    )
    names = {"mmsi": "Id", "timestamp": "T", "lat": "Y", "lon": "X", "draught_m": "D", "draught_timestamp": "DT"}
    fixes = read(text, column_map=names)
    assert fixes["draught_timestamp"][0] == pd.Timestamp("2024-03-06T12:00:00Z")
    assert fixes["draught_timestamp"].isna().tolist() == [False, True]
    assert report_of(fixes)["repairs"] == {"draught_timestamp_unreadable": 1}


@pytest.mark.parametrize("neighbour", ['200000037,2024-03-07T02:00:00Z,1,2,"', "200000037,2024-03-07T02:00:00Z,1", ""])
@pytest.mark.parametrize(
    ("cell", "value", "repairs"),
    [
        ("nan", None, {"sog_null_text": 1}),
        ("inf", None, {"sog_unreadable": 1}),
        ('"7"', 7.0, {}),
        ('"7".5', 7.5, {}),
    ],
)
def test_a_value_is_read_the_same_whatever_stands_beside_it(cell, value, repairs, neighbour):
    line = f"200000037,2024-03-07T01:00:00Z,1,2,{cell}"
    fixes = read(f"mmsi,timestamp,lat,lon,sog\n{neighbour}\n{line}\n")
    assert fixes["sog"].dropna().tolist() == ([] if value is None else [value])
    assert report_of(fixes)["repairs"] == repairs


def test_a_day_without_a_clock_is_no_time_in_any_company():
    lines = [f"200000037,{when},1,2" for when in ("2024-03-07", "2024-03-07T00:00:00Z", "2024-03-07T00:00:00")]
    for chosen in (lines[:1] + lines[2:], lines[:2], lines):
        fixes = read("\n".join(["mmsi,timestamp,lat,lon", *chosen]))
        assert report_of(fixes)["reasons"] == {"bad_time": 1}
