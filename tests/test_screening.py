import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import TABLES
from darkvoyage.screening import normalise_names, screen

DAY = pd.Timestamp("2018-03-30T00:00Z")
LATER = pd.Timestamp("2020-01-01T00:00Z")


def entries(*rows):
    names = ["list_name", "imo", "mmsi", "name", "aliases", "listed_on", "delisted_on"]
    frame = pd.DataFrame(rows, columns=names, dtype="object").assign(source_sha256="f" * 64, program="P")
    for name in ("imo", "mmsi"):
        frame[name] = frame[name].astype("Int64")
    for name in ("listed_on", "delisted_on"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return finish(frame, TABLES["WATCHLIST"])


def vessels(*rows):
    frame = pd.DataFrame(rows, columns=["mmsi", "imo", "name"], dtype="object")
    return finish(frame.astype({"mmsi": "int64", "imo": "Int64", "name": "str"}), TABLES["VESSELS"])


STAR = ("L", 9000003, 200000002, "BLUE STAR", "RED STAR; Étoile-Bleue", DAY, LATER)


@pytest.mark.parametrize(
    ("vessel", "kind", "name"),
    [
        ((1, 9000003, "OTHER"), "imo", "BLUE STAR"),
        ((200000002, None, "OTHER"), "mmsi", "BLUE STAR"),
        ((200000002, 9000003, "BLUE STAR"), "imo", "BLUE STAR"),
        ((200000002, 9000015, "OTHER"), "mmsi", "BLUE STAR"),  # the radio's number moved, or was borrowed
        ((1, None, "blue-star"), "name", "BLUE STAR"),
        ((1, None, "RED STAR"), "name", "RED STAR"),
        ((1, None, "ETOILE BLEUE"), "name", "Étoile-Bleue"),
        ((1, 9000015, "BLUE STAR"), None, None),  # another hull of that name
        ((1, None, "BLUE STAR 2"), None, None),
        ((1, None, None), None, None),
    ],
)
def test_kinds_of_match(vessel, kind, name):
    table = screen(vessels(vessel), entries(STAR), on="2019-01-01")
    assert list(table.columns) == list(TABLES["SCREENING"].names)
    assert table["matched_by"].tolist() == ([kind] if kind else [])
    assert table["matched_name"].tolist() == ([name] if name else [])


def test_a_name_matches_where_the_list_has_no_imo():
    table = screen(vessels((1, 9000015, "BLUE STAR")), entries(("L", None, None, "Blue Star", None, None, None)))
    assert table["matched_by"].tolist() == ["name"]


@pytest.mark.parametrize(
    ("on", "listed"),
    [
        ("2018-03-29", False), ("2018-03-30", True), ("2019-12-31T23:59:59Z", True), ("2020-01-01", False),
        (dt.date(2018, 3, 30), True), (pd.Timestamp("2018-03-30T01:00+02:00"), False), (None, None),
        (dt.datetime(2018, 3, 30, tzinfo=dt.UTC), True),
    ],
)  # fmt: skip
def test_as_of_the_day_of_the_event(on, listed):
    table = screen(vessels((1, 9000003, "X")), entries(STAR), on=on)
    value = table["listed_at_event"].iloc[0]
    assert pd.isna(value) if listed is None else value == listed


def test_a_list_without_dates_does_not_say():
    undated = ("L", 9000003, None, "BLUE STAR", None, None, None)
    table = screen(vessels((1, 9000003, "X")), entries(undated), on="2019-01-01")
    assert table["listed_at_event"].isna().all()
    assert table["event_time"].tolist() == [pd.Timestamp("2019-01-01T00:00Z")]
    assert table["list_sha256"].tolist() == ["f" * 64]


def test_never_delisted():
    table = screen(vessels((1, 9000003, "X")), entries(("L", 9000003, None, "B", None, DAY, None)), on="2030-01-01")
    assert table["listed_at_event"].tolist() == [True]


def test_transfers_are_screened_at_their_gap():
    frame = pd.DataFrame(
        {
            "gap_id": ["a", "a", "b"],
            "port_id": ["P", "Q", "P"],
            "mmsi": [1, 1, 1],
            "imo": pd.array([9000003] * 3, dtype="Int64"),
            "gap_start": pd.to_datetime(["2018-01-01", "2018-01-01", "2019-01-01"], utc=True),
        }
    )
    table = screen(frame, entries(STAR), on="2030-01-01")
    assert table["event_time"].tolist() == [pd.Timestamp("2018-01-01T00:00Z"), pd.Timestamp("2019-01-01T00:00Z")]
    assert table["listed_at_event"].tolist() == [False, True]


def test_one_row_for_each_list_entry():
    again = ("L", 9000003, 200000002, "BLUE STAR", None, LATER, None)
    other = ("M", None, None, "BLUE STAR", None, None, None)
    two_radios = ("L", 9000003, 200000005, "BLUE STAR", "RED STAR; Étoile-Bleue", DAY, LATER)
    table = screen(vessels((200000005, 9000003, "BLUE STAR")), entries(STAR, two_radios, again, other), on="2019-01-01")
    assert table[["list_name", "matched_by"]].to_numpy().tolist() == [["L", "imo"], ["L", "imo"], ["M", "name"]]
    assert sorted(table["listed_at_event"].dropna().tolist()) == [False, True]


def test_imo_numbers_alone_are_enough():
    table = screen(pd.DataFrame({"imo": [9000003, 9000015]}), entries(STAR))
    assert table["imo"].tolist() == [9000003]
    assert table["mmsi"].isna().all()


def test_empty_tables():
    for table in (screen(vessels(), entries(STAR)), screen(vessels((1, 9000003, "X")), entries())):
        assert list(table.columns) == list(TABLES["SCREENING"].names)
        assert len(table) == 0
        assert str(table["event_time"].dtype) == "datetime64[us, UTC]"


def test_refusals():
    with pytest.raises(RuleError, match="on: expected a time with zone, got the naive"):
        screen(vessels((1, 9000003, "X")), entries(STAR), on=dt.datetime(2019, 1, 1))  # noqa: DTZ001
    with pytest.raises(RuleError, match="on: expected a time with zone"):
        screen(vessels((1, 9000003, "X")), entries(STAR), on="2019-01-01T05:00")
    with pytest.raises(RuleError, match="on: expected an ISO date"):
        screen(vessels((1, 9000003, "X")), entries(STAR), on="yesterday-ish")
    with pytest.raises(SchemaError, match="expected a column mmsi, imo or name; found columns: a"):
        screen(pd.DataFrame({"a": [1]}), entries(STAR))
    with pytest.raises(SchemaError, match="WATCHLIST: missing column"):
        screen(vessels((1, 9000003, "X")), pd.DataFrame({"imo": [9000003]}))


def test_inputs_stay_as_they_were_and_arrow_is_welcome():
    import pyarrow as pa

    ships, listed = vessels((1, 9000003, "X")), entries(STAR)
    before = ships.copy(deep=True), listed.copy(deep=True)
    table = screen(pa.Table.from_pandas(ships), listed)
    pd.testing.assert_frame_equal(ships, before[0])
    pd.testing.assert_frame_equal(listed, before[1])
    pd.testing.assert_frame_equal(table, screen(ships, listed))


def test_names():
    given = pd.Series(["M/V Blue  Star@@", "Ærø-Å", "ЗВЕЗДА 1", " - ", None], dtype="str")
    assert normalise_names(given).fillna("").tolist() == ["MVBLUESTAR", "ÆRØA", "ЗВЕЗДА1", "", ""]


NAMES = st.sampled_from(["BLUE STAR", "RED STAR", "Blue-Star", None])
IMOS = st.sampled_from([9000003, 9000015, None])
RADIOS = st.sampled_from([200000002, 200000014])
LISTS = st.uuids().map(str)
ALIASES = st.sampled_from([None, "RED STAR"])
DAYS = st.sampled_from([DAY, LATER, None])


def by_loops(ships, listed, on):
    out = set()
    for mmsi, imo, name in ships:
        for list_name, their_imo, their_mmsi, their_name, aliases, since, until in listed:
            spellings = [their_name, *(aliases or "").split(";")]
            plain = [(s or "").upper().replace("-", "").replace(" ", "") for s in spellings]
            mine = (name or "").upper().replace("-", "").replace(" ", "")
            if imo is not None and imo == their_imo:
                kind = "imo"
            elif mmsi == their_mmsi:
                kind = "mmsi"
            elif mine and mine in plain and (imo is None or their_imo is None):
                kind = "name"
            else:
                continue
            was = None if since is None else since <= on and not (until is not None and until <= on)
            out.add((mmsi, imo, list_name, kind, since, was))
    return out


@given(
    ships=st.lists(st.tuples(RADIOS, IMOS, NAMES), max_size=4),
    listed=st.lists(st.tuples(LISTS, IMOS, RADIOS, NAMES, ALIASES, DAYS, DAYS), max_size=4),
)
def test_equals_plain_loops(ships, listed):
    on = pd.Timestamp("2019-01-01T00:00Z")
    table = screen(vessels(*ships), entries(*listed), on=on)
    found = {
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[["mmsi", "imo", "list_name", "matched_by", "listed_on", "listed_at_event"]].itertuples(
            index=False
        )
    }
    assert not table.duplicated().any()
    assert found == by_loops(ships, listed, on)
    shuffled = screen(vessels(*ships[::-1]), entries(*listed[::-1]), on=on)
    pd.testing.assert_frame_equal(shuffled, table)
