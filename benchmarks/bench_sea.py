"""Distances by sea: making the field of a new port, and looking up ways once it is there."""

import os
import time

import numpy as np
from traffic import best_s

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.sea import SeaRule
from darkvoyage.sea.cache import VARIABLE
from darkvoyage.sea.coast import on_land
from darkvoyage.sea.distance import sea_legs
from darkvoyage.sea.field import build_field

PLACES = np.array([[42.75, 133.08], [35.1, 129.05], [38.72, 125.4]])
"""Vostochny, Busan and Nampo."""
REACHES_NM = (250.0, 1000.0, 2500.0)


def run(*, rows):
    """Seconds a new field by reach, and ways looked up a second, beside great circles."""
    os.environ[VARIABLE] = "off"
    on_land(np.zeros(1), np.zeros(1))
    rule, figures = SeaRule(), {"rows": rows}
    for reach in REACHES_NM if rows > 100_000 else REACHES_NM[:1]:
        start = time.perf_counter()
        assert all(len(build_field(lat, lon, reach, rule).levels) for lat, lon in PLACES)
        figures[f"new_field_{reach:.0f}_nm_s"] = (time.perf_counter() - start) / len(PLACES)
    rng = np.random.default_rng(4)
    place = rng.integers(0, len(PLACES), rows)
    lat, lon = rng.uniform(32, 44, rows), rng.uniform(124, 140, rows)
    legs = sea_legs(*PLACES.T, place, lat, lon, within_nm=1000.0)
    sea = np.isfinite(legs.likely_nm) & (legs.snapped & 1 == 0)
    assert sea.sum() > rows / 4
    for name, some in (("ways_a_second", np.arange(rows)), ("ways_from_open_water_a_second", np.flatnonzero(sea))):
        seconds = best_s(
            lambda some=some: len(sea_legs(*PLACES.T, place[some], lat[some], lon[some], within_nm=1000.0).likely_nm)
        )
        figures[name] = len(some) / seconds
    circles = best_s(lambda: len(great_circle_nm(*PLACES[place].T, lat, lon)))
    return figures | {"great_circles_a_second": rows / circles}
