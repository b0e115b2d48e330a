"""Turn the cells of a side table into a table of ours, and account for every row and every changed value."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from darkvoyage.errors import SchemaError
from darkvoyage.io.json_tables import cell_text
from darkvoyage.io.read_report import MAX_EXAMPLES, ReadReport
from darkvoyage.io.tabular import Dialect, RawTable, slug
from darkvoyage.schema.conform import TIME_DTYPE, finish
from darkvoyage.schema.tables import TableSpec

__all__ = ["Intake", "match_words", "parse_days", "parse_numbers"]

_NULLS = ("", "-", "--", "-0-", "null", "none", "nan", "nat", "n/a", "#n/a", "<na>")
_BLANKS = re.compile(r"\s+")  # compiled: else blanks are those of ASCII in pandas before 3.1
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"
_ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%Y/%m/%d", "%Y%m%d")


class Intake:
    """The rows of one file on their way to a table: renamed, converted, dropped with a reason, delivered.

    Parameters
    ----------
    raw : RawTable
    dialect : Dialect
        Columns are renamed by it; the rest keep their names.
    """

    def __init__(self, raw: RawTable, dialect: Dialect) -> None:
        self.raw = raw
        self.dialect = dialect
        self.report = ReadReport()
        self.report.rows_in = len(raw.frame) + len(raw.broken)
        self.report.sources = [{"path": str(raw.path), "sha256": raw.sha256}]
        self.report.reject("broken_line", len(raw.broken), ((str(raw.path), row, text) for row, text in raw.broken))
        for what, count in raw.repairs.items():
            self.report.repair(what, count)
        self.frame = _renamed(raw.frame, dialect).apply(_clean)
        for name, value in dialect.constants.items():
            given = self.frame[name] if name in self.frame else pd.Series(None, self.frame.index, dtype="str")
            self.frame[name] = given.fillna(value)

    def __contains__(self, name: str) -> bool:
        return name in self.frame.columns

    def text(self, name: str) -> pd.Series:
        """Column as text; nulls where the file has no such column."""
        if name not in self:
            return pd.Series(None, self.frame.index, dtype="str")
        column = self.frame[name]
        return column if column.dtype == "str" else _as_text(column)

    def number(self, name: str, *, low: float = -np.inf, high: float = np.inf, unknown: float | None = None) -> None:
        """Make a column float64; cells that are no number within [low, high] become null and count as repairs.

        `unknown` is the value that the source writes for "not known".
        """
        if name not in self:
            return
        given = self.frame[name]
        values = parse_numbers(given, decimal_comma=self.raw.decimal_comma)
        if unknown is not None:
            self.repair(values == unknown, f"unknown_{name}")
            given, values = given.where(values != unknown), values.where(values != unknown)
        values = values.where((values >= low) & (values <= high))
        self.repair(given.notna() & values.isna(), f"bad_{name}")
        self.frame[name] = values

    def whole(self, name: str, *, low: int = 0, high: int = 2**53, unknown: int | None = 0) -> None:
        """Make a column Int64, as `number` does."""
        if name not in self:
            return
        given = self.frame[name]
        self.number(name, low=low, high=high, unknown=unknown)
        values = self.frame[name]
        fractional = values.notna() & (values != values.round())
        if fractional.any():
            self.repair(fractional, f"bad_{name}", given)
        self.frame[name] = values.where(~fractional).astype("Int64")

    def time(self, name: str) -> None:
        """Make a column UTC times; what is no time becomes null, its cells are left in `<name>_text`.

        Raises
        ------
        SchemaError
            A time has no zone, and the dialect does not say that its times are UTC.
        """
        if name not in self:
            self.frame[name] = pd.Series(pd.NaT, self.frame.index, dtype=TIME_DTYPE)
            return
        given = self.frame[name]
        if pd.api.types.is_datetime64_any_dtype(given.dtype):
            naive = given.notna() if given.dt.tz is None else given.notna() & False
            times = given.dt.tz_localize("UTC") if given.dt.tz is None else given.dt.tz_convert("UTC")
        else:
            text = _as_text(given).str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True)
            naive = text.notna() & ~text.str.contains(_ZONE, regex=True)
            naive |= text.str.fullmatch(r"\d{4}-\d{2}(?:-\d{2})?")  # -02 of a date is no zone
            times = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
        times = times.dt.as_unit("us")
        refused = naive & times.notna()
        if refused.any() and not self.dialect.times_are_utc:
            row = refused.idxmax()
            raise SchemaError(
                f"{self.raw.path}: column {name!r} holds times without a zone, expected UTC (end them in Z) or an "
                f"offset; first bad row {row}: {str(given[row])!r}"
            )
        self.frame[name] = times

    def require_time(self, name: str = "timestamp") -> None:
        """Make a column UTC times and drop the rows without one."""
        given = self.text(name)
        self.time(name)
        missing = self.frame[name].isna()
        self.drop(missing & given.isna(), "no_time")
        self.drop(missing & given.notna(), "bad_time", given)

    def repair(self, changed: pd.Series, what: str, show: pd.Series | None = None) -> None:
        """Count changed values, with examples of the cells as they were."""
        rows = changed.index[changed.fillna(False).astype(bool)]
        self.report.repair(what, len(rows))
        if len(rows) and show is not None:
            shown = self.report.examples.setdefault(what, [])
            shown += [
                {"file": file, "line": line, "text": text}
                for file, line, text in self._shown(rows[:MAX_EXAMPLES], show)
            ]

    def drop(self, wrong: pd.Series, reason: str, show: pd.Series | None = None) -> None:
        """Take rows out and count them; `wrong` may still hold rows that are gone already."""
        wrong = wrong.reindex(self.frame.index, fill_value=False).fillna(False).astype(bool)
        rows = wrong.index[wrong]
        self.report.reject(reason, len(rows), self._shown(rows[:MAX_EXAMPLES], show))
        self.frame = self.frame[~wrong]

    def drop_duplicates(self) -> None:
        """Take out rows that are equal to an earlier one in every column."""
        self.drop(self.frame.duplicated(), "duplicate")

    def drop_empty_columns(self, needed: Sequence[str]) -> None:
        """Take out the columns without any value, as rows of another kind leave them; not those in `needed`."""
        empty = [name for name in self.frame if name not in needed and self.frame[name].isna().all()]
        self.frame = self.frame.drop(columns=empty)

    def deliver(self, spec: TableSpec) -> pd.DataFrame:
        """Return the table with its read report."""
        self.frame = self.frame.copy()
        for column in spec.columns:
            if column.kind == "text" and column.name in self:
                self.frame[column.name] = self.text(column.name)
        table = finish(self.frame, spec)
        ours = [name for name in spec.names if name in self]
        self.report.note([str(name) for name in self.frame.columns if name not in ours], [], self.dialect.name)
        table.attrs["read_report"] = self.report.as_dict(len(table))
        return table

    def _shown(self, rows: pd.Index, cells: pd.Series | None) -> list[tuple[str, int, str]]:
        return [(str(self.raw.path), int(row), "" if cells is None else str(cells[row])) for row in rows]


def parse_numbers(column: pd.Series, *, decimal_comma: bool = False) -> pd.Series:
    """Numbers of a column, float64; null where a cell is none.

    Parameters
    ----------
    column : Series of text or numbers
    decimal_comma : bool
        `1,5` is one and a half; otherwise commas may only part thousands.
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = pd.Series(column.to_numpy(dtype="float64", na_value=np.nan), column.index)
        return values.where(np.isfinite(values))
    text = _as_text(column).str.strip()
    if decimal_comma:
        text = text.where(~text.str.fullmatch(r"[+-]?\d+,\d+"), text.str.replace(",", ".", regex=False))
    else:
        text = text.where(~text.str.fullmatch(_THOUSANDS), text.str.replace(",", "", regex=False))
    text = text.where(text.str.fullmatch(_NUMBER))
    # Python's own parser: exact to the last bit.
    values = pd.Series(text.to_numpy(dtype=object, na_value="nan").astype("float64"), column.index)
    return values.where(np.isfinite(values))


def parse_days(column: pd.Series) -> pd.Series:
    """UTC midnights of the dates that lists print: `2018-03-30`, `30.3.2018`, `30 Mar. 2018`, `30 March 2018`.

    Null where a cell is no full date: `2011` alone does not say from which day on.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = column.dt.tz_localize("UTC") if column.dt.tz is None else column.dt.tz_convert("UTC")
        return times.dt.as_unit("us")
    text = _as_text(column).str.replace(".", ". ", regex=False).str.replace(r"([A-Za-z])\.", r"\1", regex=True)
    text = text.str.replace(r"(\d)\. +(?=\d)", r"\1.", regex=True).str.replace(_BLANKS, " ", regex=True).str.strip()
    days = pd.Series(pd.NaT, column.index, dtype=TIME_DTYPE)
    for layout in _DAYS:
        days = days.fillna(pd.to_datetime(text, format=layout, utc=True, errors="coerce").dt.as_unit("us"))
    timed = pd.to_datetime(_as_text(column).where(days.isna()), format="ISO8601", utc=True, errors="coerce")
    partial = text.str.fullmatch(r"\d{4}(?:-\d{2})?")
    return days.fillna(timed.dt.as_unit("us")).where(~partial)


def match_words(column: pd.Series, words: dict[str, str]) -> pd.Series:
    """Value of the first pattern (a regular expression, any case) that a cell contains; null where none does."""
    out = pd.Series(None, column.index, dtype="str")
    for pattern, value in words.items():
        hit = out.isna() & column.str.contains(pattern, case=False, regex=True).fillna(False).astype(bool)
        out = out.where(~hit, value)
    return out


def _renamed(frame: pd.DataFrame, dialect: Dialect) -> pd.DataFrame:
    by_slug = {slug(name): name for name in reversed(frame.columns)}
    # A name that the dialect uses for another column of ours: `confidence` is that of the match in some tables.
    lent = {name for spellings in dialect.columns.values() for name in spellings if name in dialect.columns}
    taken: dict[object, str] = {}
    for target, spellings in dialect.columns.items():
        if target in frame.columns and target not in lent:
            continue
        names = spellings if target in lent else (target, *spellings)
        given = next((by_slug[name] for name in names if name in by_slug), None)
        if given is not None and given not in taken and (given in lent or given not in dialect.columns):
            taken[given] = target
    return frame.rename(columns=taken)


def _as_text(column: pd.Series) -> pd.Series:
    if column.dtype == "str":
        return column
    return column.astype("object").map(str, na_action="ignore").astype("str")


def _clean(column: pd.Series) -> pd.Series:
    """Text without blanks around it, null where a cell says that there is nothing; other types as they are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = _as_text(column)
    if column.dtype == "object" and column.map(type).isin([list, dict, np.ndarray]).any():  # as in stac-geoparquet
        column = column.map(cell_text).astype("str")
    if column.dtype != "str":
        return column
    bare = column.str.strip()
    return bare.where(~bare.str.lower().isin(_NULLS), None)
