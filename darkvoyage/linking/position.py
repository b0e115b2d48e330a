"""Where the ship of a gap may have been when a sighting was taken: on its way, on a call at a port, anywhere in reach.

The density is a mixture with stated weights. Going on: the bridges of `kernels.bridges`, or the last course where the
gap has no end. A call: lying at the port, or under way to it and back. Anywhere: even over the water of the space-time
prism.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import (
    Branch,
    branches,
    gaussian_density,
    local_offset,
    open_branches,
    student_density,
)
from darkvoyage.kernels.spans import group_starts
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.places import Excursions, near_ports, pairs_with_ports
from darkvoyage.linking.underway import MOST_LEGS, under_way
from darkvoyage.rules.linking import LinkRule

__all__ = ["ROADS_NM", "ROADS_SHARE", "port_spread_nm", "position_density"]

ROADS_NM, ROADS_SHARE = 4.0, 0.3
"""Ships wait in the roads before and after: a third of the sightings of ships on a call in simulated development worlds
lie 4 to 7 nm from the port."""
_BLOCK = 1 << 19
"""Pairs at a time."""
_ENDS = ("start", "end")
_BENIGN = ("density", "velocity_east_kn", "velocity_north_kn", "course_spread_deg")


def position_density(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
    errors: PositionErrors, rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """Work out the density of each gap's ship at the place and time of each sighting.

    Parameters
    ----------
    pairs : DataFrame of n rows
        Of `candidates`: `gap`, `sighting`, `since_h`, `total_h`, `area_nm2`, `closed`.
    gaps, sightings, ports : DataFrame
        Their tables.
    routes : Excursions
    errors : PositionErrors
        Of the sightings.
    rule : LinkRule

    Returns
    -------
    DataFrame of n rows
        `density` [1/nm2]; `benign`, `excursion`, `prism`, the shares of it, which sum to 1; `port`, row of the port
        that the sighting speaks for most, -1 without one; `p_at_port`, the share of that call in the density, and
        `p_at_port_prior`, its chance before, both null without a port; `velocity_east_kn`, `velocity_north_kn`,
        `course_spread_deg` of a ship that goes on, null where its speed is not known.
    """
    benign = pd.concat(list(_going_on(pairs, gaps, sightings, errors)), ignore_index=True)
    gap = pairs["gap"].to_numpy()
    calling = routes.calling(len(gaps))[gap]
    going_on = rule.share_bridge / (rule.share_bridge + rule.share_prism) * (1.0 - calling)
    at_port = _at_ports(pairs, sightings, ports, routes, rule)
    on_leg, followed = under_way(pairs, gaps, sightings, ports, routes, rule)
    anywhere = 1.0 / (pairs["area_nm2"].to_numpy() * routes.water[gap])
    # Less likely calls whose port is not near may be anywhere in the prism.
    rest = np.maximum(calling - followed - at_port["lying"].to_numpy(), 0.0)
    parts = {
        "benign": going_on * benign["density"].to_numpy(),
        "excursion": at_port["density"].to_numpy() + on_leg + rest * anywhere,
        "prism": (1.0 - calling - going_on) * anywhere,
    }
    density = parts["benign"] + parts["excursion"] + parts["prism"]
    seen = at_port["port"].to_numpy() >= 0
    return pd.DataFrame(
        {
            "density": density,
            **{name: part / density for name, part in parts.items()},
            "port": at_port["port"],
            "p_at_port": np.where(seen, at_port["best"] / density, np.nan),
            "p_at_port_prior": np.where(seen, at_port["prior"], np.nan),
            **{name: benign[name] for name in ("velocity_east_kn", "velocity_north_kn", "course_spread_deg")},
        }
    )


def port_spread_nm(ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Spread of berths around each port's position [nm], shape (p,).

    Parameters
    ----------
    ports : PORTS table of p rows
    rule : LinkRule
    """
    return np.maximum(rule.port_sd_nm, ports["radius_nm"].to_numpy() / 2)


def _going_on(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, errors: PositionErrors
) -> Iterator[pd.DataFrame]:
    """Density and velocity of ships that go on, block by block; the first block is empty."""
    ends = {name: gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")}
    end = local_offset(*ends.values())
    velocity = [part for which in _ENDS for part in _velocity(gaps, which)]
    lat, lon = (sightings[name].to_numpy() for name in ("lat", "lon"))
    columns = [pairs[name].to_numpy() for name in ("gap", "sighting", "since_h", "total_h", "closed")]
    for low in range(0, max(len(pairs), 1), _BLOCK):
        gap, sighting, since, total, closed = (column[low : low + _BLOCK] for column in columns)
        at = local_offset(ends["start_lat"][gap], ends["start_lon"][gap], lat[sighting], lon[sighting])
        out = {name: np.full(len(gap), np.nan) for name in _BENIGN}
        for some in (np.flatnonzero(closed), np.flatnonzero(~closed)):
            if len(some) == 0:
                continue
            v = [part[gap[some]] for part in velocity]
            if closed[some[0]]:
                ways = branches(
                    end[0][gap[some]], end[1][gap[some]], (v[0], v[1], v[2], v[3]), total[some], since[some]
                )
            else:
                ways = open_branches(v[0], v[1], since[some])
            for name, values in zip(
                _BENIGN, _mixed(ways, at[0][some], at[1][some], sighting[some], errors), strict=True
            ):
                out[name][some] = values
        yield pd.DataFrame(out)


def _mixed(
    ways: list[Branch], x: np.ndarray, y: np.ndarray, sighting: np.ndarray, errors: PositionErrors
) -> tuple[np.ndarray, ...]:
    """Density at a point that appears where the velocity displaces it, and velocity given the point."""
    east, north = (_mean(ways, [way.weight for way in ways], name) for name in ("velocity_x", "velocity_y"))
    shift_x, shift_y, shift_sd = errors.shift(sighting, east, north, _velocity_sd(ways, east, north))
    error = np.hypot(errors.sd_nm[sighting], shift_sd)
    parts = [way.weight * student_density(x - shift_x, y - shift_y, way, error) for way in ways]
    density = np.sum(parts, axis=0)
    share = [part / np.maximum(density, 1e-300) for part in parts]
    given = [way._replace(weight=part) for way, part in zip(ways, share, strict=True)]
    east, north = (_mean(given, share, name) for name in ("velocity_x", "velocity_y"))
    spread = np.degrees(np.arctan2(_velocity_sd(given, east, north), np.hypot(east, north)))
    return density, east, north, spread


def _mean(ways: list[Branch], weights: list[np.ndarray], name: str) -> np.ndarray:
    return np.sum([weight * getattr(way, name) for way, weight in zip(ways, weights, strict=True)], axis=0)


def _velocity_sd(ways: list[Branch], east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Spread of the velocity on each axis [kn]: within the branches and between them."""
    terms = (
        way.weight * (way.velocity_kn2 + ((way.velocity_x - east) ** 2 + (way.velocity_y - north) ** 2) / 2)
        for way in ways
    )
    return np.sqrt(np.sum(list(terms), axis=0))


def _velocity(gaps: pd.DataFrame, end: str) -> tuple[np.ndarray, np.ndarray]:
    """East and north speed [kn] at an end of each gap; a ship without way needs no course."""
    speed, course = (
        gaps[f"{end}_{name}"].to_numpy(dtype="float64") if f"{end}_{name}" in gaps else np.full(len(gaps), np.nan)
        for name in ("sog", "cog")
    )
    course = np.radians(np.where(speed == 0, 0.0, course))
    return speed * np.sin(course), speed * np.cos(course)


def _at_ports(
    pairs: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, rule: LinkRule
) -> pd.DataFrame:
    """Density of lying at the ports near each sighting, its chance, and the best port with its part and its prior.

    Calls that `under_way` follows are not in the chance.
    """
    spread = port_spread_nm(ports, rule)
    around = np.maximum(spread, ROADS_NM)
    point, port, distance = near_ports(sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), ports, around)
    pair, index = pairs_with_ports(pairs["sighting"].to_numpy(), point, len(sightings))
    row = routes.find(pairs["gap"].to_numpy()[pair], port[index])
    pair, index, row = pair[row >= 0], index[row >= 0], row[row >= 0]
    prior = routes.weight[row]
    dwell = routes.dwell(row, pairs["since_h"].to_numpy()[pair], rule)
    berth, roads = (gaussian_density(distance[index], sd) for sd in (spread[port[index]], np.array(ROADS_NM)))
    part = prior * dwell * ((1 - ROADS_SHARE) * berth + ROADS_SHARE * roads)
    number, lesser = len(pairs), ~np.isin(row, routes.likeliest(MOST_LEGS))
    table = pd.DataFrame(
        {
            "density": np.bincount(pair, part, minlength=number),
            "lying": np.bincount(pair, prior * dwell * lesser, minlength=number),
        }
    )
    best = np.lexsort((-part, pair))
    first = best[group_starts(pair[best])]
    for name, values, default in (("port", port[index], -1), ("best", part, np.nan), ("prior", prior, np.nan)):
        column = np.full(number, default, dtype=values.dtype)
        column[pair[first]] = values[first]
        table[name] = column
    return table
