"""Which gap's ship a sighting shows: probabilities over the candidates and "nobody we know"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import LinkRule
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.linking.explain import explained_weight
from darkvoyage.linking.likelihood import candidates, pair_evidence, unknown_density
from darkvoyage.linking.places import Excursions, excursions
from darkvoyage.linking.sensors import detection_chance
from darkvoyage.schema.conform import conform, empty, finish
from darkvoyage.schema.tables import FIXES, GAPS, LINKS, PORTS, SCENES, SIGHTINGS, VESSELS
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["link_sightings"]

_MEASURES = ("llr_position", "llr_length", "llr_heading", "llr_class", "llr_total", "p_at_port", "p_at_port_prior")


def link_sightings(
    gaps: Any, sightings: Any, *, scenes: Any = None, fixes: Any = None, ports: Any = None, vessels: Any = None,
    rule: LinkRule | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Weigh each sighting against every gap whose ship could have been there, and against nobody we know.

    A pair's likelihood ratio is the density of the gap's ship at that place and time (going straight on, calling at a
    port and coming back, anywhere in the space-time prism) over the density of ships nobody told us about, times the
    ratios of length, heading and class. Ships that were broadcasting explain a sighting first.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
    scenes : SCENES table, optional
        Scenes that show a sensitive port without a matching ship are evidence too.
    fixes : FIXES table, optional
        Broadcasting ships; best cleaned.
    ports : PORTS table, optional
        Where excursions may lead. Without ports the excursion share is spread over the prism.
    vessels : VESSELS table, optional
        Lengths, where the gaps have none.
    rule : LinkRule, optional

    Returns
    -------
    LINKS table
        Per sighting one row per candidate gap and one with null `gap_id`: nobody we know, or a ship that was
        broadcasting; their `p_link` sum to 1. `p_at_port` is the share of the link that is a call at `port_id`,
        `p_at_port_prior` the weight of that call before the sighting. Rows with null `sighting_id` say that the gap's
        ship was not seen at `port_id` in a scene (`llr_absence`).

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or LinkRule()
    table, seen = _gaps_with_lengths(gaps, vessels), conform(sightings, SIGHTINGS)
    places = conform(ports, PORTS) if ports is not None else empty(PORTS)
    looks = conform(scenes, SCENES) if scenes is not None else empty(SCENES)
    routes = excursions(table, places, rule)
    background = unknown_density(seen, places, rule)
    explained = (
        explained_weight(seen, _track_table(fixes), background, rule) if fixes is not None else np.zeros(len(seen))
    )
    pairs = pair_evidence(candidates(table, seen, rule), table, seen, places, routes, background, rule)
    pairs = pairs[pairs["llr_total"] >= rule.min_llr].reset_index(drop=True)
    linked = _probabilities(pairs, table, seen, places, explained)
    absent = _absences(table, looks, places, routes, pairs, seen, rule)
    parts = [part for part in (linked, absent) if len(part)]
    return finish(pd.concat(parts, ignore_index=True), LINKS) if parts else empty(LINKS)


def _gaps_with_lengths(gaps: Any, vessels: Any) -> pd.DataFrame:
    table = conform(gaps, GAPS)
    for name in ("length_m", "ship_type"):
        if name not in table:
            table[name] = pd.Series(np.nan, index=table.index, dtype="float64" if name == "length_m" else "Int16")
    if vessels is not None:
        known = conform(vessels, VESSELS).drop_duplicates("mmsi").set_index("mmsi").reindex(table["mmsi"]).reset_index()
        for name in ("length_m", "ship_type"):
            if name in known:
                table[name] = known[name].fillna(table[name]) if name == "length_m" else table[name].fillna(known[name])
    return table


def _track_table(fixes: Any) -> pd.DataFrame:
    table = conform(fixes, FIXES)
    if "track_id" not in table:
        table["track_id"] = table["mmsi"].astype("str")
    if "flag" not in table:
        lost = table["lat"].isna() | table["lon"].isna()
        table["flag"] = pd.Series("no_position", index=table.index, dtype="str").where(lost)
    return table


def _probabilities(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, explained: np.ndarray
) -> pd.DataFrame:
    """Candidates and "nobody" per sighting, as probabilities with ranks."""
    number = len(sightings)
    sighting = np.r_[pairs["sighting"].to_numpy(), np.arange(number)]
    weight = np.r_[np.exp(np.clip(pairs["llr_total"].to_numpy(), -700, 700)), 1.0 + explained]
    p_link = weight / np.bincount(sighting, weight, minlength=number)[sighting]
    gap = np.r_[pairs["gap"].to_numpy(), np.full(number, -1)]
    port = np.r_[pairs["port"].to_numpy(), np.full(number, -1)]
    # Equal probabilities are ranked by gap, so that the order of the input never shows.
    ids = gaps["gap_id"].to_numpy(dtype=object)
    name = np.array([""] * len(gap), dtype=object)
    name[gap >= 0] = ids[gap[gap >= 0]]
    order = np.lexsort((name.astype("U"), -p_link, sighting))
    rank = np.empty(len(gap), dtype="int64")
    start = np.flatnonzero(np.r_[True, sighting[order][1:] != sighting[order][:-1]]) if len(order) else order
    rank[order] = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)])) + 1
    columns: dict[str, Any] = {
        "gap_id": _names(gaps["gap_id"], gap),
        "sighting_id": sightings["sighting_id"].to_numpy(dtype=object)[sighting],
        "scene_id": sightings["scene_id"].to_numpy(dtype=object)[sighting] if "scene_id" in sightings else None,
        "p_link": p_link,
        "rank": rank,
        "port_id": _names(ports["port_id"], port),
    }
    for column in (
        "llr_position",
        "llr_length",
        "llr_heading",
        "llr_class",
        "llr_total",
        "p_at_port",
        "p_at_port_prior",
    ):
        columns[column] = np.r_[pairs[column].to_numpy(), np.full(number, np.nan)]
    return pd.DataFrame(columns)


def _names(ids: pd.Series, index: np.ndarray) -> np.ndarray:
    out = np.full(len(index), None, dtype=object)
    out[index >= 0] = ids.to_numpy(dtype=object)[index[index >= 0]]
    return out


def _absences(
    gaps: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, pairs: pd.DataFrame,
    sightings: pd.DataFrame, rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """Scenes of sensitive ports taken in a gap that show no ship which could be the gap's."""
    scene, port = _ports_in_scenes(scenes, ports)
    call = np.flatnonzero(np.isin(routes.port, np.unique(port)))
    # Scenes of each port in time order; for each possible call the scenes within its window.
    at = time_us(scenes["timestamp"])[scene] if len(scenes) else np.empty(0, "int64")
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
    seen = detection_chance(gaps["length_m"].to_numpy()[gap], clear, rule.p_detect_max) * routes.dwell(row, since, rule)
    keep = (seen > 0.01) & ~_matched(gap, routes.port[row], look, gaps, ports, scenes, pairs, sightings, rule)
    return pd.DataFrame(
        {
            "gap_id": gaps["gap_id"].to_numpy(dtype=object)[gap[keep]],
            "scene_id": scenes["scene_id"].to_numpy(dtype=object)[look[keep]],
            "port_id": ports["port_id"].to_numpy(dtype=object)[routes.port[row[keep]]],
            "llr_absence": np.log1p(-seen[keep]),
        }
    )


def _ports_in_scenes(scenes: pd.DataFrame, ports: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Scene and port of all sensitive ports inside a footprint."""
    import shapely

    sensitive = np.flatnonzero(ports["sensitive"].to_numpy(dtype=bool))
    if len(scenes) == 0 or len(sensitive) == 0:
        return np.empty(0, "int64"), np.empty(0, "int64")
    footprints = shapely.from_wkt(scenes["footprint"].to_numpy(dtype=object))
    points = shapely.points(ports["lon"].to_numpy()[sensitive], ports["lat"].to_numpy()[sensitive])
    point, scene = shapely.STRtree(footprints).query(points, predicate="intersects")
    return scene, sensitive[point]


def _matched(
    gap: np.ndarray, port: np.ndarray, look: np.ndarray, gaps: pd.DataFrame, ports: pd.DataFrame,
    scenes: pd.DataFrame, pairs: pd.DataFrame, sightings: pd.DataFrame, rule: LinkRule,
) -> np.ndarray:  # fmt: skip
    """Whether a scene has a sighting near the port that stays a candidate for the gap."""
    if "scene_id" not in sightings or len(pairs) == 0:
        return np.zeros(len(gap), dtype=bool)
    known = pd.Index(scenes["scene_id"])
    seen_in = known.get_indexer(pd.Index(sightings["scene_id"].to_numpy(dtype=object)[pairs["sighting"]]))
    at_port = pairs["port"].to_numpy()
    usable = (seen_in >= 0) & (at_port >= 0)
    width, height = len(scenes) + 1, len(ports) + 1
    key = (pairs["gap"].to_numpy()[usable] * height + at_port[usable]) * width + seen_in[usable]
    return np.isin((gap * height + port) * width + look, key)
