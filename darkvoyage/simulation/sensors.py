"""Images of the simulated waters: which hulls they show, and what an analyst measures in them.

Laws of detection and measurement as published for Sentinel-1, Sentinel-2 and small optical satellites; every world
strays from them by factors of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from darkvoyage.kernels.sphere import wrap_lon
from darkvoyage.schema.conform import finish
from darkvoyage.schema.tables import SIGHTINGS, TRUTH_SIGHTINGS
from darkvoyage.simulation.diary import Log
from darkvoyage.simulation.harbour import fixed_structures, tracked_ships, unknown_ships
from darkvoyage.simulation.scenes import SOURCE, Looks, offset_nm, plan_scenes, scene_table, turned
from darkvoyage.simulation.sea import Sea
from darkvoyage.units import M_PER_NM

__all__ = ["SHOWN_BY_LENGTH", "Looks", "observe"]

SHOWN_BY_LENGTH = {
    "length_m": (0.0, 10.0, 20.0, 30.0, 60.0, 100.0, 400.0),
    "sar": (0.0, 0.2, 0.5, 0.75, 0.93, 0.96, 0.96),
    "optical": (0.0, 0.25, 0.6, 0.85, 0.95, 0.97, 0.97),
    "fine": (0.0, 0.6, 0.9, 0.97, 0.98, 0.98, 0.98),
}
"""Chance that a ship of this length is detected in a clear image (Sentinel-1: Paolo et al. 2024 and xView3)."""
_ALONGSIDE = 0.75
"""Radar next to a quay sees less (xView3: shore band)."""
_CROWDED, _CROWDED_NM = 0.8, 0.54
"""Neighbours within a kilometre hide each other."""
_SLANT_S = 115.0
_INCIDENCE_DEG = 39.0
"""Azimuth shift of a moving ship: slant range over platform speed [s], incidence of Sentinel-1 IW."""
_SMALL_M, _SMALL_LOG = 30.0, 0.15
"""Small hulls look longer than they are."""
_HEADING_FROM_M, _READ_FROM_M = 40.0, 60.0
_HEADING_SHARE = 0.9
_LOAD_RIGHT, _CLASS_RIGHT = 0.87, 0.88
_FALSE_M = (35.0, 0.5)


@dataclass(frozen=True)
class _Law:
    """What is measured in one sort of image.

    Lengths come with a bias and a standard deviation in natural logarithm; headings right, reversed or else at random,
    with the concentration of the right ones; loads and classes are read in a share of the images.
    """

    sensor: str
    position_m: float
    stated_m: float
    length_bias: float
    length_sd: float
    length_digits: int
    heading_right: float
    heading_reversed: float
    heading_kappa: float
    false_per_km2: float
    class_share: float
    load_share: float


_LAWS = {
    "sar": _Law("sar", 70.0, 100.0, 0.08, 0.27, 0, 0.60, 0.35, 15.0, 1e-4, 0.0, 0.0),
    "optical": _Law("optical", 25.0, 30.0, 0.02, 0.13, 0, 0.85, 0.10, 50.0, 4e-4, 0.5, 0.0),
    "fine": _Law("optical", 15.0, 15.0, 0.0, 0.04, 1, 0.95, 0.04, 80.0, 2e-4, 0.9, 0.7),
}


@dataclass(frozen=True)
class _Strays:
    """Factors of one world on the share of ships missed and on the errors of position and length."""

    missed: float
    position: float
    length: float


def observe(
    logs: list[Log], sea: Sea, start: pd.Timestamp, days: int, rng: np.random.Generator, look: Looks
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Take all images of a world.

    Parameters
    ----------
    logs : list of Log
        Ships that send AIS; they are seen where they truly are.
    sea : Sea
    start : Timestamp
        When the world begins.
    days : int
    rng : Generator
    look : Looks

    Returns
    -------
    scenes, sightings, truth : DataFrame
        SCENES, SIGHTINGS and TRUTH_SIGHTINGS.
    """
    scenes = plan_scenes(sea, days, rng, look)
    stray = np.exp(rng.normal(0.0, look.stray_sd, size=3)) * (look.missed, look.position, look.length)
    strays = _Strays(*map(float, stray))
    hulls = pd.concat(
        [tracked_ships(logs, scenes), unknown_ships(sea, scenes, days, rng, look), fixed_structures(sea, scenes, look)],
        ignore_index=True,
    )
    hulls = _detected(_with_scene(hulls, scenes), strays, rng)
    frames = []
    for kind, law in _LAWS.items():
        frames.append(_measured(hulls[hulls["look"] == kind], law, strays, rng))
        frames.append(_false_alarms(scenes[scenes["look"] == kind], law, look.clutter, rng))
    seen = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    seen = seen.sort_values(["scene", "lat", "lon", "length_m"], kind="stable").reset_index(drop=True)
    scene = scenes.iloc[seen["scene"]].reset_index(drop=True)
    number = seen.groupby("scene").cumcount()
    seen = seen.assign(
        scene_id=scene["scene_id"],
        timestamp=start + pd.to_timedelta(scene["seconds"], unit="s"),
        sighting_id=[f"{name}-{row:03d}" for name, row in zip(scene["scene_id"], number, strict=True)],
        source=SOURCE,
    )
    truth = seen[["sighting_id", "what"]].assign(mmsi=seen["mmsi"].astype("Int64").mask(seen["mmsi"] == 0))
    sightings = finish(seen.drop(columns=["scene", "what", "mmsi"]), SIGHTINGS)
    return scene_table(scenes, start), sightings, finish(truth, TRUTH_SIGHTINGS)


def _with_scene(hulls: pd.DataFrame, scenes: pd.DataFrame) -> pd.DataFrame:
    """Hulls with the properties of their scene, and where they lie in it."""
    scene = scenes.iloc[hulls["scene"]].reset_index(drop=True)
    north, east = offset_nm(scene, hulls["lat"].to_numpy(), hulls["lon"].to_numpy())
    return hulls.assign(north_nm=north, east_nm=east, **{name: scene[name] for name in ("look", "flight_deg", "clear")})


def _detected(hulls: pd.DataFrame, strays: _Strays, rng: np.random.Generator) -> pd.DataFrame:
    """The hulls that an image shows: some are too small, some hide each other, some lie under cloud."""
    hulls, crowded = _apart(hulls)
    length, kind = hulls["length_m"].to_numpy(), hulls["look"].to_numpy()
    shown = np.select(
        [kind == name for name in _LAWS],
        [np.interp(length, SHOWN_BY_LENGTH["length_m"], SHOWN_BY_LENGTH[name]) for name in _LAWS],
    )
    chance = np.clip(1.0 - (1.0 - shown) * strays.missed, 0.0, 1.0) * np.where(crowded, _CROWDED, 1.0)
    chance *= np.where(hulls["alongside"] & (kind == "sar"), _ALONGSIDE, 1.0)
    return hulls[rng.random(len(hulls)) < chance * hulls["clear"]]


def _apart(hulls: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Hulls that an image can tell apart, and which of them have neighbours.

    Of ships that touch, away from the quay, all but the longest are lost in its image, except at half a metre.
    """
    # A third axis keeps the scenes apart.
    spot = np.column_stack([hulls["north_nm"], hulls["east_nm"], hulls["scene"] * 10.0])
    one, two = cKDTree(spot).query_pairs(_CROWDED_NM, output_type="ndarray").T
    length = hulls["length_m"].to_numpy()
    apart_m = np.linalg.norm(spot[one] - spot[two], axis=1) * M_PER_NM
    blends = (~hulls["alongside"] & (hulls["look"] != "fine") & (hulls["what"] != "structure")).to_numpy()
    touch = (apart_m < (length[one] + length[two]) / 2) & blends[one] & blends[two]
    lost = np.zeros(len(hulls), dtype=bool)
    lost[np.where(length[one] < length[two], one, two)[touch]] = True
    # What is lost in another's image is no neighbour of it.
    both = ~lost[one] & ~lost[two]
    crowded = np.zeros(len(hulls), dtype=bool)
    crowded[np.r_[one[both], two[both]]] = True
    return hulls[~lost], crowded[~lost]


def _measured(hulls: pd.DataFrame, law: _Law, strays: _Strays, rng: np.random.Generator) -> pd.DataFrame:
    """Sightings of the hulls that images of one sort show."""
    n = len(hulls)
    lat, lon, length, beam = (hulls[name].to_numpy() for name in ("lat", "lon", "length_m", "beam_m"))
    north_m, east_m = rng.normal(0.0, law.position_m * strays.position, size=(2, n))
    if law.sensor == "sar":
        north_s, east_s = _azimuth_shift(hulls)
        north_m, east_m = north_m + north_s, east_m + east_s
    bias = law.length_bias + np.where(length < _SMALL_M, _SMALL_LOG, 0.0)
    ratio = np.exp(rng.normal(bias, law.length_sd * strays.length))
    sharp = law.load_share > 0
    return pd.DataFrame(
        {
            "scene": hulls["scene"].to_numpy(),
            "lat": np.round(lat + north_m / M_PER_NM / 60, 5),
            "lon": np.round(wrap_lon(lon + east_m / M_PER_NM / 60 / np.cos(np.radians(lat))), 5),
            "sensor": law.sensor,
            "length_m": np.round(length * ratio, law.length_digits),
            "length_err_m": np.round(length * ratio * law.length_sd, 1),
            "beam_m": np.round(beam * ratio, 1) if sharp else np.full(n, np.nan),
            "heading": _headings(hulls, law, rng),
            "confidence": np.round(rng.beta(12, 2, size=n), 2),
            "position_err_m": law.stated_m,
            "load_state": _read(hulls, "laden", ("laden", "ballast"), law.load_share, _LOAD_RIGHT, rng),
            "vessel_class": _read(hulls, "tanker", ("tanker", "cargo"), law.class_share, _CLASS_RIGHT, rng),
            "what": hulls["what"].to_numpy(),
            "mmsi": hulls["mmsi"].to_numpy(),
        }
    )


def _azimuth_shift(hulls: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A ship moving away from a radar that looks to the right appears displaced against the flight [m north, east]."""
    flight = hulls["flight_deg"].to_numpy()
    to_north, to_east = turned(flight, 0.0, 1.0)
    away_m_s = (hulls["north_kn"].to_numpy() * to_north + hulls["east_kn"].to_numpy() * to_east) * M_PER_NM / 3600.0
    return turned(flight, -_SLANT_S * away_m_s * np.sin(np.radians(_INCIDENCE_DEG)), 0.0)


def _headings(hulls: pd.DataFrame, law: _Law, rng: np.random.Generator) -> np.ndarray:
    """Directions as read in the image: bow and stern are easily confused."""
    n, kind = len(hulls), rng.random(len(hulls))
    wrong = np.where(kind < law.heading_right, 0.0, 180.0)
    read = hulls["heading"].to_numpy() + np.degrees(rng.vonmises(0.0, law.heading_kappa, size=n)) + wrong
    read = np.where(kind < law.heading_right + law.heading_reversed, read, rng.uniform(0, 360, size=n))
    told = (hulls["length_m"].to_numpy() >= _HEADING_FROM_M) & (rng.random(n) < _HEADING_SHARE)
    return np.where(told, np.round(read) % 360.0, np.nan)


def _read(
    hulls: pd.DataFrame, column: str, words: tuple[str, str], share: float, right: float, rng: np.random.Generator
) -> np.ndarray:
    """A word for what a column says, where it can be read at all, and not always the right one."""
    n = len(hulls)
    seen = hulls[column].to_numpy() == (rng.random(n) < right)
    told = (rng.random(n) < share) & (hulls["length_m"].to_numpy() > _READ_FROM_M)
    return np.where(told, np.where(seen, *words).astype(object), np.array(None))


def _false_alarms(scenes: pd.DataFrame, law: _Law, factor: float, rng: np.random.Generator) -> pd.DataFrame:
    """Waves, wakes, edges of clouds."""
    area_km2 = 4 * scenes["half_along_nm"] * scenes["half_across_nm"] * (M_PER_NM / 1000) ** 2
    number = rng.poisson(law.false_per_km2 * factor * area_km2 * scenes["clear"])
    mine, n = scenes.loc[np.repeat(scenes.index, number)], int(number.sum())
    along, across = (rng.uniform(-0.98, 0.98, size=n) * mine[name] for name in ("half_along_nm", "half_across_nm"))
    north, east = turned(mine["flight_deg"].to_numpy(), along.to_numpy(), across.to_numpy())
    lat, lon = mine["lat"].to_numpy(), mine["lon"].to_numpy()
    length = np.round(rng.lognormal(np.log(_FALSE_M[0]), _FALSE_M[1], size=n))
    return pd.DataFrame(
        {
            "scene": mine.index.to_numpy(),
            "lat": np.round(lat + north / 60, 5),
            "lon": np.round(wrap_lon(lon + east / 60 / np.cos(np.radians(lat))), 5),
            "sensor": law.sensor,
            "length_m": length,
            "length_err_m": np.round(length * 0.3, 1),
            "beam_m": np.nan,
            "heading": np.nan,
            "confidence": np.round(rng.beta(4, 4, size=n), 2),
            "position_err_m": law.stated_m,
            "load_state": None,
            "vessel_class": None,
            "what": "clutter",
            "mmsi": np.zeros(n, dtype="int64"),
        }
    )
