"""Waters and lanes: published positions, water under every keel, shortest routes, the antimeridian."""

import gzip
import itertools

import numpy as np
import pandas as pd
import pytest
import shapely

from darkvoyage.errors import RuleError
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import PORTS
from darkvoyage.simulation.sea import Sea, make_path, read_legs, read_nodes, read_ports
from darkvoyage.simulation.waters_east import east_sea
from darkvoyage.simulation.waters_ocean import ocean
from darkvoyage.simulation.waters_strait import strait

SEAS = {"east_sea": east_sea, "strait": strait, "ocean": ocean}
EACH_SEA = pytest.mark.parametrize("sea", [make() for make in SEAS.values()], ids=list(SEAS))
MINUTE_NM = 60.0405  # one degree of a sphere of 6371.0088 km, by hand: 111.195 km
BERTH_NM = 4.0
"""The coastline is coarse: so near to a berth nothing can be told."""
WIDEST = 1.6
"""Ships stray at most so many widths from the line."""


def tiny_sea(**changes):
    """Two ports either side of the antimeridian, and an island port that no lane reaches."""
    parts = {
        "name": "tiny", "berths": {}, "roads": {"XXAAA": (10.0, 179.6)}, "hubs": ("mid",), "grounds": (),
        "stations": (), "dense": (), "terminals": (), "dark_ports": (), "homes": {}, "lines": (), "meeting_areas": (),
        "watched": (), "destination_text": {},
        "ports": read_ports("XXAAA West XX 10.0 179.5 3\nXXBBB East XX 10.0 -179.5 3\nXXCCC Cut_Off XX 12.0 179.0 3"),
        "nodes": read_nodes("mid 10.0 180.0 0.5 | far 11.0 179.9 1.0"),
        "legs": read_legs("XXAAA-mid-XXBBB"),
        "one_way": read_legs("mid-far"),
    }  # fmt: skip
    return Sea(**{**parts, **changes})


@pytest.fixture(scope="module")
def land(real_data):
    """Polygons of Natural Earth at 1:10 million."""
    folder = real_data / "ref_coastline"
    texts = [gzip.decompress((folder / f"ne_10m_{name}.json.gz").read_bytes()) for name in ("land", "minor_islands")]
    parts = shapely.get_parts(shapely.get_parts(shapely.from_geojson(texts)))
    assert on_land(parts, np.array([48.0, 36.0, 36.0]), np.array([11.0, 138.5, -40.0])).tolist() == [True, True, False]
    return parts


def on_land(land, lat, lon):
    """Whether each point lies on land."""
    out = np.zeros(len(lat), dtype=bool)
    out[shapely.STRtree(shapely.points(lon, lat)).query(land, predicate="covers")[1]] = True
    return out


def ports_of(sea):
    return [*(row[0] for row in sea.ports), *(port for port in sea.berths if port not in {row[0] for row in sea.ports})]


@EACH_SEA
def test_every_lane_lies_on_water_as_far_as_ships_stray_from_it(sea, land):
    ports = set(ports_of(sea))
    names, points = [], []
    for one, two in (*sea.legs, *sea.one_way):
        path = make_path(np.array([sea.points[one], sea.points[two]]))
        clear = (path.along_nm > BERTH_NM) | (one not in ports)
        clear &= (path.along_nm < path.along_nm[-1] - BERTH_NM) | (two not in ports)
        for side in (-WIDEST, 0.0, WIDEST):
            aside = side * path.width_nm / 60
            lat, lon = path.lat + aside * path.north, path.lon + aside * path.east / np.cos(np.radians(path.lat))
            points.append(np.column_stack([lat, lon])[clear])
            names += [(one, two)] * int(clear.sum())
    dry = on_land(land, *np.vstack(points).T)
    assert {name for name, here in zip(names, dry, strict=True) if here} == set()


@EACH_SEA
def test_roads_grounds_and_meetings_lie_on_water_and_so_does_the_way_there(sea, land):
    roads = np.array([sea.roads_of(port) for port in ports_of(sea)])
    assert not on_land(land, roads[:, 0], roads[:, 1]).any()
    for place in (*sea.grounds, *(area[1:] for area in sea.meeting_areas)):
        path = make_path(np.array([sea.points[sea.nearest_hub(*place)], (*place, 0.5)]))
        assert not on_land(land, path.lat, path.lon).any(), place


@EACH_SEA
def test_berths_lie_within_two_miles_of_water(sea, land):
    """The coastline fills small harbours."""
    around = np.radians(np.arange(0, 360, 10))
    for port in ports_of(sea):
        lat, lon = sea.place_of(port)
        ring = lat + np.cos(around) / 30, lon + np.sin(around) / 30 / np.cos(np.radians(lat))
        assert not on_land(land, *ring).all(), port


@EACH_SEA
def test_ordinary_ports_are_where_the_world_port_index_has_them(sea, real_data):
    book = pd.read_csv(real_data / "ref_ports_wpi" / "UpdatedPub150.csv.gz")
    lat, lon = book["Latitude"].to_numpy(), book["Longitude"].to_numpy()
    apart = {row[0]: float(great_circle_nm(row[3], row[4], lat, lon).min()) for row in sea.ports}
    apart.pop("RUOLP", None)  # UN/LOCODE only
    assert max(apart.values()) < 0.1, apart


@EACH_SEA
def test_ports_are_ordinary_and_berths_of_sensitive_ones_lie_at_the_listed_place(sea):
    table = sea.ordinary_ports()
    assert not table["sensitive"].any()
    assert len(conform(table, PORTS)) == len(sea.ports)
    listed = sensitive_ports().set_index("port_id")
    assert not set(table["port_id"]) & set(listed.index)
    for port in set(sea.berths) - set(table["port_id"]):
        row = listed.loc[port]
        assert great_circle_nm(*sea.place_of(port), row["lat"], row["lon"]) < row["radius_nm"], port
    for port, lat, lon in sea.meeting_areas:
        if port:
            assert great_circle_nm(lat, lon, listed.loc[port, "lat"], listed.loc[port, "lon"]) < 0.1
    assert {port for port, _ in sea.terminals} <= set(listed.index)


@EACH_SEA
def test_everything_that_is_named_is_there(sea):
    ports = set(ports_of(sea))
    named = {port for group in (*sea.homes.values(), *sea.lines) for port in group}
    named |= {port for port, _ in (*sea.terminals, *sea.dark_ports)} | set(sea.roads)
    assert named <= ports
    assert ports <= set(sea.destination_text)
    assert set(sea.hubs) <= set(sea.nodes)
    assert {end for leg in (*sea.legs, *sea.one_way) for end in leg} == set(sea.points)
    assert sum(weight for _, weight in sea.terminals) == pytest.approx(1.0)
    assert sum(weight for _, weight in sea.dark_ports) == pytest.approx(1.0)


@EACH_SEA
def test_routes_lead_everywhere_and_none_is_shorter_by_a_detour(sea):
    """Against a plain loop over all points (Bellman-Ford)."""
    legs = [*sea.legs, *((two, one) for one, two in sea.legs), *sea.one_way]
    length = {leg: float(great_circle_nm(*sea.place_of(leg[0]), *sea.place_of(leg[1]))) for leg in legs}
    ports = ports_of(sea)
    for origin in (ports[0], ports[-1]):
        best = dict.fromkeys(sea.points, np.inf) | {origin: 0.0}
        while True:
            shorter = {
                two: best[one] + length[one, two]
                for one, two in legs
                if best[one] + length[one, two] < best[two] - 1e-9
            }
            if not shorter:
                break
            best |= {two: min(best[two], reach) for two, reach in shorter.items()}
        for target in ports:
            assert sea.route_nm(origin, target) == pytest.approx(best[target], abs=1e-6)
    for one, two in itertools.permutations(ports[::3], 2):
        turns = sea.corners(one, two)
        assert tuple(turns[0, :2]) == sea.place_of(one)
        assert tuple(turns[-1, :2]) == sea.place_of(two)
        along = great_circle_nm(turns[:-1, 0], turns[:-1, 1], turns[1:, 0], turns[1:, 1]).sum()
        assert sea.route_nm(one, two) == pytest.approx(along)


def test_ships_keep_to_their_side_of_the_strait():
    sea = strait()
    inward, outward = sea.corners("AEFJR", "IRKHK"), sea.corners("IRKHK", "AEFJR")
    northern, southern = sea.points["hi2"], sea.points["ho2"]
    assert northern[0] > southern[0]
    assert northern in list(map(tuple, inward))
    assert southern not in list(map(tuple, inward))
    assert southern in list(map(tuple, outward))
    assert northern not in list(map(tuple, outward))


def test_a_route_crosses_the_antimeridian_without_a_leap():
    sea = tiny_sea()
    # Along the parallel of 10 degrees; the great circle is shorter by far less than a tenth of a mile.
    assert sea.route_nm("XXAAA", "XXBBB") == pytest.approx(MINUTE_NM * np.cos(np.radians(10.0)), abs=0.05)
    path = make_path(sea.corners("XXAAA", "XXBBB"))
    assert path.along_nm[-1] == pytest.approx(sea.route_nm("XXAAA", "XXBBB"), abs=0.01)
    assert np.diff(path.along_nm).max() < 1.05
    assert (np.diff(path.lon) > 0).all()
    assert path.lon[[0, -1]] == pytest.approx([179.5, 180.5])
    assert sea.nearest_hub(10.0, -179.9) == "mid"


def test_paths_know_their_left_side_and_their_width():
    path = make_path(np.array([[0.0, 5.0, 0.5], [0.0, 6.0, 1.5]]))
    assert path.along_nm[-1] == pytest.approx(MINUTE_NM, abs=1e-3)
    assert path.north == pytest.approx(np.ones(len(path.lat)), abs=1e-9)
    assert path.east == pytest.approx(np.zeros(len(path.lat)), abs=1e-9)
    # Vertices are equal parts of the chord, not of the arc.
    assert path.width_nm == pytest.approx(0.5 + path.along_nm / path.along_nm[-1], abs=1e-5)


def test_legs_of_one_way_lead_one_way_only():
    sea = tiny_sea()
    assert sea.route_nm("XXAAA", "far") < 100
    assert sea.route_nm("far", "XXAAA") == np.inf
    with pytest.raises(RuleError, match="no lane leads from 'XXAAA' to 'XXCCC'"):
        sea.corners("XXAAA", "XXCCC")


def test_ships_wait_in_the_roads_or_off_the_last_turning_point():
    sea = tiny_sea()
    assert sea.roads_of("XXAAA") == (10.0, 179.6)
    assert sea.roads_of("XXBBB") == (10.0, 180.0)


def test_text_is_read_as_data():
    assert read_legs("a-b c-d-e") == (("a", "b"), ("c", "d"), ("d", "e"))
    assert read_nodes("a 1 2 3\nb -4 5.5 0.1 | c 0 0 1") == {"a": (1, 2, 3), "b": (-4, 5.5, 0.1), "c": (0, 0, 1)}
    assert read_ports("XXAAA Two_Words XX 1.5 -2 3") == (("XXAAA", "Two Words", "XX", 1.5, -2.0, 3.0),)
