"""Raw AIS logs (NMEA 0183) in blocks of typed columns.

A row is a message, of one sentence or of several. What gives none is a row as well, and counted under its reason:

- `broken_line`: a sentence that is not well formed, or a line that is nothing known
- `bad_checksum`: of a sentence, or of its tag block
- `incomplete_message`: sentences whose message never got all of its sentences
- `bad_payload`: empty, cut, not of the six-bit alphabet, or of no message type of the standard
- `no_time`: the log does not tell when it was received

Comments, blank lines, tag blocks of their own and other NMEA sentences are no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from darkvoyage.errors import DialectError
from darkvoyage.io.ais_messages import decode_block, decode_one
from darkvoyage.io.containers import Member
from darkvoyage.io.delimited import Block, as_utf8, whole_lines
from darkvoyage.io.fragments import Fragments, Joined, Together
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.selection import Select
from darkvoyage.io.sentences import NO_TIME, Sentences, find_sentences, line_text
from darkvoyage.kernels.spans import expand

__all__ = ["COLUMNS", "read_nmea"]

COLUMNS = (
    "message_type", "mmsi", "timestamp", "lat", "lon", "sog", "cog", "heading", "nav_status", "imo", "name", "callsign",
    "ship_type", "length", "beam", "draught", "destination", "station",
)  # fmt: skip
"""Columns of a log, in units of FIXES; `message_type` by ITU-R M.1371-5, table 46."""

_US_UTC = pa.timestamp("us", "UTC")
_NAME = pa.large_string()  # text as it is: stations may be called 2190067, which is no number; `string` may become one
_STAMP, _BANG = b"$PGHP,", b"!"


def read_nmea(member: Member, report: ReadReport, select: Select) -> Iterator[Block]:
    """Read a raw AIS log.

    Parameters
    ----------
    member : Member
    report : ReadReport
        Receives the number of messages, and those that cannot be delivered.
    select : callable
        Says which of `COLUMNS` are wanted.

    Yields
    ------
    Block
        At least one, which may have no rows.

    Raises
    ------
    DialectError
        No message of the log has a time.
    """
    columns = list(select(COLUMNS).columns)
    fragments = Fragments()
    line, dated, undated = 1, 0, report.reasons["no_time"]
    for piece in _pieces(member):
        found = find_sentences(as_utf8(piece, report))
        _reject_sentences(found, member.label, line, report)
        together = fragments.join(found, line)
        _reject_joined(together.lost, member.label, report)
        block = _deliver(_decode(found, together), found, (member.label, line), report)
        dated += len(block.table)
        yield replace(block, table=block.table.select(columns))
        line += len(found.line_starts) - 1
    _reject_joined(fragments.rest(), member.label, report)
    if not dated and report.reasons["no_time"] > undated:
        raise DialectError(
            f"{member.label}: no message of this raw AIS log has a time: neither a tag block with c: before the "
            "sentence, nor an epoch before or after it, nor a $PGHP line; log it with one of these"
        )


def _pieces(member: Member) -> Iterator[bytes]:
    """Yield whole lines; a `$PGHP` line goes with the sentence after it."""
    kept = b""
    for lines in whole_lines(member):
        piece = kept + lines
        stamp = piece.rfind(_STAMP)
        cut = stamp if stamp > piece.rfind(_BANG) else len(piece)
        kept = piece[cut:]
        if cut:
            yield piece[:cut]
    if kept:
        yield kept


def _reject(report: ReadReport, reason: str, count: int, examples: Iterable[tuple[str, int, str]]) -> None:
    report.rows_in += count
    report.reject(reason, count, examples)


def _reject_sentences(found: Sentences, label: str, line: int, report: ReadReport) -> None:
    broken = np.sort(np.append(found.stray_lines, found.lines[~found.whole]))
    wrong = found.lines[found.whole & ~found.checked]
    for reason, places in (("broken_line", broken), ("bad_checksum", wrong)):
        _reject(report, reason, len(places), ((label, line + int(at), line_text(found, int(at))) for at in places))


def _reject_joined(lost: list[Joined], label: str, report: ReadReport) -> None:
    _reject(report, "incomplete_message", len(lost), ((label, one.line, one.text) for one in lost))


def _deliver(messages: pa.Table, found: Sentences, place: tuple[str, int], report: ReadReport) -> Block:
    """Take out the messages that say nothing, or not when."""
    label, first = place

    def describe(line: int) -> tuple[str, int, str]:
        return label, first + line, line_text(found, line)

    lines = messages["line"].to_numpy()
    read, dated = (np.asarray(messages[name].is_valid().to_numpy()) for name in ("message_type", "timestamp"))
    report.rows_in += len(messages)
    for reason, wrong in (("bad_payload", ~read), ("no_time", read & ~dated)):
        report.reject(reason, int(wrong.sum()), (describe(line) for line in lines[wrong].tolist()))
    if not (read & dated).all():
        messages, lines = messages.filter(pa.array(read & dated)), lines[read & dated]
    return Block(messages.drop_columns("line"), lambda row: describe(int(lines[row])))


def _decode(found: Sentences, together: Together) -> pa.Table:
    """Decode the messages of a piece, in the order in which they were complete, with their lines in the piece."""
    single, pairs, complete = np.flatnonzero(found.checked & (found.total == 1)), together.pairs, together.complete
    data, payload, size, fill = _payloads(found, single, together)
    decoded = decode_block(data, payload, size, fill)
    slow = np.flatnonzero(~decoded.done)
    bits = (6 * size - fill)[slow].tolist()
    rest = [
        decode_one(_sentences(found, single, together, row), count) or {}
        for row, count in zip(slow.tolist(), bits, strict=True)
    ]

    rows = np.concatenate([single, pairs + 1, _column(complete, "place")])
    dating = np.where(found.micros[pairs] == NO_TIME, pairs + 1, pairs)
    micros = np.concatenate([found.micros[single], found.micros[dating], _column(complete, "micros")])
    naming = np.where(found.station[pairs] == found.station_end[pairs], pairs + 1, pairs)
    names = pa.array([message.station for message in complete], pa.string())
    columns = {
        "line": pa.array(found.lines[rows]),
        "timestamp": pa.array(micros, mask=micros == NO_TIME).cast(_US_UTC),
        "station": pa.concat_arrays([_stations(found, np.append(single, naming)), names]).cast(_NAME),
    }
    for name, values in decoded.numbers.items():
        values[slow] = [message.get(name) for message in rest]
    for name, values in _without_dimensions(decoded.numbers).items():
        columns[name] = pa.array(values, from_pandas=True)
    for name, letters in decoded.texts.items():
        columns[name] = _texts(letters, slow, [message.get(name) for message in rest])
    for name in ("message_type", "mmsi"):
        columns[name] = columns[name].cast("int64")
    table = pa.table(columns)
    return table if len(rows) == len(single) else table.take(pa.array(np.argsort(rows, kind="stable")))


def _payloads(found: Sentences, single: np.ndarray, together: Together) -> tuple[np.ndarray, ...]:
    """Return bytes, and where in them the payloads of all messages begin, their characters and unused bits."""
    halves = np.stack([together.pairs, together.pairs + 1], axis=1).ravel()
    _, index = expand(found.payload[halves], found.size[halves])
    others = b"".join(message.payload for message in together.complete)
    lengths = np.append(
        found.size[together.pairs] + found.size[together.pairs + 1],
        [len(message.payload) for message in together.complete],
    ).astype("int64")
    return (
        np.concatenate([found.data, found.data[index], np.frombuffer(others, dtype="uint8")]),
        np.append(found.payload[single], len(found.data) + np.cumsum(lengths) - lengths),
        np.append(found.size[single], lengths),
        np.concatenate([found.fill[single], found.fill[together.pairs + 1], _column(together.complete, "fill")]),
    )


def _sentences(found: Sentences, single: np.ndarray, together: Together, row: int) -> list[bytes]:
    """Return the sentences of one message."""
    last = len(single) + len(together.pairs)
    if row >= last:
        return together.complete[row - last].sentences
    pair = row - len(single)
    places = [single[row]] if pair < 0 else [together.pairs[pair], together.pairs[pair] + 1]
    return [found.data[found.starts[place] : found.ends[place]].tobytes() for place in places]


def _without_dimensions(numbers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add up the distances from the antenna to the four sides."""
    numbers = dict(numbers)
    bow, stern, port, starboard = (numbers.pop(name) for name in ("to_bow", "to_stern", "to_port", "to_starboard"))
    return numbers | {"length": bow + stern, "beam": port + starboard}


def _texts(letters: np.ndarray, slow: np.ndarray, texts: list[str | None]) -> pa.Array:
    """Return text of the messages that have any; those in `slow` have the given one."""
    said = np.flatnonzero(letters != b"")
    trimmed = pc.utf8_trim_whitespace(pa.array(letters[said]).cast(pa.string()))
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    place = np.full(len(letters), -1)
    place[said] = np.arange(len(said))
    place[slow] = len(said) + np.arange(len(slow))
    return pa.concat_arrays([trimmed, pa.array(texts, pa.string())]).take(pa.array(place, mask=place < 0))


def _column(messages: list[Joined], name: str) -> np.ndarray:
    return np.array([getattr(message, name) for message in messages], dtype="int64")


def _stations(found: Sentences, rows: np.ndarray) -> pa.Array:
    """Return the names of the stations: slices of the piece, every second of which is what lies between two names."""
    first, last = found.station[rows], found.station_end[rows]
    order = np.argsort(first, kind="stable")
    offsets = np.stack([first[order], last[order]], axis=1).ravel().astype("int32")
    slices = pa.StringArray.from_buffers(max(len(offsets) - 1, 0), pa.py_buffer(offsets), pa.py_buffer(found.data))
    place = np.empty(len(rows), dtype="int64")
    place[order] = 2 * np.arange(len(rows))
    return slices.take(pa.array(place, mask=first == last))
