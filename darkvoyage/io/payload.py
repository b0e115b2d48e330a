"""Columns that hold further columns as delimited text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.io.dialect_match import Match
from darkvoyage.io.read_report import ReadReport

__all__ = ["unpack"]


def unpack(table: pa.Table, match: Match, report: ReadReport) -> pa.Table:
    """Add the columns of the dialect's payload, if it has one.

    Parameters
    ----------
    table : pyarrow Table
        Source columns, each in one chunk.
    match : Match
    report : ReadReport
        Receives how many payloads do not have the parts of their layout; their columns are null.

    Returns
    -------
    pyarrow Table
    """
    payload = match.dialect.payload
    if payload is None:
        return table
    content, kind = (table[match.columns[name]].combine_chunks() for name in (payload.column, payload.selector))
    for value, layout in payload.layouts.items():
        names = layout.split(payload.delimiter)
        mine = np.flatnonzero(pc.equal(kind.cast(pa.string()), value).fill_null(False).to_numpy(zero_copy_only=False))
        parts = pc.split_pattern(content.take(pa.array(mine)).fill_null(""), payload.delimiter)
        whole = pc.greater_equal(pc.list_value_length(parts), len(names)).to_numpy(zero_copy_only=False)
        report.repair(f"{payload.column}_unreadable", (~whole).sum())
        flat = pc.list_flatten(pc.list_slice(parts.filter(pa.array(whole)), 0, len(names)))
        rows = np.full(len(table), -1)
        rows[mine[whole]] = np.arange(whole.sum()) * len(names)
        for place, name in enumerate(names):
            table = table.append_column(f"{payload.column}_{name}", _part(flat, rows, place))
    return table


def _part(flat: Any, rows: np.ndarray, place: int) -> pa.Array:
    text = flat.take(pa.array(rows + place, mask=rows < 0))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
