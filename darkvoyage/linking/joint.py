"""One problem per scene: each ship at most one sighting, each sighting at most one ship; scenes of one gap in a row.

A sighting that may be two ships side by side may be two of the candidates. A ship may be missed and a sighting may be
nobody we know. Within a scene the marginals are those of all matchings. What a gap's other scenes say enters as a
message: of two sightings too far apart for the time between, not both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.assign import components
from darkvoyage.kernels.chains import chain_marginals
from darkvoyage.kernels.shared import SharedMarginals, shared_marginals
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
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
    node = _codes(ship, scene)
    chains = _Chains.of(chain, scene, sighting, llr, sightings)
    options: dict[str, Any] = {"exact_side": rule.exact_side, "tolerance": rule.tolerance, "rounds": rule.rounds}
    found = shared_marginals(node, sighting, llr, both, **options)
    label, told = components(node, sighting), np.zeros(len(llr))
    for _ in range(_ROUNDS if len(chains.pair) else 0):
        message = chains.messages(found.p, node, told, rule)
        # Scenes that hear nothing new keep what they have.
        again = np.flatnonzero(np.isin(label, label[np.abs(message - told) > rule.tolerance]))
        told = message
        said = (values[again] + told[again] for values in (llr, both))
        found = found.renewed(again, shared_marginals(node[again], sighting[again], *said, **options))
    return found


def _codes(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for each pair of numbers, without holes."""
    if len(first) == 0:
        return np.empty(0, dtype="int64")
    return np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1].astype("int64")


@dataclass(frozen=True)
class _Chains:
    """Pairs of gaps with several scenes, in the order of time; row and place of each in the table of its chain."""

    pair: np.ndarray
    row: np.ndarray
    place: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    hour: np.ndarray
    scene: np.ndarray

    @classmethod
    def of(
        cls, chain: np.ndarray, scene: np.ndarray, sighting: np.ndarray, llr: np.ndarray, sightings: pd.DataFrame
    ) -> _Chains:
        pair = _likeliest(chain, scene, llr)
        at = time_us(sightings["timestamp"])[sighting[pair]]
        order = np.lexsort((sighting[pair], at, chain[pair]))
        pair, hour = pair[order], at[order] / US_PER_H
        start = group_starts(chain[pair])
        count = np.diff(np.append(start, len(pair)))
        lat, lon = (sightings[name].to_numpy()[sighting[pair]] for name in ("lat", "lon"))
        row, first = (np.repeat(numbers, count) for numbers in (np.arange(len(start)), start))
        return cls(pair, row, np.arange(len(pair)) - first, lat, lon, hour, scene[pair])

    def messages(self, p: np.ndarray, node: np.ndarray, told: np.ndarray, rule: LinkRule) -> np.ndarray:
        """What the other scenes of its gap add to the log ratio of each pair, shape (n,)."""
        missed = np.clip(1.0 - np.bincount(node, p), _CERTAIN, 1.0)[node]
        # The chain is not told what it has said itself.
        heard = np.log(np.maximum(p, _CERTAIN) / missed) - told
        out = np.zeros(len(p))
        for low in range(0, int(self.row.max(initial=-1)) + 1, _CHAINS):
            some = slice(*np.searchsorted(self.row, (low, low + _CHAINS)))
            pair, at = self.pair[some], (self.row[some] - low, self.place[some])
            odds = np.zeros(np.max(at, axis=1) + 1)
            odds[at] = np.exp(heard[pair])
            q = chain_marginals(odds, self._steps(some, at, odds.shape, rule))[at]
            local = np.unique(node[pair], return_inverse=True)[1]
            none = np.clip(1.0 - np.bincount(local, q), _CERTAIN, 1.0)[local]
            out[pair] = np.log(np.maximum(q, _CERTAIN) / none) - heard[pair]
        return out

    def _steps(
        self, some: slice, at: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], rule: LinkRule
    ) -> np.ndarray:
        """Whether a ship could be one sighting and then the other: in another scene, and no further than it can go."""
        dense = []
        for values in (self.lat, self.lon, self.hour, self.scene):
            table = np.full(shape, np.nan)
            table[at] = values[some]
            dense.append((table[:, :, None], table[:, None, :]))
        (lat, next_lat), (lon, next_lon), (hour, next_hour), (scene, next_scene) = dense
        reach = rule.max_speed_kn * (next_hour - hour) + rule.slack_nm
        return ((great_circle_nm(lat, lon, next_lat, next_lon) <= reach) & (scene != next_scene)).astype("float64")


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
