"""Two ships that can both be heard, side by side at sea for a while.

All tracks are put on one grid of times, the pairs that are close are found slot by slot in blocks of bounded size, and
each block leaves only runs of slots of a pair. What happened in an encounter is measured from the tracks again, once it
is known from when to when it lasted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.ordering import vessel_order
from darkvoyage.kernels.pairs import close_pairs, nearest_only
from darkvoyage.kernels.slots import Slots, on_slots
from darkvoyage.kernels.spans import expand, group_ends, group_starts, in_parts, search_groups
from darkvoyage.kernels.sphere import destination, great_circle_nm
from darkvoyage.rules.meetings import EncounterRule
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import ENCOUNTERS
from darkvoyage.schema.times import utc_times
from darkvoyage.tracks.located import Located, called_at, in_port, located_fixes
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["find_encounters", "tracks_on_slots"]

_SAMPLES = 1 << 20  # positions of ships at a time
_ROWS = 1 << 20  # slots of encounters at a time


def find_encounters(fixes: Any, *, rule: EncounterRule | None = None, ports: Any = None) -> pd.DataFrame:
    """Find ships that stayed side by side while both could be heard.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned (with `track_id` and `flag`) or raw; raw fixes go through the default cleaning first. Flagged rows are
        left out, those of stretches marked as untrusted among them.
    rule : EncounterRule, optional
        `EncounterRule.gfw()` unless said; also `.skylight()` and `.kerch()`.
    ports : PORTS table, optional
        Ships within `rule.min_port_nm` of one meet nobody. Ship-to-ship areas are no ports. Full harbours are quick
        with ports and slow without: a thousand ships moored side by side are half a million pairs.

    Returns
    -------
    ENCOUNTERS table
        `track_id_a` is the track of the smaller MMSI. Start and end are times of the grid. `lat`, `lon` is the mean
        place of both ships, `median_distance_nm` the median over the slots in which they were together,
        `median_speed_kn` the mean of the two ships' median speeds from slot to slot. `fixes_a`, `fixes_b` say how much
        was heard of each from start to end: little of it is much interpolation.

    Raises
    ------
    SchemaError
        A table is not what it should be.

    Notes
    -----
    Differs from pipe-encounters 4.4.0: time is continuous, where the peer works per UTC day and so misses a meeting
    that lasts less than the minimum on each side of midnight; nothing is extrapolated unless asked for, which made the
    peer's meetings up to 2 h longer; ships between 179 E and 179 W are interpolated there, not through Greenwich; the
    medians are those of the encounter, not of its parts; a slot on which a fix falls is known, whatever came before it;
    a silence of one of the two that is longer than `rule.merge_h` parts a meeting, where the peer lets it last to the
    end of the day; the slots, not the mean place, must lie off the ports; two tracks of one MMSI never meet, as
    they are more often one ship taken for two.
    """
    rule = rule or EncounterRule()
    heard = located_fixes(fixes)
    slots = tracks_on_slots(heard, rule)
    runs = _runs(slots, heard.mmsi, called_at(ports), rule)
    pieces = _pieces(runs, slots, rule)
    return _as_table(_measured(pieces, slots, rule), heard, slots.step_us)


def tracks_on_slots(heard: Located, rule: EncounterRule) -> Slots:
    """Put all tracks on the grid of a rule; a place sailed to from a first or last fix is one more fix.

    Parameters
    ----------
    heard : Located
    rule : EncounterRule

    Returns
    -------
    Slots
    """
    track, time, lat, lon = heard.track, heard.time, heard.lat, heard.lon
    extra_us = int(rule.extrapolate_h * US_PER_H)
    sailed = np.zeros(len(track), dtype=bool)
    if extra_us and len(track):
        first = group_starts(track)
        last = group_ends(first, len(track)) - 1
        end, sign = np.r_[first, last], np.r_[np.full(len(first), -1), np.ones(len(last), dtype="int64")]
        some = np.isfinite(heard.sog[end]) & np.isfinite(heard.cog[end])
        end, sign = end[some], sign[some]
        far = destination(lat[end], lon[end], heard.cog[end], sign * heard.sog[end] * rule.extrapolate_h)
        parts = ((track, track[end]), (time, time[end] + sign * extra_us), (lat, far[0]), (lon, far[1]))
        track, time, lat, lon = (np.concatenate(part) for part in parts)
        order = vessel_order(track, time)
        track, time, lat, lon = track[order], time[order], lat[order], lon[order]
        sailed = order >= len(heard.track)
    joined = np.zeros(len(track), dtype=bool)
    near = time[1:] - time[:-1] < rule.max_hole_h * US_PER_H
    joined[:-1] = (track[1:] == track[:-1]) & (near | sailed[1:] | sailed[:-1])
    return on_slots(track, time, lat, lon, joined, int(rule.every_min * US_PER_H / 60))


def _runs(slots: Slots, mmsi: np.ndarray, places: pd.DataFrame, rule: EncounterRule) -> pd.DataFrame:
    """Uninterrupted stretches of slots in which a pair is close: `a`, `b`, `first`, `last`, sorted."""
    found = []
    for fix, slot in slots.blocks(_SAMPLES):
        lat, lon = slots.positions(fix, slot)
        track = slots.track[fix]
        if len(places):
            off = ~in_port(lat, lon, places, rule.min_port_nm)
            track, slot, lat, lon = track[off], slot[off], lat[off], lon[off]
        for a, b, apart in close_pairs(slot, lat, lon, rule.max_distance_m / M_PER_NM):
            two = mmsi[track[a]] != mmsi[track[b]]
            a, b, apart = a[two], b[two], apart[two]
            keep = nearest_only(a, b, apart, track, rule.max_neighbours)
            one, other = track[a[keep]], track[b[keep]]
            found.append(_joined(np.minimum(one, other), np.maximum(one, other), slot[a[keep]], slot[a[keep]]))
    if not found:
        return pd.DataFrame({name: np.empty(0, dtype="int64") for name in ("a", "b", "first", "last")})
    return _joined(*(np.concatenate([part[name] for part in found]) for name in ("a", "b", "first", "last")))


def _joined(a: np.ndarray, b: np.ndarray, first: np.ndarray, last: np.ndarray) -> pd.DataFrame:
    """Stretches of a pair that follow each other without a slot between them become one."""
    order = np.lexsort((first, b, a))
    a, b, first, last = a[order], b[order], first[order], last[order]
    begin = np.ones(len(a), dtype=bool)
    begin[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1]) | (first[1:] > last[:-1] + 1)
    end = np.r_[begin[1:], True] if len(a) else begin
    return pd.DataFrame({"a": a[begin], "b": b[begin], "first": first[begin], "last": last[end]})


def _pieces(runs: pd.DataFrame, slots: Slots, rule: EncounterRule) -> pd.DataFrame:
    """Runs that are long enough with the silences between them, numbered by `piece` and by `encounter`."""
    a, b, first, last = (runs[name].to_numpy() for name in ("a", "b", "first", "last"))
    same = (a[1:] == a[:-1]) & (b[1:] == b[:-1])
    merge_slots = rule.merge_h * US_PER_H / slots.step_us
    holes = np.flatnonzero(same & (first[1:] - last[:-1] < merge_slots))
    parted = np.ones(len(runs), dtype=bool)
    parted[holes[~_met_apart(a[holes], b[holes], last[holes], first[holes + 1], slots)] + 1] = False
    piece = np.cumsum(parted) - 1
    begin = np.flatnonzero(parted)
    span = last[group_ends(begin, len(runs)) - 1] - first[begin]
    # Two slots at least: one says nothing of the speed.
    runs = runs.assign(piece=piece)[((span >= rule.min_h * US_PER_H / slots.step_us) & (span > 0))[piece]]
    a, b, first, last, piece = (runs[name].to_numpy() for name in ("a", "b", "first", "last", "piece"))
    begin = np.ones(len(runs), dtype=bool)
    begin[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    begin[1:] |= (piece[1:] != piece[:-1]) & (first[1:] - last[:-1] >= merge_slots)
    return runs.assign(encounter=np.cumsum(begin) - 1).reset_index(drop=True)


def _met_apart(a: np.ndarray, b: np.ndarray, last: np.ndarray, first: np.ndarray, slots: Slots) -> np.ndarray:
    """Whether there is a slot between two runs of a pair in which both ships are known, and so apart."""
    apart = (slots.owner(a, last + 1) >= 0) & (slots.owner(b, last + 1) >= 0)
    rest = np.flatnonzero(~apart)
    for part in in_parts((first - last - 1)[rest], _ROWS):
        some = rest[part]
        which, slot = expand(last[some] + 1, first[some] - last[some] - 1)
        both = (slots.owner(a[some][which], slot) >= 0) & (slots.owner(b[some][which], slot) >= 0)
        apart[some[which[both]]] = True
    return apart


def _measured(pieces: pd.DataFrame, slots: Slots, rule: EncounterRule) -> pd.DataFrame:
    """One row per encounter that is slow enough, measured a bounded number of slots at a time."""
    begins = group_starts(pieces["encounter"].to_numpy())
    ends = group_ends(begins, len(pieces))
    until = np.r_[0, np.cumsum(pieces["last"].to_numpy() - pieces["first"].to_numpy() + 1)]
    parts = [
        _measure(pieces.iloc[begins[part][0] : ends[part][-1]], slots)
        for part in in_parts(until[ends] - until[begins], _ROWS)
    ]
    whole = pd.concat(parts, ignore_index=True) if parts else _measure(pieces, slots)
    return whole[whole["median_speed_kn"] < rule.max_speed_kn]


def _measure(pieces: pd.DataFrame, slots: Slots) -> pd.DataFrame:
    first, last = pieces["first"].to_numpy(), pieces["last"].to_numpy()
    run, slot = expand(first, last - first + 1)
    encounter, piece = pieces["encounter"].to_numpy()[run], pieces["piece"].to_numpy()[run]
    ships = [slots.positions(slots.owner(pieces[name].to_numpy()[run], slot), slot) for name in ("a", "b")]
    begin, row = group_starts(encounter), group_starts(pieces["encounter"].to_numpy())
    final = group_ends(row, len(pieces)) - 1
    apart = great_circle_nm(*ships[0], *ships[1])
    step = np.flatnonzero(piece[1:] == piece[:-1])
    hours = (slot[step + 1] - slot[step]) * slots.step_us / US_PER_H
    speeds = [
        _medians(great_circle_nm(lat[step], lon[step], lat[step + 1], lon[step + 1]) / hours, encounter[step])
        for lat, lon in ships
    ]
    lat, lon = _mean_places(ships, begin)
    return pd.DataFrame(
        {
            "a": pieces["a"].to_numpy()[row], "b": pieces["b"].to_numpy()[row],
            "first": first[row], "last": last[final], "lat": lat, "lon": lon,
            "median_distance_nm": _medians(apart, encounter), "median_speed_kn": (speeds[0] + speeds[1]) / 2,
            "median_speed_a_kn": speeds[0], "median_speed_b_kn": speeds[1],
        }
    )  # fmt: skip


def _medians(value: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Median of each run of equal groups, shape (groups,)."""
    value = value[np.lexsort((value, group))]
    begin = group_starts(group)
    count = group_ends(begin, len(group)) - begin
    return (value[begin + (count - 1) // 2] + value[begin + count // 2]) / 2


def _mean_places(ships: list[tuple[np.ndarray, np.ndarray]], begin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the mean of the unit vectors of both ships, shape (encounters,) each."""
    if len(begin) == 0:
        return np.empty(0), np.empty(0)
    rad = [(np.radians(lat), np.radians(lon)) for lat, lon in ships]
    x = np.add.reduceat(sum(np.cos(lat) * np.cos(lon) for lat, lon in rad), begin)
    y = np.add.reduceat(sum(np.cos(lat) * np.sin(lon) for lat, lon in rad), begin)
    z = np.add.reduceat(sum(np.sin(lat) for lat, _ in rad), begin)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _as_table(found: pd.DataFrame, heard: Located, step_us: int) -> pd.DataFrame:
    a, b = found["a"].to_numpy(), found["b"].to_numpy()
    start, end = found["first"].to_numpy() * step_us, found["last"].to_numpy() * step_us
    when = pd.Series(start.astype("datetime64[us]").astype("datetime64[s]").astype("U19"), dtype="str")
    names = [pd.Series(heard.track_id[track], dtype="str") for track in (a, b)]

    def fixes_of(track: np.ndarray) -> np.ndarray:
        low, high = (
            search_groups(heard.track, heard.time, track, at, side=side)
            for at, side in ((start, "left"), (end, "right"))
        )
        return high - low

    return finish(
        {
            "encounter_id": names[0] + "_" + names[1] + "_" + when,
            "track_id_a": names[0], "track_id_b": names[1], "start_time": utc_times(start), "end_time": utc_times(end),
            **{name: found[name].to_numpy() for name in found.columns if name in ENCOUNTERS.names},
            "mmsi_a": heard.mmsi[a], "mmsi_b": heard.mmsi[b], "duration_h": (end - start) / US_PER_H,
            "fixes_a": fixes_of(a), "fixes_b": fixes_of(b),
        },
        ENCOUNTERS,
    )  # fmt: skip
