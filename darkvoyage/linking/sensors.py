"""What the sensors of given sightings and scenes get wrong and miss, by the laws of `linking.laws`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from darkvoyage.linking.laws import DETECTION, LENGTH, POSITION_M, imager_of
from darkvoyage.units import M_PER_NM

__all__ = [
    "detection_chance", "imagers", "length_llr", "length_moments", "position_error_nm",
    "scene_columns", "sensors_of",
]  # fmt: skip

Law = TypeVar("Law")

_KIND = {"s1": "sar", "rs2": "sar", "agile": "sar", "s2": "optical"}
_LENGTH_FLOOR = 0.05
_USUAL_M = 80.0
"""Length taken for a ship whose length is not known [m]."""
_CROWDED = 0.8
"""Neighbours within a kilometre hide each other (Paolo et al. 2024, recall by distance to the next vessel)."""
_SHIP_SHARE, _SHIP_M, _SHIP_LOG_SD = 0.05, 110.0, 0.4
"""Merchant ships among those that nobody knows: a log-normal alone grants a ship of 200 m eight nats against boats."""
_AXIS = 0.18
"""Antenna and bright centre lie apart by a quarter of the length along the hull: on each axis, over the length."""


def sensors_of(sightings: pd.DataFrame) -> np.ndarray:
    """Sensor of each sighting or scene as text, "" where unknown, shape (n,)."""
    if "sensor" not in sightings:
        return np.full(len(sightings), "", dtype="U8")
    return sightings["sensor"].fillna("").to_numpy(dtype=object).astype("U8")


def scene_columns(sightings: pd.DataFrame, scenes: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns of the scene of each sighting, null where the scene or the column is not known.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    names : sequence of str

    Returns
    -------
    DataFrame of n rows
    """
    row = np.full(len(sightings), -1)
    if "scene_id" in sightings and len(scenes):
        known = pd.Index(scenes["scene_id"])
        row = known.get_indexer(pd.Index(sightings["scene_id"].to_numpy(dtype=object)))
    out = {}
    for name in names:
        given = np.full(len(scenes) + 1, None, dtype=object)
        if name in scenes:
            given[:-1] = scenes[name].to_numpy(dtype=object)
        out[name] = given[row]
    return pd.DataFrame(out, index=sightings.index)


def imagers(sightings: pd.DataFrame, scenes: pd.DataFrame) -> np.ndarray:
    """Imager of each sighting, from itself or from what its scene says, shape (n,); see `laws.imager_of`.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
    """
    own = imager_of(sightings)
    view = scene_columns(sightings, scenes, ("sensor", "source", "platform"))
    theirs = imager_of(view)
    return np.where(np.isin(own, ["", "sar", "optical"]) & (theirs != ""), theirs, own)


def position_error_nm(sightings: pd.DataFrame, imager: np.ndarray) -> np.ndarray:
    """Error of each sighting's position for a ship that lies still, on each axis [nm], shape (n,).

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
        `position_err_m` goes before the laws.
    imager : ndarray of str, shape (n,)
        Of `imagers`.
    """
    names, code = np.unique(imager, return_inverse=True)
    usual = np.array([_law(POSITION_M, str(name)) for name in names], dtype="float64")[code]
    if "position_err_m" in sightings:
        given = sightings["position_err_m"].to_numpy()
        usual = np.where(np.isfinite(given), given, usual)
    if "length_m" in sightings:
        usual = np.hypot(usual, _AXIS * np.nan_to_num(sightings["length_m"].to_numpy()))
    return usual / M_PER_NM


def length_moments(
    sightings: pd.DataFrame, sighting: np.ndarray, length_m: np.ndarray, imager: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bias and spread of the log of the length measured of each ship.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
        `length_err_m` goes before the laws.
    sighting : ndarray of int64, shape (m,)
        Rows of the sightings.
    length_m : ndarray of float64, shape (m,)
        The ships' own lengths [m].
    imager : ndarray of str, shape (n,)
        Of `imagers`.

    Returns
    -------
    bias, spread : ndarray of float64, shape (m,)
    """
    bias, spread = np.zeros(len(sighting)), np.ones(len(sighting))
    for name, some in _each(imager[sighting]):
        bias[some], spread[some] = _law(LENGTH, name).moments(length_m[some])
    if "length_err_m" in sightings and "length_m" in sightings:
        relative = sightings["length_err_m"].to_numpy()[sighting] / sightings["length_m"].to_numpy()[sighting]
        given = np.isfinite(relative)
        bias = np.where(given, 0.0, bias)
        spread = np.where(given, np.hypot(relative, _LENGTH_FLOOR), spread)
    return bias, spread


def unknown_length(log_seen: np.ndarray, median_m: float, log_sd: float) -> np.ndarray:
    """Log density of the log length of a sighting of a ship nobody knows, less that of 1 / sqrt(2 pi), shape (n,).

    Most are as the sightings at hand are; some are merchant ships, whatever the others are.

    Parameters
    ----------
    log_seen : ndarray of float64, shape (n,)
        Of metres.
    median_m, log_sd : float
        Of most.
    """
    kinds = ((1 - _SHIP_SHARE, median_m, log_sd), (_SHIP_SHARE, _SHIP_M, _SHIP_LOG_SD))
    logs = [np.log(share / sd) - 0.5 * ((log_seen - np.log(median)) / sd) ** 2 for share, median, sd in kinds]
    # Lengths that are not known stay NaN.
    with np.errstate(invalid="ignore"):
        return np.logaddexp(*logs)


def length_llr(
    seen_m: np.ndarray, true_m: np.ndarray, bias: np.ndarray, spread: np.ndarray, other_m: float, other_log_sd: float
) -> np.ndarray:
    """Log-likelihood ratio of a seen length: this ship against a ship nobody knows; 0 where a length is unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (np.log(seen_m) - np.log(true_m) - bias) / spread
        llr = -0.5 * own**2 - np.log(spread) - unknown_length(np.log(seen_m), other_m, other_log_sd)
    return np.where(np.isfinite(llr), llr, 0.0)


def detection_chance(
    length_m: np.ndarray, clear: np.ndarray, at_most: float, *, imager: np.ndarray | None = None,
    crowded: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Chance that a ship is detected in a scene.

    Parameters
    ----------
    length_m : ndarray of float64, shape (n,)
        Length of the ship; 80 m where it is not known [m].
    clear : ndarray of float64, shape (n,)
        Clear share of the scene, all of it where not known.
    at_most : float
        Ceiling for any sensor.
    imager : ndarray of str, shape (n,), optional
        Of `imager_of`; Sentinel-1 where not known.
    crowded : ndarray of bool, shape (n,), optional
        Whether another ship is within a kilometre.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    length = np.where(length_m > 0, length_m, _USUAL_M)
    of = np.full(len(length), "sar") if imager is None else imager
    chance = np.empty(len(length))
    for name, some in _each(of):
        law = _law(DETECTION, name) if name not in ("", "rf", "visual") else DETECTION["sar"]
        chance[some] = law.chance(length[some])
    if crowded is not None:
        chance = np.where(crowded, _CROWDED, 1.0) * chance
    return np.minimum(chance, at_most) * np.where(np.isfinite(clear), clear, 1.0)


def _each(imager: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each imager that occurs and where: a handful, so that comparing is faster than sorting."""
    left = np.ones(len(imager), dtype=bool)
    while left.any():
        name = imager[np.argmax(left)]
        some = imager == name
        left &= ~some
        yield str(name), some


def _law(laws: Mapping[str, Law], imager: str) -> Law:
    return laws[imager] if imager in laws else laws[_KIND[imager]]
