"""The oracle: tables of single links filled in from the truth, and the chain scored again with one of them.

What the chain reaches when it is told the truth about one link is the ceiling that this link sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.cargo.volumes import estimate_cargo
from darkvoyage.chain import Investigation
from darkvoyage.errors import RuleError
from darkvoyage.schema.conform import complete, finish
from darkvoyage.schema.tables import (
    GAPS,
    LINKS,
    PORT_CALLS,
    SIGHTINGS,
    SILENCES,
    TRANSFERS,
    TRUTH_SIGHTINGS,
)
from darkvoyage.scoring.evaluation.events import label_gaps
from darkvoyage.scoring.rules import score_transfers

__all__ = ["TOLD", "true_links", "true_port_calls", "true_silences", "true_transfers", "with_truth"]

TOLD = ("silences", "port_calls", "links")
"""The links of the chain that the oracle can be told."""
CERTAIN = np.log(1e6)
"""Log-likelihood ratio of what is known for certain [nats]; the score's own bounds cut it."""
COUNTED = 0.001
"""Less likely transfers are left out of the cargo, as in the chain."""


def true_silences(gaps: Any, truth: Any) -> pd.DataFrame:
    """Say of each gap whether the transmitter was off.

    Parameters
    ----------
    gaps : GAPS table
    truth : TRUTH table

    Returns
    -------
    SILENCES table
        `p_off` is 1 or 0.
    """
    labels = label_gaps(gaps, truth)
    off = labels["off"].to_numpy(dtype=bool)
    columns = {"neighbours_heard": 0, "llr_silence": np.where(off, CERTAIN, -CERTAIN), "p_off": off.astype("float64")}
    return finish(labels[["gap_id"]].assign(**columns, p_silence_if_on=1.0 - columns["p_off"]), SILENCES)


def true_port_calls(gaps: Any, truth: Any, port_calls: Any) -> pd.DataFrame:
    """Say of each gap whether the ship called in the dark, and where.

    Parameters
    ----------
    gaps : GAPS table
    truth : TRUTH table
    port_calls : PORT_CALLS table
        What the chain weighed: a port that it left out as beyond reach is added, and the readings without a port keep
        their proportions where there was no call.

    Returns
    -------
    PORT_CALLS table
    """
    calls = _calls(gaps, truth)
    table = complete(port_calls, PORT_CALLS).merge(
        calls.rename(columns={"port_id": "true_port"}), how="left", on="gap_id"
    )
    called = table["true_port"].notna().to_numpy()
    right = (table["port_id"] == table["true_port"]).fillna(False).to_numpy(dtype=bool)
    rest = np.where(called | table["port_id"].notna(), 0.0, table["p_call"])
    total = table["gap_id"].map(pd.Series(rest).groupby(table["gap_id"]).sum()).to_numpy()
    table["p_call"] = np.where(called, right, rest / np.where(total > 0, total, 1.0))
    found = table.loc[right, "gap_id"]
    beyond = calls[~calls["gap_id"].isin(found)].assign(hypothesis="port", p_call=1.0, p_feasible=0.0, sensitive=True)
    return finish(pd.concat([table.drop(columns="true_port"), beyond], ignore_index=True), PORT_CALLS)


def true_links(gaps: Any, truth: Any, sightings: Any, truth_sightings: Any, *, links: Any) -> pd.DataFrame:
    """Say of each sighting which gap's ship it shows, and whether that ship was at a port then.

    Parameters
    ----------
    gaps : GAPS table
    truth : TRUTH table
    sightings : SIGHTINGS table
    truth_sightings : TRUTH_SIGHTINGS table
    links : LINKS table
        What the chain found: its scenes without the ship are kept where the ship was not seen in them.

    Returns
    -------
    LINKS table
    """
    table, seen = complete(gaps, GAPS), complete(sightings, SIGHTINGS)[["sighting_id", "timestamp", "scene_id"]]
    known = complete(truth_sightings, TRUTH_SIGHTINGS)[["sighting_id", "mmsi"]].dropna()
    stays = table[["gap_id", "mmsi", "gap_start", "gap_end"]].merge(
        label_gaps(gaps, truth)[["gap_id", "call", "port_id", "arrive", "depart"]], on="gap_id"
    )
    pairs = seen.merge(known.astype({"mmsi": "int64"}), on="sighting_id").merge(stays, on="mmsi")
    inside = (pairs["timestamp"] > pairs["gap_start"]) & ~(pairs["timestamp"] >= pairs["gap_end"])
    pairs = pairs[inside].drop_duplicates("sighting_id")
    at_port = pairs["call"] & pairs["timestamp"].between(pairs["arrive"], pairs["depart"])
    pairs = pairs.assign(
        port_id=pairs["port_id"].where(at_port), p_at_port=np.where(at_port, 1.0, np.nan), p_link=1.0, rank=1
    )
    nobody = seen.assign(p_link=np.where(seen["sighting_id"].isin(pairs["sighting_id"]), 0.0, 1.0))
    nobody["rank"] = np.where(nobody["p_link"] == 1.0, 1, 2)
    absent = complete(links, LINKS)
    absent = absent[absent["sighting_id"].isna()].merge(
        pairs[["gap_id", "scene_id"]].drop_duplicates().assign(shown=True), on=["gap_id", "scene_id"], how="left"
    )
    parts = [pairs, nobody, absent[absent["shown"].isna()]]
    names = [name for name in LINKS.names if any(name in part for part in parts)]
    return finish(pd.concat([part.reindex(columns=names) for part in parts], ignore_index=True), LINKS)


def true_transfers(gaps: Any, truth: Any) -> pd.DataFrame:
    """List the calls that lie in gaps, each for certain at its port.

    Parameters
    ----------
    gaps : GAPS table
    truth : TRUTH table

    Returns
    -------
    TRANSFERS table
    """
    table = complete(gaps, GAPS)[["gap_id", "mmsi", "imo", "track_id", "gap_start", "gap_end"]]
    rows = _calls(gaps, truth).merge(table, on="gap_id")
    lists = pd.Series([list[str]() for _ in range(len(rows))], dtype=object)
    certain: dict[str, Any] = dict.fromkeys(("reasons", "innocent_explanations", "sighting_ids"), lists)
    certain |= {"score": 100.0, "p_transfer": 1.0, "prior": 1.0, "llr_total": CERTAIN}
    return finish(rows.assign(**certain), TRANSFERS)


def with_truth(
    found: Investigation, truth: Any, truth_sightings: Any = None, *, told: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score transfers and cargo again with some links of the chain replaced by the truth.

    Parameters
    ----------
    found : Investigation
    truth : TRUTH table
    truth_sightings : TRUTH_SIGHTINGS table, optional
        Needed to tell the links.
    told : tuple of str
        Any of `TOLD`.

    Returns
    -------
    transfers, cargo : TRANSFERS table, CARGO table

    Raises
    ------
    RuleError
        A link that the oracle does not know, or one for which it lacks the truth.
    """
    unknown = set(told) - set(TOLD)
    if unknown:
        raise RuleError(f"told = {told!r}: expected some of {', '.join(TOLD)}")
    silences, port_calls, links = found.silences, found.port_calls, found.links
    if "silences" in told:
        silences = true_silences(found.gaps, truth)
    if "port_calls" in told:
        port_calls = true_port_calls(found.gaps, truth, port_calls)
    if "links" in told:
        if found.sightings is None or links is None or truth_sightings is None:
            raise RuleError("told = 'links': needs sightings and the truth about them")
        links = true_links(found.gaps, truth, found.sightings, truth_sightings, links=links)
    transfers = score_transfers(
        found.gaps,
        silences=silences,
        port_calls=port_calls,
        links=links,
        vessels=found.vessels,
        rule=found.config.score,
    )
    counted = transfers[transfers["p_transfer"] >= COUNTED].reset_index(drop=True)
    cargo = estimate_cargo(
        counted, gaps=found.gaps, vessels=found.vessels, sightings=found.sightings, rule=found.config.cargo
    )
    return transfers, cargo


def _calls(gaps: Any, truth: Any) -> pd.DataFrame:
    """`gap_id` and `port_id` of the gaps with a call."""
    labels = label_gaps(gaps, truth)
    return labels.loc[labels["call"], ["gap_id", "port_id"]].reset_index(drop=True)
