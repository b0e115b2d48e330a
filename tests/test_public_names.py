"""The public list, written out: a name comes or goes on purpose only."""

import inspect

import pytest

import darkvoyage as dv

PUBLIC = """
CargoRule CleanRule DarkvoyageError DialectError EncounterRule GapRule GapTracker HistoryRule IntegrityRule
Investigation LinkRule LoiteringRule MeetingRule PortRule ReadError ReceptionModel ReceptionRule RuleError SchemaError
ScoreRule SeaRule SilenceHead TransferAtSeaRule TransferScorer VisitRule VoyageConfig World add_made_good build_store
classify_encounters clean_fixes estimate_cargo find_dark_meetings find_encounters find_gaps find_loitering
find_port_calls find_port_visits find_untrusted fit_reception fit_silence_head fleet_history investigate
link_alternatives link_sightings mark_untrusted open_store parse_destinations quota_ledger read_fixes read_ports
read_scenes read_sightings read_vessels read_watchlist score_silence score_transfers screen sea_distance sensitive_ports
sightings_template simulate to_geo to_trajectories write_table
"""

# How many tables each takes by position; all else is given by name.
TABLE_FUNCTIONS = {
    "build_store": 2,
    "open_store": 1,
    "clean_fixes": 1,
    "find_gaps": 1,
    "add_made_good": 2,
    "fit_reception": 1,
    "fit_silence_head": 2,
    "score_silence": 2,
    "find_encounters": 1,
    "find_loitering": 1,
    "classify_encounters": 1,
    "find_untrusted": 1,
    "mark_untrusted": 2,
    "sea_distance": 2,
    "find_port_visits": 2,
    "fleet_history": 1,
    "find_port_calls": 2,
    "find_dark_meetings": 1,
    "parse_destinations": 2,
    "link_alternatives": 1,
    "link_sightings": 2,
    "score_transfers": 1,
    "estimate_cargo": 1,
    "quota_ledger": 1,
    "screen": 2,
    "simulate": 0,
    "investigate": 1,
}


def test_the_list():
    assert dv.__all__ == sorted(PUBLIC.split())


def test_dir_lists_them():
    assert set(PUBLIC.split()) <= set(dir(dv))


@pytest.mark.parametrize("name", PUBLIC.split())
def test_each_has_words_and_a_home(name):
    thing = getattr(dv, name)
    assert thing.__doc__
    assert thing.__module__.startswith("darkvoyage.")
    assert thing.__name__ == name


def test_unknown_names_fail_as_python_does():
    with pytest.raises(AttributeError, match="module 'darkvoyage' has no attribute 'find_gap'"):
        _ = dv.find_gap


@pytest.mark.parametrize(("name", "tables"), TABLE_FUNCTIONS.items())
def test_options_by_name_only(name, tables):
    parameters = list(inspect.signature(getattr(dv, name)).parameters.values())
    kinds = inspect.Parameter
    assert all(each.kind is not kinds.VAR_KEYWORD for each in parameters)
    assert sum(each.kind is kinds.POSITIONAL_OR_KEYWORD for each in parameters) == tables


def test_errors_are_value_errors():
    for name in ("DialectError", "ReadError", "RuleError", "SchemaError"):
        assert issubclass(getattr(dv, name), dv.DarkvoyageError)
    assert issubclass(dv.DarkvoyageError, ValueError)
