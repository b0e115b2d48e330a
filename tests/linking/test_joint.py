import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.linking.joint import joint_posterior, scene_codes
from darkvoyage.rules.linking import LinkRule
from tests.worlds import hours

ALONE = np.full(72, -np.inf)


def sightings(*rows):
    """Rows of (hour, lat, lon, scene)."""
    at, lat, lon, scene = zip(*rows, strict=True)
    return pd.DataFrame({"timestamp": hours(at), "lat": lat, "lon": lon, "scene_id": pd.Series(scene, dtype="str")})


def posterior(seen, *pairs, chained=True):
    """Pairs of (ship, sighting, odds)."""
    ship, sighting, odds = (np.array(column) for column in zip(*pairs, strict=True))
    chain = ship if chained else np.full(len(ship), -1)
    return joint_posterior(ship, sighting, np.log(odds), ALONE[: len(ship)], chain, seen, LinkRule()).p


def test_a_ship_is_one_sighting_of_a_scene():
    # Odds 9 for either of two sightings in one scene: 1 + 9 + 9.
    seen = sightings((1, 40.0, 5.0, "a"), (1, 40.1, 5.0, "a"))
    np.testing.assert_allclose(posterior(seen, (0, 0, 9.0), (0, 1, 9.0)), 9 / 19)


def test_a_ship_may_be_in_every_scene_that_it_can_reach():
    # Six nautical miles in an hour: each scene on its own, 9 / 10.
    seen = sightings((1, 40.0, 5.0, "a"), (2, 40.1, 5.0, "b"))
    np.testing.assert_allclose(posterior(seen, (0, 0, 9.0), (0, 1, 9.0)), 0.9)


def test_sightings_too_far_apart_exclude_each_other():
    # Sixty nautical miles in an hour: as one scene, 1 + 9 + 9.
    seen = sightings((1, 40.0, 5.0, "a"), (2, 41.0, 5.0, "b"))
    np.testing.assert_allclose(posterior(seen, (0, 0, 9.0), (0, 1, 9.0)), 9 / 19)


def test_the_antimeridian_is_no_distance():
    seen = sightings((1, 0.0, 179.99, "a"), (2, 0.0, -179.99, "b"))
    np.testing.assert_allclose(posterior(seen, (0, 0, 9.0), (0, 1, 9.0)), 0.9)


def test_a_rival_of_one_scene_is_heard_in_the_other():
    # Ship 1 takes the near sighting of scene b; what ship 0 has left there is far from scene a and says less.
    seen = sightings((1, 40.0, 5.0, "a"), (2, 41.0, 5.0, "b"))
    alone = posterior(seen, (0, 0, 9.0), (0, 1, 9.0))
    rival = posterior(seen, (0, 0, 9.0), (0, 1, 9.0), (1, 1, 1000.0))
    assert rival[0] > alone[0] + 0.3
    assert rival[0] < 0.9


def test_ships_that_broadcast_are_not_chained():
    seen = sightings((1, 40.0, 5.0, "a"), (2, 41.0, 5.0, "b"))
    np.testing.assert_allclose(posterior(seen, (0, 0, 9.0), (0, 1, 9.0), chained=False), 0.9)


def test_sightings_without_scenes_are_scenes_of_their_own():
    seen = sightings((1, 0.0, 0.0, "a"), (1, 0.0, 0.0, None), (1, 0.0, 0.0, "a"), (1, 0.0, 0.0, None))
    code = scene_codes(seen)
    assert code[0] == code[2]
    assert len({code[0], code[1], code[3]}) == 3
    assert len(set(scene_codes(seen.drop(columns="scene_id")))) == 4


@given(st.integers(0, 10_000))
def test_a_sighting_is_one_ship_and_a_ship_one_sighting_a_scene(seed):
    rng = np.random.default_rng(seed)
    seen = sightings(*((hour, 40 + rng.random(), 5.0, f"s{hour % 4}") for hour in range(12)))
    ship, sighting = (part.ravel() for part in np.indices((5, 12)))
    some = rng.random(60) < 0.5
    ship, sighting = ship[some], sighting[some]
    found = joint_posterior(ship, sighting, rng.normal(0, 3, some.sum()), ALONE[: some.sum()], ship, seen, LinkRule())
    assert (found.p >= 0).all()
    assert (np.bincount(sighting, found.p) <= 1 + 1e-6).all()
    assert (np.bincount(ship * 4 + sighting % 4, found.p) <= 1 + 1e-6).all()
    assert found.converged.all()


def test_the_order_of_the_pairs_changes_nothing():
    rng = np.random.default_rng(8)
    seen = sightings(*((hour, 40 + rng.random(), 5.0, f"s{hour % 4}") for hour in range(12)))
    ship, sighting = (part.ravel() for part in np.indices((6, 12)))
    llr, order = rng.normal(0, 2, 72), rng.permutation(72)
    first = joint_posterior(ship, sighting, llr, ALONE, ship, seen, LinkRule()).p
    second = joint_posterior(ship[order], sighting[order], llr[order], ALONE, ship[order], seen, LinkRule()).p
    np.testing.assert_allclose(second, first[order], atol=1e-7)
