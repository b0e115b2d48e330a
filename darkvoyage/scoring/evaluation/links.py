"""Links: which gap's ship a sighting shows.

One row per sighting and candidate: each gap that was named, the true one, and "nobody we know" (null `gap_id`), which
is also the truth about ships that were broadcasting. A sighting is `dark` if its ship lies in a gap at that time. Only
sightings whose truth is known are judged. Draws of the bootstrap are whole scenes: `BY`.

Where it is known which ships lay in a scene, missed ones included, `answers_ships` asks the other way round: which
sighting of the scene is a silent ship, or was it missed. Its figures are those that papers on linking give.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import GAPS, LINKS, SIGHTINGS, TRUTH_SIGHTINGS
from darkvoyage.schema.times import time_us
from darkvoyage.scoring.evaluation.events import end_us, one_row_each, overlaps
from darkvoyage.scoring.evaluation.metrics import (
    LEAST,
    Metric,
    area_under_roc,
    calibration_error,
    evaluate,
    log_loss,
    mean,
    precision,
    recall,
)

__all__ = [
    "ALARMS",
    "BY",
    "METRICS",
    "SHIP_METRICS",
    "answers_links",
    "answers_ships",
    "evaluate_links",
    "gaps_of_ships",
]

BY = ("world", "scene_id")
LINKED = 0.5
SURE = 0.9
_BINS = 10


def answers_links(links: Any, *, gaps: Any, sightings: Any, truth_sightings: Any) -> pd.DataFrame:
    """Put the candidates of each sighting beside the truth.

    Parameters
    ----------
    links : LINKS table
        A candidate without a row has p = 0; rows without a sighting are about scenes, and ignored.
    gaps : GAPS table
    sightings : SIGHTINGS table
    truth_sightings : TRUTH_SIGHTINGS table

    Returns
    -------
    DataFrame
        One row per sighting and candidate: `sighting_id`, `gap_id`, `scene_id` (the sighting's own name where it has no
        scene), `mmsi` (true), `time`, `p`, `y` (the true candidate), `gap` (not nobody), `dark`, `dark_true` (dark and
        y), `top1` (more likely than every other candidate), `unknown_or_dark` (nobody, for a sighting of either),
        `lit` (the row that is true, of a sighting that is not dark), `p_gap` (largest p of the sighting's gaps).

    Raises
    ------
    SchemaError
        A table is not what it should be, or a sighting occurs twice.
    """
    seen = one_row_each(complete(sightings, SIGHTINGS), ("sighting_id",), SIGHTINGS)
    true = one_row_each(complete(truth_sightings, TRUTH_SIGHTINGS), ("sighting_id",), TRUTH_SIGHTINGS)
    seen = seen[["sighting_id", "timestamp", "scene_id"]].merge(true, on="sighting_id")
    seen["true_gap"] = gaps_of_ships(seen, complete(gaps, GAPS))
    rows = _candidates(seen, complete(links, LINKS)).merge(seen, on="sighting_id")
    gap = rows["gap_id"].notna()
    dark = rows["true_gap"].notna()
    y = rows["gap_id"].eq(rows["true_gap"]).where(dark, ~gap).astype(bool)
    p_true = rows["p"].where(y).groupby(rows["sighting_id"]).transform("max")
    rivals = (rows["p"] >= p_true).groupby(rows["sighting_id"]).transform("sum")
    return pd.DataFrame(
        {
            "sighting_id": rows["sighting_id"],
            "gap_id": rows["gap_id"],
            "scene_id": rows["scene_id"].fillna(rows["sighting_id"]),
            "mmsi": rows["mmsi"],
            "time": rows["timestamp"],
            "p": rows["p"],
            "y": y,
            "gap": gap,
            "dark": dark,
            "dark_true": dark & y,
            "top1": y & (rivals == 1) & (rows["p"] > 0),
            "unknown_or_dark": ~gap & (dark | rows["what"].eq("unknown_ship")),
            "lit": ~dark & y,
            "p_gap": rows["p"].where(gap, 0.0).groupby(rows["sighting_id"]).transform("max"),
        }
    )


def answers_ships(links: Any, *, gaps: Any, sightings: Any, ships: pd.DataFrame) -> pd.DataFrame:
    """Put the candidates of each silent ship in each scene beside the truth.

    Parameters
    ----------
    links : LINKS table
        What the sightings of a scene leave of a gap is the probability that its ship was missed.
    gaps : GAPS table
    sightings : SIGHTINGS table
    ships : DataFrame
        Every ship of known number that lay in a scene: `scene_id`, `timestamp`, `mmsi`, and `sighting_id`, null where
        it was missed. Ships without a gap at the time were broadcasting, and are not asked about.

    Returns
    -------
    DataFrame
        One row per ship, scene and candidate: `scene_id`, `gap_id`, `mmsi`, `sighting_id` (null: missed), `p`, `y`,
        `sighting` (not missed), `top1` (more likely than every other candidate), `first` (the likeliest candidate,
        missed before sightings where they are alike).
    """
    seen = complete(sightings, SIGHTINGS)[["sighting_id", "scene_id"]]
    asked = ships.assign(gap_id=gaps_of_ships(ships, complete(gaps, GAPS)))
    asked = asked[asked["gap_id"].notna()].reset_index(drop=True)
    key = ["gap_id", "scene_id"]
    named = complete(links, LINKS)[["gap_id", "sighting_id", "p_link"]].dropna(subset=["gap_id", "sighting_id"])
    named = named.merge(seen, on="sighting_id").merge(asked[key], on=key)
    left = asked[key].merge(named.groupby(key)["p_link"].sum().reset_index(), on=key, how="left")
    missed = left.assign(sighting_id=None, p_link=np.clip(1.0 - left["p_link"].fillna(0.0), 0.0, 1.0))
    true = asked[[*key, "sighting_id"]].assign(p_link=0.0)
    rows = pd.concat([missed.astype({"sighting_id": "str"}), named, true], ignore_index=True)
    rows = rows.groupby([*key, "sighting_id"], dropna=False)["p_link"].sum().rename("p").reset_index()
    rows = rows.merge(asked.rename(columns={"sighting_id": "true"}), on=key)
    y = (rows["sighting_id"].eq(rows["true"]) | (rows["sighting_id"].isna() & rows["true"].isna())).astype(bool)
    group = [rows[name] for name in key]
    p_true = rows["p"].where(y).groupby(group).transform("max")
    rivals = (rows["p"] >= p_true).groupby(group).transform("sum")
    order = rows.assign(missed=rows["sighting_id"].isna()).sort_values(
        [*key, "p", "missed", "sighting_id"], ascending=[True, True, False, False, True]
    )
    return rows[["scene_id", "gap_id", "mmsi", "sighting_id", "p"]].assign(
        y=y,
        sighting=rows["sighting_id"].notna(),
        top1=y & (rivals == 1) & (rows["p"] > 0),
        first=~order.duplicated(key).reindex(rows.index),
    )


def gaps_of_ships(seen: pd.DataFrame, gaps: pd.DataFrame) -> np.ndarray:
    """Gap that each ship lies in at its time, null without one; of several, the one that began last.

    Parameters
    ----------
    seen : DataFrame
        `mmsi` (may be null), `timestamp`.
    gaps : GAPS table

    Returns
    -------
    ndarray of object, shape (n,)
        Values of `gap_id`.
    """
    known = seen[seen["mmsi"].notna()]
    at = time_us(known["timestamp"])
    order = gaps.sort_values(["gap_start", "gap_id"], kind="stable")
    sighting, gap, _ = overlaps(
        known["mmsi"].to_numpy("int64"), at, at + 1,
        order["mmsi"].to_numpy(), time_us(order["gap_start"]) + 1, end_us(order["gap_end"]),
    )  # fmt: skip
    found = pd.Series(gap).groupby(known.index.to_numpy()[sighting]).max()
    return order["gap_id"].reset_index(drop=True).reindex(found.reindex(seen.index)).to_numpy()


def _candidates(seen: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Probability of each sighting and gap, null for nobody; the true gap and nobody are always there."""
    named = links.loc[links["sighting_id"].isin(seen["sighting_id"]), ["sighting_id", "gap_id", "p_link"]]
    true = seen[["sighting_id", "true_gap"]].rename(columns={"true_gap": "gap_id"})
    rows = pd.concat([named, true.assign(p_link=0.0), true.assign(gap_id=None, p_link=0.0)], ignore_index=True)
    rows["gap_id"] = rows["gap_id"].astype("str")
    grouped = rows.groupby(["sighting_id", "gap_id"], dropna=False)["p_link"]
    return grouped.sum().rename("p").reset_index()


def _brier_of_many(p: np.ndarray, y: np.ndarray) -> float:
    """Squared differences summed over the candidates, averaged over the sightings (Brier 1950, from 0 to 2)."""
    return float(np.sum((p - y) ** 2) / np.sum(y)) if np.any(y) else np.nan


def _false_links(p: np.ndarray) -> float:
    return mean(p >= LINKED)


def _ratio_where_sure(p: np.ndarray, y: np.ndarray) -> float:
    """Share of true ones over the mean probability, of those from 0.9 on."""
    sure = p >= SURE
    return mean(y[sure]) / mean(p[sure]) if sure.any() else np.nan


def _error_in_tenths(p: np.ndarray, y: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    if len(p) == 0:
        return np.nan
    tenth = np.minimum((p * _BINS).astype("int64"), _BINS - 1)
    return float(np.abs(np.bincount(tenth, p) - np.bincount(tenth, y)).sum() / len(p))


METRICS = (
    Metric("top1", mean, 1.0, 0.0, ("top1",), "dark_true"),
    Metric("top1_all_sightings", mean, 1.0, 0.0, ("top1",), "y"),
    Metric("precision_at_0.5", partial(precision, at=0.5), 1.0, 0.0, among="gap"),
    Metric("recall_at_0.5", partial(recall, at=0.5), 1.0, 0.0, among="gap"),
    Metric("precision_at_0.9", partial(precision, at=0.9), 1.0, 0.0, among="gap"),
    Metric("recall_at_0.9", partial(recall, at=0.9), 1.0, 0.0, among="gap"),
    Metric("brier", _brier_of_many, 0.0, 1.0, among="dark"),
    Metric("log_loss", log_loss, 0.0, float(-np.log(LEAST)), among="dark_true"),
    # An empty answer leaves only the true candidates to judge.
    Metric("ece", calibration_error, 0.0, 1.0, among="gap"),
    Metric("auc_unknown", area_under_roc, 1.0, 0.5, among="unknown_or_dark"),
)
ALARMS = (Metric("false_links_of_others", _false_links, 0.0, 0.0, ("p_gap",), "lit"),)
"""Sightings of nobody or of broadcasting ships that were given to a gap: what silence avoids as well as the truth."""
SHIP_METRICS = (
    Metric("top1_of_ships", mean, 1.0, 0.0, ("top1",), "y"),
    Metric("log_loss_of_ships", log_loss, 0.0, float(-np.log(LEAST)), among="y"),
    Metric("brier_of_ships", _brier_of_many, 0.0, 2.0),
    Metric("precision_of_ships_at_0.5", partial(precision, at=LINKED), 1.0, 0.0, among="sighting"),
    Metric("recall_of_ships_at_0.5", partial(recall, at=LINKED), 1.0, 0.0, among="sighting"),
    Metric("precision_of_ships_at_0.9", partial(precision, at=SURE), 1.0, 0.0, among="sighting"),
    Metric("recall_of_ships_at_0.9", partial(recall, at=SURE), 1.0, 0.0, among="sighting"),
    Metric("ece_of_pairs", _error_in_tenths, 0.0, 1.0, among="sighting"),
    Metric("ece_of_first", _error_in_tenths, 0.0, 1.0, among="first"),
    Metric("true_over_expected_from_0.9", _ratio_where_sure, 1.0, 0.0, among="sighting"),
)
"""Of `answers_ships`: silent ships in scenes, each with its sightings and "missed"."""


def evaluate_links(
    links: Any, *, gaps: Any, sightings: Any, truth_sightings: Any, draws: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Judge links.

    Parameters
    ----------
    links, gaps, sightings, truth_sightings
        See `answers_links`.
    draws, seed : int
        See `evaluate`; whole scenes are drawn.

    Returns
    -------
    DataFrame
        Scores.
    """
    answers = answers_links(links, gaps=gaps, sightings=sightings, truth_sightings=truth_sightings)
    return evaluate(answers, METRICS + ALARMS, draws=draws, seed=seed, by=BY)
