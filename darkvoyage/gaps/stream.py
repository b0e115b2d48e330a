"""From fixes as they arrive to gaps: set aside what is no ship's, order, settle hulls, find gaps; batch after batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import CleanRule, GapRule
from darkvoyage.gaps.columns import NEVER, Columns, Vocabulary, concat_columns, take_rows
from darkvoyage.gaps.finder import RECEIVERS, GapFinder
from darkvoyage.gaps.table import gap_table
from darkvoyage.kernels.spans import group_starts
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import GAPS
from darkvoyage.tracks.cleaning import TIE_ORDER, first_ais_us
from darkvoyage.tracks.hulls import Hulls

__all__ = ["GapStream", "receiver_codes"]

_SAME_REPORT = ("lat", "lon", "sog", "cog")
"""Fixes of one MMSI and time that agree in these are duplicates."""


class GapStream:
    """Gaps of raw fixes that come in batches, with the state that outlives a batch.

    Parameters
    ----------
    rule : GapRule
    clean_rule : CleanRule, optional
    """

    def __init__(self, rule: GapRule, clean_rule: CleanRule | None = None) -> None:
        self.rule = rule
        self.vocabulary = Vocabulary()
        self.hulls = Hulls(clean_rule or CleanRule())
        self.finder = GapFinder(rule)
        self.waiting: Columns = {}
        """Fixes whose hull is not settled."""
        self.mmsi = np.empty(0, dtype="int64")
        """MMSI of each vessel, in the order in which they first came."""
        self.tracks = _Tracks()
        self.found: list[Columns] = []
        """Gaps that nothing later can change."""

    def known(self, columns: Columns) -> Columns:
        """Leave out what is no ship's or older than AIS, and number the vessels."""
        vessel = self._vessels(columns["mmsi"])
        rows = np.flatnonzero((vessel >= 0) & (columns["time"] >= first_ais_us()))
        if len(rows) < len(vessel):
            columns, vessel = take_rows(columns, rows), vessel[rows]
        return columns | {"vessel": vessel}

    def push(self, columns: Columns) -> np.ndarray:
        """Add fixes; those of one vessel may come in any order within a batch, but not before what is settled.

        Parameters
        ----------
        columns : dict of ndarray, shape (n,)
            As `known` gives them.

        Returns
        -------
        ndarray of int64
            Rows that came too late: at or before the last settled fix of their vessel. They are left out.
        """
        late = columns["time"] <= self.hulls.state["settled_until"][columns["vessel"]]
        fresh = take_rows(columns, np.flatnonzero(~late)) if late.any() else columns
        self._advance(concat_columns([self.waiting, fresh]), last=False)
        return np.flatnonzero(late)

    def flush(self) -> None:
        """Settle what waits: no more fixes will come."""
        if self.waiting:
            self._advance(self.waiting, last=True)
        self.found.append(self.finder.complete(-NEVER - 1))

    def state(self) -> dict[str, Any]:
        """Everything that outlives a batch, as plain arrays and texts; gaps not yet fetched are no part of it."""
        return {
            "texts": self.vocabulary.texts, "hulls": self.hulls.state, "finder": self.finder.state(),
            "waiting": self.waiting, "mmsi": self.mmsi, "tracks": self.tracks.numbers.to_numpy(),
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state."""
        self.vocabulary = Vocabulary(state["texts"])
        self.hulls.state = state["hulls"]
        self.finder.restore(state["finder"])
        self.waiting, self.mmsi = state["waiting"], state["mmsi"]
        self._known = pd.Index(self.mmsi)
        self.tracks.numbers = pd.Index(state["tracks"])

    def table(self, moment: int | None = None) -> pd.DataFrame:
        """Gaps found since the last call, and those open at a moment [us], as GAPS."""
        parts = [part for part in self.found if part and len(part["track"])]
        self.found = []
        if moment is not None:
            parts.append(self.finder.open_gaps(moment))
        if not parts:
            return empty(GAPS)
        gaps = concat_columns(parts)
        vessel, hull = self.tracks.of(gaps["track"])
        gaps["mmsi"] = self.mmsi[vessel]
        track_id = pd.Series(gaps["mmsi"]).astype("str") + "-" + pd.Series(hull).astype("str")
        return gap_table(gaps, track_id, self.vocabulary, moment)

    def _vessels(self, mmsi: np.ndarray) -> np.ndarray:
        """Number of the vessel of each row, -1 for equipment; new ones are added."""
        codes, distinct = pd.factorize(mmsi)
        number = self._known.get_indexer(pd.Index(distinct)) if len(self.mmsi) else np.full(len(distinct), -1)
        new = (number < 0) & ~is_equipment(distinct)
        number[new] = np.arange(len(self.mmsi), len(self.mmsi) + new.sum())
        if new.any():
            self.mmsi = np.concatenate([self.mmsi, distinct[new]])
            self._known = pd.Index(self.mmsi)
            self.hulls.grow(len(self.mmsi))
        return number[codes]

    def _advance(self, columns: Columns, *, last: bool) -> None:
        """Settle hulls as far as possible, and pass on what is settled."""
        vessel, time = columns["vessel"], columns["time"]
        lost = ~((np.abs(columns["lat"]) <= 90) & (np.abs(columns["lon"]) <= 180))
        order = _by_vessel(vessel, time)
        order = self._without_repeats(order, columns, lost)
        vessel, time, lost = vessel[order], time[order], lost[order]
        judged = self.hulls.judge(vessel, time, columns["lat"][order], columns["lon"][order], lost, last=last)
        at = np.flatnonzero(judged.settled & ((judged.hull >= 0) | lost))
        track = self.tracks.number(vessel[at], judged.hull[at])
        if np.any(track[1:] < track[:-1]):
            again = np.argsort(track, kind="stable")
            at, track = at[again], track[again]
        keep = np.ones(len(at), dtype=bool)
        keep[1:] = (track[1:] != track[:-1]) | (time[at[1:]] != time[at[:-1]])
        at, track = at[keep], track[keep]
        values = take_rows(
            {name: columns[name] for name in columns if name not in ("vessel", "mmsi", "time")}, order[at]
        )
        if "receiver" in values:
            values["receiver"] = receiver_codes(values["receiver"], self.vocabulary.texts)
        self.found.append(self.finder.push(track, time[at], lost[at], values))
        self.waiting = take_rows(columns, order[~judged.settled])

    def _without_repeats(self, order: np.ndarray, columns: Columns, lost: np.ndarray) -> np.ndarray:
        """Of one MMSI and time, put fixes in the order of their content, and leave duplicates out."""
        vessel, time = columns["vessel"], columns["time"]
        again = np.zeros(len(order) + 1, dtype=bool)
        again[1:-1] = (vessel[order[1:]] == vessel[order[:-1]]) & (time[order[1:]] == time[order[:-1]])
        at = np.flatnonzero(again[1:] | again[:-1])
        if len(at) == 0:
            return order
        rows = order[at]
        moment = np.cumsum(~again[at])
        known = [name for name in TIE_ORDER if name in columns]
        content = [self._rank(name, columns[name][rows]) for name in known]
        by_content = np.lexsort([*reversed(content), lost[rows], moment])
        order, rows, moment = order.copy(), rows[by_content], moment[by_content]
        order[at] = rows
        same = moment[1:] == moment[:-1]
        for name in _SAME_REPORT:
            if name in columns:
                a, b = columns[name][rows[1:]], columns[name][rows[:-1]]
                same &= (a == b) | (np.isnan(a) & np.isnan(b))
        keep = np.ones(len(order), dtype=bool)
        keep[at[1:][same]] = False
        return order[keep]

    def _rank(self, name: str, values: np.ndarray) -> np.ndarray:
        """Values in the order in which `clean_fixes` settles ties: nulls last."""
        if values.dtype == np.int32:
            return self.vocabulary.ranks(values)
        return np.where(values == NEVER, -NEVER - 1, values) if values.dtype == np.int64 else values


class _Tracks:
    """Numbers of tracks: one for each vessel and hull, in the order in which they first came."""

    def __init__(self) -> None:
        self.numbers = pd.Index([], dtype="int64")

    def number(self, vessel: np.ndarray, hull: np.ndarray) -> np.ndarray:
        """Number of the track of each row; new ones are added."""
        codes, distinct = pd.factorize(vessel << 20 | hull)
        number = self.numbers.get_indexer(pd.Index(distinct))
        new = number < 0
        number[new] = np.arange(len(self.numbers), len(self.numbers) + new.sum())
        if new.any():
            self.numbers = self.numbers.append(pd.Index(distinct[new]))
        return number[codes]

    def of(self, track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vessel and hull of each track."""
        packed = self.numbers.to_numpy()[track]
        return packed >> 20, packed & (1 << 20) - 1


def _by_vessel(vessel: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Order by vessel and time; quick where each vessel's fixes already come in order."""
    codes, distinct = pd.factorize(vessel)
    rank = np.argsort(np.argsort(distinct))
    # Radix sort, for up to 65,536 vessels in a batch.
    key = rank.astype("uint16" if len(distinct) <= 1 << 16 else "int64")[codes]
    order = np.argsort(key, kind="stable")
    start = group_starts(key[order])
    back = np.diff(time[order], prepend=NEVER) < 0
    back[start] = False
    if back.any():
        size = np.diff(np.r_[start, len(order)])
        messy = np.flatnonzero(np.repeat(np.add.reduceat(back, start) > 0, size))
        rows = order[messy]
        order[messy] = rows[np.lexsort((time[rows], key[rows]))]
    return order


def receiver_codes(values: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Codes of a vocabulary as codes of kinds of receiver, -1 for others."""
    kinds = list(RECEIVERS.values())
    codes = [kinds.index(text) if text in kinds else -1 for text in texts]
    return np.array([*codes, -1], dtype="int8")[values]
