"""The demo's chain on further seeds, and on waters where nobody calls in the dark: what was found beside the truth.

Run `python benchmarks/demo_seeds.py [--seeds 20]`; it prints Markdown. The detector reads no parameter of the
generator, and none of these seeds was used to tune either.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from darkvoyage.demo import investigate_campaign, match_calls
from darkvoyage.schema.ais import is_tanker

FIRST_SEED = 1001
ASSERTED = 0.5


BASELINE_H = 24.0


def baseline(found, truth):
    """The simple rule: every closed tanker gap longer than a day with a sensitive port in reach, at the nearest one."""
    calls = found.port_calls[found.port_calls["sensitive"].fillna(False) & (found.port_calls["slack_h"] > 0)]
    nearest = calls.sort_values("sea_distance_nm", kind="stable").drop_duplicates("gap_id")
    long = found.gaps[found.gaps["is_closed"] & (found.gaps["duration_h"] > BASELINE_H)]
    long = long[is_tanker(long["ship_type"].to_numpy("float64", na_value=np.nan))]
    rows = nearest[nearest["gap_id"].isin(long["gap_id"])][["gap_id", "port_id"]].assign(p_transfer=1.0)
    matched = match_calls(rows, found.gaps, truth)
    right = matched[matched["call"] >= 0]
    port = right["port_id"].to_numpy() == truth["port"].reindex(right["call"]).to_numpy()
    return {"rule asserted": len(matched), "rule found": right["call"].nunique(), "rule right port": int(port.sum())}


def interval(top, bottom):
    """Ratio of sums over the seeds with its 95 % bootstrap interval (seeds drawn with replacement)."""
    draw = np.random.default_rng(1).integers(0, len(top), size=(2000, len(top)))
    low, high = np.quantile(top[draw].sum(axis=1) / bottom[draw].sum(axis=1), [0.025, 0.975])
    return f"{top.sum() / bottom.sum():.3f} ({low:.3f}-{high:.3f})"


def one(seed, dark_calls=True):
    """Figures of one campaign."""
    began = time.process_time()
    found, world = investigate_campaign(seed, dark_calls=dark_calls)
    calls = world.truth[world.truth["kind"] == "dark_call"]
    matched = match_calls(found.transfers, found.gaps, world.truth)
    asserted = matched[matched["p_transfer"] >= ASSERTED]
    right = asserted[asserted["call"] >= 0]
    port = right["port_id"].to_numpy() == world.truth["port"].reindex(right["call"]).to_numpy()
    covered = matched.loc[matched["call"] >= 0, "call"].nunique()
    total = found.ledger[found.ledger["port_id"].isna()]
    low, mid, high = (total[f"barrels_{q}"].sum() for q in ("p10", "p50", "p90"))
    truth = calls["barrels"].sum()
    brier = np.mean((matched["p_transfer"] - (matched["call"] >= 0)) ** 2)
    return {
        "seed": seed, "calls": len(calls), "inside a gap": covered, "found": right["call"].nunique(),
        "asserted": len(asserted), "right port": int(port.sum()), "expected calls": matched["p_transfer"].sum(),
        "gaps": len(found.gaps), "Brier": brier, "bbl p10": low, "bbl p50": mid, "bbl p90": high, "bbl true": truth,
        "p over cap": total["p_exceeds_cap"].max() if len(total) else 0.0, "cpu s": time.process_time() - began,
    } | baseline(found, world.truth)  # fmt: skip


def markdown(table):
    """A table as Markdown."""
    rows = [table.columns, ["---"] * table.shape[1], *table.round(3).astype(str).to_numpy()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    number = parser.parse_args().seeds
    rows = pd.DataFrame([one(FIRST_SEED + i) for i in range(number)])
    assert rows["gaps"].min() > 0
    print(f"## {number} further seeds\n")
    print(markdown(rows))
    sums = {name: rows[name].to_numpy() for name in rows}
    inside = rows["bbl true"].between(rows["bbl p10"], rows["bbl p90"])
    print("\n| all seeds (95 % interval) | recall | precision | right port of those found |\n| --- | --- | --- | --- |")
    for name, prefix in ((f"the chain, at {ASSERTED}", ""), (f"tanker gaps over {BASELINE_H:.0f} h", "rule ")):
        found, asserted = sums[f"{prefix}found"], sums[f"{prefix}asserted"]
        ratios = (
            interval(found, sums["calls"]),
            interval(found, asserted),
            interval(sums[f"{prefix}right port"], found),
        )
        print(f"| {name} | {' | '.join(ratios)} |")
    print(f"\nTruth inside the 80 % interval of barrels in {inside.sum()} of {number}.")
    quiet = pd.DataFrame([one(FIRST_SEED + i, dark_calls=False) for i in range(min(number, 3))])
    print("\n## Nobody calls in the dark\n")
    print(markdown(quiet))
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB.")


if __name__ == "__main__":
    main()
