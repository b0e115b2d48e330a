"""Drawings as SVG text that is the same on every run, and the running volume."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["INK", "QUIET", "WARM", "drawing", "ledger_figure", "svg_text"]

INK, QUIET = "#1d2a33", "#7b858c"
WARM = ("#f6c56b", "#ee9b3a", "#d9651f", "#a63a0b", "#661a00")
"""Light to dark in one hue: read alike with every kind of colour vision."""

_CAP = "#b2182b"
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "darkvoyage",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "path.simplify": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,
}


@contextmanager
def drawing() -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes under fixed settings, without pyplot's global state.

    Yields
    ------
    figure, axes : matplotlib Figure and Axes
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        # The browser has the letters that the measuring font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(facecolor="white")
        FigureCanvasSVG(figure)
        yield figure, figure.add_axes((0.1, 0.1, 0.8, 0.8))


def svg_text(figure: Any, name: str) -> str:
    """Return a figure as an SVG element.

    Parameters
    ----------
    figure : matplotlib Figure
    name : str
        Put before every id, so that several drawings can share a page.

    Returns
    -------
    str
        Coordinates to a hundredth of a point; no date, no metadata, no size of its own.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: _tidy(tag.group(), name), text)
    head = text[: text.index(">") + 1]
    plain = re.sub(r' (width|height|xmlns|version)="[^"]*"', "", head)
    return text.replace(head, plain.replace("<svg", '<svg aria-hidden="true" class="figure"', 1), 1).strip()


def _tidy(tag: str, name: str) -> str:
    tag = re.sub(r"(\.\d\d)\d+", r"\1", tag)
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", tag)


def ledger_figure(running: pd.DataFrame, ledger: pd.DataFrame) -> str:
    """Draw the running volume with its band, the ledger's interval and the cap.

    Parameters
    ----------
    running : DataFrame
        As of `cumulative_barrels`.
    ledger : DataFrame
        The one LEDGER row of the headline, or none.

    Returns
    -------
    str
        An SVG element.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter

    if len(ledger):
        period = ledger.iloc[0]
        inside = (running["call_time"] >= period["period_start"]) & (running["call_time"] < period["period_end"])
        before = running[running["call_time"] < period["period_start"]]
        names = ["barrels_p10", "barrels_p50", "barrels_p90"]
        base = before[names].iloc[-1] if len(before) else 0.0
        running = running[inside].assign(**(running.loc[inside, names] - base))
    with drawing() as (figure, axes):
        figure.set_size_inches(10.1, 4.2)
        axes.set_position((0.1, 0.12, 0.88, 0.74))
        times = running["call_time"].dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        low, middle, high = (running[f"barrels_{q}"].to_numpy() for q in ("p10", "p50", "p90"))
        axes.fill_between(
            times, low, high, step="post", color="#f3c98b", alpha=0.7, linewidth=0, label="band of the sums"
        )
        axes.step(times, middle, where="post", color=WARM[3], linewidth=1.8, label="expected barrels, call after call")
        if len(ledger):
            _interval(axes, ledger.iloc[0], times)
        locator = AutoDateLocator(minticks=4, maxticks=10)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
        axes.set_ylim(bottom=0)
        axes.set_ylabel("barrels")
        axes.grid(axis="y", color="#e3e6e8", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=4, frameon=False, fontsize=9)
        return svg_text(figure, "ledger")


def _interval(axes: Any, row: pd.Series, times: np.ndarray) -> None:
    """The ledger's P10 to P90 beside the last call, and the cap."""
    axes.axhline(row["cap_bbl"], color=_CAP, linewidth=1.5, linestyle=(0, (6, 3)), label="cap of the period")
    if len(times) == 0 or pd.isna(row["barrels_p50"]):
        return
    at = times[-1] + max((times[-1] - times[0]) * 0.02, np.timedelta64(6, "h"))
    spread = [[row["barrels_p50"] - row["barrels_p10"]], [row["barrels_p90"] - row["barrels_p50"]]]
    axes.errorbar(
        [at], [row["barrels_p50"]], yerr=spread, fmt="o", color=INK, capsize=4, markersize=5,
        label="ledger: total with interval",
    )  # fmt: skip
