"""Raw AIS logs: messages with published values, every way of telling the time, and everything that may be broken."""

import datetime as dt
import io
import types

import numpy as np
import pandas as pd
import pyais
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.errors import DialectError
from darkvoyage.io import delimited, fragments
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.nmea import COLUMNS, read_nmea
from darkvoyage.io.read_report import ReadReport
from darkvoyage.io.stream import FixStream
from tests import nmea

T0 = 1_400_000_000  # 2014-05-13 16:53:20 UTC
POSITION = nmea.position(244660492, lat=31_704_713, lon=3_424_308, sog=101, cog=2700, heading=271, status=5)


def parts_of(content):
    """Blocks of a log as lists of dicts, each with the place that `describe` gives, and the report."""
    content = content if isinstance(content, bytes) else content.encode()
    member = types.SimpleNamespace(label="log", stream=io.BytesIO(content), extent="")
    report = ReadReport()
    blocks = read_nmea(member, report, lambda names: types.SimpleNamespace(columns=names))
    rows = []
    for block in blocks:
        assert tuple(block.table.column_names) == COLUMNS
        rows += [{**row, "at": block.describe(place)} for place, row in enumerate(block.table.to_pylist())]
    assert report.rows_in == len(rows) + sum(report.reasons.values())
    return rows, report


def read(*lines):
    return parts_of("\n".join(lines) + "\n")


def dated(*sentences, start=T0):
    """Sentences one second apart, each with its epoch before it."""
    return [f"{start + place} {sentence}" for place, sentence in enumerate(sentences)]


def micros(row):
    return round(row["timestamp"].timestamp() * 1e6)


# Examples in use since the first descriptions of the protocol (E. S. Raymond, AIVDM/AIVDO protocol decoding; the test
# sets of gpsd and pyais), with the values published beside them.
PUBLISHED = {
    "class_a": (
        ["!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C"],
        {"message_type": 1, "mmsi": 477553000, "nav_status": 5, "sog": 0.0, "lon": -122.345833, "lat": 47.582833}
        | {"cog": 51.0, "heading": 181},
    ),
    "base_station": (
        ["!AIVDM,1,1,,A,403OviQuMGCqWrRO9>E6fE700@GO,0*4D"],
        {"message_type": 4, "mmsi": 3669702, "lon": -76.352362, "lat": 36.883767, "sog": None},
    ),
    "voyage": (
        [
            "!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C",
            "!AIVDM,2,2,1,A,88888888880,2*25",
        ],
        {"message_type": 5, "mmsi": 351759000, "imo": 9134270, "callsign": "3FOF8", "name": "EVER DIADEM"}
        | {"ship_type": 70, "length": 225 + 70, "beam": 1 + 31, "draught": 12.2, "destination": "NEW YORK"},
    ),
    "aircraft": (
        ["!AIVDM,1,1,,B,91b55wi;hbOS@OdQAC062Ch2089h,0*30"],
        {"message_type": 9, "mmsi": 111232511, "sog": 42, "lon": -6.278843, "lat": 58.144, "cog": 154.5},
    ),
    "class_b": (
        ["!AIVDM,1,1,,A,B5NJ;PP005l4ot5Isbl03wsUkP06,0*76"],
        {"message_type": 18, "mmsi": 367430530, "sog": 0.0, "lon": -122.26732, "lat": 37.785035, "heading": 511},
    ),
    "class_b_extended": (
        [
            "!AIVDM,2,1,9,B,C43NbT0008VGWDVHNs0000N10PHb`NL00000,0*6D",
            "!AIVDM,2,2,9,B,00000000N0`90RPP,0*59",
        ],
        {"message_type": 19, "mmsi": 272083600, "name": "PLUTON", "ship_type": 60, "lon": 33.527322, "lat": 44.617253},
    ),
    "aid": (
        [
            "!AIVDM,2,1,5,B,E1mg=5J1T4W0h97aRh6ba84<h2d;W:Te=eLvH50```q,0*46",
            "!AIVDM,2,2,5,B,:D44QDlp0C1DU00,2*36",
        ],
        {"message_type": 21, "mmsi": 123456789, "name": "CHINA ROSE MURPHY EXPRESS ALERT", "lat": 47.920618},
    ),
    "class_b_name": (
        ["!AIVDM,1,1,,A,H42O55i18tMET00000000000000,2*6D"],
        {"message_type": 24, "mmsi": 271041815, "name": "PROGUY", "callsign": None},
    ),
    "class_b_static": (
        ["!AIVDM,1,1,,B,H42O55lt0000000D3nink000?050,0*43"],
        {"message_type": 24, "mmsi": 271041815, "callsign": "TC6163", "ship_type": 60, "length": 15, "beam": 5},
    ),
    "long_range": (
        ["!AIVDM,1,1,,B,KC5E2b@U19PFdLbMuc5=ROv62<7m,0*16"],
        {"message_type": 27, "mmsi": 206914217, "nav_status": 2, "sog": 57, "cog": 167, "lon": 137.023333, "lat": 4.84},
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values(name):
    sentences, expected = PUBLISHED[name]
    (row,), _ = read(*dated(*sentences))
    assert {key: row[key] for key in expected} == expected


def test_what_is_delivered(tmp_path):
    path = tmp_path / "station.nmea"
    every = [sentence for sentences, _ in PUBLISHED.values() for sentence in sentences]
    management = nmea.sentence(nmea.armoured(nmea.bits_from((20, 6), (0, 2), (2_320_001, 30), (0, 34)))[0])
    path.write_text("\n".join(dated(*every, management)))
    fixes = read_fixes(path).sort_values("timestamp")
    report = fixes.attrs["read_report"]
    assert report["dialect"] == "nmea"
    assert report["reasons"] == {"other_message": 1, "static_report": 3}
    assert fixes["mmsi"].tolist() == [477553000, 3669702, 111232511, 367430530, 272083600, 123456789, 206914217]
    assert fixes["ais_class"].astype(object).where(fixes["ais_class"].notna(), None).tolist() == [
        "A", None, None, "B", "B", None, None,
    ]  # fmt: skip
    assert fixes["heading"].isna().tolist() == [False, True, True, True, False, True, True]
    assert fixes["name"].dropna().tolist() == ["PLUTON", "CHINA ROSE MURPHY EXPRESS ALERT"]


def test_particulars_reach_the_positions_after_them(tmp_path):
    path = tmp_path / "log.ais"
    path.write_text("\n".join(dated(POSITION, *nmea.static(), POSITION)))
    before, after = read_fixes(path).to_dict("records")
    assert pd.isna(before["imo"])
    assert (after["imo"], after["name"], after["ship_type"], after["destination"]) == (
        9134270, "EXAMPLE", 80, "ROTTERDAM",
    )  # fmt: skip
    assert (after["length_m"], after["beam_m"], after["draught_m"]) == (295.0, 32.0, 12.2)
    assert after["draught_timestamp"] == pd.Timestamp(T0 + 1, unit="s", tz="UTC")


def test_particulars_over_pieces(tmp_path, monkeypatch):
    path = tmp_path / "log.nmea"
    path.write_text("\n".join(dated(*nmea.static(ship_type=0), *[POSITION] * 4)))
    monkeypatch.setattr(delimited, "_BLOCK", 100)
    parts = list(FixStream(path, progress=False))
    assert len(parts) > 2
    fixes = pa.concat_tables(parts, promote_options="default").to_pandas()
    assert fixes["name"].tolist() == ["EXAMPLE"] * 4
    assert fixes["ship_type"].isna().all()


def test_not_available(tmp_path):
    path = tmp_path / "log.aivdm"
    nothing = nmea.position(1, lat=91 * 600_000, lon=181 * 600_000, sog=1023, cog=3600, heading=511)
    fill = nmea.bits_from((27, 6), (0, 2), (2, 30), (0, 6), (181 * 600, 18), (91 * 600, 17), (63, 6), (511, 9), (0, 2))
    path.write_text("\n".join(dated(nothing, nmea.sentence(nmea.armoured(fill)[0]))))
    fixes = read_fixes(path)
    assert fixes[["lat", "lon", "sog", "cog", "heading"]].isna().all(axis=None)
    assert fixes.attrs["read_report"]["repairs"]["sog_not_available"] == 2


POSITIONS = st.fixed_dictionaries(
    {
        "mmsi": st.integers(0, 999_999_999),
        "kind": st.sampled_from([1, 2, 3]),
        "lat": st.integers(-90 * 600_000, 91 * 600_000),
        "lon": st.integers(-180 * 600_000, 181 * 600_000),
        "sog": st.integers(0, 1023),
        "cog": st.integers(0, 4095),
        "heading": st.integers(0, 511),
        "status": st.integers(0, 15),
    }
)


@given(st.lists(POSITIONS, min_size=1, max_size=4))
def test_positions_come_out_as_they_went_in(positions):
    rows, _ = read(*dated(*(nmea.position(**position) for position in positions)))
    for row, sent in zip(rows, positions, strict=True):
        assert (row["message_type"], row["mmsi"], row["nav_status"]) == (sent["kind"], sent["mmsi"], sent["status"])
        assert (row["lat"], row["lon"]) == (round(sent["lat"] / 600_000, 6), round(sent["lon"] / 600_000, 6))
        assert (row["sog"], row["cog"], row["heading"]) == (sent["sog"] / 10, sent["cog"] / 10, sent["heading"])


NAMES = st.text([letter for letter in nmea.LETTERS if letter != "@"], max_size=20)


@given(NAMES, NAMES, st.integers(0, 255), st.integers(0, 2**30 - 1))
def test_particulars_come_out_as_they_went_in(name, destination, ship_type, imo):
    (row,), _ = read(*dated(*nmea.static(name=name, destination=destination, ship_type=ship_type, imo=imo)))
    assert (row["ship_type"], row["imo"]) == (ship_type, imo)
    assert (row["name"], row["destination"]) == (name.strip() or None, destination.strip() or None)


# Every message that goes a fast way, beside pyais: the whole range of bits.
SIZES = {1: 168, 2: 168, 3: 168, 4: 168, 5: 424, 9: 168, 11: 168, 18: 168, 24: 168, 27: 96}
THEIRS = {
    "lat": "lat", "lon": "lon", "sog": "speed", "cog": "course", "heading": "heading", "nav_status": "status",
    "imo": "imo", "draught": "draught",
}  # fmt: skip


@given(st.sampled_from(sorted(SIZES)), st.integers(0, 2**424 - 1), st.integers(0, 1))
def test_any_bits_as_pyais_reads_them(kind, noise, part):
    bits = nmea.bits_from((kind, 6)) + format(noise, "0424b")[: SIZES[kind] - 6]
    if kind == 24:
        bits = bits[:38] + format(part, "02b") + bits[40:]
    payload, fill = nmea.armoured(bits)
    sentence = nmea.sentence(payload, fill=fill)
    theirs = pyais.decode(sentence)
    (row,), _ = read(*dated(sentence))
    assert (row["message_type"], row["mmsi"]) == (theirs.msg_type, theirs.mmsi)
    for ours, name in THEIRS.items():
        value = getattr(theirs, name, None)
        if not (kind == 27 and ours == "sog" and value == 63):
            assert row[ours] == value
    for ours, name in (("name", "shipname"), ("callsign", "callsign"), ("destination", "destination")):
        text = getattr(theirs, name, None)
        assert row[ours] == ((text or "").partition("@")[0].strip() or None)


TIMES = {
    "tag_seconds": ([nmea.tag(f"s:r17,c:{T0}") + POSITION], T0 * 10**6, "r17"),
    "tag_milliseconds": ([nmea.tag(f"c:{T0}123,s:r17") + POSITION], T0 * 10**6 + 123_000, "r17"),
    "tag_fraction": ([nmea.tag(f"c:{T0}.25") + POSITION], T0 * 10**6 + 250_000, None),
    "tag_group": ([nmea.tag(f"g:1-1-77,s:r17,c:{T0}") + POSITION], T0 * 10**6, "r17"),
    "tag_with_text": ([nmea.tag(f"s:r17,q:u,c:{T0},T:2014-12-10 00.41.53,i:<S>c:1</S>") + POSITION], T0 * 10**6, "r17"),
    "before": ([f"{T0}.938 {POSITION}"], T0 * 10**6 + 938_000, None),
    "before_with_tab": ([f"{T0}\t{POSITION}"], T0 * 10**6, None),
    "after": ([f"{POSITION},{T0}"], T0 * 10**6, None),
    "after_station": ([f"{POSITION},r003669987,{T0}"], T0 * 10**6, "r003669987"),
    "after_details": ([f"{POSITION},x259906,s28320,d-098,T33.71033565,rSTATION1,{T0}"], T0 * 10**6, "rSTATION1"),
    "after_twice": ([f"{POSITION},{T0},{T0 + 1}"], T0 * 10**6, None),
}


@pytest.mark.parametrize("style", TIMES)
def test_times(style):
    lines, expected, station = TIMES[style]
    for end in ("\n", "\r\n", ""):
        (row,), _ = parts_of("".join(line + end for line in lines))
        assert (micros(row), row["station"]) == (expected, station)


def stamp(named, time="2014,10,2,16,30,3,887", station="992190917"):
    body = f"PGHP,1,{time},219,1,{station},1,{named}"
    return f"${body}*{nmea.checksum(body)}"


def gatehouse(sentence, **options):
    return stamp(sentence[-2:], **options)


MOMENT = dt.datetime(2014, 10, 2, 16, 30, 3, 887_000, tzinfo=dt.UTC)


def test_gatehouse_times():
    (row,), _ = read("\\si:AISD*3F\\", gatehouse(POSITION), POSITION)
    assert (row["timestamp"], row["station"], row["at"][1]) == (MOMENT, "992190917", 3)
    own = POSITION.replace("VDM", "VDO")
    own = own[:-2] + nmea.checksum(own[1:-3])
    (row,), _ = read(stamp("00"), own)
    assert row["timestamp"] == MOMENT
    (row,), _ = read(stamp("5C"), *nmea.static())
    assert row["timestamp"] == MOMENT


@pytest.mark.parametrize(
    "lines",
    [
        [stamp("FF"), POSITION],  # of another sentence
        [gatehouse(POSITION)[:-2] + "00", POSITION],  # damaged
        [gatehouse(POSITION, time="2014,2,30,16,30,3,887"), POSITION],  # no such day
        [gatehouse(POSITION, time="2014,10,2,24,30,3,887"), POSITION],
        [gatehouse(POSITION, time="2014,13,2,16,30,3,887"), POSITION],
    ],
)
def test_gatehouse_lines_that_do_not_date(lines):
    rows, report = read(*lines, *dated(POSITION))
    assert (len(rows), report.reasons) == (1, {"no_time": 1})


def test_a_gatehouse_line_dates_one_sentence():
    rows, report = read(gatehouse(POSITION), POSITION, POSITION)
    assert (len(rows), report.reasons) == (1, {"no_time": 1})


def test_numbers_that_are_no_epoch():
    for line in (f"12345678 {POSITION}", f"{POSITION},12345678", f"{POSITION},1400000000x", f"2014-05-13 {POSITION}"):
        rows, report = read(line, *dated(POSITION))
        assert (len(rows), report.reasons) == (1, {"no_time": 1})
        assert report.examples["no_time"] == [{"file": "log", "line": 1, "text": line}]


def test_a_log_without_any_time_is_refused(tmp_path):
    path = tmp_path / "undated.txt"
    path.write_text(f"# received in port\n{POSITION}\n{POSITION}\n")
    with pytest.raises(DialectError, match=r"undated\.txt: no message .* has a time: neither a tag block"):
        read_fixes(path)


def test_two_sentences_on_a_line():
    tags = [nmea.tag(f"s:one,c:{T0}"), nmea.tag(f"s:two,c:{T0 + 9}")]
    other = nmea.position(5)
    rows, _ = read(tags[0] + POSITION + tags[1] + other)
    assert [(row["mmsi"], micros(row), row["station"]) for row in rows] == [
        (244660492, T0 * 10**6, "one"),
        (5, (T0 + 9) * 10**6, "two"),
    ]


def test_messages_of_several_sentences_between_others():
    first, second = nmea.static(sequence=3)
    other_first, other_second = nmea.static(7, sequence=4)
    rows, report = read(*dated(first, other_first, POSITION, other_second, second))
    assert [(row["mmsi"], micros(row), row["at"][1]) for row in rows] == [
        (244660492, (T0 + 2) * 10**6, 3),
        (7, (T0 + 1) * 10**6, 4),
        (244660492, T0 * 10**6, 5),
    ]
    assert not report.reasons


def test_stations_and_groups_keep_messages_apart():
    one, two = nmea.static(1), nmea.static(2)
    lines = [
        nmea.tag(f"s:a,c:{T0}") + one[0],
        nmea.tag(f"s:b,c:{T0}") + two[0],
        nmea.tag("s:b") + two[1],
        nmea.tag("s:a") + one[1],
        nmea.tag(f"g:1-2-11,s:a,c:{T0}") + one[0],
        nmea.tag(f"g:1-2-12,s:a,c:{T0}") + two[0],
        nmea.tag("g:2-2-12") + two[1],
        nmea.tag("g:2-2-11") + one[1],
    ]
    rows, report = read(*lines)
    assert [(row["mmsi"], row["station"]) for row in rows] == [(2, "b"), (1, "a"), (2, "a"), (1, "a")]
    assert not report.reasons


def test_a_second_sentence_without_tag_belongs_to_the_first():
    first, second = nmea.static()
    rows, report = read(nmea.tag(f"s:a,c:{T0}") + first, second)
    assert (len(rows), report.reasons) == (1, {})


HALVES = st.lists(
    st.tuples(st.sampled_from([0, 1, 1, 1]), st.integers(0, 1), st.integers(0, 1), st.integers(0, 2)), max_size=30
)


@given(HALVES, st.sampled_from(["", "s:{station}", "g:1-1-{station},s:x"]), st.sampled_from([3, 100]))
def test_messages_at_once_as_one_by_one(halves, tags, window):
    """Half 0 or a whole message, of two stations with two numbers, with or without positions between."""
    lines = []
    for whole, station, sequence, between in halves:
        parts = nmea.static(1 + station, sequence=sequence)
        block = nmea.tag(tags.format(station=station)) if tags else ""
        chosen = parts if whole else parts[:1] if between else parts[1:]
        lines += [block + part for part in chosen] + [POSITION] * between
    lines = dated(*lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fragments, "_WINDOW", window)
        rows, report = read(*lines)
        patch.setattr(fragments, "_pairs", lambda found, of_several: np.empty(0, dtype="int64"))
        expected, told = read(*lines)
    assert rows == expected
    assert (report.rows_in, report.reasons) == (told.rows_in, told.reasons)


def test_halves():
    first, second = nmea.static()
    other_first, other_second = nmea.static(7)
    lines = dated(second, first, other_first, other_second, first)
    rows, report = read(*lines)
    assert [row["mmsi"] for row in rows] == [7]
    assert report.reasons == {"incomplete_message": 3}
    assert sorted(example["line"] for example in report.examples["incomplete_message"]) == [1, 2, 5]


def test_a_half_does_not_wait_for_ever():
    first, second = nmea.static()
    rows, report = read(*dated(first, *[POSITION] * 150, second))
    assert len(rows) == 150
    assert report.reasons == {"incomplete_message": 2}


BROKEN = {
    "broken_line": [
        "!AIVDM,1,1,,A,13KFI200001eRdH",
        "!AIVDM,1,1,,A,13KFI200001eRdHREjw<RanB0@50,0*5",
        "!AIVDM,1,1,,A,13KFI200001eRdHREjw<RanB0@50,0*5X",
        "!AIVDM,1,2,,A,13KFI200001eRdHREjw<RanB0@50,0*55",
        "!AIVDM,1,1,,A,13KFI200001eRdHREjw<RanB0@50,7*55",
        "!AIVDM,1,1,A,13KFI200001eRdHREjw<RanB0@50,0*55",
        "!AIV",
        "AIVDM,1,1,,A,13KFI200001eRdHREjw<RanB0@50,0*55",
        "\\s:r17,c:1400000000*6A",
        '{"class":"TPV"}',
    ],
    "bad_checksum": [
        POSITION[:-2] + "00",
        POSITION.replace("AIVDM", "BSVDM"),
        nmea.tag(f"s:r17,c:{T0}").replace("r17", "r18") + POSITION,
    ],
    "bad_payload": [
        nmea.sentence(""),
        nmea.sentence("1"),
        nmea.sentence(POSITION.split(",")[5][:20]),
        nmea.sentence(POSITION.split(",")[5].replace("1", "X", 1)),
        nmea.sentence("0" * 28),
        nmea.sentence("w" * 28),
        nmea.sentence(PUBLISHED["class_b_name"][0][0].split(",")[5][:20]),
    ],
}


@pytest.mark.parametrize(("reason", "line"), [(reason, line) for reason, lines in BROKEN.items() for line in lines])
def test_broken(reason, line):
    good = dated(POSITION)
    rows, report = read(*good, line, *good)
    assert [row["at"][1] for row in rows] == [1, 3]
    assert report.reasons == {reason: 1}
    assert report.examples[reason] == [{"file": "log", "line": 2, "text": line}]


def test_what_is_no_row():
    rows, report = read(
        "# comment",
        f"#{POSITION}",
        "",
        "\\si:AISD*3F\\",
        "$GPRMC,213950.00,A,5250.53669,N,00542.34920,E,0.020,,070420,,,A*7D",
        "$PSTT,30A,20131112,120008*65",
        "!AIABM,1,1,0,A,,6,06P0,0*35",
        f"{T0}.5 $GPZDA,000000.00,13,05,2014,,*61",
        *dated(POSITION),
    )
    assert (len(rows), report.rows_in) == (1, 1)


def test_pieces_do_not_matter(monkeypatch):
    first, second = nmea.static()
    lines = [gatehouse(POSITION), POSITION, "# x", stamp("5C"), first, second, "garbage", "\\si:AISD*3F\\"]
    lines += [nmea.tag(f"s:r17,c:{T0}") + POSITION, *dated(POSITION, POSITION[:-1]), gatehouse(POSITION)]
    whole, told = read(*lines)
    assert (len(whole), told.reasons) == (4, {"broken_line": 2})
    for size in (1, 7, 60, 150):
        monkeypatch.setattr(delimited, "_BLOCK", size)
        rows, report = read(*lines)
        assert rows == whole
        assert (report.rows_in, report.reasons, report.examples) == (told.rows_in, told.reasons, told.examples)


def test_letters_that_are_no_utf8():
    rows, report = parts_of(b"# \xcf\xeb\n\\s:r\xff,c:1*00\\garbage\n" + "\n".join(dated(POSITION)).encode())
    assert (len(rows), report.reasons, report.repairs) == (1, {"broken_line": 1}, {"text_not_utf8": 2})


PIECES = st.sampled_from(
    [POSITION, *nmea.static(), f"{T0} ", ",", "!", "!AIVDM,", "*", "\\", "\n", "\r", "c:1400000000", "$PGHP,", "#", "é"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_line_is_lost_and_none_does_harm(text):
    read(*dated(POSITION), text)
