"""Images over masked real tracks, rung by rung: how often a sighting finds its silent ship, the simple rules beside it.

    python benchmarks/linking_ladder.py                            # development half, silences of 1.5 h
    python benchmarks/linking_ladder.py --rung 1.5 3 6 12          # the ladder
    python benchmarks/linking_ladder.py --half test --draws 200    # what is reported
    python benchmarks/linking_ladder.py --days --half test         # the other half of the days too
    python benchmarks/linking_ladder.py --overlay 1 3 10           # so many days of traffic laid over one
    python benchmarks/linking_ladder.py --every 24 72 240          # an image every one, three, ten days
    python benchmarks/linking_ladder.py --calls --sets ""          # images of berths while real port calls are hidden

Both halves are whole vessels, dealt by their MMSI, their voyages moved so that an image holds some twenty ships. The
linker and its options are tuned on the development half only. Masked feeds are kept in --cache; delete it when the
hiding or the camera changes. Runs of odd seed are taken by a camera that is 30 % off what it usually is. Intervals are
drawn over vessels, however many voyages of theirs are in the images.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from darkvoyage.bench.calls import hidden_feeds
from darkvoyage.bench.masked import FOLD_H, HALF_SIDE_NM, SCENE_RULES
from darkvoyage.bench.sets import RealSet, read_real_sets, read_set
from darkvoyage.bench.worlds import OURS
from darkvoyage.gaps.hiding import cleaned
from darkvoyage.io.ports import read_ports
from darkvoyage.scoring.evaluation.link_calibration import fit_power
from darkvoyage.scoring.evaluation.links import ALARMS, METRICS, SHIP_METRICS, answers_links, answers_ships
from darkvoyage.scoring.evaluation.masked_berths import photograph_calls
from darkvoyage.scoring.evaluation.masked_scenes import (
    MaskedScenes,
    find_masked_gaps,
    link_masked,
    mask_scenes,
    overlay_runs,
    overlay_starts,
)
from darkvoyage.scoring.evaluation.metrics import evaluate
from darkvoyage.scoring.evaluation.splits import HALVES, split_days, split_halves

MOST_CALLS = 40
FIGURES = {
    "top1_of_ships": "top 1",
    "brier_of_ships": "Brier",
    "log_loss_of_ships": "log loss",
    "precision_of_ships_at_0.5": "P .5",
    "recall_of_ships_at_0.5": "R .5",
    "precision_of_ships_at_0.9": "P .9",
    "recall_of_ships_at_0.9": "R .9",
    "ece_of_pairs": "ECE pairs",
    "ece_of_first": "ECE first",
    "true_over_expected_from_0.9": "true/p >.9",
}
OF_SIGHTINGS = {"top1": "by sighting", "auc_unknown": "AUC nobody", "false_links_of_others": "false links"}


def ladder(sets: list[RealSet], options: argparse.Namespace) -> Iterator[tuple[str, dict[str, MaskedScenes]]]:
    """Masked feeds by set, density, spacing of the images and length of the silence, from the cache if it has them."""
    for real, days, every_h, gap_h in itertools.product(sets, options.overlay, options.every, options.rung):
        density = f"over {options.fold:g} h" if days == 0 else f"{days} days over one"
        title = f"{real.name}, {density}, an image every {every_h:g} h, {gap_h:g} h"
        kept = cache(f"{title} {options.half} {options.days} {options.seeds}", options)
        if not kept.exists():
            fixes = cleaned(read_set(real))
            fixes = fixes[split_halves(fixes) == options.half]
            if options.days:
                fixes = fixes[split_days(fixes) == options.half]
            dense = overlay_starts(fixes, hours=options.fold) if days == 0 else overlay_runs(fixes, days=days)
            masked = {
                str(seed): mask_scenes(dense, gap_h=gap_h, seed=seed, half_side_nm=HALF_SIDE_NM, every_h=every_h)
                for seed in range(options.seeds)
            }
            kept.write_bytes(pickle.dumps(masked))
        found = pickle.loads(kept.read_bytes())
        if any(len(one.ships) for one in found.values()):
            yield title, found
        else:
            print(f"{title}: no ship is heard for so long")


def calls(sets: list[RealSet], options: argparse.Namespace) -> Iterator[tuple[str, dict[str, MaskedScenes]]]:
    """Feeds of all sets with port calls hidden and images of the berths, by how long the silence lasts."""
    found: dict[str, dict[str, MaskedScenes]] = {}
    for real in sets:
        kept = cache(f"{real.name} {options.half} calls {options.rounds}", options)
        if not kept.exists():
            fixes, ports = cleaned(read_set(real)), read_ports(str(real.ports))
            hidden = hidden_feeds(fixes, ports, half=options.half, rounds=options.rounds, number=MOST_CALLS)
            masked = [
                (lead, photograph_calls(feed, fixes, ports, seed=seed)) for seed, (lead, feed) in enumerate(hidden)
            ]
            kept.write_bytes(pickle.dumps(masked))
        for seed, (lead, one) in enumerate(pickle.loads(kept.read_bytes())):
            if len(one.ships):
                found.setdefault(f"calls, {lead}", {})[f"{real.name} {seed}"] = one
    yield from found.items()


def cache(name: str, options: argparse.Namespace) -> Path:
    """File of masked feeds."""
    options.cache.mkdir(parents=True, exist_ok=True)
    return options.cache / f"{name}.pickle".replace(" ", "_")


def methods(options: argparse.Namespace) -> dict[str, Callable[[MaskedScenes, pd.DataFrame], pd.DataFrame]]:
    """Ours, and the rules that it is shown beside."""
    found: dict[str, Callable[[MaskedScenes, pd.DataFrame], pd.DataFrame]] = {OURS: link_masked}
    if not options.ours:
        found |= {name: partial(_by_rule, rule) for name, rule in SCENE_RULES.items()}
    return found


def _by_rule(rule: Callable, masked: MaskedScenes, gaps: pd.DataFrame) -> pd.DataFrame:
    return rule(gaps, masked.sightings, masked.fixes)


def main() -> None:
    """Print the table."""
    root = Path(__file__).parent
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rung", type=float, nargs="+", default=[1.5], help="hours of silence")
    asked.add_argument("--every", type=float, nargs="+", default=[0.0], help="least hours between images")
    asked.add_argument("--overlay", type=int, nargs="+", default=[0], help="days laid over one; 0: voyages, by --fold")
    asked.add_argument("--days", action="store_true", help="every other day only, those of the half")
    asked.add_argument("--half", choices=HALVES, default=HALVES[0])
    asked.add_argument("--sets", default="Kattegat", help="only sets whose name holds this")
    asked.add_argument("--seeds", type=int, default=24, help="times that images are laid over the tracks")
    asked.add_argument("--rounds", type=int, default=2, help="times that each port call is hidden")
    asked.add_argument("--fold", type=float, default=FOLD_H, help="voyages all begin within so many hours")
    asked.add_argument("--calls", action="store_true", help="images of hidden port calls")
    asked.add_argument("--ours", action="store_true", help="without the simple rules")
    asked.add_argument("--draws", type=int, default=0, help="of the bootstrap over images")
    asked.add_argument("--real-sets", type=Path, default=root / "real_sets.toml")
    asked.add_argument("--cache", type=Path, default=Path("/tmp/darkvoyage_ladder"))
    asked.add_argument("--fit", action="store_true", help="the power that calibrates ours")
    asked.add_argument("--save", type=Path, help="answers about ships, as Parquet")
    options = asked.parse_args()
    sets = [
        real
        for real in read_real_sets(options.real_sets)
        if ("calls" if options.calls else "scenes") in real.protocols
        and options.sets.lower() in real.name.lower()
        and real.is_there()
    ]
    rows, kept = [], []
    for title, masked in calls(sets, options) if options.calls else ladder(sets, options):
        for name, method in methods(options).items():
            line, answers = judged(method, masked, options.draws)
            rows.append({"": title, "method": name} | line)
            kept.append(answers.assign(part=title, method=name))
    with pd.option_context("display.width", 300, "display.max_columns", None):
        print(pd.DataFrame(rows).to_string(index=False))
    ours = [answers for answers in kept if (answers["method"] == OURS).any()]
    if options.fit:
        rows = pd.concat(ours)
        power = fit_power(rows.assign(world=rows["part"] + rows["world"].astype("str")))
        print("power that the links should be raised to:", round(power, 3))
    if options.save:
        pd.concat(kept, ignore_index=True).to_parquet(options.save, index=False)


def judged(
    method: Callable[[MaskedScenes, pd.DataFrame], pd.DataFrame], masked: dict[str, MaskedScenes], draws: int
) -> tuple[dict[str, object], pd.DataFrame]:
    """One row of the table, and the answers about ships."""
    ships, sightings, cut, spent = [], [], 0.0, 0.0
    for seed, one in masked.items():
        gaps = find_masked_gaps(one)
        began = time.process_time()
        links = method(one, gaps)
        spent += time.process_time() - began
        cut += links["p_cut"].sum() if "p_cut" in links else 0.0
        known = {"gaps": gaps, "sightings": one.sightings}
        ships.append(with_hulls(answers_ships(links, **known, ships=one.ships), one).assign(world=seed))
        found = answers_links(links, **known, truth_sightings=one.truth_sightings)
        sightings.append(with_hulls(found, one).assign(world=seed))
    answers = pd.concat(ships, ignore_index=True)
    out: dict[str, object] = {
        "images": sum(len(one.scenes) for one in masked.values()),
        "dark": int(answers["y"].sum()),
        "vessels": answers["hull"].nunique(),
    }
    for of, metrics, figures in (
        (answers, SHIP_METRICS, FIGURES),
        (pd.concat(sightings, ignore_index=True), (*METRICS, *ALARMS), OF_SIGHTINGS),
    ):
        table = evaluate(of, metrics, draws=draws, by=("hull",)).set_index("metric")
        for metric, words in figures.items():
            row = table.loc[metric]
            out[words] = f"{row['value']:.3f}" + (f" ({row['low']:.2f}-{row['high']:.2f})" if draws else "")
    return out | {"cut": round(cut, 3), "CPU s": round(spent, 1)}, answers


def with_hulls(answers: pd.DataFrame, masked: MaskedScenes) -> pd.DataFrame:
    """Answers with the vessel whose track it is; ships that nobody knows stand for themselves."""
    hulls = masked.fixes.drop_duplicates("mmsi").set_index("mmsi")
    number = hulls["hull"] if "hull" in hulls else pd.Series(hulls.index, index=hulls.index)
    known = answers["mmsi"].map(dict(number.items()))
    return answers.assign(hull=known.astype("str").where(known.notna(), answers["sighting_id"].astype("str")))


if __name__ == "__main__":
    main()
