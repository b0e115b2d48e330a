"""Columns of delimited text, from bytes to numbers, times and words (compiled).

A first pass finds where the fields of a batch of lines end, 64 bytes at a time; then each wanted column is read on its
own. What a kernel does not recognise it does not guess: it clears `known` for that line, and somebody else reads it.
Every line stands for itself: a quote that stays open ends with its line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from darkvoyage.kernels.compiled import inline, jit
from darkvoyage.kernels.text_fields import number_at, time_at
from darkvoyage.kernels.wide_bytes import byte_at, equal_bits, lowest_bit, word_at

__all__ = ["IDENTITY", "NUMBER", "TIME", "WORD", "gather", "read_columns"]

NUMBER, IDENTITY, TIME, WORD = 0, 1, 2, 3
"""What a column holds; an identity is a number that may follow the letters IMO."""

_BATCH_FIELDS = 1 << 16  # their ends fill a quarter of a megabyte: inside the second-level cache
_NEWLINE, _RETURN, _QUOTE, _I, _M, _O = (np.uint8(ord(letter)) for letter in '\n\r"IMO')
_HASH = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth 6.4)
_ALL_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@jit
def read_columns(
    data: np.ndarray, delimiter: int, width: int,
    columns: np.ndarray, kinds: np.ndarray, slots: np.ndarray, styles: int,
    numbers: np.ndarray, micros: np.ndarray, words: np.ndarray, firsts: np.ndarray, sizes: np.ndarray,
    known: np.ndarray, starts: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Read the wanted columns of whole lines.

    Parameters
    ----------
    data : ndarray of uint8
        UTF-8 whose lines all end in a line end, and 80 spare bytes behind.
    delimiter : uint8
    width : int
        Number of fields in a line.
    columns, kinds : ndarray of int64, shape (k,)
        Place of each wanted column in a line, and what it holds.
    slots : ndarray of int64, shape (k,)
        The row of `numbers` or `words` that receives it.
    styles : int
        How times are written.
    numbers : ndarray of float64, shape (n, rows)
        Receives numbers; NaN for an empty field.
    micros : ndarray of int64, shape (rows,)
        Receives the times [us since 1970].
    words : ndarray of int32, shape (m, rows)
        Receives words as the number of the distinct word; -1 for an empty field.
    firsts, sizes : ndarray of int32, shape (m, rows)
        Receive where each distinct word of a column begins, and its length [bytes].
    known : ndarray of bool, shape (rows,)
        Receives which lines are read; all else in the place of the others is undefined.
    starts : ndarray of int32, shape (rows + 1,)
        Receives where each line begins.

    Returns
    -------
    ndarray of int64, shape (m,)
        How many distinct words each of these columns has.
    """
    text = data.ctypes.data
    rows = len(known)
    batch = max(16, _BATCH_FIELDS // (width + 1))
    ends = np.empty((batch, width + 1), dtype=np.int32)
    distinct = np.zeros(len(words), dtype=np.int64)
    table_size = 1
    while table_size < 2 * rows + 2:
        table_size *= 2
    table = np.full((len(words), table_size), -1, dtype=np.int32)
    done = 0
    place = 0
    while done < rows:
        found, place = _find_ends(text, place, delimiter, width, ends, known[done:], starts[done:])
        last = done + found
        for column, kind, slot in zip(columns, kinds, slots):  # noqa: B905 (not known to the compiler)
            if kind == TIME:
                _read_times(text, ends, column, styles, micros[done:last], known[done:last])
            elif kind == WORD:
                distinct[slot] = _read_words(
                    text, ends, column, words[slot, done:last], known[done:last],
                    table[slot], firsts[slot], sizes[slot], distinct[slot],
                )  # fmt: skip
            else:
                _read_numbers(text, ends, column, kind == IDENTITY, numbers[slot, done:last], known[done:last])
        done = last
    return distinct


@jit
def _find_ends(
    text: int, place: int, delimiter: int, width: int, ends: np.ndarray, known: np.ndarray, starts: np.ndarray
) -> tuple[int, int]:
    """Find the fields of the next lines: field c of a line is from `ends[line, c] + 1` up to `ends[line, c + 1]`."""
    lines = min(len(ends), len(known))
    line, fields, odd = 0, 0, False
    begin = place
    ends[0, 0] = begin - 1
    starts[0] = begin
    base = begin
    while True:
        stops, odds = _stops_at(text, base, delimiter)
        while stops:
            bit = lowest_bit(stops)
            at = base + bit
            stops &= stops - np.uint64(1)
            fields += 1
            if fields <= width:
                ends[line, fields] = at
            if byte_at(text, at) != _NEWLINE:
                continue
            below = ~(_ALL_ONES << np.uint64(bit))
            if odd or odds & below:
                fields = _split(text, begin, at, delimiter, ends[line])
                odd = False
                odds &= ~below
            known[line] = fields == width
            if known[line] and byte_at(text, at - 1) == _RETURN and at > begin:
                ends[line, width] = at - 1
            line += 1
            begin = at + 1
            fields = 0
            starts[line] = begin
            if line == lines:
                return line, begin
            ends[line, 0] = at
        odd |= odds != 0
        base += 64


@inline
def _stops_at(text: int, base: int, delimiter: int) -> tuple[Any, Any]:
    """Return the delimiters and line ends among 64 bytes as bits, and the quotes and lone carriage returns."""
    newlines = equal_bits(text, base, _NEWLINE)
    odds = equal_bits(text, base, _QUOTE)
    returns = equal_bits(text, base, _RETURN)
    if returns:
        ended = newlines >> np.uint64(1)
        if byte_at(text, base + 64) == _NEWLINE:
            ended |= np.uint64(1) << np.uint64(63)
        odds |= returns & ~ended
    return newlines | equal_bits(text, base, delimiter), odds


@jit
def _split(text: int, begin: int, end: int, delimiter: int, ends: np.ndarray) -> int:
    """Split one line that has quotes; return the number of its fields, or -1 if it is not simple."""
    if end > begin and byte_at(text, end - 1) == _RETURN:
        end -= 1
    width = len(ends) - 1
    fields = 0
    at = begin
    while True:
        if at < end and byte_at(text, at) == _QUOTE:
            at += 1
            while at < end and (byte_at(text, at) != _QUOTE or byte_at(text, at + 1) == _QUOTE):
                at += 1 if byte_at(text, at) != _QUOTE else 2
            if at >= end:
                return -1
            at += 1
            if at < end and byte_at(text, at) != delimiter:
                return -1
        while at < end and byte_at(text, at) != delimiter:
            if byte_at(text, at) == _RETURN:
                return -1
            at += 1
        fields += 1
        if fields <= width:
            ends[fields] = at
        if at >= end:
            return fields
        at += 1


@inline
def _inside(text: int, begin: int, end: int) -> tuple[int, int]:
    """Return where the content of a field begins and ends, without its quotes."""
    if begin < end and byte_at(text, begin) == _QUOTE:
        return begin + 1, end - 1
    return begin, end


@jit
def _read_numbers(text: int, ends: np.ndarray, column: int, identity: bool, out: np.ndarray, known: np.ndarray) -> None:
    for line in range(len(out)):
        if not known[line]:
            continue
        begin, end = _inside(text, ends[line, column] + 1, ends[line, column + 1])
        if begin == end:
            out[line] = np.nan
            continue
        if (
            identity
            and end - begin > 3
            and byte_at(text, begin) == _I
            and byte_at(text, begin + 1) == _M
            and byte_at(text, begin + 2) == _O
        ):
            begin += 3
        out[line], known[line] = number_at(text, begin, end)


@jit
def _read_times(text: int, ends: np.ndarray, column: int, styles: int, out: np.ndarray, known: np.ndarray) -> None:
    for line in range(len(out)):
        if known[line]:
            begin, end = _inside(text, ends[line, column] + 1, ends[line, column + 1])
            out[line], known[line] = time_at(text, begin, end, styles)


@jit
def _read_words(
    text: int, ends: np.ndarray, column: int, out: np.ndarray, known: np.ndarray,
    table: np.ndarray, firsts: np.ndarray, sizes: np.ndarray, distinct: int,
) -> int:  # fmt: skip
    """Number the distinct words in the order of their first use; return how many there are by now."""
    mask = len(table) - 1
    for line in range(len(out)):
        if not known[line]:
            continue
        plain = ends[line, column] + 1
        begin, end = _inside(text, plain, ends[line, column + 1])
        if begin == end:
            out[line] = -1
            continue
        if begin > plain and _has_quote(text, begin, end):
            known[line] = False
            continue
        size = end - begin
        cell = _hashed(text, begin, size) & mask
        while table[cell] >= 0 and not _same(text, firsts[table[cell]], sizes[table[cell]], begin, size):
            cell = (cell + 1) & mask
        if table[cell] < 0:
            table[cell] = distinct
            firsts[distinct] = begin
            sizes[distinct] = size
            distinct += 1
        out[line] = table[cell]
    return distinct


@inline
def _has_quote(text: int, begin: int, end: int) -> bool:
    found = False
    for at in range(begin, end):
        found |= byte_at(text, at) == _QUOTE
    return found


@inline
def _part(text: int, place: int, size: int) -> Any:
    """Return up to 8 bytes of a word as a number, zeros behind its end."""
    word = word_at(text, place)
    return word if size >= 8 else word & ~(_ALL_ONES << np.uint64(8 * size))


@inline
def _hashed(text: int, begin: int, size: int) -> Any:
    value = np.uint64(size)
    for at in range(0, size, 8):
        value = (value ^ _part(text, begin + at, size - at)) * _HASH
        value ^= value >> np.uint64(32)
    return np.int64(value >> np.uint64(1))


@inline
def _same(text: int, one: int, one_size: int, other: int, other_size: int) -> bool:
    if one_size != other_size:
        return False
    for at in range(0, one_size, 8):
        if _part(text, one + at, one_size - at) != _part(text, other + at, one_size - at):
            return False
    return True


@jit
def gather(data: np.ndarray, firsts: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copy pieces of uint8 text one behind the other; return the bytes, and where each begins and the last ends."""
    offsets = np.zeros(len(firsts) + 1, dtype=np.int32)
    for place in range(len(firsts)):
        offsets[place + 1] = offsets[place] + sizes[place]
    out = np.empty(offsets[-1], dtype=np.uint8)
    for place in range(len(firsts)):
        out[offsets[place] : offsets[place + 1]] = data[firsts[place] : firsts[place] + sizes[place]]
    return out, offsets
