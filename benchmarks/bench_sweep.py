"""How fast a batch is gone through for vessels about which it says nothing new: with arrays, and compiled.

Nearly every row of a dump meets this kernel, and most rows only this one: order, time, step, silence.
"""

import numpy as np
import pyarrow as pa
from dumps import fix_tables
from fleet import fleet, slices
from traffic import best_s

from darkvoyage.gaps.calm import Arrived, find_calm
from darkvoyage.gaps.columns import Stacked, to_columns
from darkvoyage.gaps.stream import GapStream
from darkvoyage.kernels.compiled import can_compile
from darkvoyage.rules.tracks import GapRule

COLUMNS = ["mmsi", "timestamp", "lat", "lon", "sog", "cog"]


def run(*, rows):
    """Measure the best of three on the second half of some traffic, the first half being known."""
    ships = fleet(rows)
    table = pa.concat_tables([part.select(COLUMNS) for part in fix_tables(slices(rows, ships), ships)])
    stream = GapStream(GapRule(min_gap_h=1.0))
    half = len(table) // 2
    stream.push(stream.known(to_columns(table[:half], stream.vocabulary)))
    columns = Stacked([stream.waiting, stream.known(to_columns(table[half:], stream.vocabulary))])
    vessel, time, lat, lon = (columns.whole(name) for name in ("vessel", "time", "lat", "lon"))
    fixes = Arrived(vessel, time, lat, lon, ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180)))
    state = (stream.hulls, stream.finder, stream.tracks)
    figures = {"rows": rows}
    for compiled in (False, True) if can_compile() else (False,):
        took = best_s(
            lambda compiled=compiled: len(vessel) + len(find_calm(fixes, columns, *state, compiled=compiled).row)
        )
        figures[f"{'compiled' if compiled else 'arrays'}_rows_per_s"] = len(vessel) / took
    return figures
