"""Real AIS sets that the caller names, and what each is good for."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from darkvoyage.errors import ReadError, RuleError
from darkvoyage.io.fixes import read_fixes
from darkvoyage.options import refuse_unknown

__all__ = ["PROTOCOLS", "RealSet", "named_sets", "read_real_sets", "read_set"]

PROTOCOLS = ("silences", "calls", "scenes", "statistics")
"""Switch-offs, port calls and images made from a set, and how far a simulated feed is from it."""


@dataclass(frozen=True, kw_only=True)
class RealSet:
    """AIS files of one place and time.

    Parameters
    ----------
    name : str
    path : str
        File, or a pattern of several.
    dialect : str
    synthetic_ids : bool
        Vessels carry ids of the source's own.
    ports : str, optional
        File of ports; needed for "calls".
    protocols : tuple of str
        Some of `PROTOCOLS`.
    beside : str
        Preset that "statistics" holds against this set.
    min_gap_h : float
        Silences longer than this are judged [h].
    """

    name: str
    path: str
    dialect: str = "auto"
    synthetic_ids: bool = False
    ports: str | None = None
    protocols: tuple[str, ...] = ("silences",)
    beside: str = "strait"
    min_gap_h: float = 2.0

    def __post_init__(self) -> None:
        """Check the protocols."""
        unknown = set(self.protocols) - set(PROTOCOLS)
        if unknown:
            raise RuleError(f"protocols = {sorted(unknown)}: expected some of {', '.join(PROTOCOLS)}")
        if "calls" in self.protocols and self.ports is None:
            raise RuleError(f"set {self.name!r}: 'calls' needs ports")

    def is_there(self) -> bool:
        """Whether all its files are."""
        source = Path(self.path)
        found = any(source.parent.glob(source.name))
        return found and (self.ports is None or Path(self.ports).exists())


def read_real_sets(path: str | Path) -> list[RealSet]:
    """Read a list of sets from TOML: tables `[[set]]` with the fields of `RealSet`.

    Parameters
    ----------
    path : path
        Paths in it are relative to it.

    Returns
    -------
    list of RealSet

    Raises
    ------
    ReadError
        The file cannot be read.
    RuleError
        Not TOML, or fields that a set does not have.
    """
    source = Path(path)
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{source}: cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{source}: not TOML ({error})") from error
    refuse_unknown("real sets", data, ["set"])
    return [_real_set(row, source.parent) for row in data.get("set", [])]


def named_sets(pairs: Sequence[str], *, ports: str | None = None) -> list[RealSet]:
    """Make sets of words `NAME=PATH`.

    Parameters
    ----------
    pairs : sequence of str
    ports : str, optional
        File of ports for all of them: calls in the open are hidden too.

    Returns
    -------
    list of RealSet

    Raises
    ------
    RuleError
        A word without a name or without a path.
    """
    protocols = ("silences",) if ports is None else ("silences", "calls")
    out = []
    for pair in pairs:
        name, _, path = pair.partition("=")
        if not name or not path:
            raise RuleError(f"real = {pair!r}: expected NAME=PATH")
        out.append(RealSet(name=name, path=path, ports=ports, protocols=protocols))
    return out


def read_set(real: RealSet) -> pd.DataFrame:
    """Read the fixes of a set as they are, not cleaned.

    Parameters
    ----------
    real : RealSet

    Returns
    -------
    FIXES table
    """
    return read_fixes(real.path, dialect=real.dialect, synthetic_ids=real.synthetic_ids)


def _real_set(row: dict[str, Any], folder: Path) -> RealSet:
    refuse_unknown("set", row, [item.name for item in fields(RealSet)])
    missing = {"name", "path"} - set(row)
    if missing:
        raise RuleError(f"set: {', '.join(sorted(missing))} missing")
    there = {name: str(folder / row[name]) for name in ("path", "ports") if name in row}
    protocols = tuple(row.get("protocols", ("silences",)))
    return RealSet(**(row | there | {"protocols": protocols}))
