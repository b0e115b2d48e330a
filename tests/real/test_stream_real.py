"""Real files as streams: wanted columns, pipes and compression change nothing."""

import gzip
import io

import pandas as pd
import pyarrow as pa
import pytest

from darkvoyage.io.stream import FixStream

pytestmark = pytest.mark.real

WANTED = ["sog", "nav_status", "ship_type", "length_m", "draught_m", "destination"]
FILES = [
    "ais_baltic_semicolon/baltic_2018_04_01.csv.gz",
    "ais_brest/nari_dynamic_sample.csv.gz",
    "ais_exactearth_csv/exactearth_2021_07_01.csv.gz",
    "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz",
    "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz",
    "ais_orbcomm_old_bahama/obc_fishing.csv",
]


class Pipe(io.BytesIO):
    def seekable(self):
        return False


def frame(stream):
    return pa.concat_tables(list(stream), promote_options="default").to_pandas()


@pytest.mark.parametrize("name", FILES)
def test_every_way_in_gives_the_same(real_data, name):
    path = real_data / name
    whole = FixStream(path)
    expected = frame(whole)
    assert len(expected)
    part = FixStream(path, columns=WANTED, fingerprints=False)
    found = frame(part)
    assert set(found.columns) == {"mmsi", "timestamp", "lat", "lon", *WANTED} & set(expected.columns)
    pd.testing.assert_frame_equal(found, expected[found.columns])
    assert part.report.rows_in == whole.report.rows_in == len(found) + sum(part.report.reasons.values())
    stored = path.read_bytes()
    pd.testing.assert_frame_equal(frame(FixStream(Pipe(stored))), expected)
    content = gzip.decompress(stored) if path.suffix == ".gz" else stored
    pd.testing.assert_frame_equal(frame(FixStream(io.BytesIO(content))), expected)


def test_a_period_of_a_parquet_file(real_data):
    path = real_data / "ais_kattegat_parquet/kattegat_2025_11_1min.parquet"
    everything = frame(FixStream(path))
    middle = everything["timestamp"].quantile(0.5)
    stream = FixStream(path, since=middle)
    late = frame(stream)
    assert dict(stream.report.reasons) == {"outside_period": (everything["timestamp"] < middle).sum()}
    assert len(late) < len(everything)
    pd.testing.assert_frame_equal(late, everything[everything["timestamp"] >= middle].reset_index(drop=True))
