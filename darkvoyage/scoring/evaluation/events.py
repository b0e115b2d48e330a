"""Which true event lies in a gap, and which found interval is which true one.

The truth of a world is one row per event (TRUTH). A gap belongs to the event of its MMSI whose silence overlaps it
most. Where two overlap it equally, a cause goes before `natural`, the earlier before the later. Events overlap a gap by
the time in which the transmitter was off; `spoofed` and `identity_swap`, whose transmitter was on, by the silence that
they left in the feed, if any.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, TRUTH
from darkvoyage.schema.times import time_us

__all__ = ["DELIBERATE", "label_gaps", "overlaps", "true_calls"]

DELIBERATE = ("security_off", "berth_off", "off_no_call", "off_wait", "dark_call", "dark_meeting")
"""Kinds of true events in which a crew switched off on purpose; a `fault` is off, but not on purpose."""

_NATURAL = "natural"
_NEVER = 2**62
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
        purpose), `deliberate`, and `call` (the event is one of `true_calls`).

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    table, events = complete(gaps, GAPS), _silences(complete(truth, TRUTH))
    start, end = time_us(table["gap_start"]), _end_us(table["gap_end"])
    gap, event, overlap = overlaps(
        table["mmsi"].to_numpy(),
        start,
        end,
        events["mmsi"].to_numpy(),
        events["low"].to_numpy(),
        events["high"].to_numpy(),
    )
    order = np.lexsort((event, events["kind"].eq(_NATURAL).to_numpy()[event], -overlap, gap))
    first = order[np.r_[True, gap[order][1:] != gap[order][:-1]]] if len(order) else order
    row = np.full(len(table), -1)
    row[gap[first]] = event[first]
    labels = events.reindex(row).reset_index(drop=True)
    kind = labels["kind"].fillna(_NATURAL)
    return pd.DataFrame(
        {
            "gap_id": table["gap_id"],
            "mmsi": table["mmsi"],
            **{name: labels[name] for name in _LABELS},
            "kind": kind,
            "off": kind.isin([*DELIBERATE, "fault"]),
            "deliberate": kind.isin(DELIBERATE),
            "call": labels["truth_id"].isin(true_calls(events)["truth_id"]) & labels["truth_id"].notna(),
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


def _silences(truth: pd.DataFrame) -> pd.DataFrame:
    """Events in the order of time with `low` and `high` [us]: when the ship could not be heard because of them."""
    sending = truth["kind"].isin(["spoofed", "identity_swap"])
    low = truth["off_time"].where(~sending, truth["gap_start"])
    high = truth["on_time"].where(~sending, truth["gap_end"])
    table = truth.assign(low=time_us(low), high=_end_us(high))[low.notna().to_numpy()]
    return table.sort_values(["mmsi", "low", "truth_id"], kind="stable", ignore_index=True)


def _end_us(times: pd.Series) -> np.ndarray:
    """Microseconds of ends; what has none goes on."""
    return np.where(times.isna(), _NEVER, time_us(times))
