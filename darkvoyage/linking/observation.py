"""What a sighting shows of the ship itself: length, beam, heading, class and load, against a ship nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import i0e

from darkvoyage.kernels.sphere import angle_difference
from darkvoyage.linking.sensors import length_moments, unknown_length
from darkvoyage.schema.ais import is_tanker

__all__ = ["Appearances", "Shown", "beam_llr", "heading_llr", "load_llr"]

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


@dataclass(frozen=True)
class Shown:
    """What the sightings of n pairs show of their ships; arrays of shape (n,).

    Parameters
    ----------
    log_length : ndarray of float64
        Of the length seen, NaN where there is none.
    own_length : ndarray of float64
        Log density of that under the ship's own length, NaN where either is not known.
    heading : ndarray of float64
        Density of the heading seen, of a ship that keeps its course, over that of any; NaN where it says nothing.
    beam, kind, load : ndarray of float64
        Log ratios [nats].
    """

    log_length: np.ndarray
    own_length: np.ndarray
    heading: np.ndarray
    beam: np.ndarray
    kind: np.ndarray
    load: np.ndarray

    def llr(self, straight_on: np.ndarray, unknown: tuple[float, float]) -> dict[str, np.ndarray]:
        """Log-likelihood ratios, this gap's ship against one that nobody knows [nats].

        Parameters
        ----------
        straight_on : ndarray of float64, shape (n,)
            Chance that the ship keeps the expected course at all.
        unknown : tuple of float
            Median length [m] and log spread of sightings of ships that nobody knows.

        Returns
        -------
        dict of ndarray of float64, shape (n,)
            `llr_length`, `llr_beam`, `llr_heading`, `llr_class`, `llr_load`; 0 where there is nothing to compare.
        """
        length = self.own_length - unknown_length(self.log_length, *unknown)
        return {
            "llr_length": np.where(np.isfinite(length), length, 0.0),
            "llr_beam": self.beam,
            "llr_heading": _kept_or_not(self.heading, straight_on),
            "llr_class": self.kind,
            "llr_load": self.load,
        }


@dataclass(frozen=True)
class Appearances:
    """What sightings show and what is known of the ships, made once.

    Parameters
    ----------
    gaps, sightings : DataFrame
        Their tables.
    imager : ndarray of str, shape (sightings,)
        Of `sensors.imagers`.
    tanker, looks_tanker : ndarray of float64, shape (gaps,) and (sightings,)
        1 for tankers, 0 for others, NaN where not known.
    p_laden, laden : ndarray of float64, shape (gaps,) and (sightings,)
        Chance that the ship is laden somewhere in the gap; 1 laden, 0 in ballast as seen; NaN where not known.
    """

    gaps: pd.DataFrame
    sightings: pd.DataFrame
    imager: np.ndarray
    tanker: np.ndarray
    looks_tanker: np.ndarray
    p_laden: np.ndarray
    laden: np.ndarray

    @classmethod
    def of(cls, gaps: pd.DataFrame, sightings: pd.DataFrame, imager: np.ndarray) -> Appearances:
        """Prepare gaps and sightings.

        Parameters
        ----------
        gaps : GAPS table
            With `length_m` and `ship_type`, null where not known; `beam_m`, `draught_max_m` where they are there.
        sightings : SIGHTINGS table of s rows
        imager : ndarray of str, shape (s,)
            Of `sensors.imagers`.
        """
        kind = _column(gaps, "ship_type")
        tanker = np.where(np.isfinite(kind), is_tanker(kind), np.nan)
        looks, laden = (np.full(len(sightings), np.nan) for _ in range(2))
        if "vessel_class" in sightings:
            seen = sightings["vessel_class"].str.lower()
            looks = np.where(seen.notna(), seen.str.contains("tanker").fillna(False).to_numpy(dtype=bool), np.nan)
        if "load_state" in sightings:
            state = sightings["load_state"].str.lower()
            laden = np.select([(state == word).fillna(False) for word in ("laden", "ballast")], [1.0, 0.0], np.nan)
        return cls(gaps, sightings, imager, tanker, looks, _chance_laden(gaps), laden)

    def shown(self, pairs: pd.DataFrame, course_deg: np.ndarray, speed_kn: np.ndarray, spread_deg: np.ndarray) -> Shown:
        """Compare pairs as far as nothing that is learned enters.

        Parameters
        ----------
        pairs : DataFrame of n rows
            `gap`, `sighting` (row numbers).
        course_deg, speed_kn, spread_deg : ndarray of float64, shape (n,)
            Expected of a ship that goes on, and the spread of its course.

        Returns
        -------
        Shown
        """
        gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
        own_m, seen_m = _column(self.gaps, "length_m")[gap], _column(self.sightings, "length_m")[sighting]
        bias, log_sd = length_moments(self.sightings, sighting, own_m, self.imager)
        imager = self.imager[sighting]
        with np.errstate(invalid="ignore", divide="ignore"):
            log_length = np.log(seen_m)
            own = (log_length - np.log(own_m) - bias) / log_sd
        heading = _column(self.sightings, "heading")[sighting]
        return Shown(
            log_length=log_length,
            own_length=-0.5 * own**2 - np.log(log_sd),
            heading=_heading_ratio(heading, course_deg, speed_kn, spread_deg, imager, seen_m),
            beam=beam_llr(
                _column(self.sightings, "beam_m")[sighting], _column(self.gaps, "beam_m")[gap], seen_m, imager
            ),
            kind=self._kind(gap, sighting),
            load=load_llr(self.laden[sighting], self.p_laden[gap]),
        )

    def _kind(self, gap: np.ndarray, sighting: np.ndarray) -> np.ndarray:
        """Tanker or not, as the analyst saw it; and the identity where the sighting carries one."""
        looks, is_one = self.looks_tanker[sighting], self.tanker[gap]
        llr = np.where(np.isfinite(looks + is_one), np.where(looks == is_one, _CLASS_MATCH, _CLASS_MISS), 0.0)
        if "mmsi" in self.sightings:
            named = self.sightings["mmsi"].to_numpy(dtype="float64", na_value=np.nan)[sighting]
            same = named == self.gaps["mmsi"].to_numpy()[gap]
            llr = llr + np.where(np.isfinite(named), np.where(same, _SAME_MMSI, _OTHER_MMSI), 0.0)
        return llr


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
    ratio = _heading_ratio(heading, course, speed_kn, course_sd_deg, imager, length_m)
    return _kept_or_not(ratio, straight_on)


def _kept_or_not(ratio: np.ndarray, straight_on: np.ndarray | float) -> np.ndarray:
    """Log of a ratio that holds for ships that keep their course, others having any; 0 where it is not known."""
    return np.nan_to_num(np.log(straight_on * ratio + 1 - straight_on))


def _heading_ratio(
    heading: np.ndarray, course: np.ndarray, speed_kn: np.ndarray, course_sd_deg: np.ndarray, imager: np.ndarray,
    length_m: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    """Density of a heading under an expected course over that of any heading, NaN where it says nothing."""
    shown = np.isfinite(heading) & np.isfinite(course) & (speed_kn > _UNDER_WAY_KN)
    if length_m is not None:
        shown &= ~(length_m < _SHORT_M)
    out, of = np.full(len(heading), np.nan), np.where(np.isin(imager, _RADARS), "sar", imager)
    for name, (ahead, astern, kappa) in _HEADING.items():
        some = np.flatnonzero(shown & (of == name))
        turn = np.radians(angle_difference(heading[some], course[some]))
        spread = np.radians(np.where(np.isfinite(course_sd_deg[some]), course_sd_deg[some], 180.0))
        flat = 1.0 / (1.0 / kappa + spread**2)
        peaks = ahead * _von_mises(turn, flat) + astern * _von_mises(turn + np.pi, flat)
        out[some] = peaks + 1 - ahead - astern
    return out


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


def _chance_laden(gaps: pd.DataFrame) -> np.ndarray:
    """Chance that each ship is laden by the draughts at both ends; where these differ it changed over in between."""
    ends = []
    for end in ("start", "end"):
        share = _column(gaps, f"{end}_draught_m") / _column(gaps, "draught_max_m")
        p = 1.0 / (1.0 + np.exp(-(np.where(share > 0, share, np.nan) - _LADEN_SHARE) / _SHARPNESS))
        ends.append((1 - _CHANGED) * p + _CHANGED * 0.5)
    return (ends[0] + ends[1]) / 2


def _von_mises(angle: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Density of a direction over that of any direction."""
    return np.exp(kappa * (np.cos(angle) - 1)) / i0e(kappa)


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype="float64", na_value=np.nan)
