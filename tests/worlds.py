"""Tiny hand-made worlds that several tests share; all ships are fictional."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2024-04-01T00:00:00Z")


def hours(values):
    return START + pd.to_timedelta(np.asarray(values, dtype="float64"), unit="h")


def moored_fleet(number, until_h, *, every_h=0.5, silent=None, lat=42.0, lon=131.0):
    """`number` ships at rest close together, heard every half hour; `silent` = {ship or "all": (from_h, to_h)}."""
    parts = []
    for ship in range(number):
        t = np.arange(0.1, until_h, every_h)
        quiet = (silent or {}).get(ship, (silent or {}).get("all"))
        if quiet is not None:
            t = t[(t <= quiet[0]) | (t >= quiet[1])]
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 299_000_001 + ship,
                    "timestamp": hours(t),
                    "lat": lat + 0.02 * (ship % 7),
                    "lon": lon + 0.02 * (ship // 7),
                    "sog": 0.0,
                    "cog": 0.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def ports():
    """Two sensitive ports, an ordinary one and a ship-to-ship area."""
    return pd.DataFrame(
        {
            "port_id": ["RUVYP", "KPCHO", "JPNII", "sts-a"],
            "name": ["Vostochny", "Chongjin", "Niigata", "Area A"],
            "kind": ["port", "port", "port", "sts"],
            "country": ["RU", "KP", "JP", None],
            "lat": [42.75, 41.77, 37.95, 41.8],
            "lon": [133.08, 129.82, 139.1, 131.5],
            "radius_nm": [3.0, 3.0, 3.0, 6.0],
            "sensitive": [True, True, False, True],
        }
    )


def one_gap(duration_h=84.0, **changes):
    """Fixes of one tanker that falls silent south-west of Vostochny and is heard again there."""
    fixes = pd.DataFrame(
        {
            "mmsi": 299_000_001,
            "timestamp": hours([0.0, duration_h]),
            "lat": [41.5, 41.6],
            "lon": [130.3, 130.2],
            "sog": [9.0, 9.0],
            "cog": [60.0, 240.0],
            "ship_type": pd.array([80, 80], dtype="Int16"),
        }
    )
    return fixes.assign(**changes)
