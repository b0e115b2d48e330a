"""How fast fixes are tested for being within 50 km of one of 60 sensitive ports, beside one pass over the columns."""

import numpy as np
from traffic import best_s

from darkvoyage.io.ports import sensitive_ports
from darkvoyage.kernels.nearby import near_any, near_cells

PORTS = 60
RADIUS_NM = 50 / 1.852
NEAR_SHARE = 0.02
"""Share of the fixes drawn within a degree of a port; the others lie anywhere on the globe."""


def run(*, rows):
    """Measure the best of three of each."""
    rng = np.random.default_rng(60)
    ports = sensitive_ports().head(PORTS)
    place_lat, place_lon = ports["lat"].to_numpy(), ports["lon"].to_numpy()
    radius = np.full(PORTS, RADIUS_NM)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, rows))), rng.uniform(-180, 180, rows)
    some = np.flatnonzero(rng.random(rows) < NEAR_SHARE)
    port = rng.integers(0, PORTS, len(some))
    lat[some] = place_lat[port] + rng.uniform(-1, 1, len(some))
    lon[some] = place_lon[port] + rng.uniform(-1, 1, len(some))
    build = best_s(lambda: int(near_cells(place_lat, place_lon, radius).sum()))
    cells = near_cells(place_lat, place_lon, radius)
    near = best_s(lambda: int(near_any(lat, lon, place_lat, place_lon, radius, cells).sum()))
    floor = best_s(lambda: len(lat + lon))
    return {
        "rows": rows,
        "ports": PORTS,
        "near_rows": int(near_any(lat, lon, place_lat, place_lon, radius, cells).sum()),
        "build_s": build,
        "near_any_rows_per_s": rows / near,
        "add_two_columns_rows_per_s": rows / floor,
        "times_the_floor": near / floor,
    }
