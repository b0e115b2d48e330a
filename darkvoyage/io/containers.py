"""Archives and compressed streams: from a file to readable members, nothing unpacked to disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import pyarrow as pa

from darkvoyage.errors import ReadError
from darkvoyage.io.sentences import is_log
from darkvoyage.io.sources import READABLE, SourceFile, looks_readable, network_errors, refuse_code
from darkvoyage.io.streams import Ahead, Decoded, Inflated, Metered

__all__ = ["Member", "guard", "open_members"]

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"SQLite format 3\x00": "gpkg",
}
_OUT_OF_ORDER = ("zip", "parquet", "gpkg")
_PEEK = 1 << 16
_HELD = 256 << 20  # the most that is held in memory of a table that must be read out of order, but comes as a stream


@dataclass(frozen=True)
class Member:
    """One table inside a file.

    Parameters
    ----------
    label : str
        Name for reports and messages.
    kind : str
        What it is, by content.
    stream : binary file object
        Its bytes. Text comes through a thread that reads and inflates ahead.
    source : Metered
        The file as stored.
    path : Path, optional
        Where it lies on this machine, if it is a file of its own.
    """

    label: str
    kind: str
    stream: BinaryIO
    source: Metered
    path: Path | None = None

    @property
    def extent(self) -> str:
        """Words for an error message."""
        return f", the file ends at byte {self.source.ends}"


@contextmanager
def guard(label: str, where: str | Callable[[], str] = "") -> Iterator[None]:
    """Turn whatever a damaged file makes a decoder raise into a `ReadError` that names the file and the place."""
    try:
        yield
    except FileNotFoundError as error:
        raise ReadError(f"{label}: no such file") from error
    except PermissionError as error:
        raise ReadError(f"{label}: may not be read ({error.strerror})") from error
    except network_errors() as error:
        raise ReadError(f"{label}: the connection failed ({error})") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException, NotImplementedError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        place = where if isinstance(where, str) else where()
        raise ReadError(f"{label}: truncated or damaged{place} ({reason[:200]})") from error


def open_members(file: SourceFile, source: Metered, skipped: list[str]) -> Iterator[Member]:
    """Yield the tables of a file: one, or every readable member of an archive in order of names.

    Parameters
    ----------
    file : SourceFile
    source : Metered
        The file, open.
    skipped : list of str
        Receives members of archives that no reader is known for.

    Yields
    ------
    Member
        With `kind` one of "text", "nmea", "json", "parquet", "gpkg".

    Raises
    ------
    ReadError
        Empty, damaged, or of a kind that can run code.
    """
    with guard(file.label, lambda: f", the file ends at byte {source.ends}"):
        yield from _Opening(source, file.path, skipped).members(file.label, source, depth=0)


@dataclass(frozen=True)
class _Opening:
    """What stays the same while one goes from a file into what it holds."""

    source: Metered
    path: Path | None
    skipped: list[str]

    def members(self, label: str, stream: io.RawIOBase, depth: int) -> Iterator[Member]:
        buffered = io.BufferedReader(stream, _PEEK)
        kind = _kind(buffered.peek(_PEEK)[:_PEEK], label)
        if depth > 2:
            raise ReadError(f"{label}: compressed more than twice")
        if kind in ("gzip", "zstd", "bz2"):
            inner = Inflated(buffered) if kind == "gzip" else Decoded(buffered, kind)
            yield from self.members(label, inner, depth + 1)
        elif kind in _OUT_OF_ORDER:
            at_hand = stream is self.source and self.source.seekable() and (kind != "gpkg" or self.path is not None)
            whole = buffered if at_hand else _held(buffered, label, kind)
            if kind == "zip":
                yield from self.unzip(label, whole, depth)
            else:
                yield Member(label, kind, whole, self.source, self.path if at_hand else None)
        elif stream is self.source and self.source.seekable():
            yield Member(label, kind, buffered, self.source)  # nothing to inflate, and nothing to wait for
        else:
            with Ahead(buffered) as ahead:
                yield Member(label, kind, io.BufferedReader(ahead, _PEEK), self.source)

    def unzip(self, label: str, stream: BinaryIO, depth: int) -> Iterator[Member]:
        if depth:
            raise ReadError(f"{label}: an archive inside an archive is not opened; unpack it first")
        with zipfile.ZipFile(stream) as archive:
            infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            known = [name for name in sorted(infos) if looks_readable(name) and not name.startswith("__MACOSX/")]
            self.skipped.extend(f"{label}/{name}" for name in sorted(infos) if name not in known)
            if not known:
                raise ReadError(
                    f"{label}: the archive holds no file of a readable kind ({', '.join(sorted(READABLE))})"
                )
            for name in known:
                inner = f"{label}/{name}"
                refuse_code(inner)
                with guard(inner, lambda: f", the file ends at byte {self.source.ends}"):
                    yield from self.members(inner, _open_packed(archive, infos[name], stream, inner), depth=1)


def _held(stream: BinaryIO, label: str, kind: str) -> BinaryIO:
    content = stream.read(_HELD + 1)
    if len(content) > _HELD:
        raise ReadError(
            f"{label}: {kind} cannot be read from front to back, so it is held in memory where it comes through a "
            f"pipe or compressed; this one is larger than {_HELD >> 20} MiB: unpack it, or give its path"
        )
    return io.BytesIO(content)


def _kind(head: bytes, label: str) -> str:
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise ReadError(f"{label}: a pickle can run code and is never read; export CSV or Parquet instead")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ReadError(f"{label}: text in UTF-16 is not read; save it as UTF-8")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise ReadError(f"{label}: the file is empty")
    if b"\x00" in head[:1024]:
        raise ReadError(f"{label}: not a text table, and no binary format that is known")
    if text[:1] in (b"{", b"["):
        return "json"
    return "nmea" if is_log(head) else "text"


def _open_packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo, stream: BinaryIO, label: str) -> io.RawIOBase:
    """Open a member; deflated ones past zipfile, whose inflation is not the fastest there is."""
    if info.flag_bits & 0x1:
        raise ReadError(f"{label}: the member is encrypted")
    if info.compress_type == zipfile.ZIP_DEFLATED:
        stream.seek(info.header_offset)
        header = stream.read(30)  # PKWARE APPNOTE 4.3.7: lengths of name and extra field at bytes 26 and 28
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("no local header where the directory says")
        stream.seek(sum(struct.unpack("<26xHH", header)), io.SEEK_CUR)
        return Inflated(stream, crc=info.CRC, size=info.compress_size)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        raise ReadError(
            f"{label}: packed by method {info.compress_type}, which is not read; unpack it, or pack it again"
        )
    return _Unpacked(archive.open(info))


class _Unpacked(io.RawIOBase):
    """A member as zipfile unpacks it, without the promise that it can go back."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the member goes."""
        piece = self._member.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
