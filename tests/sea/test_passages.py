import math
from pathlib import Path

import numpy as np
import pytest

import darkvoyage as dv
from darkvoyage.sea.passages import gates, passages, ways
from darkvoyage.sea.raster import Window, water_grid
from tests.sea.rasters import waters

EACH = pytest.mark.parametrize("passage", passages(), ids=lambda passage: passage.name)
SHUT = [
    passage
    for passage in passages()
    # Beside these there is another way within the window: round Cape Cod, the other Danish straits, Durian Strait.
    if (len(passage.gate) or passage.kind == "canal")
    and passage.name not in ("Cape Cod Canal", "Great Belt", "Oresund", "Little Belt", "Singapore")
]
SIDES = (0.02, 0.25)


def through(passage, side, rule):
    """Whether the ends of a passage's way lie in one water, within a window not much larger than it."""
    line = passage.way if np.abs(passage.gate).max(initial=0) > 80 else np.vstack([passage.way, passage.gate])
    margin = max(0.5, 4 * side)
    south, west = (
        math.floor((low - margin + zero) / side) for low, zero in zip(line.min(axis=0), (90, 180), strict=True)
    )
    north, east = (
        math.ceil((high + margin + zero) / side) for high, zero in zip(line.max(axis=0), (90, 180), strict=True)
    )
    window = Window(side, south, west, north - south, east - west)
    grid = water_grid(window, rule)
    ends = window.cell(*passage.way[[0, -1]].T)
    assert grid.water[ends].all()
    return len(set(waters(grid)[ends])) == 1


@pytest.mark.parametrize("side", SIDES)
def test_open_passages_lead_through(side):
    rule = dv.SeaRule(opened=tuple(passage.name for passage in passages()))
    assert [passage.name for passage in passages() if not through(passage, side, rule)] == []


@pytest.mark.parametrize("side", SIDES)
def test_closed_passages_do_not(side):
    rule = dv.SeaRule(closed=tuple(passage.name for passage in SHUT))
    assert [passage.name for passage in SHUT if through(passage, side, rule)] == []


@EACH
def test_the_list(passage):
    assert passage.kind in ("canal", "strait", "river")
    assert len(passage.way) >= 2
    assert (np.abs(passage.way) <= [90, 180]).all()
    assert np.hypot(*np.diff(passage.way, axis=0).T).max() < 6


def test_the_document_lists_every_passage_as_it_is():
    text = (Path(__file__).parents[2] / "SEA.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[:4] for line in text.splitlines() if line.startswith("| ")]
    shown = {row[0].removeprefix("| "): row[1:] for row in rows if len(row) == 4}
    for passage in passages():
        if passage.kind == "river":
            assert f"{passage.name}," in text or f"{passage.name}.\n" in text
        else:
            can_close = len(passage.gate) > 0 or passage.kind == "canal"
            state = "open" if passage.is_open else "closed"
            assert shown[passage.name] == [passage.kind, state, "yes" if can_close else "no"]


def test_names_are_told_apart():
    names = [passage.name for passage in passages()]
    assert len(set(names)) == len(names)


def test_a_rule_opens_and_closes():
    usual, closed, opened = (
        len(ways(rule))
        for rule in (dv.SeaRule(), dv.SeaRule(closed=("Suez Canal",)), dv.SeaRule(opened=("Corinth Canal",)))
    )
    assert (closed, opened) == (usual - 1, usual + 1)
    assert len(gates(dv.SeaRule(closed=("Bosporus",)))) == len(gates(dv.SeaRule())) + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"closed": ("Suez Kanal",)}, "no passage 'Suez Kanal'; did you mean 'Suez Canal'"),
        ({"opened": ("Kra Canal",)}, "no passage 'Kra Canal'"),
        ({"closed": ("Cook",)}, "'Cook' is open water"),
    ],
)
def test_unknown_passages_are_refused(options, message):
    with pytest.raises(dv.RuleError, match=message):
        gates(dv.SeaRule(**options))


def test_rules_are_checked():
    with pytest.raises(dv.RuleError, match="expected a tuple"):
        dv.SeaRule(closed="Suez Canal")
    with pytest.raises(dv.RuleError, match="both closed and opened"):
        dv.SeaRule(closed=("Suez Canal",), opened=("Suez Canal",))
    assert dv.SeaRule(closed=("Sunda", "Lombok")) == dv.SeaRule(closed=["Lombok", "Sunda", "Sunda"])
