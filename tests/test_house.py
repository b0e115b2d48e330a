"""Rules of the house, each a few lines over the syntax trees of the package."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import darkvoyage
from darkvoyage.schema.tables import TABLES
from darkvoyage.units import UNIT_SUFFIXES

ROOT = Path(darkvoyage.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
MODULES = {".".join(("darkvoyage", *path.relative_to(ROOT).with_suffix("").parts)): path for path in FILES}
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))

STAGES = ("tracks", "gaps", "reach", "linking", "scoring", "cargo", "screening")
LAYERS = [
    ("errors", "units", "data"),
    ("schema", "options"),
    ("rules",),
    ("config",),
    ("kernels",),
    ("geo",),
    ("sea",),
    ("io",),
    STAGES,
    ("simulation",),
    ("report",),
    ("chain", "engines"),
    ("evaluation",),
    ("demo", "bench"),
    ("cli",),
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# Dumps stream through reading, cleaning and gaps at once.
ALLOWED_SIBLINGS = {("gaps", f"darkvoyage.tracks.{name}") for name in ("cleaning", "episodes", "hulls", "stretches")}
# Visits take raw fixes too, as gaps do.
ALLOWED_SIBLINGS |= {("reach", "darkvoyage.tracks.cleaning")}

HEAVY = {"matplotlib", "folium", "movingpandas", "geopandas", "click", "tqdm", "requests", "polars", "duckdb", "jinja2"}
HEAVY_AT_HOME = ("report", "cli", "geo")
COMPILER = ("numba", "llvmlite")
CLOCKS = re.compile(r"\b(datetime|date|Timestamp|dt)\.(now|utcnow|today)$|^time\.(time|time_ns)$")
MAX_LINES = 400

PLAIN_NUMBERS = re.compile(
    r"((start|end)_)?(lat|lon|sog|cog|heading|nav_status)|(other_)?mmsi|(mmsi|fixes)_[ab]|imo|ship_type|rank"
    r"|(p|llr)_\w+|score|prior|confidence"
    r"|clear_fraction|fixes|fixes_(before|after)_12h(_ter|_sat|_dyn)?|expected_fixes|neighbours_heard"
    r"|calls_(seen|estimated_p\d\d)|barrels(_p\d\d)?"
)


def part_of(module):
    """`darkvoyage.gaps.find` -> `gaps`; the package itself -> ``; evaluation stands above the stages it judges."""
    if f"{module}.".startswith("darkvoyage.scoring.evaluation."):
        return "evaluation"
    return [*module.split("."), ""][1].replace("__init__", "")


def module_name(path):
    return next(name for name, where in MODULES.items() if where == path)


def imports(path):
    """Modules of the package that a file imports, at any depth."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            known = {*MODULES, "darkvoyage.__version__"}
            yield from (name if name in known else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own_imports(path):
    return sorted({name for name in imports(path) if name.split(".")[0] == "darkvoyage"})


def dotted(node):
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""


@EACH_FILE
def test_imports_point_downwards(path):
    here = part_of(module_name(path))
    for name in own_imports(path):
        there = part_of(name)
        if name == "darkvoyage.__version__":
            continue
        assert there, f"imports the package face: {name}"
        if there == here or (here, name) in ALLOWED_SIBLINGS:
            continue
        assert LEVEL[there] < LEVEL[here], f"{here} imports {name}"


def test_every_part_has_a_layer():
    assert {part_of(name) for name in MODULES} - {""} <= set(LEVEL)


def test_no_import_cycles():
    graph = {name: [other for other in own_imports(path) if other in MODULES] for name, path in MODULES.items()}
    done = set()

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for other in graph[name]:
                visit(other, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])


@EACH_FILE
def test_no_private_names_across_modules(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("darkvoyage"):
            assert not [alias.name for alias in node.names if re.match("_(?!_)", alias.name)]


@EACH_FILE
def test_no_relative_and_no_star_imports(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.names[0].name != "*"


@EACH_FILE
def test_heavy_libraries_are_imported_where_they_are_used(path):
    if part_of(module_name(path)) in HEAVY_AT_HOME:
        return
    for node in TREES[path].body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
            assert not {name.split(".")[0] for name in names} & HEAVY


def test_import_of_the_package_loads_nothing():
    code = "import sys, darkvoyage; print(*sorted({'numpy', 'pandas', 'scipy', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@EACH_FILE
def test_files_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@EACH_FILE
def test_no_print_no_clock_no_chance(path):
    for node in ast.walk(TREES[path]):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        assert name != "print", f"line {node.lineno}: print"
        if part_of(module_name(path)) != "cli":
            assert not CLOCKS.search(name), f"line {node.lineno}: {name} reads the clock"
        if name.endswith("default_rng"):
            assert node.args or node.keywords, f"line {node.lineno}: unseeded"
        assert not re.match(r"(np|numpy)\.random\.(rand|seed|choice|normal|uniform|shuffle)|random\.", name), name


@EACH_FILE
def test_errors_are_caught_by_name(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            assert caught, f"line {node.lineno}: bare except"
            assert not re.search(r"\b(Base)?Exception\b", caught), f"line {node.lineno}: except {caught}"


@EACH_FILE
def test_the_project_speaks_of_itself_only(path):
    text = path.read_text(encoding="utf-8")
    assert "shared/" not in text
    assert not re.search(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b", text)


def load(name):
    """Import a module; those of compiled kernels only where the extra `darkvoyage[fast]` is installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in COMPILER:
            raise
        return None


@EACH_FILE
def test_modules_say_what_they_export(path):
    if path.name == "__init__.py":
        return
    module = load(module_name(path))
    if module is None:
        pytest.skip("numba is not installed")
    for name in module.__all__:
        assert hasattr(module, name)
        assert not name.startswith("_")


def documented(text):
    """Names in the numpydoc section `Parameters`, None without one."""
    found = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", inspect.cleandoc(text or ""), re.M | re.S)
    if not found:
        return None
    heads = [line.split(" :")[0] for line in found[1].splitlines() if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for head in heads if not head.startswith("Parameters") for name in head.split(",")]


def public_functions():
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            continue
        module = load(name)
        if module is None:
            yield pytest.param(None, id=name, marks=pytest.mark.skip("numba is not installed"))
            continue
        for thing in (getattr(module, item) for item in getattr(module, "__all__", [])):
            if inspect.isfunction(thing) and thing.__module__ == name:
                yield pytest.param(thing, id=f"{name}.{thing.__name__}")
            elif inspect.isclass(thing) and thing.__module__ == name:
                for label, method in vars(thing).items():
                    method = getattr(method, "__func__", method)
                    if inspect.isfunction(method) and not label.startswith("_"):
                        yield pytest.param(method, id=f"{name}.{thing.__name__}.{label}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_documented_parameters_are_the_signature(function):
    assert function.__doc__, "no docstring"
    listed = documented(function.__doc__)
    if listed is not None:
        names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
        assert listed == names


@pytest.mark.parametrize("name", darkvoyage.__all__)
def test_public_functions_document_their_parameters(name):
    thing = getattr(darkvoyage, name)
    if inspect.isfunction(thing) and inspect.signature(thing).parameters:
        assert documented(thing.__doc__) is not None
        assert re.search(r"^ *(Returns|Yields)\n", thing.__doc__, re.M)


@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_numbers_carry_their_unit(spec):
    for column in spec.columns:
        if column.kind in ("int", "Int64", "Int16", "Int8", "float") and not PLAIN_NUMBERS.fullmatch(column.name):
            unit = re.sub(r"_p\d\d$", "", column.name).rpartition("_")[2]
            assert unit in UNIT_SUFFIXES, column.name


@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_keys_are_columns(spec):
    assert set(spec.key) <= set(spec.names)
    assert len(set(spec.names)) == len(spec.names)
