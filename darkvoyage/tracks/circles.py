"""Tracks that run round a circle: what receivers report where satellite navigation is jammed, and feigned waiting.

Jammers make ships appear on circles about a point, often an airfield (Androjna et al. 2021; Bergman 2019); the fleet
that is caught shares the circle. A circle is fitted to every window of steps (Kåsa 1976, in closed form), and a
window counts where all of its fixes lie on the circle and go round it. Circles that several ships draw are then looked
for in all fixes, so that short visits are found too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from darkvoyage.kernels.nearby import near_cells, near_pairs, near_pairs_of_many
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm, wrap_lon
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.tracks.sequences import Sequences, Stretches, steps, stretches, windows

__all__ = ["Circles", "fit_circles", "fixes_on_circles"]

_BLOCK = 1 << 16
_STEPS = (0.4, 1.0, 3.0, 6.0)
"""Steps of several lengths, as shares of `step_min`, so that each window sees about one turn: from minutes to hours."""
_LARGEST_NM = 20.0
"""Larger circles, of which a window shows an arc, are courses [nm]."""
_WIDEST_DEG = 100.0
"""Seen from the centre, neighbouring fixes of a circle are no further apart: four directions at least [deg]."""
_OPEN = 0.5
"""Most that the ends of a window are apart, as a share of its way; 0.34 after 260 degrees of arc, 0.37 on chords."""
_LONGEST_H = 24.0
"""Fixes further apart are of no one circle [h]."""
_WINDOW_RINGS = 4.0
"""Within a window of its own circle a fix may be further off, as that circle is known from few fixes."""
_VISIT_H = 1.0
"""Fixes on a circle that are further apart are visits of their own [h]."""
_SAME_NM, _SAME_SHARE = 0.1, 0.05
"""Centres and radii that agree within this are one circle [nm, share of the radius]."""


@dataclass(frozen=True)
class Circles:
    """Circles about points on the globe.

    Parameters
    ----------
    lat, lon, radius_nm : ndarray of float64, shape (c,)
    misfit_nm : ndarray of float64, shape (c,)
        Root mean square distance of the fixes from the circle [nm].
    first : ndarray of int64, shape (c,)
        First step of the window that it was fitted to.
    """

    lat: np.ndarray
    lon: np.ndarray
    radius_nm: np.ndarray
    misfit_nm: np.ndarray
    first: np.ndarray


def fixes_on_circles(fixes: Sequences, rule: IntegrityRule) -> tuple[Stretches, np.ndarray, np.ndarray]:
    """Find the stretches of each track that run round circles.

    Parameters
    ----------
    fixes : Sequences
    rule : IntegrityRule

    Returns
    -------
    stretches : Stretches
    ships : ndarray of int64, shape (s,)
        MMSI that draw the same circle, 1 for a circle of the ship's own.
    radius_nm : ndarray of float64, shape (s,)
    """
    ships, radius = np.zeros(len(fixes.row), dtype="int64"), np.full(len(fixes.row), np.nan)
    parts = []
    for times in _STEPS:
        at = steps(fixes, times * rule.step_min)
        found = fit_circles(fixes.take(at), rule)
        last = at[found.first + rule.window_steps - 1]
        parts.append(replace(found, first=at[found.first]))
        place, circle = _within(fixes, parts[-1], last, times * rule.step_min / 60.0)
        ships[place], radius[place] = 1, found.radius_nm[circle]
    drawn = Circles(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Circles)))
    shared, drawn_by = _shared(drawn, fixes.mmsi[drawn.first], rule)
    place, circle = _on(fixes, shared, rule)
    ships[place], radius[place] = drawn_by[circle], shared.radius_nm[circle]
    runs = stretches(fixes.track, ships > 0)
    edges = np.c_[runs.first, runs.last + 1].ravel()
    widest = np.fmax.reduceat(np.r_[radius, np.nan], edges)[::2]
    return runs, np.maximum.reduceat(np.r_[ships, 0], edges)[::2], widest


def _within(fixes: Sequences, circles: Circles, last: np.ndarray, step_h: float) -> tuple[np.ndarray, np.ndarray]:
    """Fixes on the circle of a window around them or a step away, and the circle; a step is known by one fix of many.

    Parameters
    ----------
    fixes : Sequences
    circles : Circles
        In order, with `first` as place among the fixes.
    last : ndarray of int64, shape (c,)
        Last place of each window.
    step_h : float

    Returns
    -------
    place, circle : ndarray of int64, shape (hits,)
        A fix may occur twice.
    """
    places, found = [np.empty(0, dtype="int64")], [np.empty(0, dtype="int64")]
    every = np.arange(len(fixes.row)) if len(circles.first) else places[0]
    following = np.searchsorted(circles.first, every, side="right")
    for circle in (following - 1, following):
        place = np.flatnonzero((circle >= 0) & (circle < len(last)))
        circle = circle[place]
        begin, end = circles.first[circle], last[circle]
        close = (fixes.track[place] == fixes.track[begin]) & (fixes.hours[place] - fixes.hours[end] <= step_h)
        close &= fixes.hours[begin] - fixes.hours[place] <= step_h
        place, circle = place[close], circle[close]
        away = great_circle_nm(fixes.lat[place], fixes.lon[place], circles.lat[circle], circles.lon[circle])
        near = np.abs(away - circles.radius_nm[circle]) <= _WINDOW_RINGS * _ring_nm(circles)[circle]
        places.append(place[near])
        found.append(circle[near])
    return np.concatenate(places), np.concatenate(found)


def _ring_nm(circles: Circles) -> np.ndarray:
    """How far from a circle a fix may be and still belong to it [nm]."""
    return np.maximum(2.0 * circles.misfit_nm, 0.01 * circles.radius_nm)


def fit_circles(fixes: Sequences, rule: IntegrityRule) -> Circles:
    """Fit a circle to each window of steps, and keep those that are circles.

    Parameters
    ----------
    fixes : Sequences
        One fix for each step.
    rule : IntegrityRule

    Returns
    -------
    Circles
    """
    size = rule.window_steps
    start = windows(fixes.track, size)
    start = start[fixes.hours[start + size - 1] - fixes.hours[start] <= _LONGEST_H]
    start = start[_comes_round(fixes, start, size)]
    parts = [_fit(fixes, start[low : low + _BLOCK], rule) for low in range(0, len(start), _BLOCK)]
    empty = (np.empty(0),) * 4 + (np.empty(0, dtype="int64"),)
    return Circles(*(np.concatenate(each) for each in zip(empty, *parts, strict=True)))


def _comes_round(fixes: Sequences, start: np.ndarray, size: int) -> np.ndarray:
    """Tell which windows can be most of a turn: of all ways of so much of a circle the ends are close by comparison."""
    end = start + size - 1
    net = great_circle_nm(fixes.lat[start], fixes.lon[start], fixes.lat[end], fixes.lon[end])
    return net <= _OPEN * (fixes.way_nm[end] - fixes.way_nm[start])


def _fit(fixes: Sequences, start: np.ndarray, rule: IntegrityRule) -> tuple[np.ndarray, ...]:
    size = rule.window_steps
    lat0, lon0 = fixes.lat[start], fixes.lon[start]
    shrink = np.cos(np.radians(lat0))
    y = (sliding_window_view(fixes.lat, size)[start] - lat0[:, None]) * 60.0
    x = wrap_lon(sliding_window_view(fixes.lon, size)[start] - lon0[:, None]) * 60.0 * shrink[:, None]
    x0, y0 = x.mean(axis=1), y.mean(axis=1)
    x, y = x - x0[:, None], y - y0[:, None]
    xx, yy, xy = (x * x).sum(axis=1), (y * y).sum(axis=1), (x * y).sum(axis=1)
    square = x * x + y * y
    u, v = (x * square).sum(axis=1) / 2, (y * square).sum(axis=1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        det = xx * yy - xy * xy
        a, b = (u * yy - v * xy) / det, (v * xx - u * xy) / det
        radius = np.sqrt(a * a + b * b + (xx + yy) / size)
    able = np.flatnonzero((radius >= rule.circle_nm) & (radius <= _LARGEST_NM))
    x, y, a, b, radius, start = (values[able] for values in (x, y, a, b, radius, start))
    misfit = np.sqrt(((np.hypot(x - a[:, None], y - b[:, None]) - radius[:, None]) ** 2).mean(axis=1))
    way = np.hypot(np.diff(x), np.diff(y)).sum(axis=1)
    fast = way >= rule.circle_kn * (fixes.hours[start + size - 1] - fixes.hours[start])
    good = np.flatnonzero((misfit <= rule.circle_misfit * radius) & fast)
    turn = np.sort(np.degrees(np.arctan2(y[good] - b[good, None], x[good] - a[good, None])), axis=1)
    good = good[np.diff(turn, axis=1, append=turn[:, :1] + 360.0).max(axis=1) <= _WIDEST_DEG]
    chosen = able[good]
    lat = lat0[chosen] + (b[good] + y0[chosen]) / 60.0
    lon = wrap_lon(lon0[chosen] + (a[good] + x0[chosen]) / 60.0 / shrink[chosen])
    return lat, lon, radius[good], misfit[good], start[good]


def _shared(found: Circles, mmsi: np.ndarray, rule: IntegrityRule) -> tuple[Circles, np.ndarray]:
    """Circles that several ships draw, one of each sort, and how many ships draw it."""
    side = _SAME_NM / 60.0
    cell = np.stack(
        [
            np.round(found.lat / side),
            np.round(found.lon * np.cos(np.radians(found.lat)) / side),
            np.round(np.log(found.radius_nm) / _SAME_SHARE),
        ],
        axis=1,
    )
    code = np.unique(cell, axis=0, return_inverse=True)[1].ravel()
    # The window that fits best stands for those of its cell, and is held against all that are near.
    best = np.lexsort((found.first, found.misfit_nm, code))
    best = best[group_starts(code[best])]
    places = found.lat[best], found.lon[best], np.full(len(best), _SAME_NM)
    window, circle = near_pairs_of_many(found.lat, found.lon, *places)
    alike = np.abs(np.log(found.radius_nm[window] / found.radius_nm[best[circle]])) <= _SAME_SHARE
    pairs = np.unique(np.stack([circle[alike], mmsi[window[alike]]], axis=1), axis=0)
    ships = np.bincount(pairs[:, 0], minlength=len(best))
    many = np.flatnonzero(ships >= rule.circle_ships)
    return Circles(*(getattr(found, field.name)[best[many]] for field in fields(found))), ships[many]


def _on(fixes: Sequences, circles: Circles, rule: IntegrityRule) -> tuple[np.ndarray, np.ndarray]:
    """Fixes that go round on shared circles, and the circle."""
    none = np.empty(0, dtype="int64")
    if len(circles.lat) == 0:
        return none, none
    width = _ring_nm(circles)
    reach = circles.radius_nm + width
    cells = near_cells(circles.lat, circles.lon, reach)
    place, circle = near_pairs(fixes.lat, fixes.lon, circles.lat, circles.lon, reach, cells)
    away = great_circle_nm(fixes.lat[place], fixes.lon[place], circles.lat[circle], circles.lon[circle])
    ring = np.abs(away - circles.radius_nm[circle]) <= width[circle]
    place, first = np.unique(place[ring], return_index=True)
    circle = circle[ring][first]
    if len(place) == 0:
        return none, none
    # A ship at anchor on the ring is no ship on the circle; one that crosses it loses a fix or two of its own.
    a, b = place[:-1], place[1:]
    together = (
        (np.diff(place) == 1) & (fixes.track[a] == fixes.track[b]) & (fixes.hours[b] - fixes.hours[a] <= _VISIT_H)
    )
    visit = np.cumsum(np.r_[False, ~together])
    step = great_circle_nm(fixes.lat[a], fixes.lon[a], fixes.lat[b], fixes.lon[b])
    way = np.bincount(visit[1:], np.where(together, step, 0.0), minlength=visit[-1] + 1)
    begin = group_starts(visit)
    end = np.r_[begin[1:], len(place)] - 1
    goes = (way >= rule.circle_kn * (fixes.hours[place[end]] - fixes.hours[place[begin]]))[visit]
    return place[goes], circle[goes]
