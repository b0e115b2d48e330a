"""How often is it right: every link of the chain against the truth, in the same three steps.

`answers_<link>` joins what was found with what is true, one row per thing judged; the metrics of a link are plain
functions of these rows; `evaluate` puts values, intervals and scores into one table.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Metric": "metrics",
    "evaluate": "metrics",
    "reliability_table": "metrics",
    "label_gaps": "events",
    "match_events": "events",
    "true_calls": "events",
    "split_halves": "splits",
    "split_times": "splits",
    "split_vessels": "splits",
    "split_vessels_and_times": "splits",
    "answers_gaps": "gaps",
    "evaluate_gaps": "gaps",
    "answers_silences": "silences",
    "evaluate_silences": "silences",
    "fit_power": "link_calibration",
    "with_power": "link_calibration",
    "mask_silences": "darkvoyage.gaps.masking",
    "mask_outages": "darkvoyage.gaps.masking",
    "judge_masks": "judging",
    "SilenceValidation": "validation",
    "validate_silence": "validation",
    "vessel_days": "silences",
    "answers_port_calls": "port_calls",
    "evaluate_port_calls": "port_calls",
    "answers_meetings": "meetings",
    "evaluate_meetings": "meetings",
    "meetings_by_ends": "meetings",
    "shift_vessels": "meetings",
    "answers_links": "links",
    "answers_ships": "links",
    "evaluate_links": "links",
    "answers_transfers": "transfers",
    "evaluate_transfers": "transfers",
    "answers_cargo": "cargo",
    "evaluate_cargo": "cargo",
    "mask_calls": "hidden_calls",
    "judge_calls": "hidden_calls",
    "mask_scenes": "masked_scenes",
    "photograph_calls": "masked_berths",
    "judge_links": "masked_scenes",
    "overlay_days": "masked_scenes",
    "overlay_starts": "masked_scenes",
    "duration_rule": "baselines",
    "pre_gap_count": "baselines",
    "gfw_rule": "baselines",
    "nearest_port_by_slack": "baselines",
    "nearest_port_to_start": "baseline_calls",
    "most_visited_by_fleet": "baseline_calls",
    "most_visited_by_ship": "baseline_calls",
    "without_history": "hidden_calls",
    "transfers_by_rule": "baselines",
    "cargo_by_rule": "baselines",
    "links_within_50_km": "baseline_links",
    "links_nearest": "baseline_links",
    "links_hungarian": "baseline_links",
    "links_by_density": "baseline_links",
    "with_broadcasters": "baseline_links",
    "with_truth": "oracle",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Names load their module on first use, as those of the package itself.
    if name not in _HOME:
        raise AttributeError(f"module 'darkvoyage.scoring.evaluation' has no attribute {name!r}")
    home = _HOME[name]
    value = getattr(importlib.import_module(home if "." in home else f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
