"""What speaks for two ships having met while at least one of them was silent: measures, and the odds they make."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.prisms import arc_nm, degrees_of, together_at, unit_vectors
from darkvoyage.kernels.sphere import bearing
from darkvoyage.reach.clues import direction_llr
from darkvoyage.reach.meeting_odds import MOST_COURSES
from darkvoyage.reach.parties import Parties

__all__ = ["area_of", "early_evidence", "late_evidence"]

_HOURS, _NM = 6.0, 25.0
"""Differences of times and places are measured on logarithmic scales that begin here."""
_FAR_NM = 200.0
"""Stands for the distance of an end that is not known."""
_STATE = ("start_cog", "start_sog", "end_cog", "end_sog")


def early_evidence(a: Parties, b: Parties) -> dict[str, np.ndarray]:
    """Measure what the ends of both say, whatever the place, each of shape (n,).

    Parameters
    ----------
    a, b : Parties
        Of n rows each.

    Returns
    -------
    dict of str to ndarray
        `off`: log-odds that both were switched off (each that is silent, where known), `at_rest`: ends of the two at
        which the ship lay still; `starts_h`, `ends_h`, `starts_nm`, `ends_nm`: how far the two starts, and the two
        ends, lie apart, log(1 + x / 6 h) and log(1 + x / 25 nm); `open`: ships not heard again; `other_trade`: ships
        known to be no tankers.
    """
    closed = (a.prisms.back_pace > 0) & (b.prisms.back_pace > 0)
    ends_nm = np.where(closed, arc_nm(a.prisms.back, b.prisms.back), _FAR_NM)
    return {
        "off": np.nan_to_num(a.off) + np.nan_to_num(b.off),
        "at_rest": a.at_rest + b.at_rest,
        "starts_h": np.log1p(np.abs(a.prisms.start_h - b.prisms.start_h) / _HOURS),
        "ends_h": np.log1p(np.abs(a.prisms.end_h - b.prisms.end_h) / _HOURS),
        "starts_nm": np.log1p(arc_nm(a.prisms.out, b.prisms.out) / _NM),
        "ends_nm": np.log1p(ends_nm / _NM),
        "open": 0.0 + ~a.closed + ~b.closed,
        "other_trade": 0.0 + a.other_trade + b.other_trade,
    }


def late_evidence(a: Parties, b: Parties, place: np.ndarray, area: np.ndarray) -> dict[str, np.ndarray]:
    """Measure what the place says, each of shape (n,).

    Parameters
    ----------
    a, b : Parties
        Of n rows each.
    place : ndarray of float64, shape (n, 3)
        Where they could be together for the longest time.
    area : ndarray of int64, shape (n,)
        Listed area in which they could have met; -1: none.

    Returns
    -------
    dict of str to ndarray
        `area`: 1 in a listed area, `courses`: how well the courses at the ends fit a way to the place and back [nats],
        `arrivals_h`, `departures_h`: how far apart the two would arrive there, and leave, at their usual speeds,
        log(1 + x / 6 h).
    """
    courses = _courses(a, place) + _courses(b, place)
    (arrive_a, leave_a), (arrive_b, leave_b) = _usual_times(a, place), _usual_times(b, place)
    return {
        "area": 0.0 + (area >= 0),
        "courses": np.clip(courses, -MOST_COURSES, MOST_COURSES),
        "arrivals_h": np.log1p(np.abs(arrive_a - arrive_b) / _HOURS),
        "departures_h": np.log1p(np.abs(leave_a - leave_b) / _HOURS),
    }


def _usual_times(of: Parties, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When each ship is at a place at the earliest and the latest, at its usual speed [h]."""
    usual = of.prisms.paced(of.cap_kn / of.mean_kn)
    return together_at(usual, usual, place)


def _courses(of: Parties, place: np.ndarray) -> np.ndarray:
    lat, lon = degrees_of(place)
    out, back = degrees_of(of.prisms.out), degrees_of(of.prisms.back)
    near = pd.DataFrame(dict(zip(_STATE, of.state.T, strict=True)))
    return direction_llr(
        near, bearing(*out, lat, lon), bearing(*back, lat, lon), arc_nm(of.prisms.out, place),
        arc_nm(of.prisms.back, place), of.closed,
    )  # fmt: skip


def area_of(a: Parties, b: Parties, areas: pd.DataFrame, least_h: float) -> np.ndarray:
    """Area in which each pair can be together for the longest time, if that is long enough.

    Parameters
    ----------
    a, b : Parties
        Of n rows each.
    areas : PORTS table
        Ship-to-ship areas; a meeting may be anywhere within the radius.
    least_h : float

    Returns
    -------
    ndarray of int64, shape (n,)
        Row of `areas`, -1 where none will do.
    """
    best, longest = np.full(len(a), -1), np.full(len(a), least_h)
    middles = unit_vectors(areas["lat"].to_numpy(), areas["lon"].to_numpy())
    for number, radius_nm in enumerate(areas["radius_nm"].to_numpy()):
        first, last = together_at(a.prisms, b.prisms, middles[[number]], radius_nm=radius_nm)
        better = last - first > longest
        best[better], longest[better] = number, (last - first)[better]
    return best
