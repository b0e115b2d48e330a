"""Silences whose cause is known, on tracks of any feed: what was heard is hidden, and what was not heard stays.

A mask is an interval of well-heard track from which all fixes are removed: a switch-off as the feed would show it. It
starts and ends at real fixes and lasts as long as one natural gap of the same feed, so that how long a silence lasts
says nothing about which of the two it is. The natural gaps stand for silences of ships that went on transmitting; some
of them may be real switch-offs, which probably makes any detector look worse than it is.

Masks placed anywhere ("uniform") lie where fixes are plentiful and are easier to tell from natural gaps than real
switch-offs are; those that start in the cell of their natural gap ("cell"), or are of its vessel ("vessel"), are the
reference. An outage is the other way round: whole bands of the feed are removed, and those silences are natural.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.gaps.find import find_gaps, usable_rows
from darkvoyage.gaps.hiding import cleaned, track_numbers, without
from darkvoyage.gaps.table import gap_ids
from darkvoyage.kernels.grid import cell_of
from darkvoyage.kernels.nearby import near_any, near_cells
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import PORTS
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.units import US_PER_H

__all__ = ["PROTOCOLS", "Masked", "mask_outages", "mask_silences"]

PROTOCOLS = ("uniform", "cell", "vessel")
"""Where a mask may start: anywhere, in the cell in which its natural gap starts, on the vessel of its natural gap."""

_TOLERANCE = 0.1
"""A mask ends at a fix, so it differs from its natural gap in duration, by no more than this share."""
_ROUNDS, _TRIES = 25, 16
"""Places drawn for each mask: 400 in all, so that a vessel with one fit place among a hundred is nearly always used."""


@dataclass(frozen=True)
class Masked:
    """A feed with fixes removed, and the silences whose cause is known.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned, without the removed rows.
    silences : DataFrame
        `mask_id` (the `gap_id` under which `find_gaps` lists the silence in `fixes`), `mmsi`, `gap_start`, `gap_end`,
        `duration_h`, `protocol`, `masked` (True: hidden here, False: natural), `matched_to` (`gap_id` of the natural
        gap of the pair, its own for a natural gap). Sorted by (mmsi, gap_start).
    unmatched : int
        Natural gaps that no mask was found for; they are in `fixes` and not in `silences`.
    """

    fixes: pd.DataFrame
    silences: pd.DataFrame
    unmatched: int


@dataclass(frozen=True)
class _Heard:
    """Rows that prove that a track was on the air, sorted by (track, time)."""

    mmsi: np.ndarray
    track: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    placed: np.ndarray
    breaks: np.ndarray
    """Number of natural gaps and track ends between the first row and each row."""


def mask_silences(
    fixes: Any, *, protocol: str, min_gap_h: float = 6.0, number: int | None = None, seed: int = 0,
    natural: Any = None, ports: Any = None, near_nm: float = 10.0, cell_deg: float = 0.5, beside_gaps: bool = False,
) -> Masked:  # fmt: skip
    """Hide intervals of well-heard track, one for each natural gap and of the same duration.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw; raw fixes go through the default cleaning first.
    protocol : {"uniform", "cell", "vessel"}
        See `PROTOCOLS`.
    min_gap_h : float
        Natural gaps are longer than this, and so are masks [h].
    number : int, optional
        Use this many natural gaps, drawn at random; None: all.
    seed : int
    natural : list of str, optional
        `gap_id` of the natural gaps to use, such as those of `mask_outages`; None: all with known ends.
    ports : PORTS table, optional
        Masks start near one of these.
    near_nm : float
        How near [nm].
    cell_deg : float
        Side of the cells of the protocol "cell" [deg].
    beside_gaps : bool
        Masks may also start at the fix that ended a natural gap, and end at one that starts a natural gap, as natural
        gaps often do where reception is poor. Else every mask lies in well-heard track: between its ends and the next
        fix on either side there is no natural gap, and whoever looks for lone fixes finds natural gaps only.

    Returns
    -------
    Masked
        Masks never overlap one another or a natural gap. Natural gaps for which 400 random places gave none are left
        out with their masks.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        An option is out of its bounds.
    """
    if protocol not in PROTOCOLS:
        raise RuleError(f"protocol = {protocol!r}: expected one of {', '.join(PROTOCOLS)}")
    if number is not None and number < 1:
        raise RuleError(f"number = {number!r}: must be at least 1")
    rng = np.random.default_rng(seed)
    table = cleaned(fixes)
    gaps = _natural_gaps(table, min_gap_h, natural)
    if number is not None and number < len(gaps):
        gaps = gaps.iloc[np.sort(rng.choice(len(gaps), number, replace=False))].reset_index(drop=True)
    heard = _heard(table, min_gap_h)
    starts = heard.placed.copy()
    if ports is not None:
        starts &= _near(heard, ports, near_nm)
    keys = {
        "uniform": (np.zeros(len(heard.time), dtype="int64"), np.zeros(len(gaps), dtype="int64")),
        "vessel": (heard.mmsi, gaps["mmsi"].to_numpy()),
        "cell": (_cells(heard.lat, heard.lon, cell_deg), _cells(*_starts(gaps), cell_deg)),
    }
    first, last = _place(heard, gaps, np.flatnonzero(starts), *keys[protocol], min_gap_h, rng, 0 if beside_gaps else 1)
    fit = first >= 0
    silences = _pairs(heard, gaps[fit], first[fit], last[fit], protocol)
    first, last = first[fit], last[fit]
    kept = without(table, heard.track[first], heard.time[first], heard.time[last])
    return Masked(kept, silences, int((~fit).sum()))


def mask_outages(
    fixes: Any, *, min_gap_h: float = 6.0, number: int = 10, seed: int = 0, band_deg: float = 0.5
) -> Masked:
    """Remove all fixes of all vessels in bands of latitude for some hours: silences that are nobody's doing.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw; raw fixes go through the default cleaning first.
    min_gap_h : float
        List the silences longer than this [h].
    number : int
        Outages. Each begins at a random fix, in the band of that fix, and lasts as long as a random natural gap.
    seed : int
    band_deg : float
        Width of a band [deg].

    Returns
    -------
    Masked
        `silences` are the gaps that the outages made or lengthened, all with `masked` False. Give their `mask_id` to
        `mask_silences` as `natural`, to see whether a detector takes outages for switch-offs.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        An option is out of its bounds.
    """
    if number < 1:
        raise RuleError(f"number = {number!r}: must be at least 1")
    if not band_deg > 0:
        raise RuleError(f"band_deg = {band_deg!r}: must be greater than 0")
    rng = np.random.default_rng(seed)
    table = cleaned(fixes)
    before = _natural_gaps(table, min_gap_h, None)
    placed = np.flatnonzero(table["flag"].isna())
    if len(before) == 0 or len(placed) == 0:
        return Masked(table, _layout(before, "outage"), 0)
    time, band = time_us(table["timestamp"]), np.floor(table["lat"].to_numpy() / band_deg)
    at = placed[rng.integers(0, len(placed), number)]
    lasts = np.round(rng.choice(before["duration_h"].to_numpy(), number) * US_PER_H).astype("int64")
    # Outages are few: one comparison of all rows for each of them.
    lost = np.zeros(len(table), dtype=bool)
    for row, long in zip(at, lasts, strict=True):
        lost |= (band == band[row]) & (time >= time[row]) & (time < time[row] + long)
    kept = table[~lost].reset_index(drop=True)
    after = _natural_gaps(kept, min_gap_h, None)
    known = pd.MultiIndex.from_frame(before[["gap_id", "gap_end"]])
    made = ~pd.MultiIndex.from_frame(after[["gap_id", "gap_end"]]).isin(known)
    return Masked(kept, _layout(after[made], "outage"), 0)


def _natural_gaps(table: pd.DataFrame, min_gap_h: float, wanted: Any) -> pd.DataFrame:
    """Closed gaps whose two ends have positions; of those only the wanted ones, if any are named."""
    gaps = find_gaps(table, rule=GapRule(min_gap_h=min_gap_h))
    gaps = gaps[gaps["start_lat"].notna() & gaps["end_lat"].notna()]
    if wanted is not None:
        gaps = gaps[gaps["gap_id"].isin(wanted)]
    return gaps.reset_index(drop=True)


def _heard(table: pd.DataFrame, min_gap_h: float) -> _Heard:
    rows = usable_rows(table)
    part, track = table[rows], track_numbers(table)[rows]
    time = time_us(part["timestamp"])
    order = np.lexsort((time, track))
    track, time = track[order], time[order]
    broken = np.ones(len(time), dtype=bool)
    broken[1:] = (track[1:] != track[:-1]) | (np.diff(time) > round(min_gap_h * US_PER_H))
    mmsi, lat, lon = (part[name].to_numpy()[order] for name in ("mmsi", "lat", "lon"))
    placed = part["flag"].isna().to_numpy()[order] & np.isfinite(lat) & np.isfinite(lon)
    return _Heard(mmsi, track, time, lat, lon, placed, np.cumsum(broken))


def _near(heard: _Heard, ports: Any, near_nm: float) -> np.ndarray:
    if not near_nm > 0:
        raise RuleError(f"near_nm = {near_nm!r}: must be greater than 0")
    places = conform(ports, PORTS)
    lat, lon, radius = places["lat"].to_numpy(), places["lon"].to_numpy(), np.full(len(places), float(near_nm))
    return near_any(heard.lat, heard.lon, lat, lon, radius, near_cells(lat, lon, radius))


def _starts(gaps: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return gaps["start_lat"].to_numpy(), gaps["start_lon"].to_numpy()


def _cells(lat: np.ndarray, lon: np.ndarray, cell_deg: float) -> np.ndarray:
    """Cell of each position, -1 where there is none."""
    if not 0 < cell_deg <= 10:
        raise RuleError(f"cell_deg = {cell_deg!r}: must be greater than 0 and at most 10")
    known = (np.abs(lat) <= 90) & np.isfinite(lon)
    return np.where(known, cell_of(np.where(known, lat, 0.0), np.where(known, lon, 0.0), cell_deg), -1)


def _place(
    heard: _Heard, gaps: pd.DataFrame, starts: np.ndarray, row_key: np.ndarray, gap_key: np.ndarray,
    min_gap_h: float, rng: np.random.Generator, margin: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """First and last row of the mask of each gap, -1 where none was found."""
    first, last = np.full(len(gaps), -1), np.full(len(gaps), -1)
    pool = starts[np.argsort(row_key[starts], kind="stable")]
    low = np.searchsorted(row_key[pool], gap_key, side="left")
    size = np.searchsorted(row_key[pool], gap_key, side="right") - low
    long = np.round(gaps["duration_h"].to_numpy() * US_PER_H).astype("int64")
    for _ in range(_ROUNDS):
        todo = np.flatnonzero((first < 0) & (size > 0))
        if len(todo) == 0:
            break
        draw = rng.random((len(todo), _TRIES))
        begin = pool[low[todo, None] + (draw * size[todo, None]).astype("int64")]
        end = _ends(heard, begin, long[todo, None], min_gap_h)
        good = _is_free(heard, begin, end, first[first >= 0], last[first >= 0], margin)
        some = np.flatnonzero(good.any(axis=1))
        chosen = np.argmax(good[some], axis=1)
        begin, end = begin[some, chosen], end[some, chosen]
        # Long ones are the hardest to place and go first.
        stays = ~_gives_way(begin, end, np.argsort(np.argsort(-long[todo[some]], kind="stable")))
        first[todo[some[stays]]], last[todo[some[stays]]] = begin[stays], end[stays]
    return first, last


def _ends(heard: _Heard, begin: np.ndarray, long: np.ndarray, min_gap_h: float) -> np.ndarray:
    """Row at which a mask from `begin` ends: the nearest to the wanted duration, -1 where none is near enough."""
    wanted = heard.time[begin] + long
    after = search_groups(heard.track, heard.time, heard.track[begin].ravel(), wanted.ravel()).reshape(begin.shape)
    # One past the track's rows: belongs to another track, and is refused below.
    after = np.minimum(after, len(heard.time) - 1)
    before = after - 1
    earlier = (wanted - heard.time[before] < np.abs(heard.time[after] - wanted)) | ~(
        heard.track[after] == heard.track[begin]
    )
    earlier &= heard.time[before] - heard.time[begin] > round(min_gap_h * US_PER_H)
    end = np.where(earlier, before, after)
    near = np.abs(heard.time[end] - wanted) <= _TOLERANCE * long
    return np.where(near & (heard.track[end] == heard.track[begin]) & heard.placed[end], end, -1)


def _is_free(
    heard: _Heard, begin: np.ndarray, end: np.ndarray, taken_first: np.ndarray, taken_last: np.ndarray, margin: int
) -> np.ndarray:
    """Whether a mask hides something and meets no mask there is and, up to `margin` fixes beside it, no natural gap."""
    rows = len(heard.time)
    steps = np.zeros(rows + 1, dtype="int64")
    np.add.at(steps, taken_first, 1)
    np.add.at(steps, taken_last + 1, -1)
    taken = np.r_[0, np.cumsum(np.cumsum(steps[:-1]))]
    inside = (begin >= 1) & (end >= begin + 2) & (end < rows - 1)
    low, high = np.where(inside, begin - margin, 0), np.where(inside, end + margin, 0)
    meets = taken[np.where(inside, end + 1, 0)] != taken[np.where(inside, begin, 0)]
    return inside & (heard.breaks[low] == heard.breaks[high]) & ~meets


def _gives_way(begin: np.ndarray, end: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Which of these masks share rows with one of lower rank among them."""
    order = np.argsort(begin, kind="stable")
    until = np.searchsorted(begin[order], end[order], side="right")
    owner, other = expand(np.arange(1, len(order) + 1), until - np.arange(1, len(order) + 1))
    one, two = order[owner], order[other]
    away = np.zeros(len(begin), dtype=bool)
    away[np.where(rank[one] > rank[two], one, two)] = True
    return away


def _pairs(heard: _Heard, gaps: pd.DataFrame, first: np.ndarray, last: np.ndarray, protocol: str) -> pd.DataFrame:
    """Lay out masks and the natural gaps they are matched to."""
    masks = pd.DataFrame(
        {
            "mask_id": gap_ids(heard.mmsi[first], heard.time[first], heard.lat[first], heard.lon[first]),
            "mmsi": heard.mmsi[first],
            "gap_start": utc_times(heard.time[first]),
            "gap_end": utc_times(heard.time[last]),
            "duration_h": (heard.time[last] - heard.time[first]) / US_PER_H,
            "protocol": pd.Series([protocol] * len(first), dtype="str"),
            "masked": np.ones(len(first), dtype=bool),
            "matched_to": gaps["gap_id"].to_numpy(),
        }
    ).astype({"matched_to": "str"})
    both = pd.concat([_layout(gaps, protocol), masks], ignore_index=True)
    return both.sort_values(["mmsi", "gap_start", "mask_id"], ignore_index=True)


def _layout(gaps: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Natural gaps as silences."""
    table = gaps[["gap_id", "mmsi", "gap_start", "gap_end", "duration_h"]].rename(columns={"gap_id": "mask_id"})
    texts = pd.Series([protocol] * len(table), index=table.index, dtype="str")
    table = table.assign(protocol=texts, masked=False, matched_to=table["mask_id"])
    return table.reset_index(drop=True)
