"""Silences of known cause, judged by models of reception that never saw their vessels.

The vessels are dealt into folds. What is learned of reception (the field of cells, the law of silence) and who is
heard as a neighbour come from the other folds; a vessel's own factor comes from its own fixes before the silence. Two
figures of the experiment are told to the model because masks are made with them: half of the silences are masks, and
their durations are those of the natural gaps, which a second judgement (`p_told`) is given as its law of switch-offs.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from darkvoyage.gaps.durations import fit_durations
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.head import SilenceHead
from darkvoyage.gaps.masking import Masked
from darkvoyage.gaps.reception import ReceptionModel, fit_reception
from darkvoyage.gaps.silence import score_silence
from darkvoyage.gaps.table import gap_ids
from darkvoyage.kernels.grid import cell_of, window_of
from darkvoyage.kernels.spans import search_groups
from darkvoyage.kernels.sphere import interpolate
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.scoring.evaluation.baselines import duration_rule, pre_gap_count
from darkvoyage.scoring.evaluation.splits import split_vessels
from darkvoyage.units import US_PER_H

__all__ = ["FOLDS", "judge_masks", "silence_runs"]

FOLDS = 10
"""The vessels of a fold are no neighbours of one another, so that few large folds would take witnesses away."""
_STRATA = 4.0
"""Classes of duration per doubling: within one, 19 % at most, the duration term of p_off orders next to nothing."""
_MOST_RUNS = 10_000
_AT_ONCE_H = 1e-6


@dataclasses.dataclass(frozen=True)
class _Judges:
    """One model for each fold of vessels, learned without them."""

    fold: pd.Series
    models: tuple[ReceptionModel, ...]

    def judge(self, gaps: pd.DataFrame, head: SilenceHead | None = None) -> pd.DataFrame:
        """Judge each gap with the model that its vessel had no part in."""
        fold = gaps["mmsi"].map(self.fold)
        parts = [score_silence(gaps[fold == number], model, head=head) for number, model in enumerate(self.models)]
        return pd.concat(parts, ignore_index=True)

    def cell_rate(self, gaps: pd.DataFrame) -> np.ndarray:
        """Usual share of heard windows in the cell where each gap starts, as the other vessels have it."""
        rate = np.empty(len(gaps))
        fold, lat, lon = gaps["mmsi"].map(self.fold).to_numpy(), gaps["start_lat"], gaps["start_lon"]
        for number, model in enumerate(self.models):
            rows = fold == number
            rate[rows] = model.cell_rate(cell_of(lat[rows].to_numpy(), lon[rows].to_numpy(), model.rule.cell_deg))
        return rate

    def told(self, median_h: float, sigma: float) -> _Judges:
        """Tell the same models how long switch-offs last."""
        rules = (dataclasses.replace(one.rule, off_median_h=median_h, off_sigma=sigma) for one in self.models)
        models = (dataclasses.replace(one, rule=rule) for one, rule in zip(self.models, rules, strict=True))
        return dataclasses.replace(self, models=tuple(models))


def _learn(fixes: pd.DataFrame, rule: ReceptionRule, folds: int, seed: int) -> _Judges:
    everybody = fit_reception(fixes, rule=rule)
    vessels = pd.DataFrame({"mmsi": np.unique(fixes["mmsi"].to_numpy())})
    if len(vessels) < 2:
        return _Judges(pd.Series(0, index=vessels["mmsi"]), (everybody,))
    # Few vessels are each a fold, so that everybody else is a witness.
    each = np.arange(len(vessels)) if len(vessels) <= folds else split_vessels(vessels, folds=folds, seed=seed)
    fold = pd.Series(each, index=vessels["mmsi"])
    of_row = fixes["mmsi"].map(fold).to_numpy()
    # A judged vessel is in none of the sums, so nothing of its own is to be taken out of them again.
    rule = dataclasses.replace(rule, window_min=everybody.window_min)
    alone = dataclasses.replace(rule, suspect_h=_AT_ONCE_H)
    others = (fit_reception(fixes[of_row != number], rule=rule) for number in range(each.max() + 1))
    return _Judges(fold, tuple(dataclasses.replace(one, vessels=everybody.vessels, rule=alone) for one in others))


def judge_masks(
    masked: Masked, *, min_gap_h: float = 6.0, rule: ReceptionRule | None = None, folds: int = FOLDS, seed: int = 0,
    head: SilenceHead | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Judge masks and natural gaps as `score_silence` does, each by a model that its vessel had no part in.

    Parameters
    ----------
    masked : Masked
        From `mask_silences`.
    min_gap_h : float
        As given to `mask_silences` [h].
    rule : ReceptionRule, optional
        Its `min_gap_h` and `p_off_prior` are replaced by what holds here: `min_gap_h` and one half.
    folds : int
        Parts of the fleet. A feed of one vessel is judged by a model of that vessel.
    seed : int
        Of the dealing into folds.
    head : SilenceHead, optional
        Learned from the feed as it was before anything was hidden, so that it knows none of these masks.

    Returns
    -------
    DataFrame
        One row per silence: `gap_id`, `mmsi`, `time` (its start), `protocol`, `matched_to`, `y` (True: a mask), `p`
        (`p_off` at even odds), `p_told` (the same with the masks' durations as the law of switch-offs),
        `llr_silence`, `p_silence_if_on`, `neighbours_heard`, `reason`, `duration_h`, `ais_class`, `cell`, `day`; what
        simpler rules say: `p_heard` (1 - `p_silence_if_on`), `p_duration`, `p_pre_gap`, `p_cell` (usual reception
        where it starts); `p_head` (`p_told` with the head) if there is one; and, as the metrics of `silences` want
        them, `stratum` (class of duration, four to a doubling) and `judged`.
    """
    rule = dataclasses.replace(rule or ReceptionRule(), min_gap_h=min_gap_h, p_off_prior=0.5)
    truth = masked.silences.rename(columns={"mask_id": "gap_id", "gap_start": "time", "masked": "y"})
    gaps = find_gaps(masked.fixes, rule=GapRule(min_gap_h=min_gap_h))
    gaps = gaps[gaps["gap_id"].isin(truth["gap_id"])].reset_index(drop=True)
    judges = _learn(masked.fixes, rule, folds, seed)
    median_h, sigma = rule.off_median_h, rule.off_sigma
    if len(gaps):
        median_h, sigma = fit_durations(gaps["duration_h"].to_numpy(), min_gap_h)
    told = judges.told(median_h, sigma)
    lat, lon = gaps["start_lat"].to_numpy(), gaps["start_lon"].to_numpy()
    facts = gaps[["gap_id", "ais_class"]].assign(
        cell=cell_of(lat, lon, rule.cell_deg), day=gaps["gap_start"].dt.floor("D"), p_cell=judges.cell_rate(gaps)
    )
    said = judges.judge(gaps).rename(columns={"p_off": "p"})
    more = {
        "p_told": told.judge(gaps),
        "p_duration": duration_rule(gaps),
        "p_pre_gap": pre_gap_count(gaps),
    }
    if head is not None:
        more["p_head"] = told.judge(gaps, head)
    answers = truth.drop(columns="gap_end").merge(facts, on="gap_id").merge(said, on="gap_id")
    for name, silences in more.items():
        answers[name] = answers["gap_id"].map(silences.set_index("gap_id")["p_off"])
    answers["p_heard"] = 1.0 - answers["p_silence_if_on"]
    answers["stratum"] = np.floor(_STRATA * np.log2(answers["duration_h"])).astype("int64")
    answers["judged"] = True
    return answers.sort_values(["mmsi", "time", "gap_id"], ignore_index=True)


def silence_runs(
    fixes: pd.DataFrame, *, horizons_h: tuple[float, ...], rule: ReceptionRule | None = None, folds: int = FOLDS,
    seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Ask after receptions how probable silence was from there on, and whether it came.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned.
    horizons_h : tuple of float
        How long a silence [h]. Those shorter than a window of the rule are left out.
    rule : ReceptionRule, optional
    folds, seed : int
        See `judge_masks`.

    Returns
    -------
    DataFrame
        `mmsi`, `horizon_h`, `p` (`p_silence_if_on` of a model that the vessel had no part in), `y` (True: it was
        silent), for up to 10,000 random receptions per horizon. The vessel is heard again later, so that the end of a
        track is no silence; where it was at the horizon is taken from its own fixes on either side.
    """
    rule = rule or ReceptionRule()
    judges = _learn(fixes, rule, folds, seed)
    heard = fixes[fixes["flag"].isna() & fixes["track_id"].notna()]
    heard = heard.sort_values(["mmsi", "track_id", "timestamp"], ignore_index=True)
    track = heard.groupby(["mmsi", "track_id"], sort=True).ngroup().to_numpy(dtype="int64")
    width_min = judges.models[0].window_min
    window = window_of(time_us(heard["timestamp"]), width_min)
    new = np.ones(len(heard), dtype=bool)
    new[1:] = (track[1:] != track[:-1]) | (window[1:] != window[:-1])
    heard, track, window = heard[new].reset_index(drop=True), track[new], window[new]
    rng = np.random.default_rng(seed)
    parts = [
        _runs(heard, track, window, hours, judges, width_min, rng) for hours in horizons_h if hours * 60.0 >= width_min
    ]
    return pd.concat(parts, ignore_index=True)


def _runs(
    heard: pd.DataFrame, track: np.ndarray, window: np.ndarray, hours: float, judges: _Judges, width_min: float,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Silences of `hours` behind windows that were heard, as gaps, with the judgement on them."""
    width_us = round(width_min * 60e6)
    until = window + 1 + round(hours * 60.0 / width_min)
    after = search_groups(track, window, track, until)
    at = np.flatnonzero((after < len(track)) & (track[np.minimum(after, len(track) - 1)] == track))
    if len(at) > _MOST_RUNS:
        at = np.sort(rng.choice(at, _MOST_RUNS, replace=False))
    time, lat, lon = time_us(heard["timestamp"]), heard["lat"].to_numpy(), heard["lon"].to_numpy()
    end, next_, last = until[at] * width_us, after[at], after[at] - 1
    share = np.clip((end - time[last]) / (time[next_] - time[last]), 0.0, 1.0)
    end_lat, end_lon = interpolate(lat[last], lon[last], lat[next_], lon[next_], share)
    mmsi = heard["mmsi"].to_numpy()[at]
    silences = pd.DataFrame(
        {
            "gap_id": gap_ids(mmsi, time[at], lat[at], lon[at]),
            "track_id": heard["track_id"].to_numpy()[at],
            "mmsi": mmsi,
            "gap_start": utc_times(time[at]),
            "gap_end": utc_times(end),
            "is_closed": np.ones(len(at), dtype=bool),
            "duration_h": (end - time[at]) / US_PER_H,
            "start_lat": lat[at],
            "start_lon": lon[at],
            "end_lat": end_lat,
            "end_lon": end_lon,
        }
    ).astype({"track_id": "str"})
    p = judges.judge(silences).set_index("gap_id")["p_silence_if_on"]
    return pd.DataFrame({"mmsi": mmsi, "horizon_h": float(hours), "p": silences["gap_id"].map(p), "y": last == at})
