"""What of a file is wanted: which columns, and which period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from darkvoyage.errors import RuleError
from darkvoyage.io.dialect_match import Match
from darkvoyage.io.dialect_spec import Dialect
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import moment_us

__all__ = ["Period", "Select", "Selection", "check_columns", "narrowed"]


@dataclass(frozen=True)
class Period:
    """Times from `since` until just before `until`, in microseconds since 1970 in UTC; None leaves an end open."""

    since: int | None = None
    until: int | None = None

    @classmethod
    def between(cls, since: Any, until: Any) -> Period | None:
        """Make a period of two times with an offset, either of which may be None; None if both are.

        Raises
        ------
        RuleError
            A time is none, has no offset from UTC, or `until` is not after `since`.
        """
        start, end = (
            None if moment is None else moment_us(moment, name) for moment, name in ((since, "since"), (until, "until"))
        )
        if start is not None and end is not None and end <= start:
            raise RuleError(f"until = {until!r}: must be later than since = {since!r}")
        return None if start is None and end is None else cls(start, end)

    def outside(self, micros: np.ndarray) -> np.ndarray:
        """Tell which times lie outside."""
        early = micros < self.since if self.since is not None else np.zeros(len(micros), dtype=bool)
        return early | (micros >= self.until) if self.until is not None else early

    def misses(self, first: int, last: int) -> bool:
        """Tell whether nothing from `first` to `last` lies inside."""
        return (self.since is not None and last < self.since) or (self.until is not None and first >= self.until)


@dataclass(frozen=True)
class Selection:
    """What is wanted of one table.

    Parameters
    ----------
    match : Match
        Its header, understood.
    columns : tuple of str
        Source columns to read, in their order.
    left_out : tuple of str
        The others.
    period : Period, optional
    others : bool
        Whether columns that are no field of FIXES are delivered as well.
    """

    match: Match
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    period: Period | None = None
    others: bool = True


Select = Callable[[Sequence[str]], Selection]
"""Takes the column names of a table, as soon as its reader knows them."""


def check_columns(columns: Sequence[str] | None) -> frozenset[str] | None:
    """Return the wanted fields of FIXES with those that every table of fixes has.

    Raises
    ------
    RuleError
        One is no column of FIXES.
    """
    if columns is None:
        return None
    if isinstance(columns, str):
        raise RuleError(f"columns = {columns!r}: expected a list of columns of FIXES")
    for name in columns:
        if name not in FIXES.names:
            raise RuleError(f"columns: {name!r} is no column of FIXES; these are {', '.join(FIXES.names)}")
    return frozenset(columns) | frozenset(FIXES.required)


def narrowed(match: Match, names: Sequence[str], wanted: frozenset[str] | None) -> tuple[Match, tuple[str, ...]]:
    """Leave out what the wanted fields do not need.

    Parameters
    ----------
    match : Match
    names : sequence of str
        All columns of the source.
    wanted : frozenset of FIXES fields, optional
        None: everything.

    Returns
    -------
    match : Match
        With the wanted fields only.
    columns : tuple of str
        Those of `names` that must be read.
    """
    if wanted is None:
        return match, tuple(names)
    fields = {name: column for name, column in match.fields.items() if name in wanted}
    also = {name: columns for name, columns in match.also.items() if name in wanted}
    match = replace(match, fields=fields, also=also, dialect=_without_unwanted(match.dialect, wanted))
    if match.dialect.payload is not None:  # any field may come out of it
        return match, tuple(names)
    needed = {*fields.values(), *(column for columns in also.values() for column in columns)}
    needed |= {match.columns.get(name, "") for name in _helpers(match.dialect)}
    return match, tuple(name for name in names if name in needed)


def _without_unwanted(dialect: Dialect, wanted: frozenset[str]) -> Dialect:
    """Do not make what is not wanted out of other columns."""
    if not wanted & {"length_m", "beam_m"}:
        dialect = replace(dialect, dims=())
    return dialect if "cog" in wanted else replace(dialect, course_parts=None)


def _helpers(dialect: Dialect) -> set[str]:
    """Name the columns that a dialect looks at beside those of the fields."""
    helpers = {dialect.skip[0]} if dialect.skip is not None else set()
    helpers |= {name for names in dialect.dims for name in names.split("|")}
    return helpers | set(dialect.course_parts or ())
