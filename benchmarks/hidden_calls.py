"""Hidden real port calls, for comparing variants of the search: one line a set, and all sets together.

    python benchmarks/hidden_calls.py                       # development half, this checkout's find_port_calls
    python benchmarks/hidden_calls.py --rounds 3 --methods  # three times the silences, and the simple rules beside it
    python benchmarks/hidden_calls.py --save answers.parquet

Masked feeds are kept in --cache, because hiding takes longer than finding; delete it when the sets or the hiding
change. Variants are tuned on the development half only; the test half is what is reported.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from darkvoyage.bench.calls import CALL_RULES, LEADS, answers_of_feeds, hidden_feeds
from darkvoyage.bench.sets import RealSet, read_real_sets, read_set
from darkvoyage.bench.worlds import OURS
from darkvoyage.io.ports import read_ports
from darkvoyage.scoring.evaluation.hidden_calls import METRICS, HiddenCalls
from darkvoyage.scoring.evaluation.metrics import evaluate
from darkvoyage.scoring.evaluation.splits import HALVES
from darkvoyage.tracks.cleaning import clean_fixes

FIGURES = {
    "auc": "AUC",
    "auc_beside_under_way": "under way",
    "auc_beside_adrift": "adrift",
    "auc_beside_at_rest": "at rest",
    "right_port_top1_of_5": "top 1",
    "right_port_top3_of_5": "top 3",
    "right_harbour_top1_of_5": "harbour",
    "declared_infeasible": "infeasible",
}


def line(name: str, answers: pd.DataFrame, *, draws: int = 0) -> dict[str, object]:
    """One row of the table: the figures, each with its interval where there are draws, and what they are of."""
    calls = answers[answers["y"]]
    out: dict[str, object] = {
        "": name,
        "calls": calls["truth_id"].nunique(),
        "silences": len(calls),
        "of 5": int(answers["choice"].sum()),
        "vessels": calls["mmsi"].nunique(),
        "quiet": int((~answers["y"]).sum()),
    }
    scores = evaluate(answers, METRICS, draws=draws, by=("mmsi",)).set_index("metric")
    for metric, words in FIGURES.items():
        row = scores.loc[metric]
        out[words] = f"{row['value']:.3f}" + (f" ({row['low']:.2f}-{row['high']:.2f})" if draws else "")
    return out


def main() -> None:
    """Print the table."""
    root = Path(__file__).parent
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--half", choices=HALVES, default=HALVES[0])
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--sets", default="", help="only sets whose name holds this")
    asked.add_argument("--real-sets", type=Path, default=root / "real_sets.toml")
    asked.add_argument("--cache", type=Path, default=None, help="folder of masked feeds")
    asked.add_argument("--methods", action="store_true", help="the simple rules too")
    asked.add_argument("--draws", type=int, default=0, help="of the bootstrap over vessels, for all sets together")
    asked.add_argument("--save", type=Path, help="answers of the search, as Parquet")
    options = asked.parse_args()
    methods = {OURS: None} | (CALL_RULES if options.methods else {})
    found: list[dict[str, pd.DataFrame]] = []
    rows, spent = [], 0.0
    for real in read_real_sets(options.real_sets):
        if "calls" not in real.protocols or options.sets.lower() not in real.name.lower() or not real.is_there():
            continue
        feeds, ports = masked(real, options)
        began = time.process_time()
        answers = {name: rows.assign(set=real.name) for name, rows in answers_of_feeds(feeds, ports, methods).items()}
        spent += time.process_time() - began
        found.append(answers)
        if answers[OURS]["y"].any():
            rows.append(line(real.name, answers[OURS]))
    pooled = {name: pd.concat([answers[name] for answers in found], ignore_index=True) for name in methods}
    rows += [line(f"all sets: {name}", answers, draws=options.draws) for name, answers in pooled.items()]
    for lead, answers in pooled[OURS].groupby("lead"):
        rows.append(line(f"{lead} silences", answers))
    print(pd.DataFrame(rows).to_string(index=False))
    print("declared infeasible by stay:", by_stay(pooled[OURS]), f"  judged in {spent:.1f} CPU s")
    if options.save:
        pooled[OURS].to_parquet(options.save, index=False)


def masked(real: RealSet, options: argparse.Namespace) -> tuple[list[tuple[str, HiddenCalls]], pd.DataFrame]:
    """Masked feeds and ports of a set, from the cache where they are in it."""
    folder = options.cache and options.cache / f"{real.name.replace(' ', '_')}_{options.half}_{options.rounds}"
    if folder and (folder / "ports.parquet").exists():
        tables = [
            [pd.read_parquet(folder / f"{name}_{n}.parquet") for name in ("fixes", "truth")] for n in turns(options)
        ]
        feeds = [
            (lead.name, HiddenCalls(*pair, lead.min_gap_h, 0))
            for lead, pair in zip(LEADS * options.rounds, tables, strict=True)
        ]
        return feeds, pd.read_parquet(folder / "ports.parquet")
    fixes, ports = clean_fixes(read_set(real)), read_ports(str(real.ports))
    feeds = list(hidden_feeds(fixes, ports, half=options.half, rounds=options.rounds))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for n, (_, hidden) in zip(turns(options), feeds, strict=True):
            hidden.fixes.to_parquet(folder / f"fixes_{n}.parquet", index=False)
            hidden.truth.to_parquet(folder / f"truth_{n}.parquet", index=False)
        ports.to_parquet(folder / "ports.parquet", index=False)
    return feeds, ports


def turns(options: argparse.Namespace) -> range:
    """Numbers of the feeds of a set."""
    return range(len(LEADS) * options.rounds)


def by_stay(answers: pd.DataFrame) -> str:
    """Share of the calls declared infeasible, by the length of the stay."""
    names = [name for name in answers if name.startswith("stay_") and answers[name].dtype == bool]
    parts = [(name[5:].replace("_", " "), answers.loc[answers[name], "infeasible"]) for name in names]
    return ", ".join(f"{name} {flags.mean():.3f} of {len(flags)}" for name, flags in parts if len(flags))


if __name__ == "__main__":
    main()
