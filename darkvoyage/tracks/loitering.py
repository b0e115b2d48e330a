"""Ships that linger: stretches of a track in which every hour is slow.

Between two fixes a ship is taken to sail evenly along the great circle. The way sailed is counted in whole parts of a
nautical mile, so that what is found of a track does not depend on what else is in the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, group_ends, group_starts, search_groups
from darkvoyage.kernels.sphere import great_circle_nm, interpolate
from darkvoyage.rules.meetings import LoiteringRule
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import LOITERING
from darkvoyage.schema.times import utc_times
from darkvoyage.tracks.located import Located, called_at, in_port, located_fixes
from darkvoyage.units import US_PER_H

__all__ = ["find_loitering"]

_PER_NM = 10**8
"""Parts of a nautical mile in which ways are counted; a fleet may sail 9e10 nm in all."""
_ROUNDING_NM = 1e-6
"""What the parts of an hour's way can be off together [nm]: an hour at exactly the limit is not slow."""


@dataclass(frozen=True)
class _Ways:
    """Fixes numbered by the part of a track without a long silence, and the way sailed until each [1 / _PER_NM nm]."""

    track: np.ndarray
    part: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    way: np.ndarray

    def at(self, part: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fix at or before a moment within the part, and how much of the leg after it is behind the ship then."""
        fix = search_groups(self.part, self.time, part, time, side="right") - 1
        after = np.minimum(fix + 1, len(self.time) - 1)
        since = time - self.time[fix]
        return fix, since / np.where(since > 0, self.time[after] - self.time[fix], 1)

    def sailed(self, fix: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Way until a share of the leg after a fix, whole parts."""
        after = np.minimum(fix + 1, len(self.way) - 1)
        return self.way[fix] + np.round(share * (self.way[after] - self.way[fix])).astype("int64")


def find_loitering(fixes: Any, *, rule: LoiteringRule | None = None, ports: Any = None) -> pd.DataFrame:
    """Find the stretches in which a ship lingers at sea.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned (with `track_id` and `flag`) or raw; raw fixes go through the default cleaning first. Flagged rows are
        left out, those of stretches marked as untrusted among them.
    rule : LoiteringRule, optional
        `LoiteringRule.gfw()` gives the events of pipe-loitering.
    ports : PORTS table, optional
        What a ship does within `rule.min_port_nm` of one is no lingering. Ship-to-ship areas are no ports. Without
        ports, ships at a berth or at anchor linger too.

    Returns
    -------
    LOITERING table
        The longest stretches of which every moment lies in an hour with less than `rule.max_speed_kn`, at least
        `rule.min_h` long. `distance_nm` is the way along the track, `lat` and `lon` the mean place over time,
        `fixes` how many were heard from start to end.

    Raises
    ------
    SchemaError
        A table is not what it should be.

    Notes
    -----
    Differs from pipe-loitering 4.2.11: an hour begins anywhere, where the peer's begin with the clock and give the
    whole step across their edge to the later one, so that start and end are the ship's own, where the peer's lie up to
    an hour and a step off; events run on over midnight, where the peer joins daily parts afterwards; a long silence
    ends a stretch. `hours="clock"` is the peer's way, with its daily parts joined. Distance from shore is not looked
    at.
    """
    rule = rule or LoiteringRule()
    heard = located_fixes(fixes)
    ways = _ways(heard, called_at(ports), rule)
    part, start, end = (_slow_clock_hours if rule.hours == "clock" else _slow_hours)(ways, rule)
    return _as_table(_measured(ways, part, start, end), heard, rule)


def _ways(heard: Located, places: pd.DataFrame, rule: LoiteringRule) -> _Ways:
    """Parts of tracks: off the ports, without long silences."""
    off = ~in_port(heard.lat, heard.lon, places, rule.min_port_nm)
    new = np.ones(len(off), dtype=bool)
    new[1:] = (heard.track[1:] != heard.track[:-1]) | (off[1:] != off[:-1])
    new[1:] |= heard.time[1:] - heard.time[:-1] > rule.max_hole_h * US_PER_H
    part, time, lat, lon = np.cumsum(new)[off], heard.time[off], heard.lat[off], heard.lon[off]
    leg = np.zeros(len(part))
    leg[1:] = np.where(part[1:] == part[:-1], great_circle_nm(lat[:-1], lon[:-1], lat[1:], lon[1:]), 0.0)
    return _Ways(heard.track[off], part, time, lat, lon, np.cumsum(np.round(leg * _PER_NM).astype("int64")))


def _slow_hours(ways: _Ways, rule: LoiteringRule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part, start and end [us] of what slow hours cover, wherever they begin.

    The way of an hour is a piecewise linear function of its beginning, with a kink where the hour begins or ends at a
    fix; between two kinks it passes the limit at most once.
    """
    first = group_starts(ways.part)
    end = group_ends(first, len(ways.part))
    earliest, latest = (np.tile(np.repeat(ways.time[at], end - first), 2) for at in (first, end - 1))
    part, kink = np.tile(ways.part, 2), np.r_[ways.time, ways.time - US_PER_H]
    inside = np.flatnonzero((kink >= earliest) & (kink + US_PER_H <= latest))
    inside = inside[np.lexsort((kink[inside], part[inside]))]
    part, kink = part[inside], kink[inside]
    way = ways.sailed(*ways.at(part, kink + US_PER_H)) - ways.sailed(*ways.at(part, kink))
    over = way - (rule.max_speed_kn - _ROUNDING_NM) * _PER_NM
    slow, follows = over < 0, _follows(part)
    starts = np.flatnonzero(slow & ~(follows & np.r_[False, slow][:-1]))
    stops = np.flatnonzero(slow & ~np.r_[follows & slow, False][1:])
    into = _crossing(kink, over, np.where(follows[starts], starts - 1, starts), starts)
    out = _crossing(kink, over, np.where(np.r_[follows, False][stops + 1], stops + 1, stops), stops) + US_PER_H
    part = part[starts]
    new = ~_follows(part)
    new[1:] |= into[1:] > out[:-1]
    begin = np.flatnonzero(new)
    return part[begin], into[begin], out[group_ends(begin, len(part)) - 1]


def _follows(part: np.ndarray) -> np.ndarray:
    """Whether the row before belongs to the same part."""
    same = np.zeros(len(part), dtype=bool)
    same[1:] = part[1:] == part[:-1]
    return same


def _crossing(kink: np.ndarray, over: np.ndarray, fast: np.ndarray, slow: np.ndarray) -> np.ndarray:
    """Moment between two kinks at which the limit is passed; the slow kink where there is no fast one beside it."""
    drop = over[fast] - over[slow]
    share = np.where(drop > 0, -over[slow] / np.where(drop > 0, drop, 1.0), 0.0)
    return kink[slow] + np.round(share * (kink[fast] - kink[slow])).astype("int64")


def _slow_clock_hours(ways: _Ways, rule: LoiteringRule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part, start and end [us] of runs of slow clock hours, from the last fix before them to their last fix."""
    hour, follows = ways.time // US_PER_H, _follows(ways.part)
    new = ~follows
    new[1:] |= hour[1:] != hour[:-1]
    bucket = np.flatnonzero(new)
    last, follows = group_ends(bucket, len(hour)) - 1, follows[bucket]
    # A step counts for the hour in which it ends.
    since = np.where(follows, bucket - 1, bucket)
    spent, sailed = ways.time[last] - ways.time[since], ways.way[last] - ways.way[since]
    slow = sailed * float(US_PER_H) < (rule.max_speed_kn - _ROUNDING_NM) * _PER_NM * spent
    joins = slow & follows & np.r_[False, slow][:-1]
    starts, stops = np.flatnonzero(slow & ~joins), np.flatnonzero(slow & ~np.r_[joins, False][1:])
    return ways.part[bucket[starts]], ways.time[since[starts]], ways.time[last[stops]]


def _measured(ways: _Ways, part: np.ndarray, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    """Way and mean place of stretches of parts."""
    (fix_a, share_a), (fix_b, share_b) = ways.at(part, start), ways.at(part, end)
    edges = [(_place(ways, fix, share), time) for fix, share, time in ((fix_a, share_a, start), (fix_b, share_b, end))]
    inner = search_groups(ways.part, ways.time, part, end) - fix_a - 1
    which, fix = expand(fix_a + 1, np.maximum(inner, 0))
    count = len(part)
    owner = np.r_[np.arange(count), which, np.arange(count)]
    lat = np.r_[edges[0][0][0], ways.lat[fix], edges[1][0][0]]
    lon = np.r_[edges[0][0][1], ways.lon[fix], edges[1][0][1]]
    time = np.r_[start, ways.time[fix], end]
    order = np.lexsort((time, owner))
    mean = _mean_place(owner[order], time[order], np.radians(lat[order]), np.radians(lon[order]))
    sailed = (ways.sailed(fix_b, share_b) - ways.sailed(fix_a, share_a)) / _PER_NM
    heard = search_groups(ways.part, ways.time, part, end, side="right") - search_groups(
        ways.part, ways.time, part, start
    )
    return pd.DataFrame(
        {
            "track": ways.track[fix_a],
            "start": start,
            "end": end,
            "lat": mean[0],
            "lon": mean[1],
            "sailed": sailed,
            "fixes": heard,
        }
    )


def _place(ways: _Ways, fix: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    after = np.where(share > 0, np.minimum(fix + 1, len(ways.time) - 1), fix)
    return interpolate(ways.lat[fix], ways.lon[fix], ways.lat[after], ways.lon[after], share)


def _mean_place(owner: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the unit vectors' mean over time (trapezoids), one per owner of at least two moments."""
    begin = group_starts(owner)
    if len(begin) == 0:
        return np.empty(0), np.empty(0)
    step = np.where(owner[1:] == owner[:-1], time[1:] - time[:-1], 0) / US_PER_H
    weight = np.r_[step, 0.0] + np.r_[0.0, step]
    x = np.add.reduceat(weight * np.cos(lat) * np.cos(lon), begin)
    y = np.add.reduceat(weight * np.cos(lat) * np.sin(lon), begin)
    z = np.add.reduceat(weight * np.sin(lat), begin)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _as_table(found: pd.DataFrame, heard: Located, rule: LoiteringRule) -> pd.DataFrame:
    hours = (found["end"] - found["start"]) / US_PER_H
    found = found[(hours >= rule.min_h) & (hours > 0)].reset_index(drop=True)
    start, end = found["start"].to_numpy(), found["end"].to_numpy()
    hours = (end - start) / US_PER_H
    track = found["track"].to_numpy()
    name = pd.Series(heard.track_id[track], dtype="str")
    when = pd.Series(start.astype("datetime64[us]").astype("U26"), dtype="str")
    return finish(
        {
            "loitering_id": name + "_" + when, "track_id": name, "start_time": utc_times(start),
            "end_time": utc_times(end), "lat": found["lat"], "lon": found["lon"], "duration_h": hours,
            "distance_nm": found["sailed"], "mean_speed_kn": found["sailed"].to_numpy() / hours,
            "mmsi": heard.mmsi[track], "fixes": found["fixes"],
        },
        LOITERING,
    )  # fmt: skip
