"""How a rule is made: a frozen dataclass whose options check their own bounds."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

from darkvoyage.errors import RuleError

__all__ = ["option", "refuse_unknown", "rule"]

T = TypeVar("T")


def option(
    *,
    default: Any,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare an option of a rule with its default and bounds."""
    return dataclasses.field(default=default, metadata={"gt": gt, "ge": ge, "lt": lt, "le": le, "choices": choices})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def rule(cls: type[T]) -> type[T]:
    """Make a class of annotated options a frozen keyword-only dataclass that checks its values."""
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    plain_init: Callable[..., None] = made.__init__

    def __init__(self: Any, **options: Any) -> None:
        refuse_unknown(made.__name__, options, [field.name for field in dataclasses.fields(made)])
        plain_init(self, **options)
        for field in dataclasses.fields(made):
            _check(made.__name__, field, getattr(self, field.name))

    __init__.__doc__ = plain_init.__doc__
    made.__init__ = __init__
    return made


def refuse_unknown(owner: str, options: dict[str, Any], known: list[str]) -> None:
    """Raise a `RuleError` for the first name that is not known, with the nearest one that is."""
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RuleError(f"{owner}: unknown option {name!r}{hint} (options: {', '.join(known)})")


def _check(owner: str, field: dataclasses.Field[Any], value: Any) -> None:
    bounds = field.metadata
    if not bounds:
        return
    name = f"{owner}.{field.name}"
    if bounds["choices"] is not None:
        if value not in bounds["choices"]:
            raise RuleError(f"{name} = {value!r}: expected one of {', '.join(bounds['choices'])}")
        return
    if isinstance(field.default, bool):
        if not isinstance(value, bool):
            raise RuleError(f"{name} = {value!r}: expected true or false")
        return
    if isinstance(field.default, str):
        if not isinstance(value, str):
            raise RuleError(f"{name} = {value!r}: expected text")
        return
    whole = isinstance(field.default, int)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RuleError(f"{name} = {value!r}: expected {'a whole number' if whole else 'a number'}")
    if not math.isfinite(value):
        raise RuleError(f"{name} = {value!r}: expected a finite number")
    if whole and value != int(value):
        raise RuleError(f"{name} = {value!r}: expected a whole number")
    tests: dict[str, tuple[str, Callable[[float], bool]]] = {
        "gt": ("greater than", lambda bound: value > bound),
        "ge": ("at least", lambda bound: value >= bound),
        "lt": ("less than", lambda bound: value < bound),
        "le": ("at most", lambda bound: value <= bound),
    }
    for kind, (words, holds) in tests.items():
        if bounds[kind] is not None and not holds(bounds[kind]):
            raise RuleError(f"{name} = {value!r}: must be {words} {bounds[kind]}")
