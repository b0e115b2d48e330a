"""The compiled columns against plain loops over the csv module, float() and datetime."""

import csv
import datetime as dt
import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("numba")

from darkvoyage.kernels import csv_columns, text_fields

WIDTH = 5
NUMBER, IDENTITY, TIME, WORD = csv_columns.NUMBER, csv_columns.IDENTITY, csv_columns.TIME, csv_columns.WORD
ALL_STYLES = text_fields.ISO | text_fields.DAY_FIRST | text_fields.EPOCH_S | text_fields.NAIVE
FIELD = r'(?:"(?:[^"]|"")*"|(?!")[^,\r]*)'
LINE = re.compile(rf"{FIELD}(?:,{FIELD}){{{WIDTH - 1}}}")
DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z| UTC|\+00:00)?", re.ASCII)
DAY_FIRST = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read(lines, columns, kinds, styles=ALL_STYLES, delimiter=",", width=WIDTH):
    """Run the kernel; return (known, columns as lists), with None for an empty or unknown field."""
    data = np.frombuffer("".join(line + "\n" for line in lines).encode() + bytes(80), dtype="uint8")
    rows, count = len(lines), len(columns)
    numbers, micros = np.full((count, rows), np.nan), np.zeros(rows, dtype="int64")
    words, firsts, sizes = (np.zeros((count, rows), dtype="int32") for _ in range(3))
    known, starts = np.zeros(rows, dtype=bool), np.zeros(rows + 1, dtype="int32")
    distinct = csv_columns.read_columns(
        data, np.uint8(ord(delimiter)), width, np.array(columns), np.array(kinds), np.arange(count), styles,
        numbers, micros, words, firsts, sizes, known, starts,
    )  # fmt: skip
    assert [bytes(data[a:b]).decode() for a, b in itertools.pairwise(starts)] == [f"{x}\n" for x in lines]
    out = []
    for slot, kind in enumerate(kinds):
        if kind == TIME:
            out.append(micros.tolist())
        elif kind == WORD:
            copied, offsets = csv_columns.gather(data, firsts[slot, : distinct[slot]], sizes[slot, : distinct[slot]])
            texts = [bytes(copied[a:b]).decode() for a, b in itertools.pairwise(offsets)]
            assert len(set(texts)) == len(texts)
            out.append(
                [texts[code] if code >= 0 and good else None for code, good in zip(words[slot], known, strict=True)]
            )
        else:
            out.append(numbers[slot].tolist())
    return known.tolist(), out


def cells_of(line):
    """Fields of a well-formed line, and whether each was quoted with a quote inside; None for any other line."""
    line = line.removesuffix("\r")
    if not LINE.fullmatch(line) or re.search("[\r\n]", line):
        return None
    inner = [field[1:-1] if field[:1] == '"' else None for field in re.findall(rf"(?:^|(?<=,)){FIELD}(?=,|$)", line)]
    return next(csv.reader([line])) if line else [""], inner


def number_of(text, identity=False):
    text = text.removeprefix("IMO") if identity and len(text) > 3 else text
    if text == "":
        return math.nan
    return float(text) if DECIMAL.fullmatch(text) and sum(map(str.isdigit, text)) <= 15 else None


def micros_of(text):
    if ISO.fullmatch(text):
        text = re.sub(r"(Z| UTC|\+00:00)$", "", text)
    elif DAY_FIRST.fullmatch(text):
        text = f"{text[6:10]}-{text[3:5]}-{text[:2]} {text[11:]}"
    else:
        seconds = number_of(text)
        micros = math.nan if seconds is None else seconds * 1e6
        return round(micros) if abs(micros) < 253_402_300_800e6 else None
    try:
        when = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return (when - EPOCH) // dt.timedelta(microseconds=1) if 1900 <= when.year < 2200 else None


def twin(line):
    """What the kernel should say of one line: None where it should not recognise it."""
    found = cells_of(line)
    if found is None:
        return None
    cells, inner = found
    out = [number_of(cells[0]), micros_of(cells[1]), number_of(cells[2], identity=True), cells[3] or None]
    if None in out[:3] or '"' in (inner[3] or ""):
        return None
    return out


SIMPLE = {
    "number": st.one_of(
        st.decimals(-200, 200, places=5).map(str),
        st.integers(0, 10**9).map(str),
        st.floats(0, 50).map(lambda x: f"{x:.1f}"),
    ),
    "time": st.builds(
        lambda seconds, form: (EPOCH + dt.timedelta(seconds=seconds)).strftime(form),
        st.integers(-631_152_000, 5_680_281_600),  # 1950 to 2150
        st.sampled_from(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%fZ", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC"]),
    ),
    "identity": st.one_of(st.just(""), st.integers(0, 10**7).map(lambda n: f"IMO{n}")),
    "word": st.sampled_from(
        ["", "EVER GIVEN", '"A, B"', '""', "Ærø", '"say ""x"""', "a word of more than sixteen bytes"]
    ),
}
NASTY = st.one_of(
    st.text('0123456789.-+eE:/T Z"\r,IMO', max_size=12),
    st.sampled_from(
        ["NaN", "1e5", "-", ".5", "5.", "-0.0", "2024-02-30 00:00:00", "31/12/2023 24:00:00", "IMO", '"7"']
    ),
    st.text(st.characters(exclude_characters="\n"), max_size=4),
)
LINES = st.lists(
    st.builds(
        ",".join,
        st.one_of(
            st.tuples(*SIMPLE.values(), st.just("last")),
            st.tuples(*(st.one_of(kind, kind, kind, NASTY) for kind in SIMPLE.values()), NASTY),
            st.lists(NASTY, max_size=6),
        ),
    ),
    max_size=12,
)


@given(LINES, st.booleans())
@example(["1,2024-03-07T00:00:00,IMO7,w," + "x" * n for n in range(70)], False)
@example(['1,2024-03-07T00:00:00,,"' + "w" * n + '","x"' for n in range(70)], True)
@example(["", "\r", ",,,,", '"', ",,,\r,", "1,1709769600.5,2,3,4"], False)
@example(["123456789012345,0,9007199254740993,1.0,x", "-0,-1.5,1,,"], False)
def test_lines_twin(lines, windows):
    lines = [line + "\r" if windows else line for line in lines]
    known, columns = read(lines, [0, 1, 2, 3], [NUMBER, TIME, IDENTITY, WORD])
    expected = [twin(line) for line in lines]
    assert known == [row is not None for row in expected]
    for place, row in enumerate(expected):
        if row is not None:
            assert repr([column[place] for column in columns]) == repr(row)


def test_many_lines_of_one_batch_and_more():
    lines = [f"{n},2024-03-07T00:00:{n % 60:02},,{'AB'[n % 2]}," for n in range(30_000)]
    known, (numbers, micros, words) = read(lines, [0, 1, 3], [NUMBER, TIME, WORD])
    assert all(known)
    assert numbers == [float(n) for n in range(30_000)]
    assert micros == [1_709_769_600_000_000 + n % 60 * 1_000_000 for n in range(30_000)]
    assert words == ["AB"[n % 2] for n in range(30_000)]


@pytest.mark.parametrize("style", ["ISO", "DAY_FIRST", "EPOCH_S", "EPOCH_MS", "EPOCH_ANY"])
def test_a_style_that_the_source_does_not_have_is_not_recognised(style):
    lines = ["2024-03-07 00:00:01Z,", "07/03/2024 00:00:01,", "1709769601,", "1709769601000,"]
    known, (micros,) = read(lines, [0], [TIME], getattr(text_fields, style), width=2)
    good = {"ISO": [0], "DAY_FIRST": [1], "EPOCH_S": [2], "EPOCH_MS": [2, 3], "EPOCH_ANY": [2, 3]}[style]
    assert np.flatnonzero(known).tolist() == good
    when = 1_709_769_601_000_000
    assert [micros[row] for row in good] == ([when / 1000, when] if style == "EPOCH_MS" else [when] * len(good))


def test_naive_times_only_where_the_source_defines_them():
    lines = ["2024-03-07 00:00:01,x", "2024-03-07 00:00:01+00:00,x", "2024-03-07 00:00:01+01:00,x"]
    assert read(lines, [0], [TIME], text_fields.ISO, width=2)[0] == [False, True, False]
    assert read(lines, [0], [TIME], text_fields.ISO | text_fields.NAIVE, width=2)[0] == [True, True, False]


def test_other_delimiters():
    assert read(["1;a,b;2", "3;;4"], [0, 1, 2], [NUMBER, WORD, NUMBER], delimiter=";", width=3) == (
        [True, True],
        [[1.0, 3.0], ["a,b", None], [2.0, 4.0]],
    )
