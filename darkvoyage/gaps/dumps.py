"""Gaps of dumps larger than memory: files in one pass, stores vessel by vessel.

What is held of files is two batches, so that fixes which come a little late still find their place, and the state of
`GapStream`. A vessel of which a fix comes later than that is read again, alone, once the pass is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from darkvoyage.gaps.arrivals import Arrivals
from darkvoyage.gaps.columns import GAP_FIELDS, NEVER, Columns, Vocabulary, concat_columns, take_rows, to_columns
from darkvoyage.gaps.stream import GapStream
from darkvoyage.io.store import Store
from darkvoyage.io.streams import one_ahead
from darkvoyage.kernels.compiled import can_compile, has_started
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import GAPS
from darkvoyage.units import US_PER_H

__all__ = ["FRAME_ROWS", "frames", "gaps_of_parts", "gaps_of_store"]

FRAME_ROWS = 1 << 18
"""Rows that are looked at together; two such frames are held."""
COMPILE_ROWS = 1 << 22
"""From so many rows on compiled kernels are worth their start, if reading has not paid for it already."""
AGAIN_ROWS = 1 << 22
"""Rows of vessels read again that are held at once."""

Parts = Callable[[], Iterator[pa.Table]]


def gaps_of_store(store: Store, rule: GapRule, moment: int | None) -> pd.DataFrame:
    """Gaps of a store, some whole vessels at a time.

    Parameters
    ----------
    store : Store
    rule : GapRule
    moment : int or None
        Report gaps open at this moment too; later fixes are ignored [us].

    Returns
    -------
    GAPS table
    """
    tables = []
    for chunk in store.chunks(columns=[name for name in GAP_FIELDS if name in store.columns]):
        stream = GapStream(rule)
        stream.push(stream.known(_until(to_columns(chunk, stream.vocabulary), moment)))
        stream.flush()
        tables.append(stream.table(moment))
    return _joined(tables)


def gaps_of_parts(read: Parts, rule: GapRule, moment: int | None) -> tuple[pd.DataFrame, int]:
    """Gaps of parts that can be read again.

    Parameters
    ----------
    read : callable
        Starts reading: returns an iterator of tables of FIXES columns in the order of arrival.
    rule : GapRule
    moment : int or None
        Report gaps open at this moment too; later fixes are ignored [us].

    Returns
    -------
    GAPS table, int
        The gaps, and how many fixes came too late.
    """
    first = _Pass(rule)
    with closing(one_ahead(frames(read(), first.stream.vocabulary, moment))) as ahead:
        for frame in ahead:
            first.add(frame)
    table = first.end(moment)
    again = np.flatnonzero(first.again)
    if len(again) == 0:
        return table, first.late
    table = table[~table["mmsi"].isin(first.stream.mmsi[again])]
    group = np.cumsum(first.rows[again]) // AGAIN_ROWS
    tables = [table]
    for number in np.unique(group):
        tables.append(_read_again(read, first.stream.mmsi[again[group == number]], rule, moment))
    return _joined(tables), first.late


def frames(parts: Iterator[pa.Table], vocabulary: Vocabulary, moment: int | None) -> Iterator[Columns]:
    """Gather parts until they are worth looking at.

    Parameters
    ----------
    parts : iterator of pyarrow Table
    vocabulary : Vocabulary
    moment : int or None
        Later fixes are left out [us].

    Yields
    ------
    dict of ndarray
        As `to_columns` gives them.
    """
    gathered: list[Columns] = []
    rows = 0
    for part in parts:
        columns = _until(to_columns(part, vocabulary), moment)
        gathered.append(columns)
        rows += len(columns["time"])
        if rows >= FRAME_ROWS:
            yield concat_columns(gathered)
            gathered, rows = [], 0
    if gathered:
        yield concat_columns(gathered)


class _Pass:
    """One pass over frames, and which vessels it cannot do justice to."""

    def __init__(self, rule: GapRule) -> None:
        self.stream = GapStream(rule)
        self.arrivals = Arrivals(round(rule.max_lateness_h * US_PER_H))
        self.held: Columns = {}
        self.late = 0
        self.rows = np.zeros(0, dtype="int64")
        """Rows of each vessel."""
        self.again = np.zeros(0, dtype=bool)
        """Vessels of which a fix came after its place was settled."""

    def add(self, frame: Columns) -> None:
        frame = self.stream.numbered(frame)
        vessel, time = frame["vessel"], frame["time"]
        vessels = len(self.stream.mmsi)
        newest = np.append(self.arrivals.newest, np.full(vessels + 1, NEVER))
        late = self.arrivals.too_late(vessel, time)
        self.late += int(late.sum())
        vessel[late] = -1
        self.stream.compiled = has_started() or (can_compile() and self.rows.sum() >= COMPILE_ROWS)
        count = np.bincount(vessel + 1, minlength=vessels + 1)[1:]
        self.rows = count + np.pad(self.rows, (0, vessels - len(self.rows)))
        self.again = np.pad(self.again, (0, vessels - len(self.again)))
        if not self.held:
            self.held = frame
            return
        # What is not newer than all before belongs among what is held.
        early = np.flatnonzero((time <= newest[vessel]) & (vessel >= 0))
        pulled = take_rows(frame, early)
        vessel[early] = -1
        self.again[self.stream.push(self.held, pulled)] = True
        self.held = frame

    def end(self, moment: int | None) -> pd.DataFrame:
        self.again[self.stream.push(self.held)] = True
        self.stream.flush()
        return self.stream.table(moment)


def _read_again(read: Parts, mmsi: np.ndarray, rule: GapRule, moment: int | None) -> pd.DataFrame:
    """Gaps of a few vessels, with all their fixes at hand."""
    stream = GapStream(rule)
    arrivals = Arrivals(round(rule.max_lateness_h * US_PER_H))
    kept: list[Columns] = []
    for frame in frames(read(), stream.vocabulary, moment):
        ours = stream.known(take_rows(frame, np.flatnonzero(np.isin(frame["mmsi"], mmsi))))
        late = arrivals.too_late(ours["vessel"], ours["time"])
        kept.append(take_rows(ours, np.flatnonzero(~late)))
    stream.push(concat_columns(kept))
    stream.flush()
    return stream.table(moment)


def _until(columns: Columns, moment: int | None) -> Columns:
    if moment is None:
        return columns
    # Before the cleaning, so that later fixes cannot change what is known at the moment.
    return take_rows(columns, np.flatnonzero(columns["time"] <= moment))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    full: list[Any] = [table for table in tables if len(table)]
    return finish(pd.concat(full, ignore_index=True) if full else {}, GAPS)
