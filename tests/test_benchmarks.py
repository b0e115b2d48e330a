"""Each benchmark runs once at its smallest size, so that none can rot."""

import importlib.util
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / "benchmarks" / "run.py"
ROWS = 2000


@pytest.fixture(scope="module")
def runner():
    spec = importlib.util.spec_from_file_location("darkvoyage_benchmarks_run", RUN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(path.stem.removeprefix("bench_") for path in RUN.parent.glob("bench_*.py")))
def test_benchmark(runner, name, monkeypatch):
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
