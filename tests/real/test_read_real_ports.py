"""Port lists as published, read from ../shared/data; row counts and positions are those their readmes state."""

import gzip

import pytest

from darkvoyage.io.ports import read_ports, sensitive_ports
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.places import merge_ports

pytestmark = pytest.mark.real

LISTS = {
    "ref_ports_wpi/UpdatedPub150.csv.gz": ("wpi", 3768),
    "ref_ports_wpi/World_Port_Index_old_schema.csv.gz": ("wpi_old", 3630),
    "ref_unlocode/unlocode_part1.csv.gz": ("unlocode", 55_451),
    "ref_unlocode/unlocode_part2.csv.gz": ("unlocode", 28_615),
    "ref_unlocode/unlocode_part3.csv.gz": ("unlocode", 34_873),
    "ref_anchorages_gfw/anchorage_overrides.csv.gz": ("gfw_anchorages", 60_410),
    "ref_anchorages_gfw/wpi_ports_short.csv": ("iso3_label", 3669),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_row_is_accounted_for(real_data, name):
    dialect, rows = LISTS[name]
    table = read_ports(real_data / name)
    report = table.attrs["read_report"]
    assert report["dialect"] == dialect
    assert report["rows_in"] == rows == report["rows_out"] + sum(report["reasons"].values())
    assert table["port_id"].is_unique
    assert table["country"].isna().mean() < 0.01
    assert table["lat"].between(-90, 90).all()
    assert table["radius_nm"].between(3, 20).all()


@pytest.mark.parametrize(
    ("name", "port_id", "lat", "lon"),
    [
        ("ref_ports_wpi/UpdatedPub150.csv.gz", "RUVYP", 42.75, 133.0833),
        ("ref_unlocode/unlocode_part3.csv.gz", "RUVYP", 42 + 46 / 60, 133.05),
        ("ref_unlocode/unlocode_part2.csv.gz", "KPRJN", 42 + 13 / 60, 130 + 17 / 60),
    ],
)
def test_known_positions(real_data, name, port_id, lat, lon):
    row = read_ports(real_data / name).set_index("port_id").loc[port_id]
    assert (row["lat"], row["lon"]) == pytest.approx((lat, lon), abs=1e-4)
    assert row["country"] == port_id[:2]


def test_unlocode_function_counts(real_data):
    lines = gzip.decompress((real_data / "ref_unlocode/unlocode_part3.csv.gz").read_bytes()).decode().splitlines()
    assert any(",RU,NJK," in line for line in lines)
    table = read_ports(real_data / "ref_unlocode/unlocode_part3.csv.gz")
    assert "RUNJK" not in set(table["port_id"])  # listed without coordinates
    assert table.attrs["read_report"]["reasons"]["no_coordinates"] > 1000


def test_bundled_positions_agree_with_the_published_lists(real_data):
    """Every row that says it takes its position from a list lies within a minute or so of that list's row."""
    listed = sensitive_ports()
    for words, name in (
        ("Position: World Port Index", "ref_ports_wpi/UpdatedPub150.csv.gz"),
        ("Position: UN/LOCODE", "ref_unlocode/unlocode_part2.csv.gz"),
        ("Position: UN/LOCODE", "ref_unlocode/unlocode_part3.csv.gz"),
    ):
        published = read_ports(real_data / name).set_index("port_id")[["lat", "lon"]]
        rows = listed[listed["source"].str.contains(words, regex=False)].join(
            published.add_suffix("_there"), on="port_id"
        )
        rows = rows[rows["lat_there"].notna()]
        apart = great_circle_nm(rows["lat"], rows["lon"], rows["lat_there"], rows["lon_there"])
        far = rows["port_id"].to_numpy()[apart > 1.5].tolist()
        assert far == []
        assert len(rows) >= 2


def test_merging_keeps_every_place_once(real_data):
    wpi = read_ports(real_data / "ref_ports_wpi/UpdatedPub150.csv.gz")
    listed = sensitive_ports()
    merged = merge_ports(wpi, listed)
    assert merged["port_id"].is_unique
    assert set(wpi["port_id"]) <= set(merged["port_id"])
    assert merged["sensitive"].sum() >= len(listed) * 0.9
    assert merged.set_index("port_id").loc["RUVYP", "name"] == "Vostochnyy"
    assert merged.set_index("port_id").loc["RUVYP", "sensitive"]
