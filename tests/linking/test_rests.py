"""Where ships lie about ports: spots counted by hand, and densities that stay densities."""

import numpy as np
import pandas as pd
import pytest

from darkvoyage.kernels.bridges import gaussian_density
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.linking.rests import Rests, resting_spots

PORT = pd.DataFrame({"lat": [0.0], "lon": [0.0]})
SPREAD = np.array([1.0])
NM = 1 / 60.04


def fixes(*rows):
    """Rows of (track, nm north, nm east, speed, flag)."""
    track, north, east, speed, flag = zip(*rows, strict=True)
    table = {"track_id": track, "lat": np.array(north) / 60, "lon": np.array(east) / 60, "sog": speed}
    return pd.DataFrame(table | {"flag": pd.Series(flag, dtype="str")})


def test_ships_are_counted_once_at_a_spot():
    found = resting_spots(
        fixes(
            ("a", 1.01, 2.01, 0.1, None), ("a", 1.03, 2.05, 0.0, None), ("b", 1.05, 2.03, 0.2, None),
            ("a", 5.05, 2.05, 0.3, None), ("b", 1.05, 2.05, 9.0, None), ("c", 1.05, 2.05, 0.0, "jump"),
        )
    )  # fmt: skip
    assert found.visits.tolist() == [2, 1]
    assert found.lat * 60 == pytest.approx([1.05, 5.05])
    assert found.lon * 60 == pytest.approx([2.05, 2.05])


def sharpened(rests, north_nm, east_nm, error_nm=0.02):
    lat, lon = np.asarray(north_nm) * NM, np.asarray(east_nm) * NM
    density = gaussian_density(great_circle_nm(lat, lon, 0.0, 0.0), 1.0)
    error, port = np.full(len(lat), error_nm), np.zeros(len(lat), dtype="int64")
    return density, rests.sharpened(density, SPREAD, lat, lon, error, port, PORT)


def test_a_density_stays_one():
    """Summed over squares of a twentieth of a mile, to five spreads."""
    rng = np.random.default_rng(3)
    rests = Rests(*(rng.normal(0, 1, (2, 40)) * NM), rng.integers(1, 9, 40).astype("float64"))
    side = np.arange(-5, 5, 0.05) + 0.025
    north, east = (part.ravel() for part in np.meshgrid(side, side))
    plain, found = sharpened(rests, north, east)
    assert plain.sum() * 0.05**2 == pytest.approx(1, abs=0.01)
    assert found.sum() * 0.05**2 == pytest.approx(1, abs=0.03)


def test_berths_that_ships_use_are_looked_at_first():
    """Twenty ships at one spot a mile off count 20 exp(-1/2) = 12.13, and five as much as none: 0.9 x 12.13 / 17.13."""
    rests = Rests(np.array([NM]), np.array([0.0]), np.array([20.0]))
    plain, found = sharpened(rests, [1.0, -1.0], [0.0, 0.0], error_nm=0.0)
    known = 0.9 * 12.13 / 17.13
    peak = 1 / (2 * np.pi * 0.1**2)
    assert found[1] == pytest.approx(plain[1] * (1 - known), rel=1e-3)
    assert found[0] == pytest.approx(plain[0] * (1 - known) + known * peak, rel=1e-3)


def test_without_spots_nothing_changes():
    plain, found = sharpened(Rests(*np.zeros((3, 0))), [0.0, 1.0], [0.5, 2.0])
    assert found.tolist() == plain.tolist()
    assert len(resting_spots(fixes(("a", 1, 1, 8.0, None))).visits) == 0
