"""What the sightings at hand say about ships nobody knows, and about where silent ships go."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.places import Excursions
from darkvoyage.rules.linking import LinkRule

__all__ = ["port_lift", "unknown_lengths"]

_LENGTH_PRIOR, _PORT_PRIOR = 20.0, 3.0
"""What the rule's own values count: ships of the usual lengths, and calls as the detour alone would have them."""


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


def port_lift(pairs: pd.DataFrame, p_link: np.ndarray, routes: Excursions, number: int, rule: LinkRule) -> np.ndarray:
    """How much oftener gaps call at each port than the detour alone says, over the gaps with a sighting there.

    Parameters
    ----------
    pairs : DataFrame of n rows
        `gap`, `port`, `p_at_port`.
    p_link : ndarray of float64, shape (n,)
    routes : Excursions
    number : int
        Ports.
    rule : LinkRule

    Returns
    -------
    ndarray of float64, shape (number,)
    """
    at = np.flatnonzero(pairs["port"].to_numpy() >= 0)
    table = pairs.iloc[at][["gap", "port"]].assign(p=p_link[at] * pairs["p_at_port"].to_numpy()[at])
    table = table.groupby(["gap", "port"], sort=True)["p"].sum().clip(upper=1.0).reset_index()
    row = routes.find(table["gap"].to_numpy(), table["port"].to_numpy())
    seen = np.bincount(table["port"], table["p"], minlength=max(number, 1))
    usual = np.bincount(table["port"], rule.share_excursion * routes.weight[row], minlength=max(number, 1))
    return (_PORT_PRIOR + seen) / (_PORT_PRIOR + usual)
