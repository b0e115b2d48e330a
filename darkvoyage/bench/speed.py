"""How many rows a second each stage takes, beside a floor of the same run.

Times on a busy machine mean little; their ratio to what no implementation can go under means something: Arrow's own
parser for the readers, a sort of the rows by ship and time with NumPy for what must see them in order. Stages that see
gaps and sightings only have no such floor.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.bench.tables import markdown, records, versions, write_results
from darkvoyage.chain import Progress
from darkvoyage.errors import RuleError
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.reception import fit_reception
from darkvoyage.gaps.silence import score_silence
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.linking.associate import link_sightings
from darkvoyage.reach.places import merge_ports
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.schema.conform import as_frame
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import time_us
from darkvoyage.scoring.rules import score_transfers
from darkvoyage.simulation.world import World, simulate
from darkvoyage.tracks.cleaning import clean_fixes

__all__ = ["measure_speed", "write_speed"]

_SEED, _VESSELS = 770_901, 60
_MOST_DAYS = 365


@dataclass
class _Watch:
    """What each step took."""

    rows: list[dict[str, Any]]
    progress: Progress

    def __call__(self, step: str, number: int, floor: str, work: Callable[[], Any]) -> Any:
        self.progress(step, len(self.rows), 13)
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        self.rows.append({"step": step, "rows_in": number, **taken, "floor": floor})
        return result


def measure_speed(*, fixes: int = 1_000_000, progress: Progress | None = None) -> pd.DataFrame:
    """Time each stage once on a simulated feed of a busy strait.

    Parameters
    ----------
    fixes : int
        Rows of the feed, about.
    progress : callable, optional
        Called with the step's name, its number from 0 and the number of steps.

    Returns
    -------
    DataFrame
        `step`, `rows_in`, `wall_s`, `cpu_s`, `rows_per_s` (of CPU time), `floor` (name of the step that it is held
        against, blank for floors themselves), `times_floor` (CPU time over that of the floor).

    Raises
    ------
    RuleError
        Fewer than 1,000 fixes.
    """
    if isinstance(fixes, bool) or not isinstance(fixes, int) or fixes < 1000:
        raise RuleError(f"fixes = {fixes!r}: expected a whole number of at least 1,000")
    watch = _Watch(rows=[], progress=progress or _silent)
    days = _days_for(fixes)
    world = watch("simulate", fixes, "", lambda: _feed(days))
    # Feeds come in the order of time, not of ships.
    table = as_frame(world.fixes, FIXES).sort_values("timestamp", kind="stable", ignore_index=True)
    watch.rows[0]["rows_in"] = len(table)
    _sort(table)  # once before, so that its time is that of the sort alone
    watch("sort", len(table), "", lambda: _sort(table))
    with tempfile.TemporaryDirectory() as folder:
        _readers(Path(folder), table, watch)
    ports = merge_ports(world.ports, sensitive_ports())
    cleaned = watch("clean", len(table), "sort", lambda: clean_fixes(table))
    gaps = watch("gaps", len(table), "sort", lambda: find_gaps(cleaned))
    reception = watch("fit reception", len(table), "sort", lambda: fit_reception(cleaned))
    silences = watch("score silence", len(gaps), "", lambda: score_silence(gaps, reception))
    calls = watch("port calls", len(gaps), "", lambda: find_port_calls(gaps, ports, vessels=world.vessels))
    looks: dict[str, Any] = {"scenes": world.scenes, "fixes": cleaned, "ports": ports, "vessels": world.vessels}
    links = watch("link", len(world.sightings), "", lambda: link_sightings(gaps, world.sightings, **looks))
    watch(
        "score",
        len(calls),
        "",
        lambda: score_transfers(gaps, silences=silences, port_calls=calls, links=links, vessels=world.vessels),
    )
    out = pd.DataFrame(watch.rows)
    out["rows_per_s"] = out["rows_in"] / out["cpu_s"].clip(lower=1e-6)
    out["times_floor"] = out["cpu_s"] / out["floor"].map(out.set_index("step")["cpu_s"])
    return out


def write_speed(folder: str | Path, table: pd.DataFrame) -> Path:
    """Write `speed.md` and `speed.json`.

    Parameters
    ----------
    folder : path
    table : DataFrame
        Of `measure_speed`.

    Returns
    -------
    Path
        The Markdown file.
    """
    used = versions()
    text = [
        "# Throughput",
        "One simulated feed of a busy strait, every stage once, one process. `times_floor` is CPU time over that of "
        "the step named as its floor; absolute times move with the machine's load.",
        markdown(table[["step", "rows_in", "wall_s", "cpu_s", "rows_per_s", "floor", "times_floor"]]),
        "Versions: " + ", ".join(f"{name} {number}" for name, number in used.items()) + ".",
    ]
    data = {"versions": used, "seed": _SEED, "steps": records(table)}
    return write_results(folder, "speed", text="\n\n".join(text) + "\n", data=data)


def _silent(step: str, number: int, total: int) -> None:
    """Report nothing."""


def _feed(days: int) -> World:
    return simulate(seed=_SEED, vessels=_VESSELS, days=days, preset="strait")


def _days_for(fixes: int) -> int:
    """How long the feed takes to reach this many rows."""
    a_day = len(as_frame(_feed(1).fixes, FIXES))
    return int(np.clip(np.ceil(fixes / a_day), 1, _MOST_DAYS))


def _sort(table: pd.DataFrame) -> int:
    """Put times and positions in the order of ship and time, with one integer as the key of both."""
    at = time_us(table["timestamp"])
    ship = np.unique(table["mmsi"].to_numpy(), return_inverse=True)[1]
    order = np.argsort(ship * (np.ptp(at) + 1) + (at - at.min()))
    return sum(len(values[order]) for values in (at, table["lat"].to_numpy(), table["lon"].to_numpy()))


def _readers(folder: Path, table: pd.DataFrame, watch: _Watch) -> None:
    from pyarrow import csv, parquet

    text, columns = folder / "feed.csv", folder / "feed.parquet"
    table.to_csv(text, index=False)
    table.to_parquet(columns, index=False)
    watch("parse csv", len(table), "", lambda: csv.read_csv(text))
    watch("read csv", len(table), "parse csv", lambda: read_fixes(text))
    watch("decode parquet", len(table), "", lambda: parquet.read_table(columns))
    watch("read parquet", len(table), "decode parquet", lambda: read_fixes(columns))
