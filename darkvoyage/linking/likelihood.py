"""The likelihood of a sighting under each gap: where the ship may have been, and what the sighting shows of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.azimuth import PositionErrors
from darkvoyage.linking.observation import observation_llr
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.position import Positions
from darkvoyage.rules.linking import LinkRule

__all__ = ["pair_evidence"]

_POSITION = ("benign", "excursion", "prism", "port", "p_at_port", "p_at_port_prior")


def pair_evidence(
    pairs: pd.DataFrame, gaps: pd.DataFrame, sightings: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
    errors: PositionErrors, background_per_nm2: np.ndarray, unknown: tuple[float, float],
    rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """Add the log-likelihood ratios of each pair, and the share of it that is a call at a port.

    Parameters
    ----------
    pairs : DataFrame of n rows
        Of `candidates`.
    gaps, sightings, ports : DataFrame
        Their tables.
    routes : Excursions
    errors : PositionErrors
        Of the sightings.
    background_per_nm2 : ndarray of float64, shape (sightings,)
    unknown : tuple of float
        Log-normal length of unknown ships: median [m] and log spread.
    rule : LinkRule

    Returns
    -------
    DataFrame of n rows
        The pairs with `llr_position` and the terms of `observation_llr`, their sum `llr_total`, and of
        `position_density` the shares and the port.
    """
    found = Positions.of(gaps, sightings, ports, routes, errors, rule).densities(pairs)
    going_on = {name: getattr(found, name) for name in ("velocity_east_kn", "velocity_north_kn", "course_spread_deg")}
    position = found.mixed(routes).assign(**going_on)
    shown = observation_llr(pairs, gaps, sightings, errors.imager, position, unknown)
    llr = np.log(position["density"].to_numpy() / background_per_nm2[pairs["sighting"].to_numpy()])
    columns = {name: position[name].to_numpy() for name in _POSITION}
    total = llr + shown.sum(axis=1).to_numpy()
    return pd.concat([pairs.assign(llr_position=llr, llr_total=total, **columns), shown], axis=1)
