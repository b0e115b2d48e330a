"""The readings of each gap as rows: what each weighs beforehand, and the evidence for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.draught import draught_change_llr
from darkvoyage.kernels.sphere import bearing, great_circle_nm
from darkvoyage.reach.candidates import Pairs
from darkvoyage.reach.clues import at_rest_llr, direction_llr, in_port_llr, speed_trend_llr
from darkvoyage.reach.destinations import destination_llr
from darkvoyage.reach.prior import port_prior
from darkvoyage.reach.readings import call_llr, chance_of_speed, meeting_llr, service_of, transit_llr, wait_llr
from darkvoyage.reach.ships import KINDS, Ships
from darkvoyage.reach.stays import learned_stays
from darkvoyage.rules.reach import PortRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["EVIDENCE", "HYPOTHESES", "place_rows", "plain_rows", "posterior"]

HYPOTHESES = ("port", "sts", "transit", "unknown", "wait")
"""In the order of the table; rows name them by their index."""
PORT, STS, TRANSIT, UNKNOWN, WAIT = range(len(HYPOTHESES))
EVIDENCE = ("llr_time", "llr_direction", "llr_speed", "llr_draught", "llr_destination")
"""What is added up: to the logarithm of the prior, and to the posterior's."""
_WAY_ON = 0.5
"""A ship that waited on its way goes on afterwards: its courses say half of what they say of a ship that never did."""
_UNDER_WAY_KN, _LITTLE_WAY, _NO_WAY_LLR = 4.0, 0.5, -1.5
"""Fitted, as `_WAY_ON` was, on the gaps of simulated worlds of development seeds and on hidden calls of real vessels of
the development half."""
_LEAST = 1e-300


def plain_rows(table: pd.DataFrame, places: pd.DataFrame, ships: Ships, pairs: Pairs, rule: PortRule) -> pd.DataFrame:
    """List the readings that need no port: transit, wait, a meeting anywhere at sea, unknown.

    Parameters
    ----------
    table : GAPS table
        Complete.
    places : PORTS table
    ships : Ships
    pairs : Pairs
        Tell how far apart the ends are by sea.
    rule : PortRule

    Returns
    -------
    DataFrame
        `gap`, `port` (-1), `hypothesis`, `weight`, `llr_*`.
    """
    lat1, lon1, lat2, lon2 = (table[f"{end}_{name}"].to_numpy() for end in ("start", "end") for name in ("lat", "lon"))
    duration, apart = table["duration_h"].to_numpy(), great_circle_nm(lat1, lon1, lat2, lon2)
    started = np.isfinite(lat1 + lon1)
    closed = table["is_closed"].to_numpy(dtype=bool) & np.isfinite(apart)
    direct = np.where(closed, apart, 0.0)
    np.maximum.at(direct, pairs.gap, pairs.direct_nm)
    stop = rule.temper * speed_trend_llr(table, ships.mean_kn, ships.sd_kn)
    rest = at_rest_llr(table, np.where(closed, apart, np.nan))
    # A ship that fell silent in a port and is heard there again, at rest, stayed: that call is made in the open.
    np.maximum.at(rest, pairs.gap, _in_port(table.iloc[pairs.gap], places, pairs))
    rest += _made_no_way(table, direct, ships, closed)
    course = bearing(lat1, lon1, lat2, lon2), bearing(lat2, lon2, lat1, lon1)
    straight = np.where(closed, rule.temper * direction_llr(table, *course, direct, direct, closed), 0.0)
    nothing = np.zeros(len(table))
    readings = (
        (TRANSIT, rule.prior_transit, transit_llr(table, direct, ships, closed), straight, nothing),
        (WAIT, rule.prior_wait, wait_llr(duration, direct, ships, closed, rule), _WAY_ON * straight, stop + rest),
        (STS, rule.prior_meeting, meeting_llr(duration, direct, ships, closed, rule), nothing, stop),
        (UNKNOWN, rule.prior_unknown, nothing, nothing, nothing),
    )
    parts = []
    for code, weight, time, direction, speed in readings:
        rows = np.flatnonzero(started | (code == UNKNOWN))
        part: dict[str, Any] = {"gap": rows, "port": -1, "hypothesis": code, "weight": weight, "llr_time": time[rows]}
        parts.append(pd.DataFrame(part | {"llr_direction": direction[rows], "llr_speed": speed[rows]}))
    return pd.concat(parts, ignore_index=True).assign(llr_draught=0.0, llr_destination=0.0, llr_history=0.0)


def place_rows(
    table: pd.DataFrame, places: pd.DataFrame, ships: Ships, pairs: Pairs, history: pd.DataFrame, rule: PortRule
) -> pd.DataFrame:
    """List the calls and the meetings in listed areas, one row per pair.

    Parameters
    ----------
    table : GAPS table
        Complete.
    places : PORTS table
    ships : Ships
    pairs : Pairs
    history : HISTORY table
    rule : PortRule

    Returns
    -------
    DataFrame
        As of `plain_rows`, with `sea_distance_nm`, `required_speed_kn`, `p_feasible`, `slack_h`, and `arrive_us` and
        `depart_us` (NaN where the gap is open).
    """
    gap, port = pairs.gap, pairs.port
    near = table.iloc[gap].reset_index(drop=True)
    duration = near["duration_h"].to_numpy()
    sts = (
        (places["kind"] == "sts").fillna(False).to_numpy(dtype=bool)[port]
        if "kind" in places
        else np.zeros(len(gap), bool)
    )
    cap, mean, sd = ships.cap_kn[gap], ships.mean_kn[gap], ships.sd_kn[gap]
    share = port_prior(near, places, port, history, pairs.detour_nm)
    weight = share * _on_the_way(share, pairs, rule) * np.where(sts, rule.prior_sts, rule.prior_port)
    shown = (pairs.out_nm == 0) | (pairs.closed & (pairs.back_nm == 0))
    direction = direction_llr(
        near, pairs.bearing_out_deg, pairs.bearing_back_deg, pairs.out_nm, pairs.back_nm, pairs.closed
    )
    needed = pairs.could_nm / np.maximum(duration - rule.service_min_h, 1e-6)
    start = time_us(near["gap_start"])
    leaves = start + (duration - pairs.could_back_nm / cap) * US_PER_H
    return pd.DataFrame(
        {
            "gap": gap,
            "port": port,
            "hypothesis": np.where(sts, STS, PORT),
            "weight": np.where(shown, rule.shown_share, 1.0) * weight,
            "llr_time": call_llr(pairs, duration, ships, _stays(near, places, ships, pairs, history, rule), sts),
            "llr_direction": rule.temper * direction,
            "llr_speed": rule.temper * speed_trend_llr(near, mean, sd),
            "llr_draught": _draught(near, ships.laden_m[gap], ships.swing_m[gap], rule),
            "llr_destination": destination_llr(near, places, port),
            "llr_history": np.log(np.maximum(share * np.bincount(gap)[gap], _LEAST)) if len(gap) else share,
            "sea_distance_nm": pairs.out_nm + pairs.back_nm,
            "required_speed_kn": needed,
            "p_feasible": chance_of_speed(needed, mean, sd, cap),
            "slack_h": duration - pairs.could_nm / cap,
            "arrive_us": start + pairs.could_out_nm / cap * US_PER_H,
            "depart_us": np.where(pairs.closed, leaves, np.nan),
        }
    )


def posterior(rows: pd.DataFrame, rule: PortRule) -> pd.DataFrame:
    """Weigh the readings of each gap against each other.

    Parameters
    ----------
    rows : DataFrame
        Of all readings; each gap has its `unknown`.
    rule : PortRule

    Returns
    -------
    DataFrame
        Sorted by gap, hypothesis and port, with `p_call_prior` and `p_call`; without the places that have less than
        `rule.least_share` of both, whose shares went to `unknown`.
    """
    rows = rows.iloc[np.lexsort((rows["port"] % 2**40, rows["hypothesis"], rows["gap"]))].reset_index(drop=True)
    gap = rows["gap"].to_numpy()
    start = np.flatnonzero(np.r_[True, gap[1:] != gap[:-1]])
    size = np.diff(np.r_[start, len(gap)])
    weight = rows["weight"].to_numpy()
    prior = weight / np.repeat(np.add.reduceat(weight, start), size)
    score = np.log(np.maximum(prior, _LEAST)) + rows[list(EVIDENCE)].to_numpy().sum(axis=1)
    score = np.exp(score - np.repeat(np.maximum.reduceat(score, start), size))
    p = score / np.repeat(np.add.reduceat(score, start), size)
    small = (np.maximum(p, prior) < rule.least_share) & (rows["port"] >= 0).to_numpy()
    unknown = np.flatnonzero(rows["hypothesis"].to_numpy() == UNKNOWN)
    for values in (p, prior):
        values[unknown] += np.add.reduceat(np.where(small, values, 0.0), start)
    return rows.assign(p_call_prior=prior, p_call=p)[~small].reset_index(drop=True)


def _on_the_way(share: np.ndarray, pairs: Pairs, rule: PortRule) -> np.ndarray:
    """How much likelier any call is in the gap of each pair, where the ports that come into question lie on the way.

    One factor for all of a gap: the share of each says already which of them is nearer.
    """
    if len(pairs) == 0:
        return share
    return np.bincount(pairs.gap, share * np.exp(-pairs.detour_nm / rule.detour_nm))[pairs.gap]


def _stays(
    near: pd.DataFrame, places: pd.DataFrame, ships: Ships, pairs: Pairs, history: pd.DataFrame, rule: PortRule
) -> dict[str, np.ndarray]:
    """Service and waiting of each pair: what holds for such ships, drawn towards the stays in the history."""
    median, log_sd = service_of(ships)
    return vars(
        learned_stays(
            near, places, pairs.port, history, median_h=median[pairs.gap], log_sd=log_sd[pairs.gap],
            wait_share=rule.wait_share, wait_mean_h=rule.wait_mean_h,
        )
    )  # fmt: skip


def _made_no_way(table: pd.DataFrame, direct_nm: np.ndarray, ships: Ships, closed: np.ndarray) -> np.ndarray:
    """Evidence against waiting: under way at both ends, and yet far less way made than that speed gives.

    Fishing is done under way and on the spot.
    """
    with np.errstate(invalid="ignore"):
        under_way = np.fmin(table["start_sog"].to_numpy(), table["end_sog"].to_numpy()) >= _UNDER_WAY_KN
    little = direct_nm < _LITTLE_WAY * ships.mean_kn * table["duration_h"].to_numpy()
    somewhere = under_way & little & closed & (ships.kind != KINDS.index("fishing"))
    return np.where(somewhere, _NO_WAY_LLR, 0.0)


def _in_port(near: pd.DataFrame, places: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    radius = places["radius_nm"].to_numpy()[pairs.port]
    return in_port_llr(near, near["distance_nm"].to_numpy(), pairs.out_nm + radius, pairs.back_nm + radius, radius)


def _draught(near: pd.DataFrame, laden_m: np.ndarray, swing_m: np.ndarray, rule: PortRule) -> np.ndarray:
    before, after, before_age, after_age = (
        near[f"{end}_{name}"].to_numpy() for name in ("draught_m", "draught_age_h") for end in ("start", "end")
    )
    return draught_change_llr(
        before, after, laden_m, rule.max_draught_llr, before_age_h=before_age, after_age_h=after_age, swing_m=swing_m
    )
