"""Whether the draughts of two ships fit cargo going from one to the other, for draughts that people type by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.draught import draught_change_llr

__all__ = ["Draughts", "hand_over_llr"]

_MOVED_M = 0.3
"""Smaller changes are stores and rounding."""
_OPPOSITE = float(np.log(2.0))
"""Of two operations that have nothing to do with each other, half go the same way."""
_MATCH_SD = 0.5
"""Spread of the logarithm of what one ship rose over what the other sank, where both are typed by hand."""


@dataclass(frozen=True)
class Draughts:
    """What ships said of their draught around a silence; every array has shape (n,).

    Parameters
    ----------
    before_m, after_m : ndarray of float64
        Reported before and after [m]; NaN, 0 and 25.5 say nothing.
    before_age_h, after_age_h : ndarray of float64
        How long before the silence, and after it, these were reported [h]; NaN: at its edges.
    laden_m, swing_m, plane_m2 : ndarray of float64
        Laden draught, its change with a full cargo [m], length times beam [m2]; NaN where not known.
    """

    before_m: np.ndarray
    after_m: np.ndarray
    before_age_h: np.ndarray
    after_age_h: np.ndarray
    laden_m: np.ndarray
    swing_m: np.ndarray
    plane_m2: np.ndarray

    def at(self, rows: np.ndarray) -> Draughts:
        """Those of these rows."""
        return Draughts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def change_m(self) -> np.ndarray:
        """After less before [m], NaN where either says nothing."""
        said = [np.where((value > 0) & (value < 25.5), value, np.nan) for value in (self.before_m, self.after_m)]
        return said[1] - said[0]

    def operation_llr(self, at_most: float) -> np.ndarray:
        """Evidence of a cargo operation of each ship alone [nats]."""
        return draught_change_llr(
            self.before_m, self.after_m, self.laden_m, at_most, before_age_h=self.before_age_h,
            after_age_h=self.after_age_h, swing_m=self.swing_m,
        )  # fmt: skip


def hand_over_llr(a: Draughts, b: Draughts, at_most: float) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood ratio of the draughts of two ships: cargo went from one to the other, against none [nats].

    The evidence of both for any operation, and what they say together: one must rise when the other sinks, by as much
    more as its waterplane is smaller. A draught that was not retyped contradicts nothing.

    Parameters
    ----------
    a, b : Draughts
        Of n rows each.
    at_most : float
        Bound of the result [nats].

    Returns
    -------
    llr : ndarray of float64, shape (n,)
    giver : ndarray of int64, shape (n,)
        0 (a) or 1 (b): the one that rose, or whose partner sank; -1 where the draughts do not say.
    """
    change = np.nan_to_num(a.change_m()), np.nan_to_num(b.change_m())
    moved = np.abs(change[0]) > _MOVED_M, np.abs(change[1]) > _MOVED_M
    both = moved[0] & moved[1]
    opposite = both & (change[0] * change[1] < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.log(np.abs(change[0] / change[1]) * a.plane_m2 / b.plane_m2) / _MATCH_SD
    # Volumes that are equal double the odds, those that differ by a factor of three more than undo that.
    match = np.where(np.isfinite(off), _OPPOSITE - 0.5 * np.square(off), 0.0)
    llr = a.operation_llr(at_most) + b.operation_llr(at_most) + np.where(opposite, _OPPOSITE + match, 0.0)
    llr = np.where(both & ~opposite, -at_most, np.clip(llr, -at_most, at_most))
    rose = np.where(moved[0], change[0] < 0, change[1] > 0)
    return llr, np.where((moved[0] | moved[1]) & (opposite | ~both), np.where(rose, 0, 1), -1)
