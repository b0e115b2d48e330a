"""One pass over fixes as they arrive, compiled: which vessels of a batch are calm, and their fixes vessel by vessel.

See `darkvoyage.gaps.calm` for what calm means; the same is done there with arrays where nothing can be compiled.
"""

from __future__ import annotations

import numpy as np

from darkvoyage.kernels.compiled import jit

__all__ = ["arrange_calm", "sweep_calm"]


@jit
def sweep_calm(
    vessel: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, calm: np.ndarray, heard: np.ndarray,
    placed_time: np.ndarray, placed_lat: np.ndarray, placed_lon: np.ndarray, limits: np.ndarray, count: np.ndarray,
    latest: np.ndarray, tie: np.ndarray, tie_with: np.ndarray,
) -> int:  # fmt: skip
    """Go through the fixes in the order of arrival.

    Parameters
    ----------
    vessel, time : ndarray of int64, shape (n,)
        Number of the vessel, -1 for fixes that do not count; time [us].
    lat, lon : ndarray of float64, shape (n,)
    calm : ndarray of bool, shape (vessels,)
        Vessels that may be calm; set to False where they turn out not to be.
    heard, placed_time : ndarray of int64, shape (vessels,)
        Time of the last fix, and of the last one with a position; moved on [us].
    placed_lat, placed_lon : ndarray of float64, shape (vessels,)
        That position; moved on.
    limits : ndarray of float64, shape (4,)
        Longest silence [us], slack [nm], speed [nm/us], length of a degree [nm].
    count : ndarray of int64, shape (vessels,)
        Becomes the number of fixes of each vessel.
    latest : ndarray of int64, shape (vessels,)
        Scratch: the last fix of each vessel so far.
    tie, tie_with : ndarray of int64, shape (n,)
        Become the fixes that have the time of the one before of their vessel, and that one.

    Returns
    -------
    int
        How many of these there are.
    """
    silence, slack, speed, degree = limits[0], limits[1], limits[2], limits[3]
    ties = 0
    for row in range(len(vessel)):
        ship = vessel[row]
        if ship < 0:
            continue
        count[ship] += 1
        if not calm[ship]:
            continue
        wait = time[row] - heard[ship]
        if wait > silence or wait < 0 or (wait == 0 and count[ship] == 1):
            calm[ship] = False
            continue
        if wait == 0:
            tie[ties], tie_with[ties] = row, latest[ship]
            ties += 1
        heard[ship] = time[row]
        latest[ship] = row
        if abs(lat[row]) <= 90.0 and abs(lon[row]) <= 180.0:
            turn = abs(lon[row] - placed_lon[ship])
            bound = (abs(lat[row] - placed_lat[ship]) + min(turn, 360.0 - turn)) * degree
            if not bound <= slack + speed * (time[row] - placed_time[ship]):
                calm[ship] = False
                continue
            placed_time[ship] = time[row]
            placed_lat[ship] = lat[row]
            placed_lon[ship] = lon[row]
    return ties


@jit
def arrange_calm(
    vessel: np.ndarray, calm: np.ndarray, drop: np.ndarray, begin: np.ndarray, settled: np.ndarray, at: np.ndarray,
    out: np.ndarray, waiting: np.ndarray, rest: np.ndarray,
) -> int:  # fmt: skip
    """Put the settled fixes of calm vessels together, vessel by vessel, and list the others.

    Parameters
    ----------
    vessel : ndarray of int64, shape (n,)
        As for `sweep_calm`.
    calm : ndarray of bool, shape (vessels,)
    drop : ndarray of bool, shape (n,)
        Fixes to leave out.
    begin, settled : ndarray of int64, shape (vessels,)
        Where the settled fixes of each calm vessel begin in the result, and how many there are.
    at : ndarray of int64, shape (vessels,)
        Zeros; becomes the number of fixes kept of each vessel.
    out : ndarray of int64, shape (settled in all,)
        Becomes the settled fixes.
    waiting : ndarray of int64, shape (not settled in all,)
        Becomes the other fixes of calm vessels.
    rest : ndarray of int64, shape (n,)
        Becomes the fixes of all other vessels, in the order of arrival.

    Returns
    -------
    int
        How many of these there are.
    """
    waits, others = 0, 0
    for row in range(len(vessel)):
        ship = vessel[row]
        if ship < 0:
            continue
        if not calm[ship]:
            rest[others] = row
            others += 1
        elif not drop[row]:
            place = at[ship]
            at[ship] = place + 1
            if place < settled[ship]:
                out[begin[ship] + place] = row
            else:
                waiting[waits] = row
                waits += 1
    return others
