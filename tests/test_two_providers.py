"""The comparison on gaps that a second provider labelled: its parts by hand, and the published figures beside ours."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "benchmarks"))
    import two_providers

    return two_providers


def made_up_gaps(number, seed=0):
    """Gaps that are confirmed the likelier, the more was heard before them."""
    rng = np.random.default_rng(seed)
    places = np.r_[np.round(rng.uniform(5, 12, number // 20), 4), 550.5, 610.25]
    reception = rng.choice(places, number)
    short = rng.poisson(reception / 20)
    columns = {"positions_per_day_off": reception, "sat_positions_12h_before": short}
    columns["sat_positions_Xh_before"] = short + rng.poisson(0.5, number)
    columns["sat_positions_12h_after"] = rng.poisson(reception / 20)
    columns["sat_positions_Xh_after"] = columns["sat_positions_12h_after"] + rng.poisson(0.5, number)
    columns["label_disabled"] = (rng.random(number) < short / (short + 1)).astype(int)
    return pd.DataFrame(columns)


def test_published_rules_score_as_published(bench, real_data):
    gaps = pd.read_csv(real_data / "peer_tracks/welch_labelled_gaps_v20210816.csv.gz")
    scores = [np.round(bench.decided(said, gaps["label_disabled"]), 3).tolist() for said in bench.rules(gaps).values()]
    every, paper, longer, reception = scores
    # By hand: 1.25 q / (1 + 0.25 q) with q = 50,796 / 94,823.
    assert every == [0.591, 0.536, 1.0]
    assert paper == [0.701, 0.869, 0.396]
    assert longer == [0.751, 0.898, 0.454]
    assert reception == [0.652, 0.680, 0.558]


@pytest.mark.parametrize("seed", range(5))
def test_threshold_is_the_best_of_all(bench, seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 6, 30) / 5
    y = rng.random(30) < p
    best = max(np.unique(p), key=lambda threshold: fbeta_score(y, p >= threshold, beta=0.5))
    found = bench.best_threshold(p, y)
    assert fbeta_score(y, p >= found, beta=0.5) == fbeta_score(y, p >= best, beta=0.5)


def test_least_brier_score_of_twins_by_hand(bench):
    gaps = pd.DataFrame(
        {
            "positions_per_day_off": [9.0, 9.0, 9.0, 9.0, 7.0, 7.0, 5.0],
            "sat_positions_12h_before": [1, 1, 1, 1, 2, 2, 1],
            "label_disabled": [1, 0, 0, 0, 1, 1, 0],
        }
    )
    twin, least = bench.irreducible(gaps, ["sat_positions_12h_before"], tolerance=0.0)
    assert twin.tolist() == [True] * 6 + [False]
    # Four twins, one confirmed: 1 * 3 / 3 over the four; two of one mind: 0.
    assert least == pytest.approx((1.0 + 0.0) / 6)


def test_least_brier_score_has_the_right_expectation(bench):
    q = 0.3
    total = 0.0
    for labels in itertools.product((0, 1), repeat=3):
        gaps = pd.DataFrame({"positions_per_day_off": 6.0, "count": 1, "label_disabled": labels})
        total += np.prod(np.where(labels, q, 1 - q)) * bench.irreducible(gaps, ["count"], tolerance=0.1)[1]
    assert total == pytest.approx(q * (1 - q))


def test_share_of_a_place_never_hears_its_own_label(bench):
    X = np.repeat([8.0, 6.0], [40, 1])[:, None]
    y = np.r_[np.tile([0, 1], 20), 1]
    share = bench.PlaceShare(prior=2.0)
    seen = share.fit_transform(X, y)[:, 0]
    mean = 21 / 41
    assert share.transform([[8.0], [6.0], [1.0]])[:, 0] == pytest.approx(
        [(20 + 2 * mean) / 42, (1 + 2 * mean) / 3, mean]
    )
    # The row alone at its place knows the mean of the other folds only.
    assert 0.4 < seen[-1] < 0.6
    turned = share.fit_transform(X, np.r_[y[:-1], 1 - y[-1]])[:, 0]
    assert seen[-1] < 0.6 < 1 > turned[-1] > 0.4


@pytest.mark.parametrize("kind", ["random", "no shared place", "parts of the file"])
def test_every_gap_is_asked_once(bench, kind):
    gaps = made_up_gaps(200)
    pairs = list(bench.splits(kind, gaps, 0))
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(200))
    for train, test in pairs:
        assert not set(train) & set(test)
        if kind == "no shared place":
            assert not set(gaps["positions_per_day_off"].iloc[train]) & set(gaps["positions_per_day_off"].iloc[test])


def test_answers_come_from_models_that_have_not_seen_the_gap(bench, monkeypatch):
    monkeypatch.setattr(bench, "WORKERS", 1)
    monkeypatch.setattr(bench, "FOLDS", 3)
    gaps = made_up_gaps(300)
    chosen = {bench.STOCK: (make_pipeline(StandardScaler(), LogisticRegression()), bench.careful(gaps, bench.BEFORE))}
    answers = bench.cross_validated(gaps, chosen, repeats=2)
    assert len(answers) == 600
    first = answers[answers["repeat"] == 0]
    assert first["y"].sum() == gaps["label_disabled"].sum()
    # Turning the labels of one fold leaves its own answers as they were.
    _, test = next(bench.splits("random", gaps, 0))
    monkeypatch.setattr(bench, "splits", lambda kind, gaps, repeat: [(np.setdiff1d(range(300), test), test)])
    turned = gaps.copy()
    turned.loc[test, "label_disabled"] = 1 - turned.loc[test, "label_disabled"]
    same = bench.cross_validated(turned, chosen)
    assert same["p"].tolist() == first.loc[first["fold"] == 0, "p"].tolist()
    assert same["said"].tolist() == first.loc[first["fold"] == 0, "said"].tolist()
    assert (same["y"] != first.loc[first["fold"] == 0, "y"].to_numpy()).all()


def test_all_tables_are_printed(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "WORKERS", 1)
    monkeypatch.setattr(bench, "FOLDS", 2)
    made_up_gaps(300).to_csv(tmp_path / "gaps.csv", index=False)
    with threadpool_limits(1):
        bench.main([str(tmp_path / "gaps.csv")])
    out = capsys.readouterr().out
    assert out.startswith("300 gaps, ")
    for name in (bench.STOCK, bench.SPLINES, bench.TREES, bench.CAREFUL, bench.MEMORY, bench.BLEND):
        assert f"\n| {name} | 0." in out
    assert "nan" not in out
