import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels import pairs
from darkvoyage.kernels.pairs import close_pairs, nearest_only
from darkvoyage.kernels.spans import group_ends, group_starts, in_parts


def chord_nm(lat1, lon1, lat2, lon2):
    """Great circle by unit vectors, not by the haversine of the package."""
    one, other = (
        (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
        for lat, lon in ((math.radians(a), math.radians(b)) for a, b in ((lat1, lon1), (lat2, lon2)))
    )
    return 2 * 6371.0088 / 1.852 * math.asin(min(math.dist(one, other) / 2, 1.0))


def found(slot, lat, lon, distance_nm):
    parts = list(
        close_pairs(np.array(slot), np.array(lat, dtype="float64"), np.array(lon, dtype="float64"), distance_nm)
    )
    return sorted(tuple(sorted(pair)) for a, b, _ in parts for pair in zip(a.tolist(), b.tolist(), strict=True))


places = st.tuples(
    st.integers(0, 2),
    st.sampled_from([0.0, 0.003, 60.0, 89.998, -89.999, 90.0, -90.0, 45.0, 45.004]),
    st.sampled_from([0.0, 0.004, 179.999, -179.999, 180.0, -180.0, 90.0, -90.0, 359.999]),
)


@given(st.lists(places, max_size=25), st.sampled_from([0.05, 0.27, 20.0, 3000.0]))
def test_every_pair_once_and_no_other(rows, distance_nm):
    slot, lat, lon = zip(*rows, strict=True) if rows else ((), (), ())
    wanted, doubtful = [], set()
    for i, j in itertools.combinations(range(len(rows)), 2):
        if slot[i] == slot[j]:
            apart = chord_nm(lat[i], lon[i], lat[j], lon[j])
            if abs(apart - distance_nm) < 1e-7:
                doubtful.add((i, j))
            elif apart < distance_nm:
                wanted.append((i, j))
    got = found(np.array(slot, dtype="int64"), lat, lon, distance_nm)
    assert len(set(got)) == len(got)
    assert [pair for pair in got if pair not in doubtful] == wanted


def test_random_crowd_in_small_parts(monkeypatch):
    rng = np.random.default_rng(4)
    slot, lat, lon = rng.integers(0, 9, 800), rng.normal(70, 0.02, 800), rng.normal(180, 0.05, 800)
    whole = found(slot, lat, lon, 0.3)
    monkeypatch.setattr(pairs, "_CANDIDATES", 50)
    assert found(slot, lat, lon, 0.3) == whole
    slow = [
        (i, j)
        for i, j in itertools.combinations(range(800), 2)
        if slot[i] == slot[j] and chord_nm(lat[i], lon[i], lat[j], lon[j]) <= 0.3
    ]
    assert whole == slow
    assert len(slow) > 500


def test_slots_come_whole(monkeypatch):
    monkeypatch.setattr(pairs, "_CANDIDATES", 3)
    slot = np.repeat(np.arange(4), 5)
    parts = [set(slot[a]) for a, _, _ in close_pairs(slot, np.zeros(20), np.zeros(20), 1.0)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 4


def test_far_slots_and_few():
    # Slots that leave few bits for the longitude.
    assert found([0, 2**40, 2**40], [0, 0, 0.001], [10, 10, 10], 0.3) == [(1, 2)]
    assert found([5], [0], [0], 1.0) == []


def test_nearest_neighbours():
    # Ships in a row, 1 apart: the middle one (1) of three lists only the one of lower rank of its two.
    a, b = np.array([0, 1, 0]), np.array([1, 2, 2])
    apart = np.array([1.0, 1.0, 2.0])
    assert nearest_only(a, b, apart, np.arange(3), 2).all()
    # 0 lists 1, 1 lists 0 (tie with 2, lower rank), 2 lists 1: the pair 0-2 is nobody's nearest.
    assert nearest_only(a, b, apart, np.arange(3), 1).tolist() == [True, True, False]


@given(st.integers(2, 7), st.integers(1, 5), st.randoms(use_true_random=False))
def test_nearest_neighbours_one_by_one(ships, limit, random):
    both = list(itertools.combinations(range(ships), 2))
    apart = [random.choice([1.0, 2.0, 3.0]) for _ in both]
    wanted = []
    for pair in both:
        listed = []
        for ship in pair:
            order = sorted((d, sum(other) - ship) for other, d in zip(both, apart, strict=True) if ship in other)
            listed.append(sum(pair) - ship in [who for _, who in order[:limit]])
        wanted.append(any(listed))
    a, b = (np.array(side) for side in zip(*both, strict=True))
    assert nearest_only(a, b, np.array(apart), np.arange(ships), limit).tolist() == wanted


@pytest.mark.parametrize(
    ("size", "limit", "parts"), [([], 3, []), ([1, 1, 1], 2, [2, 1]), ([9, 0, 1, 1], 2, [1, 2, 1])]
)
def test_parts(size, limit, parts):
    cut = in_parts(np.array(size, dtype="int64"), limit)
    assert [part.stop - part.start for part in cut] == parts
    assert [at for part in cut for at in range(part.start, part.stop)] == list(range(len(size)))


def test_ends_of_groups():
    key = np.array([3, 3, 5, 9, 9, 9])
    assert group_ends(group_starts(key), 6).tolist() == [2, 3, 6]
    assert group_ends(group_starts(key[:0]), 0).tolist() == []
