"""Paths, archives, compressed streams, and what damaged files say."""

import bz2
import gzip
import hashlib
import io
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import zstandard

from darkvoyage.errors import ReadError
from darkvoyage.io import delimited
from darkvoyage.io.fixes import read_fixes

HEAD = "mmsi,timestamp,lat,lon,name"


def lines(first, count):
    rng = np.random.default_rng(first)  # noise, so that compressed files have something to lose
    return [
        f"{200000037 + k},2024-03-07T00:00:{k % 60:02}Z,{lat:.9f},2.5,SHIP {name}"
        for k, lat, name in zip(
            range(first, first + count), rng.uniform(-80, 80, count), rng.integers(0, 10**9, count), strict=True
        )
    ]


def text(first=0, count=2000):
    return ("\n".join([HEAD, *lines(first, count)]) + "\n").encode()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


PACKERS = {
    "a.csv": lambda data: data,
    "a.txt": lambda data: data,
    "a.csv.gz": gzip.compress,
    "a.csv.bz2": bz2.compress,
    "a.csv.zst": zstandard.ZstdCompressor().compress,
    "a.zip": lambda data: zipped({"inner.csv": data}),
    "b.zip": lambda data: zipped({"inner.csv.gz": gzip.compress(data, mtime=0)}),
    "two_members.csv.gz": lambda data: gzip.compress(data[:5000], mtime=0) + gzip.compress(data[5000:], mtime=0),
    "two_frames.csv.zst": lambda data: (
        zstandard.ZstdCompressor().compress(data[:5000]) + zstandard.ZstdCompressor().compress(data[5000:])
    ),
    "misnamed.csv": gzip.compress,
}


@pytest.fixture(scope="module")
def plain():
    return read_fixes(io.BytesIO(text()))


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("as_object", [False, True])
def test_every_container_gives_the_same(tmp_path, plain, name, as_object):
    path = tmp_path / name
    path.write_bytes(PACKERS[name](text()))
    if as_object:
        with path.open("rb") as stream:
            fixes = read_fixes(stream)
    else:
        fixes = read_fixes(path)
    assert len(fixes) == 2000
    pd.testing.assert_frame_equal(fixes, plain)
    (source,) = fixes.attrs["read_report"]["sources"]
    assert source == {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": 2000,
    }


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.zst", "a.zip"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_containers(tmp_path, name, share):
    data = PACKERS[name](text())
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=rf"{name}.*truncated or damaged.* the file ends at byte {path.stat().st_size}"):
        read_fixes(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.zip"])
def test_a_flipped_byte_is_noticed(tmp_path, name):
    data = bytearray(PACKERS[name](text()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ReadError, match=rf"{name}.*truncated or damaged"):
        read_fixes(tmp_path / name)


def test_truncated_stream_says_how_far_it_got(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 12)
    data = gzip.compress(text(count=8000), mtime=0)
    (tmp_path / "a.csv.gz").write_bytes(data[: len(data) // 2])
    where = (
        rf"a\.csv\.gz: truncated or damaged after \d{{5,6}} bytes of content, the file ends at byte {len(data) // 2}"
    )
    with pytest.raises(ReadError, match=where):
        read_fixes(tmp_path / "a.csv.gz")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_parquet_and_geopackage(tmp_path, plain, share):
    geopandas = pytest.importorskip("geopandas")
    plain.to_parquet(tmp_path / "a.parquet")
    geopandas.GeoDataFrame(
        {"mmsi": plain["mmsi"], "timestamp": plain["timestamp"].astype("str")},
        geometry=geopandas.points_from_xy(plain["lon"], plain["lat"]),
        crs=4326,
    ).to_file(tmp_path / "a.gpkg", driver="GPKG")
    for name in ("a.parquet", "a.gpkg"):
        data = (tmp_path / name).read_bytes()
        assert len(read_fixes(tmp_path / name)) == 2000
        (tmp_path / f"cut_{name}").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ReadError, match=rf"cut_{name}: truncated"):
            read_fixes(tmp_path / f"cut_{name}")


def test_truncated_json(tmp_path):
    rows = '[{"mmsi": 1, "timestamp": "2024-03-07T00:00:00Z", "lat": 1, "lon": 2}, {"mmsi"'
    (tmp_path / "a.json").write_text(rows)
    with pytest.raises(ReadError, match=r"a\.json: truncated or damaged JSON at byte \d+"):
        read_fixes(tmp_path / "a.json")


def test_json_lines_count_their_broken_lines(tmp_path):
    good = '{"mmsi": 200000037, "timestamp": "2024-03-07T00:00:00Z", "lat": 1, "lon": 2, "note": [1]}'
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{"mmsi"\n\n{good}\n7\n')
    fixes = read_fixes(tmp_path / "a.jsonl")
    report = fixes.attrs["read_report"]
    assert (report["rows_in"], report["rows_out"], report["reasons"]) == (4, 2, {"broken_line": 2})
    assert [example["line"] for example in report["examples"]["broken_line"]] == [2, 5]


def test_archive_of_two_is_their_concatenation(tmp_path):
    (tmp_path / "a.zip").write_bytes(
        zipped({"b.csv": text(3000, 10), "a.csv": text(0, 10), "readme.pdf": b"x", "__MACOSX/a.csv": b"x"})
    )
    fixes = read_fixes(tmp_path / "a.zip")
    both = "\n".join([HEAD, *lines(0, 10), *lines(3000, 10)]).encode()
    pd.testing.assert_frame_equal(fixes, read_fixes(io.BytesIO(both)))
    report = fixes.attrs["read_report"]
    assert report["rows_in"] == 20
    assert report["skipped"] == [f"{tmp_path}/a.zip/__MACOSX/a.csv", f"{tmp_path}/a.zip/readme.pdf"]


def test_glob_list_and_folder_agree_in_any_order(tmp_path):
    for k in range(3):
        (tmp_path / f"day_{k}.csv").write_bytes(text(100 * k, 5) + b"broken\n")
    (tmp_path / "notes.md").write_text("x")
    paths = sorted(tmp_path.glob("*.csv"))
    first = read_fixes(paths)
    report = first.attrs["read_report"]
    assert (report["rows_in"], report["reasons"]) == (18, {"broken_line": 3})
    for source in (str(tmp_path / "day_*.csv"), paths[::-1], [str(path) for path in paths]):
        again = read_fixes(source)
        pd.testing.assert_frame_equal(again, first)
        assert again.attrs["read_report"] == report
    folder = read_fixes(tmp_path)
    pd.testing.assert_frame_equal(folder, first)
    assert folder.attrs["read_report"]["skipped"] == [str(tmp_path / "notes.md")]


def test_files_of_two_dialects_in_one_list(tmp_path):
    (tmp_path / "a.csv").write_text("mmsi,timestamp,lat,lon,note\n200000037,2024-03-07T00:00:00Z,1,2,7\n")
    (tmp_path / "b.csv").write_text("ssvid,lat,lon,timestamp,speed,note\n200000037,3,4,2024-03-07 01:00:00,5.5,x\n")
    fixes = read_fixes([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert fixes.attrs["read_report"]["dialect"] == ["darkvoyage", "gfw_positions"]
    assert fixes["lat"].tolist() == [1.0, 3.0]
    assert fixes["sog"].isna().tolist() == [True, False]
    assert fixes["note"].tolist() == ["7", "x"]


def test_blocks_join_without_loss(monkeypatch, plain):
    # Blocks of 4 kB: every block ends somewhere else, and one has a broken line.
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 12)
    rows = lines(0, 2000)
    fixes = read_fixes(io.BytesIO("\n".join([HEAD, *rows[:1500], "broken", *rows[1500:]]).encode()))
    pd.testing.assert_frame_equal(fixes, plain)
    assert fixes.attrs["read_report"]["examples"] == {
        "broken_line": [{"file": "<stream>", "line": 1502, "text": "broken"}]
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pkl", b"mmsi"),
        ("a.pickle", b"mmsi"),
        ("a.joblib", b"mmsi"),
        ("a.pkl.gz", gzip.compress(pickle.dumps({}), mtime=0)),
        ("innocent.csv", pickle.dumps({"a": 1})),
        ("innocent.csv.gz", gzip.compress(pickle.dumps({"a": 1}), mtime=0)),
        ("innocent.zip", zipped({"a.csv": pickle.dumps({"a": 1})})),
    ],
)
def test_pickles_are_never_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ReadError, match="a pickle can run code and is never read"):
        read_fixes(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "a.csv: the file is empty"),
        ("a.csv", b"\xef\xbb\xbf\n \n", "a.csv: the file is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "a.csv.gz: the file is empty"),
        ("a.zip", zipped({}), "a.zip: the archive holds no file of a readable kind"),
        ("a.zip", zipped({"b.zip": zipped({"c.csv": b"x"})}), "an archive inside an archive"),
        ("a.csv", "mmsi".encode("utf-16"), "a.csv: text in UTF-16"),
        ("a.csv", b"abc\x00\x01def", "a.csv: not a text table"),
    ],
)
def test_files_that_hold_nothing(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ReadError, match=message):
        read_fixes(tmp_path / name)


def test_sources_that_are_not_there(tmp_path):
    for source, message in [
        (tmp_path / "none.csv", "none.csv: no such file"),
        (str(tmp_path / "*.csv"), r"\*\.csv: no file matches"),
        (tmp_path, "the folder holds no file of a readable kind"),
        ([], "the list of sources is empty"),
        (7, "expected a path, a glob, a list of paths or a binary file object, got int"),
        (io.StringIO("mmsi"), "open it in binary mode"),
    ]:
        with pytest.raises(ReadError, match=message):
            read_fixes(source)
