"""The likelihood of a sighting under each gap: position, length, heading and class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.kernels.bridges import bridge_density, gaussian_density, local_offset
from darkvoyage.kernels.sphere import angle_difference, bearing
from darkvoyage.linking.places import Excursions, near_ports, pairs_with_ports
from darkvoyage.linking.sensors import length_errors, length_llr, position_error_nm, sensors_of
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.ais import is_tanker

__all__ = ["pair_evidence", "port_spread_nm", "unknown_density"]

_OPEN_SEA = 0.01
"""Unknown ships per area away from ports, as a share of that at a port (2e-5 against 1e-2 per km2 and in between)."""
_CLASS_MATCH, _CLASS_MISS = float(np.log(0.85 / 0.40)), float(np.log(0.15 / 0.60))
_SAME_MMSI, _OTHER_MMSI = float(np.log(200.0)), float(-np.log(50.0))
_KAPPA = {"optical": 50.0, "sar": 15.0}
_HEADING_MIX = {"optical": (0.85, 0.10, 0.05), "sar": (0.60, 0.35, 0.05)}
_TURN_NM = 5.0
_ROADS_NM, _ROADS_SHARE = 4.0, 0.3
"""Ships wait in the roads before and after: a third of the sightings of ships on a call in simulated development worlds
lie 4 to 7 nm from the port."""


def port_spread_nm(ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Spread of berths and anchorages around each port's position [nm], shape (n,)."""
    return np.maximum(rule.port_sd_nm, ports["radius_nm"].to_numpy() / 2)


def unknown_density(sightings: pd.DataFrame, ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Density of unknown ships and false alarms at each sighting: high at ports, low at sea [1/nm2], shape (n,)."""
    spread = 2 * port_spread_nm(ports, rule)
    point, port, distance = near_ports(sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), ports, spread)
    nearness = np.zeros(len(sightings))
    np.maximum.at(nearness, point, np.exp(-0.5 * (distance / spread[port]) ** 2))
    return rule.background_per_nm2 * (_OPEN_SEA + (1 - _OPEN_SEA) * nearness) + rule.false_alarm_per_nm2


def pair_evidence(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
    background_per_nm2: np.ndarray, unknown: tuple[float, float], rule: LinkRule,
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
    table = pairs.assign(
        llr_position=np.log(density / background_per_nm2[sighting]),
        llr_length=_length(pairs, gaps, sightings, unknown),
        llr_heading=_heading(pairs, gaps, sightings, bridge / density),
        llr_class=_ship_class(pairs, gaps, sightings),
        port=at_port["port"],
        p_at_port=np.where(at_port["port"] >= 0, at_port["best"] / density, np.nan),
        p_at_port_prior=np.where(at_port["port"] >= 0, at_port["prior"], np.nan),
    )
    return table.assign(llr_total=table[["llr_position", "llr_length", "llr_heading", "llr_class"]].sum(axis=1))


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


def _length(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, unknown: tuple[float, float]
) -> np.ndarray:
    if "length_m" not in sightings:
        return np.zeros(len(pairs))
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    bias, spread = length_errors(sightings)
    return length_llr(
        sightings["length_m"].to_numpy()[sighting], gaps["length_m"].to_numpy()[gap], bias[sighting],
        spread[sighting], *unknown,
    )  # fmt: skip


def _heading(pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, straight_on: np.ndarray) -> np.ndarray:
    """Heading against the chord, with imagery's half-turn ambiguity; counts as far as the ship went straight on."""
    if "heading" not in sightings:
        return np.zeros(len(pairs))
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    ends = (gaps[name].to_numpy()[gap] for name in ("start_lat", "start_lon", "end_lat", "end_lon"))
    turn = np.radians(angle_difference(sightings["heading"].to_numpy()[sighting], bearing(*ends)))
    sensor = sensors_of(sightings)[sighting]
    llr = np.zeros(len(pairs))
    for name, (ahead, astern, other) in _HEADING_MIX.items():
        peaks = ahead * _von_mises(turn, _KAPPA[name]) + astern * _von_mises(turn + np.pi, _KAPPA[name])
        density = straight_on * (peaks + other) + 1 - straight_on
        llr = np.where((sensor == name) & (pairs["straight_nm"].to_numpy() > _TURN_NM), np.log(density), llr)
    return np.where(np.isfinite(llr), llr, 0.0)


def _von_mises(angle: np.ndarray, kappa: float) -> np.ndarray:
    """Density of a direction over that of any direction."""
    return np.exp(kappa * (np.cos(angle) - 1)) / i0e(kappa)


def _ship_class(pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame) -> np.ndarray:
    """Tanker or not, as the analyst saw it; and the identity where the sighting carries one."""
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    llr = np.zeros(len(pairs))
    if "vessel_class" in sightings and "ship_type" in gaps:
        seen = sightings["vessel_class"].str.lower()
        looks_tanker = seen.str.contains("tanker").fillna(False).to_numpy(dtype=bool)[sighting]
        tanker = is_tanker(gaps["ship_type"].astype("float64").to_numpy())[gap]
        known = seen.notna().to_numpy()[sighting] & gaps["ship_type"].notna().to_numpy()[gap]
        llr = np.where(known, np.where(looks_tanker == tanker, _CLASS_MATCH, _CLASS_MISS), 0.0)
    if "mmsi" in sightings:
        named = sightings["mmsi"].to_numpy(dtype="float64", na_value=np.nan)[sighting]
        same = named == gaps["mmsi"].to_numpy()[gap]
        llr = llr + np.where(np.isfinite(named), np.where(same, _SAME_MMSI, _OTHER_MMSI), 0.0)
    return llr
