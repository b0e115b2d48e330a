"""Who hears the ships: shore stations, satellites, and what goes wrong between transmitter and feed.

Physics in outline, and not the law that any detector assumes: range with ducting, fading in bursts, passes of
satellites that are worst where traffic is dense, a strength of its own for every ship, outages of stations and of the
whole feed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.simulation.diary import SLOT_S, SLOTS_PER_H, Log

__all__ = ["THIN_S", "Ether", "Heard", "hear", "make_ether"]

THIN_S = 600.0
"""The provider delivers at most one fix per ship in this time [s]."""
_STATIONS = (
    (35.10, 129.10, 55.0),  # Busan
    (36.05, 129.50, 45.0),  # Pohang
    (37.50, 129.20, 60.0),  # Donghae
    (37.95, 138.95, 60.0),  # Niigata
    (39.80, 139.90, 50.0),  # Akita
    (43.10, 131.95, 45.0),  # Vladivostok
    (42.78, 132.95, 40.0),  # Nakhodka
)
"""Shore stations: position, and the range at which half of the looks succeed [nm]."""
_DENSE = ((35.0, 129.3, 1.5, 120.0), (36.8, 137.2, 0.5, 120.0), (38.5, 139.3, 0.7, 90.0), (43.0, 132.2, 0.6, 70.0))
"""Dense traffic: centre, optical depth of collisions as a satellite sees it, scale [nm]."""
_SATELLITES = 12
_NODE_SPREAD_H = 3.0
_ORBIT_MIN = 97.0
_SATELLITE_CATCH = 1.0
_LOOKS_MOVING, _LOOKS_RESTING, _LOOKS_B = 9.0, 4.0, 3.0
"""Independent looks in a slot: reports every 10 s fade together, those every 180 s are three, class B has 2 W."""
_GOOD_H, _BAD_H, _BAD_FACTOR = 9.0, 3.0, 0.01
_LONGEST_WAIT_S = 180.0
"""The slowest report interval of a ship in range [s]."""
_OUTAGE_EVERY_D, _OUTAGE_MEDIAN_H, _OUTAGE_LOG_SD = 25.0, 6.0, 0.8
_FEED_OUTAGE_H = 20.0


@dataclass(frozen=True)
class Ether:
    """What all ships share: ranges by station and day, stations that are down, satellite passes, the feed's outage.

    Parameters
    ----------
    range_nm : ndarray, shape (stations, days)
    up : ndarray of bool, shape (stations, slots)
    pass_s, pass_quality : ndarray
        Sorted times of the passes [s], and how high they are.
    feed_down : tuple of float
        When nothing at all is delivered [s].
    """

    range_nm: np.ndarray
    up: np.ndarray
    pass_s: np.ndarray
    pass_quality: np.ndarray
    feed_down: tuple[float, float]


@dataclass(frozen=True)
class Heard:
    """Fixes of one hull as the provider delivers them: seconds since the feed began, and by what they were heard."""

    seconds: np.ndarray
    satellite: np.ndarray


def make_ether(rng: np.random.Generator, days: int) -> Ether:
    """Draw the conditions of the whole campaign.

    Parameters
    ----------
    rng : Generator
    days : int
        Length of the feed [d].

    Returns
    -------
    Ether
    """
    slots = days * 24 * SLOTS_PER_H
    noise = rng.normal(0.0, 0.16 * np.sqrt(1 - 0.5**2), size=(len(_STATIONS), days))
    ducting = np.exp(lfilter([1.0], [1.0, -0.5], noise, axis=1))
    ducting = np.where(rng.random(days) < 0.04, ducting * 1.8, ducting)
    reach = np.array([station[2] for station in _STATIONS])[:, None] * ducting
    up = np.ones((len(_STATIONS), slots), dtype=bool)
    for station in range(len(_STATIONS)):
        for begin in rng.uniform(0, slots, size=rng.poisson(days / _OUTAGE_EVERY_D)).astype("int64"):
            hours = float(np.clip(rng.lognormal(np.log(_OUTAGE_MEDIAN_H), _OUTAGE_LOG_SD), 1, 36))
            up[station, begin : begin + round(hours * SLOTS_PER_H)] = False
    pass_s, quality = _passes(rng, days)
    down = float(rng.uniform(0.2, 0.8) * days * 86400)
    return Ether(reach, up, pass_s, quality, (down, down + _FEED_OUTAGE_H * 3600))


def _passes(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Passes over the area: each satellite comes twice a day, three orbits in a row, with nodes close together."""
    node_h = rng.normal(1.0, _NODE_SPREAD_H, size=_SATELLITES)
    half_day = np.arange(2 * days)
    drift = rng.uniform(-0.02, 0.02, size=_SATELLITES)
    hours = node_h[:, None, None] + (12.0 + drift[:, None, None]) * half_day[:, None]
    times = (hours + np.array([-1, 0, 1]) * _ORBIT_MIN / 60.0) * 3600
    quality = np.broadcast_to(np.array([0.55, 1.0, 0.55]), times.shape) * rng.uniform(0.6, 1.0, size=times.shape)
    works = np.broadcast_to(rng.random((_SATELLITES, 2 * days, 1)) > 0.03, times.shape)
    keep = works & (times >= 0) & (times < days * 86400)
    times, quality = times[keep], quality[keep]
    order = np.argsort(times, kind="stable")
    return times[order], quality[order]


def hear(log: Log, ether: Ether, rng: np.random.Generator) -> Heard:
    """Which reports of one hull reach the feed.

    Parameters
    ----------
    log : Log
    ether : Ether
    rng : Generator

    Returns
    -------
    Heard
        In order of time, at least THIN_S apart, none in a silence or in the feed's outage.
    """
    shore = _shore_times(log, ether, rng)
    space = _space_times(log, ether, rng)
    seconds = np.concatenate([shore, space])
    satellite = np.r_[np.zeros(len(shore), dtype=bool), np.ones(len(space), dtype=bool)]
    order = np.argsort(seconds, kind="stable")
    seconds, satellite = np.floor(seconds[order]), satellite[order]
    sent = ~_silent(log, seconds) & ~((seconds >= ether.feed_down[0]) & (seconds < ether.feed_down[1]))
    sent &= (seconds >= log.first * SLOT_S) & (seconds < (log.first + len(log.lat) - 1) * SLOT_S)
    seconds, satellite = seconds[sent], satellite[sent]
    keep = _thin(seconds)
    return Heard(seconds[keep], satellite[keep])


def _silent(log: Log, seconds: np.ndarray) -> np.ndarray:
    out = np.zeros(len(seconds), dtype=bool)
    for silence in log.silences:
        out |= (seconds > silence.off_s) & (seconds < silence.on_s)
    return out


def _shore_times(log: Log, ether: Ether, rng: np.random.Generator) -> np.ndarray:
    """First report of every slot that a shore station hears [s]."""
    n = len(log.lat)
    slot = log.first + np.arange(n)
    day = np.minimum(slot // (24 * SLOTS_PER_H), ether.range_nm.shape[1] - 1)
    aerial = (0.45 if log.ship.ais_class == "B" else 1.0) * log.ship.strength**0.25
    missed = np.ones(n)
    for station, (lat, lon, _) in enumerate(_STATIONS):
        reach = ether.range_nm[station, day] * aerial
        ratio = great_circle_nm(log.lat, log.lon, lat, lon) / reach
        missed *= 1.0 - ether.up[station, slot] / (1.0 + np.exp(np.clip((ratio - 1.0) / 0.13, -40, 40)))
    rate = (1.0 - missed) * _looks(log) * log.ship.strength * _bursts(n, rng)
    waited = rng.exponential(1.0, size=n) / np.maximum(rate, 1e-9)
    audible = waited < 1.0
    return _delivered(((slot + waited) * SLOT_S)[audible], rate[audible], slot[audible], rng)


def _delivered(first: np.ndarray, rate: np.ndarray, slot: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The provider forwards the next report that is heard THIN_S or later behind the last one it forwarded [s].

    t[i] = max(first[i], t[i-1] + THIN_S + wait[i]) is a running maximum after the steps are taken off.
    """
    wait = np.minimum(rng.exponential(1.0, size=len(first)) * SLOT_S / np.maximum(rate, 1e-9), _LONGEST_WAIT_S)
    steps = np.cumsum(THIN_S + wait)
    times = np.maximum.accumulate(first - steps) + steps
    return times[np.isin((times // SLOT_S).astype("int64"), slot)]


def _looks(log: Log) -> np.ndarray:
    if log.ship.ais_class == "B":
        return np.full(len(log.lat), _LOOKS_B)
    return np.where(np.isin(log.status, (1, 5)), _LOOKS_RESTING, _LOOKS_MOVING)


def _bursts(n: int, rng: np.random.Generator) -> np.ndarray:
    """Gilbert-Elliott: hours in which nearly everything is heard, and hours in which nearly nothing is."""
    pairs = int(n / SLOTS_PER_H / (_GOOD_H + _BAD_H) * 1.5) + 20
    spells = np.column_stack([rng.exponential(_GOOD_H, size=pairs), rng.exponential(_BAD_H, size=pairs)]).ravel()
    edges = np.cumsum(spells) * SLOTS_PER_H
    bad = np.searchsorted(edges, np.arange(n) + edges[0] * rng.random(), side="right") % 2 == 1
    return np.where(bad, _BAD_FACTOR, 1.0)


def _space_times(log: Log, ether: Ether, rng: np.random.Generator) -> np.ndarray:
    """Reports that satellites pick up [s]."""
    lat, lon = log.at(ether.pass_s)
    depth = np.full(len(lat), 0.25)
    for at_lat, at_lon, weight, scale in _DENSE:
        depth += weight * np.exp(-0.5 * (great_circle_nm(lat, lon, at_lat, at_lon) / scale) ** 2)
    weak = 0.2 if log.ship.ais_class == "B" else 1.0
    rate = _SATELLITE_CATCH * weak * ether.pass_quality * np.exp(-depth) * log.ship.strength * 2.0
    caught = rng.random(len(lat)) < 1.0 - np.exp(-rate)
    times = ether.pass_s + rng.uniform(0.0, 540.0, size=len(lat))
    # A good pass yields a second fix towards its end.
    second = caught & (rng.random(len(lat)) < 0.25)
    return np.concatenate([times[caught], times[second] + rng.uniform(605.0, 700.0, size=int(second.sum()))])


def _thin(seconds: np.ndarray) -> np.ndarray:
    """Keep fixes that lie at least THIN_S behind the last one kept."""
    keep = np.ones(len(seconds), dtype=bool)
    index = np.arange(len(seconds))
    while True:
        kept = index[keep]
        close = np.diff(seconds[kept]) < THIN_S
        if not close.any():
            return keep
        # The first of each run of too close fixes goes; the rest is looked at again.
        first = close & ~np.r_[False, close[:-1]]
        keep[kept[1:][first]] = False
