"""Casts that may fail, at no great cost when they do."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["try_cast"]

_SAMPLE = 256


def try_cast(column: Any, kind: pa.DataType) -> Any | None:
    """Cast an Arrow column, or return None if any value does not fit.

    Arrow words an error for each value that does not fit, so the first values are tried before all.

    Parameters
    ----------
    column : pyarrow Array or ChunkedArray
    kind : pyarrow DataType

    Returns
    -------
    pyarrow Array or ChunkedArray, or None
    """
    try:
        if len(column) > _SAMPLE:
            column.slice(0, _SAMPLE).cast(kind)
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None
