"""Who would have been heard, where and when: a model of reception learned from the feed itself.

A vessel is exposed in every window (30 min, say) between its first and last fix, and heard in it or not. From these
exposures come the usual rate of each cell, the contemporaneous factor of each block and window (were the *other*
vessels heard as usual?), each vessel's own factor, and a heavy-tailed law of silence. Silences that are long enough
to be switch-offs are kept out of the rates but stay in the law: its tail errs on the side of chance.

The form follows the exposure idea of Hammond and Peters (2012) with the Poisson silence replaced by a negative-binomial
zero term (Gamma frailty shared over the silence) and an outage floor, because real receptions are bursty.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.config import ReceptionRule
from darkvoyage.errors import ReadError
from darkvoyage.kernels.grid import cell_of, window_of
from darkvoyage.kernels.spans import expand, search_groups
from darkvoyage.kernels.sphere import interpolate
from darkvoyage.schema.conform import conform, sort_rows
from darkvoyage.schema.tables import FIXES
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.cleaning import clean_fixes

__all__ = ["ReceptionModel", "SilenceLaw", "fit_reception", "vessel_factor"]

_HORIZONS_H = (4.0, 6.0, 12.0, 24.0)
"""Silences the law is fitted on: as long as those it judges. Short ones are far more numerous and would decide."""
_LAW_BINS = 60
_LAW_BOUNDS = ((np.log(0.1), np.log(20.0)), (np.log(0.2), np.log(100.0)), (-12.0, -1.0))
"""Of log kappa, log c and logit pi: wider than any feed seen (kappa 0.7-1.25, c 4.6-13, pi 0-0.006)."""
_LISTED_FLOOR = 0.05
"""A feed in which chance gaps are rarer than this does not make its few gaps less suspicious."""
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class SilenceLaw:
    """P(silent | transmitting) = pi + (1 - pi) (1 + c L / kappa)^-kappa for L expected heard windows.

    Parameters
    ----------
    kappa : float
        Shape of the frailty shared over a silence; small = heavy tail.
    c : float
        Rate right after a reception over the mean rate.
    pi : float
        Share of silences that last however many windows were expected (outages).
    """

    kappa: float
    c: float
    pi: float

    def silent(self, expected: np.ndarray) -> np.ndarray:
        """Probability of silence over `expected` windows, shape (n,)."""
        return self.pi + (1 - self.pi) * (1 + self.c * expected / self.kappa) ** -self.kappa

    def end_density(self, expected: np.ndarray, rate_per_h: np.ndarray) -> np.ndarray:
        """Density of a silence ending by chance after `expected` windows, outage floor excluded [1/h]."""
        return (1 - self.pi) * self.c * rate_per_h * (1 + self.c * expected / self.kappa) ** (-self.kappa - 1)


@dataclasses.dataclass(frozen=True)
class ReceptionModel:
    """Reception of a feed, as learned by `fit_reception`; all counts are windows.

    Parameters
    ----------
    rule : ReceptionRule
    law : SilenceLaw
    mean_rate : float
        Share of exposed windows that were heard, over the whole feed.
    fixes_per_window : float
        Mean number of fixes in a heard window.
    listed_silence : float
        P(silent | transmitting) up to the listing threshold, as a chance gap of this feed has it on average.
    cells : DataFrame
        `cell`, `exposed`, `heard`: the field of usual reception.
    blocks : DataFrame
        `window`, `block`, `expected`, `heard`: what the field expected of the vessels there, and what came.
    heard : DataFrame
        `window`, `block`, `mmsi`: who was heard.
    vessels : DataFrame
        `mmsi`, `window`, `heard`, `expected`: running sums over each vessel's exposures, for its own factor.
    """

    rule: ReceptionRule
    law: SilenceLaw
    mean_rate: float
    fixes_per_window: float
    listed_silence: float
    cells: pd.DataFrame
    blocks: pd.DataFrame
    heard: pd.DataFrame
    vessels: pd.DataFrame

    def cell_rate(self, cell: np.ndarray) -> np.ndarray:
        """Usual share of heard windows in each cell, shape (n,)."""
        prior = self.rule.cell_prior_windows
        known = self.cells["cell"].to_numpy()
        exposed, heard = self.cells["exposed"].to_numpy(), self.cells["heard"].to_numpy()
        rate = np.r_[(heard + prior * self.mean_rate) / (exposed + prior), self.mean_rate]
        at = np.searchsorted(known, cell)
        at[(at >= len(known)) | (known[np.minimum(at, len(known) - 1)] != cell) if len(known) else slice(None)] = -1
        return rate[at]

    def save(self, path: str | Path) -> None:
        """Write the model into a folder: one JSON and four Parquet files."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        head = {
            "format": _FORMAT,
            "rule": dataclasses.asdict(self.rule),
            "law": dataclasses.asdict(self.law),
            "mean_rate": self.mean_rate,
            "fixes_per_window": self.fixes_per_window,
            "listed_silence": self.listed_silence,
        }
        (folder / "reception.json").write_text(json.dumps(head, indent=1), encoding="utf-8")
        for name in _TABLES:
            getattr(self, name).to_parquet(folder / f"{name}.parquet", index=False)

    @classmethod
    def load(cls, path: str | Path) -> ReceptionModel:
        """Read a model that `save` wrote.

        Raises
        ------
        ReadError
            The folder does not hold a model of this version.
        """
        folder = Path(path)
        try:
            head = json.loads((folder / "reception.json").read_text(encoding="utf-8"))
            if head["format"] != _FORMAT:
                raise ReadError(f"{folder}: reception model of format {head['format']}, this version reads {_FORMAT}")
            tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
        except (OSError, KeyError, json.JSONDecodeError) as error:
            raise ReadError(f"{folder}: not a reception model ({error})") from error
        return cls(
            rule=ReceptionRule(**head["rule"]),
            law=SilenceLaw(**head["law"]),
            mean_rate=head["mean_rate"],
            fixes_per_window=head["fixes_per_window"],
            listed_silence=head["listed_silence"],
            **tables,
        )


_TABLES = ("cells", "blocks", "heard", "vessels")


def fit_reception(fixes: Any, *, rule: ReceptionRule | None = None) -> ReceptionModel:
    """Learn the reception of a feed from its own fixes.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned or raw; raw fixes go through the default cleaning first. All vessels of the region, not only suspects:
        they are the witnesses.
    rule : ReceptionRule, optional

    Returns
    -------
    ReceptionModel

    Raises
    ------
    SchemaError
        The table is not FIXES.
    """
    rule = rule or ReceptionRule()
    return _model_of(*_exposures(fixes, rule), rule)


def _exposures(fixes: Any, rule: ReceptionRule) -> tuple[pd.DataFrame, float]:
    """One row per vessel and window between its fixes: heard or not, where, and whether it counts in the rates."""
    table = conform(fixes, FIXES)
    table = table if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table)
    table = table[table["flag"].isna() & table["track_id"].notna()]
    table = sort_rows(table[["track_id", "mmsi", "timestamp", "lat", "lon"]], ("track_id", "timestamp"))
    track = pd.factorize(table["track_id"])[0].astype("int64")
    time = time_us(table["timestamp"])
    window = window_of(time, rule.window_min)
    first = np.ones(len(table), dtype=bool)
    first[1:] = (track[1:] != track[:-1]) | (window[1:] != window[:-1])
    track, window, time = track[first], window[first], time[first]
    mmsi, lat, lon = (table[name].to_numpy()[first] for name in ("mmsi", "lat", "lon"))
    return _with_silent_windows(track, window, mmsi, lat, lon, rule), len(table) / max(len(track), 1)


def _with_silent_windows(
    track: np.ndarray, window: np.ndarray, mmsi: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: ReceptionRule
) -> pd.DataFrame:
    """Add the silent windows between heard ones, on the great circle; of long silences as many as the law looks at."""
    if len(track) == 0:
        names = {"track": track, "window": window, "mmsi": mmsi, "lat": lat, "lon": lon}
        return pd.DataFrame(names | {"heard": np.empty(0, bool), "counts": np.empty(0, bool)})
    silent = np.zeros(len(track), dtype="int64")
    silent[:-1] = np.where(track[1:] == track[:-1], window[1:] - window[:-1] - 1, 0)
    suspect = silent * rule.window_min / 60.0 > rule.suspect_h
    longest = round(max(*_HORIZONS_H, rule.suspect_h) * 60.0 / rule.window_min)
    owner, index = expand(np.ones(len(track)), np.minimum(silent, longest))
    fraction = index / (silent[owner] + 1.0)
    after = np.minimum(owner + 1, len(track) - 1)
    mid_lat, mid_lon = interpolate(lat[owner], lon[owner], lat[after], lon[after], fraction)
    frame = pd.DataFrame(
        {
            "track": np.r_[track, track[owner]],
            "window": np.r_[window, window[owner] + index],
            "mmsi": np.r_[mmsi, mmsi[owner]],
            "lat": np.r_[lat, mid_lat],
            "lon": np.r_[lon, mid_lon],
            "heard": np.r_[np.ones(len(track), bool), np.zeros(len(owner), bool)],
            "counts": np.r_[np.ones(len(track), bool), ~suspect[owner]],
        }
    )
    order = np.lexsort((frame["window"], frame["track"]))
    return frame.iloc[order].reset_index(drop=True)


def _model_of(exposures: pd.DataFrame, fixes_per_window: float, rule: ReceptionRule) -> ReceptionModel:
    cell = cell_of(exposures["lat"].to_numpy(), exposures["lon"].to_numpy(), rule.cell_deg)
    block = cell_of(exposures["lat"].to_numpy(), exposures["lon"].to_numpy(), rule.neighbour_deg)
    heard = exposures["heard"].to_numpy(dtype="float64")
    counts = exposures["counts"].to_numpy(dtype="float64")
    mean_rate = float((heard * counts).sum() / max(counts.sum(), 1.0)) if counts.sum() else 0.5
    own_rate, cells = _cell_rates(exposures, cell, heard, counts, mean_rate, rule)
    expected = own_rate * counts
    blocks, factor = _block_factors(exposures["window"].to_numpy(), block, heard, expected, rule)
    vessels, own = _vessel_factors(exposures, heard, expected * factor, rule)
    law = _fit_law(exposures, heard, own_rate * factor * own, rule)
    listed = _listed_silence(exposures, heard, own_rate * factor * own, law, rule)
    who = pd.DataFrame({"window": exposures["window"], "block": block, "mmsi": exposures["mmsi"]})
    who = who[exposures["heard"]].drop_duplicates().sort_values(["block", "window", "mmsi"]).reset_index(drop=True)
    return ReceptionModel(
        rule=rule,
        law=law,
        mean_rate=mean_rate,
        fixes_per_window=fixes_per_window,
        listed_silence=listed,
        cells=cells,
        blocks=blocks,
        heard=who,
        vessels=vessels,
    )


def _cell_rates(
    exposures: pd.DataFrame, cell: np.ndarray, heard: np.ndarray, counts: np.ndarray, mean_rate: float,
    rule: ReceptionRule,
) -> tuple[np.ndarray, pd.DataFrame]:  # fmt: skip
    """Rate of each exposure's cell without the vessel itself, and the field of all vessels."""
    known, at = np.unique(cell, return_inverse=True)
    exposed_sum = np.bincount(at, counts, minlength=len(known))
    heard_sum = np.bincount(at, heard * counts, minlength=len(known))
    pair = exposures["track"].to_numpy() * max(len(known), 1) + at
    _, own = np.unique(pair, return_inverse=True)
    own_exposed, own_heard = np.bincount(own, counts), np.bincount(own, heard * counts)
    prior = rule.cell_prior_windows
    others_heard = heard_sum[at] - (own_heard[own] if len(own) else 0.0)
    others_exposed = exposed_sum[at] - (own_exposed[own] if len(own) else 0.0)
    rate = (others_heard + prior * mean_rate) / (others_exposed + prior)
    return rate, pd.DataFrame({"cell": known, "exposed": exposed_sum, "heard": heard_sum})


def _block_factors(
    window: np.ndarray, block: np.ndarray, heard: np.ndarray, expected: np.ndarray, rule: ReceptionRule
) -> tuple[pd.DataFrame, np.ndarray]:
    """Heard over expected of all vessels in a block and window, and for each exposure that of the others."""
    frame = pd.DataFrame({"block": block, "window": window, "expected": expected, "heard": heard})
    sums = frame.groupby(["block", "window"], sort=True)[["expected", "heard"]].sum().reset_index()
    total = frame.groupby(["block", "window"], sort=True)[["expected", "heard"]].transform("sum")
    prior = rule.neighbour_prior_windows
    factor = (total["heard"] - heard + prior) / (total["expected"] - expected + prior)
    return sums, np.clip(factor.to_numpy(), 0.0, None)


def _vessel_factors(
    exposures: pd.DataFrame, heard: np.ndarray, expected: np.ndarray, rule: ReceptionRule
) -> tuple[pd.DataFrame, np.ndarray]:
    """Running sums per vessel, and each exposure's factor from the hours before it."""
    mmsi, window = exposures["mmsi"].to_numpy(), exposures["window"].to_numpy()
    order = np.lexsort((window, mmsi))
    counted = np.where(expected > 0, heard, 0.0)
    table = pd.DataFrame(
        {
            "mmsi": mmsi[order],
            "window": window[order],
            "heard": np.cumsum(counted[order]),
            "expected": np.cumsum(expected[order]),
        }
    )
    factor = np.empty(len(mmsi))
    factor[order] = vessel_factor(table, mmsi[order], window[order], rule)
    return table, factor


def vessel_factor(
    vessels: pd.DataFrame, mmsi: np.ndarray, window: np.ndarray, rule: ReceptionRule, *, lookback_h: float | None = None
) -> np.ndarray:
    """Own factor of vessels before given windows: heard over expected in the look-back, drawn towards 1.

    Parameters
    ----------
    vessels : DataFrame
        As in `ReceptionModel`.
    mmsi, window : ndarray of int64, shape (n,)
    rule : ReceptionRule
    lookback_h : float, optional
        None: that of the rule [h].

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    known, code = np.unique(vessels["mmsi"].to_numpy(), return_inverse=True)
    if len(known) == 0:
        return np.ones(len(mmsi))
    asked = np.minimum(np.searchsorted(known, mmsi), len(known) - 1)
    back = max(round((lookback_h or rule.vessel_lookback_h) * 60.0 / rule.window_min), 1)
    rows = vessels["window"].to_numpy()
    until = search_groups(code, rows, asked, window, side="left")
    since = search_groups(code, rows, asked, window - back, side="left")
    heard = np.r_[0.0, vessels["heard"].to_numpy()]
    expected = np.r_[0.0, vessels["expected"].to_numpy()]
    prior = rule.vessel_prior_windows
    factor = (heard[until] - heard[since] + prior) / (expected[until] - expected[since] + prior)
    return np.where(known[asked] == mmsi, factor, 1.0)


def _fit_law(exposures: pd.DataFrame, heard: np.ndarray, rate: np.ndarray, rule: ReceptionRule) -> SilenceLaw:
    """Maximum a posteriori (kappa, c, pi) on runs that start at a heard window, pooled over horizons.

    Priors: kappa ~ LogN(log 1, 0.7), c ~ LogN(log 5, 0.7), pi ~ Beta(1, 200).
    """
    from scipy.optimize import minimize

    expected, runs, silent = _run_table(exposures, heard, rate, rule)

    def loss(point: np.ndarray) -> float:
        law = SilenceLaw(float(np.exp(point[0])), float(np.exp(point[1])), float(1 / (1 + np.exp(-point[2]))))
        p = np.clip(law.silent(expected), 1e-12, 1 - 1e-12)
        fit = float((silent * np.log(p) + (runs - silent) * np.log1p(-p)).sum())
        prior = -0.5 * (point[0] / 0.7) ** 2 - 0.5 * ((point[1] - np.log(5.0)) / 0.7) ** 2
        return -(fit + prior + 199.0 * float(np.log1p(-law.pi)) + float(np.log(law.pi)))

    start = np.array([0.0, np.log(5.0), -5.0])
    best = minimize(loss, start, method="Nelder-Mead", bounds=_LAW_BOUNDS, options={"maxiter": 2000}).x
    return SilenceLaw(float(np.exp(best[0])), float(np.exp(best[1])), float(1 / (1 + np.exp(-best[2]))))


def _listed_silence(
    exposures: pd.DataFrame, heard: np.ndarray, rate: np.ndarray, law: SilenceLaw, rule: ReceptionRule
) -> float:
    """Mean chance of silence up to the listing threshold, over runs weighted by that chance: as chance gaps have it."""
    horizon = max(round(rule.min_gap_h * 60.0 / rule.window_min), 1)
    expected, _ = _runs(exposures, heard, rate, horizon)
    if len(expected) == 0:
        return 1.0
    chance = law.silent(expected)
    return float(max((chance**2).sum() / chance.sum(), _LISTED_FLOOR))


def _runs(exposures: pd.DataFrame, heard: np.ndarray, rate: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected windows, and silent or not, of all runs of `horizon` windows behind a heard one."""
    track, window = exposures["track"].to_numpy(), exposures["window"].to_numpy()
    start = np.flatnonzero(heard[: max(len(heard) - horizon, 0)] > 0)
    start = start[(track[start + horizon] == track[start]) & (window[start + horizon] == window[start] + horizon)]
    sums, hits = np.r_[0.0, np.cumsum(rate)], np.r_[0.0, np.cumsum(heard)]
    return sums[start + horizon + 1] - sums[start + 1], hits[start + horizon + 1] == hits[start + 1]


def _run_table(
    exposures: pd.DataFrame, heard: np.ndarray, rate: np.ndarray, rule: ReceptionRule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected windows, number of runs and of silent runs, binned over all runs and horizons."""
    parts = []
    for hours in _HORIZONS_H:
        expected, silent = _runs(exposures, heard, rate, max(round(hours * 60.0 / rule.window_min), 1))
        if len(expected) == 0:
            continue
        edges = np.unique(np.quantile(expected, np.linspace(0, 1, _LAW_BINS + 1)))
        at = np.clip(np.searchsorted(edges, expected, side="right") - 1, 0, max(len(edges) - 2, 0))
        number = np.bincount(at)
        kept = number > 0
        mean = np.bincount(at, expected)[kept] / number[kept]
        parts.append(np.stack([mean, number[kept].astype("float64"), np.bincount(at, silent)[kept]]))
    if not parts:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    table = np.concatenate(parts, axis=1)
    return table[0], table[1], table[2]
