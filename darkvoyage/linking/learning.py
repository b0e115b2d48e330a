"""What the sightings at hand say about ships nobody knows, and about where silent ships go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from darkvoyage.kernels.workers import in_threads
from darkvoyage.linking.candidates import Candidates
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.weighing import Case, keep_candidates, weigh
from darkvoyage.rules.linking import LinkRule

__all__ = ["Exposure", "call_lift", "learn", "unknown_lengths"]

_LENGTH_PRIOR, _CALL_PRIOR = 20.0, 1.0
"""What the rule's own values count: ships of the usual lengths, and calls in view as before looking."""
_LONG_H = np.array([12.0, 24.0, 48.0, 96.0, 192.0])
"""Gaps are taken together by length between these [h]: a silence of days is a call oftener than one of hours."""
_SWEEPS = 10
_SURE = 1 - 1e-9


_ROUNDS = 4
"""The lengths of unknown ships hardly move any more."""
_ENOUGH = 200_000
"""Pairs that are learned from at most, and then in every round: those of whole scenes, in the order of a hash of their
names, which says nothing of what they show."""


def learn(
    case: Case, found: Candidates, routes: Excursions, exposure: Exposure
) -> tuple[Excursions, tuple[float, float]]:
    """Learn how long unknown ships are here, and which ports the sightings point to.

    Expectation-maximisation with the rule's values as prior, on all scenes or on a sample of them.

    Parameters
    ----------
    case : Case
    found : Candidates
    routes : Excursions
        Before anything is learned.
    exposure : Exposure

    Returns
    -------
    routes : Excursions
        As learned.
    unknown : tuple of float
        Median length [m] and log spread of ships that nobody knows.
    """
    rule = case.rule
    taken, scenes = _sample(case, found)
    case = replace(case, lit=case.lit[taken[case.lit["sighting"].to_numpy()]])
    seen, taken_found = exposure.of_scenes(scenes), found.some(taken)
    blocks = list(in_threads(partial(keep_candidates, case, taken_found, routes=routes), taken_found.parts()))
    lifted, unknown = routes, (rule.unknown_length_m, rule.unknown_length_log_sd)
    for _ in range(_ROUNDS):
        none = case.likelihood.evidence(found.none()).weighed(lifted, unknown)
        pairs = pd.concat([none, *(block.weighed(lifted, unknown) for block in blocks)], ignore_index=True)
        weighed = weigh(case, pairs, unknown)
        unknown = unknown_lengths(case.sightings, weighed.p_unknown() * (case.silent & taken), rule)
        lifted = routes.lifted(
            call_lift(routes, seen, weighed.pairs, case.gaps["duration_h"].to_numpy(), len(case.ports))
        )
    return lifted, unknown


def _sample(case: Case, found: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Which sightings and which scenes are learned from."""
    tests = found.tests()
    if tests.sum() <= _ENOUGH:
        return np.ones(len(case.sightings), dtype=bool), np.ones(len(case.scenes), dtype=bool)
    name = case.sightings["sighting_id"]
    if "scene_id" in case.sightings:
        name = case.sightings["scene_id"].fillna(name)
    of_sighting, of_scene = (_hashes(names) for names in (name, case.scenes["scene_id"]))
    order = np.argsort(of_sighting, kind="stable")
    last = of_sighting[order[np.searchsorted(np.cumsum(tests[order]), _ENOUGH, side="right")]]
    # One scene at least, however many pairs it has.
    last = max(last, of_sighting[order[tests[order] > 0][0]] + 1)
    return of_sighting < last, of_scene < last


def _hashes(names: pd.Series) -> np.ndarray:
    """A number below 2**62 for each name, the same on every machine."""
    return (pd.util.hash_array(names.to_numpy(dtype=object)) >> np.uint64(2)).astype("int64")


def unknown_lengths(sightings: pd.DataFrame, p_unknown: np.ndarray, rule: LinkRule) -> tuple[float, float]:
    """Median [m] and log spread of the lengths of sightings, each as far as it is nobody we know.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    p_unknown : ndarray of float64, shape (n,)
    rule : LinkRule
        Its law counts as much as `_LENGTH_PRIOR` ships.
    """
    if "length_m" not in sightings:
        return rule.unknown_length_m, rule.unknown_length_log_sd
    length = sightings["length_m"].to_numpy()
    known = length > 0
    log, weight = np.log(length[known]), p_unknown[known]
    number = weight.sum() + _LENGTH_PRIOR
    usual = np.log(rule.unknown_length_m)
    mean = (weight @ log + _LENGTH_PRIOR * usual) / number
    prior = rule.unknown_length_log_sd**2 + (usual - mean) ** 2
    variance = (weight @ (log - mean) ** 2 + _LENGTH_PRIOR * prior) / number
    return float(np.exp(mean)), float(np.sqrt(variance))


@dataclass(frozen=True)
class Exposure:
    """Looks at ports in the time of calls that are possible.

    Parameters
    ----------
    call, scene : ndarray of int64, shape (n,)
        Row of the call in the excursions, and of the scene.
    chance : ndarray of float64, shape (n,)
        Of seeing the ship there in one scene, given the call.
    """

    call: np.ndarray
    scene: np.ndarray
    chance: np.ndarray

    def of_scenes(self, scenes: np.ndarray) -> Exposure:
        """Those of some scenes, of which a mask is given."""
        some = scenes[self.scene]
        return Exposure(self.call[some], self.scene[some], self.chance[some])


def call_lift(
    routes: Excursions, exposure: Exposure, pairs: pd.DataFrame, duration_h: np.ndarray, number_of_ports: int
) -> np.ndarray:  # fmt: skip
    """How much oftener gaps call at each port than thought, by port and by length of the gap.

    Ships seen at a port over ships expected there in the scenes of it, as a product of one factor for each port and one
    for each length, each drawn towards 1.

    Parameters
    ----------
    routes : Excursions
        Before looking, n calls.
    exposure : Exposure
    pairs : DataFrame of m rows
        `gap`, `port`, `p_at_port`, `p_at_port_prior`, `p`.
    duration_h : ndarray of float64, shape (gaps,)
    number_of_ports : int

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    at = np.flatnonzero(pairs["port"].to_numpy() >= 0)
    gap, port = (pairs[name].to_numpy()[at] for name in ("gap", "port"))
    p, share = np.minimum(pairs["p"].to_numpy()[at], _SURE), pairs["p_at_port"].to_numpy()[at]
    before = pairs["p_at_port_prior"].to_numpy()[at] / routes.weight[routes.find(gap, port)]
    length = np.searchsorted(_LONG_H, duration_h)
    expected = routes.weight[exposure.call] * exposure.chance
    call_port, call_length = routes.port[exposure.call], length[routes.gap[exposure.call]]
    by_port, by_length = np.ones(number_of_ports), np.ones(len(_LONG_H) + 1)
    seen = p * share
    for _ in range(_SWEEPS):
        usual = np.bincount(call_port, expected * by_length[call_length], minlength=number_of_ports)
        by_port = (_CALL_PRIOR + np.bincount(port, seen, minlength=number_of_ports)) / (_CALL_PRIOR + usual)
        usual = np.bincount(call_length, expected * by_port[call_port], minlength=len(by_length))
        by_length = (_CALL_PRIOR + np.bincount(length[gap], seen, minlength=len(by_length))) / (_CALL_PRIOR + usual)
        # What the sightings would say by these factors, each for itself; the joint problem is solved in rounds.
        ratio = by_port[port] * by_length[length[gap]] / before
        grown = 1.0 + share * (ratio - 1.0)
        seen = p * share * ratio / (1.0 + p * (grown - 1.0))
    return by_port[routes.port] * by_length[length[routes.gap]]
