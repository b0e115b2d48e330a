"""The demo: a fictional campaign through the whole chain, and what was inferred beside what was true."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.chain import Investigation, Progress, investigate
from darkvoyage.scoring.evaluation.events import label_gaps, true_calls
from darkvoyage.simulation.fleet import FICTION_NOTE
from darkvoyage.simulation.world import World, simulate

__all__ = ["DAYS", "DEFAULT_SEED", "VESSELS", "compare", "investigate_world", "run_demo"]

DEFAULT_SEED = 20240307
"""The campaign that the documentation shows."""
VESSELS, DAYS = 132, 256
"""From 1 March to 11 November 2024, around the published span of 7 March to 5 November."""
_ASSERTED = 0.5


def run_demo(*, seed: int | None = None, dark_calls: bool = True, progress: Progress | None = None) -> Investigation:
    """Make a fictional campaign, investigate it, and compare with its truth.

    Parameters
    ----------
    seed : int, optional
        Which campaign; None: the one that the documentation shows.
    dark_calls : bool
        False: the same waters where nobody hides.
    progress : callable, optional
        See `investigate`.

    Returns
    -------
    Investigation
        With `notes` that say that it is fiction, and `comparison`.
    """
    world = simulate(
        seed=DEFAULT_SEED if seed is None else seed,
        vessels=VESSELS,
        days=DAYS,
        preset="campaign" if dark_calls else "honest",
    )
    found = investigate_world(world, progress=progress)
    return dataclasses.replace(found, notes=(FICTION_NOTE,), comparison=compare(found, world))


def investigate_world(world: World, *, progress: Progress | None = None) -> Investigation:
    """Run the chain on a world: on all of it but its truth."""
    return investigate(
        world.fixes,
        ports=world.ports,
        sightings=world.sightings,
        scenes=world.scenes,
        vessels=world.vessels,
        watchlist=world.watchlist,
        progress=progress,
    )


def compare(found: Investigation, world: World) -> pd.DataFrame:
    """Put what was inferred beside what was true.

    Parameters
    ----------
    found : Investigation
    world : World

    Returns
    -------
    DataFrame
        `item`, `inferred`, `true` (float), `note`.
    """
    calls = true_calls(world.truth)
    gaps = _judged(found, world)
    asserted = gaps[gaps["p_transfer"] >= _ASSERTED]
    right = asserted[asserted["call"]]
    total = found.ledger[found.ledger["port_id"].isna()]
    rows: list[tuple[str, Any, Any, str]] = [
        ("hidden calls found", right["truth_id"].nunique(), len(calls), "gaps with a probability of at least one half"),
        ("gaps asserted", len(asserted), len(right), "inferred: asserted; true: of these, gaps with a real call"),
        ("expected number of calls", gaps["p_transfer"].sum(), len(calls), "sum of all probabilities"),
        (
            "right port among the calls found",
            int((right["best_port"] == right["port_id"]).sum()),
            len(right),
            "inferred: right; true: all found",
        ),
        ("barrels, one in ten chance of less", total["barrels_p10"].sum(), np.nan, ""),
        ("barrels, median", total["barrels_p50"].sum(), calls["barrels"].sum(), "true: what was loaded"),
        ("barrels, one in ten chance of more", total["barrels_p90"].sum(), np.nan, ""),
    ]
    seen = _sightings_linked(found, world)
    rows.append(("sightings of hidden callers linked to the right gap", *seen, "probability at least one half"))
    table = pd.DataFrame(rows, columns=["item", "inferred", "true", "note"])
    return table.astype({"inferred": "float64", "true": "float64", "item": "str", "note": "str"})


def _judged(found: Investigation, world: World) -> pd.DataFrame:
    """One row per gap with a suspected transfer: its likeliest port, its probability over all ports, and its truth."""
    ranked = found.transfers.sort_values("p_transfer", ascending=False, kind="stable")
    port = ranked.drop_duplicates("gap_id").set_index("gap_id")["port_id"].rename("best_port")
    whole = ranked.groupby("gap_id")["p_transfer"].sum()
    labels = label_gaps(found.gaps, world.truth).set_index("gap_id")
    return labels.join([whole, port], how="inner").reset_index()


def _sightings_linked(found: Investigation, world: World) -> tuple[int, int]:
    """Sightings of a hiding ship during its call: linked to its gap, and all."""
    if found.links is None:
        return 0, 0
    seen = world.truth_sightings.merge(world.sightings[["sighting_id", "timestamp"]], on="sighting_id")
    hidden = seen.dropna(subset="mmsi").merge(true_calls(world.truth)[["mmsi", "arrive", "depart"]], on="mmsi")
    hidden = hidden[hidden["timestamp"].between(hidden["arrive"], hidden["depart"])]
    links = found.links.dropna(subset=["sighting_id", "gap_id"]).merge(found.gaps[["gap_id", "mmsi"]], on="gap_id")
    best = links[links["p_link"] >= _ASSERTED].merge(hidden[["sighting_id", "mmsi"]], on=["sighting_id", "mmsi"])
    return len(best), len(hidden)
