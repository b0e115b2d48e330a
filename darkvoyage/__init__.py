"""darkvoyage: find the port calls that ships hide.

It ingests AIS tracks, finds transponder gaps near sensitive ports, links the gaps to imagery sightings, and scores
likely undeclared ship-to-port transfers. Tables in, tables out; see the README for the words and the tables.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "DarkvoyageError": "errors",
    "DialectError": "errors",
    "ReadError": "errors",
    "RuleError": "errors",
    "SchemaError": "errors",
    "CargoRule": "rules.scoring",
    "CleanRule": "rules.tracks",
    "EncounterRule": "rules.meetings",
    "GapRule": "rules.tracks",
    "IntegrityRule": "rules.integrity",
    "LinkRule": "rules.linking",
    "LoiteringRule": "rules.meetings",
    "MeetingRule": "rules.meetings",
    "PortRule": "rules.reach",
    "ReceptionRule": "rules.reception",
    "ScoreRule": "rules.scoring",
    "TransferAtSeaRule": "rules.meetings",
    "SeaRule": "rules.sea",
    "VisitRule": "rules.reach",
    "VoyageConfig": "config",
    "build_store": "io.store",
    "open_store": "io.store",
    "read_fixes": "io.fixes",
    "read_ports": "io.ports",
    "sensitive_ports": "io.ports",
    "read_scenes": "io.scenes",
    "read_sightings": "io.sightings",
    "sightings_template": "io.sightings",
    "read_vessels": "io.vessels",
    "read_watchlist": "io.watchlists",
    "write_table": "io.writers",
    "clean_fixes": "tracks.cleaning",
    "find_gaps": "gaps.find",
    "add_made_good": "tracks.made_good",
    "find_untrusted": "tracks.integrity",
    "mark_untrusted": "tracks.integrity",
    "GapTracker": "gaps.tracker",
    "fit_reception": "gaps.reception",
    "ReceptionModel": "gaps.reception",
    "score_silence": "gaps.silence",
    "fit_silence_head": "gaps.head_fit",
    "SilenceHead": "gaps.head",
    "find_encounters": "tracks.encounters",
    "find_loitering": "tracks.loitering",
    "classify_encounters": "tracks.transfers_at_sea",
    "sea_distance": "sea.distance",
    "find_port_visits": "reach.visits",
    "fleet_history": "reach.history",
    "HistoryRule": "rules.history",
    "find_port_calls": "reach.port_calls",
    "find_dark_meetings": "reach.meetings",
    "parse_destinations": "reach.destinations",
    "link_alternatives": "linking.alternatives",
    "link_sightings": "linking.associate",
    "score_transfers": "scoring.rules",
    "TransferScorer": "scoring.estimator",
    "estimate_cargo": "cargo.volumes",
    "quota_ledger": "cargo.ledger",
    "screen": "screening",
    "to_geo": "geo",
    "to_trajectories": "geo",
    "simulate": "simulation.world",
    "World": "simulation.world",
    "investigate": "chain",
    "Investigation": "chain",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Public names load their module on first use, so that `import darkvoyage` costs next to nothing.
    if name not in _HOME:
        raise AttributeError(f"module 'darkvoyage' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"darkvoyage.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
