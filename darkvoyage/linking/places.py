"""The excursion reading of a gap: leave, call at a port in reach, come back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import dwell_chance
from darkvoyage.kernels.nearby import near_cells, near_pairs
from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["MOST_CALLING", "Excursions", "excursion_share", "excursions", "near_ports", "pairs_with_ports"]

MOST_CALLING = 0.9
"""Whatever the sightings say, a gap is no call with at least the rest of one."""
_BLOCK = 4_000_000


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
    number_of_ports : int
    """

    gap: np.ndarray
    port: np.ndarray
    weight: np.ndarray
    arrive_h: np.ndarray
    depart_h: np.ndarray
    number_of_ports: int

    def find(self, gap: np.ndarray, port: np.ndarray) -> np.ndarray:
        """Row of each (gap, port), -1 where the port is not in reach, shape (n,)."""
        key = self.gap * self.number_of_ports + self.port
        asked = gap * self.number_of_ports + port
        at = np.searchsorted(key, asked)
        if len(key) == 0:
            return np.full(len(asked), -1)
        inside = np.minimum(at, len(key) - 1)
        return np.where(key[inside] == asked, inside, -1)

    def dwell(self, row: np.ndarray, at_h: np.ndarray, rule: LinkRule) -> np.ndarray:
        """Chance of being alongside at a time since the gap's start, given the call; rows >= 0, shape (n,)."""
        stay = np.full(len(row), rule.service_h)
        return dwell_chance(at_h, self.arrive_h[row], self.depart_h[row], stay)

    def lifted(self, lift: np.ndarray) -> Excursions:
        """The same with each chance times its lift, shape (n,), and at most `MOST_CALLING` for a gap."""
        weight = self.weight * lift
        total = np.bincount(self.gap, weight)
        return dataclasses.replace(self, weight=weight * np.minimum(1.0, MOST_CALLING / total[self.gap]))

    def flat(self, share: float) -> Excursions:
        """The same with a share of each gap spread evenly over all ports in reach."""
        return dataclasses.replace(self, weight=share / np.bincount(self.gap)[self.gap])

    def calling(self, gaps: int) -> np.ndarray:
        """Chance that each of so many gaps holds a call at all, shape (gaps,)."""
        return np.bincount(self.gap, self.weight, minlength=gaps)


def excursion_share(rule: LinkRule) -> float:
    """Chance of a call at all, of a gap with ports in reach."""
    return rule.share_excursion / (rule.share_bridge + rule.share_excursion + rule.share_prism)


def excursions(gaps: pd.DataFrame, ports: pd.DataFrame, rule: LinkRule) -> Excursions:
    """List the ports in reach of each gap, with the window at each; open gaps end at their duration so far."""
    lat, lon, radius = (ports[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    ends = {name: gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")}
    duration = gaps["duration_h"].to_numpy()
    straight = great_circle_nm(*ends.values())
    step = max(_BLOCK // max(len(ports), 1), 1)
    parts = []
    for low in range(0, len(gaps), step):
        some = np.arange(low, min(low + step, len(gaps)))
        out = great_circle_nm(ends["start_lat"][some, None], ends["start_lon"][some, None], lat, lon)
        back = great_circle_nm(ends["end_lat"][some, None], ends["end_lon"][some, None], lat, lon)
        out = np.maximum(out - radius, 0.0)
        back = np.where(np.isfinite(back), np.maximum(back - radius, 0.0), 0.0)
        with np.errstate(invalid="ignore"):
            i, j = np.nonzero((out + back) / rule.max_speed_kn < duration[some, None])
        parts.append((some[i], j, out[i, j], back[i, j]))
    empty = (np.empty(0, "int64"), np.empty(0, "int64"), np.empty(0), np.empty(0))
    gap, port, out_nm, back_nm = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    detour = np.maximum(out_nm + back_nm - np.nan_to_num(straight)[gap], 0.0)
    pull = np.exp(-detour / rule.detour_nm)
    total = np.bincount(gap, pull, minlength=len(gaps))
    return Excursions(
        gap=gap,
        port=port,
        weight=excursion_share(rule) * pull / total[gap],
        arrive_h=out_nm / rule.max_speed_kn,
        depart_h=duration[gap] - back_nm / rule.max_speed_kn,
        number_of_ports=max(len(ports), 1),
    )


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
