"""Worlds of which everything is known, and the answers that the truth itself would give; all ships are fictional.

The tables of answers are written row by row from the truth, without the code that judges them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from darkvoyage.schema.conform import empty, finish
from darkvoyage.schema.tables import (
    CARGO,
    GAPS,
    LINKS,
    PORT_CALLS,
    SIGHTINGS,
    SILENCES,
    TRANSFERS,
    TRUTH,
    TRUTH_SIGHTINGS,
)
from tests.worlds import hours

OFF = {"fault", "security_off", "berth_off", "off_no_call", "off_wait", "dark_call", "dark_meeting"}
SHIP = 299_000_001


@dataclass(frozen=True)
class Truth:
    """What is true, and the sightings."""

    truth: pd.DataFrame
    sightings: pd.DataFrame
    truth_sightings: pd.DataFrame


def event(kind, ship, off, on, gap, *, port=None, barrels=None):
    """One row of TRUTH in hours since the start; a call lasts from a quarter to three quarters of the silence."""
    called = port is not None
    middle = ((3 * off + on) / 4, (off + 3 * on) / 4) if called and on is not None else (None, None)
    return {
        "kind": kind,
        "mmsi": SHIP + ship,
        "off_time": off,
        "on_time": on,
        "gap_start": gap and gap[0],
        "gap_end": gap and gap[1],
        "port_id": port,
        "arrive": middle[0],
        "depart": middle[1],
        "barrels": barrels,
        "loaded": None if barrels is None else barrels > 0,
    }


def truth_table(events):
    table = pd.DataFrame(events)
    for name in ("off_time", "on_time", "gap_start", "gap_end", "arrive", "depart"):
        table[name] = pd.Series(hours(table[name].astype("float64"))).astype("datetime64[us, UTC]")
    return finish(table.assign(truth_id=[f"t{i:03d}" for i in range(len(table))]), TRUTH)


def sighting_tables(rows):
    """Rows (hours, ship or None, what, scene)."""
    ids = [f"s{i:03d}" for i in range(len(rows))]
    at, ship, what, scene = zip(*rows, strict=True)
    seen = pd.DataFrame({"sighting_id": ids, "timestamp": hours(at), "lat": 42.0, "lon": 131.0, "scene_id": scene})
    mmsi = pd.array([None if number is None else SHIP + number for number in ship], dtype="Int64")
    true = pd.DataFrame({"sighting_id": ids, "mmsi": mmsi, "what": what})
    return finish(seen, SIGHTINGS, optional=True), finish(true, TRUTH_SIGHTINGS)


def hand_made():
    """Each kind of event at least once: closed and open gaps, a call too short for a gap, and four honest ships."""
    truth = truth_table(
        [
            event("dark_call", 0, 100, 180, (99, 183), port="RUVYP", barrels=500_000.0),
            event("natural", 0, 300, 310, (300, 310)),
            event("dark_call", 1, 40, 45, None, port="KPCHO", barrels=20_000.0),
            event("dark_call", 1, 200, None, (199, None), port="RUVYP", barrels=300_000.0),
            event("spoofed", 2, 50, 90, (60, 80), port="KPCHO", barrels=0.0),
            event("spoofed", 2, 100, 130, None),
            event("identity_swap", 3, 60, 160, (60, 75)),
            event("natural", 3, 10, 17, (10, 17)),
            event("fault", 4, 20, 30, (19, 31)),
            event("security_off", 4, 50, 90, (49, 90)),
            event("berth_off", 5, 20, 50, (20, 52), port="JPNII"),
            event("off_no_call", 5, 100, 190, (98, 190)),
            event("off_wait", 6, 10, 80, (9, 83)),
            event("dark_meeting", 6, 100, 140, (99, 140), port="sts-a"),
            event("natural", 7, 0, 7, (0, 7)),
            event("natural", 7, 80, 190, (80, 190)),
            event("natural", 8, 30, None, (30, None)),
            event("natural", 9, 60, 90, (60, 90)),
        ]
    )
    seen = sighting_tables(
        [
            (120, 0, "ship", "a"),
            (140, 0, "ship", "b"),
            (140, 7, "ship", "b"),
            (10, 0, "ship", "c"),  # broadcasting
            (140, None, "unknown_ship", "b"),
            (141, None, "unknown_ship", None),
            (142, None, "clutter", "b"),
            (143, None, "structure", "b"),
            (250, 1, "ship", "d"),
        ]
    )
    return Truth(truth, *seen)


def random_world(seed, ships=20):
    """Ships with up to six events one after the other, and sightings inside and outside of their gaps."""
    rng = np.random.default_rng(seed)
    kinds = ["natural"] * 6 + sorted(OFF) + ["dark_call"] * 3 + ["spoofed", "identity_swap"]
    events, seen = [], []
    for ship in range(ships):
        now = rng.uniform(0, 30)
        for _ in range(rng.integers(1, 7)):
            kind = kinds[rng.integers(len(kinds))]
            off, length = now + rng.uniform(4, 30), rng.lognormal(3.2, 0.9)
            on = off + length
            gap = (off - rng.uniform(0, 2), on + rng.uniform(0, 2)) if kind in OFF else (off, on)
            gap = gap if gap[1] - gap[0] > 6 else None
            if kind == "natural" and gap is None:
                continue
            port = {"dark_call": "RUVYP", "berth_off": "JPNII", "dark_meeting": "sts-a"}.get(kind)
            if kind in ("dark_call", "spoofed") and rng.random() < 0.4:
                port = "KPCHO"
            barrels = float(rng.uniform(1e4, 1e6)) if kind == "dark_call" else None
            events.append(event(kind, ship, off, on, gap, port=port, barrels=barrels))
            if gap and rng.random() < 0.5:
                seen.append((rng.uniform(*gap), ship, "ship", f"scene-{rng.integers(6)}"))
            seen.append((off - 3, ship, "ship", None))
            now = on + 3
    seen += [(rng.uniform(0, 300), None, what, "scene-1") for what in ("unknown_ship", "unknown_ship", "clutter")]
    return Truth(truth_table(events), *sighting_tables(seen))


def true_gaps(world):
    """GAPS of all silences; those too short for the feed with the times of the transmitter.

    A silence with several causes is named after its call, else after the longest.
    """
    silent = world.truth["kind"].isin(OFF) & ~(world.truth["on_time"] <= world.truth["off_time"])
    rows = world.truth[world.truth["gap_start"].notna() | silent]
    length = (rows["on_time"] - rows["off_time"]).where(~rows["kind"].eq("dark_call"), pd.Timedelta(days=9999))
    rows = rows.assign(length=length).sort_values("length", ascending=False, kind="stable")
    short = rows["gap_start"].isna()
    rows = rows[short | ~rows.duplicated(["mmsi", "gap_start", "gap_end"])]
    short = rows["gap_start"].isna()
    start = rows["gap_start"].where(~short, rows["off_time"])
    end = rows["gap_end"].where(~short, rows["on_time"])
    as_of = max(start.max(), end.max()) + pd.Timedelta(hours=7)
    duration = ((end.fillna(as_of) - start) / pd.Timedelta(hours=1)).to_numpy()
    table = pd.DataFrame(
        {
            "gap_id": "gap-" + rows["truth_id"],
            "track_id": rows["mmsi"].astype("str") + "-0",
            "mmsi": rows["mmsi"],
            "gap_start": start,
            "gap_end": end,
            "is_closed": end.notna(),
            "duration_h": duration,
        }
    )
    counts = [column.name for column in GAPS.columns if not column.nullable and column.name not in table]
    return finish(table.assign(**dict.fromkeys(counts, 0)), GAPS)


def is_call(row):
    return row.kind == "dark_call" or (row.kind == "spoofed" and pd.notna(row.port_id) and pd.notna(row.gap_start))


def with_gap(world):
    known = set(true_gaps(world)["gap_id"])
    return [row for row in world.truth.itertuples() if f"gap-{row.truth_id}" in known]


def true_silences(world):
    rows = [
        {
            "gap_id": f"gap-{row.truth_id}",
            "p_off": float(row.kind in OFF),
            "llr_silence": 0.0,
            "neighbours_heard": 0,
        }
        for row in with_gap(world)
    ]
    return finish(pd.DataFrame(rows), SILENCES)


def true_port_calls(world):
    rows = []
    for row in with_gap(world):
        place = None if pd.isna(row.port_id) else row.port_id
        hypothesis = "transit" if place is None else "sts" if row.kind == "dark_meeting" else "port"
        rows.append(
            {
                "gap_id": f"gap-{row.truth_id}",
                "port_id": place,
                "hypothesis": hypothesis,
                "p_call": 1.0,
                "p_feasible": 1.0 if place else None,
            }
        )
    return finish(pd.DataFrame(rows), PORT_CALLS)


def true_links(world):
    gaps = true_gaps(world)
    rows = []
    seen_at = world.sightings[["sighting_id", "timestamp"]]
    for seen in seen_at.merge(world.truth_sightings, on="sighting_id").itertuples():
        gap_id = None
        for gap in gaps.itertuples():
            before_end = pd.isna(gap.gap_end) or seen.timestamp < gap.gap_end
            if pd.notna(seen.mmsi) and gap.mmsi == seen.mmsi and gap.gap_start < seen.timestamp and before_end:
                gap_id = gap.gap_id
        rows.append({"sighting_id": seen.sighting_id, "gap_id": gap_id, "p_link": 1.0, "rank": 1})
    rows.append({"sighting_id": None, "gap_id": gaps["gap_id"][0], "scene_id": "a", "llr_absence": -1.0})
    return finish(pd.DataFrame(rows), LINKS)


def true_transfers(world):
    gaps = true_gaps(world).set_index("gap_id")
    rows = []
    for row in with_gap(world):
        gap = gaps.loc[f"gap-{row.truth_id}"]
        if is_call(row):
            rows.append(
                {
                    "gap_id": f"gap-{row.truth_id}",
                    "port_id": row.port_id,
                    "mmsi": row.mmsi,
                    "track_id": f"{row.mmsi}-0",
                    "gap_start": gap["gap_start"],
                    "gap_end": gap["gap_end"],
                    "p_transfer": 1.0,
                    "score": 100.0,
                    "prior": 0.1,
                    "llr_total": 10.0,
                }
            )
    return finish(pd.DataFrame(rows), TRANSFERS) if rows else empty(TRANSFERS)


def true_cargo(world):
    rows = []
    for row in world.truth.itertuples():
        if is_call(row):
            barrels = dict.fromkeys(("barrels_p10", "barrels_p50", "barrels_p90"), row.barrels)
            rows.append(
                {
                    "gap_id": f"gap-{row.truth_id}",
                    "port_id": row.port_id,
                    "mmsi": row.mmsi,
                    "track_id": f"{row.mmsi}-0",
                    "call_time": row.off_time,
                    "p_transfer": 1.0,
                    "p_loaded": 1.0,
                    **barrels,
                }
            )
    return finish(pd.DataFrame(rows), CARGO) if rows else empty(CARGO)
