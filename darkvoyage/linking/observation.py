"""What a sighting shows of the ship itself: length, beam, heading, class and load, against a ship nobody knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.kernels.sphere import angle_difference
from darkvoyage.linking.sensors import length_llr, length_moments
from darkvoyage.schema.ais import is_tanker

__all__ = ["beam_llr", "heading_llr", "load_llr", "observation_llr"]

_HEADING = {"optical": (0.85, 0.10, 50.0), "s2": (0.85, 0.10, 50.0), "sar": (0.60, 0.35, 15.0)}
"""Shares of the right way round and of the wrong, the rest is any direction, and the concentration; radar cannot tell
bow from stern."""
_RADARS = ("s1", "rs2", "agile")
_UNDER_WAY_KN, _SHORT_M = 1.5, 40.0
"""A ship adrift lies as the wind has it, and of a short one only the wake has a direction."""
_CLASS_MATCH, _CLASS_MISS = float(np.log(0.85 / 0.40)), float(np.log(0.15 / 0.60))
_SAME_MMSI, _OTHER_MMSI = float(np.log(200.0)), float(-np.log(50.0))
_SLENDER, _SLENDER_LOG_SD = 6.2, 0.12
"""Length over beam of merchant ships (tankers 5.5 to 6.3), and how it differs from hull to hull."""
_BEAM_LOG_SD = {"optical": 0.08, "visual": 0.25}
"""Only sub-metre pictures measure a beam better than hulls of one length differ; on radar (RADARSAT-2: log error 0.46,
and 0.38 too wide) it says nothing that the length does not."""
_LOAD_READ = 0.85
"""Loads are read right so often from the waterline in sub-metre pictures (assumed)."""
_LADEN_SHARE, _SHARPNESS, _CHANGED = 0.725, 0.03, 0.15
"""A ship at 0.80 of its deepest draught is laden, at 0.65 in ballast; some draughts typed are not those of today."""


def observation_llr(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, imager: np.ndarray, position: pd.DataFrame,
    unknown: tuple[float, float],
) -> pd.DataFrame:  # fmt: skip
    """Log-likelihood ratios of what each sighting shows, this gap's ship against one that nobody knows [nats].

    Parameters
    ----------
    pairs : DataFrame of n rows
        `gap`, `sighting` (row numbers), `since_h`, `total_h`.
    gaps : GAPS table
        With `length_m` and `ship_type`, null where not known; `beam_m`, `draught_max_m` where they are there.
    sightings : SIGHTINGS table of s rows
    imager : ndarray of str, shape (s,)
        Of `sensors.imagers`.
    position : DataFrame of n rows
        `velocity_east_kn`, `velocity_north_kn` and `course_spread_deg` expected of a ship that goes on, and `benign`,
        the share of the density that is this.
    unknown : tuple of float
        Median length [m] and log spread of sightings of ships that nobody knows.

    Returns
    -------
    DataFrame
        `llr_length`, `llr_beam`, `llr_heading`, `llr_class`, `llr_load`; 0 where there is nothing to compare.
    """
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    own_m, seen_m = _column(gaps, "length_m")[gap], _column(sightings, "length_m")[sighting]
    length = length_llr(seen_m, own_m, *length_moments(sightings, sighting, own_m, imager), *unknown)
    beam = beam_llr(_column(sightings, "beam_m")[sighting], _column(gaps, "beam_m")[gap], seen_m, imager[sighting])
    east, north = position["velocity_east_kn"].to_numpy(), position["velocity_north_kn"].to_numpy()
    heading = heading_llr(
        _column(sightings, "heading")[sighting], np.degrees(np.arctan2(east, north)), np.hypot(east, north),
        position["course_spread_deg"].to_numpy(), imager[sighting], seen_m, position["benign"].to_numpy(),
    )  # fmt: skip
    return pd.DataFrame(
        {
            "llr_length": length,
            "llr_beam": beam,
            "llr_heading": heading,
            "llr_class": _class_llr(gap, sighting, gaps, sightings),
            "llr_load": _load(pairs, gaps, sightings),
        },
        index=pairs.index,
    )


def heading_llr(
    heading: np.ndarray, course: np.ndarray, speed_kn: np.ndarray, course_sd_deg: np.ndarray, imager: np.ndarray,
    length_m: np.ndarray | None = None, straight_on: np.ndarray | float = 1.0,
) -> np.ndarray:  # fmt: skip
    """Log ratio of a heading under an expected course against any heading [nats], shape (n,).

    Parameters
    ----------
    heading, course : ndarray of float64, shape (n,)
        As seen and as expected [deg]; NaN gives 0.
    speed_kn : ndarray of float64, shape (n,)
        Expected; ships adrift have no course.
    course_sd_deg : ndarray of float64, shape (n,)
        Spread of the expected course, which flattens the peaks [deg].
    imager : ndarray of str, shape (n,)
    length_m : ndarray of float64, shape (n,), optional
        As seen; ships under 40 m show no heading.
    straight_on : ndarray of float64, shape (n,), or float
        Chance that the ship keeps the expected course at all.
    """
    turn = np.radians(angle_difference(heading, course))
    spread = np.radians(np.where(np.isfinite(course_sd_deg), course_sd_deg, 180.0))
    of = np.where(np.isin(imager, _RADARS), "sar", imager)
    llr = np.zeros(len(turn))
    for name, (ahead, astern, kappa) in _HEADING.items():
        flat = 1.0 / (1.0 / kappa + spread**2)
        peaks = ahead * _von_mises(turn, flat) + astern * _von_mises(turn + np.pi, flat)
        ratio = np.log(straight_on * (peaks + 1 - ahead - astern) + 1 - straight_on)
        llr = np.where(of == name, ratio, llr)
    shown = np.isfinite(llr) & (speed_kn > _UNDER_WAY_KN)
    if length_m is not None:
        shown &= ~(length_m < _SHORT_M)
    return np.where(shown, llr, 0.0)


def beam_llr(seen_m: np.ndarray, own_m: np.ndarray, length_m: np.ndarray, imager: np.ndarray) -> np.ndarray:
    """Log ratio of a beam against that of any hull of the length seen [nats], shape (n,).

    Parameters
    ----------
    seen_m, own_m, length_m : ndarray of float64, shape (n,)
        Beam seen, beam of the ship, length seen [m]; NaN in any gives 0.
    imager : ndarray of str, shape (n,)
    """
    llr = np.zeros(len(seen_m))
    for name, spread in _BEAM_LOG_SD.items():
        wide = np.hypot(spread, _SLENDER_LOG_SD)
        own, other = np.log(seen_m / own_m) / spread, np.log(seen_m * _SLENDER / length_m) / wide
        llr = np.where(imager == name, 0.5 * other**2 - 0.5 * own**2 + np.log(wide / spread), llr)
    return np.where(np.isfinite(llr), llr, 0.0)


def load_llr(laden: np.ndarray, p_laden: np.ndarray) -> np.ndarray:
    """Log ratio of a load state that was read off, against ships of which half are laden [nats], shape (n,).

    Parameters
    ----------
    laden : ndarray of float64, shape (n,)
        1 laden, 0 in ballast, NaN not read.
    p_laden : ndarray of float64, shape (n,)
        Chance that the ship is laden; NaN where not known.
    """
    read = p_laden * _LOAD_READ + (1 - p_laden) * (1 - _LOAD_READ)
    return np.nan_to_num(np.log(2 * np.where(laden == 1, read, 1 - read)) + 0 * laden)


def _load(pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame) -> np.ndarray:
    """Load seen against the draughts at both ends; where they differ, the ship changed over somewhere in between."""
    if "load_state" not in sightings or "draught_max_m" not in gaps:
        return np.zeros(len(pairs))
    gap, state = pairs["gap"].to_numpy(), sightings["load_state"].str.lower()
    laden = np.select([(state == word).fillna(False) for word in ("laden", "ballast")], [1.0, 0.0], np.nan)
    deepest = gaps["draught_max_m"].to_numpy(dtype="float64")
    ends = []
    for end in ("start", "end"):
        share = _column(gaps, f"{end}_draught_m") / deepest
        p = 1.0 / (1.0 + np.exp(-(np.where(share > 0, share, np.nan) - _LADEN_SHARE) / _SHARPNESS))
        ends.append((1 - _CHANGED) * p + _CHANGED * 0.5)
    start, end = (p[gap] for p in ends)
    p_laden = np.where(np.isfinite(end), np.where(np.isfinite(start), (start + end) / 2, np.nan), np.nan)
    return load_llr(laden[pairs["sighting"].to_numpy()], p_laden)


def _class_llr(gap: np.ndarray, sighting: np.ndarray, gaps: pd.DataFrame, sightings: pd.DataFrame) -> np.ndarray:
    """Tanker or not, as the analyst saw it; and the identity where the sighting carries one."""
    llr = np.zeros(len(gap))
    if "vessel_class" in sightings and "ship_type" in gaps:
        seen = sightings["vessel_class"].str.lower()
        looks_tanker = seen.str.contains("tanker").fillna(False).to_numpy(dtype=bool)[sighting]
        tanker = is_tanker(gaps["ship_type"].astype("float64").to_numpy())[gap]
        known = seen.notna().to_numpy()[sighting] & gaps["ship_type"].notna().to_numpy()[gap]
        llr = np.where(known, np.where(looks_tanker == tanker, _CLASS_MATCH, _CLASS_MISS), 0.0)
    if "mmsi" in sightings:
        named = sightings["mmsi"].to_numpy(dtype="float64", na_value=np.nan)[sighting]
        same = named == gaps["mmsi"].to_numpy()[gap]
        llr = llr + np.where(np.isfinite(named), np.where(same, _SAME_MMSI, _OTHER_MMSI), 0.0)
    return llr


def _von_mises(angle: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Density of a direction over that of any direction."""
    return np.exp(kappa * (np.cos(angle) - 1)) / i0e(kappa)


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(dtype="float64") if name in table else np.full(len(table), np.nan)
