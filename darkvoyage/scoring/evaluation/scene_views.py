"""Which ships lie in which images, where the feed says so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.gaps.hiding import Tracks
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import angle_difference, bearing, great_circle_nm, interpolate
from darkvoyage.scoring.evaluation.camera import Scenery
from darkvoyage.units import US_PER_H

__all__ = ["DENSE_H", "made_ships", "ships_in_view", "shown_ships"]

DENSE_H = 5 / 60
"""Reports no further apart than this are dense [h]: the true position at the time of an image is known."""
_REST_NM = 0.2


def made_ships(
    table: pd.DataFrame, unknown_share: float, length_m: float, length_log_sd: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Give each ship a length, and say of some that they never broadcast.

    Parameters
    ----------
    table : FIXES table
    unknown_share : float
    length_m, length_log_sd : float
        Log-normal length of ships whose reports have none: median [m] and log standard deviation.
    rng : numpy Generator

    Returns
    -------
    DataFrame
        A row per ship: `mmsi`, `length_m`, `unknown`.
    """
    mmsi = np.unique(table["mmsi"].to_numpy())
    made = np.clip(length_m * np.exp(length_log_sd * rng.standard_normal(len(mmsi))), 10.0, 400.0)
    unknown = np.zeros(len(mmsi), dtype=bool)
    unknown[rng.permutation(len(mmsi))[: round(unknown_share * len(mmsi))]] = True
    told = table.groupby("mmsi")["length_m"].max().to_numpy() if "length_m" in table else np.full(len(mmsi), np.nan)
    return pd.DataFrame({"mmsi": mmsi, "length_m": np.where(told > 0, told, made), "unknown": unknown})


def ships_in_view(
    table: pd.DataFrame, tracks: Tracks, scenery: Scenery, ships: pd.DataFrame, *, rest_h: float = DENSE_H
) -> pd.DataFrame:
    """List every densely reported ship in every footprint.

    Parameters
    ----------
    table : FIXES table
        Cleaned.
    tracks : Tracks
        Of the table.
    scenery : Scenery
    ships : DataFrame
        Of `made_ships`.
    rest_h : float
        Reports of one spot (0.2 nm) may be so far apart [h].

    Returns
    -------
    DataFrame
        A row per image and ship: `scene` (number), `at` (the fix before, an index into the tracks), `moment`
        (microseconds), `lat`, `lon`, `speed_kn`, `course` (all true), and the columns of `ships`.
    """
    first = group_starts(tracks.track)
    scene, begin = np.repeat(np.arange(len(scenery.time)), len(first)), np.tile(first, len(scenery.time))
    at = tracks.before(tracks.track[begin], scenery.time[scene])
    bracketed = (at >= begin) & (at < tracks.last()[begin])
    scene, at = scene[bracketed], at[bracketed]
    rows = {name: table[name].to_numpy()[tracks.row] for name in ("mmsi", "lat", "lon")}
    resting = great_circle_nm(*(rows[name][at + step] for step in (0, 1) for name in ("lat", "lon"))) <= _REST_NM
    dense = np.diff(tracks.time)[at] <= np.where(resting, max(rest_h, DENSE_H), DENSE_H) * US_PER_H
    scene, at = scene[dense], at[dense]
    ends = rows["lat"][at], rows["lon"][at], rows["lat"][at + 1], rows["lon"][at + 1]
    waited = np.maximum(np.diff(tracks.time)[at], 1)
    lat, lon = interpolate(*ends, (scenery.time[scene] - tracks.time[at]) / waited)
    speed, course = (
        table[name].to_numpy()[tracks.row[at]] if name in table else np.full(len(at), np.nan) for name in ("sog", "cog")
    )
    views = pd.DataFrame({"scene": scene, "at": at, "mmsi": rows["mmsi"][at], "lat": lat, "lon": lon})
    views["moment"] = scenery.time[scene]
    views["speed_kn"] = np.where(np.isfinite(speed), speed, great_circle_nm(*ends) / (waited / US_PER_H))
    views["course"] = np.where(np.isfinite(course), course, bearing(*ends))
    north = (lat - scenery.lat[scene]) * 60.0
    east = angle_difference(lon, scenery.lon[scene]) * 60.0 * np.cos(np.radians(scenery.lat[scene]))
    views = views[np.maximum(np.abs(north), np.abs(east)) <= scenery.half_side_nm]
    # Two hulls under one number in one image could not be told apart in the truth.
    return views.drop_duplicates(["scene", "mmsi"]).merge(ships, on="mmsi")


def shown_ships(views: pd.DataFrame, scenes: pd.DataFrame, seen: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """List the ships that are not unknown, with the sighting of each.

    Parameters
    ----------
    views : DataFrame
        Of `ships_in_view`.
    scenes, seen, truth : DataFrame
        SCENES, SIGHTINGS and TRUTH_SIGHTINGS of the images.

    Returns
    -------
    DataFrame
        `scene_id`, `timestamp`, `mmsi`, `sighting_id` (null: missed).
    """
    there = views.loc[~views["unknown"], ["scene", "mmsi"]]
    looks = scenes[["scene_id", "timestamp"]].take(there["scene"].to_numpy()).reset_index(drop=True)
    found = truth[truth["mmsi"].notna()].merge(seen[["sighting_id", "scene_id"]], on="sighting_id")
    found = found[["scene_id", "mmsi", "sighting_id"]].astype({"mmsi": "int64"})
    return looks.assign(mmsi=there["mmsi"].to_numpy()).merge(found, on=["scene_id", "mmsi"], how="left")
