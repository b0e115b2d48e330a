"""Made-up AIS dumps of any size: fictional ships at ship speed, silences, and what goes wrong in real files.

Run `python benchmarks/dumps.py --rows 10000000 --format mc --folder F`. The rows come in order of arrival, vessels
interleaved, and are the same in every format. Written slice by slice, so that memory does not grow with the dump.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from fleet import AID, BASE_STATION, BROKEN, FAULTS, MESSES, SEED, fleet, slices, take


def _texts(values):
    return pa.array(values).cast(pa.string())


def _static(ships):
    """What each ship says of itself, by vessel."""
    number = np.arange(len(ships))
    return {
        "name": [f"EXAMPLE, THE {n}" if n % 20 == 7 else f"EXAMPLE {n}" for n in number],
        "imo": 9_000_000 + number,
        "callsign": [f"EX{n}" for n in number],
        "ship_type": np.where(number % 5 == 0, 80, 70 + number % 20),
        "length_m": 20 + number % 330,
        "beam_m": 5 + number % 50,
        "draught_m": np.round(3 + number % 120 / 10, 1),
        "destination": [f"PORT {n % 90}, BERTH {n % 7}" if n % 5 == 2 else f"PORT {n % 90}" for n in number],
        "ais_class": np.where(ships.class_b, "B", "A"),
        "nav_status": np.where(ships.moored, 5, 0),
    }


def _quoted(text):
    return f'"{text}"' if "," in text else text


class MarineCadastre:
    """Lines in the layout of 2018 to 2023."""

    suffix = "mc.csv"
    header = (
        "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
        "TransceiverClass"
    )
    times = "%Y-%m-%dT%H:%M:%S"

    def __init__(self, ships):
        said = _static(ships)
        names = ("name", "imo", "callsign", "ship_type", "nav_status", "length_m", "beam_m", "draught_m", "ais_class")
        self.tail = pa.array(
            f"{_quoted(name)},IMO{imo},{call},{kind},{status},{length},{beam},{draught},{kind},{ais}\n"
            for name, imo, call, kind, status, length, beam, draught, ais in zip(
                *(said[key] for key in names), strict=True
            )
        )

    def cells(self, rows, times):
        """Columns of text; the last ends the line."""
        numbers = [_texts(rows[name]) for name in ("lat", "lon", "sog", "cog", "heading")]
        return [_texts(rows["mmsi"]), times, *numbers, self.tail.take(pa.array(rows["vessel"]))]


class Danish:
    """Lines in the layout of the Danish archive, 26 columns."""

    suffix = "dk.csv"
    header = (
        "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,IMO,Callsign,Name,"
        "Ship type,Cargo type,Width,Length,Type of position fixing device,Draught,Destination,ETA,Data source type,"
        "A,B,C,D"
    )
    times = "%d/%m/%Y %H:%M:%S"
    mobiles = pa.array(["Class A", "Class B", "Base Station", "AtoN"])

    def __init__(self, ships):
        said = _static(ships)
        self.class_b = ships.class_b
        self.middle = pa.array(
            "Moored,0.0" if status == 5 else "Under way using engine,0.0" for status in said["nav_status"]
        )
        names = ("imo", "callsign", "name", "ship_type", "beam_m", "length_m", "draught_m", "destination")
        self.tail = pa.array(
            f"{imo},{call},{_quoted(name)},{'Tanker' if kind // 10 == 8 else 'Cargo'},,{beam},{length},GPS,{draught},"
            f"{_quoted(bound)},,AIS,{length - 10},10,{beam // 2},{beam - beam // 2}\n"
            for imo, call, name, kind, beam, length, draught, bound in zip(*(said[key] for key in names), strict=True)
        )

    def cells(self, rows, times):
        """Columns of text; the last ends the line."""
        fault, vessel = rows["fault"], pa.array(rows["vessel"])
        mobile = np.where(fault == BASE_STATION, 2, np.where(fault == AID, 3, self.class_b[rows["vessel"]]))
        mmsi, lat, lon, sog, cog, heading = (
            _texts(rows[name]) for name in ("mmsi", "lat", "lon", "sog", "cog", "heading")
        )
        head = [times, self.mobiles.take(pa.array(mobile)), mmsi, lat, lon]
        return [*head, self.middle.take(vessel), sog, cog, heading, self.tail.take(vessel)]


LAYOUTS = {"mc": MarineCadastre, "dk": Danish}
FORMATS = (*LAYOUTS, "parquet")
PACKINGS = ("zip", "zst")


def _lines(layout, rows):
    """The rows as bytes of text."""
    import pyarrow.compute as pc

    earliest = int(rows["time"].min())
    seconds = pa.array(np.arange(earliest, rows["time"].max() + 1), pa.timestamp("s"))
    times = pc.strftime(seconds, format=layout.times).take(pa.array(rows["time"] - earliest))
    lines = pc.binary_join_element_wise(*layout.cells(rows, times), ",")
    broken = rows["fault"] == BROKEN
    if broken.any():
        short = pc.binary_join_element_wise(pc.utf8_slice_codeunits(lines, 0, 24), "\n", "")
        lines = pc.if_else(pa.array(broken), short, lines)
    size = np.frombuffer(lines.buffers()[1], "int32")[len(lines)]
    return memoryview(lines.buffers()[2])[:size]


def _write_text(path, parts, layout):
    with path.open("wb") as file:
        file.write(layout.header.encode() + b"\n")
        for rows in parts:
            file.write(_lines(layout, rows))


def fix_tables(parts, ships):
    """Yield the rows as Arrow tables with the names of FIXES; a broken line is no row here."""
    said = {name: pa.array(values) for name, values in _static(ships).items()}
    said["nav_status"] = said["nav_status"].cast(pa.int8())
    said["ship_type"] = said["ship_type"].cast(pa.int16())
    for rows in parts:
        rows = take(rows, np.flatnonzero(rows["fault"] != BROKEN))
        vessel = pa.array(rows["vessel"])
        columns = {
            "mmsi": pa.array(rows["mmsi"]),
            "timestamp": pa.array(rows["time"] * 1_000_000).cast(pa.timestamp("us", "UTC")),
            **{name: pa.array(rows[name]) for name in ("lat", "lon", "sog", "cog")},
            "heading": pa.array(rows["heading"].astype("float64")),
        }
        yield pa.table(columns | {name: values.take(vessel) for name, values in said.items()})


def _write_parquet(path, tables):
    """Row groups of 1 Mi rows, zstd."""
    from pyarrow import parquet

    group, writer, waiting = 1 << 20, None, []
    for table in tables:
        waiting.append(table)
        writer = writer or parquet.ParquetWriter(path, table.schema, compression="zstd")
        while sum(map(len, waiting)) >= group:
            joined = pa.concat_tables(waiting)
            writer.write_table(joined.slice(0, group), row_group_size=group)
            waiting = [joined.slice(group)]
    writer.write_table(pa.concat_tables(waiting), row_group_size=group)
    writer.close()


def write_dump(path, *, rows, kind, mess="usual", seed=SEED, vessels=None, days=None):
    """Write a dump and tell what is in it.

    Parameters
    ----------
    path : path
    rows : int
    kind : {"mc", "dk", "parquet"}
    mess : {"clean", "usual", "dirty"}
    seed : int
    vessels, days : number, optional
        As in `SIZES` unless given.

    Returns
    -------
    dict
        Number of rows, of second copies (`duplicate`), and of rows with each fault.
    """
    path, counts = Path(path), dict.fromkeys(("rows", "duplicate", *FAULTS), 0)
    ships = fleet(rows, mess=mess, seed=seed, vessels=vessels, days=days)

    def parts():
        for part in slices(rows, ships, mess=mess, seed=seed):
            counts["rows"] += len(part["vessel"])
            counts["duplicate"] += int(part["again"].sum())
            for number, name in enumerate(FAULTS):
                counts[name] += int((part["fault"] == number).sum())
            yield part

    if kind == "parquet":
        _write_parquet(path, fix_tables(parts(), ships))
    else:
        _write_text(path, parts(), LAYOUTS[kind](ships))
    return counts


def pack(path, packing):
    """Pack a file beside it as `.zip` or `.zst` and return the new path."""
    path = Path(path)
    packed = path.with_name(f"{path.name}.{packing}")
    if packing == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
    else:
        import zstandard

        with path.open("rb") as plain, packed.open("wb") as target:
            zstandard.ZstdCompressor(level=3).copy_stream(plain, target)
    return packed


def dump_path(folder, *, rows, kind, mess="usual", seed=SEED, packing=None):
    """Path of a dump in a folder; written now unless it is there."""
    suffix = LAYOUTS[kind].suffix if kind in LAYOUTS else "parquet"
    path = Path(folder) / f"dump_{rows}_{mess}_{seed}.{suffix}"
    if not path.exists():
        unfinished = path.with_name(f"unfinished_{path.name}")
        write_dump(unfinished, rows=rows, kind=kind, mess=mess, seed=seed)
        shutil.move(unfinished, path)
    if packing is None:
        return path
    packed = path.with_name(f"{path.name}.{packing}")
    return packed if packed.exists() else pack(path, packing)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=FORMATS, default="mc")
    parser.add_argument("--mess", choices=MESSES, default="usual")
    parser.add_argument("--pack", choices=PACKINGS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "darkvoyage_dumps")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error("--rows must be at least 1")
    options.folder.mkdir(parents=True, exist_ok=True)
    path = dump_path(
        options.folder,
        rows=options.rows,
        kind=options.format,
        mess=options.mess,
        seed=options.seed,
        packing=options.pack,
    )
    print(path, f"{path.stat().st_size / 1e6:.0f} MB", sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
