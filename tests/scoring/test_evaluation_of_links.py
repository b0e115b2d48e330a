"""Every link: the truth gets full marks, an empty answer none, and what lies between was calculated by hand."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from darkvoyage.errors import SchemaError
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import CARGO, GAPS, LINKS, PORT_CALLS, SILENCES, TRANSFERS
from darkvoyage.scoring.evaluation import cargo, gaps, links, port_calls, silences, transfers
from darkvoyage.scoring.evaluation.metrics import evaluate
from darkvoyage.simulation.world import simulate
from tests.scoring import evaluation_truth as known

WORLDS = {
    "hand-made": known.hand_made(),
    "generated": known.random_world(3),
    "simulated": simulate(seed=1, vessels=24, days=40, preset="campaign", hiding_share=0.6),
}
LINKS_OF_THE_CHAIN = {
    "gaps": (gaps, known.true_gaps, GAPS),
    "silences": (silences, known.true_silences, SILENCES),
    "port_calls": (port_calls, known.true_port_calls, PORT_CALLS),
    "links": (links, known.true_links, LINKS),
    "transfers": (transfers, known.true_transfers, TRANSFERS),
    "cargo": (cargo, known.true_cargo, CARGO),
}
EACH_LINK = pytest.mark.parametrize("link", LINKS_OF_THE_CHAIN)
EACH_WORLD = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def judge(link, world, answer, step="evaluate"):
    """Scores (or the judged rows) of an answer."""
    function = getattr(LINKS_OF_THE_CHAIN[link][0], f"{step}_{link}")
    if link == "gaps":
        return function(answer, truth=world.truth)
    if link == "links":
        seen = {"sightings": world.sightings, "truth_sightings": world.truth_sightings}
        return function(answer, gaps=known.true_gaps(world), **seen)
    extra = {"days": 100.0} if link == "silences" else {}
    return function(answer, gaps=known.true_gaps(world), truth=world.truth, **extra)


def in_order(link, answer):
    """Scores of the metrics with two ends, and of those that only count false alarms."""
    module = LINKS_OF_THE_CHAIN[link][0]
    alarms = [metric.name for metric in getattr(module, "ALARMS", ())]
    counting = answer["metric"].isin(alarms)
    return answer[~counting], answer[counting & (answer["n"] > 0)]


@EACH_LINK
@EACH_WORLD
def test_the_truth_gets_full_marks(link, world):
    scored, alarms = in_order(link, judge(link, world, LINKS_OF_THE_CHAIN[link][1](world)))
    assert (scored["n"] > 0).all()
    np.testing.assert_allclose(scored["score"], 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scored["value"], scored["perfect"], rtol=0, atol=1e-12)
    assert (alarms["value"] == 0).all()


@EACH_LINK
@EACH_WORLD
def test_an_empty_answer_gets_nothing(link, world):
    spec = LINKS_OF_THE_CHAIN[link][2]
    scored, alarms = in_order(link, judge(link, world, empty(spec)))
    assert (scored["n"] > 0).all()
    np.testing.assert_allclose(scored["score"], 0.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scored["value"], scored["empty"], rtol=0, atol=1e-12)
    assert (alarms["value"] == 0).all()


@EACH_LINK
def test_several_worlds_are_judged_together(link):
    module, truth, _ = LINKS_OF_THE_CHAIN[link]
    parts = [judge(link, world, truth(world), "answers").assign(world=name) for name, world in WORLDS.items()]
    together = pd.concat(parts, ignore_index=True)
    scores = evaluate(together, module.METRICS, draws=5, by=getattr(module, "BY", ("world", "mmsi")))
    np.testing.assert_allclose(scores["score"], 1.0, rtol=0, atol=1e-12)
    # The truth is certain, whichever ships are drawn; only the share of hiding ships is theirs.
    certain = scores[scores["metric"] != "vessels_flagged_for_95_percent"]
    np.testing.assert_allclose(certain[["low", "high"]].T, [certain["value"]] * 2, rtol=0, atol=1e-12)


@EACH_LINK
def test_the_order_of_rows_changes_nothing(link):
    world = WORLDS["generated"]
    answer = LINKS_OF_THE_CHAIN[link][1](world)
    rng = np.random.default_rng(7)

    def shuffled(table):
        return table.iloc[rng.permutation(len(table))]

    mixed = known.Truth(shuffled(world.truth), shuffled(world.sightings), shuffled(world.truth_sightings))
    again = judge(link, mixed, shuffled(answer))
    assert_frame_equal(again, judge(link, world, answer))


@EACH_LINK
def test_tables_are_checked(link):
    # LINKS requires no column; what it has must still be of its type.
    wrong = pd.DataFrame({"p_link": ["much"]} if link == "links" else {"x": [1]})
    with pytest.raises(SchemaError, match=r"missing column|expected float64"):
        judge(link, WORLDS["hand-made"], wrong)


@pytest.mark.parametrize("link", ["silences", "port_calls", "transfers", "cargo"])
def test_an_answer_given_twice_is_refused(link):
    world = WORLDS["hand-made"]
    answer = LINKS_OF_THE_CHAIN[link][1](world)
    with pytest.raises(SchemaError, match="expected one row per"):
        judge(link, world, pd.concat([answer, answer.tail(1)]))


def figures(scores):
    return dict(zip(scores["metric"], scores["value"], strict=True))


def honest():
    """Two ships that nobody hears for a while, and nothing else."""
    truth = known.truth_table(
        [known.event("natural", 0, 10, 30, (10, 30)), known.event("natural", 1, 50, 60, (50, 60))]
    )
    return known.Truth(truth, *known.sighting_tables([(20, 0, "ship", "a"), (40, 0, "ship", "a")]))


def test_in_a_world_without_calls_only_false_alarms_are_defined():
    world = honest()
    table = pd.DataFrame(
        {
            "gap_id": ["gap-t000", "gap-t000", "gap-t001"],
            "port_id": ["a", "b", "a"],
            "mmsi": [known.SHIP, known.SHIP, known.SHIP + 1],
            "track_id": "x",
            "gap_start": pd.Timestamp("2024-04-01", tz="UTC"),
            "score": 1.0,
            "p_transfer": [0.25, 0.5, 0.125],
            "prior": 0.1,
            "llr_total": 0.0,
        }
    )
    scored, alarms = in_order("transfers", judge("transfers", world, table))
    undefined = scored[~scored["metric"].isin(["brier", "ece"])]
    assert undefined["value"].isna().all()
    assert (undefined["n"] == 0).all()
    assert alarms["value"].tolist() == [(0.75 + 0.125) / 2, 0.5]
    volumes = table.assign(call_time=table["gap_start"], p_loaded=1.0, barrels_p50=0.0)
    found = figures(judge("cargo", world, volumes))
    assert found["expected_calls_of_a_quiet_world"] == 0.875
    assert np.isnan(found["barrels_over_true"])


def test_false_alerts_are_counted_per_thousand_vessel_days():
    answer = known.true_silences(honest()).assign(p_off=[0.9, 0.7])
    assert figures(judge("silences", honest(), answer))["false_alerts_per_1000_vessel_days"] == 10.0  # 1 in 100 days


def test_gaps_by_hand():
    world = known.hand_made()
    true = known.true_gaps(world)
    true = true[true["duration_h"] > 6].reset_index(drop=True)
    assert len(true) == 16
    found = true.drop(index=0)  # one missed
    found.loc[1, "gap_end"] += pd.Timedelta(minutes=8)  # found, 8 minutes late
    found.loc[2, "gap_start"] -= pd.Timedelta(minutes=11)  # one missed and one false
    got = figures(judge("gaps", world, found))
    assert got["precision"] == 14 / 15
    assert got["recall"] == 14 / 16
    assert got["f1"] == pytest.approx(28 / 31)
    rows = judge("gaps", world, found, "answers")
    assert sorted(rows.loc[rows["y"], "edge_error_min"]) == [0.0] * 13 + [pytest.approx(8.0), 10.0, 10.0]
    assert got["median_edge_error_min"] == 0.0


def test_silences_by_hand():
    world = known.Truth(
        known.truth_table(
            [
                known.event("security_off", 0, 10, 20, (10, 20)),
                known.event("fault", 1, 10, 110, (10, 110)),
                known.event("natural", 2, 10, 20, (10, 20)),
                known.event("natural", 3, 10, 120, (10, 120)),
                known.event("identity_swap", 4, 10, 20, (10, 20)),
            ]
        ),
        *known.sighting_tables([(5, 0, "ship", "a")]),
    )
    answer = known.true_silences(world).assign(p_off=[0.6, 0.9, 0.2, 0.7, 1.0])
    got = figures(judge("silences", world, answer))
    # Pairs off > natural: .6 > .2, .9 > .2, .9 > .7, not .6 > .7; of the same length: .6 > .2 and .9 > .7.
    assert got["auc"] == 0.75
    assert got["auc_same_duration"] == 1.0
    assert got["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert got["brier"] == pytest.approx((0.16 + 0.01 + 0.04 + 0.49) / 4)
    assert got["log_loss"] == pytest.approx(-np.log(0.6 * 0.9 * 0.8 * 0.3) / 4)
    assert got["recall_at_5_percent_false"] == 0.5


def test_port_calls_by_hand():
    world = known.Truth(
        known.truth_table(
            [
                known.event("dark_call", 0, 10, 60, (10, 60), port="A", barrels=1.0),
                known.event("dark_call", 1, 10, 60, (10, 60), port="A", barrels=1.0),
                known.event("dark_call", 2, 10, 60, (10, 60), port="A", barrels=1.0),
                known.event("natural", 3, 10, 60, (10, 60)),
                known.event("berth_off", 4, 10, 60, (10, 60), port="A"),
            ]
        ),
        *known.sighting_tables([(5, 0, "ship", "a")]),
    )
    rows = [
        (0, "A", "port", 0.5, 1.0), (0, "B", "port", 0.25, 1.0), (0, None, "wait", 0.25, None),
        (1, "A", "port", 0.25, 0.9), (1, "B", "port", 0.25, 1.0), (1, "s", "sts", 0.5, 1.0),
        (2, "A", "port", 0.125, 0.001), (2, None, "transit", 0.875, None),
        (3, "A", "port", 0.25, 1.0), (3, None, "wait", 0.5, None), (3, None, "unknown", 0.25, None),
        (4, "A", "port", 1.0, 1.0),
    ]  # fmt: skip
    answer = pd.DataFrame(rows, columns=["gap_id", "port_id", "hypothesis", "p_call", "p_feasible"])
    answer["gap_id"] = "gap-t00" + answer["gap_id"].astype("str")
    got = figures(judge("port_calls", world, answer))
    # Calls have p = .75, .5, .125, the natural gap .25; berth safety is not judged.
    assert got["auc"] == pytest.approx(2 / 3)
    assert got["brier"] == pytest.approx((0.0625 + 0.25 + 0.875**2 + 0.0625) / 4)
    # Of the true ports the first leads, the second is level with another, the third is alone, though infeasible.
    assert got["right_port_top1"] == pytest.approx(2 / 3)
    assert got["right_port_top3"] == 1.0
    assert got["declared_infeasible"] == pytest.approx(1 / 3)
    assert got["mean_log_p_true"] == pytest.approx(np.log([0.5, 0.25, 0.125, 0.75]).mean())
    assert judge("port_calls", world, answer, "answers")["ports"].tolist() == [2, 2, 0, 1, 1]


def test_links_by_hand():
    world = known.Truth(
        known.truth_table([known.event("natural", 0, 10, 30, (10, 30)), known.event("natural", 1, 10, 30, (10, 30))]),
        *known.sighting_tables(
            [
                (20, 0, "ship", "a"),
                (20, 1, "ship", "a"),
                (35, 1, "ship", "b"),
                (20, None, "unknown_ship", "a"),
                (20, None, "clutter", "a"),
                (10, 0, "ship", "a"),  # on the edge: it was heard then
            ]
        ),
    )
    rows = [
        ("s000", "gap-t000", 0.9), ("s000", "gap-t001", 0.05), ("s000", None, 0.05),
        ("s001", "gap-t000", 0.6), ("s001", "gap-t001", 0.2), ("s001", None, 0.2),
        ("s002", "gap-t000", 0.5), ("s002", None, 0.5),
        ("s003", "gap-t001", 0.1), ("s003", None, 0.9),
        ("s004", None, 1.0),
        ("s005", None, 1.0),
    ]  # fmt: skip
    answer = pd.DataFrame(rows, columns=["sighting_id", "gap_id", "p_link"])
    got = figures(judge("links", world, answer))
    assert got["top1"] == 0.5
    assert got["top1_all_sightings"] == pytest.approx(4 / 6)  # s001 wrong, s002 level
    assert got["precision_at_0.5"] == pytest.approx(1 / 3)  # s000 right; s001, s002 wrong
    assert got["recall_at_0.5"] == 0.5
    assert got["precision_at_0.9"] == 1.0
    assert got["recall_at_0.9"] == 0.5
    first, second = 0.01 + 0.0025 + 0.0025, 0.36 + 0.64 + 0.04
    assert got["brier"] == pytest.approx((first + second) / 2)
    assert got["log_loss"] == pytest.approx(-np.log(0.9 * 0.2) / 2)
    assert got["auc_unknown"] == 1.0  # .9 against .05 and .2; clutter and the broadcasting ships stay out
    assert got["false_links_of_others"] == 0.25  # s002 of s002, s003, s004, s005


def test_transfers_by_hand():
    world = known.Truth(
        known.truth_table(
            [
                known.event("dark_call", 0, 10, 60, (10, 60), port="A", barrels=1.0),
                known.event("dark_call", 0, 100, 160, (100, 160), port="A", barrels=1.0),
                known.event("dark_call", 1, 10, 60, (10, 60), port="A", barrels=1.0),
                known.event("dark_call", 2, 10, 14, None, port="A", barrels=1.0),  # in no gap
                known.event("natural", 3, 10, 60, (10, 60)),
                known.event("natural", 4, 10, 60, (10, 60)),
            ]
        ),
        *known.sighting_tables([(5, 0, "ship", "a")]),
    )
    gaps_found = known.true_gaps(world)
    gaps_found = gaps_found[gaps_found["duration_h"] > 6]
    rows = [
        ("gap-t000", "A", 0.5), ("gap-t000", "B", 0.25),
        ("gap-t001", "A", 0.5), ("gap-t001", "B", 0.5),
        ("gap-t002", "A", 0.25),
        ("gap-t004", "A", 0.625),
    ]  # fmt: skip
    answer = pd.DataFrame(rows, columns=["gap_id", "port_id", "p_transfer"]).merge(
        gaps_found[["gap_id", "mmsi", "track_id", "gap_start", "gap_end"]], on="gap_id"
    )
    answer = answer.assign(score=1.0, prior=0.1, llr_total=0.0)
    got = figures(transfers.evaluate_transfers(answer, gaps=gaps_found, truth=world.truth))
    # p: calls .75, 1, .25 and 0 (in no gap); quiet .625 and 0.
    assert got["average_precision"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 6) / 4)
    assert got["precision_at_true_number"] == 0.75
    assert got["precision_at_50"] == 0.75
    assert got["precision_at_0.5"] == pytest.approx(2 / 3)
    assert got["recall_at_0.5"] == 0.5
    assert got["right_port_of_found"] == 0.5  # the second is level between two ports
    assert got["brier"] == pytest.approx((0.0625 + 0.5625 + 1 + 0.625**2) / 6)
    assert got["expected_over_true"] == pytest.approx((0.75 + 1 + 0.25 + 0.625) / 4)
    # Three ships hide, with 1, .25 and 0: all five must be looked at to have the last.
    assert got["vessels_flagged_for_95_percent"] == 1.0
    assert got["expected_calls_per_quiet_gap"] == 0.3125
    assert got["asserted_calls_per_quiet_gap"] == 0.5


def test_cargo_by_hand():
    world = known.Truth(
        known.truth_table(
            [
                known.event("dark_call", 0, 10, 60, (10, 60), port="A", barrels=100.0),
                known.event("dark_call", 1, 10, 60, (10, 60), port="A", barrels=400.0),
                known.event("dark_call", 2, 10, 60, (10, 60), port="A", barrels=300.0),
                known.event("natural", 3, 10, 60, (10, 60)),
            ]
        ),
        *known.sighting_tables([(5, 0, "ship", "a")]),
    )
    answer = known.true_cargo(world).assign(
        p_transfer=[1.0, 0.5, 0.25], barrels_p10=0.0, barrels_p50=[200.0, 400.0, 1.0], barrels_p90=0.0
    )
    ledger = pd.DataFrame(
        {
            "route": ["all ports", "all ports", None],
            "port_id": [None, None, "A"],
            "period_start": pd.to_datetime(["2024-01-01", "2025-01-01", "2024-01-01"], utc=True),
            "period_end": pd.to_datetime(["2025-01-01", "2026-01-01", "2025-01-01"], utc=True),
            "calls_seen": 1,
            "barrels_p10": [100.0, 200.0, 9.0],
            "barrels_p50": [300.0, 300.0, 9.0],
            "barrels_p90": [400.0, 399.0, 9.0],
        }
    )
    got = figures(cargo.evaluate_cargo(answer, gaps=known.true_gaps(world), truth=world.truth, ledger=ledger))
    assert got["barrels_over_true"] == 600 / 800
    assert got["truth_inside_p10_p90"] == 0.0  # 800 lies above 799
    assert got["median_log_error_of_found"] == pytest.approx(np.log(2) / 2)  # ln 2 and 0; the third is not asserted
    assert got["expected_calls_over_true"] == pytest.approx(1.75 / 3)
