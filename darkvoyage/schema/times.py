"""UTC time columns to microseconds and back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError

__all__ = ["moment_us", "time_us", "utc_times"]


def moment_us(moment: Any, name: str) -> int:
    """Microseconds since 1970 of one time that a user gives.

    Parameters
    ----------
    moment : datetime or ISO 8601 text with time zone
    name : str
        Of the option, for the message.

    Returns
    -------
    int

    Raises
    ------
    RuleError
        Not a time, or naive.
    """
    expected = f"{name} = {moment!r}: expected a timezone-aware time"
    if not isinstance(moment, (str, dt.datetime, np.datetime64)):
        raise RuleError(expected)
    try:
        stamp = pd.Timestamp(moment)
    except ValueError as error:
        raise RuleError(f"{expected} ({error})") from error
    if pd.isna(stamp) or stamp.tz is None:
        raise RuleError(f"{expected}, this one is naive")
    return int(stamp.tz_convert("UTC").tz_localize(None).to_datetime64().astype("datetime64[us]").astype("int64"))


def time_us(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970 of a UTC time column, shape (n,); nulls become the smallest int64."""
    return times.to_numpy(dtype="datetime64[us]").astype("int64")


def utc_times(microseconds: np.ndarray, known: np.ndarray | None = None) -> pd.Series:
    """UTC time column of microseconds since 1970; null where not `known`."""
    whole = np.round(np.asarray(microseconds, dtype="float64")).astype("int64")
    stamps = pd.Series(whole.astype("datetime64[us]")).dt.tz_localize("UTC")
    return stamps if known is None else stamps.where(known)
