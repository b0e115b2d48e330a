"""All pairs of a case weighed: candidates kept, what is learned from the sightings on the way, the joint posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import group_starts
from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.candidates import candidate_blocks
from darkvoyage.linking.joint import joint_posterior
from darkvoyage.linking.learning import Exposure, call_lift, unknown_lengths
from darkvoyage.linking.likelihood import pair_evidence
from darkvoyage.linking.merged import merged_weights
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.sensors import length_llr, length_moments
from darkvoyage.linking.views import calls_in_view, detection_ratio, share_in_scene
from darkvoyage.rules.linking import LinkRule

__all__ = ["FOUND", "Case", "Weighed", "learn", "weigh"]

_ROUNDS = 5
"""Of learning; the lengths of unknown ships hardly move in the last."""
_MARGIN = 3.0
"""Candidates this far below the bar [nats] may still come over it while the priors are learned."""
FOUND = ("gap", "sighting", "since_h", "total_h", "straight_nm", "area_nm2", "closed")


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
    background_per_nm2 : ndarray of float64, shape (sightings,)
    rule : LinkRule
    """

    gaps: pd.DataFrame
    sightings: pd.DataFrame
    scenes: pd.DataFrame
    ports: pd.DataFrame
    errors: PositionErrors
    aside: pd.Series
    lit: pd.DataFrame
    background_per_nm2: np.ndarray
    rule: LinkRule

    @property
    def scene(self) -> np.ndarray:
        """Row of each sighting's scene, -1 where it is not known, shape (sightings,)."""
        if "scene_id" not in self.sightings:
            return np.full(len(self.sightings), -1)
        known = pd.Index(self.scenes["scene_id"])
        return known.get_indexer(pd.Index(self.sightings["scene_id"].to_numpy(dtype=object)))


@dataclass(frozen=True)
class Weighed:
    """Pairs with their evidence and posterior, and what is left for others.

    Parameters
    ----------
    pairs : DataFrame
        Of `pair_evidence`, with `llr_joint`, `p`, `together` (the part of it with another ship), `converged`.
    p_broadcasting : ndarray of float64, shape (sightings,)
    couples : DataFrame
        Pairs whose sighting may be two ships, by each of these: `pair` (row number), `p`, and the other ship:
        `track_id`, `partner` (row number, -1 if it was broadcasting).
    """

    pairs: pd.DataFrame
    p_broadcasting: np.ndarray
    couples: pd.DataFrame

    def p_unknown(self) -> np.ndarray:
        """What neither gaps nor broadcasting ships explain of each sighting, shape (sightings,)."""
        share = self.pairs["p"] - self.pairs["together"] / 2
        known = np.bincount(self.pairs["sighting"], share, minlength=len(self.p_broadcasting))
        return np.clip(1.0 - known - self.p_broadcasting, 0.0, 1.0)


def learn(case: Case, routes: Excursions) -> tuple[Weighed, Excursions, tuple[float, float], np.ndarray]:
    """Weigh all pairs; learn on the way how long unknown ships are here, and which ports the sightings point to.

    Expectation-maximisation with the rule's values as prior.

    Parameters
    ----------
    case : Case
    routes : Excursions
        Before anything is learned.

    Returns
    -------
    weighed : Weighed
    routes : Excursions
        As learned.
    unknown : tuple of float
        Median length [m] and log spread of ships that nobody knows.
    cut : ndarray of float64, shape (sightings,)
        Odds against nobody of the gaps beyond the likeliest `most_gaps`.
    """
    unknown = case.rule.unknown_length_m, case.rule.unknown_length_log_sd
    found, cut = _kept(case, routes, unknown)
    every = np.ones(len(case.ports), dtype=bool)
    call, _, chance = calls_in_view(case.gaps, case.scenes, case.ports, routes, every, case.rule)
    exposure, duration = Exposure(call, chance), case.gaps["duration_h"].to_numpy()
    lifted = routes
    for _ in range(_ROUNDS):
        weighed = weigh(case, found, lifted, unknown)
        unknown = unknown_lengths(case.sightings, weighed.p_unknown() * case.aside.isna(), case.rule)
        pairs = weighed.pairs
        lift = call_lift(routes, exposure, pairs, pairs["p"].to_numpy(), duration, len(case.ports))
        lifted = routes.lifted(lift)
    return weighed, lifted, unknown, cut


def _kept(case: Case, routes: Excursions, unknown: tuple[float, float]) -> tuple[pd.DataFrame, np.ndarray]:
    """Candidates worth carrying, the likeliest gaps of each sighting, and the odds of those cut."""
    cut = np.zeros(len(case.sightings))
    parts = []
    silent = case.aside.isna().to_numpy()
    for found in candidate_blocks(case.gaps, case.sightings, case.rule):
        block = found[silent[found["sighting"]]].reset_index(drop=True)
        pairs = _evidence(case, block, routes, unknown)
        sighting, llr = pairs["sighting"].to_numpy(), merged_weights(*_sizes(case, pairs), case.sightings, case.rule)[0]
        order = np.lexsort((-llr, sighting))
        start = group_starts(sighting[order])
        place = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
        # Equal candidates are all kept or all cut, so that the order of the input never shows.
        last = np.minimum(start + case.rule.most_gaps, np.append(start[1:], len(order))) - 1
        bar = np.repeat(llr[order][last], np.diff(np.append(start, len(order))))
        kept = (llr[order] >= case.rule.min_llr - _MARGIN) & ((place < case.rule.most_gaps) | (llr[order] == bar))
        beyond = order[place >= case.rule.most_gaps]
        np.add.at(cut, sighting[beyond], np.exp(np.minimum(llr[beyond], 700.0)))
        parts.append(block[list(FOUND)].iloc[np.sort(order[kept])])
    return pd.concat(parts, ignore_index=True), cut


def weigh(case: Case, found: pd.DataFrame, routes: Excursions, unknown: tuple[float, float]) -> Weighed:
    """Evidence of each candidate pair, and the joint posterior over those above the bar.

    Parameters
    ----------
    case : Case
    found : DataFrame
        Candidates.
    routes : Excursions
    unknown : tuple of float
        Median length [m] and log spread of ships that nobody knows.

    Returns
    -------
    Weighed
    """
    pairs = _evidence(case, found, routes, unknown)
    lit, lit_size = _lit_ratios(case, unknown)
    lit_pairs = case.lit["sighting"].to_numpy(), lit, lit_size, case.lit["length_m"].to_numpy()
    sighting, llr, of_size, length = (np.r_[parts] for parts in zip(_sizes(case, pairs), lit_pairs, strict=True))
    llr, both = merged_weights(sighting, llr, of_size, length, case.sightings, case.rule)
    keep = llr[: len(pairs)] >= case.rule.min_llr
    llr, both = (part[np.r_[keep, np.ones(len(lit), dtype=bool)]] for part in (llr, both))
    pairs = pairs[keep].reset_index(drop=True)
    gap, number = pairs["gap"].to_numpy(), len(pairs)
    sighting = np.r_[pairs["sighting"].to_numpy(), case.lit["sighting"].to_numpy()]
    track_id = pd.concat([case.gaps["track_id"], case.lit["track_id"]], ignore_index=True)
    of_track = np.r_[gap, len(case.gaps) + np.arange(len(lit))]
    ship, chain = pd.factorize(track_id)[0][of_track], np.r_[gap, np.full(len(lit), -1)]
    joint = joint_posterior(ship, sighting, llr, both, chain, case.sightings, case.rule)
    share = joint.p - joint.together / 2
    p_lit = np.bincount(sighting[number:], share[number:], minlength=len(case.sightings))
    pairs = pairs.assign(p=joint.p[:number], together=joint.together[:number], converged=joint.converged[:number])
    one, other = np.r_[joint.one, joint.other], np.r_[joint.other, joint.one]
    couples = pd.DataFrame(
        {
            "pair": one,
            "partner": np.where(other < number, other, -1),
            "p": np.r_[joint.p_couple, joint.p_couple],
            "track_id": track_id.take(of_track[other]).reset_index(drop=True),
        }
    )
    return Weighed(pairs, p_lit, couples[one < number].reset_index(drop=True))


def _sizes(case: Case, pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sighting, log weight, what length and beam have said in it, and the ship's length, of each pair."""
    of_size = (pairs["llr_length"] + pairs["llr_beam"]).to_numpy()
    length = case.gaps["length_m"].to_numpy()[pairs["gap"].to_numpy()]
    return pairs["sighting"].to_numpy(), pairs["llr_joint"].to_numpy(), of_size, length


def _evidence(case: Case, found: pd.DataFrame, routes: Excursions, unknown: tuple[float, float]) -> pd.DataFrame:
    """Evidence of candidate pairs; `llr_joint` counts the chance of being missed too."""
    pairs = pair_evidence(
        found, case.gaps, case.sightings, case.ports, routes, case.errors, case.background_per_nm2, unknown, case.rule
    )
    scene = case.scene[pairs["sighting"].to_numpy()]
    inside = share_in_scene(pairs, scene, case.gaps, case.scenes, case.ports, routes, case.rule)
    length = case.gaps["length_m"].to_numpy()[pairs["gap"].to_numpy()]
    seen = detection_ratio(length, inside, scene, case.scenes, case.rule)
    return pairs.assign(llr_joint=pairs["llr_total"] + seen)


def _lit_ratios(case: Case, unknown: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Log ratio of each pair of a broadcasting ship and a sighting, and the part of it that is of the length."""
    sighting, length = case.lit["sighting"].to_numpy(), case.lit["length_m"].to_numpy()
    of_length = np.zeros(len(length))
    if "length_m" in case.sightings:
        seen_m = case.sightings["length_m"].to_numpy()[sighting]
        of_length = length_llr(
            seen_m, length, *length_moments(case.sightings, sighting, length, case.errors.imager), *unknown
        )
    scene = case.scene[sighting]
    seen = detection_ratio(length, (scene >= 0).astype("float64"), scene, case.scenes, case.rule)
    return case.lit["llr"].to_numpy() + of_length + seen, of_length
