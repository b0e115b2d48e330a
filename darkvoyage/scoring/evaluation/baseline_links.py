"""The simple ways to link sightings to gaps that everything is shown beside: proximity, and one-to-one assignment.

Each returns LINKS, so that the same evaluation applies to it. None of them knows which ships were broadcasting, unless
they stand among the gaps: `with_broadcasters` puts them there, each as a wait of some minutes between two fixes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.gaps.find import find_gaps
from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import angle_difference, great_circle_nm, interpolate
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import complete, conform, finish
from darkvoyage.schema.tables import GAPS, LINKS, SIGHTINGS
from darkvoyage.schema.times import time_us
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["links_by_density", "links_hungarian", "links_nearest", "links_within_50_km", "with_broadcasters"]

KM_50 = 50_000.0 / M_PER_NM
"""Reach of the proximity rule of open projects [nm]."""
_KM_PER_NM = M_PER_NM / 1000.0
_SCALE_KM2, _POWER_T, _POWER_F, _NU = 2.485**2, 2.93, 3.06, 1.48
_ERROR_KM = 0.1
"""Heavy-tailed errors of the cubic Hermite bridge, as fitted to masked tracks [km, h], and of the position seen."""
_ON_AIR = "on air "
_ON_AIR_H = 1.0
"""Ships with fixes no further apart than this around a time are on the air, and between them at that time [h]."""


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


def links_hungarian(gaps: Any, sightings: Any, *, gate_nm: float = KM_50, way: str = "straight") -> pd.DataFrame:
    """Link the sightings of each scene to gaps one to one, with the least sum of distances to the way.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
        Without `scene_id` each time counts as a scene.
    gate_nm : float
        A sighting or a gap left alone costs half of this [nm].
    way : {"straight", "curved"}
        Between the gap's ends; curved: the cubic Hermite polynomial of both positions and velocities.

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), conform(sightings, SIGHTINGS)
    gap, sighting, distance = _distances(table, seen, gate_nm, way)
    return _one_to_one(table, seen, gap, sighting, gate_nm - distance)


def links_by_density(
    gaps: Any, sightings: Any, *, gate_nm: float = KM_50, background_per_km2: float = 1e-3
) -> pd.DataFrame:
    """Link the sightings of each scene to gaps one to one, with the largest product of ratios of density.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
        Without `scene_id` each time counts as a scene.
    gate_nm : float
        Further off the curved way no density is computed [nm].
    background_per_km2 : float
        Density of ships nobody knows; where a gap's ship is less dense, the sighting is left alone.

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), conform(sightings, SIGHTINGS)
    gap, sighting, distance = _distances(table, seen, gate_nm, "curved")
    total = table["duration_h"].to_numpy()[gap]
    fraction = np.clip(_since_h(table, seen, gap, sighting) / total, 0.0, 1.0)
    scale = _SCALE_KM2 * total**_POWER_T * (fraction * (1 - fraction)) ** _POWER_F + _ERROR_KM**2
    density = (1 + (distance * _KM_PER_NM) ** 2 / (_NU * scale)) ** (-_NU / 2 - 1) / (2 * np.pi * scale)
    return _one_to_one(table, seen, gap, sighting, np.log(density / background_per_km2))


def with_broadcasters(gaps: Any, fixes: Any) -> pd.DataFrame:
    """Put the waits between fixes beside the gaps, as rows that links take for nobody we know.

    Parameters
    ----------
    gaps : GAPS table
        Of these fixes.
    fixes : FIXES table
        Cleaned.

    Returns
    -------
    GAPS table
        `gap_id` of the waits begins with "on air ".
    """
    table = complete(gaps, GAPS)
    waits = find_gaps(fixes, rule=GapRule(min_gap_h=1.0 / 3600.0))
    waits = waits[waits["is_closed"] & (waits["duration_h"] <= _ON_AIR_H) & ~waits["gap_id"].isin(table["gap_id"])]
    return pd.concat([table, waits.assign(gap_id=_ON_AIR + waits["gap_id"])], ignore_index=True)


def _running(table: pd.DataFrame, seen: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Gap and sighting of all pairs in which the gap was running at the time."""
    at = time_us(seen["timestamp"])
    order = np.argsort(at, kind="stable")
    start = time_us(table["gap_start"])
    end = start + np.round(table["duration_h"].to_numpy() * US_PER_H).astype("int64")
    low, high = np.searchsorted(at[order], start, side="right"), np.searchsorted(at[order], end, side="left")
    gap, index = expand(low, np.maximum(high - low, 0))
    return gap, order[index]


def _since_h(table: pd.DataFrame, seen: pd.DataFrame, gap: np.ndarray, sighting: np.ndarray) -> np.ndarray:
    return (time_us(seen["timestamp"])[sighting] - time_us(table["gap_start"])[gap]) / US_PER_H


def _distances(
    table: pd.DataFrame, seen: pd.DataFrame, gate_nm: float, way: str = "straight"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gap, sighting and distance [nm] from the way between the gap's ends; open gaps stay at their start."""
    if way not in ("straight", "curved"):
        raise RuleError(f"way = {way!r}: expected one of straight, curved")
    gap, sighting = _running(table, seen)
    ends = {name: table[name].to_numpy()[gap] for name in ("start_lat", "start_lon", "end_lat", "end_lon")}
    total = table["duration_h"].to_numpy()[gap]
    fraction = _since_h(table, seen, gap, sighting) / total
    closed = np.isfinite(ends["end_lat"] + ends["end_lon"])
    for axis in ("lat", "lon"):
        ends[f"end_{axis}"] = np.where(closed, ends[f"end_{axis}"], ends[f"start_{axis}"])
    lat, lon = interpolate(ends["start_lat"], ends["start_lon"], ends["end_lat"], ends["end_lon"], fraction)
    seen_lat, seen_lon = (seen[name].to_numpy()[sighting] for name in ("lat", "lon"))
    distance = great_circle_nm(lat, lon, seen_lat, seen_lon)
    if way == "curved":
        bend_north, bend_east = _bend(table, gap, ends, total, fraction)
        narrow = np.cos(np.radians(lat))
        curved_lon = lon + bend_east / 60.0 / narrow
        curved = great_circle_nm(lat + bend_north / 60.0, curved_lon, seen_lat, seen_lon)
        distance = np.where(np.isfinite(curved), curved, distance)
    near = distance <= gate_nm
    return gap[near], sighting[near], distance[near]


def _bend(
    table: pd.DataFrame, gap: np.ndarray, ends: dict[str, np.ndarray], total: np.ndarray, fraction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """North and east of the straight way by the cubic Hermite polynomial [nm]; NaN where an end has no velocity."""
    narrow = np.cos(np.radians((ends["start_lat"] + ends["end_lat"]) / 2))
    north = (ends["end_lat"] - ends["start_lat"]) * 60.0 / total
    east = angle_difference(ends["end_lon"], ends["start_lon"]) * 60.0 * narrow / total
    bends = []
    for mean, part in ((north, np.cos), (east, np.sin)):
        speeds = []
        for end in ("start", "end"):
            course = np.radians(table[f"{end}_cog"].to_numpy(dtype="float64", na_value=np.nan)[gap])
            speed = table[f"{end}_sog"].to_numpy(dtype="float64", na_value=np.nan)[gap]
            # A ship that does not move needs no course.
            speeds.append(np.where(speed == 0, 0.0, speed * part(course)))
        first, last = (speed - mean for speed in speeds)
        bends.append(total * fraction * (1 - fraction) * ((1 - fraction) * first - fraction * last))
    return bends[0], bends[1]


def _one_to_one(
    table: pd.DataFrame, seen: pd.DataFrame, gap: np.ndarray, sighting: np.ndarray, gain: np.ndarray
) -> pd.DataFrame:
    """LINKS of the pairs with the largest sum of gains in each scene; what gains nothing is left alone."""
    looks = seen["scene_id"] if "scene_id" in seen else pd.Series(pd.NA, index=seen.index, dtype="str")
    scene = pd.factorize(looks.fillna(seen["timestamp"].astype("str")))[0][sighting]
    pairs = pd.DataFrame({"gap": gap, "sighting": sighting, "gain": gain})[gain > 0]
    taken = [_assign(part) for _, part in pairs.groupby(scene[gain > 0], sort=True)]
    chosen = pd.concat(taken) if taken else pairs
    return _links(table, seen, chosen["gap"].to_numpy(), chosen["sighting"].to_numpy(), np.ones(len(chosen)))


def _assign(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of the one-to-one assignment of one scene with the largest gain."""
    from scipy.optimize import linear_sum_assignment

    gap, sighting = (pd.factorize(pairs[name])[0] for name in ("gap", "sighting"))
    gain = np.zeros((gap.max() + 1, sighting.max() + 1))
    gain[gap, sighting] = pairs["gain"].to_numpy()
    rows, columns = linear_sum_assignment(gain, maximize=True)
    matched = np.full(len(gain), -1)
    matched[rows] = columns
    return pairs[matched[gap] == sighting]


def _links(
    table: pd.DataFrame, seen: pd.DataFrame, gap: np.ndarray, sighting: np.ndarray, p_link: np.ndarray
) -> pd.DataFrame:
    """LINKS from the pairs; what they leave of a sighting is nobody we know, as is a ship on the air."""
    silent = ~table["gap_id"].str.startswith(_ON_AIR).to_numpy(dtype=bool)[gap]
    gap, sighting, p_link = gap[silent], sighting[silent], p_link[silent]
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
