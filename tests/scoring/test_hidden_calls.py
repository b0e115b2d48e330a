import functools

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import darkvoyage as dv
from darkvoyage.gaps.hiding import Tracks, without
from darkvoyage.kernels.sphere import great_circle_nm
from darkvoyage.reach.visits import find_port_visits
from darkvoyage.schema.conform import empty
from darkvoyage.schema.tables import PORT_CALLS
from darkvoyage.scoring.evaluation.baselines import nearest_port_by_slack
from darkvoyage.scoring.evaluation.hidden_calls import METRICS, judge_calls, mask_calls, without_history
from darkvoyage.scoring.evaluation.metrics import evaluate
from tests.worlds import hours

NUMBER = 6


def ports():
    """Six ports along 40 N, 60 nm apart."""
    lon = 130.0 + 60.0 / 60.0 / np.cos(np.radians(40.0)) * np.arange(NUMBER)
    return pd.DataFrame(
        {
            "port_id": [f"PORT{n}" for n in range(NUMBER)], "name": "", "country": None, "lat": 40.0, "lon": lon,
            "radius_nm": 3.0, "sensitive": False,
        }
    )  # fmt: skip


@functools.cache
def shuttles(ships=5, seed=3):
    """Fictional ships that sail at 12 kn 30 nm south of the ports, call at one in two, and wait at sea at the others.

    A fix every ten minutes; a call or a wait lasts 8 to 20 h.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for ship in range(ships):
        lat, lon, stop = [], [], []
        for turn in range(10):
            place = ports()["lon"].to_numpy()[(ship + turn) % NUMBER]
            calls = (ship + turn) % 2 == 0
            stay = int(rng.uniform(8, 20) * 6)
            way = np.linspace(39.5, 40.0 if calls else 39.6, 16 if calls else 4)
            lat += [way, np.full(stay, way[-1]), way[::-1], np.full(30, 39.5)]
            lon += [np.full(2 * len(way) + stay, place)]
            following = ports()["lon"].to_numpy()[(ship + turn + 1) % NUMBER]
            lon += [np.linspace(place, following, 30)]
            stop += [np.zeros(len(way)), np.ones(stay), np.zeros(len(way) + 30)]
        count = sum(len(part) for part in lat)
        speed = np.where(np.concatenate(stop) > 0, 0.0, 12.0)
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 299_000_001 + ship, "timestamp": hours(np.arange(count) / 6.0), "lat": np.concatenate(lat),
                    "lon": np.concatenate(lon), "sog": speed,
                }
            )
        )  # fmt: skip
    fixes = dv.clean_fixes(pd.concat(parts, ignore_index=True), rule=dv.CleanRule(max_speed_kn=200.0))
    assert fixes["flag"].isna().all()
    return fixes


@functools.cache
def visits():
    return find_port_visits(shuttles(), ports())


@functools.cache
def hidden(seed=0):
    return mask_calls(shuttles(), visits(), seed=seed)


def rows_inside(row):
    fixes = shuttles()
    inside = (fixes["mmsi"] == row.mmsi) & (fixes["timestamp"] > row.gap_start) & (fixes["timestamp"] < row.gap_end)
    return fixes[inside]


def test_every_whole_visit_is_hidden_and_paired():
    truth = hidden().truth
    whole = visits()[visits()["confidence"] == 4]
    calls = truth[truth["kind"] == "dark_call"]
    assert len(calls) == len(whole) > 15
    assert sorted(calls["truth_id"]) == sorted("hidden-" + whole["visit_id"])
    assert (truth["kind"] == "off_no_call").sum() == len(calls) - hidden().unmatched > 5


def test_the_rows_inside_are_gone_and_no_others():
    gone = pd.concat([rows_inside(row) for row in hidden().truth.itertuples()])
    assert not gone.index.duplicated().any()
    assert_frame_equal(hidden().fixes, shuttles().drop(gone.index).reset_index(drop=True))


def test_silences_begin_before_the_call_and_end_after_it_at_fixes_outside_the_port():
    calls = hidden().truth.query("kind == 'dark_call'")
    fixes = shuttles().set_index(["mmsi", "timestamp"])
    place = ports().set_index("port_id").loc[calls["port_id"]]
    for end in ("gap_start", "gap_end"):
        at = fixes.loc[pd.MultiIndex.from_frame(calls[["mmsi", end]])]
        far = great_circle_nm(
            at["lat"].to_numpy(), at["lon"].to_numpy(), place["lat"].to_numpy(), place["lon"].to_numpy()
        )
        assert (far > 3.0).all()
    hour = pd.Timedelta("1h")
    assert (calls["arrive"] - calls["gap_start"]).between(hour, 12 * hour + pd.Timedelta("10min")).all()
    assert (calls["gap_end"] - calls["depart"]).between(hour, 12 * hour + pd.Timedelta("10min")).all()


def test_stretches_without_a_call_hold_no_visit_and_last_as_long():
    truth = hidden().truth.assign(long=lambda table: table["gap_end"] - table["gap_start"])
    others = truth[truth["kind"] == "off_no_call"]
    met = others[["mmsi", "gap_start", "gap_end"]].merge(visits(), on="mmsi")
    assert not ((met["arrive"] < met["gap_end"]) & ~(met["depart"] <= met["gap_start"])).any()
    # Each is at most a tenth shorter than some call, longest with longest.
    calls = np.sort(truth.loc[truth["kind"] == "dark_call", "long"])[::-1]
    for long in np.sort(others["long"])[::-1]:
        assert ((calls >= long) & (calls * 0.9 <= long)).any()


def test_hidden_stretches_of_a_ship_never_overlap():
    truth = hidden().truth.sort_values(["mmsi", "gap_start"])
    same = truth["mmsi"].eq(truth["mmsi"].shift())
    assert (truth["gap_start"] >= truth["gap_end"].shift())[same].all()


def test_neighbouring_calls_share_the_fix_in_the_middle():
    near = mask_calls(shuttles(), visits(), lead_h=(40.0, 40.0), longest_h=1000.0)
    calls = near.truth.query("kind == 'dark_call'").sort_values(["mmsi", "gap_start"])
    same = calls["mmsi"].eq(calls["mmsi"].shift(-1))
    assert same.sum() > 5
    assert (calls["gap_end"] == calls["gap_start"].shift(-1))[same].all()


def test_same_seed_same_feed_in_any_order_of_rows():
    again = mask_calls(shuttles().sample(frac=1, random_state=1), visits().iloc[::-1])
    assert_frame_equal(again.fixes, hidden().fixes)
    assert_frame_equal(again.truth, hidden().truth)
    assert not hidden(1).truth["gap_start"].equals(hidden().truth["gap_start"])


def test_a_number_of_calls():
    some = mask_calls(shuttles(), visits(), number=4)
    assert (some.truth["kind"] == "dark_call").sum() == 4
    assert set(some.truth.query("kind == 'dark_call'")["truth_id"]) <= set(hidden().truth["truth_id"])


def test_limits_of_the_duration():
    lasts = lambda table: (table["gap_end"] - table["gap_start"]) / pd.Timedelta("1h")  # noqa: E731
    some = mask_calls(shuttles(), visits(), min_gap_h=20.0, longest_h=30.0).truth
    assert len(some)
    assert lasts(some).between(20.0, 30.0, inclusive="right").all()


def test_a_feed_without_visits_stays_as_it_is():
    nothing = mask_calls(shuttles(), visits().head(0))
    assert_frame_equal(nothing.fixes, shuttles())
    assert len(nothing.truth) == nothing.unmatched == 0
    assert len(judge_calls(nothing, ports())) == 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"number": 0}, "number"),
        ({"lead_h": (3.0, 1.0)}, "lead_h"),
        ({"lead_h": (-1.0, 1.0)}, "lead_h"),
        ({"min_gap_h": 0.0}, "min_gap_h"),
        ({"longest_h": 5.0}, "min_gap_h"),
    ],
)
def test_wrong_options(options, name):
    with pytest.raises(dv.RuleError, match=name):
        mask_calls(shuttles(), visits(), **options)


def test_visits_of_other_fixes_are_refused():
    with pytest.raises(dv.SchemaError, match=r"299000009-0"):
        mask_calls(shuttles(), visits().assign(track_id="299000009-0"))


def test_the_truth_scores_full_marks_and_nothing_scores_zero():
    truth = hidden().truth

    def told(gaps, places):
        """What is true of each gap, and the other ports at probability 0."""
        known = gaps.merge(truth[["mmsi", "gap_start", "port_id"]], on=["mmsi", "gap_start"])
        pairs = known[["gap_id", "port_id"]].merge(
            places[["port_id"]].rename(columns={"port_id": "place"}), how="cross"
        )
        calls = pairs.assign(hypothesis="port", p_call=pairs["port_id"].eq(pairs["place"]).astype("float64"))
        rest = known.assign(hypothesis="transit", place=None, p_call=known["port_id"].isna().astype("float64"))
        rows = pd.concat([calls, rest])[["gap_id", "place", "hypothesis", "p_call"]].rename(
            columns={"place": "port_id"}
        )
        return rows.assign(p_feasible=1.0)

    answers = judge_calls(hidden(), ports(), find=without_history(told))
    assert len(answers) == len(truth)
    assert answers["choice"].any()
    nothing = judge_calls(hidden(), ports(), find=without_history(lambda gaps, places: empty(PORT_CALLS)))
    for found, score in ((answers, 1.0), (nothing, 0.0)):
        judged = evaluate(found, METRICS).set_index("metric")
        # All calls of these ships last 8 to 20 h.
        undefined = {"declared_infeasible_under_6_h", "declared_infeasible_over_24_h"}
        assert set(judged.index[judged["n"] == 0]) == undefined
        np.testing.assert_allclose(judged["score"].drop(list(undefined)), score, atol=1e-12)


def test_some_calls_stay_in_the_open_and_are_the_history():
    whole = visits().loc[visits()["confidence"] == 4, "visit_id"]
    some = mask_calls(shuttles(), visits(), hide=whole[::2])
    told = set(some.truth.query("kind == 'dark_call'")["truth_id"])
    assert told == set("hidden-" + whole[::2])
    seen = []

    def look(gaps, places, history):
        seen.append(history)
        return empty(PORT_CALLS)

    judge_calls(some, ports(), find=look)
    kept = visits().loc[visits()["visit_id"].isin(whole[1::2]), ["mmsi", "port_id", "arrive"]]
    past = seen[0].dropna(subset=["port_id"])
    assert len(kept.merge(past, on=["mmsi", "port_id", "arrive"])) == len(kept) > 5
    hid = visits().loc[visits()["visit_id"].isin(whole[::2]), ["mmsi", "port_id", "arrive"]]
    assert len(hid.merge(past, on=["mmsi", "port_id", "arrive"])) == 0


def test_who_waits_at_sea_is_told_apart_from_who_sails():
    others = hidden().truth.query("kind == 'off_no_call'")
    for row in others.itertuples():
        inside = rows_inside(row)
        lat, lon = inside["lat"].to_numpy(), inside["lon"].to_numpy()
        away = great_circle_nm(lat[:1], lon[:1], lat, lon).max()
        mean_kn = great_circle_nm(lat[1:], lon[1:], lat[:-1], lon[:-1]).sum() / (len(lat) / 6.0)  # every ten minutes
        if abs(mean_kn - 3.0) > 0.5:  # the ends of the stretch are not among these fixes
            assert row.doing == ("at_rest" if away <= 0.5 else "adrift" if mean_kn < 3.0 else "under_way")
    assert {"at_rest", "under_way"} <= set(others["doing"])
    assert hidden().truth.query("kind == 'dark_call'")["doing"].isna().all()


def test_a_choice_is_five_ports_in_reach_whatever_the_search_says():
    nothing = judge_calls(hidden(), ports(), find=without_history(lambda gaps, places: empty(PORT_CALLS)))
    found = judge_calls(hidden(), ports(), find=without_history(nearest_port_by_slack))
    assert nothing["choice"].tolist() == found["choice"].tolist()
    # The six ports lie 60 nm apart; the ends of a silence are near one of them. In reach are those with the way there
    # and back within 12 kn times all but one hour: beside the nearest one five need 120 nm each way from the middle.
    truth = hidden().truth.set_index("truth_id").loc[found["truth_id"]]
    long_h = ((truth["gap_end"] - truth["gap_start"]).dt.total_seconds() / 3600.0).to_numpy()
    assert found.loc[long_h > 45.0, "choice"].equals(found.loc[long_h > 45.0, "y"])
    assert not found.loc[long_h < 15.0, "choice"].any()


def test_two_names_of_one_harbour():
    place = ports()
    twin = place.iloc[[2]].assign(port_id="TWIN", lat=place["lat"] + 2.0 / 60.0)
    far = place.iloc[[2]].assign(port_id="FAR", lat=place["lat"] + 4.0 / 60.0)
    both = pd.concat([place, twin, far], ignore_index=True)

    def says(name):
        def rule(gaps, places):
            calls = gaps[["gap_id"]].assign(port_id=name, hypothesis="port", p_call=0.9, p_feasible=1.0)
            return pd.concat([calls, calls.assign(port_id="PORT2", p_call=0.1)]).drop_duplicates(["gap_id", "port_id"])

        return judge_calls(hidden(), both, find=without_history(rule)).query("port_id == 'PORT2'")

    twins = says("TWIN")
    assert len(twins) > 0
    assert (twins["harbour"] & ~twins["top1"]).all()
    assert not says("FAR")["harbour"].any()
    assert says("PORT2")["harbour"].all()


def test_the_search_beats_saying_nothing():
    scores = evaluate(judge_calls(hidden(), ports()), METRICS).set_index("metric")["score"]
    assert scores["right_port_top3"] > 0.5
    assert scores["declared_infeasible"] > 0.9


def test_without_takes_out_what_is_strictly_inside():
    fixes = shuttles()
    tracks = Tracks.of(fixes)
    kept = without(fixes, tracks.track[[0, 0]], tracks.time[[3, 1]], tracks.time[[5, 3]])
    assert_frame_equal(kept, fixes.drop([2, 4]).reset_index(drop=True))
