"""How the head is learned: silences made in the feed's own tracks, beside the natural ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from darkvoyage.errors import RuleError
from darkvoyage.gaps.durations import fit_durations
from darkvoyage.gaps.features import FEATURES, silence_features
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.head import SilenceHead, sums_of_others
from darkvoyage.gaps.hiding import cleaned
from darkvoyage.gaps.masking import PROTOCOLS, mask_silences
from darkvoyage.gaps.reception import ReceptionModel, fit_reception
from darkvoyage.gaps.trees import BoostedTrees
from darkvoyage.kernels.mixing import deal
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.rules.tracks import GapRule

__all__ = ["fit_silence_head"]

_LEAST_SILENCES, _LEAST_VESSELS = 60, 8
"""With fewer natural gaps, or of fewer vessels, nothing learned would hold for other vessels."""
_LEAST_DURATIONS = 30
_MOST_CASES = 20_000
"""Silences of all draws, hidden and natural: more take time and add little; each draw then has other natural gaps."""
_MIN_GAP_H = 2.0
_PARTS = 5
_TREES: dict[str, Any] = {
    "n_estimators": 150, "learning_rate": 0.1, "max_depth": 5, "min_samples_leaf": 100, "subsample": 0.5,
    "max_features": 0.3,
}  # fmt: skip
"""Half of the rows for each tree, a third of the features for each split: a natural gap is in every draw."""


def fit_silence_head(
    fixes: Any, reception: ReceptionModel, *, min_gap_h: float | None = None, draws: int = 6, seed: int = 0
) -> SilenceHead:
    """Learn to tell switch-offs from natural gaps, from stretches hidden in the feed's own tracks.

    Stretches as long as the natural gaps are hidden anywhere, in the cells of the natural gaps and on their vessels
    (see `mask_silences`; also right beside natural gaps, as switch-offs may be). Reception is learned anew from what is
    left, so that nothing hidden is known to it. Boosted trees tell the two apart by `silence_features`, and a logistic
    curve over vessels that the trees were not grown on makes probabilities of their sums. How long a gap lasted is left
    to the laws of durations, that of the rule for switch-offs and that of the natural gaps.

    Natural gaps stand for ships that went on transmitting. Those among them that were switched off teach the head that
    such gaps are natural: on a feed where many hide it is too cautious.

    Learn from the days that will be judged. On five days of Suez (2021, 163 vessels with gaps above 2 h, four mask
    seeds, vessels that the trees do not know) hidden silences are told from natural ones of the same cell with an area
    under ROC of 0.925, of the same vessel with 0.950, beside 0.820 and 0.863 of the law; learned from the first 2.4
    days only, on those after with 0.822 and 0.817, beside 0.870 and 0.906: worse than the law.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw; raw fixes go through the default cleaning first. Held in memory.
    reception : ReceptionModel
        Of the same feed; its rule is used.
    min_gap_h : float, optional
        Learn from silences longer than this [h]. None: 2 h, or the threshold of the rule where that is shorter; more
        are learned from than will be judged.
    draws : int
        How many times places to hide are drawn, for each of the three kinds of places.
    seed : int
        Of places, trees and parts of the fleet.

    Returns
    -------
    SilenceHead

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        An option is out of its bounds, or the feed has fewer than 60 natural gaps or 8 vessels with any.
    """
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise RuleError(f"draws = {draws!r}: expected a whole number of at least 1")
    table = cleaned(fixes)
    min_gap_h = min(_MIN_GAP_H, reception.rule.min_gap_h) if min_gap_h is None else float(min_gap_h)
    # The windows of the user's model, so that the head sees the same features later.
    rule = dataclasses.replace(reception.rule, window_min=reception.window_min)
    seeds = np.random.SeedSequence(seed).generate_state(draws * len(PROTOCOLS))
    asked, number = zip(PROTOCOLS * draws, seeds, strict=True), max(_MOST_CASES // (2 * len(seeds)), 1)
    cases = pd.concat(
        [_cases(table, name, min_gap_h, number, int(one), rule) for name, one in asked], ignore_index=True
    )
    natural = cases[~cases["masked"]].drop_duplicates("gap_id")
    _refuse_few(natural, seed, min_gap_h)
    trees, slope, intercept = _learn(cases, seed)
    median_h, sigma = _durations(natural["duration_h"].to_numpy(), min_gap_h, rule.min_gap_h)
    return SilenceHead(
        trees, seed, slope, intercept, median_h, sigma, min_gap_h, len(natural), natural["mmsi"].nunique()
    )


def _cases(
    table: pd.DataFrame, protocol: str, min_gap_h: float, number: int, seed: int, rule: ReceptionRule
) -> pd.DataFrame:
    """Silences of one draw with their features, hidden ones and natural ones."""
    masked = mask_silences(table, protocol=protocol, min_gap_h=min_gap_h, number=number, seed=seed, beside_gaps=True)
    gaps = find_gaps(masked.fixes, rule=GapRule(min_gap_h=min_gap_h))
    hidden = gaps["gap_id"].map(masked.silences.set_index("mask_id")["masked"])
    gaps = gaps[hidden.notna()].reset_index(drop=True)
    features = silence_features(gaps, fit_reception(masked.fixes, rule=rule))
    return gaps[["gap_id", "mmsi", "duration_h"]].assign(masked=hidden.dropna().to_numpy(dtype=bool)).join(features)


def _refuse_few(natural: pd.DataFrame, seed: int, min_gap_h: float) -> None:
    """Ask for enough natural gaps, also without the largest part of the fleet."""
    vessels = natural["mmsi"].nunique()
    part = np.bincount(deal(natural["mmsi"].to_numpy(), _PARTS, seed), minlength=_PARTS)
    if len(natural) < _LEAST_SILENCES or vessels < _LEAST_VESSELS or len(natural) - part.max() < _LEAST_SILENCES / 2:
        raise RuleError(
            f"too little to learn a head from: {len(natural)} natural gaps above {min_gap_h:g} h of {vessels} vessels, "
            f"needed {_LEAST_SILENCES} of {_LEAST_VESSELS}, not most of them of one; score_silence does without a head"
        )


def _durations(duration_h: np.ndarray, least_h: float, judged_h: float) -> tuple[float, float]:
    """Law of the durations of natural gaps as long as those that will be judged, if these are enough, else of all."""
    long = duration_h[duration_h > judged_h]
    return fit_durations(long, judged_h) if len(long) >= _LEAST_DURATIONS else fit_durations(duration_h, least_h)


def _learn(cases: pd.DataFrame, seed: int) -> tuple[tuple[BoostedTrees, ...], float, float]:
    """Trees for each part of the fleet, and the curve that calibrates them there."""
    features, masked = cases[list(FEATURES)].to_numpy(), cases["masked"].to_numpy()
    part = deal(cases["mmsi"].to_numpy(), _PARTS, seed)
    model = GradientBoostingClassifier(**_TREES, random_state=seed)
    trees = tuple(
        BoostedTrees.of(model.fit(features[part != number], masked[part != number])) for number in range(_PARTS)
    )
    sums = sums_of_others(trees, features, part)
    curve = LogisticRegression(C=1e6).fit(sums[:, None], masked)
    return trees, float(curve.coef_[0, 0]), float(curve.intercept_[0])
