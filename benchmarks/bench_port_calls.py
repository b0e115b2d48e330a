"""Port calls: gaps weighed per second against the places of a region, beside the floor of measuring the pairs."""

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import GAPS
from darkvoyage.sea.coast import on_land

PLACES = 200
BOX = (50.0, 62.0, 2.0, 28.0)
"""The North Sea and the Baltic [deg]."""
START = pd.Timestamp("2024-03-01T00:00Z")
SEED = 20240307


def places(rng):
    """Fictional ports all over the box, many of them on land, as those of lists are."""
    return pd.DataFrame(
        {
            "port_id": [f"P{number:03d}" for number in range(PLACES)],
            "name": [f"FICTIONAL {number}" for number in range(PLACES)],
            "country": "XX",
            "lat": rng.uniform(BOX[0], BOX[1], PLACES),
            "lon": rng.uniform(BOX[2], BOX[3], PLACES),
            "radius_nm": 3.0,
            "sensitive": rng.random(PLACES) < 0.1,
        }
    )


def at_sea(number, rng):
    """Points of the box on water."""
    lat, lon = rng.uniform(BOX[0], BOX[1], 3 * number + 100), rng.uniform(BOX[2], BOX[3], 3 * number + 100)
    wet = np.flatnonzero(~on_land(lat, lon))[:number]
    if len(wet) < number:
        raise RuntimeError("more land than thought")
    return lat[wet], lon[wet]


def gaps(rows, rng):
    """Silences of fictional ships; most of them short, so that about three places are in reach of each."""
    lat, lon = at_sea(rows, rng)
    hours = np.minimum(6.0 + rng.exponential(1.0, rows), 12.0)
    away = rng.uniform(0.3, 1.0, rows) * np.minimum(hours * 10.0, 60.0) / 60.0
    course = rng.uniform(0, 2 * np.pi, rows)
    end_lat, end_lon = lat + away * np.cos(course), lon + away * np.sin(course) / np.cos(np.radians(lat))
    ashore = on_land(end_lat, end_lon)
    end_lat, end_lon = np.where(ashore, lat, end_lat), np.where(ashore, lon, end_lon)
    start = START + pd.to_timedelta(rng.integers(0, 30 * 86_400, rows), unit="s")
    table = pd.DataFrame(
        {
            "gap_id": pd.Series(np.char.mod("%016x", rng.permutation(rows))), "track_id": "1-0",
            "mmsi": 201_000_000 + rng.integers(0, max(rows // 20, 1), rows), "gap_start": start,
            "gap_end": start + pd.to_timedelta(hours * 3600, unit="s"), "is_closed": True, "duration_h": hours,
            "distance_nm": great_circle_nm(lat, lon, end_lat, end_lon), "start_lat": lat, "start_lon": lon,
            "end_lat": end_lat, "end_lon": end_lon, "start_sog": rng.uniform(0, 14, rows),
            "end_sog": rng.uniform(0, 14, rows), "start_cog": rng.uniform(0, 360, rows),
            "end_cog": rng.uniform(0, 360, rows), "fixes_before_12h": 9, "fixes_before_12h_ter": 9,
            "fixes_before_12h_sat": 0, "fixes_before_12h_dyn": 0, "fixes_after_12h": 9,
            "ship_type": rng.choice([30, 60, 70, 80], rows),
        }
    )  # fmt: skip
    return finish(table, GAPS)


def run(*, rows):
    """Weigh `rows` gaps, streamed to Parquet; fields of distance are made beforehand and left out."""
    rng = np.random.default_rng(SEED)
    ports, table = places(rng), gaps(rows, rng)
    find_port_calls(table.iloc[:: max(rows // 20_000, 1)].reset_index(drop=True), ports)
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.perf_counter(), time.process_time()
        path = find_port_calls(table, ports, calls_path=Path(folder) / "calls.parquet")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        calls = pq.read_table(path, columns=["port_id", "p_call"])
    pairs = len(calls) - calls["port_id"].null_count
    if pairs == 0 or not np.isclose(np.sum(calls["p_call"].to_numpy()), rows):
        raise RuntimeError("nothing was weighed, or probabilities are lost")
    place, at = rng.integers(0, PLACES, pairs), rng.integers(0, rows, pairs)
    began = time.perf_counter()
    for end in ("start", "end"):
        great_circle_nm(
            *(table[f"{end}_{name}"].to_numpy()[at] for name in ("lat", "lon")),
            ports["lat"].to_numpy()[place], ports["lon"].to_numpy()[place],
        )  # fmt: skip
    floor = time.perf_counter() - began
    return {
        "rows": rows,
        "gaps_per_s": rows / took,
        "places_per_gap": pairs / rows,
        "wall_s": took,
        "cpu_s": cpu,
        "great_circles_of_the_pairs_s": floor,
    }
