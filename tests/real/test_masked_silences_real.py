"""Masked silences on real feeds, beside the figures of an earlier measurement with masks of the same kind.

The Suez feed has 323 silences above two hours. The earlier measurement found areas under ROC of 0.664, 0.692 and 0.512
for the number of fixes in the 12 h before (masks anywhere, in the same cell, of the same vessel), and one half for the
duration.
"""

import numpy as np
import pytest

import darkvoyage as dv
from darkvoyage.gaps.masking import mask_silences
from darkvoyage.scoring.evaluation.judging import judge_masks
from darkvoyage.scoring.evaluation.metrics import area_under_roc, brier
from darkvoyage.scoring.evaluation.validation import validate_silence

PRE_GAP = {"uniform": 0.664, "cell": 0.692, "vessel": 0.512}


@pytest.fixture(scope="module")
def suez(real_data):
    return dv.read_fixes(real_data / "ais_suez_2021/suez_2021_03_20_24.csv.gz", synthetic_ids=True, progress=False)


@pytest.fixture(scope="module")
def suez_validation(suez):
    return validate_silence(suez, min_gap_h=2.0, draws=25)


@pytest.mark.parametrize("protocol", PRE_GAP)
def test_simple_rules_do_on_suez_as_was_found_before(suez, protocol):
    masked = mask_silences(suez, protocol=protocol, min_gap_h=2.0)
    gaps = dv.find_gaps(masked.fixes, rule=dv.GapRule(min_gap_h=2.0)).set_index("gap_id")
    silences = masked.silences
    assert len(silences) / 2 + masked.unmatched == 323
    assert len(silences) > 300
    y = silences["masked"].to_numpy()
    assert area_under_roc(silences["duration_h"].to_numpy(), y) == pytest.approx(0.5, abs=0.02)
    before = gaps.loc[silences["mask_id"], "fixes_before_12h"].to_numpy("float64")
    assert area_under_roc(before, y) == pytest.approx(PRE_GAP[protocol], abs=0.07)


def test_silences_of_suez_are_told_apart_better_than_by_chance(suez_validation):
    scores = suez_validation.scores.set_index(["protocol", "judge", "metric"])
    for protocol in ("cell", "vessel"):
        row = scores.loc[(protocol, "p_off", "auc_same_duration")]
        assert 0.5 < row["low"] < row["value"] < row["high"]
        assert row["value"] > scores.loc[(protocol, "cell rate", "auc_same_duration"), "value"]
    assert any("too low around" in sentence for sentence in suez_validation.trust)


def test_law_of_silence_on_suez(suez_validation):
    law = suez_validation.silence_law.set_index("horizon_h")
    assert (np.diff(law["predicted"]) < 0).all()
    assert (np.diff(law["observed"]) < 0).all()
    assert 0.5 < law.loc[4.0, "ratio"] < 2.0


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ("ais_kattegat_parquet/kattegat_2025_11_1min.parquet", "hidden silences are too few to say anything"),
        ("ais_satellite_150_fleet/150402951_a_2021_2023.csv.gz", "One vessel only"),
        ("ais_tankers_singapore/*.csv.gz", "5 vessels only"),
    ],
)
def test_small_feeds_say_so(real_data, files, sentence):
    result = validate_silence(str(real_data / files), min_gap_h=2.0, draws=5)
    assert any(sentence in said for said in result.trust)


def test_a_learned_head_tells_silences_of_suez_apart_better_than_the_law(suez):
    fixes = dv.clean_fixes(suez)
    head = dv.fit_silence_head(fixes, dv.fit_reception(fixes, rule=dv.ReceptionRule(min_gap_h=2.0)), draws=2)
    assert head.silences > 300
    for protocol in ("cell", "vessel"):
        answers = judge_masks(mask_silences(fixes, protocol=protocol, min_gap_h=2.0), min_gap_h=2.0, head=head)
        y = answers["y"].to_numpy()
        learned, law = (area_under_roc(answers[name].to_numpy(), y) for name in ("p_head", "p_told"))
        # An earlier measurement with stock boosting: 0.917 and 0.910.
        assert learned > max(0.9, law + 0.04)
        assert brier(answers["p_head"].to_numpy(), y) < 0.125
