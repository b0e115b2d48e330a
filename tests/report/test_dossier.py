import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import SchemaError
from darkvoyage.report.cells import Row, neutralise
from darkvoyage.report.dossier import case_table, complete_tables, cumulative_barrels, headline_period, summarise


def utc(text):
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def small():
    """Three gaps: a case with two ports, one with thin evidence, one far from any port."""
    start = [utc("2024-03-01"), utc("2024-03-05"), utc("2024-03-09")]
    gaps = pd.DataFrame(
        {
            "gap_id": ["a", "b", "c"],
            "track_id": ["1-0", "1-0", "2-0"],
            "mmsi": [299000001, 299000001, 299000002],
            "gap_start": start,
            "gap_end": [utc("2024-03-03"), utc("2024-03-06"), None],
            "is_closed": [True, True, False],
            "duration_h": [48.0, 24.0, 10.0],
            "fixes_before_12h": 1,
            "fixes_before_12h_ter": 0,
            "fixes_before_12h_sat": 0,
            "fixes_before_12h_dyn": 0,
            "fixes_after_12h": 1,
        }
    )
    transfers = pd.DataFrame(
        {
            "gap_id": ["a", "a", "b"],
            "port_id": ["Q", "P", "P"],
            "mmsi": 299000001,
            "track_id": "1-0",
            "gap_start": [start[0], start[0], start[1]],
            "score": 1.0,
            "p_transfer": [0.3, 0.6, 0.1],
            "prior": [0.02, 0.03, 0.05],
            "llr_total": 1.0,
            "evidence_grade": ["possible", "likely", "insufficient"],
            "reasons": [["one"], ["two"], []],
            "innocent_explanations": [[], [], []],
            "sighting_ids": [[], ["s"], []],
        }
    )
    silences = pd.DataFrame(
        {
            "gap_id": ["a", "b", "c"],
            "llr_silence": 1.0,
            "p_off": 0.5,
            "neighbours_heard": 3,
            "reason": ["expected_to_be_heard", "feed_outage", "expected_to_be_heard"],
        }
    )
    return {"gaps": gaps, "transfers": transfers, "silences": silences}


def test_a_gap_is_one_case_at_its_likeliest_port(small):
    cases = case_table(small)
    assert cases["gap_id"].tolist() == ["a"]
    row = cases.iloc[0]
    assert (row["port_id"], row["case_no"], row["sightings_named"]) == ("P", 1, 1)
    assert row["p_transfer"] == 0.6
    np.testing.assert_allclose(row["p_any_port"], 0.9)
    assert row["duration_h"] == 48.0


def test_the_summary_counts_by_hand(small):
    table = summarise(small).set_index("item")
    value = table["value"]
    assert value[["gaps", "gaps_open", "vessels_with_gaps", "gaps_near_sensitive"]].tolist() == [3, 1, 2, 2]
    assert value[["suspected_calls", "grade/likely", "grade/possible"]].tolist() == [1, 1, 0]
    assert value[["other_gaps/feed_outage", "other_gaps/no_port"]].tolist() == [1, 1]
    np.testing.assert_allclose(value["prior_per_gap"], 0.05)
    assert np.isnan(value["fixes"])
    others = [item for item in table.index if item.startswith("other_gaps/")]
    assert value[others].sum() == value["gaps"] - value["suspected_calls"]


def test_the_linked_sighting_and_the_scene_without_are_joined(small):
    small["links"] = pd.DataFrame(
        {
            "gap_id": ["a", "a", None, "a", "a", "a"],
            "sighting_id": ["s", "t", "s", None, None, None],
            "scene_id": ["x", "y", "x", "v", "w", "u"],
            "p_link": [0.7, 0.2, 0.3, None, None, None],
            "port_id": ["P", "P", None, "P", "P", "elsewhere"],
        }
    )
    small["sightings"] = pd.DataFrame(
        {"sighting_id": ["s", "t"], "timestamp": [utc("2024-03-02"), utc("2024-03-02T01:00")], "lat": 1.0, "lon": 1.0}
    )
    row = case_table(small).iloc[0]
    assert (row["sighting_id"], row["p_link"], row["sightings_linked"], row["scenes_without"]) == ("s", 0.7, 1, 2)
    assert row["sighting_time"] == utc("2024-03-02")


def test_of_two_ships_in_one_sighting_each_has_its_whole_chance(small):
    links = {"gap_id": ["g1", "g2"], "sighting_id": "s1", "p_link": [0.45, 0.4], "p_merged": 0.7}
    once = complete_tables(small | {"links": pd.DataFrame(links)})
    assert once["links"]["p_link"].tolist() == pytest.approx([0.8, 0.75])
    assert complete_tables(once)["links"]["p_link"].tolist() == pytest.approx([0.8, 0.75])


def test_expected_barrels_add_up_in_time(small):
    small["cargo"] = pd.DataFrame(
        {
            "gap_id": ["b", "a"],
            "port_id": "P",
            "mmsi": 299000001,
            "track_id": "1-0",
            "call_time": [utc("2024-03-05"), utc("2024-03-02")],
            "p_transfer": [0.1, 0.6],
            "p_loaded": [1.0, 0.5],
            "barrels_p10": [10.0, 100.0],
            "barrels_p50": [20.0, 200.0],
            "barrels_p90": [None, 300.0],
        }
    )
    table = cumulative_barrels(small)
    assert table["gap_id"].tolist() == ["a", "b"]
    np.testing.assert_allclose(table["barrels_p50"], [60.0, 62.0])
    np.testing.assert_allclose(table["barrels_p10"], [30.0, 31.0])
    np.testing.assert_allclose(table["barrels_p90"], [90.0, 90.0])


def test_the_headline_is_the_total_of_the_heaviest_period():
    ledger = pd.DataFrame(
        {
            "port_id": ["P", None, None],
            "route": [None, "all ports", "all ports"],
            "barrels_p50": [9.0, 1.0, 2.0],
            "period_start": [utc("2023-01-01"), utc("2023-01-01"), utc("2024-01-01")],
            "period_end": [utc("2024-01-01"), utc("2024-01-01"), utc("2025-01-01")],
            "calls_seen": 1,
        }
    )
    whole = complete_tables({"ledger": ledger})["ledger"]
    assert headline_period(whole)["barrels_p50"].tolist() == [2.0]
    assert len(headline_period(whole.iloc[:0])) == 0
    text = summarise({"ledger": ledger}).set_index("item")["text"]
    assert text["period_start"] == "2024-01-01"


def test_inputs_stay_as_they_are_and_bad_ones_are_named(small):
    before = {name: table.copy() for name, table in small.items()}
    summarise(small)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, small[name])
    with pytest.raises(SchemaError, match="GAPS"):
        case_table({"gaps": small["gaps"].drop(columns="duration_h")})


@pytest.mark.parametrize(
    ("column", "value", "style", "shown"),
    [
        ("p_transfer", 0.4251, None, "43 %"),
        ("p_transfer", 0.0421, None, "4.2 %"),
        ("p_transfer", 0.0002, None, "<0.1 %"),
        ("p_transfer", 0.9996, None, ">99.9 %"),
        ("p_transfer", 1.0, None, ">99.9 %"),
        ("barrels_p50", 23256.4, None, "23,256"),
        ("barrels_p50", 1_234_567.0, "million", "1.23 million"),
        ("llr_call", -0.5, None, "−0.50"),
        ("mmsi", 299000001, None, "299000001"),
        ("duration_h", 12.34, None, "12.3"),
        ("start_lat", -1.23456, None, "−1.235"),
        ("value", 3.5, "auto", "3.50"),
    ],
)
def test_numbers_are_written_by_their_column(column, value, style, shown):
    cell = str(Row("cases", {"gap_id": "a", "port_id": "P", column: value}).show(column, style))
    assert (
        cell
        == f'<data value="{value}" data-table="cases" data-key="a|P" data-col="{column}">{shown}</data>'.replace(
            ">9", "&gt;9" if shown.startswith(">") else ">9"
        ).replace("><0", ">&lt;0")
    )


def test_nulls_are_said():
    assert "not known" in Row("gaps", {"gap_id": "a", "x": np.nan}).show("x")
    assert "not known" in Row("gaps", {"gap_id": "a"}).show("x")


def test_hidden_characters_are_spelled_out():
    assert neutralise("A‮B\x00​é船") == "A⟨U+202E⟩B⟨U+0000⟩⟨U+200B⟩é船"
