"""Where a ship was inside a gap: position densities from both ends, in nautical miles and hours.

A ship between two known ends is on a curve that keeps both velocities, wanders about a course of its own, or goes the
straight way at any pace. Which, and how far off, is told by the length of the gap, by its speed, and most of all by
how badly the velocities at its ends fit the chord between them. Errors are heavy-tailed: bivariate Student-t, longer
along the course than across.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from darkvoyage.kernels.ou import wandering_bridge
from darkvoyage.kernels.sphere import bearing, great_circle_nm

__all__ = [
    "BRIDGE_LAW", "OPEN_LAW", "Branch", "BranchLaw", "BridgeLaw", "OpenLaw", "branches", "bridge_density",
    "dwell_chance", "gaussian_density", "lens_area", "local_offset", "open_branches", "student_density",
]  # fmt: skip


@dataclass(frozen=True)
class BranchLaw:
    """How far off one kind of way is, and how likely it is.

    Parameters
    ----------
    scale : tuple of five float
        Log of the squared scale [nm2] is linear in 1 and the logs of: gap length [h], 4 f (1 - f) with the elapsed
        share f, misfit of the end velocities [kn], speed at the ends [kn].
    stretch : float
        Log ratio of the squared scale along the course to the geometric mean of both, for a fast ship.
    nu : float
        Degrees of freedom.
    gate : tuple of five float
        Log weight against the other kinds, linear in the same.
    """

    scale: tuple[float, ...]
    stretch: float
    nu: float
    gate: tuple[float, ...]


@dataclass(frozen=True)
class BridgeLaw:
    """All constants of a closed gap.

    Parameters
    ----------
    curve, wander, line : BranchLaw
        For `wander` the scale multiplies the bridge's own variance.
    rate_per_h, noise : float
        Of `wandering_bridge`.
    rest, stroll : BranchLaw
        Of ships that lie still at both ends: at rest, or away in between; of the scale only the first two count.
    misfit_kn : float
        Taken where the velocity at an end is not known [kn].
    """

    curve: BranchLaw
    wander: BranchLaw
    line: BranchLaw
    rate_per_h: float
    noise: float
    rest: BranchLaw
    stroll: BranchLaw
    misfit_kn: float


@dataclass(frozen=True)
class OpenLaw:
    """All constants of a gap without an end.

    Parameters
    ----------
    tau_h : float
        Time over which the last course is kept [h].
    scale : tuple of three float
        Log of the squared scale [nm2] is linear in 1, the log of the hours since, and the log of the last speed [kn].
    stretch, nu : float
        See `BranchLaw`.
    rest_scale : tuple of three float
        The same of a ship that stays where it is.
    rest_nu : float
    gate : tuple of three float
        Log odds of going on against staying, linear in the same.
    fitted_h, leave_h : float
        Beyond the hours that the rest holds for, a ship that stays has left by the time with the odds of the hours
        since over `leave_h`.
    """

    tau_h: float
    scale: tuple[float, ...]
    stretch: float
    nu: float
    rest_scale: tuple[float, ...]
    rest_nu: float
    gate: tuple[float, ...]
    fitted_h: float
    leave_h: float


BRIDGE_LAW = BridgeLaw(
    curve=BranchLaw((-4.96, 2.34, 3.52, 1.96, -0.23), -0.71, 3.27, (0.77, -0.79, -0.88, -1.12, 1.85)),
    wander=BranchLaw((-0.20, 0.0, 0.0, 1.80, -0.98), 0.15, 1.93, (0.97, -0.73, -0.46, -1.19, 1.14)),
    line=BranchLaw((-4.08, 1.57, 2.08, 1.37, -0.20), 4.0, 4.44, (0.0, 0.0, 0.0, 0.0, 0.0)),
    rate_per_h=1.95,
    noise=0.75,
    rest=BranchLaw((-11.94, 0.0, 0.0, 0.0, 2.57), 0.0, 1.10, (3.64, 0.06, 0.0, 0.0, -0.81)),
    stroll=BranchLaw((0.51, 1.41, 0.87, 0.0, -0.16), 0.0, 2.03, (0.0, 0.0, 0.0, 0.0, 0.0)),
    misfit_kn=4.54,
)
OPEN_LAW = OpenLaw(
    tau_h=66.0,
    scale=(-3.04, 3.15, 0.66),
    stretch=-0.69,
    nu=1.12,
    rest_scale=(-8.89, 0.32, 4.0),
    rest_nu=0.5,
    gate=(-1.89, -0.53, 1.96),
    fitted_h=6.0,
    leave_h=16.0,
)
"""Both fitted by maximum likelihood on masked tracks of the development half (benchmarks/position_in_gap.py: Kattegat,
Singapore tankers, three others). On 262 other vessels, up to 6 h and not lying still: -1.26 nats per km2, where the
prism alone has 4.3; regions of 90 % hold 88.7 % of the truth; median error 0.45 of the straight way's at one hour.
Ships at rest stay for a while only: of 21 of the development half (Singapore tankers, squid jiggers) 77 % lay within
half a mile 12 h later, 42 % after 24 h, 23 % after 48, 12 % after 96, 8 % after 192; by the law 73, 47, 28, 15 and 8 %.
"""
_STILL_KN, _STILL_NM = 1.0, 1.0 / 1.852
"""A ship slower than this at both ends, which are nearer than this, lies still."""
_MISFIT_FLOOR_KN, _SPEED_FLOOR_KN = 0.3, 0.5
_STRETCH_KN = 1.0
"""From about this speed on a ship has a course that errors are longer along."""
_LEAST_SHARE, _LEAST_H = 1e-4, 1e-3
_LEAST_NM = 0.003
"""Antennas stand some metres from where a ship is said to be [nm]."""


class Branch(NamedTuple):
    """One kind of way: where it leads, and how far off the ship may be; arrays of shape (n,).

    Parameters
    ----------
    weight : ndarray of float64
        Over the branches they sum to 1.
    x, y : ndarray of float64
        Mean position, in the plane of the gap's start [nm].
    velocity_x, velocity_y : ndarray of float64
        Mean velocity [kn].
    along_nm2, across_nm2 : ndarray of float64
        Squared scales along the velocity and across [nm2].
    nu : ndarray of float64
        Degrees of freedom.
    velocity_kn2 : ndarray of float64
        Squared scale of the velocity [kn2].
    """

    weight: np.ndarray
    x: np.ndarray
    y: np.ndarray
    velocity_x: np.ndarray
    velocity_y: np.ndarray
    along_nm2: np.ndarray
    across_nm2: np.ndarray
    nu: np.ndarray
    velocity_kn2: np.ndarray


def branches(
    end_x: np.ndarray, end_y: np.ndarray, velocity: tuple[np.ndarray, ...], total_h: np.ndarray, at_h: np.ndarray,
    law: BridgeLaw = BRIDGE_LAW,
) -> list[Branch]:  # fmt: skip
    """List the kinds of way from the origin to a known end.

    Parameters
    ----------
    end_x, end_y : ndarray of float64, shape (n,)
        The gap's end, in the plane of its start [nm].
    velocity : tuple of four ndarray of float64, shape (n,)
        East and north speed at the start, then at the end [kn]; NaN where unknown (the chord's is taken).
    total_h, at_h : ndarray of float64, shape (n,)
        Length of the gap and time since its start [h].
    law : BridgeLaw

    Returns
    -------
    list of Branch
        Of the curve, the wandering course and the line; for ships that lie still at both ends, of rest and stroll.
    """
    f = np.clip(at_h / total_h, _LEAST_SHARE, 1 - _LEAST_SHARE)
    at_h, both = f * total_h, f * (1 - f)
    chord_x, chord_y = end_x / total_h, end_y / total_h
    start, start_misfit, start_kn = _end(velocity[0], velocity[1], chord_x, chord_y, law.misfit_kn)
    end, end_misfit, end_kn = _end(velocity[2], velocity[3], chord_x, chord_y, law.misfit_kn)
    still = (np.fmax(start_kn, end_kn) < _STILL_KN) & (np.hypot(end_x, end_y) < _STILL_NM)
    features = np.stack(
        [
            np.ones_like(f), np.log(total_h), np.log(4 * both),
            np.log((start_misfit + end_misfit) / 2 + _MISFIT_FLOOR_KN),
            np.log((start_kn + end_kn) / 2 + _SPEED_FLOOR_KN),
        ]
    )  # fmt: skip
    free = wandering_bridge(total_h, at_h, law.rate_per_h, law.noise)
    pulls = (
        (at_h * (1 - f) ** 2, -at_h * f * (1 - f), (1 - f) * (1 - 3 * f), f * (3 * f - 2)),
        (free.start_h, free.end_h, free.start, free.end),
        (0.0, 0.0, 0.0, 0.0),
    )
    own = (0.0, np.log(np.maximum(free.variance_h2, 1e-12)), 0.0)
    out, gates = [], []
    for k, (moving, lying) in enumerate(((law.curve, law.rest), (law.wander, None), (law.line, law.stroll))):
        log_scale, gate = np.array([moving.scale, moving.gate]) @ features
        log_scale = log_scale + own[k]
        stretch, nu = np.full_like(f, moving.stretch), np.full_like(f, moving.nu)
        if lying is None:
            gate = np.where(still, -np.inf, gate)
        elif still.any():
            resting = np.array([lying.scale, lying.gate]) @ features[:, still]
            log_scale[still], gate[still] = resting
            stretch[still], nu[still] = 0.0, lying.nu
        start_h, end_h, start_share, end_share = (np.where(still, 0.0, pull) for pull in pulls[k])
        vx = chord_x + start_share * start[0] + end_share * end[0]
        vy = chord_y + start_share * start[1] + end_share * end[1]
        speed, square = np.hypot(vx, vy), np.exp(log_scale)
        ratio = np.exp(stretch * speed / (speed + _STRETCH_KN))
        gates.append(gate)
        out.append(
            Branch(
                weight=gate, x=at_h * chord_x + start_h * start[0] + end_h * end[0],
                y=at_h * chord_y + start_h * start[1] + end_h * end[1], velocity_x=vx, velocity_y=vy,
                along_nm2=square * ratio, across_nm2=square / ratio, nu=nu,
                # As in an integrated Wiener process between two known ends.
                velocity_kn2=square * 3 * (1 - 3 * both) / (total_h * both) ** 2,
            )
        )  # fmt: skip
    weight = np.exp(np.stack(gates) - np.max(gates, axis=0))
    weight /= weight.sum(axis=0)
    return [branch._replace(weight=share) for branch, share in zip(out, weight, strict=True)]


def open_branches(
    velocity_x: np.ndarray, velocity_y: np.ndarray, since_h: np.ndarray, law: OpenLaw = OPEN_LAW
) -> list[Branch]:
    """List the kinds of way from the origin of a ship that was not heard of again.

    Parameters
    ----------
    velocity_x, velocity_y : ndarray of float64, shape (n,)
        East and north speed at the start [kn]; NaN where unknown, which is taken as no way on.
    since_h : ndarray of float64, shape (n,)
        Time since then [h].
    law : OpenLaw

    Returns
    -------
    list of Branch
        Of the last course, kept for a while, and of staying.
    """
    known = np.isfinite(velocity_x) & np.isfinite(velocity_y)
    vx, vy = np.where(known, velocity_x, 0.0), np.where(known, velocity_y, 0.0)
    since_h = np.maximum(since_h, _LEAST_H)
    kept, speed = np.exp(-since_h / law.tau_h), np.hypot(vx, vy)
    features = np.stack([np.ones_like(speed), np.log(since_h), np.log(speed + _SPEED_FLOOR_KN)])
    on, stay, gate = np.exp(np.array([law.scale, law.rest_scale, law.gate]) @ features)
    ratio, zero = np.exp(law.stretch * speed / (speed + _STRETCH_KN)), np.zeros_like(speed)
    way_h, left = law.tau_h * (1 - kept), np.maximum(since_h - law.fitted_h, 0.0) / law.leave_h
    p_stay = 1 / ((1 + gate) * (1 + left))
    return [
        Branch(
            1 - p_stay, way_h * vx, way_h * vy, kept * vx, kept * vy, on * ratio, on / ratio,
            np.full_like(speed, law.nu), on / since_h**2,
        ),
        Branch(p_stay, zero, zero, zero, zero, stay, stay, np.full_like(speed, law.rest_nu), stay / since_h**2),
    ]  # fmt: skip


def student_density(x: np.ndarray, y: np.ndarray, branch: Branch, error_nm: np.ndarray | float) -> np.ndarray:
    """Density of a point under a branch, its weight left aside [1/nm2].

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        In the plane of the gap's start [nm].
    branch : Branch
    error_nm : ndarray of float64, shape (n,), or float
        Error of the point [nm].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    off_x, off_y = x - branch.x, y - branch.y
    speed = np.hypot(branch.velocity_x, branch.velocity_y)
    moving = speed > 0
    ahead_x = np.divide(branch.velocity_x, speed, out=np.ones_like(speed), where=moving)
    ahead_y = np.divide(branch.velocity_y, speed, out=np.zeros_like(speed), where=moving)
    along, across = (off_x * ahead_x + off_y * ahead_y) ** 2, (off_x * ahead_y - off_y * ahead_x) ** 2
    floor = np.square(error_nm) + _LEAST_NM**2
    along_nm2, across_nm2 = branch.along_nm2 + floor, branch.across_nm2 + floor
    tail = (1.0 + (along / along_nm2 + across / across_nm2) / branch.nu) ** (-branch.nu / 2 - 1)
    return tail / (2 * np.pi * np.sqrt(along_nm2 * across_nm2))


def bridge_density(
    x: np.ndarray, y: np.ndarray, end_x: np.ndarray, end_y: np.ndarray, velocity: tuple[np.ndarray, ...],
    total_h: np.ndarray, at_h: np.ndarray, error_nm: np.ndarray, law: BridgeLaw = BRIDGE_LAW,
) -> np.ndarray:  # fmt: skip
    """Density of the position on the way from the origin to the end, both known [1/nm2].

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Point asked for, in the plane of the gap's start [nm].
    end_x, end_y, velocity, total_h, at_h
        See `branches`.
    error_nm : ndarray of float64, shape (n,)
        Error of the point asked for [nm].
    law : BridgeLaw

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    ways = branches(end_x, end_y, velocity, total_h, at_h, law)
    return np.sum([way.weight * student_density(x, y, way, error_nm) for way in ways], axis=0)


def _end(
    vx: np.ndarray, vy: np.ndarray, chord_x: np.ndarray, chord_y: np.ndarray, misfit_kn: float
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """How a velocity differs from the chord's, by how much, and the speed."""
    known = np.isfinite(vx) & np.isfinite(vy)
    off_x, off_y = np.where(known, vx - chord_x, 0.0), np.where(known, vy - chord_y, 0.0)
    misfit = np.where(known, np.hypot(off_x, off_y), misfit_kn)
    return (off_x, off_y), misfit, np.hypot(chord_x + off_x, chord_y + off_y)


def local_offset(lat0: np.ndarray, lon0: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """East and north of a point seen from an origin, in the azimuthal equidistant plane of the origin [nm]."""
    distance, angle = great_circle_nm(lat0, lon0, lat, lon), np.radians(bearing(lat0, lon0, lat, lon))
    return distance * np.sin(angle), distance * np.cos(angle)


def gaussian_density(distance_nm: np.ndarray, sd_nm: np.ndarray) -> np.ndarray:
    """Density of a round Gaussian at a distance from its centre [1/nm2]."""
    return np.exp(-0.5 * (distance_nm / sd_nm) ** 2) / (2 * np.pi * sd_nm**2)


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
