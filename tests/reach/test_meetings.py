"""Meetings in the dark, on ships at sea whose times together can be worked out by hand; all ships are fictional."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import EARTH_RADIUS_NM, great_circle_nm
from darkvoyage.rules.meetings import MeetingRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import DARK_MEETINGS, GAPS
from tests.worlds import hours

DEGREE_NM = np.radians(1.0) * EARTH_RADIUS_NM
CAP_KN = 18.5  # a tanker's 17 kn and 1.5 kn of current
SHIP = 299_000_001


def gap(ship, start_h, end_h, start, end, **more):
    """One gap of a tanker under way at 12 kn at both ends; `end` None: not heard again."""
    return {
        "gap_id": f"g{ship}-{start_h}", "track_id": f"{SHIP + ship}-0", "mmsi": SHIP + ship,
        "gap_start": hours([start_h])[0], "gap_end": pd.NaT if end is None else hours([end_h])[0],
        "is_closed": end is not None, "duration_h": float(end_h - start_h),
        "distance_nm": np.nan, "start_lat": start[0], "start_lon": start[1],
        "end_lat": np.nan if end is None else end[0], "end_lon": np.nan if end is None else end[1],
        "start_sog": 12.0, "end_sog": 12.0, "ship_type": 80,
    } | more  # fmt: skip


def gaps(*rows):
    table = pd.DataFrame(rows).astype({"ship_type": "Int16"})
    for name in ("gap_start", "gap_end"):
        table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
    counts = [column.name for column in GAPS.columns if not column.nullable and column.name not in table]
    return table.assign(**dict.fromkeys(counts, 0))


def pair(**more):
    """Two tankers that leave places two degrees apart on the equator and come back to them 30 h later."""
    return gaps(gap(1, 0, 30, (0, 0), (0, 0), **more), gap(2, 0, 30, (0, 2), (0, 2), **more))


def area(lat=0.0, lon=1.0, kind="sts", **more):
    row = {"port_id": "sts-x", "name": "X", "kind": kind, "country": None, "lat": lat, "lon": lon, "radius_nm": 5.0}
    return pd.DataFrame([row | {"sensitive": False} | more])


def linger(start_h, end_h, lat, lon, ship=9):
    return pd.DataFrame(
        {
            "loitering_id": ["l1"], "track_id": [f"{SHIP + ship}-0"], "start_time": hours([start_h]),
            "end_time": hours([end_h]), "lat": [lat], "lon": [lon], "duration_h": [float(end_h - start_h)],
            "distance_nm": [1.0], "mean_speed_kn": [0.1],
        }
    )  # fmt: skip


def test_two_ships_that_could_meet_half_way():
    found = dv.find_dark_meetings(pair())
    assert found["gap_id"].tolist() == ["g1-0", "g2-0"]
    assert found["other_gap_id"].tolist() == ["g2-0", "g1-0"]
    assert found["meeting_id"].tolist() == ["g1-0+g2-0"] * 2
    assert found["other_mmsi"].tolist() == [SHIP + 2, SHIP + 1]
    assert found["loitering_id"].isna().all()
    way_h = DEGREE_NM / CAP_KN
    np.testing.assert_allclose(found["joint_h"], 30 - 2 * way_h, atol=0.01)
    assert (abs(found["earliest"] - hours([way_h])[0]) < pd.Timedelta(minutes=1)).all()
    assert (abs(found["latest"] - hours([30 - way_h])[0]) < pd.Timedelta(minutes=1)).all()
    np.testing.assert_allclose(found["lon"], 1.0, atol=0.01)
    assert found["p_feasible"].between(0.97, 1).all()
    assert found["p_met"].between(1e-5, 1).all()
    assert found["direction"].isna().all()


def test_the_time_together_must_suffice():
    # 120 nm each way leave 30 - 2 x 60 / 18.5 = 23.5 h.
    table = pair()
    for least, rows in ((23.0, 2), (24.0, 0)):
        assert len(dv.find_dark_meetings(table, rule=MeetingRule(min_h=least))) == rows
    # Half an hour is enough for small transfers: 3 h of silence, 20 nm apart.
    short = gaps(gap(1, 0, 3, (0, 0), (0, 0)), gap(2, 0, 3, (0, 1 / 3), (0, 1 / 3)))
    assert len(dv.find_dark_meetings(short)) == 0
    assert len(dv.find_dark_meetings(short, rule=MeetingRule(min_h=0.5))) == 2


def test_ships_that_are_silent_at_other_times_or_far_apart_never_met():
    later = gaps(gap(1, 0, 30, (0, 0), (0, 0)), gap(2, 25, 60, (0, 0.1), (0, 0.1)))
    far = gaps(gap(1, 0, 30, (0, 0), (0, 0)), gap(2, 0, 30, (0, 9), (0, 9)))
    # On its way from here to there at all but full speed, a ship has no time for another.
    hurried = gaps(gap(1, 0, 30, (0, 0), (0, 9)), gap(2, 0, 30, (0, 4), (0, 4)))
    for table in (later, far, hurried):
        assert len(dv.find_dark_meetings(table)) == 0


def test_a_ship_does_not_meet_itself():
    table = pair().assign(mmsi=SHIP, track_id=[f"{SHIP}-0", f"{SHIP}-1"])
    assert len(dv.find_dark_meetings(table)) == 0


def test_gaps_that_last_and_gaps_without_a_place():
    open_ = gaps(gap(1, 0, 30, (0, 0), None), gap(2, 0, 30, (0, 2), (0, 2)))
    found = dv.find_dark_meetings(open_, rule=MeetingRule(least_p_met=0))
    # The one that stays away can come all the way, and need not go back.
    np.testing.assert_allclose(found["joint_h"], 30 - 2 * DEGREE_NM / CAP_KN, atol=0.02)
    nowhere = open_.assign(start_lat=[np.nan, 0.0])
    assert len(dv.find_dark_meetings(nowhere)) == 0


def test_a_ship_that_lingers_within_reach():
    table = pair().head(1)
    seen = linger(4, 22, 0.0, 0.5)
    found = dv.find_dark_meetings(table, loitering=seen)
    assert found[["gap_id", "loitering_id", "other_mmsi"]].values.tolist() == [["g1-0", "l1", SHIP + 9]]
    assert found["other_gap_id"].isna().all()
    # 30 nm at 18.5 kn are less than the 4 h after which the other is there; it leaves before the gap's ship must.
    np.testing.assert_allclose(found["joint_h"], 18.0, atol=1e-6)
    assert found["p_feasible"].between(0.99, 1).all()
    np.testing.assert_allclose(found[["lat", "lon"]].values, [[0.0, 0.5]], atol=1e-9)
    assert len(dv.find_dark_meetings(table, loitering=linger(4, 9, 0.0, 0.5))) == 0
    assert len(dv.find_dark_meetings(table, loitering=linger(4, 22, 0.0, 6.0))) == 0
    assert len(dv.find_dark_meetings(table, loitering=linger(4, 22, 0.0, 0.5, ship=1))) == 0


def test_who_lies_off_a_port_waits_for_the_port():
    table, seen = pair().head(1), linger(4, 22, 0.0, 0.5)
    for kind, rows in (("port", 0), ("anchorage", 0), ("sts", 1)):
        places = area(lat=0.0, lon=0.55, kind=kind)
        assert len(dv.find_dark_meetings(table, loitering=seen, ports=places)) == rows
    assert len(dv.find_dark_meetings(table, loitering=seen, ports=area(lat=0.0, lon=0.7, kind="port"))) == 1


def test_a_listed_area_is_named_and_raises_the_chance():
    open_sea, listed = dv.find_dark_meetings(pair()), dv.find_dark_meetings(pair(), ports=area())
    assert open_sea["port_id"].isna().all()
    assert listed["port_id"].tolist() == ["sts-x"] * 2
    assert (listed["p_met"] > open_sea["p_met"]).all()
    assert dv.find_dark_meetings(pair(), ports=area(lat=8.0))["port_id"].isna().all()


def test_how_a_place_is_listed_never_matters():
    calm, listed = area(), area(sensitive=True, reason="listed")
    assert_frame_equal(dv.find_dark_meetings(pair(), ports=calm), dv.find_dark_meetings(pair(), ports=listed))


def test_draughts_name_the_giver():
    draughts = {"start_draught_m": [14.0, 8.0], "end_draught_m": [8.0, 14.0]}
    found = dv.find_dark_meetings(pair().assign(**draughts))
    assert found["direction"].tolist() == ["from gap ship to other", "from other to gap ship"]
    assert found["draught_change_m"].tolist() == [-6.0, 6.0]
    assert found["other_draught_change_m"].tolist() == [6.0, -6.0]
    assert (found["llr_draught"] > 1).all()
    unchanged = {"start_draught_m": 14.0, "end_draught_m": 14.0}
    same = dv.find_dark_meetings(pair().assign(**unchanged))
    assert (same["llr_draught"] < 0).all()
    assert (found["p_met"] > same["p_met"]).all()
    assert same["direction"].isna().all()


def test_draughts_of_a_ship_that_lingers_come_from_its_fixes():
    table = pair().head(1).assign(start_draught_m=14.0, end_draught_m=8.0)
    fixes = pd.DataFrame(
        {
            "mmsi": SHIP + 9, "timestamp": hours([1, 3, 10, 23, 24]), "lat": 0.0, "lon": 0.5,
            "draught_m": [7.0, 8.0, 9.0, 14.0, 15.0],
        }
    )  # fmt: skip
    found = dv.find_dark_meetings(table, loitering=linger(4, 22, 0.0, 0.5), fixes=fixes)
    assert found["other_draught_change_m"].tolist() == [6.0]
    assert found["direction"].tolist() == ["from gap ship to other"]
    late = fixes.assign(timestamp=hours([1, 3, 10, 47, 48]))
    found = dv.find_dark_meetings(table, loitering=linger(4, 22, 0.0, 0.5), fixes=late)
    assert found["other_draught_change_m"].isna().all()


def test_who_was_switched_off_is_likelier_to_have_met():
    def told(p_off):
        table = pd.DataFrame({"gap_id": ["g1-0", "g2-0"], "p_off": p_off, "llr_silence": 0.0})
        found = dv.find_dark_meetings(
            pair(), silences=table.assign(neighbours_heard=0), rule=MeetingRule(least_p_met=0)
        )
        return found["p_met"].to_numpy()

    assert (told([0.99, 0.99]) > told([0.9, 0.3])).all()
    assert (told([0.9, 0.3]) > told([0.1, 0.01])).all()


def test_signs_against_a_meeting():
    usual = dv.find_dark_meetings(pair())["p_met"].to_numpy()
    rule = MeetingRule(least_p_met=0)
    for changes in (
        {"start_sog": 0.1},
        {"ship_type": 70},
        {"end_lat": [0.0, 1.0]},
        {"start_cog": [270.0, 90.0], "end_cog": [90.0, 270.0]},
    ):
        assert (dv.find_dark_meetings(pair().assign(**changes), rule=rule)["p_met"] < usual).all(), changes


def crowd(number=9, seed=3):
    """Many tankers silent in one region at much the same time."""
    rng = np.random.default_rng(seed)
    ends = np.round(rng.uniform(-0.6, 0.6, (number, 4)), 3)
    times = np.round(np.c_[rng.uniform(0, 8, number), rng.uniform(26, 40, number)], 2)
    return gaps(
        *[gap(k, *time, tuple(end[:2]), tuple(end[2:])) for k, (time, end) in enumerate(zip(times, ends, strict=True))]
    )


def test_one_gap_has_one_meeting_at_most():
    found = dv.find_dark_meetings(crowd(), rule=MeetingRule(least_p_met=0, max_partners=100))
    assert len(found) == 9 * 8
    total = found.groupby("gap_id")["p_met"].sum()
    assert (total <= 1).all()
    assert (found["p_met_cut"] == 0).all()
    # Fewer rivals leave more for each.
    alone = dv.find_dark_meetings(crowd().head(2), rule=MeetingRule(least_p_met=0))
    same = found.merge(alone, on=["gap_id", "other_gap_id"])
    assert len(same) == 2
    assert (same["p_met_x"] < same["p_met_y"]).all()
    # A pair is as likely from either side.
    assert (found.groupby("meeting_id")["p_met"].agg(np.ptp) == 0).all()


@pytest.mark.parametrize("rows", [2_000_000, 20])
def test_what_is_not_listed_is_counted(rows, monkeypatch):
    monkeypatch.setattr("darkvoyage.reach.meetings._MOST_ROWS", rows)
    monkeypatch.setattr("darkvoyage.reach.meetings._BLOCK", 7)
    everything = dv.find_dark_meetings(crowd(), rule=MeetingRule(least_p_met=0, max_partners=100))
    few = dv.find_dark_meetings(crowd(), rule=MeetingRule(least_p_met=0, max_partners=2))
    assert (few.groupby("gap_id").size() == 2).all()
    best = everything.sort_values("p_met", ascending=False).groupby("gap_id").head(2)
    assert set(few["meeting_id"] + few["gap_id"]) == set(best["meeting_id"] + best["gap_id"])
    if rows > 100:
        total = few.groupby("gap_id").agg(listed=("p_met", "sum"), cut=("p_met_cut", "first"))
        whole = everything.groupby("gap_id")["p_met"].sum()
        np.testing.assert_allclose(total["listed"] + total["cut"], whole, rtol=1e-9)
    least = float(everything["p_met"].quantile(0.5))
    likely = dv.find_dark_meetings(crowd(), rule=MeetingRule(least_p_met=least, max_partners=100))
    assert set(likely["meeting_id"]) == set(everything.loc[everything["p_met"] >= least, "meeting_id"])


def test_blocks_change_nothing(monkeypatch):
    whole = dv.find_dark_meetings(crowd(), loitering=linger(0, 40, 0.0, 0.1))
    monkeypatch.setattr("darkvoyage.reach.meetings._BLOCK", 3)
    assert_frame_equal(dv.find_dark_meetings(crowd(), loitering=linger(0, 40, 0.0, 0.1)), whole)
    assert whole["loitering_id"].notna().sum() == 9


@pytest.mark.parametrize("theta", [90.0, 179.5, -33.25])
def test_longitudes_turn(theta):
    table = crowd().assign(start_cog=45.0, end_cog=225.0)
    result = dv.find_dark_meetings(table)
    turned = dv.find_dark_meetings(
        table.assign(**{name: (table[name] + theta + 180) % 360 - 180 for name in ("start_lon", "end_lon")})
    )
    off_nm = great_circle_nm(turned["lat"], turned["lon"], result["lat"], result["lon"] + theta)
    assert (off_nm < 0.5).all()
    exact = ["gap_id", "other_gap_id", "meeting_id", "mmsi", "other_mmsi"]
    assert_frame_equal(turned[exact], result[exact])
    # The place is found to a part of the ellipse, and the courses are judged by it.
    for name in ("joint_h", "p_feasible", "p_met"):
        np.testing.assert_allclose(turned[name], result[name], rtol=1e-2)


def test_days_shift():
    table = crowd()
    shift = pd.Timedelta(days=400)
    moved = dv.find_dark_meetings(table.assign(**{name: table[name] + shift for name in ("gap_start", "gap_end")}))
    result = dv.find_dark_meetings(table)
    times = ["earliest", "latest"]
    assert_frame_equal(moved.drop(columns=times), result.drop(columns=times))
    assert_frame_equal(moved[times], result[times] + shift)


@pytest.mark.parametrize("seed", range(5))
def test_a_longer_meeting_is_possible_less_often(seed):
    table = crowd(6, seed)
    rule = {"least_p_met": 0.0, "max_partners": 100}
    sets = [
        set(dv.find_dark_meetings(table, rule=MeetingRule(min_h=least, **rule))["meeting_id"])
        for least in (0.5, 15.0, 25.0)
    ]
    assert sets[0] >= sets[1] >= sets[2]


def test_nothing_to_find():
    for found in (dv.find_dark_meetings(empty(GAPS)), dv.find_dark_meetings(pair().head(1))):
        assert_frame_equal(found, empty(DARK_MEETINGS))


@pytest.mark.parametrize("option", [{"min_h": 0}, {"max_partners": 0}, {"least_p_met": 2}, {"min_hours": 3}])
def test_wrong_options(option):
    with pytest.raises(dv.RuleError, match=next(iter(option))):
        MeetingRule(**option)


@pytest.mark.parametrize("name", ["loitering", "ports", "vessels", "silences"])
def test_wrong_tables(name):
    with pytest.raises(dv.SchemaError, match="missing column"):
        dv.find_dark_meetings(pair(), **{name: pd.DataFrame({"x": [1]})})
