import numpy as np
import pandas as pd
import pytest

from darkvoyage.linking.candidates import Candidates, candidates
from darkvoyage.rules.linking import LinkRule

START = np.datetime64("2024-01-01T00:00:00", "us")
EARTH_NM = 6371.0088 / 1.852
REGIONS = {
    "the world": ((-85, 85), (-180, 180)),
    "over the antimeridian": ((-10, 10), (170, 190)),
    "near the pole": ((70, 89.5), (-180, 180)),
    "one bay": ((41, 43), (131, 133)),
}


def times(hours):
    stamps = START + np.round(np.asarray(hours) * 3.6e9).astype("timedelta64[us]")
    return pd.Series(stamps).dt.tz_localize("UTC")


def some_gaps(rng, number, region, hours=8.0):
    lat, lon = rng.uniform(*region[0], number), rng.uniform(*region[1], number)
    total = hours * np.exp(rng.normal(0, 1, number))
    away = rng.uniform(0, 14, number) * total / 60
    course = rng.uniform(0, 2 * np.pi, number)
    table = pd.DataFrame(
        {
            "gap_start": times(rng.uniform(0, 100, number)),
            "duration_h": total,
            "start_lat": lat,
            "start_lon": (lon + 180) % 360 - 180,
            "end_lat": np.clip(lat + away * np.cos(course), -89, 89),
            "end_lon": (lon + away * np.sin(course) + 180) % 360 - 180,
        }
    )
    table.loc[rng.random(number) < 0.1, ["end_lat", "end_lon"]] = np.nan
    table.loc[rng.random(number) < 0.02, ["start_lat", "start_lon"]] = np.nan
    return table


def some_sightings(rng, number, region, scenes=30):
    scene = rng.integers(0, scenes, number)
    lat, lon, hour = rng.uniform(*region[0], scenes), rng.uniform(*region[1], scenes), rng.uniform(0, 100, scenes)
    return pd.DataFrame(
        {
            "timestamp": times(hour[scene] + rng.uniform(0, 0.01, number)),
            "lat": np.clip(lat[scene] + rng.uniform(-1, 1, number), -90, 90),
            "lon": (lon[scene] + rng.uniform(-1, 1, number) + 180) % 360 - 180,
            "scene_id": pd.Series(scene).astype("str").where(rng.random(number) < 0.9),
        }
    )


def arc_nm(lat1, lon1, lat2, lon2):
    a, b, c, d = np.radians([lat1, lon1, lat2, lon2])
    cosine = np.sin(a) * np.sin(c) + np.cos(a) * np.cos(c) * np.cos(b - d)
    return EARTH_NM * np.arccos(np.clip(cosine, -1, 1))


def plain(gaps, sightings, rule):
    """Every pair, one after the other."""
    for j, sighting in sightings.iterrows():
        for i, gap in gaps.iterrows():
            since = (sighting["timestamp"] - gap["gap_start"]) / pd.Timedelta("1h")
            until = gap["duration_h"] - since
            straight = arc_nm(gap["start_lat"], gap["start_lon"], gap["end_lat"], gap["end_lon"])
            speed = np.fmax(rule.max_speed_kn, 1.1 * straight / gap["duration_h"])
            out = arc_nm(gap["start_lat"], gap["start_lon"], sighting["lat"], sighting["lon"])
            back = arc_nm(gap["end_lat"], gap["end_lon"], sighting["lat"], sighting["lon"])
            in_time = since > 0 and until > 0
            if in_time and out <= speed * since + rule.slack_nm and not back > speed * until + rule.slack_nm:
                yield j, i


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_candidates_are_the_pairs_in_reach(region):
    rng = np.random.default_rng(5)
    gaps, sightings, rule = some_gaps(rng, 60, region), some_sightings(rng, 80, region), LinkRule()
    found = candidates(gaps, sightings, rule)
    expected = list(plain(gaps, sightings, rule))
    assert list(zip(found["sighting"], found["gap"], strict=True)) == expected
    assert len(expected) or region is REGIONS["the world"]


def test_very_long_gaps_reach_round_the_world():
    rng = np.random.default_rng(6)
    region = REGIONS["the world"]
    gaps, sightings = some_gaps(rng, 40, region, hours=3000.0), some_sightings(rng, 60, region)
    sightings["timestamp"] += pd.Timedelta("400h")
    found = candidates(gaps, sightings, LinkRule())
    assert list(zip(found["sighting"], found["gap"], strict=True)) == list(plain(gaps, sightings, LinkRule()))
    assert len(found) > 200


def test_blocks_hold_whole_sightings(monkeypatch):
    monkeypatch.setattr("darkvoyage.linking.candidates._BLOCK", 50)
    rng = np.random.default_rng(7)
    region = REGIONS["one bay"]
    gaps, sightings = some_gaps(rng, 80, region), some_sightings(rng, 90, region)
    found = Candidates.of(gaps, sightings, LinkRule())
    blocks = [set(found.block(part)["sighting"]) for part in found.parts()]
    assert sum(map(len, blocks)) == len(set().union(*blocks))
    assert len(blocks) > 3


def test_reach_by_hand():
    # Six hours at 10 kn along the equator; after three hours the ship is at most 48 nm (and the slack) from either end.
    gaps = pd.DataFrame(
        {
            "gap_start": times([0.0]),
            "duration_h": 6.0,
            "start_lat": 0.0,
            "start_lon": 0.0,
            "end_lat": 0.0,
            "end_lon": 1.0,
        }
    )
    lat = np.array([0.0, 0.61, 0.64])  # sqrt(48.2^2 - 30^2) = 37.7 nm = 0.629 degrees off the middle
    sightings = pd.DataFrame({"timestamp": times([3.0] * 3), "lat": lat, "lon": 0.5})
    found = candidates(gaps, sightings, LinkRule())
    assert found["sighting"].tolist() == [0, 1]
    assert found["since_h"].tolist() == [3.0, 3.0]
    r, d = 48.2, 60 * 0.99893  # a degree of the mean sphere is 60.04 nm
    lens = 2 * r**2 * np.arccos(d / (2 * r)) - d / 2 * np.sqrt(4 * r**2 - d**2)
    assert found["area_nm2"].iloc[0] == pytest.approx(lens, rel=0.01)
