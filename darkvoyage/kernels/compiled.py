"""Compiled kernels: numba, the optional extra `darkvoyage[fast]`.

A module whose functions are wrapped in `jit` at its top is imported only where `can_compile()` said yes, and only for
input large enough to pay for numba's own start.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["can_compile", "has_started", "inline", "jit"]

F = TypeVar("F", bound=Callable[..., Any])


def can_compile() -> bool:
    """Tell whether numba is installed; looks, but does not import it."""
    return importlib.util.find_spec("numba") is not None


def has_started() -> bool:
    """Tell whether numba has been imported, so that its start costs nothing more."""
    return sys.modules.get("numba") is not None  # None: the import is barred


def jit(function: F) -> F:
    """Compile a function on its first call, without the global lock, and keep the machine code on disk.

    The code goes beside the source, else into the user's cache, else (an installation that may not be written to, and
    no home) nowhere: then each process compiles anew. Setting NUMBA_CACHE_DIR chooses another place.
    """
    import numba

    # numba knows a function on disk by its name and its own file, not by those whose code it took in.
    function.__qualname__ = f"{function.__qualname__}_{_digest()}"
    try:
        compiled: F = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no place for the machine code
        compiled = numba.njit(nogil=True)(function)
    return compiled


def inline(function: F) -> F:
    """Compile a small function into each compiled function that calls it: no call, and no counting of references."""
    import numba

    compiled: F = numba.njit(forceinline=True)(function)
    return compiled


@functools.cache
def _digest() -> str:
    """Name this state of all kernels."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
