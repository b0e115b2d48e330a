"""How fast `read_fixes` reads a MarineCadastre CSV, beside Arrow's own parser on the same file in the same run."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import csv as arrow_csv

from darkvoyage.io.fixes import read_fixes


def write_marinecadastre(path: Path, rows: int, seed: int = 20240307) -> None:
    """Write one day of made-up traffic in the layout of 2018 to 2023, in order of time, vessels interleaved."""
    rng = np.random.default_rng(seed)
    vessels = max(1, rows // 1000)
    who = rng.integers(0, vessels, rows)
    seconds = np.sort(rng.integers(0, 86_400, rows))
    times = pd.Timestamp("2024-03-07") + pd.to_timedelta(seconds, unit="s")
    names = np.array([f"EXAMPLE {number}" for number in range(vessels)])
    pd.DataFrame(
        {
            "MMSI": 200_000_001 + who * 37,
            "BaseDateTime": times.strftime("%Y-%m-%dT%H:%M:%S"),
            "LAT": np.round(rng.uniform(20, 50, rows), 5),
            "LON": np.round(rng.uniform(-130, -60, rows), 5),
            "SOG": np.round(rng.uniform(0, 20, rows), 1),
            "COG": np.round(rng.uniform(0, 360, rows), 1),
            "Heading": np.where(rng.random(rows) < 0.5, 511, rng.integers(0, 360, rows)),
            "VesselName": names[who],
            "IMO": [f"IMO{number}" for number in 9_000_000 + who],
            "CallSign": [f"EX{number}" for number in who],
            "VesselType": 70 + who % 20,
            "Status": who % 16,
            "Length": 50 + who % 250,
            "Width": 10 + who % 40,
            "Draft": np.round(3 + who % 120 / 10, 1),
            "Cargo": 70 + who % 20,
            "TransceiverClass": np.where(who % 3 == 0, "B", "A"),
        }
    ).to_csv(path, index=False)


def run(rows: int) -> dict[str, float]:
    """Measure rows per second of `read_fixes` and of the floor, best of two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "AIS_2024_03_07.csv"
        write_marinecadastre(path, rows)
        floor = min(_seconds(lambda: len(arrow_csv.read_csv(path)), rows) for _ in range(2))
        ours = min(_seconds(lambda: len(read_fixes(path)), rows) for _ in range(2))
    return {
        "rows": rows,
        "read_fixes_rows_per_s": rows / ours,
        "pyarrow_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }


def _seconds(work, rows: int) -> float:
    start = time.perf_counter()
    done = work()
    elapsed = time.perf_counter() - start
    assert done == rows > 0, f"read {done} of {rows} rows"
    return elapsed


if __name__ == "__main__":
    for name, value in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000).items():
        print(f"{name:24} {value:14.2f}")
