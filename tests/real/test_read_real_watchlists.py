"""Real editions of sanctions lists; the counts come from the lists by plain csv and string search."""

import csv
import gzip
import json

import pandas as pd
import pytest

from darkvoyage.io.vessels import read_vessels
from darkvoyage.io.watchlists import read_watchlist
from darkvoyage.screening import screen

pytestmark = pytest.mark.real


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if len(row) > 1]


@pytest.mark.parametrize(("edition", "vessels", "imos"), [("sdn_2019_01", 323, 317), ("sdn_2021_07", 406, 400)])
def test_ofac(real_data, edition, vessels, imos):
    path = real_data / "sanctions_ofac" / f"{edition}.csv.gz"
    table = read_watchlist(path)
    report = table.attrs["read_report"]
    assert len(table) == vessels
    assert table["imo"].nunique() == imos
    assert table["listed_on"].isna().all()
    assert report["rows_in"] == len(rows_of(path)) == vessels + sum(report["reasons"].values())
    assert set(report["reasons"]) == {"not_a_vessel"}
    assert table["mmsi"].notna().sum() == sum("MMSI" in row[11] for row in rows_of(path) if row[2] == "vessel")
    # The remark that lacks the word IMO.
    assert table.loc[table["name"] == "RYONG GUN BONG", "imo"].tolist() == [8606173]


def test_ofac_as_json(real_data):
    table = read_watchlist(real_data / "sanctions_ofac" / "ofac_sdn_vessels_2026_03_22.json.gz")
    assert len(table) == 1450
    assert table["listed_on"].isna().all()


@pytest.mark.parametrize(
    ("name", "vessels", "imos"),
    [
        ("eu_32017R1509_dprk", 75, 60),  # and one whose IMO "Does not exist"
        ("eu_32014R0833_russia", 633, 632),
        ("eu_32012R0267_iran", 0, 0),
        ("eu_32006R0765_belarus", 0, 0),
    ],
)
def test_eu(real_data, name, vessels, imos):
    path = real_data / "sanctions_eu" / f"{name}.csv.gz"
    table = read_watchlist(path)
    report = table.attrs["read_report"]
    assert len(table) == vessels
    assert table["imo"].nunique() == imos
    assert table["listed_on"].notna().all()
    assert report["rows_in"] == len(rows_of(path)) - 1 == vessels + sum(report["reasons"].values())


def test_designated_on_2018_03_30(real_data):
    path = real_data / "sanctions_eu" / "eu_32017R1509_dprk.csv.gz"
    table = read_watchlist(path)
    printed = sum(row[5] == "30.3.2018" and row[7] == "Vessel" for row in rows_of(path))
    assert (table["listed_on"] == pd.Timestamp("2018-03-30T00:00Z")).sum() == printed
    ship = pd.DataFrame({"imo": [8691702]})
    before, after = (screen(ship, table, on=day) for day in ("2018-03-29", "2024-04-01"))
    assert before["listed_at_event"].tolist() == [False, False]  # two annexes
    assert after["listed_at_event"].tolist() == [True, True]


def test_layout_example(real_data):
    table = read_watchlist(real_data / "sanctions_eu" / "maritime_csv_layout_example.csv")
    assert table["name"].tolist() == ["ADONIA", "DESTAN", "SWIFTSEA RIDER", "TEMIRO"]
    assert table["imo"].tolist() == [9242223, pd.NA, 9318539, 9209972]


def test_register_against_the_list(real_data):
    ships = read_vessels(real_data / "labels_shadow_fleet_2026" / "gur_vessels_master.csv.gz")
    report = ships.attrs["read_report"]
    assert report["rows_in"] == 1414 == len(ships) + sum(report["reasons"].values())
    listed = read_watchlist(real_data / "sanctions_eu" / "eu_32014R0833_russia.csv.gz")
    table = screen(ships, listed, on="2025-01-01")
    numbers = set(ships["imo"].dropna()) & set(listed["imo"].dropna())
    assert set(table.loc[table["matched_by"] == "imo", "imo"]) == numbers
    assert len(numbers) > 500
    early = set(listed.loc[listed["listed_on"] <= pd.Timestamp("2025-01-01T00:00Z"), "imo"])
    assert set(table.loc[table["listed_at_event"], "imo"]) == numbers & early


def test_known_tankers(real_data):
    table = read_vessels(real_data / "labels_vessel_register" / "known_cargo_tanker_mmsi.csv")
    assert len(table) == 2284
    json.dumps(table.attrs["read_report"])
