"""The two large jobs as whole processes beside the expert forms of other libraries, in rotation.

Run `python benchmarks/whole.py gaps --rows 10000000 --format mc [--pack zip] [--limit 2G]`, or `store`. One Markdown
table comes out, and every run as JSON if asked for. The engines take turns (A B C A B C ...), so that a change of the
machine's load meets all alike; ratios within one table mean something, times across tables do not.

The others do less, so their rows differ a little unless `--mess clean`: they drop a fix without a position, which here
is a sign of life that bounds a gap, they keep positions that no ship can reach, and store valid rows only.
"""

import argparse
import dataclasses
import json
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

from dumps import FORMATS, PACKINGS, dump_path
from fleet import MESSES
from measure import measure, memory_limit
from peers import GAP_JOBS, STORE_JOBS

HERE = Path(__file__).resolve().parent
OURS = "darkvoyage"
WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; "
OUR_JOBS = {
    "gaps": (
        "import sys, darkvoyage as dv; "
        "dv.find_gaps(sys.argv[1], rule=dv.GapRule(min_gap_h=float(sys.argv[3]))).to_parquet(sys.argv[2])"
    ),
    "store": "import sys, darkvoyage as dv; dv.build_store(sys.argv[1], sys.argv[2])",
}
PEER_JOBS = {"gaps": GAP_JOBS, "store": STORE_JOBS}
TOO_SLOW = ("movingpandas",)
"""Only when named: minutes per million rows."""


def engines(job):
    """Names of all engines for a job, ours first."""
    return [OURS, f"{OURS}_without_numba", *PEER_JOBS[job]]


def command(job, engine, path, out, min_gap_h):
    """The command line of one engine."""
    if engine.startswith(OURS):
        code = OUR_JOBS[job] if engine == OURS else WITHOUT_NUMBA + OUR_JOBS[job]
        return [sys.executable, "-c", code, str(path), str(out), str(min_gap_h)]
    script = str(HERE / "peers.py")
    return [sys.executable, "-W", "ignore", script, engine, str(path), str(out), "--min-gap-h", str(min_gap_h)]


def found(out):
    """Rows that a job wrote, and the sum of its hours."""
    if out.is_dir():
        import darkvoyage

        return {"rows": len(darkvoyage.open_store(out)), "hours": None}
    from pyarrow import compute, parquet

    table = parquet.read_table(out)
    hours = next((name for name in ("hours", "duration_h") if name in table.column_names), None)
    return {"rows": len(table), "hours": compute.sum(table[hours]).as_py() if hours else None}


def rotate(job, names, path, *, repeats, min_gap_h=1.0, limit=None, warm_up=True):
    """Measure engines in turn.

    Parameters
    ----------
    job : {"gaps", "store"}
    names : list of str
    path : path
    repeats : int
        Counted rounds.
    min_gap_h : float
    limit : int, optional
        Memory that each run may use [bytes].
    warm_up : bool
        Run a first round that is not counted: page cache, compiled code.

    Returns
    -------
    dict of engine to {"runs": list, "found": dict or None}, and how memory was limited
    """
    results = {name: {"runs": [], "found": None} for name in names}
    with memory_limit(limit) as (method, prepare):
        for turn in range(-1 if warm_up else 0, repeats):
            for name in names:
                if any(run["exit_code"] for run in results[name]["runs"]):
                    continue
                with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                    out = Path(folder) / "out.parquet"
                    run = dataclasses.asdict(measure(command(job, name, path, out, min_gap_h), prepare=prepare))
                    if run["exit_code"] == 0:
                        results[name]["found"] = found(out)
                if turn >= 0 or run["exit_code"]:
                    results[name]["runs"].append(run)
    return results, method


def table(results, rows):
    """Markdown, ratios to the first engine."""
    yield "| engine | wall s | cpu s | anon MB | M rows/s | first / it | rows out | hours |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    runs = next(iter(results.values()))["runs"]
    first = None if any(run["exit_code"] for run in runs) else statistics.median(run["wall_s"] for run in runs)
    for name, result in results.items():
        runs = result["runs"]
        failed = next((run for run in runs if run["exit_code"]), None)
        if failed:
            yield f"| {name} | exit {failed['exit_code']}: {failed['error'][:120]} | | | | | | |"
            continue
        wall, cpu, anon = (statistics.median(run[key] for run in runs) for key in ("wall_s", "cpu_s", "anon_mb"))
        ratio = "" if first is None else f"{first / wall:.2f}"
        hours = "" if result["found"]["hours"] is None else f"{result['found']['hours']:,.3f}"
        yield (
            f"| {name} | {wall:.2f} | {cpu:.2f} | {anon:.0f} | {rows / wall / 1e6:.2f} | {ratio} "
            f"| {result['found']['rows']:,} | {hours} |"
        )


def bytes_of(text):
    """`2G`, `512M` or a number of bytes."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 2G")
    return int(match[1]) * 1024 ** ("", "K", "M", "G").index(match[2])


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=OUR_JOBS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=FORMATS, default="mc")
    parser.add_argument("--pack", choices=PACKINGS)
    parser.add_argument("--mess", choices=MESSES, default="usual")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--engines", nargs="+", metavar="NAME", help="in this order; the first is what others compare to"
    )
    parser.add_argument("--min-gap-h", type=float, default=1.0)
    parser.add_argument("--limit", type=bytes_of, metavar="SIZE", help="memory of each run, such as 2G")
    parser.add_argument("--cold", action="store_true", help="count the first round too")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "darkvoyage_dumps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run")
    options = parser.parse_args(arguments)
    known = engines(options.job)
    options.engines = options.engines or [name for name in known if name not in TOO_SLOW]
    unknown = set(options.engines) - set(known)
    if unknown or min(options.rows, options.repeats) < 1:
        parser.error(f"no such engine: {', '.join(sorted(unknown))}" if unknown else "--rows, --repeats: at least 1")
    return options


def main(arguments=None):
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = dump_path(
        options.folder, rows=options.rows, kind=options.format, mess=options.mess, packing=options.pack
    )  # fmt: skip
    load = os.getloadavg()[0]
    results, method = rotate(
        options.job, options.engines, path, repeats=options.repeats, min_gap_h=options.min_gap_h,
        limit=options.limit, warm_up=not options.cold,
    )  # fmt: skip
    size = path.stat().st_size / 1e6
    print(f"{options.job}: {path.name}, {options.rows:,} rows, {size:,.0f} MB; n = {options.repeats}; ", end="")
    print(f"load before {load:.1f} on {os.cpu_count()} cores", end="")
    print(f"; memory limit {options.limit:,} bytes by {method}\n" if options.limit else "\n")
    for line in table(results, options.rows):
        print(line, flush=True)
    if options.json:
        record = {"job": options.job, "file": path.name, "rows": options.rows, "limit": options.limit}
        options.json.write_text(json.dumps(record | {"limited_by": method, "engines": results}, indent=1))


if __name__ == "__main__":
    main()
