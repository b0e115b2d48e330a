"""Table cells as HTML: whatever the page shows names the table, row and column it was read from.

A number, time or text of a table reaches the page only through `Row.show`, so that a reader (or a test) can follow each
figure back to a saved table. Names and destinations come off the air: they are escaped, and characters that could hide
or turn text are spelled out.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

__all__ = ["KEYS", "Row", "neutralise", "row_key", "rows_of"]

KEYS: dict[str, tuple[str, ...]] = {
    "gaps": ("gap_id",),
    "silences": ("gap_id",),
    "port_calls": ("gap_id", "hypothesis", "port_id"),
    "links": ("gap_id", "sighting_id", "scene_id", "port_id"),
    "transfers": ("gap_id", "port_id"),
    "cases": ("gap_id", "port_id"),
    "cargo": ("gap_id", "port_id"),
    "ledger": ("period_start", "route", "port_id"),
    "screening": ("list_name", "matched_name", "mmsi", "imo", "event_time"),
    "ports": ("port_id",),
    "sightings": ("sighting_id",),
    "scenes": ("scene_id",),
    "vessels": ("mmsi",),
    "flags": ("flag",),
    "summary": ("item",),
    "sources": ("path", "sha256"),
    "comparison": ("item",),
}
"""Columns that name a row of each table on the page."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories without a shape of their own: controls, bidi marks and overrides, surrogates, separators."""
_PLAIN = frozenset({"mmsi", "imo", "rank", "case_no"})
_DIGITS = {"h": 1, "nm": 0, "kn": 1, "m": 1, "t": 0, "bbl": 0, "deg": 0, "barrels": 0}
_UNKNOWN = Markup('<span class="unknown">not known</span>')


def neutralise(text: str) -> str:
    """Spell out characters that are invisible or turn the text's direction.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        The text with each such character as its code point in angle brackets, for instance a right-to-left override
        as ⟨U+202E⟩.
    """
    return "".join(f"⟨U+{ord(ch):04X}⟩" if unicodedata.category(ch) in _HIDDEN else ch for ch in text)


def row_key(table: str, values: Mapping[str, Any]) -> str:
    """Return the name of a row: its key columns in the order of `KEYS`, joined by a bar, nulls as nothing."""
    return "|".join(_plain(values.get(name)) for name in KEYS[table])


@dataclass(frozen=True)
class Row:
    """One row of a table, ready to be shown cell by cell.

    Parameters
    ----------
    table : str
        Lower-case name of the table.
    values : mapping of str to object
        Column to value; missing and null values are shown as "not known".
    """

    table: str
    values: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The row's name in its table."""
        return row_key(self.table, self.values)

    def raw(self, column: str) -> Any:
        """Return the value itself, None where it is null."""
        value = self.values.get(column)
        return None if _is_null(value) else value

    def has(self, column: str) -> bool:
        """Whether the cell holds a value."""
        return self.raw(column) is not None

    def show(self, column: str, style: str | None = None) -> Markup:
        """Return the cell as HTML.

        Parameters
        ----------
        column : str
        style : {"percent", "count", "signed", "million", "auto", "plain", "day", "0", "1", "2", "3"}, optional
            How to write a number; None: as the column's name says. `day` leaves a time's hour out.

        Returns
        -------
        Markup
        """
        value = self.raw(column)
        if value is None:
            return _UNKNOWN
        where = self._where(column)
        if isinstance(value, pd.Timestamp):
            shown = value.strftime("%Y-%m-%d" if style == "day" else "%Y-%m-%d %H:%M")
            return Markup('<time datetime="{}"{}>{}</time>').format(value.isoformat(), where, shown)
        if isinstance(value, str):
            return Markup("<span{}>{}</span>").format(where, neutralise(value))
        if isinstance(value, bool):
            return Markup("<span{}>{}</span>").format(where, "yes" if value else "no")
        return Markup('<data value="{}"{}>{}</data>').format(_plain(value), where, _written(value, column, style))

    def sentences(self, column: str) -> list[tuple[str, Markup]]:
        """Return each sentence of a list cell, as text and as HTML."""
        value = self.raw(column)
        listed = [str(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
        where = self._where(column)
        return [(text, Markup("<span{}>{}</span>").format(where, neutralise(text))) for text in listed]

    def _where(self, column: str) -> Markup:
        name = Markup(' data-table="{}" data-key="{}" data-col="{}"')
        return name.format(self.table, neutralise(self.key), column)


def rows_of(table: str, frame: pd.DataFrame) -> list[Row]:
    """Return every row of a table, in order; numbers as Python's own types.

    Parameters
    ----------
    table : str
        Lower-case name of the table.
    frame : DataFrame

    Returns
    -------
    list of Row
    """
    return list(_rows(table, frame))


def _rows(table: str, frame: pd.DataFrame) -> Iterator[Row]:
    columns = [frame[name].tolist() for name in frame.columns]
    names = [str(name) for name in frame.columns]
    for values in zip(*columns, strict=True):
        yield Row(table, dict(zip(names, values, strict=True)))


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> str:
    if _is_null(value):
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)


def _written(value: float, column: str, style: str | None) -> str:
    style = style or _style_of(column)
    if math.isinf(value):
        return "-∞" if value < 0 else "∞"
    if style == "percent":
        return _percent(value)
    if style == "plain":
        return str(value)
    if style == "auto":
        style = "0" if value == round(value) or abs(value) >= 1000 else "2"
    if style == "million" and abs(value) >= 100_000:
        return f"{value / 1e6:.2f} million"
    if style == "signed":
        return f"{value:+.2f}".replace("-", "−")
    digits = int(style) if style in ("1", "2", "3") else 0
    return f"{value:,.{digits}f}".replace("-", "−")


def _style_of(column: str) -> str:
    if column in _PLAIN:
        return "plain"
    if column.startswith("p_") or column == "prior":
        return "percent"
    if column.startswith("llr_"):
        return "signed"
    if column in ("lat", "lon") or column.endswith(("_lat", "_lon")):
        return "3"
    words = [word for word in column.split("_") if word not in ("p10", "p50", "p90")]
    return str(_DIGITS.get(words[-1], 0))


def _percent(value: float) -> str:
    # Nothing here is certain: 0 and 1 are roundings and draws that all agreed.
    if value < 0.001:
        return "<0.1 %"
    if value > 0.999:
        return ">99.9 %"
    digits = 0 if 0.1 <= value <= 0.9 else 1
    return f"{100 * value:.{digits}f} %"
