"""One field of text: a number or a time, from bytes (compiled); `text` is the address of the first byte.

Only what is written plainly is read, exactly as any correct parser reads it; all else is said not to be recognised.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from darkvoyage.kernels.compiled import inline
from darkvoyage.kernels.wide_bytes import byte_at, lowest_bit, word_at

__all__ = [
    "DAY_FIRST",
    "EPOCH_ANY",
    "EPOCH_MS",
    "EPOCH_S",
    "ISO",
    "NAIVE",
    "number_at",
    "time_at",
]

ISO, DAY_FIRST, EPOCH_S, EPOCH_MS, EPOCH_ANY, NAIVE = 1, 2, 4, 8, 16, 32
"""How times may be written, added up; NAIVE where ISO 8601 without an offset is UTC."""

_MINUS, _DOT, _COLON, _SLASH, _SPACE, _PLUS = (np.uint8(ord(letter)) for letter in "-.:/ +")
_Z, _T, _U, _C = (np.uint8(ord(letter)) for letter in "ZTUC")
_MAX_DIGITS = 15  # 10**15 < 2**53
_POWERS = 10.0 ** np.arange(_MAX_DIGITS + 1)
_ONE = np.uint64(1)
_ZEROS, _DOTS, _SIXES, _TENS, _LOW_BITS, _HIGH_BITS = (
    np.uint64(byte * 0x0101010101010101) for byte in (48, 46, 6, 0xF0, 1, 0x80)
)  # one byte eight times: the digit 0, the dot, what lifts a byte above 9 into the next ten, and masks
_DAY_US = 86_400_000_000
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_EPOCH_LIMIT_US = 253_402_300_800 * 1e6  # the year 10000
_MILLISECONDS_FROM = 1e11  # as seconds the year 5138, as milliseconds 1973


@inline
def number_at(text: int, begin: int, end: int) -> tuple[float, bool]:
    """Return the plain decimal number in `text[begin:end]`, and whether it is one.

    A whole number below 2**53 over a power of ten up to 10**22, both exact, is divided with one rounding: the result
    is the double nearest to the decimal (Clinger 1990), as from any correct parser.
    """
    negative = begin < end and byte_at(text, begin) == _MINUS
    if negative:
        begin += 1
    length = end - begin
    if 0 < length <= 9 and end >= 8:
        mantissa, decimals = _short(text, begin, end)
    else:
        mantissa, decimals = _long(text, begin, end)
    if mantissa < 0:
        return 0.0, False
    value = np.float64(mantissa)
    if decimals > 0:
        value /= _POWERS[decimals]
    return (-value if negative else value), True


@inline
def _short(text: int, begin: int, end: int) -> tuple[Any, Any]:
    """Read up to nine bytes: the last eight at once, without a branch per byte."""
    spare = np.uint64(max(0, 8 - (end - begin)) * 8)
    before = (_ONE << spare) - _ONE
    word = (word_at(text, end - 8) & ~before) | (_ZEROS & before)
    decimals = np.int64(0)
    unlike = word ^ _DOTS
    dots = (unlike - _LOW_BITS) & ~unlike & _HIGH_BITS
    if dots:
        place = lowest_bit(dots) >> 3
        decimals = 7 - place
        if decimals == 0 or end - begin == decimals + 1:
            return np.int64(-1), decimals
        below = (_ONE << np.uint64(8 * place)) - _ONE
        word = (word & ~((below << np.uint64(8)) | np.uint64(255))) | ((word & below) << np.uint64(8)) | np.uint64(48)
    if (word & _TENS) != _ZEROS or ((word + _SIXES) & _TENS) != _ZEROS:
        return np.int64(-1), decimals
    mantissa = _eight_digits(word)
    if end - begin > 8:
        first = np.int64(byte_at(text, begin)) - 48
        if not 0 <= first <= 9:
            return np.int64(-1), decimals
        mantissa += first * (10_000_000 if dots else 100_000_000)
    return mantissa, decimals


@inline
def _eight_digits(word: Any) -> Any:
    """Return the number that eight digits stand for, the first in the lowest byte: pairs, fours, all (Lemire 2022)."""
    word -= _ZEROS
    word = word * np.uint64(10) + (word >> np.uint64(8))
    pairs = np.uint64(0x000000FF000000FF)
    upper = (word & pairs) * np.uint64(0x000F424000000064)  # 100 and 1,000,000
    lower = ((word >> np.uint64(16)) & pairs) * np.uint64(0x0000271000000001)  # 1 and 10,000
    return np.int64((upper + lower) >> np.uint64(32))


@inline
def _long(text: int, begin: int, end: int) -> tuple[Any, Any]:
    """Read any number of bytes one by one; return a negative mantissa where they are no number."""
    mantissa = np.int64(0)
    decimals = np.int64(-1)
    digits = end - begin
    for at in range(begin, end):
        digit = np.int64(byte_at(text, at)) - 48
        if 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
        elif byte_at(text, at) == _DOT and decimals < 0 and begin < at < end - 1:
            decimals = np.int64(end - 1 - at)
            digits -= 1
        else:
            return np.int64(-1), decimals
    return (mantissa if 1 <= digits <= _MAX_DIGITS else np.int64(-1)), decimals


@inline
def time_at(text: int, begin: int, end: int, styles: int) -> tuple[Any, bool]:
    """Return the time in `text[begin:end]` [us since 1970], and whether it is one in one of the styles."""
    length = end - begin
    if styles & ISO and length >= 19 and byte_at(text, begin + 4) == _MINUS:
        return _iso(text, begin, end, styles & NAIVE)
    if styles & DAY_FIRST and length == 19 and byte_at(text, begin + 2) == _SLASH:
        return _day_first(text, begin)
    return _epoch(text, begin, end, styles)


@inline
def _iso(text: int, begin: int, end: int, naive: int) -> tuple[Any, bool]:
    """Read `2024-03-07T00:00:01` or with a blank, up to six decimals, and `Z`, ` UTC` or `+00:00`."""
    day, good = _day(_digits(text, begin, 4), _digits(text, begin + 5, 2), _digits(text, begin + 8, 2))
    clock = _clock(text, begin + 11)
    good = (
        good
        and clock >= 0
        and byte_at(text, begin + 7) == _MINUS
        and (byte_at(text, begin + 10) == _T or byte_at(text, begin + 10) == _SPACE)
    )
    at = begin + 19
    fraction = np.int64(0)
    if at < end and byte_at(text, at) == _DOT:
        unit = 1_000_000
        at += 1
        while at < end and 48 <= byte_at(text, at) <= 57 and unit > 1:
            unit //= 10
            fraction += (np.int64(byte_at(text, at)) - 48) * unit
            at += 1
        good = good and unit < 1_000_000
    return day * _DAY_US + clock + fraction, good and _is_utc(text, at, end, naive)


@inline
def _is_utc(text: int, at: int, end: int, naive: int) -> bool:
    left = end - at
    if left == 0:
        return naive != 0
    if left == 1:
        return byte_at(text, at) == _Z
    if left == 4:
        return (
            byte_at(text, at) == _SPACE
            and byte_at(text, at + 1) == _U
            and byte_at(text, at + 2) == _T
            and byte_at(text, at + 3) == _C
        )
    return (
        left == 6
        and byte_at(text, at) == _PLUS
        and _digits(text, at + 1, 2) == 0
        and byte_at(text, at + 3) == _COLON
        and _digits(text, at + 4, 2) == 0
    )


@inline
def _day_first(text: int, begin: int) -> tuple[Any, bool]:
    """Read `07/03/2024 00:00:01`."""
    day, good = _day(_digits(text, begin + 6, 4), _digits(text, begin + 3, 2), _digits(text, begin, 2))
    clock = _clock(text, begin + 11)
    good = good and clock >= 0 and byte_at(text, begin + 5) == _SLASH and byte_at(text, begin + 10) == _SPACE
    return day * _DAY_US + clock, good


@inline
def _epoch(text: int, begin: int, end: int, styles: int) -> tuple[Any, bool]:
    """Read seconds or milliseconds since 1970, rounded to microseconds as doubles are."""
    value, good = number_at(text, begin, end)
    if styles & EPOCH_S or (styles & EPOCH_ANY and abs(value) < _MILLISECONDS_FROM):
        micros = value * 1e6
    elif styles & (EPOCH_MS | EPOCH_ANY):
        micros = value * 1e3
    else:
        return 0, False
    good = good and abs(micros) < _EPOCH_LIMIT_US
    return int(np.rint(micros)) if good else 0, good


@inline
def _digits(text: int, begin: int, count: int) -> Any:
    """Return the whole number that `count` digits stand for; negative if one of them is no digit."""
    value = np.int64(0)
    wrong = False
    for at in range(begin, begin + count):
        digit = np.int64(byte_at(text, at)) - 48
        wrong |= not 0 <= digit <= 9
        value = value * 10 + digit
    return -1 if wrong else value


@inline
def _day(year: int, month: int, day: int) -> tuple[Any, bool]:
    """Return the number of a day since 1970-01-01 (Hinnant 2014, days_from_civil), and whether there is such a day."""
    if not (1900 <= year < 2200 and 1 <= month <= 12 and day >= 1):
        return 0, False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTH_DAYS[month - 1] + leap:
        return 0, False
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468, True


@inline
def _clock(text: int, begin: int) -> Any:
    """Return the microseconds of a time of day as `00:00:01`; negative if it is none."""
    hour, minute, second = _digits(text, begin, 2), _digits(text, begin + 3, 2), _digits(text, begin + 6, 2)
    good = (0 <= hour < 24) & (0 <= minute < 60) & (0 <= second < 60)
    good &= (byte_at(text, begin + 2) == _COLON) & (byte_at(text, begin + 5) == _COLON)
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 if good else -1
