"""How long a silence lasts under each reading of it: the densities that the readings are compared by.

Each is weighed against the reading that knows nothing, for which all durations from an hour to 90 days are equally
likely on a logarithmic scale; what is returned are log-likelihood ratios to that [nats]. A ship that has not come back
is judged by the chance that it stays away this long.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from darkvoyage.kernels.elapsed import (
    idle_density,
    log_uniform_density,
    slow_density,
    stay_density,
    stay_survival,
    transit_density,
)  # fmt: skip
from darkvoyage.reach.candidates import Pairs
from darkvoyage.reach.ships import KINDS, Ships
from darkvoyage.rules.reach import PortRule

__all__ = ["call_llr", "chance_of_speed", "meeting_llr", "service_of", "transit_llr", "wait_llr"]

_SHORTEST_H, _LONGEST_H = 1.0, 2160.0
_NEVER_BACK = 0.05
"""Share of unexplained open gaps that never end in this feed: ships sold, laid up, or gone elsewhere."""
_FLOOR = 1e-12
_LEAST_SPREAD_H = 0.5
_MOVING_KN = 1.0
_HURRIED_SHARE, _LEAST_SPREAD_KN = 0.05, 1e-6
"""Whoever has a reason may go much faster than usual. One in twenty is a judgement: by the normal law alone fast
ferries have chances of 1e-7 of making passages that they make every week."""
_OVERHEAD_H, _REFERENCE_H, _REFERENCE_T, _SIZE_POWER = 7.0, 17.0, 47_000.0, 0.33
"""Tankers: 6-8 h of mooring, papers and hoses, and the cargo at a rate that grows with the ship: 24 h alongside for
47 kt, 29 h for 105 kt, 32 h for 155 kt, 38 h for 300 kt, between loading and discharging (22 and 26, 22 and 32, 25 and
34, 36 and 44 h: charter-party pumping warranty of 24 h for a whole cargo, terminals of 9,000 t/h); 15 h for 5 kt."""
_SERVICE_H = {"tanker": 24.0, "cargo": 24.0, "passenger": 3.0, "fishing": 24.0, "other": 14.0}
_SERVICE_LOG_SD = {"tanker": 0.5, "cargo": 0.9, "passenger": 1.3, "fishing": 1.2, "other": 1.2}
"""Time in port of a call. UNCTAD, Review of Maritime Transport 2019: ships spent a median of 0.97 days in port in 2018,
container ships 0.70, tankers 0.94, break bulk 1.10, dry bulk 2.05. Ferries turn round in one to a few hours; the other
kinds are wide guesses that any history overrules."""
_STS_MEDIAN_H, _STS_LOG_SD = 20.0, 0.5
"""Ship-to-ship: manoeuvre 1-3 h, hoses 1-2 h, transfer 8-30 h, unmooring 1-2 h."""
_IDLE_SHORT_H, _IDLE_SHORT_SHARE = 9.0, 0.8
"""Most silences of ships that lie or loiter are short, whatever they wait for. 0.9 with 36 h for the long ones tells
calls in simulated worlds of development seeds as well, but takes real vessels of the development half that lay or
drifted for days for calls oftener: AUC .910 against .916."""
_STEADY_SHARE, _SLOW_SHARE, _LEAST_PACE, _HELD_SD_KN = 0.6, 0.25, 0.3, 0.8
"""Transit: most make good the mean of their speeds at both ends, some less by any factor, some their usual speed. Of 34
silences of real ships under way (development half) the speed made good less that mean has quartiles of -1.4 and +0.5 kn
and deciles of -5.0 and +1.0 kn, of 3,846 simulated ones -1.1, +0.1, -3.5 and +0.5 kn."""


def service_of(ships: Ships) -> tuple[np.ndarray, np.ndarray]:
    """Median time alongside and its logarithmic spread, for the ship of each gap.

    Parameters
    ----------
    ships : Ships

    Returns
    -------
    median_h, log_sd : ndarray of float64, shape (n,)
    """
    median = np.array([_SERVICE_H[name] for name in KINDS])[ships.kind]
    log_sd = np.array([_SERVICE_LOG_SD[name] for name in KINDS])[ships.kind]
    by_size = _OVERHEAD_H + _REFERENCE_H * (ships.dwt_t / _REFERENCE_T) ** _SIZE_POWER
    sized = (ships.kind == KINDS.index("tanker")) & np.isfinite(by_size)
    return np.where(sized, by_size, median), log_sd


def transit_llr(table: pd.DataFrame, direct_nm: np.ndarray, ships: Ships, closed: np.ndarray) -> np.ndarray:
    """Evidence of the duration for having gone straight on.

    Parameters
    ----------
    table : GAPS table of n gaps
    direct_nm : ndarray of float64, shape (n,)
        Between the ends [nm].
    ships : Ships
    closed : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        0 for open gaps: a ship that has not come back may be on its way to anywhere for as long as it likes.
    """
    duration = table["duration_h"].to_numpy()
    start, end = (table[name].to_numpy() for name in ("start_sog", "end_sog"))
    with np.errstate(invalid="ignore"):
        moving = (start >= _MOVING_KN) & (end >= _MOVING_KN)
    held = np.where(moving, (start + end) / 2, ships.mean_kn)
    held_sd = np.where(moving, np.hypot(_HELD_SD_KN, (start - end) / 3), ships.sd_kn)
    steady = transit_density(duration, direct_nm, held, held_sd)
    usual = transit_density(duration, direct_nm, ships.mean_kn, ships.sd_kn)
    slow = slow_density(duration, direct_nm, held, _LEAST_PACE)
    density = _STEADY_SHARE * steady + (1 - _STEADY_SHARE - _SLOW_SHARE) * usual + _SLOW_SHARE * slow
    return np.where(closed, _log(density), 0.0) - _unknown(duration, closed)


def wait_llr(
    duration_h: np.ndarray, direct_nm: np.ndarray, ships: Ships, closed: np.ndarray, rule: PortRule
) -> np.ndarray:
    """Evidence of the duration for having drifted, anchored or loitered on the way.

    Parameters
    ----------
    duration_h, direct_nm : ndarray of float64, shape (n,)
    ships : Ships
    closed : ndarray of bool, shape (n,)
    rule : PortRule

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    travel, spread = _travel(direct_nm, ships.mean_kn, ships.sd_kn)
    means = ((_IDLE_SHORT_SHARE, _IDLE_SHORT_H), (1 - _IDLE_SHORT_SHARE, rule.idle_mean_h))
    density = sum(share * idle_density(duration_h, travel, spread, mean_h) for share, mean_h in means)
    longer = sum(share * np.exp(-duration_h / mean_h) for share, mean_h in means)
    return _log(np.where(closed, density, longer)) - _unknown(duration_h, closed)


def meeting_llr(
    duration_h: np.ndarray, direct_nm: np.ndarray, ships: Ships, closed: np.ndarray, rule: PortRule
) -> np.ndarray:
    """Evidence of the duration for a meeting at sea on the way.

    Parameters
    ----------
    duration_h, direct_nm : ndarray of float64, shape (n,)
    ships : Ships
    closed : ndarray of bool, shape (n,)
    rule : PortRule

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    stay = {
        "median_h": _STS_MEDIAN_H,
        "log_sd": _STS_LOG_SD,
        "wait_share": rule.wait_share,
        "wait_mean_h": rule.wait_mean_h,
    }
    return _stay(duration_h, direct_nm, ships.mean_kn, ships.sd_kn, closed, stay)


def call_llr(
    pairs: Pairs, duration_h: np.ndarray, ships: Ships, stays: dict[str, np.ndarray], sts: np.ndarray
) -> np.ndarray:
    """Evidence of the duration for a call, or for a meeting in a listed area.

    Parameters
    ----------
    pairs : Pairs
    duration_h : ndarray of float64, shape (pairs,)
    ships : Ships
        Of the gaps.
    stays : dict of str to ndarray of float64, shape (pairs,)
        `median_h`, `log_sd`, `wait_share`, `wait_mean_h` of a call.
    sts : ndarray of bool, shape (pairs,)

    Returns
    -------
    ndarray of float64, shape (pairs,)
    """
    there = {"median_h": _STS_MEDIAN_H, "log_sd": _STS_LOG_SD}
    stay = {name: np.where(sts, there.get(name, values), values) for name, values in stays.items()}
    # A ship that has not come back still has the way back before it: as far as it came.
    both = np.where(pairs.closed, pairs.out_nm + pairs.back_nm, 2.0 * pairs.out_nm)
    return _stay(duration_h, both, ships.mean_kn[pairs.gap], ships.sd_kn[pairs.gap], pairs.closed, stay)


def chance_of_speed(needed_kn: np.ndarray, mean_kn: np.ndarray, sd_kn: np.ndarray, cap_kn: np.ndarray) -> np.ndarray:
    """P(V >= needed), shape (n,): N(mean, sd) up to the cap; for a few, anything from the mean to twice that."""
    from scipy.special import ndtr

    below, all_below = ndtr((needed_kn - mean_kn) / sd_kn), ndtr((cap_kn - mean_kn) / sd_kn)
    usual = np.clip((all_below - below) / all_below, 0.0, 1.0)
    most = np.minimum(cap_kn, 2.0 * mean_kn)
    hurried = np.clip((most - needed_kn) / np.maximum(most - mean_kn, _LEAST_SPREAD_KN), 0.0, 1.0)
    return (1.0 - _HURRIED_SHARE) * usual + _HURRIED_SHARE * hurried


def _stay(
    duration_h: np.ndarray, both_nm: np.ndarray, mean_kn: np.ndarray, sd_kn: np.ndarray, closed: np.ndarray,
    stay: Mapping[str, np.ndarray | float],
) -> np.ndarray:  # fmt: skip
    travel, spread = _travel(both_nm, mean_kn, sd_kn)
    out = np.empty(len(duration_h))
    for law, rows in ((stay_density, np.flatnonzero(closed)), (stay_survival, np.flatnonzero(~closed))):
        some = {name: np.broadcast_to(values, len(out))[rows] for name, values in stay.items()}
        out[rows] = law(duration_h[rows], travel[rows], spread[rows], **some)
    return _log(out) - _unknown(duration_h, closed)


def _travel(way_nm: np.ndarray, mean_kn: np.ndarray, sd_kn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hours under way and their spread."""
    travel = way_nm / mean_kn
    return travel, np.maximum(travel * sd_kn / mean_kn, _LEAST_SPREAD_H)


def _unknown(duration_h: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Logarithm of the density, or of the chance to last longer, where nothing is known."""
    lasting = np.log(_LONGEST_H / np.clip(duration_h, _SHORTEST_H, _LONGEST_H)) / np.log(_LONGEST_H / _SHORTEST_H)
    return _log(
        np.where(closed, log_uniform_density(duration_h, _SHORTEST_H, _LONGEST_H), np.maximum(lasting, _NEVER_BACK))
    )


def _log(density: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(density, _FLOOR))
