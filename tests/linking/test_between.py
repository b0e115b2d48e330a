"""Ships heard before and after a sighting, but not about its time: by hand and against a plain loop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.linking.azimuth import position_errors
from darkvoyage.linking.explain import broadcasting_pairs
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import GAPS, SCENES
from tests.worlds import hours, one_gap, ports

SHIP = 299_000_001
NM = 1 / 60


def fixes(*rows, mmsi=SHIP, **more):
    """Rows of (hour, nm east, speed east)."""
    hour, east, speed = (np.array(column, dtype="float64") for column in zip(*rows, strict=True))
    return pd.DataFrame(
        {
            "mmsi": mmsi, "timestamp": hours(hour), "lat": 0.0, "lon": east * NM, "sog": speed, "cog": 90.0,
            "track_id": f"{mmsi}-0", "flag": pd.Series(None, index=range(len(rows)), dtype="str"),
        } | more
    )  # fmt: skip


def listed(table, hour, east=0.0, gaps=None, rule=None, **more):
    """Broadcasting pairs of one sighting, or more, at so many nautical miles east."""
    hour = np.atleast_1d(hour)
    seen = pd.DataFrame({"timestamp": hours(hour), "lat": 0.0, "lon": east * NM, "sensor": "optical"} | more)
    errors, background = position_errors(seen, empty(SCENES)), np.full(len(seen), 0.01)
    gaps = empty(GAPS) if gaps is None else gaps
    return broadcasting_pairs(seen, errors, table, gaps, background, rule or LinkRule())


MOORED, UNDER_WAY = fixes((0, 0, 0), (4, 0, 0)), fixes((0, 0, 10), (4, 40, 10))


def test_a_ship_that_lay_still_before_and_after_is_where_it_lay():
    here, there = listed(MOORED, 1.5), listed(MOORED, 1.5, east=5.0)
    assert here["track_id"].tolist() == [f"{SHIP}-0"]
    assert here["llr"].iloc[0] > 5
    assert len(there) == 0 or there["llr"].iloc[0] < 0


def test_a_ship_under_way_is_about_where_it_was_to_be():
    """10 kn for an hour and a half: 15 nm; what is expected is said."""
    best = {east: listed(UNDER_WAY, 1.5, east=east)["llr"].max() for east in (9.0, 12.0, 15.0, 18.0, 21.0)}
    assert max(best, key=best.get) == 15.0
    row = listed(UNDER_WAY, 1.5, east=12.0).iloc[0]
    assert row["lon"] == pytest.approx(15.0 * NM, abs=1e-5)  # a metre
    assert row["lat"] == pytest.approx(0.0, abs=1e-9)


def test_a_heading_along_the_way_speaks_for_it():
    along, across = (listed(UNDER_WAY, 1.5, east=15.0, heading=[turn])["llr"].iloc[0] for turn in (90.0, 0.0))
    assert along > across + 2


def test_one_number_in_two_places_is_two_ships_each_where_it_is():
    """As cleaning parts them: by turns at the origin and 50 nm east of it, nobody half way."""
    rows = fixes((0, 0, 0), (1, 50, 0), (4, 0, 0), (5, 50, 0))
    twins = rows.assign(track_id=[f"{SHIP}-{n}" for n in (0, 1, 0, 1)])
    for place, track in ((0.0, f"{SHIP}-0"), (50.0, f"{SHIP}-1")):
        found = listed(twins, 2.5, east=place)
        assert found.loc[found["llr"] > 0, "track_id"].tolist() == [track]
    assert not (listed(twins, 2.5, east=25.0)["llr"] > 0).any()


def test_within_a_gap_of_the_table_it_is_silent():
    gap = pd.DataFrame({"track_id": [f"{SHIP}-0"], "gap_start": hours([0.0]), "duration_h": [4.0]})
    assert len(listed(MOORED, 1.5)) == 1
    assert len(listed(MOORED, 1.5, gaps=gap)) == 0
    other = gap.assign(track_id="299000002-0")
    assert len(listed(MOORED, 1.5, gaps=other)) == 1


def test_half_a_day_is_too_long():
    assert len(listed(fixes((0, 0, 0), (11.9, 0, 0)), 6.0)) == 1
    assert len(listed(fixes((0, 0, 0), (12.1, 0, 0)), 6.0)) == 0


def plain(table, hour):
    """Whether each sighting has the ship: heard within 10 min, or on both sides of it within 12 h of each other."""
    heard = (table["timestamp"] - hours([0.0])[0]).dt.total_seconds().sort_values().to_numpy() / 3600
    found = []
    for at in hour:
        before, after = heard[heard <= at], heard[heard > at]
        near = len(heard) and np.abs(heard - at).min() <= 1 / 6
        found.append(bool(near or (len(before) and len(after) and after[0] - before[-1] <= 12.0)))
    return found


TIMES = st.integers(0, 400).map(lambda n: n / 13.0)


@given(st.lists(TIMES, min_size=1, max_size=8, unique=True), st.lists(TIMES, min_size=1, max_size=8, unique=True))
def test_each_ship_is_listed_once_or_not_at_all(heard, hour):
    table = fixes(*((at, 0, 0) for at in heard))
    # A little off, so that no sighting is at the very time of a message.
    hour = np.array(hour) + 0.011
    found = listed(table, hour, rule=LinkRule(min_llr=-1000.0))
    counts = np.bincount(found["sighting"], minlength=len(hour))
    assert counts.tolist() == [int(there) for there in plain(table, hour)]


def test_a_sighting_keeps_the_likeliest_and_all_that_are_as_likely():
    """Six ships a mile apart from each other, the last two on the spot: of the best one two are kept."""
    fleet = [fixes((0, east, 0), (4, east, 0), mmsi=SHIP + i) for i, east in enumerate((4, 3, 2, 1, 0, 0))]
    for most, ships in ((1, {4, 5}), (3, {3, 4, 5}), (50, {0, 1, 2, 3, 4, 5})):
        rule = LinkRule(min_llr=-1000.0, most_gaps=most)
        table = listed(pd.concat(fleet, ignore_index=True), 1.5, rule=rule)
        assert set(table["track_id"]) == {f"{SHIP + i}-0" for i in ships}


def test_nobody_is_heard_or_nothing_seen():
    assert len(listed(MOORED.iloc[:0], 1.5)) == 0
    assert len(listed(MOORED, [])) == 0


def test_a_ship_heard_hours_before_and_after_leaves_nothing_to_a_silent_one():
    """At the berth lies a ship that was heard there two hours before and will be two hours later."""
    berth = {"lat": 42.752, "lon": 133.085}
    seen = pd.DataFrame(
        {"sighting_id": ["s"], "timestamp": hours([40.0]), "length_m": 100.0, "sensor": "optical", **berth}
    )
    vessels = pd.DataFrame({"mmsi": [SHIP], "length_m": [102.0]})
    heard = pd.DataFrame(
        {"mmsi": 299_000_009, "timestamp": hours([38.0, 42.0]), "sog": 0.0, "length_m": 100.0, **berth}
    )
    given_ = {"ports": ports(), "vessels": vessels}
    free, taken = (dv.link_sightings(dv.find_gaps(one_gap()), seen, fixes=table, **given_) for table in (None, heard))
    assert taken.loc[taken["gap_id"].notna(), "p_link"].sum() < free.loc[free["gap_id"].notna(), "p_link"].sum() / 10
    assert taken.loc[taken["gap_id"].isna(), "explained_by"].tolist() == ["broadcasting"]
