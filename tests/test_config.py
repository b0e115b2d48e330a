import dataclasses
import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import darkvoyage as dv

RULES = [dv.CleanRule, dv.GapRule, dv.ReceptionRule, dv.PortRule, dv.LinkRule, dv.ScoreRule, dv.CargoRule, dv.VisitRule]
OPTIONS = [
    pytest.param(rule, field, id=f"{rule.__name__}.{field.name}")
    for rule in RULES
    for field in dataclasses.fields(rule)
]
NUMBERS = [case for case in OPTIONS if type(case.values[1].default) in (int, float)]


@pytest.mark.parametrize("rule", RULES)
def test_rules_are_frozen_keyword_only_values(rule):
    made = rule()
    assert made == rule()
    assert hash(made) == hash(rule())
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(rule)[0].name, 1)
    with pytest.raises(TypeError):
        rule(1.0)


@pytest.mark.parametrize("rule", RULES)
def test_unknown_options_are_refused_with_a_hint(rule):
    name = dataclasses.fields(rule)[0].name
    with pytest.raises(dv.RuleError, match=f"{rule.__name__}: unknown option '{name}x'; did you mean '{name}'"):
        rule(**{f"{name}x": 1})


@pytest.mark.parametrize("rule", RULES)
def test_every_option_is_documented_in_order(rule):
    section = inspect.getdoc(rule).split("----------\n")[1]
    heads = [line.split(" :")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    listed = [name for head in heads for name in head.split(", ")]
    assert listed == [field.name for field in dataclasses.fields(rule)]


@pytest.mark.parametrize(("rule", "field"), NUMBERS)
def test_numbers_are_numbers(rule, field):
    name = re.escape(f"{rule.__name__}.{field.name} = ")
    for bad in (float("nan"), float("inf"), "6", None, True, [1], 1j):
        with pytest.raises(dv.RuleError, match=name):
            rule(**{field.name: bad})


@pytest.mark.parametrize(("rule", "field"), NUMBERS)
def test_bounds(rule, field):
    bounds = field.metadata
    outside = {"gt": 0, "lt": 0, "ge": -1, "le": 1}
    words = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
    for kind, step in outside.items():
        if bounds[kind] is not None:
            with pytest.raises(dv.RuleError, match=f"{field.name} = .*must be {words[kind]} {bounds[kind]}"):
                rule(**{field.name: type(field.default)(bounds[kind] + step)})
    for kind in ("ge", "le"):
        if bounds[kind] is not None:
            assert getattr(rule(**{field.name: type(field.default)(bounds[kind])}), field.name) == bounds[kind]


@pytest.mark.parametrize("rule", RULES)
def test_whole_numbers_are_whole(rule):
    for field in dataclasses.fields(rule):
        if type(field.default) is int:
            with pytest.raises(dv.RuleError, match="whole number"):
                rule(**{field.name: field.default + 0.5})


def test_contract_defaults():
    assert dv.GapRule() == dv.GapRule(min_gap_h=6.0)
    assert dv.VoyageConfig().cap_bbl == 500_000
    assert dv.VoyageConfig().gap == dv.GapRule()


def test_toml_round_trip(tmp_path):
    config = dv.VoyageConfig(gap=dv.GapRule(min_gap_h=4.5), clean=dv.CleanRule(lookahead=3), cap_bbl=1)
    assert dv.VoyageConfig.from_toml(config.to_toml()) == config
    config.save(tmp_path / "rules.toml")
    assert dv.VoyageConfig.load(tmp_path / "rules.toml") == config


@given(
    st.floats(0, 1e6, exclude_min=True),
    st.floats(0, 24, exclude_min=True),
    st.integers(1, 64),
    st.floats(1e-300, 1e300),
)
def test_toml_keeps_every_digit(min_gap_h, lookback_h, lookahead, cap_bbl):
    config = dv.VoyageConfig(
        gap=dv.GapRule(min_gap_h=min_gap_h, lookback_h=lookback_h),
        clean=dv.CleanRule(lookahead=lookahead),
        cap_bbl=cap_bbl,
    )
    assert dv.VoyageConfig.from_toml(config.to_toml()) == config


def test_what_is_not_named_keeps_its_default():
    assert dv.VoyageConfig.from_toml("") == dv.VoyageConfig()
    assert dv.VoyageConfig.from_toml("[gap]\nmin_gap_h = 12").gap == dv.GapRule(min_gap_h=12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gap]\nmin_gap = 3", "GapRule: unknown option 'min_gap'; did you mean 'min_gap_h'"),
        ("[gaps]\nmin_gap_h = 3", "VoyageConfig: unknown option 'gaps'; did you mean 'gap'"),
        ("[gap]\nmin_gap_h = 0", "GapRule.min_gap_h = 0: must be greater than 0"),
        ('[gap]\nmin_gap_h = "6"', "GapRule.min_gap_h = '6': expected a number"),
        ("gap = 6", "VoyageConfig.gap = 6: expected a table"),
        ("cap_bbl = -1", "cap_bbl = -1: must be a finite number greater than 0"),
        ("cap_bbl = nan", "cap_bbl = nan"),
        ("cap_bbl = inf", "cap_bbl = inf"),
        ("cap_bbl = true", "cap_bbl = True"),
        ("[gap", "not TOML"),
    ],
)
def test_bad_configurations(text, message):
    with pytest.raises(dv.RuleError, match=re.escape(message)):
        dv.VoyageConfig.from_toml(text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(dv.ReadError, match=r"absent\.toml: cannot be read"):
        dv.VoyageConfig.load(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(dv.ReadError, match=r"bad\.toml: cannot be read"):
        dv.VoyageConfig.load(tmp_path / "bad.toml")


def test_a_rule_of_another_stage_is_refused():
    with pytest.raises(dv.RuleError, match=r"VoyageConfig\.gap = .*expected a GapRule"):
        dv.VoyageConfig(gap=dv.CleanRule())
