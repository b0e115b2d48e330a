"""From fixes as they arrive to gaps: set aside what is no ship's, order, settle hulls, find gaps; batch after batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import CleanRule, GapRule
from darkvoyage.gaps.calm import CalmRows, find_calm
from darkvoyage.gaps.columns import NEVER, Columns, Stacked, Vocabulary, concat_columns, take_rows
from darkvoyage.gaps.finder import GapFinder
from darkvoyage.gaps.table import gap_table
from darkvoyage.gaps.tracks import Tracks
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import GAPS
from darkvoyage.tracks.cleaning import TIE_ORDER, first_ais_us
from darkvoyage.tracks.hulls import Hulls

__all__ = ["GapStream"]

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
        self.tracks = Tracks()
        self.found: list[Columns] = []
        """Gaps that nothing later can change."""

    def known(self, columns: Columns) -> Columns:
        """Leave out what is no ship's or older than AIS, and number the vessels."""
        vessel = self._vessels(columns["mmsi"])
        rows = np.flatnonzero((vessel >= 0) & (columns["time"] >= first_ais_us()))
        if len(rows) < len(vessel):
            columns, vessel = take_rows(columns, rows), vessel[rows]
        return columns | {"vessel": vessel}

    def push(self, *parts: Columns) -> np.ndarray:
        """Add fixes; those of one vessel may come in any order within a batch, but not before what is settled.

        Parameters
        ----------
        *parts : dict of ndarray, shape (n,)
            As `known` gives them; together they are one batch.

        Returns
        -------
        ndarray of int64
            Vessels of the fixes that came too late, at or before the last settled one. They are left out.
        """
        settled_until = self.hulls.state["settled_until"]
        fresh, vessels = [self.waiting], [np.empty(0, dtype="int64")]
        for part in filter(None, parts):
            late = part["time"] <= settled_until[part["vessel"]]
            if late.any():
                vessels.append(part["vessel"][late])
                part = take_rows(part, np.flatnonzero(~late))
            fresh.append(part)
        batch = Stacked(fresh)
        if len(batch):
            self._advance(batch, last=False)
        return np.concatenate(vessels)

    def flush(self) -> None:
        """Settle what waits: no more fixes will come."""
        if self.waiting:
            self._advance(Stacked([self.waiting]), last=True)
        self.found.append(self.finder.complete(-NEVER - 1))

    def state(self) -> dict[str, Any]:
        """Everything that outlives a batch, as plain arrays and texts; gaps not yet fetched are no part of it."""
        return {
            "texts": self.vocabulary.texts, "hulls": self.hulls.state, "finder": self.finder.state(),
            "waiting": self.waiting, "mmsi": self.mmsi, "tracks": self.tracks.packed,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state."""
        self.vocabulary = Vocabulary(state["texts"])
        self.hulls.state = state["hulls"]
        self.finder.restore(state["finder"])
        self.waiting, self.mmsi = state["waiting"], state["mmsi"]
        self._known = pd.Index(self.mmsi)
        self.tracks.restore(state["tracks"])

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

    def _advance(self, columns: Stacked, *, last: bool) -> None:
        """Settle hulls as far as possible, and pass on what is settled."""
        vessel, time, lat, lon = (columns.whole(name) for name in ("vessel", "time", "lat", "lon"))
        lost = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
        order = _by_vessel(vessel, time)
        waiting = []
        if not last:
            rows = CalmRows(order, vessel[order], time[order], lat[order], lon[order], lost[order])
            calm = find_calm(rows, columns, self.hulls, self.finder, self.tracks)
            order = order[~calm.is_calm]
            waiting.append(calm.waiting)
            self.hulls.advance(calm.ship, calm.count, calm.until, calm.last)
            self.finder.advance(calm.track, calm.time, calm.lost, columns, calm.row, self.vocabulary.texts)
        order = self._without_repeats(order, vessel, time, lost, columns)
        vessel, time, lost = vessel[order], time[order], lost[order]
        judged = self.hulls.judge(vessel, time, lat[order], lon[order], lost, last=last)
        at = np.flatnonzero(judged.settled & ((judged.hull >= 0) | lost))
        track = self.tracks.number(vessel[at], judged.hull[at])
        if np.any(track[1:] < track[:-1]):
            again = np.argsort(track, kind="stable")
            at, track = at[again], track[again]
        repeated = np.flatnonzero((track[1:] == track[:-1]) & (time[at[1:]] == time[at[:-1]])) + 1
        if len(repeated):
            at, track = np.delete(at, repeated), np.delete(track, repeated)
        self.found.append(self.finder.push(track, time[at], lost[at], columns, order[at], self.vocabulary.texts))
        self.waiting = columns.take(np.concatenate([*waiting, order[~judged.settled]]))

    def _without_repeats(
        self, order: np.ndarray, vessel: np.ndarray, time: np.ndarray, lost: np.ndarray, columns: Stacked
    ) -> np.ndarray:
        """Of one MMSI and time, put fixes in the order of their content, and leave duplicates out."""
        again = np.zeros(len(order) + 1, dtype=bool)
        again[1:-1] = (np.diff(time[order]) == 0) & (np.diff(vessel[order]) == 0)
        at = np.flatnonzero(again[1:] | again[:-1])
        if len(at) == 0:
            return order
        rows = order[at]
        moment = np.cumsum(~again[at])
        known = [name for name in TIE_ORDER if name in columns.names()]
        content = [self._rank(name, columns.values(name, rows)) for name in known]
        by_content = np.lexsort([*reversed(content), lost[rows], moment])
        order, rows, moment = order.copy(), rows[by_content], moment[by_content]
        order[at] = rows
        same = moment[1:] == moment[:-1]
        for name in _SAME_REPORT:
            if name in known:
                values = columns.values(name, rows)
                a, b = values[1:], values[:-1]
                same &= (a == b) | (np.isnan(a) & np.isnan(b))
        keep = np.ones(len(order), dtype=bool)
        keep[at[1:][same]] = False
        return order[keep]

    def _rank(self, name: str, values: np.ndarray) -> np.ndarray:
        """Values in the order in which `clean_fixes` settles ties: nulls last."""
        if values.dtype == np.int32:
            return self.vocabulary.ranks(values)
        return np.where(values == NEVER, -NEVER - 1, values) if values.dtype == np.int64 else values


def _by_vessel(vessel: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Order by vessel and time; quick where each vessel's fixes already come in order."""
    # Radix sort, 16 bits at a time.
    order = np.argsort((vessel & 0xFFFF).astype("uint16"), kind="stable")
    high = vessel >> 16
    if high.any():
        order = order[np.argsort(high[order].astype("uint16"), kind="stable")]
    key = vessel[order]
    back = np.flatnonzero((np.diff(time[order]) < 0) & (np.diff(key) == 0))
    if len(back):
        messy = np.flatnonzero(np.isin(key, key[back]))
        rows = order[messy]
        order[messy] = rows[np.lexsort((time[rows], vessel[rows]))]
    return order
