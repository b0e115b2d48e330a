"""Worlds: the same arguments give the same bytes, tables are what they say, presets go through the chain."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from darkvoyage.chain import investigate
from darkvoyage.errors import RuleError
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import imo_valid, is_equipment
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES, PORTS, SCENES, SIGHTINGS, TRUTH, TRUTH_SIGHTINGS, VESSELS, WATCHLIST
from darkvoyage.scoring.evaluation.events import DELIBERATE
from darkvoyage.simulation.fleet import FICTION_NOTE
from darkvoyage.simulation.presets import PRESETS
from darkvoyage.simulation.world import START, simulate

TABLES = {
    "fixes": FIXES, "ports": PORTS, "sightings": SIGHTINGS, "scenes": SCENES, "vessels": VESSELS,
    "watchlist": WATCHLIST, "truth": TRUTH, "truth_sightings": TRUTH_SIGHTINGS,
}  # fmt: skip
# The ITU's table of maritime identification digits holds none of these.
UNALLOCATED = {291, 292, 293, 294, 296, 297, 298, 299}
SMALL = {"seed": 5, "vessels": 12, "days": 12}


def digest(world):
    return {name: int(pd.util.hash_pandas_object(getattr(world, name)).sum()) for name in TABLES}


@pytest.fixture(scope="module")
def small():
    return simulate(**SMALL, hiding_share=0.4)


def test_the_same_arguments_give_the_same_tables_whatever_was_made_before(small):
    simulate(seed=6, vessels=3, days=4, preset="strait")
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert digest(simulate(**SMALL, hiding_share=0.4)) == digest(small)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_another_seed_gives_another_world(small):
    other, mine = digest(simulate(**{**SMALL, "seed": 6}, hiding_share=0.4)), digest(small)
    # The ports are real: they alone are the same in every world.
    assert {name for name in TABLES if other[name] == mine[name]} == {"ports"}


def test_streamed_fixes_are_those_in_memory_and_the_same_bytes_every_time(small, tmp_path):
    one, two = (
        simulate(**SMALL, hiding_share=0.4, fixes_path=tmp_path / name) for name in ("one.parquet", "two.parquet")
    )
    assert one.fixes == tmp_path / "one.parquet"
    assert one.fixes.read_bytes() == two.fixes.read_bytes()
    pd.testing.assert_frame_equal(one.truth, small.truth)
    rows = pd.read_parquet(one.fixes)[list(small.fixes.columns)]
    by = ["mmsi", "timestamp", "lat", "lon", "sog", "cog"]
    mine, theirs = (table.sort_values(by, kind="stable", ignore_index=True)[by] for table in (rows, small.fixes))
    pd.testing.assert_frame_equal(mine, theirs, check_dtype=False)


def test_a_further_ship_changes_no_other(small):
    more = simulate(**{**SMALL, "vessels": 13}, hiding_share=0.4)
    honest = small.fixes.loc[small.fixes["ship_type"].isin([30, 60, 70, 79]), "mmsi"].unique()
    assert len(honest) > 3
    mine, theirs = (table[table["mmsi"].isin(honest)].reset_index(drop=True) for table in (small.fixes, more.fixes))
    pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_conforms_as_it_is(small, name):
    table = getattr(small, name)
    pd.testing.assert_frame_equal(conform(table, TABLES[name]), table)
    assert len(table)


def test_ships_are_fictional(small):
    assert "fictional" in FICTION_NOTE
    ship = ~is_equipment(small.fixes["mmsi"].to_numpy())
    assert set(np.unique(small.fixes["mmsi"].to_numpy()[ship] // 1_000_000)) <= UNALLOCATED
    imo = small.vessels["imo"].dropna().to_numpy(dtype="int64")
    assert imo_valid(imo).all()
    assert ((imo >= 2_000_000) & (imo < 4_000_000)).all()
    assert small.vessels["name"].str.startswith("DEMO ").all()
    assert set(small.watchlist["list_name"]) == {"Fictional watch list (demo)"}


def test_no_country_has_the_prefixes_of_these_ships(real_data):
    allocated = pd.read_csv(real_data / "ref_ais_codes" / "mid_country_codes.csv")["MID"]
    assert len(allocated) > 250
    assert not set(allocated) & UNALLOCATED


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_goes_through_the_whole_chain(preset):
    world = simulate(seed=2, vessels=10, days=10, preset=preset)
    assert world.preset == preset
    assert not set(world.ports["port_id"]) & set(sensitive_ports()["port_id"])
    found = investigate(
        world.fixes, ports=world.ports, sightings=world.sightings, scenes=world.scenes, vessels=world.vessels,
        watchlist=world.watchlist,
    )  # fmt: skip
    assert len(found.gaps)
    assert len(found.silences) == len(found.gaps)


def test_nobody_hides_in_the_honest_world():
    world = simulate(seed=1, vessels=16, days=30, preset="honest")
    assert set(world.truth["kind"]) == {"natural", "fault"}


def test_the_share_of_hiding_ships_is_what_was_asked_for():
    ships = [simulate(seed=3, vessels=50, days=1, hiding_share=share) for share in (0.0, 0.1, 1.0)]
    laden = [world.watchlist["delisted_on"].isna().sum() for world in ships]
    # Two thirds of the hiding ships are on the list.
    assert laden == [0, round(5 * 0.67), round(50 * 0.67)]
    deliberate = simulate(seed=3, vessels=14, days=20, preset="strait", hiding_share=0.0).truth["kind"]
    assert set(deliberate) & set(DELIBERATE) <= {"security_off", "berth_off"}


def test_two_vessels_on_one_day():
    world = simulate(seed=1, vessels=2, days=1)
    ships = world.fixes[~is_equipment(world.fixes["mmsi"].to_numpy())]
    assert ships["mmsi"].nunique() <= 2
    assert ships["timestamp"].between(START, START + pd.Timedelta("1D")).all()
    assert len(world.vessels) == 2


def test_the_engines_of_reception_differ_and_a_feed_can_be_pasted(small):
    pasted = simulate(**SMALL, hiding_share=0.4, reception="pasted")
    assert len(pasted.fixes) != len(small.fixes)
    pd.testing.assert_frame_equal(pasted.vessels, small.vessels)
    pd.testing.assert_frame_equal(pasted.sightings, small.sightings)
    given = simulate(**SMALL, hiding_share=0.4, reception="pasted", patterns=small.fixes)
    assert len(given.fixes) not in (len(pasted.fixes), len(small.fixes))


def test_jamming_takes_positions_away():
    share = [
        simulate(seed=4, vessels=8, days=6, preset=preset).fixes["lat"].isna().mean()
        for preset in ("strait", "jamming")
    ]
    assert share[0] == 0
    assert share[1] > 0.01


def test_calls_are_faster_in_the_fast_world_and_honest_ships_stop_more_in_the_drifting_one():
    hours = []
    for preset in ("campaign", "fast"):
        truth = simulate(seed=2, vessels=8, days=40, preset=preset, hiding_share=1.0).truth
        calls = truth[truth["kind"] == "dark_call"]
        hours.append(((calls["depart"] - calls["arrive"]) / pd.Timedelta("1h")).median())
    assert 14 <= hours[0] <= 40
    assert 3 <= hours[1] <= 7
    speeds = [
        simulate(seed=2, vessels=12, days=20, preset=preset, hiding_share=0.0).fixes.query("3 < sog < 6")["sog"].size
        for preset in ("campaign", "drifters")
    ]
    assert speeds[1] > 1.5 * speeds[0]


def test_ships_sail_at_the_speed_of_ships(small):
    fixes = small.fixes.drop_duplicates(["name", "timestamp"]).dropna(subset="name")
    fixes = fixes.sort_values(["name", "timestamp"])
    apart = great_circle_nm(
        *(fixes[c].to_numpy()[s] for s in (slice(None, -1), slice(1, None)) for c in ("lat", "lon"))
    )
    hours = fixes["timestamp"].diff().dt.total_seconds().to_numpy()[1:] / 3600
    same = (fixes["name"].to_numpy()[1:] == fixes["name"].to_numpy()[:-1]) & (hours > 0.15)
    # A handful of rows have a wrong clock.
    assert (apart[same] / hours[same] > 22).mean() < 0.002


def test_the_watch_list_names_part_of_the_hiding_fleet_and_some_of_it_late():
    world = simulate(seed=1, vessels=30, days=10, hiding_share=0.5)
    late = world.watchlist["listed_on"] > START
    assert len(world.watchlist) == 11  # two thirds of fifteen, and one ship taken off
    assert late.sum() == 4
    assert world.watchlist["delisted_on"].notna().sum() == 1


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("seed", -1, "seed = -1: expected a whole number of at least 0"),
        ("seed", 1.5, "seed = 1.5: expected a whole number"),
        ("seed", True, "seed = True: expected a whole number"),
        ("vessels", 0, "vessels = 0: expected a whole number from 1 to"),
        ("vessels", 10**9, "vessels = 1000000000: expected a whole number from 1 to"),
        ("days", 0, "days = 0: expected a whole number from 1 to"),
        ("days", "7", "days = '7': expected a whole number"),
        ("preset", "moon", "preset = 'moon': expected one of campaign, strait, ocean, honest, jamming, fast, drifters"),
        ("reception", "magic", "reception = 'magic': expected one of physical, pasted"),
        ("hiding_share", 1.1, r"hiding_share = 1.1: expected a number in \[0, 1\]"),
        ("hiding_share", float("nan"), r"hiding_share = nan: expected a number in \[0, 1\]"),
        ("patterns", pd.DataFrame(), "patterns given with reception = 'physical'"),
    ],
)
def test_nonsense_is_refused(option, value, message):
    with pytest.raises(RuleError, match=message):
        simulate(**{**SMALL, option: value})


def test_tables_cannot_be_exchanged(small):
    with pytest.raises(dataclasses.FrozenInstanceError):
        small.fixes = None
