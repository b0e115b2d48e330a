"""Delimited text in blocks of text columns, with the line of every row.

Whole blocks go through Arrow's parser. A block in which anything is odd (a row with too few or too many fields, an open
quote, a blank line) is read again line by line, so that each broken line is known by number and none swallows another.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from darkvoyage.errors import ReadError
from darkvoyage.io.containers import Member, guard
from darkvoyage.io.read_report import ReadReport

__all__ = [
    "Block", "Header", "Piece", "as_utf8", "numbered_lines", "parse_lines", "read_header", "read_text", "unique_names",
    "whole_lines",
]  # fmt: skip

_BLOCK = 8 << 20  # read and converted at a time
_PARSED = 2 << 20  # parsed by one thread
_COUNTED = 1 << 18  # fits into the cache
_BOM = b"\xef\xbb\xbf"
Piece = tuple[range, bytes]
"""Some whole lines of a text, and their numbers in the file."""

_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Block:
    """Some rows of one file: their columns, where a row came from as (file, line, text), and the number of its line."""

    table: pa.Table
    describe: Callable[[int], tuple[str, int, str]]
    lines: Sequence[int] = ()


def numbered_lines(member: Member, header: Header) -> Iterator[Piece]:
    """Yield the rows of a text in pieces of about 8 MiB: whole lines, and their numbers in the file."""
    line = header.lines + 1
    for data in whole_lines(member, header.head):
        count = _count_lines(data)
        yield range(line, line + count), data
        line += count


def _count_lines(data: bytes) -> int:
    """Count whole lines and an unfinished one; numpy takes a sixth of the time of bytes.count."""
    bytes_in = np.frombuffer(data, dtype="uint8")
    ends = sum(
        int(np.count_nonzero(bytes_in[place : place + _COUNTED] == ord("\n")))
        for place in range(0, len(bytes_in), _COUNTED)
    )
    return ends + (not data.endswith(b"\n"))


def read_text(
    pieces: Iterable[Piece], header: Header, columns: list[str], label: str, report: ReadReport
) -> Iterator[Block]:
    """Read delimited text.

    Parameters
    ----------
    pieces : iterable of (range, bytes)
        The numbers of some lines, and these lines.
    header : Header
    columns : list of str
        Those to deliver.
    label : str
        Name of the file.
    report : ReadReport
        Receives the number of rows, and broken lines.

    Yields
    ------
    Block
        Columns of text with null for an empty field; at first a block without rows.
    """
    names = header.names
    yield Block(_text_table([], names).select(columns), lambda row: (label, row, ""))
    for lines, data in pieces:
        yield parse_lines(as_utf8(data, report), names, header.delimiter, label, lines, report, columns=columns)


@dataclass(frozen=True)
class Header:
    """What the first line with content says.

    Parameters
    ----------
    names : list of str
        Unique names of the columns; `column_1` and so on where the first line holds numbers.
    delimiter : str
    lines : int
        Number of lines before the first row.
    head : bytes
        The first line, where it is a row itself.
    """

    names: list[str]
    delimiter: str
    lines: int
    head: bytes = b""


def read_header(member: Member) -> Header:
    """Read the header of delimited text; the stream then stands at the line after it.

    Raises
    ------
    ReadError
        There is no line with content.
    """
    line, number = b"", 0
    with guard(member.label, lambda: member.extent):
        while not line.strip():
            line = member.stream.readline()
            if not line:
                raise ReadError(f"{member.label}: the file is empty")
            number += 1
            line = line.removeprefix(_BOM) if number == 1 else line
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    delimiter = max(",;\t", key=text.count)
    delimiter = delimiter if delimiter in text else " "
    cells = next(csv.reader([text], delimiter=delimiter))
    if len(cells) > 1 and all(_NUMBER.fullmatch(cell) for cell in cells):
        return Header(unique_names([""] * len(cells)), delimiter, number - 1, line)
    return Header(unique_names(cells), delimiter, number)


def unique_names(cells: list[str]) -> list[str]:
    """Name every column: the unnamed by their place, a repeated name with a number, so that the first keeps its own."""
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = base = cell.strip() or f"column_{place}"
        again = 0
        while name in names:
            again += 1
            name = f"{base}.{again}"
        names.append(name)
    return names


def whole_lines(member: Member, head: bytes = b"") -> Iterator[bytes]:
    """Yield the rest of a text in pieces of about 8 MiB that end where a line ends."""
    rest, done = head, len(head)
    while True:
        with guard(member.label, partial(_after, member, done)):
            piece = member.stream.read(_BLOCK)
        done += len(piece)
        if not piece:
            break
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join((rest, memoryview(piece)[:cut]))  # one copy
            rest = piece[cut:]
        else:
            rest += piece
    if rest:
        yield rest


def _after(member: Member, done: int) -> str:
    return f" after {done} bytes of content{member.extent}"


def as_utf8(data: bytes, report: ReadReport) -> bytes:
    """Return whole lines as they are where they are UTF-8, else with the odd bytes replaced and the lines counted."""
    if data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        lines = data.split(b"\n")
        fixed = [line.decode("utf-8", "replace").encode() for line in lines]
        report.repair("text_not_utf8", sum(new != old for new, old in zip(fixed, lines, strict=True)))
        return b"\n".join(fixed)
    return data


def parse_lines(
    data: bytes,
    names: list[str],
    delimiter: str,
    label: str,
    lines: Sequence[int],
    report: ReadReport,
    *,
    columns: list[str] | None = None,
) -> Block:
    """Parse whole lines, each on its own: what a line holds does not depend on the lines around it.

    Parameters
    ----------
    data : bytes
        UTF-8.
    names : list of str
        One per column.
    delimiter : str
    label : str
        Name of the file.
    lines : sequence of int
        The number of each line in its file.
    report : ReadReport
        Receives the number of rows, and broken lines.
    columns : list of str, optional
        Those to deliver; None: all.

    Returns
    -------
    Block
        Columns of text with null for an empty field.
    """
    columns = names if columns is None else columns
    table = _parse_whole(data, names, delimiter, columns)
    if table is None or len(table) != len(lines):
        return _parse_singly(data, names, delimiter, label, lines, report, columns)
    report.rows_in += len(lines)
    return Block(table, lambda row: (label, int(lines[row]), _show(data.split(b"\n", row + 1)[row])), lines)


def _parse_whole(data: bytes, names: list[str], delimiter: str, columns: list[str]) -> pa.Table | None:
    last = names[-1]  # shows whether a quote stays open at the end
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None
    odd: list[int] = []

    def skip(row: Any) -> str:
        odd.append(row.actual_columns)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=_PARSED),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=columns if last in columns else [*columns, last],
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return None if odd or _ends_in_open_quote(table[last]) else table.select(columns)


def _ends_in_open_quote(column: pa.ChunkedArray) -> bool:
    """Tell whether a quote swallowed the line end of the last row, the only one that no other row misses."""
    return bool(len(column)) and str(column[-1]).endswith("\n")


def _parse_singly(
    data: bytes,
    names: list[str],
    delimiter: str,
    label: str,
    lines: Sequence[int],
    report: ReadReport,
    columns: list[str],
) -> Block:
    rows: list[list[str]] = []
    places: list[int] = []
    texts: list[str] = []
    broken: list[tuple[str, int, str]] = []
    for number, raw in zip(lines, data.removesuffix(b"\n").split(b"\n"), strict=True):
        text = raw.decode("utf-8").removesuffix("\r")
        if not text:
            continue
        cells = _cells(text, delimiter)
        if cells is None or len(cells) != len(names):
            broken.append((label, int(number), _show(raw)))
            continue
        rows.append(cells)
        places.append(int(number))
        texts.append(text)
    report.rows_in += len(rows) + len(broken)
    report.reject("broken_line", len(broken), broken)
    return Block(_text_table(rows, names).select(columns), lambda row: (label, places[row], texts[row]), places)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Split one line as Arrow does; None where a quote stays open or a carriage return stands alone."""
    if '"' not in text and "\r" not in text:
        return text.split(delimiter)
    try:
        cells = next(csv.reader([text + "\n"], delimiter=delimiter))
    except csv.Error:
        return None
    return None if not cells or cells[-1].endswith("\n") else cells


def _text_table(rows: list[list[str]], names: list[str]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table(
        {
            name: pa.array([cell or None for cell in column], pa.string())
            for name, column in zip(names, columns, strict=True)
        }
    )


def _show(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\r\n")
