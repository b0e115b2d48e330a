"""The account that a reader gives of its work: what came in, what went out, what was changed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["MAX_EXAMPLES", "ReadReport"]

MAX_EXAMPLES = 3


class ReadReport:
    """Counts of one reading; `as_dict` is what `table.attrs["read_report"]` holds."""

    def __init__(self) -> None:
        self.rows_in = 0
        self.reasons: Counter[str] = Counter()
        self.repairs: Counter[str] = Counter()
        self.examples: dict[str, list[dict[str, Any]]] = {}
        self.dialects: list[str] = []
        self.sources: list[dict[str, Any]] = []
        self.kept_columns: list[str] = []
        self.left_out_columns: list[str] = []
        self.skipped: list[str] = []
        self.rows_by_library_parser = 0  # of text that went through compiled kernels
        self.ids: int | None = None  # of a source that gives no MMSI

    def reject(self, reason: str, count: int, examples: Iterable[tuple[str, int, str]]) -> None:
        """Count rows that are not delivered; `examples` are (file, line, text), looked at only while there is room."""
        if not count:
            return
        self.reasons[reason] += count
        shown = self.examples.setdefault(reason, [])
        for file, line, text in examples:
            if len(shown) >= MAX_EXAMPLES:
                break
            shown.append({"file": file, "line": line, "text": text[:300]})

    def repair(self, name: str, count: int) -> None:
        """Count values that were changed."""
        if count:
            self.repairs[name] += int(count)

    def note(self, kept: Iterable[str], left_out: Iterable[str], dialect: str) -> None:
        """Remember the columns and the dialect of one file."""
        self.kept_columns += [name for name in kept if name not in self.kept_columns]
        self.left_out_columns += [name for name in left_out if name not in self.left_out_columns]
        self.dialects += [dialect] if dialect not in self.dialects else []

    def absorb(self, other: ReadReport) -> None:
        """Add the counts and examples of further rows of the same sources; examples of one file in order of lines."""
        self.rows_in += other.rows_in
        self.rows_by_library_parser += other.rows_by_library_parser
        self.reasons.update(other.reasons)
        self.repairs.update(other.repairs)
        for reason, examples in other.examples.items():
            shown = self.examples.get(reason, []) + examples
            files = list(dict.fromkeys(example["file"] for example in shown))
            shown.sort(key=lambda example: (files.index(example["file"]), example["line"]))
            self.examples[reason] = shown[:MAX_EXAMPLES]

    def include(self, told: Mapping[str, Any]) -> None:
        """Add the account of another reading, as `as_dict` gave it."""
        self.rows_in += told["rows_in"]
        self.reasons.update(told["reasons"])
        self.repairs.update(told["repairs"])
        for reason, examples in told["examples"].items():
            shown = self.examples.setdefault(reason, [])
            shown += examples[: MAX_EXAMPLES - len(shown)]
        for dialect in [told["dialect"]] if isinstance(told["dialect"], str) else told["dialect"]:
            self.note(told["kept_columns"], told["left_out_columns"], dialect)
        self.sources += told["sources"]
        self.skipped += told["skipped"]
        self.ids = told.get("ids", self.ids)

    def as_dict(self, rows_out: int) -> dict[str, Any]:
        """Return the report as plain JSON values; `rows_out` is the length of the delivered table."""
        return {
            "rows_in": self.rows_in,
            "rows_out": rows_out,
            "reasons": dict(sorted(self.reasons.items())),
            "repairs": dict(sorted(self.repairs.items())),
            "examples": dict(sorted(self.examples.items())),
            "dialect": self.dialects[0] if len(self.dialects) == 1 else self.dialects,
            "sources": self.sources,
            "kept_columns": self.kept_columns,
            "left_out_columns": self.left_out_columns,
            "skipped": self.skipped,
            "rows_by_library_parser": self.rows_by_library_parser,
            "synthetic_ids": self.ids is not None,
            **({} if self.ids is None else {"ids": self.ids}),
        }
