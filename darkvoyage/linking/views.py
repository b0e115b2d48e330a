"""What scenes could have shown: the ports in them, and the chance that a ship was in the picture and detected."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import interpolate
from darkvoyage.linking.laws import imager_of
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.sensors import detection_chance
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["calls_in_view", "detection_ratio", "ports_in_scenes", "share_in_scene"]


def ports_in_scenes(scenes: pd.DataFrame, ports: pd.DataFrame, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scene and port (row numbers) of all ports inside a footprint, sorted by (scene, port).

    Parameters
    ----------
    scenes : SCENES table
    ports : PORTS table of p rows
    which : ndarray of bool, shape (p,)
        The ports asked for.

    Returns
    -------
    scene, port : ndarray of int64, shape (pairs,)
    """
    import shapely

    some = np.flatnonzero(which)
    if len(scenes) == 0 or len(some) == 0:
        return np.empty(0, "int64"), np.empty(0, "int64")
    points = shapely.points(ports["lon"].to_numpy()[some], ports["lat"].to_numpy()[some])
    point, scene = shapely.STRtree(_footprints(scenes)).query(points, predicate="intersects")
    order = np.lexsort((some[point], scene))
    return scene[order], some[point[order]]


def calls_in_view(
    gaps: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, which: np.ndarray, rule: LinkRule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the scenes of each port in the time of each call that is possible there.

    Parameters
    ----------
    gaps, scenes : DataFrame
        Their tables.
    ports : PORTS table of p rows
    routes : Excursions
    which : ndarray of bool, shape (p,)
        The ports asked for.
    rule : LinkRule

    Returns
    -------
    call, scene : ndarray of int64, shape (n,)
        Row of `routes`, row of `scenes`.
    chance : ndarray of float64, shape (n,)
        Of seeing the gap's ship in the scene, given the call.
    """
    scene, port = ports_in_scenes(scenes, ports, which)
    call = np.flatnonzero(np.isin(routes.port, np.unique(port)))
    # Scenes of each port in time order; for each possible call the scenes within its window.
    at = time_us(scenes["timestamp"])[scene]
    order = np.lexsort((at, port))
    scene, port, at = scene[order], port[order], at[order]
    start = time_us(gaps["gap_start"])
    arrive, depart = (
        start[routes.gap[call]] + np.round(hours[call] * US_PER_H).astype("int64")
        for hours in (routes.arrive_h, routes.depart_h)
    )
    low = search_groups(port, at, routes.port[call], arrive, side="left")
    high = search_groups(port, at, routes.port[call], depart, side="left")
    owner, index = expand(low, np.maximum(high - low, 0))
    row, look = call[owner], scene[index]
    gap = routes.gap[row]
    since = (at[index] - start[gap]) / US_PER_H
    clear = scenes["clear_fraction"].to_numpy()[look] if "clear_fraction" in scenes else np.full(len(look), np.nan)
    imager = imager_of(scenes)[look]
    seen = detection_chance(gaps["length_m"].to_numpy()[gap], clear, rule.p_detect_max, imager=imager)
    return row, look, seen * routes.dwell(row, since, rule)


def share_in_scene(
    pairs: pd.DataFrame, scene: np.ndarray, gaps: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame,
    routes: Excursions, rule: LinkRule,
) -> np.ndarray:  # fmt: skip
    """Chance that the gap's ship was inside the footprint at the time, before looking, shape (n,).

    Lying at a port of the footprint, or going straight on with the expected place in it. What is spread over the whole
    prism adds next to nothing to one footprint, and is left out.

    Parameters
    ----------
    pairs : DataFrame of n rows
        `gap`, `since_h`, `total_h`.
    scene : ndarray of int64, shape (n,)
        Row of the pair's scene, -1 where it is not known: then 0.
    gaps, scenes, ports : DataFrame
        Their tables.
    routes : Excursions
    rule : LinkRule
    """
    import shapely

    known = np.flatnonzero(scene >= 0)
    if len(known) == 0:
        return np.zeros(len(pairs))
    gap, since = pairs["gap"].to_numpy()[known], pairs["since_h"].to_numpy()[known]
    of_scene, port = ports_in_scenes(scenes, ports, np.ones(len(ports), dtype=bool))
    first = np.searchsorted(of_scene, np.arange(len(scenes) + 1))
    owner, index = expand(first[scene[known]], np.diff(first)[scene[known]])
    row = routes.find(gap[owner], port[index])
    owner, row = owner[row >= 0], row[row >= 0]
    lying = np.bincount(owner, routes.weight[row] * routes.dwell(row, since[owner], rule), minlength=len(known))
    lat0, lon0, lat1, lon1 = (gaps[name].to_numpy()[gap] for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    lat, lon = interpolate(lat0, lon0, lat1, lon1, since / pairs["total_h"].to_numpy()[known])
    footprints = _footprints(scenes)
    shapely.prepare(footprints)
    passing = shapely.contains_xy(footprints[scene[known]], lon, lat)
    straight = (1.0 - routes.calling[gap]) * rule.share_bridge / (rule.share_bridge + rule.share_prism)
    out = np.zeros(len(pairs))
    out[known] = np.minimum(lying + straight * passing, 1.0)
    return out


def detection_ratio(
    length_m: np.ndarray, inside: np.ndarray, scene: np.ndarray, scenes: pd.DataFrame, rule: LinkRule
) -> np.ndarray:
    """Log ratio of being seen where the sighting is, against being missed or elsewhere [nats], shape (n,).

    Parameters
    ----------
    length_m : ndarray of float64, shape (n,)
        Of the ships, NaN where unknown.
    inside : ndarray of float64, shape (n,)
        Chance that the ship was in the scene.
    scene : ndarray of int64, shape (n,)
        Row of the scene, -1 where it is not known.
    scenes : SCENES table
    rule : LinkRule
    """
    imager = np.append(imager_of(scenes), "")[scene]
    full = detection_chance(length_m, np.ones(len(length_m)), rule.p_detect_max, imager=imager)
    clear = np.ones(len(length_m))
    if "clear_fraction" in scenes and len(scenes):
        clear = np.nan_to_num(scenes["clear_fraction"].to_numpy(), nan=1.0)[scene]
    return np.log(full) - np.log1p(-full * clear * inside)


def _footprints(scenes: pd.DataFrame) -> np.ndarray:
    import shapely

    return np.asarray(shapely.from_wkt(scenes["footprint"].to_numpy(dtype=object)))
