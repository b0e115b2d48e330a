"""The likeliest ways to give the sightings of a scene to gaps, as wholes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.errors import RuleError
from darkvoyage.kernels.assign import best_matchings
from darkvoyage.schema.conform import complete, empty, finish
from darkvoyage.schema.tables import LINK_ALTERNATIVES, LINKS

__all__ = ["link_alternatives"]


def link_alternatives(links: Any, *, scene_id: str, number: int = 5) -> pd.DataFrame:
    """List the likeliest ways to give the sightings of one scene to gaps.

    `p_link` says how sure each link is by itself; this says which links go together. Broadcasting ships count as far
    as they were found likely, the other scenes of a gap do not; two ships in one sighting are told by `p_merged` only.

    Parameters
    ----------
    links : LINKS table
        As of `link_sightings`.
    scene_id : str
    number : int
        At most so many.

    Returns
    -------
    LINK_ALTERNATIVES table
        One row per alternative and sighting of the scene: `rank` (1 is the likeliest), `llr_best` (log ratio of the
        alternative against the first [nats]), `gap_id` (null: nobody we know or a broadcasting ship).

    Raises
    ------
    SchemaError
        The table is not LINKS.
    RuleError
        `number` is no whole number from 1 on.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise RuleError(f"number = {number!r}: expected a whole number of at least 1")
    table = complete(links, LINKS)
    table = table[table["scene_id"].eq(scene_id).fillna(False).to_numpy(dtype=bool) & table["sighting_id"].notna()]
    nobody = table[table["gap_id"].isna()].sort_values("sighting_id", ignore_index=True)
    pairs = table[table["gap_id"].notna() & table["llr_joint"].notna()]
    if len(nobody) == 0:
        return empty(LINK_ALTERNATIVES)
    sighting = pd.Index(nobody["sighting_id"]).get_indexer(pd.Index(pairs["sighting_id"]))
    gap, gap_ids = pd.factorize(pairs["gap_id"], sort=True)
    free = np.log(np.clip(1.0 - nobody["p_broadcasting"].fillna(0.0).to_numpy(), 1e-12, 1.0))
    llr = np.full((len(nobody), len(gap_ids)), -np.inf)
    llr[sighting, gap] = pairs["llr_joint"].to_numpy() + free[sighting]
    found = best_matchings(llr, number)
    names = np.array([*gap_ids, None], dtype=object)
    rows = {
        "scene_id": scene_id,
        "rank": np.repeat(np.arange(len(found)) + 1, len(nobody)),
        "llr_best": np.repeat([weight - found[0][0] for weight, _ in found], len(nobody)),
        "sighting_id": np.tile(nobody["sighting_id"].to_numpy(dtype=object), len(found)),
        "gap_id": names[np.concatenate([choice for _, choice in found])],
    }
    return finish(rows, LINK_ALTERNATIVES)
