"""Positions that contradict what the ship reports beside them, and motion that no ship is capable of.

Receivers lie together with everything that is computed from them; heading comes from the gyro compass and is not. A
ship whose speed or heading never fits has a bad sensor: only stretches that stand out from the rest of its own reports
are held against its positions.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from darkvoyage.kernels.sphere import angle_difference, great_circle_nm, wrap_lon
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.tracks.sequences import Sequences, Stretches, covered, steps, stretches, windows
from darkvoyage.units import M_PER_NM

__all__ = ["headings_off", "speeds_off", "stands_out", "straight_lines"]

_BLOCK = 1 << 16
_LONGEST_STEP_H = 0.5
"""Over longer steps a ship may have gone out and back [h]."""
_FROZEN_NM = 0.002
"""Positions that differ by less are one and the same: the last digit of a coarse feed, 4 m [nm]."""
_ASTERN_DEG = 150.0
"""Double-ended ferries and ships going astern point backwards [deg]."""
_DIRECT = 0.99
"""A line as straight as asked for is shorter than its steps by far less than this share allows."""
_STEADY_KN, _STEADY_DEG = 0.15, 1.0
"""Standard deviation of reported speed and course that only a computed track has [kn, deg]."""
_OTHER_STEPS, _OTHER_SHARE = 12, 0.1
"""So many other steps of the ship must tell something, and no more than this share of them contradict."""


def straight_lines(fixes: Sequences, rule: IntegrityRule) -> Stretches:
    """Find stretches at a constant speed on a straight line, to within a few metres for hours.

    Parameters
    ----------
    fixes : Sequences
    rule : IntegrityRule

    Returns
    -------
    Stretches
    """
    at = steps(fixes, rule.step_min)
    thin = fixes.take(at)
    size = max(int(np.ceil(60.0 * rule.straight_h / rule.step_min)) + 1, 4)
    start = windows(thin.track, size)
    lasts = thin.hours[start + size - 1] - thin.hours[start]
    start = start[lasts <= 3.0 * rule.straight_h]
    end = start + size - 1
    net = great_circle_nm(thin.lat[start], thin.lon[start], thin.lat[end], thin.lon[end])
    direct = net >= _DIRECT * (thin.way_nm[end] - thin.way_nm[start])
    start = start[direct & (net >= rule.straight_kn * (thin.hours[end] - thin.hours[start]))]
    parts = [_straight(thin, start[low : low + _BLOCK], size, rule) for low in range(0, len(start), _BLOCK)]
    first = np.concatenate([np.empty(0, dtype="int64"), *parts])
    hit = covered(at[first], at[first + size - 1], len(fixes.row))
    return stretches(fixes.track, hit)


def _straight(thin: Sequences, start: np.ndarray, size: int, rule: IntegrityRule) -> np.ndarray:
    def of(values: np.ndarray) -> np.ndarray:
        return sliding_window_view(values, size)[start]

    hours = of(thin.hours) - thin.hours[start][:, None]
    lat, lon = of(thin.lat), of(thin.lon)
    shrink = np.cos(np.radians(lat[:, :1]))
    north, east = (lat - lat[:, :1]) * 60.0, wrap_lon(lon - lon[:, :1]) * 60.0 * shrink
    off = np.hypot(_residuals(hours, north), _residuals(hours, east)).max(axis=1)
    good = off * M_PER_NM <= rule.straight_m
    for values, limit in ((of(thin.sog), _STEADY_KN), (_turned(of(thin.cog)), _STEADY_DEG)):
        spread = values.std(axis=1)
        good &= ~(spread > limit)
    return start[good]


def _residuals(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the least-squares line through each row leaves, shape (m, w)."""
    t, y = t - t.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    return y - t * ((t * y).sum(axis=1) / (t * t).sum(axis=1))[:, None]


def _turned(course: np.ndarray) -> np.ndarray:
    return angle_difference(course, course[:, :1])


def speeds_off(fixes: Sequences, rule: IntegrityRule) -> Stretches:
    """Find stretches in which positions move much faster than reported, or stand still at speed.

    Parameters
    ----------
    fixes : Sequences
    rule : IntegrityRule

    Returns
    -------
    Stretches
    """
    at = steps(fixes, rule.step_min)
    if len(at) < 2:
        return stretches(fixes.track, np.zeros(len(fixes.row), dtype=bool))
    thin = fixes.take(at)
    wait = np.diff(thin.hours)
    way = great_circle_nm(thin.lat[:-1], thin.lon[:-1], thin.lat[1:], thin.lon[1:])
    same = (thin.track[1:] == thin.track[:-1]) & (wait <= _LONGEST_STEP_H)
    with np.errstate(invalid="ignore"):
        faster = way / wait > np.maximum(thin.sog[1:], thin.sog[:-1]) + rule.speed_off_kn
        frozen = (way < _FROZEN_NM) & (np.minimum(thin.sog[1:], thin.sog[:-1]) > rule.speed_off_kn)
    found = [_lasting(fixes, at, same & each, rule) for each in (faster, frozen)]
    return Stretches(*(np.concatenate([getattr(each, end) for each in found]) for end in ("first", "last")))


def headings_off(fixes: Sequences, rule: IntegrityRule) -> Stretches:
    """Find stretches in which the ship points elsewhere than its positions go.

    Parameters
    ----------
    fixes : Sequences
    rule : IntegrityRule

    Returns
    -------
    Stretches
    """
    telling = _telling(fixes, rule)
    at = telling[steps(fixes.take(telling), rule.step_min)]
    off = _heading_off(fixes.take(at), rule)
    wait = np.diff(fixes.hours[at])
    same = (fixes.track[at[1:]] == fixes.track[at[:-1]]) & (wait <= 2.0 * rule.lasting_h)
    return _lasting(fixes, at, same & off[1:] & off[:-1], rule)


def _telling(fixes: Sequences, rule: IntegrityRule) -> np.ndarray:
    """Places of the fixes whose heading and course can be compared."""
    # A heading of exactly 0 is what many sets without a compass send.
    with np.errstate(invalid="ignore"):
        pointing = np.isfinite(fixes.heading) & (fixes.heading != 0.0)
        return np.flatnonzero(pointing & np.isfinite(fixes.cog) & (fixes.sog >= rule.heading_kn))


def _heading_off(fixes: Sequences, rule: IntegrityRule) -> np.ndarray:
    angle = np.abs(angle_difference(fixes.heading, fixes.cog))
    return (angle > rule.heading_off_deg) & (angle < _ASTERN_DEG)


def stands_out(fixes: Sequences, found: Stretches, rule: IntegrityRule) -> np.ndarray:
    """Tell in which stretches the heading contradicts the course of a ship whose heading fits otherwise, shape (s,)."""
    telling = _telling(fixes, rule)
    at = telling[steps(fixes.take(telling), rule.step_min)]
    off = _heading_off(fixes.take(at), rule)
    outside = ~covered(found.first, found.last, len(fixes.row))[at]
    code = np.cumsum(np.r_[False, fixes.mmsi[1:] != fixes.mmsi[:-1]])[: len(fixes.mmsi)]
    ships = int(code.max(initial=-1)) + 1
    number = np.bincount(code[at], outside, minlength=ships)
    wrong = np.bincount(code[at], outside & off, minlength=ships)
    good = (number >= _OTHER_STEPS) & (wrong <= _OTHER_SHARE * number)
    return good[code[found.first]]


def _lasting(fixes: Sequences, at: np.ndarray, between: np.ndarray, rule: IntegrityRule) -> Stretches:
    """Stretches whose steps are all hit for long enough; `between` is of the steps from one of `at` to the next."""
    if len(at) < 2:
        return stretches(fixes.track, np.zeros(len(fixes.row), dtype=bool))
    runs = stretches(np.zeros(len(between), dtype="int64"), between)
    first, last = at[runs.first], at[runs.last + 1]
    long = fixes.hours[last] - fixes.hours[first] >= rule.lasting_h
    return Stretches(first[long], last[long])
