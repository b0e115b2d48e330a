"""How fast a dump becomes a store and comes back, beside Arrow parsing and writing the same rows unsorted."""

import itertools
import tempfile
from pathlib import Path

from dumps import dump_path
from pyarrow import csv, parquet
from traffic import best_s

from darkvoyage.io.store import build_store, open_store


def run(*, rows):
    """Measure a dump in the layout of MarineCadastre: best of two builds, best of three readings."""
    with tempfile.TemporaryDirectory() as folder:
        path = dump_path(folder, rows=rows, kind="mc", mess="clean")
        places = (Path(folder) / f"store_{number}" for number in itertools.count())
        build = best_s(lambda: len(build_store(path, next(places), progress=False)), repeats=2)
        store = open_store(Path(folder) / "store_0")
        size = sum(file.stat().st_size for file in store.path.rglob("*.parquet"))
        vessels = store.vessels()
        ship = int(vessels.sort_values("fixes")["mmsi"].iloc[len(vessels) // 2])
        walk = best_s(lambda: sum(len(chunk) for chunk in store.chunks()))
        one = best_s(lambda: len(store.read(mmsi=ship)))
        floor = best_s(lambda: _unsorted(path, Path(folder) / "unsorted.parquet"), repeats=2)
    return {
        "rows": rows,
        "build_rows_per_s": rows / build,
        "unsorted_rows_per_s": rows / floor,
        "times_the_floor": build / floor,
        "bytes_per_row": size / rows,
        "walk_rows_per_s": rows / walk,
        "one_vessel_ms": one * 1000,
    }


def _unsorted(path, out):
    table = csv.read_csv(path)
    parquet.write_table(table, out, compression="zstd")
    return len(table)
