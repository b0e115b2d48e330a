"""The judgement on a gap: would a transmitting ship have gone unheard there and then."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import ReceptionRule
from darkvoyage.gaps.reception import ReceptionModel, vessel_factor
from darkvoyage.kernels.grid import cell_of, window_of
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import interpolate
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import GAPS, SILENCES
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["score_silence", "silence_facts"]

FACTS = (
    "expected_cell", "expected_block", "expected", "factor_mean", "factor_min", "factor_start", "factor_end", "own",
    "own_recent", "usual_start", "usual_end", "neighbours_heard", "feed",
)  # fmt: skip
"""Columns of `silence_facts` that say something of reception."""

_RECENT_H = 6.0
_EDGE_WINDOWS = 2
_MAX_WINDOWS = 400
_UNKNOWN_KN, _DRIFT_KN = 10.0, 0.3
_BLOCK_WINDOWS = 2_000_000
_CAP_VERIFIED, _CAP_USUAL, _CAP_UNVERIFIED = np.log(300.0), np.log(100.0), np.log(20.0)


def score_silence(gaps: Any, reception: ReceptionModel) -> pd.DataFrame:
    """Judge each gap against the reception of its own feed.

    The ship is placed on the great circle between the gap's ends (an open gap: at its start); along it the usual rate
    of the cells, the contemporaneous factor of the other vessels and the ship's own factor give the number of windows
    in which it should have been heard. The log-likelihood ratio compares the density of the gap's duration if the ship
    switched off (log-normal) with that if it went on transmitting (`SilenceLaw`), given that the gap was long enough to
    be listed: on the chance side with the feed's average gap, so that a gap where reception is good weighs more; it is
    capped at ln 300 with several heard neighbours, ln 100 else, ln 20 with none or where the gap is still open.

    Parameters
    ----------
    gaps : GAPS table
    reception : ReceptionModel

    Returns
    -------
    SILENCES table
        `expected_fixes` at the feed's mean number of fixes per heard window; `p_off` = prior x likelihood ratio;
        `reason` is one of `no_position`, `coverage_unverified` (nobody else was heard near the path), `feed_outage`
        (nobody was heard anywhere), `neighbours_silent` (others near the path fell silent too), `reception_poor`,
        `expected_to_be_heard`.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    table = complete(gaps, GAPS)
    if len(table) == 0:
        return empty(SILENCES)
    table["duration_h"] = _judged_hours(table, reception.rule)
    located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
    facts = _along_the_paths(table, located, reception)
    return _judge(table, located, facts, reception)


def silence_facts(gaps: Any, reception: ReceptionModel) -> pd.DataFrame:
    """What is known of reception along each gap, before any judgement.

    Parameters
    ----------
    gaps : GAPS table
    reception : ReceptionModel

    Returns
    -------
    DataFrame
        One row per gap, in the order of the input: `gap_id`; windows in which the ship should have been heard by the
        usual rate of the cells (`expected_cell`), times the contemporaneous factor of the others (`expected_block`),
        times its own (`expected`); mean and least contemporaneous factor along the path (`factor_mean`, `factor_min`)
        and its mean over the first and last two windows (`factor_start`, `factor_end`); the ship's own factor over the
        look-back of the rule and over 6 h before (`own`, `own_recent`); usual rates at both ends (`usual_start`,
        `usual_end`); `neighbours_heard`; `feed` (heard over expected of the whole feed). Gaps without a position have
        no expected windows.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    table = complete(gaps, GAPS)
    table["duration_h"] = _judged_hours(table, reception.rule)
    located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
    facts = _along_the_paths(table, located, reception)
    return pd.DataFrame({"gap_id": table["gap_id"]} | {name: facts[name] for name in FACTS})


def _judged_hours(table: pd.DataFrame, rule: ReceptionRule) -> np.ndarray:
    """Part of each gap in which the ship's whereabouts are known well enough to ask who was heard there [h].

    All of a closed gap. Of an open one as long as the ship, at the speed it was lost with, stays near that place: it
    may have sailed out of the covered area since.
    """
    speed = np.full(len(table), _UNKNOWN_KN)
    if "start_sog" in table:
        speed = table["start_sog"].fillna(_UNKNOWN_KN).to_numpy()
    nearby = 0.5 * rule.neighbour_deg * 60.0 / np.maximum(speed, _DRIFT_KN)
    duration = table["duration_h"].to_numpy()
    return np.where(table["is_closed"].to_numpy(), duration, np.minimum(duration, nearby))


def _along_the_paths(table: pd.DataFrame, located: np.ndarray, model: ReceptionModel) -> dict[str, np.ndarray]:
    """Sums over the windows of each gap, in blocks of bounded size."""
    rule = model.rule
    start_us = time_us(table["gap_start"])
    end_us = start_us + np.round(table["duration_h"].to_numpy() * US_PER_H).astype("int64")
    first = window_of(start_us, rule.window_min) + 1
    count = np.maximum(window_of(end_us, rule.window_min) - first, 0)
    sampled = np.where(located, np.minimum(count, _MAX_WINDOWS), 0)
    facts = {name: np.zeros(len(table)) for name in (*FACTS, "block", "usual")}
    cut = np.searchsorted(np.cumsum(sampled), np.arange(0, sampled.sum() + 1, _BLOCK_WINDOWS))
    bounds = np.unique(np.r_[0, cut, len(table)])
    for low, high in pairwise(bounds):
        rows = np.arange(low, high)
        part = _sum_windows(table.iloc[rows], first[rows], count[rows], sampled[rows], end_us[rows], model)
        for name, values in part.items():
            facts[name][rows] = values
    return facts


def _sum_windows(
    part: pd.DataFrame, first: np.ndarray, count: np.ndarray, sampled: np.ndarray, end_us: np.ndarray,
    model: ReceptionModel,
) -> dict[str, np.ndarray]:  # fmt: skip
    rule = model.rule
    number = len(part)
    owner, step = expand(np.zeros(number), sampled)
    # Long gaps are sampled evenly; each sample stands for count / sampled windows.
    share = count[owner] / sampled[owner]
    window = first[owner] + ((step + 0.5) * share).astype("int64")
    start_us = time_us(part["gap_start"])
    middle = (window + 0.5) * rule.window_min * 60e6
    fraction = np.clip((middle - start_us[owner]) / np.maximum(end_us - start_us, 1)[owner], 0.0, 1.0)
    lat1, lon1 = part["start_lat"].to_numpy(), part["start_lon"].to_numpy()
    lat2 = part["end_lat"].fillna(part["start_lat"]).to_numpy()
    lon2 = part["end_lon"].fillna(part["start_lon"]).to_numpy()
    lat, lon = interpolate(lat1[owner], lon1[owner], lat2[owner], lon2[owner], fraction)
    usual = model.cell_rate(cell_of(lat, lon, rule.cell_deg))
    block = cell_of(lat, lon, rule.neighbour_deg)
    expected, heard = _block_sums(model.blocks, block, window)
    # A short silence of the ship itself is part of what its block expected.
    own_counts = (count * rule.window_min / 60.0 <= rule.suspect_h)[owner]
    expected = np.maximum(expected - np.where(own_counts, usual, 0.0), 0.0)
    prior = rule.neighbour_prior_windows
    factor = (heard + prior) / (expected + prior)
    own = vessel_factor(model.vessels, part["mmsi"].to_numpy(), first - 1, rule)
    rate = np.clip(usual * factor * own[owner], 0.0, 1.0) * share
    feed = _feed_factor(model.blocks, window)
    least = np.full(number, np.inf)
    np.minimum.at(least, owner, factor)
    from_start = window - first[owner]
    at_start, at_end = from_start < _EDGE_WINDOWS, from_start >= count[owner] - _EDGE_WINDOWS
    start_lat, start_lon = part["start_lat"].fillna(0.0).to_numpy(), part["start_lon"].fillna(0.0).to_numpy()
    return {
        "expected_cell": np.bincount(owner, usual * share, minlength=number),
        "expected_block": np.bincount(owner, np.clip(usual * factor, 0.0, 1.0) * share, minlength=number),
        "factor_mean": _mean_of(owner, factor, number),
        "factor_min": np.where(np.isfinite(least), least, 1.0),
        "factor_start": _mean_of(owner[at_start], factor[at_start], number),
        "factor_end": _mean_of(owner[at_end], factor[at_end], number),
        "own": own,
        "own_recent": vessel_factor(model.vessels, part["mmsi"].to_numpy(), first - 1, rule, lookback_h=_RECENT_H),
        "usual_start": model.cell_rate(cell_of(start_lat, start_lon, rule.cell_deg)),
        "usual_end": model.cell_rate(
            cell_of(
                part["end_lat"].fillna(pd.Series(start_lat, index=part.index)).to_numpy(),
                part["end_lon"].fillna(pd.Series(start_lon, index=part.index)).to_numpy(),
                rule.cell_deg,
            )
        ),
        "expected": np.bincount(owner, rate, minlength=number),
        "block": np.bincount(owner, np.minimum(factor, 1.0) * share, minlength=number) / np.maximum(count, 1),
        "usual": np.bincount(owner, usual * share, minlength=number) / np.maximum(count, 1) * own,
        "feed": np.bincount(owner, feed * share, minlength=number) / np.maximum(count, 1),
        "neighbours_heard": _count_neighbours(model.heard, owner, block, window, part["mmsi"].to_numpy()),
    }


def _mean_of(owner: np.ndarray, value: np.ndarray, number: int) -> np.ndarray:
    """Mean over the windows of each gap, 1 where it has none."""
    windows = np.bincount(owner, minlength=number)
    return np.where(windows > 0, np.bincount(owner, value, minlength=number) / np.maximum(windows, 1), 1.0)


def _block_sums(blocks: pd.DataFrame, block: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected and heard vessels of a block and window; 0 where the feed had nobody."""
    low, high = _rows_of(blocks, block, window)
    there = high > low
    at = np.where(there, low, 0)
    if len(blocks) == 0:
        return np.zeros(len(block)), np.zeros(len(block))
    return (
        np.where(there, blocks["expected"].to_numpy()[at], 0.0),
        np.where(there, blocks["heard"].to_numpy()[at], 0.0),
    )


def _rows_of(frame: pd.DataFrame, block: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range of the rows of each (block, window) in a frame sorted by them."""
    known, code = np.unique(frame["block"].to_numpy(), return_inverse=True)
    asked = np.searchsorted(known, block)
    # A block nobody was in gets a code behind all others and so an empty range.
    asked = np.where(known[np.minimum(asked, len(known) - 1)] == block, asked, len(known)) if len(known) else asked
    rows = frame["window"].to_numpy()
    low = search_groups(code, rows, asked, window, side="left")
    return low, search_groups(code, rows, asked, window, side="right")


def _feed_factor(blocks: pd.DataFrame, window: np.ndarray) -> np.ndarray:
    """Heard over expected vessels of the whole feed in each window; 0 where there was no feed."""
    if len(blocks) == 0:
        return np.zeros(len(window))
    low, high = int(blocks["window"].min()), int(blocks["window"].max())
    at = blocks["window"].to_numpy() - low
    expected = np.bincount(at, blocks["expected"].to_numpy(), minlength=high - low + 1)
    heard = np.bincount(at, blocks["heard"].to_numpy(), minlength=high - low + 1)
    # One window's worth of "as usual" keeps thin feeds from looking dead.
    factor = np.where(expected > 0, (heard + 1e-9) / (expected + 1e-9), 0.0)
    inside = (window >= low) & (window <= high)
    return np.where(inside, np.minimum(factor[np.clip(window - low, 0, high - low)], 1.0), 0.0)


def _count_neighbours(
    heard: pd.DataFrame, owner: np.ndarray, block: np.ndarray, window: np.ndarray, mmsi: np.ndarray
) -> np.ndarray:
    """Number of distinct other vessels heard in the blocks along each path."""
    low, high = _rows_of(heard, block, window)
    slot, row = expand(low, high - low)
    who = heard["mmsi"].to_numpy()[row]
    gap = owner[slot]
    pairs = pd.DataFrame({"gap": gap[who != mmsi[gap]], "who": who[who != mmsi[gap]]}).drop_duplicates()
    return np.bincount(pairs["gap"], minlength=len(mmsi)).astype("float64")


def _judge(
    table: pd.DataFrame, located: np.ndarray, facts: dict[str, np.ndarray], model: ReceptionModel
) -> pd.DataFrame:
    rule, law = model.rule, model.law
    duration = table["duration_h"].to_numpy()
    p_silence = law.silent(facts["expected"])
    on = _log_on(duration, facts, table["is_closed"].to_numpy(), model)
    off = _log_off(duration, table["is_closed"].to_numpy(), rule)
    # A ship that never came back may have left the covered area: its way is not known.
    closed = table["is_closed"].to_numpy()
    cap = np.select(
        [closed & (facts["neighbours_heard"] >= rule.heard_neighbours), closed & (facts["neighbours_heard"] >= 1)],
        [_CAP_VERIFIED, _CAP_USUAL],
        _CAP_UNVERIFIED,
    )
    llr = np.where(located, np.clip(off - on, -cap, cap), 0.0)
    logit = np.log(rule.p_off_prior) - np.log1p(-rule.p_off_prior) + llr
    reason = np.select(
        [
            ~located,
            facts["feed"] < 0.2,
            facts["neighbours_heard"] == 0,
            facts["block"] < 0.4,
            p_silence >= 0.05,
        ],
        ["no_position", "feed_outage", "coverage_unverified", "neighbours_silent", "reception_poor"],
        "expected_to_be_heard",
    )
    return finish(
        {
            "gap_id": table["gap_id"],
            "expected_fixes": np.where(located, facts["expected"] * model.fixes_per_window, np.nan),
            "neighbours_heard": facts["neighbours_heard"].astype("int64"),
            "p_silence_if_on": np.where(located, p_silence, np.nan),
            "llr_silence": llr,
            "p_off": 1 / (1 + np.exp(-logit)),
            "reason": reason,
        },
        SILENCES,
    )


def _log_on(
    duration: np.ndarray, facts: dict[str, np.ndarray], closed: np.ndarray, model: ReceptionModel
) -> np.ndarray:
    """Log density (closed) or log survival (open) of the duration if the ship went on transmitting."""
    rule, law = model.rule, model.law
    rate_per_h = facts["usual"] * 60.0 / rule.window_min
    outage = law.pi * np.exp(-duration / rule.outage_mean_h) / rule.outage_mean_h
    density = law.end_density(facts["expected"], np.maximum(rate_per_h, 1e-4)) + outage
    survival = law.silent(facts["expected"]) - law.pi + law.pi * np.exp(-duration / rule.outage_mean_h)
    return np.log(np.maximum(np.where(closed, density, survival), 1e-300) / model.listed_silence)


def _log_off(duration: np.ndarray, closed: np.ndarray, rule: ReceptionRule) -> np.ndarray:
    """Log density (closed) or log survival (open) of the duration if the ship switched off."""
    from scipy.stats import lognorm

    law = lognorm(rule.off_sigma, scale=rule.off_median_h)
    given = law.logsf(np.minimum(rule.min_gap_h, duration))
    return np.where(closed, law.logpdf(duration), law.logsf(duration)) - given
