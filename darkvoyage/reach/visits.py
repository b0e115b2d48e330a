"""Port calls that a ship makes in the open: entering a port's circle, lying there, leaving it.

The events are those of pipe-anchorages 4.6.3: entry within 3 km, exit beyond 4 km, a stop begins at 0.2 kn and ends at
0.5 kn, 240 minutes without a fix are a gap; between two bounds the last state holds.

Differs from pipe-anchorages 4.6.3: places are ports with a radius of their own (entry within it, but never less than
3 km; exit at 4/3 of it), not anchorage cells; silences do not cut tracks, so that a first fix in port after days at sea
is an entry; a visit begins with its first fix inside and has no end before it left, where the peer, whose visits span
its events, begins one without an entry 4 h later and ends one that goes silent 4 h after the last fix; without a
reported speed, and in feeds that report 0 throughout, the one since the fix before counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.nearby import near_pairs_of_many
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.reach import VisitRule
from darkvoyage.schema.conform import conform, empty, finish, sort_rows
from darkvoyage.schema.tables import FIXES, PORT_VISITS, PORTS
from darkvoyage.schema.times import moment_us, time_us, utc_times
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import US_PER_H

__all__ = ["find_port_visits", "heard_fixes"]

_GOES_NM = 10.0
"""A track that leads further from its first fix than this is one of a ship under way [nm]."""


def find_port_visits(fixes: Any, ports: Any, *, rule: VisitRule | None = None, as_of: Any = None) -> pd.DataFrame:
    """Find the calls that ships make at ports while they can be heard.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned (with `track_id` and `flag`) or raw; raw fixes go through the default cleaning first.
    ports : PORTS table
        Ship-to-ship areas are not visited and left out. Ports whose circles meet are one place to enter and leave.
    rule : VisitRule, optional
    as_of : datetime or ISO 8601 text with time zone, optional
        Measure stays and silences that have not ended to this moment; later fixes are ignored. None: to the last fix.

    Returns
    -------
    PORT_VISITS table
        `arrive` is the first fix inside, `depart` the first outside again (null: not heard there yet), `port_id` the
        port beside which the ship lay stopped longest, else where it was longest, else which it came nearest.
        `stop_h` is the time stopped and `gap_h` the time in silences of at least `rule.min_gap_h` [h]. `confidence`:
        4 = entry, exit, and a stop or gap; 3 = one of entry and exit, and a stop or gap; 2 = a stop or gap alone;
        1 = entry or exit without a stop or gap. A track that shows none of these is no visit. Two hulls that use one
        MMSI share a `visit_id` if they enter the same port at the same microsecond.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    RuleError
        `as_of` is naive or not a time.
    """
    rule = rule or VisitRule()
    moment = None if as_of is None else moment_us(as_of, "as_of")
    places = _enterable(conform(ports, PORTS))
    heard = heard_fixes(conform(fixes, FIXES), moment)
    inside, near = _in_port(heard, places, rule)
    if not inside.any():
        return empty(PORT_VISITS)
    stays = _stays(heard, inside, moment, rule)
    visits = _summed(stays, heard, rule)
    visits["port_id"] = places["port_id"].to_numpy(dtype=object)[_port_of(stays, near)]
    return _as_table(visits)


def _enterable(places: pd.DataFrame) -> pd.DataFrame:
    kind = places["kind"] if "kind" in places else pd.Series(None, index=places.index, dtype="str")
    return sort_rows(places[(kind != "sts").fillna(True).to_numpy(dtype=bool)], PORTS.key)


def heard_fixes(table: pd.DataFrame, moment: int | None = None, *, also: tuple[str, ...] = ()) -> pd.DataFrame:
    """Usable fixes in order of track and time.

    Parameters
    ----------
    table : FIXES table
        Cleaned or raw.
    moment : int, optional
        Leave out what came later [us].
    also : tuple of str
        Numbers of FIXES to keep; NaN where the table lacks them.

    Returns
    -------
    DataFrame
        `track` (number of the track), `mmsi`, `track_id`, `time` [us], `lat`, `lon`, `sog`, and the columns of `also`.
    """
    if not {"track_id", "flag"} <= set(table.columns):
        table = clean_fixes(table if moment is None else table[time_us(table["timestamp"]) <= moment])
    lat, lon, time = table["lat"].to_numpy(), table["lon"].to_numpy(), time_us(table["timestamp"])
    usable = (table["flag"].isna() & table["track_id"].notna()).to_numpy() & np.isfinite(lat) & np.isfinite(lon)
    rows = np.flatnonzero(usable if moment is None else usable & (time <= moment))
    track = pd.factorize(table["track_id"].take(rows))[0]
    # Cleaned fixes come in the order of vessel and time, in which a stable sort has little to do.
    time = time[rows]
    order = np.argsort(time, kind="stable") if _unsorted(table["mmsi"].to_numpy()[rows], time) else slice(None)
    rows, track = rows[order], track[order]
    order = np.argsort(track, kind="stable")
    rows = rows[order]
    return pd.DataFrame(
        {
            "track": track[order],
            "mmsi": table["mmsi"].to_numpy()[rows],
            "track_id": table["track_id"].take(rows).to_numpy(dtype=object),
            "time": time_us(table["timestamp"])[rows],
            **{name: _numbers(table, name, rows) for name in ("lat", "lon", "sog", *also)},
        }
    )


def _unsorted(mmsi: np.ndarray, time: np.ndarray) -> bool:
    return bool(np.any((mmsi[1:] < mmsi[:-1]) | ((mmsi[1:] == mmsi[:-1]) & (time[1:] < time[:-1]))))


def _numbers(table: pd.DataFrame, name: str, rows: np.ndarray) -> np.ndarray:
    if name not in table:
        return np.full(len(rows), np.nan)
    return table[name].take(rows).to_numpy(dtype="float64", na_value=np.nan)


def _in_port(heard: pd.DataFrame, places: pd.DataFrame, rule: VisitRule) -> tuple[np.ndarray, pd.DataFrame]:
    """Whether each fix is in a port, and the nearest port of those that have one in reach: `row`, `port`, `nm`."""
    lat, lon, place_lat, place_lon = (table[name].to_numpy() for table in (heard, places) for name in ("lat", "lon"))
    entry_nm = np.maximum(places["radius_nm"].to_numpy(), rule.min_radius_nm)
    exit_nm = entry_nm * rule.exit_ratio
    row, port = near_pairs_of_many(lat, lon, place_lat, place_lon, exit_nm)
    distance = great_circle_nm(lat[row], lon[row], place_lat[port], place_lon[port])
    entered, reached = np.zeros(len(heard), dtype=bool), np.zeros(len(heard), dtype=bool)
    entered[row[distance <= entry_nm[port]]] = True
    reached[row[(distance < exit_nm[port]) | entered[row]]] = True
    inside = _held(entered, ~reached, heard["track"].to_numpy())
    near = pd.DataFrame({"row": row, "port": port, "nm": distance}).sort_values(["row", "nm", "port"])
    return inside, near.take(group_starts(near["row"].to_numpy()))


def _held(begins: np.ndarray, ends: np.ndarray, group: np.ndarray) -> np.ndarray:
    """State that begins and ends with certain rows and holds in between; no group inherits it."""
    first = group_starts(group)
    decided = begins | ends
    decided[first] = True
    last = np.maximum.accumulate(np.where(decided, np.arange(len(group)), 0))
    return begins[last]


def _stays(heard: pd.DataFrame, inside: np.ndarray, moment: int | None, rule: VisitRule) -> pd.DataFrame:
    """Fixes in port with the number of their visit, the wait for the next fix [us], and whether the ship is stopped."""
    track, time = heard["track"].to_numpy(), heard["time"].to_numpy()
    before = np.r_[False, (track[1:] == track[:-1]) & inside[:-1]]
    row = np.flatnonzero(inside)
    visit = (np.cumsum(inside & ~before) - 1)[row]
    last = np.r_[track[1:] != track[:-1], True][row]
    until = np.where(last, time[row] if moment is None else moment, time[np.minimum(row + 1, len(time) - 1)])
    speed = _speed(heard, row)
    with np.errstate(invalid="ignore"):
        stopped = _held(speed <= rule.stop_kn, speed >= rule.stop_kn + rule.stop_margin_kn, visit)
    return pd.DataFrame({"row": row, "visit": visit, "last": last, "wait": until - time[row], "stopped": stopped})


def _speed(heard: pd.DataFrame, row: np.ndarray) -> np.ndarray:
    """Reported speed, else that since the fix before on the track [kn]; NaN on a first fix without either."""
    track, time, lat, lon = (heard[name].to_numpy() for name in ("track", "time", "lat", "lon"))
    speed = _reported(heard)[row]
    some = np.flatnonzero(np.isnan(speed) & (row > 0))
    here, before = row[some], row[some] - 1
    hours = (time[here] - time[before]) / US_PER_H
    same = (track[here] == track[before]) & (hours > 0)
    here, before, some = here[same], before[same], some[same]
    speed[some] = great_circle_nm(lat[before], lon[before], lat[here], lon[here]) / hours[same]
    return speed


def _reported(heard: pd.DataFrame) -> np.ndarray:
    """Reported speed [kn]; that of a track that goes places and never says anything but 0 is not reported."""
    lat, lon, sog = (heard[name].to_numpy() for name in ("lat", "lon", "sog"))
    start = group_starts(heard["track"].to_numpy())
    count = np.diff(np.append(start, len(heard)))
    first = np.repeat(start, count)
    away = np.maximum.reduceat(great_circle_nm(lat[first], lon[first], lat, lon), start)
    with np.errstate(invalid="ignore"):
        mute = (np.fmax.reduceat(sog, start) <= 0) & (away > _GOES_NM)
    return np.where(np.repeat(mute, count), np.nan, sog)


def _summed(stays: pd.DataFrame, heard: pd.DataFrame, rule: VisitRule) -> pd.DataFrame:
    """One row per visit: its ends, hours stopped and silent, and the confidence; times in us."""
    track, time = heard["track"].to_numpy(), heard["time"].to_numpy()
    wait, stopped = stays["wait"].to_numpy(), stays["stopped"].to_numpy()
    silent = np.where(wait >= rule.min_gap_h * US_PER_H, wait, 0)
    begin = group_starts(stays["visit"].to_numpy())
    first = stays["row"].to_numpy()[begin]
    final = np.r_[begin[1:], len(stays)] - 1
    after = np.minimum(stays["row"].to_numpy()[final] + 1, len(time) - 1)
    entry = np.r_[False, track[1:] == track[:-1]][first]
    left = ~stays["last"].to_numpy()[final]
    gap = np.add.reduceat(silent, begin)
    rested = np.logical_or.reduceat(stopped, begin) | (gap > 0)
    ends = entry.astype("int64") + left
    return pd.DataFrame(
        {
            "track_id": heard["track_id"].to_numpy(dtype=object)[first],
            "mmsi": heard["mmsi"].to_numpy()[first],
            "arrive": time[first],
            "depart": time[after],
            "left": left,
            "stop_h": np.add.reduceat(np.where(stopped, wait, 0), begin) / US_PER_H,
            "gap_h": gap / US_PER_H,
            "confidence": np.where(rested, 2 + ends, np.minimum(ends, 1)),
        }
    )


def _port_of(stays: pd.DataFrame, near: pd.DataFrame) -> np.ndarray:
    """Port of each visit: stopped there longest, else there longest, else nearest; shape (visits,)."""
    beside = stays.merge(near, on="row", how="left")
    beside["stop"] = beside["wait"].where(beside["stopped"], 0)
    parts = beside.groupby(["visit", "port"], sort=True).agg(
        stop=("stop", "sum"), wait=("wait", "sum"), nm=("nm", "min")
    )
    parts = parts.reset_index().sort_values(
        ["visit", "stop", "wait", "nm", "port"], ascending=[True, False, False, True, True]
    )
    return parts["port"].to_numpy()[group_starts(parts["visit"].to_numpy())]


def _as_table(visits: pd.DataFrame) -> pd.DataFrame:
    visits = visits[visits["confidence"] > 0].reset_index(drop=True)
    when = visits["arrive"].to_numpy().astype("datetime64[us]").astype("U26")
    mmsi, port = visits["mmsi"].astype("str"), visits["port_id"].astype("str")
    visits["visit_id"] = mmsi + "-" + pd.Series(when, dtype="str") + "-" + port
    visits["depart"] = utc_times(visits["depart"].to_numpy(), visits["left"].to_numpy())
    visits["arrive"] = utc_times(visits["arrive"].to_numpy())
    return finish(visits.drop(columns="left"), PORT_VISITS)
