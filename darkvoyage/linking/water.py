"""How much of what a ship could reach in a gap is water.

The reach of a gap is an ellipse around both ends, or a disc without an end; it is asked at a sunflower of points, which
lie evenly. Berths and quays lie on land by a coastline of a kilometre, so that sightings are never held against it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.bridges import local_offset
from darkvoyage.kernels.sphere import destination, great_circle_nm
from darkvoyage.linking.pace import reach_speed_kn
from darkvoyage.rules.linking import LinkRule
from darkvoyage.sea.coast import on_land

__all__ = ["water_share"]

_POINTS = 16
"""Of a gap; the share is good to about 0.08."""
_LEAST_SHARE = 0.1
_HALF_ROUND_NM = 10_800.0
_BLOCK = 1 << 17
_GOLDEN = np.pi * (3 - np.sqrt(5))


def water_share(gaps: pd.DataFrame, rule: LinkRule) -> np.ndarray:
    """Share of water in the reach of each gap, shape (n,); 1 where it has no start.

    Parameters
    ----------
    gaps : GAPS table of n rows
    rule : LinkRule
    """
    ends = [gaps[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")]
    total = gaps["duration_h"].to_numpy()
    apart = great_circle_nm(*ends)
    closed = np.isfinite(apart)
    speed = reach_speed_kn(gaps, rule)
    half = np.minimum(np.where(closed, speed * total / 2, speed * total) + rule.slack_nm, _HALF_ROUND_NM)
    minor = np.sqrt(np.maximum(half**2 - np.where(closed, apart / 2, 0.0) ** 2, 0.0))
    end_x, end_y = (np.nan_to_num(part) for part in local_offset(*ends))
    turn = np.arctan2(end_y, end_x)
    known = np.flatnonzero(np.isfinite(ends[0] + ends[1] + half))
    radius, angle = np.sqrt((np.arange(_POINTS) + 0.5) / _POINTS), np.arange(_POINTS) * _GOLDEN
    share = np.ones(len(gaps))
    for low in range(0, len(known), _BLOCK):
        row = known[low : low + _BLOCK, None]
        along, across = half[row] * radius * np.cos(angle), minor[row] * radius * np.sin(angle)
        x = end_x[row] / 2 + along * np.cos(turn[row]) - across * np.sin(turn[row])
        y = end_y[row] / 2 + along * np.sin(turn[row]) + across * np.cos(turn[row])
        lat, lon = destination(ends[0][row], ends[1][row], np.degrees(np.arctan2(x, y)), np.hypot(x, y))
        dry = on_land(lat.ravel(), lon.ravel()).reshape(lat.shape)
        share[row[:, 0]] = np.maximum(1.0 - dry.mean(axis=1), _LEAST_SHARE)
    return share
