import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.scoring.rules import score_transfers
from tests.worlds import one_gap, ports

LLR = ["llr_silence", "llr_call", "llr_draught", "llr_sighting", "llr_absence", "llr_open", "llr_ship"]


def scored(llr=4.0, links=None, rule=None, fixes=None, places=None, **silence):
    gaps = dv.find_gaps(one_gap() if fixes is None else fixes)
    heard = pd.DataFrame(
        {
            "gap_id": gaps["gap_id"], "expected_fixes": 30.0, "neighbours_heard": 7, "p_silence_if_on": 0.01,
            "llr_silence": llr, "p_off": 0.7, "reason": "expected_to_be_heard",
        }
    ).assign(**silence)  # fmt: skip
    calls = find_port_calls(gaps, ports() if places is None else places)
    return score_transfers(gaps, silences=heard, port_calls=calls, links=links, rule=rule)


def link_row(gap_id, p_link, p_at_port=0.99, prior=0.05, sighting="s1"):
    return pd.DataFrame(
        {
            "gap_id": [gap_id], "sighting_id": [sighting], "scene_id": ["c1"], "p_link": [p_link], "rank": [1],
            "port_id": ["RUVYP"], "p_at_port": [p_at_port], "p_at_port_prior": [prior],
        }
    )  # fmt: skip


def test_only_sensitive_ports_are_scored():
    assert set(scored()["port_id"]) <= {"RUVYP", "KPCHO", "sts-a"}


def test_posterior_by_hand():
    table = scored()
    weight = table["prior"] * np.exp(table["llr_total"])
    np.testing.assert_allclose(table["p_transfer"], weight / (0.975 + weight.sum()))
    np.testing.assert_allclose(table["prior"].sum(), 0.025)
    np.testing.assert_allclose(table["llr_total"], table[LLR].sum(axis=1))
    np.testing.assert_allclose(table["score"], 100 / (1 + np.exp(-(table["llr_total"] + np.log(0.025 / 0.975)))))


def test_silence_evidence_saturates_because_of_switch_offs_without_a_call():
    # q = 0.05: 1 / (0.05 + 0.95 / e^llr)
    for llr, expected in ((0.0, 0.0), (3.0, -np.log(0.05 + 0.95 * np.exp(-3.0))), (50.0, -np.log(0.05 + 0.95 / 300))):
        assert scored(llr)["llr_silence"].iloc[0] == pytest.approx(expected)


def test_more_silence_never_lowers_the_score():
    scores = [scored(llr)["score"].max() for llr in (-3.0, -1.0, 0.0, 1.0, 3.0)]
    assert scores == sorted(scores)


def test_a_sighting_at_the_port_raises_and_its_absence_lowers():
    gap = dv.find_gaps(one_gap())["gap_id"].iloc[0]
    plain = scored().set_index("port_id")["p_transfer"]["RUVYP"]
    with_it = scored(links=link_row(gap, 0.8)).set_index("port_id")
    assert with_it["p_transfer"]["RUVYP"] > plain
    assert with_it["sighting_ids"]["RUVYP"] == ["s1"]
    # Odds 4 times share 0.99 over prior 0.05, and a half for another ship.
    assert with_it["llr_sighting"]["RUVYP"] == pytest.approx(np.log(0.5 + 4 * 0.99 / 0.05))
    # One of two ships side by side in it, with half of that chance as its part: as sure to be there.
    pair = scored(links=link_row(gap, 0.45).assign(p_merged=0.7)).set_index("port_id")
    assert pair["llr_sighting"]["RUVYP"] == pytest.approx(with_it["llr_sighting"]["RUVYP"])
    absent = pd.DataFrame(
        {"gap_id": [gap], "sighting_id": [None], "scene_id": ["c1"], "port_id": ["RUVYP"], "llr_absence": [-1.5]}
    )
    without = scored(links=absent)
    assert without.set_index("port_id")["p_transfer"]["RUVYP"] < plain
    # The same scene without the ship at an ordinary port beside it is no second evidence against this one.
    both = scored(links=pd.concat([absent, absent.assign(port_id="JPNII")], ignore_index=True))
    pd.testing.assert_frame_equal(both, without)


def test_every_kind_of_evidence_is_capped():
    rule = dv.ScoreRule(max_call=0.5, max_sighting=0.7, max_draught=0.2, max_silence=0.4)
    gap = dv.find_gaps(one_gap())["gap_id"].iloc[0]
    table = scored(50.0, link_row(gap, 0.999), rule, one_gap(draught_m=[3.0, 5.6]))
    assert table["llr_call"].abs().max() <= 0.5
    assert table["llr_sighting"].max() <= 0.7
    assert table["llr_draught"].abs().max() <= 0.2
    assert table["llr_silence"].max() <= 0.4


def test_one_kind_of_evidence_alone_is_at_most_possible():
    rule = dv.ScoreRule(prior=0.9, max_call=0.01)
    places = ports()
    table = scored(50.0, rule=rule, places=places[~places["sensitive"] | (places["port_id"] == "RUVYP")])
    assert table["p_transfer"].max() > 0.5
    assert table["llr_silence"].min() > 0.3
    assert set(table["evidence_grade"]) <= {"insufficient", "possible"}


def test_words_state_both_sides_and_never_accuse():
    table = scored()
    best = table.loc[table["p_transfer"].idxmax()]
    assert any("[for" in sentence for sentence in best["reasons"])
    assert len(best["innocent_explanations"]) >= 2
    text = " ".join(best["reasons"] + best["innocent_explanations"]).lower()
    assert "illegal" not in text
    assert "guilty" not in text


def test_ports_of_one_gap_exclude_each_other():
    assert scored(50.0)["p_transfer"].sum() <= 1.0


def test_a_ship_that_shows_itself_at_the_port_does_not_hide_the_call():
    hidden, shown = one_gap(), one_gap(lat=[42.75, 41.6], lon=[133.08, 130.2])
    assert (scored(fixes=hidden)["llr_open"] == 0).all()
    table = scored(fixes=shown).set_index("port_id")["llr_open"]
    assert table["RUVYP"] == pytest.approx(-np.log(20))
    assert table["KPCHO"] == 0


def test_another_type_than_tanker_counts_against_but_does_not_exclude():
    other = one_gap(ship_type=pd.array([70, 70], dtype="Int16"))
    assert (scored()["llr_ship"] == 0).all()
    np.testing.assert_allclose(scored(fixes=other)["llr_ship"], -np.log(8))
    assert scored(50.0, fixes=other)["p_transfer"].max() > 0


def test_no_gaps_no_transfers():
    gaps = dv.find_gaps(one_gap().iloc[:1])
    calls = find_port_calls(gaps, ports())
    silences = pd.DataFrame({"gap_id": pd.Series([], dtype="str"), "llr_silence": [], "p_off": []})
    assert len(score_transfers(gaps, silences=silences, port_calls=calls)) == 0
