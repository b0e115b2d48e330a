"""Laws of radar and the displacement of ships under way, on sightings that people reviewed against AIS."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from darkvoyage.io.scenes import read_scenes
from darkvoyage.io.sightings import read_sightings
from darkvoyage.linking.sensors import imagers
from darkvoyage.linking.tidy import set_aside
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import PORTS

pytestmark = pytest.mark.real


@pytest.fixture
def laws(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import sensor_laws

    return sensor_laws


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "linking"


def test_laws_are_no_worse_than_their_baselines_on_scenes_that_they_have_not_seen(laws, folder):
    table = laws.laws(folder)
    assert table["rows"].to_dict() == {"detection log loss": 339, "length NLL": 215}
    assert (table["ours, scene left out"] < table["baseline, scene left out"]).all()
    assert (table["package's"] < table["baseline of first half"]).all()


def test_ships_seen_are_as_many_as_expected(laws, folder):
    """Three standard deviations of the count, on the scenes that the constants were not fitted on."""
    ships = laws.looked_for(laws.reviewed(folder))
    rest = ships[~laws.development(ships)]
    chance = laws.DETECTION["rs2"].chance(rest["gfw_length"].to_numpy())
    assert abs(rest["seen"].sum() - chance.sum()) < 3 * np.sqrt((chance * (1 - chance)).sum())


def test_ships_under_way_appear_on_the_side_they_are_displaced_to(laws, folder):
    figures = laws.displaced(folder)
    assert figures["displaced"] == figures["sign right"] == 15
    assert figures["slope"] == pytest.approx(1.0, abs=0.15)
    # Published for 13 such ships: 283 m before, 77 m after (the author used the incidence of each ship).
    assert figures["median before_m"] == pytest.approx(283, abs=10)
    assert figures["median after_m"] < 100


def test_the_score_of_the_authors_parts_the_reviewed(laws, folder):
    figures = laws.thresholds(folder)
    assert figures["largest score of a no"] < laws.MATCHED < figures["least score of a yes"]
    assert figures["recall"] == 1.0


def test_what_the_operational_correlator_took_for_other_ships_is_gear(laws, folder):
    figures = laws.correlator(folder)
    assert figures["declared"] == figures["same ship"] + figures["another number"] + figures["no reference"]
    assert figures["of them no number of a ship"] == figures["another number"] == 9


def test_real_radar_scenes_are_recognised_and_nothing_of_the_open_sea_is_set_aside(folder):
    seen = read_sightings(folder / "kroodsma2022_detections.csv")
    looks = read_scenes(folder / "kroodsma2022_scenes.csv")
    assert (imagers(seen, looks) == "rs2").all()
    assert set_aside(seen, looks, empty(PORTS)).isna().all()
    moved = seen.assign(scene_id="elsewhere", sighting_id=seen["sighting_id"] + "-again", confidence=0.01)
    both = pd.concat([seen, moved], ignore_index=True)
    reason = set_aside(both, looks, empty(PORTS))
    assert (reason.iloc[len(seen) :] == "duplicate").all()
    assert reason.iloc[: len(seen)].isna().all()
