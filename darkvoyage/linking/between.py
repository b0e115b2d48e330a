"""Ships heard before and after a sighting, too long for their course to be kept, too short for a gap of the table.

Neither silent nor on the air, they were nobody, and sightings of them went to whichever silent ship fitted.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_ends, group_starts, search_groups
from darkvoyage.kernels.sphere import interpolate
from darkvoyage.kernels.workers import in_threads
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.candidates import Candidates
from darkvoyage.linking.observation import heading_llr
from darkvoyage.linking.places import excursions
from darkvoyage.linking.position import Positions
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import PORTS
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.units import US_PER_H

__all__ = ["between_pairs", "in_gaps"]

_LONGEST_H = 12.0
"""Longer silences say little of where a ship was (the bridges are fitted up to six hours)."""
_GOING_ON = 0.97
"""Ships that go on, of those that were only not heard for a while; the others may be anywhere in reach."""
_STATE = ("lat", "lon", "sog", "cog")


def between_pairs(
    sightings: pd.DataFrame, errors: PositionErrors, fixes: pd.DataFrame, gaps: pd.DataFrame,
    background_per_nm2: np.ndarray, rule: LinkRule, *, both_sides_h: float, one_side_h: float,
) -> pd.DataFrame:  # fmt: skip
    """List the ships that each sighting could be, of those between two messages that are no gap.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    errors : PositionErrors
        Of the sightings.
    fixes : FIXES table
        Usable ones, with `track_id`.
    gaps : GAPS table
    background_per_nm2 : ndarray of float64, shape (n,)
        Density of unknown ships there [1/nm2].
    rule : LinkRule
    both_sides_h, one_side_h : float
        Ships heard within so long on both sides or on one are placed by their velocities elsewhere [h].

    Returns
    -------
    DataFrame
        `track_id`, `sighting` (row number), `llr` of position and heading [nats], `length_m` (null where unknown),
        `lat`, `lon` (expected at the time).
    """
    spans = _spans(sightings, fixes, gaps, one_side_h)
    positions = Positions.of(spans, sightings, empty(PORTS), excursions(spans, empty(PORTS), rule), errors, rule)
    found = Candidates.of(spans, sightings, rule)

    def likely(pairs: pd.DataFrame) -> pd.DataFrame:
        since, until = pairs["since_h"].to_numpy(), (pairs["total_h"] - pairs["since_h"]).to_numpy()
        near = (np.maximum(since, until) <= both_sides_h) | (np.minimum(since, until) <= one_side_h)
        pairs = pairs[~near].reset_index(drop=True)
        llr = _ratios(pairs, positions, sightings, errors, background_per_nm2)
        return pairs.assign(llr=llr)[(llr >= rule.min_llr) & _likeliest(pairs["sighting"].to_numpy(), llr, rule)]

    blocks = in_threads(lambda part: likely(found.block(part)), found.parts())
    pairs = pd.concat([likely(found.none()), *blocks], ignore_index=True)
    span = spans.take(pairs["gap"].to_numpy()).reset_index(drop=True)
    lat0, lon0, lat1, lon1 = (span[f"{end}_{name}"].to_numpy() for end in ("start", "end") for name in ("lat", "lon"))
    lat, lon = interpolate(lat0, lon0, lat1, lon1, (pairs["since_h"] / pairs["total_h"]).to_numpy())
    of_ship = span[["track_id", "length_m"]]
    return pd.concat([of_ship, pairs[["sighting", "llr"]]], axis=1).assign(lat=lat, lon=lon)


def in_gaps(track_id: pd.Series, at_us: np.ndarray, gaps: pd.DataFrame) -> np.ndarray:
    """Whether a track is in a gap of the table at a time, shape (n,).

    Parameters
    ----------
    track_id : Series of n str
    at_us : ndarray of int64, shape (n,)
        Microseconds since 1970.
    gaps : GAPS table
    """
    if len(gaps) == 0:
        return np.zeros(len(at_us), dtype=bool)
    code = pd.factorize(pd.concat([gaps["track_id"], track_id], ignore_index=True))[0]
    track, asked = code[: len(gaps)], code[len(gaps) :]
    start = time_us(gaps["gap_start"])
    end = start + np.round(gaps["duration_h"].to_numpy() * US_PER_H).astype("int64")
    order = np.lexsort((start, track))
    track, start, end = track[order], start[order], end[order]
    last = search_groups(track, start, asked, at_us, side="left") - 1
    known = np.maximum(last, 0)
    return (last >= 0) & (track[known] == asked) & (at_us < end[known])


def _spans(sightings: pd.DataFrame, fixes: pd.DataFrame, gaps: pd.DataFrame, one_side_h: float) -> pd.DataFrame:
    """Times between two messages of a track in which something was sighted somewhere, in the words of gaps."""
    track, at = pd.factorize(fixes["track_id"])[0], time_us(fixes["timestamp"])
    order = np.lexsort((at, track))
    first, second = order[:-1], order[1:]
    hours = (at[second] - at[first]) / US_PER_H
    some = (track[first] == track[second]) & (hours > 2 * one_side_h) & (hours <= _LONGEST_H)
    first, second, hours = first[some], second[some], hours[some]
    seen = np.sort(time_us(sightings["timestamp"]))
    looked = np.searchsorted(seen, at[second]) > np.searchsorted(seen, at[first], side="right")
    middle = at[first] + (at[second] - at[first]) // 2
    looked &= ~in_gaps(fixes["track_id"].take(first), middle, gaps)
    first, second, hours = first[looked], second[looked], hours[looked]
    column = partial(_column, fixes)
    ends = {f"{end}_{name}": column(name)[row] for end, row in (("start", first), ("end", second)) for name in _STATE}
    track_id = fixes["track_id"].take(first).reset_index(drop=True)
    start = utc_times(at[first])
    return pd.DataFrame(
        {"track_id": track_id, "gap_start": start, "duration_h": hours, "length_m": column("length_m")[first], **ends}
    )


def _ratios(
    pairs: pd.DataFrame, positions: Positions, sightings: pd.DataFrame, errors: PositionErrors, background: np.ndarray
) -> np.ndarray:
    """Log ratio of position and heading against a ship that nobody knows."""
    density = positions.densities(pairs)
    sighting = pairs["sighting"].to_numpy()
    going_on, anywhere = _GOING_ON * density.benign, (1 - _GOING_ON) * density.anywhere
    llr = np.log((going_on + anywhere) / background[sighting])
    if "heading" not in sightings:
        return llr
    east, north = density.velocity_east_kn, density.velocity_north_kn
    return llr + heading_llr(
        sightings["heading"].to_numpy()[sighting], np.degrees(np.arctan2(east, north)), np.hypot(east, north),
        density.course_spread_deg, errors.imager[sighting], _column(sightings, "length_m")[sighting],
        going_on / (going_on + anywhere),
    )  # fmt: skip


def _likeliest(sighting: np.ndarray, llr: np.ndarray, rule: LinkRule) -> np.ndarray:
    """Whether each pair is among the likeliest of its sighting; equal ones are all kept, whatever their order."""
    order = np.lexsort((-llr, sighting))
    start = group_starts(sighting[order])
    end = group_ends(start, len(order))
    last = llr[order][np.minimum(start + rule.most_gaps, end) - 1]
    kept = np.empty(len(llr), dtype=bool)
    kept[order] = llr[order] >= np.repeat(last, end - start)
    return kept


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(dtype="float64") if name in table else np.full(len(table), np.nan)
