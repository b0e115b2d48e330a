"""The excursion reading of a gap: leave, call at a port in reach, come back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import dwell_chance
from darkvoyage.kernels.nearby import near_cells, near_pairs
from darkvoyage.kernels.spans import expand, group_starts, in_parts
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm
from darkvoyage.linking.pace import end_speed_kn, reach_speed_kn
from darkvoyage.linking.water import water_share
from darkvoyage.rules.linking import LinkRule
from darkvoyage.sea.distance import sea_legs

__all__ = ["MOST_CALLING", "Excursions", "excursions", "gap_shares", "near_ports", "pairs_with_ports"]

MOST_CALLING = 0.9
"""Whatever the sightings say, a gap is no call with at least the rest of one."""
_STILL_KN, _STILL_NM, _STILL_ODDS = 1.0, 0.5, 0.05
"""Of random hours of ships that lie still at both ends and are no further apart, 0 to 2 % up to 48 h hold a call
elsewhere and 5 % of 96 h, where of other ships every third does; see `LinkRule.excursion_h`."""
_WAIT_SHARE, _WAIT_H = 0.6, 24.0
"""Of the calls, those that wait in the roads before or after, and how long."""
_OPEN_H = 60.0
"""Of a ship that is not heard again more hours tell of its leaving, not of calls [h]."""
_BLOCK = 1 << 17
_ROUNDING_DEG = 1e-9
_WORTH_RATIO, _WORTH_NM = 2.5, 100.0
"""Ways round land are followed up to this much of the great circle, and this much on top [nm]: farther off, other ports
are always nearer."""


@dataclass(frozen=True)
class Excursions:
    """Which gaps could have called at which ports, flat over the ports in reach.

    Parameters
    ----------
    gap, port : ndarray of int64, shape (n,)
        Sorted by (gap, port).
    weight : ndarray of float64, shape (n,)
        Chance of a call there before looking: the rule's share of excursions, spread over the ports in reach by
        exp(-detour), never by the sensitive flag.
    arrive_h, depart_h : ndarray of float64, shape (n,)
        Window at the port, hours since the gap's start.
    out_nm, back_nm : ndarray of float64, shape (n,)
        Likely way to the port and back from it, by sea; 0 back where the gap has no end.
    number_of_ports : int
    straight : ndarray of float64, shape (gaps,)
        Share of the gaps without a call whose ships go on; the others may be anywhere in reach.
    water : ndarray of float64, shape (gaps,)
        Share of water in the reach of each gap.
    """

    gap: np.ndarray
    port: np.ndarray
    weight: np.ndarray
    arrive_h: np.ndarray
    depart_h: np.ndarray
    out_nm: np.ndarray
    back_nm: np.ndarray
    number_of_ports: int
    straight: np.ndarray
    water: np.ndarray

    @cached_property
    def _key(self) -> np.ndarray:
        return self.gap * self.number_of_ports + self.port

    @cached_property
    def calling(self) -> np.ndarray:
        """Chance that each gap holds a call at all, shape (gaps,)."""
        return np.bincount(self.gap, self.weight, minlength=len(self.water))

    def find(self, gap: np.ndarray, port: np.ndarray) -> np.ndarray:
        """Row of each (gap, port), -1 where the port is not in reach, shape (n,)."""
        asked = gap * self.number_of_ports + port
        if len(self._key) == 0:
            return np.full(len(asked), -1)
        inside = np.minimum(np.searchsorted(self._key, asked), len(self._key) - 1)
        return np.where(self._key[inside] == asked, inside, -1)

    def dwell(self, row: np.ndarray, at_h: np.ndarray, rule: LinkRule) -> np.ndarray:
        """Chance of being alongside at a time since the gap's start, given the call; rows >= 0, shape (n,)."""
        stay = np.full(len(row), rule.service_h)
        return dwell_chance(at_h, self.arrive_h[row], self.depart_h[row], stay)

    def waiting(self, row: np.ndarray, at_h: np.ndarray, rule: LinkRule) -> np.ndarray:
        """Chance of waiting in the roads at a time since the gap's start, given the call; rows >= 0, shape (n,)."""
        wait = dwell_chance(at_h, self.arrive_h[row], self.depart_h[row], np.full(len(row), _WAIT_H))
        return np.minimum(_WAIT_SHARE * wait, 1.0 - self.dwell(row, at_h, rule))

    def likeliest(self, most: int) -> np.ndarray:
        """Rows of the likeliest calls of each gap, at most so many, sorted by gap."""
        order = np.lexsort((self.port, -self.weight, self.gap))
        start = group_starts(self.gap)
        rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
        return order[rank < most]

    def lifted(self, lift: np.ndarray) -> Excursions:
        """The same with each chance times its lift, shape (n,), and at most `MOST_CALLING` for a gap."""
        weight = self.weight * lift
        total = np.bincount(self.gap, weight)
        return dataclasses.replace(self, weight=weight * np.minimum(1.0, MOST_CALLING / total[self.gap]))

    def flat(self) -> Excursions:
        """The same with the chance of each gap spread evenly over all ports in reach."""
        even = self.calling / np.maximum(np.bincount(self.gap, minlength=len(self.calling)), 1)
        return dataclasses.replace(self, weight=even[self.gap])


def gap_shares(gaps: pd.DataFrame, rule: LinkRule) -> tuple[np.ndarray, np.ndarray]:
    """Chance of a call at all, of gaps with ports in reach, and of going on, of those without a call, before looking.

    The odds of a call grow in proportion to the length of the silence; those of being just anywhere do so until they
    are the rule's. A ship that lies still at both ends, at one place, was hardly ever away; one that was not heard
    again may have left for good.

    Parameters
    ----------
    gaps : GAPS table of n rows
    rule : LinkRule

    Returns
    -------
    call, straight : ndarray of float64, shape (n,)
    """
    apart = great_circle_nm(*(gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")))
    hours = gaps["duration_h"].to_numpy()
    hours = np.where(np.isfinite(apart), hours, np.minimum(hours, _OPEN_H))
    still = (end_speed_kn(gaps) < _STILL_KN) & (apart < _STILL_NM)
    long = np.where(still, _STILL_ODDS, 1.0) * hours / rule.excursion_h
    call = rule.share_excursion / (rule.share_bridge + rule.share_prism) * long
    anywhere = rule.share_prism / rule.share_bridge * np.minimum(long, 1.0)
    return call / (1.0 + call), 1.0 / (1.0 + anywhere)


def excursions(gaps: pd.DataFrame, ports: pd.DataFrame, rule: LinkRule) -> Excursions:
    """List the ports in reach of each gap by sea, with the window at each; open gaps end at their duration so far.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
        Whether a port is sensitive is not looked at.
    rule : LinkRule
    """
    speed = reach_speed_kn(gaps, rule)
    gap, port, straight_out, straight_back = _in_reach(gaps, ports, speed)
    radius, duration = ports["radius_nm"].to_numpy()[port], gaps["duration_h"].to_numpy()[gap]
    could_out, out = _leg(gaps, ports, gap, port, "start", straight_out, speed, rule)
    could_back, back = _leg(gaps, ports, gap, port, "end", straight_back, speed, rule)
    arrive, depart = (np.maximum(way - radius, 0.0) / speed[gap] for way in (could_out, could_back))
    keep = arrive + depart < duration
    gap, port, out, back = (column[keep] for column in (gap, port, out, back))
    ends = (gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    # No way between the ends is shorter than the difference of their ways to any one place.
    direct = np.nan_to_num(great_circle_nm(*ends))
    np.maximum.at(direct, gap, np.where(back > 0, np.abs(out - back), 0.0))
    detour = np.maximum(np.maximum(out - radius[keep], 0.0) + np.maximum(back - radius[keep], 0.0) - direct[gap], 0.0)
    call, straight = gap_shares(gaps, rule)
    pull = np.exp(-detour / rule.detour_nm)
    total = np.bincount(gap, pull, minlength=len(gaps))
    return Excursions(
        gap=gap,
        port=port,
        weight=call[gap] * pull / total[gap],
        arrive_h=arrive[keep],
        depart_h=duration[keep] - depart[keep],
        out_nm=out,
        back_nm=back,
        number_of_ports=max(len(ports), 1),
        straight=straight,
        water=water_share(gaps, rule) if rule.by_sea else np.ones(len(gaps)),
    )


def _in_reach(gaps: pd.DataFrame, ports: pd.DataFrame, speed_kn: np.ndarray) -> tuple[np.ndarray, ...]:
    """Gap and port of all pairs whose great circles fit into the gap, and these [nm]; 0 back from no end."""
    lat, lon, radius = (ports[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    ends = [gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")]
    duration = gaps["duration_h"].to_numpy()
    # No great circle is shorter than the difference in latitude.
    by_lat = np.argsort(lat, kind="stable")
    farthest = speed_kn * duration + radius.max(initial=0.0)
    span = np.degrees(farthest / EARTH_RADIUS_NM) + _ROUNDING_DEG
    low, high = (np.searchsorted(lat[by_lat], ends[0] + sign * span) for sign in (-1.0, 1.0))
    count = np.where(np.isfinite(ends[0] + ends[1]), high - low, 0)
    parts = [(np.empty(0, "int64"), np.empty(0, "int64"), np.empty(0), np.empty(0))]
    for part in in_parts(count, _BLOCK):
        gap, index = expand(low[part], count[part])
        gap, port = gap + part.start, by_lat[index]
        out = great_circle_nm(ends[0][gap], ends[1][gap], lat[port], lon[port])
        some = np.maximum(out - radius[port], 0.0) / speed_kn[gap] < duration[gap]
        gap, port, out = gap[some], port[some], out[some]
        back = np.nan_to_num(great_circle_nm(ends[2][gap], ends[3][gap], lat[port], lon[port]))
        way = np.maximum(out - radius[port], 0.0) + np.maximum(back - radius[port], 0.0)
        some = np.flatnonzero(way / speed_kn[gap] < duration[gap])
        some = some[np.lexsort((port[some], gap[some]))]
        parts.append((gap[some], port[some], out[some], back[some]))
    gap, port, out, back = (np.concatenate(column) for column in zip(*parts, strict=True))
    return gap, port, out, back


def _leg(
    gaps: pd.DataFrame, ports: pd.DataFrame, gap: np.ndarray, port: np.ndarray, end: str, straight_nm: np.ndarray,
    speed_kn: np.ndarray, rule: LinkRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Shortest and likely way between an end of each gap and a port [nm]; 0 where the gap has no end."""
    if not rule.by_sea:
        return straight_nm, straight_nm
    lat, lon = gaps[f"{end}_lat"].to_numpy()[gap], gaps[f"{end}_lon"].to_numpy()[gap]
    known = np.flatnonzero(np.isfinite(lat + lon))
    within = np.zeros(len(ports))
    budget = (gaps["duration_h"].to_numpy() * speed_kn)[gap] + ports["radius_nm"].to_numpy()[port]
    worth = np.minimum(budget, _WORTH_RATIO * straight_nm + _WORTH_NM)
    np.maximum.at(within, port[known], worth[known])
    place_lat, place_lon = ports["lat"].to_numpy(), ports["lon"].to_numpy()
    legs = sea_legs(place_lat, place_lon, port[known], lat[known], lon[known], within_nm=within)
    could, likely = straight_nm.copy(), straight_nm.copy()
    could[known], likely[known] = legs.could_nm, legs.likely_nm
    return could, likely


def near_ports(
    lat: np.ndarray, lon: np.ndarray, ports: pd.DataFrame, spread_nm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Point, port and distance [nm] of all points within four spreads of a port."""
    place_lat, place_lon, reach = ports["lat"].to_numpy(), ports["lon"].to_numpy(), 4 * spread_nm
    cells = near_cells(place_lat, place_lon, reach)
    point, port = near_pairs(lat, lon, place_lat, place_lon, reach, cells)
    return point, port, great_circle_nm(lat[point], lon[point], place_lat[port], place_lon[port])


def pairs_with_ports(
    pair_sighting: np.ndarray, point: np.ndarray, number_of_sightings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Join pairs with the ports near their sighting: pair and index into the (sorted) near-port list."""
    first = np.searchsorted(point, np.arange(number_of_sightings + 1))
    return expand(first[pair_sighting], np.diff(first)[pair_sighting])
