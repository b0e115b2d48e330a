"""Laws of radar on reviewed real sightings: what is missed, how long ships look, where those under way appear.

    python benchmarks/sensor_laws.py FOLDER

FOLDER holds the tables of Kroodsma et al. 2022 (15 RADARSAT-2 scenes of the Indian Ocean, matches reviewed by people),
the reports of the operational correlator on the same scenes, and a Sentinel-1 scene of the Pearl River reviewed chip
by chip. Laws are fitted without the scene they are judged on. Those of the package are fitted on every other scene and
judged on the rest. Beside each stands the baseline of the same folds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from darkvoyage.linking.azimuth import flight_deg, position_errors
from darkvoyage.linking.laws import DETECTION, LENGTH, fit_detection, fit_length
from darkvoyage.units import M_PER_NM

MATCHED = 2.5e-5
"""Matching score from which the authors take a pair for one ship [vessels/km2]."""
SURE_M, FAR_M = 50.0, 150.0
M_PER_DEG = 60 * M_PER_NM


def reviewed(folder: Path) -> pd.DataFrame:
    """Pairs of vessels and detections, each alone where it has no partner, by day of the scene."""
    table = pd.read_csv(folder / "kroodsma2022_reviewed_matches.csv")
    table["review"] = table["match_review"].str.strip()
    return table.assign(day=table["scene_id"].str[4:12]).sort_values("day", kind="stable", ignore_index=True)


def looked_for(table: pd.DataFrame) -> pd.DataFrame:
    """Vessels well inside a scene, with whether they were detected."""
    inside = table[table["ssvid"].notna() & (table["within_footprint_5km"] == True)]  # noqa: E712 (a text column)
    return inside.assign(seen=inside["detect_id"].notna() & (inside["score"] > MATCHED)).reset_index(drop=True)


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """Detections whose ship is sure."""
    return table[table["review"] == "yes"].reset_index(drop=True)


def left_out(fit: Callable[..., Any], table: pd.DataFrame, loss: Callable[..., np.ndarray]) -> np.ndarray:
    """Loss of each row under what is fitted to the other scenes, shape (n,)."""
    out = np.empty(len(table))
    for _, rows in table.groupby("scene_id").groups.items():
        law = fit(table.drop(rows))
        out[rows] = loss(law, table.loc[rows])
    return out


def development(table: pd.DataFrame) -> np.ndarray:
    """Every other scene in the order of days, shape (n,)."""
    return table["scene_id"].map({name: i for i, name in enumerate(table["scene_id"].unique())}).to_numpy() % 2 == 0


def our_detection(table: pd.DataFrame):
    return fit_detection(table["gfw_length"].to_numpy(), table["seen"].to_numpy()).chance


def logistic(table: pd.DataFrame):
    """Baseline: logistic in length, below a ceiling."""
    length, seen = table["gfw_length"].to_numpy(), table["seen"].to_numpy()

    def chance(values, length_m):
        return 1 / (1 + np.exp(-values[2])) / (1 + np.exp(-(length_m - values[0]) / np.exp(values[1])))

    def loss(values):
        p = np.clip(chance(values, length), 1e-9, 1 - 1e-9)
        return -np.sum(np.log(np.where(seen, p, 1 - p)))

    best = minimize(loss, [33.0, 2.0, 3.0], method="Nelder-Mead", options={"maxiter": 4000}).x
    return lambda length_m: chance(best, length_m)


def detection_loss(chance, table: pd.DataFrame) -> np.ndarray:
    """Log loss of detections [nats]."""
    p = np.clip(chance(table["gfw_length"].to_numpy()), 1e-9, 1 - 1e-9)
    return -np.log(np.where(table["seen"], p, 1 - p))


def our_length(table: pd.DataFrame):
    return fit_length(table["gfw_length"].to_numpy(), table["sar_length"].to_numpy()).moments


def lognormal(table: pd.DataFrame):
    """Baseline: one bias and one spread of the log length."""
    error = np.log(table["sar_length"] / table["gfw_length"])
    return lambda _: (error.mean(), error.std())


def length_loss(moments, table: pd.DataFrame) -> np.ndarray:
    """Negative log density of the log of the lengths measured [nats]."""
    error = np.log(table["sar_length"] / table["gfw_length"]).to_numpy()
    mean, spread = moments(table["gfw_length"].to_numpy())
    return 0.5 * ((error - mean) / spread) ** 2 + np.log(spread) + 0.5 * np.log(2 * np.pi)


def laws(folder: Path) -> pd.DataFrame:
    """Losses of both laws and of their baselines: scenes left out one by one, and the package's on the other half."""
    table, rows = reviewed(folder), []
    for name, of, ours, baseline, loss, constants in (
        ("detection log loss", looked_for(table), our_detection, logistic, detection_loss, DETECTION["rs2"].chance),
        ("length NLL", measured(table), our_length, lognormal, length_loss, LENGTH["rs2"].moments),
    ):
        half = development(of)
        rest = of[~half]
        rows.append(
            {
                "": name,
                "rows": len(of),
                "ours, scene left out": left_out(ours, of, loss).mean(),
                "baseline, scene left out": left_out(baseline, of, loss).mean(),
                "rows of other half": len(rest),
                "package's": loss(constants, rest).mean(),
                "baseline of first half": loss(baseline(of[half]), rest).mean(),
            }
        )
    return pd.DataFrame(rows).set_index("")


def thresholds(folder: Path) -> dict[str, float]:
    """How the score of the authors parts what people said yes and no to."""
    table = reviewed(folder)
    yes, no = (table[table["review"].isin(words)]["score"] for words in (("yes", "yes_amb"), ("no",)))
    above = (table["score"] > MATCHED) & table["review"].notna()
    return {
        "yes": len(yes),
        "no": len(no),
        "least score of a yes": yes.min(),
        "largest score of a no": no.max(),
        "precision": (yes > MATCHED).sum() / above.sum(),
        "recall": (yes > MATCHED).mean(),
    }


def correlator(folder: Path) -> dict[str, float]:
    """What an operational correlator said of the same detections, against the reviewed matches."""
    report = pd.read_csv(folder / "ksat_report_correlations.csv")
    truth = measured(reviewed(folder)).set_index("detect_id")["ssvid"]
    said = report[report["report_class"] == "correlated"]
    known = said[said["detect_id"].isin(truth.index)]
    same = known["mmsi"].to_numpy() == truth.reindex(known["detect_id"]).to_numpy()
    other = known["mmsi"].to_numpy()[~same]
    reported = truth.index.isin(report["detect_id"]).sum()
    return {
        "declared": len(said),
        "same ship": int(same.sum()),
        "another number": len(other),
        "of them no number of a ship": int(((other < 200_000_000) | (other >= 800_000_000)).sum()),
        "no reference": len(said) - len(known),
        "precision": same.sum() / len(said),
        "recall": same.sum() / reported,
    }


def pearl_river(folder: Path) -> pd.DataFrame:
    """Displacement of ships seen and predicted along the flight, and what is left over [m]."""
    table = pd.read_csv(folder / "s1_pearl_river_reviewed_matches.csv")
    table = table[table["grade"] != "doubtful"].reset_index(drop=True)
    # The author predicted each ship for the time of its own line: no scene, so that nothing is added for that.
    at = pd.to_datetime(table["scene_start_utc"], utc=True).dt.as_unit("us")
    seen = table.drop(columns="scene_id").assign(timestamp=at, sensor="sar", source="Sentinel-1")
    sides = []
    for side in ("before", "after"):
        speed, course = table[f"{side}_sog_kn"].to_numpy(), np.radians(table[f"{side}_cog_deg"].to_numpy())
        sides.append(speed * np.stack([np.sin(course), np.cos(course)]))
    east_kn, north_kn = np.nanmean(sides, axis=0)
    errors = position_errors(seen, pd.DataFrame({"scene_id": []}))
    shift = np.stack(errors.shift(np.arange(len(table)), east_kn, north_kn)[:2]) * M_PER_NM
    wide = np.cos(np.radians(table["lat"]))
    off = np.stack([(table["lon"] - table["pred_uncorr_lon"]) * wide, table["lat"] - table["pred_uncorr_lat"]])
    off = off * M_PER_DEG
    flight = np.radians(flight_deg(table["lat"].to_numpy(), np.ones(len(table), dtype=bool)))
    axis = np.stack([np.sin(flight), np.cos(flight)])
    return pd.DataFrame(
        {
            "predicted": (shift * axis).sum(axis=0),
            "along": (off * axis).sum(axis=0),
            "across": off[0] * axis[1] - off[1] * axis[0],
            "before": np.hypot(*off),
            "after": np.hypot(*(off - shift)),
        }
    )


def displaced(folder: Path) -> dict[str, float]:
    """Signs, slope and residuals of the displacement."""
    table = pearl_river(folder)
    sure, far = table[table["predicted"].abs() > SURE_M], table[table["predicted"].abs() > FAR_M]
    return {
        "ships": len(table),
        "displaced": len(sure),
        "sign right": int((np.sign(sure["along"]) == np.sign(sure["predicted"])).sum()),
        "slope": (sure["along"] @ sure["predicted"]) / (sure["predicted"] @ sure["predicted"]),
        "far": len(far),
        "median before_m": far["before"].median(),
        "median after_m": far["after"].median(),
        "sd along_m": (table["along"] - table["predicted"]).std(),
        "sd across_m": table["across"].std(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(laws(folder).T.to_string(float_format="%.4g"), end="\n\n")
    for name, figures in {
        "score against review": thresholds(folder),
        "operational correlator": correlator(folder),
        "azimuth displacement": displaced(folder),
    }.items():
        print(name, pd.Series(figures).to_string(float_format="%.4g"), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
