"""What no engine can go under on the same dump: reading the bytes, parsing four columns, copying memory.

`own parse` is the reader of this project alone, with all its checks, as far as typed columns.
"""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from dumps import LAYOUTS, write_dump
from peers import NAMES
from pyarrow import csv, parquet
from traffic import best_s

from darkvoyage.io.stream import FixStream

PIECE = 16 << 20


def _read_bytes(path):
    piece, done = bytearray(PIECE), 0
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(piece):
            done += size
    return done


def _newlines(path):
    return sum(int(np.count_nonzero(part == 10)) for part in _pieces(path))


def _pieces(path):
    with path.open("rb", buffering=0) as file:
        while data := file.read(PIECE):
            yield np.frombuffer(data, "uint8")


def _parse(path, columns):
    options = csv.ConvertOptions(include_columns=list(columns))
    return len(csv.read_csv(path, convert_options=options))


def _stream(path, columns):
    """Arrow's own streaming reader: bounded memory, one thread."""
    options = csv.ConvertOptions(include_columns=list(columns))
    return sum(map(len, csv.open_csv(path, convert_options=options)))


def _decode(path, columns):
    batches = parquet.ParquetFile(path, pre_buffer=False).iter_batches(columns=list(columns))
    return sum(map(len, batches))


def _own_parse(path):
    stream = FixStream(path, columns=["mmsi", "timestamp", "lat", "lon"], progress=False, fingerprints=False)
    return sum(map(len, stream))


def run(*, rows):
    """Measure the best of three of each; the page cache is warm."""
    figures = {"rows": rows, "threads": pa.cpu_count()}
    source = np.zeros(1 << 26, "uint8")
    figures["memory_copy_bytes_per_s"] = len(source) / best_s(lambda: source.copy().nbytes)
    with tempfile.TemporaryDirectory() as folder:
        for kind in LAYOUTS:
            path = Path(folder) / f"dump.{kind}"
            write_dump(path, rows=rows, kind=kind)
            columns = NAMES[kind][:4]
            work = {
                "read_bytes": lambda path=path: _read_bytes(path),
                "newlines": lambda path=path: _newlines(path),
                "pyarrow_parse": lambda path=path, columns=columns: _parse(path, columns),
                "pyarrow_stream": lambda path=path, columns=columns: _stream(path, columns),
                "own_parse": lambda path=path: _own_parse(path),
            }
            for name, act in work.items():
                figures[f"{kind}_{name}_rows_per_s"] = rows / best_s(act)
        path = Path(folder) / "dump.parquet"
        write_dump(path, rows=rows, kind="parquet")
        figures["parquet_decode_rows_per_s"] = rows / best_s(lambda: _decode(path, NAMES["parquet"][:4]))
        figures["parquet_own_parse_rows_per_s"] = rows / best_s(lambda: _own_parse(path))
    return figures
