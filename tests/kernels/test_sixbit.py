import functools
import operator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkvoyage.kernels import sixbit
from tests import nmea as oracle

PAYLOADS = st.integers(1, 30).flatmap(
    lambda size: st.lists(st.text(oracle.ALPHABET, min_size=size, max_size=size), min_size=1, max_size=4)
)


def taken(payloads):
    data = np.frombuffer("".join(payloads).encode(), dtype="uint8")
    size = len(payloads[0])
    values, good = sixbit.sextets(data, size * np.arange(len(payloads)), size)
    assert good.all()
    return values


@given(PAYLOADS)
def test_sextets_twin(payloads):
    expected = [[oracle.ALPHABET.index(letter) for letter in payload] for payload in payloads]
    assert taken(payloads).T.tolist() == expected


def test_sextets_outside_the_armour():
    everything = np.arange(256, dtype="uint8")
    _, good = sixbit.sextets(everything, np.arange(256), 1)
    assert "".join(map(chr, np.flatnonzero(good))) == oracle.ALPHABET


@given(PAYLOADS, st.data(), st.booleans())
def test_number_twin(payloads, data, signed):
    size = 6 * len(payloads[0])
    start = data.draw(st.integers(0, size - 1))
    width = data.draw(st.integers(1, min(30, size - start)))
    expected = [oracle.field(oracle.bits_of(payload), start, width, signed=signed) for payload in payloads]
    assert sixbit.number(taken(payloads), start, width, signed=signed).tolist() == expected


@given(PAYLOADS, st.data())
def test_text_twin(payloads, data):
    size = 6 * len(payloads[0])
    start = data.draw(st.integers(0, size - 6))
    width = 6 * data.draw(st.integers(1, (size - start) // 6))
    expected = [oracle.letters(oracle.bits_of(payload), start, width).encode() for payload in payloads]
    assert sixbit.text(taken(payloads), start, width).tolist() == expected


@given(st.lists(st.text("0123456789.,x", max_size=20), min_size=1, max_size=4))
def test_digits_twin(texts):
    data = np.frombuffer("".join(text.ljust(40, " ") for text in texts).encode(), dtype="uint8")
    value, count = sixbit.digits(data, 40 * np.arange(len(texts)), 16)
    for row, text in enumerate(texts):
        run = ""
        while len(run) < min(16, len(text)) and text[len(run)].isdigit():
            run += text[len(run)]
        assert (value[row], count[row]) == (int(run or 0), len(run))


def test_hexadecimal():
    texts = [f"{value:02X}" for value in range(256)] + [f"{value:02x}" for value in range(256)] + ["G0", "0G", "*1"]
    found = sixbit.hexadecimal(np.frombuffer("".join(texts).encode(), dtype="uint8"), 2 * np.arange(len(texts)))
    assert found[:512].tolist() == [*range(256), *range(256)]
    assert (found[512:] > 255).all()


@given(st.binary(min_size=2), st.data())
def test_running_xor_twin(content, data):
    first = data.draw(st.integers(1, len(content) - 1))
    last = data.draw(st.integers(first, len(content)))
    running = sixbit.running_xor(np.frombuffer(content, dtype="uint8"))
    assert running[last - 1] ^ running[first - 1] == functools.reduce(operator.xor, content[first:last], 0)
