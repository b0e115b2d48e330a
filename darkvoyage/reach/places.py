"""The places an investigation looks at: the user's ports and the listed sensitive ones, each place once."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.kernels.sphere import geodesic_m
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import TABLES
from darkvoyage.units import M_PER_NM

__all__ = ["merge_ports"]

_PORTS = TABLES["PORTS"]


def merge_ports(ports: Any, sensitive: Any, *, within_nm: float = 3.0) -> pd.DataFrame:
    """Merge the user's ports with a list of sensitive ones.

    A listed place is the same as a user's place if it lies within `within_nm` or carries the same `port_id`.
    Ship-to-ship areas are never the same as ports: they stand for another hypothesis.

    Parameters
    ----------
    ports : PORTS
        The user's; their rows and ids are kept.
    sensitive : PORTS
        The listed places, such as `sensitive_ports()`. Only its sensitive rows make others sensitive.
    within_nm : float
        Distance up to which two rows are one place [nm].

    Returns
    -------
    DataFrame
        PORTS sorted by `port_id`. A user's row that is also listed is sensitive, with the reason and source of the
        nearest listed place behind its own; listed places that match no row of the user are added unchanged.

    Raises
    ------
    RuleError
        `within_nm` is negative or not a number.
    SchemaError
        One of the tables is not PORTS.
    """
    _check(within_nm)
    ours, listed = conform(ports, _PORTS), conform(sensitive, _PORTS)
    same, distance_nm = _same_place(ours, listed, within_nm)
    matched = same.any(axis=1)
    if matched.any():
        nearest = np.where(same, distance_nm, np.inf).argmin(axis=1)[matched]
        flags = listed["sensitive"].to_numpy()
        rows = np.flatnonzero(matched)
        ours["sensitive"] = ours["sensitive"] | (same & flags).any(axis=1)
        for name in ("reason", "source"):
            found = listed.get(name, pd.Series(None, listed.index, dtype="str")).iloc[nearest].to_numpy()
            own = ours.get(name, pd.Series(None, ours.index, dtype="str")).copy()
            own.iloc[rows] = _join(own.iloc[rows].to_numpy(), found)
            ours[name] = own
    rest = listed.iloc[np.flatnonzero(~same.any(axis=0))]
    return finish(pd.concat([ours, rest], ignore_index=True), _PORTS)


def _check(within_nm: Any) -> None:
    if not (isinstance(within_nm, Real) and 0 <= float(within_nm) < np.inf):
        raise RuleError(f"within_nm = {within_nm!r}: expected a distance of 0 nm or more")


def _same_place(ours: pd.DataFrame, listed: pd.DataFrame, within_nm: float) -> tuple[np.ndarray, np.ndarray]:
    """Matrix user x listed: are they one place, and how far apart [nm]."""
    a, b = (table[["lat", "lon"]].to_numpy() for table in (ours, listed))
    shape = (len(ours), len(listed))
    distance = np.full(shape, np.inf)
    # A minute of latitude is never shorter than 0.995 nm, so rows further apart than this cannot be near.
    close = np.abs(a[:, None, 0] - b[None, :, 0]) <= within_nm / 0.995 / 60.0
    i, j = np.nonzero(close)
    distance[i, j] = geodesic_m(a[i, 0], a[i, 1], b[j, 0], b[j, 1]) / M_PER_NM
    same_id = ours["port_id"].to_numpy(dtype=object)[:, None] == listed["port_id"].to_numpy(dtype=object)[None, :]
    distance[same_id] = 0.0
    same_kind = _is_sts(ours)[:, None] == _is_sts(listed)[None, :]
    return (same_kind & (distance <= within_nm)) | same_id, distance


def _is_sts(table: pd.DataFrame) -> np.ndarray:
    if "kind" not in table:
        return np.zeros(len(table), dtype=bool)
    return (table["kind"] == "sts").fillna(False).to_numpy(dtype=bool)


def _join(own: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Put the listed text behind the user's own, once."""
    own_text, found_text = pd.Series(own, dtype="str"), pd.Series(found, dtype="str")
    said = np.char.endswith(own_text.fillna("").to_numpy(dtype="U"), found_text.fillna("").to_numpy(dtype="U"))
    both = (own_text + "; " + found_text).fillna(found_text)
    return own_text.where(said & own_text.notna(), both).to_numpy()
