"""How far the judgement on silences may be trusted on a feed of one's own: one call, no labels.

The feed's own tracks are masked (`masking`), judged by models that never saw the vessel (`judging`), and the judgement
is laid beside what is known to be true. All figures are at even odds, because half of the judged silences are masks.
"""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.gaps.head import SilenceHead
from darkvoyage.gaps.head_fit import fit_silence_head
from darkvoyage.gaps.hiding import cleaned
from darkvoyage.gaps.masking import PROTOCOLS, Masked, mask_outages, mask_silences
from darkvoyage.gaps.reception import fit_reception
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.sources import is_source
from darkvoyage.io.store import Store, open_store
from darkvoyage.io.store_manifest import is_store
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.scoring.evaluation.judging import judge_masks, silence_runs
from darkvoyage.scoring.evaluation.metrics import Metric, area_under_roc, evaluate, mean, reliability_table
from darkvoyage.scoring.evaluation.silences import METRICS
from darkvoyage.scoring.evaluation.trust import FEW, trust_sentences

__all__ = ["HORIZONS_H", "JUDGES", "SilenceValidation", "score_answers", "strata_of", "validate_silence"]

HORIZONS_H = (1.0, 2.0, 4.0, 8.0, 24.0)
"""Horizons of the law of silence [h]."""
JUDGES = {
    "p_off": "p",
    "p_off, durations told": "p_told",
    "p_off, learned head": "p_head",
    "1 - p_silence_if_on": "p_heard",
    "duration": "p_duration",
    "pre-gap count": "p_pre_gap",
    "cell rate": "p_cell",
}
"""What is shown side by side, and the column of `judge_masks` that holds it."""

_PROBABILITIES = ("p_off", "p_off, durations told", "p_off, learned head")
_RANKING = tuple(metric for metric in METRICS if metric.name.startswith("auc"))
_LAW = (
    Metric("predicted", lambda p, y: mean(p), lambda p, y: mean(y), 0.0),
    Metric("observed", lambda p, y: mean(y), lambda p, y: mean(y), 0.0),
    Metric("ratio", lambda p, y: mean(p) / mean(y) if np.any(y) else np.nan, 1.0, 0.0),
)
_MOST_BINS = 15
_SHOWN = {"auc": "AUC", "auc_same_duration": "AUC, same duration", "average_precision": "AP", "brier": "Brier",
          "ece": "ECE", "recall_at_5_percent_false": "recall at 5 % false"}  # fmt: skip


@dataclass(frozen=True, repr=False)
class SilenceValidation:
    """How the judgement on silences stands the test on a feed.

    Parameters
    ----------
    scores : DataFrame
        `protocol`, `judge` (see `JUDGES`), and the columns of `evaluate`; intervals are 95 %, over vessels.
    reliability : DataFrame
        `protocol` and the columns of `reliability_table`, for `p_off`.
    silence_law : DataFrame
        `horizon_h`, and `predicted`, `observed` share of silences after a reception with their `ratio` and its
        interval `ratio_low`, `ratio_high`; `n` receptions, `silent` of them observed.
    strata : DataFrame
        `protocol`, `by`, `stratum`, `n`, `masked` (share), `p_mean`, `auc` of `p_off`.
    trust : tuple of str
        What follows from the figures, in sentences.
    answers : DataFrame
        The judged silences, one below the other for all protocols; see `judge_masks`.
    """

    scores: pd.DataFrame
    reliability: pd.DataFrame
    silence_law: pd.DataFrame
    strata: pd.DataFrame
    trust: tuple[str, ...]
    answers: pd.DataFrame

    def plot(self) -> Any:
        """Draw how p_off stands to what was hidden, and how well it ranks by duration.

        Returns
        -------
        matplotlib Figure
        """
        from darkvoyage.report.reliability import reliability_figure

        return reliability_figure(self.reliability, self.strata)

    def __str__(self) -> str:
        parts = []
        for protocol, rows in self.scores.groupby("protocol", sort=False):
            pairs = int(self.answers.loc[self.answers["protocol"] == protocol, "y"].sum())
            parts.append(f"{protocol}: {pairs} hidden silences, each beside a natural one of the same duration")
            parts.append(_shown(rows).to_string() + "\n")
        parts.append("P(silent) after a reception, predicted and observed")
        parts.append(self.silence_law.to_string(index=False, float_format=lambda value: f"{value:.3g}") + "\n")
        return "\n".join([*parts, *(f"- {sentence}" for sentence in self.trust)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from darkvoyage.report.reliability import reliability_svg

        tables = [
            f"<h4>{html.escape(str(protocol))}</h4>{_shown(rows).to_html()}"
            for protocol, rows in self.scores.groupby("protocol", sort=False)
        ]
        sentences = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.trust)
        figure = reliability_svg(self.reliability, self.strata)
        return "".join([*tables, f'<div style="max-width:60em">{figure}</div>', f"<ul>{sentences}</ul>"])


def validate_silence(
    fixes: Any, *, protocols: Sequence[str] = ("cell", "vessel"), min_gap_h: float | None = None, seed: int = 0,
    draws: int = 200, rule: ReceptionRule | None = None, with_head: bool = False,
) -> SilenceValidation:  # fmt: skip
    """Hide stretches of the feed's own tracks, and see whether they are told from its natural gaps.

    Parameters
    ----------
    fixes : FIXES table, store, or path, glob, file object or list of these
        What `find_gaps` takes; it is held in memory.
    protocols : sequence of {"cell", "vessel", "uniform", "outage"}
        Where masks start, see `mask_silences`. "outage": the natural gaps are made too, by `mask_outages`, and masks
        start in their cells.
    min_gap_h : float, optional
        Shortest silence that is judged [h]; None: that of the rule. 2 h give more cases.
    seed : int
        Of masks, folds and intervals.
    draws : int
        Bootstrap draws over vessels.
    rule : ReceptionRule, optional
        As used for the judgement; its prior is replaced by even odds.
    with_head : bool
        Also learn a head from the feed as it is, and show what it adds to the law. Judged on vessels that its trees do
        not know, as everything here. Takes a feed with enough gaps, see `fit_silence_head`, and most of the time.

    Returns
    -------
    SilenceValidation
        `print` it for tables and sentences. A feed with too few gaps says so there.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        An option is out of its bounds.
    """
    rule = rule or ReceptionRule()
    min_gap_h = rule.min_gap_h if min_gap_h is None else min_gap_h
    known = (*PROTOCOLS, "outage")
    if isinstance(protocols, str) or not protocols or not set(protocols) <= set(known):
        raise RuleError(f"protocols = {protocols!r}: expected one or several of {', '.join(known)}")
    table = cleaned(_held(fixes))
    # Learned before anything is hidden: what is natural to it is natural here.
    head = _head(table, dataclasses.replace(rule, min_gap_h=min_gap_h), seed) if with_head else None
    masked = {protocol: _masked(table, protocol, min_gap_h, seed) for protocol in protocols}
    parts = [judge_masks(one, min_gap_h=min_gap_h, rule=rule, seed=seed, head=head) for one in masked.values()]
    answers = pd.concat([part.assign(protocol=name) for name, part in zip(masked, parts, strict=True)])
    answers = answers.astype({"protocol": "str"}).reset_index(drop=True)
    scores = score_answers(answers, protocols, draws=draws, seed=seed)
    law = _silence_law(table, rule, draws, seed)
    strata = strata_of(answers, protocols)
    reliability = _each(answers, protocols, _bins)
    sentences = trust_sentences(scores, reliability, strata, law, protocols=protocols, prior=rule.p_off_prior)
    vessels = table["mmsi"].nunique()
    if vessels == 1:
        sentences += ("One vessel only: it was judged by a model that had learned from it, and there is no interval.",)
    elif vessels < FEW:
        sentences += (f"{vessels} vessels only: intervals over so few are rough.",)
    return SilenceValidation(scores, reliability, law, strata, sentences, answers)


def score_answers(answers: pd.DataFrame, protocols: Sequence[str], *, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """Score everything in `JUDGES`, protocol by protocol.

    Parameters
    ----------
    answers : DataFrame
        From `judge_masks`, of one or several protocols and worlds.
    protocols : sequence of str
    draws, seed : int
        See `evaluate`.

    Returns
    -------
    DataFrame
        See `SilenceValidation`.
    """
    parts = []
    for protocol in protocols:
        rows = answers[answers["protocol"] == protocol]
        for judge, column in JUDGES.items():
            if column not in answers:
                continue
            metrics = METRICS if judge in _PROBABILITIES else _RANKING
            table = evaluate(rows.assign(p=rows[column]), metrics, draws=draws, seed=seed)
            table.insert(0, "protocol", protocol)
            table.insert(1, "judge", judge)
            parts.append(table)
    return pd.concat(parts, ignore_index=True).astype({"protocol": "str", "judge": "str"})


def strata_of(answers: pd.DataFrame, protocols: Sequence[str]) -> pd.DataFrame:
    """Break the judgement down by duration, class and heard neighbours.

    Parameters
    ----------
    answers : DataFrame
        From `judge_masks`.
    protocols : sequence of str

    Returns
    -------
    DataFrame
        See `SilenceValidation`.
    """
    keys = {
        "duration": pd.cut(answers["duration_h"], [0, 2, 6, 12, np.inf], labels=["1-2 h", "2-6 h", "6-12 h", "> 12 h"]),
        "class": answers["ais_class"].fillna("unknown"),
        "neighbours": pd.cut(answers["neighbours_heard"], [-1, 0, 4, np.inf], labels=["none", "1-4", "5 or more"]),
    }
    return _each(answers, protocols, lambda rows: _strata(rows, {by: key.loc[rows.index] for by, key in keys.items()}))


def _strata(rows: pd.DataFrame, keys: dict[str, pd.Series]) -> pd.DataFrame:
    out = [
        {
            "by": by,
            "stratum": str(stratum),
            "n": len(part),
            "masked": part["y"].mean(),
            "p_mean": part["p"].mean(),
            "auc": area_under_roc(part["p"].to_numpy(), part["y"].to_numpy()),
        }
        for by, key in keys.items()
        for stratum, part in rows.groupby(key, sort=True, observed=True)
    ]
    return pd.DataFrame(out, columns=["by", "stratum", "n", "masked", "p_mean", "auc"])


def _bins(rows: pd.DataFrame) -> pd.DataFrame:
    bins = int(np.clip(len(rows) // FEW, 1, _MOST_BINS))
    return reliability_table(rows["p"].to_numpy(), rows["y"].to_numpy(), bins=bins)


def _each(answers: pd.DataFrame, protocols: Sequence[str], function: Any) -> pd.DataFrame:
    """Apply a function to the answers of each protocol."""
    parts = []
    for protocol in protocols:
        table = function(answers[answers["protocol"] == protocol])
        table.insert(0, "protocol", protocol)
        parts.append(table)
    return pd.concat(parts, ignore_index=True).astype({"protocol": "str"})


def _held(fixes: Any) -> Any:
    if isinstance(fixes, (str, os.PathLike)) and is_store(Path(fixes)):
        return open_store(Path(fixes))
    return read_fixes(fixes) if is_source(fixes) and not isinstance(fixes, Store) else fixes


def _head(table: pd.DataFrame, rule: ReceptionRule, seed: int) -> SilenceHead:
    return fit_silence_head(table, fit_reception(table, rule=rule), seed=seed)


def _masked(table: pd.DataFrame, protocol: str, min_gap_h: float, seed: int) -> Masked:
    if protocol != "outage":
        return mask_silences(table, protocol=protocol, min_gap_h=min_gap_h, seed=seed)
    outages = mask_outages(table, min_gap_h=min_gap_h, seed=seed)
    made = outages.silences["mask_id"]
    return mask_silences(outages.fixes, protocol="cell", min_gap_h=min_gap_h, seed=seed, natural=made)


def _silence_law(table: pd.DataFrame, rule: ReceptionRule, draws: int, seed: int) -> pd.DataFrame:
    runs = silence_runs(table, horizons_h=HORIZONS_H, rule=rule, seed=seed)
    out = []
    for hours in HORIZONS_H:
        rows = runs[runs["horizon_h"] == hours]
        scores = evaluate(rows, _LAW, draws=draws, seed=seed).set_index("metric")
        values = scores["value"].to_dict() | {
            "ratio_low": scores.loc["ratio", "low"],
            "ratio_high": scores.loc["ratio", "high"],
        }
        out.append({"horizon_h": hours} | values | {"n": len(rows), "silent": int(rows["y"].sum())})
    return pd.DataFrame(out)


def _shown(scores: pd.DataFrame) -> pd.DataFrame:
    """Figures of one protocol, with their intervals, as text: a row per judge, a column per metric."""
    shown = scores[scores["metric"].isin(_SHOWN)]
    known = shown["value"].notna()
    texts = shown["value"].map("{:.3f}".format).where(known, "-")
    spread = " (" + shown["low"].map("{:.3f}".format) + "-" + shown["high"].map("{:.3f}".format) + ")"
    table = shown.assign(text=texts + spread.where(known & shown["low"].notna(), ""))
    wide = table.set_index(["judge", "metric"])["text"].unstack("metric")  # noqa: PD010
    wide = (
        wide.reindex(index=[judge for judge in JUDGES if judge in wide.index], columns=list(_SHOWN))
        .rename(columns=_SHOWN)
        .fillna("")
    )
    return wide.rename_axis(index=None, columns=None)
