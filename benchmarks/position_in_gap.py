"""Where a ship is inside a gap: densities of the bridges against positions hidden in real tracks.

Stretches of dense reports are hidden for half an hour to a day and asked for at one moment inside. Vessels of the
development half are what the constants of the kernel were fitted on; all figures are of the other half. Areas are km2
here, so that the figures stand beside published ones.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from darkvoyage.bench.sets import read_real_sets, read_set
from darkvoyage.kernels.bridges import (
    BRIDGE_LAW,
    Branch,
    BranchLaw,
    branches,
    bridge_density,
    lens_area,
    local_offset,
    student_density,
)
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.times import time_us
from darkvoyage.scoring.evaluation.splits import split_halves
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.units import M_PER_NM, US_PER_H

SETS = ("Kattegat 2025", "Singapore tankers", "Segmenter tracks 2021", "Baltic 2018", "Gibraltar 2016")
HOURS = (0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
PER_VESSEL = 40
"""Gaps of each length and vessel, so that no vessel fills the table."""
SPACING_H = 5 / 60
SPACING_SHARE = 1 / 12
"""Reports are no further apart than five minutes, or than this share of the gap."""
SEED = 20250311
DRAWS = 200
ERROR_NM = 0.0
"""Positions asked for are exact to a few metres, which the density allows for by itself."""
MAX_SPEED_KN = 16.0
LONGEST_H = 6.0
MOST_STRETCH = 4.0


def dense_tracks(name):
    """Usable fixes of a set, in order of track and time."""
    sets = {real.name: real for real in read_real_sets(Path(__file__).with_name("real_sets.toml"))}
    fixes = clean_fixes(read_set(sets[name]))
    usable = fixes["flag"].isna() & (fixes["sog"].notna()) & (fixes["cog"].notna() | (fixes["sog"] < 1))
    fixes = fixes[usable].sort_values(["track_id", "timestamp"], ignore_index=True)
    return fixes[["mmsi", "track_id", "timestamp", "lat", "lon", "sog", "cog"]]


def masks(fixes, hours, seed=SEED):
    """Hide stretches of given length and draw one report inside each."""
    rng = np.random.default_rng(seed)
    at = time_us(fixes["timestamp"]) / US_PER_H
    track = pd.factorize(fixes["track_id"])[0]
    # A hole wider than allowed ends a run; gaps are hidden inside of runs only.
    hole = np.diff(at, prepend=np.nan) > max(SPACING_H, SPACING_SHARE * hours)
    run = np.cumsum(hole | (np.diff(track, prepend=-1) != 0))
    base = run * 1e7 + at - at.min()
    last = np.searchsorted(base, base + hours)
    start = np.flatnonzero(last < len(base))
    start = start[run[last[start]] == run[start]]
    start = rng.permutation(start)
    # So many of each vessel, drawn at random.
    place = pd.Series(fixes["mmsi"].to_numpy()[start]).groupby(fixes["mmsi"].to_numpy()[start]).cumcount().to_numpy()
    start = np.sort(start[place < PER_VESSEL])
    end = last[start]
    inside = end - start > 1
    start, end = start[inside], end[inside]
    # At a moment drawn uniformly, the report next to it: dense stretches of reports do not count more.
    moment = base[start] + rng.uniform(0.02, 0.98, len(start)) * (base[end] - base[start])
    seen = np.clip(np.searchsorted(base, moment), start + 1, end - 1)
    table = {"mmsi": fixes["mmsi"].to_numpy()[start], "asked_h": hours}
    for which, row in (("start", start), ("end", end)):
        table |= {f"{which}_{name}": fixes[name].to_numpy()[row] for name in ("lat", "lon", "sog", "cog")}
    table |= {"lat": fixes["lat"].to_numpy()[seen], "lon": fixes["lon"].to_numpy()[seen]}
    table |= {"total_h": at[end] - at[start], "since_h": at[seen] - at[start]}
    return pd.DataFrame(table)


def all_masks(names=SETS):
    parts = []
    for name in names:
        fixes = dense_tracks(name)
        parts += [masks(fixes, hours).assign(set=name) for hours in HOURS]
    table = pd.concat(parts, ignore_index=True)
    away = great_circle_nm(table["start_lat"], table["start_lon"], table["end_lat"], table["end_lon"])
    slow, fast = np.fmax(table["start_sog"], table["end_sog"]), np.fmin(table["start_sog"], table["end_sog"])
    stay, transit = (slow < 1) & (away < 0.54), (fast > 2) & (away / table["total_h"] > 2)
    stratum = np.select([stay, transit], ["stay", "transit"], "mixed")
    return table.assign(stratum=stratum, half=split_halves(table))


def planes(table):
    """Truth and end in the plane of the start [nm], velocities [kn] and times [h]."""
    x, y = local_offset(table["start_lat"], table["start_lon"], table["lat"], table["lon"])
    end_x, end_y = local_offset(table["start_lat"], table["start_lon"], table["end_lat"], table["end_lon"])
    velocity = []
    for end in ("start", "end"):
        course = np.radians(table[f"{end}_cog"].fillna(0.0))
        velocity += [(table[f"{end}_sog"] * trig(course)).to_numpy() for trig in (np.sin, np.cos)]
    return x, y, end_x, end_y, tuple(velocity), table["total_h"].to_numpy(), table["since_h"].to_numpy()


def levels(ways, x, y, seed=SEED):
    """Mass that each row's mixture has where it is denser than at the truth, by draws from it."""
    rng = np.random.default_rng(seed)
    at_truth = density_of(ways, x, y)
    cumulated = np.cumsum([way.weight for way in ways], axis=0)
    denser = np.zeros(len(x))
    for _ in range(DRAWS):
        chosen = (rng.random(len(x)) > cumulated[:-1]).sum(axis=0)
        way = Branch(*(np.choose(chosen, parts) for parts in zip(*ways, strict=True)))
        far = np.sqrt(way.nu * (rng.random(len(x)) ** (-2 / way.nu) - 1))
        turn = rng.uniform(0, 2 * np.pi, len(x))
        along, across = (
            far * trig(turn) * np.sqrt(size + ERROR_NM**2)
            for trig, size in ((np.cos, way.along_nm2), (np.sin, way.across_nm2))
        )
        course = np.arctan2(way.velocity_y, way.velocity_x)
        there_x = way.x + along * np.cos(course) - across * np.sin(course)
        there_y = way.y + along * np.sin(course) + across * np.cos(course)
        denser += density_of(ways, there_x, there_y) > at_truth
    return (denser + 0.5) / (DRAWS + 1)


def density_of(ways, x, y):
    return np.sum([way.weight * student_density(x, y, way, ERROR_NM) for way in ways], axis=0)


def centre(ways):
    """Where the mixture has its point: mean of the branch whose peak is highest."""
    peak = np.stack([way.weight / np.sqrt(way.along_nm2 * way.across_nm2) for way in ways])
    best = peak.argmax(axis=0)
    return tuple(np.choose(best, [getattr(way, name) for way in ways]) for name in ("x", "y"))


def score(table, law=BRIDGE_LAW):
    """Log density at the truth [nats, per km2], its level, and errors [km] of the mixture and of simple rules."""
    x, y, end_x, end_y, velocity, total, at = planes(table)
    ways = branches(end_x, end_y, velocity, total, at, law)
    f, km = at / total, M_PER_NM / 1000
    middle_x, middle_y = centre(ways)
    chord_x, chord_y = end_x / total, end_y / total
    back = at > total / 2
    reckoned = [
        np.where(back, end - late * (total - at), early * at)
        for end, early, late in ((end_x, velocity[0], velocity[2]), (end_y, velocity[1], velocity[3]))
    ]
    curve = [
        at * chord + at * (1 - f) ** 2 * (early - chord) - at * f * (1 - f) * (late - chord)
        for chord, early, late in ((chord_x, velocity[0], velocity[2]), (chord_y, velocity[1], velocity[3]))
    ]
    reach, slack = MAX_SPEED_KN, 0.2
    speed = np.fmax(reach, 1.1 * np.hypot(end_x, end_y) / total)
    area = lens_area(speed * at + slack, speed * (total - at) + slack, np.hypot(end_x, end_y))
    return table.assign(
        log_density=np.log(density_of(ways, x, y)) - 2 * np.log(km),
        level=levels(ways, x, y),
        log_prism=-np.log(area) - 2 * np.log(km),
        error_km=km * np.hypot(x - middle_x, y - middle_y),
        straight_km=km * np.hypot(x - f * end_x, y - f * end_y),
        reckoned_km=km * np.hypot(x - reckoned[0], y - reckoned[1]),
        curve_km=km * np.hypot(x - curve[0], y - curve[1]),
    )


def figures(scored, by):
    """One row per group: what the density is worth, how often it covers the truth, errors beside simple rules."""
    group = scored.groupby(by)
    out = pd.DataFrame({"gaps": group.size(), "vessels": group["mmsi"].nunique(), "nll": -group["log_density"].mean()})
    out["nll_prism"] = -group["log_prism"].mean()
    for level in (0.5, 0.9, 0.99):
        out[f"covered_{round(100 * level)}"] = group["level"].agg(lambda part, level=level: (part <= level).mean())
    for name in ("error_km", "straight_km", "reckoned_km", "curve_km"):
        out[f"median_{name}"] = group[name].median()
    out["p90_error_km"], out["p90_straight_km"] = group["error_km"].quantile(0.9), group["straight_km"].quantile(0.9)
    out["ratio_to_straight"] = out["median_error_km"] / out["median_straight_km"]
    return out


def run():
    masked = all_masks()
    scored = score(masked[masked["half"] == "test"].reset_index(drop=True))
    moving = scored[(scored["stratum"] != "stay") & (scored["asked_h"] <= LONGEST_H)]
    return {
        "up to 6 h, not staying": figures(moving.assign(all="all"), "all"),
        "by length": figures(scored[scored["stratum"] != "stay"], "asked_h"),
        "by set, up to 6 h, not staying": figures(moving, "set"),
        "two files of the protocol, by length": figures(moving[moving["set"].isin(SETS[:2])], "asked_h"),
        "under way at both ends": figures(scored[scored["stratum"] == "transit"], ["set", "asked_h"]),
        "staying": figures(scored[scored["stratum"] == "stay"], "asked_h"),
    }


def fit(table, law=BRIDGE_LAW, rounds=40):
    """Fit the laws of moving ships by maximum likelihood; a vessel counts with the root of its gaps.

    Lines are not let stretch further than `MOST_STRETCH`: tracks that were resampled along straight lines would have it
    so. Small steps away from the start cost a little, which keeps what the data do not say.
    """
    from scipy.optimize import minimize

    x, y, *rest = planes(table)
    weight = table.groupby("mmsi")["mmsi"].transform("size").to_numpy() ** -0.5
    start = _packed(law)

    def loss(values):
        density = bridge_density(x, y, *rest, np.full(len(x), ERROR_NM), _unpacked(values, law))
        value = -np.average(np.log(density), weights=weight) + 1e-4 * np.sum((values - start) ** 2)
        return value if np.isfinite(value) else 1e6

    found = minimize(loss, start, method="L-BFGS-B", options={"maxiter": rounds, "maxfun": 20_000})
    return _unpacked(found.x, law)


def _packed(law):
    """What is fitted, in one row; positive numbers as logs."""
    wander = (law.wander.scale[0], *law.wander.scale[3:])
    parts = [(law.curve, law.curve.scale), (law.wander, wander), (law.line, law.line.scale)]
    numbers = [(*scale, part.stretch, np.log(part.nu), *part.gate) for part, scale in parts]
    return np.concatenate([*numbers, np.log([law.rate_per_h, law.noise])])


def _unpacked(values, law):
    values = values.tolist()
    curve, wander, line = values[:12], values[12:22], values[22:34]
    return dataclasses.replace(
        law,
        curve=BranchLaw(tuple(curve[:5]), curve[5], np.exp(curve[6]), tuple(curve[7:])),
        wander=BranchLaw((wander[0], 0.0, 0.0, *wander[1:3]), wander[3], np.exp(wander[4]), tuple(wander[5:])),
        line=BranchLaw(tuple(line[:5]), min(line[5], MOST_STRETCH), np.exp(line[6]), (0.0,) * 5),
        rate_per_h=np.exp(values[34]),
        noise=np.exp(values[35]),
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["fit"]:
        table = all_masks()
        sys.stdout.write(f"{fit(table[(table['half'] == 'development') & (table['stratum'] != 'stay')])}\n")
        sys.exit()
    pd.set_option("display.width", 250, "display.max_columns", 30, "display.precision", 3)
    for title, table in run().items():
        sys.stdout.write(f"\n{title}\n{table.to_string()}\n")
