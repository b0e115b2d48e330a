"""One problem per scene: each ship at most one sighting, each sighting at most one ship; scenes of one gap in a row.

A sighting that may be two ships side by side may be two of the candidates. A ship may be missed and a sighting may be
nobody we know. Within a scene the marginals are those of all matchings. What a gap's other scenes say enters as a
message: of two sightings too far apart for the time between, not both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from darkvoyage.kernels.assign import components
from darkvoyage.kernels.chains import chain_marginals
from darkvoyage.kernels.planes import chord2_of
from darkvoyage.kernels.prisms import unit_vectors
from darkvoyage.kernels.shared import SharedMarginals, shared_marginals
from darkvoyage.kernels.spans import group_ends, group_starts, in_parts
from darkvoyage.kernels.workers import in_threads
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["joint_posterior", "scene_codes"]

_ROUNDS = 2
"""Times that scenes and chains tell each other."""
_CHAIN = 24
"""Sightings of a gap that are chained, the likeliest ones."""
_CHAINS = 2_000
"""Gaps chained at a time."""
_PAIRS = 1 << 16
"""Pairs solved at a time: what is told stays in the cache."""
_CERTAIN = 1e-9
"""Probabilities nearer to 0 or 1 tell a chain no more than this: differences from 1 are exact to 1e-16."""


def scene_codes(sightings: pd.DataFrame) -> np.ndarray:
    """Number of each sighting's scene, shape (n,); one without a scene is a scene of its own."""
    own = np.arange(len(sightings), dtype="int64")
    if "scene_id" not in sightings:
        return own
    code = pd.factorize(sightings["scene_id"])[0].astype("int64")
    return np.where(code >= 0, code, len(sightings) + own)


def joint_posterior(
    ship: np.ndarray, sighting: np.ndarray, llr: np.ndarray, both: np.ndarray, chain: np.ndarray,
    sightings: pd.DataFrame, rule: LinkRule,
) -> SharedMarginals:  # fmt: skip
    """Probability of each pair of a ship and a sighting.

    Parameters
    ----------
    ship : ndarray of int64, shape (n,)
        One number for each ship, silent or broadcasting.
    sighting : ndarray of int64, shape (n,)
        Row of `sightings`.
    llr : ndarray of float64, shape (n,)
        Log ratio of the pair against a ship that was missed and a sighting of nobody we know [nats].
    both : ndarray of float64, shape (n,)
        What each of two ships adds where the sighting is both of them [nats]; -inf where it is one ship.
    chain : ndarray of int64, shape (n,)
        Gap whose scenes are taken together, -1 for none.
    sightings : SIGHTINGS table
    rule : LinkRule

    Returns
    -------
    SharedMarginals
        Of the pairs.
    """
    scene = scene_codes(sightings)[sighting]
    node = _codes(scene, ship)
    chains = _Chains.of(chain, scene, sighting, llr, sightings)
    problems = _problems(scene, node, sighting)
    found = list(in_threads(lambda problem: problem.solved(llr, both, rule), problems))
    told = np.zeros(len(llr))
    for _ in range(_ROUNDS if len(chains.pair) else 0):
        message = chains.messages(_gathered(problems, found, len(llr)).p, node, told, rule)
        moved, told = np.abs(message - told) > rule.tolerance, message
        again = partial(_renewed, moved=moved, llr=llr + told, both=both + told, rule=rule)
        found = list(in_threads(again, zip(problems, found, strict=True)))
    return _gathered(problems, found, len(llr))


@dataclass(frozen=True)
class _Problem:
    """Some whole scenes: rows of their pairs, items of these counted from 0, and their components."""

    rows: np.ndarray
    left: np.ndarray
    right: np.ndarray
    label: np.ndarray

    def solved(
        self, llr: np.ndarray, both: np.ndarray, rule: LinkRule, some: np.ndarray | None = None
    ) -> SharedMarginals:
        """Marginals of the problem, or of some of its pairs; log weights are of all pairs of all problems."""
        some = np.arange(len(self.rows)) if some is None else some
        rows = self.rows[some]
        return shared_marginals(
            self.left[some], self.right[some], llr[rows], both[rows],
            exact_side=rule.exact_side, tolerance=rule.tolerance, rounds=rule.rounds,
        )  # fmt: skip


def _renewed(
    before: tuple[_Problem, SharedMarginals], *, moved: np.ndarray, llr: np.ndarray, both: np.ndarray, rule: LinkRule
) -> SharedMarginals:
    """Marginals of a problem as before where no pair of the component has heard anything new."""
    problem, found = before
    again = np.flatnonzero(np.isin(problem.label, problem.label[moved[problem.rows]]))
    return found.renewed(again, problem.solved(llr, both, rule, again)) if len(again) else found


def _problems(scene: np.ndarray, node: np.ndarray, sighting: np.ndarray) -> list[_Problem]:
    """All pairs as problems of a bounded number of pairs, or of one scene."""
    order = np.argsort(scene, kind="stable")
    start = group_starts(scene[order])
    end = group_ends(start, len(order))
    problems = []
    for part in in_parts(end - start, _PAIRS):
        rows = order[start[part][0] : end[part][-1]]
        left = node[rows] - node[rows].min()
        right = np.unique(sighting[rows], return_inverse=True)[1]
        problems.append(_Problem(rows, left, right, components(left, right)))
    return problems


def _gathered(problems: list[_Problem], found: list[SharedMarginals], number: int) -> SharedMarginals:
    """All marginals in the order of the pairs."""
    none = np.empty(0, dtype="int64")
    p, together, converged = np.zeros(number), np.zeros(number), np.ones(number, dtype=bool)
    couples = [(none, none, np.empty(0))]
    for problem, part in zip(problems, found, strict=True):
        p[problem.rows], together[problem.rows], converged[problem.rows] = part.p, part.together, part.converged
        couples.append((problem.rows[part.one], problem.rows[part.other], part.p_couple))
    return SharedMarginals(p, together, converged, *(np.concatenate(parts) for parts in zip(*couples, strict=True)))


def _codes(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for each pair of numbers, without holes."""
    if len(first) == 0:
        return np.empty(0, dtype="int64")
    return np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1].astype("int64")


@dataclass(frozen=True)
class _Chains:
    """Pairs of gaps with several scenes, in the order of time; row and place of each in the table of its chain.

    Chains of equal length are beside each other.
    """

    pair: np.ndarray
    row: np.ndarray
    place: np.ndarray
    where: np.ndarray
    hour: np.ndarray
    scene: np.ndarray

    @classmethod
    def of(
        cls, chain: np.ndarray, scene: np.ndarray, sighting: np.ndarray, llr: np.ndarray, sightings: pd.DataFrame
    ) -> _Chains:
        pair = _likeliest(chain, scene, llr)
        _, code, count = np.unique(chain[pair], return_inverse=True, return_counts=True)
        row = np.empty(len(count), dtype="int64")
        row[np.argsort(count, kind="stable")] = np.arange(len(count))
        row, at = row[code], time_us(sightings["timestamp"])[sighting[pair]]
        order = np.lexsort((sighting[pair], at, row))
        pair, row, hour = pair[order], row[order], at[order] / US_PER_H
        place = np.arange(len(row)) - group_starts(row)[row]
        where = unit_vectors(*(sightings[name].to_numpy()[sighting[pair]] for name in ("lat", "lon")))
        return cls(pair, row, place, where, hour, scene[pair])

    def messages(self, p: np.ndarray, node: np.ndarray, told: np.ndarray, rule: LinkRule) -> np.ndarray:
        """What the other scenes of its gap add to the log ratio of each pair, shape (n,)."""
        missed = np.clip(1.0 - np.bincount(node, p), _CERTAIN, 1.0)[node]
        # The chain is not told what it has said itself.
        heard = np.log(np.maximum(p, _CERTAIN) / missed) - told
        blocks = range(0, int(self.row.max(initial=-1)) + 1, _CHAINS)
        out = np.zeros(len(p))
        for pair, said in in_threads(partial(self._said, heard, node, rule), blocks):
            out[pair] = said
        return out

    def _said(self, heard: np.ndarray, node: np.ndarray, rule: LinkRule, low: int) -> tuple[np.ndarray, np.ndarray]:
        """Messages of a block of chains: pairs and what is added."""
        some = slice(*np.searchsorted(self.row, (low, low + _CHAINS)))
        pair, at = self.pair[some], (self.row[some] - low, self.place[some])
        odds = np.zeros(np.max(at, axis=1) + 1)
        odds[at] = np.exp(heard[pair])
        q = chain_marginals(odds, self._steps(some, at, odds.shape, rule))[at]
        local = np.unique(node[pair], return_inverse=True)[1]
        none = np.clip(1.0 - np.bincount(local, q), _CERTAIN, 1.0)[local]
        return pair, np.log(np.maximum(q, _CERTAIN) / none) - heard[pair]

    def _steps(
        self, some: slice, at: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], rule: LinkRule
    ) -> np.ndarray:
        """Whether a ship could be one sighting and then the other: in another scene, and no further than it can go."""
        dense = []
        for values in (*self.where[some].T, self.hour[some], self.scene[some]):
            table = np.full(shape, np.nan)
            table[at] = values
            dense.append((table[:, :, None], table[:, None, :]))
        *axes, (hour, next_hour), (scene, next_scene) = dense
        chord2 = sum((one - other) ** 2 for one, other in axes)
        reach = chord2_of(rule.max_speed_kn * (next_hour - hour) + rule.slack_nm)
        return ((chord2 <= reach) & (scene != next_scene)).astype("float64")


def _likeliest(chain: np.ndarray, scene: np.ndarray, llr: np.ndarray) -> np.ndarray:
    """The pairs of gaps with more than one scene, at most `_CHAIN` of each gap."""
    pair = np.flatnonzero(chain >= 0)
    order = pair[np.lexsort((-llr[pair], chain[pair]))]
    start = group_starts(chain[order])
    count = np.diff(np.append(start, len(order)))
    order = order[np.arange(len(order)) - np.repeat(start, count) < _CHAIN]
    if len(order) == 0:
        return order
    gap = np.unique(chain[order], return_inverse=True)[1]
    low, high = np.full(gap.max() + 1, np.iinfo("int64").max), np.full(gap.max() + 1, -1)
    np.minimum.at(low, gap, scene[order])
    np.maximum.at(high, gap, scene[order])
    return order[(low < high)[gap]]
