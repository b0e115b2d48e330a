"""How fast `find_untrusted` goes through cleaned fixes and `mark_untrusted` takes some out, beside sorting them."""

import numpy as np
from traffic import best_s, sort_s, traffic

from darkvoyage.kernels.sphere import destination
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.tracks.integrity import find_untrusted, mark_untrusted

JAMMED = 20


def run(*, rows):
    """Measure the best of three of each; one ship in twenty goes round a circle for a while."""
    cleaned = clean_fixes(_jammed(traffic(rows=rows)))
    found = find_untrusted(cleaned)
    marked = mark_untrusted(cleaned, found)
    assert (found["reason"] == "circle").any(), "some ships must be on a circle"
    ours = best_s(lambda: len(find_untrusted(cleaned)))
    marking = best_s(lambda: int((mark_untrusted(cleaned, found)["flag"] == "untrusted").sum()))
    floor = sort_s(cleaned)
    return {
        "rows": rows,
        "marked_rows": int((marked["flag"] == "untrusted").sum()),
        "find_untrusted_rows_per_s": rows / ours,
        "mark_untrusted_rows_per_s": rows / marking,
        "sort_rows_per_s": rows / floor,
        "times_the_floor": ours / floor,
    }


def _jammed(table):
    """The traffic in the middle of the Pacific, with a tenth of the time of some ships on a circle about one place."""
    table = table.sort_values(["mmsi", "timestamp"], ignore_index=True)
    ship = np.unique(table["mmsi"].to_numpy(), return_inverse=True)[1]
    begin = np.searchsorted(ship, ship)
    turn = np.arange(len(table)) - begin
    table["lat"] += ship * 0.618 % 1 * 40 - 45 - table["lat"].to_numpy()[begin]
    table["lon"] += ship * 0.414 % 1 * 40 - 150 - table["lon"].to_numpy()[begin]
    rows = np.flatnonzero((ship % JAMMED == 0) & (turn >= 400) & (turn < 500))
    angle = time_us(table["timestamp"])[rows] / 2.7e9 * 360.0
    n = len(rows)
    lat, lon = destination(np.full(n, 25.1), np.full(n, 56.3), angle, np.full(n, 2.5))
    table.loc[rows, "lat"], table.loc[rows, "lon"] = lat, lon
    return table
