"""Which dialect a header is written in, and which source column serves which field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.dialect_spec import Dialect
from darkvoyage.io.dialects import DIALECTS, GENERIC
from darkvoyage.schema.tables import FIXES

__all__ = ["Match", "check_options", "match_header", "match_units"]

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
    also : mapping of FIXES field to further source columns
        They are read where the first is empty.
    """

    dialect: Dialect
    fields: Mapping[str, str]
    mapped: frozenset[str]
    columns: Mapping[str, str]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def consumed(self) -> frozenset[str]:
        """Source columns that live on in a field of FIXES and nowhere else."""
        keep = {self.columns[name] for name in self.dialect.keep if name in self.columns}
        also = {name for names in self.also.values() for name in names}
        payload = self.dialect.payload
        unpacked = set() if payload is None else {self.columns[payload.column]}
        return (frozenset(self.fields.values()) | also | unpacked) - keep


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


def match_header(
    names: Sequence[str],
    dialect: str,
    column_map: Mapping[str, str] | None,
    label: str,
    *,
    synthetic_ids: bool = False,
) -> Match:
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
    synthetic_ids : bool
        Whether vessels may carry ids of the source's own.

    Returns
    -------
    Match

    Raises
    ------
    DialectError
        No dialect fits, the given one lacks columns, or the vessels carry ids that are no MMSI.
    """
    columns: dict[str, str] = {}
    for name in names:
        columns.setdefault(_normal(name), name)
    chosen = _chosen(column_map or {}, names, columns, label)
    found = _find(names, columns, dialect, chosen, label)
    ids = [columns.get(name) for name in found.dialect.columns["mmsi"]]
    if found.dialect.anonymous and found.fields["mmsi"] in ids and not synthetic_ids:
        raise DialectError(
            f"{label}: column {found.fields['mmsi']!r} of the dialect {found.dialect.name!r} holds ids of the source's "
            "own, which are no MMSI; synthetic_ids=True gives each of them a stand-in number"
        )
    return found


def _find(
    names: Sequence[str], columns: Mapping[str, str], dialect: str, chosen: Mapping[str, str], label: str
) -> Match:
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
    free = [found for found in fitting if not found.dialect.named_only]
    if free:
        return max(free, key=lambda found: len(found.fields))  # the first of equals
    if chosen:
        found = _resolve(GENERIC, columns, chosen)
        if not _lacking(found):
            return found
    if fitting:
        entry = fitting[0].dialect
        raise DialectError(
            f"{label} may be of the dialect {entry.name!r}, which is only taken by name, with dialect={entry.name!r}: "
            f"{entry.named_only}"
        )
    tried = [_resolve(entry, columns, chosen) for entry in DIALECTS.values() if entry.positions]
    nearest = max(tried, key=lambda found: (len(found.fields) - 4 * len(_lacking(found)), len(found.fields)))
    raise DialectError(_explain(names, columns, nearest, label, "is of no known dialect"))


def match_units(match: Match, table: pa.Table) -> Match:
    """Change to the dialect with the same columns in raw units where times are numbers.

    Parameters
    ----------
    match : Match
    table : pyarrow Table
        Rows of the source, under its own column names.

    Returns
    -------
    Match
        The same one, unless its dialect names another for raw units.
    """
    if not match.dialect.raw or match.mapped:
        return match
    times = table[match.fields["timestamp"]].cast(pa.string()).drop_null()
    if not len(times) or not pc.all(pc.match_substring_regex(times, r"^\s*\d+\s*$")).as_py():
        return match
    return replace(match, dialect=DIALECTS[match.dialect.raw])


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
    columns = _with_payload(dialect, columns)
    fields, also = {}, {}
    for target in FIXES.names:
        wanted = dialect.columns.get(target, ()) + ((_GEOMETRY[target],) if target in _GEOMETRY else ())
        present = [columns[name] for name in wanted if name in columns]
        if target in chosen:
            fields[target] = chosen[target]
        elif present:
            fields[target] = present[0]
            if target in dialect.merge:
                also[target] = tuple(present[1:])
    return Match(dialect, fields, frozenset(chosen), columns, also)


def _with_payload(dialect: Dialect, columns: Mapping[str, str]) -> Mapping[str, str]:
    """Add the columns that `dialect.payload` will become."""
    payload = dialect.payload
    if payload is None or not {payload.column, payload.selector} <= columns.keys():
        return columns
    names = [name for layout in payload.layouts.values() for name in layout.split(payload.delimiter)]
    return {**columns, **{f"{payload.column}_{name}": f"{payload.column}_{name}" for name in names}}


def _lacking(found: Match) -> list[str]:
    required = FIXES.required if found.dialect.positions else ("mmsi", "timestamp")
    return [name for name in required if name not in found.fields]


def _explain(names: Sequence[str], columns: Mapping[str, str], nearest: Match, label: str, what: str) -> str:
    entry = nearest.dialect
    lacks = [f"{name} ({' or '.join(entry.columns.get(name, (name,)))})" for name in _lacking(nearest)]
    marks = min((sorted(mark - columns.keys()) for mark in entry.marks), key=len)
    lacks = lacks or [f"column(s) {', '.join(marks)}"]
    if all(_normal(name) == f"column_{place}" for place, name in enumerate(names, start=1)):
        what += " (its first line holds numbers, no names of columns)"
    return (
        f"{label} {what}; columns found: {', '.join(names)}; nearest dialect: {entry.name}, which lacks "
        f"{', '.join(lacks)}; try column_map={_suggest(names, columns)!r}"
    )


def _suggest(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Propose a source column for each required field, and for the usual others."""
    out: dict[str, str] = {}
    for target, hints in _HINTS.items():
        guessable = [entry for entry in DIALECTS.values() if not entry.named_only]
        aliases = {name for entry in guessable for name in entry.columns.get(target, ())}
        free = {norm: name for norm, name in columns.items() if name not in out.values()}
        known = [name for norm, name in free.items() if norm in aliases]
        alike = [name for hint in hints for norm, name in free.items() if hint in norm]
        if known or alike:
            out[target] = (known or alike)[0]
        elif target in FIXES.required:
            out[target] = "?"
    return out
