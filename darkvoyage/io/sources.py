"""What the user names, as files to open: paths, globs, folders, URLs, file objects, standard input."""

from __future__ import annotations

import glob
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from darkvoyage.errors import ReadError
from darkvoyage.io.streams import Metered

__all__ = ["READABLE", "SourceFile", "expand", "is_source", "looks_readable", "network_errors", "refuse_code"]

READABLE = (
    ".csv", ".txt", ".tsv", ".parquet", ".geoparquet", ".pq", ".gpkg", ".json", ".jsonl", ".ndjson", ".zip",
    ".nmea", ".nm4", ".ais", ".aivdm",
)  # fmt: skip
_PACKED = (".gz", ".zst", ".zstd", ".bz2")
_RUNS_CODE = (".pkl", ".pickle", ".joblib")
_HIDDEN = (".", "_")  # as Spark, Hive and Arrow hide their own files
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class SourceFile:
    """One file that the user named.

    Parameters
    ----------
    label : str
        Its name in reports and messages.
    opens : callable
        Gives a binary stream that stands where the file begins.
    size : int or None
        Bytes; None where nobody knows: then it is read once from front to back.
    path : Path, optional
        Where it lies on this machine.
    partition : mapping of column to value
        What the names of its folders say (`day=2024-03-01`).
    lent : bool
        Whether the stream is the caller's, who closes it.
    """

    label: str
    opens: Callable[[], Any]
    size: int | None
    path: Path | None = None
    partition: Mapping[str, str | None] = field(default_factory=dict)
    lent: bool = False

    @contextmanager
    def open(self, *, hashed: bool = True) -> Iterator[Metered]:
        """Open for reading once, counted and hashed."""
        stream = _opened(self)
        try:
            yield Metered(stream, self.size, hashed=hashed)
        finally:
            if not self.lent:
                stream.close()


def _opened(file: SourceFile) -> Any:
    try:
        return file.opens()
    except FileNotFoundError as error:
        raise ReadError(f"{file.label}: no such file") from error
    except OSError as error:
        raise ReadError(f"{file.label}: cannot be opened ({error.strerror or error})") from error
    except network_errors() as error:
        raise ReadError(f"{file.label}: the connection failed ({error})") from error


def is_source(given: Any) -> bool:
    """Tell what names files (a path, a glob, a URL, a file object, a list of these) from a table."""
    return isinstance(given, (str, os.PathLike, list, tuple)) or hasattr(given, "read")


def expand(source: Any, skipped: list[str]) -> list[SourceFile]:
    """List the files that a source stands for, sorted by name.

    Parameters
    ----------
    source : path, glob, folder, URL, "-", binary file object, or list of these
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
        raise ReadError("the list of sources is empty")
    for file in files:
        refuse_code(file.label)
    return sorted(files, key=lambda file: file.label)


def refuse_code(label: str) -> None:
    """Raise a `ReadError` for a name that promises a pickle."""
    if any(suffix.lower() in _RUNS_CODE for suffix in PurePosixPath(label).suffixes):
        raise ReadError(f"{label}: a pickle can run code and is never read; export CSV or Parquet instead")


def looks_readable(name: str) -> bool:
    """Tell by its ending whether there is a reader for a file of a folder or an archive."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in READABLE and not PurePosixPath(name).name.startswith(_HIDDEN)


def _expand_one(source: Any, skipped: list[str]) -> list[SourceFile]:
    if isinstance(source, SourceFile):
        return [source]
    if hasattr(source, "read"):
        return [_borrowed(source, str(getattr(source, "name", None) or "<stream>"))]
    if not isinstance(source, (str, os.PathLike)):
        raise ReadError(
            f"expected a path, a glob, a list of paths or a binary file object, got {type(source).__name__}"
        )
    text = os.fspath(source)
    if text == "-":
        return [_borrowed(sys.stdin.buffer, "<stdin>")]
    if "://" in text:
        return _expand_url(text, skipped)
    path = Path(text)
    if path.is_dir():
        return _inside(path, skipped)
    if path.exists():
        return [_on_disk(path, text)]
    if not glob.has_magic(text):
        raise ReadError(f"{text}: no such file")
    found = [Path(name) for name in glob.glob(text, recursive=True)]
    files = [_on_disk(name, str(name)) for name in found if name.is_file()]
    if not files:
        raise ReadError(f"{text}: no file matches")
    return files


def _borrowed(stream: Any, label: str) -> SourceFile:
    if isinstance(stream, io.TextIOBase) or not isinstance(stream.read(0), bytes):
        raise ReadError(f"{label}: the file object gives text; open it in binary mode ('rb')")
    size = None
    if hasattr(stream, "seekable") and stream.seekable():
        here = stream.tell()
        size = stream.seek(0, io.SEEK_END) - here
        stream.seek(here)
    return SourceFile(label, lambda: stream, size, lent=True)


def _on_disk(path: Path, label: str, partition: Mapping[str, str | None] | None = None) -> SourceFile:
    plain = path.is_file()  # a named pipe has no size
    return SourceFile(
        label,
        lambda: path.open("rb", buffering=0),
        path.stat().st_size if plain else None,
        path if plain else None,
        partition or {},
    )


def _inside(path: Path, skipped: list[str]) -> list[SourceFile]:
    """List the readable files of a folder and of the folders below; what is hidden or unknown is named as skipped."""
    files = []
    for folder, below, names in os.walk(path, onerror=_refuse_folder):
        apart = [name for name in below if name.startswith(_HIDDEN) or os.path.islink(os.path.join(folder, name))]
        below[:] = sorted(set(below) - set(apart))  # links may lead in circles
        unknown = [name for name in names if not looks_readable(name)]
        skipped += sorted(os.path.join(folder, name) for name in (*apart, *unknown))
        files += [
            _on_disk(inner, str(inner), _partition(inner.relative_to(path).parts))
            for name in sorted(names)
            if looks_readable(name)
            for inner in [Path(folder) / name]
        ]
    return _some(files, str(path))


def _refuse_folder(error: OSError) -> None:
    raise ReadError(f"{error.filename}: may not be read ({error.strerror})") from error


def _partition(parts: Sequence[str]) -> dict[str, str | None]:
    pairs = [part.partition("=") for part in parts[:-1] if "=" in part]
    return {name: None if value == _HIVE_NULL else unquote(value) for name, _, value in pairs}


def _some(files: list[SourceFile], label: str) -> list[SourceFile]:
    if not files:
        raise ReadError(f"{label}: the folder holds no file of a readable kind ({', '.join(sorted(READABLE))})")
    return files


def _expand_url(url: str, skipped: list[str]) -> list[SourceFile]:
    """List what a URL stands for: the one place that may reach a network, because the user says so."""
    try:
        import fsspec
    except ImportError as error:
        raise ReadError(f"{url}: reading from a URL needs fsspec; install darkvoyage[remote]") from error
    try:
        system, path = fsspec.core.url_to_fs(url)
        return _remote_files(system, path, url, skipped)
    except ImportError as error:
        raise ReadError(f"{url}: {error}; darkvoyage[remote] brings fsspec, each protocol its own package") from error
    except FileNotFoundError as error:
        raise ReadError(f"{url}: no such file") from error
    except ReadError:
        raise
    except (OSError, ValueError) as error:
        raise ReadError(f"{url}: cannot be opened ({error})") from error
    except network_errors() as error:
        raise ReadError(f"{url}: the connection failed ({error})") from error


def network_errors() -> tuple[type[Exception], ...]:
    """Return the errors of the protocols in use that are no `OSError`."""
    names = {"aiohttp": ["ClientError"], "botocore.exceptions": ["BotoCoreError", "ClientError"]}
    return tuple(
        getattr(sys.modules[module], name) for module, kinds in names.items() if module in sys.modules for name in kinds
    )


def _remote_files(system: Any, path: str, url: str, skipped: list[str]) -> list[SourceFile]:
    def file(name: str, size: int | None, below: str = "") -> SourceFile:
        return SourceFile(
            system.unstrip_protocol(name),
            lambda: system.open(name, "rb"),
            size,
            partition=_partition(PurePosixPath(below).parts),
        )

    try:
        info = system.info(path)
    except FileNotFoundError:
        found = system.glob(path, detail=True) if glob.has_magic(path) else {}
        files = [file(name, entry["size"]) for name, entry in found.items() if entry["type"] == "file"]
        if not files:
            raise ReadError(f"{url}: no file matches" if glob.has_magic(path) else f"{url}: no such file") from None
        return files
    if info["type"] != "directory":
        return [file(path, info["size"])]
    root = f"{path.rstrip('/')}/"
    shown: Iterable[tuple[str, Any]] = sorted(system.find(path, detail=True).items())
    files = []
    for name, entry in shown:
        below = name.removeprefix(root)
        if looks_readable(name) and not any(part.startswith(_HIDDEN) for part in PurePosixPath(below).parts):
            files.append(file(name, entry["size"], below))
        else:
            skipped.append(system.unstrip_protocol(name))
    return _some(files, url)
