"""AIS payloads in six-bit armour, and the digits and checksums around them: whole blocks of sentences at a time.

Sources: ITU-R M.1371-5, table 47 (text); IEC 61162-1 (armour and checksum).
"""

from __future__ import annotations

import numpy as np

__all__ = ["digits", "hexadecimal", "number", "running_xor", "sextets", "text"]

_NONE = 64  # no character of the armour

_ARMOUR = np.full(256, _NONE, dtype="uint8")
_ARMOUR[ord("0") : ord("W") + 1] = np.arange(40)
_ARMOUR[ord("`") : ord("w") + 1] = np.arange(40, 64)

_LETTERS = np.array([*range(64, 96), *range(32, 64)], dtype="uint8")

_HEX = np.full(256, 16, dtype="int64")
for _place, _letter in enumerate(b"0123456789ABCDEF"):
    _HEX[[_letter, ord(chr(_letter).lower())]] = _place


def _windows(data: np.ndarray, first: np.ndarray, width: int) -> np.ndarray:
    """Return the `width` bytes from each of `first` on, shape (n, width)."""
    return np.lib.stride_tricks.sliding_window_view(data, width)[first]


def sextets(data: np.ndarray, first: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the armour off payloads of one size.

    Parameters
    ----------
    data : ndarray of uint8
    first : ndarray of int64, shape (n,)
        Where the payloads begin; `first + count` is within `data`.
    count : int
        Characters of each.

    Returns
    -------
    sextets : ndarray of uint8, shape (count, n)
    good : ndarray of bool, shape (n,)
        Whether all characters are of the armour.
    """
    values = np.ascontiguousarray(_ARMOUR[_windows(data, first, count)].T)
    return values, np.asarray((values < _NONE).all(axis=0))


def number(sextets: np.ndarray, start: int, width: int, *, signed: bool = False) -> np.ndarray:
    """Read a field of bits.

    Parameters
    ----------
    sextets : ndarray of uint8, shape (count, n)
    start, width : int
        First bit and number of bits, at most 58.
    signed : bool
        Two's complement.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    value = np.zeros(sextets.shape[1], dtype="int64")
    last = (start + width - 1) // 6
    for row in sextets[start // 6 : last + 1]:
        value <<= 6
        value |= row
    value >>= 6 * (last + 1) - (start + width)
    value &= (1 << width) - 1
    if signed:
        half = 1 << (width - 1)
        value = (value ^ half) - half
    return value


def text(sextets: np.ndarray, start: int, width: int) -> np.ndarray:
    """Read a field of six-bit text, up to its first "@".

    Parameters
    ----------
    sextets : ndarray of uint8, shape (count, n)
    start, width : int
        First bit and number of bits.

    Returns
    -------
    ndarray of bytes, shape (n,)
    """
    codes = np.stack([number(sextets, bit, 6) for bit in range(start, start + width, 6)], axis=1)
    letters = np.where(np.logical_and.accumulate(codes > 0, axis=1), _LETTERS[codes], 0).astype("uint8")
    return letters.view(f"S{width // 6}")[:, 0]


def digits(data: np.ndarray, first: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the decimal digits that begin at a place.

    Parameters
    ----------
    data : ndarray of uint8
    first : ndarray of int64, shape (n,)
        `first + width` is within `data`.
    width : int
        Digits that are looked at, at most 18.

    Returns
    -------
    value : ndarray of int64, shape (n,)
    count : ndarray of int64, shape (n,)
        How many digits there are, from 0 to `width`.
    """
    value = np.zeros(len(first), dtype="int64")
    count = np.zeros(len(first), dtype="int64")
    for place, letters in enumerate(np.ascontiguousarray(_windows(data, first, width).T)):
        digit = letters - np.uint8(48)  # others wrap around to 10 and above
        more = (digit < 10) & (count == place)
        if not more.any():
            break
        value = np.where(more, value * 10 + digit, value)
        count += more
    return value, count


def hexadecimal(data: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Read two hexadecimal digits; above 255 where they are none.

    Parameters
    ----------
    data : ndarray of uint8
    first : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    high, low = _HEX[data[first]], _HEX[data[first + 1]]
    return np.where((high < 16) & (low < 16), high * 16 + low, 256)


def running_xor(data: np.ndarray) -> np.ndarray:
    """Exclusive or of all bytes up to and with each; of two of these, that of the bytes between.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)

    Returns
    -------
    ndarray of uint8, shape (n,)
    """
    return np.asarray(np.bitwise_xor.accumulate(data))
