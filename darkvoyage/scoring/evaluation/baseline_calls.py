"""Simple rules for the port of a hidden call, beside `nearest_port_by_slack`: nearness alone, and habit alone.

Each gives the ports in reach an order by one thing, and breaks ties by the way there and back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import complete, conform, finish
from darkvoyage.schema.tables import GAPS, PORT_CALLS, PORTS
from darkvoyage.scoring.evaluation.baselines import NEXT_NEAREST, nearest_port_by_slack

__all__ = ["most_visited_by_fleet", "most_visited_by_ship", "nearest_port_to_start"]


def nearest_port_to_start(gaps: Any, ports: Any, history: Any = None, *, service_h: float = 6.0) -> pd.DataFrame:
    """Say that the ship called at the port in reach that is nearest to where it was heard last.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    history : table, optional
        Not looked at.
    service_h : float
        Shortest stay [h]; see `nearest_port_by_slack`.

    Returns
    -------
    PORT_CALLS table
    """
    table, places = complete(gaps, GAPS).set_index("gap_id"), conform(ports, PORTS).set_index("port_id")
    calls = nearest_port_by_slack(gaps, ports, service_h=service_h)
    start, place = table.reindex(calls["gap_id"]), places.reindex(calls["port_id"])
    points = (start["start_lat"], start["start_lon"], place["lat"], place["lon"])
    return _in_order(calls, -great_circle_nm(*(values.to_numpy("float64") for values in points)))


def most_visited_by_fleet(gaps: Any, ports: Any, history: Any, *, service_h: float = 6.0) -> pd.DataFrame:
    """Say that the ship called at the port in reach that all ships together were seen to visit most often.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    history : table
        Visits: `mmsi`, `port_id`.
    service_h : float
        Shortest stay [h]; see `nearest_port_by_slack`.

    Returns
    -------
    PORT_CALLS table
    """
    calls = nearest_port_by_slack(gaps, ports, service_h=service_h)
    visits = pd.DataFrame(history)["port_id"].value_counts()
    return _in_order(calls, calls["port_id"].map(visits).fillna(0).to_numpy("float64"))


def most_visited_by_ship(gaps: Any, ports: Any, history: Any, *, service_h: float = 6.0) -> pd.DataFrame:
    """Say that the ship called at the port in reach that it was seen to visit most often itself.

    Parameters
    ----------
    gaps : GAPS table
    ports : PORTS table
    history : table
        Visits: `mmsi`, `port_id`.
    service_h : float
        Shortest stay [h]; see `nearest_port_by_slack`.

    Returns
    -------
    PORT_CALLS table
    """
    calls = nearest_port_by_slack(gaps, ports, service_h=service_h)
    ships = complete(gaps, GAPS).set_index("gap_id")["mmsi"]
    visits = pd.DataFrame(history)[["mmsi", "port_id"]].dropna().value_counts().rename("visits").reset_index()
    pairs = pd.DataFrame({"mmsi": calls["gap_id"].map(ships), "port_id": calls["port_id"]})
    return _in_order(calls, pairs.merge(visits, how="left")["visits"].fillna(0).to_numpy("float64"))


def _in_order(calls: pd.DataFrame, merit: np.ndarray) -> pd.DataFrame:
    """Readings with the probabilities of `nearest_port_by_slack` dealt anew: to the ports of most merit first."""
    place = calls["port_id"].notna().to_numpy()
    rows = pd.DataFrame({"gap": pd.factorize(calls["gap_id"])[0], "merit": -merit, "nm": calls["sea_distance_nm"]})
    order = rows[place].sort_values(["gap", "merit", "nm"], kind="stable")
    rank = order.groupby("gap").cumcount().reindex(np.flatnonzero(place)).to_numpy()
    p_call = calls["p_call"].to_numpy().copy()
    p_call[place] = (1 - NEXT_NEAREST) * NEXT_NEAREST**rank
    return finish(calls.assign(p_call=p_call), PORT_CALLS)
