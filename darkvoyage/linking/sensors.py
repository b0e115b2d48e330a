"""What sensors get wrong: position, length, and what they miss.

Sources: Kroodsma et al. 2022 (RADARSAT-2 lengths and recall), Paolo et al. 2024 (Sentinel-1), Rodger and Guida 2021
(azimuth shift), Skylight support pages (Sentinel-2 lengths).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.units import M_PER_NM

__all__ = ["azimuth_error_nm", "detection_chance", "length_errors", "length_llr", "position_error_nm", "sensors_of"]

_POSITION_M = {"sar": 150.0, "optical": 30.0, "rf": 3000.0, "visual": 500.0}
_LENGTH_LOG = {"sar": (0.10, 0.32), "optical": (0.0, 0.12), "visual": (0.0, 0.25)}
"""Bias and spread of the log length; radar of ships above 150 m: +0.09, 0.32."""
_LENGTH_FLOOR = 0.05
_AZIMUTH_S = 115.0
"""Slant range over platform speed of Sentinel-1 [s]: a radial speed shifts the image by this many seconds of it."""
_SIGHT_LENGTH_M = np.array([10.0, 20.0, 30.0, 60.0, 100.0])
_SIGHT_CHANCE = np.array([0.2, 0.5, 0.75, 0.93, 0.96])


def position_error_nm(sightings: pd.DataFrame) -> np.ndarray:
    """Error of each sighting's position [nm], shape (n,)."""
    usual = _of_sensor(sightings, {name: (metres, 0.0) for name, metres in _POSITION_M.items()}, (300.0, 0.0))[0]
    given = sightings["position_err_m"].to_numpy() if "position_err_m" in sightings else np.full(len(sightings), np.nan)
    return np.where(np.isfinite(given), given, usual) / M_PER_NM


def sensors_of(sightings: pd.DataFrame) -> np.ndarray:
    """Sensor of each sighting or scene as text, "" where unknown, shape (n,)."""
    if "sensor" not in sightings:
        return np.full(len(sightings), "", dtype="U8")
    return sightings["sensor"].fillna("").to_numpy(dtype=object).astype("U8")


def azimuth_error_nm(sensor: np.ndarray, speed_kn: np.ndarray) -> np.ndarray:
    """Spread of the radar displacement of a ship under way whose course to the radar is not known [nm], shape (n,)."""
    # Radial share of the speed: rms of cos over courses (0.71) times sin of a 39 degree incidence (0.63).
    return np.where(sensor == "sar", 0.71 * 0.63 * _AZIMUTH_S / 3600.0 * speed_kn, 0.0)


def length_errors(sightings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Bias and spread of the log of each sighting's length, shape (n,) each."""
    bias, spread = _of_sensor(sightings, _LENGTH_LOG, (0.0, 0.4))
    if "length_err_m" in sightings and "length_m" in sightings:
        relative = sightings["length_err_m"].to_numpy() / sightings["length_m"].to_numpy()
        given = np.isfinite(relative)
        bias = np.where(given, 0.0, bias)
        spread = np.where(given, np.hypot(relative, _LENGTH_FLOOR), spread)
    return bias, spread


def length_llr(
    seen_m: np.ndarray, true_m: np.ndarray, bias: np.ndarray, spread: np.ndarray, other_m: float, other_log_sd: float
) -> np.ndarray:
    """Log-likelihood ratio of a seen length: this ship against a ship nobody knows; 0 where a length is unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (np.log(seen_m) - np.log(true_m) - bias) / spread
        other = (np.log(seen_m) - np.log(other_m)) / other_log_sd
        llr = -0.5 * own**2 - np.log(spread) + 0.5 * other**2 + np.log(other_log_sd)
    return np.where(np.isfinite(llr), llr, 0.0)


def detection_chance(length_m: np.ndarray, clear: np.ndarray, at_most: float) -> np.ndarray:
    """Chance that a ship is detected in a scene, by its length and the clear share of the scene; 80 m if unknown."""
    length = np.where(np.isfinite(length_m), length_m, 80.0)
    chance = np.interp(np.log(length), np.log(_SIGHT_LENGTH_M), _SIGHT_CHANCE)
    return np.minimum(chance, at_most) * np.where(np.isfinite(clear), clear, 1.0)


def _of_sensor(
    sightings: pd.DataFrame, values: dict[str, tuple[float, float]], default: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    names = [*values, ""]
    table = np.array([*values.values(), default])
    sensor = sensors_of(sightings)
    at = np.select([sensor == name for name in names], range(len(names)), len(values))
    return table[at, 0], table[at, 1]
