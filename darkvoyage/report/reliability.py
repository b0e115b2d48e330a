"""How probabilities stand to what was true, and how well they rank by duration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.report.figures import INK, QUIET, WARM, drawing, svg_text

__all__ = ["reliability_figure", "reliability_svg"]

_COLOURS = (INK, WARM[2], "#005a9c", QUIET)
_MARKERS = ("o", "s", "^", "D")
_FEW = 30


def reliability_figure(reliability: pd.DataFrame, strata: pd.DataFrame | None = None) -> Any:
    """Draw the share that was true against the probability, and the area under ROC by duration beside it.

    Parameters
    ----------
    reliability : DataFrame
        `n`, `p_mean`, `y_mean`, `low`, `high`, a row per bin; with a column `protocol`, a curve for each.
    strata : DataFrame, optional
        Of a `SilenceValidation`; None: the first drawing alone.

    Returns
    -------
    matplotlib Figure
        The same on every run.
    """
    with drawing() as (figure, axes):
        _draw(figure, axes, reliability, strata)
    return figure


def reliability_svg(reliability: pd.DataFrame, strata: pd.DataFrame | None = None) -> str:
    """Draw the same as an SVG element.

    Parameters
    ----------
    reliability, strata : DataFrame
        See `reliability_figure`.

    Returns
    -------
    str
    """
    with drawing() as (figure, axes):
        _draw(figure, axes, reliability, strata)
        return svg_text(figure, "reliability")


def _draw(figure: Any, axes: Any, reliability: pd.DataFrame, strata: pd.DataFrame | None) -> None:
    figure.set_size_inches(9.6 if strata is not None else 4.8, 4.4)
    axes.set_position((0.08, 0.13, 0.37, 0.75) if strata is not None else (0.15, 0.13, 0.8, 0.75))
    names = reliability["protocol"] if "protocol" in reliability else pd.Series("", index=reliability.index)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for number, (name, rows) in enumerate(reliability.groupby(names, sort=False)):
        spread = [rows["y_mean"] - rows["low"], rows["high"] - rows["y_mean"]]
        axes.errorbar(
            rows["p_mean"], rows["y_mean"], yerr=np.maximum(spread, 0), capsize=2, markersize=4, linewidth=1.2,
            color=_COLOURS[number % 4], marker=_MARKERS[number % 4], elinewidth=0.8, label=str(name),
        )  # fmt: skip
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="probability given", ylabel="share that was true")
    _tidy(axes)
    if strata is not None:
        beside = figure.add_axes((0.55, 0.13, 0.42, 0.75))
        _by_duration(beside, strata[strata["by"] == "duration"])
        _tidy(beside)


def _by_duration(axes: Any, strata: pd.DataFrame) -> None:
    """One point per stratum and protocol, hollow where cases are few; the number of cases below it."""
    order = list(dict.fromkeys(strata["stratum"]))
    names = list(dict.fromkeys(strata["protocol"]))
    for number, (name, rows) in enumerate(strata.groupby("protocol", sort=False)):
        colour, marker = _COLOURS[number % 4], _MARKERS[number % 4]
        at = np.array([order.index(stratum) for stratum in rows["stratum"]]) + 0.16 * (number - (len(names) - 1) / 2)
        enough = (rows["n"] >= _FEW).to_numpy()
        style = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 6}
        axes.plot(at[enough], rows["auc"][enough], label=str(name), **style)
        axes.plot(at[~enough], rows["auc"][~enough], fillstyle="none", **style)
        for x, n in zip(at, rows["n"], strict=True):
            axes.text(x, 0.015 + 0.045 * (len(names) - 1 - number), f"{n}", ha="center", fontsize=7.5, color=colour)
    axes.axhline(0.5, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(xticks=range(len(order)), xticklabels=order, xlim=(-0.6, len(order) - 0.4), ylim=(0, 1.02))
    axes.set_ylabel("area under ROC (hollow: few cases; below: n)")


def _tidy(axes: Any) -> None:
    axes.grid(color="#e3e6e8", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if any(label for label in axes.get_legend_handles_labels()[1]):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False, fontsize=9)
