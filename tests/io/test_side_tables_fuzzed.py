"""Whatever a file holds, the readers of sightings and scenes return a table that adds up, or say why not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkvoyage.errors import DarkvoyageError
from darkvoyage.io.scenes import read_scenes
from darkvoyage.io.sighting_dialects import TEMPLATE
from darkvoyage.io.sightings import read_sightings

CELLS = st.sampled_from([
    "", "A", "no ship", "2024-04-01 02:10", "2024-04-01T02:10:00Z", "1,5", "-1", "0", "91", "181", "-180", "1e400",
    "nan", "likely", "sar", "P1", "berthed", "é\u2028", "'=1+1", "POLYGON ((1 1, 2 1, 2 2, 1 1))",
    "POLYGON ((170 1, -170 1, -170 2, 170 1))",
])  # fmt: skip
NAMES = st.sampled_from([
    "id", "datetime", "timestamp", "lat", "lon", "scene_id", "geometry", "type", "features", "properties", "records",
    "data", "event_id", "event_type", "start", "time", "point", "description", "frame_extents", "acquisition_time",
    "filename",
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-400, 400) | st.floats(allow_nan=False, allow_infinity=False) | CELLS
VALUES = st.recursive(
    LEAVES | st.sampled_from(["Feature", "FeatureCollection", "Point", "<table><td>a</td><td>b</td></table>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
POSITIONS = st.lists(st.floats(-400, 400, allow_nan=False), min_size=2, max_size=2)
GEOMETRIES = st.none() | st.one_of(
    st.builds(lambda at: {"type": "Point", "coordinates": at}, POSITIONS),
    st.builds(lambda ring: {"type": "Polygon", "coordinates": [ring]}, st.lists(POSITIONS, max_size=5)),
)
FEATURES = st.builds(
    lambda geometry, properties: {"type": "Feature", "id": "A", "geometry": geometry, "properties": properties},
    GEOMETRIES,
    st.dictionaries(NAMES, LEAVES, max_size=5),
)
READERS = pytest.mark.parametrize("read", [read_sightings, read_scenes])


def adds_up(read, path):
    try:
        table = read(path)
    except DarkvoyageError:
        return
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert report["rows_out"] == len(table)
    json.dumps(report)


@READERS
@settings(max_examples=15)
@given(document=VALUES | st.builds(lambda some: {"type": "FeatureCollection", "features": some}, st.lists(FEATURES)))
def test_any_json(tmp_path_factory, read, document):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    adds_up(read, path)


@READERS
@settings(max_examples=15)
@given(rows=st.lists(st.dictionaries(st.sampled_from([*TEMPLATE, "footprint"]), CELLS), min_size=1, max_size=4))
def test_any_sheet(tmp_path_factory, read, rows):
    names = [*TEMPLATE, "footprint"]
    lines = [";".join(names)] + [";".join(f'"{row.get(name, "")}"' for name in names) for row in rows]
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    adds_up(read, path)


@READERS
@pytest.mark.parametrize("depth", [500, 20_000])
def test_deep_nesting_is_no_table(tmp_path, read, depth):
    path = tmp_path / "deep.json"
    path.write_text('{"data":' * depth + "1" + "}" * depth, encoding="utf-8")
    with pytest.raises(DarkvoyageError, match=r"deep\.json"):
        read(path)
