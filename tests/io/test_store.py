"""`build_store` and `open_store` from files, beside `read_fixes` of the same files."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import darkvoyage as dv
from darkvoyage.errors import DarkvoyageError, ReadError, RuleError
from darkvoyage.io.store_manifest import writing
from darkvoyage.schema.tables import FIXES
from tests.worlds import moored_fleet, one_gap, ports


def fleet(day=1, ships=6, seed=0):
    """One day of a small fleet: in order of time, with repeats, missing positions and values that change."""
    rng = np.random.default_rng([day, seed])
    rows = 80 * ships
    who = rng.integers(0, ships, rows)
    table = pd.DataFrame(
        {
            "MMSI": 257_000_001 + who,
            "BaseDateTime": pd.Timestamp(2024, 3, day) + pd.to_timedelta(np.sort(rng.integers(0, 86_400, rows)), "s"),
            "LAT": np.where(rng.random(rows) < 0.05, 91.0, np.round(60 + rng.random(rows), 5)),
            "LON": np.round(5 + rng.random(rows), 5),
            "SOG": np.round(rng.uniform(0, 15, rows), 1),
            "COG": np.round(rng.uniform(0, 359, rows), 1),
            "Heading": np.where(rng.random(rows) < 0.5, 511, rng.integers(0, 360, rows)),
            "VesselName": np.where(who == 2, "", "EXAMPLE " + pd.Series(who).astype(str)),
            "IMO": "IMO" + pd.Series(9_000_000 + who).astype(str),
            "CallSign": "EX",
            "VesselType": 80,
            "Status": rng.integers(0, 16, rows),
            "Length": 100 + who,
            "Width": 20,
            "Draft": 5.0 + (np.arange(rows) > rows // 2),
            "Cargo": 80,
            "TransceiverClass": np.where(who % 2 == 0, "A", "B"),
        }
    )
    return pd.concat([table, table.iloc[::17]]).sort_values("BaseDateTime", kind="stable")


@pytest.fixture
def days(tmp_path):
    """Three days, the last by another provider that tells less."""
    folder = tmp_path / "days"
    folder.mkdir()
    for day in (1, 2):
        fleet(day).to_csv(folder / f"AIS_2024_03_0{day}.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    other = fleet(3).rename(columns={"MMSI": "mmsi", "BaseDateTime": "timestamp", "LAT": "lat", "LON": "lon"})
    other["timestamp"] = other["timestamp"].dt.tz_localize("UTC")
    other[["mmsi", "timestamp", "lat", "lon"]].to_parquet(folder / "other.parquet", index=False)
    return folder


def fixes_only(table):
    return table[[name for name in FIXES.names if name in table.columns]]


def same(store, sources, **options):
    wanted = fixes_only(dv.read_fixes(sources, **options))
    pd.testing.assert_frame_equal(store.read(), wanted)
    assert len(store) == store.rows == len(wanted) > 0
    return wanted


def contents(folder):
    """Every file of a store but the manifest and the lock: when written, and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*.parquet")
    }


def test_a_store_reads_as_its_files(days, tmp_path):
    store = dv.build_store(days, tmp_path / "store")
    wanted = same(store, days)
    same(dv.open_store(tmp_path / "store"), days)
    assert store.columns == list(wanted.columns)
    assert store.path == tmp_path / "store"


def test_the_report_is_that_of_the_files_and_names_what_is_not_stored(days, tmp_path):
    (days / "AIS_2024_03_04.csv").write_text(
        (days / "AIS_2024_03_01.csv").read_text().splitlines()[0]
        + "\n257000001,not a time,60,5,1,1,1,,,,,,,,,,A\n257000001,2024-03-04T00:00:00,60,5,1,1,1,,,,,,,,,,A\n"
    )
    (days / "readme.md").write_text("nothing to read")
    report = dv.build_store(days, tmp_path / "store").report
    wanted = dv.read_fixes(days).attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["reasons"] == {"bad_time": 1}
    for name in ("rows_in", "rows_out", "reasons", "repairs", "examples", "dialect", "sources", "skipped"):
        assert report[name] == wanted[name], name
    assert report["kept_columns"] == []
    assert set(report["left_out_columns"]) == set(wanted["kept_columns"]) == {"Cargo"}
    assert json.loads(json.dumps(report)) == report


def test_one_vessel_and_one_period(days, tmp_path):
    store = dv.build_store(days, tmp_path / "store")
    everything = store.read()
    some = store.read(mmsi=[257_000_003, 257_000_001, 999])
    pd.testing.assert_frame_equal(
        some, everything[everything["mmsi"].isin([257_000_001, 257_000_003])].reset_index(drop=True)
    )
    since, until = "2024-03-01T18:00:00Z", "2024-03-02T06:00:00+00:00"
    inside = (everything["timestamp"] >= since) & (everything["timestamp"] < until)
    assert 0 < inside.sum() < len(everything)
    pd.testing.assert_frame_equal(store.read(since=since, until=until), everything[inside].reset_index(drop=True))
    both = store.read(mmsi=257_000_002, since=since, columns=["sog", "name"])
    kept = everything[(everything["mmsi"] == 257_000_002) & (everything["timestamp"] >= since)]
    pd.testing.assert_frame_equal(both, kept[["mmsi", "timestamp", "lat", "lon", "sog", "name"]].reset_index(drop=True))
    assert len(store.read(mmsi=123_456_789)) == 0
    assert list(store.read(mmsi=[]).columns) == store.columns


def test_the_edges_of_a_period(tmp_path):
    path = tmp_path / "fixes.csv"
    path.write_text(
        "mmsi,timestamp,lat,lon\n" + "".join(f"257000001,2024-03-01T0{hour}:00:00Z,60,5\n" for hour in range(5))
    )
    store = dv.build_store(path, tmp_path / "store")
    read = store.read(since="2024-03-01T01:00:00Z", until="2024-03-01T03:00:00Z")
    assert read["timestamp"].dt.hour.tolist() == [1, 2]


def test_the_index_of_vessels(days, tmp_path):
    store = dv.build_store(days, tmp_path / "store")
    wanted = dv.read_fixes(days).groupby("mmsi")["timestamp"].agg(fixes="size", first="min", last="max").reset_index()
    pd.testing.assert_frame_equal(store.vessels(), wanted)


def test_chunks_are_all_fixes_once(days, tmp_path):
    store = dv.build_store(days, tmp_path / "store")
    chunks = list(store.chunks(rows=300))
    assert len(chunks) > 2
    names = [set(chunk["mmsi"].unique().to_pylist()) for chunk in chunks]
    assert sum(map(len, names)) == len(set.union(*names)) == 6
    together = pa.concat_tables(chunks)
    assert together.column_names == store.columns
    frame = together.select(["mmsi", "timestamp", "lat"]).to_pandas()
    pd.testing.assert_frame_equal(
        frame.sort_values(["mmsi", "timestamp", "lat"], ignore_index=True), store.read()[["mmsi", "timestamp", "lat"]]
    )
    assert next(store.chunks(columns=["cog"])).column_names == ["mmsi", "timestamp", "lat", "lon", "cog"]


def test_static_reports_reach_positions_of_other_files_and_later_ones(tmp_path):
    header = "MMSI,Message_ID,Time,Millisecond,Latitude,Longitude,SOG,Vessel_Name,IMO,Draught,Destination\n"
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    first.write_text(
        header
        + "257000001,5,20240301_000500,0,None,None,None,ALPHA,9000001,75,OSLO\n"
        + "257000001,1,20240301_001000,0,60.0,5.0,3.0,None,None,None,None\n"
        + "257000001,5,20240301_003000,0,None,None,None,ALPHA,9000001,85,BERGEN\n"
    )
    second.write_text(
        header
        + "257000001,1,20240301_000000,0,60.0,5.0,3.0,None,None,None,None\n"
        + "257000001,1,20240301_004000,0,60.0,5.0,3.0,None,None,None,None\n"
        + "257000002,1,20240301_004000,0,61.0,5.0,3.0,None,None,None,None\n"
    )
    store = dv.build_store(second, tmp_path / "store")
    store = dv.build_store(first, tmp_path / "store")
    wanted = same(store, [first, second])
    assert wanted["draught_m"].fillna(0).tolist() == [0, 7.5, 8.5, 0]
    late = store.read(since="2024-03-01T00:35:00Z")
    assert late["destination"].fillna("").tolist() == ["BERGEN", ""]
    assert late["draught_timestamp"].tolist() == [pd.Timestamp("2024-03-01T00:30Z"), pd.NaT]
    stamps = store.read(mmsi=257_000_001, columns=["draught_timestamp"])["draught_timestamp"]
    pd.testing.assert_series_equal(stamps, wanted["draught_timestamp"].iloc[:3])
    chunked = pa.concat_tables(store.chunks(rows=1)).sort_by([("mmsi", "ascending"), ("timestamp", "ascending")])
    assert chunked["destination"].to_pylist() == [None, "OSLO", "BERGEN", None]


def test_static_reports_alone_wait_for_positions(tmp_path):
    static = tmp_path / "1.csv"
    static.write_text(
        "MMSI,Message_ID,Time,Millisecond,Latitude,Longitude,SOG,Vessel_Name,IMO,Draught\n"
        "257000001,5,20240301_000500,0,None,None,None,ALPHA,9000001,75\n"
    )
    store = dv.build_store(static, tmp_path / "store")
    assert len(store) == len(store.read()) == 0
    assert store.report["reasons"] == {"static_report": 1}
    later = tmp_path / "2.csv"
    later.write_text("mmsi,timestamp,lat,lon\n257000001,2024-03-01T00:10:00Z,60,5\n")
    assert same(dv.build_store(later, tmp_path / "store"), [static, later])["name"].tolist() == ["ALPHA"]


def test_an_archive_of_many_members_in_little_memory(days, tmp_path, monkeypatch):
    archive = tmp_path / "month.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(days.glob("*.csv")):
            file.write(path, path.name)
    monkeypatch.setattr("darkvoyage.io.store._LEAST_BYTES", 0)
    monkeypatch.setattr("darkvoyage.io.store._READING_BYTES", 0)
    store = dv.build_store(archive, tmp_path / "store", memory_limit="10kB")
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 2
    same(store, archive)


def test_file_objects_and_options(tmp_path):
    table = pd.DataFrame({"ship": ["a", "b"], "timestamp": ["2024-03-01T00:00:00Z"] * 2, "lat": 60.0, "lon": 5.0})
    path = tmp_path / "ids.csv"
    table.to_csv(path, index=False)
    options = {"column_map": {"mmsi": "ship"}, "synthetic_ids": True}
    with path.open("rb") as stream:
        store = dv.build_store(stream, tmp_path / "store", **options)
    same(store, path, **options)
    assert store.report["ids"] == 2
    with path.open("rb") as stream:
        assert len(dv.build_store(stream, tmp_path / "store", **options)) == 2


# Adding and skipping


def test_a_source_comes_in_once(days, tmp_path):
    dv.build_store(days, tmp_path / "store")
    before = contents(tmp_path / "store")
    again = dv.build_store(days, tmp_path / "store")
    copy = tmp_path / "copy of the first.csv"
    copy.write_bytes((days / "AIS_2024_03_01.csv").read_bytes())
    again = dv.build_store(copy, tmp_path / "store")
    again = dv.build_store(copy, tmp_path / "store")
    assert contents(tmp_path / "store") == before
    same(again, days)
    assert [note for note in again.report["skipped"] if "copy" in note] == [
        f"{copy}: the same content as {(days / 'AIS_2024_03_01.csv').resolve()}"
    ]


def test_what_is_known_only_after_reading_makes_room_for_the_next(days, tmp_path):
    first, second = sorted(days.glob("*.csv"))
    dv.build_store(first, tmp_path / "store")
    stream = io.BytesIO(first.read_bytes())
    stream.name = "a stream"
    store = dv.build_store([stream, second], tmp_path / "store")
    same(store, [first, second])
    assert store.report["skipped"] == [f"a stream: the same content as {first.resolve()}"]
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 2


def test_the_same_bytes_under_a_new_time_stamp_are_known_by_their_hash(days, tmp_path):
    path = days / "AIS_2024_03_01.csv"
    before = len(dv.build_store(path, tmp_path / "store"))
    path.touch()
    assert len(dv.build_store(path, tmp_path / "store")) == before


def test_a_file_that_has_changed_is_another_source(days, tmp_path):
    path = days / "AIS_2024_03_01.csv"
    before = len(dv.build_store(path, tmp_path / "store"))
    text = path.read_text()
    path.write_text(text + text.splitlines()[1] + "\n")
    assert len(dv.build_store(path, tmp_path / "store")) == 2 * before + 1


def test_a_store_in_the_folder_of_its_sources_is_no_source(days):
    wanted = len(dv.build_store(days, days / "store"))
    assert len(dv.build_store(days, days / "store")) == wanted == len(dv.read_fixes(sorted(days.glob("*.*"))))


def test_a_header_alone_is_a_source_without_rows(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("mmsi,timestamp,lat,lon,sog\n")
    store = dv.build_store(path, tmp_path / "store")
    pd.testing.assert_frame_equal(store.read(), dv.read_fixes(path))
    assert store.columns == ["mmsi", "timestamp", "lat", "lon", "sog"]
    assert list(store.chunks()) == []
    assert pa.table(store).num_rows == len(store.vessels()) == 0
    assert len(dv.find_gaps(store)) == 0


def test_other_options_for_a_source_that_is_in_are_refused(days, tmp_path):
    dv.build_store(days, tmp_path / "store")
    with pytest.raises(RuleError, match=r"is in the store already, read with dialect='auto', and .*another store"):
        dv.build_store(days / "AIS_2024_03_01.csv", tmp_path / "store", dialect="marinecadastre")


def test_a_new_day_costs_a_day(days, tmp_path):
    store = tmp_path / "store"
    dv.build_store(days, store)
    before = contents(store)
    # Neither the sources nor the runs that are in can have been read: for a while they are not there.
    for path in days.iterdir():
        stamp = path.stat().st_mtime_ns
        shutil.copy(path, tmp_path / path.name)
        path.write_bytes(bytes(path.stat().st_size))
        os.utime(path, ns=(stamp, stamp))
    for run in sorted((store / "runs").iterdir()):
        run.rename(tmp_path / run.name)
        run.mkdir()
    fleet(4).to_csv(days / "AIS_2024_03_04.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    dv.build_store(days, store)
    new = contents(store)
    for run in sorted(tmp_path.glob("00000?")):
        (store / "runs" / run.name).rmdir()
        run.rename(store / "runs" / run.name)
    for path in tmp_path.glob("*.*"):
        shutil.copy(path, days / path.name)
    assert {name.split("/")[1] for name in new} == {"000004"}
    assert {name: file for name, file in contents(store).items() if name not in new} == before
    same(dv.open_store(store), days)


# In place of FIXES


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    around = moored_fleet(12, 90, lat=41.5, lon=130.2).assign(mmsi=lambda table: table["mmsi"] + 50)
    fixes = pd.concat([one_gap(), one_gap(70.0, mmsi=299_000_002), around], ignore_index=True)
    fixes.to_csv(folder / "fixes.csv", index=False)
    return dv.build_store(folder / "fixes.csv", folder / "store"), dv.read_fixes(folder / "fixes.csv")


def test_cleaning_and_gaps_of_a_store(campaign):
    store, fixes = campaign
    pd.testing.assert_frame_equal(dv.clean_fixes(store), dv.clean_fixes(fixes))
    gaps = dv.find_gaps(fixes)
    assert len(gaps) == 2
    pd.testing.assert_frame_equal(dv.find_gaps(store), gaps)
    pd.testing.assert_frame_equal(dv.find_gaps(store.path), gaps)


def test_reception_of_a_store(campaign):
    store, fixes = campaign
    gaps = dv.find_gaps(fixes)
    one, other = (dv.score_silence(gaps, dv.fit_reception(table)) for table in (store, fixes))
    assert len(one) == 2
    pd.testing.assert_frame_equal(one, other)


def test_the_whole_chain_on_a_store(campaign):
    store, fixes = campaign
    one, other = (dv.investigate(table, ports=ports()) for table in (store, fixes))
    assert len(one.transfers) > 0
    for name in ("gaps", "silences", "port_calls", "transfers"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_other_libraries_read_the_stream(campaign):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    store, fixes = campaign
    frame = polars.from_arrow(pa.table(store))
    assert frame.height == len(fixes)
    assert polars.DataFrame(store)["lat"].sum() == pytest.approx(fixes["lat"].sum())
    base = duckdb.connect()
    base.register("fixes", pa.RecordBatchReader.from_stream(store))
    count = base.sql("select count(distinct mmsi) from fixes").fetchall()
    assert count == [(fixes["mmsi"].nunique(),)]


# What is refused


def test_what_is_no_store(tmp_path):
    with pytest.raises(ReadError, match="no store is there; build_store makes one"):
        dv.open_store(tmp_path)
    with pytest.raises(ReadError, match="no store is there"):
        dv.open_store(tmp_path / "nothing")
    (tmp_path / "manifest.json").write_text('{"name": "an extension of a browser"}')
    with pytest.raises(ReadError, match="not the manifest of a store"):
        dv.open_store(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "darkvoyage store", "version": 99}')
    with pytest.raises(ReadError, match="a store of version 99, this library reads 1"):
        dv.open_store(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "darkvoyage store", "vers')
    with pytest.raises(ReadError, match="damaged or not readable"):
        dv.open_store(tmp_path)


def test_a_folder_of_something_else_is_left_alone(days, tmp_path):
    before = sorted(path.name for path in days.iterdir())
    with pytest.raises(DarkvoyageError, match=r"holds 'AIS_2024_03_01.csv' and is no store; name a new or an empty"):
        dv.build_store(days / "AIS_2024_03_01.csv", days)
    assert sorted(path.name for path in days.iterdir() if path.name != "lock") == before
    with pytest.raises(DarkvoyageError, match="cannot be written"):
        dv.build_store(days, days / "AIS_2024_03_01.csv")


@pytest.mark.parametrize("limit", ["10MB", 1000, "much", "", None, True, "-2GB", "1 parsec"])
def test_memory_limits_that_are_refused(days, tmp_path, limit):
    with pytest.raises(RuleError, match=r"memory_limit = .*expected a size such as '1GB'"):
        dv.build_store(days, tmp_path / "store", memory_limit=limit)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("limit", [2**30, "1GiB", "1.5 GB", "900mb", "2g", "1TB"])
def test_memory_limits_that_are_taken(days, tmp_path, limit):
    assert len(dv.build_store(days / "other.parquet", tmp_path / "store", memory_limit=limit)) > 0


def test_wrong_questions(days, tmp_path):
    store = dv.build_store(days, tmp_path / "store")
    for question in ({"since": "2024-03-01"}, {"until": 3}, {"columns": ["speed"]}, {"columns": "sog"}):
        with pytest.raises(RuleError):
            store.read(**question)
    for mmsi in ("257000001", [1.5], [None]):
        with pytest.raises(RuleError, match=r"mmsi = .*expected whole numbers"):
            store.read(mmsi=mmsi)
    for rows in (0, 2.5, "many"):
        with pytest.raises(RuleError, match=r"rows = .*at least 1"):
            store.chunks(rows=rows)


def test_a_damaged_source_leaves_the_store_as_it_was(days, tmp_path):
    store = dv.build_store(days / "AIS_2024_03_01.csv", tmp_path / "store")
    before = contents(tmp_path / "store")
    whole = (days / "other.parquet").read_bytes()
    (days / "other.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match=r"other\.parquet: truncated or damaged"):
        dv.build_store(days, tmp_path / "store")
    store = dv.open_store(tmp_path / "store")
    same(store, sorted(days.glob("*.csv")))
    after = contents(tmp_path / "store")
    assert {name: after[name] for name in before} == before
    (days / "other.parquet").write_bytes(whole)
    same(dv.build_store(days, tmp_path / "store"), days)


def test_a_damaged_store_is_a_read_error(days, tmp_path):
    store = dv.build_store(days / "AIS_2024_03_01.csv", tmp_path / "store")
    for path in (tmp_path / "store" / "runs").rglob("fixes-*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReadError, match=r"fixes-.*\.parquet: truncated or damaged"):
        store.read()


def test_a_second_writer_is_refused(days, tmp_path):
    store = dv.build_store(days / "AIS_2024_03_01.csv", tmp_path / "store")
    with writing(tmp_path / "store"):
        with pytest.raises(DarkvoyageError, match=r"another process \(\d+\) is writing to this store"):
            dv.build_store(days, tmp_path / "store")
        same(store, days / "AIS_2024_03_01.csv")
        code = f"import darkvoyage as dv; dv.build_store({str(days)!r}, {str(tmp_path / 'store')!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "is writing to this store" in done.stderr
    same(dv.build_store(days, tmp_path / "store"), days)


def test_progress_is_told_to_the_end(days, tmp_path):
    told = []
    dv.build_store(days, tmp_path / "store", progress=lambda *state: told.append(state))
    size = sum(path.stat().st_size for path in days.iterdir())
    assert told[-1] == (len(dv.read_fixes(days)), size, size)
    assert [state[:2] for state in told] == sorted(state[:2] for state in told)
