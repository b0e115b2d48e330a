from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from darkvoyage.chain import Investigation
from darkvoyage.demo import compare, investigate_world, run_demo
from darkvoyage.simulation.world import simulate
from tests.report.check_numbers import check_numbers


@pytest.fixture(scope="module")
def found():
    return run_demo()


def test_the_demo_says_that_it_is_fiction(found):
    assert "fictional" in " ".join(found.notes).lower()


def test_the_demo_compares_with_its_truth(found):
    table = found.comparison.set_index("item")
    calls = table.loc["hidden calls found"]
    assert 30 <= calls["true"] <= 55
    assert 0 < calls["inferred"] <= calls["true"]
    assert table.loc["barrels, median", "true"] > 500_000


def test_the_demo_finds_most_hidden_calls_and_asserts_little_else(found):
    """The seed is fixed and documented; the figures of further seeds are in benchmarks/RESULTS.md."""
    table = found.comparison.set_index("item")
    calls, asserted = table.loc["hidden calls found"], table.loc["gaps asserted"]
    assert calls["inferred"] / calls["true"] > 0.5
    assert asserted["true"] / asserted["inferred"] > 0.5


def test_every_number_of_the_report_is_a_cell_of_a_saved_table(found, tmp_path):
    folder = found.save(tmp_path / "demo")
    page = found.report(folder / "report.html").read_text(encoding="utf-8")
    problems, checked = check_numbers(page, Investigation.load(folder).tables())
    assert problems == []
    assert checked > 1000


def test_without_hidden_calls_nothing_is_true():
    world = simulate(seed=1, vessels=20, days=30, preset="honest")
    table = compare(investigate_world(world), world).set_index("item")
    assert table.loc[["hidden calls found", "gaps asserted", "barrels, median"], "true"].tolist() == [0, 0, 0]
    assert table.loc["hidden calls found", "inferred"] == 0


def test_comparing_by_hand():
    """Gap a is the hidden call at Y, b is a fault, c is another ship's call that nobody asserts, d is a false alarm."""
    time = lambda day: pd.Timestamp(f"2024-04-{day:02d}T00:00Z")  # noqa: E731
    gaps = pd.DataFrame(
        {
            "gap_id": ["a", "b", "c", "d"], "mmsi": [1, 1, 2, 3],
            "gap_start": [time(1), time(10), time(1), time(1)], "gap_end": [time(6), time(16), time(6), time(6)],
            "track_id": ["1-0", "1-0", "2-0", "3-0"], "is_closed": True, "duration_h": [120.0, 144.0, 120.0, 120.0],
        }
    )  # fmt: skip
    transfers = pd.DataFrame(
        {
            "gap_id": ["a", "a", "b", "c", "d"], "port_id": ["X", "Y", "X", "X", "X"],
            "p_transfer": [0.3, 0.4, 0.2, 0.1, 0.9],
        }
    )  # fmt: skip
    truth = pd.DataFrame(
        {
            "truth_id": ["one", "two", "three"], "kind": ["dark_call", "dark_call", "fault"], "mmsi": [1, 2, 1],
            "off_time": [time(1), time(1), time(11)], "on_time": [time(6), time(6), time(15)],
            "arrive": [time(2), time(2), pd.NaT], "depart": [time(4), time(4), pd.NaT], "port_id": ["Y", "X", None],
            "barrels": [20_000.0, 25_000.0, np.nan],
        }
    )  # fmt: skip
    ledger = pd.DataFrame(
        {"port_id": ["X", None], "barrels_p10": [1.0, 2.0], "barrels_p50": [3.0, 4.0], "barrels_p90": [5.0, 6.0]}
    )
    sightings = pd.DataFrame({"sighting_id": ["s", "t", "u"], "timestamp": [time(3), time(3), time(5)]})
    seen = pd.DataFrame({"sighting_id": ["s", "t", "u"], "mmsi": [1, 2, 1], "what": "ship"})
    links = pd.DataFrame(
        {"sighting_id": ["s", "t", "u", "s"], "gap_id": ["a", "a", "a", None], "p_link": [0.6, 0.9, 0.9, 0.4]}
    )
    found = SimpleNamespace(gaps=gaps, transfers=transfers, ledger=ledger, links=links)
    world = SimpleNamespace(truth=truth, sightings=sightings, truth_sightings=seen)
    table = compare(found, world).set_index("item")[["inferred", "true"]]
    # Sighting t is another ship's, and u was made after the call.
    np.testing.assert_allclose(
        table.to_numpy(),
        [[1, 2], [2, 1], [1.9, 2], [1, 1], [2, np.nan], [4, 45_000], [6, np.nan], [1, 2]],
    )
