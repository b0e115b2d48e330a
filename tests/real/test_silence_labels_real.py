"""What labelled real sets say of silences, and what they cannot say: most hold one ship and so no witness."""

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.kernels.sphere import geodesic_m

FIRST, SECOND = "positions_gfw", "positions_exactearth"
CAP_UNVERIFIED = np.log(20.0)
WITHOUT_WITNESSES = {"coverage_unverified", "feed_outage", "heard_elsewhere"}


def judged(fixes):
    gaps = dv.find_gaps(fixes)
    return gaps.merge(dv.score_silence(gaps, dv.fit_reception(fixes)), on="gap_id")


@pytest.fixture(scope="module")
def two_providers(real_data):
    folder = real_data / "labels_gap_two_providers"
    feeds = {name: dv.read_fixes(folder / f"{name}.csv.gz", progress=False) for name in (FIRST, SECOND)}
    feeds["both"] = pd.concat(feeds.values(), ignore_index=True)
    label = pd.read_csv(folder / "gap.csv", parse_dates=["gap_start", "gap_end"]).iloc[0]
    return label, {name: judged(fixes) for name, fixes in feeds.items()}


def test_the_gap_is_the_published_one_and_the_second_provider_has_it_too(two_providers):
    label, rows = two_providers
    assert [len(table) for table in rows.values()] == [1, 1, 1]
    first, second, both = (table.iloc[0] for table in rows.values())
    assert (first["gap_start"], first["gap_end"]) == (label["gap_start"], label["gap_end"])
    assert second["duration_h"] == pytest.approx(label["max_ee_gap"], abs=1e-9)
    assert label["gap_start"] < second["gap_start"] < second["gap_end"] < label["gap_end"]
    assert (both["gap_start"], both["gap_end"]) == (second["gap_start"], second["gap_end"])


def test_a_second_provider_makes_chance_less_likely(two_providers):
    _, rows = two_providers
    first, second, both = (table.iloc[0] for table in rows.values())
    # The second provider has twenty times the fixes.
    assert second["expected_fixes"] > 10 * first["expected_fixes"]
    assert both["p_silence_if_on"] < first["p_silence_if_on"]
    assert both["p_off"] > first["p_off"]


@pytest.fixture(scope="module")
def ferry(real_data):
    names = ["timestamp", "mmsi", "lon", "lat", "sog", "heading", "cog", "bits"]
    table = pd.read_csv(
        real_data / "labels_brest_critical_events/vessel_227592820.csv.gz",
        header=None,
        names=names,
        dtype={"bits": str},
    )
    return table.assign(timestamp=pd.to_datetime(table["timestamp"], unit="s", utc=True).astype("datetime64[us, UTC]"))


@pytest.fixture(scope="module")
def lone_ships(real_data, two_providers, ferry):
    fleet = dv.read_fixes(real_data / "ais_satellite_150_fleet/150402951_a_2021_2023.csv.gz", progress=False)
    return {"longliner": two_providers[1]["both"], "ferry": judged(ferry.drop(columns="bits")), "squid": judged(fleet)}


@pytest.mark.parametrize("ship", ["longliner", "ferry", "squid"])
def test_coverage_of_a_lone_ship_is_never_verified(lone_ships, ship):
    rows = lone_ships[ship]
    assert len(rows) > 0
    assert (rows["neighbours_heard"] == 0).all()
    assert set(rows["reason"]) <= WITHOUT_WITNESSES
    assert (rows["llr_silence"] <= CAP_UNVERIFIED + 1e-9).all()


def test_no_event_bit_of_the_ferry_marks_its_silences(ferry):
    hours = ferry["timestamp"].diff().dt.total_seconds() / 3600
    ends = (hours > 0.5).to_numpy()
    assert ends.sum() == 272
    # Whichever order the bits are read in: one is set almost always, the others miss nine silences of ten.
    for place in range(8):
        bit = (ferry["bits"].str[place] == "1").to_numpy()
        assert bit.mean() > 0.9 or bit[ends].mean() < 0.1


def test_a_number_that_several_hulls_share_hides_their_silences(real_data):
    fixes = dv.read_fixes(real_data / "ais_satellite_150_fleet/150402951_01dec2021_15feb2022.csv.gz", progress=False)
    cleaned = dv.clean_fixes(fixes)
    usable = cleaned[cleaned["flag"].isna()]
    silence = usable["timestamp"].sort_values().diff().max() / pd.Timedelta(hours=1)
    assert len(fixes) == 14558
    assert silence < 12
    assert len(dv.find_gaps(fixes, rule=dv.GapRule(min_gap_h=12.0))) == 0


@pytest.fixture(scope="module")
def south_atlantic(real_data):
    folder = real_data / "labels_gaps_south_atlantic"
    return pd.read_csv(folder / "ais_gaps_intentional.csv"), pd.read_csv(folder / "ais_gaps_squid.csv")


def test_published_gaps_have_our_durations_and_distances(south_atlantic):
    for gaps in south_atlantic:
        hours = (pd.to_datetime(gaps["gap_end"]) - pd.to_datetime(gaps["gap_start"])).dt.total_seconds() / 3600
        # They count whole minutes and a sphere.
        assert (hours - gaps["gap_hours"]).between(-1e-9, 1 / 60).all()
        ours = geodesic_m(*(gaps[name].to_numpy() for name in ("off_lat", "off_lon", "on_lat", "on_lon")))
        np.testing.assert_allclose(ours, gaps["gap_distance_m"], rtol=0.006)


def test_judged_gaps_of_the_south_atlantic_cannot_judge_a_rule(south_atlantic):
    intentional, squid = south_atlantic
    # Listed by a threshold on what was heard before: agreement with such a rule is built in, and no file of fixes
    # or of refuted gaps is there.
    for gaps in south_atlantic:
        assert (gaps["gap_hours"] > 12).all()
        assert (gaps["positions_X_hours_before_sat"] >= 19).all()
    box = squid["off_lon"].between(-25, 5) & squid["off_lat"].between(-50, -25)
    listed = squid["gap_id"].isin(intentional["gap_id"])
    assert (len(intentional), len(squid), listed.sum(), box.sum(), (box & ~listed).sum()) == (87, 219, 10, 12, 2)
