"""Meetings beside the truth: full marks for the truth, none for silence, and what lies between by hand."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.schema.conform import empty, finish
from darkvoyage.schema.tables import DARK_MEETINGS
from darkvoyage.scoring.evaluation.meetings import (
    METRICS,
    answers_meetings,
    evaluate_meetings,
    meetings_by_ends,
    shift_vessels,
)
from darkvoyage.scoring.evaluation.metrics import evaluate
from tests.reach.test_meetings import crowd, gap, gaps
from tests.scoring import evaluation_truth as known
from tests.worlds import hours

SHIP = known.SHIP


def world():
    """Ships 0 and 1 meet unheard, 2 meets 3, which sends all the time; 4 and 5 are silent at the same time."""
    truth = known.truth_table(
        [
            known.event("dark_meeting", 0, 10, 50, (10, 50)),
            known.event("dark_meeting", 1, 12, 48, (12, 48)),
            known.event("dark_meeting", 2, 100, 140, (100, 140)),
            known.event("off_wait", 4, 20, 60, (20, 60)),
            known.event("natural", 5, 15, 40, (15, 40)),
        ]
    )
    partner = pd.array([SHIP + 1, SHIP, SHIP + 3, None, None], dtype="Int64")
    arrive = pd.Series(hours([20, 20, 110, np.nan, np.nan])).astype("datetime64[us, UTC]")
    truth = truth.assign(other_mmsi=partner, arrive=arrive)
    ends = {0: (10, 50), 1: (12, 48), 2: (100, 140), 4: (20, 60), 5: (15, 40)}
    table = gaps(*[gap(ship, *times, (0, 0), (0, 0)) for ship, times in ends.items()])
    return table.assign(mmsi=table["mmsi"] - known.SHIP + SHIP), truth


GAPS_OF, TRUTH_OF = world()


def meetings(*rows):
    """Rows (ship of the gap, partner, p)."""
    ids = dict(zip(GAPS_OF["mmsi"] - SHIP, GAPS_OF["gap_id"], strict=True))
    return finish(
        pd.DataFrame(
            [
                {
                    "meeting_id": f"{min(a, b)}+{max(a, b)}{more}", "gap_id": ids[a], "mmsi": SHIP + a,
                    "other_mmsi": SHIP + b, "earliest": hours([20.0])[0], "latest": hours([40.0])[0], "joint_h": 20.0,
                    "lat": 0.0, "lon": 0.0, "p_feasible": 1.0, "p_met": p,
                }
                for a, b, p, more in ((*row, "")[:4] for row in rows)
            ]
        ),
        DARK_MEETINGS,
    )  # fmt: skip


TRUE = meetings((0, 1, 1.0), (1, 0, 1.0), (2, 3, 1.0))


def figures(table):
    scores = evaluate_meetings(table, gaps=GAPS_OF, truth=TRUTH_OF)
    return dict(zip(scores["metric"], scores["value"], strict=True))


def test_the_truth_gets_full_marks_and_silence_none():
    for table, score in ((TRUE, 1.0), (empty(DARK_MEETINGS), 0.0)):
        scores = evaluate_meetings(table, gaps=GAPS_OF, truth=TRUTH_OF)
        assert (scores["n"] > 0).all()
        np.testing.assert_allclose(scores["score"], score, rtol=0, atol=1e-12)


def test_by_hand():
    # The first ship's right partner ties, the second's comes second, the third's is right; two false claims.
    rows = [(0, 1, 0.3), (0, 4, 0.3), (1, 4, 0.6), (1, 0, 0.2), (2, 3, 0.7), (4, 5, 0.8)]
    answers = answers_meetings(meetings(*rows), gaps=GAPS_OF, truth=TRUTH_OF).set_index("mmsi")
    assert answers["y"].tolist() == [True, True, True, False, False]
    assert answers["both"].tolist() == [True, True, False, False, False]
    np.testing.assert_allclose(answers["p"], [0.6, 0.8, 0.7, 0.8, 0.0])
    np.testing.assert_allclose(answers["p_true"], [0.3, 0.2, 0.7, 0.0, 0.0])
    assert answers["right"].tolist() == [False, False, True, False, False]
    assert answers["top3"].tolist() == [True, True, True, False, False]
    found = figures(meetings(*rows))
    np.testing.assert_allclose(found["right_partner_top1"], 1 / 3)
    np.testing.assert_allclose(found["right_partner_top1_both_dark"], 0.0)
    np.testing.assert_allclose(found["right_partner_at_0.5"], 1 / 3)
    np.testing.assert_allclose(found["expected_over_true"], 2.9 / 3)
    np.testing.assert_allclose(found["recall_at_0.5"], 1.0)
    np.testing.assert_allclose(found["brier"], (0.4**2 + 0.2**2 + 0.3**2 + 0.8**2) / 5)


def test_a_partner_that_lingered_twice_is_one():
    twice = meetings((2, 3, 0.25, "a"), (2, 3, 0.25, "b"), (2, 5, 0.4))
    answers = answers_meetings(twice, gaps=GAPS_OF, truth=TRUTH_OF).set_index("mmsi")
    assert answers.loc[SHIP + 2, "p_true"] == 0.5
    assert answers.loc[SHIP + 2, "right"]


def test_order_changes_nothing_and_rows_are_unique():
    rng = np.random.default_rng(3)
    one = answers_meetings(TRUE, gaps=GAPS_OF, truth=TRUTH_OF)
    shuffled = [table.iloc[rng.permutation(len(table))] for table in (TRUE, TRUTH_OF)]
    assert_frame_equal(answers_meetings(shuffled[0], gaps=GAPS_OF, truth=shuffled[1]), one)
    with pytest.raises(dv.SchemaError, match="expected one row per"):
        answers_meetings(pd.concat([TRUE, TRUE]), gaps=GAPS_OF, truth=TRUTH_OF)
    together = pd.concat([one.assign(world="a"), one.assign(world="b")], ignore_index=True)
    np.testing.assert_allclose(evaluate(together, METRICS, draws=5)["score"], 1.0)


def test_without_meetings_nothing_is_defined():
    scores = evaluate_meetings(TRUE, gaps=GAPS_OF, truth=TRUTH_OF.assign(kind="natural"))
    defined = scores.set_index("metric")["value"].drop("brier")
    assert defined.isna().all()


def test_pairs_that_reappear_close_together():
    # 13.5 nm are 25 km: the second comes back 12 nm from the first, the third 15 nm, the fourth 4.5 h later.
    table = gaps(
        gap(1, 0, 30, (0, 0), (0, 0)),
        gap(2, 5, 31, (9, 9), (0, 0.2)),
        gap(3, 5, 30, (9, 9), (0, -0.25)),
        gap(4, 5, 34.5, (9, 9), (0, 0)),
    )
    found = meetings_by_ends(table)
    assert found[["gap_id", "other_gap_id"]].values.tolist() == [["g1-0", "g2-5"], ["g2-5", "g1-0"]]
    # 12.0 nm of the mean sphere are 22.24 km.
    np.testing.assert_allclose(found["p_met"], 1 - 0.5 * (1 / 3 + 22.239 / 25), rtol=1e-3)
    assert len(meetings_by_ends(table, within_km=30, within_h=5)) == 10
    assert len(meetings_by_ends(table.head(0))) == 0
    for option in ({"within_km": 0}, {"within_h": -1}):
        with pytest.raises(dv.RuleError, match="greater than 0"):
            meetings_by_ends(table, **option)


def test_shifted_vessels():
    table = crowd().assign(mmsi=lambda rows: rows["mmsi"] // 2 * 2)
    moved = shift_vessels(table, seed=5).set_index("gap_id").loc[table["gap_id"]].reset_index()
    days = (moved["gap_start"] - table["gap_start"]) / pd.Timedelta(days=1)
    assert (days == days.round()).all()
    assert days.abs().between(1, 7).all()
    assert (days.groupby(table["mmsi"]).agg(np.ptp) == 0).all()
    assert days.nunique() > 2
    assert ((moved["gap_end"] - table["gap_end"]) / pd.Timedelta(days=1) == days).all()
    assert_frame_equal(shift_vessels(table, seed=5), shift_vessels(table.iloc[::-1], seed=5))
    assert len(shift_vessels(table.head(0))) == 0
