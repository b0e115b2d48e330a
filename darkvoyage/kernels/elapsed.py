"""Densities of the time that passes between two fixes under named readings of a voyage.

All take hours and knots, broadcast their arguments, and return a density [1/h] or, where the name says so, the chance
of lasting longer.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.special import erfc, erfcx, ndtr

__all__ = [
    "idle_density",
    "log_uniform_density",
    "slow_density",
    "stay_density",
    "stay_survival",
    "transit_density",
]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(13)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_LOG_SD = np.linspace(0.1, 2.0, 20)
_LOG_WAIT = np.linspace(np.log(0.01), np.log(100.0), 40)
_LOG_T = np.linspace(np.log(1e-3), np.log(1e3), 800)
"""Grid of `_waited`: spread of the service, mean wait and time, the latter two in medians of the service."""


def transit_density(
    duration_h: np.ndarray, distance_nm: np.ndarray, mean_kn: np.ndarray, sd_kn: np.ndarray | float
) -> np.ndarray:
    """Density of D = d / V for V ~ N(mean, sd) [1/h]; 0 where the distance is 0."""
    speed = distance_nm / duration_h
    z = (speed - mean_kn) / sd_kn
    return np.exp(-0.5 * z * z) / (sd_kn * np.sqrt(2 * np.pi)) * speed / duration_h


def slow_density(duration_h: np.ndarray, distance_nm: np.ndarray, mean_kn: np.ndarray, least: float) -> np.ndarray:
    """Density of D = d / V for V anywhere between `least` times the mean and the mean [1/h]."""
    speed = distance_nm / duration_h
    inside = (speed >= least * mean_kn) & (speed <= mean_kn)
    return np.where(inside, speed / duration_h / ((1.0 - least) * mean_kn), 0.0)


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


def stay_density(
    duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, *, median_h: np.ndarray | float,
    log_sd: np.ndarray | float, wait_share: np.ndarray | float, wait_mean_h: np.ndarray | float,
) -> np.ndarray:  # fmt: skip
    """Density of travel N(mean, sd) + log-normal service + waiting (a share of Exp, else none) [1/h]."""
    return _over_travel(0, duration_h, travel_h, travel_sd_h, median_h, log_sd, wait_share, wait_mean_h)


def stay_survival(
    duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, *, median_h: np.ndarray | float,
    log_sd: np.ndarray | float, wait_share: np.ndarray | float, wait_mean_h: np.ndarray | float,
) -> np.ndarray:  # fmt: skip
    """Chance that travel, waiting and service together last longer than the duration so far."""
    return _over_travel(1, duration_h, travel_h, travel_sd_h, median_h, log_sd, wait_share, wait_mean_h)


def _over_travel(
    law: int, duration_h: np.ndarray, travel_h: np.ndarray, travel_sd_h: np.ndarray, *stay: np.ndarray | float
) -> np.ndarray:
    duration, travel, spread, median, log_sd, share, wait = np.broadcast_arrays(
        duration_h, travel_h, travel_sd_h, *stay
    )
    place = np.stack(
        [
            (log_sd - _LOG_SD[0]) / (_LOG_SD[1] - _LOG_SD[0]),
            (np.log(np.maximum(wait, 1e-9) / median) - _LOG_WAIT[0]) / (_LOG_WAIT[1] - _LOG_WAIT[0]),
            np.empty(duration.shape),
        ]
    )
    out = np.zeros(duration.shape)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        units = (duration - travel - node * spread) / median
        log_t = np.log(np.maximum(units, 1e-300))
        place[2] = (log_t - _LOG_T[0]) / (_LOG_T[1] - _LOG_T[0])
        waited = map_coordinates(_waited()[law], place, order=1, mode="nearest")
        z = log_t / log_sd
        if law == 0:
            at_once = np.exp(-0.5 * z * z) / (log_sd * np.sqrt(2 * np.pi) * np.maximum(units, 1e-300))
            here = np.where(log_t >= _LOG_T[0], (share * waited + (1 - share) * at_once) / median, 0.0)
        else:
            here = np.where(units > 0, share * waited + (1 - share) * ndtr(-z), 1.0)
        out += weight * here
    return out


@lru_cache(maxsize=1)
def _waited() -> tuple[np.ndarray, np.ndarray]:
    """Density and survival of S + W for ln S ~ N(0, sd) and W ~ Exp, on the grid (sd, mean wait, time).

    Both follow the linear equation r y' = x - y, x being the density or the distribution of S; within a step x is taken
    as straight, and the step is exact.
    """
    t = np.exp(_LOG_T)
    z = _LOG_T / _LOG_SD[:, None]
    driving = (np.exp(-0.5 * z * z) / (_LOG_SD[:, None] * np.sqrt(2 * np.pi) * t), ndtr(z))
    wait = np.exp(_LOG_WAIT)
    out = []
    for x in driving:
        y = np.zeros((len(_LOG_SD), len(wait), len(t)))
        for step in range(1, len(t)):
            k = (t[step] - t[step - 1]) / wait
            kept, mean_kept = np.exp(-k), -np.expm1(-k) / k
            before, after = x[:, step - 1, None], x[:, step, None]
            y[:, :, step] = y[:, :, step - 1] * kept + after - before * kept - (after - before) * mean_kept
        out.append(np.maximum(y, 0.0))
    return out[0], 1.0 - np.minimum(out[1], 1.0)
