"""Which gap's ship a sighting shows: probabilities over the candidates and "nobody we know"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.linking.candidates import candidates
from darkvoyage.linking.explain import explained_weight
from darkvoyage.linking.likelihood import pair_evidence, unknown_density
from darkvoyage.linking.places import Excursions, excursions
from darkvoyage.linking.sensors import detection_chance
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import complete, conform, empty, finish
from darkvoyage.schema.tables import FIXES, GAPS, LINKS, PORTS, SCENES, SIGHTINGS, VESSELS
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["link_sightings"]

_ROUNDS = 5
_LENGTH_PRIOR, _PORT_PRIOR = 20.0, 3.0
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
    pairs, routes = _learn(candidates(table, seen, rule), table, seen, places, routes, background, explained, rule)
    linked = _probabilities(pairs, table, seen, places, explained)
    absent = _absences(table, looks, places, routes, pairs, seen, rule)
    parts = [part for part in (linked, absent) if len(part)]
    return finish(pd.concat(parts, ignore_index=True), LINKS) if parts else empty(LINKS)


def _learn(
    found: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
    background: np.ndarray, explained: np.ndarray, rule: LinkRule,
) -> tuple[pd.DataFrame, Excursions]:  # fmt: skip
    """Weigh all pairs; learn on the way how long unknown ships are here, and which ports the sightings point to.

    Expectation-maximisation with the rule's values as prior: `_LENGTH_PRIOR` ships of the usual lengths, and
    `_PORT_PRIOR` calls as the detour alone would have them.
    """
    unknown, lifted = (rule.unknown_length_m, rule.unknown_length_log_sd), routes
    for _ in range(_ROUNDS):
        pairs = pair_evidence(found, gaps, sightings, ports, lifted, background, unknown, rule)
        pairs = pairs[pairs["llr_total"] >= rule.min_llr].reset_index(drop=True)
        weight = np.exp(np.clip(pairs["llr_total"].to_numpy(), -700, 700))
        total = np.bincount(pairs["sighting"], weight, minlength=len(sightings)) + 1.0 + explained
        unknown = _unknown_lengths(sightings, 1.0 / total, rule)
        lifted = routes.lifted(_port_lift(pairs, weight / total[pairs["sighting"]], routes, len(ports), rule))
    return pairs, lifted


def _unknown_lengths(sightings: pd.DataFrame, p_unknown: np.ndarray, rule: LinkRule) -> tuple[float, float]:
    """Median and log spread of the lengths of sightings, each as far as it is nobody we know."""
    if "length_m" not in sightings:
        return rule.unknown_length_m, rule.unknown_length_log_sd
    length = sightings["length_m"].to_numpy()
    known = length > 0
    log, weight = np.log(length[known]), p_unknown[known]
    number = weight.sum() + _LENGTH_PRIOR
    usual = np.log(rule.unknown_length_m)
    mean = (weight @ log + _LENGTH_PRIOR * usual) / number
    prior = rule.unknown_length_log_sd**2 + (usual - mean) ** 2
    variance = (weight @ (log - mean) ** 2 + _LENGTH_PRIOR * prior) / number
    return float(np.exp(mean)), float(np.sqrt(variance))


def _port_lift(pairs: pd.DataFrame, p_link: np.ndarray, routes: Excursions, number: int, rule: LinkRule) -> np.ndarray:
    """How much oftener gaps call at each port than the detour alone says, over the gaps with a sighting there."""
    at = np.flatnonzero(pairs["port"].to_numpy() >= 0)
    table = pairs.iloc[at][["gap", "port"]].assign(p=p_link[at] * pairs["p_at_port"].to_numpy()[at])
    table = table.groupby(["gap", "port"], sort=True)["p"].sum().clip(upper=1.0).reset_index()
    row = routes.find(table["gap"].to_numpy(), table["port"].to_numpy())
    seen = np.bincount(table["port"], table["p"], minlength=max(number, 1))
    usual = np.bincount(table["port"], rule.share_excursion * routes.weight[row], minlength=max(number, 1))
    return (_PORT_PRIOR + seen) / (_PORT_PRIOR + usual)


def _gaps_with_lengths(gaps: Any, vessels: Any) -> pd.DataFrame:
    table = complete(gaps, GAPS)
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
