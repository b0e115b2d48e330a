"""One, eight and sixty-four bytes of text at once, for compiled kernels.

Text is the address of its first byte here: an array would be counted in and out of every small function, which takes
longer than what those do. Nothing checks that the bytes are there: the caller holds the array, and spare bytes behind.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

__all__ = ["byte_at", "equal_bits", "lowest_bit", "word_at"]

_WIDTH = 64


def _load(builder: Any, text: Any, place: Any, wanted: Any) -> Any:
    return builder.load(builder.inttoptr(builder.add(text, place), wanted.as_pointer()), align=1)


@intrinsic  # type: ignore[untyped-decorator]
def byte_at(typing: Any, text: Any, place: Any) -> Any:
    """Return the byte at `place`."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], args[1], ir.IntType(8))

    return types.uint8(types.int64, types.int64), build


@intrinsic  # type: ignore[untyped-decorator]
def equal_bits(typing: Any, text: Any, place: Any, byte: Any) -> Any:
    """Return the 64 bytes from `place` on as bits: the lowest is set where the first equals `byte`."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), _WIDTH)
        chunk = _load(builder, args[0], args[1], vector)
        single = builder.insert_element(ir.Constant(vector, ir.Undefined), args[2], ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), [0] * _WIDTH)
        wanted = builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), lanes)
        return builder.bitcast(builder.icmp_unsigned("==", chunk, wanted), ir.IntType(_WIDTH))

    return types.uint64(types.int64, types.int64, types.uint8), build


@intrinsic  # type: ignore[untyped-decorator]
def word_at(typing: Any, text: Any, place: Any) -> Any:
    """Return the 8 bytes from `place` on as one number, in the byte order of the machine."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], args[1], ir.IntType(64))

    return types.uint64(types.int64, types.int64), build


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Return the place of the lowest bit that is set; there must be one."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), build
