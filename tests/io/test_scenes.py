import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from darkvoyage.errors import DialectError, ReadError, SchemaError
from darkvoyage.io.scenes import read_scenes
from darkvoyage.schema.tables import TABLES

SQUARE = "POLYGON ((132 42, 134 42, 134 44, 132 44, 132 42))"
HEADER = "scene_id,timestamp,footprint,sensor,clear_fraction,gsd_m\n"


def save(folder, text, name="scenes.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def row(name="A", time="2024-01-01T00:00:00Z", footprint=SQUARE, sensor="optical", clear="0.6"):
    return f'{name},{time},"{footprint}",{sensor},{clear},3\n'


def balanced(table):
    report = table.attrs["read_report"]
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    json.dumps(report)
    return report


def item(name, **properties):
    ring = [[132.0, 42.0], [134.0, 42.0], [134.0, 44.0], [132.0, 44.0], [132.0, 42.0]]
    return {
        "type": "Feature",
        "id": name,
        "collection": "some-collection",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": "2024-01-01T01:02:03Z", **properties},
    }


def test_own_table(tmp_path):
    table = read_scenes(save(tmp_path, HEADER + row("B") + row("A", clear="")))
    assert list(table.columns) == list(TABLES["SCENES"].names)
    assert table["scene_id"].tolist() == ["A", "B"]
    assert table["footprint"].tolist() == [SQUARE, SQUARE]
    assert table["clear_fraction"].isna().tolist() == [True, False]
    assert table["gsd_m"].tolist() == [3.0, 3.0]
    assert balanced(table)["dialect"] == "darkvoyage"


def test_stac_items(tmp_path):
    items = [
        item("O", **{"eo:cloud_cover": 30, "platform": "sentinel-2a", "instruments": ["msi"], "gsd": 10}),
        item("R", platform="sentinel-1a", instruments=["c-sar"]),
        item("M", **{"sar:instrument_mode": "IW"}),
        item("T", platform="ICEYE", datetime=None, start_datetime="2024-01-02T00:00:00Z"),
        item("X", platform="mystery-7"),
    ]
    path = save(tmp_path, json.dumps({"type": "FeatureCollection", "features": items}), "items.geojson")
    table = read_scenes(path).set_index("scene_id")
    assert table["sensor"].to_dict() == {"M": "sar", "O": "optical", "R": "sar", "T": "sar"}
    assert table.loc["O", "clear_fraction"] == 0.7
    assert table.loc["O", "gsd_m"] == 10.0
    assert pd.isna(table.loc["R", "clear_fraction"])
    assert table.loc["T", "timestamp"] == pd.Timestamp("2024-01-02T00:00Z")
    assert shapely.from_wkt(table.loc["O", "footprint"]).equals(shapely.from_wkt(SQUARE))
    assert balanced(table.reset_index())["reasons"] == {"no_sensor": 1}


def test_one_item_alone(tmp_path):
    table = read_scenes(save(tmp_path, json.dumps(item("O", platform="landsat-9")), "item.json"))
    assert table["sensor"].tolist() == ["optical"]


def pages(*items):
    return {"type": "FeatureCollection", "features": list(items), "links": [{"rel": "next", "href": "..."}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(pages(item("A", platform="landsat-9"), item("B", platform="landsat-9"))),
        json.dumps([item("A", platform="landsat-9"), item("B", platform="landsat-9")]),
        json.dumps([pages(item("A", platform="landsat-9")), pages(item("B", platform="landsat-9"))]),
        "\n".join(json.dumps(item(name, platform="landsat-9")) for name in "AB") + "\n",
        "\n".join(json.dumps(pages(item(name, platform="landsat-9"))) for name in "AB"),
    ],
    ids=["one page", "array of items", "array of pages", "an item a line", "a page a line"],
)
def test_pages_of_a_catalogue(tmp_path, text):
    table = read_scenes(save(tmp_path, text, "items.json"))
    assert table["scene_id"].tolist() == ["A", "B"]
    assert table["source"].tolist() == ["some-collection", "some-collection"]
    assert balanced(table)["rows_in"] == 2


def test_a_catalogue_without_hits(tmp_path):
    table = read_scenes(save(tmp_path, json.dumps(pages()), "items.json"))
    assert list(table.columns) == list(TABLES["SCENES"].names)
    assert balanced(table)["rows_in"] == 0


def test_lines_that_are_no_item(tmp_path):
    lines = [json.dumps(item("A", platform="landsat-9")), "{broken", json.dumps(item("B", platform="landsat-9"))]
    table = read_scenes(save(tmp_path, "\n".join(lines), "items.ndjson"))
    assert table["scene_id"].tolist() == ["A", "B"]
    assert balanced(table)["reasons"] == {"broken_line": 1}
    with pytest.raises(ReadError, match="truncated or damaged JSON"):
        read_scenes(save(tmp_path, "\n".join(lines)[:-9], "cut.ndjson"))


def test_stac_geoparquet(tmp_path):
    frame = pd.DataFrame(
        {
            "id": ["A"],
            "datetime": pd.to_datetime(["2024-01-01T01:02:03Z"]),
            "geometry": [shapely.to_wkb(shapely.from_wkt(SQUARE))],
            "platform": ["sentinel-2a"],
            "eo:cloud_cover": [25.0],
            "instruments": [["msi"]],
        }
    )
    frame.to_parquet(tmp_path / "items.parquet")
    row = read_scenes(tmp_path / "items.parquet").iloc[0]
    assert (row["scene_id"], row["sensor"], row["clear_fraction"]) == ("A", "optical", 0.75)


def test_what_a_catalogue_says_of_the_view_is_kept(tmp_path):
    radar = item(
        "R",
        **{
            "platform": "sentinel-1a", "sat:orbit_state": "descending", "view:incidence_angle": 38.5,
            "view:azimuth": 281.5, "sar:instrument_mode": "IW", "sar:observation_direction": "right",
            "sar:polarizations": ["VV", "VH"], "end_datetime": "2024-01-01T01:02:28Z",
        },
    )  # fmt: skip
    optical = item("O", **{"platform": "skysat", "view:off_nadir": 12.5, "view:sun_elevation": 41.5, "gsd": 0.5})
    table = read_scenes(save(tmp_path, json.dumps(pages(radar, optical)), "items.json")).set_index("scene_id")
    seen = table.loc["R"]
    assert (seen["orbit_state"], seen["incidence_deg"], seen["look_azimuth_deg"]) == ("descending", 38.5, 281.5)
    assert (seen["platform"], seen["instrument_mode"], seen["polarizations"]) == ("sentinel-1a", "IW", "VV; VH")
    assert seen["observation_direction"] == "right"
    assert seen["timestamp_end"] == pd.Timestamp("2024-01-01T01:02:28Z")
    assert table.loc["O", ["off_nadir_deg", "sun_elev_deg", "gsd_m"]].tolist() == [12.5, 41.5, 0.5]
    assert pd.isna(table.loc["O", "incidence_deg"])


def ring(west, east, south=-10.0, north=10.0):
    return shapely.Polygon([(west, south), (east, south), (east, north), (west, north)])


@pytest.mark.parametrize(
    "shape",
    [ring(170, 190), ring(-190, -170), ring(170, -170), ring(170, -170).reverse()],
    ids=["beyond 180", "beyond -180", "jump", "clockwise"],
)
def test_footprints_over_the_antimeridian_become_two_parts(tmp_path, shape):
    table = read_scenes(save(tmp_path, HEADER + row(footprint=shape.wkt)))
    found = shapely.from_wkt(table["footprint"].iloc[0])
    assert found.equals(shapely.union(ring(170, 180), ring(-180, -170)))
    assert balanced(table)["repairs"] == {"footprint_split_at_antimeridian": 1}


def test_footprints_in_two_parts_already_stay_as_they_are(tmp_path):
    parts = shapely.union(ring(170, 180), ring(-180, -170)).wkt
    table = read_scenes(save(tmp_path, HEADER + row(footprint=parts) + row("B")))
    assert table["footprint"].tolist() == [parts, SQUARE]
    assert balanced(table)["repairs"] == {}


@settings(max_examples=20)
@given(
    west=st.integers(-180, 360), width=st.integers(1, 60), south=st.integers(-80, 70), height=st.integers(1, 10),
    clockwise=st.booleans(),
)  # fmt: skip
def test_a_turned_footprint_covers_the_turned_points(tmp_path_factory, west, width, south, height, clockwise):
    west = (west + 180) % 360 - 180
    shape = ring(west, west + width, south, south + height)
    path = save(tmp_path_factory.mktemp("s"), HEADER + row(footprint=(shape.reverse() if clockwise else shape).wkt))
    found = shapely.from_wkt(read_scenes(path)["footprint"].iloc[0])
    assert found.is_valid
    assert found.area == pytest.approx(width * height)
    lon, lat = np.meshgrid(west + width * np.array([-0.25, 0.25, 0.75, 1.25]), south + height * np.array([0.25, 0.75]))
    inside = (lon > west) & (lon < west + width)
    assert (shapely.contains_xy(found, (lon + 180) % 360 - 180, lat) == inside).all()


def test_columns_of_an_unknown_list_can_be_named(tmp_path):
    path = save(tmp_path, f'name,when,where,sensor\nA,2024-01-01T00:00:00Z,"{SQUARE}",sar\n')
    with pytest.raises(DialectError, match="or try column_map="):
        read_scenes(path)
    table = read_scenes(path, column_map={"scene_id": "name", "timestamp": "when", "footprint": "where"})
    assert table["scene_id"].tolist() == ["A"]


@pytest.mark.parametrize(
    ("footprint", "message"),
    [
        ("POLYGON ((132 42, 134 42", "row 3: the footprint is not a polygon in WKT: 'POLYGON"),
        ("POINT (132 42)", "row 3: the footprint is not a polygon"),
        ("nonsense", "row 3: the footprint is not a polygon"),
        ("POLYGON EMPTY", "row 3: the footprint is not a polygon"),
        (
            "POLYGON ((500000 4e6, 600000 4e6, 600000 5e6, 500000 4e6))",
            "row 3: the footprint lies outside of the degrees",
        ),
    ],
)
def test_footprints_that_are_none(tmp_path, footprint, message):
    with pytest.raises(ReadError, match=message):
        read_scenes(save(tmp_path, HEADER + row("A") + row("B", footprint=footprint)))


def test_a_crossed_ring_is_made_valid(tmp_path):
    bow = "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"
    table = read_scenes(save(tmp_path, HEADER + row(footprint=bow)))
    shape = shapely.from_wkt(table["footprint"].iloc[0])
    assert shape.is_valid
    assert shape.area == 2.0  # two triangles of base 2 and height 1
    assert balanced(table)["repairs"] == {"footprint_made_valid": 1}


def test_rows_that_are_not_delivered(tmp_path):
    rows = [
        row("A"), row("A"), row("B", time=""), row("C", time="soon"), row("D", footprint=""), row("", sensor="sar"),
        row("E", sensor=""),
    ]  # fmt: skip
    table = read_scenes(save(tmp_path, HEADER + "".join(rows)))
    assert balanced(table)["reasons"] == {
        "duplicate": 1, "no_time": 1, "bad_time": 1, "no_footprint": 1, "no_scene_id": 1, "no_sensor": 1,
    }  # fmt: skip


def test_impossible_cloud_is_unknown(tmp_path):
    table = read_scenes(save(tmp_path, HEADER + row(clear="60")))
    assert table["clear_fraction"].isna().all()
    assert balanced(table)["repairs"] == {"bad_clear_fraction": 1}


def test_naive_times_and_two_scenes_of_one_name(tmp_path):
    with pytest.raises(SchemaError, match="without a zone"):
        read_scenes(save(tmp_path, HEADER + row(time="2024-01-01T00:00:00")))
    with pytest.raises(ReadError, match="'A' stands for different scenes"):
        read_scenes(save(tmp_path, HEADER + row(clear="0.1") + row(clear="0.2")))


def test_parquet_with_binary_footprints(tmp_path):
    frame = pd.DataFrame(
        {
            "scene_id": ["A"],
            "timestamp": pd.to_datetime(["2024-01-01"], utc=True),
            "geometry": [shapely.to_wkb(shapely.from_wkt(SQUARE))],
            "sensor": ["sar"],
        }
    )
    frame.to_parquet(tmp_path / "s.parquet")
    table = read_scenes(tmp_path / "s.parquet")
    assert shapely.from_wkt(table["footprint"].iloc[0]).equals(shapely.from_wkt(SQUARE))


def test_unknown_columns(tmp_path):
    with pytest.raises(DialectError, match="no known table of scenes has the columns a, b"):
        read_scenes(save(tmp_path, "a,b\n1,2\n"))


def test_header_only(tmp_path):
    assert len(read_scenes(save(tmp_path, HEADER))) == 0
