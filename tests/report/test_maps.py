import numpy as np
import pandas as pd
import pytest
import shapely

from darkvoyage.errors import ReadError
from darkvoyage.report import basemap, maps
from darkvoyage.report.basemap import View, coast_polygons
from darkvoyage.report.cells import Row
from darkvoyage.report.dossier import case_table, complete_tables, cumulative_barrels, headline_period
from darkvoyage.report.figures import ledger_figure
from darkvoyage.report.timeline import draw_timeline


def is_land(lat, lon, view):
    painted = [kind for kind, shape in coast_polygons(view, width_px=900) if shape.contains(shapely.Point(lon, lat))]
    return bool(painted) and painted[-1] == "land"


@pytest.mark.parametrize(
    ("place", "lat", "lon", "land"),
    [
        ("Honshu", 36.2, 138.2, True),
        ("Sea of Japan", 40.0, 134.0, False),
        ("Lake Baikal", 53.5, 108.0, False),
        ("Olkhon in it", 53.17, 107.40, True),
        ("Sahara", 22.0, 10.0, True),
        ("Gulf of Guinea", 0.0, 0.0, False),
    ],
)
def test_land_is_land_and_water_is_water(place, lat, lon, land):
    assert is_land(lat, lon, View(lon - 3, lat - 2, lon + 3, lat + 2)) == land


@pytest.mark.parametrize("turn", [0.0, -360.0])
def test_a_view_over_the_antimeridian_has_both_sides(turn):
    view = View(170.0 + turn, 62.0, 195.0 + turn, 72.0)
    assert is_land(67.0, 178.0 + turn, view)
    assert is_land(66.2, 188.5 + turn, view)
    assert not is_land(63.5, 183.0 + turn, view)


def test_shapes_stay_near_the_view_and_lose_what_no_pixel_shows():
    view = View(125.0, 36.0, 137.0, 46.0)
    fine, coarse = (coast_polygons(view, width_px=px) for px in (900, 90))
    bounds = np.array([shape.bounds for _, shape in fine])
    assert bounds[:, 0].min() >= 124.9
    assert bounds[:, 2].max() <= 137.1
    count = [sum(len(shapely.get_coordinates(shape)) for _, shape in part) for part in (fine, coarse)]
    assert count[1] < count[0] / 3


def test_without_the_package_the_page_says_so(fake, monkeypatch):
    from darkvoyage.report import page

    monkeypatch.setattr(basemap, "data_folder", lambda: None)
    monkeypatch.setattr(page, "data_folder", lambda: None)
    assert coast_polygons(View(0, 0, 1, 1), width_px=10) == []
    assert "The coastline is missing" in page.render_report(fake, config_toml="")


def test_a_damaged_coastline_is_named(tmp_path, monkeypatch):
    for name, text in (("gshhsmeta_i.dat", "1 1.0 3 0 1 0 24 x\n"), ("gshhs_i.dat", "12345678")):
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(basemap, "data_folder", lambda: tmp_path)
    with pytest.raises(ReadError, match="gshhs_i"):
        coast_polygons(View(0, 0, 1, 1), width_px=10)


def pacific_cases():
    """Two gaps on either side of the antimeridian, bound for a port right on it."""
    ends = {
        "start_lat": [52.0, 53.0],
        "start_lon": [178.0, -178.5],
        "end_lat": [51.5, 52.5],
        "end_lon": [-179.0, 177.0],
    }
    return pd.DataFrame(
        {**ends, "port_lat": 51.9, "port_lon": -179.9, "port_id": "P", "p_transfer": [0.9, 0.4], "gap_id": ["a", "b"]}
    )


def test_the_view_takes_the_short_way_round():
    cases = pacific_cases()
    view = maps.case_view(cases)
    assert view.width < 12.0
    assert not maps.needs_overview(cases, view)
    for lat, lon in (("start_lat", "start_lon"), ("end_lat", "end_lon"), ("port_lat", "port_lon")):
        assert view.holds(cases[lat].to_numpy(), cases[lon].to_numpy()).all()


def test_chords_do_not_jump_across_the_map():
    cases = pacific_cases()
    lines, rows = maps._chords(maps.case_view(cases), cases)
    assert rows.tolist() == [0, 1]
    assert all(np.abs(np.diff(line[:, 0])).max() < 4.5 for line in lines)


def test_far_cases_ask_for_an_overview():
    cases = pacific_cases()
    cases.loc[1, ["start_lat", "end_lat", "start_lon", "end_lon"]] = [10.0, 11.0, 60.0, 61.0]
    view = maps.case_view(cases)
    assert view.width < 40.0
    assert maps.needs_overview(cases, view)
    assert maps.case_view(cases.iloc[:0]) is None


def test_labels_do_not_overlap(monkeypatch):
    placed = []

    class Axes:
        def annotate(self, name, at, *, xytext, **_):
            x, y = (at[0] / 10 * 691.2 + xytext[0], at[1] / 10 * 691.2 + xytext[1])
            half = maps._text_width(name) / 2
            placed.append((x - half, y - 7, x + half, y + 7))
            return self

        def set_path_effects(self, _):
            pass

    monkeypatch.setattr(maps, "_height_in", lambda view: 9.6)
    at = np.linspace(4.9, 5.1, 12)
    maps._place(Axes(), View(0, 0, 10, 10), [f"Crowded Harbour {k}" for k in range(12)], at, at[::-1])
    boxes = [shapely.box(*box) for box in placed]
    assert len(boxes) >= 4
    assert not any(a.intersects(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_drawings_repeat_themselves_and_keep_the_callers_settings(fake):
    import matplotlib as mpl

    tables = complete_tables(fake)
    tables["cases"] = case_table(fake)
    before = mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]
    view = maps.case_view(tables["cases"])
    assert maps.map_figure(tables, view) == maps.map_figure(tables, view)
    running, headline = cumulative_barrels(fake), headline_period(tables["ledger"])
    text = ledger_figure(running, headline)
    assert text == ledger_figure(running, headline)
    assert "<metadata" not in text
    assert (mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]) == before


def test_the_strip_of_time_by_hand():
    time = lambda day, hour=0: pd.Timestamp(2024, 3, day, hour, tz="UTC")  # noqa: E731
    case = {
        "gap_start": time(2),
        "gap_end": time(12),
        "duration_h": 240.0,
        "arrive_earliest": time(4),
        "depart_latest": None,
    }
    strip = draw_timeline(Row("cases", case), [("seen", time(7)), ("empty", time(30))])
    # Margins of 14.4 h on each side: 268.8 h on 636 px from x = 118.
    assert strip.gap == pytest.approx((118 + 636 * 14.4 / 268.8, 118 + 636 * 254.4 / 268.8), abs=0.06)
    assert strip.window == pytest.approx((118 + 636 * 62.4 / 268.8, strip.gap[1]), abs=0.06)
    assert strip.marks == (("seen", 436.0),)
    assert strip.closed
    assert len(strip.ticks) <= 9
    assert draw_timeline(Row("cases", {"gap_start": None}), []) is None
