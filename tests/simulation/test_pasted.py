"""The pasting engine: receptions are those of sources, shared silences stay so, drawn feeds keep their quantiles."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from darkvoyage.errors import RuleError
from darkvoyage.simulation.pasted import hear, make_patterns
from darkvoyage.simulation.receivers import CAMPAIGN, OCEAN
from darkvoyage.simulation.ship import Ship
from tests.simulation.hulls import make_log

SHIP = Ship(291000001, 2000000, "DEMO TEST", "trader", 70, "A", 5000.0, 100.0, 16.0, 6.0, 11.0, 1.0, (), 0.0, 9.0)
T0 = pd.Timestamp("2024-05-01T00:00Z")
NO_OUTAGE = replace(CAMPAIGN, feed_outage_every_d=1e9)
DAY = 86_400


def source(mmsi, seconds, knots=0.0):
    seconds = np.asarray(seconds, dtype="float64")
    time = T0 + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"mmsi": mmsi, "timestamp": time, "lat": seconds / 3600 * knots / 60, "lon": 10.0})


def log_of(days, knots=0.0, **changes):
    n = days * 144 + 1
    return make_log(SHIP, np.arange(n) / 6 * knots / 60, np.full(n, 10.0), **changes)


def listen(patterns, log, days, seed=0, profile=NO_OUTAGE):
    ether = make_patterns(np.random.default_rng(seed), days, profile, patterns)
    return ether, hear(log, ether, np.random.default_rng(seed))


def test_one_source_is_repeated_day_after_day():
    seconds = np.r_[0, 100, 5000, 40_000, 86_000, DAY]
    ether, heard = listen(source(1, seconds), log_of(3), 3)
    expected = {float(s + DAY * cycle - ether.offset_s) for s in seconds[:-1] for cycle in range(5)}
    assert ether.period_s == DAY
    assert set(heard.seconds) <= expected
    assert len(heard.seconds) == 3 * 5


def test_all_ships_miss_what_their_sources_missed_together():
    """Both sources are silent from the tenth to the fourteenth hour: so are ships that have either."""
    minutes = np.r_[0 : 10 * 60 : 5, 14 * 60 : 24 * 60 + 1 : 5] * 60.0
    patterns = pd.concat([source(1, minutes[::2]), source(2, minutes[::3])])
    ether = make_patterns(np.random.default_rng(4), 2, NO_OUTAGE, patterns)
    for seed in range(5):
        heard = hear(log_of(2), ether, np.random.default_rng(seed))
        hour = (heard.seconds + ether.offset_s) % ether.period_s / 3600
        assert not ((hour > 10.01) & (hour < 13.99)).any()
        assert len(hour) > 80


def test_a_ship_is_given_sources_in_its_own_state():
    still = source(1, np.arange(0, DAY + 1, 600.0))
    moving = source(2, np.arange(0, DAY + 1, 700.0), knots=10.0)
    for knots, step in ((0.0, 600), (12.0, 700)):
        _, heard = listen(pd.concat([still, moving]), log_of(1, knots), 1)
        assert np.median(np.diff(heard.seconds)) == step


def test_well_heard_and_badly_heard_ships_stay_so():
    sources = pd.concat([source(k, np.arange(0, 4 * DAY + 1, 300.0 * k)) for k in range(1, 9)])
    ether = make_patterns(np.random.default_rng(0), 8, NO_OUTAGE, sources)
    counts = [len(hear(log_of(8), ether, np.random.default_rng(seed)).seconds) for seed in range(40)]
    possible = np.array([8 * DAY / (300 * k) for k in range(1, 9)])
    nearest = np.abs(np.array(counts)[:, None] / possible - 1).min(axis=1)
    assert nearest.max() < 0.02
    assert np.ptp(counts) > 1000


def test_where_no_source_is_there_nothing_is_heard_till_the_next_comes():
    """The first stays two minutes only: it is no source where another is."""
    patterns = pd.concat([source(1, [0, 60, 120]), source(2, np.arange(50_000, DAY + 1, 60.0))])
    ether, heard = listen(patterns, log_of(2), 2)
    own = (heard.seconds + ether.offset_s) % ether.period_s
    assert own.min() == 50_000
    assert len(own) > 2 * 500


def test_space_stays_space():
    patterns = source(1, np.arange(0, DAY + 1, 600.0)).assign(receiver=["satellite", *["terrestrial"] * 144])
    _, heard = listen(patterns, log_of(2), 2)
    assert heard.satellite.sum() in (2, 3)


@pytest.mark.parametrize(
    ("profile", "satellite"), [(NO_OUTAGE, False), (replace(OCEAN, feed_outage_every_d=1e9), True)]
)
def test_drawn_intervals_have_the_quantiles_of_public_feeds(profile, satellite):
    """Median and 90 % point over the ships' own intervals, weighted alike: the published tables within a quarter."""
    ether = make_patterns(np.random.default_rng(0), 100, profile)
    ether = replace(ether, incidents=ether.incidents[:0])
    intervals = []
    for seed in range(60):
        heard = hear(log_of(100, knots=10.0), ether, np.random.default_rng(seed))
        assert heard.satellite.all() == satellite
        intervals.append(np.diff(heard.seconds) / 60)
    both = np.concatenate(intervals)
    median, ninth = (36, 373) if satellite else (10, 21)
    assert np.median(both) == pytest.approx(median, rel=0.25)
    assert np.quantile(both, 0.9) == pytest.approx(ninth, rel=0.25)
    rates = np.array([len(mine) for mine in intervals])
    assert 0.3 < rates.std() / rates.mean() < 1.2


def test_incidents_silence_most_ships_at_once():
    ether = make_patterns(np.random.default_rng(1), 60, NO_OUTAGE)
    long = [span for span in ether.incidents if span[1] - span[0] > 4 * 3600]
    assert long
    quiet = 0
    for seed in range(60):
        heard = hear(log_of(60), ether, np.random.default_rng(seed)).seconds
        quiet += not ((heard > long[0][0]) & (heard < long[0][1])).any()
    assert quiet > 35


def test_silences_of_the_ship_are_kept():
    log = log_of(3, silences=[(50_000.0, 120_000.0, "dark_call")])
    for patterns in (None, source(1, np.arange(0, DAY + 1, 600.0))):
        _, heard = listen(patterns, log, 3)
        assert len(heard.seconds) > 20
        assert not ((heard.seconds > 50_000) & (heard.seconds < 120_000)).any()


@pytest.mark.parametrize("patterns", [source(1, []), source(1, [5.0]), source(1, [5.0, 5.0])])
def test_patterns_without_an_interval_are_refused(patterns):
    with pytest.raises(RuleError, match="patterns: no"):
        make_patterns(np.random.default_rng(0), 1, CAMPAIGN, patterns)


def test_an_unknown_style_is_refused():
    with pytest.raises(RuleError, match=r"pasted_style = 'x': expected one of provider, satellite"):
        make_patterns(np.random.default_rng(0), 1, replace(CAMPAIGN, pasted_style="x"))
