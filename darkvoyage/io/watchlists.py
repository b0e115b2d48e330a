"""Lists of designated vessels from files: our own, OFAC, EU, UN 1718, OpenSanctions.

A file is a snapshot: it says what its publisher wrote by its own date, and most do not say since when a vessel is
listed. `listed_on` is filled only where the source prints a date for that designation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from darkvoyage.io.intake import Intake, parse_days
from darkvoyage.io.tabular import Dialect, pick_dialect, read_text_table
from darkvoyage.schema.tables import TABLES

__all__ = ["read_watchlist"]

_OFAC_COLUMNS = (
    "ent_num", "sdn_name", "sdn_type", "program", "title", "call_sign", "vess_type", "tonnage", "grt", "vess_flag",
    "vess_owner", "remarks",
)  # fmt: skip
_DIALECTS = (
    Dialect("ofac_sdn", ("ent_num", "sdn_name", "sdn_type", "remarks"), {"name": ("sdn_name",)}),
    Dialect("ofac_json", ("imo", "name", "programs", "designation_date"), {"program": ("programs",)}),
    Dialect(
        "eu_journal",
        ("celex", "program_key", "schema", "imo_number", "start_date"),
        {"imo": ("imo_number",), "listed_on": ("start_date",)},
    ),
    Dialect(
        "un_1718",
        ("vessel_name", "imo_number", "date_of_designation"),
        {"name": ("vessel_name",), "imo": ("imo_number",), "listed_on": ("date_of_designation",)},
    ),
    Dialect("opensanctions", ("type", "caption", "imo", "datasets"), {"name": ("caption",), "program": ("datasets",)}),
    Dialect("opensanctions", ("type", "name", "imo", "topics"), {"program": ("topics",)}),
    Dialect(
        "darkvoyage",
        ("list_name", "name"),
        {
            "imo": ("imo_number",),
            "program": ("programme",),
            "aliases": ("alias", "other_names"),
            "listed_on": ("listed",),
            "delisted_on": ("delisted",),
        },
    ),
)
_IMO = r"(?<!\d)(\d{7})(?!\d)"
_MMSI = r"(?<!\d)(\d{9})(?!\d)"
_OFAC_IMO = r"(?:Vessel Registration Identification\s*(?:IMO)?|IMO)\s*(\d{7})(?!\d)"
_OFAC_ALIAS = r"[af]\.k\.a\.\s*'([^']+)'"
_NUMBERED = r"(?:^|\s)\d+:\s*"


def read_watchlist(path: str | Path) -> pd.DataFrame:
    """Read a list of designated vessels.

    Known by their columns: our own table; OFAC's SDN.CSV (no header, IMO and MMSI in the remarks); the EU's annexes as
    transcribed by OpenSanctions (`celex`, `startDate`, `imoNumber`); the vessel sheet of the UN 1718 Committee;
    OpenSanctions' maritime.csv.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    DataFrame
        WATCHLIST, one row per entry; an entry that prints several IMO numbers or MMSIs has one row per number
        (counted as `several_numbers`, and as rows in). Entries that are no vessels are counted as `not_a_vessel`.
        `aliases` are joined by "; ". `listed_on` is null where the source does not date the designation: OFAC and
        OpenSanctions never do. `source_sha256` is the hash of the file. `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged or of a kind that can run code.
    DialectError
        The columns are those of no known list.
    """
    raw = read_text_table(path, names_of=_ofac_names)
    dialect = pick_dialect(raw, _DIALECTS, "designated vessels")
    intake = Intake(raw, dialect)
    _LISTS[dialect.name](intake)
    _dates(intake)
    _numbers(intake, "imo", _IMO)
    _numbers(intake, "mmsi", _MMSI)
    nameless = intake.text("name").isna() & intake.frame["imo"].isna() & intake.frame["mmsi"].isna()
    intake.drop(nameless, "no_identity")
    intake.drop(intake.text("list_name").isna(), "no_list_name")
    wanted = [name for name in (*TABLES["WATCHLIST"].names, *_KEEP.get(dialect.name, ())) if name in intake]
    if dialect.name != "darkvoyage":
        intake.frame = intake.frame[wanted]
    intake.drop_duplicates()
    intake.frame = intake.frame.assign(source_sha256=raw.sha256)
    return intake.deliver(TABLES["WATCHLIST"])


def _ofac_names(first_row: Sequence[str]) -> Sequence[str] | None:
    cells = [cell.strip() for cell in first_row]
    kinds = ("individual", "vessel", "aircraft", "-0-")
    return _OFAC_COLUMNS if len(cells) == len(_OFAC_COLUMNS) and cells[0].isdigit() and cells[2] in kinds else None


def _ofac(intake: Intake) -> None:
    _only_vessels(intake, "sdn_type", "vessel")
    remarks = intake.text("remarks").fillna("")
    intake.frame = intake.frame.assign(
        list_name="OFAC SDN",
        program=intake.text("program").str.replace("] [", "; ", regex=False),
        imo=_found(remarks, _OFAC_IMO),
        mmsi=_found(remarks, r"MMSI\s*(\d{9})(?!\d)"),
        aliases=_found(remarks, _OFAC_ALIAS),
    )


def _ofac_json(intake: Intake) -> None:
    # Its designation_date repeats the date of the edition in every row: when the list was read, not since when.
    intake.frame = intake.frame.assign(list_name=intake.text("list_name").fillna("OFAC SDN"))


def _eu(intake: Intake) -> None:
    _only_vessels(intake, "schema", "vessel")
    name = intake.text("name")
    # "Chol Ryong (Ryong Gun Bong)" is known by either.
    either = name.str.extract(r"^(?P<outer>[^()]+?)\s*\((?P<inner>[^()]+)\)$")
    spellings = [intake.text(column) for column in ("alias", "weakAlias", "previousName")]
    intake.frame = intake.frame.assign(
        list_name="EU " + intake.text("celex"),
        program=(intake.text("programKey") + " " + intake.text("annex").fillna("")).str.strip(),
        aliases=_joined([*spellings, either["outer"], either["inner"]]),
    )


def _un(intake: Intake) -> None:
    # Several names are printed as "1: CHON MA SAN 2: ...".
    names = intake.text("name").str.replace(_NUMBERED, "; ", regex=True).str.strip("; ")
    first, others = (names.str.partition(";")[part].str.strip() for part in (0, 2))
    intake.frame = intake.frame.assign(
        list_name="UN 1718", program="DPRK", name=first, aliases=others.where(others != "", None)
    )


def _opensanctions(intake: Intake) -> None:
    _only_vessels(intake, "type", "vessel")
    intake.frame = intake.frame.assign(list_name="OpenSanctions maritime")


def _own(intake: Intake) -> None:
    """Take our own columns as they stand."""


_LISTS: dict[str, Callable[[Intake], None]] = {
    "ofac_sdn": _ofac,
    "ofac_json": _ofac_json,
    "eu_journal": _eu,
    "un_1718": _un,
    "opensanctions": _opensanctions,
    "darkvoyage": _own,
}
_KEEP = {"eu_journal": ("measure",)}


def _only_vessels(intake: Intake, column: str, kind: str) -> None:
    intake.drop(intake.text(column).str.lower() != kind, "not_a_vessel")


def _dates(intake: Intake) -> None:
    for name in ("listed_on", "delisted_on"):
        if name in intake:
            given = intake.frame[name]
            intake.frame = intake.frame.assign(**{name: parse_days(given)})
            intake.repair(given.notna() & intake.frame[name].isna(), f"bad_{name}", given.astype("str"))


def _numbers(intake: Intake, column: str, pattern: str) -> None:
    """Numbers out of a cell, one row for each; the cell is null where it holds none."""
    given = intake.text(column)
    found = given.fillna("").str.findall(pattern).astype(object).map(lambda numbers: list(dict.fromkeys(numbers)))
    several = found.str.len() > 1
    frame = intake.frame.assign(**{column: found}).explode(column)
    intake.report.rows_in += len(frame) - len(intake.frame)
    intake.repair(several, "several_numbers", given)
    said = given.notna() & ~given.str.lower().isin(["na", "unknown"])
    intake.repair(said & (found.str.len() == 0), f"bad_{column}", given)
    frame.index = pd.Index(range(1, len(frame) + 1)) if several.any() else frame.index
    intake.frame = frame.assign(**{column: pd.to_numeric(frame[column].astype("str")).astype("Int64")})


def _found(text: pd.Series, pattern: str) -> pd.Series:
    joined = text.str.findall(pattern).astype(object).str.join("; ").astype("str")
    return joined.where(joined != "", None)


def _joined(columns: list[pd.Series]) -> pd.Series:
    joined = pd.concat(columns, axis=1).apply(lambda row: "; ".join(row.dropna()), axis=1)
    return joined.astype("str").where(joined.astype("str") != "", None) if len(joined) else columns[0]
