import numpy as np
import pandas as pd
import pytest

from darkvoyage.cargo.volumes import (
    barrels_per_tonne,
    conversion_factors,
    deadweight_from_length,
    estimate_cargo,
)
from darkvoyage.errors import RuleError, SchemaError
from darkvoyage.rules.scoring import CargoRule
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import TABLES

T0 = pd.Timestamp("2024-04-01", tz="UTC")
# Nothing uncertain: the hand figures come out exactly.
EXACT = CargoRule(
    fill_low=0.9, fill_mode=0.9, fill_high=0.9, cargo_share_of_dwt=1.0, capacity_log_sd=0.0, density_log_sd=0.0
)


def transfers(n=1, **columns):
    frame = pd.DataFrame(
        {
            "gap_id": [f"g{i}" for i in range(n)],
            "port_id": "RUVYP",
            "mmsi": np.arange(n) + 445000001,
            "track_id": [f"{445000001 + i}-0" for i in range(n)],
            "gap_start": T0,
            "gap_end": T0 + pd.Timedelta(hours=48),
            "score": 50.0,
            "p_transfer": 0.7,
            "prior": 0.05,
            "llr_total": 3.0,
            "sighting_ids": [[] for _ in range(n)],
        }
    )
    return frame.assign(**columns)


def gaps(n=1, start=None, end=None):
    frame = pd.DataFrame({"gap_id": [f"g{i}" for i in range(n)], "mmsi": np.arange(n) + 445000001})
    frame = frame.assign(
        track_id="t", gap_start=T0, gap_end=T0 + pd.Timedelta(hours=48), is_closed=True, duration_h=48.0,
        fixes_before_12h=5, fixes_before_12h_ter=5, fixes_before_12h_sat=0, fixes_before_12h_dyn=0, fixes_after_12h=5,
    )  # fmt: skip
    return frame.assign(start_draught_m=start, end_draught_m=end).astype(
        {"start_draught_m": "float64", "end_draught_m": "float64"}
    )


def vessels(n=1, **columns):
    return pd.DataFrame({"mmsi": np.arange(n) + 445000001}).assign(**columns)


def sightings(*rows):
    frame = pd.DataFrame(rows, columns=["sighting_id", "hours", "load_state"])
    return frame.assign(timestamp=T0 + pd.to_timedelta(frame["hours"], "h"), lat=42.75, lon=133.08)


def one(table):
    assert len(table) == 1
    return table.iloc[0]


# --- factors ---


def test_factors_have_sources_and_one_default_each():
    table = conversion_factors()
    assert table["source"].str.len().min() > 20
    assert (table.groupby("product")["default"].sum() == 1).all()
    assert barrels_per_tonne("gasoil") == 7.45
    assert {"gasoline", "kerosene", "fuel_oil", "naphtha", "crude"} <= set(table["product"])


def test_default_factors_lie_within_the_published_densities():
    # 6.2898 bbl in a m3: 7.45 bbl/t are 0.8443 t/m3.
    table = conversion_factors().dropna(subset=["density_min_t_m3"])
    density = 6.2898108 / table["bbl_per_t"]
    assert density[table["product"] == "gasoil"].item() == pytest.approx(0.8443, abs=1e-4)
    assert (density >= table["density_min_t_m3"]).all()
    assert (density <= table["density_max_t_m3"]).all()


def test_unknown_product():
    with pytest.raises(RuleError, match=r"molasses.*gasoil"):
        estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(dwt_t=1.0), rule=CargoRule(product="molasses"))


# --- volumes ---


def test_known_deadweight_without_errors():
    # 3,565 t of deadweight, 90 % full: 3,208.5 t, times 7.45 = 23,903 bbl.
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(dwt_t=3565.0), rule=EXACT))
    assert row[["cargo_t_p10", "cargo_t_p50", "cargo_t_p90"]].tolist() == pytest.approx([3208.5] * 3)
    assert row[["barrels_p10", "barrels_p50", "barrels_p90"]].tolist() == pytest.approx([23903.325] * 3)
    assert row["basis"] == "deadweight; load state unknown"
    assert row["dwt_t"] == 3565.0
    assert row["product"] == "gasoil"
    assert row["p_transfer"] == 0.7
    assert row["p_loaded"] == pytest.approx(0.95)
    assert pd.isna(row["route"])


def test_tanks_bound_what_deadweight_would_carry():
    # Gasoline at 8.5 bbl/t is 0.73998 t/m3. 4,000 m3 at 98 % hold 2,900.7 t, less than 0.9 of 3,565 t.
    rule = CargoRule(**{**vars(EXACT), "product": "gasoline"})
    ships = vessels(dwt_t=3565.0, cargo_capacity_m3=4000.0)
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=ships, rule=rule))
    assert row["cargo_t_p50"] == pytest.approx(0.98 * 4000 * 6.2898108 / 8.5)
    assert row["barrels_p50"] == pytest.approx(0.98 * 4000 * 6.2898108)
    assert row["basis"].startswith("deadweight and tank volume")


def test_tank_volume_alone():
    # 0.9 of 4,000 m3 are 3,600 m3, whatever the product weighs: 22,643 bbl.
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(cargo_capacity_m3=4000.0), rule=EXACT))
    assert row["barrels_p50"] == pytest.approx(3600 * 6.2898108)
    assert row["basis"].startswith("tank volume")
    assert pd.isna(row["dwt_t"])


def test_length_alone_is_wide_and_says_so():
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(length_m=89.0)))
    # 0.0061 * 89^3 = 4,300 t.
    assert row["dwt_t"] == pytest.approx(4300, abs=1)
    assert row["basis"].startswith("deadweight estimated from length")
    exact = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(dwt_t=4300.0)))
    assert row["barrels_p90"] / row["barrels_p10"] > 1.5 * exact["barrels_p90"] / exact["barrels_p10"]
    np.testing.assert_array_equal(deadweight_from_length(np.array([0.0, -1.0, np.nan])), [np.nan] * 3)


def test_no_particulars_no_volume():
    for ships in (vessels(), vessels(dwt_t=0.0, length_m=0.0), vessels(dwt_t=5.0).iloc[:0]):
        row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=ships))
        assert row["basis"] == "no particulars; load state unknown"
        assert row[["dwt_t", "cargo_t_p50", "barrels_p10", "barrels_p50", "barrels_p90"]].isna().all()


def test_default_quantiles_against_quadrature():
    # Fill is triangular (0.6, 0.9, 0.98); with no other error its quantiles are known in closed form:
    # p10: 0.6 + sqrt(0.1 * 0.38 * 0.30) = 0.70677; p50: 0.6 + sqrt(0.5 * 0.38 * 0.30) = 0.83875;
    # p90: 0.98 - sqrt(0.1 * 0.38 * 0.08) = 0.92486.
    rule = CargoRule(capacity_log_sd=0.0, density_log_sd=0.0, cargo_share_of_dwt=1.0, draws=200_000)
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(dwt_t=1000.0), rule=rule))
    got = row[["cargo_t_p10", "cargo_t_p50", "cargo_t_p90"]].to_numpy(dtype=float)
    np.testing.assert_allclose(got, [706.77, 838.75, 924.86], rtol=0.003)


def test_density_error_moves_barrels_not_tonnes():
    rule = CargoRule(**{**vars(EXACT), "density_log_sd": 0.05})
    row = one(estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(dwt_t=1000.0), rule=rule))
    assert row["cargo_t_p10"] == pytest.approx(row["cargo_t_p90"])
    # exp(2 * 1.28155 * 0.05) = 1.1367
    assert row["barrels_p90"] / row["barrels_p10"] == pytest.approx(1.1367, rel=0.02)


def test_published_campaign_is_of_the_right_size():
    # 43 visits by ships of 3,003 and 3,565 t: the published totals lie between 1.0 and 1.3 million barrels.
    ships = vessels(43, dwt_t=np.where(np.arange(43) % 2, 3003.0, 3565.0))
    table = estimate_cargo(transfers(43), gaps=gaps(43), vessels=ships)
    assert 0.8e6 < table["barrels_p50"].sum() < 1.7e6


# --- load states ---

STATES = [
    # start, end draught (laden: 6.0 m), names, p by hand
    (3.6, 5.7, "ballast", "laden"),
    (5.7, 3.6, "laden", "ballast"),
    (3.6, 3.7, "ballast", "ballast"),
    (5.7, 5.6, "laden", "laden"),
]


def by_hand(before, after):
    """Bayes with the two tables, in plain loops."""
    loading = {("b", "b"): 0.85 * 0.08, ("b", "l"): 0.85 * 0.92, ("l", "b"): 0.15 * 0.08, ("l", "l"): 0.15 * 0.92}
    other = {("b", "b"): 0.40, ("b", "l"): 0.05, ("l", "b"): 0.35, ("l", "l"): 0.20}
    weight = {("b", 0): 1 - before, ("l", 0): before, ("b", 1): 1 - after, ("l", 1): after}
    num = den = 0.0
    for (a, b), p in loading.items():
        num += weight[a, 0] * weight[b, 1] * p
        den += weight[a, 0] * weight[b, 1] * other[a, b]
    return 0.95 * num / (0.95 * num + 0.05 * den)


def logistic(ratio):
    return 1 / (1 + np.exp(-np.log(9) / 0.075 * (ratio - 0.725)))


@pytest.mark.parametrize(("start", "end", "before", "after"), STATES)
def test_draughts_name_the_states_and_move_the_prior(start, end, before, after):
    ships = vessels(dwt_t=3000.0, draught_max_m=6.0)
    row = one(estimate_cargo(transfers(), gaps=gaps(start=start, end=end), vessels=ships))
    assert (row["load_state_before"], row["load_state_after"]) == (before, after)
    assert row["p_loaded"] == pytest.approx(by_hand(logistic(start / 6.0), logistic(end / 6.0)))
    assert row["basis"].endswith("load state from draught")


def test_order_of_the_states():
    ships = vessels(dwt_t=3000.0, draught_max_m=6.0)
    p = [one(estimate_cargo(transfers(), gaps=gaps(start=a, end=b), vessels=ships))["p_loaded"] for a, b, *_ in STATES]
    up, down, light, deep = p
    assert up > 0.98
    assert down < 0.5
    assert down < light < 0.95 < up
    assert down < deep < 0.95


def test_an_equal_draught_is_weak_evidence():
    ships = vessels(dwt_t=3000.0, draught_max_m=6.0)
    same = one(estimate_cargo(transfers(), gaps=gaps(start=3.6, end=3.6), vessels=ships))
    typed = one(estimate_cargo(transfers(), gaps=gaps(start=3.6, end=3.5), vessels=ships))
    assert typed["p_loaded"] < same["p_loaded"] < 0.95
    light = logistic(0.6)
    assert same["p_loaded"] == pytest.approx(by_hand(light, 0.5 * light + 0.25))
    assert same["p_loaded"] > 0.9


def test_sightings_stand_in_for_draughts_and_set_the_time():
    seen = sightings(("a", 20, "ballast"), ("b", 30, "laden"), ("c", 10, None), ("other", 1, "laden"))
    moved = transfers(sighting_ids=[["b", "a", "c", "not there"]])
    row = one(estimate_cargo(moved, gaps=gaps(), vessels=vessels(dwt_t=3000.0), sightings=seen))
    assert (row["load_state_before"], row["load_state_after"]) == ("ballast", "laden")
    assert row["p_loaded"] == pytest.approx(by_hand(0.05, 0.95))
    assert row["call_time"] == T0 + pd.Timedelta(hours=10)
    assert row["basis"] == "deadweight; load state from sightings"


@pytest.mark.parametrize(("state", "before", "after"), [("ballast", "ballast", None), ("laden", None, "laden")])
def test_a_single_sighting(state, before, after):
    moved = transfers(sighting_ids=[["a"]])
    row = one(estimate_cargo(moved, gaps=gaps(), vessels=vessels(), sightings=sightings(("a", 20, state))))
    got = [None if pd.isna(row[name]) else row[name] for name in ("load_state_before", "load_state_after")]
    assert got == [before, after]
    assert row["p_loaded"] > 0.95


def test_call_time_without_sightings():
    moved = transfers(2).assign(gap_end=[T0 + pd.Timedelta(hours=48), pd.NaT])
    moved["gap_end"] = pd.to_datetime(moved["gap_end"], utc=True)
    table = estimate_cargo(moved, gaps=gaps(2), vessels=vessels(2)).set_index("gap_id")
    assert table.loc["g0", "call_time"] == T0 + pd.Timedelta(hours=24)
    assert table.loc["g1", "call_time"] == T0


# --- invariants ---


def mixed(n=40):
    rng = np.random.default_rng(5)
    moved = transfers(n, sighting_ids=[["a"] if i % 3 == 0 else [] for i in range(n)])
    ships = vessels(
        n,
        dwt_t=np.where(np.arange(n) % 2, rng.uniform(1000, 9000, n), np.nan),
        length_m=np.where(np.arange(n) % 5, rng.uniform(60, 120, n), np.nan),
        cargo_capacity_m3=np.where(np.arange(n) % 7 == 0, rng.uniform(2000, 9000, n), np.nan),
        draught_max_m=6.0,
    )
    ends = gaps(n, start=rng.uniform(2, 6, n), end=rng.uniform(2, 6, n))
    return moved, ends, ships, sightings(("a", 5, "laden"))


def test_order_blocks_and_company_do_not_matter(monkeypatch):
    moved, ends, ships, seen = mixed()
    want = estimate_cargo(moved, gaps=ends, vessels=ships, sightings=seen)
    assert want["barrels_p50"].notna().sum() > 20
    other = estimate_cargo(moved[::-1], gaps=ends.sample(frac=1, random_state=1), vessels=ships[::-1], sightings=seen)
    pd.testing.assert_frame_equal(other, want)
    monkeypatch.setattr("darkvoyage.cargo.volumes._BLOCK_BYTES", 1)
    pd.testing.assert_frame_equal(estimate_cargo(moved, gaps=ends, vessels=ships, sightings=seen), want)
    half = estimate_cargo(moved.iloc[::2], gaps=ends, vessels=ships, sightings=seen)
    both = want[want["gap_id"].isin(half["gap_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(half, both)


def test_quantiles_are_ordered_and_scale_with_size():
    moved, ends, ships, seen = mixed()
    table = estimate_cargo(moved, gaps=ends, vessels=ships, sightings=seen).dropna(subset=["barrels_p50"])
    for name in ("cargo_t", "barrels"):
        assert (table[f"{name}_p10"] < table[f"{name}_p50"]).all()
        assert (table[f"{name}_p50"] < table[f"{name}_p90"]).all()
    known = table[table["basis"].str.startswith("deadweight;")]
    assert known["cargo_t_p50"].to_numpy() / known["dwt_t"].to_numpy() == pytest.approx(0.96 * 0.83, abs=0.02)
    assert (known["cargo_t_p90"] <= known["dwt_t"]).all()
    assert table["p_loaded"].between(0, 1).all()


def test_empty_input_and_untouched_input():
    spec = TABLES["CARGO"]
    for table in (transfers(0), empty(TABLES["TRANSFERS"])):
        out = estimate_cargo(table, gaps=gaps(0), vessels=vessels(0), sightings=sightings())
        assert len(out) == 0
        assert out.dtypes.to_dict() == empty(spec).dtypes.to_dict()
    moved, ends, ships, seen = mixed()
    before = moved.copy(deep=True)
    out = estimate_cargo(moved, gaps=ends, vessels=ships, sightings=seen)
    pd.testing.assert_frame_equal(moved, before)
    assert list(out.columns) == list(spec.names)
    assert out.dtypes.to_dict() == empty(spec).dtypes.to_dict()


def test_refusals():
    with pytest.raises(RuleError, match="ascending"):
        estimate_cargo(transfers(), gaps=gaps(), vessels=vessels(), rule=CargoRule(fill_low=0.95))
    with pytest.raises(SchemaError, match="TRANSFERS: missing"):
        estimate_cargo(transfers().drop(columns="mmsi"), gaps=gaps(), vessels=vessels())
