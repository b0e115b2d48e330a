"""Sources into a store, one after the other, each as a whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from darkvoyage.errors import DarkvoyageError, RuleError
from darkvoyage.io.containers import guard
from darkvoyage.io.progress import Progress, Tell, showing
from darkvoyage.io.sources import SourceFile
from darkvoyage.io.statics import STAMPS, STATIC_FIELDS
from darkvoyage.io.store_manifest import Manifest, Source, begin, remove_unfinished, writing
from darkvoyage.io.store_sort import ARROW_TYPES
from darkvoyage.io.store_write import RunWriter
from darkvoyage.io.stream import FixStream
from darkvoyage.schema.tables import FIXES

__all__ = ["Options", "add_sources"]


@dataclass(frozen=True)
class Options:
    """How sources are read.

    Parameters
    ----------
    dialect : str
    column_map : dict
    synthetic_ids : bool
    """

    dialect: str
    column_map: dict[str, str]
    synthetic_ids: bool


def add_sources(
    store: Path,
    files: Sequence[SourceFile],
    options: Options,
    *,
    buffer_bytes: int,
    progress: Progress,
    skipped: list[str],
) -> None:
    """Add what is new among some files to a store; the store is made if it is not there.

    Parameters
    ----------
    store : Path
    files : sequence of SourceFile
    options : Options
    buffer_bytes : int
        Size of the sorted blocks that are held before they are written.
    progress : None, bool or callable
    skipped : list of str
        Files that were passed over, for the report.

    Raises
    ------
    DarkvoyageError
        The store cannot be written, or the folder is something else; whatever a source raises. The sources before are
        in the store.
    """
    finished = 0
    try:
        store.mkdir(parents=True, exist_ok=True)
        with writing(store):
            manifest = begin(store)
            try:
                with showing(progress, _total(files)) as tell:
                    work = _Work(store, manifest, options, buffer_bytes, tell, _total(files), skipped)
                    for file in files:
                        work.add(file)
            finally:
                manifest = Manifest.load(store)
                finished = len(manifest.sources)
                remove_unfinished(store, manifest)
    except (OSError, pa.ArrowException) as error:
        raise DarkvoyageError(
            f"{store}: cannot be written ({' '.join(str(error).split())}); it holds the {finished} sources that were "
            "finished, and the same call again goes on with the next"
        ) from error


def _total(files: Sequence[SourceFile]) -> int | None:
    sizes = [file.size for file in files]
    return None if None in sizes else sum(size for size in sizes if size is not None)


@dataclass
class _Work:
    """One call's way through its sources."""

    store: Path
    manifest: Manifest
    options: Options
    buffer_bytes: int
    tell: Tell
    total: int | None
    skipped: list[str]
    rows: int = 0
    bytes: int = 0

    def add(self, file: SourceFile) -> None:
        """Bring one source in, unless it is in."""
        known = self._known(file)
        if known is None:
            source = self._read(file)
            known = self._same(source.sha256)
            if known is None:
                self.manifest.sources.append(source)
                self.manifest.save(self.store)
                self.skipped = []
            else:  # only after reading was it clear what it is
                remove_unfinished(self.store, self.manifest)
        if known is not None:
            self._skip(file, known)
        self.bytes += file.size or 0
        self.tell(self.rows, self.bytes, self.total)

    def _known(self, file: SourceFile) -> Source | None:
        """Find a source among those of the store, reading it only where its size alone leaves that open."""
        if file.path is None:
            return None
        place, size, stamp = _identity(file)
        for source in self.manifest.sources:
            if (source.path, source.bytes, source.modified_ns) == (place, size, stamp):
                return source
        if any(source.bytes == size for source in self.manifest.sources):
            with guard(file.label), file.open() as stream:
                return self._same(stream.entry()["sha256"])
        return None

    def _same(self, sha256: str) -> Source | None:
        return next((source for source in self.manifest.sources if source.sha256 == sha256), None)

    def _skip(self, file: SourceFile, known: Source) -> None:
        before = Options(known.dialect, known.column_map, known.synthetic_ids)
        if before != self.options:
            now = asdict(self.options)
            told = ", ".join(f"{name}={value!r}" for name, value in asdict(before).items() if value != now[name])
            raise RuleError(
                f"{file.label}: is in the store already, read with {told}, and is not read twice; build another store "
                "for other options"
            )
        note = f"{file.label}: the same content as {known.path}"
        if _identity(file)[0] != known.path and note not in known.report["skipped"]:
            known.report["skipped"].append(note)
            self.manifest.save(self.store)

    def _read(self, file: SourceFile) -> Source:
        stream = FixStream(file, columns=FIXES.names, progress=self._pass_on, **asdict(self.options))
        columns: set[str] = set()
        place, _, stamp = _identity(file)
        number = max((run.number for run in self.manifest.runs), default=0) + 1
        with RunWriter(self.store, number, self.manifest.parts, self.buffer_bytes) as writer:
            for fixes, reports in stream.blocks(need_positions=False, coded_texts=True):
                columns.update(fixes.column_names, _joined_columns(reports))
                writer.add(fixes, reports)
            writer.flush()
        rows = sum(run.rows for run in writer.runs)
        self.rows += rows
        report = stream.report.as_dict(rows)
        report["skipped"] = [*self.skipped, *report["skipped"]]
        entry = report["sources"][0]
        return Source(
            path=place,
            bytes=entry["bytes"],
            modified_ns=stamp,
            sha256=entry["sha256"],
            **asdict(self.options),
            columns=[name for name in ARROW_TYPES if name in columns],
            report=report,
            runs=writer.runs,
        )

    def _pass_on(self, rows: int, done: int, total: int | None) -> None:
        self.tell(self.rows + rows, self.bytes + done, self.total)


def _joined_columns(reports: pa.Table) -> set[str]:
    """Columns that static reports bring to fixes."""
    said = {name for name in STATIC_FIELDS if len(reports) and name in reports.column_names}
    return said | {stamp for name, stamp in STAMPS.items() if name in said}


def _identity(file: SourceFile) -> tuple[str, int | None, int | None]:
    """Where a file is, its size and its time stamp, by which it is known again without being read."""
    if file.path is None:
        return file.label, file.size, None
    with guard(file.label):
        found = file.path.stat()
    return str(file.path.resolve()), found.st_size, found.st_mtime_ns
