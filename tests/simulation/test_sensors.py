"""Images against the published laws, hand calculation, and what must hold for any draw."""

import itertools

import numpy as np
import pandas as pd
import pytest
import shapely

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import SCENES, SIGHTINGS, TRUTH_SIGHTINGS
from darkvoyage.simulation.diary import ANCHORED, MOORED, SLOTS_PER_DAY, Identity
from darkvoyage.simulation.scenes import Looks, plan_scenes
from darkvoyage.simulation.sea import Sea
from darkvoyage.simulation.sensors import observe
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.waters_east import east_sea
from tests.simulation.hulls import make_log

START = pd.Timestamp("2024-03-01T00:00:00Z")
# Nothing but the ships of the test, under the published laws.
BARE = {"stray_sd": 0.0, "clutter": 0.0, "boats_per_day": 0.0, "coasters_per_day": 0.0, "ships_per_day": 0.0}
BARE = {**BARE, "structures": 0, "sar_every_d": (6.0,)}
M_PER_DEG = 111_195.0  # on a sphere of 6371.0088 km


def water(look="sar", half_nm=30.0, centre=(0.0, 20.0)):
    """An empty sea of which one square is watched."""
    return Sea(
        name="square", ports=(), berths={"XXAAA": centre}, roads={"XXAAA": centre},
        nodes={"mid": (centre[0] + 0.01, centre[1], 1.0)}, legs=(("XXAAA", "mid"),), hubs=("mid",), grounds=(),
        stations=(), dense=(), terminals=(), dark_ports=(), homes={}, lines=(), meeting_areas=(),
        watched=(("square", *centre, half_nm, half_nm, look),), destination_text={},
    )  # fmt: skip


def ship(number, length_m, ship_type=70):
    return Ship(
        291000000 + number, 0, f"DEMO {number}", "trader", ship_type, "A", 5000.0, length_m, length_m / 6, 6.0, 11.0,
        1.0, (), 0.0, 999.0,
    )  # fmt: skip


def lying(number, place, length_m, days, *, mode=ANCHORED, **changes):
    """A ship that lies at one place for as long as the world lasts, its bow to the north."""
    n = days * SLOTS_PER_DAY + 2
    rows = {"mode": np.full(n, mode, dtype="int8"), "heading": np.zeros(n)}
    return make_log(ship(number, length_m), np.full(n, place[0]), np.full(n, place[1]), **{**rows, **changes})


def grid(n, step_nm, centre=(0.0, 20.0)):
    """Places in a square, this far apart."""
    side = int(np.ceil(np.sqrt(n)))
    steps = (np.arange(side) - (side - 1) / 2) * step_nm / 60
    return [(centre[0] + north, centre[1] + east) for north, east in itertools.product(steps, steps)][:n]


def take(logs, days, *, sea=None, seed=0, **changes):
    """Scenes, and sightings with their truth."""
    rng = np.random.default_rng(seed)
    scenes, sightings, truth = observe(logs, sea or water(), START, days, rng, Looks(**{**BARE, **changes}))
    assert sightings["mmsi"].isna().all()
    return scenes, sightings.drop(columns="mmsi").merge(truth, on="sighting_id", validate="one_to_one")


def nearest(seen, places):
    """Which of the places lies nearest to each sighting, and how far away [m]."""
    apart = great_circle_nm(seen["lat"].to_numpy()[:, None], seen["lon"].to_numpy()[:, None], *places.T) * 1852
    return apart.argmin(axis=1), apart.min(axis=1)


def binomial(share, n, sd=4.0):
    return pytest.approx(share, abs=sd * np.sqrt(share * (1 - share) / n))


@pytest.mark.parametrize(
    ("look", "published"),
    [
        ("sar", {20: 0.50, 30: 0.75, 60: 0.93, 100: 0.96}),
        ("optical", {20: 0.60, 30: 0.85, 60: 0.95, 100: 0.97}),
        ("fine", {20: 0.90, 30: 0.97, 60: 0.98, 100: 0.98}),
    ],
)
def test_ships_are_seen_as_often_as_published_for_their_length(look, published):
    lengths = np.resize(list(published), 196)
    days = 120 if look == "sar" else 40
    logs = [lying(k, place, lengths[k], days) for k, place in enumerate(grid(196, 2.5))]
    # Next to no cloud.
    scenes, seen = take(logs, days, sea=water(look), fine_every_d=1.0, optical_share=1.0, clear=(1e9, 1.0))
    clear = scenes["clear_fraction"].to_numpy()
    for length, share in published.items():
        ships = set(291000000 + np.flatnonzero(lengths == length))
        chance = share * np.repeat(clear, len(ships))
        assert len(chance) > 900
        error = 4 * np.sqrt((chance * (1 - chance)).sum())
        assert seen["mmsi"].isin(ships).sum() == pytest.approx(chance.sum(), abs=error)
    assert (seen["what"] == "ship").all()


def test_an_image_that_misses_more_shows_fewer_small_ships():
    logs = [lying(k, place, 30.0, 120) for k, place in enumerate(grid(196, 2.5))]
    scenes, seen = take(logs, 120, missed=1.3)
    looks = len(scenes) * 196
    assert len(seen) / looks == binomial(1 - 1.3 * 0.25, looks)


def test_radar_sees_less_at_a_quay_and_where_ships_crowd():
    places = grid(100, 3.0)
    moored = [lying(k, place, 200.0, 120, mode=MOORED) for k, place in enumerate(places)]
    scenes, seen = take(moored, 120)
    assert len(seen) / (100 * len(scenes)) == binomial(0.96 * 0.75, 100 * len(scenes))
    pairs = [
        lying(2 * k + j, (lat, lon + j * 0.3 / 60), 200.0, 120) for k, (lat, lon) in enumerate(places) for j in (0, 1)
    ]
    scenes, seen = take(pairs, 120)
    assert len(seen) / (200 * len(scenes)) == binomial(0.96 * 0.8, 200 * len(scenes))


def test_a_ship_that_sails_east_appears_south_of_its_place():
    """10 kn = 5.144 m/s; cos 12 = 0.978 of it across the flight of 348 or 192 degrees, sin 39 = 0.629 of that along the
    slant, times 115 s = 364 m: against the flight in the evening, when the ship sails away from a radar that looks to
    the east, and with it in the morning. Southward, by 356 m, both times; east in the evening, west in the morning.
    """
    seconds = plan_scenes(water(), 60, np.random.default_rng(3), Looks(**BARE))["seconds"].to_numpy()
    assert len(seconds) == 10
    logs, true = [], {}
    for scene, moment in enumerate(seconds):
        slot = int(moment // 600)
        along_deg = (np.arange(slot - 3, slot + 5) * 600 - moment) / 3600 * 10.0 / 60 * 1852 * 60 / M_PER_DEG
        for k, (lat, lon) in enumerate(grid(100, 3.0)):
            number = scene * 100 + k
            true[291000000 + number] = (lat, lon)
            track = make_log(
                ship(number, 200.0), np.full(8, lat), lon + along_deg / np.cos(np.radians(lat)), first=slot - 3
            )
            logs.append(track)
    _, seen = take(logs, 60, seed=3)
    evening = seen["timestamp"].dt.hour + 20.0 / 15 > 12  # local solar time
    place = np.array([true[int(mmsi)] for mmsi in seen["mmsi"]])
    north = (seen["lat"] - place[:, 0]) * M_PER_DEG
    east = (seen["lon"] - place[:, 1]) * M_PER_DEG
    assert 150 < evening.sum() < len(seen) - 150
    for which, sideways in ((evening, 75.7), (~evening, -75.7)):
        error = 4 * 70.0 / np.sqrt(which.sum())
        assert north[which].mean() == pytest.approx(-356.2, abs=error)
        assert east[which].mean() == pytest.approx(sideways, abs=error)
        assert north[which].std() == pytest.approx(70.0, rel=0.2)


def test_a_ship_at_rest_appears_where_it_is():
    logs = [lying(k, place, 200.0, 120) for k, place in enumerate(grid(100, 3.0))]
    _, seen = take(logs, 120, position=2.0)
    place = np.array(grid(100, 3.0))[seen["mmsi"].astype("int64") - 291000000]
    north, east = ((seen[name] - place[:, k]) * M_PER_DEG for k, name in enumerate(("lat", "lon")))
    for error in (north, east):
        assert error.mean() == pytest.approx(0.0, abs=4 * 140 / np.sqrt(len(seen)))
        assert error.std() == pytest.approx(140.0, rel=4 / np.sqrt(2 * len(seen)))
    ratio = np.log(seen["length_m"] / 200.0)
    assert ratio.mean() == pytest.approx(0.08, abs=4 * 0.27 / np.sqrt(len(seen)))
    assert ratio.std() == pytest.approx(0.27, rel=4 / np.sqrt(2 * len(seen)))


def test_clouds_hide_ships_in_proportion_and_radar_sees_through_them():
    logs = [lying(k, place, 200.0, 60) for k, place in enumerate(grid(196, 0.7))]
    scenes, seen = take(logs, 60, sea=water("optical", 7.5), optical_share=1.0)
    number = seen.groupby("scene_id").size().reindex(scenes["scene_id"], fill_value=0).to_numpy()
    expected = 196 * 0.97 * scenes["clear_fraction"].to_numpy()
    assert scenes["clear_fraction"].between(0, 1).all()
    assert scenes["clear_fraction"].std() > 0.2
    assert np.abs(number - expected).max() < 4.5 * np.sqrt(196 / 4)
    assert number.sum() == pytest.approx(expected.sum(), abs=4 * np.sqrt(len(number) * 196 / 4))
    radar, _ = take(logs, 60)
    assert (radar["clear_fraction"] == 1.0).all()


@pytest.mark.parametrize(
    ("apart_m", "mode", "look", "both"),
    [
        (30.0, ANCHORED, "sar", False), (140.0, ANCHORED, "sar", False), (165.0, ANCHORED, "sar", True),
        (30.0, ANCHORED, "optical", False), (30.0, ANCHORED, "fine", True), (30.0, MOORED, "sar", True),
    ],
)  # fmt: skip
def test_two_ships_that_lie_alongside_each_other_are_one_in_the_image(apart_m, mode, look, both):
    """180 m and 120 m long: half the sum is 150 m."""
    logs = [
        lying(2 * k + j, (lat + j * apart_m / M_PER_DEG, lon), (120.0, 180.0)[j], 30, mode=mode)
        for k, (lat, lon) in enumerate(grid(100, 3.0))
        for j in (0, 1)
    ]
    scenes, seen = take(logs, 30, sea=water(look), fine_every_d=1.0, clear=(1e9, 1.0))
    per_pair = seen.assign(pair=(seen["mmsi"].astype("int64") - 291000000) // 2).groupby(["scene_id", "pair"]).size()
    assert len(per_pair) > 0.5 * 100 * len(scenes) * (scenes["clear_fraction"].mean())
    assert (per_pair.max() == 2) == both
    longer = seen["mmsi"].astype("int64") % 2 == 1
    # The pair is no crowd: as often seen as one ship.
    looks = 100 * len(scenes)
    if not both:
        assert longer.all()
        assert len(seen) / looks == binomial(0.96 if look == "sar" else 0.97, looks)
        assert np.log(seen["length_m"] / 180.0).median() == pytest.approx(0.05, abs=0.06)
    else:
        assert 0.4 < longer.mean() < 0.6


def test_structures_appear_again_at_the_same_place_in_every_world():
    one, two = (take([lying(0, (5.0, 20.0), 99.0, 120)], 120, seed=seed, structures=3)[1] for seed in (0, 1))
    assert set(one["what"]) == set(two["what"]) == {"structure"}
    assert one["mmsi"].isna().all()
    known = one.loc[one["scene_id"] == one["scene_id"].mode()[0], ["lat", "lon"]].to_numpy()
    assert len(known) == 3
    mean = one[["lat", "lon"]].groupby(nearest(one, known)[0]).mean().to_numpy()
    for seen in (one, two):
        assert seen.groupby("scene_id").size().max() <= 3
        _, apart_m = nearest(seen, mean)
        # With 70 m each way, a reading in 60 lies further off.
        assert (apart_m < 200).mean() > 0.9
        assert (apart_m < 400).all()


def test_structures_of_sharp_images_appear_within_200_m():
    _, seen = take([lying(0, (5.0, 20.0), 99.0, 90)], 90, sea=water("optical"), structures=3, clear=(1e9, 1.0))
    place = np.radians(seen[["lat", "lon"]].to_numpy())
    apart = np.hypot(*(place[:, None] - place).transpose(2, 0, 1)) * 6_371_009
    same = apart < 200
    assert len(np.unique(same, axis=0)) == 3
    assert seen.groupby(same.argmax(axis=1)).size().min() > 40


def test_false_alarms_are_as_many_as_published():
    """Radar, 1 in 10,000 km2; 60 by 60 nm are 12,347 km2."""
    for factor in (1.0, 2.0):
        scenes, seen = take([lying(0, (5.0, 20.0), 99.0, 600)], 600, clutter=factor)
        expected = 1.2347 * factor * len(scenes)
        assert len(seen) == pytest.approx(expected, abs=4 * np.sqrt(expected))
        assert set(seen["what"]) == {"clutter"}
        assert seen["mmsi"].isna().all()


def test_a_ship_is_seen_where_it_is_and_not_where_it_says_and_under_the_name_it_sends_then():
    days, n = 60, 60 * SLOTS_PER_DAY + 2
    changes = {
        "silences": [(0.0, days * 86400.0, "dark_call")],
        "shown_lat": np.full(n, 0.4),
        "identities": [(0, Identity(291000000, 0, "DEMO A")), (30 * SLOTS_PER_DAY, Identity(299999999, 0, "DEMO B"))],
    }
    _, seen = take([lying(0, (0.1, 20.1), 200.0, days, **changes)], days)
    assert len(seen) >= 6
    assert np.abs(seen["lat"] - 0.1).max() < 5 * 70 / M_PER_DEG
    first = seen["timestamp"] < START + pd.Timedelta(days=30)
    assert (seen.loc[first, "mmsi"] == 291000000).all()
    assert (seen.loc[~first, "mmsi"] == 299999999).all()
    assert first.any()
    assert not first.all()


def test_freeboard_and_kind_are_read_in_sharp_images_only():
    days, n = 120, 100
    logs = [
        lying(k, place, 150.0, days, loads=[(0, False), (60 * SLOTS_PER_DAY, True)])
        for k, place in enumerate(grid(n, 3.0))
    ]
    _, seen = take(logs, days, sea=water("fine"), clear=(1e9, 1.0))
    laden = seen["timestamp"] >= START + pd.Timedelta(days=60)
    told = seen["load_state"].notna()
    assert told.mean() == binomial(0.7, len(seen))
    right = (seen["load_state"] == "laden") == laden
    assert right[told].mean() == binomial(0.87, told.sum())
    assert (seen["vessel_class"] == "cargo")[seen["vessel_class"].notna()].mean() == binomial(0.88, 0.9 * len(seen))
    heading = seen["heading"].dropna()
    assert len(heading) / len(seen) == binomial(0.9, len(seen))
    assert (np.abs((heading + 180) % 360 - 180) < 25).mean() == pytest.approx(0.95, abs=0.02)
    _, radar = take(logs[:9], days)
    assert radar[["load_state", "vessel_class"]].isna().all(axis=None)


def test_passes_keep_their_hours_and_intervals():
    scenes = plan_scenes(east_sea(), 256, np.random.default_rng(0), Looks())
    assert scenes["scene_id"].is_unique
    assert scenes["seconds"].is_monotonic_increasing
    assert scenes["seconds"].between(0, 256 * 86400).all()
    local = (scenes["seconds"] / 3600 + scenes["lon"] / 15) % 24
    radar, optical = scenes["look"] == "sar", scenes["look"] == "optical"
    assert (local[radar].between(5.9, 6.2) | local[radar].between(17.9, 18.2)).all()
    assert local[optical].between(9.4, 10.9).all()
    assert optical.sum() == pytest.approx(0.92 * 256, abs=4 * np.sqrt(256 * 0.92 * 0.08))
    days = np.diff(scenes.loc[radar & (scenes["area"] == "bay"), "seconds"]) / 86400
    assert set(np.round(days * 2) / 2) <= {5.5, 6.0, 6.5, 11.5, 12.0, 12.5}


def test_tables_conform_and_the_same_rng_gives_the_same_bytes():
    sea, days = east_sea(), 30
    logs = [lying(k, place, 90.0, days) for k, place in enumerate(grid(40, 2.0, (42.55, 132.95)))]
    runs = [observe(logs, sea, START, days, np.random.default_rng(seed), Looks()) for seed in (5, 5, 6)]
    for table, again, other, spec in zip(*runs, (SCENES, SIGHTINGS, TRUTH_SIGHTINGS), strict=True):
        pd.testing.assert_frame_equal(conform(table, spec), table)
        pd.testing.assert_frame_equal(table, again)
        assert not table.equals(other)
    scenes, sightings, truth = runs[0]
    assert set(truth["what"]) == {"ship", "unknown_ship", "structure", "clutter"}
    assert (truth["mmsi"].notna() == (truth["what"] == "ship")).all()
    assert sightings["sighting_id"].tolist() == truth["sighting_id"].tolist()
    assert sightings["sighting_id"].str.rsplit("-", n=1).str[0].tolist() == sightings["scene_id"].tolist()
    footprint = shapely.from_wkt(scenes.set_index("scene_id")["footprint"][sightings["scene_id"]].to_numpy())
    assert shapely.is_valid(footprint).all()
    # Seen a quarter of a mile inside the edge at least; a blurred position may appear a little outside.
    assert shapely.distance(shapely.points(sightings["lon"], sightings["lat"]), footprint).max() < 0.03


def test_images_across_the_antimeridian():
    centre = (0.0, 179.9)
    logs = [lying(k, place, 200.0, 60) for k, place in enumerate(grid(100, 3.0, centre))]
    scenes, seen = take(logs, 60, sea=water(centre=centre))
    assert len(seen) / (100 * len(scenes)) == binomial(0.96, 100 * len(scenes))
    assert seen["lon"].between(-180, 180, inclusive="left").all()
    # Three of ten columns lie beyond.
    assert (seen["lon"] < 0).mean() == binomial(0.3, len(seen))
