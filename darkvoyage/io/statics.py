"""Static and voyage reports joined onto positions as of time: each field on its own, with the time of its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.kernels.spans import search_groups
from darkvoyage.schema.tables import FIXES

__all__ = ["STAMPS", "STATIC_FIELDS", "StaticReports"]

STATIC_FIELDS = ("imo", "name", "callsign", "ship_type", "length_m", "beam_m", "draught_m", "destination")
"""Columns of FIXES that static and voyage reports carry (ITU-R M.1371-5, tables 52, 70 and 76 to 79)."""

STAMPS = {"draught_m": "draught_timestamp", "destination": "destination_timestamp"}
"""Columns that say when a value was received."""

_US_UTC = pa.timestamp("us", "UTC")


class StaticReports:
    """What ships said about themselves, and when.

    `join` gives a position the last value of each field that its MMSI reported at or before its time. A report that
    says nothing of a field leaves the value before it in force.
    """

    def __init__(self) -> None:
        self._sorted: dict[str, pa.Table] = {}
        self._fresh: list[pa.Table] = []
        self._old = False  # whether reports are held that later ones have replaced

    @property
    def is_empty(self) -> bool:
        """Whether no ship has said anything."""
        return not self._sorted and not self._fresh

    def state(self) -> dict[str, dict[str, Any]]:
        """What is held, by field: arrays of MMSI and times [us], and the values as an array or a list of texts."""
        self._settle()
        return {
            name: {
                "mmsi": table["mmsi"].to_numpy(),
                "time": table["timestamp"].cast("int64").to_numpy(),
                "values": table[name].to_pylist() if _is_text(table[name].type) else table[name].to_numpy(),
            }
            for name, table in self._sorted.items()
        }

    def restore(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up a state."""
        self._fresh, self._old = [], True
        self._sorted = {
            name: pa.table(
                {
                    "mmsi": pa.array(held["mmsi"]),
                    "timestamp": pa.array(held["time"]).cast(_US_UTC),
                    name: pa.array(held["values"]),
                }
            )
            for name, held in state.items()
        }

    def add(self, table: pa.Table) -> None:
        """Take up reports.

        Parameters
        ----------
        table : pyarrow Table
            Columns `mmsi`, `timestamp` and any of `STATIC_FIELDS`, in the units of FIXES; null where not reported.
        """
        if len(table):
            self._fresh.append(table)
            self._old = True

    def forget(self, until: int | None = None) -> None:
        """Of the reports up to a moment keep the last of each ship and field: what later positions can still use.

        Parameters
        ----------
        until : int, optional
            Reports after it are all kept [us]. None: it is later than all.
        """
        if not self._old:
            return
        self._settle()
        self._old = False
        for name, table in self._sorted.items():
            ship, time = table["mmsi"].to_numpy(), table["timestamp"].cast("int64").to_numpy()
            ahead = np.zeros(len(ship), dtype=bool) if until is None else time > until
            self._old |= bool(ahead.any())
            in_force = np.r_[(ship[1:] != ship[:-1]) | ahead[1:], True][: len(ship)]
            self._sorted[name] = table.filter(pa.array(in_force))

    def join(self, fixes: pa.Table) -> pa.Table:
        """Fill the static fields of positions.

        Parameters
        ----------
        fixes : pyarrow Table
            FIXES columns, in any order of rows.

        Returns
        -------
        pyarrow Table
            The same rows; fields that were null have the last reported value, `draught_timestamp` and
            `destination_timestamp` its time. What a position says itself is left alone.
        """
        self._settle()
        if not self._sorted or not len(fixes):
            return fixes
        ship, time = fixes["mmsi"].to_numpy(), fixes["timestamp"].cast("int64").to_numpy()
        order = np.lexsort((time, ship))  # neighbours in a search look at the same memory
        out = {name: fixes[name] for name in fixes.column_names}
        for name, table in self._sorted.items():
            own = _own_values(out.get(name), name)
            asking = order if own is None else order[own.is_null().to_numpy()[order]]
            at = _last_before(table, ship[asking], time[asking])
            rows = np.full(len(ship), -1)
            rows[asking] = at
            take = pa.array(rows, mask=rows < 0)
            found = table[name].take(take)
            out[name] = found if own is None else pc.coalesce(own, found, out[name])
            if name in STAMPS:
                stamp = table["timestamp"].take(take)
                said = out.get(STAMPS[name])
                out[STAMPS[name]] = stamp if said is None else pc.coalesce(stamp, said)
        first = [name for name in FIXES.names if name in out]
        return pa.table({name: out[name] for name in [*first, *(name for name in out if name not in first)]})

    def _settle(self) -> None:
        """Sort what came in since: by ship, time and value, so that of two reports of one time one rule decides."""
        for name in STATIC_FIELDS:
            fresh = [_reports_of(table, name) for table in self._fresh if name in table.column_names]
            if fresh:
                tables = [self._sorted[name], *fresh] if name in self._sorted else fresh
                order = [(column, "ascending") for column in ("mmsi", "timestamp", name)]
                self._sorted[name] = pa.concat_tables(tables).sort_by(order).combine_chunks()
        self._fresh = []


def _reports_of(table: pa.Table, name: str) -> pa.Table:
    said = table[name].is_valid()
    if pa.types.is_floating(table[name].type):
        said = pc.fill_null(pc.invert(pc.is_nan(table[name])), False)
    if name == "ship_type":  # 0: not available or no ship (ITU-R M.1371-5, table 53)
        said = pc.and_(said, pc.fill_null(pc.not_equal(table[name], 0), False))
    return table.select(["mmsi", "timestamp", name]).filter(said)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _own_values(column: pa.ChunkedArray | None, name: str) -> pa.ChunkedArray | None:
    """Return what positions say themselves; NaN and ship type 0 say nothing."""
    if column is None:
        return None
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if name == "ship_type":
        return pc.if_else(pc.equal(column, 0), pa.scalar(None, column.type), column)
    return column


def _last_before(table: pa.Table, ship: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return the row of each ship's last report at or before a time, -1 where there is none."""
    ships, code = np.unique(table["mmsi"].to_numpy(), return_inverse=True)
    if not len(ships):
        return np.full(len(ship), -1)
    asked = np.minimum(np.searchsorted(ships, ship), len(ships) - 1)
    at = search_groups(code, table["timestamp"].cast("int64").to_numpy(), asked, time, side="right") - 1
    known = (ships[asked] == ship) & (at >= 0)
    return np.where(known & (code[at] == asked), at, -1)
