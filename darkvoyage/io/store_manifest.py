"""What a store holds: one small file, replaced as a whole, that alone says which runs count.

A store is a folder:

    manifest.json              sources, their reports and runs
    lock                       held by the process that writes
    runs/000001/               everything of one source that was sorted at once; never changed afterwards
        fixes-00.parquet       positions of one part of the fleet, sorted by vessel and time
        changes-00.parquet     particulars and voyage values of the positions, a row only where one of them changes
        reports-00.parquet     static and voyage reports that came by themselves, joined as of time when read
        vessels.parquet        rows, first and last time of each vessel

A run that the manifest does not name was not finished: it is no part of the store, and the next writer removes it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from darkvoyage.errors import DarkvoyageError, ReadError

__all__ = ["Manifest", "Run", "Source", "begin", "is_store", "remove_unfinished", "run_folder", "sync", "writing"]

_NAME, _LOCK = "manifest.json", "lock"
_PARTS = 8  # more parts, more files; fewer, more memory while one is merged
_FORMAT = "darkvoyage store"
_VERSION = 1


@dataclass(frozen=True)
class Run:
    """One sorted piece of a source.

    Parameters
    ----------
    number : int
        Names its folder.
    rows : int
    first_us, last_us : int
        Time of its earliest and latest fix, microseconds since 1970; 0 without fixes.
    part_rows : list of int
        Rows in each part.
    report_rows : list of int
        Static reports in each part.
    has_changes : bool
        Whether there is a change log beside the fixes.
    """

    number: int
    rows: int
    first_us: int
    last_us: int
    part_rows: list[int]
    report_rows: list[int]
    has_changes: bool


@dataclass(frozen=True)
class Source:
    """One file that is in the store as a whole.

    Parameters
    ----------
    path : str
        Where it was, absolute; or the name of a file object.
    bytes : int
    modified_ns : int or None
        Time stamp of the file, None for a file object.
    sha256 : str
        Of its content: what identifies it.
    dialect : str
        As asked for.
    column_map : dict
        As asked for.
    synthetic_ids : bool
        As asked for.
    columns : list of str
        Columns of FIXES that it has.
    report : dict
        Its read report.
    runs : list of Run
    """

    path: str
    bytes: int
    modified_ns: int | None
    sha256: str
    dialect: str
    column_map: dict[str, str]
    synthetic_ids: bool
    columns: list[str]
    report: dict[str, Any]
    runs: list[Run]


@dataclass
class Manifest:
    """The content of a store: in how many parts its fleet is cut, and the sources in the order they came."""

    parts: int
    sources: list[Source] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        """All runs in the order they came."""
        return [run for source in self.sources for run in source.runs]

    @classmethod
    def load(cls, store: Path) -> Manifest:
        """Read the manifest of a store.

        Parameters
        ----------
        store : Path

        Returns
        -------
        Manifest

        Raises
        ------
        ReadError
            The folder holds no store, or one that this version cannot read.
        """
        path = store / _NAME
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ReadError(f"{store}: no store is there; build_store makes one") from error
        except (OSError, ValueError) as error:
            raise ReadError(f"{path}: damaged or not readable ({error})") from error
        if not isinstance(told, dict) or told.get("format") != _FORMAT:
            raise ReadError(f"{path}: not the manifest of a store")
        if told.get("version") != _VERSION:
            raise ReadError(f"{path}: a store of version {told.get('version')!r}, this library reads {_VERSION}")
        try:
            sources = [
                Source(**{**source, "runs": [Run(**run) for run in source["runs"]]}) for source in told["sources"]
            ]
            return cls(int(told["parts"]), sources)
        except (KeyError, TypeError, ValueError) as error:
            raise ReadError(f"{path}: damaged ({error})") from error

    def save(self, store: Path) -> None:
        """Replace the manifest of a store; after a power cut either the old or the new one is there.

        Parameters
        ----------
        store : Path
        """
        told = {"format": _FORMAT, "version": _VERSION, **dataclasses.asdict(self)}
        new = store / f"{_NAME}.new"
        with new.open("w", encoding="utf-8") as stream:
            json.dump(told, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(store / _NAME)
        sync(store)


def is_store(source: Any) -> bool:
    """Tell whether something is the path of a folder that holds a store."""
    return isinstance(source, (str, os.PathLike)) and (Path(source) / _NAME).is_file()


def run_folder(store: Path, number: int) -> Path:
    """Folder of one run."""
    return store / "runs" / f"{number:06d}"


def sync(path: Path) -> None:
    """Have the disk hold a file's content, or a folder's entries, before anything that follows."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders; it keeps their entries in its own journal
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def begin(store: Path) -> Manifest:
    """Make a folder a store, or take up one that is there; call it under the lock.

    Parameters
    ----------
    store : Path

    Returns
    -------
    Manifest

    Raises
    ------
    DarkvoyageError
        The folder holds something else.
    """
    if is_store(store):
        manifest = Manifest.load(store)
        remove_unfinished(store, manifest)
        return manifest
    strange = sorted({path.name for path in store.iterdir()} - {_LOCK, f"{_NAME}.new"})
    if strange:
        raise DarkvoyageError(f"{store}: holds {strange[0]!r} and is no store; name a new or an empty folder")
    manifest = Manifest(_PARTS)
    manifest.save(store)
    return manifest


def remove_unfinished(store: Path, manifest: Manifest) -> None:
    """Remove the runs that the manifest does not name."""
    known = {run_folder(store, run.number) for run in manifest.runs}
    for folder in (store / "runs").glob("*"):
        if folder not in known:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Be the only writer of a store; the system frees the lock of a process that ends, however it ends.

    Parameters
    ----------
    store : Path

    Raises
    ------
    DarkvoyageError
        Another process, or another call in this one, is writing.
    """
    with (store / _LOCK).open("a+b") as stream:
        try:
            _take_lock(stream)
        except OSError as error:
            stream.seek(0)
            holder = stream.read(20).decode("ascii", "replace").strip() or "unknown"
            raise DarkvoyageError(f"{store}: another process ({holder}) is writing to this store") from error
        stream.truncate(0)
        stream.write(str(os.getpid()).encode())
        stream.flush()
        yield


def _take_lock(stream: BinaryIO) -> None:
    if os.name == "nt":
        import msvcrt

        stream.seek(1 << 20)  # locked bytes cannot be read by others there; the number stands before them
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
