import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from darkvoyage.chain import Investigation, investigate
from tests.worlds import hours, moored_fleet, one_gap, ports

TABLES = ("gaps", "silences", "port_calls", "links", "transfers", "cargo", "ledger", "screening")


def case(**more):
    """One tanker silent for 84 h in the middle of a fleet that is heard all the time, and a ship at the berth."""
    fixes = pd.concat([one_gap(), moored_fleet(12, 90, lat=41.5, lon=130.2).assign(mmsi=lambda t: t["mmsi"] + 50)])
    sightings = pd.DataFrame(
        {
            "sighting_id": ["s1"], "timestamp": hours([40.0]), "lat": [42.752], "lon": [133.085], "length_m": [101.0],
            "sensor": ["optical"], "scene_id": ["c1"],
        }
    )  # fmt: skip
    vessels = pd.DataFrame({"mmsi": [299_000_001], "length_m": [102.0], "dwt_t": [4500.0], "name": ["=DEMO <b>"]})
    watchlist = pd.DataFrame(
        {
            "list_name": ["fictional"], "mmsi": pd.array([299_000_001], dtype="Int64"), "name": ["DEMO"],
            "listed_on": pd.to_datetime(["2024-01-01"], utc=True), "source_sha256": ["0" * 64],
        }
    )  # fmt: skip
    given = {"ports": ports(), "sightings": sightings, "vessels": vessels, "watchlist": watchlist}
    return investigate(fixes, **(given | more))


@pytest.fixture(scope="module")
def found():
    return case()


def test_every_table_is_there(found):
    for name in TABLES:
        assert isinstance(getattr(found, name), pd.DataFrame), name
    assert len(found.gaps) == 1
    assert found.transfers.loc[found.transfers["p_transfer"].idxmax(), "port_id"] == "RUVYP"
    assert found.transfers["p_transfer"].max() > 0.5


def test_what_was_not_given_is_none():
    bare = case(sightings=None, watchlist=None)
    assert bare.links is None
    assert bare.screening is None


def test_lists_never_enter_the_score(found):
    pd.testing.assert_frame_equal(found.transfers, case(watchlist=None).transfers)


def test_no_gap_gives_an_honest_empty_answer():
    quiet = investigate(moored_fleet(3, 5))
    assert [
        len(getattr(quiet, name)) for name in ("gaps", "silences", "port_calls", "transfers", "cargo", "ledger")
    ] == [0] * 6


def test_save_and_load_round_trip(found, tmp_path):
    again = Investigation.load(found.save(tmp_path / "out"))
    for item in dataclasses.fields(found):
        mine, theirs = getattr(found, item.name), getattr(again, item.name)
        if isinstance(mine, pd.DataFrame):
            pd.testing.assert_frame_equal(mine, theirs, obj=item.name, check_dtype=len(mine) > 0)
        else:
            assert mine == theirs, item.name


def test_loading_something_else_is_refused(tmp_path):
    with pytest.raises(dv.ReadError, match="not a saved investigation"):
        Investigation.load(tmp_path)


def test_shuffled_fixes_change_nothing(found):
    fixes = pd.concat([one_gap(), moored_fleet(12, 90, lat=41.5, lon=130.2).assign(mmsi=lambda t: t["mmsi"] + 50)])
    shuffled = fixes.sample(frac=1, random_state=np.random.default_rng(3))
    first, second = investigate(fixes, ports=ports()), investigate(shuffled, ports=ports())
    pd.testing.assert_frame_equal(first.transfers, second.transfers)
    pd.testing.assert_frame_equal(first.ledger, second.ledger)


def test_progress_is_told():
    told = []
    investigate(moored_fleet(3, 5), progress=lambda stage, number, total: told.append((stage, number, total)))
    assert [number for _, number, _ in told] == list(range(12))
    assert {total for *_, total in told} == {12}
    assert [stage for stage, *_ in told][:3] == ["clean", "integrity", "gaps"]


def test_report_and_map(found, tmp_path):
    page = found.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "DEMO &lt;b&gt;" in page
    assert "DEMO <b>" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "illegal" not in page.lower()
    assert found.explore().get_root().render().count("leaflet") > 0
