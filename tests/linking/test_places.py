"""Ports in reach of a gap: windows by hand, ways round land, and what must not matter."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from darkvoyage.linking.places import excursions, gap_shares
from darkvoyage.rules.linking import LinkRule
from tests.oracle import great_circle_nm

STRAIGHT, BY_SEA = LinkRule(by_sea=False), LinkRule(by_sea=True)


def gaps(rows):
    names = ("start_lat", "start_lon", "end_lat", "end_lon", "duration_h")
    return pd.DataFrame(rows, columns=names, dtype="float64")


def ports(rows, sensitive=False):
    table = pd.DataFrame(rows, columns=["lat", "lon"], dtype="float64")
    return table.assign(port_id=[f"P{k}" for k in range(len(table))], radius_nm=1.0, sensitive=sensitive)


def listed(routes):
    names = ("gap", "port", "weight", "arrive_h", "depart_h", "out_nm", "back_nm")
    return pd.DataFrame({name: getattr(routes, name) for name in names})


def test_window_by_hand():
    """A degree of latitude is 60.04 nm on the mean sphere, less the port's mile, at 16 kn: 3.69 h each way of 10."""
    routes = excursions(gaps([(0, 0, 0, 0, 10)]), ports([(1, 0), (2, 0)]), STRAIGHT)
    assert routes.port.tolist() == [0]
    assert routes.out_nm[0] == pytest.approx(60.04, abs=0.01)
    assert routes.arrive_h[0] == pytest.approx(59.04 / 16, abs=1e-3)
    assert routes.depart_h[0] == pytest.approx(10 - 59.04 / 16, abs=1e-3)
    # Odds of 1 in 3 at twenty hours, half of that at ten.
    assert routes.weight[0] == pytest.approx(1 / 7)


def test_open_gaps_need_not_come_back():
    routes = excursions(gaps([(0, 0, np.nan, np.nan, 10)]), ports([(1, 0), (2, 0)]), STRAIGHT)
    assert routes.port.tolist() == [0, 1]
    assert routes.depart_h.tolist() == [10, 10]
    assert routes.back_nm.tolist() == [0, 0]


def test_weights_fall_with_the_detour():
    """Two miles off the way and 60 off it, both ways: the detours differ by 118 nm less the ports' miles."""
    routes = excursions(gaps([(0, 0, 0, 0, 30)]), ports([(0, 2 / 60.04), (1, 0)]), STRAIGHT)
    want = np.exp(-2 * (59.04 - 1.0) / STRAIGHT.detour_nm)
    assert routes.weight[1] / routes.weight[0] == pytest.approx(want, rel=1e-3)
    assert routes.weight.sum() == pytest.approx(1 / 3)


def test_the_longer_the_silence_the_likelier_a_call():
    """Odds of a third at 20 h, of 1 at 60 h where an open gap stops to count; a twentieth where the ship lies still."""
    table = gaps([(0, 0, 0, 0, 20), (0, 0, 0, 0, 180), (0, 0, np.nan, np.nan, 180), (0, 0, 0, 0, 60), (0, 0, 0, 1, 60)])
    table = table.assign(start_sog=[5, 5, 0, 0, 0], end_sog=[5, 0, np.nan, 0.5, 0.5])
    odds = [1 / 3, 3, 1, 1 / 20, 1]
    call, straight = gap_shares(table, STRAIGHT)
    assert call == pytest.approx([one / (1 + one) for one in odds])
    # Anywhere in reach is a quarter as likely as going on, from twenty hours on.
    off = [1 / 4, 1 / 4, 1 / 4, 3 / 20 / 4, 1 / 4]
    assert straight == pytest.approx([1 / (1 + one) for one in off])


def test_flat_keeps_the_chance_of_each_gap():
    routes = excursions(gaps([(0, 0, 0, 0, 30), (0, 0, 0, 0, 6)]), ports([(0, 2 / 60.04), (1, 0)]), STRAIGHT)
    even = routes.flat()
    assert even.calling == pytest.approx(routes.calling)
    assert even.weight.tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 11])


def test_the_sensitive_flag_never_enters():
    table, places = gaps([(0, 0, 0, 1, 30), (0, 0.5, 0.2, 0, 20)]), [(1, 0), (0.5, 1), (0, 2)]
    plain = listed(excursions(table, ports(places), STRAIGHT))
    marked = listed(excursions(table, ports(places, [True, False, True]), STRAIGHT))
    assert_frame_equal(plain, marked)


def test_ways_go_round_land():
    """Yellow Sea to Pohang: 220 nm over Korea, by 34.2 N 126.0 E and 34.9 N 129.2 E about 205 + 165 + 75 nm."""
    table, place = gaps([(37.6, 125.5, 37.6, 125.5, 48)]), ports([(36.05, 129.6)])
    assert 200 < excursions(table, place, STRAIGHT).out_nm[0] < 240
    assert len(excursions(table, place, BY_SEA).port) == 0
    longer = excursions(table.assign(duration_h=100.0), place, BY_SEA)
    assert 400 < longer.out_nm[0] < 480
    assert 390 < longer.arrive_h[0] * BY_SEA.max_speed_kn < longer.out_nm[0]


def test_open_water_is_the_great_circle():
    table, place = gaps([(36.5, 131.0, 36.5, 131.0, 48)]), ports([(37.5, 131.2)])
    straight, sea = excursions(table, place, STRAIGHT), excursions(table, place, BY_SEA)
    assert sea.arrive_h[0] == pytest.approx(straight.arrive_h[0], rel=0.05)
    assert straight.out_nm[0] <= sea.out_nm[0] <= 1.1 * straight.out_nm[0]


def test_likeliest_calls():
    routes = excursions(gaps([(0, 0, 0, 0, 40), (0, 0.1, 0, 0, 6)]), ports([(2, 0), (0.2, 0), (1, 0)]), STRAIGHT)
    rows = routes.likeliest(2)
    assert list(zip(routes.gap[rows], routes.port[rows], strict=True)) == [(0, 1), (0, 2), (1, 1)]


def test_no_ports_and_no_gaps():
    assert len(excursions(gaps([]), ports([(0, 0)]), LinkRule()).gap) == 0
    assert len(excursions(gaps([(0, 0, 0, 0, 10)]), ports([]), LinkRule()).gap) == 0


def test_ports_in_reach_are_those_of_a_plain_loop():
    rng = np.random.default_rng(8)
    table = gaps(
        np.column_stack(
            [rng.uniform(-89, 89, 60), rng.uniform(-180, 180, 60), np.zeros((60, 2)), np.geomspace(3, 800, 60)]
        )
    )
    away = rng.uniform(0, 4, (2, 60))
    table["end_lat"] = np.clip(table["start_lat"] + away[0], -90, 90)
    table["end_lon"] = (table["start_lon"] + away[1] + 180) % 360 - 180
    table.loc[::7, ["end_lat", "end_lon"]] = np.nan
    table.loc[5, "start_lat"] = np.nan
    places = ports(np.column_stack([rng.uniform(-90, 90, 80), rng.uniform(-180, 180, 80)]))
    routes = excursions(table, places, STRAIGHT)
    want = []
    for i, gap in table.iterrows():
        apart = great_circle_nm(*(gap[name] for name in ("start_lat", "start_lon", "end_lat", "end_lon")))
        speed = np.fmax(STRAIGHT.max_speed_kn, 1.1 * apart / gap["duration_h"])
        for j, port in places.iterrows():
            out, back = (
                great_circle_nm(gap[f"{end}_lat"], gap[f"{end}_lon"], port["lat"], port["lon"])
                for end in ("start", "end")
            )
            way = max(out - 1, 0) + (0 if np.isnan(back) else max(back - 1, 0))
            if np.isfinite(out) and way / speed < gap["duration_h"]:
                want.append((i, j))
    assert len(want) > 200
    assert list(zip(routes.gap, routes.port, strict=True)) == want
