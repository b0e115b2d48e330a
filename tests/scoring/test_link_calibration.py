"""Links that are too sure by a known power are found out."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.scoring.evaluation.link_calibration import fit_power, with_power


def answers(power, ships=4000, seed=1):
    """Ships with three candidates of known chances, told as if they were surer by a power."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([1.0, 1.0, 0.5], ships)
    chosen = (rng.random(ships)[:, None] > np.cumsum(true, axis=1)).sum(axis=1)
    told = true**power / (true**power).sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "world": "w", "scene_id": np.repeat([f"s{k % 7}" for k in range(ships)], 3),
            "gap_id": np.repeat([f"g{k}" for k in range(ships)], 3),
            "p": told.ravel(), "y": (np.arange(3) == chosen[:, None]).ravel(),
        }
    )  # fmt: skip


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_power_that_undoes_what_was_done(power):
    assert fit_power(answers(power)) == pytest.approx(1 / power, rel=0.08)


def test_a_power_by_hand():
    # .64 : .32 : .04 = 16 : 8 : 1; square roots 4 : 2.828 : 1.
    rows = pd.DataFrame({"scene_id": "s", "gap_id": "g", "p": [0.64, 0.32, 0.04], "y": [True, False, False]})
    assert with_power(rows, 0.5)["p"].to_numpy() == pytest.approx(np.array([4, 8**0.5, 1]) / (5 + 8**0.5))
    assert with_power(rows, 1.0)["p"].to_numpy() == pytest.approx(rows["p"].to_numpy())


def test_ships_are_apart_and_nothing_gives_nothing():
    rows = answers(2.0, ships=20)
    some = with_power(rows, 0.3)
    assert some.groupby(["scene_id", "gap_id"])["p"].sum().to_numpy() == pytest.approx(np.ones(20))
    mixed = with_power(rows.sample(frac=1, random_state=2), 0.3).sort_index()
    pd.testing.assert_frame_equal(mixed, some)
    assert np.isnan(fit_power(rows.head(0)))
