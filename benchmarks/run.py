"""Run every benchmark beside this file and print one Markdown table.

Run `python benchmarks/run.py [--rows 1000000] [NAME ...]`. A benchmark is a module `bench_<name>.py` with a function
`run(*, rows)` that returns its figures by name.
"""

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def benchmarks():
    """Names of all benchmarks."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def measure(name, *, rows):
    """Figures of one benchmark by name."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    return importlib.import_module(f"bench_{name}").run(rows=rows)


def lines(name, figures):
    """Rows of the table."""
    for what, value in figures.items():
        digits = 0 if abs(value) >= 100 else 2
        yield f"| {name} | {what.replace('_', ' ')} | {value:,.{digits}f} |"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(benchmarks())}; all by default")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(benchmarks())
    if unknown or options.rows < 1:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}" if unknown else "--rows must be at least 1")
    print("| benchmark | figure | value |\n| --- | --- | ---: |")
    for name in options.names or benchmarks():
        for line in lines(name, measure(name, rows=options.rows)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
