import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import angle_difference, bearing, great_circle_nm
from darkvoyage.sea.distance import sea_legs


def way(place, point, *, within_nm=None, **options):
    """Could, likely, course and flag between two positions."""
    legs = sea_legs(
        np.array([place[0]]), np.array([place[1]]), np.array([0]), np.array([point[0]]), np.array([point[1]]),
        within_nm=within_nm, rule=dv.SeaRule(**options),
    )  # fmt: skip
    return legs.could_nm[0], legs.likely_nm[0], legs.bearing_deg[0], legs.snapped[0]


# Places on two sides of a narrow land, nearer to each other than 130 nm, that no ship passes: by any atlas.
NECKS = {
    "Kra": ((9.9, 98.4), (9.9, 99.4)),
    "Suez": ((31.4, 32.6), (29.7, 32.5)),
    "Panama": ((9.5, -79.9), (8.6, -79.4)),
    "Korea": ((38.6, 124.9), (38.9, 128.2)),
    "Florida": ((27.0, -82.7), (27.0, -79.9)),
    "Kamchatka's neck": ((60.3, 161.9), (60.0, 165.2)),
    "Corinth": ((38.1, 22.7), (37.85, 23.2)),
    "Palk": ((9.7, 79.6), (8.7, 79.2)),
    "Crimea": ((46.0, 33.0), (45.7, 35.1)),
    "Malay": ((4.0, 100.3), (4.2, 103.6)),
    "Cotentin": ((49.2, -1.9), (49.6, -1.1)),
}

REACH_NM = dict.fromkeys(NECKS, 250.0) | {"Corinth": 150.0, "Cotentin": 60.0}


@pytest.mark.parametrize("name", NECKS)
def test_no_way_through_thin_land(name):
    one, other = NECKS[name]
    assert great_circle_nm(*one, *other) < REACH_NM[name] - 20
    closed = ("Suez Canal", "Panama Canal")
    assert way(one, other, within_nm=REACH_NM[name], closed=closed)[:2] == (np.inf, np.inf)


# NGA Pub. 151 (2001), miles by the table, between positions at the berth; the tolerance is what the berths differ.
@pytest.mark.parametrize(
    ("place", "point", "miles"),
    [
        # Vladivostok to Busan: nearly straight.
        ((43.1, 131.9), (35.1, 129.05), 514),
        # Singapore to Penang: up the Strait of Malacca.
        ((1.27, 103.85), (5.42, 100.35), 367),
        # Istanbul to Piraeus: the Sea of Marmara, the Dardanelles, and Cape Sounion.
        ((41.0, 28.97), (37.94, 23.63), 364),
        # Calcutta to Karachi: round Sri Lanka, not through Palk Strait.
        ((22.55, 88.3), (24.8, 66.97), 2578),
    ],
)
def test_known_ways(place, point, miles):
    assert way(place, point, within_nm=1.05 * miles)[1] == pytest.approx(miles, rel=0.04)


def test_a_canal_closed_leads_round_a_continent():
    colon, balboa = (9.37, -79.91), (8.93, -79.56)
    # 44 miles from Colon to Balboa by the Panama Canal Authority, breakwater to sea buoy.
    assert way(colon, balboa, within_nm=250.0)[1] < 45
    # Colon to Panama by the Strait of Magellan: 4,300 + 4,000 miles by Punta Arenas (Pub. 151).
    assert 9_000 < way(colon, balboa, closed=("Panama Canal",))[1] < 11_500


def test_the_caspian_is_its_own_sea():
    baku, aktau, novorossiysk = (40.37, 49.87), (43.6, 51.2), (44.7, 37.82)
    assert way(baku, aktau, within_nm=1000.0)[1] < 260
    assert np.isinf(way(baku, novorossiysk, within_nm=1000.0)[1])
    assert way(baku, novorossiysk, within_nm=2000.0, opened=("Volga-Don Canal",))[1] < 1700


def test_land_within_10_km_of_water_is_moved_and_flagged():
    busan_hills, offshore = (35.2, 129.0), (35.0, 129.3)
    could, likely, _, flag = way(busan_hills, offshore, within_nm=250.0)
    assert flag == 2
    assert great_circle_nm(*busan_hills, *offshore) <= could < likely < 40
    assert way(offshore, busan_hills, within_nm=250.0)[3] == 1


def test_further_inland_the_way_begins_with_a_straight_line_to_the_sea():
    # Daegu on the Nakdong, 45 miles from the sea at Pohang and at the mouth of the river; two points beside it.
    daegu, nearby, offshore = (35.85, 128.6), (35.9, 128.5), (35.0, 129.3)
    straight = great_circle_nm(*daegu, *offshore)
    for place, point, on_land in ((daegu, offshore, 2), (offshore, daegu, 1)):
        could, likely, course, flag = way(place, point, within_nm=500.0)
        assert flag == on_land
        assert straight <= could < likely < 4 * straight
        assert 0 <= course < 360
    assert way(daegu, nearby, within_nm=500.0)[0] == pytest.approx(great_circle_nm(*daegu, *nearby))
    assert way(daegu, daegu, within_nm=500.0)[0] == 0.0


def test_no_way_from_more_than_60_miles_inland():
    geneva, genoa = (46.2, 6.1), (44.35, 8.9)
    assert np.isinf(way(genoa, geneva, within_nm=500.0)[1])
    assert np.isinf(way(geneva, genoa, within_nm=500.0)[1])


def test_across_an_isthmus_there_is_no_way_for_who_is_at_the_sea():
    colon, balboa_pier = (9.37, -79.91), (8.958, -79.57)
    assert np.isinf(way(colon, balboa_pier, within_nm=500.0, closed=("Panama Canal",))[1])
    assert np.isinf(way(balboa_pier, colon, within_nm=500.0, closed=("Panama Canal",))[1])


def test_unknown_positions_have_no_way():
    point = np.array([np.nan, 35.0, 91.0, -90.0, 90.0, 35.0])
    legs = sea_legs(
        np.array([35.0, np.nan]), np.array([129.3, 0.0]), np.array([0, 0, 0, 0, 0, 1]), point, np.full(6, 129.5),
        within_nm=250.0,
    )  # fmt: skip
    assert np.isfinite(legs.likely_nm).tolist() == [False, True, False, False, False, False]
    assert np.isnan(legs.bearing_deg).tolist() == [True, False, True, True, True, True]


def test_across_the_antimeridian():
    # A place at 179.9 E, points to its west and to its east, given in either turn.
    lon = np.array([178.0, 179.95, -179.95, 180.05, -178.0, 182.0, 542.0])
    legs = sea_legs(
        np.array([51.0]), np.array([179.9]), np.zeros(7, dtype="int64"), np.full(7, 51.0), lon, within_nm=250.0
    )
    straight = great_circle_nm(51.0, 179.9, 51.0, lon)
    np.testing.assert_allclose(legs.could_nm, straight, rtol=1e-9)
    np.testing.assert_allclose(legs.bearing_deg, bearing(51.0, lon, 51.0, 179.9), atol=1e-6)
    turned = sea_legs(
        np.array([51.0]), np.array([-180.1]), np.zeros(7, dtype="int64"), np.full(7, 51.0), lon, within_nm=250.0
    )
    np.testing.assert_allclose(turned.likely_nm, legs.likely_nm, rtol=1e-9)


@pytest.fixture(scope="module")
def japan_sea():
    """Places around the Sea of Japan, and the ways from each to points of open water."""
    rng = np.random.default_rng(8)
    place_lat, place_lon = np.array([42.75, 38.6, 35.6]), np.array([133.05, 128.5, 135.3])
    lat, lon = rng.uniform(34, 46, 900), rng.uniform(128, 142, 900)
    place = np.repeat(np.arange(3), 900)
    legs = sea_legs(place_lat, place_lon, place, np.tile(lat, 3), np.tile(lon, 3), within_nm=1000.0)
    return place_lat, place_lon, lat, lon, legs


def test_never_below_the_great_circle(japan_sea):
    place_lat, place_lon, lat, lon, legs = japan_sea
    straight = great_circle_nm(np.repeat(place_lat, 900), np.repeat(place_lon, 900), np.tile(lat, 3), np.tile(lon, 3))
    known = np.isfinite(legs.likely_nm)
    assert 1200 < known.sum() < 2700
    assert (legs.could_nm[known] >= straight[known]).all()
    assert (legs.could_nm <= legs.likely_nm).all()
    assert (known == np.isfinite(legs.could_nm)).all()


def test_shorter_than_over_another_place(japan_sea):
    place_lat, place_lon, _, _, legs = japan_sea
    away = legs.likely_nm.reshape(3, 900)
    places = sea_legs(
        place_lat, place_lon, np.repeat(np.arange(3), 3), np.tile(place_lat, 3), np.tile(place_lon, 3), within_nm=1000.0
    ).likely_nm.reshape(3, 3)
    np.testing.assert_allclose(places, places.T, rtol=0.03, atol=1.0)
    for one in range(3):
        for other in range(3):
            reached = np.isfinite(away[one]) & np.isfinite(away[other])
            assert (away[one, reached] <= (places[one, other] + away[other, reached]) * 1.03 + 3.0).all()


def test_a_little_nearer_along_the_course(japan_sea):
    # Ten miles on along the course the place is about ten miles nearer.
    place_lat, place_lon, lat, lon, legs = japan_sea
    first = legs.likely_nm[:900]
    rows = np.flatnonzero(np.isfinite(first) & (first > 60) & (legs.snapped[:900] == 0))
    course = np.radians(legs.bearing_deg[:900][rows])
    on_lat = lat[rows] + np.cos(course) / 6
    on_lon = lon[rows] + np.sin(course) / 6 / np.cos(np.radians(lat[rows]))
    there = sea_legs(place_lat[:1], place_lon[:1], np.zeros(len(rows), dtype="int64"), on_lat, on_lon, within_nm=1000.0)
    nearer = (first[rows] - there.likely_nm) / 1.016
    assert np.mean(np.abs(nearer - 10.0) < 0.5) > 0.9


def test_open_water_is_steered_for_along_the_great_circle():
    lat, lon = np.array([20.0, -5.0, 12.0]), np.array([-170.0, -165.0, -150.0])
    legs = sea_legs(np.array([5.0]), np.array([-160.0]), np.zeros(3, dtype="int64"), lat, lon, within_nm=2500.0)
    np.testing.assert_allclose(angle_difference(legs.bearing_deg, bearing(lat, lon, 5.0, -160.0)), 0.0, atol=1e-6)
    np.testing.assert_allclose(legs.could_nm, great_circle_nm(lat, lon, 5.0, -160.0), rtol=1e-9)


def test_a_far_reach_changes_nothing_near():
    near, far = (way((35.1, 129.05), (34.6, 131.0), within_nm=within_nm)[1] for within_nm in (250.0, 1000.0))
    assert near == far


def test_nothing_beyond_the_reach():
    place, points = (35.0, 129.5), (np.array([34.0, 33.0]), np.array([129.5, 129.6]))
    legs = sea_legs(np.array([place[0]]), np.array([place[1]]), np.array([0, 0]), *points, within_nm=np.array([100.0]))
    assert np.isfinite(legs.likely_nm).tolist() == [True, False]


def ports():
    return pd.DataFrame({"port_id": ["P", "Q"], "name": ["Pusan", "Quay"], "lat": [35.1, 34.4], "lon": [129.05, 132.4]})


def test_the_table():
    points = pd.DataFrame({"lat": [35.0, 34.6, np.nan], "lon": [129.3, 131.0, 130.0]})
    out = dv.sea_distance(points, ports(), within_nm=250.0)
    assert out[["port_id"]].to_numpy().ravel().tolist() == ["P", "Q"] * 3
    assert out["likely_nm"].notna().tolist() == [True] * 4 + [False] * 2
    assert (out["could_nm"].dropna() >= out["great_circle_nm"].dropna()).all()
    shuffled = dv.sea_distance(points.iloc[[2, 0, 1]], ports().iloc[::-1], within_nm=250.0)
    assert_frame_equal(shuffled, out)
    legs = sea_legs(
        np.array([35.1]), np.array([129.05]), np.array([0]), np.array([34.6]), np.array([131.0]), within_nm=250.0
    )
    assert out["likely_nm"][0] == legs.likely_nm[0]


def test_the_table_of_nothing():
    out = dv.sea_distance(pd.DataFrame({"lat": [], "lon": []}, dtype="float64"), ports())
    assert len(out) == 0
    assert out["likely_nm"].dtype == "float64"
    with pytest.raises(dv.SchemaError, match="lon"):
        dv.sea_distance(pd.DataFrame({"lat": [1.0]}), ports())
