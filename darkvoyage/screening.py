"""Which vessels are on a watchlist, and whether they were on the day of the event."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.schema.conform import TIME_DTYPE, conform, empty, finish
from darkvoyage.schema.tables import TABLES, Column, TableSpec

__all__ = ["normalise_names", "screen"]

_SUBJECTS = TableSpec(
    "vessels or transfers",
    (Column("mmsi", "Int64"), Column("imo", "Int64"), Column("name", "text"), Column("gap_start", "time")),
    (),
)
_ENTRY = ["list_name", "program", "entry_name", "listed_on", "delisted_on", "list_sha256"]
_NO_LETTER = re.compile(r"[\W_\u0300-\u036f]+")  # compiled: else letters are those of ASCII in pandas before 3.1
_RANK = {"imo": 0, "mmsi": 1, "name": 2}


def screen(vessels_or_transfers: Any, watchlist: Any, *, on: Any = None) -> pd.DataFrame:
    """Match vessels with a watchlist: by IMO number, then by MMSI, then by name.

    Parameters
    ----------
    vessels_or_transfers : DataFrame or Arrow stream
        VESSELS, TRANSFERS, or any table with `mmsi`, `imo` or `name`. With a column `gap_start` each row is an event
        of that time.
    watchlist : DataFrame or Arrow stream
        WATCHLIST.
    on : str, date or Timestamp, optional
        Time of the event for a table without `gap_start`, as an ISO date (its midnight, UTC) or a time with zone.

    Returns
    -------
    DataFrame
        SCREENING, one row per vessel, event and list entry, with the surest kind of match. `listed_at_event` is true
        from `listed_on` until before `delisted_on`; null where the list does not say since when, or without an event.

    Raises
    ------
    SchemaError
        The table has none of `mmsi`, `imo`, `name`; the watchlist is none; naive times.
    RuleError
        `on` is no date, or a time without zone.

    Notes
    -----
    A number once given to a hull stays with it (IMO A.1117(30)); an MMSI is the radio's and moves on, so an MMSI match
    with two different IMO numbers is reported: it may be a new owner of the number, or a borrowed identity. Names
    repeat: they match only where not both sides have an IMO number that differs. Names are compared in upper case
    without accents, blanks and punctuation; the aliases of the list (`;` between them) count as names.
    """
    subjects = _subjects(vessels_or_transfers, on)
    entries = conform(watchlist, TABLES["WATCHLIST"]).reindex(columns=list(TABLES["WATCHLIST"].names))
    entries = conform(entries, TABLES["WATCHLIST"])
    entries = entries.rename(columns={"name": "entry_name", "source_sha256": "list_sha256"})
    hits = pd.concat(
        [_by_number(subjects, entries, "imo"), _by_number(subjects, entries, "mmsi"), _by_name(subjects, entries)]
    )
    if hits.empty:
        return empty(TABLES["SCREENING"])
    hits["rank"] = hits["matched_by"].map(_RANK)
    hits["by_alias"] = hits["matched_name"] != hits["entry_name"]
    hits = hits.sort_values(["rank", "by_alias", "matched_name"], kind="stable")
    hits = hits.drop_duplicates(["subject", *_ENTRY])
    hits["listed_at_event"] = _listed(hits)
    # Two spellings of one ship may tell the same.
    return finish(hits[list(TABLES["SCREENING"].names)].drop_duplicates(), TABLES["SCREENING"])


def normalise_names(names: pd.Series) -> pd.Series:
    """Names in upper case without accents, blanks and punctuation; null where nothing is left."""
    plain = names.astype("str").str.upper().str.normalize("NFKD")
    plain = plain.str.replace(_NO_LETTER, "", regex=True)
    return plain.where(plain != "", None)


def _subjects(table: Any, on: Any) -> pd.DataFrame:
    given = conform(table, _SUBJECTS)
    if not {"mmsi", "imo", "name"} & set(given.columns):
        found = ", ".join(map(str, given.columns)) or "none"
        raise SchemaError(f"vessels or transfers: expected a column mmsi, imo or name; found columns: {found}")
    moment = _moment(on)
    subjects = conform(given.reindex(columns=list(_SUBJECTS.names)), _SUBJECTS)
    subjects = subjects.rename(columns={"gap_start": "event_time"})
    if "gap_start" not in given:
        subjects["event_time"] = pd.Series(moment, index=subjects.index, dtype=TIME_DTYPE)
    subjects = subjects.drop_duplicates().reset_index(drop=True)
    return subjects.assign(subject=np.arange(len(subjects)))


def _moment(on: Any) -> pd.Timestamp | None:
    if on is None:
        return None
    if isinstance(on, dt.date) and not isinstance(on, dt.datetime):
        return pd.Timestamp(on, tz="UTC")
    try:
        moment = pd.Timestamp(on)
    except (ValueError, TypeError) as error:
        raise RuleError(f"on: expected an ISO date or a time with zone, got {on!r}") from error
    if pd.isna(moment):
        raise RuleError(f"on: expected an ISO date or a time with zone, got {on!r}")
    if moment.tzinfo is None:
        if not (isinstance(on, str) and re.fullmatch(r"\s*\d{4}-\d{2}-\d{2}\s*", on)):
            raise RuleError(f"on: expected a time with zone, got the naive {on!r}")
        return moment.tz_localize("UTC")
    return moment.tz_convert("UTC")


def _by_number(subjects: pd.DataFrame, entries: pd.DataFrame, number: str) -> pd.DataFrame:
    known = entries[entries[number].gt(0).fillna(False).astype(bool)]
    known = known.rename(columns={"imo": "entry_imo", "mmsi": "entry_mmsi"})
    hits = subjects.dropna(subset=[number]).merge(known, left_on=number, right_on=f"entry_{number}")
    return hits.assign(matched_by=number, matched_name=hits["entry_name"])


def _by_name(subjects: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    keys = subjects.assign(key=normalise_names(subjects["name"])).dropna(subset="key")
    known = entries.rename(columns={"imo": "entry_imo", "mmsi": "entry_mmsi"})
    aliases = known.assign(matched_name=known["aliases"].str.split(";")).explode("matched_name")
    spellings = pd.concat([known.assign(matched_name=known["entry_name"]), aliases], ignore_index=True)
    spellings["matched_name"] = spellings["matched_name"].astype("str").str.strip()
    spellings = spellings.assign(key=normalise_names(spellings["matched_name"])).dropna(subset="key")
    hits = keys.merge(spellings, on="key")
    contradicted = (hits["imo"] != hits["entry_imo"]).fillna(False).astype(bool)
    return hits[~contradicted].assign(matched_by="name")


def _listed(hits: pd.DataFrame) -> pd.Series:
    event, since, until = hits["event_time"], hits["listed_on"], hits["delisted_on"]
    listed = (since <= event) & ~(until <= event)
    return listed.astype("boolean").where(event.notna() & since.notna())
