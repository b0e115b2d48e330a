"""Real raw AIS logs, against pyais in a plain loop over lines, and against what gpsd and libais made of them.

The loop knows nothing of the reader: it cuts lines with a regular expression, takes each log's times in the one way
that this log has, and joins the sentences of a message that follow each other.
"""

import datetime as dt
import gzip
import itertools
import json
import math
import re
from collections import Counter
from functools import reduce
from operator import xor

import pandas as pd
import pyais
import pytest

from darkvoyage.errors import DialectError
from darkvoyage.io.fixes import read_fixes

pytestmark = pytest.mark.real

SENTENCE = re.compile(rb"!([\w-]{2}VD[MO],(\d),(\d),(\d?),(\w?),([0-W`-w]*),[0-5])\*([0-9A-F]{2})")
POSITIONS = {1, 2, 3, 4, 9, 11, 18, 19, 21, 27}
STATIC = {5, 24}
# Bits up to the last field that is delivered; a shorter payload is cut (ITU-R M.1371-5, annex 8).
LEAST = {1: 137, 2: 137, 3: 137, 4: 134, 5: 422, 9: 128, 11: 134, 18: 133, 19: 301, 21: 249, 24: 160, 27: 94}

GATEHOUSE = re.compile(rb"\$PGHP,1,(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),")


def gatehouse_time(before, line, after):
    """Time of the `$PGHP` line above, of two lines that may be between."""
    if found := re.search(rb",(\d{10})\s*$", after):
        return dt.datetime.fromtimestamp(int(found[1]), dt.UTC)
    found = GATEHOUSE.match(before)
    *moment, milli = map(int, found.groups()) if found else (None,) * 7
    return dt.datetime(*moment, milli * 1000, tzinfo=dt.UTC) if found else None


def tag_time(before, line, after):
    found = re.search(rb"[\\,]c:(\d+)", line)
    return dt.datetime.fromtimestamp(int(found[1]), dt.UTC) if found else None


def epoch_before(before, line, after):
    seconds, fraction = line.split(b" ")[0].split(b".")
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC) + dt.timedelta(milliseconds=int(fraction))


def epoch_after(before, line, after):
    return dt.datetime.fromtimestamp(int(after.split(b",")[-1]), dt.UTC)


# How a log tells the time; sentences and MMSI in it, as its own README counts them (the latter in single sentences).
LOGS = {
    "dma_denmark_2013_11_12.txt.gz": (gatehouse_time, 26_146, 1508),
    "dma_212123000_drift_2014.ais.gz": (gatehouse_time, 3692, 1),
    "dma_219165000_speed_change_2014.ais": (gatehouse_time, 89, 1),
    "dma_stream_2010_06_11.txt.gz": (gatehouse_time, 4482, 1653),
    "sf_bay_2016_01_10_epoch_prefix.ais.gz": (epoch_before, 10_000, 354),
    "uscg_2006_07_15_station_epoch_suffix.ais": (epoch_after, 985, 674),
    "exactearth_20211101.nm4": (tag_time, 997, 838),
    "libais_test.aivdm": (epoch_after, 263, None),
}


@pytest.fixture
def folder(real_data):
    return real_data / "ais_nmea"


def content(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def plain_loop(path, time_of):
    """Return positions as pyais reads them, why other messages are none, and counts of sentences and MMSI."""
    rows, reasons, heard, sentences, open_part, before = [], Counter(), set(), 0, None, b""
    for line in content(path).split(b"\n"):
        found = None if line.startswith(b"#") else SENTENCE.search(line)
        if found is None:
            before = line if line.startswith(b"$") else before
            continue
        assert reduce(xor, found[1]) == int(found[7], 16)
        sentences += not line.startswith(b"!--")  # a talker without a name
        total, number = int(found[2]), int(found[3])
        if number == 1:
            reasons["incomplete_message"] += open_part is not None
            parts, time = [found[0]], time_of(before, line, line[found.end() :].rstrip())
            open_part = (total, found[4], found[5], parts, time) if total > 1 else None
        else:
            if open_part is None or open_part[:3] != (total, found[4], found[5]) or len(open_part[3]) != number - 1:
                reasons["incomplete_message"] += 1 + (open_part is not None)
                open_part = None
                before = b""
                continue
            *_, parts, time = open_part
            parts.append(found[0])
            open_part = None if number == total else open_part
        before = b""
        if open_part is None:
            reason = collect(parts, time, rows, heard)
            if reason:
                reasons[reason] += 1
    reasons["incomplete_message"] += open_part is not None
    return rows, +reasons, sentences, heard


def collect(parts, time, rows, heard):
    payloads = [part.split(b",")[5] for part in parts]
    bits = 6 * len(b"".join(payloads)) - int(parts[-1].split(b",")[6][:1])
    kind = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw".find(payloads[0][:1].decode())
    if not 1 <= kind <= 27 or bits < LEAST.get(kind, 38):
        return "bad_payload"
    if kind not in POSITIONS | STATIC:
        heard.update({pyais.decode(*parts).mmsi} if len(parts) == 1 and not parts[0].startswith(b"!--") else ())
        return "other_message"
    message = pyais.decode(*parts)
    heard.update({message.mmsi} if len(parts) == 1 else ())
    if kind in STATIC:
        return "static_report"
    rows.append((message, time))
    return None


def known(value, *missing):
    return None if value is None or any(math.isclose(value, gone) for gone in missing) else float(value)


def expected(message, time):
    lat, lon = known(message.lat, 91.0), known(message.lon, 181.0)
    sog = getattr(message, "speed", None)
    sog = None if message.msg_type == 27 and sog == 63 else sog
    cog, heading = getattr(message, "course", None), getattr(message, "heading", None)
    position = (None, None) if None in (lat, lon) else (lat, lon)
    return (
        (message.mmsi, pd.Timestamp(time), message.msg_type),
        *position,
        None if sog is None or sog > 102.25 else float(sog),
        None if cog is None or cog >= 360 else float(cog),
        known(heading, 511),
        known(getattr(message, "status", None)),
    )


def delivered(fixes):
    keys = zip(fixes["mmsi"].tolist(), fixes["timestamp"], fixes["message_type"].tolist(), strict=True)
    fields = ("lat", "lon", "sog", "cog", "heading", "nav_status")
    values = ([None if pd.isna(value) else float(value) for value in fixes[name]] for name in fields)
    return Counter(zip(keys, *values, strict=True))


@pytest.mark.parametrize("name", LOGS)
def test_log_as_pyais_reads_it(folder, name):
    time_of, sentences, ships = LOGS[name]
    rows, reasons, counted, heard = plain_loop(folder / name, time_of)
    assert counted == sentences
    assert ships is None or len(heard) == ships
    fixes = read_fixes(folder / name)
    report = fixes.attrs["read_report"]
    assert report["dialect"] == "nmea"
    assert report["rows_in"] == report["rows_out"] + sum(report["reasons"].values())
    assert delivered(fixes) == Counter(expected(*row) for row in rows)
    assert report["reasons"] == dict(reasons)


@pytest.mark.parametrize("ending", [".gz", ".zip"])
def test_packed_logs_are_the_same(folder, ending):
    plain = read_fixes(folder / "exactearth_20211101.nm4")
    packed = read_fixes(folder / f"exactearth_20211101.nm4{ending}")
    pd.testing.assert_frame_equal(plain, packed)
    told, also = (table.attrs["read_report"] for table in (plain, packed))
    assert (told["reasons"], told["repairs"]) == (also["reasons"], also["repairs"])


def test_times_and_stations(folder):
    fixes = read_fixes(folder / "uscg_2006_07_15_station_epoch_suffix.ais")
    assert fixes["timestamp"].min() == pd.Timestamp("2006-07-15 00:01:33", tz="UTC")
    assert {"r003669987", "rB0003160049", "rDETROIT001"} <= set(fixes["station"])
    fixes = read_fixes(folder / "dma_denmark_2013_11_12.txt.gz")
    assert fixes["timestamp"].min() == pd.Timestamp("2013-11-12 12:00:00.011", tz="UTC")
    assert {"2190067", "992190923"} <= set(fixes["station"].dropna())


def dated(path, folder):
    """A copy in which every AIS sentence has a time: a second more from each line to the next."""
    copy = folder / path.name
    lines = path.read_bytes().split(b"\n")
    copy.write_bytes(
        b"\n".join(
            b"%d %s" % (1_400_000_000 + place, line) if line.startswith(b"!") else line
            for place, line in enumerate(lines)
        )
    )
    return copy


def test_gpsd(folder, tmp_path):
    """Positions and particulars equal gpsd's own decoding, field by field."""
    lines = gzip.decompress((folder / "gpsd_ais-nmea.log.chk.gz").read_bytes()).decode().split("\n")
    reports = [
        json.loads(after)
        for line, after in itertools.pairwise(lines)
        if line.startswith("!") and after.startswith('{"class":"AIS"')
    ]
    fixes = read_fixes(dated(folder / "gpsd_ais-nmea.log", tmp_path)).sort_values("timestamp")
    positions = [report for report in reports if report["type"] in (1, 3, 18)]
    assert len(fixes) == len(positions) == 116 + 21 + 7
    for fix, told in zip(fixes.to_dict("records"), positions, strict=True):
        assert (fix["message_type"], fix["mmsi"]) == (told["type"], told["mmsi"])
        for ours, theirs, unit, missing in (
            ("lat", "lat", 600_000, 91 * 600_000),
            ("lon", "lon", 600_000, 181 * 600_000),
            ("sog", "speed", 10, 1023),
            ("cog", "course", 10, 3600),
            ("heading", "heading", 1, 511),
            ("nav_status", "status", 1, None),
        ):
            if told.get(theirs) in (None, missing):
                assert pd.isna(fix[ours])
            else:
                assert fix[ours] == pytest.approx(told[theirs] / unit, abs=5.1e-7)
    last = {}
    for told in reports:
        if told["type"] in (5, 24):
            last.setdefault(told["mmsi"], {}).update(told)
    heard = fixes.groupby("mmsi").last()
    checked = 0
    for mmsi, told in last.items():
        if mmsi in heard.index and fixes.loc[fixes["mmsi"] == mmsi, "name"].notna().any():
            fix = heard.loc[mmsi]
            assert (fix["name"], fix["callsign"], fix["ship_type"]) == (
                told["shipname"], told["callsign"], told["shiptype"],
            )  # fmt: skip
            assert fix["length_m"] == told["to_bow"] + told["to_stern"]
            assert fix["beam_m"] == told["to_port"] + told["to_starboard"]
            if told["type"] == 5:
                assert fix["destination"] == told["destination"]
                assert fix["draught_m"] == pytest.approx(told["draught"] / 10)
            checked += 1
    assert checked >= 5


def test_gpsd_class_b_and_long_range(folder, tmp_path):
    fixes = read_fixes(dated(folder / "gpsd_ais-18-27.log", tmp_path))
    assert fixes["message_type"].value_counts().to_dict() == {18: 69, 27: 69}
    assert fixes.attrs["read_report"]["reasons"] == {"static_report": 138}
    near, far = (fixes[fixes["message_type"] == kind].groupby("mmsi")[["lat", "lon"]].median() for kind in (18, 27))
    assert len(near.index.intersection(far.index)) > 30
    # The two of a ship follow each other; message 27 knows tenths of a minute.
    assert (near - far).abs().median().max() < 0.1 / 60


def test_libais(folder):
    told = [json.loads(line) for line in (folder / "libais_tagblock_decoded.json").read_text().splitlines()]
    positions = sorted((report for report in told if report["type"] == 1), key=lambda report: report["timestamp"])
    fixes = read_fixes(folder / "libais_tagblock.nmea").sort_values("timestamp")
    assert fixes["timestamp"].tolist() == [pd.Timestamp(report["timestamp"]) for report in positions]
    assert fixes["station"].tolist() == [report["tagblock_station"] for report in positions]
    for ours, theirs in (("lat", "lat"), ("lon", "lon"), ("sog", "speed"), ("cog", "course"), ("heading", "heading")):
        # libais gives 32-bit floats, whose step at 162 degrees is 1.53e-5.
        assert fixes[ours].tolist() == pytest.approx([report[theirs] for report in positions], abs=1.53e-5)
    assert fixes["nav_status"].tolist() == [report["status"] for report in positions]
    assert fixes["mmsi"].tolist() == [report["mmsi"] for report in positions]
    assert fixes.attrs["read_report"]["reasons"] == {"static_report": 1}


FAULTS = {
    "gfw_errors.nmea": (5, 3, {"bad_checksum": 2}),
    "gfw_bad-type5.nmea": (6, 0, {"broken_line": 3, "bad_payload": 1, "static_report": 2}),
    "gfw_bad-tagblock-group.nmea": (1, 1, {}),
    "gfw_ee-multiline.nmea": (8, 6, {"static_report": 2}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(folder, name):
    report = read_fixes(folder / name).attrs["read_report"]
    assert (report["rows_in"], report["rows_out"], report["reasons"]) == FAULTS[name]
    assert all(example["text"] for examples in report["examples"].values() for example in examples)


def test_a_group_of_several_sentences(folder, tmp_path):
    report = read_fixes(dated(folder / "gfw_multi-part.nmea", tmp_path)).attrs["read_report"]
    assert report["rows_in"] == 43  # of 50 first and 43 last halves
    assert sum(report["reasons"].values()) == 43 - report["rows_out"]


@pytest.mark.parametrize(
    "name", ["gpsd_ais-nmea.log", "gpsd_ais-18-27.log", "pyais_nmea_data_sample.txt", "gfw_multi-part.nmea"]
)
def test_logs_without_time_are_refused(folder, name):
    with pytest.raises(DialectError, match="no message of this raw AIS log has a time"):
        read_fixes(folder / name)
