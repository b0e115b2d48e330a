import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkvoyage.reach.history import as_history
from darkvoyage.reach.prior import port_prior
from darkvoyage.rules.history import HistoryRule
from tests.worlds import hours

PLAIN = HistoryRule(
    floor_visits=1.0, kind_visits=1e9, own_visits=1e9, order_visits=1e9, repeat_share=1.0, far_share=0.0, detour_nm=30.0
)
"""Only the fleet's counts and the way speak."""
MINUTE = 1 / 60
"""Of latitude: 1 nm."""


def places(number=3, kinds=None, lat=(42.0, 43.0, 44.0)):
    ids = [f"P{k}" for k in range(number)]
    return pd.DataFrame({"port_id": ids, "name": ids, "lat": lat, "lon": 131.0, "kind": kinds or ["port"] * number})


def gap(begin=100.0, end=150.0, *, mmsi=1, ports=3, lat=42.0, **columns):
    """Pairs of one gap with every port."""
    table = {
        "mmsi": np.int64(mmsi), "gap_start": hours([begin] * ports), "gap_end": hours([end] * ports), "start_lat": lat,
        "start_lon": 131.0,
    }  # fmt: skip
    return pd.DataFrame(table | columns)


def visits(*rows):
    """Visits of (mmsi, port, arrive, depart)."""
    mmsi, port, arrive, depart = zip(*rows, strict=True)
    table = {"mmsi": mmsi, "port_id": port, "arrive": hours(arrive), "depart": hours(depart)}
    return as_history(pd.DataFrame(table))


def shares(near, history=None, rule=PLAIN, detour=None, ports=None):
    port = np.arange(len(near)) % 3
    detour = np.zeros(len(near)) if detour is None else np.asarray(detour, dtype="float64")
    return port_prior(near, places() if ports is None else ports, port, as_history(history), detour, rule)


def test_nothing_known_is_even():
    np.testing.assert_allclose(shares(gap()), 1 / 3)


def test_the_way_by_hand():
    # 0, 30 and 60 nm at 30 nm: 1, 1/e, 1/e^2.
    way = np.exp([0.0, -1.0, -2.0])
    np.testing.assert_allclose(shares(gap(), detour=[0, 30, 60]), way / way.sum())
    # A tenth of the calls can be anywhere, and falls more slowly.
    usual, unusual = np.exp([0.0, -1.0, -20.0]), np.exp([0.0, -0.3, -6.0])
    rule = HistoryRule(detour_nm=30.0, far_share=0.1, far_nm=100.0)
    expected = 0.9 * usual / usual.sum() + 0.1 * unusual / unusual.sum()
    np.testing.assert_allclose(shares(gap(), rule=rule, detour=[0, 30, 600]), expected)


def test_the_fleet_by_hand():
    # Visits 2, 1, 0 of others, and one of the floor each: 3, 2, 1 of 6.
    history = visits((2, "P0", 0, 5), (3, "P0", 10, 15), (2, "P1", 20, 25))
    np.testing.assert_allclose(shares(gap(), history), np.array([3, 2, 1]) / 6)


def test_the_ship_by_hand():
    # The fleet's 3, 2, 1 of 6 weigh one visit; the ship itself was at P2 three times: (0.5, 1/3, 3 + 1/6) of 4, but for
    # its own visits in the fleet's count: 3, 2, 4 of 9.
    own = [(1, "P2", 30 * k, 30 * k + 5) for k in range(3)]
    history = visits((2, "P0", 0, 5), (3, "P0", 10, 15), (2, "P1", 20, 25), *own)
    rule = HistoryRule(
        floor_visits=1, kind_visits=1e9, own_visits=1, order_visits=1e9, repeat_share=1, far_share=0, schedule_share=0
    )
    expected = (np.array([0, 0, 3]) + np.array([3, 2, 4]) / 9) / 4
    np.testing.assert_allclose(shares(gap(), history, rule), expected, rtol=1e-6)


def test_ships_of_the_kind_count_more():
    history = visits((2, "P0", 0, 5), (3, "P1", 0, 5)).assign(ship_type=pd.array([80, 70], dtype="Int16"))
    rule = HistoryRule(floor_visits=1, kind_visits=1, own_visits=1e9, order_visits=1e9, far_share=0)
    expected = (np.array([1, 0, 0]) + np.array([2, 2, 1]) / 5) / 2
    np.testing.assert_allclose(shares(gap(ship_type=89), history, rule), expected, rtol=1e-6)
    np.testing.assert_allclose(shares(gap(ship_type=0), history, rule), np.array([2, 2, 1]) / 5, rtol=1e-6)


def test_what_overlaps_the_gap_does_not_count():
    inside = visits((1, "P0", 90, 101), (1, "P0", 120, 130), (1, "P0", 149, 160))
    np.testing.assert_allclose(shares(gap(), inside, HistoryRule()), 1 / 3)
    # A visit that ends or begins with the gap is none of it, and neither is another ship's.
    for row in ((1, "P0", 90, 100), (1, "P0", 150, 160), (2, "P0", 120, 130)):
        assert shares(gap(), visits(row))[0] == pytest.approx(0.5)


def test_a_silence_beside_a_port_hardly_counts():
    # Two visits with a stop and one without: 1 + 2, 1 + 0.1, 1.
    history = visits((2, "P0", 0, 5), (2, "P0", 20, 25), (2, "P1", 40, 45)).assign(stop_h=[4.0, np.nan, 0.0])
    np.testing.assert_allclose(shares(gap(), history), np.array([3, 1.1, 1]) / 5.1)


def test_a_visit_counts_a_little_at_the_other_places_of_its_harbour():
    # P1 lies 2 nm from P0, P2 5 nm: the ship's visit counts 1, 0.18 and 0; before, each had a third.
    ports = places(lat=(42.0, 42.0 + 2 * MINUTE, 42.0 - 5 * MINUTE))
    history = visits((1, "P0", 60, 65))
    rule = HistoryRule(floor_visits=1e9, kind_visits=1e9, own_visits=1, order_visits=1e9, repeat_share=1, far_share=0)
    expected = (np.array([1, 0.18, 0]) + 1 / 3) / 2.18
    np.testing.assert_allclose(shares(gap(), history, rule, ports=ports), expected, rtol=1e-6)


def test_liners_come_on_the_same_day():
    # In port from hour 0 to 10 of three weeks at P0 and from hour 60 to 70 at P1. A gap of 21 h in the fourth week.
    week = 168
    rows = [(1, f"P{k}", week * n + 60 * k, week * n + 60 * k + 10) for n in range(3) for k in (0, 1)]
    rule = HistoryRule(floor_visits=1e9, kind_visits=1e9, own_visits=1, order_visits=1e9, repeat_share=1, far_share=0)
    # All returns keep the day: (3 * 0.08 + 6) / (3 + 6). A gap is an eighth of a week long, so that the visits at P0
    # count 8 times as much with this chance; those at P1 only with the rest of it.
    regular = (3 * 0.08 + 6) / 9
    own = 3 * np.array([1 - regular + regular * 8, 1 - regular, 0])
    near = gap(3 * week - 5, 3 * week + 16)
    np.testing.assert_allclose(shares(near, visits(*rows), rule), (own + 1 / 3) / (own.sum() + 1), rtol=1e-6)
    # Without it they are alike.
    loose = dataclasses.replace(rule, schedule_share=0.0, schedule_visits=1e9)
    assert shares(near, visits(*rows), loose)[0] == pytest.approx(shares(near, visits(*rows), loose)[1])


def test_shifts_within_a_harbour_are_one_call():
    # P0 and P1 are basins of one harbour. The ship goes P2 - P0 - P1 - P2 and is lost after P1: it was last in P0, from
    # where it went on to P2 once; had it left P0 for P1, P1 would have gained.
    ports = places(lat=(42.0, 42.0 + 3 * MINUTE, 44.0))
    tour = [(1, "P2", 0, 5), (1, "P0", 20, 25), (1, "P1", 30, 35), (1, "P2", 50, 55), (1, "P0", 70, 75)]
    rule = HistoryRule(floor_visits=1e9, kind_visits=1e9, own_visits=1e9, order_visits=1, repeat_share=1, far_share=0)
    expected = np.array([1 / 3, 1 / 3, 1 + 1 / 3]) / 2
    np.testing.assert_allclose(shares(gap(), visits(*tour), rule, ports=ports), expected, rtol=1e-6)
    apart = places(lat=(42.0, 43.0, 44.0))
    np.testing.assert_allclose(shares(gap(), visits(*tour), rule, ports=apart)[1], (1 + 1 / 3) / 2, rtol=1e-6)


def test_a_shuttle_goes_to_the_other_end():
    # A-B-A-B-(A)-B: lost after B, seen next at B; it never went from B to B but over the gap.
    rows = [(1, "P0", 0, 5), (1, "P1", 20, 25), (1, "P0", 40, 45), (1, "P1", 60, 65), (1, "P1", 200, 205)]
    rule = HistoryRule(
        floor_visits=1e9, kind_visits=1e9, own_visits=1, order_visits=1, repeat_share=0.5, far_share=0, schedule_share=0
    )
    # The ship's visits 2, 3, 0 and a third each: 7, 10, 1 of 18; B half again: 7, 5, 1 of 13. From B it went to A once,
    # to B from A twice: 20, 5, 1 and 33, 5, 1, and their product over 7, 10, 1.
    weight = np.array([20 * 33 / 7, 5 * 5 / 10, 1])
    np.testing.assert_allclose(shares(gap(100, 150), visits(*rows), rule), weight / weight.sum(), rtol=1e-6)
    # Without the order of its calls, the three visits to B would win.
    loose = dataclasses.replace(rule, order_visits=1e9, repeat_share=1.0)
    np.testing.assert_allclose(shares(gap(100, 150), visits(*rows), loose), np.array([7, 10, 1]) / 18, rtol=1e-6)


def test_the_step_over_the_gap_is_not_taken_for_a_habit():
    # C before and A after: the step C-A is only what is seen of the call that is sought.
    history = visits((1, "P2", 0, 5), (1, "P0", 200, 205))
    rule = HistoryRule(order_visits=1.0, repeat_share=1.0)
    loose = HistoryRule(order_visits=1e9, repeat_share=1.0)
    np.testing.assert_allclose(shares(gap(), history, rule), shares(gap(), history, loose), rtol=1e-6)


def test_terminals_are_for_tankers():
    where = ["port", "port", "terminal"]
    for kind, factor in ((70, 0.4), (80, 1.0), (None, 1.0), (0, 1.0)):
        near = gap(ship_type=pd.array([kind] * 3, dtype="Int16"))
        assert shares(near, ports=places(kinds=where))[2] == pytest.approx(factor / (2 + factor))


def test_visits_without_a_time_count():
    plain = pd.DataFrame({"mmsi": [1, 1], "port_id": ["P1", "P1"]})
    assert shares(gap(), plain, HistoryRule())[1] > 0.7


def test_no_pairs():
    assert len(shares(gap().head(0))) == 0


_rows = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]), st.sampled_from(["P0", "P1", "P2", "P9"]), st.integers(0, 60),
        st.sampled_from([0.0, 3.0, np.nan]),
    ), max_size=16, unique_by=lambda row: (row[0], row[2]),
)  # fmt: skip
_gaps = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(0, 60), st.integers(1, 9), st.booleans()),
    min_size=1,
    max_size=4,
)
BASINS = places(lat=(42.0, 42.0 + 3 * MINUTE, 44.0))


@settings(max_examples=80)
@given(_rows, _gaps)
def test_equals_the_plain_loop(rows, gaps):
    # Stays of 6 h that begin every 10 h, in two basins of a harbour and a third port; gaps that begin and end at, in
    # and between them.
    history = visits(*((ship, port, 10 * k, 10 * k + 6) for ship, port, k, _ in rows)) if rows else as_history(None)
    stop = {(ship, k): stop for ship, _, k, stop in rows}
    hour = (history["arrive"] - hours([0.0])[0]).dt.total_seconds() / 3600
    history = history.assign(
        ship_type=pd.array(70 + 10 * (history["mmsi"] % 2), dtype="Int16"),
        stop_h=[stop[ship, round(at / 10)] for ship, at in zip(history["mmsi"], hour, strict=True)],
    )
    near = pd.concat(
        [
            gap(10 * k - 1, 10 * (k + long) - 2, mmsi=ship, lat=float(n), ship_type=70 + 10 * (ship % 2)).assign(
                gap_end=lambda table, shut=shut: table["gap_end"].where(np.full(len(table), shut))
            )
            for n, (ship, k, long, shut) in enumerate(gaps)
        ],
        ignore_index=True,
    )
    detour = np.tile([0.0, 20.0, 55.0], len(gaps))
    expected = np.concatenate([plain_prior(history, near.iloc[3 * n], detour[:3]) for n in range(len(gaps))])
    np.testing.assert_allclose(shares(near, history, HistoryRule(), detour, BASINS), expected, rtol=1e-9)


def plain_prior(history, hole, detour):
    """Shares of three ports in one gap, visit by visit; P0 and P1 are basins of one harbour."""
    rule = HistoryRule()
    start, end = hole["gap_start"], hole["gap_end"]
    end = pd.Timestamp("2200-01-01T00:00Z") if pd.isna(end) else end
    listed = [row for row in history.itertuples() if row.port_id != "P9"]
    kept = [row for row in listed if not (row.mmsi == hole["mmsi"] and row.arrive < end and row.depart > start)]
    own = [row for row in kept if row.mmsi == hole["mmsi"]]
    kin = [row for row in kept if row.ship_type // 10 == hole["ship_type"] // 10]
    ours = [row for row in listed if row.mmsi == hole["mmsi"]]

    def even(weight):
        return np.array(weight) / sum(weight)

    def counts(row):
        return rule.silent_share if row.stop_h == 0 else 1.0

    def pulled(rows, pseudo, broader):
        return even(
            [sum(counts(row) for row in rows if row.port_id == f"P{k}") + pseudo * broader[k] for k in range(3)]
        )

    share = pulled(kept, rule.floor_visits, np.ones(3))
    share = pulled(kin, rule.kind_visits, share)
    regular = plain_regularity(ours, rule)
    habit = [0.0, 0.0, 0.0]
    for row in own:
        for k in range(3):
            beside = row.port_id != f"P{k}" and {row.port_id, f"P{k}"} == {"P0", "P1"}
            weight = counts(row) * (1.0 if row.port_id == f"P{k}" else rule.harbour_share if beside else 0.0)
            habit[k] += weight * plain_timetable(row, start, end, regular)
    share = even([habit[k] + rule.own_visits * share[k] for k in range(3)])
    calls = plain_calls(ours)
    before = [port for port, _, depart in calls if depart <= start][-1:]
    after = [port for port, arrive, _ in calls if arrive >= end][:1]
    steps = [(a[0], b[0]) for a, b in itertools.pairwise(calls)]
    if before and after and not any(start < depart and arrive < end for _, arrive, depart in calls):
        steps.remove((before[0], after[0]))
    weight = share.copy()
    for beside, step in ((before, lambda k, at: (at, f"P{k}")), (after, lambda k, at: (f"P{k}", at))):
        if beside:
            again = even([share[k] * (rule.repeat_share if f"P{k}" == beside[0] else 1.0) for k in range(3)])
            number = [sum(one == step(k, beside[0]) for one in steps) for k in range(3)]
            weight *= even(np.array(number) + rule.order_visits * again) / share
    usual, unusual = even(weight * np.exp(-detour / rule.detour_nm)), even(np.exp(-detour / rule.far_nm))
    return (1 - rule.far_share) * usual + rule.far_share * unusual


def plain_calls(rows):
    """Port, arrival and departure of the stops, shifts within a harbour left out."""
    calls, shift = [], None
    for row in rows:
        if row.stop_h == 0:
            continue
        one_harbour = shift is not None and (shift.port_id == "P2") == (row.port_id == "P2")
        if one_harbour and row.arrive - shift.depart < pd.Timedelta(hours=12):
            calls[-1][2] = max(calls[-1][2], row.depart)
        else:
            calls.append([row.port_id, row.arrive, row.depart])
        shift = row
    return calls


def hours_apart(row, moment):
    return (row.arrive + (row.depart - row.arrive) / 2 - moment) / pd.Timedelta(hours=1)


def within_the_week(apart, half):
    return min(apart % 168, -apart % 168) <= half


def plain_regularity(rows, rule):
    """Share of the returns that keep the day of the week."""
    returns = kept = 0
    stops = [row for row in rows if row.stop_h != 0]
    for row in stops:
        middle = row.arrive + (row.depart - row.arrive) / 2
        others = [hours_apart(other, middle) for other in stops if other.port_id == row.port_id]
        others = [apart for apart in others if abs(apart) > 84]
        returns += bool(others)
        kept += any(within_the_week(apart, 8) for apart in others)
    return (rule.schedule_visits * rule.schedule_share + kept) / (rule.schedule_visits + returns)


def plain_timetable(row, start, end, regular):
    """How much a visit counts for a gap at its time of the week."""
    long = (end - start) / pd.Timedelta(hours=1)
    if row.stop_h == 0 or long >= 84:
        return 1.0
    apart = hours_apart(row, start + (end - start) / 2)
    if abs(apart) <= 84:
        return 1.0
    return 1 - regular + (regular * 168 / long if within_the_week(apart, long / 2) else 0.0)


def test_any_order_of_visits_and_any_other_gaps_beside():
    rng = np.random.default_rng(2)
    rows = [(1 + k % 3, f"P{k % 2}", 10 * k, 10 * k + 5) for k in range(12)]
    near = pd.concat([gap(33, 61, mmsi=ship, lat=40.0 + ship) for ship in (1, 2, 3)], ignore_index=True)
    whole = shares(near, visits(*rows), HistoryRule())
    shuffled = visits(*(rows[k] for k in rng.permutation(12)))
    np.testing.assert_array_equal(shares(near, shuffled, HistoryRule()), whole)
    alone = [shares(near.iloc[k : k + 3].reset_index(drop=True), shuffled, HistoryRule()) for k in (0, 3, 6)]
    np.testing.assert_allclose(np.concatenate(alone), whole, rtol=1e-12)
