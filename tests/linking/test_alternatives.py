import itertools

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv


def links(llr, broadcasting=None):
    """Rows of one scene from a table of log ratios, sightings by gaps."""
    sighting, gap = np.nonzero(np.isfinite(llr))
    pairs = pd.DataFrame(
        {
            "sighting_id": [f"s{i}" for i in sighting], "gap_id": [f"g{j}" for j in gap],
            "llr_joint": llr[sighting, gap],
        }
    )  # fmt: skip
    nobody = pd.DataFrame({"sighting_id": [f"s{i}" for i in range(len(llr))], "p_broadcasting": broadcasting or 0.0})
    return pd.concat([pairs, nobody], ignore_index=True).assign(scene_id="c1")


def weights(llr):
    """Log weights of all ways, best first."""
    for choice in itertools.product(range(-1, llr.shape[1]), repeat=len(llr)):
        used = [gap for gap in choice if gap >= 0]
        if len(set(used)) == len(used):
            yield sum(llr[i, gap] for i, gap in enumerate(choice) if gap >= 0)


def test_alternatives_are_the_best_of_all_ways():
    llr = np.random.default_rng(9).normal(0, 3, (3, 3))
    table = dv.link_alternatives(links(llr), scene_id="c1", number=6)
    best = sorted(weights(llr), reverse=True)
    found = table.drop_duplicates("rank")
    assert found["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(found["llr_best"], np.array(best[:6]) - best[0], atol=1e-9)


def test_by_hand():
    # Gap g0 fits both sightings (3 and 2), g1 only s0 (2.5): s0-g1 with s1-g0 weighs 4.5, the next best way is 3.
    llr = np.array([[3.0, 2.5], [2.0, -np.inf]])
    table = dv.link_alternatives(links(llr), scene_id="c1", number=2)
    assert table["gap_id"].tolist()[:2] == ["g1", "g0"]
    assert table["gap_id"].tolist()[2] == "g0"
    assert pd.isna(table["gap_id"].tolist()[3])
    assert table["llr_best"].tolist() == [0.0, 0.0, -1.5, -1.5]


def test_a_sighting_of_a_broadcasting_ship_is_nobodys():
    table = dv.link_alternatives(links(np.array([[3.0]]), broadcasting=[0.999]), scene_id="c1", number=1)
    assert table["gap_id"].isna().all()


def test_another_scene_has_none():
    assert len(dv.link_alternatives(links(np.array([[3.0]])), scene_id="elsewhere")) == 0


@pytest.mark.parametrize("number", [0, 1.5, True])
def test_wrong_numbers_are_refused(number):
    with pytest.raises(dv.RuleError, match="number"):
        dv.link_alternatives(links(np.array([[3.0]])), scene_id="c1", number=number)
