"""Files, archives and compressed streams: from what the user names to readable members."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from darkvoyage.errors import ReadError

__all__ = ["Member", "SourceFile", "expand", "guard", "open_members"]

_READABLE = {".csv", ".txt", ".tsv", ".parquet", ".geoparquet", ".pq", ".gpkg", ".json", ".jsonl", ".ndjson"}
_PACKED = {".gz", ".zst", ".zstd", ".bz2"}
_RUNS_CODE = {".pkl", ".pickle", ".joblib"}
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"SQLite format 3\x00": "gpkg",
}
_PEEK = 1 << 16


@dataclass(frozen=True)
class SourceFile:
    """One file that the user named: a path, or the whole content of a file object."""

    label: str
    path: Path | None
    content: bytes | None

    @property
    def suffixes(self) -> set[str]:
        """Its file endings in lower case."""
        return {suffix.lower() for suffix in Path(self.label).suffixes}

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading in binary."""
        if self.path is None:
            yield io.BytesIO(self.content or b"")
        else:
            with self.path.open("rb") as stream:
                yield stream

    def fingerprint(self) -> dict[str, Any]:
        """Return path, size in bytes and SHA-256."""
        with guard(self.label), self.open() as stream:
            digest = hashlib.sha256()
            while piece := stream.read(1 << 20):
                digest.update(piece)
            return {"path": self.label, "bytes": stream.tell(), "sha256": digest.hexdigest()}


@dataclass(frozen=True)
class Member:
    """One table inside a file: its name, what it is, its bytes, and where the file ends."""

    label: str
    kind: str
    stream: BinaryIO
    ends: int

    @property
    def extent(self) -> str:
        """Words for an error message."""
        return f", the file ends at byte {self.ends}"


@contextmanager
def guard(label: str, where: str = "") -> Iterator[None]:
    """Turn whatever a damaged file makes a decoder raise into a `ReadError` that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise ReadError(f"{label}: no such file") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException, NotImplementedError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(f"{label}: truncated or damaged{where} ({reason[:200]})") from error


def expand(source: Any, skipped: list[str]) -> list[SourceFile]:
    """List the files that a source stands for, sorted by name.

    Parameters
    ----------
    source : path, glob, folder, file object, or list of these
    skipped : list of str
        Receives the files of folders that no reader is known for.

    Returns
    -------
    list of SourceFile

    Raises
    ------
    ReadError
        Nothing there, not readable, or of a kind that can run code.
    """
    many = isinstance(source, Sequence) and not isinstance(source, (str, bytes))
    files = [file for one in (source if many else [source]) for file in _expand_one(one, skipped)]
    if not files:
        raise ReadError("read_fixes: the list of sources is empty")
    for file in files:
        if file.suffixes & _RUNS_CODE:
            raise ReadError(f"{file.label}: a pickle can run code and is never read; export CSV or Parquet instead")
    return sorted(files, key=lambda file: file.label)


def _expand_one(source: Any, skipped: list[str]) -> list[SourceFile]:
    if hasattr(source, "read"):
        label = str(getattr(source, "name", None) or "<stream>")
        content = source.read()
        if not isinstance(content, bytes):
            raise ReadError(f"{label}: the file object gives text; open it in binary mode ('rb')")
        return [SourceFile(label, None, content)]
    if not isinstance(source, (str, os.PathLike)):
        raise ReadError(
            f"expected a path, a glob, a list of paths or a binary file object, got {type(source).__name__}"
        )
    text = os.fspath(source)
    if "://" in text:
        raise ReadError(f"{text}: the library opens no network connection; download the file first")
    path = Path(text)
    if path.is_dir():
        return _expand_folder(path, skipped)
    if path.exists() or not glob.has_magic(text):
        if not path.exists():
            raise ReadError(f"{text}: no such file")
        return [SourceFile(text, path, None)]
    found = [Path(name) for name in glob.glob(text, recursive=True)]
    files = [SourceFile(str(name), name, None) for name in found if name.is_file()]
    if not files:
        raise ReadError(f"{text}: no file matches")
    return files


def _expand_folder(path: Path, skipped: list[str]) -> list[SourceFile]:
    inside = sorted(name for name in path.iterdir() if name.is_file())
    skipped += [str(name) for name in inside if not _looks_readable(name.name)]
    files = [SourceFile(str(name), name, None) for name in inside if _looks_readable(name.name)]
    if not files:
        raise ReadError(f"{path}: the folder holds no file of a readable kind ({', '.join(sorted(_READABLE))}, .zip)")
    return files


def _looks_readable(name: str) -> bool:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and (suffixes[-1] in _READABLE or suffixes[-1] == ".zip") and not name.startswith(".")


def open_members(file: SourceFile, skipped: list[str]) -> Iterator[Member]:
    """Open a file and yield its tables: one, or every readable member of an archive in order of names.

    Parameters
    ----------
    file : SourceFile
    skipped : list of str
        Receives members of archives that no reader is known for.

    Yields
    ------
    Member
        With `kind` one of "text", "json", "parquet", "gpkg".

    Raises
    ------
    ReadError
        Empty, damaged, or of a kind that can run code.
    """
    with guard(file.label), file.open() as stream:
        ends = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        with guard(file.label, f", the file ends at byte {ends}"):
            yield from _members(file.label, stream, skipped, ends, depth=0)


def _members(label: str, stream: Any, skipped: list[str], ends: int, depth: int) -> Iterator[Member]:
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(stream, _PEEK)
    head = buffered.peek(_PEEK)[:_PEEK]
    kind = _kind(head, label)
    if kind == "zip":
        if depth:
            raise ReadError(f"{label}: an archive inside an archive is not opened; unpack it first")
        yield from _unzip(label, buffered, skipped, ends)
    elif kind in ("gzip", "zstd", "bz2"):
        if depth > 1:
            raise ReadError(f"{label}: compressed more than twice")
        unpacked = pa.CompressedInputStream(pa.PythonFile(buffered, mode="r"), kind)
        yield from _members(label, _Readable(unpacked), skipped, ends, depth + 1)
    else:
        yield Member(label, kind, buffered, ends)


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
    return "json" if text[:1] in (b"{", b"[") else "text"


def _unzip(label: str, stream: BinaryIO, skipped: list[str], ends: int) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
        known = [name for name in names if _looks_readable(Path(name).name) and not name.startswith("__MACOSX/")]
        skipped += [f"{label}/{name}" for name in names if name not in known]
        if not known:
            raise ReadError(f"{label}: the archive holds no file of a readable kind ({', '.join(sorted(_READABLE))})")
        for name in known:
            inner = f"{label}/{name}"
            if archive.getinfo(name).flag_bits & 0x1:
                raise ReadError(f"{inner}: the member is encrypted")
            with guard(inner, f", the file ends at byte {ends}"), archive.open(name) as member:
                yield from _members(inner, member, skipped, ends, depth=1)


class _Readable(io.RawIOBase):
    """An Arrow input stream as a Python stream that can be buffered."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the stream goes."""
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
