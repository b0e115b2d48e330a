"""Boosted trees as plain arrays, so that a fitted head can be kept in an open format and read by anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["BoostedTrees"]

_LEAF = -1
_BLOCK = 65_536
_COLUMNS = {"tree": "int32", "feature": "int16", "threshold": "float64", "left": "int32", "right": "int32",
            "value": "float64"}  # fmt: skip


@dataclass(frozen=True)
class BoostedTrees:
    """A sum of regression trees.

    Parameters
    ----------
    start : float
        What is added to the sum of all trees.
    nodes : DataFrame
        One row per node: `tree`; `feature`, the column that is compared, -1 in a leaf; `threshold`; `left` and `right`,
        the rows to go on with where the feature is at most the threshold and where it is more; `value`, what a leaf
        adds. Each tree begins with its root.
    """

    start: float
    nodes: pd.DataFrame

    @classmethod
    def of(cls, model: Any) -> BoostedTrees:
        """Take the trees out of a fitted scikit-learn `GradientBoostingClassifier` of two classes."""
        parts, offset = [], 0
        for number, fitted in enumerate(model.estimators_[:, 0]):
            tree = fitted.tree_
            leaf = tree.children_left < 0
            nodes = {
                "tree": np.full(tree.node_count, number),
                "feature": np.where(leaf, _LEAF, tree.feature),
                "threshold": np.where(leaf, 0.0, tree.threshold),
                "left": np.where(leaf, _LEAF, tree.children_left + offset),
                "right": np.where(leaf, _LEAF, tree.children_right + offset),
                "value": np.where(leaf, model.learning_rate * tree.value[:, 0, 0], 0.0),
            }
            parts.append(pd.DataFrame(nodes).astype(_COLUMNS))
            offset += tree.node_count
        share = model.init_.class_prior_[1]
        return cls(float(np.log(share) - np.log1p(-share)), pd.concat(parts, ignore_index=True))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of the leaves that each row ends in.

        Parameters
        ----------
        values : ndarray, shape (n, features)
            Compared in single precision, as scikit-learn does.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        single = np.ascontiguousarray(values, dtype="float32").astype("float64")
        blocks = [self._block(single[low : low + _BLOCK]) for low in range(0, len(single), _BLOCK)]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def _block(self, values: np.ndarray) -> np.ndarray:
        feature, threshold, left, right, value = (self.nodes[name].to_numpy() for name in list(_COLUMNS)[1:])
        total, rows = np.full(len(values), self.start), np.arange(len(values))
        for root in np.flatnonzero(np.diff(self.nodes["tree"].to_numpy(), prepend=-1)):
            node = np.full(len(values), root)
            going = rows
            # One step for all rows at once; a tree is left after as many steps as it is deep.
            while len(going := going[feature[node[going]] != _LEAF]):
                at = node[going]
                node[going] = np.where(values[going, feature[at]] <= threshold[at], left[at], right[at])
            total += value[node]
        return total
