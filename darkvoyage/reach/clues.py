"""What the ends of a gap say about a reading of it: directions and destination text, in nats."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.kernels.sphere import angle_difference, bearing, great_circle_nm

__all__ = ["destination_llr", "direction_llr"]

_KAPPA = 4.0
_STEADY_SHARE = 0.7
_MOVING_KN = 1.0
_NEAR_NM = 5.0
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
