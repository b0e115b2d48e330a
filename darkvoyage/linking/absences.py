"""Scenes of a port without the gap's ship in it: evidence too."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.learning import Exposure
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.weighing import Case

__all__ = ["absences"]

_LEAST_CHANCE = 0.01
"""Scenes that would have shown the ship more rarely say nothing."""


def absences(case: Case, routes: Excursions, exposure: Exposure, pairs: pd.DataFrame) -> pd.DataFrame:
    """List the scenes of ports taken in a gap that show no ship which could be the gap's.

    Those of all ports that have `absence_share` of the gap's calls; of sensitive ones, which are asked about, however
    little they have. A row speaks of a call at its own port: that of one port never enters the evidence of another.

    Parameters
    ----------
    case : Case
    routes : Excursions
    exposure : Exposure
        Of all their calls.
    pairs : DataFrame
        The candidates that are left: `gap`, `sighting`, `port`.

    Returns
    -------
    DataFrame
        `gap_id`, `scene_id`, `port_id`, `llr_absence`.
    """
    likely = routes.weight >= case.rule.absence_share * routes.calling[routes.gap]
    asked = likely | case.ports["sensitive"].to_numpy(dtype=bool)[routes.port]
    some = asked[exposure.call] & (exposure.chance > _LEAST_CHANCE)
    row, look, seen = exposure.call[some], exposure.scene[some], exposure.chance[some]
    gap, port = routes.gap[row], routes.port[row]
    keep = ~_matched(case, gap, port, look, pairs)
    return pd.DataFrame(
        {
            "gap_id": _taken(case.gaps["gap_id"], gap[keep]),
            "scene_id": _taken(case.scenes["scene_id"], look[keep]),
            "port_id": _taken(case.ports["port_id"], port[keep]),
            "llr_absence": np.log1p(-seen[keep]),
        }
    )


def _taken(names: pd.Series, row: np.ndarray) -> pd.Series:
    return names.take(row).reset_index(drop=True)


def _matched(case: Case, gap: np.ndarray, port: np.ndarray, scene: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Whether a scene has a sighting near the port that stays a candidate for the gap."""
    seen_in, at_port = case.likelihood.views.scene[pairs["sighting"].to_numpy()], pairs["port"].to_numpy()
    usable = (seen_in >= 0) & (at_port >= 0)
    width, height = len(case.scenes) + 1, len(case.ports) + 1
    key = (pairs["gap"].to_numpy()[usable] * height + at_port[usable]) * width + seen_in[usable]
    return np.isin((gap * height + port) * width + scene, key)
