"""Pairs and what is left for nobody as rows of LINKS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts
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


def link_rows(weighed: Weighed, flat: Weighed, cut: np.ndarray, case: Case) -> pd.DataFrame:
    """Candidates and "nobody" per sighting, as probabilities with ranks.

    Parameters
    ----------
    weighed : Weighed
    flat : Weighed
        The same pairs, or fewer, with every port alike.
    cut : ndarray of float64, shape (sightings,)
        Odds against nobody of the gaps that were left out.
    case : Case

    Returns
    -------
    DataFrame
        Columns of LINKS.
    """
    pairs, number = weighed.pairs, len(case.sightings)
    sighting = np.r_[pairs["sighting"].to_numpy(), np.arange(number)]
    gap, port = (np.r_[pairs[name].to_numpy(), np.full(number, -1)] for name in ("gap", "port"))
    gap_id = _names(case.gaps["gap_id"], gap)
    p_link = _with_nobody(pairs["sighting"].to_numpy(), pairs["p"].to_numpy(), number)
    flat_p = _aligned(flat.pairs, pairs, number)
    rank, runner_up = _ranks(sighting, p_link, gap_id)
    columns: dict[str, Any] = {name: np.r_[pairs[name].to_numpy(), np.full(number, np.nan)] for name in _MEASURES}
    blank = np.full(len(pairs), np.nan)
    lit = pd.Series("broadcasting", index=case.aside.index, dtype="str").where(weighed.p_broadcasting > _LIKELY)
    explained = np.r_[np.full(len(pairs), None, dtype=object), case.aside.fillna(lit).to_numpy(dtype=object)]
    converged = pairs.groupby("sighting")["converged"].all().reindex(np.arange(number), fill_value=True)
    columns |= {
        "gap_id": gap_id,
        "sighting_id": case.sightings["sighting_id"].to_numpy(dtype=object)[sighting],
        "scene_id": _scenes(case.sightings)[sighting],
        "p_link": p_link,
        "p_link_flat": _with_nobody(pairs["sighting"].to_numpy(), flat_p, number),
        "rank": rank,
        "port_id": _names(case.ports["port_id"], port),
        "asserted": _asserted(gap >= 0, p_link, runner_up, p_link[len(pairs) :][sighting], case.rule),
        "explained_by": pd.Series(explained, dtype="str"),
        "p_broadcasting": np.r_[blank, weighed.p_broadcasting],
        "p_cut": np.r_[blank, cut / (1.0 + cut + _odds(pairs, number))],
        "background_per_km2": case.background_per_nm2[sighting] / _KM2_PER_NM2,
        "converged": np.r_[pairs["converged"].to_numpy(dtype=bool), converged.to_numpy(dtype=bool)],
    }
    return pd.DataFrame(columns)


def _scenes(sightings: pd.DataFrame) -> np.ndarray:
    if "scene_id" in sightings:
        return sightings["scene_id"].to_numpy(dtype=object)
    return np.full(len(sightings), None, dtype=object)


def _with_nobody(sighting: np.ndarray, p: np.ndarray, number: int) -> np.ndarray:
    """Probabilities of the pairs, then of nobody for each sighting; beliefs may add up to a little more than one."""
    total = np.bincount(sighting, p, minlength=number)
    return np.r_[p / np.maximum(total, 1.0)[sighting], np.maximum(1.0 - total, 0.0)]


def _aligned(flat: pd.DataFrame, pairs: pd.DataFrame, number: int) -> np.ndarray:
    """Probability of each of `pairs` in another table, 0 where it is not there."""
    keys = [table["gap"].to_numpy() * max(number, 1) + table["sighting"].to_numpy() for table in (flat, pairs)]
    place = pd.Index(keys[0]).get_indexer(pd.Index(keys[1]))
    return np.where(place >= 0, np.r_[flat["p"].to_numpy(), 0.0][place], 0.0)


def _odds(pairs: pd.DataFrame, number: int) -> np.ndarray:
    return np.bincount(pairs["sighting"], np.exp(np.minimum(pairs["llr_joint"], 700.0)), minlength=number)


def _ranks(sighting: np.ndarray, p_link: np.ndarray, gap_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each row within its sighting, and the probability of the likeliest other gap.

    Equal probabilities are ranked by gap, so that the order of the input never shows.
    """
    real = np.array([name is not None for name in gap_id], dtype=bool)
    name = np.where(real, gap_id, "").astype("U")
    rank = np.empty(len(sighting), dtype="int64")
    order = np.lexsort((name, -p_link, sighting))
    start = group_starts(sighting[order])
    rank[order] = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order)))) + 1
    # The best two gaps of each sighting, nobody aside.
    gaps = np.flatnonzero(real)
    order = gaps[np.lexsort((-p_link[gaps], sighting[gaps]))]
    start = group_starts(sighting[order])
    best, second = np.zeros(int(sighting.max(initial=-1)) + 1), np.zeros(int(sighting.max(initial=-1)) + 1)
    best[sighting[order[start]]] = p_link[order[start]]
    several = np.diff(np.append(start, len(order))) > 1
    second[sighting[order[start[several]]]] = p_link[order[start[several] + 1]]
    return rank, np.where(p_link >= best[sighting], second[sighting], best[sighting])


def _asserted(
    real: np.ndarray, p_link: np.ndarray, runner_up: np.ndarray, nobody: np.ndarray, rule: LinkRule
) -> pd.Series:
    beyond = (p_link >= rule.assert_p) & (p_link >= rule.assert_odds * runner_up) & (nobody < rule.assert_unknown)
    return pd.Series(beyond, dtype="boolean").where(real)


def _names(ids: pd.Series, index: np.ndarray) -> np.ndarray:
    out = np.full(len(index), None, dtype=object)
    out[index >= 0] = ids.to_numpy(dtype=object)[index[index >= 0]]
    return out
