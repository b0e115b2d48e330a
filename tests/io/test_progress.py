"""What is told of a long reading, to whom, and when nothing is."""

import io

import pytest

from darkvoyage.errors import RuleError
from darkvoyage.io import delimited
from darkvoyage.io.fixes import read_fixes
from darkvoyage.io.stream import FixStream

HEAD = "mmsi,timestamp,lat,lon"


def text(rows):
    return "\n".join([HEAD, *(f"{200000037 + k},2024-03-07T00:00:{k % 60:02}Z,1,2" for k in range(rows))]).encode()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_function_is_told_rows_and_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 10)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, rows in zip(paths, (100, 50), strict=True):
        path.write_bytes(text(rows))
    size = sum(path.stat().st_size for path in paths)
    told = []
    read_fixes(paths, progress=lambda *state: told.append(state))
    assert len(told) > 5
    assert told[-1] == (150, size, size)
    assert {total for _, _, total in told} == {size}
    rows, done, _ = zip(*told, strict=True)
    assert list(rows) == sorted(rows)
    assert list(done) == sorted(done)
    assert max(done) == size


def test_a_pipe_has_no_total():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    told = []
    list(FixStream(Pipe(text(5)), progress=lambda *state: told.append(state)))
    assert told[-1] == (5, len(text(5)), None)


@pytest.mark.parametrize(("stream", "progress", "shown"), [
    (Terminal, None, True), (Terminal, False, False), (io.StringIO, None, False), (io.StringIO, True, True),
])  # fmt: skip
def test_a_bar_is_for_terminals(monkeypatch, stream, progress, shown):
    screen = stream()
    monkeypatch.setattr("sys.stderr", screen)
    read_fixes(io.BytesIO(text(1234)), progress=progress)
    assert ("1,234 rows" in screen.getvalue()) is shown
    assert bool(screen.getvalue()) is shown


def test_what_cannot_be_told():
    with pytest.raises(RuleError, match="progress = 'yes': expected None, True, False or a function"):
        FixStream("a.csv", progress="yes")
