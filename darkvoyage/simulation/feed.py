"""From diaries and receptions to a FIXES table, with the defects that real feeds have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.sphere import bearing, great_circle_nm
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import FIXES
from darkvoyage.simulation.diary import SLOT_S, SLOTS_PER_H, Log
from darkvoyage.simulation.radio import Heard

__all__ = ["fix_table"]

POSITION_SD_NM = 0.005
_PLAIN = ("lat", "lon", "sog", "cog", "heading", "draught_m")
STATIC_SHARE = 0.35
"""Fixes with which a message 5 or 24 was heard as well; it takes two slots and is lost more often."""
DUPLICATES = 0.015
LATE_SHARE = 0.0004
JUMPS = 8
NO_HEADING = 0.08
_EQUIPMENT = ((992990001, 42.70, 132.80, 900), (992990002, 37.98, 138.99, 700), (992990003, 35.02, 129.15, 700),
              (970299001, 42.40, 132.40, 4), (982990001, 42.72, 132.90, 60), (29912345, 39.10, 134.10, 80))  # fmt: skip
"""MMSI that are no ship's: aids to navigation, a rescue transmitter, a boat of a ship, a net buoy; place and fixes."""


def fix_table(
    logs: list[Log],
    heard: list[Heard],
    start: pd.Timestamp,
    rng: np.random.Generator,
    ships_rng: list[np.random.Generator],
) -> pd.DataFrame:
    """Put all fixes together.

    Parameters
    ----------
    logs, heard : list
        One entry per hull.
    start : Timestamp
        When the feed began.
    rng : Generator
        Draws the defects.
    ships_rng : list of Generator
        Draws what belongs to one hull.

    Returns
    -------
    DataFrame
        FIXES.
    """
    parts = [
        _ship_fixes(n, log, ear, own) for n, (log, ear, own) in enumerate(zip(logs, heard, ships_rng, strict=True))
    ]
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    columns = _defects(columns, logs, rng)
    equipment = _equipment(start, rng, float(columns["seconds"].max()))
    # Large: each table is let go before the next is made.
    frame = pd.concat([_named(columns, logs, start), equipment], ignore_index=True)
    columns.clear()
    return finish(frame, FIXES, optional=True)


def _ship_fixes(number: int, log: Log, heard: Heard, rng: np.random.Generator) -> dict[str, np.ndarray]:
    seconds, n = heard.seconds, len(heard.seconds)
    row = np.clip((seconds // SLOT_S).astype("int64") - log.first, 0, max(len(log.lat) - 2, 0))
    lat, lon = log.at(seconds)
    ahead = np.minimum(row + 1, len(log.lat) - 1)
    speed = great_circle_nm(log.lat[row], log.lon[row], log.lat[ahead], log.lon[ahead]) * SLOTS_PER_H
    course = bearing(log.lat[row], log.lon[row], log.lat[ahead], log.lon[ahead])
    still = speed < 0.4
    sog = np.round(np.abs(speed + rng.normal(0.0, np.where(still, 0.05, 0.15))), 1)
    cog = np.where(still, rng.uniform(0, 360, size=n), course + rng.normal(0.0, 2.0, size=n)) % 360.0
    heading = np.where(np.isnan(log.heading[row]), course + rng.normal(0.0, 3.0, size=n), log.heading[row])
    blind = rng.random() < NO_HEADING or log.ship.ais_class == "B"
    typed = _typed(log, seconds, rng)
    return {
        "hull": np.full(n, number),
        "seconds": seconds,
        "lat": np.round(lat + rng.normal(0.0, POSITION_SD_NM, size=n) / 60, 5),
        "lon": np.round(lon + rng.normal(0.0, POSITION_SD_NM, size=n) / 45, 5),
        "sog": np.minimum(sog, 102.2),
        "cog": np.round(cog, 1) % 360.0,
        "heading": np.full(n, np.nan) if blind else np.round(heading) % 360.0,
        "nav_status": np.full(n, np.nan) if log.ship.ais_class == "B" else log.status[row].astype("float64"),
        "satellite": heard.satellite,
        **typed,
    }


def _typed(log: Log, seconds: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Voyage data as last received: from the latest fix that a static message came with."""
    n = len(seconds)
    at = np.maximum.accumulate(np.where(rng.random(n) < STATIC_SHARE, np.arange(n), -1))
    if not log.typed or log.ship.ais_class == "B":
        at = np.full(n, -1)
    since = np.where(at >= 0, seconds[np.maximum(at, 0)], np.nan)
    slots = np.array([row[0] for row in log.typed] or [0])
    entry = np.searchsorted(slots, np.nan_to_num(since) / SLOT_S, side="right") - 1
    known = (at >= 0) & (entry >= 0)
    draught = np.array([row[1] for row in log.typed] or [0.0])[np.maximum(entry, 0)]
    text = np.array([row[2] for row in log.typed] or [""], dtype=object)[np.maximum(entry, 0)]
    text[~known | (text == "")] = None
    return {
        "draught_m": np.where(known & (draught > 0), draught, np.nan),
        "typed_s": np.where(known, since, np.nan),
        "destination": text,
    }


def _defects(columns: dict[str, np.ndarray], logs: list[Log], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Some rows twice, a few with a wrong clock, a handful far off."""
    n = len(columns["seconds"])
    seconds = columns["seconds"].copy()
    late = np.flatnonzero(rng.random(n) < LATE_SHARE)
    shifted = seconds[late] + rng.choice([-1, 1], size=len(late)) * np.round(rng.uniform(60, 5400, size=len(late)))
    good = shifted >= 0
    for place, log in enumerate(logs):
        mine = columns["hull"][late] == place
        for silence in log.silences:
            good &= ~(mine & (shifted > silence.off_s) & (shifted < silence.on_s))
    seconds[late[good]] = shifted[good]
    lat, lon = columns["lat"].copy(), columns["lon"].copy()
    jump = rng.choice(n, size=JUMPS, replace=False)
    lat[jump] = np.round(lat[jump] + rng.choice([-1, 1], size=JUMPS) * rng.uniform(1.5, 4.0, size=JUMPS), 5)
    lon[jump] = np.round(lon[jump] + rng.choice([-1, 1], size=JUMPS) * rng.uniform(1.5, 4.0, size=JUMPS), 5)
    columns = {**columns, "seconds": seconds, "lat": lat, "lon": lon}
    rows = np.r_[np.arange(n), rng.choice(n, size=round(n * DUPLICATES), replace=False)]
    return {name: columns.pop(name)[rows] for name in list(columns)}


def _equipment(start: pd.Timestamp, rng: np.random.Generator, until: float) -> pd.DataFrame:
    parts = []
    for mmsi, lat, lon, fixes in _EQUIPMENT:
        seconds = np.sort(np.round(rng.uniform(0, until, size=fixes)))
        place = {"lat": lat + rng.normal(0, 1e-4, size=fixes), "lon": lon + rng.normal(0, 1e-4, size=fixes)}
        parts.append(
            pd.DataFrame({"mmsi": mmsi, "timestamp": _times(start, seconds), **place, "receiver": "terrestrial"})
        )
    return pd.concat(parts, ignore_index=True)


def _times(start: pd.Timestamp, seconds: np.ndarray) -> pd.Series:
    """Times from seconds since the feed began; NaN gives NaT."""
    since = (np.nan_to_num(seconds) * 1e6).astype("timedelta64[us]")
    stamps = pd.Series(np.datetime64(start.tz_localize(None), "us") + since).dt.tz_localize("UTC")
    return stamps.where(np.isfinite(seconds))


def _named(columns: dict[str, np.ndarray], logs: list[Log], start: pd.Timestamp) -> pd.DataFrame:
    """Columns of FIXES from those of the generator."""
    hull, ships = columns["hull"], [log.ship for log in logs]
    data: dict[str, Any] = {name: columns[name] for name in _PLAIN}
    data["mmsi"] = np.array([ship.mmsi for ship in ships])[hull]
    data["timestamp"] = _times(start, columns["seconds"])
    data["draught_timestamp"] = _times(start, columns["typed_s"])
    data["nav_status"] = pd.array(columns["nav_status"], dtype="Float64").astype("Int8")
    data["ais_class"] = _words([ship.ais_class for ship in ships], hull)
    data["receiver"] = _words(["terrestrial", "satellite"], columns["satellite"].astype("int64"))
    data["name"] = _words([ship.name for ship in ships], hull)
    data["destination"] = pd.array(columns["destination"], dtype="str")
    data["imo"] = pd.array([ship.imo or None for ship in ships], dtype="Int64").take(hull)
    data["ship_type"] = pd.array([ship.ship_type for ship in ships], dtype="Int16").take(hull)
    data["length_m"] = np.array([ship.length_m for ship in ships], dtype="float64")[hull]
    data["beam_m"] = np.array([ship.beam_m for ship in ships], dtype="float64")[hull]
    return pd.DataFrame(data)


def _words(words: list[str], codes: np.ndarray) -> Any:
    return pd.array(words, dtype="str").take(codes)
