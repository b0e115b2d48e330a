"""Images over real tracks: does a sighting find the silent ship that it shows.

Times and places of images are laid over real tracks. Of the ships in a footprint some never broadcast (their tracks are
taken out altogether), half of the others fall silent for some hours around the image, and the rest broadcast to within
a few minutes of it. The image itself is made from the true positions; what it misses, displaces and mistakes are
numbers of `camera`, not of the linker.

Limits: ships that are not reported every five minutes at the time of an image are not in it. Ships are masked at
random, so that what they do in a silence is what ships do: nobody here goes somewhere in order not to be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.gaps.find import find_gaps
from darkvoyage.gaps.hiding import Tracks, cleaned, without
from darkvoyage.kernels.sphere import destination
from darkvoyage.linking.associate import link_sightings
from darkvoyage.rules.linking import LinkRule
from darkvoyage.rules.tracks import GapRule
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import VESSELS
from darkvoyage.schema.times import utc_times
from darkvoyage.scoring.evaluation.camera import Camera, Scenery, photograph
from darkvoyage.scoring.evaluation.links import answers_links, answers_ships
from darkvoyage.scoring.evaluation.scene_views import DENSE_H, made_ships, ships_in_view, shown_ships
from darkvoyage.units import US_PER_H

__all__ = [
    "MaskedScenes",
    "camera_of",
    "find_masked_gaps",
    "judge_links",
    "link_masked",
    "mask_scenes",
    "overlay_days",
    "overlay_runs",
    "overlay_starts",
]

MIN_GAP_H = 0.4
"""Silences from this on are gaps, so that those of half an hour are [h]."""
_LIT_H = 3 / 60
_TOLERANCE = 0.1
"""A silence ends at fixes, and may be longer at either end by this share and the spacing of dense reports."""
_APART, _MARGIN_H = 2.2, 0.5
"""Images are this many silences and hours apart: then no two silences of a ship meet."""
_VOYAGE_H = 1.0
_STAND_IN_MMSI = 299_000_000  # the identification digits 299 are not allocated


@dataclass(frozen=True)
class MaskedScenes:
    """A feed with silences, images of it, and what they show.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned, without the hidden rows.
    sightings : SIGHTINGS table
    scenes : SCENES table
    vessels : VESSELS table
        Lengths of the ships that broadcast.
    truth_sightings : TRUTH_SIGHTINGS table
        `mmsi` is null for ships that never broadcast and for clutter.
    ships : DataFrame
        Ships in the images that broadcast at some time, seen or not: `scene_id`, `timestamp`, `mmsi`, `sighting_id`.
    ports : PORTS table, optional
        What the linker is told of ports.
    min_gap_h : float
        Silences from this on are gaps [h].
    """

    fixes: pd.DataFrame
    sightings: pd.DataFrame
    scenes: pd.DataFrame
    vessels: pd.DataFrame
    truth_sightings: pd.DataFrame
    ships: pd.DataFrame
    ports: pd.DataFrame | None = None
    min_gap_h: float = MIN_GAP_H


def mask_scenes(
    fixes: Any, *, gap_h: float, number: int = 20, seed: int = 0, sensor: str = "sar", half_side_nm: float = 25.0,
    unknown_share: float = 0.15, dark_share: float = 0.5, length_m: float = 110.0, length_log_sd: float = 0.5,
    camera: Camera | None = None, every_h: float = 0.0,
) -> MaskedScenes:  # fmt: skip
    """Lay images over dense tracks and hide the ships in them.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    gap_h : float
        Length of the silences [h]; the image lies anywhere in them.
    number : int
        Images, as far as the feed has room: they are at least 2.2 silences and half an hour apart, each around a ship
        that is heard half a silence before and after.
    seed : int
    sensor : {"sar", "optical"}
    half_side_nm : float
        Half the side of a footprint [nm].
    unknown_share, dark_share : float
        Share of the ships that never broadcast, and of the others in an image that are silent (where their track has
        fixes that far apart).
    length_m, length_log_sd : float
        Log-normal length of ships whose reports have none: median [m] and log standard deviation.
    camera : Camera, optional
        None: the usual one for even seeds, for odd ones a camera that is off by 30 %.
    every_h : float
        Images are at least this far apart [h].

    Returns
    -------
    MaskedScenes

    Raises
    ------
    SchemaError
        The table is not FIXES.
    RuleError
        An option is out of its bounds.
    """
    _check(gap_h, number, sensor, half_side_nm, (unknown_share, dark_share), every_h)
    rng = np.random.default_rng(seed)
    table = cleaned(fixes)
    tracks = Tracks.of(table)
    ships = made_ships(table, unknown_share, length_m, length_log_sd, rng)
    scenery = _scenery(table, tracks, gap_h, every_h, number, half_side_nm, sensor, rng)
    views = ships_in_view(table, tracks, scenery, ships)
    hidden = _silences(tracks, views, gap_h, dark_share, rng)
    seen, truth = photograph(views, scenery, rng, camera=camera or camera_of(seed))
    heard = without(table, tracks.track[hidden[0]], tracks.time[hidden[0]], tracks.time[hidden[1]])
    known = ships.loc[~ships["unknown"], ["mmsi", "length_m"]]
    left = heard[heard["mmsi"].isin(known["mmsi"])].reset_index(drop=True)
    scenes, known = scenery.table(), finish(known, VESSELS, optional=True)
    return MaskedScenes(left, seen, scenes, known, truth, shown_ships(views, scenes, seen, truth))


def camera_of(seed: int) -> Camera:
    """Return the camera of a run: the usual one for even seeds, for odd ones one that is off by 30 %.

    Parameters
    ----------
    seed : int

    Returns
    -------
    Camera
    """
    return Camera.off(np.random.default_rng([seed, 1])) if seed % 2 else Camera()


def find_masked_gaps(masked: MaskedScenes) -> pd.DataFrame:
    """Return the gaps of what is left of the feed.

    Parameters
    ----------
    masked : MaskedScenes

    Returns
    -------
    GAPS table
    """
    return find_gaps(masked.fixes, rule=GapRule(min_gap_h=masked.min_gap_h))


def link_masked(masked: MaskedScenes, gaps: pd.DataFrame, *, rule: LinkRule | None = None) -> pd.DataFrame:
    """Link the sightings with all that the linker is told: scenes, feed, lengths and ports.

    Parameters
    ----------
    masked : MaskedScenes
    gaps : GAPS table
        Of `find_masked_gaps`.
    rule : LinkRule, optional

    Returns
    -------
    LINKS table
    """
    sides: dict[str, Any] = {"scenes": masked.scenes, "fixes": masked.fixes, "vessels": masked.vessels}
    sides |= {"ports": masked.ports}
    return link_sightings(gaps, masked.sightings, **sides, rule=rule)


def judge_links(
    masked: MaskedScenes, *, link: Callable[[Any, Any], pd.DataFrame] | None = None, of: str = "sightings"
) -> pd.DataFrame:
    """Link the sightings, and put what was found beside the truth.

    Parameters
    ----------
    masked : MaskedScenes
    link : callable, optional
        Takes GAPS and SIGHTINGS, returns LINKS. None: `link_masked`.
    of : {"sightings", "ships"}
        Who is asked: which gap each sighting is, or which sighting each silent ship is.

    Returns
    -------
    DataFrame
        As `answers_links` or `answers_ships`.
    """
    if of not in ("sightings", "ships"):
        raise RuleError(f"of = {of!r}: expected one of sightings, ships")
    gaps = find_masked_gaps(masked)
    links = link_masked(masked, gaps) if link is None else link(gaps, masked.sightings)
    if of == "ships":
        return answers_ships(links, gaps=gaps, sightings=masked.sightings, ships=masked.ships)
    return answers_links(links, gaps=gaps, sightings=masked.sightings, truth_sightings=masked.truth_sightings)


def overlay_days(fixes: Any, *, days: int = 1) -> pd.DataFrame:
    """Fold a feed onto its first days, each ship and fold a ship of its own: denser traffic on the same ways.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    days : int
        Length of a fold [d].

    Returns
    -------
    FIXES table
        Cleaned; usable fixes only, under numbers that no ship has.
    """
    if days < 1:
        raise RuleError(f"days = {days!r}: must be at least 1")
    table = cleaned(fixes)
    tracks = Tracks.of(table)
    fold = days * 24 * US_PER_H
    return _folded(table, tracks, tracks.track, tracks.time // fold, fold)


def overlay_runs(fixes: Any, *, days: int) -> pd.DataFrame:
    """Lay every run of so many days over its first day, each ship and day of a run a ship of its own.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    days : int
        So many times as dense is the traffic [d].

    Returns
    -------
    FIXES table
        Cleaned; usable fixes only, under numbers that no ship has.
    """
    if days < 1:
        raise RuleError(f"days = {days!r}: must be at least 1")
    table = cleaned(fixes)
    tracks = Tracks.of(table)
    day = 24 * US_PER_H
    return _folded(table, tracks, tracks.track, tracks.time // day % days, day)


def overlay_starts(fixes: Any, *, hours: float) -> pd.DataFrame:
    """Let all voyages of a feed begin within its first hours, each a ship of its own: denser traffic, voyages whole.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw.
    hours : float
        Voyages are moved by whole multiples of this [h]; one ends where its ship is silent for an hour.

    Returns
    -------
    FIXES table
        Cleaned; usable fixes only, under numbers that no ship has; `hull` is the number that each had.
    """
    if not 0.0 < hours < np.inf:
        raise RuleError(f"hours = {hours!r}: must be greater than 0")
    table = cleaned(fixes)
    tracks = Tracks.of(table)
    fold = round(hours * US_PER_H)
    begins = np.ones(len(tracks.time), dtype=bool)
    begins[1:] = (np.diff(tracks.time) > _VOYAGE_H * US_PER_H) | (np.diff(tracks.track) != 0)
    voyage = np.cumsum(begins) - 1
    return _folded(table, tracks, voyage, tracks.time[begins][voyage] // fold, fold)


def _folded(table: pd.DataFrame, tracks: Tracks, owner: np.ndarray, turn: np.ndarray, fold: int) -> pd.DataFrame:
    """Fixes moved back by so many folds [us], each owner and turn a ship of its own; `hull` keeps its number."""
    turn = turn - (turn.min() if len(turn) else 0)
    ship = pd.factorize(pd.MultiIndex.from_arrays([owner, turn]))[0] + _STAND_IN_MMSI + 1
    names = [name for name in ("lat", "lon", "sog", "cog", "heading", "length_m", "ship_type") if name in table]
    folded = table[names].take(tracks.row).reset_index(drop=True)
    folded = folded.assign(
        hull=table["mmsi"].to_numpy()[tracks.row], mmsi=ship, timestamp=utc_times(tracks.time - turn * fold)
    )
    folded = folded.assign(
        track_id=folded["mmsi"].astype("str") + "-0", flag=pd.Series(None, folded.index, dtype="str")
    )
    return cleaned(folded)


def _check(
    gap_h: float, number: int, sensor: str, half_side_nm: float, shares: tuple[float, float], every_h: float
) -> None:
    if not 0 <= every_h < np.inf:
        raise RuleError(f"every_h = {every_h!r}: must be at least 0")
    if not MIN_GAP_H < gap_h <= 48.0:
        raise RuleError(f"gap_h = {gap_h!r}: must be greater than {MIN_GAP_H} and at most 48")
    if number < 1:
        raise RuleError(f"number = {number!r}: must be at least 1")
    if sensor not in ("sar", "optical"):
        raise RuleError(f"sensor = {sensor!r}: expected one of sar, optical")
    if not 0 < half_side_nm <= 200:
        raise RuleError(f"half_side_nm = {half_side_nm!r}: must be greater than 0 and at most 200")
    for name, share in zip(("unknown_share", "dark_share"), shares, strict=True):
        if not 0 <= share <= 1:
            raise RuleError(f"{name} = {share!r}: must be at least 0 and at most 1")


def _scenery(
    table: pd.DataFrame, tracks: Tracks, gap_h: float, every_h: float, number: int, half_side_nm: float, sensor: str,
    rng: np.random.Generator,
) -> Scenery:  # fmt: skip
    """Times and places of the images: each around a random fix with room for a silence, apart in time."""
    apart, half = round(max(_APART * gap_h + _MARGIN_H, every_h) * US_PER_H), round(gap_h / 2 * US_PER_H)
    time = tracks.time
    roomy = (time - time[tracks.first()] >= half) & (time[tracks.last()] - time >= half)
    left = rng.permutation(np.flatnonzero(roomy))
    chosen: list[int] = []
    while len(left) and len(chosen) < number:
        chosen.append(int(left[0]))
        left = left[np.abs(tracks.time[left] - tracks.time[left[0]]) >= apart]
    at = np.array(chosen, dtype="int64")
    at = at[np.argsort(tracks.time[at])]
    row = tracks.row[at]
    lat, lon = (table[name].to_numpy()[row] for name in ("lat", "lon"))
    # The ship that chose the place is not always in the middle.
    lat, lon = destination(lat, lon, rng.uniform(0, 360, len(at)), rng.uniform(0, half_side_nm / 2, len(at)))
    return Scenery(time=tracks.time[at], lat=lat, lon=lon, half_side_nm=half_side_nm, sensor=sensor)


def _silences(
    tracks: Tracks, views: pd.DataFrame, gap_h: float, dark_share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """First and last fix around what is hidden: hours of the silent ships, minutes of those that broadcast."""
    shown = views[~views["unknown"]]
    at, moment = shown["at"].to_numpy(), shown["moment"].to_numpy()
    wanted, into = rng.random(len(at)) < dark_share, rng.uniform(0.05, 0.95, len(at))
    spare_h = _TOLERANCE * gap_h + DENSE_H
    dark_first, dark_last, fits = _around(tracks, at, moment, into * gap_h, (1 - into) * gap_h, spare_h)
    near_h = rng.uniform(0, _LIT_H, len(at))
    lit_first, lit_last, near = _around(tracks, at, moment, near_h, near_h, DENSE_H)
    dark = wanted & fits
    first, last = np.where(dark, dark_first, lit_first), np.where(dark, dark_last, lit_last)
    return first[dark | near], last[dark | near]


def _around(
    tracks: Tracks, at: np.ndarray, moment: np.ndarray, before_h: np.ndarray, after_h: np.ndarray, spare_h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last fix around a moment on the track of `at`, and whether they exist and are not too far out."""
    track = tracks.track[at]
    before, after = (np.round(hours * US_PER_H).astype("int64") for hours in (before_h, after_h))
    spare = round(spare_h * US_PER_H)
    first, last = tracks.before(track, moment - before), tracks.after(track, moment + after)
    there = (first >= tracks.first()[at]) & (last <= tracks.last()[at])
    first, last = np.where(there, first, at), np.where(there, last, at)
    early, late = moment - before - tracks.time[first], tracks.time[last] - moment - after
    return first, last, there & (early <= spare) & (late <= spare)
