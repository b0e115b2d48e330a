"""What the documents say about the package holds."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from darkvoyage.cli import main
from darkvoyage.io.dialects import DIALECTS
from darkvoyage.io.fixes import read_fixes
from tests.worlds import moored_fleet, ports

ROOT = Path(__file__).parents[1]
REAL = {
    "nmea": "ais_nmea/exactearth_20211101.nm4",
    "marinecadastre": "ais_noaa_csv/ny_harbor_2020_06_30_first_hour.csv.gz",
    "digitraffic": "ais_digitraffic/vessel_locations.json.gz",
    "baltic_snapshot": "ais_digitraffic/baltic_snapshot_2025_12_12.json.gz",
    "marinetraffic": "ais_marinetraffic_style/gibraltar_2016_06_01.csv.gz",
    "marinetraffic_api": "ais_marinetraffic_style/ship_positions.json.gz",
    "marinetraffic_toolbox": "ais_marinetraffic_style/mt_toolbox_sample.csv.bz2",
    "orbcomm": "ais_orbcomm_old_bahama/anom_datav2.csv.gz",
    "exactearth": "ais_exactearth_csv/exactearth_2021_07_01.csv.gz",
    "gfw_positions": "ais_gfw_positions/position_messages.csv.gz",
    "gfw_research": "ais_satellite_150_fleet/test_outside_chn.csv.gz",
    "epoch_positions": "ais_satellite_2012_scored/raw_10k_points.csv.gz",
    "brest": "ais_brest/nari_dynamic_sample.csv.gz",
    "brest_static": "ais_brest",
    "baltic": "ais_baltic_semicolon/baltic_2018_04_01.csv.gz",
    "ais_raw_units": "ais_tankers_singapore/imo_9116943.csv.gz",
    "dma_resampled": "ais_kattegat_parquet/kattegat_2025_11_1min.parquet",
    "gpsdio": "ais_nmea/libais_tagblock_decoded.json",
    "suez": "ais_suez_2021/suez_2021_03_20_24.csv.gz",
    "aegean": "ais_aegean_annotated/vessel_2_id.txt",
    "aegean_annotated": "ais_aegean_annotated/vessel_2_id_annotated.txt",
    "track_association": "ais_track_association/set2.csv.gz",
}
"""A real file of each dialect of which there is one."""


def how_taken(dialect):
    notes = [
        ("*by name only*: " + dialect.named_only, dialect.named_only),
        ("*ids of its own*", dialect.anonymous),
        ("*reports without positions*", not dialect.positions),
    ]
    return "; ".join(text for text, holds in notes if holds)


def dialect_rows():
    yield "| dialect | what it is | tried on | how it is taken |"
    yield "|---|---|---|---|"
    for name, dialect in DIALECTS.items():
        tried = "its own files" if name == "darkvoyage" else "real files" if name in REAL else "its layout"
        yield f"| `{name}` | {dialect.source} | {tried} | {how_taken(dialect)} |"


def test_the_page_of_formats_lists_every_dialect_as_it_is():
    text = (ROOT / "FORMATS.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- dialects.*?-->\n(.*?)<!-- end", text, re.S)[1]
    assert shown.split("\n")[:-1] == list(dialect_rows())


@pytest.mark.real
@pytest.mark.parametrize(("dialect", "name"), REAL.items(), ids=REAL)
def test_dialects_tried_on_real_files(dialect, name, real_data):
    options = {"dialect": dialect} if DIALECTS[dialect].named_only else {}
    fixes = read_fixes(real_data / name, synthetic_ids=DIALECTS[dialect].anonymous, **options)
    found = fixes.attrs["read_report"]["dialect"]
    assert dialect in ([found] if isinstance(found, str) else found)
    assert len(fixes)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the files that the README speaks of."""
    fixes = moored_fleet(5, 48, silent={0: (6.0, 20.0)})
    fixes["timestamp"] += pd.Timestamp("2024-03-07", tz="UTC") - fixes["timestamp"].min().floor("D")
    for name in ("my_ais", "dumps"):
        (tmp_path / name).mkdir()
        for day, rows in fixes.groupby(fixes["timestamp"].dt.strftime("%Y-%m-%d")):
            rows.to_csv(tmp_path / name / f"ais_{day}.csv.gz", index=False)
    ports().to_csv(tmp_path / "UpdatedPub150.csv", index=False)
    sighting = {"sighting_id": "s1", "timestamp": "2024-03-07T12:00:00Z", "lat": 42.75, "lon": 133.08}
    pd.DataFrame([sighting]).to_csv(tmp_path / "seen.csv", index=False)
    pd.DataFrame([{"mmsi": 299_000_001, "length_m": 180.0}]).to_csv(tmp_path / "register.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return fixes


def blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def test_the_python_of_the_readme_runs(desk):
    told = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), told)
        assert told.get("gaps") is None or len(told["gaps"]) == 1
    assert len(told["store"]) == len(desk)
    assert told["fixes"].attrs["read_report"]["rows_in"] == len(desk)
    assert Path("report.html").stat().st_size > 0


def test_the_commands_of_the_readme_run(desk):
    lines = [line for block in blocks("") for line in block.splitlines() if "darkvoyage " in line]
    assert len(lines) == 5
    for line in lines:
        before, _, command = line.partition("darkvoyage ")
        words = [
            str(path) for word in shlex.split(command) for path in ([*Path().glob(word)] if "*" in word else [word])
        ]
        given = desk.to_csv(index=False) if before else None
        result = CliRunner().invoke(main, words, input=given)
        assert result.exit_code == 0, (line, result.output)
    for name in ("out/report.html", "gaps.parquet", "gaps.csv", "my_store"):
        assert Path(name).exists()


def test_the_readme_counts_the_dialects():
    assert f" {len(DIALECTS)} dialects " in (ROOT / "README.md").read_text(encoding="utf-8")
