"""Splits: whole vessels, the same in every table; the past before the future."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import RuleError
from darkvoyage.scoring.evaluation.splits import (
    HALVES,
    split_days,
    split_halves,
    split_times,
    split_vessels,
    split_vessels_and_times,
)
from tests.worlds import START, hours

FLEET = pd.DataFrame(
    {"mmsi": np.repeat(np.arange(299_000_001, 299_001_001), 2), "time": hours(np.tile([0.0, 2000.0], 1000))}
)


def test_a_vessel_is_in_one_fold_in_every_table():
    fold = split_vessels(FLEET, folds=5)
    assert (fold[::2] == fold[1::2]).all()
    part = FLEET.sample(100, random_state=3)
    np.testing.assert_array_equal(split_vessels(part, folds=5), fold[part.index])


def test_folds_are_about_equally_large_and_another_seed_deals_anew():
    fold = split_vessels(FLEET, folds=5)[::2]
    # 1,000 vessels: 200 each, within four standard deviations of a binomial (12.6).
    assert np.abs(np.bincount(fold, minlength=5) - 200).max() < 51
    other = split_vessels(FLEET, folds=5, seed=1)[::2]
    assert 0.1 < (fold == other).mean() < 0.3  # one in five by chance


def test_halves_are_of_whole_vessels_in_every_table():
    half = split_halves(FLEET)
    assert set(half) == set(HALVES)
    assert (half[::2] == half[1::2]).all()
    # 1,000 vessels: 500 each, within four standard deviations of a binomial (15.8).
    assert abs((half[::2] == HALVES[0]).sum() - 500) < 64
    part = FLEET.sample(100, random_state=3)
    np.testing.assert_array_equal(split_halves(part), half[part.index])


def test_every_other_day_is_one_to_tune_on():
    half = split_days(pd.DataFrame({"timestamp": hours([0.0, 23.99, 24.0, 47.99, 48.0])}))
    assert half.tolist() in ([HALVES[k] for k in first] for first in ((0, 0, 1, 1, 0), (1, 1, 0, 0, 1)))


def test_times_are_cut():
    table = pd.DataFrame({"gap_start": hours([0.0, 9.9, 10.0, 19.9, 20.0])})
    cuts = [START + pd.Timedelta(hours=10), "2024-04-01T20:00:00Z"]
    assert split_times(table, cuts=cuts, time="gap_start").tolist() == [0, 0, 1, 1, 2]


def test_who_is_judged_is_neither_known_nor_past():
    cut = START + pd.Timedelta(hours=1000)
    learned, judged = split_vessels_and_times(FLEET, folds=4, fold=1, cut=cut)
    assert not set(FLEET["mmsi"][learned]) & set(FLEET["mmsi"][judged])
    assert FLEET["time"][learned].max() < cut <= FLEET["time"][judged].min()
    assert judged.any()
    assert learned.any()
    assert set(split_vessels(FLEET[judged], folds=4)) == {1}


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: split_vessels(FLEET, folds=1), "folds = 1: expected a whole number of at least 2"),
        (lambda: split_vessels(FLEET, folds=3, seed=-1), "seed = -1"),
        (lambda: split_times(FLEET, cuts=["2024-04-02"]), "this one is naive"),
        (lambda: split_times(FLEET, cuts=["2024-04-03T00:00Z", "2024-04-02T00:00Z"]), "expected ascending times"),
        (lambda: split_vessels_and_times(FLEET, folds=3, fold=3, cut="2024-04-02T00:00Z"), "fold = 3: expected 0 to 2"),
    ],
)
def test_what_makes_no_sense_is_refused(call, match):
    with pytest.raises(RuleError, match=match):
        call()
