import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.gaps.reception import ReceptionModel, fit_reception
from darkvoyage.gaps.silence import score_silence
from tests.worlds import moored_fleet


def judged(fixes, mmsi=299_000_001):
    gaps = dv.find_gaps(fixes)
    silences = score_silence(gaps, fit_reception(fixes))
    rows = gaps.loc[gaps["mmsi"] == mmsi, "gap_id"]
    return silences[silences["gap_id"].isin(rows)].iloc[0]


def test_one_silent_ship_among_many_heard_is_unexpected():
    row = judged(moored_fleet(20, 96, silent={0: (40, 64)}))
    assert row["neighbours_heard"] == 19
    assert row["reason"] == "expected_to_be_heard"
    assert row["p_silence_if_on"] < 0.05
    assert row["p_off"] > 0.5


@pytest.mark.parametrize("until_h", [52, 76], ids=["hours", "longer than silences that count"])
def test_everybody_silent_is_an_outage_not_a_switch_off(until_h):
    row = judged(moored_fleet(20, 120, silent={"all": (40, until_h)}))
    assert row["neighbours_heard"] == 0
    assert row["reason"] == "feed_outage"
    assert row["p_off"] < 0.2


def test_a_quarter_of_an_hour_is_never_evidence():
    fixes = moored_fleet(20, 48, every_h=1 / 30, silent={0: (24.01, 24.21), 1: (24.01, 24.24)})
    gaps = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=0.1))
    reception = fit_reception(fixes, rule=dv.ReceptionRule(min_gap_h=0.1))
    rows = gaps.merge(score_silence(gaps, reception), on="gap_id").set_index("mmsi")
    # Heard every two minutes, then silent for 14 and for 16 minutes.
    assert rows["duration_h"].round(4).tolist() == [0.2333, 0.2667]
    assert rows["reason"].tolist()[0] == "too_short"
    assert rows["reason"].tolist()[1] != "too_short"
    assert rows["llr_silence"].tolist()[0] <= 0.0


def test_nobody_else_means_unverified_coverage():
    far = moored_fleet(5, 96, lat=10.0, lon=20.0).assign(mmsi=lambda table: table["mmsi"] + 100)
    row = judged(pd.concat([moored_fleet(1, 96, silent={0: (40, 64)}), far]))
    assert row["reason"] == "coverage_unverified"
    assert row["neighbours_heard"] == 0
    assert abs(row["llr_silence"]) <= np.log(20) + 1e-9


def test_shuffling_the_neighbours_times_destroys_the_evidence():
    """With the others heard as usual the silence stands out; with their fixes moved out of the gap it does not."""
    fixes = moored_fleet(20, 96, silent={0: (40, 64)})
    others = fixes["mmsi"] != 299_000_001
    in_gap = fixes["timestamp"].between(*(moored_fleet(1, 96)["timestamp"].iloc[[80, 128]]))
    moved = fixes.copy()
    rng = np.random.default_rng(5)
    spots = np.flatnonzero(others & in_gap)
    # Their times are redrawn from outside the gap: as many witnesses, none at the time.
    moved.loc[spots, "timestamp"] = rng.choice(fixes.loc[others & ~in_gap, "timestamp"], len(spots))
    before, after = judged(fixes), judged(moved)
    assert before["llr_silence"] > after["llr_silence"] + 1.0
    assert after["neighbours_heard"] < before["neighbours_heard"]


def test_prior_moves_the_posterior_but_not_the_evidence():
    fixes = moored_fleet(20, 96, silent={0: (40, 64)})
    gaps = dv.find_gaps(fixes)
    low, high = (
        score_silence(gaps, fit_reception(fixes, rule=dv.ReceptionRule(p_off_prior=p))).iloc[0] for p in (0.02, 0.15)
    )
    assert low["llr_silence"] == pytest.approx(high["llr_silence"])
    odds = [row["p_off"] / (1 - row["p_off"]) for row in (low, high)]
    assert odds[1] / odds[0] == pytest.approx((0.15 / 0.85) / (0.02 / 0.98))


def test_an_open_gap_is_judged_too():
    fixes = moored_fleet(20, 96, silent={0: (40, 1e9)})
    gaps = dv.find_gaps(fixes, as_of=fixes["timestamp"].max())
    row = score_silence(gaps, fit_reception(fixes)).iloc[0]
    assert not gaps["is_closed"].iloc[0]
    assert row["p_off"] > 0.3


def test_gaps_without_position_say_nothing():
    fixes = moored_fleet(3, 60, silent={0: (20, 40)})
    fixes.loc[fixes["mmsi"] == 299_000_001, ["lat", "lon"]] = np.nan
    row = score_silence(dv.find_gaps(fixes), fit_reception(fixes)).iloc[0]
    assert row["reason"] == "no_position"
    assert row["llr_silence"] == 0


def test_model_survives_saving(tmp_path):
    fixes = moored_fleet(8, 96, silent={0: (40, 64)})
    gaps, model = dv.find_gaps(fixes), fit_reception(fixes)
    model.save(tmp_path / "model")
    again = ReceptionModel.load(tmp_path / "model")
    pd.testing.assert_frame_equal(score_silence(gaps, again), score_silence(gaps, model))
    with pytest.raises(dv.ReadError, match="not a reception model"):
        ReceptionModel.load(tmp_path)


def test_an_empty_feed_gives_an_empty_model():
    fixes = moored_fleet(1, 5).iloc[:0]
    assert len(score_silence(dv.find_gaps(fixes), fit_reception(fixes))) == 0
