"""The transfer score: additive log-likelihood ratios with caps, a stated prior, and sentences for each.

The ports of one gap exclude each other: their posteriors and that of "no transfer" sum to 1. No list of sanctioned
ships enters; what a list says is joined afterwards and stays apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.rules.scoring import ScoreRule
from darkvoyage.schema.conform import as_frame, complete, conform, empty, finish
from darkvoyage.schema.tables import GAPS, LINKS, PORT_CALLS, SILENCES, TRANSFERS, VESSELS
from darkvoyage.scoring.evidence import EVIDENCE, gather
from darkvoyage.scoring.sentences import innocent_explanations, reasons

__all__ = ["score_transfers"]

_GRADES = ("insufficient", "possible", "likely", "highly likely")
_POOL_ROUNDS = 20
_POSSIBLE, _LIKELY, _HIGHLY_LIKELY = 0.2, 0.5, 0.9


def score_transfers(
    gaps: Any, *, silences: Any, port_calls: Any, links: Any = None, vessels: Any = None, rule: ScoreRule | None = None
) -> pd.DataFrame:
    """Score each gap and sensitive port in reach as a suspected undeclared transfer.

    Parameters
    ----------
    gaps : GAPS table
    silences : SILENCES table
    port_calls : PORT_CALLS table
        Rows of ports marked `sensitive`; all ports where that column is absent.
    links : LINKS table, optional
    vessels : VESSELS table, optional
        Laden draughts and IMO numbers.
    rule : ScoreRule, optional

    Returns
    -------
    TRANSFERS table
        `prior` = the rule's prior, shared by the sensitive ports in reach as far as all gaps together point to them;
        `p_transfer` = posterior under it; `llr_total` = sum of the capped `llr_*`; `score` = 100 times the
        posterior under the rule's whole prior, monotone in `llr_total`. Grades: possible from 0.2, likely from 0.5 and
        highly likely from 0.9, the last two only if at least two kinds of evidence speak for it; else insufficient.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or ScoreRule()
    table = complete(gaps, GAPS)
    heard, calls = complete(silences, SILENCES), _calls(port_calls)
    seen = complete(links, LINKS) if links is not None else None
    evidence = gather(table, heard, calls, seen, _ships(table, vessels), rule)
    if len(evidence) == 0:
        return empty(TRANSFERS)
    total = evidence[list(EVIDENCE)].sum(axis=1).to_numpy()
    gap, port = pd.factorize(evidence["gap_id"])[0], pd.factorize(evidence["port_id"])[0]
    prior = _pooled_prior(gap, port, evidence["prior"].to_numpy(), total, rule)
    evidence = evidence.assign(prior=prior, llr_total=total, p_transfer=_joint_posterior(gap, prior, total, rule))
    facts = table[["gap_id", "mmsi", "track_id", "gap_start", "gap_end", "duration_h"]]
    evidence = evidence.merge(facts.assign(imo=_imo(table, vessels)), on="gap_id", how="left")
    logit = np.log(rule.prior) - np.log1p(-rule.prior)
    return finish(
        evidence[[name for name in TRANSFERS.names if name in evidence]].assign(
            score=100.0 / (1.0 + np.exp(-(total + logit))),
            reasons=reasons(evidence, rule),
            innocent_explanations=innocent_explanations(evidence, calls),
            evidence_grade=_grade(evidence, rule),
        ),
        TRANSFERS,
    )


def _calls(port_calls: Any) -> pd.DataFrame:
    """Port calls with all columns; without the flag every port counts as sensitive, the caller has chosen them."""
    unmarked = "sensitive" not in as_frame(port_calls, PORT_CALLS).columns
    calls = complete(port_calls, PORT_CALLS)
    return calls.assign(sensitive=calls["port_id"].notna().astype("boolean")) if unmarked else calls


def _ships(gaps: pd.DataFrame, vessels: Any) -> pd.DataFrame:
    """Laden draught and type of the ship of each gap; the register wins over what the gap's fixes said."""
    said = complete(gaps, GAPS)["ship_type"].reset_index(drop=True)
    if vessels is None:
        return pd.DataFrame({"draught_max_m": np.nan, "ship_type": said})
    known = complete(vessels, VESSELS).drop_duplicates("mmsi").set_index("mmsi").reindex(gaps["mmsi"]).reset_index()
    return pd.DataFrame({"draught_max_m": known["draught_max_m"], "ship_type": known["ship_type"].fillna(said)})


def _imo(gaps: pd.DataFrame, vessels: Any) -> pd.Series:
    imo = gaps["imo"] if "imo" in gaps else pd.Series(pd.NA, index=gaps.index, dtype="Int64")
    if vessels is None or "imo" not in (ships := conform(vessels, VESSELS)):
        return imo
    return imo.fillna(gaps["mmsi"].map(ships.drop_duplicates("mmsi").set_index("mmsi")["imo"]).astype("Int64"))


def _joint_posterior(gap: np.ndarray, prior: np.ndarray, total: np.ndarray, rule: ScoreRule) -> np.ndarray:
    """Posterior of each port of a gap beside the others and none: prior exp(llr), normalised over the gap."""
    weight = prior * np.exp(total)
    return weight / (1.0 - rule.prior + np.bincount(gap, weight)[gap])


def _pooled_prior(
    gap: np.ndarray, port: np.ndarray, prior: np.ndarray, total: np.ndarray, rule: ScoreRule
) -> np.ndarray:
    """Share of each port in its gap's prior, learned from all gaps (empirical Bayes, expectation-maximisation).

    A port that the evidence of many gaps points to is likelier in the next. The prior of a gap as a whole stays as it
    is, so pooling moves probability between ports and never creates it; `rule.pool_calls` calls as usual hold it back.
    """
    share = prior / rule.prior
    pooled = prior
    for _ in range(_POOL_ROUNDS):
        posterior = _joint_posterior(gap, pooled, total, rule)
        usual = share * np.bincount(gap, posterior)[gap]
        lift = (rule.pool_calls + np.bincount(port, posterior)) / (rule.pool_calls + np.bincount(port, usual))
        weight = share * lift[port]
        pooled = rule.prior * weight / np.bincount(gap, weight)[gap]
    return pooled


def _grade(evidence: pd.DataFrame, rule: ScoreRule) -> np.ndarray:
    p = evidence["p_transfer"].to_numpy()
    kinds = (evidence[list(EVIDENCE)] > rule.reason_llr).sum(axis=1).to_numpy()
    level = np.searchsorted([_POSSIBLE, _LIKELY, _HIGHLY_LIKELY], p, side="right")
    return np.array(_GRADES)[np.where(kinds >= 2, level, np.minimum(level, 1))]
