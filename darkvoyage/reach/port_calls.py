"""What a ship could have done in a gap, and how likely each reading is.

Each gap is read as transit, wait (slow steaming, drifting, anchoring), a call at each port in reach, a meeting in each
ship-to-ship area in reach or elsewhere at sea, or something unknown. The readings are compared by the density of the
elapsed time, by directions and speeds at both ends, by the draughts, by the destination text, and by what ship and
fleet did before. "Could have" (`p_feasible`, `slack_h`: lower bounds of the sea distance) and "likely did" (`p_call`:
mean distances) are separate columns. The sensitive flag of a port never enters.

The elapsed-time reading follows the space-time prism of time geography (Haegerstrand 1970), with densities in place of
a yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from darkvoyage.reach.candidates import pairs_in_reach, places_within
from darkvoyage.reach.history import as_history
from darkvoyage.reach.ships import ships_of
from darkvoyage.reach.weighing import EVIDENCE, HYPOTHESES, place_rows, plain_rows, posterior
from darkvoyage.rules.reach import PortRule
from darkvoyage.schema.conform import complete, conform, empty, finish
from darkvoyage.schema.motion import with_made_good
from darkvoyage.schema.tables import DARK_MEETINGS, GAPS, PORT_CALLS, PORTS, VESSELS
from darkvoyage.schema.times import utc_times

__all__ = ["find_port_calls"]

_BLOCK_ROWS = 600_000
_MOST_ODDS = 1e3
_STS = HYPOTHESES.index("sts")


@dataclass(frozen=True)
class _Known:
    """What is known beside the gaps: `met` holds the chance of a meeting by gap and listed area ("" for none)."""

    places: pd.DataFrame
    vessels: pd.DataFrame | None
    history: pd.DataFrame
    met: pd.Series


@overload
def find_port_calls(
    gaps: Any, ports: Any, *, vessels: Any = None, history: Any = None, meetings: Any = None, calls_path: None = None,
    rule: PortRule | None = None,
) -> pd.DataFrame: ...  # fmt: skip


@overload
def find_port_calls(
    gaps: Any, ports: Any, *, vessels: Any = None, history: Any = None, meetings: Any = None, calls_path: str | Path,
    rule: PortRule | None = None,
) -> Path: ...  # fmt: skip


def find_port_calls(
    gaps: Any, ports: Any, *, vessels: Any = None, history: Any = None, meetings: Any = None,
    calls_path: str | Path | None = None, rule: PortRule | None = None,
) -> pd.DataFrame | Path:  # fmt: skip
    """Weigh every port in reach of each gap against the innocent readings of it.

    Parameters
    ----------
    gaps : GAPS table
        Of `add_made_good` where ships do not report speed and course.
    ports : PORTS table
    vessels : VESSELS table, optional
        Service speeds, ship types, deadweights and laden draughts.
    history : HISTORY or PORT_VISITS table, optional
        What the fleet did before, best of `fleet_history`: visits raise a port's prior and tell how long ships wait and
        stay, speeds say what a ship can do. A table of `mmsi` with `port_id` or `speed_kn` will do.
    meetings : DARK_MEETINGS table, optional
        Ships that this one could have met; the chance that one of them was met becomes the prior of that reading.
    calls_path : path, optional
        Write the table to this Parquet file block by block, in order, and return the path: for more gaps than memory
        holds the readings of.
    rule : PortRule, optional

    Returns
    -------
    PORT_CALLS table or Path
        One row per gap and port in reach, and one per gap for `transit`, `wait`, `unknown` and a meeting at sea outside
        any listed area (`sts` without a port). Over a gap the `p_call` sum to 1; `p_call_prior` is the weight before
        the evidence, and `sensitive` the port's flag, passed on. A gap without a start position has `unknown` only.
        `sea_distance_nm` is the mean estimate there and back [nm], `required_speed_kn` what the lower bound of it takes
        with the shortest stay. The `llr_*` are the evidence against knowing nothing, as it was weighed [nats]: `p_call`
        goes with `p_call_prior` times the exponential of their sum, but for `llr_history`, which says how the past and
        the way changed an even prior over the places in reach and is in `p_call_prior`.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or PortRule()
    table = with_made_good(complete(gaps, GAPS))
    table = table.sort_values(["gap_id", "track_id"], kind="stable", ignore_index=True)
    known = _Known(
        conform(ports, PORTS).sort_values("port_id", kind="stable", ignore_index=True),
        None if vessels is None else complete(vessels, VESSELS),
        as_history(history),
        _chances(meetings),
    )
    parts = (_judged(block, known, rule) for block in _blocks(table, known, rule))
    if calls_path is not None:
        return _streamed(parts, Path(calls_path))
    tables = list(parts)
    return pd.concat(tables, ignore_index=True) if tables else empty(PORT_CALLS)


def _blocks(table: pd.DataFrame, known: _Known, rule: PortRule) -> Iterator[pd.DataFrame]:
    """Yield runs of gaps that have a bounded number of readings together."""
    ships = ships_of(table, known.vessels, known.history, rule)
    rows = places_within(table, known.places, ships, rule) + len(HYPOTHESES) - 1
    block = np.cumsum(rows) // _BLOCK_ROWS
    for number in np.unique(block):
        first, end = np.searchsorted(block, [number, number + 1])
        yield table.iloc[first:end].reset_index(drop=True)


def _judged(table: pd.DataFrame, known: _Known, rule: PortRule) -> pd.DataFrame:
    """PORT_CALLS of some gaps."""
    ships = ships_of(table, known.vessels, known.history, rule)
    pairs = pairs_in_reach(table, known.places, ships, known.history, rule)
    parts = [
        plain_rows(table, known.places, ships, pairs, rule),
        place_rows(table, known.places, ships, pairs, known.history, rule),
    ]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    if len(known.met):
        rows["weight"] = _with_meetings(rows, table, known)
    return _laid_out(posterior(rows, rule), table, known.places)


def _chances(meetings: Any) -> pd.Series:
    """Chance that the ship of a gap met at least one of those it could have met, by gap and listed area."""
    if meetings is None:
        return pd.Series(dtype="float64")
    found = complete(meetings, DARK_MEETINGS)
    # A ship meets one other at most: the partners of a gap exclude each other, and their chances add up.
    chance = found["p_met"].fillna(0.0).clip(0.0, 1.0)
    return chance.groupby([found["gap_id"], found["port_id"].fillna("")]).sum().clip(upper=1.0 - 1e-9)


def _with_meetings(rows: pd.DataFrame, table: pd.DataFrame, known: _Known) -> np.ndarray:
    """Prior weights in which a meeting has the chance that a partner was met, where that is more than its own."""
    gap, port, weight = (rows[name].to_numpy() for name in ("gap", "port", "weight"))
    ids = np.append(known.places["port_id"].to_numpy(dtype=object), "")
    wanted = pd.MultiIndex.from_arrays([table["gap_id"].to_numpy(dtype=object)[gap], ids[port]])
    met = known.met.reindex(wanted).fillna(0.0).to_numpy()
    chance = np.where(rows["hypothesis"].to_numpy() == _STS, met, 0.0)
    others = np.bincount(gap, weight)[gap] - weight
    return np.maximum(weight, others * np.minimum(chance / (1.0 - chance), _MOST_ODDS))


def _laid_out(rows: pd.DataFrame, table: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Lay out weighed rows as the table PORT_CALLS."""
    gap, port = rows["gap"].to_numpy(), rows["port"].to_numpy()
    columns: dict[str, Any] = {
        "gap_id": table["gap_id"].take(gap).reset_index(drop=True),
        # Rows without a port have -1, which reindexing turns into nulls.
        "port_id": places["port_id"].reindex(port).reset_index(drop=True),
        "hypothesis": pd.Series(HYPOTHESES, dtype="str").take(rows["hypothesis"].to_numpy()).reset_index(drop=True),
        "sensitive": np.where(port >= 0, np.append(places["sensitive"].to_numpy(dtype=bool), False)[port], False),
    }
    for name, moments in (("arrive_earliest", "arrive_us"), ("depart_latest", "depart_us")):
        moment = rows[moments].to_numpy() if moments in rows else np.full(len(rows), np.nan)
        columns[name] = utc_times(np.nan_to_num(moment), np.isfinite(moment))
    same = (
        *EVIDENCE,
        "llr_history",
        "sea_distance_nm",
        "required_speed_kn",
        "p_feasible",
        "slack_h",
        "p_call",
        "p_call_prior",
    )
    return finish(columns | {name: rows[name] for name in same if name in rows}, PORT_CALLS)


def _streamed(parts: Iterable[pd.DataFrame], path: Path) -> Path:
    """Write tables of the same columns to one Parquet file, which is there once it is whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.Schema.from_pandas(empty(PORT_CALLS), preserve_index=False)
    unfinished = path.with_name(f"{path.name}.part")
    with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pa.Table.from_pandas(part, schema=schema, preserve_index=False))
    unfinished.replace(path)
    return path
