"""What ships did while they could be heard: where they called, how long they waited and stayed, how fast they go.

Speeds are distances over times of legs of about an hour, never what a transponder says of its own speed: a gap is
crossed at the speed made good. Their spread is that of daily means, because within a gap fast and slow hours average.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts, search_groups
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.visits import find_port_visits, heard_fixes
from darkvoyage.rules.history import HistoryRule
from darkvoyage.schema.conform import complete, conform, empty, finish, sort_rows
from darkvoyage.schema.tables import FIXES, HISTORY, PORT_VISITS
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import US_PER_H

__all__ = ["as_history", "fleet_history", "ship_kinds"]

_SHORTEST_LEG_H = 0.5
_LEAST_CONFIDENCE = 2
"""Visits below this show neither a stop nor a silence: ships that pass by."""
_DAY_US = 24 * US_PER_H
_DAY_UNDER_WAY_H = 6.0
"""A day with less time under way has no mean speed of its own."""
_HIGH_QUANTILE = 0.99
_TYPES_PER_KIND = 10
"""AIS ship types of one kind share their first digit (ITU-R M.1371-5, table 53)."""
_UNKNOWN_DRAUGHT_M = (0.0, 25.5)
"""Values of AIS for "not available" and for "25.5 m or more" (ITU-R M.1371-5, table 52)."""


def fleet_history(
    fixes: Any, *, visits: Any = None, ports: Any = None, rule: HistoryRule | None = None
) -> pd.DataFrame:
    """Gather what the ships of a feed did in the open.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw; raw fixes go through the default cleaning first.
    visits : PORT_VISITS table, optional
        Of the same fixes. None: found at `ports`.
    ports : PORTS table, optional
        Where to look for visits. None, and no visits: speeds only.
    rule : HistoryRule, optional

    Returns
    -------
    HISTORY table
        Rows with a `port_id` are visits with a stop or a silence: `wait_h` is the time spent slow or at anchor near the
        port before the arrival (null where the ship was not heard coming), and `confidence` as PORT_VISITS has it.
        Rows without one are speeds made good: one row per ship over all its legs under way, with a null `load_state`,
        and one each for "laden" and "ballast" where its draughts tell. `speed_kn` is the mean, `speed_sd_kn` the
        spread of daily means, `speed_max_kn` the 99th percentile of the legs, `under_way_h` what they rest on.
        `ship_type` and `length_m` are the last that the ship reported.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or HistoryRule()
    table = conform(fixes, FIXES)
    table = table if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table)
    calls = _calls(table, visits, ports)
    heard = heard_fixes(table, also=("draught_m", "ship_type", "length_m"))
    if len(heard) == 0 and len(calls) == 0:
        return empty(HISTORY)
    legs = _legs(heard, rule)
    calls = calls.assign(wait_h=_waits(calls, heard, legs, rule))
    ships = _ships(heard)
    rows = pd.concat([calls, _speeds(legs, rule)], ignore_index=True)
    rows = rows.merge(ships, on="mmsi", how="left")
    return finish(rows[[name for name in HISTORY.names if name in rows]], HISTORY)


def as_history(history: Any) -> pd.DataFrame:
    """Bring what is known of the past into one form.

    Parameters
    ----------
    history : HISTORY or PORT_VISITS table, optional
        Or any table with `mmsi`, and `port_id` or `speed_kn`. Visits without a time are known to have been made, not
        when.

    Returns
    -------
    HISTORY table
        With all columns; empty for None.

    Raises
    ------
    SchemaError
        Not such a table.
    """
    if history is None:
        return empty(HISTORY)
    table = complete(history, HISTORY)
    return sort_rows(table[list(HISTORY.names)], HISTORY.key)


def ship_kinds(table: pd.DataFrame) -> np.ndarray:
    """Kind of each ship, the first digit of its `ship_type`; -1 where it is not known, shape (n,)."""
    if "ship_type" not in table:
        return np.full(len(table), -1, dtype="int64")
    kind = table["ship_type"].to_numpy(dtype="float64", na_value=np.nan)
    return np.where(kind > 0, kind // _TYPES_PER_KIND, -1).astype("int64")


def _calls(table: pd.DataFrame, visits: Any, ports: Any) -> pd.DataFrame:
    """Visits with a stop or a silence, in order of ship and arrival."""
    if visits is not None:
        found = complete(visits, PORT_VISITS)
    elif ports is not None:
        found = find_port_visits(table, ports)
    else:
        found = empty(PORT_VISITS)
    return sort_rows(found[(found["confidence"] >= _LEAST_CONFIDENCE).fillna(True)], PORT_VISITS.key)


def _legs(heard: pd.DataFrame, rule: HistoryRule) -> pd.DataFrame:
    """Legs of about `leg_h` from the first fix of one stretch of time to that of the next."""
    track, time = heard["track"].to_numpy(), heard["time"].to_numpy()
    stretch = time // round(rule.leg_h * US_PER_H)
    first = np.flatnonzero(np.r_[True, (track[1:] != track[:-1]) | (stretch[1:] != stretch[:-1])][: len(track)])
    a, b = first[:-1], first[1:]
    hours = (time[b] - time[a]) / US_PER_H
    good = (track[a] == track[b]) & (hours >= min(_SHORTEST_LEG_H, rule.leg_h)) & (hours <= rule.longest_leg_h)
    a, b, hours = a[good], b[good], hours[good]
    lat, lon = heard["lat"].to_numpy(), heard["lon"].to_numpy()
    nm = great_circle_nm(lat[a], lon[a], lat[b], lon[b])
    return pd.DataFrame(
        {
            "mmsi": heard["mmsi"].to_numpy()[a], "track": track[a], "start": time[a], "end": time[b],
            "lat": lat[a], "lon": lon[a], "hours": hours, "nm": nm, "kn": nm / hours,
            "laden": _laden(heard, rule)[a],
        }
    )  # fmt: skip


def _laden(heard: pd.DataFrame, rule: HistoryRule) -> np.ndarray:
    """1 laden, 0 in ballast, NaN unknown, by the last reported draught of the track, shape (fixes,)."""
    draught = heard["draught_m"].to_numpy().copy()
    draught[np.isin(draught, _UNKNOWN_DRAUGHT_M)] = np.nan
    if np.isnan(draught).all():
        return draught
    track = heard["track"].to_numpy()
    last = np.maximum.accumulate(np.where(np.isnan(draught), -1, np.arange(len(draught))))
    # A track without a draught before this fix would inherit that of the track before it.
    share = np.where((last >= 0) & (track[last] == track), draught[last], np.nan)
    extremes = pd.Series(draught).groupby(heard["mmsi"].to_numpy()).agg(["min", "max"])
    ship = np.searchsorted(extremes.index.to_numpy(), heard["mmsi"].to_numpy())
    deepest, shallowest = extremes["max"].to_numpy()[ship], extremes["min"].to_numpy()[ship]
    limit = rule.laden_share * deepest
    return np.where(np.isfinite(share) & (shallowest < limit), (share >= limit).astype("float64"), np.nan)


def _waits(calls: pd.DataFrame, heard: pd.DataFrame, legs: pd.DataFrame, rule: HistoryRule) -> np.ndarray:
    """Hours that each ship was slow near its port before the arrival; NaN where it was not heard coming."""
    tracks = heard[["mmsi", "track_id", "track"]].take(group_starts(heard["track"].to_numpy()))
    at = calls[["mmsi", "track_id"]].merge(tracks, on=["mmsi", "track_id"], how="left")["track"].fillna(-1)
    track, arrive = at.to_numpy(dtype="int64"), time_us(calls["arrive"])
    out = np.full(len(calls), np.nan)
    known = np.flatnonzero(track >= 0)
    if len(known) == 0:
        return out
    known = known[np.lexsort((arrive[known], track[known]))]
    track, arrive = track[known], arrive[known]
    depart = np.where(calls["depart"].notna(), time_us(calls["depart"]), np.iinfo("int64").max)[known]
    fix = search_groups(heard["track"].to_numpy(), heard["time"].to_numpy(), track, arrive)
    fix = np.minimum(fix, len(heard) - 1)
    slow = legs[legs["kn"] < rule.wait_kn]
    owner, start, end = (slow[name].to_numpy() for name in ("track", "start", "end"))
    call = search_groups(track, arrive, owner, end)
    after = np.minimum(call, len(known) - 1)
    ahead = (call < len(known)) & (track[after] == owner) & (arrive[after] - start <= rule.longest_wait_h * US_PER_H)
    before = np.maximum(call - 1, 0)
    ahead &= (call == 0) | (track[before] != owner) | (depart[before] <= start)
    lat, lon = heard["lat"].to_numpy()[fix[after]], heard["lon"].to_numpy()[fix[after]]
    ahead &= great_circle_nm(slow["lat"].to_numpy(), slow["lon"].to_numpy(), lat, lon) <= rule.wait_nm
    waited = np.bincount(after[ahead], slow["hours"].to_numpy()[ahead], minlength=len(known))
    came = (fix > 0) & (heard["track"].to_numpy()[np.maximum(fix - 1, 0)] == track)
    out[known] = np.where(came, waited, np.nan)
    return out


def _ships(heard: pd.DataFrame) -> pd.DataFrame:
    """Type and length that each ship reported last."""
    first = group_starts(heard["track"].to_numpy())
    end = np.r_[first[1:], len(heard)] - 1
    ships = pd.DataFrame({"mmsi": np.unique(heard["mmsi"].to_numpy()[first])})
    for name in ("ship_type", "length_m"):
        known = np.where(heard[name].notna().to_numpy(), np.arange(len(heard)), -1)
        last = np.maximum.accumulate(known)[end]
        reports = heard[["mmsi", "time", name]].take(last[last >= first]).sort_values(["mmsi", "time", name])
        ships = ships.merge(reports.groupby("mmsi")[name].last().reset_index(), on="mmsi", how="left")
    return ships


def _speeds(legs: pd.DataFrame, rule: HistoryRule) -> pd.DataFrame:
    """Speeds of each ship over all legs under way, and over those laden and in ballast."""
    newest = legs.groupby("mmsi")["end"].transform("max")
    legs = legs[(legs["kn"] >= rule.moving_kn) & (newest - legs["start"] <= round(rule.speed_days * _DAY_US))]
    known = legs[legs["laden"].notna()]
    states = known.assign(load_state=np.where(known["laden"] == 1, "laden", "ballast"))
    return pd.concat([_means(legs.assign(load_state=None), rule), _means(states, rule)], ignore_index=True)


def _means(legs: pd.DataFrame, rule: HistoryRule) -> pd.DataFrame:
    """Mean, spread and highest speed of each ship and load state."""
    legs = legs.sort_values(["mmsi", "load_state", "kn"], kind="stable")
    key = legs.groupby(["mmsi", "load_state"], dropna=False, sort=False).ngroup().to_numpy()
    begin = group_starts(key)
    number = np.diff(np.r_[begin, len(key)])
    if len(begin) == 0:
        return pd.DataFrame({name: [] for name in ("mmsi", "load_state", "speed_kn")})
    hours, nm, kn = (legs[name].to_numpy() for name in ("hours", "nm", "kn"))
    under_way, mean = np.add.reduceat(hours, begin), np.add.reduceat(nm, begin) / np.add.reduceat(hours, begin)
    return pd.DataFrame(
        {
            "mmsi": legs["mmsi"].to_numpy()[begin],
            "load_state": pd.Series(legs["load_state"].to_numpy()[begin], dtype="str"),
            "speed_kn": mean,
            "speed_sd_kn": _spread(key, legs["start"].to_numpy() // _DAY_US, hours, nm, rule),
            "speed_max_kn": kn[begin + np.ceil(_HIGH_QUANTILE * number).astype("int64") - 1],
            "under_way_h": under_way,
        }
    )


def _spread(key: np.ndarray, day: np.ndarray, hours: np.ndarray, nm: np.ndarray, rule: HistoryRule) -> np.ndarray:
    """Spread of the daily means of each key (0, 1, ...), pulled to that of ships in general [kn]."""
    days = pd.DataFrame({"key": key, "day": day, "hours": hours, "nm": nm}).groupby(["key", "day"], sort=True).sum()
    days = days[days["hours"] >= _DAY_UNDER_WAY_H].reset_index()
    means = (days["nm"] / days["hours"]).groupby(days["key"]).agg(["count", "var"])
    means = means.reindex(np.arange(key.max() + 1)).fillna(0.0)
    freedom = np.maximum(means["count"].to_numpy() - 1, 0.0)
    squares = freedom * means["var"].to_numpy() + rule.sd_days * rule.speed_sd_kn**2
    return np.sqrt(squares / (freedom + rule.sd_days))
