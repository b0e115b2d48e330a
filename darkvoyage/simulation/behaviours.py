"""What happens to a finished diary: faults, silences of caution, false positions, other identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darkvoyage.simulation.diary import (
    DRIFTING,
    FISHING,
    SAILING,
    SLOT_S,
    SLOTS_PER_DAY,
    SLOTS_PER_H,
    STATUS,
    Event,
    Identity,
    Log,
)  # fmt: skip
from darkvoyage.simulation.presets import Habits, Hiding
from darkvoyage.simulation.sea import Path, Sea, make_path

__all__ = ["berths_off", "faults", "feign", "security_off", "swap_identity"]

_FAULT_LOG_SD, _FAULT_H = 0.6, (3.0, 72.0)
_APART_S = 12 * 3600
"""What befalls a ship keeps this far from its other silences, so that each gap has one cause [s]."""
_FALSE_KN = 0.85
"""Speed of a feigned passage over the ship's own."""
_CIRCLE_NM, _CIRCLE_KN = (0.6, 2.5), (2.0, 5.0)
_STRAIGHT_SHARE = 0.5
"""Feigned tracks that lead straight from one end to the other; the others circle at a place in open water."""
_RETURN_SHARE = 0.5
_LAST_SWAP = 0.85
"""Share of the feed by which a swap has happened."""


def faults(log: Log, habits: Habits, rng: np.random.Generator) -> None:
    """Transponders break: some hours without any transmission, anywhere."""
    for _ in range(rng.poisson(len(log.lat) / SLOTS_PER_DAY / 30 * habits.faults_per_30d)):
        off = (log.first + float(rng.uniform(0, len(log.lat)))) * SLOT_S
        hours = float(np.clip(rng.lognormal(np.log(habits.fault_median_h), _FAULT_LOG_SD), *_FAULT_H))
        _befall(log, Event("fault", off, off + hours * 3600))


def security_off(log: Log, habits: Habits, rng: np.random.Generator) -> None:
    """Some crews switch off at sea for their own safety, without calling anywhere meanwhile."""
    careful = rng.random() < habits.security_share
    for _ in range(rng.poisson(len(log.lat) / SLOTS_PER_DAY / 30 * habits.security_per_30d) if careful else 0):
        hours = float(np.exp(rng.uniform(*np.log(habits.security_h))))
        first = _stretch_at_sea(log, rng, hours)
        if first is not None:
            _befall(log, Event("security_off", first * SLOT_S, first * SLOT_S + hours * 3600))


def berths_off(log: Log, sea: Sea, habits: Habits, rng: np.random.Generator) -> None:
    """At some calls a tanker isolates its transmitter alongside."""
    if log.ship.ship_type // 10 != 8:
        return
    stays = log.stays()
    for begin, end in stays[rng.random(len(stays)) < habits.berth_off_share]:
        off, on = (log.first + np.sort(rng.uniform(begin, end - 1, size=2))) * SLOT_S
        place = (float(log.lat[begin]), float(log.lon[begin]))
        _befall(log, Event("berth_off", float(off), float(on), port_id=sea.port_at(*place), place=place))


def swap_identity(log: Log, rules: Hiding, fresh: Identity, partner: Identity | None, rng: np.random.Generator) -> None:
    """From some moment on send another identity: one that no ship has, or that of another ship of the fleet.

    Parameters
    ----------
    log : Log
        Is changed.
    rules : Hiding
    fresh : Identity
    partner : Identity or None
    rng : Generator
    """
    days = len(log.lat) / SLOTS_PER_DAY
    if rng.random() >= rules.per_30d["identity_swap"] * days / 30:
        return
    other = partner if partner and rng.random() < rules.partner_share else fresh
    begin = log.first + int(rng.uniform(0.05, _LAST_SWAP) * len(log.lat))
    end = begin + round(float(rng.uniform(*rules.swap_d)) * SLOTS_PER_DAY)
    returns = bool(rng.random() < _RETURN_SHARE)
    log.identities.append((begin, other))
    if returns:
        log.identities.append((end, log.identities[0][1]))
    until = float(end * SLOT_S) if returns else np.inf
    log.events.append(Event("identity_swap", float(begin * SLOT_S), until, other_mmsi=other.mmsi))
    if returns:
        log.events.append(Event("identity_swap", until, np.inf, other_mmsi=log.ship.mmsi))


def feign(log: Log, sea: Sea, rng: np.random.Generator) -> Log:
    """Send false positions, as of a ship under way, during the spoofed calls of a log.

    Parameters
    ----------
    log : Log
    sea : Sea
    rng : Generator

    Returns
    -------
    Log
        With other shown positions and status where there are such calls; the heading that is sent stays the true one.
    """
    spoofed = [event for event in log.events if event.kind == "spoofed"]
    if not spoofed:
        return log
    lat, lon, status = log.lat.copy(), log.lon.copy(), log.status.copy()
    for event in spoofed:
        begin, end = (int(time // SLOT_S) - log.first for time in (event.off_s, event.on_s))
        begin, end = max(begin, 0), min(end, len(lat) - 1)
        ends = np.array([[lat[begin], lon[begin]], [lat[end], lon[end]]])
        rows = slice(begin, end + 1)
        lat[rows], lon[rows] = _false_track(log, ends, end + 1 - begin, sea, rng)
        status[rows] = STATUS[SAILING]
    return replace(log, shown_lat=lat, shown_lon=lon, status=status)


def _false_track(
    log: Log, ends: np.ndarray, slots: int, sea: Sea, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """From one true position to another on the lanes: steadily, or by way of open water, where the ship circles."""
    straight = rng.random() < _STRAIGHT_SHARE
    hub = sea.nearest_hub(*ends[0])
    radius, knots = float(rng.uniform(*_CIRCLE_NM)), float(rng.uniform(*_CIRCLE_KN))
    pace = log.ship.speed_kn * _FALSE_KN / SLOTS_PER_H
    first, last = (sea.nearest_point(*end) for end in ends)
    legs = [_by_lane(ends[0], first, hub, sea), _by_lane(ends[1], last, hub, sea)]
    out, back = (int(np.ceil(leg.along_nm[-1] / pace)) for leg in legs)
    if straight or out + back >= slots:
        turns = np.vstack([[*ends[0], 0.0], sea.corners(first, last), [*ends[1], 0.0]])
        return _along(make_path(turns), np.linspace(0.0, 1.0, slots))
    angle = np.arange(slots - out - back) * knots / SLOTS_PER_H / radius
    # The circle begins and, nearly, ends at its southernmost point.
    lat, lon = sea.place_of(hub)
    north, east = radius * (1.0 - np.cos(angle)), radius * np.sin(angle)
    parts = (
        _along(legs[0], np.arange(out) / max(out, 1)),
        (lat + north / 60, lon + east / 60 / np.cos(np.radians(lat))),
        _along(legs[1], 1.0 - np.arange(1, back + 1) / max(back, 1)),
    )
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _by_lane(end: np.ndarray, point: str, hub: str, sea: Sea) -> Path:
    """From a place by the nearest turning point to one in open water."""
    return make_path(np.vstack([[*end, 0.0], sea.corners(point, hub)]))


def _along(path: Path, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    at = share * path.along_nm[-1]
    return np.interp(at, path.along_nm, path.lat), np.interp(at, path.along_nm, path.lon)


def _befall(log: Log, event: Event) -> None:
    """Let it happen, unless the ship is silent about then anyway."""
    near = (event.off_s < silence.on_s + _APART_S and event.on_s > silence.off_s - _APART_S for silence in log.silences)
    if not any(near):
        log.happened(event)


def _stretch_at_sea(log: Log, rng: np.random.Generator, hours: float) -> float | None:
    """Slot at which that many hours without a port begin, if the ship has them."""
    away = np.r_[0, np.cumsum(~np.isin(log.mode, (SAILING, DRIFTING, FISHING)))]
    slots = int(hours * SLOTS_PER_H) + 2
    free = np.flatnonzero(away[slots:] == away[:-slots]) if len(away) > slots else np.empty(0, dtype="int64")
    return float(log.first + rng.choice(free) + rng.random()) if len(free) else None
