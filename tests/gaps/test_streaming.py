"""Files in one pass, days one after the other, stores and tables: the same gaps."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.gaps import dumps
from darkvoyage.gaps.tracker import GapTracker
from tests import strategies

T0 = pd.Timestamp("2024-03-01", tz="UTC")
H = pd.Timedelta("1h")


def traffic(seed, *, vessels=6, days=8, every_min=30.0, mess=1.0):
    """Ships with silences, spikes, a twin, lost fixes, repeats and reports now and then; in the order of time."""
    rng = np.random.default_rng(seed)
    parts = []
    for vessel in range(vessels):
        for hull in range(2 if vessel == 0 else 1):
            minutes = np.cumsum(rng.exponential(every_min, int(days * 1440 / every_min)))
            silent = rng.random(len(minutes)) < 0.03 * mess
            minutes += np.cumsum(np.where(silent, rng.uniform(6, 40, len(minutes)) * 60, 0))
            minutes = np.round(minutes[minutes < days * 1440], 2)
            count = len(minutes)
            lat = 10.0 * vessel % 90 - 50 + 35 * hull + np.cumsum(rng.normal(0, 0.01 * mess, count))
            lon = (179.9 + np.cumsum(rng.normal(0, 0.01 * mess, count)) + 180) % 360 - 180
            spike = rng.random(count) < 0.01 * mess
            lat[spike] = rng.uniform(-80, 80, spike.sum())
            lost = rng.random(count) < 0.03 * mess
            lat[lost], lon[lost] = np.nan, np.nan
            rare = rng.random((3, count)) < 0.1
            parts.append(
                pd.DataFrame(
                    {
                        "mmsi": 273000001 + vessel,
                        "timestamp": T0 + pd.to_timedelta((minutes * 60e6).astype("int64"), unit="us"),
                        "lat": lat,
                        "lon": lon,
                        "sog": rng.uniform(0, 15, count).round(1),
                        "cog": rng.uniform(0, 360, count).round(1),
                        "receiver": pd.Series(rng.choice(["satellite", "terrestrial", "dynamic"], count), dtype="str"),
                        "draught_m": np.where(rare[0], rng.choice([5.0, 7.5], count), np.nan),
                        "destination": pd.Series(np.where(rare[1], rng.choice(["A", "B"], count), None), dtype="str"),
                        "ship_type": pd.Series(np.where(rare[2], 80, np.nan)).astype("Int16"),
                    }
                )
            )
    table = pd.concat(parts, ignore_index=True)
    table = pd.concat([table, table.sample(frac=0.02, random_state=seed)], ignore_index=True)
    return table.sort_values("timestamp", kind="stable", ignore_index=True)


def delayed(table, seed, *, share, hours):
    """The same fixes in another order of arrival: some of them late."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random(len(table)) < share, rng.uniform(0, hours, len(table)), 0.0)
    arrival = table["timestamp"] + pd.to_timedelta(late * 3600, unit="s")
    return table.iloc[np.argsort(arrival.to_numpy(), kind="stable")].reset_index(drop=True)


def split(table, count):
    return [table.iloc[rows] for rows in np.array_split(np.arange(len(table)), count)]


def as_files(table, folder, count=3):
    paths = []
    for number, part in enumerate(split(table, count)):
        path = folder / f"part_{number}.csv"
        part.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
        paths.append(path)
    return paths


def as_parquet(table, folder):
    path = folder / "fixes.parquet"
    table.to_parquet(path, index=False)
    return path


def same(found, expected):
    found.attrs.clear()
    assert_frame_equal(found, expected)


@pytest.fixture(autouse=True)
def small_frames(monkeypatch):
    monkeypatch.setattr(dumps, "FRAME_ROWS", 100)
    monkeypatch.setattr(dumps, "AGAIN_ROWS", 300)


@pytest.fixture(params=[(0.0, 0.0), (0.2, 0.05), (0.02, 20.0), (1.0, 23.0)], ids=["in order", "minutes", "rare", "all"])
def lateness(request):
    return request.param


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("seed", range(3))
def test_files_give_what_the_table_gives(seed, lateness, compiled, tmp_path, monkeypatch):
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(dumps, "has_started", lambda: compiled)
    table = traffic(seed)
    arrived = delayed(table, seed, share=lateness[0], hours=lateness[1])
    rule = dv.GapRule(min_gap_h=4.0)
    expected = dv.find_gaps(table, rule=rule)
    assert len(expected) > 20
    same(dv.find_gaps(dv.clean_fixes(table), rule=rule), expected)
    found = dv.find_gaps(as_files(arrived, tmp_path), rule=rule)
    report = found.attrs["read_report"]
    assert (report["rows_in"], report["rows_out"], report["late"]) == (len(table), len(table), 0)
    same(found, expected)
    same(dv.find_gaps(as_parquet(arrived, tmp_path), rule=rule), expected)
    as_of = T0 + 100 * H
    same(dv.find_gaps(tmp_path / "fixes.parquet", rule=rule, as_of=as_of), dv.find_gaps(table, rule=rule, as_of=as_of))


@pytest.mark.parametrize("seed", range(2))
def test_a_source_that_is_read_once(seed, lateness):
    table = traffic(seed)
    arrived = delayed(table, seed, share=lateness[0], hours=lateness[1])
    text = arrived.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ").encode()
    same(dv.find_gaps(io.BytesIO(text), as_of=T0 + 90 * H), dv.find_gaps(table, as_of=T0 + 90 * H))


@pytest.mark.parametrize("lookback_h", [1.0, 12.0, 24.0])
def test_days_give_what_all_gives(lookback_h, lateness):
    table = traffic(7, days=12)
    arrived = delayed(table, 7, share=lateness[0], hours=lateness[1])
    rule = dv.GapRule(min_gap_h=4.0, lookback_h=lookback_h)
    tracker = GapTracker(rule=rule)
    parts = [tracker.update(day) for day in split(arrived, 9)]
    assert sum(len(part) for part in parts) > 10, "gaps must come out before the end"
    parts.append(tracker.flush())
    assert tracker.late == 0
    same(pd.concat(parts).sort_values(["mmsi", "gap_start"], ignore_index=True), dv.find_gaps(table, rule=rule))
    assert len(tracker.update(table[:0])) == 0


def test_a_tracker_goes_on_from_its_file(tmp_path):
    table = delayed(traffic(3), 3, share=0.1, hours=10.0)
    days = split(table, 6)
    one, parts = GapTracker(), []
    for number, day in enumerate(days):
        parts.append(one.update(day))
        one.save(tmp_path / f"state_{number}")
        one = GapTracker.load(tmp_path / f"state_{number}")
    assert_frame_equal(one.open_gaps(T0 + 230 * H), one.open_gaps(T0 + 230 * H))
    parts.append(one.flush())
    same(pd.concat(parts).sort_values(["mmsi", "gap_start"], ignore_index=True), dv.find_gaps(table))


def test_reports_of_earlier_days_hold_in_a_tracker(tmp_path):
    """Positions and static reports in messages of their own (AISStream): the draught is said on the first day only."""

    def message(kind, hours, **body):
        when = (T0 + pd.Timedelta(hours, unit="h")).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
        meta = {"MMSI": 273000001, "latitude": 1.0, "longitude": 2.0, "time_utc": when}
        return json.dumps({"MessageType": kind, "MetaData": meta, "Message": {kind: {"UserID": 273000001} | body}})

    position = {"Latitude": 1.0, "Longitude": 2.0, "Sog": 0.1, "Cog": 10.0, "TrueHeading": 10, "NavigationalStatus": 0}
    spoken = {"MaximumStaticDraught": 7.5, "Type": 80, "Dimension": {"A": 50, "B": 50, "C": 5, "D": 5}}
    days = [
        [message("ShipStaticData", 0, **spoken)] + [message("PositionReport", hour, **position) for hour in range(12)],
        [message("PositionReport", 24 + hour, **position) for hour in (0, 1, 2, 12, 13, 14)],
    ]
    paths = [tmp_path / f"day_{number}.jsonl" for number in range(2)]
    for path, lines in zip(paths, days, strict=True):
        path.write_text("\n".join(lines))
    expected = dv.find_gaps(paths)
    assert expected["start_draught_m"].tolist() == [7.5, 7.5]
    assert expected["start_draught_age_h"].tolist() == [11.0, 26.0]
    tracker = GapTracker()
    parts = [tracker.update(paths[0])]
    tracker.save(tmp_path / "state")
    tracker = GapTracker.load(tmp_path / "state")
    parts += [tracker.update(paths[1]), tracker.flush()]
    same(pd.concat([part for part in parts if len(part)], ignore_index=True), expected)


def test_open_gaps_of_a_tracker():
    table = traffic(4)
    tracker = GapTracker()
    tracker.update(table)
    as_of = table["timestamp"].max() + 10 * H
    expected = dv.find_gaps(table, as_of=as_of)
    found = tracker.open_gaps(as_of)
    assert len(found) > table["mmsi"].nunique()
    assert_frame_equal(found, expected[~expected["is_closed"]].reset_index(drop=True))


def test_a_gap_comes_out_once_its_aftermath_is_known():
    times = [0, 1, 11, *range(12, 72)]
    ship = pd.DataFrame({"timestamp": T0 + pd.to_timedelta(times, unit="h"), "lat": 1.0, "lon": 2.0})
    ships = pd.concat([ship.assign(mmsi=273000001 + k) for k in range(3)])
    tracker = GapTracker(rule=dv.GapRule(max_lateness_h=5.0))
    out = {hour: len(tracker.update(ships[ships["timestamp"] == T0 + hour * H])) for hour in sorted(set(times))}
    # The gaps end at 11 h. A fix after 35 h settles what was known after them, once four more have followed (40 h) and
    # none can come late any more (45 h).
    assert [hour for hour, count in out.items() if count] == [45]
    assert out[45] == 3


def test_pending_gaps():
    table = traffic(4)
    tracker = GapTracker()
    came = tracker.update(table)
    pending = tracker.pending_gaps()
    assert len(pending) > 0
    same(pd.concat([came, pending]).sort_values(["mmsi", "gap_start"], ignore_index=True), dv.find_gaps(table))
    assert_frame_equal(tracker.flush(), pending)


def test_too_late_is_counted_and_left_out(tmp_path):
    hours = np.r_[np.arange(0, 10), np.arange(40, 60), 20, 36.5]
    table = pd.DataFrame(
        {"mmsi": 273000001, "timestamp": T0 + pd.to_timedelta(hours, unit="h"), "lat": 1.0, "lon": 2.0}
    )
    found = dv.find_gaps(as_files(table, tmp_path, 1))
    # The newest was 59 h: 20 h comes 39 h late and is left out, 36.5 h is within a day and splits the silence.
    assert found["duration_h"].tolist() == [27.5]
    assert found.attrs["read_report"]["late"] == 1
    patient = dv.GapRule(max_lateness_h=48)
    same(dv.find_gaps(tmp_path / "part_0.csv", rule=patient), dv.find_gaps(table))
    tracker = GapTracker()
    assert len(tracker.update(table[:-2])) == 0
    tracker.update(table[-2:])
    assert tracker.flush()["duration_h"].tolist() == [27.5]
    assert tracker.late == 1


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("first", ["1970-01-01", "2024-03-01"])
def test_rows_of_which_none_counts(first, compiled, tmp_path, monkeypatch):
    """Times of 1970 are impossible, and 970000001 is a search-and-rescue transmitter."""
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(dumps, "has_started", lambda: compiled)
    times = pd.Timestamp(first, tz="UTC") + pd.to_timedelta([0.0, 1.0, 30.0], unit="h")
    table = pd.DataFrame({"mmsi": 273000001, "timestamp": times, "lat": 1.0, "lon": 2.0})
    if first == "2024-03-01":
        table["mmsi"] = 970000001
    store = dv.build_store(as_files(table, tmp_path, 2), tmp_path / "store")
    for source in (tmp_path / "part_0.csv", as_files(table, tmp_path, 2), store, table):
        found = dv.find_gaps(source, as_of=T0)
        assert len(found) == 0
    tracker = GapTracker()
    assert len(tracker.update(table)) == len(tracker.flush()) == 0


def test_vessels_one_after_the_other(tmp_path):
    table = traffic(5).sort_values(["mmsi", "timestamp"], kind="stable", ignore_index=True)
    found = dv.find_gaps(as_files(table, tmp_path))
    assert found.attrs["read_report"]["late"] == 0
    same(found, dv.find_gaps(table))


def test_a_store_gives_what_the_table_gives(tmp_path):
    table = traffic(6)
    store = dv.build_store(as_files(table, tmp_path), tmp_path / "store")
    expected = dv.find_gaps(table, as_of=T0 + 100 * H)
    same(dv.find_gaps(store, as_of=T0 + 100 * H), expected)
    same(dv.find_gaps(tmp_path / "store", as_of=T0 + 100 * H), expected)


@settings(deadline=None)
@given(strategies.fixes(), st.lists(st.integers(0, 40), max_size=4).map(sorted), st.sampled_from([0.5, 6.0]))
def test_nasty_fixes_in_updates(table, cuts, min_gap_h):
    rule = dv.GapRule(min_gap_h=min_gap_h, max_lateness_h=24 * 30)
    tracker = GapTracker(rule=rule)
    parts = [tracker.update(table.iloc[a:b]) for a, b in zip([0, *cuts], [*cuts, len(table)], strict=True)]
    parts.append(tracker.flush())
    full = [part for part in parts if len(part)]
    expected = dv.find_gaps(table, rule=rule)
    assert sum(map(len, full)) == len(expected)
    if full:
        same(pd.concat(full).sort_values(["mmsi", "gap_start", "gap_id"], ignore_index=True), expected)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04nothing"])
def test_no_saved_tracker(content, tmp_path):
    with pytest.raises(dv.ReadError, match="no such file"):
        GapTracker.load(tmp_path / "absent")
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(dv.ReadError, match="odd") as caught:
        GapTracker.load(tmp_path / "odd")
    assert "allow_pickle" not in str(caught.value)


def test_no_code_in_a_saved_tracker(tmp_path):
    with (tmp_path / "bad").open("wb") as stream:
        np.savez(stream, tree=np.array([{"code": print}], dtype=object))
    with pytest.raises(dv.ReadError, match="bad"):
        GapTracker.load(tmp_path / "bad")
