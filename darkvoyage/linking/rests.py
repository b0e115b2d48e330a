"""Where ships lie still around each port, by the feed's own fixes: berths and roads, which no list of ports has.

A ship on a call is looked for where ships on the air lay, each spot as often as ships did; near the port where it is
alongside, some miles about it where it waits. What kind of ships lay there, and what is said of the port, is not looked
at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import gaussian_density
from darkvoyage.kernels.nearby import near_pairs_of_many
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.linking.places import near_ports

__all__ = ["Rests", "resting_spots"]

_STILL_KN = 0.5
_CELL_DEG = 1 / 600
"""Side of a spot, a tenth of a mile: about a berth [deg]."""
_SPREAD_NM, _REACH = 0.1, 4.0
_KNOWN, _FEW = 0.9, 5.0
"""Share of the calls that are made at known spots, where very many ships lay; how many ships count as much as what the
port's own position says."""


@dataclass(frozen=True)
class Rests:
    """Spots where ships lay still.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
    visits : ndarray of float64, shape (n,)
        Ships that lay there.
    """

    lat: np.ndarray
    lon: np.ndarray
    visits: np.ndarray

    def sharpened(
        self, density: np.ndarray, spread_nm: np.ndarray, lat: np.ndarray, lon: np.ndarray, error_nm: np.ndarray,
        port: np.ndarray, ports: pd.DataFrame,
    ) -> np.ndarray:  # fmt: skip
        """Draw the densities of ships around ports to where ships lie [1/nm2], shape (n,).

        Parameters
        ----------
        density : ndarray of float64, shape (n,)
            Gaussian, around the port [1/nm2].
        spread_nm : ndarray of float64, shape (ports,)
            Its standard deviation at each port [nm].
        lat, lon, error_nm : ndarray of float64, shape (n,)
            Points asked for, and how well they are known [nm].
        port : ndarray of int64, shape (n,)
        ports : PORTS table
        """
        spot, of, away = near_ports(self.lat, self.lon, ports, spread_nm)
        pull = self.visits[spot] * np.exp(-0.5 * (away / spread_nm[of]) ** 2)
        total = np.bincount(of, pull, minlength=len(ports))
        known = (_KNOWN * total / (total + _FEW))[port]
        # The density times that of visits, brought to a sum of one over the spots of the port.
        scale = np.maximum(total / (2 * np.pi * spread_nm**2), 1e-300)[port]
        return density * (1 - known + known * self._intensity(lat, lon, error_nm) / scale)

    def _intensity(self, lat: np.ndarray, lon: np.ndarray, error_nm: np.ndarray) -> np.ndarray:
        """Visits about points [1/nm2], shape (n,)."""
        reach = np.full(len(self.lat), _REACH * _SPREAD_NM)
        point, spot = near_pairs_of_many(lat, lon, self.lat, self.lon, reach)
        away = great_circle_nm(lat[point], lon[point], self.lat[spot], self.lon[spot])
        spread = np.minimum(np.hypot(_SPREAD_NM, error_nm[point]), _REACH * _SPREAD_NM / 2)
        return np.bincount(point, self.visits[spot] * gaussian_density(away, spread), minlength=len(lat))


def resting_spots(fixes: pd.DataFrame) -> Rests:
    """Find the spots where ships on the air lay still.

    Parameters
    ----------
    fixes : FIXES table, cleaned

    Returns
    -------
    Rests
    """
    usable = fixes["flag"].isna() & fixes["track_id"].notna() & fixes["lat"].notna() & fixes["lon"].notna()
    table = fixes[usable & (fixes["sog"] < _STILL_KN)] if "sog" in fixes else fixes.iloc[:0]
    north, east = (np.floor(table[name].to_numpy() / _CELL_DEG).astype("int64") for name in ("lat", "lon"))
    cells = pd.DataFrame({"track": pd.factorize(table["track_id"])[0], "north": north, "east": east})
    visits = cells.drop_duplicates().groupby(["north", "east"]).size()
    lat, lon = ((visits.index.get_level_values(name).to_numpy() + 0.5) * _CELL_DEG for name in ("north", "east"))
    return Rests(lat, lon, visits.to_numpy(dtype="float64"))
