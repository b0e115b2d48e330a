"""How far a long reading is: a bar on a terminal, silence in a pipe, or the caller's own function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from darkvoyage.errors import RuleError

__all__ = ["Progress", "Tell", "check_progress", "showing"]

Tell = Callable[[int, int, int | None], None]
"""Takes rows read, bytes read as stored, and bytes in all (None where nobody knows)."""

Progress = bool | Tell | None
"""None: a bar where the error stream is a terminal. True: a bar. False: nothing. A function: is called."""


def check_progress(progress: Progress) -> None:
    """Refuse what can show no progress.

    Raises
    ------
    RuleError
    """
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise RuleError(f"progress = {progress!r}: expected None, True, False or a function")


@contextmanager
def showing(progress: Progress, total: int | None) -> Iterator[Tell]:
    """Give the function to be told after each part.

    Parameters
    ----------
    progress : None, bool or callable
    total : int or None
        Bytes of all sources as stored.

    Yields
    ------
    callable
        Of rows, bytes done and bytes in all.
    """
    if progress is not None and not isinstance(progress, bool):
        yield progress
    elif progress or (progress is None and sys.stderr.isatty()):
        with _bar(total) as tell:
            yield tell
    else:
        yield _silent


def _silent(rows: int, done: int, total: int | None) -> None:
    pass


@contextmanager
def _bar(total: int | None) -> Iterator[Tell]:
    from tqdm import tqdm

    with tqdm(total=total, unit="B", unit_scale=True, file=sys.stderr) as bar:

        def tell(rows: int, done: int, total: int | None) -> None:
            elapsed_s = bar.format_dict["elapsed"]
            pace = f", {rows / elapsed_s:,.0f} rows/s" if elapsed_s > 0 else ""
            bar.set_postfix_str(f"{rows:,} rows{pace}", refresh=False)
            bar.update(done - bar.n)

        yield tell
