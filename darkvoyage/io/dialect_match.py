"""Which dialect a header is written in, and which source column serves which field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darkvoyage.errors import DialectError
from darkvoyage.io.dialects import DIALECTS, GENERIC, Dialect
from darkvoyage.schema.tables import FIXES

__all__ = ["Match", "check_options", "match_header"]

_GEOMETRY = {"lat": "geometry_y", "lon": "geometry_x"}
_HINTS = {
    "mmsi": ("mmsi", "ssvid", "vessel", "ship", "id"),
    "timestamp": ("time", "date", "utc", "epoch"),
    "lat": ("lat",),
    "lon": ("lon", "lng"),
    "sog": ("sog", "speed"),
    "cog": ("cog", "course"),
    "heading": ("heading", "hdg"),
    "nav_status": (),
    "imo": ("imo",),
    "name": (),
    "draught_m": ("draught", "draft"),
    "destination": ("dest",),
}


@dataclass(frozen=True)
class Match:
    """A header understood.

    Parameters
    ----------
    dialect : Dialect
    fields : mapping of FIXES field to source column
    mapped : frozenset of str
        Fields that the caller's column map supplies: in units of FIXES, not of the dialect.
    columns : mapping of normalised name to source column
    """

    dialect: Dialect
    fields: Mapping[str, str]
    mapped: frozenset[str]
    columns: Mapping[str, str]

    @property
    def consumed(self) -> frozenset[str]:
        """Source columns that live on in a field of FIXES and nowhere else."""
        keep = {self.columns[name] for name in self.dialect.keep if name in self.columns}
        return frozenset(self.fields.values()) - keep


def check_options(dialect: str, column_map: Mapping[str, str] | None) -> None:
    """Refuse a dialect or a field that does not exist, before any file is opened.

    Raises
    ------
    DialectError
    """
    if dialect != "auto" and dialect not in DIALECTS:
        raise DialectError(f"dialect {dialect!r} is not known; known are auto, {', '.join(sorted(DIALECTS))}")
    unknown = [name for name in column_map or {} if name not in FIXES.names]
    if unknown:
        raise DialectError(
            f"column_map: {unknown[0]!r} is no column of FIXES; its keys are among {', '.join(FIXES.names)}"
        )


def match_header(names: Sequence[str], dialect: str, column_map: Mapping[str, str] | None, label: str) -> Match:
    """Find the dialect of a header and the source column of each field.

    Parameters
    ----------
    names : sequence of str
        Column names of the file.
    dialect : str
        Name of a dialect, or "auto".
    column_map : mapping of FIXES field to source column, optional
    label : str
        Name of the file, for the message.

    Returns
    -------
    Match

    Raises
    ------
    DialectError
        No dialect fits, or the given one lacks columns.
    """
    columns: dict[str, str] = {}
    for name in names:
        columns.setdefault(_normal(name), name)
    chosen = _chosen(column_map or {}, names, columns, label)
    if dialect != "auto":
        found = _resolve(DIALECTS[dialect], columns, chosen)
        if _lacking(found):
            raise DialectError(_explain(names, columns, found, label, f"is not of the dialect {dialect!r}"))
        return found
    fitting = [
        found
        for entry in DIALECTS.values()
        if any(mark <= columns.keys() for mark in entry.marks)
        for found in [_resolve(entry, columns, chosen)]
        if not _lacking(found)
    ]
    if fitting:
        return max(fitting, key=lambda found: len(found.fields))  # the first of equals
    if chosen:
        found = _resolve(GENERIC, columns, chosen)
        if not _lacking(found):
            return found
    tried = [_resolve(entry, columns, chosen) for entry in DIALECTS.values()]
    nearest = max(tried, key=lambda found: (len(found.fields) - 4 * len(_lacking(found)), len(found.fields)))
    raise DialectError(_explain(names, columns, nearest, label, "is of no known dialect"))


def _normal(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def _chosen(
    column_map: Mapping[str, str], names: Sequence[str], columns: Mapping[str, str], label: str
) -> dict[str, str]:
    chosen = {}
    for target, name in column_map.items():
        source = name if name in names else columns.get(_normal(name))
        if source is None:
            raise DialectError(
                f"{label}: column_map names {name!r} for {target!r}, which the file lacks; its columns: "
                f"{', '.join(names)}"
            )
        chosen[target] = source
    return chosen


def _resolve(dialect: Dialect, columns: Mapping[str, str], chosen: Mapping[str, str]) -> Match:
    fields = {}
    for target in FIXES.names:
        wanted = dialect.columns.get(target, ()) + ((_GEOMETRY[target],) if target in _GEOMETRY else ())
        present = [columns[name] for name in wanted if name in columns]
        if target in chosen:
            fields[target] = chosen[target]
        elif present:
            fields[target] = present[0]
    return Match(dialect, fields, frozenset(chosen), columns)


def _lacking(found: Match) -> list[str]:
    return [name for name in FIXES.required if name not in found.fields]


def _explain(names: Sequence[str], columns: Mapping[str, str], nearest: Match, label: str, what: str) -> str:
    entry = nearest.dialect
    lacks = [f"{name} ({' or '.join(entry.columns.get(name, (name,)))})" for name in _lacking(nearest)]
    marks = min((sorted(mark - columns.keys()) for mark in entry.marks), key=len)
    lacks = lacks or [f"column(s) {', '.join(marks)}"]
    return (
        f"{label} {what}; columns found: {', '.join(names)}; nearest dialect: {entry.name}, which lacks "
        f"{', '.join(lacks)}; try column_map={_suggest(names, columns)!r}"
    )


def _suggest(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Propose a source column for each required field, and for the usual others."""
    out: dict[str, str] = {}
    for target, hints in _HINTS.items():
        aliases = {name for entry in DIALECTS.values() for name in entry.columns.get(target, ())}
        free = {norm: name for norm, name in columns.items() if name not in out.values()}
        known = [name for norm, name in free.items() if norm in aliases]
        alike = [name for hint in hints for norm, name in free.items() if hint in norm]
        if known or alike:
            out[target] = (known or alike)[0]
        elif target in FIXES.required:
            out[target] = "?"
    return out
