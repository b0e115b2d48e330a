"""Each benchmark runs once at its smallest size, so that none can rot."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / "benchmarks" / "run.py"
ROWS = 2000
PEERS = {"csv": ("numba", "polars")}


@pytest.fixture(scope="module")
def runner():
    spec = importlib.util.spec_from_file_location("darkvoyage_benchmarks_run", RUN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(path.stem.removeprefix("bench_") for path in RUN.parent.glob("bench_*.py")))
def test_benchmark(runner, name, monkeypatch):
    for library in PEERS.get(name, ()):
        pytest.importorskip(library)
    monkeypatch.syspath_prepend(str(RUN.parent))
    figures = runner.measure(name, rows=ROWS)
    assert figures["rows"] == ROWS
    assert all(value > 0 for value in figures.values())


def test_table(runner, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(RUN.parent))
    runner.main(["clean", "--rows", str(ROWS)])
    head, rule, first, *rest = capsys.readouterr().out.splitlines()
    assert (head, rule) == ("| benchmark | figure | value |", "| --- | --- | ---: |")
    assert first == "| clean | rows | 2,000 |"
    assert len(rest) == 3


def test_unknown_names_and_sizes(runner, capsys):
    for arguments, words in ((["nothing"], "no such benchmark: nothing"), (["--rows", "0"], "at least 1")):
        with pytest.raises(SystemExit, match="2"):
            runner.main(arguments)
        assert words in capsys.readouterr().err


@pytest.fixture
def whole(monkeypatch):
    monkeypatch.syspath_prepend(str(RUN.parent))
    return importlib.import_module("whole")


@pytest.fixture
def measure(whole):
    return importlib.import_module("measure")


def python(code):
    return [sys.executable, "-c", code]


def test_time_and_memory_of_a_process_and_its_children(measure):
    hold = "import time; data = b'1' * 100_000_000; time.sleep(0.5)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}], check=True)"
    for code in (hold, child):
        taken = measure.measure(python(code))
        assert taken.exit_code == 0
        assert 0.5 < taken.wall_s < 5
        assert taken.cpu_s < taken.wall_s
        assert 100 < taken.anon_mb < 160
    busy = measure.measure(python("import time\nwhile time.process_time() < 0.4: pass"))
    assert 0.4 < busy.cpu_s < 2
    assert busy.anon_mb < 60


def test_a_failed_process_keeps_its_last_words(measure):
    taken = measure.measure(python("raise ValueError('no such thing')"))
    assert (taken.exit_code, taken.error) == (1, "ValueError: no such thing")


@pytest.mark.parametrize("control_group", [True, False])
def test_a_memory_limit_ends_what_exceeds_it(measure, monkeypatch, control_group):
    if not control_group:
        monkeypatch.setattr(measure, "_control_group", lambda size: None)
    with measure.memory_limit(100_000_000) as (method, prepare):
        assert control_group or method == "RLIMIT_DATA"
        assert measure.measure(python("data = b'1' * 30_000_000"), prepare=prepare).exit_code == 0
        assert measure.measure(python("data = b'1' * 300_000_000"), prepare=prepare).exit_code != 0


def test_no_memory_limit(measure):
    with measure.memory_limit(None) as (method, prepare):
        assert (method, prepare) == ("none", None)


@pytest.mark.parametrize(
    "arguments", [["--format", "mc"], ["--format", "parquet", "--mess", "dirty"], ["--pack", "zst"]]
)
def test_gap_engines_in_rotation(whole, tmp_path, capsys, arguments):
    pytest.importorskip("polars")
    record = tmp_path / "runs.json"
    names = ["darkvoyage", "darkvoyage_without_numba", "polars_packed", "pandas_c"]
    call = ["gaps", "--rows", str(ROWS), "--repeats", "1", "--folder", str(tmp_path), "--json", str(record)]
    whole.main([*call, *arguments, "--engines", *names])
    title, _, head, _, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith(f"gaps: dump_{ROWS}_")
    assert head.startswith("| engine | wall s | cpu s | anon MB |")
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in names]
    runs = json.loads(record.read_text())["engines"]
    for name in names:
        assert [(run["exit_code"], run["error"]) for run in runs[name]["runs"]] == [(0, "")]
        assert all(run["wall_s"] > 0 and run["cpu_s"] > 0 for run in runs[name]["runs"])
    assert runs["darkvoyage"]["found"] == runs["darkvoyage_without_numba"]["found"]
    assert runs["polars_packed"]["found"] == runs["pandas_c"]["found"]
    assert runs["darkvoyage"]["found"]["rows"] > 0


def test_store_engines_in_rotation(whole, tmp_path, capsys):
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    names = [name for name in whole.engines("store") if not name.endswith("numba")]
    whole.main(["store", "--rows", str(ROWS), "--repeats", "1", "--folder", str(tmp_path), "--engines", *names])
    rows = capsys.readouterr().out.splitlines()[4:]
    stored = {row.split(" | ")[0].strip("| "): row.split(" | ")[6] for row in rows}
    assert list(stored) == names
    assert stored["polars_store"] == stored["duckdb_store"]
    # The others keep valid rows only, this one all.
    assert 0.9 * ROWS < int(stored["polars_store"].replace(",", "")) < ROWS
    assert stored["darkvoyage"] == f"{ROWS:,}"


def test_failures_are_told_in_the_table(whole):
    good = {"exit_code": 0, "wall_s": 2.0, "cpu_s": 3.0, "anon_mb": 4.0, "error": ""}
    bad = good | {"exit_code": -9}
    found = {"rows": 5, "hours": 6.0}
    results = {"a": {"runs": [good], "found": found}, "b": {"runs": [bad], "found": None}}
    results["c"] = {"runs": [good | {"wall_s": wall} for wall in (9.0, 4.0, 1.0)], "found": found}
    _, _, a, b, c = whole.table(results, 1_000_000)
    assert a == "| a | 2.00 | 3.00 | 4 | 0.50 | 1.00 | 5 | 6.000 |"
    assert b.startswith("| b | exit -9")
    assert c == "| c | 4.00 | 3.00 | 4 | 0.25 | 0.50 | 5 | 6.000 |"
    _, _, a, b = whole.table({"a": {"runs": [good, bad], "found": found}, "b": results["c"]}, 1_000_000)
    assert a.startswith("| a | exit -9")
    assert b == "| b | 4.00 | 3.00 | 4 | 0.25 |  | 5 | 6.000 |"


@pytest.mark.parametrize(("text", "size"), [("2G", 2 << 30), ("512m", 512 << 20), ("1000", 1000)])
def test_sizes(whole, text, size):
    assert whole.bytes_of(text) == size


def test_wrong_use_of_whole(whole, capsys):
    for arguments, words in (
        (["gaps", "--engines", "nothing"], "no such engine: nothing"),
        (["gaps", "--rows", "0"], "at least 1"),
        (["gaps", "--limit", "much"], "no size such as 2G"),
        (["tea"], "invalid choice"),
    ):
        with pytest.raises(SystemExit, match="2"):
            whole.main(arguments)
        assert words in capsys.readouterr().err
