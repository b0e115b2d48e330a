"""What the learned head looks at in a gap: reception along its path and beside it, and how the ship itself was heard.

Everything comes from the gap and the model of reception, so that gaps of files, stores and days have the same features.
How long the gap lasted is not among them: the silences that the head learns from last equally long by design.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.paths import silence_facts
from darkvoyage.gaps.reception import RECENT_H, ReceptionModel
from darkvoyage.kernels.grid import window_of
from darkvoyage.kernels.spans import search_groups
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS
from darkvoyage.schema.times import time_us

__all__ = ["FEATURES", "has_features", "silence_features"]

_ALONG = (
    "expected_cell", "expected_block", "expected", "factor_mean", "factor_min", "factor_before", "factor_start",
    "factor_end", "factor_after", "own", "own_recent", "usual_start", "usual_end", "neighbours_heard", "feed",
)  # fmt: skip
"""Taken from `silence_facts` as they are."""
_SHIP = (
    "own_after", "own_recent_after", "heard_before", "heard_after", "heard_day_before", "heard_day_after",
    "quiet_before_h", "quiet_after_h",
)  # fmt: skip
_GAP = ("fixes_before_12h", "fixes_after_12h", "distance_nm", "implied_speed_kn")
FEATURES = (*_ALONG, "factor_path", *_SHIP, *_GAP)
"""Columns of `silence_features`."""

_SHORT_H, _LONG_H = 3.0, 24.0
"""How far before and after a gap the ship's own receptions are counted [h]."""
_QUIET_H = 12.0
"""A ship not heard for longer than this before or after a gap is as good as one never heard [h]."""


def has_features(gaps: pd.DataFrame) -> np.ndarray:
    """Tell which gaps are closed and have known places on either side, shape (n,)."""
    placed = gaps[["start_lat", "start_lon", "end_lat", "end_lon"]].notna().all(axis=1)
    return (placed & gaps["is_closed"] & gaps["gap_end"].notna()).to_numpy()


def silence_features(gaps: Any, reception: ReceptionModel, *, facts: pd.DataFrame | None = None) -> pd.DataFrame:
    """Describe closed gaps by what is known of reception along them, before them and after them.

    Parameters
    ----------
    gaps : GAPS table
        Those for which `has_features`.
    reception : ReceptionModel
    facts : DataFrame, optional
        Their `silence_facts`, where these are known already.

    Returns
    -------
    DataFrame of float64
        `FEATURES`, one row per gap in the order of the input: those of `silence_facts`; `factor_path`, the
        contemporaneous factor weighted by the usual rate; of the ship itself its factor in the 24 h and 6 h after the
        gap (`own_after`, `own_recent_after`), the share of windows in which it was heard in the 3 h and 24 h before and
        after (`heard_before`, `heard_day_before` ...), and how long until the next window in which it was heard
        (`quiet_before_h`, `quiet_after_h`, 12 h at most) [h]; of the gap its counts of fixes, displacement and speed.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    table = complete(gaps, GAPS)
    facts = (silence_facts(table, reception) if facts is None else facts).reset_index(drop=True)
    usual = facts["expected_cell"]
    # Gaps of less than a window expect nothing, and nothing speaks against reception as usual.
    path = np.where(usual > 0, facts["expected_block"] / usual.clip(lower=1e-9), 1.0)
    ship, gap = _heard_beside(table, reception), table[list(_GAP)].astype("float64")
    return facts[list(_ALONG)].assign(factor_path=path, **ship).join(gap)[list(FEATURES)].astype("float64")


def _heard_beside(table: pd.DataFrame, reception: ReceptionModel) -> dict[str, np.ndarray]:
    """How the ship was heard on either side, without the windows in which the gap starts and ends: there it was."""
    width_min, heard = reception.window_min, reception.vessels
    known, code = np.unique(heard["mmsi"].to_numpy(), return_inverse=True)
    asked = np.searchsorted(known, table["mmsi"].to_numpy())
    # A ship that the model does not know gets a code behind all others, and was never heard.
    there = np.isin(table["mmsi"], known)
    asked = np.where(there, asked, len(known))
    window = heard["window"].to_numpy()
    start, end = window_of(time_us(table["gap_start"]), width_min), window_of(time_us(table["gap_end"]), width_min)
    short, day, recent = (round(hours * 60.0 / width_min) for hours in (_SHORT_H, _LONG_H, RECENT_H))
    most = round(_QUIET_H * 60.0 / width_min)

    def before(limit: np.ndarray) -> np.ndarray:
        return search_groups(code, window, asked, limit, side="left")

    def share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return (before(high) - before(low)) / (high - low)

    def lasting(limit: np.ndarray, name: str) -> np.ndarray:
        row = np.maximum(before(limit) - 1, 0)
        mine = there & (before(limit) > before(end))
        return np.where(mine, heard[name].to_numpy()[row], 1.0) if len(heard) else np.ones(len(table))

    def at(row: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        inside = there & (row >= 0) & (row < len(window))
        row = np.where(inside, row, 0)
        if len(window) == 0:
            return otherwise
        return np.where(inside & (code[row] == asked), window[row], otherwise)

    last, following = at(before(start) - 1, start - most), at(before(end + 1), end + most)
    return {
        "own_after": lasting(end + 1 + day, "own"),
        "own_recent_after": lasting(end + 1 + recent, "own_recent"),
        "heard_before": share(start - short, start),
        "heard_after": share(end + 1, end + 1 + short),
        "heard_day_before": share(start - day, start),
        "heard_day_after": share(end + 1, end + 1 + day),
        "quiet_before_h": np.clip(start - last, 0, most) * width_min / 60.0,
        "quiet_after_h": np.clip(following - end, 0, most) * width_min / 60.0,
    }
