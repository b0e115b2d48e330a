"""Laws of what sensors measure and miss, by imager, and how to fit them to sightings whose ship is known.

Sources: Kroodsma et al. 2022 (RADARSAT-2 against reviewed AIS matches; constants fitted on every other scene of its
Indian Ocean part, benchmarks/sensor_laws.py reports the others), Paolo et al. 2024 and xView3 (Sentinel-1), Global
Fishing Watch notes and Skylight support pages (Sentinel-2), Stasolla and Greidanus 2016 (radar lengths).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

__all__ = [
    "DETECTION", "LENGTH", "POSITION_M", "DetectionLaw", "LengthLaw", "fit_detection", "fit_length", "imager_of",
]  # fmt: skip

_USUAL_M = 60.0
"""Length about which laws are written [m]."""
_SIZES_M = (20.0, 300.0)
"""Outside, a law is that of the nearest size in here [m]."""
_PRIOR_CEILING, _PRIOR_FLOOR, _PRIOR_SD = 0.955, 0.1, 1.5
"""What a fit expects of the largest and the smallest ships, and how firmly [log odds]: few sets have many of them."""

_IMAGERS = {
    "s1": r"sentinel.?1|\bs1[abcd]?(?:\b|[-_])",
    "rs2": r"radarsat.?2|\brs2(?:\b|[-_])",
    "agile": r"iceye|capella|umbra|novasar",
    "s2": r"sentinel.?2|\bs2[abc]?(?:\b|[-_])",
}
"""Pattern in the name of a platform, a scene or a source -> imager; `agile` radars look to either side."""
_RADARS = ("s1", "rs2", "agile")


@dataclass(frozen=True)
class LengthLaw:
    """The logarithm of a measured length is normal about that of the ship's own.

    Parameters
    ----------
    bias : float
        Mean log error of a ship of 60 m.
    log_sd : float
        Spread of the log error of such a ship.
    bias_slope, log_sd_slope : float
        By how much the bias, and the logarithm of the spread, change with the logarithm of the ship's length.
    """

    bias: float
    log_sd: float
    bias_slope: float = 0.0
    log_sd_slope: float = 0.0

    def moments(self, length_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of the log error of ships of these lengths [m], shape (n,) each."""
        size = np.log(np.clip(length_m, *_SIZES_M) / _USUAL_M)
        return self.bias + self.bias_slope * size, self.log_sd * np.exp(self.log_sd_slope * size)


@dataclass(frozen=True)
class DetectionLaw:
    """Chance that a ship in a clear picture is detected: a logistic step in the logarithm of its length.

    Parameters
    ----------
    half_m : float
        Length at which it is half way between floor and ceiling [m].
    scale : float
        Width of the step in log length.
    ceiling, floor : float
        Chance of very large and of very small ships.
    """

    half_m: float
    scale: float
    ceiling: float
    floor: float = 0.0

    def chance(self, length_m: np.ndarray) -> np.ndarray:
        """Chance by length [m], shape (n,)."""
        return self.floor + (self.ceiling - self.floor) * expit(np.log(length_m / self.half_m) / self.scale)


POSITION_M = {
    "s1": 80.0,
    "rs2": 100.0,
    "sar": 100.0,
    "s2": 15.0,
    "optical": 30.0,
    "rf": 3000.0,
    "visual": 500.0,
    "": 300.0,
}
"""Position error of a ship that lies still [m]; Sentinel-1 off Hong Kong: 70 m along and 90 m across the flight."""
LENGTH = {
    "sar": LengthLaw(0.10, 0.32),
    "rs2": LengthLaw(0.208, 0.433, -0.095, -0.363),
    "optical": LengthLaw(0.0, 0.12),
    "s2": LengthLaw(0.06, 0.22, -0.10, -0.30),
    "visual": LengthLaw(0.0, 0.25),
    "": LengthLaw(0.0, 0.40),
}
"""Sentinel-1: between the deep net (0, .25) and the extent of the blob (.6, .45)."""
DETECTION = {
    "sar": DetectionLaw(21.0, 0.33, 0.96, 0.12),
    "rs2": DetectionLaw(39.07, 0.143, 0.921, 0.293),
    "optical": DetectionLaw(18.0, 0.33, 0.97, 0.12),
}
"""Sentinel-1 within .01 of the published .2, .5, .75, .93 and .96 at 10, 20, 30, 60 and 100 m."""


def imager_of(table: pd.DataFrame) -> np.ndarray:
    """Imager of each sighting or scene: by its platform, scene or source, else the kind of sensor, "" where unknown.

    Parameters
    ----------
    table : DataFrame of n rows
        SIGHTINGS or SCENES, with `platform` where it is known.

    Returns
    -------
    ndarray of str, shape (n,)
        A name of `POSITION_M`, or "agile".
    """
    kind = np.full(len(table), "", dtype="U8")
    if "sensor" in table:
        kind = table["sensor"].fillna("").to_numpy(dtype=object).astype("U8")
    for column in ("source", "scene_id", "platform"):  # the last is the most telling
        if column not in table:
            continue
        names, code = np.unique(table[column].fillna("").to_numpy(dtype=object).astype("U"), return_inverse=True)
        lower = pd.Series(names, dtype="str").str.lower()
        for imager, pattern in _IMAGERS.items():
            fits = np.isin(kind, ("sar", *_RADARS) if imager in _RADARS else ("optical", "s2"))
            kind = np.where(lower.str.contains(pattern).to_numpy(dtype=bool)[code] & fits, imager, kind)
    return kind


def fit_length(length_m: np.ndarray, seen_m: np.ndarray) -> LengthLaw:
    """Fit the law to ships whose length is known, by maximum likelihood.

    Parameters
    ----------
    length_m, seen_m : ndarray of float64, shape (n,)
        The ships' lengths and those measured [m].
    """
    from scipy.optimize import minimize

    error = np.log(seen_m / length_m)

    def loss(values: np.ndarray) -> float:
        mean, spread = LengthLaw(values[0], float(np.exp(values[1])), values[2], values[3]).moments(length_m)
        return float(np.sum(0.5 * ((error - mean) / spread) ** 2 + np.log(spread)))

    best = minimize(loss, [error.mean(), np.log(error.std()), 0.0, 0.0], method="Nelder-Mead", options=_FIT).x
    return LengthLaw(float(best[0]), float(np.exp(best[1])), float(best[2]), float(best[3]))


def fit_detection(length_m: np.ndarray, seen: np.ndarray) -> DetectionLaw:
    """Fit the law to ships known to be in the picture, seen or not, by maximum likelihood with weak priors.

    Parameters
    ----------
    length_m : ndarray of float64, shape (n,)
        The ships' lengths [m].
    seen : ndarray of bool, shape (n,)
    """
    from scipy.optimize import minimize

    usual = logit([_PRIOR_CEILING, _PRIOR_FLOOR])

    def law(values: np.ndarray) -> DetectionLaw:
        half, scale, top, bottom = float(np.exp(values[0])), float(np.exp(values[1])), *map(float, expit(values[2:]))
        return DetectionLaw(half, scale, top, bottom)

    def loss(values: np.ndarray) -> float:
        chance = np.clip(law(values).chance(length_m), 1e-9, 1 - 1e-9)
        prior = 0.5 * np.sum(((values[2:] - usual) / _PRIOR_SD) ** 2) + 0.5 * (values[1] + 1.2) ** 2
        return float(-np.sum(np.log(np.where(seen, chance, 1 - chance))) + prior)

    best = minimize(loss, [np.log(30.0), -1.2, *usual], method="Nelder-Mead", options=_FIT).x
    return law(best)


_FIT = {"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-8}
