"""Ships under way to a port inside a gap, or back from it.

Where on the leg follows from the time: the ship keeps one pace until it arrives, and arrives at any time that leaves
room for its stay. The leg is taken along the great circle; a way by sea that is longer widens the density by half of
the detour's height, that of the triangle of two halves of the way over the great circle. Besides, widths are 15 % of
the leg, and a round Student-t has the tails.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import great_circle_nm, interpolate
from darkvoyage.linking.places import Excursions
from darkvoyage.rules.linking import LinkRule

__all__ = ["MOST_LEGS", "under_way"]

MOST_LEGS = 3
"""Legs of so many calls of a gap are followed, the likeliest."""
_WIDTH_SHARE, _NU = 0.15, 3.0
_LEAST_CHANCE, _LEAST_H = 1e-3, 1e-6


def under_way(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
    rule: LinkRule,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Density of a ship on its way to the likeliest ports of its gap, or back from them.

    Parameters
    ----------
    pairs : DataFrame of n rows
        `gap`, `sighting`, `since_h`, `total_h`.
    gaps, sightings, ports : DataFrame
        Their tables.
    routes : Excursions
    rule : LinkRule

    Returns
    -------
    density : ndarray of float64, shape (n,)
        [1/nm2].
    followed : ndarray of float64, shape (n,)
        Chance of the calls whose place at the time is said by this: on these legs, or alongside. What comes after the
        calls of a gap without an end is not followed.
    """
    top = routes.likeliest(MOST_LEGS)
    first = np.searchsorted(routes.gap[top], np.arange(len(gaps) + 1))
    of_pair = pairs["gap"].to_numpy()
    pair, index = expand(first[of_pair], np.diff(first)[of_pair])
    row = top[index]
    since, total = (pairs[name].to_numpy()[pair] for name in ("since_h", "total_h"))
    arrive, depart = routes.arrive_h[row], routes.depart_h[row]
    stay = np.minimum(rule.service_h, depart - arrive)
    density, followed = np.zeros(len(pairs)), np.bincount(pair, routes.weight[row], minlength=len(pairs))
    # The way back is the way out with the clock running backwards from the end.
    for end, way_nm, elapsed, soon, late in (
        ("start", routes.out_nm[row], since, arrive, depart - stay),
        ("end", routes.back_nm[row], total - since, total - depart, total - arrive - stay),
    ):
        known = np.isfinite(gaps[f"{end}_lat"].to_numpy()[of_pair[pair]])
        p = routes.weight[row] * np.clip((late - elapsed) / np.maximum(late - soon, _LEAST_H), 0.0, 1.0)
        followed -= np.bincount(pair, np.where(known, 0.0, p), minlength=len(pairs))
        some = np.flatnonzero((p > _LEAST_CHANCE * routes.weight[row]) & known)
        most, least = (np.minimum(elapsed[some] / np.maximum(at[some], _LEAST_H), 1.0) for at in (soon, late))
        gap, port, sighting = of_pair[pair[some]], routes.port[row[some]], pairs["sighting"].to_numpy()[pair[some]]
        end_lat, end_lon = (gaps[f"{end}_{name}"].to_numpy()[gap] for name in ("lat", "lon"))
        port_lat, port_lon = (ports[name].to_numpy()[port] for name in ("lat", "lon"))
        lat, lon = (sightings[name].to_numpy()[sighting] for name in ("lat", "lon"))
        here_lat, here_lon = interpolate(end_lat, end_lon, port_lat, port_lon, (most + least) / 2)
        off = great_circle_nm(lat, lon, here_lat, here_lon)
        way, straight = way_nm[some], great_circle_nm(end_lat, end_lon, port_lat, port_lon)
        aside = np.maximum(way**2 - straight**2, 0.0) / 16
        scale = (_WIDTH_SHARE * way) ** 2 + ((most - least) * way) ** 2 / 12 + aside + rule.port_sd_nm**2
        part = p[some] * (1 + off**2 / (_NU * scale)) ** (-_NU / 2 - 1) / (2 * np.pi * scale)
        density += np.bincount(pair[some], part, minlength=len(pairs))
    return density, followed
