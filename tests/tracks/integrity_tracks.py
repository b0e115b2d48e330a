"""Tracks made by hand for the tests of integrity; all ships are fictional."""

import numpy as np
import pandas as pd

from darkvoyage.kernels.sphere import destination
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES

START = pd.Timestamp("2024-05-01T00:00:00Z")
MMSI = 273_100_000


def track(hours, lat, lon, *, mmsi=MMSI, **columns):
    """Cleaned fixes of one track at the given hours; everything is believed."""
    hours = np.asarray(hours, dtype="float64")
    data = {
        "mmsi": mmsi,
        "timestamp": START + pd.to_timedelta(np.round(hours * 3600), unit="s"),
        "lat": np.broadcast_to(lat, hours.shape),
        "lon": np.broadcast_to(lon, hours.shape),
        "track_id": f"{mmsi}-0",
        "flag": None,
    }
    return conform(pd.DataFrame(data | columns), FIXES)


def every(minutes, until_h, since_h=0.0):
    return np.arange(since_h, until_h + 1e-9, minutes / 60.0)


def wavering(hours, *, lat=30.0, lon=-40.0, kn=12.0, seed=3, **columns):
    """A ship that sails east with the small changes of speed and helm that every ship makes."""
    rng = np.random.default_rng(seed)
    speed = kn + 0.6 * np.sin(hours * 2.1) + rng.normal(0, 0.1, len(hours))
    way = np.r_[0.0, np.cumsum(np.diff(hours) * speed[1:])]
    north = 0.4 * np.sin(way / 7.0) / 60.0
    sog = np.round(speed, 1)
    told = {"sog": sog, "cog": 90.0 + rng.normal(0, 2, len(hours)), "heading": 90.0 + rng.normal(0, 2, len(hours))}
    return track(hours, lat + north, lon + way / 60.0 / np.cos(np.radians(lat)), **(told | columns))


def circle(hours, *, lat, lon, radius_nm, period_h, phase_deg=0.0):
    """Positions on a circle."""
    angle = hours / period_h * 360.0 + phase_deg
    return destination(np.full(len(hours), lat), np.full(len(hours), lon), angle, np.full(len(hours), radius_nm))
