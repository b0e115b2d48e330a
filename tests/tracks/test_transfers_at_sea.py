import math

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv


def side_by_side(*metres, **columns):
    """Encounters at a median distance, of ships 211000001 and 211000002."""
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(len(metres)), unit="h")
    data = {
        "encounter_id": [f"e{k}" for k in range(len(metres))], "track_id_a": "211000001-0", "track_id_b": "211000002-0",
        "start_time": start, "end_time": start + pd.Timedelta("3h"), "lat": 1.0, "lon": 2.0,
        "median_distance_nm": np.array(metres) / 1852, "median_speed_kn": 0.1, **columns,
    }  # fmt: skip
    return pd.DataFrame(data)


def ships(types=(None, None), lengths=(None, None)):
    return pd.DataFrame({"mmsi": [211000001, 211000002], "ship_type": types, "length_m": lengths})


def llr(metres, **options):
    return dv.classify_encounters(side_by_side(metres), **options)["llr_distance"].item()


def test_by_hand():
    # Two ships of 100 m reach 130 m: 0.9 x (1 / 160) / (2 x 100 / 500^2) + 0.1 = 7.13125.
    assert llr(100.0) == pytest.approx(math.log(7.13125))
    # 90 m beyond that, three scales of 30 m: 0.9 x exp(-3) / 160 / (2 x 220 / 500^2) + 0.1.
    assert llr(220.0) == pytest.approx(math.log(0.9 * math.exp(-3) / 160 / 0.00176 + 0.1))
    # Almost together: bounded by ln 20; far apart: by the tenth that goes by boat.
    assert llr(1.0) == pytest.approx(math.log(20))
    assert llr(499.0) == pytest.approx(math.log(0.1), abs=0.01)
    row = dv.classify_encounters(side_by_side(1.0)).iloc[0]
    assert row["p_transfer_at_sea"] == pytest.approx(20 / 21)
    assert row["pair"] == "unknown"


def test_further_apart_is_less_likely():
    p = dv.classify_encounters(side_by_side(*range(0, 600, 10)))["p_transfer_at_sea"].to_numpy()
    assert (np.diff(p) <= 0).all()
    assert p[0] > 0.9
    assert p[-1] < 0.1


def test_longer_ships_reach_further():
    assert llr(250.0, vessels=ships(lengths=(330.0, 270.0))) > 0 > llr(250.0)


@pytest.mark.parametrize(
    ("types", "pair", "weight"),
    [
        ((80, 84), "tankers", math.log(2)),
        ((80, 70), "bunkering", math.log(2)),
        ((80, None), "unknown", 0.0),
        ((30, 71), "fishing and carrier", math.log(2)),
        ((71, 30), "fishing and carrier", math.log(2)),
        ((30, 30), "other", 0.0),
        ((52, 80), "service craft", -2 * math.log(2)),
        ((None, 50), "service craft", -2 * math.log(2)),
    ],
)
def test_kinds_of_pairs(types, pair, weight):
    row = dv.classify_encounters(side_by_side(400.0), vessels=ships(types)).iloc[0]
    assert row["pair"] == pair
    assert row["llr_pair"] == pytest.approx(weight)
    odds = row["p_transfer_at_sea"] / (1 - row["p_transfer_at_sea"])
    assert math.log(odds) == pytest.approx(row["llr_distance"] + weight)


def test_numbers_of_ships_win_over_names_of_tracks():
    vessels = ships((80, 80))
    named = side_by_side(10.0, track_id_a="a", track_id_b="b")
    assert dv.classify_encounters(named, vessels=vessels)["pair"].item() == "unknown"
    numbered = named.assign(mmsi_a=211000001, mmsi_b=211000002)
    assert dv.classify_encounters(numbered, vessels=vessels)["pair"].item() == "tankers"


def test_prior():
    rule = dv.TransferAtSeaRule(prior=0.2, kind_llr=0.0)
    assert dv.classify_encounters(side_by_side(1.0), rule=rule)["p_transfer_at_sea"].item() == pytest.approx(5 / 6)
