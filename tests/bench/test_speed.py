import json

import pytest

from darkvoyage.bench.speed import measure_speed, write_speed
from darkvoyage.errors import RuleError


def test_every_stage_is_timed_beside_its_floor(tmp_path):
    told = []
    table = measure_speed(fixes=5000, progress=lambda *words: told.append(words)).set_index("step")
    assert told == [(step, number, len(table)) for number, step in enumerate(table.index)]
    assert (table["rows_in"] > 0).all()
    assert (table["wall_s"] > 0).all()
    assert table.loc["clean", "times_floor"] == table.loc["clean", "cpu_s"] / table.loc["sort", "cpu_s"]
    assert table.loc["sort", "floor"] == ""
    assert table.loc["read csv", "rows_in"] == table.loc["sort", "rows_in"] >= 5000
    page = write_speed(tmp_path, table.reset_index())
    assert page.read_text().count("\n| ") == 2 + len(table)  # head and rule
    data = json.loads((tmp_path / "speed.json").read_text())
    assert [row["step"] for row in data["steps"]] == list(table.index)


def test_too_few_fixes():
    with pytest.raises(RuleError, match="fixes = 10"):
        measure_speed(fixes=10)
