"""Calls and barrels per port and period, held against a cap, with the errors that trips share."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.kernels.spans import group_starts
from darkvoyage.rules.scoring import CargoRule
from darkvoyage.schema.conform import complete, empty, finish, sort_rows
from darkvoyage.schema.tables import TABLES

__all__ = ["ALL_PORTS", "CAMPAIGN_LOG_SD", "OWN_LOG_SD", "draw_volumes", "error_shares", "quota_ledger"]

_CARGO, _LEDGER, _PORTS, _SCENES = (TABLES[name] for name in ("CARGO", "LEDGER", "PORTS", "SCENES"))

ALL_PORTS = "all ports"
"""The `route` of the row that adds up a period."""

SEEN_FROM = 0.5
"""A call counts as seen from this `p_transfer` on."""

CAMPAIGN_LOG_SD = 0.065
"""Log error that all calls have in common: how full the ships of a campaign are loaded, and barrels per tonne."""

OWN_LOG_SD = 0.085
"""Log error of a single call's fill. With `CAMPAIGN_LOG_SD` it makes up the spread of the default triangular fill (log
standard deviation 0.10) and density (0.015); what a call's quantiles show beyond is its ship's capacity."""

_MAX_CAMPAIGN_SHARE, _MAX_OWN_SHARE = 0.3, 0.5  # of the log variance, where the quantiles are narrower than that

_SEED = CargoRule().seed
_DRAWS = CargoRule().draws
_FEWEST_DRAWS = 500
_CELLS = 20_000_000  # calls x draws; beyond it draws are fewer
_CHUNK_CELLS = 1_000_000
_Z90 = 1.2815515655446004  # 90 % quantile of the standard normal


@dataclass(frozen=True)
class _Draws:
    """Sums per group and draw (groups of one port and period), and in how many draws each call lies beyond the cap."""

    seen: np.ndarray
    weak: np.ndarray
    barrels: np.ndarray
    beyond_port: np.ndarray
    beyond_all: np.ndarray


def quota_ledger(
    cargo: Any, *, cap_bbl: float, period: str = "YS", scenes: Any = None, ports: Any = None
) -> pd.DataFrame:
    """Add calls and barrels up per port and period, and over all ports, against a cap.

    Parameters
    ----------
    cargo : CARGO
    cap_bbl : float
        Cap of a period [bbl].
    period : str
        Length of the periods as a pandas offset alias that starts them: "YS", "QS", "MS", "W".
    scenes : SCENES, optional
        All images that were looked at, also those that show no ship.
    ports : PORTS
        Positions; needed with `scenes`.

    Returns
    -------
    DataFrame
        LEDGER, one row per port and period with calls, and one with null `port_id` and route "all ports" per period.
        Periods are half-open: `period_end` is the next one's start. `cap_crossed_on` is the day of the call at which
        more than half of the draws lie above the cap, null where that never happens.

    Raises
    ------
    RuleError
        `cap_bbl` or `period` makes no sense, or `scenes` come without `ports`.
    SchemaError
        A table is not what it should be, or a probability lies outside 0 to 1.

    Notes
    -----
    Monte Carlo with a fixed seed. Each call takes place with its `p_transfer`; the calls of one gap exclude each other,
    so a gap never counts twice (where its probabilities add up to more than 1 they are scaled to 1). A call that takes
    place brings cargo with `p_loaded`, of a size drawn through its three quantiles. Part of the error of that size is
    common to all calls, part to the calls of a ship, the rest the call's own (`error_shares`): drawn all apart, the
    total would look far too certain. A call without volume counts as a call and adds no barrels.

    `calls_seen` are gaps whose most likely call has `p_transfer` of 0.5 or more. Without scenes `calls_estimated` is
    the distribution of the number of candidate calls that took place: nothing is added for calls that left no
    candidate. With scenes the seen calls S of a port stand for those on days that nobody could see: with o the share of
    days with a clear view (one minus the product of cloud over the day's scenes, averaged over the days of the period
    between the first and last call or scene), the missed ones are negative binomial with S successes at o. The weaker
    candidates are among the missed, so the estimate is S plus the larger of the two. Where no scene shows a port, its
    estimate stays as without scenes. Barrels are those of the candidates in both cases: a lower bound where days are
    missing.
    """
    _check(cap_bbl, scenes, ports)
    calls = sort_rows(complete(cargo, _CARGO), _CARGO.key)
    for name in ("p_transfer", "p_loaded"):
        wrong = ~calls[name].between(0.0, 1.0).to_numpy()
        if wrong.any():
            raise SchemaError(f"CARGO: column {name!r} has {calls[name][wrong].iloc[0]}, expected 0 to 1")
    if len(calls) == 0:
        return empty(_LEDGER)
    edges = _edges(calls["call_time"], period)
    calls["period"] = edges.searchsorted(calls["call_time"], side="right") - 1
    calls = calls.sort_values(["period", "port_id", "call_time", "gap_id"], kind="stable", ignore_index=True)
    calls["low"], calls["high"], calls["seen"] = _chances(calls)
    port_of = calls.groupby(["period", "port_id"], sort=True).ngroup().to_numpy()
    starts = group_starts(port_of)
    groups = calls.loc[starts, ["period", "port_id"]].reset_index(drop=True)
    view = None if scenes is None else _open_days(groups, calls["call_time"], edges, scenes, ports)
    by_time = calls.sort_values(["period", "call_time", "gap_id", "port_id"], kind="stable").index.to_numpy()
    draws = _simulate(calls, port_of, by_time, float(cap_bbl))
    number = _estimate(draws, view)
    whole = group_starts(groups["period"].to_numpy())
    per_port = groups.assign(route=None)
    per_period = groups.loc[whole, ["period"]].assign(port_id=None, route=ALL_PORTS)
    in_time = calls.loc[by_time].reset_index(drop=True)
    rows = pd.concat(
        [
            _rows(per_port, calls, port_of, number, draws.barrels, draws.beyond_port, cap_bbl),
            _rows(
                per_period,
                in_time,
                pd.factorize(in_time["period"])[0],
                np.add.reduceat(number, whole),
                np.add.reduceat(draws.barrels, whole),
                draws.beyond_all,
                cap_bbl,
            ),
        ],
        ignore_index=True,
    )
    rows["period_start"], rows["period_end"] = edges[rows["period"]], edges[rows["period"] + 1]
    return finish(rows.drop(columns="period"), _LEDGER)


def error_shares(quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split the log variance of calls into what they share.

    Parameters
    ----------
    quantiles : ndarray of float64, shape (n, 3)
        10 %, 50 % and 90 % of each call.

    Returns
    -------
    campaign, vessel : ndarray of float64, shape (n,)
        Shares common to all calls and to the calls of one ship; the rest, 0.5 at most, is the call's own.
    """
    below, above = _spread(quantiles)
    variance = (0.5 * (below + above)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        campaign = np.fmin(CAMPAIGN_LOG_SD**2 / variance, _MAX_CAMPAIGN_SHARE)
        own = np.fmin(OWN_LOG_SD**2 / variance, _MAX_OWN_SHARE)
    return campaign, 1.0 - campaign - own


def draw_volumes(
    quantiles: np.ndarray,
    vessel: np.ndarray,
    size: int,
    rng: np.random.Generator,
    *,
    share_campaign: np.ndarray | float,
    share_vessel: np.ndarray | float,
) -> np.ndarray:
    """Draw the sizes of calls whose errors are partly shared.

    Parameters
    ----------
    quantiles : ndarray of float64, shape (n, 3)
        10 %, 50 % and 90 % of each call [bbl].
    vessel : ndarray of int64, shape (n,)
        Codes of the ships, from 0.
    size : int
        Number of draws.
    rng : numpy.random.Generator
    share_campaign, share_vessel : ndarray of float64, shape (n,), or float
        Shares of the log variance common to all calls and to the calls of a ship.

    Returns
    -------
    ndarray of float64, shape (n, size)
        Each call keeps its three quantiles: a normal in the logarithm, with its own spread on each side of the median.
        A call whose median is null or zero is 0.
    """
    below, above = _spread(quantiles)
    known = np.isfinite(below) & np.isfinite(above)
    below, above = np.where(known, below, 0.0)[:, None], np.where(known, above, 0.0)[:, None]
    campaign, ship = (
        np.broadcast_to(np.asarray(share, dtype="float64"), known.shape)[:, None]
        for share in (share_campaign, share_vessel)
    )
    ships = int(vessel.max()) + 1 if len(vessel) else 0
    z = np.sqrt(campaign) * rng.standard_normal(size)
    z = z + np.sqrt(ship) * rng.standard_normal((ships, size))[vessel]
    z += np.sqrt(np.clip(1.0 - campaign - ship, 0.0, 1.0)) * rng.standard_normal((len(quantiles), size))
    return np.where(known, quantiles[:, 1], 0.0)[:, None] * np.exp(z * np.where(z < 0, below, above))


def _spread(quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log standard deviation on each side of the median, NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(quantiles)
        below, above = (logs[:, 1] - logs[:, 0]) / _Z90, (logs[:, 2] - logs[:, 1]) / _Z90
    # A lower quantile of zero has no logarithm: the other side stands for it.
    return np.where(np.isfinite(below), below, above), np.where(np.isfinite(above), above, below)


def _check(cap_bbl: Any, scenes: Any, ports: Any) -> None:
    if isinstance(cap_bbl, bool) or not isinstance(cap_bbl, Real) or not 0 < float(cap_bbl) < np.inf:
        raise RuleError(f"cap_bbl = {cap_bbl!r}: must be greater than 0")
    if scenes is not None and ports is None:
        raise RuleError("scenes were given without ports: the ledger needs the ports' positions (ports=)")


def _edges(times: pd.Series, period: str) -> pd.DatetimeIndex:
    """Starts of the periods that hold all times, and the end of the last."""
    try:
        offset = pd.tseries.frequencies.to_offset(period)
        start = offset.rollback(times.min().normalize())
        edges = pd.date_range(start, times.max() + 2 * offset, freq=offset).as_unit("us")
        last = edges.searchsorted(times.max(), side="right")
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise RuleError(f"period = {period!r}: expected a pandas offset such as 'YS', 'QS', 'MS' or 'W'") from error
    return edges[: last + 1]


def _chances(calls: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Part of [0, 1) in which a call takes place, disjoint within a gap; and whether it is its gap's seen call."""
    gap = calls.groupby("gap_id")["p_transfer"]
    p = calls["p_transfer"] / gap.transform("sum").clip(lower=1.0)
    high = p.groupby(calls["gap_id"]).cumsum()
    ranked = calls.sort_values(["p_transfer", "port_id"], ascending=[False, True], kind="stable")
    best = ~ranked.duplicated("gap_id").reindex(calls.index)
    return high - p, high, best & (calls["p_transfer"] >= SEEN_FROM)


def _simulate(calls: pd.DataFrame, port_of: np.ndarray, by_time: np.ndarray, cap_bbl: float) -> _Draws:
    """Draw all calls, a chunk of draws at a time, so that memory stays bounded."""
    n, groups = len(calls), int(port_of.max()) + 1
    total = int(np.clip(_CELLS // n, _FEWEST_DRAWS, _DRAWS))
    chunk = max(1, _CHUNK_CELLS // n)
    rng = np.random.default_rng(_SEED)
    gap, vessel = pd.factorize(calls["gap_id"])[0], pd.factorize(calls["mmsi"])[0]
    quantiles = calls[["barrels_p10", "barrels_p50", "barrels_p90"]].to_numpy()
    campaign, ship = error_shares(quantiles)
    low, high, p_loaded = (calls[name].to_numpy()[:, None] for name in ("low", "high", "p_loaded"))
    seen = calls["seen"].to_numpy()[:, None]
    starts, period = group_starts(port_of), calls["period"].to_numpy()[by_time]
    out = _Draws(*(np.zeros((groups, total)) for _ in range(3)), *(np.zeros(n, dtype="int64") for _ in range(2)))
    for at in range(0, total, chunk):
        size = min(chunk, total - at)
        u = rng.random((int(gap.max()) + 1, size))[gap]
        real = (u >= low) & (u < high)
        loaded = rng.random((n, size)) < p_loaded
        barrels = draw_volumes(quantiles, vessel, size, rng, share_campaign=campaign, share_vessel=ship)
        barrels *= real & loaded
        part = slice(at, at + size)
        out.seen[:, part] = np.add.reduceat(real & seen, starts, dtype="float64")
        out.weak[:, part] = np.add.reduceat(real & ~seen, starts, dtype="float64")
        out.barrels[:, part] = np.add.reduceat(barrels, starts)
        out.beyond_port[:] += (_running(barrels, starts) > cap_bbl).sum(axis=1)
        out.beyond_all[:] += (_running(barrels[by_time], group_starts(period)) > cap_bbl).sum(axis=1)
    return out


def _running(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Cumulative sums down the rows, begun anew at each start, shape (n, draws)."""
    running = np.cumsum(values, axis=0)
    before = np.concatenate([np.zeros((1, values.shape[1])), running])[starts]
    return running - np.repeat(before, np.diff(np.r_[starts, len(values)]), axis=0)


def _estimate(draws: _Draws, view: np.ndarray | None) -> np.ndarray:
    """Number of calls per group and draw."""
    if view is None:
        return draws.seen + draws.weak
    missed = np.zeros_like(draws.seen)
    # A port that no scene shows, or whose every day is covered, has nothing to correct.
    row, column = np.nonzero((draws.seen > 0) & ((view > 0) & (view < 1))[:, None])
    rng = np.random.default_rng(_SEED + 1)
    missed[row, column] = rng.negative_binomial(draws.seen[row, column], view[row])
    return draws.seen + np.maximum(draws.weak, missed)


def _open_days(
    groups: pd.DataFrame, call_time: pd.Series, edges: pd.DatetimeIndex, scenes: Any, ports: Any
) -> np.ndarray:
    """Share of the days of a period on which a port could be seen, shape (groups,); 0 where no scene shows it."""
    import shapely

    looks = complete(scenes, _SCENES)
    places = complete(ports, _PORTS).drop_duplicates("port_id")
    places = places[places["port_id"].isin(groups["port_id"])].reset_index(drop=True)
    prints = shapely.from_wkt(looks["footprint"].to_numpy(dtype=object), on_invalid="ignore")
    bad = shapely.is_missing(prints)
    if bad.any():
        raise SchemaError(f"SCENES: column 'footprint' is no WKT in row {int(np.flatnonzero(bad)[0])}")
    at, scene = shapely.STRtree(prints).query(shapely.points(places["lon"], places["lat"]), predicate="intersects")
    days = looks["timestamp"].dt.floor("D")
    with np.errstate(divide="ignore"):
        cloudy = np.log1p(-looks["clear_fraction"].fillna(1.0).clip(0.0, 1.0))
    seen = pd.DataFrame(
        {
            "port_id": places["port_id"].to_numpy()[at],
            "day": days.to_numpy()[scene],
            "cloudy": cloudy.to_numpy()[scene],
        }
    )
    seen = seen.groupby(["port_id", "day"])["cloudy"].sum().rename("cloudy").reset_index()
    seen["clear"] = -np.expm1(seen["cloudy"])
    edge_times = edges.to_numpy()
    seen["period"] = np.searchsorted(edge_times, seen["day"].to_numpy(), side="right") - 1
    clear = seen.groupby(["period", "port_id"])["clear"].sum().rename("clear")
    first = min(call_time.min().floor("D"), days.min()) if len(days) else call_time.min().floor("D")
    last = max(call_time.max().floor("D"), days.max()) if len(days) else call_time.max().floor("D")
    begins = np.maximum(edges[:-1].ceil("D"), first)
    ends = np.minimum(edges[1:].ceil("D"), last + pd.Timedelta(days=1))
    length = (ends - begins) / pd.Timedelta(days=1)
    found = groups.merge(clear, on=["period", "port_id"], how="left")["clear"].fillna(0.0).to_numpy()
    return np.clip(found / np.asarray(length)[groups["period"]], 0.0, 1.0)


def _rows(
    keys: pd.DataFrame,
    calls: pd.DataFrame,
    group: np.ndarray,
    number: np.ndarray,
    barrels: np.ndarray,
    beyond: np.ndarray,
    cap_bbl: float,
) -> pd.DataFrame:
    """Ledger rows of groups; `calls`, `group` and `beyond` are in the groups' order and by time within them."""
    out = keys.reset_index(drop=True).copy()
    by_group = calls.groupby(group)
    out["calls_seen"] = by_group["seen"].sum().to_numpy(dtype="int64")
    valued = by_group["barrels_p50"].count().to_numpy() > 0
    for q, name in ((0.1, "p10"), (0.5, "p50"), (0.9, "p90")):
        out[f"calls_estimated_{name}"] = np.quantile(number, q, axis=1)
        out[f"barrels_{name}"] = np.where(valued, np.quantile(barrels, q, axis=1), np.nan)
    out["cap_bbl"] = float(cap_bbl)
    out["p_exceeds_cap"] = np.where(valued, (barrels > cap_bbl).mean(axis=1), np.nan)
    crossed = calls["call_time"].dt.floor("D").where(beyond > barrels.shape[1] / 2)
    out["cap_crossed_on"] = crossed.groupby(group).min()
    return out
