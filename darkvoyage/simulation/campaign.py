"""The fictional campaign: nine months of a sea with a dark fleet, and the truth about it.

The generator follows published facts and physics, never the assumptions of a detector, and no detector may read its
parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import PORTS, VESSELS, WATCHLIST
from darkvoyage.simulation.diary import SLOTS_PER_H, Call
from darkvoyage.simulation.feed import equipment_fixes, fix_table, ship_fixes
from darkvoyage.simulation.fleet import FICTION_NOTE, fleets, vessel_table, watch_list
from darkvoyage.simulation.geography import ordinary_ports
from darkvoyage.simulation.radio import hear, make_ether
from darkvoyage.simulation.sensors import observe
from darkvoyage.simulation.shuttles import dark_log, plan_fleet
from darkvoyage.simulation.voyages import faults, hide_at_sea, innocent_log
from darkvoyage.simulation.waters_east import east_sea

__all__ = ["DEFAULT_SEED", "FICTION_NOTE", "Campaign", "campaign"]

DEFAULT_SEED = 20240307
"""The campaign that the documentation shows."""
START = pd.Timestamp("2024-03-01T00:00:00Z")
DAYS = 256
"""The feed: from 1 March to 12 November 2024, around the published span of 7 March to 5 November."""
_FLEET, _PLAN, _ETHER, _DEFECTS, _IMAGES, _LISTS, _HIDE, _DARK, _OTHER, _RADIO, _SET = range(11)


@dataclass(frozen=True)
class Campaign:
    """Everything that an investigator would have, and the truth.

    Parameters
    ----------
    fixes, ports, sightings, scenes, vessels, watchlist : DataFrame
        Tables of those names; `ports` are the ordinary ones only.
    truth : DataFrame
        One row per hidden call and per deliberate silence without a call: `mmsi`, `off_time`, `on_time`, `kind`
        ("dark_call", "off_no_call"), `port`, `arrive`, `depart` (null without a call), `loaded`, `cargo_t`, `barrels`.
    truth_sightings : DataFrame
        `sighting_id` and the `mmsi` of the ship seen, null where nobody tracks it or nothing was there.
    """

    fixes: pd.DataFrame
    ports: pd.DataFrame
    sightings: pd.DataFrame
    scenes: pd.DataFrame
    vessels: pd.DataFrame
    watchlist: pd.DataFrame
    truth: pd.DataFrame
    truth_sightings: pd.DataFrame


def campaign(*, seed: int = DEFAULT_SEED, dark_calls: bool = True) -> Campaign:
    """Generate a fictional campaign; the same seed gives the same tables.

    Parameters
    ----------
    seed : int
    dark_calls : bool
        False: the same waters where nobody hides a call; a few crews still switch off at sea.

    Returns
    -------
    Campaign

    Raises
    ------
    RuleError
        A seed that is no whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise RuleError(f"seed = {seed!r}: expected a whole number of at least 0")
    dark, others = fleets(_stream(seed, _FLEET), float(DAYS))
    last = DAYS * 24 * SLOTS_PER_H
    plans = plan_fleet(len(dark), _stream(seed, _PLAN), dark_calls=dark_calls)
    logs, calls = [], []
    for place, (ship, plan) in enumerate(zip(dark, plans, strict=True)):
        rng = _stream(seed, _DARK, place)
        log, mine = dark_log(ship, rng, plan, last)
        faults(log, rng)
        logs.append(log)
        calls += mine
    innocent = [innocent_log(ship, _stream(seed, _OTHER, place), last) for place, ship in enumerate(others)]
    hide = _stream(seed, _HIDE)
    calls += hide_at_sea(innocent, hide, int(hide.integers(5, 9)))
    logs += innocent
    ether = make_ether(_stream(seed, _ETHER), east_sea(), DAYS)
    parts = [
        ship_fixes(log, hear(log, ether, _stream(seed, _RADIO, place)), START, _stream(seed, _SET, place))
        for place, log in enumerate(logs)
    ]
    fixes = fix_table([*parts, equipment_fixes(east_sea(), START, DAYS, _stream(seed, _DEFECTS))])
    scenes, sightings, truth_sightings = observe(logs, START, DAYS, _stream(seed, _IMAGES))
    lists = _stream(seed, _LISTS)
    return Campaign(
        fixes=fixes,
        ports=finish(ordinary_ports(), PORTS, optional=True),
        sightings=sightings,
        scenes=scenes,
        vessels=finish(pd.DataFrame(vessel_table([*dark, *others], lists)), VESSELS),
        watchlist=finish(pd.DataFrame(watch_list(dark, others, START, lists)), WATCHLIST),
        truth=_truth(calls),
        truth_sightings=truth_sightings,
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    """A generator of its own for every part of the world, so that one part's draws never move another's."""
    return np.random.default_rng([int(seed), *key])


def _truth(calls: list[Call]) -> pd.DataFrame:
    table = pd.DataFrame([call.__dict__ for call in calls], columns=list(Call.__dataclass_fields__))
    out = pd.DataFrame({"mmsi": table["mmsi"].astype("int64")})
    for name, source in (("off_time", "off_s"), ("on_time", "on_s")):
        out[name] = _time(table[source])
    out["kind"] = pd.array(table["kind"].tolist(), dtype="str")
    out["port"] = pd.array(table["port"].tolist(), dtype="str")
    out["arrive"], out["depart"] = _time(table["arrive_s"]), _time(table["depart_s"])
    out = out.assign(loaded=table["loaded"].to_numpy(dtype=bool), cargo_t=table["cargo_t"], barrels=table["barrels"])
    return out.sort_values(["off_time", "mmsi"], kind="stable").reset_index(drop=True)


def _time(seconds: pd.Series) -> pd.Series:
    return (START + pd.to_timedelta(seconds.astype("float64").round(), unit="s")).dt.as_unit("us")
