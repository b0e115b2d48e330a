"""Feeds made by hand, whose figures can be counted on paper; published figures of a public feed."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.simulation.statistics import feed_distance, feed_statistics

T0 = pd.Timestamp("2024-03-01T00:00Z")


def feed(mmsi, hours, **columns):
    hours = np.asarray(hours, dtype="float64")
    table = pd.DataFrame({"mmsi": mmsi, "timestamp": T0 + pd.to_timedelta(hours, unit="h"), "lat": 40.0, "lon": 10.0})
    return table.assign(**columns)


def value(table, statistic, group="all", at=None):
    rows = table[(table["statistic"] == statistic) & (table["group"] == group)]
    if at is not None:
        rows = rows[np.isclose(rows["at"], at)]
    (only,) = rows["value"]
    return only


def test_intervals_and_gaps():
    """Intervals of 1, 3, 7, 13 h and of 2 h; a long one of another vessel does not count from one to the other."""
    fixes = pd.concat([feed(291000001, [0, 1, 4, 11, 24]), feed(291000002, [1000, 1002])])
    got = feed_statistics(fixes)
    assert [value(got, "interval", at=at) for at in (0.5, 1, 2, 6, 12, 24)] == [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    assert [value(got, "gap_length", at=at) for at in (6, 8, 12, 18)] == [1.0, 0.5, 0.5, 0.0]
    assert value(got, "long_gap_vessels") == 0.5
    assert set(got.loc[got["statistic"] == "interval", "group"]) == {"all", "? still"}
    assert set(got.loc[got["statistic"] == "gap_length", "n"]) == {2}


def test_state_and_class_are_those_of_the_earlier_fix():
    fixes = pd.concat(
        [
            feed(291000001, [0, 3, 4], sog=[12.0, 0.1, 12.0], ais_class="A"),
            feed(291000002, [0, 0.5], lat=[40.0, 40.1], ais_class="B"),  # six miles in half an hour: 12 kn
        ]
    )
    got = feed_statistics(fixes)
    assert value(got, "interval", "A moving", 2) == 1.0
    assert value(got, "interval", "A still", 2) == 0.0
    assert value(got, "interval", "B moving", 0.25) == 1.0
    assert value(got, "speed", "moving", 0.5) == pytest.approx(12.0, abs=0.02)


def test_equipment_and_repeated_fixes_are_left_out():
    fixes = feed(291000001, [0, 1, 4, 11, 24])
    noise = pd.concat([fixes, fixes, feed(992990001, np.arange(0, 24, 0.1))])
    pd.testing.assert_frame_equal(feed_statistics(noise), feed_statistics(fixes))


def test_windows():
    """Half-hour windows: four with two fixes each, four empty, and so on; four empty ones hold two runs of three."""
    full = np.array([start + step for start in range(0, 40, 4) for step in (0.1, 0.2, 0.6, 0.7, 1.1, 1.2, 1.6, 1.7)])
    got = feed_statistics(feed(291000001, full))
    windows = 9 * 8 + 4
    assert value(got, "empty_windows") == pytest.approx(36 / windows)
    assert value(got, "rate_mean") == pytest.approx(80 / windows)
    assert value(got, "rate_cv") == 0.0
    assert value(got, "miss_run_ratio") == pytest.approx(9 * 2 / (windows - 2) / (36 / windows) ** 3)
    counts = np.tile([2.0, 2, 2, 2, 0, 0, 0, 0], 10)[:windows]
    apart = counts - counts.mean()
    for lag in (1, 4):
        expected = (apart[lag:] * apart[:-lag]).mean() / (apart**2).mean()
        assert value(got, "window_correlation", at=lag) == pytest.approx(expected)


def test_vessels_that_are_heard_unlike_each_other():
    """One vessel every half hour, one every quarter: 1 and 2 fixes a window, whose deviation is a third of the mean."""
    fixes = pd.concat([feed(291000001, np.arange(0, 100, 0.5)), feed(291000002, np.arange(0, 100, 0.25))])
    got = feed_statistics(fixes)
    assert value(got, "rate_mean") == pytest.approx(1.5)
    assert value(got, "rate_cv") == pytest.approx(1 / 3)
    assert value(got, "empty_windows") == 0.0
    assert np.isnan(value(got, "miss_run_ratio"))


def test_draught_lag_runs_from_the_departure():
    """Leaves at hour 10; the draught is changed at hour 14, and on the way at hour 40."""
    hours = np.arange(0, 60.0)
    fixes = feed(
        291000001, hours,
        sog=np.where((hours >= 10) & (hours < 50), 11.0, 0.0),
        draught_m=np.select([hours < 14, hours < 40], [7.0, 5.0], 5.2),
    )  # fmt: skip
    got = feed_statistics(fixes)
    assert [value(got, "draught_lag", at=at) for at in (0, 3, 6, 24, 72)] == [1.0, 1.0, 0.5, 0.5, 0.0]


def test_distance():
    near = feed_statistics(feed(291000001, [0, 1, 4, 11, 24], sog=10.0))
    far = feed_statistics(feed(291000001, [0, 1, 2, 3, 24], sog=12.5))
    got = feed_distance(near, far).set_index(["statistic", "group"]).sort_index()
    # Above 2 h: 3 of 4 intervals against 1 of 4; elsewhere the shares are closer.
    row = got.loc[[("interval", "all")]].iloc[0]
    assert (row["at"], row["a"], row["b"], row["distance"]) == (2.0, 0.75, 0.25, 0.5)
    assert got.loc[("speed", "moving"), "distance"].tolist() == pytest.approx([0.2] * 6)
    assert got.loc[[("long_gap_vessels", "all")], "distance"].tolist() == [0.0]
    assert (feed_distance(near, near)["distance"] == 0).all()


def test_an_empty_feed_has_no_figures_and_no_distance():
    nothing = feed_statistics(feed(291000001, []))
    assert nothing["value"].isna().all()
    assert len(feed_distance(nothing, nothing)) == 0


def test_bad_input_is_refused():
    with pytest.raises(RuleError, match=r"window_min = 0: expected a number of minutes above 0"):
        feed_statistics(feed(291000001, [0, 1]), window_min=0)
    with pytest.raises(SchemaError, match="missing column"):
        feed_statistics(pd.DataFrame({"mmsi": [1]}))


def test_a_public_feed_has_the_published_figures(real_data):
    """Suez, March 2021, as measured for the reception model: 1.5 fixes a window, 33 % empty, lag-1 0.53, CV 0.51.

    Those were taken over windows of the whole feed; between a vessel's first and last fix they differ a little.
    """
    raw = pd.read_csv(real_data / "ais_suez_2021" / "suez_2021_03_20_24.csv.gz", encoding="utf-8-sig")
    fixes = pd.DataFrame(
        {
            "mmsi": 200_000_000 + pd.factorize(raw["ID"])[0],
            "timestamp": pd.to_datetime(raw["ais_pos_timestamp"], format="%d/%m/%Y %H:%M", utc=True),
            "lat": raw["latitude"],
            "lon": raw["longitude"],
        }
    )
    got = feed_statistics(fixes)
    assert value(got, "rate_mean") == pytest.approx(1.5, abs=0.1)
    assert value(got, "empty_windows") == pytest.approx(0.33, abs=0.05)
    assert value(got, "window_correlation", at=1) == pytest.approx(0.53, abs=0.1)
    assert value(got, "rate_cv") == pytest.approx(0.51, abs=0.1)
