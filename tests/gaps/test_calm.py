"""The short way of calm vessels: the same with arrays and compiled, and never without need."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.gaps.calm import Arrived, by_vessel, find_calm
from darkvoyage.gaps.columns import Stacked, to_columns
from darkvoyage.gaps.stream import GapStream
from tests.gaps.test_streaming import traffic


def batches(seed):
    """Pairs of a stream and the columns of its next batch, as the stream comes to it."""
    table = traffic(seed, vessels=40, days=3, every_min=20.0, mess=0.1)
    stream = GapStream(dv.GapRule(min_gap_h=2.0))
    for rows in np.array_split(np.arange(len(table)), 6):
        part = stream.numbered(to_columns(table.iloc[rows].reset_index(drop=True), stream.vocabulary))
        yield stream, Stacked([stream.waiting, part])
        stream.push(part)


def calm_of(stream, columns, *, compiled):
    vessel, time, lat, lon = (columns.whole(name) for name in ("vessel", "time", "lat", "lon"))
    lost = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
    fixes = Arrived(vessel, time, lat, lon, lost)
    return find_calm(fixes, columns, stream.hulls, stream.finder, stream.tracks, compiled=compiled)


@pytest.mark.parametrize("seed", range(4))
def test_compiled_and_with_arrays(seed):
    pytest.importorskip("numba")
    found = 0
    for stream, columns in batches(seed):
        one, other = (calm_of(stream, columns, compiled=compiled) for compiled in (False, True))
        # A first fix without position sends a vessel the general way in one form only.
        both = np.intersect1d(one.ship, other.ship)
        assert len(both) >= 0.8 * max(len(one.ship), len(other.ship))
        for name in ("track", "time", "lost", "row"):
            a, b = (getattr(calm, name)[np.isin(columns.whole("vessel")[calm.row], both)] for calm in (one, other))
            assert np.array_equal(a, b), name
        found += len(both)
    assert found > 10


@pytest.mark.parametrize("seed", range(3))
def test_calm_vessels_are_calm(seed):
    """By plain loops: in order, no silence, all but the last four settled."""
    for stream, columns in batches(seed):
        calm = calm_of(stream, columns, compiled=False)
        vessel, time = columns.whole("vessel"), columns.whole("time")
        for ship, count in zip(calm.ship, calm.count, strict=True):
            mine = sorted(set(time[vessel == ship].tolist()))
            assert count == len(mine) - 4
            assert calm.time[vessel[calm.row] == ship].tolist() == mine[:-4]
            assert all(b - a <= 2 * 3_600_000_000 for a, b in itertools.pairwise(mine))
        rows = np.concatenate([calm.row, calm.waiting, calm.rest])
        assert len(np.unique(rows)) == len(rows) <= len(vessel)


def test_by_vessel_is_a_stable_sort():
    rng = np.random.default_rng(1)
    vessel, time = rng.choice([0, 3, 70_000, 200_000], 500), rng.integers(0, 50, 500)
    assert by_vessel(vessel, time).tolist() == np.lexsort((time, vessel)).tolist()
    assert by_vessel(vessel[:0], time[:0]).tolist() == []


def test_small_input_starts_no_compiler(tmp_path):
    path = tmp_path / "small.csv"
    times = pd.date_range("2024-03-01", periods=50, freq="h", tz="UTC")
    frame = pd.DataFrame({"mmsi": 273000001, "timestamp": times, "lat": 1.0, "lon": 2.0})
    frame.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    code = f"import sys, darkvoyage as dv; dv.find_gaps({str(path)!r}); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
