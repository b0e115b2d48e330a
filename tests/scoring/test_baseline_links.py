"""Simple ways to link: curved ways by hand, densities against a plain assignment, ships on the air."""

import itertools

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.scoring.evaluation.baseline_links import (
    links_by_density,
    links_hungarian,
    links_nearest,
    with_broadcasters,
)
from tests.scoring.test_baselines import gaps, p_of, sightings
from tests.worlds import hours


def turning(**changes):
    """A ship that leaves 0 N going east at 10 kn, and arrives there six hours later coming from the east at 10 kn."""
    ends = {"start_lat": [0.0], "end_lat": [0.0], "start_sog": [10.0], "end_sog": [10.0]}
    ends |= {"start_cog": [90.0], "end_cog": [270.0], "duration_h": [6.0]}
    return gaps(**(ends | changes))


def in_gap(table, hour):
    """Time of the first gap, that many hours after its start."""
    return table["gap_start"][0] + pd.Timedelta(hours=hour)


def seen_at(table, east_nm, hour=3.0):
    """A sighting due east of the gap's start."""
    seen = sightings([table["start_lat"][0]], [0.0])
    lon = table["start_lon"][0] + east_nm / 60.0
    return seen.assign(lon=lon, timestamp=[in_gap(table, hour)])


def test_the_curved_way_follows_the_velocities_at_both_ends():
    # Hermite at half time between equal ends: T / 8 (v0 - v1) = 6 / 8 x 20 kn = 15 nm to the east.
    table = turning()
    assert p_of(links_hungarian(table, seen_at(table, 15.0), gate_nm=1.0, way="curved"), "s0")["g0"] == 1.0
    assert p_of(links_hungarian(table, seen_at(table, 15.0), gate_nm=1.0), "s0") == {"nobody": 1.0}
    assert p_of(links_hungarian(table, seen_at(table, 0.0), gate_nm=1.0, way="curved"), "s0") == {"nobody": 1.0}
    # After an hour: T f (1 - f) [(1 - f) v0 - f v1] = 6 x 5/36 x (50/6 + 10/6) = 8.33 nm.
    early = seen_at(table, 8.33, hour=1.0)
    assert p_of(links_hungarian(table, early, gate_nm=0.1, way="curved"), "s0")["g0"] == 1.0


def test_without_velocities_the_way_is_straight():
    table = turning(start_cog=[np.nan])
    assert p_of(links_hungarian(table, seen_at(table, 0.0), gate_nm=1.0, way="curved"), "s0")["g0"] == 1.0


def test_density_leaves_alone_what_unknown_ships_explain_better():
    # At half time of six hours the scale is 2.485^2 x 6^2.93 x 4^-3.06 + 0.01 = 16.91 km2: the density on the way is
    # 1 / (2 pi 16.91) = 9.4e-3 per km2.
    table = turning()
    on_the_way = seen_at(table, 15.0)
    assert p_of(links_by_density(table, on_the_way, background_per_km2=9.0e-3), "s0")["g0"] == 1.0
    assert p_of(links_by_density(table, on_the_way, background_per_km2=9.9e-3), "s0") == {"nobody": 1.0}


def test_density_finds_the_likeliest_assignment():
    rng = np.random.default_rng(3)
    table = gaps(start_lat=rng.uniform(0, 0.2, 4), end_lat=rng.uniform(0, 0.2, 4))
    seen = sightings(rng.uniform(0, 0.2, 4), np.full(4, 12.0), scene_id=["a"] * 4)
    # Straight ways (no velocities): 48 h, a quarter of the way.
    scale = 2.485**2 * 48.0**2.93 * (3 / 16) ** 3.06 + 0.01
    at = 0.75 * table["start_lat"].to_numpy() + 0.25 * table["end_lat"].to_numpy()
    off_km = np.abs(at[:, None] - seen["lat"].to_numpy()) * 60 * 1.852
    gain = np.log((1 + off_km**2 / (1.48 * scale)) ** -1.74 / (2 * np.pi * scale) / 1e-6)
    best = max(itertools.permutations(range(4)), key=lambda order: sum(gain[g, s] for g, s in enumerate(order)))
    assert (gain > 0).all()
    links = links_by_density(table, seen, background_per_km2=1e-6)
    for gap, sighting in enumerate(best):
        assert p_of(links, f"s{sighting}")[f"g{gap}"] == 1.0


def test_ships_on_the_air_take_their_sightings_away():
    # Silent from hour 1 to hour 5 at 0.0 N; another ship reports every six minutes at 0.01 N.
    silent = pd.DataFrame({"mmsi": 299_000_001, "timestamp": hours([0, 0.5, 1, 5, 5.5]), "lat": 0.0, "lon": 0.0})
    loud = pd.DataFrame({"mmsi": 299_000_002, "timestamp": hours(np.arange(0, 6, 0.1)), "lat": 0.01, "lon": 0.0})
    fixes = dv.clean_fixes(pd.concat([silent, loud], ignore_index=True))
    found = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=2.0))
    assert len(found) == 1
    seen = sightings([0.011], [0.0]).assign(lon=0.0, timestamp=hours([3.03]))
    alone = links_nearest(found, seen, gate_nm=5.0)
    assert alone.set_index("gap_id")["p_link"][found["gap_id"][0]] == 1.0
    both = links_nearest(with_broadcasters(found, fixes), seen, gate_nm=5.0)
    assert both["gap_id"].isna().all()
    # The silent ship is one of those on the air before and after, but not in its gap.
    waits = with_broadcasters(found, fixes)
    assert waits["gap_id"].str.startswith("on air ").sum() == len(waits) - 1


def test_ways_are_named():
    table = turning()
    with pytest.raises(dv.RuleError, match="way"):
        links_hungarian(table, seen_at(table, 0.0), way="crooked")
