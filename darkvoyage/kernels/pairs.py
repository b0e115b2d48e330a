"""Pairs of ships that are close to each other at the same moment, for very many positions.

Positions are sorted by (slot, band of latitude, longitude), and each looks up the stretch of its own band to the east
of it and of the band to the north around it: every pair once, at any latitude, over the antimeridian and the poles.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from darkvoyage.kernels.spans import expand, group_ends, group_starts, in_parts
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm

__all__ = ["close_pairs", "nearest_only"]

_BITS = 63
_LON_BITS = 30
_APART_BITS = 20  # half a millimetre in 500 m
_CANDIDATES = 1 << 22
_ROUNDING = 1e-9  # radians, 6 mm: more than the arithmetic of the bands can be off


def close_pairs(
    slot: np.ndarray, lat: np.ndarray, lon: np.ndarray, distance_nm: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the pairs of positions of the same slot that are no further apart than a distance.

    Parameters
    ----------
    slot : ndarray of int64, shape (n,)
    lat, lon : ndarray of float64, shape (n,)
        Known positions [deg].
    distance_nm : float
        Positive [nm].

    Yields
    ------
    a, b : ndarray of int64, shape (pairs,)
        Indices into the n rows, each pair once. All pairs of a slot come together.
    apart_nm : ndarray of float64, shape (pairs,)
    """
    if len(slot) < 2:
        return
    reach = distance_nm / EARTH_RADIUS_NM + _ROUNDING
    bands = max(int(np.pi / reach), 1)
    slot = slot - slot.min()
    stride = 1 << min(_LON_BITS, _BITS - int(slot.max() + 1).bit_length() - (bands + 1).bit_length())
    band = np.clip(np.floor((lat + 90.0) / 180.0 * bands), 0, bands - 1).astype("int64")
    turn = np.minimum(((lon + 180.0) % 360.0) / 360.0 * stride, stride - 1).astype("int64")
    # One band more than there are: nothing is north of the last.
    key = (slot * (bands + 1) + band) * stride + turn
    order = np.argsort(key, kind="stable")
    key, slot, lat, lon, turn = key[order], slot[order], lat[order], lon[order], turn[order]
    owner, first, count = _stretches(key, turn, _half_width(lat, reach, stride), stride)
    for some in _whole_slots(slot, owner, count):
        which, b = expand(first[some], count[some])
        a = owner[some][which]
        apart = great_circle_nm(lat[a], lon[a], lat[b], lon[b])
        near = apart <= distance_nm
        yield order[a[near]], order[b[near]], apart[near]


def _half_width(lat: np.ndarray, reach: float, stride: int) -> np.ndarray:
    """How far east or west, in steps of longitude, a position within reach can be; half a turn near the poles."""
    rad = np.radians(lat)
    ratio = np.sin(reach) / np.maximum(np.cos(rad), 1e-300)
    width = np.where(ratio < 1, np.arcsin(np.minimum(ratio, 1.0)), np.pi) + _ROUNDING
    return np.minimum(np.ceil(width / (2 * np.pi) * stride).astype("int64") + 1, stride // 2)


def _stretches(
    key: np.ndarray, turn: np.ndarray, half: np.ndarray, stride: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of the sorted rows in which the partners of each row are: owner, first row, number of rows."""
    row, base, last = np.arange(len(key)), key - turn, stride - 1
    east = np.minimum(turn + half, last)
    parts = [(row, row + 1, np.searchsorted(key, base + east, side="right"))]
    # Half a turn is met from one side only.
    over = np.flatnonzero(turn + half > last)
    wrapped = np.minimum(turn + half, turn + stride // 2 - 1)[over] - stride
    parts.append(_range(key, over, base[over], base[over] + wrapped))
    north = base + stride
    parts.append(_range(key, row, north + np.maximum(turn - half, 0), north + east))
    parts.append(_range(key, over, north[over], north[over] + wrapped))
    under = np.flatnonzero(turn - half < 0)
    wrapped = np.maximum(turn - half, turn - stride // 2 + 1)[under] + stride
    parts.append(_range(key, under, north[under] + wrapped, north[under] + last))
    owner, first, end = (np.concatenate(part) for part in zip(*parts, strict=True))
    some = np.flatnonzero(end > first)
    # Rows of one owner beside each other, so that slots stay together.
    some = some[np.argsort(owner[some], kind="stable")]
    return owner[some], first[some], (end - first)[some]


def _range(
    key: np.ndarray, owner: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return owner, np.searchsorted(key, low), np.searchsorted(key, high, side="right")


def _whole_slots(slot: np.ndarray, owner: np.ndarray, count: np.ndarray) -> Iterator[slice]:
    """Cut the stretches into slices with about `_CANDIDATES` rows, between slots."""
    begins = group_starts(slot[owner])
    ends = group_ends(begins, len(owner))
    until = np.r_[0, np.cumsum(count)]
    for part in in_parts(until[ends] - until[begins], _CANDIDATES):
        yield slice(begins[part][0], ends[part][-1])


def nearest_only(a: np.ndarray, b: np.ndarray, apart: np.ndarray, rank: np.ndarray, neighbours: int) -> np.ndarray:
    """Tell which pairs stay when every position keeps its nearest neighbours; one of the two is enough.

    Parameters
    ----------
    a, b : ndarray of int64, shape (pairs,)
        Numbers of positions.
    apart : ndarray of float64, shape (pairs,)
    rank : ndarray of int64, shape (n,)
        Which of several positions equally far away, to a millionth of the farthest, comes first. Distinct among the
        neighbours of one position.
    neighbours : int

    Returns
    -------
    ndarray of bool, shape (pairs,)
    """
    degree = np.bincount(a, minlength=len(rank)) + np.bincount(b, minlength=len(rank))
    crowded = degree > neighbours
    if not crowded.any():
        return np.ones(len(a), dtype=bool)
    keep = ~(crowded[a] & crowded[b])
    pair, who, other = np.tile(np.arange(len(a)), 2), np.r_[a, b], np.r_[b, a]
    some = np.flatnonzero(crowded[who])
    far = np.floor(apart / max(float(apart.max()), 1e-300) * (2**_APART_BITS - 1)).astype("int64")
    some = some[_order((np.cumsum(crowded) - 1)[who[some]], far[pair[some]], rank[other[some]])]
    begin = np.r_[True, who[some][1:] != who[some][:-1]]
    place = np.arange(len(some)) - np.maximum.accumulate(np.where(begin, np.arange(len(some)), 0))
    keep[pair[some[place < neighbours]]] = True
    return keep


def _order(who: np.ndarray, far: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Order by three whole numbers, packed into one where they fit: several times faster."""
    room = int(rank.max()).bit_length()
    if int(who.max()).bit_length() + _APART_BITS + room > _BITS:
        return np.lexsort((rank, far, who))
    return np.argsort((who << _APART_BITS | far) << room | rank)
