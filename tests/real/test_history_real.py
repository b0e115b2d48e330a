"""What real tracks say of speeds, stays and ports; the ships are named by number only."""

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.reach.history import as_history
from darkvoyage.reach.prior import port_prior
from darkvoyage.reach.stays import learned_stays

pytestmark = pytest.mark.real

GENERAL = {"median_h": 20.0, "log_sd": 0.5, "wait_share": 0.5, "wait_mean_h": 36.0}


@pytest.fixture(scope="module")
def ports(real_data):
    return dv.read_ports(str(real_data / "ref_ports_wpi" / "UpdatedPub150.csv.gz"))


@pytest.fixture(scope="module")
def history(real_data, ports):
    """One number between three ports, a month of reports every half hour, all with speed 0."""
    return dv.fleet_history(dv.read_fixes(real_data / "ais_gpsdio_jsonl" / "416000000.jsonl.gz"), ports=ports)


def test_speeds_made_good(real_data):
    # Five tankers and their reported speeds: the speed made good of hourly legs is about what they report under way.
    fixes = dv.clean_fixes(dv.read_fixes(str(real_data / "ais_tankers_singapore" / "*.csv.gz")))
    table = dv.fleet_history(fixes)
    speeds = table[table["load_state"].isna()].set_index("mmsi")
    usable = fixes[fixes["flag"].isna() & (fixes["sog"] > 3)]
    reported = usable.groupby("mmsi")["sog"].median()
    assert len(speeds) == len(reported) == 5
    assert (np.abs(speeds["speed_kn"] - reported) < 2.5).all()
    assert speeds["speed_kn"].between(6, 14).all()
    assert speeds["speed_sd_kn"].between(0.5, 3).all()
    assert (speeds["speed_max_kn"] < 20).all()


def test_a_shuttle_between_three_ports(history, ports):
    calls = history[history["port_id"].notna()]
    names = calls["port_id"].map(ports.set_index("port_id")["name"])
    assert names.unique().tolist() == ["Kao-Hsiung", "Chi-Lung", "Tai-Chung Kang"]
    assert (names.value_counts() > 5).all()


def test_the_past_names_the_ports(history, ports):
    # Each call left out once: among all ports within 250 nm, the three that it serves are first.
    calls = history[history["port_id"].notna() & history["depart"].notna()].reset_index(drop=True)
    centre = ports[ports["name"].isin(["Chi-Lung", "Kao-Hsiung", "Tai-Chung Kang"])]
    near_by = np.flatnonzero(
        (np.abs(ports["lat"] - centre["lat"].mean()) < 4) & (np.abs(ports["lon"] - centre["lon"].mean()) < 4)
    )
    assert len(near_by) >= 10
    ranks = []
    for _, call in calls.iterrows():
        near = pd.DataFrame(
            {
                "mmsi": [call["mmsi"]] * len(near_by),
                "gap_start": pd.Series([call["arrive"]] * len(near_by)),
                "gap_end": pd.Series([call["depart"]] * len(near_by)),
                "start_lat": 24.0, "start_lon": 120.0,
            }
        )  # fmt: skip
        share = port_prior(near, ports, near_by, as_history(history), np.zeros(len(near_by)))
        right = (ports["port_id"].to_numpy()[near_by] == call["port_id"]).argmax()
        ranks.append(int((share >= share[right]).sum()))
    ranks = np.array(ranks)
    assert (ranks <= 3).mean() >= 0.9
    assert (ranks == 1).mean() > 1 / 3


def test_short_stays_are_learned(history, ports):
    # It mostly stays for a few hours, where a tanker in general takes a day.
    near = pd.DataFrame({"mmsi": history["mmsi"].head(1)})
    port = np.flatnonzero(ports["name"] == "Tai-Chung Kang")[:1]
    found = learned_stays(near, ports, port, as_history(history), **GENERAL)
    calls = history[history["port_id"].eq(ports["port_id"].iloc[port[0]]) & history["confidence"].eq(4)]
    stays = (calls["depart"] - calls["arrive"]) / pd.Timedelta(1, unit="h")
    assert 0.5 * stays.median() < found.median_h[0] < 2 * stays.median()
    assert found.log_sd[0] > 1.0
