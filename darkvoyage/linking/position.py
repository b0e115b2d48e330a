"""Where the ship of a gap may have been when a sighting was taken: on its way, on a call at a port, anywhere in reach.

The density is a mixture with stated weights. Going on: the bridges of `kernels.bridges`, or the last course where the
gap has no end. A call: lying at the port, or under way to it and back. Anywhere: even over the water of the space-time
prism.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import Branch, branches, gaussian_density, open_branches, student_density
from darkvoyage.kernels.planes import Planes
from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.spans import expand, group_starts
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.places import Excursions, near_ports
from darkvoyage.linking.rests import Rests
from darkvoyage.linking.underway import Legs
from darkvoyage.rules.linking import LinkRule

__all__ = ["ROADS_NM", "Densities", "Positions", "port_spread_nm"]

ROADS_NM = 4.0
"""How far from a port ships wait: of those on a call in simulated development worlds nearly half lie 4 to 7 nm off."""


@dataclass(frozen=True)
class Densities:
    """Density of the ships of n pairs by what they may be doing, calls apart so that these can be weighed anew.

    Parameters
    ----------
    gap : ndarray of int64, shape (n,)
    benign, anywhere : ndarray of float64, shape (n,)
        Of a ship that goes on, and of one that may be anywhere [1/nm2].
    pair, call : ndarray of int64, shape (m,)
        Calls with a say in a pair: rows of the pairs and of the excursions.
    density : ndarray of float64, shape (m,)
        Of a ship on this call [1/nm2].
    told : ndarray of float64, shape (m,)
        Chance that its place at the time is said by `density`, given the call.
    lying : slice
        The calls of those whose port is near the sighting, sorted by pair.
    velocity_east_kn, velocity_north_kn, course_spread_deg : ndarray of float64, shape (n,)
        Of a ship that goes on, null where its speed is not known.
    """

    gap: np.ndarray
    benign: np.ndarray
    anywhere: np.ndarray
    pair: np.ndarray
    call: np.ndarray
    density: np.ndarray
    told: np.ndarray
    lying: slice
    velocity_east_kn: np.ndarray
    velocity_north_kn: np.ndarray
    course_spread_deg: np.ndarray

    def mixed(self, routes: Excursions) -> pd.DataFrame:
        """Mix what the ships may be doing by the chances of their calls.

        Parameters
        ----------
        routes : Excursions
            With other weights than those that the densities were made with, or the same.

        Returns
        -------
        DataFrame of n rows
            `density` [1/nm2]; `benign`, `excursion`, `prism`, the shares of it, which sum to 1; `port`, row of the
            port that the sighting speaks for most, -1 without one; `p_at_port`, the share of that call in the density,
            and `p_at_port_prior`, its chance before, both null without a port.
        """
        number = len(self.gap)
        calling, weight = routes.calling[self.gap], routes.weight[self.call]
        going_on = routes.straight[self.gap] * (1.0 - calling)
        called = np.bincount(self.pair, weight * self.density, minlength=number)
        # Less likely calls whose port is not near may be anywhere in the prism.
        rest = np.maximum(calling - np.bincount(self.pair, weight * self.told, minlength=number), 0.0)
        parts = {
            "benign": going_on * self.benign,
            "excursion": called + rest * self.anywhere,
            "prism": (1.0 - calling - going_on) * self.anywhere,
        }
        density = parts["benign"] + parts["excursion"] + parts["prism"]
        port, at_port, prior = np.full(number, -1), np.full(number, np.nan), np.full(number, np.nan)
        best = self._best(weight)
        pair, call = self.pair[best], self.call[best]
        port[pair], prior[pair] = routes.port[call], weight[best]
        at_port[pair] = weight[best] * self.density[best] / density[pair]
        shares = {name: part / density for name, part in parts.items()}
        return pd.DataFrame(
            {"density": density, **shares, "port": port, "p_at_port": at_port, "p_at_port_prior": prior}
        )

    def _best(self, weight: np.ndarray) -> np.ndarray:
        """Rows of the calls that weigh most of those near the sighting, one for each pair that has any."""
        pair = self.pair[self.lying]
        part = weight[self.lying] * self.density[self.lying]
        start = group_starts(pair)
        if len(start) == 0:
            return start
        count = np.diff(np.append(start, len(pair)))
        top = np.flatnonzero(part == np.repeat(np.maximum.reduceat(part, start), count))
        return top[group_starts(pair[top])]


@dataclass(frozen=True)
class Positions:
    """What the densities of pairs are worked out from, made once.

    Parameters
    ----------
    start : Planes
        Of the gaps.
    end_nm : tuple of two ndarray of float64, shape (gaps,)
        East and north of each gap's end in the plane of its start.
    velocity : tuple of four ndarray of float64, shape (gaps,)
        East and north speed at the start, then at the end [kn]; NaN where not known.
    place : ndarray of float64, shape (sightings, 3)
        Unit vectors.
    errors : PositionErrors
        Of the sightings.
    first : ndarray of int64, shape (sightings + 1,)
        Where the ports near each sighting begin.
    port : ndarray of int64, shape (near,)
    at_port, in_roads : ndarray of float64, shape (near,)
        Density there of a ship alongside, and of one that waits for its berth [1/nm2].
    legs : Legs
    routes : Excursions
    rule : LinkRule
    """

    start: Planes
    end_nm: tuple[np.ndarray, np.ndarray]
    velocity: tuple[np.ndarray, ...]
    place: np.ndarray
    errors: PositionErrors
    first: np.ndarray
    port: np.ndarray
    at_port: np.ndarray
    in_roads: np.ndarray
    legs: Legs
    routes: Excursions
    rule: LinkRule

    @classmethod
    def of(
        cls, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
        errors: PositionErrors, rule: LinkRule, rests: Rests | None = None,
    ) -> Positions:  # fmt: skip
        """Prepare gaps and sightings.

        Parameters
        ----------
        gaps, sightings, ports : DataFrame
            Their tables.
        routes : Excursions
        errors : PositionErrors
            Of the sightings.
        rule : LinkRule
        rests : Rests, optional
            Where ships lie about ports.
        """
        start = Planes.of(gaps["start_lat"].to_numpy(), gaps["start_lon"].to_numpy())
        end = unit_vectors(gaps["end_lat"].to_numpy(), gaps["end_lon"].to_numpy())
        lat, lon = (sightings[name].to_numpy() for name in ("lat", "lon"))
        spread = port_spread_nm(ports, rule)
        point, port, distance = near_ports(lat, lon, ports, np.maximum(spread, ROADS_NM))
        near = []
        for sd in (spread, np.full(len(ports), ROADS_NM)):
            around = gaussian_density(distance, sd[port])
            at = lat[point], lon[point], errors.sd_nm[point]
            near.append(around if rests is None else rests.sharpened(around, sd, *at, port, ports))
        return cls(
            start=start,
            end_nm=start.offset(np.arange(len(gaps)), end),
            velocity=(*_velocity(gaps, "start"), *_velocity(gaps, "end")),
            place=unit_vectors(lat, lon),
            errors=errors,
            first=np.searchsorted(point, np.arange(len(sightings) + 1)),
            port=port,
            at_port=near[0],
            in_roads=near[1],
            legs=Legs.of(gaps, ports, routes, rule),
            routes=routes,
            rule=rule,
        )

    def densities(self, pairs: pd.DataFrame) -> Densities:
        """Work out the density of each gap's ship at the place and time of each sighting.

        Parameters
        ----------
        pairs : DataFrame of n rows
            Of `candidates`: `gap`, `sighting`, `since_h`, `total_h`, `area_nm2`, `closed`.

        Returns
        -------
        Densities
        """
        benign, east, north, spread = self._going_on(pairs)
        lying = self._at_ports(pairs)
        calls = zip(lying, self.legs.under_way(pairs, self.place), strict=True)
        pair, call, density, told = (np.concatenate(both) for both in calls)
        gap = pairs["gap"].to_numpy()
        return Densities(
            gap=gap,
            benign=benign,
            anywhere=1.0 / (pairs["area_nm2"].to_numpy() * self.routes.water[gap]),
            pair=pair,
            call=call,
            density=density,
            told=told,
            lying=slice(0, len(lying[0])),
            velocity_east_kn=east,
            velocity_north_kn=north,
            course_spread_deg=spread,
        )

    def _going_on(self, pairs: pd.DataFrame) -> np.ndarray:
        """Density, velocity and spread of the course of ships that go on, shape (4, n)."""
        gap, sighting, since, total, closed = (
            pairs[name].to_numpy() for name in ("gap", "sighting", "since_h", "total_h", "closed")
        )
        at = self.start.offset(gap, self.place[sighting])
        out = np.full((4, len(gap)), np.nan)
        for some in (np.flatnonzero(closed), np.flatnonzero(~closed)):
            if len(some) == 0:
                continue
            v = [part[gap[some]] for part in self.velocity]
            if closed[some[0]]:
                east, north = (part[gap[some]] for part in self.end_nm)
                ways = branches(east, north, (v[0], v[1], v[2], v[3]), total[some], since[some])
            else:
                ways = open_branches(v[0], v[1], since[some])
            out[:, some] = _mixed(ways, at[0][some], at[1][some], sighting[some], self.errors)
        return out

    def _at_ports(self, pairs: pd.DataFrame) -> tuple[np.ndarray, ...]:
        """Calls whose port is near the sighting: pair, call, density, and the chance of lying there at the time.

        That of calls whose legs are followed is in what the legs tell.
        """
        sighting = pairs["sighting"].to_numpy()
        pair, near = expand(self.first[sighting], np.diff(self.first)[sighting])
        call = self.routes.find(pairs["gap"].to_numpy()[pair], self.port[near])
        pair, near, call = pair[call >= 0], near[call >= 0], call[call >= 0]
        since = pairs["since_h"].to_numpy()[pair]
        dwell, wait = self.routes.dwell(call, since, self.rule), self.routes.waiting(call, since, self.rule)
        density = dwell * self.at_port[near] + wait * self.in_roads[near]
        return pair, call, density, np.where(self.legs.follows(call), 0.0, dwell + wait)


def port_spread_nm(ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Spread of berths around each port's position [nm], shape (p,).

    Parameters
    ----------
    ports : PORTS table of p rows
    rule : LinkRule
    """
    return np.maximum(rule.port_sd_nm, ports["radius_nm"].to_numpy() / 2)


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
