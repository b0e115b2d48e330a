"""What happens to a finished diary: faults, silences of caution, false positions, other identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darkvoyage.kernels.sphere import great_circle_nm, interpolate
from darkvoyage.simulation.diary import (
    DRIFTING,
    FISHING,
    MOORED,
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
from darkvoyage.simulation.sea import Sea

__all__ = ["berths_off", "faults", "feign", "security_off", "swap_identity"]

_FAULT_LOG_SD, _FAULT_H = 0.6, (3.0, 72.0)
_APART_S = 12 * 3600
"""What befalls a ship keeps this far from its other silences, so that each gap has one cause [s]."""
_FALSE_KN = 0.85
"""Speed of a feigned passage over the ship's own."""
_CIRCLE_NM, _CIRCLE_KN = (0.6, 2.5), (2.0, 5.0)
_STRAIGHT_SHARE = 0.5
"""Feigned tracks in a straight line; the others circle at a place in open water."""
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
    edges = np.flatnonzero(np.diff(np.r_[False, log.mode == MOORED, False]))
    stays = edges.reshape(-1, 2)[rng.random(len(edges) // 2) < habits.berth_off_share]
    for begin, end in stays:
        off, on = (log.first + np.sort(rng.uniform(begin, end - 1, size=2))) * SLOT_S
        place = (float(log.lat[begin]), float(log.lon[begin]))
        _befall(log, Event("berth_off", float(off), float(on), port_id=_port_at(sea, place), place=place))


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
    """From one true position to another: straight, or by way of open water, where the ship seems to circle."""
    straight = rng.random() < _STRAIGHT_SHARE
    hub = np.array(sea.place_of(sea.nearest_hub(*ends[0])))
    radius, knots = float(rng.uniform(*_CIRCLE_NM)), float(rng.uniform(*_CIRCLE_KN))
    pace = log.ship.speed_kn * _FALSE_KN / SLOTS_PER_H
    out, back = (int(np.ceil(float(great_circle_nm(*end, *hub)) / pace)) for end in ends)
    if straight or out + back >= slots:
        return _leg(ends[0], ends[1], np.linspace(0.0, 1.0, slots))
    angle = np.arange(slots - out - back) * knots / SLOTS_PER_H / radius
    # The circle begins and, nearly, ends at its southernmost point.
    north, east = radius * (1.0 - np.cos(angle)), radius * np.sin(angle)
    circle = (hub[0] + north / 60, hub[1] + east / 60 / np.cos(np.radians(hub[0])))
    last = np.array([circle[0][-1], circle[1][-1]])
    legs = (
        _leg(ends[0], hub, np.arange(out) / max(out, 1)),
        circle,
        _leg(last, ends[1], np.arange(1, back + 1) / max(back, 1)),
    )
    return np.concatenate([leg[0] for leg in legs]), np.concatenate([leg[1] for leg in legs])


def _leg(one: np.ndarray, two: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return interpolate(one[0], one[1], two[0], two[1], share)


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


def _port_at(sea: Sea, place: tuple[float, float]) -> str | None:
    """The port whose berth lies within two miles."""
    ports = [name for name in sea.points if name not in sea.nodes]
    apart = great_circle_nm(*place, *np.array([sea.place_of(name) for name in ports]).T)
    nearest = int(np.argmin(apart))
    return ports[nearest] if apart[nearest] < 2.0 else None
