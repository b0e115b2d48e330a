"""Real feeds with ids in place of MMSI, in JSON, or with static reports apart, against their raw lines."""

import bisect
import bz2
import csv
import datetime as dt
import gzip
import io
import json
from collections import Counter

import pandas as pd
import pytest

from darkvoyage.errors import DialectError
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.stream import FixStream
from darkvoyage.schema.ais import STAND_IN_BASE

pytestmark = pytest.mark.real

OPENERS = {".gz": gzip.open, ".bz2": bz2.open}


def rows_of(path, delimiter=",", names=None):
    with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8-sig") as file:
        return list(csv.DictReader(io.StringIO(file.read()), fieldnames=names, delimiter=delimiter))


def report_of(fixes):
    report = fixes.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(fixes)
    return report


def at(form):
    return lambda text: dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)


def epoch(text):
    return dt.datetime.fromtimestamp(int(text), dt.UTC)


def clock(text):
    return at("%Y-%m-%d %H:%M:%S")(f"1970-01-01 {text}")


AEGEAN = {"names": ["column_1", "lon", "lat", "column_4"], "delimiter": " "}
CHESAPEAKE = ("VID SEQUENCE_DTTM LAT LON SPEED_OVER_GROUND", clock, {})
# (file, options, (id time lat lon speed, how times are written, how the file is), rows, vessels)
ANONYMOUS = [
    ("ais_suez_2021/suez_2021_03_20_24.csv.gz", {},
     ("ID ais_pos_timestamp latitude longitude", at("%d/%m/%Y %H:%M"), {}), 22287, 256),
    ("ais_track_association/set1.csv.gz", {"dialect": "track_association"}, CHESAPEAKE, 13714, 20),
    ("ais_track_association/set2.csv.gz", {"dialect": "track_association"}, CHESAPEAKE, 3323, 8),
    ("ais_track_association/set2noVID.csv.gz", {"dialect": "track_association"}, CHESAPEAKE, 3323, 1),
    ("ais_aegean_annotated/vessel_1_id.txt.gz", {"dialect": "aegean"},
     ("column_1 column_4 lat lon", epoch, AEGEAN), 9427, 1),
    ("ais_aegean_annotated/vessel_2_id.txt", {"dialect": "aegean"},
     ("column_1 column_4 lat lon", epoch, AEGEAN), 3219, 1),
    ("ais_aegean_annotated/vessel_1_id_annotated.txt.gz", {}, ("id t lat lon", epoch, {"delimiter": " "}), 9427, 1),
    ("ais_aegean_annotated/vessel_2_id_annotated.txt", {}, ("id t lat lon", epoch, {"delimiter": " "}), 966, 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "layout", "rows", "vessels"), ANONYMOUS, ids=[a[0] for a in ANONYMOUS])
def test_ids_in_place_of_mmsi(real_data, name, options, layout, rows, vessels):
    (columns, time, how), path = layout, real_data / name
    fixes = read_fixes(path, synthetic_ids=True, **options)
    report = report_of(fixes)
    assert (report["rows_in"], report["reasons"], report["ids"]) == (rows, {}, vessels)
    assert fixes["mmsi"].nunique() == vessels
    assert fixes["mmsi"].between(STAND_IN_BASE, 2**53).all()
    identity, when, lat, lon, *speed = columns.split()
    wanted = Counter(
        (row[identity], time(row[when]), float(row[lat]), float(row[lon]), *(float(row[s]) / 10 for s in speed))
        for row in rows_of(path, **how)
    )
    found = [fixes[identity].astype("str"), [t.to_pydatetime() for t in fixes["timestamp"]], fixes["lat"], fixes["lon"]]
    assert Counter(zip(*found, *(fixes["sog"] for _ in speed), strict=True)) == wanted
    with pytest.raises(DialectError, match="synthetic_ids=True"):
        read_fixes(path, **options)


def test_suez_duplicates_and_its_clock(real_data):
    fixes = read_fixes(real_data / ANONYMOUS[0][0], synthetic_ids=True)
    assert fixes.duplicated(["ID", "timestamp", "lat", "lon"]).sum() == 213
    assert fixes.duplicated(["ID", "timestamp"]).sum() == 455
    # Ever Given grounded at 07:40 local time (UTC+2) on 23 March and lay there until after the data end.
    there = fixes[fixes["lat"].between(30.012, 30.022) & fixes["lon"].between(32.575, 32.586)]
    aground = there.groupby("ID")["timestamp"].agg(["min", "size"]).sort_values("size").iloc[-1]
    assert aground["size"] > 200
    assert abs(aground["min"] - pd.Timestamp("2021-03-23T05:40:00Z")) < pd.Timedelta(minutes=10)


def test_the_same_ids_in_two_sets_are_the_same_vessel(real_data):
    folder = real_data / "ais_aegean_annotated"
    plain = read_fixes(folder / "vessel_2_id.txt", dialect="aegean", synthetic_ids=True)
    annotated = read_fixes(folder / "vessel_2_id_annotated.txt", synthetic_ids=True)
    assert set(plain["mmsi"]) == set(annotated["mmsi"])
    key = ["mmsi", "timestamp", "lat", "lon"]
    assert len(annotated.merge(plain[key].drop_duplicates(), on=key)) == len(annotated) == 966


def test_digitraffic_positions_have_their_own_time(real_data):
    path = real_data / "ais_digitraffic/vessel_locations.json.gz"
    raw = json.loads(gzip.decompress(path.read_bytes()))
    fixes = read_fixes(path)
    report = report_of(fixes)
    assert (report["dialect"], report["rows_in"], report["reasons"]) == ("digitraffic", 1138, {})
    assert fixes["mmsi"].nunique() == 1138
    assert fixes["timestamp"].min().year == 2018
    assert fixes["timestamp"].max().strftime("%Y-%m") == "2025-03"
    wanted = Counter(
        (r["mmsi"], r["properties"]["timestampExternal"], *r["geometry"]["coordinates"], r["properties"]["navStat"])
        for r in raw
    )
    stamps = fixes["timestamp"].astype("int64") // 1000
    assert Counter(zip(fixes["mmsi"], stamps, fixes["lon"], fixes["lat"], fixes["nav_status"], strict=True)) == wanted
    values = [r["properties"] for r in raw]
    assert report["repairs"] == {
        "cog_not_available": sum(v["cog"] == 360 for v in values),
        "heading_not_available": sum(v["heading"] == 511 for v in values),
        "sog_not_available": sum(v["sog"] >= 102.3 for v in values),
    }


def test_a_snapshot_gets_the_time_of_its_collection_by_name_only(real_data):
    path = real_data / "ais_digitraffic/baltic_snapshot_2025_12_12.json.gz"
    with pytest.raises(DialectError, match="carry no time of their own"):
        read_fixes(path)
    fixes = read_fixes(path, dialect="baltic_snapshot")
    raw = json.loads(gzip.decompress(path.read_bytes()))["vessels"]
    assert report_of(fixes)["rows_in"] == len(fixes) == len(raw) == fixes["mmsi"].nunique() == 7762
    assert set(fixes["timestamp"]) == {pd.Timestamp("2025-12-12T12:31:24.532392Z")}
    assert Counter(zip(fixes["mmsi"], fixes["lon"], fixes["lat"], strict=True)) == Counter(
        (r["mmsi"], r["lon"], r["lat"]) for r in raw
    )
    assert (fixes["ship_type"] == 80).sum() == sum(r["ship_type"] == 80 for r in raw)


def test_payload_of_the_marinetraffic_toolbox(real_data):
    path = real_data / "ais_marinetraffic_style/mt_toolbox_sample.csv.bz2"
    fixes = read_fixes(path)
    raw = rows_of(path)
    assert (report_of(fixes)["rows_in"], report_of(fixes)["reasons"]) == (3000, {"static_report": 3})
    wanted = Counter()
    for row in raw:
        if row["data_type"] == "1":
            lon, lat, *_ = row["data"].split(";")
            wanted[int(row["mmsi"]), int(row["t"]), float(lon), float(lat)] += 1
    stamps = fixes["timestamp"].astype("int64") // 1000
    assert Counter(zip(fixes["mmsi"], stamps, fixes["lon"], fixes["lat"], strict=True)) == wanted
    # `;30;14;8;4;2;...` precedes every position: type 30, 14 + 8 m long, 4 + 2 m wide, draught 0.
    assert (set(fixes["ship_type"]), set(fixes["length_m"]), set(fixes["beam_m"])) == ({30}, {22.0}, {6.0})
    assert fixes["draught_m"].isna().all()


# --- static reports apart from the positions


def last_said(reports, mmsi, time):
    """The value of the last (time, value) at or before a time; of equal times the largest value."""
    said = reports.get(mmsi, [])
    place = bisect.bisect_right([when for when, _ in said], time)
    return said[place - 1][1] if place else None


def said_by_ship(rows, field, ship, time, value=str):
    out = {}
    for row in rows:
        text = row[field].strip()
        if text and text not in ("0", "NA"):
            out.setdefault(int(row[ship]), []).append((time(row), value(text)))
    return {mmsi: sorted(said) for mmsi, said in out.items()}


def test_static_file_of_brest_joined_as_of_time(real_data):
    dynamic, static = (real_data / f"ais_brest/nari_{kind}_sample.csv.gz" for kind in ("dynamic", "static"))
    fixes = read_fixes([dynamic, static])
    raw = gzip.decompress(static.read_bytes()).decode().splitlines()[1:]
    quoted = sum(line.startswith('"') for line in raw)  # whole lines quoted, with quotes inside: one field of fourteen
    report = report_of(fixes)
    assert report["dialect"] == ["brest", "brest_static"]
    assert report["reasons"] == {"static_report": len(raw) - quoted, "broken_line": quoted}
    assert (len(fixes), fixes["mmsi"].nunique()) == (4225, 18)
    rows = [
        row
        for row in rows_of(static)
        if row["t"] and not row["sourcemmsi"].startswith('"') and "," not in row["sourcemmsi"]
    ]
    assert len(rows) == len(raw) - quoted
    seconds = fixes["timestamp"].astype("int64") // 1_000_000
    for field, column, value in (("shipname", "name", str), ("draught", "draught_m", float), ("imonumber", "imo", int)):
        said = said_by_ship(rows, field, "sourcemmsi", lambda row: int(row["t"]), value)
        wanted = [last_said(said, mmsi, second) for mmsi, second in zip(fixes["mmsi"], seconds, strict=True)]
        found = [None if pd.isna(v) else v for v in fixes[column]]
        assert found == wanted
        assert any(v is not None for v in wanted)
    known = fixes["draught_m"].notna()
    assert (fixes["draught_timestamp"].notna() == known).all()
    assert (fixes.loc[known, "draught_timestamp"] <= fixes.loc[known, "timestamp"]).all()


def test_static_rows_of_exactearth(real_data):
    path = real_data / "ais_exactearth_csv/exactearth_2021_07_01.csv.gz"
    raw = rows_of(path)
    fixes = read_fixes(path)
    kinds = Counter(row["Message_ID"] for row in raw)
    assert (len(raw), len({row["MMSI"] for row in raw})) == (1614, 1529)
    assert report_of(fixes)["reasons"]["static_report"] == kinds["5"] + kinds["24"] == 37
    named = [row for row in raw if row["Message_ID"] in ("5", "24", "19")]
    said = said_by_ship(named, "Vessel_Name", "MMSI", lambda row: at("%Y%m%d_%H%M%S")(row["Time"]))
    wanted = [last_said(said, mmsi, t) for mmsi, t in zip(fixes["mmsi"], fixes["timestamp"], strict=True)]
    assert [None if pd.isna(name) else name for name in fixes["name"]] == wanted
    assert sum(name is not None for name in wanted) > kinds["19"] == 32
    draughts = {int(row["MMSI"]): float(row["Draught"]) / 10 for row in raw if row["Draught"] not in ("", "0", "None")}
    found = fixes[fixes["draught_m"].notna()]
    assert len(found) == 2
    assert list(found["draught_m"]) == [draughts[mmsi] for mmsi in found["mmsi"]]


def test_identity_messages_of_research_feeds(real_data):
    path = real_data / "ais_satellite_150_fleet/non_gear_outside_chn.csv.gz"
    raw = rows_of(path)
    fixes = read_fixes(path)
    kinds = Counter(row["type"] for row in raw)
    assert len(raw) == 36680
    assert report_of(fixes)["reasons"] == {"static_report": kinds["AIS.5"] + kinds["AIS.24"]}
    # All carry a name of their own or none was heard; a join may only fill what was empty.
    own = sum(row["type"] not in ("AIS.5", "AIS.24") and row["shipname"].strip(" @") not in ("", "NA") for row in raw)
    assert fixes["name"].notna().sum() >= own > 0


def test_a_stream_delivers_the_rows_of_the_exact_join(real_data):
    path = real_data / "peer_tracks/gpsdio_segment_regr_tracks.csv.gz"
    exact = read_fixes(path)
    assert report_of(exact)["rows_out"] == 72678
    assert exact["mmsi"].nunique() == 56
    assert sum(len(part) for part in FixStream(path)) == 72678
