"""Numbers in two places, numbers that cannot be, and hulls that change their number."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.schema.flags import flag_state
from darkvoyage.tracks.identity import in_two_places, odd_identities, swapped_identities
from darkvoyage.tracks.sequences import sequences
from tests.tracks.integrity_tracks import MMSI, START, every, track, wavering

HULL = {"length_m": 105.0, "beam_m": 17.0}


def both(first, second):
    """Two tracks of one MMSI."""
    return pd.concat([first, second.assign(track_id=f"{MMSI}-1")], ignore_index=True)


def test_the_time_during_which_both_are_heard():
    table = both(track(every(30, 10), 10.0, -30.0), track(every(30, 14, since_h=6), 40.0, -30.0))
    found = dv.find_untrusted(table)
    assert found["reason"].tolist() == ["two_places"] * 2
    assert (found["start_time"] == START + pd.Timedelta("6h")).all()
    assert (found["end_time"] == START + pd.Timedelta("10h")).all()
    assert found["fixes"].tolist() == [9, 9]
    # Which of them is the ship is not known: neither is taken out unless asked for.
    assert dv.mark_untrusted(table, found)["flag"].isna().all()
    eager = dv.mark_untrusted(table, found, rule=IntegrityRule(min_confidence=0.5))
    assert (eager["flag"] == "untrusted").sum() == 18


def test_taking_turns_is_not_both_at_once():
    first = track(np.r_[every(30, 4), every(30, 30, since_h=26)], 10.0, -30.0)
    assert len(dv.find_untrusted(both(first, track(every(30, 20, since_h=10), 40.0, -30.0)))) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), max_size=25, unique_by=lambda x: x[0]))
def test_two_places_by_plain_loops(rows):
    rows = sorted(rows)
    hours, hull = [row[0] for row in rows], [row[1] for row in rows]
    table = track(hours, 10.0, -30.0).assign(track_id=[f"{MMSI}-{k}" for k in hull])
    line = sequences(table)
    found = in_two_places(line)
    pieces = []
    for k in range(3):
        mine = [h for h, other in rows if other == k]
        for h in mine:
            if pieces and pieces[-1][0] == k and h - pieces[-1][2] <= 6:
                pieces[-1][2] = h
            else:
                pieces.append([k, h, h])
    expected = {h for h, _ in rows if sum(a <= h <= b for _, a, b in pieces) > 1}
    assert {hours[line.row[place]] for place in found.members()} == expected


def test_numbers_that_cannot_be():
    # 9074729 is the worked example of the check digit: 9*7 + 0*6 + 7*5 + 4*4 + 7*3 + 2*2 = 139.
    ships = [
        track([0, 1], 0.0, 0.0, imo=9074729),
        track([0, 1], 0.0, 0.0, mmsi=MMSI + 1, imo=9074728),
        track([0, 1], 0.0, 0.0, mmsi=MMSI + 2, imo=10_500_000),
        track([0, 1], 0.0, 0.0, mmsi=299_000_001, imo=9074729),
    ]
    found = odd_identities(pd.concat(ships, ignore_index=True))
    assert found["track_id"].tolist() == [f"{MMSI + 1}-0", "299000001-0"]
    assert found["detail"].tolist() == [
        "IMO number 9074728 has a wrong check digit", "MMSI 299000001 begins with the digits of no state"
    ]  # fmt: skip
    assert found["fixes"].tolist() == [2, 2]


def test_the_flag_of_the_register():
    table = pd.concat([track([0, 1], 0.0, 0.0, mmsi=MMSI + ship) for ship in range(3)], ignore_index=True)
    register = pd.DataFrame({"mmsi": [MMSI, MMSI + 1, MMSI + 2], "flag": ["RU", "PA", "Fictonia"]})
    found = odd_identities(table, register)
    assert found["detail"].tolist() == ["the MMSI is of RU, the register says PA"]
    assert found["track_id"].tolist() == [f"{MMSI + 1}-0"]


def test_names_that_change():
    table = track([0, 1, 2], 0.0, 0.0, name=["HALDEN", None, "NORDKAP"], imo=[9074729, 9074729, 9176187])
    (detail,) = odd_identities(table)["detail"]
    assert detail == "imo changes: 2 values; name changes: 2 values"


# ITU, Table of Maritime Identification Digits.
@pytest.mark.parametrize(
    ("mmsi", "state"),
    [
        (273123456, "RU"), (445000001, "KP"), (440123456, "KR"), (412000000, "CN"), (636012345, "LR"),
        (351000000, "PA"), (620999000, "KM"), (613000001, "CM"), (511100000, "PW"), (205000000, "BE"),
        (775000000, "VE"), (538001234, "MH"), (299000001, None), (299, None), (12345, None),
        (4 * 10**15 + 7, None), (-5, None),
    ],
)  # fmt: skip
def test_states_by_their_digits(mmsi, state):
    assert flag_state(np.array([mmsi]))[0] == state


def swapped(*, wait_h=2.0, away_nm=5.0, **changes):
    """A ship that is silent from 40 h on, and another that is first heard soon after and a little further."""
    old = wavering(every(15, 40), **HULL)
    begin = 40 + wait_h
    hours = every(15, 80, since_h=begin)
    new = wavering(hours, lon=float(old["lon"].iloc[-1]) + away_nm / 60 / np.cos(np.radians(30)), mmsi=MMSI + 5, seed=9)
    bystander = wavering(every(15, 110), lat=12.0, mmsi=MMSI + 7, length_m=200.0, beam_m=30.0)
    return pd.concat([old, new.assign(**(HULL | changes)), bystander], ignore_index=True)


def swaps_of(table):
    return swapped_identities(sequences(table), table, IntegrityRule())


def test_a_hull_that_goes_on_under_another_number():
    found = dv.find_untrusted(swapped())
    assert found["reason"].tolist() == ["identity_swap"]
    assert found["track_id"].tolist() == [f"{MMSI + 5}-0"]
    assert found["detail"].iloc[0] == f"goes on where {MMSI}-0 fell silent, 5.0 nm on, as long and as wide"
    assert found["start_time"].iloc[0] == START + pd.Timedelta("42h")
    assert dv.mark_untrusted(swapped(), found)["flag"].isna().all()


@pytest.mark.parametrize(
    "table",
    [
        swapped(length_m=120.0),
        swapped(beam_m=np.nan),
        swapped(wait_h=0.25, away_nm=25.0),
        swapped(wait_h=2.0, away_nm=60.0),
        swapped(wait_h=100.0),
    ],
    ids=["longer", "unknown", "too far at once", "too far", "too late"],
)
def test_hulls_that_are_others(table):
    assert len(swaps_of(table).new) == 0


def test_sister_ships_are_many():
    sister = wavering(every(15, 110), lat=-20.0, mmsi=MMSI + 8, **HULL)
    assert len(swaps_of(pd.concat([swapped(), sister], ignore_index=True)).new) == 0


def test_two_ships_of_which_one_comes_back_while_the_other_is_heard():
    back = wavering(every(15, 70, since_h=60), lat=31.0, **HULL)
    assert len(swaps_of(pd.concat([swapped(), back], ignore_index=True)).new) == 0
    later = wavering(every(15, 110, since_h=90), lat=31.0, **HULL)
    found = swaps_of(pd.concat([swapped(), later], ignore_index=True))
    assert found.for_good.tolist() == [False]
    assert swaps_of(swapped()).for_good.tolist() == [True]
