"""Gaps: silences of a track longer than a threshold, exactly.

Differs from pipe-gaps 0.9.4: gaps are per hull, not per MMSI (two ships under one number do not make a false gap);
duplicates, conflicts and jumps neither bound a gap nor count; a position that is missing or out of range gives a null
distance (there 0 degrees, up to 156,900 km of error); the look-back does not depend on how the input is cut; an open
gap is measured to `as_of`, not to the next midnight.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import GapRule
from darkvoyage.errors import RuleError
from darkvoyage.kernels.mixing import splitmix
from darkvoyage.kernels.spans import search_groups
from darkvoyage.kernels.sphere import geodesic_m
from darkvoyage.schema.conform import conform, empty, finish, sort_rows
from darkvoyage.schema.tables import FIXES, GAPS
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["find_gaps", "gap_ids", "usable_rows"]

_BOUNDING_FLAGS = ("no_position", "out_of_range")
_END_WINDOW_H = 24.0
_RECEIVERS = {"ter": "terrestrial", "sat": "satellite", "dyn": "dynamic"}
_MOMENTARY = ("lat", "lon", "sog", "cog", "nav_status")
_STATIC = ("ais_class", "ship_type", "length_m", "imo")


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
    table = _cleaned(fixes, moment)
    heard = _heard(table)
    off, on = _silences(heard, rule, moment)
    if len(off) == 0:
        return empty(GAPS)
    columns = _edges(table, heard, off, on, moment)
    columns |= _counts(table, heard, off, on, rule)
    columns |= _voyage_values(table, heard, off, on)
    return finish(columns, GAPS)


@dataclasses.dataclass(frozen=True)
class _Heard:
    """The fixes that bound gaps, one per track and time, sorted by both: row in the table, track number, time [us]."""

    row: np.ndarray
    track: np.ndarray
    time: np.ndarray
    lost: np.ndarray
    """Without a usable position."""


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
            state = splitmix(state ^ word.view("uint64"))
        lanes.append(state)
    raw = np.stack(lanes, axis=1).astype(">u8").tobytes().hex()
    return pd.Series(np.frombuffer(raw.encode("ascii"), dtype="S32").astype("U32"), dtype="str")


def _degrees_to_int(degrees: np.ndarray) -> np.ndarray:
    known = np.isfinite(degrees)
    return np.where(known, np.round(np.where(known, degrees, 0.0) * 1e5), 99_999_999.0).astype("int64")


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


def _cleaned(fixes: Any, moment: pd.Timestamp | None) -> pd.DataFrame:
    """Cleaned fixes up to `moment`, sorted by (mmsi, timestamp)."""
    if isinstance(fixes, (str, list, tuple)) or hasattr(fixes, "__fspath__"):
        from darkvoyage.io.fixes import read_fixes

        fixes = read_fixes(fixes)
    table = conform(fixes, FIXES)
    if moment is not None:
        # Before the cleaning, so that later fixes cannot change what is known at the moment.
        table = table[table["timestamp"] <= moment]
    if "track_id" not in table.columns or "flag" not in table.columns:
        return clean_fixes(table)
    return sort_rows(table, FIXES.key)


def _heard(table: pd.DataFrame) -> _Heard:
    row = np.flatnonzero(usable_rows(table))
    mmsi, name = table["mmsi"].to_numpy()[row], pd.factorize(table["track_id"])[0][row]
    # One track, one MMSI: a caller's track ids may start anew for each ship.
    owner = np.cumsum(np.r_[False, mmsi[1:] != mmsi[:-1]]) if len(row) else row
    track = pd.factorize(owner * (name.max(initial=0) + 1) + name)[0]
    time = time_us(table["timestamp"])[row]
    placed = (table["lat"].abs() <= 90) & (table["lon"].abs() <= 180) & table["flag"].isna()
    lost = ~placed.to_numpy()[row]
    # A fix without position at the time of one with position adds nothing.
    step, wait = np.diff(track), np.diff(time)
    if not np.all((step > 0) | ((step == 0) & (wait > 0))):
        order = np.lexsort((lost, time, track))
        row, track, time, lost = row[order], track[order], time[order], lost[order]
    kept = np.ones(len(row), dtype=bool)
    kept[1:] = (track[1:] != track[:-1]) | (time[1:] != time[:-1])
    return _Heard(row[kept], track[kept], time[kept], lost[kept])


def _silences(heard: _Heard, rule: GapRule, moment: pd.Timestamp | None) -> tuple[np.ndarray, np.ndarray]:
    """Fixes before and after each silence; -1 after an open one."""
    threshold = round(rule.min_gap_h * US_PER_H)
    last = np.ones(len(heard.track), dtype=bool)
    last[:-1] = heard.track[1:] != heard.track[:-1]
    closed = np.flatnonzero(~last[:-1] & (np.diff(heard.time) > threshold))
    off, on = closed, closed + 1
    if moment is not None:
        ends = np.flatnonzero(last)
        open_ends = ends[_moment_us(moment) - heard.time[ends] > threshold]
        off, on = np.r_[off, open_ends], np.r_[on, np.full(len(open_ends), -1)]
    return off, on


def _moment_us(moment: pd.Timestamp) -> int:
    return int(np.datetime64(moment.tz_localize(None), "us").astype("int64"))


def _edges(
    table: pd.DataFrame, heard: _Heard, off: np.ndarray, on: np.ndarray, moment: pd.Timestamp | None
) -> dict[str, Any]:
    closed = on >= 0
    start = table.take(heard.row[off]).reset_index(drop=True)
    end = table.take(heard.row[on]).reset_index(drop=True)
    until = np.where(closed, heard.time[on], 0 if moment is None else _moment_us(moment))
    columns: dict[str, Any] = {}
    for name in _MOMENTARY:
        if name in table.columns:
            columns[f"start_{name}"] = start[name]
            columns[f"end_{name}"] = end[name].where(closed)
    for name in ("lat", "lon"):
        columns[f"start_{name}"] = columns[f"start_{name}"].mask(heard.lost[off])
        columns[f"end_{name}"] = columns[f"end_{name}"].mask(heard.lost[on])
    lat1, lon1, lat2, lon2 = (columns[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    duration = (until - heard.time[off]) / US_PER_H
    distance = geodesic_m(lat1, lon1, lat2, lon2) / M_PER_NM
    mmsi = start["mmsi"].to_numpy()
    return columns | {
        "gap_id": gap_ids(mmsi, heard.time[off], lat1, lon1),
        "track_id": start["track_id"],
        "mmsi": mmsi,
        "gap_start": start["timestamp"],
        "gap_end": end["timestamp"].where(closed),
        "is_closed": closed,
        "duration_h": duration,
        "distance_nm": distance,
        "implied_speed_kn": distance / duration,
    }


def _counts(
    table: pd.DataFrame, heard: _Heard, off: np.ndarray, on: np.ndarray, rule: GapRule
) -> dict[str, np.ndarray]:
    """Fixes in [start - lookback, start) plus the bounding one, and its mirror image after the gap."""
    track, time = heard.track, heard.time
    lookback = round(rule.lookback_h * US_PER_H)
    since = search_groups(track, time, track[off], time[off] - lookback, side="left")
    columns = {"fixes_before_12h": off - since + 1}
    code, names = None, pd.Index([])
    if "receiver" in table.columns:
        code, names = pd.factorize(table["receiver"])
        code = code[heard.row]
    for short, receiver in _RECEIVERS.items():
        seen = np.zeros(len(track) + 1, dtype="int64")
        if code is not None and receiver in names:
            seen[1:] = np.cumsum(code == names.get_loc(receiver))
        columns[f"fixes_before_12h_{short}"] = seen[off + 1] - seen[since]
    until = search_groups(track, time, track[on], time[on] + lookback, side="right")
    columns["fixes_after_12h"] = np.where(on >= 0, until - on, 0)
    return columns


def _voyage_values(table: pd.DataFrame, heard: _Heard, off: np.ndarray, on: np.ndarray) -> dict[str, Any]:
    """Last reported values at the start; first ones from the end on, within a day and before the next gap."""
    limit = _limits(heard, off, on)
    columns: dict[str, Any] = {}
    for name, stamp in (("draught_m", "draught_timestamp"), ("destination", "destination_timestamp")):
        if name in table.columns:
            before, after, received = _nearest_reports(table, heard, (name, stamp), off, on, limit)
            columns[f"start_{name}"] = _take(table[name], heard.row, before)
            columns[f"end_{name}"] = _take(table[name], heard.row, after)
            if name == "draught_m":
                age_h = (heard.time[off] - received[before]) / US_PER_H
                columns["start_draught_age_h"] = np.where(before >= 0, age_h, np.nan)
                age_h = (received[after] - heard.time[on]) / US_PER_H
                columns["end_draught_age_h"] = np.where(after >= 0, age_h, np.nan)
    for name in _STATIC:
        if name in table.columns:
            before, after, _ = _nearest_reports(table, heard, (name, None), off, on, limit)
            columns[name] = _take(table[name], heard.row, np.where(before >= 0, before, after))
    return columns


def _limits(heard: _Heard, off: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Time until which a report belongs to the end of each gap [us]: a day, or the start of the track's next gap."""
    limit = heard.time[on] + round(_END_WINDOW_H * US_PER_H)
    order = np.argsort(off)
    next_off = np.r_[off[order][1:], -1]
    follows = (next_off >= 0) & (heard.track[next_off] == heard.track[off[order]])
    limit[order[follows]] = np.minimum(limit[order[follows]], heard.time[next_off[follows]])
    return limit


def _nearest_reports(
    table: pd.DataFrame, heard: _Heard, names: tuple[str, str | None], off: np.ndarray, on: np.ndarray,
    limit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Fix with the last report at or before each start, fix with the first from each end to its limit; -1: none.

    Only fixes of that side of the gap are asked. Also when each fix's value was received [us].
    """
    name, stamp = names
    received = heard.time
    if stamp is not None and stamp in table.columns:
        given = table[stamp].notna().to_numpy()[heard.row]
        received = np.where(given, np.minimum(time_us(table[stamp])[heard.row], heard.time), heard.time)
    at = np.flatnonzero(table[name].notna().to_numpy()[heard.row])
    if len(at) == 0:
        return np.full(len(off), -1), np.full(len(off), -1), received
    track, latest, source = heard.track[at], heard.time[at], np.arange(len(at))
    if received is not heard.time:
        latest, source = _latest(track, received[at])
    found = search_groups(track, heard.time[at], heard.track[off], heard.time[off], side="right") - 1
    before = np.where((found >= 0) & (track[found] == heard.track[off]), at[source[found]], -1)
    found = search_groups(track, latest, heard.track[on], heard.time[on], side="left")
    inside = np.minimum(found, len(at) - 1)
    good = (on >= 0) & (found < len(at)) & (track[inside] == heard.track[on]) & (heard.time[at[inside]] <= limit)
    return before, np.where(good, at[inside], -1), received


def _latest(track: np.ndarray, received: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running maximum of `received` within each track, and the row that holds it."""
    levels, rank = np.unique(received, return_inverse=True)
    key = track * len(levels) + rank
    top = np.maximum.accumulate(key)
    source = np.maximum.accumulate(np.where(key == top, np.arange(len(key)), 0))
    return received[source], source


def _take(values: pd.Series, row: np.ndarray, at: np.ndarray) -> pd.Series:
    return values.take(row[at]).reset_index(drop=True).where(at >= 0)
