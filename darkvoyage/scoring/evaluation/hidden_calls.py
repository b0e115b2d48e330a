"""Real port calls, hidden: is the call found in the gap, and at the right port.

A visit that was made in the open is cut out of its track, from some hours before the arrival until some hours after the
departure. Beside each call stands a stretch of the same duration that holds no visit, cut out of any track, whether the
ship was under way, drifting or at anchor. What is left is a feed with gaps of which the truth is known.

What this does not test: ships that hide calls may behave otherwise than ships that make them in the open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.hiding import Tracks, cleaned, track_numbers, without
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.history import fleet_history
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import complete, conform, finish
from darkvoyage.schema.tables import PORT_CALLS, PORT_VISITS, PORTS, TRUTH
from darkvoyage.schema.times import time_us, utc_times
from darkvoyage.scoring.evaluation.baselines import nearest_port_by_slack
from darkvoyage.scoring.evaluation.metrics import Metric, area_under_roc, mean
from darkvoyage.scoring.evaluation.port_calls import METRICS as PORT_CALL_METRICS
from darkvoyage.scoring.evaluation.port_calls import answers_port_calls
from darkvoyage.scoring.evaluation.quiet_stretches import DOINGS, doing_during, quiet_stretches
from darkvoyage.tracks.made_good import add_made_good
from darkvoyage.tracks.particulars import particulars
from darkvoyage.units import US_PER_H

__all__ = [
    "METRICS",
    "Find",
    "HiddenCalls",
    "find_with_history",
    "judge_calls",
    "judge_methods",
    "mask_calls",
    "without_history",
]

MANY = 5
"""Ports in reach from which on naming the right one is a choice."""
CHOICE_KN, CHOICE_STAY_H = 12.0, 1.0
"""Ports count as in reach at this speed [kn] and with this stay [h], by great circles: the same for every method."""
HARBOUR_NM = 3.0
"""Places this near each other are one harbour: lists name neighbouring basins, and some places twice [nm]."""
STAYS_H = {"under_6_h": (0.0, 6.0), "6_to_24_h": (6.0, 24.0), "over_24_h": (24.0, np.inf)}
_ENDS = ["mmsi", "gap_start", "gap_end"]
_NEVER = 2**61

Find = Callable[[pd.DataFrame, Any, pd.DataFrame], pd.DataFrame]
"""Takes GAPS, PORTS and HISTORY of the visible rest of the feed, returns PORT_CALLS."""

METRICS = (
    *PORT_CALL_METRICS,
    Metric("right_port_top1_of_5", mean, 1.0, 0.0, ("top1",), "choice"),
    Metric("right_port_top3_of_5", mean, 1.0, 0.0, ("top3",), "choice"),
    Metric("right_harbour_top1_of_5", mean, 1.0, 0.0, ("harbour",), "choice"),
    *(Metric(f"auc_beside_{name}", area_under_roc, 1.0, 0.5, among=f"beside_{name}") for name in DOINGS),
    *(Metric(f"declared_infeasible_{name}", mean, 0.0, 1.0, ("infeasible",), f"stay_{name}") for name in STAYS_H),
)
"""`right_port_*_of_5` count the port of the truth alone, `right_harbour_*` every place within `HARBOUR_NM` of it."""


@dataclass(frozen=True)
class HiddenCalls:
    """A feed with port calls taken out.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned, without the hidden rows.
    truth : TRUTH table
        One row per hidden stretch: `dark_call`, or `off_no_call` with what the ship was `doing` (`DOINGS`).
    min_gap_h : float
        Every hidden stretch is longer than this [h].
    unmatched : int
        Calls without a stretch of the same duration beside them.
    """

    fixes: pd.DataFrame
    truth: pd.DataFrame
    min_gap_h: float
    unmatched: int


def mask_calls(
    fixes: Any, visits: Any, *, ports: Any = None, hide: Any = None, number: int | None = None, seed: int = 0,
    lead_h: tuple[float, float] = (1.0, 12.0), min_gap_h: float = 6.0, longest_h: float = 240.0,
) -> HiddenCalls:  # fmt: skip
    """Hide port calls that were made in the open, and as many stretches without one.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    visits : PORT_VISITS table
        Of the same fixes. Those with entry, exit and a stop can be hidden.
    ports : PORTS table, optional
        Those of the visits: stretches without a call may then hold silences of some hours far from all of them.
        Without ports they hold none longer than an hour.
    hide : sequence of str, optional
        Hide these `visit_id` only; the other calls stay in the open. None: all.
    number : int, optional
        Hide this many of them, drawn at random; None: all.
    seed : int
    lead_h : tuple of two floats
        The silence begins this long before the arrival, and ends this long after the departure, each drawn evenly
        between the two [h]; at the nearest fix further out, but never beyond the middle of the way to the next call.
    min_gap_h, longest_h : float
        Leave out calls whose silence would not be longer than the first, or longer than the second [h].

    Returns
    -------
    HiddenCalls

    Raises
    ------
    SchemaError
        A table is not what it should be.
    RuleError
        An option is out of its bounds.
    """
    _check(number, lead_h, min_gap_h, longest_h)
    rng = np.random.default_rng(seed)
    table, places = cleaned(fixes), None if ports is None else conform(ports, PORTS)
    tracks, stays = Tracks.of(table), _on_tracks(table, complete(visits, PORT_VISITS))
    calls = _silenced(tracks, stays, lead_h, rng)
    long_h = (tracks.time[calls["last"]] - tracks.time[calls["first"]]) / US_PER_H
    wanted = (long_h > min_gap_h) & (long_h <= longest_h)
    calls = calls[wanted if hide is None else wanted & calls["visit_id"].isin(list(hide))].reset_index(drop=True)
    if number is not None and number < len(calls):
        calls = calls.iloc[np.sort(rng.choice(len(calls), number, replace=False))].reset_index(drop=True)
    first, last = calls["first"].to_numpy("int64"), calls["last"].to_numpy("int64")
    lat, lon = (table[name].to_numpy()[tracks.row] for name in ("lat", "lon"))
    begin, end = quiet_stretches(
        tracks, lat, lon, _busy(tracks, stays, first, last), tracks.time[last] - tracks.time[first],
        ports=places, min_gap_h=min_gap_h, rng=rng,
    )  # fmt: skip
    doing = np.r_[np.full(len(first), None, dtype=object), doing_during(tracks, lat, lon, begin, end)]
    first, last = np.r_[first, begin], np.r_[last, end]
    left = without(table, tracks.track[first], tracks.time[first], tracks.time[last])
    return HiddenCalls(left, _truth(table, tracks, calls, first, last, doing), min_gap_h, len(calls) - len(begin))


def judge_calls(hidden: HiddenCalls, ports: Any, *, find: Find | None = None) -> pd.DataFrame:
    """Look for the hidden calls, and put what was found beside the truth.

    Parameters
    ----------
    hidden : HiddenCalls
    ports : PORTS table
        All that a ship could have called at.
    find : callable, optional
        Takes GAPS, PORTS and the HISTORY of what is left of the feed, returns PORT_CALLS; a rule of gaps and ports
        alone goes in by `without_history`. None: `find_port_calls`, with the particulars that ships send.

    Returns
    -------
    DataFrame
        As `answers_port_calls`, of the hidden stretches only, for the metrics of `METRICS`: with `choice` (a call with
        at least `MANY` ports in reach at `CHOICE_KN`), `harbour` (no port further than `HARBOUR_NM` from the true one
        is as likely as the likeliest within), `stay_h`, `stay_*` and `beside_*` (the calls, and the stretches in which
        the ship did this); `truth_id`, `port_id` and `doing` of the truth.
    """
    return judge_methods(hidden, ports, {"": find})[""]


def judge_methods(hidden: HiddenCalls, ports: Any, methods: Mapping[str, Find | None]) -> dict[str, pd.DataFrame]:
    """Judge several methods on the same hidden calls.

    Parameters
    ----------
    hidden : HiddenCalls
    ports : PORTS table
    methods : mapping of str to callable
        See `judge_calls`.

    Returns
    -------
    dict of str to DataFrame
        Answers of each method; see `judge_calls`.
    """
    places = conform(ports, PORTS)
    gaps = find_gaps(hidden.fixes, rule=GapRule(min_gap_h=hidden.min_gap_h))
    known = pd.MultiIndex.from_frame(gaps[_ENDS]).isin(pd.MultiIndex.from_frame(hidden.truth[_ENDS]))
    gaps = add_made_good(gaps[known].reset_index(drop=True), hidden.fixes)
    history = fleet_history(hidden.fixes, ports=places)
    out = {}
    for name, find in methods.items():
        calls = (find or find_with_history(hidden.fixes))(gaps, places, history)
        out[name] = _answers(complete(calls, PORT_CALLS), gaps, places, hidden.truth)
    return out


def _answers(calls: pd.DataFrame, gaps: pd.DataFrame, places: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    answers = answers_port_calls(calls, gaps=gaps, truth=truth)
    true = gaps[["gap_id", *_ENDS]].merge(truth, on=_ENDS).set_index("gap_id").reindex(answers["gap_id"])
    stay_h = ((true["depart"] - true["arrive"]).dt.total_seconds() / 3600.0).to_numpy()
    reach = nearest_port_by_slack(gaps, places, speed_kn=CHOICE_KN, service_h=CHOICE_STAY_H)
    number = answers["gap_id"].map(reach.loc[reach["port_id"].notna(), "gap_id"].value_counts()).fillna(0)
    columns: dict[str, Any] = {name: true[name].to_numpy(dtype=object) for name in ("truth_id", "port_id", "doing")}
    columns |= {
        "choice": answers["y"] & (number >= MANY),
        "harbour": answers_port_calls(_one_harbour(calls, places, true["port_id"]), gaps=gaps, truth=truth)["top1"],
        "stay_h": stay_h,
    }
    for name, (least, most) in STAYS_H.items():
        columns[f"stay_{name}"] = answers["y"] & (stay_h >= least) & (stay_h < most)
    for name in DOINGS:
        columns[f"beside_{name}"] = answers["y"] | (columns["doing"] == name)
    return answers.assign(**columns)


def find_with_history(fixes: pd.DataFrame) -> Find:
    """Return `find_port_calls` as the chain calls it: with the history, and what the ships of a feed say they are.

    Parameters
    ----------
    fixes : FIXES table

    Returns
    -------
    callable
        Takes GAPS, PORTS and history, returns PORT_CALLS.
    """
    vessels = particulars(fixes)
    return lambda gaps, ports, history: find_port_calls(gaps, ports, vessels=vessels, history=history)


def without_history(rule: Callable[[Any, Any], pd.DataFrame]) -> Find:
    """Make a rule of gaps and ports alone one that is given the history too, and does not look at it.

    Parameters
    ----------
    rule : callable
        Takes GAPS and PORTS, returns PORT_CALLS.

    Returns
    -------
    callable
        Takes GAPS, PORTS and history, returns PORT_CALLS.
    """
    return lambda gaps, ports, history: rule(gaps, ports)


def _one_harbour(calls: pd.DataFrame, places: pd.DataFrame, true: pd.Series) -> pd.DataFrame:
    """Readings in which the likeliest port near the true one stands for all of them, under the name of the true one."""
    where = places.set_index("port_id")[["lat", "lon"]]
    true = calls["gap_id"].map(true)
    rows = np.flatnonzero((calls["hypothesis"].eq("port") & true.notna()).to_numpy(dtype=bool))
    here, there = where.loc[calls["port_id"].iloc[rows]], where.loc[true.iloc[rows]]
    near = great_circle_nm(*(part[name].to_numpy() for part in (here, there) for name in ("lat", "lon"))) <= HARBOUR_NM
    same = rows[near]
    port = calls["port_id"].to_numpy(dtype=object).copy()
    port[same] = true.to_numpy(dtype=object)[same]
    merged = calls.assign(port_id=port).sort_values("p_call", ascending=False, kind="stable")
    return merged.drop_duplicates(["gap_id", "hypothesis", "port_id"]).sort_index()


def _check(number: int | None, lead_h: tuple[float, float], min_gap_h: float, longest_h: float) -> None:
    if number is not None and number < 1:
        raise RuleError(f"number = {number!r}: must be at least 1")
    if len(lead_h) != 2 or not 0 <= lead_h[0] <= lead_h[1] < np.inf:
        raise RuleError(f"lead_h = {lead_h!r}: expected two numbers of hours, the smaller one first")
    if not 0 < min_gap_h < longest_h:
        raise RuleError(f"min_gap_h = {min_gap_h!r}: must be greater than 0 and less than longest_h = {longest_h!r}")


def _on_tracks(table: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Visits in order of track and time, with the number of the track and times in us; those without an end too."""
    names = table[["mmsi", "track_id"]].assign(track=track_numbers(table))
    stays = visits.merge(names[names["track"] >= 0].drop_duplicates(), on=["mmsi", "track_id"], how="left")
    if stays["track"].isna().any():
        stranger = stays.loc[stays["track"].isna(), "track_id"].iloc[0]
        raise SchemaError(f"PORT_VISITS: the fixes have no track {stranger!r}; find the visits in the same fixes")
    left = stays["depart"].notna().to_numpy()
    arrive, depart = time_us(stays["arrive"]), time_us(stays["depart"])
    stays = stays.assign(track=stays["track"].astype("int64"), arrive=arrive, depart=np.where(left, depart, _NEVER))
    return stays.sort_values(["track", "arrive", "visit_id"], ignore_index=True)


def _silenced(
    tracks: Tracks, stays: pd.DataFrame, lead_h: tuple[float, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Calls that can be hidden, with the `first` and `last` fix that stays: indices into the tracks."""
    stays = stays[stays["confidence"] > 1]
    track, arrive, depart = (stays[name].to_numpy() for name in ("track", "arrive", "depart"))
    at = tracks.before(track, arrive)
    low, high = tracks.first()[at], tracks.last()[at]
    # Neighbouring calls share the fix in the middle of the way, so that both can be hidden.
    same = track[1:] == track[:-1]
    shared = tracks.before(track[:-1], depart[:-1] // 2 + arrive[1:] // 2)
    low[1:], high[:-1] = np.where(same, shared, low[1:]), np.where(same, shared, high[:-1])
    lead, lag = np.round(rng.uniform(*lead_h, (2, len(stays))) * US_PER_H).astype("int64")
    first = np.maximum(tracks.before(track, arrive - lead), low)
    last = np.minimum(tracks.after(track, depart + lag), high)
    whole = (stays["confidence"] == 4) & (stays["stop_h"] > 0)
    return stays.assign(first=first, last=last)[whole]


def _busy(tracks: Tracks, stays: pd.DataFrame, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Fixes inside visits, and inside what is hidden already, shape (n,)."""
    inside = tracks.before(stays["track"].to_numpy(), stays["arrive"].to_numpy())
    outside = np.minimum(tracks.after(stays["track"].to_numpy(), stays["depart"].to_numpy()), tracks.last()[inside] + 1)
    steps = np.zeros(len(tracks.time) + 1, dtype="int64")
    np.add.at(steps, np.r_[inside, first], 1)
    np.add.at(steps, np.r_[outside, last + 1], -1)
    return np.cumsum(steps[:-1]) > 0


def _truth(
    table: pd.DataFrame, tracks: Tracks, calls: pd.DataFrame, first: np.ndarray, last: np.ndarray, doing: np.ndarray
) -> pd.DataFrame:
    """TRUTH of the hidden stretches, the calls before the others."""
    start, end = (table["timestamp"].take(tracks.row[index]).reset_index(drop=True) for index in (first, last))
    mmsi = table["mmsi"].take(tracks.row[first]).reset_index(drop=True)
    called = np.arange(len(first)) < len(calls)
    names = calls[["visit_id", "port_id", "arrive", "depart"]].reindex(np.arange(len(first)))
    plain = mmsi.astype("str") + "-" + start.dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    truth = {
        "truth_id": "hidden-" + names["visit_id"].fillna(plain),
        "kind": np.where(called, "dark_call", "off_no_call"),
        "mmsi": mmsi, "off_time": start, "on_time": end, "gap_start": start, "gap_end": end,
        "port_id": names["port_id"],
        "arrive": utc_times(names["arrive"].fillna(0).to_numpy(), called),
        "depart": utc_times(names["depart"].fillna(0).to_numpy(), called),
        "doing": doing,
    }  # fmt: skip
    return finish(truth, TRUTH)
