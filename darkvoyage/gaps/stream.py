"""From fixes as they arrive to gaps: set aside what is no ship's, order, settle hulls, find gaps; batch after batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.calm import Arrived, by_vessel, find_calm
from darkvoyage.gaps.columns import NEVER, Columns, Stacked, Vocabulary, concat_columns, take_rows
from darkvoyage.gaps.finder import GapFinder
from darkvoyage.gaps.table import gap_table
from darkvoyage.gaps.tracks import Tracks
from darkvoyage.rules.tracks import CleanRule, GapRule
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
    """

    def __init__(self, rule: GapRule) -> None:
        self.compiled = False
        """Whether to use compiled kernels."""
        self.vocabulary = Vocabulary()
        self.hulls = Hulls(CleanRule())
        self.finder = GapFinder(rule)
        self.waiting: Columns = {}
        """Fixes whose hull is not settled."""
        self.mmsi = np.empty(0, dtype="int64")
        """MMSI of each vessel, in the order in which they first came."""
        self.tracks = Tracks()
        self.found: list[Columns] = []
        """Gaps that nothing later can change."""

    def numbered(self, columns: Columns) -> Columns:
        """Number the vessels; -1 for what is no ship's or older than AIS, which is left out of everything."""
        vessel = self._vessels(columns["mmsi"])
        vessel[columns["time"] < first_ais_us()] = -1
        return {name: values for name, values in columns.items() if name != "mmsi"} | {"vessel": vessel}

    def known(self, columns: Columns) -> Columns:
        """Number the vessels and take out what is left out of everything."""
        columns = self.numbered(columns)
        return take_rows(columns, np.flatnonzero(columns["vessel"] >= 0))

    def push(self, *parts: Columns) -> np.ndarray:
        """Add fixes; those of one vessel may come in any order within a batch, but not before what is settled.

        Parameters
        ----------
        *parts : dict of ndarray, shape (n,)
            As `numbered` gives them; together they are one batch.

        Returns
        -------
        ndarray of int64
            Vessels of the fixes that came too late, at or before the last settled one. They are left out.
        """
        settled_until = self.hulls.state["settled_until"]
        fresh, vessels = [self.waiting], [np.empty(0, dtype="int64")]
        if len(settled_until) == 0:  # no vessel yet, so no row counts
            return vessels[0]
        for part in filter(None, parts):
            vessel = part["vessel"]
            late = (part["time"] <= settled_until[vessel]) & (vessel >= 0)
            if late.any():
                vessels.append(vessel[late])
                part = part | {"vessel": np.where(late, -1, vessel)}
            fresh.append(part)
        batch = Stacked(fresh)
        if len(batch):
            self._advance(batch, last=False)
        return np.concatenate(vessels)

    def flush(self) -> None:
        """Settle what waits: no more fixes will come."""
        waiting = Stacked([self.waiting])
        if len(waiting):
            self._advance(waiting, last=True)
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
        if not self.compiled and np.any(vessel < 0):
            columns = columns.only(np.flatnonzero(vessel >= 0))
            vessel, time, lat, lon = (columns.whole(name) for name in ("vessel", "time", "lat", "lon"))
        lost = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
        rest, waiting = np.arange(len(vessel)), []
        if not last:
            fixes = Arrived(vessel, time, lat, lon, lost)
            calm = find_calm(fixes, columns, self.hulls, self.finder, self.tracks, compiled=self.compiled)
            rest, waiting = calm.rest, [calm.waiting]
            self.hulls.advance(calm.ship, calm.count, calm.until, calm.last)
            self.finder.advance(calm.track, calm.time, calm.lost, columns, calm.row, self.vocabulary.texts)
        order = rest[by_vessel(vessel[rest], time[rest])]
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
