"""The made-up dumps that speed is measured on: what they hold, and that every engine finds the same gaps in them."""

import collections
import csv
import datetime as dt
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import zstandard
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.io.stream import FixStream
from tests import oracle
from tests.gaps.test_find import compare, rows_of

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
ROWS, VESSELS, DAYS = 12_000, 40, 3.0
MOST_KN = 25.0  # 22 kn, and the tenths that the noise of positions adds over a minute


@pytest.fixture(scope="module", autouse=True)
def scripts():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """Write a dump once, in several slices, and return its path and the generator's account."""
    import dumps
    import fleet

    folder, done = tmp_path_factory.mktemp("dumps"), {}

    def write(kind, mess="clean"):
        path = folder / f"{mess}.{kind}"
        if path not in done:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fleet, "SLICE_ROWS", 1000)
                done[path] = dumps.write_dump(path, rows=ROWS, kind=kind, mess=mess, vessels=VESSELS, days=DAYS)
        return path, done[path]

    return write


def lines(path, kind):
    """(mmsi, time, lat, lon) of each whole line, read with nothing but the csv module."""
    time, width, at = {
        "mc": ("%Y-%m-%dT%H:%M:%S", 17, (0, 1, 2, 3)),
        "dk": ("%d/%m/%Y %H:%M:%S", 26, (2, 0, 3, 4)),
    }[kind]
    with path.open(newline="") as file:
        cells = [row for row in csv.reader(file) if len(row) == width][1:]
    for row in cells:
        mmsi, when, lat, lon = (row[place] for place in at)
        moment = dt.datetime.strptime(when, time).replace(tzinfo=dt.UTC)
        yield int(mmsi), int(moment.timestamp()), float(lat), float(lon)


def by_ship(fixes):
    """Fixes of ships with a position, one per second, in order; `fixes` as of `lines`."""
    ships = collections.defaultdict(dict)
    for mmsi, time, lat, lon in fixes:
        if 200_000_000 <= mmsi <= 799_999_999 and abs(lat) <= 90 and abs(lon) <= 180:
            ships[mmsi].setdefault(time, (time, lat, lon))
    return {mmsi: [at[time] for time in sorted(at)] for mmsi, at in ships.items()}


def silences(path, kind, min_gap_h):
    """Number of gaps, sum of their hours, and of their great circles [nm], pair by pair."""
    pairs = [
        (after[0] - before[0], oracle.great_circle_nm(*before[1:], *after[1:]))
        for fixes in by_ship(lines(path, kind)).values()
        for before, after in itertools.pairwise(fixes)
        if after[0] - before[0] > min_gap_h * 3600
    ]
    return len(pairs), sum(seconds for seconds, _ in pairs) / 3600, sum(away for _, away in pairs)


@pytest.mark.parametrize("mess", ["clean", "usual", "dirty"])
def test_the_rows_are_the_same_in_every_format(dump, mess):
    cadastre, danish = (list(lines(dump(kind, mess)[0], kind)) for kind in ("mc", "dk"))
    table = pd.read_parquet(dump("parquet", mess)[0])
    seconds = table["timestamp"].astype("int64") // 1_000_000
    assert cadastre == danish
    assert cadastre == list(zip(table["mmsi"], seconds, table["lat"], table["lon"], strict=True))
    assert len(cadastre) == ROWS - dump("mc", mess)[1]["broken"]


def test_same_seed_same_dump_other_seed_another(dump, tmp_path):
    import dumps

    one, again, other = (tmp_path / name for name in "abc")
    for path, seed in ((one, 1), (again, 1), (other, 2)):
        dumps.write_dump(path, rows=500, kind="mc", seed=seed)
    assert one.read_bytes() == again.read_bytes() != other.read_bytes()


def test_vessels_are_interleaved_in_order_of_time(dump):
    fixes = list(lines(dump("mc", "usual")[0], "mc"))
    times = [time for _, time, _, _ in fixes]
    assert times == sorted(times)
    changes = sum(a[0] != b[0] for a, b in itertools.pairwise(fixes))
    assert changes > 0.9 * len(fixes)


def test_late_rows_are_few_and_hours_late_at_most(dump):
    times = [time for _, time, _, _ in lines(dump("mc", "dirty")[0], "mc")]
    latest, late = 0, []
    for time in times:
        latest = max(latest, time)
        if time < latest:
            late.append(latest - time)
    assert 0.0005 * ROWS < len(late) < 0.004 * ROWS
    assert 3000 < max(late) <= 6 * 3600


def test_ships_move_at_ship_speed_and_fall_silent(dump):
    ships = by_ship(lines(dump("mc")[0], "mc"))
    assert len(ships) == VESSELS
    speeds, waits = [], []
    for fixes in ships.values():
        for before, after in itertools.pairwise(fixes):
            waits.append((after[0] - before[0]) / 3600)
            # Position noise of some metres counts for little over 3 min.
            if waits[-1] > 0.05:
                speeds.append(oracle.great_circle_nm(*before[1:], *after[1:]) / waits[-1])
    assert max(speeds) < MOST_KN
    assert 3 < sorted(speeds)[len(speeds) // 2] < 20
    assert sum(1 < wait < 6 for wait in waits) > 5
    assert sum(wait >= 6 for wait in waits) > 5


def test_the_reader_finds_every_fault_that_was_put_in(dump):
    for kind in ("mc", "dk", "parquet"):
        path, account = dump(kind, "dirty")
        table = dv.read_fixes(path)
        report = table.attrs["read_report"]
        broken = 0 if kind == "parquet" else account["broken"]
        assert report["reasons"].get("broken_line", 0) == broken
        assert report["rows_out"] == ROWS - account["broken"]
        assert report["repairs"]["position_not_available"] == account["no_position"]
        flags = dv.clean_fixes(table)["flag"].value_counts()
        assert flags["equipment"] == account["bad_mmsi"] + account["base_station"] + account["aid"]
        # A second copy of a faulty row keeps the flag of its fault.
        assert 0 < account["duplicate"] - flags["duplicate"] < 0.1 * account["duplicate"] + 5


def test_shares_of_faults(tmp_path):
    import dumps

    account = dumps.write_dump(tmp_path / "a.parquet", rows=100_000, kind="parquet")
    invalid = sum(account[name] for name in ("no_position", "out_of_range", "bad_mmsi", "base_station", "aid"))
    assert account["rows"] == 100_000
    assert account["duplicate"] / 100_000 == pytest.approx(0.006, abs=0.001)
    assert invalid / 100_000 == pytest.approx(0.024, abs=0.002)


@pytest.mark.parametrize("packing", ["zip", "zst"])
def test_packed_dumps_hold_the_plain_one(dump, packing):
    import dumps

    path, _ = dump("mc")
    packed = dumps.pack(path, packing)
    if packing == "zip":
        content = zipfile.ZipFile(packed).read(path.name)
    else:
        content = zstandard.ZstdDecompressor().stream_reader(packed.read_bytes()).read()
    assert content == path.read_bytes()


def peer(name, path, out):
    script = [sys.executable, "-W", "ignore", str(BENCHMARKS / "peers.py"), name, str(path), str(out)]
    subprocess.run(script, check=True)
    return pd.read_parquet(out)


@pytest.mark.parametrize("kind", ["mc", "dk", "parquet"])
@pytest.mark.parametrize("name", ["polars_packed", "polars_no_sort", "polars_plain", "duckdb_lag", "pandas_c"])
@pytest.mark.parametrize("mess", ["clean", "usual"])
def test_peers_find_the_gaps_that_plain_loops_find(dump, tmp_path, kind, name, mess):
    pytest.importorskip(name.partition("_")[0])
    found = peer(name, dump(kind, mess)[0], tmp_path / "out.parquet")
    number, hours, away_nm = silences(dump("mc", mess)[0], "mc", 1.0)
    assert len(found) == number > 10
    assert found["hours"].sum() == pytest.approx(hours, rel=1e-12)
    assert found["metres"].sum() / 1852 == pytest.approx(away_nm, rel=1e-6)


def test_movingpandas_misses_the_gaps_beside_a_lone_fix(dump, tmp_path):
    fixes = by_ship(lines(dump("mc")[0], "mc"))
    number = 0
    for ship in fixes.values():
        times = [fix[0] for fix in ship]
        cuts = [0, *(i for i in range(1, len(times)) if times[i] - times[i - 1] > 3600), len(times)]
        number += max(sum(b - a > 1 for a, b in itertools.pairwise(cuts)) - 1, 0)
    assert len(peer("movingpandas", dump("mc")[0], tmp_path / "out.parquet")) == number > 10


@pytest.mark.parametrize("name", ["polars_store", "duckdb_store"])
def test_peers_store_all_valid_rows_in_order(dump, tmp_path, name):
    pytest.importorskip(name.partition("_")[0])
    stored = peer(name, dump("mc", "usual")[0], tmp_path / "out.parquet")
    expected = by_ship(lines(dump("mc", "usual")[0], "mc"))
    keys = list(zip(stored["mmsi"], stored["t"], strict=True))
    assert keys == [(mmsi, fix[0]) for mmsi in sorted(expected) for fix in expected[mmsi]]


@pytest.mark.parametrize("kind", ["mc", "dk", "parquet"])
def test_find_gaps_agrees_with_plain_loops_on_a_clean_dump(dump, kind):
    gaps = dv.find_gaps(dump(kind)[0], rule=dv.GapRule(min_gap_h=1.0))
    number, hours, away_nm = silences(dump("mc")[0], "mc", 1.0)
    assert len(gaps) == number > 10
    assert gaps["duration_h"].sum() == pytest.approx(hours, rel=1e-12)
    assert gaps["distance_nm"].sum() == pytest.approx(away_nm, rel=0.006)


@pytest.mark.parametrize("min_gap_h", [1.0, 6.0])
@pytest.mark.parametrize("kind", ["mc", "dk", "parquet"])
def test_gaps_of_a_dirty_dump_are_those_of_the_twin(dump, kind, min_gap_h):
    path, _ = dump(kind, "dirty")
    expected = oracle.gaps(rows_of(dv.clean_fixes(dv.read_fixes(path))), min_gap_h=min_gap_h)
    assert len(expected) > 5
    compare(dv.find_gaps(path, rule=dv.GapRule(min_gap_h=min_gap_h)), expected)


@pytest.mark.parametrize("kind", ["mc", "dk", "parquet"])
@pytest.mark.parametrize("names", [["lat"], ["cog"], ["length_m", "sog"]])
def test_wanted_columns_are_those_of_the_whole_table(dump, kind, names):
    path, _ = dump(kind, "usual")
    whole = pa.concat_tables(FixStream(path, progress=False))
    some = pa.concat_tables(FixStream(path, columns=names, progress=False))
    assert set(some.column_names) == {"mmsi", "timestamp", "lat", "lon", *names}
    assert len(some) == ROWS
    assert_frame_equal(some.to_pandas(), whole.select(some.column_names).to_pandas())
