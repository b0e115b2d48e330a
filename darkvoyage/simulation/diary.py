"""What one ship does, written down every ten minutes: where, in which state, and what its crew types into the AIS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.signal import lfilter

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.simulation.sea import Path, Sea
from darkvoyage.simulation.ship import Ship

__all__ = [
    "ANCHORED",
    "DRIFTING",
    "FISHING",
    "MOORED",
    "SAILING",
    "SLOTS_PER_DAY",
    "SLOTS_PER_H",
    "SLOT_S",
    "STATUS",
    "Diary",
    "Event",
    "Identity",
    "Log",
    "Silence",
]

SLOT_S = 600
SLOTS_PER_H = 6
SLOTS_PER_DAY = 144
SAILING, ANCHORED, MOORED, DRIFTING, FISHING = 0, 1, 5, 3, 7
STATUS = {SAILING: 0, ANCHORED: 1, MOORED: 5, DRIFTING: 0, FISHING: 7}
"""Navigational status that belongs to what a ship does (ITU-R M.1371)."""

WRONG_STATUS = 0.30
"""Share of stops whose navigational status nobody changed: 20 to 40 % in the field."""
SPEED_SD_KN = 0.8
SPEED_HOURS = 2.0
"""Ornstein-Uhlenbeck speed: standard deviation [kn] and time constant [h]."""
_JOIN_KN = 1.5


@dataclass(frozen=True)
class Silence:
    """A time without transmission, in seconds since the feed began; `kind` says why."""

    off_s: float
    on_s: float
    kind: str


@dataclass(frozen=True)
class Identity:
    """What a transponder says of its ship; `imo` is 0 where the ship has none."""

    mmsi: int
    imo: int
    name: str


@dataclass(frozen=True)
class Event:
    """One thing that happened, for the truth; times in seconds since the feed began, NaN where there is none.

    Parameters
    ----------
    kind : str
        A `kind` of TRUTH.
    off_s, on_s : float
        When it began and ended; `on_s` is infinite where it never ended.
    unheard : bool
        The transmitter was off, or sent another identity, so that nothing of this ship could be heard.
    port_id : str or None
    place : tuple of float
        Latitude and longitude of the call, meeting or berth [deg].
    arrive_s, depart_s : float
    other_mmsi : int or None
    loaded : bool or None
    cargo_t, barrels : float
    draught_report, destination_report : str or None
        How the crew entered them afterwards.
    """

    kind: str
    off_s: float
    on_s: float
    unheard: bool = True
    port_id: str | None = None
    place: tuple[float, float] = (np.nan, np.nan)
    arrive_s: float = np.nan
    depart_s: float = np.nan
    other_mmsi: int | None = None
    loaded: bool | None = None
    cargo_t: float = np.nan
    barrels: float = np.nan
    draught_report: str | None = None
    destination_report: str | None = None


@dataclass(frozen=True)
class Log:
    """A finished diary: one row per slot from `first`, and what the crew typed at which slot.

    Parameters
    ----------
    ship : Ship
    first : int
        Slot of the first row.
    lat, lon, heading : ndarray of float64, shape (n,)
        `heading` is NaN under way.
    mode, status : ndarray of int8, shape (n,)
        What the ship does, and the navigational status it sends.
    typed : list of (slot, draught, destination)
        As sent from that slot on.
    loads : list of (slot, laden)
        Whether the ship carries cargo, from that slot on.
    silences : list of Silence
    shown_lat, shown_lon : ndarray of float64, shape (n,)
        Position as sent: the true one unless the ship feigns another.
    identities : list of (slot, Identity)
        Which identity it sends from that slot on; the first entry is the ship's own.
    events : list of Event
        The truth about this hull, what nobody planned excepted.
    """

    ship: Ship
    first: int
    lat: np.ndarray
    lon: np.ndarray
    heading: np.ndarray
    mode: np.ndarray
    status: np.ndarray
    typed: list[tuple[int, float, str]]
    loads: list[tuple[int, bool]]
    silences: list[Silence]
    shown_lat: np.ndarray
    shown_lon: np.ndarray
    identities: list[tuple[int, Identity]]
    events: list[Event] = field(default_factory=list)

    def stays(self) -> np.ndarray:
        """First row alongside and first row under way again of every stay, shape (stays, 2)."""
        return np.flatnonzero(np.diff(np.r_[False, self.mode == MOORED, False])).reshape(-1, 2)

    def happened(self, event: Event) -> None:
        """Note an event, and the silence that comes with it."""
        self.events.append(event)
        if event.unheard and event.kind != "identity_swap":
            self.silences.append(Silence(event.off_s, event.on_s, event.kind))

    def at(self, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position at these times [s since the feed began]."""
        slot = np.asarray(seconds, dtype="float64") / SLOT_S - self.first
        rows = np.arange(len(self.lat))
        return np.interp(slot, rows, self.lat), np.interp(slot, rows, self.lon)


@dataclass
class Diary:
    """A diary that is still being written.

    Parameters
    ----------
    ship : Ship
    sea : Sea
    rng : Generator
    first : int
        Slot of the first entry.
    """

    ship: Ship
    sea: Sea
    rng: np.random.Generator
    first: int
    now: int = 0
    typed: list[tuple[int, float | None, str | None]] = field(default_factory=list)
    loads: list[tuple[int, bool]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin at the first slot."""
        self.now = self.first

    def spot(self, place: tuple[float, float], spread_nm: float) -> tuple[float, float]:
        """One berth or anchor position near a place."""
        lat, lon = _shift(*place, *self.rng.normal(0.0, spread_nm, size=2))
        return float(lat), float(lon)

    def stay(self, place: tuple[float, float], hours: float, mode: int) -> None:
        """Lie moored, at anchor or adrift at `place`."""
        n = max(1, round(hours * SLOTS_PER_H))
        lat, lon = place
        north, east = (self._wander(n, mode) for _ in range(2))
        heading = (self.rng.uniform(0, 360) + self._wander(n, mode) * 400.0) % 360.0
        self._write(*_shift(np.full(n, lat), np.full(n, lon), north, east), mode, heading)

    def drift(self, hours: float) -> None:
        """Stop where the ship is, and let it be carried."""
        lat, lon, *_ = self._parts[-1]
        self.stay((float(lat[-1]), float(lon[-1])), hours, DRIFTING)

    def fish(self, centre: tuple[float, float], hours: float) -> None:
        """Work a ground: two to four knots, to and fro within a few miles."""
        n = max(1, round(hours * SLOTS_PER_H))
        step = self.rng.normal(0.0, 0.33, size=(2, n))
        north, east = lfilter([1.0], [1.0, -np.exp(-1 / 80)], step, axis=1)
        self._write(*_shift(np.full(n, centre[0]), np.full(n, centre[1]), north, east), FISHING, np.full(n, np.nan))

    def sail(self, path: Path, *, pace: float = 1.0, share: tuple[float, float] = (0.0, 1.0)) -> None:
        """Follow a path from one share of its length to another."""
        length = path.along_nm[-1]
        start, end = share[0] * length, share[1] * length
        mean = self.ship.speed_kn * pace * float(np.clip(self.rng.normal(1.0, 0.03), 0.93, 1.05))
        n = int((end - start) / mean * SLOTS_PER_H * 1.5) + 24
        keep = np.exp(-1 / (SPEED_HOURS * SLOTS_PER_H))
        noise = self.rng.normal(0.0, SPEED_SD_KN * np.sqrt(1 - keep**2), size=n)
        speed = np.clip(mean + lfilter([1.0], [1.0, -keep], noise), 0.4 * mean, mean + 1.8)
        speed[:2] *= 0.5
        along = start + np.cumsum(speed) / SLOTS_PER_H
        along = along[: max(1, int(np.searchsorted(along, end)))]
        sway = self.rng.normal(0.0, 0.8) + 0.5 * np.sin(along / self.rng.uniform(25, 60) + self.rng.uniform(0, 6.3))
        aside = np.clip(sway, -1.6, 1.6) * np.interp(along, path.along_nm, path.width_nm)
        lat, lon, north, east = (
            np.interp(along, path.along_nm, part) for part in (path.lat, path.lon, path.north, path.east)
        )
        self._write(*_shift(lat, lon, north * aside, east * aside), SAILING, np.full(len(along), np.nan))

    def beside(self, other: Log, until: int) -> None:
        """Lie alongside another ship, wherever it is carried, until a slot."""
        rows = np.clip(np.arange(self.now, until) - other.first, 0, len(other.lat) - 1)
        abeam = (self.ship.beam_m + other.ship.beam_m) / 2 / 1852
        self._write(*_shift(other.lat[rows], other.lon[rows], abeam, 0.0), ANCHORED, other.heading[rows])

    def type_in(
        self, draught_m: float | None, destination: str | None, *, draught_after_h: float = 0.0,
        destination_after_h: float = 0.0,
    ) -> None:  # fmt: skip
        """Enter voyage data some hours from now; None leaves what was entered before. What is still due lapses."""
        self.typed = [row for row in self.typed if row[0] <= self.now]
        if draught_m is not None:
            self.typed.append((self.now + round(draught_after_h * SLOTS_PER_H), round(draught_m, 1), None))
        if destination is not None:
            self.typed.append((self.now + round(destination_after_h * SLOTS_PER_H), None, destination))

    def carry(self, laden: bool, *, since: int | None = None) -> None:
        """Carry cargo, or none, from now on, or since an earlier slot that no other entry follows."""
        self.loads.append((self.now if since is None else since, laden))

    def close(self, begin: int, last: int) -> Log:
        """Finish; only slots from `begin` to before `last` are kept."""
        rows = slice(max(begin - self.first, 0), last - self.first)
        lat, lon, heading, mode, status = (np.concatenate(part)[rows] for part in zip(*self._parts, strict=True))
        first = max(begin, self.first)
        own = [(first, Identity(self.ship.mmsi, self.ship.imo, self.ship.name))]
        typed = _filled(sorted(self.typed, key=lambda row: row[0]))
        log = Log(self.ship, first, lat, lon, heading, mode, status, typed, self.loads, [], lat, lon, own)
        for event in self.events:
            if event.on_s > first * SLOT_S and event.off_s < (first + len(lat)) * SLOT_S:
                log.happened(event)
        return log

    def _wander(self, n: int, mode: int) -> np.ndarray:
        """Slow motion about a point [nm]: metres at a berth, a swinging circle at anchor, miles adrift."""
        if mode == MOORED:
            return self.rng.normal(0.0, 0.002, size=n)
        scale, hours = (0.06, 4.0) if mode == ANCHORED else (4.0, 30.0)
        keep = np.exp(-1 / (hours * SLOTS_PER_H))
        noise = self.rng.normal(0.0, scale * np.sqrt(1 - keep**2), size=n)
        if mode == DRIFTING:
            # Current and wind turn slowly; a drifting ship makes about one knot.
            noise = lfilter([0.1], [1.0, -0.9], noise)
        return lfilter([1.0], [1.0, -keep], noise)

    def _write(self, lat: np.ndarray, lon: np.ndarray, mode: int, heading: np.ndarray) -> None:
        if self._parts:
            lat, lon = self._join(lat, lon)
        status = 0 if mode in (ANCHORED, MOORED, FISHING) and self.rng.random() < WRONG_STATUS else STATUS[mode]
        n = len(lat)
        self._parts.append((lat, lon, heading, np.full(n, mode, dtype="int8"), np.full(n, status, dtype="int8")))
        self.now += n

    def _join(self, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lead from where the ship is into the new entry without a leap."""
        north, east = self._parts[-1][0][-1] - lat[0], self._parts[-1][1][-1] - lon[0]
        apart = float(great_circle_nm(lat[0], lon[0], lat[0] + north, lon[0] + east))
        slots = max(1.0, apart / _JOIN_KN * SLOTS_PER_H)
        fade = np.clip(1.0 - np.arange(1, len(lat) + 1) / slots, 0.0, 1.0)
        return lat + north * fade, lon + east * fade


def _filled(typed: list[tuple[int, float | None, str | None]]) -> list[tuple[int, float, str]]:
    """Each entry with what was last entered of the other; 0 and nothing before the first."""
    out, draught, text = [], 0.0, ""
    for slot, new_draught, new_text in typed:
        draught = draught if new_draught is None else new_draught
        text = text if new_text is None else new_text
        out.append((slot, draught, text))
    return out


def _shift(lat: Any, lon: Any, north_nm: Any, east_nm: Any) -> tuple[Any, Any]:
    return lat + north_nm / 60.0, lon + east_nm / 60.0 / np.cos(np.radians(lat))
