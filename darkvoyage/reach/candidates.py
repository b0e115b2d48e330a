"""Which places each gap's ship could have reached and come back from, with the way there and back.

A dot product of unit vectors sees in one pass which places lie within a gap's reach at all; only what is left is
measured by great circles, and only what fits into the gap then is looked up in the fields of sea distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm
from darkvoyage.reach.ships import Ships
from darkvoyage.rules.reach import PortRule
from darkvoyage.sea.distance import Legs, sea_legs

__all__ = ["Pairs", "pairs_in_reach", "places_within"]

_CELLS = 2_000_000
"""Gaps times places that are screened at once."""
_ROUNDING = 1e-12
_OF_FLEET = 3
"""One place of so many that are looked at is one that ships of the fleet visit, further off."""
_WORTH_RATIO, _WORTH_NM = 2.5, 100.0
"""Ways round land are followed up to this much of the great circle, and this much on top [nm]: further off a place may
be within the ship's time, but there are always nearer ones."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of a gap and a place in reach, sorted by gap and place; every field is an array of shape (n,).

    Parameters
    ----------
    gap, port : ndarray of int64
        Rows of the gaps and of the places.
    closed : ndarray of bool
        Whether the gap has an end with a position.
    out_nm, back_nm : ndarray of float64
        Mean estimates of the way to the place's edge and back; 0 back where the gap is open [nm].
    could_out_nm, could_back_nm : ndarray of float64
        Lower bounds of the same [nm].
    bearing_out_deg, bearing_back_deg : ndarray of float64
        Courses on leaving the gap's start, and its end, towards the place [deg].
    direct_nm : ndarray of float64
        Between the ends of the gap [nm]; 0 where it is open.
    """

    gap: np.ndarray
    port: np.ndarray
    closed: np.ndarray
    out_nm: np.ndarray
    back_nm: np.ndarray
    could_out_nm: np.ndarray
    could_back_nm: np.ndarray
    bearing_out_deg: np.ndarray
    bearing_back_deg: np.ndarray
    direct_nm: np.ndarray

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.gap)

    def at(self, rows: np.ndarray) -> Pairs:
        """Return some of the pairs.

        Parameters
        ----------
        rows : ndarray of int64 or bool
        """
        return Pairs(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @property
    def could_nm(self) -> np.ndarray:
        """Lower bound of the way there and back [nm]."""
        return self.could_out_nm + self.could_back_nm

    @property
    def detour_nm(self) -> np.ndarray:
        """How much longer the way by the place is than the straight one [nm]."""
        return np.maximum(self.out_nm + self.back_nm - self.direct_nm, 0.0)


def places_within(table: pd.DataFrame, places: pd.DataFrame, ships: Ships, rule: PortRule) -> np.ndarray:
    """Count the places that each gap could have to do with, for blocks of bounded size.

    Parameters
    ----------
    table : GAPS table
        Complete.
    places : PORTS table
    ships : Ships
    rule : PortRule

    Returns
    -------
    ndarray of int64, shape (gaps,)
        At most `rule.most_places`; never less than what `pairs_in_reach` finds.
    """
    out = np.zeros(len(table), dtype="int64")
    for rows, inside in _screened(table, places, _budget(table, ships, rule)):
        out[rows] = np.minimum(np.count_nonzero(inside, axis=1), rule.most_places)
    return out


def pairs_in_reach(
    table: pd.DataFrame, places: pd.DataFrame, ships: Ships, history: pd.DataFrame, rule: PortRule
) -> Pairs:
    """Find all places that the ship of each gap could have reached.

    Parameters
    ----------
    table : GAPS table
        Complete.
    places : PORTS table
    ships : Ships
    history : HISTORY table
        Places that were visited are looked at first, where a gap reaches more than `rule.most_places`.
    rule : PortRule

    Returns
    -------
    Pairs
    """
    budget = _budget(table, ships, rule)
    visited = _Visited.of(history)
    none: tuple[np.ndarray, ...] = (*(np.empty(0, dtype="int64") for _ in range(2)), np.empty(0), np.empty(0))
    found = [none, *_within(table, places, budget, visited, rule)]
    gap, port, out, back = (np.concatenate(part) for part in zip(*found, strict=True))
    closed = np.isfinite(back)
    spare = budget[gap] + places["radius_nm"].to_numpy()[port] * 2.0
    within = [
        np.minimum(spare - np.nan_to_num(other), _WORTH_RATIO * gc + _WORTH_NM)
        for gc, other in ((out, back), (back, out))
    ]
    legs = _legs(table, places, gap, port, within)
    return _fitting(gap, port, closed, legs, table, places, budget)


def _budget(table: pd.DataFrame, ships: Ships, rule: PortRule) -> np.ndarray:
    """Distance that each ship could cover beside the shortest call [nm]."""
    return ships.cap_kn * (table["duration_h"].to_numpy() - rule.service_min_h)


def _screened(table: pd.DataFrame, places: pd.DataFrame, budget: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows of gaps, and which places lie within their reach: a matrix of a bounded number of cells."""
    lat, lon, end_lat, end_lon = (
        table[f"{end}_{name}"].to_numpy() for end in ("start", "end") for name in ("lat", "lon")
    )
    direct = np.nan_to_num(great_circle_nm(lat, lon, end_lat, end_lon), nan=np.inf)
    # The far side of an ellipse is half its great axis and half the distance of its foci away from a focus.
    room = budget + 2 * places["radius_nm"].max()
    least = np.cos(np.minimum(np.minimum(room, (room + direct) / 2) / EARTH_RADIUS_NM, np.pi)) - _ROUNDING
    rows = np.flatnonzero(np.isfinite(lat + lon) & (budget >= 0))
    there = _unit(places["lat"].to_numpy(), places["lon"].to_numpy()).T
    step = max(_CELLS // max(len(places), 1), 1)
    for low in range(0, len(rows), step):
        some = rows[low : low + step]
        yield some, _unit(lat[some], lon[some]) @ there >= least[some, None]


def _within(
    table: pd.DataFrame, places: pd.DataFrame, budget: np.ndarray, visited: _Visited, rule: PortRule
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield gap, place and great circles there and back of what the speed allows on a globe without land."""
    lat, lon, end_lat, end_lon = (
        table[f"{end}_{name}"].to_numpy() for end in ("start", "end") for name in ("lat", "lon")
    )
    place_lat, place_lon, radius = (places[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    for rows, inside in _screened(table, places, budget):
        i, port = np.nonzero(inside)
        gap = rows[i]
        out = great_circle_nm(lat[gap], lon[gap], place_lat[port], place_lon[port])
        back = great_circle_nm(end_lat[gap], end_lon[gap], place_lat[port], place_lon[port])
        way = np.maximum(out - radius[port], 0.0) + np.maximum(np.nan_to_num(back) - radius[port], 0.0)
        near = np.flatnonzero(way <= budget[gap])
        near = near[_first(gap[near], port[near], way[near], table, places, visited, rule.most_places)]
        yield gap[near], port[near], out[near], back[near]


@dataclass(frozen=True)
class _Visited:
    """Which places ships were seen to visit, from a HISTORY table: those of each ship, and those of any."""

    own: pd.MultiIndex
    fleet: np.ndarray

    @classmethod
    def of(cls, history: pd.DataFrame) -> _Visited:
        visits = history.loc[history["port_id"].notna(), ["mmsi", "port_id"]].drop_duplicates()
        return cls(pd.MultiIndex.from_frame(visits), visits["port_id"].unique())


def _first(
    gap: np.ndarray, port: np.ndarray, way_nm: np.ndarray, table: pd.DataFrame, places: pd.DataFrame,
    visited: _Visited, most: int,
) -> np.ndarray:  # fmt: skip
    """Rows of the `most` places of each gap, in order: visited by the ship, then nearest; a third visited by any."""
    start = group_starts(gap)
    count = np.diff(np.r_[start, len(gap)])
    if count.max(initial=0) <= most:
        return np.arange(len(gap))
    port_id = places["port_id"].to_numpy()
    pairs = pd.MultiIndex.from_arrays([table["mmsi"].to_numpy()[gap], port_id[port]])
    strange, rare = ~pairs.isin(visited.own), ~np.isin(port_id, visited.fleet)[port]
    place_in_gap = np.arange(len(gap)) - np.repeat(start, count)
    by_way, by_visits = np.empty(len(gap), dtype="int64"), np.empty(len(gap), dtype="int64")
    by_way[np.lexsort((port, way_nm, strange, gap))] = place_in_gap
    near = by_way < most - most // _OF_FLEET
    by_visits[np.lexsort((port, way_nm, rare, near, gap))] = place_in_gap
    return np.flatnonzero(near | (by_visits < most // _OF_FLEET))


def _legs(
    table: pd.DataFrame, places: pd.DataFrame, gap: np.ndarray, port: np.ndarray, within_nm: list[np.ndarray]
) -> list[Legs]:
    """Sea legs between both ends of the gaps and the places; NaN where an end has no position."""
    lat, lon = (
        np.r_[table[f"start_{name}"].to_numpy()[gap], table[f"end_{name}"].to_numpy()[gap]] for name in ("lat", "lon")
    )
    known = np.flatnonzero(np.isfinite(lat + lon))
    out = {each.name: np.full(len(lat), np.nan) for each in fields(Legs)}
    if len(known):
        place, within = np.r_[port, port][known], np.concatenate(within_nm)[known]
        furthest = np.zeros(len(places))
        np.maximum.at(furthest, place, np.maximum(within, 0.0))
        legs = sea_legs(
            places["lat"].to_numpy(), places["lon"].to_numpy(), place, lat[known], lon[known], within_nm=furthest
        )
        for name, values in out.items():
            values[known] = getattr(legs, name)
    return [Legs(**{name: values[half] for name, values in out.items()}) for half in np.split(np.arange(len(lat)), 2)]


def _fitting(
    gap: np.ndarray, port: np.ndarray, closed: np.ndarray, legs: list[Legs], table: pd.DataFrame,
    places: pd.DataFrame, budget: np.ndarray,
) -> Pairs:  # fmt: skip
    """Pairs whose way round land fits into the gap."""
    radius = places["radius_nm"].to_numpy()[port]
    start, end = legs
    could_out, out = (np.maximum(way - radius, 0.0) for way in (start.could_nm, start.likely_nm))
    could_back, back = (np.where(closed, np.maximum(way - radius, 0.0), 0.0) for way in (end.could_nm, end.likely_nm))
    keep = np.flatnonzero(could_out + could_back <= budget[gap])
    direct = _direct(gap, closed, legs, table)
    pairs = Pairs(gap, port, closed, out, back, could_out, could_back, start.bearing_deg, end.bearing_deg, direct)
    return pairs.at(keep)


def _direct(gap: np.ndarray, closed: np.ndarray, legs: list[Legs], table: pd.DataFrame) -> np.ndarray:
    """Way between the ends [nm]: at least the great circle, and what the triangle with any place in reach asks for."""
    ends = (table[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    direct = np.nan_to_num(great_circle_nm(*ends))
    with np.errstate(invalid="ignore"):
        across = np.abs(legs[0].likely_nm - legs[1].likely_nm)
    np.maximum.at(direct, gap, np.where(closed & np.isfinite(across), across, 0.0))
    return direct[gap]


def _unit(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    lat, lon = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
