"""Which true event lies in a gap, and which found interval is which true one.

The truth of a world is one row per event (TRUTH). A gap belongs to the event that left this very silence in the feed,
by its ends; else to the call that lies in it; else to the event of its MMSI that overlaps it most. Of several with the
same ends a call goes first, then the longer. Events overlap a gap by the time in which the transmitter was off;
`spoofed` and `identity_swap`, whose transmitter was on, by the silence that they left in the feed, if any, and only
where nothing else explains the gap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from darkvoyage.errors import SchemaError
from darkvoyage.kernels.spans import expand, group_starts, search_groups
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, TRUTH, TableSpec
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = [
    "DELIBERATE",
    "TOLERANCE_MIN",
    "end_us",
    "label_gaps",
    "match_events",
    "one_row_each",
    "overlaps",
    "summed",
    "true_calls",
]

DELIBERATE = ("security_off", "berth_off", "off_no_call", "off_wait", "dark_call", "dark_meeting")
"""Kinds of true events in which a crew switched off on purpose; a `fault` is off, but not on purpose."""

TOLERANCE_MIN = 10.0
"""How far the ends of a found and a true silence may lie apart: feeds carry each fix to a few minutes, and two gaps
that are both true lie hours apart."""

_NATURAL, _SENDING = "natural", ("spoofed", "identity_swap")
_NEVER = 2**62
_INSIDE = 0.5
"""Share of a call's silence that must lie in a gap: all of it does, unless two ships share the MMSI."""
_UNMATCHED = 0.5  # less than the shortest overlap, 1 us
_LABELS = ("truth_id", "kind", "port_id", "arrive", "depart", "other_mmsi")


def label_gaps(gaps: Any, truth: Any) -> pd.DataFrame:
    """Say what is true of each gap.

    Parameters
    ----------
    gaps : GAPS table
        Of which `gap_id`, `mmsi`, `gap_start` and `gap_end` are used.
    truth : TRUTH table

    Returns
    -------
    DataFrame
        One row per gap in the order of the input: `gap_id`, `mmsi`, `truth_id` (null where no event overlaps), `kind`
        (then "natural"), `port_id`, `arrive`, `depart`, `other_mmsi`, `off` (the transmitter was off: a fault or on
        purpose), `deliberate`, and `call` (the event is one of `true_calls`, and overlaps no other gap more).

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    table, events = complete(gaps, GAPS), _silences(complete(truth, TRUTH))
    row, shared = _best_event(table, events)
    labels = events.reindex(row).reset_index(drop=True)
    kind = labels["kind"].fillna(_NATURAL)
    longest = table[["gap_start", "gap_id"]].assign(row=row, shared=-shared)
    once = ~longest.sort_values(["shared", "gap_start", "gap_id"])["row"].duplicated().reindex(table.index)
    return pd.DataFrame(
        {
            "gap_id": table["gap_id"],
            "mmsi": table["mmsi"],
            **{name: labels[name] for name in _LABELS},
            "kind": kind,
            "off": kind.isin([*DELIBERATE, "fault"]),
            "deliberate": kind.isin(DELIBERATE),
            "call": labels["is_call"].eq(True) & once,
        }
    )


def true_calls(truth: Any) -> pd.DataFrame:
    """Rows of the truth that a transfer should be found for.

    Parameters
    ----------
    truth : TRUTH table

    Returns
    -------
    TRUTH table
        Dark calls, and calls behind a spoofed track where these left a silence in the feed.
    """
    table = complete(truth, TRUTH)
    spoofed = table["kind"].eq("spoofed") & table["port_id"].notna() & table["gap_start"].notna()
    return table[table["kind"].eq("dark_call") | spoofed].reset_index(drop=True)


def match_events(found: pd.DataFrame, true: pd.DataFrame, *, tolerance_h: float | None = None) -> pd.DataFrame:
    """Pair found with true intervals, each with one at most, so that all pairs together overlap as long as possible.

    Parameters
    ----------
    found, true : DataFrame
        `mmsi`, `start`, `end` (null: still going on).
    tolerance_h : float, optional
        Both ends of a pair may differ by this much at most [h]; None: any overlap will do.

    Returns
    -------
    DataFrame
        One row per pair: `found`, `true` (row numbers), `overlap_h`, `start_error_h`, `end_error_h` (found less true;
        0 where both still go on, infinite where one does).
    """
    left, right = (table.reset_index(drop=True).sort_values(["mmsi", "start", "end"]) for table in (found, true))
    latest = max(
        int(time_us(table[name].dropna()).max(initial=0)) for table in (left, right) for name in ("start", "end")
    )
    start, end = zip(
        *[(time_us(table["start"]), end_us(table["end"], latest + 1)) for table in (left, right)], strict=True
    )
    i, j, shared = overlaps(left["mmsi"].to_numpy(), start[0], end[0], right["mmsi"].to_numpy(), start[1], end[1])
    errors = [(side[0][i] - side[1][j]) / US_PER_H for side in (start, end)]
    open_ = left["end"].isna().to_numpy()[i] ^ right["end"].isna().to_numpy()[j]
    errors[1] = np.where(open_, np.inf, errors[1])
    near = np.ones(len(i), dtype=bool)
    if tolerance_h is not None:
        near = (np.abs(errors[0]) <= tolerance_h) & (np.abs(errors[1]) <= tolerance_h)
    kept = np.flatnonzero(near)[_assign(i[near], j[near], shared[near])]
    return pd.DataFrame(
        {
            "found": left.index.to_numpy()[i[kept]],
            "true": right.index.to_numpy()[j[kept]],
            "overlap_h": shared[kept] / US_PER_H,
            "start_error_h": errors[0][kept],
            "end_error_h": errors[1][kept],
        }
    )


def overlaps(
    left_key: np.ndarray, left_start: np.ndarray, left_end: np.ndarray,
    right_key: np.ndarray, right_start: np.ndarray, right_end: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """All pairs of intervals of the same key that share more than an instant.

    Parameters
    ----------
    left_key, left_start, left_end : ndarray of int64, shape (n,)
        Such as the MMSI and microseconds.
    right_key, right_start, right_end : ndarray of int64, shape (m,)

    Returns
    -------
    left, right, shared : ndarray of int64, shape (pairs,)
        Rows of both sides, and the length of what they share.
    """
    code = np.unique(np.r_[left_key, right_key], return_inverse=True)[1]
    left_code, right_code = code[: len(left_key)], code[len(left_key) :]
    order = np.lexsort((right_start, right_code))
    right_code, start = right_code[order], right_start[order]
    # Where intervals lie inside others, the latest end so far still ascends, and can be searched.
    latest = pd.Series(right_end[order]).groupby(right_code).cummax().to_numpy()
    first = search_groups(right_code, latest, left_code, left_start, side="right")
    last = search_groups(right_code, start, left_code, left_end, side="left")
    left, at = expand(first, np.maximum(last - first, 0))
    right = order[at]
    shared = np.minimum(left_end[left], right_end[right]) - np.maximum(left_start[left], right_start[right])
    some = shared > 0
    return left[some], right[some], shared[some]


def one_row_each(table: pd.DataFrame, names: tuple[str, ...], spec: TableSpec) -> pd.DataFrame:
    """Return the table, or refuse it where two rows have the same key."""
    repeated = table.duplicated(list(names)).to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        raise SchemaError(f"{spec.name}: expected one row per {', '.join(names)}; row {row} repeats an earlier one")
    return table


def summed(p: pd.Series, gap_id: pd.Series, wanted: pd.Series) -> np.ndarray:
    """Probability of each wanted gap: the sum over its rows, 1 at most, 0 where there is none; shape (wanted,)."""
    total = p.groupby(gap_id).sum()
    return wanted.map(total).astype("float64").fillna(0.0).clip(upper=1.0).to_numpy()


def _assign(left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Pairs, as places in the input, that use each side once at most and weigh most together."""
    alone = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1) if len(left) else np.empty(0, dtype=bool)
    contested = np.flatnonzero(~alone)
    if len(contested) == 0:
        return np.flatnonzero(alone)
    rows, row = np.unique(left[contested], return_inverse=True)
    columns, column = np.unique(right[contested], return_inverse=True)
    # A column of its own for each row to be left alone with, since the solver wants every row matched.
    own = np.arange(len(rows))
    size = (len(rows), len(columns) + len(rows))
    values = np.r_[weight[contested].astype("float64"), np.full(len(rows), _UNMATCHED)]
    # 32 bits: what SciPy's matching takes in every version.
    places = tuple(np.r_[each].astype("int32") for each in ((row, own), (column, len(columns) + own)))
    graph = csr_array((values, places), shape=size)
    matched_row, matched_column = min_weight_full_bipartite_matching(graph, maximize=True)
    wide = len(columns)
    chosen = (matched_row * wide + matched_column)[matched_column < wide]
    return np.sort(np.r_[np.flatnonzero(alone), contested[np.isin(row * wide + column, chosen)]])


def _best_event(gaps: pd.DataFrame, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Row of the event that each gap belongs to (-1: none), and how long the two overlap [us]; shapes (gaps,)."""
    start, end = time_us(gaps["gap_start"]), end_us(gaps["gap_end"])
    low, high = events["low"].to_numpy(), events["high"].to_numpy()
    gap, event, overlap = overlaps(gaps["mmsi"].to_numpy(), start, end, events["mmsi"].to_numpy(), low, high)
    near = TOLERANCE_MIN * 60e6
    same = np.abs(start[gap] - time_us(events["gap_start"])[event].astype("float64")) <= near
    same &= np.abs(end[gap] - end_us(events["gap_end"])[event].astype("float64")) <= near
    call = events["is_call"].to_numpy()[event] & (overlap >= _INSIDE * (high - low)[event])
    natural, sending = (events["kind"].isin(kinds).to_numpy()[event] for kinds in ([_NATURAL], _SENDING))
    order = np.lexsort((event, natural, -overlap, sending, ~call, ~same, gap))
    first = order[group_starts(gap[order])]
    row, shared = np.full(len(gaps), -1), np.zeros(len(gaps), dtype="int64")
    row[gap[first]], shared[gap[first]] = event[first], overlap[first]
    return row, shared


def _silences(truth: pd.DataFrame) -> pd.DataFrame:
    """Events in the order of time with `low` and `high` [us]: when the ship could not be heard because of them."""
    sending = truth["kind"].isin(_SENDING)
    low = truth["off_time"].where(~sending, truth["gap_start"])
    high = truth["on_time"].where(~sending, truth["gap_end"])
    is_call = truth["truth_id"].isin(true_calls(truth)["truth_id"])
    table = truth.assign(low=time_us(low), high=end_us(high), is_call=is_call)[low.notna().to_numpy()]
    return table.sort_values(["mmsi", "low", "truth_id"], kind="stable", ignore_index=True)


def end_us(times: pd.Series, never: int = _NEVER) -> np.ndarray:
    """Microseconds of ends; what has none goes on."""
    return np.where(times.isna(), never, time_us(times))
