"""What the page shows of one suspected call: rows of the tables put in the order of a reader's questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from darkvoyage.report.cells import Row, rows_of
from darkvoyage.report.dossier import LINKED
from darkvoyage.report.timeline import Timeline, draw_timeline

__all__ = ["Card", "Evidence", "Hypothesis", "Seen", "make_cards"]

_READINGS, _SEEN = 7, 6
_KINDS = {
    "llr_silence": "Silence",
    "llr_call": "Time and direction",
    "llr_draught": "Draught",
    "llr_sighting": "Imagery: seen",
    "llr_absence": "Imagery: not seen",
    "llr_open": "Openness",
    "llr_ship": "Kind of ship",
}
_LONGEST_BAR = 6.0
"""Evidence of this size [nats] fills a bar: a factor of four hundred."""
_WORTH_A_LOOK = 0.1
_AGAINST = "[against"


@dataclass(frozen=True)
class Hypothesis:
    """One reading of the gap: its PORT_CALLS row, the port's row where it has one, and the length of its bar [%]."""

    row: Row
    port: Row | None
    width: float


@dataclass(frozen=True)
class Seen:
    """A sighting that may show the ship, with its rivals: nobody we know, and the likeliest other gap."""

    link: Row
    sighting: Row | None
    nobody: Row | None
    other: Row | None
    other_vessel: Row | None


@dataclass(frozen=True)
class Evidence:
    """One kind of evidence: words, column of TRANSFERS, whether it speaks for a call, and the length of its bar [%]."""

    words: str
    column: str
    speaks_for: bool
    width: float


@dataclass(frozen=True)
class Card:
    """Everything that is shown of one case; `settle` names the observations that would settle it."""

    case: Row
    transfer: Row
    silence: Row | None
    cargo: Row | None
    hypotheses: list[Hypothesis]
    seen: list[Seen]
    evidence: list[Evidence]
    speaks_for: list[str]
    speaks_against: list[str]
    innocent: list[str]
    settle: list[str]
    timeline: Timeline | None


def make_cards(tables: Mapping[str, pd.DataFrame], *, most: int) -> list[Card]:
    """Gather the cards of the most probable cases.

    Parameters
    ----------
    tables : mapping of lower-case table name to DataFrame
        Complete tables with `cases`.
    most : int
        Cards at most.

    Returns
    -------
    list of Card
        In the order of `cases`.
    """
    cases = tables["cases"].head(most)
    book = _Book(tables, cases["gap_id"])
    return [book.card(row) for row in rows_of("cases", cases)]


class _Book:
    """Rows of the tables by what they are looked up with, cut to the gaps that get a card."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], gap_ids: pd.Series) -> None:
        links, calls = tables["links"], tables["port_calls"]
        ours = links["gap_id"].isin(gap_ids)
        rivals = links["sighting_id"].isin(links.loc[ours, "sighting_id"].dropna())
        links = links[ours | rivals].sort_values(["p_link", "gap_id"], ascending=[False, True], kind="stable")
        calls = calls[calls["gap_id"].isin(gap_ids)].sort_values(
            ["p_call", "hypothesis", "port_id"], ascending=[False, True, True], kind="stable"
        )
        pairs = links[links["sighting_id"].notna()]
        absent = links[links["sighting_id"].isna() & links["gap_id"].isin(gap_ids)]
        self.transfers = _one(_part(tables, "transfers", gap_ids), "gap_id", "port_id")
        self.silences = _one(_part(tables, "silences", gap_ids), "gap_id")
        self.cargo = _one(_part(tables, "cargo", gap_ids), "gap_id", "port_id")
        self.calls = _many(rows_of("port_calls", calls), "gap_id")
        self.links = _many(rows_of("links", pairs), "gap_id")
        self.by_sighting = _many(rows_of("links", pairs), "sighting_id")
        self.absent = _many(rows_of("links", absent), "gap_id", "port_id")
        self.ports = _one(rows_of("ports", tables["ports"]), "port_id")
        seen = tables["sightings"]
        self.sightings = _one(rows_of("sightings", seen[seen["sighting_id"].isin(pairs["sighting_id"])]), "sighting_id")
        scenes = tables["scenes"]
        self.scenes = _one(rows_of("scenes", scenes[scenes["scene_id"].isin(absent["scene_id"])]), "scene_id")
        owners = tables["gaps"][tables["gaps"]["gap_id"].isin(pairs["gap_id"])]
        self.owners = dict(zip(owners["gap_id"].tolist(), owners["mmsi"].tolist(), strict=True))
        ships = tables["vessels"][tables["vessels"]["mmsi"].isin(owners["mmsi"])]
        self.vessels = _one(rows_of("vessels", ships), "mmsi")

    def card(self, case: Row) -> Card:
        gap_id, place = case.values["gap_id"], (case.values["gap_id"], case.values["port_id"])
        transfer = self.transfers[place]
        seen = [self._seen(link) for link in self.links.get(gap_id, [])[:_SEEN]]
        told = transfer.sentences("reasons")
        silence, cargo = self.silences.get(gap_id), self.cargo.get(place)
        return Card(
            case=case,
            transfer=transfer,
            silence=silence,
            cargo=cargo,
            hypotheses=self._hypotheses(case),
            seen=seen,
            evidence=_evidence(transfer),
            speaks_for=[html for text, html in told if _AGAINST not in text],
            speaks_against=[html for text, html in told if _AGAINST in text],
            innocent=[html for _, html in transfer.sentences("innocent_explanations")],
            settle=_settle(case, silence, seen),
            timeline=draw_timeline(case, self._marks(place, seen)),
        )

    def _hypotheses(self, case: Row) -> list[Hypothesis]:
        """The likeliest readings, the case's own port among them."""
        rows = self.calls.get(case.values["gap_id"], [])
        own = [row for row in rows[_READINGS:] if row.raw("port_id") == case.values["port_id"]]
        return [
            Hypothesis(row, self.ports.get(row.raw("port_id")), 100.0 * float(row.raw("p_call") or 0.0))
            for row in rows[:_READINGS] + own
        ]

    def _seen(self, link: Row) -> Seen:
        rivals = [
            row for row in self.by_sighting[link.values["sighting_id"]] if row.values["gap_id"] != link.values["gap_id"]
        ]
        nobody = next((row for row in rivals if not row.has("gap_id")), None)
        other = next((row for row in rivals if row.has("gap_id")), None)
        vessel = self.vessels.get(self.owners.get(other.values["gap_id"])) if other else None
        return Seen(link, self.sightings.get(link.values["sighting_id"]), nobody, other, vessel)

    def _marks(self, place: tuple[object, object], seen: Iterable[Seen]) -> list[tuple[str, pd.Timestamp]]:
        """Looks at the whereabouts of the ship of a gap and at a port: "seen", "maybe" or "empty", with their times."""
        marks = [
            ("seen" if float(item.link.raw("p_link") or 0.0) >= LINKED else "maybe", item.sighting.raw("timestamp"))
            for item in seen
            if item.sighting is not None
        ]
        scenes = {row.raw("scene_id") for row in self.absent.get(place, [])}
        marks += [("empty", self.scenes[name].raw("timestamp")) for name in sorted(scenes & set(self.scenes))]
        return sorted(marks, key=lambda mark: (mark[1], mark[0]))


def _part(tables: Mapping[str, pd.DataFrame], name: str, gap_ids: pd.Series) -> list[Row]:
    return rows_of(name, tables[name][tables[name]["gap_id"].isin(gap_ids)])


def _one(rows: Iterable[Row], *columns: str) -> dict[object, Row]:
    """First row by the values of its columns (a single value, or a tuple of several)."""
    out: dict[object, Row] = {}
    for row in rows:
        names = tuple(row.values[column] for column in columns)
        out.setdefault(names if len(columns) > 1 else names[0], row)
    return out


def _many(rows: Iterable[Row], *columns: str) -> dict[object, list[Row]]:
    """All rows by the values of their columns, as `_one`; rows without one of them are left out."""
    out: dict[object, list[Row]] = {}
    for row in rows:
        if all(row.has(column) for column in columns):
            names = tuple(row.values[column] for column in columns)
            out.setdefault(names if len(columns) > 1 else names[0], []).append(row)
    return out


def _evidence(transfer: Row) -> list[Evidence]:
    """Every kind of evidence that says anything; kinds without a word of their own under their column's name."""
    columns = [name for name in transfer.values if name.startswith("llr_") and name != "llr_total"]
    known = [(name, float(transfer.raw(name))) for name in columns if transfer.has(name)]
    return [
        Evidence(
            _KINDS.get(name, name.removeprefix("llr_").replace("_", " ").capitalize()),
            name,
            value > 0,
            min(abs(value) / _LONGEST_BAR, 1.0) * 50.0,
        )
        for name, value in known
        if abs(value) > 1e-9
    ]


def _settle(case: Row, silence: Row | None, seen: list[Seen]) -> list[str]:
    """Which observations would settle the case, by what the tables lack."""
    linked = [item for item in seen if float(item.link.raw("p_link") or 0.0) >= LINKED]
    wants = [
        ("imagery", not linked),
        ("hull", any(item.sighting is not None and not item.sighting.has("length_m") for item in linked)),
        ("second_look", any(float(item.link.raw("p_link") or 0.0) >= _WORTH_A_LOOK for item in seen)),
        ("first_fix", not case.has("gap_end")),
        ("reception", silence is not None and silence.raw("reason") in ("coverage_unverified", "reception_poor")),
        ("draught", not (case.has("start_draught_m") and case.has("end_draught_m"))),
        ("capacity", not case.has("dwt_t")),
    ]
    return [name for name, wanted in wants if wanted]
