"""Tables as Markdown and JSON, and what they were measured with."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage import __version__
from darkvoyage.errors import ReadError

__all__ = ["markdown", "records", "versions", "with_interval", "write_results"]

_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy", "scikit-learn")


def markdown(table: pd.DataFrame, *, digits: int = 3) -> str:
    """Write a table as Markdown.

    Parameters
    ----------
    table : DataFrame
    digits : int
        Of numbers below 100 that are not whole; from there on thousands are set apart and digits left out.

    Returns
    -------
    str
        Numbers to the right; what is null is left blank.
    """
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    rows = [
        [str(name) for name in table.columns],
        ["---:" if number else "---" for number in numeric],
        *([_cell(value, digits) for value in row] for row in table.astype(object).to_numpy()),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_interval(table: pd.DataFrame) -> pd.Series:
    """Write `value` with `low` and `high` as one text, such as `0.830 (0.791 to 0.865)`.

    Parameters
    ----------
    table : DataFrame
        `value`, `low`, `high`.

    Returns
    -------
    Series of str
        Without brackets where there is no interval, blank where there is no value.
    """
    rows = table[["value", "low", "high"]].to_numpy("float64").tolist()
    texts = [[_cell(number, 3) for number in row] for row in rows]
    return pd.Series(
        [f"{value} ({low} to {high})" if low else value for value, low, high in texts], index=table.index, dtype="str"
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries that JSON can hold; NaN and null become None.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    list of dict
    """
    return json.loads(table.to_json(orient="records", date_format="iso", double_precision=6))


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the libraries whose work is measured."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), "darkvoyage": __version__, **found}


def write_results(folder: str | Path, name: str, *, text: str, data: dict[str, Any]) -> Path:
    """Write `<name>.md` and `<name>.json`.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    name : str
    text : str
        Markdown.
    data : dict
        Anything that JSON can hold.

    Returns
    -------
    Path
        The Markdown file.

    Raises
    ------
    ReadError
        The folder cannot be written to.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.md").write_text(text, encoding="utf-8")
        written = json.dumps(data, ensure_ascii=False, allow_nan=False)
        (target / f"{name}.json").write_text(written + "\n", encoding="utf-8")
    except OSError as error:
        raise ReadError(f"{target}: cannot be written ({error})") from error
    return target / f"{name}.md"


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, (bool, str)):
        return str(value)
    if pd.isna(value):
        return ""
    if isinstance(value, (float, np.floating)):
        whole = float(value).is_integer() or abs(float(value)) >= 100
        return f"{value:,.0f}" if whole else f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)
