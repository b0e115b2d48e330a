import numpy as np
import pytest

from darkvoyage.schema.ais import imo_valid, is_equipment, is_tanker
from tests import oracle

SHIPS = [273123450, 636012345, 412000001, 200000000, 775999999, 12345, 150402951, 99999]
EQUIPMENT = {
    "coast station": 2320001,
    "group": 27300001,
    "aircraft": 111232501,
    "handheld": 823456789,
    "SART": 970123456,
    "man overboard": 972123456,
    "EPIRB": 974123456,
    "craft of a parent ship": 982731234,
    "aid to navigation": 992310001,
    "beyond nine digits": 1000000000,
    "below zero": -5,
    "nobody": 0,
    "one": 1,
    "never set": 123456789,
    "repeated digit": 222222222,
}


@pytest.mark.parametrize("kind", EQUIPMENT)
def test_equipment(kind):
    assert is_equipment(np.array([EQUIPMENT[kind]])).all()


def test_ships_and_malformed_numbers_that_ships_use():
    assert not is_equipment(np.array(SHIPS)).any()


def test_equipment_twin():
    numbers = [*range(2000), *range(99_990, 100_010), *range(0, 10**9, 7_654_321)]
    numbers += [round(k * 10**6) + d for k in (2, 99, 100, 111, 112, 799, 800, 899, 900, 969, 970, 999) for d in (0, 5)]
    assert is_equipment(np.array(numbers)).tolist() == [oracle.is_equipment(number) for number in numbers]


def test_imo_check_digit():
    # IMO 9074729: 9*7 + 0*6 + 7*5 + 4*4 + 7*3 + 2*2 = 139, check digit 9 (the example of the IMO number scheme).
    numbers = np.array([9074729, 9074728, 907472, 90747290, 0, -9074729])
    assert imo_valid(numbers).tolist() == [True, False, False, False, False, False]


def test_tankers_are_the_eighties():
    assert is_tanker(np.array([79, 80, 89, 90, np.nan])).tolist() == [False, True, True, False, False]
