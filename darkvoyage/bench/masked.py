"""Real tracks with something hidden by us, each set judged by the protocols that it is good for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.bench.calls import CALL_RULES, answers_of_feeds, hidden_feeds
from darkvoyage.bench.seeds import TEST_SEEDS
from darkvoyage.bench.sets import RealSet, read_set
from darkvoyage.bench.worlds import OURS
from darkvoyage.io.ports import read_ports
from darkvoyage.scoring.evaluation import hidden_calls, links
from darkvoyage.scoring.evaluation.baseline_links import (
    links_by_density,
    links_hungarian,
    links_nearest,
    links_within_50_km,
    with_broadcasters,
)
from darkvoyage.scoring.evaluation.masked_scenes import find_masked_gaps, link_masked, mask_scenes, overlay_starts
from darkvoyage.scoring.evaluation.metrics import evaluate
from darkvoyage.scoring.evaluation.splits import HALVES, split_halves
from darkvoyage.scoring.evaluation.validation import validate_silence
from darkvoyage.simulation.statistics import feed_distance, feed_statistics
from darkvoyage.simulation.world import simulate
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import M_PER_NM

__all__ = ["CALLS", "FOLD_H", "GAPS_H", "HALF_SIDE_NM", "SCENE_RULES", "JudgedSet", "judge_calls_of_sets", "judge_set"]

GAPS_H = (0.6, 1.0, 1.5, 3.0, 6.0)
"""Silences around an image [h]."""
FOLD_H, HALF_SIDE_NM = 3.0, 15.0
"""Voyages are moved so that all begin within so many hours, and images are of this size: some twenty ships in each."""
_SCENE_SEEDS = (0, 1, 2)
_GATE_NM = 5000.0 / M_PER_NM
"""Nearest neighbours further off than 5 km are nobody: the silences around images last hours, not days."""
SCENE_RULES: dict[str, Callable[[Any, Any, Any], pd.DataFrame]] = {
    "within 50 km": lambda gaps, sightings, _: links_within_50_km(gaps, sightings),
    "nearest": lambda gaps, sightings, fixes: links_nearest(
        with_broadcasters(gaps, fixes), sightings, gate_nm=_GATE_NM
    ),
    "one to one": lambda gaps, sightings, fixes: links_hungarian(
        with_broadcasters(gaps, fixes), sightings, gate_nm=_GATE_NM
    ),
    "one to one, curved": lambda gaps, sightings, fixes: links_hungarian(
        with_broadcasters(gaps, fixes), sightings, gate_nm=_GATE_NM, way="curved"
    ),
    "density, one to one": lambda gaps, sightings, fixes: links_by_density(with_broadcasters(gaps, fixes), sightings),
}
"""Rules that take the gaps, the sightings and the feed."""
_MOST_VESSELS, _MOST_DAYS = 200, 30
CALLS = "Port calls of all sets"
_REPORTED = HALVES[1]
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
    read = read_set(real)
    fixes = clean_fixes(read)
    parts: list[pd.DataFrame] = []
    told: dict[str, Any] = {}
    if "silences" in real.protocols:
        found = validate_silence(fixes, min_gap_h=real.min_gap_h, draws=draws)
        said = found.scores.rename(columns={"judge": "method"})
        parts.append(said.assign(part="silences, " + said["protocol"]))
        told = {name: getattr(found, name) for name in ("reliability", "strata", "silence_law", "trust")}
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


def judge_calls_of_sets(sets: Sequence[RealSet], *, draws: int, rounds: int) -> JudgedSet:
    """Hide port calls of the test half of the vessels of several sets, and judge them together.

    Parameters
    ----------
    sets : sequence of RealSet
        Those with the protocol "calls".
    draws : int
        Bootstrap draws over vessels.
    rounds : int
        How often each call is hidden, in other silences.

    Returns
    -------
    JudgedSet
        `part` says how long before and after the call the silence lasts, "all" first; every method on the same feeds.
    """
    began = time.process_time()
    methods = {OURS: None} | CALL_RULES
    found: list[dict[str, pd.DataFrame]] = []
    sizes = []
    for real in sets:
        fixes, ports = clean_fixes(read_set(real)), read_ports(str(real.ports))
        feeds = hidden_feeds(fixes, ports, half=_REPORTED, rounds=rounds)
        found.append(answers_of_feeds(feeds, ports, methods))
        sizes.append((len(fixes), fixes["timestamp"].min(), fixes["timestamp"].max()))
    parts = []
    for name in methods:
        rows = pd.concat([answers[name] for answers in found], ignore_index=True)
        for lead in ("all", *rows["lead"].unique()):
            some = rows if lead == "all" else rows[rows["lead"] == lead]
            scores = evaluate(some, hidden_calls.METRICS, draws=draws, by=("mmsi",))
            parts.append(scores.assign(part=f"calls, {lead}", method=name))
    calls = rows[rows["y"]]
    numbers, first, last = zip(*sizes, strict=True)
    facts = {
        "set": CALLS,
        "fixes": sum(numbers),
        "vessels": calls["mmsi"].nunique(),
        "from": f"{min(first):%Y-%m-%d}",
        "to": f"{max(last):%Y-%m-%d}",
        "cpu s": time.process_time() - began,
        "calls": calls["truth_id"].nunique(),
    }
    scores = pd.concat(parts, ignore_index=True)
    return JudgedSet(CALLS, facts, scores.assign(set=CALLS)[list(_COLUMNS)])


def _scenes(fixes: pd.DataFrame, draws: int) -> Iterator[pd.DataFrame]:
    """Scores on images of tracks of which half are hidden, by the length of the silence; reported vessels only."""
    ours = overlay_starts(fixes[split_halves(fixes) == _REPORTED], hours=FOLD_H)
    for hours in GAPS_H:
        masked = {seed: mask_scenes(ours, gap_h=hours, seed=seed, half_side_nm=HALF_SIDE_NM) for seed in _SCENE_SEEDS}
        gaps = {seed: find_masked_gaps(one) for seed, one in masked.items()}
        for name, rule in ({OURS: None} | SCENE_RULES).items():
            sightings, ships = [], []
            for seed, one in masked.items():
                found = link_masked(one, gaps[seed]) if rule is None else rule(gaps[seed], one.sightings, one.fixes)
                of = {"gaps": gaps[seed], "sightings": one.sightings}
                sightings.append(
                    links.answers_links(found, **of, truth_sightings=one.truth_sightings).assign(world=seed)
                )
                ships.append(links.answers_ships(found, **of, ships=one.ships).assign(world=seed))
            for rows, metrics in ((sightings, (*links.METRICS, *links.ALARMS)), (ships, links.SHIP_METRICS)):
                scores = evaluate(pd.concat(rows), metrics, draws=draws, by=links.BY)
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
