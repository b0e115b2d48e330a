"""Ships that keep a course and wander about it: velocity is a constant plus an Ornstein-Uhlenbeck process.

The constant is not known beforehand (a flat prior), the velocities reported at both ends carry noise. Only differences
from the first report enter, of which the constant drops out: what is left to condition on is two numbers an axis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Pulls", "wandering_bridge"]


class Pulls(NamedTuple):
    """How far the ends' velocities pull a ship off the chord, per knot by which each differs from the chord's.

    Parameters
    ----------
    start_h, end_h : ndarray of float64, shape (n,)
        Of the position [h].
    start, end : ndarray of float64, shape (n,)
        Of the velocity.
    variance_h2 : ndarray of float64, shape (n,)
        Of the position, as a share of the wandering velocity's variance [h2].
    """

    start_h: np.ndarray
    end_h: np.ndarray
    start: np.ndarray
    end: np.ndarray
    variance_h2: np.ndarray


def wandering_bridge(total_h: np.ndarray, at_h: np.ndarray, rate_per_h: float, noise: float) -> Pulls:
    """Condition position and velocity in a gap on the velocities at both ends and the way between them.

    Parameters
    ----------
    total_h, at_h : ndarray of float64, shape (n,)
        Length of the gap and time since its start [h].
    rate_per_h : float
        At which velocity comes back to the constant [1/h].
    noise : float
        Variance of the reported velocities, as a share of the wandering velocity's variance.

    Returns
    -------
    Pulls
    """
    rest, g = total_h - at_h, rate_per_h
    kept_at, kept_rest, kept = np.exp(-g * at_h), np.exp(-g * rest), np.exp(-g * total_h)
    # Covariances of the wandering part: its velocity at the start and its way to the moment, and so on.
    start_way, start_whole = (1 - kept_at) / g, (1 - kept) / g
    whole_variance = 2 * (g * total_h - 1 + kept) / g**2
    way_variance = 2 * (g * at_h - 1 + kept_at) / g**2
    way_whole = (2 * g * at_h - 1 + kept_at + kept - kept_rest) / g**2
    end_way = (kept_rest - kept) / g
    # Known: chord less start velocity, end less start velocity. Noise of the start enters both.
    first = 1 + noise
    chord = whole_variance / total_h**2 - 2 * start_whole / total_h + first
    ends = 2 * (1 - kept) + 2 * noise
    both = first - kept
    determinant = chord * ends - both**2
    # Asked: way less what the start velocity makes of it; velocity less start velocity.
    way = (
        way_whole / total_h - start_way - at_h * start_whole / total_h + at_h * first,
        end_way - start_way - at_h * kept + at_h * first,
    )
    velocity = (
        (start_way + (1 - kept_rest) / g - start_whole) / total_h - kept_at + first,
        kept_rest - kept_at - kept + first,
    )
    (way_chord, way_end), (chord_share, end_share) = (
        ((a * ends - b * both) / determinant, (b * chord - a * both) / determinant) for a, b in (way, velocity)
    )
    variance = way_variance - 2 * at_h * start_way + at_h**2 * first - way_chord * way[0] - way_end * way[1]
    return Pulls(
        start_h=at_h - way_chord - way_end, end_h=way_end, start=1 - chord_share - end_share, end=end_share,
        variance_h2=np.maximum(variance, 0.0),
    )  # fmt: skip
