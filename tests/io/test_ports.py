import gzip
import pickle

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import DialectError, ReadError
from darkvoyage.io.ports import read_ports, sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.tables import TABLES

NAMES = list(TABLES["PORTS"].names)

WPI = (
    "World Port Index Number,Region Name,Main Port Name,UN/LOCODE,Country Code,Latitude,Longitude\n"
    "60720,Russia,Eastport,RU EST,Russia,42.75,133.083333\n"
    "60730,Russia,Westport, ,North Korea,41.766667,129.816667\n"
    "60740,Nowhere,Lost, ,Atlantis,10,20\n"
)


def write(tmp_path, text, name="ports.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path, text, name="ports.csv"):
    table = read_ports(write(tmp_path, text, name))
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(table)
    assert list(table.columns)[: len(NAMES)] == NAMES
    assert table["port_id"].is_unique
    return table, report


# --- the bundled list ---


def test_the_list_is_whole_and_every_row_has_reason_and_source():
    table = sensitive_ports()
    assert len(table) >= 70
    assert list(table.columns) == NAMES
    assert table["port_id"].is_unique
    assert list(table["port_id"]) == sorted(table["port_id"])
    assert table["sensitive"].all()
    assert set(table["kind"]) == {"port", "terminal", "anchorage", "sts"}
    assert table["reason"].str.len().min() > 30
    assert table["source"].str.contains("Position: ").all()
    assert table["lat"].between(-90, 90).all()
    assert table["lon"].between(-180, 180).all()
    assert table["radius_nm"].between(1, 60).all()
    assert (table["country"].dropna().str.fullmatch("[A-Z]{2}")).all()
    assert set(table.loc[table["country"].isna(), "kind"]) == {"sts"}


def test_a_locode_names_its_country():
    table = sensitive_ports()
    locode = table[table["port_id"].str.fullmatch("[A-Z]{2}[A-Z2-9]{3}")]
    assert len(locode) > 70
    assert (locode["port_id"].str[:2] == locode["country"]).all()


def test_wording_is_neutral():
    text = " ".join(sensitive_ports()["reason"]).lower()
    for word in ("illegal", "guilty", "criminal", "crime ", "smuggler"):
        assert word not in text


def test_ports_do_not_overlap():
    table = sensitive_ports()
    table = table[table["kind"] != "sts"]
    lat, lon, radius = (table[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    apart = great_circle_nm(lat[:, None], lon[:, None], lat[None], lon[None])
    touching = (apart < radius[:, None] + radius[None]) & ~np.eye(len(table), dtype=bool)
    assert table["port_id"].to_numpy()[np.nonzero(touching)[0]].tolist() == []


def test_vostochny_and_nakhodka_are_two_places():
    table = sensitive_ports().set_index("port_id")
    # World Port Index: 42.75 N 133.0833 E and 42.80 N 132.8833 E, by hand
    # hypot(3.0, 12.0 * cos(42.775 deg) = 8.81) = 9.3 nm.
    a, b = table.loc["RUVYP"], table.loc["RUNJK"]
    apart = float(great_circle_nm(a["lat"], a["lon"], b["lat"], b["lon"]))
    assert apart == pytest.approx(9.3, abs=0.1)
    assert a["radius_nm"] + b["radius_nm"] < apart
    assert "no berth coordinates are published" in a["source"]


# --- files ---


def test_world_port_index(tmp_path):
    table, report = read(tmp_path, WPI)
    assert report["dialect"] == "wpi"
    assert report["repairs"] == {"country_unknown": 1}
    by_name = table.set_index("name")
    assert by_name.loc["Eastport", "port_id"] == "RUEST"
    assert by_name.loc["Westport", "port_id"] == "wpi-60730"
    assert by_name["country"].to_dict() == {"Eastport": "RU", "Westport": "KP", "Lost": by_name.loc["Lost", "country"]}
    assert pd.isna(by_name.loc["Lost", "country"])
    assert not table["sensitive"].any()
    assert set(table["radius_nm"]) == {3.0}
    assert set(table["kind"]) == {"port"}


def test_gzip_and_byte_order_mark_change_nothing(tmp_path):
    plain, _ = read(tmp_path, WPI)
    packed, _ = read(tmp_path, gzip.compress(b"\xef\xbb\xbf" + WPI.encode(), mtime=0), "ports.csv.gz")
    pd.testing.assert_frame_equal(plain, packed)


def test_row_order_does_not_matter(tmp_path):
    head, *rows = WPI.strip().split("\n")
    rows.append("60731,Russia,Westport2,RU EST,Russia,1,2")
    a, _ = read(tmp_path, "\n".join([head, *rows]))
    b, _ = read(tmp_path, "\n".join([head, *rows[::-1]]))
    pd.testing.assert_frame_equal(a, b)


def test_old_world_port_index(tmp_path):
    text = "X,Y,FID,INDEX_NO,PORT_NAME,COUNTRY,LATITUDE,LONGITUDE\n1,2,1,61090,SOUTHPORT,JP,43.866667,146.833333\n"
    table, report = read(tmp_path, text)
    assert report["dialect"] == "wpi_old"
    assert table.loc[0, ["port_id", "name", "country", "lat"]].tolist() == ["wpi-61090", "SOUTHPORT", "JP", 43.866667]


LOCODE_ROWS = (
    ",RU,,.RUSSIAN FEDERATION,,,,,,,,\n"
    ",RU,VYP,Vostochnyy Port,Vostochnyy Port,PRI,1-------,AF,0407,,4246N 13303E,\n"
    ",RU,NJK,Nakhodka,Nakhodka,PRI,1-3-----,AF,0407,,,\n"
    ",RU,MOW,Moskva,Moskva,MOW,-2345---,AF,0407,,5545N 03735E,\n"
    ",BR,XXX,São Porto,Sao Porto,SP,1-------,AF,0407,,2336S 04619W,\n"
)


def test_unlocode_without_header(tmp_path):
    table, report = read(tmp_path, LOCODE_ROWS)
    assert report["dialect"] == "unlocode"
    assert report["reasons"] == {"not_a_port": 2, "no_coordinates": 1}
    assert report["examples"]["no_coordinates"] == ["RUNJK Nakhodka"]
    by_id = table.set_index("port_id")
    # 42 deg 46 min = 42.7667, 133 deg 3 min = 133.05; south and west are negative.
    assert by_id.loc["RUVYP", "lat"] == pytest.approx(42 + 46 / 60)
    assert by_id.loc["RUVYP", "lon"] == pytest.approx(133.05)
    assert by_id.loc["BRXXX", "lat"] == pytest.approx(-23.6)
    assert by_id.loc["BRXXX", "lon"] == pytest.approx(-(46 + 19 / 60))
    assert by_id.loc["BRXXX", "name"] == "Sao Porto"


def test_unlocode_with_header_and_swapped_columns(tmp_path):
    head = "Change,Country,Location,Name,NameWoDiacritics,Subdivision,Function,Status,Date,IATA,Coordinates,Remarks\n"
    swapped = (
        "Change,Country,Location,Name,NameWoDiacritics,Subdivision,Status,Function,Date,IATA,Coordinates,Remarks\n"
    )
    want, _ = read(tmp_path, LOCODE_ROWS)
    for text in (head + LOCODE_ROWS, swapped + LOCODE_ROWS):
        got, report = read(tmp_path, text)
        pd.testing.assert_frame_equal(want, got)
        assert report["reasons"] == {"not_a_port": 2, "no_coordinates": 1}


def test_unlocode_in_latin_1(tmp_path):
    want, _ = read(tmp_path, LOCODE_ROWS)
    got, _ = read(tmp_path, LOCODE_ROWS.encode("cp1252"))
    pd.testing.assert_frame_equal(want, got)


def test_anchorages_become_one_port(tmp_path):
    # Three members on a meridian at 0, 6 and 60 minutes: the centroid is at 22 minutes, its nearest member at 6; the
    # far member is 54 nm away, which is cut to 20.
    text = (
        "s2id,latitude,longitude,label,sublabel,iso3\n"
        "a,0.0,179.99,LONG,,RUS\nb,0.1,179.99,LONG,,RUS\nc,1.0,179.99,LONG,,RUS\n"
        "d,10.0,20.0,ALONE,,ZZZ\n"
        "e,5.0,5.0,LONG,,NGA\n"
        "f,46.7,-2.3,ÎLE-D'YEU,,FRA\n"
    )
    table, report = read(tmp_path, text)
    assert report["dialect"] == "gfw_anchorages"
    assert report["reasons"] == {"merged_into_port": 2}
    by_id = table.set_index("port_id")
    assert by_id.loc["rus-long", ["lat", "lon", "radius_nm", "country"]].tolist() == [0.1, 179.99, 20.0, "RU"]
    assert by_id.loc["nga-long", "country"] == "NG"
    assert by_id.loc["fra-île-d-yeu", "country"] == "FR"
    assert by_id.loc["zzz-alone", "radius_nm"] == 3.0
    assert pd.isna(by_id.loc["zzz-alone", "country"])


def test_anchorages_across_the_antimeridian(tmp_path):
    # Members 0.2 deg apart on the equator, two sides of 180: the middle one is chosen, 6 nm (0.1 deg) from both.
    text = "s2id,lat,lon,label,iso3\na,0,179.9,SEAM,FJI\nb,0,180,SEAM,FJI\nc,0,-179.9,SEAM,FJI\n"
    table, _ = read(tmp_path, text)
    assert table["lon"].tolist() == [180.0]
    assert table["radius_nm"].to_numpy() == pytest.approx(6.0, abs=0.01)


def test_short_list(tmp_path):
    text = "iso3,label,sublabel,latitude,longitude\nNAM,WALVIS BAY,,-22.95,14.5\nNAM,WALVIS BAY,,-22.0,14.0\n"
    table, report = read(tmp_path, text)
    assert report["dialect"] == "iso3_label"
    assert table["port_id"].tolist() == ["nam-walvis-bay", "nam-walvis-bay-2"]
    assert table["country"].tolist() == ["NA", "NA"]  # Namibia, not "not available"
    assert report["repairs"] == {"port_id_made_unique": 1}


def test_ids_made_unique_never_meet_others(tmp_path):
    text = "port_id,name,lat,lon\na,one,1,1\na,two,2,2\na-2,three,3,3\n"
    table, report = read(tmp_path, text)
    # The second "a" becomes "a-2", which the third row has already: that one becomes "a-2-2".
    assert dict(zip(table["name"], table["port_id"], strict=True)) == {"one": "a", "two": "a-2", "three": "a-2-2"}
    assert report["repairs"]["port_id_made_unique"] == 2


def test_own_table_round_trips(tmp_path):
    listed = sensitive_ports()
    for name in ("ports.csv", "ports.parquet"):
        path = tmp_path / name
        if name.endswith("csv"):
            listed.to_csv(path, index=False)
        else:
            listed.to_parquet(path)
        table = read_ports(path)
        assert table.attrs["read_report"]["reasons"] == {}
        pd.testing.assert_frame_equal(table, listed)


def test_own_table_with_the_bare_minimum(tmp_path):
    table, _ = read(tmp_path, "port_id;name;lat;lon;country;berth\nx;Eastport;1;2;RUS;7\n")
    assert table.loc[0, ["country", "radius_nm", "kind", "sensitive"]].tolist() == ["RU", 3.0, "port", False]
    assert table.loc[0, "berth"] == "7"


def test_bad_rows_are_counted(tmp_path):
    text = (
        "port_id,name,lat,lon\n"
        "a,A,1,2\n"
        "a,A,1,2\n"  # duplicate
        "b,B,91,2\n"  # no such latitude
        "c,C,x,2\n"  # no number
        "d,,1,2\n"  # no name
        "e,E,1\n"  # short line
    )
    table, report = read(tmp_path, text)
    assert table["port_id"].tolist() == ["a"]
    want = {"broken_line": 1, "no_coordinates": 1, "bad_coordinates": 1, "no_name": 1, "duplicate": 1}
    assert report["reasons"] == want
    assert report["rows_in"] == 6


@pytest.mark.parametrize(
    "text",
    [
        "port_id,name,lat,lon\n",
        "World Port Index Number,Main Port Name,Latitude,Longitude\n",
        "s2id,lat,lon,label,iso3\n",
        "iso3,label,latitude,longitude\n",
    ],
)
def test_header_only(tmp_path, text):
    table, report = read(tmp_path, text)
    assert len(table) == 0
    assert report["rows_in"] == 0


def test_unknown_header_names_the_columns(tmp_path):
    with pytest.raises(DialectError, match=r"ports.csv.*harbour, y, x; nearest is .*, missing "):
        read_ports(write(tmp_path, "harbour,y,x\n1,2,3\n"))
    with pytest.raises(DialectError, match="is empty"):
        read_ports(write(tmp_path, ""))
    path = tmp_path / "x.parquet"
    pd.DataFrame({"harbour": [1]}).to_parquet(path)
    with pytest.raises(DialectError, match="harbour"):
        read_ports(path)


def test_files_that_are_not_read(tmp_path):
    with pytest.raises(ReadError, match="never read"):
        read_ports(write(tmp_path, pickle.dumps({"a": 1}), "ports.pkl"))
    with pytest.raises(ReadError, match="never read"):
        read_ports(write(tmp_path, pickle.dumps({"a": 1}), "ports.csv"))
    with pytest.raises(ReadError, match=r"missing\.csv"):
        read_ports(tmp_path / "missing.csv")
    with pytest.raises(ReadError, match="cannot be read"):
        read_ports(write(tmp_path, gzip.compress(WPI.encode(), mtime=0)[:-12], "cut.csv.gz"))
    path = tmp_path / "cut.parquet"
    sensitive_ports().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ReadError, match=r"cut.parquet: not a whole Parquet file"):
        read_ports(path)
    with pytest.raises(ReadError, match="is not text"):
        read_ports(write(tmp_path, b"a,b\x00c\n"))
