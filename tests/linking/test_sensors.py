"""Laws of sensors against published tables and slow twins; displacement against hand calculation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import lognorm, norm

from darkvoyage.linking.azimuth import azimuth_lag_h, flight_deg, position_errors
from darkvoyage.linking.laws import LENGTH, DetectionLaw, LengthLaw, fit_detection, fit_length, imager_of
from darkvoyage.linking.observation import beam_llr, heading_llr, load_llr
from darkvoyage.linking.sensors import detection_chance, imagers, length_llr, length_moments, position_error_nm
from tests.worlds import hours

NO_SCENES = pd.DataFrame({"scene_id": pd.Series([], dtype="str")})


def seen(**columns):
    rows = max((len(values) for values in columns.values() if isinstance(values, list)), default=1)
    base = {"lat": 0.0, "lon": 0.0, "sensor": "sar", "scene_id": "x", "timestamp": hours([0.0])[0]}
    return pd.DataFrame(base | columns, index=range(rows))


def test_sentinel_1_recall_is_the_published_one():
    """Paolo et al. 2024 and xView3, within their rounding."""
    lengths = np.array([10.0, 20.0, 30.0, 60.0, 100.0])
    np.testing.assert_allclose(
        detection_chance(lengths, np.ones(5), 1.0), [0.2, 0.5, 0.75, 0.93, 0.96], atol=0.01
    )  # fmt: skip


def test_chance_grows_with_length_and_falls_with_cloud_crowds_and_unknown_lengths_are_usual():
    lengths = np.linspace(5, 400, 50)
    for imager in ("sar", "s1", "rs2", "optical", "s2", "agile", "visual", ""):
        chance = detection_chance(lengths, np.ones(50), 0.95, imager=np.full(50, imager))
        assert (np.diff(chance) >= 0).all()
        assert (chance > 0).all()
        assert (chance <= 0.95).all()
    one = np.array([100.0, np.nan])
    np.testing.assert_allclose(
        detection_chance(one, np.array([0.5, np.nan]), 0.9, crowded=np.array([True, False])) / 0.9,
        [0.4 * 0.953 / 0.9, 1.0], rtol=0.01,
    )  # fmt: skip


def test_fits_find_the_law_that_made_the_data():
    rng = np.random.default_rng(5)
    length = rng.uniform(15, 250, 40_000)
    law = DetectionLaw(35.0, 0.25, 0.93, 0.15)
    again = fit_detection(length, rng.random(len(length)) < law.chance(length))
    asked = np.array([15.0, 30.0, 60.0, 200.0])
    np.testing.assert_allclose(again.chance(asked), law.chance(asked), atol=0.02)
    law = LengthLaw(0.2, 0.4, -0.1, -0.3)
    mean, spread = law.moments(length)
    again = fit_length(length, length * np.exp(rng.normal(mean, spread)))
    np.testing.assert_allclose(
        [again.bias, again.log_sd, again.bias_slope, again.log_sd_slope], [0.2, 0.4, -0.1, -0.3], atol=0.02
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "text", "sensor", "expected"),
    [
        ("scene_id", "S1A_IW_GRDH_1SDV_2026", "sar", "s1"), ("scene_id", "S1-roads-0001", "sar", "s1"),
        ("scene_id", "RS2_20191006_145935", "sar", "rs2"), ("platform", "RADARSAT-2", "sar", "rs2"),
        ("platform", "sentinel-2b", "optical", "s2"), ("source", "ICEYE", "sar", "agile"),
        ("scene_id", "PS1_2026", "optical", "optical"), ("scene_id", "S1A_odd", "optical", "optical"),
        ("scene_id", None, None, ""), ("scene_id", "whatever", "rf", "rf"),
    ],
)  # fmt: skip
def test_imagers_are_told_by_names(column, text, sensor, expected):
    table = pd.DataFrame({column: pd.Series([text], dtype="str"), "sensor": pd.Series([sensor], dtype="str")})
    assert imager_of(table).tolist() == [expected]


def test_the_platform_of_the_scene_tells_the_imager_of_its_sightings():
    scenes = pd.DataFrame({"scene_id": ["x"], "sensor": ["sar"], "platform": ["RADARSAT-2"]})
    assert imagers(seen(), scenes).tolist() == ["rs2"]
    assert imagers(seen(scene_id="y"), scenes).tolist() == ["sar"]


def test_given_position_errors_go_first_and_long_hulls_are_less_sure():
    table = seen(position_err_m=[np.nan, 50.0, 50.0], length_m=[np.nan, np.nan, 200.0])
    expected = np.array([100.0, 50.0, np.hypot(50.0, 36.0)]) / 1852
    np.testing.assert_allclose(position_error_nm(table, imager_of(table)), expected)


def test_length_ratio_is_that_of_two_lognormal_densities():
    table = seen(length_m=[120.0, 80.0, np.nan], length_err_m=[np.nan, 8.0, np.nan])
    own = np.array([110.0, 90.0, 100.0])
    moments = length_moments(table, np.arange(3), own, np.array(["rs2", "sar", "sar"]))
    llr = length_llr(table["length_m"].to_numpy(), own, *moments, 53.0, 0.6)
    mean, spread = LENGTH["rs2"].moments(own[:1])
    laws = [(110 * np.exp(mean[0]), spread[0]), (90.0, np.hypot(0.1, 0.05))]
    for row, (median, log_sd) in enumerate(laws):
        length = table["length_m"][row]
        # Of those that nobody knows a twentieth are merchant ships.
        other = 0.95 * lognorm(0.6, scale=53.0).pdf(length) + 0.05 * lognorm(0.4, scale=110.0).pdf(length)
        assert llr[row] == pytest.approx(lognorm(log_sd, scale=median).logpdf(length) - np.log(other))
    assert llr[2] == 0.0


def test_flight_of_sentinel_1_is_the_published_one():
    """Products of the equator fly to 348 degrees ascending and 192 descending; nearer the pole further west."""
    up, down = (flight_deg(np.array([0.0, 55.0, -55.0]), np.full(3, ascending)) for ascending in (True, False))
    np.testing.assert_allclose(up, [348.0, 343.5, 343.5], atol=1.0)
    np.testing.assert_allclose(down, 540.0 - up)


def test_lag_of_sentinel_1_is_115_seconds_times_the_sine():
    """Range 866 km over 7.5 km/s at 39 degrees; straight down the range is the altitude."""
    lag = azimuth_lag_h(np.array([39.0, 0.001]), np.array([693.0, 693.0])) * 3600
    assert lag[0] == pytest.approx(115.0 * np.sin(np.radians(39.0)), rel=0.005)
    assert lag[1] == pytest.approx(693.0 / 7.51 * np.sin(np.radians(0.001)), rel=0.005)


def test_a_ship_that_moves_away_is_displaced_back_along_the_flight():
    """Flight north, look east, 10 kn east: 115 s x sin 39 x 5.14 m/s = 372 m to the south."""
    scenes = pd.DataFrame({"scene_id": ["x"], "look_azimuth_deg": [90.0], "incidence_deg": [39.0], "platform": ["S1A"]})
    errors = position_errors(seen(), scenes)
    east, north, sd = errors.shift(np.zeros(2, "int64"), np.array([10.0, 0.0]), np.array([0.0, 10.0]))
    np.testing.assert_allclose(east * 1852, [0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(north * 1852, [-372.0, 0.0], rtol=0.005, atol=1e-6)
    assert sd[1] == pytest.approx(0.0, abs=1e-9)
    # The velocity not known to 2 kn on each axis: 74 m along the flight, nothing across.
    sd = errors.shift(np.zeros(1, "int64"), np.zeros(1), np.zeros(1), 2.0)[2]
    assert sd[0] * 1852 * np.sqrt(2) == pytest.approx(74.4, rel=0.01)


def test_a_look_to_the_left_turns_the_sign():
    scenes = pd.DataFrame(
        {"scene_id": ["x"], "look_azimuth_deg": [90.0], "incidence_deg": [39.0], "observation_direction": ["left"]}
    )
    shift = position_errors(seen(), scenes).shift(np.zeros(1, "int64"), np.array([10.0]), np.zeros(1))
    assert shift[1][0] * 1852 == pytest.approx(372.0, rel=0.005)


def test_either_pass_displaces_alike_and_what_is_not_known_is_spread():
    """Ascending and descending differ by the tilt of the orbit only; a ship going east appears too far south."""
    scenes = pd.DataFrame(
        {"scene_id": ["up", "down", "open"], "orbit_state": ["ascending", "descending", None], "sensor": "sar"}
    )
    errors = position_errors(seen(scene_id=["up", "down", "open"]), scenes)
    rows = np.arange(3)
    east, north, sd = (part * 1852 for part in errors.shift(rows, np.full(3, 10.0), np.zeros(3)))
    assert north[0] == pytest.approx(north[1])
    assert east[0] == pytest.approx(-east[1])
    assert (north < -340).all()
    assert north[2] == pytest.approx(north[0])
    assert east[2] == pytest.approx(0.0, abs=1e-6)
    assert sd[2] ** 2 - sd[0] ** 2 == pytest.approx(east[0] ** 2 / 2, rel=0.05)


def test_evening_passes_of_sentinel_1_ascend():
    table = seen(scene_id=["S1A_a", "S1A_b"], timestamp=hours([18.0, 6.0]), lon=[0.0, 0.0])
    errors = position_errors(table, NO_SCENES)
    np.testing.assert_allclose(errors.p_first, [0.98, 0.02])


def test_agile_radars_may_look_to_either_side_and_optical_pictures_displace_nothing():
    errors = position_errors(seen(source=["ICEYE", "Planet"], sensor=["sar", "optical"]), NO_SCENES)
    east, north, sd = errors.shift(np.arange(2), np.full(2, 10.0), np.zeros(2), 1.0)
    np.testing.assert_allclose([east, north], 0.0, atol=1e-9)
    assert sd[0] * 1852 > 150
    assert sd[1] == 0.0


def test_heading_ratio_integrates_to_one_and_knows_the_half_turn():
    turn = np.arange(0.0, 360.0, 0.5)
    many = np.zeros(len(turn))
    for imager, spread in (("sar", 0.0), ("s2", 20.0)):
        ratio = np.exp(heading_llr(turn, many, many + 10, many + spread, np.full(len(turn), imager)))
        assert ratio.mean() == pytest.approx(1.0, abs=1e-6)
        assert ratio[0] > ratio[360] > ratio[180]
    adrift = heading_llr(many, many, many + 0.5, many, np.full(len(turn), "sar"))
    assert (adrift == 0).all()
    assert (heading_llr(many, many, many + 10, many, np.full(len(turn), "sar"), many + 25) == 0).all()


def test_beam_ratio_is_that_of_two_normal_densities_and_radar_says_nothing():
    llr = beam_llr(np.array([33.0] * 2), np.array([32.0] * 2), np.array([200.0] * 2), np.array(["optical", "sar"]))
    own, other = norm(np.log(32.0), 0.08), norm(np.log(200.0 / 6.2), np.hypot(0.08, 0.12))
    assert llr[0] == pytest.approx(own.logpdf(np.log(33.0)) - other.logpdf(np.log(33.0)))
    assert llr[1] == 0.0


def test_load_ratio_by_hand():
    """Surely laden, seen laden: .85 over .5; seen in ballast .15 over .5; not known or not read: nothing."""
    llr = load_llr(np.array([1.0, 0.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0, np.nan]))
    np.testing.assert_allclose(llr, [np.log(1.7), np.log(0.3), 0.0, 0.0])
