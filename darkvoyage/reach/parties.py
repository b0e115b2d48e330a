"""Who could have met somebody at sea: ships in their gaps, and ships that are seen to linger."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.hand_over import Draughts
from darkvoyage.kernels.nearby import near_any, near_cells
from darkvoyage.kernels.prisms import Prisms, make_prisms
from darkvoyage.reach.history import as_history
from darkvoyage.reach.ships import KINDS, Ships, ships_of
from darkvoyage.rules.meetings import MeetingRule
from darkvoyage.rules.reach import PortRule
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import FIXES, GAPS
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["Parties", "lingering_parties", "silent_parties"]

_REST_KN = 1.0
_STAYS_KN = 1e-3
"""A ship that lingers is taken to stay where it is."""
_SURE = 0.01
"""A chance of having been switched off is believed to lie between this and one minus this."""
_TANKER, _OTHER = KINDS.index("tanker"), KINDS.index("other")
_DRAUGHT_AGE_H = 24.0
_STATE = ("start_cog", "start_sog", "end_cog", "end_sog")


@dataclass(frozen=True)
class Parties:
    """Ships, each with a time in which it could have met somebody; every array has n rows.

    Parameters
    ----------
    id : ndarray of object
        Of the gap or the loitering event.
    mmsi : ndarray of int64
    prisms : Prisms
        At the highest speed of each ship, in hours since the moment `since_us`.
    mean_kn, sd_kn, cap_kn : ndarray of float64
        Speeds of the ship [kn].
    tanker, other_trade : ndarray of bool
        What the ship is; neither where that is not known.
    off : ndarray of float64
        Log-odds that the ship was switched off [nats]; NaN where nobody says.
    at_rest : ndarray of float64
        At how many of its ends the ship lay still.
    closed : ndarray of bool
        The ship was heard again.
    state : ndarray of float64, shape (n, 4)
        Course and speed at the start, then at the end [deg, kn].
    draughts : Draughts
    since_us : int
    """

    id: np.ndarray
    mmsi: np.ndarray
    prisms: Prisms
    mean_kn: np.ndarray
    sd_kn: np.ndarray
    cap_kn: np.ndarray
    tanker: np.ndarray
    other_trade: np.ndarray
    off: np.ndarray
    at_rest: np.ndarray
    closed: np.ndarray
    state: np.ndarray
    draughts: Draughts
    since_us: int

    def __len__(self) -> int:
        return len(self.mmsi)

    def at(self, rows: np.ndarray) -> Parties:
        """Those of these rows."""
        arrays = {each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name not in _WHOLE}
        return replace(self, **arrays, prisms=self.prisms.at(rows), draughts=self.draughts.at(rows))


_WHOLE = ("prisms", "draughts", "since_us")


def silent_parties(
    gaps: pd.DataFrame, vessels: pd.DataFrame | None, history: pd.DataFrame, silences: pd.DataFrame | None
) -> Parties:
    """Ships in their gaps; gaps without a position before are left out.

    Parameters
    ----------
    gaps : GAPS table
        Complete.
    vessels : VESSELS table or None
        Complete.
    history : DataFrame
        Of `as_history`: own speeds.
    silences : SILENCES table or None
        How likely each ship was switched off.

    Returns
    -------
    Parties
        In the order of the gaps.
    """
    known = gaps[np.isfinite(gaps["start_lat"] + gaps["start_lon"])].reset_index(drop=True)
    off = np.full(len(known), np.nan)
    if silences is not None:
        said = silences.drop_duplicates("gap_id").set_index("gap_id")["p_off"]
        chance = known["gap_id"].map(said).astype("float64").clip(_SURE, 1.0 - _SURE).to_numpy()
        off = np.log(chance / (1.0 - chance))
    since = int(time_us(known["gap_start"]).min()) if len(known) else 0
    ships = ships_of(known, vessels, history, PortRule())
    return _parties(known, ships, ships.cap_kn, vessels, off, since)


def lingering_parties(
    loitering: pd.DataFrame, vessels: pd.DataFrame | None, fixes: Any, ports: pd.DataFrame | None, since_us: int,
    rule: MeetingRule,
) -> Parties:  # fmt: skip
    """Ships that are seen to linger, away from ports.

    Parameters
    ----------
    loitering : LOITERING table
    vessels : VESSELS table or None
        Complete.
    fixes : FIXES table or None
        Draughts before and after.
    ports : PORTS table or None
    since_us : int
        Moment from which hours are counted.
    rule : MeetingRule

    Returns
    -------
    Parties
    """
    table = loitering.reset_index(drop=True)
    if ports is not None and len(table):
        table = table[~_in_port(table, ports, rule)].reset_index(drop=True)
    gaps = pd.DataFrame(
        {
            "gap_id": table["loitering_id"],
            "track_id": table["track_id"],
            "mmsi": table["track_id"].str.extract(r"^(\d+)", expand=False).astype("int64"),
            "gap_start": table["start_time"],
            "gap_end": table["end_time"],
            "is_closed": True,
            "duration_h": (time_us(table["end_time"]) - time_us(table["start_time"])) / US_PER_H,
            **{f"{end}_{name}": table[name] for end in ("start", "end") for name in ("lat", "lon")},
        }
    )
    gaps = complete(gaps, GAPS)
    if fixes is not None and len(gaps):
        gaps = gaps.assign(**_draughts(gaps, fixes))
    ships = ships_of(gaps, vessels, as_history(None), PortRule())
    nobody, stays = np.full(len(gaps), np.nan), np.full(len(gaps), _STAYS_KN)
    return _parties(gaps, ships, stays, vessels, nobody, since_us)


def _parties(
    table: pd.DataFrame,
    ships: Ships,
    speed_kn: np.ndarray,
    vessels: pd.DataFrame | None,
    off: np.ndarray,
    since_us: int,
) -> Parties:
    start = (time_us(table["gap_start"]) - since_us) / US_PER_H
    duration = table["duration_h"].to_numpy()
    closed = table["is_closed"].to_numpy(dtype=bool)
    before = table["start_lat"].to_numpy(), table["start_lon"].to_numpy()
    after = table["end_lat"].to_numpy(), table["end_lon"].to_numpy()
    slow = [(table[f"{end}_sog"] < _REST_KN).to_numpy(dtype="float64") for end in ("start", "end")]
    return Parties(
        id=table["gap_id"].to_numpy(dtype=object),
        mmsi=table["mmsi"].to_numpy(),
        prisms=make_prisms(before, after, start, start + duration, speed_kn),
        mean_kn=ships.mean_kn,
        sd_kn=ships.sd_kn,
        cap_kn=ships.cap_kn,
        tanker=ships.kind == _TANKER,
        other_trade=(ships.kind != _TANKER) & (ships.kind != _OTHER),
        off=off,
        at_rest=slow[0] + slow[1],
        closed=closed,
        state=np.stack([table[name].to_numpy(dtype="float64") for name in _STATE], axis=1),
        draughts=Draughts(
            before_m=table["start_draught_m"].to_numpy(),
            after_m=table["end_draught_m"].to_numpy(),
            before_age_h=table["start_draught_age_h"].to_numpy(),
            after_age_h=table["end_draught_age_h"].to_numpy(),
            laden_m=ships.laden_m,
            swing_m=ships.swing_m,
            plane_m2=_plane(table, vessels),
        ),
        since_us=since_us,
    )


def _plane(table: pd.DataFrame, vessels: pd.DataFrame | None) -> np.ndarray:
    """Length times beam of each gap's ship [m2], NaN where not known."""
    if vessels is None or "beam_m" not in vessels:
        return np.full(len(table), np.nan)
    known = vessels.drop_duplicates("mmsi").set_index("mmsi").reindex(table["mmsi"])
    plane = known["length_m"].to_numpy(dtype="float64") * known["beam_m"].to_numpy(dtype="float64")
    return np.where(plane > 0, plane, np.nan)


def _in_port(table: pd.DataFrame, ports: pd.DataFrame, rule: MeetingRule) -> np.ndarray:
    """Whether the place lies near a port; ship-to-ship areas are no ports."""
    kind = ports["kind"] if "kind" in ports else pd.Series("port", index=ports.index)
    some = ports[~kind.eq("sts").fillna(False).to_numpy(dtype=bool)]
    if len(some) == 0:
        return np.zeros(len(table), dtype=bool)
    lat, lon = some["lat"].to_numpy(), some["lon"].to_numpy()
    radius = np.maximum(some["radius_nm"].to_numpy(), rule.min_port_nm)
    cells = near_cells(lat, lon, radius)
    return near_any(table["lat"].to_numpy(), table["lon"].to_numpy(), lat, lon, radius, cells)


def _draughts(gaps: pd.DataFrame, fixes: Any) -> dict[str, np.ndarray]:
    """Draught last reported before, and first reported within a day after each event, as of the track's own fixes."""
    known = complete(fixes, FIXES)
    known = known.loc[known["draught_m"].notna(), ["mmsi", "timestamp", "draught_m"]]
    known = known.assign(seen=known["timestamp"]).sort_values(["timestamp", "mmsi", "draught_m"])
    at = gaps[["mmsi"]].assign(row=np.arange(len(gaps)))
    before = at.assign(timestamp=gaps["gap_start"]).sort_values(["timestamp", "row"])
    after = at.assign(timestamp=gaps["gap_end"]).sort_values(["timestamp", "row"])
    limit = pd.Timedelta(hours=_DRAUGHT_AGE_H)
    last = pd.merge_asof(before, known, on="timestamp", by="mmsi").sort_values("row")
    first = pd.merge_asof(after, known, on="timestamp", by="mmsi", direction="forward", tolerance=limit)
    first = first.sort_values("row")
    out = {}
    for end, found in (("start", last), ("end", first)):
        age = np.abs(time_us(found["seen"]) - time_us(found["timestamp"])) / US_PER_H
        out[f"{end}_draught_m"] = found["draught_m"].to_numpy()
        out[f"{end}_draught_age_h"] = np.where(found["seen"].isna(), np.nan, age)
    return out
