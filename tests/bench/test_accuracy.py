"""The small tier end to end, and how its parts become tables."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from darkvoyage.bench import accuracy, worlds
from darkvoyage.bench.accuracy import Accuracy, measure_accuracy
from darkvoyage.bench.calls import CALL_RULES
from darkvoyage.bench.masked import CALLS
from darkvoyage.bench.pages import HEART, headline, heart, write_accuracy
from darkvoyage.bench.seeds import TIERS, WorldTask
from darkvoyage.bench.sets import RealSet
from darkvoyage.bench.worlds import OURS, TOLD_ALL, JudgedGroup, judge_group
from darkvoyage.cli import main
from darkvoyage.errors import RuleError
from darkvoyage.simulation.world import simulate


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("feed") / "feed.parquet"
    world = simulate(seed=3, vessels=20, days=20, preset="campaign")
    world.fixes.to_parquet(path, index=False)
    world.ports.to_parquet(path.with_name("ports.parquet"), index=False)
    sets = [
        RealSet(name="A feed", path=str(path)),
        RealSet(name="Its calls", path=str(path), ports=str(path.with_name("ports.parquet")), protocols=("calls",)),
        RealSet(name="Nowhere", path=str(path.with_name("none.csv"))),
    ]
    return measure_accuracy(tier="small", real_sets=sets, workers=2)


def test_every_link_is_judged_with_its_rules_and_the_oracle(measured):
    methods = measured.scores.groupby("link")["method"].agg(set)
    links = {"gaps", "silences", "port_calls", "open_calls", "meetings", "links", "transfers", "cargo"}
    assert set(methods.index) == links
    assert all(OURS in found for found in methods)
    assert {"duration", "fixes before", "GFW rule"} < methods["silences"]
    assert {"within 50 km", "nearest", "one to one"} < methods["links"]
    assert {"told silences", "told port calls", "told links", TOLD_ALL, "tanker gaps > 24 h"} < methods["transfers"]
    asked = measured.scores[measured.scores["link"].isin([link for link, _, _ in HEART])]
    assert {metric for _, metric, _ in HEART} <= set(asked["metric"])


def test_figures_do_not_depend_on_the_processes(measured):
    alone = judge_group([task for task in TIERS["small"].tasks() if task.group == "honest"], draws=TIERS["small"].draws)
    scores = measured.scores
    pd.testing.assert_frame_equal(scores[scores["group"] == "honest"].reset_index(drop=True), alone.scores)
    sizes = ["seed", "fixes", "gaps", "hidden calls", "expected calls"]
    worlds = measured.worlds
    pd.testing.assert_frame_equal(
        worlds.loc[worlds["group"] == "honest", sizes].reset_index(drop=True), alone.worlds[sizes]
    )


def test_a_world_in_which_nobody_hides_has_no_calls(measured):
    ran = measured.worlds.set_index("group")
    assert ran.loc["honest", "hidden calls"] == 0
    honest = measured.scores[(measured.scores["group"] == "honest") & (measured.scores["link"] == "transfers")]
    by_name = honest[honest["method"] == OURS].set_index("metric")
    assert by_name.loc["recall_at_0.5", "n"] == 0
    quiet = by_name.loc["expected_calls_per_quiet_gap", "value"] * ran.loc["honest", "gaps"]
    assert quiet == pytest.approx(ran.loc["honest", "expected calls"])


def test_real_sets_are_judged_or_named_as_absent(measured):
    assert measured.absent == ("Nowhere",)
    calls, judged = measured.sets
    assert calls.name == CALLS
    assert set(calls.scores["part"]) == {"calls, all", "calls, short", "calls, usual", "calls, long"}
    assert set(calls.scores["method"]) == {OURS, *CALL_RULES}
    assert 0 < calls.facts["vessels"] < 20  # one half of them
    top1 = calls.scores.query("part == 'calls, all' and metric == 'right_port_top1'")
    assert len(set(top1["n"])) == 1  # every method on the same silences
    assert top1["n"].iloc[0] >= calls.facts["calls"] > 5
    assert judged.facts["vessels"] >= 20
    assert {"silences, cell", "silences, vessel"} == set(judged.scores["part"])
    assert judged.scores["n"].max() > 20
    assert judged.reliability is not None


def test_the_page_and_the_data(measured, tmp_path):
    page = write_accuracy(tmp_path, measured)
    text = page.read_text()
    for heading in ("## In short", "## Real port calls, hidden", "### Silences", "### A feed", "## Worlds"):
        assert heading in text
    assert "Absent, so not measured: Nowhere." in text
    data = json.loads((tmp_path / "accuracy.json").read_text())
    assert len(data["scores"]) == len(measured.scores)
    assert data["absent"] == ["Nowhere"]
    plots = sorted(path.name for path in tmp_path.glob("*.png"))
    assert plots == [f"reliability_{name}.png" for name in ("a_feed", "links", "port_calls", "silences", "transfers")]
    assert all(f"({name})" in text for name in plots)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_accuracy(tmp_path, measured)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == again
    assert len(headline(measured).splitlines()) == len(HEART)


def test_the_command(measured, monkeypatch, tmp_path):
    asked = {}

    def instead(**options):
        asked.update(options)
        return measured

    monkeypatch.setattr(accuracy, "measure_accuracy", instead)
    words = ["bench", "accuracy", "--tier", "small", "--workers", "3", "--real", "A=a.csv", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [*headline(measured).splitlines(), f"accuracy: {tmp_path / 'accuracy.md'}"]
    assert (tmp_path / "accuracy.json").exists()
    del asked["progress"]
    assert asked == {"tier": "small", "workers": 3, "real_sets": [RealSet(name="A", path="a.csv")]}


def test_worlds_are_pooled_before_they_are_judged(monkeypatch):
    p = {1: [0.9, 0.2, 0.4, 0.3], 2: [0.5, 0.1]}
    y = {1: [True, False, False, True], 2: [True, False]}

    def judged(task):
        rows = pd.DataFrame({"p": p[task.seed], "y": y[task.seed], "mmsi": 299_000_001, "world": task.name})
        return {("silences", OURS): rows.assign(judged=True, stratum=1, vessel_days=2.0)}, {"seed": task.seed}

    monkeypatch.setattr(worlds, "judge_world", judged)
    monkeypatch.setattr(worlds, "RELIABLE", ("silences",))
    tasks = [WorldTask(group="two", preset="campaign", vessels=5, days=4, seed=seed) for seed in (1, 2)]
    group = judge_group(tasks, draws=0)
    scores = group.scores.set_index("metric")
    # By hand: 0.01 + 0.04 + 0.16 + 0.49 + 0.25 + 0.01 = 0.96 over six rows.
    assert scores.loc["brier", "value"] == pytest.approx(0.16)
    # Of the 3 x 3 pairs only (0.3, 0.4) is the wrong way round.
    assert scores.loc["auc", "value"] == pytest.approx(8 / 9)
    assert group.worlds["seed"].tolist() == [1, 2]
    assert group.reliability["silences"]["n"].sum() == 6


def test_wrong_options():
    with pytest.raises(RuleError, match="workers = 0"):
        measure_accuracy(tier="small", workers=0)
    with pytest.raises(RuleError, match="tier = 'large'"):
        measure_accuracy(tier="large")


def test_the_first_table_picks_the_best_rule_and_the_share_of_the_ceiling():
    def rows(method, value):
        link = {"group": "one", "link": "transfers", "metric": "average_precision", "low": value - 0.1}
        return link | {"method": method, "value": value, "high": value + 0.1, "score": 2 * value - 1, "n": 9}

    told = [rows(*pair) for pair in ((OURS, 0.8), ("weak rule", 0.6), ("good rule", 0.7), (TOLD_ALL, 0.9))]
    one = JudgedGroup("one", pd.DataFrame(told), {}, pd.DataFrame())
    made = Accuracy(tier=TIERS["small"], groups=(one,), sets=(), absent=())
    table = heart(made).set_index("figure").loc["hidden calls (average precision)"]
    assert table[OURS] == "0.800 (0.700 to 0.900)"
    assert (table["best simple rule"], table["which"]) == ("0.700 (0.600 to 0.800)", "good rule")
    # Scores, not values: 0.6 of 0.8.
    assert table["share of that ceiling"] == pytest.approx(0.75)
