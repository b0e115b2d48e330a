import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.reach.destinations import destination_llr, parse_destinations

LN5, LN2 = math.log(5.0), math.log(2.0)


def ports():
    """A list as users have it: codes, own ids, World Port Index numbers, a terminal, an area at sea."""
    rows = [
        ("RUVVO", "Vladivostok", "port", "RU", 43.1, 131.9),
        ("RUVYP", "Vostochny", "port", "RU", 42.75, 133.08),
        ("KPRJN", "Rajin (Najin, Rason)", "port", "KP", 42.23, 130.3),
        ("wpi-60030", "Dalian", "port", "CN", 38.92, 121.65),
        ("my 7", "Port of Hanko", "port", "FI", 59.82, 22.97),
        ("tartus-oil", "Tartus oil terminal", "terminal", "SY", 34.91, 35.86),
        ("sts-malta", "Off Malta", "sts", "MT", 35.8, 14.9),
    ]
    table = pd.DataFrame(rows, columns=["port_id", "name", "kind", "country", "lat", "lon"])
    return table.assign(radius_nm=3.0, sensitive=False)


def parse(*texts):
    return parse_destinations(list(texts), ports())


@pytest.mark.parametrize(
    ("text", "port_id"),
    [
        ("RUVVO", "RUVVO"),
        ("RU VVO", "RUVVO"),
        ("ru-vvo", "RUVVO"),
        ("RU_VVO", "RUVVO"),
        ("VVO RU", "RUVVO"),
        ("VLADIVOSTOK", "RUVVO"),
        ("VLADIVOSTOK RUSSIA", "RUVVO"),
        ("VLADIVOSTOK,RU", "RUVVO"),
        ("VLADIVOSTOCK", "RUVVO"),
        ("VLADIVSTOK", "RUVVO"),
        ("VLADIVOST", "RUVVO"),
        ("CNDAL>RUVVO", "RUVVO"),
        ("CN DAL => RU VVO", "RUVVO"),
        ("CNDAL/RUVVO", "RUVVO"),
        ("CNDAL - RUVVO", "RUVVO"),
        ("RU VVO VIA PUS", "RUVVO"),
        ("VLADIVOSTOK ANCH", "RUVVO"),
        ("PS VLADIVOSTOK", "RUVVO"),
        ("VLADIVOSTOK (RUVVO)", "RUVVO"),
        ("RUVVO>CNDAL", "wpi-60030"),
        ("CN DLC>CN DAL", "wpi-60030"),
        ("DALIAN", "wpi-60030"),
        ("DALIEN", "wpi-60030"),
        ("NAJIN", "KPRJN"),
        ("RASON DPRK", "KPRJN"),
        ("HANKO", "my 7"),
        ("FIHKO", "my 7"),
        ("TARTUS", "tartus-oil"),
        ("SYTTS", "tartus-oil"),
    ],
)
def test_texts_that_name_a_port(text, port_id):
    row = parse(text).iloc[0]
    assert (row["kind"], row["port_id"]) == ("port", port_id)
    assert 0 < row["score"] <= 1


@pytest.mark.parametrize(
    ("text", "kind", "country"),
    [
        ("KRPUS", "place", "KR"),
        ("BUSAN", "place", "KR"),
        ("RU ULU>NL AMS", "place", "NL"),
        ("R0CND", "place", "RO"),
        ("SINGAPORE OPL", "place", "SG"),
        ("MALTA", "place", "MT"),
        ("RU XXX", "place", "RU"),
        ("CHINA", "country", "CN"),
        ("BRAZIL FOR ORDERS", "country", "BR"),
        ("BALTIC SEA", "region", None),
        ("FOR ORDERS", "orders", None),
        ("TO BE ADVISED", "orders", None),
        ("TBN", "orders", None),
        ("ARMED GUARDS ONBOARD", "hiding", None),
        ("ALL CHINESE CREW", "hiding", None),
        ("", "empty", None),
        ("  -  ", "empty", None),
        ("@@@@@@@@", "empty", None),
        ("NOT AVAILABLE", "empty", None),
        ("HOME SWEET HOME", "unknown", None),
    ],
)
def test_texts_that_name_something_else(text, kind, country):
    row = parse(text).iloc[0]
    assert row["kind"] == kind
    assert pd.isna(row["port_id"])
    assert (row["country"] == country) if country else pd.isna(row["country"])


def test_where_the_ship_comes_from():
    out = parse("RUVVO>KRPUS", "KRPUS>RUVVO", "RUVVO")
    assert out["origin_port_id"].fillna("").tolist() == ["RUVVO", "", ""]


def test_a_clear_text_scores_higher_than_a_slip_or_a_text_for_orders():
    clear, slip, orders = parse("RUVVO", "VLADIVSTOK", "VLADIVOSTOK FOR ORDERS")["score"]
    assert clear == 1.0
    assert slip < clear
    assert orders < clear


def test_sensitive_ports_know_their_own_ids_and_names():
    listed = dv.sensitive_ports()
    land = listed[~listed["kind"].isin(["sts", "anchorage"])]
    coded = land[land["port_id"].str.fullmatch("[A-Z]{5}")]
    assert parse_destinations(coded["port_id"], listed)["port_id"].tolist() == coded["port_id"].tolist()
    out = parse_destinations(land["name"].str.replace(r" \(.*", "", regex=True).str[:20], listed)
    assert out["port_id"].tolist() == land["port_id"].tolist()


def test_rows_come_back_in_order_with_nulls_as_empty_texts():
    out = parse_destinations(["RUVVO", None, "RUVVO"], ports())
    assert out["text"].fillna("?").tolist() == ["RUVVO", "?", "RUVVO"]
    assert out["kind"].tolist() == ["port", "empty", "port"]


def test_the_order_of_the_list_does_not_matter():
    texts = ["RUVVO", "DALIAN", "TARTUS", "MALTA OPL", "RU XXX"]
    shuffled = ports().iloc[[4, 2, 6, 0, 1, 5, 3]]
    assert_frame_equal(parse_destinations(texts, shuffled), parse_destinations(texts, ports()))


def test_no_texts_and_no_ports():
    assert len(parse_destinations([], ports())) == 0
    assert parse_destinations(["RUVVO"], ports().iloc[:0])["kind"].tolist() == ["place"]


def test_numbers_are_refused():
    with pytest.raises(dv.SchemaError, match="first bad row 1: 7"):
        parse_destinations(["RUVVO", 7], ports())


@settings(max_examples=10)
@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_text_is_read(texts):
    out = parse_destinations(texts, ports())
    assert out["text"].tolist() == texts
    assert out["score"].between(0, 1).all()
    assert (out["port_id"].notna() == (out["kind"] == "port")).all()


def near(before, after=None):
    before, after = ([x] if x is None or isinstance(x, str) else x for x in (before, after))
    return pd.DataFrame(
        {"start_destination": pd.Series(before, dtype="str"), "end_destination": pd.Series(after, dtype="str")}
    )


def llr(before, after, port_id):
    places = ports()
    port = np.flatnonzero(places["port_id"] == port_id)
    return float(destination_llr(near(before, after), places, port)[0])


def test_the_port_that_the_text_before_the_gap_names():
    assert llr("RUVVO", None, "RUVVO") == pytest.approx(LN5)
    assert llr("VLADIVSTOK", None, "RUVVO") == pytest.approx(0.7 * LN5)


def test_other_ports_lose_a_little_and_neighbours_in_the_country_nothing_for_its_name():
    assert -LN2 <= llr("RUVVO", None, "KPRJN") < 0
    assert llr("KRPUS", None, "RUVVO") < 0
    assert 0 < llr("RUSSIA", None, "RUVVO") < LN5 / 2
    assert 0 < llr("RU XXX", None, "RUVVO") < LN5 / 2


@pytest.mark.parametrize("text", ["FOR ORDERS", "ARMED GUARDS ONBOARD", "", None, "HOME", "BLACK SEA"])
def test_texts_that_say_nothing(text):
    assert llr(text, None, "RUVVO") == 0.0


def test_after_the_gap_a_text_says_where_the_ship_came_from_only_with_an_arrow():
    assert llr(None, "RUVVO>CNDAL", "RUVVO") == pytest.approx(LN5)
    assert llr(None, "RUVVO", "RUVVO") == 0.0
    assert llr("KRPUS", "RUVVO", "RUVVO") < llr("KRPUS", "JPNGO", "RUVVO")


def test_a_new_text_speaks_for_a_call():
    assert llr("FOR ORDERS", "KRPUS", "RUVVO") > 0 > llr("KRPUS", "KRPUS", "RUVVO")
    assert llr("FOR ORDERS", "for-orders ", "RUVVO") < 0


def test_without_texts_nothing_is_said():
    table = pd.DataFrame({"gap_id": ["a", "b"]})
    np.testing.assert_array_equal(destination_llr(table, ports(), np.array([0, 1])), [0.0, 0.0])


def test_pairs_are_judged_one_by_one_and_bounded():
    texts = ["RUVVO", "RUVVO>KRPUS", "KRPUS>RUVVO", "RUSSIA", "FOR ORDERS", "DALIAN", "TARTUS", None, ""]
    rows = list(itertools.product(texts, texts, range(7)))
    table = near([row[0] for row in rows], [row[1] for row in rows])
    port = np.array([row[2] for row in rows])
    found = destination_llr(table, ports(), port)
    assert ((found >= -LN2 - 1e-12) & (found <= LN5 + 1e-12)).all()
    for k in range(3, len(rows), 101):
        alone = destination_llr(table.iloc[[k]].reset_index(drop=True), ports(), port[[k]])
        np.testing.assert_allclose(alone, found[[k]])


def test_terminals_of_the_named_port_are_not_elsewhere():
    listed = dv.sensitive_ports()
    port = np.flatnonzero(listed["port_id"].isin(["SYTAO", "SYTTS"]))
    table = near(["TARTUS"] * 2, [None] * 2)
    assert (destination_llr(table, listed, port) > 0).all()
