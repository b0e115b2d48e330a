"""Which hull each fix of an MMSI belongs to, decided from a bounded stretch of its fixes, batch after batch.

A step that no ship can make is a break. The fixes from a little before a break until the track has been quiet for a
while are an episode; everything else is calm and simply belongs to the hull heard last. An episode is solved as a
whole: its fixes are chained by what can be reached, each chain continues a known hull, or is a new hull if it is heard
enough, or is jumps. What an MMSI did is thus settled by its own sequence of fixes alone, wherever a file or a day ends:
batches give what one table gives. Carried from batch to batch are, per MMSI, the fixes not yet settled (a few, or the
open episode, never more than `EPISODE_ROWS`), and where each known hull was last heard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.spans import group_starts
from darkvoyage.rules.tracks import CleanRule
from darkvoyage.tracks.episodes import (
    BEFORE_BREAK,
    LONG,
    Batch,
    break_ahead,
    calm_follows,
    number_episodes,
    row_before,
    settled_rows,
)
from darkvoyage.tracks.stretches import chain_rows, heard_enough, reachable, steps_broken

__all__ = ["Hulls", "Judgement"]

_QUIET_MAX = 64
_TIPS = 8
"""Hulls under one MMSI that are remembered; the one silent for longest is forgotten first."""
_NEVER = np.iinfo("int64").min


@dataclass(frozen=True)
class Judgement:
    """What is known of each row of a batch.

    Parameters
    ----------
    settled : ndarray of bool, shape (n,)
        The rest must be given again with the next batch.
    hull : ndarray of int64, shape (n,)
        Number of the hull within its MMSI; -1 for jumps, meaningless where not settled.
    """

    settled: np.ndarray
    hull: np.ndarray


class Hulls:
    """The hulls of every MMSI, as far as its fixes have been settled.

    Parameters
    ----------
    rule : CleanRule
    """

    def __init__(self, rule: CleanRule) -> None:
        self.rule = rule
        share = rule.hull_min_share
        self.quiet = max(rule.hull_min_fixes, min(_QUIET_MAX, int(np.ceil(1 / share)) if share else _QUIET_MAX))
        self.state = _fresh(0)

    def grow(self, vessels: int) -> None:
        """Make room for MMSI numbered up to `vessels`."""
        known = len(self.state["settled_until"])
        if vessels > known:
            more = _fresh(max(vessels, 2 * known) - known)
            self.state = {name: np.concatenate([values, more[name]]) for name, values in self.state.items()}

    def judge(
        self, vessel: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, lost: np.ndarray, *,
        last: bool,
    ) -> Judgement:  # fmt: skip
        """Settle as many rows as can be.

        Parameters
        ----------
        vessel, time : ndarray of int64, shape (n,)
            Sorted by (vessel, time, lost); the unsettled rows of the batch before are among them [us].
        lat, lon : ndarray of float64, shape (n,)
        lost : ndarray of bool, shape (n,)
            Without a usable position.
        last : bool
            No more rows will come: everything is settled.

        Returns
        -------
        Judgement
        """
        n = len(vessel)
        if n == 0:
            return Judgement(np.empty(0, dtype=bool), np.empty(0, dtype="int64"))
        start = group_starts(vessel)
        batch = Batch(vessel, time, lat, lon, lost, start, np.r_[start[1:], n] - 1)
        self.grow(int(vessel[-1]) + 1)
        broken = self._broken(batch)
        ship = vessel[start]
        restless = self.state["quiet_rows"][ship] < self.quiet
        restless[batch.group_of(np.flatnonzero(broken))] = True
        settled = np.ones(n, dtype=bool)
        if not last:
            settled = np.arange(n) <= np.repeat(batch.end - BEFORE_BREAK, batch.size)
        hull = np.repeat(self.state["current"][ship], batch.size)
        quiet_rows = self.state["quiet_rows"].copy()
        quiet_rows[ship] = np.minimum(quiet_rows[ship] + np.add.reduceat(settled, start), LONG)
        if restless.any():
            rows = np.flatnonzero(np.repeat(restless, batch.size))
            part = batch.take(rows)
            settled[rows], hull[rows], quiet_rows[part.ship] = self._solve(part, broken[rows], last)
        self.state["quiet_rows"] = quiet_rows
        self._remember(batch, settled, hull)
        return Judgement(settled, hull)

    def advance(self, ship: np.ndarray, count: np.ndarray, until: np.ndarray, last: dict[str, np.ndarray]) -> None:
        """Go on with vessels that were calm before and make no step that no ship can make.

        Parameters
        ----------
        ship, count, until : ndarray of int64, shape (vessels,)
            Vessels, how many of their fixes are settled, and the time of the last of these [us].
        last : dict of ndarray
            The last settled fix with a position of those that have one: `ship`, `time`, `lat`, `lon`.
        """
        state = self.state
        state["quiet_rows"][ship] = np.minimum(state["quiet_rows"][ship] + count, LONG)
        state["settled_until"][ship] = until
        who = last["ship"]
        at, slot = np.nonzero(state["tip_hull"][who] == state["current"][who, None])
        for name in ("time", "lat", "lon"):
            state[f"last_{name}"][who] = last[name]
            state[f"tip_{name}"][who[at], slot] = last[name][at]

    def _broken(self, batch: Batch) -> np.ndarray:
        """Rows with a position that the fix before cannot have reached, or that have none before."""
        broken = np.zeros(len(batch.vessel), dtype=bool)
        at = slice(None) if not batch.lost.any() else np.flatnonzero(~batch.lost)
        vessel, time, lat, lon = batch.vessel[at], batch.time[at], batch.lat[at], batch.lon[at]
        if len(vessel) == 0:
            return broken
        first = group_starts(vessel)
        found = np.zeros(len(vessel), dtype=bool)
        found[1:] = steps_broken(time, lat, lon, self.rule)
        ship = vessel[first]
        state = self.state
        known = state["last_time"][ship] != _NEVER
        before = (np.where(known, state["last_time"][ship], 0), state["last_lat"][ship], state["last_lon"][ship])
        found[first] = ~(known & reachable(*before, time[first], lat[first], lon[first], self.rule)[0])
        broken[at] = found
        return broken

    def _solve(self, batch: Batch, broken: np.ndarray, last: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Settle what can be of MMSI with breaks: rows settled, hulls, and how long each MMSI has been quiet."""
        since = self._since_break(batch, broken)
        trouble = (since < self.quiet) | break_ahead(batch, broken)
        episode, first_row = number_episodes(batch, trouble)
        settled = settled_rows(batch, trouble, episode, first_row, last)
        quiet_rows = np.where(settled[batch.end], since[batch.end] + 1, 0)
        waiting = np.flatnonzero(~settled & np.r_[True, settled[:-1] | (batch.vessel[1:] != batch.vessel[:-1])])
        quiet_rows[batch.group_of(waiting)] = since[waiting]
        hull = self._hulls(batch, broken, np.where(settled & trouble, episode, -1), trouble)
        return settled, hull, np.minimum(quiet_rows, LONG)

    def _since_break(self, batch: Batch, broken: np.ndarray) -> np.ndarray:
        """Rows since the last break, the breaks of earlier batches included."""
        place = np.arange(len(broken))
        latest = np.maximum.accumulate(np.where(broken, place, -1))
        begin = np.repeat(batch.start, batch.size)
        carried = np.repeat(self.state["quiet_rows"][batch.ship], batch.size)
        return np.where(latest >= begin, place - latest, place - begin + carried)

    def _hulls(self, batch: Batch, broken: np.ndarray, episode: np.ndarray, trouble: np.ndarray) -> np.ndarray:
        """Hull of each row; `episode` is -1 for calm rows and those that are not settled."""
        rows = np.flatnonzero((episode >= 0) & ~batch.lost)
        current = np.repeat(self.state["current"][batch.ship], batch.size)
        if len(rows) == 0:
            return current
        solved = _Chains(rows, episode[rows], batch, broken, self.rule)
        # What the MMSI calms down to is a hull, however it began.
        solved.is_hull |= solved.is_last & calm_follows(batch, trouble)[solved.last_row]
        group = batch.group_of(solved.first_row)
        busy = np.zeros(len(batch.start), dtype=bool)
        ship = batch.ship
        plain = solved.one_goes_on() & (self.state["current"][ship[group[solved.head]]] >= 0)
        busy[group[solved.head[~plain]]] = True
        busy |= (self.state["tip_hull"][ship] >= 0).sum(axis=1) > 1
        number = np.where(solved.goes_on, self.state["current"][ship[group]], -1)
        turn = solved.turn(group)
        active = busy[group]
        # An episode may need to know where the one before left the hulls: the first of every MMSI, then the second...
        eve = row_before(batch, solved.first_row)
        opens = np.zeros(len(turn), dtype=bool)
        opens[solved.head] = active[solved.head] & (eve[solved.head] >= 0)
        for step in range(int(turn[active].max(initial=-1)) + 1):
            heads = np.flatnonzero(opens & (turn == step))
            self._move(ship[group[heads]], self.state["current"][ship[group[heads]]], eve[heads], batch)
            chains = np.flatnonzero(active & (turn == step))
            number[chains] = self._continue(solved, chains, ship[group[chains]], batch)
        hull = current
        hull[rows] = number[solved.chain]
        # Calm rows after an episode belong to the hull it ended with.
        ends = solved.last_rows()
        after = np.searchsorted(ends, np.arange(len(hull)), side="right") - 1
        calm = np.flatnonzero((episode < 0) & (after >= 0))
        same = batch.vessel[ends[after[calm]]] == batch.vessel[calm]
        hull[calm[same]] = hull[ends[after[calm[same]]]]
        return hull

    def _continue(self, solved: _Chains, chains: np.ndarray, ship: np.ndarray, batch: Batch) -> np.ndarray:
        """Hull of each chain of one episode per MMSI; known hulls move on, new ones are numbered."""
        state = self.state
        number = np.where(solved.goes_on[chains], state["current"][ship], -1)
        fresh = (state["tip_hull"][ship] < 0).all(axis=1)
        first = solved.first_row[chains]
        pair, tip = np.nonzero(state["tip_hull"][ship] >= 0)
        taken = np.isin(ship[pair] * LONG + state["tip_hull"][ship[pair], tip], (ship * LONG + number)[number >= 0])
        pair, tip = pair[~taken & (number[pair] < 0)], tip[~taken & (number[pair] < 0)]
        who, row = ship[pair], first[pair]
        tips = (state["tip_time"][who, tip], state["tip_lat"][who, tip], state["tip_lon"][who, tip])
        ok, cost = reachable(*tips, batch.time[row], batch.lat[row], batch.lon[row], self.rule)
        pair, tip, cost = pair[ok], tip[ok], cost[ok]
        while len(pair):
            # The largest chain of each MMSI chooses first, and takes the hull that needs the least of its allowance.
            order = np.lexsort((tip, cost, pair, -solved.size[chains[pair]], ship[pair]))
            best = order[group_starts(ship[pair][order])]
            number[pair[best]] = state["tip_hull"][ship[pair[best]], tip[best]]
            used = np.isin(ship[pair] * _TIPS + tip, ship[pair[best]] * _TIPS + tip[best]) | np.isin(pair, pair[best])
            pair, tip, cost = pair[~used], tip[~used], cost[~used]
        is_new = (number < 0) & solved.is_hull[chains]
        none = fresh & ~np.isin(ship, ship[is_new])
        order = np.lexsort((first, -solved.size[chains], ship))
        largest = order[group_starts(ship[order])]
        is_new[largest[none[largest]]] = True
        for k in _ranks(ship, is_new):
            number[k] = state["next_hull"][ship[k]]
            state["next_hull"][ship[k]] += 1
        self._move(ship, number, solved.last_row[chains], batch)
        final = solved.is_last[chains]
        state["current"][ship[final]] = number[final]
        return number

    def _move(self, ship: np.ndarray, number: np.ndarray, row: np.ndarray, batch: Batch) -> None:
        """Set where hulls (-1: none) were heard last."""
        state = self.state
        for k in _ranks(ship, number >= 0):
            who = ship[k]
            same = state["tip_hull"][who] == number[k, None]
            slot = np.where(same.any(axis=1), same.argmax(axis=1), state["tip_time"][who].argmin(axis=1))
            state["tip_hull"][who, slot] = number[k]
            for name, values in (("tip_time", batch.time), ("tip_lat", batch.lat), ("tip_lon", batch.lon)):
                state[name][who, slot] = values[row[k]]

    def _remember(self, batch: Batch, settled: np.ndarray, hull: np.ndarray) -> None:
        """Fixes without a position go with the hull heard last; then carry what the next batch needs."""
        state = self.state
        place = np.arange(len(hull))
        lost = np.flatnonzero(batch.lost & settled)
        if len(lost):
            usable = np.maximum.accumulate(np.where(~batch.lost & settled & (hull >= 0), place, -1))[lost]
            inside = usable >= batch.start[batch.group_of(lost)]
            heard = state["heard_hull"][batch.vessel[lost]]
            hull[lost] = np.where(inside, hull[usable], np.maximum(heard, 0))
        rows = np.maximum.reduceat(np.where(settled & ~batch.lost, place, -1), batch.start)
        rows = rows[rows >= 0]
        who = batch.vessel[rows]
        state["last_time"][who], state["last_lat"][who], state["last_lon"][who] = (
            batch.time[rows], batch.lat[rows], batch.lon[rows],
        )  # fmt: skip
        state["current"][who] = hull[rows]
        self._move(who, hull[rows], rows, batch)
        rows = np.maximum.reduceat(np.where(settled & ~batch.lost & (hull >= 0), place, -1), batch.start)
        rows = rows[rows >= 0]
        state["heard_hull"][batch.vessel[rows]] = hull[rows]
        rows = np.maximum.reduceat(np.where(settled, place, -1), batch.start)
        rows = rows[rows >= 0]
        state["settled_until"][batch.vessel[rows]] = batch.time[rows]


class _Chains:
    """Chains of the episodes of a batch, sorted by first row; rows are numbers in the batch."""

    def __init__(
        self, rows: np.ndarray, episode: np.ndarray, batch: Batch, broken: np.ndarray, rule: CleanRule
    ) -> None:
        root = chain_rows(episode, batch.time[rows], batch.lat[rows], batch.lon[rows], rule)
        at, self.chain, self.size = np.unique(root, return_inverse=True, return_counts=True)
        last = np.zeros(len(at), dtype="int64")
        last[self.chain] = np.arange(len(rows))
        self.first_row, self.last_row = rows[at], rows[last]
        self.episode = episode[at]
        start = group_starts(episode)
        begins, ends = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        begins[start] = True
        ends[np.r_[start[1:], len(rows)] - 1] = True
        self.goes_on = begins[at] & ~broken[self.first_row]
        self.is_last = ends[last]
        self.head = np.flatnonzero(begins[at])
        self._ends = rows[ends]
        self.is_hull = heard_enough(root, np.arange(len(rows)), rule)[at]

    def one_goes_on(self) -> np.ndarray:
        """Tell which episodes hold one hull, going on throughout, and jumps; in the order of `head`."""
        others = np.add.reduceat(self.is_hull & ~self.goes_on, self.head) > 0
        return self.goes_on[self.head] & self.is_last[self.head] & ~others

    def turn(self, group: np.ndarray) -> np.ndarray:
        """Number of each chain's episode among those of its MMSI."""
        mine = group[self.head]
        number = np.arange(len(self.head)) - np.searchsorted(mine, mine)
        return number[np.searchsorted(self.episode[self.head], self.episode)]

    def last_rows(self) -> np.ndarray:
        """Last row of each episode, ascending."""
        return self._ends


def _ranks(ship: np.ndarray, chosen: np.ndarray) -> list[np.ndarray]:
    """Chosen places split into the first of each ship, the second, and so on."""
    at = np.flatnonzero(chosen)
    at = at[np.argsort(ship[at], kind="stable")]
    rank = np.arange(len(at)) - np.searchsorted(ship[at], ship[at])
    return [at[rank == k] for k in range(int(rank.max(initial=-1)) + 1)]


def _fresh(count: int) -> dict[str, np.ndarray]:
    """State of MMSI that were never heard."""
    return {
        "current": np.full(count, -1, dtype="int64"),
        "heard_hull": np.full(count, -1, dtype="int64"),
        "next_hull": np.zeros(count, dtype="int64"),
        "quiet_rows": np.full(count, LONG, dtype="int64"),
        "settled_until": np.full(count, _NEVER, dtype="int64"),
        "last_time": np.full(count, _NEVER, dtype="int64"),
        "last_lat": np.full(count, np.nan),
        "last_lon": np.full(count, np.nan),
        "tip_hull": np.full((count, _TIPS), -1, dtype="int64"),
        "tip_time": np.full((count, _TIPS), _NEVER, dtype="int64"),
        "tip_lat": np.full((count, _TIPS), np.nan),
        "tip_lon": np.full((count, _TIPS), np.nan),
    }
