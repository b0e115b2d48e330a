"""What a feed looks like: figures by which simulated and real feeds are compared, and how far apart two feeds are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.kernels.spans import group_starts
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import is_equipment
from darkvoyage.schema.conform import complete, sort_rows
from darkvoyage.schema.tables import FIXES

__all__ = ["feed_distance", "feed_statistics"]

_HOURS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0, 48.0)
_GAP_H, _LONG_GAP_H = 6.0, 12.0
_GAP_HOURS = (6.0, 8.0, 10.0, 12.0, 18.0, 24.0, 36.0, 48.0, 72.0, 168.0)
_LAG_HOURS = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 72.0)
_SPEED_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_LAGS = 6
_RUN = 3
_MOVING_KN = 1.0
_LEAST_WINDOWS = 24
"""Vessels that were there for fewer windows tell little about their rate; they are left out of what needs windows."""
_FASTEST_KN = 60.0
"""Faster steps between fixes are errors of position or identity [kn]."""
_SAMPLES = ("interval", "gap_length", "draught_lag")
"""Statistics that are distributions: shares above the value in `at`."""


def feed_statistics(fixes: Any, *, window_min: float = 30.0) -> pd.DataFrame:
    """Describe how a feed hears its vessels; equipment and repeated fixes are left out.

    Parameters
    ----------
    fixes : DataFrame or Arrow stream
        FIXES.
    window_min : float
        Length of the windows in which fixes are counted [min].

    Returns
    -------
    DataFrame
        One row per figure, `statistic`, `group`, `at`, `value`, `n` (how many intervals, gaps, windows or vessels):

        - `interval`: share of intervals between a vessel's fixes longer than `at` hours; by class and state at the
          earlier fix ("A moving", "? still", ...) and of all.
        - `gap_length`: share of the intervals over 6 h that are longer than `at` hours.
        - `long_gap_vessels`: share of vessels with an interval over 12 h; it grows with the length of the feed.
        - `empty_windows`: share of windows between a vessel's first and last fix without any.
        - `window_correlation`: autocorrelation of fixes per window within a vessel at lag `at`, pooled.
        - `miss_run_ratio`: how much more often three windows in a row are empty than if they were independent.
        - `rate_mean`, `rate_cv`: mean over vessels of fixes per window, and its coefficient of variation.
        - `speed`: quantile `at` of the speed of moving vessels [kn].
        - `draught_lag`: share of changes of draught that came more than `at` hours after the last departure.

        Windows, rates and correlations are of vessels with 24 windows or more.

    Raises
    ------
    RuleError
        A window that has no length.
    """
    if not (isinstance(window_min, (int, float)) and 0 < window_min < np.inf):
        raise RuleError(f"window_min = {window_min!r}: expected a number of minutes above 0")
    table = complete(fixes, FIXES)
    table = sort_rows(table[~is_equipment(table["mmsi"].to_numpy())], FIXES.key)
    table = table.drop_duplicates(["mmsi", "timestamp"], ignore_index=True)
    steps = _steps(table)
    hours = steps["hours"]
    groups = {"all": np.ones(len(steps), dtype=bool)}
    groups |= {str(name): (steps["group"] == name).to_numpy() for name in sorted(steps["group"].unique())}
    rows = [_above("interval", name, hours[mine], _HOURS) for name, mine in groups.items()]
    rows.append(_above("gap_length", "all", hours[hours > _GAP_H], _GAP_HOURS))
    long_gaps = (hours > _LONG_GAP_H).groupby(steps["vessel"]).any()
    rows.append(_row("long_gap_vessels", "all", [np.nan], [long_gaps.mean()], len(long_gaps)))
    rows += _window_rows(_counts(table, window_min * 60.0))
    speed = steps["speed"][steps["moving"]].dropna()
    rows.append(_row("speed", "moving", _SPEED_SHARES, _quantiles(speed, _SPEED_SHARES), len(speed)))
    rows.append(_above("draught_lag", "all", _draught_lags(table, steps), _LAG_HOURS))
    return pd.concat(rows, ignore_index=True)


def feed_distance(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """How far two feeds are apart, statistic by statistic.

    Parameters
    ----------
    a, b : DataFrame
        Of `feed_statistics`.

    Returns
    -------
    DataFrame
        One row per statistic and group that both have: `statistic`, `group`, `at`, `a`, `b`, `distance`, `measure`.
        Distributions: the largest difference between the two shares over the tabulated values (a two-sample
        Kolmogorov-Smirnov distance on that grid), `at` the value where it lies; shares and correlations: the
        absolute difference; rates, ratios and speeds: the difference as a share of `b`.
    """
    key = ["statistic", "group", "at"]
    both = a[[*key, "value"]].merge(b[[*key, "value"]], on=key, suffixes=("_a", "_b"))
    both = both.rename(columns={"value_a": "a", "value_b": "b"}).dropna(subset=["a", "b"])
    sample = both["statistic"].isin(_SAMPLES)
    relative = both["statistic"].isin(["rate_mean", "rate_cv", "miss_run_ratio", "speed"])
    apart = (both["a"] - both["b"]).abs()
    both["distance"] = apart.where(~relative | (apart == 0), apart / both["b"].abs())
    both["measure"] = np.select([sample, relative], ["largest difference", "relative"], "absolute")
    largest = both[sample].sort_values("distance", kind="stable").drop_duplicates(["statistic", "group"], keep="last")
    return pd.concat([largest, both[~sample]]).sort_index().reset_index(drop=True)


def _steps(table: pd.DataFrame) -> pd.DataFrame:
    """One row per interval between two successive fixes of a vessel."""
    same = (table["mmsi"].diff() == 0).to_numpy()
    before, after = (table.iloc[: len(same) - 1], table.iloc[1:])
    hours = np.diff(table["timestamp"].astype("int64").to_numpy()) / 3.6e9
    places = (part[name].to_numpy() for part in (before, after) for name in ("lat", "lon"))
    made = great_circle_nm(*places) / hours
    # Speed over ground where it is sent, else that made good to the next fix.
    speed = np.where(before["sog"].notna(), before["sog"], made)
    speed = np.where(speed < _FASTEST_KN, speed, np.nan)
    moving = speed >= _MOVING_KN
    state = np.where(moving, "moving", "still")
    out = pd.DataFrame(
        {
            "vessel": before["mmsi"].to_numpy(),
            "row": np.arange(len(before)),
            "hours": hours,
            "speed": speed,
            "moving": moving,
            "group": before["ais_class"].fillna("?").to_numpy() + np.array(" ", dtype=object) + state.astype(object),
        }
    )
    return out[same[1:]].reset_index(drop=True)


def _counts(table: pd.DataFrame, window_s: float) -> pd.DataFrame:
    """Fixes in every window between a vessel's first and last fix; `window` counts from its first."""
    first = group_starts(table["mmsi"].to_numpy())
    vessel = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(table)]))
    seconds = table["timestamp"].astype("int64").to_numpy() / 1e6
    window = np.floor(seconds / window_s).astype("int64")
    window -= window[first][vessel]
    length = pd.Series(window).groupby(vessel).max().to_numpy() + 1 if len(first) else np.empty(0, dtype="int64")
    start = np.cumsum(length) - length
    fixes = np.bincount(start[vessel] + window, minlength=int(length.sum()))
    long = np.repeat(length >= _LEAST_WINDOWS, length)
    return pd.DataFrame({"vessel": np.repeat(np.arange(len(first)), length), "fixes": fixes})[long]


def _window_rows(counts: pd.DataFrame) -> list[pd.DataFrame]:
    """Figures of fixes per window."""
    by = counts.groupby("vessel")["fixes"]
    rate = by.mean()
    empty = (counts["fixes"] == 0).astype("float64")
    centred = counts["fixes"] - by.transform("mean")
    ahead = {lag: centred.groupby(counts["vessel"]).shift(-lag) for lag in range(1, _LAGS + 1)}
    correlation = [_ratio((centred * other).mean(), (centred**2).mean()) for other in ahead.values()]
    runs = pd.concat([empty.groupby(counts["vessel"]).shift(-lag) for lag in range(_RUN)], axis=1).dropna()
    # Independent windows of a vessel would be empty together with the product of its own share.
    alone = empty.groupby(counts["vessel"]).transform("mean")[runs.index] ** _RUN
    n, vessels, none = len(counts), len(rate), [np.nan]
    return [
        _row("empty_windows", "all", none, [empty.mean() if n else np.nan], n),
        _row("window_correlation", "all", list(ahead), correlation, n),
        _row("miss_run_ratio", "all", none, [_ratio(runs.min(axis=1).mean(), alone.mean())], len(runs)),
        _row("rate_mean", "all", none, [rate.mean()], vessels),
        _row("rate_cv", "all", none, [_ratio(rate.std(ddof=0), rate.mean())], vessels),
    ]


def _draught_lags(table: pd.DataFrame, steps: pd.DataFrame) -> pd.Series:
    """Hours from the latest departure to each change of the draught that a vessel sends."""
    known = table[["mmsi", "draught_m", "timestamp"]].dropna(subset="draught_m")
    changed = known[(known["draught_m"].diff() != 0) & (known["mmsi"].diff() == 0)]
    moving = steps["moving"].to_numpy()
    leaves = moving & ~np.r_[True, moving[:-1]] & (steps["vessel"].diff() == 0).to_numpy()
    left = table.loc[steps["row"][leaves], ["mmsi", "timestamp"]].assign(left=lambda rows: rows["timestamp"])
    pairs = pd.merge_asof(
        changed.sort_values("timestamp"), left.sort_values("timestamp"), on="timestamp", by="mmsi"
    ).dropna(subset="left")
    return (pairs["timestamp"] - pairs["left"]).dt.total_seconds() / 3600.0


def _above(statistic: str, group: str, values: pd.Series, at: tuple[float, ...]) -> pd.DataFrame:
    shares = [(values > limit).mean() if len(values) else np.nan for limit in at]
    return _row(statistic, group, at, shares, len(values))


def _quantiles(values: pd.Series, shares: tuple[float, ...]) -> Any:
    return np.quantile(values, shares) if len(values) else np.full(len(shares), np.nan)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _row(statistic: str, group: str, at: Any, value: Any, n: int) -> pd.DataFrame:
    """One row per value of a statistic."""
    return pd.DataFrame({"statistic": statistic, "group": group, "at": at, "value": value, "n": n}).astype(
        {"statistic": "str", "group": "str", "at": "float64", "value": "float64", "n": "int64"}
    )
