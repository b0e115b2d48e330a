"""How an expert would do the two large jobs with other libraries; each form is a whole process.

Run `python benchmarks/peers.py NAME FILE OUT [--min-gap-h 1]`. FILE is a dump of `dumps.py`, OUT a Parquet file.

The gap job: four columns, rows without an MMSI of a ship or a position dropped, one fix per MMSI and second, each pair
of consecutive fixes further apart than the threshold with both fixes, hours, great-circle metres and knots.
The store job: eight columns, the same rows, ordered by MMSI and time, Parquet with zstd.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

EARTH_M = 6371008.8
SHIP_ROOM = 1 << 33  # seconds since 1970 fit below it
FIRST_SHIP, LAST_SHIP = 200_000_000, 799_999_999

NAMES = {
    "mc": ("MMSI", "BaseDateTime", "LAT", "LON", "SOG", "COG", "Heading", "Status"),
    "dk": ("MMSI", "# Timestamp", "Latitude", "Longitude", "SOG", "COG", "Heading", "Navigational status"),
    "parquet": ("mmsi", "timestamp", "lat", "lon", "sog", "cog", "heading", "nav_status"),
}
FIELDS = ("mmsi", "t", "lat", "lon", "sog", "cog", "heading", "status")
TIMES = {"mc": "%Y-%m-%dT%H:%M:%S", "dk": "%d/%m/%Y %H:%M:%S"}


def kind_of(path):
    """Layout of a dump by its name, packed or not."""
    return next(kind for kind in NAMES if f".{kind}" in path.name)


# --- polars


def _polars_columns(path, number):
    """Lazy columns by field; `t` in seconds."""
    import polars as pl

    kind = kind_of(path)
    names = dict(zip(NAMES[kind][:number], FIELDS, strict=False))
    if kind == "parquet":
        columns = pl.scan_parquet(path).select(list(names)).rename(names)
        return columns.with_columns(pl.col("t").dt.epoch("s"))
    types = {"mmsi": pl.Int64, "t": pl.String, "lat": pl.Float64, "lon": pl.Float64}
    columns = pl.scan_csv(
        path, schema_overrides={name: types[field] for name, field in names.items() if field in types}
    )
    time = pl.col("t").str.to_datetime(TIMES[kind], time_unit="us").dt.epoch("s")
    return columns.select(list(names)).rename(names).with_columns(time)


def _polars_valid():
    import polars as pl

    ships = pl.col("mmsi").is_between(FIRST_SHIP, LAST_SHIP)
    return ships & pl.col("lat").is_between(-90, 90) & pl.col("lon").is_between(-180, 180)


def _polars_write(pairs, out):
    """Measure the pairs of fixes `mmsi t0 lat0 lon0 t lat lon` and write them."""
    import polars as pl

    a, b, c, d = (pl.col(name).radians() for name in ("lat0", "lon0", "lat", "lon"))
    h = ((c - a) / 2).sin() ** 2 + a.cos() * c.cos() * ((d - b) / 2).sin() ** 2
    pairs = pairs.with_columns(hours=(pl.col("t") - pl.col("t0")) / 3600, metres=2 * EARTH_M * h.sqrt().arcsin())
    pairs.with_columns(knots=pl.col("metres") / 1852 / pl.col("hours")).sort("mmsi", "t0").write_parquet(out)


def polars_packed(path, out, min_gap_h):
    """One sort of a packed 64-bit key; a step below half a ship's room in it stays with the ship."""
    import polars as pl

    key = pl.col("mmsi") * SHIP_ROOM + pl.col("t")
    table = _polars_columns(path, 4).filter(_polars_valid()).select("lat", "lon", key=key).collect().sort("key")
    before = {f"{name}0": pl.col(name).shift(1) for name in ("key", "lat", "lon")}
    step = pl.col("key") - pl.col("key0")
    pairs = (
        table.with_columns(**before)
        .filter((step > round(min_gap_h * 3600)) & (step < SHIP_ROOM // 2))
        .with_columns(mmsi=pl.col("key") // SHIP_ROOM, t0=pl.col("key0") % SHIP_ROOM, t=pl.col("key") % SHIP_ROOM)
        .drop("key", "key0")
    )
    _polars_write(pairs, out)


def polars_no_sort(path, out, min_gap_h):
    """Trusts the order of the file: the fix before of the same MMSI is the one before in time."""
    import polars as pl

    before = {f"{name}0": pl.col(name).shift(1).over("mmsi") for name in ("t", "lat", "lon")}
    pairs = (
        _polars_columns(path, 4)
        .filter(_polars_valid())
        .with_columns(**before)
        .filter(pl.col("t") - pl.col("t0") > round(min_gap_h * 3600))
        .collect()
    )
    _polars_write(pairs, out)


def polars_plain(path, out, min_gap_h):
    """What most write: unique, sort, shift over the ship."""
    import polars as pl

    before = {f"{name}0": pl.col(name).shift(1).over("mmsi") for name in ("t", "lat", "lon")}
    pairs = (
        _polars_columns(path, 4)
        .filter(_polars_valid())
        .unique(subset=["mmsi", "t"])
        .sort("mmsi", "t")
        .with_columns(**before)
        .filter(pl.col("t") - pl.col("t0") > round(min_gap_h * 3600))
        .collect()
    )
    _polars_write(pairs, out)


def polars_store(path, out):
    import polars as pl

    columns = _polars_columns(path, 8).filter(_polars_valid())
    columns = columns.with_columns(key=pl.col("mmsi") * SHIP_ROOM + pl.col("t")).sort("key")
    columns = columns.filter((pl.col("key") != pl.col("key").shift(1)).fill_null(True)).drop("key")
    columns.sink_parquet(out, compression="zstd")


# --- duckdb


def _duckdb_valid(path, number):
    """Query for the valid rows, `t` in seconds."""
    kind = kind_of(path)
    names = dict(zip(FIELDS, NAMES[kind][:number], strict=False))
    time = f'"{names["t"]}"'
    if kind == "parquet":
        source, seconds = f"read_parquet('{path}')", f"epoch_us({time}) // 1000000"
    else:
        options = f"header = true, types = {{'{names['t']}': 'TIMESTAMP'}}, timestampformat = '{TIMES[kind]}'"
        source, seconds = f"read_csv('{path}', {options})", f"epoch_us({time}) // 1000000"
    columns = ", ".join(f'"{name}" AS {field}' for field, name in names.items() if field != "t")
    return (
        f"SELECT {seconds} AS t, {columns} FROM {source} WHERE mmsi BETWEEN {FIRST_SHIP} AND {LAST_SHIP} "
        "AND lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180"
    )


def _duckdb(path, query, out, options):
    import duckdb

    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as base:
        base.execute(f"SET temp_directory = '{spill}'; SET preserve_insertion_order = false")
        base.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet{options})")


def duckdb_lag(path, out, min_gap_h):
    """A window over each ship."""
    lags = ", ".join(f"lag({name}) OVER ship AS {name}0" for name in ("t", "lat", "lon"))
    h = (
        "pow(sin(radians(lat - lat0) / 2), 2)"
        " + cos(radians(lat0)) * cos(radians(lat)) * pow(sin(radians(lon - lon0) / 2), 2)"
    )
    query = (
        f"SELECT *, metres / 1852 / hours AS knots FROM (SELECT *, (t - t0) / 3600.0 AS hours, "
        f"2 * {EARTH_M} * asin(sqrt({h})) AS metres FROM (SELECT mmsi, t, lat, lon, {lags} "
        f"FROM ({_duckdb_valid(path, 4)}) WINDOW ship AS (PARTITION BY mmsi ORDER BY t)) "
        f"WHERE t - t0 > {round(min_gap_h * 3600)}) ORDER BY mmsi, t0"
    )
    _duckdb(path, query, out, "")


def duckdb_store(path, out):
    query = f"SELECT DISTINCT ON (mmsi, t) * FROM ({_duckdb_valid(path, 8)}) ORDER BY mmsi, t"
    _duckdb(path, query, out, ", COMPRESSION zstd")


# --- pandas and movingpandas


def _pandas_table(path):
    import pandas as pd

    kind = kind_of(path)
    names = dict(zip(NAMES[kind][:4], FIELDS, strict=False))
    if kind == "parquet":
        table = pd.read_parquet(path, columns=list(names)).rename(columns=names)
    else:
        table = pd.read_csv(path, usecols=list(names), engine="c").rename(columns=names)
        table["t"] = pd.to_datetime(table["t"], format=TIMES[kind])
    valid = table["mmsi"].between(FIRST_SHIP, LAST_SHIP) & table["lat"].between(-90, 90)
    return table[valid & table["lon"].between(-180, 180)]


def _pandas_write(pairs, out):
    import numpy as np

    a, b, c, d = (np.radians(pairs[name]) for name in ("lat0", "lon0", "lat", "lon"))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    metres = 2 * EARTH_M * np.arcsin(np.sqrt(h))
    hours = (pairs["t"] - pairs["t0"]).dt.total_seconds() / 3600
    pairs.assign(hours=hours, metres=metres, knots=metres / 1852 / hours).to_parquet(out)


def pandas_c(path, out, min_gap_h):
    """Sort, then the difference within each ship."""
    import pandas as pd

    table = _pandas_table(path).sort_values(["mmsi", "t"]).drop_duplicates(["mmsi", "t"])
    before = table.groupby("mmsi")[["t", "lat", "lon"]].shift(1).add_suffix("0")
    long = (table["t"] - before["t0"]) > pd.Timedelta(min_gap_h, unit="h")
    _pandas_write(table[long].join(before[long]), out)


def movingpandas_splitter(path, out, min_gap_h):
    """Trajectories split where they are silent; the gaps are what lies between the pieces.

    It drops pieces of a single fix, and so the gaps beside them.
    """
    import datetime as dt

    import movingpandas as mpd
    import pandas as pd

    table = _pandas_table(path).drop_duplicates(["mmsi", "t"])
    table["t"] = table["t"].dt.tz_localize(None)
    trips = mpd.TrajectoryCollection(table, "mmsi", x="lon", y="lat", t="t", min_length=-1)
    pieces = mpd.ObservationGapSplitter(trips).split(gap=dt.timedelta(hours=min_gap_h), min_length=-1).trajectories
    ends = pd.DataFrame(
        [
            (int(str(piece.id).partition("_")[0]), piece.get_start_time(), piece.get_end_time(), *_ends(piece))
            for piece in pieces
        ],
        columns=["mmsi", "begin", "end", "lat", "lon", "lat0", "lon0"],
    ).sort_values(["mmsi", "begin"])  # fmt: skip
    before = ends.groupby("mmsi")[["end", "lat0", "lon0"]].shift(1)
    pairs = ends[["mmsi", "begin", "lat", "lon"]].join(before).dropna()
    _pandas_write(pairs.rename(columns={"begin": "t", "end": "t0"}), out)


def _ends(piece):
    first, last = piece.get_start_location(), piece.get_end_location()
    return first.y, first.x, last.y, last.x


GAP_JOBS = {
    "polars_packed": polars_packed,
    "polars_no_sort": polars_no_sort,
    "polars_plain": polars_plain,
    "duckdb_lag": duckdb_lag,
    "pandas_c": pandas_c,
    "movingpandas": movingpandas_splitter,
}
STORE_JOBS = {"polars_store": polars_store, "duckdb_store": duckdb_store}
READS_ZST = (
    "polars_packed",
    "polars_no_sort",
    "polars_plain",
    "duckdb_lag",
    "pandas_c",
    "polars_store",
    "duckdb_store",
)


def run(name, path, out, *, min_gap_h=1.0):
    """Do one job; what the library cannot read packed is extracted first, as its users do."""
    path = Path(path)
    if path.suffix == ".zip" or (path.suffix == ".zst" and name not in READS_ZST):
        with tempfile.TemporaryDirectory() as folder:
            return run(name, _extracted(path, Path(folder)), out, min_gap_h=min_gap_h)
    if name in STORE_JOBS:
        return STORE_JOBS[name](path, out)
    return GAP_JOBS[name](path, out, min_gap_h)


def _extracted(path, folder):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return Path(archive.extract(archive.namelist()[0], folder))
    import zstandard

    plain = folder / path.stem
    with path.open("rb") as packed, plain.open("wb") as target:
        shutil.copyfileobj(zstandard.ZstdDecompressor().stream_reader(packed), target, 1 << 20)
    return plain


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*GAP_JOBS, *STORE_JOBS])
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--min-gap-h", type=float, default=1.0)
    options = parser.parse_args(arguments)
    run(options.name, options.file, options.out, min_gap_h=options.min_gap_h)


if __name__ == "__main__":
    sys.exit(main())
