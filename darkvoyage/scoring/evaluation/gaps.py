"""Gaps: whether the silences of the delivered feed are found, with the right ends.

One row per silence, found or true. A found gap is right if a true silence of the same MMSI starts and ends within
`TOLERANCE_MIN` of it; each is used once. True silences are the rows of TRUTH with a `gap_start`, whatever their cause.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, TRUTH
from darkvoyage.scoring.evaluation.events import TOLERANCE_MIN, match_events
from darkvoyage.scoring.evaluation.metrics import Metric, evaluate, f1, median, precision, recall

__all__ = ["METRICS", "answers_gaps", "evaluate_gaps"]


def answers_gaps(gaps: Any, *, truth: Any, min_gap_h: float = 6.0) -> pd.DataFrame:
    """Put found gaps beside true silences.

    Parameters
    ----------
    gaps : GAPS table
    truth : TRUTH table
        With the `natural` rows.
    min_gap_h : float
        Shorter ones, found or true, are left out [h].

    Returns
    -------
    DataFrame
        One row per silence: `gap_id`, `truth_id`, `mmsi`, `time` (start), `p` (1 found, 0 missed), `y` (true),
        `edge_error_min`: the larger error of the two ends; a missed one has `TOLERANCE_MIN`.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    found = complete(gaps, GAPS)
    found = found[found["duration_h"] > min_gap_h].reset_index(drop=True)
    true = complete(truth, TRUTH).dropna(subset="gap_start").sort_values("truth_id", kind="stable")
    length_h = (true["gap_end"] - true["gap_start"]).dt.total_seconds() / 3600
    true = true[~(length_h <= min_gap_h)].drop_duplicates(["mmsi", "gap_start", "gap_end"]).reset_index(drop=True)
    names = {"gap_start": "start", "gap_end": "end"}
    pairs = match_events(found.rename(columns=names), true.rename(columns=names), tolerance_h=TOLERANCE_MIN / 60)
    error = 60 * pairs[["start_error_h", "end_error_h"]].abs().max(axis=1)
    missed = ~true.index.isin(pairs["true"])
    of_found = found[["gap_id", "mmsi", "gap_start"]].assign(p=1.0, y=found.index.isin(pairs["found"]))
    of_found["truth_id"] = true["truth_id"].reindex(pairs.set_index("found")["true"].reindex(found.index)).to_numpy()
    of_found["edge_error_min"] = error.set_axis(pairs["found"]).reindex(found.index)
    of_missed = true.loc[missed, ["truth_id", "mmsi", "gap_start"]].assign(p=0.0, y=True, edge_error_min=TOLERANCE_MIN)
    rows = pd.concat([of_found, of_missed.assign(gap_id=None)], ignore_index=True).rename(columns={"gap_start": "time"})
    return rows[["gap_id", "truth_id", "mmsi", "time", "p", "y", "edge_error_min"]]


METRICS = (
    Metric("precision", partial(precision, at=0.5), 1.0, 0.0),
    Metric("recall", partial(recall, at=0.5), 1.0, 0.0),
    Metric("f1", partial(f1, at=0.5), 1.0, 0.0),
    Metric("median_edge_error_min", median, 0.0, TOLERANCE_MIN, ("edge_error_min",), "y"),
)


def evaluate_gaps(gaps: Any, *, truth: Any, min_gap_h: float = 6.0, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """Judge found gaps.

    Parameters
    ----------
    gaps, truth, min_gap_h
        See `answers_gaps`.
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        Scores.
    """
    return evaluate(answers_gaps(gaps, truth=truth, min_gap_h=min_gap_h), METRICS, draws=draws, seed=seed)
