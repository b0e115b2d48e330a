"""Particulars of vessels from files, however their columns are called."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from darkvoyage.io.intake import Intake, match_words, parse_numbers
from darkvoyage.io.tabular import Dialect, pick_dialect, read_text_table
from darkvoyage.schema.tables import TABLES

__all__ = ["SHIP_TYPE_WORDS", "read_vessels"]

SHIP_TYPE_WORDS = {
    r"tanker|\blng\b|\blpg\b|vlcc|crude": "80",
    r"passenger|cruise|ferry|ro.?pax": "60",
    r"fish|trawl|longlin|seiner": "30",
    r"\btug": "52",
    r"cargo|bulk|container|carrier|reefer|ro.?ro|freight": "70",
}
"""Pattern in a worded ship type -> AIS ship type (ITU-R M.1371-5, table 53); the words of registers are finer."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "mmsi": ("mmsi_current", "mmsi_number", "ssvid", "user_id"),
    "imo": ("imo_number", "imo_no", "imo_nr", "imonumber", "imonr"),
    "name": ("vessel_name", "ship_name", "vesselname", "shipname", "vessel"),
    "flag": ("flag_state", "flag_country", "flag_code", "vessel_flag"),
    "ship_type": ("vessel_type", "shiptype", "vesseltype", "ship_type_code", "type"),
    "length_m": ("loa_m", "loa", "length_overall_m", "length_overall", "length", "vessel_length_m"),
    "beam_m": ("beam", "width_m", "width", "breadth_m", "breadth"),
    "dwt_t": ("dwt", "deadweight", "deadweight_t", "deadweight_tonnage", "summer_dwt", "dwt_tonnes"),
    "draught_max_m": (
        "max_draught_m", "max_draught", "maximum_draught", "maximum_draught_m", "summer_draught_m", "summer_draught",
        "max_draft_m", "max_draft", "draught_m", "draught", "draft_m", "draft",
    ),
    "cargo_capacity_m3": ("capacity_m3", "cargo_capacity", "cubic_capacity_m3", "cubic_capacity", "liquid_capacity_m3"),
    "service_speed_kn": ("service_speed", "service_speed_knots", "speed_kn", "design_speed_kn"),
    "source": ("provider",),
}  # fmt: skip
_DIALECTS = (
    Dialect("darkvoyage", ("mmsi",), _COLUMNS),
    Dialect("current_mmsi", ("mmsi_current",), _COLUMNS),
    Dialect("ssvid", ("ssvid",), _COLUMNS),
)
_MOST = {
    "length_m": 500.0, "beam_m": 100.0, "dwt_t": 700_000.0, "draught_max_m": 35.0, "cargo_capacity_m3": 700_000.0,
    "service_speed_kn": 60.0,
}  # fmt: skip
"""Larger than any ship: what lies above is a slip of the unit or the decimal point."""


def read_vessels(path: str | Path) -> pd.DataFrame:
    """Read particulars of vessels.

    Parameters
    ----------
    path : str or Path
        A table with a column `mmsi` and any of our columns or their usual spellings (`dwt`, `deadweight`, `loa`,
        `length`, `draught`, `draft`, ...); as Parquet, CSV, .xlsx or JSON.

    Returns
    -------
    DataFrame
        VESSELS. Zeros and impossible values become null and are counted; a worded ship type becomes its AIS code
        (`SHIP_TYPE_WORDS`), the words stay in `ship_type_text`. Rows without MMSI are counted as `no_mmsi`. Columns
        that are not ours are kept. `attrs["read_report"]` accounts for all rows.

    Raises
    ------
    ReadError
        The file is damaged or of a kind that can run code.
    DialectError
        There is no column of MMSIs.
    """
    raw = read_text_table(path)
    intake = Intake(raw, pick_dialect(raw, _DIALECTS, "vessels"))
    numbers = parse_numbers(intake.frame["mmsi"])
    whole = (numbers > 0) & (numbers < 1e9) & (numbers == numbers.round())
    intake.drop(~whole, "no_mmsi", intake.text("mmsi"))
    intake.whole("mmsi")
    intake.whole("imo", low=1_000_000, high=9_999_999)
    for name, most in _MOST.items():
        intake.number(name, low=0.0, high=most, unknown=0.0)
    _ship_type(intake)
    intake.drop_duplicates()
    return intake.deliver(TABLES["VESSELS"])


def _ship_type(intake: Intake) -> None:
    if "ship_type" not in intake:
        return
    text = intake.text("ship_type")
    worded = text.str.contains(r"[A-Za-z]{2}", regex=True).fillna(False).astype(bool)
    if worded.any():
        code = match_words(text, SHIP_TYPE_WORDS)
        intake.frame = intake.frame.assign(ship_type_text=text.where(worded), ship_type=text.where(~worded, code))
        intake.repair(worded & code.notna(), "ship_type_word")
        intake.repair(worded & code.isna(), "unknown_ship_type", text)
    intake.whole("ship_type", high=255)
