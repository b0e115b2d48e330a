import dataclasses
import html

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.gaps.masking import mask_silences
from darkvoyage.scoring.evaluation.judging import judge_masks, silence_runs
from darkvoyage.scoring.evaluation.trust import within_two
from darkvoyage.scoring.evaluation.validation import JUDGES, validate_silence
from tests.worlds import hours


def fleet(ships, until_h, silences, *, spread=0.02):
    """Ships at rest, heard every 20 min save in their silences: `silences(ship)` gives their (start, end) in hours."""
    parts = []
    for ship in range(ships):
        t = np.arange(0.05 + 0.003 * ship, until_h, 1 / 3)
        for begin, end in silences(ship):
            t = t[(t < begin) | (t > end)]
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 299_000_001 + ship,
                    "timestamp": hours(t).round("s").as_unit("us"),
                    "lat": 42.0 + spread * (ship % 5),
                    "lon": 131.0 + spread * (ship // 5),
                    "sog": 0.0,
                    "cog": 0.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def outages(until_h=220.0, seed=3):
    """The same few silences for everybody: nobody was heard."""
    rng = np.random.default_rng(seed)
    starts = np.arange(20.0, until_h - 20.0, 45.0)
    common = list(zip(starts, starts + rng.uniform(7.0, 11.0, len(starts)), strict=True))
    return fleet(14, until_h, lambda ship: common)


def coins(until_h=250.0, ships=20):
    """Each ship falls silent on its own, as if its fixes had been taken out at random."""
    rngs = [np.random.default_rng(100 + ship) for ship in range(ships)]
    starts = [rng.uniform(20, until_h - 30, 3) for rng in rngs]
    ends = [start + rng.uniform(7.0, 11.0, 3) for start, rng in zip(starts, rngs, strict=True)]
    return fleet(ships, until_h, lambda ship: zip(starts[ship], ends[ship], strict=True))


@pytest.fixture(scope="module")
def told_apart():
    return validate_silence(outages(), draws=20)


def figure(result, protocol, judge, metric):
    scores = result.scores.set_index(["protocol", "judge", "metric"])
    return scores.loc[(protocol, judge, metric)]


def test_where_reception_fails_for_all_or_none_hidden_silences_stand_out(told_apart):
    for protocol in ("cell", "vessel"):
        assert figure(told_apart, protocol, "p_off", "auc_same_duration")["value"] > 0.98
        assert figure(told_apart, protocol, "p_off, durations told", "brier")["value"] < 0.05
        assert 0.4 < figure(told_apart, protocol, "duration", "auc")["value"] < 0.6
    assert "higher p_off in 100% of cases" in str(told_apart)


def test_silences_that_are_made_as_masks_are_cannot_be_told_from_masks():
    result = validate_silence(coins(), protocols=("vessel",), draws=40)
    row = figure(result, "vessel", "p_off", "auc_same_duration")
    assert row["n"] > 50
    assert row["low"] < 0.5 < row["high"]
    assert "vessel: that p_off ranks better than chance is not certain." in result.trust


def test_order_of_the_rows_changes_nothing_and_neither_does_repetition(told_apart):
    again = validate_silence(outages().sample(frac=1.0, random_state=2), draws=20)
    for name in ("scores", "reliability", "silence_law", "strata", "answers"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(told_apart, name))
    assert again.trust == told_apart.trust


def test_answers_say_each_silence_once(told_apart):
    answers = told_apart.answers
    assert not answers.duplicated(["protocol", "gap_id"]).any()
    assert (answers.groupby("protocol")["y"].mean() == 0.5).all()
    assert (
        answers[["p", "p_told", "p_heard", "p_duration", "p_pre_gap", "p_cell"]]
        .apply(lambda p: p.between(0, 1))
        .all(axis=None)
    )
    assert set(told_apart.scores["judge"]) == set(JUDGES) - {"p_off, learned head"}
    # Four classes to a doubling: 8 h opens the twelfth, 2 to the power of 13/4 = 9.51 h the thirteenth.
    edges = answers.loc[answers["stratum"].isin([12]), "duration_h"]
    assert edges.between(8.0, 9.514).all()
    assert len(edges)


def test_strata_hold_every_case_once(told_apart):
    answers, strata = told_apart.answers, told_apart.strata
    cases = answers.groupby("protocol").size()
    for _, rows in strata.groupby("by"):
        assert rows.groupby("protocol")["n"].sum().to_dict() == cases.to_dict()
    short = answers[(answers["protocol"] == "cell") & (answers["duration_h"] <= 12)]
    row = strata[(strata["protocol"] == "cell") & (strata["stratum"] == "6-12 h")].iloc[0]
    assert row["n"] == len(short)
    assert row["p_mean"] == pytest.approx(short["p"].mean())
    assert told_apart.reliability.groupby("protocol")["n"].sum().to_dict() == cases.to_dict()


def test_at_even_odds_the_posterior_is_the_evidence(told_apart):
    answers = told_apart.answers
    np.testing.assert_allclose(answers["p"], 1 / (1 + np.exp(-answers["llr_silence"])))


def test_a_vessel_has_no_part_in_what_is_learned_of_its_cell():
    """Fixes added to one vessel change what the others are judged by, and nothing for itself."""
    fixes = coins(150.0, ships=8)
    masked = mask_silences(fixes, protocol="vessel", seed=1)
    own = masked.silences["mmsi"].iloc[0]
    rows = masked.fixes[masked.fixes["mmsi"] == own]
    often = rows[rows["timestamp"].diff(-1) > pd.Timedelta(minutes=-30)]
    more = often.assign(timestamp=often["timestamp"] + pd.Timedelta(minutes=1))
    later = [rows.tail(1).assign(timestamp=rows["timestamp"].max() + pd.Timedelta(hours=k)) for k in range(1, 20)]
    fixes = pd.concat([masked.fixes, more, *later]).sort_values(["mmsi", "timestamp"], ignore_index=True)
    changed = dataclasses.replace(masked, fixes=fixes)
    before, after = judge_masks(masked), judge_masks(changed)
    assert before["gap_id"].equals(after["gap_id"])
    mine = before["mmsi"] == own
    np.testing.assert_array_equal(before.loc[mine, "p_cell"], after.loc[mine, "p_cell"])
    np.testing.assert_array_equal(before.loc[mine, "neighbours_heard"], after.loc[mine, "neighbours_heard"])
    assert (before.loc[~mine, "p_cell"].to_numpy() != after.loc[~mine, "p_cell"].to_numpy()).all()


def test_observed_silences_by_counting():
    """One of two ships is silent from 10:03 to 15:03; windows of half an hour, horizons of 1, 2 and 8 h."""
    fixes = fleet(2, 48.0, lambda ship: [(10.06, 15.04)] if ship == 0 else [])
    rule = dv.ReceptionRule(window_min=30.0)
    runs = silence_runs(dv.clean_fixes(fixes), horizons_h=(0.25, 1.0, 2.0, 8.0), rule=rule)
    assert set(runs["horizon_h"]) == {1.0, 2.0, 8.0}
    # Ship 0 is heard in windows 0..20 and 30..95. Silent behind window 20: windows 21 to 29, so 2 and 4 but not 16.
    silent = runs.groupby("horizon_h")["y"].sum()
    assert silent.tolist() == [1, 1, 0]
    # A run of k windows from window w counts while the ship is heard in w + k + 1 or later: 87 - k and 96 - k - 1.
    assert runs.groupby("horizon_h").size().tolist() == [
        sum(w + 1 + k <= 95 for w in (*range(21), *range(30, 96))) + sum(w + 1 + k <= 95 for w in range(96))
        for k in (2, 4, 16)
    ]
    assert runs["p"].between(0, 1).all()


@pytest.mark.parametrize(
    ("p", "share", "good"),
    [(0.3, 0.5, True), (0.2, 0.5, False), (0.9, 0.82, True), (0.95, 0.85, False), (0.0, 0.0, True), (0.0, 0.1, False)],
)
def test_within_a_factor_of_two_on_both_sides(p, share, good):
    # 0.95 against 0.85: the complements are 0.05 and 0.15.
    assert within_two(p, share) == good
    assert within_two(1 - p, 1 - share) == good


def test_tiny_and_empty_feeds_say_too_few():
    fixes = fleet(2, 60.0, lambda ship: [(20.0, 30.0)] if ship == 0 else [])
    for part in (fixes, fixes.iloc[:0], fixes[fixes["mmsi"] == 299_000_001]):
        result = validate_silence(part, draws=5)
        assert "cell: " in result.trust[0]
        assert "too few to say anything" in result.trust[0]
        assert "vessel: " in str(result)
        assert result.scores["value"].isna().sum() >= 0.5 * len(result.scores) or len(part)
        assert result.plot() is not None
    assert any("One vessel only" in sentence for sentence in result.trust)


def test_shown_as_text_page_and_figure(told_apart):
    text, page = str(told_apart), told_apart._repr_html_()
    for sentence in told_apart.trust:
        assert sentence in text
        assert html.escape(sentence) in page
    assert page.count("<svg") == 1
    assert page == told_apart._repr_html_()
    axes = told_apart.plot().axes
    assert len(axes) == 2
    drawn = axes[0].containers[0].lines[0].get_xydata()
    rows = told_apart.reliability[told_apart.reliability["protocol"] == "cell"]
    np.testing.assert_allclose(drawn, rows[["p_mean", "y_mean"]])


def test_files_and_stores_are_taken_too(tmp_path, told_apart):
    fixes = outages()
    fixes.to_csv(tmp_path / "ais.csv", index=False)
    store = dv.build_store(tmp_path / "ais.csv", tmp_path / "store", progress=False)
    for source in (str(tmp_path / "ais.csv"), store):
        result = validate_silence(source, protocols=("cell",), draws=0)
        expected = told_apart.answers[told_apart.answers["protocol"] == "cell"].reset_index(drop=True)
        pd.testing.assert_frame_equal(result.answers[["gap_id", "y", "p"]], expected[["gap_id", "y", "p"]])


def test_outages_for_negatives():
    result = validate_silence(coins(150.0, ships=12), protocols=("outage",), draws=0)
    assert result.answers["y"].sum() > 10
    assert result.answers["y"].mean() == 0.5
    # Outages silence the neighbours too, masks do not.
    assert figure(result, "outage", "p_off", "auc_same_duration")["value"] > 0.7


@pytest.mark.parametrize("protocols", ["cell", (), ("cell", "random")])
def test_bad_protocols_are_named(protocols):
    with pytest.raises(dv.RuleError, match="protocols = "):
        validate_silence(outages(), protocols=protocols)


def test_bad_tables_and_options_are_refused():
    with pytest.raises(dv.SchemaError, match="mmsi"):
        validate_silence(outages().drop(columns="mmsi"))
    with pytest.raises(dv.RuleError, match="min_gap_h"):
        validate_silence(outages(), min_gap_h=0.0)
    with pytest.raises(dv.RuleError, match="draws"):
        validate_silence(outages(), draws=-1)


def test_a_learned_head_is_shown_beside_the_law_and_changes_nothing_else():
    feed = outages(until_h=300.0)
    options = {"protocols": ("vessel",), "draws": 0}
    without, with_head = validate_silence(feed, **options), validate_silence(feed, with_head=True, **options)
    row = figure(with_head, "vessel", "p_off, learned head", "auc_same_duration")
    assert row["value"] > 0.95
    assert "p_off, learned head" in str(with_head)
    assert "p_off, learned head" not in str(without)
    others = with_head.scores[with_head.scores["judge"] != "p_off, learned head"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, without.scores)


def test_a_head_for_too_small_a_feed_is_refused():
    with pytest.raises(dv.RuleError, match="too little to learn a head from: 56 natural gaps"):
        validate_silence(outages(), protocols=("vessel",), with_head=True)
