"""How a dialect is described: what a source calls the fields of FIXES and how it writes their values.

Column names are compared in lower case with everything but letters and digits as one underscore (`# Timestamp` is
`timestamp`, `BaseDateTime` is `basedatetime`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["STATIC_REPORT", "Dialect", "Payload", "fields", "marks"]

STATIC_REPORT = "static_report"
"""Why a static or voyage report is not delivered as a row: its values are joined onto the positions of its ship."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A column that holds further columns as delimited text.

    Parameters
    ----------
    column, delimiter : str
    selector : str
        The column that tells which layout a row has.
    layouts : mapping of the selector's value to str
        Names of the parts, written as the parts are; they become columns `<column>_<name>`.
    """

    column: str
    delimiter: str
    selector: str
    layouts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one source writes AIS fixes.

    Parameters
    ----------
    name : str
    source : str
        Where the layout is published or was observed.
    columns : mapping of FIXES field to names of source columns
        In order of preference; the first that a file has is taken. Nested JSON has names such as
        `metadata_time_utc` for the member `time_utc` of `MetaData`.
    marks : tuple of frozenset of str
        A header belongs to the dialect if it has all names of one of these sets.
    times : tuple of {"iso", "day_first", "compact", "clock", "epoch_s", "epoch_ms", "epoch"}
        How times are written, tried in this order; `epoch` tells seconds from milliseconds by size, `clock` is an hour
        of an unknown day.
    utc : bool
        Times without an offset are UTC by the definition of the source. Otherwise they are refused.
    divisor : mapping of field to float
        Source units in one unit of FIXES: 10 where a speed is in tenths of a knot.
    wrap : mapping of field to float
        Added to negative values, which are an overflow of the publisher's own conversion.
    missing : mapping of field to tuple of float
        Values that stand for "not available", beyond those of the AIS standard, in units of FIXES.
    codes : mapping of field to mapping of text to value
        Values in words, in lower case. What is not listed becomes null and is counted.
    recode : mapping of field to mapping of int to int
        Numbers of the source's own that stand for a code of the AIS standard.
    dims : tuple of no or four str
        Distances from the antenna to bow, stern, port and starboard [m]: they give length and beam where these lack.
        Columns joined by `|` are alternatives: the first that is filled in a row counts.
    merge : frozenset of field
        Fields whose columns are alternatives within the file: the first that is filled in a row counts.
    course_parts : tuple of two str, optional
        Sine and cosine of the course over ground.
    skip : (column, mapping of value to reason), optional
        Rows that are no position reports. Those with the reason `STATIC_REPORT` are joined onto the positions.
    extended : frozenset of str
        Values of that column that mark a position which is a static report as well.
    positions : bool
        Whether the rows are positions; otherwise all of them are static reports, and give no position.
    payload : Payload, optional
        A column that holds further columns, other ones for each kind of message.
    raw : str
        Name of the dialect that has the same columns in the units of ITU-R M.1371-5; told by times that are numbers.
    anonymous : bool
        Vessels carry ids of the source's own in place of an MMSI, and are read with `synthetic_ids=True` only.
    named_only : str
        Why the dialect is never taken by itself but only when the caller names it.
    keep : tuple of str
        Source columns that are delivered under their own name although they are translated as well.
    """

    name: str
    source: str
    columns: Mapping[str, tuple[str, ...]]
    marks: tuple[frozenset[str], ...]
    times: tuple[str, ...] = ("iso",)
    utc: bool = True
    divisor: Mapping[str, float] = field(default_factory=dict)
    wrap: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    recode: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    dims: tuple[str, ...] = ()
    merge: frozenset[str] = frozenset()
    course_parts: tuple[str, str] | None = None
    skip: tuple[str, Mapping[str, str]] | None = None
    extended: frozenset[str] = frozenset()
    positions: bool = True
    payload: Payload | None = None
    raw: str = ""
    anonymous: bool = False
    named_only: str = ""
    keep: tuple[str, ...] = ()


def fields(text: str) -> dict[str, tuple[str, ...]]:
    """Read `field=column|column` words; a bare word is a field whose column has the same name."""
    out = {}
    for word in text.split():
        name, _, sources = word.partition("=")
        out[name] = tuple(sources.split("|")) if sources else (name,)
    return out


def marks(*sets: str) -> tuple[frozenset[str], ...]:
    """Read sets of words."""
    return tuple(frozenset(text.split()) for text in sets)
