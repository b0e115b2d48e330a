"""Stand-in numbers for vessels that a source names by ids of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.dialect_match import Match
from darkvoyage.schema.ais import STAND_IN_BASE
from darkvoyage.schema.tables import FIXES

__all__ = ["StandIns"]

_COLUMN = "stand_in"
_BITS = np.uint64(2**51 - 1)  # base and hash together stay below 2**53, where float64 still counts by one


class StandIns:
    """Numbers in place of an MMSI, the same for an id in every file and run; knows all ids so far."""

    def __init__(self) -> None:
        self._ids = pd.Series(dtype="str", index=pd.Index([], dtype="int64"))

    def __len__(self) -> int:
        """Count the ids so far."""
        return len(self._ids)

    def add(self, table: pa.Table, match: Match) -> tuple[pa.Table, Match]:
        """Give each vessel of a block its number.

        Parameters
        ----------
        table : pyarrow Table
            Source columns.
        match : Match

        Returns
        -------
        table : pyarrow Table
            With the numbers as a further column; a column of ids that is called like one of FIXES is now called
            `source_` and its name.
        match : Match
            Which takes the numbers for the MMSI.

        Raises
        ------
        DialectError
            Two ids have the same number.
        """
        name = match.fields["mmsi"]
        ids = _as_text(table[name])
        coded = ids.dictionary_encode().unify_dictionaries().combine_chunks()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
        numbers = _numbers(coded.dictionary)
        self._learn(numbers, coded.dictionary.to_pandas(), name)
        if name in FIXES.names:
            table = table.rename_columns([f"source_{name}" if old == name else old for old in table.column_names])
        table = table.append_column(_COLUMN, pa.array(numbers).take(coded.indices))
        return table, replace(match, fields={**match.fields, "mmsi": _COLUMN}, mapped=match.mapped - {"mmsi"})

    def _learn(self, numbers: np.ndarray, texts: pd.Series, name: str) -> None:
        fresh = pd.Series(texts.to_numpy(), index=numbers, dtype="str")
        known = pd.concat([self._ids, fresh])
        known = known[~(known.index.duplicated() & known.duplicated())]
        if known.index.has_duplicates:
            one, two = known[known.index.duplicated(keep=False)].iloc[:2]
            raise DialectError(f"column {name!r}: the ids {one!r} and {two!r} get the same stand-in number; rename one")
        self._ids = known


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py():
        column = column.cast(pa.int64())  # whole numbers with nulls among them
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _numbers(ids: pa.Array) -> np.ndarray:
    """Hash texts with SipHash-2-4 (Aumasson and Bernstein 2012) and the mixer of SplitMix64, as pandas does."""
    texts = np.asarray(ids.to_pylist(), dtype=object)
    hashed = pd.util.hash_array(texts, categorize=False) & _BITS
    return STAND_IN_BASE + hashed.astype("int64")
