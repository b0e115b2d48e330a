"""A fictional ship calls at a berth, and is photographed there while nothing is heard of it."""

import functools

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import PORTS
from darkvoyage.scoring.evaluation import camera
from darkvoyage.scoring.evaluation.camera import Camera
from darkvoyage.scoring.evaluation.hidden_calls import mask_calls
from darkvoyage.scoring.evaluation.links import SHIP_METRICS, answers_ships
from darkvoyage.scoring.evaluation.masked_berths import photograph_calls
from darkvoyage.scoring.evaluation.masked_scenes import find_masked_gaps, link_masked
from darkvoyage.scoring.evaluation.metrics import evaluate
from tests.worlds import hours

CALLER = 299_000_001
BERTH = (40.0, 135.0)


@pytest.fixture(autouse=True)
def _no_coast(monkeypatch):
    """All images are of the open sea."""
    monkeypatch.setattr(camera, "data_folder", lambda: None)


def port():
    columns = {"port_id": ["P"], "name": ["FICTIONAL"], "country": ["XX"], "lat": [BERTH[0]], "lon": [BERTH[1]]}
    return finish(pd.DataFrame(columns | {"radius_nm": [3.0], "sensitive": [False]}), PORTS)


@functools.cache
def feed():
    """One ship comes in from the south at 10 kn, lies at berth for ten hours and goes back; four lie off for 60 h."""
    t = np.arange(0, 60, 1 / 30)
    south_nm = np.maximum(10.0 * np.maximum(25 - t, t - 35), 0.0)
    caller = {
        "mmsi": CALLER,
        "timestamp": hours(t),
        "lat": BERTH[0] - south_nm / 60,
        "lon": BERTH[1],
        "length_m": 180.0,
    }
    caller |= {"sog": np.where(south_nm > 0, 10.0, 0.0), "cog": np.where(t < 30, 0.0, 180.0)}
    others = [
        pd.DataFrame(
            {
                "mmsi": CALLER + 1 + k, "timestamp": hours(t), "lat": 40.03 + 0.03 * k, "lon": 135.05, "sog": 0.0,
                "length_m": 60.0,
            }
        )
        for k in range(4)
    ]  # fmt: skip
    return dv.clean_fixes(pd.concat([pd.DataFrame(caller), *others], ignore_index=True))


@functools.cache
def hidden():
    visits = dv.find_port_visits(feed(), port())
    return mask_calls(feed(), visits[visits["mmsi"] == CALLER], ports=port(), lead_h=(6.0, 6.0))


def shots(seed=0, **options):
    return photograph_calls(hidden(), feed(), port(), seed=seed, **options)


def test_the_image_shows_the_berth_while_the_ship_lies_there_unheard():
    call = hidden().truth[hidden().truth["kind"] == "dark_call"]
    assert call["mmsi"].tolist() == [CALLER]
    moments = []
    for seed in range(0, 12, 2):
        shot = shots(seed, unknown_share=0.0)
        assert len(shot.scenes) == 1
        moment = shot.scenes["timestamp"][0]
        moments.append(moment)
        assert call["arrive"].iloc[0] < moment < call["depart"].iloc[0]
        heard = shot.fixes.loc[shot.fixes["mmsi"] == CALLER, "timestamp"]
        assert ((heard - moment).abs() > pd.Timedelta("5h")).all()
        assert shot.ships["mmsi"].tolist() == [CALLER]
        own = shot.sightings.merge(shot.ships.dropna(), on="sighting_id")
        assert (great_circle_nm(own["lat"], own["lon"], *BERTH) < 0.3).all()
        assert set(shot.fixes["mmsi"]) == set(feed()["mmsi"])
    assert len(set(moments)) == 6


def test_ships_with_a_hidden_stretch_are_never_unknown():
    shot = shots(unknown_share=1.0)
    hiding = set(hidden().truth["mmsi"])
    assert len(hiding) == 2  # the caller, and one with a stretch that holds no call
    assert set(shot.fixes["mmsi"]) == hiding
    assert set(shot.truth_sightings["mmsi"].dropna()) <= hiding
    assert shot.truth_sightings["what"].eq("unknown_ship").sum() >= 2


def test_the_linker_is_told_of_ports_and_judged_on_callers_only():
    shot = shots(unknown_share=0.0, camera=Camera(missed=0.0, false=0.0))
    gaps = find_masked_gaps(shot)
    assert set(gaps["mmsi"]) == set(hidden().truth["mmsi"])
    links = link_masked(shot, gaps)
    answers = answers_ships(links, gaps=gaps, sightings=shot.sightings, ships=shot.ships)
    assert answers["y"].sum() == 1
    assert evaluate(answers, SHIP_METRICS).set_index("metric")["value"]["top1_of_ships"] == 1.0


def test_same_seed_same_images_in_any_order_of_rows():
    again = photograph_calls(hidden(), feed().sample(frac=1, random_state=3), port())
    assert_frame_equal(again.sightings, shots().sightings)
    assert_frame_equal(again.ships, shots().ships)
