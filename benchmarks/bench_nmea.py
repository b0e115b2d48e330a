"""How fast raw AIS logs become parts of FIXES, beside pyais alone on the same sentences in the same run.

Two logs with tag blocks: position messages only, and 80 % message 1, 12 % message 18, 3 % message 24, 5 % message 5 in
two sentences. pyais decodes the sentences without their tag blocks, into its own objects.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyais

from darkvoyage.io.stream import FixStream

EPOCH = 1_709_769_600  # 2024-03-07 00:00 UTC
DISTINCT = 2000
PYAIS_AT_MOST = 20_000


def messages(kinds: np.ndarray, seed: int = 20240307) -> list[list[bytes]]:
    """Sentences of made-up messages."""
    rng = np.random.default_rng(seed)
    out = []
    for kind in kinds.tolist():
        number = int(rng.integers(1000))
        fields = {
            "msg_type": kind,
            "mmsi": 200_000_001 + 37 * number,
            "lat": rng.uniform(20, 50),
            "lon": rng.uniform(-130, -60),
            "speed": rng.uniform(0, 20),
            "course": rng.uniform(0, 360),
            "heading": int(rng.integers(360)),
            "shipname": f"EXAMPLE {number}",
            "callsign": f"EX{number}",
            "destination": "ROTTERDAM",
            "imo": 9_000_000 + number,
            "draught": 7.5,
        }
        sentences = pyais.encode_dict(fields, seq_id=number % 10)
        out.append([sentence.encode() for sentence in (sentences[:1] if kind == 24 else sentences)])
    return out


def write_log(path: Path, parts: list[list[bytes]], rows: int) -> None:
    """Repeat messages, one every 10 ms, each with station and time."""
    with path.open("wb") as stream:
        for place, sentences in enumerate(itertools.islice(itertools.cycle(parts), rows)):
            block = b"s:r%d,c:%d" % (place % 50, EPOCH + place // 100)
            mark = b"\\%s*%02X\\" % (block, np.bitwise_xor.reduce(np.frombuffer(block, dtype="uint8")))
            stream.writelines(mark + sentence + b"\r\n" for sentence in sentences)


def run(rows: int) -> dict[str, float]:
    """Measure messages per second, best of two."""
    rng = np.random.default_rng(1)
    logs = {
        "positions": messages(rng.choice([1, 18], DISTINCT, p=[0.85, 0.15])),
        "mixed": messages(rng.choice([1, 18, 24, 5], DISTINCT, p=[0.8, 0.12, 0.03, 0.05])),
    }
    figures: dict[str, float] = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        for name, parts in logs.items():
            path = Path(folder) / f"{name}.nmea"
            write_log(path, parts, rows)
            ours = min(_seconds(lambda path=path: _read(path), rows) for _ in range(2))
            some = list(itertools.islice(itertools.cycle(parts), min(rows, PYAIS_AT_MOST)))
            theirs = min(_seconds(lambda some=some: _decode(some), len(some)) for _ in range(2))
            figures |= {
                f"{name}_messages_per_s": rows / ours,
                f"{name}_pyais_messages_per_s": len(some) / theirs,
                f"{name}_times_pyais": rows / ours * theirs / len(some),
            }
    return figures


def _read(path: Path) -> int:
    stream = FixStream(path, progress=False)
    positions = sum(len(part) for part in stream)
    return positions + stream.report.reasons["static_report"]


def _decode(parts: list[list[bytes]]) -> int:
    return sum(pyais.decode(*sentences).mmsi > 0 for sentences in parts)


def _seconds(work, rows: int) -> float:
    start = time.perf_counter()
    done = work()
    elapsed = time.perf_counter() - start
    assert done == rows > 0, f"read {done} of {rows} messages"
    return elapsed


if __name__ == "__main__":
    for name, value in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000).items():
        print(f"{name:32} {value:14.2f}")
