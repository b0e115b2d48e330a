"""How much a suspected call moved: load state before and after, tonnes and barrels with their uncertainty."""

from __future__ import annotations

import io
import math
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.cargo.load_state import draught_ratio, load_state, p_laden
from darkvoyage.errors import RuleError
from darkvoyage.rules.scoring import CargoRule
from darkvoyage.schema.conform import complete, finish, sort_rows
from darkvoyage.schema.tables import TABLES
from darkvoyage.units import BBL_PER_M3

__all__ = ["barrels_per_tonne", "conversion_factors", "deadweight_from_length", "estimate_cargo"]

_CARGO, _GAPS, _SIGHTINGS, _TRANSFERS, _VESSELS = (
    TABLES[name] for name in ("CARGO", "GAPS", "SIGHTINGS", "TRANSFERS", "VESSELS")
)

TANK_FILL_MAX = 0.98
"""Tanks are filled to 98 % at most: the usual limit of ISGOTT for thermal expansion."""

DWT_PER_M3 = 0.0061
"""Deadweight over length cubed [t/m3]: median of 62 tankers of 38-274 m in a public AIS sample with deadweights (Strait
of Gibraltar, 2016). 89 m give 4,300 t."""

DWT_LOG_SD = 0.28
"""Log error of a deadweight estimated from length, from the same 62 tankers (0.26), rounded up."""

PRIOR_LOADED = 0.95
"""Prior that a transfer at a loading place took cargo aboard. A transfer is a hand-over of cargo by definition, and the
tankers of the 2024 visits to Vostochny arrived light and left nearly full (Open Source Centre and BBC, November 2024);
one in twenty is left for calls that waited, bunkered or discharged."""

P_SIGHTED_STATE = 0.95
"""How far a load state read from imagery is trusted."""

P_STALE = 0.5
"""Chance that a draught equal to the one before the gap was not typed anew: half within a day of reappearing."""

# P(before, after) for (ballast, laden) x (ballast, laden). A loading call arrives light (0.85) and leaves deep (0.92);
# any other call mostly leaves as it came, or discharges.
_LOADING = np.outer([0.85, 0.15], [0.08, 0.92])
_OTHER = np.array([[0.40, 0.05], [0.35, 0.20]])

_BLOCK_BYTES = 50_000_000
_QUANTILES = (0.1, 0.5, 0.9)


def conversion_factors() -> pd.DataFrame:
    """Return the bundled factors: `product`, `basis`, `bbl_per_t`, `default`, density limits [t/m3], `source`."""
    text = files("darkvoyage.data").joinpath("conversion_factors.csv").read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text))


def barrels_per_tonne(product: str) -> float:
    """Return the default factor of a product [bbl/t].

    Parameters
    ----------
    product : str

    Returns
    -------
    float

    Raises
    ------
    RuleError
        No factor of this product is bundled.
    """
    table = conversion_factors()
    known = table[table["default"]].set_index("product")["bbl_per_t"]
    if product not in known:
        raise RuleError(f"CargoRule.product = {product!r}: expected one of {', '.join(known.index)}")
    return float(known[product])


def deadweight_from_length(length_m: np.ndarray) -> np.ndarray:
    """Estimate a tanker's deadweight from its length: `DWT_PER_M3` times the cube [t].

    Parameters
    ----------
    length_m : ndarray of float64, shape (n,)
        Length over all [m]; NaN and values that are not positive give NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        Good to a factor of 1.3 (one standard deviation).
    """
    length = np.asarray(length_m, dtype="float64")
    return np.where(length > 0, DWT_PER_M3 * length**3, np.nan)


def estimate_cargo(
    transfers: Any, *, gaps: Any, vessels: Any, sightings: Any = None, rule: CargoRule | None = None
) -> pd.DataFrame:
    """Estimate what each suspected transfer moved.

    Parameters
    ----------
    transfers : TRANSFERS
    gaps : GAPS
        For the draughts at both ends.
    vessels : VESSELS
        Deadweight, tank volume, length and laden draught.
    sightings : SIGHTINGS, optional
        For the time and load state of the linked sightings.
    rule : CargoRule, optional

    Returns
    -------
    DataFrame
        CARGO, one row per row of `transfers`. The quantiles describe the cargo of a call that took place and loaded:
        capacity, fill and density are drawn; `p_transfer` and `p_loaded` stay apart, so that they are counted once.
        `dwt_t` is the deadweight used, `basis` says where it and the load states come from; without particulars the
        volumes are null. `call_time` is the earliest linked sighting, else the middle of the gap, else its start.
        `route` is null: the transfer does not say where the cargo went.

    Raises
    ------
    RuleError
        No conversion factor for `rule.product`, or its fill limits are out of order.
    SchemaError
        A table is not what it should be.

    Notes
    -----
    Load states come from the draught over the ship's laden draught, else from linked sightings (the first of several
    labelled ones is the state before, the last the state after; a single "ballast" is before, a single "laden" after).
    They move the prior `PRIOR_LOADED` by their likelihood ratio. An end draught equal to the start draught may be the
    same old entry and counts half. The prior speaks of loading places: at a place of discharge read the cargo as handed
    over.
    """
    rule = rule or CargoRule()
    if not rule.fill_low <= rule.fill_mode <= rule.fill_high:
        raise RuleError(
            f"CargoRule: fill_low, fill_mode, fill_high = {rule.fill_low}, {rule.fill_mode}, {rule.fill_high}: "
            "expected ascending values"
        )
    bbl_per_t = barrels_per_tonne(rule.product)
    rows = sort_rows(complete(transfers, _TRANSFERS), _TRANSFERS.key)
    rows = _add_vessels(_add_draughts(rows, complete(gaps, _GAPS)), complete(vessels, _VESSELS))
    rows = _add_sightings(rows, sightings)
    rows["dwt_t"] = rows["dwt_t"].where(rows["dwt_t"] > 0)
    tank_m3 = rows["cargo_capacity_m3"].where(rows["cargo_capacity_m3"] > 0).to_numpy()
    known = rows["dwt_t"].notna().to_numpy()
    guessed = ~known & np.isnan(tank_m3)
    rows["dwt_t"] = rows["dwt_t"].where(~guessed, deadweight_from_length(rows["length_m"].to_numpy()))
    states = _states(rows)
    cargo_t, barrels = _quantiles(rows["dwt_t"].to_numpy(), known, tank_m3, bbl_per_t, rule)
    out = {
        **{name: rows[name] for name in ("gap_id", "port_id", "mmsi", "track_id", "p_transfer", "dwt_t")},
        "call_time": _call_time(rows),
        **states,
        "product": rule.product,
        "basis": _basis(rows, known, tank_m3, states),
    }
    for at, name in enumerate(("p10", "p50", "p90")):
        out[f"cargo_t_{name}"], out[f"barrels_{name}"] = cargo_t[:, at], barrels[:, at]
    return finish(out, _CARGO)


def _add_draughts(rows: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    ends = gaps[["gap_id", "start_draught_m", "end_draught_m"]].drop_duplicates("gap_id")
    return rows.drop(columns=["start_draught_m", "end_draught_m"], errors="ignore").merge(
        ends, on="gap_id", how="left", validate="many_to_one"
    )


def _add_vessels(rows: pd.DataFrame, vessels: pd.DataFrame) -> pd.DataFrame:
    names = ["dwt_t", "cargo_capacity_m3", "length_m", "draught_max_m"]
    first = sort_rows(vessels, _VESSELS.key).drop_duplicates("mmsi")[["mmsi", *names]]
    return rows.drop(columns=names, errors="ignore").merge(first, on="mmsi", how="left", validate="many_to_one")


def _add_sightings(rows: pd.DataFrame, sightings: Any) -> pd.DataFrame:
    """Add `first_seen`, and the load states before and after that linked sightings show."""
    rows = rows.assign(first_seen=pd.Series(pd.NaT, rows.index, dtype="datetime64[us, UTC]"), seen_before=None)
    rows["seen_after"] = rows["seen_before"]
    if sightings is None or len(rows) == 0:
        return rows
    seen = complete(sightings, _SIGHTINGS)[["sighting_id", "timestamp", "load_state"]].drop_duplicates("sighting_id")
    linked = rows["sighting_ids"].explode().dropna().rename("sighting_id").rename_axis("row").reset_index()
    linked["sighting_id"] = linked["sighting_id"].astype("str")
    linked = linked.merge(seen, on="sighting_id").sort_values(["row", "timestamp", "sighting_id"])
    rows["first_seen"] = linked.groupby("row")["timestamp"].min().reindex(rows.index)
    named = linked[linked["load_state"].isin(["ballast", "laden"])].groupby("row")["load_state"]
    first, last, several = named.first(), named.last(), named.size() > 1
    rows["seen_before"] = first.where(several | (first == "ballast")).reindex(rows.index).astype(object)
    rows["seen_after"] = last.where(several | (last == "laden")).reindex(rows.index).astype(object)
    return rows


def _states(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Load states by name, and the probability that the call loaded."""
    weight: dict[str, np.ndarray] = {}
    name: dict[str, np.ndarray] = {}
    from_draught = np.ones(len(rows), dtype=bool)
    for side, end in (("before", "start"), ("after", "end")):
        ratio = draught_ratio(rows[f"{end}_draught_m"].to_numpy(), rows["draught_max_m"].to_numpy())
        no_draught = np.isnan(ratio)
        from_draught &= ~no_draught
        weight[side], name[side] = p_laden(ratio), load_state(ratio)
        for state, p in (("laden", P_SIGHTED_STATE), ("ballast", 1.0 - P_SIGHTED_STATE)):
            seen = no_draught & (rows[f"seen_{side}"] == state).to_numpy(dtype=bool)
            weight[side][seen], name[side][seen] = p, state
        weight[side][np.isnan(weight[side])] = 0.5
    # The same number again may be the same entry again.
    stale = from_draught & (rows["start_draught_m"] == rows["end_draught_m"]).to_numpy(dtype=bool)
    weight["after"][stale] = (1.0 - P_STALE) * weight["after"][stale] + P_STALE * 0.5
    before = np.column_stack([1.0 - weight["before"], weight["before"]])
    after = np.column_stack([1.0 - weight["after"], weight["after"]])
    loading, other = (np.einsum("ni,ij,nj->n", before, table, after) for table in (_LOADING, _OTHER))
    loaded = PRIOR_LOADED * loading
    return {
        "load_state_before": name["before"],
        "load_state_after": name["after"],
        "p_loaded": loaded / (loaded + (1.0 - PRIOR_LOADED) * other),
    }


def _call_time(rows: pd.DataFrame) -> pd.Series:
    middle = rows["gap_start"] + (rows["gap_end"] - rows["gap_start"]) / 2
    return rows["first_seen"].fillna(middle).fillna(rows["gap_start"]).dt.as_unit("us")


def _quantiles(
    dwt_t: np.ndarray, known: np.ndarray, tank_m3: np.ndarray, bbl_per_t: float, rule: CargoRule
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of tonnes and barrels, shapes (n, 3).

    All rows share the draws: a row's figures then depend on that row alone, whatever stands beside it.
    """
    rng = np.random.default_rng(rule.seed)
    fill = _triangular(rng.random(rule.draws), rule.fill_low, rule.fill_mode, rule.fill_high)
    z_capacity, z_density = rng.standard_normal((2, rule.draws))
    factor = bbl_per_t * np.exp(rule.density_log_sd * z_density)
    log_sd = np.where(known, rule.capacity_log_sd, math.hypot(rule.capacity_log_sd, DWT_LOG_SD))
    tonnes, barrels = np.full((len(dwt_t), 3), np.nan), np.full((len(dwt_t), 3), np.nan)
    with_volume = np.flatnonzero(~(np.isnan(dwt_t) & np.isnan(tank_m3)))
    step = max(1, _BLOCK_BYTES // (4 * 8 * rule.draws))  # four matrices of this size live at once
    for at in range(0, len(with_volume), step):
        rows = with_volume[at : at + step]
        full_t = tank_m3[rows, None] * (BBL_PER_M3 / factor)
        capacity_t = rule.cargo_share_of_dwt * dwt_t[rows, None] * np.exp(log_sd[rows, None] * z_capacity)
        cargo_t = np.where(np.isnan(capacity_t), full_t, capacity_t) * fill
        most_t = np.fmin(TANK_FILL_MAX * full_t, np.where(known, dwt_t, np.nan)[rows, None])
        cargo_t = np.fmin(cargo_t, most_t)
        tonnes[rows] = np.quantile(cargo_t, _QUANTILES, axis=1).T
        barrels[rows] = np.quantile(cargo_t * factor, _QUANTILES, axis=1).T
    return tonnes, barrels


def _triangular(u: np.ndarray, low: float, mode: float, high: float) -> np.ndarray:
    """Inverse of the triangular distribution; all three values may be equal."""
    if high == low:
        return np.full(u.shape, low)
    rising = (mode - low) / (high - low)
    left = low + np.sqrt(u * (high - low) * (mode - low))
    right = high - np.sqrt((1.0 - u) * (high - low) * (high - mode))
    return np.where(u < rising, left, right)


def _basis(rows: pd.DataFrame, known: np.ndarray, tank_m3: np.ndarray, states: dict[str, np.ndarray]) -> np.ndarray:
    tank = ~np.isnan(tank_m3)
    some = rows["dwt_t"].notna().to_numpy()
    size = np.select(
        [known & tank, known, tank, some],
        ["deadweight and tank volume", "deadweight", "tank volume", "deadweight estimated from length"],
        "no particulars",
    )
    draught = draught_ratio(rows["start_draught_m"].to_numpy(), rows["draught_max_m"].to_numpy())
    draught = np.fmax(draught, draught_ratio(rows["end_draught_m"].to_numpy(), rows["draught_max_m"].to_numpy()))
    seen = (rows["seen_before"].notna() | rows["seen_after"].notna()).to_numpy()
    state = np.select(
        [~np.isnan(draught) & seen, ~np.isnan(draught), seen],
        ["load state from draught and sightings", "load state from draught", "load state from sightings"],
        "load state unknown",
    )
    return (pd.Series(size) + "; " + pd.Series(state)).to_numpy()
