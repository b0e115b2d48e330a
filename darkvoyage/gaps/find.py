"""Gaps: silences of a track longer than a threshold, exactly.

Differs from pipe-gaps 0.9.4: gaps are per hull, not per MMSI (two ships under one number do not make a false gap);
duplicates, conflicts and jumps neither bound a gap nor count; a position that is missing or out of range gives a null
distance (there 0 degrees, up to 156,900 km of error); the look-back does not depend on how the input is cut; an open
gap is measured to `as_of`, not to the next midnight.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from darkvoyage.gaps.columns import GAP_FIELDS, NEVER, Stacked, Vocabulary, concat_columns, take_rows, to_columns
from darkvoyage.gaps.dumps import gaps_of_parts, gaps_of_store
from darkvoyage.gaps.finder import GapFinder
from darkvoyage.gaps.stream import GapStream
from darkvoyage.gaps.table import gap_table
from darkvoyage.gaps.tracker import gaps_of_stream
from darkvoyage.io.sources import is_source
from darkvoyage.io.store import Store, open_store
from darkvoyage.io.store_manifest import is_store
from darkvoyage.io.stream import FixStream
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import conform, empty
from darkvoyage.schema.tables import FIXES, GAPS
from darkvoyage.schema.times import moment_us
from darkvoyage.tracks.cleaning import in_order

__all__ = ["find_gaps", "usable_rows"]

_BOUNDING_FLAGS = ("no_position", "out_of_range")


def find_gaps(
    fixes: Any, *, rule: GapRule | None = None, as_of: Any = None, dialect: str = "auto",
    column_map: Mapping[str, str] | None = None, synthetic_ids: bool = False, progress: Any = None,
) -> pd.DataFrame:  # fmt: skip
    """Find the silences of each track that last longer than `rule.min_gap_h`, strictly.

    Parameters
    ----------
    fixes : FIXES table, store, or path, glob, file object, URL or list of these
        A table, cleaned (with `track_id` and `flag`) or raw; a store or its folder; or AIS files as `read_fixes`
        takes them, which are read in one pass, in the order of their names, and never held: a batch and one record
        per vessel. Raw fixes go through the default cleaning first, and all three ways give the same gaps. In files,
        a fix that comes more than `rule.max_lateness_h` after a later one of its MMSI is left out and counted, and
        static reports in files of their own are known once they were read; a table and a store join those of all
        files.
    rule : GapRule, optional
    as_of : datetime or ISO 8601 text with time zone, optional
        Also report open gaps, measured to this moment; later fixes are ignored. None: closed gaps only.
    dialect, column_map, synthetic_ids
        How to read files, see `read_fixes`.
    progress : None, bool or callable
        While reading files, see `read_fixes`.

    Returns
    -------
    GAPS table
        Sorted by (mmsi, gap_start). A gap says nothing about intent. From files, `attrs["read_report"]` is the account
        of the reading, with the number of fixes that came too late under `late`.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        `as_of` is naive or not a time.
    ReadError, DialectError
        See `read_fixes`.
    """
    rule = rule or GapRule()
    moment = None if as_of is None else moment_us(as_of, "as_of")
    store = _as_store(fixes)
    if store is not None:
        return gaps_of_store(store, rule, moment)
    if is_source(fixes):
        options = {"dialect": dialect, "column_map": column_map, "synthetic_ids": synthetic_ids, "progress": progress}
        return _of_files(fixes, rule, moment, **options)
    table = conform(fixes, FIXES)
    if moment is not None:
        # Before the cleaning, so that later fixes cannot change what is known at the moment.
        table = table[table["timestamp"] <= pd.Timestamp(moment, unit="us", tz="UTC")]
    if "track_id" in table.columns and "flag" in table.columns:
        return _of_tracks(in_order(table), rule, moment)
    stream = GapStream(rule)
    stream.push(stream.known(to_columns(table, stream.vocabulary)))
    stream.flush()
    return stream.table(moment)


def usable_rows(table: pd.DataFrame) -> np.ndarray:
    """Tell which cleaned fixes prove that their track was on the air: usable, or lacking only a position."""
    flag = table["flag"]
    return (flag.isna() | flag.isin(_BOUNDING_FLAGS)).to_numpy() & table["track_id"].notna().to_numpy()


def _as_store(fixes: Any) -> Store | None:
    if isinstance(fixes, Store):
        return fixes
    if isinstance(fixes, (str, os.PathLike)) and is_store(Path(fixes)):
        return open_store(Path(fixes))
    return None


def _of_files(source: Any, rule: GapRule, moment: int | None, **options: Any) -> pd.DataFrame:
    """Gaps of AIS files in one pass; a source that cannot be read twice is held for as long as fixes may be late."""
    streams: list[FixStream] = []

    def read() -> Iterator[pa.Table]:
        streams.append(FixStream(source, columns=GAP_FIELDS, fingerprints=False, coded_texts=True, **options))
        return iter(streams[-1])

    if _reads_once(source):
        table, late = gaps_of_stream(read(), rule, moment)
    else:
        table, late = gaps_of_parts(read, rule, moment)
    report = streams[0].report
    table.attrs["read_report"] = report.as_dict(report.rows_in - sum(report.reasons.values())) | {"late": late}
    return table


def _reads_once(source: Any) -> bool:
    many = source if isinstance(source, (list, tuple)) else [source]
    return any(hasattr(one, "read") or one == "-" for one in many)


def _of_tracks(table: pd.DataFrame, rule: GapRule, moment: int | None) -> pd.DataFrame:
    """Gaps of fixes whose tracks are given, sorted by (mmsi, timestamp)."""
    row = np.flatnonzero(usable_rows(table))
    table = table.take(row)
    mmsi, name = table["mmsi"].to_numpy(), pd.factorize(table["track_id"])[0]
    # One track, one MMSI: a caller's track ids may start anew for each ship.
    owner = np.cumsum(np.r_[False, mmsi[1:] != mmsi[:-1]]) if len(row) else row
    track = pd.factorize(owner * (name.max(initial=0) + 1) + name)[0]
    vocabulary = Vocabulary()
    columns = to_columns(table, vocabulary)
    time = columns["time"]
    placed = (np.abs(columns["lat"]) <= 90) & (np.abs(columns["lon"]) <= 180)
    lost = ~(placed & table["flag"].isna().to_numpy())
    step, wait = np.diff(track), np.diff(time)
    if not np.all((step > 0) | ((step == 0) & (wait > 0))):
        order = np.lexsort((lost, time, track))
        columns, track, time, lost = take_rows(columns, order), track[order], time[order], lost[order]
        # A fix without position at the time of one with position adds nothing.
        keep = np.flatnonzero(np.r_[True, (track[1:] != track[:-1]) | (time[1:] != time[:-1])])
        columns, track, time, lost = take_rows(columns, keep), track[keep], time[keep], lost[keep]
        table = table.take(order[keep])
    finder = GapFinder(rule)
    rows = np.arange(len(time))
    found = [finder.push(track, time, lost, Stacked([columns]), rows, vocabulary.texts), finder.complete(-NEVER - 1)]
    if moment is not None:
        found.append(finder.open_gaps(moment))
    gaps = concat_columns([part for part in found if part])
    if not gaps:
        return empty(GAPS)
    first = np.searchsorted(track, gaps["track"])
    gaps["mmsi"] = columns["mmsi"][first]
    return gap_table(gaps, table["track_id"].take(first).reset_index(drop=True), vocabulary, moment)
