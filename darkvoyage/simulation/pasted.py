"""The second engine of reception: no physics, but patterns of reception pasted onto the simulated ships.

The patterns are those of a table of fixes, or are drawn so as to resemble public feeds: the intervals have the
quantiles of such a feed, follow each other with its correlation (a Gaussian copula over an autoregression), differ
between vessels as they do there, and are cut by outages that the ships share. The law has no closed form that a
detector might assume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.special import ndtr
from scipy.stats import rankdata

from darkvoyage.errors import RuleError
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import conform, sort_rows
from darkvoyage.schema.tables import FIXES
from darkvoyage.simulation.diary import SLOT_S, SLOTS_PER_H, Log
from darkvoyage.simulation.receivers import CAMPAIGN, DAY_S, Heard, Reception, deliver

__all__ = ["Patterns", "hear", "make_patterns"]

_MOVING_KN = 1.0
_SHARES = np.array([0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0])


@dataclass(frozen=True)
class _Style:
    """How the intervals of one kind of feed are distributed: minutes at `_SHARES`, for resting and for moving ships.

    `lasting` is the correlation of the normal scores of successive intervals within a vessel, `spread` the standard
    deviation of a vessel's mean score.
    """

    still_min: np.ndarray
    moving_min: np.ndarray
    lasting: float
    spread: float
    satellite: bool


_STYLES = {
    # Suez, 20 to 24 March 2021 (movingpandas-examples, 256 vessels, 21,576 intervals), to the minute.
    "provider": _Style(
        np.array([0.5, 1, 3, 7, 15, 21, 24, 34, 69, 178, 433, 1380, 4370]),
        np.array([0.5, 1, 2, 5, 10, 16, 21, 39, 113, 261, 510, 1089, 1817]),
        0.13,
        0.48,
        satellite=False,
    ),
    # South-west Atlantic, 2020 to 2022 (Global Fishing Watch, JAC_150_vessels, identity messages of 97 MMSI as heard by
    # satellites); the moving ones for both, and nothing beyond the 99th percentile, where ships are absent.
    "satellite": _Style(
        np.array([1.5, 5.8, 6, 12, 36, 117, 373, 649, 1334, 2414, 2414, 2414, 2414]),
        np.array([1.5, 5.8, 6, 12, 36, 117, 373, 649, 1334, 2414, 2414, 2414, 2414]),
        0.28,
        0.49,
        satellite=True,
    ),
}
_INCIDENT_EVERY_D, _INCIDENT_MEDIAN_H, _INCIDENT_LOG_SD, _INCIDENT_SHARE = 8.0, 1.5, 0.9, 0.7
"""Incidents that silence many ships at once: mean time between, log-normal length, share of the ships; by eye."""
_SHORTEST_STAY_S = 7200.0
"""A vessel that was there for less is no source where another is [s]."""
_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Patterns:
    """What all ships share: sources to paste from, or a style to draw from, and when the feed or much of it is dead.

    Parameters
    ----------
    profile : Reception
    end_s : float
        Length of the feed [s].
    sources : tuple of ndarray
        Times of reception of each source [s since the patterns began]; empty where patterns are drawn.
    satellite : tuple of ndarray of bool
        Which of them came from space.
    moving : ndarray of bool, shape (sources,)
        The source moves most of the time.
    rank : ndarray of float64, shape (sources,)
        How well it is heard beside the others while it is there, from 0 to 1.
    period_s, offset_s : float
        After which time the patterns begin anew; where in them the feed begins, for all ships alike [s].
    incidents : ndarray, shape (incidents, 2)
        When many ships are not heard [s].
    feed_down : ndarray, shape (outages, 2)
        When nothing at all is delivered [s].
    """

    profile: Reception
    end_s: float
    sources: tuple[np.ndarray, ...]
    satellite: tuple[np.ndarray, ...]
    moving: np.ndarray
    rank: np.ndarray
    period_s: float
    offset_s: float
    incidents: np.ndarray
    feed_down: np.ndarray


def make_patterns(
    rng: np.random.Generator, days: int, profile: Reception = CAMPAIGN, patterns: pd.DataFrame | None = None
) -> Patterns:
    """Draw, or take from a table, what all ships of a world share.

    Parameters
    ----------
    rng : Generator
    days : int
        Length of the feed [d].
    profile : Reception
        Its style where nothing is given to paste, and the outages of the whole feed.
    patterns : DataFrame, optional
        FIXES of vessels whose receptions are pasted, best of some days and many vessels: ships that are given the same
        vessel at the same time are silent together.

    Returns
    -------
    Patterns

    Raises
    ------
    RuleError
        No vessel of `patterns` has two fixes at different times, or the style is unknown.
    """
    if profile.pasted_style not in _STYLES:
        raise RuleError(f"pasted_style = {profile.pasted_style!r}: expected one of {', '.join(_STYLES)}")
    end = days * DAY_S
    begin = rng.uniform(0, end, size=round(days / profile.feed_outage_every_d))
    feed_down = np.column_stack([begin, begin + profile.feed_outage_h * 3600])
    if patterns is not None:
        sources, satellite, moving, period = _sources(patterns)
        often = np.array([len(times) / (times[-1] - times[0]) for times in sources])
        rank = (rankdata(often, method="ordinal") - 0.5) / len(often)
        offset = np.floor(rng.uniform(0, period))
        return Patterns(profile, end, sources, satellite, moving, rank, period, offset, np.empty((0, 2)), feed_down)
    begin = rng.uniform(0, end, size=rng.poisson(days / _INCIDENT_EVERY_D))
    hours = rng.lognormal(np.log(_INCIDENT_MEDIAN_H), _INCIDENT_LOG_SD, size=len(begin))
    incidents = np.column_stack([begin, begin + hours * 3600])
    return Patterns(profile, end, (), (), np.empty(0, dtype=bool), np.empty(0), end, 0.0, incidents, feed_down)


def _sources(
    patterns: pd.DataFrame,
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray, float]:
    """Times of reception vessel by vessel, whether from space and whether moving, and the time they cover [s]."""
    fixes = sort_rows(conform(patterns, FIXES), FIXES.key).drop_duplicates(["mmsi", "timestamp"])
    if fixes.empty:
        raise RuleError("patterns: no fixes to paste from")
    seconds = np.floor((fixes["timestamp"] - fixes["timestamp"].min()).dt.total_seconds().to_numpy())
    # Whole days keep the time of day when the patterns begin anew.
    period = float(seconds.max() // DAY_S * DAY_S or seconds.max())
    keep = seconds <= period
    fixes, seconds = fixes[keep], seconds[keep]
    first = group_starts(fixes["mmsi"].to_numpy())
    size = np.diff(np.r_[first, len(fixes)])
    stay = seconds[first + size - 1] - seconds[first]
    if not (stay > 0).any():
        raise RuleError("patterns: no vessel has two fixes at different times")
    several = np.flatnonzero(stay >= min(_SHORTEST_STAY_S, stay.max()))
    hours = np.diff(seconds, prepend=np.nan) / 3600
    lat, lon = fixes["lat"].to_numpy(), fixes["lon"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        speed = np.r_[np.nan, great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:])] / hours
    speed[first] = np.nan
    moving = pd.Series(speed).groupby(np.repeat(np.arange(len(first)), size)).median().to_numpy() > _MOVING_KN
    space = (
        fixes["receiver"].eq("satellite").to_numpy(dtype=bool, na_value=False)
        if "receiver" in fixes
        else np.zeros(len(fixes), dtype=bool)
    )
    pieces = [slice(first[place], first[place] + size[place]) for place in several]
    return tuple(seconds[piece] for piece in pieces), tuple(space[piece] for piece in pieces), moving[several], period


def hear(log: Log, ether: Patterns, rng: np.random.Generator) -> Heard:
    """Which reports of one hull the provider delivers.

    Parameters
    ----------
    log : Log
    ether : Patterns
    rng : Generator

    Returns
    -------
    Heard
        In order of time, none in a silence or an outage of the feed.
    """
    ahead = np.minimum(np.arange(1, len(log.lat) + 1), len(log.lat) - 1)
    moving = great_circle_nm(log.lat, log.lon, log.lat[ahead], log.lon[ahead]) * SLOTS_PER_H > _MOVING_KN
    seconds, satellite = (_paste if ether.sources else _draw)(log, moving, ether, rng)
    met = ether.incidents[rng.random(len(ether.incidents)) < _INCIDENT_SHARE]
    return deliver(log, Heard(seconds, satellite, np.zeros(len(seconds))), np.r_[ether.feed_down, met], 0.0)


def _paste(log: Log, moving: np.ndarray, ether: Patterns, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Receptions of sources that were there at the time, in the ship's own state if possible, and as well heard."""
    unlike = np.abs(ether.rank - rng.random())
    starts = group_starts(moving)
    edges = (log.first + np.r_[starts, len(moving)]) * float(SLOT_S)
    seconds, satellite = [np.empty(0)], [np.empty(0, dtype=bool)]
    for begin, end, state in zip(edges[:-1], edges[1:], moving[starts], strict=True):
        for source, at, until, shift in _stretches(begin, end, bool(state), ether, unlike):
            low, high = np.searchsorted(ether.sources[source], [at, until])
            seconds.append(ether.sources[source][low:high] + shift)
            satellite.append(ether.satellite[source][low:high])
    return np.concatenate(seconds), np.concatenate(satellite)


def _stretches(
    begin: float, end: float, state: bool, ether: Patterns, unlike: np.ndarray
) -> Iterator[tuple[int, float, float, float]]:
    """Source after source, each the least `unlike` one: from and until when in its own time, and its distance [s]."""
    first = np.array([times[0] for times in ether.sources])
    last = np.array([times[-1] for times in ether.sources])
    now = begin
    while now < end:
        at = (now + ether.offset_s) % ether.period_s
        there = (first <= at) & (at < last)
        alike = there & (ether.moving == state)
        able = np.flatnonzero(alike if alike.any() else there)
        if len(able) == 0:
            # Nobody was heard at all until the next vessel came.
            now += float(np.min((first - at) % ether.period_s))
            continue
        source = int(able[np.argmin(unlike[able])])
        until = min(float(last[source]), at + end - now)
        yield source, at, until, now - at
        now += until - at


def _draw(log: Log, moving: np.ndarray, ether: Patterns, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Receptions in the style of a public feed: one sequence for each state of the ship, and of it what is in place."""
    style = _STYLES[ether.profile.pasted_style]
    # A vessel that is heard often has more intervals in a feed than one that is not; ships are drawn, not intervals.
    slope = float(np.std(np.log(np.interp(np.arange(0.01, 1.0, 0.01), _SHARES, style.moving_min))))
    own = style.spread * (rng.normal() + slope * style.spread)
    kept = []
    for state, minutes in ((False, style.still_min), (True, style.moving_min)):
        times = _sequence(minutes, style, own, ether.end_s, rng)
        slot = (times // SLOT_S).astype("int64") - log.first
        inside = (slot >= 0) & (slot < len(moving))
        kept.append(times[inside][moving[slot[inside]] == state])
    seconds = np.concatenate(kept)
    return seconds, np.full(len(seconds), style.satellite)


def _sequence(minutes: np.ndarray, style: _Style, own: float, end_s: float, rng: np.random.Generator) -> np.ndarray:
    """Times from some days before the feed until its end [s]; intervals as dependent as those of the style."""
    noise = np.sqrt((1.0 - style.spread**2) * (1.0 - style.lasting**2))
    blocks, now = [], -float(rng.uniform(2, 4)) * DAY_S
    while now < end_s:
        score = own + lfilter([noise], [1.0, -style.lasting], rng.normal(size=_BLOCK))
        steps = np.exp(np.interp(ndtr(score), _SHARES, np.log(minutes))) * 60.0
        blocks.append(now + np.cumsum(steps))
        now = float(blocks[-1][-1])
    times = np.concatenate(blocks)
    return times[(times >= 0) & (times < end_s)]
