"""The simple ways to link sightings to gaps that everything is shown beside: proximity, and one-to-one assignment.

Each returns LINKS, so that the same evaluation applies to it. None of them knows which ships were broadcasting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import great_circle_nm, interpolate
from darkvoyage.schema.conform import complete, conform, finish
from darkvoyage.schema.tables import GAPS, LINKS, SIGHTINGS
from darkvoyage.schema.times import time_us
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["links_hungarian", "links_nearest", "links_within_50_km"]

KM_50 = 50_000.0 / M_PER_NM
"""Reach of the proximity rule of open projects [nm]."""


def links_within_50_km(gaps: Any, sightings: Any) -> pd.DataFrame:
    """Credit a sighting in equal parts to all gaps that run then and began within 50 km of it.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), conform(sightings, SIGHTINGS)
    gap, sighting = _running(table, seen)
    distance = great_circle_nm(
        table["start_lat"].to_numpy()[gap], table["start_lon"].to_numpy()[gap],
        seen["lat"].to_numpy()[sighting], seen["lon"].to_numpy()[sighting],
    )  # fmt: skip
    near = distance <= KM_50
    gap, sighting = gap[near], sighting[near]
    return _links(table, seen, gap, sighting, 1.0 / np.bincount(sighting, minlength=len(seen))[sighting])


def links_nearest(gaps: Any, sightings: Any, *, gate_nm: float = KM_50) -> pd.DataFrame:
    """Link each sighting to the gap whose ship, going straight on, would have been nearest.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
    gate_nm : float
        Further ones are nobody we know [nm].

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), conform(sightings, SIGHTINGS)
    gap, sighting, distance = _distances(table, seen, gate_nm)
    order = np.lexsort((gap, distance, sighting))
    first = order[np.unique(sighting[order], return_index=True)[1]]
    return _links(table, seen, gap[first], sighting[first], np.ones(len(first)))


def links_hungarian(gaps: Any, sightings: Any, *, gate_nm: float = KM_50) -> pd.DataFrame:
    """Link the sightings of each scene to gaps one to one, with the least sum of distances to the straight way.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
        Without `scene_id` each time counts as a scene.
    gate_nm : float
        A sighting or a gap left alone costs half of this [nm].

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), conform(sightings, SIGHTINGS)
    gap, sighting, distance = _distances(table, seen, gate_nm)
    looks = seen["scene_id"] if "scene_id" in seen else pd.Series(pd.NA, index=seen.index, dtype="str")
    scene = pd.factorize(looks.fillna(seen["timestamp"].astype("str")))[0][sighting]
    pairs = pd.DataFrame({"gap": gap, "sighting": sighting, "distance": distance})
    taken = [_assign(part, gate_nm) for _, part in pairs.groupby(scene, sort=True)]
    chosen = pd.concat(taken) if taken else pairs
    return _links(table, seen, chosen["gap"].to_numpy(), chosen["sighting"].to_numpy(), np.ones(len(chosen)))


def _running(table: pd.DataFrame, seen: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Gap and sighting of all pairs in which the gap was running at the time."""
    at = time_us(seen["timestamp"])
    order = np.argsort(at, kind="stable")
    start = time_us(table["gap_start"])
    end = start + np.round(table["duration_h"].to_numpy() * US_PER_H).astype("int64")
    low, high = np.searchsorted(at[order], start, side="right"), np.searchsorted(at[order], end, side="left")
    gap, index = expand(low, np.maximum(high - low, 0))
    return gap, order[index]


def _distances(table: pd.DataFrame, seen: pd.DataFrame, gate_nm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gap, sighting and distance [nm] from the straight way between the gap's ends; open gaps stay at their start."""
    gap, sighting = _running(table, seen)
    ends = {name: table[name].to_numpy()[gap] for name in ("start_lat", "start_lon", "end_lat", "end_lon")}
    since = time_us(seen["timestamp"])[sighting] - time_us(table["gap_start"])[gap]
    fraction = since / US_PER_H / table["duration_h"].to_numpy()[gap]
    closed = np.isfinite(ends["end_lat"] + ends["end_lon"])
    for axis in ("lat", "lon"):
        ends[f"end_{axis}"] = np.where(closed, ends[f"end_{axis}"], ends[f"start_{axis}"])
    lat, lon = interpolate(ends["start_lat"], ends["start_lon"], ends["end_lat"], ends["end_lon"], fraction)
    distance = great_circle_nm(lat, lon, seen["lat"].to_numpy()[sighting], seen["lon"].to_numpy()[sighting])
    near = distance <= gate_nm
    return gap[near], sighting[near], distance[near]


def _assign(pairs: pd.DataFrame, gate_nm: float) -> pd.DataFrame:
    """Pairs of the cheapest one-to-one assignment of one scene."""
    from scipy.optimize import linear_sum_assignment

    gap, sighting = (pd.factorize(pairs[name])[0] for name in ("gap", "sighting"))
    gain = np.zeros((gap.max() + 1, sighting.max() + 1))
    gain[gap, sighting] = np.maximum(gate_nm - pairs["distance"].to_numpy(), 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    matched = np.full(len(gain), -1)
    matched[rows] = columns
    return pairs[matched[gap] == sighting]


def _links(
    table: pd.DataFrame, seen: pd.DataFrame, gap: np.ndarray, sighting: np.ndarray, p_link: np.ndarray
) -> pd.DataFrame:
    """LINKS from the pairs; what they leave of a sighting is nobody we know."""
    left = 1.0 - np.bincount(sighting, p_link, minlength=len(seen))
    ids = table["gap_id"].to_numpy(dtype=object)[gap]
    rows = pd.DataFrame(
        {
            "gap_id": np.r_[ids, np.full(len(seen), None)],
            "sighting": np.r_[sighting, np.arange(len(seen))],
            "p_link": np.r_[p_link, np.maximum(left, 0.0)],
        }
    ).sort_values(["sighting", "p_link", "gap_id"], ascending=[True, False, True], kind="stable")
    at = rows["sighting"].to_numpy()
    rows = rows.assign(
        rank=rows.groupby("sighting").cumcount() + 1, sighting_id=seen["sighting_id"].to_numpy(dtype=object)[at]
    )
    if "scene_id" in seen:
        rows["scene_id"] = seen["scene_id"].to_numpy(dtype=object)[at]
    return finish(rows.drop(columns="sighting"), LINKS)
