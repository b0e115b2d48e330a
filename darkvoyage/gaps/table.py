"""The GAPS table from what was found: distances, speeds, ages, ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.columns import NEVER, Columns, Vocabulary, is_null
from darkvoyage.gaps.finder import MOMENTARY, RECEIVERS
from darkvoyage.kernels.mixing import splitmix
from darkvoyage.kernels.sphere import geodesic_m
from darkvoyage.schema.conform import empty, finish
from darkvoyage.schema.tables import GAPS
from darkvoyage.schema.times import utc_times
from darkvoyage.units import M_PER_NM, US_PER_H

__all__ = ["gap_ids", "gap_table"]

_STATIC = ("ais_class", "ship_type", "length_m", "imo")


def gap_table(gaps: Columns, track_id: pd.Series, vocabulary: Vocabulary, moment: int | None = None) -> pd.DataFrame:
    """Lay out gaps as the table GAPS.

    Parameters
    ----------
    gaps : dict of ndarray, shape (n,)
        As `GapFinder` hands them out, with `mmsi`; `end` is `NEVER` for open ones.
    track_id : Series of text, shape (n,)
    vocabulary : Vocabulary
        Of the texts.
    moment : int, optional
        Until when open gaps are measured [us].

    Returns
    -------
    GAPS table
    """
    if len(gaps["track"]) == 0:
        return empty(GAPS)
    start, end = gaps["start"], gaps["end"]
    closed = end != NEVER
    until = np.where(closed, end, 0 if moment is None else moment)
    duration = (until - start) / US_PER_H
    unknown = np.full(len(start), np.nan)
    lat1, lon1, lat2, lon2 = (
        gaps.get(f"{side}_{name}", unknown) for side in ("start", "end") for name in ("lat", "lon")
    )
    distance = geodesic_m(lat1, lon1, lat2, lon2) / M_PER_NM
    columns: dict[str, Any] = {
        "gap_id": gap_ids(gaps["mmsi"], start, lat1, lon1),
        "track_id": track_id,
        "mmsi": gaps["mmsi"],
        "gap_start": utc_times(start),
        "gap_end": utc_times(until, closed),
        "is_closed": closed,
        "duration_h": duration,
        "distance_nm": distance,
        "implied_speed_kn": distance / duration,
        "fixes_after_12h": gaps["after"],
        "fixes_before_12h": gaps["before"],
    }
    columns |= {f"fixes_before_12h_{short}": gaps[f"before_{short}"] for short in RECEIVERS}
    for side in ("start", "end"):
        columns |= {f"{side}_{name}": gaps[f"{side}_{name}"] for name in MOMENTARY if f"{side}_{name}" in gaps}
        for name in ("draught_m", "destination"):
            if f"{side}_{name}" in gaps:
                columns[f"{side}_{name}"] = _values(name, gaps[f"{side}_{name}"], vocabulary)
    for side, sign, edge in (("start", 1, start), ("end", -1, end)):
        received = gaps.get(f"{side}_draught_m_received")
        if received is not None:
            known = received != NEVER
            age = sign * (edge - np.where(known, received, edge)) / US_PER_H
            columns[f"{side}_draught_age_h"] = np.where(known, age, np.nan)
    for name in _STATIC:
        if f"start_{name}" in gaps:
            before = gaps[f"start_{name}"]
            after = gaps.get(f"end_{name}", before)
            columns[name] = _values(name, np.where(is_null(name, before), after, before), vocabulary)
    return finish(columns, GAPS)


def _values(name: str, values: np.ndarray, vocabulary: Vocabulary) -> Any:
    return vocabulary.decode(values) if name in ("ais_class", "destination") else values


def gap_ids(mmsi: np.ndarray, start_us: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> pd.Series:
    """Stable ids from MMSI, start time and start position: 32 hex digits, the same on every run and machine.

    Positions enter as integers of 1e-5 degree (about 1 m), so that no float formatting can change an id. The mixing
    function is splitmix64 (Steele, Lea, Flood 2014).
    """
    words = [
        np.asarray(mmsi, dtype="int64"),
        np.asarray(start_us, dtype="int64"),
        _degrees_to_int(lat),
        _degrees_to_int(lon),
    ]
    lanes = []
    for seed in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03):
        state = np.full(len(words[0]), seed, dtype="uint64")
        for word in words:
            state = splitmix(state ^ word.view("uint64"))
        lanes.append(state)
    raw = np.stack(lanes, axis=1).astype(">u8").tobytes().hex()
    return pd.Series(np.frombuffer(raw.encode("ascii"), dtype="S32").astype("U32"), dtype="str")


def _degrees_to_int(degrees: np.ndarray) -> np.ndarray:
    known = np.isfinite(degrees)
    return np.where(known, np.round(np.where(known, degrees, 0.0) * 1e5), 99_999_999.0).astype("int64")
