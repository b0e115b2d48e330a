"""What the sightings at hand say about ships nobody knows, and about where silent ships go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.linking.places import Excursions
from darkvoyage.rules.linking import LinkRule

__all__ = ["Exposure", "call_lift", "unknown_lengths"]

_LENGTH_PRIOR, _CALL_PRIOR = 20.0, 3.0
"""What the rule's own values count: ships of the usual lengths, and calls in view as before looking."""
_LONG_H = np.array([12.0, 24.0, 48.0, 96.0, 192.0])
"""Gaps are taken together by length between these [h]: a silence of days is a call oftener than one of hours."""
_SWEEPS = 10


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
    call : ndarray of int64, shape (n,)
        Row of the call in the excursions.
    chance : ndarray of float64, shape (n,)
        Of seeing the ship there in one scene, given the call.
    """

    call: np.ndarray
    chance: np.ndarray


def call_lift(
    routes: Excursions, exposure: Exposure, pairs: pd.DataFrame, p_link: np.ndarray, duration_h: np.ndarray,
    number_of_ports: int,
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
        `gap`, `port`, `p_at_port`.
    p_link : ndarray of float64, shape (m,)
    duration_h : ndarray of float64, shape (gaps,)
    number_of_ports : int

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    at = np.flatnonzero(pairs["port"].to_numpy() >= 0)
    gap, port = (pairs[name].to_numpy()[at] for name in ("gap", "port"))
    seen = p_link[at] * pairs["p_at_port"].to_numpy()[at]
    length = np.searchsorted(_LONG_H, duration_h)
    expected = routes.weight[exposure.call] * exposure.chance
    call_port, call_length = routes.port[exposure.call], length[routes.gap[exposure.call]]
    by_port, by_length = np.ones(number_of_ports), np.ones(len(_LONG_H) + 1)
    for _ in range(_SWEEPS):
        usual = np.bincount(call_port, expected * by_length[call_length], minlength=number_of_ports)
        by_port = (_CALL_PRIOR + np.bincount(port, seen, minlength=number_of_ports)) / (_CALL_PRIOR + usual)
        usual = np.bincount(call_length, expected * by_port[call_port], minlength=len(by_length))
        by_length = (_CALL_PRIOR + np.bincount(length[gap], seen, minlength=len(by_length))) / (_CALL_PRIOR + usual)
    return by_port[routes.port] * by_length[length[routes.gap]]
