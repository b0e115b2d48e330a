"""Hand-made diaries for tests of what is heard of them."""

import numpy as np

from darkvoyage.simulation.diary import Identity, Log, Silence


def make_log(ship, lat, lon, *, status=0, first=0, silences=(), typed=(), **changes):
    """A diary with one row per position; the state is that of a ship under way unless said."""
    lat, lon = np.asarray(lat, dtype="float64"), np.asarray(lon, dtype="float64")
    n = len(lat)
    rows = {
        "ship": ship,
        "first": first,
        "lat": lat,
        "lon": lon,
        "heading": np.full(n, np.nan),
        "mode": np.zeros(n, dtype="int8"),
        "status": np.full(n, status, dtype="int8"),
        "typed": list(typed),
        "loads": [],
        "silences": [Silence(*silence) for silence in silences],
        "shown_lat": lat,
        "shown_lon": lon,
        "identities": [(first, Identity(ship.mmsi, ship.imo, ship.name))],
    }
    return Log(**{**rows, **changes})
