"""Integrity on real feeds: hardly an honest fix is marked, and what is known to be false is found.

None of the sets has labels of false positions. The feeds of the first list are of ports, straits and ferry lanes where
nobody reported jamming; those of the second hold numbers that many ships share.
"""

import numpy as np
import pytest

import darkvoyage as dv

pytestmark = pytest.mark.real

HONEST = {
    "ais_suez_2021/suez_2021_03_20_24.csv.gz": {"synthetic_ids": True},
    "ais_kattegat_parquet/kattegat_2025_11_1min.parquet": {},
    "ais_tankers_singapore/*.csv.gz": {},
    "ais_noaa_csv/*.csv*": {},
    "ais_baltic_semicolon/*.csv*": {},
    "ais_brest/*dynamic*": {},
    "ais_satellite_2012_scored/raw_10k_points.csv.gz": {},
    "ais_gfw_positions/position_messages.csv.gz": {},
    "ais_exactearth_csv/*.csv*": {},
}
"""Patterns of files and how they are read."""


@pytest.fixture
def cleaned(real_data):
    def read(pattern, **options):
        return dv.clean_fixes(dv.read_fixes(str(real_data / pattern), **options))

    return read


@pytest.mark.parametrize("pattern", HONEST)
def test_no_fix_of_an_honest_feed_is_marked(cleaned, pattern):
    fixes = cleaned(pattern, **HONEST[pattern])
    found = dv.find_untrusted(fixes)
    marked = dv.mark_untrusted(fixes, found)
    assert (marked["flag"] == "untrusted").sum() == 0
    # Ships that lie at anchor, ferries and tugs go round and straight, but not like this.
    assert not set(found["reason"]) & {"circle", "straight", "on_land"}


def test_a_number_that_many_ships_share(cleaned):
    fixes = cleaned("ais_gpsdio_jsonl/[0-9]*.jsonl*")
    found = dv.find_untrusted(fixes)
    shared = found[found["reason"] == "two_places"]
    # 416000000 is a default of Taiwanese sets; the peer's own segmentation of it has several ships at once.
    assert 416000000 in set(shared["mmsi"])
    assert (shared["confidence"] < 0.7).all()


def test_a_ship_in_the_ice(cleaned):
    fixes = cleaned("ais_satellite_150_fleet/non_gear_outside_chn.csv.gz")
    found = dv.find_untrusted(fixes)
    ashore = found[found["reason"] == "on_land"]
    rows = fixes[fixes["track_id"].isin(ashore["track_id"]) & fixes["flag"].isna()]
    # 72.9 S 79.1 E lies on the ice sheet, 300 km from the sea.
    assert np.hypot(rows["lat"] + 72.86, rows["lon"] - 79.09).min() < 0.01
    # The malformed numbers that the set is about begin with 150, which is given to no state.
    odd = found[found["reason"] == "identity"]
    assert odd["detail"].str.contains("MMSI 150").sum() >= 60


def test_identities_of_a_satellite_day(cleaned):
    fixes = cleaned("ais_exactearth_csv/*.csv*")
    odd = dv.find_untrusted(fixes)["reason"].eq("identity").sum()
    assert 0 < odd < 0.05 * fixes["mmsi"].nunique()
