"""How fast `find_dark_meetings` pairs the gaps of a busy region, beside looking at all pairs silent at the same time.

Gaps are as long as real ones (median 14 h, some of them months), spread over a year and over seas of 1,000 by 1,000 nm;
as many at a time as with 100,000 gaps a year whatever their number.
"""

import numpy as np
import pandas as pd
from traffic import best_s

from darkvoyage.kernels.prisms import make_prisms, most_together_h, pairs_at_once
from darkvoyage.reach.meetings import find_dark_meetings
from darkvoyage.rules.meetings import MeetingRule

SEED, YEAR_GAPS, YEAR_H = 20240307, 100_000, 8766.0
SIDE_NM, MEDIAN_H, LOG_SD, LONGEST_H = 1000.0, 14.0, 0.8, 4000.0
SPEED_KN, CAP_KN = 11.5, 18.5


def silences(gaps):
    """GAPS of fictional tankers and their SILENCES."""
    rng = np.random.default_rng(SEED)
    hours = np.clip(rng.lognormal(np.log(MEDIAN_H), LOG_SD, gaps), 6.1, 400)
    months = rng.random(gaps) < 0.002
    hours[months] = rng.uniform(400, LONGEST_H, months.sum())
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        rng.uniform(0, YEAR_H * gaps / YEAR_GAPS, gaps), unit="h"
    ).round("s")
    lat, lon = rng.uniform(0, SIDE_NM / 60, (2, gaps))
    # On from where they were lost, at part of their speed, most of them.
    far = SPEED_KN * hours / 60 * rng.beta(1.2, 1.5, gaps)
    course = rng.uniform(0, 2 * np.pi, gaps)
    mmsi = 201_000_000 + rng.integers(0, max(gaps // 50, 2), gaps)
    counts = dict.fromkeys(
        ["fixes_before_12h", "fixes_before_12h_ter", "fixes_before_12h_sat", "fixes_before_12h_dyn", "fixes_after_12h"],
        9,
    )
    table = pd.DataFrame(
        {
            "gap_id": [f"g{number:07d}" for number in range(gaps)],
            "track_id": pd.Series(mmsi).astype("str") + "-0",
            "mmsi": mmsi,
            "gap_start": start,
            "gap_end": start + pd.to_timedelta(hours, unit="h").round("s"),
            "is_closed": True,
            "duration_h": hours,
            "start_lat": lat,
            "start_lon": lon,
            "end_lat": np.clip(lat + np.minimum(far, 20) * np.cos(course), -60, 60),
            "end_lon": lon + np.minimum(far, 20) * np.sin(course),
            "start_sog": np.where(rng.random(gaps) < 0.3, 0.1, SPEED_KN),
            "end_sog": np.where(rng.random(gaps) < 0.3, 0.1, SPEED_KN),
            "ship_type": pd.array(rng.choice([70, 80], gaps), dtype="Int16"),
            **counts,
        }
    )
    p_off = np.where(rng.random(gaps) < 0.1, rng.uniform(0.3, 0.95, gaps), rng.uniform(0.0, 0.2, gaps))
    said = pd.DataFrame({"gap_id": table["gap_id"], "p_off": p_off, "llr_silence": 0.0, "neighbours_heard": 1})
    return table, said


def in_time(table):
    """Pairs whose ends alone do not exclude six hours together, by the screens alone."""
    start = (table["gap_start"] - table["gap_start"].min()) / pd.Timedelta(hours=1)
    before, after = ((table[f"{end}_lat"].to_numpy(), table[f"{end}_lon"].to_numpy()) for end in ("start", "end"))
    duration = table["duration_h"].to_numpy()
    prisms = make_prisms(before, after, start.to_numpy(), start.to_numpy() + duration, np.full(len(table), CAP_KN))
    least = MeetingRule().min_h
    return sum(
        int((most_together_h(prisms.at(i), prisms.at(j)) >= least).sum()) for i, j in pairs_at_once(prisms, None, least)
    )


def run(*, rows):
    """Measure one run; `rows` are fixes, of which one in ten ends in a gap."""
    table, said = silences(max(rows // 10, 2))
    possible = in_time(table)
    found = find_dark_meetings(table, silences=said)
    ours = best_s(lambda: len(find_dark_meetings(table, silences=said)), repeats=1)
    screens = best_s(lambda: in_time(table), repeats=1)
    return {
        "rows": rows,
        "gaps": len(table),
        "pairs_in_time": possible,
        "rows_listed": len(found),
        "seconds": ours,
        "gaps_per_s": len(table) / ours,
        "pairs_in_time_per_s": possible / ours,
        "screens_alone_pairs_per_s": possible / screens,
    }
