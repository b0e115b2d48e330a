"""Where ships were seen to call: how often, and after and before which ports, at the ports of each gap."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from darkvoyage.kernels.group_sums import sum_before, sum_by_key
from darkvoyage.kernels.nearby import near_pairs_of_many
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.history import ship_kinds
from darkvoyage.rules.history import HistoryRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["Pairs", "Visits", "around_harbours", "as_pairs", "known_visits", "own_visits", "steps", "visits_of_others"]

_NEVER = np.iinfo("int64").max
_SAME_CALL_US = round(12 * US_PER_H)
"""Berths of one harbour within this of each other are shifts of one call."""


@dataclass(frozen=True)
class Visits:
    """Visits at listed places, as arrays of shape (n,): number of the ship and so on, times in us.

    Those that are not `timed` are known to have been made, not when.
    """

    ship: np.ndarray
    place: np.ndarray
    kind: np.ndarray
    timed: np.ndarray
    stopped: np.ndarray
    arrive: np.ndarray
    depart: np.ndarray
    weight: np.ndarray

    def at(self, rows: np.ndarray) -> Visits:
        """Return some of the visits.

        Parameters
        ----------
        rows : ndarray of int64 or bool
        """
        return Visits(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True)
class Pairs:
    """Pairs of gap and port: number of the gap (0, 1, ...), first pair of each gap, and what the gap is."""

    gap: np.ndarray
    first: np.ndarray
    ship: np.ndarray
    kind: np.ndarray
    place: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def share(self, weight: np.ndarray) -> np.ndarray:
        """Share of each pair in the weight of its gap.

        Parameters
        ----------
        weight : ndarray of float64, shape (n,)
        """
        return weight / np.add.reduceat(weight, self.first)[self.gap]


def known_visits(history: pd.DataFrame, places: pd.DataFrame, rule: HistoryRule) -> tuple[Visits, np.ndarray]:
    """Read the visits at the listed places, and the numbers of the ships that made them, ascending.

    Parameters
    ----------
    history : DataFrame
        Of `as_history`.
    places : PORTS table
    rule : HistoryRule

    Returns
    -------
    Visits
    ndarray of int64
    """
    place = pd.Index(places["port_id"]).get_indexer(history["port_id"])
    rows = np.flatnonzero(history["port_id"].notna().to_numpy() & (place >= 0))
    ships, ship = np.unique(history["mmsi"].to_numpy()[rows], return_inverse=True)
    timed = history["arrive"].notna().to_numpy()[rows]
    arrive, depart = (time_us(history[name])[rows] for name in ("arrive", "depart"))
    order = np.lexsort((arrive, ship))
    ship, timed, arrive = ship[order], timed[order], arrive[order]
    # A ship that was not heard leaving has left when it comes in somewhere else.
    later = np.r_[np.where(ship[1:] == ship[:-1], arrive[1:], _NEVER), _NEVER][: len(order)]
    left = history["depart"].notna().to_numpy()[rows][order]
    # A silence beside a port is seen as a visit without a stop, and may be a call anywhere.
    stopped = history["stop_h"].fillna(np.inf).gt(0).to_numpy()[rows][order]
    return Visits(
        ship, place[rows][order], ship_kinds(history)[rows][order], timed, stopped, arrive,
        np.where(left, depart[order], later), np.where(stopped, 1.0, rule.silent_share),
    ), ships  # fmt: skip


def as_pairs(near: pd.DataFrame, port: np.ndarray, ships: np.ndarray) -> Pairs:
    """Number gaps and their ships.

    Parameters
    ----------
    near : DataFrame of n pairs
        Columns of GAPS; the pairs of one gap stand together.
    port : ndarray of int64, shape (n,)
    ships : ndarray of int64
        Of `known_visits`.

    Returns
    -------
    Pairs
        `ship` and `kind` are -1 where nothing is known of them.
    """
    start, mmsi = time_us(near["gap_start"]), near["mmsi"].to_numpy()
    end = np.where(near["gap_end"].notna(), time_us(near["gap_end"]), _NEVER)
    # A gap is told from another by its ship, its start and where it starts, as its id is.
    same = np.ones(len(near) - 1, dtype=bool)
    for values in (mmsi, start, *(near[name].to_numpy() for name in ("start_lat", "start_lon"))):
        same &= values[1:] == values[:-1]
    new = np.r_[True, ~same]
    at = np.minimum(np.searchsorted(ships, mmsi), max(len(ships) - 1, 0))
    ship = np.where(ships[at] == mmsi, at, -1) if len(ships) else np.full(len(near), -1)
    return Pairs(np.cumsum(new) - 1, np.flatnonzero(new), ship, ship_kinds(near), port, start, end)


def visits_of_others(visits: Visits, pairs: Pairs, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Visits of ships of the kind, and of all ships, at the port of each pair; own ones during the gap left out.

    Parameters
    ----------
    visits : Visits
    pairs : Pairs
    places : int
        Number of places.

    Returns
    -------
    kin, fleet : ndarray of float64, shape (n,)
    """
    during = _during(visits, pairs, places)
    kin = sum_by_key(visits.kind * places + visits.place, visits.weight, pairs.kind * places + pairs.place)
    fleet = np.bincount(visits.place, visits.weight, minlength=places)[pairs.place]
    return np.maximum(np.where(pairs.kind >= 0, kin - during, 0.0), 0.0), np.maximum(fleet - during, 0.0)


def around_harbours(visits: Visits, places: pd.DataFrame, rule: HistoryRule) -> Visits:
    """Let each visit count a little at the other places of its harbour: lists name basins, and some places twice.

    Parameters
    ----------
    visits : Visits
    places : PORTS table
    rule : HistoryRule

    Returns
    -------
    Visits
        Those given, and shares of them at the places around.
    """
    lat, lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    seen = np.unique(visits.place)
    at, other = near_pairs_of_many(lat[seen], lon[seen], lat, lon, np.full(len(lat), rule.harbour_nm))
    at, other = at[seen[at] != other], other[seen[at] != other]
    which = np.searchsorted(seen, visits.place)
    first = np.searchsorted(at, which)
    row, near = expand(first, np.searchsorted(at, which, side="right") - first)
    copies = replace(visits.at(row), place=other[near], weight=rule.harbour_share * visits.weight[row])
    return Visits(*(np.r_[getattr(visits, each.name), getattr(copies, each.name)] for each in fields(Visits)))


def own_visits(visits: Visits, pairs: Pairs, places: int) -> np.ndarray:
    """Visits of the ship at the port of each pair, those during the gap left out.

    Parameters
    ----------
    visits : Visits
    pairs : Pairs
    places : int
        Number of places.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    all_of_them = sum_by_key(visits.ship * places + visits.place, visits.weight, pairs.ship * places + pairs.place)
    return np.maximum(all_of_them - _during(visits, pairs, places), 0.0)


def steps(visits: Visits, pairs: Pairs, places: pd.DataFrame, rule: HistoryRule) -> list[tuple[np.ndarray, np.ndarray]]:
    """Look up how often the ship sailed between the port of each pair and the ports next to its gap.

    Parameters
    ----------
    visits : Visits
    pairs : Pairs
    places : PORTS table
    rule : HistoryRule

    Returns
    -------
    list of two tuples (ndarray of int64, ndarray of float64), shape (n,)
        The place before the gap and the steps from it, the place after the gap and the steps to it; -1 for no place.
    """
    calls, number = _calls_in_turn(visits, places, rule), len(places)
    ship, place = calls.ship, calls.place
    a = np.flatnonzero(ship[1:] == ship[:-1])
    moves = (ship[a] * number + place[a]) * number + place[a + 1]
    last = _visit_beside(ship, calls.depart, pairs, pairs.start, "right", -1)
    first = _visit_beside(ship, calls.arrive, pairs, pairs.end, "left", 0)
    before, after = (np.where(row >= 0, place[row], -1) if len(place) else row for row in (last, first))
    # The step from the port before the gap to the one after it is only what is seen of the call that is sought.
    over = (last >= 0) & (first == last + 1)
    out = []
    for beside, other, key in (
        (before, after, (pairs.ship * number + before) * number + pairs.place),
        (after, before, (pairs.ship * number + pairs.place) * number + after),
    ):
        times = sum_by_key(moves, np.ones(len(moves)), np.where(beside >= 0, key, -1))
        out.append((beside, times - (over & (other == pairs.place))))
    return out


def _calls_in_turn(visits: Visits, places: pd.DataFrame, rule: HistoryRule) -> Visits:
    """Stops with a time, those in one harbour shortly after each other as one."""
    calls = visits.at(visits.timed & visits.stopped)
    lat, lon = (places[name].to_numpy()[calls.place] for name in ("lat", "lon"))
    near = great_circle_nm(lat[1:], lon[1:], lat[:-1], lon[:-1]) <= rule.harbour_nm
    near |= calls.place[1:] == calls.place[:-1]
    soon = calls.arrive[1:] - _SAME_CALL_US < calls.depart[:-1]
    first = np.flatnonzero(np.r_[True, ~(near & soon & (calls.ship[1:] == calls.ship[:-1]))][: len(calls.ship)])
    left = np.maximum.reduceat(calls.depart, first) if len(first) else calls.depart
    return replace(calls.at(first), depart=left)


def _during(visits: Visits, pairs: Pairs, places: int) -> np.ndarray:
    """Visits of the ship at the port of each pair that overlap its gap."""
    timed = visits.at(visits.timed)
    wanted = pairs.ship * places + pairs.place
    known, code = np.unique(timed.ship * places + timed.place, return_inverse=True)
    out = np.zeros(len(wanted))
    rows = np.flatnonzero(np.isin(wanted, known) & (pairs.ship >= 0))
    group = np.searchsorted(known, wanted[rows])
    begun = sum_before(code, timed.arrive, timed.weight, group, pairs.end[rows])
    out[rows] = begun - sum_before(code, timed.depart, timed.weight, group, pairs.start[rows], side="right")
    return out


def _visit_beside(
    ship: np.ndarray, time: np.ndarray, pairs: Pairs, query: np.ndarray, side: str, step: int
) -> np.ndarray:
    """Row of the ship's last visit before, or first visit after, the gap of each pair; -1 if there is none."""
    rows = pairs.first[pairs.ship[pairs.first] >= 0]
    order = np.lexsort((time, ship))
    at = search_groups(ship[order], time[order], pairs.ship[rows], query[rows], side=side) + step
    inside = (at >= 0) & (at < len(ship))
    visit = order[at[inside]]
    same = ship[visit] == pairs.ship[rows[inside]]
    of_gap = np.full(len(pairs.first), -1, dtype="int64")
    of_gap[pairs.gap[rows[inside][same]]] = visit[same]
    return of_gap[pairs.gap]
