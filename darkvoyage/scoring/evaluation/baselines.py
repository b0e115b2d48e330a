"""The simple rules that everything is shown beside: what a spreadsheet, a public rule or a weekend project would do.

Each returns a table of the same shape as the stage it stands beside, so that the same evaluation applies to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.cargo.volumes import barrels_per_tonne
from darkvoyage.kernels.nearby import near_any, near_cells
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import is_tanker
from darkvoyage.schema.conform import complete, conform, finish
from darkvoyage.schema.tables import CARGO, GAPS, PORT_CALLS, PORTS, SILENCES, TRANSFERS, VESSELS

__all__ = [
    "cargo_by_rule",
    "duration_rule",
    "gfw_rule",
    "nearest_port_by_slack",
    "pre_gap_count",
    "transfers_by_rule",
]

GFW_MIN_GAP_H, GFW_OFFSHORE_NM, GFW_SATELLITE_FIXES, GFW_PER_DAY = 12.0, 50.0, 14, 10.0
"""Welch et al. 2022 (Science Advances 8, eabq2109): a gap counts as disabling from 12 h on, if it starts more than
50 nm offshore, after at least 14 satellite positions in 12 h, where more than 10 positions a day are received."""
NEXT_NEAREST = 0.1
"""Weight of each further port beside the nearer one: enough to rank them, too little to matter."""
CARGO_SHARE = 0.9
_LEAST = 1e-6
_BLOCK = 2_000_000


def pre_gap_count(gaps: Any) -> pd.DataFrame:
    """Trust a silence the more, the more fixes were heard in the 12 h before it.

    Parameters
    ----------
    gaps : GAPS table

    Returns
    -------
    SILENCES table
        `p_off` = n / (n + 14): one half at the 14 positions that the rule of Global Fishing Watch asks for. The scale
        is made up; the order is the rule's.
    """
    table = complete(gaps, GAPS)
    count = table["fixes_before_12h"].to_numpy("float64", na_value=0.0)
    return _silences(table, count / (count + GFW_SATELLITE_FIXES), "pre_gap_count")


def duration_rule(gaps: Any) -> pd.DataFrame:
    """Trust a silence the more, the longer it is.

    Parameters
    ----------
    gaps : GAPS table

    Returns
    -------
    SILENCES table
        `p_off` = d / (d + 12): one half at the 12 h from which Global Fishing Watch counts.
    """
    table = complete(gaps, GAPS)
    duration = table["duration_h"].to_numpy()
    return _silences(table, duration / (duration + GFW_MIN_GAP_H), "duration")


def gfw_rule(gaps: Any, *, ports: Any, silences: Any = None) -> pd.DataFrame:
    """Call a silence deliberate by the published rule of Global Fishing Watch, as far as the tables tell.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
        Stands in for the coastline: 50 nm from the nearest port in place of 50 nm offshore, which lets through more.
    silences : SILENCES table, optional
        `expected_fixes` over the duration stands in for the receptions of the cell per day; without it that condition
        is left out.

    Returns
    -------
    SILENCES table
        `p_off` is 1 or 0. Feeds that do not say what receiver heard a fix are judged by all their fixes.
    """
    table, places = complete(gaps, GAPS), conform(ports, PORTS)
    count = table["fixes_before_12h_sat"].fillna(0).to_numpy("float64")
    told = count + table[["fixes_before_12h_ter", "fixes_before_12h_dyn"]].fillna(0).sum(axis=1).to_numpy("float64")
    if not told.any():
        count = table["fixes_before_12h"].to_numpy("float64", na_value=0.0)
    off = (table["duration_h"].to_numpy() >= GFW_MIN_GAP_H) & (count >= GFW_SATELLITE_FIXES)
    off &= _offshore(table, places)
    if silences is not None:
        expected = table["gap_id"].map(complete(silences, SILENCES).set_index("gap_id")["expected_fixes"])
        off &= (expected / table["duration_h"] * 24.0 > GFW_PER_DAY).to_numpy()
    return _silences(table, off.astype("float64"), "gfw_rule")


def nearest_port_by_slack(gaps: Any, ports: Any, *, speed_kn: float = 12.0, service_h: float = 6.0) -> pd.DataFrame:
    """Say that the ship called at the nearest port that leaves time for it.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    speed_kn : float
        Speed of every ship [kn].
    service_h : float
        Shortest stay [h].

    Returns
    -------
    PORT_CALLS table
        The ports in reach there and back by great circles; the nearest has `p_call` 0.9, each further one a tenth of
        that before it, so that they have an order. What is left is `unknown`: all of it where no port is in reach.
    """
    table, places = complete(gaps, GAPS), conform(ports, PORTS)
    gap, port, both_nm = _in_reach(table, places, speed_kn, service_h)
    order = np.lexsort((port, both_nm, gap))
    gap, port, both_nm = gap[order], port[order], both_nm[order]
    reached = np.bincount(gap, minlength=len(table))
    place = np.arange(len(gap)) - np.repeat(np.cumsum(reached) - reached, reached)
    calls = pd.DataFrame(
        {
            "gap_id": table["gap_id"].to_numpy(dtype=object)[gap],
            "port_id": places["port_id"].to_numpy(dtype=object)[port],
            "hypothesis": np.where(
                (places["kind"] == "sts").to_numpy()[port] if "kind" in places else False, "sts", "port"
            ),
            "sea_distance_nm": both_nm,
            "slack_h": table["duration_h"].to_numpy()[gap] - both_nm / speed_kn,
            "p_feasible": 1.0,
            "p_call": (1 - NEXT_NEAREST) * NEXT_NEAREST**place,
            "sensitive": places["sensitive"].to_numpy(dtype=bool)[port],
        }
    )
    rest: dict[str, Any] = {"hypothesis": "unknown", "p_call": NEXT_NEAREST**reached, "sensitive": False}
    return finish(pd.concat([calls, table[["gap_id"]].assign(**rest)], ignore_index=True), PORT_CALLS)


def transfers_by_rule(gaps: Any, ports: Any, *, min_gap_h: float = 24.0) -> pd.DataFrame:
    """Call every closed tanker gap longer than a day with a sensitive port in reach a transfer at the nearest one.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    min_gap_h : float
        Shorter gaps are left out [h].

    Returns
    -------
    TRANSFERS table
        `p_transfer` = 1.
    """
    table, places = complete(gaps, GAPS), conform(ports, PORTS)
    tanker = is_tanker(table["ship_type"].to_numpy("float64", na_value=np.nan))
    long = table[table["is_closed"] & tanker & (table["duration_h"] > min_gap_h)].reset_index(drop=True)
    calls = nearest_port_by_slack(long, places[places["sensitive"]].reset_index(drop=True))
    nearest = calls[calls["port_id"].notna()].sort_values("p_call", ascending=False, kind="stable")
    rows = nearest.drop_duplicates("gap_id")[["gap_id", "port_id"]].merge(
        long[["gap_id", "mmsi", "imo", "track_id", "gap_start", "gap_end"]], on="gap_id"
    )
    lists = {name: _empty_lists(len(rows)) for name in ("reasons", "innocent_explanations", "sighting_ids")}
    return finish(rows.assign(score=100.0, p_transfer=1.0, prior=1.0, llr_total=0.0, **lists), TRANSFERS)


def cargo_by_rule(transfers: Any, vessels: Any, *, product: str = "gasoil") -> pd.DataFrame:
    """Count each call as nine tenths of the ship's deadweight.

    Parameters
    ----------
    transfers : TRANSFERS table
    vessels : VESSELS table
    product : str
        What is aboard, for the barrels per tonne.

    Returns
    -------
    CARGO table
        All quantiles are the one figure; null where the deadweight is not known.
    """
    rows, ships = complete(transfers, TRANSFERS), complete(vessels, VESSELS).drop_duplicates("mmsi")
    dwt_t = rows["mmsi"].map(ships.set_index("mmsi")["dwt_t"]).astype("float64")
    middle = rows["gap_start"] + (rows["gap_end"] - rows["gap_start"]) / 2
    quantiles = ("p10", "p50", "p90")
    columns: dict[str, Any] = {f"cargo_t_{name}": CARGO_SHARE * dwt_t for name in quantiles}
    columns |= {f"barrels_{name}": CARGO_SHARE * dwt_t * barrels_per_tonne(product) for name in quantiles}
    out = rows[["gap_id", "port_id", "mmsi", "track_id", "p_transfer"]].assign(
        call_time=middle.fillna(rows["gap_start"]), dwt_t=dwt_t, p_loaded=1.0, product=product,
        basis=f"{CARGO_SHARE} of the deadweight", **columns,
    )  # fmt: skip
    return finish(out, CARGO)


def _silences(table: pd.DataFrame, p_off: np.ndarray, reason: str) -> pd.DataFrame:
    p = np.clip(p_off, _LEAST, 1 - _LEAST)
    columns = {"neighbours_heard": 0, "llr_silence": np.log(p) - np.log1p(-p), "p_off": p_off, "reason": reason}
    return finish(table[["gap_id"]].assign(**columns), SILENCES)


def _offshore(table: pd.DataFrame, places: pd.DataFrame) -> np.ndarray:
    """Whether each gap began further from every port than the rule asks for; a gap without a position did not."""
    lat, lon = table["start_lat"].to_numpy(), table["start_lon"].to_numpy()
    place_lat, place_lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    radius = np.full(len(places), GFW_OFFSHORE_NM)
    cells = near_cells(place_lat, place_lon, radius)
    return np.isfinite(lat + lon) & ~near_any(lat, lon, place_lat, place_lon, radius, cells)


def _in_reach(
    table: pd.DataFrame, places: pd.DataFrame, speed_kn: float, service_h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gap, port and distance there and back [nm] of all pairs in reach; an open gap has no way back."""
    start_lat, start_lon, end_lat, end_lon = (
        table[name].to_numpy() for name in ("start_lat", "start_lon", "end_lat", "end_lon")
    )
    lat, lon, radius = (places[name].to_numpy() for name in ("lat", "lon", "radius_nm"))
    budget = speed_kn * (table["duration_h"].to_numpy() - service_h)
    step = max(_BLOCK // max(len(places), 1), 1)
    parts: list[tuple[np.ndarray, ...]] = [(np.empty(0, "int64"), np.empty(0, "int64"), np.empty(0))]
    for low in range(0, len(table), step):
        some = slice(low, low + step)
        out = great_circle_nm(start_lat[some, None], start_lon[some, None], lat, lon) - radius
        back = great_circle_nm(end_lat[some, None], end_lon[some, None], lat, lon) - radius
        both = np.maximum(out, 0.0) + np.maximum(np.nan_to_num(back), 0.0)
        gap, port = np.nonzero(both <= budget[some, None])
        parts.append((gap + low, port, both[gap, port]))
    gap, port, both_nm = (np.concatenate(column) for column in zip(*parts, strict=True))
    return gap, port, both_nm


def _empty_lists(number: int) -> pd.Series:
    return pd.Series([list[str]() for _ in range(number)], dtype=object)
