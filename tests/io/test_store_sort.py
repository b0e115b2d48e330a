"""Blocks, merged parts and what comes back, against plain sorting of the same rows."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.io.store_manifest import run_folder
from darkvoyage.io.store_read import Window, select, vessel_totals, walk_part
from darkvoyage.io.store_sort import ARROW_TYPES, part_of, sort_reports
from darkvoyage.io.store_write import RunWriter, changes_file

PARTS = 3
START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)

SHIPS = st.sampled_from([201_000_001, 257_000_002, 311_000_003, 477_000_004])
VALUES = {
    "mmsi": SHIPS,
    "timestamp": st.integers(0, 5).map(lambda minutes: START + dt.timedelta(minutes=minutes)),
    "lat": st.sampled_from([None, 1.5, -2.25]),
    "nav_status": st.sampled_from([None, 0, 5]),
    "receiver": st.sampled_from([None, "satellite", "terrestrial"]),
    "imo": st.sampled_from([None, 9_000_001, 9_000_002]),
    "name": st.sampled_from([None, "ALPHA", "BRAVO"]),
    "draught_m": st.sampled_from([None, 4.5, 9.0]),
    "draught_timestamp": st.sampled_from([None, START, START - dt.timedelta(days=2)]),
}
OPTIONAL = ("nav_status", "receiver", "imo", "name", "draught_m", "draught_timestamp")


@st.composite
def blocks(draw):
    """Rows of a block, with some of the optional columns."""
    names = ["mmsi", "timestamp", "lat", *draw(st.lists(st.sampled_from(OPTIONAL), unique=True))]
    rows = draw(st.lists(st.fixed_dictionaries({name: VALUES[name] for name in names}), max_size=12))
    return names, rows


def arrow(names, rows, *, coded):
    table = pa.table({name: pa.array([row[name] for row in rows], ARROW_TYPES[name]) for name in names})
    text = [name for name in names if coded and ARROW_TYPES[name] == pa.string()]
    for name in text:
        table = table.set_column(names.index(name), name, table[name].dictionary_encode())
    return table


def plain(table):
    """Rows as tuples, NaN and null the same."""
    columns = [
        [None if value is None or value != value else value for value in column.to_pylist()] for column in table.columns
    ]
    return list(zip(*columns, strict=True))


def by_key(rows):
    return sorted(rows, key=lambda row: (row[0], row[1], [(value is not None, value) for value in row[2:]]))


def write(folder, parts_of_stream, buffer_bytes):
    with RunWriter(folder, 1, PARTS, buffer_bytes) as writer:
        for table in parts_of_stream:
            writer.add(table, table.select(["mmsi", "timestamp"]).slice(0, 0))
        writer.flush()
    return writer.runs


@given(st.lists(blocks(), max_size=4), st.booleans(), st.sampled_from([1, 1 << 30]))
def test_what_goes_in_comes_out(tmp_path_factory, given_blocks, coded, buffer_bytes):
    folder = tmp_path_factory.mktemp("store")
    runs = write(folder, [arrow(*block, coded=coded) for block in given_blocks], buffer_bytes)
    names = list(VALUES)
    expected = [tuple(row.get(name) for name in names) for _, rows in given_blocks for row in rows]
    read = [row for table in select(folder, runs, PARTS, Window(), names) for row in plain(table)]
    assert by_key(read) == by_key(expected)
    walked = [row for part in range(PARTS) for table in walk_part(folder, runs, part, 5, names) for row in plain(table)]
    assert by_key(walked) == by_key(expected)
    assert sum(run.rows for run in runs) == len(expected)
    totals = vessel_totals(folder, runs).to_pylist()
    ships = sorted({row[0] for row in expected})
    assert [(each["mmsi"], each["fixes"]) for each in totals] == [
        (ship, sum(row[0] == ship for row in expected)) for ship in ships
    ]
    for each in totals:
        times = [row[1] for row in expected if row[0] == each["mmsi"]]
        assert (each["first"], each["last"]) == (min(times), max(times))


@given(st.lists(blocks(), min_size=1, max_size=4), st.integers(1, 9), st.sampled_from([1, 1 << 30]))
def test_chunks_hold_whole_vessels_in_order(tmp_path_factory, given_blocks, rows, buffer_bytes):
    folder = tmp_path_factory.mktemp("store")
    runs = write(folder, [arrow(*block, coded=False) for block in given_blocks], buffer_bytes)
    seen = set()
    for part in range(PARTS):
        before = -1
        for table in walk_part(folder, runs, part, rows, ["mmsi", "timestamp"]):
            keys = plain(table)
            assert keys == sorted(keys)
            ships = {ship for ship, _ in keys}
            assert not ships & seen
            assert min(ships) > before
            assert len(keys) <= rows or len(ships) == 1
            assert {int(number) for number in part_of(np.array(sorted(ships)), PARTS)} == {part}
            seen |= ships
            before = max(ships)


def test_static_values_are_stored_only_where_they_change(tmp_path):
    ship = {"mmsi": 257_000_002, "lat": 60.0, "imo": 9_000_001}
    rows = [
        {**ship, "timestamp": START + dt.timedelta(minutes=minute), "name": "ALPHA" if minute < 40 else "BRAVO"}
        for minute in range(100)
    ]
    names = ["mmsi", "timestamp", "lat", "imo", "name"]
    (run,) = write(tmp_path, [arrow(names, rows[::2], coded=False), arrow(names, rows[1::2], coded=True)], 1 << 30)
    part = int(part_of(np.array([257_000_002]), PARTS)[0])
    from pyarrow import parquet

    log = parquet.read_table(changes_file(run_folder(tmp_path, run.number), part))
    assert log.select(["row", "mmsi", "timestamp", "imo"]).to_pylist() == [
        {"row": 0, "mmsi": 257_000_002, "timestamp": START, "imo": 9_000_001},
        {"row": 40, "mmsi": 257_000_002, "timestamp": START + dt.timedelta(minutes=40), "imo": 9_000_001},
    ]
    assert log["name"].cast(pa.string()).to_pylist() == ["ALPHA", "BRAVO"]


def test_reports_are_sorted_by_vessel_and_time_in_their_part():
    ships = [477_000_004, 201_000_001, 311_000_003, 201_000_001]
    table = pa.table(
        {
            "mmsi": ships,
            "timestamp": pa.array([START + dt.timedelta(minutes=m) for m in (3, 9, 1, 2)], ARROW_TYPES["timestamp"]),
            "name": ["D", "A2", "C", "A1"],
        }
    )
    parts = sort_reports([table.slice(0, 2), table.slice(2)], PARTS)
    assert len(parts) == PARTS
    for number, part in enumerate(parts):
        keys = list(zip(part["mmsi"].to_pylist(), part["timestamp"].to_pylist(), strict=True))
        assert keys == sorted(keys)
        assert {int(place) for place in part_of(part["mmsi"].to_numpy(), PARTS)} <= {number}
    assert sorted(name for part in parts for name in part["name"].to_pylist()) == ["A1", "A2", "C", "D"]


@pytest.mark.parametrize("parts", [1, 8])
def test_parts_are_even_and_fixed(parts):
    fleet = np.arange(200_000_000, 200_080_000)
    part = part_of(fleet, parts)
    share = np.bincount(part, minlength=parts) / len(fleet)
    assert len(share) == parts
    assert np.abs(share * parts - 1).max() < 0.05
    # The number of a part is on disk: it must never move.
    assert part_of(np.array([200_000_000, 366_999_712, 775_000_001]), 8).tolist() == [
        splitmix_plainly(mmsi) % 8 for mmsi in (200_000_000, 366_999_712, 775_000_001)
    ]


def splitmix_plainly(word):
    """Return splitmix64 (Steele, Lea, Flood 2014) of one word, with whole numbers of any size."""
    word = (word + 0x9E3779B97F4A7C15) % 2**64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)
