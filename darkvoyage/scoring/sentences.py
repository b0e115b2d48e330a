"""Evidence in words: each sentence says what was found, how strong it is, and never more than the data do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.rules.scoring import ScoreRule

__all__ = ["innocent_explanations", "reasons"]

_WORTH_TELLING = 0.005


def reasons(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    """List the sentences on each kind of evidence stronger than `rule.reason_llr`, for and against."""
    kinds = [
        _silence(evidence, rule),
        _call(evidence, rule),
        _draught(evidence, rule),
        _sighting(evidence, rule),
        _absence(evidence, rule),
        _open(evidence, rule),
        _ship(evidence, rule),
    ]
    return _lists(kinds)


def innocent_explanations(evidence: pd.DataFrame, port_calls: pd.DataFrame) -> pd.Series:
    """List the other readings of each gap with their probabilities, and what no data here can rule out."""
    shares = _other_readings(evidence, port_calls)
    on = evidence["p_silence_if_on"]
    reception = (
        "Reception: a ship that kept transmitting would have stayed unheard this long with probability " + _percent(on)
    ).where(on.notna(), "Reception: coverage along the way is not known, so a lost signal cannot be ruled out")
    feed = pd.Series("Feed outage: hardly any ship was heard at the time", index=evidence.index)
    outage = feed.where(evidence["silence_reason"].eq("feed_outage"))
    others = [
        _reading(shares, "transit", "Transit: sailing straight on fits with probability "),
        _reading(shares, "wait", "Waiting: slow steaming, drifting or anchoring fits with probability "),
        _reading(shares, "elsewhere", "Another port or meeting area in reach: together they fit with probability "),
        _reading(shares, "unknown", "Something not modelled: probability "),
    ]
    standing = pd.Series(
        "Switching off for security, at a terminal's request or through a fault can be lawful and looks the same",
        index=evidence.index,
    )
    return _lists([reception, outage, *others, standing])


def _other_readings(evidence: pd.DataFrame, port_calls: pd.DataFrame) -> pd.DataFrame:
    kind = port_calls["hypothesis"].where(port_calls["port_id"].isna(), "elsewhere")
    sums = port_calls["p_call"].groupby([port_calls["gap_id"], kind]).sum().unstack(fill_value=0)  # noqa: PD010
    table = sums.reindex(evidence["gap_id"]).reset_index(drop=True)
    if "elsewhere" in table:
        table["elsewhere"] = table["elsewhere"] - evidence["p_call"].to_numpy()
    return table


def _reading(shares: pd.DataFrame, name: str, words: str) -> pd.Series:
    if name not in shares:
        return pd.Series([None] * len(shares), dtype="str")
    return (words + _percent(shares[name])).where(shares[name] >= _WORTH_TELLING)


def _silence(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    heard = evidence["neighbours_heard"].fillna(0).astype("int64").astype("str")
    llr = evidence["llr_silence"]
    text = (
        "Silence: "
        + heard
        + " other ships were heard near the way meanwhile; one that kept transmitting would have been silent this long "
        + "with probability "
        + _percent(evidence["p_silence_if_on"])
    )
    text = text.where(
        ~evidence["silence_reason"].eq("coverage_unverified"),
        "Silence: nobody else was heard near the way, so coverage is unverified",
    )
    return _signed(text, llr, rule)


def _call(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    text = (
        "Time and direction: the gap of "
        + _number(evidence["duration_h"], 0)
        + " h leaves "
        + _number(evidence["slack_h"], 0)
        + " h at the port after the way there and back ("
        + _number(evidence["sea_distance_nm"], 0)
        + " nm); among all readings this port gets "
        + _percent(evidence["p_call"])
    )
    return _signed(text, evidence["llr_call"], rule)


def _draught(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    llr = evidence["llr_draught"]
    changed = pd.Series("Draught: the reported draught changed as after a cargo operation", index=evidence.index)
    text = changed.where(
        llr > 0, "Draught: the reported draught did not change (weak: draughts are typed by hand and often late)"
    )
    return _signed(text, llr, rule)


def _sighting(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    ids = evidence["sighting_ids"].str.join(", ")
    llr = evidence["llr_sighting"]
    for_it = "Imagery: a ship that fits was seen at the port (" + ids + ")"
    text = for_it.where(ids.str.len() > 0, "Imagery: ships seen at the port may include this one").where(
        llr > 0, "Imagery: the ships seen at the port fit others better"
    )
    return _signed(text, llr, rule)


def _absence(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    text = pd.Series("Imagery: scenes of the port in the time window show no ship that fits", index=evidence.index)
    return _signed(text, evidence["llr_absence"], rule)


def _open(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    text = pd.Series("Openness: the ship was broadcasting at this port beside the gap", index=evidence.index)
    return _signed(text, evidence["llr_open"], rule)


def _ship(evidence: pd.DataFrame, rule: ScoreRule) -> pd.Series:
    text = pd.Series("Ship: its reported type is not a tanker", index=evidence.index)
    return _signed(text, evidence["llr_ship"], rule)


def _signed(text: pd.Series, llr: pd.Series, rule: ScoreRule) -> pd.Series:
    factor = np.exp(np.abs(llr))
    strength = "times " + _number(factor, 1)
    direction = pd.Series(np.where(llr > 0, " [for, ", " [against, "), index=text.index)
    return (text + direction + strength + "]").where(np.abs(llr) > rule.reason_llr)


def _percent(p: pd.Series) -> pd.Series:
    value = 100.0 * p.astype("float64")
    text = value.round(1).astype("str") + " %"
    return text.where(value >= 0.1, "under 0.1 %").where(value.notna(), "not known")


def _number(values: pd.Series, decimals: int) -> pd.Series:
    rounded = values.astype("float64").round(decimals)
    return (rounded.astype("Int64") if decimals == 0 else rounded).astype("str")


def _lists(sentences: list[pd.Series]) -> pd.Series:
    """Gather the sentences of each row, nulls left out, in the order given."""
    table = pd.concat([series.reset_index(drop=True) for series in sentences], axis=1, ignore_index=True)
    told = table.notna().to_numpy()
    flat = table.to_numpy(dtype=object)[told]
    cuts = np.cumsum(told.sum(axis=1))[:-1]
    out = pd.Series([None] * len(table), dtype=object)
    out[:] = [list(part) for part in np.split(flat, cuts)] if len(table) else []
    return out
