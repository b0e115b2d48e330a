"""Real tracks with something hidden by us, each set judged by the protocols that it is good for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.bench.seeds import TEST_SEEDS
from darkvoyage.bench.sets import RealSet
from darkvoyage.bench.worlds import LINK_RULES, OURS
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.ports import read_ports
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.reach.visits import find_port_visits
from darkvoyage.scoring.evaluation import hidden_calls, links
from darkvoyage.scoring.evaluation.baselines import nearest_port_by_slack
from darkvoyage.scoring.evaluation.masked_scenes import judge_links, mask_scenes
from darkvoyage.scoring.evaluation.metrics import evaluate
from darkvoyage.scoring.evaluation.validation import validate_silence
from darkvoyage.simulation.statistics import feed_distance, feed_statistics
from darkvoyage.simulation.world import simulate
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import M_PER_NM

__all__ = ["JudgedSet", "judge_set"]

GAPS_H = (0.5, 1.0, 1.5, 3.0, 6.0)
"""Silences around an image [h]."""
_SCENE_SEEDS = (0, 1, 2)
_GATE_NM = 5000.0 / M_PER_NM
"""Nearest neighbours further off than 5 km are nobody: the silences around images last hours, not days."""
_MOST_VESSELS, _MOST_DAYS = 200, 30
_COLUMNS = ("set", "part", "method", "metric", "value", "low", "high", "perfect", "empty", "score", "n")


@dataclass(frozen=True)
class JudgedSet:
    """What came out of one real set.

    Parameters
    ----------
    name : str
    facts : dict
        `set`, `fixes`, `vessels`, `from`, `to`, `cpu s`.
    scores : DataFrame
        `set`, `part` (what was hidden, and how), `method`, and the columns of `evaluate`.
    reliability, strata, silence_law : DataFrame or None
        Of the judgement on silences; see `SilenceValidation`.
    trust : tuple of str
        What follows for silences on this feed, in sentences.
    distances : DataFrame or None
        Simulated feeds beside this one: `reception` and the columns of `feed_distance`.
    """

    name: str
    facts: dict[str, object]
    scores: pd.DataFrame
    reliability: pd.DataFrame | None = None
    strata: pd.DataFrame | None = None
    silence_law: pd.DataFrame | None = None
    trust: tuple[str, ...] = ()
    distances: pd.DataFrame | None = None


def judge_set(real: RealSet, *, draws: int) -> JudgedSet:
    """Hide things in the tracks of a set, and judge what is found of them.

    Parameters
    ----------
    real : RealSet
    draws : int
        Bootstrap draws over vessels.

    Returns
    -------
    JudgedSet
    """
    began = time.process_time()
    read = read_fixes(real.path, dialect=real.dialect, synthetic_ids=real.synthetic_ids)
    fixes = clean_fixes(read)
    parts: list[pd.DataFrame] = []
    told: dict[str, Any] = {}
    if "silences" in real.protocols:
        found = validate_silence(fixes, min_gap_h=real.min_gap_h, draws=draws)
        said = found.scores.rename(columns={"judge": "method"})
        parts.append(said.assign(part="silences, " + said["protocol"]))
        told = {name: getattr(found, name) for name in ("reliability", "strata", "silence_law", "trust")}
    if "calls" in real.protocols:
        parts += _calls(fixes, read_ports(str(real.ports)), draws)
    if "scenes" in real.protocols:
        parts += _scenes(fixes, draws)
    if "statistics" in real.protocols:
        told["distances"] = _distances(read, real.beside)
    scores = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(_COLUMNS))
    facts = {
        "set": real.name,
        "fixes": len(read),
        "vessels": read["mmsi"].nunique(),
        "from": f"{read['timestamp'].min():%Y-%m-%d}",
        "to": f"{read['timestamp'].max():%Y-%m-%d}",
        "cpu s": time.process_time() - began,
    }
    return JudgedSet(real.name, facts, scores.assign(set=real.name)[list(_COLUMNS)], **told)


def _calls(fixes: pd.DataFrame, ports: pd.DataFrame, draws: int) -> Iterator[pd.DataFrame]:
    """Scores on port calls that were made in the open and then hidden."""
    hidden = hidden_calls.mask_calls(fixes, find_port_visits(fixes, ports))
    number = int(hidden.truth["kind"].eq("dark_call").sum())
    for name, find in ((OURS, find_port_calls), ("nearest by slack", nearest_port_by_slack)):
        answers = hidden_calls.judge_calls(hidden, ports, find=find)
        scores = evaluate(answers, hidden_calls.METRICS, draws=draws)
        yield scores.assign(part=f"calls, {number} of {len(hidden.truth)} silences", method=name)


def _scenes(fixes: pd.DataFrame, draws: int) -> Iterator[pd.DataFrame]:
    """Scores on images of tracks of which half are hidden, by the length of the silence."""
    rules = {
        name: rule if name == "within 50 km" else partial(rule, gate_nm=_GATE_NM) for name, rule in LINK_RULES.items()
    }
    for hours in GAPS_H:
        masked = {seed: mask_scenes(fixes, gap_h=hours, seed=seed) for seed in _SCENE_SEEDS}
        for name, rule in ({OURS: None} | rules).items():
            answers = [judge_links(one, link=rule).assign(world=seed) for seed, one in masked.items()]
            scores = evaluate(pd.concat(answers), (*links.METRICS, *links.ALARMS), draws=draws, by=links.BY)
            yield scores.assign(part=f"scenes, silent for {hours:g} h", method=name)


def _distances(fixes: pd.DataFrame, preset: str) -> pd.DataFrame:
    """Distances of simulated feeds of as many vessels and days, by the engine of reception."""
    span = (fixes["timestamp"].max() - fixes["timestamp"].min()) / pd.Timedelta(days=1)
    days = int(np.clip(np.ceil(span), 1, _MOST_DAYS))
    vessels = int(np.clip(fixes["mmsi"].nunique(), 2, _MOST_VESSELS))
    real = feed_statistics(fixes)
    parts = []
    for reception in ("physical", "pasted"):
        world = simulate(seed=TEST_SEEDS[0], preset=preset, reception=reception, vessels=vessels, days=days)
        parts.append(feed_distance(feed_statistics(world.fixes), real).assign(reception=f"{preset}, {reception}"))
    return pd.concat(parts, ignore_index=True)
