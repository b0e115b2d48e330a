"""UTC time columns to microseconds and back."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["time_us", "utc_times"]


def time_us(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 of a UTC time column, shape (n,); nulls become the smallest int64."""
    return times.to_numpy(dtype="datetime64[us]").astype("int64")


def utc_times(microseconds: np.ndarray, known: np.ndarray | None = None) -> pd.Series:
    """UTC time column of microseconds since 1970; null where not `known`."""
    whole = np.round(np.asarray(microseconds, dtype="float64")).astype("int64")
    stamps = pd.Series(whole.astype("datetime64[us]")).dt.tz_localize("UTC")
    return stamps if known is None else stamps.where(known)
