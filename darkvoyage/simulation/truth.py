"""The truth about a world as one table: what every ship did unheard, and which silences nobody meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import TRUTH
from darkvoyage.schema.times import time_us
from darkvoyage.simulation.diary import SLOT_S, Event, Log
from darkvoyage.simulation.sea import Sea

__all__ = ["LongSilences", "long_silences", "truth_table"]

_LONG_S = 6 * 3600.0
"""Shorter silences are not told of [s]; the shortest gap that is found unless asked otherwise."""
_UNMET = {"dark_call": "off_no_call", "dark_meeting": "off_wait"}
"""What is left of an event whose call or meeting would have been after the feed."""


@dataclass(frozen=True)
class LongSilences:
    """Silences of one hull in the delivered feed that last longer than six hours.

    Parameters
    ----------
    mmsi : ndarray of int64, shape (n,)
        Under which the hull was not heard.
    start_s, end_s : ndarray of float64, shape (n,)
        Last fix before and first after, since the feed began [s]; the end is infinite where none followed.
    """

    mmsi: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray

    def taken(self, which: np.ndarray) -> LongSilences:
        """Only these."""
        return LongSilences(self.mmsi[which], self.start_s[which], self.end_s[which])


def long_silences(fixes: pd.DataFrame, start: pd.Timestamp) -> LongSilences:
    """Silences between the fixes of one hull, and after its last.

    Parameters
    ----------
    fixes : DataFrame
        `mmsi` and `timestamp` of all rows of the hull.
    start : Timestamp
        When the feed began.

    Returns
    -------
    LongSilences
    """
    mmsi = fixes["mmsi"].to_numpy()
    seconds = (time_us(fixes["timestamp"]) - start.value // 1000) / 1e6
    order = np.lexsort((seconds, mmsi))
    mmsi, seconds = mmsi[order], seconds[order]
    last = np.r_[mmsi[1:] != mmsi[:-1], True] if len(mmsi) else np.zeros(0, dtype=bool)
    until = np.where(last, np.inf, np.r_[seconds[1:], np.inf][: len(seconds)])
    long = until - seconds > _LONG_S
    return LongSilences(mmsi, seconds, until).taken(long)


def truth_table(
    logs: list[Log], silences: list[LongSilences], sea: Sea, start: pd.Timestamp, end_s: float
) -> pd.DataFrame:
    """Put the truth together.

    Parameters
    ----------
    logs : list of Log
    silences : list of LongSilences
        One entry per log.
    sea : Sea
    start : Timestamp
        When the feed began.
    end_s : float
        Its last fix [s].

    Returns
    -------
    DataFrame
        TRUTH. A silence that nobody meant tells of the call that the ship made in it in the open, if any.
    """
    told = [_of_hull(log, gaps, sea, end_s) for log, gaps in zip(logs, silences, strict=True)]
    events = pd.DataFrame([row for rows, _ in told for row in rows], columns=list(_COLUMNS))
    table = pd.concat([events.astype(_TYPES), *(natural for _, natural in told)], ignore_index=True)
    for name in _TIMES:
        table[name] = _times(table[name], start)
    stamp = table["off_time"].dt.strftime("%Y%m%dT%H%M%S")
    table["truth_id"] = table["mmsi"].astype("str") + "-" + stamp + "-" + table["kind"]
    return finish(table, TRUTH)


_COLUMNS = (
    "kind", "mmsi", "imo", "off_time", "on_time", "gap_start", "gap_end", "port_id", "lat", "lon", "arrive", "depart",
    "other_mmsi", "loaded", "cargo_t", "barrels", "draught_report", "destination_report",
)  # fmt: skip
_TIMES = ("off_time", "on_time", "gap_start", "gap_end", "arrive", "depart")
_TYPES = dict.fromkeys(_TIMES, "float64") | {"mmsi": "int64", "imo": "Int64"}
"""Times are seconds since the feed began until the end."""


def _of_hull(log: Log, gaps: LongSilences, sea: Sea, end_s: float) -> tuple[list[tuple[object, ...]], pd.DataFrame]:
    """Rows of the events of one hull, in the order of `_COLUMNS`, and its silences that none of them explains."""
    open_too_short = (gaps.end_s == np.inf) & (end_s - gaps.start_s <= _LONG_S)
    gaps = gaps.taken(~open_too_short)
    explained = np.zeros(len(gaps.mmsi), dtype=bool)
    rows: list[tuple[object, ...]] = []
    for event in log.events:
        if event.off_s >= end_s:
            continue
        event = _within(event, end_s)
        if event.kind == "fault":
            event = replace(event, **_open_call(log, sea, event.off_s, event.on_s))
        mmsi, imo = _sent(log, event.off_s)
        gap = (np.nan, np.nan)
        if event.unheard:
            own = gaps.mmsi == mmsi
            during = (gaps.start_s < event.on_s) & (gaps.end_s > event.off_s)
            # Under its other identity a ship goes on sending; while it is off, it is unheard under any.
            explained |= during & (own | (event.kind != "identity_swap"))
            around = np.flatnonzero(own & (gaps.start_s <= event.off_s) & (gaps.end_s >= event.on_s))
            gap = (gaps.start_s[around[0]], gaps.end_s[around[0]]) if len(around) else gap
        rows.append(
            (
                event.kind, mmsi, imo, event.off_s, event.on_s, *gap, event.port_id, *event.place, event.arrive_s,
                event.depart_s, event.other_mmsi, event.loaded, event.cargo_t, event.barrels, event.draught_report,
                event.destination_report,
            )
        )  # fmt: skip
    left = gaps.taken(~explained)
    span = {"off_time": left.start_s, "on_time": left.end_s, "gap_start": left.start_s, "gap_end": left.end_s}
    calls = [_open_call(log, sea, *ends) for ends in zip(left.start_s, left.end_s, strict=True)]
    places = {
        "port_id": [call.get("port_id") for call in calls],
        "lat": [call.get("place", (np.nan, np.nan))[0] for call in calls],
        "lon": [call.get("place", (np.nan, np.nan))[1] for call in calls],
        "arrive": [call.get("arrive_s", np.nan) for call in calls],
        "depart": [call.get("depart_s", np.nan) for call in calls],
    }
    natural = pd.DataFrame({"kind": "natural", "mmsi": left.mmsi, **span, **places})
    imos = {one.mmsi: one.imo or None for _, one in log.identities}
    return rows, natural.assign(imo=natural["mmsi"].map(imos).astype("Int64"))


def _open_call(log: Log, sea: Sea, start_s: float, end_s: float) -> dict[str, Any]:
    """The first stay at a port that lies within a silence that hid nothing, as fields of an event."""
    for begin, end in log.stays():
        arrive, depart = ((log.first + row) * float(SLOT_S) for row in (begin, end))
        if start_s <= arrive and depart <= end_s and end < len(log.mode):
            place = (float(log.lat[end - 1]), float(log.lon[end - 1]))
            return {"port_id": sea.port_at(*place), "place": place, "arrive_s": arrive, "depart_s": depart}
    return {}


def _within(event: Event, end_s: float) -> Event:
    """The event as far as it lies within the feed."""
    if not event.arrive_s >= end_s:
        return event
    return replace(
        event, kind=_UNMET.get(event.kind, event.kind), port_id=None, place=(np.nan, np.nan), arrive_s=np.nan,
        depart_s=np.nan, other_mmsi=None, loaded=None, cargo_t=np.nan, barrels=np.nan, draught_report=None,
        destination_report=None,
    )  # fmt: skip


def _sent(log: Log, seconds: float) -> tuple[int, int | None]:
    """MMSI and IMO number that the ship sent just before."""
    before = [one for slot, one in log.identities if slot * SLOT_S < seconds] or [log.identities[0][1]]
    return before[-1].mmsi, before[-1].imo or None


def _times(seconds: pd.Series, start: pd.Timestamp) -> pd.Series:
    rounded = seconds.where(np.isfinite(seconds)).round()
    return (start + pd.to_timedelta(rounded, unit="s")).dt.as_unit("us")
