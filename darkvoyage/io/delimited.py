"""Delimited text and JSON in blocks of text columns, with the line of every row.

Whole blocks go through Arrow's parser. A block in which anything is odd (a row with too few or too many fields, an open
quote, a blank line) is read again line by line, so that each broken line is known by number and none swallows another.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from darkvoyage.errors import ReadError
from darkvoyage.io.containers import Member, guard
from darkvoyage.io.read_report import ReadReport

__all__ = ["Block", "as_utf8", "parse_lines", "read_json", "read_text", "unique_names"]

_BLOCK = 16 << 20  # read and converted at a time
_PARSED = 4 << 20  # parsed by one thread
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some rows of one file: their columns, where a row came from as (file, line, text), and the number of its line."""

    table: pa.Table
    describe: Callable[[int], tuple[str, int, str]]
    lines: Sequence[int] = ()


def read_text(member: Member, report: ReadReport) -> Iterator[Block]:
    """Read delimited text.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of rows, and broken lines.

    Yields
    ------
    Block
        Columns of text with null for an empty field; at least one block, which may have no rows.
    """
    stream, line = member.stream, 1
    header = b""
    with guard(member.label, member.extent):
        while not header.strip():
            header = stream.readline()
            line += 1
            if line == 2:
                header = header.removeprefix(_BOM)
            if not header:
                raise ReadError(f"{member.label}: the file is empty")
    text = header.decode("utf-8", "replace").rstrip("\r\n")
    delimiter = max(",;\t", key=text.count)
    names = unique_names(next(csv.reader([text], delimiter=delimiter)))
    yield Block(_text_table([], names), lambda row: (member.label, row, ""))
    for data in _whole_lines(member):
        count = data.count(b"\n") + (not data.endswith(b"\n"))
        yield parse_lines(as_utf8(data, report), names, delimiter, member.label, range(line, line + count), report)
        line += count


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


def _whole_lines(member: Member) -> Iterator[bytes]:
    rest, done = b"", 0
    while True:
        with guard(member.label, f" after {done} bytes of content{member.extent}"):
            piece = member.stream.read(_BLOCK)
        done += len(piece)
        if not piece:
            break
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
    if rest:
        yield rest


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
    data: bytes, names: list[str], delimiter: str, label: str, lines: Sequence[int], report: ReadReport
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

    Returns
    -------
    Block
        Columns of text with null for an empty field.
    """
    table = _parse_whole(data, names, delimiter)
    if table is None or len(table) != len(lines):
        return _parse_singly(data, names, delimiter, label, lines, report)
    report.rows_in += len(lines)
    return Block(table, lambda row: (label, int(lines[row]), _show(data.split(b"\n", row + 1)[row])), lines)


def _parse_whole(data: bytes, names: list[str], delimiter: str) -> pa.Table | None:
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
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return None if odd or _ends_in_open_quote(table) else table


def _ends_in_open_quote(table: pa.Table) -> bool:
    """Tell whether a quote swallowed the line end of the last row, the only one that no other row misses."""
    return bool(len(table)) and str(table[table.num_columns - 1][-1]).endswith("\n")


def _parse_singly(
    data: bytes, names: list[str], delimiter: str, label: str, lines: Sequence[int], report: ReadReport
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
    return Block(_text_table(rows, names), lambda row: (label, places[row], texts[row]), places)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Split one line as Arrow does; None where a quote stays open or a carriage return stands alone."""
    if '"' not in text and "\r" not in text:
        return text.split(delimiter)
    try:
        cells = next(csv.reader([text + "\n"], delimiter=delimiter))
    except csv.Error:
        return None
    return None if cells[-1].endswith("\n") else cells


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


def read_json(member: Member, report: ReadReport) -> Iterator[Block]:
    """Read a JSON array of flat objects, or JSON lines; numbers stay the text that they are.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of rows, and broken lines.

    Yields
    ------
    Block

    Raises
    ------
    ReadError
        The array is truncated or damaged.
    """
    with guard(member.label, member.extent):
        text = member.stream.read().removeprefix(_BOM).decode("utf-8", "replace")
    if text.lstrip().startswith("["):
        records = _json_array(text, member.label)
        places = list(range(1, len(records) + 1))
    else:
        records, places = _json_lines(text, member.label, report)
    names = sorted({name for record in records for name in record})
    report.rows_in += len(records)
    columns = {name: pa.array([_json_cell(record.get(name)) for record in records], pa.string()) for name in names}
    yield Block(pa.table(columns), lambda row: (member.label, places[row], json.dumps(records[row])))


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)


def _json_array(text: str, label: str) -> list[dict[str, Any]]:
    try:
        records = _loads(text)
    except json.JSONDecodeError as error:
        where = len(text[: error.pos].encode())
        raise ReadError(f"{label}: truncated or damaged JSON at byte {where} ({error.msg})") from error
    if not all(isinstance(record, dict) for record in records):
        raise ReadError(f"{label}: expected a JSON array of objects")
    return records


def _json_lines(text: str, label: str, report: ReadReport) -> tuple[list[dict[str, Any]], list[int]]:
    records: list[dict[str, Any]] = []
    places: list[int] = []
    broken: list[tuple[str, int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _loads(line)
        except json.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            records.append(record)
            places.append(number)
        else:
            broken.append((label, number, line))
    report.rows_in += len(broken)
    report.reject("broken_line", len(broken), broken)
    if not records:
        raise ReadError(f"{label}: no line of it is a JSON object")
    return records, places


def _json_cell(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)
