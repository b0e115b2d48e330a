"""How fast the ship of a gap can have gone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["end_speed_kn", "reach_speed_kn"]

_MARGIN = 1.1
_FASTEST_KN = 45.0
"""Reported speeds beyond those of ferries are no speeds."""


def end_speed_kn(gaps: pd.DataFrame) -> np.ndarray:
    """Larger of the speeds at both ends [kn], NaN where neither is known, shape (n,).

    Parameters
    ----------
    gaps : GAPS table of n rows
    """
    start, end = (
        gaps[name].to_numpy(dtype="float64") if name in gaps else np.full(len(gaps), np.nan)
        for name in ("start_sog", "end_sog")
    )
    return np.fmax(start, end)


def reach_speed_kn(gaps: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Speed that bounds the reach of each gap's ship [kn], shape (n,).

    The rule's cap, or a tenth more than the ship made good or kept at an end where that is more: fast ferries and
    container ships do not slow down for being unheard.

    Parameters
    ----------
    gaps : GAPS table of n rows
    rule : LinkRule
    """
    apart = great_circle_nm(*(gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")))
    kept = end_speed_kn(gaps)
    kept = np.where(kept <= _FASTEST_KN, kept, np.nan)
    made_good = apart / gaps["duration_h"].to_numpy()
    return np.fmax(rule.max_speed_kn, _MARGIN * np.fmax(made_good, kept))
