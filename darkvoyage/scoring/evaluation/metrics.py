"""Metrics, the two ends of their scale, and intervals over whole vessels.

A metric is a plain function of arrays, by convention of probabilities `p` in [0, 1] and truths `y`. Each is listed with
the value that the truth itself would get (`perfect`) and the one that an answer without a row would get (`empty`): what
was not answered has p = 0. Where a metric is not defined (nothing true, or one class only) it is NaN. Ties are never
broken by the order of the rows: those at the edge of a list count with their share.

Conventions that differ from scikit-learn: precision without any claim is 0; logarithms stop at `LEAST`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, rankdata
from sklearn.metrics import average_precision_score, roc_curve

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.kernels.spans import expand, group_starts

__all__ = [
    "LEAST",
    "Metric",
    "area_under_roc",
    "average_precision",
    "base_rate",
    "brier",
    "calibration_error",
    "equal_mass_bins",
    "evaluate",
    "f1",
    "log_loss",
    "matched_auc",
    "mean",
    "median",
    "precision",
    "precision_at_k",
    "recall",
    "recall_at_false_positives",
    "reliability_table",
]

LEAST = 1e-6
"""Probabilities in logarithms lie between this and one minus this: one wrong certainty costs 13.8 nats, not all."""

_BINS = 15
_LEVEL = 0.95
_CODES = ("cluster", "world")

Value = float | Callable[..., float]


@dataclass(frozen=True)
class Metric:
    """A figure with the two ends of its scale.

    Parameters
    ----------
    name : str
    function : callable
        Takes the arrays of `columns`, returns the value or NaN.
    perfect, empty : float or callable
        What the truth and what an answer without a row get; a callable takes the same arrays. Equal where the metric
        counts false alarms, which silence avoids too.
    columns : tuple of str
        Numbers or booleans of the answers. "cluster" is the code of the vessel (of what `evaluate` draws), "world" that
        of the world; neither need be a column.
    among : str
        A boolean column: the rows that the metric is about. Empty: all.
    """

    name: str
    function: Callable[..., float]
    perfect: Value
    empty: Value
    columns: tuple[str, ...] = ("p", "y")
    among: str = ""


def base_rate(p: np.ndarray, y: np.ndarray) -> float:
    """Share of true ones."""
    return mean(y)


def mean(values: np.ndarray) -> float:
    """Mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else np.nan


def median(values: np.ndarray) -> float:
    """Median, NaN of nothing."""
    return float(np.median(values)) if len(values) else np.nan


def brier(p: np.ndarray, y: np.ndarray) -> float:
    """Mean squared difference of probability and truth."""
    return mean((p - y) ** 2)


def log_loss(p: np.ndarray, y: np.ndarray) -> float:
    """Mean negative logarithm of the probability of what is true [nats]."""
    return mean(-np.log(np.clip(np.where(y, p, 1.0 - p), LEAST, 1.0)))


def area_under_roc(p: np.ndarray, y: np.ndarray) -> float:
    """Chance that a true one has the larger p than a false one, ties half."""
    return matched_auc(p, y, np.zeros(len(p), dtype="int64"))


def matched_auc(p: np.ndarray, y: np.ndarray, stratum: np.ndarray) -> float:
    """`area_under_roc` over the pairs within the same stratum only, each pair counting once.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
    y : ndarray of bool, shape (n,)
    stratum : ndarray of int64, shape (n,)
        Small numbers that are not negative.

    Returns
    -------
    float
    """
    rows, true = np.bincount(stratum), np.bincount(stratum, y)
    pairs = np.sum(true * (rows - true))
    if pairs == 0:
        return np.nan
    rank = rankdata(stratum * (len(p) + 1.0) + rankdata(p)) - (np.cumsum(rows) - rows)[stratum]
    # Mann-Whitney: the rank sum of the true ones less the least it can be counts the pairs that they win.
    won = np.bincount(stratum, rank * y) - true * (true + 1) / 2
    return float(np.sum(won) / pairs)


def average_precision(p: np.ndarray, y: np.ndarray) -> float:
    """Precision averaged over the steps of recall, the list sorted by p; the base rate for p that say nothing."""
    return float(average_precision_score(y, p)) if np.any(y) else np.nan


def recall_at_false_positives(p: np.ndarray, y: np.ndarray, *, share: float) -> float:
    """Largest recall of a threshold that at most this share of the false ones pass."""
    if not _both_classes(y):
        return np.nan
    false_positives, true_positives, _ = roc_curve(y, p, drop_intermediate=False)
    return float(true_positives[false_positives <= share].max())


def precision(p: np.ndarray, y: np.ndarray, *, at: float) -> float:
    """Share of true ones among those with p of `at` or more; 0 without any such, NaN where nothing is true."""
    claimed = y[p >= at]
    return float(np.sum(claimed) / max(len(claimed), 1)) if np.any(y) else np.nan


def recall(p: np.ndarray, y: np.ndarray, *, at: float) -> float:
    """Share of the true ones that have p of `at` or more."""
    return mean(p[np.asarray(y, dtype=bool)] >= at)


def f1(p: np.ndarray, y: np.ndarray, *, at: float) -> float:
    """Harmonic mean of `precision` and `recall`."""
    return float(2 * np.sum(y[p >= at]) / (np.sum(y) + np.sum(p >= at))) if np.any(y) else np.nan


def precision_at_k(p: np.ndarray, y: np.ndarray, world: np.ndarray, *, k: int | None = None) -> float:
    """Share of true ones among the k rows of largest p in each world.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
        Rows with p = 0 are never listed.
    y : ndarray of bool, shape (n,)
    world : ndarray of int64, shape (n,)
    k : int, optional
        Length of a world's list; never more than it has true ones, which is also what None takes.

    Returns
    -------
    float
        Hits of all lists over their lengths. Ties at the end of a list count with the chance of being listed.
    """
    true = pd.Series(np.asarray(y, dtype="float64")).groupby(world).transform("sum")
    length = true if k is None else true.clip(upper=k)
    ranks = pd.Series(-p).groupby(world)
    first, last = ranks.rank(method="min"), ranks.rank(method="max")
    listed = ((length - first + 1) / (last - first + 1)).clip(0.0, 1.0) * (p > 0)
    wanted = length.groupby(world).first().sum()
    return float((listed * y).sum() / wanted) if wanted else np.nan


def calibration_error(p: np.ndarray, y: np.ndarray, *, bins: int = _BINS) -> float:
    """Expected calibration error: |mean p - share of true ones|, averaged over bins of equally many rows."""
    if len(p) == 0:
        return np.nan
    bin_ = equal_mass_bins(p, bins)
    return float(np.abs(np.bincount(bin_, p) - np.bincount(bin_, y)).sum() / len(p))


def equal_mass_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Bin of each value, equally many values in each as far as equal values stay together.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    bins : int

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0 to bins - 1, by the mean rank of each value: neither order nor repetition of all rows matters.
    """
    return np.floor((rankdata(values) - 0.5) / max(len(values), 1) * bins).astype("int64")


def reliability_table(p: np.ndarray, y: np.ndarray, *, bins: int = _BINS) -> pd.DataFrame:
    """Mean probability and share of true ones, bin by bin.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
    y : ndarray of bool, shape (n,)
    bins : int
        Bins of equally many rows; ties stay together, so there may be fewer.

    Returns
    -------
    DataFrame
        `n`, `p_mean`, `y_mean`, and `low`, `high`: the exact 95 % interval (Clopper and Pearson 1934) of `y_mean`, as
        if rows were independent.
    """
    rows = pd.DataFrame({"p": np.asarray(p, dtype="float64"), "y": np.asarray(y, dtype="float64")})
    grouped = rows.groupby(equal_mass_bins(rows["p"].to_numpy(), bins))
    table = grouped.agg(n=("p", "size"), p_mean=("p", "mean"), y_mean=("y", "mean")).reset_index(drop=True)
    number, true = table["n"].to_numpy(), grouped["y"].sum().to_numpy()
    tail = (1 - _LEVEL) / 2
    table["low"] = np.where(true > 0, beta.ppf(tail, true, number - true + 1), 0.0)
    table["high"] = np.where(true < number, beta.ppf(1 - tail, true + 1, number - true), 1.0)
    return table


def evaluate(
    answers: pd.DataFrame, metrics: Sequence[Metric], *, draws: int = 0, seed: int = 0,
    by: tuple[str, ...] = ("world", "mmsi"),
) -> pd.DataFrame:  # fmt: skip
    """Compute metrics, with bootstrap intervals over clusters of rows that belong together.

    Parameters
    ----------
    answers : DataFrame
        One row per thing judged, from one of the `answers_*` functions; those of several worlds one below the other,
        with a column `world`.
    metrics : sequence of Metric
    draws : int
        Bootstrap draws; 0: no interval.
    seed : int
        Of the bootstrap.
    by : tuple of str
        Columns that name a cluster; those that the answers lack are left out. One cluster has no interval.

    Returns
    -------
    DataFrame
        One row per metric: `metric`, `value`, `low`, `high` (95 %), `perfect`, `empty`, `score`, `n`. The score is 1
        for the truth and 0 for an empty answer, linear in between, and falls again where an answer overshoots the
        truth; NaN where the two ends are the same. `n` counts the rows that a metric is about, 0 where it is undefined.

    Raises
    ------
    RuleError
        `draws` is no whole number of at least 0.
    SchemaError
        The answers lack a column that a metric needs.
    """
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 0:
        raise RuleError(f"draws = {draws!r}: expected a whole number of at least 0")
    columns = _columns(answers, metrics, by)
    parts = [_arrays(metric, columns) for metric in metrics]
    value = _values([metric.function for metric in metrics], parts)
    perfect = _values([metric.perfect for metric in metrics], parts)
    empty = _values([metric.empty for metric in metrics], parts)
    low, high = _interval(columns, metrics, int(draws), seed)
    defined = np.isfinite(value)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = 1.0 - np.abs(value - perfect) / np.abs(empty - perfect)
    return pd.DataFrame(
        {
            "metric": [metric.name for metric in metrics],
            "value": value,
            "low": low,
            "high": high,
            "perfect": np.where(defined, perfect, np.nan),
            "empty": np.where(defined, empty, np.nan),
            "score": np.where(np.isfinite(score), score, np.nan),
            "n": np.where(defined, _lengths(parts), 0),
        }
    )


def _columns(answers: pd.DataFrame, metrics: Sequence[Metric], by: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays that the metrics need, the rows of each cluster together."""
    names = {name for metric in metrics for name in (*metric.columns, metric.among)} - {"", *_CODES}
    keys = [name for name in by if name in answers]
    missing = sorted(names - set(answers.columns))
    if missing:
        raise SchemaError(f"answers: missing column(s) {', '.join(missing)}; found {', '.join(map(str, answers))}")
    one = np.zeros(len(answers), dtype="int64")
    cluster = answers.groupby(keys, sort=True, dropna=False).ngroup().to_numpy() if keys else one
    world = pd.factorize(answers["world"], sort=True)[0] if "world" in answers else one
    order = np.argsort(cluster, kind="stable")
    columns = {name: answers[name].to_numpy() for name in names} | {"cluster": cluster, "world": world}
    return {name: values[order] for name, values in columns.items()}


def _arrays(metric: Metric, columns: dict[str, np.ndarray]) -> list[np.ndarray]:
    if not metric.among:
        return [columns[name] for name in metric.columns]
    rows = columns[metric.among].astype(bool)
    return [columns[name][rows] for name in metric.columns]


def _values(functions: Sequence[Value], parts: list[list[np.ndarray]]) -> np.ndarray:
    pairs = zip(functions, parts, strict=True)
    return np.array([item(*part) if callable(item) else item for item, part in pairs], dtype="float64")


def _lengths(parts: list[list[np.ndarray]]) -> np.ndarray:
    return np.array([len(part[0]) for part in parts], dtype="int64")


def _interval(
    columns: dict[str, np.ndarray], metrics: Sequence[Metric], draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over resampled clusters, shapes (metrics,); a cluster drawn twice counts as two."""
    unknown = np.full(len(metrics), np.nan)
    first = group_starts(columns["cluster"])
    if draws == 0 or len(first) < 2:
        return unknown, unknown
    size = np.diff(np.r_[first, len(columns["cluster"])])
    rng = np.random.default_rng(seed)
    functions = [metric.function for metric in metrics]
    values = np.empty((draws, len(metrics)))
    for draw in range(draws):
        drawn = rng.integers(0, len(first), len(first))
        copy, rows = expand(first[drawn], size[drawn])
        sample = {name: array[rows] for name, array in columns.items()} | {"cluster": copy}
        values[draw] = _values(functions, [_arrays(metric, sample) for metric in metrics])
    defined = np.isfinite(values).any(axis=0)
    quantiles = np.full((2, len(metrics)), np.nan)
    quantiles[:, defined] = np.nanquantile(values[:, defined], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    return quantiles[0], quantiles[1]


def _both_classes(y: np.ndarray) -> bool:
    return bool(np.any(y) and not np.all(y))
