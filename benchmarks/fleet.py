"""Made-up traffic of any length: fictional ships at ship speed, silences, and what goes wrong in real feeds.

The traffic is drawn slice by slice of time, each with a seed of its own, so that memory does not grow with it.
"""

import dataclasses

import numpy as np

from darkvoyage.kernels.spans import expand

START_S = 1_709_769_600  # 2024-03-07
SIZES = ((1_000_000, 5_000, 1.0), (10_000_000, 10_000, 1.0), (50_000_000, 12_000, 5.0))
"""Up to so many rows: so many vessels, over so many days."""
SLICE_ROWS = 1 << 17
SEED = 20240307

FAULTS = ("none", "no_position", "out_of_range", "bad_mmsi", "base_station", "aid", "spike", "broken")
NONE, NO_POSITION, OUT_OF_RANGE, BAD_MMSI, BASE_STATION, AID, SPIKE, BROKEN = range(len(FAULTS))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mess:
    """What is wrong with a dump.

    Parameters
    ----------
    duplicate : float
        Share of rows that come twice.
    no_position, out_of_range, bad_mmsi, base_station, aid, spike, broken : float
        Shares of rows with the fault: 91/181, a latitude beyond the pole, a placeholder for an MMSI, sent by a base
        station or an aid to navigation, degrees away from the ship, a line cut short.
    late_minutes, late_hours : float
        Shares of rows that arrive a minute late on average, and 1 to 6 h late.
    shared : float
        Share of ships that use another ship's MMSI.
    """

    duplicate: float = 0.0
    no_position: float = 0.0
    out_of_range: float = 0.0
    bad_mmsi: float = 0.0
    base_station: float = 0.0
    aid: float = 0.0
    spike: float = 0.0
    broken: float = 0.0
    late_minutes: float = 0.0
    late_hours: float = 0.0
    shared: float = 0.0


_USUAL = Mess(
    duplicate=0.006, no_position=0.012, out_of_range=0.002, bad_mmsi=0.004, base_station=0.003, aid=0.003, spike=0.0005
)
MESSES = {
    "clean": Mess(),
    "usual": _USUAL,
    "dirty": dataclasses.replace(_USUAL, broken=2e-4, late_minutes=0.002, late_hours=1e-4, shared=0.002),
}
"""`usual` is ordered and every line has all its fields; `dirty` adds what makes readers stumble."""


class Fleet:
    """Fictional ships: what they say of themselves, how they go to and fro, when they are silent; arrays by vessel.

    Parameters
    ----------
    vessels : int
    days : float
    rows : int
        Fixes of all ships together over that time, nearly.
    mess : Mess
    seed : int
    """

    def __init__(self, vessels, days, rows, mess, seed):
        rng = np.random.default_rng([seed, vessels])
        self.span_s = days * 86400.0
        self.mmsi = 201_000_000 + rng.permutation(574_000)[:vessels] * 1000 + rng.integers(0, 1000, vessels)
        shared = np.flatnonzero(rng.random(vessels) < mess.shared)
        self.mmsi[shared] = self.mmsi[shared - 1]
        self.class_b = rng.random(vessels) < 0.25
        moored = rng.random(vessels) < 0.3
        self.moored = moored
        self.speed_kn = np.where(moored, 0.0, np.clip(rng.normal(12, 4, vessels), 3, 22))
        self.lat, self.lon = rng.uniform(-55, 65, vessels), rng.uniform(-180, 180, vessels)
        self.course, self.leg_nm = rng.uniform(0, 360, vessels), rng.uniform(20, 200, vessels)
        self.offset_nm = rng.uniform(0, 400, vessels)
        self.has_heading = rng.random(vessels) < 0.7
        self.silences = [
            _silences(rng, vessels, days, cycle_h=24, share=0.2, shortest_h=1, longest_h=6),
            _silences(rng, vessels, days, cycle_h=48, share=0.4, shortest_h=6, longest_h=40),
        ]
        on_air = 1.0 - sum((end - begin).mean() / cycle for cycle, begin, end in self.silences)
        pace = np.exp(rng.normal(0, 0.5, vessels))
        self.step_s = self.span_s / (rows / on_air * pace / pace.sum())
        self.phase_s = rng.uniform(0, 1, vessels) * self.step_s

    def __len__(self):
        return len(self.mmsi)

    def on_air(self, vessel, time_s):
        heard = np.ones(len(vessel), dtype=bool)
        for cycle, begin, end in self.silences:
            number, since = np.divmod(time_s, cycle)
            place = vessel * begin.shape[1] + number.astype("int64") % begin.shape[1]
            heard &= (since < begin.ravel()[place]) | (since >= end.ravel()[place])
        return heard

    def positions(self, vessel, time_s):
        """Latitude, longitude and course: straight legs from one end to the other and back."""
        legs = (self.offset_nm[vessel] + self.speed_kn[vessel] * time_s / 3600) / self.leg_nm[vessel]
        phase = legs % 2
        back = phase > 1
        gone_deg = np.where(back, 2 - phase, phase) * self.leg_nm[vessel] / 60
        course = np.radians(self.course[vessel])
        lat = self.lat[vessel] + gone_deg * np.cos(course)
        lon = self.lon[vessel] + gone_deg * np.sin(course) / np.cos(np.radians(self.lat[vessel]))
        return lat, lon, (self.course[vessel] + 180 * back) % 360


def _silences(rng, vessels, days, *, cycle_h, share, shortest_h, longest_h):
    """Seconds of a cycle, and begin and end of the silence in each cycle of each vessel; they come again in the end."""
    shape = (vessels, int(np.ceil(days * 24 / cycle_h)) + 1)
    length = np.where(rng.random(shape) < share, rng.uniform(shortest_h, longest_h, shape), 0.0) * 3600
    begin = rng.random(shape) * (cycle_h * 3600 - length)
    return cycle_h * 3600, begin, begin + length


def fleet(rows, *, mess="usual", seed=SEED, vessels=None, days=None):
    """The ships of a dump of so many rows; fewer than a million rows have 200 a ship."""
    _, most, usual_days = next((size for size in SIZES if rows <= size[0]), SIZES[-1])
    return Fleet(vessels or max(min(most, rows // 200), 1), days or usual_days, rows, MESSES[mess], seed)


def slices(rows, ships, *, mess="usual", seed=SEED):
    """Yield the rows of a dump by arrival, as arrays by column name; as many as asked for.

    `vessel` counts from 0, `time` is in seconds since 1970, `fault` numbers `FAULTS`, `again` tells second copies.
    """
    mess = MESSES[mess]
    length_s = ships.span_s * min(SLICE_ROWS / rows, 1.0)
    waiting, left, number = None, rows, 0
    while left > 0:
        rng = np.random.default_rng([seed, len(ships), number])
        own = _reports(rng, ships, mess, number * length_s, (number + 1) * length_s)
        pool = own if waiting is None else {name: np.r_[waiting[name], own[name]] for name in own}
        number += 1
        here = np.flatnonzero(pool["arrival"] < number * length_s)
        waiting = take(pool, np.flatnonzero(pool["arrival"] >= number * length_s))
        here = here[np.argsort(pool["arrival"][here], kind="stable")]
        here = np.repeat(here, 1 + pool.pop("twice")[here])[:left]
        left -= len(here)
        yield take(pool, here) | {"again": np.diff(here, prepend=-1) == 0}


def take(columns, index):
    return {name: values[index] for name, values in columns.items()}


def _reports(rng, ships, mess, begin_s, end_s):
    """What is sent in a stretch of time, in order of vessel and time."""
    first, last = (np.ceil((at - ships.phase_s) / ships.step_s).astype("int64") for at in (begin_s, end_s))
    vessel, turn = expand(first, last - first)
    sent = np.floor(ships.phase_s[vessel] + turn * ships.step_s[vessel])
    heard = ships.on_air(vessel, sent)
    vessel, sent = vessel[heard], sent[heard]
    n = len(vessel)
    lat, lon, course = ships.positions(vessel, sent)
    moving = ~ships.moored[vessel]
    cog = np.where(moving, course + rng.normal(0, 1, n), rng.uniform(0, 360, n)) % 360
    columns = {
        "vessel": vessel,
        "mmsi": ships.mmsi[vessel],
        "time": START_S + sent.astype("int64"),
        "lat": lat + rng.normal(0, 3e-5, n),
        "lon": (lon + rng.normal(0, 3e-5, n) + 180) % 360 - 180,
        "sog": np.round(np.where(moving, ships.speed_kn[vessel] + rng.normal(0, 0.2, n), 0.0), 1),
        "cog": np.floor(cog * 10) / 10,
        "heading": np.where(ships.has_heading[vessel], np.floor(course), 511).astype("int64"),
        "twice": rng.random(n) < mess.duplicate,
        "arrival": sent + _delay(rng, n, mess),
    }
    _spoil(rng, columns, mess)
    columns["lat"], columns["lon"] = np.round(columns["lat"], 5), np.round(columns["lon"], 5)
    return columns


def _delay(rng, n, mess):
    chance = rng.random(n)
    late = np.where(chance < mess.late_minutes, rng.exponential(60, n), 0.0)
    return np.where(chance > 1 - mess.late_hours, rng.uniform(3600, 6 * 3600, n), late)


def _spoil(rng, columns, mess):
    """Put in the faults; each row has one at most, and `fault` tells which."""
    shares = [getattr(mess, name) for name in FAULTS[1:]]
    chance = rng.random(len(columns["vessel"]))
    fault = columns["fault"] = (np.searchsorted(np.cumsum(shares), chance, side="right") + 1) % len(FAULTS)
    lost, beyond, spike = (np.flatnonzero(fault == kind) for kind in (NO_POSITION, OUT_OF_RANGE, SPIKE))
    columns["lat"][lost], columns["lon"][lost] = 91.0, 181.0
    columns["lat"][beyond] = rng.uniform(95, 200, len(beyond))
    columns["lat"][spike] = rng.uniform(-60, 60, len(spike))
    for kind, base in ((BASE_STATION, 2_190_000), (AID, 992_190_000)):
        rows = np.flatnonzero(fault == kind)
        columns["mmsi"][rows] = base + columns["vessel"][rows] % 10_000
        columns["heading"][rows] = 511
    rows = np.flatnonzero(fault == BAD_MMSI)
    columns["mmsi"][rows] = rng.choice([0, 111_111_111, 123_456_789], len(rows))
