"""Usable fixes of every track, as arrays in order of track and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.nearby import near_pairs_of_many
from darkvoyage.kernels.ordering import vessel_order
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES, PORTS
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes, in_order

__all__ = ["Located", "called_at", "in_port", "located_fixes"]


@dataclass(frozen=True)
class Located:
    """Fixes with a position that nothing is wrong with.

    Parameters
    ----------
    track_id : ndarray of str, shape (tracks,)
        In order of MMSI and text.
    mmsi : ndarray of int64, shape (tracks,)
    track : ndarray of int64, shape (n,)
        Number of the track of each fix.
    time : ndarray of int64, shape (n,)
        Ascending within a track, without ties [us].
    lat, lon : ndarray of float64, shape (n,)
    sog, cog : ndarray of float64, shape (n,)
        NaN where not known.
    """

    track_id: np.ndarray
    mmsi: np.ndarray
    track: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    sog: np.ndarray
    cog: np.ndarray


def located_fixes(fixes: Any) -> Located:
    """Take the usable fixes out of a table.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned (with `track_id` and `flag`) or raw; raw fixes go through the default cleaning first. Of several fixes
        of a track at one time the first in the order of `clean_fixes` counts.

    Returns
    -------
    Located
    """
    table = conform(fixes, FIXES)
    table = in_order(table) if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table)
    known = (np.abs(table["lat"]) <= 90) & (np.abs(table["lon"]) <= 180)
    table = table[(table["flag"].isna() & table["track_id"].notna() & known).to_numpy()]
    code, names = pd.factorize(table["track_id"])
    names, owner = names.to_numpy(dtype=object), np.empty(len(names), dtype="int64")
    owner[code] = table["mmsi"].to_numpy()
    by_number = np.lexsort((names.astype("str"), owner))
    rank = np.empty(len(names), dtype="int64")
    rank[by_number] = np.arange(len(names))
    track, time = rank[code], time_us(table["timestamp"])
    order = vessel_order(track, time)
    track, time = track[order], time[order]
    again = np.r_[False, (track[1:] == track[:-1]) & (time[1:] == time[:-1])] if len(track) else np.empty(0, dtype=bool)
    if again.any():
        order, track, time = order[~again], track[~again], time[~again]
    numbers = [
        table[name].to_numpy(dtype="float64", na_value=np.nan)[order] if name in table else np.full(len(order), np.nan)
        for name in ("lat", "lon", "sog", "cog")
    ]
    return Located(names[by_number], owner[by_number], track, time, *numbers)


def called_at(ports: Any) -> pd.DataFrame:
    """Take the places where ships call out of a table of ports: all but ship-to-ship areas, none of None.

    Parameters
    ----------
    ports : PORTS table or None

    Returns
    -------
    DataFrame
        `lat`, `lon`, `radius_nm`.
    """
    if ports is None:
        return pd.DataFrame({name: np.empty(0) for name in ("lat", "lon", "radius_nm")})
    places = conform(ports, PORTS)
    if "kind" in places:
        places = places[(places["kind"] != "sts").fillna(True).to_numpy(dtype=bool)]
    return places[["lat", "lon", "radius_nm"]]


def in_port(lat: np.ndarray, lon: np.ndarray, places: pd.DataFrame, min_nm: float) -> np.ndarray:
    """Tell which positions are within a distance of a place, or within its radius.

    Parameters
    ----------
    lat, lon : ndarray of float64, shape (n,)
    places : DataFrame
        Of `called_at`.
    min_nm : float
        [nm].

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    radius = np.maximum(places["radius_nm"].to_numpy(), min_nm)
    row, _ = near_pairs_of_many(lat, lon, places["lat"].to_numpy(), places["lon"].to_numpy(), radius)
    inside = np.zeros(len(lat), dtype=bool)
    inside[row] = True
    return inside
