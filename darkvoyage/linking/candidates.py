"""Which sightings lie in the reach of which gaps, for very many of both.

Sightings of one scene in one small cell are a look. Looks are sorted into grids of several cell sizes by cell and time;
a gap asks the grid whose cells are about as large as its reach, so that it meets a handful of cells however long it
is. What is left meets the exact test of the space-time prism, looks first, then their sightings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import lens_area
from darkvoyage.kernels.grid import cell_of
from darkvoyage.kernels.planes import chord2_of, squared_chord
from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.spans import expand, group_starts, in_parts, search_groups
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm, interpolate, wrap_lon
from darkvoyage.kernels.workers import in_threads
from darkvoyage.linking.pace import reach_speed_kn
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["Candidates", "candidates"]

_FINE_DEG = 0.5
"""Side of a look's cell [deg]."""
_SIDES_DEG = (2.0, 10.0, 40.0)
"""Cells of the grids [deg]; each holds whole finer ones. Wider reaches ask one cell that is the whole world."""
_BLOCK = 1 << 17
"""Pairs tested at a time: what is worked out of them stays in the cache."""
_LEAST_AREA_NM2 = 0.1


def candidates(gaps: pd.DataFrame, sightings: pd.DataFrame, rule: LinkRule) -> pd.DataFrame:
    """List all (gap, sighting) pairs whose sighting lies in the gap's time and space-time prism.

    Parameters
    ----------
    gaps : GAPS table of g rows
    sightings : SIGHTINGS table of s rows
    rule : LinkRule

    Returns
    -------
    DataFrame
        Sorted by (sighting, gap): `gap`, `sighting` (row numbers), `since_h` and `total_h` (since the gap's start, and
        its length), `straight_nm` (between its ends), `area_nm2` (of the reach at that time), `closed`.
    """
    found = Candidates.of(gaps, sightings, rule)
    return pd.concat([found.none(), *map(found.block, found.parts())], ignore_index=True)


@dataclass(frozen=True)
class Candidates:
    """Pairs of gaps and looks that may hold pairs of gaps and sightings, in blocks of whole sightings.

    Parameters
    ----------
    reach : _Reach
        Of the gaps.
    looks : _Looks
    gap, look : ndarray of int64, shape (n,)
        Sorted by look.
    """

    reach: _Reach
    looks: _Looks
    gap: np.ndarray
    look: np.ndarray

    @classmethod
    def of(cls, gaps: pd.DataFrame, sightings: pd.DataFrame, rule: LinkRule) -> Candidates:
        """Find the gaps that each look meets.

        Parameters
        ----------
        gaps, sightings, rule
            See `candidates`.
        """
        reach, looks = _Reach.of(gaps, rule), _Looks.of(sightings)
        gap, look = _met(reach, looks)
        order = np.argsort(look, kind="stable")
        return cls(reach, looks, gap[order], look[order])

    def tests(self) -> np.ndarray:
        """How many pairs of each sighting are tested, shape (sightings,)."""
        looks, out = self.looks, np.zeros(len(self.looks.vector), dtype="int64")
        met = np.bincount(self.look, minlength=len(looks.first))
        out[looks.row] = np.repeat(met, looks.count)
        return out

    def some(self, sightings: np.ndarray) -> Candidates:
        """Those of some sightings, with all of each scene or none.

        Parameters
        ----------
        sightings : ndarray of bool, shape (sightings,)
        """
        keep = sightings[self.looks.row[self.looks.first]][self.look]
        return replace(self, gap=self.gap[keep], look=self.look[keep])

    def parts(self) -> list[slice]:
        """Looks of each block."""
        met = np.bincount(self.look, minlength=len(self.looks.first))
        return in_parts(met * self.looks.count, _BLOCK)

    def none(self) -> pd.DataFrame:
        """A block without pairs."""
        return self._pairs(np.empty(0, dtype="int64"), np.empty(0, dtype="int64"))

    def block(self, part: slice) -> pd.DataFrame:
        """The pairs within reach of a part, as `candidates`."""
        low, high = np.searchsorted(self.look, (part.start, part.stop))
        gap, look = self.gap[low:high], self.look[low:high]
        owner, member = expand(self.looks.first[look], self.looks.count[look])
        return self._pairs(gap[owner], self.looks.row[member])

    def _pairs(self, gap: np.ndarray, sighting: np.ndarray) -> pd.DataFrame:
        """The pairs within reach, with what the likelihood asks of the prism."""
        reach, at, where = self.reach, self.looks.at, self.looks.vector
        inside = reach.within(gap, where[sighting], at[sighting], at[sighting], 0.0)
        gap, sighting = gap[inside], sighting[inside]
        order = np.lexsort((gap, sighting))
        gap, sighting = gap[order], sighting[order]
        since, total, straight = (
            (at[sighting] - reach.start[gap]) / US_PER_H,
            reach.total_h[gap],
            reach.straight_nm[gap],
        )
        out, back = (reach.speed_kn[gap] * hours + reach.slack_nm for hours in (since, total - since))
        closed = np.isfinite(straight)
        area = np.where(closed, lens_area(out, back, np.nan_to_num(straight)), np.pi * out**2)
        return pd.DataFrame(
            {
                "gap": gap, "sighting": sighting, "since_h": since, "total_h": total, "straight_nm": straight,
                "area_nm2": np.maximum(area, _LEAST_AREA_NM2), "closed": closed,
            }
        )  # fmt: skip


@dataclass(frozen=True)
class _Looks:
    """Sightings of one scene in one fine cell: time span, circle around them, and their rows.

    `vector` and `at` are places and times of all sightings.
    """

    vector: np.ndarray
    at: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    radius_nm: np.ndarray
    early: np.ndarray
    late: np.ndarray
    first: np.ndarray
    count: np.ndarray
    row: np.ndarray

    @classmethod
    def of(cls, sightings: pd.DataFrame) -> _Looks:
        lat, lon, at = sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), time_us(sightings["timestamp"])
        row = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
        scene = -1 - np.arange(len(lat))
        if "scene_id" in sightings:
            code = pd.factorize(sightings["scene_id"])[0]
            scene = np.where(code >= 0, code, scene)
        cell = cell_of(lat[row], lon[row], _FINE_DEG)
        order = np.lexsort((at[row], cell, scene[row]))
        row, cell = row[order], cell[order]
        start = np.union1d(group_starts(cell), group_starts(scene[row]))
        count = np.diff(np.append(start, len(row)))
        owner = np.repeat(start, count)
        away = great_circle_nm(lat[row[owner]], lon[row[owner]], lat[row], lon[row])
        radius = np.maximum.reduceat(away, start) if len(start) else np.empty(0)
        return cls(
            unit_vectors(lat, lon), at, lat[row[start]], lon[row[start]], radius, at[row[start]],
            at[row[start + count - 1]], start, count, row,
        )  # fmt: skip


@dataclass(frozen=True)
class _Reach:
    """Gaps as prisms: times, ends as degrees and as unit vectors, speed."""

    start: np.ndarray
    end: np.ndarray
    ends: tuple[np.ndarray, ...]
    total_h: np.ndarray
    straight_nm: np.ndarray
    speed_kn: np.ndarray
    slack_nm: float
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, gaps: pd.DataFrame, rule: LinkRule) -> _Reach:
        start, total = time_us(gaps["gap_start"]), gaps["duration_h"].to_numpy()
        ends = tuple(gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
        straight = great_circle_nm(*ends)
        speed = reach_speed_kn(gaps, rule)
        end = start + np.round(total * US_PER_H).astype("int64")
        first, last = unit_vectors(*ends[:2]), unit_vectors(*ends[2:])
        return cls(start, end, ends, total, straight, speed, rule.slack_nm, first, last)

    def within(
        self, gap: np.ndarray, place: np.ndarray, early: np.ndarray, late: np.ndarray, radius_nm: np.ndarray | float
    ) -> np.ndarray:
        """Whether a circle around a unit vector, within a span of time, touches the prism."""
        speed, slack = self.speed_kn[gap], np.broadcast_to(self.slack_nm + radius_nm, gap.shape)
        start, end = self.start[gap], self.end[gap]
        # Most are too far from the start: the second distance is taken for the others only.
        allowed = chord2_of(speed * (late - start) / US_PER_H + slack)
        near = (squared_chord(self.first[gap], place) <= allowed) & (late > start) & (early < end)
        some = np.flatnonzero(near)
        allowed = chord2_of(speed[some] * (end[some] - early[some]) / US_PER_H + slack[some])
        near[some] = ~(squared_chord(self.last[gap[some]], place[some]) > allowed)  # open gaps may end anywhere
        return near


def _met(reach: _Reach, looks: _Looks) -> tuple[np.ndarray, np.ndarray]:
    """Gap and look of all pairs that pass the test as circles."""
    lat, lon, radius_deg = _circles(reach)
    half_deg = np.maximum(radius_deg, _half_width_deg(lat, radius_deg))
    level = np.searchsorted(_SIDES_DEG, half_deg)
    level[~np.isfinite(radius_deg)] = -1
    found = [(np.empty(0, "int64"), np.empty(0, "int64"))]
    longest = int((looks.late - looks.early).max(initial=0))
    for at_level, side in enumerate((*_SIDES_DEG, 360.0)):
        some = np.flatnonzero(level == at_level)
        if len(some) == 0 or len(looks.first) == 0:
            continue
        cell = cell_of(looks.lat, looks.lon, side)
        order = np.lexsort((looks.early, cell))
        known, code = np.unique(cell[order], return_inverse=True)
        asking, asked = _cells(lat[some], lon[some], radius_deg[some], half_deg[some], side)
        slot = np.searchsorted(known, asked)
        there = known[np.minimum(slot, len(known) - 1)] == asked
        gap, slot = some[asking[there]], slot[there]
        early = looks.early[order]
        low = search_groups(code, early, slot, reach.start[gap] - longest, side="left")
        high = search_groups(code, early, slot, reach.end[gap], side="right")
        count = np.maximum(high - low, 0)
        touched = partial(_touched, reach, looks, gap, order, low, count)
        found += in_threads(touched, in_parts(count, _BLOCK))
    gap, look = (np.concatenate(column) for column in zip(*found, strict=True))
    return gap, look


def _touched(
    reach: _Reach, looks: _Looks, gap: np.ndarray, order: np.ndarray, low: np.ndarray, count: np.ndarray, part: slice
) -> tuple[np.ndarray, np.ndarray]:
    """Gap and look of those pairs of a part that pass: look order[low], order[low + 1], ... of each gap."""
    owner, index = expand(low[part], count[part])
    gap, look = gap[part][owner], order[index]
    place = looks.vector[looks.row[looks.first[look]]]
    some = reach.within(gap, place, looks.early[look], looks.late[look], looks.radius_nm[look])
    return gap[some], look[some]


def _circles(reach: _Reach) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle and radius [deg] of a circle around each gap's whole reach; NaN without a start."""
    lat0, lon0, lat1, lon1 = reach.ends
    closed = np.isfinite(reach.straight_nm)
    lat1, lon1 = np.where(closed, lat1, lat0), np.where(closed, lon1, lon0)
    lat, lon = interpolate(lat0, lon0, lat1, lon1, np.full(len(lat0), 0.5))
    way = reach.speed_kn * reach.total_h
    radius = np.degrees((np.where(closed, way / 2, way) + reach.slack_nm) / EARTH_RADIUS_NM)
    return lat, wrap_lon(lon), radius


def _half_width_deg(lat: np.ndarray, radius_deg: np.ndarray) -> np.ndarray:
    """Half the width in longitude of a circle; all the way round where it comes near a pole or a quarter round."""
    with np.errstate(invalid="ignore"):
        round_ = np.abs(lat) + radius_deg >= 89.0
        ratio = np.sin(np.radians(radius_deg)) / np.cos(np.radians(lat))
        return np.where(round_, 360.0, np.degrees(np.arcsin(np.clip(ratio, -1.0, 1.0))))


def _cells(
    lat: np.ndarray, lon: np.ndarray, radius_deg: np.ndarray, half_deg: np.ndarray, side: float
) -> tuple[np.ndarray, np.ndarray]:
    """Circle and cell of all cells that the circles may touch; a side of 360 degrees is one cell, the world."""
    if side >= 360.0:
        return np.arange(len(lat)), np.zeros(len(lat), dtype="int64")
    columns = round(360.0 / side)
    south, north = ((np.clip(lat + sign * radius_deg, -90.0, 90.0) + 90.0) / side for sign in (-1.0, 1.0))
    row = south.astype("int64")
    circle, row = expand(row, north.astype("int64") - row + 1)
    west, east = (np.floor((lon + sign * half_deg + 180.0) / side).astype("int64") for sign in (-1.0, 1.0))
    owner, column = expand(west[circle], (east - west + 1)[circle])
    return circle[owner], row[owner] * columns + column % columns
