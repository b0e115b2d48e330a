import pytest

from darkvoyage.bench.seeds import DEV_SEEDS, TEST_SEEDS, TIERS, tier_named
from darkvoyage.bench.sets import RealSet, named_sets, read_real_sets
from darkvoyage.errors import ReadError, RuleError
from darkvoyage.simulation.presets import PRESETS


def test_seeds_to_judge_by_are_no_seeds_to_tune_on():
    assert not set(DEV_SEEDS) & set(TEST_SEEDS)
    assert len(set(TEST_SEEDS)) == len(TEST_SEEDS)


@pytest.mark.parametrize("tier", TIERS.values(), ids=lambda tier: tier.name)
def test_tiers_take_test_seeds_and_known_presets(tier):
    tasks = tier.tasks()
    assert {task.seed for task in tasks} <= set(TEST_SEEDS)
    assert {task.preset for task in tasks} <= set(PRESETS)
    assert len({task.name for task in tasks}) == len(tasks)
    # Worlds of one group stand together: they are judged together.
    groups = [task.group for task in tasks]
    assert groups == sorted(groups, key=groups.index)


def test_the_full_tier_runs_every_preset_and_both_receptions():
    tasks = tier_named("full").tasks()
    assert {task.preset for task in tasks} == set(PRESETS)
    assert {task.reception for task in tasks} == {"physical", "pasted"}
    assert {task.hiding_share for task in tasks} > {None, 0.004, 0.1}


def test_no_such_tier():
    with pytest.raises(RuleError, match="expected one of small, full"):
        tier_named("huge")


def test_sets_from_toml(tmp_path):
    path = tmp_path / "sets.toml"
    path.write_text('[[set]]\nname = "A"\npath = "a*.csv"\nports = "p.csv"\nprotocols = ["silences", "calls"]\n')
    (read,) = read_real_sets(path)
    assert (read.name, read.path, read.protocols) == ("A", str(tmp_path / "a*.csv"), ("silences", "calls"))
    assert not read.is_there()
    (tmp_path / "a1.csv").touch()
    assert not read.is_there()  # the ports are missing
    (tmp_path / "p.csv").touch()
    assert read.is_there()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[set]]\nname = 'A'\n", "path missing"),
        ("[[set]]\nname = 'A'\npath = 'a'\nport = 'p'\n", "did you mean 'ports'"),
        ("[[set]]\nname = 'A'\npath = 'a'\nprotocols = ['winds']\n", "expected some of silences"),
        ("[[set]]\nname = 'A'\npath = 'a'\nprotocols = ['calls']\n", "needs ports"),
        ("sets = 1\n", "did you mean 'set'"),
        ("[[set\n", "not TOML"),
    ],
)
def test_sets_that_are_refused(tmp_path, text, words):
    path = tmp_path / "sets.toml"
    path.write_text(text)
    with pytest.raises(RuleError, match=words):
        read_real_sets(path)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_real_sets(tmp_path / "none.toml")


def test_sets_from_words():
    assert named_sets(["my feed=data/a=b.csv"]) == [RealSet(name="my feed", path="data/a=b.csv")]
    assert named_sets(["a=b"], ports="p.csv")[0].protocols == ("silences", "calls")
    with pytest.raises(RuleError, match="expected NAME=PATH"):
        named_sets(["a.csv"])
