"""Where p_off may be trusted on a feed and where not, in sentences drawn from the figures."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["FEW", "trust_sentences", "within_two"]

FEW = 30
"""Fewer cases than this say too little: the 95 % interval of a share near one half is 36 points wide at 30."""

Row = dict[Hashable, Any]
Scores = dict[tuple[str, str], Row]


def trust_sentences(
    scores: pd.DataFrame, reliability: pd.DataFrame, strata: pd.DataFrame, law: pd.DataFrame, *,
    protocols: Sequence[str], prior: float,
) -> tuple[str, ...]:  # fmt: skip
    """Say what the tables of a `SilenceValidation` allow.

    Parameters
    ----------
    scores, reliability, strata, law : DataFrame
        Of a `SilenceValidation`.
    protocols : sequence of str
    prior : float
        `p_off_prior` with which the user's own judgements are made.

    Returns
    -------
    tuple of str
    """
    out: list[str] = []
    for protocol in protocols:
        own = {(row["judge"], row["metric"]): row for row in _rows(scores, protocol)}
        cases = own["p_off", "brier"]["n"]
        if cases < 2 * FEW:
            said: Iterator[str] = iter([f"{cases // 2} hidden silences are too few to say anything (under {FEW})."])
        else:
            said = _of_protocol(own, _rows(reliability, protocol), _rows(strata, protocol))
        out += [f"{protocol}: {sentence}" for sentence in said]
    out += _law(law)
    out.append(
        "Natural gaps may hide real switch-offs, which makes these figures look worse than they are; masks lie where "
        "the track was well heard, which makes them look better."
    )
    out.append(f"Figures are at even odds; p_off as it comes from the rule starts from a prior of {prior:g}.")
    return tuple(out)


def within_two(p: float, share: float) -> bool:
    """Whether neither a probability nor its complement is off by more than a factor of two."""
    return max(p, share) <= 2 * min(p, share) and 1 - min(p, share) <= 2 * (1 - max(p, share))


def _rows(table: pd.DataFrame, protocol: str) -> list[Row]:
    return table[table["protocol"] == protocol].to_dict("records")


def _of_protocol(own: Scores, bins: list[Row], strata: list[Row]) -> Iterator[str]:
    yield from _ranking(own)
    yield from _calibration(own, bins)
    yield from _strata(strata)


def _ranking(own: Scores) -> Iterator[str]:
    metric = "auc_same_duration"
    value, low, high = (own["p_off", metric][name] for name in ("value", "low", "high"))
    if np.isnan(value):
        yield "no two silences of the same duration to compare."
        return
    spread = f" ({low:.0%} to {high:.0%})" if np.isfinite(low) else ""
    yield (
        f"of two silences that last alike, the hidden one has the higher p_off in {value:.0%} of cases{spread}; "
        "chance would be 50%."
    )
    if low <= 0.5:
        yield "that p_off ranks better than chance is not certain."
    for judge in ("pre-gap count", "cell rate"):
        plain = own[judge, metric]["value"]
        if plain > value:
            yield f"the {judge} alone ranks better ({plain:.0%})."


def _calibration(own: Scores, bins: list[Row]) -> Iterator[str]:
    good = sum(within_two(row["p_mean"], row["y_mean"]) for row in bins)
    error, told = (own[judge, "ece"]["value"] for judge in ("p_off", "p_off, durations told"))
    yield (
        f"p_off lies within a factor of two of the hidden share in {good} of {len(bins)} bins (calibration error "
        f"{error:.2f})" + ("." if good == len(bins) else "; elsewhere do not read it as a probability.")
    )
    for side, part in groupby(bins, key=_side):
        rows = list(part)
        if side:
            number = sum(row["n"] for row in rows)
            share = sum(row["y_mean"] * row["n"] for row in rows) / number
            ends = sorted({f"{row['p_mean']:.2f}" for row in (rows[0], rows[-1])})
            yield f"too {side} around {' to '.join(ends)}: of the {number} silences there, {share:.0%} were hidden."
    if told < error / 1.5:
        yield (
            "much of the error is the assumed duration of switch-offs: told how long the hidden silences last, it is "
            f"{told:.2f}."
        )


def _side(row: Row) -> str:
    if within_two(row["p_mean"], row["y_mean"]):
        return ""
    return "low" if row["p_mean"] < row["y_mean"] else "high"


def _strata(strata: list[Row]) -> Iterator[str]:
    everything = sum(row["n"] for row in strata if row["by"] == "duration")
    few = [f"{row['by']} {row['stratum']} ({row['n']})" for row in strata if row["n"] < FEW]
    if few:
        yield f"too few to say for {', '.join(few)}."
    for row in strata:
        # A stratum that holds nearly everything repeats what was said of everything.
        if FEW <= row["n"] < 0.9 * everything and not within_two(row["p_mean"], row["masked"]):
            yield (
                f"{row['by']} {row['stratum']}: p_off is {row['p_mean']:.2f} on average, where {row['masked']:.0%} of "
                f"{row['n']} were hidden."
            )
        if (row["by"], row["stratum"]) == ("neighbours", "none"):
            yield (
                f"silences without a neighbour heard: {row['n']}. Their coverage is unverified, and p_off is no "
                "evidence there."
            )


def _law(law: pd.DataFrame) -> Iterator[str]:
    few = law[law["silent"] < FEW]
    known = law[law["silent"] >= FEW]
    good = known[known["ratio"].between(0.5, 2.0)]
    if len(good):
        yield f"Silences of {_hours(good)} h come as often as predicted, within a factor of two."
    for hours, ratio in zip(known["horizon_h"], known["ratio"].astype("float64"), strict=True):
        if ratio > 2:
            yield f"Silences of {hours:g} h come {ratio:.1f} times less often than predicted."
        elif ratio < 0.5:
            yield (
                f"Silences of {hours:g} h come {1 / ratio:.1f} times more often than predicted: p_silence_if_on is too "
                "low there, which by itself makes p_off too high."
            )
    if len(few):
        yield f"Too few silences of {_hours(few)} h were observed to say."


def _hours(law: pd.DataFrame) -> str:
    return ", ".join(f"{hours:g}" for hours in law["horizon_h"])
