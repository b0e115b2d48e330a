"""Pairs and what is left for nobody as rows of LINKS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import expand, group_ends, group_starts
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
    p_link = _with_nobody(pairs["sighting"].to_numpy(), _share(pairs), number)
    flat_p = _aligned(flat.pairs, pairs, number)
    merged = _merged(weighed)
    rank = _ranks(sighting, p_link, gap_id)
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
        "p_merged": np.r_[merged["p_merged"].to_numpy(), np.full(number, np.nan)],
        "merged_with": np.r_[merged["merged_with"].to_numpy(dtype=object), np.full(number, None, dtype=object)],
        "asserted": np.r_[_asserted(weighed, p_link[len(pairs) :], case.rule), np.full(number, None, dtype=object)],
        "explained_by": pd.Series(explained, dtype="str"),
        "p_broadcasting": np.r_[blank, weighed.p_broadcasting],
        "p_cut": np.r_[blank, cut / (1.0 + cut + _odds(pairs, number))],
        "background_per_km2": case.likelihood.background_per_nm2[sighting] / _KM2_PER_NM2,
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
    return np.where(place >= 0, np.r_[_share(flat), 0.0][place], 0.0)


def _odds(pairs: pd.DataFrame, number: int) -> np.ndarray:
    return np.bincount(pairs["sighting"], np.exp(np.minimum(pairs["llr_joint"], 700.0)), minlength=number)


def _share(pairs: pd.DataFrame) -> np.ndarray:
    """Part of each pair in its sighting: two ships that are one sighting have half of it each."""
    return (pairs["p"] - pairs["together"] / 2).to_numpy()


def _merged(weighed: Weighed) -> pd.DataFrame:
    """Chance of each pair that its ship is in the sighting with another, and with which; null where it is not."""
    together = weighed.pairs["together"]
    best = weighed.couples.sort_values(["pair", "p", "track_id"], ascending=[True, False, True])
    names = best.drop_duplicates("pair").set_index("pair")["track_id"].reindex(weighed.pairs.index)
    return pd.DataFrame({"p_merged": together.where(together > 0), "merged_with": names})


def _ranks(sighting: np.ndarray, p_link: np.ndarray, gap_id: np.ndarray) -> np.ndarray:
    """Rank of each row within its sighting.

    Equal probabilities are ranked by gap, so that the order of the input never shows.
    """
    name = np.where([name is not None for name in gap_id], gap_id, "").astype("U")
    rank = np.empty(len(sighting), dtype="int64")
    order = np.lexsort((name, -p_link, sighting))
    start = group_starts(sighting[order])
    rank[order] = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order)))) + 1
    return rank


def _asserted(weighed: Weighed, nobody: np.ndarray, rule: LinkRule) -> np.ndarray:
    """Whether each pair is beyond reasonable doubt; of two ships in one sighting each may be."""
    pairs, couples = weighed.pairs, weighed.couples
    sighting, p = pairs["sighting"].to_numpy(), pairs["p"].to_numpy()
    # Of two ships side by side, the one that was broadcasting is no doubt about the other.
    pair, beside = couples["pair"].to_numpy(), couples["p"].to_numpy()
    lit = np.bincount(sighting[pair], beside * (couples["partner"] < 0), minlength=len(nobody))
    sure = (p >= rule.assert_p) & ((nobody - lit / 2)[sighting] < rule.assert_unknown)
    runner_up = _runner_up(sighting, p)
    # Nor is a ship that may lie beside this one: what it has without this one counts.
    some = np.flatnonzero(np.isin(sighting, sighting[pair]))
    some = some[np.argsort(sighting[some], kind="stable")]
    start = group_starts(sighting[some])
    count = group_ends(start, len(some)) - start
    one, other = expand(np.repeat(start, count), np.repeat(count, count))
    one, other = some[one], some[other]
    silent = np.flatnonzero(couples["partner"] >= 0)
    known = pd.MultiIndex.from_arrays([pair[silent], couples["partner"].to_numpy()[silent]])
    at = known.get_indexer(pd.MultiIndex.from_arrays([one, other]))
    rival = np.where(one == other, 0.0, p[other] - np.where(at >= 0, np.r_[beside[silent], 0.0][at], 0.0))
    runner_up[some] = 0.0
    np.maximum.at(runner_up, one, rival)
    return (sure & (p >= rule.assert_odds * runner_up)).astype(object)


def _runner_up(sighting: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Probability of the likeliest other gap of each pair's sighting."""
    order = np.lexsort((-p, sighting))
    start = group_starts(sighting[order])
    several = np.flatnonzero(group_ends(start, len(order)) - start > 1)
    best, second = np.zeros(int(sighting.max(initial=-1)) + 1), np.zeros(int(sighting.max(initial=-1)) + 1)
    best[sighting[order[start]]] = p[order[start]]
    second[sighting[order[start[several]]]] = p[order[start[several] + 1]]
    return np.where(p >= best[sighting], second[sighting], best[sighting])


def _names(ids: pd.Series, index: np.ndarray) -> np.ndarray:
    out = np.full(len(index), None, dtype=object)
    out[index >= 0] = ids.to_numpy(dtype=object)[index[index >= 0]]
    return out
