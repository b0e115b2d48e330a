"""Ships under way to a port inside a gap, or back from it.

Where on the leg follows from the time: the ship keeps one pace until it arrives, and arrives at any time that leaves
room for its stay. The leg is taken along the great circle; a way by sea that is longer widens the density by half of
the detour's height, that of the triangle of two halves of the way over the great circle. Besides, widths are 15 % of
the leg, and a round Student-t has the tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from darkvoyage.kernels.planes import points_along
from darkvoyage.kernels.prisms import arc_nm, unit_vectors
from darkvoyage.kernels.spans import expand
from darkvoyage.linking.places import Excursions
from darkvoyage.rules.linking import LinkRule

__all__ = ["Legs"]

_MOST_LEGS = 3
"""Legs of so many calls of a gap are followed, those likeliest before looking."""
_WIDTH_SHARE, _NU = 0.15, 3.0
_LEAST_CHANCE, _LEAST_H = 1e-3, 1e-6
_ENDS = ("start", "end")


@dataclass(frozen=True)
class Legs:
    """Ways of each gap to its likeliest ports, and back.

    Parameters
    ----------
    call : ndarray of int64, shape (n,)
        Rows of the excursions, sorted by gap.
    calls : int
        How many these have.
    first : ndarray of int64, shape (gaps + 1,)
        Where the calls of each gap begin.
    arrive_h, depart_h, stay_h : ndarray of float64, shape (n,)
        Window at the port, hours since the gap's start, and the time spent there.
    port : ndarray of float64, shape (n, 3)
        Unit vectors.
    ends : tuple of two ndarray of float64, shape (gaps, 3)
        Unit vectors of start and end of each gap, NaN where not known.
    way_nm, width_nm2 : tuple of two ndarray of float64, shape (n,)
        Of the way out and the way back: its length, and the squared scale of its density apart from the slack.
    """

    call: np.ndarray
    calls: int
    first: np.ndarray
    arrive_h: np.ndarray
    depart_h: np.ndarray
    stay_h: np.ndarray
    port: np.ndarray
    ends: tuple[np.ndarray, np.ndarray]
    way_nm: tuple[np.ndarray, np.ndarray]
    width_nm2: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, gaps: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, rule: LinkRule) -> Legs:
        """Choose the calls and measure their ways.

        Parameters
        ----------
        gaps, ports : DataFrame
            Their tables.
        routes : Excursions
        rule : LinkRule
        """
        call = routes.likeliest(_MOST_LEGS)
        arrive, depart = routes.arrive_h[call], routes.depart_h[call]
        port = unit_vectors(ports["lat"].to_numpy(), ports["lon"].to_numpy())[routes.port[call]]
        ends = tuple(unit_vectors(*(gaps[f"{end}_{name}"].to_numpy() for name in ("lat", "lon"))) for end in _ENDS)
        ways = routes.out_nm[call], routes.back_nm[call]
        widths = []
        for end, way in zip(ends, ways, strict=True):
            straight = arc_nm(end[routes.gap[call]], port)
            aside = np.maximum(way**2 - straight**2, 0.0) / 16
            widths.append((_WIDTH_SHARE * way) ** 2 + aside + rule.port_sd_nm**2)
        return cls(
            call=call,
            calls=len(routes.gap),
            first=np.searchsorted(routes.gap[call], np.arange(len(gaps) + 1)),
            arrive_h=arrive,
            depart_h=depart,
            stay_h=np.minimum(rule.service_h, depart - arrive),
            port=port,
            ends=(ends[0], ends[1]),
            way_nm=ways,
            width_nm2=(widths[0], widths[1]),
        )

    def follows(self, call: np.ndarray) -> np.ndarray:
        """Whether the legs of calls are followed, shape (n,)."""
        return self._followed[call]

    @cached_property
    def _followed(self) -> np.ndarray:
        followed = np.zeros(self.calls, dtype=bool)
        followed[self.call] = True
        return followed

    def under_way(self, pairs: pd.DataFrame, place: np.ndarray) -> tuple[np.ndarray, ...]:
        """Density of each pair's ship on its way to each of these ports, or back, if that is what it does.

        Parameters
        ----------
        pairs : DataFrame of n rows
            `gap`, `sighting`, `since_h`, `total_h`.
        place : ndarray of float64, shape (sightings, 3)
            Unit vectors.

        Returns
        -------
        pair, call : ndarray of int64, shape (m,)
            Row of the pair and of the excursions, sorted by pair.
        density : ndarray of float64, shape (m,)
            [1/nm2].
        followed : ndarray of float64, shape (m,)
            Chance that the ship's place at the time is said by this: on these legs, or alongside. What comes after the
            calls of a gap without an end is not followed.
        """
        gap, sighting, since, total = (pairs[name].to_numpy() for name in ("gap", "sighting", "since_h", "total_h"))
        pair, leg = expand(self.first[gap], np.diff(self.first)[gap])
        gap, sighting, since, total = gap[pair], sighting[pair], since[pair], total[pair]
        arrive, depart, stay = self.arrive_h[leg], self.depart_h[leg], self.stay_h[leg]
        density, followed = np.zeros(len(pair)), np.ones(len(pair))
        # The way back is the way out with the clock running backwards from the end.
        for end, way, width, elapsed, soon, late in (
            (self.ends[0], self.way_nm[0], self.width_nm2[0], since, arrive, depart - stay),
            (self.ends[1], self.way_nm[1], self.width_nm2[1], total - since, total - depart, total - arrive - stay),
        ):
            known = np.isfinite(end[:, 0])[gap]
            p = np.clip((late - elapsed) / np.maximum(late - soon, _LEAST_H), 0.0, 1.0)
            followed -= np.where(known, 0.0, p)
            some = np.flatnonzero((p > _LEAST_CHANCE) & known)
            most, least = (np.minimum(elapsed[some] / np.maximum(at[some], _LEAST_H), 1.0) for at in (soon, late))
            here = points_along(end[gap[some]], self.port[leg[some]], (most + least) / 2)
            off = arc_nm(place[sighting[some]], here)
            scale = width[leg[some]] + ((most - least) * way[leg[some]]) ** 2 / 12
            density[some] += p[some] * (1 + off**2 / (_NU * scale)) ** (-_NU / 2 - 1) / (2 * np.pi * scale)
        return pair, self.call[leg], density, followed
