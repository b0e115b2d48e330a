"""Putting rows in the order of vessel and time, by sorting one packed integer instead of two columns."""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.spans import group_starts

__all__ = ["vessel_order"]

_BITS = 63
_UNITS_US = (1_000_000, 1_000)


def vessel_order(mmsi: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Order of the rows by vessel and time; rows equal in both keep their places.

    Parameters
    ----------
    mmsi : ndarray of int64, shape (n,)
    time : ndarray of int64, shape (n,)
        Microseconds.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices as `numpy.lexsort((time, mmsi))`, several times faster where vessel, time and row fit into 63 bits, as
        a day of whole seconds always does.
    """
    if len(mmsi) == 0:
        return np.empty(0, dtype="int64")
    time = _coarsened(time)
    room = _BITS - _bits(len(mmsi) - 1)
    vessel = mmsi - mmsi.min() if _span(mmsi) < 2**_BITS else _ranked(mmsi)
    if _bits(_span(vessel)) + _bits(_span(time)) > room:
        vessel = _ranked(mmsi)
    if _bits(_span(vessel)) + _bits(_span(time)) > room:
        return np.lexsort((time, mmsi))
    width, row = _bits(_span(time)), _bits(len(mmsi) - 1)
    packed = ((vessel << width | time - time.min()) << row) | np.arange(len(mmsi))
    packed.sort()
    return packed & ((1 << row) - 1)


def _span(values: np.ndarray) -> int:
    return int(values.max()) - int(values.min())


def _bits(largest: int) -> int:
    return largest.bit_length()


def _coarsened(time: np.ndarray) -> np.ndarray:
    """Times in the coarsest unit in which all of them are whole."""
    for unit in _UNITS_US:
        coarse = time // unit  # several times faster than the remainder
        if (coarse * unit == time).all():
            return coarse
    return time


def _ranked(mmsi: np.ndarray) -> np.ndarray:
    """Place of each vessel among the distinct ones; quick where equal numbers stand in runs."""
    first = group_starts(mmsi)
    rank = np.unique(mmsi[first], return_inverse=True)[1]
    return np.repeat(rank, np.diff(np.r_[first, len(mmsi)]))
