"""Made-up traffic: 1,000 fixes a ship at 10 min on average, one step in a hundred a silence of 12 to 72 h, shuffled.

The recipe follows the one that open gap finders were measured with: exponential steps of mean 600 s, whole seconds,
receivers in the shares 0.5, 0.4 and 0.1.
"""

import time

import numpy as np
import pandas as pd

FIXES_PER_SHIP = 1000


def traffic(*, rows, seed=20240101):
    """FIXES of `rows` rows in random order."""
    rng = np.random.default_rng(seed)
    ship = np.arange(rows) // FIXES_PER_SHIP
    step_s = rng.exponential(600, rows)
    silent = rng.random(rows) < 0.01
    step_s[silent] = rng.uniform(12, 72, silent.sum()) * 3600
    seconds = np.round(np.cumsum(step_s) - np.cumsum(step_s)[ship * FIXES_PER_SHIP])
    away_nm = 10 * np.minimum(step_s / 3600, 1)
    course = rng.uniform(0, 2 * np.pi, rows)
    lat = rng.uniform(-50, 50, ship[-1] + 1)[ship] + _walk(away_nm * np.cos(course) / 60, ship)
    lon = rng.uniform(-150, 150, ship[-1] + 1)[ship] + _walk(away_nm * np.sin(course) / 60, ship)
    table = pd.DataFrame(
        {
            "mmsi": 200_000_001 + ship * 7919 % 500_000_000,
            "timestamp": pd.to_datetime((1_704_067_200 + seconds).astype("int64"), unit="s", utc=True).as_unit("us"),
            "lat": lat,
            "lon": lon,
            "sog": np.round(rng.uniform(0, 15, rows), 1),
            "cog": np.round(rng.uniform(0, 359.9, rows), 1),
            "receiver": rng.choice(["terrestrial", "satellite", "dynamic"], rows, p=[0.5, 0.4, 0.1]),
            "draught_m": np.where(rng.random(rows) < 0.1, 8.0, np.nan),
        }
    )
    return table.iloc[rng.permutation(rows)].reset_index(drop=True)


def _walk(step, ship):
    total = np.cumsum(step)
    return total - total[ship * FIXES_PER_SHIP]


def best_s(work, *, repeats=3):
    """Seconds of the fastest of some runs of `work`, which returns how much it did."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        done = work()
        seconds.append(time.perf_counter() - start)
        assert done > 0, "the work was empty"
    return min(seconds)


def sort_s(table, *, repeats=3):
    """Seconds of the floor: putting the rows' times and positions in the order of ship and time, with numpy alone."""
    ship = np.unique(table["mmsi"].to_numpy(), return_inverse=True)[1]
    micros = table["timestamp"].to_numpy(dtype="datetime64[us]").astype("int64")
    packed = ship * (np.ptp(micros) + 1) + (micros - micros.min())
    columns = [micros, table["lat"].to_numpy(), table["lon"].to_numpy()]

    def work():
        order = np.argsort(packed)
        ordered = [values[order] for values in columns]
        return len(ordered[0])

    return best_s(work, repeats=repeats)
