import os
import threading

import numpy as np
import pytest

import darkvoyage as dv
from darkvoyage.sea.cache import VARIABLE, FieldCache, cache_folder
from darkvoyage.sea.field import Field, Level
from darkvoyage.sea.raster import Window
from darkvoyage.sea.wave import Anchors

RULE = dv.SeaRule()


class Maker:
    """Makes small fields and counts them."""

    def __init__(self):
        self.made = 0

    def __call__(self, lat, lon, reach_nm, rule):
        self.made += 1
        anchors = Anchors(np.array([lat, 1.0]), np.array([lon, 2.0]), np.array([0.0, 60.0]), np.array([-1, 0]))
        level = Level(Window(0.5, 10, 20, 3, 4), np.arange(12, dtype="int32") % 2)
        return Field(lat, lon, reach_nm, True, anchors, (level,))


@pytest.fixture
def make():
    return Maker()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sea"))
    return tmp_path / "sea"


def test_made_once_and_read_back_whole(make, folder):
    first = FieldCache().get(42.75, 133.08, 250.0, RULE, make)
    again = FieldCache().get(42.75, 133.08, 250.0, RULE, make)
    assert make.made == 1
    assert len(list(folder.glob("*.npz"))) == 1
    assert (again.lat, again.lon, again.reach_nm, again.on_land) == (42.75, 133.08, 250.0, True)
    assert again.levels[0].window == first.levels[0].window
    np.testing.assert_array_equal(again.levels[0].anchor, first.levels[0].anchor)
    for name in ("lat", "lon", "base_nm", "parent"):
        np.testing.assert_array_equal(getattr(again.anchors, name), getattr(first.anchors, name))


def test_what_asks_for_another_field(make, folder):
    cache = FieldCache()
    cache.get(42.75, 133.08, 1000.0, RULE, make)
    cache.get(42.75, 133.08, 250.0, RULE, make)
    cache.get(42.750004, 133.079996, 250.0, RULE, make)
    cache.get(42.75, 133.08, 250.0, dv.SeaRule(bias_share=0.1), make)
    assert make.made == 1
    cache.get(42.7502, 133.08, 250.0, RULE, make)
    cache.get(42.75, 133.08, 2500.0, RULE, make)
    cache.get(42.75, 133.08, 250.0, dv.SeaRule(closed=("Suez Canal",)), make)
    assert make.made == 4


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"not a field at all"])
def test_a_damaged_file_is_made_again(make, folder, damage):
    FieldCache().get(1.0, 2.0, 250.0, RULE, make)
    (path,) = folder.glob("*.npz")
    whole = path.read_bytes()
    path.write_bytes(damage)
    FieldCache().get(1.0, 2.0, 250.0, RULE, make)
    assert make.made == 2
    assert len(path.read_bytes()) == len(whole)
    path.write_bytes(whole[: len(whole) // 2])
    FieldCache().get(1.0, 2.0, 250.0, RULE, make)
    assert make.made == 3


def test_objects_are_never_read(make, folder):
    folder.mkdir()
    FieldCache().get(1.0, 2.0, 250.0, RULE, make)
    (path,) = folder.glob("*.npz")
    np.savez(path, head=np.array([1.0, 2.0, 250.0, print], dtype=object), allow_pickle=True)
    assert FieldCache().get(1.0, 2.0, 250.0, RULE, make).reach_nm == 250.0
    assert make.made == 2


def test_off_keeps_all_in_memory(make, monkeypatch):
    monkeypatch.setenv(VARIABLE, "off")
    assert cache_folder() is None
    cache = FieldCache()
    assert cache.get(1.0, 2.0, 250.0, RULE, make) is cache.get(1.0, 2.0, 250.0, RULE, make)
    cache.clear()
    cache.get(1.0, 2.0, 250.0, RULE, make)
    assert make.made == 2


def test_the_folder_of_the_user(monkeypatch):
    monkeypatch.delenv(VARIABLE)
    assert cache_folder().parts[-2:] == ("darkvoyage", "sea")


def test_a_folder_that_cannot_be_made(make, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "sea"))
    assert FieldCache().get(1.0, 2.0, 250.0, RULE, make).reach_nm == 250.0
    assert make.made == 1


def test_nothing_is_left_of_a_write_that_fails(make, folder, monkeypatch):
    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    assert FieldCache().get(1.0, 2.0, 250.0, RULE, make).reach_nm == 250.0
    assert list(folder.iterdir()) == []


def test_the_least_used_leaves_memory(make, monkeypatch):
    monkeypatch.setenv(VARIABLE, "off")
    size = make(0.0, 0.0, 250.0, RULE).size
    cache = FieldCache(memory_bytes=2 * size)
    for lat in (1.0, 2.0, 1.0, 3.0, 1.0):
        cache.get(lat, 0.0, 250.0, RULE, make)
    assert make.made == 4
    cache.get(2.0, 0.0, 250.0, RULE, make)
    assert make.made == 5


def test_many_at_once(make, folder):
    threads = [threading.Thread(target=lambda: FieldCache().get(1.0, 2.0, 250.0, RULE, make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
    assert FieldCache().get(1.0, 2.0, 250.0, RULE, Maker()).anchors.base_nm.tolist() == [0.0, 60.0]
