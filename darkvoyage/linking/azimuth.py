"""Where a ship under way appears on radar: beside its place, along the flight of the satellite.

A ship that moves away from the radar is imaged back along the flight, one that comes nearer ahead, by slant range over
platform speed times the radial speed (Raney 1971; Rodger and Guida 2021). And a ship goes on until its line of the
image is taken. Seen from the ground, the look and the flight
of an ascending and a descending pass are nearly opposite, so that the displacement is nearly the same: of a radar that
looks to its right, ships going east appear too far south whichever the pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.linking.line_time import line_delays
from darkvoyage.linking.sensors import imagers, position_error_nm, scene_columns
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["PositionErrors", "azimuth_lag_h", "flight_deg", "position_errors"]

_ALTITUDE_KM = {"s1": 693.0, "rs2": 798.0, "agile": 550.0, "sar": 693.0}
"""Altitude of the satellites [km]: ESA and CSA handbooks; small radars fly at 500-600 km; others as Sentinel-1."""
_EARTH_KM, _GM_KM3_S2, _TURN_KM_S = 6371.0, 398600.4, 0.4651
"""Radius, gravity, and the speed of the equator."""
_INCLINATION_DEG = 98.2
"""Sun-synchronous orbits at 500-800 km: 97.4 to 98.6 degrees."""
_INCIDENCE_DEG = 39.0
"""Middle of Sentinel-1 IW (29-46)."""
_KNOWN_SD, _USUAL_SD = 0.05, 0.15
"""Relative error of the lag with the incidence known, and without (29 and 46 degrees give 0.75 and 1.25 of it)."""
_DUSK = ("s1", "rs2")
"""Their ascending node is at six in the evening, local time."""
_SURE = 0.98
_VIEW = (
    "orbit_state", "observation_direction", "look_azimuth_deg", "incidence_deg", "incidence_near_deg",
    "incidence_far_deg",
)  # fmt: skip


@dataclass(frozen=True)
class PositionErrors:
    """Error of each sighting's position, and how its ship's velocity displaces it, in one of two possible views.

    Parameters
    ----------
    imager : ndarray of str, shape (n,)
        Of `sensors.imagers`.
    sd_nm : ndarray of float64, shape (n,)
        Of a ship that lies still, on each axis.
    first_h, second_h : ndarray of float64, shape (n, 2, 2)
        Displacement to the (east, north) [nm] per velocity to the (east, north) [kn] in the one and the other view;
        of sensors other than radar, only what the line of the image is late.
    p_first : ndarray of float64, shape (n,)
    relative_sd : ndarray of float64, shape (n,)
        Of the displacement, from what is not known of range and incidence.
    time_sd_h : ndarray of float64, shape (n,)
        Spread of the time at which the line was taken [h].
    """

    imager: np.ndarray
    sd_nm: np.ndarray
    first_h: np.ndarray
    second_h: np.ndarray
    p_first: np.ndarray
    relative_sd: np.ndarray
    time_sd_h: np.ndarray

    def shift(
        self, sighting: np.ndarray, east_kn: np.ndarray, north_kn: np.ndarray, velocity_sd_kn: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Displace ships of these velocities in these sightings.

        Parameters
        ----------
        sighting : ndarray of int64, shape (m,)
            Rows of the sightings.
        east_kn, north_kn : ndarray of float64, shape (m,)
            Expected velocity; NaN where it is not known, which displaces nothing.
        velocity_sd_kn : ndarray of float64, shape (m,)
            Its spread on each axis.

        Returns
        -------
        east_nm, north_nm : ndarray of float64, shape (m,)
            Mean displacement.
        sd_nm : ndarray of float64, shape (m,)
            Its spread on each axis, the mean of both.
        """
        velocity = np.nan_to_num(np.stack([east_kn, north_kn], axis=-1))[..., None]
        p = self.p_first[sighting][:, None]
        one, other = ((part[sighting] @ velocity)[..., 0] for part in (self.first_h, self.second_h))
        mean = p * one + (1 - p) * other
        late = self.time_sd_h[sighting][:, None] ** 2
        gain = p * (self.first_h[sighting] ** 2).sum(-1) + (1 - p) * (self.second_h[sighting] ** 2).sum(-1) + late
        variance = p * (1 - p) * (one - other) ** 2 + (self.relative_sd[sighting][:, None] * mean) ** 2
        variance += late * velocity[..., 0] ** 2
        variance += gain * np.broadcast_to(np.asarray(velocity_sd_kn, "float64") ** 2, sighting.shape)[:, None]
        return mean[:, 0], mean[:, 1], np.sqrt(variance.mean(axis=1))


def flight_deg(lat: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Direction in which a satellite in a sun-synchronous orbit passes over the turning ground [deg], shape (n,).

    Parameters
    ----------
    lat : ndarray of float64, shape (n,)
        [deg].
    ascending : ndarray of bool, shape (n,)
    """
    speed = np.sqrt(_GM_KM3_S2 / (_EARTH_KM + _ALTITUDE_KM["s1"])) * _EARTH_KM / (_EARTH_KM + _ALTITUDE_KM["s1"])
    cosine = np.maximum(np.cos(np.radians(lat)), abs(np.cos(np.radians(_INCLINATION_DEG))))
    east = speed * np.cos(np.radians(_INCLINATION_DEG)) / cosine
    north = np.sqrt(np.maximum(speed**2 - east**2, 0.0))
    turning = east - _TURN_KM_S * np.cos(np.radians(lat))
    return np.degrees(np.arctan2(turning, np.where(ascending, north, -north))) % 360.0


def azimuth_lag_h(incidence_deg: np.ndarray, altitude_km: np.ndarray) -> np.ndarray:
    """Displacement per ground speed away from the radar, (R / V) sin(incidence) [h], shape (n,).

    Parameters
    ----------
    incidence_deg : ndarray of float64, shape (n,)
        At the sea surface [deg].
    altitude_km : ndarray of float64, shape (n,)
    """
    radius, sine = _EARTH_KM + altitude_km, np.sin(np.radians(incidence_deg))
    look = np.arcsin(_EARTH_KM * sine / radius)
    slant_km = radius * np.sin(np.radians(incidence_deg) - look) / sine
    return slant_km / np.sqrt(_GM_KM3_S2 / radius) * sine / 3600.0


def position_errors(sightings: pd.DataFrame, scenes: pd.DataFrame) -> PositionErrors:
    """Work out how far off each sighting may be, and how its ship's velocity displaces it.

    What the scenes do not say is taken as usual: a sun-synchronous orbit, a look to the right, 39 degrees of incidence;
    Sentinel-1 and RADARSAT-2 ascend in the evening, others may do either. Small agile radars look to either side.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    scenes : SCENES table
        Columns used where they are there: `platform`, `orbit_state`, `look_azimuth_deg`, `observation_direction`,
        `incidence_deg`, `incidence_near_deg`, `incidence_far_deg`, `timestamp_end`.

    Returns
    -------
    PositionErrors
    """
    view = scene_columns(sightings, scenes, _VIEW)
    imager = imagers(sightings, scenes)
    lat, lon = sightings["lat"].to_numpy(), sightings["lon"].to_numpy()
    incidence = _number(view, "incidence_deg")
    middle = (_number(view, "incidence_near_deg") + _number(view, "incidence_far_deg")) / 2
    incidence = np.where(np.isfinite(incidence), incidence, middle)
    altitude = np.select([imager == name for name in _ALTITUDE_KM], list(_ALTITUDE_KM.values()), np.nan)
    lag = np.nan_to_num(azimuth_lag_h(np.where(np.isfinite(incidence), incidence, _INCIDENCE_DEG), altitude))
    p_ascending = _ascending(view["orbit_state"], imager, lon, time_us(sightings["timestamp"]))
    left = _text(view["observation_direction"]) == "left"
    look = _number(view, "look_azimuth_deg")
    up, down = (flight_deg(lat, np.full(len(lat), ascending)) for ascending in (True, False))
    # Where the look is known the flight is a quarter of a turn beside it, to the left of it for a look to the right.
    known = np.isfinite(look)
    beside = look + np.where(left, 90.0, -90.0)
    one, other = np.where(known, beside, up), np.where(known, beside, down)
    side = np.where(left, -90.0, 90.0)
    free = (imager == "agile") & ~known & (_text(view["observation_direction"]) == "")
    first = _matrix(lag, one, one + side)
    second = np.where(free[:, None, None], -first, _matrix(lag, other, other + side))
    p_first = np.where(free, 0.5, np.where(known, 1.0, p_ascending))
    relative_sd = np.where(np.isfinite(incidence), _KNOWN_SD, _USUAL_SD)
    sure = np.select([free, p_first >= _SURE, p_first <= 1 - _SURE], [np.nan, one, other], np.nan)
    delay, time_sd = line_delays(sightings, scenes, sure)
    on = delay[:, None, None] * np.eye(2)
    return PositionErrors(
        imager, position_error_nm(sightings, imager), first + on, second + on, p_first, relative_sd, time_sd
    )


def _ascending(orbit_state: pd.Series, imager: np.ndarray, lon: np.ndarray, at_us: np.ndarray) -> np.ndarray:
    """Chance of each sighting that its pass is ascending."""
    local_h = (at_us / US_PER_H + lon / 15.0) % 24.0
    evening = np.where((local_h >= 12.0) & np.isfinite(lon), _SURE, 1 - _SURE)
    p = np.where(np.isin(imager, _DUSK), evening, 0.5)
    state = _text(orbit_state)
    return np.select([state == "ascending", state == "descending"], [1.0, 0.0], p)


def _matrix(lag_h: np.ndarray, flight: np.ndarray, look: np.ndarray) -> np.ndarray:
    """The map from velocity to displacement: back along the flight by the speed along the look."""
    flight, look = np.radians(flight), np.radians(look)
    along = np.stack([np.sin(flight), np.cos(flight)], axis=-1)
    away = np.stack([np.sin(look), np.cos(look)], axis=-1)
    return -lag_h[:, None, None] * along[:, :, None] * away[:, None, :]


def _text(column: pd.Series) -> np.ndarray:
    return column.fillna("").to_numpy(dtype=object).astype("U32")


def _number(view: pd.DataFrame, name: str) -> np.ndarray:
    return view[name].to_numpy(dtype="float64")
