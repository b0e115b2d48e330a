"""What is known of reception along the path of each gap, summed over its windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import ReceptionRule
from darkvoyage.gaps.field import intensity
from darkvoyage.gaps.reception import ReceptionModel
from darkvoyage.kernels.grid import cell_of, window_of
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import interpolate, wrap_lon
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["FACTS", "facts_along", "judged_hours", "silence_facts"]

FACTS = (
    "expected_cell", "expected_block", "expected", "factor_mean", "factor_min", "factor_before", "factor_start",
    "factor_end", "factor_after", "own", "own_recent", "usual_start", "usual_end", "neighbours_heard", "feed",
    "windows",
)  # fmt: skip
"""Columns of `silence_facts` that say something of reception."""

_EDGE_WINDOWS = 2
_LEAST_PIECES, _MOST_PIECES = 4, 64
_UNKNOWN_KN, _DRIFT_KN = 10.0, 0.3


def silence_facts(gaps: Any, reception: ReceptionModel) -> pd.DataFrame:
    """What is known of reception along each gap, before any judgement.

    The ship is placed on the great circle between the gap's ends (an open gap: at its start).

    Parameters
    ----------
    gaps : GAPS table
    reception : ReceptionModel

    Returns
    -------
    DataFrame
        One row per gap, in the order of the input: `gap_id`; receptions expected by the
        usual rate of the cells (`expected_cell`), times the contemporaneous factor of the others (`expected_block`),
        times its own (`expected`); mean and least contemporaneous factor along the path (`factor_mean`, `factor_min`),
        and over the two windows before it, at its start, at its end and after it (`factor_before`, `factor_start`,
        `factor_end`, `factor_after`); the ship's own factor over the look-back of the rule and over 6 h before (`own`,
        `own_recent`); usual rates at both ends (`usual_start`, `usual_end`); `neighbours_heard`; `feed` (heard over
        expected of the whole feed); `windows` of the gap. Gaps without a position have no expected windows.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    return facts_along(complete(gaps, GAPS), reception)


def facts_along(table: pd.DataFrame, reception: ReceptionModel) -> pd.DataFrame:
    """Return `silence_facts` of a GAPS table that has all its columns."""
    rule, number = reception.rule, len(table)
    located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
    lat1, lon1 = table["start_lat"].fillna(0.0).to_numpy(), table["start_lon"].fillna(0.0).to_numpy()
    ends = (table["end_lat"].notna() & table["end_lon"].notna()).to_numpy()
    lat2 = np.where(ends, table["end_lat"].to_numpy(), lat1)
    lon2 = np.where(ends, table["end_lon"].to_numpy(), lon1)
    hours = judged_hours(table, rule)
    start_us = time_us(table["gap_start"])
    first = window_of(start_us, reception.window_min) + 1
    end_us = start_us + np.round(hours * US_PER_H).astype("int64")
    count = np.where(located, np.maximum(window_of(end_us, reception.window_min) - first, 0), 0)
    own, own_recent, state = _vessels_at(reception, table["mmsi"].to_numpy(), first - 1)
    # A short silence of the ship itself is part of what its block expected; an open one and a long one are not.
    own_counts = table["is_closed"].to_numpy() & (count * reception.window_min / 60.0 <= rule.suspect_h)

    extent = np.maximum(np.abs(lat2 - lat1), np.abs(wrap_lon(lon2 - lon1))) / rule.cell_deg
    pieces = np.clip(np.ceil(extent).astype("int64"), _LEAST_PIECES, _MOST_PIECES)
    owner, step = expand(np.zeros(number, dtype="int64"), np.minimum(pieces, count))
    of_gap = np.maximum(np.minimum(pieces, count), 1)[owner]
    low, high = (first[owner] + count[owner] * each // of_gap for each in (step, step + 1))
    middle = (low + high) / 2.0 * reception.window_min * 60e6
    fraction = np.clip((middle - start_us[owner]) / np.maximum(end_us - start_us, 1)[owner], 0.0, 1.0)
    lat, lon = interpolate(lat1[owner], lon1[owner], lat2[owner], lon2[owner], fraction)
    usual = intensity(reception.cell_rate(cell_of(lat, lon, rule.cell_deg))) * state[owner]
    block = cell_of(lat, lon, rule.neighbour_deg)
    factor = reception.factors.between(block, low, high, own_counts[owner])
    least = np.full(number, np.inf)
    np.minimum.at(least, owner, factor / (high - low))

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner, values, minlength=number).astype("float64")

    def near(lat: np.ndarray, lon: np.ndarray, since: np.ndarray, until: np.ndarray, inside: bool) -> np.ndarray:
        at = cell_of(lat, lon, rule.neighbour_deg)
        total = reception.factors.between(at, since, until, own_counts & inside)
        return np.where(until > since, total / np.maximum(until - since, 1), 1.0)

    edge, last = np.minimum(count, _EDGE_WINDOWS), first + count
    expected_block = summed(usual * factor)
    facts = {
        "expected_cell": summed(usual * (high - low)),
        "expected_block": expected_block,
        "expected": expected_block * own,
        "factor_mean": np.where(count > 0, summed(factor) / np.maximum(count, 1), 1.0),
        "factor_min": np.where(np.isfinite(least), least, 1.0),
        "factor_before": near(lat1, lon1, first - _EDGE_WINDOWS, first, False),
        "factor_start": near(lat1, lon1, first, first + edge, True),
        "factor_end": near(lat2, lon2, last - edge, last, True),
        "factor_after": near(lat2, lon2, last, last + _EDGE_WINDOWS, False),
        "own": own,
        "own_recent": own_recent,
        "usual_start": intensity(reception.cell_rate(cell_of(lat1, lon1, rule.cell_deg))) * state,
        "usual_end": intensity(reception.cell_rate(cell_of(lat2, lon2, rule.cell_deg))) * state,
        "neighbours_heard": reception.neighbours.count(owner, block, low, high, table["mmsi"].to_numpy()),
        "feed": np.where(
            count > 0, reception.factors.feed_between(first, last, own_counts) / np.maximum(count, 1), 1.0
        ),
        "windows": count,
    }
    return pd.DataFrame({"gap_id": table["gap_id"]} | {name: facts[name] for name in FACTS})


def judged_hours(table: pd.DataFrame, rule: ReceptionRule) -> np.ndarray:
    """Part of each gap in which the ship's whereabouts are known well enough to ask who was heard there.

    All of a closed gap. Of an open one as long as the ship, at the speed it was lost with, stays near that place: it
    may have sailed out of the covered area since.

    Parameters
    ----------
    table : GAPS table
        With all columns.
    rule : ReceptionRule

    Returns
    -------
    ndarray of float64, shape (n,)
        Hours.
    """
    speed = table["start_sog"].fillna(_UNKNOWN_KN).to_numpy()
    nearby = 0.5 * rule.neighbour_deg * 60.0 / np.maximum(speed, _DRIFT_KN)
    duration = table["duration_h"].to_numpy()
    return np.where(table["is_closed"].to_numpy(), duration, np.minimum(duration, nearby))


def _vessels_at(
    model: ReceptionModel, mmsi: np.ndarray, window: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Own factors, long and recent, and factor of the class of each vessel when it was last heard up to a window."""
    known, code = np.unique(model.vessels["mmsi"].to_numpy(), return_inverse=True)
    if len(known) == 0:
        return np.ones(len(mmsi)), np.ones(len(mmsi)), np.ones(len(mmsi))
    asked = np.minimum(np.searchsorted(known, mmsi), len(known) - 1)
    row = search_groups(code, model.vessels["window"].to_numpy(), asked, window, side="right") - 1
    there = (known[asked] == mmsi) & (row >= 0) & (code[np.maximum(row, 0)] == asked)
    found = model.vessels.take(np.maximum(row, 0))
    own, recent = (np.where(there, found[name].to_numpy(), 1.0) for name in ("own", "own_recent"))
    return own, recent, np.where(there, np.array(model.states)[found["state"].to_numpy()], 1.0)
