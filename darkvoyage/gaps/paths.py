"""What is known of reception along the path of each gap, summed over its windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.field import intensity
from darkvoyage.gaps.reception import ReceptionModel, block_deg
from darkvoyage.kernels.grid import cell_of, window_of
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import interpolate, wrap_lon
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["FACTS", "facts_along", "judged_hours", "silence_facts"]

FACTS = (
    "expected_cell", "expected_block", "expected", "factor_mean", "factor_min", "factor_before", "factor_start",
    "factor_end", "factor_after", "own", "own_recent", "usual_start", "usual_end", "neighbours_heard",
    "neighbours_wrong", "wrong_share", "heard_elsewhere", "feed", "windows",
)  # fmt: skip
"""Columns of `silence_facts` that say something of reception."""

_EDGE_WINDOWS = 2
_PARTS = 4
"""Parts of equal length in which the least factor is looked for."""
_MOST_PIECES = 64
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
        One row per gap, in the order of the input: `gap_id`; receptions expected by the usual rate of the cells
        (`expected_cell`), times the contemporaneous factor of the others (`expected_block`), times its own
        (`expected`); mean and least contemporaneous factor along the path (`factor_mean`, `factor_min`), and over the
        two windows before it, at its start, at its end and after it (`factor_before`, `factor_start`, `factor_end`,
        `factor_after`); the ship's own factor over the look-back of the rule and over 6 h before (`own`,
        `own_recent`); receptions expected per window at both ends (`usual_start`, `usual_end`); `neighbours_heard`;
        `neighbours_wrong`, those whose position was lost or false, and `wrong_share`, how many of the windows in which
        others were heard; `heard_elsewhere`, windows in which the same MMSI was on another track; `feed` (the factor of
        the whole feed); `windows` of the gap. Gaps without a position have no expected receptions.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    return facts_along(complete(gaps, GAPS), reception)


def facts_along(table: pd.DataFrame, reception: ReceptionModel, *, edges: bool = True) -> pd.DataFrame:
    """Return `silence_facts` of a GAPS table that has all its columns, those of the gaps' edges only if asked for."""
    path = _Path.of(table, reception)
    facts = _summed(path, table["mmsi"].to_numpy(), reception)
    if edges:
        facts |= _at_edges(path, reception)
    return pd.DataFrame({"gap_id": table["gap_id"]} | {name: facts[name] for name in FACTS if name in facts})


@dataclass(frozen=True)
class _Path:
    """Where each ship was, and in which windows [first, first + count) it was silent."""

    lat: tuple[np.ndarray, np.ndarray]
    lon: tuple[np.ndarray, np.ndarray]
    start_us: np.ndarray
    end_us: np.ndarray
    first: np.ndarray
    count: np.ndarray
    in_block: np.ndarray
    """Whether its silence is part of what its block expected: an open one and a long one are not."""
    own: np.ndarray
    own_recent: np.ndarray
    state: np.ndarray
    elsewhere: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame, model: ReceptionModel) -> _Path:
        located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
        ends = (table["end_lat"].notna() & table["end_lon"].notna()).to_numpy()
        lat, lon = (table[f"start_{name}"].fillna(0.0).to_numpy() for name in ("lat", "lon"))
        start_us = time_us(table["gap_start"])
        end_us = start_us + np.round(judged_hours(table, model.rule) * US_PER_H).astype("int64")
        first = window_of(start_us, model.window_min) + 1
        count = np.where(located, np.maximum(window_of(end_us, model.window_min) - first, 0), 0)
        return cls(
            (lat, np.where(ends, table["end_lat"].to_numpy(), lat)),
            (lon, np.where(ends, table["end_lon"].to_numpy(), lon)),
            start_us,
            end_us,
            first,
            count,
            table["is_closed"].to_numpy() & (count * model.window_min / 60.0 <= model.rule.suspect_h),
            *_vessels_at(model, table["mmsi"].to_numpy(), first, count),
        )

    def at(self, gap: np.ndarray, window: np.ndarray, window_min: float) -> tuple[np.ndarray, np.ndarray]:
        """Position of a gap's ship in the middle of a window, on the great circle between its ends."""
        share = ((window + 0.5) * window_min * 60e6 - self.start_us[gap]) / np.maximum(self.end_us - self.start_us, 1)[
            gap
        ]
        return interpolate(
            self.lat[0][gap], self.lon[0][gap], self.lat[1][gap], self.lon[1][gap], np.clip(share, 0.0, 1.0)
        )

    def pieces(self, number: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cut each gap into so many pieces of about equal length: gap, first window, and window after the last."""
        number = np.minimum(number, self.count)
        owner, step = expand(np.zeros(len(number), dtype="int64"), number)
        low, high = (self.first[owner] + self.count[owner] * each // number[owner] for each in (step, step + 1))
        return owner, low, high


def _summed(path: _Path, mmsi: np.ndarray, model: ReceptionModel) -> dict[str, np.ndarray]:
    """Sums along each path: a piece of it lies in one cell, and takes all its windows from there."""
    rule, number = model.rule, len(mmsi)
    (lat1, lat2), (lon1, lon2) = path.lat, path.lon
    extent = np.maximum(np.abs(lat2 - lat1), np.abs(wrap_lon(lon2 - lon1))) / rule.cell_deg
    owner, low, high = path.pieces(np.clip(np.ceil(extent).astype("int64"), 1, _MOST_PIECES))
    lat, lon = path.at(owner, (low + high - 1) / 2.0, model.window_min)
    usual = intensity(model.cell_rate(cell_of(lat, lon, rule.cell_deg))) * path.state[owner]
    factor = model.factors.between(cell_of(lat, lon, block_deg(rule)), low, high, path.in_block[owner])
    around = cell_of(lat, lon, rule.neighbour_deg)
    heard, heard_windows = model.neighbours.count(owner, around, low, high, mmsi)
    wrong, wrong_windows = model.wrong.count(owner, around, low, high, mmsi)
    expected_cell, expected_block, total = (
        np.bincount(owner, values, minlength=number).astype("float64")
        for values in (usual * (high - low), usual * factor, factor)
    )
    feed = model.factors.feed_between(path.first, path.first + path.count, path.in_block)
    some = path.count > 0
    return {
        "expected_cell": expected_cell,
        "expected_block": expected_block,
        "expected": expected_block * path.own,
        "factor_mean": np.where(some, total / np.maximum(path.count, 1), 1.0),
        "own": path.own,
        "own_recent": path.own_recent,
        "neighbours_heard": heard,
        "neighbours_wrong": wrong,
        "wrong_share": np.minimum(wrong_windows / np.maximum(heard_windows, 1), 1.0),
        "feed": np.where(some, feed / np.maximum(path.count, 1), 1.0),
        "windows": path.count,
        "heard_elsewhere": path.elsewhere,
    }


def _at_edges(path: _Path, model: ReceptionModel) -> dict[str, np.ndarray]:
    """Reception before, at and after both ends of each gap, and in the part of it where it was worst."""
    rule, last = model.rule, path.first + path.count
    edge = np.minimum(path.count, _EDGE_WINDOWS)

    def factor(end: int, since: np.ndarray, until: np.ndarray, *, inside: bool) -> np.ndarray:
        block = cell_of(path.lat[end], path.lon[end], block_deg(rule))
        total = model.factors.between(block, since, until, path.in_block & inside)
        return np.where(until > since, total / np.maximum(until - since, 1), 1.0)

    def usual(end: int) -> np.ndarray:
        return intensity(model.cell_rate(cell_of(path.lat[end], path.lon[end], rule.cell_deg))) * path.state

    owner, low, high = path.pieces(np.full(len(last), _PARTS))
    lat, lon = path.at(owner, (low + high - 1) / 2.0, model.window_min)
    parts = model.factors.between(cell_of(lat, lon, block_deg(rule)), low, high, path.in_block[owner])
    least = np.full(len(last), np.inf)
    np.minimum.at(least, owner, parts / (high - low))
    return {
        "factor_min": np.where(np.isfinite(least), least, 1.0),
        "factor_before": factor(0, path.first - _EDGE_WINDOWS, path.first, inside=False),
        "factor_start": factor(0, path.first, path.first + edge, inside=True),
        "factor_end": factor(1, last - edge, last, inside=True),
        "factor_after": factor(1, last, last + _EDGE_WINDOWS, inside=False),
        "usual_start": usual(0),
        "usual_end": usual(1),
    }


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
    model: ReceptionModel, mmsi: np.ndarray, first: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Own factors, long and recent, and factor of the class of each vessel when it was last heard before a window.

    And in how many of `count` windows from there on it was heard on another track.
    """
    nothing = np.ones(len(mmsi))
    known, code = np.unique(model.vessels["mmsi"].to_numpy(), return_inverse=True)
    if len(known) == 0:
        return nothing, nothing, nothing, np.zeros(len(mmsi), dtype="int64")
    asked = np.minimum(np.searchsorted(known, mmsi), len(known) - 1)
    ours = known[asked] == mmsi
    window = model.vessels["window"].to_numpy()
    begin, end = (search_groups(code, window, asked, each) for each in (first, first + count))
    row = np.maximum(begin - 1, 0)
    there = ours & (begin > 0) & (code[row] == asked)
    own, recent = (np.where(there, model.vessels[name].to_numpy()[row], 1.0) for name in ("own", "own_recent"))
    state = np.array(model.states)[model.vessels["state"].to_numpy()[row]]
    return own, recent, np.where(there, state, 1.0), np.where(ours, end - begin, 0)
