"""From diaries and receptions to FIXES, hull by hull, with the defects that real feeds have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import DarkvoyageError
from darkvoyage.kernels.sphere import bearing, destination, great_circle_nm, wrap_lon
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import FIXES
from darkvoyage.simulation.diary import SLOT_S, SLOTS_PER_H, Log
from darkvoyage.simulation.receivers import CAMPAIGN, Heard, Reception
from darkvoyage.simulation.reporting import STATIC_S
from darkvoyage.simulation.sea import Sea

__all__ = ["Defects", "equipment_fixes", "fix_table", "ship_fixes", "write_fixes"]

POSITION_SD_NM = 0.005
NO_HEADING = 0.08
"""Share of class A ships without a working compass input."""
_STATIC_CHANCE = 0.23
"""Chance to hear one message 5 or 24 beside a ship's fixes; it takes two slots and is lost more often."""
_STATIC_MEMORY_S = 600.0
"""Static reports that were sent longer before a fix are not counted: nobody heard the ship then [s]."""
_ROW_GROUP = 262_144
_WRITTEN = tuple(name for name in FIXES.names if name not in ("callsign", "track_id", "flag"))
_TRUE_KN = 102.2
"""The fastest speed that a report can hold; 102.3 means none [kn]."""


@dataclass(frozen=True, kw_only=True)
class Defects:
    """How often rows are wrong, each hull for itself.

    Parameters
    ----------
    duplicates : float
        Share of rows delivered twice; 1.9 % in a public sample of five minutes.
    wrong_clock : float
        Share of rows whose time is off by up to 90 minutes.
    jumps : float
        Share of rows far off their place.
    late, late_h : float
        Share of rows delivered late, and by how much on average [h].
    """

    duplicates: float = 0.015
    wrong_clock: float = 0.0004
    jumps: float = 1e-5
    late: float = 0.003
    late_h: float = 2.0


def ship_fixes(
    log: Log,
    heard: Heard,
    start: pd.Timestamp,
    rng: np.random.Generator,
    *,
    profile: Reception = CAMPAIGN,
    defects: Defects | None = None,
) -> pd.DataFrame:
    """All rows of one hull.

    Parameters
    ----------
    log : Log
    heard : Heard
        What was delivered of its reports.
    start : Timestamp
        When the feed began.
    rng : Generator
        Draws what belongs to this hull alone.
    profile : Reception
        Where navigation is jammed.
    defects : Defects, optional
        The usual ones unless given.

    Returns
    -------
    DataFrame
        Columns of FIXES, in the order in which the rows are delivered.
    """
    columns = _reports(log, heard.seconds, rng)
    columns["satellite"] = heard.satellite
    columns["printed_s"] = _audible(log, heard.seconds, heard.seconds + heard.clock_s)
    _jam(columns, log, heard.seconds, profile, rng)
    delivered = _spoil(columns, log, rng, defects or Defects())
    return _named({name: values[delivered] for name, values in columns.items()}, log, start)


def _reports(log: Log, seconds: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the ship sends at these times."""
    n, last = len(seconds), len(log.lat) - 1
    row = np.clip((seconds // SLOT_S).astype("int64") - log.first, 0, max(last - 1, 0))
    ahead = np.minimum(row + 1, last)
    share = seconds / SLOT_S - log.first - row
    lat, lon, next_lat, next_lon = log.shown_lat[row], log.shown_lon[row], log.shown_lat[ahead], log.shown_lon[ahead]
    speed = great_circle_nm(lat, lon, next_lat, next_lon) * SLOTS_PER_H
    course = bearing(lat, lon, next_lat, next_lon)
    still = speed < 0.4
    sog = np.round(np.abs(speed + rng.normal(0.0, np.where(still, 0.05, 0.15))), 1)
    cog = np.where(still, rng.uniform(0, 360, size=n), course + rng.normal(0.0, 2.0, size=n)) % 360.0
    heading = np.where(np.isnan(log.heading[row]), course + rng.normal(0.0, 3.0, size=n), log.heading[row])
    class_b = log.ship.ais_class != "A"
    blind = rng.random() < NO_HEADING or class_b
    north, east = rng.normal(0.0, POSITION_SD_NM / 60.0, size=(2, n))
    return {
        "seconds": seconds,
        "row": row,
        "lat": np.round(lat + share * (next_lat - lat) + north, 5),
        "lon": np.round(wrap_lon(lon + share * (next_lon - lon) + east / np.cos(np.radians(lat))), 5),
        "sog": np.minimum(sog, _TRUE_KN),
        "cog": np.round(cog, 1) % 360.0,
        "heading": np.full(n, np.nan) if blind else np.round(heading) % 360.0,
        "nav_status": np.full(n, np.nan) if class_b else log.status[row].astype("float64"),
        **_typed(log, seconds, rng),
    }


def _typed(log: Log, seconds: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Voyage data as last received: from the latest fix that a static report came with."""
    n = len(seconds)
    reports = np.minimum(np.diff(seconds, prepend=-np.inf), _STATIC_MEMORY_S) / STATIC_S
    came = rng.random(n) < 1.0 - (1.0 - _STATIC_CHANCE) ** reports
    at = np.maximum.accumulate(np.where(came, np.arange(n), -1)) if n else np.empty(0, dtype="int64")
    if not log.typed or log.ship.ais_class != "A":
        at = np.full(n, -1)
    since = np.where(at >= 0, seconds[np.maximum(at, 0)], np.nan)
    entries = log.typed or [(0, 0.0, "")]
    slots, draughts = (np.array([entry[part] for entry in entries]) for part in (0, 1))
    texts = np.array([entry[2] for entry in entries], dtype=object)
    entry = np.searchsorted(slots, np.nan_to_num(since) / SLOT_S, side="right") - 1
    known = (at >= 0) & (entry >= 0)
    draught, text = draughts[np.maximum(entry, 0)], texts[np.maximum(entry, 0)]
    text[~known | (text == "")] = None
    return {
        "draught_m": np.where(known & (draught > 0), draught, np.nan),
        "typed_s": np.where(known, since, np.nan),
        "destination": text,
    }


def _audible(log: Log, seconds: np.ndarray, printed: np.ndarray) -> np.ndarray:
    """Times as printed, the true ones where a wrong clock would put a report into a silence or before the feed [s]."""
    wrong = printed < 0
    for silence in log.silences:
        wrong |= (printed > silence.off_s) & (printed < silence.on_s)
    return np.where(wrong, seconds, printed)


def _jam(
    columns: dict[str, np.ndarray], log: Log, seconds: np.ndarray, profile: Reception, rng: np.random.Generator
) -> None:
    """Take positions away, or make them circle, where navigation is jammed; in place."""
    for jamming in profile.jamming:
        lat, lon = log.at(seconds)
        inside = great_circle_nm(lat, lon, jamming.lat, jamming.lon) < jamming.radius_nm
        rows = np.flatnonzero(inside & (seconds >= jamming.from_s) & (seconds < jamming.to_s))
        silent = rng.random(len(rows)) < jamming.silent_share
        # Round the circle once in half an hour, as recorded; the report's own course and speed go with it.
        turn = (seconds[rows] / 1800.0 * 360.0 + rng.uniform(0, 360)) % 360.0
        middle = (np.full(len(rows), jamming.false_lat), np.full(len(rows), jamming.false_lon))
        lat, lon = destination(*middle, turn, np.full(len(rows), jamming.circle_nm))
        false = {
            "lat": np.round(lat, 5),
            "lon": np.round(lon, 5),
            "sog": np.full(len(rows), round(4.0 * np.pi * jamming.circle_nm, 1)),
            "cog": np.round(turn + 90.0, 1) % 360.0,
        }
        for name, values in false.items():
            columns[name][rows] = np.where(silent, np.nan, values)


def _spoil(columns: dict[str, np.ndarray], log: Log, rng: np.random.Generator, defects: Defects) -> np.ndarray:
    """Put a few clocks and places wrong, in place, and say which rows are delivered in which order."""
    n = len(columns["printed_s"])
    wrong = np.flatnonzero(rng.random(n) < defects.wrong_clock)
    off = rng.choice([-1.0, 1.0], size=len(wrong)) * np.round(rng.uniform(60, 5400, size=len(wrong)))
    printed = columns["printed_s"][wrong]
    columns["printed_s"][wrong] = _audible(log, printed, printed + off)
    jump = np.flatnonzero(rng.random(n) < defects.jumps)
    for name, limit in (("lat", 90.0), ("lon", 180.0)):
        moved = columns[name][jump] + rng.choice([-1, 1], size=len(jump)) * rng.uniform(1.5, 4.0, size=len(jump))
        columns[name][jump] = np.round(np.clip(moved, -limit, limit), 5)
    rows = np.r_[np.arange(n), np.flatnonzero(rng.random(n) < defects.duplicates)]
    delay = np.where(rng.random(len(rows)) < defects.late, rng.exponential(defects.late_h * 3600, size=len(rows)), 0.0)
    return rows[np.argsort(columns["seconds"][rows] + delay, kind="stable")]


def _named(columns: dict[str, np.ndarray], log: Log, start: pd.Timestamp) -> pd.DataFrame:
    """Columns of FIXES from those of the generator."""
    ship, n = log.ship, len(columns["row"])
    slots = np.array([slot for slot, _ in log.identities])
    who = np.maximum(np.searchsorted(slots, columns["row"] + log.first, side="right") - 1, 0)
    mmsi, imo, names = zip(*((one.mmsi, one.imo or None, one.name) for _, one in log.identities), strict=True)
    typed = _times(start, columns["typed_s"])
    data: dict[str, Any] = {name: columns[name] for name in ("lat", "lon", "sog", "cog", "heading", "draught_m")}
    data["mmsi"] = np.array(mmsi, dtype="int64")[who]
    data["timestamp"] = _times(start, columns["printed_s"])
    data["nav_status"] = pd.array(columns["nav_status"], dtype="Float64").astype("Int8")
    data["receiver"] = _words(("terrestrial", "satellite"), columns["satellite"].astype("int64"))
    data["ais_class"] = _words((ship.ais_class,), np.zeros(n, dtype="int64"))
    data["name"] = _words(names, who)
    data["imo"] = pd.array(imo, dtype="Int64").take(who)
    data["ship_type"] = pd.array([ship.ship_type], dtype="Int16").take(np.zeros(n, dtype="int64"))
    data["length_m"], data["beam_m"] = np.full(n, float(ship.length_m)), np.full(n, float(ship.beam_m))
    data["destination"] = pd.array(columns["destination"], dtype="str")
    data["draught_timestamp"], data["destination_timestamp"] = typed, typed
    return pd.DataFrame(data)


def _times(start: pd.Timestamp, seconds: np.ndarray) -> pd.DatetimeIndex:
    """Times from seconds since the feed began; NaN gives NaT."""
    since = np.where(np.isfinite(seconds), np.nan_to_num(seconds) * 1e6, np.iinfo("int64").min)
    return pd.DatetimeIndex(np.datetime64(start.tz_convert(None), "us") + since.astype("m8[us]")).tz_localize("UTC")


def _words(words: tuple[str, ...], codes: np.ndarray) -> Any:
    return pd.array(list(words), dtype="str").take(codes)


def equipment_fixes(sea: Sea, start: pd.Timestamp, days: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of MMSI that are no ship's: aids to navigation off ports, net buoys, a boat of a ship, a rescue beacon.

    Parameters
    ----------
    sea : Sea
    start : Timestamp
        When the feed began.
    days : int
        Length of the feed [d].
    rng : Generator

    Returns
    -------
    DataFrame
        Columns of FIXES; the MMSI have the forms of ITU-R M.585 with country codes that nobody has.
    """
    ports = rng.permutation(len(sea.ports))[:3]
    off_port = [(sea.ports[port][3] - 0.05, sea.ports[port][4] + 0.05) for port in ports]
    plan = [(992_990_001 + place, where, 3.0 * days) for place, where in enumerate(off_port)]
    plan += [(982_990_001, off_port[0], 0.25 * days), (970_299_001, off_port[-1], 4)]
    plan += [(29_912_345 + place, where, 0.3 * days) for place, where in enumerate(sea.grounds[:2])]
    parts = []
    for mmsi, (lat, lon), rows in plan:
        n = max(1, round(rows))
        seconds = np.sort(np.floor(rng.uniform(0, days * 86_400, size=n)))
        shake = rng.normal(0.0, 1e-4, size=(2, n))
        place = {"lat": np.round(lat + shake[0], 5), "lon": np.round(wrap_lon(lon + shake[1]), 5)}
        parts.append(pd.DataFrame({"mmsi": mmsi, "timestamp": _times(start, seconds), **place}))
    return pd.concat(parts, ignore_index=True).assign(receiver="terrestrial")


def fix_table(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the rows of all hulls together.

    Parameters
    ----------
    parts : iterable of DataFrame
        Of `ship_fixes` and `equipment_fixes`.

    Returns
    -------
    DataFrame
        FIXES.
    """
    return finish(pd.concat(map(_filled, parts), ignore_index=True), FIXES, optional=True)


def write_fixes(path: str | Path, parts: Iterable[pd.DataFrame]) -> Path:
    """Write the rows of all hulls to one Parquet file, hull by hull, so that one hull at a time is held in memory.

    Parameters
    ----------
    path : path-like
        Replaced once all rows are written.
    parts : iterable of DataFrame
        Of `ship_fixes` and `equipment_fixes`.

    Returns
    -------
    Path
        The file: the rows of `fix_table`, those of each hull in the order in which they are delivered.

    Raises
    ------
    DarkvoyageError
        The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    schema = pa.Schema.from_pandas(empty(FIXES)[list(_WRITTEN)], preserve_index=False)
    try:
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for group in _groups(map(_filled, parts)):
                writer.write_table(pa.Table.from_pandas(group, schema=schema, preserve_index=False))
        os.replace(part, path)
    except OSError as error:
        raise DarkvoyageError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _filled(part: pd.DataFrame) -> pd.DataFrame:
    """The columns that a feed has, in the types of FIXES."""
    return complete(part, FIXES)[list(_WRITTEN)]


def _groups(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Whole hulls in groups of about `_ROW_GROUP` rows."""
    held: list[pd.DataFrame] = []
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= _ROW_GROUP:
            yield pd.concat(held, ignore_index=True)
            held = []
    if held:
        yield pd.concat(held, ignore_index=True)
