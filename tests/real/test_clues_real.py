"""Destination texts and draughts of real ships, where what they mean is known from elsewhere."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.kernels.draught import draught_change_llr

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def tankers(real_data):
    """Static reports of tankers inside the boxes of terminals at Vancouver and Kitimat."""
    return pd.read_csv(real_data / "labels_terminal_visits_vancouver" / "ships-data.csv")


@pytest.fixture(scope="module")
def world_ports(real_data):
    return dv.read_ports(real_data / "ref_ports_wpi" / "UpdatedPub150.csv.gz")


@pytest.fixture(scope="module")
def finland(real_data):
    """Port calls as declared: codes of the ports, draughts on arrival and departure."""
    with gzip.open(real_data / "labels_port_calls_finland" / "port_calls.json.gz") as file:
        polls = json.load(file)
    calls = [call for poll in polls for call in poll["portCalls"]]
    rows = [
        {
            "call": call["portCallId"],
            "imo": call["imoLloyds"],
            "kind": call["vesselTypeCode"],
            "port": call["portToVisit"],
        }
        | {"prev": call["prevPort"], "before": area["arrivalDraught"], "after": area["departureDraught"]}
        | {"berth": area["berthCode"]}
        for call in calls
        for area in call["portAreaDetails"]
    ]
    return pd.DataFrame(rows).drop_duplicates(["call", "berth"])


def test_tankers_alongside_name_the_port_where_they_are(tankers, world_ports):
    """Measured: 97 % of the texts in the boxes at Vancouver and Kitimat that name any port name the right one."""
    read = dv.parse_destinations(tankers["Destination"].astype("str").fillna(""), world_ports)
    here = np.where(tankers["terminal"] == "Kitimat", "CAKTM", "CAVAN")
    named = (read["kind"] == "port").to_numpy()
    assert named.mean() > 0.85
    assert (read["port_id"].to_numpy()[named] == here[named]).mean() > 0.93


def test_codes_of_declared_calls_are_the_ports_of_the_index(finland, world_ports):
    coded = world_ports["port_id"][world_ports["port_id"].str.fullmatch("FI[A-Z]{3}")]
    codes = finland["port"][finland["port"].isin(coded)].unique()
    assert len(codes) >= 15
    for text in (
        lambda c: c,
        lambda c: f"{c[:2]} {c[2:]}",
        lambda c: f"EETLL>{c}",
        lambda c: f"SE STO / {c[:2]}-{c[2:]}",
    ):
        read = dv.parse_destinations([text(code) for code in codes], world_ports)
        assert read["port_id"].tolist() == list(codes)
        assert (read["score"] == 1.0).all()


def test_names_of_the_index_are_read_with_and_without_their_country(world_ports):
    """A name that no other port has is that port; 98.7 % are read so, cut off after 20 characters and in capitals."""
    land = world_ports[~world_ports["name"].str.casefold().duplicated(keep=False)]
    land = land.iloc[:: max(len(land) // 600, 1)]
    read = dv.parse_destinations(land["name"].str.upper().str[:20], world_ports)
    assert (read["port_id"].to_numpy() == land["port_id"].to_numpy()).mean() > 0.9


@pytest.fixture(scope="module")
def changes(tankers, finland):
    """Draughts before and after a stay, or a part of it, of ships with odd IMO numbers: nothing was fitted on them."""
    seen = tankers[tankers["MaximumStaticDraught"] > 0].copy()
    seen["day"] = pd.to_datetime(seen["date"])
    seen = seen.sort_values(["ImoNumber", "day", "time_utc"])
    ship = seen.groupby("ImoNumber")
    seen = seen.assign(
        imo=seen["ImoNumber"], after=seen["MaximumStaticDraught"], before=ship["MaximumStaticDraught"].shift()
    )
    seen = seen[(seen["day"] - ship["day"].shift()).dt.days.between(1, 8)]
    ferries = 20
    declared = finland[(finland["before"] > 0) & (finland["after"] > 0) & (finland["kind"] != ferries)]
    both = pd.concat([table[["imo", "before", "after"]] for table in (seen, declared)], ignore_index=True)
    return both[both["imo"] % 2 == 1]


def test_changes_of_draught_at_terminals_speak_for_a_call(changes):
    """Of ships that loaded or discharged, two in three typed another draught, most for less than a full cargo."""
    before, after = (changes[name].to_numpy() for name in ("before", "after"))
    llr = draught_change_llr(before, after, np.full(len(changes), np.nan), np.log(8.0))
    moved = np.abs(after - before) > 0.75
    assert moved.sum() >= 6
    assert (llr[moved] > np.log(4.0)).all()
    assert ((llr[~moved] < 0.5) & (llr[~moved] > -0.75)).all()
    assert np.mean(llr) > 0


def test_partial_cargoes_fit_better_than_full_ones(changes):
    """Log score of the ratio, against the rule that every cargo is a full one: N(0.4 of the larger draught, 0.8 m)."""
    before, after = (changes[name].to_numpy() for name in ("before", "after"))
    change = np.abs(after - before)
    same = 0.97 * np.exp(-change / 0.1) / 0.2
    whole = np.exp(-0.5 * ((change - 0.4 * np.fmax(before, after)) / 0.8) ** 2) / (0.8 * np.sqrt(2 * np.pi))
    plain = np.log((0.5 * same + 0.97 * 0.5 * 0.5 * whole + 0.0015) / (same + 0.0015))
    ours = draught_change_llr(before, after, np.full(len(changes), np.nan), 50.0)
    assert ours.mean() > plain.mean() + 0.3
