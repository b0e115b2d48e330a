"""What hiding ships do, looked at in their own diaries."""

import itertools

import numpy as np
import pytest

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.simulation.behaviours import berths_off, faults, security_off, swap_identity
from darkvoyage.simulation.diary import ANCHORED, MOORED, SAILING, SLOT_S, SLOTS_PER_DAY, Identity
from darkvoyage.simulation.plans import Meeting, Plan, make_plans
from darkvoyage.simulation.presets import PRESETS
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.shuttles import hiding_logs
from darkvoyage.simulation.voyages import honest_log
from darkvoyage.simulation.waters_east import east_sea

RULES = PRESETS["campaign"].hiding
HABITS = PRESETS["campaign"].habits
PLACE = {"RUVYP": (42.75, 133.0833), "RUNJK": (42.80, 132.8833)}
DAYS = 90
MEETING = Meeting(None, (39.6, 133.4), 14.0, (True, True), 0)
ALONE = [
    Plan(4.0, "dark_call", "RUVYP"), Plan(19.0, "spoofed", "RUVYP"), Plan(34.0, "off_wait"), Plan(46.0, "off_no_call"),
    Plan(72.0, "open_call", "RUNJK"),
]  # fmt: skip
BOTH = Plan(57.0, "dark_meeting", meeting=MEETING)


def hider(number, dwt=4000.0):
    ports = tuple(port for port, _ in east_sea().dark_ports)
    return Ship(
        291000001 + number, 2000005, f"DEMO {number}", "hider", 80, "A", dwt, 90, 15, 6, 10.0, 1.0, ports, 0.0, DAYS
    )  # fmt: skip


def sail(plans, seeds=(1, 2)):
    own = [np.random.default_rng(seed) for seed in seeds[: len(plans)]]
    ships = [hider(number, 4000.0 + 500 * number) for number in range(len(plans))]
    return hiding_logs(ships, east_sea(), RULES, own, plans, DAYS * SLOTS_PER_DAY)


@pytest.fixture(scope="module")
def pair():
    return sail([sorted([*ALONE, BOTH], key=lambda plan: plan.day), [BOTH]])


def one(log, kind):
    (event,) = [event for event in log.events if event.kind == kind]
    return event


def slots(log, begin_s, end_s):
    return slice(int(begin_s // SLOT_S) - log.first, int(end_s // SLOT_S) - log.first)


def steps_kn(lat, lon):
    return great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]) * 6


def test_ships_never_leap(pair):
    for log in pair:
        assert len(log.lat) == DAYS * SLOTS_PER_DAY
        # Ten knots, up to 1.8 faster for a while and 1.5 where two entries join; the outside of a turn is longer yet.
        for speed in (steps_kn(log.lat, log.lon), steps_kn(log.shown_lat, log.shown_lon)):
            assert speed.max() < 16.0
            assert (speed > 13.3).mean() < 0.002


def test_each_undertaking_leaves_its_event(pair):
    kinds = [[event.kind for event in log.events] for log in pair]
    assert kinds[0] == ["dark_call", "spoofed", "off_wait", "off_no_call", "dark_meeting"]
    assert kinds[1] == ["dark_meeting"]
    assert [silence.kind for silence in pair[0].silences] == ["dark_call", "off_wait", "off_no_call", "dark_meeting"]


def test_a_hidden_call(pair):
    log = pair[0]
    call = one(log, "dark_call")
    assert call.off_s < call.arrive_s < call.depart_s < call.on_s
    assert RULES.load_h[0] - 0.2 <= (call.depart_s - call.arrive_s) / 3600 <= RULES.load_h[1] + 0.2
    there = slots(log, call.arrive_s, call.depart_s)
    assert (log.mode[there] == MOORED).all()
    assert great_circle_nm(log.lat[there], log.lon[there], *PLACE["RUVYP"]).max() < 3.0
    # 0.70 to 0.98 of nineteen twentieths of the deadweight, 7.45 barrels a tonne of gasoil.
    assert 0.69 * 3800 <= call.cargo_t <= 0.99 * 3800
    assert call.barrels / call.cargo_t == pytest.approx(7.45, rel=0.04)
    before, after = (
        [laden for slot, laden in log.loads if slot * SLOT_S < time][-1] for time in (call.arrive_s, call.on_s)
    )
    assert (before, after) == (False, True)


def test_a_feigned_track(pair):
    log = pair[0]
    call = one(log, "spoofed")
    away = great_circle_nm(log.lat, log.lon, log.shown_lat, log.shown_lon)
    inside = slots(log, call.off_s, call.on_s)
    outside = np.ones(len(away), dtype=bool)
    outside[inside] = False
    outside[inside.stop] = False
    assert (away[outside] == 0).all()
    assert away[inside].max() > 20
    assert (log.status[inside] == 0).all()
    there = slots(log, call.arrive_s, call.depart_s)
    assert great_circle_nm(log.lat[there], log.lon[there], *PLACE["RUVYP"]).max() < 3.0
    assert great_circle_nm(log.shown_lat[there], log.shown_lon[there], *PLACE["RUVYP"]).min() > 5.0


def test_silences_without_a_call(pair):
    log = pair[0]
    for kind in ("off_wait", "off_no_call"):
        event = one(log, kind)
        rows = slots(log, event.off_s, event.on_s)
        assert event.port_id is None
        for place in PLACE.values():
            assert great_circle_nm(log.lat[rows], log.lon[rows], *place).min() > 10.0
    waiting, passage = (slots(log, one(log, kind).off_s, one(log, kind).on_s) for kind in ("off_wait", "off_no_call"))
    assert (log.mode[waiting] != SAILING).mean() > 0.5
    assert (log.mode[passage] == SAILING).mean() > 0.9


def test_a_meeting(pair):
    events = [one(log, "dark_meeting") for log in pair]
    for log, event, other in zip(pair, events, reversed(pair), strict=True):
        assert event.off_s < event.arrive_s < event.depart_s < event.on_s
        assert event.other_mmsi == other.ship.mmsi
        assert (event.arrive_s, event.depart_s) == (events[0].arrive_s, events[0].depart_s)
        assert event.cargo_t == events[0].cargo_t <= 0.98 * 0.95 * 4000
        rows = slots(log, event.arrive_s, event.depart_s)
        assert np.median(great_circle_nm(log.lat[rows], log.lon[rows], *MEETING.place)) < 1.0
        assert (log.mode[rows] == ANCHORED).all()
    assert [event.loaded for event in events] == [False, True]
    assert 8 <= (events[0].depart_s - events[0].arrive_s) / 3600 <= 14.1
    rows = slots(pair[0], events[0].arrive_s + 2 * 3600, events[0].depart_s)
    one_, two = (np.column_stack([log.lat[rows], log.lon[rows]]) for log in pair)
    assert great_circle_nm(*one_.T, *two.T).max() < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_partners_find_each_other(seed):
    logs = sail([[BOTH], [Plan(48.0, "dark_call", "RUVYP"), BOTH]], seeds=(seed, seed + 100))
    assert [event.kind for event in logs[0].events] == ["dark_meeting"]
    assert [event.kind for event in logs[1].events] == ["dark_call", "dark_meeting"]


def test_one_partner_may_send_all_the_time():
    loud = Plan(57.0, "dark_meeting", meeting=Meeting("sts", MEETING.place, 14.0, (True, False), 1))
    quiet, sender = sail([[loud], [loud]])
    assert [silence.kind for silence in quiet.silences] == ["dark_meeting"]
    assert sender.silences == []
    event = one(sender, "dark_meeting")
    assert event.off_s == event.on_s == event.arrive_s
    assert event.port_id == "sts"
    assert event.loaded is False


def test_a_ship_that_comes_too_late_meets_nobody():
    late = Plan(57.0, "dark_call", "RUVYP")
    logs = sail([[BOTH], [late, BOTH]])
    assert [event.kind for event in logs[0].events] == ["off_wait"]
    assert [event.kind for event in logs[1].events] == ["dark_call", "off_wait"]
    assert logs[0].events[0].other_mmsi is None
    assert np.isnan(logs[0].events[0].arrive_s)


@pytest.mark.parametrize("seed", range(10))
def test_about_forty_three_calls_by_twelve_tankers(seed):
    plans = []
    for ship in range(0, 12, 2):
        own = [np.random.default_rng([seed, ship + k]) for k in range(2)]
        plans += make_plans(east_sea(), RULES, 256, np.random.default_rng([seed, 100, ship]), own)
    calls = [sum(plan.kind == "dark_call" for plan in mine) for mine in plans]
    assert 34 <= sum(calls) <= 52
    days = np.concatenate([[plan.day for plan in mine] for mine in plans])
    # From 7 March, after a passage of about a day, to 5 November.
    assert days.min() > 5
    assert days.max() < 245
    assert min(np.diff([plan.day for plan in mine]).min() for mine in plans) > 0.6 * RULES.cycle_d


@pytest.fixture
def trader():
    ports = ("KRPUS", "JPKIJ", "RUVVO")
    ship = Ship(291000009, 2000005, "DEMO 9", "trader", 80, "A", 20000, 140, 22, 9, 12.0, 1.0, ports, 0.0, DAYS)
    return honest_log(ship, east_sea(), HABITS, np.random.default_rng(3), DAYS * SLOTS_PER_DAY)


def test_faults_come_as_often_as_they_should():
    ship = hider(0)
    numbers = []
    for seed in range(20):
        (log,) = hiding_logs([ship], east_sea(), RULES, [np.random.default_rng(seed)], [[]], 30 * SLOTS_PER_DAY)
        faults(log, HABITS, np.random.default_rng(seed + 50))
        numbers.append(len(log.silences))
        assert all(3 <= (silence.on_s - silence.off_s) / 3600 <= 72 for silence in log.silences)
    # Poisson: 20 x 0.2, three standard deviations.
    assert 0 < sum(numbers) <= 4 + 3 * 2


def test_crews_switch_off_at_sea_only(trader):
    habits = PRESETS["strait"].habits
    rng = np.random.default_rng(0)
    while not trader.silences:
        security_off(trader, habits, rng)
    for silence in trader.silences:
        rows = slots(trader, silence.off_s, silence.on_s)
        assert 6 <= (silence.on_s - silence.off_s) / 3600 <= 48
        assert not np.isin(trader.mode[rows], (MOORED, ANCHORED)).any()


def test_berths_are_named(trader):
    rng = np.random.default_rng(0)
    while not trader.silences:
        berths_off(trader, east_sea(), HABITS, rng)
    for event in trader.events:
        assert event.port_id in trader.ship.ports
        rows = slots(trader, event.off_s, event.on_s)
        assert (trader.mode[rows] == MOORED).all()


def test_silences_keep_apart(trader):
    for seed in range(30):
        faults(trader, HABITS, np.random.default_rng(seed))
    spans = sorted((silence.off_s, silence.on_s) for silence in trader.silences)
    assert len(spans) > 5
    assert min(two[0] - one[1] for one, two in itertools.pairwise(spans)) >= 12 * 3600


def test_an_identity_is_swapped_and_may_come_back():
    fresh, partner = Identity(298000001, 2000017, "DEMO OTTER 1"), Identity(291000002, 2000029, "DEMO 1")
    used, back = set(), 0
    for seed in range(60):
        (log,) = hiding_logs([hider(0)], east_sea(), RULES, [np.random.default_rng(seed)], [[]], 40 * SLOTS_PER_DAY)
        swap_identity(log, PRESETS["strait"].hiding, fresh, partner, np.random.default_rng(seed))
        if len(log.identities) == 1:
            assert log.events == []
            continue
        first, *more = log.events
        used.add(log.identities[1][1].mmsi)
        assert first.other_mmsi == log.identities[1][1].mmsi
        assert first.off_s == log.identities[1][0] * SLOT_S
        assert (first.on_s == np.inf) == (more == [])
        back += len(more)
        if more:
            assert log.identities[2] == (first.on_s // SLOT_S, log.identities[0][1])
            assert more[0].other_mmsi == log.ship.mmsi
        assert log.silences == []
    assert used == {fresh.mmsi, partner.mmsi}
    assert back > 0
