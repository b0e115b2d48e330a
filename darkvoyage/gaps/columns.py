"""What the search for gaps needs of each fix, as plain arrays of equal length by name.

Times are microseconds since 1970 (`NEVER`: null), numbers float64 with NaN for null, texts numbers of a vocabulary (-1:
null). Rows are in the order of arrival unless a function says otherwise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.schema.times import time_us

__all__ = [
    "GAP_FIELDS", "NEVER", "REPORTS", "Columns", "Stacked", "Vocabulary", "concat_columns", "is_null", "is_same",
    "take_rows", "to_columns",
]  # fmt: skip

Columns = dict[str, np.ndarray]

NEVER = np.iinfo("int64").min
"""Null of a time."""

REPORTS: dict[str, str | None] = {
    "draught_m": "draught_timestamp", "destination": "destination_timestamp", "ais_class": None, "ship_type": None,
    "length_m": None, "imo": None,
}  # fmt: skip
"""Values that a ship reports now and then, and the column that says when they were received."""

_NUMBERS = ("lat", "lon", "sog", "cog", "nav_status", "imo", "ship_type", "length_m", "draught_m")
_TEXTS = ("ais_class", "receiver", "destination")
_TIMES = ("draught_timestamp", "destination_timestamp")
GAP_FIELDS = ("mmsi", "timestamp", *_NUMBERS, *_TEXTS, *_TIMES, "flag")
"""Columns of FIXES that gaps are made of; `flag` tells only which fixes are `untrusted`, and these are left out."""


class Vocabulary:
    """Texts by number, in the order in which they first came."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts: list[str] = list(texts)
        self._codes = {text: code for code, text in enumerate(self.texts)}

    def codes(self, column: Any) -> np.ndarray:
        """Numbers of a column of texts, shape (n,); new texts are added."""
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = whole.dictionary_encode()
        indices = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype="int32")
        known = [self._code(text) for text in coded.dictionary.to_pylist()]
        return np.array([*known, -1], dtype="int32")[indices]

    def _code(self, text: str) -> int:
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code

    def ranks(self, codes: np.ndarray) -> np.ndarray:
        """Numbers in the order of the texts, nulls last."""
        distinct, place = np.unique(codes, return_inverse=True)
        order = sorted(range(len(distinct)), key=lambda k: (distinct[k] < 0, self.texts[distinct[k]]))
        rank = np.empty(len(distinct), dtype="int64")
        rank[order] = np.arange(len(distinct))
        return rank[place]

    def decode(self, codes: np.ndarray) -> pd.Series:
        """Texts of numbers."""
        texts = pd.array([*self.texts, None], dtype="str")
        return pd.Series(texts.take(np.asarray(codes, dtype="int64") % len(texts)))


def to_columns(table: pd.DataFrame | pa.Table, vocabulary: Vocabulary) -> Columns:
    """Take what gaps need from FIXES; fields that the table lacks are left out, and fixes flagged `untrusted`.

    Parameters
    ----------
    table : DataFrame or pyarrow Table
        FIXES in their types.
    vocabulary : Vocabulary

    Returns
    -------
    dict of ndarray
    """
    out: Columns = {}
    table = _trusted(table)
    names = table.columns if isinstance(table, pd.DataFrame) else table.column_names
    for name in [field for field in GAP_FIELDS if field in names and field != "flag"]:
        column = table[name]
        if name in _TEXTS:
            out[name] = vocabulary.codes(pa.array(column) if isinstance(column, pd.Series) else column)
        elif name in ("timestamp", *_TIMES):
            out["time" if name == "timestamp" else name] = _micros(column)
        elif name == "mmsi":
            out[name] = np.asarray(column.to_numpy(), dtype="int64")
        else:
            out[name] = _floats(column)
    return out


def _trusted(table: pd.DataFrame | pa.Table) -> pd.DataFrame | pa.Table:
    """The table without fixes whose positions are false; all other flags follow from the fixes, and are made anew."""
    if isinstance(table, pd.DataFrame):
        false = table["flag"].eq("untrusted").to_numpy(dtype=bool, na_value=False) if "flag" in table else False
        return table[~false] if np.any(false) else table
    if "flag" not in table.column_names:
        return table
    flag = table["flag"]
    flag = flag.cast(flag.type.value_type) if pa.types.is_dictionary(flag.type) else flag
    return table.filter(pc.fill_null(pc.not_equal(flag, "untrusted"), True))


def _micros(column: Any) -> np.ndarray:
    if isinstance(column, pd.Series):
        return time_us(column)
    micros = pc.fill_null(column.cast(pa.timestamp("us", "UTC")).cast("int64"), NEVER)
    return np.asarray(micros.to_numpy(), dtype="int64")


def _floats(column: Any) -> np.ndarray:
    if isinstance(column, pd.Series):
        return column.to_numpy(dtype="float64", na_value=np.nan)
    return np.asarray(column.to_numpy(), dtype="float64")


class Stacked:
    """Parts one behind the other that are not copied together: most columns are asked for a few rows only.

    Parameters
    ----------
    parts : sequence of dict of ndarray
    """

    def __init__(self, parts: Sequence[Columns]) -> None:
        self.parts = [part for part in parts if part and len(part["time"])]
        self._begin = np.cumsum([0, *(len(part["time"]) for part in self.parts)])
        self._rows: np.ndarray | None = None
        self._asked: np.ndarray | None = None
        self._found: list[tuple[np.ndarray | slice, np.ndarray]] = []

    def __len__(self) -> int:
        return int(self._begin[-1]) if self._rows is None else len(self._rows)

    def only(self, rows: np.ndarray) -> Stacked:
        """View of some rows, ascending; they count from 0 again."""
        view = Stacked(self.parts)
        view._rows = rows if self._rows is None else self._rows[rows]
        return view

    def names(self) -> list[str]:
        """Columns that any part has."""
        return list(dict.fromkeys(name for part in self.parts for name in part))

    def whole(self, name: str) -> np.ndarray:
        """One column throughout; every part must have it."""
        parts = [part[name] for part in self.parts]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0)
        return values if self._rows is None else values[self._rows]

    def values(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of some rows; null where a part lacks the column."""
        out = _nulls(name, len(rows))
        for part, (mine, there) in zip(self.parts, self._split(rows), strict=True):
            if name in part:
                out[mine] = part[name][there]
        return out

    def _split(self, rows: np.ndarray) -> list[tuple[np.ndarray | slice, np.ndarray]]:
        """Which of some rows are in each part, and where; kept, as many columns are asked for the same rows."""
        if rows is not self._asked:
            own = rows if self._rows is None else self._rows[rows]
            self._found = [(slice(None), own)]
            if len(self.parts) != 1:
                inside = [np.flatnonzero((own >= a) & (own < b)) for a, b in itertools.pairwise(self._begin)]
                self._found = [(mine, own[mine] - begin) for mine, begin in zip(inside, self._begin[:-1], strict=True)]
            self._asked = rows
        return self._found

    def known(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Which of some rows have a value."""
        return ~is_null(name, self.values(name, rows))

    def take(self, rows: np.ndarray) -> Columns:
        """All columns of some rows."""
        return {name: self.values(name, rows) for name in self.names()}


def is_null(name: str, values: np.ndarray) -> np.ndarray:
    """Tell which values of a column are null, shape (n,)."""
    if name in _TEXTS:
        return values < 0
    return values == NEVER if values.dtype == np.int64 else np.isnan(values)


def is_same(columns: Stacked, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs of rows agree in every value, nulls included, shape (n,)."""
    same = np.ones(len(a), dtype=bool)
    for name in columns.names():
        one, other = columns.values(name, a), columns.values(name, b)
        same &= (one == other) | (is_null(name, one) & is_null(name, other))
    return same


def take_rows(columns: Columns, rows: np.ndarray) -> Columns:
    """Only these rows, in this order."""
    return {name: values[rows] for name, values in columns.items()}


def concat_columns(parts: Iterable[Columns]) -> Columns:
    """One part behind the other; a column that some lack is null there."""
    parts = [part for part in parts if part]
    if len(parts) == 1:
        return parts[0]
    names = list(dict.fromkeys(name for part in parts for name in part))
    counts = [len(next(iter(part.values()))) for part in parts]
    return {
        name: np.concatenate(
            [part[name] if name in part else _nulls(name, count) for part, count in zip(parts, counts, strict=True)]
        )
        for name in names
    }


def _nulls(name: str, count: int) -> np.ndarray:
    field = name.removeprefix("start_").removeprefix("end_")
    if field in _TEXTS:
        return np.full(count, -1, dtype="int32")
    if field in ("vessel", "mmsi", "time"):
        return np.zeros(count, dtype="int64")
    return np.full(count, NEVER) if field in _TIMES or field.endswith("_received") else np.full(count, np.nan)
