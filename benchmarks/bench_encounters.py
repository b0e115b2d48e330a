"""How fast meetings and lingering ships are found, beside sorting, and beside a tree per moment, the plain way.

Half of the fixes are those of ships under way all over the world, half those of ships that lie in full anchorages,
forty in a circle of a mile, so that most of the work is pairs that do meet.
"""

import time

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from traffic import FIXES_PER_SHIP, sort_s, traffic

from darkvoyage.rules.meetings import EncounterRule
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.tracks.encounters import find_encounters
from darkvoyage.tracks.loitering import find_loitering

SHIPS_PER_ANCHORAGE = 40
SEED = 20240102


def anchored(*, rows, seed=SEED):
    """FIXES of ships at anchor: ten minutes between fixes on average, swinging within 50 m, for a week."""
    rng = np.random.default_rng(seed)
    fixes = min(FIXES_PER_SHIP, rows // SHIPS_PER_ANCHORAGE)
    ship = np.arange(rows) // fixes
    ships = int(ship[-1]) + 1
    place = np.arange(ships) // SHIPS_PER_ANCHORAGE
    step_s = rng.exponential(600, rows)
    seconds = np.round(np.cumsum(step_s) - np.cumsum(step_s)[ship * fixes])
    centre_lat, centre_lon = (rng.uniform(-high, high, place[-1] + 1)[place] for high in (50, 170))
    course, away_nm = rng.uniform(0, 2 * np.pi, ships), np.sqrt(rng.random(ships))
    lat = centre_lat + away_nm * np.cos(course) / 60
    lon = centre_lon + away_nm * np.sin(course) / 60 / np.cos(np.radians(centre_lat))
    return pd.DataFrame(
        {
            "mmsi": 710_000_001 + ship,
            "timestamp": pd.to_datetime((1_704_067_200 + seconds).astype("int64"), unit="s", utc=True).as_unit("us"),
            "lat": lat[ship] + rng.normal(0, 2e-4, rows),
            "lon": lon[ship] + rng.normal(0, 2e-4, rows),
        }
    )


def feed(*, rows):
    """Cleaned FIXES, half under way and half at anchor, in random order."""
    moving = traffic(rows=rows - rows // 2)[["mmsi", "timestamp", "lat", "lon"]]
    both = pd.concat([moving, anchored(rows=rows // 2)], ignore_index=True)
    return clean_fixes(both.take(np.random.default_rng(SEED).permutation(len(both))))


def plain_pairs(table, rule):
    """Slots in which two ships are close: one interpolation a ship, one tree a slot."""
    step, hole = rule.every_min * 60, rule.max_hole_h * 3600
    slots, places = [], []
    for _, track in table[table["flag"].isna()].groupby("track_id"):
        at = track["timestamp"].to_numpy(dtype="datetime64[s]").astype("int64")
        grid = np.arange(-(-at[0] // step) * step, at[-1] + 1, step)
        after = np.clip(np.searchsorted(at, grid), 1, max(len(at) - 1, 1))
        grid = grid[np.diff(at)[after - 1] < hole] if len(at) > 1 else grid[:0]
        lat, lon = (np.radians(np.interp(grid, at, track[name])) for name in ("lat", "lon"))
        slots.append(grid)
        places.append(np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1))
    slot, place = np.concatenate(slots), np.concatenate(places)
    order = np.argsort(slot, kind="stable")
    cuts = np.flatnonzero(np.diff(slot[order])) + 1
    reach = rule.max_distance_m / 6_371_008.8
    return sum(len(cKDTree(part).query_pairs(reach)) for part in np.split(place[order], cuts))


def cpu_s(work):
    """CPU seconds of one run of `work`, and what it returns."""
    begin = time.process_time()
    done = work()
    assert done > 0, "the work was empty"
    return time.process_time() - begin, done


def run(*, rows):
    """Measure the CPU seconds of one run of each; the tree only counts close pairs, and makes no encounters of them."""
    table = feed(rows=rows)
    ours, met = cpu_s(lambda: len(find_encounters(table)))
    lingering, _ = cpu_s(lambda: len(find_loitering(table)))
    plain, _ = cpu_s(lambda: plain_pairs(table, EncounterRule()))
    floor = sort_s(table)
    return {
        "rows": rows,
        "encounters": met,
        "find_encounters_cpu_s": ours,
        "find_encounters_rows_per_s": rows / ours,
        "find_loitering_rows_per_s": rows / lingering,
        "tree_per_slot_rows_per_s": rows / plain,
        "sort_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }
