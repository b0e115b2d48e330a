import json

import numpy as np
import pandas as pd
import pytest

from darkvoyage.bench.tables import markdown, records, versions, with_interval, write_results
from darkvoyage.errors import ReadError


def test_markdown():
    table = pd.DataFrame({"name": ["a", None], "number": [1234, 5], "share": [0.12345, np.nan], "large": [123.7, 2.0]})
    assert markdown(table).splitlines() == [
        "| name | number | share | large |",
        "| --- | ---: | ---: | ---: |",
        "| a | 1,234 | 0.123 | 124 |",
        "|  | 5 |  | 2 |",
    ]


def test_values_with_their_intervals():
    table = pd.DataFrame(
        {
            "value": [0.83, np.nan, 1.0, -0.5],
            "low": [0.791, np.nan, np.nan, -0.6],
            "high": [0.8649, np.nan, np.nan, 0.25],
        }
    )
    assert with_interval(table).tolist() == ["0.830 (0.791 to 0.865)", "", "1", "-0.500 (-0.600 to 0.250)"]


def test_records_are_what_json_can_hold():
    table = pd.DataFrame({"a": [1.0, np.nan], "b": pd.array([None, "x"], dtype="str")})
    assert records(table) == [{"a": 1.0, "b": None}, {"a": None, "b": "x"}]


def test_versions_name_the_libraries():
    assert {"python", "darkvoyage", "numpy", "pandas", "scikit-learn"} <= set(versions())


def test_results_are_two_files(tmp_path):
    page = write_results(tmp_path / "new", "figures", text="# Figures\n", data={"a": [1, None]})
    assert page.read_text() == "# Figures\n"
    assert json.loads((tmp_path / "new" / "figures.json").read_text()) == {"a": [1, None]}
    (tmp_path / "file").write_text("")
    with pytest.raises(ReadError, match="cannot be written"):
        write_results(tmp_path / "file", "figures", text="", data={})
