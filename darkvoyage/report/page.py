"""The report: tables into one self-contained HTML page that needs no network.

It reads tables and computes no evidence. Every figure on it is a cell of a table and names it; the same tables give the
same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from darkvoyage.errors import ReadError
from darkvoyage.report.cards import make_cards
from darkvoyage.report.cells import Row, neutralise, rows_of
from darkvoyage.report.dossier import (
    CARDS,
    LISTED,
    case_table,
    complete_tables,
    cumulative_barrels,
    headline_period,
    summarise,
)  # fmt: skip
from darkvoyage.report.figures import ledger_figure
from darkvoyage.report.maps import case_view, map_figure, needs_overview
from darkvoyage.sea.coast import data_folder

__all__ = ["render_report", "write_report"]

_TITLE = "Suspected undeclared port calls"
_READINGS = {
    "transit": "Sailed straight on",
    "wait": "Waited, drifted or steamed slowly",
    "port": "Called at",
    "sts": "Stayed in the meeting area",
    "unknown": "Something not modelled",
}


def write_report(
    path: str | Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    config_toml: str,
    title: str = _TITLE,
    notes: Sequence[str] = (),
) -> Path:
    """Write the report of an investigation as one HTML file.

    Parameters
    ----------
    path : path
        File to write.
    tables : mapping of lower-case table name to DataFrame
        What the chain made; what is missing gives a section that says so. `cases` and `summary` are derived where they
        are not given.
    config_toml : str
        The options, printed as they are.
    title : str
    notes : sequence of str
        Sentences for a banner above everything else, such as that all ships are fictional.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ReadError
        The file cannot be written.
    SchemaError
        A table is not what it should be.
    """
    target = Path(path)
    text = render_report(tables, config_toml=config_toml, title=title, notes=notes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise ReadError(f"{target}: cannot be written ({error})") from error
    return target


def render_report(
    tables: Mapping[str, pd.DataFrame], *, config_toml: str, title: str = _TITLE, notes: Sequence[str] = ()
) -> str:
    """Return the page that `write_report` writes.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame
    config_toml : str
    title : str
    notes : sequence of str

    Returns
    -------
    str

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    whole = complete_tables(tables)
    if "cases" not in whole:
        whole["cases"] = case_table(whole)
    if "summary" not in whole:
        whole["summary"] = summarise(whole)
    script, style = _part("script.js.j2"), _part("style.css.j2")
    return str(
        _environment()
        .get_template("report.html.j2")
        .render(
            title=_visible(title),
            notes=[_visible(note) for note in notes],
            config_toml=_visible(config_toml),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
            style=Markup(style),
            cards=make_cards(whole, most=CARDS),
            readings=_READINGS,
            **_rows(whole),
            **_figures(whole),
        )
    )


def _rows(whole: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Rows of the tables as the templates name them."""
    summary = {str(row.values["item"]): row for row in rows_of("summary", whole["summary"])}
    return {
        "summary": _Summary(summary),
        "others": [row for item, row in summary.items() if item.startswith("other_gaps/")],
        "cases": rows_of("cases", whole["cases"].head(LISTED)),
        "carded": min(len(whole["cases"]), CARDS),
        "ledger": rows_of("ledger", _worth_showing(whole["ledger"])),
        "more_ledger": len(_worth_showing(whole["ledger"])) < len(whole["ledger"]),
        "headline": next(iter(rows_of("ledger", headline_period(whole["ledger"]))), None),
        "port_names": {row.values["port_id"]: row for row in rows_of("ports", whole["ports"])},
        "screening": rows_of("screening", whole["screening"].head(LISTED)),
        "more_screening": len(whole["screening"]) > LISTED,
        "sources": rows_of("sources", whole["sources"]),
        "comparison": rows_of("comparison", whole["comparison"]),
    }


def _worth_showing(ledger: pd.DataFrame) -> pd.DataFrame:
    """Totals first, then the ports with a call seen or a median above nothing, most barrels first."""
    total = ledger["port_id"].isna()
    filled = total | ledger["calls_seen"].gt(0) | ledger["barrels_p50"].gt(0)
    order = ledger.assign(port=~total, less=-ledger["barrels_p50"])[filled]
    rows = order.sort_values(["period_start", "port", "less", "port_id"], kind="stable").index
    return ledger.loc[rows]


class _Summary:
    """Rows of SUMMARY by item; an item that is absent shows as not known."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = rows

    def __call__(self, item: str, style: str | None = None, column: str = "value") -> Markup:
        """The cell as HTML."""
        return self._rows.get(item, Row("summary", {"item": item})).show(column, style or "0")

    def number(self, item: str) -> float:
        """The value itself, 0 where it is not known."""
        row = self._rows.get(item)
        return float(row.raw("value") or 0.0) if row else 0.0

    def has(self, item: str, column: str = "value") -> bool:
        """Whether there is a value."""
        row = self._rows.get(item)
        return row is not None and row.has(column)


def _figures(whole: Mapping[str, pd.DataFrame]) -> dict[str, Markup | bool | None]:
    view, running = case_view(whole["cases"]), cumulative_barrels(whole)
    overview = view is not None and needs_overview(whole["cases"], view)
    drawn = {
        "map_svg": None if view is None else map_figure(whole, view),
        "world_svg": map_figure(whole) if overview else None,
        "ledger_svg": ledger_figure(running, headline_period(whole["ledger"])) if len(running) else None,
    }
    figures = {name: None if text is None else Markup(text) for name, text in drawn.items()}
    return {**figures, "coast_known": data_folder() is not None}


def _visible(text: str) -> str:
    """The text with hidden characters spelled out; line breaks stay."""
    return "\n".join(neutralise(line) for line in text.replace("\t", "    ").splitlines())


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("darkvoyage.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def _part(name: str) -> str:
    """A file of the page that holds no text of the tables."""
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
