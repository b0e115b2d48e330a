"""What the ends of a gap say about a reading of it: courses, slowing down, ends at rest. In nats; 0 says nothing.

All take the pair table `near` (columns of GAPS, one row per gap and place, or per gap) and arrays beside it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.kernels.sphere import angle_difference

__all__ = ["at_rest_llr", "direction_llr", "in_port_llr", "speed_trend_llr"]

_MOVING_KN = 1.0
"""Below this a course over ground is noise of the receiver."""
_LEG_NM = (0.0, 1.0, 5.0, 15.0, 35.0, 100.0, 500.0)
_KAPPA = (0.0, 4.0, 5.0, 8.0, 10.0, 8.0, 5.0)
_ON_COURSE = (0.0, 0.3, 0.7, 0.8, 0.8, 0.8, 0.6)
"""Concentration and share of the ships that are on course, by the leg outside the place [nm], linear in between. Fitted
to 350 fixes of 66 vessels (Baltic, Gibraltar, Singapore, others) half an hour to two days from a visit: the course is
within 51 deg of the leg's bearing half the time at 3-6 nm from the port, 19 deg at 6-25 nm, 11 deg at 25-100 nm. On 582
fixes of 64 other vessels, with great circles for legs, a course gains 0.69 nats on "any course"; kappa 4 and a share of
0.7 at all distances gain 0.58."""
_STOPPED = (1, 5)
"""Navigational status: at anchor, moored."""
_REST_LLR = {"start": float(np.log(3.0)), "end": float(np.log(1.5))}
_CRUISE_LLR = -0.3
"""Of 211 silences that hide real calls of 28 vessels, 34 % began at rest and 50 % at cruising speed; of 139 in which 24
vessels went on without a call, 7 % and 77 %. At their ends it was 34 % and 50 %, against 14 % and 70 %. The ratios are
weighted by vessel. Speeds between rest and cruising were about as frequent in both."""
_LEAST_SD_KN = 1.0
_TREND_LLR = float(np.log(4.0))
_REST_KN, _REST_NM, _REST_ODDS = 1.0, 0.1, 20.0
"""Of silences at rest of 0.5-6 h less than 0.1 % stray from the spot, 0.9 % at 12 h (Singapore tankers, Kattegat)."""
_BERTH_NM, _SAME_NM = 3.0 / 1.852, 1.0 / 1.852
_IN_PORT_LLR = float(np.log(100.0))


def direction_llr(
    near: pd.DataFrame, bearing_out: np.ndarray, bearing_back: np.ndarray, out_nm: np.ndarray, back_nm: np.ndarray,
    closed: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Whether the courses at loss and reappearance fit a way to (and back from) a place, against any course.

    A mixture of von Mises and uniform, so that a single course never excludes anything: at most +1.9 and at least -1.6
    nats an end. Courses of ships that hardly move, and short legs, say nothing.

    Parameters
    ----------
    near : DataFrame
        `start_cog`, `start_sog`, `end_cog`, `end_sog`, and `start_course_weight` and `end_course_weight` where courses
        are not as reported.
    bearing_out, bearing_back : ndarray of float64, shape (n,)
        Courses on leaving the gap's start, and its end, towards the place [deg]; a ship that comes from there steers
        the opposite. For a transit the place of one end is the other end.
    out_nm, back_nm : ndarray of float64, shape (n,)
        Length of the two legs [nm].
    closed : ndarray of bool, shape (n,)
        Whether the gap has an end.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    out = _course_llr(near, "start", bearing_out, out_nm)
    return out + np.where(closed, _course_llr(near, "end", bearing_back + 180.0, back_nm), 0.0)


def _course_llr(near: pd.DataFrame, end: str, expected_deg: np.ndarray, leg_nm: np.ndarray) -> np.ndarray:
    course, speed = _column(near, f"{end}_cog"), _column(near, f"{end}_sog")
    kappa, steady = np.interp(leg_nm, _LEG_NM, _KAPPA), np.interp(leg_nm, _LEG_NM, _ON_COURSE)
    turn = np.radians(angle_difference(course, expected_deg))
    with np.errstate(invalid="ignore"):
        llr = np.log(steady * np.exp(kappa * (np.cos(turn) - 1.0)) / i0e(kappa) + 1.0 - steady)
        if f"{end}_course_weight" in near:
            llr = llr * _column(near, f"{end}_course_weight")
        return np.where(np.isfinite(llr) & (speed >= _MOVING_KN), llr, 0.0)


def speed_trend_llr(near: pd.DataFrame, mean_kn: np.ndarray, sd_kn: np.ndarray) -> np.ndarray:
    """Whether the ship was stopping before it was lost, or had just been stopping: for a stop against going on.

    At rest is below 1 kn, at anchor or moored; cruising is not more than one spread below the ship's own mean speed.

    Parameters
    ----------
    near : DataFrame
        `start_sog`, `start_nav_status`, `end_sog`, `end_nav_status`.
    mean_kn, sd_kn : ndarray of float64, shape (n,)
        The ship's own speed under way and its spread [kn].

    Returns
    -------
    ndarray of float64, shape (n,)
        At most ln 4 either way.
    """
    total = np.zeros(len(near))
    for end, rest_llr in _REST_LLR.items():
        speed, status = _column(near, f"{end}_sog"), _column(near, f"{end}_nav_status")
        with np.errstate(invalid="ignore"):
            rest = (speed < _MOVING_KN) | np.isin(status, _STOPPED)
            cruise = speed >= mean_kn - np.maximum(sd_kn, _LEAST_SD_KN)
        total += np.where(rest, rest_llr, np.where(cruise, _CRUISE_LLR, 0.0))
    return np.clip(total, -_TREND_LLR, _TREND_LLR)


def at_rest_llr(near: pd.DataFrame, distance_nm: np.ndarray) -> np.ndarray:
    """Evidence of ends on one spot and at rest: who goes away and comes back seldom finds the very same anchorage.

    Parameters
    ----------
    near : DataFrame
        `start_sog`, `end_sog`.
    distance_nm : ndarray of float64, shape (n,)
        Between the ends [nm]; NaN says nothing.

    Returns
    -------
    ndarray of float64, shape (n,)
        For having stayed; at most ln 20.
    """
    closeness = np.exp(-((np.nan_to_num(distance_nm, nan=np.inf) / _REST_NM) ** 2))
    return np.where(_still(near), np.log1p((_REST_ODDS - 1) * closeness), 0.0)


def in_port_llr(
    near: pd.DataFrame, distance_nm: np.ndarray, out_nm: np.ndarray, back_nm: np.ndarray, radius_nm: np.ndarray
) -> np.ndarray:
    """Evidence that the ship never left the place in which it fell silent and was heard again.

    Terminals ask ships to switch off, and receivers in harbours are shaded: such a silence is no voyage, and hides no
    call, because the ship shows itself there at both ends. It speaks for `wait`, staying in place.

    Parameters
    ----------
    near : DataFrame
        `start_sog`, `end_sog`.
    distance_nm : ndarray of float64, shape (n,)
        Between the ends [nm].
    out_nm, back_nm : ndarray of float64, shape (n,)
        From the ends to the middle of the place [nm].
    radius_nm : ndarray of float64, shape (n,)
        Of the place; 3 km where that is more [nm].

    Returns
    -------
    ndarray of float64, shape (n,)
        Ln 100 where both ends lie in the place, at rest and less than 1 km apart, else 0.
    """
    room = np.maximum(radius_nm, _BERTH_NM)
    with np.errstate(invalid="ignore"):
        inside = (out_nm <= room) & (back_nm <= room) & (distance_nm < _SAME_NM)
    return np.where(inside & _still(near), _IN_PORT_LLR, 0.0)


def _still(near: pd.DataFrame) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (_column(near, "start_sog") < _REST_KN) & (_column(near, "end_sog") < _REST_KN)


def _column(near: pd.DataFrame, name: str) -> np.ndarray:
    if name not in near:
        return np.full(len(near), np.nan)
    return near[name].to_numpy(dtype="float64", na_value=np.nan)
