"""An interactive map for notebooks; its background tiles come from the network, the layers do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = ["explore_map"]

_GAP_COLUMNS = ["mmsi", "gap_start", "gap_end", "duration_h", "p_transfer", "port_id"]


def explore_map(tables: Mapping[str, pd.DataFrame]) -> Any:
    """Draw gaps by probability, sensitive ports and sightings.

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        `gaps`, `transfers`, `ports`, and `sightings` where there are any.

    Returns
    -------
    folium.Map
    """
    import folium

    from darkvoyage.geo import to_geo

    gaps = tables["gaps"].dropna(subset=["start_lat", "start_lon"]).merge(_likeliest(tables["transfers"]), how="left")
    ports = tables["ports"][tables["ports"]["sensitive"]]
    view = folium.Map(tiles="OpenStreetMap", control_scale=True)
    layers: list[tuple[str, Any, str | None, str]] = [
        ("Gaps", _as_text(to_geo(gaps), _GAP_COLUMNS), "p_transfer", "viridis_r")
    ]
    layers.append(
        ("Sensitive ports", _as_text(to_geo(ports), ["port_id", "name", "reason", "source"]), None, "#b2182b")
    )
    if "sightings" in tables:
        columns = ["sighting_id", "timestamp", "sensor", "length_m"]
        layers.append(("Sightings", _as_text(to_geo(tables["sightings"]), columns), None, "#2166ac"))
    for name, table, column, colour in layers:
        if len(table):
            style = {"column": column, "cmap": colour} if column else {"color": colour}
            view = table.explore(m=view, name=name, **style)
    folium.LayerControl().add_to(view)
    if len(gaps):
        low, high = gaps[["start_lat", "start_lon"]].min(), gaps[["start_lat", "start_lon"]].max()
        view.fit_bounds([low.tolist(), high.tolist()])
    return view


def _likeliest(transfers: pd.DataFrame) -> pd.DataFrame:
    ordered = transfers.sort_values("p_transfer", ascending=False, kind="stable")
    return ordered.drop_duplicates("gap_id")[["gap_id", "port_id", "p_transfer"]]


def _as_text(table: Any, columns: list[str]) -> Any:
    """Keep a few columns; times as text, because the map writes JSON."""
    kept = table[[name for name in columns if name in table] + [table.geometry.name]].copy()
    for name in kept.columns:
        if isinstance(kept[name].dtype, pd.DatetimeTZDtype):
            kept[name] = kept[name].dt.strftime("%Y-%m-%d %H:%M UTC")
    return kept[kept.geometry.notna() & ~kept.geometry.is_empty]
