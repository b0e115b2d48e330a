"""One stretch of water of the simulation: its ports, the lanes between them, and what is where.

A `Sea` holds data and the shortest routes over them; who sails there, who listens and who looks is decided elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from darkvoyage.errors import RuleError
from darkvoyage.kernels.sphere import bearing, great_circle_nm, interpolate

__all__ = ["Path", "Sea", "make_path", "read_legs", "read_nodes", "read_ports"]

_STEP_NM = 1.0
_AT_BERTH_NM = 2.0
_PORT_WIDTH_NM = 0.02
"""Ships keep to the line where it meets a port, standard deviation [nm]."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Path:
    """A route by water, one vertex about every mile.

    Parameters
    ----------
    along_nm : ndarray
        Distance from the start [nm].
    lat, lon : ndarray
        Vertices; longitudes run on beyond 180 without a leap [deg].
    north, east : ndarray
        Unit vector to the left of the course.
    width_nm : ndarray
        How far ships stray from the line, standard deviation [nm].
    """

    along_nm: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    north: np.ndarray
    east: np.ndarray
    width_nm: np.ndarray


@dataclass(frozen=True, eq=False)
class Sea:
    """Ports, lanes and places of one stretch of water; positions are latitude and longitude [deg].

    Parameters
    ----------
    name : str
    ports : tuple of (port_id, name, country, lat, lon, radius_nm)
        Ordinary ports, none of them sensitive.
    berths : mapping of port_id to (lat, lon)
        Berths of the sensitive ports that ships call at, and of ports deep in a bay; else the port's position serves.
    roads : mapping of port_id to (lat, lon)
        Where ships wait for the port; else off its last turning point.
    nodes : mapping of name to (lat, lon, width_nm)
        Turning points, and how far ships stray from them, standard deviation [nm].
    legs : tuple of (name, name)
        Which ports and turning points are joined by a great circle on water.
    hubs : tuple of str
        Turning points in open water.
    grounds : tuple of (lat, lon)
        Fishing grounds.
    stations : tuple of (lat, lon, range_nm)
        Shore stations, and the range at which half of the looks succeed.
    dense : tuple of (lat, lon, optical_depth, scale_nm)
        Dense traffic: optical depth of collisions as a satellite sees it, and scale.
    terminals, dark_ports : tuple of (port_id, weight)
        Where hidden calls go; where the ships that hide them trade in the open and discharge.
    homes : mapping of group to tuple of port_id
        Ports among which other ships trade.
    lines : tuple of (port_id, port_id)
        Ferry lines.
    meeting_areas : tuple of (port_id, lat, lon)
        Where ships meet in the dark; the identifier is empty where no list names the area.
    watched : tuple of (area, lat, lon, half_along_nm, half_across_nm, look)
        Where images are taken; `look` is "sar", "optical" or "fine".
    destination_text : mapping of port_id to str
        What a mate types for the port.
    one_way : tuple of (name, name)
        Legs that ships sail from the first to the second only.
    """

    name: str
    ports: tuple[tuple[str, str, str, float, float, float], ...]
    berths: Mapping[str, Place]
    roads: Mapping[str, Place]
    nodes: Mapping[str, tuple[float, float, float]]
    legs: tuple[tuple[str, str], ...]
    hubs: tuple[str, ...]
    grounds: tuple[Place, ...]
    stations: tuple[tuple[float, float, float], ...]
    dense: tuple[tuple[float, float, float, float], ...]
    terminals: tuple[tuple[str, float], ...]
    dark_ports: tuple[tuple[str, float], ...]
    homes: Mapping[str, tuple[str, ...]]
    lines: tuple[tuple[str, str], ...]
    meeting_areas: tuple[tuple[str, float, float], ...]
    watched: tuple[tuple[str, float, float, float, float, str], ...]
    destination_text: Mapping[str, str]
    one_way: tuple[tuple[str, str], ...] = ()

    @cached_property
    def points(self) -> dict[str, tuple[float, float, float]]:
        """Every port and turning point: (lat, lon, width_nm)."""
        ports = {row[0]: (row[3], row[4], _PORT_WIDTH_NM) for row in self.ports}
        berths = {port: (*place, _PORT_WIDTH_NM) for port, place in self.berths.items()}
        return {**ports, **berths, **self.nodes}

    @cached_property
    def _routes(self) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
        """Row of every point, lengths of the shortest routes [nm], and the row before the target on each."""
        row = {name: number for number, name in enumerate(self.points)}
        place = np.array([point[:2] for point in self.points.values()])
        legs = [*self.legs, *((two, one) for one, two in self.legs), *self.one_way]
        # 32 bits: what SciPy's search takes in every version.
        one, two = (np.array([row[leg[end]] for leg in legs], dtype="int32") for end in (0, 1))
        length = great_circle_nm(*place[one].T, *place[two].T)
        graph = csr_array((length, (one, two)), shape=(len(row), len(row)))
        distance, before = dijkstra(graph, return_predecessors=True)
        return row, distance, before

    def route_nm(self, origin: str, target: str) -> float:
        """Length of the shortest route between two points; infinite where none leads [nm]."""
        row, distance, _ = self._routes
        return float(distance[row[origin], row[target]])

    def corners(self, origin: str, target: str) -> np.ndarray:
        """Turning points (lat, lon, width_nm) of the shortest route between two points, both included."""
        row, distance, before = self._routes
        at, first = row[target], row[origin]
        if not np.isfinite(distance[first, at]):
            raise RuleError(f"no lane leads from {origin!r} to {target!r}")
        chain = [at]
        while at != first:
            at = int(before[first, at])
            chain.append(at)
        points = list(self.points.values())
        return np.array([points[number] for number in chain[::-1]])

    def place_of(self, name: str) -> Place:
        """Position of a port's berth or of a turning point [deg]."""
        return self.points[name][:2]

    def roads_of(self, port: str) -> Place:
        """Where ships wait for the port: its roads, else off its last turning point [deg]."""
        lat, lon = self.roads.get(port) or self.corners(self.hubs[0], port)[-2, :2]
        return float(lat), float(lon)

    def nearest_point(self, lat: float, lon: float) -> str:
        """The port or turning point that lies nearest."""
        return self._nearest(list(self.points), lat, lon)[0]

    def port_at(self, lat: float, lon: float) -> str | None:
        """The port whose berth lies within two miles."""
        port, apart = self._nearest([name for name in self.points if name not in self.nodes], lat, lon)
        return port if apart < _AT_BERTH_NM else None

    def _nearest(self, names: list[str], lat: float, lon: float) -> tuple[str, float]:
        apart = great_circle_nm(lat, lon, *np.array([self.place_of(name) for name in names]).T)
        nearest = int(np.argmin(apart))
        return names[nearest], float(apart[nearest])

    def nearest_hub(self, lat: float, lon: float) -> str:
        """The turning point in open water that lies nearest."""
        place = np.array([self.place_of(name) for name in self.hubs])
        return self.hubs[int(np.argmin(great_circle_nm(lat, lon, place[:, 0], place[:, 1])))]

    def ordinary_ports(self) -> pd.DataFrame:
        """The ordinary ports as PORTS, none of them sensitive."""
        frame = pd.DataFrame(list(self.ports), columns=["port_id", "name", "country", "lat", "lon", "radius_nm"])
        return frame.assign(kind="port", sensitive=False, source="World Port Index (NGA Pub. 150), UN/LOCODE (UNECE)")


def make_path(turns: np.ndarray) -> Path:
    """Path through turning points (lat, lon, width_nm), resampled about every mile."""
    legs = great_circle_nm(turns[:-1, 0], turns[:-1, 1], turns[1:, 0], turns[1:, 1])
    steps = np.maximum(2, np.ceil(legs / _STEP_NM)).astype("int64")
    leg = np.repeat(np.arange(len(steps)), steps)
    share = (np.arange(len(leg)) - (np.cumsum(steps) - steps)[leg]) / steps[leg]
    one, two = turns[leg], turns[leg + 1]
    places = interpolate(one[:, 0], one[:, 1], two[:, 0], two[:, 1], share)
    width = one[:, 2] + (two[:, 2] - one[:, 2]) * share
    lat, lon, width = np.vstack([np.column_stack([*places, width]), turns[-1:]]).T
    along = np.r_[0.0, np.cumsum(great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]))]
    course = np.radians(bearing(lat[:-1], lon[:-1], lat[1:], lon[1:]))
    course = np.r_[course, course[-1:]]
    # A smooth normal keeps the offset line from breaking at the corners.
    east, north = (np.convolve(np.pad(f(course - np.pi / 2), 4, mode="edge"), np.full(9, 1 / 9), "valid") for f in
                   (np.sin, np.cos))  # fmt: skip
    return Path(along, lat, np.unwrap(lon, period=360.0), north, east, width)


def read_ports(text: str) -> tuple[tuple[str, str, str, float, float, float], ...]:
    """Lines of `port_id name country lat lon radius_nm`; underscores in a name stand for blanks."""
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple((row[0], row[1].replace("_", " "), row[2], *map(float, row[3:])) for row in rows)  # type: ignore[misc]


def read_nodes(text: str) -> dict[str, tuple[float, float, float]]:
    """Entries `name lat lon width_nm`, divided by bars or line ends."""
    rows = [part.split() for part in text.replace("\n", "|").split("|") if part.strip()]
    return {name: (float(lat), float(lon), float(width)) for name, lat, lon, width in rows}


def read_legs(text: str) -> tuple[tuple[str, str], ...]:
    """Words `one-two`, or chains `one-two-three`, as pairs of neighbours."""
    return tuple(pair for word in text.split() for pair in itertools.pairwise(word.split("-")))
