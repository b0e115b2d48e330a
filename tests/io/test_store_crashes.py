"""Whatever ends the building of a store: it reads as of its last whole source, and the same call again completes it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

import darkvoyage as dv
from darkvoyage.errors import DarkvoyageError
from darkvoyage.io import store_build, store_manifest, store_write
from darkvoyage.io.store import is_store

SHIPS = (257_000_001, 257_000_002)


def day(number, rows):
    rng = np.random.default_rng(number)
    who = rng.integers(0, len(SHIPS), rows)
    times = pd.Timestamp(2024, 3, number, tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 86_400, rows)), "s")
    return pd.DataFrame(
        {
            "mmsi": np.array(SHIPS)[who],
            "timestamp": times,
            "lat": np.round(rng.uniform(50, 60, rows), 5),
            "lon": np.round(rng.uniform(0, 10, rows), 5),
            "imo": 9_000_001 + who,
            "draught_m": rng.integers(4, 6, rows).astype(float),
        }
    )


def write_days(folder, days, rows):
    folder.mkdir()
    for number in range(1, days + 1):
        day(number, rows).to_parquet(folder / f"day_{number:02d}.parquet", index=False)
    return sorted(folder.iterdir())


def finished(store, sources):
    """How many sources a store holds; it reads as exactly the first of them."""
    held = len(json.loads((store / "manifest.json").read_text())["sources"])
    opened = dv.open_store(store)
    if held:
        wanted = dv.read_fixes(sources[:held])
        pd.testing.assert_frame_equal(opened.read(), wanted)
        assert opened.report["rows_in"] == len(wanted)
    assert len(opened) == sum(opened.vessels()["fixes"]) == sum(len(chunk) for chunk in opened.chunks())
    return held


class Steps:
    """Counts the steps by which a store changes on disk, and fails at one of them."""

    def __init__(self, monkeypatch, failing):
        self.count = 0
        self._failing = failing
        for place, name in [
            (store_write, "_write"), (store_write, "sync"), (store_manifest, "sync"), (store_manifest.os, "fsync"),
            (Path, "replace"), (Path, "mkdir"),
        ]:  # fmt: skip
            monkeypatch.setattr(place, name, self._counted(getattr(place, name)))

    def _counted(self, work):
        def step(*arguments, **options):
            self.count += 1
            if self.count == self._failing:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return work(*arguments, **options)

        return step


def test_a_full_disk_at_every_step(tmp_path, monkeypatch):
    sources = write_days(tmp_path / "days", 2, 60)
    seen, failing = set(), 0
    while True:
        failing += 1
        store = tmp_path / f"store_{failing}"
        with monkeypatch.context() as patches:
            steps = Steps(patches, failing)
            failed = None
            try:
                dv.build_store(sources, store)
            except DarkvoyageError as error:
                failed = str(error)
        if failed is None:
            break
        assert "No space left on device" in failed
        assert f"{store}: cannot be written" in failed
        if (store / "manifest.json").exists():
            held = finished(store, sources)
            assert len(list((store / "runs").glob("*"))) == held
            assert f"it holds the {held} sources" in failed
            seen.add(held)
        assert len(dv.build_store(sources, store)) == 120
        assert finished(store, sources) == 2
    assert steps.count < failing
    assert failing > 20
    assert seen == {0, 1, 2}


def test_a_full_disk_names_what_is_there(tmp_path):
    sources = write_days(tmp_path / "days", 2, 20_000)
    code = (
        "import resource, signal, darkvoyage as dv\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"dv.build_store({[str(sources[0])]!r}, 'store')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        f"dv.build_store({[str(path) for path in sources]!r}, 'store')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "darkvoyage.errors.DarkvoyageError: store: cannot be written" in done.stderr
    assert "File too large" in done.stderr
    assert "it holds the 1 sources that were finished, and the same call again goes on with the next" in done.stderr
    assert finished(tmp_path / "store", sources) == 1
    dv.build_store(sources, tmp_path / "store")
    assert finished(tmp_path / "store", sources) == 2


def test_an_interrupt_leaves_no_half_run(tmp_path, monkeypatch):
    sources = write_days(tmp_path / "days", 2, 60)
    dv.build_store(sources[0], tmp_path / "store")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store_build.RunWriter, "flush", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dv.build_store(sources, tmp_path / "store")
    monkeypatch.undo()
    assert finished(tmp_path / "store", sources) == 1
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1
    dv.build_store(sources, tmp_path / "store")
    assert finished(tmp_path / "store", sources) == 2


def test_killed_at_random_times(tmp_path):
    sources = write_days(tmp_path / "days", 12, 4_000)
    store = tmp_path / "store"
    code = (
        "import sys, darkvoyage as dv, darkvoyage.io.store\n"
        "sys.stdout.write('ready'); sys.stdout.flush()\n"
        f"dv.build_store({str(tmp_path / 'days')!r}, {str(store)!r}, progress=False)\n"
    )
    rng = np.random.default_rng(20240307)
    held, kills, longest_s = [], 0, 0.02
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout.read(5) == b"ready"
        time.sleep(rng.uniform(0.2, 1.0) * longest_s)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
        if is_store(store):
            held.append(finished(store, sources))
        else:  # killed before the first manifest
            assert not held
        if held and held[-1] == len(sources):
            break
        if len(set(held[-2:])) < 2:  # nothing new; machines differ in pace
            longest_s *= 1.2
    assert kills > 3
    assert held == sorted(held)
    assert len(set(held)) > 2
    assert len(dv.build_store(tmp_path / "days", store)) == 12 * 4_000
    assert finished(store, sources) == len(sources)
    assert len(list((store / "runs").iterdir())) == len(sources)


def test_memory_stays_under_the_limit(tmp_path):
    limit = 600_000_000
    rows = 2_000_000
    rng = np.random.default_rng(1)
    who = rng.integers(0, 3_000, rows)
    seconds = np.sort(rng.integers(0, 86_400, rows))
    names = np.array([f"EXAMPLE {number}" for number in range(3_000)])
    table = pa.table(
        {
            "MMSI": 257_000_001 + who,
            "BaseDateTime": pa.array(seconds + 1_709_251_200, pa.timestamp("s")),
            "LAT": np.round(rng.uniform(50, 60, rows), 5),
            "LON": np.round(rng.uniform(0, 10, rows), 5),
            "SOG": np.round(rng.uniform(0, 20, rows), 1),
            "COG": np.round(rng.uniform(0, 360, rows), 1),
            "Heading": rng.integers(0, 360, rows),
            "VesselName": pa.array(names[who], pa.string()),
            "IMO": 9_000_000 + who,
            "VesselType": 70 + who % 20,
            "Status": who % 16,
            "Length": 50 + who % 250,
            "Width": 10 + who % 40,
            "Draft": 3 + who % 120 / 10,
            "TransceiverClass": pa.array(np.array(["A", "B"])[who % 2], pa.string()),
            "CallSign": pa.array(names[who], pa.string()),
        }
    )
    path = tmp_path / "one.csv"
    arrow_csv.write_csv(table, path)
    code = """
import sys, threading, time
peak = 0
def watch():
    global peak
    while True:
        lines = open("/proc/self/status").read().splitlines()
        peak = max(peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")))
        time.sleep(0.005)
threading.Thread(target=watch, daemon=True).start()
import darkvoyage as dv
store = dv.build_store(sys.argv[1], sys.argv[2], memory_limit=int(sys.argv[3]))
built, peak = peak, 0
rows = sum(len(chunk) for chunk in store.chunks(rows=1 << 18))
print(len(store), rows, built, peak)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "store"), str(limit)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    stored, walked, built, walking = map(int, done.stdout.split())
    assert stored == walked == rows
    assert len(list((tmp_path / "store" / "runs").iterdir())) > 1
    assert built < limit
    assert walking < limit
