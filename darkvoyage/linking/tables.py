"""Pairs and what is left for nobody as rows of LINKS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_ends, group_starts
from darkvoyage.linking.weighing import Case, Weighed
from darkvoyage.rules.linking import LinkRule

__all__ = ["link_rows"]

_KM2_PER_NM2 = 1.852**2
_LIKELY = 0.5
"""From this probability on a sighting is said to be a broadcasting ship."""
_MEASURES = (
    "llr_position", "llr_length", "llr_beam", "llr_heading", "llr_class", "llr_load", "llr_total", "llr_joint",
    "p_at_port", "p_at_port_prior",
)  # fmt: skip


def link_rows(weighed: Weighed, flat_share: np.ndarray, cut: np.ndarray, case: Case) -> pd.DataFrame:
    """Candidates and "nobody" per sighting, as probabilities with ranks.

    Parameters
    ----------
    weighed : Weighed
    flat_share : ndarray of float64, shape (pairs,)
        `Weighed.share` of the same pairs with every port alike.
    cut : ndarray of float64, shape (sightings,)
        Odds against nobody of the gaps that were left out.
    case : Case

    Returns
    -------
    DataFrame
        Columns of LINKS, sorted by its key.
    """
    pairs, number = weighed.pairs, len(case.sightings)
    of_pair = pairs["sighting"].to_numpy()
    sighting, gap = np.r_[of_pair, np.arange(number)], np.r_[pairs["gap"].to_numpy(), np.full(number, -1)]
    p_link = _with_nobody(of_pair, weighed.share(), number)
    order, rank = _ranked(_places(case.sightings["sighting_id"])[sighting], p_link, _places(case.gaps["gap_id"])[gap])
    sighting, gap, nothing = sighting[order], gap[order], np.full(number, np.nan)

    def sorted_(of_pairs: Any, of_nobody: np.ndarray = nothing) -> np.ndarray:
        return np.concatenate([of_pairs, of_nobody])[order]

    merged_with, tracks = _merged_with(weighed)
    lit = pd.Series("broadcasting", index=case.aside.index, dtype="str").where(weighed.p_broadcasting > _LIKELY)
    reason, reasons = pd.factorize(case.aside.fillna(lit))
    blank, none = np.full(len(pairs), np.nan), np.full(number, -1)
    together, open_ = pairs["together"].to_numpy(), np.bincount(of_pair, ~pairs["converged"], minlength=number) > 0
    columns: dict[str, Any] = {
        "gap_id": _names(case.gaps["gap_id"], gap),
        "sighting_id": _names(case.sightings["sighting_id"], sighting),
        "p_link": p_link[order],
        "rank": pd.array(rank, dtype="Int64"),
        "p_link_flat": _with_nobody(of_pair, flat_share, number)[order],
        "port_id": _names(case.ports["port_id"], sorted_(pairs["port"], none)),
        "p_merged": sorted_(np.where(together > 0, together, np.nan)),
        "merged_with": _names(tracks, sorted_(merged_with, none)),
        "asserted": pd.array(
            sorted_(_asserted(of_pair, p_link[: len(pairs)], p_link[len(pairs) :], case.rule), none < 0),
            dtype="boolean",
        ),
        "explained_by": _names(pd.Series(reasons, dtype="str"), sorted_(np.full(len(pairs), -1), reason)),
        "p_broadcasting": sorted_(blank, weighed.p_broadcasting),
        "p_cut": sorted_(blank, cut / (1.0 + cut + _odds(pairs, number))),
        "background_per_km2": case.likelihood.background_per_nm2[sighting] / _KM2_PER_NM2,
        "converged": pd.array(sorted_(pairs["converged"], ~open_), dtype="boolean"),
        **{name: sorted_(pairs[name]) for name in _MEASURES},
    }
    columns["asserted"][gap < 0] = pd.NA
    if "scene_id" in case.sightings:
        columns["scene_id"] = _names(case.sightings["scene_id"], sighting)
    return pd.DataFrame(columns, copy=False)


def _with_nobody(sighting: np.ndarray, p: np.ndarray, number: int) -> np.ndarray:
    """Probabilities of the pairs, then of nobody for each sighting; beliefs may add up to a little more than one."""
    total = np.bincount(sighting, p, minlength=number)
    return np.r_[p / np.maximum(total, 1.0)[sighting], np.maximum(1.0 - total, 0.0)]


def _odds(pairs: pd.DataFrame, number: int) -> np.ndarray:
    return np.bincount(pairs["sighting"], np.exp(np.minimum(pairs["llr_joint"], 700.0)), minlength=number)


def _merged_with(weighed: Weighed) -> tuple[np.ndarray, pd.Series]:
    """Which track each pair's ship most likely shares its sighting with: its number, -1 for none, and the names."""
    best = weighed.couples.sort_values(["pair", "p", "track_id"], ascending=[True, False, True])
    best = best.drop_duplicates("pair")
    number, names = pd.factorize(best["track_id"])
    out = np.full(len(weighed.pairs), -1)
    out[best["pair"].to_numpy()] = number
    return out, pd.Series(names, dtype="str")


def _places(names: pd.Series) -> np.ndarray:
    """Place of each name in their order, shape (n,), and of none, before all, behind them."""
    return np.append(pd.factorize(names, sort=True)[0], -1)


def _ranked(sighting: np.ndarray, p_link: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of the rows by sighting and probability, and the rank of each, so ordered, within its sighting.

    Equal probabilities are ranked by gap, so that the order of the input never shows.
    """
    order = np.lexsort((gap, -p_link, sighting))
    start = group_starts(sighting[order])
    return order, np.arange(len(order)) - np.repeat(start, group_ends(start, len(order)) - start) + 1


def _asserted(sighting: np.ndarray, share: np.ndarray, nobody: np.ndarray, rule: LinkRule) -> np.ndarray:
    """Whether each pair is beyond reasonable doubt; two ships in one blob never are, having half of it each."""
    sure = (share >= rule.assert_p) & (nobody[sighting] < rule.assert_unknown)
    return sure & (share >= rule.assert_odds * _runner_up(sighting, share))


def _runner_up(sighting: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Probability of the likeliest other gap of each pair's sighting."""
    order = np.lexsort((-p, sighting))
    start = group_starts(sighting[order])
    several = np.flatnonzero(group_ends(start, len(order)) - start > 1)
    best, second = np.zeros(int(sighting.max(initial=-1)) + 1), np.zeros(int(sighting.max(initial=-1)) + 1)
    best[sighting[order[start]]] = p[order[start]]
    second[sighting[order[start[several]]]] = p[order[start[several] + 1]]
    return np.where(p >= best[sighting], second[sighting], best[sighting])


def _names(names: pd.Series, index: np.ndarray) -> pd.Series:
    """Names by their numbers, null for -1."""
    return pd.Series(names.array.take(index, allow_fill=True))
