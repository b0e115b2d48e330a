"""Ships nobody told us about, and false alarms: how many there are at each place."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.linking.places import near_ports
from darkvoyage.linking.position import port_spread_nm
from darkvoyage.rules.linking import LinkRule

__all__ = ["unknown_density"]

_OPEN_SEA = 0.01
"""Unknown ships per area away from ports, as a share of that at a port (2e-5 against 1e-2 per km2 and in between)."""
_LEAST_ODDS = 0.02
"""No detection is beyond doubt, nor beyond belief."""


def unknown_density(sightings: pd.DataFrame, ports: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Density of unknown ships and false alarms at each sighting before looking [1/nm2], shape (n,).

    High at ports, low at sea. False alarms count more where the detector was less confident: by the odds against a ship
    of its `confidence`, which is taken for the chance of a real one.

    Parameters
    ----------
    sightings : SIGHTINGS table of n rows
    ports : PORTS table
    rule : LinkRule
    """
    spread = 2 * port_spread_nm(ports, rule)
    point, port, distance = near_ports(sightings["lat"].to_numpy(), sightings["lon"].to_numpy(), ports, spread)
    nearness = np.zeros(len(sightings))
    np.maximum.at(nearness, point, np.exp(-0.5 * (distance / spread[port]) ** 2))
    ships = rule.background_per_nm2 * (_OPEN_SEA + (1 - _OPEN_SEA) * nearness)
    return ships + rule.false_alarm_per_nm2 * _against(sightings)


def _against(sightings: pd.DataFrame) -> np.ndarray:
    """Odds against a real ship over those of the usual sighting, 1 where the detector says nothing."""
    if "confidence" not in sightings:
        return np.ones(len(sightings))
    p = sightings["confidence"].to_numpy(dtype="float64")
    odds = np.clip((1 - p) / np.maximum(p, 1e-9), _LEAST_ODDS, 1 / _LEAST_ODDS)
    usual = np.nanmedian(odds) if np.isfinite(odds).any() else 1.0
    return np.where(np.isfinite(odds), odds / usual, 1.0)
