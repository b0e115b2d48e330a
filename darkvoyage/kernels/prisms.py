"""Space-time prisms: where a ship can have been between two fixes, and how long two ships can have been together.

A ship that leaves A at t1 and is at B at t2 is at x no sooner than t1 + |Ax| / v and no later than t2 - |xB| / v
(Haegerstrand 1970). Two ships are together at x from the later of the two arrivals to the earlier of the two
departures. Along great circles that time is concave, so it has no other maximum than the largest; in the gnomonic
plane, where great circles are straight, a search line by line is exact.

Positions are unit vectors, times hours on one clock. Distances are great circles: land is not avoided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from darkvoyage.kernels.spans import expand, group_starts
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, wrap_lon

__all__ = [
    "Prisms",
    "arc_nm",
    "chance_together",
    "degrees_of",
    "longest_together",
    "make_prisms",
    "most_together_h",
    "pairs_at_once",
    "together_at",
    "unit_vectors",
]

_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_STEPS = 18
"""Golden sections: 0.618 ** 18 leaves 1 / 5,800 of the ellipse."""
_TIE_H = 1e-3
"""Of places that are equally good, which is common where one prism lies well within the other, the middle one wins."""
_WIDEST_RAD = 1.3
"""Half the widest ellipse that is searched, 4,500 nm: the gnomonic plane shows less than half the globe."""
_TINY = 1e-12
_BLOCK = 1 << 15
_SPEEDS = (np.arange(12) + 0.5) / 12
"""Quantiles of one ship's speed over which the other's chance is averaged."""


@dataclass(frozen=True)
class Prisms:
    """What ships can have done between two fixes each.

    Parameters
    ----------
    out, back : ndarray of float64, shape (n, 3)
        Unit vectors of the fixes before and after; `back` is not used where nothing is known of it.
    start_h, end_h : ndarray of float64, shape (n,)
    pace : ndarray of float64, shape (n,)
        Hours that a radian of great circle takes at full speed.
    back_pace : ndarray of float64, shape (n,)
        The same on the way to the fix after; 0 where there is none.
    """

    out: np.ndarray
    back: np.ndarray
    start_h: np.ndarray
    end_h: np.ndarray
    pace: np.ndarray
    back_pace: np.ndarray

    def at(self, rows: np.ndarray) -> Prisms:
        """Those of these rows."""
        return Prisms(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def paced(self, factor: np.ndarray) -> Prisms:
        """The same at another speed: the time that a way takes is multiplied."""
        return replace(self, pace=self.pace * factor, back_pace=self.back_pace * factor)


def unit_vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Unit vectors of positions, shape (n, 3)."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def degrees_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of unit vectors, longitude in [-180, 180), shapes (n,)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), wrap_lon(np.degrees(np.arctan2(y, x)))


def make_prisms(
    before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray], start_h: np.ndarray,
    end_h: np.ndarray, speed_kn: np.ndarray,
) -> Prisms:  # fmt: skip
    """Prisms of the silences between two fixes each.

    Parameters
    ----------
    before : tuple of two ndarray of float64, shape (n,)
        Known latitudes and longitudes of the fixes before [deg].
    after : tuple of two ndarray of float64, shape (n,)
        Of the fixes after; NaN where nothing is known.
    start_h, end_h, speed_kn : ndarray of float64, shape (n,)

    Returns
    -------
    Prisms
    """
    known = np.isfinite(after[0]) & np.isfinite(after[1])
    lat, lon = (np.where(known, there, here) for there, here in zip(after, before, strict=True))
    pace = EARTH_RADIUS_NM / speed_kn
    return Prisms(unit_vectors(*before), unit_vectors(lat, lon), start_h, end_h, pace, np.where(known, pace, 0.0))


def _arc(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Great-circle distance of unit vectors [rad], good for the shortest and the longest."""
    half_chord = 0.5 * np.sqrt(np.square(a - b).sum(axis=-1))
    return 2.0 * np.arcsin(np.minimum(half_chord, 1.0))


def arc_nm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Great-circle distance of unit vectors [nm], shape (n,)."""
    return _arc(a, b) * EARTH_RADIUS_NM


def pairs_at_once(
    a: Prisms, b: Prisms | None, least_h: float, *, block: int = 1 << 21
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pairs whose prisms overlap in time for long enough, and whose bounding discs meet.

    Parameters
    ----------
    a : Prisms
    b : Prisms or None
        None: each pair of two of `a`, once.
    least_h : float
        Shortest time together [h].
    block : int
        About so many pairs that are silent at the same time are looked at in one go.

    Yields
    ------
    i, j : ndarray of int64, shape (pairs,)
        Rows of `a`, and of `b` (of `a` where that is None).
    """
    order = np.argsort(a.start_h, kind="stable")
    mine = a.at(order)
    if b is None:
        for i, j in _started_within(mine, mine, np.arange(len(order)) + 1, least_h, block):
            yield order[i], order[j]
        return
    order_b = np.argsort(b.start_h, kind="stable")
    other = b.at(order_b)
    for i, j in _started_within(mine, other, np.searchsorted(other.start_h, mine.start_h), least_h, block):
        yield order[i], order_b[j]
    later = np.searchsorted(mine.start_h, other.start_h, side="right")
    for j, i in _started_within(other, mine, later, least_h, block):
        yield order[i], order_b[j]


def _started_within(
    a: Prisms, b: Prisms, first: np.ndarray, least_h: float, block: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs in which the second, from `first` on, starts while the first lasts; both in order of their start."""
    count = np.maximum(np.searchsorted(b.start_h, a.end_h - least_h, side="right") - first, 0)
    (centre_a, radius_a), (centre_b, radius_b) = _discs(a, least_h), _discs(b, least_h)
    starts = group_starts(np.maximum(np.cumsum(count) - 1, 0) // block)
    for rows in np.split(np.arange(len(count)), starts[1:]):
        owner, j = expand(first[rows], count[rows])
        i = rows[owner]
        reach = np.sin(np.minimum(radius_a[i] + radius_b[j], np.pi) / 2)
        near = 0.25 * np.square(centre_a[i] - centre_b[j]).sum(axis=1) <= np.square(reach) * (1 + 1e-9) + 1e-15
        lasting = np.minimum(a.end_h[i], b.end_h[j]) - b.start_h[j] >= least_h
        some = np.flatnonzero(near & lasting & (radius_a[i] >= 0) & (radius_b[j] >= 0))
        yield i[some], j[some]


def _discs(of: Prisms, least_h: float) -> tuple[np.ndarray, np.ndarray]:
    """Centre and radius [rad] of a disc around the places where a ship can stay for the shortest time; < 0: nowhere."""
    known = of.back_pace > 0
    apart = _arc(of.out, of.back)
    way = (of.end_h - of.start_h - least_h) / of.pace
    middle = of.out + of.back
    length = np.sqrt(np.square(middle).sum(axis=1, keepdims=True))
    # Opposite ends of the globe have no middle; wherever the disc lies, it then covers half of it.
    centre = np.where(known[:, None] & (length > 1e-9), middle / np.maximum(length, 1e-9), of.out)
    radius = np.where(known, np.where(length[:, 0] > 1e-9, way / 2, way), way)
    return centre, np.where(known & (apart > way * (1 + 1e-9) + 1e-12), -1.0, radius)


def most_together_h(a: Prisms, b: Prisms) -> np.ndarray:
    """Bound of the time that each pair can be together, from the ends alone [h], shape (n,).

    Parameters
    ----------
    a, b : Prisms
        Of n rows each.
    """
    bound = np.full(len(a.start_h), np.inf)
    for one, other in ((a, a), (a, b), (b, a), (b, b)):
        fastest = np.minimum(one.pace, other.pace)
        way = np.where(other.back_pace > 0, _arc(one.out, other.back), 0.0)
        bound = np.minimum(bound, other.end_h - one.start_h - way * fastest)
    # Both sail towards each other at best.
    speed_a, speed_b = 1 / a.pace, 1 / b.pace
    met = (_arc(a.out, b.out) + speed_a * a.start_h + speed_b * b.start_h) / (speed_a + speed_b)
    both = (a.back_pace > 0) & (b.back_pace > 0)
    parted = (speed_a * a.end_h + speed_b * b.end_h - _arc(a.back, b.back)) / (speed_a + speed_b)
    last = np.minimum(np.minimum(a.end_h, b.end_h), np.where(both, parted, np.inf))
    return np.minimum(bound, last - np.maximum(np.maximum(a.start_h, b.start_h), met))


def together_at(a: Prisms, b: Prisms, place: np.ndarray, *, radius_nm: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Earliest and latest time of each pair together at a place [h], shapes (n,); the latest may be before.

    Parameters
    ----------
    a, b : Prisms
        Of n rows each.
    place : ndarray of float64, shape (n, 3)
    radius_nm : float
        The place reaches so far; ways end at its edge.
    """
    radius = radius_nm / EARTH_RADIUS_NM
    first = np.maximum(*(one.start_h + np.maximum(_arc(one.out, place) - radius, 0) * one.pace for one in (a, b)))
    last = np.minimum(*(one.end_h - np.maximum(_arc(one.back, place) - radius, 0) * one.back_pace for one in (a, b)))
    return first, last


def longest_together(a: Prisms, b: Prisms) -> np.ndarray:
    """Place at which each pair can be together for the longest time.

    Parameters
    ----------
    a, b : Prisms
        Of n rows each.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Exact to 1 / 5,800 of the smaller prism's ellipse. Where two can nowhere be together, some place.
    """
    place = np.empty_like(a.out)
    for low in range(0, len(place), _BLOCK):
        rows = np.arange(low, min(low + _BLOCK, len(place)))
        place[rows] = _best_place(a.at(rows), b.at(rows))
    return place


def _best_place(a: Prisms, b: Prisms) -> np.ndarray:
    centre, along, across, half = _smaller_ellipse(a, b)
    ends = [np.ascontiguousarray(vectors.T) for vectors in (a.out, b.out, a.back, b.back)]

    def point(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        vectors = centre + x * along + y * across
        return vectors / np.sqrt(np.square(vectors).sum(axis=0))

    def together(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        here = point(x, y)
        arc = [np.arccos(np.clip((here * end).sum(axis=0), -1.0, 1.0)) for end in ends]
        first = np.maximum(a.start_h + arc[0] * a.pace, b.start_h + arc[1] * b.pace)
        last = np.minimum(a.end_h - arc[2] * a.back_pace, b.end_h - arc[3] * b.back_pace)
        return last - first - _TIE_H * (np.square(x / half[0]) + np.square(y / half[1]))

    def best_across(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _golden(lambda y: (together(x, y), y), half[1])

    _, (x, y) = _golden_pair(best_across, half[0])
    return point(x, y).T


def _smaller_ellipse(a: Prisms, b: Prisms) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Centre and axes (unit vectors, shape (3, n)) of the smaller ellipse of each pair, and its halves in the plane."""
    reach = [np.where(one.back_pace > 0, 0.5, 1.0) * (one.end_h - one.start_h) / one.pace for one in (a, b)]
    first = (reach[0] <= reach[1])[:, None]
    known = np.where(first[:, 0], a.back_pace, b.back_pace) > 0
    out = np.where(first, a.out, b.out)
    back = np.where(known[:, None], np.where(first, a.back, b.back), out)
    middle = out + back
    length = np.sqrt(np.square(middle).sum(axis=1, keepdims=True))
    centre = np.where(length > 1e-9, middle / np.maximum(length, 1e-9), out)
    along = back - out
    # Where both ends are one place any axis will do: the one towards the other ship turns with the globe.
    other = np.where(first, b.out + b.back, a.out + a.back)
    along = np.where(np.square(along).sum(axis=1, keepdims=True) > 1e-12, along, other)
    along = along - (along * centre).sum(axis=1, keepdims=True) * centre
    size = np.sqrt(np.square(along).sum(axis=1, keepdims=True))
    pole = np.eye(3)[np.argmin(np.abs(centre), axis=1)]
    side = np.cross(centre, pole)
    along = np.where(size > 1e-9, along / np.maximum(size, 1e-9), side / np.linalg.norm(side, axis=1, keepdims=True))
    major = np.minimum(np.minimum(reach[0], reach[1]), _WIDEST_RAD)
    focus = np.minimum(_arc(out, back) / 2, major)
    # The spherical triangle of focus, centre and end of the minor axis has its right angle at the centre.
    minor = np.arccos(np.clip(np.cos(major) / np.cos(focus), -1.0, 1.0))
    return centre.T, along.T, np.cross(centre, along).T, (np.tan(major) + _TINY, np.tan(minor) + _TINY)


Search = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _golden(function: Search, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest value of a function with one peak over [-half, half], and where; per row."""
    value, (_, y) = _golden_pair(function, half)
    return value, y


def _golden_pair(function: Search, half: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """As `_golden`; the function returns a value and what it was found at, and both places come back."""
    low, high = -half, half.copy()
    span = high - low
    left, right = high - _GOLDEN * span, low + _GOLDEN * span
    (at_left, with_left), (at_right, with_right) = function(left), function(right)
    for _ in range(_STEPS):
        up = at_right > at_left
        low, high = np.where(up, left, low), np.where(up, high, right)
        span = high - low
        new = np.where(up, low + _GOLDEN * span, high - _GOLDEN * span)
        at_new, with_new = function(new)
        left, at_left, with_left, right, at_right, with_right = (
            np.where(up, right, new), np.where(up, at_right, at_new), np.where(up, with_right, with_new),
            np.where(up, new, left), np.where(up, at_new, at_left), np.where(up, with_new, with_left),
        )  # fmt: skip
    up = at_right > at_left
    return np.where(up, at_right, at_left), (np.where(up, right, left), np.where(up, with_right, with_left))


def chance_together(
    a: Prisms, b: Prisms, place: np.ndarray, least_h: float, mean_kn: tuple[np.ndarray, np.ndarray],
    sd_kn: tuple[np.ndarray, np.ndarray], cap_kn: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Chance that two ships of uncertain speed had the time to be together at a place for long enough, shape (n,).

    Parameters
    ----------
    a, b : Prisms
        Of n rows each; their pace is not used.
    place : ndarray of float64, shape (n, 3)
    least_h : float
    mean_kn, sd_kn, cap_kn : tuple of two ndarray of float64, shape (n,)
        Speeds of both: normal, cut off at the cap, independent of each other.
    """
    from scipy.special import ndtr, ndtri

    to_a, to_b = (_arc(one.out, place) * EARTH_RADIUS_NM for one in (a, b))
    from_a, from_b = (np.where(one.back_pace > 0, _arc(one.back, place), 0.0) * EARTH_RADIUS_NM for one in (a, b))
    below = [ndtr((cap - mean) / sd) for cap, mean, sd in zip(cap_kn, mean_kn, sd_kn, strict=True)]

    def at_least(needed: np.ndarray, ship: int) -> np.ndarray:
        z = (needed - mean_kn[ship]) / sd_kn[ship]
        return np.clip((below[ship] - ndtr(z)) / below[ship], 0.0, 1.0)

    own_a = _needed(to_a + from_a, a.end_h - a.start_h - least_h)
    own_b = _needed(to_b + from_b, b.end_h - b.start_h - least_h)
    able = at_least(own_a, 0)
    total = np.zeros(len(able))
    for share in _SPEEDS:
        # Quantiles of the first ship's speed, given that it could be there at all.
        speed = mean_kn[0] + sd_kn[0] * ndtri(np.clip(below[0] * (1.0 - able * (1.0 - share)), 1e-12, 1 - 1e-12))
        speed = np.maximum(speed, 0.1)
        into = _needed(from_b, b.end_h - least_h - a.start_h - to_a / speed)
        out_of = _needed(to_b, a.end_h - from_a / speed - least_h - b.start_h)
        total += at_least(np.maximum(np.maximum(own_b, into), out_of), 1)
    return able * total / len(_SPEEDS)


def _needed(way_nm: np.ndarray, time_h: np.ndarray) -> np.ndarray:
    """Speed that a way takes in a time [kn]; infinite where there is no time for it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(time_h > 0, way_nm / time_h, np.where((way_nm <= 0) & (time_h >= 0), 0.0, np.inf))
