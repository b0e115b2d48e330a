"""The analyst's rows as looks: each row with an image says that its place was seen, with a ship or without.

An empty berth is as good an observation as a ship. Where only ships are kept, nobody can tell how often they were away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from darkvoyage.errors import SchemaError
from darkvoyage.io.intake import Intake, parse_numbers
from darkvoyage.kernels.sphere import destination
from darkvoyage.schema.conform import complete
from darkvoyage.schema.tables import TABLES

__all__ = ["LOOK_RADIUS_NM", "empty_looks", "gather_looks", "place_looks"]

LOOK_RADIUS_NM = 0.25
"""Radius of what a row vouches for where only a position is given [nm]: 463 m, a berth with the longest ship at it
(400 m, the largest container ships) and the error of a position on an image."""

_AFLOAT = r"berth|anchor|under\s*way|moored|drift|alongside"
_EMPTY = r"no\s+(?:ship|vessel)|empty|nothing|none|absent"
_CORNERS = 32


def empty_looks(intake: Intake) -> pd.Series:
    """Tell which rows say that a place was seen without a ship.

    Parameters
    ----------
    intake : Intake

    Returns
    -------
    Series of bool
    """
    state = intake.text("state").fillna("")
    said = state.str.contains(_EMPTY, case=False)
    noted = intake.text("notes").fillna("").str.contains(_EMPTY, case=False)
    berth = intake.text("berth_id").notna() & ~state.str.contains(_AFLOAT, case=False)
    blank = intake.text("lat").isna() & intake.text("lon").isna()
    # A night without a light is one row of Skylight's answer.
    dark_night = intake.text("frame_extents").notna()
    return said | (blank & (berth | noted | dark_night))


def place_looks(intake: Intake, ports: Any) -> None:
    """Give each row an id of its scene and a footprint; rows that vouch for no place are dropped.

    Parameters
    ----------
    intake : Intake
        Of the analyst's spreadsheet.
    ports : table or None
        PORTS, whose `port_id` the berths are.
    """
    empty = empty_looks(intake)
    intake.drop(~empty & intake.text("scene_id").isna(), "no_scene_id")
    # A look is told apart by its own id where the image has none.
    scene = intake.text("scene_id").fillna("look;" + intake.text("sighting_id"))
    shapes = _berths(intake, ports)
    lat, lon = (parse_numbers(intake.frame[name], decimal_comma=intake.raw.decimal_comma) for name in ("lat", "lon"))
    at_sea = (shapely.is_missing(shapes) & (lat.abs() <= 90.0) & (lon.abs() <= 180.0)).to_numpy()
    shapes[at_sea] = _circles(lat.to_numpy()[at_sea], lon.to_numpy()[at_sea], np.full(at_sea.sum(), LOOK_RADIUS_NM))
    drawn = pd.Series(shapely.to_wkt(shapes, rounding_precision=7), intake.frame.index, dtype="str")
    said = {name: intake.text(name).groupby(scene).transform("min") for name in ("sensor", "source")}
    intake.frame = intake.frame.assign(scene_id=scene, footprint=intake.text("footprint").fillna(drawn), **said)
    berth = intake.text("berth_id")
    lost = intake.frame["footprint"].isna()
    intake.drop(lost & berth.notna(), "unknown_berth", berth)
    intake.drop(lost & berth.isna(), "no_footprint")


def gather_looks(intake: Intake) -> None:
    """Make one row of all rows of a scene: their places together, the earliest time, the cloudiest word on clouds.

    Parameters
    ----------
    intake : Intake
        With times, and footprints that are polygons; what the rows say of ships is left out.
    """
    frame = intake.frame[[name for name in intake.dialect.columns if name in intake]]
    by_scene = frame.groupby("scene_id", sort=False)
    group = by_scene.ngroup().to_numpy()
    parts, row = shapely.get_parts(shapely.from_wkt(frame["footprint"].to_numpy(dtype=object)), return_index=True)
    order = np.argsort(group[row], kind="stable")
    together = shapely.multipolygons(parts[order], indices=group[row][order])
    together = shapely.unary_union(together[:, None], axis=1)  # berths that overlap become one
    earliest = by_scene["timestamp"].transform("min")
    intake.repair(frame["timestamp"] != earliest, "earliest_time_of_scene")
    gathered = by_scene[[name for name in frame if name != "scene_id"]].transform("min")
    gathered = gathered.assign(
        scene_id=frame["scene_id"],
        footprint=pd.array(shapely.to_wkt(together, rounding_precision=7)[group], dtype="str"),
    )
    for name, sign in (("cloud_pct", -1.0), ("clear_fraction", 1.0)):
        if name in frame:
            values = parse_numbers(frame[name], decimal_comma=intake.raw.decimal_comma)
            gathered[name] = sign * (sign * values).groupby(group).transform("min")
    intake.frame = gathered
    intake.drop(gathered["scene_id"].duplicated(), "same_scene")


def _berths(intake: Intake, ports: Any) -> np.ndarray:
    """Extent of the berth of each row, shape (n,): its polygon, or the circle of its radius; null where unknown."""
    out = np.full(len(intake.frame), None, dtype=object)
    if ports is None:
        return out
    places = complete(ports, TABLES["PORTS"]).drop_duplicates("port_id")
    row = pd.Index(places["port_id"]).get_indexer(pd.Index(intake.text("berth_id")))
    known = row >= 0
    extents = _circles(*(places[name].to_numpy() for name in ("lat", "lon", "radius_nm")))
    text = places["geometry"]
    drawn = shapely.from_wkt(text.astype("object").where(text.notna(), None).to_numpy(), on_invalid="ignore")
    wrong = text.notna().to_numpy() & ~np.isin(shapely.get_type_id(drawn), [3, 6])
    if wrong.any():
        raise SchemaError(f"PORTS: column 'geometry' holds no polygon in WKT for {places['port_id'][wrong].iloc[0]!r}")
    out[known] = np.where(shapely.is_missing(drawn), extents, drawn)[row[known]]
    return out


def _circles(lat: np.ndarray, lon: np.ndarray, radius_nm: np.ndarray) -> np.ndarray:
    """Polygons about points, shape (n,)."""
    north, east = destination(
        lat[:, None], lon[:, None], np.linspace(360.0, 0.0, _CORNERS, endpoint=False), radius_nm[:, None]
    )
    return np.asarray(shapely.polygons(np.stack([east, north], axis=-1)), dtype=object)
