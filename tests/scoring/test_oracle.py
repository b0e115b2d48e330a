"""The oracle on a hand-made world: one hidden call at Vostochny, one ship that only rested."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.chain import investigate
from darkvoyage.errors import RuleError
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import CARGO, LINKS, PORT_CALLS, SIGHTINGS, SILENCES, TABLES, TRANSFERS
from darkvoyage.scoring.evaluation.oracle import (
    true_links,
    true_port_calls,
    true_silences,
    true_transfers,
    with_truth,
)
from tests.worlds import hours, moored_fleet, one_gap, ports

CALLER, RESTING = 299_000_001, 299_000_002


@pytest.fixture(scope="module")
def world():
    fixes = pd.concat(
        [
            one_gap(),
            one_gap(lat=[41.5, 41.5], lon=130.3).assign(mmsi=RESTING),
            moored_fleet(5, 90).assign(mmsi=299_000_050),
        ]
    )
    # The berth, the open sea on the straight way, and a ship that never broadcast.
    seen = finish(
        {
            "sighting_id": ["berth", "sea", "stranger"],
            "timestamp": hours([40.0, 10.0, 30.0]),
            "lat": [42.75, 41.51, 42.75],
            "lon": [133.08, 130.29, 133.08],
            "scene_id": ["a", "b", "c"],
        },
        SIGHTINGS,
        optional=True,
    )
    around = "POLYGON ((132 42, 134 42, 134 44, 132 44, 132 42))"
    # Scene "d" shows the port without any ship.
    scenes = pd.DataFrame(
        {"scene_id": ["a", "c", "d"], "timestamp": hours([40.0, 30.0, 45.0]), "footprint": around, "sensor": "optical"}
    )
    return investigate(fixes, ports=ports(), sightings=seen, scenes=scenes), seen


@pytest.fixture(scope="module")
def truth():
    return finish(
        {
            "truth_id": ["call", "rest"],
            "kind": ["dark_call", "natural"],
            "mmsi": [CALLER, RESTING],
            "off_time": hours([1.0, 0.0]),
            "on_time": hours([80.0, 84.0]),
            "gap_start": hours([0.0, 0.0]),
            "gap_end": hours([84.0, 84.0]),
            "port_id": ["RUVYP", None],
            "arrive": hours([25.0, np.nan]),
            "depart": hours([50.0, np.nan]),
        },
        TABLES["TRUTH"],
    )


@pytest.fixture(scope="module")
def truth_sightings():
    return finish(
        {
            "sighting_id": ["berth", "sea", "stranger"],
            "mmsi": [CALLER, CALLER, None],
            "what": ["ship", "ship", "clutter"],
        },
        TABLES["TRUTH_SIGHTINGS"],
    )


def gap_of(found, mmsi):
    return found.gaps.set_index("mmsi")["gap_id"][mmsi]


def test_silences(world, truth):
    found, _ = world
    table = true_silences(found.gaps, truth)
    conform(table, SILENCES)
    p_off = table.set_index("gap_id")["p_off"]
    assert (p_off[gap_of(found, CALLER)], p_off[gap_of(found, RESTING)]) == (1.0, 0.0)
    assert len(table) == len(found.gaps)


def test_port_calls(world, truth):
    found, _ = world
    table = true_port_calls(found.gaps, truth, found.port_calls)
    conform(table, PORT_CALLS)
    assert table.groupby("gap_id")["p_call"].sum().to_numpy() == pytest.approx(np.ones(len(found.gaps)))
    certain = table[table["p_call"] == 1.0]
    assert certain[certain["gap_id"] == gap_of(found, CALLER)]["port_id"].tolist() == ["RUVYP"]
    rest = table[table["gap_id"] == gap_of(found, RESTING)]
    assert rest.loc[rest["port_id"].notna(), "p_call"].sum() == 0.0
    # Without a call, waiting and transit keep the odds that the chain gave them.
    odds = [
        part.set_index("hypothesis")["p_call"]
        for part in (rest, found.port_calls[found.port_calls["gap_id"] == gap_of(found, RESTING)])
    ]
    ratio = [part["wait"] / part["transit"] for part in odds]
    assert ratio[0] == pytest.approx(ratio[1])


def test_a_call_beyond_reach_is_added(world, truth):
    found, _ = world
    others = found.port_calls[found.port_calls["port_id"] != "RUVYP"]
    table = true_port_calls(found.gaps, truth, others)
    mine = table[(table["gap_id"] == gap_of(found, CALLER)) & (table["p_call"] > 0)]
    assert mine[["port_id", "p_call", "p_feasible"]].to_numpy().tolist() == [["RUVYP", 1.0, 0.0]]


def test_links(world, truth, truth_sightings):
    found, seen = world
    table = true_links(found.gaps, truth, seen, truth_sightings, links=found.links)
    conform(table, LINKS)
    pairs = table[table["sighting_id"].notna() & (table["p_link"] == 1.0)].set_index("sighting_id")
    assert pairs["gap_id"].fillna("nobody").to_dict() == {
        "berth": gap_of(found, CALLER),
        "sea": gap_of(found, CALLER),
        "stranger": "nobody",
    }
    assert pairs["port_id"].fillna("none").to_dict() == {"berth": "RUVYP", "sea": "none", "stranger": "none"}
    assert table.groupby("sighting_id")["p_link"].sum().tolist() == [1.0, 1.0, 1.0]
    # A scene without the ship stays only where the ship was not in it.
    absent = table[table["sighting_id"].isna()]
    was = found.links[found.links["sighting_id"].isna()]
    mine = absent["gap_id"] == gap_of(found, CALLER)
    assert "d" in absent.loc[mine, "scene_id"].tolist()
    assert not absent.loc[mine, "scene_id"].isin(["a", "b"]).any()
    assert len(absent[~mine]) == (was["gap_id"] != gap_of(found, CALLER)).sum()


def test_transfers(world, truth):
    found, _ = world
    table = true_transfers(found.gaps, truth)
    conform(table, TRANSFERS)
    assert table[["gap_id", "port_id", "p_transfer"]].to_numpy().tolist() == [[gap_of(found, CALLER), "RUVYP", 1.0]]


def test_the_chain_with_truth_is_surer_of_the_call_and_less_of_the_rest(world, truth, truth_sightings):
    found, _ = world
    told, cargo = with_truth(found, truth, truth_sightings, told=("silences", "port_calls", "links"))
    conform(cargo, CARGO)

    def p_at(table, mmsi):
        return table[(table["mmsi"] == mmsi) & (table["port_id"] == "RUVYP")]["p_transfer"].sum()

    assert p_at(told, CALLER) > max(0.9, p_at(found.transfers, CALLER))
    assert p_at(told, RESTING) < min(0.01, p_at(found.transfers, RESTING))
    nothing, _ = with_truth(found, truth, told=())
    pd.testing.assert_frame_equal(nothing, found.transfers)


def test_what_the_oracle_cannot_be_told(world, truth):
    found, _ = world
    with pytest.raises(RuleError, match="expected some of silences, port_calls, links"):
        with_truth(found, truth, told=("weather",))
    with pytest.raises(RuleError, match="the truth about them"):
        with_truth(found, truth, told=("links",))
