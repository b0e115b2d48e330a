"""How often a transponder reports: the nominal intervals of ITU-R M.1371-5 (02/2014), annex 1, tables 1 and 2."""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.sphere import angle_difference

__all__ = ["LONG_RANGE_S", "STATIC_S", "report_interval_s", "turning"]

STATIC_S = 360.0
"""Static and voyage data, messages 5 and 24 [s]."""
LONG_RANGE_S = 180.0
"""Message 27, for satellites, on channels of its own [s]."""
_RESTING = (1, 5)
"""Navigational status at anchor and moored."""
_TURN_DEG = 5.0
_A_KN, _B_KN = (14.0, 23.0), (2.0, 14.0, 23.0)
_A_STEADY_S, _A_TURNING_S, _A_RESTING_S, _A_DRAGGING_S = (10.0, 6.0, 2.0), (10.0 / 3.0, 2.0, 2.0), 180.0, 10.0
_B_CARRIER_S, _B_SELF_S, _B_SELF_BUSY_S = (180.0, 30.0, 30.0, 30.0), (180.0, 30.0, 15.0, 5.0), (180.0, 30.0, 30.0, 15.0)
_A_RESTING_KN = 3.0


def report_interval_s(
    ais_class: str, status: np.ndarray, speed_kn: np.ndarray, turning: np.ndarray, *, congested: bool = False
) -> np.ndarray:
    """Nominal interval between position reports.

    Parameters
    ----------
    ais_class : {"A", "B", "B-SO"}
        "B" shares the channel by carrier sense ("CS"), "B-SO" is self-organised.
    status : ndarray of int, shape (n,)
        Navigational status as sent; class B sends none, and it counts for class A alone.
    speed_kn : ndarray of float64, shape (n,)
        Speed over ground [kn]; a ship at a limit belongs to the slower row.
    turning : ndarray of bool, shape (n,)
        Changes course; shortens the interval of class A under way.
    congested : bool
        The channel is more than half full: class B "SO" steps back.

    Returns
    -------
    ndarray of float64, shape (n,)
        Interval [s].
    """
    speed = np.asarray(speed_kn, dtype="float64")
    if ais_class != "A":
        own = _B_CARRIER_S if ais_class == "B" else _B_SELF_BUSY_S if congested else _B_SELF_S
        return np.array(own)[np.searchsorted(_B_KN, speed)]
    row = np.searchsorted(_A_KN, speed)
    under_way = np.where(turning, np.array(_A_TURNING_S)[row], np.array(_A_STEADY_S)[row])
    resting = np.where(speed <= _A_RESTING_KN, _A_RESTING_S, _A_DRAGGING_S)
    return np.where(np.isin(status, _RESTING), resting, under_way)


def turning(course: np.ndarray, speed_kn: np.ndarray) -> np.ndarray:
    """Tell where a ship turns, from its course in successive stretches of its way.

    Parameters
    ----------
    course : ndarray of float64, shape (n,)
        Course over ground [deg].
    speed_kn : ndarray of float64, shape (n,)
        Speed over ground [kn].

    Returns
    -------
    ndarray of bool, shape (n,)
        The course differs by more than 5 degrees, the limit of the standard, from that of the stretch before, and the
        ship makes way.
    """
    change = np.abs(angle_difference(course, np.r_[course[:1], course[:-1]]))
    return (change > _TURN_DEG) & (np.asarray(speed_kn) > 1.0)
