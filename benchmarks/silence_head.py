"""What the learned head adds to the law of silence, on a real feed with stretches hidden and in simulated worlds.

Run `python benchmarks/silence_head.py FEED... [--synthetic-ids] [--worlds 4]`. Every vessel is judged by trees that
were not grown on it, and by reception that was learned without it. Means and standard deviations over mask seeds:

- "well heard": masks lie in well-heard track, as in the published protocol; every natural gap beside another is then
  natural for sure, and a head could learn that alone.
- "also beside gaps": masks may begin and end at the lone fixes between natural gaps, too. The head learns from these.
- "later days": the head has learned from the days before only; of the days after all silences are judged.

Beside each calibration error stands the one that perfectly calibrated answers of the same size would show.
In the worlds (development seeds) nothing is hidden by us: the truth says which gaps were switch-offs.
"""

import argparse

import numpy as np
import pandas as pd

from darkvoyage.bench.seeds import DEV_SEEDS
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.head_fit import fit_silence_head
from darkvoyage.gaps.hiding import cleaned
from darkvoyage.gaps.masking import mask_silences
from darkvoyage.gaps.reception import fit_reception
from darkvoyage.gaps.silence import score_silence
from darkvoyage.io.fixes import read_fixes
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.scoring.evaluation.judging import judge_masks
from darkvoyage.scoring.evaluation.metrics import calibration_error, evaluate
from darkvoyage.scoring.evaluation.silences import ALARMS, METRICS, answers_silences, vessel_days
from darkvoyage.scoring.evaluation.validation import JUDGES
from darkvoyage.simulation.world import simulate

MIN_GAP_H = 2.0
SHOWN = ("auc", "auc_same_duration", "average_precision", "brier", "ece", "recall_at_5_percent_false",
         "recall_at_1_percent_false")  # fmt: skip
WORLDS = {"campaign": "physical", "strait": "physical", "ocean": "physical", "honest": "physical", "pasted": "pasted"}
DRAWS_OF_CHANCE = 200


def calibration_floor(p, rng):
    """Expected calibration error of answers p if each were true with just that probability."""
    drawn = rng.random((DRAWS_OF_CHANCE, len(p))) < p
    return float(np.mean([calibration_error(p, truth) for truth in drawn]))


def judged(fixes, head, seed, protocol, *, beside_gaps=False, since=None):
    masked = mask_silences(fixes, protocol=protocol, min_gap_h=MIN_GAP_H, seed=seed, beside_gaps=beside_gaps)
    answers = judge_masks(masked, min_gap_h=MIN_GAP_H, seed=seed, head=head)
    return answers if since is None else answers[answers["time"] >= since].reset_index(drop=True)


def scores(answers, seed):
    rows = []
    for judge, column in JUDGES.items():
        p, rng = answers[column].to_numpy(), np.random.default_rng(seed)
        table = evaluate(answers.assign(p=p), METRICS).set_index("metric")["value"].reindex(list(SHOWN))
        rows.append({"judge": judge, "n": len(answers)} | table.to_dict() | {"ece floor": calibration_floor(p, rng)})
    return pd.DataFrame(rows)


def on_real(fixes, seeds):
    rule, days = ReceptionRule(min_gap_h=MIN_GAP_H), fixes["timestamp"].dt.floor("D")
    cut = days.min() + (days.max() - days.min()) * 0.6
    early = fixes[fixes["timestamp"] < cut]
    parts = []
    for seed in seeds:
        head = fit_silence_head(fixes, fit_reception(fixes, rule=rule), seed=seed)
        before = fit_silence_head(early, fit_reception(early, rule=rule), seed=seed)
        for protocol in ("cell", "vessel"):
            tables = {
                "well heard": judged(fixes, head, seed, protocol),
                "also beside gaps": judged(fixes, head, seed, protocol, beside_gaps=True),
                f"later days, from {cut:%d %b %H:%M}": judged(fixes, before, seed, protocol, since=cut),
            }
            parts += [
                scores(table, seed).assign(protocol=protocol, masks=masks, seed=seed) for masks, table in tables.items()
            ]
    return pd.concat(parts, ignore_index=True)


def on_worlds(preset, reception, seeds, vessels, days):
    answers = {"law": [], "head": []}
    for seed in seeds:
        world = simulate(seed=seed, vessels=vessels, days=days, preset=preset, reception=reception)
        fixes = cleaned(world.fixes)
        model, gaps = fit_reception(fixes), find_gaps(fixes)
        head = fit_silence_head(fixes, model, seed=seed, draws=3)
        for name, one in (("law", None), ("head", head)):
            said = score_silence(gaps, model, head=one)
            of = {"gaps": gaps, "truth": world.truth, "days": vessel_days(fixes)}
            answers[name].append(answers_silences(said, **of).assign(world=seed))
    rows = []
    for name, parts in answers.items():
        table = pd.concat(parts, ignore_index=True)
        values = evaluate(table, METRICS + ALARMS, draws=100).set_index("metric")
        rows.append({"method": name, "gaps": len(table), "off": int(table["y"].sum())} | values["value"].to_dict())
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("feed", nargs="+", help="AIS files of one feed")
    parser.add_argument("--synthetic-ids", action="store_true")
    parser.add_argument("--seeds", type=int, default=4, help="mask seeds")
    parser.add_argument("--worlds", type=int, default=0, help="simulated worlds of each kind")
    parser.add_argument("--vessels", type=int, default=60)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    fixes = cleaned(read_fixes(options.feed, synthetic_ids=options.synthetic_ids, progress=False))
    table = on_real(fixes, range(options.seeds)).drop(columns="seed")
    spread = table.groupby(["masks", "protocol", "judge"], sort=False).agg(["mean", "std"])
    text = {
        name: spread[name]["mean"].map("{:.3f}".format) + " ±" + spread[name]["std"].map("{:.3f}".format)
        for name in (*SHOWN, "ece floor")
    }
    print(pd.DataFrame({"n": spread["n"]["mean"].round()} | text).to_string())
    for name, reception in WORLDS.items() if options.worlds else ():
        preset = "campaign" if name == "pasted" else name
        rows = on_worlds(preset, reception, DEV_SEEDS[: options.worlds], options.vessels, options.days)
        print(f"\n{name}, {options.worlds} worlds of {options.vessels} vessels and {options.days} days")
        print(rows.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
