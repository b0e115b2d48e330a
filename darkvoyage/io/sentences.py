"""The lines of a raw AIS log: its sentences, when they were received and by whom, for a whole piece of a log at once.

A sentence is `!AIVDM,total,number,sequence,channel,payload,fill*checksum` (IEC 61162-1: VDM and VDO of any talker).
Its time is the first of these that a log has: `c:` in a tag block before it, an epoch at the start of the line, an
epoch after it, or a `$PGHP` line before it (Gatehouse).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from darkvoyage.kernels.sixbit import digits, hexadecimal, running_xor

__all__ = ["NO_TIME", "Sentences", "find_sentences", "is_log", "line_text"]

NO_TIME = np.int64(-1)

_LOG = re.compile(rb"^[^\"\n]*![A-Z-]{2}VD[MO],\d,\d,\d?,", re.MULTILINE)
_NO_ROW = re.compile(rb"\s*$|[\d.:TZ\s,-]+[$#!\\]")  # blank; or another sentence, behind a time
_PAD = 128  # zeros after a piece, so that no look-ahead leaves it
_EPOCH_DIGITS = 9, 16  # the year 1973 in seconds; microseconds
_MOST_FIELDS = 8  # looked at after a sentence

_LF, _CR, _BANG, _HASH, _STAR, _COMMA, _DASH, _DOT, _COLON, _BACKSLASH, _ZERO = b"\n\r!#*,-.:\\0"
_GATEHOUSE = np.frombuffer(b"$PGHP,", dtype="uint8")
_IN_WORDS = np.zeros(256, dtype=bool)
_IN_WORDS[np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:-", dtype="uint8")] = True

_HARMLESS = np.zeros(256, dtype=bool)  # a line that begins so is blank, a comment or another sentence
_HARMLESS[np.frombuffer(b"\n\r#$", dtype="uint8")] = True


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """AIS sentences of a piece of a log in its order; one element of an array is one sentence.

    Parameters
    ----------
    data : ndarray of uint8
        The piece, followed by zeros.
    line_starts : ndarray of int64
        Where the lines of the piece begin, and where the next piece does.
    stray_lines : ndarray of int64
        Places of lines that are neither sentence nor tag block nor comment.
    lines : ndarray of int64
        Place of the sentence's line in the piece, from 0.
    starts, ends : ndarray of int64
        From the "!" to after the checksum.
    begins : ndarray of int64
        Where what precedes the sentence on its line begins: its tag block, say.
    whole, checked : ndarray of bool
        Well formed; and its checksum is right.
    total, number, sequence, channel, fill : ndarray of int64
        Sentences of the message, which of them this is, number of the message (-1 without), letter of the channel (-1
        without), unused bits of the payload. Without meaning where not well formed.
    payload, size : ndarray of int64
        Where the payload begins, and its characters.
    micros : ndarray of int64
        When it was received, in microseconds since 1970 UTC, or `NO_TIME`.
    station, station_end : ndarray of int64
        Where the name of the receiving station begins and ends.
    group : ndarray of int64
        Number of the group of lines by its tag block, -1 without.
    """

    data: np.ndarray
    line_starts: np.ndarray
    stray_lines: np.ndarray
    lines: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    begins: np.ndarray
    whole: np.ndarray
    checked: np.ndarray
    total: np.ndarray
    number: np.ndarray
    sequence: np.ndarray
    channel: np.ndarray
    fill: np.ndarray
    payload: np.ndarray
    size: np.ndarray
    micros: np.ndarray
    station: np.ndarray
    station_end: np.ndarray
    group: np.ndarray


def is_log(head: bytes) -> bool:
    """Tell whether a file that begins like this is a raw AIS log."""
    return _LOG.search(head) is not None


def line_text(found: Sentences, line: int) -> str:
    """Return a line of the piece as text."""
    first, last = found.line_starts[line : line + 2]
    return found.data[first:last].tobytes().decode("utf-8", "replace").rstrip("\r\n")


def find_sentences(piece: bytes) -> Sentences:
    """Find the AIS sentences of a piece.

    Parameters
    ----------
    piece : bytes
        Whole lines of a log.

    Returns
    -------
    Sentences
    """
    log = _Piece.of(piece)
    starts, lines = _starts(log)
    stops = np.minimum(log.line_starts[lines + 1], np.append(starts[1:], log.size))  # another may follow on the line
    parts = _parts(log, starts, stops)
    follows = np.append(False, lines[1:] == lines[:-1])[: len(lines)]
    begins = np.where(follows, np.roll(parts["ends"], 1), log.line_starts[lines])
    parts["checked"] &= _tags_right(log, begins, starts)
    stamps = _Stamps(*(np.full(len(starts), value, dtype="int64") for value in (NO_TIME, 0, 0, -1)))
    _read_tags(log, begins, starts, stamps)
    _read_epochs(log, begins, parts["ends"], stops, stamps)
    _read_gatehouse(log, lines, parts, stamps)
    return Sentences(
        data=log.data,
        line_starts=log.line_starts,
        stray_lines=_stray_lines(log, lines),
        lines=lines,
        starts=starts,
        begins=begins,
        micros=stamps.micros,
        station=stamps.station,
        station_end=stamps.station_end,
        group=stamps.group,
        **parts,
    )


@dataclass(frozen=True)
class _Piece:
    """Bytes, where the lines, commas and stars are (with the end of the piece beyond the last), and a running xor."""

    data: np.ndarray
    size: int
    line_starts: np.ndarray
    commas: np.ndarray
    stars: np.ndarray
    running: np.ndarray

    @classmethod
    def of(cls, piece: bytes) -> _Piece:
        piece = piece if piece.endswith(b"\n") else piece + b"\n"
        data, size = np.frombuffer(piece + bytes(_PAD), dtype="uint8"), len(piece)
        line_starts = np.append(0, np.flatnonzero(data == _LF) + 1)
        commas, stars = (np.append(np.flatnonzero(data == sign), np.full(16, size)) for sign in (_COMMA, _STAR))
        return cls(data, size, line_starts, commas, stars, running_xor(data))

    def checks(self, first: np.ndarray, star: np.ndarray) -> np.ndarray:
        """Tell where the bytes from `first` to the star add up to the checksum behind it."""
        return (self.running[star - 1] ^ self.running[first - 1]) == hexadecimal(self.data, star + 1)


@dataclass(frozen=True)
class _Stamps:
    """Time, station and group of each sentence, filled in place by the ways to find them."""

    micros: np.ndarray
    station: np.ndarray
    station_end: np.ndarray
    group: np.ndarray


def _starts(log: _Piece) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of "!" that begin a VDM or VDO sentence, on lines that are no comments, and these lines."""
    starts = np.flatnonzero(log.data == _BANG)
    third, fourth, fifth, sixth = (log.data[starts + step] for step in (3, 4, 5, 6))
    mine = (third == ord("V")) & (fourth == ord("D")) & ((fifth == ord("M")) | (fifth == ord("O"))) & (sixth == _COMMA)
    starts = starts[mine]
    lines = np.searchsorted(log.line_starts, starts, side="right") - 1
    meant = log.data[log.line_starts[lines]] != _HASH
    return starts[meant], lines[meant]


def _parts(log: _Piece, starts: np.ndarray, stops: np.ndarray) -> dict[str, np.ndarray]:
    """Take sentences apart at their commas and the star."""
    place = np.searchsorted(log.commas, starts)
    c0, c1, c2, c3, c4, c5 = (log.commas[place + step] for step in range(6))
    star = log.stars[np.searchsorted(log.stars, starts)]
    total, number, fill = (log.data[comma + 1].astype("int64") - _ZERO for comma in (c0, c1, c5))
    sequence = np.where(c3 - c2 == 2, log.data[c2 + 1].astype("int64") - _ZERO, -1)
    whole = (c0 == starts + 6) & (c1 == c0 + 2) & (c2 == c1 + 2) & (c3 <= c2 + 2) & (c4 <= c3 + 2) & (star == c5 + 2)
    whole &= (star + 2 < stops) & (fill >= 0) & (fill <= 5) & (sequence >= -1) & (sequence <= 9)
    whole &= (total <= 9) & (number >= 1) & (number <= total) & (hexadecimal(log.data, star + 1) < 256)
    star = np.where(whole, star, starts + 1)
    return {
        "ends": np.where(whole, star + 3, stops),
        "whole": whole,
        "checked": whole & log.checks(starts + 1, star),
        "total": total,
        "number": number,
        "sequence": sequence,
        "channel": np.where(c4 - c3 == 2, log.data[c3 + 1].astype("int64"), -1),
        "fill": fill,
        "payload": c4 + 1,
        "size": np.where(whole, c5 - c4 - 1, 0),
    }


def _tags_right(log: _Piece, begins: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Tell where the tag block before a sentence has no checksum, or the right one."""
    right = np.ones(len(starts), dtype=bool)
    at = np.searchsorted(log.stars, starts) - 1
    star = log.stars[at]
    tagged = np.flatnonzero((at >= 0) & (star > begins) & (log.data[begins] == _BACKSLASH))
    slashes = np.flatnonzero(log.data == _BACKSLASH) if len(tagged) else tagged
    opening = slashes[np.searchsorted(slashes, star[tagged]) - 1]
    right[tagged] = log.checks(opening + 1, star[tagged])
    return right


def _read_tags(log: _Piece, begins: np.ndarray, starts: np.ndarray, stamps: _Stamps) -> None:
    """Read time, station and group of the tag blocks before sentences."""
    if not (log.data[begins] == _BACKSLASH).any():
        return
    colons = np.flatnonzero(log.data == _COLON)
    before = log.data[colons - 2]
    colons = colons[(colons > 1) & ((before == _BACKSLASH) | (before == _COMMA))]
    owner = np.searchsorted(starts, colons)
    owned = owner < len(starts)
    owned[owned] = colons[owned] >= begins[owner[owned]]
    colons, owner, letter = colons[owned], owner[owned], log.data[colons[owned] - 1]
    times = letter == ord("c")
    stamps.micros[owner[times]] = _epochs(log.data, colons[times] + 1)
    names = letter == ord("s")
    first = colons[names] + 1
    stamps.station[owner[names]] = first
    stamps.station_end[owner[names]] = np.minimum(
        log.commas[np.searchsorted(log.commas, first)], log.stars[np.searchsorted(log.stars, first)]
    )
    # "g:1-2-77": line, lines, number of the group (NMEA 0183 4.11)
    groups = (letter == ord("g")) & (log.data[colons + 2] == _DASH) & (log.data[colons + 4] == _DASH)
    value, count = digits(log.data, colons[groups] + 5, _EPOCH_DIGITS[1])
    stamps.group[owner[groups]] = np.where(count > 0, value, -1)


def _read_epochs(log: _Piece, begins: np.ndarray, ends: np.ndarray, stops: np.ndarray, stamps: _Stamps) -> None:
    """Read an epoch before the sentence, or the first of the fields after it, with the station in the field before."""
    rows = np.flatnonzero(stamps.micros == NO_TIME)
    stamps.micros[rows] = _epochs(log.data, begins[rows])
    rows = rows[(stamps.micros[rows] == NO_TIME) & (log.data[ends[rows]] == _COMMA)]
    before = ends[rows]
    for _ in range(_MOST_FIELDS):
        comma = log.commas[np.searchsorted(log.commas, before)]
        inside = comma < stops[rows]
        rows, before, comma = rows[inside], before[inside], comma[inside]
        if not len(rows):
            return
        found = _epochs(log.data, comma + 1)
        dated = found != NO_TIME
        stamps.micros[rows[dated]] = found[dated]
        stamps.station[rows[dated]], stamps.station_end[rows[dated]] = before[dated], comma[dated]
        rows, before = rows[~dated], comma[~dated] + 1


def _read_gatehouse(log: _Piece, lines: np.ndarray, parts: dict[str, np.ndarray], stamps: _Stamps) -> None:
    """Read `$PGHP,1,year,month,day,hour,minute,second,ms,country,region,station,online,checksum*hh` before a sentence.

    The line names the checksum of the sentence that follows: the xor of all of them for a message of several sentences,
    00 for a VDO.
    """
    heads = log.line_starts[:-1]
    marked = log.data[heads] == _GATEHOUSE[0]
    for step, letter in enumerate(_GATEHOUSE):
        marked[marked] = log.data[heads[marked] + step] == letter
    stamp_lines = np.flatnonzero(marked)
    last = np.searchsorted(stamp_lines, lines) - 1
    first_after = np.append(True, last[1:] != last[:-1])[: len(last)]
    rows = np.flatnonzero((stamps.micros == NO_TIME) & (last >= 0) & first_after)
    head = heads[stamp_lines[last[rows]]]
    place = np.searchsorted(log.commas, head)
    star = log.stars[np.searchsorted(log.stars, head)]
    said = hexadecimal(log.data, log.commas[place + 12] + 1)
    named = (said == hexadecimal(log.data, parts["ends"][rows] - 2)) | (said == 0) | (parts["total"][rows] > 1)
    micros, good = _calendar(*(digits(log.data, log.commas[place + step] + 1, 4)[0] for step in range(1, 8)))
    good &= (log.commas[place + 12] + 3 == star) & log.checks(head + 1, star) & named
    rows, place = rows[good], place[good]
    stamps.micros[rows] = micros[good]
    stamps.station[rows], stamps.station_end[rows] = log.commas[place + 10] + 1, log.commas[place + 11]


def _epochs(data: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Read epochs in seconds, with or without a fraction, milliseconds or microseconds, told apart by size."""
    value, count = digits(data, first, _EPOCH_DIGITS[1])
    fraction, places = digits(data, first + count + 1, 6)
    after = data[first + count]
    pointed = (after == _DOT) & (places > 0)
    # 1e11 s is the year 5138, 1e11 ms is 1973, 1e14 us is 1973.
    scale = np.where(value < 10**11, 10**6, np.where(value < 10**14, 10**3, 1))
    micros = value * scale + np.where(pointed & (scale == 10**6), fraction * 10 ** (6 - places), 0)
    return np.where((count >= _EPOCH_DIGITS[0]) & ~_IN_WORDS[after], micros, NO_TIME)


def _calendar(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, hour: np.ndarray, minute: np.ndarray, second: np.ndarray,
    milli: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return microseconds since 1970, and whether the date exists."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    good = (year > 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    good &= (hour < 24) & (minute < 60) & (second < 60) & (milli < 1000)
    seconds = ((days.astype("int64") * 24 + hour) * 60 + minute) * 60 + second
    return (seconds * 1000 + milli) * 1000, good


def _stray_lines(log: _Piece, lines: np.ndarray) -> np.ndarray:
    """Return the places of lines that are no sentence of any kind, no tag block, no comment and not blank."""
    first, after = log.line_starts[:-1], log.line_starts[1:]
    odd = np.ones(len(first), dtype=bool)
    odd[lines] = False
    head, other = log.data[first], log.data[first + 6]
    odd &= ~_HARMLESS[head] & ~((head == _BANG) & (other == _COMMA))
    last = log.data[after - 2 - (log.data[after - 2] == _CR)]
    odd &= ~((head == _BACKSLASH) & (last == _BACKSLASH))  # a tag block of its own
    lines_left = np.flatnonzero(odd)
    mine = [_NO_ROW.match(log.data[first[line] : after[line]].tobytes()) is None for line in lines_left]
    return lines_left[np.array(mine, dtype=bool)]
