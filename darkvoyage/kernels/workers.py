"""Work on blocks of arrays in a few threads: NumPy lets others run while it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["WORKERS", "in_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 2
"""Threads; what comes out does not depend on their number."""


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the function's results in the order of the items, which are worked on by `WORKERS` threads.

    Parameters
    ----------
    function : callable
        Must bear threads: it reads what it shares and writes to what is its own.
    items : iterable

    Yields
    ------
    object
    """
    work = list(items)
    if len(work) < 2:
        yield from map(function, work)
        return
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="darkvoyage") as pool:
        yield from pool.map(function, work)
