"""Stretches of track without a port call: what a hidden call has to be told from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.gaps.hiding import Tracks
from darkvoyage.kernels.spans import expand, group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.units import US_PER_H

__all__ = ["DOINGS", "doing_during", "quiet_stretches"]

DOINGS = ("under_way", "adrift", "at_rest")
"""What a ship did in a stretch: made way; moved, but slowly; stayed on the spot, as at anchor."""
UNDER_WAY_KN = 3.0
"""Mean speed over the way made from which a ship was under way [kn]: less is drift, current and manoeuvres."""
AT_REST_NM = 1.0
"""A ship that never was further than this from where the stretch began stayed on the spot [nm]: twice the swing of a
long cable and the scatter of positions."""
SURE_H, LONGEST_H = 1.0, 12.0
"""Of silences inside a stretch those up to the first hide no call, those longer than the second may hide anything [h];
those between may hide one where a port was in reach."""
FAST_KN, SHORT_STAY_H = 20.0, 0.5
"""In reach of a silence: there and back at this speed [kn], by great circles, and this long a stay [h]."""
_TOLERANCE = 0.1
"""A stretch may be shorter than asked for by this share, because it ends at a fix."""
_BLOCK = 2_000_000


def quiet_stretches(
    tracks: Tracks, lat: np.ndarray, lon: np.ndarray, busy: np.ndarray, durations: np.ndarray,
    *, ports: pd.DataFrame | None, min_gap_h: float, rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Find stretches as long as asked for during which ships were heard all the time and not busy, none twice.

    Parameters
    ----------
    tracks : Tracks
        n fixes.
    lat, lon : ndarray of float64, shape (n,)
    busy : ndarray of bool, shape (n,)
        Fixes that no stretch may hold.
    durations : ndarray of int64, shape (m,)
        Lengths asked for, in microseconds.
    ports : PORTS table, optional
        Silences inside a stretch may last up to `LONGEST_H` where none of these was in reach; without them no silence
        may be longer than `SURE_H`.
    min_gap_h : float
        Every stretch is longer than this [h].
    rng : Generator

    Returns
    -------
    begin, end : ndarray of int64, shape (k,), k <= m
        First and last fix.
    """
    busy = busy.copy()
    lost = _may_hide_a_call(tracks, lat, lon, ports)
    found = []
    # Durations are few: one pass over all fixes for each, the longest first, because they are the hardest to place.
    for long in np.sort(durations)[::-1]:
        begin, end = _free(tracks, busy, lost, int(long), min_gap_h)
        if len(begin):
            pick = rng.integers(len(begin))
            busy[begin[pick] : end[pick] + 1] = True
            found.append((begin[pick], end[pick]))
    pairs = np.array(found, dtype="int64").reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def doing_during(tracks: Tracks, lat: np.ndarray, lon: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Say what the ships were doing between two fixes of their tracks.

    Parameters
    ----------
    tracks : Tracks
        n fixes.
    lat, lon : ndarray of float64, shape (n,)
    begin, end : ndarray of int64, shape (m,)
        `end` after `begin` on the same track.

    Returns
    -------
    ndarray of object, shape (m,)
        One of `DOINGS`.
    """
    owner, at = expand(begin, end - begin + 1)
    if len(at) == 0:
        return np.empty(0, dtype=object)
    first = group_starts(owner)
    far = np.maximum.reduceat(great_circle_nm(lat[begin][owner], lon[begin][owner], lat[at], lon[at]), first)
    way = np.r_[0.0, np.cumsum(great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]))]
    speed = (way[end] - way[begin]) / ((tracks.time[end] - tracks.time[begin]) / US_PER_H)
    return np.select([far <= AT_REST_NM, speed < UNDER_WAY_KN], ["at_rest", "adrift"], "under_way").astype(object)


def _may_hide_a_call(tracks: Tracks, lat: np.ndarray, lon: np.ndarray, ports: pd.DataFrame | None) -> np.ndarray:
    """Whether the silence before each fix may hide a call; true of the first fix of a track, shape (n,)."""
    hours = np.diff(tracks.time, prepend=tracks.time[:1]) / US_PER_H
    lost = np.diff(tracks.track, prepend=-1) != 0
    if ports is None:
        return lost | (hours > SURE_H)
    after = np.flatnonzero(~lost & (hours > SURE_H) & (hours <= LONGEST_H))
    lost |= hours > LONGEST_H
    place_lat, place_lon, radius = (ports[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    budget = FAST_KN * (hours - SHORT_STAY_H)
    step = max(_BLOCK // max(len(ports), 1), 1)
    for low in range(0, len(after), step):
        some = after[low : low + step]
        both = sum(great_circle_nm(lat[at, None], lon[at, None], place_lat, place_lon) for at in (some - 1, some))
        lost[some] = (both - 2 * radius <= budget[some, None]).any(axis=1)
    return lost


def _free(
    tracks: Tracks, busy: np.ndarray, lost: np.ndarray, long: int, min_gap_h: float
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of fixes about `long` [us] apart between which a ship was heard all the time, and was not busy."""
    stretch = np.cumsum(lost | busy | np.r_[False, busy[:-1]])
    begin = np.flatnonzero(~busy)
    end = tracks.before(tracks.track[begin], tracks.time[begin] + long)
    lasts = tracks.time[end] - tracks.time[begin]
    good = (stretch[end] == stretch[begin]) & (end > begin + 1)
    good &= (lasts >= (1 - _TOLERANCE) * long) & (lasts > min_gap_h * US_PER_H)
    return begin[good], end[good]
