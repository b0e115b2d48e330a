"""Who hears the ships: shore stations, satellites, and what goes wrong between transmitter and provider.

Physics in outline, and not the law that any detector assumes: reports on the grid of their interval, range with
ducting, fading over minutes and bursts over hours, passes of satellites that are worst where traffic is dense, a
strength of its own for every ship, outages of stations, of regions and of the whole feed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from darkvoyage.kernels.spans import expand
from darkvoyage.kernels.sphere import angle_difference, bearing, great_circle_nm
from darkvoyage.simulation.diary import SLOT_S, SLOTS_PER_H, Log
from darkvoyage.simulation.receivers import CAMPAIGN, DAY_S, Heard, Reception, deliver
from darkvoyage.simulation.reporting import LONG_RANGE_S, report_interval_s, turning
from darkvoyage.simulation.sea import Sea

__all__ = ["Ether", "hear", "make_ether"]

_LONG_RANGE_DEPTH = 0.1
"""Message 27 is sent 18 times more rarely than position reports under way, on channels that nothing else uses."""


@dataclass(frozen=True, eq=False)
class Ether:
    """What all ships share: ranges by station and day, stations that are down, satellite passes, outages of the feed.

    Parameters
    ----------
    profile : Reception
    sea : Sea
    range_nm : ndarray, shape (stations, days)
    up : ndarray of bool, shape (stations, slots)
    pass_s, pass_quality, pass_clock_s : ndarray
        Sorted times of the passes over the first port of the sea [s], how high they are, and how far the clock is off.
    pass_long_range : ndarray of bool
        Whether message 27 is heard.
    feed_down : ndarray, shape (outages, 2)
        When nothing at all is delivered [s].
    """

    profile: Reception
    sea: Sea
    range_nm: np.ndarray
    up: np.ndarray
    pass_s: np.ndarray
    pass_quality: np.ndarray
    pass_clock_s: np.ndarray
    pass_long_range: np.ndarray
    feed_down: np.ndarray


def make_ether(rng: np.random.Generator, sea: Sea, days: int, profile: Reception = CAMPAIGN) -> Ether:
    """Draw the conditions that all ships of a world share.

    Parameters
    ----------
    rng : Generator
    sea : Sea
    days : int
        Length of the feed [d].
    profile : Reception

    Returns
    -------
    Ether
    """
    stations = np.array(sea.stations, dtype="float64").reshape(-1, 3)
    keep = 0.5
    noise = rng.normal(0.0, profile.ducting_sd * np.sqrt(1 - keep**2), size=(len(stations), days))
    ducting = np.exp(lfilter([1.0], [1.0, -keep], noise, axis=1))
    ducting = np.where(rng.random(days) < profile.ducting_share, ducting * profile.ducting_gain, ducting)
    begin = rng.uniform(0, days * DAY_S, size=round(days / profile.feed_outage_every_d))
    return Ether(
        profile,
        sea,
        stations[:, 2:] * profile.station_range * ducting,
        _stations_up(rng, stations, days, profile),
        *_passes(rng, days, profile),
        np.column_stack([begin, begin + profile.feed_outage_h * 3600]),
    )


def _stations_up(rng: np.random.Generator, stations: np.ndarray, days: int, profile: Reception) -> np.ndarray:
    slots = days * 24 * SLOTS_PER_H
    up = np.ones((len(stations), slots), dtype=bool)
    for lat, lon, _ in stations:
        apart = great_circle_nm(stations[:, 0], stations[:, 1], lat, lon)
        # An outage of a region has any of its stations for a centre.
        for within, every_d in (
            (0.0, profile.station_outage_every_d),
            (profile.region_nm, profile.region_outage_every_d * len(stations)),
        ):
            begin = rng.integers(0, slots, size=rng.poisson(days / every_d))
            hours = rng.lognormal(np.log(profile.outage_median_h), profile.outage_log_sd, size=len(begin))
            down = np.zeros(slots + 1, dtype="int64")
            np.add.at(down, begin, 1)
            np.add.at(down, np.minimum(begin + np.ceil(hours * SLOTS_PER_H).astype("int64"), slots), -1)
            up[apart <= within] &= np.cumsum(down[:-1]) == 0
    return up


def _passes(
    rng: np.random.Generator, days: int, profile: Reception
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each satellite comes twice a day, three orbits of 97 minutes in a row, with nodes close together."""
    number = profile.satellites
    node_h = rng.normal(1.0, profile.node_spread_h, size=(number, 1, 1))
    drift = rng.uniform(-0.02, 0.02, size=(number, 1, 1))
    hours = node_h + (12.0 + drift) * np.arange(2 * days)[:, None] + np.array([-1, 0, 1]) * 97.0 / 60.0
    quality = np.array([0.55, 1.0, 0.55]) * rng.uniform(0.6, 1.0, size=hours.shape)
    half_day = (number, 2 * days, 1)
    wrong = rng.lognormal(np.log(profile.clock_median_s), 1.0, size=half_day) * rng.choice([-1.0, 1.0], size=half_day)
    clock = np.where(rng.random(half_day) < profile.clock_share, np.round(wrong), 0.0)
    long_range = (np.arange(number) < round(profile.long_range_share * number))[:, None, None]
    works = np.broadcast_to(rng.random(half_day) > 0.03, hours.shape) & (hours >= 0) & (hours < days * 24)
    order = np.argsort(hours[works], kind="stable")
    clock, long_range = np.broadcast_to(clock, hours.shape), np.broadcast_to(long_range, hours.shape)
    return hours[works][order] * 3600, quality[works][order], clock[works][order], long_range[works][order]


def hear(log: Log, ether: Ether, rng: np.random.Generator) -> Heard:
    """Which reports of one hull the provider delivers.

    Parameters
    ----------
    log : Log
    ether : Ether
    rng : Generator

    Returns
    -------
    Heard
        In order of time, one at most in every window of `thin_s`, none in a silence or an outage of the feed.
    """
    interval = _intervals(log)
    phase = rng.random()
    shore = _shore_times(log, ether, interval, phase, rng)
    space, clock = _space_times(log, ether, interval, phase, rng)
    seconds = np.concatenate([shore, space])
    satellite = np.r_[np.zeros(len(shore), dtype=bool), np.ones(len(space), dtype=bool)]
    clock_s = np.r_[np.zeros(len(shore)), clock]
    return deliver(log, Heard(seconds, satellite, clock_s), ether.feed_down, ether.profile.thin_s)


def _intervals(log: Log) -> np.ndarray:
    """Nominal report interval of every slot [s]."""
    ahead = np.minimum(np.arange(1, len(log.lat) + 1), len(log.lat) - 1)
    way = (log.lat, log.lon, log.lat[ahead], log.lon[ahead])
    speed = great_circle_nm(*way) * SLOTS_PER_H
    return report_interval_s(log.ship.ais_class, log.status, speed, turning(bearing(*way), speed))


def _shore_times(log: Log, ether: Ether, interval: np.ndarray, phase: float, rng: np.random.Generator) -> np.ndarray:
    """Reports that a shore station hears: the first in every window, or all where nothing is thinned [s]."""
    profile = ether.profile
    chance = _shore_chance(log, ether) * _bursts(len(log.lat), profile, rng)
    row = np.flatnonzero(chance > 0.5e-3)
    length = min(profile.thin_s, SLOT_S)
    if length < profile.fade_s:
        return _all_reports((log.first + row) * float(SLOT_S), interval[row], chance[row], phase, profile, rng)
    # Windows lie on the provider's grid; each takes the conditions of the slot in which it begins.
    first = np.ceil((log.first + row) * SLOT_S / length).astype("int64")
    owner, window = expand(first, np.ceil((log.first + row + 1) * SLOT_S / length).astype("int64") - first)
    begin, at = window * length, row[owner]
    times = _first_report(begin, interval[at], chance[at], phase, profile, rng)
    return times[times < begin + length]


def _shore_chance(log: Log, ether: Ether) -> np.ndarray:
    """Chance that a look of every slot is heard by any station."""
    slot = log.first + np.arange(len(log.lat))
    day = np.minimum(slot // (24 * SLOTS_PER_H), ether.range_nm.shape[1] - 1)
    class_b = log.ship.ais_class != "A"
    aerial = (ether.profile.class_b_range if class_b else 1.0) * log.ship.strength**0.25
    missed = np.ones(len(slot))
    for station, (lat, lon, _) in enumerate(ether.sea.stations):
        ratio = great_circle_nm(log.lat, log.lon, lat, lon) / (ether.range_nm[station, day] * aerial)
        up = ether.up[station, np.minimum(slot, ether.up.shape[1] - 1)]
        missed *= 1.0 - up / (1.0 + np.exp(np.minimum((ratio - 1.0) / ether.profile.station_edge, 40.0)))
    weak = ether.profile.class_b_chance if class_b else 1.0
    return np.minimum((1.0 - missed) * weak * log.ship.strength, 1.0)


def _first_report(
    begin: np.ndarray, interval: np.ndarray, chance: np.ndarray, phase: float, profile: Reception,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Time of the first report that is heard from `begin` on under lasting conditions [s].

    Reports lie on the grid (phase + k) x interval. As many as fall into `fade_s` fade together in one look: either none
    of them is heard, or each with chance `decode`.
    """
    together = np.maximum(1.0, np.round(profile.fade_s / interval))
    lost = (1.0 - profile.decode) ** together
    with np.errstate(divide="ignore", invalid="ignore"):
        looks = np.floor(np.log(1.0 - rng.random(len(begin))) / np.log1p(-np.minimum(chance * (1.0 - lost), 1.0)))
        within = np.floor(np.log1p(-rng.random(len(begin)) * (1.0 - lost)) / np.log(1.0 - profile.decode))
    return begin + (phase * interval - begin) % interval + (looks * together + within) * interval


def _all_reports(
    begin: np.ndarray, interval: np.ndarray, chance: np.ndarray, phase: float, profile: Reception,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Every report of these slots that is heard [s]; reports within `fade_s` fade together."""
    first = begin + (phase * interval - begin) % interval
    owner, number = expand(np.zeros(len(begin), dtype="int64"), np.ceil((begin + SLOT_S - first) / interval))
    times = first[owner] + number * interval[owner]
    _, look = np.unique(np.floor(times / profile.fade_s), return_inverse=True)
    clear = rng.random(look[-1] + 1 if len(look) else 0)[look] < chance[owner]
    return times[clear & (rng.random(len(times)) < profile.decode)]


def _bursts(n: int, profile: Reception, rng: np.random.Generator) -> np.ndarray:
    """Gilbert-Elliott: hours in which nearly everything is heard, and hours in which nearly nothing is."""
    pairs = int(n / SLOTS_PER_H / (profile.good_h + profile.bad_h) * 1.5) + 20
    spells = rng.exponential([profile.good_h, profile.bad_h], size=(pairs, 2)).ravel()
    edges = np.cumsum(spells) * SLOTS_PER_H
    bad = np.searchsorted(edges, np.arange(n) + edges[0] * rng.random(), side="right") % 2 == 1
    return np.where(bad, profile.bad_chance, 1.0)


def _space_times(
    log: Log, ether: Ether, interval: np.ndarray, phase: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Reports that satellites pick up [s], and how far their clocks are off [s]."""
    profile = ether.profile
    # Orbits keep local time: a satellite comes four minutes later for every degree to the west.
    home = next(iter(ether.sea.points.values()))[1]
    passes = ether.pass_s - angle_difference(log.at(ether.pass_s)[1], home) * 240.0
    lat, lon = log.at(passes)
    depth = np.full(len(lat), 0.25)
    for at_lat, at_lon, weight, scale in ether.sea.dense:
        depth += weight * np.exp(-0.5 * (great_circle_nm(lat, lon, at_lat, at_lon) / scale) ** 2)
    depth *= np.where(ether.pass_long_range, _LONG_RANGE_DEPTH, 1.0)
    weak = 1.0 if log.ship.ais_class == "A" else 0.2
    chance = profile.catch * weak * ether.pass_quality * np.exp(-depth) * log.ship.strength
    slot = np.clip((passes / SLOT_S).astype("int64") - log.first, 0, len(interval) - 1)
    every = np.where(ether.pass_long_range & (log.ship.ais_class == "A"), LONG_RANGE_S, interval[slot])
    # A pass longer than the provider's window may deliver several fixes.
    piece = max(profile.thin_s, profile.fade_s)
    offset = np.arange(0.0, profile.pass_s, piece)
    begin = (passes[:, None] + offset).ravel()
    row = np.repeat(np.arange(len(passes)), len(offset))
    times = _first_report(begin, every[row], np.minimum(chance, 1.0)[row], phase, profile, rng)
    heard = times < np.minimum(begin + piece, passes[row] + profile.pass_s)
    return times[heard], ether.pass_clock_s[row[heard]]
