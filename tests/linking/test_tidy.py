"""What needs no silent ship, against plain loops and by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels.sphere import destination, great_circle_nm
from darkvoyage.linking.tidy import duplicates, set_aside, structures
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import PORTS
from tests.worlds import hours

NOWHERE = empty(PORTS)
M = 1 / 1852


def seen(rows, lat=10.0, lon=179.9999):
    """Rows of (scene, seconds, metres north, metres east, length, confidence)."""
    scene, seconds, north, east, length, confidence = map(np.array, zip(*rows, strict=True))
    at = destination(np.full(len(rows), lat), np.full(len(rows), lon), np.degrees(np.arctan2(east, north)),
                     np.hypot(north, east) * M)  # fmt: skip
    return pd.DataFrame(
        {
            "sighting_id": [f"s{i}" for i in range(len(rows))], "timestamp": hours(seconds / 3600.0), "lat": at[0],
            "lon": at[1], "scene_id": scene, "sensor": "sar", "length_m": length.astype("float64"),
            "confidence": confidence.astype("float64"),
        }
    )  # fmt: skip


def scenes(number, names="abcdefgh", clear=1.0):
    box = "MULTIPOLYGON(((179 9,180 9,180 11,179 11,179 9)),((-180 9,-179 9,-179 11,-180 11,-180 9)))"
    return pd.DataFrame(
        {
            "scene_id": list(names[:number]), "timestamp": hours(24.0 * np.arange(number)), "footprint": box,
            "sensor": "sar", "clear_fraction": clear,
        }
    )  # fmt: skip


def test_the_same_hull_in_two_slices_is_one_and_the_surer_one_stays():
    table = seen([("a", 0, 0, 0, 100, 0.8), ("b", 20, 200, 0, 120, 0.9), ("b", 20, 5000, 0, 120, 0.9)])
    assert duplicates(table).tolist() == [True, False, False]


@pytest.mark.parametrize(
    "other",
    [("b", 70, 200, 0, 100, 0.9), ("b", 20, 310, 0, 100, 0.9), ("b", 20, 200, 0, 210, 0.9), ("a", 0, 50, 0, 100, 0.9)],
    ids=["later", "further", "longer", "same picture"],
)
def test_two_hulls_stay_two(other):
    assert not duplicates(seen([("a", 0, 0, 0, 100, 0.8), other])).any()


def test_two_ships_side_by_side_in_two_slices_are_two():
    rows = [(scene, 10 * (scene == "b"), 0, east, 100, 0.8) for scene in "ab" for east in (0, 60)]
    assert duplicates(seen(rows)).tolist() == [False, False, True, True]


def plain_duplicates(table):
    """Loop over all pairs: mutual nearest among the fitting ones of the other scene."""
    rows = list(table.itertuples())

    def away(a, b):
        return float(great_circle_nm(a.lat, a.lon, b.lat, b.lon)) * 1852

    def fits(a, b):
        return (
            a.scene_id != b.scene_id
            and abs((a.timestamp - b.timestamp).total_seconds()) <= 60
            and away(a, b) <= 300
            and max(a.length_m, b.length_m) <= 2 * min(a.length_m, b.length_m)
        )

    out = np.zeros(len(rows), dtype=bool)
    for a, b in itertools.combinations(rows, 2):
        if not fits(a, b):
            continue
        nearest = all(
            away(x, y) <= min(away(x, z) for z in rows if z.scene_id == y.scene_id and fits(x, z)) + 1e-6
            for x, y in ((a, b), (b, a))
        )
        if nearest:
            worse = max((a, b), key=lambda row: (-row.confidence, row.sighting_id))
            out[worse.Index] = True
    return out


PLACE = st.integers(-6, 6).map(lambda n: 71 * n)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from([0, 30, 59, 100]), PLACE, PLACE, st.sampled_from([50, 80, 150]),
            st.sampled_from([0.5, 0.9]),
        ),
        min_size=1, max_size=9, unique_by=lambda row: (row[2], row[3]),
    )
)  # fmt: skip
def test_duplicates_are_those_of_the_plain_loop(rows):
    # A little irregular, so that no two distances are alike.
    table = seen([(*row[:2], row[2] + 1.7 * i, row[3] - 0.9 * i * i, *row[4:]) for i, row in enumerate(rows)])
    assert duplicates(table).tolist() == plain_duplicates(table).tolist()
    shuffled = table.sample(frac=1, random_state=3)
    assert sorted(shuffled["sighting_id"][duplicates(shuffled)]) == sorted(table["sighting_id"][duplicates(table)])


def fixed(passes, length=60.0, spread=15.0):
    """One thing on both sides of the antimeridian, in so many pictures, a day apart."""
    return seen([("abcdefgh"[i], 86400 * i, spread * (i % 2), spread * (i % 3), length, 0.9) for i in range(passes)])


def test_what_is_in_nearly_every_picture_is_a_structure():
    assert structures(fixed(5), scenes(5), NOWHERE).all()
    assert structures(fixed(4), scenes(5), NOWHERE).all()


@pytest.mark.parametrize(
    ("table", "looks"),
    [
        (fixed(2), scenes(2)), (fixed(3), scenes(5)), (fixed(5, spread=60.0), scenes(5)),
        (fixed(5).assign(length_m=[60, 60, 60, 100, 60]), scenes(5)), (fixed(5), scenes(0)),
    ],
    ids=["two pictures", "absent from two", "scattered", "not alike", "no pictures known"],
)  # fmt: skip
def test_what_comes_and_goes_is_none(table, looks):
    assert not structures(table, looks, NOWHERE).any()


def test_cloudy_pictures_without_it_do_not_count_and_berths_are_left_alone():
    looks = scenes(5).assign(clear_fraction=[1, 1, 1, 0.1, 0.1])
    assert structures(fixed(3), looks, NOWHERE).all()
    port = pd.DataFrame({"port_id": ["p"], "lat": [10.0], "lon": [-179.99], "radius_nm": [3.0]})
    assert not structures(fixed(5), scenes(5), port).any()


def test_a_hundred_pictures_of_the_very_same_place_are_one_place():
    table = pd.concat([fixed(1)] * 100, ignore_index=True).assign(scene_id=[f"n{i}" for i in range(100)])
    looks = pd.concat([scenes(1)] * 100, ignore_index=True).assign(scene_id=table["scene_id"])
    assert structures(table, looks, NOWHERE).all()


def test_every_sighting_has_one_reason_at_most():
    table = pd.concat([fixed(5), seen([("z", 0, 900, 0, 30, 0.9)])], ignore_index=True)
    table["mmsi"] = pd.array([pd.NA] * 5 + [994_030_416], dtype="Int64")
    assert set_aside(table, scenes(5), NOWHERE).tolist() == ["structure"] * 5 + ["gear"]
    assert set_aside(table.drop(columns=["scene_id", "mmsi"]), scenes(5), NOWHERE).isna().all()
    classes = table.assign(vessel_class=["netter", "tanker", None, "drift net", "Buoys", "x"], mmsi=None)
    assert set_aside(classes, scenes(0), NOWHERE).fillna("").tolist() == ["", "", "", "gear", "gear", ""]
    assert len(set_aside(table.iloc[:0], scenes(5), NOWHERE)) == 0
