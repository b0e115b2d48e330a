"""Densities of the time that passes between two fixes under named readings of a voyage.

All take hours and knots and return a density [1/h] or, where `survival` says so, the chance of lasting longer.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import erfc, erfcx, ndtr

__all__ = ["idle_density", "log_uniform_density", "stay_density", "stay_survival", "transit_density"]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_STEP_H = 0.25
_LONGEST_H = 2400.0


def transit_density(duration_h: np.ndarray, distance_nm: np.ndarray, mean_kn: np.ndarray, sd_kn: float) -> np.ndarray:
    """Density of D = d / V for V ~ N(mean, sd) [1/h]; 0 where the distance is 0."""
    speed = distance_nm / duration_h
    z = (speed - mean_kn) / sd_kn
    return np.exp(-0.5 * z * z) / (sd_kn * np.sqrt(2 * np.pi)) * speed / duration_h


def idle_density(duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, idle_h: float) -> np.ndarray:
    """Density of travel N(mean, sd) plus idling Exp(mean idle_h): the exponentially modified Gaussian [1/h]."""
    sd = np.maximum(travel_sd_h, 0.25)
    s = duration_h - travel_h
    rate = 1.0 / idle_h
    argument = (rate * sd - s / sd) / np.sqrt(2.0)
    # erfcx where the plain product would overflow (long before the mean travel time).
    head = rate / 2 * np.exp(-0.5 * (s / sd) ** 2) * erfcx(np.maximum(argument, 0.0))
    body = rate / 2 * np.exp(np.minimum(rate * (rate * sd * sd / 2 - s), 700.0)) * erfc(np.minimum(argument, 0.0))
    return np.where(argument > 0, head, body)


def log_uniform_density(duration_h: np.ndarray, low_h: float, high_h: float) -> np.ndarray:
    """Density of a duration that is equally likely on each decade between two bounds [1/h]."""
    return 1.0 / (np.clip(duration_h, low_h, high_h) * np.log(high_h / low_h))


@lru_cache(maxsize=32)
def _stay_table(
    median_h: float, log_sd: float, wait_share: float, wait_mean_h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, density and survival of log-normal service plus waiting (none, or exponential), on a grid."""
    t = np.arange(0.0, _LONGEST_H, _STEP_H)
    edges = np.log(np.maximum(np.r_[t - _STEP_H / 2, t[-1] + _STEP_H / 2], 1e-9) / median_h) / log_sd
    service = np.diff(ndtr(edges))
    wait_edges = np.maximum(np.r_[t - _STEP_H / 2, t[-1] + _STEP_H / 2], 0.0)
    wait = wait_share * -np.diff(np.exp(-wait_edges / wait_mean_h))
    wait[0] += 1.0 - wait_share
    size = 2 * len(t)
    mass = np.fft.irfft(np.fft.rfft(service, size) * np.fft.rfft(wait, size), size)[: len(t)]
    mass = np.maximum(mass, 0.0)
    return t, mass / _STEP_H, np.maximum(1.0 - np.cumsum(mass), 0.0)


def stay_density(
    duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, *, median_h: float, log_sd: float,
    wait_share: float, wait_mean_h: float,
) -> np.ndarray:  # fmt: skip
    """Density of travel N(mean, sd) + log-normal service + waiting (share of Exp, else none) [1/h]."""
    t, density, _ = _stay_table(median_h, log_sd, wait_share, wait_mean_h)
    return _over_travel(duration_h, travel_h, travel_sd_h, t, density, left=0.0)


def stay_survival(
    duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, *, median_h: float, log_sd: float,
    wait_share: float, wait_mean_h: float,
) -> np.ndarray:  # fmt: skip
    """Chance that travel, waiting and service together last longer than the duration so far."""
    t, _, survival = _stay_table(median_h, log_sd, wait_share, wait_mean_h)
    return _over_travel(duration_h, travel_h, travel_sd_h, t, survival, left=1.0)


def _over_travel(
    duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, t: np.ndarray, table: np.ndarray,
    *, left: float,
) -> np.ndarray:  # fmt: skip
    out = np.zeros(np.broadcast(duration_h, travel_h).shape)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        stay = duration_h - travel_h - node * travel_sd_h
        out += weight * np.interp(stay, t, table, left=left, right=float(table[-1]))
    return out
