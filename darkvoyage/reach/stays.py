"""How long ships stay in port and wait for it, learned from stays in the open.

The logarithm of a stay is pulled step by step from what holds in general to what is known best: ships of this kind, at
this port, this ship, this ship at this port. Each step weighs its own visits against a number of visits' worth of the
step before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.reach.history import ship_kinds
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["Stays", "learned_stays"]

_KIND, _KIND_AT_PORT, _SHIP, _SHIP_AT_PORT = 4.0, 3.0, 1.5, 2.0
_SPREAD = 1.0
"""Weights of the step before, in visits, by maximum likelihood: 149 stays of 33 real vessels, each left out once. On
127 stays of 41 other vessels the mean log density of a stay in hours rises from -2.57 (one law for all, median 8 h,
log-sd 1.3) to -1.67. Stays that were silent in between are stays too: without them the long ones would be missing."""
_WAIT, _WAIT_LENGTH = 4.0, 3.0
_WAITED_H = 1.0
"""Less than this near the port is manoeuvring."""
_LENGTHS_M = (0.0, 100.0, 200.0)
_WHOLE = 4
"""Confidence of a visit with entry and exit."""


@dataclass(frozen=True)
class Stays:
    """Stays of n pairs of gap and port.

    Parameters
    ----------
    median_h, log_sd : ndarray of float64, shape (n,)
        Log-normal time from arrival to departure.
    wait_share, wait_mean_h : ndarray of float64, shape (n,)
        Share of the calls that wait before they come in, and how long these wait on average.
    """

    median_h: np.ndarray
    log_sd: np.ndarray
    wait_share: np.ndarray
    wait_mean_h: np.ndarray


def learned_stays(
    near: pd.DataFrame, places: pd.DataFrame, port: np.ndarray, history: pd.DataFrame, *,
    median_h: np.ndarray | float, log_sd: np.ndarray | float, wait_share: np.ndarray | float,
    wait_mean_h: np.ndarray | float,
) -> Stays:  # fmt: skip
    """Pull what holds for stays in general towards the stays in a history.

    Parameters
    ----------
    near : DataFrame of n pairs
        Columns of GAPS.
    places : PORTS table
    port : ndarray of int64, shape (n,)
        Row of `places`.
    history : DataFrame
        Of `as_history`. Whole visits with a stop count.
    median_h, log_sd, wait_share, wait_mean_h : ndarray of float64, shape (n,), or float
        In general, for the ship and port of each pair.

    Returns
    -------
    Stays
    """
    number = len(near)
    general = (np.broadcast_to(np.asarray(x, "float64"), number) for x in (median_h, log_sd, wait_share, wait_mean_h))
    median, spread, share, mean_wait = general
    visits = _whole_visits(history, places)
    place, log_stay = visits["place"].to_numpy(), np.log(visits["stay_h"].to_numpy())
    size = len(places)
    kinds, kind = _kind_codes(visits), _kind_codes(near)
    ships, mmsi = visits["mmsi"].to_numpy(), near["mmsi"].to_numpy()
    steps = [
        (_KIND, _sums(kinds, log_stay, kind)),
        (_KIND_AT_PORT, _sums(_joint(kinds, place, size), log_stay, _joint(kind, port, size))),
        (_SHIP, _sums(ships, log_stay, mmsi)),
        (_SHIP_AT_PORT, _sums(_joint(ships, place, size), log_stay, _joint(mmsi, port, size))),
    ]
    centre = np.log(median)
    for weight, (count, total, _) in steps:
        centre = (weight * centre + total) / (weight + count)
    # Of the kind at this port and of the ship anywhere: about the same spread as of the ship at this port.
    counts, squares = np.zeros(number), np.zeros(number)
    for count, total, square in (steps[1][1], steps[2][1]):
        counts += count
        squares += np.maximum(square - 2 * centre * total + count * centre**2, 0.0)
    variance = (_SPREAD * spread**2 + squares) / (_SPREAD + counts)
    waits = visits[visits["wait_h"].notna()]
    waited = waits["wait_h"].to_numpy()
    known, some, _ = _sums(waits["place"].to_numpy(), (waited >= _WAITED_H).astype("float64"), port)
    _, hours, _ = _sums(waits["place"].to_numpy(), np.where(waited >= _WAITED_H, waited, 0.0), port)
    return Stays(
        np.exp(centre),
        np.sqrt(variance),
        (_WAIT * share + some) / (_WAIT + known),
        (_WAIT_LENGTH * mean_wait + hours) / (_WAIT_LENGTH + some),
    )


def _whole_visits(history: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Visits that were seen from their begin to their end, with the number of the place and the stay [h]."""
    arrive, depart = (time_us(history[name]) for name in ("arrive", "depart"))
    timed = (history["arrive"].notna() & history["depart"].notna()).to_numpy()
    stay = np.where(timed, (depart - np.where(timed, arrive, depart)) / US_PER_H, 0.0)
    place = pd.Index(places["port_id"]).get_indexer(pd.Index(history["port_id"]))
    stopped = (history["stop_h"] > 0).to_numpy()
    whole = history["confidence"].fillna(_WHOLE).ge(_WHOLE).to_numpy(dtype=bool)
    good = (stay > 0) & (place >= 0) & stopped & whole
    return history.assign(place=place, stay_h=stay)[good]


def _kind_codes(table: pd.DataFrame) -> np.ndarray:
    """Kind and size of each ship as one number, -1 where the kind is not known, shape (n,)."""
    length = table["length_m"].to_numpy(dtype="float64", na_value=np.nan) if "length_m" in table else np.nan
    size = np.digitize(np.nan_to_num(np.broadcast_to(length, len(table))), _LENGTHS_M, right=True)
    return _joint(ship_kinds(table), size, len(_LENGTHS_M) + 1)


def _joint(a: np.ndarray, b: np.ndarray, number: int) -> np.ndarray:
    """One number for both; -1 where the first is not known."""
    return np.where(a >= 0, a * number + b, -1)


def _sums(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, sum and sum of squares of the values under each wanted key; negative keys hold nothing."""
    known, code = np.unique(keys, return_inverse=True)
    if len(known) == 0:
        return np.zeros(len(wanted)), np.zeros(len(wanted)), np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found = (known[at] == wanted) & (wanted >= 0)
    count, total, square = (np.bincount(code, weights)[at] * found for weights in (None, values, values**2))
    return count, total, square
