"""How fast sightings and gaps of a whole year find each other, and the joint posterior over them.

As many gaps as sightings, all over the seas: gaps of eight hours in the median, scenes of twenty sightings each. The
tenth of them that lie in one crowded anchorage are the hard part: there every sighting has hundreds of gaps.
"""

import resource
import time

import numpy as np
import pandas as pd

from darkvoyage.kernels.assign import marginals
from darkvoyage.linking.candidates import candidate_blocks
from darkvoyage.rules.linking import LinkRule

SEED = 20240103
YEAR_H = 8760.0
PER_SCENE = 20
CROWDED = 0.1
START_US = 1_704_067_200_000_000


def times(hours):
    return pd.to_datetime(START_US + np.round(hours * 3.6e9).astype("int64"), unit="us", utc=True).as_unit("us")


def places(rng, number):
    """Anywhere between 60 S and 70 N, a tenth in one anchorage off Singapore."""
    crowded = rng.random(number) < CROWDED
    lat = np.where(crowded, rng.normal(1.2, 0.1, number), rng.uniform(-60, 70, number))
    return lat, np.where(crowded, rng.normal(104.1, 0.1, number), rng.uniform(-180, 180, number))


def gaps(rng, rows):
    """Ends up to 14 kn apart."""
    lat, lon = places(rng, rows)
    hours = 8.0 * np.exp(rng.normal(0, 1, rows))
    away_deg, course = rng.uniform(0, 14, rows) * hours / 60, rng.uniform(0, 2 * np.pi, rows)
    return pd.DataFrame(
        {
            "gap_start": times(rng.uniform(0, YEAR_H, rows)), "duration_h": hours, "start_lat": lat, "start_lon": lon,
            "end_lat": np.clip(lat + away_deg * np.cos(course), -80, 80),
            "end_lon": (lon + away_deg * np.sin(course) + 180) % 360 - 180,
        }
    )  # fmt: skip


def sightings(rng, rows):
    """Twenty in each scene of a degree."""
    scene = np.arange(rows) // PER_SCENE
    lat, lon = (part[scene] + rng.uniform(-0.5, 0.5, rows) for part in places(rng, scene[-1] + 1))
    return pd.DataFrame(
        {
            "timestamp": times(rng.uniform(0, YEAR_H, scene[-1] + 1)[scene]), "lat": lat,
            "lon": (lon + 180) % 360 - 180, "scene_id": scene.astype("U"),
        }
    )  # fmt: skip


def run(*, rows):
    """CPU seconds of the pruning and of the marginals on ratios drawn at random, and the memory of the process."""
    rng = np.random.default_rng(SEED)
    silent, seen = gaps(rng, rows), sightings(rng, rows)
    begin = time.process_time()
    blocks = [block[["gap", "sighting"]] for block in candidate_blocks(silent, seen, LinkRule())]
    pruned_s = time.process_time() - begin
    pairs = pd.concat(blocks, ignore_index=True)
    assert len(pairs), "the work was empty"
    scene = seen["scene_id"].astype("int64").to_numpy()[pairs["sighting"]]
    node = np.unique(pairs["gap"].to_numpy() * (scene.max() + 1) + scene, return_inverse=True)[1]
    begin = time.process_time()
    p, converged = marginals(node, pairs["sighting"].to_numpy(), rng.normal(-2, 3, len(pairs)))
    joint_s = time.process_time() - begin
    assert np.bincount(pairs["sighting"], p).max() < 1.01
    return {
        "rows": rows,
        "pairs": len(pairs),
        "pruning_cpu_s": pruned_s,
        "joint_posterior_cpu_s": joint_s,
        "converged_share_of_pairs": float(converged.mean()),
        "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
