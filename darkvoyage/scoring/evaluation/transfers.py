"""Transfers: whether a hidden call is suspected where there was one, and nowhere else.

One row per gap, and one per true call that lies in no gap: that one is missed (p = 0). The ports of a gap exclude each
other, so p is their sum. True ones hold a call (`true_calls`). A gap stands for one call: where a second call lies in
the same gap, it is missed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, TRANSFERS, TRUTH
from darkvoyage.scoring.evaluation.events import label_gaps, one_row_each, summed, true_calls
from darkvoyage.scoring.evaluation.metrics import (
    Metric,
    average_precision,
    base_rate,
    brier,
    calibration_error,
    evaluate,
    mean,
    precision,
    precision_at_k,
    recall,
)

__all__ = ["ALARMS", "METRICS", "answers_transfers", "evaluate_transfers", "missed_calls"]

ASSERTED = 0.5
_EDGES = ["gap_id", "mmsi", "gap_start", "gap_end"]


def answers_transfers(transfers: Any, *, gaps: Any, truth: Any) -> pd.DataFrame:
    """Put suspected transfers beside true calls.

    Parameters
    ----------
    transfers : TRANSFERS table
        A gap without a row has p = 0. Gaps of its own that are not in `gaps` are judged as well.
    gaps : GAPS table
    truth : TRUTH table

    Returns
    -------
    DataFrame
        One row per gap and per call in no gap: `gap_id` (null for the latter), `truth_id`, `mmsi`, `time` (start), `p`
        (all ports together), `y` (a call), `quiet` (none), `right_port` (the likeliest port is the true one, and no
        other is as likely), `found` (a call with p of 0.5 or more).

    Raises
    ------
    SchemaError
        A table is not what it should be, or a gap or one of its ports occurs twice.
    """
    named = one_row_each(complete(transfers, TRANSFERS), ("gap_id", "port_id"), TRANSFERS)
    known = one_row_each(complete(gaps, GAPS), ("gap_id",), GAPS)
    events = complete(truth, TRUTH)
    own = named.loc[~named["gap_id"].isin(known["gap_id"]), _EDGES].drop_duplicates("gap_id")
    table = pd.concat([known[_EDGES], own], ignore_index=True)
    labels = label_gaps(table.assign(track_id="", is_closed=True, duration_h=0.0), events)
    most = named.groupby("gap_id")["p_transfer"].transform("max")
    best = named[named["p_transfer"] == most].drop_duplicates("gap_id", keep=False)
    likeliest = table["gap_id"].map(best.set_index("gap_id")["port_id"])
    rows = labels[["gap_id", "truth_id", "mmsi"]].assign(
        time=table["gap_start"],
        p=summed(named["p_transfer"], named["gap_id"], table["gap_id"]),
        y=labels["call"],
        right_port=(likeliest == labels["port_id"]).fillna(False).astype(bool),
    )
    rows = pd.concat([rows, missed_calls(labels, events)], ignore_index=True)
    return rows.assign(quiet=~rows["y"], found=rows["y"] & (rows["p"] >= ASSERTED))


def missed_calls(labels: pd.DataFrame, truth: Any) -> pd.DataFrame:
    """List the true calls that no gap stands for.

    Parameters
    ----------
    labels : DataFrame
        From `label_gaps`.
    truth : TRUTH table

    Returns
    -------
    DataFrame
        `gap_id` (null), `truth_id`, `mmsi`, `time`, `p` = 0, `y` = True, `right_port` = False.
    """
    calls = true_calls(truth)
    lost = calls[~calls["truth_id"].isin(labels.loc[labels["call"], "truth_id"])]
    rows = lost[["truth_id", "mmsi"]].assign(time=lost["off_time"], p=0.0, y=True, right_port=False)
    return rows.assign(gap_id=pd.Series(None, rows.index, dtype="str"))


def _right_port_of_found(right: np.ndarray, found: np.ndarray) -> float:
    """Share of the found calls whose port is right; 0 where none is found."""
    return float(np.sum(right & found) / max(np.sum(found), 1)) if len(found) else np.nan


def _expected_over_true(p: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(p) / np.sum(y)) if np.any(y) else np.nan


def _flagged_vessels(p: np.ndarray, y: np.ndarray, vessel: np.ndarray, *, caught: float) -> float:
    """Share of the vessels to look at, the likeliest first, to have `caught` of the hiding ones among them."""
    table = pd.DataFrame({"p": p, "y": y}).groupby(vessel).max()
    hiding = np.sort(table.loc[table["y"], "p"])[::-1]
    if len(hiding) == 0:
        return np.nan
    threshold = hiding[int(np.ceil(caught * len(hiding))) - 1]
    return mean(table["p"] >= threshold)


def _hiding_share(p: np.ndarray, y: np.ndarray, vessel: np.ndarray) -> float:
    return mean(pd.Series(y).groupby(vessel).max().to_numpy())


METRICS = (
    Metric("average_precision", average_precision, 1.0, base_rate),
    Metric("precision_at_true_number", precision_at_k, 1.0, 0.0, ("p", "y", "world")),
    Metric("precision_at_50", partial(precision_at_k, k=50), 1.0, 0.0, ("p", "y", "world")),
    Metric("precision_at_0.5", partial(precision, at=ASSERTED), 1.0, 0.0),
    Metric("recall_at_0.5", partial(recall, at=ASSERTED), 1.0, 0.0),
    Metric("right_port_of_found", _right_port_of_found, 1.0, 0.0, ("right_port", "found"), "y"),
    Metric("brier", brier, 0.0, base_rate),
    Metric("ece", calibration_error, 0.0, base_rate),
    Metric("expected_over_true", _expected_over_true, 1.0, 0.0),
    Metric(
        "vessels_flagged_for_95_percent",
        partial(_flagged_vessels, caught=0.95),
        _hiding_share,
        1.0,
        ("p", "y", "cluster"),
    ),
)
ALARMS = (
    Metric("expected_calls_per_quiet_gap", mean, 0.0, 0.0, ("p",), "quiet"),
    Metric("asserted_calls_per_quiet_gap", lambda p: mean(p >= ASSERTED), 0.0, 0.0, ("p",), "quiet"),
)
"""What silence avoids as well as the truth does; they are defined in a world without a call too."""


def evaluate_transfers(transfers: Any, *, gaps: Any, truth: Any, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """Judge suspected transfers.

    Parameters
    ----------
    transfers, gaps, truth
        See `answers_transfers`.
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        Scores.
    """
    answers = answers_transfers(transfers, gaps=gaps, truth=truth)
    return evaluate(answers, METRICS + ALARMS, draws=draws, seed=seed)
