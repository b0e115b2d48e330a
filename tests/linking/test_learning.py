"""What is learned from the sightings: by hand, from all or from a sample, in blocks and threads of any number."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.associate import link_sightings
from darkvoyage.linking.learning import Exposure, call_lift, unknown_lengths
from darkvoyage.linking.places import Excursions
from darkvoyage.rules.linking import LinkRule
from tests.worlds import hours

RULE = LinkRule(by_sea=False)
PORTS = pd.DataFrame(
    {
        "port_id": ["A", "B"], "name": ["A", "B"], "country": "XX", "lat": [0.4, -0.4], "lon": [0.5, 0.5],
        "radius_nm": 2.0, "sensitive": [True, False],
    }
)  # fmt: skip


def busy_bay(ships=14, scenes=12, seed=3):
    """Ships that fall silent in a bay of a degree for a day and more, and pictures of all of it."""
    rng = np.random.default_rng(seed)
    gaps = pd.DataFrame(
        {
            "gap_id": [f"g{k:02d}" for k in range(ships)], "track_id": [f"{299_000_001 + k}-0" for k in range(ships)],
            "mmsi": 299_000_001 + np.arange(ships), "gap_start": hours(rng.uniform(0, 30, ships)), "is_closed": True,
            "duration_h": rng.uniform(20, 60, ships), "length_m": rng.uniform(60, 250, ships),
        }
        | {f"{end}_{name}": rng.uniform(0, 1, ships) for end in ("start", "end") for name in ("lat", "lon")}
        | {f"{end}_{name}": rng.uniform(0, 9, ships) for end in ("start", "end") for name in ("sog", "cog")}
    )  # fmt: skip
    gaps["gap_end"] = gaps["gap_start"] + pd.to_timedelta(gaps["duration_h"], unit="h")
    at = hours(rng.uniform(10, 50, scenes))
    box = "POLYGON((-0.5 -0.5,1.5 -0.5,1.5 1.5,-0.5 1.5,-0.5 -0.5))"
    looks = pd.DataFrame(
        {"scene_id": [f"c{k:02d}" for k in range(scenes)], "timestamp": at, "footprint": box, "sensor": "sar"}
    )
    of = np.repeat(np.arange(scenes), 5)
    near = rng.random(len(of)) < 0.4
    seen = pd.DataFrame(
        {
            "sighting_id": [f"s{k:03d}" for k in range(len(of))], "timestamp": at[of],
            "lat": np.where(near, 0.4, rng.uniform(0, 1, len(of))) + rng.normal(0, 0.005, len(of)),
            "lon": np.where(near, 0.5, rng.uniform(0, 1, len(of))) + rng.normal(0, 0.005, len(of)),
            "scene_id": looks["scene_id"].to_numpy()[of], "sensor": "sar", "length_m": rng.uniform(40, 260, len(of)),
        }
    )  # fmt: skip
    return gaps, seen, looks


def links(gaps, seen, looks, rule=RULE):
    return link_sightings(gaps, seen, scenes=looks, ports=PORTS, rule=rule)


def test_lengths_of_unknown_ships_by_hand():
    """Twenty ships of 53 m count as known beforehand; twenty of 106 m that nobody knows, and one that somebody does."""
    seen = pd.DataFrame({"length_m": [106.0] * 20 + [500.0, np.nan]})
    median, spread = unknown_lengths(seen, np.r_[np.ones(20), 0.0, 1.0], RULE)
    assert median == pytest.approx(53.0 * np.sqrt(2.0))
    assert spread == pytest.approx(np.sqrt(0.6**2 / 2 + (np.log(2) / 2) ** 2))


def test_lift_of_calls_by_hand():
    """Ten calls of a chance of 0.1 in one image each: one ship is expected. With five surely seen the factors of the
    port and of the length are alike and solve f = 6 / (1 + f), so that f = 2; with none, f = 1 / (1 + f)."""
    ten, port = np.arange(10), np.zeros(10, dtype="int64")
    routes = Excursions(
        ten, port, np.full(10, 0.1), *np.zeros((4, 10)), number_of_ports=1, straight=np.ones(10), water=np.ones(10)
    )
    looks = Exposure(ten, ten, np.ones(10))
    pairs = pd.DataFrame({"gap": ten[:5], "port": 0, "p": 1.0, "p_at_port": 1.0, "p_at_port_prior": 0.1})
    assert call_lift(routes, looks, pairs, np.full(10, 30.0), 1) == pytest.approx(4.0, rel=0.02)
    assert call_lift(routes, looks, pairs.iloc[:0], np.full(10, 30.0), 1) == pytest.approx(0.382, rel=0.02)


@pytest.mark.parametrize(("block", "workers"), [(40, 1), (40, 3), (1 << 17, 1)])
def test_blocks_and_threads_change_nothing(monkeypatch, block, workers):
    world = busy_bay()
    whole = links(*world)
    assert len(whole.dropna(subset=["gap_id", "sighting_id"])) > 100
    monkeypatch.setattr("darkvoyage.linking.candidates._BLOCK", block)
    monkeypatch.setattr("darkvoyage.linking.joint._PAIRS", block)
    monkeypatch.setattr("darkvoyage.linking.joint._CHAINS", 1 + block % 7)
    monkeypatch.setattr("darkvoyage.kernels.workers.WORKERS", workers)
    pd.testing.assert_frame_equal(links(*world), whole, rtol=1e-12, atol=1e-15)


def test_a_sample_of_whole_scenes_teaches_about_the_same(monkeypatch):
    gaps, seen, looks = busy_bay(scenes=40)
    whole = links(gaps, seen, looks)
    pairs = len(whole.dropna(subset=["gap_id", "sighting_id"]))
    monkeypatch.setattr("darkvoyage.linking.learning._ENOUGH", pairs)
    part = links(gaps, seen, looks)
    key = ["sighting_id", "gap_id"]
    both = whole.merge(part, on=key, how="inner", suffixes=("", "_part")).dropna(subset=key)
    assert len(both) > 0.9 * pairs
    off = (both["p_link"] - both["p_link_part"]).abs()
    assert 0 < off.max() < 0.2
    assert off.mean() < 0.01
    # Which scenes are taken depends on their names, not on their rows.
    mixed = links(*(table.sample(frac=1.0, random_state=5) for table in (gaps, seen, looks)))
    pd.testing.assert_frame_equal(mixed, part, rtol=1e-9, atol=1e-9)


def test_one_scene_at_least_is_learned_from(monkeypatch):
    world = busy_bay()
    untaught = links(*world, rule=RULE).dropna(subset=["gap_id", "sighting_id"])
    monkeypatch.setattr("darkvoyage.linking.learning._ENOUGH", 0)
    least = links(*world).dropna(subset=["gap_id", "sighting_id"])
    assert len(least) > 0.8 * len(untaught)
    np.testing.assert_allclose(links(*world).dropna(subset="sighting_id").groupby("sighting_id")["p_link"].sum(), 1.0)
