"""The columns of delimited text: the compiled route of the reader on one thread and two, beside the parsers of peers.

`four` is what the gap job needs at least, `gap` all that it can use. The reader of this project checks, converts and
accounts for every row; the peers parse numbers and, where they can, times, and leave words as text.
"""

import tempfile
from pathlib import Path
from unittest import mock

from dumps import LAYOUTS, write_dump
from pyarrow import csv
from traffic import best_s

from darkvoyage.io import fast_text, stream
from darkvoyage.io.stream import FixStream

FOUR = ("mmsi", "timestamp", "lat", "lon")
GAP = (*FOUR, "sog", "cog", "nav_status", "ais_class", "imo", "ship_type", "length_m", "draught_m", "destination")
SOURCES = {
    "mc": "MMSI BaseDateTime LAT LON SOG COG Status TransceiverClass IMO VesselType Length Draft",
    "dk": "MMSI|# Timestamp|Latitude|Longitude|SOG|COG|Navigational status|Type of mobile|IMO|Ship type|Length|Draught|"
    "Destination",
}


def _own(path, columns, *, threads):
    """Read with compiled kernels, or with Arrow's parser where there are no threads for them."""
    enough = 0 if threads else 1 << 60
    with mock.patch.object(stream, "FAST_FROM_BYTES", enough), mock.patch.object(fast_text, "WORKERS", threads or 1):
        return sum(map(len, FixStream(path, columns=columns, progress=False, fingerprints=False)))


def _polars(path, names):
    import polars as pl

    return (
        pl.scan_csv(path, try_parse_dates=True, truncate_ragged_lines=True, ignore_errors=True)
        .select(names)
        .collect()
        .height
    )


def _pyarrow(path, names):
    return len(
        csv.read_csv(
            path,
            parse_options=csv.ParseOptions(invalid_row_handler=lambda row: "skip"),
            convert_options=csv.ConvertOptions(include_columns=names),
        )
    )


def run(*, rows):
    """Measure the best of three of each; the page cache is warm and the kernels are compiled."""
    figures = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        for kind in LAYOUTS:
            path = Path(folder) / f"dump.{kind}.csv"
            write_dump(path, rows=rows, kind=kind)
            figures[f"{kind}_bytes"] = path.stat().st_size
            names = SOURCES[kind].split("|" if "|" in SOURCES[kind] else " ")
            for label, columns, wanted in (("four", FOUR, names[:4]), ("gap", GAP, names)):
                work = {
                    "own_1_thread": lambda p=path, c=columns: _own(p, c, threads=1),
                    "own_2_threads": lambda p=path, c=columns: _own(p, c, threads=2),
                    "own_by_library": lambda p=path, c=columns: _own(p, c, threads=0),
                    "polars": lambda p=path, w=wanted: _polars(p, w),
                    "pyarrow": lambda p=path, w=wanted: _pyarrow(p, w),
                }
                for name, act in work.items():
                    figures[f"{kind}_{label}_{name}_rows_per_s"] = rows / best_s(act)
    return figures
