"""Images of berths while a real port call is hidden: the ship went there and came back, and nothing of it was heard.

What a bridge between the ends of a silence is wrong about. Every hidden call gets one image, at some time of the stay
and with the ship somewhere in it; all other ships of the feed broadcast as they did, but for those that never do.

Limits: the ships were not hiding, and their calls are those of open trade; hulls that report rarely at the time of an
image are not in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.hiding import Tracks, cleaned
from darkvoyage.kernels.spans import search_groups
from darkvoyage.kernels.sphere import destination
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import PORTS, VESSELS
from darkvoyage.schema.times import time_us
from darkvoyage.scoring.evaluation.camera import Camera, Scenery, photograph
from darkvoyage.scoring.evaluation.hidden_calls import HiddenCalls
from darkvoyage.scoring.evaluation.masked_scenes import MaskedScenes, camera_of
from darkvoyage.scoring.evaluation.scene_views import made_ships, ships_in_view, shown_ships

__all__ = ["photograph_calls"]

_REST_H = 3.0
"""Ships at berth report every three minutes, and are heard less often; they do not move meanwhile [h]."""


def photograph_calls(
    hidden: HiddenCalls, fixes: Any, ports: Any, *, seed: int = 0, sensor: str = "sar", half_side_nm: float = 10.0,
    unknown_share: float = 0.15, length_m: float = 110.0, length_log_sd: float = 0.5, camera: Camera | None = None,
) -> MaskedScenes:  # fmt: skip
    """Take an image of every hidden call.

    Parameters
    ----------
    hidden : HiddenCalls
        Of `mask_calls`.
    fixes : FIXES table
        The feed with nothing hidden.
    ports : PORTS table
        What the linker is told.
    seed : int
    sensor : {"sar", "optical"}
    half_side_nm : float
        Half the side of a footprint [nm].
    unknown_share : float
        Share of the ships without a hidden call that never broadcast.
    length_m, length_log_sd : float
        Log-normal length of ships whose reports have none: median [m] and log standard deviation.
    camera : Camera, optional
        None: that of the seed, as in `mask_scenes`.

    Returns
    -------
    MaskedScenes
        `ships` are those whose calls are hidden, each in the image of its call; calls during which the ship was not
        heard have none.
    """
    rng = np.random.default_rng(seed)
    table = cleaned(fixes)
    tracks = Tracks.of(table)
    calls = hidden.truth[hidden.truth["kind"] == "dark_call"].reset_index(drop=True)
    ships = made_ships(table, 0.0, length_m, length_log_sd, rng)
    others = ~ships["mmsi"].isin(hidden.truth["mmsi"]).to_numpy()
    ships["unknown"] = others & (rng.random(len(ships)) < unknown_share)
    calls, scenery = _scenery(table, tracks, calls, half_side_nm, sensor, rng)
    views = ships_in_view(table, tracks, scenery, ships, rest_h=_REST_H)
    seen, truth = photograph(views, scenery, rng, camera=camera or camera_of(seed))
    known = ships.loc[~ships["unknown"], ["mmsi", "length_m"]]
    left = hidden.fixes[hidden.fixes["mmsi"].isin(known["mmsi"])].reset_index(drop=True)
    scenes = scenery.table()
    shown = shown_ships(views, scenes, seen, truth)
    callers = pd.DataFrame({"scene_id": scenes["scene_id"], "mmsi": calls["mmsi"].astype("int64")})
    return MaskedScenes(
        left, seen, scenes, finish(known, VESSELS, optional=True), truth, shown.merge(callers, on=["scene_id", "mmsi"]),
        conform(ports, PORTS), hidden.min_gap_h,
    )  # fmt: skip


def _scenery(
    table: pd.DataFrame, tracks: Tracks, calls: pd.DataFrame, half_side_nm: float, sensor: str, rng: np.random.Generator
) -> tuple[pd.DataFrame, Scenery]:
    """Calls of ships heard in port, and an image of each during the stay, the ship not always in the middle."""
    arrive, depart = time_us(calls["arrive"]), time_us(calls["depart"])
    moment = arrive + np.round(rng.uniform(0.1, 0.9, len(calls)) * (depart - arrive)).astype("int64")
    mmsi = table["mmsi"].to_numpy()[tracks.row]
    at = _last_fix(mmsi, tracks, calls["mmsi"].to_numpy("int64"), moment)
    heard = tracks.time[at] >= arrive
    calls, moment, row = calls[heard].reset_index(drop=True), moment[heard], tracks.row[at[heard]]
    lat, lon = (table[name].to_numpy()[row] for name in ("lat", "lon"))
    off = rng.uniform(0, 360, len(row)), rng.uniform(0, half_side_nm / 2, len(row))
    lat, lon = destination(lat, lon, *off)
    order = np.argsort(moment, kind="stable")
    scenery = Scenery(
        time=moment[order], lat=lat[order], lon=lon[order], half_side_nm=half_side_nm, sensor=sensor
    )  # fmt: skip
    return calls.iloc[order].reset_index(drop=True), scenery


def _last_fix(mmsi: np.ndarray, tracks: Tracks, ship: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Index of each ship's last fix at or before a moment, on any of its tracks; the first of all without one."""
    order = np.lexsort((tracks.time, mmsi))
    at = search_groups(mmsi[order], tracks.time[order], ship, moment, side="right") - 1
    return order[np.maximum(at, 0)]
