"""Text through compiled kernels against the same text through Arrow's parser: equal values, equal account."""

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba")

from darkvoyage.errors import DarkvoyageError
from darkvoyage.io import delimited, fast_text, stream
from darkvoyage.io.stream import FixStream

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"

TIMES = ["2024-03-07T00:00:01", "2024-03-07 23:59:59.5", "2024-03-07T00:00:01Z", "2024-03-07"]
ODD = [
    "",
    "",
    " ",
    "NULL",
    "nan",
    "inf",
    "x",
    '"',
    '"7"',
    '"a,b"',
    '"a""b"',
    "1e2",
    "+3",
    "\r",
    "Ærø",
    "\udcff",
    "12345678901234567",
]
CELLS = {
    "MMSI": ["200000037", "200000038", "200000037.0", "0", '"200000039"'],
    "LAT": ["54.5", "-10.00001", "91", "91.0", "0"],
    "LON": ["11.123456", "-179.9999", "181", "181.0", "0"],
    "SOG": ["0", "10.4", "102.3", "-0.1", "-51.2", "102.29999"],
    "COG": ["0.0", "359.9", "360", "-49.6", "-204.8"],
    "Heading": ["511", "511.0", "0", "359"],
    "VesselName": ["EVER GIVEN", '"ONE, TWO"', "UNKNOWN", "A@@@", "Ærø"],
    "IMO": ["IMO9074729", "IMO0", "0", "IMO", "9074729"],
    "VesselType": ["70", "80", "1004", "300", "70.5"],
    "Status": ["0", "15", "16", "under way using engine"],
    "Length": ["0", "182", "182.5"],
    "Draft": ["0.0", "10.4"],
    "TransceiverClass": ["A", "B", "C"],
}
CADASTRE = {"MMSI": CELLS["MMSI"], "BaseDateTime": TIMES} | {name: CELLS[name] for name in list(CELLS)[1:]}
DANISH = {
    "# Timestamp": ["07/03/2024 00:00:01", "31/12/2023 23:59:59", "31/02/2024 00:00:00", "7/3/2024 00:00:01"],
    "Type of mobile": ["Class A", "Class B", "Base Station", "AtoN"],
    "MMSI": CELLS["MMSI"],
    "Latitude": CELLS["LAT"],
    "Longitude": CELLS["LON"],
    "Navigational status": ["Under way using engine", "Moored", "Unknown value", "Odd"],
    "SOG": CELLS["SOG"],
    "COG": CELLS["COG"],
    "Heading": CELLS["Heading"],
    "IMO": ["9074729", "Unknown", "Unknown", "0"],
    "Ship type": ["Tanker", "Cargo", "Undefined"],
    "Length": CELLS["Length"],
    "A": ["100", "20"], "B": ["20", "3"], "C": ["5"], "D": ["6", ""],
    "Cargo type": ["No additional information", ""],
}  # fmt: skip
OWN = {
    "mmsi": CELLS["MMSI"],
    "timestamp": [*TIMES, "2024-03-07 00:00:01+00:00", "2024-03-07 01:00:01+01:00", "2024-03-07 00:00:01 UTC"],
    "lat": CELLS["LAT"],
    "lon": CELLS["LON"],
    "sog": ["3.5", "102.3"],
    "receiver": ["terrestrial", "Satellite", "x"],
    "draught_timestamp": TIMES,
    "remark": ["a", "b", "7"],
}
EPOCH = {
    "sourcemmsi": CELLS["MMSI"],
    "navigationalstatus": CELLS["Status"],
    "t": ["1443650402", "1443650402.25", "1.4436504e9", "253402300800", "-1"],
    "lon": CELLS["LON"],
    "lat": CELLS["LAT"],
    "speedoverground": CELLS["SOG"],
}
TENTHS = {
    "MMSI": CELLS["MMSI"],
    "TIMESTAMP_UTC": TIMES,
    "LAT": CELLS["LAT"],
    "LON": CELLS["LON"],
    "SPEED_KNOTSx10": ["104", "1023", "NULL", "0"],
    "DRAUGHT_METERSx10": ["NULL", "104"],
    "VESSEL_TYPE": ["Tanker", "Pilot Vessel"],
}
SOURCES = {"cadastre": CADASTRE, "danish": DANISH, "own": OWN, "epoch": EPOCH, "tenths": TENTHS}


@st.composite
def texts(draw, cells):
    """A file: columns in any order, mostly plain rows, some with odd cells, and lines that are no rows."""
    names = draw(st.permutations(list(cells)))
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\n", "\r\n"]))
    plain = st.tuples(*(st.sampled_from(cells[name]) for name in names))
    odd = st.tuples(*(st.one_of(st.sampled_from(cells[name]), st.sampled_from(ODD)) for name in names))
    line = st.one_of(
        st.one_of(plain, plain, plain, odd).map(delimiter.join),
        st.sampled_from(["", " ", "1,2,3", delimiter * (len(names) - 1), delimiter * len(names), "\r", '"']),
    )
    lines = draw(st.lists(line, max_size=25))
    text = end.join([delimiter.join(names), *lines]) + draw(st.sampled_from(["", end]))
    return text.encode("utf-8", "surrogateescape")


def read(data, *, fast, block=1 << 24, **options):
    """Return what a reading gives: tables and account, or the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "FAST_FROM_BYTES", 0 if fast else 1 << 60)
        patch.setattr(delimited, "_BLOCK", block)
        source = FixStream(io.BytesIO(data), progress=False, **options)
        try:
            parts = list(source)
        except DarkvoyageError as error:
            return type(error), str(error)
    table = pa.concat_tables(parts, promote_options="default").combine_chunks()
    return table, source.report.as_dict(len(table))


def assert_same(data, **options):
    slow, fast = read(data, fast=False, **options), read(data, fast=True, **options)
    if not isinstance(slow[0], pa.Table):
        assert fast == slow
        return None
    assert fast[0].schema == slow[0].schema
    for name in slow[0].column_names:
        assert bits(fast[0][name]) == bits(slow[0][name]), name
    through_library = fast[1].pop("rows_by_library_parser")
    assert slow[1].pop("rows_by_library_parser") == 0
    assert fast[1] == slow[1]
    return through_library


def bits(column):
    """Values that compare equal only if every bit of every number is."""
    values = column.combine_chunks()
    if pa.types.is_floating(values.type):
        numbers = np.where(
            np.isnan(values.to_numpy(zero_copy_only=False)), np.nan, values.to_numpy(zero_copy_only=False)
        )
        return numbers.tobytes()
    return values.to_pylist()


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
def test_messy_text_gives_the_same(name, data):
    assert_same(data.draw(texts(SOURCES[name])), block=data.draw(st.sampled_from([300, 2000, 1 << 24])))


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
def test_wanted_columns_and_period_give_the_same(name, data):
    text, bounded = data.draw(texts(SOURCES[name])), data.draw(st.booleans())
    period = {"since": "2024-03-07T00:00:00Z", "until": "2024-03-07T12:00:00Z"} if bounded else {}
    assert_same(text, block=500, columns=["sog", "nav_status", "imo", "length_m", "ship_type"], **period)


def test_plain_rows_go_through_the_kernels_and_the_others_are_counted():
    lines = [f"200000037,2024-03-07T00:00:{n:02},54.5,11.25,A\n" for n in range(20)]
    lines[7] = lines[7].replace("54.5", "5.45e1")
    lines[11:11] = ["\n", "200000037,2024-03-07T00:00:00,1\n"]
    text = "".join(["MMSI,BaseDateTime,LAT,LON,TransceiverClass\n", *lines])
    table, report = read(text.encode(), fast=True)
    assert table["timestamp"].cast("int64").to_pylist() == [(1_709_769_600 + n) * 1_000_000 for n in range(20)]
    assert table["lat"].to_pylist() == [54.5] * 20
    assert (report["rows_in"], report["rows_out"], report["rows_by_library_parser"]) == (21, 20, 2)
    assert report["reasons"] == {"broken_line": 1}
    assert report["examples"]["broken_line"] == [{"file": "<stream>", "line": 14, "text": lines[12].strip()}]


def test_the_first_bytes_go_through_the_library_then_the_kernels_take_over(monkeypatch):
    names = []
    kernels = fast_text.importlib.import_module("darkvoyage.kernels.csv_columns")
    original = kernels.read_columns
    monkeypatch.setattr(kernels, "read_columns", lambda *given: (names.append(len(given[-2])), original(*given))[1])
    monkeypatch.setattr(stream, "FAST_FROM_BYTES", 5_000)
    monkeypatch.setattr(delimited, "_BLOCK", 1_000)
    rows = [f"2000000{n % 90 + 10},2024-03-07T00:{n // 60:02}:{n % 60:02},54.5,11.25" for n in range(400)]
    data = "\n".join(["MMSI,BaseDateTime,LAT,LON", *rows]).encode()
    packed = FixStream(io.BytesIO(gzip.compress(data)), progress=False)  # how much comes is not known
    table = pa.concat_tables(packed)
    assert table["timestamp"].cast("int64").to_pylist() == [(1_709_769_600 + n) * 1_000_000 for n in range(400)]
    assert 200 < sum(names) < 300
    names.clear()
    assert len(pa.concat_tables(FixStream(io.BytesIO(data), progress=False))) == 400
    assert sum(names) == 400


def test_an_error_in_the_middle_is_raised_in_its_place():
    rows = ["200000037,2024-03-07T00:00:00Z,1,2"] * 100
    rows[70] = "200000037,2024-03-07T00:00:00,1,2"
    text = "\n".join(["id,when,y,x", *rows]).encode()
    column_map = {"mmsi": "id", "timestamp": "when", "lat": "y", "lon": "x"}
    kind, words = read(text, fast=True, block=500, column_map=column_map)
    assert issubclass(kind, DarkvoyageError)
    assert (kind, words) == read(text, fast=False, block=500, column_map=column_map)
    assert "line 72" in words


@pytest.mark.real
@pytest.mark.parametrize(
    "path",
    [
        "ais_baltic_semicolon/baltic_2018_04_01.csv.gz",
        "ais_brest/nari_dynamic_sample.csv.gz",
        "ais_gfw_positions/position_messages.csv.gz",
        "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz",
        "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz",
        "ais_orbcomm_old_bahama/anom_datav2.csv.gz",
        "ais_satellite_2012_scored/raw_10k_points.csv.gz",
    ],
)
@pytest.mark.parametrize("columns", [None, ["sog", "cog", "nav_status"]])
def test_real_files_give_the_same(path, columns):
    file = REAL / path
    if not file.exists():
        pytest.skip(f"{file} is not here")
    data = gzip.decompress(file.read_bytes())
    through_library = assert_same(data, block=1 << 18, columns=columns)
    assert through_library < 0.01 * data.count(b"\n")
