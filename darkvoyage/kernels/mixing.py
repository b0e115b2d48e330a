"""Integers mixed into integers that look random: the same on every run and every machine."""

from __future__ import annotations

import numpy as np

__all__ = ["deal", "splitmix"]


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


def deal(number: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """Deal whole numbers into parts; equal numbers go to the same part, and another seed deals anew.

    Parameters
    ----------
    number : ndarray of int64, shape (n,)
    parts, seed : int

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 to parts - 1.
    """
    salt = splitmix(np.array([seed], dtype="uint64"))
    return (splitmix(number.astype("uint64") ^ salt) % np.uint64(parts)).astype("int64")
