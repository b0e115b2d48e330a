"""Plain-loop twins of the fast code: Python scalars and the words of the contract, nothing shared with the package.

Rows are dicts; times are whole microseconds; a missing value is None.
"""

import bisect
import math

US_PER_H = 3_600_000_000
MEAN_RADIUS_NM = 6371.0088 / 1.852


def great_circle_nm(lat1, lon1, lat2, lon2):
    """Angle between two unit vectors times the mean radius (atan2 form: good for near and antipodal points)."""
    a, b = _unit(lat1, lon1), _unit(lat2, lon2)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return MEAN_RADIUS_NM * math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


def bearing(lat1, lon1, lat2, lon2):
    """Direction of point 2 in the east-north plane of point 1 [deg]."""
    lat, lon = math.radians(lat1), math.radians(lon1)
    east = (-math.sin(lon), math.cos(lon), 0.0)
    north = (-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat))
    aim = _unit(lat2, lon2)
    x, y = (sum(p * q for p, q in zip(axis, aim, strict=True)) for axis in (east, north))
    return math.degrees(math.atan2(x, y)) % 360.0


def destination(lat, lon, bearing_deg, distance_nm):
    """Rotate the unit vector of a point by an arc towards a bearing."""
    phi, lam, course = math.radians(lat), math.radians(lon), math.radians(bearing_deg)
    east = (-math.sin(lam), math.cos(lam), 0.0)
    north = (-math.sin(phi) * math.cos(lam), -math.sin(phi) * math.sin(lam), math.cos(phi))
    arc = distance_nm / MEAN_RADIUS_NM
    x, y, z = (
        math.cos(arc) * p + math.sin(arc) * (math.sin(course) * e + math.cos(course) * n)
        for p, e, n in zip(_unit(lat, lon), east, north, strict=True)
    )
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _unit(lat, lon):
    lat, lon = math.radians(lat), math.radians(lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def distances_nm(points, places):
    """Distance of every point to every place, point by point; infinite where a point has no position."""
    known = [abs(lat) <= 90 and math.isfinite(lon) for lat, lon in points]
    return [
        [great_circle_nm(*point, *place) if has else math.inf for place in places]
        for point, has in zip(points, known, strict=True)
    ]


def group_starts(key):
    return [i for i in range(len(key)) if i == 0 or key[i] != key[i - 1]]


def expand(first, count):
    pairs = [(i, first[i] + step) for i in range(len(first)) for step in range(count[i])]
    return [i for i, _ in pairs], [index for _, index in pairs]


def search_groups(group, value, query_group, query_value, side):
    find = bisect.bisect_left if side == "left" else bisect.bisect_right
    out = []
    for wanted, sought in zip(query_group, query_value, strict=True):
        begin = bisect.bisect_left(group, wanted)
        end = bisect.bisect_right(group, wanted)
        out.append(begin + find(value[begin:end], sought))
    return out


def is_equipment(mmsi):
    """ITU-R M.585-9: only nine digits beginning with 2..7 are ships; malformed numbers outside the kinds are left."""
    text = str(mmsi)
    if mmsi < 0 or mmsi in (0, 1, 123456789) or (len(text) == 9 and len(set(text)) == 1):
        return True
    if len(text) in (6, 7, 8):
        return True  # 0xx and 00x numbers lose their zeros as integers
    if len(text) == 9:
        return text.startswith(("8", "97", "98", "99", "111"))
    return len(text) > 9


def single_row_flag(row):
    """Flag that a fix earns by itself; None where its company decides."""
    if row["timestamp"] < 788_918_400_000_000:  # 1995-01-01
        return "time"
    if is_equipment(row["mmsi"]):
        return "equipment"
    lat, lon = row["lat"], row["lon"]
    if lat is None or lon is None:
        return "no_position"
    if abs(lat) > 90 or abs(lon) > 180:
        return "out_of_range"
    return None


def gaps(rows, *, min_gap_h, lookback_h=12.0, as_of=None):
    """Gaps of cleaned rows, sorted by (mmsi, start); one dict per gap."""
    tracks = {}
    for row in rows:
        on_air = row["track_id"] is not None and row["flag"] in (None, "no_position", "out_of_range")
        if on_air and (as_of is None or row["timestamp"] <= as_of):
            tracks.setdefault((row["mmsi"], row["track_id"]), []).append(row)
    out = []
    for heard in tracks.values():
        out += _track_gaps(_one_per_time(heard), round(min_gap_h * US_PER_H), round(lookback_h * US_PER_H), as_of)
    return sorted(out, key=lambda gap: (gap["mmsi"], gap["gap_start"], gap["track_id"]))


def _one_per_time(heard):
    best = {}
    for row in heard:
        row = dict(row)
        placed = row["flag"] is None and None not in (row["lat"], row["lon"])
        if not (placed and abs(row["lat"]) <= 90 and abs(row["lon"]) <= 180):
            row["lat"] = row["lon"] = None
        kept = best.get(row["timestamp"])
        if kept is None or (kept["lat"] is None and row["lat"] is not None):
            best[row["timestamp"]] = row
    return [best[time] for time in sorted(best)]


def _track_gaps(heard, threshold, lookback, as_of):
    found = []
    for index, row in enumerate(heard):
        if index + 1 < len(heard):
            if heard[index + 1]["timestamp"] - row["timestamp"] > threshold:
                found.append((index, index + 1))
        elif as_of is not None and as_of - row["timestamp"] > threshold:
            found.append((index, None))
    return [_gap(heard, found, number, lookback, as_of) for number in range(len(found))]


def _gap(heard, found, number, lookback, as_of):
    off, on = found[number]
    start = heard[off]["timestamp"]
    end = None if on is None else heard[on]["timestamp"]
    before = [row for row in heard if start - lookback <= row["timestamp"] <= start]
    after = [] if on is None else [row for row in heard if end <= row["timestamp"] <= end + lookback]
    gap = {
        "mmsi": heard[off]["mmsi"],
        "track_id": heard[off]["track_id"],
        "gap_start": start,
        "gap_end": end,
        "is_closed": on is not None,
        "duration_h": ((as_of if on is None else end) - start) / US_PER_H,
        "distance_nm": None,
        "fixes_before_12h": len(before),
        "fixes_after_12h": len(after),
    }
    for short, kind in (("ter", "terrestrial"), ("sat", "satellite"), ("dyn", "dynamic")):
        gap[f"fixes_before_12h_{short}"] = sum(row.get("receiver") == kind for row in before)
    for name in ("lat", "lon", "sog", "cog"):
        gap[f"start_{name}"] = heard[off].get(name)
        gap[f"end_{name}"] = None if on is None else heard[on].get(name)
    if on is not None and None not in (gap["start_lat"], gap["end_lat"]):
        ends = (gap[f"{side}_{name}"] for side in ("start", "end") for name in ("lat", "lon"))
        gap["distance_nm"] = great_circle_nm(*ends)
    next_start = heard[found[number + 1][0]]["timestamp"] if number + 1 < len(found) else math.inf
    until = -math.inf if on is None else min(end + 24 * US_PER_H, next_start)
    for name in ("draught_m", "destination"):
        _reported(gap, heard, name, start, end, until)
    return gap


def _reported(gap, heard, name, start, end, until):
    """Last value received at or before the start, known by then; first received from the end on, heard by `until`."""
    stamp = name.removesuffix("_m") + "_timestamp"
    last, first = None, None
    for row in heard:
        if row.get(name) is None:
            continue
        received = row["timestamp"] if row.get(stamp) is None else min(row[stamp], row["timestamp"])
        if row["timestamp"] <= start and (last is None or received >= last[0]):
            last = (received, row[name])
        if end is not None and first is None and received >= end and row["timestamp"] <= until:
            first = (received, row[name])
    gap[f"start_{name}"] = last and last[1]
    gap[f"end_{name}"] = first and first[1]
    if name == "draught_m":
        gap["start_draught_age_h"] = last and (start - last[0]) / US_PER_H
        gap["end_draught_age_h"] = first and (first[0] - end) / US_PER_H


def port_visits(
    rows, places, *, as_of=None, min_radius_nm=3 / 1.852, exit_ratio=4 / 3, stop_kn=0.2, margin_kn=0.3, gap_h=4.0
):
    """Visits of cleaned rows, one state machine per track; places are (port_id, lat, lon, radius_nm), sorted."""
    tracks = {}
    for row in rows:
        placed = None not in (row["lat"], row["lon"], row["track_id"]) and row["flag"] is None
        if placed and (as_of is None or row["timestamp"] <= as_of):
            tracks.setdefault((row["mmsi"], row["track_id"]), []).append(row)
    circles = [(name, lat, lon, max(radius, min_radius_nm)) for name, lat, lon, radius in places]
    visits = []
    for heard in tracks.values():
        visit = None
        for index, row in enumerate(heard):
            far = [
                (great_circle_nm(row["lat"], row["lon"], lat, lon), name, reach) for name, lat, lon, reach in circles
            ]
            if any(distance <= reach for distance, _, reach in far):
                visit = visit or {"first": index, "fixes": [], "stopped": False}
            elif not any(distance < reach * exit_ratio for distance, _, reach in far):
                if visit:
                    visits.append(_visit(heard, visit, gap_h, exit_at=row["timestamp"]))
                visit = None
            if visit:
                speed = row.get("sog")
                if speed is None and index and row["timestamp"] > heard[index - 1]["timestamp"]:
                    old = heard[index - 1]
                    nm = great_circle_nm(old["lat"], old["lon"], row["lat"], row["lon"])
                    speed = nm / ((row["timestamp"] - old["timestamp"]) / US_PER_H)
                if speed is not None and speed <= stop_kn:
                    visit["stopped"] = True
                if speed is not None and speed >= stop_kn + margin_kn:
                    visit["stopped"] = False
                until = heard[index + 1]["timestamp"] if index + 1 < len(heard) else (as_of or row["timestamp"])
                nearest = min((d, n) for d, n, reach in far if d <= reach * exit_ratio)
                visit["fixes"].append((nearest, until - row["timestamp"], visit["stopped"]))
        if visit:
            visits.append(_visit(heard, visit, gap_h, exit_at=None))
    found = [visit for visit in visits if visit["confidence"]]
    return sorted(found, key=lambda visit: (visit["mmsi"], visit["arrive"], visit["port_id"]))


def _visit(heard, visit, gap_h, *, exit_at):
    ports = {}
    for (nm, name), wait, stopped in visit["fixes"]:
        stop, total, least = ports.get(name, (0, 0, math.inf))
        ports[name] = (stop + wait * stopped, total + wait, min(least, nm))
    gap = sum(wait for _, wait, _ in visit["fixes"] if wait >= gap_h * US_PER_H)
    called = gap > 0 or any(stopped for _, _, stopped in visit["fixes"])
    ends = (visit["first"] > 0) + (exit_at is not None)
    return {
        "mmsi": heard[0]["mmsi"],
        "track_id": heard[0]["track_id"],
        "port_id": min(ports, key=lambda name: (-ports[name][0], -ports[name][1], ports[name][2], name)),
        "arrive": heard[visit["first"]]["timestamp"],
        "depart": exit_at,
        "stop_h": sum(stop for stop, _, _ in ports.values()) / US_PER_H,
        "gap_h": gap / US_PER_H,
        "confidence": 2 + ends if called else min(ends, 1),
    }
