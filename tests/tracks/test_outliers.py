import numpy as np
import pandas as pd

import darkvoyage as dv
from tests.worlds import hours


def track(n=40, mmsi=299_000_001):
    """A ship that goes east at 12 kn, one fix every six minutes."""
    return pd.DataFrame({"mmsi": mmsi, "timestamp": hours(np.arange(n) * 0.1), "lat": 0.0, "lon": np.arange(n) * 0.02})


def flags(fixes):
    return dv.clean_fixes(fixes)["flag"].to_numpy(dtype=object, na_value=None)


def test_a_spike_is_a_jump_and_nothing_else_is():
    fixes = track()
    fixes.loc[20, "lat"] = 5.0
    assert np.flatnonzero(flags(fixes) == "jump").tolist() == [20]
    assert dv.clean_fixes(fixes)["track_id"].dropna().unique().tolist() == ["299000001-0"]


def test_an_outlier_too_near_to_break_on_one_side_is_found_by_the_other():
    # 0.1 h allow 1 + 5 nm; 5.5 nm off is reachable before, but the way back to the track is not.
    fixes = track()
    fixes.loc[20, "lon"] -= 0.09
    fixes.loc[20, "lat"] = 0.02
    fixes.loc[21:, "lon"] += 0.015
    found = dv.clean_fixes(fixes)
    assert found["track_id"].dropna().unique().tolist() == ["299000001-0"]


def test_scattered_spikes_never_become_a_hull():
    fixes = track(400)
    fixes.loc[np.arange(15, 400, 25), "lat"] = 8.0
    found = dv.clean_fixes(fixes)
    assert (found["flag"] == "jump").sum() == 16
    assert found["track_id"].dropna().unique().tolist() == ["299000001-0"]


def test_two_ships_taking_turns_are_two_hulls():
    there = track().assign(lat=30.0)
    there["timestamp"] += pd.Timedelta(minutes=3)
    found = dv.clean_fixes(pd.concat([track(), there]))
    assert found["flag"].isna().all()
    assert found.groupby("track_id")["lat"].nunique().tolist() == [1, 1]


def test_a_burst_of_false_positions_is_a_jump():
    fixes = track(60)
    fixes.loc[20:23, "lat"] = 9.0
    assert np.flatnonzero(flags(fixes) == "jump").tolist() == [20, 21, 22, 23]
