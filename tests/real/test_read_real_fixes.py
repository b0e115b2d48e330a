"""Every real AIS table that is in reach, against a plain loop over its raw lines with the csv module.

The loop below knows nothing of the reader: it names the columns of each file by hand and converts value by value.
"""

import bisect
import csv
import datetime as dt
import gzip
import io
import json
import math
from collections import Counter
from dataclasses import dataclass, field

import pandas as pd
import pytest

from darkvoyage.errors import DialectError
from darkvoyage.io.fixes import read_fixes

pytestmark = pytest.mark.real


def iso(text):
    if text[2] == "/":
        return dt.datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=dt.UTC)
    bare = text.removesuffix("Z").removesuffix(" UTC").removesuffix("+00:00")
    return dt.datetime.fromisoformat(bare).replace(tzinfo=dt.UTC)


def epoch_s(text):
    return dt.datetime.fromtimestamp(int(text), dt.UTC)


def day_first(text):
    return dt.datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=dt.UTC)


def compact(text):
    return dt.datetime.strptime(text, "%Y%m%d_%H%M%S").replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Layout:
    dialect: str
    columns: str  # mmsi time lat lon sog
    time: object = iso
    delimiter: str = ","
    degrees: float = 1.0
    tenths: float = 1.0
    message: str = ""
    reasons: dict = field(default_factory=dict)


RESEARCH = Layout("gfw_research", "ssvid timestamp lat lon speed_knots")
STATIC = {"AIS.5": "static_report", "AIS.24": "static_report"}
IDENTITY = Layout("gfw_research", "ssvid timestamp lat lon speed", message="type", reasons=STATIC)
ORBCOMM = Layout("orbcomm", "MMSI PERIOD LAT_AVG LON_AVG SPEED_KNOTS")
TANKERS = Layout("ais_raw_units", "mmsi timeStamp latitude longitude speed_over_ground", degrees=600_000.0, tenths=10.0)
EXACT = {"5": "static_report", "24": "static_report"} | dict.fromkeys(
    ("6", "7", "8", "10", "12", "13", "14", "15", "16", "17", "20", "22", "23", "25", "26"), "other_message"
)
FILES = {
    "ais_baltic_semicolon/baltic_2018_04_01.csv.gz": Layout(
        "baltic", "mmsi timestamp_pretty lat long sog", day_first, ";"
    ),
    "ais_brest/nari_dynamic_sample.csv.gz": Layout("brest", "sourcemmsi t lat lon speedoverground", epoch_s),
    "ais_exactearth_csv/exactearth_2021_07_01.csv.gz": Layout(
        "exactearth", "MMSI Time Latitude Longitude SOG", compact, message="Message_ID", reasons=EXACT
    ),
    "ais_gfw_positions/position_messages.csv.gz": Layout("gfw_positions", "ssvid timestamp lat lon speed"),
    "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz": Layout(
        "marinetraffic", "MMSI TIMESTAMP_UTC LAT LON SPEED_KNOTSx10", delimiter=";", tenths=10.0
    ),
    "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz": Layout("marinecadastre", "MMSI BaseDateTime LAT LON SOG"),
    "ais_orbcomm_old_bahama/anom_datav2.csv.gz": ORBCOMM,
    "ais_orbcomm_old_bahama/obc_fishing.csv": ORBCOMM,
    "ais_orbcomm_old_bahama/obc_recreational.csv.gz": ORBCOMM,
    "ais_orbcomm_old_bahama/obc_sailing.csv.gz": ORBCOMM,
    "ais_orbcomm_old_bahama/weird_sail.csv": ORBCOMM,
    "ais_satellite_150_fleet/150402951_01dec2021_15feb2022.csv.gz": RESEARCH,
    "ais_satellite_150_fleet/150402951_a_2021_2023.csv.gz": RESEARCH,
    "ais_satellite_150_fleet/voi_150402951_2021_a.csv.gz": RESEARCH,
    "ais_satellite_150_fleet/voi_150402951_2021_b.csv.gz": RESEARCH,
    "ais_satellite_150_fleet/voi_150402951_high_implied.csv": RESEARCH,
    "ais_satellite_150_fleet/voi_150402951_na_implied.csv": RESEARCH,
    "ais_satellite_150_fleet/implausible_speed_research_messages_150_412.csv": RESEARCH,
    "ais_satellite_150_fleet/name_changes_150voi_local.csv": IDENTITY,
    "ais_satellite_150_fleet/non_gear_outside_chn.csv.gz": IDENTITY,
    "ais_satellite_150_fleet/test_outside_chn.csv.gz": IDENTITY,
    "ais_satellite_2012_scored/raw_10k_points.csv.gz": Layout(
        "epoch_positions", "mmsi timestamp latitude longitude sog", epoch_s
    ),
    **{f"ais_tankers_singapore/imo_{imo}.csv.gz": TANKERS for imo in (9116943, 9327138, 9343340, 9417464, 9664225)},
}


def number(text, divisor):
    try:
        value = float(text) / divisor
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def plain_loop(path, layout):
    """Return what the file says: rows in, reasons, and how often each deliverable row occurs."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=layout.delimiter)
    header = next(lines)
    place = [header.index(name) for name in layout.columns.split()]
    rows, reasons, n_in = Counter(), Counter(), 0
    for cells in lines:
        n_in += 1
        assert len(cells) == len(header)
        if layout.message and cells[header.index(layout.message)] in layout.reasons:
            reasons[layout.reasons[cells[header.index(layout.message)]]] += 1
            continue
        mmsi, time, lat, lon, sog = (cells[i] for i in place)
        lat, lon = number(lat, layout.degrees), number(lon, layout.degrees)
        sog = number(sog, layout.tenths)
        if lat == 91.0 or lon == 181.0:
            lat = lon = None
        if sog is not None and (sog >= 102.3 - 1e-4 or (layout.dialect == "exactearth" and sog == 63)):
            sog = None
        rows[int(mmsi), layout.time(time), lat, lon, sog] += 1
    return n_in, dict(reasons), rows


def delivered(fixes):
    columns = [
        fixes["mmsi"].tolist(),
        [time.to_pydatetime() for time in fixes["timestamp"]],
        *([None if math.isnan(value) else value for value in fixes[name]] for name in ("lat", "lon", "sog")),
    ]
    return Counter(zip(*columns, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_each_row_of_each_file(real_data, name):
    path, layout = real_data / name, FILES[name]
    n_in, reasons, rows = plain_loop(path, layout)
    fixes = read_fixes(path)
    report = fixes.attrs["read_report"]
    assert report["dialect"] == layout.dialect
    assert report["rows_in"] == n_in > 0
    assert report["reasons"] == reasons
    assert report["rows_out"] == len(fixes) == n_in - sum(reasons.values())
    assert delivered(fixes) == rows


def raw_column(path, name, delimiter=","):
    lines = csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8-sig")), delimiter=delimiter)
    place = next(lines).index(name)
    return [cells[place] for cells in lines]


def test_new_york_repairs_are_those_of_the_raw_lines(real_data):
    path = real_data / "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz"
    fixes = read_fixes(path)
    repairs = fixes.attrs["read_report"]["repairs"]
    courses = [float(text) for text in raw_column(path, "COG")]
    assert repairs["cog_wrapped"] == sum(course < 0 for course in courses) == 4463
    assert repairs["cog_not_available"] == courses.count(-49.6) == 777
    assert repairs["heading_not_available"] == raw_column(path, "Heading").count("511.0") == 3606
    assert repairs["imo_not_available"] == raw_column(path, "IMO").count("IMO0000000") == 664
    assert fixes["imo"].notna().sum() == sum(text not in ("", "IMO0000000") for text in raw_column(path, "IMO"))
    assert fixes["ais_class"].value_counts().to_dict() == dict(Counter(raw_column(path, "TranscieverClass")))


def test_new_york_courses_point_where_the_bow_points(real_data):
    # A ship under way heads where she goes: that tells the overflow of 409.6 from a turn of 360.
    fixes = read_fixes(real_data / "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz")
    west = fixes[(fixes["sog"] > 5) & (fixes["cog"] >= 204.8) & fixes["heading"].notna()]
    off = sorted(
        abs((course - bow + 180) % 360 - 180) for course, bow in zip(west["cog"], west["heading"], strict=True)
    )
    assert len(off) == 284
    assert off[len(off) // 2] < 5
    assert bisect.bisect(off, 30) > 0.9 * len(off)


def test_gibraltar_repairs_are_those_of_the_raw_lines(real_data):
    path = real_data / "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz"
    fixes = read_fixes(path)
    repairs = fixes.attrs["read_report"]["repairs"]
    assert repairs["draught_m_null_text"] == raw_column(path, "DRAUGHT_METERSx10", ";").count("NULL")
    assert repairs["heading_not_available"] == raw_column(path, "HEADING", ";").count("511")
    assert repairs["nav_status_no_code"] == sum(int(text) > 15 for text in raw_column(path, "STATUS", ";"))
    tankers = sum("Tanker" in text for text in raw_column(path, "VESSEL_TYPE", ";"))
    assert (fixes["ship_type"] == 80).sum() == tankers
    assert fixes["DWT"].notna().sum() == 13380


def test_three_date_styles_of_one_fleet_in_one_list(real_data):
    names = ["150402951_01dec2021_15feb2022.csv.gz", "150402951_a_2021_2023.csv.gz", "voi_150402951_2021_a.csv.gz"]
    fixes = read_fixes([real_data / "ais_satellite_150_fleet" / name for name in names])
    # The extracts overlap by message, one of them cut to the minute: the same message is never hours apart.
    spread = fixes.groupby("msgid")["timestamp"].agg(["size", "min", "max"])
    assert (spread["size"] > 1).sum() > 5000
    assert (spread["max"] - spread["min"]).max() < pd.Timedelta(minutes=1)


def test_parquet_of_the_kattegat(real_data):
    path = real_data / "ais_kattegat_parquet/kattegat_2025_11_1min.parquet"
    fixes = read_fixes(path)
    raw = pd.read_parquet(path)
    report = fixes.attrs["read_report"]
    assert (report["dialect"], report["rows_in"], report["reasons"]) == ("dma_resampled", 32749, {})
    assert len(fixes) == len(raw) == 32749
    assert fixes["mmsi"].nunique() == 229
    assert fixes["sog"].sum() == pytest.approx(raw["SOG"].sum() * 3600 / 1852)
    key = raw.assign(mmsi=raw["MMSI"].astype("int64"), timestamp=raw["Timestamp"].dt.tz_localize("UTC"))
    both = fixes.merge(key, on=["mmsi", "timestamp"])
    assert len(both) == 32749
    size = (both["COG_sin_y"] ** 2 + both["COG_cos_y"] ** 2) ** 0.5
    assert (
        max(
            abs(math.sin(math.radians(c)) - s / r) for c, s, r in zip(both["cog"], both["COG_sin_y"], size, strict=True)
        )
        < 1e-9
    )


def test_geopackage_of_boston(real_data):
    path = real_data / "ais_gpkg/boston_2014_01_01.gpkg"
    import sqlite3

    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as base:
        (table,) = base.execute("select table_name from gpkg_contents").fetchone()
        raw = base.execute(f"select mmsi, basedatetime, sog from {table}").fetchall()  # table name from the file
    fixes = read_fixes(path)
    assert fixes.attrs["read_report"]["reasons"] == {}
    assert len(raw) == len(fixes) == 972
    found = Counter(zip(fixes["mmsi"], [t.to_pydatetime() for t in fixes["timestamp"]], fixes["sog"], strict=True))
    assert found == Counter((mmsi, iso(time), sog) for mmsi, time, sog in raw)
    assert fixes["lat"].between(42, 43).all()
    assert fixes["lon"].between(-72, -70).all()


def test_json_of_marinetraffic_and_of_the_segmenter(real_data):
    path = real_data / "ais_marinetraffic_style/ship_positions.json.gz"
    raw = json.loads(gzip.decompress(path.read_bytes()))
    fixes = read_fixes(path)
    assert fixes.attrs["read_report"]["dialect"] == "marinetraffic_api"
    assert delivered(fixes) == Counter(
        (r["mmsi"], epoch_s(r["timestamp"]), r["lat"], r["lon"], r["speed"] / 10) for r in raw
    )
    for name, rows in (("263576000", 948), ("338013000", 1253), ("416000000", 1668)):
        assert len(read_fixes(real_data / f"ais_gpsdio_jsonl/{name}.jsonl.gz")) == rows


def test_what_is_no_table_of_fixes_is_refused_by_name(real_data):
    for name, lacking in [
        ("ais_satellite_150_fleet/150_vessels_identity.csv", "timestamp"),
        ("ais_satellite_150_fleet/daily_identity.csv.gz", "timestamp"),
        ("ais_baltic_semicolon/gdynia_2019_03_14_bits_hex.txt.gz", "timestamp"),
        ("ais_satellite_150_fleet/150_voi_names_frequency.csv", "timestamp"),
    ]:
        with pytest.raises(DialectError, match=f"is of no known dialect.*which lacks .*{lacking}"):
            read_fixes(real_data / name)
    with pytest.raises(DialectError, match="static reports without positions"):
        read_fixes(real_data / "ais_brest/nari_static_sample.csv.gz")


# What the READMEs say of each set: rows and vessels.
VESSELS = {
    "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz": (8689, 295),
    "ais_orbcomm_old_bahama/anom_datav2.csv.gz": (6099, 133),
    "ais_orbcomm_old_bahama/obc_recreational.csv.gz": (6921, 367),
    "ais_orbcomm_old_bahama/obc_sailing.csv.gz": (1872, 61),
    "ais_tankers_singapore/imo_9327138.csv.gz": (39254, 1),
    "ais_tankers_singapore/imo_9417464.csv.gz": (13263, 1),
    "ais_tankers_singapore/imo_9343340.csv.gz": (8793, 1),
    "ais_tankers_singapore/imo_9116943.csv.gz": (3135, 1),
    "ais_tankers_singapore/imo_9664225.csv.gz": (1939, 1),
    "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz": (19999, 524),
    "ais_marinetraffic_style/ship_positions.json.gz": (2696, 3),
    "ais_baltic_semicolon/baltic_2018_04_01.csv.gz": (12654, 249),
    "ais_brest/nari_dynamic_sample.csv.gz": (4225, 18),
    "ais_satellite_2012_scored/raw_10k_points.csv.gz": (10000, 4),
    "ais_gfw_positions/position_messages.csv.gz": (18813, 2),
    "ais_kattegat_parquet/kattegat_2025_11_1min.parquet": (32749, 229),
    "ais_gpsdio_jsonl/338013000.jsonl.gz": (1253, 1),
}


@pytest.mark.parametrize("name", VESSELS)
def test_rows_and_vessels_as_described(real_data, name):
    fixes = read_fixes(real_data / name)
    assert (len(fixes), fixes["mmsi"].nunique()) == VESSELS[name]


def test_sentinels_and_duplicates_as_described(real_data):
    fixes = read_fixes(real_data / "ais_satellite_2012_scored/raw_10k_points.csv.gz")
    assert fixes.attrs["read_report"]["repairs"]["position_not_available"] == 720
    assert fixes.attrs["read_report"]["repairs"]["sog_not_available"] == 720
    fixes = read_fixes(real_data / "ais_gfw_positions/position_messages.csv.gz")
    assert fixes.duplicated().sum() == 88
    fixes = read_fixes(real_data / "ais_orbcomm_old_bahama/obc_recreational.csv.gz")
    assert (fixes["sog"] == 102.2).sum() == 80
    for imo in (9116943, 9327138, 9343340, 9417464, 9664225):
        path = real_data / f"ais_tankers_singapore/imo_{imo}.csv.gz"
        repairs = read_fixes(path).attrs["read_report"]["repairs"]
        for column, sentinel, name in (
            ("true_heading", "511", "heading"),
            ("course_over_ground", "3600", "cog"),
            ("speed_over_ground", "1023", "sog"),
        ):
            assert repairs.get(f"{name}_not_available", 0) == raw_column(path, column).count(sentinel), (imo, name)
