"""Which gap's ship a sighting shows: probabilities over the candidates and "nobody we know"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.workers import in_threads
from darkvoyage.linking.absences import absences
from darkvoyage.linking.azimuth import position_errors
from darkvoyage.linking.background import recounted, unknown_density
from darkvoyage.linking.candidates import Candidates
from darkvoyage.linking.explain import broadcasting_pairs
from darkvoyage.linking.learning import Exposure, learn
from darkvoyage.linking.likelihood import Likelihood
from darkvoyage.linking.observation import Appearances
from darkvoyage.linking.places import Excursions, excursions
from darkvoyage.linking.position import Positions
from darkvoyage.linking.rests import resting_spots
from darkvoyage.linking.tables import link_rows
from darkvoyage.linking.tidy import set_aside
from darkvoyage.linking.views import Views
from darkvoyage.linking.weighing import Case, keep_candidates, weigh
from darkvoyage.rules.linking import LinkRule
from darkvoyage.schema.conform import complete, conform, empty, finish
from darkvoyage.schema.tables import FIXES, GAPS, LINKS, PORTS, SCENES, SIGHTINGS, VESSELS

__all__ = ["link_sightings"]


def link_sightings(
    gaps: Any, sightings: Any, *, scenes: Any = None, fixes: Any = None, ports: Any = None, vessels: Any = None,
    rule: LinkRule | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Weigh each sighting against every gap whose ship could have been there, and against nobody we know.

    A pair's likelihood ratio is the density of the gap's ship at that place and time (going straight on, calling at a
    port and coming back, anywhere in the space-time prism) over the density of ships nobody told us about, times the
    ratios of length, heading and class. Within a scene a ship is one sighting at most and a sighting one ship at most,
    or two where they may lie side by side, broadcasting ships included; of the scenes in one gap, those too far apart
    for the time between exclude each other.

    Parameters
    ----------
    gaps : GAPS table
    sightings : SIGHTINGS table
    scenes : SCENES table, optional
        Scenes that show a port without a matching ship are evidence too.
    fixes : FIXES table, optional
        Broadcasting ships; best cleaned.
    ports : PORTS table, optional
        Where excursions may lead. Without ports the excursion share is spread over the prism.
    vessels : VESSELS table, optional
        Length, beam, deepest draught and type of the ships.
    rule : LinkRule, optional

    Returns
    -------
    LINKS table
        Per sighting one row per candidate gap and one with null `gap_id`: nobody we know, or what it is `explained_by`:
        "broadcasting", a ship that was; "duplicate" of a sighting of the same pass; "structure", always there; "gear",
        a net buoy or other equipment. The last three have no candidates. Their `p_link` sum to 1. `p_at_port` is the
        share of the link that is a call at `port_id`, `p_at_port_prior` the weight of that call before the sighting.
        `llr_joint` is what entered the joint problem, `p_link_flat` the posterior with every port in reach alike.
        Where a sighting may be two ships, `p_merged` is the chance that the gap's ship is one of two, the other most
        likely of the track `merged_with`; each has half of that in its `p_link`. `asserted` says that the link is
        beyond reasonable doubt by the rule. On the rows of nobody, `p_cut` is what candidates beyond `most_gaps` would
        have got. `converged` is false where the joint problem was not solved to the tolerance. Rows with null
        `sighting_id` say that the gap's ship was not seen at `port_id` in a scene (`llr_absence`).

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    looks = conform(scenes, SCENES) if scenes is not None else empty(SCENES)
    # What the rows are worked out from is given up with the call, and they themselves where they have been copied.
    parts = _links(
        _gaps_with_hulls(gaps, vessels),
        conform(sightings, SIGHTINGS),
        looks.drop_duplicates("scene_id", ignore_index=True),
        conform(ports, PORTS) if ports is not None else empty(PORTS),
        _track_table(fixes if fixes is not None else empty(FIXES)),
        rule or LinkRule(),
    )
    whole = parts[0] if len(parts[1]) == 0 else pd.concat(parts, ignore_index=True)
    del parts
    return finish(whole, LINKS)


def _links(
    gaps: pd.DataFrame, sightings: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame, on_air: pd.DataFrame,
    rule: LinkRule,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Rows of the sightings, and of the scenes that show ports without the ship."""
    usual, found = excursions(gaps, ports, rule), Candidates.of(gaps, sightings, rule)
    case = _case(gaps, sightings, scenes, ports, on_air, usual, rule)
    exposure = Exposure(*case.likelihood.views.calls_in_view(gaps, scenes))
    routes, unknown = learn(case, found, usual, exposure)
    pairs, cut = _weighed_blocks(case, found, usual, routes, unknown)
    weighed = weigh(case, pairs, unknown)
    del pairs
    linked = link_rows(weighed, _flat_share(case, weighed.pairs, unknown), cut, case)
    return linked, absences(case, routes, exposure, weighed.pairs)


def _case(
    gaps: pd.DataFrame, sightings: pd.DataFrame, scenes: pd.DataFrame, ports: pd.DataFrame, on_air: pd.DataFrame,
    usual: Excursions, rule: LinkRule,
) -> Case:  # fmt: skip
    """What is given, with what is worked out of it once."""
    background, errors = unknown_density(sightings, ports, rule), position_errors(sightings, scenes)
    lit = broadcasting_pairs(sightings, errors, on_air, gaps, background, rule)
    aside = set_aside(sightings, scenes, ports)
    lit, background = recounted(lit, background, sightings, scenes, aside.isna().to_numpy(), rule)
    silent = lit[aside[lit["sighting"]].isna().to_numpy()].reset_index(drop=True)
    likelihood = Likelihood(
        Positions.of(gaps, sightings, ports, usual, errors, rule, resting_spots(on_air)),
        Appearances.of(gaps, sightings, errors.imager),
        Views.of(gaps, _scene_rows(sightings, scenes), scenes, ports, usual, rule),
        background,
    )
    return Case(gaps, sightings, scenes, ports, errors, aside, silent, likelihood, rule)


def _weighed_blocks(
    case: Case, found: Candidates, usual: Excursions, routes: Excursions, unknown: tuple[float, float]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Pairs that are kept, as learned and, in `llr_joint_flat`, with all ports in reach alike; odds of those cut."""
    flat = routes.flat()

    def weighed(part: slice) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        block = keep_candidates(case, found, part, usual)
        alike = block.weighed(flat, unknown)["llr_joint"]
        return block.weighed(routes, unknown).assign(llr_joint_flat=alike), block.cut, block.odds

    none = case.likelihood.evidence(found.none()).weighed(routes, unknown).assign(llr_joint_flat=0.0)
    # Blocks go into their place at once: a list of many small tables would be held twice, and scattered.
    room = int(np.minimum(found.tests(), case.rule.most_gaps).sum())
    columns = {str(name): np.empty(room, dtype=dtype) for name, dtype in none.dtypes.items()}
    number, cut = 0, np.zeros(len(case.sightings))
    for pairs, beyond, odds in in_threads(weighed, found.parts()):
        end = number + len(pairs)
        for name, values in columns.items():
            if end > len(values):  # many gaps alike
                values = columns[name] = np.concatenate([values[:number], np.empty(end, dtype=values.dtype)])
            values[number:end] = pairs[name]
        np.add.at(cut, beyond, odds)
        number = end
    return pd.DataFrame({name: values[:number] for name, values in columns.items()}, copy=False), cut


def _flat_share(case: Case, pairs: pd.DataFrame, unknown: tuple[float, float]) -> np.ndarray:
    """Part of each pair in its sighting with all ports in reach alike; 0 of those that are then below the bar."""
    alike = pairs[["gap", "sighting", "llr_length", "llr_beam"]].assign(llr_joint=pairs["llr_joint_flat"])
    flat, share = weigh(case, alike, unknown), np.zeros(len(pairs))
    share[flat.row] = flat.share()
    return share


def _scene_rows(sightings: pd.DataFrame, scenes: pd.DataFrame) -> np.ndarray:
    """Row of each sighting's scene, -1 where it is not known, shape (n,)."""
    if "scene_id" not in sightings:
        return np.full(len(sightings), -1)
    return pd.Index(scenes["scene_id"]).get_indexer(pd.Index(sightings["scene_id"]))


def _gaps_with_hulls(gaps: Any, vessels: Any) -> pd.DataFrame:
    table = complete(gaps, GAPS)
    for name in ("length_m", "beam_m", "draught_max_m", "ship_type"):
        if name not in table:
            table[name] = pd.Series(np.nan, index=table.index, dtype="Int16" if name == "ship_type" else "float64")
    if vessels is not None:
        known = conform(vessels, VESSELS).drop_duplicates("mmsi").set_index("mmsi").reindex(table["mmsi"]).reset_index()
        for name in ("length_m", "beam_m", "draught_max_m", "ship_type"):
            if name in known:
                table[name] = (
                    table[name].fillna(known[name]) if name == "ship_type" else known[name].fillna(table[name])
                )
    return table


def _track_table(fixes: Any) -> pd.DataFrame:
    table = conform(fixes, FIXES)
    if "track_id" not in table:
        table["track_id"] = table["mmsi"].astype("str") + "-0"
    if "flag" not in table:
        lost = table["lat"].isna() | table["lon"].isna()
        table["flag"] = pd.Series("no_position", index=table.index, dtype="str").where(lost)
    return table
