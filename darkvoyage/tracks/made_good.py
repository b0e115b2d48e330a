"""Speed and course made good at the ends of gaps, for feeds that send neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import search_groups
from darkvoyage.kernels.sphere import bearing, great_circle_nm
from darkvoyage.schema.conform import complete, finish
from darkvoyage.schema.tables import GAPS
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.located import Located, located_fixes
from darkvoyage.units import US_PER_H

__all__ = ["add_made_good"]

_SHORTEST_H, _LONGEST_H = 0.05, 1.0
"""Fixes nearer in time give a speed of rounding errors; over a longer leg a ship may have turned [h]."""


def add_made_good(gaps: Any, fixes: Any) -> pd.DataFrame:
    """Add the speed and the course that ships made good just before their gaps and just after them.

    By great circles, between the fix at the end of the gap and the nearest one that is at least three minutes further
    from it. Where ships report speed and course, what they report counts first.

    Parameters
    ----------
    gaps : GAPS table
    fixes : FIXES table
        Those that the gaps were found in.

    Returns
    -------
    GAPS table
        With `start_made_good_kn`, `start_made_good_deg`, `end_made_good_kn`, `end_made_good_deg`; null where that
        fix is more than an hour away.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    table, heard = complete(gaps, GAPS), located_fixes(fixes)
    columns: dict[str, Any] = {}
    for side in ("start", "end"):
        speed, course = _leg(table, heard, side)
        columns |= {f"{side}_made_good_kn": speed, f"{side}_made_good_deg": course}
    return finish(table.assign(**columns), GAPS)


def _leg(table: pd.DataFrame, heard: Located, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Speed and course over the leg outside one end of each gap."""
    speed, course = (np.full(len(table), np.nan) for _ in range(2))
    names = pd.MultiIndex.from_arrays([heard.mmsi, heard.track_id])
    number = names.get_indexer(pd.MultiIndex.from_frame(table[["mmsi", "track_id"]]))
    rows = np.flatnonzero((number >= 0) & table[f"gap_{side}"].notna().to_numpy())
    if len(rows) == 0:
        return speed, course
    track, at_us, apart = number[rows], time_us(table[f"gap_{side}"])[rows], round(_SHORTEST_H * US_PER_H)
    end = search_groups(heard.track, heard.time, track, at_us)
    if side == "start":
        beside = search_groups(heard.track, heard.time, track, at_us - apart, side="right") - 1
    else:
        beside = search_groups(heard.track, heard.time, track, at_us + apart)
    end, beside = (np.clip(at, 0, len(heard.time) - 1) for at in (end, beside))
    first, last = np.minimum(end, beside), np.maximum(end, beside)
    hours = (heard.time[last] - heard.time[first]) / US_PER_H
    sound = (heard.track[first] == track) & (heard.track[last] == track) & (heard.time[end] == at_us)
    sound &= (hours >= _SHORTEST_H) & (hours <= _LONGEST_H)
    first, last, rows = first[sound], last[sound], rows[sound]
    ends = heard.lat[first], heard.lon[first], heard.lat[last], heard.lon[last]
    speed[rows], course[rows] = great_circle_nm(*ends) / hours[sound], bearing(*ends)
    return speed, course
