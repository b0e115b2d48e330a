"""What a ship could have done in a gap, and how likely each reading is.

Each gap is read as transit, wait (slow steaming, drifting, anchoring), a call at each port in reach, a meeting in each
ship-to-ship area in reach, or something unknown. The readings are compared by the density of the elapsed time, by the
directions at both ends, by the draughts and by the destination text. "Could have" (`p_feasible`, `slack_h`) and
"likely did" (`p_call`) are separate columns. The sensitive flag of a port never enters.

Caveat: distances are great circles. Land is not avoided, so ports behind a peninsula look nearer than they are:
`p_feasible` errs on the side of possible.

The elapsed-time reading follows the space-time prism of time geography (Haegerstrand 1970), with densities in place of
a yes or no.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.draught import draught_change_llr
from darkvoyage.kernels.elapsed import (
    idle_density,
    log_uniform_density,
    stay_density,
    stay_survival,
    transit_density,
)  # fmt: skip
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.clues import destination_llr, direction_llr
from darkvoyage.rules.reach import PortRule
from darkvoyage.schema.ais import is_tanker
from darkvoyage.schema.conform import as_frame, complete, conform, empty, finish
from darkvoyage.schema.tables import GAPS, PORT_CALLS, PORTS, VESSELS
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.units import US_PER_H

__all__ = ["find_port_calls"]

_CURRENT_KN = 1.5
_SHORTEST_H, _LONGEST_H = 1.0, 2160.0
_NEVER_BACK = 0.05
"""Share of unexplained open gaps that never end in this feed: ships sold, laid up, or gone elsewhere."""
_PAIR_BLOCK = 4_000_000
_FLOOR = 1e-12
_REST_KN, _REST_NM, _REST_ODDS = 1.0, 0.1, 20.0
"""Of silences at rest of 0.5-6 h less than 0.1 % stray from the spot, 0.9 % at 12 h (Singapore tankers, Kattegat)."""
_STS_MEDIAN_H = 20.0
"""Ship-to-ship: manoeuvre 1-3 h, hoses 1-2 h, transfer 8-30 h, unmooring 1-2 h."""


def find_port_calls(
    gaps: Any, ports: Any, *, vessels: Any = None, history: Any = None, rule: PortRule | None = None
) -> pd.DataFrame:
    """Weigh every port in reach of each gap against the innocent readings of it.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    vessels : VESSELS table, optional
        Service speeds, ship types and laden draughts.
    history : table, optional
        What the fleet did before: `mmsi` with `port_id` (one row a visit, as PORT_VISITS) and, or, `speed_kn` (own mean
        speed under way). Visits of the ship and of the fleet raise a port's prior.
    rule : PortRule, optional

    Returns
    -------
    PORT_CALLS table
        One row per gap and port in reach, and one per gap for `transit`, `wait` and `unknown`. Over a gap the `p_call`
        sum to 1; `p_call_prior` is the weight before the evidence and `sensitive` the port's flag, passed on. A gap
        without a start position has `unknown` only.
        `sea_distance_nm` is there and back [nm], `required_speed_kn` what that takes with the shortest service.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or PortRule()
    table, places = complete(gaps, GAPS), conform(ports, PORTS)
    history = None if history is None else as_frame(history, PORT_CALLS)
    if len(table) == 0:
        return empty(PORT_CALLS)
    ships = _ships(table, vessels, history, rule)
    rows = pd.concat([_plain_rows(table, ships, rule), _port_rows(table, places, ships, history, rule)])
    rows = rows.sort_values(["gap", "hypothesis", "port"], kind="stable").reset_index(drop=True)
    return _posterior(rows, table, places)


def _ships(table: pd.DataFrame, vessels: Any, history: pd.DataFrame | None, rule: PortRule) -> pd.DataFrame:
    """Speed and draught of the ship of each gap, one row per gap."""
    ship_type = table["ship_type"] if "ship_type" in table else pd.Series(pd.NA, index=table.index, dtype="Int16")
    speed = pd.Series(np.nan, index=table.index)
    draught = pd.Series(np.nan, index=table.index)
    if vessels is not None:
        known = conform(vessels, VESSELS).drop_duplicates("mmsi").set_index("mmsi").reindex(table["mmsi"]).reset_index()
        ship_type = ship_type.fillna(known["ship_type"]) if "ship_type" in known else ship_type
        speed, draught = known.get("service_speed_kn", speed), known.get("draught_max_m", draught)
    if history is not None and "speed_kn" in history:
        own = history.groupby("mmsi")["speed_kn"].mean()
        speed = table["mmsi"].map(own).fillna(speed)
    tanker = is_tanker(ship_type.astype("float64").to_numpy())
    cap = np.where(tanker, rule.tanker_max_kn, rule.other_max_kn) + _CURRENT_KN
    mean = speed.fillna(pd.Series(np.where(tanker, rule.tanker_mean_kn, rule.other_mean_kn))).to_numpy()
    return pd.DataFrame(
        {"cap_kn": np.maximum(cap, mean + 2 * rule.speed_sd_kn), "mean_kn": mean, "draught_max_m": draught.to_numpy()}
    )


def _plain_rows(table: pd.DataFrame, ships: pd.DataFrame, rule: PortRule) -> pd.DataFrame:
    """The readings that need no port."""
    duration = table["duration_h"].to_numpy()
    distance = great_circle_nm(*(table[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")))
    closed = table["is_closed"].to_numpy() & np.isfinite(distance)
    started = np.isfinite(table["start_lat"].to_numpy() + table["start_lon"].to_numpy())
    mean = ships["mean_kn"].to_numpy()
    far = np.where(closed, distance, 0.0)
    travel = far / mean
    # A ship that has not come back may be on its way to anywhere for as long as it likes.
    transit = np.where(closed, transit_density(duration, far, mean, rule.speed_sd_kn), 1.0)
    spread = travel * rule.speed_sd_kn / mean
    wait = np.where(
        closed, idle_density(duration, travel, spread, rule.idle_mean_h), np.exp(-duration / rule.idle_mean_h)
    )
    survival = np.log(_LONGEST_H / np.clip(duration, _SHORTEST_H, _LONGEST_H)) / np.log(_LONGEST_H / _SHORTEST_H)
    lost = np.maximum(survival, _NEVER_BACK)
    unknown = np.where(closed, log_uniform_density(duration, _SHORTEST_H, _LONGEST_H), lost)
    parts = []
    for name, density, prior in (
        ("transit", transit, rule.prior_transit),
        ("wait", wait, rule.prior_wait),
        ("unknown", unknown, rule.prior_unknown),
    ):
        llr = np.log(np.maximum(density, _FLOOR))
        if name == "wait":
            llr = llr + _at_rest(table, distance)
        if name == "transit":
            llr = llr + direction_llr(table, table["end_lat"].to_numpy(), table["end_lon"].to_numpy(), closed)
        possible = started | (name == "unknown")
        part = pd.DataFrame(
            {"gap": np.arange(len(table)), "port": -1, "hypothesis": name, "log_likelihood": llr, "weight": prior}
        )
        parts.append(part[possible])
    return pd.concat(parts)


def _at_rest(table: pd.DataFrame, distance: np.ndarray) -> np.ndarray:
    """Evidence of ends on one spot and at rest: who goes away and comes back seldom finds the very same anchorage."""
    if "start_sog" not in table or "end_sog" not in table:
        return np.zeros(len(table))
    still = (table["start_sog"].to_numpy() < _REST_KN) & (table["end_sog"].to_numpy() < _REST_KN)
    closeness = np.exp(-((np.nan_to_num(distance, nan=np.inf) / _REST_NM) ** 2))
    return np.where(still, np.log1p((_REST_ODDS - 1) * closeness), 0.0)


def _port_rows(
    table: pd.DataFrame, places: pd.DataFrame, ships: pd.DataFrame, history: Any, rule: PortRule
) -> pd.DataFrame:
    """One row per gap and port in reach, with its evidence and its share of the prior."""
    gap, port, out_nm, back_nm = _in_reach(table, places, ships, rule)
    duration = table["duration_h"].to_numpy()[gap]
    cap, mean = ships["cap_kn"].to_numpy()[gap], ships["mean_kn"].to_numpy()[gap]
    closed = np.isfinite(back_nm)
    both = out_nm + np.where(closed, back_nm, 0.0)
    sts = (places["kind"] == "sts").to_numpy()[port] if "kind" in places else np.zeros(len(port), bool)
    likelihood = _elapsed(duration, both, mean, closed, sts, rule)
    near = table.iloc[gap].reset_index(drop=True)
    llr = np.log(np.maximum(likelihood, _FLOOR))
    llr += direction_llr(near, places["lat"].to_numpy()[port], places["lon"].to_numpy()[port], closed, via=True)
    llr += _draught(near, ships["draught_max_m"].to_numpy()[gap], rule)
    llr += destination_llr(near, places, port)
    straight = np.where(closed, near["distance_nm"].fillna(0.0).to_numpy(), 0.0)
    pull = np.exp(-np.maximum(both - straight, 0.0) / rule.detour_nm) * _visits(near, places, port, history)
    pull = pull * np.where(sts, rule.prior_sts, rule.prior_port)
    weight = (rule.prior_port + rule.prior_sts) * _share(gap, pull)
    needed = both / np.maximum(duration - rule.service_min_h, 1e-6)
    start = time_us(near["gap_start"]) if len(near) else np.empty(0, dtype="int64")
    return pd.DataFrame(
        {
            "gap": gap,
            "port": port,
            "hypothesis": np.where(sts, "sts", "port"),
            "log_likelihood": llr,
            "weight": weight,
            "sea_distance_nm": both,
            "required_speed_kn": needed,
            "p_feasible": _chance_of_speed(needed, mean, cap, rule),
            "slack_h": duration - both / cap,
            "arrive_us": start + out_nm / cap * US_PER_H,
            "depart_us": np.where(closed, start + (duration - np.where(closed, back_nm, 0) / cap) * US_PER_H, np.nan),
        }
    )


def _in_reach(
    table: pd.DataFrame, places: pd.DataFrame, ships: pd.DataFrame, rule: PortRule
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gap, port, distance out and back [nm] of all pairs that the speed cap allows; back is NaN for open gaps."""
    lat, lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    radius = places["radius_nm"].to_numpy()
    ends = {name: table[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")}
    budget = ships["cap_kn"].to_numpy() * (table["duration_h"].to_numpy() - rule.service_min_h)
    rows = np.flatnonzero(np.isfinite(ends["start_lat"]) & np.isfinite(ends["start_lon"]) & (budget >= 0))
    step = max(_PAIR_BLOCK // max(len(places), 1), 1)
    parts: list[tuple[np.ndarray, ...]] = [(np.empty(0, "int64"), np.empty(0, "int64"), np.empty(0), np.empty(0))]
    for low in range(0, len(rows), step):
        some = rows[low : low + step]
        out = great_circle_nm(ends["start_lat"][some, None], ends["start_lon"][some, None], lat, lon)
        back = great_circle_nm(ends["end_lat"][some, None], ends["end_lon"][some, None], lat, lon)
        out, back = np.maximum(out - radius, 0.0), np.maximum(back - radius, 0.0)
        i, j = np.nonzero(out + np.where(np.isfinite(back), back, 0.0) <= budget[some, None])
        parts.append((some[i], j, out[i, j], back[i, j]))
    gap, port, out_nm, back_nm = (np.concatenate(column) for column in zip(*parts, strict=True))
    return gap, port, out_nm, back_nm


def _elapsed(
    duration: np.ndarray, both_nm: np.ndarray, mean_kn: np.ndarray, closed: np.ndarray, sts: np.ndarray, rule: PortRule
) -> np.ndarray:
    """Density of the duration under a call (closed gaps), or the chance that it lasts this long (open gaps)."""
    travel = both_nm / mean_kn
    spread = np.maximum(travel * rule.speed_sd_kn / mean_kn, 0.5)
    out = np.zeros(len(duration))
    for is_sts, median in ((False, rule.service_median_h), (True, _STS_MEDIAN_H)):
        for is_closed, law in ((True, stay_density), (False, stay_survival)):
            rows = np.flatnonzero((sts == is_sts) & (closed == is_closed))
            # An open gap still has the way back before it: as far as it came.
            back = 1.0 if is_closed else 2.0
            out[rows] = law(
                duration[rows],
                travel[rows] * back,
                spread[rows] * back,
                median_h=median,
                log_sd=rule.service_log_sd,
                wait_share=rule.wait_share,
                wait_mean_h=rule.wait_mean_h,
            )
    return out


def _draught(near: pd.DataFrame, laden_m: np.ndarray, rule: PortRule) -> np.ndarray:
    if "start_draught_m" not in near or "end_draught_m" not in near:
        return np.zeros(len(near))
    before, after = near["start_draught_m"].to_numpy(), near["end_draught_m"].to_numpy()
    return draught_change_llr(before, after, laden_m, rule.max_draught_llr)


def _visits(near: pd.DataFrame, places: pd.DataFrame, port: np.ndarray, history: Any) -> np.ndarray:
    """Pull of a port from earlier visits: 0.5 + own visits + a tenth of the fleet's; 0.5 where nothing is known."""
    pull = np.full(len(port), 0.5)
    if history is None or "port_id" not in history:
        return pull
    visits = history[["mmsi", "port_id"]]
    pairs = pd.DataFrame({"mmsi": near["mmsi"], "port_id": places["port_id"].to_numpy()[port]})
    own = pairs.merge(visits.value_counts().rename("own").reset_index(), how="left")["own"].fillna(0).to_numpy()
    fleet = pairs["port_id"].map(visits["port_id"].value_counts()).fillna(0).to_numpy()
    return pull + own + 0.1 * fleet


def _share(gap: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Share of each row in the pull of all rows of its gap."""
    total = np.bincount(gap, pull, minlength=int(gap.max(initial=0)) + 1)
    return pull / np.maximum(total[gap], 1e-300)


def _chance_of_speed(needed: np.ndarray, mean: np.ndarray, cap: np.ndarray, rule: PortRule) -> np.ndarray:
    """P(V >= needed) for V ~ N(mean, sd) cut off at the cap."""
    from scipy.special import ndtr

    below, all_below = ndtr((needed - mean) / rule.speed_sd_kn), ndtr((cap - mean) / rule.speed_sd_kn)
    return np.clip((all_below - below) / all_below, 0.0, 1.0)


def _sensitive(places: pd.DataFrame) -> np.ndarray:
    # One more for the rows without a port, whose index is -1.
    return np.r_[places["sensitive"].to_numpy(dtype=bool), False]


def _posterior(rows: pd.DataFrame, table: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    gap = rows["gap"].to_numpy()
    start = group_starts(gap)
    size = np.diff(np.r_[start, len(gap)])
    weight = rows["weight"].to_numpy()
    prior = weight / np.repeat(np.add.reduceat(weight, start), size)
    score = np.log(np.maximum(prior, 1e-300)) + rows["log_likelihood"].to_numpy()
    score = np.exp(score - np.repeat(np.maximum.reduceat(score, start), size))
    port = rows["port"].to_numpy()
    at_port = port >= 0
    ids = places["port_id"].to_numpy(dtype=object)
    names = np.full(len(rows), None, dtype=object)
    names[at_port] = ids[port[at_port]]
    arrive, depart = (rows[name].to_numpy() for name in ("arrive_us", "depart_us"))
    return finish(
        {
            "gap_id": table["gap_id"].to_numpy(dtype=object)[gap],
            "port_id": pd.Series(names, dtype="str"),
            "hypothesis": rows["hypothesis"],
            "sea_distance_nm": rows["sea_distance_nm"],
            "required_speed_kn": rows["required_speed_kn"],
            "p_feasible": rows["p_feasible"],
            "slack_h": rows["slack_h"],
            "arrive_earliest": utc_times(np.nan_to_num(arrive), np.isfinite(arrive)),
            "depart_latest": utc_times(np.nan_to_num(depart), np.isfinite(depart)),
            "p_call": score / np.repeat(np.add.reduceat(score, start), size),
            "p_call_prior": prior,
            "sensitive": pd.array(np.where(at_port, _sensitive(places)[port], False), dtype="boolean"),
        },
        PORT_CALLS,
    )
