"""Byte streams with a duty of their own: metered at the source, inflated, and read ahead of their reader."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import io
import zipfile
import zlib
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa

__all__ = ["Ahead", "Decoded", "Inflated", "Metered", "one_ahead"]

T = TypeVar("T")

_PIECE = 1 << 20
_PIECES_AHEAD = 16
_GZIP, _RAW_DEFLATE = 31, -15  # window sizes as zlib counts them, with and without the header of gzip


class Metered(io.RawIOBase):
    """The bytes of a source as stored: counted, and hashed as they pass.

    Parameters
    ----------
    stream : binary file object
        Read from where it stands.
    size : int or None
        None: unknown; then it is read once from front to back.
    hashed : bool
        Whether `entry` says the SHA-256.
    """

    def __init__(self, stream: Any, size: int | None, *, hashed: bool) -> None:
        self._stream = stream
        self._read = getattr(stream, "read1", stream.read)  # what a pipe has by now, not what it may have later
        self._fill = getattr(stream, "readinto1", None) or (stream.readinto if isinstance(stream, io.FileIO) else None)
        self._size = size
        self._seekable = size is not None and stream.seekable()
        self._start = stream.tell() if self._seekable else 0
        self._digest = hashlib.sha256() if hashed else None
        self._place = 0
        self._passed = 0  # all bytes before this one have come by
        self._count = 0

    @property
    def done(self) -> int:
        """Bytes read so far, those that were read again not counted beyond the size."""
        return self._count if self._size is None else min(self._count, self._size)

    @property
    def ends(self) -> int:
        """Where the source ends, as far as is known."""
        return self._passed if self._size is None else self._size

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether the size is known and the stream can go back."""
        return self._seekable

    def tell(self) -> int:
        """Place of the next byte, from where the source began."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        if not self._seekable:
            raise io.UnsupportedOperation("seek")
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.ends}[whence]
        self._place = base + offset
        self._stream.seek(self._start + self._place)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what one read gives."""
        if self._fill is not None:
            count = self._fill(buffer) or 0
        else:
            piece = self._read(len(buffer)) or b""
            count = len(piece)
            buffer[:count] = piece
        self._count += count
        if self._place <= self._passed < self._place + count:
            if self._digest is not None:
                self._digest.update(memoryview(buffer)[self._passed - self._place : count])
            self._passed = self._place + count
        self._place += count
        return count

    def entry(self) -> dict[str, Any]:
        """Return size in bytes and SHA-256 (None if not asked for); what has not passed in order is read for it now."""
        if self._digest is None:
            return {"bytes": self.ends, "sha256": None}
        if self._seekable:
            self.seek(self._passed)
        while self.read(_PIECE):
            pass
        return {"bytes": self._passed, "sha256": self._digest.hexdigest()}


class Inflated(io.RawIOBase):
    """What was deflated: the members of a .gz one after the other, or one member of a .zip.

    Parameters
    ----------
    stream : binary file object
        Standing at the first byte.
    crc : int, optional
        CRC-32 of a member of a .zip, which has no header of its own.
    size : int, optional
        Bytes of that member as stored.
    """

    def __init__(self, stream: BinaryIO, *, crc: int | None = None, size: int | None = None) -> None:
        fast = importlib.util.find_spec("isal") is not None
        self._library: Any = importlib.import_module("isal.isal_zlib") if fast else zlib
        self._stream = stream
        self._stored = size
        self._expected = crc
        self._crc = 0
        self._engine = self._new_engine()
        self._left = b""

    def _new_engine(self) -> Any:
        return self._library.decompressobj(_GZIP if self._expected is None else _RAW_DEFLATE)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what one step of inflation gives."""
        while not self._engine.eof or self._begin_next():
            data = self._left or self._more()
            try:
                piece = self._engine.decompress(data, len(buffer))
            except self._library.error as error:
                raise zlib.error(str(error)) from error
            self._left = self._engine.unconsumed_tail
            if piece:
                self._crc = self._library.crc32(piece, self._crc) if self._expected is not None else 0
                buffer[: len(piece)] = piece
                return len(piece)
            if not data and not self._engine.eof:
                raise EOFError("the compressed data stop before their end")
        if self._expected is not None and self._crc != self._expected:
            raise zipfile.BadZipFile("the check sum differs")
        return 0

    def _more(self) -> bytes:
        if self._stored is None:
            return self._stream.read(_PIECE >> 2)
        piece = self._stream.read(min(_PIECE >> 2, self._stored))
        self._stored -= len(piece)
        return piece

    def _begin_next(self) -> bool:
        """Go on with the next member of a .gz; zeros after the last are padding."""
        if self._expected is not None:
            return False
        rest = self._engine.unused_data.lstrip(b"\x00")
        while not rest:
            piece = self._more()
            if not piece:
                return False
            rest = piece.lstrip(b"\x00")
        self._engine = self._new_engine()
        self._left = rest
        return True


class Decoded(io.RawIOBase):
    """What was compressed by one of Arrow's codecs, several frames one after the other included."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the stream goes."""
        return int(self._stream.readinto(buffer))


class Ahead(io.RawIOBase):
    """A buffered stream that a thread of its own reads, at most 16 MiB ahead of the reader."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._pool = ThreadPoolExecutor(1, "read-ahead")
        self._pieces = deque(self._pool.submit(stream.read1, _PIECE) for _ in range(_PIECES_AHEAD))
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the next piece; what went wrong in the thread is raised here."""
        if not self._left and self._pieces:
            self._left = memoryview(self._pieces.popleft().result())
            if self._left:
                self._pieces.append(self._pool.submit(self._stream.read1, _PIECE))
            else:
                self._pieces.clear()
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        """Stop the thread."""
        self._pool.shutdown(cancel_futures=True)
        super().close()


def one_ahead(items: Iterator[T]) -> Generator[T]:
    """Make the next item in a thread while the last one is being used.

    Parameters
    ----------
    items : iterator

    Yields
    ------
    object
        The same items in the same order; what goes wrong in the thread is raised here.
    """
    with ThreadPoolExecutor(1, "one-ahead") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
