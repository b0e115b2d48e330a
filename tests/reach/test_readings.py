import numpy as np
import pytest
from scipy.stats import expon, lognorm, norm

import darkvoyage as dv
from darkvoyage.reach.candidates import Pairs
from darkvoyage.reach.readings import call_llr, chance_of_speed, service_of, transit_llr, wait_llr
from darkvoyage.reach.ships import KINDS, Ships
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS
from tests.worlds import one_gap

LOG_RANGE = np.log(2160.0)
STAY = {"median_h": 20.0, "log_sd": 0.5, "wait_share": 0.5, "wait_mean_h": 36.0}


def a_ship(kind="tanker", **changes):
    values = {"mean_kn": 11.0, "sd_kn": 1.1, "cap_kn": 18.5, "dwt_t": np.nan, "laden_m": np.nan, "swing_m": np.nan}
    columns = {name: np.array([value]) for name, value in (values | changes).items()}
    return Ships(kind=np.array([KINDS.index(kind)]), **columns)


def a_pair(out_nm, back_nm, *, closed=True):
    ways = {"out_nm": out_nm, "could_out_nm": out_nm, "back_nm": back_nm, "could_back_nm": back_nm, "direct_nm": 0.0}
    rest = {"bearing_out_deg": 0.0, "bearing_back_deg": 0.0}
    columns = {name: np.array([value]) for name, value in (ways | rest).items()}
    return Pairs(gap=np.array([0]), port=np.array([0]), closed=np.array([closed]), **columns)


@pytest.mark.parametrize(("dwt_t", "hours"), [(47e3, 24.0), (105e3, 27.0), (155e3, 29.5), (300e3, 40.0)])
def test_hours_alongside_of_tankers(dwt_t, hours):
    """Means of loading and discharging: MR 22 and 26 h, Aframax 22 and 32, Suezmax 25 and 34, VLCC 36 and 44."""
    median, log_sd = service_of(a_ship(dwt_t=dwt_t))
    assert median[0] == pytest.approx(hours, rel=0.1)
    assert log_sd[0] > 0


def test_service_of_others():
    tanker, ferry, cargo = (service_of(a_ship(kind))[0][0] for kind in ("tanker", "passenger", "cargo"))
    assert ferry < cargo == tanker == 24.0


@pytest.mark.parametrize("duration", [25.0, 60.0, 90.0, 150.0])
def test_evidence_of_a_call_by_quadrature(duration):
    """Density of travel + service + waiting at the duration, over that of an even draw from the decades."""
    travel, sd = 220.0 / 11.0, 220.0 / 11.0 * 0.1
    u = (np.arange(400) + 0.5) / 400
    go, stay = norm.ppf(u, travel, sd), lognorm.ppf(u, 0.5, scale=20.0)
    left = duration - go[:, None] - stay
    waiting = expon.pdf(left, scale=36.0)
    at_once = lognorm.pdf(duration - go, 0.5, scale=20.0)
    density = 0.5 * waiting.mean() + 0.5 * at_once.mean()
    stays = {name: np.array([value]) for name, value in STAY.items()}
    got = call_llr(a_pair(100.0, 120.0), np.array([duration]), a_ship(), stays, np.array([False]))
    assert got[0] == pytest.approx(np.log(density * duration * LOG_RANGE), abs=0.02)


def test_a_call_needs_the_way_and_an_open_gap_can_wait():
    stays = {name: np.array([value]) for name, value in STAY.items()}
    sts = np.array([False])
    early = call_llr(a_pair(100.0, 120.0), np.array([8.0]), a_ship(), stays, sts)
    assert early[0] < -15
    still_out = call_llr(a_pair(100.0, 0.0, closed=False), np.array([8.0]), a_ship(), stays, sts)
    assert still_out[0] > -0.01


def test_transit_fits_the_speed_at_the_ends():
    """9 kn at both ends: 90 nm in 10 h beside 60 nm in 10 h."""
    table = complete(dv.find_gaps(one_gap(10.0)), GAPS)
    closed = np.array([True])
    steady, slow = (transit_llr(table, np.array([way]), a_ship(), closed)[0] for way in (90.0, 60.0))
    assert steady > slow + 1
    assert transit_llr(table, np.array([0.0]), a_ship(), closed)[0] < -15
    assert transit_llr(table, np.array([0.0]), a_ship(), ~closed)[0] > 0


def test_waiting_is_for_what_travel_does_not_explain():
    rule, closed = dv.PortRule(), np.array([True])
    duration = np.array([10.0, 30.0, 3.0])
    ships = Ships(**{name: np.repeat(values, 3) for name, values in vars(a_ship()).items()})
    llr = wait_llr(duration, np.array([44.0, 44.0, 44.0]), ships, np.repeat(closed, 3), rule)
    assert llr[0] > 0 > llr[2]
    assert llr[0] > llr[1] > llr[2]


def test_chance_of_speed_is_a_truncated_normal_and_one_in_twenty_that_hurries():
    needed = np.array([10.0, 20.0, 0.0, 17.0])
    got = chance_of_speed(needed, np.full(4, 11.0), np.full(4, 2.0), np.full(4, 18.5))
    whole = norm.cdf(3.75)
    assert got[0] == pytest.approx(0.95 * (whole - norm.cdf(-0.5)) / whole + 0.05)
    assert got[1] == 0
    assert got[2] == pytest.approx(1.0, abs=1e-6)
    assert got[3] == pytest.approx(0.95 * (whole - norm.cdf(3.0)) / whole + 0.05 * 1.5 / 7.5)
