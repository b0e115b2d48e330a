"""One number that makes links as sure as they are right: fitted where the truth is known, judged elsewhere.

Temperature scaling (Guo et al. 2017) of the candidates of each silent ship, "missed" among them: powers of their
probabilities that sum to one again. The order of the candidates stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from darkvoyage.scoring.evaluation.metrics import LEAST

__all__ = ["fit_power", "with_power"]

_POWERS = (0.1, 10.0)
_KEYS = ("world", "scene_id", "gap_id")


def fit_power(answers: pd.DataFrame) -> float:
    """Fit the power that makes the true candidates likeliest.

    Parameters
    ----------
    answers : DataFrame
        Of `answers_ships`, with a column `world` where there are several.

    Returns
    -------
    float
        Below 1: the links are too sure. NaN without answers.
    """
    if not answers["y"].any():
        return np.nan
    y = answers["y"].to_numpy(dtype=bool)

    def loss(log_power: float) -> float:
        p = with_power(answers, float(np.exp(log_power)))["p"].to_numpy()
        return -float(np.mean(np.log(np.maximum(p[y], LEAST))))

    found: Any = minimize_scalar(loss, bounds=np.log(_POWERS), method="bounded")
    return float(np.exp(found.x))


def with_power(answers: pd.DataFrame, power: float) -> pd.DataFrame:
    """Raise the probabilities of each ship's candidates to a power.

    Parameters
    ----------
    answers : DataFrame
        Of `answers_ships`.
    power : float
        1 changes nothing.

    Returns
    -------
    DataFrame
        The same rows with another `p`.
    """
    keys = [answers[name] for name in _KEYS if name in answers]
    raised = answers["p"] ** power
    total = raised.groupby(keys, dropna=False).transform("sum")
    return answers.assign(p=np.where(total > 0, raised / total.where(total > 0, 1.0), 0.0))
