"""The likelihood of a sighting under each gap: where the ship may have been, and what the sighting shows of it.

Most of it does not change while priors are learned. It is worked out once for a block of pairs, and weighed as often as
calls, or the lengths of ships that nobody knows, are thought of anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.linking.observation import Appearances, Shown
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.position import Densities, Positions
from darkvoyage.linking.views import InView, Views

__all__ = ["Evidence", "Likelihood"]

_AT_PORT = ("port", "p_at_port", "p_at_port_prior")


@dataclass(frozen=True)
class Evidence:
    """What does not change of n pairs.

    Parameters
    ----------
    gap, sighting : ndarray of int64, shape (n,)
    densities : Densities
    shown : Shown
    in_view : InView
    background_per_nm2 : ndarray of float64, shape (n,)
    """

    gap: np.ndarray
    sighting: np.ndarray
    densities: Densities
    shown: Shown
    in_view: InView
    background_per_nm2: np.ndarray

    def weighed(self, routes: Excursions, unknown: tuple[float, float]) -> pd.DataFrame:
        """Log-likelihood ratios of the pairs, and the share of each that is a call at a port.

        Parameters
        ----------
        routes : Excursions
        unknown : tuple of float
            Log-normal length of unknown ships: median [m] and log spread.

        Returns
        -------
        DataFrame of n rows
            `gap`, `sighting`; `llr_position` and the terms of `Shown.llr`, their sum `llr_total`; `llr_joint`, with the
            chance of being missed; `port`, `p_at_port`, `p_at_port_prior` of `Densities.mixed`.
        """
        position = self.densities.mixed(routes)
        position_llr = np.log(position["density"].to_numpy() / self.background_per_nm2)
        shown = self.shown.llr(position["benign"].to_numpy(), unknown)
        total = position_llr + sum(shown.values())
        return pd.DataFrame(
            {
                "gap": self.gap,
                "sighting": self.sighting,
                "llr_position": position_llr,
                **shown,
                "llr_total": total,
                "llr_joint": total + self.in_view.ratio(self.in_view.inside(routes)),
                **{name: position[name] for name in _AT_PORT},
            }
        )


@dataclass(frozen=True)
class Likelihood:
    """What the evidence of pairs is worked out from, made once.

    Parameters
    ----------
    positions : Positions
    appearances : Appearances
    views : Views
    background_per_nm2 : ndarray of float64, shape (sightings,)
    """

    positions: Positions
    appearances: Appearances
    views: Views
    background_per_nm2: np.ndarray

    def evidence(self, pairs: pd.DataFrame) -> Evidence:
        """Work out all that does not change.

        Parameters
        ----------
        pairs : DataFrame of n rows
            Of `candidates`.

        Returns
        -------
        Evidence
        """
        densities = self.positions.densities(pairs)
        east, north = densities.velocity_east_kn, densities.velocity_north_kn
        course, speed = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
        sighting = pairs["sighting"].to_numpy()
        return Evidence(
            gap=pairs["gap"].to_numpy(),
            sighting=sighting,
            densities=densities,
            shown=self.appearances.shown(pairs, course, speed, densities.course_spread_deg),
            in_view=self.views.in_view(pairs),
            background_per_nm2=self.background_per_nm2[sighting],
        )
