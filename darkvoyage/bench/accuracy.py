"""All accuracy figures of one run: simulated worlds and real tracks, judged in a few processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import pandas as pd

from darkvoyage.bench.masked import CALLS, JudgedSet, judge_calls_of_sets, judge_set
from darkvoyage.bench.seeds import Tier, tier_named
from darkvoyage.bench.sets import RealSet
from darkvoyage.bench.worlds import JudgedGroup, judge_group
from darkvoyage.chain import Progress
from darkvoyage.errors import RuleError

__all__ = ["Accuracy", "measure_accuracy"]

Job = Callable[[], JudgedGroup | JudgedSet]


@dataclass(frozen=True)
class Accuracy:
    """What a run of the bench found.

    Parameters
    ----------
    tier : Tier
    groups : tuple of JudgedGroup
        Simulated worlds.
    sets : tuple of JudgedSet
        Real tracks.
    absent : tuple of str
        Names of the sets whose files were not there.
    """

    tier: Tier
    groups: tuple[JudgedGroup, ...]
    sets: tuple[JudgedSet, ...]
    absent: tuple[str, ...]

    @property
    def scores(self) -> pd.DataFrame:
        """All scores on simulated worlds: `group`, `link`, `method`, and the columns of `evaluate`."""
        return pd.concat([judged.scores for judged in self.groups], ignore_index=True)

    @property
    def worlds(self) -> pd.DataFrame:
        """One row per simulated world, with its sizes and times."""
        return pd.concat([judged.worlds for judged in self.groups], ignore_index=True)


def measure_accuracy(
    *, tier: str = "full", real_sets: Sequence[RealSet] = (), workers: int = 2, progress: Progress | None = None
) -> Accuracy:
    """Judge every link of the chain on simulated worlds and on real tracks with something hidden.

    Parameters
    ----------
    tier : {"small", "full"}
    real_sets : sequence of RealSet
    workers : int
        Processes; 1 stays in this one. The figures do not depend on it.
    progress : callable, optional
        Called with what was done last, how many parts are done, and the number of parts.

    Returns
    -------
    Accuracy

    Raises
    ------
    RuleError
        No such tier, or no worker.
    """
    chosen = tier_named(tier)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise RuleError(f"workers = {workers!r}: expected a whole number of at least 1")
    there = [real for real in real_sets if real.is_there()]
    # Real sets first: what is wrong with a file shows at once.
    called = [real for real in there if "calls" in real.protocols]
    jobs: list[tuple[str, Job]] = (
        [(CALLS, partial(judge_calls_of_sets, called, draws=chosen.draws, rounds=chosen.rounds))] if called else []
    )
    jobs += [
        (real.name, partial(judge_set, real, draws=chosen.draws)) for real in there if set(real.protocols) - {"calls"}
    ]
    jobs += [
        (group, partial(judge_group, list(tasks), draws=chosen.draws))
        for group, tasks in groupby(chosen.tasks(), key=lambda task: task.group)
    ]
    done = _run(jobs, workers, progress or _silent)
    return Accuracy(
        tier=chosen,
        groups=tuple(judged for judged in done if isinstance(judged, JudgedGroup)),
        sets=tuple(judged for judged in done if isinstance(judged, JudgedSet)),
        absent=tuple(real.name for real in real_sets if not real.is_there()),
    )


def _run(jobs: list[tuple[str, Job]], workers: int, progress: Progress) -> list[Any]:
    """Results in the order of the jobs."""
    if workers == 1:
        out = []
        for number, (name, job) in enumerate(jobs):
            progress(name, number, len(jobs))
            out.append(job())
        return out
    # Started afresh, so that a worker holds nothing of its parent; results do not depend on who ran what.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        futures: dict[Future[Any], str] = {pool.submit(job): name for name, job in jobs}
        try:
            for number, future in enumerate(as_completed(futures)):
                future.result()  # one part that fails ends the run
                progress(futures[future], number + 1, len(jobs))
        finally:
            pool.shutdown(cancel_futures=True)
        return [future.result() for future in futures]


def _silent(part: str, number: int, total: int) -> None:
    """Report nothing."""
