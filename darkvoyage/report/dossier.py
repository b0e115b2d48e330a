"""Derived tables of the report: one wide row per suspected call, the headline figures, the running volume.

They are plain joins and counts of the tables that the chain made. The caller saves them beside those, so that every
figure on the page is a cell of a saved table.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import complete, empty, sort_rows
from darkvoyage.schema.tables import TABLES

__all__ = [
    "CARDS",
    "LINKED",
    "LISTED",
    "case_table",
    "complete_tables",
    "cumulative_barrels",
    "headline_period",
    "summarise",
]

CARDS = 60
"""Suspected calls that get a card of their own on the page; the others are in the `cases` table."""
LISTED = 300
"""Rows of the page's table of suspected calls."""

_CHAIN = (
    "gaps", "silences", "port_calls", "links", "transfers", "cargo", "ledger", "screening", "ports", "sightings",
    "scenes", "vessels",
)  # fmt: skip
_FREE: dict[str, dict[str, str]] = {
    "sources": {"path": "str", "sha256": "str", "bytes": "Int64", "rows": "Int64", "dialect": "str"},
    "comparison": {"item": "str", "inferred": "float64", "true": "float64", "note": "str"},
    "flags": {"flag": "str", "fixes": "Int64"},
}
_GRADES = ("highly likely", "likely", "possible", "insufficient")
LINKED = 0.5
"""A sighting counts as linked from this `p_link` on: more likely this ship than everything else together."""

_OTHER_READINGS = {
    "no_port": "No sensitive port was in reach",
    "no_position": "No position at the gap's edge, so nothing can be said",
    "feed_outage": "The feed itself was out: hardly any ship was heard at the time",
    "coverage_unverified": "Nobody else was heard near the way, so coverage is unverified",
    "neighbours_silent": "Other ships near the way fell silent too",
    "reception_poor": "Reception near the way is too poor to tell",
    "transit": "Sailing straight on explains the gap best",
    "wait": "Waiting, drifting or slow steaming explains the gap best",
    "port": "A call at another port explains the gap best",
    "sts": "A stay in a meeting area explains the gap best",
    "unknown": "Something not modelled explains the gap best",
    "thin": "A call was possible, but the evidence for it is too thin",
}


def complete_tables(tables: Mapping[str, pd.DataFrame | None]) -> dict[str, pd.DataFrame]:
    """Return all tables that the report reads, in their types; those not given are empty.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame

    Returns
    -------
    dict of str to DataFrame
        Tables of other names are passed on as they are.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    out = {name: table for name, table in tables.items() if table is not None and len(table.columns)}
    for name in _CHAIN:
        spec = TABLES[name.upper()]
        out[name] = sort_rows(complete(out[name], spec), spec.key) if name in out else empty(spec)
    links = out["links"]
    # Of a sighting that may be two ships each has half in `p_link`: readers want the chance that the ship is in it.
    # What is added is taken off, because completed tables are completed again.
    out["links"] = links.assign(p_link=links["p_link"] + links["p_merged"].fillna(0.0) / 2.0, p_merged=np.nan)
    for name, kinds in _FREE.items():
        frame = pd.DataFrame(out[name]).reset_index(drop=True) if name in out else pd.DataFrame(columns=list(kinds))
        out[name] = frame.reindex(columns=list(kinds)).astype(kinds)
    return out


def case_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join everything known about each suspected call.

    The ports of one gap exclude each other, so a gap is one case: its most likely port, if the evidence is graded
    possible or better there.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame

    Returns
    -------
    DataFrame
        Sorted by `p_transfer`, highest first. `case_no` counts from 1, `p_any_port` is the sum of `p_transfer` over
        the gap's sensitive ports.
    """
    whole = complete_tables(tables)
    transfers = whole["transfers"]
    transfers = transfers.assign(p_any_port=transfers.groupby("gap_id")["p_transfer"].transform("sum"))
    ranked = transfers.sort_values(["p_transfer", "gap_id", "port_id"], ascending=[False, True, True], kind="stable")
    best = ranked.drop_duplicates("gap_id")
    best = best[best["evidence_grade"].notna() & best["evidence_grade"].ne("insufficient")]
    cases = best.drop(columns=["gap_start", "gap_end", "reasons", "innocent_explanations", "sighting_ids"])
    cases = cases.assign(sightings_named=[len(ids) if isinstance(ids, list) else 0 for ids in best["sighting_ids"]])
    cases = cases.merge(_gap_side(whole["gaps"]), on="gap_id", how="left")
    cases = cases.merge(_vessel_side(whole["vessels"]), on="mmsi", how="left")
    cases["imo"] = cases["imo"].fillna(cases.pop("vessel_imo"))
    cases["length_m"] = cases["length_m"].fillna(cases.pop("vessel_length_m"))
    ports = whole["ports"].drop_duplicates("port_id")[["port_id", "name", "country", "lat", "lon"]]
    cases = cases.merge(ports.add_prefix("port_").rename(columns={"port_port_id": "port_id"}), on="port_id", how="left")
    silences = whole["silences"].drop(columns="llr_silence").rename(columns={"reason": "silence_reason"})
    cases = cases.merge(silences.drop_duplicates("gap_id"), on="gap_id", how="left")
    reach = whole["port_calls"].dropna(subset=["port_id"]).drop_duplicates(["gap_id", "port_id"])
    reach = reach[[name for name in TABLES["PORT_CALLS"].names if name != "hypothesis"]]
    cases = cases.merge(reach, on=["gap_id", "port_id"], how="left")
    cases = cases.merge(_best_sighting(whole["links"], whole["sightings"]), on="gap_id", how="left")
    cases["sightings_linked"] = _count(_linked(whole["links"]), cases["gap_id"])
    places = pd.MultiIndex.from_frame(cases[["gap_id", "port_id"]])
    cases["scenes_without"] = _count(_scenes_without(whole["links"]), places)
    cargo = whole["cargo"].drop(columns=["mmsi", "track_id", "p_transfer", "dwt_t"])
    cases = cases.merge(cargo.drop_duplicates(["gap_id", "port_id"]), on=["gap_id", "port_id"], how="left")
    cases["lists"] = cases["mmsi"].map(_lists(whole["screening"])).astype("str")
    cases.insert(0, "case_no", np.arange(1, len(cases) + 1, dtype="int64"))
    return cases.reset_index(drop=True)


def _gap_side(gaps: pd.DataFrame) -> pd.DataFrame:
    names = ["gap_id", "gap_start", "gap_end", "is_closed", "duration_h", "distance_nm", "implied_speed_kn", "length_m"]
    edges = [f"{end}_{what}" for end in ("start", "end") for what in ("lat", "lon", "draught_m", "destination")]
    return gaps[names + edges].drop_duplicates("gap_id")


def _vessel_side(vessels: pd.DataFrame) -> pd.DataFrame:
    renamed = {"imo": "vessel_imo", "length_m": "vessel_length_m"}
    return vessels[["mmsi", "name", "flag", "imo", "length_m", "dwt_t"]].drop_duplicates("mmsi").rename(columns=renamed)


def _best_sighting(links: pd.DataFrame, sightings: pd.DataFrame) -> pd.DataFrame:
    """The likeliest sighting of each gap."""
    pairs = links.dropna(subset=["gap_id", "sighting_id"]).sort_values(
        ["p_link", "sighting_id"], ascending=[False, True], kind="stable"
    )
    best = pairs.drop_duplicates("gap_id")[["gap_id", "sighting_id", "p_link"]]
    times = sightings[["sighting_id", "timestamp"]].drop_duplicates("sighting_id")
    return best.merge(times.rename(columns={"timestamp": "sighting_time"}), on="sighting_id", how="left")


def _linked(links: pd.DataFrame) -> pd.Series:
    """Number of sightings linked to each gap."""
    sure = links[links["sighting_id"].notna() & links["gap_id"].notna() & links["p_link"].ge(LINKED)]
    return sure.groupby("gap_id")["sighting_id"].nunique()


def _count(counts: pd.Series, ids: pd.Series | pd.MultiIndex) -> np.ndarray:
    """Counts of the given ids, 0 where there is none."""
    return counts.reindex(ids, fill_value=0).to_numpy(dtype="int64")


def _scenes_without(links: pd.DataFrame) -> pd.Series:
    """Number of scenes of each port without the ship of each gap."""
    absent = links[links["sighting_id"].isna() & links["gap_id"].notna() & links["scene_id"].notna()]
    return absent.groupby(["gap_id", "port_id"])["scene_id"].nunique()


def _lists(screening: pd.DataFrame) -> pd.Series:
    """Lists that name a ship, joined; keyed by MMSI."""
    named = screening.dropna(subset=["mmsi"]).drop_duplicates(["mmsi", "list_name"]).sort_values(["mmsi", "list_name"])
    return named.groupby(named["mmsi"].astype("int64"))["list_name"].agg("; ".join).astype("str")


def cumulative_barrels(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Add the expected barrels up, call after call.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame

    Returns
    -------
    DataFrame
        `call_time`, `gap_id`, `port_id`, `barrels_p10`, `barrels_p50`, `barrels_p90`: running sums of
        `p_transfer * p_loaded * barrels_*` of CARGO, in the order of time. The band between the outer two is drawn as
        if all errors pointed the same way; the totals with their probabilities are the ledger's.
    """
    cargo = complete_tables(tables)["cargo"].sort_values(["call_time", "gap_id", "port_id"], kind="stable")
    weight = cargo["p_transfer"] * cargo["p_loaded"]
    names = ["barrels_p10", "barrels_p50", "barrels_p90"]
    sums = cargo[names].fillna(0.0).mul(weight, axis=0).cumsum()
    return pd.concat([cargo[["call_time", "gap_id", "port_id"]], sums], axis=1).reset_index(drop=True)


def headline_period(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the one ledger row for the headline: the total of the period with the most barrels, or no row.

    Parameters
    ----------
    ledger : LEDGER table

    Returns
    -------
    DataFrame
        One row or none.
    """
    total = ledger[ledger["port_id"].isna()]
    total = total if len(total) else ledger
    return total.sort_values(["barrels_p50", "period_start"], ascending=[False, True], kind="stable").head(1)


def summarise(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Gather the figures of the headline.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame
        `flags` (as of cleaning) or `sources` give the number of fixes.

    Returns
    -------
    DataFrame
        `item`, `value` (float, null where it is no number), `text`, `unit`. Items `other_gaps/...` count the gaps that
        are no case, by the first reading that applies.
    """
    whole = complete_tables(tables)
    cases = whole.get("cases")
    cases = case_table(whole) if cases is None else cases
    rows: list[tuple[str, float, str | None, str]] = [
        ("version", np.nan, _version(), ""),
        ("vessels", float(len(whole["vessels"])) if len(whole["vessels"]) else np.nan, None, "ships"),
        ("fixes", _fixes(whole), None, "fixes"),
        ("gaps", float(len(whole["gaps"])), None, "gaps"),
        ("vessels_with_gaps", float(whole["gaps"]["mmsi"].nunique()), None, "ships"),
        ("gaps_open", float((~whole["gaps"]["is_closed"].fillna(True).astype(bool)).sum()), None, "gaps"),
        ("gaps_near_sensitive", float(whole["transfers"]["gap_id"].nunique()), None, "gaps"),
        ("suspected_calls", float(len(cases)), None, "calls"),
        ("suspected_vessels", float(cases["mmsi"].nunique()), None, "ships"),
        ("cards_shown", float(min(len(cases), CARDS)), None, "calls"),
        ("cards_not_shown", float(max(len(cases) - CARDS, 0)), None, "calls"),
        ("cases_listed", float(min(len(cases), LISTED)), None, "calls"),
        ("sightings", float(len(whole["sightings"])), None, "sightings"),
        ("scenes", float(len(whole["scenes"])), None, "scenes"),
    ]
    rows += [
        (f"grade/{grade}", float((cases["evidence_grade"] == grade).sum()), None, "calls") for grade in _GRADES[:3]
    ]
    rows += _prior(whole["transfers"]) + _volume(headline_period(whole["ledger"])) + _other_gaps(whole, cases)
    out = pd.DataFrame(rows, columns=["item", "value", "text", "unit"])
    return out.astype({"item": "str", "value": "float64", "text": "str", "unit": "str"})


def _version() -> str:
    try:
        return version("darkvoyage")
    except PackageNotFoundError:
        return "not installed"


def _fixes(whole: Mapping[str, pd.DataFrame]) -> float:
    for name, column in (("flags", "fixes"), ("sources", "rows")):
        if whole[name][column].notna().any():
            return float(whole[name][column].sum())
    return np.nan


def _prior(transfers: pd.DataFrame) -> list[tuple[str, float, str | None, str]]:
    """The prior of a gap: the sum over its ports, largest where ports out of reach leave some of it unused."""
    per_gap = transfers.groupby("gap_id")["prior"].sum()
    if not len(per_gap):
        return []
    # What the prior alone would add up to: the yardstick for the expected number of calls.
    return [
        ("prior_per_gap", float(per_gap.median()), None, "probability"),
        ("prior_calls", float(per_gap.sum()), None, "calls"),
    ]


def _volume(row: pd.DataFrame) -> list[tuple[str, float, str | None, str]]:
    if len(row) == 0:
        return []
    one = row.iloc[0]
    crossed = None if pd.isna(one["cap_crossed_on"]) else one["cap_crossed_on"].strftime("%Y-%m-%d")
    names = {"calls_seen": "calls", "p_exceeds_cap": "probability", "cap_bbl": "bbl"}
    names |= {f"calls_estimated_{q}": "calls" for q in ("p10", "p50", "p90")}
    names |= {f"barrels_{q}": "bbl" for q in ("p10", "p50", "p90")}
    figures: list[tuple[str, float, str | None, str]] = [(n, float(one[n]), None, unit) for n, unit in names.items()]
    days: list[tuple[str, float, str | None, str]] = [
        (name, np.nan, one[name].strftime("%Y-%m-%d"), "day") for name in ("period_start", "period_end")
    ]
    return [*figures, *days, ("cap_crossed_on", np.nan, crossed, "day")]


def _other_gaps(whole: Mapping[str, pd.DataFrame], cases: pd.DataFrame) -> list[tuple[str, float, str | None, str]]:
    """Count the gaps that are no case by the first reading that applies."""
    gaps, transfers = whole["gaps"], whole["transfers"]
    ids = gaps.loc[~gaps["gap_id"].isin(cases["gap_id"]), "gap_id"]
    heard = ids.map(whole["silences"].drop_duplicates("gap_id").set_index("gap_id")["reason"]).astype("str")
    calls = whole["port_calls"].sort_values(["p_call", "port_id"], ascending=[False, True], kind="stable")
    top = calls.drop_duplicates("gap_id").set_index("gap_id")
    at_sensitive = ids.map(top["port_id"]).isin(transfers["port_id"].unique())
    reading = ids.map(top["hypothesis"]).astype("str").where(~at_sensitive, "thin")
    silent = heard.isin(["no_position", "feed_outage", "coverage_unverified", "neighbours_silent", "reception_poor"])
    reading = heard.where(silent, reading)
    reading = reading.where(ids.isin(transfers["gap_id"]) | heard.eq("no_position"), "no_port")
    counts = reading.where(reading.isin(list(_OTHER_READINGS)), "unknown").value_counts()
    return [
        (f"other_gaps/{name}", float(counts[name]), words, "gaps")
        for name, words in _OTHER_READINGS.items()
        if name in counts
    ]
