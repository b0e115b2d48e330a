"""The learned head: an option on top of the law of silence, trained on the user's own feed without labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import ReadError
from darkvoyage.gaps.features import FEATURES, has_features, silence_features
from darkvoyage.gaps.reception import ReceptionModel
from darkvoyage.gaps.trees import BoostedTrees
from darkvoyage.kernels.mixing import deal

__all__ = ["SilenceHead"]

_FORMAT = 1
_FACTS = (
    "seed", "slope", "intercept", "natural_median_h", "natural_sigma", "min_gap_h", "silences", "vessels",
)  # fmt: skip


@dataclass(frozen=True)
class SilenceHead:
    """Boosted trees over `silence_features`, one set for each part of the fleet, grown on all other parts.

    Made by `fit_silence_head`, used by `score_silence(gaps, reception, head=head)`. A vessel's part follows from its
    MMSI, so that no vessel is ever judged by trees that have seen its gaps. The natural gaps of a feed teach what is
    natural: judged by trees that know them they would all look so.

    Parameters
    ----------
    trees : tuple of BoostedTrees
        For the vessels of part 0, 1 and so on.
    seed : int
        Of the dealing into parts.
    slope, intercept : float
        Calibration on the vessels that the trees do not know: log odds = slope x sum of the trees + intercept (Platt
        1999).
    natural_median_h, natural_sigma : float
        Log-normal law of the durations of natural gaps: median [h] and log standard deviation.
    min_gap_h : float
        Silences it learned from are longer than this [h].
    silences, vessels : int
        How many natural gaps it learned from, and of how many vessels.
    """

    trees: tuple[BoostedTrees, ...]
    seed: int
    slope: float
    intercept: float
    natural_median_h: float
    natural_sigma: float
    min_gap_h: float
    silences: int
    vessels: int

    def llr(self, gaps: pd.DataFrame, facts: pd.DataFrame, reception: ReceptionModel) -> np.ndarray:
        """Log-likelihood ratio of a switch-off over chance, duration not considered.

        Parameters
        ----------
        gaps : GAPS table
            With all its columns.
        facts : DataFrame
            `silence_facts` of these gaps.
        reception : ReceptionModel
            Of the feed of these gaps.

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where the gap is open or lacks a place at either end: of such gaps the head has seen none.
        """
        out = np.full(len(gaps), np.nan)
        known = np.flatnonzero(has_features(gaps))
        features = silence_features(gaps.take(known), reception, facts=facts.take(known)).to_numpy()
        sums = sums_of_others(self.trees, features, deal(gaps["mmsi"].to_numpy()[known], len(self.trees), self.seed))
        out[known] = self.slope * sums + self.intercept
        return out

    def save(self, path: str | Path) -> None:
        """Write the head into a folder: a JSON and a Parquet file; it may be that of the reception model."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        head = {"format": _FORMAT, "features": list(FEATURES), "start": [one.start for one in self.trees]}
        head |= {name: getattr(self, name) for name in _FACTS}
        (folder / "silence_head.json").write_text(json.dumps(head, indent=1), encoding="utf-8")
        nodes = pd.concat([one.nodes.assign(part=part) for part, one in enumerate(self.trees)], ignore_index=True)
        nodes.to_parquet(folder / "silence_head.parquet", index=False)

    @classmethod
    def load(cls, path: str | Path) -> SilenceHead:
        """Read a head that `save` wrote.

        Raises
        ------
        ReadError
            The folder does not hold a head of this version.
        """
        folder = Path(path)
        try:
            head: dict[str, Any] = json.loads((folder / "silence_head.json").read_text(encoding="utf-8"))
            if head["format"] != _FORMAT or head["features"] != list(FEATURES):
                raise ReadError(f"{folder}: silence head of another version (format {head['format']}); fit it anew")
            nodes = pd.read_parquet(folder / "silence_head.parquet")
            parts = [rows.drop(columns="part").reset_index(drop=True) for _, rows in nodes.groupby("part", sort=True)]
            trees = tuple(BoostedTrees(*each) for each in zip(head["start"], parts, strict=True))
            return cls(trees, **{name: head[name] for name in _FACTS})
        except (OSError, KeyError, json.JSONDecodeError) as error:
            raise ReadError(f"{folder}: not a silence head ({error})") from error


def sums_of_others(trees: tuple[BoostedTrees, ...], features: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Sum of the trees of each row's part, which were grown on the other parts.

    Parameters
    ----------
    trees : tuple of BoostedTrees
    features : ndarray, shape (n, features)
    part : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    out = np.zeros(len(part))
    for number, one in enumerate(trees):
        rows = part == number
        out[rows] = one.sums(features[rows])
    return out
