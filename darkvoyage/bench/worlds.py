"""Simulated worlds: each link of the chain, its baselines and the oracle, judged against the truth of the world."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd

from darkvoyage.bench.calls import CALL_RULES, LEADS, answers_of_feeds, hidden_feeds
from darkvoyage.bench.seeds import WorldTask
from darkvoyage.chain import Investigation, investigate
from darkvoyage.reach.meetings import find_dark_meetings
from darkvoyage.scoring.evaluation import cargo, gaps, hidden_calls, links, meetings, port_calls, silences, transfers
from darkvoyage.scoring.evaluation.baseline_links import links_hungarian, links_nearest, links_within_50_km
from darkvoyage.scoring.evaluation.baselines import (
    cargo_by_rule,
    duration_rule,
    gfw_rule,
    nearest_port_by_slack,
    pre_gap_count,
    transfers_by_rule,
)
from darkvoyage.scoring.evaluation.events import true_calls
from darkvoyage.scoring.evaluation.meetings import meetings_by_ends
from darkvoyage.scoring.evaluation.metrics import Metric, evaluate, reliability_table
from darkvoyage.scoring.evaluation.oracle import TOLD, with_truth
from darkvoyage.simulation.world import World, simulate
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.tracks.loitering import find_loitering

__all__ = ["LINK_RULES", "OURS", "RELIABLE", "TOLD_ALL", "TOLD_WORD", "JudgedGroup", "judge_group", "judge_world"]

OURS = "darkvoyage"
TOLD_WORD = "told "
"""How the names of methods begin that know the truth of some link."""
TOLD_ALL = f"{TOLD_WORD}all"
MODULES: dict[str, ModuleType] = {
    "gaps": gaps,
    "silences": silences,
    "port_calls": port_calls,
    "open_calls": hidden_calls,
    "meetings": meetings,
    "links": links,
    "transfers": transfers,
    "cargo": cargo,
}
RELIABLE = ("silences", "port_calls", "links", "transfers")
"""Links whose answers are probabilities of one event each."""
LINK_RULES: dict[str, Callable[..., pd.DataFrame]] = {
    "within 50 km": links_within_50_km,
    "nearest": links_nearest,
    "one to one": links_hungarian,
}

_OPEN_LEAD = LEADS[1]
_OPEN_CALLS = 60
"""Calls made in the open that are hidden in each world."""

Answers = dict[tuple[str, str], pd.DataFrame]


@dataclass(frozen=True)
class JudgedGroup:
    """What came out of the worlds of one group together.

    Parameters
    ----------
    group : str
    scores : DataFrame
        As of `evaluate`, with `group`, `link` and `method` before it.
    reliability : dict of str to DataFrame
        Of the chain's own probabilities, by link; see `reliability_table`.
    worlds : DataFrame
        One row per world: its sizes, true and expected calls, the probability that the ledger puts on more than the
        yearly cap, and the CPU seconds that simulation, chain and judgement took.
    """

    group: str
    scores: pd.DataFrame
    reliability: dict[str, pd.DataFrame]
    worlds: pd.DataFrame


def judge_group(tasks: Iterable[WorldTask], *, draws: int) -> JudgedGroup:
    """Run worlds and judge them together.

    Parameters
    ----------
    tasks : iterable of WorldTask
        Of one group.
    draws : int
        Bootstrap draws over vessels.

    Returns
    -------
    JudgedGroup
    """
    tasks = list(tasks)
    judged = [judge_world(task) for task in tasks]
    pooled = {key: pd.concat([answers[key] for answers, _ in judged], ignore_index=True) for key in judged[0][0]}
    scores = pd.concat([_scores(*key, rows, draws) for key, rows in pooled.items()], ignore_index=True)
    scores.insert(0, "group", tasks[0].group)
    reliability = {link: _reliability(pooled[link, OURS]) for link in RELIABLE}
    return JudgedGroup(tasks[0].group, scores, reliability, pd.DataFrame([facts for _, facts in judged]))


def judge_world(task: WorldTask) -> tuple[Answers, dict[str, Any]]:
    """Simulate a world, investigate it, and put everything found beside the truth.

    Parameters
    ----------
    task : WorldTask

    Returns
    -------
    answers : dict of (link, method) to DataFrame
        Rows of the `answers_*` functions, with the column `world`.
    facts : dict
        Sizes and times.
    """
    began = time.process_time()
    world = simulate(
        seed=task.seed,
        vessels=task.vessels,
        days=task.days,
        preset=task.preset,
        reception=task.reception,
        hiding_share=task.hiding_share,
    )
    simulated = time.process_time()
    found = investigate(
        world.fixes,
        ports=world.ports,
        sightings=world.sightings,
        scenes=world.scenes,
        vessels=world.vessels,
    )
    investigated = time.process_time()
    answers = {key: rows.assign(world=task.name) for key, rows in _answers(found, world).items()}
    facts = {
        "group": task.group,
        "seed": task.seed,
        "vessels": task.vessels,
        "days": task.days,
        "fixes": int(found.flags["fixes"].sum()),
        "gaps": len(found.gaps),
        "hidden calls": len(true_calls(world.truth)),
        "expected calls": found.transfers["p_transfer"].sum(),
        "p over cap": found.ledger.loc[found.ledger["port_id"].isna(), "p_exceeds_cap"].max(),
        "simulate cpu s": simulated - began,
        "investigate cpu s": investigated - simulated,
        "judge cpu s": time.process_time() - investigated,
    }
    return answers, facts


def _answers(found: Investigation, world: World) -> Answers:
    """Answers of the chain, the baselines and the oracle to every link."""
    truth, ports = world.truth, found.ports
    of: dict[str, Any] = {"gaps": found.gaps, "truth": truth}
    heard = of | {"days": silences.vessel_days(world.fixes)}
    seen: dict[str, Any] = {
        "gaps": found.gaps,
        "sightings": world.sightings,
        "truth_sightings": world.truth_sightings,
    }
    out: Answers = {("gaps", OURS): gaps.answers_gaps(found.gaps, truth=truth)}
    for name, table in (
        (OURS, found.silences),
        ("duration", duration_rule(found.gaps)),
        ("fixes before", pre_gap_count(found.gaps)),
        ("GFW rule", gfw_rule(found.gaps, ports=ports, silences=found.silences)),
    ):
        out["silences", name] = silences.answers_silences(table, **heard)
    for name, table in ((OURS, found.port_calls), ("nearest by slack", nearest_port_by_slack(found.gaps, ports))):
        out["port_calls", name] = port_calls.answers_port_calls(table, **of)
    fixes = clean_fixes(world.fixes)
    feed = hidden_feeds(fixes, ports, leads=[_OPEN_LEAD], number=_OPEN_CALLS, seed=1)
    for name, rows in answers_of_feeds(feed, ports, {OURS: None} | CALL_RULES).items():
        out["open_calls", name] = rows
    sides: dict[str, Any] = {"ports": ports, "vessels": found.vessels, "silences": found.silences}
    met = find_dark_meetings(found.gaps, loitering=find_loitering(fixes, ports=ports), fixes=fixes, **sides)
    for name, table in ((OURS, met), ("ends within 25 km, 3 h", meetings_by_ends(found.gaps))):
        out["meetings", name] = meetings.answers_meetings(table, **of)
    linked: dict[str, Any] = {OURS: found.links}
    linked |= {name: rule(found.gaps, world.sightings) for name, rule in LINK_RULES.items()}
    for name, table in linked.items():
        out["links", name] = links.answers_links(table, **seen)
    rule = transfers_by_rule(found.gaps, ports)
    told = {TOLD_WORD + name.replace("_", " "): (name,) for name in TOLD} | {TOLD_ALL: TOLD}
    ends = {OURS: (found.transfers, found.cargo), "tanker gaps > 24 h": (rule, cargo_by_rule(rule, found.vessels))}
    ends |= {name: with_truth(found, truth, world.truth_sightings, told=links_) for name, links_ in told.items()}
    for name, (suspected, moved) in ends.items():
        out["transfers", name] = transfers.answers_transfers(suspected, **of)
        out["cargo", name] = cargo.answers_cargo(moved, **of)
    return out


def _metrics(link: str) -> tuple[Metric, ...]:
    module = MODULES[link]
    return (*module.METRICS, *getattr(module, "ALARMS", ()))


def _scores(link: str, method: str, rows: pd.DataFrame, draws: int) -> pd.DataFrame:
    by = getattr(MODULES[link], "BY", ("world", "mmsi"))
    # What was told the truth is a ceiling; how exactly it is known matters less than the minutes that takes.
    table = evaluate(rows, _metrics(link), draws=0 if method.startswith(TOLD_WORD) else draws, by=by)
    table.insert(0, "link", link)
    table.insert(1, "method", method)
    return table


def _reliability(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["judged"]] if "judged" in rows else rows
    return reliability_table(rows["p"].to_numpy("float64"), rows["y"].to_numpy(dtype=bool))
