"""How often is it right: every link of the chain against the truth, in the same three steps.

`answers_<link>` joins what was found with what is true, one row per thing judged; the metrics of a link are plain
functions of these rows; `evaluate` puts values, intervals and scores into one table.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Metric": "metrics",
    "evaluate": "metrics",
    "reliability_table": "metrics",
    "label_gaps": "events",
    "true_calls": "events",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Names load their module on first use, as those of the package itself.
    if name not in _HOME:
        raise AttributeError(f"module 'darkvoyage.scoring.evaluation' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"darkvoyage.scoring.evaluation.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
