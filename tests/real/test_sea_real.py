"""Ways by sea between real ports: the bundled list, and the ports and network of searoute 1.6.0.

The network is coarse: its edges are straight between hand-drawn nodes and keep to lanes, so its ways are longer than
the shortest, and shorter where an edge cuts a cape. It is a check against gross errors; published tables are in
`tests/sea/test_tables.py`.
"""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from darkvoyage.io.ports import sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.distance import FIELDS, sea_legs
from darkvoyage.sea.field import build_field

pytestmark = pytest.mark.real

NORTHERN = ("northwest", "bering")


@pytest.fixture(scope="module")
def ports(real_data):
    """Latitude and longitude by UN/LOCODE."""
    with gzip.open(real_data / "ref_searoute" / "ports.geojson.gz") as file:
        features = json.load(file)["features"]
    return {each["properties"]["port"]: each["geometry"]["coordinates"][1::-1] for each in features}


@pytest.fixture(scope="module")
def network(real_data):
    """Nodes, and the graph of edges by great-circle length, without the Arctic passages."""
    with gzip.open(real_data / "ref_searoute" / "marnet_searoute.geojson.gz") as file:
        features = json.load(file)["features"]
    shapes = [each["geometry"] for each in features if each["properties"].get("passage") not in NORTHERN]
    lines = [
        line
        for each in shapes
        for line in ([each["coordinates"]] if each["type"] == "LineString" else each["coordinates"])
    ]
    pairs = np.array([(a[:2], b[:2]) for line in lines for a, b in pairwise(line)])
    pairs[..., 0] = (pairs[..., 0] + 180.0) % 360.0 - 180.0
    nodes, number = np.unique(pairs.reshape(-1, 2).round(5), axis=0, return_inverse=True)
    start, end = number.reshape(-1, 2).T
    length = great_circle_nm(nodes[start, 1], nodes[start, 0], nodes[end, 1], nodes[end, 0])
    return nodes, coo_array((length, (start, end)), shape=(len(nodes),) * 2)


def test_the_bundled_ports_are_in_water_or_close_to_it():
    """Sensitive ports, terminals and areas, most of them given to the minute or worse: every one starts a wave."""
    places = sensitive_ports()
    stranded = [
        port_id
        for port_id, lat, lon in zip(places["port_id"], places["lat"], places["lon"], strict=True)
        if not FIELDS.get(lat, lon, 250.0, SeaRule(), build_field).levels
    ]
    assert stranded == []


# Pairs of one ocean each, where the network has no reason to stray: from Pusan, Singapore and Fujairah.
FROM = ("KRPUS", "SGSIN")
TO = (
    "JPYOK", "RUVVO", "CNTAO", "HKHKG", "TWKHH", "PHMNL", "SGSIN", "THBKK", "IDJKT", "LKCMB", "INMAA", "PKKHI",
    "AEFJR", "YEADE", "KEMBA", "ZADUR", "AUFRE", "AUSYD", "NZAKL", "USHNL", "USLAX", "USSFO", "CAVAN", "PAPCN",
    "CLVAP", "PECLL",
)  # fmt: skip


def test_like_the_network(ports, network):
    nodes, graph = network
    places, there = (np.array([ports[port] for port in codes]) for codes in (FROM, TO))
    place = np.repeat(np.arange(len(places)), len(there))
    lat, lon = np.tile(there, (len(places), 1)).T
    legs = sea_legs(*places.T, place, lat, lon)

    def node(points):
        away = great_circle_nm(points[:, :1], points[:, 1:], nodes[:, 1], nodes[:, 0])
        return away.argmin(axis=1), away.min(axis=1)

    (start, near), (end, far) = node(places), node(there)
    by_network = dijkstra(graph, directed=False, indices=start)[:, end] + near[:, None] + far
    by_network = by_network.ravel()
    straight = great_circle_nm(*places[place].T, lat, lon)
    sane = np.isfinite(by_network) & (by_network > 500.0) & (by_network > straight)
    assert sane.sum() >= 30
    assert np.isfinite(legs.likely_nm[sane]).all()
    error = legs.likely_nm[sane] / by_network[sane] - 1
    assert np.median(np.abs(error)) < 0.03
    assert np.abs(error).max() < 0.12
