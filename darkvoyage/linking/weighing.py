"""All pairs of a case weighed: which candidates are kept, and the joint posterior."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_ends, group_starts
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.candidates import Candidates
from darkvoyage.linking.joint import joint_posterior
from darkvoyage.linking.likelihood import Evidence, Likelihood
from darkvoyage.linking.merged import merged_weights, most_weight, said_merged
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.sensors import length_llr, length_moments
from darkvoyage.rules.linking import LinkRule

__all__ = ["Case", "Kept", "Weighed", "keep_candidates", "weigh"]

_MARGIN = 3.0
"""Candidates this far below the bar [nats] may still come over it while the priors are learned."""


@dataclass(frozen=True)
class Case:
    """What is given.

    Parameters
    ----------
    gaps, sightings, scenes, ports : DataFrame
        Their tables.
    errors : PositionErrors
        Of the sightings.
    aside : Series of str
        Of `set_aside`: why a sighting is not to be linked, null for those that are.
    lit : DataFrame
        Of `broadcasting_pairs`.
    likelihood : Likelihood
    rule : LinkRule
    """

    gaps: pd.DataFrame
    sightings: pd.DataFrame
    scenes: pd.DataFrame
    ports: pd.DataFrame
    errors: PositionErrors
    aside: pd.Series
    lit: pd.DataFrame
    likelihood: Likelihood
    rule: LinkRule

    @cached_property
    def silent(self) -> np.ndarray:
        """Which sightings are to be linked, shape (sightings,)."""
        return self.aside.isna().to_numpy()

    @cached_property
    def track_id(self) -> pd.Series:
        """Tracks of the gaps, then of the broadcasting ships of `lit`."""
        return pd.concat([self.gaps["track_id"], self.lit["track_id"]], ignore_index=True)

    @cached_property
    def ship(self) -> np.ndarray:
        """One number for each track, shape (gaps + lit,)."""
        return pd.factorize(self.track_id)[0]

    @cached_property
    def seen_m(self) -> np.ndarray:
        """Length of the sightings, NaN where there is none [m], shape (sightings,)."""
        if "length_m" not in self.sightings:
            return np.full(len(self.sightings), np.nan)
        return self.sightings["length_m"].to_numpy(dtype="float64")

    @cached_property
    def said_merged(self) -> np.ndarray:
        """Which sightings are two ships by their own word, shape (sightings,)."""
        return said_merged(self.sightings)


@dataclass(frozen=True)
class Weighed:
    """Pairs with their evidence and posterior, and what is left for others.

    Parameters
    ----------
    pairs : DataFrame
        Of `pair_evidence`, with `llr_joint`, `p`, `together` (the part of it with another ship), `converged`.
    p_broadcasting : ndarray of float64, shape (sightings,)
    couples : DataFrame
        Pairs whose sighting may be two ships, by each of these: `pair` (row number), `p`, and `track_id` of the other.
    row : ndarray of int64, shape (pairs,)
        Which of the pairs given these are.
    """

    pairs: pd.DataFrame
    p_broadcasting: np.ndarray
    couples: pd.DataFrame
    row: np.ndarray

    def share(self) -> np.ndarray:
        """Part of each pair in its sighting, shape (pairs,): two ships that are one sighting have half of it each."""
        return (self.pairs["p"] - self.pairs["together"] / 2).to_numpy()

    def p_unknown(self) -> np.ndarray:
        """What neither gaps nor broadcasting ships explain of each sighting, shape (sightings,)."""
        known = np.bincount(self.pairs["sighting"], self.share(), minlength=len(self.p_broadcasting))
        return np.clip(1.0 - known - self.p_broadcasting, 0.0, 1.0)


def weigh(case: Case, pairs: pd.DataFrame, unknown: tuple[float, float]) -> Weighed:
    """Joint posterior over the pairs above the bar.

    Parameters
    ----------
    case : Case
    pairs : DataFrame
        Of `Evidence.weighed`.
    unknown : tuple of float
        Median length [m] and log spread of ships that nobody knows.

    Returns
    -------
    Weighed
    """
    lit, lit_size = _lit_ratios(case, unknown)
    lit_pairs = case.lit["sighting"].to_numpy(), lit, lit_size, case.lit["length_m"].to_numpy()
    sighting, llr, of_size, length = (np.r_[parts] for parts in zip(_sizes(case, pairs), lit_pairs, strict=True))
    llr, both = _merged(case, sighting, llr, of_size, length, unknown)
    keep = most_weight(sighting, llr, both)[: len(pairs)] >= case.rule.min_llr
    llr, both = (part[np.r_[keep, np.ones(len(lit), dtype=bool)]] for part in (llr, both))
    pairs = pairs[keep].reset_index(drop=True)
    gap, number = pairs["gap"].to_numpy(), len(pairs)
    sighting = np.r_[pairs["sighting"].to_numpy(), case.lit["sighting"].to_numpy()]
    of_track = np.r_[gap, len(case.gaps) + np.arange(len(lit))]
    ship, chain = case.ship[of_track], np.r_[gap, np.full(len(lit), -1)]
    joint = joint_posterior(ship, sighting, llr, both, chain, case.sightings, case.rule)
    share = joint.p - joint.together / 2
    p_lit = np.bincount(sighting[number:], share[number:], minlength=len(case.sightings))
    pairs = pairs.assign(p=joint.p[:number], together=joint.together[:number], converged=joint.converged[:number])
    one, other = np.r_[joint.one, joint.other], np.r_[joint.other, joint.one]
    couples = pd.DataFrame(
        {
            "pair": one,
            "p": np.r_[joint.p_couple, joint.p_couple],
            "track_id": case.track_id.take(of_track[other]).reset_index(drop=True),
        }
    )
    return Weighed(pairs, p_lit, couples[one < number].reset_index(drop=True), np.flatnonzero(keep))


@dataclass(frozen=True)
class Kept:
    """Evidence of a block of candidates, and which of them are worth carrying.

    Parameters
    ----------
    evidence : Evidence
        Of n pairs, all of some sightings.
    rows : ndarray of int64, shape (k,)
        Those that are kept.
    cut : ndarray of int64, shape (m,)
        Sightings of the gaps beyond the likeliest `most_gaps`, one for each gap.
    odds : ndarray of float64, shape (m,)
        Odds of these against nobody.
    """

    evidence: Evidence
    rows: np.ndarray
    cut: np.ndarray
    odds: np.ndarray

    def weighed(self, routes: Excursions, unknown: tuple[float, float]) -> pd.DataFrame:
        """Those kept, as of `Evidence.weighed`.

        Parameters
        ----------
        routes : Excursions
        unknown : tuple of float
        """
        return self.evidence.weighed(routes, unknown).take(self.rows)


def keep_candidates(case: Case, found: Candidates, part: slice, routes: Excursions) -> Kept:
    """Work out the evidence of a block, and keep the likeliest gaps of each sighting before anything is learned.

    Parameters
    ----------
    case : Case
    found : Candidates
    part : slice
        Of `found.parts()`.
    routes : Excursions
        Before anything is learned.

    Returns
    -------
    Kept
    """
    rule, block = case.rule, found.block(part)
    silent = case.silent[block["sighting"].to_numpy()]
    evidence = case.likelihood.evidence(block[silent].reset_index(drop=True))
    unknown = rule.unknown_length_m, rule.unknown_length_log_sd
    sighting, joint, of_size, length = _sizes(case, evidence.weighed(routes, unknown))
    weights = _merged(case, sighting, joint, of_size, length, unknown)
    llr = most_weight(sighting, *weights)
    order = np.lexsort((-llr, sighting))
    start = group_starts(sighting[order])
    end = group_ends(start, len(order))
    place = np.arange(len(order)) - np.repeat(start, end - start)
    # Equal candidates are all kept or all cut, so that the order of the input never shows.
    bar = np.repeat(llr[order][np.minimum(start + rule.most_gaps, end) - 1], end - start)
    worth = (llr[order] >= rule.min_llr - _MARGIN) & ((place < rule.most_gaps) | (llr[order] == bar))
    beyond = order[place >= rule.most_gaps]
    return Kept(evidence, np.sort(order[worth]), sighting[beyond], np.exp(np.minimum(llr[beyond], 700.0)))


def _sizes(case: Case, pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sighting, log weight, what length and beam have said in it, and the ship's length, of each pair."""
    of_size = (pairs["llr_length"] + pairs["llr_beam"]).to_numpy()
    length = case.gaps["length_m"].to_numpy()[pairs["gap"].to_numpy()]
    return pairs["sighting"].to_numpy(), pairs["llr_joint"].to_numpy(), of_size, length


def _merged(
    case: Case, sighting: np.ndarray, llr: np.ndarray, of_size: np.ndarray, length_m: np.ndarray,
    unknown: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Log weights of `merged_weights`."""
    return merged_weights(
        sighting, llr, of_size, length_m, case.seen_m, case.said_merged, unknown, case.sightings, case.errors.imager,
        case.rule,
    )  # fmt: skip


def _lit_ratios(case: Case, unknown: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Log ratio of each pair of a broadcasting ship and a sighting, and the part of it that is of the length."""
    sighting, length = case.lit["sighting"].to_numpy(), case.lit["length_m"].to_numpy()
    of_length = np.zeros(len(length))
    if "length_m" in case.sightings:
        seen_m = case.sightings["length_m"].to_numpy()[sighting]
        of_length = length_llr(
            seen_m, length, *length_moments(case.sightings, sighting, length, case.errors.imager), *unknown
        )
    seen = case.likelihood.views.lit_ratio(case.lit)
    return case.lit["llr"].to_numpy() + of_length + seen, of_length
