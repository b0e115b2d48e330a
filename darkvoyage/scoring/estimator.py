"""A scorer that learns from labelled cases: scikit-learn's words over the evidence columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from darkvoyage.scoring.evidence import EVIDENCE

__all__ = ["TransferScorer"]


class TransferScorer(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """L2 logistic regression over log-likelihood ratios, for users who have adjudicated cases.

    Without labels use `score_transfers`, whose weights are 1 by construction. Few labels move the weights little: the
    ridge pulls towards 0, so clip and inspect `coef_` before trusting a fit on fewer than 200 positives. Split by
    vessel when validating.

    Parameters
    ----------
    C : float
        Inverse strength of the ridge.
    max_iter : int
        Iterations of the solver.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
    coef_ : ndarray, shape (1, n_features)
    intercept_ : ndarray, shape (1,)
    n_features_in_ : int
    n_iter_ : ndarray, shape (1,)
    """

    def __init__(self, C: float = 1.0, max_iter: int = 1000) -> None:
        self.C = C
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any) -> TransferScorer:
        """Fit the weights.

        Parameters
        ----------
        X : TRANSFERS table, or array-like, shape (n, n_features)
            Of a table the evidence columns `llr_*` are taken.
        y : array-like, shape (n,)
            True where the transfer is known to have happened.

        Returns
        -------
        TransferScorer
            Itself.
        """
        X, y = validate_data(self, _evidence(X), y)
        check_classification_targets(y)
        model = LogisticRegression(C=self.C, max_iter=self.max_iter).fit(X, y)
        self.classes_, self.coef_, self.intercept_ = model.classes_, model.coef_, model.intercept_
        self._model = model
        self.n_iter_ = model.n_iter_
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Log odds of each case, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self._model.decision_function(validate_data(self, _evidence(X), reset=False)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, shape (n, 2)."""
        check_is_fitted(self)
        return np.asarray(self._model.predict_proba(validate_data(self, _evidence(X), reset=False)))

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of each case, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self._model.predict(validate_data(self, _evidence(X), reset=False)))


def _evidence(X: Any) -> Any:
    """Evidence columns of a TRANSFERS table; anything else as it is."""
    columns = getattr(X, "columns", None)
    if columns is not None and set(EVIDENCE) <= set(columns):
        return X[list(EVIDENCE)].fillna(0.0)
    return X
