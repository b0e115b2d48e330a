"""Meetings in the dark: whether the ship of a gap met another, and which one.

One row per gap. True ones hold a meeting with a ship that is named; of these, `both` have a partner that was silent
too. The partners of a gap exclude each other, so p is their sum.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.kernels.prisms import arc_nm, make_prisms, pairs_at_once
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import DARK_MEETINGS, GAPS, TRUTH
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.scoring.evaluation.events import label_gaps, one_row_each
from darkvoyage.scoring.evaluation.metrics import (
    Metric,
    average_precision,
    base_rate,
    brier,
    evaluate,
    mean,
    precision,
    recall,
)
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["METRICS", "answers_meetings", "evaluate_meetings", "meetings_by_ends", "shift_vessels"]

_FASTEST_KN = 1e6
"""For rules that do not ask whether a ship could have been there."""


def answers_meetings(meetings: Any, *, gaps: Any, truth: Any) -> pd.DataFrame:
    """Put the partners of each gap beside the truth.

    Parameters
    ----------
    meetings : DARK_MEETINGS table
        What has no row has p = 0.
    gaps : GAPS table
    truth : TRUTH table

    Returns
    -------
    DataFrame
        One row per gap: `gap_id`, `mmsi`, `time` (start), `p` (of all partners together), `y` (a meeting), `both` (its
        partner was silent too, in a gap of its own), `p_best` (of the likeliest partner), `right` (that is the true
        one, and no other is as likely), `top3` (at most two others are at least as likely as the true one), `p_true`.

    Raises
    ------
    SchemaError
        A table is not what it should be, or a pair of a gap and a meeting occurs twice.
    """
    table = one_row_each(complete(gaps, GAPS), ("gap_id",), GAPS)
    found = one_row_each(complete(meetings, DARK_MEETINGS), ("gap_id", "meeting_id"), DARK_MEETINGS)
    labels = label_gaps(table, complete(truth, TRUTH))
    met = labels["kind"].eq("dark_meeting") & labels["other_mmsi"].notna()
    partner = labels["other_mmsi"].where(met).astype("Int64")
    # A partner that lingered twice within reach is one partner.
    named = found.groupby(["gap_id", "other_mmsi"])["p_met"].sum().reset_index()
    true = named["gap_id"].map(pd.Series(partner.to_numpy(), table["gap_id"])).astype("Int64")
    hit = named["other_mmsi"].eq(true).fillna(False).astype(bool)
    p_true = table["gap_id"].map(named[hit].set_index("gap_id")["p_met"]).astype("float64").fillna(0.0)
    of_gap = named["gap_id"].map(pd.Series(p_true.to_numpy(), table["gap_id"])).astype("float64")
    at_least = named["p_met"] >= of_gap
    rivals = table["gap_id"].map(named.loc[at_least, "gap_id"].value_counts()).astype("float64").where(p_true > 0)
    each = named.groupby("gap_id")["p_met"]
    return pd.DataFrame(
        {
            "gap_id": table["gap_id"],
            "mmsi": table["mmsi"],
            "time": table["gap_start"],
            "p": table["gap_id"].map(each.sum()).astype("float64").fillna(0.0).clip(upper=1.0),
            "y": met,
            "both": met & _mirrored(labels, met),
            "p_best": table["gap_id"].map(each.max()).astype("float64").fillna(0.0),
            "right": rivals <= 1,
            "top3": rivals <= 3,
            "p_true": p_true,
        }
    )


def _mirrored(labels: pd.DataFrame, met: pd.Series) -> pd.Series:
    """Whether the partner has a gap of its own that holds the same meeting."""
    key = ["mmsi", "other_mmsi", "arrive"]
    own = labels.loc[met, key].astype({"other_mmsi": "int64"})
    partners = own.rename(columns={"mmsi": "other_mmsi", "other_mmsi": "mmsi"}).drop_duplicates()
    both = own.reset_index().merge(partners, on=key)["index"]
    return pd.Series(labels.index.isin(both), labels.index)


def _expected_over_true(p: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(p) / np.sum(y)) if np.any(y) else np.nan


def _precision_of_best(p_best: np.ndarray, right: np.ndarray, y: np.ndarray) -> float:
    return precision(p_best, right, at=0.5) if np.any(y) and np.any(right) else (0.0 if np.any(y) else np.nan)


METRICS = (
    Metric("average_precision", average_precision, 1.0, base_rate),
    Metric("brier", brier, 0.0, base_rate),
    Metric("recall_at_0.5", partial(recall, at=0.5), 1.0, 0.0),
    Metric("right_partner_top1", mean, 1.0, 0.0, ("right",), "y"),
    Metric("right_partner_top3", mean, 1.0, 0.0, ("top3",), "y"),
    Metric("right_partner_top1_both_dark", mean, 1.0, 0.0, ("right",), "both"),
    Metric("right_partner_at_0.5", _precision_of_best, 1.0, 0.0, ("p_best", "right", "y")),
    Metric("expected_over_true", _expected_over_true, 1.0, 0.0),
)


def evaluate_meetings(meetings: Any, *, gaps: Any, truth: Any, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """Judge meetings in the dark.

    Parameters
    ----------
    meetings, gaps, truth
        See `answers_meetings`.
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        Scores.
    """
    return evaluate(answers_meetings(meetings, gaps=gaps, truth=truth), METRICS, draws=draws, seed=seed)


def meetings_by_ends(gaps: Any, *, within_km: float = 25.0, within_h: float = 3.0) -> pd.DataFrame:
    """Simple rule to compare with: ships that were silent at the same time and reappeared close together.

    Parameters
    ----------
    gaps : GAPS table
    within_km, within_h : float
        How far apart the two ends may be: 25 km and 3 h. Pairs of gaps of fishing vessels with both ends so close are
        35 times as frequent as chance has it.

    Returns
    -------
    DARK_MEETINGS table
        `p_met` falls evenly with the distance of the ends in space and time, to 0 at the bounds.

    Raises
    ------
    RuleError
        A bound that is not above 0.
    """
    if not (within_km > 0 and within_h > 0):
        raise RuleError(f"within_km = {within_km!r}, within_h = {within_h!r}: must be greater than 0")
    table = complete(gaps, GAPS)
    table = table[table[["start_lat", "start_lon", "end_lat", "end_lon"]].notna().all(axis=1)]
    table = table.sort_values("gap_id", ignore_index=True)
    if len(table) == 0:
        return empty(DARK_MEETINGS)
    start, end = (time_us(table[name]) for name in ("gap_start", "gap_end"))
    before = table["start_lat"].to_numpy(), table["start_lon"].to_numpy()
    after = table["end_lat"].to_numpy(), table["end_lon"].to_numpy()
    start_h, end_h = (start - start.min()) / US_PER_H, (end - start.min()) / US_PER_H
    silent = make_prisms(before, after, start_h, end_h, np.full(len(table), _FASTEST_KN))
    parts = []
    for i, j in pairs_at_once(silent, None, 1e-9):
        apart_h = np.abs(silent.end_h[i] - silent.end_h[j])
        near = np.flatnonzero((apart_h <= within_h) & (table["mmsi"].to_numpy()[i] != table["mmsi"].to_numpy()[j]))
        apart_nm = arc_nm(silent.back[i[near]], silent.back[j[near]])
        p_met = 1.0 - 0.5 * (apart_h[near] / within_h + apart_nm * M_PER_NM / 1000 / within_km)
        some = apart_nm * M_PER_NM / 1000 <= within_km
        parts.append(pd.DataFrame({"a": i[near], "b": j[near], "p_met": p_met})[some])
    return _both_ways(pd.concat(parts, ignore_index=True), table)


def _both_ways(pairs: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """DARK_MEETINGS of pairs of gaps, one row seen from either."""
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    gap, other = np.r_[a, b], np.r_[b, a]
    ids = table["gap_id"].to_numpy(dtype=object)
    shared = [
        np.maximum(*(time_us(table["gap_start"])[row] for row in (gap, other))),
        np.minimum(*(time_us(table["gap_end"])[row] for row in (gap, other))),
    ]
    return finish(
        {
            "meeting_id": ids[np.r_[a, a]] + "+" + ids[np.r_[b, b]],
            "gap_id": ids[gap],
            "other_gap_id": ids[other],
            "mmsi": table["mmsi"].to_numpy()[gap],
            "other_mmsi": table["mmsi"].to_numpy()[other],
            "earliest": utc_times(shared[0]),
            "latest": utc_times(shared[1]),
            "joint_h": (shared[1] - shared[0]) / US_PER_H,
            "lat": table["end_lat"].to_numpy()[gap],
            "lon": table["end_lon"].to_numpy()[gap],
            "p_feasible": 1.0,
            "p_met": np.r_[pairs["p_met"], pairs["p_met"]],
        },
        DARK_MEETINGS,
    )


def shift_vessels(gaps: Any, *, most_d: int = 7, seed: int = 0) -> pd.DataFrame:
    """Gaps as they would be if ships had nothing to do with each other: those of each vessel moved by whole days.

    Parameters
    ----------
    gaps : GAPS table
    most_d : int
        Each vessel is moved by 1 to this many days, there or back, all alike.
    seed : int

    Returns
    -------
    GAPS table
        The same gaps at other times, with their ids; hours of the day, durations and places stay.
    """
    table = complete(gaps, GAPS)
    vessel = np.unique(table["mmsi"].to_numpy(), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    number = int(vessel.max(initial=-1)) + 1
    days = rng.integers(1, most_d + 1, number) * rng.choice([-1, 1], number)
    shift = pd.Series(pd.to_timedelta(days[vessel], unit="D"), table.index)
    return finish(table.assign(gap_start=table["gap_start"] + shift, gap_end=table["gap_end"] + shift), GAPS)
