"""JSON in blocks of text columns: one object a line, an array of objects, GeoJSON, or objects in a collection.

Numbers stay the text that they are. Members of nested objects become columns with dotted names (`MetaData.time_utc`).
Where an object only wraps another one, the name of the inner one is dropped (`Message.PositionReport.Sog` is
`Message.Sog`). A GeoJSON feature is its properties with the coordinates of its point as `geometry_x` and `geometry_y`.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from darkvoyage.errors import ReadError
from darkvoyage.io.containers import Member, guard
from darkvoyage.io.delimited import Block, as_utf8, whole_lines
from darkvoyage.io.read_report import ReadReport

__all__ = ["read_json"]

_ROWS = 1 << 16  # objects of an array in a block
_PIECE = 1 << 20
_WHOLE = 64 << 20  # the most text that is held for one object, or for a collection of objects
_BOM = b"\xef\xbb\xbf"
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)

Record = dict[str, Any]


def read_json(member: Member, report: ReadReport) -> Iterator[Block]:
    """Read JSON.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of rows, and broken lines.

    Yields
    ------
    Block
        Columns of text with null for an empty or missing member; a block has all columns of the blocks before it.

    Raises
    ------
    ReadError
        Truncated or damaged, not made of objects, or a collection larger than 64 MiB that is no plain array.
    """
    with guard(member.label, lambda: member.extent):
        head = member.stream.read(_PIECE).removeprefix(_BOM)
    if head.lstrip()[:1] == b"[":
        batches = _numbered(_elements(head, member))
    elif _goes_on(head):
        batches = _numbered(iter(_collection(head, member)))
    else:
        batches = _lines(head, member, report)
    names: set[str] = set()
    for records, places in batches:
        rows = [_flat(record) for record in records]
        names.update(*rows)
        report.rows_in += len(rows)
        yield _block(rows, sorted(names), places, member.label)


def _goes_on(head: bytes) -> bool:
    """Tell whether the first line begins an object that goes on in the next."""
    return head.lstrip().split(b"\n", 1)[0].rstrip()[-1:] in b"{[,:"


def _block(rows: list[dict[str, str | None]], names: list[str], places: list[int], label: str) -> Block:
    records = pa.array(rows, pa.struct([(name, pa.string()) for name in names]))
    table = pa.Table.from_struct_array(records)
    return Block(table, lambda row: (label, places[row], json.dumps(rows[row])), places)


def _flat(record: Record) -> dict[str, str | None]:
    """Spread nested objects into one; a feature of GeoJSON (RFC 7946) into its properties and its point."""
    if record.get("type") == "Feature" and isinstance(record.get("properties"), dict):
        place = record.get("geometry") or {}
        rest = {name: value for name, value in record.items() if name not in ("type", "geometry", "properties")}
        record = {**rest, **record["properties"]}
        if place.get("type") == "Point":
            record |= dict(zip(("geometry_x", "geometry_y"), place["coordinates"], strict=False))
    out: dict[str, str | None] = {}
    _spread(_unwrapped(record), "", out)
    return out


def _spread(record: Record, prefix: str, out: dict[str, str | None]) -> None:
    for name, value in record.items():
        if isinstance(value, str):
            out[prefix + name] = value or None
        elif isinstance(value, dict):
            _spread(_unwrapped(value), f"{prefix}{name}.", out)
        else:
            out[prefix + name] = None if value is None else json.dumps(value)


def _unwrapped(record: Record) -> Record:
    while len(record) == 1:
        (inner,) = record.values()
        if not isinstance(inner, dict):
            break
        record = inner
    return record


def _numbered(records: Iterator[Record]) -> Iterator[tuple[list[Record], list[int]]]:
    """Batches of records with their numbers; at least one, which may be empty."""
    done, batch = 0, list(islice(records, _ROWS))
    while batch or not done:
        yield batch, list(range(done + 1, done + 1 + len(batch)))
        done += len(batch) or 1
        batch = list(islice(records, _ROWS))


def _lines(head: bytes, member: Member, report: ReadReport) -> Iterator[tuple[list[Record], list[int]]]:
    number, found = 0, False
    for data in whole_lines(member, head):
        records, places, broken = [], [], []
        for raw in as_utf8(data, report).decode().removesuffix("\n").split("\n"):
            number += 1
            record = _object(raw)
            if record is not None:
                records.append(record)
                places.append(number)
            elif raw.strip():
                broken.append((member.label, number, raw))
        report.rows_in += len(broken)
        report.reject("broken_line", len(broken), broken)
        found = found or bool(records)
        if number == len(records) == 1:
            inside = _inside(records[0])
            if inside is not None:
                records, places = inside, list(range(1, len(inside) + 1))
        yield records, places
    if not found:
        raise ReadError(f"{member.label}: no line of it is a JSON object")


def _object(line: str) -> Record | None:
    try:
        record = _DECODER.decode(line)
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _elements(head: bytes, member: Member) -> Iterator[Record]:
    """Decode the objects of an array one by one."""
    pieces = _texts(head, member)
    text, place, done = next(pieces), 0, 0
    place = text.index("[") + 1
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
        if text[place : place + 1] == "]":
            return
        try:
            record, end = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            more = "".join(islice(pieces, 1 + (len(text) - place) // _PIECE))  # twice as much at each attempt
            if not more or len(text) - place > _WHOLE:
                raise _damaged(member, done + len(text[: error.pos].encode()), error.msg) from error
            done += len(text[:place].encode())
            text, place = text[place:] + more, 0
            continue
        if not isinstance(record, dict):
            raise ReadError(f"{member.label}: expected a JSON array of objects")
        yield record
        place = end


def _texts(head: bytes, member: Member) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in chain([head], iter(lambda: _more(member), b"")):
        yield decoder.decode(piece)


def _more(member: Member) -> bytes:
    with guard(member.label, lambda: member.extent):
        return member.stream.read(_PIECE)


def _collection(head: bytes, member: Member) -> list[Record]:
    """Read one object over several lines that holds a list of objects."""
    content = head + b"".join(islice(iter(lambda: _more(member), b""), _WHOLE // _PIECE))
    if _more(member):
        raise ReadError(
            f"{member.label}: a collection of objects of more than {_WHOLE >> 20} MiB is not read; write them as an "
            "array, or one a line"
        )
    text = content.decode("utf-8", "replace")
    try:
        record, _ = _DECODER.raw_decode(text, len(text) - len(text.lstrip()))
    except json.JSONDecodeError as error:
        raise _damaged(member, len(text[: error.pos].encode()), error.msg) from error
    inside = _inside(record)
    return [record] if inside is None else inside


def _inside(record: Record) -> list[Record] | None:
    """Return the list of objects that an object holds, each with the plain members beside the list."""
    lists = [value for value in record.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) != 1 or not all(isinstance(inner, dict) for inner in lists[0]):
        return None
    beside = {f"collection.{name}": value for name, value in record.items() if not isinstance(value, (list, dict))}
    return [{**inner, **beside} for inner in lists[0]]


def _damaged(member: Member, where: int, what: str) -> ReadError:
    return ReadError(f"{member.label}: truncated or damaged JSON at byte {where} ({what})")
