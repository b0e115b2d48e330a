"""The demo's chain on further seeds, and on waters where nobody calls in the dark: what was found beside the truth.

Run `python benchmarks/demo_seeds.py [--seeds 20]`; it prints Markdown. The generator was frozen before the detector was
tuned, the detector reads none of its parameters, and none of these seeds was used for tuning.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from darkvoyage.demo import investigate_campaign, match_calls

FIRST_SEED = 1001
ASSERTED = 0.5


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
    }  # fmt: skip


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
    recall, precision = rows["found"].sum() / rows["calls"].sum(), rows["found"].sum() / rows["asserted"].sum()
    inside = rows["bbl true"].between(rows["bbl p10"], rows["bbl p90"])
    print(
        f"\nAll seeds: recall {recall:.3f}, precision {precision:.3f} (gaps asserted at {ASSERTED}), right port "
        f"{rows['right port'].sum() / rows['found'].sum():.3f} of the calls found, truth inside the 80 % interval of "
        f"barrels in {inside.sum()} of {number}."
    )
    quiet = pd.DataFrame([one(FIRST_SEED + i, dark_calls=False) for i in range(min(number, 3))])
    print("\n## Nobody calls in the dark\n")
    print(markdown(quiet))
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB.")


if __name__ == "__main__":
    main()
