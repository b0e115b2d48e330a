"""Cargo: how much was moved, call by call and altogether.

One row for the whole of a world (`total`), and one per true call that took cargo aboard. The total is that of the
ledger, whose quantiles know which errors the calls share; the expected number of calls is the sum of `p_transfer`, 1 a
gap at most. Draws of the bootstrap are whole worlds: `BY`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.cargo.ledger import ALL_PORTS, quota_ledger
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import CARGO, GAPS, LEDGER, TRUTH
from darkvoyage.scoring.evaluation.events import label_gaps, one_row_each, summed, true_calls
from darkvoyage.scoring.evaluation.metrics import Metric, evaluate, mean

__all__ = ["ALARMS", "BY", "METRICS", "answers_cargo", "evaluate_cargo"]

BY = ("world",)
ASSERTED = 0.5
NOTHING_FOUND = float(np.log(10.0))
"""Log error of an answer that finds no call: a factor of ten."""

_CAP_BBL = 1.0  # any: the ledger is asked for sums only
_ALL_TIME = "100YS"
_ROUNDING = 1e-9


def answers_cargo(cargo: Any, *, gaps: Any, truth: Any, ledger: Any = None) -> pd.DataFrame:
    """Put volumes beside the truth.

    Parameters
    ----------
    cargo : CARGO table
    gaps : GAPS table
    truth : TRUTH table
    ledger : LEDGER table, optional
        Whose rows of all ports are added up over the periods; None: `quota_ledger` of the cargo over all time.

    Returns
    -------
    DataFrame
        `mmsi` (0 for the total), `time`, `total`, and for the total `barrels_p10`, `barrels_p50`, `barrels_p90`,
        `barrels_true`, `inside` (the truth lies between the outer two), `calls_expected`, `calls_true`; for a call
        `barrels_p50` of the likeliest port of its gap, `barrels_true`, `log_error` (absolute), `found` (suspected with
        0.5 or more, with a volume). `laden_world`, `quiet_world`, `call` tell the rows apart.

    Raises
    ------
    SchemaError
        A table is not what it should be, or a port of a gap occurs twice.
    """
    table = one_row_each(complete(gaps, GAPS), ("gap_id",), GAPS)
    found = one_row_each(complete(cargo, CARGO), ("gap_id", "port_id"), CARGO)
    events = complete(truth, TRUTH)
    calls = true_calls(events)
    rows = pd.concat([_total(found, calls, ledger), _calls(found, label_gaps(table, events), calls)], ignore_index=True)
    return rows.assign(
        call=~rows["total"],
        laden_world=rows["total"] & (rows["barrels_true"] > 0),
        quiet_world=rows["total"] & (rows["calls_true"] == 0),
    )


def _total(cargo: pd.DataFrame, calls: pd.DataFrame, ledger: Any) -> pd.DataFrame:
    """One row: the sums of a world."""
    book = complete(quota_ledger(cargo, cap_bbl=_CAP_BBL, period=_ALL_TIME) if ledger is None else ledger, LEDGER)
    sums = book.loc[book["route"].eq(ALL_PORTS), ["barrels_p10", "barrels_p50", "barrels_p90"]].sum()
    true = calls["barrels"].sum()
    slack = _ROUNDING * true
    gaps = pd.Series(cargo["gap_id"].unique())
    return pd.DataFrame(
        {
            "mmsi": [0],
            "time": calls["off_time"].min(),
            "total": True,
            **{name: [value] for name, value in sums.items()},
            "barrels_true": true,
            "inside": sums["barrels_p10"] - slack <= true <= sums["barrels_p90"] + slack,
            "calls_expected": summed(cargo["p_transfer"], cargo["gap_id"], gaps).sum(),
            "calls_true": float(len(calls)),
            "found": False,
        }
    )


def _calls(cargo: pd.DataFrame, labels: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """One row per true call with cargo: the volume given to the likeliest port of its gap."""
    laden = calls.loc[calls["barrels"] > 0, ["truth_id", "mmsi", "off_time", "barrels"]]
    likeliest = cargo.sort_values(["gap_id", "p_transfer", "port_id"], ascending=[True, False, True])
    likeliest = likeliest.drop_duplicates("gap_id")[["gap_id", "barrels_p50"]]
    rows = laden.merge(labels.loc[labels["call"], ["truth_id", "gap_id"]], on="truth_id", how="left")
    rows = rows.merge(likeliest, on="gap_id", how="left")
    suspected = summed(cargo["p_transfer"], cargo["gap_id"], rows["gap_id"]) >= ASSERTED
    return pd.DataFrame(
        {
            "mmsi": rows["mmsi"],
            "time": rows["off_time"],
            "total": False,
            "barrels_p50": rows["barrels_p50"],
            "barrels_true": rows["barrels"],
            "inside": False,
            "log_error": np.abs(np.log(rows["barrels_p50"] / rows["barrels"])),
            "found": suspected & (rows["barrels_p50"] > 0).to_numpy(),
        }
    )


def _ratio(value: np.ndarray, true: np.ndarray) -> float:
    return float(np.sum(value) / np.sum(true)) if np.sum(true) > 0 else np.nan


def _median_error(error: np.ndarray, found: np.ndarray) -> float:
    """Median over the calls that were found; `NOTHING_FOUND` where none was."""
    if len(error) == 0:
        return np.nan
    return float(np.median(error[found])) if np.any(found) else NOTHING_FOUND


METRICS = (
    Metric("barrels_over_true", _ratio, 1.0, 0.0, ("barrels_p50", "barrels_true"), "total"),
    Metric("truth_inside_p10_p90", mean, 1.0, 0.0, ("inside",), "laden_world"),
    Metric("median_log_error_of_found", _median_error, 0.0, NOTHING_FOUND, ("log_error", "found"), "call"),
    Metric("expected_calls_over_true", _ratio, 1.0, 0.0, ("calls_expected", "calls_true"), "total"),
)
ALARMS = (
    Metric("expected_calls_of_a_quiet_world", mean, 0.0, 0.0, ("calls_expected",), "quiet_world"),
    Metric("barrels_of_a_quiet_world", mean, 0.0, 0.0, ("barrels_p50",), "quiet_world"),
)
"""What silence avoids as well as the truth does; they are about worlds in which nobody calls in the dark."""


def evaluate_cargo(
    cargo: Any, *, gaps: Any, truth: Any, ledger: Any = None, draws: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Judge volumes.

    Parameters
    ----------
    cargo, gaps, truth, ledger
        See `answers_cargo`.
    draws, seed : int
        See `evaluate`; whole worlds are drawn, so that one world has no interval.

    Returns
    -------
    DataFrame
        Scores.
    """
    answers = answers_cargo(cargo, gaps=gaps, truth=truth, ledger=ledger)
    return evaluate(answers, METRICS + ALARMS, draws=draws, seed=seed, by=BY)
