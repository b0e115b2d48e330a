"""How fast `read_fixes` reads one day of made-up traffic in each format, beside Arrow's own parser on the same file."""

import tempfile
from pathlib import Path

from dumps import FORMATS, write_dump
from pyarrow import csv, parquet
from traffic import best_s

from darkvoyage.io.fixes import read_fixes


def run(*, rows):
    """Measure the best of two of each."""
    figures = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            path = Path(folder) / f"dump.{kind}"
            write_dump(path, rows=rows, kind=kind)
            read_arrow = parquet.read_table if kind == "parquet" else csv.read_csv
            floor = best_s(lambda path=path, read=read_arrow: len(read(path)), repeats=2)
            ours = best_s(lambda path=path: len(read_fixes(path)), repeats=2)
            assert len(read_fixes(path)) == rows
            figures[f"{kind}_read_fixes_rows_per_s"] = rows / ours
            figures[f"{kind}_pyarrow_rows_per_s"] = rows / floor
            figures[f"{kind}_times_the_floor"] = ours / floor
    return figures
