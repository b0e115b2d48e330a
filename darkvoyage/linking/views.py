"""What scenes could have shown: the ports in them, and the chance that a ship was in the picture and detected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.kernels.planes import points_along
from darkvoyage.kernels.prisms import degrees_of, unit_vectors
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.linking.footprints import watched
from darkvoyage.linking.laws import imager_of
from darkvoyage.linking.places import Excursions
from darkvoyage.linking.sensors import detection_chance
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.times import time_us
from darkvoyage.units import US_PER_H

__all__ = ["InView", "Views"]

_ENDS = ("start", "end")


def _ports_in(footprint: np.ndarray, ports: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Scene and port (row numbers) of all ports inside a footprint, sorted by (scene, port)."""
    import shapely

    if len(footprint) == 0 or len(ports) == 0:
        return np.empty(0, "int64"), np.empty(0, "int64")
    points = shapely.points(ports["lon"].to_numpy(), ports["lat"].to_numpy())
    port, scene = shapely.STRtree(footprint).query(points, predicate="intersects")
    order = np.lexsort((port, scene))
    return scene[order], port[order]


@dataclass(frozen=True)
class InView:
    """Whether the ships of n pairs were in the picture, calls apart so that these can be weighed anew.

    Parameters
    ----------
    gap : ndarray of int64, shape (n,)
    full, clear : ndarray of float64, shape (n,)
        Chance of being detected in a clear picture, and how much of the picture is clear.
    passing : ndarray of bool, shape (n,)
        Whether a ship that goes straight on is in the footprint.
    pair, call : ndarray of int64, shape (m,)
        Calls at ports in the footprint: rows of the pairs and of the excursions.
    dwell : ndarray of float64, shape (m,)
        Chance of lying there at the time, given the call.
    """

    gap: np.ndarray
    full: np.ndarray
    clear: np.ndarray
    passing: np.ndarray
    pair: np.ndarray
    call: np.ndarray
    dwell: np.ndarray

    def inside(self, routes: Excursions) -> np.ndarray:
        """Chance that the ship was inside the footprint at the time, before looking, shape (n,).

        Lying at a port of the footprint, or going straight on with the expected place in it. What is spread over the
        whole prism adds next to nothing to one footprint, and is left out.

        Parameters
        ----------
        routes : Excursions
        """
        lying = np.bincount(self.pair, routes.weight[self.call] * self.dwell, minlength=len(self.gap))
        straight = (1.0 - routes.calling[self.gap]) * routes.straight[self.gap]
        return np.minimum(lying + straight * self.passing, 1.0)

    def ratio(self, inside: np.ndarray) -> np.ndarray:
        """Log ratio of being seen where the sighting is, against being missed or elsewhere [nats], shape (n,).

        Parameters
        ----------
        inside : ndarray of float64, shape (n,)
        """
        return np.log(self.full) - np.log1p(-self.full * self.clear * inside)


@dataclass(frozen=True)
class Views:
    """What scenes could have shown, made once.

    Parameters
    ----------
    scene : ndarray of int64, shape (sightings,)
        Row of each sighting's scene, -1 where it is not known.
    footprint : ndarray of object, shape (scenes,)
        Of `watched`, prepared.
    imager : ndarray of str, shape (scenes + 1,)
    clear : ndarray of float64, shape (scenes + 1,)
        Clear share, 1 where it is not known; the last of both is that of no scene.
    first : ndarray of int64, shape (scenes + 1,)
        Where the ports of each scene begin.
    port : ndarray of int64, shape (ports in scenes,)
    ends : tuple of two ndarray of float64, shape (gaps, 3)
        Unit vectors of start and end of each gap.
    length_m : ndarray of float64, shape (gaps,)
    routes : Excursions
    rule : LinkRule
    """

    scene: np.ndarray
    footprint: np.ndarray
    imager: np.ndarray
    clear: np.ndarray
    first: np.ndarray
    port: np.ndarray
    ends: tuple[np.ndarray, np.ndarray]
    length_m: np.ndarray
    routes: Excursions
    rule: LinkRule

    @classmethod
    def of(
        cls, gaps: pd.DataFrame, scene: np.ndarray, scenes: pd.DataFrame, ports: pd.DataFrame, routes: Excursions,
        rule: LinkRule,
    ) -> Views:  # fmt: skip
        """Prepare scenes.

        Parameters
        ----------
        gaps : GAPS table
        scene : ndarray of int64, shape (sightings,)
            Row of each sighting's scene, -1 where it is not known.
        scenes, ports : DataFrame
            Their tables.
        routes : Excursions
        rule : LinkRule
        """
        import shapely

        footprint = watched(scenes)
        shapely.prepare(footprint)
        of_scene, port = _ports_in(footprint, ports)
        clear = np.ones(len(scenes))
        if "clear_fraction" in scenes:
            clear = np.nan_to_num(scenes["clear_fraction"].to_numpy(), nan=1.0)
        start, end = (unit_vectors(*(gaps[f"{end}_{name}"].to_numpy() for name in ("lat", "lon"))) for end in _ENDS)
        return cls(
            scene=scene,
            footprint=footprint,
            imager=np.append(imager_of(scenes), ""),
            clear=np.append(clear, 1.0),
            first=np.searchsorted(of_scene, np.arange(len(scenes) + 1)),
            port=port,
            ends=(start, end),
            length_m=gaps["length_m"].to_numpy(),
            routes=routes,
            rule=rule,
        )

    def chance(self, length_m: np.ndarray, sighting: np.ndarray) -> np.ndarray:
        """Chance that ships are detected where the scenes of sightings are clear, shape (n,).

        Parameters
        ----------
        length_m : ndarray of float64, shape (n,)
            NaN where unknown.
        sighting : ndarray of int64, shape (n,)
        """
        imager = self.imager[self.scene[sighting]]
        return detection_chance(length_m, np.ones(len(length_m)), self.rule.p_detect_max, imager=imager)

    def lit_ratio(self, lit: pd.DataFrame) -> np.ndarray:
        """Log ratio as `InView.ratio` of ships that were heard about the time, shape (n,).

        Parameters
        ----------
        lit : DataFrame of n rows
            Of `broadcasting_pairs`.
        """
        import shapely

        sighting, lat, lon = (lit[name].to_numpy() for name in ("sighting", "lat", "lon"))
        full, scene = self.chance(lit["length_m"].to_numpy(), sighting), self.scene[sighting]
        inside = scene >= 0
        asked = np.flatnonzero(inside & np.isfinite(lat))
        inside[asked] = shapely.contains_xy(self.footprint[scene[asked]], lon[asked], lat[asked])
        return np.log(full) - np.log1p(-full * self.clear[scene] * inside)

    def in_view(self, pairs: pd.DataFrame) -> InView:
        """Work out who could be in the picture.

        Parameters
        ----------
        pairs : DataFrame of n rows
            `gap`, `sighting`, `since_h`, `total_h`.

        Returns
        -------
        InView
        """
        import shapely

        gap, sighting, since, total = (pairs[name].to_numpy() for name in ("gap", "sighting", "since_h", "total_h"))
        scene = self.scene[sighting]
        known = np.flatnonzero(scene >= 0)
        passing = np.zeros(len(pairs), dtype=bool)
        some = gap[known]
        here = points_along(self.ends[0][some], self.ends[1][some], since[known] / total[known])
        lat, lon = degrees_of(here)
        passing[known] = shapely.contains_xy(self.footprint[scene[known]], lon, lat)
        owner, index = expand(self.first[scene[known]], np.diff(self.first)[scene[known]])
        pair = known[owner]
        call = self.routes.find(gap[pair], self.port[index])
        pair, call = pair[call >= 0], call[call >= 0]
        return InView(
            gap=gap,
            full=self.chance(self.length_m[gap], sighting),
            clear=self.clear[scene],
            passing=passing,
            pair=pair,
            call=call,
            dwell=self.routes.dwell(call, since[pair], self.rule),
        )

    def calls_in_view(self, gaps: pd.DataFrame, scenes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List the scenes of each port in the time of each call that is possible there.

        Parameters
        ----------
        gaps, scenes : DataFrame
            The tables that these views were made of.

        Returns
        -------
        call, scene : ndarray of int64, shape (n,)
            Row of `routes`, row of `scenes`.
        chance : ndarray of float64, shape (n,)
            Of seeing the gap's ship in the scene, given the call.
        """
        routes = self.routes
        # Scenes of each port in time order; for each possible call the scenes within its window.
        scene = np.repeat(np.arange(len(scenes)), np.diff(self.first))
        at = time_us(scenes["timestamp"])[scene]
        order = np.lexsort((at, self.port))
        scene, port, at = scene[order], self.port[order], at[order]
        call = np.flatnonzero(np.isin(routes.port, np.unique(port)))
        start = time_us(gaps["gap_start"])
        arrive, depart = (
            start[routes.gap[call]] + np.round(hours[call] * US_PER_H).astype("int64")
            for hours in (routes.arrive_h, routes.depart_h)
        )
        low = search_groups(port, at, routes.port[call], arrive, side="left")
        high = search_groups(port, at, routes.port[call], depart, side="left")
        owner, index = expand(low, np.maximum(high - low, 0))
        row, look = call[owner], scene[index]
        gap = routes.gap[row]
        since = (at[index] - start[gap]) / US_PER_H
        full = detection_chance(self.length_m[gap], self.clear[look], self.rule.p_detect_max, imager=self.imager[look])
        return row, look, full * routes.dwell(row, since, self.rule)
