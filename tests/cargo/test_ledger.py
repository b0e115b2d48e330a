import numpy as np
import pandas as pd
import pytest

from darkvoyage.cargo.ledger import ALL_PORTS, draw_volumes, error_shares, quota_ledger
from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import TABLES

T0 = pd.Timestamp("2024-03-07", tz="UTC")
Z90 = 1.2815515655446004


def cargo(n, *, bbl=25_840.0 * 0.9, ratio=1.0, p=1.0, loaded=1.0, every_h=134.0, **columns):
    """Calls of equal size: p90 / p50 = p50 / p10 = ratio."""
    frame = pd.DataFrame(
        {
            "gap_id": [f"g{i:03d}" for i in range(n)],
            "port_id": "RUVYP",
            "mmsi": np.arange(n) % 15 + 445000001,
            "track_id": "t",
            "call_time": T0 + pd.to_timedelta(np.arange(n) * every_h, "h"),
            "p_transfer": p,
            "p_loaded": loaded,
            "barrels_p10": bbl / ratio,
            "barrels_p50": bbl,
            "barrels_p90": bbl * ratio,
        }
    )
    return frame.assign(**columns)


def row(ledger, port=None):
    part = ledger[ledger["port_id"].isna()] if port is None else ledger[ledger["port_id"] == port]
    assert len(part) == 1
    return part.iloc[0]


# --- closed forms ---


def test_published_count_times_fill():
    # 43 calls x 90 % x 25,840 bbl = 1,000,008 bbl; the 22nd call brings the sum from 488,376 to 511,632.
    out = row(quota_ledger(cargo(43), cap_bbl=500_000))
    assert out["calls_seen"] == 43
    for name in ("p10", "p50", "p90"):
        assert out[f"barrels_{name}"] == pytest.approx(1_000_008)
        assert out[f"calls_estimated_{name}"] == 43
    assert out["p_exceeds_cap"] == 1.0
    assert out["cap_crossed_on"] == (T0 + pd.Timedelta(hours=21 * 134)).floor("D")
    assert out["cap_bbl"] == 500_000


def test_us_count_of_2018_at_two_fills():
    # 89 calls: 1,367,628 bbl at 90 % are 506,529 at one third (x 1/2.7).
    for factor, want in ((1.0, 1_367_628), (1 / 2.7, 506_529)):
        out = row(quota_ledger(cargo(89, bbl=1_367_628 / 89 * factor, every_h=30), cap_bbl=500_000))
        assert out["barrels_p50"] == pytest.approx(want, rel=1e-5)
        assert out["p_exceeds_cap"] == 1.0


@pytest.mark.parametrize(("share", "vessel", "want"), [(1.0, 0.0, 1.0), (0.0, 0.0, 0.1), (0.0, 1.0, np.sqrt(0.1))])
def test_what_is_shared_does_not_average_out(share, vessel, want):
    # 100 equal calls of 10 ships, log sd 0.1. All shared: the total is as uncertain as one call; nothing shared: a
    # tenth of it; shared by ship: ten independent errors.
    sd = 0.1
    quantiles = np.tile(1000.0 * np.exp(sd * Z90 * np.array([-1.0, 0.0, 1.0])), (100, 1))
    total = draw_volumes(
        quantiles, np.arange(100) % 10, 20_000, np.random.default_rng(1), share_campaign=share, share_vessel=vessel
    ).sum(axis=0)
    p10, p90 = np.quantile(total, [0.1, 0.9])
    assert np.log(p90 / p10) / (2 * Z90 * sd) == pytest.approx(want, rel=0.03)


def test_each_call_keeps_its_quantiles():
    quantiles = np.array([[700.0, 840.0, 920.0], [10.0, 20.0, 80.0], [np.nan] * 3, [0.0, 0.0, 0.0], [0.0, 10.0, 20.0]])
    drawn = draw_volumes(
        quantiles, np.arange(5), 100_000, np.random.default_rng(2), share_campaign=0.3, share_vessel=0.2
    )
    got = np.quantile(drawn, [0.1, 0.5, 0.9], axis=1).T
    np.testing.assert_allclose(got[:2], quantiles[:2], rtol=0.02)
    assert (drawn[2:4] == 0).all()
    np.testing.assert_allclose(got[4], [5.0, 10.0, 20.0], rtol=0.03)


def test_error_shares_by_hand():
    def at(sd):
        return np.exp(sd * Z90 * np.array([[-1.0, 0.0, 1.0]]))

    # sd 0.3: campaign 0.065^2 / 0.09 = 0.0469, own 0.085^2 / 0.09 = 0.0803, the ship's 0.8728.
    campaign, vessel = error_shares(at(0.3))
    assert campaign == pytest.approx(0.0469, abs=1e-4)
    assert vessel == pytest.approx(0.8728, abs=1e-4)
    # sd 0.05: the bounds 0.3 and 0.5 hold.
    campaign, vessel = error_shares(at(0.05))
    assert (campaign, vessel) == (pytest.approx(0.3), pytest.approx(0.2))


def test_number_of_calls_is_binomial():
    # 100 calls at 0.3: mean 30, sd sqrt(21) = 4.58; 10 % and 90 % of the binomial are 24 and 36.
    out = row(quota_ledger(cargo(100, p=0.3, every_h=24), cap_bbl=1e9))
    assert out["calls_seen"] == 0
    assert out["calls_estimated_p50"] == 30
    assert out["calls_estimated_p10"] == pytest.approx(24, abs=1)
    assert out["calls_estimated_p90"] == pytest.approx(36, abs=1)
    assert out["barrels_p50"] == pytest.approx(30 * 23_256, rel=0.02)


def test_a_call_that_did_not_load_brings_nothing():
    out = row(quota_ledger(cargo(100, loaded=0.5, every_h=24), cap_bbl=1e9))
    assert out["calls_estimated_p10"] == 100
    assert out["barrels_p50"] == pytest.approx(50 * 23_256, rel=0.03)


# --- the cap ---


@pytest.mark.parametrize(("cap", "want"), [(1.0, 1.0), (1e9, 0.0)])
def test_p_exceeds_at_the_extremes(cap, want):
    table = quota_ledger(cargo(43, ratio=1.2), cap_bbl=cap)
    assert (table["p_exceeds_cap"] == want).all()
    assert table["cap_crossed_on"].notna().all() == bool(want)


def test_even_odds_at_the_median():
    # One certain call, log-normal: the cap at its median is exceeded in half of the draws.
    out = row(quota_ledger(cargo(1, bbl=1000.0, ratio=1.3), cap_bbl=1000.0))
    assert out["p_exceeds_cap"] == pytest.approx(0.5, abs=0.03)


# --- mutual exclusion ---


def two_ports(p_a, p_b, n=50):
    a = cargo(n, p=p_a, every_h=24)
    return pd.concat([a, cargo(n, p=p_b, every_h=24, port_id="RUNJK")], ignore_index=True)


def test_calls_of_one_gap_never_count_twice():
    table = quota_ledger(two_ports(0.6, 0.4), cap_bbl=1e9)
    out = row(table)
    # Every gap holds exactly one call, at one port or the other.
    assert [out[f"calls_estimated_{q}"] for q in ("p10", "p50", "p90")] == [50, 50, 50]
    assert out["barrels_p90"] == pytest.approx(50 * 23_256)
    assert out["calls_seen"] == 50
    assert row(table, "RUVYP")["calls_seen"] == 50
    assert row(table, "RUNJK")["calls_seen"] == 0
    assert row(table, "RUNJK")["calls_estimated_p50"] == pytest.approx(20, abs=1)


def test_odds_beyond_one_are_scaled():
    out = row(quota_ledger(two_ports(0.9, 0.9), cap_bbl=1e9))
    assert [out[f"calls_estimated_{q}"] for q in ("p10", "p50", "p90")] == [50, 50, 50]
    assert out["calls_seen"] == 50


# --- periods ---


def test_periods_are_half_open_and_sum_up():
    times = pd.to_datetime(["2023-12-31 23:59", "2024-01-01 00:00", "2024-12-31 23:59", "2025-01-01 00:00"], utc=True)
    table = quota_ledger(cargo(4, call_time=times), cap_bbl=1e9)
    total = table[table["route"] == ALL_PORTS]
    assert total["calls_seen"].tolist() == [1, 2, 1]
    assert total["period_start"].dt.year.tolist() == [2023, 2024, 2025]
    assert (total["period_end"].iloc[:2].to_numpy() == total["period_start"].iloc[1:].to_numpy()).all()
    assert total["period_end"].iloc[2] == pd.Timestamp("2026-01-01", tz="UTC")
    for period, starts in (("MS", 4), ("QS", 4), ("W", 2)):
        other = quota_ledger(cargo(4, call_time=times), cap_bbl=1e9, period=period)
        assert len(other[other["route"] == ALL_PORTS]) == starts
        assert other[other["route"] == ALL_PORTS]["calls_seen"].sum() == 4


def test_the_cap_starts_anew_each_period():
    table = quota_ledger(cargo(43), cap_bbl=500_000, period="MS")
    assert (table["p_exceeds_cap"] == 0).all()
    assert table["cap_crossed_on"].isna().all()


# --- days nobody could see ---


def scenes(days, clear=1.0, footprint="POLYGON ((132 42, 134 42, 134 43, 132 43, 132 42))"):
    times = T0.floor("D") + pd.to_timedelta(list(days), "D") + pd.Timedelta(hours=2)
    frame = pd.DataFrame({"scene_id": [f"s{i}" for i in range(len(times))], "timestamp": times})
    return frame.assign(footprint=footprint, sensor="optical", clear_fraction=clear)


PORTS = pd.DataFrame(
    {
        "port_id": ["RUVYP", "KPCHO"],
        "name": "x",
        "country": "RU",
        "lat": [42.75, 41.77],
        "lon": [133.08, 129.8],
        "radius_nm": 3.0,
        "sensitive": True,
    }
)


def test_a_clear_view_every_day_corrects_nothing():
    calls = cargo(20, every_h=24)
    plain = quota_ledger(calls, cap_bbl=1e9)
    seen = quota_ledger(calls, cap_bbl=1e9, scenes=scenes(range(20)), ports=PORTS)
    pd.testing.assert_frame_equal(plain, seen)


def test_every_other_day_doubles_the_seen_calls():
    # 40 days, a scene on 20 of them: 30 seen calls stand for 30 / 0.5 = 60; the missed ones are negative binomial with
    # mean 30 and sd sqrt(30 * 0.5) / 0.5 = 7.7.
    calls = cargo(30, every_h=24 * 39 / 29)
    table = quota_ledger(calls, cap_bbl=1e9, scenes=scenes(range(0, 40, 2)), ports=PORTS)
    for port in (None, "RUVYP"):
        out = row(table, port)
        assert out["calls_seen"] == 30
        assert out["calls_estimated_p50"] == pytest.approx(60, abs=1.5)
        assert out["calls_estimated_p90"] - out["calls_estimated_p10"] == pytest.approx(2 * Z90 * 7.75, rel=0.1)
        assert out["barrels_p50"] == pytest.approx(30 * 23_256)


def test_half_cloud_counts_as_half_a_day():
    calls = cargo(30, every_h=24 * 39 / 29)
    half = quota_ledger(calls, cap_bbl=1e9, scenes=scenes(range(40), clear=0.5), ports=PORTS)
    assert row(half)["calls_estimated_p50"] == pytest.approx(60, abs=1.5)
    # Two half-clouded looks a day: 1 - 0.5 * 0.5 = 0.75, 30 / 0.75 = 40.
    twice = pd.concat(
        [scenes(range(40), clear=0.5), scenes(range(40), clear=0.5).assign(scene_id=lambda t: t.scene_id + "b")]
    )
    two = quota_ledger(calls, cap_bbl=1e9, scenes=twice, ports=PORTS)
    assert row(two)["calls_estimated_p50"] == pytest.approx(40, abs=1.5)


def test_scenes_elsewhere_or_none_leave_the_estimate():
    calls = cargo(20, every_h=24)
    plain = quota_ledger(calls, cap_bbl=1e9)
    away = scenes(range(0, 20, 2), footprint="POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))")
    for looks in (away, away.iloc[:0]):
        pd.testing.assert_frame_equal(quota_ledger(calls, cap_bbl=1e9, scenes=looks, ports=PORTS), plain)
    pd.testing.assert_frame_equal(
        quota_ledger(calls, cap_bbl=1e9, scenes=scenes(range(0, 20, 2)), ports=PORTS.iloc[:0]), plain
    )


def test_weak_candidates_are_not_added_to_the_missed():
    # 20 certain calls on 20 of 40 days, and 20 candidates at 0.45: the missed (20) already hold the 9 weak ones.
    sure = cargo(20, every_h=48)
    weak = cargo(20, every_h=48, p=0.45, call_time=sure["call_time"] + pd.Timedelta(hours=24)).assign(
        gap_id=lambda t: "w" + t["gap_id"]
    )
    calls = pd.concat([sure, weak], ignore_index=True)
    looks = scenes(range(0, 40, 2))
    assert row(quota_ledger(calls, cap_bbl=1e9))["calls_estimated_p50"] == pytest.approx(29, abs=0.5)
    assert row(quota_ledger(calls, cap_bbl=1e9, scenes=looks, ports=PORTS))["calls_estimated_p50"] == pytest.approx(
        40, abs=1.5
    )


# --- invariants ---


def mixed():
    rng = np.random.default_rng(3)
    calls = cargo(60, p=rng.uniform(0, 1, 60), loaded=rng.uniform(0, 1, 60), ratio=1.15, every_h=150)
    return calls.assign(
        port_id=rng.choice(["RUVYP", "KPCHO", "RUNJK"], 60), barrels_p10=lambda t: t["barrels_p10"] * 0.9
    )


def test_order_does_not_matter_and_the_seed_is_fixed():
    calls = mixed()
    looks = scenes(range(0, 300, 3))
    want = quota_ledger(calls, cap_bbl=400_000, scenes=looks, ports=PORTS)
    again = quota_ledger(calls.sample(frac=1, random_state=1), cap_bbl=400_000, scenes=looks[::-1], ports=PORTS[::-1])
    pd.testing.assert_frame_equal(want, again)
    later = quota_ledger(calls.assign(call_time=calls["call_time"] + pd.Timedelta(days=366)), cap_bbl=400_000)
    plain = quota_ledger(calls, cap_bbl=400_000)
    np.testing.assert_array_equal(later["barrels_p50"], plain["barrels_p50"])


def test_rows_and_columns():
    table = quota_ledger(mixed(), cap_bbl=400_000)
    spec = TABLES["LEDGER"]
    assert list(table.columns) == list(spec.names)
    assert table.dtypes.to_dict() == empty(spec).dtypes.to_dict()
    assert not table.duplicated(["port_id", "route", "period_start"]).any()
    assert (table["route"].notna() == table["port_id"].isna()).all()
    assert (table["barrels_p10"] <= table["barrels_p50"]).all()
    assert (table["calls_estimated_p50"] <= table["calls_estimated_p90"]).all()
    parts = table[table["port_id"].notna()]
    whole = table[table["port_id"].isna()]
    assert parts["calls_seen"].sum() == whole["calls_seen"].sum() == (mixed()["p_transfer"] >= 0.5).sum()


def test_many_calls_in_chunks(monkeypatch):
    calls = cargo(200, p=0.5, every_h=24)
    want = row(quota_ledger(calls, cap_bbl=1e9))
    monkeypatch.setattr("darkvoyage.cargo.ledger._CHUNK_CELLS", 1000)
    got = row(quota_ledger(calls, cap_bbl=1e9))
    assert got["barrels_p50"] == pytest.approx(want["barrels_p50"], rel=0.01)
    monkeypatch.setattr("darkvoyage.cargo.ledger._CELLS", 1)
    assert row(quota_ledger(calls, cap_bbl=1e9))["barrels_p50"] == pytest.approx(want["barrels_p50"], rel=0.02)


def test_calls_without_volume():
    calls = pd.concat([cargo(5), cargo(5, bbl=np.nan, port_id="KPCHO").assign(gap_id=lambda t: "x" + t["gap_id"])])
    table = quota_ledger(calls, cap_bbl=1e9)
    assert row(table, "KPCHO")["calls_seen"] == 5
    assert row(table, "KPCHO")[["barrels_p50", "p_exceeds_cap"]].isna().all()
    assert row(table)["calls_seen"] == 10
    assert row(table)["barrels_p50"] == pytest.approx(5 * 23_256)


def test_empty_and_untouched():
    spec = TABLES["LEDGER"]
    for table in (cargo(0), empty(TABLES["CARGO"])):
        out = quota_ledger(table, cap_bbl=1.0)
        assert len(out) == 0
        assert out.dtypes.to_dict() == empty(spec).dtypes.to_dict()
    calls = mixed()
    before = calls.copy(deep=True)
    quota_ledger(calls, cap_bbl=1.0)
    pd.testing.assert_frame_equal(calls, before)


def test_refusals():
    calls = cargo(2)
    for cap in (0, -1, np.nan, np.inf, "many", True):
        with pytest.raises(RuleError, match="cap_bbl"):
            quota_ledger(calls, cap_bbl=cap)
    for period in ("never", "", 3.5):
        with pytest.raises(RuleError, match="period"):
            quota_ledger(calls, cap_bbl=1.0, period=period)
    with pytest.raises(RuleError, match="without ports"):
        quota_ledger(calls, cap_bbl=1.0, scenes=scenes([1]))
    with pytest.raises(SchemaError, match=r"p_transfer.*1\.5"):
        quota_ledger(calls.assign(p_transfer=1.5), cap_bbl=1.0)
    with pytest.raises(SchemaError, match=r"footprint.*row 0"):
        quota_ledger(calls, cap_bbl=1.0, scenes=scenes([1], footprint="here"), ports=PORTS)
    with pytest.raises(SchemaError, match="CARGO: missing"):
        quota_ledger(calls.drop(columns="call_time"), cap_bbl=1.0)
