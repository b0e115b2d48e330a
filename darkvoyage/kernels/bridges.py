"""Where a ship was inside a gap: position densities from both ends, in nautical miles and hours.

The bridge scales were measured on masked tracks (Singapore tankers, northern Kattegat): cubic Hermite with Student-t
errors up to a few hours, straight line beyond; both heavy-tailed.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.sphere import bearing, great_circle_nm

__all__ = ["bridge_density", "dwell_chance", "gaussian_density", "lens_area", "local_offset"]

_KM_PER_NM = 1.852
_HERMITE_SCALE_KM2, _HERMITE_POWER_T, _HERMITE_POWER_F, _HERMITE_NU = 2.485**2, 2.93, 3.06, 1.48
_LINE_SCALE_KM2, _LINE_NU = 0.916**2, 1.02
_REST_KM = 0.05
_WEIGHT_HOURS = np.array([0.8, 1.5, 2.5, 4.0, 8.0])
_HERMITE_WEIGHT = np.array([0.99, 0.93, 0.59, 0.52, 0.31, 0.0])
_MAX_TANGENT = 1.3


def local_offset(lat0: np.ndarray, lon0: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """East and north of a point seen from an origin, in the azimuthal equidistant plane of the origin [nm]."""
    distance, angle = great_circle_nm(lat0, lon0, lat, lon), np.radians(bearing(lat0, lon0, lat, lon))
    return distance * np.sin(angle), distance * np.cos(angle)


def gaussian_density(distance_nm: np.ndarray, sd_nm: np.ndarray) -> np.ndarray:
    """Density of a round Gaussian at a distance from its centre [1/nm2]."""
    return np.exp(-0.5 * (distance_nm / sd_nm) ** 2) / (2 * np.pi * sd_nm**2)


def _student_density(error_km: np.ndarray, scale_km2: np.ndarray, nu: float) -> np.ndarray:
    """Density of the bivariate t [1/km2]."""
    return (1.0 + error_km**2 / (nu * scale_km2)) ** (-nu / 2 - 1) / (2 * np.pi * scale_km2)


def lens_area(radius1_nm: np.ndarray, radius2_nm: np.ndarray, distance_nm: np.ndarray) -> np.ndarray:
    """Area of the intersection of two discs [nm2]; 0 where they do not meet."""
    r1, r2, d = (np.asarray(x, dtype="float64") for x in (radius1_nm, radius2_nm, distance_nm))
    small = np.minimum(r1, r2)
    with np.errstate(invalid="ignore", divide="ignore"):
        a1 = np.arccos(np.clip((d * d + r1 * r1 - r2 * r2) / (2 * d * r1), -1, 1))
        a2 = np.arccos(np.clip((d * d + r2 * r2 - r1 * r1) / (2 * d * r2), -1, 1))
        root = np.sqrt(np.maximum((-d + r1 + r2) * (d + r1 - r2) * (d - r1 + r2) * (d + r1 + r2), 0.0))
        lens = r1 * r1 * a1 + r2 * r2 * a2 - 0.5 * root
    inside = d <= np.abs(r1 - r2)
    return np.where(d >= r1 + r2, 0.0, np.where(inside, np.pi * small * small, lens))


def dwell_chance(at_h: np.ndarray, arrive_h: np.ndarray, depart_h: np.ndarray, stay_h: np.ndarray) -> np.ndarray:
    """Chance of being alongside at a time, for a stay of given length placed uniformly in a window.

    Parameters
    ----------
    at_h, arrive_h, depart_h, stay_h : ndarray of float64, shape (n,)
        Hours on one clock; a stay longer than the window fills it.
    """
    stay = np.minimum(stay_h, depart_h - arrive_h)
    free = np.maximum(depart_h - arrive_h - stay, 1e-9)
    low, high = np.maximum(arrive_h, at_h - stay), np.minimum(depart_h - stay, at_h)
    inside = (at_h >= arrive_h) & (at_h <= depart_h) & (stay > 0)
    full = depart_h - arrive_h - stay <= 1e-9
    return np.where(inside, np.where(full, 1.0, np.clip((high - low) / free, 0.0, 1.0)), 0.0)


def bridge_density(
    x: np.ndarray, y: np.ndarray, end_x: np.ndarray, end_y: np.ndarray, velocity: tuple[np.ndarray, ...],
    total_h: np.ndarray, at_h: np.ndarray, error_nm: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Density of the position on the way from the origin to the end, both known [1/nm2].

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Point asked for, in the plane of the gap's start [nm].
    end_x, end_y : ndarray of float64, shape (n,)
        The gap's end [nm].
    velocity : tuple of four ndarray, shape (n,)
        East and north speed at the start, then at the end [kn]; NaN where unknown (the chord's is taken).
    total_h, at_h : ndarray of float64, shape (n,)
        Length of the gap and time since its start [h].
    error_nm : ndarray of float64, shape (n,)
        Error of the point asked for [nm].
    """
    f = np.clip(at_h / total_h, 0.0, 1.0)
    chord_x, chord_y = end_x / total_h, end_y / total_h
    speed = np.hypot(chord_x, chord_y)
    tangents = []
    for vx, vy in (velocity[:2], velocity[2:]):
        known = np.isfinite(vx) & np.isfinite(vy)
        vx, vy = np.where(known, vx, chord_x), np.where(known, vy, chord_y)
        # Tangents longer than the chord make the curve overshoot when an end manoeuvres.
        shrink = np.minimum(1.0, _MAX_TANGENT * speed / np.maximum(np.hypot(vx, vy), 1e-9))
        tangents += [vx * shrink * total_h, vy * shrink * total_h]
    h01, h10, h11 = f * f * (3 - 2 * f), f * (1 - f) ** 2, f * f * (f - 1)
    mean_x = h01 * end_x + h10 * tangents[0] + h11 * tangents[2]
    mean_y = h01 * end_y + h10 * tangents[1] + h11 * tangents[3]
    floor = (error_nm * _KM_PER_NM) ** 2 + _REST_KM**2
    spread = f * (1 - f)
    curve = _student_density(
        np.hypot(x - mean_x, y - mean_y) * _KM_PER_NM,
        _HERMITE_SCALE_KM2 * total_h**_HERMITE_POWER_T * spread**_HERMITE_POWER_F + floor,
        _HERMITE_NU,
    )
    line = _student_density(
        np.hypot(x - f * end_x, y - f * end_y) * _KM_PER_NM, _LINE_SCALE_KM2 * total_h * spread + floor, _LINE_NU
    )
    weight = _HERMITE_WEIGHT[np.searchsorted(_WEIGHT_HOURS, total_h, side="right")]
    return (weight * curve + (1 - weight) * line) * _KM_PER_NM**2
