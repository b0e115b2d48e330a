"""The whole chain on real sets, with the World Port Index as ports: a complete report, and nothing that cannot be.

The sets: the Baltic (Danish waters and around, hours of one day), MarineCadastre (one hour of New York: an honest
empty report), a satellite feed of 2012 (long reception gaps), tankers in the Strait of Singapore (months).
"""

import pytest

import darkvoyage as dv
from darkvoyage.chain import Investigation
from tests.report.check_numbers import check_numbers

SETS = {
    "baltic": "ais_baltic_semicolon/baltic_2018_04_01.csv.gz",
    "new_york": "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz",
    "satellite": "ais_satellite_2012_scored/raw_10k_points.csv.gz",
    "tankers": "ais_tankers_singapore/*.csv.gz",
}


@pytest.fixture(scope="module")
def ports(real_data):
    return dv.read_ports(real_data / "ref_ports_wpi" / "UpdatedPub150.csv.gz")


@pytest.fixture(scope="module", params=SETS)
def found(request, real_data, ports):
    fixes = dv.read_fixes(str(real_data / SETS[request.param]))
    return request.param, fixes, dv.investigate(fixes, ports=ports)


def test_rows_are_delivered(found):
    _, fixes, _ = found
    report = fixes.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] >= 0.99 * report["rows_in"]


def test_gaps_are_as_expected(found):
    name, _, investigation = found
    gaps = investigation.gaps
    assert (gaps["duration_h"] > 6.0).all()
    if name == "new_york":
        assert gaps.empty
        assert investigation.transfers.empty
    if name == "satellite":
        # The set's own description counts 1,242 silences above six hours with every row, false positions included.
        assert 1000 < gaps["is_closed"].sum() <= 1242
    if name == "tankers":
        # 76 silences above six hours in the five files.
        assert 60 < gaps["is_closed"].sum() <= 76


def test_probabilities_hold_together(found):
    _, _, investigation = found
    calls = investigation.port_calls
    if len(calls):
        assert calls.groupby("gap_id")["p_call"].sum().between(1 - 1e-9, 1 + 1e-9).all()
        listed = calls[calls["port_id"].notna()]
        assert (listed["slack_h"] > 0).all()
    assert investigation.transfers.groupby("gap_id")["p_transfer"].sum().le(1 + 1e-9).all()
    assert investigation.silences["p_off"].between(0, 1).all()


def test_satellite_gaps_are_not_called_switch_offs(found):
    """Sparse satellite passes: chance silences are the rule, so few of them may look like switch-offs."""
    name, _, investigation = found
    if name == "satellite":
        assert (investigation.silences["p_off"] > 0.8).mean() < 0.02


def test_report_is_complete_and_true_to_its_tables(found, tmp_path):
    _, _, investigation = found
    folder = investigation.save(tmp_path / "out")
    page = investigation.report(folder / "report.html")
    saved = Investigation.load(folder).tables()
    assert set(saved) == {path.stem for path in folder.glob("*.parquet")}
    problems, checked = check_numbers(page.read_text(encoding="utf-8"), saved)
    assert problems == []
    assert checked > 10
