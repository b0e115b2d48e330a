"""Gaps: silences of a track longer than a threshold, exactly.

Differs from pipe-gaps 0.9.4: gaps are per hull, not per MMSI (two ships under one number do not make a false gap);
duplicates, conflicts and jumps neither bound a gap nor count; a position that is missing or out of range gives a null
distance (there 0 degrees, up to 156,900 km of error); the look-back does not depend on how the input is cut; an open
gap is measured to `as_of`, not to the next midnight.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import GapRule
from darkvoyage.errors import RuleError
from darkvoyage.kernels.spans import search_groups
from darkvoyage.kernels.sphere import geodesic_m
from darkvoyage.schema.conform import conform, empty, finish, sort_rows
from darkvoyage.schema.tables import FIXES, GAPS
from darkvoyage.tracks.cleaning import clean_fixes, time_us
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["find_gaps", "gap_ids", "usable_rows"]

_BOUNDING_FLAGS = ("no_position", "out_of_range")
_END_WINDOW_H = 24.0
_RECEIVERS = {"ter": "terrestrial", "sat": "satellite", "dyn": "dynamic"}
_MOMENTARY = ("lat", "lon", "sog", "cog", "nav_status")


def find_gaps(fixes: Any, *, rule: GapRule | None = None, as_of: Any = None) -> pd.DataFrame:
    """Find the silences of each track that last longer than `rule.min_gap_h`, strictly.

    Parameters
    ----------
    fixes : FIXES table, or path, glob or list of paths
        Cleaned (with `track_id` and `flag`) or raw; raw fixes and files go through the default cleaning first.
    rule : GapRule, optional
    as_of : datetime or ISO 8601 text with time zone, optional
        Also report open gaps, measured to this moment; later fixes are ignored. None: closed gaps only.

    Returns
    -------
    GAPS table
        Sorted by (mmsi, gap_start). A gap says nothing about intent.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        `as_of` is naive or not a time.
    """
    rule = rule or GapRule()
    moment = _as_of(as_of)
    table = _bounding_fixes(fixes)
    if moment is not None:
        table = table[table["timestamp"] <= moment].reset_index(drop=True)
    if len(table) == 0:
        return empty(GAPS)
    code = pd.factorize(table["track_id"], sort=False)[0].astype("int64")
    time = time_us(table["timestamp"])
    off, on = _silences(code, time, rule, moment)
    if len(off) == 0:
        return empty(GAPS)
    columns = _edges(table, code, time, off, on, moment)
    columns |= _counts(table, code, time, off, on, rule)
    columns |= _voyage_values(table, code, time, off, on)
    return finish(columns, GAPS)


def usable_rows(table: pd.DataFrame) -> np.ndarray:
    """Tell which cleaned fixes prove that their track was on the air: usable, or lacking only a position."""
    flag = table["flag"]
    return (flag.isna() | flag.isin(_BOUNDING_FLAGS)).to_numpy() & table["track_id"].notna().to_numpy()


def gap_ids(mmsi: np.ndarray, start_us: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> pd.Series:
    """Stable ids from MMSI, start time and start position: 32 hex digits, the same on every run and machine.

    Positions enter as integers of 1e-5 degree (about 1 m), so that no float formatting can change an id. The mixing
    function is splitmix64 (Steele, Lea, Flood 2014).
    """
    words = [
        np.asarray(mmsi, dtype="int64"),
        np.asarray(start_us, dtype="int64"),
        _degrees_to_int(lat),
        _degrees_to_int(lon),
    ]
    lanes = []
    for seed in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03):
        state = np.full(len(words[0]), seed, dtype="uint64")
        for word in words:
            state = _splitmix(state ^ word.view("uint64"))
        lanes.append(state)
    raw = np.stack(lanes, axis=1).astype(">u8").tobytes().hex()
    return pd.Series(np.frombuffer(raw.encode("ascii"), dtype="S32").astype("U32"), dtype="str")


def _degrees_to_int(degrees: np.ndarray) -> np.ndarray:
    known = np.isfinite(degrees)
    return np.where(known, np.round(np.where(known, degrees, 0.0) * 1e5), 99_999_999.0).astype("int64")


def _splitmix(state: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        state = state + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _as_of(as_of: Any) -> pd.Timestamp | None:
    if as_of is None:
        return None
    if not isinstance(as_of, (str, dt.datetime, np.datetime64)):
        raise RuleError(f"as_of = {as_of!r}: expected a timezone-aware time")
    try:
        moment = pd.Timestamp(as_of)
    except ValueError as error:
        raise RuleError(f"as_of = {as_of!r}: expected a timezone-aware time ({error})") from error
    if pd.isna(moment) or moment.tz is None:
        raise RuleError(f"as_of = {as_of!r}: expected a timezone-aware time, this one is naive")
    return moment.tz_convert("UTC").as_unit("us")


def _bounding_fixes(fixes: Any) -> pd.DataFrame:
    """Cleaned fixes that can bound a gap, sorted by (track_id, timestamp), one per track and time."""
    if isinstance(fixes, (str, list, tuple)) or hasattr(fixes, "__fspath__"):
        from darkvoyage.io.fixes import read_fixes

        fixes = read_fixes(fixes)
    table = conform(fixes, FIXES)
    if "track_id" not in table.columns or "flag" not in table.columns:
        table = clean_fixes(table)
    table = table[usable_rows(table)]
    # A fix without position at the time of one with position adds nothing.
    table = table.assign(_lost=table["lat"].isna() | table["lon"].isna() | table["flag"].notna())
    table = sort_rows(table, ("track_id", "timestamp", "_lost"))
    table = table[~table.duplicated(["track_id", "timestamp"])].reset_index(drop=True)
    lost = table.pop("_lost").to_numpy()
    table.loc[lost, ["lat", "lon"]] = np.nan
    return table


def _silences(
    code: np.ndarray, time: np.ndarray, rule: GapRule, moment: pd.Timestamp | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows before and after each silence; -1 after an open one."""
    threshold = round(rule.min_gap_h * US_PER_H)
    last = np.ones(len(code), dtype=bool)
    last[:-1] = code[1:] != code[:-1]
    closed = np.flatnonzero(~last[:-1] & (np.diff(time) > threshold))
    off, on = closed, closed + 1
    if moment is not None:
        as_of_us = int(np.datetime64(moment.tz_localize(None), "us").astype("int64"))
        ends = np.flatnonzero(last)
        open_ends = ends[as_of_us - time[ends] > threshold]
        off, on = np.r_[off, open_ends], np.r_[on, np.full(len(open_ends), -1)]
    return off, on


def _edges(
    table: pd.DataFrame, code: np.ndarray, time: np.ndarray, off: np.ndarray, on: np.ndarray,
    moment: pd.Timestamp | None,
) -> dict[str, Any]:  # fmt: skip
    closed = on >= 0
    end = np.where(closed, on, 0)
    columns: dict[str, Any] = {}
    for name in _MOMENTARY:
        if name in table.columns:
            columns[f"start_{name}"] = table[name].iloc[off].reset_index(drop=True)
            columns[f"end_{name}"] = table[name].iloc[end].reset_index(drop=True).where(closed)
    lat1, lon1 = (columns[f"start_{name}"].to_numpy() for name in ("lat", "lon"))
    lat2, lon2 = (columns[f"end_{name}"].to_numpy() for name in ("lat", "lon"))
    until = time[end].copy()
    if moment is not None:
        until[~closed] = int(np.datetime64(moment.tz_localize(None), "us").astype("int64"))
    duration = (until - time[off]) / US_PER_H
    distance = geodesic_m(lat1, lon1, lat2, lon2) / M_PER_NM
    mmsi = table["mmsi"].to_numpy()[off]
    return columns | {
        "gap_id": gap_ids(mmsi, time[off], lat1, lon1),
        "track_id": table["track_id"].iloc[off].reset_index(drop=True),
        "mmsi": mmsi,
        "gap_start": table["timestamp"].iloc[off].reset_index(drop=True),
        "gap_end": table["timestamp"].iloc[end].reset_index(drop=True).where(closed),
        "is_closed": closed,
        "duration_h": duration,
        "distance_nm": distance,
        "implied_speed_kn": distance / duration,
    }


def _counts(
    table: pd.DataFrame, code: np.ndarray, time: np.ndarray, off: np.ndarray, on: np.ndarray, rule: GapRule
) -> dict[str, np.ndarray]:
    """Fixes in [start - lookback, start) plus the bounding one, and its mirror image after the gap."""
    lookback = round(rule.lookback_h * US_PER_H)
    since = search_groups(code, time, code[off], time[off] - lookback, side="left")
    columns = {"fixes_before_12h": off - since + 1}
    for short, receiver in _RECEIVERS.items():
        heard = np.zeros(len(table) + 1, dtype="int64")
        if "receiver" in table.columns:
            heard[1:] = np.cumsum((table["receiver"] == receiver).to_numpy())
        columns[f"fixes_before_12h_{short}"] = heard[off + 1] - heard[since]
    end = np.maximum(on, 0)
    until = search_groups(code, time, code[end], time[end] + lookback, side="right")
    columns["fixes_after_12h"] = np.where(on >= 0, until - end, 0)
    return columns


def _voyage_values(
    table: pd.DataFrame, code: np.ndarray, time: np.ndarray, off: np.ndarray, on: np.ndarray
) -> dict[str, Any]:
    """Last reported values at the start; first ones after the end, within a day and before the next gap."""
    closed = on >= 0
    limit = np.full(len(off), np.iinfo("int64").max)
    limit[closed] = time[on[closed]] + round(_END_WINDOW_H * US_PER_H)
    next_off = _next_gap_start(code, time, off, on)
    limit = np.minimum(limit, next_off)
    columns: dict[str, Any] = {}
    for name, stamp in (("draught_m", "draught_timestamp"), ("destination", "destination_timestamp")):
        if name not in table.columns:
            continue
        rows, reported = _reports(table, name, stamp, time)
        before, after = _nearest_reports(code[rows], reported, code, time, off, on, limit)
        columns[f"start_{name}"] = _take(table[name].iloc[rows], before)
        columns[f"end_{name}"] = _take(table[name].iloc[rows], after)
        if name == "draught_m":
            columns["start_draught_age_h"] = _age(time[off], reported, before)
            columns["end_draught_age_h"] = -_age(np.where(closed, time[np.maximum(on, 0)], 0), reported, after)
    for name in ("ais_class", "ship_type", "length_m", "imo"):
        if name in table.columns:
            rows, reported = _reports(table, name, None, time)
            before, after = _nearest_reports(code[rows], reported, code, time, off, on, limit)
            columns[name] = _take(table[name].iloc[rows], np.where(before >= 0, before, after))
    return columns


def _next_gap_start(code: np.ndarray, time: np.ndarray, off: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Start of the next gap of the same track [us], or the far future."""
    out = np.full(len(off), np.iinfo("int64").max)
    order = np.lexsort((time[off], code[off]))
    follows = code[off][order][1:] == code[off][order][:-1]
    out[order[:-1][follows]] = time[off][order][1:][follows]
    return out


def _reports(table: pd.DataFrame, name: str, stamp: str | None, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that report a value, and when it was received [us]; sorted by (track, received)."""
    rows = np.flatnonzero(table[name].notna().to_numpy())
    received = time[rows]
    if stamp is not None and stamp in table.columns:
        given = table[stamp].iloc[rows]
        received = np.where(given.notna(), np.minimum(time_us(given.fillna(given.iloc[:1].max())), received), received)
    if stamp is not None:
        code = pd.factorize(table["track_id"], sort=False)[0]
        order = np.lexsort((rows, received, code[rows]))
        rows, received = rows[order], received[order]
    return rows, received


def _nearest_reports(
    group: np.ndarray, received: np.ndarray, code: np.ndarray, time: np.ndarray, off: np.ndarray, on: np.ndarray,
    limit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Index of the last report at or before each start, and of the first from each end to its limit; -1: none."""
    before = search_groups(group, received, code[off], time[off], side="right") - 1
    if len(group) == 0:
        return np.full(len(off), -1), np.full(len(off), -1)
    before = np.where((before >= 0) & (group[np.maximum(before, 0)] == code[off]), before, -1)
    end = np.maximum(on, 0)
    after = search_groups(group, received, code[end], time[end], side="left")
    inside = np.minimum(after, len(group) - 1)
    good = (on >= 0) & (after < len(group)) & (group[inside] == code[end]) & (received[inside] <= limit)
    return before, np.where(good, after, -1)


def _take(values: pd.Series, index: np.ndarray) -> pd.Series:
    if len(values) == 0:
        return pd.Series([None] * len(index), dtype=values.dtype)
    return values.iloc[np.maximum(index, 0)].reset_index(drop=True).where(index >= 0)


def _age(edge: np.ndarray, received: np.ndarray, index: np.ndarray) -> np.ndarray:
    if len(received) == 0:
        return np.full(len(index), np.nan)
    return np.where(index >= 0, (edge - received[np.maximum(index, 0)]) / US_PER_H, np.nan)
