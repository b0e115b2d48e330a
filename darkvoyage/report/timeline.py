"""The strip of time of one case, as plain numbers for a hand-written SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from darkvoyage.report.cells import Row

__all__ = ["Timeline", "draw_timeline"]

_WIDTH, _LEFT = 760.0, 118.0
_STEPS_H = (1, 2, 3, 6, 12, 24, 48, 72, 120, 168, 336, 720, 1440, 2160, 4320)
_MOST_TICKS = 9
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Timeline:
    """Places on the strip [px].

    Parameters
    ----------
    gap : tuple of float
        From the last fix to the first fix after it.
    closed : bool
    window : tuple of float or None
        From the earliest arrival at the port to the latest departure.
    ticks : tuple of (float, str)
    marks : tuple of (str, float)
        Looks at the place: "seen", "maybe" or "empty".
    """

    gap: tuple[float, float]
    closed: bool
    window: tuple[float, float] | None
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[tuple[str, float], ...]


def draw_timeline(case: Row, marks: Sequence[tuple[str, pd.Timestamp]]) -> Timeline | None:
    """Place the gap, the time window at the port and the looks on a strip of time.

    Parameters
    ----------
    case : Row
        A row of `cases`.
    marks : sequence of (str, Timestamp)

    Returns
    -------
    Timeline or None
        None where the gap's start or length is not known.
    """
    start, duration = case.raw("gap_start"), case.raw("duration_h")
    if start is None or duration is None:
        return None
    end = case.raw("gap_end")
    until = start + pd.Timedelta(hours=float(duration)) if end is None else end
    margin = max((until - start) * 0.06, pd.Timedelta(hours=1))
    first, last = start - margin, until + margin
    span = (last - first) / pd.Timedelta(hours=1)

    def place(time: pd.Timestamp) -> float:
        part = (time - first) / pd.Timedelta(hours=1) / span
        return round(_LEFT + (_WIDTH - _LEFT - 6) * min(max(part, 0.0), 1.0), 1)

    arrive, depart = case.raw("arrive_earliest"), case.raw("depart_latest")
    window = None if arrive is None else (place(arrive), place(until if depart is None else depart))
    return Timeline(
        gap=(place(start), place(until)),
        closed=end is not None,
        window=window,
        ticks=tuple((place(time), label) for time, label in _ticks(first, last, span)),
        marks=tuple((kind, place(time)) for kind, time in marks if first <= time <= last),
    )


def _ticks(first: pd.Timestamp, last: pd.Timestamp, span_h: float) -> list[tuple[pd.Timestamp, str]]:
    step = next((hours for hours in _STEPS_H if span_h / hours <= _MOST_TICKS), round(span_h / _MOST_TICKS))
    begin = first.floor("D")
    times = [begin + pd.Timedelta(hours=step * k) for k in range(int((last - begin) / pd.Timedelta(hours=step)) + 1)]
    return [(time, _label(time, step)) for time in times if first <= time <= last]


def _label(time: pd.Timestamp, step: int) -> str:
    day = f"{time.day} {_MONTHS[time.month - 1]}"
    return day if step >= 24 or time.hour == 0 else f"{time.hour:02d}:00"
