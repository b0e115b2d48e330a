"""The learned head: trees as arrays, features by hand, and what it must and must not learn."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import lognorm
from sklearn.ensemble import GradientBoostingClassifier

import darkvoyage as dv
from darkvoyage.gaps.features import FEATURES, silence_features
from darkvoyage.gaps.head import SilenceHead, sums_of_others
from darkvoyage.gaps.head_fit import fit_silence_head
from darkvoyage.gaps.masking import mask_silences
from darkvoyage.gaps.trees import BoostedTrees
from darkvoyage.scoring.evaluation.metrics import area_under_roc, brier, calibration_error
from tests.worlds import hours

RULE = dv.ReceptionRule(window_min=30.0)


def fleet(ships, until_h, silences):
    """Ships at rest, heard every 20 min save in their silences: `silences(ship)` gives their (start, end) in hours."""
    parts = []
    for ship in range(ships):
        t = np.arange(0.05 + 0.003 * ship, until_h, 1 / 3)
        for begin, end in silences(ship):
            t = t[(t < begin) | (t > end)]
        place = {"lat": 42.0 + 0.02 * (ship % 5), "lon": 131.0 + 0.02 * (ship // 5), "sog": 0.0, "cog": 0.0}
        times = hours(t).round("s").as_unit("us")
        parts.append(pd.DataFrame({"mmsi": 299_000_001 + ship, "timestamp": times} | place))
    return dv.clean_fixes(pd.concat(parts, ignore_index=True))


def shared(until_h=300.0):
    """The same few silences for everybody: nobody was heard."""
    starts = np.arange(20.0, until_h - 20.0, 45.0)
    ends = starts + np.random.default_rng(3).uniform(7.0, 11.0, len(starts))
    return fleet(14, until_h, lambda ship: zip(starts, ends, strict=True))


def alone(until_h=300.0):
    """Each ship falls silent on its own, as if its fixes had been taken out at random."""
    starts = [np.random.default_rng(100 + ship).uniform(20, until_h - 30, 4) for ship in range(24)]
    return fleet(24, until_h, lambda ship: [(start, start + 8.0 + 0.1 * ship) for start in starts[ship]])


@pytest.fixture(scope="module")
def feed():
    return shared()


@pytest.fixture(scope="module")
def reception(feed):
    return dv.fit_reception(feed, rule=RULE)


@pytest.fixture(scope="module")
def head(feed, reception):
    return fit_silence_head(feed, reception, draws=2)


def even(head, **options):
    """Rule at even odds; switch-offs last as long as natural gaps, as hidden silences do."""
    lasting = {"off_median_h": head.natural_median_h, "off_sigma": head.natural_sigma}
    return dv.ReceptionRule(**({"window_min": 30.0, "p_off_prior": 0.5} | lasting | options))


def judged(fixes, head, seed=77):
    """Truth and p_off at even odds of silences that the head has not seen, one half of them hidden."""
    masked = mask_silences(fixes, protocol="vessel", seed=seed)
    model = dv.fit_reception(masked.fixes, rule=even(head))
    said = dv.score_silence(dv.find_gaps(masked.fixes), model, head=head)
    both = masked.silences.merge(said, left_on="mask_id", right_on="gap_id")
    assert len(both) == len(masked.silences) > 60
    return both["masked"].to_numpy(), both["p_off"].to_numpy()


def test_trees_say_what_scikit_learn_says():
    rng = np.random.default_rng(5)
    # Few distinct values, many of them not exact in single precision: rows fall on the thresholds.
    values = np.round(rng.normal(size=(600, 6)), 1)
    truth = (values[:, 0] + values[:, 1] * values[:, 2] + rng.normal(size=600)) > 0.3
    model = GradientBoostingClassifier(n_estimators=40, max_depth=4, subsample=0.5, random_state=0).fit(values, truth)
    new = np.round(rng.normal(size=(5000, 6)) * 2, 1)
    trees = BoostedTrees.of(model)
    assert trees.sums(new) == pytest.approx(model.decision_function(new), rel=1e-12, abs=1e-12)
    assert len(trees.sums(new[:0])) == 0


def test_a_vessel_is_judged_by_the_trees_of_its_part():
    def leaf(value):
        node = {"tree": [0], "feature": [-1], "threshold": [0.0], "left": [-1], "right": [-1], "value": [value]}
        return BoostedTrees(0.5, pd.DataFrame(node))

    said = sums_of_others((leaf(1.0), leaf(2.0), leaf(4.0)), np.zeros((4, 2)), np.array([2, 0, 0, 1]))
    assert said.tolist() == [4.5, 1.5, 1.5, 2.5]


def test_a_part_of_the_fleet_adds_nothing_to_its_own_trees(feed, reception):
    """Trees of a part stay the same when the cases of that part are turned round."""
    from darkvoyage.gaps import head_fit
    from darkvoyage.kernels.mixing import deal

    rng = np.random.default_rng(0)
    cases = pd.DataFrame(rng.normal(size=(400, len(FEATURES))), columns=list(FEATURES))
    cases["mmsi"] = rng.integers(299_000_001, 299_000_030, 400)
    cases["masked"] = cases["own"] + rng.normal(size=400) > 0
    part = deal(cases["mmsi"].to_numpy(), 5, 3)
    turned = cases.assign(masked=cases["masked"] ^ (part == 2))
    one, other = head_fit._learn(cases, 3)[0], head_fit._learn(turned, 3)[0]
    pd.testing.assert_frame_equal(one[2].nodes, other[2].nodes)
    assert not one[1].nodes.equals(other[1].nodes)


def test_where_only_outages_are_natural_hidden_silences_are_known(feed, head):
    y, p = judged(feed, head)
    assert area_under_roc(p, y) > 0.98
    assert brier(p, y) < 0.05


def test_what_cannot_be_told_apart_stays_at_even_odds():
    fixes = alone()
    y, p = judged(fixes, fit_silence_head(fixes, dv.fit_reception(fixes, rule=RULE), draws=2))
    assert 0.35 < area_under_roc(p, y) < 0.65
    assert brier(p, y) < 0.29
    assert calibration_error(p, y, bins=5) < 0.2


def test_it_reads_the_ships_nearby_and_not_the_clock(feed, head):
    """The same silences, but of one ship only: the others were heard, and so it should have been."""
    rule = even(head, p_off_prior=0.05)
    starts = np.arange(20.0, 280.0, 45.0)
    one = fleet(14, 300.0, lambda ship: [(start, start + 9.0) for start in starts] if ship == 4 else [])
    lone = dv.score_silence(dv.find_gaps(one), dv.fit_reception(one, rule=rule), head=head)["p_off"]
    common = dv.score_silence(dv.find_gaps(feed), dv.fit_reception(feed, rule=rule), head=head)["p_off"]
    assert len(lone) == len(starts)
    assert lone.min() > 0.05 > common.max()


def test_prior_and_caps_hold(feed, head):
    masked = mask_silences(feed, protocol="vessel", seed=5)
    gaps = dv.find_gaps(masked.fixes)
    for prior in (0.02, 0.5):
        model = dv.fit_reception(masked.fixes, rule=dv.ReceptionRule(window_min=30.0, p_off_prior=prior))
        said = dv.score_silence(gaps, model, head=head)
        odds = prior / (1 - prior) * np.exp(said["llr_silence"])
        assert said["p_off"].to_numpy() == pytest.approx((odds / (1 + odds)).to_numpy())
        assert said["llr_silence"].abs().max() <= np.log(300.0) + 1e-12
        plain = dv.score_silence(gaps, model)
        assert said["reason"].equals(plain["reason"])
        assert not said["llr_silence"].equals(plain["llr_silence"])


def test_durations_speak_through_their_two_laws(head):
    """The same gaps, other laws of switch-offs: the difference is that of the log densities above the threshold."""
    fixes, head = alone(), dataclasses.replace(head, slope=0.05, natural_sigma=0.5)
    gaps = dv.find_gaps(fixes)
    parts = {}
    for median in (9.0, 12.0):
        model = dv.fit_reception(fixes, rule=even(head, off_median_h=median, off_sigma=0.4))
        parts[median] = dv.score_silence(gaps, model, head=head).set_index("gap_id")["llr_silence"]
    inside = (parts[9.0].abs() < np.log(100.0) - 0.01) & (parts[12.0].abs() < np.log(100.0) - 0.01)
    hours_off = gaps.set_index("gap_id").loc[parts[9.0].index, "duration_h"]
    one, other = (lognorm(0.4, scale=median) for median in (9.0, 12.0))
    expected = other.logpdf(hours_off) - other.logsf(6.0) - one.logpdf(hours_off) + one.logsf(6.0)
    assert inside.sum() > 20
    assert (parts[12.0] - parts[9.0])[inside].to_numpy() == pytest.approx(expected[inside.to_numpy()])


def test_open_gaps_and_gaps_without_a_place_stay_with_the_law(feed, head):
    masked = mask_silences(feed, protocol="vessel", seed=5).fixes
    left = (masked["mmsi"] <= 299_000_003) & (masked["timestamp"] > hours(250.0))
    gaps = dv.find_gaps(masked[~left], as_of=hours(290.0))
    reception = dv.fit_reception(masked[~left], rule=RULE)
    gaps.loc[gaps.index[0], ["end_lat", "end_lon"]] = np.nan
    gaps.loc[gaps.index[1], ["start_lat", "start_lon"]] = np.nan
    law, learned = (dv.score_silence(gaps, reception, head=one).set_index("gap_id") for one in (None, head))
    kept = gaps.loc[~gaps["is_closed"], "gap_id"].tolist() + gaps["gap_id"].iloc[:2].tolist()
    assert len(kept) == 5
    pd.testing.assert_frame_equal(law.loc[kept], learned.loc[kept])
    rest = law.index.difference(kept)
    assert (law.loc[rest, "llr_silence"] != learned.loc[rest, "llr_silence"]).any()


def test_features_of_the_ship_itself_by_hand():
    """Heard every half hour, silent from 10 h to 20 h, once more from 20 h to 22 h."""
    quarter = np.arange(0.25, 60.0, 0.5)
    t = quarter[(quarter <= 10.25) | (quarter == 20.25) | (quarter >= 22.0)]
    fixes = fleet(6, 60.0, lambda ship: [])
    fixes = fixes[fixes["mmsi"] != 299_000_001][["mmsi", "timestamp", "lat", "lon", "sog", "cog"]]
    place = {"lat": 42.0, "lon": 131.0, "sog": 0.0, "cog": 0.0}
    own = pd.DataFrame({"mmsi": 299_000_001, "timestamp": hours(t).round("s").as_unit("us")} | place)
    fixes = pd.concat([fixes, own], ignore_index=True)
    gaps = dv.find_gaps(fixes)
    assert gaps["duration_h"].tolist() == [10.0]
    row = silence_features(gaps, dv.fit_reception(fixes, rule=RULE)).iloc[0]
    assert row["heard_before"] == 1.0
    # Of the six windows from 20.5 h to 23.5 h those from 22 h on; of 48 until 44.5 h all but the three silent ones.
    assert row["heard_after"] == pytest.approx(3 / 6)
    assert row["heard_day_after"] == pytest.approx(45 / 48)
    # From the start of the feed to 10 h: 20 windows of the 48 of a day.
    assert row["heard_day_before"] == pytest.approx(20 / 48)
    assert row["quiet_before_h"] == 0.5
    assert row["quiet_after_h"] == 2.0
    assert row["factor_path"] == pytest.approx(row["expected_block"] / row["expected_cell"])
    assert (row["fixes_before_12h"], row["fixes_after_12h"]) == (
        gaps["fixes_before_12h"][0],
        gaps["fixes_after_12h"][0],
    )


def test_features_follow_the_gaps_in_any_order(feed, reception):
    gaps = dv.find_gaps(feed)
    shuffled = gaps.sample(frac=1.0, random_state=1)
    one = silence_features(gaps, reception).set_index(gaps["gap_id"])
    other = silence_features(shuffled, reception).set_index(shuffled["gap_id"])
    pd.testing.assert_frame_equal(one, other.loc[one.index])
    assert len(silence_features(gaps.iloc[:0], reception)) == 0


def test_features_of_a_stranger_are_those_of_a_ship_never_heard(feed, reception):
    gaps = dv.find_gaps(feed).assign(mmsi=299_999_999)
    row = silence_features(gaps, reception)
    assert (row[["heard_before", "heard_after", "heard_day_before", "heard_day_after"]] == 0.0).all(axis=None)
    assert (row[["quiet_before_h", "quiet_after_h"]] == 12.0).all(axis=None)
    assert (row[["own_after", "own_recent_after"]] == 1.0).all(axis=None)


def test_saved_and_loaded_it_says_the_same(tmp_path, feed, reception, head):
    head.save(tmp_path)
    reception.save(tmp_path)
    again = SilenceHead.load(tmp_path)
    gaps = dv.find_gaps(feed)
    pd.testing.assert_frame_equal(
        dv.score_silence(gaps, reception, head=head),
        dv.score_silence(gaps, dv.ReceptionModel.load(tmp_path), head=again),
        check_exact=True,
    )
    assert {path.name for path in tmp_path.iterdir()} >= {"silence_head.json", "silence_head.parquet"}
    path = tmp_path / "silence_head.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(dv.ReadError, match="another version"):
        SilenceHead.load(tmp_path)
    with pytest.raises(dv.ReadError, match="not a silence head"):
        SilenceHead.load(tmp_path / "nowhere")


def test_the_same_seed_gives_the_same_head(feed, reception):
    heads = [fit_silence_head(fixes, reception, draws=1, seed=4) for fixes in (feed, feed.iloc[::-1])]
    for one, other in zip(*(head.trees for head in heads), strict=True):
        pd.testing.assert_frame_equal(one.nodes, other.nodes, check_exact=True)
    assert heads[0].slope == heads[1].slope


def test_small_feeds_and_senseless_options_are_refused(feed, reception):
    with pytest.raises(dv.RuleError, match="too little to learn a head from: 12 natural gaps above 2 h of 2 vessels"):
        fit_silence_head(feed[feed["mmsi"] <= 299_000_002], reception, draws=1)
    with pytest.raises(dv.RuleError, match="needed 60 of 8"):
        fit_silence_head(fleet(10, 60.0, lambda ship: []), reception, draws=1)
    for draws in (0, 1.5, True):
        with pytest.raises(dv.RuleError, match="draws"):
            fit_silence_head(feed, reception, draws=draws)
