"""Port calls: whether there was a hidden call in the gap, and where.

One row per gap. True ones hold a call (`true_calls`); false ones are those in which the ship was at no port. Where the
truth has the ship at a port without hiding a call (berth safety, a call that reception lost), there is a call, but none
to be found: such gaps are not judged. A meeting at sea is no port call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, PORT_CALLS
from darkvoyage.scoring.evaluation.events import label_gaps, one_row_each, summed
from darkvoyage.scoring.evaluation.metrics import (
    LEAST,
    Metric,
    area_under_roc,
    average_precision,
    base_rate,
    brier,
    evaluate,
    mean,
)

__all__ = ["METRICS", "answers_port_calls", "evaluate_port_calls"]

FEASIBLE = 0.01
"""A port with less chance of having been reached in time counts as declared infeasible."""


def answers_port_calls(port_calls: Any, *, gaps: Any, truth: Any) -> pd.DataFrame:
    """Put the readings of each gap beside the truth.

    Parameters
    ----------
    port_calls : PORT_CALLS table
        What has no row has p = 0.
    gaps : GAPS table
    truth : TRUTH table

    Returns
    -------
    DataFrame
        One row per gap: `gap_id`, `mmsi`, `time` (start), `kind`, `ports` (number of feasible ones), `p` (of all ports
        together), `y` (a call), `judged`, `p_true` (of the true place, or of being at none), and of the true port
        `top1`, `top3` (no other port, at most two others are at least as likely), `infeasible` (not listed, or less
        than 1 % feasible).

    Raises
    ------
    SchemaError
        A table is not what it should be, or a reading of a gap occurs twice.
    """
    table = one_row_each(complete(gaps, GAPS), ("gap_id",), GAPS)
    calls = one_row_each(complete(port_calls, PORT_CALLS), ("gap_id", "hypothesis", "port_id"), PORT_CALLS)
    labels = label_gaps(table, truth)
    place = labels["port_id"].notna()
    port, nowhere = calls[calls["hypothesis"].eq("port")], calls[calls["port_id"].isna()]
    right = calls.merge(labels.loc[place, ["gap_id", "port_id"]], on=["gap_id", "port_id"])
    p_place = summed(right["p_call"], right["gap_id"], table["gap_id"])
    rivals = port["p_call"] >= port["gap_id"].map(pd.Series(p_place, table["gap_id"])).astype("float64")
    rank = table["gap_id"].map(port.loc[rivals, "gap_id"].value_counts()).astype("float64").where(p_place > 0)
    feasible, reached = (rows.loc[~(rows["p_feasible"] < FEASIBLE), "gap_id"] for rows in (port, right))
    return pd.DataFrame(
        {
            "gap_id": table["gap_id"],
            "mmsi": table["mmsi"],
            "time": table["gap_start"],
            "kind": labels["kind"],
            "ports": table["gap_id"].map(feasible.value_counts()).astype("float64").fillna(0).astype("int64"),
            "p": summed(port["p_call"], port["gap_id"], table["gap_id"]),
            "y": labels["call"],
            "judged": labels["call"] | ~place | labels["kind"].eq("dark_meeting"),
            "p_true": np.where(place, p_place, summed(nowhere["p_call"], nowhere["gap_id"], table["gap_id"])),
            "top1": rank <= 1,
            "top3": rank <= 3,
            "infeasible": ~table["gap_id"].isin(reached),
        }
    )


def _mean_log(p: np.ndarray) -> float:
    return mean(np.log(np.maximum(p, LEAST)))


METRICS = (
    Metric("auc", area_under_roc, 1.0, 0.5, among="judged"),
    Metric("average_precision", average_precision, 1.0, base_rate, among="judged"),
    Metric("brier", brier, 0.0, base_rate, among="judged"),
    Metric("right_port_top1", mean, 1.0, 0.0, ("top1",), "y"),
    Metric("right_port_top3", mean, 1.0, 0.0, ("top3",), "y"),
    Metric("declared_infeasible", mean, 0.0, 1.0, ("infeasible",), "y"),
    Metric("mean_log_p_true", _mean_log, 0.0, float(np.log(LEAST)), ("p_true",), "judged"),
)


def evaluate_port_calls(port_calls: Any, *, gaps: Any, truth: Any, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """Judge readings of gaps as port calls.

    Parameters
    ----------
    port_calls, gaps, truth
        See `answers_port_calls`.
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        Scores.
    """
    return evaluate(answers_port_calls(port_calls, gaps=gaps, truth=truth), METRICS, draws=draws, seed=seed)
