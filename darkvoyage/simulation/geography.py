"""The waters of the fictional campaign: real ports, and sea routes drawn by hand through open water.

Port positions are facts of the World Port Index (NGA Pub. 150), Olga's of UN/LOCODE. Berths and turning points are
drawn by eye.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from darkvoyage.kernels.sphere import bearing, great_circle_nm, interpolate

__all__ = [
    "BERTHS", "GROUNDS", "ROADS", "Path", "corners", "make_path", "nearest_hub", "ordinary_ports", "place_of",
    "roads_of", "route_nm",
]  # fmt: skip

_PORTS = """
KRPUS Busan            KR 35.1000 129.0333 4
KRUSN Ulsan            KR 35.4500 129.4000 4
KRKPO Pohang           KR 36.0500 129.3833 4
KRTGA Donghae          KR 37.5333 129.1500 3
KRSHO Sokcho           KR 38.2000 128.6000 3
JPKIJ Niigata          JP 37.9167 139.0500 4
JPSKT Sakata           JP 38.9333 139.8167 3
JPAXT Akita-Funakawa   JP 39.7814 140.0150 4
JPFTX Fushiki-Toyama   JP 36.7667 137.1333 4
JPTRG Tsuruga          JP 35.6500 136.0667 4
JPMAI Maizuru          JP 35.5167 135.3333 5
JPSMN Sakaiminato      JP 35.5333 133.2333 4
JPOTR Otaru            JP 43.2000 141.0167 4
JPHKD Hakodate         JP 41.7833 140.7167 4
JPTMK Tomakomai        JP 42.6333 141.6333 4
RUOLP Olga             RU 43.7333 135.2833 4
RUVNN Vanino           RU 49.0833 140.2833 4
"""

_POINTS = """
pus 34.98 129.15 0.4 | ks 34.85 129.60 1.0 | usn 35.42 129.55 0.4 | kpo 36.12 129.70 0.5 | tga 37.55 129.35 0.6
sho 38.22 128.80 0.5 | won 39.28 127.95 0.4 | hgm 39.70 127.75 0.3 | ham 39.50 128.60 1.2 | son 40.55 129.60 0.6
mus 40.75 130.10 1.0 | cho 41.72 129.98 0.5 | rjn 42.13 130.36 0.4 | tum 42.00 130.95 1.0 | pgb 42.30 132.20 1.5
uss 42.75 132.12 0.8 | vvo 43.03 132.03 0.3 | njk 42.66 132.95 0.4 | pov 42.45 133.25 0.8 | olp 43.60 135.50 0.7
ptn 44.65 136.55 0.7 | sml 46.60 138.95 1.0 | vn1 48.60 140.75 0.8 | vnn 49.05 140.45 0.3 | kho 47.05 141.90 0.4
kij 38.02 138.98 0.4 | sdo 38.55 138.75 0.8 | sd3 37.68 138.45 0.4 | skt 38.95 139.65 0.5 | axt 39.73 139.88 0.4
oga 40.00 139.45 0.8 | tsg 41.20 139.90 0.6 | ts2 41.36 140.35 0.4 | hkd 41.68 140.65 0.3 | ts3 41.62 141.00 0.3
ts4 41.65 141.45 0.7 | tmk 42.52 141.62 0.5 | okw 42.20 138.95 1.5 | shk 43.50 139.95 1.0 | otr 43.38 140.90 0.4
ftx 36.90 137.15 0.5 | not 37.70 137.70 0.9 | nt2 37.90 136.80 1.5 | trg 35.80 136.04 0.2 | ech 36.30 135.60 1.2
mai 35.68 135.40 0.2 | tan 35.95 135.10 1.0 | smn 35.62 133.33 0.2 | oki 36.00 133.75 0.8 | ok2 35.70 132.60 1.0
se1 36.20 131.00 2.0 | se2 37.00 132.60 2.5 | se3 38.20 130.80 2.5 | se4 39.30 131.00 2.5 | se5 40.60 131.70 2.5
se6 38.80 134.00 3.0 | se7 40.80 134.50 3.0 | se8 42.20 136.60 3.0 | se9 40.20 137.20 3.0 | sea 37.40 134.80 3.0
seb 44.30 138.20 2.5
"""

_LEGS = """
KRPUS-pus pus-ks KRUSN-usn usn-ks usn-kpo KRKPO-kpo kpo-tga KRTGA-tga tga-sho KRSHO-sho sho-ham tga-se3 sho-se3
kpo-se1 usn-se1 ks-ok2 ks-se1 se1-se2 se1-se3 se3-se4 ham-se4 ham-won KPWON-won KPHGM-hgm hgm-ham won-hgm
ham-son hgm-son KPSON-son son-mus mus-cho KPCHO-cho cho-rjn KPRJN-rjn cho-tum rjn-tum mus-tum mus-se5 ham-mus
tum-pgb se4-se5 mus-se4 cho-se5 tum-se5 se5-pgb se5-pov pgb-uss uss-vvo RUVVO-vvo pgb-njk uss-njk RUVYP-njk
RUNJK-njk njk-pov pov-se7 pov-se8 pov-olp RUOLP-olp olp-ptn ptn-sml sml-vn1 vn1-vnn RUVNN-vnn vn1-kho RUKHO-kho
olp-se8 ptn-se8 ptn-seb seb-sml seb-se8 seb-shk shk-okw shk-otr JPOTR-otr okw-tsg okw-se8 okw-se9 se8-se7
se8-se9 tsg-ts2 ts2-hkd JPHKD-hkd ts2-ts3 hkd-ts3 ts3-ts4 ts4-tmk JPTMK-tmk tsg-oga tsg-se9 oga-axt JPAXT-axt
oga-skt axt-skt JPSKT-skt skt-sdo oga-sdo oga-se9 sdo-kij JPKIJ-kij skt-kij sdo-se9 sdo-nt2 sd3-not not-ftx
JPFTX-ftx not-nt2 kij-sd3 nt2-ech nt2-sea nt2-se6 se9-se6 se9-se7 se7-se6 se7-se5 se6-se4 se6-sea se6-se2
sea-se2 sea-ech ech-trg JPTRG-trg ech-tan trg-tan JPMAI-mai mai-tan tan-oki tan-sea oki-sea oki-smn JPSMN-smn
smn-ok2 ok2-se1 ok2-se2 se2-se3 se2-se4 se4-se7
"""

BERTHS: dict[str, tuple[float, float]] = {
    "RUVYP": (42.7420, 133.0600), "RUNJK": (42.7850, 132.9150), "RUVVO": (43.0550, 131.9300),
    "RUKHO": (47.0500, 142.0350), "KPCHO": (41.7600, 129.8200), "KPRJN": (42.1950, 130.2950),
    "KPWON": (39.1900, 127.4700), "KPHGM": (39.8250, 127.6200), "KPSON": (40.6600, 129.2150),
    "JPTRG": (35.6900, 136.0450), "JPMAI": (35.5800, 135.3600), "JPSMN": (35.5470, 133.2780),
    "KRPUS": (35.0600, 129.0900), "JPKIJ": (37.9550, 139.0600), "KRSHO": (38.2050, 128.6200),
    "RUOLP": (43.7050, 135.3150), "JPHKD": (41.7450, 140.6950), "RUVNN": (49.0800, 140.3400),
    "JPSKT": (38.9350, 139.8000),
}  # fmt: skip
"""Berths of the ports that the bundled list names and of those deep in a bay; elsewhere the port's position serves."""

ROADS: dict[str, tuple[float, float]] = {
    "RUVYP": (42.690, 132.975), "RUNJK": (42.700, 132.930), "RUVVO": (43.030, 132.010), "KPCHO": (41.745, 129.870),
    "KPRJN": (42.160, 130.345), "KPWON": (39.240, 127.680), "KPHGM": (39.740, 127.740), "KPSON": (40.610, 129.330),
    "KRPUS": (34.990, 129.100), "KRUSN": (35.430, 129.480), "KRKPO": (36.090, 129.530), "KRTGA": (37.540, 129.220),
}  # fmt: skip
"""Where ships anchor while they wait; other ports: off the last turning point."""

GROUNDS = ((37.2, 131.3), (38.9, 133.6), (39.4, 135.3), (41.3, 133.6), (42.0, 135.2), (36.6, 134.4), (40.6, 138.3),
           (42.2, 131.6), (43.6, 138.9), (38.3, 130.0))  # fmt: skip
"""Centres of fishing grounds, all in open water."""

_STEP_NM = 1.0


@dataclass(frozen=True)
class Path:
    """A route by water, one vertex about every mile.

    Parameters
    ----------
    along_nm : ndarray
        Distance from the start [nm].
    lat, lon : ndarray
        Vertices [deg].
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


def ordinary_ports() -> pd.DataFrame:
    """The ordinary ports of the area as PORTS, none of them sensitive."""
    rows = [line.split() for line in _PORTS.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["port_id", "name", "country", "lat", "lon", "radius_nm"])
    frame = frame.astype({"lat": "float64", "lon": "float64", "radius_nm": "float64"})
    return frame.assign(kind="port", sensitive=False, source="World Port Index (NGA Pub. 150), UN/LOCODE (UNECE)")


@lru_cache(maxsize=1)
def _nodes() -> dict[str, tuple[float, float, float]]:
    table = ordinary_ports()
    out: dict[str, tuple[float, float, float]] = {
        name: (float(lat), float(lon), 0.02)
        for name, lat, lon in zip(table["port_id"], table["lat"], table["lon"], strict=True)
    }
    out.update({port: (*place, 0.02) for port, place in BERTHS.items()})
    for part in _POINTS.replace("\n", "|").split("|"):
        if part.strip():
            name, lat, lon, width = part.split()
            out[name] = (float(lat), float(lon), float(width))
    return out


@lru_cache(maxsize=1)
def _shortest() -> tuple[list[str], np.ndarray, np.ndarray]:
    nodes = _nodes()
    names = list(nodes)
    place = np.array([nodes[name][:2] for name in names])
    pairs = np.array([[names.index(end) for end in leg.split("-")] for leg in _LEGS.split()], dtype="int32")
    length = great_circle_nm(*place[pairs[:, 0]].T, *place[pairs[:, 1]].T)
    graph = csr_array((length, (pairs[:, 0], pairs[:, 1])), shape=(len(names), len(names)))
    distance, before = dijkstra(graph, directed=False, return_predecessors=True)
    return names, distance, before


def route_nm(origin: str, target: str) -> float:
    """Length of the route between two places [nm]."""
    names, distance, _ = _shortest()
    return float(distance[names.index(origin), names.index(target)])


@lru_cache(maxsize=4096)
def corners(origin: str, target: str) -> np.ndarray:
    """Turning points (lat, lon, width) of the shortest hand-drawn route between two places."""
    names, _, before = _shortest()
    at, first = names.index(target), names.index(origin)
    chain = [at]
    while at != first:
        at = int(before[first, at])
        chain.append(at)
    nodes = _nodes()
    return np.array([nodes[names[node]] for node in chain[::-1]])


def place_of(name: str) -> tuple[float, float]:
    """Position of a port's berth or of a turning point [deg]."""
    return _nodes()[name][:2]


def roads_of(port: str) -> tuple[float, float]:
    """Where ships wait for the port: its roads, else off its last turning point [deg]."""
    return ROADS.get(port) or tuple(corners("se6", port)[-2, :2])


def nearest_hub(lat: float, lon: float) -> str:
    """The turning point in open water that lies nearest."""
    hubs = [name for name in _nodes() if name.startswith("se")]
    places = np.array([place_of(name) for name in hubs])
    return hubs[int(np.argmin(great_circle_nm(lat, lon, places[:, 0], places[:, 1])))]


def make_path(turns: np.ndarray) -> Path:
    """Path through turning points (lat, lon, width), resampled about every mile."""
    parts = []
    for one, two in itertools.pairwise(turns):
        steps = max(2, int(np.ceil(float(great_circle_nm(one[0], one[1], two[0], two[1])) / _STEP_NM)))
        share = np.arange(steps) / steps
        lat, lon = interpolate(one[0], one[1], two[0], two[1], share)
        parts.append(np.column_stack([lat, lon, one[2] + (two[2] - one[2]) * share]))
    lat, lon, width = np.vstack([*parts, turns[-1:]]).T
    along = np.r_[0.0, np.cumsum(great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]))]
    course = np.radians(bearing(lat[:-1], lon[:-1], lat[1:], lon[1:]))
    course = np.r_[course, course[-1:]]
    # A smooth normal keeps the offset line from breaking at the corners.
    east, north = (np.convolve(np.pad(f(course - np.pi / 2), 4, mode="edge"), np.full(9, 1 / 9), "valid") for f in
                   (np.sin, np.cos))  # fmt: skip
    return Path(along, lat, lon, north, east, width)
