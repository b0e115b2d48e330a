"""What AIS messages say: the common ones of whole blocks by array operations, any other by pyais.

Both give the same values: degrees to six decimals, knots, degrees of course, metres, and the "not available" values of
ITU-R M.1371-5, table 48, left in place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from darkvoyage.kernels.sixbit import number, sextets, text
from darkvoyage.schema.ais import SOG_NA

__all__ = ["NUMBERS", "TEXTS", "Decoded", "decode_block", "decode_one"]

NUMBERS = (
    "message_type", "mmsi", "lat", "lon", "sog", "cog", "heading", "nav_status", "imo", "ship_type", "to_bow",
    "to_stern", "to_port", "to_starboard", "draught",
)  # fmt: skip
"""Fields of a message that are numbers."""

TEXTS = {"name": 20, "callsign": 7, "destination": 20}
"""Fields of a message that are text, and their most letters."""

_Bits = tuple[int, int]  # first and number


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Messages of one size: where they have their fields, and the units of these."""

    kinds: tuple[int, ...]
    bits: tuple[int, ...]
    part: int | None = None
    numbers: Mapping[str, _Bits] = field(default_factory=dict)
    texts: Mapping[str, _Bits] = field(default_factory=dict)
    per_degree: int = 600_000
    per_knot: int = 10
    per_course_degree: int = 10


# ITU-R M.1371-5, annex 8. Bits beyond the last field do not matter.
_LAYOUTS = (
    _Layout(
        kinds=(1, 2, 3),
        bits=(168,),
        numbers={
            "nav_status": (38, 4), "sog": (50, 10), "lon": (61, 28), "lat": (89, 27), "cog": (116, 12),
            "heading": (128, 9),
        },
    ),
    _Layout(kinds=(4, 11), bits=(168,), numbers={"lon": (79, 28), "lat": (107, 27)}),
    _Layout(
        kinds=(5,),
        bits=(424,),
        numbers={
            "imo": (40, 30), "ship_type": (232, 8), "to_bow": (240, 9), "to_stern": (249, 9), "to_port": (258, 6),
            "to_starboard": (264, 6), "draught": (294, 8),
        },
        texts={"callsign": (70, 42), "name": (112, 120), "destination": (302, 120)},
    ),
    _Layout(
        kinds=(9,),
        bits=(168,),
        numbers={"sog": (50, 10), "lon": (61, 28), "lat": (89, 27), "cog": (116, 12)},
        per_knot=1,
    ),
    _Layout(
        kinds=(18,),
        bits=(168,),
        numbers={"sog": (46, 10), "lon": (57, 28), "lat": (85, 27), "cog": (112, 12), "heading": (124, 9)},
    ),
    _Layout(kinds=(24,), part=0, bits=(160, 168), texts={"name": (40, 120)}),
    _Layout(
        kinds=(24,),
        part=1,
        bits=(168,),
        numbers={
            "ship_type": (40, 8), "to_bow": (132, 9), "to_stern": (141, 9), "to_port": (150, 6),
            "to_starboard": (156, 6),
        },
        texts={"callsign": (90, 42)},
    ),
    _Layout(
        kinds=(27,),
        bits=(96,),
        numbers={"nav_status": (40, 4), "lon": (44, 18), "lat": (62, 17), "sog": (79, 6), "cog": (85, 9)},
        per_degree=600,
        per_knot=1,
        per_course_degree=1,
    ),
)  # fmt: skip
_OTHERS = (6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 20, 22, 23, 25, 26)  # neither a position nor particulars of a ship
_HEAD_BITS = 38  # type and MMSI
_CRAFT = 98_0000000, 98_9999999  # of a mother ship, whose MMSI stands in place of the dimensions
_LONG_RANGE_SOG_NA = 63

# A payload that ends before its last field is cut.
_LEAST_BITS = {1: 137, 2: 137, 3: 137, 4: 134, 5: 422, 9: 128, 11: 134, 18: 133, 19: 301, 21: 249, 27: 94}
_LEAST_BITS_24 = (160, 162)  # part A, part B
_FIELDS = {
    "lat": "lat", "lon": "lon", "speed": "sog", "course": "cog", "heading": "heading", "status": "nav_status",
    "imo": "imo", "ship_type": "ship_type", "to_bow": "to_bow", "to_stern": "to_stern", "to_port": "to_port",
    "to_starboard": "to_starboard", "draught": "draught", "shipname": "name", "full_name": "name",
    "callsign": "callsign", "destination": "destination",
}  # fmt: skip
_SHIP_TYPE = {5: 232, 19: 263}  # first bit of eight: pyais gives the listed codes only
_ARMOUR = re.compile(rb"[0-W`-w]+")


@dataclass(frozen=True)
class Decoded:
    """Messages, one element of each array.

    Parameters
    ----------
    numbers : mapping of str to ndarray of float64
        By the names of `NUMBERS`; NaN where a message does not have the field.
    texts : mapping of str to ndarray of bytes
        By the names of `TEXTS`; empty where a message does not have the field.
    done : ndarray of bool
        False for what is left to `decode_one`: rare messages, unusual sizes, damage.
    """

    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]
    done: np.ndarray


def decode_block(data: np.ndarray, payload: np.ndarray, size: np.ndarray, fill: np.ndarray) -> Decoded:
    """Decode messages.

    Parameters
    ----------
    data : ndarray of uint8
    payload, size, fill : ndarray of int64, shape (n,)
        Where the payloads begin, their characters and unused bits.

    Returns
    -------
    Decoded
    """
    rows = len(payload)
    out = Decoded(
        {name: np.full(rows, np.nan) for name in NUMBERS},
        {name: np.zeros(rows, dtype=f"S{letters}") for name, letters in TEXTS.items()},
        np.zeros(rows, dtype=bool),
    )
    kind = number(sextets(data, payload, 1)[0], 0, 6)
    bits = 6 * size - fill
    for layout in _LAYOUTS:
        mine = np.isin(kind, layout.kinds)
        for length in layout.bits:
            _decode(data, payload, np.flatnonzero(mine & (bits == length)), length, layout, out)
    others = np.flatnonzero(np.isin(kind, _OTHERS) & (bits >= _HEAD_BITS))
    _decode(data, payload, others, _HEAD_BITS, _Layout(kinds=_OTHERS, bits=()), out)
    return out


def _decode(data: np.ndarray, payload: np.ndarray, rows: np.ndarray, bits: int, layout: _Layout, out: Decoded) -> None:
    if not len(rows):
        return
    values, good = sextets(data, payload[rows], -(-bits // 6))
    mmsi = number(values, 8, 30)
    if layout.part is not None:
        good &= (number(values, 38, 2) == layout.part) & ((mmsi < _CRAFT[0]) | (mmsi > _CRAFT[1]))
    if not good.all():
        rows, values, mmsi = rows[good], values[:, good], mmsi[good]
    out.done[rows] = True
    out.numbers["message_type"][rows] = number(values, 0, 6)
    out.numbers["mmsi"][rows] = mmsi
    for name, (start, width) in layout.numbers.items():
        raw = number(values, start, width, signed=name in ("lat", "lon"))
        out.numbers[name][rows] = _in_units(raw, name, layout)
    for name, (start, width) in layout.texts.items():
        out.texts[name][rows] = text(values, start, width)


def _in_units(raw: np.ndarray, name: str, layout: _Layout) -> np.ndarray:
    if name in ("lat", "lon"):
        sixths = 6_000_000 // layout.per_degree  # of a millionth of a degree
        return np.asarray(((sixths * raw + 3) // 6) / 1e6)
    if name == "sog" and layout.kinds == (27,):
        return np.where(raw == _LONG_RANGE_SOG_NA, SOG_NA, raw)
    return raw / {"sog": layout.per_knot, "cog": layout.per_course_degree, "draught": 10}.get(name, 1)


def decode_one(sentences: Sequence[bytes], bits: int) -> dict[str, Any] | None:
    """Decode one message by pyais.

    Parameters
    ----------
    sentences : sequence of bytes
        From the "!" to the checksum.
    bits : int
        Size of the payload.

    Returns
    -------
    dict of str to int, float or str, or None
        By the names of `NUMBERS` and `TEXTS`; None if the payload is cut, damaged or of no known type.
    """
    from pyais.decode import decode_nmea_and_ais  # a fifth of a second, and most files are no raw logs
    from pyais.exceptions import AISBaseException, UnknownPartNoException

    payload = b"".join(sentence.split(b",")[5] for sentence in sentences)
    if bits < _HEAD_BITS or not _ARMOUR.fullmatch(payload):
        return None
    try:
        sentence, message = decode_nmea_and_ais(*sentences)
    except UnknownPartNoException:  # of message 24: some devices send a third and a fourth part of their own
        return _head(payload)
    except (AISBaseException, ValueError):
        return None
    kind = message.msg_type
    out: dict[str, Any] = {"message_type": kind, "mmsi": message.mmsi}
    if kind in _OTHERS:
        return out
    least = _LEAST_BITS_24[message.partno] if kind == 24 else _LEAST_BITS.get(kind)
    if least is None or bits < least:
        return None
    values = {ours: getattr(message, theirs, None) for theirs, ours in _FIELDS.items() if hasattr(message, theirs)}
    out |= {name: _until_at(value) if isinstance(value, str) else value for name, value in values.items()}
    if kind in _SHIP_TYPE:
        out["ship_type"] = sentence.bv.get(_SHIP_TYPE[kind], 8)
    if kind == 27 and out["sog"] == _LONG_RANGE_SOG_NA:
        out["sog"] = SOG_NA
    return out


def _head(payload: bytes) -> dict[str, Any]:
    values, _ = sextets(np.frombuffer(payload, dtype="uint8"), np.zeros(1, dtype="int64"), -(-_HEAD_BITS // 6))
    return {"message_type": int(number(values, 0, 6)[0]), "mmsi": int(number(values, 8, 30)[0])}


def _until_at(text: str) -> str | None:
    """Cut text at its first "@", which ends it (ITU-R M.1371-5, table 47)."""
    return text.partition("@")[0].strip() or None
