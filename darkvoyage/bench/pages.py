"""The accuracy run as a page, as data, and as reliability plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from darkvoyage.bench.accuracy import Accuracy
from darkvoyage.bench.masked import CALLS
from darkvoyage.bench.tables import markdown, records, versions, with_interval, write_results
from darkvoyage.bench.worlds import OURS, RELIABLE, TOLD_ALL, TOLD_WORD
from darkvoyage.errors import ReadError

__all__ = ["HEART", "headline", "heart", "write_accuracy"]

HEART = (
    ("gaps", "f1", "gaps found (F1)"),
    ("silences", "auc_same_duration", "off or unheard, gaps of one duration (AUC)"),
    ("port_calls", "auc", "call or no call in the gap (AUC)"),
    ("port_calls", "right_port_top1", "right port, of gaps with a call"),
    ("open_calls", "auc", "open calls, hidden: call or no call (AUC)"),
    ("open_calls", "right_port_top1_of_5", "open calls, hidden: right port of five or more"),
    ("meetings", "average_precision", "meetings in the dark (average precision)"),
    ("meetings", "right_partner_top1", "right partner, of gaps with a meeting"),
    ("links", "top1", "right gap, of sightings of dark ships"),
    ("transfers", "average_precision", "hidden calls (average precision)"),
    ("transfers", "precision_at_50", "hidden calls among the first 50"),
    ("transfers", "right_port_of_found", "right port, of hidden calls found"),
)
"""The figures of the first table: link, metric, and what it is in words."""

_INTRODUCTION = """# Accuracy

`darkvoyage bench accuracy` printed every figure here. Simulated worlds are test seeds that no part of the detector was
tuned on, and the detector reads no parameter of the simulator; real tracks have something hidden by us, so that the
truth is known. In brackets: 95 % intervals, bootstrapped over vessels (links: over scenes). Simulations say how the
method works where its world is; they are not field performance."""

_ORACLE = """`told ...` is the chain told the truth of that link: what the link costs. Where `told all` stays below 1,
the scoring itself is the limit."""

_OPEN = """Port calls made in the open by vessels that nothing was tuned on, hidden in their own tracks, all real sets
together; every call up to three times, under short, usual and long silences. Intervals are over vessels."""

_HIDDEN = """Silences: stretches of well-heard track are taken out, each beside a natural gap of the same duration;
"cell" and "vessel" say what else the two share. Natural gaps may hide real switch-offs, which makes every method look
worse. Calls and scenes: what the ship did in the open is known, and then hidden."""

_BESIDE = """Simulated feeds of as many vessels and days beside this one: distances, the largest of each statistic. They
are printed, not asserted away: where they are large, figures on simulated worlds speak of other feeds than this."""

_RARE = ("average_precision", "precision_at_0.5", "recall_at_0.5", "expected_over_true", "ece")

PLOTTED = ("campaign", "strait", "ocean", "jamming")


def headline(measured: Accuracy) -> str:
    """Write the first table as text lines for a terminal.

    Parameters
    ----------
    measured : Accuracy

    Returns
    -------
    str
    """
    table = heart(measured)
    width = max(map(len, table["figure"]))
    return "\n".join(f"{row[0]:<{width}}  {row[1]}" for row in table.to_numpy().tolist())


def write_accuracy(folder: str | Path, measured: Accuracy) -> Path:
    """Write `accuracy.md`, `accuracy.json` and the reliability plots.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    measured : Accuracy

    Returns
    -------
    Path
        The Markdown file.
    """
    used = versions()
    plots = _plots(Path(folder), measured)
    parts = [
        _INTRODUCTION,
        f"Tier {measured.tier.name}; {len(measured.worlds)} worlds. "
        + "Versions: " + ", ".join(f"{name} {number}" for name, number in used.items()) + ".",
        "## In short",
        markdown(heart(measured)),
        *_real_calls(measured),
        "## Where nobody hides anything",
        markdown(_quiet(measured)),
        "## How rare hiding is",
        markdown(_prevalence(measured)),
        "## Simulated worlds, link by link",
        _ORACLE,
        *_links(measured),
        "## Real tracks with something hidden",
        *_sets(measured),
        "## How probabilities stand to what was true",
        "\n\n".join(f"![{path.stem.replace('_', ' ')}]({path.name})" for path in plots),
        "## Worlds",
        markdown(measured.worlds, digits=1),
    ]  # fmt: skip
    data = {
        "versions": used,
        "tier": measured.tier.name,
        "worlds": records(measured.worlds),
        "scores": records(measured.scores),
        "reliability": {
            judged.group: {link: records(table) for link, table in judged.reliability.items()}
            for judged in measured.groups
        },
        "sets": [
            judged.facts
            | {"scores": records(judged.scores), "trust": list(judged.trust)}
            | {"distances": [] if judged.distances is None else records(judged.distances)}
            for judged in measured.sets
        ],
        "absent": list(measured.absent),
    }
    return write_results(folder, "accuracy", text="\n\n".join(parts) + "\n", data=data)


def heart(measured: Accuracy) -> pd.DataFrame:
    """Put the figures of `HEART` beside the best rule and the ceiling, for the first group of worlds.

    Parameters
    ----------
    measured : Accuracy

    Returns
    -------
    DataFrame
        `figure`, the chain's own value, that of the best method that is told nothing and `which` that is, that of the
        chain told the truth of every link, and the chain's share of this ceiling (of its score).
    """
    scores = measured.scores
    scores = scores[scores["group"] == measured.groups[0].group]
    rows = []
    for link, metric, words in HEART:
        of = scores[(scores["link"] == link) & (scores["metric"] == metric)]
        told = of["method"].str.startswith(TOLD_WORD)
        ours, others = of[of["method"] == OURS], of[~told & (of["method"] != OURS)].sort_values("score")
        best, ceiling = others.tail(1), of[of["method"] == TOLD_ALL]
        rows.append(
            {
                "figure": words,
                OURS: _one(ours),
                "best simple rule": _one(best),
                "which": "".join(best["method"]),
                TOLD_ALL: _one(ceiling),
                "share of that ceiling": ours["score"].iloc[0] / ceiling["score"].iloc[0] if len(ceiling) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _real_calls(measured: Accuracy) -> list[str]:
    """Figures on hidden real port calls, one column a method; nothing where no set has any."""
    found = [judged for judged in measured.sets if judged.name == CALLS]
    if not found:
        return []
    (judged,) = found
    scores = judged.scores[judged.scores["part"] == "calls, all"]
    wide = scores.assign(cell=with_interval(scores)).pivot_table(
        index="metric", columns="method", values="cell", aggfunc="first", sort=False
    )
    silences = scores.drop_duplicates("metric").set_index("metric")["n"].rename("silences")
    table = pd.concat([wide, silences], axis=1).reset_index(names="figure")
    table["figure"] = table["figure"].str.replace("_", " ")
    sizes = f"{judged.facts['calls']} calls of {judged.facts['vessels']} vessels."
    return ["## Real port calls, hidden", f"{_OPEN} {sizes}", markdown(table)]


def _one(scores: pd.DataFrame) -> str:
    return "".join(with_interval(scores))


def _ours(measured: Accuracy, link: str) -> pd.DataFrame:
    """Scores of the chain's own answers to one link, by group and metric."""
    scores = measured.scores
    return scores[(scores["link"] == link) & (scores["method"] == OURS)].set_index(["group", "metric"])


def _quiet(measured: Accuracy) -> pd.DataFrame:
    """What the chain claims in worlds without a single hidden call: each of these figures should be 0."""
    worlds = measured.worlds.groupby("group", sort=False)
    quiet = worlds.filter(lambda rows: rows["hidden calls"].sum() == 0).groupby("group", sort=False)
    heard, claimed, moved = (_ours(measured, link) for link in ("silences", "transfers", "cargo"))
    rows = [
        {
            "group": group,
            "worlds": len(rows),
            "gaps": rows["gaps"].sum(),
            "alerts above 0.8 per 1,000 vessel-days": _one(heard.loc[[(group, "false_alerts_per_1000_vessel_days")]]),
            "gaps asserted, share": _one(claimed.loc[[(group, "asserted_calls_per_quiet_gap")]]),
            "expected calls a world": rows["expected calls"].mean(),
            "barrels a world, median": moved.loc[(group, "barrels_of_a_quiet_world"), "value"],
            "probability of more than the cap": rows["p over cap"].mean(),
        }
        for group, rows in ((str(name), rows) for name, rows in quiet)
    ]
    return pd.DataFrame(rows)


def _prevalence(measured: Accuracy) -> pd.DataFrame:
    """Hidden calls found as the share of hiding vessels falls; the base rate is what guessing gets."""
    claimed = _ours(measured, "transfers")
    worlds = measured.worlds.groupby("group", sort=False)["hidden calls"].sum()
    rows = [
        {
            "group": group,
            "hidden calls": number,
            "base rate": claimed.loc[(group, "average_precision"), "empty"],
            **{name.replace("_", " "): _one(claimed.loc[[(group, name)]]) for name in _RARE},
        }
        for group, number in ((str(name), number) for name, number in worlds.items())
    ]
    return pd.DataFrame(rows).sort_values("base rate", ignore_index=True)


def _links(measured: Accuracy) -> list[str]:
    parts = []
    for link, table in measured.scores.groupby("link", sort=False):
        parts += [f"### {str(link).replace('_', ' ').capitalize()}", markdown(_wide(table, ["group", "method"]))]
    return parts


def _sets(measured: Accuracy) -> list[str]:
    parts = [_HIDDEN] if measured.sets else []
    for judged in measured.sets:
        parts.append(f"### {judged.name}")
        parts += [markdown(_wide(table, ["part", "method"])) for table in _parts(judged.scores)]
        if judged.silence_law is not None:
            parts += ["Silent for this long after a reception:", markdown(judged.silence_law)]
        if judged.trust:
            parts.append("\n".join(f"- {sentence}" for sentence in judged.trust))
        if judged.distances is not None:
            parts += [_BESIDE, markdown(_apart(judged.distances))]
    if measured.sets:
        parts.append(markdown(pd.DataFrame([judged.facts for judged in measured.sets])))
    if measured.absent:
        parts.append("Absent, so not measured: " + ", ".join(measured.absent) + ".")
    return parts or ["None was given."]


def _apart(distances: pd.DataFrame) -> pd.DataFrame:
    """One row per statistic, the distances of each simulated feed in columns."""
    keys = ["statistic", "group", "measure"]
    return distances.groupby([*keys, "reception"], sort=False)["distance"].max().unstack().reset_index()  # noqa: PD010


def _parts(scores: pd.DataFrame) -> list[pd.DataFrame]:
    """Split by what was hidden: `silences`, `calls`, `scenes`."""
    kind = scores["part"].str.partition(",")[0]
    return [rows for _, rows in scores.groupby(kind, sort=False)]


def _wide(scores: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """One row per key, one column per metric."""
    cells = scores.assign(cell=with_interval(scores))
    names = {name: name.replace("_", " ") for name in cells["metric"].unique()}
    wide = cells.set_index([*keys, "metric"])["cell"].unstack().rename(columns=names)  # noqa: PD010
    rows = pd.MultiIndex.from_frame(cells[keys].drop_duplicates())
    return wide.loc[rows, list(names.values())].reset_index().rename_axis(columns=None)


def _plots(folder: Path, measured: Accuracy) -> list[Path]:
    """Draw one plot per link for the worlds of `PLOTTED`, and one per real set."""
    from darkvoyage.report.reliability import reliability_figure

    chosen = [judged for judged in measured.groups if judged.group in PLOTTED]
    drawings: dict[str, tuple[pd.DataFrame, pd.DataFrame | None]] = {
        link: (pd.concat([judged.reliability[link].assign(protocol=judged.group) for judged in chosen]), None)
        for link in RELIABLE
    }
    for judged in measured.sets:
        if judged.reliability is not None:
            drawings[judged.name] = (judged.reliability, judged.strata)
    out = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (reliability, strata) in drawings.items():
            path = folder / f"reliability_{name.lower().replace(' ', '_')}.png"
            reliability_figure(reliability, strata).savefig(path, dpi=110, metadata={"Software": None})
            out.append(path)
    except OSError as error:
        raise ReadError(f"{folder}: cannot be written ({error})") from error
    return out
