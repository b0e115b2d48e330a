"""The usable fixes of every track as arrays in order, one fix for each step of time, and stretches of fixes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from darkvoyage.kernels.grid import window_of
from darkvoyage.kernels.spans import expand, group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["Sequences", "Stretches", "covered", "exceptions", "sequences", "steps", "stretches", "windows"]


@dataclass(frozen=True)
class Sequences:
    """Usable fixes sorted by (track, time).

    Parameters
    ----------
    row : ndarray of int64, shape (n,)
        Where each fix stands in the table.
    track : ndarray of int64, shape (n,)
        Number of its track; numbers of the tracks of one MMSI follow each other.
    mmsi : ndarray of int64, shape (n,)
    time : ndarray of int64, shape (n,)
        Since 1970 [us].
    lat, lon, sog, cog, heading : ndarray of float64, shape (n,)
        NaN where not reported; positions are known.
    """

    row: np.ndarray
    track: np.ndarray
    mmsi: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    sog: np.ndarray
    cog: np.ndarray
    heading: np.ndarray

    def take(self, at: np.ndarray) -> Sequences:
        """Only these, in this order."""
        return Sequences(**{field.name: getattr(self, field.name)[at] for field in fields(self)})

    @cached_property
    def hours(self) -> np.ndarray:
        """Hours since 1970, shape (n,)."""
        return self.time / US_PER_H

    @cached_property
    def way_nm(self) -> np.ndarray:
        """Way to each fix from the first of all, fix by fix [nm]; differences mean something within a track only."""
        lat, lon = self.lat, self.lon
        step = great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:])
        return np.r_[np.zeros(min(len(lat), 1)), np.cumsum(step)]


@dataclass(frozen=True)
class Stretches:
    """Runs of consecutive fixes of one track.

    Parameters
    ----------
    first, last : ndarray of int64, shape (s,)
        Places of the first and the last fix in the sequences.
    """

    first: np.ndarray
    last: np.ndarray

    def members(self) -> np.ndarray:
        """Places of all their fixes."""
        return expand(self.first, self.last - self.first + 1)[1]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of values of all fixes over each stretch."""
        total = np.r_[0.0, np.cumsum(values, dtype="float64")]
        return (total[self.last + 1] - total[self.first]) / (self.last - self.first + 1)

    def only(self, which: np.ndarray) -> Stretches:
        """Some of them."""
        return Stretches(self.first[which], self.last[which])


def sequences(table: pd.DataFrame) -> Sequences:
    """Take the usable fixes of a cleaned table.

    Parameters
    ----------
    table : FIXES table
        With `track_id` and `flag`, sorted by (mmsi, timestamp).

    Returns
    -------
    Sequences
    """
    name = pd.factorize(table["track_id"])[0]
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    row = np.flatnonzero((table["flag"].isna().to_numpy()) & (name >= 0) & np.isfinite(lat) & np.isfinite(lon))
    mmsi, name = table["mmsi"].to_numpy()[row], name[row]
    owner = np.cumsum(np.r_[False, mmsi[1:] != mmsi[:-1]]) if len(row) else row
    key = owner * (int(name.max(initial=0)) + 1) + name
    if np.any(key[1:] < key[:-1]):
        order = np.argsort(key, kind="stable")
        row, mmsi, key = row[order], mmsi[order], key[order]
    track = np.cumsum(np.r_[False, key[1:] != key[:-1]]) if len(row) else row
    told = {
        each: table[each].to_numpy()[row] if each in table else np.full(len(row), np.nan)
        for each in ("sog", "cog", "heading")
    }
    return Sequences(row, track, mmsi, time_us(table["timestamp"])[row], lat[row], lon[row], **told)


def steps(fixes: Sequences, step_min: float) -> np.ndarray:
    """Places of the first fix of each track in each step of time, ascending."""
    step = window_of(fixes.time, step_min)
    new = np.ones(len(step), dtype=bool)
    new[1:] = (step[1:] != step[:-1]) | (fixes.track[1:] != fixes.track[:-1])
    return np.flatnonzero(new)


def windows(track: np.ndarray, size: int) -> np.ndarray:
    """First places of all windows of `size` consecutive fixes that are of one track."""
    if len(track) < size:
        return np.empty(0, dtype="int64")
    return np.flatnonzero(track[size - 1 :] == track[: len(track) - size + 1])


def covered(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """Tell which of `count` places lie between the first and last of any range, both included."""
    ends = np.zeros(count + 1, dtype="int64")
    np.add.at(ends, first, 1)
    np.add.at(ends, last + 1, -1)
    return np.cumsum(ends[:-1]) > 0


def exceptions(track: np.ndarray, found: Stretches) -> np.ndarray:
    """Tell which stretches are of a track of which all of them together are half of the fixes at most, shape (s,)."""
    number = np.bincount(track)
    inside = np.bincount(track[found.members()], minlength=len(number))
    return (2 * inside <= number)[track[found.first]]


def stretches(track: np.ndarray, hit: np.ndarray) -> Stretches:
    """Runs of consecutive fixes of one track that are all hit.

    Parameters
    ----------
    track : ndarray of int64, shape (n,)
        Grouped.
    hit : ndarray of bool, shape (n,)

    Returns
    -------
    Stretches
    """
    at = np.flatnonzero(hit)
    if len(at) == 0:
        return Stretches(at, at)
    run = np.cumsum(np.r_[True, (np.diff(at) > 1) | (track[at[1:]] != track[at[:-1]])])
    first = group_starts(run)
    return Stretches(at[first], at[np.r_[first[1:], len(at)] - 1])
