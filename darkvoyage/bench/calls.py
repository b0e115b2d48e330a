"""Port calls made in the open, hidden in real tracks: all sets together, judged on vessels that nothing was tuned on.

Every call is hidden once a round, in one of three feeds, and the other two thirds stay in the open as history. The
feeds differ in how long before and after the call the silence lasts; rounds deal the calls to the feeds anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from darkvoyage.reach.visits import find_port_visits
from darkvoyage.scoring.evaluation import baseline_calls
from darkvoyage.scoring.evaluation.baselines import nearest_port_by_slack
from darkvoyage.scoring.evaluation.hidden_calls import (
    CHOICE_STAY_H,
    Find,
    HiddenCalls,
    judge_methods,
    mask_calls,
    without_history,
)
from darkvoyage.scoring.evaluation.splits import split_halves

__all__ = ["CALL_RULES", "LEADS", "Lead", "answers_of_feeds", "hidden_feeds"]

MOST_CALLS = 40
"""Calls taken of one vessel at most: ferries make thousands, and would be all that is measured."""
_FEEDS = 3
"""Feeds among which the calls are dealt: two thirds of them stay in the open as history."""
_SHORTEST_H = CHOICE_STAY_H


@dataclass(frozen=True)
class Lead:
    """How silences stand to the calls they hide.

    Parameters
    ----------
    name : str
    min_gap_h : float
        The silence is longer than this [h].
    lead_h : tuple of two floats
        Hours before the arrival, and after the departure.
    """

    name: str
    min_gap_h: float
    lead_h: tuple[float, float]


LEADS = (Lead("short", 2.0, (0.5, 3.0)), Lead("usual", 6.0, (1.0, 12.0)), Lead("long", 6.0, (12.0, 48.0)))
"""Ships that go dark off the port, on the way, and a day or two before."""

CALL_RULES: dict[str, Find | None] = {
    "nearest by slack": without_history(partial(nearest_port_by_slack, service_h=_SHORTEST_H)),
    "nearest to last fix": partial(baseline_calls.nearest_port_to_start, service_h=_SHORTEST_H),
    "most visited by fleet": partial(baseline_calls.most_visited_by_fleet, service_h=_SHORTEST_H),
    "most visited by ship": partial(baseline_calls.most_visited_by_ship, service_h=_SHORTEST_H),
}
"""What the search is shown beside."""


def hidden_feeds(
    fixes: pd.DataFrame, ports: pd.DataFrame, *, half: str | None = None, leads: Sequence[Lead] = LEADS,
    rounds: int = 1, number: int | None = None, seed: int = 0,
) -> Iterator[tuple[str, HiddenCalls]]:  # fmt: skip
    """Hide the calls of one half of the vessels, one third of them in each feed.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned.
    ports : PORTS table
    half : {"development", "test"}, optional
        Whose calls are hidden, and whose stretches without one are told from them; the other vessels stay as they are.
        None: all vessels.
    leads : sequence of Lead
        One feed of each, every round.
    rounds : int
    number : int, optional
        Calls of a feed at most.
    seed : int

    Yields
    ------
    lead : str
        Name of the `Lead`.
    hidden : HiddenCalls
    """
    ours = np.ones(len(fixes), dtype=bool) if half is None else split_halves(fixes) == half
    others = fixes[~ours]
    visits = find_port_visits(fixes[ours], ports)
    for turn in range(rounds):
        feed = _dealt(visits, seed + turn)
        for place, lead in enumerate(leads):
            hidden = mask_calls(
                fixes[ours], visits, ports=ports, hide=visits["visit_id"][feed == (place + turn) % _FEEDS],
                number=number, seed=seed + turn, lead_h=lead.lead_h, min_gap_h=lead.min_gap_h,
            )  # fmt: skip
            yield lead.name, replace(hidden, fixes=pd.concat([hidden.fixes, others], ignore_index=True))


def answers_of_feeds(
    feeds: Iterable[tuple[str, HiddenCalls]], ports: pd.DataFrame, methods: Mapping[str, Find | None]
) -> dict[str, pd.DataFrame]:
    """Judge methods on feeds with hidden calls.

    Parameters
    ----------
    feeds : iterable of (str, HiddenCalls)
    ports : PORTS table
    methods : mapping of str to callable
        See `judge_methods`.

    Returns
    -------
    dict of str to DataFrame
        Answers of each method, with the `lead` of the feed.
    """
    parts = [(lead, judge_methods(hidden, ports, methods)) for lead, hidden in feeds]
    return {
        name: pd.concat([found[name].assign(lead=lead) for lead, found in parts], ignore_index=True) for name in methods
    }


def _dealt(visits: pd.DataFrame, seed: int) -> np.ndarray:
    """Feed of each visit: those of a vessel that can be hidden spread evenly, the first `MOST_CALLS` drawn; else -1."""
    whole = visits["confidence"].eq(4) & visits["stop_h"].gt(0)
    drawn = visits[whole].sample(frac=1.0, random_state=seed)
    place = drawn.groupby("mmsi").cumcount()
    feed = (place % _FEEDS).where(place < MOST_CALLS)
    return feed.reindex(visits.index).fillna(-1).to_numpy("int64")
