import pandas as pd
import pytest
from click.testing import CliRunner

from darkvoyage.cli import main
from tests.worlds import moored_fleet, one_gap, ports


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def ais(tmp_path):
    path = tmp_path / "ais.csv"
    pd.concat([one_gap(), moored_fleet(5, 90).assign(mmsi=lambda table: table["mmsi"] + 50)]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("command", ["demo", "gaps", "ingest", "investigate", "report"])
def test_every_command_helps(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_gaps_to_the_terminal(ais):
    result = run("gaps", ais)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("gap_id,track_id,mmsi,gap_start")
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize("ending", ["parquet", "csv", "geojson", "kml"])
def test_gaps_to_a_file(ais, tmp_path, ending):
    out = tmp_path / f"gaps.{ending}"
    result = run("gaps", ais, "--min-gap-h", 12, "-o", out)
    assert result.exit_code == 0
    assert out.stat().st_size > 100


def test_investigate_writes_report_and_tables(ais, tmp_path):
    places = tmp_path / "ports.csv"
    ports().to_csv(places, index=False)
    out = tmp_path / "out"
    result = run("investigate", ais, "--ports", places, "-o", out)
    assert result.exit_code == 0, result.output
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "gaps.parquet", "transfers.parquet", "ledger.parquet", "config.toml", "gaps.kml"} <= names
    again = run("report", out, "-o", tmp_path / "again.html")
    assert again.exit_code == 0
    assert (tmp_path / "again.html").read_bytes() == (out / "report.html").read_bytes()


def test_ingest_and_what_reads_the_store(ais, tmp_path):
    store = tmp_path / "store"
    result = run("ingest", ais, "--store", store, "--memory-limit", "900MB")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(ais)
    assert result.stdout.strip() == f"{store}: {len(table)} fixes of {table['mmsi'].nunique()} vessels"
    assert f"read {len(table)} of {len(table)} rows" in result.stderr
    assert run("ingest", ais, "--store", store).stdout == result.stdout
    assert run("gaps", store).stdout == run("gaps", ais).stdout
    for source, out in ((store, "of_store"), (ais, "of_files")):
        assert run("investigate", source, "-o", tmp_path / out).exit_code == 0
    of_store, of_files = (pd.read_parquet(tmp_path / out / "gaps.parquet") for out in ("of_store", "of_files"))
    pd.testing.assert_frame_equal(of_store, of_files)
    assert len(of_store) > 0
    small = run("ingest", ais, "--store", store, "--memory-limit", "1MB")
    assert small.exit_code == 1
    assert small.stderr.startswith("darkvoyage: memory_limit = '1MB': expected a size")
    assert run("ingest", ais).exit_code == 2


def test_errors_are_one_sentence_and_exit_1(tmp_path):
    missing = run("gaps", tmp_path / "nothing.csv")
    assert missing.exit_code == 1
    assert len(missing.stderr.strip().splitlines()) == 1
    assert missing.stderr.startswith("darkvoyage: ")
    odd = tmp_path / "odd.csv"
    odd.write_text("a,b\n1,2\n")
    assert run("gaps", odd).exit_code == 1
    assert "Traceback" not in run("gaps", odd).stderr
    bad = tmp_path / "bad.toml"
    bad.write_text("[gap]\nmin_gap = 3\n")
    told = run("investigate", odd, "--config", bad)
    assert told.exit_code == 1
    assert "min_gap_h" in told.stderr


def test_ids_in_place_of_mmsi(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text(
        "ID,AIS_POS_TIMESTAMP,LONGITUDE,LATITUDE\n93,22/03/2021 06:37,32.5,29.8\n93,22/03/2021 20:37,32.5,29.8\n"
    )
    refused = run("gaps", path)
    assert refused.exit_code == 1
    assert "synthetic_ids" in refused.stderr
    assert len(run("gaps", path, "--synthetic-ids").stdout.splitlines()) == 2
    assert run("ingest", path, "--store", tmp_path / "store", "--synthetic-ids").exit_code == 0
    assert run("gaps", tmp_path / "store").stdout == run("gaps", path, "--synthetic-ids").stdout


def test_how_late_a_fix_may_come(tmp_path):
    path = tmp_path / "late.csv"
    rows = [f"200000037,2024-03-07T{hour:02}:00:00Z,1.5,2.5\n" for hour in (0, 10, 5)]
    path.write_text("".join(["mmsi,timestamp,lat,lon\n", *rows]))
    assert run("gaps", path).stdout.count("\n") == 1
    strict = run("gaps", path, "--max-lateness-h", 4)
    assert strict.stdout.count("\n") == 2
    assert "1 came too late" in strict.stderr


def test_an_ending_that_cannot_be_written_is_refused_before_reading(tmp_path):
    told = run("gaps", tmp_path / "nothing.csv", "-o", tmp_path / "gaps.xyz")
    assert told.exit_code == 1
    assert "cannot write '.xyz'" in told.stderr


def test_several_dialects_are_listed(ais, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("MMSI,BaseDateTime,LAT,LON\n200000037,2024-03-07T00:00:00,1.5,2.5\n")
    assert "(darkvoyage, marinecadastre)" in run("gaps", ais, other).stderr


def test_wrong_usage_is_exit_2():
    assert run("gaps").exit_code == 2
    assert run("gaps", "x.csv", "--no-such-option").exit_code == 2
    assert run("fly").exit_code == 2


@pytest.mark.parametrize("command", ["accuracy", "speed"])
def test_benches_help(command):
    result = run("bench", command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_bench_speed(tmp_path):
    result = run("bench", "speed", "--fixes", 2000, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"speed: {tmp_path / 'speed.md'}"
    assert (tmp_path / "speed.json").stat().st_size > 100


def test_benches_refuse_what_they_do_not_know():
    for words, told in (
        (("accuracy", "--tier", "huge"), "tier = 'huge'"),
        (("accuracy", "--real", "feed.csv"), "expected NAME=PATH"),
        (("accuracy", "--real-sets", "none.toml"), "cannot be read"),
        (("speed", "--fixes", 5), "fixes = 5"),
    ):
        result = run("bench", *words)
        assert result.exit_code == 1
        assert told in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert run("bench", "accuracy", "--workers", 0).exit_code == 2


def test_quiet_in_a_pipe(ais, tmp_path):
    result = run("investigate", ais, "-o", tmp_path / "out")
    assert "\r" not in result.stderr
