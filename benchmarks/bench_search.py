"""How fast gaps are found in raw fixes that are in memory, in order of arrival, beside one sort of their packed keys.

No file is read: this is the cleaning and the search alone, batch by batch as a dump comes from the reader.
"""

import numpy as np
import pyarrow as pa
from dumps import fix_tables
from fleet import fleet, slices
from traffic import best_s

from darkvoyage.gaps.dumps import gaps_of_parts
from darkvoyage.rules.tracks import GapRule

COLUMNS = ["mmsi", "timestamp", "lat", "lon", "sog", "cog"]


def run(*, rows):
    """Measure the best of three of each."""
    ships, rule = fleet(rows), GapRule(min_gap_h=1.0)
    parts = [part.select(COLUMNS) for part in fix_tables(slices(rows, ships), ships)]
    gaps, _ = gaps_of_parts(lambda: iter(parts), rule, None)
    table = pa.concat_tables(parts)
    mmsi, seconds = table["mmsi"].to_numpy(), table["timestamp"].cast("int64").to_numpy() // 1_000_000
    key = (mmsi << 33) + seconds
    ours = best_s(lambda: len(gaps_of_parts(lambda: iter(parts), rule, None)[0]))
    floor = best_s(lambda: len(np.sort(key)))
    return {
        "rows": rows,
        "gaps": len(gaps),
        "search_rows_per_s": rows / ours,
        "sort_keys_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }
