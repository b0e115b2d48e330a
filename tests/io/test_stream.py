"""Streams of fixes: any source, wanted columns and periods, bounded memory."""

import bz2
import gzip
import hashlib
import importlib.util
import io
import json
import os
import sys
import threading
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from darkvoyage.errors import ReadError, RuleError
from darkvoyage.io import containers, delimited
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.stream import FixStream

HEAD = "mmsi,timestamp,lat,lon,sog,note"
START = pd.Timestamp("2024-03-07", tz="UTC")


def lines(first, count):
    rng = np.random.default_rng(first)
    return [
        f"{200000037 + k},{(START + pd.Timedelta(k, 'min')).isoformat()},{lat:.6f},2.5,{k % 20},n{k % 7}"
        for k, lat in zip(range(first, first + count), rng.uniform(-80, 80, count), strict=True)
    ]


def text(first=0, count=500):
    return ("\n".join([HEAD, *lines(first, count)]) + "\n").encode()


def zipped(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def joined(stream):
    return pa.concat_tables(list(stream), promote_options="default")


def piped(data):
    """Return the reading end of a pipe that a thread fills."""
    read, write = os.pipe()

    def fill():
        with os.fdopen(write, "wb") as stream:
            stream.write(data)

    threading.Thread(target=fill, daemon=True).start()
    return os.fdopen(read, "rb")


@pytest.fixture(scope="module")
def plain():
    return joined(FixStream(io.BytesIO(text())))


@pytest.fixture(scope="module")
def as_parquet(plain):
    buffer = io.BytesIO()
    parquet.write_table(plain, buffer, row_group_size=100)
    return buffer.getvalue()


# --- sources ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lambda data: zipped({"a.csv": data})])
def test_a_pipe_is_read_like_a_file(plain, pack):
    data = pack(text())
    with piped(data) as pipe:
        stream = FixStream(pipe)
        assert joined(stream).equals(plain)
    (source,) = stream.report.sources
    assert source["bytes"] == len(data)
    assert source["sha256"] == hashlib.sha256(data).hexdigest()


def test_standard_input(plain, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(piped(text())))
    stream = FixStream("-")
    assert joined(stream).equals(plain)
    assert stream.report.sources[0]["path"] == "<stdin>"


def test_a_file_object_is_read_from_where_it_stands(plain, as_parquet):
    for data in (text(), as_parquet, zipped({"a.csv": text()})):
        stream = io.BytesIO(b"x" * 7 + data)
        stream.seek(7)
        fixes = FixStream(stream)
        assert joined(fixes).equals(plain)
        assert fixes.report.sources[0]["sha256"] == hashlib.sha256(data).hexdigest()
        assert not stream.closed


def test_what_must_be_read_out_of_order_is_held_up_to_a_stated_size(plain, as_parquet, monkeypatch):
    for data in (zipped({"a.parquet": as_parquet}), gzip.compress(as_parquet)):
        assert joined(FixStream(io.BytesIO(data))).equals(plain)
    monkeypatch.setattr(containers, "_HELD", 1 << 10)
    for data in (zipped({"a.parquet": as_parquet}), gzip.compress(as_parquet)):
        with pytest.raises(ReadError, match=r"parquet cannot be read from front to back.*larger than 0 MiB"):
            joined(FixStream(io.BytesIO(data)))
    with piped(zipped({"a.csv": text()})) as pipe, pytest.raises(ReadError, match="zip cannot be read from front"):
        joined(FixStream(pipe))


def test_a_pipe_that_never_ends_is_read_piece_by_piece(monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 16)

    class Endless(io.RawIOBase):
        next_piece = HEAD.encode() + b"\n"
        given_out = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            if not len(buffer):
                return 0
            piece, self.next_piece = self.next_piece, "\n".join(lines(0, 200)).encode() + b"\n"
            buffer[: len(piece)] = piece
            self.given_out += len(piece)
            return len(piece)

    pipe, last = Endless(), -1
    parts = iter(FixStream(pipe))
    for _ in range(3):
        next(parts)
    while last != pipe.given_out < 1 << 20:  # until nobody reads any more
        last = pipe.given_out
        time.sleep(0.2)
    assert pipe.given_out < 1 << 20  # 16 pieces of 12 kB ahead, and the blocks of 64 kB in work
    parts.close()
    assert not [thread for thread in threading.enumerate() if "ahead" in thread.name]


@pytest.mark.parametrize("fast", [True, False])
def test_inflation_is_the_same_with_and_without_isal(plain, monkeypatch, fast):
    if fast:
        pytest.importorskip("isal")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find(name) if fast or name != "isal" else None)
    data = text()
    pieces = b"".join(gzip.compress(data[k : k + 3000], mtime=0) for k in range(0, len(data), 3000))
    for packed in (pieces, pieces + b"\0" * 1000, zipped({"a.csv": data})):
        assert joined(FixStream(io.BytesIO(packed))).equals(plain)
    with pytest.raises(ReadError, match="truncated or damaged"):
        joined(FixStream(io.BytesIO(pieces + b"rubbish")))
    for packed in (pieces, zipped({"a.csv": data})):
        for cut in range(1, len(packed) - 30, 997):
            with pytest.raises(ReadError):
                joined(FixStream(io.BytesIO(packed[:-cut])))
    broken = bytearray(zipped({"a.csv": data}))
    broken[-30] ^= 0xFF  # in the directory
    wrong_sum = bytearray(zipped({"a.csv": data}))
    where = wrong_sum.index(b"PK\x01\x02") + 16
    wrong_sum[where] ^= 0xFF
    with pytest.raises(ReadError, match="check sum differs"):
        joined(FixStream(io.BytesIO(wrong_sum)))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_zip(plain, method):
    assert joined(FixStream(io.BytesIO(zipped({"a.csv": text()}, method)))).equals(plain)


def test_a_method_of_zip_that_is_not_read():
    data = bytearray(zipped({"a.csv": text()}))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # PKWARE APPNOTE 4.3.7 and 4.3.12
        where = data.index(signature) + offset
        data[where : where + 2] = (9).to_bytes(2, "little")  # deflate64
    with pytest.raises(ReadError, match=r"a\.csv: packed by method 9, which is not read"):
        joined(FixStream(io.BytesIO(data)))


def test_folders_below_and_what_their_names_say(tmp_path, plain):
    for day in (7, 8):
        folder = tmp_path / "fixes" / f"day=2024-03-0{day}" / "source=a%2Fb"
        folder.mkdir(parents=True)
        parquet.write_table(plain.slice(250 * (day - 7), 250), folder / "part-0.parquet")
        (folder / ".part-0.parquet.crc").write_bytes(b"x")
    (tmp_path / "fixes" / "_SUCCESS").write_bytes(b"")
    (tmp_path / "fixes" / "_temporary").mkdir()
    fixes = read_fixes(tmp_path / "fixes")
    assert fixes["day"].value_counts().to_dict() == {"2024-03-07": 250, "2024-03-08": 250}
    assert set(fixes["source"]) == {"a/b"}
    report = fixes.attrs["read_report"]
    assert len(report["sources"]) == 2
    assert sorted(os.path.basename(name) for name in report["skipped"]) == [
        ".part-0.parquet.crc", ".part-0.parquet.crc", "_SUCCESS", "_temporary",
    ]  # fmt: skip
    assert joined(FixStream(tmp_path / "fixes", columns=["sog"])).column_names == [
        "mmsi",
        "timestamp",
        "lat",
        "lon",
        "sog",
    ]


def test_a_file_that_is_gone_when_its_turn_comes(tmp_path):
    (tmp_path / "a.csv").write_bytes(text())
    (tmp_path / "b.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(ReadError, match=r"b\.csv: no such file"):
        read_fixes(tmp_path)


def test_links_to_folders_are_named_not_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_bytes(text())
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data")
    fixes = read_fixes(tmp_path / "data")
    assert len(fixes) == 500
    assert fixes.attrs["read_report"]["skipped"] == [str(tmp_path / "data" / "again")]
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert len(read_fixes(tmp_path / "link")) == 500


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the rights of folders do not bind this user")
def test_a_folder_that_may_not_be_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(text())
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(ReadError, match="closed: may not be read"):
        read_fixes(tmp_path)


def test_text_in_folders_below(tmp_path, plain):
    for name, first in (("2024/03/b.csv", 250), ("2024/02/a.csv", 0)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text(first, 250))
    fixes = read_fixes(tmp_path)
    assert len(fixes) == 500
    assert sorted(fixes["mmsi"]) == sorted(plain["mmsi"].to_pylist())


# --- URLs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path, as_parquet):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe(
        {
            "/box/a.csv": text(0, 250),
            "/box/below/b.csv.gz": gzip.compress(text(250, 250)),
            "/box/notes.md": b"x",
            "/pq/day=1/a.parquet": as_parquet,
        }
    )
    yield "memory:/"
    memory.store.clear()


def test_urls(bucket, plain, tmp_path):
    one = read_fixes(f"{bucket}/box/a.csv")
    assert one.attrs["read_report"]["sources"][0] == {
        "path": "memory:///box/a.csv",
        "bytes": len(text(0, 250)),
        "sha256": hashlib.sha256(text(0, 250)).hexdigest(),
        "rows": 250,
    }
    folder = read_fixes(f"{bucket}/box")
    assert len(folder) == 500
    assert folder.attrs["read_report"]["skipped"] == ["memory:///box/notes.md"]
    assert len(read_fixes(f"{bucket}/box/*.csv")) == 250
    assert set(read_fixes(f"{bucket}/pq")["day"]) == {1}
    (tmp_path / "a.csv").write_bytes(text())
    assert joined(FixStream((tmp_path / "a.csv").as_uri())).equals(plain)


def test_urls_that_lead_nowhere(bucket):
    for url, message in [
        (f"{bucket}/box/none.csv", "none.csv: no such file"),
        (f"{bucket}/box/*.parquet", "no file matches"),
        ("nothing://box/a.csv", "cannot be opened.*not known"),
        (f"{bucket}/box/a.pkl", "no such file"),
    ]:
        with pytest.raises(ReadError, match=message):
            read_fixes(url)
    if importlib.util.find_spec("s3fs") is None:
        with pytest.raises(ReadError, match=r"s3://box/a.csv: .*s3fs.*darkvoyage\[remote\]"):
            read_fixes("s3://box/a.csv")


def test_urls_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ReadError, match=r"needs fsspec; install darkvoyage\[remote\]"):
        read_fixes("s3://box/a.csv")


def test_a_connection_that_breaks(bucket, monkeypatch):
    class ClientError(Exception):
        pass

    monkeypatch.setitem(sys.modules, "aiohttp", SimpleNamespace(ClientError=ClientError))

    class Breaking(io.BytesIO):
        def read1(self, size=-1):
            if self.tell():
                raise ClientError("server disconnected")
            return super().read1(1000)

    with pytest.raises(ReadError, match=r"the connection failed \(server disconnected\)"):
        joined(FixStream(Breaking(text())))


# --- wanted columns and periods --------------------------------------------------------------------------------------

CELL = st.sampled_from(
    ["", "1", "1.5", "-2", "91", "102.3", " 3 ", "nan", "inf", "None", "x", '"4"', '"a,b"', "1e3", "+5", "IMO9000001"]
)
TIME = st.sampled_from(
    ["2024-03-07T00:00:00Z", "2024-03-07 01:00:00+00:00", "2024-03-07", "", "soon", "2024-03-07T02:00Z"]
)
MMSI = st.sampled_from(["200000037", "200000038.0", "", "ship", "1.5"])
ROW = st.builds(lambda *cells: ",".join(cells), MMSI, TIME, CELL, CELL, CELL, CELL, CELL, CELL)
LINE = st.one_of(ROW, ROW, ROW, st.sampled_from(["", "x", '"', 'a,"b', ",,,,,,,", ",,,,,,,,"]))
FIELDS = ("sog", "nav_status", "imo", "destination")


@given(rows=st.lists(LINE, max_size=12), wanted=st.sets(st.sampled_from(FIELDS)), block=st.sampled_from([64, 1 << 20]))
def test_wanted_columns_are_those_of_a_full_reading(rows, wanted, block):
    data = "\n".join(["mmsi,timestamp,lat,lon,sog,nav_status,imo,destination", *rows]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", block)
        full, part = FixStream(io.BytesIO(data)), FixStream(io.BytesIO(data), columns=sorted(wanted))
        everything, some = joined(full), joined(part)
    names = [name for name in everything.column_names if name in {"mmsi", "timestamp", "lat", "lon", *wanted}]
    assert some.column_names == names
    pd.testing.assert_frame_equal(some.to_pandas(), everything.select(names).to_pandas())
    assert part.report.rows_in == full.report.rows_in == len(some) + sum(part.report.reasons.values())
    assert part.report.reasons == full.report.reasons
    assert part.report.examples == full.report.examples
    told = {
        name: count for name, count in full.report.repairs.items() if not name.startswith(tuple(set(FIELDS) - wanted))
    }
    assert part.report.repairs == told


def test_columns_left_out_are_named(as_parquet):
    stream = FixStream(io.BytesIO(as_parquet), columns=["sog"])
    assert joined(stream).column_names == ["mmsi", "timestamp", "lat", "lon", "sog"]
    report = stream.report.as_dict(500)
    assert report["kept_columns"] == []
    assert report["left_out_columns"] == ["note"]
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize("kind", ["a.parquet", "a.gpkg"])
def test_points_are_read_for_their_degrees(tmp_path, plain, kind):
    geopandas = pytest.importorskip("geopandas")
    table = plain.to_pandas()
    points = geopandas.points_from_xy(table["lon"], table["lat"], crs=4326)
    frame = geopandas.GeoDataFrame(table[["mmsi", "timestamp", "sog", "note"]], geometry=points)
    frame.to_parquet(tmp_path / kind) if kind == "a.parquet" else frame.to_file(tmp_path / kind)
    for source in (tmp_path / kind, io.BytesIO((tmp_path / kind).read_bytes())):
        stream = FixStream(source, columns=["sog"], since=START + pd.Timedelta(100, "min"))
        found = joined(stream)
        assert found.column_names == ["mmsi", "timestamp", "lat", "lon", "sog"]
        pd.testing.assert_frame_equal(found.to_pandas(), table.loc[100:, found.column_names].reset_index(drop=True))
        assert dict(stream.report.reasons) == {"outside_period": 100}


def test_dimensions_and_other_helpers_are_read_for_the_fields_they_make():
    data = (
        b"MMSI,Message_ID,Time,Millisecond,Longitude,Latitude,SOG,Dimension_to_Bow,Dimension_to_stern,"
        b"Dimension_to_port,Dimension_to_starboard\n"
        b"219000001,5,20240307_000000,0,None,None,None,60,40,5,15\n"
        b"219000001,1,20240307_000100,0,11,55,1,None,None,None,None\n"
        b"219000001,20,20240307_000200,0,11,55,1,None,None,None,None\n"
    )
    stream = FixStream(io.BytesIO(data), columns=["length_m"])
    table = joined(stream)
    assert table.to_pydict() == {
        "mmsi": [219000001],
        "timestamp": [START + pd.Timedelta(1, "min")],
        "lat": [55.0],
        "lon": [11.0],
        "length_m": [100.0],
    }
    assert dict(stream.report.reasons) == {"other_message": 1, "static_report": 1}


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize(("first", "last"), [(None, 130), (130, None), (130, 270), (600, None), (0, 500)])
def test_periods(plain, as_parquet, as_file, first, last):
    since, until = (None if k is None else START + pd.Timedelta(k, "min") for k in (first, last))
    stream = FixStream(io.BytesIO(as_parquet if as_file else text()), since=since, until=until)
    found = joined(stream)
    inside = slice(first or 0, last if last is not None else 500)
    assert found["mmsi"].to_pylist() == plain["mmsi"].to_pylist()[inside]  # one row a minute
    left_out = 500 - len(found)
    assert stream.report.rows_in == 500
    assert dict(stream.report.reasons) == ({"outside_period": left_out} if left_out else {})


def test_row_groups_outside_are_not_read(tmp_path, as_parquet):
    data = bytearray(as_parquet)
    group = parquet.ParquetFile(io.BytesIO(as_parquet)).metadata.row_group(0)
    for place in range(group.num_columns):  # nothing of the first row group can be decoded any more
        column = group.column(place)
        start = column.dictionary_page_offset or column.data_page_offset
        data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    (tmp_path / "a.parquet").write_bytes(data)
    until = START + pd.Timedelta(500, "min")
    assert len(joined(FixStream(tmp_path / "a.parquet", since=START + pd.Timedelta(100, "min"), until=until))) == 400
    with pytest.raises(ReadError, match="truncated or damaged"):
        joined(FixStream(tmp_path / "a.parquet", since=START + pd.Timedelta(99, "min")))


@pytest.mark.parametrize("layout", ["large", "view", "coded"])
def test_text_in_any_layout_of_arrow(layout):
    if layout == "view" and int(pa.__version__.partition(".")[0]) < 21:
        pytest.skip("pyarrow before 21 writes no views of text")
    kind = pa.string_view() if layout == "view" else pa.large_string()
    names = ["# Timestamp", "MMSI", "Latitude", "Longitude", "Type of mobile", "Navigational status", "note"]
    cells = ["07/03/2024 00:00:00", "219000001", "55.5", "11.5", "Class A", "Moored", "x"]
    table = pa.table({name: pa.array([cell], kind) for name, cell in zip(names, cells, strict=True)})
    if layout == "coded":
        table = pa.table({name: column.dictionary_encode() for name, column in zip(names, table.columns, strict=True)})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    buffer.seek(0)
    (row,) = read_fixes(buffer).to_dict("records")
    assert (row["timestamp"], row["mmsi"], row["lat"], row["nav_status"], row["note"]) == (
        START,
        219000001,
        55.5,
        5,
        "x",
    )


def test_row_groups_with_unknown_times_are_read():
    times = pa.array([START, None, START], pa.timestamp("us", "UTC"))
    table = pa.table({"mmsi": [200000037] * 3, "timestamp": times, "lat": [1.0] * 3, "lon": [2.0] * 3})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    buffer.seek(0)
    stream = FixStream(buffer, since=START + pd.Timedelta(1, "h"))
    assert len(joined(stream)) == 0
    assert dict(stream.report.reasons) == {"bad_time": 1, "outside_period": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["speed"]}, "columns: 'speed' is no column of FIXES"),
        ({"columns": "sog"}, "columns = 'sog': expected a list"),
        ({"since": "2024-03-07"}, "since = .*naive"),
        ({"until": "soon"}, "until = 'soon': expected a timezone-aware time"),
        ({"since": START, "until": START}, "until = .*must be later than since"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(RuleError, match=message):
        FixStream("a.csv", **options)


# --- accounts --------------------------------------------------------------------------------------------------------


class Counted(io.BytesIO):
    total = 0

    def read1(self, size=-1):
        piece = super().read1(size)
        self.total += len(piece)
        return piece


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, zstandard.ZstdCompressor().compress, lambda data: zipped({"a.csv": data, "b.csv": data})],
)
def test_the_fingerprint_needs_no_second_reading(pack):
    data = pack(text(0, 20_000))
    source = Counted(data)
    stream = FixStream(source)
    joined(stream)
    assert stream.report.sources[0]["sha256"] == hashlib.sha256(data).hexdigest()
    assert source.total <= len(data) + (1 << 18)  # the directory of an archive comes by twice, and what is buffered


def test_fingerprints_can_be_left_out(as_parquet):
    source = Counted(as_parquet)
    stream = FixStream(source, columns=[], fingerprints=False)
    joined(stream)
    (entry,) = stream.report.sources
    assert (entry["bytes"], entry["sha256"], entry["rows"]) == (len(as_parquet), None, 500)
