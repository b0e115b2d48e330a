"""Positions and identities that are not to be believed, before anything is inferred from them.

A receiver that is jammed, a transponder that is fed a false track, a number that two hulls use: all of these look like
a ship that sails, and gaps, reach and port calls computed from them are wrong. `find_untrusted` says what is odd and
how sure that is; `mark_untrusted` takes false positions out of the tracks, so that the gaps run across them.

Differs from cleaning, which flags single fixes that no ship can have reached: here whole stretches are judged that are
possible step by step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.spans import search_groups
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.rules.tracks import CleanRule
from darkvoyage.schema.conform import conform, empty, finish
from darkvoyage.schema.tables import FIXES, UNTRUSTED
from darkvoyage.schema.times import time_us
from darkvoyage.tracks.ashore import inland_stretches
from darkvoyage.tracks.circles import fixes_on_circles
from darkvoyage.tracks.cleaning import clean_fixes, in_order
from darkvoyage.tracks.identity import in_two_places, odd_identities, swapped_identities
from darkvoyage.tracks.motion import headings_off, speeds_off, stands_out, straight_lines
from darkvoyage.tracks.sequences import Sequences, Stretches, covered, exceptions, sequences

__all__ = ["POSITION_REASONS", "find_untrusted", "mark_untrusted"]

POSITION_REASONS = ("circle", "heading", "implied_speed", "on_land", "straight", "two_places")
"""Reasons that say that positions are false; the others are about identities."""

_SHARED_CIRCLE, _OWN_CIRCLE, _STRAIGHT, _ASHORE, _OFF = 0.95, 0.85, 0.9, 0.9, 0.8
_INLAND, _SENSOR = 0.5, 0.4
_TWO_PLACES, _IDENTITY, _SWAP, _SWAP_FOR_GOOD = 0.5, 0.2, 0.6, 0.8


def find_untrusted(fixes: Any, *, vessels: Any = None, rule: IntegrityRule | None = None) -> pd.DataFrame:
    """Find the stretches of tracks whose positions or identities are not to be believed.

    Parameters
    ----------
    fixes : FIXES table
        Cleaned fixes of the whole region: circles that several ships draw are told by the fleet. Raw ones go through
        the default cleaning first.
    vessels : VESSELS table, optional
        Register to hold the flags of the MMSI against.
    rule : IntegrityRule, optional

    Returns
    -------
    UNTRUSTED table
        One row per stretch and `reason`, with the number of its usable fixes, `detail` as text, and `confidence` (1:
        certain), which is an order, not a probability:

        - `circle`: round a circle for an hour and more, as the positions of jammed receivers go, or briefly round a
          circle that other ships draw too;
        - `straight`: on a line and at a speed that no ship keeps so exactly;
        - `implied_speed`: positions move much faster than the ship says, or not at all while it reports speed;
        - `heading`: the compass points elsewhere than the positions go, unlike in the rest of the ship's reports;
        - `on_land`: far from all water, of a ship that mostly is not;
        - `two_places`: the same MMSI is heard on another track meanwhile; which of them is the ship is not known;
        - `identity`: numbers that cannot be or do not go together, once per track, weak;
        - `identity_swap`: the track goes on where another MMSI of a hull as long and as wide fell silent.

    Raises
    ------
    SchemaError
        The table is not FIXES.
    """
    rule = rule or IntegrityRule()
    table = _cleaned(fixes)
    line = sequences(table)
    parts = [*_false_positions(line, rule), _two_places(line), _swaps(line, table, rule)]
    parts = [_named(part, line, table) for part in parts if len(part)]
    parts.append(odd_identities(table, vessels).assign(reason="identity", confidence=_IDENTITY))
    parts = [part for part in parts if len(part)]
    return finish(pd.concat(parts, ignore_index=True), UNTRUSTED) if parts else empty(UNTRUSTED)


def _cleaned(fixes: Any, clean: CleanRule | None = None) -> pd.DataFrame:
    table = conform(fixes, FIXES)
    return in_order(table) if {"track_id", "flag"} <= set(table.columns) else clean_fixes(table, rule=clean)


def _rows(found: Stretches, reason: str, detail: Any, confidence: Any) -> pd.DataFrame:
    columns = {"first": found.first, "last": found.last, "reason": reason, "detail": detail, "confidence": confidence}
    return pd.DataFrame(columns, index=range(len(found.first)))


def _named(part: pd.DataFrame, line: Sequences, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of UNTRUSTED from places in the sequences."""
    first, last = part["first"].to_numpy(), part["last"].to_numpy()
    start, end = line.row[first], line.row[last]
    return pd.DataFrame(
        {
            "track_id": table["track_id"].take(start).to_numpy(),
            "mmsi": line.mmsi[first],
            "start_time": table["timestamp"].take(start).array,
            "end_time": table["timestamp"].take(end).array,
            "reason": part["reason"],
            "fixes": last - first + 1,
            "detail": part["detail"],
            "confidence": part["confidence"],
        }
    )


def _false_positions(line: Sequences, rule: IntegrityRule) -> list[pd.DataFrame]:
    runs, ships, radius = fixes_on_circles(line, rule)
    ring = pd.Series(np.round(radius, 2)).astype("str") + " nm from a point"
    shared = pd.Series(ships).astype("str") + " MMSI on a circle " + ring
    circle = _rows(runs, "circle", np.where(ships > 1, shared, ring), np.where(ships > 1, _SHARED_CIRCLE, _OWN_CIRCLE))
    # What is on a circle says nothing of log and compass, and is not judged again.
    rest = np.flatnonzero(~covered(runs.first, runs.last, len(line.row)))
    left = line.take(rest)
    straight = _rows(straight_lines(left, rule), "straight", "one course and one speed throughout", _STRAIGHT)
    fast = speeds_off(left, rule)
    said = "positions move faster than the ship says, or stand still at speed"
    speed = _rows(fast, "implied_speed", said, np.where(exceptions(left.track, fast), _OFF, _SENSOR))
    turned = headings_off(left, rule)
    alone = stands_out(left, turned, rule)
    heading = _rows(turned, "heading", "heading and course over ground differ", np.where(alone, _OFF, _SENSOR))
    inland = inland_stretches(left, rule)
    alone = exceptions(left.track, inland)
    ashore = _rows(inland, "on_land", "land all around, no river or canal known", np.where(alone, _ASHORE, _INLAND))
    others = [
        part.assign(first=rest[part["first"]], last=rest[part["last"]]) for part in (straight, speed, heading, ashore)
    ]
    return [circle, *others]


def _two_places(line: Sequences) -> pd.DataFrame:
    return _rows(in_two_places(line), "two_places", "another track of the same MMSI is heard meanwhile", _TWO_PLACES)


def _swaps(line: Sequences, table: pd.DataFrame, rule: IntegrityRule) -> pd.DataFrame:
    swaps = swapped_identities(line, table, rule)
    before = table["track_id"].take(line.row[swaps.old]).reset_index(drop=True)
    away = pd.Series(np.round(swaps.away_nm, 1)).astype("str")
    sure = np.where(swaps.for_good, _SWAP_FOR_GOOD, _SWAP)
    return _rows(
        Stretches(swaps.new, swaps.last), "identity_swap",
        "goes on where " + before + " fell silent, " + away + " nm on, as long and as wide", sure,
    )  # fmt: skip


def mark_untrusted(
    fixes: Any, untrusted: Any, *, rule: IntegrityRule | None = None, clean: CleanRule | None = None
) -> pd.DataFrame:
    """Take false positions out of the tracks: flag them `untrusted`, and split what is left into hulls anew.

    A circle that a jammer draws looks like another hull under the same MMSI, and ties true fixes to itself. With the
    false positions set aside the ship's own track is whole again, and a gap runs across them: what is untrusted bounds
    no gap. It is no silence either: that the ship was heard stays in the table for `fit_reception`.

    Parameters
    ----------
    fixes : FIXES table
        Those that `find_untrusted` was given.
    untrusted : UNTRUSTED table
    rule : IntegrityRule, optional
        Stretches count whose reason is about positions and whose confidence is `min_confidence` or more.
    clean : CleanRule, optional
        With which the fixes were cleaned, or are to be.

    Returns
    -------
    FIXES table
        All rows, sorted by (mmsi, timestamp). The track ids of ships of which something was marked may be others.

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    rule = rule or IntegrityRule()
    table = _cleaned(fixes, clean)
    hit = _inside(table, conform(untrusted, UNTRUSTED), rule)
    if not hit.any():
        return table
    table["flag"] = table["flag"].mask(hit, "untrusted")
    return _split_anew(table, clean)


def _inside(table: pd.DataFrame, untrusted: pd.DataFrame, rule: IntegrityRule) -> np.ndarray:
    """Tell which usable fixes, and second copies of them, lie in a stretch of their track that counts."""
    counts = untrusted["reason"].isin(POSITION_REASONS) & (untrusted["confidence"] >= rule.min_confidence)
    stretch = untrusted[counts.fillna(False).to_numpy(dtype=bool)]
    kind = (table["flag"].isna() | table["flag"].eq("duplicate")).to_numpy(dtype=bool)
    usable = kind & np.isfinite(table["lat"].to_numpy()) & np.isfinite(table["lon"].to_numpy())
    code, names = pd.factorize(stretch["track_id"])
    track = pd.Index(names).get_indexer(table["track_id"])
    at = np.flatnonzero(usable & (track >= 0))
    time = time_us(table["timestamp"])[at]
    begun = np.zeros(len(at), dtype="int64")
    for name, side, sign in (("start_time", "right", 1), ("end_time", "left", -1)):
        edge = time_us(stretch[name])
        order = np.lexsort((edge, code))
        begun += sign * search_groups(code[order], edge[order], track[at], time, side=side)
    out = np.zeros(len(table), dtype=bool)
    out[at] = begun > 0
    return out


def _split_anew(table: pd.DataFrame, clean: CleanRule | None) -> pd.DataFrame:
    """Hulls of the MMSI with marked fixes, from the others alone; marked fixes go with the track heard before them."""
    marked = table["flag"].eq("untrusted").to_numpy(dtype=bool, na_value=False)
    ships = table["mmsi"].isin(table["mmsi"][marked].unique()).to_numpy()
    kept = [table[~ships], clean_fixes(table[ships & ~marked], rule=clean), table[marked]]
    out = in_order(pd.concat(kept, ignore_index=True)[list(table.columns)])
    lost = out["flag"].eq("untrusted").to_numpy(dtype=bool, na_value=False)
    track = out["track_id"].mask(lost).groupby(out["mmsi"])
    heard = track.ffill().fillna(track.bfill()).fillna(out["mmsi"].astype("str") + "-0")
    out["track_id"] = out["track_id"].mask(lost, heard)
    return out
