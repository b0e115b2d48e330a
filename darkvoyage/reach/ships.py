"""The ship of each gap, as far as it matters for where it could have been: kind, speeds, size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.draught import load_swing_m
from darkvoyage.rules.reach import PortRule
from darkvoyage.schema.ais import is_tanker

__all__ = ["KINDS", "Ships", "ships_of"]

KINDS = ("tanker", "cargo", "passenger", "fishing", "other")
TANKER, CARGO, PASSENGER, FISHING, OTHER = range(len(KINDS))

_BELIEVED_KN = 50.0
"""Speeds over this at the ends of a gap are not believed [kn]."""
_ENOUGH_H = 12.0
"""Hours under way after which a ship's own mean speed weighs as much as that of its class."""
_LADEN = 0.75
"""A draught of more than this share of the ship's greatest is laden."""
_DWT_REFERENCE_T, _LENGTH_REFERENCE_M = 47_000.0, 183.0
"""A medium-range tanker. Deadweight goes with the cube of the length: 7.7 kt at 100 m, 120 kt at 250 m, 283 kt at
333 m, against about 6, 105 and 300 kt of ships that are built."""


@dataclass(frozen=True)
class Ships:
    """The ships of n gaps; every field is an array of shape (n,).

    Parameters
    ----------
    kind : ndarray of int64
        Index into `KINDS`.
    mean_kn, sd_kn, cap_kn : ndarray of float64
        Speed under way, its spread with currents, and the hard cap with currents [kn].
    dwt_t, laden_m, swing_m : ndarray of float64
        Deadweight [t], NaN where not even the length is known; laden draught, and its change with a full cargo [m],
        NaN where not known.
    """

    kind: np.ndarray
    mean_kn: np.ndarray
    sd_kn: np.ndarray
    cap_kn: np.ndarray
    dwt_t: np.ndarray
    laden_m: np.ndarray
    swing_m: np.ndarray


def ships_of(table: pd.DataFrame, vessels: pd.DataFrame | None, history: pd.DataFrame, rule: PortRule) -> Ships:
    """Look up the ship of each gap.

    Parameters
    ----------
    table : GAPS table
        Complete.
    vessels : VESSELS table or None
        Complete. Deadweight, service speed and laden draught.
    history : HISTORY table
        Rows with `speed_kn` give own speeds.
    rule : PortRule

    Returns
    -------
    Ships
    """
    known = _register(table, vessels)
    ship_type = _numbers(table, "ship_type")
    ship_type = np.where(np.isfinite(ship_type), ship_type, _numbers(known, "ship_type"))
    length = np.fmax(_numbers(table, "length_m"), _numbers(known, "length_m"))
    class_b = (table["ais_class"] == "B").fillna(False).to_numpy(dtype=bool)
    kind = _kind(ship_type)
    fast = class_b | (kind == PASSENGER)
    tanker = kind == TANKER
    mean = np.where(tanker, rule.tanker_mean_kn, np.where(fast, rule.fast_mean_kn, rule.other_mean_kn))
    cap = np.where(tanker, rule.tanker_max_kn, np.where(fast, rule.fast_max_kn, rule.other_max_kn))
    service = _numbers(known, "service_speed_kn")
    mean = np.where(np.isfinite(service), service, mean)
    sd = np.where(np.isfinite(service), rule.speed_sd_kn, rule.class_sd_kn)
    laden = _numbers(known, "draught_max_m")
    mean, sd, top = _own_speed(table, history, laden, mean, sd, rule)
    seen = np.fmax(_numbers(table, "start_sog"), _numbers(table, "end_sog"))
    seen = np.where(seen <= _BELIEVED_KN, seen, np.nan)
    dwt = _numbers(known, "dwt_t")
    by_length = _DWT_REFERENCE_T * (length / _LENGTH_REFERENCE_M) ** 3
    return Ships(
        kind=kind,
        mean_kn=mean,
        # A current of +-c, evenly spread, adds c^2 / 3 to the variance of the speed over ground.
        sd_kn=np.sqrt(sd**2 + rule.current_kn**2 / 3),
        cap_kn=np.fmax(np.fmax(np.fmax(cap, top), mean + 2 * sd), seen) + rule.current_kn,
        dwt_t=np.where(np.isfinite(dwt), dwt, np.where(by_length > 0, by_length, np.nan)),
        laden_m=laden,
        swing_m=load_swing_m(dwt, length, _numbers(known, "beam_m")),
    )


def _register(table: pd.DataFrame, vessels: pd.DataFrame | None) -> pd.DataFrame:
    """Row of the register of each gap; null where there is none."""
    if vessels is None:
        return pd.DataFrame(index=table.index)
    return vessels.drop_duplicates("mmsi").set_index("mmsi").reindex(table["mmsi"]).reset_index(drop=True)


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype="float64", na_value=np.nan)


def _kind(ship_type: np.ndarray) -> np.ndarray:
    """Kind by the first digit of the ITU ship type (M.1371-5, table 53): 8, 7, 6 and 4, 30."""
    tens = ship_type // 10
    kind = np.where(tens == 7, CARGO, np.where((tens == 6) | (tens == 4), PASSENGER, OTHER))
    return np.where(is_tanker(ship_type), TANKER, np.where(ship_type == 30, FISHING, kind))


def _own_speed(
    table: pd.DataFrame, history: pd.DataFrame, laden_m: np.ndarray, mean: np.ndarray, sd: np.ndarray,
    rule: PortRule,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Mean and spread of each gap's ship in its loading state, drawn towards the class, and the most it ever did."""
    if not history["speed_kn"].notna().any():
        return mean, sd, np.full(len(table), np.nan)
    rows = history[history["speed_kn"].notna()]
    weight = rows["under_way_h"].fillna(_ENOUGH_H * 10)
    own = pd.DataFrame(
        {
            "mmsi": rows["mmsi"],
            "state": rows["load_state"].map({"ballast": 1, "laden": 2}).fillna(0),
            "hours": weight,
            "way": rows["speed_kn"] * weight,
            "square": rows["speed_sd_kn"] ** 2 * weight,
            "most": rows["speed_max_kn"],
        }
    )
    draught = _numbers(table, "start_draught_m") / laden_m
    now = np.where(np.isfinite(draught), np.where(draught > _LADEN, 2, 1), 0)
    overall = own[own["state"] == 0]
    overall = pd.concat([overall, own[~own["mmsi"].isin(overall["mmsi"])].assign(state=0)])
    total = (
        pd.concat([overall, own[own["state"] > 0]])
        .groupby(["mmsi", "state"])
        .agg(hours=("hours", "sum"), way=("way", "sum"), square=("square", "sum"), most=("most", "max"))
    )
    mmsi = table["mmsi"].to_numpy()
    in_state, ever = (
        total.reindex(pd.MultiIndex.from_arrays([mmsi, which])).reset_index(drop=True)
        for which in (now, np.zeros(len(mmsi), dtype="int64"))
    )
    best = in_state.where(in_state["hours"] >= _ENOUGH_H, ever)
    hours, way, square = (best[name].to_numpy() for name in ("hours", "way", "square"))
    own_mean, own_sd = way / hours, np.sqrt(square / hours)
    share = np.nan_to_num(hours / (hours + _ENOUGH_H))
    own_sd = np.fmax(np.where(own_sd > 0, own_sd, np.nan), rule.speed_sd_kn)
    some = share > 0
    return (
        np.where(some, share * np.nan_to_num(own_mean) + (1 - share) * mean, mean),
        np.where(some, np.sqrt(share * np.nan_to_num(own_sd) ** 2 + (1 - share) * sd**2), sd),
        ever["most"].to_numpy(dtype="float64"),
    )
