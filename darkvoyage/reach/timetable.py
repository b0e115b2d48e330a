"""Ships that keep a timetable: liners and ferries come to a place on the same day of the week.

How far a ship does is learned from its own returns, so that a tramp is not taken for a liner.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.group_sums import sum_between
from darkvoyage.reach.habits import Pairs, Visits
from darkvoyage.rules.history import HistoryRule
from darkvoyage.units import US_PER_H

__all__ = ["on_schedule", "regularity"]

_WEEK_US = round(168 * US_PER_H)
_HALF_WEEK_US = _WEEK_US // 2
_ON_TIME_US = round(8 * US_PER_H)
"""A call whose middle is this near to that of another one, whole weeks apart, keeps the timetable: a
judgement."""


def on_schedule(visits: Visits, pairs: Pairs, share: np.ndarray, places: int) -> np.ndarray:
    """What the day of the week adds to the visits of the ship at the port of each pair, or takes away from them.

    A visit that whole weeks take into the gap counts as much more as gaps of this length are rare in a week. Visits
    within half a week of the gap, visits and gaps longer than that, and open gaps say nothing of the day.

    Parameters
    ----------
    visits : Visits
    pairs : Pairs
    share : ndarray of float64, shape (ships,)
        Share of the visits of each ship that keep its timetable.
    places : int
        Number of places.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    short = _short(visits)
    known, code = np.unique(short.ship * places + short.place, return_inverse=True)
    wanted = pairs.ship * places + pairs.place
    brief = (pairs.end > pairs.start) & (pairs.end - _HALF_WEEK_US < pairs.start)
    rows = np.flatnonzero(np.isin(wanted, known) & (pairs.ship >= 0) & brief)
    long = pairs.end[rows] - pairs.start[rows]
    middle, group = pairs.start[rows] + long // 2, np.searchsorted(known, wanted[rows])
    other_weeks, in_phase = _weeks_apart(code, short, short.weight, group, middle, long // 2)
    out = np.zeros(len(wanted))
    out[rows] = share[pairs.ship[rows]] * (in_phase * (_WEEK_US / long) - other_weeks)
    return out


def regularity(visits: Visits, ships: int, places: int, rule: HistoryRule) -> np.ndarray:
    """Share of each ship's returns to a place that keep the day of the week, pulled to that of ships in general.

    Parameters
    ----------
    visits : Visits
    ships, places : int
        Number of ships and places.
    rule : HistoryRule

    Returns
    -------
    ndarray of float64, shape (ships,)
    """
    short = _short(visits)
    code = np.unique(short.ship * places + short.place, return_inverse=True)[1]
    middle = (short.arrive + short.depart) // 2
    returns = _weeks_apart(code, short, np.ones(len(code)), code, middle, _ON_TIME_US)
    number, kept = (np.bincount(short.ship, many > 0.5, minlength=ships) for many in returns)
    return (rule.schedule_visits * rule.schedule_share + kept) / (rule.schedule_visits + number)


def _short(visits: Visits) -> Visits:
    """Stops of less than half a week with a time."""
    return visits.at(visits.timed & visits.stopped & (visits.depart - _HALF_WEEK_US < visits.arrive))


def _weeks_apart(
    code: np.ndarray, visits: Visits, weight: np.ndarray, group: np.ndarray, at: np.ndarray, half: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of the visits of a group over half a week from each moment; of those, what weeks bring within `half`."""
    if len(code) == 0:
        return np.zeros(len(group)), np.zeros(len(group))
    middle = (visits.arrive + visits.depart) // 2
    near, beside = (sum_between(code, middle, weight, group, at - wide, at + wide) for wide in (_HALF_WEEK_US, half))
    # Laid out twice, so that no stretch of time ends with the week.
    phase, low = middle % _WEEK_US, (at - half) % _WEEK_US
    twice = (np.r_[code, code], np.r_[phase, phase + _WEEK_US], np.r_[weight, weight])
    return np.bincount(code, weight)[group] - near, sum_between(*twice, group, low, low + 2 * half) - beside
