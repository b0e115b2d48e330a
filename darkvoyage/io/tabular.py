"""Small side tables from files: open, recognise, convert, and account for every row.

The readers of sightings, scenes, vessels and watchlists share this module. A file becomes a `RawTable`, mostly text;
an `Intake` renames its columns, converts them, drops rows for a named reason and finally delivers the table with its
read report.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from darkvoyage.errors import DialectError, ReadError
from darkvoyage.io.json_tables import cell_text, read_json_table

__all__ = ["Dialect", "RawTable", "apply_column_map", "pick_dialect", "read_text_table", "slug"]

_RUNS_CODE = (".pkl", ".pickle", ".joblib", ".xlsm", ".xlsb", ".npy", ".npz", ".pt", ".pth")
_OLE = b"\xd0\xcf\x11\xe0"
_SPREADSHEET_TRIGGER = r"^'+[=+\-@\t\r\n]"


@dataclass(frozen=True)
class RawTable:
    """A file's cells before anybody has judged them.

    Parameters
    ----------
    path : Path
    sha256 : str
        Of the file as stored.
    frame : DataFrame
        Text columns (typed ones from Parquet); the index is the row's number in the file as a spreadsheet counts, the
        header being row 1.
    broken : tuple of (int, str)
        Number of each row that has too few or too many cells, and what is wrong with it.
    decimal_comma : bool
        Whether `1,5` is a number here: the cells are not separated by commas.
    repairs : dict
        What had to be put right in the file itself.
    """

    path: Path
    sha256: str
    frame: pd.DataFrame
    broken: tuple[tuple[int, str], ...] = ()
    decimal_comma: bool = False
    repairs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialect:
    """How one source spells a table; data only.

    Parameters
    ----------
    name : str
    marks : tuple of str
        Columns (as `slug` spells them) by which the source is recognised.
    columns : dict
        Our column -> their spellings, the first present wins.
    constants : dict
        Our column -> value for all rows, where no column gives it.
    times_are_utc : bool
        The source's own definition says that its times are UTC.
    """

    name: str
    marks: tuple[str, ...]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    times_are_utc: bool = False


def slug(name: object) -> str:
    """Column name in lower case with single underscores: `Product Start-Time` -> `product_start_time`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name))
    return re.sub(r"[^0-9a-z]+", "_", spaced.lower()).strip("_")


def pick_dialect(raw: RawTable, dialects: Sequence[Dialect], what: str, *, mappable: Sequence[str] = ()) -> Dialect:
    """Return the first dialect whose marks are all among the columns; of a file without any content, the last.

    Parameters
    ----------
    raw : RawTable
    dialects : sequence of Dialect
    what : str
        What the table holds, for messages.
    mappable : sequence of str
        Columns that the caller's `column_map` would have to name; none where the reader takes no such option.

    Raises
    ------
    DialectError
        None fits; the message names the columns found, the nearest dialect, what it lacks, and what would help.
    """
    found = {slug(column): str(column) for column in reversed(raw.frame.columns)}
    if not found and not raw.broken:
        return dialects[-1]
    for dialect in dialects:
        if found.keys() >= set(dialect.marks):
            return dialect
    nearest = max(dialects, key=lambda dialect: len(found.keys() & set(dialect.marks)) / len(dialect.marks))
    lacks = ", ".join(mark for mark in nearest.marks if mark not in found)
    listed = ", ".join(map(str, raw.frame.columns[:20])) + (", ..." if raw.frame.shape[1] > 20 else "")
    spellings = {name: (name, *nearest.columns.get(name, ())) for name in mappable}
    guess = {name: next((found[other] for other in all_ if other in found), "?") for name, all_ in spellings.items()}
    raise DialectError(
        f"{raw.path}: no known table of {what} has the columns {listed}; nearest is {nearest.name!r}, "
        f"which also needs {lacks}; rename the columns to match" + (f", or try column_map={guess!r}" if guess else "")
    )


def apply_column_map(raw: RawTable, column_map: Mapping[str, str] | None) -> RawTable:
    """Rename the columns that the caller names.

    Parameters
    ----------
    raw : RawTable
    column_map : mapping of our column to the file's, optional

    Raises
    ------
    DialectError
        The file lacks a column that is named.
    """
    if not column_map:
        return raw
    by_slug = {slug(column): column for column in reversed(raw.frame.columns)}
    source = {}
    for target, name in column_map.items():
        column = name if name in raw.frame.columns else by_slug.get(slug(name))
        if column is None:
            listed = ", ".join(map(str, raw.frame.columns))
            raise DialectError(
                f"{raw.path}: column_map names {name!r} for {target!r}, which the file lacks; its columns: {listed}"
            )
        source[column] = target
    stale = [name for name in source.values() if name in raw.frame.columns and name not in source]
    return replace(raw, frame=raw.frame.drop(columns=stale).rename(columns=source))


def read_text_table(
    path: str | Path, *, names_of: Callable[[Sequence[str]], Sequence[str] | None] | None = None
) -> RawTable:
    """Read a small table of any common kind.

    Parameters
    ----------
    path : str or Path
        .csv or .tsv (comma, semicolon, tab or bar; with or without byte order mark), .json, .geojson and .ndjson (see
        `json_tables`), .parquet, .xlsx (first sheet); all but the last also gzipped or alone in a .zip. The content
        decides where it can, the ending only where it must.
    names_of : callable, optional
        Given the cells of the first row: the column names of a format without header if this is it, else None.

    Returns
    -------
    RawTable

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, truncated, or of a kind that can run code.
    """
    try:
        path = Path(path)
    except TypeError as error:
        raise ReadError(f"expected the path of a file, got {type(path).__name__}") from error
    stored = _stored_bytes(path)
    digest = hashlib.sha256(stored).hexdigest()
    data, ending = _unpacked(path, stored)
    if not data.strip():
        raise ReadError(f"{path}: is empty")
    if data[:4] == b"PAR1" or ending == ".parquet":
        return RawTable(path, digest, _parquet(path, data))
    if data[:2] == b"PK":
        frame, broken = _frame_of(path, _sheet_rows(path, data), names_of)
        return RawTable(path, digest, frame, broken, decimal_comma=True)
    text, repairs = _text_of(path, data)
    if ending in (".json", ".geojson", ".ndjson", ".jsonl") or text.lstrip()[:1] in ("{", "["):
        frame, broken = read_json_table(path, text)
        return RawTable(path, digest, frame, broken, repairs=repairs)
    rows, delimiter = _csv_rows(path, text)
    frame, broken = _frame_of(path, rows, names_of)
    return RawTable(path, digest, frame, broken, decimal_comma=delimiter != ",", repairs=repairs)


def _stored_bytes(path: Path) -> bytes:
    if any(ending in _RUNS_CODE for ending in map(str.lower, path.suffixes)):
        raise ReadError(f"{path}: {path.suffix} files can hold code and are never read; save as Parquet, CSV or .xlsx")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ReadError(f"{path}: no such file") from error
    except OSError as error:
        raise ReadError(f"{path}: cannot be read ({error.strerror or error})") from error


def _unpacked(path: Path, stored: bytes) -> tuple[bytes, str]:
    """Return the content and the ending that describes it."""
    data, ending = stored, path.suffix.lower()
    if stored[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(stored)
        except (EOFError, OSError, zlib.error) as error:
            raise ReadError(f"{path}: truncated or damaged gzip after {len(stored)} bytes ({error})") from error
        ending = Path(path.stem).suffix.lower()
    elif stored[:2] == b"PK" and ending != ".xlsx":
        data, ending = _only_member(path, stored)
    if data[:1] == b"\x80" and data[1:2] <= b"\x05":
        raise ReadError(f"{path}: pickle files can run code and are never read; save as Parquet or CSV")
    if data[:4] == _OLE:
        raise ReadError(f"{path}: this old Excel format is not read; save as .xlsx or CSV")
    return data, ending


def _only_member(path: Path, stored: bytes) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise ReadError(f"{path}: expected one file in the archive, found {len(members)}")
            return archive.read(members[0]), Path(members[0].filename).suffix.lower()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise ReadError(f"{path}: truncated or damaged zip of {len(stored)} bytes ({error})") from error


def _parquet(path: Path, data: bytes) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(data)).reset_index(drop=True)
    except (OSError, ValueError, TypeError) as error:
        raise ReadError(f"{path}: truncated or damaged Parquet file of {len(data)} bytes ({error})") from error
    frame.index = frame.index + 1
    return frame


def _text_of(path: Path, data: bytes) -> tuple[str, dict[str, int]]:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), {"not_utf8": 1}
    if "\x00" in text:
        raise ReadError(f"{path}: is not a text file, nor of any other kind that is read here")
    return text, {}


def _csv_rows(path: Path, text: str) -> tuple[list[list[str]], str]:
    hint = re.match(r"sep=(.)\r?\n", text)  # a first line that Excel writes and reads
    text = text[hint.end() :] if hint else text
    first = re.sub(r'"[^"]*"', "", next(line for line in text.splitlines() if line.strip()))
    delimiter = hint[1] if hint else max(",;\t|", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)), delimiter
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ReadError(
                f"{path}: truncated: ends inside a quoted cell of line {text.count(chr(10)) + 1}"
            ) from error
    try:  # a lone quote inside a cell is bad style, not damage
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), delimiter
    except csv.Error as error:
        raise ReadError(f"{path}: not readable as a table ({error})") from error


# What the spreadsheet parser lets through: zip, XML (a SyntaxError), key and type errors.
_BROKEN_BOOK = (OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile)


def _sheet_rows(path: Path, data: bytes) -> list[list[str]]:
    try:
        import openpyxl
    except ImportError as error:
        raise ReadError(f"{path}: reading .xlsx needs openpyxl; install darkvoyage[xlsx]") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formatting that is of no concern here
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            return [[cell_text(value) for value in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    except _BROKEN_BOOK as error:
        raise ReadError(f"{path}: truncated or damaged .xlsx file ({error})") from error


def _frame_of(
    path: Path, rows: Sequence[Sequence[str]], names_of: Callable[[Sequence[str]], Sequence[str] | None] | None
) -> tuple[pd.DataFrame, tuple[tuple[int, str], ...]]:
    """Split off the header and the rows of a wrong length; rows without any content are no rows."""
    filled = {number: row for number, row in enumerate(rows, 1) if any(cell.strip(" \t\r\n\x1a") for cell in row)}
    if not filled:
        raise ReadError(f"{path}: is empty")
    first = min(filled)
    names = names_of(filled[first]) if names_of else None
    header = list(names) if names else _trimmed(filled.pop(first))
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise ReadError(f"{path}: column {sorted(twice)[0]!r} occurs twice in the header")
    width = len(header)
    fitted = {number: list(row) if len(row) == width else _fit(row, width) for number, row in filled.items()}
    whole = {number: row for number, row in fitted.items() if row is not None}
    broken = tuple(
        (number, f"{len(filled[number])} cells, expected {width}") for number, row in fitted.items() if row is None
    )
    frame = pd.DataFrame(list(whole.values()), columns=header, index=pd.Index(whole, dtype="int64"), dtype="str")
    return _unescaped(frame), broken


def _trimmed(header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    return names


def _fit(row: Sequence[str], width: int) -> list[str] | None:
    # Spreadsheets pad rows with empty cells.
    fits = len(row) > width and not any(cell.strip() for cell in row[width:])
    return list(row[:width]) if fits else None


def _unescaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Take off the apostrophe that keeps a spreadsheet from running a cell (see `write_table`)."""

    def bare(column: pd.Series) -> pd.Series:
        marked = column.str.match(_SPREADSHEET_TRIGGER)
        return column.where(~marked, column.str[1:]) if marked.any() else column

    return frame.apply(bare) if len(frame) else frame
