"""Real port calls, hidden: is the call found in the gap, and at the right port.

A visit that was made in the open is cut out of its track, from some hours before the arrival until some hours after the
departure. Beside each call stands a stretch of the same duration that holds no visit, cut out of any track, whether the
ship was under way, drifting or at anchor. What is left is a feed with gaps of which the truth is known.

What this does not test: ships that hide calls may behave otherwise than ships that make them in the open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.hiding import Tracks, cleaned, track_numbers, without
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import complete, finish
from darkvoyage.schema.tables import PORT_VISITS, TRUTH
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.scoring.evaluation.metrics import Metric, mean
from darkvoyage.scoring.evaluation.port_calls import METRICS as PORT_CALL_METRICS
from darkvoyage.scoring.evaluation.port_calls import answers_port_calls
from darkvoyage.units import US_PER_H

__all__ = ["METRICS", "HiddenCalls", "judge_calls", "mask_calls"]

MANY = 5
"""Ports in reach from which on naming the right one is a choice."""
SERVICE_H = 6.0
"""A stretch without a call may hold silences up to this long [h]: no call fits into one (shortest service 6 h)."""
_TOLERANCE = 0.1
"""A stretch without a call may be shorter than its call by this share, because it ends at a fix."""
_NEVER = 2**61

METRICS = (
    *PORT_CALL_METRICS,
    Metric("right_port_top1_of_5", mean, 1.0, 0.0, ("top1",), "choice"),
    Metric("right_port_top3_of_5", mean, 1.0, 0.0, ("top3",), "choice"),
)


@dataclass(frozen=True)
class HiddenCalls:
    """A feed with port calls taken out.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned, without the hidden rows.
    truth : TRUTH table
        One row per hidden stretch: `dark_call`, or `off_no_call`.
    min_gap_h : float
        Every hidden stretch is longer than this [h].
    unmatched : int
        Calls without a stretch of the same duration beside them.
    """

    fixes: pd.DataFrame
    truth: pd.DataFrame
    min_gap_h: float
    unmatched: int


def mask_calls(
    fixes: Any, visits: Any, *, number: int | None = None, seed: int = 0, lead_h: tuple[float, float] = (1.0, 12.0),
    min_gap_h: float = 6.0, longest_h: float = 240.0,
) -> HiddenCalls:  # fmt: skip
    """Hide port calls that were made in the open, and as many stretches without one.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    visits : PORT_VISITS table
        Of the same fixes. Those with entry, exit and a stop can be hidden.
    number : int, optional
        Hide this many of them, drawn at random; None: all.
    seed : int
    lead_h : tuple of two floats
        The silence begins this long before the arrival, and ends this long after the departure, each drawn evenly
        between the two [h]; at the nearest fix further out, but never beyond the middle of the way to the next call.
    min_gap_h, longest_h : float
        Leave out calls whose silence would not be longer than the first, or longer than the second [h].

    Returns
    -------
    HiddenCalls

    Raises
    ------
    SchemaError
        A table is not what it should be.
    RuleError
        An option is out of its bounds.
    """
    _check(number, lead_h, min_gap_h, longest_h)
    rng = np.random.default_rng(seed)
    table = cleaned(fixes)
    tracks, stays = Tracks.of(table), _on_tracks(table, complete(visits, PORT_VISITS))
    calls = _silenced(tracks, stays, lead_h, rng)
    long_h = (tracks.time[calls["last"]] - tracks.time[calls["first"]]) / US_PER_H
    calls = calls[(long_h > min_gap_h) & (long_h <= longest_h)].reset_index(drop=True)
    if number is not None and number < len(calls):
        calls = calls.iloc[np.sort(rng.choice(len(calls), number, replace=False))].reset_index(drop=True)
    begin, end = _elsewhere(tracks, stays, calls, min_gap_h, rng)
    first, last = np.r_[calls["first"], begin].astype("int64"), np.r_[calls["last"], end].astype("int64")
    left = without(table, tracks.track[first], tracks.time[first], tracks.time[last])
    return HiddenCalls(left, _truth(table, tracks, calls, first, last), min_gap_h, len(calls) - len(begin))


def judge_calls(
    hidden: HiddenCalls, ports: Any, *, find: Callable[[Any, Any], pd.DataFrame] = find_port_calls
) -> pd.DataFrame:
    """Look for the hidden calls, and put what was found beside the truth.

    Parameters
    ----------
    hidden : HiddenCalls
    ports : PORTS table
        All that a ship could have called at.
    find : callable
        Takes GAPS and PORTS, returns PORT_CALLS.

    Returns
    -------
    DataFrame
        As `answers_port_calls`, of the hidden stretches only, with `choice`: a call with at least five ports in reach
        (as `find_port_calls` sees it, so that every answer is judged on the same gaps). For the metrics of `METRICS`.
    """
    gaps = find_gaps(hidden.fixes, rule=GapRule(min_gap_h=hidden.min_gap_h))
    ends = ["mmsi", "gap_start", "gap_end"]
    known = pd.MultiIndex.from_frame(gaps[ends]).isin(pd.MultiIndex.from_frame(hidden.truth[ends]))
    gaps = gaps[known].reset_index(drop=True)
    answers, reach = (
        answers_port_calls(calls, gaps=gaps, truth=hidden.truth)
        for calls in (find(gaps, ports), find_port_calls(gaps, ports))
    )
    return answers.assign(choice=answers["y"] & (reach["ports"] >= MANY))


def _check(number: int | None, lead_h: tuple[float, float], min_gap_h: float, longest_h: float) -> None:
    if number is not None and number < 1:
        raise RuleError(f"number = {number!r}: must be at least 1")
    if len(lead_h) != 2 or not 0 <= lead_h[0] <= lead_h[1] < np.inf:
        raise RuleError(f"lead_h = {lead_h!r}: expected two numbers of hours, the smaller one first")
    if not 0 < min_gap_h < longest_h:
        raise RuleError(f"min_gap_h = {min_gap_h!r}: must be greater than 0 and less than longest_h = {longest_h!r}")


def _on_tracks(table: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Visits in order of track and time, with the number of the track and times in us; those without an end too."""
    names = table[["mmsi", "track_id"]].assign(track=track_numbers(table))
    stays = visits.merge(names[names["track"] >= 0].drop_duplicates(), on=["mmsi", "track_id"], how="left")
    if stays["track"].isna().any():
        stranger = stays.loc[stays["track"].isna(), "track_id"].iloc[0]
        raise SchemaError(f"PORT_VISITS: the fixes have no track {stranger!r}; find the visits in the same fixes")
    left = stays["depart"].notna().to_numpy()
    arrive, depart = time_us(stays["arrive"]), time_us(stays["depart"])
    stays = stays.assign(track=stays["track"].astype("int64"), arrive=arrive, depart=np.where(left, depart, _NEVER))
    return stays.sort_values(["track", "arrive", "visit_id"], ignore_index=True)


def _silenced(
    tracks: Tracks, stays: pd.DataFrame, lead_h: tuple[float, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Calls that can be hidden, with the `first` and `last` fix that stays: indices into the tracks."""
    stays = stays[stays["confidence"] > 1]
    track, arrive, depart = (stays[name].to_numpy() for name in ("track", "arrive", "depart"))
    at = tracks.before(track, arrive)
    low, high = tracks.first()[at], tracks.last()[at]
    # Neighbouring calls share the fix in the middle of the way, so that both can be hidden.
    same = track[1:] == track[:-1]
    shared = tracks.before(track[:-1], depart[:-1] // 2 + arrive[1:] // 2)
    low[1:], high[:-1] = np.where(same, shared, low[1:]), np.where(same, shared, high[:-1])
    lead, lag = np.round(rng.uniform(*lead_h, (2, len(stays))) * US_PER_H).astype("int64")
    first = np.maximum(tracks.before(track, arrive - lead), low)
    last = np.minimum(tracks.after(track, depart + lag), high)
    whole = (stays["confidence"] == 4) & (stays["stop_h"] > 0)
    return stays.assign(first=first, last=last)[whole]


def _elsewhere(
    tracks: Tracks, stays: pd.DataFrame, calls: pd.DataFrame, min_gap_h: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """First and last fix of stretches as long as the hidden calls that hold no visit, none of them twice."""
    first, last = calls["first"].to_numpy(), calls["last"].to_numpy()
    inside = tracks.before(stays["track"].to_numpy(), stays["arrive"].to_numpy())
    outside = np.minimum(tracks.after(stays["track"].to_numpy(), stays["depart"].to_numpy()), tracks.last()[inside] + 1)
    steps = np.zeros(len(tracks.time) + 1, dtype="int64")
    np.add.at(steps, np.r_[inside, first], 1)
    np.add.at(steps, np.r_[outside, last + 1], -1)
    busy = np.cumsum(steps[:-1]) > 0
    lost = np.r_[True, (tracks.track[1:] != tracks.track[:-1]) | (np.diff(tracks.time) > SERVICE_H * US_PER_H)]
    found = []
    # Calls are few: one pass over all fixes for each, the longest first, because they are the hardest to place.
    for long in np.sort(tracks.time[last] - tracks.time[first])[::-1]:
        begin, end = _free(tracks, busy, lost, int(long), min_gap_h)
        if len(begin):
            pick = rng.integers(len(begin))
            busy[begin[pick] : end[pick] + 1] = True
            found.append((begin[pick], end[pick]))
    pairs = np.array(found, dtype="int64").reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _free(
    tracks: Tracks, busy: np.ndarray, lost: np.ndarray, long: int, min_gap_h: float
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of fixes about `long` [us] apart between which a ship was heard all the time, and was not busy."""
    stretch = np.cumsum(lost | busy | np.r_[False, busy[:-1]])
    begin = np.flatnonzero(~busy)
    end = tracks.before(tracks.track[begin], tracks.time[begin] + long)
    lasts = tracks.time[end] - tracks.time[begin]
    good = (stretch[end] == stretch[begin]) & (end > begin + 1)
    good &= (lasts >= (1 - _TOLERANCE) * long) & (lasts > min_gap_h * US_PER_H)
    return begin[good], end[good]


def _truth(
    table: pd.DataFrame, tracks: Tracks, calls: pd.DataFrame, first: np.ndarray, last: np.ndarray
) -> pd.DataFrame:
    """TRUTH of the hidden stretches, the calls before the others."""
    start, end = (table["timestamp"].take(tracks.row[index]).reset_index(drop=True) for index in (first, last))
    mmsi = table["mmsi"].take(tracks.row[first]).reset_index(drop=True)
    called = np.arange(len(first)) < len(calls)
    names = calls[["visit_id", "port_id", "arrive", "depart"]].reindex(np.arange(len(first)))
    plain = mmsi.astype("str") + "-" + start.dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    truth = {
        "truth_id": "hidden-" + names["visit_id"].fillna(plain),
        "kind": np.where(called, "dark_call", "off_no_call"),
        "mmsi": mmsi, "off_time": start, "on_time": end, "gap_start": start, "gap_end": end,
        "port_id": names["port_id"],
        "arrive": utc_times(names["arrive"].fillna(0).to_numpy(), called),
        "depart": utc_times(names["depart"].fillna(0).to_numpy(), called),
    }  # fmt: skip
    return finish(truth, TRUTH)
