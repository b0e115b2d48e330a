"""The demo: a fictional campaign through the whole chain, and what was inferred beside what was true."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.chain import Investigation, Progress, investigate
from darkvoyage.simulation.campaign import DEFAULT_SEED, FICTION_NOTE, Campaign, campaign

__all__ = ["compare", "investigate_campaign", "match_calls", "run_demo"]

_ASSERTED = 0.5


def run_demo(*, seed: int | None = None, dark_calls: bool = True, progress: Progress | None = None) -> Investigation:
    """Generate a fictional campaign, investigate it, and compare with its truth.

    Parameters
    ----------
    seed : int, optional
        Which campaign; None: the one that the documentation shows.
    dark_calls : bool
        False: the same waters without any hidden call.
    progress : callable, optional
        See `investigate`.

    Returns
    -------
    Investigation
        With `notes` that say that it is fiction, and `comparison`.
    """
    found, _ = investigate_campaign(DEFAULT_SEED if seed is None else seed, dark_calls=dark_calls, progress=progress)
    return found


def investigate_campaign(
    seed: int, *, dark_calls: bool = True, progress: Progress | None = None
) -> tuple[Investigation, Campaign]:
    """Run the chain on a campaign, and return the campaign with its truth beside what was found."""
    world = campaign(seed=seed, dark_calls=dark_calls)
    found = investigate(
        world.fixes,
        ports=world.ports,
        sightings=world.sightings,
        scenes=world.scenes,
        vessels=world.vessels,
        watchlist=world.watchlist,
        progress=progress,
    )
    return dataclasses.replace(found, notes=(FICTION_NOTE,), comparison=compare(found, world)), world


def match_calls(transfers: pd.DataFrame, gaps: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Pair every gap with a suspected transfer with the true hidden call that it covers.

    Parameters
    ----------
    transfers : TRANSFERS table
    gaps : GAPS table
    truth : DataFrame
        `mmsi`, `off_time`, `on_time`, `kind`, `port`, `arrive`, `depart`.

    Returns
    -------
    DataFrame
        One row per gap: `gap_id`, `mmsi`, `p_transfer` (over all its ports), `port_id` (the likeliest), `call` (index
        of the true call that lies inside the gap, -1: none).
    """
    best = transfers.sort_values("p_transfer", ascending=False, kind="stable").drop_duplicates("gap_id")
    table = gaps[["gap_id", "mmsi", "gap_start", "gap_end"]].merge(
        transfers.groupby("gap_id")["p_transfer"].sum().reset_index(), on="gap_id"
    )
    table = table.merge(best[["gap_id", "port_id"]], on="gap_id")
    calls = truth[truth["kind"] == "dark_call"].rename_axis("call").reset_index()
    pairs = table.merge(calls[["call", "mmsi", "arrive", "depart"]], on="mmsi")
    last = pairs["gap_end"].fillna(pairs["depart"])
    inside = pairs[(pairs["gap_start"] <= pairs["arrive"]) & (pairs["depart"] <= last)]
    call = inside.drop_duplicates("gap_id").set_index("gap_id")["call"]
    return table.assign(call=table["gap_id"].map(call).fillna(-1).astype("int64"))


def compare(found: Investigation, world: Campaign) -> pd.DataFrame:
    """Put what was inferred beside what was true.

    Parameters
    ----------
    found : Investigation
    world : Campaign

    Returns
    -------
    DataFrame
        `item`, `inferred`, `true` (float), `note`.
    """
    calls = world.truth[world.truth["kind"] == "dark_call"]
    matched = match_calls(found.transfers, found.gaps, world.truth)
    asserted = matched[matched["p_transfer"] >= _ASSERTED]
    right = asserted[asserted["call"] >= 0]
    port = right["port_id"].to_numpy() == world.truth["port"].reindex(right["call"]).to_numpy()
    total = found.ledger[found.ledger["port_id"].isna()]
    rows: list[tuple[str, Any, Any, str]] = [
        ("hidden calls found", right["call"].nunique(), len(calls), "gaps with a probability of at least one half"),
        ("gaps asserted", len(asserted), right["call"].nunique(), "inferred: asserted; true: of these, real calls"),
        ("expected number of calls", matched["p_transfer"].sum(), len(calls), "sum of all probabilities"),
        ("right port among the calls found", int(port.sum()), len(port), "inferred: right; true: all found"),
        ("barrels, one in ten chance of less", total["barrels_p10"].sum(), np.nan, ""),
        ("barrels, median", total["barrels_p50"].sum(), calls["barrels"].sum(), "true: what was loaded"),
        ("barrels, one in ten chance of more", total["barrels_p90"].sum(), np.nan, ""),
    ]
    seen = _sightings_linked(found, world)
    rows.append(("sightings of hidden callers linked to the right gap", *seen, "probability at least one half"))
    table = pd.DataFrame(rows, columns=["item", "inferred", "true", "note"])
    return table.astype({"inferred": "float64", "true": "float64", "item": "str", "note": "str"})


def _sightings_linked(found: Investigation, world: Campaign) -> tuple[int, int]:
    """Sightings of a dark ship during its call: linked to its gap, and all."""
    if found.links is None:
        return 0, 0
    seen = world.truth_sightings.merge(world.sightings[["sighting_id", "timestamp"]], on="sighting_id")
    calls = world.truth.loc[world.truth["kind"] == "dark_call", ["mmsi", "arrive", "depart"]]
    hidden = seen.dropna(subset="mmsi").merge(calls, on="mmsi")
    hidden = hidden[hidden["timestamp"].between(hidden["arrive"], hidden["depart"])]
    links = found.links.dropna(subset=["sighting_id", "gap_id"]).merge(found.gaps[["gap_id", "mmsi"]], on="gap_id")
    best = links[links["p_link"] >= _ASSERTED].merge(hidden[["sighting_id", "mmsi"]], on=["sighting_id", "mmsi"])
    return len(best), len(hidden)
