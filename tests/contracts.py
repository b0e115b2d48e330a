"""Promises that hold for every function from a table to a table; `tests/test_contracts.py` runs them.

To put a function under contract, add a line to `REGISTRY`: how it is called, an input table that makes it work, and the
specifications of its input and output.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.schema.conform import conform, empty
from darkvoyage.schema.tables import (
    CARGO,
    DARK_MEETINGS,
    ENCOUNTERS,
    FIXES,
    GAPS,
    HISTORY,
    LEDGER,
    LINK_ALTERNATIVES,
    LINKS,
    LOITERING,
    PORT_CALLS,
    PORT_VISITS,
    SEA_DISTANCES,
    SIGHTINGS,
    SILENCES,
    TRANSFERS,
    UNTRUSTED,
    TableSpec,
)
from darkvoyage.sea.distance import POINTS
from tests.worlds import hours, moored_fleet, one_gap, ports


@dataclass(frozen=True)
class Entry:
    """A function under contract."""

    name: str
    call: Callable[..., pd.DataFrame]
    table: Callable[[], pd.DataFrame]
    spec: TableSpec
    out_spec: TableSpec
    per_track: bool = False
    """The result of several tracks is the rows of their single results."""


def check_table_function(call, table, spec, out_spec):
    """All promises that need nothing but the function and an input."""
    result = call(table)
    assert len(result), "the example must make the function work"
    check_input_unmodified(call, table)
    check_order_of_rows(call, table, result)
    check_empty(call, spec, out_spec)
    check_other_libraries(call, table, result)
    check_sorted(result, out_spec)
    check_types(result, out_spec)
    check_extra_columns(call, table, result)
    check_refusals(call, table, spec)


def check_input_unmodified(call, table):
    given = table.copy(deep=True)
    call(given)
    assert_frame_equal(given, table)


def check_order_of_rows(call, table, result):
    rng = np.random.default_rng(5)
    for _ in range(3):
        assert_frame_equal(call(table.iloc[rng.permutation(len(table))]), result)
    assert_frame_equal(call(table.set_index(np.zeros(len(table), dtype="int64"))), result)


def check_empty(call, spec, out_spec):
    whole = call(empty(spec))
    least = call(empty(spec)[list(spec.required)])
    for result in (whole, least):
        assert len(result) == 0
        check_types(result, out_spec)
    assert set(required_names(out_spec)) <= set(least.columns)


def required_names(spec):
    return [column.name for column in spec.columns if column.required]


def check_other_libraries(call, table, result):
    polars = pytest.importorskip("polars")
    assert_frame_equal(call(pa.Table.from_pandas(table, preserve_index=False)), result)
    assert_frame_equal(call(polars.from_arrow(pa.Table.from_pandas(table, preserve_index=False))), result)


def check_sorted(result, out_spec):
    assert isinstance(result.index, pd.RangeIndex)
    assert result.index.equals(pd.RangeIndex(len(result)))
    key = list(out_spec.key)
    assert_frame_equal(result[key], result[key].sort_values(key, kind="stable", na_position="last", ignore_index=True))


def check_types(result, out_spec):
    expected = empty(out_spec)
    for name in result.columns:
        if name in expected.columns:
            assert result[name].dtype == expected[name].dtype, name


def check_extra_columns(call, table, result):
    # Constant, so that it cannot decide between rows that are otherwise the same.
    out = call(table.assign(port_of_registry="Fictonia", _run=1))
    assert_frame_equal(out[list(result.columns)], result)


def check_refusals(call, table, spec):
    for name in spec.required:
        with pytest.raises(dv.SchemaError, match=name):
            call(table.drop(columns=name))
    times = [column.name for column in spec.columns if column.kind == "time" and column.name in table.columns]
    for name in times:
        if table[name].notna().any():
            with pytest.raises(dv.SchemaError, match=f"{name}.*naive"):
                call(table.assign(**{name: table[name].dt.tz_localize(None)}))
    for name in [column.name for column in spec.columns if column.required and column.kind in ("int", "float")]:
        with pytest.raises(dv.SchemaError, match=name):
            call(table.assign(**{name: "x"}))
    with pytest.raises(dv.SchemaError, match="expected a table"):
        call(7)
    with pytest.raises(TypeError):
        call(table, no_such_option=1)


def check_concatenation(call, table):
    """One track at a time and all at once are the same rows: this lets the function run on many machines."""
    whole = call(table)
    parts = [call(part) for _, part in table.groupby("mmsi")]
    joined = pd.concat(parts, ignore_index=True)
    assert_frame_equal(rows_in_order(joined), rows_in_order(whole))


def check_day_shift(call, table, days):
    """Times move by whole days, and nothing else changes but ids that contain the time."""
    result, moved = call(table), call(shift_times(table, days))
    expected = shift_times(result, days)
    assert_frame_equal(without_ids(moved), without_ids(expected))


def check_longitude_turn(call, table, theta):
    """All longitudes turned together turn longitudes and courses stay; ids may contain the position."""
    result, turned = call(table), call(turn(table, theta))
    lons = [name for name in result.columns if name == "lon" or name.endswith("_lon")]
    plain = [name for name in without_ids(result).columns if name not in lons]
    assert_frame_equal(turned[plain], result[plain], rtol=1e-9, atol=1e-9)
    for name in lons:
        off = (turned[name] - result[name] - theta + 180) % 360 - 180
        assert not (np.abs(off) > 1e-9).any(), name


def shift_times(table, days):
    out = table.copy()
    for name in out.columns[[isinstance(kind, pd.DatetimeTZDtype) for kind in out.dtypes]]:
        out[name] = out[name] + pd.Timedelta(days, unit="D")
    return out


def turn(table, theta):
    return table.assign(lon=(table["lon"] + theta + 180) % 360 - 180)


def without_ids(table):
    return table.drop(
        columns=[name for name in table.columns if name in ("gap_id", "visit_id", "encounter_id", "loitering_id")]
    )


def rows_in_order(table):
    return table.sort_values(list(table.columns), kind="stable", ignore_index=True)


def fleet(seed=11, ships=6, fixes=120):
    """Ships at cruising speed with silences, repeats, lost positions, a spike each, and voyage values."""
    rng = np.random.default_rng(seed)
    step_h = np.where(rng.random((ships, fixes)) < 0.05, rng.uniform(5, 40, (ships, fixes)), rng.uniform(0.02, 0.5))
    hours = np.cumsum(step_h, axis=1)
    course = rng.uniform(0, 2 * np.pi, (ships, 1))
    count = ships * fixes
    lat = (rng.uniform(-50, 50, (ships, 1)) + hours * 0.1 * np.cos(course)).ravel()
    lon = ((rng.uniform(-180, 180, (ships, 1)) + hours * 0.1 * np.sin(course) + 180) % 360 - 180).ravel()
    lat[rng.integers(0, count, ships)] = np.nan
    lat[rng.integers(0, count, ships)] *= -0.5
    table = pd.DataFrame(
        {
            "mmsi": np.repeat(273000000 + 1000 * np.arange(ships), fixes),
            "timestamp": pd.Timestamp("2024-02-01", tz="UTC")
            + pd.to_timedelta(hours.ravel() * 3600, unit="s").round("s"),
            "lat": lat,
            "lon": lon,
            "sog": np.round(rng.uniform(0, 15, count), 1),
            "receiver": rng.choice(["terrestrial", "satellite", "dynamic"], count),
            "draught_m": np.where(rng.random(count) < 0.3, np.round(rng.uniform(4, 12, count), 1), np.nan),
            "destination": rng.choice(["FARHAVEN", "NEARPORT", ""], count),
            "imo": np.repeat(9000000 + np.arange(ships), fixes),
        }
    )
    table["draught_timestamp"] = table["timestamp"].where(rng.random(count) < 0.5) - pd.Timedelta("7min")
    return conform(pd.concat([table, table.iloc[::40]], ignore_index=True), FIXES)


def cleaned_fleet():
    return dv.clean_fixes(fleet())


def doubts():
    """A stretch of one track of the fleet that is not to be believed."""
    first = cleaned_fleet().iloc[[20, 60]]
    return pd.DataFrame(
        {
            "track_id": first["track_id"].iloc[:1].to_numpy(), "mmsi": first["mmsi"].iloc[:1].to_numpy(),
            "start_time": first["timestamp"].iloc[:1].array, "end_time": first["timestamp"].iloc[1:].array,
            "reason": "circle", "fixes": 41, "confidence": 0.9,
        }
    )  # fmt: skip


def callers():
    """Ships of the fleet's numbers that lie in one of two ports, silent at times, with passages in between."""
    table = fleet()
    berth = np.arange(len(table)) // 30 % 3
    lat, lon = np.choose(berth, [42.0, 42.4, 43.0]), np.choose(berth, [131.0, 131.3, 133.0])
    return table.assign(lat=lat, lon=lon, sog=np.where(berth < 2, 0.0, 9.0)).iloc[::3].reset_index(drop=True)


def meeters():
    """Ships of the fleet's numbers that drift in one place, each with another close by; both are silent at times."""
    table = fleet(ships=4)
    drift = np.arange(len(table)) % 50 * 1e-4
    one = table.assign(lat=36.0 + drift, lon=22.0 + table["mmsi"] % 7, sog=0.4)
    other = one.assign(mmsi=one["mmsi"] + 7, lat=one["lat"] + 0.001).iloc[5::2]
    return pd.concat([one, other], ignore_index=True)


def harbours():
    """The two ports of `callers`."""
    return ports().head(2).assign(lat=[42.0, 42.4], lon=[131.0, 131.3])


def _find_port_visits(fixes: Any, **options: Any) -> pd.DataFrame:
    return dv.find_port_visits(fixes, harbours(), **options)


def _sea_distance(points: Any, **options: Any) -> pd.DataFrame:
    return dv.sea_distance(points, harbours(), within_nm=250.0, **options)


def _fleet_history(fixes: Any, **options: Any) -> pd.DataFrame:
    return dv.fleet_history(fixes, ports=harbours(), **options)


def _find_gaps(fixes: Any, **options: Any) -> pd.DataFrame:
    return dv.find_gaps(fixes, as_of="2024-05-01T00:00:00Z", **options)


def _case():
    """Gaps, sightings and all tables between them of one silent tanker among a fleet."""
    around = moored_fleet(12, 90, lat=41.5, lon=130.2).assign(mmsi=lambda table: table["mmsi"] + 50)
    fixes = pd.concat([one_gap(), one_gap(70.0, mmsi=299_000_002), around], ignore_index=True)
    gaps, reception = dv.find_gaps(fixes), dv.fit_reception(fixes)
    sightings = pd.DataFrame(
        {
            "sighting_id": ["s1", "s2"], "timestamp": hours([40.0, 44.0]), "lat": [42.752, 42.74], "lon": 133.085,
            "length_m": [101.0, 60.0], "sensor": ["optical", "sar"],
        }
    )  # fmt: skip
    calls = dv.find_port_calls(gaps, ports())
    silences = dv.score_silence(gaps, reception)
    vessels = pd.DataFrame({"mmsi": [299_000_001, 299_000_002], "length_m": [102.0, 95.0], "dwt_t": [4500.0, 3900.0]})
    transfers = dv.score_transfers(gaps, silences=silences, port_calls=calls)
    cargo = dv.estimate_cargo(transfers, gaps=gaps, vessels=vessels)
    return SimpleNamespace(
        gaps=gaps, reception=reception, sightings=sightings, calls=calls, silences=silences, vessels=vessels,
        transfers=transfers, cargo=cargo,
    )  # fmt: skip


CASE = _case()


def _link_sightings(sightings):
    return dv.link_sightings(CASE.gaps, sightings, ports=ports(), vessels=CASE.vessels)


def _link_alternatives(links, **options):
    return dv.link_alternatives(links, scene_id="c1", **options)


REGISTRY = [
    Entry("clean_fixes", dv.clean_fixes, fleet, FIXES, FIXES, per_track=True),
    Entry("find_untrusted", dv.find_untrusted, fleet, FIXES, UNTRUSTED),
    Entry("mark_untrusted", lambda t: dv.mark_untrusted(t, doubts()), fleet, FIXES, FIXES, per_track=True),
    Entry("find_gaps of raw fixes", dv.find_gaps, fleet, FIXES, GAPS, per_track=True),
    Entry("find_gaps of cleaned fixes", dv.find_gaps, cleaned_fleet, FIXES, GAPS, per_track=True),
    Entry("find_gaps with open gaps", _find_gaps, fleet, FIXES, GAPS, per_track=True),
    Entry("add_made_good", lambda t: dv.add_made_good(t, cleaned_fleet()), lambda: dv.find_gaps(fleet()), GAPS, GAPS),
    Entry("find_encounters", dv.find_encounters, meeters, FIXES, ENCOUNTERS),
    Entry("classify_encounters", dv.classify_encounters, lambda: dv.find_encounters(meeters()), ENCOUNTERS, ENCOUNTERS),
    Entry("find_loitering", dv.find_loitering, meeters, FIXES, LOITERING, per_track=True),
    Entry("sea_distance", _sea_distance, lambda: CASE.sightings[["lat", "lon"]], POINTS, SEA_DISTANCES),
    Entry("find_port_visits", _find_port_visits, callers, FIXES, PORT_VISITS, per_track=True),
    Entry("fleet_history", _fleet_history, callers, FIXES, HISTORY, per_track=True),
    Entry("score_silence", lambda t: dv.score_silence(t, CASE.reception), lambda: CASE.gaps, GAPS, SILENCES),
    Entry("find_port_calls", lambda t: dv.find_port_calls(t, ports()), lambda: CASE.gaps, GAPS, PORT_CALLS),
    Entry("find_dark_meetings", dv.find_dark_meetings, lambda: CASE.gaps, GAPS, DARK_MEETINGS),
    Entry("link_sightings", _link_sightings, lambda: CASE.sightings, SIGHTINGS, LINKS),
    Entry(
        "link_alternatives",
        _link_alternatives,
        lambda: _link_sightings(CASE.sightings.assign(scene_id="c1")),
        LINKS,
        LINK_ALTERNATIVES,
    ),
    Entry(
        "score_transfers",
        lambda t: dv.score_transfers(t, silences=CASE.silences, port_calls=CASE.calls),
        lambda: CASE.gaps,
        GAPS,
        TRANSFERS,
    ),
    Entry(
        "estimate_cargo",
        lambda t: dv.estimate_cargo(t, gaps=CASE.gaps, vessels=CASE.vessels),
        lambda: CASE.transfers,
        TRANSFERS,
        CARGO,
    ),
    Entry("quota_ledger", lambda t: dv.quota_ledger(t, cap_bbl=5e5), lambda: CASE.cargo, CARGO, LEDGER),
]
