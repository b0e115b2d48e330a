"""Metrics by hand and beside scikit-learn; what no metric may depend on; and whether intervals cover."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.metrics import roc_auc_score

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.scoring.evaluation import silences, transfers
from darkvoyage.scoring.evaluation.metrics import (
    Metric,
    area_under_roc,
    average_precision,
    base_rate,
    brier,
    calibration_error,
    equal_mass_bins,
    evaluate,
    f1,
    log_loss,
    matched_auc,
    mean,
    median,
    precision,
    precision_at_k,
    recall,
    recall_at_false_positives,
    reliability_table,
)

P = np.array([0.9, 0.8, 0.8, 0.3, 0.1])
Y = np.array([True, True, False, False, True])
ONE = np.zeros(5, dtype="int64")


@pytest.mark.parametrize(
    ("value", "by_hand"),
    [
        (base_rate(P, Y), 3 / 5),
        (brier(P, Y), (0.01 + 0.04 + 0.64 + 0.09 + 0.81) / 5),
        (log_loss(P, Y), -np.log(0.9 * 0.8 * 0.2 * 0.7 * 0.1) / 5),
        (log_loss(np.array([0.0]), np.array([True])), np.log(1e6)),
        (area_under_roc(P, Y), 3.5 / 6),  # .9 wins two, .8 one and a half, .1 none
        (matched_auc(P, Y, np.array([0, 1, 1, 0, 0])), 1.5 / 3),  # .9 > .3, .1 < .3, .8 = .8
        (average_precision(P, Y), (1 + 2 / 3 + 3 / 5) / 3),
        (recall_at_false_positives(P, Y, share=0.5), 2 / 3),
        (recall_at_false_positives(P, Y, share=0.49), 1 / 3),
        (precision(P, Y, at=0.5), 2 / 3),
        (precision(P, Y, at=0.95), 0.0),
        (recall(P, Y, at=0.1), 1.0),
        (recall(P, Y, at=0.8), 2 / 3),
        (f1(P, Y, at=0.5), 2 / 3),
        (f1(P, Y, at=0.9), 0.5),
        (precision_at_k(P, Y, ONE, k=1), 1.0),
        (precision_at_k(P, Y, ONE, k=2), 0.75),  # one of the two level ones, each with one half
        (precision_at_k(P, Y, ONE, k=50), 2 / 3),  # three are true, three are listed
        (precision_at_k(P * (P > 0.5), Y, ONE), 2 / 3),
        (precision_at_k(np.zeros(5), Y, ONE), 0.0),
        (precision_at_k(P, Y, np.array([0, 0, 1, 1, 1])), 2 / 3),  # two of two, none of one
        (calibration_error(np.array([0.1, 0.1, 0.3, 0.7]), np.array([0, 1, 0, 1]), bins=2), 0.2),
        (mean(P), 0.58),
        (median(P), 0.8),
    ],
)
def test_by_hand(value, by_hand):
    assert value == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        area_under_roc,
        average_precision,
        partial(recall_at_false_positives, share=0.05),
        partial(precision, at=0.5),
        partial(recall, at=0.5),
        partial(f1, at=0.5),
        lambda p, y: precision_at_k(p, y, np.zeros(len(p), "int64")),
        lambda p, y: matched_auc(p, y, np.zeros(len(p), "int64")),
    ],
)
def test_nothing_true_is_undefined(function):
    for size in (0, 3):
        assert np.isnan(function(np.linspace(0, 1, size), np.zeros(size, dtype=bool)))


def test_nothing_at_all_is_undefined():
    nothing = np.empty(0), np.empty(0, dtype=bool)
    assert all(np.isnan(function(*nothing)) for function in (brier, log_loss, calibration_error, base_rate))
    assert np.isnan(mean(np.empty(0)))
    assert np.isnan(median(np.empty(0)))


answers = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), st.booleans(), st.integers(0, 3)), max_size=30)


@given(answers)
def test_area_under_roc_is_that_of_scikit_learn(rows):
    p, y, _ = (np.array(column) for column in zip(*[*rows, (0.5, True, 0), (0.1, False, 0)], strict=True))
    assert area_under_roc(p, y) == pytest.approx(roc_auc_score(y, p))


@given(answers)
def test_matched_auc_counts_pairs(rows):
    won = pairs = 0.0
    for p, y, stratum in rows:
        for other_p, other_y, other_stratum in rows:
            if y and not other_y and stratum == other_stratum:
                pairs += 1
                won += 1.0 if p > other_p else 0.5 if p == other_p else 0.0
    p, y, stratum = (np.array([row[i] for row in rows], dtype=kind) for i, kind in enumerate(("f8", bool, "int64")))
    np.testing.assert_allclose(matched_auc(p, y, stratum), won / pairs if pairs else np.nan)


@given(answers)
def test_precision_at_k_is_the_mean_over_all_ways_to_break_ties(rows):
    p, y, _ = (np.array([row[i] for row in rows], dtype=kind) for i, kind in enumerate(("f8", bool, "int64")))
    k = min(3, int(y.sum()))
    hits = 0.0
    for value in np.unique(p[p > 0]):
        above, level = (p > value).sum(), (p == value).sum()
        hits += y[p == value].sum() * min(max((k - above) / level, 0.0), 1.0)
    np.testing.assert_allclose(precision_at_k(p, y, np.zeros(len(p), "int64"), k=3), hits / k if k else np.nan)


def test_bins_hold_equally_many_and_never_part_equals():
    assert np.bincount(equal_mass_bins(np.random.default_rng(1).random(150), 15)).tolist() == [10] * 15
    rare = equal_mass_bins(np.r_[np.zeros(99), 1.0], 15)
    assert len(set(rare[:99])) == 1
    assert rare[99] != rare[0]
    assert equal_mass_bins(np.empty(0), 15).tolist() == []


def test_reliability_table_by_hand():
    table = reliability_table(np.r_[np.full(10, 0.1), np.full(10, 0.9)], np.r_[np.zeros(10), np.ones(8), 0, 0] > 0)
    assert table["n"].tolist() == [10, 10]
    assert table["y_mean"].tolist() == [0.0, 0.8]
    # Clopper-Pearson for 0 of 10 and 8 of 10, as tabulated.
    np.testing.assert_allclose(table["low"], [0.0, 0.4439], atol=5e-5)
    np.testing.assert_allclose(table["high"], [0.3085, 0.9748], atol=5e-5)


METRICS = silences.METRICS + silences.ALARMS + transfers.METRICS + transfers.ALARMS


def table_of(rows):
    table = pd.DataFrame(rows, columns=["p", "y", "mmsi"]).astype({"p": "float64", "y": bool, "mmsi": "int64"})
    return table.assign(
        world=table["mmsi"] % 2,
        judged=table["p"] < 1,
        stratum=table["mmsi"] % 3,
        vessel_days=2.0,
        quiet=~table["y"],
        right_port=table["mmsi"] < 2,
        found=table["p"] > 0.5,
    )


@given(answers.filter(len), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (evaluate(table_of(part), METRICS, draws=3) for part in (rows, shuffled))
    assert_frame_equal(one, other, rtol=1e-9, atol=1e-12)


@given(answers.filter(len))
def test_the_same_worlds_twice_change_no_value(rows):
    table = table_of(rows)
    twice = pd.concat([table, table.assign(world=table["world"] + 2)])
    one, both = (evaluate(part, METRICS).drop(columns="n") for part in (table, twice))
    assert_frame_equal(one, both, rtol=1e-9, atol=1e-12)


def test_score_runs_from_empty_to_perfect_and_falls_beyond():
    table = pd.DataFrame({"x": [3.0], "y": [True], "mmsi": 1})
    ends = [(5.0, 1.0), (2.0, 0.0), (0.0, 6.0), (3.0, 3.0), (lambda x: x.max(), lambda x: 0 * x.max())]
    metrics = [Metric(str(i), mean, perfect, empty, ("x",)) for i, (perfect, empty) in enumerate(ends)]
    np.testing.assert_allclose(evaluate(table, metrics)["score"], [0.5, 0.5, 0.5, np.nan, 1.0])


def test_rows_of_a_metric_are_counted():
    table = pd.DataFrame({"p": [0.2, 0.4], "y": [False, False], "some": [True, False], "mmsi": [1, 2]})
    metrics = [Metric("mean", mean, 0.0, 1.0, ("p",), "some"), Metric("auc", area_under_roc, 1.0, 0.5)]
    scores = evaluate(table, metrics, draws=10)
    assert scores["n"].tolist() == [1, 0]
    assert scores["value"][0] == 0.2
    assert scores.loc[1, ["value", "low", "high", "perfect", "empty", "score"]].isna().all()


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"p": rng.random(200), "y": rng.random(200) < 0.3, "mmsi": rng.integers(0, 20, 200)})
    metrics = [Metric("brier", brier, 0.0, base_rate)]
    first, again, other = (evaluate(table, metrics, draws=20, seed=seed) for seed in (1, 1, 2))
    assert_frame_equal(first, again)
    assert first["low"][0] != other["low"][0]
    assert first["low"][0] < first["value"][0] < first["high"][0]


def test_intervals_cover_the_mean_in_95_of_100_when_whole_ships_are_drawn():
    """40 ships of 4 rows that share most of their deviation: rows drawn one by one would cover far less."""
    metrics = [Metric("mean", mean, 0.0, 1.0, ("x",))]
    rng = np.random.default_rng(11)
    covered = {"mmsi": 0, "row": 0}
    number = 150
    for seed in range(number):
        ship = np.repeat(np.arange(40), 4)
        x = 5.0 + rng.standard_normal(40)[ship] + 0.3 * rng.standard_normal(160)
        table = pd.DataFrame({"x": x, "mmsi": ship, "row": np.arange(160)})
        for by in covered:
            interval = evaluate(table, metrics, draws=150, seed=seed, by=(by,)).iloc[0]
            covered[by] += interval["low"] <= 5.0 <= interval["high"]
    # Within three standard errors of 0.95: 0.897 to 1.
    assert 0.897 <= covered["mmsi"] / number <= 1.0
    assert covered["row"] / number < 0.8


def test_a_ship_drawn_twice_counts_as_two():
    """Of two ships that look alike, both are flagged, or either one twice: always all of them."""
    table = pd.DataFrame({"p": [0.5, 0.5], "y": [True, True], "mmsi": [1, 2]})
    ships = Metric("ships", lambda cluster: float(len(np.unique(cluster))), 1.0, 0.0, ("cluster",))
    scores = evaluate(table, [ships], draws=20)
    assert scores.loc[0, ["value", "low", "high"]].tolist() == [2.0, 2.0, 2.0]


def test_each_world_has_one_list():
    """In either world the false ship stands above the true one, so neither list of one has a hit."""
    table = pd.DataFrame(
        {"p": [0.9, 0.5, 0.8, 0.7], "y": [False, True] * 2, "mmsi": [1, 2, 1, 2], "world": list("aabb")}
    )
    scores = evaluate(table, [Metric("list", precision_at_k, 1.0, 0.0, ("p", "y", "world"))])
    assert scores["value"].tolist() == [0.0]


def test_one_cluster_has_no_interval():
    table = pd.DataFrame({"p": [0.5, 0.7], "y": [True, False], "mmsi": [1, 1]})
    scores = evaluate(table, [Metric("brier", brier, 0.0, base_rate)], draws=20)
    assert scores[["low", "high"]].isna().all(axis=None)


def test_what_makes_no_sense_is_refused():
    table = pd.DataFrame({"p": [0.5], "mmsi": [1]})
    with pytest.raises(SchemaError, match=r"answers: missing column\(s\) y; found p, mmsi"):
        evaluate(table, [Metric("brier", brier, 0.0, base_rate)])
    with pytest.raises(RuleError, match="draws = -1"):
        evaluate(table, [], draws=-1)
