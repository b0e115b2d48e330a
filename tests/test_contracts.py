import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.schema.conform import conform, finish
from darkvoyage.schema.tables import TABLES
from tests import contracts, strategies

ALL = pytest.mark.parametrize("entry", contracts.REGISTRY, ids=lambda entry: entry.name)
PER_TRACK = pytest.mark.parametrize(
    "entry", [entry for entry in contracts.REGISTRY if entry.per_track], ids=lambda entry: entry.name
)


@ALL
def test_table_function(entry):
    contracts.check_table_function(entry.call, entry.table(), entry.spec, entry.out_spec)


@PER_TRACK
def test_concatenation(entry):
    contracts.check_concatenation(entry.call, entry.table())


@pytest.mark.parametrize("days", [-400, 1, 60])
@pytest.mark.parametrize("call", [dv.clean_fixes, dv.find_gaps], ids=["clean_fixes", "find_gaps"])
def test_day_shift(call, days):
    contracts.check_day_shift(call, contracts.fleet(), days)


@pytest.mark.parametrize("theta", [90.0, 179.5, -33.25])
@pytest.mark.parametrize("call", [dv.clean_fixes, dv.find_gaps], ids=["clean_fixes", "find_gaps"])
def test_longitude_turn(call, theta):
    contracts.check_longitude_turn(call, contracts.fleet(), theta)


def test_a_higher_threshold_gives_a_subset():
    fixes = contracts.fleet()
    shorter = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=6))
    longer = dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=12))
    assert 0 < len(longer) < len(shorter)
    kept = shorter[shorter["duration_h"] > 12].reset_index(drop=True)
    # The end values reach to the next gap, of which there are fewer.
    ends = [name for name in kept if name.startswith(("end_draught", "end_destination"))]
    assert_frame_equal(longer.drop(columns=ends), kept.drop(columns=ends))


@given(strategies.fixes(), st.randoms(use_true_random=False))
def test_nasty_fixes_in_any_order(fixes, random):
    order = list(range(len(fixes)))
    random.shuffle(order)
    cleaned = dv.clean_fixes(fixes)
    assert_frame_equal(dv.clean_fixes(fixes.iloc[order]), cleaned)
    assert_frame_equal(dv.find_gaps(cleaned.iloc[order]), dv.find_gaps(fixes))


@given(strategies.fixes())
def test_nasty_fixes_one_ship_at_a_time(fixes):
    if len(fixes):
        contracts.check_concatenation(dv.clean_fixes, fixes)
        contracts.check_concatenation(dv.find_gaps, fixes)


@given(strategies.fixes(odd=False), st.integers(-500, 500))
def test_nasty_fixes_some_days_later(fixes, days):
    contracts.check_day_shift(dv.clean_fixes, fixes, days)
    contracts.check_day_shift(dv.find_gaps, fixes, days)


@given(strategies.fixes(odd=False), st.sampled_from([45.0, 90.0, 180.0]))
def test_nasty_fixes_elsewhere(fixes, theta):
    contracts.check_longitude_turn(dv.find_gaps, fixes, theta)


@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_generated_tables_conform(spec):
    @given(strategies.tables(spec))
    def check(table):
        assert list(table.columns) == list(spec.names)
        assert_frame_equal(conform(table, spec), table)
        done = finish(table.iloc[np.arange(len(table))[::-1]], spec)
        assert_frame_equal(done, finish(table, spec))
        contracts.check_sorted(done, spec)

    check()
