"""Silences: whether the transmitter was off, or nobody heard it.

One row per gap. True ones are those in which the transmitter was off, on purpose or by a fault; false ones are natural
gaps. Gaps of spoofed tracks and swapped identities are neither (it was on, but sent something else), and not judged.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import FIXES, GAPS, SILENCES
from darkvoyage.scoring.evaluation.events import label_gaps, one_row_each, summed
from darkvoyage.scoring.evaluation.metrics import (
    LEAST,
    Metric,
    area_under_roc,
    average_precision,
    base_rate,
    brier,
    calibration_error,
    evaluate,
    log_loss,
    matched_auc,
    recall_at_false_positives,
)

__all__ = ["ALARMS", "DURATION_EDGES_H", "METRICS", "answers_silences", "evaluate_silences", "vessel_days"]

DURATION_EDGES_H = (2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 36.0, 48.0, 72.0, 120.0, 240.0, 480.0)
"""Bins of the matched AUC [h]: narrow enough that the length alone orders little inside one."""
ALERT = 0.8


def vessel_days(fixes: Any) -> float:
    """Days between the first and last fix of each vessel, summed.

    Parameters
    ----------
    fixes : FIXES table

    Returns
    -------
    float
    """
    times = complete(fixes, FIXES).groupby("mmsi")["timestamp"]
    return float((times.max() - times.min()).dt.total_seconds().sum() / 86_400)


def answers_silences(silences: Any, *, gaps: Any, truth: Any, days: float | None = None) -> pd.DataFrame:
    """Put the judgement on each gap beside the truth.

    Parameters
    ----------
    silences : SILENCES table
        A gap without a row has p = 0; rows of other gaps are ignored.
    gaps : GAPS table
    truth : TRUTH table
    days : float, optional
        `vessel_days` of the feed, for the rate of false alerts.

    Returns
    -------
    DataFrame
        One row per gap: `gap_id`, `mmsi`, `time` (start), `duration_h`, `stratum` (bin of the duration), `kind`, `p`,
        `y` (off), `judged` (off or natural), `vessel_days` (each row's share of `days`).

    Raises
    ------
    SchemaError
        A table is not what it should be, or a gap is judged twice.
    """
    table = one_row_each(complete(gaps, GAPS), ("gap_id",), GAPS)
    found = one_row_each(complete(silences, SILENCES), ("gap_id",), SILENCES)
    labels = label_gaps(table, truth)
    return pd.DataFrame(
        {
            "gap_id": table["gap_id"],
            "mmsi": table["mmsi"],
            "time": table["gap_start"],
            "duration_h": table["duration_h"],
            "stratum": np.digitize(table["duration_h"], DURATION_EDGES_H),
            "kind": labels["kind"],
            "p": summed(found["p_off"], found["gap_id"], table["gap_id"]),
            "y": labels["off"],
            "judged": labels["off"] | labels["kind"].eq("natural"),
            "vessel_days": np.nan if days is None else days / max(len(table), 1),
        }
    )


def _false_alerts(p: np.ndarray, y: np.ndarray, days: np.ndarray) -> float:
    """Natural gaps above `ALERT` per 1,000 vessel-days."""
    return float(1000 * np.sum(~y & (p > ALERT)) / np.sum(days)) if len(p) else np.nan


def _empty_log_loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(-base_rate(p, y) * np.log(LEAST))


METRICS = (
    Metric("auc", area_under_roc, 1.0, 0.5, among="judged"),
    Metric("auc_same_duration", matched_auc, 1.0, 0.5, ("p", "y", "stratum"), "judged"),
    Metric("average_precision", average_precision, 1.0, base_rate, among="judged"),
    Metric("brier", brier, 0.0, base_rate, among="judged"),
    Metric("log_loss", log_loss, 0.0, _empty_log_loss, among="judged"),
    Metric("ece", calibration_error, 0.0, base_rate, among="judged"),
    Metric("recall_at_5_percent_false", partial(recall_at_false_positives, share=0.05), 1.0, 0.0, among="judged"),
    Metric("recall_at_1_percent_false", partial(recall_at_false_positives, share=0.01), 1.0, 0.0, among="judged"),
)
ALARMS = (Metric("false_alerts_per_1000_vessel_days", _false_alerts, 0.0, 0.0, ("p", "y", "vessel_days"), "judged"),)
"""What silence avoids as well as the truth does."""


def evaluate_silences(
    silences: Any, *, gaps: Any, truth: Any, days: float | None = None, draws: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Judge judgements on silence.

    Parameters
    ----------
    silences, gaps, truth, days
        See `answers_silences`.
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        Scores.
    """
    answers = answers_silences(silences, gaps=gaps, truth=truth, days=days)
    return evaluate(answers, METRICS + ALARMS, draws=draws, seed=seed)
