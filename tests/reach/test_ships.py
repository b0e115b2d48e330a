import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.reach.history import as_history
from darkvoyage.reach.ships import KINDS, ships_of
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, VESSELS
from tests.worlds import one_gap

CURRENT_KN = 1.5


def ships(*, vessels=None, history=None, rule=None, **changes):
    table = complete(dv.find_gaps(one_gap(**changes)), GAPS)
    register = None if vessels is None else complete(pd.DataFrame(vessels).assign(mmsi=299_000_001), VESSELS)
    past = None if history is None else pd.DataFrame(history).assign(mmsi=299_000_001)
    return ships_of(table, register, as_history(past), rule or dv.PortRule())


@pytest.mark.parametrize(
    ("ship_type", "ais_class", "kind", "cap"),
    [(84, "A", "tanker", 17), (71, "A", "cargo", 24), (60, "A", "passenger", 30), (30, "A", "fishing", 24),
     (37, "B", "other", 30), (None, None, "other", 24)],
)  # fmt: skip
def test_caps_by_kind(ship_type, ais_class, kind, cap):
    found = ships(ship_type=pd.array([ship_type] * 2, dtype="Int16"), ais_class=pd.Series([ais_class] * 2, dtype="str"))
    assert KINDS[found.kind[0]] == kind
    assert found.cap_kn[0] == pytest.approx(cap + CURRENT_KN)


def test_a_register_knows_better_than_the_class():
    found = ships(vessels=[{"service_speed_kn": 14.0, "dwt_t": 105_000.0, "draught_max_m": 15.0}])
    assert found.mean_kn[0] == 14.0
    assert found.dwt_t[0] == 105_000.0
    assert found.laden_m[0] == 15.0
    # 1.2 kn of its own, and currents spread evenly over 3 kn.
    assert found.sd_kn[0] == pytest.approx(np.sqrt(1.2**2 + 3.0**2 / 12))


def test_deadweight_follows_from_the_length():
    assert ships(length_m=[183.0, 183.0]).dwt_t[0] == pytest.approx(47_000)
    assert ships(length_m=[91.5, 91.5]).dwt_t[0] == pytest.approx(47_000 / 8)
    assert np.isnan(ships().dwt_t[0])


def test_own_speed_is_drawn_towards_the_class_by_the_hours_it_rests_on():
    # 36 h beside 12 h of the class: three quarters of 8 kn and a quarter of 11.5 kn.
    found = ships(history=[{"speed_kn": 8.0, "speed_sd_kn": 2.0, "speed_max_kn": 19.5, "under_way_h": 36.0}])
    assert found.mean_kn[0] == pytest.approx(0.75 * 8.0 + 0.25 * 11.5)
    assert found.sd_kn[0] == pytest.approx(np.sqrt(0.75 * 2.0**2 + 0.25 * 2.5**2 + 0.75))
    assert found.cap_kn[0] == pytest.approx(19.5 + CURRENT_KN)


def test_speed_in_the_loading_state_of_the_gap():
    past = [
        {"speed_kn": 11.0, "under_way_h": 1200.0, "load_state": None},
        {"speed_kn": 10.0, "under_way_h": 1200.0, "load_state": "laden"},
        {"speed_kn": 12.0, "under_way_h": 1200.0, "load_state": "ballast"},
    ]
    speeds = [
        ships(history=past, vessels=[{"draught_max_m": 10.0}], draught_m=[draught, draught]).mean_kn[0]
        for draught in (9.0, 5.0, np.nan)
    ]
    np.testing.assert_allclose(speeds, [10.0, 12.0, 11.0], atol=0.02)


def test_who_shows_more_speed_than_the_cap_has_it():
    assert ships(sog=[21.0, 9.0]).cap_kn[0] == pytest.approx(21.0 + CURRENT_KN)
    assert ships(sog=[90.0, 9.0]).cap_kn[0] == pytest.approx(17.0 + CURRENT_KN)
