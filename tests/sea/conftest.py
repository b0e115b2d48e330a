import pytest

from darkvoyage.sea import distance
from darkvoyage.sea.cache import VARIABLE, FieldCache


@pytest.fixture(autouse=True)
def _nothing_on_disk(monkeypatch):
    """Fields are made by the code under test, not read from an earlier run."""
    monkeypatch.setenv(VARIABLE, "off")


@pytest.fixture(scope="module", autouse=True)
def _nothing_kept():
    """Fields are shared within a module only."""
    distance.FIELDS.clear()
    yield
    distance.FIELDS.clear()


@pytest.fixture
def fresh(monkeypatch):
    """A cache with nothing in memory."""
    cache = FieldCache()
    monkeypatch.setattr(distance, "FIELDS", cache)
    return cache
