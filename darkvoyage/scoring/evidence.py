"""One row per gap and sensitive port, with one log-likelihood ratio per kind of evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from darkvoyage.kernels.draught import draught_change_llr
from darkvoyage.rules.scoring import ScoreRule
from darkvoyage.schema.ais import is_tanker

__all__ = ["EVIDENCE", "gather"]

EVIDENCE = ("llr_silence", "llr_call", "llr_draught", "llr_sighting", "llr_absence", "llr_open", "llr_ship")
"""The kinds of evidence, in the order they are told."""

_SHOWN = pd.Timedelta(minutes=15)
"""A port that could be reached this soon after the loss, or left this shortly before the reappearance, is where the
ship showed itself: within its radius and about 4 nm at the speed cap."""
_MISSED = 0.5
"""A sighting of another ship at the port costs this much: the ship itself may be beside it, or not there."""
_SUPPORT = 0.1


def gather(
    gaps: pd.DataFrame, silences: pd.DataFrame, port_calls: pd.DataFrame, links: pd.DataFrame | None,
    ships: pd.DataFrame, rule: ScoreRule,
) -> pd.DataFrame:  # fmt: skip
    """Collect the evidence for a transfer at each sensitive port in reach of each gap.

    Parameters
    ----------
    gaps, silences, port_calls, links : tables
    ships : DataFrame
        `draught_max_m` [m] and `ship_type` of each gap's ship, indexed as `gaps`.
    rule : ScoreRule

    Returns
    -------
    DataFrame
        `gap_id`, `port_id`, the columns of `EVIDENCE` (capped), `prior`, `p_call`, `p_off`, `p_silence_if_on`,
        `neighbours_heard`, `silence_reason`, `sighting_ids`; one row per gap and port.
    """
    table = _without_draught(port_calls, gaps, ships["draught_max_m"], rule)
    other = ships["ship_type"].notna().to_numpy() & ~is_tanker(ships["ship_type"].to_numpy("float64", na_value=np.nan))
    against = pd.Series(np.where(other, -rule.other_ship_llr, 0.0), index=gaps["gap_id"])
    table["llr_ship"] = table["gap_id"].map(against)
    table = table.merge(
        silences[["gap_id", "llr_silence", "p_off", "p_silence_if_on", "neighbours_heard", "reason"]].rename(
            columns={"reason": "silence_reason"}
        ),
        on="gap_id",
        how="left",
    )
    table["llr_silence"] = _silence(table["llr_silence"].fillna(0.0).to_numpy(), rule)
    return _with_links(table, links, rule)


def _without_draught(port_calls: pd.DataFrame, gaps: pd.DataFrame, laden_m: pd.Series, rule: ScoreRule) -> pd.DataFrame:
    """Rows of sensitive ports with the evidence of time and direction apart from that of the draught."""
    own = gaps[["gap_id"]].assign(llr_draught=_draught(gaps, laden_m, rule))
    table = port_calls.rename(columns={"llr_draught": "_weighed"}).merge(own, on="gap_id", how="inner")
    at_port = table["port_id"].notna().to_numpy()
    # What was weighed for the draught is divided out of the posterior exactly; it is told apart from the call.
    weight = (table["p_call"] * np.exp(-table.pop("_weighed").fillna(0.0))).to_numpy()
    code = pd.factorize(table["gap_id"])[0]
    plain = weight / np.bincount(code, weight, minlength=code.max(initial=-1) + 1)[code]
    prior = table["p_call_prior"].fillna(1.0 / table.groupby("gap_id")["p_call"].transform("size")).to_numpy()
    llr = np.clip(_logit(plain) - _logit(prior), -rule.max_call, rule.max_call)
    listed = at_port & table["sensitive"].fillna(False).to_numpy(dtype=bool)
    # Where ships call in the open says little of where they hide a call: habits are divided out of the shares.
    even = prior * np.exp(-table["llr_history"].fillna(0.0).to_numpy())
    table = table.assign(llr_call=llr, _even=even)[listed].reset_index(drop=True)
    share = table["_even"] / table.groupby("gap_id")["_even"].transform("sum")
    return table.assign(prior=rule.prior * share, llr_open=_open(table, gaps, rule)).drop(columns="_even")


def _open(table: pd.DataFrame, gaps: pd.DataFrame, rule: ScoreRule) -> np.ndarray:
    """Against a hidden call: the ship was broadcasting at the port when it fell silent or when it was heard again."""
    ends = table[["gap_id"]].merge(gaps[["gap_id", "gap_start", "gap_end"]], on="gap_id", how="left")
    before = table["arrive_earliest"] - ends["gap_start"] <= _SHOWN
    after = ends["gap_end"] - table["depart_latest"] <= _SHOWN
    return np.where(before | after, -rule.open_llr, 0.0)


def _draught(gaps: pd.DataFrame, laden_m: pd.Series, rule: ScoreRule) -> np.ndarray:
    if "start_draught_m" not in gaps or "end_draught_m" not in gaps:
        return np.zeros(len(gaps))
    before, after = gaps["start_draught_m"].to_numpy(), gaps["end_draught_m"].to_numpy()
    return draught_change_llr(before, after, laden_m.to_numpy(), rule.max_draught)


def _silence(llr: np.ndarray, rule: ScoreRule) -> np.ndarray:
    """Likelihood ratio of the silence for a call against everything else, switch-offs without a call included.

    (q + (1 - q)) / (q + (1 - q) exp(-llr)) for the share q of such switch-offs: it saturates at 1 / q.
    """
    q = rule.off_without_call
    capped = np.clip(llr, -rule.max_silence, rule.max_silence)
    return -np.log(q + (1 - q) * np.exp(-capped))


def _with_links(table: pd.DataFrame, links: pd.DataFrame | None, rule: ScoreRule) -> pd.DataFrame:
    """Add what imagery says: ships seen at the port, and scenes of it without the ship."""
    if links is None or len(links) == 0:
        return table.assign(llr_sighting=0.0, llr_absence=0.0, sighting_ids=_empty_lists(len(table)))
    key = ["gap_id", "port_id"]
    seen = links[links["gap_id"].notna() & links["sighting_id"].notna() & links["port_id"].notna()]
    table = table.merge(_sightings(seen, rule), on=key, how="left")
    absent = links[links["sighting_id"].isna() & links["gap_id"].notna()].groupby(key)["llr_absence"].sum()
    table = table.merge(absent.clip(lower=-rule.max_absence).reset_index(), on=key, how="left")
    ids = table["sighting_ids"]
    return table.assign(
        llr_sighting=table["llr_sighting"].fillna(0.0),
        llr_absence=table["llr_absence"].fillna(0.0),
        sighting_ids=ids.where(ids.notna(), _empty_lists(len(table))),
    )


def _empty_lists(number: int) -> pd.Series:
    return pd.Series([list[str]() for _ in range(number)], dtype=object)


def _sightings(seen: pd.DataFrame, rule: ScoreRule) -> pd.DataFrame:
    """Evidence of the sightings at each port, the scenes of one stay tempered by the root of their number.

    A sighting's odds of being the ship, times the share of them that is a call here, over that call's own weight before
    the sighting, is its likelihood ratio for the call.
    """
    # Two ships side by side have half of their sighting each, and are both in it.
    p = np.clip(seen["p_link"].to_numpy() + seen["p_merged"].fillna(0.0).to_numpy() / 2, 0.0, 1 - 1e-9)
    share = seen["p_at_port"].fillna(0.0).to_numpy() / np.maximum(seen["p_at_port_prior"].fillna(1.0).to_numpy(), 1e-9)
    look = seen["scene_id"].fillna(seen["sighting_id"])
    table = pd.DataFrame(
        {
            "gap_id": seen["gap_id"],
            "port_id": seen["port_id"],
            "look": look,
            "llr": np.log(_MISSED + p / (1 - p) * share),
            "sighting_id": seen["sighting_id"].where(p * seen["p_at_port"].fillna(0.0).to_numpy() >= _SUPPORT),
        }
    )
    best = table.groupby(["gap_id", "port_id", "look"])["llr"].max().groupby(["gap_id", "port_id"])
    tempered: pd.Series = best.sum() / np.sqrt(best.size())
    llr = tempered.clip(-rule.max_sighting, rule.max_sighting).rename("llr_sighting")
    names = table.dropna(subset="sighting_id").sort_values("sighting_id")
    ids = names.groupby(["gap_id", "port_id"])["sighting_id"].agg(list).rename("sighting_ids")
    return pd.concat([llr, ids], axis=1).reset_index()


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.log(p) - np.log1p(-p)
