"""Broadcasting ships first: how likely each sighting is a ship that was on the air at the time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import local_offset
from darkvoyage.kernels.grid import cell_of
from darkvoyage.kernels.spans import expand, group_starts, search_groups
from darkvoyage.kernels.sphere import destination
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.between import between_pairs, in_gaps
from darkvoyage.linking.gear import gear
from darkvoyage.linking.observation import heading_llr
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["broadcasting_pairs"]

_BOTH_SIDES_US = 30 * 60 * 1_000_000
_ONE_SIDE_US = 10 * 60 * 1_000_000
_CELL_DEG = 0.25
_DRIFT_KN, _STILL_DRIFT_KN, _DRIFT_SHARE = 4.0, 0.02, 0.06
"""Spread of the velocity that the interpolation does not know, per hour from the nearer fix: at most, of a ship that
lies still, and of one under way for each knot. Fitted with the two below on simulated worlds and masked tracks
(development halves); 33 reviewed Sentinel-1 matches are 1.3 nats likelier each than by 0.3 kn and one per knot."""
_VELOCITY_SD_KN, _COURSE_SD_DEG, _STILL_KN = 0.5, 5.0, 0.3
_FIX_NM, _NU = 0.01, 6.0
"""Position of a fix, and how heavy the tails are."""


def broadcasting_pairs(
    sightings: pd.DataFrame, errors: PositionErrors, fixes: pd.DataFrame, gaps: pd.DataFrame,
    background_per_nm2: np.ndarray, rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """List the broadcasting ships that each sighting could be, with the log ratio against a ship that nobody knows.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    errors : PositionErrors
        Of the sightings; ships under way are displaced on radar.
    fixes : FIXES table, cleaned
        Ships with fixes on both sides within 30 min, or one within 10 min, are placed by their velocities, others
        between two fixes that are no gap as those of gaps. Net buoys and other equipment explain nothing: an
        operational correlator took them for the ship beside them.
    gaps : GAPS table
        Within a gap of its track a ship is not broadcasting, however near its last fix is.
    background_per_nm2 : ndarray of float64, shape (n,)
        Density of unknown ships there [1/nm2].
    rule : LinkRule

    Returns
    -------
    DataFrame
        `track_id`, `sighting` (row number), `llr` of position and heading [nats], `length_m` (null where unknown);
        `lat`, `lon`, where a ship is expected that need not be in the scene, null for one that is there.
    """
    usable = fixes[fixes["flag"].isna() & fixes["track_id"].notna() & ~gear(fixes)].reset_index(drop=True)
    if len(usable) == 0 or len(sightings) == 0:
        none = {name: np.empty(0) for name in ("llr", "length_m", "lat", "lon")}
        return pd.DataFrame({"track_id": pd.Series([], dtype="str"), "sighting": np.empty(0, "int64")} | none)
    found = _brackets(sightings, usable, *_nearby(sightings, usable))
    llr = _ratios(sightings, errors, usable, found, background_per_nm2)
    before = found["before"].to_numpy()
    length = usable["length_m"].to_numpy()[before] if "length_m" in usable else np.full(len(found), np.nan)
    pairs = {"sighting": found["sighting"].to_numpy(), "llr": llr, "length_m": length, "lat": np.nan, "lon": np.nan}
    track_id = usable["track_id"].take(before).reset_index(drop=True)
    heard = pd.DataFrame({"track_id": track_id} | pairs)[llr >= rule.min_llr]
    heard = heard[~in_gaps(heard["track_id"], time_us(sightings["timestamp"])[heard["sighting"]], gaps)]
    between = between_pairs(
        sightings, errors, usable, gaps, background_per_nm2, rule, both_sides_h=_BOTH_SIDES_US / US_PER_H,
        one_side_h=_ONE_SIDE_US / US_PER_H,
    )  # fmt: skip
    return pd.concat([heard, between], ignore_index=True)


def _nearby(sightings: pd.DataFrame, fixes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Sighting and fix of all pairs in the same or a neighbouring cell within half an hour."""
    cell = cell_of(fixes["lat"].to_numpy(), fixes["lon"].to_numpy(), _CELL_DEG)
    time = time_us(fixes["timestamp"])
    known, code = np.unique(cell, return_inverse=True)
    order = np.lexsort((time, code))
    code, time = code[order], time[order]
    lat, lon, at = sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), time_us(sightings["timestamp"])
    found_sighting, found_row = [], []
    for north in (-_CELL_DEG, 0.0, _CELL_DEG):
        for east in (-_CELL_DEG, 0.0, _CELL_DEG):
            asked = cell_of(lat + north, lon + east, _CELL_DEG)
            slot = np.searchsorted(known, asked)
            slot = np.where(known[np.minimum(slot, len(known) - 1)] == asked, slot, len(known))
            low = search_groups(code, time, slot, at - _BOTH_SIDES_US, side="left")
            high = search_groups(code, time, slot, at + _BOTH_SIDES_US, side="right")
            sighting, index = expand(low, high - low)
            found_sighting.append(sighting)
            found_row.append(order[index])
    return np.concatenate(found_sighting), np.concatenate(found_row)


def _brackets(sightings: pd.DataFrame, fixes: pd.DataFrame, sighting: np.ndarray, row: np.ndarray) -> pd.DataFrame:
    """Last fix before and first after each sighting, per sighting and track."""
    track = pd.factorize(fixes["track_id"])[0][row]
    after = time_us(fixes["timestamp"])[row] - time_us(sightings["timestamp"])[sighting]
    order = np.lexsort((after, track, sighting))
    sighting, track, row, after = sighting[order], track[order], row[order], after[order]
    key = sighting * (track.max(initial=0) + 1) + track
    start = group_starts(key)
    size = np.diff(np.r_[start, len(key)])
    earlier = np.add.reduceat((after <= 0).astype("int64"), start) if len(start) else np.empty(0, "int64")
    before_row, after_row = start + earlier - 1, start + earlier
    has_before, has_after = earlier > 0, earlier < size
    table = pd.DataFrame(
        {
            "sighting": sighting[start],
            "before": row[np.where(has_before, before_row, start)],
            "after": row[np.where(has_after, after_row, start + size - 1)],
            "since_us": np.where(has_before, -after[np.where(has_before, before_row, 0)], -1),
            "until_us": np.where(has_after, after[np.where(has_after, after_row, 0)], -1),
        }
    )
    both = (table["since_us"] >= 0) & (table["until_us"] >= 0)
    sides = np.stack([table["since_us"], table["until_us"]])
    nearer = np.where(both, sides.min(axis=0), sides.max(axis=0))
    table["nearer_h"] = nearer / US_PER_H
    return table[both | (nearer <= _ONE_SIDE_US)].reset_index(drop=True)


def _ratios(
    sightings: pd.DataFrame, errors: PositionErrors, fixes: pd.DataFrame, pairs: pd.DataFrame, background: np.ndarray
) -> np.ndarray:
    """Log ratio of the position and the heading, ship under way displaced as the sensor sees it."""
    sighting = pairs["sighting"].to_numpy()
    lat, lon, east, north = _placed(fixes, pairs)
    shift_east, shift_north, blur = errors.shift(sighting, east, north, _VELOCITY_SD_KN)
    seen_lat, seen_lon = (sightings[name].to_numpy()[sighting] for name in ("lat", "lon"))
    x, y = local_offset(lat, lon, seen_lat, seen_lon)
    speed = np.hypot(east, north)
    drift = np.minimum(_DRIFT_KN, _STILL_DRIFT_KN + _DRIFT_SHARE * speed) * pairs["nearer_h"].to_numpy()
    variance = errors.sd_nm[sighting] ** 2 + blur**2 + drift**2 + _FIX_NM**2
    off2 = (x - shift_east) ** 2 + (y - shift_north) ** 2
    density = (1 + off2 / (_NU * variance)) ** -(_NU / 2 + 1) / (2 * np.pi * variance)
    llr = np.log(density / background[sighting])
    if "heading" in sightings:
        course = np.degrees(np.arctan2(east, north))
        turned = np.full(len(pairs), _COURSE_SD_DEG)
        llr = llr + heading_llr(
            sightings["heading"].to_numpy()[sighting], course, speed, turned, errors.imager[sighting]
        )
    return llr


def _placed(fixes: pd.DataFrame, pairs: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Place of the ship at the time of the sighting, and its velocity to the east and north [kn].

    Between two fixes the curve that keeps their velocities, beside a single one its course kept.
    """
    before, after = pairs["before"].to_numpy(), pairs["after"].to_numpy()
    since, until = pairs["since_us"].to_numpy() / US_PER_H, pairs["until_us"].to_numpy() / US_PER_H
    lat, lon = fixes["lat"].to_numpy(), fixes["lon"].to_numpy()
    one = (pairs["since_us"].to_numpy() < 0) | (pairs["until_us"].to_numpy() < 0)
    total = np.where(one, 1.0, np.maximum(since + until, 1e-6))
    x, y = local_offset(lat[before], lon[before], lat[after], lon[after])
    chord = np.where(one, np.nan, np.stack([x, y]) / total)
    start, end = (_velocity(fixes, row) for row in (before, after))
    start, end = (np.where(np.isfinite(v), v, np.where(np.isfinite(chord), chord, 0.0)) for v in (start, end))
    f = np.where(one, 0.0, since / total)
    along = (3 - 2 * f) * f**2 * np.stack([x, y]) + total * f * (1 - f) * ((1 - f) * start - f * end)
    pace = 6 * f * (1 - f) * np.nan_to_num(chord) + (1 - f) * (1 - 3 * f) * start + f * (3 * f - 2) * end
    kept = np.where(until < 0, since, -until) * start
    offset, velocity = np.where(one, kept, along), np.where(one, start, pace)
    course, distance = np.degrees(np.arctan2(offset[0], offset[1])), np.hypot(*offset)
    return (*destination(lat[before], lon[before], course, distance), *velocity)


def _velocity(fixes: pd.DataFrame, row: np.ndarray) -> np.ndarray:
    """Speed over ground to the east and north [kn], NaN where not known, shape (2, n)."""
    if "sog" not in fixes or "cog" not in fixes:
        return np.full((2, len(row)), np.nan)
    speed, course = fixes["sog"].to_numpy()[row], np.radians(fixes["cog"].to_numpy()[row])
    still = speed < _STILL_KN
    return np.where(still, 0.0, speed * np.stack([np.sin(course), np.cos(course)]))
