"""Gaps day after day: the state of the search, carried from one run to the next."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from darkvoyage.gaps.arrivals import Arrivals
from darkvoyage.gaps.columns import GAP_FIELDS, Columns, concat_columns, take_rows, to_columns
from darkvoyage.gaps.dumps import frames
from darkvoyage.gaps.state import load_state, save_state
from darkvoyage.gaps.stream import GapStream
from darkvoyage.io.sources import is_source
from darkvoyage.io.statics import StaticReports
from darkvoyage.io.stream import FixStream
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import moment_us
from darkvoyage.units import US_PER_H

__all__ = ["GapTracker", "gaps_of_stream"]


class GapTracker:
    """Find gaps in fixes that come day after day.

    All updates and the flush together give what `find_gaps` gives for all fixes at once, as long as none comes further
    behind the newest of its MMSI than `rule.max_lateness_h`; what does is left out and counted in `late`. A gap comes
    out once its ship has been heard for so long after it that what is known of the 24 h after it can no longer change;
    until then `pending_gaps` tells what is known so far. Held meanwhile are the fixes that others may still precede,
    and one record per vessel.

    Parameters
    ----------
    rule : GapRule, optional
    """

    def __init__(self, rule: GapRule | None = None) -> None:
        self.rule = rule or GapRule()
        self.late = 0
        """Fixes that came too late."""
        self._stream = GapStream(self.rule)
        self._arrivals = Arrivals(round(self.rule.max_lateness_h * US_PER_H))
        self._held: Columns = {}
        self._reports = StaticReports()

    def update(
        self, fixes: Any, *, dialect: str = "auto", column_map: Mapping[str, str] | None = None,
        synthetic_ids: bool = False, progress: Any = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Add fixes, and return the gaps about which nothing more will be known.

        Parameters
        ----------
        fixes : FIXES table, or path, glob, file object, URL or list of these
            Raw; in any order. Of files, static reports hold for the positions of later days too.
        dialect, column_map, synthetic_ids, progress
            How to read files, see `read_fixes`.

        Returns
        -------
        GAPS table

        Raises
        ------
        SchemaError
            The table is not FIXES.
        ReadError, DialectError
            See `read_fixes`; what came before the fault has been taken in.
        """
        if not is_source(fixes):
            self._add(to_columns(conform(fixes, FIXES), self._stream.vocabulary))
            return self._stream.table()
        parts = FixStream(
            fixes, columns=GAP_FIELDS, fingerprints=False, coded_texts=True, dialect=dialect, column_map=column_map,
            synthetic_ids=synthetic_ids, progress=progress, reports=self._reports,
        )  # fmt: skip
        self.take_in(iter(parts))
        return self._stream.table()

    def take_in(self, parts: Iterator[pa.Table], *, moment: int | None = None) -> None:
        """Add fixes part by part; `update` returns the gaps.

        Parameters
        ----------
        parts : iterator of pyarrow Table
            FIXES columns in the order of arrival.
        moment : int, optional
            Later fixes are left out [us].
        """
        gathered: list[Columns] = []
        rows = 0
        for frame in frames(parts, self._stream.vocabulary, moment):
            gathered.append(frame)
            rows += len(frame["time"])
            # Looking at what is held takes as long as looking at what is new.
            if rows >= len(self._held.get("time", ())):
                self._add(concat_columns(gathered))
                gathered, rows = [], 0
        if gathered:
            self._add(concat_columns(gathered))

    def flush(self) -> pd.DataFrame:
        """Return the closed gaps that are left, as if nothing more came; the tracker starts anew after that.

        Returns
        -------
        GAPS table
        """
        table = self._finished().table()
        late = self.late
        vars(self).update(vars(GapTracker(self.rule)) | {"late": late})
        return table

    def pending_gaps(self) -> pd.DataFrame:
        """Return the closed gaps that have not come out yet, as far as they are known; the tracker is left as it is.

        Returns
        -------
        GAPS table
        """
        return self._finished().table()

    def open_gaps(self, as_of: Any) -> pd.DataFrame:
        """Return the gaps that have not ended by a moment; the tracker is left as it is.

        Parameters
        ----------
        as_of : datetime or ISO 8601 text with time zone
            Not before the last update: what has been settled is not taken back.

        Returns
        -------
        GAPS table

        Raises
        ------
        RuleError
            `as_of` is naive or not a time.
        """
        moment = moment_us(as_of, "as_of")
        table = self._finished(moment).table(moment)
        return table[~table["is_closed"]].reset_index(drop=True)

    def save(self, path: str | Path) -> None:
        """Write the state to one file (NumPy's .npz, which holds arrays and no code)."""
        state = {
            "rule": dataclasses.asdict(self.rule),
            "late": self.late, "held": self._held, "reports": self._reports.state(),
            "newest": self._arrivals.newest, "stream": self._stream.state(),
        }  # fmt: skip
        save_state(state, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> GapTracker:
        """Read a state that was saved.

        Parameters
        ----------
        path : path

        Returns
        -------
        GapTracker

        Raises
        ------
        ReadError
            Missing, damaged, or no saved tracker.
        """
        state = load_state(Path(path))
        tracker = cls(GapRule(**state["rule"]))
        tracker._stream.restore(state["stream"])
        tracker._arrivals.newest = state["newest"]
        tracker._held, tracker.late = state["held"], state["late"]
        tracker._reports.restore(state["reports"])
        return tracker

    def _add(self, columns: Columns) -> None:
        stream = self._stream
        columns = stream.known(columns)
        late = self._arrivals.too_late(columns["vessel"], columns["time"])
        self.late += int(late.sum())
        fresh = take_rows(columns, np.flatnonzero(~late))
        held = concat_columns([self._held, fresh]) if self._held else fresh
        newest = self._arrivals.newest
        ripe = held["time"] <= newest[held["vessel"]] - self._arrivals.max_lateness
        released = take_rows(held, np.flatnonzero(ripe))
        self.late += len(stream.push(released))
        self._held = take_rows(held, np.flatnonzero(~ripe))

    def _finished(self, moment: int | None = None) -> GapStream:
        """The stream as it would be if nothing more came."""
        stream = copy.deepcopy(self._stream)
        if self._held:
            rows = np.flatnonzero(self._held["time"] <= moment) if moment is not None else slice(None)
            stream.push(take_rows(self._held, rows))  # type: ignore[arg-type]
        stream.flush()
        return stream


def gaps_of_stream(parts: Iterator[pa.Table], rule: GapRule, moment: int | None) -> tuple[pd.DataFrame, int]:
    """Gaps of parts that can be read only once: fixes are held for as long as others may be late.

    Parameters
    ----------
    parts : iterator of pyarrow Table
        FIXES columns in the order of arrival.
    rule : GapRule
    moment : int or None
        Report gaps open at this moment too; later fixes are ignored [us].

    Returns
    -------
    GAPS table, int
        The gaps, and how many fixes came too late.
    """
    tracker = GapTracker(rule)
    tracker.take_in(parts, moment=moment)
    return tracker._finished(moment).table(moment), tracker.late
