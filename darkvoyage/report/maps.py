"""Maps of the gaps: chords over the coastline, sensitive ports and sightings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from darkvoyage.kernels.sphere import destination, great_circle_nm, interpolate
from darkvoyage.report.basemap import View, coast_polygons
from darkvoyage.report.cells import neutralise
from darkvoyage.report.figures import INK, QUIET, WARM, drawing, svg_text

__all__ = ["case_view", "map_figure", "needs_overview"]

_WIDTH_IN, _FOOT_IN, _WIDTH_PX = 9.6, 1.0, 960
_SEA, _LAND, _OTHER, _SIGHTED = "#eaf1f5", "#d9d6cc", "#9aa4ab", "#005a9c"
_MOST_GAPS = 5000
_WORLD = View(-180.0, -60.0, 180.0, 80.0)
_OFFSETS = [(dx * r, dy * r) for r in (9, 18, 30, 44) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.8),
            (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8))]  # fmt: skip


def case_view(cases: pd.DataFrame) -> View | None:
    """Return the part of the map that shows the cases.

    Parameters
    ----------
    cases : DataFrame
        As of `case_table`.

    Returns
    -------
    View or None
        Around ends and ports of all cases; where they spread too far, around the port with the most probability. None
        without a position.
    """
    lat = cases[["start_lat", "end_lat", "port_lat"]].to_numpy(dtype="float64")
    lon = cases[["start_lon", "end_lon", "port_lon"]].to_numpy(dtype="float64")
    known = np.isfinite(lat) & np.isfinite(lon)
    if not known.any():
        return None
    view = _around(lat[known], lon[known])
    if view.width <= 40.0 and view.height <= 30.0:
        return view
    weight = cases.groupby("port_id")["p_transfer"].sum()
    main = cases[cases["port_id"] == weight.idxmax()].iloc[0]
    if pd.isna(main["port_lat"]):
        return view
    near = known & (great_circle_nm(lat, lon, main["port_lat"], main["port_lon"]) <= 600.0)
    return _around(lat[near], lon[near])


def needs_overview(cases: pd.DataFrame, view: View) -> bool:
    """Whether cases lie outside the view."""
    ends = cases[["start_lat", "start_lon", "end_lat", "end_lon", "port_lat", "port_lon"]].to_numpy(dtype="float64")
    inside = [view.holds(ends[:, k], ends[:, k + 1]) | ~np.isfinite(ends[:, k]) for k in (0, 2, 4)]
    return not bool(np.all(inside))


def _around(lat: np.ndarray, lon: np.ndarray) -> View:
    """The smallest box that holds the points, on the shorter way round, with a margin."""
    turned = np.sort(lon % 360.0)
    holes = np.diff(np.append(turned, turned[0] + 360.0))
    west = turned[(int(np.argmax(holes)) + 1) % len(turned)]
    east = west + 360.0 - float(holes.max())
    south, north = float(lat.min()), float(lat.max())
    shrink = np.cos(np.radians((south + north) / 2))
    tall = max(north - south, 0.55 * (east - west) * shrink, 1.0) * 1.24
    wide = max((east - west) * 1.16, tall / shrink / 0.75)
    middle, height = (west + east) / 2, (south + north) / 2
    if middle > 180.0:
        middle -= 360.0
    return View(
        middle - wide / 2, max(height - tall / 2, -84.0), middle + wide / 2, min(height + tall / 2, 84.0)
    )  # fmt: skip


def map_figure(tables: Mapping[str, pd.DataFrame], view: View | None = None) -> str:
    """Draw gaps as great-circle chords, sensitive ports and sightings over the coastline.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame
        Complete tables with `cases`.
    view : View, optional
        None: the world, without labels.

    Returns
    -------
    str
        An SVG element.
    """
    with drawing() as (figure, axes):
        world = view is None
        view = view or _WORLD
        _coast(axes, view)
        _other_chords(axes, tables, view)
        handles = _case_chords(axes, tables["cases"], view)
        if not world:
            handles += _seen(axes, tables, view)
        handles += _ports(axes, tables, view, labels=not world)
        _frame(figure, axes, view)
        if not world:
            _scale_bar(axes, view)
        if handles:
            axes.legend(
                handles=handles, loc="upper left", bbox_to_anchor=(0, -0.05), ncols=3, frameon=False, fontsize=9
            )
        return svg_text(figure, "world" if world else "map")


def _coast(axes: Any, view: View) -> None:
    from matplotlib.patches import PathPatch

    axes.set_facecolor(_SEA)
    for kind, shape in coast_polygons(view, width_px=_WIDTH_PX if view.width < 180 else _WIDTH_PX // 2):
        colour = _LAND if kind == "land" else _SEA
        path = _path_of(shape)
        if path is not None:
            axes.add_patch(PathPatch(path, facecolor=colour, edgecolor=colour, linewidth=0.3, zorder=1))


def _path_of(shape: Any) -> Any:
    import shapely
    from matplotlib.path import Path

    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    rings = [np.asarray(ring.coords) for part in parts for ring in (part.exterior, *part.interiors)]
    return Path.make_compound_path(*[Path(ring, closed=True) for ring in rings]) if rings else None


def _chord(view: View, lat1: float, lon1: float, lat2: float, lon2: float) -> np.ndarray:
    """Points of the great circle, longitudes continuous from the first and in the view's turn."""
    distance = float(great_circle_nm(np.array(lat1), np.array(lon1), np.array(lat2), np.array(lon2)))
    steps = np.linspace(0.0, 1.0, 2 if distance < 60 else int(min(3 + distance / 60, 40)))
    lat, lon = interpolate(np.array(lat1), np.array(lon1), np.array(lat2), np.array(lon2), steps)
    return np.column_stack([np.unwrap(view.turn(lon), period=360.0), lat])


def _chords(view: View, gaps: pd.DataFrame) -> tuple[list[np.ndarray], np.ndarray]:
    """Chords of the gaps with both ends, and which rows they are."""
    ends = gaps[["start_lat", "start_lon", "end_lat", "end_lon"]].to_numpy(dtype="float64")
    rows = np.flatnonzero(np.isfinite(ends).all(axis=1))
    return [_chord(view, *ends[row]) for row in rows], rows


def _other_chords(axes: Any, tables: Mapping[str, pd.DataFrame], view: View) -> None:
    """Gaps near sensitive ports that are no case: thin, under everything else, one path."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    transfers = tables["transfers"].sort_values(["p_transfer", "gap_id"], ascending=[False, True], kind="stable")
    rest = transfers[~transfers["gap_id"].isin(tables["cases"]["gap_id"])].drop_duplicates("gap_id").head(_MOST_GAPS)
    lines, _ = _chords(view, tables["gaps"][tables["gaps"]["gap_id"].isin(rest["gap_id"])])
    lines = [line for line in lines if view.holds(line[:, 1], line[:, 0]).any()]
    if lines:
        path = Path.make_compound_path(*[Path(line) for line in lines])
        axes.add_patch(PathPatch(path, fill=False, edgecolor=_OTHER, linewidth=0.5, alpha=0.5, zorder=2))


def _case_chords(axes: Any, cases: pd.DataFrame, view: View) -> list[Any]:
    from matplotlib.lines import Line2D

    known = cases.dropna(subset=["start_lat", "start_lon"]).sort_values(["p_transfer", "gap_id"], kind="stable")
    colour = _colours(known["p_transfer"].to_numpy())
    lines, rows = _chords(view, known)
    for line, row in zip(lines, rows, strict=True):
        axes.plot(*line.T, color=colour[row], linewidth=1.4, solid_capstyle="round", zorder=4)
        axes.plot(*line[-1], marker="s", markersize=3.6, color=colour[row], markeredgewidth=0, zorder=5)
    start = view.turn(known["start_lon"].to_numpy()), known["start_lat"].to_numpy()
    axes.scatter(*start, s=16, c="white", edgecolors=colour, linewidths=1.2, zorder=5)
    if len(known) == 0:
        return []
    mark: dict[str, Any] = {"linestyle": "none", "color": WARM[3], "markersize": 5}
    return [
        Line2D([], [], color=WARM[3], linewidth=1.6, label="suspected call: chord of the gap"),
        Line2D([], [], marker="o", markerfacecolor="white", label="last heard", **mark),
        Line2D([], [], marker="s", label="heard again", **mark),
        Line2D([], [], color=_OTHER, linewidth=0.8, label="other gap near a sensitive port"),
    ]


def _colours(p: np.ndarray) -> np.ndarray:
    from matplotlib.colors import LinearSegmentedColormap

    return np.asarray(LinearSegmentedColormap.from_list("warm", WARM)(np.nan_to_num(np.asarray(p, dtype="float64"))))


def _seen(axes: Any, tables: Mapping[str, pd.DataFrame], view: View) -> list[Any]:
    sightings, links, cases = tables["sightings"], tables["links"], tables["cases"]
    inside = sightings[view.holds(sightings["lat"].to_numpy(), sightings["lon"].to_numpy())]
    if len(inside) == 0:
        return []
    linked = links[links["p_link"].ge(0.5) & links["gap_id"].isin(cases["gap_id"])]
    ours = inside["sighting_id"].isin(linked["sighting_id"]).to_numpy()
    lon, lat = view.turn(inside["lon"].to_numpy()), inside["lat"].to_numpy()
    style: dict[str, Any] = {"marker": "^", "edgecolors": _SIGHTED, "linewidths": 0.9}
    handles = []
    for part, face, size, label in (
        (~ours, "none", 14, "other sighting"),
        (ours, _SIGHTED, 26, "sighting linked to a case"),
    ):
        if part.any():
            handles.append(axes.scatter(lon[part], lat[part], s=size, facecolors=face, zorder=6, label=label, **style))
    return handles


def _ports(axes: Any, tables: Mapping[str, pd.DataFrame], view: View, *, labels: bool) -> list[Any]:
    ports = tables["ports"]
    ports = ports[ports["sensitive"].fillna(False).astype(bool)]
    ports = ports[view.holds(ports["lat"].to_numpy(), ports["lon"].to_numpy())]
    if len(ports) == 0:
        return []
    weight = tables["cases"].groupby("port_id")["p_transfer"].sum()
    ports = ports.assign(weight=ports["port_id"].map(weight).fillna(0.0))
    ports = ports.sort_values(["weight", "port_id"], ascending=[False, True], kind="stable")
    lon, lat = view.turn(ports["lon"].to_numpy()), ports["lat"].to_numpy()
    dots = axes.scatter(
        lon, lat, marker="D", s=34 if labels else 14, c=INK, edgecolors="white", linewidths=0.8, zorder=7,
        label="sensitive port",
    )  # fmt: skip
    if labels:
        _place(axes, view, [neutralise(name) for name in ports["name"]], lon, lat)
    return [dots]


def _place(axes: Any, view: View, names: list[str], lon: np.ndarray, lat: np.ndarray) -> None:
    """Write each name at the first free place around its point; where all are taken, only the mark stays."""
    from matplotlib.patheffects import withStroke

    width, height = _WIDTH_IN * 72, _height_in(view) * 72
    x = (lon - view.west) / view.width * width
    y = (lat - view.south) / view.height * height
    taken = [(a - 5, b - 5, a + 5, b + 5) for a, b in zip(x, y, strict=True)]
    for name, a, b, at in zip(names, x, y, zip(lon, lat, strict=True), strict=True):
        half, tall = 0.5 * _text_width(name), 7.0
        for dx, dy in _OFFSETS:
            cx, cy = a + dx + (half * np.sign(dx) if abs(dx) > 1 else 0), b + dy
            box = (cx - half, cy - tall, cx + half, cy + tall)
            if box[0] > 2 and box[2] < width - 2 and box[1] > 2 and box[3] < height - 2 and _free(box, taken):
                taken.append(box)
                far = np.hypot(dx, dy) > 20
                note = axes.annotate(
                    name, at, xytext=(cx - a, cy - b), textcoords="offset points", ha="center", va="center",
                    fontsize=10, fontweight="bold", zorder=8,
                    arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.6} if far else None,
                )  # fmt: skip
                note.set_path_effects([withStroke(linewidth=3, foreground="white", alpha=0.85)])
                break


def _free(box: tuple[float, ...], taken: Sequence[tuple[float, ...]]) -> bool:
    return all(box[2] < t[0] or box[0] > t[2] or box[3] < t[1] or box[1] > t[3] for t in taken)


def _text_width(text: str) -> float:
    """Width of bold text at 10 points, rather too wide than too narrow; East Asian letters are square."""
    return 2.0 + sum(11.0 if ord(letter) > 0x2E80 else 7.2 for letter in text)


def _height_in(view: View) -> float:
    squeeze = np.cos(np.radians((view.south + view.north) / 2))
    return float(np.clip(_WIDTH_IN * view.height / (view.width * squeeze), 3.0, 11.0))


def _frame(figure: Any, axes: Any, view: View) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    tall, wide = _height_in(view), _WIDTH_IN + 0.55
    whole = tall + _FOOT_IN + 0.05
    figure.set_size_inches(wide, whole)
    axes.set_position((0.5 / wide, _FOOT_IN / whole, _WIDTH_IN / wide, tall / whole))
    _colour_scale(figure.add_axes((0.79, 0.36 / whole, 0.19, 0.13 / whole)))
    axes.set(xlim=(view.west, view.east), ylim=(view.south, view.north))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _degrees((x + 180.0) % 360.0 - 180.0, "E", "W")))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _degrees(y, "N", "S")))
    axes.tick_params(labelsize=8.5, length=3, color=QUIET)


def _colour_scale(axes: Any) -> None:
    steps = np.linspace(0.0, 1.0, 26)
    axes.bar(steps[:-1], 1.0, width=np.diff(steps) * 1.02, align="edge", color=_colours((steps[1:] + steps[:-1]) / 2))
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=[], xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"])
    axes.tick_params(labelsize=8.5, length=2)
    axes.spines[:].set_visible(False)
    axes.set_title("probability of a call", fontsize=9, pad=3)


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.4g}°{positive if value > 0 else negative if value < 0 else ''}"


def _scale_bar(axes: Any, view: View) -> None:
    """A bar of a round number of nautical miles, true at the latitude where it stands."""
    lat, lon = view.south + 0.05 * view.height, view.west + 0.04 * view.width
    across = float(
        great_circle_nm(np.array(lat), np.array(lon), np.array(lat), np.array(lon + 0.2 * min(view.width, 170.0)))
    )
    steps = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000])
    length = int(steps[max(int(np.searchsorted(steps, across, side="right")) - 1, 0)])
    _, end = destination(np.array(lat), np.array(lon), np.array(90.0), np.array(float(length)))
    east = lon + float((end - lon) % 360.0)
    axes.plot([lon, east], [lat, lat], color=INK, linewidth=2.5, solid_capstyle="butt", zorder=9, gid="scale-bar")
    axes.text(
        (lon + east) / 2, lat + 0.012 * view.height, f"{length} nm", ha="center", fontsize=9, zorder=9, gid="scale-text"
    )
