"""A store of each real AIS set beside `read_fixes` of it: the same rows, columns and values."""

import pandas as pd
import pyarrow as pa
import pytest

import darkvoyage as dv
from darkvoyage.schema.tables import FIXES

pytestmark = pytest.mark.real

SETS = [
    "ais_baltic_semicolon/baltic_2018_04_01.csv.gz",
    "ais_brest/nari_dynamic_sample.csv.gz",
    "ais_exactearth_csv/exactearth_2021_07_01.csv.gz",
    "ais_gfw_positions/position_messages.csv.gz",
    "ais_gpkg/boston_2014_01_01.gpkg",
    "ais_gpsdio_jsonl/263576000.jsonl.gz",
    "ais_kattegat_parquet/kattegat_2025_11_1min.parquet",
    "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz",
    "ais_marinetraffic_style/ship_positions.json.gz",
    "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz",
    "ais_orbcomm_old_bahama/anom_datav2.csv.gz",
    "ais_orbcomm_old_bahama/obc_recreational.csv.gz",
    "ais_satellite_150_fleet/non_gear_outside_chn.csv.gz",
    "ais_tankers_singapore/imo_9327138.csv.gz",
]


def check(sources, store):
    wanted = dv.read_fixes(sources)
    columns = [name for name in FIXES.names if name in wanted.columns]
    pd.testing.assert_frame_equal(store.read(), wanted[columns])
    report, told = store.report, wanted.attrs["read_report"]
    for name in ("rows_in", "rows_out", "reasons", "repairs", "sources"):
        assert report[name] == told[name], name
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert set(report["left_out_columns"]) == {*told["kept_columns"], *told["left_out_columns"]}
    chunks = pa.concat_tables(store.chunks(rows=1000))
    keys = ["mmsi", "timestamp", "lat", "lon"]
    frame = chunks.select(keys).to_pandas().sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(frame, wanted[keys].sort_values(keys, ignore_index=True))
    return wanted


@pytest.mark.parametrize("name", SETS)
def test_a_store_of_each_set(real_data, tmp_path, name):
    fixes = check(real_data / name, dv.build_store(real_data / name, tmp_path / "store"))
    ship = int(fixes["mmsi"].mode()[0])
    read = dv.open_store(tmp_path / "store").read(mmsi=ship)
    assert len(read) == (fixes["mmsi"] == ship).sum() > 0


def test_positions_and_static_reports_of_brest(real_data, tmp_path):
    sources = [real_data / "ais_brest" / f"nari_{kind}_sample.csv.gz" for kind in ("dynamic", "static")]
    fixes = check(sources, dv.build_store(sources, tmp_path / "store"))
    assert fixes["name"].notna().sum() > 1000


def test_several_sets_in_one_store(real_data, tmp_path):
    sources = [real_data / name for name in (SETS[2], SETS[6], SETS[7], SETS[9])]
    for source in sources:
        store = dv.build_store(source, tmp_path / "store")
    wanted = check(sources, store)
    pd.testing.assert_frame_equal(dv.find_gaps(store), dv.find_gaps(wanted))
