"""How fast `link_sightings` is on the sightings and gaps of a whole year.

As many gaps as sightings, all over the seas: gaps of eight hours in the median, scenes of twenty sightings each, a port
beside every five hundredth scene. The tenth of both that lie in one crowded anchorage are the hard part: there every
sighting has hundreds of gaps.
"""

import resource
import time

import numpy as np
import pandas as pd

from darkvoyage.kernels.assign import marginals
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.linking.associate import link_sightings
from darkvoyage.linking.candidates import candidates
from darkvoyage.rules.linking import LinkRule

SEED = 20240103
YEAR_H = 8760.0
PER_SCENE = 20
PER_SHIP = 50
CROWDED = 0.1
PORTS = 100
START_US = 1_704_067_200_000_000


def times(hours):
    return pd.to_datetime(START_US + np.round(hours * 3.6e9).astype("int64"), unit="us", utc=True).as_unit("us")


def places(rng, number):
    """Anywhere between 60 S and 70 N, a tenth in one anchorage off Singapore."""
    crowded = rng.random(number) < CROWDED
    lat = np.where(crowded, rng.normal(1.2, 0.1, number), rng.uniform(-60, 70, number))
    return lat, np.where(crowded, rng.normal(104.1, 0.1, number), rng.uniform(-180, 180, number))


def names(prefix, rows):
    return pd.array(np.char.add(prefix, np.char.zfill(rows.astype("U"), 7)), dtype="str")


def gaps(rng, rows):
    """Ends up to 14 kn apart; fifty gaps a ship, one after the other."""
    lat, lon = places(rng, rows)
    turn_h = YEAR_H / PER_SHIP
    hours = np.minimum(8.0 * np.exp(rng.normal(0, 1, rows)), 0.95 * turn_h)
    speed, course = rng.uniform(0, 14, rows), rng.uniform(0, 2 * np.pi, rows)
    ship = np.arange(rows) // PER_SHIP
    start = np.arange(rows) % PER_SHIP * turn_h + rng.uniform(0, 1, rows) * (turn_h - hours)
    return pd.DataFrame(
        {
            "gap_id": names("g", np.arange(rows)), "track_id": names("", ship) + "-0", "mmsi": 200_000_000 + ship,
            "gap_start": times(start), "gap_end": times(start + hours), "is_closed": True, "duration_h": hours,
            "start_lat": lat, "start_lon": lon, "start_sog": speed, "start_cog": np.degrees(course),
            "end_lat": np.clip(lat + speed * hours / 60 * np.cos(course), -80, 80),
            "end_lon": (lon + speed * hours / 60 * np.sin(course) + 180) % 360 - 180,
            "end_sog": speed, "end_cog": np.degrees(course), "length_m": rng.uniform(40, 330, ship[-1] + 1)[ship],
        }
    )  # fmt: skip


def sightings(rng, rows):
    """Twenty in each scene of a degree, and the scenes."""
    scene = np.arange(rows) // PER_SCENE
    number = scene[-1] + 1
    middle = places(rng, number)
    at = times(rng.uniform(0, YEAR_H, number))
    lat, lon = (part[scene] + rng.uniform(-0.5, 0.5, rows) for part in middle)
    seen = pd.DataFrame(
        {
            "sighting_id": names("s", np.arange(rows)), "timestamp": at[scene], "lat": lat,
            "lon": (lon + 180) % 360 - 180, "scene_id": names("c", scene), "sensor": "sar",
            "length_m": 80 * np.exp(rng.normal(0, 0.6, rows)), "heading": rng.uniform(0, 360, rows),
            "confidence": rng.uniform(0.5, 1, rows),
        }
    )  # fmt: skip
    south, west = (part - 0.5 for part in middle)
    north, east = south + 1, west + 1
    footprint = [
        f"POLYGON(({w:.4f} {s:.4f},{e:.4f} {s:.4f},{e:.4f} {n:.4f},{w:.4f} {n:.4f},{w:.4f} {s:.4f}))"
        for s, w, n, e in zip(south, west, north, east, strict=True)
    ]
    scenes = pd.DataFrame(
        {
            "scene_id": names("c", np.arange(number)), "timestamp": at, "footprint": footprint, "sensor": "sar",
            "clear_fraction": 1.0,
        }
    )  # fmt: skip
    return seen, scenes


def ports(rng):
    """A hundred, the first five around the anchorage."""
    lat, lon = rng.uniform(-60, 70, PORTS), rng.uniform(-180, 180, PORTS)
    lat[:5], lon[:5] = rng.normal(1.2, 0.1, 5), rng.normal(104.1, 0.1, 5)
    return pd.DataFrame(
        {
            "port_id": names("p", np.arange(PORTS)), "name": "Port", "country": "XX", "lat": lat, "lon": lon,
            "radius_nm": 3.0, "sensitive": np.arange(PORTS) % 5 == 0,
        }
    )  # fmt: skip


def run(*, rows):
    """Wall and CPU seconds of the whole and of two of its parts beside a floor, and the memory of the process."""
    rng = np.random.default_rng(SEED)
    silent, (seen, scenes), places_ = gaps(rng, rows), sightings(rng, rows), ports(rng)
    rule = LinkRule()
    wall, cpu = time.perf_counter(), time.process_time()
    links = link_sightings(silent, seen, scenes=scenes, ports=places_, rule=rule)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    linked = links["gap_id"].notna() & links["sighting_id"].notna()
    assert linked.any(), "the work was empty"
    rows_out, rows_linked, converged = len(links), int(linked.sum()), float(links["converged"].mean())
    del links, linked
    begin = time.process_time()
    pairs = candidates(silent, seen, rule)[["gap", "sighting"]]
    pruned_s = time.process_time() - begin
    gap, sighting = pairs["gap"].to_numpy(), pairs["sighting"].to_numpy()
    begin = time.process_time()
    ends = (silent["start_lat"], silent["start_lon"], seen["lat"], seen["lon"])
    great_circle_nm(*(end.to_numpy()[of] for end, of in zip(ends, (gap, gap, sighting, sighting), strict=True)))
    floor_s = time.process_time() - begin
    node = np.unique(gap * (len(scenes) + 1) + sighting // PER_SCENE, return_inverse=True)[1]
    begin = time.process_time()
    p, _ = marginals(node, sighting, rng.normal(-2, 3, len(pairs)))
    joint_s = time.process_time() - begin
    assert np.bincount(sighting, p).max() < 1.01
    return {
        "rows": rows,
        "pairs_in_reach": len(pairs),
        "links": rows_out,
        "links_to_gaps": rows_linked,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "floor_distances_of_the_pairs_cpu_s": floor_s,
        "cpu_over_floor": cpu_s / floor_s,
        "cpu_us_per_pair": cpu_s / len(pairs) * 1e6,
        "pruning_cpu_s": pruned_s,
        "joint_posterior_cpu_s": joint_s,
        "converged_share_of_rows": converged,
        "memory_gb": memory_gb,
    }
