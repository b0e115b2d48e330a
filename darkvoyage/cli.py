"""The command line: the same words as the library; one sentence per error, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from darkvoyage import __version__
from darkvoyage.errors import DarkvoyageError

__all__ = ["main"]

_SOURCES = click.argument("ais", nargs=-1, required=True, metavar="AIS...")
_FOLDER = click.option(
    "-o", "--out", default="investigation", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
_IDS = click.option("--synthetic-ids", is_flag=True, help="Vessels carry ids of the source's own in place of an MMSI.")
_DIALECT = click.option("--dialect", default="auto", show_default=True, metavar="NAME", help="Layout of the AIS files.")


class _Group(click.Group):
    """A group whose commands turn darkvoyage's errors into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DarkvoyageError as error:
            click.echo(f"darkvoyage: {' '.join(str(error).split())}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="darkvoyage")
def main() -> None:
    """Find the port calls that ships hide: gaps, silence, reach, imagery links, cargo, with honest probabilities."""


@main.command()
@click.option("-o", "--out", default="demo_report", show_default=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=None, type=int, help="Another fictional campaign.")
@click.option("--without-calls", is_flag=True, help="The same waters, but nobody calls in the dark.")
def demo(out: Path, seed: int | None, without_calls: bool) -> None:
    """Run the whole chain on a fictional campaign whose truth is known, and write the report."""
    from darkvoyage.demo import run_demo

    with _Stages() as stages:
        investigation = run_demo(seed=seed, dark_calls=not without_calls, progress=stages)
        investigation.save(out)
        investigation.report(out / "report.html")
        _write_kml(investigation, out)
    _summarise(investigation, out)


@main.command()
@_SOURCES
@_DIALECT
@_IDS
@click.option("--min-gap-h", default=6.0, show_default=True, help="A silence longer than this is a gap [h].")
@click.option(
    "--as-of", default=None, metavar="TIME", help="Also list open gaps, measured to this time (ISO 8601, UTC)."
)
@click.option(
    "--max-lateness-h",
    default=24.0,
    show_default=True,
    help="A fix further behind the newest of its ship is left out and counted [h].",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help=".parquet, .csv, .geojson, .kml or .gpkg"
)
def gaps(
    ais: tuple[str, ...], dialect: str, synthetic_ids: bool, min_gap_h: float, as_of: str | None, max_lateness_h: float,
    out: Path | None,
) -> None:  # fmt: skip
    """List the silences of each ship; CSV to the terminal, or a file by its ending."""
    from darkvoyage.gaps.find import find_gaps
    from darkvoyage.io.writers import check_ending, write_table
    from darkvoyage.rules.tracks import GapRule

    if out is not None:
        check_ending(out)
    rule = GapRule(min_gap_h=min_gap_h, max_lateness_h=max_lateness_h)
    source = ais[0] if len(ais) == 1 else list(ais)
    found = find_gaps(source, rule=rule, as_of=as_of, dialect=dialect, synthetic_ids=synthetic_ids)
    _tell_reading(found)
    if out is None:
        click.echo(found.to_csv(index=False), nl=False)
    else:
        write_table(found, out)
        click.echo(f"{len(found)} gaps written to {out}", err=True)


@main.command()
@_SOURCES
@click.option(
    "--store",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder: new, or a store to add to.",
)
@_DIALECT
@_IDS
@click.option("--memory-limit", default="1GB", show_default=True, metavar="SIZE", help="Most memory to take.")
def ingest(ais: tuple[str, ...], store: Path, dialect: str, synthetic_ids: bool, memory_limit: str) -> None:
    """Bring dumps of any size into a store on disk; what is in already is skipped, so that a new day costs a day."""
    from darkvoyage.io.store import build_store

    built = build_store(list(ais), store, memory_limit=memory_limit, dialect=dialect, synthetic_ids=synthetic_ids)
    _tell_reading(built)
    click.echo(f"{store}: {len(built)} fixes of {len(built.vessels())} vessels")


@main.command()
@_SOURCES
@_DIALECT
@_IDS
@click.option("--ports", type=click.Path(), help="Ordinary ports: own table, World Port Index, UN/LOCODE, anchorages.")
@click.option("--sightings", type=click.Path(), help="What was seen in imagery.")
@click.option("--scenes", type=click.Path(), help="The images: footprint, time, clear share.")
@click.option("--vessels", type=click.Path(), help="Particulars: deadweight, length, draught.")
@click.option("--watchlist", type=click.Path(), help="Listed ships, joined afterwards; never part of the score.")
@click.option("--config", "config_path", type=click.Path(), help="Options as TOML.")
@click.option("--min-gap-h", default=None, type=float, help="A silence longer than this is a gap [h].")
@_FOLDER
def investigate(
    ais: tuple[str, ...], dialect: str, synthetic_ids: bool, ports: str | None, sightings: str | None,
    scenes: str | None, vessels: str | None, watchlist: str | None, config_path: str | None, min_gap_h: float | None,
    out: Path,
) -> None:  # fmt: skip
    """Run the whole chain and write report.html and one Parquet file per table."""
    from darkvoyage.chain import investigate as run
    from darkvoyage.io.fixes import read_fixes
    from darkvoyage.io.ports import read_ports
    from darkvoyage.io.scenes import read_scenes
    from darkvoyage.io.sightings import read_sightings
    from darkvoyage.io.store import is_store, open_store
    from darkvoyage.io.vessels import read_vessels
    from darkvoyage.io.watchlists import read_watchlist

    config = _config(config_path, min_gap_h)
    with _Stages() as stages:
        stages("read", 0, 1)
        is_one_store = len(ais) == 1 and is_store(ais[0])
        if is_one_store:
            fixes: Any = open_store(ais[0])
        else:
            fixes = read_fixes(list(ais), dialect=dialect, synthetic_ids=synthetic_ids)
        investigation = run(
            fixes,
            ports=read_ports(ports) if ports else None,
            sightings=read_sightings(sightings) if sightings else None,
            scenes=read_scenes(scenes) if scenes else None,
            vessels=read_vessels(vessels) if vessels else None,
            watchlist=read_watchlist(watchlist) if watchlist else None,
            config=config,
            progress=stages,
        )
        stages("report", 0, 1)
        investigation.save(out)
        investigation.report(out / "report.html")
        _write_kml(investigation, out)
    _tell_reading(fixes)
    _summarise(investigation, out)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="HTML file  [default: in the folder]"
)
def report(folder: Path, out: Path | None) -> None:
    """Write the report of a saved investigation again."""
    from darkvoyage.chain import Investigation

    path = Investigation.load(folder).report(out or folder / "report.html")
    click.echo(f"report: {path}")


@main.group()
def bench() -> None:
    """Measure how good and how fast it is."""


@bench.command()
@click.option(
    "-o", "--out", default="bench_accuracy", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option("--tier", default="full", show_default=True, metavar="NAME", help="small: seconds; full: minutes.")
@click.option("--real", multiple=True, metavar="NAME=PATH", help="Real AIS files to hide silences in; may be repeated.")
@click.option("--ports", type=click.Path(), help="Ordinary ports of the --real files: calls there are hidden too.")
@click.option("--real-sets", type=click.Path(path_type=Path), help="List of real sets as TOML.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1), help="Processes.")
def accuracy(
    out: Path, tier: str, real: tuple[str, ...], ports: str | None, real_sets: Path | None, workers: int
) -> None:
    """Judge every link of the chain on simulated worlds and on real tracks with something hidden."""
    from darkvoyage.bench.accuracy import measure_accuracy
    from darkvoyage.bench.pages import headline, write_accuracy
    from darkvoyage.bench.sets import named_sets, read_real_sets

    sets = named_sets(real, ports=ports) + (read_real_sets(real_sets) if real_sets else [])
    with _Stages() as stages:
        measured = measure_accuracy(tier=tier, real_sets=sets, workers=workers, progress=stages)
        page = write_accuracy(out, measured)
    click.echo(headline(measured))
    click.echo(f"accuracy: {page}")


@bench.command()
@click.option("-o", "--out", default="bench_speed", show_default=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--fixes", default=1_000_000, show_default=True, type=int, help="Rows of the simulated feed, about.")
def speed(out: Path, fixes: int) -> None:
    """Time every stage on a simulated feed, beside floors of the same run."""
    from darkvoyage.bench.speed import measure_speed, write_speed

    with _Stages() as stages:
        table = measure_speed(fixes=fixes, progress=stages)
        page = write_speed(out, table)
    for row in table.itertuples():
        click.echo(f"{row.step:<15} {row.rows_per_s:>14,.0f} rows/s")
    click.echo(f"speed: {page}")


class _Stages:
    """A progress bar over the stages, on a terminal only."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(bar_format="{desc:<12} {bar} {elapsed}", disable=not sys.stderr.isatty(), file=sys.stderr)

    def __enter__(self) -> _Stages:
        return self

    def __exit__(self, *problem: object) -> None:
        self._bar.close()

    def __call__(self, stage: str, number: int, total: int) -> None:
        self._bar.total = total
        self._bar.n = number
        self._bar.set_description_str(stage)


def _config(path: str | None, min_gap_h: float | None) -> Any:
    import dataclasses

    from darkvoyage.config import VoyageConfig

    config = VoyageConfig.load(path) if path else VoyageConfig()
    if min_gap_h is None:
        return config
    reception = dataclasses.replace(config.reception, min_gap_h=min(min_gap_h, config.reception.min_gap_h))
    gap = dataclasses.replace(config.gap, min_gap_h=min_gap_h)
    return dataclasses.replace(config, gap=gap, reception=reception)


def _tell_reading(fixes: Any) -> None:
    """One line on what was read and what was not delivered, on stderr."""
    told = fixes.attrs.get("read_report")
    if told is None:
        return
    reasons = ", ".join(f"{count} {name}" for name, count in sorted(told["reasons"].items()))
    left = f"; not delivered: {reasons}" if reasons else ""
    left += f"; {told['late']} came too late" if told.get("late") else ""
    dialects = told["dialect"] if isinstance(told["dialect"], str) else ", ".join(told["dialect"])
    click.echo(f"read {told['rows_out']} of {told['rows_in']} rows ({dialects}){left}", err=True)


def _write_kml(investigation: Any, out: Path) -> None:
    from darkvoyage.io.writers import write_table

    write_table(investigation.gaps, out / "gaps.kml")


def _summarise(investigation: Any, out: Path) -> None:
    """A few lines on what was found, on stdout."""
    gaps, transfers, ledger = investigation.gaps, investigation.transfers, investigation.ledger
    click.echo(f"{len(gaps)} gaps of {gaps['mmsi'].nunique()} ships, {(~gaps['is_closed']).sum()} still open")
    grades = transfers.sort_values("p_transfer", ascending=False).drop_duplicates("gap_id")["evidence_grade"]
    told = [f"{(grades == name).sum()} {name}" for name in ("highly likely", "likely", "possible")]
    click.echo(f"consistent with an undeclared call at a sensitive port: {', '.join(told)}")
    for row in ledger[ledger["port_id"].isna()].dropna(subset="barrels_p50").itertuples():
        click.echo(
            f"{row.period_start:%Y}: {row.barrels_p10:,.0f} / {row.barrels_p50:,.0f} / {row.barrels_p90:,.0f} barrels "
            f"(P10 / P50 / P90), {row.p_exceeds_cap:.0%} to exceed the cap of {row.cap_bbl:,.0f}"
        )
    if investigation.comparison is not None:
        for row in investigation.comparison.itertuples():
            truth = "" if row.true != row.true else f" (true: {row.true:,.0f})"
            click.echo(f"  {row.item}: {row.inferred:,.0f}{truth}")
    click.echo(f"report: {out / 'report.html'}")


if __name__ == "__main__":
    main()
