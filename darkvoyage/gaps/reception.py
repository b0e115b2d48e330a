"""Who would have been heard, where and when: a model of reception learned from the feed itself.

A vessel is exposed in every window between its first and last fix, and heard in it or not. From these exposures come
the usual rate of each cell, the contemporaneous factor of each block and window (were the *other* vessels heard as
usual?), each vessel's own factor, and a heavy-tailed law of silence. Silences that are long enough to be switch-offs
are kept out of the rates but stay in the law: its tail errs on the side of chance.

The form follows the exposure idea of Hammond and Peters (2012), with their Poisson silence replaced by a mixture of
exponentials, because real receptions are bursty.
"""

from __future__ import annotations

import dataclasses
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import ReadError
from darkvoyage.gaps.exposure import (
    BASE_MIN,
    STATES,
    Exposures,
    coarsen,
    expose,
    heard_windows,
    merge_heard,
    numbered,
    pick_window,
)
from darkvoyage.gaps.field import (
    CellField,
    Factors,
    block_sums,
    cell_counts,
    drawn_factor,
    intensity,
    own_share,
    parent_cell,
)
from darkvoyage.gaps.law import SilenceLaw, fit_law
from darkvoyage.gaps.neighbours import Neighbours
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.sources import is_source
from darkvoyage.io.store import Store, open_store
from darkvoyage.io.store_manifest import is_store
from darkvoyage.kernels.mixing import splitmix
from darkvoyage.kernels.spans import search_groups
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.schema.conform import conform, empty
from darkvoyage.schema.tables import FIXES
from darkvoyage.tracks.cleaning import clean_fixes

__all__ = ["RECENT_H", "ReceptionModel", "block_deg", "fit_reception"]

RECENT_H = 6.0
"""Short look-back of a vessel's own factor, beside that of the rule [h]."""
_HORIZONS_WINDOWS, _HORIZONS_H = (1, 2, 4, 8), (4.0, 8.0, 12.0, 24.0, 48.0)
"""Silences the law is fitted on."""
_STATE_PRIOR_WINDOWS = 100.0
_LISTED_FLOOR = 0.03
"""A feed in which chance gaps are rarer than this does not make its few gaps less suspicious. In ten simulated worlds
where nobody hides, 0.03, 0.04 and 0.05 gave 0.4, 0.6 and 0.9 false alerts above 0.8 per 1,000 vessel-days."""
_MOST_RUNS = 200_000
"""Heard windows from which the law is fitted, about."""
_GRID = 400
_FORMAT = 2
_TABLES = ("counts", "cells", "blocks", "vessels")
_NUMBERS = ("window_min", "states", "fixes_per_reception", "listed_silence")
_COLUMNS = ["mmsi", "timestamp", "lat", "lon", "sog", "cog", "nav_status", "ais_class"]


@dataclasses.dataclass(frozen=True)
class ReceptionModel:
    """Reception of a feed, as learned by `fit_reception`.

    Parameters
    ----------
    rule : ReceptionRule
    window_min : float
        Width of the windows [min]: that of the rule, or picked from the feed.
    law : SilenceLaw
    states : tuple of float
        Reception of each class of `STATES` over that of all.
    fixes_per_reception : float
        Fixes of the feed over the receptions that its model expected.
    listed_silence : float
        P(silent | transmitting) up to the listing threshold, as a chance gap of this feed has it on average.
    counts : DataFrame
        Who was heard in which window, see `heard_windows`: all that the model was learned from.
    cells : DataFrame
        `cell`, `exposed`, `heard` windows: the field of usual reception.
    blocks : DataFrame
        What the field expected of the vessels in a block and window, and what came, see `block_sums`.
    vessels : DataFrame
        `mmsi`, `window`, `state`, `own`, `own_recent`: each vessel's own factor, as of the windows it was heard in.
    """

    rule: ReceptionRule
    window_min: float
    law: SilenceLaw
    states: tuple[float, ...]
    fixes_per_reception: float
    listed_silence: float
    counts: pd.DataFrame
    cells: pd.DataFrame
    blocks: pd.DataFrame
    vessels: pd.DataFrame

    @cached_property
    def field(self) -> CellField:
        """Usual share of heard windows by cell."""
        return _field(self.cells, self.rule)

    @cached_property
    def factors(self) -> Factors:
        """Contemporaneous factor by block and window."""
        return _factors(self.blocks, self.rule)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Who was heard in which block and window."""
        return self._neighbours("fixes")

    @cached_property
    def wrong(self) -> Neighbours:
        """Whose position was lost or false in which block and window."""
        return self._neighbours("wrong")

    def _neighbours(self, column: str) -> Neighbours:
        heard = coarsen(self.counts, round(self.window_min / _base_min(self.rule)))
        return Neighbours(heard[heard[column] > 0], self.rule.neighbour_deg)

    @property
    def mean_rate(self) -> float:
        """Share of exposed windows that were heard, over the whole feed."""
        return self.field.mean

    def cell_rate(self, cell: np.ndarray) -> np.ndarray:
        """Usual share of heard windows in each cell, shape (n,)."""
        return self.field.rate(cell)

    def updated(self, fixes: Any) -> ReceptionModel:
        """Learn from further fixes as well, of other days or other vessels.

        Parameters
        ----------
        fixes : what `fit_reception` takes

        Returns
        -------
        ReceptionModel
            As if all fixes had been given at once: a silence that spans the cut is one silence. Tracks are told apart
            by `track_id`; of raw fixes each call cleans its own, so that two ships under one MMSI may change places.
        """
        return _model_of(merge_heard([self.counts, _reduced(fixes, _base_min(self.rule))]), self.rule)

    def save(self, path: str | Path) -> None:
        """Write the model into a folder: one JSON and four Parquet files."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        head = {"format": _FORMAT, "rule": dataclasses.asdict(self.rule), "law": dataclasses.asdict(self.law)}
        head |= {name: getattr(self, name) for name in _NUMBERS}
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
            tables: dict[str, Any] = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
            numbers = {name: head[name] for name in _NUMBERS} | {"states": tuple(head["states"])}
            law: dict[str, Any] = head["law"] | {"weights": tuple(map(tuple, head["law"]["weights"]))}
            law |= {name: tuple(law[name]) for name in ("hazards", "levels")}
        except (OSError, KeyError, json.JSONDecodeError) as error:
            raise ReadError(f"{folder}: not a reception model ({error})") from error
        return cls(rule=ReceptionRule(**head["rule"]), law=SilenceLaw(**law), **numbers, **tables)


def fit_reception(fixes: Any, *, rule: ReceptionRule | None = None) -> ReceptionModel:
    """Learn the reception of a feed from its own fixes.

    Parameters
    ----------
    fixes : FIXES table, store, or path, glob, file object or list of these
        Cleaned or raw; raw fixes go through the default cleaning first. All vessels of the region, not only suspects:
        they are the witnesses. A store is gone through once, some whole vessels at a time; files are held in memory.
        What is kept is bounded by vessels and windows of time, however many fixes there are.
    rule : ReceptionRule, optional

    Returns
    -------
    ReceptionModel

    Raises
    ------
    SchemaError
        The table is not FIXES.
    ReadError, DialectError
        See `read_fixes`.
    """
    rule = rule or ReceptionRule()
    return _model_of(_reduced(fixes, _base_min(rule)), rule)


def _base_min(rule: ReceptionRule) -> float:
    return rule.window_min or BASE_MIN


def _reduced(fixes: Any, width_min: float) -> pd.DataFrame:
    """Rows of `heard_windows`; of a store, added up chunk by chunk."""
    if isinstance(fixes, (str, os.PathLike)) and is_store(Path(fixes)):
        fixes = open_store(Path(fixes))
    if isinstance(fixes, Store):
        columns = [name for name in _COLUMNS if name in fixes.columns]
        chunks = [_reduced(chunk, width_min) for chunk in fixes.chunks(columns=columns)]
        return merge_heard(chunks) if chunks else _reduced(empty(FIXES), width_min)
    table = conform(read_fixes(fixes) if is_source(fixes) else fixes, FIXES)
    return heard_windows(table if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table), width_min)


def block_deg(rule: ReceptionRule) -> float:
    """Side of the blocks of the contemporaneous factor: what is nearer tells more [deg]."""
    return rule.neighbour_deg / 2.0


def _field(cells: pd.DataFrame, rule: ReceptionRule) -> CellField:
    return CellField(cells, cell_deg=rule.cell_deg, block_deg=rule.neighbour_deg, prior=rule.cell_prior_windows)


def _factors(blocks: pd.DataFrame, rule: ReceptionRule) -> Factors:
    return Factors(blocks, block_deg=block_deg(rule), prior=rule.neighbour_prior_windows)


def _model_of(counts: pd.DataFrame, rule: ReceptionRule) -> ReceptionModel:
    width = rule.window_min or pick_window(counts)
    heard = coarsen(counts, round(width / _base_min(rule)))
    sides = {"cell_deg": rule.cell_deg, "suspect_h": rule.suspect_h, "longest_h": max(*_HORIZONS_H, rule.suspect_h)}
    exposures = expose(heard, width_min=width, **sides)
    cells = cell_counts(exposures)
    block, around = (parent_cell(exposures.cell, rule.cell_deg, side) for side in (block_deg(rule), rule.neighbour_deg))
    mmsi, state = heard["mmsi"].to_numpy(), heard["state"].to_numpy()[exposures.start]
    vessel, track = (numbered(*keys)[exposures.start] for keys in ((mmsi,), (mmsi, heard["track"].to_numpy())))
    usual = _field(cells, rule).rate_of_others(
        exposures.cell, own_share(vessel, exposures.cell, exposures), own_share(vessel, around, exposures)
    )
    states = _state_factors(state, usual, exposures)
    usual = intensity(usual) * np.array(states)[state]
    share = -np.expm1(-usual) * exposures.counts
    blocks, row = block_sums(exposures, block, share)
    own = np.column_stack([exposures.counts, share, exposures.heard])
    rate = usual * _factors(blocks, rule).of_others(row, own)
    vessels = _vessel_factors(heard, track, exposures, rate, rule, width)
    own = vessels["own"].to_numpy()
    followed = _followed(mmsi)
    some, own = followed[exposures.start], own[followed[exposures.start[exposures.heard > 0]]]
    part = Exposures(*(getattr(exposures, each.name)[some] for each in dataclasses.fields(Exposures)))
    runs = [(hours, *_runs(track[some], part, rate[some], own, hours, width)[:2]) for hours in _horizons(width)]
    law = fit_law(runs, window_h=width / 60.0, outage_mean_h=rule.outage_mean_h)
    expected, _, begin = _runs(track[some], part, rate[some], own, rule.min_gap_h, width)
    return ReceptionModel(
        rule=rule,
        window_min=width,
        law=law,
        states=states,
        fixes_per_reception=float(heard["fixes"].sum() / max((rate * exposures.counts).sum(), 1.0)),
        listed_silence=_listed_silence(part.cell[begin], expected, rule.min_gap_h, law, width),
        counts=counts,
        cells=cells,
        blocks=blocks,
        vessels=vessels.sort_values(["mmsi", "window"], kind="stable", ignore_index=True),
    )


def _state_factors(state: np.ndarray, usual: np.ndarray, exposures: Exposures) -> tuple[float, ...]:
    """Reception of each class of ships over that of all, drawn towards 1."""
    number = len(STATES)
    expected, exposed = (
        np.bincount(state, part, minlength=number) for part in (usual * exposures.counts, exposures.counts)
    )
    heard = np.bincount(state, exposures.heard, minlength=number)
    return tuple(map(float, drawn_factor(heard, expected, exposed, 1.0, _STATE_PRIOR_WINDOWS)))


def _vessel_factors(
    heard: pd.DataFrame, track: np.ndarray, exposures: Exposures, rate: np.ndarray, rule: ReceptionRule, width: float
) -> pd.DataFrame:
    """Heard over expected windows of each track before each of its heard windows, drawn towards 1."""
    row = np.flatnonzero(exposures.heard)
    start, window = exposures.start[row], exposures.window[row]
    sums = np.stack([exposures.heard, -np.expm1(-rate) * exposures.counts, exposures.counts])
    sums = np.concatenate([np.zeros((3, 1)), np.cumsum(sums, axis=1)], axis=1)
    out = {"mmsi": heard["mmsi"].to_numpy()[start], "window": window, "state": heard["state"].to_numpy()[start]}
    for name, hours in (("own", rule.vessel_lookback_h), ("own_recent", RECENT_H)):
        since = search_groups(track, exposures.window, track[row], window - max(round(hours * 60.0 / width), 1))
        came, expected, exposed = sums[:, row] - sums[:, since]
        out[name] = drawn_factor(came, expected, exposed, 1.0, rule.vessel_prior_windows)
    return pd.DataFrame(out)


def _horizons(width_min: float) -> list[float]:
    """Lengths of the silences that the law is fitted on [h]."""
    short = {windows * width_min / 60.0 for windows in _HORIZONS_WINDOWS}
    return sorted(short | {hours for hours in _HORIZONS_H if hours > max(short)})


def _listed_silence(cell: np.ndarray, expected: np.ndarray, hours: float, law: SilenceLaw, width: float) -> float:
    """Mean chance of silence up to the listing threshold in the cells where chance gaps start, as often as they do."""
    if len(expected) == 0:
        return 1.0
    grid = np.r_[0.0, np.geomspace(1e-3, max(float(expected.max()), 1.0), _GRID)]
    chance = np.interp(expected, grid, law.silent(grid, np.full(len(grid), hours), grid * width / 60.0 / hours))
    _, at, number = np.unique(cell, return_inverse=True, return_counts=True)
    in_cell = np.bincount(at, chance)
    return float(max((in_cell**2 / number).sum() / in_cell.sum(), _LISTED_FLOOR))


def _followed(mmsi: np.ndarray) -> np.ndarray:
    """Rows of the vessels on which the law is fitted: all of a small feed, a fixed random choice of a large one."""
    if len(mmsi) == 0:
        return np.zeros(0, dtype=bool)
    known, at = np.unique(mmsi, return_inverse=True)
    rank = splitmix(known.astype("uint64")) / 2.0**64
    return (rank <= max(_MOST_RUNS / len(mmsi), float(rank.min())))[at]


def _runs(
    track: np.ndarray, exposures: Exposures, rate: np.ndarray, own: np.ndarray, hours: float, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Receptions expected within some hours behind each heard window, whether all was silent, and where it began.

    Only of tracks that were heard again later: a ship that is not may have left.
    """
    most = max(round(hours * 60.0 / width), 1)
    row = np.flatnonzero(exposures.heard)
    inside = np.flatnonzero(row + most < len(rate))
    end = row[inside] + most
    whole = (track[end] == track[row[inside]]) & (exposures.window[end] == exposures.window[row[inside]] + most)
    inside, end = inside[whole], end[whole] + 1
    sums, hits = np.r_[0.0, np.cumsum(rate)], np.r_[0.0, np.cumsum(exposures.heard)]
    begin = row[inside]
    return (sums[end] - sums[begin + 1]) * own[inside], hits[end] == hits[begin + 1], begin
