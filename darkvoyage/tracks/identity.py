"""Identities that do not hold: one number in two places, numbers that cannot be, hulls that change their number.

None of it says that positions are false, so nothing here takes fixes out of a track.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, group_starts, search_groups
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.schema.ais import STAND_IN_BASE, imo_valid
from darkvoyage.schema.conform import complete
from darkvoyage.schema.flags import flag_state
from darkvoyage.schema.tables import VESSELS
from darkvoyage.tracks.sequences import Sequences, Stretches, stretches
from darkvoyage.units import US_PER_H

__all__ = ["Swaps", "in_two_places", "odd_identities", "swapped_identities"]

_SILENT_US = 6 * US_PER_H
"""A track that is silent for longer is not claimed to be anywhere meanwhile: the least gap of `GapRule`."""
_LONG_US = 24 * US_PER_H
"""A feed must be this much longer for a number that was never heard before, or is never heard again, to say much."""
_NEVER = np.iinfo("int64").min + 1
_SLACK_NM = 1.0
"""Error of positions and times [nm], as `CleanRule` forgives it."""
_SAME_M = 1.0
"""Hulls as long and as wide as each other, to the metre that AIS reports [m]."""


@dataclass(frozen=True)
class Swaps:
    """Hulls that go on under another number.

    Parameters
    ----------
    old, new : ndarray of int64, shape (s,)
        Place of the last fix under the old number and of the first under the new one.
    last : ndarray of int64, shape (s,)
        Place of the last fix of the new number before its next long silence.
    away_nm : ndarray of float64, shape (s,)
        Distance between the two fixes [nm].
    for_good : ndarray of bool, shape (s,)
        The new number was never heard before and the old one is never heard again; else one of the two.
    """

    old: np.ndarray
    new: np.ndarray
    last: np.ndarray
    away_nm: np.ndarray
    for_good: np.ndarray


def in_two_places(fixes: Sequences) -> Stretches:
    """Find stretches during which another track of the same MMSI is heard too.

    Parameters
    ----------
    fixes : Sequences

    Returns
    -------
    Stretches
    """
    hit = np.zeros(len(fixes.row), dtype=bool)
    first = group_starts(fixes.track)
    _, ship, tracks = np.unique(fixes.mmsi[first], return_inverse=True, return_counts=True)
    several = np.flatnonzero(np.repeat(tracks[ship] > 1, np.diff(np.r_[first, len(hit)])))
    if len(several) == 0:
        return stretches(fixes.track, hit)
    part = fixes.take(several)
    ship = np.cumsum(np.r_[False, part.mmsi[1:] != part.mmsi[:-1]])
    pieces = _pieces(part)
    active = np.zeros(len(several), dtype="int64")
    for edge, side, sign in ((pieces.first, "right", 1), (pieces.last, "left", -1)):
        edge = edge[np.lexsort((part.time[edge], ship[edge]))]
        active += sign * search_groups(ship[edge], part.time[edge], ship, part.time, side=side)
    hit[several] = active > 1
    return stretches(fixes.track, hit)


def _pieces(fixes: Sequences) -> Stretches:
    """Runs of the fixes of each track without a long silence."""
    if len(fixes.row) == 0:
        return Stretches(fixes.row, fixes.row)
    cut = np.ones(len(fixes.row), dtype=bool)
    cut[1:] = (fixes.track[1:] != fixes.track[:-1]) | (np.diff(fixes.time) > _SILENT_US)
    first = np.flatnonzero(cut)
    return Stretches(first, np.r_[first[1:], len(cut)] - 1)


def swapped_identities(fixes: Sequences, table: pd.DataFrame, rule: IntegrityRule) -> Swaps:
    """Find numbers that fall silent where another number, of a hull as long and as wide, is first heard.

    Parameters
    ----------
    fixes : Sequences
    table : FIXES table
        That the sequences were taken of; without `length_m` and `beam_m` nothing is found.
    rule : IntegrityRule

    Returns
    -------
    Swaps
    """
    none = np.empty(0, dtype="int64")
    if len(fixes.row) == 0 or not {"length_m", "beam_m"} <= set(table.columns):
        return Swaps(none, none, none, np.empty(0), np.empty(0, dtype=bool))
    pieces = _pieces(fixes)
    begin, end = pieces.first, pieces.last
    hull = _hulls(table, fixes.row[end])
    # Sister ships are many, and come and go: no third number may have a hull of the same size.
    alone = _ships_of(hull, fixes.mmsi[end]) == 2
    old, new = _followers(fixes, begin, end, hull, rule)
    a, b = end[old], begin[new]
    away = great_circle_nm(fixes.lat[a], fixes.lon[a], fixes.lat[b], fixes.lon[b])
    wait = (fixes.time[b] - fixes.time[a]) / US_PER_H
    near = away <= np.minimum(rule.swap_nm, _SLACK_NM + rule.swap_kn * wait)
    # Both numbers at once are two ships: the old one must stay silent as long as the new one is heard.
    before, after = _heard_around(fixes, old, new, pieces)
    debut = (before == _NEVER) & (fixes.time[b] - fixes.time.min() >= _LONG_US)
    farewell = (after == -_NEVER) & (fixes.time.max() - fixes.time[a] >= _LONG_US)
    keep = np.flatnonzero(near & (after > fixes.time[end[new]]) & (debut | farewell) & alone[old])
    return Swaps(a[keep], b[keep], end[new[keep]], away[keep], debut[keep] & farewell[keep])


def _heard_around(
    fixes: Sequences, old: np.ndarray, new: np.ndarray, pieces: Stretches
) -> tuple[np.ndarray, np.ndarray]:
    """When the new number was heard last before a swap, and the old one first after it, by their pieces [us]."""
    ship = np.unique(fixes.mmsi[pieces.first], return_inverse=True)[1]
    order = np.lexsort((fixes.time[pieces.first], ship))
    group, start = np.r_[ship[order], -1], np.r_[fixes.time[pieces.first[order]], 0]
    ahead = search_groups(group[:-1], start[:-1], ship[old], fixes.time[pieces.last[old]], side="right")
    behind = search_groups(group[:-1], start[:-1], ship[new], fixes.time[pieces.first[new]], side="left") - 1
    after = np.where(group[ahead] == ship[old], start[ahead], -_NEVER)
    before = np.where((behind >= 0) & (group[behind] == ship[new]), start[behind], _NEVER)
    return before, after


def _hulls(table: pd.DataFrame, row: np.ndarray) -> np.ndarray:
    """Number of the length and beam of each row, -1 where unknown, shape (n,)."""
    length, beam = (np.round(table[name].to_numpy()[row] / _SAME_M) for name in ("length_m", "beam_m"))
    known = (length > 0) & (beam > 0)
    return np.where(known, np.where(known, length, 0) * 10_000 + np.where(known, beam, 0), -1).astype("int64")


def _ships_of(hull: np.ndarray, mmsi: np.ndarray) -> np.ndarray:
    """How many MMSI report a hull of this size, shape (n,)."""
    pairs = np.unique(np.stack([hull, mmsi], axis=1), axis=0)[:, 0]
    known, number = np.unique(pairs, return_counts=True)
    return number[np.searchsorted(known, hull)]


def _followers(
    fixes: Sequences, begin: np.ndarray, end: np.ndarray, hull: np.ndarray, rule: IntegrityRule
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of pieces of hulls of the same size: one ends, and one of another number begins soon after."""
    able = np.flatnonzero(hull >= 0)
    code = np.unique(hull[able], return_inverse=True)[1]
    order = np.lexsort((fixes.time[begin[able]], code))
    group, start = code[order], fixes.time[begin[able[order]]]
    over = fixes.time[end[able]]
    low = search_groups(group, start, code, over, side="right")
    high = search_groups(group, start, code, over + round(rule.swap_h * US_PER_H), side="right")
    old, at = expand(low, high - low)
    old, new = able[old], able[order[at]]
    other = fixes.mmsi[begin[old]] != fixes.mmsi[begin[new]]
    return old[other], new[other]


def odd_identities(table: pd.DataFrame, vessels: Any = None) -> pd.DataFrame:
    """List tracks whose numbers cannot be, do not go together, or change.

    Parameters
    ----------
    table : FIXES table
        Cleaned.
    vessels : VESSELS table, optional
        With `flag` as ISO 3166 alpha-2 code.

    Returns
    -------
    DataFrame
        One row per track that has something odd: `track_id`, `mmsi`, `start_time`, `end_time`, `fixes`, `detail`.
    """
    code, names = pd.factorize(table["track_id"])
    known = np.flatnonzero(code >= 0)
    times = pd.DataFrame({"code": code[known], "mmsi": table["mmsi"].to_numpy()[known], "row": known})
    tracks = times.groupby("code").agg(
        mmsi=("mmsi", "first"), first=("row", "min"), last=("row", "max"), fixes=("row", "size")
    )
    values = {name: _told(code, table[name]) for name in ("imo", "name") if name in table}
    odd = [_wrong_imo(values), _no_state(tracks["mmsi"]), _other_flag(tracks["mmsi"], vessels)]
    odd += [_several(told, name) for name, told in values.items()]
    said = pd.concat([each.astype("str") for each in odd if len(each)] or [pd.Series([], dtype="str")])
    said = said.groupby(level=0, sort=True).agg("; ".join)
    found = tracks.loc[said.index]
    return pd.DataFrame(
        {
            "track_id": np.asarray(names, dtype=object)[said.index.to_numpy(dtype="int64")],
            "mmsi": found["mmsi"].to_numpy(),
            "start_time": table["timestamp"].take(found["first"].to_numpy()).array,
            "end_time": table["timestamp"].take(found["last"].to_numpy()).array,
            "fixes": found["fixes"].to_numpy(),
            "detail": said.to_numpy(),
        }
    )


def _told(code: np.ndarray, column: pd.Series) -> pd.Series:
    """Each value that each track ever sent, once, by the number of the track."""
    value, words = pd.factorize(column)
    some = np.flatnonzero((code >= 0) & (value >= 0))
    track, word = np.divmod(np.unique(code[some] * max(len(words), 1) + value[some]), max(len(words), 1))
    return pd.Series(words, dtype=column.dtype).take(word).set_axis(track)


def _wrong_imo(values: dict[str, pd.Series]) -> pd.Series:
    told = values.get("imo", pd.Series([], dtype="Int64"))
    # Ten million and more are official numbers of flag states (ITU-R M.1371-5, message 5), without a check digit.
    told = told[(told > 0) & (told < 10_000_000)]
    wrong = told[~imo_valid(told.to_numpy(dtype="int64"))].groupby(level=0).min()
    return "IMO number " + wrong.astype("str") + " has a wrong check digit"


def _no_state(ships: pd.Series) -> pd.Series:
    mmsi = ships.to_numpy(dtype="int64")
    odd = ships[pd.isna(flag_state(mmsi)) & (mmsi < STAND_IN_BASE)]
    return "MMSI " + odd.astype("str") + " begins with the digits of no state"


def _other_flag(ships: pd.Series, vessels: Any) -> pd.Series:
    if vessels is None:
        return pd.Series([], dtype="str")
    register = complete(vessels, VESSELS).drop_duplicates("mmsi").set_index("mmsi")
    told = ships.map(register["flag"]).astype("str")
    own = pd.Series(flag_state(ships.to_numpy(dtype="int64")), index=ships.index, dtype="str")
    differs = told.str.fullmatch("[A-Z]{2}").eq(True) & own.notna() & (told != own)
    return ("the MMSI is of " + own + ", the register says " + told)[differs.to_numpy(dtype=bool)]


def _several(told: pd.Series, name: str) -> pd.Series:
    number = told.groupby(level=0).size()
    return f"{name} changes: " + number[number > 1].astype("str") + " values"
