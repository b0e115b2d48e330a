"""Scenes of a port without the gap's ship in it: evidence too."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.places import Excursions
from darkvoyage.linking.views import calls_in_view
from darkvoyage.rules.linking import LinkRule

__all__ = ["absences"]


def absences(
    gaps: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame, routes: Excursions, pairs: pd.DataFrame,
    sightings: pd.DataFrame, rule: LinkRule,
) -> pd.DataFrame:  # fmt: skip
    """List the scenes of sensitive ports taken in a gap that show no ship which could be the gap's.

    Parameters
    ----------
    gaps, scenes, ports : DataFrame
        Their tables.
    routes : Excursions
    pairs : DataFrame
        The candidates that are left: `gap`, `sighting`, `port`.
    sightings : SIGHTINGS table
    rule : LinkRule

    Returns
    -------
    DataFrame
        `gap_id`, `scene_id`, `port_id`, `llr_absence`.
    """
    row, look, seen = calls_in_view(gaps, scenes, ports, routes, ports["sensitive"].to_numpy(dtype=bool), rule)
    gap = routes.gap[row]
    keep = (seen > 0.01) & ~_matched(gap, routes.port[row], look, gaps, ports, scenes, pairs, sightings, rule)
    return pd.DataFrame(
        {
            "gap_id": gaps["gap_id"].to_numpy(dtype=object)[gap[keep]],
            "scene_id": scenes["scene_id"].to_numpy(dtype=object)[look[keep]],
            "port_id": ports["port_id"].to_numpy(dtype=object)[routes.port[row[keep]]],
            "llr_absence": np.log1p(-seen[keep]),
        }
    )


def _matched(
    gap: np.ndarray, port: np.ndarray, look: np.ndarray, gaps: pd.DataFrame, ports: pd.DataFrame,
    scenes: pd.DataFrame, pairs: pd.DataFrame, sightings: pd.DataFrame, rule: LinkRule,
) -> np.ndarray:  # fmt: skip
    """Whether a scene has a sighting near the port that stays a candidate for the gap."""
    if "scene_id" not in sightings or len(pairs) == 0:
        return np.zeros(len(gap), dtype=bool)
    known = pd.Index(scenes["scene_id"])
    seen_in = known.get_indexer(pd.Index(sightings["scene_id"].to_numpy(dtype=object)[pairs["sighting"]]))
    at_port = pairs["port"].to_numpy()
    usable = (seen_in >= 0) & (at_port >= 0)
    width, height = len(scenes) + 1, len(ports) + 1
    key = (pairs["gap"].to_numpy()[usable] * height + at_port[usable]) * width + seen_in[usable]
    return np.isin((gap * height + port) * width + look, key)
