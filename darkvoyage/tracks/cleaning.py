"""What is wrong with a fix, and which hull it belongs to: flags and track ids, never a dropped row.

An MMSI may be used by two ships, or carry false positions. Which fixes belong to which hull, and which are jumps, is
decided in `tracks.hulls` from a bounded stretch of fixes around each impossible step, so that a dump read in batches is
cleaned as one table is.

Differs from gpsdio-segment 3.0.0, which closes a segment after 24 h of silence and drops messages: a track here
outlives any silence (a gap is a property of a track), and rows are flagged, not dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.rules.tracks import CleanRule
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import conform, sort_rows
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.hulls import Hulls

__all__ = ["FIRST_AIS_YEAR", "TIE_ORDER", "clean_fixes", "first_ais_us", "in_order"]

FIRST_AIS_YEAR = 1995
"""No AIS report is older: the technical standard ITU-R M.1371 dates from 1998, its sea trials from the mid-1990s."""

TIE_ORDER = (
    "lat", "lon", "sog", "cog", "nav_status", "ais_class", "receiver", "imo", "ship_type", "length_m", "draught_m",
    "destination", "draught_timestamp", "destination_timestamp",
)  # fmt: skip
"""Columns whose values decide, in this order, which of several fixes of one MMSI and time stays."""

_FLAGS = (None, "time", "equipment", "duplicate", "out_of_range", "no_position", "jump", "conflict")
_OK, _TIME, _EQUIPMENT, _DUPLICATE, _OUT_OF_RANGE, _NO_POSITION, _JUMP, _CONFLICT = range(8)


def clean_fixes(fixes: Any, *, rule: CleanRule | None = None) -> pd.DataFrame:
    """Flag unusable fixes and assign each usable one to a hull.

    Parameters
    ----------
    fixes : FIXES table
    rule : CleanRule, optional

    Returns
    -------
    FIXES table
        All rows, sorted by (mmsi, timestamp), with `track_id` ("<mmsi>-<n>", n by first fix; null for rows that belong
        to no hull) and `flag`: null = usable, else the first that holds of
        `time` (before AIS existed), `equipment` (the MMSI is not a ship's), `duplicate` (same time, position, speed
        and course as a row that stays), `out_of_range` or `no_position` (the fix still proves that the ship was on
        the air), `conflict` (another position of the same ship at the same time stays), `jump` (cannot be reached).

    Raises
    ------
    SchemaError
        See `conform`.
    """
    rule = rule or CleanRule()
    table = in_order(conform(fixes, FIXES).drop(columns=["track_id", "flag"], errors="ignore"))
    mmsi, time = table["mmsi"].to_numpy(), time_us(table["timestamp"])
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    owner, moment = _runs(mmsi), _runs(mmsi, time)
    original = _originals(table, moment)
    flag = _single_row_flags(original, mmsi, time, lat, lon)
    track = np.full(len(table), -1, dtype="int64")
    heard = np.flatnonzero((flag == _OK) | (flag == _NO_POSITION) | (flag == _OUT_OF_RANGE))
    heard = _lost_last(heard, moment, flag)
    lost = flag[heard] != _OK
    track[heard] = Hulls(rule).judge(owner[heard], time[heard], lat[heard], lon[heard], lost, last=True).hull
    flag[heard[(track[heard] < 0) & (flag[heard] == _OK)]] = _JUMP
    _flag_same_time(flag, track, moment)
    repeats = np.flatnonzero(flag == _DUPLICATE)
    track[repeats] = track[original[repeats]]
    attrs = dict(getattr(fixes, "attrs", {}) or {})
    out = table.assign(
        track_id=_track_ids(mmsi, owner, track), flag=pd.Series(pd.array(_FLAGS, dtype="str").take(flag))
    )
    out.attrs.update(attrs)
    return out


def first_ais_us() -> int:
    """Return the first moment of `FIRST_AIS_YEAR` [us]."""
    return int(np.datetime64(f"{FIRST_AIS_YEAR}-01-01", "us").astype("int64"))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by (mmsi, timestamp), fixes of one MMSI and time by `TIE_ORDER` and then by whatever else they have."""
    first = [name for name in (*FIXES.key, *TIE_ORDER) if name in table.columns]
    rest = [name for name in table.columns if name not in first]
    return sort_rows(table[[*first, *rest]], FIXES.key)[list(table.columns)]


def _lost_last(rows: np.ndarray, moment: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Rows in an order that has, of those of one MMSI and time, the ones without a usable position last."""
    lost = flag[rows] != _OK
    same = moment[rows[1:]] == moment[rows[:-1]]
    if np.any(same & lost[:-1] & ~lost[1:]):
        return rows[np.lexsort((lost, moment[rows]))]
    return rows


def _runs(*keys: np.ndarray) -> np.ndarray:
    """Number the runs of equal keys, shape (n,)."""
    new = np.ones(len(keys[0]), dtype=bool)
    new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.cumsum(new) - 1


def _track_ids(mmsi: np.ndarray, owner: np.ndarray, track: np.ndarray) -> pd.Series:
    # Text is made once per track, not per row.
    code, packed = pd.factorize(owner * (track.max(initial=0) + 2) + track)
    at = np.empty(len(packed), dtype="int64")
    at[code] = np.arange(len(code))
    texts = [f"{number}-{n}" if n >= 0 else None for number, n in zip(mmsi[at], track[at], strict=True)]
    return pd.Series(pd.array(texts, dtype="str").take(code))


def _single_row_flags(
    original: np.ndarray, mmsi: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray
) -> np.ndarray:
    flag = np.zeros(len(mmsi), dtype="int8")
    with np.errstate(invalid="ignore"):
        flag[(np.abs(lat) > 90) | (np.abs(lon) > 180)] = _OUT_OF_RANGE
    flag[np.isnan(lat) | np.isnan(lon)] = _NO_POSITION
    flag[original != np.arange(len(mmsi))] = _DUPLICATE
    flag[is_equipment(mmsi)] = _EQUIPMENT
    flag[time < first_ais_us()] = _TIME
    return flag


def _originals(table: pd.DataFrame, moment: np.ndarray) -> np.ndarray:
    """First row of the same MMSI with the time, position, speed and course of each row; itself if there is no other."""
    original = np.arange(len(table))
    same = moment[1:] == moment[:-1]
    rows = np.flatnonzero(np.r_[same, False] | np.r_[False, same]) if len(table) else original
    if len(rows):
        what = [name for name in ("lat", "lon", "sog", "cog") if name in table.columns]
        part = table[what].take(rows).assign(_moment=moment[rows])
        group = part.groupby([*what, "_moment"], dropna=False, sort=False).ngroup().to_numpy()
        original[rows] = rows[np.unique(group, return_index=True)[1]][group]
    return original


def _flag_same_time(flag: np.ndarray, track: np.ndarray, moment: np.ndarray) -> None:
    """Keep one usable row of a track and time; a jump at the time of a usable row is a conflict with it."""
    same = moment[1:] == moment[:-1]
    tied = np.r_[same, False] | np.r_[False, same] if len(moment) else np.empty(0, dtype=bool)
    usable = np.flatnonzero(tied & (flag == _OK))
    jumps = np.flatnonzero(tied & (flag == _JUMP))
    flag[jumps[np.isin(moment[jumps], moment[usable])]] = _CONFLICT
    order = usable[np.lexsort((usable, track[usable], moment[usable]))]
    again = (moment[order][1:] == moment[order][:-1]) & (track[order][1:] == track[order][:-1])
    flag[order[1:][again]] = _CONFLICT
