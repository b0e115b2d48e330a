"""Meetings in the dark: which ships could have met at sea while one or both of them were silent.

Two silences are two space-time prisms; the ships could have met where and as long as both prisms hold them (GapPair's
idea of joint dwell). The partner may also be a ship that is seen to linger within reach of the silent one. Most pairs
that could have met never did: `p_feasible` says that there was time, `p_met` how likely it was used.

Caveat: ways are great circles. Land is not avoided, so `joint_h` and `p_feasible` err on the side of possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.hand_over import hand_over_llr
from darkvoyage.kernels.prisms import (
    chance_together,
    degrees_of,
    longest_together,
    most_together_h,
    pairs_at_once,
    together_at,
)
from darkvoyage.kernels.spans import group_starts
from darkvoyage.reach.history import as_history
from darkvoyage.reach.meeting_evidence import area_of, early_evidence, late_evidence
from darkvoyage.reach.meeting_odds import Weights, log_odds, most_late_log_odds, weights_of
from darkvoyage.reach.parties import Parties, lingering_parties, silent_parties
from darkvoyage.rules.meetings import MeetingRule
from darkvoyage.schema.conform import complete, conform, empty, finish
from darkvoyage.schema.motion import with_made_good
from darkvoyage.schema.tables import DARK_MEETINGS, GAPS, LOITERING, PORTS, SILENCES, VESSELS
from darkvoyage.schema.times import utc_times
from darkvoyage.units import US_PER_H

__all__ = ["find_dark_meetings"]

_BLOCK = 1 << 15
_MOST_ROWS = 2_000_000
"""Pairs held before those that are among no gap's likeliest partners are let go."""
_LEAST = 1e-300
_TO_OTHER, _FROM_OTHER = "from gap ship to other", "from other to gap ship"


def find_dark_meetings(
    gaps: Any, *, loitering: Any = None, fixes: Any = None, ports: Any = None, vessels: Any = None,
    history: Any = None, silences: Any = None, rule: MeetingRule | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Find the ships that the ship of each gap could have met in it.

    Parameters
    ----------
    gaps : GAPS table
        Gaps without a position before are left out. A gap that still lasts ends for this purpose where `duration_h`
        does, anywhere.
    loitering : LOITERING table, optional
        Ships that were seen to linger; each is taken to stay at its mean place.
    fixes : FIXES table, optional
        Draughts of the ships that lingered.
    ports : PORTS table, optional
        Its ship-to-ship areas are where meetings are likelier; ships that linger at its other places wait for a berth.
        The sensitive flag never enters.
    vessels : VESSELS table, optional
        Ship types, service speeds, laden draughts, lengths and beams.
    history : HISTORY table, optional
        Own speeds of the silent ships, best of `fleet_history`.
    silences : SILENCES table, optional
        How likely each ship was switched off: the strongest single sign. Without it `p_met` is much less sharp.
    rule : MeetingRule, optional

    Returns
    -------
    DARK_MEETINGS table
        One row per gap and partner: a pair of gaps has two rows of one `meeting_id`, one seen from either gap.
        `joint_h` is the longest possible time together at the best place (`lat`, `lon`), from `earliest` to `latest`,
        at the highest speeds; `p_feasible` the chance that the speeds allowed `rule.min_h` there. The `p_met` of one
        gap, the partners not listed (`p_met_cut`) and having met nobody sum to 1 or less. `port_id` is the listed
        ship-to-ship area with time for a meeting, `direction` and `llr_draught` what the draughts say.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or MeetingRule()
    table = with_made_good(complete(gaps, GAPS))
    table = table.sort_values(["gap_id", "track_id"], kind="stable", ignore_index=True)
    register = None if vessels is None else complete(vessels, VESSELS)
    places = None if ports is None else conform(ports, PORTS)
    told = None if silences is None else conform(silences, SILENCES)
    silent = silent_parties(table, register, as_history(history), told)
    seen = empty(LOITERING) if loitering is None else conform(loitering, LOITERING)
    seen = seen.sort_values(["loitering_id"], kind="stable", ignore_index=True)
    lingering = lingering_parties(seen, register, fixes, places, silent.since_us, rule)
    areas = _areas(places)
    kept = _Kept(len(silent), len(lingering), rule)
    for other in (None, lingering):
        weights = weights_of(lingering=other is not None, told=silences is not None)
        for rows in _pairs(silent, other, areas, weights, rule, kept):
            kept.add(rows)
    return _laid_out(kept.settled(), silent, lingering, areas)


def _areas(places: pd.DataFrame | None) -> pd.DataFrame:
    """Ship-to-ship areas in the order of their names."""
    if places is None or "kind" not in places:
        return empty(PORTS)
    areas = places[places["kind"].eq("sts").fillna(False).to_numpy(dtype=bool)]
    return areas.sort_values("port_id", ignore_index=True)


class _Kept:
    """The pairs found so far, the odds of all pairs of each party, and those of the pairs that were let go.

    Lingering ships are numbered behind the silent ones.
    """

    def __init__(self, silent: int, lingering: int, rule: MeetingRule) -> None:
        self.silent, self.rule = silent, rule
        self.odds = np.zeros(silent + lingering)
        self.gone = np.zeros(silent + lingering)
        self.rows = pd.DataFrame()

    def let_go(self, pairs: np.ndarray, log_odds: np.ndarray) -> None:
        """Count pairs, shape (2, n), without keeping them."""
        odds = self._of_each(pairs, log_odds)
        self.odds += odds
        self.gone += odds

    def add(self, rows: pd.DataFrame) -> None:
        """Keep pairs, as long as there is room."""
        self.odds += self._of_each(rows[["a", "b"]].to_numpy().T, rows["log_odds"].to_numpy())
        self.rows = rows if len(self.rows) == 0 else pd.concat([self.rows, rows], ignore_index=True)
        if len(self.rows) > _MOST_ROWS:
            views = self._views("log_odds")
            likely = np.zeros(len(self.rows), dtype=bool)
            likely[views.loc[views["rank"] < self.rule.max_partners, "pair"]] = True
            rest = self.rows[~likely]
            self.gone += self._of_each(rest[["a", "b"]].to_numpy().T, rest["log_odds"].to_numpy())
            self.rows = self.rows[likely].reset_index(drop=True)

    def settled(self) -> pd.DataFrame:
        """Likeliest partners of each gap with `p_met` and `p_met_cut`, by gap."""
        if len(self.rows) == 0:
            return self.rows
        odds = np.exp(self.rows["log_odds"].to_numpy())
        # A ship meets one other at most: a pair stands against the others of either ship, and against meeting nobody.
        either = self.odds[self.rows["a"].to_numpy()] + self.odds[self.rows["b"].to_numpy()] - odds
        self.rows["p_met"] = odds / (1.0 + np.maximum(either, odds))
        views = self._views("p_met")
        pair, gap = views["pair"].to_numpy(), views["gap"].to_numpy()
        p_met = self.rows["p_met"].to_numpy()[pair]
        listed = (views["rank"].to_numpy() < self.rule.max_partners) & (p_met >= self.rule.least_p_met)
        cut = np.bincount(gap[~listed], p_met[~listed], self.silent) + (self.gone / (1.0 + self.odds))[: self.silent]
        rows = self.rows.take(pair[listed]).reset_index(drop=True)
        return rows.assign(gap=gap[listed], other=views["other"].to_numpy()[listed], p_met_cut=cut[gap[listed]])

    def _of_each(self, pairs: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
        """Odds of the pairs of each party, summed."""
        odds = np.exp(log_odds)
        sides = [np.bincount(party, odds, minlength=len(self.odds)) for party in pairs]
        return np.asarray(sides[0] + sides[1], dtype="float64")

    def _views(self, by: str) -> pd.DataFrame:
        """Each pair as seen from each of its gaps: `pair`, `gap`, `other`, and its `rank` among those of the gap."""
        number = np.arange(len(self.rows))
        a, b = self.rows["a"].to_numpy(), self.rows["b"].to_numpy()
        mutual = b < self.silent
        pair, gap, other = np.r_[number, number[mutual]], np.r_[a, b[mutual]], np.r_[b, a[mutual]]
        order = np.lexsort((other, -self.rows[by].to_numpy()[pair], gap))
        first = group_starts(gap[order])
        size = np.diff(np.r_[first, len(order)])
        rank = np.arange(len(order)) - np.repeat(first, size)
        return pd.DataFrame({"pair": pair[order], "gap": gap[order], "other": other[order], "rank": rank})


def _pairs(
    silent: Parties, other: Parties | None, areas: pd.DataFrame, weights: Weights, rule: MeetingRule, kept: _Kept
) -> Iterator[pd.DataFrame]:
    """Yield the pairs that had the time to meet, and count those that are too unlikely to look at closely."""
    second, offset = (silent, 0) if other is None else (other, len(silent))
    hopeless = np.log(max(rule.least_p_met, _LEAST)) - most_late_log_odds(weights, rule.max_draught_llr)
    for i, j in pairs_at_once(silent.prisms, None if other is None else other.prisms, rule.min_h):
        strangers = np.flatnonzero(silent.mmsi[i] != second.mmsi[j])
        for low in range(0, len(strangers), _BLOCK):
            some = strangers[low : low + _BLOCK]
            a, b = silent.at(i[some]), second.at(j[some])
            pairs = np.stack([i[some], j[some] + offset])
            early = weights["base"] + log_odds(early_evidence(a, b), weights)
            in_time = most_together_h(a.prisms, b.prisms) >= rule.min_h
            dull = in_time & (early < hopeless)
            kept.let_go(pairs[:, dull], early[dull])
            close = np.flatnonzero(in_time & ~dull)
            found = _judged(a.at(close), b.at(close), other is not None, areas, weights, rule)
            row = close[found.pop("row")]
            found["log_odds"] += early[row]
            yield pd.DataFrame({"a": pairs[0][row], "b": pairs[1][row], **found})


def _judged(
    a: Parties, b: Parties, lingering: bool, areas: pd.DataFrame, weights: Weights, rule: MeetingRule
) -> dict[str, np.ndarray]:
    """Columns of those of the pairs that had the time, with the `row` of each; a ship that lingers comes second."""
    place = b.prisms.out if lingering else longest_together(a.prisms, b.prisms)
    first, last = together_at(a.prisms, b.prisms, place)
    row = np.flatnonzero(last - first >= rule.min_h)
    a, b, place, first, last = a.at(row), b.at(row), place[row], first[row], last[row]
    area = area_of(a, b, areas, rule.min_h)
    llr, giver = hand_over_llr(a.draughts, b.draughts, rule.max_draught_llr)
    # The ship that lingers needs no speed, so that the chance of the other is exact when it comes second.
    one, two = (b, a) if lingering else (a, b)
    speeds = [(getattr(one, name), getattr(two, name)) for name in ("mean_kn", "sd_kn", "cap_kn")]
    lat, lon = degrees_of(place)
    return {
        "row": row,
        "log_odds": log_odds(late_evidence(a, b, place, area) | {"draughts": llr}, weights),
        "first_h": first,
        "last_h": last,
        "lat": lat,
        "lon": lon,
        "area": area,
        "p_feasible": chance_together(one.prisms, two.prisms, place, rule.min_h, *speeds),
        "llr_draught": llr,
        "giver": giver,
    }


def _laid_out(rows: pd.DataFrame, silent: Parties, lingering: Parties, areas: pd.DataFrame) -> pd.DataFrame:
    if len(rows) == 0:
        return empty(DARK_MEETINGS)
    gap, other = rows["gap"].to_numpy(), rows["other"].to_numpy()
    ids = np.append(silent.id, lingering.id).astype("U")
    mmsi = np.append(silent.mmsi, lingering.mmsi)
    change = np.append(silent.draughts.change_m(), lingering.draughts.change_m())
    dark = other < len(silent)
    swapped = ids[other] < ids[gap]
    low, high = np.where(swapped, ids[other], ids[gap]), np.where(swapped, ids[gap], ids[other])
    gave = np.where(rows["giver"] < 0, -1, np.where(rows["giver"] == 0, rows["a"], rows["b"]))
    first, last = rows["first_h"].to_numpy(), rows["last_h"].to_numpy()
    partner = pd.Series(ids[other], dtype="str")
    direction = pd.Series(_TO_OTHER, rows.index, dtype="str").where(gave == gap, _FROM_OTHER).where(gave >= 0)
    return finish(
        {
            "meeting_id": np.char.add(np.char.add(low, "+"), high).astype(object),
            "gap_id": ids[gap].astype(object),
            "other_gap_id": partner.where(dark),
            "loitering_id": partner.where(~dark),
            "mmsi": mmsi[gap],
            "other_mmsi": mmsi[other],
            "earliest": utc_times(silent.since_us + first * US_PER_H),
            "latest": utc_times(silent.since_us + last * US_PER_H),
            "joint_h": last - first,
            # Rows without an area have -1, which reindexing turns into nulls.
            "port_id": areas["port_id"].reindex(rows["area"]).to_numpy(),
            "draught_change_m": change[gap],
            "other_draught_change_m": change[other],
            "direction": direction,
            **{name: rows[name] for name in ("lat", "lon", "p_feasible", "p_met", "p_met_cut", "llr_draught")},
        },
        DARK_MEETINGS,
    )
