"""The judgement on a gap: would a transmitting ship have gone unheard there and then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import ReceptionRule
from darkvoyage.gaps.head import SilenceHead
from darkvoyage.gaps.paths import facts_along, judged_hours, silence_facts
from darkvoyage.gaps.reception import ReceptionModel
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import GAPS, SILENCES

__all__ = ["score_silence", "silence_facts"]

_CAP_VERIFIED, _CAP_USUAL, _CAP_UNVERIFIED = np.log(300.0), np.log(100.0), np.log(20.0)


def score_silence(gaps: Any, reception: ReceptionModel, *, head: SilenceHead | None = None) -> pd.DataFrame:
    """Judge each gap against the reception of its own feed.

    The ship is placed on the great circle between the gap's ends (an open gap: at its start); along it the usual rate
    of the cells, the contemporaneous factor of the other vessels and the ship's own factor give the number of windows
    in which it should have been heard. The log-likelihood ratio compares the density of the gap's duration if the ship
    switched off (log-normal) with that if it went on transmitting (`SilenceLaw`), given that the gap was long enough to
    be listed: on the chance side with the feed's average gap, so that a gap where reception is good weighs more; it is
    capped at ln 300 with several heard neighbours, ln 100 else, ln 20 with none or where the gap is still open.

    Parameters
    ----------
    gaps : GAPS table
    reception : ReceptionModel
    head : SilenceHead, optional
        From `fit_silence_head`: it then says how much the silence of a closed gap weighs, within the same caps. Open
        gaps stay with the law.

    Returns
    -------
    SILENCES table
        `expected_fixes` at the feed's number of fixes per reception expected; `p_off` = prior x likelihood ratio;
        `reason` is one of `no_position`, `coverage_unverified` (nobody else was heard near the path), `feed_outage`
        (nobody was heard anywhere), `neighbours_silent` (others near the path fell silent too), `reception_poor`,
        `expected_to_be_heard`.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    table = complete(gaps, GAPS)
    if len(table) == 0:
        return empty(SILENCES)
    return _judge(table, facts_along(table, reception), reception, head)


def _judge(table: pd.DataFrame, facts: pd.DataFrame, model: ReceptionModel, head: SilenceHead | None) -> pd.DataFrame:
    rule = model.rule
    located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
    closed, duration = table["is_closed"].to_numpy(), judged_hours(table, rule)
    expected, hours = facts["expected"].to_numpy(), facts["windows"].to_numpy() * model.window_min / 60.0
    level = expected / np.maximum(facts["windows"].to_numpy(), 1)
    p_silence = model.law.silent(expected, hours, level)
    on = _log_on(expected, hours, level, facts, closed, model)
    off = _log_off(duration, closed, rule)
    # A ship that never came back may have left the covered area: its way is not known.
    cap = np.select(
        [closed & (facts["neighbours_heard"] >= rule.heard_neighbours), closed & (facts["neighbours_heard"] >= 1)],
        [_CAP_VERIFIED, _CAP_USUAL],
        _CAP_UNVERIFIED,
    )
    weight = off - on
    if head is not None:
        learned = head.llr(table, facts, model)
        weight = np.where(np.isnan(learned), weight, learned)
    llr = np.where(located, np.clip(weight, -cap, cap), 0.0)
    logit = np.log(rule.p_off_prior) - np.log1p(-rule.p_off_prior) + llr
    reason = np.select(
        [
            ~located,
            facts["feed"] < 0.2,
            facts["neighbours_heard"] == 0,
            facts["factor_mean"] < 0.4,
            p_silence >= 0.05,
        ],
        ["no_position", "feed_outage", "coverage_unverified", "neighbours_silent", "reception_poor"],
        "expected_to_be_heard",
    )
    return finish(
        {
            "gap_id": table["gap_id"],
            "expected_fixes": np.where(located, expected * model.fixes_per_reception, np.nan),
            "neighbours_heard": facts["neighbours_heard"].astype("int64"),
            "p_silence_if_on": np.where(located, p_silence, np.nan),
            "llr_silence": llr,
            "p_off": 1 / (1 + np.exp(-logit)),
            "reason": reason,
        },
        SILENCES,
    )


def _log_on(
    expected: np.ndarray,
    hours: np.ndarray,
    level: np.ndarray,
    facts: pd.DataFrame,
    closed: np.ndarray,
    model: ReceptionModel,
) -> np.ndarray:
    """Log density (closed) or log survival (open) of the duration if the ship went on transmitting."""
    # As a ship is usually heard there: when it comes back, reception tells as much of the one cause as of the other.
    usual = facts["expected_cell"] / np.maximum(facts["windows"], 1) * facts["own"]
    density = model.law.end_density(expected, hours, level, np.maximum(usual.to_numpy(), 1e-3), model.window_min / 60.0)
    likelihood = np.where(closed, density, model.law.silent(expected, hours, level))
    return np.log(np.maximum(likelihood, 1e-300) / model.listed_silence)


def _log_off(duration: np.ndarray, closed: np.ndarray, rule: ReceptionRule) -> np.ndarray:
    """Log density (closed) or log survival (open) of the duration if the ship switched off."""
    from scipy.stats import lognorm

    law = lognorm(rule.off_sigma, scale=rule.off_median_h)
    given = law.logsf(np.minimum(rule.min_gap_h, duration))
    return np.where(closed, law.logpdf(duration), law.logsf(duration)) - given
