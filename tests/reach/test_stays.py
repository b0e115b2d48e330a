import numpy as np
import pandas as pd
import pytest

from darkvoyage.reach.history import as_history
from darkvoyage.reach.stays import learned_stays
from tests.worlds import hours

GENERAL = {"median_h": 20.0, "log_sd": 0.5, "wait_share": 0.5, "wait_mean_h": 36.0}
PLACES = pd.DataFrame({"port_id": ["P0", "P1"]})


def stays(rows):
    """Whole visits of (mmsi, port, hours of stay, hours of waiting)."""
    mmsi, port, stay, wait = zip(*rows, strict=True)
    arrive = np.arange(len(rows)) * 1000.0
    table = {
        "mmsi": mmsi, "port_id": port, "arrive": hours(arrive), "depart": hours(arrive + np.array(stay)), "stop_h": 1.0,
        "gap_h": 0.0, "wait_h": wait, "confidence": 4,
    }  # fmt: skip
    return as_history(pd.DataFrame(table))


def learned(history, mmsi=1, port=0, **columns):
    near = pd.DataFrame({"mmsi": np.array([mmsi], dtype="int64"), **columns})
    found = learned_stays(near, PLACES, np.array([port]), as_history(history), **GENERAL)
    return {name: float(getattr(found, name)[0]) for name in GENERAL}


def test_nothing_known_is_what_holds_in_general():
    assert learned(None) == pytest.approx(GENERAL)
    # Another ship at another port, of no known kind.
    assert learned(stays([(2, "P1", 5.0, np.nan)])) == pytest.approx(GENERAL)


def test_a_ship_by_hand():
    # Two stays of 5 h at the port, in logarithms: the ship with weight 2 against 1.5 of the general, then the ship at
    # the port with 2 against 2.
    five, twenty = np.log(5.0), np.log(20.0)
    ship = (1.5 * twenty + 2 * five) / 3.5
    there = (2 * ship + 2 * five) / 4
    found = learned(stays([(1, "P0", 5.0, np.nan), (1, "P0", 5.0, np.nan)]))
    assert found["median_h"] == pytest.approx(np.exp(there))
    assert found["log_sd"] == pytest.approx(np.sqrt((0.25 + 2 * (five - there) ** 2) / 3))
    elsewhere = learned(stays([(1, "P0", 5.0, np.nan), (1, "P0", 5.0, np.nan)]), port=1)
    assert elsewhere["median_h"] == pytest.approx(np.exp(ship))


def test_a_kind_by_hand():
    history = stays([(2, "P0", 10.0, np.nan), (3, "P1", 10.0, np.nan)]).assign(
        ship_type=[80, 81], length_m=[150.0, 199.0]
    )
    ten, twenty = np.log(10.0), np.log(20.0)
    kind = (4 * twenty + 2 * ten) / 6
    there = (3 * kind + ten) / 4
    assert learned(history, ship_type=82, length_m=120.0)["median_h"] == pytest.approx(np.exp(there))
    for other in ({"ship_type": 70, "length_m": 120.0}, {"ship_type": 82, "length_m": 250.0}):
        assert learned(history, **other)["median_h"] == pytest.approx(20.0)


def test_waiting_by_hand():
    # Of four ships at the port three waited, 12 h each; half an hour is manoeuvring.
    rows = [(k, "P0", 20.0, wait) for k, wait in zip((2, 3, 4, 5, 6), (12.0, 12.0, 12.0, 0.5, np.nan), strict=True)]
    found = learned(stays(rows))
    assert found["wait_share"] == pytest.approx((4 * 0.5 + 3) / 8)
    assert found["wait_mean_h"] == pytest.approx((3 * 36 + 36) / 6)


def test_only_whole_stays_are_learned_from():
    history = stays([(1, "P0", 5.0, np.nan)])
    for change in ({"confidence": 3}, {"stop_h": 0.0}, {"depart": pd.NaT}, {"port_id": "P7"}):
        name, value = next(iter(change.items()))
        other = history.assign(**{name: pd.Series([value], dtype=history[name].dtype)})
        assert learned(other) == pytest.approx(GENERAL), name
    assert learned(history)["median_h"] < 10


def test_pairs_do_not_disturb_each_other():
    history = stays([(1, "P0", 5.0, 3.0), (2, "P1", 50.0, 0.0), (2, "P0", 40.0, 20.0)]).assign(ship_type=80)
    near = pd.DataFrame({"mmsi": [2, 1, 3, 1], "ship_type": [80, 80, 70, 0]})
    port = np.array([1, 0, 0, 1])
    whole = learned_stays(near, PLACES, port, history, **GENERAL)
    for k in range(4):
        alone = learned(history, mmsi=near["mmsi"][k], port=port[k], ship_type=near["ship_type"][k])
        assert {name: getattr(whole, name)[k] for name in GENERAL} == pytest.approx(alone)
