"""The judgement on a gap: would a transmitting ship have gone unheard there and then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.gaps.durations import log_lasting
from darkvoyage.gaps.head import SilenceHead
from darkvoyage.gaps.paths import facts_along, judged_hours, silence_facts
from darkvoyage.gaps.reception import ReceptionModel
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import GAPS, SILENCES

__all__ = ["score_silence", "silence_facts"]

_WRONG_VESSELS, _WRONG_SHARE = 3, 0.2
"""So many vessels near the path, in so large a share of their windows, without a position that can be trusted."""
_ELSEWHERE_WINDOWS = 3
"""Windows in which the same MMSI was heard on another track: a false track, or another ship."""
_COMMANDED_H = 0.25
"""A base station may command quiet times of up to 15 min (message 23, ITU-R M.1371): as long is never evidence."""
_TINY = 1e-300
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
        From `fit_silence_head`: it then takes the place of the law for closed gaps, within the same caps, and the
        durations of switch-offs are set against those of the feed's natural gaps. Open gaps stay with the law.

    Returns
    -------
    SILENCES table
        `expected_fixes` at the feed's number of fixes per reception expected; `p_off` = prior x likelihood ratio;
        `reason` is one of `no_position`, `too_short` (up to 15 min, as a shore station may command), `feed_outage`
        (nobody was heard anywhere), `heard_elsewhere` (the same MMSI was on another track meanwhile), `jamming`
        (positions of others near the path were lost or false, as that of a ship which went on transmitting may have
        been), `coverage_unverified` (nobody else was heard near the path), `neighbours_silent` (others near the path
        fell silent too), `reception_poor`, `expected_to_be_heard`.

    Raises
    ------
    SchemaError
        The table is not GAPS.
    """
    table = complete(gaps, GAPS)
    if len(table) == 0:
        return empty(SILENCES)
    return _judge(table, facts_along(table, reception, edges=head is not None), reception, head)


def _judge(table: pd.DataFrame, facts: pd.DataFrame, model: ReceptionModel, head: SilenceHead | None) -> pd.DataFrame:
    rule = model.rule
    located = (table["start_lat"].notna() & table["start_lon"].notna()).to_numpy()
    closed, duration = table["is_closed"].to_numpy(), judged_hours(table, rule)
    expected, windows = facts["expected"].to_numpy(), facts["windows"].to_numpy()
    hours, level = windows * model.window_min / 60.0, expected / np.maximum(windows, 1)
    p_silence = model.law.silent(expected, hours, level)
    # As a ship is usually heard there: when it comes back, reception tells as much of the one cause as of the other.
    usual = facts["expected_cell"].to_numpy() * facts["own"].to_numpy() / np.maximum(windows, 1)
    later = model.law.silent(expected + np.maximum(usual, 1e-3), hours + model.window_min / 60.0, level)
    chance = np.where(closed, (p_silence - later) * 60.0 / model.window_min, p_silence)
    off = log_lasting(duration, closed, rule.off_median_h, rule.off_sigma, rule.min_gap_h)
    weight = off - np.log(np.maximum(chance, _TINY) / model.listed_silence)
    if head is not None:
        usually = log_lasting(duration, closed, head.natural_median_h, head.natural_sigma, rule.min_gap_h)
        learned = head.llr(table, facts, model) + off - usually
        weight = np.where(np.isnan(learned), weight, learned)
    # Where positions cannot be trusted, a silence of any length may be that of a ship which went on transmitting.
    elsewhere = (facts["heard_elsewhere"] >= _ELSEWHERE_WINDOWS).to_numpy()
    jammed = np.where(facts["neighbours_wrong"] >= _WRONG_VESSELS, facts["wrong_share"], 0.0)
    explained = np.where(elsewhere, 1.0, jammed)
    weight = -np.log(np.maximum((1.0 - explained) * np.exp(-np.clip(weight, -700.0, 700.0)) + explained, _TINY))
    # A ship that never came back may have left the covered area: its way is not known.
    cap = np.select(
        [closed & (facts["neighbours_heard"] >= rule.heard_neighbours), closed & (facts["neighbours_heard"] >= 1)],
        [_CAP_VERIFIED, _CAP_USUAL],
        _CAP_UNVERIFIED,
    )
    short = (table["duration_h"] <= _COMMANDED_H).to_numpy()
    llr = np.where(located, np.clip(weight, -cap, np.where(short, 0.0, cap)), 0.0)
    logit = np.log(rule.p_off_prior) - np.log1p(-rule.p_off_prior) + llr
    reason = np.select(
        [
            ~located,
            short,
            facts["feed"] < 0.2,
            elsewhere,
            jammed >= _WRONG_SHARE,
            facts["neighbours_heard"] == 0,
            facts["factor_mean"] < 0.4,
            p_silence >= 0.05,
        ],
        [
            "no_position",
            "too_short",
            "feed_outage",
            "heard_elsewhere",
            "jamming",
            "coverage_unverified",
            "neighbours_silent",
            "reception_poor",
        ],
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
