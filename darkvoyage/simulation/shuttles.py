"""The ships that hide: ordinary coasting in the open, and what they do unheard.

After the published facts about Vostochny in 2024: calls by small tankers that come empty and leave almost full, their
signal cut before and after berthing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from darkvoyage.simulation.behaviours import feign
from darkvoyage.simulation.diary import ANCHORED, MOORED, SLOT_S, SLOTS_PER_DAY, SLOTS_PER_H, Diary, Event, Log
from darkvoyage.simulation.plans import Meeting, Plan
from darkvoyage.simulation.presets import Hiding
from darkvoyage.simulation.sea import Sea, make_path
from darkvoyage.simulation.ship import Ship
from darkvoyage.simulation.voyages import BERTH_SPREAD_NM, ROADS_SPREAD_NM, announce, arrive, way_out
from darkvoyage.units import BBL_PER_M3

__all__ = ["hiding_logs"]

Span = tuple[int, int]
"""First slot, and the one after the last."""
Place = tuple[float, float]

_CARGO_SHARE_OF_DWT = 0.95
_HISTORY_D = 12.0
_SPARE_SHARE = 1.25
"""Time allowed for a passage to a meeting, over the passage itself."""
_SHORTEST_MEETING_H = 4.0
"""A ship that comes later than this before the end of a meeting has missed it [h]."""


def hiding_logs(
    ships: list[Ship], sea: Sea, rules: Hiding, own: list[np.random.Generator], plans: list[list[Plan]], last: int
) -> list[Log]:
    """Everything that one or two hiding ships do, and the truth about it.

    Parameters
    ----------
    ships : list of Ship
        Two that meet, or one.
    sea : Sea
    rules : Hiding
    own : list of Generator
        One for each ship.
    plans : list of list of Plan
    last : int
        Slot at which the feed ends.

    Returns
    -------
    list of Log
    """
    logs: list[Log] = []
    met: dict[Meeting, Span] = {}
    for ship, rng, mine in zip(ships, own, plans, strict=True):
        begin = -round(float(rng.uniform(0.0, _HISTORY_D)) * SLOTS_PER_DAY)
        crew = _Crew(Diary(ship, sea, rng, begin), rules, logs[0] if logs else None, met)
        for plan in mine:
            crew.carry_out(plan)
        crew.coast(last + 1)
        met = crew.met
        logs.append(feign(crew.diary.close(0, last), sea, rng))
    _settle(logs, met, rules, own[-1])
    return logs


class _Crew:
    """One crew at its business: its diary, where the ship lies, and which meetings came about.

    The second of a pair has the log of its partner, and goes by the times at which that one was there.
    """

    def __init__(self, diary: Diary, rules: Hiding, partner: Log | None, agreed: dict[Meeting, Span]) -> None:
        self.diary, self.rules, self.partner, self.agreed = diary, rules, partner, agreed
        self.rng, self.sea, self.ship = diary.rng, diary.sea, diary.ship
        self.met: dict[Meeting, Span] = {}
        self.port = str(self.rng.choice(self.ship.ports))
        announce(self.diary, self.port, False, self.rules.draught, self.rules.destination)
        self.diary.stay(self.sea.roads_of(self.port), float(self.rng.uniform(2, 20)), ANCHORED)

    def carry_out(self, plan: Plan) -> None:
        """Do what was planned for a day."""
        if plan.meeting is not None:
            self.meet(plan.day, plan.meeting)
            return
        self.coast(round(plan.day * SLOTS_PER_DAY))
        if plan.kind == "off_no_call":
            self.vanish_on_passage()
        elif plan.kind == "off_wait":
            self.wait_unheard()
        else:
            self.call(str(plan.port), plan.kind)

    def coast(self, until: int) -> None:
        """Wait and sail between the ports where the ship trades in the open, until a slot."""
        diary, rng = self.diary, self.rng
        while diary.now < until:
            left = (until - diary.now) / SLOTS_PER_H
            target = self.other_port()
            passage = self.sea.route_nm(self.port, target) / self.ship.speed_kn * 1.3 + 60.0
            if rng.random() < 0.45 or left < passage:
                self.lie(left)
                continue
            announce(diary, target, bool(rng.random() < 0.5), self.rules.draught, self.rules.destination)
            wait = min(float(rng.exponential(15.0)), 45.0) if rng.random() < 0.4 else 0.0
            arrive(diary, self.port, target, wait_h=wait)
            self.port = target

    def other_port(self) -> str:
        names, weights = zip(*[row for row in self.sea.dark_ports if row[0] != self.port], strict=True)
        return str(self.rng.choice(names, p=np.array(weights) / sum(weights)))

    def lie(self, most_h: float) -> None:
        """At a berth or in the roads for a day or more, but no longer than `most_h`."""
        rng, sea = self.rng, self.sea
        if rng.random() < 0.4:
            place, mode = self.diary.spot(sea.place_of(self.port), BERTH_SPREAD_NM), MOORED
        else:
            place, mode = self.diary.spot(sea.roads_of(self.port), ROADS_SPREAD_NM), ANCHORED
        hours = max(min(float(rng.lognormal(np.log(50.0), 0.6)), most_h), 1.0)
        self.diary.stay(place, most_h if most_h - hours < 10.0 else hours, mode)

    def call(self, terminal: str, kind: str) -> None:
        """To the terminal in ballast, load, and back laden; the silence is chosen on the way."""
        diary, rng, rules, ship = self.diary, self.rng, self.rules, self.ship
        announce(diary, terminal, False, rules.draught, rules.destination)
        begin, wait = diary.now, 0.0
        if rng.random() < rules.wait_share:
            wait = min(max(float(rng.exponential(rules.wait_mean_h)), 1.0), rules.wait_max_h)
        berth, there = arrive(diary, self.port, terminal, wait_h=wait)
        moored = diary.now
        diary.stay(berth, float(rng.uniform(*rules.load_h)), MOORED)
        leave = diary.now
        loaded = bool(rng.random() >= rules.empty_share)
        # Alongside, a ship looks light in the first half and deep in the second.
        diary.carry(loaded, since=(moored + leave) // 2)
        origin, self.port = terminal, self.other_port()
        reports = announce(diary, self.port, loaded, rules.draught, rules.destination)
        hold = float(rng.uniform(*rules.hold_h)) if rng.random() < rules.hold_share else 0.0
        quay, _ = arrive(diary, origin, self.port, wait_h=0.0, stop_h=hold)
        home = diary.now
        diary.stay(quay, float(rng.uniform(24, 80)), MOORED)
        diary.carry(False, since=(home + diary.now) // 2)
        if kind == "open_call":
            return
        off, on = _cut(rng, begin, there, leave, home)
        cargo, barrels = _cargo(ship.dwt_t, rules, rng) if loaded else (0.0, 0.0)
        diary.events.append(
            Event(
                kind, off, on, kind == "dark_call", terminal, self.sea.place_of(terminal), moored * SLOT_S,
                leave * SLOT_S, None, loaded, cargo, barrels, *reports,
            )
        )  # fmt: skip

    def vanish_on_passage(self) -> None:
        """An ordinary voyage, part of it unheard, with no call on the way."""
        diary, rng, target = self.diary, self.rng, self.other_port()
        reports = announce(diary, target, bool(rng.random() < 0.5), self.rules.draught, self.rules.destination)
        begin = diary.now
        quay, _ = arrive(diary, self.port, target, wait_h=0.0, stop_h=0.0)
        off, on = np.sort(begin + (diary.now - begin) * rng.uniform([0.03, 0.6], [0.4, 0.97])) * SLOT_S
        diary.stay(quay, float(rng.uniform(24, 60)), MOORED)
        self.port = target
        diary.events.append(_without_call("off_no_call", float(off), float(on), (np.nan, np.nan), reports))

    def wait_unheard(self) -> None:
        """Out to sea, or to the roads, silent and adrift or at anchor for a day or two, and back: no call."""
        diary, rng, sea = self.diary, self.rng, self.sea
        near = sorted(sea.hubs, key=lambda hub: sea.route_nm(self.port, hub))[:3]
        at_sea = bool(rng.random() < 0.6)
        turns = sea.corners(self.port, str(rng.choice(near)))
        place = (
            (float(turns[-1, 0]), float(turns[-1, 1]))
            if at_sea
            else diary.spot(sea.roads_of(self.port), ROADS_SPREAD_NM)
        )
        if at_sea:
            diary.sail(make_path(turns))
        off = diary.now * SLOT_S - rng.uniform(0.5, 5.0) * 3600
        if at_sea:
            diary.drift(float(rng.uniform(18, 70)))
        else:
            diary.stay(place, float(rng.uniform(18, 70)), ANCHORED)
        on = diary.now * SLOT_S + rng.uniform(0.2, 4.0) * 3600
        if at_sea:
            diary.sail(make_path(turns[::-1]))
        diary.stay(sea.roads_of(self.port), float(rng.uniform(12, 40)), ANCHORED)
        diary.events.append(_without_call("off_wait", float(off), float(on), place, None))

    def meet(self, day: float, meeting: Meeting) -> None:
        """Out to the place, alongside the partner, and back."""
        diary, rng, rules, me = self.diary, self.rng, self.rules, int(self.partner is not None)
        self.go_in_time(day, meeting)
        path = way_out(self.sea, self.port, meeting.place)
        announce(diary, self.port, meeting.giver == me, rules.draught, rules.destination)
        begin = diary.now
        diary.sail(make_path(path))
        there = diary.now
        alongside = self.lie_alongside(meeting) if self.partner is None else self.join(meeting, self.partner)
        leave = diary.now
        reports = announce(diary, self.port, meeting.giver != me, rules.draught, rules.destination)
        diary.sail(make_path(path[::-1]))
        diary.stay(self.sea.roads_of(self.port), float(rng.uniform(24, 60)), ANCHORED)
        off = float((begin + rng.uniform(0.4, 0.95) * (there - begin)) * SLOT_S)
        on = float(leave * SLOT_S + rng.uniform(1.0, 12.0) * 3600)
        if alongside is None:
            diary.events.append(_without_call("off_wait", off, on, meeting.place, reports))
            return
        self.met[meeting] = alongside
        if not meeting.dark[me]:
            # Its transmitter was never off: a silence of no length.
            off = on = float(alongside[0] * SLOT_S)
        diary.events.append(
            Event(
                "dark_meeting", off, on, meeting.dark[me], meeting.port_id, meeting.place, alongside[0] * SLOT_S,
                alongside[1] * SLOT_S, None, meeting.giver != me, np.nan, np.nan, *reports,
            )
        )  # fmt: skip

    def go_in_time(self, day: float, meeting: Meeting) -> None:
        """Coast until it is time to leave for a meeting: on the day, or early enough for a partner who is there."""
        diary, sea, speed = self.diary, self.sea, self.ship.speed_kn
        if self.partner is None:
            self.coast(round(day * SLOTS_PER_DAY))
            return
        start = self.agreed[meeting][0]
        far = max(sea.route_nm(port, sea.nearest_hub(*meeting.place)) for port in self.ship.ports)
        self.coast(start - round((far / speed * _SPARE_SHARE + 30.0) * SLOTS_PER_H))
        passage = make_path(way_out(sea, self.port, meeting.place)).along_nm[-1] / speed * _SPARE_SHARE
        spare = (start - diary.now) / SLOTS_PER_H - passage - float(self.rng.uniform(2, 8))
        if spare > 0:
            diary.stay(sea.roads_of(self.port), spare, ANCHORED)

    def lie_alongside(self, meeting: Meeting) -> Span:
        """Wait for the partner, and then lie with it."""
        self.diary.stay(meeting.place, float(self.rng.uniform(4, 12)), ANCHORED)
        begin = self.diary.now
        self.diary.stay(meeting.place, meeting.hours, ANCHORED)
        return begin, self.diary.now

    def join(self, meeting: Meeting, partner: Log) -> Span | None:
        """Come alongside the partner who waits there, if it still does."""
        diary, (begin, end) = self.diary, self.agreed[meeting]
        if diary.now > end - _SHORTEST_MEETING_H * SLOTS_PER_H:
            diary.stay(meeting.place, float(self.rng.uniform(3, 8)), ANCHORED)
            return None
        if diary.now < begin:
            diary.stay(diary.spot(meeting.place, ROADS_SPREAD_NM), (begin - diary.now) / SLOTS_PER_H, ANCHORED)
        begin = diary.now
        diary.beside(partner, end)
        return begin, end


def _settle(logs: list[Log], met: dict[Meeting, Span], rules: Hiding, rng: np.random.Generator) -> None:
    """Complete the truth of the meetings of a pair, once both have told when they were there."""
    ends = {float(end * SLOT_S): float(begin * SLOT_S) for begin, end in met.values()}
    dwt = min(log.ship.dwt_t for log in logs)
    cargoes = {end: _cargo(dwt, rules, rng) for end in sorted(ends)}
    for log, other in zip(logs, reversed(logs), strict=True):
        for place, event in enumerate(log.events):
            if event.kind != "dark_meeting":
                continue
            if event.depart_s not in ends:
                # Nobody came.
                log.events[place] = replace(
                    event, kind="off_wait", port_id=None, arrive_s=np.nan, depart_s=np.nan, loaded=None
                )  # fmt: skip
                continue
            cargo, barrels = cargoes[event.depart_s]
            log.events[place] = replace(
                event, arrive_s=ends[event.depart_s], other_mmsi=other.ship.mmsi, cargo_t=cargo, barrels=barrels
            )


def _without_call(kind: str, off_s: float, on_s: float, place: Place, reports: tuple[str, str] | None) -> Event:
    draught, destination = reports or (None, None)
    return Event(kind, off_s, on_s, place=place, draught_report=draught, destination_report=destination)


def _cargo(dwt_t: float, rules: Hiding, rng: np.random.Generator) -> tuple[float, float]:
    """Cargo [t] and its volume [bbl]."""
    mean, spread, least, most = rules.fill
    fill = float(rng.normal(mean, spread))
    while not least <= fill <= most:
        fill = float(rng.normal(mean, spread))
    cargo = fill * _CARGO_SHARE_OF_DWT * dwt_t
    return round(cargo, 1), round(cargo / float(rng.normal(*rules.t_per_m3)) * BBL_PER_M3)


def _cut(rng: np.random.Generator, begin: int, there: int, leave: int, home: int) -> tuple[float, float]:
    """When the transmitter goes off and comes on again [s]: in port, on passage, or close to the terminal."""
    where = rng.random()
    if where < 0.4:
        off = begin * SLOT_S - rng.uniform(0.5, 8.0) * 3600
    else:
        share = rng.uniform(0.05, 0.60) if where < 0.8 else rng.uniform(0.60, 0.92)
        off = (begin + share * (there - begin)) * SLOT_S
    where = rng.random()
    if where < 0.35:
        on = home * SLOT_S + rng.uniform(0.5, 10.0) * 3600
    else:
        share = rng.uniform(0.35, 0.95) if where < 0.8 else rng.uniform(0.08, 0.35)
        on = (leave + share * (home - leave)) * SLOT_S
    return float(off), float(on)
