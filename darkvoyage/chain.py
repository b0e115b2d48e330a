"""The whole chain: the one module that knows all stages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from darkvoyage.cargo.ledger import quota_ledger
from darkvoyage.cargo.volumes import estimate_cargo
from darkvoyage.config import VoyageConfig
from darkvoyage.errors import ReadError
from darkvoyage.gaps.find import find_gaps, usable_rows
from darkvoyage.gaps.reception import fit_reception
from darkvoyage.gaps.silence import score_silence
from darkvoyage.io.ports import sensitive_ports
from darkvoyage.linking.associate import link_sightings
from darkvoyage.reach.history import fleet_history
from darkvoyage.reach.meetings import find_dark_meetings
from darkvoyage.reach.places import merge_ports
from darkvoyage.reach.port_calls import find_port_calls
from darkvoyage.schema.conform import conform, empty
from darkvoyage.schema.tables import SCENES, SIGHTINGS
from darkvoyage.scoring.rules import score_transfers
from darkvoyage.screening import screen
from darkvoyage.tracks.cleaning import clean_fixes
from darkvoyage.tracks.integrity import find_untrusted, mark_untrusted
from darkvoyage.tracks.loitering import find_loitering
from darkvoyage.tracks.made_good import add_made_good
from darkvoyage.tracks.particulars import merge_particulars, particulars

__all__ = ["Investigation", "investigate"]

Progress = Callable[[str, int, int], None]

_STAGES = (
    "clean", "integrity", "gaps", "reception", "silence", "history", "meetings", "port calls", "links", "transfers",
    "cargo", "ledger",
)  # fmt: skip
_COUNTED = 0.001
"""Transfers less likely than this are left out of the cargo estimate: together they would add less than their number
in thousandths of a call."""
_SCREENED = 0.2


@dataclass(frozen=True)
class Investigation:
    """What an investigation found, table by table.

    Parameters
    ----------
    gaps, silences, port_calls, transfers, cargo, ledger : DataFrame
        See the tables of the same name.
    links : DataFrame or None
        None where neither sightings nor scenes were given.
    screening : DataFrame or None
        None where no watchlist was given.
    ports, vessels : DataFrame
        As used: given and bundled ports merged, given and self-reported particulars merged.
    sightings, scenes : DataFrame or None
        As given.
    flags : DataFrame
        What cleaning found: `flag`, `fixes`; null flag = usable.
    sources : DataFrame
        Files read: `path`, `sha256`, `bytes`, `rows`, `dialect`.
    config : VoyageConfig
    notes : tuple of str
        Sentences that belong on the first page, such as that all ships are fictional.
    comparison : DataFrame or None
        Only where the truth is known: `item`, `inferred`, `true`, `note`.
    untrusted, history, loitering, meetings : DataFrame or None
        Stretches whose positions or identities are not to be believed, what the fleet did in the open, ships that
        lingered, and ships that could have met in the dark; see the tables UNTRUSTED, HISTORY, LOITERING and
        DARK_MEETINGS. None in investigations saved before they were kept.
    """

    gaps: pd.DataFrame
    silences: pd.DataFrame
    port_calls: pd.DataFrame
    links: pd.DataFrame | None
    transfers: pd.DataFrame
    cargo: pd.DataFrame
    ledger: pd.DataFrame
    screening: pd.DataFrame | None
    ports: pd.DataFrame
    vessels: pd.DataFrame
    sightings: pd.DataFrame | None
    scenes: pd.DataFrame | None
    flags: pd.DataFrame
    sources: pd.DataFrame
    config: VoyageConfig = field(default_factory=VoyageConfig)
    notes: tuple[str, ...] = ()
    comparison: pd.DataFrame | None = None
    untrusted: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    loitering: pd.DataFrame | None = None
    meetings: pd.DataFrame | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, with those that the report derives: `cases`, `summary` and `cumulative`."""
        from darkvoyage.report.dossier import case_table, cumulative_barrels, summarise

        given = {item.name: getattr(self, item.name) for item in fields(self)}
        tables = {name: value for name, value in given.items() if isinstance(value, pd.DataFrame)}
        tables["cases"] = case_table(tables)
        tables["summary"] = summarise(tables)
        tables["cumulative"] = cumulative_barrels(tables)
        return tables

    def save(self, folder: str | Path) -> Path:
        """Write one Parquet file per table, the options as TOML and the notes as JSON.

        Parameters
        ----------
        folder : path
            Made if it does not exist.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        ReadError
            The folder cannot be written to.
        """
        target = Path(folder)
        try:
            target.mkdir(parents=True, exist_ok=True)
            for name, table in self.tables().items():
                table.to_parquet(target / f"{name}.parquet", index=False)
            self.config.save(target / "config.toml")
            (target / "notes.json").write_text(json.dumps(list(self.notes), ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            raise ReadError(f"{target}: cannot be written ({error})") from error
        return target

    @classmethod
    def load(cls, folder: str | Path) -> Investigation:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : path

        Returns
        -------
        Investigation

        Raises
        ------
        ReadError
            The folder does not hold an investigation.
        """
        source = Path(folder)
        loaded: dict[str, Any] = {}
        try:
            for item in fields(cls):
                path = source / f"{item.name}.parquet"
                if path.exists():
                    loaded[item.name] = _read_table(path, item.name)
            notes = tuple(json.loads((source / "notes.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ReadError(f"{source}: not a saved investigation ({error})") from error
        optional = {"links": None, "screening": None, "sightings": None, "scenes": None}
        return cls(**(optional | loaded), config=VoyageConfig.load(source / "config.toml"), notes=notes)

    def report(self, path: str | Path) -> Path:
        """Write the report: one self-contained HTML page.

        Parameters
        ----------
        path : path
            File to write.

        Returns
        -------
        Path
            The file.
        """
        from darkvoyage.report.page import write_report

        return write_report(path, self.tables(), config_toml=self.config.to_toml(), notes=self.notes)

    def explore(self) -> Any:
        """Show gaps, sensitive ports and sightings on an interactive map (needs a network for its background).

        Returns
        -------
        folium.Map
        """
        from darkvoyage.report.explore import explore_map

        return explore_map(self.tables())


def investigate(
    fixes: Any, *, ports: Any = None, sightings: Any = None, scenes: Any = None, vessels: Any = None,
    watchlist: Any = None, config: VoyageConfig | None = None, progress: Progress | None = None,
) -> Investigation:  # fmt: skip
    """Run the whole chain, from fixes to the ledger.

    Parameters
    ----------
    fixes : FIXES table
        All vessels of the region: the innocent ones are the witnesses of reception.
    ports : PORTS table, optional
        Ordinary ports, merged with the bundled sensitive list; None: the bundled list alone.
    sightings : SIGHTINGS table, optional
    scenes : SCENES table, optional
    vessels : VESSELS table, optional
        Particulars; completed with what the ships report themselves.
    watchlist : WATCHLIST table, optional
    config : VoyageConfig, optional
    progress : callable, optional
        Called with the stage's name, its number from 0 and the number of stages.

    Returns
    -------
    Investigation

    Raises
    ------
    SchemaError
        A table is not what it should be.
    """
    config = config or VoyageConfig()
    stage = _teller(progress)
    stage("clean")
    sources = _sources(fixes)
    cleaned = clean_fixes(fixes, rule=config.clean)
    ships = particulars(cleaned)
    ships = ships if vessels is None else merge_particulars(vessels, ships)
    places = sensitive_ports() if ports is None else merge_ports(ports, sensitive_ports())
    stage("integrity")
    untrusted = find_untrusted(cleaned, vessels=ships, rule=config.integrity)
    cleaned = mark_untrusted(cleaned, untrusted, rule=config.integrity, clean=config.clean)
    stage("gaps")
    heard = cleaned.loc[usable_rows(cleaned), "timestamp"]
    gaps = find_gaps(cleaned, rule=config.gap, as_of=heard.max() if len(heard) else None)
    gaps = add_made_good(gaps, cleaned)
    stage("reception")
    reception = fit_reception(cleaned, rule=config.reception)
    stage("silence")
    silences = score_silence(gaps, reception)
    stage("history")
    history = fleet_history(cleaned, ports=places, rule=config.history)
    stage("meetings")
    loitering = find_loitering(cleaned, rule=config.loitering, ports=places)
    meetings = find_dark_meetings(
        gaps, loitering=loitering, fixes=cleaned, ports=places, vessels=ships, history=history, silences=silences,
        rule=config.meeting,
    )  # fmt: skip
    stage("port calls")
    port_calls = find_port_calls(gaps, places, vessels=ships, history=history, meetings=meetings, rule=config.port)
    stage("links")
    links = None
    if sightings is not None or scenes is not None:
        seen = empty(SIGHTINGS) if sightings is None else sightings
        links = link_sightings(gaps, seen, scenes=scenes, fixes=cleaned, ports=places, vessels=ships, rule=config.link)
    stage("transfers")
    transfers = score_transfers(
        gaps, silences=silences, port_calls=port_calls, links=links, vessels=ships, rule=config.score
    )
    stage("cargo")
    counted = transfers[transfers["p_transfer"] >= _COUNTED].reset_index(drop=True)
    cargo = estimate_cargo(counted, gaps=gaps, vessels=ships, sightings=sightings, rule=config.cargo)
    stage("ledger")
    # Gaps of tracked ships are found on cloudy days too, so the ledger needs no correction for days without a view.
    ledger = quota_ledger(cargo, cap_bbl=config.cap_bbl)
    return Investigation(
        gaps=gaps,
        silences=silences,
        port_calls=port_calls,
        links=links,
        transfers=transfers,
        cargo=cargo,
        ledger=ledger,
        screening=None if watchlist is None else _screen(transfers, ships, watchlist),
        ports=places,
        vessels=ships,
        sightings=None if sightings is None else conform(sightings, SIGHTINGS),
        scenes=None if scenes is None else conform(scenes, SCENES),
        flags=cleaned["flag"].value_counts(dropna=False).rename_axis("flag").rename("fixes").reset_index(),
        sources=sources,
        config=config,
        untrusted=untrusted,
        history=history,
        loitering=loitering,
        meetings=meetings,
    )


def _teller(progress: Progress | None) -> Callable[[str], None]:
    """Report a stage by its name, with its number and how many there are; nothing where nobody listens."""
    return lambda name: progress(name, _STAGES.index(name), len(_STAGES)) if progress else None


def _screen(transfers: pd.DataFrame, ships: pd.DataFrame, watchlist: Any) -> pd.DataFrame:
    """Screen the ships of transfers that are at least possible, with the names they report."""
    asked = transfers[transfers["p_transfer"] >= _SCREENED].reset_index(drop=True)
    return screen(asked.assign(name=asked["mmsi"].map(ships.set_index("mmsi")["name"])), watchlist)


def _sources(fixes: Any) -> pd.DataFrame:
    """Files behind the fixes, from the read report that travels with them."""
    report = (getattr(fixes, "attrs", None) or {}).get("read_report", {})
    rows = [
        {
            "path": Path(str(source.get("path", ""))).name,
            "sha256": source.get("sha256"),
            "bytes": source.get("bytes"),
            "rows": source.get("rows"),
            "dialect": str(source.get("dialect", report.get("dialect", ""))),
        }
        for source in report.get("sources", [])
    ]
    return pd.DataFrame(rows, columns=["path", "sha256", "bytes", "rows", "dialect"]).astype(
        {"path": "str", "sha256": "str", "bytes": "Int64", "rows": "Int64", "dialect": "str"}
    )


def _read_table(path: Path, name: str) -> pd.DataFrame:
    table = pd.read_parquet(path)
    if name == "transfers":
        for column in ("reasons", "innocent_explanations", "sighting_ids"):
            table[column] = table[column].map(list).astype(object)
    return table
