"""Hulls that no AIS tells of: work boats, small craft, a few ordinary ships, and structures that look like ships."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

__all__ = ["Hulls", "fixed_structures", "unknown_hulls"]

_BOATS_PER_DAY = 6.0
_SHIPS = 24
_COASTERS_PER_DAY = 3.0
_STRUCTURES = (
    (42.7255, 133.0050, 32.0),
    (42.7580, 132.9720, 26.0),
    (42.4100, 132.6400, 45.0),
    (41.7300, 129.8900, 30.0),
)


@dataclass(frozen=True)
class Hulls:
    """Hulls at one moment, or for a span of time: position, motion, size, state; `mmsi` 0 for those nobody tracks."""

    lat: np.ndarray
    lon: np.ndarray
    north_kn: np.ndarray
    east_kn: np.ndarray
    heading: np.ndarray
    length_m: np.ndarray
    beam_m: np.ndarray
    alongside: np.ndarray
    tanker: np.ndarray
    laden: np.ndarray
    mmsi: np.ndarray
    first_s: np.ndarray
    last_s: np.ndarray

    def taken(self, which: np.ndarray) -> Hulls:
        """Only these."""
        return Hulls(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))

    def joined(self, other: Hulls) -> Hulls:
        """These and the others."""
        names = [field.name for field in dataclasses.fields(self)]
        return Hulls(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


def unknown_hulls(rng: np.random.Generator, days: int) -> Hulls:
    """Work boats of 20 to 60 m in the bay, coasters and fishermen outside, and ordinary ships that stay some days."""
    bay = _resting(
        rng, int(rng.poisson(_BOATS_PER_DAY * days)), days, (42.730, 133.000), 0.025, (20.0, 60.0), (4.0, 30.0)
    )
    sea = _resting(
        rng, int(rng.poisson(_COASTERS_PER_DAY * days)), days, (42.35, 132.90), 0.22, (15.0, 70.0), (3.0, 16.0)
    )
    south = _resting(
        rng, int(rng.poisson(_COASTERS_PER_DAY * days)), days, (41.55, 130.25), 0.18, (15.0, 60.0), (3.0, 16.0)
    )
    ships = _resting(rng, _SHIPS, days, (42.710, 133.010), 0.018, (65.0, 150.0), (18.0, 110.0))
    return bay.joined(sea).joined(south).joined(ships)


def _resting(
    rng: np.random.Generator, n: int, days: int, centre: tuple[float, float], spread: float,
    length_m: tuple[float, float], stay_h: tuple[float, float],
) -> Hulls:  # fmt: skip
    first = rng.uniform(0, days * 86400, size=n)
    length = rng.uniform(*length_m, size=n)
    speed = np.where(rng.random(n) < 0.3, rng.uniform(1, 6, size=n), 0.0)
    heading = rng.uniform(0, 360, size=n)
    return Hulls(
        lat=centre[0] + rng.normal(0, spread, size=n),
        lon=centre[1] + rng.normal(0, spread * 1.3, size=n),
        north_kn=speed * np.cos(np.radians(heading)),
        east_kn=speed * np.sin(np.radians(heading)),
        heading=heading,
        length_m=length,
        beam_m=length / 5.5,
        alongside=np.zeros(n, dtype=bool),
        tanker=rng.random(n) < 0.25,
        laden=rng.random(n) < 0.5,
        mmsi=np.zeros(n, dtype="int64"),
        first_s=first,
        last_s=first + rng.uniform(*stay_h, size=n) * 3600,
    )


def fixed_structures() -> Hulls:
    """Lights, buoys and a barge that every image shows again."""
    lat, lon, length = np.array(_STRUCTURES).T
    n = len(lat)
    no, zero = np.zeros(n, dtype=bool), np.zeros(n)
    return Hulls(
        lat, lon, zero, zero, zero, length, length / 3, no, no, no, np.zeros(n, dtype="int64"), zero, np.full(n, np.inf)
    )  # fmt: skip
