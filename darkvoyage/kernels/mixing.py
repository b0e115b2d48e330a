"""Integers mixed into integers that look random: the same on every run and every machine."""

from __future__ import annotations

import numpy as np

__all__ = ["splitmix"]


def splitmix(state: np.ndarray) -> np.ndarray:
    """Mix 64-bit words: splitmix64 (Steele, Lea, Flood 2014).

    Parameters
    ----------
    state : ndarray of uint64, shape (n,)

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    with np.errstate(over="ignore"):
        state = state + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
