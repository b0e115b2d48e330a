"""What the ends of a gap say about a reading of it: directions, draughts, destination text; all in nats."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.config import PortRule
from darkvoyage.kernels.sphere import angle_difference, bearing, great_circle_nm

__all__ = ["destination_llr", "direction_llr", "draught_llr"]

_KAPPA = 4.0
_STEADY_SHARE = 0.7
_MOVING_KN = 1.0
_NEAR_NM = 5.0
_UNCHANGED = 0.5
"""Chance that a draught is not retyped within a day of a call."""
_DRAUGHT_NOISE_M = 0.1
_DRAUGHT_BLUNDER = 0.03
_DRAUGHT_RANGE_M = 20.0
_DESTINATION_LLR = float(np.log(5.0))


def direction_llr(
    table: pd.DataFrame, lat: np.ndarray, lon: np.ndarray, closed: np.ndarray, *, via: bool = False
) -> np.ndarray:
    """Whether the courses at loss and reappearance fit a way to (and back from) a place, shape (n,).

    A mixture of von Mises (kappa 4, weight 0.7) and uniform, so that a single course never excludes anything. Courses
    of ships that hardly move, and legs shorter than 5 nm, say nothing.

    Parameters
    ----------
    table : DataFrame of n gaps
    lat, lon : ndarray of float64, shape (n,)
        The place.
    closed : ndarray of bool, shape (n,)
    via : bool
        The ship comes back from the place to the gap's end, instead of the place being the end.
    """
    lat1, lon1 = table["start_lat"].to_numpy(), table["start_lon"].to_numpy()
    far = great_circle_nm(lat1, lon1, lat, lon) > _NEAR_NM
    out = np.where(far, _course_llr(table, "start", bearing(lat1, lon1, lat, lon)), 0.0)
    lat2, lon2 = table["end_lat"].to_numpy(), table["end_lon"].to_numpy()
    from_lat, from_lon = (lat, lon) if via else (lat1, lon1)
    far = closed & (great_circle_nm(from_lat, from_lon, lat2, lon2) > _NEAR_NM)
    arriving = bearing(lat2, lon2, from_lat, from_lon) + 180.0
    return np.nan_to_num(out) + np.nan_to_num(np.where(far, _course_llr(table, "end", arriving), 0.0))


def _course_llr(table: pd.DataFrame, end: str, expected: np.ndarray) -> np.ndarray:
    if f"{end}_cog" not in table or f"{end}_sog" not in table:
        return np.zeros(len(table))
    course, speed = table[f"{end}_cog"].to_numpy(), table[f"{end}_sog"].to_numpy()
    turn = np.radians(angle_difference(course, expected))
    steady = np.exp(_KAPPA * (np.cos(turn) - 1.0)) / i0e(_KAPPA)
    llr = np.log(_STEADY_SHARE * steady + 1 - _STEADY_SHARE)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(llr) & (speed >= _MOVING_KN), llr, 0.0)


def draught_llr(table: pd.DataFrame, ships: pd.DataFrame, called: np.ndarray, rule: PortRule) -> np.ndarray:
    """Whether the change of draught fits a call (loaded or discharged) or none, capped, shape (n,).

    Draughts are typed by hand: unchanged is common after a call, and blunders occur. Half of the calls leave the value
    as it was; a change after a call is about 0.4 of the laden draught, either way.

    Parameters
    ----------
    table : DataFrame of n gaps
    ships : DataFrame
        `draught_max_m`, one row per gap.
    called : ndarray of bool, shape (n,)
        The reading is a call.
    rule : PortRule
    """
    if "start_draught_m" not in table or "end_draught_m" not in table:
        return np.zeros(len(table))
    before, after = table["start_draught_m"].to_numpy(), table["end_draught_m"].to_numpy()
    change = after - before
    laden = np.fmax(ships["draught_max_m"].to_numpy(), np.fmax(before, after))
    same = np.exp(-np.abs(change) / _DRAUGHT_NOISE_M) / (2 * _DRAUGHT_NOISE_M)
    size, spread = 0.4 * laden, 0.15 * laden
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = 0.5 * np.exp(-0.5 * ((np.abs(change) - size) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    blunder = _DRAUGHT_BLUNDER / _DRAUGHT_RANGE_M
    stayed = (1 - _DRAUGHT_BLUNDER) * same + blunder
    call = (1 - _DRAUGHT_BLUNDER) * (_UNCHANGED * same + (1 - _UNCHANGED) * moved) + blunder
    llr = np.clip(np.log(call / stayed), -rule.max_draught_llr, rule.max_draught_llr)
    return np.where(called & np.isfinite(llr), llr, 0.0)


def destination_llr(table: pd.DataFrame, places: pd.DataFrame, port: np.ndarray) -> np.ndarray:
    """Ln 5 where a destination typed before or after the gap names the port (code or name), else 0, shape (n,)."""
    codes = _plain(places["port_id"])
    names = _plain(places["name"])
    out = np.zeros(len(table), dtype=bool)
    for end in ("start_destination", "end_destination"):
        if end not in table:
            continue
        text = table[end]
        known, at = np.unique(text.fillna("").to_numpy(dtype=object).astype("U"), return_inverse=True)
        plain = _plain(pd.Series(known, dtype="str"))
        at_code, at_name = plain.iloc[at].to_numpy(dtype=object), codes.iloc[port].to_numpy(dtype=object)
        name = names.iloc[port].to_numpy(dtype=object)
        out |= (at_code != "") & ((at_code == at_name) | (at_code == name))
    return np.where(out, _DESTINATION_LLR, 0.0)


def _plain(text: pd.Series) -> pd.Series:
    return text.str.upper().str.replace(r"[^A-Z0-9]", "", regex=True)
