"""Delimited text through compiled kernels: for sources large enough to pay for the start of the compiler.

The result is that of `delimited.read_text` and `columns.convert_block`, value for value and count for count. The
kernels read what is written plainly; every other line goes through Arrow's parser and comes back in its place. Two
threads work a few pieces ahead of the reader.
"""

from __future__ import annotations

import importlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.io.columns import Converted, kept_columns
from darkvoyage.io.delimited import Block, Header, Piece, as_utf8, parse_lines
from darkvoyage.io.dialect_match import Match
from darkvoyage.io.dialect_spec import STATIC_REPORT
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.selection import Selection
from darkvoyage.schema.tables import FIXES

__all__ = ["FAST_FROM_BYTES", "WORKERS", "can_read", "read_fast"]

FAST_FROM_BYTES = 300_000_000
"""How much text pays for the start of the compiler: whole processes take the same time at about three million rows."""

WORKERS = 2
"""Threads that run the kernels."""

Convert = Callable[[Block, ReadReport], Converted]

_AHEAD = 3  # pieces in work or waiting
_SPARE = 80  # the kernels load 64 bytes at a time
_MAX_BYTES = (1 << 31) - 2 - _SPARE  # places are 32-bit
_SAMPLE = 1 << 16
_MOST = 0.9
_LINE = "\0line"  # no header has it: a column of line numbers that rides along
_TYPED = {"timestamp"} | {column.name for column in FIXES.columns if column.kind not in ("text", "time")}
_PLAIN_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_PLAIN_IDENTITY = r"^(IMO)?[0-9]+$"
_US_UTC = pa.timestamp("us", "UTC")

_scratch = threading.local()


def can_read(match: Match) -> bool:
    """Tell whether the rows of a source can be judged one by one, and are positions and nothing else."""
    dialect = match.dialect
    by_block = bool(dialect.raw) or dialect.divisor.get("lat", 1.0) > 1.0 or "mmsi" in match.mapped
    statics = not dialect.positions or (dialect.skip is not None and STATIC_REPORT in dialect.skip[1].values())
    return not (by_block or statics or dialect.anonymous or dialect.payload is not None)


def read_fast(
    pieces: Iterable[Piece], header: Header, selection: Selection, label: str, convert: Convert
) -> Generator[tuple[Converted, ReadReport]]:
    """Read whole lines and convert them, in their order.

    Parameters
    ----------
    pieces : iterable of (range, bytes)
        The numbers of some lines, and these lines.
    header : Header
    selection : Selection
        Its match must pass `can_read`.
    label : str
        Name of the file.
    convert : callable
        From a block of source columns, as text or typed, to fields of FIXES; must bear two threads.

    Yields
    ------
    Converted
    ReadReport
        The account of these lines alone.
    """
    waiting: deque[Future[tuple[Converted, ReadReport]]] = deque()
    plan = None
    pool = ThreadPoolExecutor(WORKERS)
    try:
        for piece in pieces:
            plan = plan or _Plan.of(header, selection, label, piece)
            waiting.append(pool.submit(_read_piece, plan, piece, convert))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Plan:
    """What the kernels need to know of one file, and what the library needs for the lines they leave."""

    header: Header
    selection: Selection
    label: str
    columns: tuple[str, ...]
    places: np.ndarray
    kinds: np.ndarray
    slots: np.ndarray
    styles: int
    as_text: frozenset[str]

    @classmethod
    def of(cls, header: Header, selection: Selection, label: str, piece: Piece) -> _Plan:
        """Plan from the header, and from the first lines: which columns are written in plain numbers."""
        kernels = _kernels()
        columns = tuple(name for name in selection.columns if name in header.names)
        typed = _typed(selection.match, others=selection.others)
        sample = _sample(header, label, piece)
        kinds = []
        for name in columns:
            field = typed.get(name)
            if field == "timestamp":
                kinds.append(kernels.TIME)
            elif field is not None and _mostly(sample[name], _PLAIN_NUMBER):
                kinds.append(kernels.NUMBER)
            elif field == "imo" and _mostly(sample[name], _PLAIN_IDENTITY):
                kinds.append(kernels.IDENTITY)
            else:
                kinds.append(kernels.WORD)
        return cls(
            header=header,
            selection=selection,
            label=label,
            columns=columns,
            places=np.array([header.names.index(name) for name in columns], dtype="int64"),
            kinds=np.array(kinds, dtype="int64"),
            slots=_slots(kinds, kernels),
            styles=_styles(selection.match),
            as_text=frozenset(kept_columns(sample.select(columns), selection.match)[0] if selection.others else ()),
        )

    def delivered(self, fixes: pa.Table) -> pa.Table:
        """Leave out what served to find the fields of FIXES, where nothing else is wanted."""
        if self.selection.others:
            return fixes
        return fixes.select([name for name in fixes.column_names if name in FIXES.names or name == _LINE])


def _kernels() -> Any:
    return importlib.import_module("darkvoyage.kernels.csv_columns")


def _typed(match: Match, *, others: bool) -> dict[str, str]:
    """Name the fields that are numbers or the time, by their source column, where it serves nothing else."""
    sources = list(match.fields.values())
    skip = match.dialect.skip
    return {
        source: field
        for field, source in match.fields.items()
        if field in _TYPED
        and field not in match.also
        and (source in match.consumed or not others)
        and sources.count(source) == 1
        and (skip is None or match.columns.get(skip[0]) != source)
    }


def _slots(kinds: Sequence[int], kernels: Any) -> np.ndarray:
    """Number the columns of numbers, and those of words."""
    word = np.array(kinds) == kernels.WORD
    number = ~word & (np.array(kinds) != kernels.TIME)
    return np.where(word, np.cumsum(word), np.cumsum(number)) - 1


def _styles(match: Match) -> int:
    fields = importlib.import_module("darkvoyage.kernels.text_fields")
    codes = {
        "iso": fields.ISO,
        "day_first": fields.DAY_FIRST,
        "epoch_s": fields.EPOCH_S,
        "epoch_ms": fields.EPOCH_MS,
        "epoch": fields.EPOCH_ANY,
    }
    return sum(codes.get(style, 0) for style in match.dialect.times) + (fields.NAIVE if match.dialect.utc else 0)


def _sample(header: Header, label: str, piece: Piece) -> pa.Table:
    lines, data = piece
    head = data[: data.find(b"\n", _SAMPLE) + 1] or data
    count = head.count(b"\n") + (not head.endswith(b"\n"))
    own = ReadReport()
    return parse_lines(as_utf8(head, own), header.names, header.delimiter, label, lines[:count], own).table


def _mostly(column: pa.ChunkedArray, pattern: str) -> bool:
    share = pc.mean(pc.match_substring_regex(column, pattern)).as_py()
    return share is None or share >= _MOST


def _read_piece(plan: _Plan, piece: Piece, convert: Convert) -> tuple[Converted, ReadReport]:
    lines, data = piece
    report = ReadReport()
    data = as_utf8(data, report)
    if len(data) > _MAX_BYTES:
        report.rows_by_library_parser += len(lines)
        return convert(_parsed(plan, data, lines, report), report), report
    table, known, starts = _columns_of(plan, data, len(lines))
    if known.all():
        report.rows_in += len(lines)
        fixes, statics = convert(Block(table, _describer(plan.label, data, lines, starts)), report)
        return Converted(plan.delivered(fixes), statics), report
    numbers = np.arange(lines.start, lines.stop)
    good, odd = np.flatnonzero(known), np.flatnonzero(~known)
    report.rows_in += len(good)
    describe = _describer(plan.label, data, lines, starts)
    table = table.take(pa.array(good)).append_column(_LINE, pa.array(numbers[good]))
    fixes, statics = convert(Block(table, lambda row: describe(good[row])), report)
    own = ReadReport()
    rest = _parsed(plan, _lines_at(data, odd, starts), numbers[odd].tolist(), own)
    own.rows_by_library_parser += own.rows_in
    table = rest.table.append_column(_LINE, pa.array(rest.lines, pa.int64()))
    others, _ = convert(Block(table, rest.describe), own)
    report.absorb(own)
    return Converted(_in_order(plan.delivered(fixes), plan.delivered(others)), statics), report


def _parsed(plan: _Plan, data: bytes, lines: Sequence[int], report: ReadReport) -> Block:
    header = plan.header
    return parse_lines(data, header.names, header.delimiter, plan.label, lines, report, columns=list(plan.columns))


def _describer(label: str, data: bytes, lines: range, starts: np.ndarray) -> Callable[[int], tuple[str, int, str]]:
    def describe(row: int) -> tuple[str, int, str]:
        text = data[starts[row] : starts[row + 1]].decode("utf-8", "replace").rstrip("\r\n")
        return label, lines[row], text

    return describe


def _lines_at(data: bytes, rows: np.ndarray, starts: np.ndarray) -> bytes:
    """Return some lines of a piece, neighbours copied together."""
    breaks = np.flatnonzero(np.diff(rows) > 1)
    firsts = rows[np.r_[0, breaks + 1]]
    lasts = rows[np.r_[breaks, len(rows) - 1]]
    return b"".join(data[starts[first] : starts[last + 1]] for first, last in zip(firsts, lasts, strict=True))


def _in_order(one: pa.Table, other: pa.Table) -> pa.Table:
    both = pa.concat_tables([one, other.select(one.column_names)])
    order = np.argsort(both[_LINE].to_numpy(), kind="stable")
    return both.drop_columns(_LINE).take(pa.array(order)).combine_chunks()


def _columns_of(plan: _Plan, data: bytes, rows: int) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return the wanted columns, which lines they hold, and where the lines begin and the last ends."""
    kernels = _kernels()
    text = _padded(data)
    coded = int((plan.kinds == kernels.WORD).sum())
    numbers = np.empty((len(plan.kinds) - coded, rows))
    micros = np.empty(rows, dtype="int64")
    words, firsts, sizes = (np.empty((coded, rows), dtype="int32") for _ in range(3))
    known = np.empty(rows, dtype=bool)
    starts = np.empty(rows + 1, dtype="int32")
    distinct = kernels.read_columns(
        text, np.uint8(ord(plan.header.delimiter)), len(plan.header.names), plan.places, plan.kinds, plan.slots,
        plan.styles, numbers, micros, words, firsts, sizes, known, starts,
    )  # fmt: skip
    out: dict[str, Any] = {}
    for name, kind, slot in zip(plan.columns, plan.kinds, plan.slots, strict=True):
        if kind == kernels.TIME:
            out[name] = pa.array(micros).cast(_US_UTC)
        elif kind == kernels.WORD:
            count = distinct[slot]
            out[name] = _words(kernels.gather(text, firsts[slot, :count], sizes[slot, :count]), words[slot], known)
            if name in plan.as_text:
                out[name] = out[name].dictionary_decode()
        else:
            out[name] = pa.array(numbers[slot])
    return pa.table(out), known, starts


def _padded(data: bytes) -> np.ndarray:
    """Copy text to where spare bytes follow; each thread has one place for it."""
    size = len(data) + 1 + _SPARE
    if len(getattr(_scratch, "text", b"")) < size:
        _scratch.text = np.zeros(size + size // 8, dtype="uint8")
    text: np.ndarray = _scratch.text[:size]
    text[: len(data)] = np.frombuffer(data, dtype="uint8")
    text[len(data)] = ord("\n")  # the last line may lack it
    return text


def _words(copied: Sequence[np.ndarray], codes: np.ndarray, known: np.ndarray) -> pa.DictionaryArray:
    values, offsets = copied
    words = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(values))
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=~known | (codes < 0)), words)
