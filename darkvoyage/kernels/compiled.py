"""Compiled kernels: numba, the optional extra `darkvoyage[fast]`.

A module whose functions are wrapped in `jit` at its top is imported only where `can_compile()` said yes, and only for
input large enough to pay for numba's own start.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["can_compile", "jit"]

F = TypeVar("F", bound=Callable[..., Any])


def can_compile() -> bool:
    """Tell whether numba is installed; looks, but does not import it."""
    return importlib.util.find_spec("numba") is not None


def jit(function: F) -> F:
    """Compile a function on its first call, without the global lock, and keep the machine code on disk."""
    import numba

    compiled: F = numba.njit(cache=True, nogil=True)(function)
    return compiled
