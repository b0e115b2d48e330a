"""Density of a gap's ship at a sighting: hand-made gaps, shares, and what must not matter."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from darkvoyage.kernels.bridges import bridge_density
from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.linking.azimuth import position_errors
from darkvoyage.linking.candidates import candidates
from darkvoyage.linking.places import excursions
from darkvoyage.linking.position import ROADS_NM, Positions
from darkvoyage.linking.underway import Legs
from darkvoyage.linking.water import water_share
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import SCENES

RULE = LinkRule(by_sea=False)
START = pd.Timestamp("2024-03-01T00:00:00", tz="UTC").as_unit("us")


def gap_table(rows):
    """Rows of duration [h], start, end (lat, lon), speed and course at both ends."""
    names = [
        "duration_h",
        "start_lat",
        "start_lon",
        "end_lat",
        "end_lon",
        "start_sog",
        "start_cog",
        "end_sog",
        "end_cog",
    ]
    table = pd.DataFrame(rows, columns=names, dtype="float64")
    return table.assign(gap_start=START, gap_id=[f"g{k}" for k in range(len(table))])


def sighting_table(rows):
    """Rows of hours since the start, and place."""
    table = pd.DataFrame(rows, columns=["hours", "lat", "lon"], dtype="float64")
    times = START + pd.to_timedelta(table["hours"], unit="h")
    return table.assign(timestamp=times.dt.as_unit("us"), sighting_id=[f"s{k}" for k in range(len(table))])


def port_table(rows, sensitive=False):
    table = pd.DataFrame(rows, columns=["lat", "lon"], dtype="float64")
    return table.assign(port_id=[f"P{k}" for k in range(len(table))], radius_nm=1.0, sensitive=sensitive)


def errors(sightings, sd_nm=0.05, lag_h=0.0):
    """Displacement north by the speed to the east."""
    lag = np.zeros((len(sightings), 2, 2))
    lag[:, 1, 0] = lag_h
    usual = position_errors(sightings, empty(SCENES))
    exact = np.zeros(len(sightings))
    return dataclasses.replace(usual, sd_nm=exact + sd_nm, first_h=lag, second_h=lag, relative_sd=exact)


def densities(gaps, sightings, ports, *, rule=RULE, **error):
    pairs = candidates(gaps, sightings, rule)
    routes = excursions(gaps, ports, rule)
    return pairs, mixed(pairs, gaps, sightings, ports, routes, errors(sightings, **error), rule)


def mixed(pairs, gaps, sightings, ports, routes, error, rule):
    found = Positions.of(gaps, sightings, ports, routes, error, rule).densities(pairs)
    going_on = {name: getattr(found, name) for name in ("velocity_east_kn", "velocity_north_kn", "course_spread_deg")}
    return found.mixed(routes).assign(**going_on)


def under_way(pairs, gaps, sightings, ports, routes, rule):
    """Density on the legs and chance of what they tell, over all calls followed."""
    place = unit_vectors(sightings["lat"].to_numpy(), sightings["lon"].to_numpy())
    pair, call, density, told = Legs.of(gaps, ports, routes, rule).under_way(pairs, place)
    return (np.bincount(pair, routes.weight[call] * part, minlength=len(pairs)) for part in (density, told))


NO_PORTS = port_table([])
EAST = (2.0, 0, 0, 0, 20 / 60.04, 10, 90, 10, 90)


def test_without_ports_a_bridge_and_the_prism():
    pairs, found = densities(gap_table([EAST]), sighting_table([(1, 0, 10 / 60.04)]), NO_PORTS)
    full = [np.array([value], dtype="float64") for value in (10, 0, 20, 0, 10, 0, 10, 0, 2, 1, 0.05)]
    bridge = bridge_density(*full[:4], tuple(full[4:8]), *full[8:])[0]
    # Two hours, a tenth of the rule's: odds of anywhere in reach a tenth of a quarter.
    share = 40 / 41
    want = share * bridge + (1 - share) / pairs["area_nm2"][0]
    assert found["density"][0] == pytest.approx(want, rel=5e-3)
    assert found["benign"][0] == pytest.approx(share * bridge / want, rel=1e-2)
    assert found["port"][0] == -1
    assert found[["p_at_port", "p_at_port_prior"]].isna().all(axis=None)
    assert found["velocity_east_kn"][0] == pytest.approx(10, abs=0.1)
    assert found["velocity_north_kn"][0] == pytest.approx(0, abs=0.1)
    assert 0 < found["course_spread_deg"][0] < 10


def test_lying_at_a_port_by_hand():
    """Forty hours from and to one place, a port an hour off in the middle of the window: alongside for sure."""
    gaps, ports = gap_table([(40, 0, 0, 0, 0, 10, 0, 10, 180)]), port_table([(16 / 60.04, 0)])
    _, found = densities(gaps, sighting_table([(20, 16 / 60.04, 0)]), ports)
    # Odds of a third at twenty hours, of two thirds at forty.
    want = 0.4 / (2 * np.pi * RULE.port_sd_nm**2)
    assert found["port"][0] == 0
    assert found["p_at_port"][0] * found["density"][0] == pytest.approx(want, rel=1e-3)
    assert found["p_at_port_prior"][0] == pytest.approx(0.4)
    assert found["p_at_port"][0] > 0.9


def test_waiting_in_the_roads_by_hand():
    """The window is from 0.94 h to 39.06 h: at 5 h a stay of 20 h has begun with 4.06 / 18.12, a wait of 24 h, of six
    ships in ten, with 4.06 / 14.12; six miles from the port."""
    gaps, ports = gap_table([(40, 0, 0, 0, 0, 10, 0, 10, 180)]), port_table([(16 / 60.04, 0)])
    _, found = densities(gaps, sighting_table([(5, 22 / 60.04, 0)]), ports)
    wait = 0.6 * 4.06 / 14.12 * np.exp(-0.5 * (6 / ROADS_NM) ** 2) / (2 * np.pi * ROADS_NM**2)
    assert found["p_at_port"][0] * found["density"][0] == pytest.approx(0.4 * wait, rel=0.01)


def test_shares_sum_to_one():
    gaps = gap_table([EAST, (30, 0, 0, 0.5, 0.5, 3, 45, 8, 200), (12, 1, 1, np.nan, np.nan, 9, 300, np.nan, np.nan)])
    rng = np.random.default_rng(4)
    seen = sighting_table(np.column_stack([rng.uniform(0.2, 12, 60), rng.uniform(-1, 2, (60, 2))]))
    _, found = densities(gaps, seen, port_table([(0.3, 0.3), (1, 0), (0.5, 1.2), (1.4, 1.4), (0, 1)]))
    assert len(found) > 60
    assert np.allclose(found[["benign", "excursion", "prism"]].sum(axis=1), 1.0)
    assert (found["density"] > 0).all()
    assert (found[["benign", "excursion", "prism"]] >= 0).all(axis=None)


def test_the_sensitive_flag_never_enters():
    gaps = gap_table([(30, 0, 0, 0.5, 0.5, 3, 45, 8, 200)])
    seen, places = sighting_table([(12, 0.9, 0.1), (14, 0.3, 0.3), (3, 0.2, 0.1)]), [(0.3, 0.3), (1, 0)]
    _, plain = densities(gaps, seen, port_table(places))
    _, marked = densities(gaps, seen, port_table(places, [True, False]))
    assert_frame_equal(plain, marked)


def test_a_moving_ship_is_looked_for_where_radar_shows_it():
    """At 10 kn east and 0.05 h of lag it appears half a mile north of where it is."""
    seen = sighting_table([(1, 0, 10 / 60.04), (1, 0.5 / 60.04, 10 / 60.04)])
    _, still = densities(gap_table([EAST]), seen, NO_PORTS)
    _, moved = densities(gap_table([EAST]), seen, NO_PORTS, lag_h=0.05)
    assert still["density"][0] > 10 * still["density"][1]
    assert moved["density"][1] > 10 * moved["density"][0]


def test_a_ship_that_is_not_heard_again_keeps_its_course_for_a_while():
    gaps = gap_table([(20, 0, 0, np.nan, np.nan, 12, 90, np.nan, np.nan)])
    _, found = densities(gaps, sighting_table([(2, 0, 23.6 / 60.04), (2, 0, -23.6 / 60.04)]), NO_PORTS)
    assert found["density"][0] > 20 * found["density"][1] > 0
    assert found["velocity_east_kn"][0] == pytest.approx(12, abs=1)


def test_on_the_way_to_a_port():
    """The port's window leaves no slack: half-way out at a quarter of the time, half-way back at three quarters."""
    rule = LinkRule(by_sea=False, service_h=1e-6, max_speed_kn=10.0, share_excursion=0.5)
    gaps, ports = gap_table([(12.2, 0, 0, 0, 0, 10, 0, 10, 180)]), port_table([(1 + 1 / 60.04, 0)])
    seen = sighting_table([(3.05, 0.5, 0), (9.15, 0.5, 0), (3.05, -0.5, 0), (6.1, 0.5, 0)])
    pairs, routes = candidates(gaps, seen, rule), excursions(gaps, ports, rule)
    density, followed = under_way(pairs, gaps, seen, ports, routes, rule)
    assert np.allclose(followed, routes.weight[0])
    # 61 nm of way: widths of 9.2 nm, 0.8 at the port, and what the slack of 0.2 h leaves open.
    assert density[0] == pytest.approx(routes.weight[0] / (2 * np.pi * 9.2**2), rel=0.05)
    assert density[1] == pytest.approx(density[0], rel=0.02)
    assert density[2] < 0.05 * density[0]
    assert density[3] < 0.2 * density[0]


def test_a_gap_without_an_end_is_not_followed_back():
    gaps, ports = gap_table([(60, 0, 0, np.nan, np.nan, 10, 0, np.nan, np.nan)]), port_table([(0.5, 0)])
    seen = sighting_table([(55, 0.2, 0), (0.2, 0.02, 0)])
    pairs, routes = candidates(gaps, seen, RULE), excursions(gaps, ports, RULE)
    _, followed = under_way(pairs, gaps, seen, ports, routes, RULE)
    assert followed[1] == pytest.approx(routes.weight[0])
    assert followed[0] < 0.5 * routes.weight[0]


def test_rows_may_come_in_any_order():
    gaps = gap_table([EAST, (30, 0, 0, 0.5, 0.5, 3, 45, 8, 200)])
    seen, ports = sighting_table([(1, 0, 0.1), (1.5, 0.2, 0.3), (12, 0.9, 0.1)]), port_table([(0.3, 0.3), (1, 0)])
    pairs, routes = candidates(gaps, seen, RULE), excursions(gaps, ports, RULE)
    plain = mixed(pairs, gaps, seen, ports, routes, errors(seen), RULE)
    order = np.random.default_rng(1).permutation(len(pairs))
    other = mixed(pairs.iloc[order].reset_index(drop=True), gaps, seen, ports, routes, errors(seen), RULE)
    assert_frame_equal(other, plain.iloc[order].reset_index(drop=True))


def test_across_the_date_line():
    _, here = densities(gap_table([EAST]), sighting_table([(1, 0, 0.1)]), port_table([(0.1, 0.2)]))
    far = gap_table([(2.0, 0, 179.9, 0, 179.9 + 20 / 60.04 - 360, 10, 90, 10, 90)])
    _, there = densities(far, sighting_table([(1, 0, -180)]), port_table([(0.1, -179.9)]))
    assert_frame_equal(here, there, rtol=1e-6)


def test_anywhere_is_anywhere_on_water():
    """Two hours north of where the ship is bound there is nothing but the prism, thicker by the land in it."""
    gaps, seen = gap_table([(8.0, 35.2, 129.5, 35.2, 129.9, 3, 90, 3, 90)]), sighting_table([(4, 35.6, 130.0)])
    _, plain = densities(gaps, seen, NO_PORTS)
    by_sea = LinkRule(by_sea=True)
    _, wet = densities(gaps, seen, NO_PORTS, rule=by_sea)
    water = water_share(gaps, by_sea)[0]
    assert water < 0.9
    assert wet["density"][0] * wet["prism"][0] == pytest.approx(plain["density"][0] * plain["prism"][0] / water)
    assert wet["density"][0] * wet["benign"][0] == pytest.approx(plain["density"][0] * plain["benign"][0])


def test_no_pairs():
    _, found = densities(gap_table([]), sighting_table([]), NO_PORTS)
    assert found.shape == (0, 10)
