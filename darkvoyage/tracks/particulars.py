"""What the ships say about themselves: one row per MMSI from the static fields of its fixes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from darkvoyage.schema.conform import conform, finish, sort_rows
from darkvoyage.schema.tables import FIXES, VESSELS

__all__ = ["merge_particulars", "particulars"]

_STATIC = ("imo", "name", "ship_type", "length_m", "beam_m")


def particulars(fixes: Any) -> pd.DataFrame:
    """Gather each ship's own particulars: the last value it sent, and the deepest draught as laden draught.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned fixes leave equipment out.

    Returns
    -------
    VESSELS table
        `source` says "AIS, self-reported".
    """
    table = conform(fixes, FIXES)
    if "flag" in table:
        table = table[~table["flag"].isin(["equipment", "jump", "time"])]
    table = sort_rows(table, FIXES.key)
    group = table.groupby("mmsi")
    columns: dict[str, Any] = {name: group[name].last() for name in _STATIC if name in table}
    if "draught_m" in table:
        columns["draught_max_m"] = group["draught_m"].max()
    out = pd.DataFrame(columns, index=group.size().index).reset_index()
    return finish(out.assign(source="AIS, self-reported"), VESSELS)


def merge_particulars(given: Any, own: pd.DataFrame) -> pd.DataFrame:
    """Complete a given register with what the ships say themselves; given values win.

    Parameters
    ----------
    given : VESSELS table
    own : VESSELS table

    Returns
    -------
    VESSELS table
    """
    known = conform(given, VESSELS).drop_duplicates("mmsi").set_index("mmsi")
    merged = known.combine_first(own.set_index("mmsi"))
    return finish(merged.reset_index(), VESSELS)
