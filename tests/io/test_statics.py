"""Static reports onto positions, against a plain loop and by hand; stand-in numbers; JSON in all its shapes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.errors import DialectError, ReadError
from darkvoyage.io import json_records
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.statics import StaticReports
from darkvoyage.io.stream import FixStream
from darkvoyage.schema.ais import STAND_IN_BASE, is_equipment

FIXTURES = Path(__file__).parent / "fixtures"
START = pd.Timestamp("2024-03-07T00:00:00Z")
FIELDS = ("name", "draught_m", "ship_type")


def times(seconds):
    return pa.array([START.value // 1000 + 1_000_000 * second for second in seconds]).cast(pa.timestamp("us", "UTC"))


def reports(rows):
    return pa.table(
        {
            "mmsi": pa.array([row[0] for row in rows], pa.int64()),
            "timestamp": times(row[1] for row in rows),
            "name": pa.array([row[2] for row in rows], pa.string()),
            "draught_m": pa.array([row[3] for row in rows], pa.float64()),
            "ship_type": pa.array([row[4] for row in rows], pa.int16()),
        }
    )


def positions(rows):
    return pa.table(
        {"mmsi": pa.array([row[0] for row in rows], pa.int64()), "timestamp": times(row[1] for row in rows)}
    )


def plain_loop(fixes, statics):
    """For each position and field: of the ship's reports until then that say something the latest, then the largest."""
    out = []
    for mmsi, second, *_ in fixes:
        row = {}
        for place, field in enumerate(FIELDS, start=2):
            said = [r for r in statics if r[0] == mmsi and r[1] <= second and r[place] is not None]
            said = [r for r in said if not (field == "ship_type" and r[place] == 0)]
            best = max(said, key=lambda r: (r[1], r[place]), default=None)
            row[field] = None if best is None else best[place]
            if field == "draught_m":
                row["draught_timestamp"] = None if best is None else START + pd.Timedelta(seconds=best[1])
        out.append(row)
    return out


SHIPS = st.sampled_from([200000037, 200000074, 4_000_000_000_000_009])
REPORTS = st.lists(
    st.tuples(
        SHIPS,
        st.integers(0, 6),
        st.sampled_from([None, "A", "B"]),
        st.sampled_from([None, 6.1, 7.2]),
        st.sampled_from([None, 0, 70, 80]),
    ),
    max_size=12,
)
POSITIONS = st.lists(st.tuples(SHIPS, st.integers(-1, 8)), max_size=12)


@given(REPORTS, POSITIONS, st.integers(0, 12))
def test_join_is_the_plain_loop(rows, fixes, cut):
    statics = StaticReports()
    statics.add(reports(rows[:cut]))
    statics.join(positions(fixes))  # asking in between changes nothing
    statics.add(reports(rows[cut:]))
    joined = statics.join(positions(fixes))
    assert joined["mmsi"].to_pylist() == [mmsi for mmsi, _ in fixes]
    expected = plain_loop(fixes, rows)
    for field in (*FIELDS, "draught_timestamp"):
        found = joined[field].to_pylist() if field in joined.column_names else [None] * len(fixes)
        assert found == [row[field] for row in expected], field


def test_what_a_position_says_itself_is_left_alone():
    statics = StaticReports()
    statics.add(reports([(1, 0, "OLD", 6.1, 80)]))
    own = positions([(1, 5), (1, 6), (1, 7)])
    own = own.append_column("name", pa.array(["OWN", None, None]))
    own = own.append_column("draught_m", pa.array([np.nan, 7.2, None]))
    own = own.append_column("draught_timestamp", pa.array([None, None, None], pa.timestamp("us", "UTC")))
    own = own.append_column("ship_type", pa.array([70, 0, None], pa.int16()))
    joined = statics.join(own).to_pydict()
    assert joined["name"] == ["OWN", "OLD", "OLD"]
    assert joined["draught_m"] == [6.1, 7.2, 6.1]
    assert joined["draught_timestamp"] == [START, None, START]
    assert joined["ship_type"] == [70, 80, 80]


def test_ship_type_0_says_nothing_but_stays_where_no_report_says_more():
    own = positions([(1, 5)]).append_column("ship_type", pa.array([0], pa.int16()))
    statics = StaticReports()
    statics.add(reports([(2, 0, None, None, 80)]))
    assert statics.join(own)["ship_type"].to_pylist() == [0]


def test_forgetting_keeps_the_last_report_of_each_field():
    statics = StaticReports()
    statics.add(reports([(1, 0, "FIRST", 6.1, 80), (1, 2, "SECOND", None, None), (2, 1, "OTHER", None, None)]))
    statics.forget()
    joined = statics.join(positions([(1, 1), (1, 3), (2, 3)])).to_pydict()
    assert joined["name"] == [None, "SECOND", "OTHER"]
    assert joined["draught_m"] == [6.1, 6.1, None]


@given(REPORTS, POSITIONS, st.integers(0, 7), st.integers(0, 7))
def test_forgetting_up_to_a_moment_changes_nothing_for_later_positions(rows, fixes, first, second):
    statics = StaticReports()
    statics.add(reports(rows))
    for moment in sorted((first, second)):
        statics.forget(times([moment]).cast("int64")[0].as_py())
    later = [fix for fix in fixes if fix[1] >= max(first, second)]
    joined = statics.join(positions(later))
    for field in (*FIELDS, "draught_timestamp"):
        found = joined[field].to_pylist() if field in joined.column_names else [None] * len(later)
        assert found == [row[field] for row in plain_loop(later, rows)], field


def message(kind, second, **fields):
    stamp = (START + pd.Timedelta(seconds=second)).isoformat()
    return {"mmsi": 200000037, "type": kind, "timestamp": stamp, "speed": None, "course": None} | fields


def feed(path, *messages):
    path.write_text("".join(json.dumps(one) + "\n" for one in messages))
    return path


POSITION = {"lat": 1.5, "lon": 2.5}


def test_type_24_does_not_erase_what_type_5_said(tmp_path):
    path = feed(
        tmp_path / "a.jsonl",
        message(5, 0, shipname="EXAMPLE ONE", draught=6.1, destination="NAMPO", shiptype=80),
        message(1, 1, **POSITION),
        message(24, 2, shipname="EXAMPLE TWO"),
        message(24, 3, callsign="EX2", shiptype=0),
        message(1, 4, **POSITION),
        message(5, 5, shipname="EXAMPLE TWO", draught=9.9, destination="", shiptype=80),
        message(1, 6, **POSITION),
    )
    fixes = read_fixes(path)
    assert fixes["name"].tolist() == ["EXAMPLE ONE", "EXAMPLE TWO", "EXAMPLE TWO"]
    assert fixes["draught_m"].tolist() == [6.1, 6.1, 9.9]
    assert fixes["draught_timestamp"].tolist() == [START, START, START + pd.Timedelta(seconds=5)]
    assert fixes["destination"].tolist() == ["NAMPO"] * 3
    assert fixes["destination_timestamp"].tolist() == [START] * 3
    assert fixes["ship_type"].tolist() == [80, 80, 80]
    report = fixes.attrs["read_report"]
    assert (report["rows_in"], report["rows_out"], report["reasons"]) == (7, 3, {"static_report": 4})


def test_a_static_report_without_a_time_or_a_ship_is_counted_once_and_not_used(tmp_path):
    path = feed(
        tmp_path / "a.jsonl",
        message(5, 0, shipname="NOBODY") | {"timestamp": "soon"},
        message(5, 0, shipname="NOBODY") | {"mmsi": None},
        message(1, 1, **POSITION),
    )
    fixes = read_fixes(path)
    assert fixes["name"].isna().all()
    assert fixes.attrs["read_report"]["reasons"] == {"static_report": 2}


def test_statics_of_any_file_whatever_its_place_in_the_list(tmp_path):
    first = feed(tmp_path / "a.jsonl", message(1, 1, **POSITION), message(1, 3, **POSITION))
    second = feed(
        tmp_path / "b.jsonl", message(5, 2, shipname="EXAMPLE", lat=None, lon=None), message(1, 0, **POSITION)
    )
    fixes = read_fixes([first, second])
    assert fixes["name"].fillna("").tolist() == ["", "", "EXAMPLE"]


def words(fixes):
    return fixes["name"].fillna("").tolist() if "name" in fixes else [""] * len(fixes)


@given(st.lists(st.tuples(st.sampled_from([1, 5, 24]), st.sampled_from(["A", "B"])), min_size=1, max_size=30))
def test_a_stream_in_order_of_time_is_the_exact_join(tmp_path_factory, kinds):
    messages = [message(1, 0, **POSITION)]
    for second, (kind, word) in enumerate(kinds, start=1):
        messages.append(
            message(kind, second, **(POSITION if kind == 1 else {"shipname": word, "lat": None, "lon": None}))
        )
    folder = tmp_path_factory.mktemp("feed")
    paths = [
        feed(folder / f"{n}.jsonl", *part) for n, part in enumerate(np.array_split(np.array(messages), 3)) if len(part)
    ]
    exact = read_fixes(paths)
    parts = [part.to_pandas() for part in FixStream(paths)]
    streamed = pd.concat([part for part in parts if len(part)], ignore_index=True)
    assert words(streamed) == words(exact)


def test_static_file_beside_the_positions(tmp_path):
    dynamic = tmp_path / "nari_dynamic.csv"
    dynamic.write_text(
        "sourcemmsi,navigationalstatus,rateofturn,speedoverground,courseoverground,trueheading,lon,lat,t\n"
        + "".join(f"245257000,0,0,0.1,13.1,36,-4.5,48.25,{second}\n" for second in (1443650399, 1443650402, 1443650405))
    )
    fixes = read_fixes([dynamic, FIXTURES / "statics_brest.csv"])
    assert fixes["name"].fillna("").tolist() == ["", "EXAMPLE ONE", "EXAMPLE NEW"]
    assert fixes["draught_m"].fillna(0).tolist() == [0, 2.7, 3.5]
    assert fixes["length_m"].fillna(0).tolist() == [0, 84, 84]  # 75 + 9
    assert fixes["beam_m"].fillna(0).tolist() == [0, 11, 11]  # 3 + 8
    assert fixes["imo"].fillna(0).tolist() == [0, 9000001, 9000001]
    assert fixes.attrs["read_report"]["reasons"] == {"static_report": 3}
    assert sorted(fixes.attrs["read_report"]["dialect"]) == ["brest", "brest_static"]


def test_static_file_before_the_positions_of_the_same_time_in_one_pass(tmp_path):
    static = tmp_path / "a_static.csv"
    static.write_bytes((FIXTURES / "statics_brest.csv").read_bytes())
    dynamic = tmp_path / "b_dynamic.csv"
    dynamic.write_text(
        "sourcemmsi,navigationalstatus,rateofturn,speedoverground,courseoverground,trueheading,lon,lat,t\n"
        + "".join(f"245257000,0,0,0.1,13.1,36,-4.5,48.25,{second}\n" for second in (1443650399, 1443650402, 1443650405))
    )
    parts = [part.to_pandas() for part in FixStream([static, dynamic])]
    streamed = pd.concat([part for part in parts if len(part)], ignore_index=True)
    assert streamed["name"].fillna("").tolist() == ["", "EXAMPLE ONE", "EXAMPLE NEW"]
    assert streamed["draught_m"].fillna(0).tolist() == [0, 2.7, 3.5]


def test_digitraffic_locations_and_vessels():
    fixes = read_fixes([FIXTURES / "fixes_digitraffic.json", FIXTURES / "statics_digitraffic.json"])
    found = fixes[fixes["mmsi"] == 200000074].iloc[0]  # reported 23.118 s after the metadata
    assert (found["name"], found["callsign"], found["imo"], found["ship_type"]) == ("EXAMPLE ONE", "EX1", 9000001, 80)
    assert (found["draught_m"], found["length_m"], found["beam_m"]) == (8.2, 250, 44)
    assert found["draught_timestamp"] == pd.Timestamp("2025-03-03T11:00:00Z")


@pytest.mark.parametrize("name", ["statics_brest.csv", "statics_digitraffic.json"])
def test_static_reports_alone_are_refused(name):
    with pytest.raises(DialectError, match="static reports without positions"):
        read_fixes(FIXTURES / name)


# --- ids in place of MMSI


def anonymous(tmp_path, ids, name="vessel"):
    rows = [f"{identity},2024-03-07T00:00:0{n}Z,1.5,2.5" for n, identity in enumerate(ids)]
    (tmp_path / "a.csv").write_text("\n".join([f"{name},time,lat,lon", *rows]))
    options = {"column_map": {"mmsi": name, "timestamp": "time"}}
    return tmp_path / "a.csv", options


def test_an_id_has_one_number_in_every_file_and_order(tmp_path):
    path, options = anonymous(tmp_path, ["Alpha", "b-7", "Alpha"])
    one = read_fixes(path, synthetic_ids=True, **options)
    path, options = anonymous(tmp_path, ["c", "b-7", "Alpha"])
    other = read_fixes(path, synthetic_ids=True, **options)
    numbers = dict(zip(one["vessel"], one["mmsi"], strict=True)), dict(zip(other["vessel"], other["mmsi"], strict=True))
    assert {name: numbers[1][name] for name in numbers[0]} == numbers[0]
    every = [*numbers[0].values(), *numbers[1].values()]
    assert len(set(every)) == 3
    assert all(STAND_IN_BASE <= number < 2**53 for number in every)
    assert one.attrs["read_report"]["synthetic_ids"] is True
    assert one.attrs["read_report"]["ids"] == 2


def siphash_2_4(key, data):
    """Aumasson and Bernstein, SipHash: a fast short-input PRF (2012), word by word."""
    mask = 2**64 - 1
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def half(one, two, by, turned):
        v[one] = (v[one] + v[two]) & mask
        v[two] = ((v[two] << by) | (v[two] >> (64 - by))) & mask ^ v[one]
        if turned:
            v[one] = ((v[one] << 32) | (v[one] >> 32)) & mask

    def rounds(count):
        for _ in range(count):
            half(0, 1, 13, True)
            half(2, 3, 16, False)
            half(0, 3, 21, False)
            half(2, 1, 17, True)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for place in range(0, len(padded), 8):
        word = int.from_bytes(padded[place : place + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def mixed(number):
    """Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014): the variant called SplitMix64."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB % 2**64
    return number ^ (number >> 31)


def test_the_hash_is_siphash(tmp_path):
    assert siphash_2_4(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5  # their appendix A
    path, options = anonymous(tmp_path, ["Alpha", "7"])
    fixes = read_fixes(path, synthetic_ids=True, **options)
    hashed = {name: mixed(siphash_2_4(b"0123456789123456", name.encode())) for name in ("Alpha", "7")}
    wanted = {name: STAND_IN_BASE + number % 2**51 for name, number in hashed.items()}
    assert dict(zip(fixes["vessel"].astype("str"), fixes["mmsi"], strict=True)) == wanted


def test_numbers_as_ids_are_the_same_as_their_text(tmp_path):
    times = pd.to_datetime(["2024-03-07T00:00:00Z", "2024-03-07T00:00:01Z"])
    for name, ids in (("int", [7, 12]), ("float", [7.0, 12.0]), ("text", ["7", "12"])):
        frame = pd.DataFrame({"vid": ids, "timestamp": times, "lat": [1.5, 1.5], "lon": [2.5, 2.5]})
        frame.to_parquet(tmp_path / f"{name}.parquet")
    fixes = read_fixes(tmp_path, column_map={"mmsi": "vid"}, synthetic_ids=True)
    assert len(fixes) == 6
    assert fixes["mmsi"].nunique() == fixes.attrs["read_report"]["ids"] == 2


def test_ids_in_a_column_called_mmsi_are_kept_beside(tmp_path):
    path, _ = anonymous(tmp_path, ["xx", "yy"], name="mmsi")
    path.write_text(path.read_text().replace("time", "timestamp"))
    fixes = read_fixes(path, synthetic_ids=True)
    assert sorted(fixes["source_mmsi"]) == ["xx", "yy"]
    assert (fixes["mmsi"] >= STAND_IN_BASE).all()


def test_an_empty_id_is_no_vessel(tmp_path):
    path, options = anonymous(tmp_path, ["xx", ""])
    fixes = read_fixes(path, synthetic_ids=True, **options)
    assert fixes.attrs["read_report"]["reasons"] == {"bad_mmsi": 1}
    assert fixes.attrs["read_report"]["ids"] == 1


def test_mapped_ids_that_are_no_numbers_name_the_option(tmp_path):
    path, options = anonymous(tmp_path, ["xx", "yy"])
    with pytest.raises(DialectError, match=r"'vessel' for 'mmsi', which holds no numbers.*synthetic_ids=True"):
        read_fixes(path, **options)


def test_stand_ins_are_ships():
    assert not is_equipment(np.array([STAND_IN_BASE, STAND_IN_BASE + 2**51 - 1])).any()


# --- shapes of JSON

ROWS = [{"mmsi": 200000037, "timestamp": f"2024-03-07T00:00:0{n}Z", "lat": 1.5, "lon": 2.5 + n} for n in range(4)]


def shapes():
    yield "lines", "".join(json.dumps(row) + "\n" for row in ROWS)
    yield "array", json.dumps(ROWS)
    yield "pretty_array", "\n" + json.dumps(ROWS, indent=2)
    yield "collection", json.dumps({"count": 4, "ships": ROWS})
    yield "pretty_collection", json.dumps({"count": 4, "ships": ROWS}, indent=2)
    yield "nested", "".join(json.dumps({"only": {"inner": row}}) + "\n" for row in ROWS)
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]}, "properties": row}
        for row in ROWS
    ]
    yield "geojson", json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(("name", "text"), list(shapes()), ids=[name for name, _ in shapes()])
@pytest.mark.parametrize("rows", [1, 3, 1 << 16])
def test_every_shape_of_json_is_the_same_table(tmp_path, monkeypatch, name, text, rows):
    monkeypatch.setattr(json_records, "_ROWS", rows)
    monkeypatch.setattr(json_records, "_PIECE", 7 * rows)
    (tmp_path / "a.json").write_text(text)
    fixes = read_fixes(tmp_path / "a.json")
    assert fixes["lon"].tolist() == [2.5, 3.5, 4.5, 5.5]
    assert fixes.attrs["read_report"]["rows_in"] == 4


def test_a_member_that_comes_late_is_null_before(tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "_ROWS", 2)
    (tmp_path / "a.json").write_text(json.dumps([*ROWS, {**ROWS[0], "note": "late", "sog": 3.5}]))
    fixes = read_fixes(tmp_path / "a.json")
    assert fixes["note"].notna().sum() == 1
    assert fixes["sog"].notna().sum() == 1


@pytest.mark.parametrize("cut", [10, 60, 150])
def test_a_cut_array_is_refused_with_the_byte(tmp_path, monkeypatch, cut):
    monkeypatch.setattr(json_records, "_PIECE", 16)
    (tmp_path / "a.json").write_text(json.dumps(ROWS)[:cut])
    with pytest.raises(ReadError, match=r"a\.json: truncated or damaged JSON at byte (\d+)") as caught:
        read_fixes(tmp_path / "a.json")
    assert int(str(caught.value).split("byte ")[1].split()[0]) <= cut


def test_an_endless_object_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "_PIECE", 64)
    monkeypatch.setattr(json_records, "_WHOLE", 256)
    (tmp_path / "a.json").write_text('[{"a": "' + "x" * 100_000)
    with pytest.raises(ReadError, match="truncated or damaged JSON at byte"):
        read_fixes(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{\n"ships": [' + "{}, " * 1000 + "{}]}")
    with pytest.raises(ReadError, match="write them as an array, or one a line"):
        read_fixes(tmp_path / "a.json")


def test_json_without_objects_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(ReadError, match="expected a JSON array of objects"):
        read_fixes(tmp_path / "a.json")


def test_a_file_without_header_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("200000037,1.5,2.5\n200000037,1.5,2.5\n")
    with pytest.raises(DialectError, match=r"first line holds numbers"):
        read_fixes(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("200000037,1709769600,1.5,2.5\n200000037,1709769601,1.5,2.5\n")
    columns = {"mmsi": "column_1", "timestamp": "column_2", "lat": "column_3", "lon": "column_4"}
    assert len(read_fixes(tmp_path / "b.csv", column_map=columns)) == 2
