"""The likelihood of a sighting under each gap: where the ship may have been, and what the sighting shows of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import bridge_density, gaussian_density, local_offset
from darkvoyage.linking.observation import observation_llr
from darkvoyage.linking.places import Excursions, near_ports, pairs_with_ports
from darkvoyage.linking.sensors import position_error_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["pair_evidence", "port_spread_nm"]

_COURSE_SD_DEG = 15.0
"""Of a ship under way about the chord between the ends of its gap."""
_ROADS_NM, _ROADS_SHARE = 4.0, 0.3
"""Ships wait in the roads before and after: a third of the sightings of ships on a call in simulated development worlds
lie 4 to 7 nm from the port."""


def port_spread_nm(ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Spread of berths and anchorages around each port's position [nm], shape (n,)."""
    return np.maximum(rule.port_sd_nm, ports["radius_nm"].to_numpy() / 2)


def pair_evidence(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame,
    routes: Excursions, background_per_nm2: np.ndarray, unknown: tuple[float, float], rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """Add the log-likelihood ratios of each pair, and the share of it that is a call at a port.

    `unknown` is the log-normal length of unknown ships: median [m] and log spread.
    """
    sighting = pairs["sighting"].to_numpy()
    calling = routes.calling(len(gaps))[pairs["gap"].to_numpy()]
    straight_on = rule.share_bridge / (rule.share_bridge + rule.share_prism)
    bridge = _bridge(pairs, gaps, sightings) * (1.0 - calling) * straight_on
    at_port, lying = _at_ports(pairs, sightings, ports, routes, rule)
    # On the way to and from the ports the ship may be anywhere in the prism.
    elsewhere = np.maximum(calling - lying, 0.0) + (1.0 - calling) * (1.0 - straight_on)
    density = bridge + at_port["density"] + elsewhere / pairs["area_nm2"].to_numpy()
    position = _velocity(pairs, gaps).assign(benign=bridge / density)
    shown = observation_llr(pairs, gaps, sightings, scenes, position, unknown)
    table = pairs.assign(
        llr_position=np.log(density / background_per_nm2[sighting]),
        port=at_port["port"],
        p_at_port=np.where(at_port["port"] >= 0, at_port["best"] / density, np.nan),
        p_at_port_prior=np.where(at_port["port"] >= 0, at_port["prior"], np.nan),
    )
    return pd.concat([table.assign(llr_total=table["llr_position"] + shown.sum(axis=1)), shown], axis=1)


def _velocity(pairs: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Velocity along the chord of each gap."""
    gap = pairs["gap"].to_numpy()
    ends = (gaps[name].to_numpy()[gap] for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    east, north = (part / pairs["total_h"].to_numpy() for part in local_offset(*ends))
    return pd.DataFrame({"velocity_east_kn": east, "velocity_north_kn": north, "course_spread_deg": _COURSE_SD_DEG})


def _bridge(pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame) -> np.ndarray:
    """Density of going straight on; nothing for gaps without an end."""
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    lat0, lon0 = gaps["start_lat"].to_numpy()[gap], gaps["start_lon"].to_numpy()[gap]
    x, y = local_offset(lat0, lon0, sightings["lat"].to_numpy()[sighting], sightings["lon"].to_numpy()[sighting])
    end_x, end_y = local_offset(lat0, lon0, gaps["end_lat"].to_numpy()[gap], gaps["end_lon"].to_numpy()[gap])
    velocity: list[np.ndarray] = []
    for end in ("start", "end"):
        speed, course = (
            gaps[f"{end}_{name}"].to_numpy()[gap] if f"{end}_{name}" in gaps else np.full(len(gap), np.nan)
            for name in ("sog", "cog")
        )
        velocity += [speed * np.sin(np.radians(course)), speed * np.cos(np.radians(course))]
    density = bridge_density(
        x, y, end_x, end_y, tuple(velocity), pairs["total_h"].to_numpy(), pairs["since_h"].to_numpy(),
        position_error_nm(sightings)[sighting],
    )  # fmt: skip
    return np.where(pairs["closed"].to_numpy(), np.nan_to_num(density), 0.0)


def _at_ports(
    pairs: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, rule: LinkRule
) -> tuple[pd.DataFrame, np.ndarray]:
    """Density of lying at the ports near each sighting; the best port, its part and its prior; the dwelling share."""
    spread = port_spread_nm(ports, rule)
    around = np.maximum(spread, _ROADS_NM)
    point, port, distance = near_ports(sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), ports, around)
    pair, index = pairs_with_ports(pairs["sighting"].to_numpy(), point, len(sightings))
    gap = pairs["gap"].to_numpy()[pair]
    row = routes.find(gap, port[index])
    pair, index, row = pair[row >= 0], index[row >= 0], row[row >= 0]
    prior = routes.weight[row]
    dwell = routes.dwell(row, pairs["since_h"].to_numpy()[pair], rule)
    berth, roads = (gaussian_density(distance[index], sd) for sd in (spread[port[index]], np.array(_ROADS_NM)))
    part = prior * dwell * ((1 - _ROADS_SHARE) * berth + _ROADS_SHARE * roads)
    number = len(pairs)
    table = pd.DataFrame({"density": np.bincount(pair, part, minlength=number)})
    best = np.lexsort((-part, pair))
    first = best[np.flatnonzero(np.r_[True, pair[best][1:] != pair[best][:-1]])] if len(pair) else best
    for name, values, default in (("port", port[index], -1), ("best", part, np.nan), ("prior", prior, np.nan)):
        column = np.full(number, default, dtype=values.dtype if name == "port" else "float64")
        column[pair[first]] = values[first]
        table[name] = column
    return table, np.bincount(pair, routes.weight[row] * dwell, minlength=number)
