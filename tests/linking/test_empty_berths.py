"""A row of the analyst's spreadsheet that says "berth seen, no ship", from the file to the score, by hand."""

import numpy as np
import pandas as pd
import pytest

import darkvoyage as dv
from tests import oracle
from tests.worlds import one_gap, ports

BERTH = {"lat": 42.75, "lon": 133.08, "radius_nm": 3.0}
HEADER = "sighting_id,time_utc,lat,lon,sensor,provider,scene_id,cloud_pct,state,berth_id,length_m,notes\n"
EMPTY = "S1,2024-04-02 16:00,,,PlanetScope,Fictional,P1,40,no ship,RUVYP,,\n"
SHIP = "S2,2024-04-02 16:00,42.752,133.085,PlanetScope,Fictional,P1,40,berthed,RUVYP,101,\n"
LENGTH = {299_000_001: 102.0, 299_000_002: 102.0, 299_000_003: 102.0}


def read(folder, row):
    """Gaps of three ships, two of which could have called while the third's silence is too short; links and calls."""
    path = folder / "looks.csv"
    path.write_text(HEADER + row, encoding="utf-8")
    fixes = pd.concat([one_gap(), one_gap(120.0, mmsi=299_000_002), one_gap(20.0, mmsi=299_000_003)], ignore_index=True)
    gaps, places = dv.find_gaps(fixes), ports().head(1)
    vessels = pd.DataFrame({"mmsi": LENGTH.keys(), "length_m": LENGTH.values()})
    scenes = dv.read_scenes(path, ports=places)
    links = dv.link_sightings(gaps, dv.read_sightings(path), scenes=scenes, ports=places, vessels=vessels)
    return gaps, links, places


def by_hand(duration_h):
    """A ship of 102 m is seen in 95 % of the clear 60 %, if a stay of 20 h anywhere between the ways covers hour 40."""
    ways = [
        oracle.great_circle_nm(*end, BERTH["lat"], BERTH["lon"]) - BERTH["radius_nm"]
        for end in ((41.5, 130.3), (41.6, 130.2))
    ]
    window = duration_h - sum(ways) / 16.0
    assert ways[0] / 16.0 + 20.0 < 40.0 < duration_h - ways[1] / 16.0 - 20.0
    return 1.0 - 0.95 * 0.6 * 20.0 / (window - 20.0)


def test_a_negative_row_lowers_the_case_against_every_gap_in_reach(tmp_path):
    gaps, links, places = read(tmp_path, EMPTY)
    durations = gaps.set_index("gap_id")["duration_h"]
    assert links["sighting_id"].isna().all()
    rows = links.set_index("gap_id")["llr_absence"]
    assert sorted(durations[rows.index]) == [84.0, 120.0]
    for gap_id, llr in rows.items():
        assert np.exp(llr) == pytest.approx(by_hand(durations[gap_id]), rel=1e-3)
    calls = dv.find_port_calls(gaps, places)
    silences = dv.score_silence(gaps, dv.fit_reception(one_gap()))
    scored, without = (
        dv.score_transfers(gaps, silences=silences, port_calls=calls, links=table).set_index("gap_id")
        for table in (links, None)
    )
    for gap_id in rows.index:
        odds = [table["p_transfer"][gap_id] / (1 - table["p_transfer"][gap_id]) for table in (scored, without)]
        assert odds[0] / odds[1] == pytest.approx(by_hand(durations[gap_id]), rel=1e-3)


def test_the_same_row_with_a_ship_that_fits_is_no_absence(tmp_path):
    _, links, _ = read(tmp_path, SHIP)
    assert links["sighting_id"].notna().all()
    assert links["llr_absence"].isna().all()
    assert links.loc[links["gap_id"].notna(), "p_link"].sum() > 0.1
